//! One pod: who it is, what its container does, its conditions and events, and what it said before
//! its newest restart.

use crate::Ui;
use crate::health;
use crate::health::Fresh;
use crate::keys::{Action as A, Keys, Scope, Section, key, line, own};
use crate::navigate;
use crate::pages::Component;
use crate::pages::Page;
use crate::paint::{Focus, Spans, fit, panel, scrolled, sentences};
use crate::scroll::round;
use crate::theme::{Theme, Tone, sign};
use crate::typing::Towards;
use crate::{Extent, Scroll};
use crate::{log, pods, words};
use flinklab_event::Effect;
use flinklab_event::{Pod, Source};
use flinklab_lab::failure::Role;
use flinklab_model::Words;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect, Spacing};
use ratatui::text::Line;

/// From this width on events and the log before stand beside the description.
const BESIDE: u16 = 150;

/// The page.
pub(super) struct ThePage;

/// What it remembers.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Which pod it is about, by uid.
    pub uid: Option<String>,
}

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "pod",
    words: "page of a pod",
    parent: Some(Scope::Pages),
    opened_by: Some((100, key("pod", A::Open(Page::Pod), "d", "describe the pod"))),
    rows: &[
        line("previous-log", A::Previous, "p", "log before the restart"),
        own("log", "enter", "its log", its_log).in_line(),
        line("next", A::Sibling(1), "> right", "next pod"),
        key("before", A::Sibling(-1), "< left", "pod before"),
        line("find", A::Find, "/", "find"),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn opening(&self, ui: &mut Ui) -> Result<(), String> {
        let pod = navigate::chosen_pod(ui).ok_or("No pod is seen yet.")?;
        ui.pages.pod.uid = Some(pod.uid);
        Ok(())
    }

    // the lines with the words are shown alone
    fn find(&self, _: &mut Ui, _: Towards) {}

    fn sibling(&self, ui: &mut Ui, by: i32) {
        let pods = ui.model.cluster.listed_pods();
        let uid = ui.pages.pod.uid.as_ref();
        let at = pods.iter().position(|pod| Some(&pod.uid) == uid);
        let Some(next) = round(at.unwrap_or(0), by, pods.len()) else {
            return;
        };
        ui.pages.pod.uid = pods.get(next).map(|pod| pod.uid.clone());
        ui.screen.spot.scroll = Scroll::default();
    }

    fn pod<'a>(&self, ui: &'a Ui) -> Option<&'a Pod> {
        let uid = ui.pages.pod.uid.as_ref()?;
        ui.model.cluster.pods.get(uid)
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let uid = ui.pages.pod.uid.as_ref();
        let pod = uid.and_then(|uid| ui.model.cluster.pods.get(uid));
        let Some(pod) = pod else {
            let words =
                "This pod is gone. > shows the next one, esc goes back; h tells what happened.";
            let lines = sentences(theme, Tone::Muted, words, usize::from(area.width));
            let title = vec![theme.say(Tone::Accent, "Pod")];
            panel(frame, theme, area, (title, Vec::new()), Focus::Here, lines);
            return Extent::new(0, 0);
        };
        let wide = area.width >= BESIDE;
        let parts = if wide {
            Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)])
                .spacing(Spacing::Overlap(1))
                .split(area)
                .to_vec()
        } else {
            vec![area]
        };
        let width = usize::from(parts[0].width.saturating_sub(2));
        let mut lines = description(ui, theme, pod, width);
        let beside = usize::from(parts.last().unwrap_or(&area).width.saturating_sub(2));
        let mut more = events(ui, theme, pod, beside);
        more.push(Line::default());
        more.extend(before(ui, theme, pod, beside));
        let wanted = Words::of(&ui.screen.find);
        if !wanted.none() {
            let fits = |line: &Line<'static>| wanted.fit(&line.to_string());
            lines.retain(fits);
            more.retain(fits);
            if lines.is_empty() && more.is_empty() {
                let words = format!("No line with `{}`. esc shows all.", ui.screen.find);
                lines = sentences(theme, Tone::Muted, &words, width);
            }
        }
        let height = usize::from(area.height.saturating_sub(2));
        let longest = if wide {
            lines.len().max(more.len())
        } else {
            lines.len() + 1 + more.len()
        };
        // what stands beside each other moves as one page
        let scroll = Scroll::Top(ui.screen.spot.scroll.first(longest, height));
        if wide {
            let title = vec![theme.say(Tone::Plain, "Events and the log before")];
            let (more, _) = scrolled(more, height, scroll);
            panel(
                frame,
                theme,
                parts[1],
                (title, Vec::new()),
                Focus::Elsewhere,
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
        let aside = match health::fresh(ui, Source::Api) {
            Fresh::Live => vec![theme.say(Tone::Muted, "as Kubernetes tells it now")],
            fresh => {
                let (tone, sign, words) = health::fresh_words(fresh);
                vec![theme.say(tone, format!("{sign} {words}"))]
            }
        };
        let (lines, _) = scrolled(lines, height, scroll);
        panel(frame, theme, parts[0], (title, aside), Focus::Here, lines);
        Extent::new(longest, height)
    }
}

