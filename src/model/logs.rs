//! The merged log of all JobManagers and TaskManagers: bounded by lines and by bytes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Lines kept. More than a screen ever scrolls back in a workshop.
const LINES: usize = 5000;
/// Bytes kept, for lines that are very long.
const BYTES: usize = 4 * 1024 * 1024;

/// How many lines of other pods a late one may pass.
const REORDER: usize = 400;

/// The newest lines, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Logs {
    /// The lines.
    pub lines: VecDeque<LogLine>,
    /// Bytes of their texts.
    bytes: usize,
    /// How many were dropped at the front so far.
    pub dropped: u64,
}

/// One line of a pod's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Stamped by the container runtime.
    pub at: Timestamp,
    /// The pod's name.
    pub pod: String,
    /// Without its line end, cleaned of control characters.
    pub text: String,
    /// Whether it speaks about high availability.
    pub highlight: Option<Highlight>,
}

/// Why a line is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Highlight {
    /// Leader election, lock, epoch.
    Leadership,
    /// Job recovered, restored, restarting.
    Recovery,
    /// A checkpoint completed or failed.
    Checkpoint,
    /// An error.
    Error,
}

impl Logs {
    /// Merges lines of one pod in. They come in batches, so a line may have to go before some of
    /// another pod that came first; far back nobody looks for it any more.
    pub(super) fn add(&mut self, lines: &[LogLine]) {
        for line in lines {
            self.bytes += line.text.len();
            let later = self.lines.iter().rev().take(REORDER);
            let later = later.take_while(|known| known.at > line.at).count();
            match later {
                0 => self.lines.push_back(line.clone()),
                // Older than all that may move: where it is now it is at least among its own.
                REORDER => self.lines.push_back(line.clone()),
                some => self.lines.insert(self.lines.len() - some, line.clone()),
            }
        }
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some(line) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= line.text.len();
            self.dropped += 1;
        }
    }
}
