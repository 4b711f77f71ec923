//! The last half minute of a session, and before it only what the model still stands on: what the
//! recording of one run begins with, so that it can be understood without the session around it.

use crate::model::{
    DiskSample, Event, FlinkSample, Happening, Link, MapChange, Pod, PodChange, Source,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// How far back everything is kept.
const KEPT: SignedDuration = SignedDuration::from_secs(30);
/// And how many events at the most.
const MOST: usize = 4_000;
/// Config maps of past jobs that are remembered.
const MAPS: usize = 50;

/// The last half minute, and what it stands on.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    ground: Ground,
    ring: VecDeque<Happening>,
}

/// The newest of everything that came before the half minute.
#[derive(Debug, Clone, Default)]
struct Ground {
    lab: Option<Event>,
    failures: Option<Event>,
    links: BTreeMap<Source, Link>,
    pods: Option<BTreeMap<String, Pod>>,
    maps: BTreeMap<String, MapChange>,
    flink: Option<FlinkSample>,
    disk: Option<DiskSample>,
    detail: Option<Event>,
    standing: Option<Event>,
    node: Option<Event>,
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

impl Ground {
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
            Event::Map(MapChange::Deleted { name }) => {
                self.maps.remove(&name);
            }
            Event::Map(change) => {
                let name = match &change {
                    MapChange::Cluster(map) => map.name.clone(),
                    MapChange::Job(map) => map.name.clone(),
                    MapChange::Deleted { name } => name.clone(),
                };
                self.maps.insert(name, change);
                if self.maps.len() > MAPS {
                    self.maps.pop_first();
                }
            }
            Event::Flink(sample) => self.flink = Some(sample),
            Event::Past(_) => self.past = Some(event),
            Event::Node(_) => self.node = Some(event),
            Event::Standing(_) => self.standing = Some(event),
            Event::JobDetail(_) => self.detail = Some(event),
            Event::Disk(sample) => self.disk = Some(sample),
            // what was on somebody's screen, and what was over before
            Event::Tick
            | Event::Jumped { .. }
            | Event::Key(_)
            | Event::Resize { .. }
            | Event::Signal(_)
            | Event::Stage(_)
            | Event::Usual(_)
            | Event::Examined { .. }
            | Event::Step(_)
            | Event::Done(_)
            | Event::Kube(_)
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
            | Event::Crashed(_) => {}
        }
    }

    fn events(&self) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        events.extend(self.failures.clone());
        events.extend(self.lab.clone());
        let links = self.links.iter();
        events.extend(links.map(|(source, link)| Event::Link {
            source: *source,
            link: link.clone(),
        }));
        if let Some(pods) = &self.pods {
            let pods = pods.values().cloned().collect();
            events.push(Event::Pods(PodChange::Listed(pods)));
        }
        events.extend(self.maps.values().cloned().map(Event::Map));
        events.extend(self.flink.clone().map(Event::Flink));
        events.extend(self.disk.clone().map(Event::Disk));
        events.extend(self.detail.clone());
        events.extend(self.standing.clone());
        events.extend(self.node.clone());
        events.extend(self.past.clone());
        events
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

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
}
