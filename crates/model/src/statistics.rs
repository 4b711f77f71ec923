//! Figures over several runs of one failure: how many, the least, the middle, the ninetieth of a
//! hundred, the most. Nothing is estimated: each figure is that of a real run, or lies between two.

use flinklab_event::LeaseEnd;
use flinklab_event::{PhaseName, RunResult};
use flinklab_lab::failure::{Counted, Verdict};
use std::collections::BTreeMap;

/// Figures over several values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// How many.
    pub n: usize,
    /// The least.
    pub min: i64,
    /// The middle; between the two in the middle of an even number.
    pub median: i64,
    /// Nine in ten are not above it: the value of that rank.
    pub p90: i64,
    /// The most.
    pub max: i64,
    /// All of them, ascending: two heaps do not show in the figures above.
    pub values: Vec<i64>,
}

/// Figures over values; none without any.
#[must_use]
pub fn spread(values: impl IntoIterator<Item = i64>) -> Option<Spread> {
    let mut values: Vec<i64> = values.into_iter().collect();
    values.sort_unstable();
    let n = values.len();
    let (min, max) = (*values.first()?, *values.last()?);
    let median = i64::midpoint(values[(n - 1) / 2], values[n / 2]);
    let rank = (n * 9).div_ceil(10).max(1);
    Some(Spread {
        n,
        min,
        median,
        p90: values[rank - 1],
        max,
        values,
    })
}

/// All runs of one failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution<'a> {
    /// The failure's key.
    pub failure: String,
    /// Its title.
    pub title: String,
    /// Seconds in which all tasks should run again; the newest run's.
    pub within: u32,
    /// From when they count; the newest run's.
    pub counted: Counted,
    /// Until all tasks ran again, from the undo: what the budget is held against where it counts
    /// from there.
    pub after_undo: Option<Spread>,
    /// Its runs, oldest first.
    pub runs: Vec<&'a RunResult>,
    /// Runs that prove nothing: no figure counts them.
    pub left_out: usize,
    /// Until all tasks ran again; none where the job never stopped.
    pub recovery: Option<Spread>,
    /// By phase, in order of their names.
    pub phases: Vec<(PhaseName, Spread)>,
    /// How often which verdict.
    pub verdicts: Vec<(Verdict, usize)>,
    /// How the lease ended, and the recovery times of those runs.
    pub leases: BTreeMap<LeaseEnd, Vec<i64>>,
    /// How many runs of each way; a run may have no recovery time.
    pub lease_runs: BTreeMap<LeaseEnd, usize>,
}

/// Runs by failure, in the order in which failures occur first.
#[must_use]
pub fn distributions<'a>(runs: &[&'a RunResult]) -> Vec<Distribution<'a>> {
    let mut keys: Vec<&str> = Vec::new();
    for run in runs {
        if !keys.contains(&run.failure.as_str()) {
            keys.push(&run.failure);
        }
    }
    keys.into_iter()
        .map(|key| {
            let own = runs.iter().copied().filter(|run| run.failure == key);
            distribution(key, own.collect())
        })
        .collect()
}

/// A run that was invalidated_by, or of which too little was seen, says nothing about how long things take.
#[must_use]
pub fn counts(run: &RunResult) -> bool {
    !matches!(run.verdict, Verdict::Inconclusive | Verdict::Unknown)
}

fn distribution<'a>(key: &str, runs: Vec<&'a RunResult>) -> Distribution<'a> {
    let mut phases: BTreeMap<PhaseName, Vec<i64>> = BTreeMap::new();
    let mut leases: BTreeMap<LeaseEnd, Vec<i64>> = BTreeMap::new();
    let mut lease_runs = BTreeMap::new();
    let counted = || runs.iter().filter(|run| counts(run));
    for run in counted() {
        for phase in run.phases.iter().filter(|it| it.name != PhaseName::Sent) {
            phases.entry(phase.name).or_default().push(phase.ms);
        }
        if let Some(end) = run.record.lease {
            leases.entry(end).or_default().extend(run.recovery_ms);
            *lease_runs.entry(end).or_default() += 1;
        }
    }
    let count = |verdict| runs.iter().filter(|run| run.verdict == verdict).count();
    let newest = runs.last();
    Distribution {
        failure: key.to_owned(),
        title: newest.map_or_else(String::new, |run| run.record.title.clone()),
        within: newest.map_or(0, |run| run.record.within),
        counted: newest.map_or(Counted::Break, |run| run.counted()),
        after_undo: spread(counted().filter_map(|run| run.after_undo_ms())),
        recovery: spread(counted().filter_map(|run| run.recovery_ms)),
        phases: phases
            .into_iter()
            .filter_map(|(name, values)| Some((name, spread(values)?)))
            .collect(),
        verdicts: [
            Verdict::Pass,
            Verdict::Fail,
            Verdict::Inconclusive,
            Verdict::Unknown,
        ]
        .into_iter()
        .map(|verdict| (verdict, count(verdict)))
        .filter(|(_, count)| *count > 0)
        .collect(),
        leases,
        lease_runs,
        left_out: runs.len() - counted().count(),
        runs,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn figures_are_those_of_real_runs() {
        assert_eq!(spread([]), None);
        let one = spread([7]).unwrap();
        assert_eq!(
            (one.n, one.min, one.median, one.p90, one.max),
            (1, 7, 7, 7, 7)
        );
        let ten = spread([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).unwrap();
        assert_eq!((ten.min, ten.median, ten.p90, ten.max), (1, 5, 9, 10));
        let eleven = spread(1..=11).unwrap();
        assert_eq!((eleven.median, eleven.p90), (6, 10));
        assert_eq!(spread([-5, 5]).unwrap().median, 0);
    }
}
