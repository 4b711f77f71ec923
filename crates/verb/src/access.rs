//! What a verb is given to act with. All of it is proven to be the lab's own: nodes are known by
//! name only, and whoever implements these refuses a name that it has not proven; objects are those
//! of the lab's namespace.

use crate::{Act, Role, Script};
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_base::units;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// Work of a verb.
pub type Task<'a, T> = BoxFuture<'a, Result<T, Fault>>;
/// The same where nothing can go wrong.
pub type Done<'a> = BoxFuture<'a, ()>;
/// That a target was hit, or was not. None: nothing is known.
pub type Proof = Option<Result<String, String>>;

/// One pod that is hit, as it was proven just now.
#[derive(Debug, Clone)]
pub struct Victim {
    /// What it is for.
    pub role: Role,
    /// Its name.
    pub pod: String,
    /// Kubernetes' own identity.
    pub uid: String,
    /// Its node.
    pub node: String,
    /// The container that Flink runs in.
    pub container_name: String,
    /// The id of that container.
    pub container: String,
    /// The container's first process, as the node counts.
    pub pid: u32,
    /// When that process started, in clock ticks since the node's boot.
    pub start: u64,
    /// Its address; empty where it has none.
    pub address: String,
    /// The service account that it runs as.
    pub account: String,
    /// How long it may take to end in order.
    pub grace: Duration,
}

impl Victim {
    /// The container and its pod, for proofs.
    #[must_use]
    pub fn who(&self) -> String {
        let container = units::short(&self.container, units::CONTAINER);
        format!("container {container} of {}", self.pod)
    }

    /// The fault that says it is no longer what was aimed at.
    #[must_use]
    pub fn changed(&self, why: &str) -> Fault {
        let what = format!(
            "The {} {} is no longer what was aimed at.",
            self.role, self.pod
        );
        Fault::unable("target-changed", what)
            .why(why)
            .hint("Nothing was hit. Run the command again.")
    }
}

/// A node of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeName {
    /// Its container's name, which is also the node's.
    pub name: String,
    /// Its container's id.
    pub id: String,
}

impl NodeName {
    /// Whether it runs the API server.
    #[must_use]
    pub fn is_control_plane(&self) -> bool {
        self.name.ends_with("-control-plane")
    }
}

/// Where the job's checkpoints are in a node.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    /// The job.
    pub job: String,
    /// Where the node has the shared folder.
    pub mount: String,
    /// Their folder, below that.
    pub folder: String,
    /// The same as a path of the node.
    pub path: String,
}

/// Whether the container runtime still knows a container whose process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It stays in its pod.
    Kept,
    /// It goes with its pod.
    Forgotten,
}

/// How a process is ended from outside.
pub struct Ending<'a> {
    /// What ends it.
    pub request: Task<'a, ()>,
    /// Who stamps the request: `our clock, before the DELETE`.
    pub observer: &'static str,
    /// How long the process may live on.
    pub limit: Duration,
    /// Whether its exit code can be asked for.
    pub exit: Exit,
}

/// What a verb acts with while it is applied: the run, its targets, and the lab's nodes.
pub trait Injection: Send + Sync {
    /// The run's name.
    fn run(&self) -> &str;

    /// What was aimed at; the leader where no pod is hit. There is at least one.
    fn victims(&self) -> &[Victim];

    /// The lab's nodes.
    fn nodes(&self) -> Vec<NodeName>;

    /// The objects of the lab's namespace.
    fn cluster(&self) -> &dyn Cluster;

    /// Whether no other step follows: only then does this one tell when it was sent, and prove it.
    fn is_last(&self) -> bool;

    /// The job that runs.
    fn job(&self) -> Result<&str, Fault>;

    /// Where a node sees the job's checkpoints.
    fn checkpoints(&self, node: &str) -> Result<Checkpoints, Fault>;

