//! Everything that can happen. Closed on purpose: one match shows all of it, and every event can
//! be written as a line and played back.

use super::Key;
use super::{
    ActiveFailure, Deed, DiskSample, EffectKind, Finding, FlinkSample, Healed, JobDetail, JobTold,
    JobsSeen, Kept, KubeEvent, LogLine, MapChange, Need, Note, PodChange, PreviousLog, RunEvent,
    RunResult, StepChange,
    plan::{Done, Usual},
};
use flinklab_base::fault::Fault;
use flinklab_lab::failure::Failure;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// An event with the moment it was seen by us. The moment it happened, where that is known better,
/// is inside the event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    /// When we saw it.
    pub at: Timestamp,
    /// What it was.
    pub event: Event,
}

/// Everything that can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The clock moved on.
    Tick,
    /// The clock was set, or this machine slept: not as much time passed as the clock says.
    Jumped {
        /// When it would have been.
        from: Timestamp,
        /// What the clock says instead.
        to: Timestamp,
    },
    /// A key was pressed.
    Key(Key),
    /// The terminal has another size.
    Resize {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// The operating system wants something.
    Signal(Signal),
    /// A lab was found and opened, or its facts changed.
    Lab(Box<LabFacts>),
    /// There is no lab of that name yet.
    NoLab {
        /// The instance's name.
        name: String,
    },
    /// How far the lab was built, by what is written down about it.
    Stage(Stage),
    /// The failures that the lab offers.
    Failures(Vec<Failure>),
    /// A step of `up` or `down` changed.
    Step(StepChange),
    /// How long a plan of this kind usually takes on this machine.
    Usual(Usual),
    /// A whole plan ended well.
    Done(Done),
    /// The doctor has looked.
    Examined {
        /// What it found.
        findings: Vec<Finding>,
        /// What it mended.
        fixed: Vec<String>,
        /// What the lab needs of a machine; older recordings do not tell.
        #[serde(default)]
        need: Option<Need>,
    },
    /// A source answers again, or does not.
    Link {
        /// Which one.
        source: Source,
        /// Since when it is what.
        link: Link,
    },
    /// A node's container is in another state.
    Node(NodeSeen),
    /// From the watch of pods.
    Pods(PodChange),
    /// From the watch of HA config maps, decoded.
    Map(MapChange),
    /// From the watch of Kubernetes events.
    Kube(KubeEvent),
    /// One look at Flink's REST.
    Flink(FlinkSample),
    /// One look at the files of the mount.
    Disk(DiskSample),
    /// Lines of pods, in the order in which they arrived.
    Log(Vec<LogLine>),
    /// The job's vertices and exceptions.
    JobDetail(Box<JobDetail>),
    /// What a container said before its restart.
    Previous(PreviousLog),
    /// What we did, as a command.
    Did(Deed),
    /// The lab's lessons, and how far each was gone through.
    Lessons {
        /// In their order.
        all: Vec<flinklab_lab::Lesson>,
        /// Why there are none, where their files are wrong.
        wrong: Option<Fault>,
        /// By key.
        kept: BTreeMap<String, Kept>,
    },
    /// What the one who speaks reads, in the second terminal.
    Note(Box<Note>),
    /// The terminal that shows the lab is gone.
    Silence,
    /// What can be done with the job, as it was seen.
    Jobs(Box<JobsSeen>),
    /// From the hand that does something with the job.
    Job(JobTold),
    /// From the hand that breaks.
    Run(RunEvent),
    /// What is applied in the lab now and must be taken back, the newest first.
    #[serde(rename = "standing")]
    ActiveFailures(Vec<ActiveFailure>),
    /// What was taken back.
    Healed(Healed),
    /// Runs that were finished before we came, oldest first.
    Past(Vec<RunResult>),
    /// A finished run was written to its folder.
    Saved(Box<RunResult>),
    /// Something asked for could not be done.
    Failed {
        /// What was asked for.
        #[serde(default)]
        effect: EffectKind,
        /// Why not.
        #[serde(flatten)]
        fault: Fault,
    },
    /// The recording of the session ends here; the session goes on.
    Unrecorded(Fault),
    /// A task ended in a panic: a bug of ours.
    Crashed(String),
}

/// Signals of the operating system: those that end the program in order, and a shell's job control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP.
    Hangup,
    /// SIGTSTP: the shell wants its terminal.
    Suspend,
    /// SIGCONT: the terminal is ours again.
    Resume,
}

