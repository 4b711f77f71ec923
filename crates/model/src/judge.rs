//! What can be said about a run: statements with evidence in words, and the verdict. Pure, and
//! strict in one direction: what nobody saw is never PASS.

mod aftershock;
mod deadline;
mod exact;
mod in_time;
mod one_leader;
mod pointer;
mod restarts;
mod restored;
mod successor;

pub use deadline::Wait;

use super::{Renewal, Run};
use flinklab_base::units;
use flinklab_event::{Origin, PhaseName, RunResult, Statement, is_over};
use flinklab_lab::failure::{Leadership, Restore, StatementName, Verdict};
use jiff::{SignedDuration, Timestamp};

/// An answer of REST within so long before the end: its silence since then proves nothing else.
const RECENT: SignedDuration = SignedDuration::from_secs(10);
/// Who tells of checkpoints knows of one within so long.
const TOLD: SignedDuration = SignedDuration::from_secs(5);
/// So many answers may be on their way at once, and overtake each other.
const OVERLAP: usize = 8;
/// Clocks that differ by less than this are taken for the same.
pub(crate) const CLOCKS: SignedDuration = SignedDuration::from_secs(2);
/// A new leader whose memory shows no restore for so long did not restore.
const NO_RESTORE: SignedDuration = SignedDuration::from_secs(5);

/// Whether more may still be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// What is open may still be decided.
    Open,
    /// What is open stays open.
    Last,
}

/// What was found out about one statement.
type Finding = (Verdict, String);

/// The result of a run, once every statement is decided and the next checkpoint is there, or once
/// its time is over. None while it is too early to say, and where nothing was done at all.
#[must_use]
pub fn judge(run: &Run, now: Timestamp, origin: Origin) -> Option<RunResult> {
    if run.refused() {
        return None;
    }
    let is_over = run.over().is_some();
    let is_broken_off = run.seen.broken_off.is_some();
    // What is taken back and proves nothing any more holds nobody up.
    let is_void = run.seen.undone.is_some() && run.invalidated_by().is_some();
    let is_late = now >= run.deadline();
    // Most events change nothing about that, and the statements cost more.
    if !(is_over || is_broken_off || is_void || is_late) {
        return None;
    }
    let early = run.statements(Word::Open, now);
    let open = |statement: &Statement| statement.verdict == Verdict::Unknown;
    let statements = if is_broken_off || is_over && !early.iter().any(open) {
        // Nobody goes on observing what is broken off: what is open stays open.
        early
    } else if is_void || is_late {
        run.statements(Word::Last, now)
    } else {
        return None;
    };
    Some(RunResult {
        run: run.order.run.clone(),
        failure: run.order.failure.key.to_string(),
        target: run.order.target.clone(),
        origin,
        at: run.seen.sent.as_ref().map_or(run.before.at, |sent| sent.at),
        verdict: match run.invalidated_by() {
            Some(_) => Verdict::Inconclusive,
            None => overall(&statements),
        },
        expected: run.order.failure.expect.verdict(),
        recovery_ms: run.recovery_ms(),
        phases: run.seen.phases.clone(),
        statements,
        record: run.record(now),
    })
}

/// One FAIL decides; without one, an UNKNOWN does.
fn overall(statements: &[Statement]) -> Verdict {
    let any = |verdict| {
        statements
            .iter()
            .any(|statement| statement.verdict == verdict)
    };
    if any(Verdict::Fail) {
        Verdict::Fail
    } else if any(Verdict::Unknown) || any(Verdict::Inconclusive) {
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    }
}

impl Run {
    /// The statements so far; UNKNOWN is what is still open.
    #[must_use]
    pub fn so_far(&self, now: Timestamp) -> Vec<Statement> {
        self.statements(Word::Open, now)
    }

    /// It was refused or broken off before anything was sent: there will be no result.
    #[must_use]
    pub fn refused(&self) -> bool {
        let ended = self.seen.fault.is_some() || self.seen.broken_off.is_some();
        ended && self.seen.sent.is_none()
    }

