//! Reports over made-up runs: every format holds the same facts, and what comes from outside stays
//! text.

#![allow(clippy::unwrap_used)]

use super::*;
use flinklab_event::{Beat, LeaseEnd, Origin, Phase, PhaseName, Record, Statement, Target};
use flinklab_lab::failure::{Role, Verdict};
use jiff::{SignedDuration, Timestamp};

/// A run of `jm-stop` that took so long, by how its lease ended.
fn run(n: i64, recovery_ms: i64, lease: LeaseEnd) -> RunResult {
    let first: Timestamp = "2026-11-24T21:58:00Z".parse().unwrap();
    let at = first + SignedDuration::from_secs(60 * n);
    let since = |ms| at + SignedDuration::from_millis(ms);
    let phase = |name, ms| Phase {
        name,
        ms,
        at: since(ms),
        observer: "the <clock>".to_owned(),
        resolution_ms: 5,
    };
    RunResult {
        run: format!("20261124-2158{n:02}-jm-stop"),
        failure: "jm-stop".to_owned(),
        target: target(),
        origin: Origin::Simulated,
        at,
        verdict: Verdict::Pass,
        expected: Verdict::Pass,
        recovery_ms: Some(recovery_ms),
        phases: vec![
            phase(PhaseName::Sent, 0),
            phase(PhaseName::TasksRunning, recovery_ms),
        ],
        statements: vec![Statement {
            name: serde_json::from_str("\"hit\"").unwrap(),
            verdict: Verdict::Pass,
            evidence: "exited <script>alert(1)</script> & \"gone\"".to_owned(),
        }],
        record: Record {
            title: "stop the leader".to_owned(),
            within: 60,
            lease: Some(lease),
            checkpoints: vec![
                Beat {
                    id: 7,
                    at: since(-2000),
                    took_ms: Some(70),
                    failed: false,
                },
                Beat {
                    id: 8,
                    at: since(recovery_ms + 500),
                    took_ms: Some(90),
                    failed: false,
                },
            ],
            restores: vec![(7, recovery_ms - 300)],
            until_ms: recovery_ms + 600,
            ..Record::default()
        },
    }
}

fn target() -> Target {
    serde_json::from_value(json!({
        "pod": "flink-jobmanager-5skkb", "uid": "u", "role": Role::JobManager,
        "container_name": "jobmanager", "container": null, "node": null, "epoch": null,
        "reason": "leads epoch 1",
    }))
    .unwrap()
}

fn several() -> Picked {
    Picked {
        lab: "flinklab".to_owned(),
        runs: vec![
            run(1, 3100, LeaseEnd::Released),
            run(2, 24_500, LeaseEnd::Retaken),
            run(3, 4200, LeaseEnd::Released),
        ],
    }
}

