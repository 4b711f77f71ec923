//! When a headless `break` fires, and when it has seen enough: what a dead process left is mended
//! first, then it aims, fires once the lab is ready, waits for the verdict and the undo, and does
//! so as often as was asked.

use super::print::{Printer, Style};
use super::{Next, break_report, report, status};
use flinklab_base::advice;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_event::{Comeback, Effect, EffectKind, RunEvent, RunEventKind, RunResult, Target};
use flinklab_lab::Lab;
use flinklab_lab::failure::{Failure, LONGEST, Seconds, Verdict};
use flinklab_model::Model;
use std::time::Duration;

/// How long the first picture may take, and five good samples after it.
const FIRST: Duration = Duration::from_secs(30);
/// How long a lab may take to be healthy again after something was taken back.
const RECOVERY: Duration = Duration::from_secs(180);

/// How a break was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Only when the lab is ready.
    Ready,
    /// Although it is not.
    Force,
    /// Not at all: only say what would be.
    DryRun,
}

/// A `break` on its way.
pub(super) struct Breaking {
    key: String,
    manner: Manner,
    target: Option<String>,
    lasts: Option<Seconds>,
    /// How often it is still to be done.
    left: u32,
    /// The run that goes on.
    run: Option<String>,
    /// Since when it waits for the lab, and how long it may.
    since: Instant,
    patience: Duration,
    /// Nothing but PASS so far.
    passed: bool,
    /// A line a run instead of all that there is to say.
    brief: Option<Brief>,
    /// Why the run that goes on could not be written down.
    not_kept: Option<Fault>,
}

/// Which run of which lab, for a line about it.
pub(super) struct Brief {
    /// The lab.
    pub(super) lab: String,
    /// How many of them were made before.
    pub(super) done: u32,
    /// And will be made in all.
    pub(super) of: u32,
}

impl Breaking {
    pub(super) fn new(
        key: &str,
        manner: Manner,
        target: Option<String>,
        lasts: Option<Seconds>,
        times: u32,
    ) -> Self {
        Self {
            key: key.to_owned(),
            manner,
            target,
            lasts,
            left: times,
            run: None,
            since: Instant::now(),
            patience: FIRST,
            passed: true,
            brief: None,
            not_kept: None,
        }
    }

    /// One of a comparison: whenever the lab is ready, and told in a line each.
    pub(super) fn briefly(key: &str, times: u32, brief: Brief) -> Self {
        Self {
            brief: Some(brief),
            patience: RECOVERY,
            ..Self::new(key, Manner::Ready, None, None, times)
        }
    }

    /// Whether what happens to that run is told while it happens: of runs of other processes, only
    /// that they begin or are broken off.
    pub(super) fn tells(&self, event: &RunEvent) -> bool {
        let own = self.run.as_deref().is_some_and(|run| event.is_of(run));
        let news = matches!(
            event.kind,
            RunEventKind::Elsewhere(_) | RunEventKind::BrokenOff(_)
        );
        self.brief.is_none() && (own || news)
    }

    /// Whether what its run waits for is told.
    pub(super) fn watches(&self, run: &str) -> bool {
        self.brief.is_none() && self.run.as_deref() == Some(run)
    }

    /// Whether that is the break that was ordered.
    pub(super) fn is_order(&self, effect: &EffectKind) -> bool {
        matches!(effect, EffectKind::Break { run, .. } if Some(run) == self.run.as_ref())
    }

    /// Whether the run that goes on is written down by that.
    pub(super) fn is_kept_by(&self, effect: &EffectKind) -> bool {
        matches!(effect, EffectKind::Save { run } if Some(run) == self.run.as_ref())
    }

    /// The run could not be written down: it is told all the same, and the command fails then.
    pub(super) fn not_kept(&mut self, fault: &Fault) {
        self.not_kept = Some(fault.clone());
    }

