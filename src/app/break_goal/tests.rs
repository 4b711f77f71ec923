//! What a `break` without a screen comes to.

#![allow(clippy::unwrap_used)]

use super::super::lines::{Goal, Lines};
use super::super::{Environment, Show};
use super::*;
use crate::cli::Cli;
use clap::Parser;
use flinklab_event::{Event, Happening};
use flinklab_model::BreakState;
use serde_json::json;

fn printer() -> Printer {
    let cli = Cli::parse_from(["flinklab", "status"]);
    Printer::new(&cli.global, &Environment::default())
}

/// A model in which the run `a` was judged PASS.
fn judged(breaking: BreakState) -> Model {
    let result = json!({
        "run": "a", "failure": "jm-crash", "origin": "real", "at": "2026-11-24T22:00:00Z",
        "target": {
            "pod": "p", "uid": "u", "role": "jobmanager", "container_name": "c",
            "container": null, "node": null, "epoch": null, "reason": "leads epoch 1",
        },
        "verdict": "PASS", "expected": "PASS", "recovery_ms": 16000, "phases": [],
        "statements": [],
    });
    Model {
        finished: vec![serde_json::from_value(result).unwrap()],
        breaking,
        ..Model::default()
    }
}

fn breaking() -> Lines {
    let goal = Breaking {
        run: Some("a".to_owned()),
        ..Breaking::new("jm-crash", Manner::Ready, None, None, 1)
    };
    Lines::new(Goal::Break(Box::new(goal)), &printer())
}

fn failed(effect: EffectKind) -> [Happening; 1] {
    [Happening {
        at: jiff::Timestamp::UNIX_EPOCH,
        event: Event::Failed {
            effect,
            fault: Fault::unable("no-room", "It failed."),
        },
    }]
}

#[test]
fn a_run_that_could_not_be_kept_is_no_success() {
    let mut lines = breaking();
    let taking_back = BreakState::TakingBack { run: "a".into() };
    let run = "a".to_owned();
    let batch = failed(EffectKind::Save { run });
    assert!(matches!(lines.show(&judged(taking_back), &batch), Next::Go));
    let over = lines.show(&judged(BreakState::Idle), &[]);
    assert!(matches!(over, Next::Stop));
    assert_eq!(lines.outcome().unwrap().unwrap_err().code, "no-room");
}

#[test]
fn what_failed_elsewhere_does_not_end_it() {
    let mut lines = breaking();
    let model = judged(BreakState::TakingBack { run: "a".into() });
    let other = |run: &str| EffectKind::Break {
        run: run.to_owned(),
        failure: "jm-crash".to_owned(),
    };
    for effect in [other("b"), EffectKind::Doctor, EffectKind::Heal] {
        assert!(matches!(lines.show(&model, &failed(effect)), Next::Go));
    }
    assert!(matches!(
        lines.show(&model, &failed(other("a"))),
        Next::Stop
    ));
    assert!(lines.outcome().unwrap().is_err());
}