#[test]
fn a_person_sees_both_heaps_of_a_clean_stop() {
    insta::assert_snapshot!(text(&several()), @r"
    lab flinklab: 3 runs of 1 failure, 2026-11-24 21:59 to 2026-11-24 22:01 UTC · SIMULATED

    Recovery: from the break until all tasks ran again
    failure  n    min  median     p90     max  budget  verdicts
    jm-stop  3  3.1 s   4.2 s  24.5 s  24.5 s    60 s  3 PASS

    Each run on one axis (a digit: so many runs there)
             0 s                                                     25 s
    jm-stop  ·······1··1···············································1·

    How the leader's lease ended, and the recovery of those runs
    failure  the lease was                       runs  n    min  median    p90    max
    jm-stop  released                               2  2  3.1 s   3.7 s  4.2 s  4.2 s
             released and retaken, then ran out     1  1         24.5 s

    Phases, from the break
    failure  phase              n    min  median     p90     max
    jm-stop  all tasks running  3  3.1 s   4.2 s  24.5 s  24.5 s

    Runs
    run                      failure  verdict  recovery  held back  lease
    20261124-215801-jm-stop  jm-stop  PASS        3.1 s             released
    20261124-215802-jm-stop  jm-stop  PASS       24.5 s             released and retaken, then ran out
    20261124-215803-jm-stop  jm-stop  PASS        4.2 s             released
    ");
}

/// One run each of a failure whose budget counts from its undo, and of one that is meant to FAIL.
fn one_each() -> Picked {
    let mut scaled = run(1, 65_700, LeaseEnd::RanOut);
    scaled.run = "20261124-215801-scale-to-zero".to_owned();
    scaled.failure = "scale-to-zero".to_owned();
    let mut undone = scaled.phases[0].clone();
    (undone.name, undone.ms) = (PhaseName::Undone, 20_000);
    scaled.phases.push(undone);
    let mut lost = run(2, 21_200, LeaseEnd::RanOut);
    lost.run = "20261124-215802-pointer-lost".to_owned();
    lost.failure = "pointer-lost".to_owned();
    (lost.verdict, lost.expected) = (Verdict::Fail, Verdict::Fail);
    Picked {
        lab: "flinklab".to_owned(),
        runs: vec![scaled, lost],
    }
}

/// A stranger took "65.7 s, budget 60 s, PASS" for a mistake, "1 FAIL" for a failed lab, and four
/// equal figures for four runs.
#[test]
fn a_stranger_reads_one_run_each_right() {
    insta::assert_snapshot!(summary::side_by_side(&one_each().groups()).text(), @r"
    failure        recovery                       budget  verdicts
    scale-to-zero    65.7 s  60 s after the undo: 45.7 s  1 PASS
    pointer-lost     21.2 s                         60 s  1 FAIL as expected
    ");
    let runs = one_each().runs;
    insta::assert_snapshot!(summary::list(&runs.iter().collect::<Vec<_>>()).text(), @r"
    run                            failure        verdict           recovery  after undo  held back  lease
    20261124-215801-scale-to-zero  scale-to-zero  PASS                65.7 s      45.7 s             ran out
    20261124-215802-pointer-lost   pointer-lost   FAIL as expected    21.2 s                         ran out
    ");
}

#[test]
fn every_format_says_from_where_a_budget_counts_and_which_fail_was_meant() {
    let picked = one_each();
    for text in [text(&picked), page::markdown(&picked), html::text(&picked)] {
        assert!(text.contains("60 s after the undo: 45.7 s"), "{text}");
        assert!(text.contains("FAIL as expected"), "{text}");
    }
    let html = html::text(&picked);
    assert!(
        html.contains("<span class=\"meant\">✓ 1 FAIL as expected</span>"),
        "{html}"
    );
    assert!(!html.contains("class=\"fail\""), "nothing is wrong: {html}");
    assert!(
        html.contains("45.7 s after the failure was undone"),
        "{html}"
    );
    let junit = junit::text(&picked);
    assert!(
        junit.contains("recovered in 65.700 s, 45.700 s after the undo"),
        "{junit}"
    );
    assert!(junit.contains("FAIL as expected"), "{junit}");
    let object = object(&picked);
    let groups = &object["report"]["failures"];
    assert_eq!(groups[0]["counted_from"], "undone");
    assert_eq!(groups[0]["after_undo_ms"]["max"], 45_700);
    assert_eq!(
        (&groups[1]["as_expected"], &groups[1]["runs"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(groups[1]["after_undo_ms"], json!(null));
    assert_eq!(object["report"]["runs"][0]["after_undo_ms"], 45_700);
    assert_eq!(object["report"]["runs"][1]["as_expected"], true);
}

/// What was not as expected is what stands out.
#[test]
fn a_fail_that_was_not_meant_stands_out() {
    let mut picked = several();
    picked.runs[1].verdict = Verdict::Fail;
    let markdown = page::markdown(&picked);
    assert!(
        markdown.contains("2 PASS, **1 FAIL (expected PASS)**"),
        "{markdown}"
    );
    let html = html::text(&picked);
    assert!(
        html.contains("<span class=\"fail\">✗ 1 FAIL (expected PASS)</span>"),
        "{html}"
    );
    assert!(text(&picked).contains("1 FAIL (expected PASS)"));
    let mut survived = one_each();
    survived.runs[1].verdict = Verdict::Pass;
    let html = html::text(&survived);
    assert!(
        html.contains("<span class=\"fail\">✗ 1 PASS (expected FAIL)</span>"),
        "{html}"
    );
}

#[test]
fn what_proves_nothing_is_in_no_figure_and_is_said() {
    let mut picked = several();
    picked.runs[1].verdict = Verdict::Inconclusive;
    let figures = &object(&picked)["report"]["failures"][0];
    assert_eq!(figures["recovery_ms"]["n"], 2);
    assert_eq!(figures["recovery_ms"]["max"], 4200);
    assert_eq!(
        (&figures["left_out"], &figures["runs"]),
        (&json!(1), &json!(3))
    );
    let page = text(&picked);
    assert!(
        page.contains("2 PASS, 1 INCONCLUSIVE, not counted"),
        "{page}"
    );
}

/// "Never stopped" needs a witness, and what was hit may be no pod, or several.
#[test]
fn a_story_claims_only_what_was_seen() {
    let mut calm = run(1, 0, LeaseEnd::RanOut);
    (calm.recovery_ms, calm.record.restores) = (None, Vec::new());
    let story = words::story(&calm).join(" ");
    assert!(
        story.contains("Whether the job was stopped was not seen."),
        "{story}"
    );
    calm.statements[0].name = flinklab_lab::failure::StatementName::Restored;
    let story = words::story(&calm).join(" ");
    assert!(story.contains("The job was never stopped."), "{story}");
    let mut other = calm.target.clone();
    other.pod = "flink-jobmanager-other".to_owned();
    calm.target.also.push(other);
    assert!(words::story(&calm)[0].contains("and the JobManager flink-jobmanager-other"));
    calm.target.object = Some("the API server of node".to_owned());
    assert!(words::story(&calm)[0].ends_with("hit the API server of node."));
}

#[test]
fn a_script_finds_the_same_figures() {
    let object = object(&several());
    let group = &object["report"]["failures"][0];
    assert_eq!(group["recovery_ms"]["median"], 4200);
    assert_eq!(group["recovery_ms"]["p90"], 24_500);
    assert_eq!(group["leases"][0]["end"], "released");
    assert_eq!(group["leases"][0]["runs"], 2);
    assert_eq!(group["verdicts"]["PASS"], 3);
    assert_eq!(object["report"]["runs"][1]["record"]["lease"], "retaken");
    assert_eq!(object["report"]["runs"][0]["origin"], "simulated");
}

#[test]
fn the_page_loads_nothing_runs_nothing_and_takes_words_for_words() {
    let page = html::text(&several());
    for never in [
        "<script", "http://", "https://", "src=", "href=", "url(", "@import", "onload",
    ] {
        assert!(!page.contains(never), "{never}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;gone&quot;"));
    // Each tag that is opened is closed.
    for tag in [
        "section", "details", "svg", "table", "ul", "dl", "div", "main", "body", "text",
    ] {
        let opened =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        assert!(opened > 0, "{tag}");
    }
    for words in [
        "SIMULATED",
        "checkpoint",
        "restored #7",
        "The failure really happened.",
        "The words of this page",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn a_run_that_ended_as_it_should_is_a_success_and_an_open_one_is_not() {
    let mut picked = several();
    picked.runs[0].verdict = Verdict::Fail;
    picked.runs[0].expected = Verdict::Fail;
    picked.runs[1].verdict = Verdict::Inconclusive;
    picked.runs[2].verdict = Verdict::Fail;
    let xml = junit::text(&picked);
    assert!(
        xml.contains("tests=\"3\" failures=\"1\" errors=\"1\""),
        "{xml}"
    );
    assert_eq!(xml.matches("<failure ").count(), 1);
    assert_eq!(xml.matches("<error ").count(), 1);
    assert!(!xml.contains("<script>"));
}

#[test]
fn runs_are_named_by_run_by_failure_and_as_the_last_one() {
    let all = several().runs;
    let names = |wanted: &[&str]| -> Result<Vec<String>, String> {
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        match picked(&all, &wanted) {
            Ok(runs) => Ok(runs.into_iter().map(|run| run.run).collect()),
            Err(fault) => Err(fault.code.to_string()),
        }
    };
    assert_eq!(names(&[]).unwrap().len(), 3);
    assert_eq!(names(&["jm-stop"]).unwrap().len(), 3);
    assert_eq!(
        names(&["last", "20261124-215803-jm-stop"]).unwrap(),
        ["20261124-215803-jm-stop"]
    );
    assert_eq!(names(&["jm-crash"]).unwrap_err(), "no-run");
    assert!(picked(&[], &[]).is_err());
}

#[test]
fn markdown_keeps_its_columns_whatever_a_cell_says() {
    let mut picked = several();
    picked.runs[0].statements[0].evidence = "a | b\nc".to_owned();
    let text = page::markdown(&picked);
    assert!(text.contains("a \\| b c"), "{text}");
}

/// A lab's folder may be anybody's: what it calls things, and what its pods say, is text.
#[test]
fn markdown_takes_what_others_say_for_text() {
    let mut picked = several();
    let evil = "<img src=x> [a](javascript:b) `c` \u{202e}d\u{200b}";
    picked.lab = evil.to_owned();
    for run in &mut picked.runs {
        run.failure = "e`\n```\n<b>".to_owned();
        run.record.title = evil.to_owned();
        run.record.teaches = format!("Learn `x`. {evil}");
        run.statements[0].evidence = evil.to_owned();
    }
    let text = page::markdown(&picked);
    let (before, block) = text.split_once("```").unwrap();
    let (_, after) = block.split_once("```").unwrap();
    // between backticks nothing is markup
    let harmful = format!("{before}{after}")
        .replace("\\[a\\](javascript:b)", "")
        .replace("` <b>`", "");
    for part in ["<", "](", "\u{202e}", "\u{200b}"] {
        assert!(!harmful.contains(part), "{part:?} in {text}");
    }
    assert_eq!(text.matches("```").count(), 2, "{text}");
    assert!(text.contains("Learn `x`."), "{text}");
}
