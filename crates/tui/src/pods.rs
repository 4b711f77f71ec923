//! The pods: who leads, who is ready, who was restarted, who waits out a back-off.

use crate::Ui;
use crate::health;
use crate::health::Fresh;
use crate::paint::{Spans, sentences};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use flinklab_event::{BackOff, KubeEvent, Link, Pod, PodPhase, Source};
use jiff::Timestamp;
use ratatui::text::{Line, Span};

/// From this width on there is room for addresses and the last exit.
const WIDE: usize = 72;

/// What stands beside the panel's name.
pub(super) fn aside(ui: &Ui, theme: &Theme) -> Spans {
    if !ui.model.cluster.listed {
        return Vec::new();
    }
    if let Fresh::Lost(age) = health::fresh(ui, Source::Api) {
        return vec![theme.say(Tone::Warn, format!("as of {} ago", words::age(age)))];
    }
    let ready = ui
        .model
        .cluster
        .pods
        .values()
        .filter(|pod| pod.ready)
        .count();
    let all = ui.model.cluster.pods.len();
    let tone = if ready == all {
        Tone::Muted
    } else {
        Tone::Warn
    };
    match all {
        0 => Vec::new(),
        _ => vec![theme.say(tone, format!("{ready} of {all} ready"))],
    }
}

/// The lines of the panel.
pub(super) fn lines(
    ui: &Ui,
    theme: &Theme,
    width: usize,
    height: usize,
    chosen: Option<usize>,
) -> Vec<Line<'static>> {
    let pods = ui.model.cluster.listed_pods();
    if pods.is_empty() {
        return sentences(theme, Tone::Muted, &nothing(ui), width);
    }
    let wide = width >= WIDE;
    let fixed = if wide {
        2 + 4 + 14 + 5 + 5 + 12 + 18
    } else {
        2 + 4 + 14 + 3 + 5
    };
    let name = width.saturating_sub(fixed).clamp(8, 44);
    let mut head = format!(
        "  {:<name$} {:<3}{:<14}{:>3} {:>4}",
        "NAME", "", "STATE", "RST", "AGE"
    );
    if wide {
        head.push_str(&format!("  {:<12}{}", "ADDRESS", "LAST EXIT"));
    }
    let mut lines = vec![Line::from(theme.say(Tone::Muted, words::cut(&head, width)))];
    let lost = matches!(health::fresh(ui, Source::Api), Fresh::Lost(_));
    // whoever let its lease run out does not lead; without the API server that is not known
    let holds = lost || ui.model.cluster.lease_fresh(ui.model.now);
    let leader = ui.model.cluster.leader().filter(|_| holds);
    let leader = leader.map(|pod| pod.uid.as_str());
    // the chosen row stays in sight where there are more pods than rows
    let room = height.saturating_sub(1).max(1);
    let skip = chosen.map_or(0, |row| (row + 1).saturating_sub(room));
    for (row, pod) in pods.iter().enumerate().skip(skip).take(room) {
        let leads = leader == Some(pod.uid.as_str());
        let mut line = Line::from(spans(ui, theme, pod, leads, (name, wide)));
        if lost {
            line = Line::from(theme.say(Tone::Muted, line.to_string()));
        }
        if chosen == Some(row) {
            line = crate::paint::chosen(&line, width);
        }
        lines.push(line);
    }
    lines
}

fn spans(ui: &Ui, theme: &Theme, pod: &Pod, leads: bool, (name, wide): (usize, bool)) -> Spans {
    let (tone, sign, state) = state(pod, ui.model.now);
    let star = if leads { sign::LEADER } else { " " };
    let name_tone = if leads { Tone::Leader } else { Tone::Plain };
    let restarts = if pod.restarts > 0 {
        Tone::Warn
    } else {
        Tone::Muted
    };
    let age = pod
        .created
        .map_or_else(|| "?".to_owned(), |at| words::age_at(ui.model.now, at));
    let mut spans = vec![
        theme.say(Tone::Leader, format!("{star} ")),
        theme.say(
            name_tone,
            format!("{:<name$} ", words::pod(&pod.name, name)),
        ),
        theme.say(Tone::Muted, format!("{:<3}", words::short_role(pod.role))),
        theme.say(
            tone,
            format!("{:<14}", words::cut(&format!("{sign} {state}"), 13)),
        ),
        theme.say(restarts, format!("{:>3}", pod.restarts)),
        theme.say(Tone::Muted, format!(" {age:>4}")),
    ];
    if wide {
        let address = pod.ip.as_deref().unwrap_or("none yet");
        spans.push(theme.say(Tone::Muted, format!("  {address:<12}")));
        spans.push(theme.say(Tone::Muted, last_exit(ui, pod)));
    }
    spans
}

