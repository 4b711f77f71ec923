//! What Kubernetes shows: pods, the HA lock and its epochs, events. History is ours and survives
//! every failover.

use super::addresses::job_manager_at;
use flinklab_event::{ClusterMap, JobMap, KubeEvent, Lock, MapChange, Pod, PodChange};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many epochs are remembered: one a minute for three hours.
const EPOCHS: usize = 200;
/// How many Kubernetes events are remembered.
const EVENTS: usize = 200;
/// How many jobs' maps are remembered: old jobs of one cluster, and one is enough to show.
const JOB_MAPS: usize = 16;
/// Epochs whose pod may still be looked up: an address of an older one may be another pod's now.
const NAMED_LATE: usize = 2;
/// The components of one leadership, in the order in which the leader writes their keys. A job's
/// key is left out: on Flink 1.15 it has a session id of its own.
const COMPONENTS: [&str; 3] = ["restserver", "resourcemanager", "dispatcher"];

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
    /// Every job's map, by job id: which one is current may be learnt later.
    pub maps: BTreeMap<String, (Timestamp, JobMap)>,
    /// The job whose map is the current one.
    job: Option<String>,
    /// Every leadership epoch seen, oldest first.
    pub epochs: Vec<Epoch>,
    /// Kubernetes events, oldest first.
    pub events: Vec<KubeEvent>,
    /// Seconds between the last two renewals of the lease by one holder.
    pub renewal: Option<f64>,
    /// The lock's transitions count renewals, not holders.
    pub counts_renewals: bool,
    /// The nodes' clock beside ours. The lock's stamps are in our time already.
    pub clock: super::NodeClock,
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
    /// When a leader key with it was written last, as far as we saw.
    #[serde(default)]
    pub wrote: Timestamp,
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
                self.epochs_of(at, map);
                self.map = Some((at, map.clone()));
                self.name_epochs();
            }
            MapChange::Job(map) => {
                self.maps.insert(map.job.clone(), (at, map.clone()));
                if self.maps.len() > JOB_MAPS {
                    let oldest = self.maps.iter().min_by_key(|(_, (at, _))| *at);
                    let oldest = oldest.map(|(job, _)| job.clone());
                    self.maps.retain(|job, _| Some(job) != oldest.as_ref());
                }
            }
            MapChange::Deleted { name } => {
                if self.map.as_ref().is_some_and(|(_, map)| map.name == *name) {
                    self.map = None;
                }
                self.maps.retain(|_, (_, map)| map.name != *name);
            }
        }
        self.choose_job_map();
    }

    /// Which job is ours. Without one, the map seen last is shown.
    pub(super) fn job_is(&mut self, job: Option<&str>) {
        self.job = job.map(str::to_owned);
        self.choose_job_map();
    }

    fn choose_job_map(&mut self) {
        self.job_map = match &self.job {
            Some(job) => self.maps.get(job).cloned(),
            None => self.maps.values().max_by_key(|(at, _)| *at).cloned(),
        };
    }

    /// The first leader key with a session id never seen before begins an epoch: the keys change
    /// one by one, and old ones stay in the data meanwhile.
    fn epochs_of(&mut self, at: Timestamp, map: &ClusterMap) {
        let before = self.map.take();
        let before = before.as_ref().map(|(_, map)| map);
        self.renewed(before.and_then(|map| map.lock.as_ref()), map.lock.as_ref());
        let holder = map.lock.as_ref().map_or("", |lock| lock.holder.as_str());
        // The one that was there before us began when its holder got the lock, not when we came.
        let began = match (&map.lock, self.epochs.is_empty()) {
            (Some(lock), true) => lock.acquired.min(at),
            _ => at,
        };
        // The key that is written last is the most likely to be the oldest in a half-written map.
        for component in COMPONENTS.iter().rev() {
            let Some(key) = map.leaders.get(*component) else {
                continue;
            };
            if before.and_then(|map| map.leaders.get(*component)) == Some(key) {
                continue;
            }
            match self.epochs.iter_mut().find(|epoch| epoch.id == key.epoch) {
                Some(known) => known.wrote = at,
                None => self.begin_epoch(began, &key.epoch, holder),
            }
        }
        if let Some(dispatcher) = map.leaders.get("dispatcher")
            && let Some(epoch) = self
                .epochs
                .iter_mut()
                .find(|epoch| epoch.id == dispatcher.epoch)
        {
            epoch.host.get_or_insert_with(|| dispatcher.host.clone());
            // Released between its lock and its keys, and taken again by the same process.
            if epoch.holder.is_empty() {
                holder.clone_into(&mut epoch.holder);
            }
        }
        if self.epochs.len() > EPOCHS {
            self.epochs.drain(..self.epochs.len() - EPOCHS);
        }
    }

    /// What two looks at one holder's lock tell: how often it is renewed, and whether its count of
    /// transitions counts renewals, as Flink 1.15 does.
    fn renewed(&mut self, before: Option<&Lock>, now: Option<&Lock>) {
        let (Some(before), Some(now)) = (before, now) else {
            return;
        };
        let same = before.holder == now.holder && before.acquired == now.acquired;
        if !same || now.renewed <= before.renewed {
            return;
        }
        self.renewal = Some(now.renewed.duration_since(before.renewed).as_secs_f64());
        self.counts_renewals |= now.transitions > before.transitions;
    }

    fn begin_epoch(&mut self, at: Timestamp, id: &str, holder: &str) {
        self.epochs.push(Epoch {
            id: id.to_owned(),
            number: self.epochs.last().map_or(1, |epoch| epoch.number + 1),
            began: at,
            holder: holder.to_owned(),
            host: None,
            pod: None,
            wrote: at,
        });
    }

    fn name_epochs(&mut self) {
        let late = self.epochs.len().saturating_sub(NAMED_LATE);
        for epoch in self.epochs[late..]
            .iter_mut()
            .filter(|epoch| epoch.pod.is_none())
        {
            let Some(host) = &epoch.host else { continue };
            epoch.pod = job_manager_at(&self.pods, host).map(|pod| pod.name.clone());
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

    /// The pod whose address stands in the dispatcher's key: the leader, if its lock is held.
    ///
    /// After a change of the holder the old address stays until the new one is written, up to half
    /// a second later. So the address counts only if its epoch is the newest and began under the
    /// holder of the lock; until then nobody is known to lead.
    #[must_use]
    pub fn leader(&self) -> Option<&Pod> {
        let (_, map) = self.map.as_ref()?;
        let lock = map.lock.as_ref().filter(|lock| !lock.holder.is_empty())?;
        let key = map.leaders.get("dispatcher")?;
        let epoch = self.epoch().filter(|epoch| epoch.id == key.epoch)?;
        if epoch.holder == lock.holder {
            job_manager_at(&self.pods, &key.host)
        } else {
            None
        }
    }

    /// The pods that led, by session id.
    pub(super) fn leaders(&self) -> BTreeMap<String, String> {
        let known = self.epochs.iter();
        known
            .filter_map(|epoch| Some((epoch.id.clone(), epoch.pod.clone()?)))
            .collect()
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
