//! The merged log of all pods, the newest at the bottom: lines about high availability stand out,
//! and each break is a line across, so that cause and effect share one axis.

use crate::LogShown;
use crate::Ui;
use crate::paint::{Spans, fit, sentences};
use crate::theme::{Theme, Tone, sign};
use crate::{run, words};
use flinklab_event::{Highlight, LogLine};
use flinklab_lab::failure::Role;
use jiff::Timestamp;
use ratatui::text::{Line, Span};
use std::collections::VecDeque;

/// From this width on milliseconds fit.
const WITH_MS: usize = 60;
/// From this width on the class that speaks fits.
const WITH_CLASS: usize = 112;

/// Said at every checkpoint: many of them in a row are shown as one.
const CHATTER: [&str; 2] = ["Triggering checkpoint", "Completed checkpoint"];

/// What stands beside the panel's name.
pub(super) fn aside(ui: &Ui, theme: &Theme) -> Spans {
    let shown = match ui.pages.log.shown {
        LogShown::Flink => "",
        LogShown::Highlights => "HA lines only · ",
        LogShown::All => "with output · ",
    };
    match ui.pages.log.line {
        None => vec![theme.say(Tone::Muted, format!("{shown}following"))],
        Some(_) => {
            let words = format!("{shown}{} back · G follows", ui.log_back());
            vec![theme.say(Tone::Warn, words)]
        }
    }
}

/// The lines of the panel; of one role's pods, or of all.
pub(super) fn lines(
    ui: &Ui,
    theme: &Theme,
    width: usize,
    height: usize,
    of: Option<Role>,
) -> Vec<Line<'static>> {
    let mut breaks = marks(ui);
    let mut lines: VecDeque<Line<'static>> = VecDeque::with_capacity(height);
    // chatter that was folded into the line at the top, newest first
    let mut folded: Option<(&LogLine, usize)> = None;
    // made once, when all of them are counted: a quiet lab says little else for hours
    let finish = |lines: &mut VecDeque<Line<'static>>, folded: Option<(&LogLine, usize)>| {
        if let (Some((newest, count @ 2..)), Some(top)) = (folded, lines.front_mut()) {
            *top = one(ui, theme, newest, width, count);
        }
    };
    let following = ui.pages.log.line.is_none() && ui.pages.log.shown != LogShown::All;
    let shown = ui.log_lines().filter(|line| of_role(ui, line, of));
    for line in shown.skip(ui.log_back()) {
        // a break newer than this line stands below it
        while breaks.last().is_some_and(|(at, _)| *at > line.at) {
            let Some((at, key)) = breaks.pop() else { break };
            finish(&mut lines, folded.take());
            if lines.len() < height {
                lines.push_front(across(theme, at, &key, width));
            }
        }
        let chatter = following && CHATTER.iter().any(|words| line.text.contains(words));
        let done = usize::from(line.highlight == Some(Highlight::Checkpoint));
        if let (true, Some((_, count))) = (chatter, &mut folded) {
            *count += done;
            continue;
        }
        finish(&mut lines, folded.take());
        if lines.len() >= height {
            break;
        }
        folded = chatter.then_some((line, done));
        lines.push_front(one(ui, theme, line, width, 1));
    }
    finish(&mut lines, folded);
    if lines.is_empty() {
        let words = match ui.pages.log.shown {
            LogShown::Flink | LogShown::All => "No line was read from these pods yet.",
            LogShown::Highlights => "No line about high availability yet. v shows other lines.",
        };
        return sentences(theme, Tone::Muted, words, width);
    }
    lines.into()
}

/// Whether a line is of a pod of that role.
fn of_role(ui: &Ui, line: &LogLine, of: Option<Role>) -> bool {
    let role = || {
        let mut pods = ui.model.cluster.pods.values();
        pods.find(|pod| pod.name == line.pod).map(|pod| pod.role)
    };
    of.is_none_or(|of| role().is_none_or(|role| role == of))
}

/// Everything that stands across the log, oldest first: what was broken, and marks of one's own.
fn marks(ui: &Ui) -> Vec<(Timestamp, String)> {
    let breaks = run::breaks(ui).into_iter();
    let breaks = breaks.map(|(at, key)| (at, format!("{} {key} sent", sign::BREAK)));
    let own = ui.pages.log.marks.iter().map(|at| (*at, "mark".to_owned()));
    let mut all: Vec<(Timestamp, String)> = breaks.chain(own).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

fn across(theme: &Theme, at: Timestamp, what: &str, width: usize) -> Line<'static> {
    let words = format!("━━ {what} {} ", words::clock_ms(&theme.zone, at));
    let rest = "━".repeat(width.saturating_sub(words::columns(&words)));
    Line::from(fit(
        vec![theme.say(Tone::Mark, format!("{words}{rest}"))],
        width,
    ))
}

/// One line. Where words are looked for, they stand out.
pub(super) fn one(
    ui: &Ui,
    theme: &Theme,
    line: &LogLine,
    width: usize,
    times: usize,
) -> Line<'static> {
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
            format!("{:<8} ", super::pods::tag(ui, &line.pod)),
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
    let message = message.replace('\t', "  ");
    let message: String = message.chars().skip(ui.pages.log.side).collect();
    spans.extend(marked(theme, tone, &message, &ui.screen.find));
    Line::from(fit(spans, width))
}

/// A text with the first of the words that are looked for standing out.
fn marked(theme: &Theme, tone: Tone, text: &str, find: &str) -> Spans {
    let word = find.split_whitespace().find(|word| !word.starts_with('!'));
    let place = word.and_then(|word| {
        // offsets in lower case are those of the text only where all of it is ASCII
        let any_case = text.is_ascii() && !word.chars().any(char::is_uppercase);
        let at = if any_case {
            text.to_lowercase().find(word)
        } else {
            text.find(word)
        };
        at.map(|at| (at, at + word.len()))
    });
    let Some((from, to)) = place else {
        return vec![theme.say(tone, text.to_owned())];
    };
    let found = theme.style(tone).patch(Theme::chosen());
    vec![
        theme.say(tone, text[..from].to_owned()),
        Span::styled(text[from..to].to_owned(), found),
        theme.say(tone, text[to..].to_owned()),
    ]
}
