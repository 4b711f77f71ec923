//! How long earlier runs of the same kind took on this machine, kept in the home folder: what an
//! honest "about … left" is made from. Nothing depends on it: a file that cannot be read or written
//! only means that nothing is told.

use super::Run;
use flinklab_event::{Event, Usual};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The file in the home folder.
const FILE: &str = "earlier.json";
/// Its format.
const FORMAT: u32 = 1;
/// Runs that are kept.
const RUNS: usize = 12;
/// Runs that a median is made of.
const NEWEST: usize = 5;
/// A file above this is not ours.
const LIMIT: u64 = 64 * 1024;

/// What an `up` has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Work {
    /// Everything: there was no node.
    Build,
    /// The nodes were stopped.
    Start,
    /// Something less, which takes as long as it takes.
    Finish,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Earlier {
    version: u32,
    runs: Vec<Took>,
}

/// One run that ended well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Took {
    work: Work,
    /// The lab definition's name.
    lab: String,
    /// Seconds from the start to the end of each step.
    ends: BTreeMap<String, f64>,
    seconds: f64,
}

/// The work is known now: says how long it usually takes, if it was done before.
pub(super) async fn tell(run: &Run<'_>, work: Work) {
    let _ = run.work.set(work);
    if let Some(usual) = usual(&read(run), work, &run.lab.name) {
        run.events.send(Event::Usual(usual)).await;
    }
}

/// Remembers a run that did one kind of work from its beginning to its end. One that had to pull
/// says more about the network than about this machine.
pub(super) fn remember(run: &Run<'_>) {
    let work = run.work.get().copied().unwrap_or(Work::Finish);
    if work == Work::Finish || run.progress.has_pulled() {
        return;
    }
    let mut earlier = read(run);
    earlier.version = FORMAT;
    earlier.runs.push(Took {
        work,
        lab: run.lab.name.clone(),
        ends: run.progress.ends(),
        seconds: run.progress.seconds(),
    });
    let extra = earlier.runs.len().saturating_sub(RUNS);
    earlier.runs.drain(..extra);
    let Ok(text) = serde_json::to_vec_pretty(&earlier) else {
        return;
    };
    // Two labs may end at once: the last one wins, whole.
    if let Err(fault) = run.home.replace(&path(run), &text) {
        tracing::warn!("how long it took is not remembered: {fault}");
    }
}

fn path(run: &Run<'_>) -> PathBuf {
    run.world.addresses.home.join(FILE)
}

fn read(run: &Run<'_>) -> Earlier {
    let path = path(run);
    let small = fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() <= LIMIT);
    let text = if small {
        fs::read(&path).unwrap_or_default()
    } else {
        Vec::new()
    };
    let read: Earlier = serde_json::from_slice(&text).unwrap_or_default();
    match read.version {
        FORMAT => read,
        _ => Earlier::default(),
    }
}

/// Medians over the newest runs of the same kind.
fn usual(earlier: &Earlier, work: Work, lab: &str) -> Option<Usual> {
    let same = earlier.runs.iter().rev();
    let same: Vec<&Took> = same
        .filter(|took| took.work == work && took.lab == lab)
        .take(NEWEST)
        .collect();
    let seconds = median(same.iter().map(|took| took.seconds).collect())?;
    let names = same.iter().flat_map(|took| took.ends.keys());
    let ends = names
        .filter_map(|name| {
            let all = same.iter().filter_map(|took| took.ends.get(name));
            Some((name.clone(), median(all.copied().collect())?))
        })
        .collect();
    Some(Usual { ends, seconds })
}

fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_is_the_median_of_runs_that_did_the_same() {
        let took = |work, seconds: f64| Took {
            work,
            lab: "default".to_owned(),
            ends: [("node".to_owned(), seconds / 10.0)].into(),
            seconds,
        };
        let earlier = Earlier {
            version: FORMAT,
            runs: vec![
                took(Work::Build, 40.0),
                took(Work::Build, 300.0),
                took(Work::Start, 20.0),
                took(Work::Build, 50.0),
            ],
        };
        let found = usual(&earlier, Work::Build, "default").unwrap();
        assert_eq!((found.seconds, found.ends["node"]), (50.0, 5.0));
        assert_eq!(usual(&earlier, Work::Build, "other"), None);
        assert_eq!(usual(&Earlier::default(), Work::Build, "default"), None);
    }
}
