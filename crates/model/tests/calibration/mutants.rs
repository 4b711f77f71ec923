//! What an observer may do wrong, applied to a good run, and what must come of it. Expectations are
//! written here with their reasons and rest on what truly happened; the judge is not asked.

mod claims;
mod silence;
mod slips;

use crate::stream::Good;
use crate::truth::{Observer, Truth};
use flinklab_event::{Event, Happening, Link, MapChange, Pod, PodChange, Source, StatementName};
use flinklab_lab::failure::Verdict;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// What a statement must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Must {
    /// As in the good run: nothing was taken away, and nothing contradicts it.
    Same,
    /// As in the good run, or UNKNOWN: something may be missing, nothing says otherwise.
    Withheld,
    /// As in the good run, or worse: an observer that lies may be believed.
    Worse,
    /// No PASS: what is left does not carry one.
    Doubted,
    /// UNKNOWN: nobody saw it, and nobody saw otherwise. A FAIL of the good run may stay.
    Unknown,
    /// FAIL: it was seen to be otherwise. What was not known in the good run may stay so.
    Fail,
}

impl Must {
    pub(crate) fn allows(self, good: Verdict, now: Verdict) -> bool {
        let same = now == good;
        match self {
            Self::Same => same,
            Self::Withheld => same || now == Verdict::Unknown,
            Self::Worse => same || now != Verdict::Pass,
            Self::Doubted => now != Verdict::Pass,
            Self::Unknown => now == Verdict::Unknown || (same && now == Verdict::Fail),
            Self::Fail => now == Verdict::Fail || (same && now == Verdict::Unknown),
        }
    }

    /// Whether a PASS would be false.
    pub(crate) fn is_against_pass(self) -> bool {
        matches!(self, Self::Doubted | Self::Unknown | Self::Fail)
    }
}

/// A good run in which one observer was corrupted.
pub(crate) struct Mutant {
    pub(crate) observer: Observer,
    /// What it did, in words: the same for all failures and moments.
    pub(crate) how: &'static str,
    /// When, for messages.
    pub(crate) when: String,
    pub(crate) since: Vec<Happening>,
    /// What must come of statements that are not named.
    pub(crate) rest: Must,
    pub(crate) must: BTreeMap<StatementName, Must>,
    /// The whole run must be INCONCLUSIVE.
    pub(crate) inconclusive: bool,
    /// The clock ticks while all is silent.
    pub(crate) ticks: bool,
}

/// Makes the mutants of one good run.
pub(crate) struct Maker<'a> {
    pub(crate) good: &'a Good,
    pub(crate) truth: &'a Truth,
    pub(crate) all: Vec<Mutant>,
}

/// All mutants of a good run, one observer at a time.
pub(crate) fn of(good: &Good, truth: &Truth) -> Vec<Mutant> {
    let mut maker = Maker {
        good,
        truth,
        all: Vec::new(),
    };
    maker.silence();
    maker.slips();
    maker.claims();
    maker.all
}

pub(crate) const STATEMENTS: [StatementName; 10] = [
    StatementName::Hit,
    StatementName::Leadership,
    StatementName::OneLeader,
    StatementName::SameJob,
    StatementName::Restored,
    StatementName::IdsGrow,
    StatementName::Pointer,
    StatementName::Restarts,
    StatementName::InTime,
    StatementName::Exact,
];

/// Which statements an observer has a say in at all.
pub(crate) fn says(by: Observer) -> &'static [StatementName] {
    use StatementName as S;
    match by {
        Observer::Hand | Observer::Clock => &STATEMENTS,
        Observer::Pods => &[S::Restarts],
        Observer::Maps => &[
            S::Leadership,
            S::OneLeader,
            S::Restored,
            S::IdsGrow,
            S::Pointer,
            S::InTime,
        ],
        Observer::Rest => &[
            S::SameJob,
            S::Restored,
            S::IdsGrow,
            S::Pointer,
            S::Restarts,
            S::InTime,
            S::Exact,
        ],
        Observer::Files => &[S::Pointer],
    }
}

