//! Who leads, how long its lease still lasts, and who led before.

use crate::Ui;
use crate::health;
use crate::health::Fresh;
use crate::paint::{Spans, bar, fit, sentences};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use flinklab_base::units;
use flinklab_event::{Lock, Source};
use ratatui::text::{Line, Span};

/// The lines of the panel.
pub(super) fn lines(ui: &Ui, theme: &Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let Some(lock) = ui.model.cluster.lock() else {
        let why = match health::fresh(ui, Source::Api) {
            Fresh::Lost(_) if health::unbuilt(ui).is_some() => "Nobody: nothing runs yet.",
            Fresh::Lost(_) => "Unknown: the API server does not answer.",
            Fresh::Never | Fresh::Stale(_) => "Waiting for the HA config map.",
            Fresh::Live => "No JobManager has taken the lock yet.",
        };
        return sentences(theme, Tone::Muted, why, width);
    };
    let lost = match health::fresh(ui, Source::Api) {
        Fresh::Lost(age) => Some(age),
        Fresh::Never | Fresh::Live | Fresh::Stale(_) => None,
    };
    let mut lines = vec![
        Line::from(who(ui, theme, lock, lost, width)),
        Line::from(epoch(ui, theme)),
        Line::from(lease(ui, theme, lock, lost, width)),
        Line::from(renewed(ui, theme, lock, lost)),
        Line::from(agreement(ui, theme)),
    ];
    if height > 5 {
        let line = clock(ui, theme).unwrap_or_else(|| holder(ui, theme, lock, width));
        lines.push(Line::from(line));
    }
    if height > 7 {
        lines.push(Line::default());
    }
    if height > 6 {
        lines.push(Line::from(fit(sources(ui, theme), width)));
    }
    for line in &mut lines {
        let spans = std::mem::take(&mut line.spans);
        line.spans = fit(spans, width);
    }
    lines
}

fn who(ui: &Ui, theme: &Theme, lock: &Lock, lost: Option<f64>, width: usize) -> Spans {
    let last = ui
        .model
        .cluster
        .epoch()
        .and_then(|epoch| epoch.pod.as_deref());
    let name = |room: usize| words::pod(last.unwrap_or("an unknown holder"), room);
    let (tone, sign, words) = if lost.is_some() {
        (
            Tone::Muted,
            sign::UNKNOWN,
            format!("{} led when seen last", name(width.saturating_sub(23))),
        )
    } else if lock.holder.is_empty() {
        (
            Tone::Fail,
            sign::FAIL,
            "nobody: the lock was given back".to_owned(),
        )
    } else if !ui.model.cluster.lease_fresh(ui.model.now) {
        (
            Tone::Fail,
            sign::FAIL,
            format!("nobody: {} is silent", name(width.saturating_sub(21))),
        )
    } else {
        match ui.model.cluster.leader() {
            Some(pod) => (
                Tone::Leader,
                sign::LEADER,
                words::pod(&pod.name, width.saturating_sub(4)),
            ),
            None => (
                Tone::Warn,
                sign::WARN,
                match last {
                    Some(_) => format!("{} is gone", name(width.saturating_sub(12))),
                    None => "an unknown holder has the lock".to_owned(),
                },
            ),
        }
    };
    vec![theme.say(tone, format!(" {sign} {words}"))]
}

fn epoch(ui: &Ui, theme: &Theme) -> Spans {
    let Some(epoch) = ui.model.cluster.epoch() else {
        return vec![theme.say(Tone::Muted, " no epoch seen yet")];
    };
    // an epoch that was there before us began when its lock was taken
    let taken = ui.model.cluster.lock().map(|lock| lock.acquired);
    let began = match (epoch.number, taken) {
        (1, Some(taken)) => taken.min(epoch.began),
        _ => epoch.began,
    };
    vec![
        theme.say(Tone::Plain, format!(" epoch {}", epoch.number)),
        theme.say(
            Tone::Muted,
            format!(
                " for {} · {}",
                words::age_at(ui.model.now, began),
                units::short(&epoch.id, units::ID)
            ),
        ),
    ]
}

