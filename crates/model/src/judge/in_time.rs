//! The statement about time. Recovery and proof are judged apart: all tasks run (again) within the
//! failure's own budget, and a checkpoint completes within what the job's settings allow it. Where
//! the failure itself prevents that, both count from its undo. Where nobody told the settings, as
//! in old recordings, the next checkpoint of a job that was not touched is held against the budget.

use super::super::{Look, Run};
use super::deadline::allowed;
use super::{Finding, Word, unknown};
use flinklab_base::units;
use flinklab_lab::Checkpointing;
use flinklab_lab::failure::{Counted, Verdict};
use jiff::Timestamp;

impl Run {
    /// From when the time budget counts.
    fn counted_from(&self) -> Option<Timestamp> {
        let sent = self.seen.sent.as_ref()?.at;
        match self.order.failure.expect.counted {
            // As long as its hook sleeps, nothing has happened to Flink.
            Counted::Break => sent.checked_add(self.sleeps().unwrap_or_default()).ok(),
            Counted::Undone => self.seen.undone.as_ref().map(|undone| undone.at),
        }
    }

    pub(super) fn in_time(&self, word: Word, now: Timestamp) -> Finding {
        if let Some(why) = self.invalidated_by() {
            return unknown(why);
        }
        let Some(from) = self.counted_from() else {
            return unknown(match self.seen.sent {
                None => "nothing was sent",
                Some(_) => "the failure is not undone yet",
            });
        };
        let checkpointing = self.before.checkpointing.as_ref();
        if checkpointing.is_none() && !self.will_restart() {
            return self.checkpoint_in_budget(from, word, now);
        }
        let tasks = if self.will_restart() {
            self.came_back(from, word, now)
        } else {
            self.ran_on_in_time(from, word, now)
        };
        match tasks {
            Ok((Verdict::Pass, words)) => self.proven(words, checkpointing, word, now),
            // An earlier recovery may turn out to be the one that a checkpoint proves.
            Ok((_, words)) if word == Word::Open && self.next_checkpoint().is_none() => {
                unknown(format!("{words}; no checkpoint yet"))
            }
            Ok(late) => late,
            Err(open) => open,
        }
    }

    /// The next checkpoint, held against the budget for want of a better measure.
    fn checkpoint_in_budget(&self, from: Timestamp, word: Word, now: Timestamp) -> Finding {
        match self.next_checkpoint() {
            Some((_, next)) => self.within("the next checkpoint", from, next.at),
            None if word == Word::Last && self.recent_look(now).is_some() => (
                Verdict::Fail,
                "no checkpoint completed until the end".to_owned(),
            ),
            None => unknown("no checkpoint completed so far"),
        }
    }

    /// Whether all tasks ran again within the budget; what is open is an error.
    fn came_back(&self, from: Timestamp, word: Word, now: Timestamp) -> Result<Finding, Finding> {
        // Tasks that run may fall again; a checkpoint after all that may disturb them proves that
        // they stayed.
        let over = self.over().is_some();
        let last = self.recent_look(now);
        match (self.recovered(), word) {
            (Some(back), Word::Open) => Ok(self.within("all tasks", from, back.at)),
            (Some(back), Word::Last) if over || last.is_some_and(Look::all_run) => {
                Ok(self.within("all tasks", from, back.at))
            }
            (None, Word::Open) => Err(unknown("not all tasks were seen running again so far")),
            (_, Word::Last) => Err(at_the_end(last)),
        }
    }