    /// Why nothing can be concluded from what was seen, good or bad: time itself was not as it
    /// seems, or somebody else ended the failure early.
    #[must_use]
    pub fn invalidated_by(&self) -> Option<String> {
        if let Some((from, to)) = self.seen.jump {
            let step = to.duration_since(from).as_secs();
            return Some(format!(
                "the clock jumped by {step} s during the run, or this machine slept"
            ));
        }
        let broken_off = self.seen.broken_off.as_ref();
        let broken_off = broken_off.map(|why| format!("it was broken off: {why}"));
        let healed = self.seen.healed.clone();
        healed.or(broken_off).or_else(|| self.showed_nothing())
    }

    /// Whether another epoch is expected, or began where both are right.
    pub(super) fn moves(&self) -> bool {
        match self.order.failure.expect.leadership {
            Leadership::NewEpoch => true,
            Leadership::Stays => false,
            Leadership::MayMove => self.epoch().is_some(),
        }
    }

    /// Whether the job must come back from a checkpoint.
    pub(super) fn will_restart(&self) -> bool {
        match self.order.failure.expect.restore {
            Restore::Newest => true,
            Restore::None => false,
            Restore::IfMoved => self.epoch().is_some(),
        }
    }

    /// When nothing more is to come: a checkpoint proves that the job goes on, and where a failure
    /// stays applied for a while, another one that it got over its undo.
    pub(super) fn over(&self) -> Option<Timestamp> {
        let settled = self.settled()?.max(self.next_checkpoint()?.1.at);
        if self.order.failure.lasts.is_none() {
            return Some(settled);
        }
        let from = self.quiet_from()?;
        let last = self
            .restores()
            .last()
            .map_or(from, |restored| restored.at.max(from));
        let after = self.completed_since(last)?;
        Some(settled.max(after))
    }

    fn statements(&self, word: Word, now: Timestamp) -> Vec<Statement> {
        let usual = [
            (StatementName::Hit, self.was_hit()),
            (StatementName::Leadership, self.leadership(word)),
            (StatementName::OneLeader, self.one_leader(word, now)),
            (StatementName::SameJob, self.same_job(word, now)),
            (StatementName::Restored, self.was_restored(word, now)),
            (StatementName::IdsGrow, self.ids_grow()),
            (StatementName::Pointer, self.pointer(word)),
            (StatementName::Restarts, self.restarts(word, now)),
            (StatementName::InTime, self.in_time(word, now)),
        ];
        let exact = self.exact(word).map(|found| (StatementName::Exact, found));
        let all = usual.into_iter().chain(exact);
        all.map(|(name, (verdict, evidence))| Statement {
            name,
            verdict,
            evidence,
        })
        .collect()
    }

    fn was_hit(&self) -> Finding {
        if let Some(why) = &self.seen.healed {
            return unknown(format!("it was taken back before its time: {why}"));
        }
        match (&self.seen.hit, &self.seen.fault) {
            (Some(Ok(proof)), _) => (Verdict::Pass, proof.clone()),
            (Some(Err(why)), _) => (Verdict::Fail, why.clone()),
            (None, Some(fault)) => unknown(format!("not proven: {fault}")),
            (None, None) => unknown("not proven"),
        }
    }

