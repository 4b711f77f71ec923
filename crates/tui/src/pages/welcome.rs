//! No lab yet: what `up` will do, what it needs, what it changes on this machine.

use super::doctor;
use crate::Extent;
use crate::Ui;
use crate::keys::{Action as A, Keys, Scope, Section, line};
use crate::pages::Component;
use crate::pages::Page;
use crate::paint::{Focus, fault, fit, panel, sentences, sight};
use crate::theme::{Theme, Tone};
use crate::words;
use flinklab_event::{Finding, Grade, Stage};
use flinklab_model::Elsewhere;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// The page.
pub(super) struct ThePage;

/// It remembers nothing.
pub(crate) type State = ();

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "welcome",
    words: "where there is no lab",
    parent: Some(Scope::Everywhere),
    opened_by: None,
    rows: &[
        line("up", A::Up, "u enter", "build the lab"),
        line("try", A::Visit(Elsewhere::Try), "t", "simulated lab"),
        line("demo", A::Visit(Elsewhere::Demo), "d", "demo"),
        line("doctor", A::Doctor, "D", "doctor"),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn needs_lab(&self) -> bool {
        false
    }

    fn offers(&self, _: &Ui, action: A) -> bool {
        action != A::Back
    }

    // without a lab all begins here
    fn leave(&self, _: &mut Ui) {}

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
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
        let (what, does) = match (ui.model.plan.goes_on(), &ui.model.stage) {
            (true, _) => ("The lab is being built.", " shows the steps."),
            (false, Stage::Kept) => (
                "This lab has no cluster now; its data is kept.",
                " builds it again:",
            ),
            (false, Stage::Built | Stage::Begun { .. }) => {
                ("There is no lab here yet.", " builds it:")
            }
        };
        let key = |action| theme.say(Tone::Busy, ui.key_for(Scope::Of(Page::Welcome), action));
        let build = Line::from(vec![
            Span::raw(format!(" {what} ")),
            key(A::Up),
            theme.say(Tone::Accent, does),
        ]);
        let elsewhere = Line::from(vec![
            Span::raw(" Without Docker: "),
            key(A::Visit(Elsewhere::Demo)),
            Span::raw(" plays a session of a real cluster, "),
            key(A::Visit(Elsewhere::Try)),
            Span::raw(" tries a simulated lab."),
        ]);
        // whoever has no Docker can look at one of these, and cannot build
        let without = ui
            .model
            .findings
            .iter()
            .any(|it| it.grade == Grade::Blocker && it.title == "Docker");
        lines.extend(if without && !ui.model.plan.goes_on() {
            [elsewhere, build]
        } else {
            [build, elsewhere]
        });
        lines.extend(found(ui, theme, key(A::Doctor), width));
        lines.push(Line::default());
        let needs = needs(ui);
        let called = ui.model.flinklab();
        let undo = format!(
            "{} removes it; {} also the data",
            called.command("down"),
            called.command("down --purge")
        );
        let facts = [("builds", BUILDS), ("needs", needs.as_str())];
        let facts = facts.into_iter().chain(FACTS);
        for (name, text) in facts.chain([("undo", undo.as_str())]) {
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
        if let Some((_, trouble)) = &ui.model.fault {
            lines.push(Line::default());
            lines.extend(fault(theme, trouble, &ui.model.flinklab(), width));
        }
        let height = usize::from(area.height.saturating_sub(2));
        let scroll = ui.screen.spot.scroll;
        let (lines, extent) = sight(theme, lines, height, (scroll, &ui.key_down()));
        let title = vec![theme.say(Tone::Accent, "Welcome to flinklab")];
        panel(frame, theme, area, (title, Vec::new()), Focus::Here, lines);
        extent
    }
}

/// What is said about it, in order, after what it needs and before how it is removed.
const FACTS: [(&str, &str); 2] = [
    (
        "takes",
        "about a minute when the images are in Docker, else as long as pulling them",
    ),
    (
        "changes",
        "one container, the Docker network kind, one folder in your data folder; your kubeconfig \
         is not touched and every port is on 127.0.0.1",
    ),
];
/// What `up` makes.
const BUILDS: &str = "a Kubernetes node in one Docker container, as kind does; in it two Flink \
                      JobManagers, two TaskManagers and a job that completes a checkpoint every 2 s";

/// What the doctor found that a person should know before.
fn found(ui: &Ui, theme: &Theme, key: Span<'static>, width: usize) -> Vec<Line<'static>> {
    let worth = |finding: &&Finding| finding.grade != Grade::Fine;
    let worth: Vec<&Finding> = ui.model.findings.iter().filter(worth).collect();
    let mut lines = Vec::new();
    if worth.is_empty() {
        let words = if ui.model.findings.is_empty() {
            " looks at what this machine has for it."
        } else {
            " tells what was looked at: nothing is in the way."
        };
        let name = theme.say(Tone::Muted, " Doctor: ");
        lines.push(Line::from(vec![name, key, Span::raw(words)]));
        return lines;
    }
    lines.push(Line::from(vec![
        theme.say(Tone::Muted, " Doctor: "),
        key,
        Span::raw(" tells why each of these matters and what mends it."),
    ]));
    for finding in worth {
        let (tone, sign) = doctor::mark(finding.grade);
        let words = format!(" {sign} {}: {}", finding.title, finding.found);
        lines.push(Line::from(fit(vec![theme.say(tone, words)], width)));
    }
    lines
}

/// What the lab needs, as the doctor reckons it.
#[expect(clippy::cast_precision_loss)] // some gigabytes
fn needs(ui: &Ui) -> String {
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / f64::from(1 << 30));
    let size = ui.model.need.as_ref().map_or_else(String::new, |need| {
        format!(
            ", {} of memory, {} of disk besides its images",
            gigabytes(need.memory),
            gigabytes(need.disk)
        )
    });
    format!("Docker{size}; no kind, kubectl, helm or root")
}
