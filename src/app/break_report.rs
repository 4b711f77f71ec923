//! A run for scripts and for people: the JSON that scripts may rely on, and the report that a
//! person reads. Adds nothing to what was judged.

use flinklab_base::columns::wrap_words;
use flinklab_base::units;
use flinklab_event::{Comeback, Origin, PhaseName, RunEventKind, RunResult};
use flinklab_lab::Checkpointing;
use flinklab_lab::failure::{StatementName, Verdict};
use flinklab_model::{Run, Wait};
use serde_json::{Value, json};
use std::fmt::Write;

/// Where the words of a statement begin.
const MARGIN: usize = 24;
/// How wide a report may be.
const WIDTH: usize = 98;

/// A line for what just happened, for somebody who waits.
pub(super) fn live_line(event: &RunEventKind) -> Option<String> {
    Some(match event {
        RunEventKind::Begun(begun) => match &begun.target.object {
            Some(object) => format!("{}: hitting {object}", begun.failure.key),
            None => {
                let all = std::iter::once(&begun.target).chain(&begun.target.also);
                let names: Vec<String> = all
                    .map(|pod| format!("{} {} ({})", pod.role, pod.pod, pod.reason))
                    .collect();
                format!("{}: hitting {}", begun.failure.key, names.join(" and "))
            }
        },
        RunEventKind::Elsewhere(begun) => format!("another flinklab fires {}", begun.run),
        RunEventKind::Sent { at, .. } => format!("sent at {} UTC", at.strftime("%H:%M:%S%.3f")),
        RunEventKind::Gone { at, observer, .. } => {
            let at = at.strftime("%H:%M:%S%.3f");
            format!("process gone at {at} UTC ({observer})")
        }
        RunEventKind::Hit(Ok(proof)) => format!("hit: {proof}; watching the recovery"),
        RunEventKind::Undone { at, early, .. } => format!(
            "undone at {} UTC{}",
            at.strftime("%H:%M:%S%.3f"),
            early
                .as_ref()
                .map_or_else(String::new, |why| format!(", {why}"))
        ),
        RunEventKind::Hit(Err(why)) => format!("not hit: {why}"),
        RunEventKind::Stuck(fault) => format!("not taken back yet, and tried again: {fault}"),
        RunEventKind::BrokenOff(why) => format!("broken off: {why}"),
        // The fault itself follows.
        RunEventKind::Refused(_) | RunEventKind::Over => return None,
    })
}

/// What a run waits for, in a line.
pub(super) fn waiting_line(wait: &Wait) -> String {
    wait.words(|at| format!("{} UTC", at.strftime("%H:%M:%S")))
}

/// The same for scripts; an aftershock is short and told in the result.
pub(super) fn waiting(run: &Run, wait: &Wait) -> Option<Value> {
    let Wait::Checkpoint { checkpointing, by } = wait else {
        return None;
    };
    Some(json!({"waiting": {
        "run": run.order.run, "for": "next-checkpoint", "every_ms": every_ms(checkpointing), "by": by,
        "says": waiting_line(wait),
    }}))
}

fn every_ms(checkpointing: &Checkpointing) -> Option<i64> {
    let every = checkpointing.every()?;
    i64::try_from(every.as_millis()).ok()
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
    line(
        &mut text,
        &format!("{} · run {}{origin}", result.failure, result.run),
    );
    if let Some(object) = &target.object {
        line(&mut text, &format!("hit {object}"));
    }
    let verb = if target.object.is_some() {
        "while"
    } else {
        "hit"
    };
    for pod in std::iter::once(target).chain(&target.also) {
        line(
            &mut text,
            &format!("{verb} {} {} ({})", pod.role, pod.pod, pod.reason),
        );
    }
    if !result.phases.is_empty() {
        line(&mut text, "");
        line(
            &mut text,
            &format!("{:<18} {:>9}  {:>8}  seen by", "phase", "at", "±"),
        );
    }
    for phase in &result.phases {
        line(
            &mut text,
            &format!(
                "{:<18} {:>9}  {:>8}  {}",
                title(phase.name),
                seconds(phase.ms),
                units::spread(phase.resolution_ms.into()),
                phase.observer
            ),
        );
    }
    line(&mut text, "");
    for statement in &result.statements {
        let mut words = wrap_words(&statement.evidence, WIDTH - MARGIN);
        words.resize(words.len().max(1), String::new());
        for (n, words) in words.iter().enumerate() {
            let left = match n {
                0 => format!(
                    "{:<8} {:<14}",
                    statement.verdict.to_string(),
                    name(statement.name)
                ),
                _ => String::new(),
            };
            line(&mut text, &format!("{left:<MARGIN$}{words}"));
        }
    }
    line(&mut text, "");
    line(&mut text, &conclusion(result));
    text
}

pub(super) fn conclusion(result: &RunResult) -> String {
    let recovery = match result.comeback() {
        Comeback::After(ms) => match result.after_undo_ms() {
            None => format!("recovered in {}", seconds(ms)),
            Some(after) => format!(
                "recovered in {}, {} after the undo",
                seconds(ms),
                seconds(after)
            ),
        },
        Comeback::NeverStopped => "the job never stopped".to_owned(),
        Comeback::NotSeen => "no recovery was seen".to_owned(),
    };
    let meant = match result.verdict == result.expected {
        true if result.verdict == Verdict::Pass => String::new(),
        true => " as expected".to_owned(),
        false => format!(" (expected: {})", result.expected),
    };
    format!("{}{meant} · {recovery}", result.verdict)
}

