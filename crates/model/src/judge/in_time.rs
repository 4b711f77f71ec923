//! The statement about time: all tasks run again, and stay so until a checkpoint, within the
//! failure's own budget. Where the failure itself prevents that, the budget counts from its undo.

use super::super::{Look, Run};
use super::{Finding, Word, unknown};
use flinklab_base::units;
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
        if let Some(why) = self.spoilt() {
            return unknown(why);
        }
        let Some(from) = self.counted_from() else {
            return unknown(match self.seen.sent {
                None => "nothing was sent",
                Some(_) => "the failure is not undone yet",
            });
        };
        let since = |at: Timestamp| {
            let ms = at.duration_since(from).as_millis().max(0);
            i64::try_from(ms).unwrap_or(i64::MAX)
        };
        let budget = self.order.failure.expect.within.ms();
        let last = self.recent_look(now);
        if !self.comes_back() {
            return match self.next_checkpoint() {
                Some((_, next)) => within("the next checkpoint", since(next.at), budget),
                None if word == Word::Last && last.is_some() => (
                    Verdict::Fail,
                    "no checkpoint completed until the end".to_owned(),
                ),
                None => unknown("no checkpoint completed so far"),
            };
        }
        // Tasks that run may fall again; the next checkpoint proves that they stayed.
        let proven = self.next_checkpoint().is_some();
        match (self.recovered().map(|stamp| since(stamp.at)), word) {
            (Some(ms), _) if proven => within("all tasks", ms, budget),
            (Some(ms), Word::Last) if last.is_some_and(Look::all_run) => {
                within("all tasks", ms, budget)
            }
            (Some(ms), Word::Open) => unknown(format!(
                "all tasks run after {}, no checkpoint yet",
                units::whole_tenths(ms)
            )),
            (_, Word::Last) => match last.map(|look| &look.job) {
                Some(Some((state, running, total))) => (
                    Verdict::Fail,
                    format!("the job is {state} with {running}/{total} tasks at the end"),
                ),
                Some(None) => (Verdict::Fail, "the job is not there at the end".to_owned()),
                None => unknown("REST did not answer at the end"),
            },
            (None, Word::Open) => unknown("not all tasks were seen running again so far"),
        }
    }
}

fn within(what: &str, ms: i64, budget: i64) -> Finding {
    let words = format!(
        "{what} after {}, budget {} s",
        units::whole_tenths(ms),
        budget / 1000
    );
    match ms <= budget {
        true => (Verdict::Pass, words),
        false => (Verdict::Fail, words),
    }
}
