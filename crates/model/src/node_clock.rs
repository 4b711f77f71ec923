//! The clock of the lab's nodes beside this machine's. Where Docker runs in a virtual machine, that
//! has a clock of its own, which drifts while the machine sleeps; a lease that is renewed by one
//! clock and looked at by the other would run out for no reason.
//!
//! Nothing is told before it happens: a renewal stamped later than it was told of is by a clock that is
//! ahead. One that is stamped long before the one before it was told of, though both came as far
//! apart as they were made, is by a clock that is behind; so are several that come equally late.
//! What comes late now and then, or all at once, is only slow.

use flinklab_event::Event;
use flinklab_event::{Happening, Lock, MapChange};
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;

/// Clocks that differ by less than this are taken for the same: what is timed by them is seconds.
const APART: SignedDuration = SignedDuration::from_secs(1);
/// The part of a lease after which its holder renews it, at the latest.
const RHYTHM: f64 = 0.4;
/// Renewals looked at: after a step of either clock the old ones are forgotten within as many.
const RENEWALS: usize = 6;
/// No watch lags that far behind and keeps its pace.
const FAR: SignedDuration = SignedDuration::from_secs(5);
/// So many renewals that come equally late are no slow ones, if that takes a while.
const LATE: usize = 3;
const A_WHILE: SignedDuration = SignedDuration::from_secs(2);
/// Delays that differ by less are equal.
const EQUAL: SignedDuration = SignedDuration::from_millis(500);

/// What is known of the nodes' clock.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeClock {
    /// The lock as it was told of last, by the node's clock, and when.
    last: Option<(Timestamp, Lock)>,
    /// The newest renewals.
    renewals: VecDeque<Renewal>,
    /// What is added to the node's stamps.
    behind: SignedDuration,
}

/// A renewal, and what must be added to its stamp at least and at most.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Renewal {
    at: Timestamp,
    least: SignedDuration,
    most: SignedDuration,
}

impl NodeClock {
    /// How far the nodes' clock is behind this machine's; negative: ahead. Zero as long as nothing
    /// shows that they differ.
    #[must_use]
    pub const fn behind(&self) -> SignedDuration {
        self.behind
    }

    /// Whether the lock was told of so lately that its next renewal may be on its way: by a clock that
    /// is behind, and not known to be, its lease looks over at the first look.
    pub(super) fn may_be_renewed(&self, now: Timestamp) -> bool {
        self.last.as_ref().is_some_and(|(at, lock)| {
            let since = now.duration_since(*at).as_secs_f64();
            since < lock.seconds * RHYTHM
        })
    }

    /// An event with the stamps of the nodes in this machine's time; none where they are that
    /// already.
    pub(super) fn in_our_time(&mut self, happening: &Happening) -> Option<Happening> {
        match &happening.event {
            Event::Map(MapChange::Cluster(map)) => {
                let lock = map.lock.as_ref()?;
                self.look(happening.at, lock);
                if self.behind.is_zero() {
                    return None;
                }
                let mut map = map.clone();
                map.lock = Some(self.shifted(lock));
                let event = Event::Map(MapChange::Cluster(map));
                Some(Happening {
                    at: happening.at,
                    event,
                })
            }
            Event::Map(MapChange::Deleted { .. }) => {
                self.last = None;
                None
            }
            _ => None,
        }
    }

    fn shifted(&self, lock: &Lock) -> Lock {
        let shift = |at: Timestamp| at.checked_add(self.behind).unwrap_or(at);
        Lock {
            acquired: shift(lock.acquired),
            renewed: shift(lock.renewed),
            ..lock.clone()
        }
    }

