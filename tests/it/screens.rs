//! Pictures of the screen. FLINKLAB_SCREENS=FOLDER writes them with their colours as well, one
//! file each, for a look with `cat`.

use crate::models::Scene;
use flinklab::model::{Colours, Glyphs, Model};
use flinklab::view;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

fn picture(model: &Model, columns: u16, rows: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view::draw(model, frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(model: &Model, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view::draw(model, frame)).unwrap();
    terminal.backend().to_string()
}

/// Every scene with its name.
fn scenes() -> Vec<(&'static str, Scene)> {
    let mut failures = Scene::healthy();
    failures.keys("x");
    let mut aimed = Scene::healthy();
    aimed.keys("x4");
    let mut help = Scene::healthy();
    help.keys("?");
    let mut run = Scene::recovered();
    run.keys("t");
    let mut going = Scene::recovering();
    going.keys("t");
    let mut welcome = Scene::new();
    welcome.at(
        0.0,
        flinklab::model::Event::NoLab {
            name: "flinklab".to_owned(),
        },
    );
    vec![
        ("nothing", Scene::new()),
        ("welcome", welcome),
        ("plan", Scene::plan()),
        ("plan-failed", Scene::plan_failed()),
        ("plan-done", Scene::plan_done()),
        ("healthy", Scene::healthy()),
        ("leader-lost", Scene::leader_lost()),
        ("recovering", Scene::recovering()),
        ("recovered", Scene::recovered()),
        ("api-lost", Scene::api_lost()),
        ("failures", failures),
        ("aimed", aimed),
        ("help", help),
        ("run", run),
        ("run-going", going),
    ]
}

#[test]
fn no_size_makes_any_page_panic() {
    for (_, mut scene) in scenes() {
        for looks in [Glyphs::Unicode, Glyphs::Ascii] {
            scene.model.screen.looks.glyphs = looks;
            let small = (0..=30).flat_map(|w| (0..=12).map(move |h| (w, h)));
            let others = [
                (59, 15),
                (60, 14),
                (60, 15),
                (79, 24),
                (80, 23),
                (80, 24),
                (100, 30),
                (119, 40),
                (120, 36),
                (120, 40),
                (180, 54),
                (200, 60),
                (300, 100),
                (500, 16),
            ];
            for (columns, rows) in small.chain(others) {
                picture(&scene.model, columns, rows);
            }
        }
    }
}

#[test]
fn ascii_screens_have_ascii_only() {
    for (name, mut scene) in scenes() {
        scene.model.screen.looks.glyphs = Glyphs::Ascii;
        assert!(text(&scene.model, 120, 40).is_ascii(), "{name}");
    }
}

#[test]
fn screens_can_be_looked_at() {
    let Some(folder) = std::env::var_os("FLINKLAB_SCREENS") else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    for (name, mut scene) in scenes() {
        for (columns, rows) in [(60, 15), (80, 24), (120, 40), (200, 60)] {
            let file = folder.join(format!("{name}-{columns}x{rows}.ansi"));
            std::fs::write(file, ansi(&picture(&scene.model, columns, rows))).unwrap();
        }
        scene.model.screen.looks.glyphs = Glyphs::Ascii;
        scene.model.screen.looks.colours = Colours::None;
        let file = folder.join(format!("{name}-plain.ansi"));
        std::fs::write(file, ansi(&picture(&scene.model, 80, 24))).unwrap();
    }
}

/// A buffer as a terminal would take it.
fn ansi(buffer: &Buffer) -> Vec<u8> {
    use ratatui::backend::{Backend, CrosstermBackend};
    let mut bytes = Vec::new();
    let mut backend = CrosstermBackend::new(&mut bytes);
    let area = buffer.area;
    let cells = area.positions().map(|at| (at.x, at.y, &buffer[at]));
    backend.draw(cells).unwrap();
    Backend::flush(&mut backend).unwrap();
    bytes
}
