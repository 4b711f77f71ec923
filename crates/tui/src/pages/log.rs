//! The merged log with all of the screen: filtered, searched, marked, followed or held. The line at
//! the bottom is the chosen one.

use crate::Extent;
use crate::Ui;
use crate::keys::{Action as A, Keys, Scope, Section, key, line, own};
use crate::pages::States;
use crate::pages::{Component, Page};
use crate::paint::{Focus, Spans, fit, panel, scrolled, sentences};
use crate::scroll::{moved, round, scroll_text};
use crate::theme::{Theme, Tone, sign};
use crate::typing::{Towards, Typing, begin_typing, next};
use crate::{Scroll, navigate};
use crate::{log, words};
use flinklab_event::{Effect, LogLine};
use flinklab_model::{KeptLine, Sieve, Words};
use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// The page.
pub(super) struct ThePage;

/// What it remembers.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The line, by its number, that the log is scrolled back to; none: it follows.
    pub line: Option<u64>,
    /// Which lines are shown.
    pub shown: LogShown,
    /// Only lines of this pod, by name.
    pub pod: Option<String>,
    /// Only lines with these words.
    pub filter: String,
    /// How many columns long lines are moved to the left.
    pub side: usize,
    /// Marks of one's own, oldest first.
    pub marks: Vec<Timestamp>,
    /// Whether the chosen line is shown whole.
    pub whole: bool,
}

/// Which log lines are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogShown {
    /// What Flink says, with the chatter of checkpoints in one line.
    #[default]
    Flink,
    /// Those that speak about high availability, and errors.
    Highlights,
    /// Also what programs print.
    All,
}

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "log",
    words: "page of the log",
    parent: Some(Scope::Pages),
    opened_by: Some((20, line("log", A::Open(Page::Log), "l", "log"))),
    rows: &[
        line("find", A::Find, "/", "find"),
        own("filter", "&", "filter", filter).in_line(),
        line("lines", A::LogLines, "v", "which lines"),
        line("pod", A::Sibling(1), ">", "one pod"),
        key("pod-before", A::Sibling(-1), "<", "pod before"),
        own("mark", "m", "mark", mark).in_line(),
        key("whole", A::Enter, "enter", "whole line"),
        key("find-next", A::FindNext(1), "n", "next found"),
        key("find-before", A::FindNext(-1), "N", "found before"),
        own("right", "right", "along the line", |ui| along(ui, 8)).by_key(),
        own("left", "left", "along the line", |ui| along(ui, -8)).by_key(),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn opening(&self, ui: &mut Ui) -> Result<(), String> {
        ui.pages.log.pod = None;
        Ok(())
    }

    fn closed(&self, states: &mut States) {
        states.log.whole = false;
    }

    fn scroll(&self, ui: &mut Ui, by: i32) {
        if ui.pages.log.whole {
            scroll_text(ui, by)
        } else {
            scroll(ui, by)
        }
    }

    fn scrolled_part(&self, ui: &Ui) -> usize {
        usize::from(ui.pages.log.whole)
    }

    fn find(&self, ui: &mut Ui, towards: Towards) {
        let places = ui.found_lines();
        if let Some(back) = next(ui, &places, ui.log_back(), towards) {
            ui.set_log_back(back);
        }
    }

    fn enter(&self, ui: &mut Ui) -> Vec<Effect> {
        ui.pages.log.whole = !ui.pages.log.whole;
        ui.screen.spot.scroll = Scroll::default();
        Vec::new()
    }

    // the next pod's lines; all pods are one place more
    fn sibling(&self, ui: &mut Ui, by: i32) {
        let pods = ui.model.cluster.listed_pods();
        let name = ui.pages.log.pod.as_ref();
        let at = pods.iter().position(|pod| Some(&pod.name) == name);
        let Some(next) = round(at.map_or(0, |at| at + 1), by, pods.len() + 1) else {
            return;
        };
        let pod = next.checked_sub(1).and_then(|at| pods.get(at));
        let name = pod.map(|pod| pod.name.clone());
        if !pods.is_empty() {
            (ui.pages.log.pod, ui.pages.log.line) = (name, None);
        }
    }

    fn back(&self, ui: &mut Ui) -> bool {
        let log = &mut ui.pages.log;
        if log.whole {
            log.whole = false;
            ui.screen.spot.scroll = Scroll::default();
            return true;
        }
        let filtered = !log.filter.is_empty();
        log.filter.clear();
        filtered
    }

    fn leave(&self, ui: &mut Ui) {
        let log = &mut ui.pages.log;
        (log.line, log.side, log.pod) = (None, 0, None);
        navigate::leave(ui);
    }

    fn copied(&self, ui: &Ui) -> Option<String> {
        let line = ui.log_lines().nth(ui.log_back())?;
        Some(format!("{} {} {}", line.at, line.pod, line.text))
    }

    // lines are sifted by what was typed
    fn keep(&self, ui: &mut Ui) {
        let log = &ui.pages.log;
        ui.model.logs.sift(Sieve {
            highlights: log.shown == LogShown::Highlights,
            pod: log.pod.clone(),
            filter: Words::of(&log.filter),
            find: Words::of(&ui.screen.find),
        });
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let width = usize::from(area.width.saturating_sub(2));
        let height = usize::from(area.height.saturating_sub(2));
        let (whole, extent) = whole(ui, theme, width, height);
        let room = height.saturating_sub(whole.len());
        let mut lines = match (ui.log_lines().next().is_none(), narrowed(ui)) {
            (true, true) => {
                let words =
                    "No line fits. esc takes the filter away, > shows other pods, v other lines.";
                sentences(theme, Tone::Muted, words, width)
            }
            _ => log::lines(ui, theme, width, room, None),
        };
        if ui.pages.log.line.is_some()
            && let Some(last) = lines.last_mut()
        {
            *last = crate::paint::chosen(last, width);
        }
        if !whole.is_empty() {
            lines.resize(room, Line::default());
            lines.extend(whole);
        }
        panel(
            frame,
            theme,
            area,
            (title(ui, theme), aside(ui, theme)),
            Focus::Here,
            lines,
        );
        extent.unwrap_or(Extent::new(0, room))
    }
}