    fn leadership(&self, word: Word) -> Finding {
        let before = units::short(self.before.epoch.as_deref().unwrap_or("none"), units::ID);
        let Some(sent) = self.seen.sent.as_ref().map(|sent| sent.at) else {
            return unknown("nothing was sent");
        };
        if let Some((early, _)) = self.seen.epochs.iter().find(|(_, at)| *at < sent) {
            return unknown(format!(
                "epoch {} began before the failure was sent",
                units::short(early, units::ID)
            ));
        }
        if self.epoch().is_some()
            && let Some(early) = self.moved_before(sent)
        {
            return unknown(format!(
                "whoever leads now took the lock {} s before the failure was sent",
                early.as_secs()
            ));
        }
        match (self.order.failure.expect.leadership, self.epoch()) {
            (Leadership::MayMove, Some(_)) if self.seen.epochs.len() > 1 => (
                Verdict::Fail,
                format!(
                    "{} new epochs began; one at the most was expected",
                    self.seen.epochs.len()
                ),
            ),
            (Leadership::NewEpoch | Leadership::MayMove, Some((epoch, _))) => {
                (Verdict::Pass, self.moved(before, epoch))
            }
            (Leadership::Stays, Some((epoch, _))) => (
                Verdict::Fail,
                format!(
                    "epoch {before} should have stayed, but {} began",
                    units::short(epoch, units::ID)
                ),
            ),
            (Leadership::NewEpoch, None) => match (word, self.seen.blind) {
                (Word::Last, None) => (
                    Verdict::Fail,
                    format!("no new session id in the leader keys; epoch {before} until the end"),
                ),
                (Word::Last, Some(_)) => unknown("the watch of the leader keys was lost"),
                (Word::Open, _) => unknown(format!("epoch {before}, no other so far")),
            },
            (Leadership::Stays | Leadership::MayMove, None) => self.stayed(before),
        }
    }

    fn moved(&self, before: &str, epoch: &str) -> String {
        let count = self.seen.epochs.len();
        let more = match count {
            0 | 1 => String::new(),
            _ => format!(", {count} epochs in all"),
        };
        format!(
            "epoch {before} ended, {} began{more}",
            units::short(epoch, units::ID)
        )
    }

    /// That nothing moved is only seen by looking again once all is over.
    fn stayed(&self, before: &str) -> Finding {
        let over = self.over();
        match (&self.seen.map, over) {
            (Some((at, Some(epoch))), Some(over))
                if *at >= over && Some(epoch) == self.before.epoch.as_ref() =>
            {
                if let Some(now) = self.lock_moved() {
                    return unknown(if now.holder.is_empty() {
                        format!("epoch {before} is still named, but its lock was given back")
                    } else {
                        format!("epoch {before} is still named, but another holds its lock")
                    });
                }
                (
                    Verdict::Pass,
                    format!("epoch {before} before and after, no other in between"),
                )
            }
            (Some((at, None)), Some(over)) if *at >= over => (
                Verdict::Fail,
                format!("epoch {before} ended, and nobody leads"),
            ),
            _ => unknown(format!(
                "epoch {before} was not seen again after the recovery"
            )),
        }
    }

    /// Who holds the lock now, where that is not who held it before.
    fn lock_moved(&self) -> Option<&Renewal> {
        let before = self.before.lock.as_ref()?;
        let now = self.seen.renewals.last()?;
        (now.holder != before.holder).then_some(now)
    }

    /// The first one that took the lock over took it so long before the failure was sent, and the
    /// watch was late: another cause made it move.
    fn moved_before(&self, sent: Timestamp) -> Option<SignedDuration> {
        let before = self.before.lock.as_ref()?;
        let mut since = self.seen.renewals.iter();
        let first = since.find(|it| !it.holder.is_empty() && it.holder != before.holder)?;
        let early = sent.duration_since(first.since);
        (early > CLOCKS).then_some(early)
    }

    /// When all that was expected to move had moved.
    fn settled(&self) -> Option<Timestamp> {
        if self.will_restart() {
            self.recovered().map(|stamp| stamp.at)
        } else {
            self.next_checkpoint().map(|(_, stamp)| stamp.at)
        }
    }

