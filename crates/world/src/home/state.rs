//! What lab.json says: plain data with a format version. Answers questions about itself, reads no
//! file and knows no clock but the one it is told.

use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_lab::Lab;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The format of lab.json that this program reads and writes.
pub const FORMAT: u32 = 1;
/// Bytes of a random id; a job id of Flink has as many.
const ID_BYTES: usize = 16;

/// Everything that must survive this process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The format of this file.
    pub version: u32,
    /// Random; also in the marker config map.
    pub id: String,
    /// The instance, which is also the kind cluster.
    pub name: String,
    /// When the folder was made.
    pub made: Timestamp,
    /// Which lab it is, in full, so that later commands need only the name.
    pub definition: Definition,
    /// The definition's hash.
    pub hash: String,
    /// The hash of the definition whose manifests were applied last.
    #[serde(default)]
    pub applied: Option<String>,
    /// The containers that we made or adopted.
    #[serde(default)]
    pub nodes: Vec<NodeRecord>,
    /// Containers that were ordered from Docker and when, until they are recorded: it makes them to
    /// their end whoever is gone meanwhile, and shows them only then.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ordered: BTreeMap<String, Timestamp>,
    /// A purge has begun to remove Flink's files: the cluster refers to files that may be gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub purging: bool,
    /// Ports on loopback, chosen once.
    #[serde(default)]
    pub ports: Ports,
    /// Image ids by tag, as they were when they went into the nodes.
    #[serde(default)]
    pub images: BTreeMap<String, String>,
    /// Docker's image ids, each with the id that the nodes gave it: they differ where Docker keeps
    /// images in containerd.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taken: BTreeMap<String, String>,
    /// Every job id that was ever ours, oldest first. Outlives `down`.
    #[serde(default)]
    pub jobs: Vec<JobRecord>,
    /// The first checkpoint of the newest history that all witnesses agreed on.
    #[serde(default)]
    pub checkpoint: Option<CheckpointFact>,
}

/// Where a lab's definition came from, and what it said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The definition's own name.
    pub name: String,
    /// Where it was read from.
    pub source: Source,
    /// Every file's name and text.
    pub files: Vec<(String, String)>,
}

/// Where a definition was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Compiled in, under this name.
    BuiltIn(String),
    /// A folder of the user.
    Folder(PathBuf),
}

/// A node container of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Docker's id.
    pub id: String,
    /// Container, host and Kubernetes node name.
    pub name: String,
    /// kind's word: `control-plane` or `worker`.
    pub role: String,
    /// How far its bootstrap came.
    #[serde(default)]
    pub stage: NodeStage,
    /// Who made it.
    #[serde(default)]
    pub maker: Maker,
}

/// Who made a node container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Maker {
    /// We did.
    #[default]
    Flinklab,
    /// kind's own command; we took it over.
    Kind,
}

/// How far a node's bootstrap came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeStage {
    /// The container exists.
    #[default]
    Created,
    /// kubeadm came to its end in it.
    Joined,
}

/// Ports on the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// The API server's.
    #[serde(default)]
    pub api: Option<u16>,
    /// Flink's REST and web UI.
    #[serde(default)]
    pub ui: Option<u16>,
    /// Those that we picked for `hostPort: 0`, by `<node> <container port>/<protocol>`.
    #[serde(default)]
    pub chosen: BTreeMap<String, u16>,
}

/// A job that was ours: written down before it was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// 32 hex digits.
    pub id: String,
    /// When it was written down.
    pub when: Timestamp,
    /// The checkpoint it starts from, as Flink names it. None: from nothing.
    pub from: Option<String>,
    /// The control plane container of the cluster it belongs to.
    #[serde(default)]
    pub cluster: Option<String>,
}

/// A checkpoint that REST, pointer and disk agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointFact {
    /// The job.
    pub job: String,
    /// Its number.
    pub id: u64,
    /// When that was seen.
    pub at: Timestamp,
}