/// Marks in the log that are kept.
const MARKS: usize = 100;
/// Columns that long lines can be moved to the left.
const WIDEST: usize = 2000;

fn filter(ui: &mut Ui) -> Vec<Effect> {
    begin_typing(ui, Typing::Filter);
    Vec::new()
}

fn mark(ui: &mut Ui) -> Vec<Effect> {
    let marks = &mut ui.pages.log.marks;
    marks.push(ui.model.now);
    if marks.len() > MARKS {
        marks.remove(0);
    }
    Vec::new()
}

fn along(ui: &mut Ui, by: i32) -> Vec<Effect> {
    ui.pages.log.side = moved(ui.pages.log.side, by, WIDEST);
    Vec::new()
}

/// Shows other lines, here and on the dashboard.
pub(crate) fn other_lines(ui: &mut Ui) {
    let log = &mut ui.pages.log;
    log.line = None;
    log.shown = match log.shown {
        LogShown::Flink => LogShown::Highlights,
        LogShown::Highlights => LogShown::All,
        LogShown::All => LogShown::Flink,
    };
}

/// Scrolls the log: up is back in time.
pub(super) fn scroll(ui: &mut Ui, by: i32) {
    let count = ui.log_lines().count();
    let back = moved(ui.log_back(), by.saturating_neg(), count);
    ui.set_log_back(back);
}

impl Ui {
    /// Log lines that are shown, newest first: of the chosen pod, of the chosen kind, with the
    /// words of the filter.
    pub fn log_lines(&self) -> impl Iterator<Item = &LogLine> {
        self.shown_lines().map(|kept| &kept.line)
    }

    fn shown_lines(&self) -> impl Iterator<Item = &KeptLine> {
        let mut flink = self.model.logs.lines.iter().rev().peekable();
        let mut output = self.model.logs.output.iter().rev().peekable();
        let shown = self.pages.log.shown;
        let all = std::iter::from_fn(move || {
            let printed = match (flink.peek(), output.peek()) {
                (Some(flink), Some(output)) => shown == LogShown::All && output.at > flink.at,
                (None, Some(_)) => shown == LogShown::All,
                (_, None) => false,
            };
            if printed { output.next() } else { flink.next() }
        });
        all.filter(|line| line.fits)
    }

