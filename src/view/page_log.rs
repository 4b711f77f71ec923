//! The merged log with all of the screen: filtered, searched, marked, followed or held. The line at
//! the bottom is the chosen one.

use crate::model::{LogShown, Model, Whole};
use crate::view::paint::{Keys, Spans, fit, panel, sentences};
use crate::view::theme::{Theme, Tone, sign};
use crate::view::{log, words};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws the page.
pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let width = usize::from(area.width.saturating_sub(2));
    let height = usize::from(area.height.saturating_sub(2));
    let whole = whole(model, theme, width, height);
    let room = height.saturating_sub(whole.len());
    let mut lines = match (model.log_lines().next().is_none(), narrowed(model)) {
        (true, true) => {
            let words =
                "No line fits. esc takes the filter away, > shows other pods, v other lines.";
            sentences(theme, Tone::Muted, words, width)
        }
        _ => log::lines(model, theme, width, room, None),
    };
    if model.screen.log_back > 0
        && let Some(last) = lines.last_mut()
    {
        *last = crate::view::paint::chosen(last, width);
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
        let at = places
            .iter()
            .position(|place| *place == model.screen.log_back);
        let at = at.map_or_else(String::new, |at| format!("{} of ", at + 1));
        spans.push(theme.say(Tone::Mark, format!("{at}{} found · ", places.len())));
    }
    if model.screen.log_side > 0 {
        spans.push(theme.say(Tone::Muted, format!("→{} · ", model.screen.log_side)));
    }
    spans.push(match model.screen.log_back {
        0 => theme.say(Tone::Ok, format!("{} following", sign::LIVE)),
        back => theme.say(Tone::Warn, format!("{back} back · G follows")),
    });
    spans
}

/// All of the chosen line.
fn whole(model: &Model, theme: &Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let line = model.log_lines().nth(model.screen.log_back);
    let (Whole::Yes, Some(line)) = (model.screen.whole, line) else {
        return Vec::new();
    };
    let mut lines = vec![
        Line::from(theme.say(Tone::Muted, "─".repeat(width))),
        Line::from(fit(
            vec![
                theme.say(Tone::Accent, format!(" {} ", line.pod)),
                theme.say(Tone::Muted, words::clock_ms(&theme.zone, line.at)),
            ],
            width,
        )),
    ];
    lines.extend(sentences(theme, Tone::Plain, &line.text, width));
    lines.truncate(height / 2);
    lines
}
