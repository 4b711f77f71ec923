//! Runs on a cluster that brings its job along: where it loses it, it begins another one.

use super::*;

const OTHER: &str = "cafe0123456789abcdef0123456789ab";

/// An answer of REST that lists another job than ours, followed and with all tasks running.
fn another(second: f64, restored: Option<(u64, f64)>) -> Event {
    let Event::Flink(mut sample) = rest(second, 4, 3, restored) else {
        unreachable!("an answer of REST");
    };
    if let Ok(jobs) = &mut sample.jobs {
        jobs[0].id = OTHER.into();
    }
    if let Some(told) = &mut sample.checkpoints {
        told.job = OTHER.into();
    }
    Event::Flink(sample)
}

/// A leader is killed, and the next one starts another job.
fn replaced(restored: Option<(u64, f64)>) -> RunResult {
    let mut story = Story::of("jm-crash");
    let gone = RunEventKind::Gone {
        at: at(0.05),
        observer: "runtime".into(),
        resolution_ms: 1,
    };
    story.hand(0.2, gone);
    story.restarts(3.0, "jm-a");
    story.tell(16.0, map("two", "10.0.0.2", 16.0));
    let mut second = 18.0;
    while second < 120.0 {
        story.tell(second, another(second, restored));
        story.tell(second + 0.5, map("two", "10.0.0.2", second));
        second += 2.0;
    }
    story.result()
}

#[test]
fn a_job_begun_anew_from_nothing_under_another_id_is_not_the_same_job() {
    let result = replaced(None);
    let (verdict, words) = of(&result, StatementName::SameJob);
    assert_eq!(verdict, Verdict::Fail, "{words}");
    assert_eq!(
        words,
        "job fef4a397 is gone; it was begun anew from nothing, under another id: cafe0123"
    );
    let (verdict, words) = of(&result, StatementName::Restored);
    assert_eq!(verdict, Verdict::Fail, "{words}");
    assert_eq!(result.verdict, Verdict::Fail);
}

#[test]
fn what_another_job_was_begun_from_is_said() {
    let result = replaced(Some((10, 17.0)));
    let (verdict, words) = of(&result, StatementName::SameJob);
    assert_eq!(verdict, Verdict::Fail, "{words}");
    assert!(
        words.ends_with("under another id, cafe0123, from checkpoint 10"),
        "{words}"
    );
}

/// Another job beside ours is no successor, and one that was there for a moment neither.
#[test]
fn a_job_that_comes_back_is_the_same_whatever_ran_in_between() {
    let mut story = crash();
    story.tell(18.3, another(18.3, None));
    let result = story
        .checkpoint(20.0, 11, Some((10, 17.0)))
        .tell(21.0, map("two", "10.0.0.2", 21.0))
        .result();
    let (verdict, words) = of(&result, StatementName::SameJob);
    assert_eq!(verdict, Verdict::Pass, "{words}");
}
