//! The first and the last line of every page: which lab, is HA healthy, does the job really run,
//! how old is the newest checkpoint, how fresh is all that; and which keys there are.

use crate::Ui;
use crate::health;
use crate::health::Fresh;
use crate::paint::{Spans, sides};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use crate::{Action, Panel, Scope, Typing};
use flinklab_event::{Origin, Source};
use jiff::SignedDuration;
use ratatui::text::{Line, Span};

/// Seconds after which a loss is told in the key line: shorter ones are ordinary.
const GONE: f64 = 2.0;

/// The first line. What is said gets shorter until it fits; the reason gives way last of all.
pub(super) fn line(ui: &Ui, theme: &Theme, width: usize) -> Line<'static> {
    let head = vec![
        Span::raw(" "),
        theme.say(Tone::Accent, name(ui)),
        Span::raw(" "),
        origin(ui, theme),
    ];
    let mut head = head;
    if let Some(left) = ui.screen.armed_for(ui.model.now) {
        let words = format!(" ARMED {} ", words::age(left.as_secs_f64()));
        head.push(Span::raw(" "));
        head.push(Span::styled(words, Theme::chosen()));
    }
    if let Some(left) = ui.model.active_failures.first() {
        let more = match ui.model.active_failures.len() {
            1 => String::new(),
            count => format!(" +{}", count - 1),
        };
        let words = format!(" APPLIED {}{more} ", left.failure);
        head.push(Span::raw(" "));
        head.push(Span::styled(words, Theme::chosen()));
    }
    if ui.model.lab.is_none() {
        return sides(head, Vec::new(), width);
    }
    let health = health::word(ui);
    let reason = words::columns(&health.reason);
    let mut shown = Vec::new();
    for brief in [Brief::No, Brief::Checkpoint, Brief::Freshness] {
        let fixed = [
            head.clone(),
            vec![
                gap(theme),
                theme.say(health.tone, format!("{} {}", health.sign, health.word)),
            ],
        ]
        .concat();
        // where tasks are the trouble the reason says so already
        let told = brief == Brief::Freshness && health.tells_tasks;
        let tasks = if told {
            Vec::new()
        } else {
            [vec![gap(theme)], tasks(ui, theme)].concat()
        };
        let rest = [tasks, vec![gap(theme)], checkpoint(ui, theme, brief)].concat();
        let right = freshness(ui, theme, brief);
        let used: usize = [&fixed, &rest, &right]
            .into_iter()
            .flatten()
            .map(Span::width)
            .sum();
        let room = width.saturating_sub(used + 3);
        shown = fixed;
        if reason > 0 && room > 8 {
            let words = words::cut(&health.reason, room);
            shown.push(theme.say(Tone::Plain, format!(": {words}")));
        }
        shown.extend(rest);
        if reason <= room || brief == Brief::Freshness {
            return sides(shown, right, width);
        }
    }
    sides(shown, Vec::new(), width)
}

/// How much is left out so that a reason fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Brief {
    /// Nothing.
    No,
    /// Words around the checkpoint.
    Checkpoint,
    /// And the name of the source that is late.
    Freshness,
}

/// The lab's instance.
fn name(ui: &Ui) -> String {
    ui.model
        .lab
        .as_ref()
        .map_or_else(|| "flinklab".to_owned(), |lab| lab.name.clone())
}

/// Real, simulated or recorded: said on every screen.
fn origin(ui: &Ui, theme: &Theme) -> Span<'static> {
    let of_lab = ui.model.lab.as_ref().map(|lab| lab.origin);
    match of_lab.or(Some(ui.model.origin).filter(|origin| *origin != Origin::Real)) {
        None => Span::raw(""),
        Some(Origin::Real) => theme.say(Tone::Muted, "real"),
        Some(Origin::Simulated) => theme.say(Tone::Mark, "SIMULATED"),
        Some(Origin::Recorded) => theme.say(Tone::Mark, "recorded"),
    }
}

