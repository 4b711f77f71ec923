//! One run with everything that was seen: phases on one axis of time, each with its observer and
//! how exact it is, and the statements with their evidence.

use crate::Extent;
use crate::Scroll;
use crate::Ui;
use crate::keys::{Action as A, Keys, Scope, Section, line, own};
use crate::pages::Component;
use crate::pages::Page;
use crate::paint::{Focus, Spans, bar, fit, panel, sentences, sight};
use crate::scroll::moved;
use crate::theme::{Theme, Tone, sign};
use crate::words::Stage;
use crate::{earlier, run, words};
use flinklab_event::Effect;
use flinklab_event::{Origin, Phase, PhaseName, RunResult, Statement, Target};
use flinklab_lab::failure::Failure;
use flinklab_model::{Model, Run};
use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// A stamp coarser than this is marked.
const COARSE_MS: u32 = 250;

/// The page.
pub(super) struct ThePage;

/// What it remembers.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Which run is shown: 0 is the newest, which may still go on.
    pub back: usize,
    /// Its name, where it is not the newest.
    pub name: Option<String>,
    /// Whether earlier runs of the same failure are shown beside it.
    pub beside: bool,
}

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "timeline",
    words: "timeline",
    parent: Some(Scope::Pages),
    opened_by: Some((40, line("timeline", A::Open(Page::Run), "t", "timeline"))),
    rows: &[
        own("older", "left", "older run", |ui| other_run(ui, -1)).in_line(),
        own("newer", "right", "newer run", |ui| other_run(ui, 1)).in_line(),
        own("overlay", "o", "earlier runs", overlay).in_line(),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn opening(&self, ui: &mut Ui) -> Result<(), String> {
        if count(ui) == 0 {
            let key = ui.key_for(Scope::Pages, A::Open(Page::Failures));
            return Err(format!(
                "Nothing was broken yet. {key} shows what can be broken."
            ));
        }
        show(ui, 0);
        Ok(())
    }

    fn is_worth_opening(&self, ui: &Ui) -> bool {
        count(ui) > 0
    }

    fn offers(&self, ui: &Ui, action: A) -> bool {
        match action {
            A::Own(own) if own.name != "overlay" => count(ui) > 1,
            _ => true,
        }
    }

    fn keep(&self, ui: &mut Ui) {
        let Some(name) = ui.pages.timeline.name.as_deref() else {
            return;
        };
        let back = names(ui).skip(1).position(|run| run == name);
        if let Some(back) = back {
            ui.pages.timeline.back = back + 1;
        }
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let width = usize::from(area.width.saturating_sub(2));
        let height = usize::from(area.height.saturating_sub(2));
        let Some(shown) = shown(ui) else {
            let lines = sentences(theme, Tone::Muted, "Nothing was broken yet.", width);
            let title = vec![theme.say(Tone::Accent, "Timeline")];
            panel(frame, theme, area, (title, Vec::new()), Focus::Here, lines);
            return Extent::new(0, height);
        };
        let mut lines = phases(ui, theme, &shown, width);
        lines.push(Line::default());
        match (shown.result, ui.model.run()) {
            (Some(result), _) => {
                lines.push(Line::from(fit(run::verdict_line(theme, result), width)));
                lines.extend(statements(theme, &result.statements, Stage::Over, width));
            }
            (None, Some(run)) => {
                let words = " The verdict comes when all was seen or the time is over; so far:";
                lines.push(Line::from(theme.say(Tone::Busy, words)));
                lines.extend(statements(
                    theme,
                    &run.so_far(ui.model.now),
                    Stage::Going,
                    width,
                ));
            }
            (None, None) => {}
        }
        lines.extend(earlier::figures(ui, theme, shown.key, width));
        if let Some(failure) = failure(&ui.model, shown.key) {
            lines.push(Line::default());
            lines.extend(sentences(theme, Tone::Muted, &failure.teaches, width));
        }
        let scroll = ui.screen.spot.scroll;
        let (lines, extent) = sight(theme, lines, height, (scroll, &ui.key_down()));
        let title = vec![
            theme.say(Tone::Accent, "Timeline "),
            theme.say(Tone::Mark, format!("{} {}", sign::BREAK, shown.key)),
            theme.say(
                Tone::Muted,
                format!(" on {}", words::pod(&shown.target.pod, 40)),
            ),
        ];
        panel(
            frame,
            theme,
            area,
            (title, aside(ui, theme, &shown)),
            Focus::Here,
            lines,
        );
        extent
    }
}

/// The runs that can be shown, by name: the one that goes on, then those that are over, the newest
/// first.
fn names(ui: &Ui) -> impl Iterator<Item = &str> {
    let going = ui.model.run().into_iter();
    let going = going.map(|run| run.order.run.as_str());
    going.chain(ui.model.history().rev().map(|run| run.run.as_str()))
}

fn count(ui: &Ui) -> usize {
    names(ui).count()
}

