//! What happened, on one axis and as a list: who led when, when the job ran, what restarted, what
//! was broken. Ours: no failover forgets it.

use crate::Extent;
use crate::Ui;
use crate::keys::{Action as A, Keys, Scope, Section, key, line};
use crate::pages::Component;
use crate::pages::Page;
use crate::paint::{Focus, chosen, fit, panel, sentences};
use crate::theme::{Theme, Tone, sign};
use crate::{RowId, navigate};
use crate::{pods, words};
use flinklab_event::Lock;
use flinklab_event::{Effect, Pod};
use flinklab_model::{HistoryEntry, MomentKind};
use jiff::{SignedDuration, Timestamp};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Columns of names on the axis.
const NAMES: usize = 11;
/// Leaders that have a line of their own.
const LEADERS: usize = 4;

/// The page.
pub(super) struct ThePage;

/// It remembers nothing.
pub(crate) type State = ();

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "history",
    words: "history",
    parent: Some(Scope::Pages),
    opened_by: Some((50, line("history", A::Open(Page::History), "h", "history"))),
    rows: &[
        line("open", A::Enter, "enter", "open"),
        line("find", A::Find, "/", "find"),
        key("find-next", A::FindNext(1), "n", "next found"),
        key("find-before", A::FindNext(-1), "N", "found before"),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn rows(&self, ui: &Ui) -> Option<Vec<RowId>> {
        let newest_first = ui.model.history.list.iter().rev();
        let ids = newest_first.map(|one| RowId::of(&(one.at, one.kind, &one.what)));
        Some(ids.collect())
    }

    fn texts(&self, ui: &Ui) -> Vec<String> {
        let newest_first = ui.model.history.list.iter().rev();
        newest_first
            .map(|moment| format!("{} {}", moment.who, moment.what))
            .collect()
    }

    fn enter(&self, ui: &mut Ui) -> Vec<Effect> {
        if self.pod(ui).is_some() {
            navigate::open(ui, Page::Pod);
        } else {
            let words = "That pod is gone: its log lines are on l.";
            ui.screen.say(ui.model.now, words);
        }
        Vec::new()
    }

    fn copied(&self, ui: &Ui) -> Option<String> {
        let moment = chosen_moment(ui)?;
        Some(format!("{} {} {}", moment.at, moment.who, moment.what))
    }

    fn pod<'a>(&self, ui: &'a Ui) -> Option<&'a Pod> {
        let moment = chosen_moment(ui)?;
        let mut pods = ui.model.cluster.pods.values();
        pods.find(|pod| pod.name == moment.who)
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let width = usize::from(area.width.saturating_sub(2));
        let height = usize::from(area.height.saturating_sub(2));
        let title = vec![theme.say(Tone::Accent, "History of epochs and restarts")];
        let epochs = match ui.model.cluster.epochs.len() {
            1 => "1 epoch seen".to_owned(),
            n => format!("{n} epochs seen"),
        };
        let aside = vec![theme.say(Tone::Muted, epochs)];
        let history = &ui.model.history.list;
        let mut lines = axis(ui, theme, width);
        lines.push(Line::from(theme.say(Tone::Muted, "─".repeat(width))));
        if history.is_empty() {
            let key = ui.key_for(Scope::Pages, A::Open(Page::Failures));
            let words = format!("Nothing happened since we look. {key} lists what can be broken.");
            lines.extend(sentences(theme, Tone::Muted, &words, width));
        }
        let room = height.saturating_sub(lines.len()).max(1);
        let skip = (ui.screen.spot.row + 1).saturating_sub(room);
        for (n, moment) in history.iter().rev().enumerate().skip(skip).take(room) {
            let line = one(ui, theme, moment, width);
            lines.push(if n == ui.screen.spot.row {
                chosen(&line, width)
            } else {
                line
            });
        }
        panel(frame, theme, area, (title, aside), Focus::Here, lines);
        Extent::new(history.len(), room)
    }
}

fn chosen_moment(ui: &Ui) -> Option<&HistoryEntry> {
    ui.model.history.list.iter().rev().nth(ui.screen.spot.row)
}

fn one(ui: &Ui, theme: &Theme, moment: &HistoryEntry, width: usize) -> Line<'static> {
    let (tone, sign) = look(moment.kind);
    let who = if ui
        .model
        .cluster
        .pods
        .values()
        .any(|pod| pod.name == moment.who)
    {
        pods::tag(ui, &moment.who)
    } else {
        words::pod(&moment.who, 14)
    };
    Line::from(fit(
        vec![
            theme.say(
                Tone::Muted,
                format!(" {} ", words::clock_ms(&theme.zone, moment.at)),
            ),
            theme.say(tone, format!("{sign} ")),
            theme.say(Tone::Plain, format!("{who:<14} ")),
            theme.say(tone, moment.what.clone()),
            theme.say(
                Tone::Muted,
                format!(" · {} ago", words::age_at(ui.model.now, moment.at)),
            ),
        ],
        width,
    ))
}

fn look(kind: MomentKind) -> (Tone, &'static str) {
    match kind {
        MomentKind::Epoch => (Tone::Leader, sign::LEADER),
        MomentKind::Released | MomentKind::Expired | MomentKind::Restart | MomentKind::Went => {
            (Tone::Warn, sign::WARN)
        }
        MomentKind::Came => (Tone::Plain, sign::NOW),
        MomentKind::JobDown => (Tone::Warn, sign::NOW),
        MomentKind::JobUp | MomentKind::Back => (Tone::Ok, sign::OK),
        MomentKind::Restored => (Tone::Busy, sign::RESTORE),
        MomentKind::Break => (Tone::Mark, sign::BREAK),
        MomentKind::Lost => (Tone::Fail, sign::LOST),
    }
}

