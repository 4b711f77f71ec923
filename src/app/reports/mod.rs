//! What was broken, told again: `runs` lists it, `report` tells how long it took and what was
//! proven, for people, scripts, CI and somebody who has never seen Flink. Reads the lab's folder;
//! asks neither Docker nor Flink.

mod compare;
mod findings;
mod html;
mod junit;
mod page;
mod summary;
mod svg;
mod table;
mod words;

pub(super) use compare::compared;

use super::break_report;
use super::print::{Printer, Style};
use crate::cli::ReportFormat;
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_event::RunResult;
use flinklab_model::{Distribution, Spread, distributions};
use flinklab_world::{World, keep, kept_runs};
use serde_json::{Value, json};
use std::path::Path;

/// Runs that a hint names.
const HINTS: usize = 5;

/// What a report is about.
pub(super) struct Picked {
    /// The instance.
    lab: String,
    /// Oldest first.
    runs: Vec<RunResult>,
}

impl Picked {
    fn groups(&self) -> Vec<Distribution<'_>> {
        distributions(&self.runs.iter().collect::<Vec<_>>())
    }
}

/// `flinklab runs`.
pub(super) fn runs(world: &World, printer: &Printer) -> Result<u8, Fault> {
    let runs = kept_runs(world)?;
    match printer.style {
        Style::Json => {
            for run in &runs {
                printer.object(&in_short(run));
            }
        }
        Style::Text if runs.is_empty() => {
            printer.line(&printer.called.advise(&advice!(
                "Nothing was broken in this lab yet. `flinklab failures` lists what can be."
            )));
        }
        Style::Text => {
            printer.text(&summary::list(&runs.iter().collect::<Vec<_>>()).text());
            printer.line("");
            printer.line(&format!(
                "More about one: {}. All of them: {}",
                printer.called.command("report RUN"),
                printer.called.command("report")
            ));
        }
    }
    Ok(0)
}

/// `flinklab report`.
pub(super) fn report(
    world: &World,
    names: &[String],
    (format, out): (Option<ReportFormat>, Option<&Path>),
    printer: &Printer,
) -> Result<u8, Fault> {
    let format = match (format, printer.style) {
        (Some(format), _) => format,
        (None, Style::Json) => ReportFormat::Json,
        (None, Style::Text) => ReportFormat::Text,
    };
    let picked = Picked {
        lab: world.name.clone(),
        runs: picked(&kept_runs(world)?, names)?,
    };
    let text = match format {
        ReportFormat::Text => text(&picked),
        ReportFormat::Md => page::markdown(&picked),
        ReportFormat::Json => format!("{}\n", flinklab_base::text::json(&object(&picked))),
        ReportFormat::Junit => junit::text(&picked),
        ReportFormat::Html => html::text(&picked),
    };
    match out {
        None => printer.text(&text),
        Some(path) => {
            keep(path, text.as_bytes())?;
            match printer.style {
                Style::Json => printer.object(&json!({"result": {
                    "command": "report", "outcome": "written", "file": path, "runs": picked.runs.len(),
                }})),
                Style::Text => printer.line(&format!(
                    "Wrote {}: {}.",
                    path.display(),
                    counted(picked.runs.len(), "run")
                )),
            }
        }
    }
    Ok(0)
}

/// A name is that of a run, of a failure, or `last`; without any, all runs are meant.
fn picked(all: &[RunResult], names: &[String]) -> Result<Vec<RunResult>, Fault> {
    let newest: Vec<&str> = all
        .iter()
        .rev()
        .take(HINTS)
        .map(|run| run.run.as_str())
        .collect();
    let nothing = || {
        Fault::wrong("no-run", "Nothing was broken in this lab yet.").hint(advice!(
            "Run `flinklab break KEY` first; `flinklab failures` lists the keys."
        ))
    };
    if all.is_empty() {
        return Err(nothing());
    }
    let mut chosen = Vec::new();
    for name in names {
        let found: Vec<&RunResult> = match name.as_str() {
            "last" => all.iter().rev().take(1).collect(),
            name => {
                let fits = |run: &&RunResult| run.run == name || run.failure == name;
                all.iter().filter(fits).collect()
            }
        };
        if found.is_empty() {
            return Err(Fault::wrong("no-run", format!("There is no finished run `{name}`."))
                .why("it is neither the name of a run, nor a failure that was tried here, nor `last`")
                .hint(advice!(
                    "`flinklab runs` lists them; the newest are {}.",
                    newest.join(", ")
                )));
        }
        chosen.extend(found);
    }
    Ok(if names.is_empty() {
        all.to_vec()
    } else {
        all.iter()
            .filter(|run| chosen.iter().any(|one| one.run == run.run))
            .cloned()
            .collect()
    })
}

fn text(picked: &Picked) -> String {
    match picked.runs.as_slice() {
        [only] => {
            let mut text = break_report::text(only);
            for line in summary::aside(only) {
                text.push_str(&line);
                text.push('\n');
            }
            text
        }
        _ => page::text(picked),
    }
}

/// One run in a line of `runs --json`.
fn in_short(run: &RunResult) -> Value {
    json!({
        "run": run.run, "failure": run.failure, "title": run.record.title, "at": run.at,
        "origin": run.origin, "verdict": run.verdict, "expected": run.expected,
        "as_expected": run.verdict == run.expected,
        "recovery_ms": run.recovery_ms, "after_undo_ms": run.after_undo_ms(), "lease": run.record.lease, "pod": run.target.pod,
    })
}

/// The figures of one failure for scripts.
fn group_object(group: &Distribution<'_>) -> Value {
    let figures = |spread: &Spread| {
        json!({
            "n": spread.n, "min": spread.min, "median": spread.median, "p90": spread.p90,
            "max": spread.max,
        })
    };
    let phases: Vec<Value> = group
        .phases
        .iter()
        .map(|(name, spread)| json!({"name": name, "ms": figures(spread)}))
        .collect();
    let leases: Vec<Value> = group
        .lease_runs
        .iter()
        .map(|(end, runs)| {
            let own = group.leases.get(end).cloned().unwrap_or_default();
            let spread = flinklab_model::spread(own);
            json!({"end": end, "runs": runs, "recovery_ms": spread.as_ref().map(figures)})
        })
        .collect();
    let verdicts: serde_json::Map<String, Value> = group
        .verdicts
        .iter()
        .map(|(verdict, count)| (verdict.to_string(), json!(count)))
        .collect();
    json!({
        "failure": group.failure, "title": group.title, "within": group.within,
        "counted_from": group.counted,
        "after_undo_ms": group.after_undo.as_ref().map(figures),
        "as_expected": group.runs.iter().filter(|run| run.verdict == run.expected).count(),
        "runs": group.runs.len(), "left_out": group.left_out, "verdicts": verdicts,
        "recovery_ms": group.recovery.as_ref().map(figures),
        "phases": phases, "leases": leases,
    })
}

/// The report for scripts: figures of each failure, then each run as `break` told it.
fn object(picked: &Picked) -> Value {
    let groups: Vec<Value> = picked.groups().iter().map(group_object).collect();
    let runs: Vec<Value> = picked
        .runs
        .iter()
        .map(|run| {
            let mut one = break_report::object(run)["result"].take();
            one["record"] = json!(run.record);
            one["after_undo_ms"] = json!(run.after_undo_ms());
            one["as_expected"] = json!(run.verdict == run.expected);
            one
        })
        .collect();
    json!({"report": {"lab": picked.lab, "failures": groups, "runs": runs}})
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests;
