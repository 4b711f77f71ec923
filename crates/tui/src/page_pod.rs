//! One pod: who it is, what its container does, its conditions and events, and what it said before
//! its newest restart.

use crate::health;
use crate::health::Fresh;
use crate::paint::{Keys, Spans, fit, panel, scrolled, sentences};
use crate::theme::{Theme, Tone, sign};
use crate::{log, pods, words};
use flinklab_event::{Pod, Source};
use flinklab_lab::failure::Role;
use flinklab_model::{Action, Extent, Model, Scope, Scroll, Words};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect, Spacing};
use ratatui::text::Line;

/// From this width on events and the log before stand beside the description.
const BESIDE: u16 = 150;

/// Draws the page.
pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
    let uid = model.screen.pod.as_ref();
    let pod = uid.and_then(|uid| model.cluster.pods.get(uid));
    let Some(pod) = pod else {
        let words = "This pod is gone. > shows the next one, esc goes back; h tells what happened.";
        let lines = sentences(theme, Tone::Muted, words, usize::from(area.width));
        let title = vec![theme.say(Tone::Accent, "Pod")];
        panel(frame, theme, area, (title, Vec::new()), Keys::Here, lines);
        return Extent::new(0, 0);
    };
    let wide = area.width >= BESIDE;
    let parts = match wide {
        true => Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)])
            .spacing(Spacing::Overlap(1))
            .split(area)
            .to_vec(),
        false => vec![area],
    };
    let width = usize::from(parts[0].width.saturating_sub(2));
    let mut lines = description(model, theme, pod, width);
    let beside = usize::from(parts.last().unwrap_or(&area).width.saturating_sub(2));
    let mut more = events(model, theme, pod, beside);
    more.push(Line::default());
    more.extend(before(model, theme, pod, beside));
    let wanted = Words::of(&model.screen.find);
    if !wanted.none() {
        let fits = |line: &Line<'static>| wanted.fit(&line.to_string());
        lines.retain(fits);
        more.retain(fits);
        if lines.is_empty() && more.is_empty() {
            let words = format!("No line with `{}`. esc shows all.", model.screen.find);
            lines = sentences(theme, Tone::Muted, &words, width);
        }
    }
    let height = usize::from(area.height.saturating_sub(2));
    let longest = match wide {
        true => lines.len().max(more.len()),
        false => lines.len() + 1 + more.len(),
    };
    // what stands beside each other moves as one page
    let scroll = Scroll::Top(model.screen.scroll.first(longest, height));
    if wide {
        let title = vec![theme.say(Tone::Plain, "Events and the log before")];
        let (more, _) = scrolled(more, height, scroll);
        panel(
            frame,
            theme,
            parts[1],
            (title, Vec::new()),
            Keys::Elsewhere,
            more,
        );
    } else {
        lines.push(Line::default());
        lines.extend(more);
    }
    let title = vec![
        theme.say(Tone::Muted, "Pod "),
        theme.say(Tone::Accent, words::pod(&pod.name, 50)),
    ];
    let aside = match health::fresh(model, Source::Api) {
        Fresh::Live => vec![theme.say(Tone::Muted, "as Kubernetes tells it now")],
        fresh => {
            let (tone, sign, words) = health::fresh_words(fresh);
            vec![theme.say(tone, format!("{sign} {words}"))]
        }
    };
    let (lines, _) = scrolled(lines, height, scroll);
    panel(frame, theme, parts[0], (title, aside), Keys::Here, lines);
    Extent::new(longest, height)
}

fn head(theme: &Theme, text: &str, width: usize) -> Line<'static> {
    let rest = "─".repeat(width.saturating_sub(words::columns(text) + 4));
    Line::from(vec![
        theme.say(Tone::Muted, "─ "),
        theme.say(Tone::Accent, text.to_owned()),
        theme.say(Tone::Muted, format!(" {rest}")),
    ])
}