    /// Another look at the lock. What is added to stamps changes with a renewal only, so that two
    /// looks at the same one tell the same.
    fn look(&mut self, at: Timestamp, lock: &Lock) {
        let Some((before, known)) = &self.last else {
            self.last = Some((at, lock.clone()));
            return;
        };
        let renewed = known.renewed < lock.renewed;
        let same = known.holder == lock.holder && !lock.holder.is_empty();
        let news = renewed || known.holder != lock.holder;
        if same && renewed {
            let made = lock.renewed.duration_since(known.renewed);
            let paced = at.duration_since(*before) >= made / 2;
            self.renewals.push_back(Renewal {
                at,
                least: if paced {
                    before.duration_since(lock.renewed)
                } else {
                    SignedDuration::MIN
                },
                most: at.duration_since(lock.renewed),
            });
            if self.renewals.len() > RENEWALS {
                self.renewals.pop_front();
            }
            self.behind = self.estimate();
        }
        if news {
            self.last = Some((at, lock.clone()));
        }
    }

    /// The newest renewals that agree with each other count. Telling takes a moment, so the most
    /// that can be is what is most likely.
    fn estimate(&mut self) -> SignedDuration {
        let mut least = SignedDuration::MIN;
        let mut most = SignedDuration::MAX;
        let mut agree = 0;
        for told in self.renewals.iter().rev() {
            let (from, to) = (least.max(told.least), most.min(told.most));
            if from > to {
                break;
            }
            (least, most) = (from, to);
            agree += 1;
        }
        self.renewals.drain(..self.renewals.len() - agree);
        let all = self.renewals.iter();
        let equal: Vec<_> = all.filter(|told| told.most - most < EQUAL).collect();
        let steady = match equal.as_slice() {
            [first, .., last] if equal.len() >= LATE => last.at.duration_since(first.at) >= A_WHILE,
            _ => false,
        };
        let behind = least > FAR || steady && most > APART;
        if behind || most < -APART {
            most
        } else {
            SignedDuration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::{Model, update};
    use flinklab_event::{ClusterMap, Event, Happening, Link, Lock, MapChange, Source};
    use jiff::{SignedDuration, Timestamp};

    /// A lab whose clock is behind ours, or ahead.
    struct Lab {
        model: Model,
        behind: f64,
    }

    fn at(seconds: f64) -> Timestamp {
        let first: Timestamp = "2026-05-04T16:05:00Z".parse().unwrap();
        first + SignedDuration::from_secs_f64(seconds)
    }

    impl Lab {
        fn new(behind: f64) -> Self {
            let mut lab = Self {
                model: Model::default(),
                behind,
            };
            let link = Link::Live { since: at(0.0) };
            let source = Source::Api;
            lab.at(0.0, Event::Link { source, link });
            lab
        }

        fn at(&mut self, seconds: f64, event: Event) {
            let at = at(seconds);
            update(&mut self.model, &Happening { at, event });
        }

        /// The lock as renewed at a moment of ours, told of a moment later.
        fn told(&mut self, seconds: f64, delay: f64) {
            let lock = Lock {
                holder: "a".to_owned(),
                seconds: 15.0,
                acquired: at(-100.0 - self.behind),
                renewed: at(seconds - self.behind),
                transitions: 0,
            };
            let lock = Some(lock);
            let map = ClusterMap {
                lock,
                ..ClusterMap::default()
            };
            self.at(seconds + delay, Event::Map(MapChange::Cluster(map)));
        }

        /// Looks every quarter of a second for that long; how often the lease was over.
        fn watch(&mut self, from: f64, until: f64) -> usize {
            let mut over = 0;
            let mut now = from;
            while now < until {
                self.at(now, Event::Tick);
                over += usize::from(!self.model.cluster.lease_fresh(at(now)));
                now += 0.25;
            }
            over
        }

        fn expired(&self) -> usize {
            let history = self.model.history.list.iter();
            history
                .filter(|moment| moment.kind == crate::MomentKind::Expired)
                .count()
        }
    }

    #[test]
    fn a_lease_that_is_renewed_never_runs_out_whatever_the_nodes_clock_says() {
        for behind in [20.0, -20.0, 3600.0, -3600.0, 3.0, -3.0, 0.0] {
            let mut lab = Lab::new(behind);
            lab.told(0.0, 0.05);
            lab.told(5.0, 0.05);
            let mut over = lab.watch(5.1, 10.0);
            for renewal in 2..20u8 {
                let renewed = f64::from(renewal) * 5.0;
                lab.told(renewed, 0.05);
                over += lab.watch(renewed + 0.1, renewed + 5.0);
                let age = lab.model.cluster.lease_age(at(renewed + 1.0)).unwrap();
                // a few seconds are known after a few renewals
                assert!(renewal < 4 || (0.8..1.2).contains(&age), "{behind}: {age}");
            }
            assert_eq!((over, lab.expired()), (0, 0), "{behind}");
            let told = lab.model.cluster.clock.behind().as_secs_f64();
            assert!((told - behind).abs() < 0.1, "{behind}: {told}");
        }
    }

    #[test]
    fn a_lease_that_is_not_renewed_is_over_in_time() {
        for behind in [20.0, -20.0, 3600.0, -3600.0, 3.0, -3.0, 0.0] {
            let mut lab = Lab::new(behind);
            for renewal in 0..5u8 {
                lab.told(f64::from(renewal) * 5.0, 0.05);
            }
            assert_eq!(lab.watch(20.1, 34.9), 0, "{behind}");
            assert!(lab.watch(35.2, 36.2) >= 4, "{behind}");
            assert_eq!(lab.expired(), 1, "{behind}");
        }
    }

    #[test]
    fn at_the_first_look_nobody_is_said_to_have_failed_to_renew() {
        let mut lab = Lab::new(20.0);
        for renewal in 0..5u8 {
            let renewed = f64::from(renewal) * 5.0;
            lab.told(renewed, 0.05);
            lab.watch(renewed + 0.1, renewed + 5.0);
        }
        assert_eq!(lab.expired(), 0);
        let mut lab = Lab::new(0.0);
        lab.told(-100.0, 100.0);
        lab.watch(0.1, 5.9);
        assert_eq!(lab.expired(), 0);
        lab.watch(6.1, 7.0);
        assert_eq!(lab.expired(), 1);
    }

    #[test]
    fn stamps_of_the_same_clock_stay_as_they_are() {
        let mut lab = Lab::new(0.0);
        for (renewed, delay) in [
            (0.0, 0.02),
            (5.0, 3.9),
            (10.0, 0.4),
            (15.0, 4.5),
            (20.0, 0.03),
        ] {
            lab.told(renewed, delay);
            assert_eq!(lab.model.cluster.lock().unwrap().renewed, at(renewed));
        }
        // after a hitch they come all at once
        for (renewed, told) in [(25.0, 45.0), (30.0, 45.01), (35.0, 45.02), (40.0, 45.03)] {
            lab.told(renewed, told - renewed);
            assert_eq!(lab.model.cluster.lock().unwrap().renewed, at(renewed));
        }
        // a gap: what is told of then was renewed long ago
        lab.told(45.0, 60.0);
        assert_eq!(lab.model.cluster.lock().unwrap().renewed, at(45.0));
        assert!(!lab.model.cluster.lease_fresh(at(105.0)));
    }

    #[test]
    fn a_clock_that_is_set_is_followed_and_two_looks_at_a_renewal_tell_the_same() {
        let mut lab = Lab::new(20.0);
        for renewal in 0..5u8 {
            lab.told(f64::from(renewal) * 5.0, 0.05);
        }
        lab.behind = 0.0;
        for renewal in 5..9u8 {
            let renewed = f64::from(renewal) * 5.0;
            lab.told(renewed, 0.05);
            let first = lab.model.cluster.lock().cloned();
            lab.told(renewed, 1.5);
            assert_eq!(lab.model.cluster.lock().cloned(), first);
        }
        assert_eq!(lab.model.cluster.lock().unwrap().renewed, at(40.0));
    }
}
