//! The Flink job and its checkpoints as three witnesses see them: REST, the HA pointer, the disk.
//! REST forgets everything with each leader, so the history kept here is ours.

use flinklab_event::{
    Checkpoint, CheckpointStatus, CheckpointsSample, Count, DiskCheckpoint, DiskSample,
    FlinkSample, JobRow, Restored, Worker,
};
use flinklab_lab::Checkpointing;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How many checkpoints are remembered: one every 2 s for more than half an hour.
const HISTORY: usize = 1200;
/// How many restores are remembered.
const RESTORES: usize = 200;
/// Samples that lie closer together than this count as one.
const APART: SignedDuration = SignedDuration::from_millis(250);
/// Gaps between checkpoints that are looked at where Flink does not tell its interval.
const GAPS: usize = 5;

/// The job and its checkpoints.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Job {
    /// The newest answer of Flink's REST, with the moment we saw it.
    pub sample: Option<(Timestamp, FlinkSample)>,
    /// The newest answer that was not an error.
    pub good: Option<(Timestamp, FlinkSample)>,
    /// The TaskManagers as registered, as seen last.
    pub workers: Option<(Timestamp, Vec<Worker>)>,
    /// The newest look at the files.
    pub disk: Option<(Timestamp, DiskSample)>,
    /// Every checkpoint ever seen of the current job, by id; never forgotten by a failover.
    pub checkpoints: BTreeMap<u64, Checkpoint>,
    /// Every restore seen, oldest first.
    pub restores: Vec<Restored>,
    /// The job that `checkpoints` and `restores` are of.
    pub id: Option<String>,
    /// Good samples in a row, each 250 ms or more after the one before; health needs five.
    pub good_in_a_row: u32,
    /// When our job was seen to run first.
    pub since: Option<Timestamp>,
    /// Looks at REST so far, good or not.
    pub samples: u64,
    /// The newest completed checkpoint by REST; a job that lost its pointers begins at 1 again.
    pub newest: Option<u64>,
    /// The checkpoint interval in milliseconds, as Flink tells it.
    pub interval_ms: Option<u64>,
    /// All that Flink tells of when they are taken.
    pub checkpointing: Option<Checkpointing>,
    /// Failed checkpoints that the leader has counted.
    pub failed: Option<u64>,
    /// When the sample that was counted last was asked for.
    pub counted: Option<Timestamp>,
    /// When REST told our job's checkpoints last.
    pub told: Option<Timestamp>,
    /// What it had counted when it said so last of every key, where it can.
    pub count: Option<Count>,
}

impl Job {
    /// Takes a look at REST in.
    pub(super) fn sampled(&mut self, at: Timestamp, sample: &FlinkSample) {
        self.samples += 1;
        if sample.jobs.is_ok() {
            self.good = Some((at, sample.clone()));
            let started = self.row(self.id.as_deref()).and_then(|row| row.started);
            self.since = self.since.or(started);
        }
        if let Some(workers) = &sample.workers {
            self.workers = Some((at, workers.clone()));
        }
        if let Some(seen) = &sample.checkpoints {
            self.checkpointed(at, seen);
        }
        let ours = |seen: &&Count| seen.is_whole() && self.id.as_ref() == Some(&seen.job);
        if let Some(seen) = sample.count.as_deref().filter(ours) {
            self.count = Some(seen.clone());
        }
        self.sample = Some((at, sample.clone()));
    }

    /// Counts a sample towards health, or begins again.
    pub(super) fn count(&mut self, sample: &FlinkSample, good: Good) {
        let apart = self
            .counted
            .is_none_or(|before| sample.asked.duration_since(before) >= APART);
        match good {
            Good::Yes if apart => {
                self.good_in_a_row = self.good_in_a_row.saturating_add(1);
                self.counted = Some(sample.asked);
            }
            Good::Yes => {}
            Good::No => self.not_good(),
        }
    }

    /// Begins the count anew.
    pub(super) fn not_good(&mut self) {
        self.good_in_a_row = 0;
        self.counted = None;
    }

    /// Takes a look at the files in.
    pub(super) fn on_disk(&mut self, at: Timestamp, sample: &DiskSample) {
        // A look that began before the job changed tells about the old one.
        if self.id.as_ref().is_none_or(|id| *id == sample.job) {
            self.disk = Some((at, sample.clone()));
        }
    }

