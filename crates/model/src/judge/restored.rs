//! The statement about state: the job came back from the newest completed checkpoint, or, where no
//! restore is expected, it never stopped.

use super::super::{Look, Run};
use super::one_leader::Stretch;
use super::{CLOCKS, Finding, NO_RESTORE, Word, unknown};
use flinklab_lab::failure::{Restore, Verdict};
use jiff::Timestamp;

impl Run {
    pub(super) fn was_restored(&self, word: Word, now: Timestamp) -> Finding {
        if self.seen.sent.is_none() {
            return unknown("nothing was sent");
        }
        if !self.will_restart() {
            return self.ran_on();
        }
        for restored in self.restores() {
            let least = self.newest_before(restored.at);
            if let Some(least) = least
                && restored.id < least
            {
                let words = format!(
                    "checkpoint {} was restored, but {least} had completed",
                    restored.id
                );
                return (Verdict::Fail, words);
            }
            if restored.savepoint {
                let words = format!(
                    "a savepoint ({}) was restored, not a checkpoint",
                    restored.id
                );
                return (Verdict::Fail, words);
            }
        }
        if let Some(for_long) = self.forgot() {
            let words =
                "the job started from nothing after its restore: whoever leads knows of none";
            return if for_long {
                (Verdict::Fail, words.to_owned())
            } else {
                unknown("the newest answer knows of no restore")
            };
        }
        if let Some(restored) = self.restore() {
            if let Some((from, to)) = self.unseen_before(restored.at) {
                return unknown(format!(
                    "checkpoint {} was restored; a newer one may have completed while the watches \
                     were lost for {} s",
                    restored.id,
                    to.duration_since(from).as_secs()
                ));
            }
            // Another restore shows in the answers after the next checkpoint, or in the last ones.
            let told = match (self.next_checkpoint(), word) {
                // Recordings of old end with the verdict of a judge that asked less.
                (Some(_), Word::Open) if self.before.checkpointing.is_none() => true,
                (Some(_), _) => self.look_after_next().is_some(),
                (None, Word::Open) => true,
                (None, Word::Last) => self
                    .recent_look(now)
                    .is_some_and(|look| matches!(look.restored, Some(Some(_)))),
            };
            if !told {
                return unknown(format!(
                    "checkpoint {} was restored; REST did not tell of a later restore or of none",
                    restored.id
                ));
            }
            return match self.newest_before(restored.at) {
                None => unknown(format!(
                    "checkpoint {} was restored; which one was the newest is not known",
                    restored.id
                )),
                Some(least) => (
                    Verdict::Pass,
                    format!(
                        "checkpoint {} was restored, the newest completed before it was {least}{}",
                        restored.id,
                        match self.restores().count() {
                            1 => String::new(),
                            count => format!("; {count} restores in all"),
                        }
                    ),
                ),
            };
        }
        if let Some(next) = &self.seen.successor
            && next.is_from_nothing()
        {
            let words = "the job started from nothing, under another id";
            return (Verdict::Fail, words.to_owned());
        }
        if self.began_from_nothing() {
            let words = "the job started from nothing: the new leader knows of no restore";
            return (Verdict::Fail, words.to_owned());
        }
        match (word, self.recent_look(now)) {
            (Word::Last, Some(look)) if look.restored.is_some() => (
                Verdict::Fail,
                "no restore happened until the end".to_owned(),
            ),
            (Word::Last, _) => unknown("REST did not tell of checkpoints at the end"),
            (Word::Open, _) => unknown("no restore seen so far"),
        }
    }

    /// A new leader runs all tasks and its memory shows no restore, for long enough.
    pub(crate) fn began_from_nothing(&self) -> bool {
        let Some((_, began)) = self.epoch() else {
            return false;
        };
        let from = began.saturating_add(NO_RESTORE).unwrap_or(Timestamp::MAX);
        // An answer out of a memory that is older than the epoch is not the new leader's.
        let oldest = began.saturating_sub(CLOCKS).unwrap_or(began);
        let empty = |look: &Look| {
            let knows = look.restored == Some(None) && look.since.is_none_or(|at| at >= oldest);
            look.asked >= from && look.all_run() && knows
        };
        self.restores().next().is_none() && self.seen.looks.iter().any(empty)
    }

    /// The answers of the end come from a leader without a memory of a restore, although one was
    /// told of: whether for long enough. None where they remember.
    fn forgot(&self) -> Option<bool> {
        self.restores().next()?;
        let newest_first = self.seen.looks.iter().rev();
        let mut empty =
            newest_first.take_while(|look| look.all_run() && look.restored == Some(None));
        let last = empty.next()?;
        let told = |look: &Look| matches!(look.restored, Some(Some(_)));
        if !self.seen.looks.iter().any(told) {
            return None;
        }
        let first = empty.last().unwrap_or(last);
        Some(last.asked.duration_since(first.asked) >= NO_RESTORE)
    }

    /// A stretch before the restore in which a checkpoint may have completed that only a leader
    /// knew of who is no more.
    fn unseen_before(&self, restored: Timestamp) -> Option<Stretch> {
        self.epoch()?;
        self.unseen(restored)
            .filter(|(from, to)| *from < restored && *to > self.before.at)
    }

    fn ran_on(&self) -> Finding {
        // Whether another leader began was not seen: then the restart was to be.
        let may_have_moved =
            self.order.failure.expect.restore == Restore::IfMoved && self.seen.blind.is_some();
        if may_have_moved && self.restores().next().is_some() {
            return unknown("the job restarted, and whether another epoch began was not seen");
        }
        if let Some(restored) = self.restores().next() {
            let words = format!("the job restarted, from checkpoint {}", restored.id);
            return (Verdict::Fail, words);
        }
        let sent = self.seen.sent.as_ref().map(|sent| sent.at);
        let stopped = self
            .seen
            .looks
            .iter()
            .find(|look| sent.is_some_and(|sent| look.asked >= sent) && !look.all_run());
        if let Some(stopped) = stopped {
            let words = match &stopped.job {
                Some((state, running, total)) => {
                    format!("the job was {state}, {running}/{total} tasks")
                }
                None => "the job was gone".to_owned(),
            };
            return (Verdict::Fail, words);
        }
        match self.next_checkpoint() {
            // A restore shows in the same answers as the checkpoint after it.
            Some((id, _)) if self.look_after_next().is_some() => (
                Verdict::Pass,
                format!("no restore, and checkpoint {id} completed after the break"),
            ),
            _ => unknown("no checkpoint completed after the break so far"),
        }
    }

    /// The first answer that was given after the next checkpoint, and knows of that.
    pub(super) fn look_after_next(&self) -> Option<&Look> {
        let (id, next) = self.next_checkpoint()?;
        let mut looks = self.seen.looks.iter();
        looks.find(|look| look.asked >= next.at && look.knows_of(id))
    }
}
