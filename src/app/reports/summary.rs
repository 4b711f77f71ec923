//! The tables of a report: figures of each failure side by side, how leases ended, each run, and
//! one run's phases and statements. What they look like is decided in `table`.

use super::counted;
use super::table::{Cell, Mark, Side, Table};
use crate::app::break_report::{name, seconds, title};
use flinklab_base::columns;
use flinklab_base::units;
use flinklab_event::{PhaseName, RunResult};
use flinklab_lab::failure::{Counted, Seconds, Verdict};
use flinklab_model::{Distribution, Spread};

/// Least, middle, ninetieth of a hundred and most. A single run has one figure, and no spread.
pub(super) fn figures(spread: Option<&Spread>) -> Vec<String> {
    match spread {
        None => vec!["–".to_owned(); 4],
        Some(it) if it.n == 1 => {
            let none = String::new;
            vec![none(), units::tenths(it.median), none(), none()]
        }
        Some(it) => [it.min, it.median, it.p90, it.max]
            .map(units::tenths)
            .to_vec(),
    }
}

/// A run's verdict, with what was expected where that is not plain.
pub(super) fn verdict(verdict: Verdict, expected: Verdict) -> String {
    match (verdict == expected, verdict) {
        (true, Verdict::Pass) => verdict.to_string(),
        (true, _) => format!("{verdict} as expected"),
        (false, Verdict::Inconclusive | Verdict::Unknown) => verdict.to_string(),
        (false, _) => format!("{verdict} (expected {expected})"),
    }
}

/// How often which verdict, and how often that was not the one that was expected.
pub(super) fn verdicts(group: &Distribution<'_>) -> Cell {
    let mut parts: Vec<(Verdict, Verdict, usize)> = Vec::new();
    for (known, _) in &group.verdicts {
        for run in group.runs.iter().filter(|run| run.verdict == *known) {
            let same = |part: &&mut (Verdict, Verdict, usize)| {
                (part.0, part.1) == (run.verdict, run.expected)
            };
            match parts.iter_mut().find(same) {
                Some(part) => part.2 += 1,
                None => parts.push((run.verdict, run.expected, 1)),
            }
        }
    }
    let parts = parts.into_iter().map(|(seen, expected, count)| {
        let words = match seen {
            Verdict::Inconclusive | Verdict::Unknown => format!("{count} {seen}, not counted"),
            Verdict::Pass | Verdict::Fail => format!("{count} {}", verdict(seen, expected)),
        };
        (words, Mark::against(seen, expected))
    });
    Cell::listed(parts.collect())
}

/// The budget, and where it counts from the undo, what is held against it.
pub(super) fn budget(group: &Distribution<'_>) -> String {
    let budget = Seconds(group.within);
    match (group.counted, &group.after_undo) {
        (Counted::Break, _) => budget.to_string(),
        (Counted::Undone, None) => format!("{budget} after the undo"),
        (Counted::Undone, Some(one)) if one.n == 1 => {
            format!("{budget} after the undo: {}", units::tenths(one.max))
        }
        (Counted::Undone, Some(all)) => {
            format!(
                "{budget} after the undo: at most {}",
                units::tenths(all.max)
            )
        }
    }
}

/// Columns of figures: one, where no failure was tried twice.
pub(super) fn figure_columns(single: bool, one: &'static str) -> Vec<(&'static str, Side)> {
    if single {
        vec![(one, Side::Right)]
    } else {
        ["n", "min", "median", "p90", "max"]
            .map(|name| (name, Side::Right))
            .to_vec()
    }
}

/// The cells below them.
pub(super) fn figure_cells(single: bool, spread: Option<&Spread>) -> Vec<String> {
    if single {
        return vec![spread.map_or_else(|| "–".to_owned(), |it| units::tenths(it.median))];
    }
    let mut cells = vec![spread.map_or(0, |spread| spread.n).to_string()];
    cells.extend(figures(spread));
    cells
}

