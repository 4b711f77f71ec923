//! Truthful observations that are not enough, and what looks bad and is only missing: each of these
//! was once judged wrongly. Found by the calibration of the judge, and by reading it as somebody
//! who wants a false PASS.

#![allow(clippy::unwrap_used)]

use super::story::{JOB, Story, at, crash, files, map, of, pods, pointer, rest};
use crate::*;
use flinklab_event::{Count, Event, Happening, MapChange, PodChange, RunEventKind};
use flinklab_lab::failure::{StatementName, Verdict};

fn api(link: Link) -> Event {
    let source = Source::Api;
    Event::Link { source, link }
}

fn lost(second: f64) -> Event {
    api(Link::Lost {
        since: at(second),
        why: "connection refused".into(),
    })
}

/// An answer of REST that lists no job.
fn nothing(second: f64, done: u64) -> Event {
    let Event::Flink(mut sample) = rest(second, 4, done, Some((10, 17.0))) else {
        unreachable!("an answer of REST")
    };
    sample.jobs = Ok(Vec::new());
    Event::Flink(sample)
}

/// The verdict of a statement once a run has ended.
fn ends(mut story: Story, name: StatementName) -> (Verdict, String) {
    of(&story.result(), name)
}

/// A standby is stopped and comes back; nothing else is told yet.
fn standby() -> Story {
    let mut story = Story::of("standby-stop");
    story.restarts(0.5, "jm-b");
    story
}

#[test]
fn a_watch_of_pods_that_is_lost_does_not_tell_that_nothing_restarted() {
    let mut story = standby();
    story.checkpoint(2.0, 11, None);
    story.tell(2.5, lost(1.0));
    for second in 3..70 {
        story.tell(f64::from(second), rest(f64::from(second), 4, 11, None));
    }
    let (verdict, words) = ends(story, StatementName::Restarts);
    assert_eq!(verdict, Verdict::Unknown, "{words}");
    assert!(words.contains("the watch of pods is lost"), "{words}");
}

#[test]
fn slots_of_before_are_no_slots_that_are_back() {
    let mut story = Story::of("jm-crash");
    story.restarts(3.0, "jm-a");
    // The new leader's answers leave the TaskManagers out.
    let without = |second: f64, done: u64| {
        let Event::Flink(mut sample) = rest(second, 4, done, Some((10, 17.0))) else {
            unreachable!("an answer of REST")
        };
        sample.workers = None;
        Event::Flink(sample)
    };
    story.tell(3.5, rest(3.5, 4, 10, None));
    story.tell(16.0, map("two", "10.0.0.2", 16.0));
    story.tell(20.0, pointer(11));
    story.tell(20.1, files(11));
    for second in 21..60 {
        story.tell(f64::from(second), without(f64::from(second), 11));
    }
    let (verdict, words) = ends(story, StatementName::Restarts);
    assert_eq!(verdict, Verdict::Unknown, "{words}");
    assert!(words.contains("the slots were not seen since"), "{words}");
}

#[test]
fn a_job_that_is_gone_again_after_its_recovery_is_not_there() {
    let mut story = crash();
    story.tell(20.0, pointer(11));
    story.tell(20.1, files(11));
    for second in 21..120 {
        story.tell(f64::from(second), nothing(f64::from(second), 11));
    }
    let (verdict, words) = ends(story, StatementName::SameJob);
    assert_eq!(verdict, Verdict::Fail, "{words}");
}

#[test]
fn a_leader_that_gave_its_lock_back_has_not_stayed() {
    let mut story = standby();
    story.checkpoint(2.0, 11, None);
    let Event::Map(MapChange::Cluster(mut released)) = map("one", "10.0.0.1", 2.5) else {
        unreachable!("the cluster's map")
    };
    released.lock.as_mut().unwrap().holder.clear();
    story.tell(2.6, Event::Map(MapChange::Cluster(released)));
    story.tell(3.0, rest(3.0, 4, 11, None));
    let (verdict, words) = ends(story, StatementName::Leadership);
    assert_eq!(verdict, Verdict::Unknown, "{words}");
}

