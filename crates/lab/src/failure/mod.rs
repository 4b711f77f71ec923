//! Failures as data: what each one hits, does and undoes, and what must be seen afterwards.
//! Nothing here acts. The table itself is in `catalogue`; a lab's own entries are the same type.

mod aftershock;
mod catalogue;
mod check;
mod expect;
mod seconds;

pub use aftershock::Aftershock;
pub use catalogue::{CATALOGUE, find};
pub use check::{Fit, unfit};
pub use expect::{Counted, Expect, Leadership, Restarts, Restore, StatementName, Verdict};
pub use seconds::Seconds;

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// The static pod of the API server in a control plane node.
pub const API_SERVER_MANIFEST: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";
/// Where the failure that takes the API server away keeps it meanwhile.
pub const API_SERVER_MANIFEST_ASIDE: &str = "/etc/kubernetes/flinklab-kube-apiserver.yaml";
/// No failure stays applied for longer.
pub const LONGEST: Seconds = Seconds(300);

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
    /// What it hits.
    pub hits: Hits,
    /// In order, one after the other. What each of them needs as undo is known: see `Step::undo`.
    pub steps: Cow<'static, [Step]>,
    /// How long it stays applied before it is undone, and the least that shows the effect. None:
    /// its steps are over at once, or are undone when the run is judged.
    #[serde(rename = "for", default)]
    pub lasts: Option<Seconds>,
    /// How long after its undo the job may still be disturbed by it. None: what is known of its
    /// steps counts, see `Failure::aftershock`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aftershock: Option<Seconds>,
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

/// One act against what is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// SIGTERM to PID 1 by exec in the container, as a person would.
    Terminate,
    /// SIGKILL from the node: from inside, PID 1 is immune to it.
    Kill,
    /// Delete the pod with its own grace period.
    DeletePod,
    /// SIGSTOP from the node.
    Freeze,
    /// Drop the pod's packets in the node: to and from other pods and the API server.
    CutOff,
    /// The workloads of the JobManagers to no replicas.
    ScaleToZero,
    /// The manifest of the API server moved aside, so that its kubelet stops it.
    StopApiServer,
    /// `patch` on config maps taken out of the Role.
    ForbidPatch,
    /// The folder of the job's checkpoints read-only.
    ForbidWriting,
    /// The config map with the job's checkpoint pointers deleted.
    DeletePointers,
    /// The files of the job's state moved aside: those that checkpoints share, and those in them.
    LoseStateFiles,
    /// The container of the node paused through Docker.
    PauseNode,
}

/// What takes a step back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// The kubelet starts the container again.
    Kubelet,
    /// The controller makes another pod.
    Controller,
    /// SIGCONT from the node.
    Thaw,
    /// The rules are removed from the node.
    Reconnect,
    /// The replicas as they were.
    ScaleBack,
    /// The manifest is moved back.
    StartApiServer,
    /// The verb is put back; the leader is stopped once if it does not renew its lease then.
    AllowPatch,
    /// The folder's mode as it was.
    AllowWriting,
    /// The config map put back as it was, then the leader stopped once; where its checkpoint is
    /// gone, the job is submitted anew from the newest one that is kept.
    RestorePointers,
    /// The files of the job's state moved back; the job comes back at its next try.
    ReturnStateFiles,
    /// The container of the node goes on.
    ResumeNode,
}

impl Step {
    /// What takes it back.
    #[must_use]
    pub const fn undo(self) -> Undo {
        match self {
            Self::Terminate | Self::Kill => Undo::Kubelet,
            Self::DeletePod => Undo::Controller,
            Self::Freeze => Undo::Thaw,
            Self::CutOff => Undo::Reconnect,
            Self::ScaleToZero => Undo::ScaleBack,
            Self::StopApiServer => Undo::StartApiServer,
            Self::ForbidPatch => Undo::AllowPatch,
            Self::ForbidWriting => Undo::AllowWriting,
            Self::DeletePointers => Undo::RestorePointers,
            Self::LoseStateFiles => Undo::ReturnStateFiles,
            Self::PauseNode => Undo::ResumeNode,
        }
    }

    /// It has an effect for as long as it is not taken back.
    #[must_use]
    pub const fn lasts(self) -> bool {
        match self {
            Self::Terminate
            | Self::Kill
            | Self::DeletePod
            | Self::DeletePointers
            | Self::LoseStateFiles => false,
            Self::Freeze
            | Self::CutOff
            | Self::ScaleToZero
            | Self::StopApiServer
            | Self::ForbidPatch
            | Self::ForbidWriting
            | Self::PauseNode => true,
        }
    }
}

impl Undo {
    /// We must do it ourselves, so it is in the journal before the step is done.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        !matches!(self, Self::Kubelet | Self::Controller)
    }

    /// What happens then, for a person.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Kubelet => "the kubelet starts the container again",
            Self::Controller => "its workload makes another pod",
            Self::Thaw => "the process may go on (SIGCONT)",
            Self::Reconnect => "the rules are removed from the node",
            Self::ScaleBack => "as many are wanted as before",
            Self::StartApiServer => "its manifest is moved back",
            Self::AllowPatch => "the verb is put back",
            Self::AllowWriting => "the folder is writable again",
            Self::RestorePointers => "the config map is put back and the leader stopped once",
            Self::ReturnStateFiles => "the files are moved back",
            Self::ResumeNode => "the node's container goes on",
        }
    }

    /// For scripts.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Kubelet => "kubelet",
            Self::Controller => "controller",
            Self::Thaw => "SIGCONT",
            Self::Reconnect => "rules removed",
            Self::ScaleBack => "scaled back",
            Self::StartApiServer => "moved back",
            Self::AllowPatch => "verb put back",
            Self::AllowWriting => "writable again",
            Self::RestorePointers => "map put back, leader stopped",
            Self::ReturnStateFiles => "files moved back",
            Self::ResumeNode => "node resumed",
        }
    }
}

impl Failure {
    /// What takes the steps back, the newest first.
    pub fn undo(&self) -> impl Iterator<Item = Undo> {
        self.steps.iter().rev().map(|step| step.undo())
    }

    /// It leaves something that must be taken back by us.
    #[must_use]
    pub fn is_undone_by_us(&self) -> bool {
        self.undo().any(Undo::is_ours)
    }
}
