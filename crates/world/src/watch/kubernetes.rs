//! Three watches on the API server: pods, HA config maps, Kubernetes events. Each lists once, then
//! is told; after any loss it begins anew with a list, which is also the proof that it is back. The
//! pulse that doubts them lives and ends with them.

use super::super::disk::{Named, Place, Store};
use super::super::{Events, ha};
use super::api_liveness::{ApiLiveness, Health};
use super::{Links, pods};
use flinklab_base::clock::sleep;
use flinklab_event::{ClusterMap, Event, JobMap, MapChange, Plan, Pod, PodChange, Pointer};
use flinklab_lab::{Folders, Members};
use futures::StreamExt;
use k8s_openapi::api::core::v1 as core;
use kube::api::Api;
use kube::runtime::watcher::{self, Config, watcher};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Pauses after a loss: each twice as long as the one before. kube's own would reach 30 s.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a list may take.
const LIST: Duration = Duration::from_secs(5);
/// A leader renews its lease every 5 s. After so long a silence this one watch is doubted, and
/// proven by one list. Whether the server lives at all is known sooner: see `pulse`.
const SILENCE: Duration = Duration::from_secs(20);
/// Kubernetes events remembered, to tell a new one from a known one after a list.
const KNOWN: usize = 1000;

/// What is watched.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) client: Client,
    pub(super) namespace: String,
    pub(super) cluster_id: String,
    pub(super) members: Members,
    /// Where pods see the shared folder, and what is below it.
    pub(super) mount: String,
    pub(super) folders: Folders,
    /// The current job.
    pub(super) job: watch::Receiver<Option<String>>,
}

/// Where those who follow something else are told what is seen here.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) pods: watch::Sender<Arc<[Pod]>>,
    pub(super) leader: watch::Sender<Option<String>>,
    pub(super) named: watch::Sender<Arc<Named>>,
    /// The jobs that the next leader would bring back.
    pub(super) plans: watch::Sender<Arc<[String]>>,
}

/// Watches until it is dropped.
pub(super) async fn follow(
    watched: Watched,
    seen: Seen,
    links: Links,
    pulse: ApiLiveness,
    events: Events,
) {
    let Watched {
        client,
        namespace,
        cluster_id,
        members,
        mount,
        folders,
        job,
    } = watched;
    let health = Health::new(links, pulse.clone());
    let of_cluster = Config::default().labels(&ha::selector(&cluster_id));
    let pods = Pods {
        members,
        known: BTreeMap::new(),
        seen: seen.pods,
    };
    let maps = Maps {
        cluster_id,
        mount,
        folders,
        job,
        known: BTreeMap::new(),
        leader: seen.leader,
        pointed: BTreeMap::new(),
        named: seen.named,
        plans: seen.plans,
    };
    let told = SeenEvents {
        known: BTreeMap::new(),
    };
    let space = namespace.as_str();
    let all = Config::default;
    let map_api: Api<core::ConfigMap> = Api::namespaced(client.clone(), space);
    let pod_api: Api<core::Pod> = Api::namespaced(client.clone(), space);
    let event_api: Api<core::Event> = Api::namespaced(client.clone(), space);
    // The lock first: it is what is timed.
    futures::join!(
        one(map_api, of_cluster, maps, &health, 0, &events),
        one(pod_api, all(), pods, &health, 1, &events),
        one(event_api, all(), told, &health, 2, &events),
        pulse.keep(client),
    );
}

/// What a watch makes of what it is told.
trait Follower<K> {
    /// How long a silence may be before the connection is doubted.
    const SILENCE: Option<Duration> = None;
    /// The whole list, after a start or a gap.
    fn listed(&mut self, all: Vec<K>) -> Vec<Event>;
    /// New or changed.
    fn applied(&mut self, one: K) -> Vec<Event>;
    /// Gone.
    fn deleted(&mut self, one: K) -> Vec<Event>;
}

