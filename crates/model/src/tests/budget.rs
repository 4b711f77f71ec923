//! Recovery and proof judged apart: runs told second by second on jobs whose checkpoints come every
//! minute, every ten minutes, or never.

#![allow(clippy::unwrap_used)]

use super::story::{Story, at, crash, map, of, pods, rest};
use crate::*;
use flinklab_event::Event;
use flinklab_lab::Checkpointing;
use flinklab_lab::failure::{StatementName, Verdict, find};

const MINUTE: u64 = 60_000;

fn every(interval_ms: u64) -> Option<Checkpointing> {
    Some(Checkpointing {
        interval_ms: Some(interval_ms),
        min_pause_ms: 500,
        timeout_ms: 600_000,
    })
}

/// A run of that failure on a job with such checkpoints.
fn on(key: &str, checkpointing: Option<Checkpointing>) -> Story {
    let mut story = match key {
        "jm-crash" => crash(),
        key => Story::of(key),
    };
    story.run.before.checkpointing = checkpointing;
    story
}

/// An answer of REST that shows no checkpoint but the one of before the break.
fn seen(second: f64, running: u32, restored: Option<(u64, f64)>) -> Event {
    let Event::Flink(mut sample) = rest(second, running, 10, restored) else {
        panic!("it is an answer of REST")
    };
    for row in &mut sample.checkpoints.as_mut().unwrap().rows {
        (row.triggered, row.acknowledged) = (Some(at(-2.1)), Some(at(-2.0)));
    }
    Event::Flink(sample)
}

/// What is waited for at a second, in words.
pub(super) fn waits(story: &Story, second: f64) -> String {
    let wait = story.run.awaits(at(second));
    let clock = |at: Timestamp| at.strftime("%H:%M:%S").to_string();
    wait.map_or_else(String::new, |wait| wait.words(clock))
}

/// Every 5 s the leader renews its lease, and REST shows a job that runs.
fn runs_on(story: &mut Story, epoch: &str, until: f64, restored: Option<(u64, f64)>) {
    let host = if epoch == "one" {
        "10.0.0.1"
    } else {
        "10.0.0.2"
    };
    while story.now + 5.0 < until {
        let second = story.now + 5.0;
        story.tell(second, map(epoch, host, second));
        story.tell(second, seen(second, 4, restored));
    }
}

/// A standby is stopped; nothing happens to the job, and the next checkpoint comes then.
fn standby_stop(checkpointing: Option<Checkpointing>, next: f64) -> Story {
    let mut story = on("standby-stop", checkpointing);
    story.tell(0.5, seen(0.5, 4, None));
    story.restarts(3.0, "jm-b");
    runs_on(&mut story, "one", next, None);
    story.checkpoint(next, 11, None);
    story.tell(next + 1.0, map("one", "10.0.0.1", next + 1.0));
    story
}

#[test]
fn nothing_happened_to_a_job_whose_next_checkpoint_is_due_later_than_the_budget() {
    for (interval, next, words) in [
        (MINUTE, 51.7, "after 51.7 s (every 60 s)"),
        (10 * MINUTE, 590.0, "after 590.0 s (every 10 min)"),
    ] {
        let result = standby_stop(every(interval), next).result();
        let (verdict, said) = of(&result, StatementName::InTime);
        assert_eq!(verdict, Verdict::Pass, "{said}");
        assert!(
            said.contains("all tasks ran on") && said.contains(words),
            "{said}"
        );
        assert_eq!(result.verdict, Verdict::Pass, "{:#?}", result.statements);
        assert_eq!(result.record.checkpointing, every(interval));
    }
}

/// Where nobody told the interval, as in old recordings, the budget is all there is.
#[test]
fn without_an_interval_the_next_checkpoint_is_held_against_the_budget() {
    let result = standby_stop(None, 51.7).result();
    let (verdict, said) = of(&result, StatementName::InTime);
    assert_eq!(verdict, Verdict::Fail, "{said}");
    assert!(
        said.contains("the next checkpoint after 51.7 s, budget 30 s"),
        "{said}"
    );
}

#[test]
fn a_job_that_fell_is_no_control_experiment_however_long_the_interval_is() {
    let mut story = on("standby-stop", every(10 * MINUTE));
    story.tell(0.5, seen(0.5, 4, None));
    story.restarts(3.0, "jm-b");
    story.tell(10.0, seen(10.0, 2, None));
    runs_on(&mut story, "one", 590.0, None);
    story.checkpoint(590.0, 11, None);
    let result = story.tell(591.0, map("one", "10.0.0.1", 591.0)).result();
    assert_eq!(of(&result, StatementName::Restored).0, Verdict::Fail);
    assert_eq!(result.verdict, Verdict::Fail);
}

