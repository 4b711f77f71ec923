//! The last half minute of a session, and before it only what the model still stands on: what the
//! recording of one run begins with, so that it can be understood without the session around it.

use crate::{
    DiskSample, Event, FlinkSample, Happening, KubeEvent, Link, MapChange, NodeSeen, Pod,
    PodChange, Source, Stage,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// How far back everything is kept.
const KEPT: SignedDuration = SignedDuration::from_secs(30);
/// And how many events at the most.
const MOST: usize = 4_000;
/// Config maps of jobs that are remembered: those that changed last.
const MAPS: usize = 50;
/// Events of Kubernetes that are remembered.
const KUBE: usize = 50;

/// The last half minute, and what it stands on.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    ground: Snapshot,
    ring: VecDeque<Happening>,
}

/// The newest of everything that came before the half minute.
#[derive(Debug, Clone, Default)]
struct Snapshot {
    lab: Option<Event>,
    failures: Option<Event>,
    links: BTreeMap<Source, Link>,
    pods: Option<BTreeMap<String, Pod>>,
    /// The cluster's own map, and those of jobs, the one that changed last at the end.
    cluster: Option<MapChange>,
    jobs: VecDeque<(String, MapChange)>,
    flink: Option<FlinkSample>,
    disk: Option<DiskSample>,
    detail: Option<Event>,
    standing: Option<Event>,
    nodes: BTreeMap<String, NodeSeen>,
    stage: Option<Stage>,
    kube: VecDeque<KubeEvent>,
    past: Option<Event>,
}

impl Recent {
    /// Takes one more event in.
    pub fn take(&mut self, happening: &Happening) {
        self.ring.push_back(happening.clone());
        let from = happening.at.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        while self.ring.len() > MOST || self.ring.front().is_some_and(|first| first.at < from) {
            if let Some(old) = self.ring.pop_front() {
                self.ground.take(old.event);
            }
        }
    }

    /// Everything that a recording begins with, stamped no earlier than it was kept.
    #[must_use]
    pub fn all(&self) -> Vec<Happening> {
        let began = self
            .ring
            .front()
            .map_or(Timestamp::UNIX_EPOCH, |first| first.at);
        let ground = self.ground.events().into_iter();
        let ground = ground.map(|event| Happening { at: began, event });
        ground.chain(self.ring.iter().cloned()).collect()
    }
}

impl Snapshot {
    fn take(&mut self, event: Event) {
        match event {
            Event::Lab(_) => self.lab = Some(event),
            Event::NoLab { .. } => *self = Self::default(),
            Event::Failures(_) => self.failures = Some(event),
            Event::Link { source, link } => {
                self.links.insert(source, link);
            }
            Event::Pods(PodChange::Listed(pods)) => {
                let by_uid = pods.into_iter().map(|pod| (pod.uid.clone(), pod));
                self.pods = Some(by_uid.collect());
            }
            Event::Pods(PodChange::Applied(pod)) => {
                let pods = self.pods.get_or_insert_default();
                pods.insert(pod.uid.clone(), pod);
            }
            Event::Pods(PodChange::Deleted { uid }) => {
                self.pods.get_or_insert_default().remove(&uid);
            }
            Event::Map(change) => self.map(change),
            Event::Flink(sample) => self.flink = Some(sample),
            Event::Past(_) => self.past = Some(event),
            Event::Node(node) => {
                self.nodes.insert(node.name.clone(), node);
            }
            Event::Stage(stage) => self.stage = Some(stage),
            Event::Kube(event) => {
                self.kube.push_back(event);
                if self.kube.len() > KUBE {
                    self.kube.pop_front();
                }
            }
            Event::ActiveFailures(_) => self.standing = Some(event),
            Event::JobDetail(_) => self.detail = Some(event),
            Event::Disk(sample) => self.disk = Some(sample),
            // what was on somebody's screen, and what was over before
            Event::Tick
            | Event::Jumped { .. }
            | Event::Key(_)
            | Event::Resize { .. }
            | Event::Signal(_)
            | Event::Usual(_)
            | Event::Examined { .. }
            | Event::Step(_)
            | Event::Done(_)
            | Event::Log(_)
            | Event::Previous(_)
            | Event::Did(_)
            | Event::Healed(_)
            | Event::Jobs(_)
            | Event::Note(_)
            | Event::Silence
            | Event::Lessons { .. }
            | Event::Job(_)
            | Event::Run(_)
            | Event::Saved(_)
            | Event::Failed { .. }
            | Event::Unrecorded(_)
            | Event::Crashed(_) => {}
        }
    }

    fn map(&mut self, change: MapChange) {
        let name = match &change {
            MapChange::Cluster(_) => {
                self.cluster = Some(change);
                return;
            }
            MapChange::Job(map) => map.name.clone(),
            MapChange::Deleted { name } => name.clone(),
        };
        self.jobs.retain(|(known, _)| *known != name);
        match change {
            MapChange::Deleted { .. } => {
                let gone = |map: &mut MapChange| matches!(map, MapChange::Cluster(map) if map.name == name);
                self.cluster.take_if(gone);
            }
            change => self.jobs.push_back((name, change)),
        }
        if self.jobs.len() > MAPS {
            self.jobs.pop_front();
        }
    }

