//! The line under the status line while something is away: what, since when, what that means for
//! what is seen, and that it comes back by itself or which key brings it back.

use crate::health;
use crate::health::Fresh;
use crate::paint::fit;
use crate::theme::{Theme, Tone, sign};
use crate::words;
use flinklab_event::{Link, NodeState, Source, Stage};
use flinklab_model::{Action, Model, Scope};
use ratatui::text::Line;

/// The line, if something is away.
pub(super) fn line(model: &Model, theme: &Theme, width: usize) -> Option<Line<'static>> {
    model.lab.as_ref()?;
    let (tone, sign, words) = node(model)
        .or_else(|| away(model))
        .or_else(|| unfinished(model))?;
    let words = format!(" {sign} {words}");
    Some(Line::from(fit(vec![theme.say(tone, words)], width)))
}

type Said = (Tone, &'static str, String);

/// A node that does not run explains everything else.
fn node(model: &Model) -> Option<Said> {
    let docker_lost = matches!(model.links.get(&Source::Docker), Some(Link::Lost { .. }));
    let node = model
        .nodes
        .values()
        .find(|node| node.state != NodeState::Runs)
        .filter(|_| !docker_lost)?;
    let name = &node.name;
    let age = words::age_at(model.now, node.since);
    let working = model.plan.goes_on();
    let up = model.key_for(Scope::Dashboard, Action::Up);
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
fn away(model: &Model) -> Option<Said> {
    let mut lost: Vec<_> = model
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
    let age = words::age_at(model.now, since);
    let mut text = format!("{} away for {age}, returns by itself", names.join(", "));
    let api = lost.iter().any(|(_, source, _)| *source == Source::Api);
    let still = |source| matches!(health::fresh(model, source), Fresh::Live | Fresh::Stale(_));
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
fn unfinished(model: &Model) -> Option<Said> {
    match &model.stage {
        Stage::Begun { missing } if !model.plan.goes_on() => Some((
            Tone::Warn,
            sign::WARN,
            format!(
                "This lab was begun and not finished: {missing}. {} finishes it.",
                model.key_for(Scope::Dashboard, Action::Up)
            ),
        )),
        Stage::Begun { .. } | Stage::Built | Stage::Kept => None,
    }
}