    /// Writes down what takes this step back, in the words of a person and as acts. It is on disk
    /// when this returns. What this step wrote before is replaced.
    fn journal(&mut self, what: String, undo: Vec<Act>) -> Result<(), Fault>;

    /// Whether it is still written down: another process may have taken it back.
    fn is_journaled(&self) -> bool;

    /// Starts the clock of `for`, unless it runs.
    fn began(&self);

    /// What is left of the time for which it stays applied.
    fn left(&self) -> Duration;

    /// Tells when the failure was sent.
    fn sent<'a>(&'a self, at: Timestamp, began: Instant, observer: &'a str) -> Done<'a>;

    /// Tells that it hit, or that it did not.
    fn hit(&self, proof: Result<String, String>) -> Done<'_>;

    /// Runs a script in a node and returns what it wrote. One that fails is a fault.
    fn output<'a>(
        &'a self,
        node: &'a str,
        script: &'a Script,
        words: &'a [&'a str],
        doing: &'a str,
    ) -> Task<'a, String>;

    /// Runs a script that says when it acts and when that took effect (`sent` and `stopped`, each
    /// with nanoseconds), tells the first and returns the second, or why it did not. One that fails
    /// before it acts is a fault. `what` names the act: `SIGSTOP`.
    fn script<'a>(
        &'a self,
        node: &'a str,
        script: &'a Script,
        words: &'a [&'a str],
        limit: Duration,
        what: &'a str,
    ) -> Task<'a, Result<Timestamp, String>>;

    /// Sends SIGKILL to a victim's process from its node, and proves its end.
    fn kill<'a>(&'a self, victim: &'a Victim, limit: Duration) -> Task<'a, Proof>;

    /// Waits in the node for the end of a victim's process, ends it from outside, and proves it.
    fn end<'a>(&'a self, victim: &'a Victim, ending: Ending<'a>) -> Task<'a, Proof>;

    /// Runs a command in a victim's container. That the container ends meanwhile is no fault.
    fn exec<'a>(&'a self, victim: &'a Victim, argv: &'a [&'a str]) -> Task<'a, ()>;

    /// Pauses a node's container through Docker.
    fn pause<'a>(&'a self, node: &'a str) -> Task<'a, ()>;

    /// Resumes a node's container through Docker.
    fn resume<'a>(&'a self, node: &'a str) -> Task<'a, ()>;

    /// Whether Docker says that a node's container is paused.
    fn is_paused<'a>(&'a self, node: &'a str) -> Task<'a, bool>;
}

/// A node that something is taken back in.
pub trait NodeAccess: Send + Sync {
    /// Runs a script that ends with a word and a stamp; the stamp.
    fn undo<'a>(&'a self, script: &'a Script, words: &'a [&'a str]) -> Task<'a, Timestamp>;

    /// Where the node has the shared folder, and a path of the node as it is called below that.
    fn in_shared<'a>(&'a self, path: &'a str) -> Result<(&'a str, &'a str), Fault>;

    /// Resumes the node's container through Docker. One that is not paused, or is gone, is fine.
    fn resume(&self) -> Task<'_, ()>;
}

/// Whose objects those of a kind are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A namespace's: only those of the lab's own are reached.
    Namespace,
    /// The cluster's.
    Cluster,
}

/// A kind of Kubernetes object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Such as `apps/v1`.
    pub api: &'static str,
    /// Such as `deployments`.
    pub plural: &'static str,
    /// Such as `Deployment`.
    pub name: &'static str,
    /// Whose they are.
    pub scope: Scope,
}

const fn kind(api: &'static str, plural: &'static str, name: &'static str) -> Kind {
    Kind {
        api,
        plural,
        name,
        scope: Scope::Namespace,
    }
}

