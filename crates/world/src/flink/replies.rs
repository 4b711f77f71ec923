//! What Flink's REST answers, as far as it matters, for 1.15 to 2.3. Every field may be missing:
//! versions differ, and a server that comes up answers with whatever it has.

use crate::{clean, ha};
use flinklab_event::{
    Checkpoint, CheckpointStatus, CheckpointsSample, JobRow, Restored, Tasks, Worker,
};
use flinklab_lab::Checkpointing;
use jiff::Timestamp;
use serde::Deserialize;

/// Jobs of one answer that are looked at.
const JOBS: usize = 100;
/// TaskManagers of one answer that are looked at.
const WORKERS: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Overview {
    jobs: Option<Vec<JobReply>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct JobReply {
    jid: String,
    name: Option<String>,
    state: Option<String>,
    start_time: Option<i64>,
    tasks: TasksReply,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TasksReply {
    running: u32,
    total: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Checkpoints {
    counts: Counts,
    latest: Latest,
    history: Option<Vec<CheckpointReply>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Counts {
    failed: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Latest {
    completed: Option<CheckpointReply>,
    savepoint: Option<CheckpointReply>,
    failed: Option<CheckpointReply>,
    restored: Option<RestoredReply>,
}

#[derive(Debug, Deserialize)]
struct CheckpointReply {
    id: u64,
    status: Option<String>,
    #[serde(default)]
    is_savepoint: bool,
    trigger_timestamp: Option<i64>,
    latest_ack_timestamp: Option<i64>,
    end_to_end_duration: Option<i64>,
    state_size: Option<i64>,
    external_path: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RestoredReply {
    id: u64,
    restore_timestamp: i64,
    #[serde(default)]
    is_savepoint: bool,
    external_path: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Workers {
    taskmanagers: Vec<WorkerReply>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WorkerReply {
    path: String,
    slots_number: u32,
    free_slots: u32,
    /// Not the time since then, whatever the name says: the moment itself, in every version.
    time_since_last_heartbeat: i64,
}

#[derive(Debug, Deserialize)]
struct CheckpointConfig {
    interval: u64,
    #[serde(default)]
    min_pause: u64,
    timeout: u64,
}

#[derive(Debug, Deserialize)]
struct Errors {
    errors: Vec<String>,
}

/// The API server's own answer, where it has none of Flink.
#[derive(Debug, Deserialize)]
struct Status {
    kind: String,
    message: Option<String>,
}

/// The rows of `/jobs/overview`. Jobs that were suspended by a leader of the past are left in: the
/// id says which one is ours.
pub(super) fn jobs(body: &[u8]) -> Result<Vec<JobRow>, String> {
    let overview: Overview = serde_json::from_slice(body).map_err(|error| garbled(body, &error))?;
    let jobs = overview
        .jobs
        .ok_or_else(|| "the answer lists no jobs".to_owned())?;
    Ok(jobs
        .into_iter()
        .take(JOBS)
        .map(|job| JobRow {
            id: clean::message(&job.jid),
            name: clean::message(&job.name.unwrap_or_default()),
            state: clean::message(&job.state.unwrap_or_default()),
            tasks: Tasks {
                running: job.tasks.running,
                total: job.tasks.total,
            },
            started: job.start_time.and_then(stamp),
        })
        .collect())
}

/// The rows of `/taskmanagers`.
pub(super) fn workers(body: &[u8]) -> Result<Vec<Worker>, String> {
    let reply: Workers = serde_json::from_slice(body).map_err(|error| garbled(body, &error))?;
    let all = reply.taskmanagers.into_iter().take(WORKERS);
    Ok(all
        .map(|one| Worker {
            host: clean::message(ha::host(&one.path).unwrap_or_default()),
            slots: one.slots_number,
            free: one.free_slots,
            heartbeat: stamp(one.time_since_last_heartbeat),
        })
        .collect())
}

/// `/jobs/:id/checkpoints`.
pub(super) fn checkpoints(job: &str, body: &[u8]) -> Result<CheckpointsSample, String> {
    let reply: Checkpoints = serde_json::from_slice(body).map_err(|error| garbled(body, &error))?;
    let latest = reply.latest;
    let completed = latest.completed.as_ref().map(|row| row.id);
    // The latest ones may be older than the history, which is short.
    let mut rows: Vec<Checkpoint> = [latest.completed, latest.savepoint, latest.failed]
        .into_iter()
        .flatten()
        .chain(reply.history.unwrap_or_default())
        .map(row)
        .collect();
    rows.sort_by_key(|row| row.id);
    rows.dedup_by_key(|row| row.id);
    Ok(CheckpointsSample {
        job: job.to_owned(),
        rows,
        completed,
        restored: latest.restored.and_then(|restored| {
            Some(Restored {
                id: restored.id,
                at: stamp(restored.restore_timestamp)?,
                savepoint: restored.is_savepoint,
                path: restored.external_path.map(|path| clean::line(&path)),
            })
        }),
        failed: reply.counts.failed,
        interval_ms: None,
        checkpointing: None,
    })
}

/// `/jobs/:id/checkpoints/config`. A job without checkpoints has the largest number there is.
pub(crate) fn checkpointing(body: &[u8]) -> Option<Checkpointing> {
    let config: CheckpointConfig = serde_json::from_slice(body).ok()?;
    let interval = config.interval;
    Some(Checkpointing {
        interval_ms: (1..i64::MAX as u64).contains(&interval).then_some(interval),
        min_pause_ms: config.min_pause,
        timeout_ms: config.timeout,
    })
}

fn row(reply: CheckpointReply) -> Checkpoint {
    let status = match reply.status.as_deref() {
        Some("COMPLETED") => CheckpointStatus::Completed,
        Some("IN_PROGRESS") => CheckpointStatus::InProgress,
        _ => CheckpointStatus::Failed,
    };
    Checkpoint {
        id: reply.id,
        status,
        triggered: reply.trigger_timestamp.and_then(stamp),
        acknowledged: reply
            .latest_ack_timestamp
            .filter(|_| status == CheckpointStatus::Completed)
            .and_then(stamp),
        duration_ms: reply
            .end_to_end_duration
            .and_then(|ms| u64::try_from(ms).ok()),
        size: reply.state_size.and_then(|bytes| u64::try_from(bytes).ok()),
        savepoint: reply.is_savepoint,
        path: reply
            .external_path
            .filter(|path| !path.starts_with('<'))
            .map(|path| clean::line(&path)),
    }
}

/// -1 is Flink's word for none.
fn stamp(ms: i64) -> Option<Timestamp> {
    (ms > 0)
        .then(|| Timestamp::from_millisecond(ms).ok())
        .flatten()
}

/// Whose words an error answer is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Flink's own: the way to it works.
    Flink(String),
    /// The API server's or somebody else's: Flink was not reached.
    Between(String),
}

/// An error answer in one line: Flink's first sentence without its stack trace, else the API
/// server's message, else what the body begins with.
pub(super) fn said(code: u16, body: &[u8]) -> Said {
    if let Ok(errors) = serde_json::from_slice::<Errors>(body) {
        let first = errors.errors.iter().find_map(|text| sentence(text));
        let first = first.map(|words| in_other_words(&words).unwrap_or(words));
        return Said::Flink(first.unwrap_or_else(|| format!("HTTP {code}")));
    }
    Said::Between(match serde_json::from_slice::<Status>(body) {
        Ok(status) if status.kind == "Status" => {
            clean::message(&status.message.unwrap_or_else(|| format!("HTTP {code}")))
        }
        _ => match sentence(&String::from_utf8_lossy(body)) {
            Some(text) => format!("HTTP {code}: {text}"),
            None => format!("HTTP {code}"),
        },
    })
}

/// What a JobManager says while its leader is lost, which every failover brings: messages of its
/// actor system that name no cause a person could know.
fn in_other_words(said: &str) -> Option<String> {
    const KNOWN: [(&str, &str); 3] = [
        ("RemoteFencedMessage", "the leader that it asks is gone"),
        (
            "recipient is unreachable",
            "the leader that it asks is gone",
        ),
        ("ongoing leader election", "nobody leads at the moment"),
    ];
    let found = KNOWN.iter().find(|(part, _)| said.contains(part))?;
    Some(found.1.to_owned())
}

/// The first line that says something. Frames of a stack trace come after it, Flink's own headings
/// before it, and the classes in front of it say no more than the sentence.
fn sentence(text: &str) -> Option<String> {
    const HEADINGS: [&str; 3] = ["", "Internal server error.", "<Exception on server side:"];
    let mut plain = text
        .lines()
        .map(str::trim)
        .find(|line| !HEADINGS.contains(line))?;
    // One exception may carry another.
    while let Some((class, rest)) = plain.split_once(": ")
        && class.contains('.')
        && !class.contains(' ')
    {
        plain = rest;
    }
    Some(clean::message(plain))
}

pub(super) fn garbled(body: &[u8], error: &serde_json::Error) -> String {
    let begin = String::from_utf8_lossy(&body[..body.len().min(80)]);
    format!(
        "the answer is not what Flink sends: {error}; it begins with `{}`",
        clean::message(&begin)
    )
}

#[cfg(test)]
mod tests;
