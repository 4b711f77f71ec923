//! The steps of `up` or `down`: what is done, what goes on and what it waits for, and how a
//! failure is mended.

use crate::paint::{Keys, Spans, bar, fault, fit, panel, sentences, sides};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use flinklab_event::{Done, StepState};
use flinklab_model::{Action, Model, Scope, Step};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Draws the page.
pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let width = usize::from(area.width.saturating_sub(2));
    let height = usize::from(area.height.saturating_sub(2));
    let mut below = below(model, theme, width);
    // steps are what the page is for: on small terminals they keep most of it
    let steps_at_least = match model.plan.failed() {
        Some(_) => 2,
        None => model.plan.steps.len().min(height * 3 / 4),
    };
    below.truncate(height.saturating_sub(steps_at_least + 1));
    let room = height.saturating_sub(below.len() + 1);
    let mut lines = steps(model, theme, width, room);
    while lines.len() < room && lines.len() < model.plan.steps.len() + 1 {
        lines.push(Line::default());
    }
    lines.extend(below);
    panel(
        frame,
        theme,
        area,
        (title(model, theme), aside(model, theme)),
        Keys::Here,
        lines,
    );
}

fn title(model: &Model, theme: &Theme) -> Spans {
    let plan = &model.plan;
    let of = plan.steps.len();
    let done = plan
        .steps
        .iter()
        .filter(|step| step.state == StepState::Done)
        .count();
    let words = match (&plan.done, plan.failed()) {
        (Some(Done::Up { .. }), _) => "The lab is ready".to_owned(),
        (Some(Done::Stop { .. }), _) => "The cluster is stopped".to_owned(),
        (Some(Done::Bundled { .. } | Done::Unbundled { .. }), _) => "Done".to_owned(),
        (Some(Done::Down { .. }), _) => "The lab is gone".to_owned(),
        (None, Some(step)) => format!("Step {} of {of} failed", step.n),
        (None, None) if of == 0 => "Looking at what there is".to_owned(),
        (None, None) => format!("{done} of {of} steps done"),
    };
    vec![theme.say(Tone::Accent, words)]
}

fn aside(model: &Model, theme: &Theme) -> Spans {
    let Some(started) = model.plan.started else {
        return Vec::new();
    };
    let seconds = match &model.plan.done {
        Some(
            Done::Up { seconds, .. }
            | Done::Stop { seconds, .. }
            | Done::Bundled { seconds, .. }
            | Done::Unbundled { seconds, .. }
            | Done::Down { seconds, .. },
        ) => *seconds,
        None => words::since(model.plan.broke_off.unwrap_or(model.now), started),
    };
    let left = model.plan.remaining(model.now);
    let left = left.map_or_else(String::new, |left| format!(", {left}"));
    vec![theme.say(
        Tone::Muted,
        format!("{}{left}", words::took_seconds(seconds)),
    )]
}

/// As many steps as fit; those that go on are always among them.
fn steps(model: &Model, theme: &Theme, width: usize, room: usize) -> Vec<Line<'static>> {
    let plan = &model.plan;
    if plan.steps.is_empty() {
        if plan.fault.is_some() {
            return Vec::new();
        }
        return sentences(theme, Tone::Muted, "The first step begins.", width);
    }
    let title = plan
        .steps
        .iter()
        .map(|step| words::columns(&step.title))
        .max()
        .unwrap_or(0);
    let title = title.clamp(12, width / 2);
    let active = plan
        .steps
        .iter()
        .rposition(|step| step.state != StepState::Waiting);
    let skip = (active.unwrap_or(0) + 3)
        .min(plan.steps.len())
        .saturating_sub(room);
    let shown = plan.steps.iter().skip(skip).take(room);
    shown
        .map(|step| Line::from(fit(one(model, theme, step, title), width)))
        .collect()
}

