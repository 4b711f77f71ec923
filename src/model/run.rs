//! One failure run: what was true before, what was seen since, and the shapes in which it is kept.
//! What counts as evidence is decided in `evidence`, what can be said from it in `judge`.

use super::pieces::{Completed, Files, HeldBack, Lease, Look, Renewal, Stamp};
use super::record::{Beat, Record};
use super::{BreakOrder, Count, EffectKind, Lock, Pod, Restored};
use crate::failure::{Role, StatementName, Verdict};
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
    /// Who fired it.
    pub whose: Whose,
}

/// Who fired a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whose {
    /// This process: it judges and keeps the run.
    #[default]
    Ours,
    /// Another one: what it says about the run counts.
    Elsewhere,
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
    /// What is hit where that is no pod: the API server, a Role, a folder, a node. The pod above is
    /// the leader then, or one that runs there: the aim is pinned by it.
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
    /// Slots of all TaskManagers, where they are known.
    #[serde(default)]
    pub slots: Option<u32>,
    /// The newest completed checkpoints, oldest first: the rhythm that the failure disturbs.
    #[serde(default)]
    pub rhythm: Vec<Beat>,
    /// The job can prove that its state is exact.
    #[serde(default)]
    pub exact: bool,
    /// What it had counted when it said so last of every key.
    #[serde(default)]
    pub count: Option<Count>,
}

/// A checkpoint that a pointer names, and the pointer's file where it was told.
pub type Pointed = (u64, Option<String>);

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
    /// When that was told: an undo may act once more after its stamp.
    #[serde(default)]
    pub undone_told: Option<Timestamp>,
    /// Why it was undone before its time.
    #[serde(default)]
    pub healed: Option<String>,
    /// Proof that the failure hit, or why it did not.
    pub hit: Option<Result<String, String>>,
    /// It could not be carried out.
    pub fault: Option<Fault>,
    /// Why nobody observes it to its end.
    #[serde(default)]
    pub broken_off: Option<String>,
    /// Epochs that began since, with the moment of their first leader key.
    pub epochs: Vec<(String, Timestamp)>,
    /// The pod that led an epoch, by its session id.
    #[serde(default)]
    pub led_by: BTreeMap<String, String>,
    /// The newest look at the cluster's map: when, and the epoch in the dispatcher's key.
    pub map: Option<(Timestamp, Option<String>)>,
    /// The leader keys as they were seen last: the session id by component.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
    /// An epoch that wrote a key after another one had begun: which, the other one, and when.
    #[serde(default)]
    pub wrote_again: Option<(String, String, Timestamp)>,
    /// What became of the lease that was held at the break.
    pub lease: Lease,
    /// Every renewal of the lock, by whomever, oldest first.
    #[serde(default)]
    pub renewals: Vec<Renewal>,
    /// Slots of all TaskManagers as seen last.
    #[serde(default)]
    pub slots: Option<(Timestamp, u32)>,
    /// The job's pointers as seen last, ascending: checkpoint, and the file's name.
    #[serde(default)]
    pub pointers: Option<(Timestamp, Vec<Pointed>)>,
    /// When each of them was first seen.
    #[serde(default)]
    pub pointed_since: BTreeMap<u64, Timestamp>,
    /// The map with the pointers was deleted, and is not there again.
    #[serde(default)]
    pub pointers_deleted: bool,
    /// The files as seen last.
    #[serde(default)]
    pub disk: Option<(Timestamp, Files)>,
    /// A checkpoint of after the break whose pointer and files were all seen, and its file's name.
    #[serde(default)]
    pub pointed_to: Option<Pointed>,
    /// Good answers of REST, oldest first.
    pub looks: Vec<Look>,
    /// What the job said that it had counted, oldest first.
    #[serde(default)]
    pub counts: Vec<Count>,
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
    /// Checkpoints that were given up since, with when that was seen.
    #[serde(default)]
    pub failed: BTreeMap<u64, Timestamp>,
    /// Stretches in which Kubernetes held a container back before it started it again.
    #[serde(default)]
    pub held_back: Vec<HeldBack>,
    /// Flink's pods, by uid.
    pub pods: BTreeMap<String, Pod>,
    /// When the watch of the HA config maps told something last: it was alive then.
    #[serde(default)]
    pub watched: Option<Timestamp>,
    /// Since when the API server's watches are lost.
    pub blind: Option<Timestamp>,
    /// Every stretch in which they were; the last one may go on.
    #[serde(default)]
    pub blinds: Vec<(Timestamp, Option<Timestamp>)>,
    /// The newest moment seen.
    pub until: Option<Timestamp>,
    /// The clock jumped, or this machine slept: from when to when.
    pub jump: Option<(Timestamp, Timestamp)>,
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
    /// The pod's preStop hook has slept, and SIGTERM goes out.
    Signalled,
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

/// What was taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "HealedAs")]
pub struct Healed {
    /// Who asked for it: a person, or a program that begins.
    pub effect: EffectKind,
    /// The newest first.
    pub undone: Vec<Standing>,
}

/// As it is read: with the effect, or as it was written before.
#[derive(Deserialize)]
#[serde(untagged)]
enum HealedAs {
    Of {
        effect: EffectKind,
        undone: Vec<Standing>,
    },
    Unknown(Vec<Standing>),
}

impl From<HealedAs> for Healed {
    fn from(written: HealedAs) -> Self {
        match written {
            HealedAs::Of { effect, undone } => Self { effect, undone },
            HealedAs::Unknown(undone) => Self {
                effect: EffectKind::Unknown,
                undone,
            },
        }
    }
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
    /// What else is kept: enough to draw the run and to tell it to somebody who was not there.
    #[serde(default)]
    pub record: Record,
}

/// What became of the job's tasks in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comeback {
    /// All ran again after so many milliseconds.
    After(i64),
    /// They ran all the time.
    NeverStopped,
    /// They were not seen running again.
    NotSeen,
}

impl RunResult {
    /// That a job never stopped is claimed only where it was seen: the statement on the restore
    /// holds, and there was none.
    #[must_use]
    pub fn comeback(&self) -> Comeback {
        let holds =
            |it: &Statement| it.name == StatementName::Restored && it.verdict == Verdict::Pass;
        let restored = |phase: &Phase| phase.name == PhaseName::JobRecovered;
        match self.recovery_ms {
            Some(ms) => Comeback::After(ms),
            None if self.phases.iter().any(restored) => Comeback::NotSeen,
            None if self.statements.iter().any(holds) => Comeback::NeverStopped,
            None => Comeback::NotSeen,
        }
    }
}
