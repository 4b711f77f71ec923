//! One failure run: what was true before, what was seen since, and the shapes in which it is kept.
//! What counts as evidence is decided in `evidence`, what can be said from it in `judge`.

use super::evidence_successor::Successor;
use super::pieces::{Completed, Files, HeldBack, Lease, Look, Renewal, Stamp};
use flinklab_base::fault::Fault;
use flinklab_event::{Beat, Phase};
use flinklab_event::{BreakOrder, Count, Lock, Pod, Restored};
use flinklab_lab::Checkpointing;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// History of restores already known.
    pub restores: Vec<Timestamp>,
    /// Slots of all TaskManagers, where they are known.
    #[serde(default)]
    pub slots: Option<u32>,
    /// The newest completed checkpoints, oldest first: the rhythm that the failure disturbs.
    #[serde(default)]
    pub rhythm: Vec<Beat>,
    /// When the job's checkpoints are taken, as Flink tells it; none in recordings of old.
    #[serde(default)]
    pub checkpointing: Option<Checkpointing>,
    /// Checkpoints that had failed already.
    #[serde(default)]
    pub failed: BTreeSet<u64>,
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
    /// The newest look at the cluster's map that showed something new: when, and the epoch in the
    /// dispatcher's key.
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
    /// The job's pointers as seen last, ascending: checkpoint, and the file's name.
    #[serde(default)]
    pub pointers: Option<(Timestamp, Vec<Pointed>)>,
    /// What the newest look at the files did not find of a pointer that was old enough, and since
    /// when each look was such a one.
    #[serde(default)]
    pub bare: Option<(Timestamp, String)>,
    /// When each of them was first seen.
    #[serde(default)]
    pub pointed_since: BTreeMap<u64, Timestamp>,
    /// The map with the pointers was deleted, and is not there again.
    #[serde(default)]
    pub pointers_deleted: bool,
    /// The files as seen last.
    #[serde(default)]
    pub disk: Option<(Timestamp, Files)>,
    /// A checkpoint of after the break whose pointer and files were all seen, by the newest look at the
    /// files, and its file's name.
    #[serde(default)]
    pub pointed_to: Option<Pointed>,
    /// Good answers of REST, oldest first.
    pub looks: Vec<Look>,
    /// Another job in the place of this one.
    #[serde(default)]
    pub successor: Option<Successor>,
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
    /// Failed checkpoints that the leader had counted: as seen first, and the most of it.
    #[serde(default)]
    pub failed_counted: Option<(u64, u64)>,
    /// Stretches in which Kubernetes held a container back before it started it again.
    #[serde(default)]
    pub held_back: Vec<HeldBack>,
    /// Flink's pods, by uid.
    pub pods: BTreeMap<String, Pod>,
    /// The watch of pods was lost, and has not listed them since.
    #[serde(default)]
    pub pods_unlisted: bool,
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
    /// The last tick of the loop.
    #[serde(default)]
    pub ticked: Option<Timestamp>,
    /// The clock jumped, or this machine slept: from when to when.
    pub jump: Option<(Timestamp, Timestamp)>,
}

impl Observed {
    /// A checkpoint failed since the break: it is listed, or the leader counted one more.
    pub(super) fn failed_more(&self) -> bool {
        let counted = self.failed_counted;
        !self.failed.is_empty() || counted.is_some_and(|(first, most)| most > first)
    }
}