    fn events(&self) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        events.extend(self.failures.clone());
        events.extend(self.lab.clone());
        events.extend(self.stage.clone().map(Event::Stage));
        let links = self.links.iter();
        events.extend(links.map(|(source, link)| Event::Link {
            source: *source,
            link: link.clone(),
        }));
        if let Some(pods) = &self.pods {
            let pods = pods.values().cloned().collect();
            events.push(Event::Pods(PodChange::Listed(pods)));
        }
        let maps = self
            .cluster
            .iter()
            .chain(self.jobs.iter().map(|(_, map)| map));
        events.extend(maps.cloned().map(Event::Map));
        events.extend(self.flink.clone().map(Event::Flink));
        events.extend(self.disk.clone().map(Event::Disk));
        events.extend(self.detail.clone());
        events.extend(self.standing.clone());
        events.extend(self.nodes.values().cloned().map(Event::Node));
        events.extend(self.kube.iter().cloned().map(Event::Kube));
        events.extend(self.past.clone());
        events
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{ClusterMap, JobMap, NodeState};

    #[test]
    fn what_is_older_leaves_only_its_ground() {
        let began: Timestamp = "2026-11-24T21:00:00Z".parse().unwrap();
        let live = |seconds: i64| Event::Link {
            source: Source::Api,
            link: Link::Live {
                since: began + SignedDuration::from_secs(seconds),
            },
        };
        let mut recent = Recent::default();
        for second in 0..100 {
            let at = began + SignedDuration::from_secs(second);
            for event in [Event::Tick, live(second)] {
                recent.take(&Happening { at, event });
            }
        }
        let all = recent.all();
        let first = began + SignedDuration::from_secs(69);
        assert_eq!(all[0].event, live(68), "the newest before it");
        assert_eq!(all[0].at, first);
        assert_eq!(all.len(), 1 + 2 * 31);
    }

    #[test]
    fn all_nodes_the_stage_and_the_newest_events_of_kubernetes_stay() {
        let mut recent = Recent::default();
        let began: Timestamp = "2026-11-24T21:00:00Z".parse().unwrap();
        let mut take = |seconds: i64, event: Event| {
            let at = began + SignedDuration::from_secs(seconds);
            recent.take(&Happening { at, event });
        };
        let node = |name: &str, state: NodeState| {
            let name = name.to_owned();
            let since = began;
            Event::Node(NodeSeen { name, state, since })
        };
        let kube = |n: u32| {
            Event::Kube(KubeEvent {
                at: began + SignedDuration::from_secs(i64::from(n)),
                warning: false,
                reason: "Killing".to_owned(),
                object: format!("pod-{n}"),
                message: String::new(),
                count: 1,
            })
        };
        let stage = Event::Stage(Stage::Begun {
            missing: "x".to_owned(),
        });
        take(0, stage.clone());
        for name in ["t-control-plane", "t-worker", "t-worker2"] {
            take(0, node(name, NodeState::Runs));
        }
        take(1, node("t-worker", NodeState::Stopped));
        for n in 0..500 {
            take(1, kube(n));
        }
        take(100, Event::Tick);
        let events: Vec<Event> = recent.all().into_iter().map(|one| one.event).collect();
        let nodes: Vec<&Event> = events
            .iter()
            .filter(|one| matches!(one, Event::Node(_)))
            .collect();
        assert_eq!(
            nodes,
            [
                &node("t-control-plane", NodeState::Runs),
                &node("t-worker", NodeState::Stopped),
                &node("t-worker2", NodeState::Runs),
            ]
        );
        assert!(events.contains(&stage));
        let of_kube = events.iter().filter(|one| matches!(one, Event::Kube(_)));
        assert!((10..500).contains(&of_kube.count()));
        assert!(events.contains(&kube(499)) && !events.contains(&kube(0)));
    }

    #[test]
    fn maps_of_past_jobs_never_push_out_the_clusters_own() {
        let mut recent = Recent::default();
        let began: Timestamp = "2026-11-24T21:00:00Z".parse().unwrap();
        let cluster = Event::Map(MapChange::Cluster(ClusterMap {
            name: "a-cluster-config-map".to_owned(),
            ..ClusterMap::default()
        }));
        let job = |n: usize| {
            // the newest comes first in the alphabet
            Event::Map(MapChange::Job(JobMap {
                name: format!("b-{:03}-config-map", 999 - n),
                ..JobMap::default()
            }))
        };
        let events = std::iter::once(cluster.clone()).chain((0..300).map(job));
        for event in events {
            recent.take(&Happening { at: began, event });
        }
        let at = began + SignedDuration::from_secs(100);
        recent.take(&Happening {
            at,
            event: Event::Tick,
        });
        let events: Vec<Event> = recent.all().into_iter().map(|one| one.event).collect();
        assert!(events.contains(&cluster));
        assert!(events.contains(&job(299)) && !events.contains(&job(0)));
    }
}
