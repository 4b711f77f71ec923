//! A course on labs made of events: what holds, what misses and when, and what keys do.
#![allow(clippy::unwrap_used)]

use super::*;
use flinklab_base::fault::Fault;
use flinklab_event::{
    Checkpoint, CheckpointStatus, CheckpointsSample, ClusterMap, Effect, Event, FlinkSample,
    HaData, Happening, JobDone, JobTold, JobsSeen, Key, KeyCode, KnownJob, LeaderKey, Lock,
    MapChange, Via,
};
use flinklab_event::{JobAct, JobOrder};
use flinklab_lab::{Check, Deed, Lesson};
use jiff::Timestamp;
use std::collections::BTreeMap;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + seconds).unwrap()
}

fn step(check: Check) -> LessonStep {
    LessonStep {
        title: "A step".to_owned(),
        text: "It says something.".into(),
        panel: Sight::Leader,
        key: None,
        breaks: None,
        job: None,
        compare: Vec::new(),
        watch: String::new(),
        check,
        hint: "Look again.".into(),
        say: String::new(),
        within: None,
    }
}

fn lesson(steps: Vec<LessonStep>) -> Lesson {
    Lesson {
        key: "1-a".to_owned(),
        title: "A lesson".to_owned(),
        see: "Something.".to_owned(),
        minutes: 1,
        steps,
    }
}

fn happens(ui: &mut Ui, seconds: i64, event: Event) -> Vec<Effect> {
    ui.update(&Happening {
        at: at(seconds),
        event,
    })
}

fn key(ui: &mut Ui, seconds: i64, code: KeyCode) -> Vec<Effect> {
    happens(ui, seconds, Event::Key(Key { code, ctrl: false }))
}

fn lease(ui: &mut Ui, seconds: i64, epoch: &str) {
    let lock = Lock {
        holder: epoch.to_owned(),
        seconds: 15.0,
        acquired: at(0),
        renewed: at(seconds),
        transitions: 0,
    };
    let leader = LeaderKey {
        epoch: epoch.to_owned(),
        address: String::new(),
        host: "10.0.0.1".to_owned(),
    };
    let map = ClusterMap {
        lock: Some(lock),
        leaders: [("dispatcher".to_owned(), leader)].into(),
        ..ClusterMap::default()
    };
    happens(ui, seconds, Event::Map(MapChange::Cluster(map)));
}

fn checkpoint(ui: &mut Ui, seconds: i64, id: u64) {
    let row = Checkpoint {
        id,
        status: CheckpointStatus::Completed,
        triggered: Some(at(seconds)),
        acknowledged: Some(at(seconds)),
        duration_ms: None,
        size: None,
        savepoint: false,
        path: None,
    };
    let sample = FlinkSample {
        via: Via::PodProxy,
        pod: None,
        asked: at(seconds),
        took_ms: 1,
        jobs: Ok(Vec::new()),
        checkpoints: Some(CheckpointsSample {
            job: "j".to_owned(),
            rows: vec![row],
            completed: Some(id),
            ..CheckpointsSample::default()
        }),
        count: None,
        workers: None,
    };
    happens(ui, seconds, Event::Flink(sample));
}

/// A lab in which a lesson of these steps was begun at second 10.
fn begun(steps: Vec<LessonStep>) -> Ui {
    let mut ui = Ui::default();
    lease(&mut ui, 5, "one");
    checkpoint(&mut ui, 6, 3);
    let all = vec![lesson(steps)];
    happens(
        &mut ui,
        9,
        Event::Lessons {
            all,
            wrong: None,
            kept: BTreeMap::new(),
        },
    );
    key(&mut ui, 10, KeyCode::Char('L'));
    assert_eq!(ui.screen.page, Page::Lesson);
    let effects = key(&mut ui, 10, KeyCode::Enter);
    // nothing was done yet that could be kept
    let keeps = |effect: &Effect| matches!(effect, Effect::KeepLesson { .. });
    assert!(!effects.iter().any(keeps), "{effects:?}");
    ui
}

fn lesson_run(ui: &Ui) -> &LessonRun {
    ui.pages.lesson.run.as_ref().unwrap()
}

