//! The pages of lessons and what a room sees, in the states that matter.

use crate::models::{Scene, at};
use crate::pages::lived;
use crate::pages_jobs::controlled;
use crate::screens::drawn;
use flinklab_event::{Event, KeyCode};
use flinklab_lab::{Check, Lesson, LessonStep, Sight, lessons};
use flinklab_model::Is;
use flinklab_tui::Page;
use std::collections::BTreeMap;

/// The lessons that are built in.
fn built_in() -> Vec<Lesson> {
    let lab = flinklab_lab::Lab::open("default").unwrap();
    lessons(&lab, "default").unwrap()
}

/// A lesson whose words do harm, and the built-in ones.
pub(crate) fn all(harm: &str) -> Vec<Lesson> {
    let step = LessonStep {
        title: harm.to_owned(),
        text: harm.into(),
        panel: Sight::Leader,
        key: None,
        breaks: Some("jm-crash".to_owned()),
        job: None,
        compare: vec![harm.to_owned()],
        watch: harm.to_owned(),
        check: Check {
            healthy: Some(true),
            ..Check::default()
        },
        hint: harm.into(),
        say: harm.to_owned(),
        within: None,
    };
    let own = Lesson {
        key: harm.to_owned(),
        title: harm.to_owned(),
        see: harm.to_owned(),
        minutes: 1,
        steps: vec![step],
    };
    std::iter::once(own).chain(built_in()).collect()
}

/// A lab that recovered, with its lessons.
fn taught(mut scene: Scene) -> Scene {
    let event = Event::Lessons {
        all: built_in(),
        wrong: None,
        kept: BTreeMap::new(),
    };
    let now = scene.ui.model.now.duration_since(at(0.0)).as_secs_f64();
    scene.at(now + 0.05, event);
    scene
}

/// The same at a step of a lesson, after these keys.
fn at_step(scene: Scene, lesson: usize, step: usize, keys: &str) -> Scene {
    let mut scene = taught(scene);
    scene.keys("L");
    for _ in 0..lesson {
        scene.keys("j");
    }
    scene.key(KeyCode::Enter);
    for _ in 0..step {
        scene.keys("n");
    }
    scene.keys(keys);
    scene
}

/// The list of lessons.
pub(crate) fn list() -> Scene {
    let mut list = taught(lived());
    list.keys("L");
    list
}

/// The first step of the second lesson.
pub(crate) fn first_step() -> Scene {
    at_step(lived(), 1, 0, "")
}

/// Every page with its name.
fn pages() -> Vec<(&'static str, Scene)> {
    let mut list = taught(lived());
    list.keys("L");
    let mut asked = at_step(Scene::healthy(), 1, 1, "");
    asked.key(KeyCode::Enter);
    let mut hint = at_step(lived(), 0, 1, "");
    hint.at(150.0, Event::Tick);
    let mut job = at_step(controlled(""), 6, 1, "");
    job.key(KeyCode::Enter);
    let compared = at_step(Scene::again(), 1, 2, "");
    vec![
        ("lessons", list),
        ("lesson", at_step(lived(), 1, 0, "")),
        ("lesson-asked", asked),
        ("lesson-job", job),
        ("lesson-hint", hint),
        ("lesson-compared", compared),
    ]
}

/// What a room sees.
fn rooms() -> Vec<(&'static str, Scene)> {
    let mut asked = at_step(Scene::healthy(), 1, 1, "P");
    asked.keys(" ");
    let mut going = at_step(Scene::healthy(), 1, 1, "P");
    going.keys("  ");
    going.breaks("jm-crash", 53.0);
    going.at(61.0, Event::Tick);
    let mut job = at_step(controlled(""), 6, 1, "P");
    job.keys(" ");
    let mut hint = at_step(lived(), 0, 1, "P");
    hint.at(150.0, Event::Tick);
    let mut lab = taught(lived());
    lab.keys("P");
    vec![
        ("room-lab", lab),
        ("room-lease", at_step(lived(), 0, 1, "P")),
        ("room-step", at_step(Scene::healthy(), 1, 1, "P")),
        ("room-asked", asked),
        ("room-going", going),
        ("room-compared", at_step(Scene::again(), 1, 2, "P")),
        ("room-job", job),
        ("room-hint", hint),
    ]
}

/// A lesson in letters of two columns, without a space at which a line could break.
fn wide() -> (String, Scene) {
    let kana: String = ('ァ'..='ヶ').collect();
    let words = format!("{kana}👍🏽、{kana}");
    let mut scene = lived();
    let event = Event::Lessons {
        all: all(&words),
        wrong: None,
        kept: BTreeMap::new(),
    };
    let now = scene.ui.model.now.duration_since(at(0.0)).as_secs_f64();
    scene.at(now + 0.05, event);
    scene.keys("L");
    scene.key(KeyCode::Enter);
    (words, scene)
}