/// The log of the pod.
fn its_log(ui: &mut Ui) -> Vec<Effect> {
    let pod = navigate::chosen_pod(ui);
    ui.open(Page::Log);
    ui.pages.log.pod = pod.map(|pod| pod.name);
    ui.pages.log.line = None;
    Vec::new()
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

fn description(ui: &Ui, theme: &Theme, pod: &Pod, width: usize) -> Vec<Line<'static>> {
    let lost = matches!(health::fresh(ui, Source::Api), Fresh::Lost(_));
    let role = match pod.role {
        Role::JobManager => leading(ui, pod, lost),
        Role::TaskManager => (Tone::Plain, slots(ui, pod)),
    };
    let (tone, sign, state) = match (pods::state(pod, ui.model.now), lost) {
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
            words::age_at(ui.model.now, at)
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
    if let Some(operator) = ui.model.lab.as_ref().and_then(|lab| lab.operator.as_ref()) {
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
            .map_or_else(String::new, |at| words::age_at(ui.model.now, at));
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
fn leading(ui: &Ui, pod: &Pod, lost: bool) -> (Tone, String) {
    let holds = ui.model.cluster.leader();
    let holds = holds.is_some_and(|leader| leader.uid == pod.uid);
    match (holds, lost) {
        (true, true) => (
            Tone::Muted,
            format!("{} JobManager, led when seen last", sign::UNKNOWN),
        ),
        (false, true) => (Tone::Muted, "JobManager, standby when seen last".to_owned()),
        (true, false) if ui.model.cluster.lease_fresh(ui.model.now) => {
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
fn slots(ui: &Ui, pod: &Pod) -> String {
    let Some((_, workers)) = &ui.model.job.workers else {
        return "TaskManager, slots not seen".to_owned();
    };
    let last = match health::fresh(ui, Source::Flink) {
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

fn events(ui: &Ui, theme: &Theme, pod: &Pod, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![head(theme, "Events", width)];
    let events = ui.model.cluster.events.iter().rev();
    let events: Vec<_> = events
        .filter(|event| event.object == pod.name)
        .take(30)
        .collect();
    if events.is_empty() {
        let words = "Kubernetes has said nothing about this pod since we look.";
        lines.extend(sentences(theme, Tone::Muted, words, width));
    }
    for event in events {
        let spans: Spans = pods::event(ui, theme, event, pods::Object::Left);
        lines.push(Line::from(fit(spans, width)));
    }
    lines
}

fn before(ui: &Ui, theme: &Theme, pod: &Pod, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![head(theme, "What it said before its newest restart", width)];
    let previous = ui.model.previous.as_ref().filter(|log| log.uid == pod.uid);
    match previous.map(|log| (&log.lines, log.asked)) {
        None if pod.restarts == 0 => {
            let words = "It was never restarted, so there is no log before this one.";
            lines.extend(sentences(theme, Tone::Muted, words, width));
        }
        None => {
            let words = format!(
                "{} asks for it.",
                ui.key_for(Scope::Of(Page::Pod), A::Previous)
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
            lines.extend(said.iter().map(|line| log::one(ui, theme, line, width, 1)));
        }
    }
    lines
}