impl Maker<'_> {
    /// Adds a mutant, unless nothing came of the corruption: the run has nothing of that kind.
    fn add(
        &mut self,
        (observer, how): (Observer, &'static str),
        since: Vec<Happening>,
        rest: Must,
        must: &[(StatementName, Must)],
    ) {
        if since == self.good.since {
            return;
        }
        self.all.push(Mutant {
            observer,
            how,
            when: String::new(),
            since,
            rest,
            must: must.iter().copied().collect(),
            inconclusive: false,
            ticks: true,
        });
    }

    /// A lie of that observer: what it has a say in may be believed to be worse, the rest has
    /// nothing to do with it.
    fn lie(
        &mut self,
        named: (Observer, &'static str),
        since: Vec<Happening>,
        must: &[(StatementName, Must)],
    ) {
        let mut all: BTreeMap<StatementName, Must> = says(named.0)
            .iter()
            .map(|name| (*name, Must::Worse))
            .collect();
        all.extend(must.iter().copied());
        let all: Vec<_> = all.into_iter().collect();
        self.add(named, since, Must::Withheld, &all);
    }

    fn last_at(&mut self, moment: Timestamp) {
        let after = moment.duration_since(self.truth.sent).as_secs_f64();
        if let Some(last) = self.all.last_mut()
            && last.when.is_empty()
        {
            last.when = format!("{after:.1} s after the break");
        }
    }

    /// Moments at which something may begin: from the break to its end, and a little later.
    fn moments(&self) -> Vec<Timestamp> {
        let span = self.truth.end.duration_since(self.truth.sent).as_secs_f64();
        let parts = [0.0, 0.3, 0.7];
        let moments =
            parts.map(|part| self.truth.sent + SignedDuration::from_secs_f64(span * part));
        let late = self.truth.end + SignedDuration::from_secs(2);
        moments.into_iter().chain([late]).collect()
    }

    fn middle(&self) -> Timestamp {
        let half = self.truth.end.duration_since(self.truth.sent) / 2;
        self.truth.sent + half
    }

    /// The stream with every event changed.
    fn changed(&self, change: impl Fn(&mut Happening)) -> Vec<Happening> {
        let mut all = self.good.since.clone();
        all.iter_mut().for_each(change);
        all
    }

    /// The stream with the events of one observer changed, from a moment on.
    fn changed_of(
        &self,
        observer: Observer,
        from: Timestamp,
        change: impl Fn(&mut Event),
    ) -> Vec<Happening> {
        self.changed(|happening| {
            if happening.at >= from && Observer::of(&happening.event) == Some(observer) {
                change(&mut happening.event);
            }
        })
    }

    /// The stream without some events.
    fn without(&self, gone: impl Fn(&Happening) -> bool) -> Vec<Happening> {
        let kept = self.good.since.iter().filter(|happening| !gone(happening));
        kept.cloned().collect()
    }

    /// The stream with more events, each at its moment.
    fn with(&self, mut all: Vec<Happening>, more: Vec<(Timestamp, Event)>) -> Vec<Happening> {
        all.extend(more.into_iter().map(|(at, event)| Happening { at, event }));
        all.sort_by_key(|happening| happening.at);
        all
    }

    /// The newest event that fits, of those until a moment.
    fn newest(&self, until: Timestamp, fits: impl Fn(&Event) -> bool) -> Option<Event> {
        let all = self.good.before.iter().chain(&self.good.since);
        let all = all.take_while(|happening| happening.at <= until);
        let all = all.filter(|happening| fits(&happening.event));
        all.last().map(|happening| happening.event.clone())
    }

    /// The pods as they are at a moment.
    fn pods_at(&self, moment: Timestamp) -> BTreeMap<String, Pod> {
        let all = self.good.before.iter().chain(&self.good.since);
        let mut pods = BTreeMap::new();
        for happening in all.take_while(|happening| happening.at <= moment) {
            match &happening.event {
                Event::Pods(PodChange::Listed(all)) => {
                    pods = all
                        .iter()
                        .map(|pod| (pod.uid.clone(), pod.clone()))
                        .collect();
                }
                Event::Pods(PodChange::Applied(pod)) => {
                    pods.insert(pod.uid.clone(), pod.clone());
                }
                Event::Pods(PodChange::Deleted { uid }) => {
                    pods.remove(uid);
                }
                _ => {}
            }
        }
        pods
    }

    /// The maps as a list shows them at a moment.
    fn maps_at(&self, moment: Timestamp) -> Vec<Event> {
        let cluster = self.newest(moment, |event| {
            matches!(event, Event::Map(MapChange::Cluster(_)))
        });
        let job = self.newest(moment, |event| {
            matches!(
                event,
                Event::Map(MapChange::Job(_) | MapChange::Deleted { .. })
            )
        });
        cluster.into_iter().chain(job).collect()
    }

    /// Whether the good run itself lost sight of the API server.
    fn loses_sight(&self) -> bool {
        let mut all = self.good.since.iter();
        all.any(|happening| matches!(happening.event, Event::Link { .. }))
    }

    /// A pod of before that the failure does not hit.
    fn bystander(&self) -> Option<Pod> {
        let target = &self.good.begun.target;
        let hit =
            |uid: &String| *uid == target.uid || target.also.iter().any(|also| also.uid == *uid);
        let pods = self.pods_at(self.truth.begun);
        pods.into_values().find(|pod| !hit(&pod.uid))
    }
}

/// The API server's watches are lost, as the program notices it.
pub(crate) fn lost(since: Timestamp) -> (Timestamp, Event) {
    let link = Link::Lost {
        since,
        why: "connection refused".to_owned(),
    };
    let source = Source::Api;
    (
        since + SignedDuration::from_secs(3),
        Event::Link { source, link },
    )
}

fn live(since: Timestamp) -> Event {
    let link = Link::Live { since };
    let source = Source::Api;
    Event::Link { source, link }
}