/// The window of the axis: from the first thing that matters, at least two minutes, at most one hour.
struct Window {
    from: Timestamp,
    seconds: f64,
    columns: usize,
}

impl Window {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    // a few hundred columns
    fn column(&self, at: Timestamp) -> usize {
        let part = at.duration_since(self.from).as_secs_f64() / self.seconds;
        let last = self.columns.saturating_sub(1);
        ((part.clamp(0.0, 1.0) * self.columns as f64) as usize).min(last)
    }
}

fn axis(ui: &Ui, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let columns = width.saturating_sub(NAMES + 2).max(1);
    let epochs = &ui.model.cluster.epochs;
    let shown = epochs.iter().rev().take(8).map(|epoch| epoch.began).min();
    let history = ui
        .model
        .history
        .list
        .iter()
        .rev()
        .take(40)
        .map(|moment| moment.at)
        .min();
    let first = shown
        .into_iter()
        .chain(history)
        .min()
        .unwrap_or(ui.model.now);
    let long = words::since(ui.model.now, first).clamp(120.0, 3600.0) * 1.02;
    let from = ui
        .model
        .now
        .checked_sub(SignedDuration::from_secs_f64(long))
        .unwrap_or(first);
    let window = Window {
        from,
        seconds: long,
        columns,
    };
    let mut leaders: Vec<&str> = Vec::new();
    for epoch in epochs.iter().rev() {
        let name = epoch.pod.as_deref().unwrap_or("unknown");
        if !leaders.contains(&name) && leaders.len() < LEADERS {
            leaders.push(name);
        }
    }
    leaders.sort_unstable();
    let mut lines = Vec::new();
    for name in leaders {
        let mut cells = vec![(Tone::Muted, "·"); columns];
        for (n, epoch) in epochs.iter().enumerate() {
            if epoch.pod.as_deref().unwrap_or("unknown") != name {
                continue;
            }
            // the last one leads as long as its lease lasts, as far as that is known
            let lasts = ui.model.cluster.lock().map_or(ui.model.now, Lock::ends);
            let end = epochs
                .get(n + 1)
                .map_or(lasts.min(ui.model.now), |next| next.began)
                .max(epoch.began);
            if end < window.from {
                continue;
            }
            for cell in &mut cells[window.column(epoch.began)..=window.column(end)] {
                *cell = (Tone::Leader, "█");
            }
        }
        let name = format!("{} {}", sign::LEADER, pods::tag(ui, name));
        lines.push(strip(theme, &name, &cells));
    }
    if lines.is_empty() {
        lines.extend(sentences(
            theme,
            Tone::Muted,
            "No leader was seen yet.",
            width,
        ));
    }
    lines.push(strip(theme, "job", &job(ui, &window)));
    let mut cells = vec![(Tone::Muted, " "); columns];
    for moment in &ui.model.history.list {
        let mark = matches!(
            moment.kind,
            MomentKind::Break | MomentKind::Restart | MomentKind::Restored | MomentKind::Lost
        );
        if mark && moment.at >= window.from {
            let cell = &mut cells[window.column(moment.at)];
            // what we did ourselves is never covered by what followed from it
            if cell.1 != sign::BREAK {
                *cell = look(moment.kind);
            }
        }
    }
    lines.push(strip(theme, "happened", &cells));
    let left = format!("{} ago", words::age(long));
    let room = columns.saturating_sub(words::columns(&left) + 3);
    lines.push(Line::from(fit(
        vec![
            theme.say(Tone::Muted, format!(" {:<NAMES$}", "")),
            theme.say(Tone::Muted, format!("{left}{}now", " ".repeat(room))),
        ],
        width,
    )));
    lines
}

/// When all tasks ran, as far as we saw.
fn job(ui: &Ui, window: &Window) -> Vec<(Tone, &'static str)> {
    let mut cells = vec![(Tone::Muted, "·"); window.columns];
    // unknown before the first answer and after the last one
    let (Some(began), Some((told, _))) = (ui.model.job.since, &ui.model.job.good) else {
        return cells;
    };
    let told = (*told).max(began);
    for cell in &mut cells[window.column(began)..=window.column(told)] {
        *cell = (Tone::Ok, "▄");
    }
    let mut down: Option<Timestamp> = None;
    let mut gaps = Vec::new();
    for moment in &ui.model.history.list {
        match moment.kind {
            MomentKind::JobDown => {
                down.get_or_insert(moment.at);
            }
            MomentKind::JobUp => gaps.extend(down.take().map(|from| (from, moment.at))),
            _ => {}
        }
    }
    gaps.extend(down.map(|from| (from, told.max(from))));
    for (from, to) in gaps
        .into_iter()
        .filter(|(from, to)| *to >= window.from && from <= to)
    {
        for cell in &mut cells[window.column(from)..=window.column(to)] {
            *cell = (Tone::Fail, "_");
        }
    }
    cells
}

fn strip(theme: &Theme, name: &str, cells: &[(Tone, &'static str)]) -> Line<'static> {
    let mut spans = vec![theme.say(
        Tone::Muted,
        format!(" {:<NAMES$}", words::cut(name, NAMES - 1)),
    )];
    for group in cells.chunk_by(|a, b| a.0 == b.0) {
        let text: String = group.iter().map(|(_, cell)| *cell).collect();
        spans.push(theme.say(group[0].0, text));
    }
    Line::from(spans)
}