/// A name and what stands for it, wrapped under itself.
fn fact(theme: &Theme, name: &str, tone: Tone, text: &str, width: usize) -> Vec<Line<'static>> {
    let wrapped = words::wrap(text, width.saturating_sub(14));
    let lines = wrapped.into_iter().enumerate().map(|(n, line)| {
        let name = if n == 0 { name } else { "" };
        Line::from(vec![
            theme.say(Tone::Muted, format!(" {name:<11} ")),
            theme.say(tone, line),
        ])
    });
    lines.collect()
}

fn description(model: &Model, theme: &Theme, pod: &Pod, width: usize) -> Vec<Line<'static>> {
    let lost = matches!(health::fresh(model, Source::Api), Fresh::Lost(_));
    let role = match pod.role {
        Role::JobManager => leading(model, pod, lost),
        Role::TaskManager => (Tone::Plain, slots(model, pod)),
    };
    let (tone, sign, state) = match (pods::state(pod, model.now), lost) {
        (state, false) => state,
        ((_, _, state), true) => {
            let state = format!("{state} when seen last");
            (Tone::Warn, sign::UNKNOWN, state)
        }
    };
    let ago = |at| {
        format!(
            "{} ({} ago)",
            words::clock(&theme.zone, at),
            words::age_at(model.now, at)
        )
    };
    let detail = &pod.detail;
    let mut lines = Vec::new();
    let mut add = |name, tone, text: &str| {
        if !text.is_empty() {
            lines.extend(fact(theme, name, tone, text, width));
        }
    };
    add("is", role.0, &role.1);
    add("state", tone, &format!("{sign} {state}"));
    if let Some((reason, message)) = &pod.waiting {
        add("waits", Tone::Warn, format!("{reason} {message}").trim());
    }
    add("restarts", Tone::Plain, &pod.restarts.to_string());
    if let Some((code, reason, at)) = &pod.last_exit {
        let at = at.map_or_else(String::new, |at| format!(" at {}", ago(at)));
        add(
            "last exit",
            Tone::Plain,
            &format!("{code}{} {reason}{at}", signal(*code)),
        );
    }
    add(
        "runs since",
        Tone::Plain,
        &detail.started.map_or_else(String::new, ago),
    );
    add(
        "created",
        Tone::Plain,
        &pod.created.map_or_else(String::new, ago),
    );
    add(
        "address",
        Tone::Plain,
        pod.ip.as_deref().unwrap_or("none yet"),
    );
    add(
        "node",
        Tone::Plain,
        pod.node.as_deref().unwrap_or("none yet"),
    );
    add(
        "made by",
        Tone::Plain,
        detail.owner.as_deref().unwrap_or_default(),
    );
    if let Some(operator) = model.lab.as_ref().and_then(|lab| lab.operator.as_ref()) {
        add("operator", Tone::Plain, &operator.says.join(" "));
    }
    if let Some(seconds) = detail.sleeps {
        let words = format!("sleeps {seconds} s before SIGTERM when it is deleted (preStop)");
        add("its end", Tone::Plain, &words);
    }
    if detail.ends_for_good {
        add("restart", Tone::Plain, "never: another pod takes its place");
    }
    add(
        "account",
        Tone::Plain,
        detail.account.as_deref().unwrap_or_default(),
    );
    add("image", Tone::Plain, &detail.image);
    add("called with", Tone::Plain, &detail.arguments);
    add("requests", Tone::Plain, &detail.requests.join(", "));
    add("limits", Tone::Plain, &detail.limits.join(", "));
    add("mounts", Tone::Plain, &detail.mounts.join(", "));
    add("uid", Tone::Muted, &pod.uid);
    lines.push(Line::default());
    lines.push(head(theme, "Conditions", width));
    if detail.conditions.is_empty() {
        let words = "Kubernetes has not told any condition of this pod yet.";
        lines.extend(sentences(theme, Tone::Muted, words, width));
    }
    for condition in &detail.conditions {
        let (tone, sign) = match condition.status.as_str() {
            _ if lost => (Tone::Muted, sign::UNKNOWN),
            "True" => (Tone::Ok, sign::OK),
            "False" => (Tone::Warn, sign::WARN),
            _ => (Tone::Warn, sign::UNKNOWN),
        };
        let since = condition
            .since
            .map_or_else(String::new, |at| words::age_at(model.now, at));
        lines.push(Line::from(fit(
            vec![
                theme.say(
                    tone,
                    format!(" {sign} {:<28} ", words::cut(&condition.name, 28)),
                ),
                theme.say(Tone::Plain, format!("{:<8}", condition.status)),
                theme.say(Tone::Muted, format!("{since:>5}  {}", condition.reason)),
            ],
            width,
        )));
    }
    lines
}

