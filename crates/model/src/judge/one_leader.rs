//! The statement about leaders: never two at once, and none that holds on to a lease that it could
//! renew and does not. The first is read off the leader keys, the second off the lock's renewals.

use super::super::{Renewal, Run};
use super::{Finding, Word, unknown};
use flinklab_base::units;
use flinklab_lab::failure::Verdict;
use flinklab_verb::Effect;
use jiff::{SignedDuration, Timestamp};

/// A leader gives its lease up when its own deadline has passed; until that is seen takes a moment.
const SLACK: SignedDuration = SignedDuration::from_secs(2);
/// Watches that were lost for longer may have missed a key that was written in between.
const UNSEEN: SignedDuration = SignedDuration::from_secs(5);

/// A stretch of time.
pub(super) type Stretch = (Timestamp, Timestamp);

impl Run {
    pub(super) fn one_leader(&self, word: Word, now: Timestamp) -> Finding {
        let Some(sent) = self.seen.sent.as_ref().map(|sent| sent.at) else {
            return unknown("nothing was sent");
        };
        if let Some((old, new, at)) = &self.seen.wrote_again {
            let words = format!(
                "epoch {} wrote a leader key at {} UTC, after {} had begun: two led at once",
                units::short(old, units::ID),
                at.strftime("%H:%M:%S%.3f"),
                units::short(new, units::ID)
            );
            return (Verdict::Fail, words);
        }
        if let Some((seconds, lasts)) = self.left_unrenewed(now) {
            let words = format!(
                "the lease was not renewed for {seconds} s by the epoch that holds it, and lasts \
                 {lasts:.0} s: its leader lives, and nobody can take over in order"
            );
            return (Verdict::Fail, words);
        }
        if let Some((from, to)) = self.unseen(now) {
            let words = format!(
                "the leader keys were not seen for {} s",
                to.duration_since(from).as_secs()
            );
            return unknown(words);
        }
        let seen_since = |over: Timestamp| {
            let map = self.seen.map.as_ref();
            map.is_some_and(|(at, _)| *at >= over)
        };
        match (self.over(), word) {
            (Some(over), _) if seen_since(over) => {
                let count = self
                    .seen
                    .epochs
                    .iter()
                    .filter(|(_, at)| *at >= sent)
                    .count();
                let words = match count {
                    0 => self.renewed_words(sent, now),
                    1 => "two epochs, and none wrote after the other's start".to_owned(),
                    more => format!(
                        "{} epochs, and none wrote after the next one's start",
                        more + 1
                    ),
                };
                (Verdict::Pass, words)
            }
            (_, Word::Last) => unknown("the leader keys were not seen until all was over"),
            (_, Word::Open) => unknown("no second leader seen so far"),
        }
    }

    /// Of an epoch that stayed, no more than what was seen of its lease.
    fn renewed_words(&self, sent: Timestamp, now: Timestamp) -> String {
        let renewed = self.seen.renewals.iter().any(|it| it.renewed >= sent);
        match (renewed, self.unable(now).is_empty()) {
            (true, true) => "one epoch all the time, its lease renewed in time",
            (true, false) => "one epoch all the time, its lease renewed whenever it could be",
            (false, _) => "one epoch all the time, its lease not due to be renewed",
        }
        .to_owned()
    }

    /// The longest stretch in which a holder could have renewed its lease and did not, where that
    /// is longer than the lease lasts: its whole seconds, and the lease's.
    fn left_unrenewed(&self, now: Timestamp) -> Option<(i64, f64)> {
        let renewals = &self.seen.renewals;
        // A watch that tells nothing at all is no witness of a renewal that did not come.
        let until = self.seen.watched.unwrap_or(self.before.at);
        let unable = self.unable(now);
        let mut worst: Option<(i64, f64)> = None;
        for (n, renewal) in renewals
            .iter()
            .enumerate()
            .filter(|(_, it)| !it.holder.is_empty())
        {
            let end = match renewals.get(n + 1) {
                // Taken over, or renewed after all.
                Some(next) if next.holder != renewal.holder => {
                    // Nobody has it before the other one held it last.
                    if next.since < renewal.renewed {
                        next.renewed
                    } else {
                        next.since
                    }
                }
                Some(next) => next.renewed,
                None => until,
            };
            for (from, to) in self.by_epoch((renewal.renewed, end)) {
                for (from, to) in without((from, to), &unable) {
                    let lasted = to.duration_since(from);
                    let lease = SignedDuration::try_from_secs_f64(renewal.seconds).ok()?;
                    let longer = worst.is_none_or(|(most, _)| lasted.as_secs() > most);
                    if lasted > lease + SLACK && longer {
                        worst = Some((lasted.as_secs(), renewal.seconds));
                    }
                }
            }
        }
        worst
    }

