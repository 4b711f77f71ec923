//! The line under the status line while something is away: what, since when, what that means for
//! what is seen, and that it comes back by itself or which key brings it back.

use crate::Ui;
use crate::health;
use crate::health::Fresh;
use crate::paint::fit;
use crate::theme::{Theme, Tone, sign};
use crate::words;
use crate::{Action, Page, Scope};
use flinklab_event::{Link, NodeState, Source, Stage};
use ratatui::text::Line;

/// The line, if something is away.
pub(super) fn line(ui: &Ui, theme: &Theme, width: usize) -> Option<Line<'static>> {
    ui.model.lab.as_ref()?;
    let (tone, sign, words) = node(ui).or_else(|| away(ui)).or_else(|| unfinished(ui))?;
    let words = format!(" {sign} {words}");
    Some(Line::from(fit(vec![theme.say(tone, words)], width)))
}

type Said = (Tone, &'static str, String);

/// A node that does not run explains everything else.
fn node(ui: &Ui) -> Option<Said> {
    let docker_lost = matches!(ui.model.links.get(&Source::Docker), Some(Link::Lost { .. }));
    let node = ui
        .model
        .nodes
        .values()
        .find(|node| node.state != NodeState::Runs)
        .filter(|_| !docker_lost)?;
    let name = &node.name;
    let age = words::age_at(ui.model.now, node.since);
    let working = ui.model.plan.goes_on();
    let up = ui.key_for(Scope::Of(Page::Dashboard), Action::Up);
    let words = match node.state {
        NodeState::Runs => return None,
        NodeState::Paused => format!(
            "{name} is paused for {age}: `docker unpause {name}` lets it go on; all comes back by itself then."
        ),
        NodeState::Stopped if working => {
            format!("{name} is stopped for {age}; it is being started.")
        }
        NodeState::Stopped => format!("{name} is stopped for {age}: {up} starts it, data is kept."),
        NodeState::Gone if working => format!("{name} was removed; it is being built again."),
        NodeState::Gone => {
            format!("{name} was removed {age} ago: {up} builds it again, data is kept.")
        }
    };
    Some((Tone::Fail, sign::FAIL, words))
}

/// Sources that do not answer, the longest away first.
fn away(ui: &Ui) -> Option<Said> {
    let mut lost: Vec<_> = ui
        .model
        .links
        .iter()
        .filter_map(|(source, link)| match link {
            Link::Lost { since, why } => Some((*since, *source, why.as_str())),
            Link::Live { .. } => None,
        })
        .collect();
    // Without Docker nothing can be done here. The other sources are told by the status line.
    if !lost.iter().any(|(_, source, _)| *source == Source::Docker) {
        return None;
    }
    lost.sort();
    let (since, _, why) = *lost.first()?;
    let names: Vec<&str> = lost
        .iter()
        .map(|(_, source, _)| words::source(*source))
        .collect();
    let age = words::age_at(ui.model.now, since);
    let mut text = format!("{} away for {age}, returns by itself", names.join(", "));
    let api = lost.iter().any(|(_, source, _)| *source == Source::Api);
    let still = |source| matches!(health::fresh(ui, source), Fresh::Live | Fresh::Stale(_));
    let seen: Vec<&str> = [(Source::Flink, "job (NodePort)"), (Source::Disk, "files")]
        .into_iter()
        .filter(|(source, _)| api && still(*source))
        .map(|(_, words)| words)
        .collect();
    if !seen.is_empty() {
        text = format!("{text}; still live: {}", seen.join(", "));
    }
    text.push_str(&format!(" ({why})"));
    Some((Tone::Warn, sign::LOST, text))
}

/// A lab that was begun.
fn unfinished(ui: &Ui) -> Option<Said> {
    match &ui.model.stage {
        Stage::Begun { missing } if !ui.model.plan.goes_on() => Some((
            Tone::Warn,
            sign::WARN,
            format!(
                "This lab was begun and not finished: {missing}. {} finishes it.",
                ui.key_for(Scope::Of(Page::Dashboard), Action::Up)
            ),
        )),
        Stage::Begun { .. } | Stage::Built | Stage::Kept => None,
    }
}
