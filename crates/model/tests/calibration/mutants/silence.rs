//! Observers that fall silent: for good, for a while, or in a part of what they say. Nothing they
//! said before was wrong, so that no PASS may turn into FAIL; and what nobody saw is UNKNOWN.

use super::{Maker, Must, live, lost};
use crate::truth::Observer;
use flinklab_event::{Event, FlinkSample, Happening, PodChange, StatementName};
use jiff::{SignedDuration, Timestamp};

/// For how many seconds an observer may be away.
const AWAY: [i64; 2] = [3, 12];

impl Maker<'_> {
    pub(super) fn silence(&mut self) {
        for moment in self.moments() {
            self.ends(moment);
            for away in AWAY {
                self.is_away(moment, away);
            }
        }
        self.parts();
    }

    /// What an observer that falls silent then cannot have carried.
    fn uncarried(
        &self,
        by: &[Observer],
        moment: Timestamp,
        must: Must,
    ) -> Vec<(StatementName, Must)> {
        let all = super::STATEMENTS.into_iter();
        let all = all.filter(|name| {
            let mut moments = by
                .iter()
                .filter_map(|one| self.truth.carried(self.good, *name, *one));
            moments.any(|needed| needed > moment)
        });
        all.map(|name| (name, must)).collect()
    }

    /// Silent until the end.
    fn ends(&mut self, moment: Timestamp) {
        let of = |observers: &'static [Observer]| {
            move |it: &Happening| {
                let by = Observer::of(&it.event);
                it.at > moment && by.is_some_and(|by| observers.contains(&by))
            }
        };
        for (observer, how) in [
            (Observer::Rest, "says nothing any more"),
            (Observer::Files, "says nothing any more"),
            (Observer::Hand, "says nothing any more"),
        ] {
            let list: &'static [Observer] = match observer {
                Observer::Rest => &[Observer::Rest],
                Observer::Files => &[Observer::Files],
                _ => &[Observer::Hand],
            };
            let must = self.uncarried(list, moment, Must::Unknown);
            let since = self.without(of(list));
            self.add((observer, how), since, Must::Withheld, &must);
            self.last_at(moment);
        }
        let must = self.uncarried(&[Observer::Rest], moment, Must::Unknown);
        let since = self.changed_of(Observer::Rest, moment, |event| {
            if let Event::Flink(sample) = event {
                refuse(sample);
            }
        });
        self.add(
            (Observer::Rest, "answers with errors until the end"),
            since,
            Must::Withheld,
            &must,
        );
        self.last_at(moment);
        // Pods and maps come from one server, which is noticed to be away.
        let both: &'static [Observer] = &[Observer::Maps, Observer::Pods];
        let mut must = self.uncarried(both, moment, Must::Unknown);
        if moment < self.truth.end {
            must.push((StatementName::Restarts, Must::Unknown));
        }
        if !self.loses_sight() {
            let since = self.with(self.without(of(both)), vec![lost(moment)]);
            self.add(
                (Observer::Maps, "is lost with the API server until the end"),
                since,
                Must::Withheld,
                &must,
            );
            self.last_at(moment);
        }
        // A watch that hangs, and whose loss nobody notices.
        for (list, observer) in [
            (&[Observer::Maps] as &'static [Observer], Observer::Maps),
            (&[Observer::Pods], Observer::Pods),
        ] {
            let must = self.uncarried(list, moment, Must::Doubted);
            let since = self.without(of(list));
            self.lie((observer, "hangs, and nobody notices"), since, &must);
            self.last_at(moment);
        }
        let must = self.uncarried(
            &[
                Observer::Maps,
                Observer::Pods,
                Observer::Rest,
                Observer::Files,
            ],
            moment,
            Must::Doubted,
        );
        let since = self.without(|it| it.at > moment && !matches!(it.event, Event::Run(_)));
        let all: Vec<_> = super::STATEMENTS.map(|name| (name, Must::Worse)).into();
        let all = all
            .into_iter()
            .chain(must)
            .collect::<std::collections::BTreeMap<_, _>>();
        let all: Vec<_> = all.into_iter().collect();
        self.add(
            (Observer::Clock, "ticks on, and nobody else says anything"),
            since,
            Must::Worse,
            &all,
        );
        self.last_at(moment);
    }

    /// Silent for a while.
    fn is_away(&mut self, moment: Timestamp, away: i64) {
        let back = moment + SignedDuration::from_secs(away);
        let within = |it: &Happening| it.at > moment && it.at < back;
        for observer in [Observer::Rest, Observer::Files] {
            let since = self.without(|it| within(it) && Observer::of(&it.event) == Some(observer));
            self.add(
                (observer, "says nothing for a while"),
                since,
                Must::Withheld,
                &[],
            );
            self.last_at(moment);
        }
        if self.loses_sight() {
            return;
        }
        let watched =
            |event: &Event| matches!(Observer::of(event), Some(Observer::Maps | Observer::Pods));
        let pods = self.pods_at(back).into_values().collect();
        let mut more = vec![
            (back, live(back)),
            (back, Event::Pods(PodChange::Listed(pods))),
        ];
        more.extend(self.maps_at(back).into_iter().map(|event| (back, event)));
        let noticed = lost(moment);
        if noticed.0 < back {
            more.insert(0, noticed);
        }
        let since = self.with(self.without(|it| within(it) && watched(&it.event)), more);
        self.add(
            (
                Observer::Maps,
                "is lost with the API server for a while, and lists anew",
            ),
            since,
            Must::Withheld,
            &[],
        );
        self.last_at(moment);
    }

    /// Only a part of an answer is missing.
    fn parts(&mut self) {
        use StatementName as S;
        let sent = self.truth.begun;
        let cut = |part: fn(&mut FlinkSample)| {
            move |event: &mut Event| {
                if let Event::Flink(sample) = event {
                    part(sample);
                }
            }
        };
        let since = self.changed_of(
            Observer::Rest,
            sent,
            cut(|sample| sample.checkpoints = None),
        );
        self.add(
            (Observer::Rest, "does not tell of checkpoints"),
            since,
            Must::Withheld,
            &[(S::Restored, Must::Unknown)],
        );
        let since = self.changed_of(Observer::Rest, sent, cut(|sample| sample.workers = None));
        self.add(
            (Observer::Rest, "does not tell of TaskManagers"),
            since,
            Must::Same,
            &[(S::Restarts, Must::Unknown)],
        );
        let since = self.changed_of(Observer::Rest, sent, cut(|sample| sample.count = None));
        self.add(
            (Observer::Rest, "does not tell what was counted"),
            since,
            Must::Same,
            &[(S::Exact, Must::Unknown)],
        );
    }
}

fn refuse(sample: &mut FlinkSample) {
    sample.jobs = Err("connection refused".to_owned());
    sample.checkpoints = None;
    sample.workers = None;
    sample.count = None;
}
