//! What happened to the lab, as a person would tell it afterwards: epochs, restarts, pods that came
//! and went, the job down and up, restores, breaks, sources lost and back. Ours, and kept across
//! every failover.

use super::Model;
use flinklab_base::units;
use flinklab_event::{Event, Link, PodChange, RunEvent, RunEventKind, Source};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// History remembered: a workshop with a break a minute.
const MOMENTS: usize = 1000;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A new epoch: somebody leads.
    Epoch,
    /// The lock was given back.
    Released,
    /// The lease ran out without a renewal.
    Expired,
    /// A container was started again.
    Restart,
    /// A pod appeared.
    Came,
    /// A pod is gone.
    Went,
    /// Not all tasks run.
    JobDown,
    /// All tasks run.
    JobUp,
    /// The job was restored.
    Restored,
    /// A failure was sent.
    Break,
    /// A source does not answer.
    Lost,
    /// A source answers again.
    Back,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// When, by whoever knows best.
    pub at: Timestamp,
    /// What kind.
    pub kind: Kind,
    /// The pod, the job or the source.
    pub who: String,
    /// In words.
    pub what: String,
}

/// All of them, oldest first, and what is needed to notice the next one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Oldest first.
    pub list: Vec<HistoryEntry>,
    /// The pods were listed: what comes from then on is new.
    listed: bool,
    /// Restarts by uid, with the name.
    pods: BTreeMap<String, (String, u32)>,
    epoch: u32,
    holder: Option<String>,
    /// When the lease ran out that was told of last.
    expired: Option<Timestamp>,
    tasks: Option<(bool, Timestamp)>,
    restores: usize,
    lost: BTreeMap<Source, Timestamp>,
}

impl History {
    fn add(&mut self, at: Timestamp, kind: Kind, who: &str, what: String) {
        let place = self.list.partition_point(|moment| moment.at <= at);
        let who = who.to_owned();
        let moment = HistoryEntry {
            at,
            kind,
            who,
            what,
        };
        // a list after a gap tells again what was told
        let told = self.list[..place].iter().rev().take(20);
        if told.into_iter().any(|known| *known == moment) {
            return;
        }
        self.list.insert(place, moment);
        if self.list.len() > MOMENTS {
            self.list.remove(0);
        }
    }
}

fn took(from: Timestamp, to: Timestamp) -> String {
    format!("{:.1} s", units::since(to, from))
}

impl Model {
    /// Notices what an event, taken in already, changed. Called at the end of `update`.
    pub(super) fn remember(&mut self, event: &Event) {
        let now = self.now;
        let mut history = std::mem::take(&mut self.history);
        match event {
            Event::Pods(change) => self.pods_changed(&mut history, change),
            Event::Map(_) => self.lead_changed(&mut history),
            Event::Flink(_) => self.job_changed(&mut history),
            Event::Run(
                event @ RunEvent {
                    kind: RunEventKind::Sent { at, .. },
                    ..
                },
            ) => {
                if let Some(run) = self.run().filter(|run| event.is_of(&run.order.run)) {
                    let what = format!("{} sent", run.order.failure.key);
                    history.add(*at, Kind::Break, &run.order.target.pod, what);
                }
            }
            Event::Link { source, link } => match link {
                Link::Lost { since, why } => {
                    if history.lost.insert(*source, *since).is_none() {
                        history.add(*since, Kind::Lost, source.text(), format!("lost: {why}"));
                    }
                }
                Link::Live { .. } => {
                    if let Some(since) = history.lost.remove(source) {
                        let what = format!("answers again after {}", took(since, now));
                        history.add(now, Kind::Back, source.text(), what);
                    }
                }
            },
            Event::Tick => self.lease_watched(&mut history),
            _ => {}
        }
        self.history = history;
    }

