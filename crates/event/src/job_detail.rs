//! A job in detail: its vertices and its exceptions.

use crate::Tasks;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The job as its page shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobDetail {
    /// Which job.
    pub job: String,
    /// Its operators, in order of the plan.
    pub vertices: Vec<Vertex>,
    /// What ended it or a task, newest first, as this leader remembers.
    pub exceptions: Vec<JobException>,
}

/// An operator chain of the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vertex {
    /// As Flink names it.
    pub name: String,
    /// Its tasks' common state.
    pub state: String,
    /// Its tasks.
    pub tasks: Tasks,
    /// Since when it is in this state's run.
    pub started: Option<Timestamp>,
    /// How many tasks by state, those of 0 left out.
    pub states: Vec<(String, u32)>,
}

/// Why a job or a task failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobException {
    /// When, by the JobManager's clock.
    pub at: Timestamp,
    /// The task it came from, if it came from one.
    pub task: String,
    /// Where that ran.
    pub worker: String,
    /// The stack trace in lines, causes included.
    pub lines: Vec<String>,
}

impl JobException {
    /// The exception that was thrown, in one line.
    #[must_use]
    pub fn first(&self) -> &str {
        self.lines.first().map_or("", String::as_str)
    }

    /// The innermost cause: what really happened.
    #[must_use]
    pub fn root(&self) -> &str {
        let causes = self.lines.iter().rev();
        let cause = causes
            .filter_map(|line| line.trim().strip_prefix("Caused by: "))
            .next();
        cause.unwrap_or_else(|| self.first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_cause_is_the_innermost_one() {
        let lines = [
            "a.B: outer",
            "\tat x.y",
            "Caused by: c.D: middle",
            "Caused by: e.F: inner",
            "\tat z",
        ];
        let exception = JobException {
            at: Timestamp::UNIX_EPOCH,
            task: String::new(),
            worker: String::new(),
            lines: lines.map(str::to_owned).to_vec(),
        };
        assert_eq!(exception.root(), "e.F: inner");
        assert_eq!(exception.first(), "a.B: outer");
    }
}
