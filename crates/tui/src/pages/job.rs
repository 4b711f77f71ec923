//! The job: its operators with their tasks, and every exception with its root cause, those that a
//! leader of the past forgot included.

use crate::Extent;
use crate::Ui;
use crate::health;
use crate::health::Fresh;
use crate::keys::{Action as A, Keys, Scope, Section, key, line};
use crate::pages::States;
use crate::pages::{Component, Page};
use crate::paint::{Focus, chosen, fit, panel, scrolled, sentences};
use crate::scroll::{scroll_rows, scroll_text};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use crate::{RowId, Scroll};
use flinklab_base::units;
use flinklab_event::{Count, JobException, Source};
use flinklab_event::{DetailLevel, Effect};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// The page.
pub(super) struct ThePage;

/// What it remembers.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Whether the chosen exception is shown whole.
    pub whole: bool,
}

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "job",
    words: "page of the job",
    parent: Some(Scope::Pages),
    opened_by: Some((60, line("job", A::Open(Page::Job), "f", "Flink job"))),
    rows: &[
        line("whole", A::Enter, "enter", "whole exception"),
        line("find", A::Find, "/", "find"),
        key("find-next", A::FindNext(1), "n", "next found"),
        key("find-before", A::FindNext(-1), "N", "found before"),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn closed(&self, states: &mut States) {
        states.job.whole = false;
    }

    fn offers(&self, ui: &Ui, action: A) -> bool {
        action != A::Enter || !ui.model.details.exceptions.is_empty()
    }

    fn rows(&self, ui: &Ui) -> Option<Vec<RowId>> {
        let all = ui.model.details.exceptions.iter();
        Some(all.map(|one| RowId::of(&(one.at, &one.task))).collect())
    }

    fn texts(&self, ui: &Ui) -> Vec<String> {
        let all = ui.model.details.exceptions.iter();
        all.map(|one| format!("{} {} {}", one.task, one.worker, one.lines.join(" ")))
            .collect()
    }

    fn scroll(&self, ui: &mut Ui, by: i32) {
        match self.rows(ui) {
            Some(rows) if !ui.pages.job.whole => scroll_rows(ui, &rows, by),
            _ => scroll_text(ui, by),
        }
    }

    fn scrolled_part(&self, ui: &Ui) -> usize {
        usize::from(ui.pages.job.whole)
    }

    fn enter(&self, ui: &mut Ui) -> Vec<Effect> {
        ui.pages.job.whole = !ui.pages.job.whole;
        ui.screen.spot.scroll = Scroll::default();
        Vec::new()
    }

    fn back(&self, ui: &mut Ui) -> bool {
        if ui.pages.job.whole {
            self.enter(ui);
            return true;
        }
        false
    }

    fn copied(&self, ui: &Ui) -> Option<String> {
        let exception = ui.model.details.exceptions.get(ui.screen.spot.row)?;
        Some(exception.lines.join("\n"))
    }

    fn attention(&self) -> DetailLevel {
        DetailLevel::Job
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let width = usize::from(area.width.saturating_sub(2));
        let ours = ui.model.lab.as_ref().and_then(|lab| lab.job.as_deref());
        let row = ui.model.job.row(ours);
        let name = row.map_or_else(|| "Flink job".to_owned(), |row| row.name.clone());
        let title = vec![
            theme.say(Tone::Muted, "Flink job "),
            theme.say(Tone::Accent, words::cut(&name, 40)),
        ];
        let aside = match health::fresh(ui, Source::Flink) {
            Fresh::Live => vec![theme.say(
                Tone::Muted,
                format!("job id {}", units::short(ours.unwrap_or("none"), units::ID)),
            )],
            fresh => {
                let (tone, sign, words) = health::fresh_words(fresh);
                vec![theme.say(tone, format!("Flink REST {sign} {words}"))]
            }
        };
        let exception = ui.model.details.exceptions.get(ui.screen.spot.row);
        let height = usize::from(area.height.saturating_sub(2));
        let (lines, extent) = match (ui.pages.job.whole, exception) {
            (true, Some(exception)) => {
                let lines = whole(theme, exception, width);
                scrolled(lines, height, ui.screen.spot.scroll)
            }
            _ => {
                let (mut lines, chosen) = overview(ui, theme, width);
                // on a small screen what stands above gives way to the chosen exception
                let above = chosen.map_or(0, |line| (line + 1).saturating_sub(height));
                lines.drain(..above);
                let count = ui.model.details.exceptions.len();
                let above = lines.len().saturating_sub(count);
                (lines, Extent::new(count, height.saturating_sub(above)))
            }
        };
        panel(frame, theme, area, (title, aside), Focus::Here, lines);
        extent
    }
}

