//! The Flink job and its checkpoints as three witnesses see them: REST, the HA pointer, the disk.
//! REST forgets everything with each leader, so the history kept here is ours.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many checkpoints are remembered: one every 2 s for more than half an hour.
const HISTORY: usize = 1200;

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
    /// Good samples in a row: all tasks running. Health needs five, 250 ms apart.
    pub good_in_a_row: u32,
}

/// One look at Flink's REST.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlinkSample {
    /// Which way it went.
    pub via: Via,
    /// The pod that was asked, where it went through one.
    pub pod: Option<String>,
    /// When the request was sent.
    pub asked: Timestamp,
    /// How long the answer took, in milliseconds.
    pub took_ms: u64,
    /// The jobs, or why there is no answer: Flink's or the proxy's own words.
    pub jobs: Result<Vec<JobRow>, String>,
    /// Checkpoints of our job; none where they could not be read in this round.
    pub checkpoints: Option<CheckpointsSample>,
    /// The registered TaskManagers (`/taskmanagers`); none where they were not read in this round.
    /// Without them nobody can tell which one runs tasks: after a loss, all may be on one.
    #[serde(default)]
    pub workers: Option<Vec<Worker>>,
}

/// A registered TaskManager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// The host in its address, which is its pod's IP.
    pub host: String,
    /// Its slots.
    pub slots: u32,
    /// Those that run nothing.
    pub free: u32,
}

/// The part of `/jobs/:id/checkpoints` that matters.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CheckpointsSample {
    /// Of which job.
    pub job: String,
    /// History and latest ones, ascending by id, savepoints included.
    pub rows: Vec<Checkpoint>,
    /// The newest completed one's id.
    pub completed: Option<u64>,
    /// What the job was restored from last in this leader's memory.
    pub restored: Option<Restored>,
    /// Failed ones counted by this leader.
    pub failed: u64,
}

/// The way a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// The API server's pod proxy.
    PodProxy,
    /// The NodePort on loopback: works without the API server.
    NodePort,
}

/// One line of `/jobs/overview`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// 32 hex digits.
    pub id: String,
    /// As the job calls itself.
    pub name: String,
    /// `RUNNING` may be true while tasks are only scheduled.
    pub state: String,
    /// Counts of tasks.
    pub tasks: Tasks,
    /// When it started.
    pub started: Option<Timestamp>,
}

/// Counts of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tasks {
    /// Really running.
    pub running: u32,
    /// All.
    pub total: u32,
}

/// One checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Its id. Gaps are fine: failed ones and savepoints take ids too.
    pub id: u64,
    /// How far it is.
    pub status: CheckpointStatus,
    /// When it was triggered, by the JobManager's clock.
    pub triggered: Option<Timestamp>,
    /// When its last acknowledgement came, by the JobManager's clock.
    pub acknowledged: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Bytes of state.
    pub size: Option<u64>,
    /// Triggered by a person.
    pub savepoint: bool,
    /// Where it is, as Flink writes it.
    pub path: Option<String>,
}

/// How far a checkpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckpointStatus {
    /// Not acknowledged by all tasks yet.
    InProgress,
    /// Usable.
    Completed,
    /// Given up.
    Failed,
}

/// What a job was restored from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The checkpoint's id.
    pub id: u64,
    /// When, by the JobManager's clock.
    pub at: Timestamp,
    /// From a savepoint.
    pub savepoint: bool,
    /// From where, as Flink writes it.
    pub path: Option<String>,
}

/// One look at the files of the mount.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiskSample {
    /// The job whose folder was read.
    pub job: String,
    /// Its `chk-…` folders, ascending by id.
    pub checkpoints: Vec<DiskCheckpoint>,
    /// Names of the files below the HA folder.
    pub ha_files: Vec<String>,
}

/// One `chk-…` folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskCheckpoint {
    /// Its id.
    pub id: u64,
    /// Whether its `_metadata` is there and readable: without it, it is nothing.
    pub complete: bool,
    /// Files in it.
    pub files: u32,
    /// Bytes in it.
    pub bytes: u64,
    /// When `_metadata` was written.
    pub written: Option<Timestamp>,
}

impl Job {
    /// Takes a look at REST in.
    pub(super) fn sampled(&mut self, at: Timestamp, sample: &FlinkSample, ours: Option<&str>) {
        if let Ok(jobs) = &sample.jobs {
            let row = ours.and_then(|id| jobs.iter().find(|row| row.id == id));
            let all_run = row.is_some_and(JobRow::all_run);
            self.good_in_a_row = if all_run {
                self.good_in_a_row.saturating_add(1)
            } else {
                0
            };
            self.good = Some((at, sample.clone()));
        } else {
            self.good_in_a_row = 0;
        }
        if let Some(workers) = &sample.workers {
            self.workers = Some((at, workers.clone()));
        }
        if let Some(seen) = &sample.checkpoints {
            self.belongs_to(&seen.job);
            for row in &seen.rows {
                self.checkpoints.insert(row.id, row.clone());
            }
            while self.checkpoints.len() > HISTORY {
                self.checkpoints.pop_first();
            }
            if let Some(restored) = &seen.restored
                && !self.restores.iter().any(|known| known.at == restored.at)
            {
                self.restores.push(restored.clone());
            }
        }
        self.sample = Some((at, sample.clone()));
    }

    /// Takes a look at the files in.
    pub(super) fn on_disk(&mut self, at: Timestamp, sample: &DiskSample) {
        self.disk = Some((at, sample.clone()));
    }

    /// Another job id begins another history: ids of two jobs must never be mixed.
    fn belongs_to(&mut self, job: &str) {
        if self.id.as_deref() != Some(job) {
            self.checkpoints.clear();
            self.restores.clear();
            self.id = Some(job.to_owned());
        }
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
        self.checkpoints
            .values()
            .rev()
            .find(|row| row.status == CheckpointStatus::Completed && !row.savepoint)
    }

    /// The newest complete checkpoint on disk.
    #[must_use]
    pub fn newest_on_disk(&self) -> Option<&DiskCheckpoint> {
        let (_, sample) = self.disk.as_ref()?;
        sample.checkpoints.iter().rev().find(|row| row.complete)
    }
}

impl JobRow {
    /// RUNNING and every task too.
    #[must_use]
    pub fn all_run(&self) -> bool {
        self.state == "RUNNING" && self.tasks.total > 0 && self.tasks.running == self.tasks.total
    }
}