/// What nobody saw within the budget is not judged by what is seen minutes later.
#[test]
fn a_silent_rest_proves_nothing_about_the_budget() {
    let mut story = on("standby-stop", every(10 * MINUTE));
    story.restarts(3.0, "jm-b");
    story.leads("one", "10.0.0.1", 5.0, 400.0);
    story.tell(400.0, seen(400.0, 4, None));
    runs_on(&mut story, "one", 590.0, None);
    story.checkpoint(590.0, 11, None);
    let result = story.tell(591.0, map("one", "10.0.0.1", 591.0)).result();
    let (verdict, said) = of(&result, StatementName::InTime);
    assert_eq!(verdict, Verdict::Unknown, "{said}");
    assert!(said.contains("REST was silent"), "{said}");
    assert_eq!(result.verdict, Verdict::Inconclusive);
}

#[test]
fn a_recovery_is_held_against_the_budget_and_its_proof_against_the_interval() {
    let restored = Some((10, 17.0));
    for (interval, next) in [(MINUTE, 80.0), (10 * MINUTE, 610.0)] {
        let mut story = on("jm-crash", every(interval));
        runs_on(&mut story, "two", next, restored);
        story.checkpoint(next, 11, restored);
        let end = next + 1.0;
        let result = story.tell(end, map("two", "10.0.0.2", end)).result();
        let (verdict, said) = of(&result, StatementName::InTime);
        assert_eq!(verdict, Verdict::Pass, "{said}");
        assert!(
            said.contains("all tasks after 18.0 s, budget 60 s"),
            "{said}"
        );
        assert_eq!(result.verdict, Verdict::Pass, "{:#?}", result.statements);
        assert_eq!(result.recovery_ms, Some(18_000));
    }
}

#[test]
fn a_late_recovery_fails_although_its_checkpoint_is_in_time() {
    let mut story = Story::of("jm-crash");
    story.run.before.checkpointing = every(MINUTE);
    story.restarts(3.0, "jm-a");
    story.tell(16.0, map("two", "10.0.0.2", 16.0));
    let mut second = 20.0;
    while second < 70.0 {
        story.tell(second, map("two", "10.0.0.2", second));
        story.tell(second, seen(second, 0, None));
        second += 5.0;
    }
    let restored = Some((10, 71.0));
    story.tell(72.0, seen(72.0, 4, restored));
    runs_on(&mut story, "two", 110.0, restored);
    story.checkpoint(110.0, 11, restored);
    let result = story.tell(111.0, map("two", "10.0.0.2", 111.0)).result();
    let (verdict, said) = of(&result, StatementName::InTime);
    assert_eq!(verdict, Verdict::Fail, "{said}");
    assert!(
        said.contains("all tasks after 72.0 s, budget 60 s"),
        "{said}"
    );
}

/// All tasks run, but no checkpoint completes for longer than Flink's own settings allow.
#[test]
fn a_proof_that_never_comes_is_a_fail_once_it_is_overdue() {
    let restored = Some((10, 17.0));
    let mut story = on("jm-crash", every(MINUTE));
    // 18 s, and an interval, a pause and a timeout from there
    let due = 18.0 + 660.5;
    runs_on(&mut story, "two", due, restored);
    assert!(judge(&story.run, at(story.now), Origin::Recorded).is_none());
    runs_on(&mut story, "two", due + 20.0, restored);
    let result = story.result();
    let (verdict, said) = of(&result, StatementName::InTime);
    assert_eq!(verdict, Verdict::Fail, "{said}");
    assert!(
        said.contains("no checkpoint completed after that"),
        "{said}"
    );
    assert!(said.contains("every 60 s"), "{said}");
}

/// What the job does not do any more is not waited for.
#[test]
fn a_job_that_does_not_come_back_is_judged_by_its_budget() {
    let mut story = Story::of("jm-crash");
    story.run.before.checkpointing = every(10 * MINUTE);
    story.restarts(3.0, "jm-a");
    story.tell(16.0, map("two", "10.0.0.2", 16.0));
    let mut second = 20.0;
    while second < 91.0 {
        story.tell(second, seen(second, 0, None));
        second += 5.0;
    }
    let result = story.result();
    assert!(story.now < 100.0, "{}", story.now);
    let (verdict, said) = of(&result, StatementName::InTime);
    assert_eq!(verdict, Verdict::Fail, "{said}");
}