    fn pods_changed(&self, history: &mut History, change: &PodChange) {
        let first = !history.listed && matches!(change, PodChange::Listed(_));
        history.listed |= first;
        let before = std::mem::take(&mut history.pods);
        for (uid, pod) in &self.cluster.pods {
            history
                .pods
                .insert(uid.clone(), (pod.name.clone(), pod.restarts));
            match before.get(uid) {
                None if !first => {
                    let at = pod.created.unwrap_or(self.now);
                    history.add(at, Kind::Came, &pod.name, "was created".to_owned());
                }
                Some((_, restarts)) if pod.restarts > *restarts => {
                    let (code, at) = match &pod.last_exit {
                        Some((code, reason, at)) => (format!(" after exit {code} {reason}"), *at),
                        None => (String::new(), None),
                    };
                    let what = format!("restart {}{code}", pod.restarts);
                    history.add(
                        at.unwrap_or(self.now),
                        Kind::Restart,
                        &pod.name,
                        what.trim_end().to_owned(),
                    );
                }
                _ => {}
            }
        }
        for (uid, (name, _)) in before {
            if !history.pods.contains_key(&uid) {
                history.add(self.now, Kind::Went, &name, "is gone".to_owned());
            }
        }
    }

    fn lead_changed(&self, history: &mut History) {
        if let Some(lock) = self.cluster.lock() {
            let before = history.holder.replace(lock.holder.clone());
            let held = before.is_some_and(|before| !before.is_empty());
            if held && lock.holder.is_empty() {
                let pod = self.cluster.epoch().and_then(|epoch| epoch.pod.clone());
                let who = pod.unwrap_or_default();
                history.add(
                    self.now,
                    Kind::Released,
                    &who,
                    "gave the lock back".to_owned(),
                );
            }
        }
        for epoch in &self.cluster.epochs {
            if epoch.number > history.epoch {
                history.epoch = epoch.number;
                let who = epoch.pod.clone().unwrap_or_default();
                let what = format!("epoch {} begins", epoch.number);
                history.add(epoch.began, Kind::Epoch, &who, what);
            } else if let (Some(pod), Some(moment)) = (
                &epoch.pod,
                // the key that names the pod follows half a second later
                history.list.iter_mut().rev().take(50).find(|moment| {
                    moment.kind == Kind::Epoch && moment.at == epoch.began && moment.who.is_empty()
                }),
            ) {
                moment.who.clone_from(pod);
            }
        }
    }

    /// Nothing happens when a lease runs out, so that the clock has to notice. Without the API
    /// server it may be renewed unseen.
    fn lease_watched(&self, history: &mut History) {
        let Some(lock) = self.cluster.lock().filter(|lock| !lock.holder.is_empty()) else {
            return;
        };
        let live = matches!(self.links.get(&Source::Api), Some(Link::Live { .. }));
        let seen = live && !self.cluster.clock.may_be_renewed(self.now);
        let ends = lock.ends();
        if seen && ends < self.now && history.expired != Some(ends) {
            history.expired = Some(ends);
            let pod = self.cluster.epoch().and_then(|epoch| epoch.pod.clone());
            let who = pod.unwrap_or_default();
            let what = "did not renew: its lease ran out".to_owned();
            history.add(ends, Kind::Expired, &who, what);
        }
    }

    fn job_changed(&self, history: &mut History) {
        let ours = self.lab.as_ref().and_then(|lab| lab.job.as_deref());
        if let (Some(row), Some((at, sample))) = (self.job.row(ours), &self.job.sample)
            && sample.jobs.is_ok()
        {
            let (up, at) = (row.all_run(), *at);
            match history.tasks {
                Some((was, _)) if was == up => {}
                Some((_, since)) if up => {
                    let what = format!(
                        "all {} tasks run again after {}",
                        row.tasks.total,
                        took(since, at)
                    );
                    history.add(at, Kind::JobUp, "job", what);
                    history.tasks = Some((up, at));
                }
                before => {
                    if before.is_some() {
                        let (running, total) = (row.tasks.running, row.tasks.total);
                        let what = format!("{}: {running} of {total} tasks run", row.state);
                        history.add(at, Kind::JobDown, "job", what);
                    }
                    history.tasks = Some((up, at));
                }
            }
        }
        let restores = self.job.restores.len();
        for restored in self.job.restores.iter().skip(history.restores) {
            let what = format!("restored from checkpoint {}", restored.id);
            history.add(restored.at, Kind::Restored, "job", what);
        }
        history.restores = restores;
    }
}
