//! Savepoints: asked for over REST, remembered by the leader under the request's id, written once
//! all tasks have answered, pointed to by nobody; and the stop that waits for one. They take their
//! ids from the same counter as checkpoints, and no end of a job removes them.

use super::checkpoints::{self, COORDINATOR, Checkpoint};
use super::job::JobMaster;
use super::rest::{Answer, error};
use crate::cluster::{Cluster, Process};
use bytes::Bytes;
use flinklab_base::clock;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;

const METADATA: &str = "_metadata";
/// The first words of a savepoint's metadata, before its id.
const HEAD: &str = "simulated savepoint metadata, id ";
/// How long a job takes to end once its last savepoint is there.
const ENDS: (f64, f64) = (0.4, 1.0);

/// What a savepoint was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Savepoint {
    /// The job goes on.
    GoesOn,
    /// The job ends with it.
    Stops,
}

impl Savepoint {
    /// As REST calls it.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::GoesOn => "SAVEPOINT",
            Self::Stops => "SYNC_SAVEPOINT",
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone)]
pub(super) enum Trigger {
    InProgress,
    Completed(String),
    Failed(String),
    /// Completed, and somebody has asked for it.
    Fetched(String),
}

impl Trigger {
    pub(super) const fn is_waited_for(&self) -> bool {
        matches!(self, Self::InProgress | Self::Completed(_))
    }
}

/// Takes a request for a savepoint, or for a stop with one.
pub(super) fn asked(
    cluster: &Arc<Cluster>,
    leader: &str,
    (id, how): (&str, &str),
    body: &Bytes,
) -> Answer {
    let wish: Value = if body.is_empty() {
        json!({})
    } else {
        match serde_json::from_slice(body) {
            Ok(wish) => wish,
            Err(why) => {
                return error(
                    400,
                    &format!("Request did not match expected format: {why}"),
                );
            }
        }
    };
    let (key, purpose) = match how {
        "stop" => ("targetDirectory", Savepoint::Stops),
        _ => ("target-directory", Savepoint::GoesOn),
    };
    let folder = &cluster.lab.flink.folders.savepoints;
    let own = format!("file:{}/{folder}", cluster.lab.flink.mount);
    let target = wish[key].as_str().map_or(own, str::to_owned);
    let request = cluster.context.dice.hex(32);
    let master = {
        let mut state = cluster.hold();
        let state = &mut *state;
        let process = state
            .containers
            .get(leader)
            .map(|own| Process::of(cluster, own));
        let leading = state.flink.masters.get_mut(leader);
        let leading = leading.and_then(|master| master.leading.as_mut());
        let (Some(process), Some(leading)) = (process, leading) else {
            return error(503, "the leader is gone");
        };
        let session = leading.session.clone();
        let Some(job) = leading.jobs.get_mut(id) else {
            return error(404, &format!("Could not find Flink job ({id})"));
        };
        job.triggers.insert(request.clone(), Trigger::InProgress);
        JobMaster {
            process,
            session,
            id: id.to_owned(),
        }
    };
    let (noted, over) = (request.clone(), master.process.gone.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = over.cancelled() => {}
            () = master.process.cluster.stop.cancelled() => {}
            () = carry_out(&master, &noted, &target, purpose) => {}
        }
    });
    (202, json!({"request-id": request}))
}

/// What became of a request: a leader that came later knows of none.
pub(super) fn told(cluster: &Cluster, leader: &str, id: &str, request: &str) -> Answer {
    let mut state = cluster.hold();
    let leading = state.flink.masters.get_mut(leader);
    let job = leading.and_then(|master| master.leading.as_mut()?.jobs.get_mut(id));
    let trigger = job.and_then(|job| job.triggers.get_mut(request));
    let told = trigger.as_deref().cloned();
    if let (Some(trigger), Some(Trigger::Completed(path))) = (trigger, &told) {
        *trigger = Trigger::Fetched(path.clone());
    }
    match told {
        None => error(
            404,
            &format!("There is no savepoint operation with triggerId={request} for job {id}."),
        ),
        Some(Trigger::InProgress) => (
            200,
            json!({"status": {"id": "IN_PROGRESS"}, "operation": null}),
        ),
        Some(Trigger::Completed(path) | Trigger::Fetched(path)) => (
            200,
            json!({"status": {"id": "COMPLETED"}, "operation": {"location": path}}),
        ),
        Some(Trigger::Failed(why)) => (
            200,
            json!({"status": {"id": "COMPLETED"}, "operation": {"failure-cause": {
                "class": "java.util.concurrent.CompletionException", "stack-trace": why,
                "serialized-throwable": ""}}}),
        ),
    }
}