fn gap(theme: &Theme) -> Span<'static> {
    theme.say(Tone::Muted, " │ ")
}

/// RUNNING may be told while tasks are only scheduled, so the count of tasks comes first.
fn tasks(ui: &Ui, theme: &Theme) -> Spans {
    let ours = ui.model.lab.as_ref().and_then(|lab| lab.job.as_deref());
    let Some(row) = ui.model.job.row(ours) else {
        return vec![theme.say(Tone::Muted, "tasks ?")];
    };
    let old = !matches!(health::fresh(ui, Source::Flink), Fresh::Live);
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
fn checkpoint(ui: &Ui, theme: &Theme, brief: Brief) -> Spans {
    let Some((newest, since)) = ui.model.newest_completed() else {
        // that there is none is known only where somebody said so
        let words = match ui.model.job.told {
            Some(_) => "no checkpoint yet",
            None => "checkpoint ?",
        };
        return vec![theme.say(Tone::Muted, words)];
    };
    let age = since.map(|at| words::age_at(ui.model.now, at));
    let (name, ago) = if brief == Brief::No {
        ("checkpoint ", " ago")
    } else {
        ("", "")
    };
    let age = age.map_or_else(String::new, |age| format!(" {age}{ago}"));
    vec![
        theme.say(Tone::Plain, format!("{name}#{newest}")),
        theme.say(Tone::Muted, age),
    ]
}

/// The worst of all sources; the end of the line.
fn freshness(ui: &Ui, theme: &Theme, brief: Brief) -> Spans {
    if let Some(news) = ui.screen.paused {
        let words = format!("{} PAUSED +{news} ", sign::PAUSED);
        return vec![theme.say(Tone::Mark, words)];
    }
    let (source, fresh) = health::worst(ui);
    let (tone, sign, state) = health::fresh_words(fresh);
    let words = match fresh {
        Fresh::Live => format!("{sign} {state} "),
        _ if brief == Brief::Freshness => format!("{sign} {state} "),
        Fresh::Never | Fresh::Stale(_) | Fresh::Lost(_) => {
            format!("{sign} {} {state} ", words::source(source))
        }
    };
    vec![theme.say(tone, words)]
}

/// Names of panels, for terminals that show one at a time.
pub(super) fn tabs(ui: &Ui, theme: &Theme, width: usize) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for panel in Panel::ALL {
        let words = format!(" {} {} ", panel.digit(), title(panel));
        spans.push(if panel == ui.pages.dashboard.focus {
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

/// The last line: what is typed while something is, a notice while there is one, and the keys that
/// count here.
pub(super) fn keys(ui: &Ui, theme: &Theme, width: usize) -> Line<'static> {
    let prompt = match ui.screen.typing {
        Some(Typing::Find) => Some("/"),
        Some(Typing::Filter) => Some("&"),
        Some(Typing::Palette) | None => None,
    };
    if let Some(prompt) = prompt {
        let left = vec![
            theme.say(Tone::Accent, format!(" {prompt} ")),
            theme.say(Tone::Plain, ui.screen.typed.clone()),
            theme.say(Tone::Accent, "▏"),
        ];
        let help = "!word: without it · enter takes · esc leaves ";
        return sides(left, vec![theme.say(Tone::Muted, help)], width);
    }
    let scope = match ui.screen.typing {
        Some(_) => Scope::Typing,
        None => ui.screen.scope(),
    };
    match ui.screen.notice(ui.model.now) {
        Some(notice) => {
            let left = vec![theme.say(Tone::Mark, format!(" {} {notice}", sign::NOW))];
            let room = width.saturating_sub(words::columns(notice) + 4);
            let keys = if room > 20 {
                shown(ui, scope, theme, room)
            } else {
                Vec::new()
            };
            sides(left, keys, width)
        }
        None => match gone(ui, theme) {
            Some(gone) => {
                let room = width.saturating_sub(gone.iter().map(Span::width).sum::<usize>() + 1);
                sides(gone, shown(ui, scope, theme, room), width)
            }
            None => sides(shown(ui, scope, theme, width), Vec::new(), width),
        },
    }
}

/// What is gone, since when, and that nothing needs to be done about it.
fn gone(ui: &Ui, theme: &Theme) -> Option<Spans> {
    ui.model.lab.as_ref()?;
    // while it is built, what is not there yet is not gone
    if ui.model.plan.goes_on() {
        return None;
    }
    let (source, Fresh::Lost(age)) = health::worst(ui) else {
        return None;
    };
    if age < GONE {
        return None;
    }
    let since = SignedDuration::from_secs_f64(age);
    let since = ui.model.now.checked_sub(since).unwrap_or(ui.model.now);
    let (name, since) = (words::source(source), words::clock(&theme.zone, since));
    // the job is seen by another way: whether it lives is the first question
    let by_port = source == Source::Api && health::fresh(ui, Source::Flink) == Fresh::Live;
    let job = if by_port { " · job by NodePort" } else { "" };
    let words = format!(
        " {} {name} gone since {since}, returns by itself{job}",
        sign::LOST
    );
    Some(vec![theme.say(Tone::Warn, words)])
}

/// Whether a key does anything now.
fn counts(ui: &Ui, scope: Scope, action: Action) -> bool {
    match (scope, action) {
        (Scope::Present, Action::Step(_) | Action::Again) => ui.pages.lesson.run.is_some(),
        (Scope::Present | Scope::Typing, _) => true,
        (_, Action::Open(page)) => page != ui.screen.page && page.component().is_worth_opening(ui),
        _ => ui.page().offers(ui, action),
    }
}

/// The keys of a scope and its parents that fit; those that count everywhere always do.
fn shown(ui: &Ui, scope: Scope, theme: &Theme, width: usize) -> Spans {
    let of = |here: Scope| {
        let rows = ui.screen.keys.of(here);
        let rows = rows.filter(|(binding, _)| binding.in_line && counts(ui, scope, binding.action));
        let keys = rows.filter_map(|(binding, keys)| {
            let key = words::key(*keys.first()?);
            Some([
                theme.say(Tone::Accent, format!(" {key}")),
                theme.say(Tone::Muted, format!(" {} ", binding.words)),
            ])
        });
        keys.collect::<Vec<_>>()
    };
    let wide = |keys: &[Span<'static>; 2]| keys.iter().map(Span::width).sum::<usize>();
    let mut last = match scope.parent() {
        Some(_) => of(Scope::Everywhere),
        None => Vec::new(),
    };
    // beside words the keys give way, those of help and quit last
    while last.len() > 1 && last.iter().map(wide).sum::<usize>() > width {
        last.remove(0);
    }
    let mut room = width.saturating_sub(last.iter().map(wide).sum());
    let mut spans = Vec::new();
    let mut place = Some(scope).filter(|scope| *scope != Scope::Everywhere);
    while let Some(here) = place {
        for keys in of(here) {
            if wide(&keys) <= room {
                room -= wide(&keys);
                spans.extend(keys);
            }
        }
        place = here.parent().filter(|parent| *parent != Scope::Everywhere);
    }
    spans.extend(last.into_iter().flatten());
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use flinklab_event::ActiveFailure;
    use jiff::Timestamp;

    #[test]
    fn what_is_applied_is_said_on_every_page() {
        let mut ui = Ui::default();
        ui.model.active_failures.push(ActiveFailure {
            run: "r".into(),
            failure: "jm-freeze".into(),
            what: "a process is stopped".into(),
            since: Timestamp::UNIX_EPOCH,
            deadline: Timestamp::UNIX_EPOCH,
            owner: None,
        });
        let line = line(&ui, &Theme::of(&ui), 80).to_string();
        assert!(line.contains("APPLIED jm-freeze"), "{line}");
    }
}
