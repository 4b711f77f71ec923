//! The tables of a report: figures of each failure side by side, how leases ended, each run, and
//! one run's phases and statements. What they look like is decided in `table`.

use super::counted;
use super::table::{Side, Table};
use crate::app::break_report::{name, seconds, title};
use flinklab_base::columns;
use flinklab_base::units;
use flinklab_event::{PhaseName, RunResult};
use flinklab_lab::failure::Verdict;
use flinklab_model::{Distribution, Spread};

pub(super) fn figures(spread: Option<&Spread>) -> Vec<String> {
    match spread {
        None => vec!["–".to_owned(); 4],
        Some(it) => [it.min, it.median, it.p90, it.max]
            .map(units::tenths)
            .to_vec(),
    }
}

/// How often which verdict.
pub(super) fn verdicts(group: &Distribution<'_>) -> String {
    let verdicts: Vec<String> = group
        .verdicts
        .iter()
        .map(|(verdict, count)| match verdict {
            Verdict::Inconclusive | Verdict::Unknown => {
                format!("{count} {verdict}, not counted")
            }
            Verdict::Pass | Verdict::Fail => format!("{count} {verdict}"),
        })
        .collect();
    verdicts.join(", ")
}

/// Every failure in a row.
pub(super) fn side_by_side(groups: &[Distribution<'_>]) -> Table {
    let mut table = Table::new(&[
        ("failure", Side::Left),
        ("n", Side::Right),
        ("min", Side::Right),
        ("median", Side::Right),
        ("p90", Side::Right),
        ("max", Side::Right),
        ("budget", Side::Right),
        ("verdicts", Side::Left),
    ]);
    for group in groups {
        let n = group.recovery.as_ref().map_or(0, |spread| spread.n);
        let mut row = vec![group.failure.clone(), n.to_string()];
        row.extend(figures(group.recovery.as_ref()));
        row.push(format!("{} s", group.within));
        row.push(verdicts(group));
        table.row(row);
    }
    table
}

/// The middle of each phase, a column for each failure would not fit: a row for each phase of each.
pub(super) fn phases(groups: &[Distribution<'_>]) -> Table {
    let mut table = Table::new(&[
        ("failure", Side::Left),
        ("phase", Side::Left),
        ("n", Side::Right),
        ("min", Side::Right),
        ("median", Side::Right),
        ("p90", Side::Right),
        ("max", Side::Right),
    ]);
    for group in groups {
        for (n, (phase, spread)) in group.phases.iter().enumerate() {
            let key = if n == 0 { group.failure.as_str() } else { "" };
            let mut row = vec![
                key.to_owned(),
                title(*phase).to_owned(),
                spread.n.to_string(),
            ];
            row.extend(figures(Some(spread)));
            table.row(row);
        }
    }
    table
}

/// How leases ended; none where no lease was to end.
pub(super) fn leases(groups: &[Distribution<'_>]) -> Option<Table> {
    let mut table = Table::new(&[
        ("failure", Side::Left),
        ("the lease was", Side::Left),
        ("runs", Side::Right),
        ("n", Side::Right),
        ("min", Side::Right),
        ("median", Side::Right),
        ("p90", Side::Right),
        ("max", Side::Right),
    ]);
    for group in groups {
        for (n, (end, runs)) in group.lease_runs.iter().enumerate() {
            let key = if n == 0 { group.failure.as_str() } else { "" };
            let own = group.leases.get(end).cloned().unwrap_or_default();
            let mut row = vec![key.to_owned(), end.words().to_owned()];
            row.extend([runs.to_string(), own.len().to_string()]);
            row.extend(figures(flinklab_model::spread(own).as_ref()));
            table.row(row);
        }
    }
    (!table.rows.is_empty()).then_some(table)
}

/// Every run in a row.
pub(super) fn list(runs: &[&RunResult]) -> Table {
    let mut table = Table::new(&[
        ("run", Side::Left),
        ("failure", Side::Left),
        ("verdict", Side::Left),
        ("expected", Side::Left),
        ("recovery", Side::Right),
        ("held back", Side::Right),
        ("lease", Side::Left),
    ]);
    for run in runs {
        table.row(vec![
            run.run.clone(),
            run.failure.clone(),
            run.verdict.to_string(),
            run.expected.to_string(),
            run.recovery_ms
                .map_or_else(|| "–".to_owned(), units::tenths),
            held_back_ms(run).map_or_else(String::new, units::tenths),
            run.record
                .lease
                .map_or_else(String::new, |end| end.words().to_owned()),
        ]);
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
        table.row(vec![
            name(statement.name).to_owned(),
            statement.verdict.to_string(),
            statement.evidence.clone(),
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
