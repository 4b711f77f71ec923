//! Evidence of another job in the place of the one that was broken, out of what REST lists.

use super::Run;
use flinklab_event::{FlinkSample, JobRow, Restored};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A job that runs where the one that was broken is not listed any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Successor {
    /// Its id.
    pub id: String,
    /// When it was first seen running with all tasks.
    pub since: Timestamp,
    /// When it was last.
    pub seen: Timestamp,
    /// What it was restored from, as far as it is told.
    pub restored: Option<Restored>,
}

impl Run {
    /// Takes in what an answer shows in the place of the job. Its checkpoints are told only once
    /// it is followed.
    pub(super) fn successor(&mut self, sample: &FlinkSample) {
        let (Ok(jobs), Some(ours), Some(_)) = (&sample.jobs, &self.before.job, &self.seen.sent)
        else {
            return;
        };
        let told = sample.checkpoints.as_ref();
        let followed = told.filter(|told| told.job != *ours);
        if jobs.iter().any(|row| row.id == *ours) {
            self.seen.successor = None;
            return;
        }
        let Some(told) = followed else { return };
        let runs = |row: &&JobRow| row.id == told.job && row.all_run();
        if jobs.iter().find(runs).is_none() {
            return;
        }
        let known = self.seen.successor.take().filter(|it| it.id == told.job);
        self.seen.successor = Some(Successor {
            id: told.job.clone(),
            since: known.as_ref().map_or(sample.asked, |known| known.since),
            seen: sample.asked,
            restored: told
                .restored
                .clone()
                .or(known.and_then(|known| known.restored)),
        });
    }
}