/// Whether a JobManager leads. Whoever let its lease run out does not; without the API server that
/// is not known.
fn leading(model: &Model, pod: &Pod, lost: bool) -> (Tone, String) {
    let holds = model.cluster.leader();
    let holds = holds.is_some_and(|leader| leader.uid == pod.uid);
    match (holds, lost) {
        (true, true) => (
            Tone::Muted,
            format!("{} JobManager, led when seen last", sign::UNKNOWN),
        ),
        (false, true) => (Tone::Muted, "JobManager, standby when seen last".to_owned()),
        (true, false) if model.cluster.lease_fresh(model.now) => {
            (Tone::Leader, format!("{} JobManager, leads", sign::LEADER))
        }
        (true, false) => (
            Tone::Warn,
            format!("{} JobManager, its lease ran out", sign::WARN),
        ),
        (false, false) => (Tone::Plain, "JobManager, standby".to_owned()),
    }
}

/// What a TaskManager has for the job.
fn slots(model: &Model, pod: &Pod) -> String {
    let Some((_, workers)) = &model.job.workers else {
        return "TaskManager, slots not seen".to_owned();
    };
    let last = match health::fresh(model, Source::Flink) {
        Fresh::Live => "",
        Fresh::Never | Fresh::Stale(_) | Fresh::Lost(_) => " when seen last",
    };
    match workers
        .iter()
        .find(|one| Some(&one.host) == pod.ip.as_ref())
    {
        Some(worker) => format!(
            "TaskManager, {} of {} slots run tasks{last}",
            worker.slots.saturating_sub(worker.free),
            worker.slots
        ),
        None => format!("TaskManager, not registered with the leader{last}"),
    }
}

/// Codes above 128 are a signal's.
fn signal(code: i32) -> &'static str {
    match code {
        137 => " (SIGKILL)",
        143 => " (SIGTERM)",
        139 => " (SIGSEGV)",
        134 => " (SIGABRT)",
        _ => "",
    }
}

fn events(model: &Model, theme: &Theme, pod: &Pod, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![head(theme, "Events", width)];
    let events = model.cluster.events.iter().rev();
    let events: Vec<_> = events
        .filter(|event| event.object == pod.name)
        .take(30)
        .collect();
    if events.is_empty() {
        let words = "Kubernetes has said nothing about this pod since we look.";
        lines.extend(sentences(theme, Tone::Muted, words, width));
    }
    for event in events {
        let spans: Spans = pods::event(model, theme, event, pods::Object::Left);
        lines.push(Line::from(fit(spans, width)));
    }
    lines
}

fn before(model: &Model, theme: &Theme, pod: &Pod, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![head(theme, "What it said before its newest restart", width)];
    let previous = model.previous.as_ref().filter(|log| log.uid == pod.uid);
    match previous.map(|log| (&log.lines, log.asked)) {
        None if pod.restarts == 0 => {
            let words = "It was never restarted, so there is no log before this one.";
            lines.extend(sentences(theme, Tone::Muted, words, width));
        }
        None => {
            let words = format!(
                "{} asks for it.",
                model.key_for(Scope::Pod, Action::Previous)
            );
            lines.extend(sentences(theme, Tone::Muted, &words, width));
        }
        Some((Err(why), _)) => lines.extend(sentences(theme, Tone::Warn, why, width)),
        Some((Ok(said), asked)) => {
            let words = format!(
                "{} lines, asked at {}",
                said.len(),
                words::clock(&theme.zone, asked)
            );
            lines.extend(sentences(theme, Tone::Muted, &words, width));
            lines.extend(
                said.iter()
                    .map(|line| log::one(model, theme, line, width, 1)),
            );
        }
    }
    lines
}