#[test]
fn a_wait_says_for_what_and_until_when() {
    let mut story = on("standby-stop", every(10 * MINUTE));
    assert_eq!(waits(&story, 0.2), "", "REST has not been seen yet");
    story.tell(0.5, seen(0.5, 4, None));
    assert_eq!(
        waits(&story, 0.6),
        "waiting for the next checkpoint: every 10 min, by 22:20:00 at the latest"
    );
    // Every 2 s a checkpoint is due at once, and only one that does not come is told.
    let mut usual = on("standby-stop", every(2_000));
    usual.tell(0.5, seen(0.5, 4, None));
    assert_eq!(waits(&usual, 0.6), "");
    usual.tell(6.0, seen(6.0, 4, None));
    assert!(waits(&usual, 6.1).contains("every 2 s"));
    usual.checkpoint(7.0, 11, None);
    assert_eq!(waits(&usual, 7.5), "");
}

/// Witnesses of a late checkpoint have time to tell of it.
#[test]
fn a_run_does_not_end_with_the_first_word_of_its_checkpoint() {
    let mut story = on("standby-stop", every(10 * MINUTE));
    story.tell(0.5, seen(0.5, 4, None));
    story.restarts(3.0, "jm-b");
    runs_on(&mut story, "one", 590.0, None);
    story.tell(590.0, super::story::pointer(11));
    assert!(judge(&story.run, at(590.1), Origin::Recorded).is_none());
    assert!(story.run.deadline() >= at(600.0));
}

#[test]
fn where_no_checkpoint_is_taken_the_run_says_so() {
    let off = every(MINUTE).map(|it| Checkpointing {
        interval_ms: None,
        ..it
    });
    let mut story = on("jm-crash", off);
    runs_on(&mut story, "two", 100.0, Some((10, 17.0)));
    let result = story.result();
    assert!(story.now < 100.0, "{}", story.now);
    let (verdict, said) = of(&result, StatementName::InTime);
    assert_eq!(verdict, Verdict::Unknown, "{said}");
    assert!(said.contains("checkpointing is off"), "{said}");
    assert_eq!(result.verdict, Verdict::Inconclusive);
}

/// The folder was read-only for 20 s, and no checkpoint was due in them.
#[test]
fn a_failure_that_no_checkpoint_met_proves_nothing() {
    let unwritable = |failed: bool| {
        let failure = find("checkpoint-unwritable").unwrap().clone();
        let mut story = Story::of_pods(failure, pods());
        story.run.before.checkpointing = every(10 * MINUTE);
        story.tell(0.5, seen(0.5, 4, None));
        runs_on(&mut story, "one", 20.0, None);
        if failed {
            story.tell(19.0, failing(seen(19.0, 4, None)));
        }
        story.undone(20.0);
        runs_on(&mut story, "one", 400.0, None);
        story.checkpoint(400.0, 12, None);
        story.tell(401.0, map("one", "10.0.0.1", 401.0));
        story
    };
    let result = unwritable(false).result();
    assert_eq!(result.verdict, Verdict::Inconclusive);
    let (verdict, said) = of(&result, StatementName::InTime);
    assert_eq!(verdict, Verdict::Unknown, "{said}");
    assert!(
        said.contains("no checkpoint failed while it was applied"),
        "{said}"
    );
    assert!(said.contains("every 10 min"), "{said}");
    let result = unwritable(true).result();
    assert_eq!(result.verdict, Verdict::Pass, "{:#?}", result.statements);
}

/// The same answer of a leader that has counted one failed checkpoint.
fn failing(event: Event) -> Event {
    let Event::Flink(mut sample) = event else {
        panic!("it is an answer of REST")
    };
    sample.checkpoints.as_mut().unwrap().failed = 1;
    Event::Flink(sample)
}

#[test]
fn what_is_aimed_lasts_until_a_checkpoint_was_due() {
    let failure = find("checkpoint-unwritable").unwrap();
    let lasts = |checkpointing| {
        let mut model = Model::default();
        model.job.checkpointing = checkpointing;
        model.aim(failure).failure.lasts.unwrap().0
    };
    assert_eq!(lasts(None), 20);
    assert_eq!(lasts(every(2_000)), 20);
    assert_eq!(lasts(every(MINUTE)), 70);
    assert_eq!(lasts(every(10 * MINUTE)), 20);
}

#[test]
fn the_gate_knows_how_often_checkpoints_come() {
    let mut model = Model::default();
    model.job.checkpointing = every(10 * MINUTE);
    let against = model.against().join("; ");
    assert!(against.contains("one is due every 10 min"), "{against}");
    model.job.checkpointing = every(MINUTE).map(|it| Checkpointing {
        interval_ms: None,
        ..it
    });
    let against = model.against().join("; ");
    assert!(against.contains("checkpointing is off"), "{against}");
}
