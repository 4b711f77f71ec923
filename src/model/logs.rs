//! The merged log of all JobManagers and TaskManagers: bounded by lines and by bytes. What programs
//! print is kept apart from what Flink says: a job that prints a line for each record must not
//! push the story of a failover out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Lines that Flink says. More than a screen ever scrolls back in a workshop.
    pub lines: usize,
    /// Lines of programs' output: they come by the hundred a second.
    pub output: usize,
    /// Bytes of all texts, for lines that are very long.
    pub bytes: usize,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            lines: 5000,
            output: 1000,
            bytes: 4 * 1024 * 1024,
        }
    }
}

/// How many lines of other pods a late one may pass.
const REORDER: usize = 400;

/// The newest lines, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Logs {
    /// Flink's own lines.
    pub lines: VecDeque<LogLine>,
    /// What programs printed.
    pub output: VecDeque<LogLine>,
    /// How much is kept.
    pub limits: LogLimits,
    /// Bytes of all texts.
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
    /// A checkpoint completed.
    Checkpoint,
    /// An error, or a checkpoint that failed.
    Error,
}

impl LogLine {
    /// Whether it is left out of the usual view: what programs print, and the frames of stack
    /// traces. Flink's own lines begin with their date, causes of an exception with `Caused by`.
    #[must_use]
    pub fn is_output(&self) -> bool {
        let text = self.text.as_bytes();
        let dated = text.len() > 10 && text[..4].iter().all(u8::is_ascii_digit) && text[4] == b'-';
        let cause = self.text.starts_with("Caused by: ");
        self.highlight.is_none() && !dated && !cause
    }
}

impl Logs {
    /// Merges lines of one pod in. They come in batches, so a line may have to go before some of
    /// another pod that came first; far back nobody looks for it any more.
    pub(super) fn add(&mut self, lines: &[LogLine]) {
        for line in lines {
            self.bytes += line.text.len();
            let lines = if line.is_output() {
                &mut self.output
            } else {
                &mut self.lines
            };
            let later = lines.iter().rev().take(REORDER);
            let later = later.take_while(|known| known.at > line.at).count();
            match later {
                0 => lines.push_back(line.clone()),
                // Older than all that may move: where it is now it is at least among its own.
                REORDER => lines.push_back(line.clone()),
                some => lines.insert(lines.len() - some, line.clone()),
            }
        }
        loop {
            let full = self.bytes > self.limits.bytes;
            let oldest =
                if self.output.len() > self.limits.output || full && !self.output.is_empty() {
                    self.output.pop_front()
                } else if self.lines.len() > self.limits.lines || full {
                    self.lines.pop_front()
                } else {
                    break;
                };
            let Some(line) = oldest else { break };
            self.bytes -= line.text.len();
            self.dropped += 1;
        }
    }
}