    /// Whether the tasks of a job that was not touched ran on, seen within the budget.
    fn ran_on_in_time(
        &self,
        from: Timestamp,
        word: Word,
        now: Timestamp,
    ) -> Result<Finding, Finding> {
        let mut looks = self.seen.looks.iter().filter(|look| look.asked >= from);
        let fell = looks.clone().rfind(|look| !look.all_run());
        let runs = match fell {
            None => looks.next(),
            Some(fell) => looks.find(|look| look.asked > fell.asked),
        };
        let proven = self.look_after_next().is_some();
        match (runs, fell, word) {
            (Some(_), None, Word::Last) if !proven && self.next_checkpoint().is_some() => {
                Err(unknown("REST did not tell of the next checkpoint"))
            }
            (Some(_), None, Word::Open) if !proven && self.next_checkpoint().is_some() => {
                Err(unknown("REST has not told of the next checkpoint so far"))
            }
            (Some(seen), Some(_), _) => Ok(self.within("all tasks", from, seen.done)),
            (Some(seen), None, _) => match self.within("all tasks ran on, seen", from, seen.done) {
                (Verdict::Pass, words) => Ok((Verdict::Pass, words)),
                (_, words) => Err(unknown(format!("REST was silent: {words}"))),
            },
            (None, _, Word::Open) => Err(unknown("the tasks were not seen running so far")),
            (None, _, Word::Last) => Err(at_the_end(self.recent_look(now))),
        }
    }

    /// What the tasks did was in time: whether a checkpoint proves that they go on.
    fn proven(
        &self,
        tasks: String,
        checkpointing: Option<&Checkpointing>,
        word: Word,
        now: Timestamp,
    ) -> Finding {
        // In the end, one after the undo counts.
        let ended = word == Word::Open || self.over().is_some();
        let next = self.next_checkpoint().filter(|_| ended);
        let Some(checkpointing) = checkpointing else {
            return match (next, word) {
                (Some(_), _) => (Verdict::Pass, tasks),
                (None, Word::Open) => unknown(format!("{tasks}; no checkpoint yet")),
                (None, Word::Last) => unknown(format!("{tasks}; no checkpoint was seen")),
            };
        };
        let every = checkpointing.words();
        let due = self.proof_due();
        // Who is silent tells of no checkpoint.
        let told = self
            .recent_look(now)
            .is_some_and(|look| look.restored.is_some());
        match (next, word) {
            (Some((_, next)), _) => {
                let sent = self.seen.sent.as_ref().map_or(next.at, |sent| sent.at);
                let ms = milliseconds(sent, next.at);
                let words = format!(
                    "{tasks}; the next checkpoint after {} ({every})",
                    units::whole_tenths(ms)
                );
                (Verdict::Pass, words)
            }
            (None, Word::Open) => unknown(format!("{tasks}; no checkpoint yet ({every})")),
            (None, Word::Last) if checkpointing.every().is_none() => {
                unknown(format!("{tasks}; checkpoints: {every}"))
            }
            (None, Word::Last) if due.is_some_and(|due| due <= now) && told => (
                Verdict::Fail,
                format!(
                    "{tasks}, but no checkpoint completed after that ({})",
                    allowed(checkpointing)
                ),
            ),
            (None, Word::Last) => unknown(format!("{tasks}; no checkpoint was seen ({every})")),
        }
    }

    /// How long something took, held against the budget.
    fn within(&self, what: &str, from: Timestamp, at: Timestamp) -> Finding {
        let ms = milliseconds(from, at);
        let budget = self.order.failure.expect.within;
        let took = units::whole_tenths(ms);
        let words = match self.order.failure.expect.counted {
            Counted::Break => format!("{what} after {took}, budget {budget}"),
            Counted::Undone => format!("{what} {took} after the undo, budget {budget}"),
        };
        if ms <= budget.ms() {
            (Verdict::Pass, words)
        } else {
            (Verdict::Fail, words)
        }
    }
}

/// What became of a job that does not run at the end.
fn at_the_end(last: Option<&Look>) -> Finding {
    match last.map(|look| &look.job) {
        // They run, and nobody saw how they came back.
        Some(Some(_)) if last.is_some_and(Look::all_run) => {
            unknown("all tasks run at the end, but were not seen coming back")
        }
        Some(Some((state, running, total))) => (
            Verdict::Fail,
            format!("the job is {state} with {running}/{total} tasks at the end"),
        ),
        Some(None) => (Verdict::Fail, "the job is not there at the end".to_owned()),
        None => unknown("REST did not answer at the end"),
    }
}

fn milliseconds(from: Timestamp, to: Timestamp) -> i64 {
    let ms = to.duration_since(from).as_millis().max(0);
    i64::try_from(ms).unwrap_or(i64::MAX)
}
