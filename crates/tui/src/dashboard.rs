//! Everything at a glance. 80x24 is the size it is made for; larger terminals get more panels,
//! smaller ones one panel at a time.

use crate::paint::{Keys, Spans, framed, titles};
use crate::theme::{Theme, Tone};
use crate::{checkpoints, leader, log, pods, run, status};
use flinklab_lab::failure::Role;
use flinklab_model::{Extent, Model, Panel};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect, Spacing};

/// What can be drawn into a part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// One of the five that can have the keys.
    Main(Panel),
    /// Kubernetes events.
    Events,
    /// Who led before.
    Epochs,
    /// Finished runs.
    Past,
    /// The log of one role's pods.
    LogOf(Role),
}

/// Draws the panels into what is between status line and key line.
pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
    let parts = if area.width < 80 || area.height < 21 {
        let tabs = Rect {
            height: area.height.min(1),
            ..area
        };
        let line = status::tabs(model, theme, usize::from(area.width));
        frame.render_widget(line, tabs);
        let rest = Rect {
            y: area.y + tabs.height,
            height: area.height - tabs.height,
            ..area
        };
        vec![(Part::Main(model.screen.focus), rest)]
    } else if area.width < 120 || area.height < 36 {
        standard(model, area)
    } else if area.width < 180 || area.height < 54 {
        large(model, area)
    } else {
        huge(model, area)
    };
    // the panel with the keys comes last: shared borders take its colour
    let focus = Part::Main(model.screen.focus);
    let focused = parts.iter().find(|(part, _)| *part == focus);
    let height = focused.map_or(0, |(_, area)| usize::from(area.height.saturating_sub(2)));
    let extent = match model.screen.focus {
        // below the head of the table
        Panel::Pods => Extent::new(model.cluster.pods.len(), height.saturating_sub(1)),
        _ => Extent::new(0, height),
    };
    let (last, first): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(part, _)| *part == focus);
    let sides: Vec<_> = first
        .into_iter()
        .chain(last)
        .map(|(part, area)| (area, one(model, theme, frame, part, area)))
        .collect();
    for (area, sides) in sides {
        titles(frame, area, sides);
    }
    extent
}

fn rows<const N: usize>(area: Rect, heights: [Constraint; N]) -> [Rect; N] {
    Layout::vertical(heights)
        .spacing(Spacing::Overlap(1))
        .areas(area)
}

fn columns<const N: usize>(area: Rect, widths: [Constraint; N]) -> [Rect; N] {
    Layout::horizontal(widths)
        .spacing(Spacing::Overlap(1))
        .areas(area)
}

/// How high the row of the pods should be: all of them, within reason.
fn pod_rows(model: &Model) -> u16 {
    let count = u16::try_from(model.cluster.pods.len()).unwrap_or(u16::MAX);
    count.clamp(4, 8) + 3
}

use Constraint::{Fill, Length};

fn standard(model: &Model, area: Rect) -> Vec<(Part, Rect)> {
    let top = pod_rows(model).min(area.height / 3 + 1);
    let middle = 9 + (area.height.saturating_sub(24) / 3);
    let [top, middle, bottom] = rows(area, [Length(top), Length(middle), Fill(1)]);
    let left = Length(area.width * 9 / 16 + 1);
    let [pods, leader] = columns(top, [left, Fill(1)]);
    let [checkpoints, run] = columns(middle, [left, Fill(1)]);
    vec![
        (Part::Main(Panel::Pods), pods),
        (Part::Main(Panel::Leader), leader),
        (Part::Main(Panel::Checkpoints), checkpoints),
        (Part::Main(Panel::Run), run),
        (Part::Main(Panel::Log), bottom),
    ]
}

fn large(model: &Model, area: Rect) -> Vec<(Part, Rect)> {
    let rest = area.height.saturating_sub(pod_rows(model).max(9));
    let [top, middle, third, bottom] = rows(
        area,
        [
            Length(pod_rows(model).max(9)),
            Length(rest * 2 / 5 + 1),
            Length(7),
            Fill(1),
        ],
    );
    let half = Length(area.width * 11 / 20);
    let [pods, leader] = columns(top, [half, Fill(1)]);
    let [checkpoints, run] = columns(middle, [half, Fill(1)]);
    let [events, epochs] = columns(third, [half, Fill(1)]);
    vec![
        (Part::Main(Panel::Pods), pods),
        (Part::Main(Panel::Leader), leader),
        (Part::Main(Panel::Checkpoints), checkpoints),
        (Part::Main(Panel::Run), run),
        (Part::Events, events),
        (Part::Epochs, epochs),
        (Part::Main(Panel::Log), bottom),
    ]
}