    /// What is asked of the world first: a dry run writes nothing, not even an undo.
    pub(super) fn effects(&self) -> Vec<Effect> {
        match self.manner {
            Manner::DryRun => vec![Effect::Open, Effect::Watch],
            Manner::Ready | Manner::Force => vec![Effect::Mend, Effect::Open, Effect::Watch],
        }
    }

    pub(super) fn look(
        &mut self,
        model: &Model,
        printer: &Printer,
        outcome: &mut Option<Result<u8, Fault>>,
    ) -> Next {
        if let Some(run) = self.run.clone() {
            return self.judged(model, printer, &run, outcome);
        }
        let Some(failure) = model.failures.iter().find(|one| one.key == self.key) else {
            return Next::Go;
        };
        if self.manner != Manner::DryRun {
            match &model.healed {
                None => return Next::Go,
                Some(undone) if !undone.is_empty() => self.patience = RECOVERY,
                Some(_) => {}
            }
        }
        // What was taken back has to be followed by a checkpoint, however seldom these are.
        let every = if self.patience == RECOVERY {
            model.checkpoint_interval().unsigned_abs()
        } else {
            Duration::ZERO
        };
        let waits = self.since.elapsed() < self.patience + every;
        // It is not enough that the job runs: the lab must be well for a while, whoever broke it
        // before. Only who insists, and left nothing behind, need not wait for that.
        let insists = self.manner == Manner::Force && self.patience == FIRST;
        let well = insists || model.healthy();
        if waits && (!status::complete(model) || !well) {
            return Next::Go;
        }
        let aim = model.aim_at(failure, self.target.as_deref());
        let ready = aim.target.is_ok() && aim.against.is_empty();
        match (self.manner, aim.target) {
            // The TaskManagers' slots come a little later than the rest.
            (_, Err(_)) if waits => Next::Go,
            (Manner::DryRun, target) => {
                let failure = self.timed(&aim.failure);
                let commands = target
                    .as_ref()
                    .map(|target| model.commands(&failure, target));
                let commands = commands.unwrap_or_default();
                print_dry_run(printer, &failure, target.as_ref(), &commands, &aim.against);
                *outcome = Some(Ok(if ready { 0 } else { 3 }));
                Next::Stop
            }
            (Manner::Ready, Ok(_)) if !ready && waits => Next::Go,
            (Manner::Ready, Ok(_)) if !ready => {
                *outcome = Some(Err(self.not_ready(&aim.against)));
                Next::Stop
            }
            (_, Err(why)) => {
                *outcome = Some(Err(Fault::unable(
                    "no-target",
                    format!("`{}` has nothing to hit.", self.key),
                )
                .why(why)));
                Next::Stop
            }
            (Manner::Ready | Manner::Force, Ok(target)) => {
                let mut order = model.order(&self.timed(&aim.failure), target);
                order.short = self.lasts.is_some_and(|lasts| Some(lasts) < failure.lasts);
                self.run = Some(order.run.clone());
                Next::Ask(vec![Effect::Break(Box::new(order))])
            }
        }
    }

    /// Prints the run that goes on, if it is judged.
    pub(super) fn tell(&self, model: &Model, printer: &Printer) {
        let judged = |result: &&RunResult| Some(&result.run) == self.run.as_ref();
        if let Some(result) = model.finished.iter().rev().find(judged) {
            print(printer, result);
        }
    }

    /// The entry with the time that was asked for.
    fn timed(&self, failure: &Failure) -> Failure {
        Failure {
            lasts: self.lasts.or(failure.lasts),
            ..failure.clone()
        }
    }

    fn not_ready(&self, against: &[String]) -> Fault {
        Fault::unable(
            "not-ready",
            format!("The lab is not ready for `{}`.", self.key),
        )
        .why(against.join("; "))
        .hint(advice!(
            "Wait until it is healthy (`flinklab status --watch`), or use --force."
        ))
    }

