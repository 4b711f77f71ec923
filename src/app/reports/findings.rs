//! What differs between labs in sentences: no more is claimed than every run bears out, and few runs
//! are called few.

use super::summary;
use flinklab_base::units;
use flinklab_event::LeaseEnd;
use flinklab_lab::failure::Verdict;
use flinklab_model::Distribution;

/// Runs of a lab from which on a difference is said without a word about how few they are.
const ENOUGH: usize = 5;

/// What differs, in sentences that every run bears out.
pub(super) fn findings(groups: &[Distribution<'_>]) -> Vec<String> {
    let mut said = Vec::new();
    said.extend(recovery(groups));
    said.extend(leases(groups));
    said.extend(verdicts(groups));
    let few = groups.iter().any(|group| group.runs.len() < ENOUGH);
    if few && !said.is_empty() {
        said.push(format!(
            "Fewer than {ENOUGH} runs of a lab are few: more of them (--times) say more."
        ));
    }
    said
}

fn recovery(groups: &[Distribution<'_>]) -> Option<String> {
    let timed = || {
        groups
            .iter()
            .filter_map(|group| Some((group, group.recovery.as_ref()?)))
    };
    let (fast, least) = timed().min_by_key(|(_, spread)| spread.median)?;
    let (slow, most) = timed().max_by_key(|(_, spread)| spread.median)?;
    if fast.failure == slow.failure {
        return None;
    }
    let (quick, long) = (units::tenths(least.median), units::tenths(most.median));
    Some(if least.max < most.min {
        format!(
            "Every run of {} was quicker than any of {}: {quick} against {long} in the middle.",
            fast.failure, slow.failure
        )
    } else {
        format!(
            "In the middle {} took {quick} and {} took {long}, but runs of both overlap.",
            fast.failure, slow.failure
        )
    })
}

/// How often the lock was given back; where nobody did, there is nothing to tell apart.
fn leases(groups: &[Distribution<'_>]) -> Option<String> {
    let count = |group: &Distribution<'_>, end: LeaseEnd| {
        group.lease_runs.get(&end).copied().unwrap_or_default()
    };
    let gives = |group: &Distribution<'_>| {
        count(group, LeaseEnd::Released) + count(group, LeaseEnd::Retaken)
    };
    if groups.iter().all(|group| gives(group) == 0) {
        return None;
    }
    let told: Vec<String> = groups
        .iter()
        .filter(|group| !group.lease_runs.is_empty())
        .map(|group| {
            let all: usize = group.lease_runs.values().sum();
            let released = count(group, LeaseEnd::Released);
            let how = match released {
                0 => "never gave the lock back".to_owned(),
                n if n == all => "gave the lock back every time".to_owned(),
                n => format!("gave the lock back in {n} of {all} runs"),
            };
            let retaken = match count(group, LeaseEnd::Retaken) {
                0 => String::new(),
                n => format!(" (in {n} its own process took it again)"),
            };
            format!("{} {how}{retaken}", group.failure)
        })
        .collect();
    Some(format!("{}.", told.join("; ")))
}

fn verdicts(groups: &[Distribution<'_>]) -> Option<String> {
    let only = |group: &Distribution<'_>| match group.verdicts.as_slice() {
        [(verdict, _)] => Some(*verdict),
        _ => None,
    };
    let first = only(groups.first()?);
    if first.is_some() && groups.iter().all(|group| only(group) == first) {
        return None;
    }
    let told: Vec<String> = groups
        .iter()
        .filter(|group| only(group) != Some(Verdict::Pass))
        .map(|group| format!("{}: {}", group.failure, summary::verdicts(group).text()))
        .collect();
    Some(format!("Not every run is a PASS: {}.", told.join("; ")))
}