/// Where what we see comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A real Docker.
    #[default]
    Real,
    /// `flinklab try`.
    Simulated,
    /// `flinklab replay`.
    Recorded,
}

/// What is known about the lab itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabFacts {
    /// The instance, which is also the kind cluster's name.
    pub name: String,
    /// The definition's name.
    pub definition: String,
    /// Random id, also in the marker.
    pub id: String,
    /// Where what we see comes from.
    pub origin: Origin,
    /// Flink's web UI on loopback.
    pub ui: Option<String>,
    /// Our kubeconfig.
    pub kubeconfig: PathBuf,
    /// The job id written down last.
    pub job: Option<String>,
    /// Where pods see the shared path.
    pub mount: String,
    /// The namespace of Flink's objects.
    pub namespace: String,
    /// How often Flink is asked when all is well, in milliseconds.
    pub calm_ms: u64,
    /// The operator that makes its pods, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Box<OperatorFacts>>,
    /// Its JobManagers bring their job along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Box<ApplicationFacts>>,
    /// What the lab calls things, for commands that a person would type.
    #[serde(default)]
    pub names: Box<LabNames>,
    /// Its job can prove that its state is exact.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exact: bool,
    /// Keys of failures that this lab cannot have, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<(String, String)>,
}

impl LabFacts {
    /// Why this lab cannot have a failure; none if it can.
    #[must_use]
    pub fn lacks_for(&self, key: &str) -> Option<&str> {
        let found = self.lacks.iter().find(|(lacked, _)| lacked == key);
        found.map(|(_, why)| why.as_str())
    }
}

/// What is known of the operator that makes a lab's pods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorFacts {
    /// The kind of its object: `FlinkCluster`.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// Its object cannot have a second JobManager.
    pub alone: bool,
    /// What a person should know about its pods, a sentence each.
    pub says: Vec<String>,
}

/// What is known of JobManagers that run one program's `main()` and end with its job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationFacts {
    /// Their workload, such as `deployment/flink-jobmanager`; empty where the lab does not say it.
    pub workload: String,
    /// They are started again when they have ended with their job.
    pub comes_back: bool,
    /// Why flinklab cannot start them from a place that it chooses; none if it can.
    pub cannot_start: Option<String>,
}

/// Names of a lab's definition. Empty where a recording is older than they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LabNames {
    /// The container of a JobManager's pod.
    pub jobmanager: String,
    /// The container of a TaskManager's pod.
    pub taskmanager: String,
    /// The JobManagers' workload, such as `deployment/flink-jobmanager`.
    pub workload: String,
    /// The Role that lets them patch config maps.
    pub role: String,
    /// Flink's cluster id: the beginning of the names of its config maps.
    pub cluster: String,
    /// Where a node sees the jobs' checkpoints.
    pub checkpoints: String,
}

/// A node's container, as Docker tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSeen {
    /// The container's name, which is also the node's.
    pub name: String,
    /// What it does.
    pub state: NodeState,
    /// Since when, as far as Docker knows.
    pub since: Timestamp,
}

/// What a node's container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// It runs.
    Runs,
    /// Its processes are frozen: `docker pause`.
    Paused,
    /// It is stopped, or Docker was restarted and did not start it again.
    Stopped,
    /// There is no such container any more.
    Gone,
}

/// How far a lab was built.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// To its first checkpoint, at least once.
    #[default]
    Built,
    /// Its cluster was begun.
    Begun {
        /// What is missing, without a full stop.
        missing: String,
    },
    /// It has no cluster, but data of an earlier one.
    Kept,
}

impl Stage {
    /// Why there may be nothing to see, where the lab was never built to its end or is no more.
    #[must_use]
    pub fn unfinished(&self) -> Option<String> {
        match self {
            Self::Built => None,
            Self::Begun { missing } => Some(format!("not built to its end: {missing}")),
            Self::Kept => Some("no cluster, only kept data".to_owned()),
        }
    }
}

/// The things we look through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The Docker engine.
    Docker,
    /// The API server's watches.
    Api,
    /// Flink's REST.
    Flink,
    /// The files of the mount.
    Disk,
}

/// Whether a source answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// It answers.
    Live {
        /// Since when.
        since: Timestamp,
    },
    /// It does not.
    Lost {
        /// Since when.
        since: Timestamp,
        /// What it said last, or why we think so.
        why: String,
    },
}

impl Source {
    /// As a person calls it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Docker => "Docker",
            Self::Api => "API server",
            Self::Flink => "Flink REST",
            Self::Disk => "files",
        }
    }
}