    fn same_job(&self, word: Word, now: Timestamp) -> Finding {
        let Some(job) = &self.before.job else {
            return unknown("no job was known before");
        };
        let name = units::short(job, units::ID);
        if self.seen.sent.is_none() {
            return unknown("nothing was sent");
        }
        if let Some(replaced) = self.replaced(word) {
            return replaced;
        }
        let ran_on = !self.will_restart() && self.look_after_next().is_some();
        if ran_on || self.recovered_look().is_some() {
            // What it is in the end counts: it may have been lost after its recovery.
            if let Some(lost) = self.lost_in_the_end(name) {
                return match (word, self.recent_look(now)) {
                    (Word::Last, Some(_)) => (Verdict::Fail, lost),
                    _ => unknown(lost),
                };
            }
        }
        if let Some(recovered) = self.recovered_look() {
            let others = match recovered.others.len() {
                0 => String::new(),
                count => format!(", beside {count} other job(s)"),
            };
            return (Verdict::Pass, format!("job {name} runs again{others}"));
        }
        if ran_on {
            return (Verdict::Pass, format!("job {name} ran on"));
        }
        match (word, self.recent_look(now)) {
            (Word::Open, _) => unknown(format!("job {name} was not seen running again")),
            (Word::Last, None) => unknown("REST did not answer at the end"),
            (Word::Last, Some(look)) => match (&look.job, self.lost_in_the_end(name)) {
                (_, Some(lost)) => (Verdict::Fail, lost),
                (Some(_), None) if self.is_old(look) => unknown(format!(
                    "job {name} is listed by REST, but out of an old memory"
                )),
                (Some((state, running, total)), None) => {
                    let words = format!("job {name} is there: {state}, {running}/{total} tasks");
                    (Verdict::Pass, words)
                }
                (None, None) => unknown(format!("job {name} was not seen at the end")),
            },
        }
    }

    /// An answer that knows nothing of a checkpoint whose pointer was seen well before.
    fn is_old(&self, look: &super::Look) -> bool {
        let seen = self.seen.completed.iter().rev();
        let mut seen = seen.filter_map(|(id, seen)| Some((*id, seen.pointed?)));
        let newest = seen.find(|(_, at)| look.asked.duration_since(*at) > TOLD);
        newest.is_some_and(|(id, at)| {
            let later = |began: Timestamp| began >= at;
            let restored = look.restored.flatten().is_some_and(later);
            !look.knows_of(id) && !restored && !look.since.is_some_and(later)
        })
    }

    /// The newest answer does not list the job, or as one that is over.
    fn lost_in_the_end(&self, name: &str) -> Option<String> {
        let look = self.newest_look()?;
        match &look.job {
            Some((state, ..)) if is_over(state) => Some(format!("job {name} is over: {state}")),
            Some(_) => None,
            None => Some(match look.others.first() {
                Some(other) => format!("job {name} is gone; another one is there: {other}"),
                None => format!("job {name} is gone: Flink lists no job"),
            }),
        }
    }

    fn ids_grow(&self) -> Finding {
        if let Some(words) = &self.seen.fell {
            return (Verdict::Fail, words.clone());
        }
        match self.next_checkpoint() {
            Some((id, stamp)) => match self.highest_but(id, stamp.at) {
                Some(before) if id <= before => (
                    Verdict::Fail,
                    format!("checkpoint {id} completed after checkpoint {before}"),
                ),
                Some(before) => (
                    Verdict::Pass,
                    format!("checkpoint {id} completed after checkpoint {before}"),
                ),
                None => unknown("no checkpoint was known before"),
            },
            None => unknown("no new checkpoint completed"),
        }
    }

    fn recent_look(&self, now: Timestamp) -> Option<&super::Look> {
        let from = now.saturating_sub(RECENT).unwrap_or(Timestamp::MIN);
        self.newest_look().filter(|look| look.asked >= from)
    }

    /// The look that was asked for last: a slow answer may come after a later one.
    pub(super) fn newest_look(&self) -> Option<&super::Look> {
        let looks = &self.seen.looks;
        let last = looks.iter().skip(looks.len().saturating_sub(OVERLAP));
        last.max_by_key(|look| look.asked)
    }

    /// The stamp of a phase, if it was reached.
    #[must_use]
    pub fn reached(&self, name: PhaseName) -> Option<&flinklab_event::Phase> {
        self.seen.phases.iter().find(|phase| phase.name == name)
    }
}

fn unknown(words: impl Into<String>) -> Finding {
    (Verdict::Unknown, words.into())
}