/// The lease as what is left of it. Unknown without the API server: the holder may renew unseen.
fn lease(ui: &Ui, theme: &Theme, lock: &Lock, lost: Option<f64>, width: usize) -> Spans {
    if lock.holder.is_empty() {
        return vec![theme.say(Tone::Warn, " lease none: free to be taken")];
    }
    if lost.is_some() {
        return vec![theme.say(Tone::Warn, " lease ? unseen, API server away")];
    }
    let age = ui.model.cluster.lease_age(ui.model.now).unwrap_or(0.0);
    let left = lock.seconds - age;
    let tail = if left > 0.0 {
        format!(" {:>2.0}s of {:.0}s", left.ceil(), lock.seconds)
    } else {
        format!(" over {}", words::age(-left))
    };
    let tone = match left / lock.seconds {
        part if part <= 0.0 => Tone::Fail,
        part if part < 0.5 => Tone::Warn,
        _ => Tone::Ok,
    };
    let room = width.saturating_sub(7 + tail.len() + 1).min(40);
    let mut spans = vec![Span::raw(" lease ")];
    spans.extend(bar(theme, tone, left / lock.seconds, room));
    spans.push(theme.say(tone, tail));
    spans
}

fn renewed(ui: &Ui, theme: &Theme, lock: &Lock, lost: Option<f64>) -> Spans {
    let age = words::age_at(ui.model.now, lock.renewed);
    if let Some(lost) = lost {
        let words = format!(" renewed {age} ago, API lost {}", words::age(lost));
        return vec![theme.say(Tone::Muted, words)];
    }
    let late = words::since(ui.model.now, lock.renewed) > lock.seconds / 2.0;
    let tone = if late { Tone::Warn } else { Tone::Muted };
    let apart = ui.model.cluster.clock.behind().as_secs_f64();
    let more = match (late, lock.transitions) {
        (false, _) if apart > 0.0 => format!(" · clock {} behind", words::age(apart)),
        (false, _) if apart < 0.0 => format!(" · clock {} ahead", words::age(-apart)),
        (true, _) => ui
            .model
            .cluster
            .renewal
            .map_or_else(String::new, |usual| format!(", usual is {usual:.0}s")),
        (false, _) if alone(ui) => " · no standby".to_owned(),
        // What Flink 1.15 counts there are renewals.
        (false, _) if ui.model.cluster.counts_renewals => String::new(),
        (false, 1) => " · 1 handover".to_owned(),
        (false, n) => format!(" · {n} handovers"),
    };
    vec![theme.say(tone, format!(" renewed {age} ago{more}"))]
}

/// That the clocks differ, where they do: stamps in the lock and in logs are the node's.
fn clock(ui: &Ui, theme: &Theme) -> Option<Spans> {
    let behind = ui.model.cluster.clock.behind().as_secs_f64();
    let side = match behind {
        it if it > 0.0 => "behind",
        it if it < 0.0 => "ahead of",
        _ => return None,
    };
    let words = format!(
        " the node's clock is {} {side} this machine's",
        words::age(behind.abs())
    );
    Some(vec![theme.say(Tone::Warn, words)])
}

/// Whether the lab's operator allows one JobManager only.
fn alone(ui: &Ui) -> bool {
    let lab = ui.model.lab.as_ref();
    let operator = lab.and_then(|lab| lab.operator.as_ref());
    operator.is_some_and(|operator| operator.alone)
}

/// Who holds the lock; where an operator makes the pods, what matters more about it: that nobody
/// can stand by, and with what the map would go.
fn holder(ui: &Ui, theme: &Theme, lock: &Lock, width: usize) -> Spans {
    let operator = ui.model.lab.as_ref().and_then(|lab| lab.operator.as_ref());
    let owner = ui.model.cluster.map.as_ref();
    let owner = owner.and_then(|(_, map)| map.owner.as_deref());
    if let Some(operator) = operator {
        let alone = if operator.alone {
            format!("{} allows one JobManager", operator.kind)
        } else {
            format!("pods by {} {}", operator.kind, operator.name)
        };
        let owner = owner.map_or_else(String::new, |owner| format!(" · map goes with {owner}"));
        return vec![theme.say(Tone::Muted, format!(" {alone}{owner}"))];
    }
    let holder = match (lock.holder.as_str(), owner) {
        ("", None) => "lock free".to_owned(),
        (_, Some(owner)) => format!("map goes with {owner}"),
        (holder, None) => format!(
            "lock held by {}",
            words::cut(holder, width.saturating_sub(15))
        ),
    };
    vec![theme.say(Tone::Muted, format!(" {holder}"))]
}