impl State {
    /// The state of a lab that does not exist yet.
    pub fn new(name: &str, lab: &Lab, source: Source, now: Timestamp) -> Result<Self, Fault> {
        Ok(Self {
            version: FORMAT,
            id: random_id()?,
            name: name.to_owned(),
            made: now,
            definition: Definition {
                name: lab.name.clone(),
                source,
                files: lab.files.clone(),
            },
            hash: lab.hash.clone(),
            applied: None,
            nodes: Vec::new(),
            ordered: BTreeMap::new(),
            purging: false,
            ports: Ports::default(),
            images: BTreeMap::new(),
            taken: BTreeMap::new(),
            jobs: Vec::new(),
            checkpoint: None,
        })
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, Fault> {
        let shown = path.display().to_string();
        let broken = |error: serde_json::Error| {
            Fault::unable("state-broken", "The lab's state cannot be read.")
                .at(shown.clone(), error.line(), error.column())
                .why(error)
                .hint(advice!(
                    "Put a copy of the file back, or move the folder away and run `flinklab up`."
                ))
        };
        // The version first: another format may have other fields.
        let value: serde_json::Value = serde_json::from_str(text).map_err(broken)?;
        let version = value.get("version").and_then(serde_json::Value::as_u64);
        match version {
            Some(version) if version == u64::from(FORMAT) => {
                serde_json::from_str(text).map_err(broken)
            }
            Some(version) => {
                let who = if version > u64::from(FORMAT) { "a newer" } else { "an older" };
                Err(Fault::unable(
                    "state-version",
                    format!("The lab was made by {who} flinklab."),
                )
                .at(shown, 0, 0)
                .why(format!(
                    "lab.json has format {version}, this program reads format {FORMAT}"
                ))
                .hint(advice!(
                    "Use that version for this lab. Or begin anew: remove its cluster \
                     (`kind delete cluster --name {0}`, or `docker rm -f -v` with what \
                     `docker ps -aq --filter label=io.x-k8s.kind.cluster={0}` prints), move the folder away and \
                     run `flinklab up`.",
                    value.get("name").and_then(serde_json::Value::as_str).unwrap_or("NAME")
                )))
            }
            None => Err(Fault::unable("state-broken", "The lab's state has no format version.")
                .at(shown, 0, 0)
                .hint(advice!("Put a copy of the file back, or move the folder away and run `flinklab up`."))),
        }
    }

    /// The container that runs the API server.
    #[must_use]
    pub fn control_plane(&self) -> Option<&NodeRecord> {
        self.nodes.iter().find(|node| node.role == "control-plane")
    }

    /// The job of the cluster that exists. None: nothing was submitted to it.
    #[must_use]
    pub fn current_job(&self) -> Option<&JobRecord> {
        let cluster = &self.control_plane()?.id;
        self.jobs
            .iter()
            .rev()
            .find(|job| job.cluster.as_ref() == Some(cluster))
    }

    /// A new history under a new id. Write the state before the job is submitted.
    pub fn new_job(&mut self, from: Option<String>, now: Timestamp) -> Result<JobRecord, Fault> {
        Ok(self.begin_job(random_id()?, from, now))
    }

    /// A new history under a certain id. An earlier one under the same id is this one's past.
    pub fn begin_job(&mut self, id: String, from: Option<String>, now: Timestamp) -> JobRecord {
        let job = JobRecord {
            id,
            when: now,
            from,
            cluster: self.control_plane().map(|node| node.id.clone()),
        };
        self.jobs.retain(|known| known.id != job.id);
        self.jobs.push(job.clone());
        self.checkpoint = None;
        job
    }

    /// A job that the cluster runs and nobody wrote down.
    pub fn found_job(&mut self, id: &str, now: Timestamp) -> JobRecord {
        self.begin_job(id.to_owned(), None, now)
    }

    /// Flink's web UI on loopback.
    #[must_use]
    pub fn ui(&self) -> Option<String> {
        self.ports.ui.map(|port| format!("http://127.0.0.1:{port}"))
    }

    /// Notes a node container, replacing what was known under its name.
    pub fn record_node(&mut self, node: NodeRecord) {
        self.nodes.retain(|known| known.name != node.name);
        self.ordered.remove(&node.name);
        self.nodes.push(node);
    }
}

/// 16 random bytes as hex: a lab's id, a job's id.
pub(super) fn random_id() -> Result<String, Fault> {
    let mut bytes = [0_u8; ID_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        Fault::unable("no-randomness", "The system gives no random numbers.").why(error)
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