/// Looks at another run. The newest is whichever that is.
fn show(ui: &mut Ui, back: usize) {
    let name = names(ui).nth(back).filter(|_| back > 0);
    let name = name.map(str::to_owned);
    (ui.pages.timeline.back, ui.pages.timeline.name) = (back, name);
}

fn other_run(ui: &mut Ui, by: i32) -> Vec<Effect> {
    let back = moved(ui.pages.timeline.back, -by, count(ui));
    show(ui, back);
    ui.screen.spot.scroll = Scroll::default();
    Vec::new()
}

fn overlay(ui: &mut Ui) -> Vec<Effect> {
    ui.pages.timeline.beside = !ui.pages.timeline.beside;
    Vec::new()
}

/// A run that goes on or is over, in one shape.
struct Shown<'a> {
    name: &'a str,
    key: &'a str,
    target: &'a Target,
    at: Option<Timestamp>,
    phases: Vec<(PhaseName, Option<Phase>)>,
    result: Option<&'a RunResult>,
}

/// The run that is looked at.
fn shown(ui: &Ui) -> Option<Shown<'_>> {
    let back = ui.pages.timeline.back;
    let going = usize::from(ui.model.run().is_some());
    if back < going {
        let run = ui.model.run()?;
        return Some(Shown {
            name: &run.order.run,
            key: &run.order.failure.key,
            target: &run.order.target,
            at: run::sent(run),
            phases: run::listed(&run::expected_of(run), &run.seen.phases),
            result: None,
        });
    }
    let result = ui.model.history().rev().nth(back - going)?;
    let expected = failure(&ui.model, &result.failure)
        .map(run::expected)
        .unwrap_or_default();
    Some(Shown {
        name: &result.run,
        key: &result.failure,
        target: &result.target,
        at: Some(result.at),
        phases: run::listed(&expected, &result.phases),
        result: Some(result),
    })
}

fn failure<'a>(model: &'a Model, key: &str) -> Option<&'a Failure> {
    model.failures.iter().find(|failure| failure.key == key)
}

fn aside(ui: &Ui, theme: &Theme, shown: &Shown) -> Spans {
    let count = ui.model.history().count() + usize::from(ui.model.run().is_some());
    let at = shown
        .at
        .map_or_else(String::new, |at| words::clock(&theme.zone, at));
    let origin = match shown.result.map(|result| result.origin) {
        Some(Origin::Simulated) => "simulated · ",
        Some(Origin::Recorded) => "recorded · ",
        Some(Origin::Real) | None => "",
    };
    let words = format!(
        "{origin}{at} · run {} of {count}",
        count - ui.pages.timeline.back.min(count)
    );
    vec![theme.say(Tone::Muted, words)]
}

/// One line a phase; its bar begins where the one before ended.
fn phases(ui: &Ui, theme: &Theme, shown: &Shown, width: usize) -> Vec<Line<'static>> {
    let now = shown
        .at
        .filter(|_| shown.result.is_none())
        .map(|at| i64::try_from(ui.model.now.duration_since(at).as_millis()).unwrap_or(i64::MAX));
    let longest = shown
        .phases
        .iter()
        .filter_map(|(_, seen)| seen.as_ref().map(|it| it.ms))
        .max();
    let earlier = earlier::runs(ui, shown.key, shown.name);
    let farthest = earlier::end(&earlier);
    let end = longest
        .into_iter()
        .chain(now)
        .chain(farthest)
        .max()
        .unwrap_or(0)
        .max(1000);
    let wide = width >= 100;
    let observer = if wide { 24 } else { 0 };
    let room = width.saturating_sub(40 + observer);
    let mut head = format!(" {:<18}{:>9}{:>9}  ", "PHASE", "AT", "TOOK");
    head.push_str(&scale(end, room));
    if wide {
        head.push_str("  SEEN BY");
    }
    let mut lines = vec![Line::from(theme.say(Tone::Muted, head))];
    let mut before = 0;
    let mut awaited = false;
    for (name, seen) in &shown.phases {
        let label = words::phase(*name).1;
        let Some(phase) = seen else {
            if *name == PhaseName::LeaseOver
                && let (Some(run), Some(_)) = (ui.model.run(), now)
                && let Some(lease) = lease(theme, run, ui.model.now, room)
            {
                lines.push(Line::from(fit(lease, width)));
                awaited = true;
                continue;
            }
            if *name == PhaseName::Signalled
                && let (Some(run), Some(_)) = (ui.model.run(), now)
                && let Some(words) = words::sleep(&ui.model, run, width.saturating_sub(20))
            {
                let label = theme.say(Tone::Plain, format!(" {label:<18} "));
                let line = vec![label, theme.say(Tone::Busy, words)];
                lines.push(Line::from(fit(line, width)));
                awaited = true;
                continue;
            }
            lines.push(Line::from(unseen(
                theme,
                label,
                now,
                (before, end, room),
                awaited,
            )));
            awaited = true;
            continue;
        };
        let coarse = if phase.resolution_ms > COARSE_MS {
            "±"
        } else {
            " "
        };
        let recovery = *name == PhaseName::TasksRunning;
        let tone = if recovery { Tone::Accent } else { Tone::Plain };
        let took = words::took(phase.ms.saturating_sub(before).max(0));
        let mut spans = vec![
            theme.say(tone, format!(" {label:<18}")),
            theme.say(tone, format!("{:>8}{coarse}", words::exact(phase.ms))),
            theme.say(Tone::Muted, format!("{took:>9}  ")),
        ];
        spans.extend(stretch(theme, before, phase.ms, end, room));
        if wide {
            let words = format!("{}, {} ms", phase.observer, phase.resolution_ms);
            spans.push(theme.say(Tone::Muted, format!("  {}", words::cut(&words, 22))));
        }
        lines.push(Line::from(fit(spans, width)));
        lines.extend(earlier::strip(theme, &earlier, *name, (end, room), width));
        before = before.max(phase.ms);
    }
    lines
}

