//! The steps of `up` or `down`: what is done, what goes on and what it waits for, and how a
//! failure is mended.

use crate::Ui;
use crate::paint::{Focus, Spans, bar, fault, fit, panel, sentences, sides};
use crate::theme::{Theme, Tone, sign};
use crate::words;

use crate::Extent;
use crate::building;
use crate::keys::{Action as A, Keys, Scope, Section, key, line};
use crate::pages::Component;
use crate::pages::Page;
use crate::pages::States;
use flinklab_event::{Done, StepState};
use flinklab_model::Step;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// The page.
pub(super) struct ThePage;

/// What it remembers.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Whether it was left while the steps go on.
    pub left: bool,
}

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "plan",
    words: "while a lab is built",
    parent: Some(Scope::Everywhere),
    opened_by: None,
    rows: &[
        line("up", A::Up, "u", "try again"),
        key("close", A::Back, "enter", "back"),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn needs_lab(&self) -> bool {
        false
    }

    fn offers(&self, ui: &Ui, action: A) -> bool {
        let plan = &ui.model.plan;
        let stuck = plan.over() || plan.fault.is_some();
        action != A::Up || stuck && plan.done.is_none()
    }

    // the steps that go on are always in sight
    fn scroll(&self, _: &mut Ui, _: i32) {}

    fn leave(&self, ui: &mut Ui) {
        building::behind(ui);
    }

    fn goes_on(&self, picture: &mut States, live: &mut States) {
        picture.plan = live.plan.clone();
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let width = usize::from(area.width.saturating_sub(2));
        let height = usize::from(area.height.saturating_sub(2));
        let mut below = below(ui, theme, width);
        // steps are what the page is for: on small terminals they keep most of it
        let steps_at_least = match ui.model.plan.failed() {
            Some(_) => 2,
            None => ui.model.plan.steps.len().min(height * 3 / 4),
        };
        below.truncate(height.saturating_sub(steps_at_least + 1));
        let room = height.saturating_sub(below.len() + 1);
        let mut lines = steps(ui, theme, width, room);
        while lines.len() < room && lines.len() < ui.model.plan.steps.len() + 1 {
            lines.push(Line::default());
        }
        lines.extend(below);
        panel(
            frame,
            theme,
            area,
            (title(ui, theme), aside(ui, theme)),
            Focus::Here,
            lines,
        );
        Extent::new(0, 0)
    }
}

fn title(ui: &Ui, theme: &Theme) -> Spans {
    let plan = &ui.model.plan;
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

fn aside(ui: &Ui, theme: &Theme) -> Spans {
    let Some(started) = ui.model.plan.started else {
        return Vec::new();
    };
    let seconds = match &ui.model.plan.done {
        Some(
            Done::Up { seconds, .. }
            | Done::Stop { seconds, .. }
            | Done::Bundled { seconds, .. }
            | Done::Unbundled { seconds, .. }
            | Done::Down { seconds, .. },
        ) => *seconds,
        None => words::since(ui.model.plan.broke_off.unwrap_or(ui.model.now), started),
    };
    let left = ui.model.plan.remaining(ui.model.now);
    let left = left.map_or_else(String::new, |left| format!(", {left}"));
    vec![theme.say(
        Tone::Muted,
        format!("{}{left}", words::took_seconds(seconds)),
    )]
}

/// As many steps as fit; those that go on are always among them.
fn steps(ui: &Ui, theme: &Theme, width: usize, room: usize) -> Vec<Line<'static>> {
    let plan = &ui.model.plan;
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
        .map(|step| Line::from(fit(one(ui, theme, step, title), width)))
        .collect()
}

fn one(ui: &Ui, theme: &Theme, step: &Step, title: usize) -> Spans {
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
            .map(|began| words::since(ui.model.now, began))
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
fn below(ui: &Ui, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let plan = &ui.model.plan;
    if let (Some(trouble), None) = (&plan.fault, &plan.done) {
        let mut lines = fault(theme, trouble, &ui.model.flinklab(), width);
        lines.push(Line::default());
        let words = format!(
            "Everything is kept as it is for a look. {} tries again and does only what is \
             missing; {} removes it.",
            ui.key_for(Scope::Of(Page::Plan), A::Up),
            ui.model.flinklab().command("down")
        );
        lines.extend(sentences(theme, Tone::Muted, &words, width));
        return lines;
    }
    match &plan.done {
        Some(Done::Up {
            checkpoint,
            kubeconfig,
            ui: address,
            notes,
            ..
        }) => {
            let mut lines = vec![
                fact(
                    theme,
                    "checkpoint",
                    &format!("#{checkpoint}, seen by REST, pointer and disk"),
                ),
                fact(theme, "Flink UI", address),
                fact(theme, "kubeconfig", kubeconfig),
            ];
            for note in notes {
                lines.extend(sentences(
                    theme,
                    Tone::Plain,
                    &ui.model.flinklab().advise(note),
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
                &format!("u or {} starts it again", ui.model.flinklab().command("up")),
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
                ui.model.flinklab().command("up")
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
