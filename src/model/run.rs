//! One failure run: what was seen when, and what can be said about it. The judge is a pure
//! function of what was observed.

use super::{BreakOrder, Checkpoint, Pod, Restored};
use crate::failure::{Failure, Role, Verdict};
use crate::fault::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A run that is being observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What was ordered.
    pub order: BreakOrder,
    /// What was true just before.
    pub before: Baseline,
    /// What was seen since.
    pub seen: Observed,
}

/// Whom a failure hits: pinned when it is aimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The pod.
    pub pod: String,
    /// Its uid.
    pub uid: String,
    /// Its role.
    pub role: Role,
    /// The container's name.
    pub container_name: String,
    /// The container's id at the moment of aiming.
    pub container: Option<String>,
    /// The Kubernetes node it runs on, which is the node container's name.
    pub node: Option<String>,
    /// The epoch at the moment of aiming.
    pub epoch: Option<String>,
    /// Why this one, for a person: `leads epoch 3`.
    pub reason: String,
}

/// What was true just before the break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// When it was taken.
    pub at: Timestamp,
    /// The job.
    pub job: Option<String>,
    /// The newest completed checkpoint.
    pub checkpoint: Option<u64>,
    /// The next checkpoint id by the config map.
    pub counter: Option<u64>,
    /// The epoch.
    pub epoch: Option<String>,
    /// Pods with their restarts.
    pub pods: Vec<Pod>,
    /// Moments of restores already known.
    pub restores: Vec<Timestamp>,
}

/// What was seen since the break. Every moment is the best known one of the fact itself, not of
/// its arrival.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Phases reached, in the order in which they were learnt.
    pub phases: Vec<Phase>,
    /// Epochs that began since.
    pub epochs: Vec<String>,
    /// Completed checkpoint ids seen since, by any witness.
    pub completed: BTreeSet<u64>,
    /// A completed id that came after a higher one, with that one.
    pub fell: Option<(u64, u64)>,
    /// What the job was restored from since.
    pub restored: Option<Restored>,
    /// The first checkpoint completed after the restore.
    pub next: Option<Checkpoint>,
    /// A job other than ours was seen running, or ours was gone from a good answer.
    pub other_job: Option<String>,
    /// Our job was seen after the break.
    pub same_job: bool,
    /// All tasks were seen not running at some moment.
    pub interrupted: bool,
    /// Proof that the failure hit, or why it did not.
    pub hit: Option<Result<String, String>>,
    /// It could not be carried out.
    pub fault: Option<Fault>,
}

/// A moment of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Which one.
    pub name: PhaseName,
    /// Milliseconds since it was sent.
    pub ms: i64,
    /// When, on the clock.
    pub at: Timestamp,
    /// Who saw it.
    pub observer: String,
    /// How coarse the stamp is, in milliseconds.
    pub resolution_ms: u32,
}

/// The moments that are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseName {
    /// The signal or request went out.
    Sent,
    /// The process is gone.
    ProcessGone,
    /// The lease ran out or was released.
    LeaseOver,
    /// The first leader key with a new session id.
    NewEpoch,
    /// REST answers with the job list again.
    RestAnswers,
    /// The job was restored.
    JobRecovered,
    /// All tasks run again: the recovery time.
    TasksRunning,
    /// The first new checkpoint completed.
    NextCheckpoint,
    /// The failure was undone.
    Undone,
}

/// From the hand that breaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEvent {
    /// About to act. Written by every process that breaks, so that others see it too.
    Begun(Box<BreakBegun>),
    /// The signal or request went out.
    Sent {
        /// When.
        at: Timestamp,
        /// Who says so.
        observer: String,
        /// How coarse the stamp is.
        resolution_ms: u32,
    },
    /// The process is gone.
    Gone {
        /// When.
        at: Timestamp,
        /// Who says so.
        observer: String,
        /// How coarse the stamp is.
        resolution_ms: u32,
    },
    /// The target is proven hit, or proven not hit.
    Hit(Result<String, String>),
    /// It could not be carried out at all.
    Refused(Fault),
}

/// A break that is about to happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakBegun {
    /// The run's name.
    pub run: String,
    /// The failure.
    pub failure: Failure,
    /// Its target.
    pub target: Target,
}

/// One thing that can be said about a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Which one.
    pub name: StatementName,
    /// Seen so, seen otherwise, or not seen.
    pub verdict: Verdict,
    /// What was seen, in words.
    pub evidence: String,
}

/// The statements, in the order in which they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatementName {
    /// The failure really hit.
    Hit,
    /// Leadership moved, or did not, as expected.
    Leadership,
    /// The job kept its id.
    SameJob,
    /// The job came back from the newest completed checkpoint, or never stopped.
    Restored,
    /// Checkpoint ids only grow.
    IdsGrow,
    /// It was quick enough.
    InTime,
}

/// A finished run, as it is kept and reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Its name, which is also its folder's.
    pub run: String,
    /// The failure's key.
    pub failure: String,
    /// Whom it hit.
    pub target: Target,
    /// Real, simulated or recorded.
    pub origin: super::Origin,
    /// When it was sent, or ordered where it was not.
    pub at: Timestamp,
    /// Over all.
    pub verdict: Verdict,
    /// The verdict that this failure should have.
    pub expected: Verdict,
    /// Until all tasks ran again; none where the job never stopped.
    pub recovery_ms: Option<i64>,
    /// In order of time.
    pub phases: Vec<Phase>,
    /// In reading order.
    pub statements: Vec<Statement>,
}

/// What can be said about a run at a moment. None while it is too early to say.
#[must_use]
pub fn judge(_run: &Run, _now: Timestamp, _origin: super::Origin) -> Option<RunResult> {
    None
}
