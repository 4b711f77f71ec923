//! Pictures of the screen. FLINKLAB_SCREENS=FOLDER writes them with their colours as well, one
//! file each, for a look with `cat`.

use crate::models::Scene;
use flinklab_event::{
    ActiveFailure, BreakBegun, Effect, EffectKind, Event, Happening, Healed, KeyCode, RunEventKind,
};
use flinklab_tui::{Colours, Glyphs, Page, Ui};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

pub(crate) fn drawn(ui: &Ui, columns: u16, rows: u16) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal
        .draw(|frame| flinklab_tui::draw(ui, frame))
        .unwrap();
    terminal.backend().clone()
}

pub(crate) fn picture(ui: &Ui, columns: u16, rows: u16) -> Buffer {
    drawn(ui, columns, rows).buffer().clone()
}

/// The size that everything is designed for.
pub(crate) fn text(scene: &Scene) -> String {
    drawn(&scene.ui, 80, 24).to_string()
}

pub(crate) fn with_keys(mut scene: Scene, keys: &str) -> Scene {
    scene.keys(keys);
    scene
}

pub(crate) fn welcome() -> Scene {
    let mut scene = Scene::new();
    scene.at(
        0.0,
        Event::NoLab {
            name: "flinklab".to_owned(),
        },
    );
    scene
}

/// Every scene with its name.
pub(crate) fn scenes() -> Vec<(&'static str, Scene)> {
    vec![
        ("nothing", Scene::new()),
        ("welcome", welcome()),
        ("plan", Scene::plan()),
        ("plan-failed", Scene::plan_failed()),
        ("plan-done", Scene::plan_done()),
        ("healthy", Scene::healthy()),
        ("leader-lost", Scene::leader_lost()),
        ("recovering", Scene::recovering()),
        ("recovered", Scene::recovered()),
        ("api-lost", Scene::api_lost()),
        ("failures", with_keys(Scene::healthy(), "x")),
        ("aimed", with_keys(Scene::healthy(), "x2")),
        ("help", with_keys(Scene::healthy(), "?")),
        ("run", with_keys(Scene::recovered(), "t")),
        ("run-going", with_keys(Scene::recovering(), "t")),
        ("run-lease", with_keys(Scene::leader_lost(), "t")),
        ("run-beside", with_keys(Scene::again(), "to")),
        ("armed", with_keys(Scene::healthy(), "!")),
        ("armed-list", with_keys(Scene::healthy(), "!x")),
    ]
}

#[test]
fn no_size_makes_any_page_panic() {
    for (_, scene) in scenes() {
        let small = (0..=30).flat_map(|columns| (0..=12).map(move |rows| (columns, rows)));
        let edges = [
            (59, 15),
            (60, 14),
            (60, 15),
            (79, 24),
            (80, 23),
            (80, 24),
            (119, 36),
            (120, 35),
            (120, 36),
            (179, 54),
            (180, 53),
            (180, 54),
            (300, 100),
            (500, 16),
            (61, 120),
        ];
        for (columns, rows) in small.chain(edges) {
            picture(&scene.ui, columns, rows);
        }
    }
}

#[test]
fn ascii_screens_have_ascii_only() {
    for (name, mut scene) in scenes() {
        scene.ui.screen.looks.glyphs = Glyphs::Ascii;
        assert!(text(&scene).is_ascii(), "{name}");
    }
}

#[test]
fn without_colours_no_cell_has_one() {
    use ratatui::style::Color;
    for (name, mut scene) in scenes() {
        scene.ui.screen.looks.colours = Colours::None;
        let buffer = picture(&scene.ui, 120, 40);
        let coloured = buffer
            .content
            .iter()
            .any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        assert!(!coloured, "{name}");
    }
}

#[test]
fn the_background_is_never_set() {
    use ratatui::style::Color;
    for (name, scene) in scenes() {
        let buffer = picture(&scene.ui, 120, 40);
        assert!(
            buffer.content.iter().all(|cell| cell.bg == Color::Reset),
            "{name}"
        );
    }
}

#[test]
fn the_same_digit_twice_fires_and_another_one_aims_anew() {
    let mut scene = with_keys(Scene::healthy(), "x");
    assert!(scene.key(KeyCode::Char('1')).is_empty());
    assert!(scene.key(KeyCode::Char('2')).is_empty());
    let effects = scene.key(KeyCode::Char('2'));
    let [Effect::Break(order)] = effects.as_slice() else {
        panic!("no break, but {effects:?}");
    };
    assert_eq!(order.failure.key, "jm-crash");
    assert_eq!(order.target.pod, "flinklab-jobmanager-7f9c6d5b8-abcde");
    assert_eq!(scene.ui.screen.page, Page::Dashboard);
}

#[test]
fn one_key_takes_back_what_is_broken_and_says_what_that_was() {
    let mut scene = Scene::healthy();
    assert_eq!(scene.key(KeyCode::Char('U')), [Effect::Heal]);
    let at = scene.ui.model.now;
    let said = |scene: &Scene| scene.ui.screen.notice(at).unwrap_or_default().to_owned();
    let healed = |undone| Happening {
        at,
        event: Event::Healed(Healed {
            effect: EffectKind::Heal,
            undone,
        }),
    };
    scene.ui.update(&healed(Vec::new()));
    assert_eq!(said(&scene), "Nothing was broken.");
    let left = ActiveFailure {
        run: "r".to_owned(),
        failure: "jm-freeze".to_owned(),
        what: "the process of jm is stopped".to_owned(),
        since: at,
        deadline: at,
        owner: None,
    };
    scene.ui.update(&healed(vec![left]));
    assert_eq!(
        said(&scene),
        "Undone: jm-freeze (the process of jm is stopped)."
    );
}

