//! What is kept of a run beside its judgement: enough to draw it and to tell it to somebody who was not there.

use flinklab_lab::Checkpointing;
use flinklab_lab::failure::Counted;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is kept of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The failure in a few words.
    pub title: String,
    /// What happens inside, told to a learner.
    pub story: String,
    /// The one thing to take away.
    pub teaches: String,
    /// Seconds in which all tasks should run again.
    pub within: u32,
    /// From when these count; none in records of old runs.
    pub counted: Option<Counted>,
    /// When the job's checkpoints were taken; none where nothing told.
    pub checkpointing: Option<Checkpointing>,
    /// How the lease of the leader ended; none where it was not to end.
    pub lease: Option<LeaseEnd>,
    /// Completed and failed checkpoints, by time.
    pub checkpoints: Vec<Beat>,
    /// What the job was restored from: checkpoint and milliseconds since the break.
    pub restores: Vec<(u64, i64)>,
    /// Who led, the one of before first.
    pub leaders: Vec<Led>,
    /// How long Kubernetes held containers back, in milliseconds since the break.
    pub held_back: Vec<Withheld>,
    /// When the last look was taken, in milliseconds since the break.
    pub until_ms: i64,
}

/// One checkpoint on the axis of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Its id.
    pub id: u64,
    /// When it was complete or given up.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u64>,
    /// It was given up.
    #[serde(default)]
    pub failed: bool,
}

/// One leadership of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Led {
    /// The session id.
    pub epoch: String,
    /// The pod, where it is known.
    pub pod: Option<String>,
    /// When it began, in milliseconds since the break; none for the one of before.
    pub ms: Option<i64>,
}

/// A stretch in which Kubernetes held a container back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// The pod.
    pub pod: String,
    /// Milliseconds since the break.
    pub from_ms: i64,
    /// Milliseconds since the break.
    pub to_ms: i64,
}

/// How a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeaseEnd {
    /// Given back: the next leader need not wait.
    Released,
    /// Given back, and taken again by the same process on its way out: it had to run out.
    Retaken,
    /// It ran out.
    RanOut,
    /// Another one took it before it ran out.
    TakenOver,
}

impl LeaseEnd {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Retaken => "released and retaken, then ran out",
            Self::RanOut => "ran out",
            Self::TakenOver => "taken over",
        }
    }
}
