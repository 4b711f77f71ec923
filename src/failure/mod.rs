//! Failures as data: what each one hits, does and undoes, and what must be seen afterwards.
//! Nothing here acts. The table itself is in `catalogue`; a lab's own entries are the same type.

mod catalogue;

pub use catalogue::{CATALOGUE, find};

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// What a pod is for. The lab definition maps it to labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the dispatcher and, if it leads, the job's master.
    JobManager,
    /// Runs the tasks.
    TaskManager,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JobManager => "JobManager",
            Self::TaskManager => "TaskManager",
        })
    }
}

/// One way to break the lab. One entry of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Failure {
    /// Kebab-case, what a person types.
    pub key: Cow<'static, str>,
    /// A few words for lists.
    pub title: Cow<'static, str>,
    /// What happens inside, told to a learner.
    pub story: Cow<'static, str>,
    /// The one thing to take away.
    pub teaches: Cow<'static, str>,
    /// What the lab must have for it.
    #[serde(default)]
    pub needs: Cow<'static, [Need]>,
    /// Which pod it hits.
    pub hits: Hits,
    /// In order, one after the other.
    pub steps: Cow<'static, [Step]>,
    /// What must be seen for PASS.
    pub expect: Expect,
}

/// What a lab must have so that a failure makes sense in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// A second JobManager.
    Standby,
    /// A worker node.
    Worker,
    /// State in files of its own, not inline in the metadata.
    StateFiles,
}

/// Which pod a failure hits; resolved against the live lab when it is aimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hits {
    /// The JobManager that leads now.
    Leader,
    /// A JobManager that does not lead.
    Standby,
    /// A TaskManager that runs tasks.
    BusyTaskManager,
}

/// One act against the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// SIGTERM to PID 1 by exec in the container, as a person would.
    Terminate,
    /// SIGKILL from the node: from inside, PID 1 is immune to it.
    Kill,
    /// Delete the pod with its own grace period.
    DeletePod,
}

/// What must be seen after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// Does another epoch begin?
    pub leadership: Leadership,
    /// Does the job restart from a checkpoint?
    pub restore: Restore,
    /// From the break until all tasks run again, in seconds.
    pub within: u32,
    /// The verdict that shows the entry doing its job.
    #[serde(default)]
    pub verdict: Verdict,
}

/// Whether a new leadership epoch is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leadership {
    /// A new session id must appear, whichever JobManager wins it.
    NewEpoch,
    /// The epoch must stay.
    Stays,
}

/// Whether the job is expected to restart from a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restore {
    /// From the newest one completed when the failure struck, or a newer one.
    Newest,
    /// The job must not restart at all.
    None,
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
