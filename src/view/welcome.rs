//! No lab yet: what `up` will do, what it needs, what it changes on this machine.

use crate::model::{Model, Stage};
use crate::view::paint::{Keys, fault, panel, sentences};
use crate::view::theme::{Theme, Tone};
use crate::view::words;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// What is said about it, in order.
const FACTS: [(&str, &str); 5] = [
    (
        "builds",
        "a Kubernetes node in one Docker container, as kind does; in it two Flink JobManagers, two \
         TaskManagers and a job that completes a checkpoint every 2 s",
    ),
    (
        "needs",
        "Docker, about 4 GB of free memory and 3 GB of disk; no kind, kubectl, helm or root",
    ),
    (
        "takes",
        "about a minute when the images are in Docker, else as long as pulling them",
    ),
    (
        "changes",
        "one container, the Docker network kind, one folder in your data folder; your kubeconfig \
         is not touched and every port is on 127.0.0.1",
    ),
    (
        "undo",
        "flinklab down removes it; flinklab down --purge also the data",
    ),
];

/// Draws the page.
pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let width = usize::from(area.width.saturating_sub(2)).min(90);
    let mut lines = vec![Line::default()];
    lines.extend(sentences(
        theme,
        Tone::Accent,
        "See Flink high availability work: build a lab, break it with one key, watch it recover, \
         and get proof of what was and was not lost.",
        width,
    ));
    lines.push(Line::default());
    let (what, does) = match (model.plan.goes_on(), &model.stage) {
        (true, _) => ("The lab is being built.", " shows the steps."),
        (false, Stage::Kept) => (
            "This lab has no cluster now; its data is kept.",
            " builds it again:",
        ),
        (false, Stage::Built | Stage::Begun { .. }) => ("There is no lab here yet.", " builds it:"),
    };
    lines.push(Line::from(vec![
        Span::raw(format!(" {what} ")),
        theme.say(Tone::Busy, "u"),
        theme.say(Tone::Accent, does),
    ]));
    lines.push(Line::from(vec![
        Span::raw(" Without Docker: "),
        theme.say(Tone::Busy, "d"),
        Span::raw(" plays a session of a real cluster, "),
        theme.say(Tone::Busy, "t"),
        Span::raw(" tries a simulated lab."),
    ]));
    lines.push(Line::default());
    for (name, text) in FACTS {
        for (n, line) in words::wrap(text, width.saturating_sub(13))
            .into_iter()
            .enumerate()
        {
            let head = if n == 0 { name } else { "" };
            lines.push(Line::from(vec![
                theme.say(Tone::Muted, format!("   {head:<9}")),
                theme.say(Tone::Plain, line),
            ]));
        }
    }
    if let Some((_, trouble)) = &model.fault {
        lines.push(Line::default());
        lines.extend(fault(theme, trouble, width));
    }
    let height = usize::from(area.height.saturating_sub(2));
    let last = lines.len().saturating_sub(height);
    let lines = lines.into_iter().skip(model.screen.row.min(last)).collect();
    let title = vec![theme.say(Tone::Accent, "Welcome to flinklab")];
    panel(frame, theme, area, (title, Vec::new()), Keys::Here, lines);
}
