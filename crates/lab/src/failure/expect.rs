//! What must be seen after a failure, statement by statement. What is the same for every failure
//! (one leader, the same job, ids that grow, a readable pointer) needs no word; only where such a
//! statement is meant to fail is it named.

use super::Seconds;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// What must be seen after a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// Does another epoch begin?
    pub leadership: Leadership,
    /// Does the job restart from a checkpoint?
    pub restore: Restore,
    /// What becomes of the containers and pods that are hit.
    pub restarts: Restarts,
    /// How long it may take until all tasks run again; where the job is not touched, until the
    /// next checkpoint.
    pub within: Seconds,
    /// From when that counts.
    #[serde(default)]
    pub counted: Counted,
    /// Statements that must turn out FAIL: the failure is there to show that they can. One that
    /// only some labs have is left out by the others.
    #[serde(default)]
    pub fails: Cow<'static, [StatementName]>,
}

impl Expect {
    /// The verdict that shows the entry doing its job.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.fails.is_empty() {
            Verdict::Pass
        } else {
            Verdict::Fail
        }
    }
}

/// Whether a new leadership epoch is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leadership {
    /// A new session id must appear, whichever JobManager wins it.
    NewEpoch,
    /// The epoch must stay.
    Stays,
    /// Both are right: it depends on who is patient for longer.
    MayMove,
}

/// Whether the job is expected to restart from a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restore {
    /// From the newest one completed when the failure struck, or a newer one.
    Newest,
    /// The job must not restart at all.
    None,
    /// From the newest one if a new epoch began, else not at all.
    IfMoved,
}

/// What becomes of Flink's containers and pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restarts {
    /// None restarts, and the pods stay.
    None,
    /// The containers that were hit start again, once, in their pods.
    Target,
    /// Other pods take the place of those that were hit.
    Replaced,
    /// Both are right, that they stay and that others take their place: it depends on how long
    /// Kubernetes is patient.
    MayBeReplaced,
}

/// From when a time budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// From the moment of the break.
    #[default]
    Break,
    /// From its undo: before that, nothing can recover.
    Undone,
}

/// The statements about a run, in the order in which they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatementName {
    /// The failure really hit.
    Hit,
    /// Leadership moved, or did not, as expected.
    Leadership,
    /// Never two leaders at once, and none that does not renew its lease.
    OneLeader,
    /// The job kept its id.
    SameJob,
    /// The job came back from the newest completed checkpoint, or never stopped.
    Restored,
    /// Checkpoint ids only grow.
    IdsGrow,
    /// The pointer to the newest checkpoint is there and its files are readable.
    Pointer,
    /// Containers and pods restarted as expected, and the slots are back.
    Restarts,
    /// It was quick enough.
    InTime,
    /// Each number was counted once in the state: no gap, no duplicate. Only where the lab's job
    /// can prove it.
    Exact,
}

/// What can be said after looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Verdict {
    /// Seen as expected.
    #[default]
    #[serde(rename = "PASS")]
    Pass,
    /// Seen to be otherwise.
    #[serde(rename = "FAIL")]
    Fail,
    /// Not seen by any observer in time: of one statement.
    #[serde(rename = "UNKNOWN")]
    Unknown,
    /// No FAIL but an UNKNOWN: of a whole run.
    #[serde(rename = "INCONCLUSIVE")]
    Inconclusive,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Unknown => "UNKNOWN",
            Self::Inconclusive => "INCONCLUSIVE",
        })
    }
}
