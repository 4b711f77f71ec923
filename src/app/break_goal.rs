//! When a headless `break` fires, and when it has seen enough.

use super::headless::FIRST_PICTURE;
use super::print::{Printer, Style};
use super::{Next, break_report, report, status};
use crate::failure::{Failure, Verdict};
use crate::fault::Fault;
use crate::model::{Effect, Model, Target};
use std::time::Duration;

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

pub(super) fn breaking(
    model: &Model,
    printer: &Printer,
    (key, manner, ordered): (&str, Manner, &mut bool),
    waited: Duration,
    outcome: &mut Option<Result<u8, Fault>>,
) -> Next {
    if *ordered {
        let Some(result) = model.finished.last() else {
            return Next::Go;
        };
        match printer.style {
            Style::Json => printer.object(&break_report::object(result)),
            Style::Text => printer.text(&break_report::text(result)),
        }
        *outcome = Some(Ok(match result.verdict {
            Verdict::Pass => 0,
            Verdict::Fail | Verdict::Unknown | Verdict::Inconclusive => 1,
        }));
        return Next::Stop;
    }
    let Some(failure) = model.failures.iter().find(|failure| failure.key == key) else {
        return Next::Go;
    };
    if !status::complete(model) && waited < FIRST_PICTURE {
        return Next::Go;
    }
    let aim = model.aim(failure);
    let ready = aim.target.is_ok() && aim.against.is_empty();
    match (manner, aim.target) {
        (Manner::DryRun, target) => {
            print_dry_run(printer, failure, target.as_ref(), &aim.against);
            *outcome = Some(Ok(if ready { 0 } else { 3 }));
            Next::Stop
        }
        (Manner::Ready, Ok(_)) if !ready && waited < FIRST_PICTURE => Next::Go,
        (Manner::Ready, Ok(_)) if !ready => {
            *outcome = Some(Err(Fault::unable(
                "not-ready",
                format!("The lab is not ready for `{key}`."),
            )
            .why(aim.against.join("; "))
            .mend(
                "Wait until it is healthy (`flinklab status --watch`), or use --force.",
            )));
            Next::Stop
        }
        // The TaskManagers' slots come a little later than the rest.
        (Manner::Ready | Manner::Force, Err(_)) if waited < FIRST_PICTURE => Next::Go,
        (_, Err(why)) => {
            *outcome = Some(Err(Fault::unable(
                "no-target",
                format!("`{key}` has nothing to hit."),
            )
            .why(why)));
            Next::Stop
        }
        (Manner::Ready | Manner::Force, Ok(target)) => {
            *ordered = true;
            Next::Ask(vec![Effect::Break(Box::new(model.order(failure, target)))])
        }
    }
}

fn print_dry_run(
    printer: &Printer,
    failure: &Failure,
    target: Result<&Target, &String>,
    against: &[String],
) {
    match printer.style {
        Style::Json => printer.object(&report::dry_run(failure, target, against)),
        Style::Text => printer.text(&report::dry_run_text(failure, target, against)),
    }
}