#[test]
fn the_same_map_once_more_does_not_show_that_its_leader_stayed() {
    let mut story = standby();
    story.checkpoint(2.0, 11, None);
    for second in 3..14 {
        // As before the break, to the letter.
        story.tell(f64::from(second), map("one", "10.0.0.1", -1.0));
        story.tell(f64::from(second), rest(f64::from(second), 4, 11, None));
    }
    assert!(judge(&story.run, at(13.0), Origin::Real).is_none());
    let statements = story.run.so_far(at(13.0));
    let said = statements
        .iter()
        .find(|it| it.name == StatementName::Leadership);
    assert_eq!(said.unwrap().verdict, Verdict::Unknown);
}

#[test]
fn an_answer_that_knows_of_no_newer_checkpoint_does_not_show_a_job_that_ran_on() {
    let mut story = standby();
    let mut second = 2.0;
    for id in 11..40 {
        story.tell(second, pointer(id));
        story.tell(second + 0.1, files(id));
        story.tell(second + 0.2, map("one", "10.0.0.1", second));
        story.tell(second + 0.3, rest(second + 0.3, 4, 10, None));
        second += 2.0;
    }
    let result = story.result();
    for name in [
        StatementName::SameJob,
        StatementName::Restored,
        StatementName::Restarts,
    ] {
        let (verdict, words) = of(&result, name);
        assert_eq!(verdict, Verdict::Unknown, "{name:?}: {words}");
    }
}

#[test]
fn what_was_proven_not_to_be_hit_is_not_hit() {
    let mut story = crash();
    for proof in [Err("it lives on".to_owned()), Ok("it ended".to_owned())] {
        story.hand(19.0, RunEventKind::Hit(proof));
    }
    story.checkpoint(20.0, 11, Some((10, 17.0)));
    story.tell(21.0, map("two", "10.0.0.2", 21.0));
    let (verdict, _) = ends(story, StatementName::Hit);
    assert_eq!(verdict, Verdict::Fail);
}

#[test]
fn a_leader_that_took_the_lock_before_the_break_was_not_made_by_it() {
    let mut story = Story::of("jm-crash");
    story.restarts(3.0, "jm-a");
    let Event::Map(MapChange::Cluster(mut early)) = map("two", "10.0.0.2", 1.0) else {
        unreachable!("the cluster's map")
    };
    early.lock.as_mut().unwrap().renewed = at(-6.0);
    story.tell(1.0, Event::Map(MapChange::Cluster(early)));
    story.tell(3.5, rest(3.5, 4, 10, Some((10, 2.0))));
    story.checkpoint(5.0, 11, Some((10, 2.0)));
    story.tell(6.0, map("two", "10.0.0.2", 6.0));
    let (verdict, words) = ends(story, StatementName::Leadership);
    assert_eq!(verdict, Verdict::Unknown, "{words}");
}

#[test]
fn files_that_were_there_once_may_be_gone_before_the_end() {
    let mut story = Story::of("jm-freeze");
    story.tell(18.0, map("two", "10.0.0.2", 18.0));
    story.tell(20.0, rest(20.0, 4, 10, Some((10, 19.0))));
    story.checkpoint(22.0, 11, Some((10, 19.0)));
    story.undone(35.0);
    let mut second = 36.0;
    while second < 110.0 {
        story.tell(second, files(9));
        story.tell(second, rest(second, 4, 11, Some((10, 19.0))));
        story.tell(second, map("two", "10.0.0.2", second));
        second += 2.0;
    }
    let (verdict, words) = ends(story, StatementName::Pointer);
    assert_eq!(verdict, Verdict::Fail, "{words}");
}

#[test]
fn a_job_that_counted_on_from_nothing_has_not_kept_its_numbers() {
    let mut story = Story::of("pointer-lost");
    story.run.before.exact = true;
    let count = |second: f64, counted: u64, checkpointed: u64| Count {
        job: JOB.into(),
        at: at(second),
        ..Count::whole(counted, checkpointed, None)
    };
    story.run.before.count = Some(count(-0.2, 1000, 900));
    story.restarts(3.0, "jm-a");
    story.tell(16.0, map("two", "10.0.0.2", 16.0));
    // Nobody looked while there were fewer numbers than before.
    for second in 40..48 {
        let second = f64::from(second);
        story.tell(second, pointer(1));
        let Event::Flink(mut sample) = rest(second, 4, 1, None) else {
            unreachable!("an answer of REST")
        };
        sample.count = Some(Box::new(count(second - 0.1, 4000, 3900)));
        story.tell(second + 0.1, Event::Flink(sample));
        story.tell(second + 0.2, map("two", "10.0.0.2", second));
    }
    let (verdict, words) = ends(story, StatementName::Exact);
    assert_ne!(verdict, Verdict::Pass, "{words}");
}

