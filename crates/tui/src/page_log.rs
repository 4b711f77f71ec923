//! The merged log with all of the screen: filtered, searched, marked, followed or held. The line at
//! the bottom is the chosen one.

use crate::paint::{Keys, Spans, fit, panel, scrolled, sentences};
use crate::theme::{Theme, Tone, sign};
use crate::{log, words};
use flinklab_model::{Extent, LogShown, Model, Whole};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws the page.
pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
    let width = usize::from(area.width.saturating_sub(2));
    let height = usize::from(area.height.saturating_sub(2));
    let (whole, extent) = whole(model, theme, width, height);
    let room = height.saturating_sub(whole.len());
    let mut lines = match (model.log_lines().next().is_none(), narrowed(model)) {
        (true, true) => {
            let words =
                "No line fits. esc takes the filter away, > shows other pods, v other lines.";
            sentences(theme, Tone::Muted, words, width)
        }
        _ => log::lines(model, theme, width, room, None),
    };
    if model.screen.log_line.is_some()
        && let Some(last) = lines.last_mut()
    {
        *last = crate::paint::chosen(last, width);
    }
    if !whole.is_empty() {
        lines.resize(room, Line::default());
        lines.extend(whole);
    }
    panel(
        frame,
        theme,
        area,
        (title(model, theme), aside(model, theme)),
        Keys::Here,
        lines,
    );
    extent.unwrap_or(Extent::new(0, room))
}

fn narrowed(model: &Model) -> bool {
    let screen = &model.screen;
    screen.log_pod.is_some() || !screen.log_filter.is_empty()
}

fn title(model: &Model, theme: &Theme) -> Spans {
    let mut spans = vec![theme.say(Tone::Accent, "Log")];
    let of = match &model.screen.log_pod {
        Some(pod) => format!(" of {}", words::pod(pod, 28)),
        None => " of all pods".to_owned(),
    };
    spans.push(theme.say(Tone::Plain, of));
    if !model.screen.log_filter.is_empty() {
        spans.push(theme.say(Tone::Warn, format!(" with `{}`", model.screen.log_filter)));
    }
    spans
}

fn aside(model: &Model, theme: &Theme) -> Spans {
    let mut spans = Vec::new();
    let kind = match model.screen.log_shown {
        LogShown::Flink => "",
        LogShown::Highlights => "HA lines only · ",
        LogShown::All => "with output · ",
    };
    spans.push(theme.say(Tone::Muted, kind));
    if !model.screen.find.is_empty() {
        let places = model.found();
        let back = model.log_back();
        let at = places.iter().position(|place| *place == back);
        let at = at.map_or_else(String::new, |at| format!("{} of ", at + 1));
        spans.push(theme.say(Tone::Mark, format!("{at}{} found · ", places.len())));
    }
    if model.screen.log_side > 0 {
        spans.push(theme.say(Tone::Muted, format!("→{} · ", model.screen.log_side)));
    }
    spans.push(match model.screen.log_line {
        None => theme.say(Tone::Ok, format!("{} following", sign::LIVE)),
        Some(_) => {
            let words = format!("{} back · G follows", model.log_back());
            theme.say(Tone::Warn, words)
        }
    });
    spans
}

/// All of the chosen line, or as much of it as fits into half of the page.
fn whole(
    model: &Model,
    theme: &Theme,
    width: usize,
    height: usize,
) -> (Vec<Line<'static>>, Option<Extent>) {
    let line = model.log_lines().nth(model.log_back());
    let (Whole::Yes, Some(line)) = (model.screen.whole, line) else {
        return (Vec::new(), None);
    };
    let head = vec![
        theme.say(Tone::Accent, format!(" {} ", line.pod)),
        theme.say(Tone::Muted, words::clock_ms(&theme.zone, line.at)),
    ];
    let mut lines = vec![
        Line::from(theme.say(Tone::Muted, "─".repeat(width))),
        Line::from(fit(head, width)),
    ];
    let text = sentences(theme, Tone::Plain, &line.text, width);
    let room = (height / 2).saturating_sub(lines.len());
    let (text, extent) = scrolled(text, room, model.screen.scroll);
    lines.extend(text);
    lines.truncate(height / 2);
    (lines, Some(extent))
}
