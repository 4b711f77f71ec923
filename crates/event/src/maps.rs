//! Flink's HA config maps, decoded: plain data, whatever the version of Flink. What is read off them
//! over time stands in `cluster`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// From the watch of HA config maps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapChange {
    /// The cluster's map.
    Cluster(ClusterMap),
    /// A job's map.
    Job(JobMap),
    /// A map was deleted.
    Deleted {
        /// Its name.
        name: String,
    },
}

/// `<cluster-id>-cluster-config-map`, decoded.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClusterMap {
    /// Its name.
    pub name: String,
    /// Kubernetes' own version of it.
    pub version: String,
    /// The lock annotation, if there is one.
    pub lock: Option<Lock>,
    /// By component: `restserver`, `resourcemanager`, `dispatcher`, `job-…`.
    pub leaders: BTreeMap<String, LeaderKey>,
    /// Ids of the jobs that would be recovered.
    pub jobs: Vec<String>,
    /// What the next leader would read to run them. Empty in recordings that are older than it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<Plan>,
    /// The object with which the map would go, such as `FlinkCluster beam`. Flink itself gives it
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// The plan of a job, or its application beside it since Flink 2.3, as a pointer to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The key in the map, such as `executionPlan-…`.
    pub key: String,
    /// The job.
    pub job: String,
    /// The file it points to as written; none if it is inline or cannot be read.
    pub path: Option<String>,
    /// Marked for deletion.
    pub deleting: bool,
}

impl Plan {
    /// The name of the file that it points to.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.path.as_deref()?.rsplit('/').next()
    }
}

/// The lock annotation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lock {
    /// A random id of a JobManager's process; empty after a release.
    pub holder: String,
    /// How long the lease lasts from its last renewal.
    pub seconds: f64,
    /// When the holder got it.
    pub acquired: Timestamp,
    /// When the holder renewed it last.
    pub renewed: Timestamp,
    /// Changes of the holder. Not a counter on Flink 1.15.
    pub transitions: u64,
}

impl Lock {
    /// When its lease runs out, unless it is renewed.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        let lasts = SignedDuration::try_from_secs_f64(self.seconds).unwrap_or_default();
        self.renewed.checked_add(lasts).unwrap_or(self.renewed)
    }
}

/// One leader key: which epoch wrote it, and where it can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderKey {
    /// The session id.
    pub epoch: String,
    /// The address as written.
    pub address: String,
    /// The host in it.
    pub host: String,
}

/// `<cluster-id>-<job>-config-map`, decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JobMap {
    /// Its name.
    pub name: String,
    /// The job.
    pub job: String,
    /// The next checkpoint id.
    pub counter: Option<u64>,
    /// Ascending by id.
    pub pointers: Vec<Pointer>,
}

impl JobMap {
    /// The pointers that a leader would restore from: those that are not being removed.
    pub fn usable(&self) -> impl DoubleEndedIterator<Item = &Pointer> {
        self.pointers.iter().filter(|pointer| !pointer.deleting)
    }

    /// The id of the newest of them.
    #[must_use]
    pub fn newest(&self) -> Option<u64> {
        self.usable().map(|pointer| pointer.id).max()
    }
}

/// A checkpoint pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The checkpoint's id.
    pub id: u64,
    /// The file it points to as written, such as `file:/flink-shared/ha/…`; none if it is inline.
    pub path: Option<String>,
    /// Marked for deletion.
    pub deleting: bool,
}

impl Pointer {
    /// The name of the file that it points to.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.path.as_deref()?.rsplit('/').next()
    }
}