#[test]
fn a_checkpoint_that_completes_twice_is_no_growth() {
    let mut story = crash();
    story.checkpoint(20.0, 11, Some((10, 17.0)));
    let Event::Flink(mut again) = rest(21.0, 4, 11, Some((10, 17.0))) else {
        unreachable!("an answer of REST")
    };
    let seen = again.checkpoints.as_mut().unwrap();
    seen.rows[0].triggered = Some(at(20.8));
    // As it comes, not under the stamps that the story knows.
    story.run.observe(&Happening {
        at: at(21.0),
        event: Event::Flink(again),
    });
    story.now = 21.0;
    story.tell(21.5, map("two", "10.0.0.2", 21.5));
    let (verdict, words) = ends(story, StatementName::IdsGrow);
    assert_eq!(verdict, Verdict::Fail, "{words}");
}

/// Nobody lies here, and nothing was seen that is wrong.
#[test]
fn pointers_of_a_lost_watch_are_not_held_against_newer_files() {
    let mut story = standby();
    story.checkpoint(2.0, 11, None);
    story.tell(2.5, lost(2.3));
    for second in 3..70_u32 {
        story.tell(f64::from(second), files(11 + u64::from(second)));
        story.tell(f64::from(second), rest(f64::from(second), 4, 11, None));
    }
    let (verdict, words) = ends(story, StatementName::Pointer);
    assert_ne!(verdict, Verdict::Fail, "{words}");
}

#[test]
fn a_restart_is_not_wrong_where_nobody_could_see_whether_another_epoch_began() {
    let mut story = Story::of("api-outage");
    story.tell(2.0, lost(2.0));
    story.undone(40.0);
    for second in 50..140 {
        let second = f64::from(second);
        story.tell(second, rest(second, 4, 11, Some((10, 47.0))));
    }
    let (verdict, words) = ends(story, StatementName::Restored);
    assert_eq!(verdict, Verdict::Unknown, "{words}");
}

#[test]
fn tasks_that_run_in_the_end_are_no_failure_because_nobody_saw_them_come_back() {
    let mut story = Story::of("jm-crash");
    story.restarts(3.0, "jm-a");
    story.tell(2.5, lost(2.3));
    for second in 18..100 {
        let second = f64::from(second);
        story.tell(second, rest(second, 4, 11, Some((10, 17.0))));
    }
    story.tell(100.0, Event::Pods(PodChange::Listed(pods())));
    let (verdict, words) = ends(story, StatementName::InTime);
    assert_eq!(verdict, Verdict::Unknown, "{words}");
}

#[test]
fn two_answers_that_overtake_each_other_take_no_numbers_away() {
    let mut story = crash();
    story.run.before.exact = true;
    let count = |second: f64, counted: u64| Count {
        job: JOB.into(),
        at: at(second),
        ..Count::whole(counted, counted, Some((10, 930)))
    };
    story.run.before.count = Some(Count {
        at: at(-0.2),
        ..Count::whole(1000, 900, None)
    });
    story.checkpoint(20.0, 11, Some((10, 17.0)));
    for (second, said) in [(21.0, count(20.9, 1200)), (21.1, count(20.5, 1100))] {
        let Event::Flink(mut sample) = rest(second, 4, 11, Some((10, 17.0))) else {
            unreachable!("an answer of REST")
        };
        sample.count = Some(Box::new(said));
        story.tell(second, Event::Flink(sample));
    }
    story.tell(22.0, map("two", "10.0.0.2", 22.0));
    let (verdict, words) = ends(story, StatementName::Exact);
    assert_eq!(verdict, Verdict::Pass, "{words}");
}
