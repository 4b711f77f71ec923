//! The palette over any page: a few letters find what can be done or opened.

use crate::paint::{Keys, chosen, framed, sentences, sides, titles};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use flinklab_model::{Extent, Model, Typing};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Clear;

/// Draws it, if it is open.
pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) -> Option<Extent> {
    if model.screen.typing != Some(Typing::Palette) {
        return None;
    }
    let width = area.width.saturating_sub(8).clamp(1, 72);
    let height = area.height.saturating_sub(4).clamp(1, 18);
    let place = Rect {
        x: area.x + (area.width.saturating_sub(width)) / 2,
        y: area.y + (area.height.saturating_sub(height)) / 3,
        width,
        height,
    };
    let inside = usize::from(width.saturating_sub(2));
    let mut lines = vec![Line::from(vec![
        theme.say(Tone::Accent, " : "),
        theme.say(Tone::Plain, model.screen.typed.clone()),
        theme.say(Tone::Accent, "▏"),
    ])];
    let entries = model.palette();
    if entries.is_empty() {
        let words = "Nothing fits. Fewer letters find more.";
        lines.extend(sentences(theme, Tone::Muted, words, inside));
    }
    let room = usize::from(height).saturating_sub(3).max(1);
    let row = model
        .screen
        .palette_row
        .min(entries.len().saturating_sub(1));
    let skip = (row + 1).saturating_sub(room);
    for (n, entry) in entries.iter().enumerate().skip(skip).take(room) {
        let pointer = if n == row { sign::NOW } else { " " };
        let line = sides(
            vec![
                theme.say(Tone::Accent, format!(" {pointer} ")),
                theme.say(Tone::Muted, format!("{:<11}", entry.kind)),
                theme.say(
                    Tone::Plain,
                    words::cut(&entry.label, inside.saturating_sub(24)),
                ),
            ],
            vec![theme.say(Tone::Accent, format!("{} ", entry.key))],
            inside,
        );
        lines.push(match n == row {
            true => chosen(&line, inside),
            false => line,
        });
    }
    frame.render_widget(Clear, place);
    framed(frame, theme, place, Keys::Here, lines);
    let title = vec![theme.say(Tone::Accent, "Do or open")];
    let aside = vec![theme.say(Tone::Muted, "enter takes · esc leaves")];
    titles(frame, place, (title, aside));
    Some(Extent::new(entries.len(), room))
}
