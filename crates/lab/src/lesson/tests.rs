//! Lessons: those that are built in are sound, and mistakes are shown where they were written.
#![allow(clippy::unwrap_used)]

use super::*;

const SOUND: &str = "title: A lesson
see: Something.
minutes: 2
steps:
  - title: Break it
    text: It breaks.
    break: jm-crash
    check: {verdict: PASS, passes: [hit, restored]}
    hint: Look.
";

fn mistake(from: &str, to: &str) -> (usize, usize, String) {
    assert!(SOUND.contains(from), "{from}");
    let failures = vec!["jm-crash".to_owned(), "tm-crash".to_owned()];
    let names = Names {
        failures: &failures,
    };
    let wrong = read("1-x.yaml", &SOUND.replacen(from, to, 1), &names).unwrap_err();
    (
        wrong.at.line,
        wrong.at.column,
        format!(
            "{} {}",
            wrong.what,
            flinklab_base::advice::Invocation::default().advise(&wrong.hint)
        ),
    )
}

#[test]
fn every_built_in_lab_has_the_defaults_seven_and_then_its_own() {
    for lab in crate::built_in_names() {
        let all = lessons(&Lab::open(lab).unwrap(), lab).unwrap();
        let own: Vec<&str> = all.iter().skip(7).map(|one| one.key.as_str()).collect();
        let expected: &[&str] = match lab {
            "fast-failover" => &["8-fast-failover"],
            "application" => &["8-application"],
            "three-nodes" => &["8-node"],
            _ => &[],
        };
        assert_eq!(own, expected, "{lab}");
        for lesson in &all {
            assert!(
                lesson.steps.iter().all(|step| !step.say.is_empty()),
                "{}",
                lesson.key
            );
            assert!(
                lesson.steps.iter().any(|step| !step.check.is_empty()),
                "{}",
                lesson.key
            );
        }
    }
    let all = lessons(&Lab::open("default").unwrap(), "default").unwrap();
    assert!(all[2].is_meant("3") && all[2].is_meant("checkpoint") && !all[2].is_meant("lease"));
}

#[test]
fn a_mistake_is_shown_where_it_was_written() {
    let (line, column, what) = mistake("jm-crash", "jm-crush");
    assert_eq!((line, column), (7, 12), "{what}");
    assert!(what.contains("Did you mean `jm-crash`?"), "{what}");
    let (line, _, what) = mistake("verdict", "verdikt");
    assert_eq!(line, 8, "{what}");
    assert!(what.contains("Did you mean `verdict`?"), "{what}");
    let (line, _, what) = mistake("PASS", "PASSED");
    assert_eq!(line, 8, "{what}");
    let (line, _, what) = mistake("minutes: 2", "minutes: soon");
    assert_eq!(line, 3, "{what}");
    let (line, _, what) = mistake("    hint: Look.\n", "");
    assert_eq!(line, 8, "{what}");
    let (line, _, what) = mistake(
        "    text: It breaks.",
        "    text: It breaks.\n    key: histery",
    );
    assert_eq!(line, 7, "{what}");
    assert!(what.contains("Did you mean `history`?"), "{what}");
    let (_, _, what) = mistake("    break: jm-crash", "    job: stop");
    assert!(what.contains("Only a step with `break`"), "{what}");
}

/// What the lesson says of the default lab was measured: it is what the recorded real runs say.
#[test]
fn the_lesson_on_fast_failover_tells_what_was_recorded_of_the_default_lab() {
    let recorded = include_str!("../../../../tests/fixtures/phases.json");
    let recorded: serde_json::Value = serde_json::from_str(recorded).unwrap();
    let led = recorded["jm-crash"]["new-epoch"].as_array().unwrap();
    let seconds = |ms: &serde_json::Value| ms.as_f64().unwrap() / 1e3;
    let (first, last) = (led.first().unwrap(), led.last().unwrap());
    let words = format!(
        "{:.1} to {:.0} s until somebody led again, in {} runs",
        seconds(first),
        seconds(last),
        led.len()
    );
    let all = lessons(&Lab::open("fast-failover").unwrap(), "fast-failover");
    let all = all.unwrap();
    let said = &all[7].steps[1].say;
    assert!(said.contains(&words), "{words}\n{said}");
}