/// What a job says that can prove that its state is exact.
fn counted(theme: &Theme, count: &Count, width: usize) -> Line<'static> {
    let (tone, words) = match count.wrong() {
        None => (Tone::Ok, "each once: no gap, no duplicate".to_owned()),
        Some(wrong) => (Tone::Fail, wrong),
    };
    let counted = format!("   {} numbers counted, ", count.counted);
    Line::from(fit(
        vec![theme.say(Tone::Plain, counted), theme.say(tone, words)],
        width,
    ))
}

/// Everything at a glance, and which line is chosen.
fn overview(ui: &Ui, theme: &Theme, width: usize) -> (Vec<Line<'static>>, Option<usize>) {
    let mut lines = Vec::new();
    let ours = ui.model.lab.as_ref().and_then(|lab| lab.job.as_deref());
    let fresh = health::fresh(ui, Source::Flink);
    let live = fresh == Fresh::Live;
    match ui.model.job.row(ours) {
        // what was good when Flink was heard last is not good now
        Some(row) if !live => {
            let seen = ui.model.job.good.as_ref();
            let seen = seen.map_or_else(String::new, |(at, _)| {
                format!(" · as of {} ago", words::age_at(ui.model.now, *at))
            });
            let (running, total) = (row.tasks.running, row.tasks.total);
            lines.push(Line::from(fit(
                vec![
                    theme.say(Tone::Warn, format!(" {} ", sign::UNKNOWN)),
                    theme.say(
                        Tone::Muted,
                        format!("was {}, {running} of {total} tasks ran{seen}", row.state),
                    ),
                ],
                width,
            )));
            lines.push(Line::from(
                theme.say(Tone::Muted, format!("   id {}", row.id)),
            ));
        }
        None if !live => lines.extend(sentences(
            theme,
            Tone::Warn,
            "Flink does not answer, so whether it lists the job is not known.",
            width,
        )),
        Some(row) => {
            let (tone, sign) = if row.all_run() {
                (Tone::Ok, sign::OK)
            } else {
                (Tone::Warn, sign::NOW)
            };
            let since = row.started.map_or_else(String::new, |at| {
                format!(" · started {} ago", words::age_at(ui.model.now, at))
            });
            lines.push(Line::from(fit(
                vec![
                    theme.say(tone, format!(" {sign} {} ", row.state)),
                    theme.say(
                        Tone::Plain,
                        format!("{} of {} tasks run", row.tasks.running, row.tasks.total),
                    ),
                    theme.say(Tone::Muted, since),
                ],
                width,
            )));
            lines.push(Line::from(
                theme.say(Tone::Muted, format!("   id {}", row.id)),
            ));
        }
        None => lines.extend(sentences(
            theme,
            Tone::Warn,
            "Flink does not list the job.",
            width,
        )),
    }
    if ui.model.brings_its_job() {
        let words = "   application mode: each leader runs its main(), the cluster ends with it";
        lines.push(Line::from(theme.say(Tone::Muted, words::cut(words, width))));
    }
    let count = ui.model.job.count.as_ref().filter(|_| live);
    lines.extend(count.map(|count| counted(theme, count, width)));
    lines.push(Line::default());
    let name = width.saturating_sub(34).clamp(16, 80);
    let head = format!(
        "   {:<name$} {:<12} {:>6} {:>8}",
        "OPERATORS", "STATE", "TASKS", "SINCE"
    );
    lines.push(Line::from(theme.say(Tone::Muted, words::cut(&head, width))));
    let seen = ui.model.details.seen.as_ref();
    let Some((at, detail)) = seen else {
        let words = "Waiting for Flink to tell the operators.";
        lines.extend(sentences(theme, Tone::Muted, words, width));
        return (lines, None);
    };
    let age = words::since(ui.model.now, *at);
    for vertex in &detail.vertices {
        let old = age > 5.0 || !live;
        let (tone, sign) = match vertex.state.as_str() {
            _ if old => (Tone::Muted, sign::UNKNOWN),
            "RUNNING" if vertex.tasks.running == vertex.tasks.total => (Tone::Ok, sign::OK),
            "FAILED" | "CANCELED" => (Tone::Fail, sign::FAIL),
            _ => (Tone::Warn, sign::NOW),
        };
        let since = vertex
            .started
            .map_or_else(String::new, |at| words::age_at(ui.model.now, at));
        let tasks = format!("{}/{}", vertex.tasks.running, vertex.tasks.total);
        lines.push(Line::from(fit(
            vec![
                theme.say(tone, format!(" {sign} ")),
                theme.say(
                    Tone::Plain,
                    format!("{} ", words::left(&words::cut(&vertex.name, name), name)),
                ),
                theme.say(
                    tone,
                    format!("{:<12} {tasks:>6}", words::cut(&vertex.state, 12)),
                ),
                theme.say(Tone::Muted, format!(" {since:>8}")),
            ],
            width,
        )));
    }
    lines.push(Line::from(
        theme.say(Tone::Muted, format!("   as of {} ago", words::age(age))),
    ));
    lines.push(Line::default());
    let head = format!("   {:<9} {:<30} {}", "AT", "ROOT CAUSE", "TASK");
    lines.push(Line::from(theme.say(Tone::Muted, words::cut(&head, width))));
    let exceptions = &ui.model.details.exceptions;
    if exceptions.is_empty() {
        let words = if live {
            "No exception was seen: no task of this job failed since we look."
        } else {
            "No exception was seen as long as Flink was heard."
        };
        lines.extend(sentences(theme, Tone::Muted, words, width));
        return (lines, None);
    }
    let mut at = None;
    let skip = ui.screen.spot.row.saturating_sub(5);
    for (n, exception) in exceptions.iter().enumerate().skip(skip) {
        let cause = width.saturating_sub(14 + 26).max(20);
        let line = Line::from(fit(
            vec![
                theme.say(Tone::Fail, format!(" {} ", sign::FAIL)),
                theme.say(
                    Tone::Muted,
                    format!("{:<9} ", words::clock(&theme.zone, exception.at)),
                ),
                theme.say(
                    Tone::Plain,
                    format!(
                        "{} ",
                        words::left(&words::cut(plain(exception.root()), cause), cause)
                    ),
                ),
                theme.say(Tone::Muted, exception.task.clone()),
            ],
            width,
        ));
        lines.push(if n == ui.screen.spot.row {
            at = Some(lines.len());
            chosen(&line, width)
        } else {
            line
        });
    }
    (lines, at)
}

/// Without the package in front of the class.
fn plain(text: &str) -> &str {
    let (class, _) = text.split_once(':').unwrap_or((text, ""));
    let package = class.rfind('.').filter(|_| !class.contains(' '));
    package.map_or(text, |at| &text[at + 1..])
}

fn whole(theme: &Theme, exception: &JobException, width: usize) -> Vec<Line<'static>> {
    let mut lines = sentences(
        theme,
        Tone::Fail,
        &format!("root cause: {}", exception.root()),
        width,
    );
    let place = if exception.worker.is_empty() {
        exception.task.clone()
    } else {
        format!("{} on {}", exception.task, exception.worker)
    };
    lines.extend(sentences(theme, Tone::Muted, &place, width));
    lines.push(Line::default());
    for line in &exception.lines {
        let tone = if line.trim_start().starts_with("at ") {
            Tone::Muted
        } else {
            Tone::Plain
        };
        lines.push(Line::from(fit(
            vec![theme.say(tone, format!(" {line}"))],
            width,
        )));
    }
    lines
}
