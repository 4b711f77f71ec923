//! Runs of a lab whose job can prove that its state is exact: what must have been counted, and what
//! is consistent with itself and yet lost.

#![allow(clippy::unwrap_used)]

use super::story::{JOB, Story, at, crash, map, of, rest};
use crate::*;
use flinklab_event::{Count, Event};
use flinklab_lab::failure::{StatementName, Verdict};

/// What the job said at a moment: counted, of them in a checkpoint, and from where it began.
fn count(second: f64, counted: u64, checkpointed: u64, from: Option<(u64, u64)>) -> Count {
    Count {
        job: JOB.into(),
        at: at(second),
        ..Count::whole(counted, checkpointed, from)
    }
}

/// A crash in such a lab: 1000 numbers counted before it, 900 of them in checkpoint 10.
fn begun() -> Story {
    let mut story = crash();
    story.run.before.exact = true;
    story.run.before.count = Some(count(-0.2, 1000, 900, None));
    story
}

/// The leader's answer at a moment, with what the job said a moment earlier.
fn says(story: &mut Story, second: f64, done: u64, said: Count) {
    let Event::Flink(mut sample) = rest(second, 4, done, Some((10, 17.0))) else {
        unreachable!("an answer of REST")
    };
    sample.count = Some(Box::new(said));
    story.tell(second, Event::Flink(sample));
}

fn ended(story: &mut Story) -> (RunResult, Verdict, String) {
    let now = story.now;
    let result = story.leads("two", "10.0.0.2", now + 0.1, 95.0).result();
    let (verdict, words) = of(&result, StatementName::Exact);
    (result, verdict, words)
}

#[test]
fn every_number_counted_once_and_all_of_before_reached_again_is_pass() {
    let mut story = begun();
    says(&mut story, 18.5, 10, count(18.3, 960, 930, Some((10, 930))));
    story.checkpoint(20.0, 11, Some((10, 17.0)));
    // It was over before the job had reached again what it had counted.
    says(&mut story, 20.5, 11, count(20.4, 990, 980, Some((10, 930))));
    let early = story.run.so_far(at(20.5));
    let exact = early.iter().find(|it| it.name == StatementName::Exact);
    assert_eq!(exact.unwrap().verdict, Verdict::Unknown);
    assert!(judge(&story.run, at(20.6), Origin::Real).is_none());
    says(
        &mut story,
        21.0,
        11,
        count(20.9, 1040, 980, Some((10, 930))),
    );
    let (result, verdict, words) = ended(&mut story);
    assert_eq!(verdict, Verdict::Pass, "{words}");
    assert_eq!(
        words,
        "1040 numbers counted, each once: no gap, no duplicate; at least 1000 before the break, 930 \
         came back with checkpoint 10"
    );
    assert_eq!(result.verdict, Verdict::Pass, "{:#?}", result.statements);
}

#[test]
fn a_state_that_is_whole_in_itself_but_began_again_at_0_is_fail() {
    let mut story = begun();
    says(&mut story, 18.5, 10, count(18.3, 40, 0, None));
    story.checkpoint(20.0, 11, Some((10, 17.0)));
    says(&mut story, 21.0, 11, count(20.9, 300, 200, None));
    let (result, verdict, words) = ended(&mut story);
    assert_eq!(verdict, Verdict::Fail);
    assert!(words.contains("from nothing with 0 numbers"), "{words}");
    assert!(
        words.contains("held 900; at least 1000 had been"),
        "{words}"
    );
    assert_eq!(result.verdict, Verdict::Fail);
}

#[test]
fn a_gap_and_a_duplicate_are_fail() {
    for (gaps, duplicates) in [(1, 0), (0, 2)] {
        let mut story = begun();
        story.checkpoint(20.0, 11, Some((10, 17.0)));
        let wrong = Count {
            gaps,
            duplicates,
            ..count(20.9, 1040, 980, Some((10, 930)))
        };
        says(&mut story, 21.0, 11, wrong);
        let (_, verdict, words) = ended(&mut story);
        assert_eq!(verdict, Verdict::Fail, "{words}");
        assert!(words.contains(&format!("{gaps} number")), "{words}");
    }
}

#[test]
fn what_was_wrong_before_the_break_proves_nothing_about_it() {
    let mut story = begun();
    let gap = |count: Count| Count { gaps: 3, ..count };
    story.run.before.count = Some(gap(count(-0.2, 1000, 900, None)));
    story.checkpoint(20.0, 11, Some((10, 17.0)));
    let after = gap(count(20.9, 1040, 980, Some((10, 930))));
    says(&mut story, 21.0, 11, after);
    let (_, verdict, words) = ended(&mut story);
    assert_eq!(verdict, Verdict::Unknown);
    assert!(words.contains("before the break already"), "{words}");
}

#[test]
fn what_was_not_seen_is_unknown() {
    // Nothing before, nothing after, not of every key, not up to where it had been.
    let after = || count(20.9, 1040, 980, Some((10, 930)));
    let some_keys = Count {
        keys: (31, 32),
        ..after()
    };
    let short = Count {
        counted: 980,
        held: 980,
        due: 980,
        ..after()
    };
    for (before, after) in [
        (false, Some(after())),
        (true, None),
        (true, Some(some_keys)),
        (true, Some(short)),
    ] {
        let mut story = begun();
        if !before {
            story.run.before.count = None;
        }
        story.checkpoint(20.0, 11, Some((10, 17.0)));
        if let Some(after) = after {
            says(&mut story, 21.0, 11, after);
        }
        let (result, verdict, words) = ended(&mut story);
        assert_eq!(verdict, Verdict::Unknown, "{words}");
        assert_eq!(result.verdict, Verdict::Inconclusive, "{words}");
    }
}

#[test]
fn what_tasks_said_before_the_break_proves_nothing_about_it() {
    let mut story = begun();
    story.checkpoint(20.0, 11, Some((10, 17.0)));
    // A JobManager tells again what it heard last.
    says(&mut story, 21.0, 11, count(-0.1, 1010, 900, None));
    let (_, verdict, words) = ended(&mut story);
    assert_eq!(verdict, Verdict::Unknown, "{words}");
}

#[test]
fn a_lab_whose_job_cannot_prove_it_has_no_such_statement() {
    let mut story = crash();
    story.checkpoint(20.0, 11, Some((10, 17.0)));
    let leads = story.now + 0.1;
    let result = story.tell(leads, map("two", "10.0.0.2", leads)).result();
    assert_eq!(result.statements.len(), 9);
    assert_eq!(result.verdict, Verdict::Pass, "{:#?}", result.statements);
}