/// A pod's state in a word, as a person would say it.
pub(super) fn state(pod: &Pod, now: Timestamp) -> (Tone, &'static str, String) {
    if pod.deleting.is_some() {
        return (Tone::Warn, sign::WARN, "leaving".to_owned());
    }
    if let Some((reason, _)) = &pod.waiting {
        return match reason.as_str() {
            "CrashLoopBackOff" => match pod.back_off(now) {
                Some(BackOff::Left(left)) if left > 0.0 => (
                    Tone::Fail,
                    sign::FAIL,
                    format!("back-off {}", words::age(left.ceil())),
                ),
                Some(BackOff::Left(_)) => (Tone::Busy, sign::NOW, "restarting".to_owned()),
                Some(BackOff::Unknown) | None => (Tone::Fail, sign::FAIL, "back-off".to_owned()),
            },
            "ContainerCreating" | "PodInitializing" => {
                (Tone::Busy, sign::NOW, "starting".to_owned())
            }
            "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" => {
                (Tone::Fail, sign::FAIL, "no image".to_owned())
            }
            other => (Tone::Warn, sign::WARN, other.to_owned()),
        };
    }
    match pod.phase {
        PodPhase::Running if pod.ready => (Tone::Ok, sign::OK, "ready".to_owned()),
        PodPhase::Running => (Tone::Busy, sign::NOW, "not ready".to_owned()),
        PodPhase::Pending => (Tone::Busy, sign::NOW, "pending".to_owned()),
        PodPhase::Succeeded => (Tone::Warn, sign::WARN, "ended".to_owned()),
        PodPhase::Failed => (Tone::Fail, sign::FAIL, "failed".to_owned()),
        PodPhase::Unknown => (Tone::Warn, sign::UNKNOWN, "unknown".to_owned()),
    }
}

fn last_exit(ui: &Ui, pod: &Pod) -> String {
    let Some((code, reason, at)) = &pod.last_exit else {
        return String::new();
    };
    let ago = at.map_or_else(String::new, |at| {
        format!(", {} ago", words::age_at(ui.model.now, at))
    });
    format!("{code} {reason}{ago}")
}

/// Why the panel is empty.
fn nothing(ui: &Ui) -> String {
    if let Some(why) = health::unbuilt(ui) {
        return format!(
            "Nothing runs yet, {why}. {} finishes it.",
            ui.model.flinklab().command("up")
        );
    }
    match ui.model.links.get(&Source::Api) {
        Some(Link::Lost { why, .. }) => format!(
            "The API server does not answer ({why}). It is asked again and again: this comes back by itself."
        ),
        _ if ui.model.cluster.listed => {
            format!(
                "This lab has no Flink pods. {} finishes it.",
                ui.model.flinklab().command("up")
            )
        }
        _ => "Waiting for the first list of pods.".to_owned(),
    }
}

/// A pod's role where it is still known.
pub(super) fn tag(ui: &Ui, name: &str) -> String {
    let pod = ui.model.cluster.pods.values().find(|pod| pod.name == name);
    words::tag(pod.map(|pod| pod.role), name)
}

/// Kubernetes events, the newest at the end.
pub(super) fn events(ui: &Ui, theme: &Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    if ui.model.cluster.events.is_empty() {
        let words = "Kubernetes has said nothing about these pods since we look.";
        return sentences(theme, Tone::Muted, words, width);
    }
    let skip = ui.model.cluster.events.len().saturating_sub(height);
    let events = ui.model.cluster.events.iter().skip(skip);
    events
        .map(|one| {
            let spans = event(ui, theme, one, Object::Named);
            Line::from(crate::paint::fit(spans, width))
        })
        .collect()
}

/// Whether an event says about whom it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    /// It does.
    Named,
    /// The page says it.
    Left,
}

/// One event in a line.
pub(super) fn event(ui: &Ui, theme: &Theme, event: &KubeEvent, object: Object) -> Spans {
    let (tone, sign) = if event.warning {
        (Tone::Warn, sign::WARN)
    } else {
        (Tone::Plain, " ")
    };
    let times = if event.count > 1 {
        format!(" ×{}", event.count)
    } else {
        String::new()
    };
    let whom = match object {
        Object::Named => format!(" {}", tag(ui, &event.object)),
        Object::Left => String::new(),
    };
    vec![
        Span::raw(" "),
        theme.say(Tone::Muted, words::clock(&theme.zone, event.at)),
        theme.say(tone, format!(" {sign} {}", event.reason)),
        theme.say(Tone::Muted, format!("{whom}{times} ")),
        theme.say(Tone::Plain, event.message.clone()),
    ]
}