/// `Deployment`
pub const DEPLOYMENT: Kind = kind("apps/v1", "deployments", "Deployment");
/// `StatefulSet`
pub const STATEFUL_SET: Kind = kind("apps/v1", "statefulsets", "StatefulSet");
/// `ConfigMap`
pub const CONFIG_MAP: Kind = kind("v1", "configmaps", "ConfigMap");
/// `Pod`
pub const POD: Kind = kind("v1", "pods", "Pod");
/// `Role`
pub const ROLE: Kind = kind("rbac.authorization.k8s.io/v1", "roles", "Role");
/// `RoleBinding`
pub const ROLE_BINDING: Kind = kind(
    "rbac.authorization.k8s.io/v1",
    "rolebindings",
    "RoleBinding",
);
/// `SubjectAccessReview`: a question, not an object.
pub const SUBJECT_ACCESS_REVIEW: Kind = Kind {
    scope: Scope::Cluster,
    ..kind(
        "authorization.k8s.io/v1",
        "subjectaccessreviews",
        "SubjectAccessReview",
    )
};

impl Kind {
    /// Where the API server has its objects.
    #[must_use]
    pub fn path(&self, namespace: &str) -> String {
        let group = if self.api.contains('/') {
            "apis"
        } else {
            "api"
        };
        let Self { api, plural, .. } = self;
        match self.scope {
            Scope::Namespace => format!("/{group}/{api}/namespaces/{namespace}/{plural}"),
            Scope::Cluster => format!("/{group}/{api}/{plural}"),
        }
    }
}

/// The lab's live cluster: objects as JSON, Flink, and its leader. `doing` says what is asked for
/// where it fails, without a full stop: `Scaling a to 0`.
pub trait Cluster: Send + Sync {
    /// The lab's namespace.
    fn namespace(&self) -> &str;

    /// The config map of a job.
    fn job_map(&self, job: &str) -> String;

    /// Whether a workload of that kind makes the lab's JobManagers.
    fn makes_jobmanagers(&self, kind: &Kind, workload: &Value) -> bool;

    /// One object; none if there is none.
    fn get<'a>(&'a self, kind: &'a Kind, name: &'a str, doing: &'a str) -> Task<'a, Option<Value>>;

    /// All objects of a kind.
    fn list<'a>(&'a self, kind: &'a Kind, doing: &'a str) -> Task<'a, Vec<Value>>;

    /// Makes an object; the answer.
    fn create<'a>(&'a self, kind: &'a Kind, object: Value, doing: &'a str) -> Task<'a, Value>;

    /// Changes an object by a JSON merge patch.
    fn patch<'a>(
        &'a self,
        kind: &'a Kind,
        name: &'a str,
        patch: Value,
        doing: &'a str,
    ) -> Task<'a, ()>;

    /// Deletes an object, if it is the one that was seen: its `metadata.uid` and, where it is given,
    /// its `metadata.resourceVersion`. `Null` deletes it in any case.
    fn delete<'a>(
        &'a self,
        kind: &'a Kind,
        name: &'a str,
        seen: Value,
        doing: &'a str,
    ) -> Task<'a, ()>;

    /// The leader's lock as it is written, to see whether it changes.
    fn lock(&self) -> Task<'_, Option<String>>;

    /// Stops the JobManager that leads, once, in order. Where nobody leads, nothing is done.
    fn stop_leader(&self) -> Task<'_, ()>;

    /// Whether the newest checkpoint pointer of a job's config map names a file that is there. One
    /// that names none holds its checkpoint itself.
    fn has_file_of(&self, map: &str, data: &Value) -> Result<bool, Fault>;

    /// Flink, once a JobManager answers.
    fn flink(&self, within: Duration) -> Task<'_, Box<dyn Flink + '_>>;
}

/// Flink's REST, and its jobs.
pub trait Flink: Send + Sync {
    /// Asks; why not, where there is no good answer.
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, String>>;

    /// Cancels a job that began from nothing and starts another one, under an id of its own, from
    /// the newest complete checkpoint that the lost one left, up to that number.
    fn start_anew<'a>(&'a self, job: &'a str, checkpoint: u64) -> Task<'a, ()>;
}