fn huge(model: &Model, area: Rect) -> Vec<(Part, Rect)> {
    let logs = area.height * 2 / 5;
    let [top, bottom] = rows(area, [Fill(1), Length(logs)]);
    let [left, middle, right] = columns(
        top,
        [Length(area.width * 9 / 20), Fill(1), Length(area.width / 4)],
    );
    let [pods, checkpoints] = rows(left, [Length(pod_rows(model).max(9)), Fill(1)]);
    let [leader, epochs, events] = rows(middle, [Length(pod_rows(model).max(9)), Fill(1), Fill(2)]);
    let [run, past] = rows(right, [Fill(3), Fill(2)]);
    let mut parts = vec![
        (Part::Main(Panel::Pods), pods),
        (Part::Main(Panel::Leader), leader),
        (Part::Main(Panel::Checkpoints), checkpoints),
        (Part::Main(Panel::Run), run),
        (Part::Events, events),
        (Part::Epochs, epochs),
        (Part::Past, past),
    ];
    // scrolled back, the merged log has the room: two places at once cannot be read
    if model.screen.log_line.is_some() || model.screen.focus == Panel::Log {
        parts.push((Part::Main(Panel::Log), bottom));
    } else {
        let [jm, tm] = columns(bottom, [Fill(1), Fill(1)]);
        parts.push((Part::LogOf(Role::JobManager), jm));
        parts.push((Part::LogOf(Role::TaskManager), tm));
    }
    parts
}

/// Draws a part and says what its titles are.
fn one(model: &Model, theme: &Theme, frame: &mut Frame, part: Part, area: Rect) -> (Spans, Spans) {
    let width = usize::from(area.width.saturating_sub(2));
    let height = usize::from(area.height.saturating_sub(2));
    let focused = part == Part::Main(model.screen.focus);
    let keys = if focused { Keys::Here } else { Keys::Elsewhere };
    let mut aside: Spans = Vec::new();
    let lines = match part {
        Part::Main(Panel::Pods) => {
            aside = pods::aside(model, theme);
            let chosen = focused.then_some(model.screen.row);
            pods::lines(model, theme, width, height, chosen)
        }
        Part::Main(Panel::Leader) => leader::lines(model, theme, width, height),
        Part::Main(Panel::Checkpoints) => {
            aside = vec![theme.say(Tone::Muted, "kept across failovers")];
            checkpoints::lines(model, theme, width, height)
        }
        Part::Main(Panel::Run) => run::lines(model, theme, width, height),
        Part::Main(Panel::Log) => {
            aside = log::aside(model, theme);
            log::lines(model, theme, width, height, None)
        }
        Part::Events => pods::events(model, theme, width, height),
        Part::Epochs => leader::epochs(model, theme, width, height),
        Part::Past => run::past(model, theme, width, height),
        Part::LogOf(role) => {
            aside = log::aside(model, theme);
            log::lines(model, theme, width, height, Some(role))
        }
    };
    framed(frame, theme, area, keys, lines);
    (title(theme, part, keys), aside)
}

fn title(theme: &Theme, part: Part, keys: Keys) -> Spans {
    let tone = match keys {
        Keys::Here => Tone::Accent,
        Keys::Elsewhere => Tone::Plain,
    };
    let (digit, words) = match part {
        Part::Main(panel) => (Some(panel.digit()), status::title(panel).to_owned()),
        Part::Events => (None, "Kubernetes events".to_owned()),
        Part::Epochs => (None, "Epochs".to_owned()),
        Part::Past => (None, "Finished breaks".to_owned()),
        Part::LogOf(role) => (Some(Panel::Log.digit()), format!("Log of {role}s")),
    };
    let mut spans = Vec::new();
    if let Some(digit) = digit {
        spans.push(theme.say(Tone::Muted, format!("{digit} ")));
    }
    spans.push(theme.say(tone, words));
    spans
}