/// The lease that was held at the break runs out before one's eyes.
fn lease(theme: &Theme, run: &Run, now: Timestamp, room: usize) -> Option<Spans> {
    let lasts = run.seen.lease.last.as_ref()?.seconds;
    let left = run.seen.lease.ends()?.duration_since(now).as_secs_f64();
    if left <= 0.0 {
        return None;
    }
    let mut spans = vec![
        theme.say(Tone::Plain, format!(" {:<18}", "lease runs out in")),
        theme.say(Tone::Warn, format!("{:>8} ", words::took_seconds(left))),
        theme.say(Tone::Muted, format!("{:>9}  ", format!("of {lasts:.0}s"))),
    ];
    spans.extend(bar(theme, Tone::Warn, left / lasts.max(0.1), room));
    Some(spans)
}

/// A phase that nobody has seen: awaited, or not seen at all.
fn unseen(
    theme: &Theme,
    label: &str,
    now: Option<i64>,
    (before, end, room): (i64, i64, usize),
    awaited: bool,
) -> Spans {
    let words = match now {
        Some(_) if awaited => "",
        Some(_) => "awaited",
        None => "not seen",
    };
    let mut spans = vec![
        theme.say(Tone::Muted, format!(" {label:<18}")),
        theme.say(
            if now.is_some() {
                Tone::Busy
            } else {
                Tone::Warn
            },
            format!("{words:>8}"),
        ),
        theme.say(Tone::Muted, " ".repeat(12)),
    ];
    if let (Some(now), false) = (now, awaited) {
        spans.extend(
            stretch(theme, before, now, end, room)
                .into_iter()
                .map(|span| {
                    let dots = span.content.replace('█', "░");
                    theme.say(Tone::Busy, dots)
                }),
        );
    }
    spans
}

/// 0, the half and the end of the axis.
#[expect(clippy::cast_precision_loss)] // shown in whole seconds
fn scale(end: i64, room: usize) -> String {
    let middle = words::took_seconds(end as f64 / 2000.0);
    let last = words::took_seconds(end as f64 / 1000.0);
    let half = (room / 2).saturating_sub(2);
    let rest = room.saturating_sub(2 + half.saturating_sub(2) + middle.len());
    if room < 20 {
        return " ".repeat(room);
    }
    format!(
        "0s{}{middle}{last:>rest$}",
        " ".repeat(half.saturating_sub(2))
    )
}

/// A bar from one moment to another.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
// a few dozen columns
fn stretch(theme: &Theme, from: i64, to: i64, end: i64, room: usize) -> Spans {
    let place = |ms: i64| ((ms.max(0) as f64 / end as f64) * room as f64).round() as usize;
    let (from, to) = (place(from.min(to)).min(room), place(to).min(room));
    let from = from.min(room.saturating_sub(1));
    let bar = "█".repeat((to.saturating_sub(from)).max(1).min(room));
    vec![
        theme.say(Tone::Muted, " ".repeat(from)),
        theme.say(Tone::Ok, bar),
        theme.say(
            Tone::Muted,
            " ".repeat(room.saturating_sub(to.max(from + 1))),
        ),
    ]
}

fn statements(theme: &Theme, all: &[Statement], stage: Stage, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for statement in all {
        let (tone, sign, verdict) = words::holds(statement.verdict, stage);
        let evidence = words::wrap(&statement.evidence, width.saturating_sub(30));
        let name = words::statement(statement.name);
        for (n, line) in evidence.into_iter().enumerate() {
            let (head, name) = match n {
                0 => (format!("   {sign} {verdict:<8}"), name),
                _ => (" ".repeat(13), ""),
            };
            lines.push(Line::from(vec![
                theme.say(tone, head),
                theme.say(Tone::Plain, format!("{name:<16}")),
                theme.say(Tone::Muted, line),
            ]));
        }
    }
    lines
}
