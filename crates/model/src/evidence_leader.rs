//! Evidence about who leads: leader keys with their session ids, renewals of the lock, and stretches
//! in which nobody could look.

use super::addresses::job_manager_at;
use super::bounds::make_room;
use super::{Renewal, Run};
use flinklab_event::{ClusterMap, Link, Lock};
use jiff::Timestamp;

/// Epochs, renewals and blind stretches kept of one run.
const KEPT: usize = 500;
/// The components whose keys one leadership writes. A job's key is left out: on Flink 1.15 it has
/// a session id of its own.
const COMPONENTS: [&str; 3] = ["restserver", "resourcemanager", "dispatcher"];

impl Run {
    pub(super) fn cluster_map(&mut self, at: Timestamp, map: &ClusterMap) {
        for key in COMPONENTS
            .iter()
            .filter_map(|component| map.leaders.get(*component))
        {
            let known = self.before.epochs.contains(&key.epoch)
                || self
                    .seen
                    .epochs
                    .iter()
                    .any(|(epoch, _)| *epoch == key.epoch);
            if !known {
                make_room(&mut self.seen.epochs, KEPT, |_, _, _| false);
                self.seen.epochs.push((key.epoch.clone(), at));
            }
        }
        let known = self.seen.keys.clone();
        self.wrote(at, map);
        // The same once more may be an old answer: only what is new shows how things are now.
        let mut news = known != self.seen.keys;
        if let Some(lock) = &map.lock {
            let seen = renewal(at, lock);
            news |= !self
                .seen
                .renewals
                .last()
                .is_some_and(|last| last.holder == seen.holder && last.renewed == seen.renewed);
            if !self.seen.renewals.last().is_some_and(|last| last.is(&seen)) {
                make_room(&mut self.seen.renewals, KEPT, Renewal::is_between);
                self.seen.renewals.push(seen);
            }
        }
        let dispatcher = map.leaders.get("dispatcher");
        if let Some(key) = dispatcher
            && let Some(pod) = job_manager_at(&self.seen.pods, &key.host)
        {
            let pod = pod.name.clone();
            self.seen.led_by.insert(key.epoch.clone(), pod);
            if self.seen.led_by.len() > 2 * KEPT {
                let (before, since) = (&self.before.epochs, &self.seen.epochs);
                let known =
                    |id: &String| before.contains(id) || since.iter().any(|(epoch, _)| epoch == id);
                self.seen.led_by.retain(|id, _| known(id));
            }
        }
        if news {
            self.seen.map = Some((at, dispatcher.map(|key| key.epoch.clone())));
        }
        if let Some(lock) = &map.lock
            && self.seen.epochs.is_empty()
        {
            self.seen.lease.goes_on(at, lock);
        }
    }

    /// Only the newest epoch writes leader keys. One that writes after another began acts as leader
    /// beside it.
    fn wrote(&mut self, at: Timestamp, map: &ClusterMap) {
        let now = keys(map);
        let known = self
            .before
            .epochs
            .iter()
            .chain(self.seen.epochs.iter().map(|(epoch, _)| epoch));
        let newest = known.last().cloned();
        for (component, epoch) in &now {
            let changed = self.seen.keys.get(component) != Some(epoch);
            if let Some(newest) = &newest
                && changed
                && !self.seen.keys.is_empty()
                && epoch != newest
            {
                self.seen
                    .wrote_again
                    .get_or_insert((epoch.clone(), newest.clone(), at));
            }
        }
        self.seen.keys = now;
    }

    pub(super) fn sight(&mut self, at: Timestamp, link: &Link) {
        let open = self.seen.blinds.last().is_some_and(|(_, to)| to.is_none());
        match link {
            Link::Live { .. } => {
                self.seen.blind = None;
                if let Some((_, to)) = self.seen.blinds.last_mut() {
                    to.get_or_insert(at);
                }
            }
            Link::Lost { since, .. } => {
                self.seen.blind = Some(*since);
                self.seen.pods_unlisted = true;
                let full = self.seen.blinds.len() >= KEPT;
                match self.seen.blinds.last_mut() {
                    _ if open => {}
                    // Rather too much counts as not seen than too little.
                    Some((_, to)) if full => *to = None,
                    _ => self.seen.blinds.push((*since, None)),
                }
            }
        }
    }
}

/// The session id by component.
pub(super) fn keys(map: &ClusterMap) -> std::collections::BTreeMap<String, String> {
    let own = COMPONENTS.iter().filter_map(|component| {
        let key = map.leaders.get(*component)?;
        Some(((*component).to_owned(), key.epoch.clone()))
    });
    own.collect()
}

pub(super) fn renewal(at: Timestamp, lock: &Lock) -> Renewal {
    Renewal {
        holder: lock.holder.clone(),
        since: if lock.holder.is_empty() {
            at
        } else {
            lock.acquired
        },
        renewed: lock.renewed,
        seconds: lock.seconds,
    }
}
