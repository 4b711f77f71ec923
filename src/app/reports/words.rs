//! The same facts in plain words, for somebody who has never seen Flink: what was done, what
//! happened, what each statement means, and the few words that must be known.

use super::summary::{at, held_back};
use flinklab_base::units;
use flinklab_event::{Comeback, LeaseEnd, PhaseName, RunResult};
use flinklab_lab::failure::{StatementName, Verdict};

/// The words that must be known.
pub(super) const GLOSSARY: [(&str, &str); 8] = [
    (
        "Flink",
        "runs a program over a stream of data without an end. The running program is called a job.",
    ),
    (
        "TaskManager",
        "a process that does the work of a job, in slots. A job's work is split into tasks.",
    ),
    (
        "JobManager",
        "a process that directs a job. Several stand ready; only one may lead at a time.",
    ),
    (
        "checkpoint",
        "a consistent copy of everything that the job knows, written to disk every few seconds \
         or minutes. Its number only grows.",
    ),
    (
        "restore",
        "after a failure the job goes on from its newest checkpoint. Work since then is done again, \
         nothing is lost.",
    ),
    (
        "lease",
        "the leader's right to lead, for some seconds. It is renewed again and again; when that \
         stops, the others must wait until it has run out.",
    ),
    (
        "epoch",
        "one stretch of leadership. Another leader, or the same one again, begins another epoch.",
    ),
    (
        "pod",
        "the wrapping in which Kubernetes runs a process. It restarts what ends.",
    ),
];

/// What a statement says, for somebody who reads it for the first time.
pub(super) fn meaning(name: StatementName) -> &'static str {
    match name {
        StatementName::Hit => "The failure really happened.",
        StatementName::Leadership => "The lead changed hands, or did not, as it should.",
        StatementName::OneLeader => "There were never two leaders at once.",
        StatementName::SameJob => "The same job went on; it was not started anew.",
        StatementName::Restored => "It went on from the newest checkpoint, so nothing was lost.",
        StatementName::IdsGrow => "Numbers of checkpoints only grew: history was not begun anew.",
        StatementName::Pointer => {
            "The next leader can find the newest checkpoint, and its files are there."
        }
        StatementName::Restarts => "Only what was hit was restarted.",
        StatementName::InTime => "It was quick enough.",
        StatementName::Exact => "Nothing was counted twice, and nothing was left out.",
    }
}

/// The verdict in a sentence.
pub(super) fn verdict(run: &RunResult) -> String {
    let not: Vec<String> = run
        .statements
        .iter()
        .filter(|statement| match run.verdict {
            Verdict::Fail => statement.verdict == Verdict::Fail,
            _ => statement.verdict != Verdict::Pass,
        })
        .map(|statement| {
            format!(
                "{} ({})",
                crate::app::break_report::name(statement.name),
                statement.evidence
            )
        })
        .collect();
    let not = not.join("; ");
    let meant = match (run.verdict == run.expected, run.expected) {
        (true, Verdict::Pass) => "",
        (true, _) => " This failure is meant to end so: it shows what a real loss looks like.",
        (false, Verdict::Pass) => "",
        (false, _) => " This failure should have ended otherwise.",
    };
    match run.verdict {
        Verdict::Pass => format!("PASS: everything that was expected was seen.{meant}"),
        Verdict::Fail => format!("FAIL: seen to be otherwise: {not}.{meant}"),
        Verdict::Inconclusive | Verdict::Unknown => {
            format!(
                "INCONCLUSIVE: not everything could be seen, so nothing is claimed: {not}.{meant}"
            )
        }
    }
}

/// What was hit: an object where it was one, else each pod with why it was that one.
fn hit(run: &RunResult) -> String {
    if let Some(object) = &run.target.object {
        return object.clone();
    }
    let all = std::iter::once(&run.target).chain(&run.target.also);
    let names = all.map(|target| {
        let why = match target.reason.as_str() {
            "" => String::new(),
            reason => format!(", which {reason}"),
        };
        format!("the {} {}{why}", target.role, target.pod)
    });
    names.collect::<Vec<_>>().join(", and ")
}

/// What happened, sentence by sentence.
pub(super) fn story(run: &RunResult) -> Vec<String> {
    let record = &run.record;
    let mut story = vec![format!(
        "At {} UTC `{}` hit {}.",
        run.at.strftime("%H:%M:%S"),
        run.failure,
        hit(run)
    )];
    if !record.story.is_empty() {
        story.push(record.story.clone());
    }
    if let (Some(end), Some(ms)) = (record.lease, at(run, PhaseName::LeaseOver)) {
        story.push(match end {
            LeaseEnd::Released => format!("Its lease was given back after {}.", units::tenths(ms)),
            LeaseEnd::Retaken => format!(
                "Its lease was given back, but its own process took it again on the way out: it \
                 had to run out, after {}.",
                units::tenths(ms)
            ),
            LeaseEnd::RanOut => format!(
                "Nobody gave its lease back: it ran out after {}.",
                units::tenths(ms)
            ),
            LeaseEnd::TakenOver => {
                format!("Another one took its lease after {}.", units::tenths(ms))
            }
        });
    }
    if let Some(ms) = at(run, PhaseName::NewEpoch) {
        story.push(format!(
            "A new epoch of leadership began after {}.",
            units::tenths(ms)
        ));
    }
    // The restore that led to the recovery; later ones are told as what they are.
    let counts = |ms: i64| at(run, PhaseName::JobRecovered).is_none_or(|recovered| ms <= recovered);
    let (first, later): (Vec<_>, Vec<_>) = record.restores.iter().partition(|(_, ms)| counts(*ms));
    match first.last() {
        Some((id, ms)) => story.push(format!(
            "The job was restored from checkpoint {id} after {}.",
            units::tenths(*ms)
        )),
        None => story.push("No restore was seen.".to_owned()),
    }
    story.push(match run.comeback() {
        Comeback::After(ms) => match run.after_undo_ms() {
            None => format!("All its tasks ran again after {}.", units::tenths(ms)),
            Some(after) => format!(
                "All its tasks ran again after {}: {} after the failure was undone, from where its \
                 budget of {} s counts.",
                units::tenths(ms),
                units::tenths(after),
                record.within
            ),
        },
        Comeback::NeverStopped => "The job was never stopped.".to_owned(),
        Comeback::NotSeen if record.restores.is_empty() => {
            "Whether the job was stopped was not seen.".to_owned()
        }
        Comeback::NotSeen => "Its tasks were not seen running again.".to_owned(),
    });
    if let Some((id, ms)) = later.last() {
        story.push(format!(
            "It restarted again after that, at last from checkpoint {id} after {}.",
            units::tenths(*ms)
        ));
    }
    if let Some(ms) = at(run, PhaseName::NextCheckpoint) {
        story.push(format!(
            "The next checkpoint was complete after {}.",
            units::tenths(ms)
        ));
    }
    story.extend(held_back(run));
    if !record.teaches.is_empty() {
        story.push(record.teaches.clone());
    }
    story
}
