//! Observers that slip: late, twice, in another order, now and then not at all; stale ones; and clocks.
//! A slip within tolerance takes nothing away, so that the verdict must stay as it is.

use super::{Maker, Must};
use crate::truth::{Observer, sample};
use flinklab_event::{
    Event, FlinkSample, Happening, MapChange, PodChange, RunEventKind, StatementName,
};
use jiff::{SignedDuration, Timestamp};

const OBSERVERS: [Observer; 5] = [
    Observer::Hand,
    Observer::Pods,
    Observer::Maps,
    Observer::Rest,
    Observer::Files,
];

impl Maker<'_> {
    pub(super) fn slips(&mut self) {
        for observer in OBSERVERS {
            self.late(observer);
            self.twice(observer);
        }
        for every in [2, 3] {
            self.now_and_then(every);
        }
        self.out_of_order();
        for moment in self.moments() {
            self.stale(moment);
        }
        self.clocks();
    }

    fn late(&mut self, observer: Observer) {
        let late = |ms: i64| {
            let mut all = self.changed(|it| {
                if Observer::of(&it.event) == Some(observer) {
                    it.at += SignedDuration::from_millis(ms);
                }
            });
            all.sort_by_key(|it| it.at);
            all
        };
        let (short, long) = (late(300), late(2500));
        self.add((observer, "is 0.3 s late"), short, Must::Same, &[]);
        self.add((observer, "is 2.5 s late"), long, Must::Withheld, &[]);
    }

    fn twice(&mut self, observer: Observer) {
        let all = self.good.since.iter();
        let all = all.flat_map(|it| {
            let times = if Observer::of(&it.event) == Some(observer) {
                2
            } else {
                1
            };
            std::iter::repeat_n(it.clone(), times)
        });
        let since = all.collect();
        self.add((observer, "says everything twice"), since, Must::Same, &[]);
    }

    /// What comes often may be missed now and then.
    fn now_and_then(&mut self, every: usize) {
        for observer in [Observer::Rest, Observer::Files] {
            let mut n = 0;
            let mut kept = Vec::new();
            for it in &self.good.since {
                if Observer::of(&it.event) == Some(observer) {
                    n += 1;
                    if n % every == 0 {
                        continue;
                    }
                }
                kept.push(it.clone());
            }
            self.add(
                (observer, "misses a look now and then"),
                kept,
                Must::Same,
                &[],
            );
        }
        // Of several renewals in a row a list after a gap shows the last one.
        let (mut n, mut keys) = (0, None);
        let mut kept = Vec::new();
        for it in &self.good.since {
            if let Event::Map(MapChange::Cluster(map)) = &it.event {
                let held = map.lock.as_ref().map(|lock| lock.holder.clone());
                let now = Some((map.leaders.clone(), held));
                let same = keys == now;
                keys = now;
                n += 1;
                if same && n % every == 0 {
                    continue;
                }
            }
            kept.push(it.clone());
        }
        self.add(
            (Observer::Maps, "misses a renewal now and then"),
            kept,
            Must::Same,
            &[],
        );
    }

    /// Two answers overtake each other on their way.
    fn out_of_order(&mut self) {
        for observer in [Observer::Rest, Observer::Files] {
            let places: Vec<usize> = (0..self.good.since.len())
                .filter(|n| Observer::of(&self.good.since[*n].event) == Some(observer))
                .collect();
            let mut all = self.good.since.clone();
            for pair in places.chunks_exact(2) {
                let (one, other) = (all[pair[0]].event.clone(), all[pair[1]].event.clone());
                // A look at files has no stamp of its own: one that comes late is stale.
                let apart = all[pair[1]].at.duration_since(all[pair[0]].at);
                if observer == Observer::Files && apart > SignedDuration::from_secs(1) {
                    continue;
                }
                all[pair[0]].event = other;
                all[pair[1]].event = one;
            }
            let must = if observer == Observer::Rest {
                Must::Withheld
            } else {
                Must::Same
            };
            self.add(
                (observer, "delivers its looks in pairs, the later one first"),
                all,
                must,
                &[],
            );
        }
    }

    /// The stream with one observer saying this every second from a moment on.
    fn stalled(
        &self,
        moment: Timestamp,
        observer: Observer,
        again: impl Fn(Timestamp) -> Vec<Event>,
    ) -> Vec<Happening> {
        let mut all =
            self.without(|it| it.at > moment && Observer::of(&it.event) == Some(observer));
        let end = self.good.since.last().map_or(moment, |it| it.at);
        let mut at = moment;
        while at < end {
            at += SignedDuration::from_secs(1);
            all.extend(again(at).into_iter().map(|event| Happening { at, event }));
        }
        all.sort_by_key(|it| it.at);
        all
    }

    /// What a statement needs of an observer after a moment.
    fn doubted(&self, by: Observer, moment: Timestamp) -> Vec<(StatementName, Must)> {
        let all = super::STATEMENTS.into_iter();
        let all = all.filter(|name| {
            let needed = self.truth.carried(self.good, *name, by);
            needed.is_some_and(|needed| needed > moment)
        });
        all.map(|name| (name, Must::Doubted)).collect()
    }

    /// What was said last is said for ever.
    fn stale(&mut self, moment: Timestamp) {
        let answer = self.newest(
            moment,
            |event| matches!(event, Event::Flink(sample) if sample.jobs.is_ok()),
        );
        let mut rest = self.doubted(Observer::Rest, moment);
        if self.good.begun.failure.shows_in_checkpoints() {
            // It hides the failed checkpoints too, and the run is INCONCLUSIVE for want of one before
            // anybody could know how old the answers are.
            rest.retain(|(name, _)| *name != StatementName::SameJob);
        }
        if let Some(Event::Flink(answer)) = answer {
            let fresh = |at: Timestamp| {
                let asked = at - SignedDuration::from_millis(20);
                vec![Event::Flink(FlinkSample {
                    asked,
                    ..answer.clone()
                })]
            };
            let since = self.stalled(moment, Observer::Rest, fresh);
            let same = |_: Timestamp| vec![Event::Flink(answer.clone())];
            let verbatim = self.stalled(moment, Observer::Rest, same);
            self.lie(
                (Observer::Rest, "gives its last good answer for ever"),
                since,
                &rest,
            );
            self.last_at(moment);
            self.lie(
                (
                    Observer::Rest,
                    "gives its last good answer for ever, under its old stamp",
                ),
                verbatim,
                &rest,
            );
            self.last_at(moment);
        }
        let maps = self.maps_at(moment);
        let watched = self.doubted(Observer::Maps, moment);
        let since = self.stalled(moment, Observer::Maps, |_| maps.clone());
        self.lie(
            (Observer::Maps, "shows its last maps for ever"),
            since,
            &watched,
        );
        self.last_at(moment);
        let pods: Vec<_> = self.pods_at(moment).into_values().collect();
        let listed = self.doubted(Observer::Pods, moment);
        let since = self.stalled(moment, Observer::Pods, |_| {
            vec![Event::Pods(PodChange::Listed(pods.clone()))]
        });
        self.lie(
            (Observer::Pods, "shows its last list for ever"),
            since,
            &listed,
        );
        self.last_at(moment);
        let files = self.newest(moment, |event| matches!(event, Event::Disk(_)));
        let seen = self.doubted(Observer::Files, moment);
        let since = self.stalled(moment, Observer::Files, |_| {
            files.clone().into_iter().collect()
        });
        self.lie(
            (Observer::Files, "shows its last look for ever"),
            since,
            &seen,
        );
        self.last_at(moment);
    }

    /// The stream with the ticks of the program's own loop.
    fn ticking(&self) -> Vec<Happening> {
        let end = self.good.since.last().map_or(self.truth.end, |it| it.at);
        let mut ticks = Vec::new();
        let mut at = self.truth.begun;
        while at < end {
            at += SignedDuration::from_millis(500);
            ticks.push((at, Event::Tick));
        }
        self.with(self.good.since.clone(), ticks)
    }

    fn clocks(&mut self) {
        use StatementName as S;
        let middle = self.middle();
        let shifted = |ms: i64| {
            let mut all = self.ticking();
            for it in all.iter_mut().filter(|it| it.at > middle) {
                shift(it, SignedDuration::from_millis(ms));
            }
            all
        };
        // Within a second nobody sees that it was set back.
        if self.truth.end.duration_since(middle) < SignedDuration::from_secs(1) {
            return;
        }
        let shifts = [shifted(60_000), shifted(-5_000), shifted(-400)];
        let jumped = Event::Jumped {
            from: middle,
            to: middle + SignedDuration::from_secs(3),
        };
        let since = self.with(self.good.since.clone(), vec![(middle, jumped)]);
        self.jumps("is set by 3 s", since);
        let [on, back, little] = shifts;
        self.jumps("jumps by a minute", on);
        self.jumps("goes back by 5 s", back);
        self.add(
            (Observer::Clock, "goes back by 0.4 s"),
            little,
            Must::Withheld,
            &[(S::Hit, Must::Same)],
        );
    }

    fn jumps(&mut self, how: &'static str, since: Vec<Happening>) {
        self.add(
            (Observer::Clock, how),
            since,
            Must::Worse,
            &[(StatementName::InTime, Must::Unknown)],
        );
        if let Some(last) = self.all.last_mut() {
            last.inconclusive = true;
            last.ticks = false;
        }
    }
}

/// An event as it would be stamped by a clock that was set.
fn shift(it: &mut Happening, by: SignedDuration) {
    it.at += by;
    match &mut it.event {
        Event::Flink(sample) => sample.asked += by,
        Event::Run(run) => {
            if let RunEventKind::Undone { at, .. } = &mut run.kind {
                *at += by;
            }
        }
        _ => {}
    }
    debug_assert!(sample(it).is_none_or(|sample| sample.asked <= it.at));
}
