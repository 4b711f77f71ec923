//! What is known of a verb without doing it, and the words for what a lab and its failures are made
//! of.

use crate::{Script, Seconds, UndoKind};
use serde::{Deserialize, Serialize};
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

/// What a failure hits; resolved against the live lab when it is aimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hits {
    /// The JobManager that leads now.
    Leader,
    /// A JobManager that does not lead.
    Standby,
    /// A TaskManager that runs tasks.
    BusyTaskManager,
    /// Every JobManager, the leader first.
    AllJobmanagers,
    /// The API server of the leader's cluster.
    ApiServer,
    /// What the JobManagers may do: the Role that lets them renew their lease.
    Role,
    /// The folder of the job's checkpoints.
    CheckpointFolder,
    /// A worker node with a TaskManager that runs tasks, and without the leader.
    Worker,
}

/// The targets that are pods.
pub const POD_HITS: &[Hits] = &[
    Hits::Leader,
    Hits::Standby,
    Hits::BusyTaskManager,
    Hits::AllJobmanagers,
];

impl Hits {
    /// Whether the leader is among the pods that are hit.
    #[must_use]
    pub const fn includes_leader(self) -> bool {
        matches!(self, Self::Leader | Self::AllJobmanagers)
    }
}

/// What is fixed about a verb.
pub struct Facts {
    /// Kebab-case, as it is written in `steps` of a lab and in recordings. Never changes.
    pub key: &'static str,
    /// What it can be done to.
    pub hits: &'static [Hits],
    /// What it does to it, for the judge.
    pub effect: Effect,
    /// Until when it has this effect.
    pub until: Until,
    /// What takes it back.
    pub undone: UndoneBy,
    /// What its undo is called in the journal.
    pub undos: &'static [UndoKind],
    /// What it runs in a node.
    pub scripts: &'static [&'static Script],
}

/// What a verb does to what it hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The process ends.
    Ends(By),
    /// The process lives and stands still.
    Freezes,
    /// The process lives and reaches neither its peers nor the API server.
    CutsOff,
    /// Nobody reaches the API server.
    StopsServer,
    /// A node stands still with all that runs on it.
    StopsNode,
    /// Processes, nodes and the API server are left alone.
    Spares,
}

/// What ends a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A signal.
    Signal,
    /// Its kubelet, which runs the pod's preStop hook first.
    Kubelet,
}

/// Until when a verb has an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// It is over at once, and the cluster brings back what is gone: no undo of ours.
    Over,
    /// Until it is taken back, `for` after it was applied.
    Undone,
    /// It is over at once, and taken back when the run is judged.
    Judged,
}

/// What takes a verb back, in words.
#[derive(Debug, PartialEq, Eq)]
pub struct UndoneBy {
    /// What happens then, as part of a sentence.
    pub sentence: &'static str,
    /// For scripts.
    pub words: &'static str,
    /// It may take minutes: one who leaves does not wait for it, the next command does it.
    pub slow: bool,
}

/// A thawed leader may disturb the new one's job for so long.
pub(crate) const ECHO: Seconds = Seconds(3);
/// Flink drops a worker 50 s after its last heartbeat, and looks every 10 s.
pub(crate) const HEARTBEATS: Seconds = Seconds(60);
/// A leader renews within 5 s; one that has to be stopped for it needs another lease before. After
/// an outage of the API server its client's pauses come on top: seen 13 s after the undo.
const RENEWAL: Seconds = Seconds(30);

/// What may still come of a failure after it was taken back. Heartbeats that were lost meanwhile are
/// noticed only when their time is over, and a leader that may renew its lease again must do so
/// before it counts as one: a run that ends before that leaves its restart to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aftershock {
    /// For so long after it.
    Within(Seconds),
    /// Until whoever leads then has renewed the lease once.
    UntilRenewed,
}

impl Aftershock {
    /// How long it takes at the most.
    #[must_use]
    pub const fn longest(self) -> Seconds {
        match self {
            Self::Within(seconds) => seconds,
            Self::UntilRenewed => RENEWAL,
        }
    }
}

/// A lab's definition, as far as a verb asks for it.
pub trait Definition {
    /// How many JobManagers it starts.
    fn jobmanagers(&self) -> u64;
    /// Whether an operator makes its JobManagers.
    fn has_operator(&self) -> bool;
    /// Whether its Flink renews the lease by writing the whole config map.
    fn renews_by_update(&self) -> bool;
    /// Whether a Role of its own lets the JobManagers patch config maps.
    fn lets_patch_config_maps(&self) -> bool;
    /// A Flink option, where it is set.
    fn flink_option(&self, name: &str) -> Option<String>;
}
