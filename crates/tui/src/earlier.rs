//! Earlier runs beside the one that is shown: on the same axis of time, and as figures. Two heaps on
//! the axis say more than any middle of them.

use crate::Ui;
use crate::paint::{Spans, fit};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use flinklab_event::{PhaseName, RunResult};
use flinklab_model::{counts, distributions, spread};
use ratatui::text::Line;

/// Other runs of the same failure, if they are to be shown.
pub(super) fn runs<'a>(ui: &'a Ui, key: &str, but: &str) -> Vec<&'a RunResult> {
    if !ui.pages.timeline.beside {
        return Vec::new();
    }
    let all = ui.model.history();
    all.filter(|run| run.failure == key && run.run != but && counts(run))
        .collect()
}

/// Where the axis must end so that all of them fit.
pub(super) fn end(runs: &[&RunResult]) -> Option<i64> {
    let phases = runs.iter().flat_map(|run| &run.phases);
    phases.map(|phase| phase.ms).max()
}

fn reached(runs: &[&RunResult], name: PhaseName) -> Vec<i64> {
    let phases = runs.iter().flat_map(|run| &run.phases);
    phases
        .filter(|phase| phase.name == name)
        .map(|phase| phase.ms)
        .collect()
}

/// One line below a phase: how many reached it, their middle, and each of them on the axis.
pub(super) fn strip(
    theme: &Theme,
    runs: &[&RunResult],
    name: PhaseName,
    (end, room): (i64, usize),
    width: usize,
) -> Option<Line<'static>> {
    if name == PhaseName::Sent {
        return None;
    }
    let spread = spread(reached(runs, name))?;
    let mut cells = vec![0_usize; room];
    for ms in &spread.values {
        let place = ms.max(&0) * i64::try_from(room).unwrap_or(0) / end.max(1);
        let last = room.checked_sub(1)?;
        cells[usize::try_from(place).unwrap_or(0).min(last)] += 1;
    }
    let row: String = cells
        .into_iter()
        .map(|count| match count {
            0 => ' ',
            1 => '·',
            2 | 3 => '•',
            _ => '●',
        })
        .collect();
    let head: Spans = vec![
        theme.say(
            Tone::Muted,
            format!("   {:<16}", format!("{} earlier", spread.n)),
        ),
        theme.say(Tone::Muted, format!("{:>8} ", words::exact(spread.median))),
        theme.say(Tone::Muted, format!("{:>9}  ", "median")),
        theme.say(Tone::Busy, row),
    ];
    Some(Line::from(fit(head, width)))
}

/// Figures over all runs of this failure, and of the others beside it.
pub(super) fn figures(ui: &Ui, theme: &Theme, key: &str, width: usize) -> Vec<Line<'static>> {
    let all: Vec<&RunResult> = ui.model.history().collect();
    let mut groups = distributions(&all);
    groups.retain(|group| ui.pages.timeline.beside || group.failure == key && group.runs.len() > 1);
    groups.sort_by_key(|group| group.failure != key);
    let lines = groups.iter().filter_map(|group| {
        let it = group.recovery.as_ref()?;
        let good = it.p90 <= i64::from(group.within) * 1000;
        let (tone, sign) = if good {
            (Tone::Ok, sign::OK)
        } else {
            (Tone::Warn, sign::WARN)
        };
        let figures = format!(
            "n={} min {} median {} p90 {} max {}",
            it.n,
            words::took(it.min),
            words::took(it.median),
            words::took(it.p90),
            words::took(it.max)
        );
        Some(Line::from(fit(
            vec![
                theme.say(Tone::Plain, format!(" {:<14}", group.failure)),
                theme.say(Tone::Muted, figures),
                theme.say(tone, format!(" budget {}s {sign}", group.within)),
            ],
            width,
        )))
    });
    lines.collect()
}