    /// How many lines the log is scrolled back; 0 follows. A line that is dropped leaves its place
    /// to the oldest.
    #[must_use]
    pub fn log_back(&self) -> usize {
        let Some(id) = self.pages.log.line else {
            return 0;
        };
        let mut newer = 0;
        for line in self.shown_lines() {
            if line.id == id {
                return newer;
            }
            newer += 1;
        }
        newer.saturating_sub(1)
    }

    /// Scrolls the log back to a line.
    fn set_log_back(&mut self, back: usize) {
        let line = self.shown_lines().nth(back).map(|line| line.id);
        self.pages.log.line = line.filter(|_| back > 0);
    }

    /// Where the lines are that have the words that are looked for.
    fn found_lines(&self) -> Vec<usize> {
        let lines = self.shown_lines().enumerate();
        let found = lines.filter(|(_, line)| line.found);
        found.map(|(place, _)| place).collect()
    }
}

fn narrowed(ui: &Ui) -> bool {
    let log = &ui.pages.log;
    log.pod.is_some() || !log.filter.is_empty()
}

fn title(ui: &Ui, theme: &Theme) -> Spans {
    let mut spans = vec![theme.say(Tone::Accent, "Log")];
    let of = match &ui.pages.log.pod {
        Some(pod) => format!(" of {}", words::pod(pod, 28)),
        None => " of all pods".to_owned(),
    };
    spans.push(theme.say(Tone::Plain, of));
    if !ui.pages.log.filter.is_empty() {
        spans.push(theme.say(Tone::Warn, format!(" with `{}`", ui.pages.log.filter)));
    }
    spans
}

fn aside(ui: &Ui, theme: &Theme) -> Spans {
    let mut spans = Vec::new();
    let kind = match ui.pages.log.shown {
        LogShown::Flink => "",
        LogShown::Highlights => "HA lines only · ",
        LogShown::All => "with output · ",
    };
    spans.push(theme.say(Tone::Muted, kind));
    if !ui.screen.find.is_empty() {
        let places = ui.found_lines();
        let back = ui.log_back();
        let at = places.iter().position(|place| *place == back);
        let at = at.map_or_else(String::new, |at| format!("{} of ", at + 1));
        spans.push(theme.say(Tone::Mark, format!("{at}{} found · ", places.len())));
    }
    if ui.pages.log.side > 0 {
        spans.push(theme.say(Tone::Muted, format!("→{} · ", ui.pages.log.side)));
    }
    spans.push(match ui.pages.log.line {
        None => theme.say(Tone::Ok, format!("{} following", sign::LIVE)),
        Some(_) => {
            let words = format!("{} back · G follows", ui.log_back());
            theme.say(Tone::Warn, words)
        }
    });
    spans
}

/// All of the chosen line, or as much of it as fits into half of the page.
fn whole(
    ui: &Ui,
    theme: &Theme,
    width: usize,
    height: usize,
) -> (Vec<Line<'static>>, Option<Extent>) {
    let line = ui.log_lines().nth(ui.log_back());
    let (true, Some(line)) = (ui.pages.log.whole, line) else {
        return (Vec::new(), None);
    };
    let head = vec![
        theme.say(Tone::Accent, format!(" {} ", line.pod)),
        theme.say(Tone::Muted, words::clock_ms(&theme.zone, line.at)),
    ];
    let mut lines = vec![
        Line::from(theme.say(Tone::Muted, "─".repeat(width))),
        Line::from(fit(head, width)),
    ];
    let text = sentences(theme, Tone::Plain, &line.text, width);
    let room = (height / 2).saturating_sub(lines.len());
    let (text, extent) = scrolled(text, room, ui.screen.spot.scroll);
    lines.extend(text);
    lines.truncate(height / 2);
    (lines, Some(extent))
}
