//! The last line of a replay: that this is a recording, where it stands, what lies ahead, and the
//! keys that move it.

use crate::paint::{Spans, sides};
use crate::player::{Motion, Pastime, Playback};
use crate::theme::{Theme, Tone, sign};
use ratatui::text::{Line, Span};

/// The shortest way from start to end that still shows marks apart.
const SHORTEST: usize = 12;

/// The progress line.
pub(super) fn line(playback: &Playback, theme: &Theme, width: usize) -> Line<'static> {
    let state = match playback.motion {
        Motion::Playing => sign::NOW,
        Motion::Paused => "║",
        Motion::Over => "■",
    };
    let mut left = vec![
        theme.say(Tone::Mark, format!(" {state} RECORDING ")),
        theme.say(
            Tone::Plain,
            format!("{} of {}", clock(playback.us), clock(playback.length)),
        ),
    ];
    if let Some((seconds, _)) = playback.later {
        left.push(theme.say(Tone::Warn, format!(" » {} later", span(seconds))));
    } else if (playback.speed - 1.0).abs() > 1e-9 {
        left.push(theme.say(Tone::Accent, format!(" ×{}", playback.speed)));
    }
    left.push(Span::raw(" "));
    let used = wide(&left);
    let mut right = keys(playback, theme);
    while wide(&right) + used + SHORTEST > width && !right.is_empty() {
        right.truncate(right.len().saturating_sub(2));
    }
    let room = width.saturating_sub(used + wide(&right) + 1);
    left.extend(way(playback, theme, room));
    sides(left, right, width)
}

fn wide(spans: &Spans) -> usize {
    spans.iter().map(Span::width).sum()
}

/// The most needed first: the others give way.
fn keys(playback: &Playback, theme: &Theme) -> Spans {
    let space = match playback.motion {
        Motion::Playing => "pause",
        Motion::Paused => "play",
        Motion::Over => "again",
    };
    let waits = match playback.pastime {
        Pastime::Shortened => "full waits",
        Pastime::AsItWas => "short waits",
    };
    let mut keys = vec![("space", space), ("←→", "mark"), ("+-", "speed")];
    if playback.own_pages {
        keys.insert(1, ("F", "follow"));
    }
    keys.push(("W", waits));
    keys.into_iter()
        .flat_map(|(key, words)| {
            [
                theme.say(Tone::Accent, format!(" {key}")),
                theme.say(Tone::Muted, format!(" {words}")),
            ]
        })
        .collect()
}

/// From start to end, with the marks and the place between them.
fn way(playback: &Playback, theme: &Theme, width: usize) -> Spans {
    if width < SHORTEST {
        return Vec::new();
    }
    let at = |us: i64| {
        let last = width - 1;
        let length = playback.length.max(1);
        let us = us.clamp(0, length);
        let wide = i64::try_from(last).unwrap_or(0);
        // microseconds of a year times columns stay far below the largest number
        usize::try_from(us.saturating_mul(wide) / length)
            .unwrap_or(0)
            .min(last)
    };
    let here = at(playback.us);
    let mut cells: Vec<(Tone, &'static str)> = (0..width)
        .map(|n| {
            if n <= here {
                (Tone::Ok, "━")
            } else {
                (Tone::Muted, "─")
            }
        })
        .collect();
    for mark in playback.marks.iter() {
        cells[at(mark.us)] = (Tone::Mark, sign::BREAK);
    }
    cells[here] = (Tone::Accent, sign::LIVE);
    cells
        .chunk_by(|one, other| one.0 == other.0)
        .map(|same| {
            let words: String = same.iter().map(|(_, sign)| *sign).collect();
            theme.say(same[0].0, words)
        })
        .collect()
}

/// Minutes and seconds, hours where there are some.
#[must_use]
pub fn clock(us: i64) -> String {
    let seconds = us / 1_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

fn span(seconds: f64) -> String {
    match seconds {
        0.0..100.0 => format!("{seconds:.0} s"),
        100.0..6000.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.0} h", seconds / 3600.0),
    }
}