/// Who leads, by three witnesses: the config map, Flink's REST, the leader's own log.
fn agreement(ui: &Ui, theme: &Theme) -> Spans {
    let leader = ui.model.cluster.leader();
    let map = match (health::fresh(ui, Source::Api), leader) {
        (Fresh::Live, Some(_)) => Some(ui.model.cluster.lease_fresh(ui.model.now)),
        (Fresh::Live, None) => Some(false),
        _ => None,
    };
    // any JobManager answers with the leader's knowledge, or says that there is no leader
    let rest = match (health::fresh(ui, Source::Flink), &ui.model.job.sample) {
        (Fresh::Live, Some((_, sample))) => Some(sample.jobs.is_ok()),
        _ => None,
    };
    let epoch = ui.model.cluster.epoch();
    let log = match (&ui.model.grant, epoch) {
        (Some((_, pod, id)), Some(epoch)) if epoch.id == *id => {
            Some(epoch.pod.as_ref().is_none_or(|known| known == pod))
        }
        // a newer one that no other witness knows
        (Some((at, ..)), Some(epoch)) if *at > epoch.began => Some(false),
        _ => None,
    };
    let all = [("map", map), ("REST", rest), ("log", log)];
    let mut spans = Vec::new();
    for (name, says) in all {
        let (tone, sign) = match says {
            Some(true) => (Tone::Ok, sign::OK),
            Some(false) => (Tone::Warn, sign::FAIL),
            None => (Tone::Muted, sign::UNKNOWN),
        };
        spans.push(theme.say(Tone::Muted, format!(" {name} ")));
        spans.push(theme.say(tone, format!("{sign} ")));
    }
    spans.push(match all.map(|(_, says)| says) {
        [Some(true), Some(true), Some(true)] => theme.say(Tone::Ok, " agree"),
        [Some(false), ..] => theme.say(Tone::Warn, " no leader"),
        says if says.contains(&Some(false)) => theme.say(Tone::Warn, " differ"),
        _ => theme.say(Tone::Muted, " not proven"),
    });
    spans
}

/// Each source with its state.
pub(super) fn sources(ui: &Ui, theme: &Theme) -> Spans {
    let mut spans = vec![Span::raw(" ")];
    for source in [Source::Api, Source::Flink, Source::Disk] {
        let (tone, sign, words) = health::fresh_words(health::fresh(ui, source));
        let name = match source {
            Source::Api => "API",
            Source::Flink => "REST",
            Source::Docker | Source::Disk => words::source(source),
        };
        spans.push(theme.say(Tone::Muted, format!("{name} ")));
        spans.push(theme.say(tone, format!("{sign} {words}  ")));
    }
    spans
}

/// Every epoch seen, the newest first.
pub(super) fn epochs(ui: &Ui, theme: &Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let epochs = &ui.model.cluster.epochs;
    if epochs.is_empty() {
        return sentences(theme, Tone::Muted, "No leader was seen yet.", width);
    }
    let mut end = ui.model.now;
    let mut lines = Vec::new();
    for (n, epoch) in epochs.iter().rev().enumerate().take(height) {
        let newest = n == 0;
        let name = epoch.pod.as_deref().unwrap_or("unknown pod");
        let (tone, sign) = if newest {
            (Tone::Leader, sign::LEADER)
        } else {
            (Tone::Plain, " ")
        };
        let lasted = words::age_at(end, epoch.began);
        let room = width.saturating_sub(26).clamp(12, 40);
        let held = if newest {
            format!("for {lasted}")
        } else {
            lasted
        };
        lines.push(Line::from(fit(
            vec![
                theme.say(tone, format!(" {sign} {:>3}  ", epoch.number)),
                theme.say(tone, format!("{:<room$} ", words::pod(name, room))),
                theme.say(Tone::Muted, words::clock(&theme.zone, epoch.began)),
                theme.say(Tone::Muted, format!("  {held}")),
            ],
            width,
        )));
        end = epoch.began;
    }
    lines
}
