//! The statement about state: the job came back from the newest completed checkpoint, or, where no
//! restore is expected, it never stopped.

use super::super::{Look, Run};
use super::{Finding, NO_RESTORE, Word, unknown};
use flinklab_lab::failure::Verdict;
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
        if let Some(restored) = self.restore() {
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
        let empty =
            |look: &Look| look.asked >= from && look.all_run() && look.restored == Some(None);
        self.restores().next().is_none() && self.seen.looks.iter().any(empty)
    }

    fn ran_on(&self) -> Finding {
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
            Some((id, next)) if self.told_of_checkpoints_since(next.at) => (
                Verdict::Pass,
                format!("no restore, and checkpoint {id} completed after the break"),
            ),
            _ => unknown("no checkpoint completed after the break so far"),
        }
    }

    fn told_of_checkpoints_since(&self, moment: Timestamp) -> bool {
        let mut looks = self.seen.looks.iter();
        looks.any(|look| look.asked >= moment && look.restored.is_some())
    }
}
