//! The checkpoints as three witnesses see them, and their history, which is ours: the chart stays
//! when a new leader has forgotten everything.

use crate::Ui;
use crate::health;
use crate::health::Fresh;
use crate::paint::{Spans, fit, sentences};
use crate::theme::{Theme, Tone, sign};
use crate::{chart, words};
use flinklab_event::{Checkpoint, CheckpointStatus, Source};
use ratatui::text::Line;

/// The lines of the panel.
pub(super) fn lines(ui: &Ui, theme: &Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    if ui.model.job.checkpoints.is_empty() {
        let why = match health::fresh(ui, Source::Flink) {
            Fresh::Never => "Waiting for Flink's REST.",
            Fresh::Lost(_) | Fresh::Stale(_) => "Unknown: Flink's REST does not answer.",
            Fresh::Live => "No checkpoint was seen yet.",
        };
        let mut lines = sentences(theme, Tone::Muted, why, width);
        lines.push(Line::from(fit(witnesses(ui, theme), width)));
        return lines;
    }
    let mut lines = vec![Line::from(fit(newest(ui, theme), width))];
    // on larger screens a table of the newest ones stands below the chart
    let table = height.saturating_sub(12).min(8);
    let rows = height
        .saturating_sub(3 + if table > 1 { table + 1 } else { 0 })
        .clamp(1, 12);
    lines.extend(chart::lines(ui, theme, width, rows));
    lines.push(Line::from(fit(witnesses(ui, theme), width)));
    lines.push(Line::from(fit(restored(ui, theme), width)));
    if table > 1 {
        lines.push(Line::default());
        lines.extend(newest_ones(ui, theme, width, table));
    }
    lines
}

/// The newest completed one in a line. Of one that only its pointer tells, more is not known yet.
fn newest(ui: &Ui, theme: &Theme) -> Spans {
    let Some((id, since)) = ui.model.newest_completed() else {
        return vec![theme.say(Tone::Warn, " none completed yet")];
    };
    let row = ui.model.job.newest().filter(|row| row.id == id);
    let mut spans = vec![
        theme.say(Tone::Ok, format!(" {} ", sign::OK)),
        theme.say(Tone::Accent, format!("#{id}")),
    ];
    if let Some(row) = row {
        spans.push(theme.say(Tone::Plain, format!(" {}", facts(row))));
    }
    if let Some(at) = since {
        spans.push(theme.say(
            Tone::Muted,
            format!(" · {} ago", words::age_at(ui.model.now, at)),
        ));
    }
    if let Some(interval) = chart::interval(ui) {
        spans.push(theme.say(
            Tone::Muted,
            format!(" · every {}", words::took_seconds(interval)),
        ));
    }
    spans
}

fn facts(row: &Checkpoint) -> String {
    let took = row
        .duration_ms
        .map(|ms| words::took(i64::try_from(ms).unwrap_or(i64::MAX)));
    let size = row.size.map(words::bytes);
    [took, size]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

/// What REST, the HA pointer and the disk say, and whether it is the same.
pub(super) fn witnesses(ui: &Ui, theme: &Theme) -> Spans {
    let seen = ui.model.witnesses();
    let all = [
        ("REST", seen.rest),
        ("pointer", seen.pointer),
        ("disk", seen.disk),
    ];
    let same = all
        .iter()
        .all(|(_, it)| it.id.is_some() && it.id == seen.rest.id);
    let current = all.iter().all(|(_, it)| it.current);
    let mut spans = Vec::new();
    for (n, (name, witness)) in all.into_iter().enumerate() {
        let between = match n {
            0 => " ",
            _ if same => " = ",
            _ => "   ",
        };
        let (tone, old) = if witness.current {
            (Tone::Plain, "")
        } else {
            (Tone::Muted, "?")
        };
        let said = match (witness.id, witness.current) {
            (Some(id), _) => format!("#{id}{old}"),
            (None, true) => "none".to_owned(),
            (None, false) => "?".to_owned(),
        };
        spans.push(theme.say(Tone::Muted, format!("{between}{name} ")));
        spans.push(theme.say(tone, said));
    }
    if all.iter().all(|(_, it)| it.id.is_none()) {
        return spans;
    }
    if !same && ui.model.no_job().is_some() {
        spans.push(theme.say(Tone::Muted, " · no job"));
        return spans;
    }
    spans.push(match (same, current, ui.model.agree()) {
        (_, false, _) => theme.say(Tone::Warn, format!(" {}", sign::UNKNOWN)),
        (true, true, _) => theme.say(Tone::Ok, format!(" {}", sign::OK)),
        // each looks at its own moment: for a while they may differ
        (false, true, true) => theme.say(Tone::Muted, " …"),
        (false, true, false) => theme.say(Tone::Fail, format!(" {} differ", sign::FAIL)),
    });
    spans
}

/// The newest restore, or that there was none.
fn restored(ui: &Ui, theme: &Theme) -> Spans {
    let failed = ui
        .model
        .job
        .checkpoints
        .values()
        .filter(|row| row.status == CheckpointStatus::Failed)
        .count();
    let mut spans = match ui.model.job.restores.last() {
        Some(restored) => vec![
            theme.say(Tone::Busy, format!(" {} ", sign::RESTORE)),
            theme.say(Tone::Plain, format!("restored #{}", restored.id)),
            theme.say(
                Tone::Muted,
                format!(" at {}", words::clock(&theme.zone, restored.at)),
            ),
        ],
        None => vec![theme.say(Tone::Muted, " never restored since we look")],
    };
    if failed > 0 {
        spans.push(theme.say(Tone::Warn, format!(" · {failed} failed")));
    }
    spans
}

/// A table of the newest ones, the newest first.
fn newest_ones(ui: &Ui, theme: &Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let head = format!(
        " {:>7}  {:<13}{:<14}{:>8} {:>9}",
        "ID", "STATUS", "DONE", "TOOK", "SIZE"
    );
    let mut lines = vec![Line::from(theme.say(Tone::Muted, words::cut(&head, width)))];
    let rows = ui
        .model
        .job
        .checkpoints
        .values()
        .rev()
        .take(height.saturating_sub(1));
    lines.extend(rows.map(|row| {
        let (tone, sign, status) = match row.status {
            CheckpointStatus::Completed if row.savepoint => (Tone::Ok, sign::OK, "savepoint"),
            CheckpointStatus::Completed => (Tone::Ok, sign::OK, "completed"),
            CheckpointStatus::InProgress => (Tone::Busy, sign::NOW, "in progress"),
            CheckpointStatus::Failed => (Tone::Fail, sign::FAIL, "failed"),
        };
        let at = row
            .acknowledged
            .map(|at| words::clock_ms(&theme.zone, at))
            .unwrap_or_default();
        let took = row
            .duration_ms
            .map(|ms| words::took(i64::try_from(ms).unwrap_or(i64::MAX)));
        let size = row.size.map(words::bytes).unwrap_or_default();
        Line::from(fit(
            vec![
                theme.say(Tone::Plain, format!(" {:>7}  ", format!("#{}", row.id))),
                theme.say(tone, format!("{:<13}", format!("{sign} {status}"))),
                theme.say(Tone::Muted, format!("{at:<14}")),
                theme.say(
                    Tone::Plain,
                    format!("{:>8} {size:>9}", took.unwrap_or_default()),
                ),
            ],
            width,
        ))
    }));
    lines
}