fn one(model: &Model, theme: &Theme, step: &Step, title: usize) -> Spans {
    let (tone, sign) = match step.state {
        StepState::Waiting => (Tone::Muted, sign::WAITS),
        StepState::Running => (Tone::Busy, sign::NOW),
        StepState::Done => (Tone::Ok, sign::OK),
        StepState::Failed => (Tone::Fail, sign::FAIL),
    };
    let seconds = step.seconds.or_else(|| {
        let running = step.state == StepState::Running;
        step.began
            .filter(|_| running)
            .map(|began| words::since(model.now, began))
    });
    let text = match step.state {
        StepState::Waiting => Tone::Muted,
        StepState::Running | StepState::Failed => Tone::Accent,
        StepState::Done => Tone::Plain,
    };
    let took = seconds.map_or_else(String::new, words::took_seconds);
    vec![
        theme.say(tone, format!(" {sign} ")),
        theme.say(Tone::Muted, format!("{:>2} ", step.n)),
        theme.say(text, format!("{:<title$} ", words::cut(&step.title, title))),
        theme.say(Tone::Muted, format!("{took:>7}  ")),
        theme.say(
            if step.state == StepState::Running {
                Tone::Plain
            } else {
                Tone::Muted
            },
            step.detail.clone(),
        ),
    ]
}

/// What stands below the steps: the bar, a fault, or what came of it.
#[expect(clippy::cast_precision_loss)] // a few steps
fn below(model: &Model, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let plan = &model.plan;
    if let (Some(trouble), None) = (&plan.fault, &plan.done) {
        let mut lines = fault(theme, trouble, &model.flinklab(), width);
        lines.push(Line::default());
        let words = format!(
            "Everything is kept as it is for a look. {} tries again and does only what is \
             missing; {} removes it.",
            model.key_for(Scope::Plan, Action::Up),
            model.flinklab().command("down")
        );
        lines.extend(sentences(theme, Tone::Muted, &words, width));
        return lines;
    }
    match &plan.done {
        Some(Done::Up {
            checkpoint,
            kubeconfig,
            ui,
            notes,
            ..
        }) => {
            let mut lines = vec![
                fact(
                    theme,
                    "checkpoint",
                    &format!("#{checkpoint}, seen by REST, pointer and disk"),
                ),
                fact(theme, "Flink UI", ui),
                fact(theme, "kubeconfig", kubeconfig),
            ];
            for note in notes {
                lines.extend(sentences(
                    theme,
                    Tone::Plain,
                    &model.flinklab().advise(note),
                    width,
                ));
            }
            lines
        }
        Some(Done::Stop { stopped, .. }) => vec![
            fact(theme, "stopped", &list(stopped)),
            fact(
                theme,
                "go on",
                &format!("u or {} starts it again", model.flinklab().command("up")),
            ),
        ],
        Some(Done::Bundled { file, images, .. }) => vec![
            fact(theme, "file", file),
            fact(theme, "images", &list(images)),
        ],
        Some(Done::Unbundled { loaded, there, .. }) => vec![
            fact(theme, "loaded", &list(loaded)),
            fact(theme, "there already", &list(there)),
        ],
        Some(Done::Down { removed, kept, .. }) => {
            vec![
                fact(theme, "removed", &list(removed)),
                fact(theme, "kept", &list(kept)),
            ]
        }
        None => {
            let done = plan
                .steps
                .iter()
                .filter(|step| step.state == StepState::Done)
                .count();
            let part = done as f64 / plan.steps.len().max(1) as f64;
            let mut left = vec![Span::raw(" ")];
            left.extend(bar(theme, Tone::Busy, part, width.saturating_sub(2)));
            let words = format!(
                "esc leaves it running; q stops it here: u or {} goes on later and does only what is \
                 missing.",
                model.flinklab().command("up")
            );
            let mut lines = vec![sides(left, Vec::new(), width), Line::default()];
            for step in plan
                .steps
                .iter()
                .filter(|step| step.state == StepState::Running)
            {
                let words = match step.detail.as_str() {
                    "" => format!("{} …", step.title),
                    detail => format!("{}: {detail}", step.title),
                };
                lines.extend(sentences(theme, Tone::Plain, &words, width));
            }
            lines.push(Line::default());
            lines.extend(sentences(theme, Tone::Muted, &words, width));
            lines
        }
    }
}

fn fact(theme: &Theme, name: &str, value: &str) -> Line<'static> {
    Line::from(vec![
        theme.say(Tone::Muted, format!(" {name:<11}")),
        theme.say(Tone::Plain, value.to_owned()),
    ])
}

fn list(words: &[String]) -> String {
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
    }
}
