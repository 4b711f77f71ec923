//! Observers that claim what did not happen. Each claim is against one statement or more; where it is
//! what a broken cluster would show, it must be FAIL, and where it only contradicts the others,
//! no PASS.

use super::{Maker, Must};
use crate::truth::Observer;
use flinklab_event::{
    Checkpoint, CheckpointStatus, ClusterMap, Count, DiskSample, Event, FlinkSample, Happening,
    JobMap, LeaderKey, MapChange, Pod, PodChange, RunEvent, RunEventKind, StatementName,
};
use flinklab_lab::failure::{Leadership, Restarts, Role};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// What a count claims, and what must come of it.
type Claim = (&'static str, Must, fn(&mut Count));

/// A job that is not the run's.
const OTHER: &str = "00000000000000000000000000000bad";

fn rest(change: impl Fn(&mut FlinkSample)) -> impl Fn(&mut Event) {
    move |event| {
        if let Event::Flink(sample) = event {
            change(sample);
        }
    }
}

fn counts(change: impl Fn(&mut Count)) -> impl Fn(&mut Event) {
    rest(move |sample| {
        if let Some(count) = sample.count.as_deref_mut() {
            change(count);
        }
    })
}

fn cluster(change: impl Fn(&mut ClusterMap)) -> impl Fn(&mut Event) {
    move |event| {
        if let Event::Map(MapChange::Cluster(map)) = event {
            change(map);
        }
    }
}

fn job(change: impl Fn(&mut JobMap)) -> impl Fn(&mut Event) {
    move |event| {
        if let Event::Map(MapChange::Job(map)) = event {
            change(map);
        }
    }
}

fn files(change: impl Fn(&mut DiskSample)) -> impl Fn(&mut Event) {
    move |event| {
        if let Event::Disk(sample) = event {
            change(sample);
        }
    }
}

fn pods(change: impl Fn(&mut Pod)) -> impl Fn(&mut Event) {
    move |event| match event {
        Event::Pods(PodChange::Listed(all)) => all.iter_mut().for_each(&change),
        Event::Pods(PodChange::Applied(pod)) => change(pod),
        _ => {}
    }
}

impl Maker<'_> {
    pub(super) fn claims(&mut self) {
        self.of_the_hand();
        self.of_leaders();
        self.of_pointers();
        self.of_the_job();
        self.of_restores();
        self.of_checkpoints();
        self.of_counts();
        self.of_files();
        self.of_pods();
    }

    fn of_run(&self, change: impl Fn(RunEventKind) -> Option<RunEventKind>) -> Vec<Happening> {
        let all = self.good.since.iter().filter_map(|it| {
            let Event::Run(RunEvent { run, kind }) = &it.event else {
                return Some(it.clone());
            };
            let kind = change(kind.clone())?;
            let event = Event::Run(RunEvent {
                run: run.clone(),
                kind,
            });
            Some(Happening { at: it.at, event })
        });
        all.collect()
    }

    fn of_the_hand(&mut self) {
        use StatementName as S;
        let by = Observer::Hand;
        let since = self.of_run(|kind| match kind {
            RunEventKind::Hit(_) => Some(RunEventKind::Hit(Err("the process lives on".to_owned()))),
            kind => Some(kind),
        });
        self.add(
            (by, "proves that nothing was hit"),
            since,
            Must::Same,
            &[(S::Hit, Must::Fail)],
        );
        let since = self.of_run(|kind| (!matches!(kind, RunEventKind::Hit(_))).then_some(kind));
        self.add(
            (by, "proves nothing"),
            since,
            Must::Same,
            &[(S::Hit, Must::Unknown)],
        );
        for (how, first) in [
            ("says that nothing was hit, and then that it was", true),
            ("says that it was hit, and then that it was not", false),
        ] {
            let mut since = Vec::new();
            for it in &self.good.since {
                let Event::Run(RunEvent {
                    run,
                    kind: RunEventKind::Hit(Ok(_)),
                }) = &it.event
                else {
                    since.push(it.clone());
                    continue;
                };
                let kind = RunEventKind::Hit(Err("the process lives on".to_owned()));
                let event = Event::Run(RunEvent {
                    run: run.clone(),
                    kind,
                });
                let other = Happening { at: it.at, event };
                let both = if first {
                    [other, it.clone()]
                } else {
                    [it.clone(), other]
                };
                since.extend(both);
            }
            self.add((by, how), since, Must::Same, &[(S::Hit, Must::Doubted)]);
        }
        let of_another = self.changed(|it| {
            if let Event::Run(event) = &mut it.event {
                event.run = Some("another-run".to_owned());
            }
        });
        let all: Vec<_> = super::STATEMENTS.map(|name| (name, Must::Unknown)).into();
        self.add(
            (by, "tells of another run"),
            of_another,
            Must::Unknown,
            &all,
        );
        let since =
            self.of_run(|kind| (!matches!(kind, RunEventKind::Sent { .. })).then_some(kind));
        let mut nothing = all.clone();
        nothing[0].1 = Must::Withheld;
        self.add(
            (by, "does not say that it was sent"),
            since,
            Must::Unknown,
            &nothing,
        );
        let since =
            self.of_run(|kind| (!matches!(kind, RunEventKind::Gone { .. })).then_some(kind));
        self.add((by, "does not see the process end"), since, Must::Same, &[]);
        if self.good.begun.failure.lasts.is_some() {
            let since =
                self.of_run(|kind| (!matches!(kind, RunEventKind::Undone { .. })).then_some(kind));
            self.add(
                (by, "does not say that it was undone"),
                since,
                Must::Withheld,
                &[(S::OneLeader, Must::Unknown), (S::Restarts, Must::Unknown)],
            );
            let since = self.of_run(|kind| {
                Some(match kind {
                    RunEventKind::Undone {
                        at,
                        observer,
                        resolution_ms,
                        ..
                    } => RunEventKind::Undone {
                        at,
                        observer,
                        resolution_ms,
                        early: Some("healed from outside".to_owned()),
                    },
                    kind => kind,
                })
            });
            let worse: Vec<_> = super::STATEMENTS.map(|name| (name, Must::Worse)).into();
            self.add(
                (by, "says that somebody else undid it early"),
                since,
                Must::Worse,
                &worse,
            );
            self.inconclusive();
        }
        let middle = self.middle();
        let broken_off = RunEventKind::BrokenOff("its flinklab ended".to_owned());
        let event = broken_off.of(&self.good.begun.run);
        let since = self.with(self.good.since.clone(), vec![(middle, event)]);
        self.add(
            (by, "breaks off"),
            since,
            Must::Withheld,
            &[(S::InTime, Must::Unknown)],
        );
        self.inconclusive();
        if let Some(epoch) = self.truth.epoch.filter(|_| self.truth.moves) {
            let since = self.of_run(|kind| {
                Some(match kind {
                    RunEventKind::Sent {
                        observer,
                        resolution_ms,
                        ..
                    } => RunEventKind::Sent {
                        at: epoch + SignedDuration::from_millis(500),
                        observer,
                        resolution_ms,
                    },
                    kind => kind,
                })
            });
            self.lie(
                (by, "says that it was sent after the new epoch began"),
                since,
                &[(S::Leadership, Must::Doubted), (S::Hit, Must::Worse)],
            );
        }
    }

    fn inconclusive(&mut self) {
        if let Some(last) = self.all.last_mut() {
            last.inconclusive = true;
        }
    }

    fn of_leaders(&mut self) {
        use StatementName as S;
        let by = Observer::Maps;
        let (sent, middle, end) = (self.truth.sent, self.middle(), self.truth.end);
        let is_cluster = |event: &Event| matches!(event, Event::Map(MapChange::Cluster(_)));
        let first = self.newest(self.truth.begun, is_cluster);
        let leads = |epoch: &str, key: &LeaderKey| LeaderKey {
            epoch: epoch.to_owned(),
            ..key.clone()
        };
        let keyed = |mut event: Event, epoch: &str| {
            if let Event::Map(MapChange::Cluster(map)) = &mut event {
                for key in map.leaders.values_mut() {
                    *key = leads(epoch, key);
                }
            }
            event
        };
        let stays = self.good.begun.failure.expect.leadership == Leadership::Stays;
        if let (Some(epoch), Some(old)) =
            (self.truth.epoch.filter(|_| self.truth.moves), first.clone())
        {
            // The old leader writes its keys once more, the new one again after that.
            let at = epoch + SignedDuration::from_millis(400);
            let new = self.newest(at, is_cluster);
            let more = [
                (at, Some(old)),
                (at + SignedDuration::from_millis(100), new),
            ];
            let more = more
                .into_iter()
                .filter_map(|(at, event)| Some((at, event?)))
                .collect();
            let since = self.with(self.good.since.clone(), more);
            self.lie(
                (by, "shows the old leader writing beside the new one"),
                since,
                &[(S::OneLeader, Must::Fail)],
            );
            let old = self.newest(self.truth.begun, is_cluster);
            let old = match old {
                Some(Event::Map(MapChange::Cluster(map))) => map.leaders,
                _ => BTreeMap::new(),
            };
            let since = self.changed_of(
                by,
                sent,
                cluster(|map| {
                    for (name, key) in &mut map.leaders {
                        if let Some(known) = old.get(name) {
                            key.epoch.clone_from(&known.epoch);
                        }
                    }
                }),
            );
            let good_moves = self.good.begun.failure.expect.leadership == Leadership::NewEpoch;
            let must = if good_moves {
                Must::Doubted
            } else {
                Must::Worse
            };
            self.lie(
                (by, "shows the old epoch under the new leader"),
                since,
                &[(S::Leadership, must)],
            );
            // The change was before the break, and the watch was late.
            let early = sent - SignedDuration::from_secs(20);
            let holders = self.holders();
            let own = self.newest(self.truth.begun, is_cluster);
            let own = match own {
                Some(Event::Map(MapChange::Cluster(map))) => map.lock.map(|lock| lock.holder),
                _ => None,
            };
            let since = self.changed_of(
                by,
                sent,
                cluster(|map| {
                    if let Some(lock) = &mut map.lock
                        && Some(&lock.holder) != own.as_ref()
                    {
                        lock.acquired = early;
                    }
                }),
            );
            if holders.len() > 1 && good_moves {
                self.lie(
                    (
                        by,
                        "shows that the new leader had its lock before the break",
                    ),
                    since,
                    &[(S::Leadership, Must::Doubted)],
                );
            }
            let new = self
                .good
                .since
                .iter()
                .find(|it| it.at >= epoch && is_cluster(&it.event))
                .cloned();
            if let Some(new) = new.filter(|_| good_moves) {
                let before = sent - SignedDuration::from_millis(1);
                let since = self.with(self.good.since.clone(), vec![(before, new.event)]);
                self.lie(
                    (by, "shows the new epoch just before the break"),
                    since,
                    &[(S::Leadership, Must::Doubted)],
                );
            }
        }
        if stays && let Some(now) = self.newest(middle, is_cluster) {
            let since = self.with(
                self.good.since.clone(),
                vec![(middle, keyed(now, "invented-epoch"))],
            );
            self.lie(
                (by, "shows another epoch for a moment"),
                since,
                &[(S::Leadership, Must::Fail)],
            );
            let since = self.changed_of(
                by,
                middle,
                cluster(|map| {
                    for key in map.leaders.values_mut() {
                        key.epoch = "invented-epoch".to_owned();
                    }
                }),
            );
            self.lie(
                (by, "shows another epoch until the end"),
                since,
                &[(S::Leadership, Must::Fail)],
            );
            let since = self.changed_of(by, middle, cluster(|map| map.leaders.clear()));
            self.lie(
                (by, "shows no leader any more"),
                since,
                &[(S::Leadership, Must::Doubted)],
            );
            let since = self.changed_of(
                by,
                middle,
                cluster(|map| {
                    if let Some(lock) = &mut map.lock {
                        lock.holder = String::new();
                    }
                }),
            );
            self.lie(
                (by, "shows the lock given back, and nobody took it"),
                since,
                &[(S::Leadership, Must::Doubted)],
            );
            let since = self.changed_of(
                by,
                middle,
                cluster(|map| {
                    if let Some(lock) = &mut map.lock {
                        lock.holder = "the-standby".to_owned();
                    }
                }),
            );
            self.lie(
                (by, "shows the lock in another's hand"),
                since,
                &[(S::Leadership, Must::Doubted)],
            );
        }
        // Whoever leads at the end renews no more.
        for from in [sent, self.truth.epoch.unwrap_or(middle)] {
            let known = self.newest(from, is_cluster);
            let known = match known {
                Some(Event::Map(MapChange::Cluster(map))) => map.lock,
                _ => None,
            };
            let known = known.map(|lock| (lock.holder, lock.renewed));
            let known = std::cell::RefCell::new(known.into_iter().collect::<BTreeMap<_, _>>());
            let since = self.changed_of(
                by,
                from,
                cluster(|map| {
                    if let Some(lock) = &mut map.lock {
                        let mut known = known.borrow_mut();
                        let first = known.entry(lock.holder.clone()).or_insert(lock.renewed);
                        lock.renewed = *first;
                    }
                }),
            );
            self.lie(
                (by, "shows a lease that is not renewed"),
                since,
                &[(S::OneLeader, Must::Doubted)],
            );
            self.last_at(from);
        }
        let since = self.changed(|it| {
            if it.at > end - SignedDuration::from_secs(6) && it.at < end {
                cluster(|map| {
                    if let Some(lock) = &mut map.lock {
                        lock.renewed += SignedDuration::from_secs(3600);
                    }
                })(&mut it.event);
            }
        });
        self.lie((by, "shows a renewal in the future"), since, &[]);
        let hosts = self.hosts();
        if let [one, other] = hosts.as_slice() {
            let since = self.changed_of(
                by,
                sent,
                cluster(|map| {
                    for key in map.leaders.values_mut() {
                        let host = if key.host == *one { other } else { one };
                        key.host.clone_from(host);
                    }
                }),
            );
            // An epoch is known by its session id, wherever it is said to live.
            self.add(
                (by, "takes one JobManager's address for the other's"),
                since,
                Must::Same,
                &[],
            );
        }
    }

    fn holders(&self) -> std::collections::BTreeSet<String> {
        let all = self.good.before.iter().chain(&self.good.since);
        let all = all.filter_map(|it| match &it.event {
            Event::Map(MapChange::Cluster(map)) => {
                map.lock.as_ref().map(|lock| lock.holder.clone())
            }
            _ => None,
        });
        all.filter(|holder| !holder.is_empty()).collect()
    }

    fn hosts(&self) -> Vec<String> {
        let pods = self.pods_at(self.truth.begun).into_values();
        let own = pods.filter(|pod| pod.role == Role::JobManager);
        own.filter_map(|pod| pod.ip).collect()
    }

    fn of_pointers(&mut self) {
        use StatementName as S;
        let by = Observer::Maps;
        let (begun, next) = (self.truth.begun, self.truth.next);
        let next_id = self.truth.next_id;
        let since = self.changed_of(by, begun, job(|map| map.job = OTHER.to_owned()));
        self.lie(
            (by, "tells of another job's pointers"),
            since,
            &[(S::Pointer, Must::Doubted)],
        );
        let since = self.changed_of(by, begun, job(|map| map.pointers.clear()));
        self.lie(
            (by, "shows a map without pointers"),
            since,
            &[(S::Pointer, Must::Doubted)],
        );
        let since = self.changed_of(
            by,
            begun,
            job(|map| {
                map.pointers
                    .iter_mut()
                    .for_each(|pointer| pointer.deleting = true);
            }),
        );
        self.lie(
            (by, "shows every pointer being deleted"),
            since,
            &[(S::Pointer, Must::Doubted)],
        );
        let since = self.changed_of(
            by,
            begun,
            job(|map| {
                map.pointers.iter_mut().for_each(|pointer| {
                    pointer.path = Some("file:/flink-shared/ha/none".to_owned())
                });
            }),
        );
        self.lie(
            (by, "names files that are not there"),
            since,
            &[(S::Pointer, Must::Fail)],
        );
        let since = self.changed_of(
            by,
            begun,
            job(|map| map.pointers.retain(|pointer| pointer.id < next_id)),
        );
        self.lie(
            (by, "shows none of the pointers since"),
            since,
            &[(S::Pointer, Must::Doubted)],
        );
        // Both were there once, and are gone before all is over.
        let name = self.newest(next, |event| matches!(event, Event::Map(MapChange::Job(_))));
        if let Some(Event::Map(MapChange::Job(map))) = name {
            let is_job = |it: &Happening| matches!(it.event, Event::Map(MapChange::Job(_)));
            let gone = self.truth.end - SignedDuration::from_millis(1);
            let deleted = Event::Map(MapChange::Deleted {
                name: map.name.clone(),
            });
            let since = self.without(|it| is_job(it) && it.at > gone);
            let since = self.with(since, vec![(gone, deleted)]);
            let lasts = self.good.begun.failure.lasts.is_some();
            let must = if lasts { Must::Doubted } else { Must::Worse };
            self.lie(
                (by, "shows the job's map deleted before the end"),
                since,
                &[(S::Pointer, must)],
            );
        }
        for back in [5, 1000] {
            let since = self.changed_of(
                by,
                next,
                job(|map| {
                    map.counter = map.counter.map(|counter| counter.saturating_sub(back));
                }),
            );
            self.lie(
                (by, "shows the counter of checkpoints falling"),
                since,
                &[(S::IdsGrow, Must::Worse)],
            );
            let from = self.middle();
            let since = self.changed_of(
                by,
                from,
                job(|map| {
                    map.counter = map.counter.map(|counter| counter.saturating_sub(back));
                }),
            );
            let falls = self.good.since.iter().any(|it| {
                it.at > from
                    && it.at <= self.truth.next
                    && matches!(it.event, Event::Map(MapChange::Job(_)))
            });
            let must = if falls { Must::Fail } else { Must::Worse };
            self.lie(
                (by, "shows the counter of checkpoints falling"),
                since,
                &[(S::IdsGrow, must)],
            );
        }
    }

    fn of_the_job(&mut self) {
        use StatementName as S;
        let by = Observer::Rest;
        let sent = self.truth.sent;
        let since = self.changed_of(
            by,
            sent,
            rest(|sample| {
                for row in sample.jobs.iter_mut().flatten() {
                    row.id = OTHER.to_owned();
                }
            }),
        );
        self.lie(
            (by, "lists another job in its place"),
            since,
            &[(S::SameJob, Must::Fail), (S::InTime, Must::Doubted)],
        );
        let since = self.changed_of(
            by,
            self.truth.tasks - SignedDuration::from_millis(1),
            rest(|sample| {
                if let Ok(jobs) = &mut sample.jobs {
                    jobs.clear();
                }
            }),
        );
        self.lie(
            (by, "lists no job any more"),
            since,
            &[(S::SameJob, Must::Doubted), (S::InTime, Must::Doubted)],
        );
        let after = self.truth.tasks + SignedDuration::from_millis(1);
        let since = self.changed_of(
            by,
            after,
            rest(|sample| {
                if let Ok(jobs) = &mut sample.jobs {
                    jobs.clear();
                }
            }),
        );
        let told = after < self.truth.end && self.answers_within(after, self.truth.end);
        let must = if told { Must::Doubted } else { Must::Worse };
        self.lie(
            (by, "lists the job once, and then no more"),
            since,
            &[(S::SameJob, must)],
        );
        for (how, state) in [
            ("says that the job FAILED", "FAILED"),
            ("says that the job was CANCELED", "CANCELED"),
        ] {
            let since = self.changed_of(
                by,
                sent,
                rest(|sample| {
                    for row in sample.jobs.iter_mut().flatten() {
                        row.state = state.to_owned();
                        row.tasks.running = 0;
                    }
                }),
            );
            self.lie(
                (by, how),
                since,
                &[(S::SameJob, Must::Doubted), (S::InTime, Must::Doubted)],
            );
        }
        let since = self.changed_of(
            by,
            sent,
            rest(|sample| {
                for row in sample.jobs.iter_mut().flatten() {
                    row.tasks.running = row.tasks.running.saturating_sub(1);
                }
            }),
        );
        let ran_on = if self.truth.restarts {
            Must::Worse
        } else {
            Must::Fail
        };
        self.lie(
            (by, "shows one task missing until the end"),
            since,
            &[(S::InTime, Must::Fail), (S::Restored, ran_on)],
        );
        let since = self.changed_of(
            by,
            sent,
            rest(|sample| {
                if let Some(workers) = &mut sample.workers {
                    workers.pop();
                }
            }),
        );
        self.lie(
            (by, "misses the slots of one TaskManager"),
            since,
            &[(S::Restarts, Must::Doubted)],
        );
        let next = self.truth.next;
        let since = self.changed_of(
            by,
            sent,
            rest(|sample| {
                if let Some(workers) = &mut sample.workers
                    && sample.asked >= next
                {
                    workers.pop();
                }
            }),
        );
        self.lie(
            (by, "misses the slots of one TaskManager in the end"),
            since,
            &[(S::Restarts, Must::Doubted)],
        );
    }

    fn answers_within(&self, from: Timestamp, to: Timestamp) -> bool {
        let mut all = self.good.since.iter();
        all.any(|it| it.at > from && it.at < to && matches!(it.event, Event::Flink(_)))
    }

    fn of_restores(&mut self) {
        use StatementName as S;
        let by = Observer::Rest;
        let sent = self.truth.sent;
        if self.truth.restarts && self.truth.restored.is_some() {
            let since = self.changed_of(
                by,
                sent,
                rest(|sample| {
                    if let Some(restored) = sample
                        .checkpoints
                        .as_mut()
                        .and_then(|seen| seen.restored.as_mut())
                        && restored.at > sent
                    {
                        restored.id -= 1;
                    }
                }),
            );
            self.lie(
                (by, "tells of a restore from an older checkpoint"),
                since,
                &[(S::Restored, Must::Fail)],
            );
            let since = self.changed_of(
                by,
                sent,
                rest(|sample| {
                    if let Some(restored) = sample
                        .checkpoints
                        .as_mut()
                        .and_then(|seen| seen.restored.as_mut())
                        && restored.at > sent
                    {
                        restored.savepoint = true;
                    }
                }),
            );
            self.lie(
                (by, "tells of a restore from a savepoint"),
                since,
                &[(S::Restored, Must::Fail)],
            );
            let since = self.changed_of(
                by,
                sent,
                rest(|sample| {
                    if let Some(seen) = &mut sample.checkpoints {
                        seen.restored = None;
                    }
                }),
            );
            let must = if self.truth.moves {
                Must::Fail
            } else {
                Must::Doubted
            };
            self.lie((by, "tells of no restore"), since, &[(S::Restored, must)]);
            let told = self.truth.restored.unwrap_or(sent) + SignedDuration::from_millis(1);
            let since = self.changed_of(
                by,
                told,
                rest(|sample| {
                    if let Some(seen) = &mut sample.checkpoints {
                        seen.restored = None;
                    }
                }),
            );
            self.lie(
                (by, "forgets the restore that it told of"),
                since,
                &[(S::Restored, Must::Worse)],
            );
        }
        if !self.truth.restarts {
            let at = self.middle();
            let newest = self
                .good
                .since
                .iter()
                .filter_map(crate::truth::sample)
                .find_map(|sample| sample.checkpoints.as_ref()?.completed);
            let since = self.changed_of(
                by,
                at,
                rest(|sample| {
                    if let (Some(seen), Some(id)) = (&mut sample.checkpoints, newest) {
                        seen.restored = Some(flinklab_event::Restored {
                            id,
                            at,
                            savepoint: false,
                            path: None,
                        });
                    }
                }),
            );
            self.lie(
                (by, "tells of a restore that was not to be"),
                since,
                &[(S::Restored, Must::Fail)],
            );
        }
    }

    fn of_checkpoints(&mut self) {
        use StatementName as S;
        let by = Observer::Rest;
        let (begun, sent, next, next_id) = (
            self.truth.begun,
            self.truth.sent,
            self.truth.next,
            self.truth.next_id,
        );
        let since = self.changed_of(
            by,
            begun,
            rest(|sample| {
                if let Some(seen) = &mut sample.checkpoints {
                    seen.job = OTHER.to_owned();
                }
            }),
        );
        self.lie(
            (by, "tells of another job's checkpoints"),
            since,
            &[(S::Restored, Must::Doubted)],
        );
        // One that nobody else saw, and that would have come first.
        let from = match self.truth.restored_at {
            Some(stamp) if self.truth.restarts => stamp,
            _ if self.truth.restarts => self.truth.epoch.unwrap_or(sent),
            _ => self.truth.undone.unwrap_or(sent),
        };
        let done = from + SignedDuration::from_millis(2);
        let row = |id: u64, triggered: Timestamp, done: Timestamp| Checkpoint {
            id,
            status: CheckpointStatus::Completed,
            triggered: Some(triggered),
            acknowledged: Some(done),
            duration_ms: Some(1),
            size: None,
            savepoint: false,
            path: None,
        };
        let since = self.changed_of(
            by,
            from,
            rest(|sample| {
                if let Some(seen) = &mut sample.checkpoints {
                    seen.rows.push(row(
                        next_id.saturating_add(900),
                        from + SignedDuration::from_millis(1),
                        done,
                    ));
                    seen.completed = Some(next_id.saturating_add(900));
                }
            }),
        );
        let restarts_or_not = if next_id == u64::MAX {
            Must::Worse
        } else {
            Must::Doubted
        };
        if next_id < u64::MAX {
            self.lie(
                (by, "tells of a checkpoint that nobody else saw"),
                since,
                &[(S::Pointer, restarts_or_not)],
            );
            // The same id once more, triggered again.
            let again = next + SignedDuration::from_millis(1);
            let since = self.changed_of(
                by,
                again,
                rest(|sample| {
                    for row in sample
                        .checkpoints
                        .iter_mut()
                        .flat_map(|seen| &mut seen.rows)
                    {
                        if row.id == next_id {
                            row.triggered = row
                                .triggered
                                .map(|at| at + SignedDuration::from_millis(900));
                            row.acknowledged = row
                                .acknowledged
                                .map(|at| at + SignedDuration::from_millis(900));
                        }
                    }
                }),
            );
            self.lie(
                (by, "tells of one checkpoint that completed twice"),
                since,
                &[],
            );
            let low = self.newest_id(begun);
            let since = self.changed_of(
                by,
                from,
                rest(|sample| {
                    if let Some(seen) = &mut sample.checkpoints {
                        for row in &mut seen.rows {
                            if row.id >= next_id {
                                row.id = row.id - next_id + 1;
                            }
                        }
                        seen.completed = seen
                            .completed
                            .map(|id| if id >= next_id { id - next_id + 1 } else { id });
                    }
                }),
            );
            if low.is_some_and(|low| low > 1) {
                self.lie(
                    (by, "tells of ids that begin again"),
                    since,
                    &[(S::IdsGrow, Must::Worse)],
                );
            }
        }
    }

    fn newest_id(&self, until: Timestamp) -> Option<u64> {
        let map = self.newest(until, |event| {
            matches!(event, Event::Map(MapChange::Job(_)))
        })?;
        match map {
            Event::Map(MapChange::Job(map)) => map.newest(),
            _ => None,
        }
    }

    fn of_counts(&mut self) {
        use StatementName as S;
        let by = Observer::Rest;
        let sent = self.truth.sent;
        let claims: [Claim; 6] = [
            ("tells of a number that was left out", Must::Fail, |count| {
                count.gaps = 1;
                count.due += 1;
            }),
            (
                "tells of a number that was counted twice",
                Must::Fail,
                |count| {
                    count.duplicates = 1;
                    count.held += 1;
                },
            ),
            (
                "tells of a state that holds fewer numbers than were counted",
                Must::Fail,
                |count| count.held -= 1,
            ),
            (
                "tells of a count that began again from nothing",
                Must::Fail,
                |count| {
                    count.restored = None;
                    count.began = 0;
                    count.counted = 1;
                    count.held = 1;
                    count.due = 1;
                    count.checkpointed = 0;
                },
            ),
            (
                "does not tell what every key counted",
                Must::Doubted,
                |count| count.keys.0 = count.keys.1 - 1,
            ),
            ("tells what another job counted", Must::Doubted, |count| {
                count.job = OTHER.to_owned()
            }),
        ];
        for (how, must, claim) in claims {
            let since = self.changed_of(
                by,
                sent,
                counts(|count| {
                    if count.at > sent && count.keys.0 == count.keys.1 {
                        claim(count);
                    }
                }),
            );
            self.add((by, how), since, Must::Same, &[(S::Exact, must)]);
        }
        let since = self.changed_of(by, sent, counts(|count| count.at = count.at.min(sent)));
        self.add(
            (by, "tells what was counted before the break only"),
            since,
            Must::Same,
            &[(S::Exact, Must::Unknown)],
        );
    }

    fn of_files(&mut self) {
        use StatementName as S;
        let by = Observer::Files;
        let (begun, next_id) = (self.truth.begun, self.truth.next_id);
        let since = self.changed_of(by, begun, files(|sample| sample.job = OTHER.to_owned()));
        self.add(
            (by, "looks into another job's folder"),
            since,
            Must::Same,
            &[(S::Pointer, Must::Unknown)],
        );
        let since = self.changed_of(by, begun, files(|sample| sample.checkpoints.clear()));
        self.add(
            (by, "finds no checkpoint"),
            since,
            Must::Same,
            &[(S::Pointer, Must::Fail)],
        );
        let since = self.changed_of(
            by,
            begun,
            files(|sample| {
                sample
                    .checkpoints
                    .iter_mut()
                    .for_each(|row| row.complete = false);
            }),
        );
        self.add(
            (by, "finds checkpoints without their metadata"),
            since,
            Must::Same,
            &[(S::Pointer, Must::Fail)],
        );
        let since = self.changed_of(by, begun, files(|sample| sample.ha_files.clear()));
        self.add(
            (by, "finds none of the pointers' files"),
            since,
            Must::Same,
            &[(S::Pointer, Must::Fail)],
        );
        let since = self.changed_of(
            by,
            begun,
            files(|sample| {
                sample.checkpoints.retain(|row| row.id < next_id);
            }),
        );
        self.add(
            (by, "finds no checkpoint of after the break"),
            since,
            Must::Same,
            &[(S::Pointer, Must::Doubted)],
        );
        if self.good.begun.failure.lasts.is_some()
            && let Some(undone) = self.truth.undone
        {
            let since = self.changed_of(by, undone, files(|sample| sample.checkpoints.clear()));
            self.add(
                (by, "finds that the checkpoints are gone after the undo"),
                since,
                Must::Same,
                &[(S::Pointer, Must::Doubted)],
            );
        }
    }

    fn of_pods(&mut self) {
        use StatementName as S;
        let by = Observer::Pods;
        let expect = self.good.begun.failure.expect.restarts;
        let (begun, middle) = (self.truth.begun, self.middle());
        let target = &self.good.begun.target;
        let hit: Vec<String> = std::iter::once(target.uid.clone())
            .chain(target.also.iter().map(|also| also.uid.clone()))
            .collect();
        let before = self.pods_at(begun);
        let restarts = |uid: &str| before.get(uid).map_or(0, |pod| pod.restarts);
        if expect == Restarts::Target {
            let since = self.changed_of(
                by,
                begun,
                pods(|pod| {
                    if hit.contains(&pod.uid) {
                        pod.restarts = restarts(&pod.uid);
                    }
                }),
            );
            self.add(
                (by, "shows no restart of what was hit"),
                since,
                Must::Same,
                &[(S::Restarts, Must::Doubted)],
            );
            let since = self.changed_of(
                by,
                begun,
                pods(|pod| {
                    if hit.contains(&pod.uid) && pod.restarts > restarts(&pod.uid) {
                        pod.restarts += 1;
                    }
                }),
            );
            self.add(
                (by, "shows two restarts of what was hit"),
                since,
                Must::Same,
                &[(S::Restarts, Must::Fail)],
            );
            let since = self.changed_of(
                by,
                begun,
                pods(|pod| {
                    if hit.contains(&pod.uid) {
                        pod.uid = format!("another-{}", pod.uid);
                    }
                }),
            );
            self.add(
                (by, "shows another pod in the place of the one that was hit"),
                since,
                Must::Worse,
                &[(S::Restarts, Must::Worse)],
            );
        }
        if expect == Restarts::Replaced {
            let since = self.without(|it| match &it.event {
                Event::Pods(PodChange::Deleted { uid }) => hit.contains(uid),
                _ => false,
            });
            self.add(
                (by, "shows the pod that was hit until the end"),
                since,
                Must::Same,
                &[(S::Restarts, Must::Doubted)],
            );
        }
        let Some(bystander) = self.bystander() else {
            return;
        };
        let at = |pod: Pod| (middle, Event::Pods(PodChange::Applied(pod)));
        let now = self
            .pods_at(middle)
            .remove(&bystander.uid)
            .unwrap_or_else(|| bystander.clone());
        let about = |change: &dyn Fn(&mut Pod)| {
            let since = self.changed_of(
                by,
                middle,
                pods(|pod| {
                    if pod.uid == bystander.uid {
                        change(pod);
                    }
                }),
            );
            let mut pod = now.clone();
            change(&mut pod);
            self.with(since, vec![at(pod)])
        };
        let since = about(&|pod| pod.restarts = bystander.restarts + 1);
        let unready = about(&|pod| pod.ready = false);
        self.add(
            (by, "shows a restart of a pod that was not hit"),
            since,
            Must::Same,
            &[(S::Restarts, Must::Fail)],
        );
        self.add(
            (by, "shows a pod that does not get ready"),
            unready,
            Must::Same,
            &[(S::Restarts, Must::Doubted)],
        );
        let uid = bystander.uid.clone();
        let mut since = self.without(|it| {
            it.at > middle
                && matches!(&it.event, Event::Pods(PodChange::Applied(pod)) if pod.uid == uid)
        });
        for it in since.iter_mut().filter(|it| it.at > middle) {
            if let Event::Pods(PodChange::Listed(all)) = &mut it.event {
                all.retain(|pod| pod.uid != uid);
            }
        }
        let since = self.with(
            since,
            vec![(middle, Event::Pods(PodChange::Deleted { uid }))],
        );
        self.add(
            (by, "shows that a pod is gone that was not hit"),
            since,
            Must::Same,
            &[(S::Restarts, Must::Fail)],
        );
        // Which of two did it? The one that was not aimed at, by the watch.
        let other = before
            .values()
            .find(|pod| pod.role == target.role && !hit.contains(&pod.uid));
        if let (Some(other), Restarts::Target) = (other, expect) {
            let (one, two) = (target.uid.clone(), other.uid.clone());
            let swapped = |uid: &str| match uid {
                uid if uid == one => two.clone(),
                uid if uid == two => one.clone(),
                uid => uid.to_owned(),
            };
            let since = self.changed_of(by, begun, pods(|pod| pod.uid = swapped(&pod.uid)));
            self.add(
                (by, "takes one pod for the other"),
                since,
                Must::Same,
                &[(S::Restarts, Must::Doubted)],
            );
        }
    }
}