    /// Which job is ours: another id begins another history, ids of two jobs must never be mixed.
    pub(super) fn job_is(&mut self, job: Option<&str>) {
        if self.id.as_deref() == job {
            return;
        }
        *self = Self {
            sample: self.sample.take(),
            good: self.good.take(),
            workers: self.workers.take(),
            samples: self.samples,
            id: job.map(str::to_owned),
            ..Self::default()
        };
    }

    fn checkpointed(&mut self, at: Timestamp, seen: &CheckpointsSample) {
        // An answer that was on its way when the job changed tells about the old one.
        if self.id.get_or_insert_with(|| seen.job.clone()) != &seen.job {
            return;
        }
        self.told = Some(at);
        self.failed = Some(seen.failed);
        self.interval_ms = seen.interval_ms.or(self.interval_ms);
        self.checkpointing = seen.checkpointing.or(self.checkpointing);
        for row in &seen.rows {
            let known = self.checkpoints.get(&row.id);
            if known.is_none_or(|known| row.replaces(known)) {
                self.checkpoints.insert(row.id, row.clone());
            }
        }
        if let Some(restored) = &seen.restored {
            self.restored(restored);
        }
        let completed = seen.completed.and_then(|id| self.checkpoints.get(&id));
        self.newest = match (completed, &seen.restored) {
            (None, None) => self.newest,
            (Some(row), None) => Some(row.id),
            (None, Some(restored)) => Some(restored.id),
            // A restore from an older one makes that one the newest there is.
            (Some(row), Some(restored)) => {
                if row.acknowledged > Some(restored.at) {
                    Some(row.id)
                } else {
                    Some(restored.id)
                }
            }
        };
        while self.checkpoints.len() > HISTORY {
            self.checkpoints.pop_first();
        }
    }

    fn restored(&mut self, restored: &Restored) {
        if !self.restores.iter().any(|known| known == restored) {
            self.restores.push(restored.clone());
            // By time, not by arrival: a standby may still tell the one before.
            self.restores.sort_by_key(|restore| restore.at);
        }
        if self.restores.len() > RESTORES {
            self.restores.remove(0);
        }
        // A new leader forgets its predecessor's list, but it did complete.
        self.checkpoints
            .entry(restored.id)
            .or_insert_with(|| Checkpoint {
                id: restored.id,
                status: CheckpointStatus::Completed,
                triggered: None,
                acknowledged: None,
                duration_ms: None,
                size: None,
                savepoint: restored.savepoint,
                path: restored.path.clone(),
            });
    }

    /// Our job's line in the newest good answer.
    #[must_use]
    pub fn row(&self, ours: Option<&str>) -> Option<&JobRow> {
        let (_, sample) = self.good.as_ref()?;
        let jobs = sample.jobs.as_ref().ok()?;
        jobs.iter().find(|row| Some(row.id.as_str()) == ours)
    }

    /// The newest completed checkpoint known from REST.
    #[must_use]
    pub fn newest(&self) -> Option<&Checkpoint> {
        self.checkpoints.get(&self.newest?)
    }

    /// The newest complete checkpoint on disk: by its stamp, ids may have begun again.
    #[must_use]
    pub fn newest_on_disk(&self) -> Option<&DiskCheckpoint> {
        let (_, sample) = self.disk.as_ref()?;
        let complete = sample.checkpoints.iter().filter(|row| row.complete);
        complete.max_by_key(|row| (row.written, row.id))
    }

    /// Time between two checkpoints: as Flink tells it, else as far apart as they are.
    #[must_use]
    pub fn interval(&self) -> Option<SignedDuration> {
        if let Some(every) = self.checkpointing.and_then(|it| it.every()) {
            return Some(every);
        }
        if let Some(ms) = self.interval_ms {
            return i64::try_from(ms).ok().map(SignedDuration::from_millis);
        }
        let stamps: Vec<Timestamp> = self
            .checkpoints
            .values()
            .rev()
            .filter_map(|row| row.triggered)
            .take(GAPS + 1)
            .collect();
        let mut gaps: Vec<SignedDuration> = stamps
            .windows(2)
            .map(|pair| pair[0].duration_since(pair[1]))
            .filter(|gap| gap.is_positive())
            .collect();
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied()
    }
}

/// Whether a sample counts towards health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Good {
    /// It does.
    Yes,
    /// It does not.
    No,
}
