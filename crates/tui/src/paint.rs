//! The few shapes that all pages are made of: a framed panel, a line with two sides, a fault.
//! Knows nothing of what is shown.

use crate::theme::{Theme, Tone, sign};
use crate::words;
use crate::{Extent, Scroll};
use flinklab_base::advice::Invocation;
use flinklab_base::fault::Fault;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::symbols::merge::MergeStrategy;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph};

/// Spans of one line.
pub(super) type Spans = Vec<Span<'static>>;

/// Whether a panel has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    /// It has them.
    Here,
    /// Another one has.
    Elsewhere,
}

/// A frame with a title on either side, filled with lines.
pub(super) fn panel(
    frame: &mut Frame,
    theme: &Theme,
    area: Rect,
    sides: (Spans, Spans),
    keys: Focus,
    lines: Vec<Line<'static>>,
) {
    framed(frame, theme, area, keys, lines);
    titles(frame, area, sides);
}

/// A frame filled with lines. Neighbours share their borders, so that titles come after all
/// frames: the next frame would colour them.
pub(super) fn framed(
    frame: &mut Frame,
    theme: &Theme,
    area: Rect,
    keys: Focus,
    lines: Vec<Line<'static>>,
) {
    let tone = match keys {
        Focus::Here => Tone::Busy,
        Focus::Elsewhere => Tone::Muted,
    };
    let block = Block::new()
        .borders(Borders::ALL)
        .merge_borders(MergeStrategy::Exact)
        .border_style(theme.style(tone));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The titles of a frame, at the left and the right end of its upper border.
pub(super) fn titles(frame: &mut Frame, area: Rect, (left, right): (Spans, Spans)) {
    if area.width < 4 || area.height == 0 {
        return;
    }
    let room = usize::from(area.width - 4);
    let right = fit(right, room);
    let right_width: usize = right.iter().map(Span::width).sum();
    let left = fit(left, room.saturating_sub(right_width + 3));
    let (top, inside) = (area.y, area.width - 2);
    for (spans, at_end) in [(left, false), (right, true)] {
        let wide: usize = spans.iter().map(Span::width).sum();
        if wide == 0 {
            continue;
        }
        let wide = u16::try_from(wide + 2).unwrap_or(inside).min(inside);
        let x = if at_end {
            area.x + 1 + inside - wide
        } else {
            area.x + 1
        };
        let mut line = vec![Span::raw(" ")];
        line.extend(spans);
        line.push(Span::raw(" "));
        let place = Rect {
            x,
            y: top,
            width: wide,
            height: 1,
        };
        frame.render_widget(Clear, place);
        frame.render_widget(Line::from(line), place);
    }
}

/// Spans that fit into so many columns, cut at the end.
pub(super) fn fit(spans: Spans, width: usize) -> Spans {
    let mut room = width;
    let mut kept = Vec::with_capacity(spans.len());
    for span in spans {
        let wide = span.width();
        if wide <= room {
            room -= wide;
            kept.push(span);
            continue;
        }
        if room > 0 {
            kept.push(Span::styled(words::cut(&span.content, room), span.style));
        }
        break;
    }
    kept
}

/// A line with something at its left and at its right end. The left side gives way.
pub(super) fn sides(left: Spans, right: Spans, width: usize) -> Line<'static> {
    let right = fit(right, width);
    let right_width: usize = right.iter().map(Span::width).sum();
    let mut spans = fit(
        left,
        width.saturating_sub(right_width + usize::from(right_width > 0)),
    );
    let left_width: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::raw(
        " ".repeat(width.saturating_sub(left_width + right_width)),
    ));
    spans.extend(right);
    Line::from(spans)
}

/// A line that is chosen, across the whole width: reverse, not a hue.
pub(super) fn chosen(line: &Line<'static>, width: usize) -> Line<'static> {
    let text = words::cut(&line.to_string(), width);
    let rest = " ".repeat(width.saturating_sub(words::columns(&text)));
    Line::from(Span::styled(format!("{text}{rest}"), Theme::chosen()))
}

/// A bar that is filled to a part of 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
// a few dozen columns
pub(super) fn bar(theme: &Theme, tone: Tone, part: f64, width: usize) -> Spans {
    let full = (part.clamp(0.0, 1.0) * width as f64).round() as usize;
    vec![
        theme.say(tone, "█".repeat(full)),
        theme.say(Tone::Muted, "░".repeat(width.saturating_sub(full))),
    ]
}

/// Sentences, wrapped.
pub(super) fn sentences(theme: &Theme, tone: Tone, text: &str, width: usize) -> Vec<Line<'static>> {
    words::wrap(text, width.saturating_sub(2))
        .into_iter()
        .map(|line| Line::from(vec![Span::raw(" "), theme.say(tone, line)]))
        .collect()
}

/// A fault as a person reads it: what failed, why, how to fix it.
pub(super) fn fault(
    theme: &Theme,
    fault: &Fault,
    called: &Invocation,
    width: usize,
) -> Vec<Line<'static>> {
    let hint = called.advise(&fault.hint);
    let mut lines = Vec::new();
    let what = match &fault.place {
        Some(place) => format!("{place}: {}", fault.what),
        None => fault.what.clone(),
    };
    let parts = [
        (Tone::Fail, sign::FAIL, what.as_str()),
        (Tone::Plain, "why", fault.why.as_str()),
        (Tone::Accent, "hint", hint.as_str()),
    ];
    for (tone, head, text) in parts {
        for (n, line) in words::wrap(text, width.saturating_sub(8))
            .into_iter()
            .enumerate()
        {
            let head = if n == 0 { head } else { "" };
            lines.push(Line::from(vec![
                theme.say(
                    if tone == Tone::Fail {
                        tone
                    } else {
                        Tone::Muted
                    },
                    format!(" {head:<5}"),
                ),
                theme.say(tone, line),
            ]));
        }
    }
    for excerpt in &fault.excerpts {
        let head = format!(" last lines of {}:", excerpt.of);
        lines.push(Line::from(theme.say(Tone::Muted, words::cut(&head, width))));
        for line in &excerpt.lines {
            let line = words::cut(line, width.saturating_sub(4));
            lines.push(Line::from(theme.say(Tone::Muted, format!("  │ {line}"))));
        }
    }
    lines
}

/// The part of lines that is in sight, and how much of them that is.
pub(super) fn scrolled(
    lines: Vec<Line<'static>>,
    height: usize,
    scroll: Scroll,
) -> (Vec<Line<'static>>, Extent) {
    let extent = Extent::new(lines.len(), height);
    let first = scroll.first(extent.rows, height);
    (lines.into_iter().skip(first).take(height).collect(), extent)
}

/// The part of lines that is in sight. What lies below it is counted in the last row, with the key
/// that leads there: nothing is cut without a word.
pub(super) fn sight(
    theme: &Theme,
    lines: Vec<Line<'static>>,
    height: usize,
    (scroll, down): (Scroll, &str),
) -> (Vec<Line<'static>>, Extent) {
    let (mut seen, extent) = scrolled(lines, height, scroll);
    let below = extent.rows.saturating_sub(height) - scroll.first(extent.rows, height);
    if let (Some(line), true) = (seen.last_mut(), below > 0) {
        let words = format!(" … {} more lines: {down}", below + 1);
        *line = Line::from(theme.say(Tone::Muted, words));
    }
    // the row that counts the others is read on the next page
    let page = height.saturating_sub(1).max(1);
    (seen, Extent { page, ..extent })
}
