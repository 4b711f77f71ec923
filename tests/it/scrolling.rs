//! Keys that scroll: each of them moves the picture, or there is nothing more to see that way; and
//! what is chosen stays chosen while lists change.

use crate::models::{LEADER, STANDBY, Scene};
use crate::pages::lived;
use crate::screens::welcome;
use flinklab_event::{Event, KeyCode, PodChange};
use flinklab_tui::{Scroll, Ui};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use std::sync::LazyLock;

/// Pages that are longer than a small screen, by the keys that lead there.
fn long() -> Vec<(&'static str, Scene)> {
    let with = |keys: &str| {
        let mut scene = lived();
        scene.keys(keys);
        scene
    };
    vec![
        ("help", with("?")),
        ("pod", with("d")),
        ("timeline", with("t")),
        ("history", with("h")),
        ("checkpoints", with("c")),
        ("log", with("l")),
        ("welcome", welcome()),
    ]
}

/// These and all others that can be scrolled.
static ALL: LazyLock<Vec<(&'static str, Ui)>> = LazyLock::new(|| {
    let with = |keys: &str| {
        let mut scene = lived();
        scene.keys(keys);
        scene
    };
    let mut whole = with("lkkkk");
    whole.key(KeyCode::Enter);
    let mut exception = with("f");
    exception.key(KeyCode::Enter);
    let more = [
        ("pods", with("")),
        ("dashboard's log", with("5")),
        ("failures", with("x")),
        ("commands", with("@")),
        ("job", with("f")),
        ("exception", exception),
        ("whole line", whole),
        ("control", crate::pages_jobs::controlled("J")),
        ("lessons", crate::pages_lessons::list()),
        ("lesson", crate::pages_lessons::first_step()),
        ("held log", with("l ")),
    ];
    let all = long().into_iter().chain(more);
    all.map(|(name, scene)| (name, scene.ui)).collect()
});

/// What a screen of that size shows; as in the program, it is told how much that is.
/// The lines of the picture.
fn shown(scene: &mut Scene, size: (u16, u16)) -> Vec<String> {
    let text = backend(scene, size).to_string();
    text.lines().map(str::to_owned).collect()
}

/// The picture with its colours: on a small screen a chosen row may be all that tells two apart.
fn coloured(scene: &mut Scene, size: (u16, u16)) -> Buffer {
    backend(scene, size).buffer().clone()
}

fn backend(scene: &mut Scene, (columns, rows): (u16, u16)) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let mut drawn = None;
    let measured = |frame: &mut ratatui::Frame| drawn = flinklab_tui::measure(&scene.ui, frame);
    terminal.draw(measured).unwrap();
    if let Some(drawn) = drawn {
        scene.ui.drawn(drawn);
    }
    terminal.backend().clone()
}

#[test]
fn after_the_end_one_key_up_moves_by_one_line() {
    for (name, mut scene) in long() {
        let size = (80, 18);
        scene.keys("g");
        let top = shown(&mut scene, size);
        scene.keys("G");
        let end = shown(&mut scene, size);
        assert_ne!(top, end, "{name} is longer than the screen");
        scene.keys("k");
        assert_ne!(shown(&mut scene, size), end, "{name}: a dead key");
        scene.keys("j");
        assert_eq!(shown(&mut scene, size), end, "{name}");
    }
}

#[test]
fn keys_that_come_before_the_picture_count_the_same() {
    for (name, mut scene) in long() {
        let size = (80, 18);
        scene.keys("G");
        let end = shown(&mut scene, size);
        let mut other = Scene {
            ui: scene.ui.clone(),
        };
        other.ui.screen.drawn = None;
        other.keys("gGkkj");
        scene.keys("k");
        assert_ne!(shown(&mut scene, size), end, "{name}");
        assert_eq!(shown(&mut scene, size), shown(&mut other, size), "{name}");
    }
}

#[test]
fn a_page_is_as_high_as_the_screen() {
    for rows in [18, 24, 40] {
        let mut scene = lived();
        scene.keys("?");
        shown(&mut scene, (60, rows));
        scene.key(KeyCode::PageDown);
        // status line, key line, frame
        let height = usize::from(rows) - 4;
        assert_eq!(scene.ui.screen.spot.scroll, Scroll::Top(height));
        let mut scene = lived();
        scene.keys("l");
        shown(&mut scene, (80, rows));
        scene.key(KeyCode::PageUp);
        let lines = scene.ui.log_lines().count();
        assert_eq!(scene.ui.log_back(), height.min(lines - 1));
    }
}

