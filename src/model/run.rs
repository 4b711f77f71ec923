//! One failure run: what was true before, what was seen since, and the shapes in which it is kept.
//! What counts as evidence is decided in `evidence`, what can be said from it in `judge`.

use super::{BreakOrder, Lock, Pod, Restored};
use crate::failure::{Failure, Role, StatementName, Verdict};
use crate::fault::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// What is hit where that is no pod: the API server, a Role, a folder. The pod above is the
    /// leader then, by which the aim is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// More pods that are hit with it, pinned as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Target>,
}

/// What was true just before the break.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// When it was taken.
    pub at: Timestamp,
    /// The job.
    pub job: Option<String>,
    /// The newest completed checkpoint, by REST or by the HA pointer.
    pub checkpoint: Option<u64>,
    /// The next checkpoint id by the config map.
    pub counter: Option<u64>,
    /// The epoch.
    pub epoch: Option<String>,
    /// Every epoch known: none of them can begin again.
    pub epochs: Vec<String>,
    /// The lock.
    pub lock: Option<Lock>,
    /// Pods with their restarts.
    pub pods: Vec<Pod>,
    /// Moments of restores already known.
    pub restores: Vec<Timestamp>,
}

/// What was seen since the break: evidence, bounded, in no need of order. Phases and statements
/// are worked out from it anew each time, so that a better stamp that comes late still counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Phases so far, in order of time; empty until it is known when the failure was sent.
    pub phases: Vec<Phase>,
    /// When the failure was sent.
    pub sent: Option<Stamp>,
    /// When the process was gone.
    pub gone: Option<Stamp>,
    /// When it was undone.
    #[serde(default)]
    pub undone: Option<Stamp>,
    /// Why it was undone before its time.
    #[serde(default)]
    pub healed: Option<String>,
    /// Proof that the failure hit, or why it did not.
    pub hit: Option<Result<String, String>>,
    /// It could not be carried out.
    pub fault: Option<Fault>,
    /// Epochs that began since, with the moment of their first leader key.
    pub epochs: Vec<(String, Timestamp)>,
    /// The newest look at the cluster's map: when, and the epoch in the dispatcher's key.
    pub map: Option<(Timestamp, Option<String>)>,
    /// What became of the lease that was held at the break.
    pub lease: Lease,
    /// Good answers of REST, oldest first.
    pub looks: Vec<Look>,
    /// When the newest question to REST was sent, whatever became of it.
    pub asked: Option<Timestamp>,
    /// Restores since the break, by time.
    pub restores: Vec<Restored>,
    /// Completed checkpoints seen since, by id, with what their witnesses say.
    pub completed: BTreeMap<u64, Completed>,
    /// The highest pointer and counter seen in the job's map.
    pub highest: (Option<u64>, Option<u64>),
    /// An id that came after a higher one, in words.
    pub fell: Option<String>,
    /// Flink's pods, by uid.
    pub pods: BTreeMap<String, Pod>,
    /// Since when the API server's watches are lost.
    pub blind: Option<Timestamp>,
    /// The newest moment seen.
    pub until: Option<Timestamp>,
    /// The clock jumped, or this machine slept: from when to when.
    pub jump: Option<(Timestamp, Timestamp)>,
}

/// A moment with its witness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// When.
    pub at: Timestamp,
    /// Who says so.
    pub observer: String,
    /// How coarse it is, in milliseconds.
    pub resolution_ms: u32,
}

/// The lease that was held at the break.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// The lock as its holder renewed it last.
    pub last: Option<Lock>,
    /// When it was given back or taken over, as far as that was seen.
    pub over: Option<Stamp>,
}

/// One good answer of REST, reduced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When the question was sent: what it shows is true at that moment or later.
    pub asked: Timestamp,
    /// When the answer was complete.
    pub done: Timestamp,
    /// When the question before it was sent: what is new became true after that.
    pub after: Option<Timestamp>,
    /// Our job, if it is in the list: its state and its tasks that run, of all.
    pub job: Option<(String, u32, u32)>,
    /// Other jobs in the list.
    pub others: Vec<String>,
    /// The newest restore in the memory of the leader that answered, if it told about checkpoints:
    /// none inside means that it knows of no restore.
    pub restored: Option<Option<Timestamp>>,
}

/// What the witnesses say about a completed checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// When it was triggered, by the JobManager's clock.
    pub triggered: Option<Timestamp>,
    /// When its last acknowledgement came, by the JobManager's clock.
    pub acknowledged: Option<Timestamp>,
    /// When its pointer was first seen in the job's map.
    pub pointed: Option<Timestamp>,
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
    /// The failure was taken back.
    Undone {
        /// When.
        at: Timestamp,
        /// Who says so.
        observer: String,
        /// How coarse the stamp is.
        resolution_ms: u32,
        /// It was asked for by somebody else, before its time: nothing can be proven then.
        early: Option<String>,
    },
    /// It could not be carried out at all.
    Refused(Fault),
    /// All is taken back, and others may break again: the run's name.
    Over(String),
}

/// A failure that is applied and must be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The run's name.
    pub run: String,
    /// The failure's key.
    pub failure: String,
    /// What is broken, for a person.
    pub what: String,
    /// Since when.
    pub since: Timestamp,
    /// When its owner will have taken it back.
    pub deadline: Timestamp,
    /// The process that will; none if it is gone.
    pub owner: Option<u32>,
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

/// Keeps the finer of two stamps.
pub(super) fn better(known: &mut Option<Stamp>, at: Timestamp, observer: &str, resolution_ms: u32) {
    if known
        .as_ref()
        .is_none_or(|known| resolution_ms < known.resolution_ms)
    {
        *known = Some(Stamp {
            at,
            observer: observer.to_owned(),
            resolution_ms,
        });
    }
}
