//! A recording that plays, pauses, leaps and is looked around in.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::Page;
use flinklab_event::recording::Header;
use flinklab_event::{Origin, StepChange, StepState};
use flinklab_model::Step;
use jiff::{SignedDuration, Timestamp};

fn began() -> Timestamp {
    "2026-11-24T21:00:00Z".parse().unwrap()
}

fn recording(events: Vec<(i64, Event)>) -> Recording {
    let happenings = events.into_iter().map(|(ms, event)| Happening {
        at: began() + SignedDuration::from_millis(ms),
        event,
    });
    Recording {
        header: Header::new(began(), None, Origin::Real),
        happenings: happenings.collect(),
        passed_over: None,
        cut: None,
    }
}

fn step(n: usize, state: StepState) -> Event {
    Event::Step(StepChange {
        name: format!("step-{n}"),
        title: format!("Step {n}"),
        n,
        of: 3,
        state,
        detail: String::new(),
        seconds: None,
    })
}

fn key(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

/// Three steps, the last after a wait of a minute.
fn player() -> Player {
    let events = vec![
        (
            0,
            Event::NoLab {
                name: "demo".into(),
            },
        ),
        (1_000, step(1, StepState::Done)),
        (2_000, step(2, StepState::Done)),
        (62_000, step(3, StepState::Done)),
        (63_000, Event::Tick),
    ];
    Player::new("demo", recording(events), Ui::default())
}

fn done(player: &mut Player) -> usize {
    let is_done = |step: &&Step| step.state == StepState::Done;
    player
        .picture()
        .model
        .plan
        .steps
        .iter()
        .filter(is_done)
        .count()
}

#[test]
fn it_plays_as_fast_as_life_and_stands_still_when_paused() {
    let mut player = player();
    assert_eq!(done(&mut player), 0);
    player.advance(Duration::from_millis(1_500));
    assert_eq!(done(&mut player), 1);
    player.press(key(KeyCode::Char(' ')));
    player.advance(Duration::from_secs(100));
    assert_eq!(done(&mut player), 1);
    player.press(key(KeyCode::Char(' ')));
    player.press(key(KeyCode::Char('+')));
    player.advance(Duration::from_millis(300));
    assert_eq!(done(&mut player), 2);
}

#[test]
fn a_wait_is_shortened_and_told() {
    let mut player = player();
    player.pass(Pastime::Shortened);
    player.advance(Duration::from_secs(10));
    let (seconds, _) = player.shown().later.unwrap();
    assert!((seconds - 56.8).abs() < 0.1, "{seconds}");
    assert_eq!(done(&mut player), 3);
    let mut whole = self::player();
    whole.advance(Duration::from_secs(10));
    assert_eq!((done(&mut whole), whole.shown().later), (2, None));
}

#[test]
fn backwards_is_as_exact_as_forwards() {
    let mut player = player();
    player.seek(i64::MAX);
    assert_eq!(
        (done(&mut player), player.shown().motion),
        (3, Motion::Over)
    );
    player.seek(1_200_000);
    assert_eq!(
        (done(&mut player), player.shown().motion),
        (1, Motion::Paused)
    );
}

#[test]
fn arrows_step_between_marks() {
    let mut player = player();
    player.press(key(KeyCode::Right));
    assert_eq!(player.shown().us, 1_000_000);
    player.press(key(KeyCode::Right));
    assert_eq!(player.shown().us, 63_000_000);
    player.press(key(KeyCode::Left));
    assert_eq!(player.shown().us, 1_000_000);
    player.press(key(KeyCode::Left));
    assert_eq!(player.shown().us, 0);
}

#[test]
fn looking_around_leaves_the_story_alone_and_nothing_is_done() {
    let mut player = player();
    player.advance(Duration::from_millis(500));
    player.press(key(KeyCode::Char('?')));
    assert_eq!(player.picture().screen.page, Page::Help);
    player.press(key(KeyCode::Esc));
    assert_eq!(player.press(key(KeyCode::Char('u'))), Watching::GoOn);
    let now = player.picture().model.now;
    let notice = player.picture().screen.notice(now).unwrap().to_owned();
    assert!(notice.contains("recording"), "{notice}");
    assert_eq!(
        player.picture().screen.page,
        Page::Welcome,
        "nothing is built"
    );
    player.press(key(KeyCode::Char('F')));
    assert!(!player.shown().own_pages);
    assert_eq!(player.press(key(KeyCode::Char('q'))), Watching::Enough);
}

#[test]
fn recorded_keys_turn_pages_but_end_nothing() {
    let events = vec![
        (
            0,
            Event::NoLab {
                name: "demo".into(),
            },
        ),
        (1_000, Event::Key(key(KeyCode::Char('?')))),
        (2_000, Event::Key(key(KeyCode::Char('q')))),
        (3_000, Event::Signal(flinklab_event::Signal::Terminate)),
        (4_000, Event::Tick),
    ];
    let mut player = Player::new("demo", recording(events), Ui::default());
    player.advance(Duration::from_millis(1_500));
    assert_eq!(player.picture().screen.page, Page::Help);
    player.advance(Duration::from_secs(5));
    assert_eq!(player.picture().model.ended, None);
    assert_eq!(player.shown().motion, Motion::Over);
}

#[test]
fn hours_of_sleep_are_left_out() {
    let events = vec![
        (0, Event::Tick),
        (1_000, Event::Tick),
        (36_000_000, step(1, StepState::Done)),
        (36_001_000, Event::Tick),
    ];
    let mut player = Player::new("demo", recording(events), Ui::default());
    player.advance(Duration::from_millis(1_500));
    assert!(player.shown().later.unwrap().0 > 30_000.0);
    player.advance(Duration::from_millis(1_200));
    assert_eq!(done(&mut player), 1);
}

#[test]
fn an_empty_recording_is_over_at_once() {
    let mut player = Player::new("demo", recording(Vec::new()), Ui::default());
    player.advance(Duration::from_secs(1));
    assert_eq!(player.shown().motion, Motion::Over);
    for code in [KeyCode::Left, KeyCode::Right, KeyCode::Char(' ')] {
        player.press(key(code));
        player.advance(Duration::from_secs(1));
    }
}

#[test]
fn keys_that_leave_the_program_only_leave_or_say_that_this_is_a_recording() {
    let mut player = player();
    for visit in ['d', 't'] {
        assert_eq!(player.press(key(KeyCode::Char(visit))), Watching::GoOn);
        let now = player.picture().model.now;
        let notice = player.picture().screen.notice(now).unwrap().to_owned();
        assert!(notice.contains("recording"), "{notice}");
    }
    let ctrl_z = Key {
        code: KeyCode::Char('z'),
        ctrl: true,
    };
    assert_eq!(player.press(ctrl_z), Watching::Aside);
    // a lab that is being built is no reason to ask twice
    player.press(key(KeyCode::Char('F')));
    player.advance(Duration::from_millis(1_500));
    player.own = None;
    player.told.model.plan.started = Some(began());
    assert!(player.told.model.plan.goes_on());
    assert_eq!(player.press(key(KeyCode::Char('q'))), Watching::Enough);
}
