//! The three witnesses of a checkpoint: what each says, whether it speaks about now, and whether
//! they agree.

use crate::Model;
use flinklab_event::Source;
use jiff::{SignedDuration, Timestamp};

/// Assumed between two checkpoints as long as nobody told.
const INTERVAL: SignedDuration = SignedDuration::from_secs(10);
/// REST's checkpoints older than this are no witness of now.
const TOLD: SignedDuration = SignedDuration::from_secs(5);

/// What one witness says about the newest completed checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Witness {
    /// The checkpoint; none where it says that there is none, or says nothing.
    pub id: Option<u64>,
    /// Whether it speaks about now.
    pub current: bool,
}

/// The three witnesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Witnesses {
    /// Flink's REST.
    pub rest: Witness,
    /// The pointer in the job's config map.
    pub pointer: Witness,
    /// The files.
    pub disk: Witness,
}

impl Model {
    /// When the newest completed checkpoint was completed, by the witness who saw the newest.
    #[must_use]
    pub fn newest_at(&self) -> Option<Timestamp> {
        let rest = self.job.newest().and_then(|row| row.acknowledged);
        let disk = self.job.newest_on_disk().and_then(|row| row.written);
        rest.max(disk)
    }

    /// Time between two checkpoints, as far as it is known.
    #[must_use]
    pub fn checkpoint_interval(&self) -> SignedDuration {
        self.job.interval().unwrap_or(INTERVAL)
    }

    /// The newest completed checkpoint as each witness knows it.
    #[must_use]
    pub fn witnesses(&self) -> Witnesses {
        let map = self.cluster.job_map.as_ref();
        let told = self
            .job
            .told
            .is_some_and(|at| self.now.duration_since(at) <= self.patience(TOLD));
        Witnesses {
            rest: Witness {
                id: self.job.newest,
                current: told && !self.lost(Source::Flink),
            },
            pointer: Witness {
                id: map.and_then(|(_, map)| map.newest()),
                current: self.cluster.map.is_some() && !self.lost(Source::Api),
            },
            disk: Witness {
                id: self.job.newest_on_disk().map(|row| row.id),
                current: self.job.disk.is_some() && !self.lost(Source::Disk),
            },
        }
    }

    /// Whether the witnesses agree: no, only after they differed for one whole interval. Looks are
    /// taken one after the other, so for a moment after each checkpoint they always differ.
    #[must_use]
    pub fn agree(&self) -> bool {
        let behind = self.watchfulness.behind;
        behind.is_none_or(|(_, since)| self.now.duration_since(since) < self.checkpoint_interval())
    }

    /// Notes since when a witness lags behind another. A short interval would never let all be
    /// equal at one moment, so it is one checkpoint that they all have to reach. Of a job that is no
    /// more they speak of different things: what was, what would be restored, what was kept.
    pub(super) fn compare(&mut self) {
        if self.no_job().is_some() {
            self.watchfulness.behind = None;
            return;
        }
        let Witnesses {
            rest,
            pointer,
            disk,
        } = self.witnesses();
        let ids: Vec<Option<u64>> = [rest, pointer, disk]
            .into_iter()
            .filter(|witness| witness.current)
            .map(|witness| witness.id)
            .collect();
        let newest = ids.iter().flatten().max().copied();
        let differ = ids.iter().any(|id| *id != newest);
        self.watchfulness.behind = match (differ, self.watchfulness.behind, newest) {
            (true, Some((wanted, since)), Some(_)) if ids.iter().any(|id| *id < Some(wanted)) => {
                Some((wanted, since))
            }
            (true, _, Some(newest)) => Some((newest, self.now)),
            _ => None,
        };
    }
}
