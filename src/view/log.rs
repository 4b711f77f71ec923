//! The merged log of all pods, the newest at the bottom: lines about high availability stand out,
//! and each break is a line across, so that cause and effect share one axis.

use crate::failure::Role;
use crate::model::{Highlight, LogLine, LogShown, Model};
use crate::view::paint::{Spans, fit, sentences};
use crate::view::theme::{Theme, Tone, sign};
use crate::view::{run, words};
use ratatui::text::{Line, Span};
use std::collections::VecDeque;

/// From this width on milliseconds fit.
const WITH_MS: usize = 60;
/// From this width on the class that speaks fits.
const WITH_CLASS: usize = 112;

/// Said at every checkpoint: many of them in a row are shown as one.
const CHATTER: [&str; 2] = ["Triggering checkpoint", "Completed checkpoint"];

/// What stands beside the panel's name.
pub(super) fn aside(model: &Model, theme: &Theme) -> Spans {
    let shown = match model.screen.log_shown {
        LogShown::Flink => "",
        LogShown::Highlights => "HA lines only · ",
        LogShown::All => "with output · ",
    };
    match model.screen.log_back {
        0 => vec![theme.say(Tone::Muted, format!("{shown}following"))],
        back => vec![theme.say(Tone::Warn, format!("{shown}{back} back · G follows"))],
    }
}

/// The lines of the panel; of one role's pods, or of all.
pub(super) fn lines(
    model: &Model,
    theme: &Theme,
    width: usize,
    height: usize,
    of: Option<Role>,
) -> Vec<Line<'static>> {
    let mut breaks = run::breaks(model);
    let mut lines: VecDeque<Line<'static>> = VecDeque::with_capacity(height);
    // chatter that was folded into the line at the top, newest first
    let mut folded: Option<(&LogLine, usize)> = None;
    let following = model.screen.log_back == 0 && model.screen.log_shown != LogShown::All;
    let shown = newest_first(model).filter(|line| wanted(model, line, of));
    for line in shown.skip(model.screen.log_back) {
        // a break newer than this line stands below it
        while breaks.last().is_some_and(|(at, _)| *at > line.at) {
            let Some((at, key)) = breaks.pop() else { break };
            folded = None;
            if lines.len() < height {
                let at = words::clock_ms(&theme.zone, at);
                lines.push_front(across(theme, &at, &key, width));
            }
        }
        let chatter = following && CHATTER.iter().any(|words| line.text.contains(words));
        if let (true, Some((newest, count))) = (chatter, &mut folded) {
            *count += usize::from(line.highlight == Some(Highlight::Checkpoint));
            let words = one(model, theme, newest, width, *count);
            if let Some(top) = lines.front_mut() {
                *top = words;
            }
            continue;
        }
        if lines.len() >= height {
            break;
        }
        let done = usize::from(line.highlight == Some(Highlight::Checkpoint));
        folded = chatter.then_some((line, done));
        lines.push_front(one(model, theme, line, width, 1));
    }
    if lines.is_empty() {
        let words = match model.screen.log_shown {
            LogShown::Flink | LogShown::All => "No line was read from these pods yet.",
            LogShown::Highlights => "No line about high availability yet. v shows other lines.",
        };
        return sentences(theme, Tone::Muted, words, width);
    }
    lines.into()
}

/// Flink's lines and, where they are wanted, those of programs, merged by time.
fn newest_first(model: &Model) -> impl Iterator<Item = &LogLine> {
    let mut flink = model.logs.lines.iter().rev().peekable();
    let mut output = model.logs.output.iter().rev().peekable();
    let with_output = model.screen.log_shown == LogShown::All;
    std::iter::from_fn(move || {
        let printed = match (flink.peek(), output.peek()) {
            (Some(flink), Some(output)) => with_output && output.at > flink.at,
            (None, Some(_)) => with_output,
            (_, None) => false,
        };
        if printed { output.next() } else { flink.next() }
    })
}

fn wanted(model: &Model, line: &LogLine, of: Option<Role>) -> bool {
    let shown = match model.screen.log_shown {
        LogShown::Flink | LogShown::All => true,
        LogShown::Highlights => line.highlight.is_some(),
    };
    let role = || {
        let pods = model.cluster.pods.values();
        pods.into_iter()
            .find(|pod| pod.name == line.pod)
            .map(|pod| pod.role)
    };
    shown && of.is_none_or(|of| role().is_none_or(|role| role == of))
}

fn across(theme: &Theme, at: &str, key: &str, width: usize) -> Line<'static> {
    let words = format!("━━ {} {key} sent {at} ", sign::BREAK);
    let rest = "━".repeat(width.saturating_sub(words::columns(&words)));
    Line::from(fit(
        vec![theme.say(Tone::Mark, format!("{words}{rest}"))],
        width,
    ))
}

fn one(model: &Model, theme: &Theme, line: &LogLine, width: usize, times: usize) -> Line<'static> {
    let (level, class, message) = words::log_parts(&line.text);
    let (tone, sign) = match line.highlight {
        Some(Highlight::Leadership) => (Tone::Leader, sign::LEADER),
        Some(Highlight::Recovery) => (Tone::Busy, sign::RESTORE),
        Some(Highlight::Checkpoint) => (Tone::Ok, sign::OK),
        Some(Highlight::Error) => (Tone::Fail, sign::FAIL),
        None => match level {
            Some("ERROR") => (Tone::Fail, sign::FAIL),
            Some("WARN") => (Tone::Warn, sign::WARN),
            _ => (Tone::Muted, " "),
        },
    };
    let at = if width >= WITH_MS {
        words::clock_ms(&theme.zone, line.at)
    } else {
        words::clock(&theme.zone, line.at)
    };
    let mut spans = vec![
        theme.say(Tone::Muted, format!("{at} ")),
        theme.say(
            Tone::Muted,
            format!("{:<8} ", super::pods::tag(model, &line.pod)),
        ),
        theme.say(tone, format!("{sign} ")),
    ];
    if width >= WITH_CLASS
        && let Some(class) = class
    {
        spans.push(theme.say(Tone::Muted, format!("{:<26} ", words::cut(class, 26))));
    }
    if times > 1 {
        spans.push(theme.say(Tone::Muted, format!("×{times} ")));
    }
    // tabs of stack traces have no width of their own
    spans.push(Span::styled(message.replace('\t', "  "), theme.style(tone)));
    Line::from(fit(spans, width))
}