    /// A run is over once it is judged, kept, and what it broke is taken back.
    fn judged(
        &mut self,
        model: &Model,
        printer: &Printer,
        run: &str,
        outcome: &mut Option<Result<u8, Fault>>,
    ) -> Next {
        let result = model.finished.iter().rev().find(|result| result.run == run);
        let (Some(result), true) = (result, model.breaking.run() != Some(run)) else {
            return Next::Go;
        };
        match &mut self.brief {
            Some(brief) => brief.print(printer, result),
            None => print(printer, result),
        }
        if let Some(fault) = self.not_kept.take() {
            *outcome = Some(Err(fault));
            return Next::Stop;
        }
        self.passed &= result.verdict == Verdict::Pass;
        self.left -= 1;
        if self.left == 0 {
            *outcome = Some(Ok(if self.passed { 0 } else { 1 }));
            return Next::Stop;
        }
        self.run = None;
        self.since = Instant::now();
        self.patience = RECOVERY;
        Next::Go
    }
}

impl Brief {
    fn print(&mut self, printer: &Printer, result: &RunResult) {
        self.done += 1;
        if printer.style == Style::Json {
            let mut object = break_report::object(result);
            object["result"]["lab"] = serde_json::json!(self.lab);
            printer.object(&object);
            return;
        }
        let took = match result.comeback() {
            Comeback::After(ms) => break_report::seconds(ms),
            Comeback::NeverStopped => "never stopped".to_owned(),
            Comeback::NotSeen => "no recovery was seen".to_owned(),
        };
        let lease = result.record.lease;
        let lease = lease.map_or_else(String::new, |end| format!(", lease {}", end.words()));
        printer.line(&format!(
            "  {} {}/{}: {}, {took}{lease}",
            result.failure, self.done, self.of, result.verdict
        ));
    }
}

fn print(printer: &Printer, result: &RunResult) {
    match printer.style {
        Style::Json => printer.object(&break_report::object(result)),
        Style::Text => printer.text(&break_report::text(result)),
    }
}

fn print_dry_run(
    printer: &Printer,
    failure: &Failure,
    target: Result<&Target, &String>,
    commands: &[String],
    against: &[String],
) {
    match printer.style {
        Style::Json => printer.object(&report::dry_run(failure, target, commands, against)),
        Style::Text => printer.text(&report::dry_run_text(failure, target, commands, against)),
    }
}

/// What is wrong with what was asked for; the time for which it is to stay, otherwise.
pub(super) fn asked(
    lab: &Lab,
    key: &str,
    lasts: Option<Duration>,
    manner: Manner,
) -> Result<Option<Seconds>, Fault> {
    let all = lab.all_failures();
    let Some(failure) = all.iter().find(|failure| failure.key == key) else {
        let keys: Vec<&str> = all.iter().map(|failure| &*failure.key).collect();
        return Err(
            Fault::wrong("no-failure", format!("There is no failure `{key}`."))
                .why(format!("there are {}", keys.join(", ")))
                .hint(advice!("`flinklab failures` tells what each of them does.")),
        );
    };
    if let Some(reason) = lab.missing_for(failure) {
        return Err(
            Fault::wrong("not-applicable", format!("This lab cannot have `{key}`.")).why(reason),
        );
    }
    let Some(lasts) = lasts else { return Ok(None) };
    let wrong = |what: String| Err(Fault::wrong("for-wrong", what));
    let Some(least) = failure.lasts else {
        return wrong(format!("`{key}` is over at once: leave --for away."));
    };
    let whole = u32::try_from(lasts.as_secs()).ok().map(Seconds);
    let Some(lasts) = whole.filter(|_| lasts.subsec_nanos() == 0) else {
        return wrong("--for takes whole seconds.".to_owned());
    };
    if lasts > LONGEST {
        return wrong(format!(
            "Nothing may stay broken for longer than {LONGEST}."
        ));
    }
    if lasts < least && manner != Manner::Force {
        Err(Fault::wrong(
            "for-short",
            format!("`{key}` does not show itself in less than {least}."),
        )
        .hint("Give more, or add --force: the run is INCONCLUSIVE then."))
    } else {
        Ok(Some(lasts))
    }
}

#[cfg(test)]
mod tests;
