//! The terminal UI: where a person looks, what keys do, and pictures of both. Pure: no I/O and no
//! clock; `Ui::update` takes what happened, and drawing changes nothing. This file picks the page and
//! is the only place that knows how small a terminal may be.

mod arming;
mod building;
mod chart;
mod checkpoints;
mod digits;
mod earlier;
mod health;
mod held;
mod input;
mod keymap;
mod keys;
mod leader;
mod log;
mod looks;
mod navigate;
mod outage;
mod pages;
mod paint;
mod palette;
mod playback;
pub mod player;
mod pods;
mod present;
mod presenter;
mod rows;
mod run;
mod screen;
mod scroll;
mod status;
mod svg;
mod theme;
mod typing;
mod ui;
mod words;

pub use keymap::{Clash, Keymap};
pub use keys::{Action, Binding, Own, Scope, Section, bindings};
pub use looks::{Colours, Glyphs, Looks, ThemeName};
pub use pages::dashboard::Panel;
pub use pages::failures::FAILURES_A_PAGE;
pub use pages::log::LogShown;
pub use pages::{Page, States};
pub use palette::{Act, Entry};
pub use playback::clock;
pub use present::{Present, since_sent};
pub use rows::{RowId, Spot};
pub use screen::Screen;
pub use scroll::{Area, Drawn, Extent, Scroll};
pub use svg::svg;
pub use typing::Typing;
pub use ui::{Held, Ui};

use flinklab_event::Origin;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use theme::Theme;

/// The smallest terminal that anything fits.
pub const SMALLEST: (u16, u16) = (60, 15);

/// Draws the whole screen.
pub fn draw(ui: &Ui, frame: &mut Frame) {
    measure(ui, frame);
}

/// Draws the whole screen, and says how much that is of what scrolls: the next keys are to know.
pub fn measure(ui: &Ui, frame: &mut Frame) -> Option<Drawn> {
    let ui = ui.seen();
    let mut extent = None;
    let theme = Theme::of(ui);
    let area = frame.area();
    let (columns, rows) = SMALLEST;
    if area.width < columns || area.height < rows {
        let mut words = format!(
            "flinklab needs {columns}x{rows}, here is {}x{}",
            area.width, area.height
        );
        match ui.model.origin {
            Origin::Real => {}
            Origin::Simulated => words.push_str(" SIMULATED"),
            Origin::Recorded => words.push_str(" recorded"),
        }
        frame.render_widget(Line::from(words), area);
    } else {
        match ui.screen.present.as_ref().filter(|_| shows_room(ui)) {
            Some(present) => presenter::draw(ui, &theme, present, frame),
            None => extent = pages(ui, &theme, frame, area),
        }
    }
    theme::inert(frame.buffer_mut());
    if ui.screen.looks.glyphs == Glyphs::Ascii {
        theme::ascii(frame.buffer_mut());
    }
    let area = ui.area();
    extent.map(|extent| Drawn { area, extent })
}

/// Whether the room sees one idea: nothing that was opened over it is hidden by it.
fn shows_room(ui: &Ui) -> bool {
    let listed = ui.screen.page == Page::Lesson && ui.pages.lesson.run.is_none();
    ui.screen.presents() && ui.screen.typing.is_none() && ui.playback.is_none() && !listed
}

fn pages(ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Option<Extent> {
    let width = usize::from(area.width);
    let mut area = area;
    if let Some(playback) = &ui.playback {
        let last = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        };
        frame.render_widget(playback::line(playback, theme, width), last);
        area.height -= 1;
    }
    let first = Rect { height: 1, ..area };
    let last = Rect {
        y: area.bottom() - 1,
        height: 1,
        ..area
    };
    let rest = Rect {
        y: area.y + 1,
        height: area.height - 2,
        ..area
    };
    let page = ui.page();
    let outage = page.needs_lab().then(|| outage::line(ui, theme, width));
    let outage = outage.flatten();
    let rest = match outage {
        Some(line) => {
            frame.render_widget(line, Rect { height: 1, ..rest });
            Rect {
                y: rest.y + 1,
                height: rest.height - 1,
                ..rest
            }
        }
        None => rest,
    };
    frame.render_widget(status::line(ui, theme, width), first);
    frame.render_widget(status::keys(ui, theme, width), last);
    let extent = page.draw(ui, theme, frame, rest);
    let palette = palette::draw(ui, theme, frame, rest);
    Some(palette.unwrap_or(extent))
}
