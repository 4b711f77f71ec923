//! Checkpoints on a time axis: one column each, as high as it took long; failed ones, restores,
//! breaks and stretches without any marked between them.

use crate::Ui;
use crate::theme::{Theme, Tone, sign};
use crate::words;
use flinklab_event::CheckpointStatus;
use jiff::Timestamp;
use ratatui::text::{Line, Span};

/// Heights of a column within one row.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// A stretch without checkpoints is marked when it is so many intervals long.
const GAP_INTERVALS: f64 = 2.5;

/// One thing on the axis.
enum Cell {
    /// A completed checkpoint that took so many milliseconds.
    Bar(u64),
    /// A failed one.
    Failed,
    /// Nothing for so many seconds.
    Gap(f64),
    /// A mark that is as wide as its words.
    Label(Tone, String),
}

impl Cell {
    fn width(&self) -> usize {
        match self {
            Self::Bar(_) | Self::Failed => 1,
            Self::Gap(seconds) => words::columns(&gap_words(*seconds)),
            Self::Label(_, label) => words::columns(label) + 1,
        }
    }
}

fn gap_words(seconds: f64) -> String {
    format!("·{}·", words::took_seconds(seconds))
}

/// The chart, newest at the right.
pub(super) fn lines(ui: &Ui, theme: &Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let axis = 7;
    let room = width.saturating_sub(axis);
    let mut cells = cells(ui);
    let mut used = 0;
    let mut first = cells.len();
    while first > 0 && used + cells[first - 1].width() <= room {
        first -= 1;
        used += cells[first].width();
    }
    cells.drain(..first);
    let top = cells
        .iter()
        .map(|cell| if let Cell::Bar(ms) = cell { *ms } else { 0 })
        .max()
        .unwrap_or(0);
    let scale = round_up(top);
    (0..height)
        .map(|row| {
            let mut spans = vec![axis_label(theme, scale, row, height)];
            for cell in &cells {
                spans.push(column(theme, cell, scale, row, height));
            }
            Line::from(spans)
        })
        .collect()
}

/// The next round number of milliseconds.
fn round_up(ms: u64) -> u64 {
    let mut step = 1;
    loop {
        for factor in [10, 12, 15, 20, 30, 40, 50, 60, 80] {
            let round = u64::saturating_mul(step, factor);
            if ms <= round {
                return round;
            }
        }
        step = step.saturating_mul(10);
    }
}

fn axis_label(theme: &Theme, scale: u64, row: usize, height: usize) -> Span<'static> {
    let words = match row {
        0 => words::took(i64::try_from(scale).unwrap_or(i64::MAX)),
        row if row + 1 == height => "0".to_owned(),
        _ => String::new(),
    };
    theme.say(Tone::Muted, format!("{words:>6}│"))
}

fn column(theme: &Theme, cell: &Cell, scale: u64, row: usize, height: usize) -> Span<'static> {
    let bottom = row + 1 == height;
    match cell {
        Cell::Bar(ms) => {
            let steps = height as u64 * 8;
            let filled = u128::from(*ms) * u128::from(steps) / u128::from(scale.max(1));
            let filled = u64::try_from(filled).unwrap_or(steps).clamp(1, steps);
            let below = (height - 1 - row) as u64 * 8;
            let here = usize::try_from(filled.saturating_sub(below).min(8)).unwrap_or(8);
            theme.say(Tone::Ok, EIGHTHS[here])
        }
        Cell::Failed if bottom => theme.say(Tone::Fail, sign::FAIL),
        Cell::Failed => Span::raw(" "),
        Cell::Gap(seconds) if bottom => theme.say(Tone::Warn, gap_words(*seconds)),
        Cell::Label(tone, label) if row == 0 => theme.say(*tone, format!("╎{label}")),
        Cell::Label(tone, _) => theme.say(*tone, format!("╎{}", " ".repeat(cell.width() - 1))),
        Cell::Gap(_) => Span::raw(" ".repeat(cell.width())),
    }
}

/// The usual time between two checkpoints, in seconds.
pub(super) fn interval(ui: &Ui) -> Option<f64> {
    ui.model
        .job
        .interval()
        .map(|interval| interval.as_secs_f64())
}

/// Everything that belongs on the axis, in order of time.
fn cells(ui: &Ui) -> Vec<Cell> {
    let mut marks: Vec<(Timestamp, Cell)> = Vec::new();
    for (at, key) in super::run::breaks(ui) {
        marks.push((at, Cell::Label(Tone::Mark, format!("{}{key}", sign::BREAK))));
    }
    for restored in &ui.model.job.restores {
        let label = format!("{}#{}", sign::RESTORE, restored.id);
        marks.push((restored.at, Cell::Label(Tone::Busy, label)));
    }
    let usual = interval(ui);
    let mut before: Option<Timestamp> = None;
    let mut items = Vec::new();
    for row in ui.model.job.checkpoints.values() {
        let Some(at) = row.at() else {
            continue;
        };
        match row.status {
            CheckpointStatus::InProgress => {}
            CheckpointStatus::Failed => items.push((at, Cell::Failed)),
            CheckpointStatus::Completed => {
                let gap = before.map_or(0.0, |before| words::since(at, before));
                if let (Some(before), Some(usual)) = (before, usual)
                    && gap > usual * GAP_INTERVALS
                {
                    // between the break and the restore, where it belongs
                    let middle = before + (at.duration_since(before)) / 2;
                    items.push((middle, Cell::Gap(gap)));
                }
                before = Some(at);
                items.push((at, Cell::Bar(row.duration_ms.unwrap_or(0))));
            }
        }
    }
    items.extend(marks);
    items.sort_by_key(|(at, _)| *at);
    items.into_iter().map(|(_, cell)| cell).collect()
}