#[test]
fn a_chosen_row_stays_with_what_it_is_about() {
    let mut scene = lived();
    let copied = |scene: &mut Scene| {
        scene.keys("y");
        scene.ui.screen.copied.clone().unwrap().1
    };
    scene.keys("cjjj");
    let checkpoint = copied(&mut scene);
    let row = scene.ui.screen.spot.row;
    scene.checkpoints(60..=62, 2.0);
    assert_eq!(copied(&mut scene), checkpoint);
    assert!(scene.ui.screen.spot.row > row);
    // at the head the newest is looked at
    scene.keys("g");
    let newest = copied(&mut scene);
    scene.checkpoints(63..=64, 2.0);
    assert_ne!(copied(&mut scene), newest);
    // what was left is found again
    scene.keys("jj");
    let checkpoint = copied(&mut scene);
    scene.keys("h");
    scene.checkpoints(65..=66, 2.0);
    scene.key(KeyCode::Esc);
    assert_eq!(copied(&mut scene), checkpoint);
}

#[test]
fn a_chosen_pod_is_opened_whatever_came_before_it_in_the_list() {
    let mut scene = lived();
    let listed = scene.ui.model.cluster.listed_pods();
    let row = listed.iter().position(|pod| pod.name == STANDBY).unwrap();
    let leader = listed.iter().find(|pod| pod.name == LEADER).unwrap();
    let uid = leader.uid.clone();
    assert!(row > 0);
    scene.keys(&"j".repeat(row));
    scene.at(83.0, Event::Pods(PodChange::Deleted { uid }));
    assert_eq!(scene.ui.screen.spot.row, row - 1);
    scene.key(KeyCode::Enter);
    let opened = scene.ui.pages.pod.uid.clone().unwrap();
    assert_eq!(scene.ui.model.cluster.pods[&opened].name, STANDBY);
}

#[test]
fn a_log_scrolled_back_stays_at_its_line() {
    let mut scene = lived();
    scene.keys("lkkk");
    let size = (100, 30);
    let line = |scene: &Scene| {
        let back = scene.ui.log_back();
        scene.ui.log_lines().nth(back).unwrap().text.clone()
    };
    let before = (line(&scene), shown(&mut scene, size)[29 - 2..].to_vec());
    for n in 0..50 {
        scene.log(83.0 + f64::from(n), LEADER, &format!("line {n}"), None);
    }
    // one that comes late, and stands before the line
    scene.log(1.0, STANDBY, "late", None);
    assert_eq!(line(&scene), before.0);
    assert_eq!(scene.ui.log_back(), 53);
    assert_eq!(shown(&mut scene, size)[29 - 2..].to_vec(), before.1);
    // and one that is dropped leaves its place to the oldest
    scene.ui.model.logs.limits.lines = 20;
    scene.log(200.0, LEADER, "the last", None);
    assert_eq!(scene.ui.log_back(), 19);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn a_key_up_moves_whatever_is_not_at_the_top(
        page in any::<prop::sample::Index>(),
        columns in 60u16..200,
        rows in 15u16..60,
        keys in prop::collection::vec(prop::sample::select(vec![
            KeyCode::Up, KeyCode::Down, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Home, KeyCode::End,
        ]), 0..10),
    ) {
        let (name, ui) = page.get(&ALL);
        let mut scene = Scene { ui: ui.clone() };
        let size = (columns, rows);
        shown(&mut scene, size);
        for key in &keys {
            scene.key(*key);
            shown(&mut scene, size);
        }
        let here = coloured(&mut scene, size);
        let mut top = Scene { ui: scene.ui.clone() };
        top.key(KeyCode::Home);
        let top = coloured(&mut top, size);
        scene.key(KeyCode::Up);
        let up = coloured(&mut scene, size);
        prop_assert_eq!(here == top, here == up, "{} {:?} {:?}", name, size, keys);
    }
}
