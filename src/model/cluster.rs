//! What Kubernetes shows: pods, the HA lock and its epochs, events. History is ours and survives
//! every failover.

use crate::failure::Role;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many epochs are remembered: one a minute for three hours.
const EPOCHS: usize = 200;
/// How many Kubernetes events are remembered.
const EVENTS: usize = 200;

/// Pods, lock, epochs, events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cluster {
    /// By uid, Flink's pods only.
    pub pods: BTreeMap<String, Pod>,
    /// Whether the first list of pods has arrived.
    pub listed: bool,
    /// The cluster's HA config map as seen last, with the moment we saw it.
    pub map: Option<(Timestamp, ClusterMap)>,
    /// The current job's HA config map as seen last.
    pub job_map: Option<(Timestamp, JobMap)>,
    /// Every leadership epoch seen, oldest first.
    pub epochs: Vec<Epoch>,
    /// Kubernetes events, oldest first.
    pub events: Vec<KubeEvent>,
}

/// One pod of Flink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Kubernetes' own identity.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Of Kubernetes.
    pub phase: PodPhase,
    /// Whether all of its containers are ready.
    pub ready: bool,
    /// Restarts of Flink's container.
    pub restarts: u32,
    /// Id of Flink's container that runs now, without the `containerd://`.
    pub container: Option<String>,
    /// Address in the pod network.
    pub ip: Option<String>,
    /// The node it runs on.
    pub node: Option<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Being deleted since.
    pub deleting: Option<Timestamp>,
    /// Why Flink's container does not run, such as `CrashLoopBackOff`, with its message.
    pub waiting: Option<(String, String)>,
    /// How Flink's container ended last: exit code, reason, Kubernetes' whole-second stamp.
    pub last_exit: Option<(i32, String, Option<Timestamp>)>,
}

/// Of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PodPhase {
    /// Not running yet.
    Pending,
    /// At least one container runs.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Its node does not say.
    Unknown,
}

/// From the watch of pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PodChange {
    /// The whole list, after a start or a gap.
    Listed(Vec<Pod>),
    /// New or changed.
    Applied(Pod),
    /// Gone.
    Deleted {
        /// Which one.
        uid: String,
    },
}

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

/// One leadership epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its session id.
    pub id: String,
    /// Counted by us, from 1.
    pub number: u32,
    /// When the first leader key with it was seen.
    pub began: Timestamp,
    /// The lock's holder then.
    pub holder: String,
    /// The host in the dispatcher's address, once that key followed.
    pub host: Option<String>,
    /// The pod of that address, once it is known.
    pub pod: Option<String>,
}

/// A Kubernetes event about one of Flink's pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeEvent {
    /// Its last stamp.
    pub at: Timestamp,
    /// `Normal` or `Warning`.
    pub warning: bool,
    /// Such as `Killing`.
    pub reason: String,
    /// About whom.
    pub object: String,
    /// In words.
    pub message: String,
    /// How often.
    pub count: u32,
}

impl Cluster {
    pub(super) fn pods(&mut self, change: &PodChange) {
        match change {
            PodChange::Listed(pods) => {
                self.pods = pods
                    .iter()
                    .map(|pod| (pod.uid.clone(), pod.clone()))
                    .collect();
                self.listed = true;
            }
            PodChange::Applied(pod) => {
                self.pods.insert(pod.uid.clone(), pod.clone());
            }
            PodChange::Deleted { uid } => {
                self.pods.remove(uid);
            }
        }
        self.name_epochs();
    }

    pub(super) fn map(&mut self, at: Timestamp, change: &MapChange) {
        match change {
            MapChange::Cluster(map) => {
                self.begin_epoch(at, map);
                self.map = Some((at, map.clone()));
                self.name_epochs();
            }
            MapChange::Job(map) => self.job_map = Some((at, map.clone())),
            MapChange::Deleted { name } => {
                if self.map.as_ref().is_some_and(|(_, map)| map.name == *name) {
                    self.map = None;
                }
                if self
                    .job_map
                    .as_ref()
                    .is_some_and(|(_, map)| map.name == *name)
                {
                    self.job_map = None;
                }
            }
        }
    }

    /// The first leader key with a session id never seen before begins an epoch: the four keys
    /// change one by one, and old ones stay in the data meanwhile.
    fn begin_epoch(&mut self, at: Timestamp, map: &ClusterMap) {
        for key in map.leaders.values() {
            if self.epochs.iter().any(|epoch| epoch.id == key.epoch) {
                continue;
            }
            let number = self.epochs.last().map_or(1, |epoch| epoch.number + 1);
            self.epochs.push(Epoch {
                id: key.epoch.clone(),
                number,
                began: at,
                holder: map
                    .lock
                    .as_ref()
                    .map_or_else(String::new, |lock| lock.holder.clone()),
                host: None,
                pod: None,
            });
        }
        if self.epochs.len() > EPOCHS {
            self.epochs.drain(..self.epochs.len() - EPOCHS);
        }
        if let Some(dispatcher) = map.leaders.get("dispatcher")
            && let Some(epoch) = self
                .epochs
                .iter_mut()
                .find(|epoch| epoch.id == dispatcher.epoch)
        {
            epoch.host.get_or_insert_with(|| dispatcher.host.clone());
        }
    }

    fn name_epochs(&mut self) {
        for epoch in self.epochs.iter_mut().filter(|epoch| epoch.pod.is_none()) {
            let Some(host) = &epoch.host else { continue };
            epoch.pod = self
                .pods
                .values()
                .find(|pod| pod.role == Role::JobManager && pod.ip.as_ref() == Some(host))
                .map(|pod| pod.name.clone());
        }
    }

    pub(super) fn event(&mut self, event: &KubeEvent) {
        self.events.push(event.clone());
        if self.events.len() > EVENTS {
            self.events.remove(0);
        }
    }

    /// The newest epoch.
    #[must_use]
    pub fn epoch(&self) -> Option<&Epoch> {
        self.epochs.last()
    }

    /// The lock as seen last.
    #[must_use]
    pub fn lock(&self) -> Option<&Lock> {
        self.map.as_ref().and_then(|(_, map)| map.lock.as_ref())
    }

    /// The pod whose address stands in the dispatcher's key: the leader, if its lease is held.
    #[must_use]
    pub fn leader(&self) -> Option<&Pod> {
        let (_, map) = self.map.as_ref()?;
        if map.lock.as_ref().is_none_or(|lock| lock.holder.is_empty()) {
            return None;
        }
        let host = &map.leaders.get("dispatcher")?.host;
        self.pods
            .values()
            .find(|pod| pod.role == Role::JobManager && pod.ip.as_ref() == Some(host))
    }

    /// Seconds since the lease was renewed.
    #[must_use]
    pub fn lease_age(&self, now: Timestamp) -> Option<f64> {
        self.lock()
            .map(|lock| now.duration_since(lock.renewed).as_secs_f64().max(0.0))
    }

    /// Whether the lock is held and its lease has not run out.
    #[must_use]
    pub fn lease_fresh(&self, now: Timestamp) -> bool {
        self.lock().is_some_and(|lock| {
            !lock.holder.is_empty() && now.duration_since(lock.renewed).as_secs_f64() < lock.seconds
        })
    }

    /// Pods as a person lists them: JobManagers first, then by name.
    #[must_use]
    pub fn listed_pods(&self) -> Vec<&Pod> {
        let mut pods: Vec<&Pod> = self.pods.values().collect();
        pods.sort_by(|a, b| (a.role, &a.name).cmp(&(b.role, &b.name)));
        pods
    }
}
