//! Three watches on the API server: pods, HA config maps, Kubernetes events. Each lists once, then
//! is told; after any loss it begins anew with a list, which is also the proof that it is back.

use super::super::{Events, ha};
use super::{Links, pods};
use crate::lab::Roles;
use crate::model::{Event, MapChange, Pod, PodChange};
use crate::world::flink::innermost;
use futures::StreamExt;
use k8s_openapi::api::core::v1 as core;
use kube::api::Api;
use kube::runtime::watcher::{self, Config, watcher};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Pauses after a loss: each twice as long as the one before. kube's own would reach 30 s.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a list may take.
const LIST: Duration = Duration::from_secs(5);
/// A leader renews its lease every 5 s. After so long a silence the connection is doubted, and
/// proven by one list; a server that was stopped dead would be missed for minutes otherwise.
const SILENCE: Duration = Duration::from_secs(20);
/// Kubernetes events remembered, to tell a new one from a known one after a list.
const KNOWN: usize = 1000;

/// What is watched.
pub(super) struct Watched {
    pub(super) client: Client,
    pub(super) namespace: String,
    pub(super) cluster_id: String,
    pub(super) roles: Roles,
}

/// Watches until it is dropped.
pub(super) async fn follow(
    watched: Watched,
    pods_seen: watch::Sender<Arc<[Pod]>>,
    leader_seen: watch::Sender<Option<String>>,
    links: Links,
    events: Events,
) {
    let Watched { client, namespace, cluster_id, roles } = watched;
    let health = Health::new(links);
    let pods = Pods { roles, known: BTreeMap::new(), seen: pods_seen, events: events.clone() };
    let maps = Maps { cluster_id: cluster_id.clone(), known: BTreeMap::new(), leader: leader_seen, events: events.clone() };
    let told = Told { known: BTreeMap::new(), events };
    let of_cluster = Config::default().labels(&ha::selector(&cluster_id));
    let space = namespace.as_str();
    futures::join!(
        one(Api::<core::ConfigMap>::namespaced(client.clone(), space), of_cluster, maps, &health, 0),
        one(Api::<core::Pod>::namespaced(client.clone(), space), Config::default(), pods, &health, 1),
        one(Api::<core::Event>::namespaced(client.clone(), space), Config::default(), told, &health, 2),
    );
}

/// What a watch does with what it is told.
trait Follower<K> {
    /// Whether a long silence is a reason to doubt the connection.
    const TALKS: bool;
    /// The whole list, after a start or a gap.
    async fn listed(&mut self, all: Vec<K>);
    /// New or changed.
    async fn applied(&mut self, one: K);
    /// Gone.
    async fn deleted(&mut self, one: K);
}

/// One watch, for ever.
async fn one<K>(
    api: Api<K>,
    config: Config,
    mut follower: impl Follower<K>,
    health: &Health,
    number: usize,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let mut stream = pin!(watcher(api.clone(), config.clone()));
        let mut list: Option<Vec<K>> = None;
        let mut live = false;
        // Heard since the list: one silence is doubted once, not every 20 s.
        let mut heard = false;
        let why = loop {
            let limit = match (live, K_TALKS_AND_HEARD(heard && follower_talks(&follower))) {
                (false, _) => LIST,
                (true, true) => SILENCE,
                (true, false) => Duration::MAX,
            };
            let item = match timeout(limit, stream.next()).await {
                Ok(Some(item)) => item,
                Ok(None) => break Some("the watch ended".to_owned()),
                Err(_) if live => break None,
                Err(_) => break Some(format!("no answer within {} s", LIST.as_secs())),
            };
            match item {
                Ok(watcher::Event::Init) => list = Some(Vec::new()),
                Ok(watcher::Event::InitApply(one)) => list.get_or_insert_default().push(one),
                Ok(watcher::Event::InitDone) => {
                    follower.listed(list.take().unwrap_or_default()).await;
                    live = true;
                    pause = FIRST_PAUSE;
                    health.live(number).await;
                }
                Ok(watcher::Event::Apply(one)) => {
                    heard = true;
                    follower.applied(one).await;
                }
                Ok(watcher::Event::Delete(one)) => {
                    heard = true;
                    follower.deleted(one).await;
                }
                // The server has forgotten that far back: a gap, not a loss.
                Err(watcher::Error::WatchError(status)) if status.code == 410 => break None,
                Err(error) => break Some(why(&error)),
            }
        };
        if let Some(why) = why {
            health.lost(number, &why).await;
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
