//! One line of a log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