#[test]
fn wide_letters_are_wrapped_and_none_is_lost() {
    let (words, scene) = wide();
    let shown = drawn(&scene.ui, 80, 24).to_string();
    // what the test's own terminal notes behind a line is not on the screen
    let lines: Vec<&str> = shown
        .lines()
        .filter_map(|line| {
            let line = line.strip_prefix('"')?;
            line.split_once("\" Hidden by")
                .map_or(line.strip_suffix('"'), |(line, _)| Some(line))
        })
        .collect();
    insta::assert_snapshot!("lesson-wide-letters-80x24", lines.join("\n"));
    // a cell behind a wide letter is empty, and a line of the text ends in spaces and the frame
    let letters = lines.concat().replace([' ', '│'], "");
    assert!(letters.contains(&words), "{letters}");
}

#[test]
fn every_page_of_lessons_at_three_sizes() {
    for (name, scene) in pages() {
        for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
            let text = drawn(&scene.ui, columns, rows).to_string();
            insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), text);
        }
    }
}

#[test]
fn every_screen_of_a_room_at_two_sizes() {
    for (name, scene) in rooms() {
        for (columns, rows) in [(80, 24), (120, 40)] {
            let text = drawn(&scene.ui, columns, rows).to_string();
            insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), text);
        }
    }
}

#[test]
fn every_screen_fits_every_size() {
    for (_, scene) in pages().into_iter().chain(rooms()) {
        for columns in [1, 59, 60, 61, 79, 80, 81, 117, 118, 119, 120, 200] {
            for rows in [1, 14, 15, 16, 17, 18, 23, 24, 36, 60] {
                drawn(&scene.ui, columns, rows);
            }
        }
    }
}

#[test]
fn a_room_is_blanked_by_a_dot_and_any_other_key_brings_it_back() {
    let mut scene = at_step(lived(), 1, 0, "P");
    let shown = |scene: &Scene| drawn(&scene.ui, 80, 24).to_string();
    assert!(shown(&scene).contains("Stop and crash"));
    scene.keys(".");
    let blank = shown(&scene);
    assert!(!blank.chars().any(char::is_alphanumeric), "{blank}");
    scene.keys("b");
    assert!(
        shown(&scene).contains("keys pressed: b"),
        "{}",
        shown(&scene)
    );
    scene.keys("P");
    assert_eq!(scene.ui.screen.present, None);
    assert_eq!(scene.ui.screen.page, Page::Lesson);
}

#[test]
fn a_room_sees_white_paper_and_dark_ink_unless_there_are_no_colours() {
    use ratatui::style::Color;
    let scene = at_step(lived(), 1, 0, "P");
    let picture = crate::screens::picture(&scene.ui, 80, 24);
    assert!(
        picture
            .content
            .iter()
            .all(|cell| cell.bg == Color::Indexed(231))
    );
    let mut plain = at_step(lived(), 1, 0, "P");
    plain.ui.screen.looks.colours = flinklab_tui::Colours::None;
    let picture = crate::screens::picture(&plain.ui, 80, 24);
    assert!(picture.content.iter().all(|cell| cell.bg == Color::Reset));
}

#[test]
fn space_asks_then_does_and_does_not_pass_over_what_is_not_seen_yet() {
    use flinklab_event::Effect;
    let mut scene = at_step(Scene::healthy(), 1, 1, "P");
    assert_eq!(scene.key(KeyCode::Char(' ')), vec![], "it is asked first");
    let fired = scene.key(KeyCode::Char(' '));
    assert!(
        fired
            .iter()
            .any(|effect| matches!(effect, Effect::Break(_))),
        "{fired:?}"
    );
    let step = |scene: &Scene| scene.ui.pages.lesson.run.as_ref().unwrap().step;
    scene.keys(" ");
    assert_eq!(step(&scene), 1, "it is not seen yet");
    scene.keys("n");
    assert_eq!(step(&scene), 2, "somebody insists");
}

#[test]
fn what_the_one_who_speaks_reads_follows_the_lesson() {
    let mut scene = at_step(lived(), 0, 1, "");
    let note = scene.ui.note();
    assert_eq!((note.step, note.of), (2, 3));
    assert!(
        note.say.contains("Nobody asks whether the leader is alive"),
        "{note:?}"
    );
    assert_eq!(note.next, "Lose the one that does not lead");
    scene.at(150.0, Event::Tick);
    assert_eq!(scene.ui.pages.lesson.run.as_ref().unwrap().is, Is::Misses);
    assert!(!scene.ui.note().hint.is_empty());
}
