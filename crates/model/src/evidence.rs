//! Collects evidence for a run from everything that happens. Decides what counts as a witness and
//! which stamp is the better one; draws no conclusions, those are in `timeline` and `judge`.

use super::bounds::make_room;
use super::evidence_leader::{keys, renewal};
use super::pieces::{better, counted_on};
use super::{Baseline, Job, Lease, Look, Model, Observed, Run, record};
use flinklab_event::{
    BreakOrder, CheckpointStatus, CheckpointsSample, Event, FlinkSample, Happening, JobMap, Link,
    MapChange, PodChange, RunEventKind, Source,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// Good answers of REST kept; older ones grow sparse where a run lasts longer than they do.
const LOOKS: usize = 2000;
/// Restores and epochs kept: a job that restarts every second for as long as a run lasts.
const KEPT: usize = 200;
/// Completed checkpoints kept.
const CHECKPOINTS: usize = 1000;
/// While a run is observed something happens several times a second. Nothing for so long means
/// that this machine slept or that its clock was set.
const GAP: SignedDuration = SignedDuration::from_secs(10);
/// Stamps come from several tasks and may overtake each other a little.
const BACK: SignedDuration = SignedDuration::from_secs(1);
/// How long after its pointer was written a checkpoint may still be taken back by its own leader.
const WITHDRAWAL: SignedDuration = SignedDuration::from_secs(2);
impl Run {
    /// Begins to observe: what the model knows now is what was true before.
    #[must_use]
    pub fn begin(order: BreakOrder, model: &Model) -> Self {
        let map = model.cluster.job_map.as_ref().map(|(_, map)| map);
        let pointed = map.and_then(JobMap::newest);
        let by_rest = model.job.newest().map(|checkpoint| checkpoint.id);
        let lock = model.cluster.lock().cloned();
        let before = Baseline {
            at: model.now,
            job: model.lab.as_ref().and_then(|lab| lab.job.clone()),
            checkpoint: pointed.max(by_rest),
            counter: map.and_then(|map| map.counter),
            epoch: model.cluster.epoch().map(|epoch| epoch.id.clone()),
            epochs: model
                .cluster
                .epochs
                .iter()
                .map(|epoch| epoch.id.clone())
                .collect(),
            lock: lock.clone(),
            pods: model.cluster.pods.values().cloned().collect(),
            restores: model
                .job
                .restores
                .iter()
                .map(|restored| restored.at)
                .collect(),
            slots: model
                .job
                .workers
                .as_ref()
                .map(|(_, workers)| slots(workers)),
            rhythm: record::rhythm(&model.job),
            checkpointing: model.job.checkpointing,
            failed: failed(&model.job),
            exact: model.lab.as_ref().is_some_and(|lab| lab.exact),
            count: model.job.count.clone(),
        };
        let keys = model.cluster.map.as_ref().map(|(_, map)| keys(map));
        let seen = Observed {
            lease: Lease {
                last: lock,
                ..Lease::default()
            },
            keys: keys.unwrap_or_default(),
            renewals: before
                .lock
                .iter()
                .map(|lock| renewal(before.at, lock))
                .collect(),
            highest: (before.checkpoint, before.counter),
            pods: model.cluster.pods.clone(),
            led_by: model.cluster.leaders(),
            blind: match model.links.get(&Source::Api) {
                Some(Link::Lost { since, .. }) => Some(*since),
                Some(Link::Live { .. }) | None => None,
            },
            blinds: match model.links.get(&Source::Api) {
                Some(Link::Lost { since, .. }) => vec![(*since, None)],
                Some(Link::Live { .. }) | None => Vec::new(),
            },
            until: Some(model.now),
            failed_counted: model.job.failed.map(|failed| (failed, failed)),
            ..Observed::default()
        };
        Self {
            order,
            before,
            seen,
            whose: super::Whose::Ours,
        }
    }

    /// Takes in what happened. Every event is welcome; most say nothing about a run.
    pub fn observe(&mut self, happening: &Happening) {
        let at = happening.at;
        self.watch_the_clock(happening);
        match &happening.event {
            Event::Run(event) if event.is_of(&self.order.run) => self.hand(at, &event.kind),
            Event::Jumped { from, to } => {
                self.seen.jump.get_or_insert((*from, *to));
            }
            Event::Map(change) => self.map(at, change),
            Event::Flink(sample) => self.rest(at, sample),
            Event::Pods(change) => {
                self.pods(change);
                self.hold_back(at);
            }
            Event::Link {
                source: Source::Api,
                link,
            } => {
                self.sight(at, link);
            }
            Event::Disk(sample) => self.files(at, sample),
            // Says nothing new about the run, and comes often.
            Event::Log(_) | Event::Kube(_) => return,
            _ => {}
        }
        self.seen.phases = self.timeline(at);
    }

    /// A gap in all that happens is a machine that slept. A clock that was set back is seen by what
    /// the loop itself stamps: other events are stamped where they are made and may wait in the
    /// queue behind a slow frame.
    fn watch_the_clock(&mut self, happening: &Happening) {
        let at = happening.at;
        let slept = self
            .seen
            .until
            .filter(|until| at.duration_since(*until) > GAP);
        let mut back = None;
        if happening.event == Event::Tick {
            back = self.seen.ticked.replace(at);
            back = back.filter(|ticked| at.duration_since(*ticked) < -BACK);
        }
        if let Some(from) = slept.or(back) {
            self.seen.jump.get_or_insert((from, at));
        }
        self.seen.until = self.seen.until.max(Some(at));
    }

    fn hand(&mut self, told: Timestamp, event: &RunEventKind) {
        match event {
            RunEventKind::Begun(_)
            | RunEventKind::Over
            | RunEventKind::Elsewhere(_)
            | RunEventKind::Stuck(_) => {}
            RunEventKind::BrokenOff(why) => {
                self.seen.broken_off.get_or_insert_with(|| why.clone());
            }
            RunEventKind::Sent {
                at,
                observer,
                resolution_ms,
            } => better(&mut self.seen.sent, *at, observer, *resolution_ms),
            RunEventKind::Gone {
                at,
                observer,
                resolution_ms,
            } => better(&mut self.seen.gone, *at, observer, *resolution_ms),
            RunEventKind::Undone {
                at,
                observer,
                resolution_ms,
                early,
            } => {
                better(&mut self.seen.undone, *at, observer, *resolution_ms);
                self.seen.undone_told.get_or_insert(told);
                self.seen.healed = self.seen.healed.take().or_else(|| early.clone());
            }
            // What was proven not to be hit is not proven hit by saying so later.
            RunEventKind::Hit(_) if matches!(self.seen.hit, Some(Err(_))) => {}
            RunEventKind::Hit(proof) => self.seen.hit = Some(proof.clone()),
            RunEventKind::Refused(fault) => self.seen.fault = Some(fault.clone()),
        }
    }

    fn pods(&mut self, change: &PodChange) {
        match change {
            PodChange::Listed(pods) => {
                self.seen.pods_unlisted = false;
                self.seen.pods = pods
                    .iter()
                    .map(|pod| (pod.uid.clone(), pod.clone()))
                    .collect();
            }
            PodChange::Applied(pod) => {
                self.seen.pods.insert(pod.uid.clone(), pod.clone());
            }
            PodChange::Deleted { uid } => {
                self.seen.pods.remove(uid);
            }
        }
    }

    fn map(&mut self, at: Timestamp, change: &MapChange) {
        self.seen.watched = self.seen.watched.max(Some(at));
        match change {
            MapChange::Cluster(map) => self.cluster_map(at, map),
            MapChange::Job(map) if self.before.job.as_ref() == Some(&map.job) => {
                self.job_map(at, map);
            }
            MapChange::Deleted { name } => self.map_deleted(name),
            MapChange::Job(_) => {}
        }
    }

    /// Every version of the map is looked at on its own: of several pointers only the newest can
    /// be new, the others are older ones that are kept.
    fn job_map(&mut self, at: Timestamp, map: &JobMap) {
        self.pointers(at, map);
        let (pointer, counter) = (map.newest(), map.counter);
        let next = self.seen.highest.1;
        if let (Some(counter), Some(next)) = (counter, next)
            && counter < next
        {
            self.fell(format!(
                "the next checkpoint id fell from {next} to {counter}"
            ));
        }
        if let (Some(pointer), Some(highest)) = (pointer, self.seen.highest.0)
            && pointer < highest
        {
            if counter >= next && self.withdrawn(highest, at) {
                self.seen.highest.0 = Some(pointer);
            } else {
                self.fell(format!(
                    "the pointer of checkpoint {pointer} came after that of {highest}"
                ));
            }
        }
        if let Some(pointer) = pointer
            && Some(pointer) > self.seen.highest.0
        {
            self.completed(pointer).pointed.get_or_insert(at);
        }
        self.seen.highest = (self.seen.highest.0.max(pointer), next.max(counter));
    }

    /// A checkpoint whose pointer was written but which failed after all loses its pointer again,
    /// and no leader ever told that it completed. It never was one, so this is no fall.
    /// Only the leader that wrote it can take it back, and at once: a later leader that does
    /// without it has lost it.
    fn withdrawn(&mut self, highest: u64, at: Timestamp) -> bool {
        let same_leader = self.seen.epochs.is_empty();
        let only_pointed = self.seen.completed.get(&highest).is_some_and(|seen| {
            let lately = |pointed: Timestamp| at.duration_since(pointed) <= WITHDRAWAL;
            same_leader && seen.acknowledged.is_none() && seen.pointed.is_some_and(lately)
        });
        if only_pointed {
            self.seen.completed.remove(&highest);
        }
        only_pointed
    }

    fn rest(&mut self, at: Timestamp, sample: &FlinkSample) {
        let after = self.seen.asked;
        self.seen.asked = after.max(Some(sample.asked));
        let checkpoints = sample
            .checkpoints
            .as_ref()
            .filter(|seen| self.before.job.as_ref() == Some(&seen.job));
        if let Some(seen) = checkpoints {
            self.checkpoints(at, seen);
        }
        if let Some(count) = sample.count.as_deref()
            && self.before.job.as_ref() == Some(&count.job)
            && !self.seen.counts.contains(count)
        {
            make_room(&mut self.seen.counts, LOOKS, counted_on);
            // answers may overtake each other
            let place = self
                .seen
                .counts
                .partition_point(|known| known.at <= count.at);
            self.seen.counts.insert(place, count.clone());
        }
        self.successor(sample);
        let Ok(jobs) = &sample.jobs else { return };
        make_room(&mut self.seen.looks, LOOKS, Look::is_between);
        let ours = |id: &String| self.before.job.as_ref() == Some(id);
        self.seen.looks.push(Look {
            asked: sample.asked,
            done: at,
            after,
            job: jobs
                .iter()
                .find(|row| ours(&row.id))
                .map(|row| (row.state.clone(), row.tasks.running, row.tasks.total)),
            others: jobs
                .iter()
                .filter(|row| !ours(&row.id))
                .map(|row| format!("{} {}", row.id, row.state))
                .collect(),
            restored: checkpoints.map(|seen| seen.restored.as_ref().map(|restored| restored.at)),
            completed: checkpoints.and_then(newest_completed),
            since: checkpoints.and_then(remembered_since),
            slots: sample.workers.as_deref().map(slots),
        });
    }

    fn checkpoints(&mut self, at: Timestamp, sample: &CheckpointsSample) {
        // A run may begin before Flink was asked for it.
        let known = self.before.checkpointing;
        self.before.checkpointing = known.or(sample.checkpointing);
        let (first, most) = self.seen.failed_counted.unwrap_or((sample.failed, 0));
        self.seen.failed_counted = Some((first, most.max(sample.failed)));
        if let Some(restored) = &sample.restored
            && !self.before.restores.contains(&restored.at)
            && !self
                .seen
                .restores
                .iter()
                .any(|known| known.at == restored.at)
        {
            make_room(&mut self.seen.restores, KEPT, |_, _, _| false);
            self.seen.restores.push(restored.clone());
            self.seen.restores.sort_by_key(|restored| restored.at);
        }
        let mut twice = None;
        for row in sample.rows.iter().filter(|row| !row.savepoint) {
            match row.status {
                CheckpointStatus::Completed => {
                    let old = self.before.checkpoint.is_some_and(|known| row.id <= known)
                        && row.acknowledged.is_none_or(|done| done <= self.before.at);
                    if old {
                        continue;
                    }
                    let known = self.completed(row.id);
                    // By the JobManagers' own clock: one checkpoint is triggered once.
                    if let (Some(first), Some(again)) = (known.triggered, row.triggered)
                        && first != again
                    {
                        twice.get_or_insert(row.id);
                    }
                    // An id that begins again is another checkpoint: the newer one counts.
                    known.triggered = known.triggered.max(row.triggered);
                    known.took_ms = row.duration_ms.or(known.took_ms);
                    known.acknowledged = known.acknowledged.max(row.acknowledged);
                }
                CheckpointStatus::Failed if self.before.failed.contains(&row.id) => {}
                CheckpointStatus::Failed => {
                    self.seen.completed.remove(&row.id);
                    self.seen.failed.entry(row.id).or_insert(at);
                    if self.seen.failed.len() > CHECKPOINTS {
                        let oldest = self.seen.failed.iter().min_by_key(|(_, at)| **at);
                        let oldest = oldest.map(|(id, _)| *id);
                        oldest.and_then(|id| self.seen.failed.remove(&id));
                    }
                }
                CheckpointStatus::InProgress => {}
            }
        }
        if let Some(id) = twice {
            self.fell(format!("checkpoint {id} completed twice"));
        }
        self.in_order();
    }

    /// By the time at which they were triggered, ids must grow.
    fn in_order(&mut self) {
        let mut by_time: Vec<(Timestamp, u64)> = self
            .seen
            .completed
            .iter()
            .filter_map(|(id, seen)| Some((seen.triggered?, *id)))
            .collect();
        by_time.sort_unstable();
        let mut highest = self.before.checkpoint;
        let mut fell = None;
        for (triggered, id) in by_time {
            if triggered > self.before.at
                && let Some(highest) = highest
                && id < highest
            {
                fell = Some(format!(
                    "checkpoint {id} was triggered after checkpoint {highest}"
                ));
                break;
            }
            highest = highest.max(Some(id));
        }
        if let Some(words) = fell {
            self.fell(words);
        }
    }

    fn completed(&mut self, id: u64) -> &mut super::Completed {
        // Ids may begin again: the oldest is the one that completed first.
        if self.seen.completed.len() >= CHECKPOINTS && !self.seen.completed.contains_key(&id) {
            let oldest = self
                .seen
                .completed
                .iter()
                .min_by_key(|(_, it)| it.done_at());
            let oldest = oldest.map(|(id, _)| *id);
            oldest.and_then(|id| self.seen.completed.remove(&id));
        }
        self.seen.completed.entry(id).or_default()
    }

    fn fell(&mut self, words: String) {
        self.seen.fell.get_or_insert(words);
    }
}

/// Checkpoints of the job that have failed.
fn failed(job: &Job) -> BTreeSet<u64> {
    let rows = job.checkpoints.values();
    let failed = rows.filter(|row| row.status == CheckpointStatus::Failed);
    failed.map(|row| row.id).collect()
}

/// The newest checkpoint that an answer knows to be complete, savepoints included.
fn newest_completed(sample: &CheckpointsSample) -> Option<u64> {
    let rows = sample.rows.iter();
    let done = rows.filter(|row| row.status == CheckpointStatus::Completed);
    done.map(|row| row.id).max().max(sample.completed)
}

/// When the oldest checkpoint was triggered that an answer knows of.
fn remembered_since(sample: &CheckpointsSample) -> Option<Timestamp> {
    sample.rows.iter().filter_map(|row| row.triggered).min()
}

fn slots(workers: &[flinklab_event::Worker]) -> u32 {
    let slots = workers.iter().map(|worker| worker.slots);
    slots.fold(0, u32::saturating_add)
}
