//! What can be done with the job besides breaking it: savepoint, stop, cancel, resume, start anew.
//! Plain data about what there is before and after, and sentences about what each of them costs.

mod words;

use super::ApplicationFacts;
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is done with the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobAct {
    /// Write a savepoint; the job goes on.
    Savepoint,
    /// Write a savepoint and end the job.
    Stop,
    /// End the job at once.
    Cancel,
    /// Start a new job from a savepoint or a retained checkpoint.
    Resume,
    /// Start a new job from nothing.
    Resubmit,
}

impl JobAct {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Savepoint,
        Self::Stop,
        Self::Cancel,
        Self::Resume,
        Self::Resubmit,
    ];

    /// As the command line says it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Savepoint => "savepoint",
            Self::Stop => "stop",
            Self::Cancel => "cancel",
            Self::Resume => "resume",
            Self::Resubmit => "resubmit",
        }
    }

    /// What it does, as a person would ask for it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Savepoint => "write a savepoint; the job goes on",
            Self::Stop => "write a savepoint, then end the job",
            Self::Cancel => "end the job at once",
            Self::Resume => "start a new job from what is kept",
            Self::Resubmit => "start a new job from nothing",
        }
    }

    /// Whether it needs a job that runs; the others need that none does.
    #[must_use]
    pub const fn needs_a_job(self) -> bool {
        matches!(self, Self::Savepoint | Self::Stop | Self::Cancel)
    }
}

impl fmt::Display for JobAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOrder {
    /// What is done.
    pub act: JobAct,
    /// Where a resumed job starts; none: the newest there is.
    #[serde(default)]
    pub from: Option<String>,
}

/// What Flink keeps of one job for the next leader, and what of its state lies on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HaData {
    /// The job.
    pub job: String,
    /// Whether the next leader would bring it back: its plan is in the cluster's config map.
    pub plan: bool,
    /// Whether its own config map is there.
    pub map: bool,
    /// Checkpoints that the map points to, ascending.
    pub pointers: Vec<u64>,
    /// The next checkpoint's id, by the map.
    pub counter: Option<u64>,
    /// Files in the HA folder.
    pub files: u32,
    /// Complete checkpoints on the disk, ascending.
    pub checkpoints: Vec<u64>,
    /// Its savepoints, by folder name, oldest first.
    pub savepoints: Vec<String>,
}

/// A job that is or was this lab's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownJob {
    /// 32 hex digits.
    pub id: String,
    /// When it was written down.
    pub when: Timestamp,
    /// Where it started; none: from nothing.
    pub from: Option<String>,
    /// Flink's word for what it does; none: Flink does not know it, or did not answer.
    pub state: Option<String>,
}

/// Something that a job can start from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// What it is.
    pub kind: StartKind,
    /// As Flink names it.
    pub path: String,
    /// The job that wrote it.
    pub job: String,
    /// When it was complete.
    pub at: Timestamp,
}

/// What a job can start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartKind {
    /// Asked for by a person; nobody but a person removes it.
    Savepoint,
    /// Flink's own, retained when its job ended.
    Checkpoint,
}

impl Start {
    /// The last part of its path: `chk-7`, `savepoint-c506b6-…`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether a person means it: by its path, or by its name.
    #[must_use]
    pub fn is_meant(&self, words: &str) -> bool {
        let words = words.trim_end_matches('/');
        self.path == words || self.name() == words || {
            // `<job>/chk-7` tells two jobs' checkpoints apart
            words.contains('/') && self.path.ends_with(&format!("/{words}"))
        }
    }
}

/// What becomes of the checkpoints of a job that is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retention {
    /// They stay: `RETAIN_ON_CANCELLATION`.
    Kept,
    /// They go.
    Removed,
    /// Nobody has told.
    #[default]
    Unknown,
}

/// One look at all that can be done with the job.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JobsSeen {
    /// The lab's jobs, the newest first.
    pub jobs: Vec<KnownJob>,
    /// The one written down last for this cluster.
    pub current: Option<String>,
    /// Why Flink said nothing, if it did not.
    pub silent: Option<String>,
    /// What there is of the current one.
    pub ha: HaData,
    /// What a job can start from, the newest first.
    pub starts: Vec<Start>,
    /// What `cancel` does to checkpoints.
    pub retention: Retention,
    /// How the job is run where it is a part of its cluster.
    #[serde(default)]
    pub application: Option<ApplicationSeen>,
}

/// JobManagers that bring their job along, as they are now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ApplicationSeen {
    /// What the lab's files say of them.
    pub facts: ApplicationFacts,
    /// None is wanted: their workload is at zero, or gone.
    pub at_zero: bool,
}

impl JobsSeen {
    /// Flink's word for the current job.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        let current = self.current.as_ref()?;
        let job = self.jobs.iter().find(|job| job.id == *current)?;
        job.state.as_deref()
    }

    /// Whether the current job may still run. One that Flink will bring back counts.
    #[must_use]
    pub fn lives(&self) -> bool {
        match self.state() {
            Some(state) => !is_over(state),
            None => self.ha.plan,
        }
    }

    /// What a person means by words, or the newest without any.
    pub fn start(&self, words: Option<&str>) -> Result<&Start, Fault> {
        let fault = |what: String| {
            let all: Vec<&str> = self
                .starts
                .iter()
                .take(8)
                .map(|start| start.path.as_str())
                .collect();
            let why = if all.is_empty() {
                "no job of this lab left a savepoint or a retained checkpoint".to_owned()
            } else {
                format!("there are {}", all.join(", "))
            };
            Fault::wrong("no-start", what)
                .why(why)
                .hint(advice!("`flinklab job list` shows all of them."))
        };
        let Some(words) = words else {
            let newest = self.starts.first();
            return newest.ok_or_else(|| fault("There is nothing to resume from.".to_owned()));
        };
        let mut found = self.starts.iter().filter(|start| start.is_meant(words));
        match (found.next(), found.next()) {
            (Some(start), None) => Ok(start),
            (None, _) => Err(fault(format!("There is no `{words}` to resume from."))),
            (Some(_), Some(_)) => Err(fault(format!("`{words}` may mean more than one."))),
        }
    }
}

/// Whether Flink's word says that a job will not run again.
#[must_use]
pub fn is_over(state: &str) -> bool {
    matches!(state, "FINISHED" | "CANCELED" | "FAILED")
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobDone {
    /// What was asked for.
    pub order: JobOrder,
    /// The job that it was done to, or the new one.
    pub job: String,
    /// Flink's word for it at the end.
    pub state: String,
    /// The savepoint that was written.
    pub savepoint: Option<String>,
    /// Where the new job started, as Flink tells it.
    pub restored: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// What there was.
    pub before: HaData,
    /// What there is.
    pub after: HaData,
}

impl JobDone {
    /// Checkpoints on the disk that were Flink's to keep or to remove. What lay there before without
    /// a pointer, such as a history that was lost, is nobody's and stays in any case.
    #[must_use]
    pub fn left(&self) -> Vec<u64> {
        let nobodys =
            |id: &u64| self.before.checkpoints.contains(id) && !self.before.pointers.contains(id);
        let all = self.after.checkpoints.iter().copied();
        all.filter(|id| !nobodys(id)).collect()
    }
}

/// Told while an order is carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobTold {
    /// It is begun.
    Begun(JobOrder),
    /// What it waits for.
    Now(String),
    /// It is done.
    Done(Box<JobDone>),
    /// It could not be done.
    Refused(Fault),
}

#[cfg(test)]
mod tests;