fn line(text: &mut String, words: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", words.trim_end());
}

/// A moment with all its milliseconds, as they are compared.
pub(super) fn seconds(ms: i64) -> String {
    format!("{} s", units::exact(ms))
}

pub(super) fn title(name: PhaseName) -> &'static str {
    match name {
        PhaseName::Sent => "sent",
        PhaseName::Signalled => "SIGTERM",
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

pub(super) fn name(name: StatementName) -> &'static str {
    match name {
        StatementName::Hit => "hit",
        StatementName::Leadership => "leadership",
        StatementName::OneLeader => "one leader",
        StatementName::SameJob => "same job",
        StatementName::Restored => "restored",
        StatementName::IdsGrow => "ids grow",
        StatementName::Pointer => "pointer",
        StatementName::Restarts => "restarts",
        StatementName::InTime => "in time",
        StatementName::Exact => "exact",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_event::{Phase, Record, Statement, Target};
    use flinklab_lab::failure::Role;

    fn result() -> RunResult {
        let at: jiff::Timestamp = "2026-11-22T23:11:05.164Z".parse().unwrap();
        let phase = |name, ms, observer: &str, resolution_ms| Phase {
            name,
            ms,
            at: at + jiff::SignedDuration::from_millis(ms),
            observer: observer.to_owned(),
            resolution_ms,
        };
        RunResult {
            run: "20261122-231105-jm-crash".to_owned(),
            failure: "jm-crash".to_owned(),
            target: Target {
                pod: "flink-jobmanager-5skkb".to_owned(),
                uid: "u".to_owned(),
                role: Role::JobManager,
                container_name: "jobmanager".to_owned(),
                container: Some("709e3beab6f4".to_owned()),
                node: Some("flinklab-control-plane".to_owned()),
                epoch: Some("fcd9f956".to_owned()),
                reason: "leads epoch 1".to_owned(),
                object: None,
                also: Vec::new(),
            },
            origin: Origin::Simulated,
            at,
            verdict: Verdict::Inconclusive,
            expected: Verdict::Pass,
            recovery_ms: Some(17_747),
            phases: vec![
                phase(PhaseName::Sent, 0, "node clock, before kill", 5),
                phase(PhaseName::TasksRunning, 17_747, "Flink REST: all tasks RUNNING", 1390),
            ],
            statements: vec![
                Statement {
                    name: StatementName::Hit,
                    verdict: Verdict::Pass,
                    evidence: "container 709e3beab6f4 of flink-jobmanager-5skkb exited with 137 at 23:11:05.211 UTC".to_owned(),
                },
                Statement {
                    name: StatementName::SameJob,
                    verdict: Verdict::Unknown,
                    evidence: "REST did not answer at the end".to_owned(),
                },
            ],
            record: Record::default(),
        }
    }

    #[test]
    fn a_person_reads_phases_statements_and_the_verdict() {
        insta::assert_snapshot!(text(&result()), @r"
        jm-crash · run 20261122-231105-jm-crash · SIMULATED
        hit JobManager flink-jobmanager-5skkb (leads epoch 1)

        phase                     at         ±  seen by
        sent                 0.000 s      5 ms  node clock, before kill
        all tasks running   17.747 s     1.3 s  Flink REST: all tasks RUNNING

        PASS     hit            container 709e3beab6f4 of flink-jobmanager-5skkb exited with 137 at
                                23:11:05.211 UTC
        UNKNOWN  same job       REST did not answer at the end

        INCONCLUSIVE (expected: PASS) · recovered in 17.747 s
        ");
    }

    #[test]
    fn a_job_that_never_stopped_did_not_fail_to_recover() {
        let mut result = result();
        result.recovery_ms = None;
        assert!(conclusion(&result).ends_with("no recovery was seen"));
        result.statements.push(Statement {
            name: StatementName::Restored,
            verdict: Verdict::Pass,
            evidence: "no restore".to_owned(),
        });
        assert!(conclusion(&result).ends_with("the job never stopped"));
        // it was restored from the right checkpoint, and failed again
        let restored = Phase {
            name: PhaseName::JobRecovered,
            ..result.phases[0].clone()
        };
        result.phases.push(restored);
        assert!(conclusion(&result).ends_with("no recovery was seen"));
    }

    #[test]
    fn a_script_finds_the_promised_names() {
        let object = object(&result());
        let result = &object["result"];
        assert_eq!(result["command"], "break");
        assert_eq!(result["run"], "20261122-231105-jm-crash");
        assert_eq!(result["failure"], "jm-crash");
        assert_eq!(result["verdict"], "INCONCLUSIVE");
        assert_eq!(result["expected"], "PASS");
        assert_eq!(result["origin"], "simulated");
        assert_eq!(result["recovery_ms"], 17_747);
        assert_eq!(result["phases"][1]["name"], "tasks-running");
        assert_eq!(result["phases"][1]["ms"], 17_747);
        assert_eq!(result["phases"][1]["resolution_ms"], 1390);
        assert_eq!(result["statements"][1]["name"], "same-job");
        assert_eq!(result["statements"][1]["verdict"], "UNKNOWN");
        assert!(result["statements"][1]["evidence"].is_string());
    }
}