async fn carry_out(master: &JobMaster, request: &str, target: &str, purpose: Savepoint) {
    let taken = take(master, target, purpose).await;
    if let (Ok(_), Savepoint::Stops) = (&taken, purpose) {
        // The savepoint is told of only when the job has ended.
        master.process.about(ENDS.0, ENDS.1).await;
        master.with(|job| job.finish.cancel());
        while master.with(|job| job.state == "RUNNING") == Some(true) {
            master.process.nap(0.02).await;
        }
    }
    master.with(|job| {
        let trigger = match taken {
            Ok(path) => Trigger::Completed(path),
            Err(why) => Trigger::Failed(why),
        };
        job.triggers.insert(request.to_owned(), trigger);
    });
}

/// The path, or the exception with its cause.
async fn take(master: &JobMaster, target: &str, purpose: Savepoint) -> Result<String, String> {
    let process = &master.process;
    let wrong = |why: &str| {
        format!(
            "java.util.concurrent.CompletionException: the savepoint failed\n\tat simulated\nCaused by: org.apache.flink.runtime.checkpoint.CheckpointException: {why}"
        )
    };
    let all_run = master.with_quietly(|job| job.state == "RUNNING" && job.tasks == "RUNNING");
    if all_run != Some(true) {
        return Err(wrong(
            "Checkpoint Coordinator is suspending: not all required tasks are currently running.",
        ));
    }
    let triggered = clock::now();
    let id = checkpoints::next_id(master)
        .ok_or_else(|| wrong("The checkpoint id counter cannot be reached."))?;
    master.with(|job| {
        job.counts.total += 1;
        job.counts.in_progress = 1;
    });
    master.say(
        COORDINATOR,
        &format!(
            "Triggering checkpoint {id} (type=SavepointType{{name='Savepoint', postCheckpointAction=NONE, formatType=CANONICAL}}) @ {} for job {}.",
            triggered.as_millisecond(),
            master.id
        ),
    );
    process.about(0.05, 0.2).await;
    while master.silent().iter().any(|(_, _, gone)| !gone) {
        process.nap(0.5).await;
    }
    let name = format!(
        "savepoint-{}-{}",
        &master.id[..6.min(master.id.len())],
        process.cluster.context.dice.hex(12)
    );
    let path = format!("{}/{name}", target.trim_end_matches('/'));
    let written = if master.silent().is_empty() {
        write(process, &path, id)
    } else {
        Err(io::Error::other("a TaskManager did not acknowledge"))
    };
    let savepoint = Checkpoint {
        id,
        triggered,
        acknowledged: clock::now(),
        path: path.clone(),
        discarded: false,
        savepoint: Some(purpose),
    };
    match written {
        Ok(()) => {
            checkpoints::complete(master, savepoint);
            Ok(path)
        }
        Err(error) => {
            checkpoints::fail(master, savepoint, &error.to_string());
            Err(wrong(&error.to_string()))
        }
    }
}

fn write(process: &Process, path: &str, id: u64) -> io::Result<()> {
    let folder = checkpoints::on_host(process, path).ok_or_else(|| {
        io::Error::other(format!("Failed to create savepoint directory at {path}"))
    })?;
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(METADATA), format!("{HEAD}{id}\n"))
}

/// The id of what is at a path: a checkpoint's folder is named after it, a savepoint's metadata
/// tells it.
pub(super) fn id_of(process: &Process, path: &str) -> Option<u64> {
    let path = path.trim_end_matches('/');
    if let Some((_, id)) = path.rsplit_once("/chk-") {
        return id.parse().ok();
    }
    let folder = checkpoints::on_host(process, path)?;
    let text = std::fs::read_to_string(folder.join(METADATA)).ok()?;
    text.lines().next()?.strip_prefix(HEAD)?.parse().ok()
}
