//! What pages about one thing need beyond its row: a pod's description, the last words of its
//! container before, the job's vertices and exceptions. Plain data, whatever the version of Flink.

use super::{LogLine, Tasks};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Exceptions remembered: Flink forgets them with each leader, we do not.
const EXCEPTIONS: usize = 100;

/// What Kubernetes says about a pod beyond its row. Comes with the watch, so it is never asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodDetail {
    /// Name of Flink's container.
    pub container: String,
    /// The image as written.
    pub image: String,
    /// What it is called with, in one line.
    pub arguments: String,
    /// Since when the present container runs.
    pub started: Option<Timestamp>,
    /// Requests and limits, such as `cpu 500m`.
    pub requests: Vec<String>,
    /// Limits.
    pub limits: Vec<String>,
    /// `path from source`.
    pub mounts: Vec<String>,
    /// Who makes a new one when it is gone.
    pub owner: Option<String>,
    /// Service account.
    pub account: Option<String>,
    /// Seconds that its container sleeps before it gets SIGTERM when the pod is deleted: a preStop
    /// hook that does nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleeps: Option<u32>,
    /// A container that ends is not started again: whoever made the pod makes another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_for_good: bool,
    /// Conditions, as Kubernetes lists them.
    pub conditions: Vec<Condition>,
}

/// One condition of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Such as `Ready`.
    pub name: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, where it says so.
    pub reason: String,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// The log of a container before its newest restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviousLog {
    /// Of which pod.
    pub uid: String,
    /// When it was asked for.
    pub asked: Timestamp,
    /// Its last lines, or why there are none.
    pub lines: Result<Vec<LogLine>, String>,
}

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

/// Job details seen so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobDetails {
    /// The newest answer.
    pub seen: Option<(Timestamp, JobDetail)>,
    /// Every exception ever seen of this job, newest first; kept across failovers.
    pub exceptions: Vec<JobException>,
}

impl JobDetails {
    pub(super) fn take(&mut self, at: Timestamp, detail: &JobDetail) {
        if self
            .seen
            .as_ref()
            .is_some_and(|(_, seen)| seen.job != detail.job)
        {
            *self = Self::default();
        }
        for exception in &detail.exceptions {
            if !self.exceptions.contains(exception) {
                self.exceptions.push(exception.clone());
            }
        }
        self.exceptions.sort_by_key(|one| std::cmp::Reverse(one.at));
        self.exceptions.truncate(EXCEPTIONS);
        self.seen = Some((at, detail.clone()));
    }
}

/// Seconds in Kubernetes' way of writing a duration: `5s`, `1m20s`, `5m0s`.
fn duration(text: &str) -> Option<SignedDuration> {
    let mut seconds: i64 = 0;
    let mut number = String::new();
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            number.push(letter);
            continue;
        }
        let unit = match letter {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        let count: i64 = std::mem::take(&mut number).parse().ok()?;
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
    }
    number
        .is_empty()
        .then(|| SignedDuration::from_secs(seconds))
}

/// How long Kubernetes waits before it starts a container again, from what it says about it:
/// `back-off 5s restarting failed container=…`.
pub(super) fn back_off(message: &str) -> Option<SignedDuration> {
    let words = message.split_whitespace();
    duration(words.skip_while(|word| *word != "back-off").nth(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_back_off_is_read_from_kubernetes_words() {
        let of = |text| back_off(text).map(|it| it.as_secs());
        assert_eq!(of("back-off 5s restarting failed container=x"), Some(5));
        assert_eq!(of("back-off 1m20s restarting"), Some(80));
        assert_eq!(of("back-off 5m0s restarting"), Some(300));
        assert_eq!(of("back-off soon"), None);
        assert_eq!(of("back-off 99999999999999999999s"), None);
        assert_eq!(of(""), None);
    }

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
