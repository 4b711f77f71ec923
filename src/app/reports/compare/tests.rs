//! Comparisons of made-up runs: every format holds the same facts, and no sentence says more than
//! the runs do.

#![allow(clippy::unwrap_used)]

use super::*;
use flinklab_event::{LeaseEnd, Phase, Record, RunResult};
use flinklab_lab::Lab;
use flinklab_lab::failure::Verdict;
use jiff::Timestamp;

/// A run that took so long, by how its lease ended.
fn run(n: usize, recovery_ms: i64, lease: LeaseEnd) -> RunResult {
    let at: Timestamp = "2026-11-24T21:58:00Z".parse().unwrap();
    let phase = |name, ms| Phase {
        name,
        ms,
        at,
        observer: "a clock".to_owned(),
        resolution_ms: 5,
    };
    RunResult {
        run: format!("run-{n}"),
        failure: "jm-stop".to_owned(),
        origin: Origin::Simulated,
        at,
        verdict: Verdict::Pass,
        expected: Verdict::Pass,
        recovery_ms: Some(recovery_ms),
        phases: vec![
            phase(PhaseName::Sent, 0),
            phase(PhaseName::NewEpoch, recovery_ms - 900),
            phase(PhaseName::TasksRunning, recovery_ms),
        ],
        record: Record {
            title: "stop the leader".to_owned(),
            within: 60,
            lease: Some(lease),
            ..Record::default()
        },
        statements: Vec::new(),
        target: serde_json::from_value(json!({
            "pod": "flink-jobmanager-5skkb", "uid": "u", "role": "jobmanager",
            "container_name": "jobmanager", "container": null, "node": null, "epoch": null,
            "reason": "leads epoch 1",
        }))
        .unwrap(),
    }
}

/// Two labs with such runs of `jm-stop`, and `standby-stop`, which one of them cannot have.
fn comparison(old: &[(i64, LeaseEnd)], new: &[(i64, LeaseEnd)]) -> Comparison {
    let labs: Vec<(String, Lab)> = ["article", "default"]
        .map(|name| (name.to_owned(), Lab::open(name).unwrap()))
        .into();
    let keys = ["jm-stop".to_owned(), "standby-stop".to_owned()];
    let began = "2026-11-24T21:50:00Z".parse().unwrap();
    let mut made = Comparison::new(&labs, &keys, 2, began);
    for (lab, runs) in made.labs.iter_mut().zip([old, new]) {
        lab.runs = runs
            .iter()
            .enumerate()
            .map(|(n, (ms, lease))| run(n, *ms, *lease))
            .collect();
    }
    made
}

fn both() -> Comparison {
    comparison(
        &[(17_200, LeaseEnd::RanOut), (21_900, LeaseEnd::RanOut)],
        &[(4_100, LeaseEnd::Released), (19_800, LeaseEnd::Retaken)],
    )
}

#[test]
fn the_labs_stand_side_by_side() {
    insta::assert_snapshot!(text(&both()));
}

#[test]
fn every_format_holds_the_same_facts() {
    let made = both();
    for told in [
        text(&made),
        markdown(&made),
        page(&made),
        object(&made).to_string(),
    ] {
        for fact in [
            "article",
            "default",
            "1.15.2",
            "2.3.0",
            "it has one JobManager",
        ] {
            assert!(told.contains(fact), "{fact} in {told}");
        }
    }
    for told in [text(&made), markdown(&made), page(&made)] {
        assert!(
            told.contains("SIMULATED") && told.contains("19.6 s"),
            "{told}"
        );
    }
    let object = object(&made);
    let labs = &object["failures"][0]["labs"];
    assert_eq!(
        (&labs[0]["recovery_ms"]["median"], &labs[1]["runs"]),
        (&json!(19_550), &json!(2))
    );
    assert_eq!(object["failures"][1]["labs"][0]["applicable"], false);
    assert_eq!(object["runs"].as_array().unwrap().len(), 4);
}

#[test]
fn sentences_say_no_more_than_the_runs() {
    let said = |made: &Comparison| findings(&sides(made)[0].groups()).join("\n");
    let overlap = said(&both());
    assert!(overlap.contains("overlap"), "{overlap}");
    assert!(
        overlap.contains("article never gave the lock back; default gave the lock back in 1 of 2 runs (in 1 its own process took it again)."),
        "{overlap}"
    );
    let apart = comparison(
        &[(17_000, LeaseEnd::RanOut), (18_000, LeaseEnd::RanOut)],
        &[(4_000, LeaseEnd::RanOut), (5_000, LeaseEnd::RanOut)],
    );
    let apart = said(&apart);
    assert!(
        apart
            .contains("Every run of default was quicker than any of article: 4.5 s against 17.5 s"),
        "{apart}"
    );
    assert!(
        !apart.contains("lock"),
        "nobody gave it back: nothing to tell apart"
    );
    let mut failed = both();
    failed.labs[1].runs[0].verdict = Verdict::Fail;
    assert!(
        said(&failed).contains("Not every run is a PASS: default: 1 PASS, 1 FAIL (expected PASS).")
    );
    assert!(said(&comparison(&[], &[])).is_empty());
}

#[test]
fn what_a_lab_is_called_stays_text_on_the_page() {
    let mut made = both();
    made.labs[0].lab = "<script>alert(1)</script>".to_owned();
    assert!(!page(&made).contains("<script>"));
}
