//! A run for scripts and for people: the JSON that scripts may rely on, and the report that a
//! person reads. Adds nothing to what was judged.

use crate::failure::Verdict;
use crate::model::{Origin, Phase, PhaseName, RunEvent, RunResult, StatementName};
use serde_json::{Value, json};
use std::fmt::Write;

/// Where the words of a statement begin.
const MARGIN: usize = 24;
/// How wide a report may be.
const WIDTH: usize = 98;

/// A line for what just happened, for somebody who waits.
pub(super) fn live_line(event: &RunEvent) -> Option<String> {
    Some(match event {
        RunEvent::Begun(begun) => format!(
            "{}: hitting {} {} ({})",
            begun.failure.key, begun.target.role, begun.target.pod, begun.target.reason
        ),
        RunEvent::Sent { at, .. } => format!("sent at {} UTC", at.strftime("%H:%M:%S%.3f")),
        RunEvent::Gone { at, .. } => {
            format!("process gone at {} UTC", at.strftime("%H:%M:%S%.3f"))
        }
        RunEvent::Hit(Ok(proof)) => format!("hit: {proof}; watching the recovery"),
        RunEvent::Hit(Err(why)) => format!("not hit: {why}"),
        // The fault itself follows.
        RunEvent::Refused(_) => return None,
    })
}

/// The object of design 2.
pub(super) fn object(result: &RunResult) -> Value {
    let phases: Vec<Value> = result
        .phases
        .iter()
        .map(|phase| {
            json!({
                "name": phase.name, "ms": phase.ms, "at": phase.at,
                "observer": phase.observer, "resolution_ms": phase.resolution_ms,
            })
        })
        .collect();
    json!({"result": {
        "command": "break", "run": result.run, "failure": result.failure,
        "origin": result.origin, "at": result.at, "target": result.target,
        "verdict": result.verdict, "expected": result.expected,
        "recovery_ms": result.recovery_ms, "phases": phases, "statements": result.statements,
    }})
}

/// The report for a person.
pub(super) fn text(result: &RunResult) -> String {
    let mut text = String::new();
    let origin = match result.origin {
        Origin::Real => "",
        Origin::Simulated => " · SIMULATED",
        Origin::Recorded => " · RECORDED",
    };
    let target = &result.target;
    line(&mut text, &format!("{} · run {}{origin}", result.failure, result.run));
    line(
        &mut text,
        &format!("hit {} {} ({})", target.role, target.pod, target.reason),
    );
    if !result.phases.is_empty() {
        line(&mut text, "");
        line(&mut text, &format!("{:<18} {:>9}  {:>8}  seen by", "phase", "at", "±"));
    }
    for phase in &result.phases {
        line(
            &mut text,
            &format!(
                "{:<18} {:>9}  {:>8}  {}",
                title(phase.name),
                seconds(phase.ms),
                spread(phase),
                phase.observer
            ),
        );
    }
    line(&mut text, "");
    for statement in &result.statements {
        let words = super::report::wrapped(&statement.evidence, WIDTH - MARGIN);
        for (n, words) in words.iter().enumerate() {
            let left = match n {
                0 => format!("{:<8} {:<14}", statement.verdict.to_string(), name(statement.name)),
                _ => String::new(),
            };
            line(&mut text, &format!("{left:<MARGIN$}{words}"));
        }
    }
    line(&mut text, "");
    line(&mut text, &conclusion(result));
    text
}

fn conclusion(result: &RunResult) -> String {
    let recovery = match result.recovery_ms {
        Some(ms) => format!("recovered in {}", seconds(ms)),
        None => "no recovery was seen".to_owned(),
    };
    let meant = match result.verdict == result.expected {
        true if result.verdict == Verdict::Pass => String::new(),
        true => " (as this failure should)".to_owned(),
        false => format!(" (expected: {})", result.expected),
    };
    format!("{}{meant} · {recovery}", result.verdict)
}

fn line(text: &mut String, words: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", words.trim_end());
}

fn spread(phase: &Phase) -> String {
    match phase.resolution_ms {
        ms if ms < 1000 => format!("{ms} ms"),
        ms => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
    }
}

fn seconds(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    format!("{sign}{}.{:03} s", ms / 1000, ms % 1000)
}

fn title(name: PhaseName) -> &'static str {
    match name {
        PhaseName::Sent => "sent",
        PhaseName::ProcessGone => "process gone",
        PhaseName::LeaseOver => "lease over",
        PhaseName::NewEpoch => "new epoch",
        PhaseName::RestAnswers => "REST answers",
        PhaseName::JobRecovered => "job restored",
        PhaseName::TasksRunning => "all tasks running",
        PhaseName::NextCheckpoint => "next checkpoint",
        PhaseName::Undone => "undone",
    }
}

fn name(name: StatementName) -> &'static str {
    match name {
        StatementName::Hit => "hit",
        StatementName::Leadership => "leadership",
        StatementName::SameJob => "same job",
        StatementName::Restored => "restored",
        StatementName::IdsGrow => "ids grow",
        StatementName::InTime => "in time",
    }
}
