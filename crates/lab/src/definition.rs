//! The serde types of `lab.yaml`. An unknown word is an error with its place.

use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `lab.yaml` as it stands in the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Definition {
    pub(super) name: String,
    #[serde(default)]
    pub(super) about: String,
    pub(super) images: Vec<String>,
    pub(super) apply: Vec<Apply>,
    pub(super) flink: Flink,
    /// Left out, they are those of the operator whose object is in the manifests.
    pub(super) roles: Option<Roles>,
    pub(super) job: Job,
    #[serde(default)]
    pub(super) polls: Polls,
    #[serde(default)]
    pub(super) first: Vec<String>,
    #[serde(default)]
    pub(super) failures: Vec<Failure>,
}

/// One manifest file and what its step waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// Name of a file in the lab's folder.
    pub file: String,
    /// Where it is fetched from if it is not there.
    pub url: Option<String>,
    /// What it must be, then: its SHA-256, hex.
    pub sha256: Option<String>,
    /// Ticks the step; holds back no other file.
    pub wait: Option<Wait>,
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "WaitWords", into = "WaitWords")]
pub enum Wait {
    /// Every Deployment and StatefulSet of the file has all its replicas ready.
    Rollout {
        /// How long that may take.
        within: Duration,
    },
}

/// A wait as it is written. Not a tagged enum: serde buffers those, and a mistake in them would
/// be shown at the list item instead of at the word.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitWords {
    kind: WaitKind,
    #[serde(with = "duration")]
    within: Duration,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WaitKind {
    Rollout,
}

impl From<WaitWords> for Wait {
    fn from(words: WaitWords) -> Self {
        match words.kind {
            WaitKind::Rollout => Self::Rollout {
                within: words.within,
            },
        }
    }
}

impl From<Wait> for WaitWords {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Rollout { within } => Self {
                kind: WaitKind::Rollout,
                within,
            },
        }
    }
}

/// Where Flink is and what it calls things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Flink {
    /// Namespace of all of Flink's objects.
    pub namespace: String,
    /// `kubernetes.cluster-id`: HA config maps are `<cluster-id>-…`.
    pub cluster_id: String,
    /// Flink's REST.
    pub rest: Rest,
    /// Where pods see the shared path.
    pub mount: String,
    /// Folders below the shared path.
    pub folders: Folders,
}

/// Ports of Flink's REST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rest {
    /// In the pod.
    pub port: u16,
    /// On the node.
    pub node_port: u16,
}

/// Folders below the shared path, relative to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folders {
    /// `high-availability.storageDir` with its cluster id.
    pub ha: String,
    /// `execution.checkpointing.dir`.
    pub checkpoints: String,
    /// `execution.checkpointing.savepoint-dir`.
    pub savepoints: String,
}

/// The labels of each role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// The JobManagers.
    pub jobmanager: RoleLabels,
    /// The TaskManagers.
    pub taskmanager: RoleLabels,
}

/// How pods of a role are found, and which container is Flink's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleLabels {
    /// A label selector, `key=value[,key=value…]`.
    pub selector: String,
    /// The container's name.
    pub container: String,
}

impl RoleLabels {
    /// Whether labels fulfil the selector.
    #[must_use]
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.selector
            .split(',')
            .filter_map(|part| part.split_once('='))
            .all(|(key, value)| label(key.trim()) == Some(value.trim().trim_start_matches('=')))
    }
}

/// Who brings the job into Flink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// flinklab submits it to a cluster that takes jobs.
    Session,
    /// The JobManagers themselves: it is a part of its cluster.
    Application,
}

/// The job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Who brings it into Flink; left out, how the manifests start the JobManagers says it.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// Image that holds the jar; of a jar of the lab's own, the image of the Flink that runs it.
    pub image: String,
    /// Path of the jar in the image, from `/` on; a name without one is a file of the lab's folder.
    /// Empty in application mode.
    #[serde(default)]
    pub jar: String,
    /// Entry class. In application mode the manifest's, as far as that says it.
    #[serde(default)]
    pub class: String,
    /// Program arguments.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Default parallelism.
    pub parallelism: u32,
    /// What it can prove of itself.
    #[serde(default)]
    pub proves: Option<Proof>,
}

/// What a job can prove of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// That its state is exact: it numbers its input and counts each number, and says so in the
    /// metric `exact` of its operator `count`, as `job/exactly` does.
    Exact,
}

impl Job {
    /// The jar's name, if it is a file of the lab's folder.
    #[must_use]
    pub fn own_jar(&self) -> Option<&str> {
        (!self.jar.is_empty() && !self.jar.starts_with('/')).then_some(&self.jar)
    }
}

/// How often Flink's REST is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Polls {
    /// While all is well.
    #[serde(with = "duration")]
    pub calm: Duration,
    /// From any sign of trouble until five good samples.
    #[serde(with = "duration")]
    pub trouble: Duration,
}

impl Default for Polls {
    fn default() -> Self {
        Self {
            calm: Duration::from_secs(1),
            trouble: Duration::from_millis(250),
        }
    }
}

/// `250ms`, `3m`, `1m 30s`, as jiff reads them.
mod duration {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        match value.subsec_millis() {
            0 => to.serialize_str(&format!("{}s", value.as_secs())),
            _ => to.serialize_str(&format!("{}ms", value.as_millis())),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        text.parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|signed| Duration::try_from(signed).ok())
            .ok_or_else(|| {
                serde::de::Error::custom(format!(
                    "`{text}` is no duration; write a number and a unit, such as `250ms`, `3m` or `1m 30s`"
                ))
            })
    }
}