#[test]
fn armed_a_digit_fires_at_once_for_ten_minutes_and_every_screen_says_so() {
    let mut scene = with_keys(Scene::healthy(), "!");
    assert!(text(&scene).contains("ARMED"));
    let effects = scene.key(KeyCode::Char('2'));
    let [Effect::Break(order)] = effects.as_slice() else {
        panic!("no break, but {effects:?}");
    };
    assert_eq!(order.failure.key, "jm-crash");
    assert!(text(&scene).contains("ARMED"));
    scene.at(52.0 + 599.0, Event::Tick);
    assert!(text(&scene).contains("ARMED"));
    scene.at(52.0 + 601.0, Event::Tick);
    assert!(!text(&scene).contains("ARMED"));
    assert!(
        scene.key(KeyCode::Char('2')).is_empty(),
        "digits are panels again"
    );
}

#[test]
fn a_dry_run_asks_the_world_for_nothing_and_says_what_would_be() {
    let mut scene = with_keys(Scene::healthy(), "x2");
    assert!(scene.key(KeyCode::Char('D')).is_empty());
    let said = scene
        .ui
        .screen
        .notice(scene.ui.model.now)
        .unwrap_or_default();
    assert!(said.contains("Nothing was sent"), "{said}");
    assert!(scene.ui.pages.failures.aim.is_some(), "the aim stays");
}

#[test]
fn a_break_from_another_terminal_is_shown_like_ones_own() {
    let mut scene = Scene::healthy();
    let failure = scene.ui.model.failures[1].clone();
    let target = scene.ui.model.aim(&failure).target.unwrap();
    let begun = BreakBegun {
        run: "20260504-160552-jm-crash".to_owned(),
        failure,
        target,
    };
    let run = begun.run.clone();
    scene.at(52.5, RunEventKind::Elsewhere(Box::new(begun)).of(&run));
    assert!(text(&scene).contains("jm-crash was fired by another flinklab"));
    assert!(text(&scene).contains("◆ jm-crash on"));
    let why = scene.ui.model.aim(&scene.ui.model.failures[0]).against;
    assert!(why[0].contains("is still observed"), "{why:?}");
    // What its own process says about it is the last word.
    let mut over = Scene::recovered();
    let mut result = over.ui.model.finished.pop().unwrap();
    result.run = "20260504-160552-jm-crash".to_owned();
    scene.at(60.0, Event::Saved(Box::new(result.clone())));
    assert!(scene.ui.model.run().is_none());
    assert_eq!(scene.ui.model.finished, [result]);
}

#[test]
fn earlier_runs_stand_beside_the_one_that_is_shown() {
    let scene = with_keys(Scene::again(), "t");
    assert!(!text(&scene).contains("1 earlier"));
    let scene = with_keys(scene, "o");
    let page = drawn(&scene.ui, 120, 40).to_string();
    assert!(page.contains("1 earlier"), "{page}");
    assert!(page.contains("n=2 min"), "{page}");
}

#[test]
fn the_lease_runs_out_before_ones_eyes() {
    let scene = with_keys(Scene::leader_lost(), "t");
    let page = text(&scene);
    assert!(page.contains("lease runs out in"), "{page}");
    assert!(page.contains("of 15s"), "{page}");
}

#[test]
fn an_aim_is_dropped_when_the_leader_changes() {
    let mut scene = with_keys(Scene::healthy(), "x2");
    scene.leader_changes(53.0);
    assert!(scene.ui.pages.failures.aim.is_none());
    assert!(
        scene.key(KeyCode::Enter).is_empty(),
        "enter aims anew, it does not fire"
    );
}

#[test]
fn nothing_is_fired_while_a_run_is_observed() {
    let mut scene = with_keys(Scene::recovering(), "x2");
    assert!(scene.key(KeyCode::Char('2')).is_empty());
    let notice = scene
        .ui
        .screen
        .notice(scene.ui.model.now)
        .unwrap_or_default();
    assert!(notice.starts_with("Not fired"), "{notice}");
}

#[test]
fn screens_can_be_looked_at() {
    let Some(folder) = std::env::var_os("FLINKLAB_SCREENS") else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    for (name, mut scene) in scenes() {
        std::fs::write(folder.join(format!("{name}.txt")), text(&scene)).unwrap();
        for (columns, rows) in [(60, 15), (80, 24), (120, 40), (200, 60)] {
            let file = folder.join(format!("{name}-{columns}x{rows}.ansi"));
            std::fs::write(file, ansi(&picture(&scene.ui, columns, rows))).unwrap();
        }
        scene.ui.screen.looks.glyphs = Glyphs::Ascii;
        scene.ui.screen.looks.colours = Colours::None;
        let file = folder.join(format!("{name}-plain.ansi"));
        std::fs::write(file, ansi(&picture(&scene.ui, 80, 24))).unwrap();
    }
}

/// A buffer as a terminal would take it.
pub(crate) fn ansi(buffer: &Buffer) -> Vec<u8> {
    use ratatui::backend::{Backend, CrosstermBackend};
    let mut bytes = Vec::new();
    let mut backend = CrosstermBackend::new(&mut bytes);
    let area = buffer.area;
    let cells = area.positions().map(|at| (at.x, at.y, &buffer[at]));
    backend.draw(cells).unwrap();
    Backend::flush(&mut backend).unwrap();
    bytes
}

#[test]
fn a_second_quick_digit_fires_nothing() {
    let mut scene = with_keys(Scene::healthy(), "!");
    let fired = |effects: &[Effect]| effects.iter().any(|one| matches!(one, Effect::Break(_)));
    assert!(fired(&scene.key(KeyCode::Char('2'))));
    let again = scene.key(KeyCode::Char('2'));
    assert!(!fired(&again), "what carries it out has not answered yet");
}
