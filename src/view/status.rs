//! The first and the last line of every page: which lab, is HA healthy, does the job really run,
//! how old is the newest checkpoint, how fresh is all that; and which keys there are.

use crate::model::{BINDINGS, Model, Origin, Panel, Scope, Source};
use crate::view::health::{self, Fresh};
use crate::view::paint::{Spans, sides};
use crate::view::theme::{Theme, Tone, sign};
use crate::view::words;
use ratatui::text::{Line, Span};

/// The first line.
pub(super) fn line(model: &Model, theme: &Theme, width: usize) -> Line<'static> {
    let mut left: Spans = vec![Span::raw(" "), theme.say(Tone::Accent, name(model))];
    left.push(Span::raw(" "));
    left.push(origin(model, theme));
    if model.lab.is_none() {
        return sides(left, Vec::new(), width);
    }
    let health = health::word(model);
    left.push(gap(theme));
    left.push(theme.say(health.tone, format!("{} {}", health.sign, health.word)));
    if !health.reason.is_empty() {
        left.push(theme.say(Tone::Plain, format!(": {}", health.reason)));
    }
    left.push(gap(theme));
    left.extend(tasks(model, theme));
    left.push(gap(theme));
    left.extend(checkpoint(model, theme));
    sides(left, freshness(model, theme), width)
}

/// The lab's instance.
fn name(model: &Model) -> String {
    model
        .lab
        .as_ref()
        .map_or_else(|| "flinklab".to_owned(), |lab| lab.name.clone())
}

/// Real, simulated or recorded: said on every screen.
fn origin(model: &Model, theme: &Theme) -> Span<'static> {
    match model.lab.as_ref().map(|lab| lab.origin) {
        None => Span::raw(""),
        Some(Origin::Real) => theme.say(Tone::Muted, "real"),
        Some(Origin::Simulated) => theme.say(Tone::Mark, "simulated"),
        Some(Origin::Recorded) => theme.say(Tone::Mark, "recorded"),
    }
}

fn gap(theme: &Theme) -> Span<'static> {
    theme.say(Tone::Muted, " │ ")
}

/// RUNNING may be told while tasks are only scheduled, so the count of tasks comes first.
fn tasks(model: &Model, theme: &Theme) -> Spans {
    let ours = model.lab.as_ref().and_then(|lab| lab.job.as_deref());
    let Some(row) = model.job.row(ours) else {
        return vec![theme.say(Tone::Muted, "tasks ?")];
    };
    let old = !matches!(health::fresh(model, Source::Flink), Fresh::Live);
    let tone = match row.all_run() {
        _ if old => Tone::Muted,
        true => Tone::Ok,
        false => Tone::Warn,
    };
    let state = if row.all_run() || row.state == "RUNNING" {
        String::new()
    } else {
        format!(" {}", row.state)
    };
    let mark = if old { "?" } else { "" };
    let words = format!(
        "tasks {}/{}{mark}{state}",
        row.tasks.running, row.tasks.total
    );
    vec![theme.say(tone, words)]
}

/// The newest completed checkpoint and its age.
fn checkpoint(model: &Model, theme: &Theme) -> Spans {
    let Some(newest) = model.job.newest() else {
        return vec![theme.say(Tone::Muted, "no checkpoint yet")];
    };
    let age = newest
        .acknowledged
        .or(newest.triggered)
        .map(|at| words::age_at(model.now, at));
    vec![
        theme.say(Tone::Plain, format!("checkpoint #{}", newest.id)),
        theme.say(
            Tone::Muted,
            age.map_or_else(String::new, |age| format!(" {age} ago")),
        ),
    ]
}

/// The worst of all sources; the end of the line.
fn freshness(model: &Model, theme: &Theme) -> Spans {
    let (source, fresh) = health::worst(model);
    let (tone, sign, state) = health::fresh_words(fresh);
    let words = match fresh {
        Fresh::Live => format!("{sign} {state} "),
        Fresh::Never | Fresh::Stale(_) | Fresh::Lost(_) => {
            format!("{sign} {} {state} ", words::source(source))
        }
    };
    vec![theme.say(tone, words)]
}

/// Names of panels, for terminals that show one at a time.
pub(super) fn tabs(model: &Model, theme: &Theme, width: usize) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for panel in Panel::ALL {
        let words = format!(" {} {} ", panel.digit(), title(panel));
        spans.push(if panel == model.screen.focus {
            Span::styled(words, Theme::chosen())
        } else {
            theme.say(Tone::Muted, words)
        });
    }
    sides(spans, Vec::new(), width)
}

/// What a panel is called.
pub(super) fn title(panel: Panel) -> &'static str {
    match panel {
        Panel::Pods => "Pods",
        Panel::Leader => "Leader",
        Panel::Checkpoints => "Checkpoints",
        Panel::Run => "Break",
        Panel::Log => "Log",
    }
}

/// The last line: a notice while there is one, and the keys that count here.
pub(super) fn keys(model: &Model, theme: &Theme, width: usize) -> Line<'static> {
    let scope = model.screen.page.scope();
    let keys = shown(scope, theme);
    match model.screen.notice(model.now) {
        Some(notice) => {
            let left = vec![theme.say(Tone::Mark, format!(" {} {notice}", sign::NOW))];
            let room = width.saturating_sub(words::columns(notice) + 4);
            let keys = if room > 20 {
                crate::view::paint::fit(keys, room)
            } else {
                Vec::new()
            };
            sides(left, keys, width)
        }
        None => sides(keys, Vec::new(), width),
    }
}

fn shown(scope: Scope, theme: &Theme) -> Spans {
    let mut spans = Vec::new();
    let mut place = Some(scope);
    while let Some(here) = place {
        for binding in BINDINGS.iter().filter(|it| it.scope == here && it.in_line) {
            let nowhere = binding.shown == "esc"
                && matches!(scope, Scope::Dashboard | Scope::Welcome | Scope::Plan);
            if nowhere {
                continue;
            }
            spans.push(theme.say(Tone::Accent, format!(" {}", binding.shown)));
            spans.push(theme.say(Tone::Muted, format!(" {} ", binding.words)));
        }
        place = here.parent();
    }
    spans
}