#[test]
fn only_what_is_seen_since_the_step_began_counts_and_what_held_stays() {
    let check = Check {
        renewals: Some(2),
        checkpoints: Some(1),
        ..Check::default()
    };
    let mut ui = begun(vec![step(check)]);
    assert_eq!(lesson_run(&ui).is, Is::Waits);
    lease(&mut ui, 11, "one");
    checkpoint(&mut ui, 12, 4);
    assert_eq!(lesson_run(&ui).is, Is::Waits, "{:?}", lesson_run(&ui).told);
    lease(&mut ui, 16, "one");
    assert_eq!(lesson_run(&ui).is, Is::Holds, "{:?}", lesson_run(&ui).told);
    happens(&mut ui, 600, Event::Tick);
    assert_eq!(lesson_run(&ui).is, Is::Holds);
}

#[test]
fn another_epoch_is_seen_at_once_and_silence_only_when_the_time_is_over() {
    let stays = Check {
        leadership: Some(flinklab_lab::failure::Leadership::Stays),
        checkpoints: Some(9),
        ..Check::default()
    };
    let mut ui = begun(vec![step(stays.clone())]);
    lease(&mut ui, 12, "two");
    assert_eq!(lesson_run(&ui).is, Is::Misses);
    // the step again, under the epoch that is there now
    key(&mut ui, 13, KeyCode::Char('a'));
    happens(&mut ui, 14, Event::Tick);
    assert_eq!(lesson_run(&ui).is, Is::Waits);
    happens(&mut ui, 72, Event::Tick);
    assert_eq!(lesson_run(&ui).is, Is::Waits);
    happens(&mut ui, 75, Event::Tick);
    assert_eq!(
        lesson_run(&ui).is,
        Is::Misses,
        "a minute without a checkpoint"
    );
    assert!(lesson_run(&ui).told.iter().any(|told| told.seen.is_none()));
}

#[test]
fn a_step_that_does_something_has_all_the_time_until_it_does() {
    let mut ui = begun(vec![LessonStep {
        job: Some(Deed::Stop),
        ..step(Check {
            done: Some(true),
            ha: Some(flinklab_lab::There::Gone),
            ..Check::default()
        })
    }]);
    happens(&mut ui, 900, Event::Tick);
    assert_eq!(lesson_run(&ui).is, Is::Waits);
    // nobody knows what runs: it is not done
    assert_eq!(key(&mut ui, 901, KeyCode::Enter), vec![]);
    assert_eq!(lesson_run(&ui).asked, None);
    let job = KnownJob {
        id: "j".to_owned(),
        when: at(0),
        from: None,
        state: Some("RUNNING".to_owned()),
    };
    let seen = JobsSeen {
        current: Some("j".to_owned()),
        jobs: vec![job],
        ..JobsSeen::default()
    };
    happens(&mut ui, 902, Event::Jobs(Box::new(seen)));
    assert_eq!(
        key(&mut ui, 903, KeyCode::Enter),
        vec![],
        "it is asked first"
    );
    assert!(lesson_run(&ui).asked.is_some());
    key(&mut ui, 903, KeyCode::Esc);
    assert!(lesson_run(&ui).asked.is_none(), "and can be taken back");
    assert_eq!(ui.screen.page, Page::Lesson);
    key(&mut ui, 904, KeyCode::Enter);
    let order = JobOrder {
        act: JobAct::Stop,
        from: None,
    };
    let done = key(&mut ui, 905, KeyCode::Enter);
    assert_eq!(done.first(), Some(&Effect::Job(order.clone())));
    happens(&mut ui, 906, Event::Job(JobTold::Begun(order.clone())));
    let done = JobDone {
        order,
        job: "j".to_owned(),
        state: "FINISHED".to_owned(),
        savepoint: None,
        restored: None,
        seconds: 1.0,
        before: HaData::default(),
        after: HaData::default(),
    };
    happens(&mut ui, 907, Event::Job(JobTold::Done(Box::new(done))));
    assert_eq!(lesson_run(&ui).is, Is::Holds, "{:?}", lesson_run(&ui).told);
}

#[test]
fn what_is_refused_misses_at_once_with_the_reason() {
    let mut ui = begun(vec![LessonStep {
        job: Some(Deed::Cancel),
        ..step(Check {
            done: Some(true),
            ..Check::default()
        })
    }]);
    let fault = Fault::unable("x", "Flink refuses it.").why("no slots");
    happens(&mut ui, 12, Event::Job(JobTold::Refused(fault)));
    assert_eq!(lesson_run(&ui).is, Is::Misses);
    assert_eq!(
        lesson_run(&ui).refused.as_deref(),
        Some("Flink refuses it. no slots")
    );
}

