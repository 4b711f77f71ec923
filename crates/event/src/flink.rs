//! What Flink's REST says: jobs, tasks, checkpoints, TaskManagers.

use crate::Count;
use flinklab_lab::Checkpointing;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// What the job counted, where it can prove by that that its state is exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Box<Count>>,
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
    /// Its last heartbeat, by the JobManager's clock; none before the first one.
    #[serde(default)]
    pub heartbeat: Option<Timestamp>,
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
    /// The checkpoint interval in milliseconds, once it was asked for.
    #[serde(default)]
    pub interval_ms: Option<u64>,
    /// All that Flink tells of when they are taken, once it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpointing: Option<Checkpointing>,
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

impl JobRow {
    /// RUNNING and every task too.
    #[must_use]
    pub fn all_run(&self) -> bool {
        self.state == "RUNNING" && self.tasks.total > 0 && self.tasks.running == self.tasks.total
    }
}

impl Checkpoint {
    /// When it was complete; until it is, when it was triggered.
    #[must_use]
    pub fn at(&self) -> Option<Timestamp> {
        self.acknowledged.or(self.triggered)
    }

    /// Whether this is news about the same id: a completed one never falls back, unless it was
    /// triggered again later, by a job that began again from 1.
    #[must_use]
    pub fn replaces(&self, known: &Self) -> bool {
        self.status != CheckpointStatus::InProgress
            || known.status == CheckpointStatus::InProgress
            || self.triggered > known.triggered
    }
}