/// Whether no failure was tried more than once, so that there is nothing to spread.
pub(super) fn single(groups: &[Distribution<'_>]) -> bool {
    groups.iter().all(|group| group.runs.len() <= 1)
}

/// Every failure in a row.
pub(super) fn side_by_side(groups: &[Distribution<'_>]) -> Table {
    let single = single(groups);
    let mut columns = vec![("failure", Side::Left)];
    columns.extend(figure_columns(single, "recovery"));
    columns.extend([("budget", Side::Right), ("verdicts", Side::Left)]);
    let mut table = Table::new(&columns);
    for group in groups {
        let mut row: Vec<Cell> = vec![group.failure.clone().into()];
        let figures = figure_cells(single, group.recovery.as_ref());
        row.extend(figures.into_iter().map(Cell::from));
        row.push(budget(group).into());
        row.push(verdicts(group));
        table.row(row);
    }
    table
}

/// The middle of each phase, a column for each failure would not fit: a row for each phase of each.
pub(super) fn phases(groups: &[Distribution<'_>]) -> Table {
    let single = single(groups);
    let mut columns = vec![("failure", Side::Left), ("phase", Side::Left)];
    columns.extend(figure_columns(single, "at"));
    let mut table = Table::new(&columns);
    for group in groups {
        for (n, (phase, spread)) in group.phases.iter().enumerate() {
            let key = if n == 0 { group.failure.as_str() } else { "" };
            let mut row = vec![key.to_owned(), title(*phase).to_owned()];
            row.extend(figure_cells(single, Some(spread)));
            table.row(row);
        }
    }
    table
}

/// How leases ended; none where no lease was to end.
pub(super) fn leases(groups: &[Distribution<'_>]) -> Option<Table> {
    let single = single(groups);
    let mut columns = vec![("failure", Side::Left), ("the lease was", Side::Left)];
    if !single {
        columns.push(("runs", Side::Right));
    }
    columns.extend(figure_columns(single, "recovery"));
    let mut table = Table::new(&columns);
    for group in groups {
        for (n, (end, runs)) in group.lease_runs.iter().enumerate() {
            let key = if n == 0 { group.failure.as_str() } else { "" };
            let own = group.leases.get(end).cloned().unwrap_or_default();
            let mut row = vec![key.to_owned(), end.words().to_owned()];
            if !single {
                row.push(runs.to_string());
            }
            let own = flinklab_model::spread(own);
            row.extend(figure_cells(single, own.as_ref()));
            table.row(row);
        }
    }
    (!table.rows.is_empty()).then_some(table)
}

/// Every run in a row.
pub(super) fn list(runs: &[&RunResult]) -> Table {
    // Where a budget counts from the undo, that figure is the one to hold against it.
    let undone = runs.iter().any(|run| run.after_undo_ms().is_some());
    let mut columns = vec![
        ("run", Side::Left),
        ("failure", Side::Left),
        ("verdict", Side::Left),
        ("recovery", Side::Right),
    ];
    if undone {
        columns.push(("after undo", Side::Right));
    }
    columns.extend([("held back", Side::Right), ("lease", Side::Left)]);
    let mut table = Table::new(&columns);
    for run in runs {
        let mut row: Vec<Cell> = vec![
            run.run.clone().into(),
            run.failure.clone().into(),
            Cell::marked(
                verdict(run.verdict, run.expected),
                Mark::against(run.verdict, run.expected),
            ),
            run.recovery_ms
                .map_or_else(|| "–".to_owned(), units::tenths)
                .into(),
        ];
        let some = |ms: Option<i64>| Cell::from(ms.map_or_else(String::new, units::tenths));
        if undone {
            row.push(some(run.after_undo_ms()));
        }
        row.push(some(held_back_ms(run)));
        let lease = run.record.lease;
        row.push(
            lease
                .map_or_else(String::new, |end| end.words().to_owned())
                .into(),
        );
        table.row(row);
    }
    table
}

/// The phases of one run.
pub(super) fn reached(run: &RunResult) -> Table {
    let mut table = Table::new(&[
        ("phase", Side::Left),
        ("at", Side::Right),
        ("±", Side::Right),
        ("seen by", Side::Left),
    ]);
    for phase in &run.phases {
        table.row(vec![
            title(phase.name).to_owned(),
            seconds(phase.ms),
            units::spread(phase.resolution_ms.into()),
            phase.observer.clone(),
        ]);
    }
    table
}

/// The statements of one run.
pub(super) fn statements(run: &RunResult) -> Table {
    let mut table = Table::new(&[
        ("statement", Side::Left),
        ("verdict", Side::Left),
        ("evidence", Side::Left),
    ]);
    for statement in &run.statements {
        table.row([
            name(statement.name).to_owned().into(),
            Cell::marked(statement.verdict.to_string(), Mark::of(statement.verdict)),
            statement.evidence.clone().into(),
        ]);
    }
    table
}

/// What else there is to say about one run.
pub(super) fn aside(run: &RunResult) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(end) = run.record.lease {
        lines.push(format!(
            "The lease {}.",
            match end {
                flinklab_event::LeaseEnd::RanOut => "ran out".to_owned(),
                other => format!("was {}", other.words()),
            }
        ));
    }
    if let Some(words) = held_back(run) {
        lines.push(words);
    }
    lines
}

/// How long Kubernetes held a container back before all tasks ran again: the longest of several,
/// they are held back beside each other.
fn held_back_ms(run: &RunResult) -> Option<i64> {
    let end = run.recovery_ms.unwrap_or(run.record.until_ms);
    let held = run.record.held_back.iter();
    held.filter(|held| held.from_ms < end)
        .map(|held| held.to_ms.min(end) - held.from_ms.max(0))
        .max()
}

/// The time in which Kubernetes held a container back is not Flink's.
pub(super) fn held_back(run: &RunResult) -> Option<String> {
    let most = held_back_ms(run)?;
    let mut pods: Vec<&str> = run
        .record
        .held_back
        .iter()
        .map(|held| held.pod.as_str())
        .collect();
    pods.sort_unstable();
    pods.dedup();
    Some(format!(
        "Kubernetes held {} back for {} before it started again (back-off): that is not Flink's \
         own time.",
        match pods.as_slice() {
            [one] => (*one).to_owned(),
            more => counted(more.len(), "container"),
        },
        units::tenths(most)
    ))
}

/// Every run of each failure on one axis, so that two heaps show.
pub(super) fn strips(groups: &[Distribution<'_>], room: usize) -> Vec<String> {
    let longest = groups.iter().filter_map(|group| group.recovery.as_ref());
    let Some(end) = longest.map(|spread| spread.max).max() else {
        return Vec::new();
    };
    let end = (end / 5000 + 1) * 5000;
    let wide = groups.iter().map(|group| columns::of(&group.failure)).max();
    let wide = wide.unwrap_or(0).max(4);
    let last = format!("{} s", end / 1000);
    let mut lines = vec![format!(
        "{:<wide$}  0 s{last:>rest$}",
        "",
        rest = room.saturating_sub(3)
    )];
    for group in groups {
        let mut counts = vec![0_usize; room];
        for ms in group.recovery.iter().flat_map(|spread| &spread.values) {
            let place = usize::try_from(ms.max(&0) * i64::try_from(room).unwrap_or(0) / end);
            counts[place.unwrap_or(0).min(room - 1)] += 1;
        }
        let row: String = counts
            .into_iter()
            .map(|count| match count {
                0 => '·',
                many => {
                    char::from_digit(u32::try_from(many).unwrap_or(9).min(9), 10).unwrap_or('9')
                }
            })
            .collect();
        lines.push(format!("{}  {row}", columns::left(&group.failure, wide)));
    }
    lines
}

/// When a phase was reached.
pub(super) fn at(run: &RunResult, name: PhaseName) -> Option<i64> {
    let found = run.phases.iter().find(|phase| phase.name == name);
    found.map(|phase| phase.ms)
}