    /// A lease is held by one epoch: a stretch that another one begins in is that of two.
    fn by_epoch(&self, (from, to): Stretch) -> Vec<Stretch> {
        let mut cuts = vec![from];
        cuts.extend(
            self.seen
                .epochs
                .iter()
                .map(|(_, at)| *at)
                .filter(|at| *at > from && *at < to),
        );
        cuts.push(to);
        cuts.windows(2).map(|pair| (pair[0], pair[1])).collect()
    }

    /// When the leader could not renew, whatever it wanted: its process was gone, stopped or cut
    /// off, or the API server did not answer. And when we could not see it.
    fn unable(&self, now: Timestamp) -> Vec<Stretch> {
        let mut unable: Vec<Stretch> = self
            .seen
            .blinds
            .iter()
            .map(|(from, to)| (*from, to.unwrap_or(now)))
            .collect();
        let Some(sent) = self.seen.sent.as_ref().map(|sent| sent.at) else {
            return unable;
        };
        let failure = &self.order.failure;
        let leader_hit = failure.hits.includes_leader();
        let undone = self.seen.undone.as_ref().map(|undone| undone.at);
        let next = self
            .seen
            .epochs
            .iter()
            .map(|(_, at)| *at)
            .find(|at| *at >= sent);
        for step in failure.steps.iter() {
            let until = match step.effect() {
                Effect::Ends(_) if leader_hit => next,
                Effect::Freezes | Effect::CutsOff if leader_hit => undone,
                // It answers again some seconds after its manifest is back.
                Effect::StopsServer => undone.and_then(|undone| {
                    let renewals = self.seen.renewals.iter();
                    renewals
                        .map(|it| it.renewed)
                        .find(|renewed| *renewed >= undone)
                }),
                Effect::Ends(_)
                | Effect::Freezes
                | Effect::CutsOff
                | Effect::StopsNode
                | Effect::Spares => continue,
            };
            unable.push((sent, until.unwrap_or(now)));
        }
        unable
    }

    /// A stretch in which keys may have been written that nobody saw. Without an API server
    /// nobody writes any.
    pub(super) fn unseen(&self, now: Timestamp) -> Option<Stretch> {
        let mut steps = self.order.failure.steps.iter();
        if steps.any(|step| step.effect() == Effect::StopsServer) {
            return None;
        }
        let blinds = self.seen.blinds.iter();
        blinds
            .map(|(from, to)| (*from, to.unwrap_or(now)))
            .find(|(from, to)| to.duration_since(*from) > UNSEEN)
    }
}

impl Renewal {
    /// Whether this is the same renewal seen again.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.holder == other.holder && self.renewed == other.renewed && self.since == other.since
    }
}

/// What is left of a stretch.
fn without(stretch: Stretch, taken: &[Stretch]) -> Vec<Stretch> {
    let mut left = vec![stretch];
    for (from, to) in taken {
        left = left
            .into_iter()
            .flat_map(|(a, b)| [(a, b.min(*from)), (a.max(*to), b)])
            .filter(|(a, b)| a < b)
            .collect();
    }
    left
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn stretches_are_cut_out() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let cut = |taken: &[(i64, i64)]| {
            let taken: Vec<Stretch> = taken.iter().map(|(a, b)| (at(*a), at(*b))).collect();
            let left = without((at(10), at(20)), &taken);
            let left = left
                .into_iter()
                .map(|(a, b)| (a.as_second(), b.as_second()));
            left.collect::<Vec<_>>()
        };
        assert_eq!(cut(&[]), [(10, 20)]);
        assert_eq!(cut(&[(12, 14)]), [(10, 12), (14, 20)]);
        assert_eq!(cut(&[(0, 14), (18, 30)]), [(14, 18)]);
        assert_eq!(cut(&[(0, 30)]), []);
        assert_eq!(cut(&[(0, 5), (25, 30)]), [(10, 20)]);
    }
}