#[test]
fn how_far_a_lesson_is_is_kept_and_gone_on_with() {
    let mut ui = begun(vec![step(Check::default()), step(Check::default())]);
    assert_eq!(lesson_run(&ui).is, Is::Reads);
    let kept = key(&mut ui, 11, KeyCode::Char('n'));
    let second = Kept {
        step: 1,
        done: false,
    };
    assert!(
        kept.contains(&Effect::KeepLesson {
            key: "1-a".to_owned(),
            kept: second
        }),
        "{kept:?}"
    );
    // the last step is read: the lesson was gone through
    assert!(ui.model.lessons.kept["1-a"].done);
    key(&mut ui, 12, KeyCode::Char('b'));
    assert_eq!(lesson_run(&ui).step, 0);
    key(&mut ui, 13, KeyCode::Char('n'));
    let over = key(&mut ui, 14, KeyCode::Char('n'));
    let end = Kept {
        step: 0,
        done: true,
    };
    assert_eq!(
        over,
        vec![Effect::KeepLesson {
            key: "1-a".to_owned(),
            kept: end
        }]
    );
    assert_eq!(ui.pages.lesson.run, None, "the list of lessons again");
}

/// A lesson that is asked for by its name before the lab is seen, with what was kept of it.
fn wanted(from: u8, steps: usize, before: Kept) -> (Ui, Vec<Effect>) {
    let mut ui = Ui::default();
    ui.pages.lesson.wanted = Some(("1-a".to_owned(), from));
    let facts = serde_json::json!({
        "name": "t", "definition": "default", "id": "x", "origin": "real", "ui": null,
        "kubeconfig": "/k", "job": null, "mount": "/m", "namespace": "flink", "calm_ms": 1000,
    });
    ui.model.lab = serde_json::from_value(facts).unwrap();
    let lessons = Event::Lessons {
        all: vec![lesson(vec![step(Check::default()); steps])],
        wrong: None,
        kept: [("1-a".to_owned(), before)].into(),
    };
    let mut effects = happens(&mut ui, 9, lessons);
    effects.extend(happens(&mut ui, 10, Event::Tick));
    (ui, effects)
}

#[test]
fn the_step_that_was_asked_for_is_shown_though_the_lesson_was_gone_through() {
    let through = Kept {
        step: 0,
        done: true,
    };
    for (from, shown) in [(3, 2), (2, 1), (1, 0)] {
        let (ui, _) = wanted(from, 3, through);
        assert_eq!(lesson_run(&ui).step, shown, "--from {from}");
    }
    let left = Kept {
        step: 1,
        done: false,
    };
    assert_eq!(
        lesson_run(&wanted(0, 3, left).0).step,
        1,
        "where it was left"
    );
}

#[test]
fn what_is_kept_stays_until_something_is_done() {
    let left = Kept {
        step: 2,
        done: false,
    };
    let (mut ui, effects) = wanted(1, 4, left);
    let keeps = |effects: &[Effect]| {
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::KeepLesson { .. }))
    };
    assert_eq!(lesson_run(&ui).is, Is::Reads, "it was looked at");
    assert!(!keeps(&effects), "{effects:?}");
    assert_eq!(ui.model.lessons.kept["1-a"], left);
    let effects = key(&mut ui, 11, KeyCode::Char('n'));
    assert!(keeps(&effects), "{effects:?}");
    assert_eq!(ui.model.lessons.kept["1-a"].step, 1);
}

#[test]
fn what_is_seen_first_is_what_was_there_before() {
    let mut ui = Ui::default();
    ui.model.now = at(0);
    let check = Check {
        leadership: Some(flinklab_lab::failure::Leadership::Stays),
        renewals: Some(1),
        ..Check::default()
    };
    let mut lesson_run = LessonRun::new(&lesson(vec![step(check)]), 0, &ui.model);
    lease(&mut ui, 1, "one");
    lesson_run.look(&ui.model);
    assert_eq!(lesson_run.is, Is::Waits, "{:?}", lesson_run.told);
    lease(&mut ui, 6, "one");
    lesson_run.look(&ui.model);
    assert_eq!(lesson_run.is, Is::Holds, "{:?}", lesson_run.told);
}
