//! The third stage: runs. A run begins, sees what happened, and ends: judged, refused or broken off.
//! Events of a break name their run, and only that run takes them.

use super::follows::Followed;
use crate::{Model, Refusal, Run, Whose, judge as judged};
use flinklab_event::{
    BreakBegun, BreakOrder, Deed, Effect, EffectKind, Event, Happening, RunEvent, RunEventKind,
    RunResult,
};
use jiff::{SignedDuration, Timestamp};

/// Finished runs kept in memory; the lab's folder keeps all.
const FINISHED: usize = 100;
/// How long another process may take to say what became of its run.
const ELSEWHERE: SignedDuration = SignedDuration::from_secs(10);
/// Why a run is broken off where the next one begins: what is seen from then on may be of either.
const NEXT: &str = "another failure was begun before it was judged";

/// What can be said about the run was said.
pub(super) struct Judged {
    /// How the run of another process ended that nobody judges: a sentence.
    pub(super) broken_off: Option<String>,
}

/// Takes in what concerns runs, shows the event to the one that is observed, and ends that once it
/// can be judged.
pub(super) fn judge(
    model: &mut Model,
    happening: &Happening,
    _: &Followed,
    effects: &mut Vec<Effect>,
) -> Judged {
    let at = happening.at;
    match &happening.event {
        Event::Run(RunEvent { run, kind }) => match kind {
            RunEventKind::Begun(begun) => {
                let what = format!("{}: {}", begun.failure.key, begun.failure.title);
                for command in model.commands(&begun.failure, &begun.target) {
                    let what = what.clone();
                    model.deeds.add(at, &Deed { what, command });
                }
                begin(model, begun, Whose::Ours, effects);
            }
            RunEventKind::Elsewhere(begun) => begin(model, begun, Whose::Elsewhere, effects),
            RunEventKind::Over => model.breaking.let_go(run.as_deref()),
            RunEventKind::Stuck(fault) => model.fault = Some((at, fault.clone())),
            // Evidence, which the run takes itself.
            RunEventKind::Sent { .. }
            | RunEventKind::Gone { .. }
            | RunEventKind::Hit(_)
            | RunEventKind::Undone { .. }
            | RunEventKind::Refused(_)
            | RunEventKind::BrokenOff(_) => {}
        },
        // Its own process had the last word on it.
        Event::Saved(result) => {
            if model.run().is_some_and(|run| run.order.run == result.run) {
                model.breaking.observed_enough();
            }
            finish(model, (**result).clone());
        }
        Event::Failed { effect, fault } => match effect {
            EffectKind::Break { run, failure } => {
                model.breaking.let_go(Some(run));
                refuse(
                    model,
                    Some(failure),
                    format!("{} {}", fault.what, fault.why),
                );
            }
            EffectKind::Unknown => {
                model.breaking.let_go(None);
                refuse(model, None, format!("{} {}", fault.what, fault.why));
            }
            _ => {}
        },
        Event::Crashed(_) => model.breaking.let_go(None),
        _ => {}
    }
    if let Some(run) = model.breaking.observed_mut() {
        run.observe(happening);
    }
    // What a run does not look at concludes nothing: the next tick or sample comes soon.
    let broken_off = match &happening.event {
        Event::Log(_) | Event::Kube(_) => None,
        _ => conclude(model, effects),
    };
    Judged { broken_off }
}

/// Begins to observe a run. What was observed until then is broken off: it can never be told apart
/// any more which of both failures something came from.
fn begin(model: &mut Model, begun: &BreakBegun, whose: Whose, effects: &mut Vec<Effect>) {
    if let Some(before) = model.breaking.observed_mut() {
        if before.order.run == begun.run {
            return;
        }
        before
            .seen
            .broken_off
            .get_or_insert_with(|| NEXT.to_owned());
        conclude(model, effects);
    }
    let order = BreakOrder {
        run: begun.run.clone(),
        failure: begun.failure.clone(),
        target: begun.target.clone(),
        short: false,
    };
    let run = Run::begin(order, model);
    model.breaking.begin(Run { whose, ..run });
}

/// Ends the observed run if nothing more is to be seen of it; a sentence where another process left
/// it unjudged.
fn conclude(model: &mut Model, effects: &mut Vec<Effect>) -> Option<String> {
    let origin = model.lab.as_ref().map(|lab| lab.origin).unwrap_or_default();
    let run = model.run()?;
    let failure = run.order.failure.key.to_string();
    let broken_off = run.seen.broken_off.clone();
    // Nothing was hit, so there is nothing to judge.
    if run.refused() {
        let fault = run.seen.fault.as_ref();
        let why = fault.map(|fault| format!("{} {}", fault.what, fault.why));
        let why = why.or(broken_off).unwrap_or_default();
        let is_foreign = run.whose == Whose::Elsewhere;
        model.breaking.observed_enough();
        refuse(model, Some(&failure), why.clone());
        let words = format!(
            "{failure} came to nothing: {}.",
            why.trim_end_matches(['.', ' '])
        );
        // Of one's own a fault tells.
        return is_foreign.then_some(words);
    }
    let result = judged(run, model.now, origin)?;
    let is_foreign = run.whose == Whose::Elsewhere;
    // Its own process judges it. Where that cannot, ours is the word that there is.
    let waited = run.deadline().saturating_add(ELSEWHERE);
    if is_foreign && broken_off.is_none() && model.now <= waited.unwrap_or(Timestamp::MAX) {
        return None;
    }
    model.breaking.observed_enough();
    finish(model, result.clone());
    if !is_foreign {
        effects.push(Effect::Save(Box::new(result)));
    }
    let broken_off = broken_off?;
    Some(format!(
        "{failure} was broken off: {broken_off}. Nothing is concluded from it."
    ))
}

/// Keeps what a run came to; what is said of it later replaces what was said before.
fn finish(model: &mut Model, result: RunResult) {
    let all = &mut model.finished;
    match all.iter_mut().find(|known| known.run == result.run) {
        Some(known) => *known = result,
        None => all.push(result),
    }
    if all.len() > FINISHED {
        all.remove(0);
    }
}

fn refuse(model: &mut Model, failure: Option<&str>, why: String) {
    model.refused = Some(Refusal {
        at: model.now,
        failure: failure.map(str::to_owned),
        why,
    });
}
