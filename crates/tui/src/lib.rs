//! Pictures of the model: pure functions from the model to a frame. No I/O, no clock, and nothing
//! here changes the model. This file picks the page and is the only place that knows how small a
//! terminal may be.

mod chart;
mod checkpoints;
mod dashboard;
mod digits;
mod earlier;
mod failures;
mod health;
mod help;
mod leader;
mod log;
mod outage;
mod page_checkpoints;
mod page_commands;
mod page_control;
mod page_doctor;
mod page_history;
mod page_job;
mod page_lesson;
mod page_log;
mod page_pod;
mod paint;
mod palette;
mod plan;
mod playback;
mod pods;
mod presenter;
mod run;
mod status;
mod svg;
mod theme;
mod timeline;
mod welcome;
mod words;

pub use playback::clock;
pub use svg::svg;

use flinklab_event::Origin;
use flinklab_model::{Drawn, Extent, Glyphs, Model, Page};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use theme::Theme;

/// The smallest terminal that anything fits.
pub const SMALLEST: (u16, u16) = (60, 15);

/// Draws the whole screen.
pub fn draw(model: &Model, frame: &mut Frame) {
    measure(model, frame);
}

/// Draws the whole screen, and says how much that is of what scrolls: the next keys are to know.
pub fn measure(model: &Model, frame: &mut Frame) -> Option<Drawn> {
    let model = model.seen();
    let mut extent = None;
    let theme = Theme::of(model);
    let area = frame.area();
    let (columns, rows) = SMALLEST;
    if area.width < columns || area.height < rows {
        let mut words = format!(
            "flinklab needs {columns}x{rows}, here is {}x{}",
            area.width, area.height
        );
        match model.origin {
            Origin::Real => {}
            Origin::Simulated => words.push_str(" SIMULATED"),
            Origin::Recorded => words.push_str(" recorded"),
        }
        frame.render_widget(Line::from(words), area);
    } else {
        match model.screen.present.as_ref().filter(|_| shows_room(model)) {
            Some(present) => presenter::draw(model, &theme, present, frame),
            None => extent = pages(model, &theme, frame, area),
        }
    }
    theme::inert(frame.buffer_mut());
    if model.screen.looks.glyphs == Glyphs::Ascii {
        theme::ascii(frame.buffer_mut());
    }
    let area = model.screen.area();
    extent.map(|extent| Drawn { area, extent })
}

/// Whether the room sees one idea: nothing that was opened over it is hidden by it.
fn shows_room(model: &Model) -> bool {
    let listed = model.screen.page == Page::Lesson && model.lessons.course.is_none();
    model.screen.presents() && model.screen.typing.is_none() && model.playback.is_none() && !listed
}

fn pages(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) -> Option<Extent> {
    let width = usize::from(area.width);
    let mut area = area;
    if let Some(playback) = &model.playback {
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
    let outage = match model.screen.page {
        Page::Welcome | Page::Plan | Page::Doctor => None,
        _ => outage::line(model, theme, width),
    };
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
    frame.render_widget(status::line(model, theme, width), first);
    frame.render_widget(status::keys(model, theme, width), last);
    let extent = match model.screen.page {
        Page::Welcome => welcome::draw(model, theme, frame, rest),
        Page::Plan => {
            plan::draw(model, theme, frame, rest);
            Extent::new(0, 0)
        }
        Page::Dashboard => dashboard::draw(model, theme, frame, rest),
        Page::Failures => failures::draw(model, theme, frame, rest),
        Page::Help => help::draw(model, theme, frame, rest),
        Page::Run => timeline::draw(model, theme, frame, rest),
        Page::Pod => page_pod::draw(model, theme, frame, rest),
        Page::Job => page_job::draw(model, theme, frame, rest),
        Page::Checkpoints => page_checkpoints::draw(model, theme, frame, rest),
        Page::History => page_history::draw(model, theme, frame, rest),
        Page::Log => page_log::draw(model, theme, frame, rest),
        Page::Commands => page_commands::draw(model, theme, frame, rest),
        Page::Control => {
            page_control::draw(model, theme, frame, rest);
            Extent::new(0, 0)
        }
        Page::Lesson => page_lesson::draw(model, theme, frame, rest),
        Page::Doctor => page_doctor::draw(model, theme, frame, rest),
    };
    let palette = palette::draw(model, theme, frame, rest);
    Some(palette.unwrap_or(extent))
}