/// One watch, for ever.
async fn one<K, F>(
    api: Api<K>,
    config: Config,
    mut follower: F,
    health: &Health,
    number: usize,
    events: &Events,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    F: Follower<K>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        match session(
            &api,
            &config,
            &mut follower,
            health,
            number,
            events,
            &mut pause,
        )
        .await
        {
            Ok(()) => {}
            Err(why) => {
                health.lost(number, &why).await;
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// From a list to the next loss. `Ok` is a gap without a loss: a list mends it.
async fn session<K, F>(
    api: &Api<K>,
    config: &Config,
    follower: &mut F,
    health: &Health,
    number: usize,
    events: &Events,
    pause: &mut Duration,
) -> Result<(), String>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    F: Follower<K>,
{
    let mut stream = pin!(watcher(api.clone(), config.clone()));
    let mut cuts = health.pulse.cuts();
    cuts.mark_unchanged();
    let mut list: Vec<K> = Vec::new();
    let mut live = false;
    // None until something was heard: one silence is doubted once, not every 20 s.
    let mut silence: Option<Duration> = None;
    loop {
        let patience = match (live, silence) {
            (false, _) => Some(LIST),
            (true, silence) => silence,
        };
        let next = async {
            match patience {
                None => Ok(stream.next().await),
                Some(patience) => timeout(patience, stream.next()).await,
            }
        };
        let item = tokio::select! {
            item = next => item,
            Ok(()) = cuts.changed() => {
                let cut = cuts.borrow_and_update().clone();
                return Err(cut.map_or_else(String::new, |cut| cut.why.clone()));
            }
        };
        let item = match item {
            Ok(item) => item,
            Err(_) if live => return Ok(()),
            Err(_) => return Err(format!("no answer within {} s", LIST.as_secs())),
        };
        if matches!(item, Some(Ok(_))) {
            health.pulse.alive();
        }
        let news = match item.ok_or("the watch ended")? {
            Ok(watcher::Event::Init) => {
                list.clear();
                Vec::new()
            }
            Ok(watcher::Event::InitApply(one)) => {
                list.push(one);
                Vec::new()
            }
            Ok(watcher::Event::InitDone) => {
                live = true;
                *pause = FIRST_PAUSE;
                health.live(number).await;
                follower.listed(std::mem::take(&mut list))
            }
            Ok(watcher::Event::Apply(one)) => {
                silence = F::SILENCE;
                follower.applied(one)
            }
            Ok(watcher::Event::Delete(one)) => {
                silence = F::SILENCE;
                follower.deleted(one)
            }
            // The server has forgotten that far back.
            Err(watcher::Error::WatchError(status)) if status.code == 410 => return Ok(()),
            Err(error) => return Err(why(&error)),
        };
        for event in news {
            events.send(event).await;
        }
    }
}

fn why(error: &watcher::Error) -> String {
    match error {
        watcher::Error::WatchError(status) => status.message.clone(),
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => crate::kube::describe(error),
        watcher::Error::NoResourceVersion => "the list has no version".to_owned(),
    }
}

struct Pods {
    members: Members,
    known: BTreeMap<String, Pod>,
    seen: watch::Sender<Arc<[Pod]>>,
}

impl Pods {
    fn tell(&self) {
        self.seen
            .send_replace(self.known.values().cloned().collect());
    }
}

impl Follower<core::Pod> for Pods {
    fn listed(&mut self, all: Vec<core::Pod>) -> Vec<Event> {
        let rows: Vec<Pod> = all
            .iter()
            .filter_map(|pod| pods::pod(&self.members, pod))
            .collect();
        self.known = rows
            .iter()
            .map(|pod| (pod.uid.clone(), pod.clone()))
            .collect();
        self.tell();
        vec![Event::Pods(PodChange::Listed(rows))]
    }

    fn applied(&mut self, one: core::Pod) -> Vec<Event> {
        let Some(row) = pods::pod(&self.members, &one) else {
            return Vec::new();
        };
        // Most of what is written into a pod is nothing that we show.
        if self.known.insert(row.uid.clone(), row.clone()).as_ref() == Some(&row) {
            return Vec::new();
        }
        self.tell();
        vec![Event::Pods(PodChange::Applied(row))]
    }

    fn deleted(&mut self, one: core::Pod) -> Vec<Event> {
        let uid = one.uid().unwrap_or_default();
        if self.known.remove(&uid).is_none() {
            return Vec::new();
        }
        self.tell();
        vec![Event::Pods(PodChange::Deleted { uid })]
    }
}

struct Maps {
    cluster_id: String,
    mount: String,
    folders: Folders,
    job: watch::Receiver<Option<String>>,
    /// Versions by name.
    known: BTreeMap<String, String>,
    leader: watch::Sender<Option<String>>,
    /// What each map points to.
    pointed: BTreeMap<String, Named>,
    named: watch::Sender<Arc<Named>>,
    plans: watch::Sender<Arc<[String]>>,
}

impl Maps {
    /// What a map points to has changed; none: it is gone.
    fn point(&mut self, name: &str, named: Option<Named>) {
        match named {
            Some(named) => drop(self.pointed.insert(name.to_owned(), named)),
            None => drop(self.pointed.remove(name)),
        }
        let mut all = Named::default();
        for named in self.pointed.values() {
            all.ha_files.extend(named.ha_files.iter().cloned());
            all.needed.extend(named.needed.clone());
            all.checkpoints.extend(&named.checkpoints);
        }
        self.named.send_replace(Arc::new(all));
    }

    fn of_job(&self, map: &JobMap) -> Named {
        let files = map.pointers.iter().filter_map(Pointer::file);
        let usable = map.usable().filter_map(|pointer| pointer.path.as_deref());
        Named {
            ha_files: files.map(str::to_owned).collect(),
            needed: self.needed(usable),
            checkpoints: map.pointers.iter().map(|pointer| pointer.id).collect(),
        }
    }

    fn of_cluster(&self, map: &ClusterMap) -> Named {
        let plans = map.plans.iter().filter(|plan| !plan.deleting);
        Named {
            ha_files: map
                .plans
                .iter()
                .filter_map(Plan::file)
                .map(str::to_owned)
                .collect(),
            needed: self.needed(plans.filter_map(|plan| plan.path.as_deref())),
            ..Named::default()
        }
    }

    /// The files of these paths that lie on the mount.
    fn needed<'a>(&self, paths: impl Iterator<Item = &'a str>) -> BTreeMap<String, Store> {
        let found = paths.filter_map(|path| {
            let store = Place::store_of(&self.folders, &self.mount, path)?;
            Some((path.rsplit('/').next()?.to_owned(), store))
        });
        found.collect()
    }

    fn tell(&mut self, change: &MapChange) {
        if let MapChange::Job(map) = change {
            self.point(&map.name, Some(self.of_job(map)));
        }
        if let MapChange::Cluster(map) = change {
            self.plans.send_if_modified(|known| {
                let changed = **known != *map.jobs;
                if changed {
                    *known = map.jobs.as_slice().into();
                }
                changed
            });
            self.point(&map.name, Some(self.of_cluster(map)));
            let host = map.leaders.get("dispatcher").map(|key| key.host.clone());
            self.leader.send_if_modified(|known| {
                let changed = *known != host;
                *known = host;
                changed
            });
        }
    }
}

impl Follower<core::ConfigMap> for Maps {
    const SILENCE: Option<Duration> = Some(SILENCE);

    fn listed(&mut self, all: Vec<core::ConfigMap>) -> Vec<Event> {
        let mut gone = std::mem::take(&mut self.known);
        // Whoever followed before us may have told of these: of another cluster under this name.
        let job = self.job.borrow().clone();
        for of in std::iter::once("cluster").chain(job.as_deref()) {
            let name = format!("{}-{of}-config-map", self.cluster_id);
            gone.insert(name, String::new());
        }
        let mut news = Vec::new();
        for one in all {
            gone.remove(&one.name_any());
            news.extend(self.applied(one));
        }
        for name in gone.into_keys() {
            self.point(&name, None);
            news.push(Event::Map(MapChange::Deleted { name }));
        }
        news
    }

    fn applied(&mut self, one: core::ConfigMap) -> Vec<Event> {
        let Some(change) = ha::decode(&self.cluster_id, &one) else {
            return Vec::new();
        };
        self.known
            .insert(one.name_any(), one.resource_version().unwrap_or_default());
        self.tell(&change);
        vec![Event::Map(change)]
    }

    fn deleted(&mut self, one: core::ConfigMap) -> Vec<Event> {
        let name = one.name_any();
        self.point(&name, None);
        match self.known.remove(&name) {
            Some(_) => vec![Event::Map(MapChange::Deleted { name })],
            None => Vec::new(),
        }
    }
}

struct SeenEvents {
    /// Versions by uid.
    known: BTreeMap<String, String>,
}

impl SeenEvents {
    fn news(&mut self, one: &core::Event) -> Option<Event> {
        let version = one.resource_version().unwrap_or_default();
        let before = self
            .known
            .insert(one.uid().unwrap_or_default(), version.clone());
        (before != Some(version)).then(|| Event::Kube(pods::event(one)))
    }
}

impl Follower<core::Event> for SeenEvents {
    fn listed(&mut self, mut all: Vec<core::Event>) -> Vec<Event> {
        // stamps are whole seconds: within one, the order in which they were written
        let written = |one: &core::Event| one.resource_version()?.parse::<u64>().ok();
        all.sort_by_cached_key(|one| (pods::event(one).at, written(one)));
        let late = all.len().saturating_sub(KNOWN);
        let before = std::mem::take(&mut self.known);
        // Only those that still exist need to be known.
        for one in &all[late..] {
            if let Some(version) = one.uid().and_then(|uid| before.get(&uid)) {
                self.known
                    .insert(one.uid().unwrap_or_default(), version.clone());
            }
        }
        all[late..]
            .iter()
            .filter_map(|one| self.news(one))
            .collect()
    }

    fn applied(&mut self, one: core::Event) -> Vec<Event> {
        if self.known.len() >= 2 * KNOWN {
            self.known.clear();
        }
        self.news(&one).into_iter().collect()
    }

    fn deleted(&mut self, one: core::Event) -> Vec<Event> {
        self.known.remove(&one.uid().unwrap_or_default());
        Vec::new()
    }
}
