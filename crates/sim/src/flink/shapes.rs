//! The JSON of Flink's REST, field by field as real JobManagers answered: 2.2's, without what an
//! older version does not say.

use super::checkpoints::{Checkpoint, seconds};
use super::configured::Options;
use super::job::Job;
use super::savepoints::Savepoint;
use super::{Leading, Version, Worker};
use crate::cluster::State;
use crate::pace::Pace;
use flinklab_base::clock;
use serde_json::{Map, Value, json};

/// All states of a task, in no order that matters.
const TASK_STATES: &[&str] = &[
    "RECONCILING",
    "RUNNING",
    "CANCELED",
    "FINISHED",
    "DEPLOYING",
    "FAILED",
    "INITIALIZING",
    "CREATED",
    "SCHEDULED",
    "CANCELING",
];
/// All states of a job.
const JOB_STATES: &[&str] = &[
    "RESTARTING",
    "RUNNING",
    "FAILING",
    "CANCELLING",
    "CANCELED",
    "RECONCILING",
    "INITIALIZING",
    "FINISHED",
    "SUSPENDED",
    "CREATED",
    "FAILED",
];
/// A vertex: its id and its name.
type Vertex = (&'static str, &'static str);
/// The example job's two vertices.
const VERTICES: [Vertex; 2] = [
    (
        "bc764cd8ddf7a0cff126f51c16239658",
        "Source: Events Generator Source",
    ),
    (
        "20ba6b65f97481d5570070de90e4e791",
        "Flat Map -> Sink: Print to Std. Out",
    ),
];
/// Those of the job that counts.
const COUNTING: [Vertex; 2] = [
    ("ca88eee0095684d687a1b6495617f957", "Source: numbers"),
    ("b71731f1c0df9c3076c4a455334d0ad6", "count"),
];
const STATE_SIZE: u64 = 6200;

/// The vertices of the job that counts, or of the example.
pub(super) fn vertices(counts: bool) -> [Vertex; 2] {
    if counts { COUNTING } else { VERTICES }
}

/// TaskManagers as the leader knows them; of two under one name the living one.
fn workers<'a>(state: &'a State, leading: &'a Leading) -> Vec<(&'a String, &'a Worker)> {
    state.flink.registered(&leading.session).collect()
}

fn free(leading: &Leading, id: &str, worker: &Worker) -> u32 {
    let used = leading
        .jobs
        .values()
        .flat_map(|job| &job.slots)
        .filter(|slot| *slot == id)
        .count();
    worker.slots.saturating_sub(used as u32)
}

pub(super) fn overview(version: &Version, state: &State, leading: &Leading) -> Value {
    let workers = workers(state, leading);
    let total: u32 = workers.iter().map(|(_, worker)| worker.slots).sum();
    let available: u32 = workers
        .iter()
        .map(|(id, worker)| free(leading, id, worker))
        .sum();
    let count = |of: &[&str]| {
        leading
            .jobs
            .values()
            .filter(|job| of.contains(&job.state))
            .count()
    };
    json!({"taskmanagers": workers.len(), "slots-total": total, "slots-available": available,
        "jobs-running": leading.jobs.len() - count(&["FINISHED", "CANCELED", "FAILED"]),
        "jobs-finished": count(&["FINISHED"]), "jobs-cancelled": count(&["CANCELED"]),
        "jobs-failed": count(&["FAILED"]), "flink-version": version.name(), "flink-commit": "450c63e"})
}

pub(super) fn config(version: &Version, takes_jobs: bool) -> Value {
    let mut shown = json!({"refresh-interval": 500, "timezone-name": "Coordinated Universal Time",
        "timezone-offset": 0, "flink-version": version.name(),
        "flink-revision": "450c63e @ 2026-05-03T10:10:44+02:00",
        "features": {"web-submit": takes_jobs, "web-cancel": true, "web-rescale": false,
            "web-history": false}});
    if version.is_1_15() {
        shown["features"] = json!({"web-submit": takes_jobs, "web-cancel": true});
    }
    shown
}

/// What a JobManager runs with.
pub(super) fn jobmanager_config(options: &Options) -> Value {
    let rows = options.iter();
    let rows = rows.map(|(key, value)| json!({"key": key, "value": value}));
    rows.collect()
}

pub(super) fn jars(state: &State, id: &str) -> Value {
    let address = state
        .flink
        .masters
        .get(id)
        .map_or("", |master| master.ip.as_str());
    let files: Vec<Value> = state
        .flink
        .jars
        .iter()
        .map(|(jar, at)| {
            json!({"id": jar, "name": jar.split_once('_').map_or("", |(_, name)| name),
                "uploaded": at.as_millisecond(), "entry": []})
        })
        .collect();
    json!({"address": format!("http://{address}:8081"), "files": files})
}

pub(super) fn jobs(leading: &Leading) -> Value {
    let jobs: Vec<Value> = leading
        .jobs
        .values()
        .filter(|job| job.listed)
        .map(|job| json!({"id": job.id, "status": job.state}))
        .collect();
    json!({"jobs": jobs})
}

pub(super) fn jobs_overview(version: &Version, leading: &Leading) -> Value {
    let now = clock::now().as_millisecond();
    let jobs: Vec<Value> = leading
        .jobs
        .values()
        .filter(|job| job.listed)
        .map(|job| {
            let mut tasks = Map::new();
            for state in [
                "running",
                "canceling",
                "canceled",
                "total",
                "created",
                "scheduled",
                "deploying",
                "reconciling",
                "finished",
                "initializing",
                "failed",
            ] {
                let is = job.tasks.eq_ignore_ascii_case(state) || state == "total";
                tasks.insert(state.to_owned(), json!(if is { job.total() } else { 0 }));
            }
            // Before its tasks exist, a job has none.
            if matches!(job.state, "INITIALIZING") {
                tasks.values_mut().for_each(|count| *count = json!(0));
            }
            let over = matches!(job.state, "CANCELED" | "FINISHED" | "FAILED");
            let mut shown = json!({"jid": job.id, "name": job.name,
                "start-time": job.started.as_millisecond(),
                "end-time": if over { job.changed.as_millisecond() } else { -1 },
                "duration": now - job.started.as_millisecond(), "state": job.state,
                "last-modification": job.changed.as_millisecond(), "tasks": tasks});
            if version.is_2() {
                shown["pending-operators"] = json!(0);
            }
            shown
        })
        .collect();
    json!({"jobs": jobs})
}

fn counted(job: &Job, each: u32) -> Value {
    let counts = TASK_STATES.iter().map(|state| {
        (
            (*state).to_owned(),
            json!(if *state == job.tasks { each } else { 0 }),
        )
    });
    Value::Object(counts.collect())
}

pub(super) fn job(version: &Version, job: &Job) -> Value {
    let now = clock::now().as_millisecond();
    let stamps: Map<String, Value> = JOB_STATES
        .iter()
        .map(|state| {
            (
                (*state).to_owned(),
                json!(job.stamps.get(state).unwrap_or(&0)),
            )
        })
        .collect();
    let all = vertices(job.numbers.is_some());
    let vertices: Vec<Value> = all
        .iter()
        .zip([job.sources, job.parallelism])
        .map(|((id, name), tasks)| {
            json!({"id": id, "slotSharingGroupId": "bc70b1f41c4cc564a01664c6084a17a7",
                "name": name, "maxParallelism": 128, "parallelism": tasks,
                "status": job.tasks, "start-time": job.changed.as_millisecond(), "end-time": -1,
                "duration": now - job.changed.as_millisecond(),
                "tasks": counted(job, tasks),
                "metrics": {"read-bytes": 0, "read-bytes-complete": false, "write-bytes": 0,
                    "write-bytes-complete": false, "read-records": 0,
                    "read-records-complete": false, "write-records": 0,
                    "write-records-complete": false, "accumulated-backpressured-time": 0,
                    "accumulated-idle-time": 0, "accumulated-busy-time": 0.0}})
        })
        .collect();
    let by_vertex: Map<String, Value> = TASK_STATES
        .iter()
        .map(|state| {
            let count = if *state == job.tasks { all.len() } else { 0 };
            ((*state).to_owned(), json!(count))
        })
        .collect();
    let mut shown = json!({"jid": job.id, "name": job.name, "isStoppable": false,
        "state": job.state, "start-time": job.started.as_millisecond(), "end-time": -1,
        "duration": now - job.started.as_millisecond(), "maxParallelism": -1, "now": now,
        "timestamps": stamps, "vertices": vertices, "status-counts": by_vertex,
        "plan": {"jid": job.id, "name": job.name, "type": "STREAMING", "nodes": []}});
    if !version.is_1_15() {
        shown["job-type"] = json!("STREAMING");
    }
    if version.is_2() {
        shown["pending-operators"] = json!(0);
    }
    shown
}

fn checkpoint(job: &Job, of: &Checkpoint, status: &str) -> Value {
    let took = of.acknowledged.as_millisecond() - of.triggered.as_millisecond();
    let mut shown = json!({"className": status.to_lowercase(), "id": of.id, "status": status,
        "is_savepoint": of.savepoint.is_some(),
        "savepointFormat": of.savepoint.map(|_| "CANONICAL"),
        "trigger_timestamp": of.triggered.as_millisecond(),
        "latest_ack_timestamp": of.acknowledged.as_millisecond(),
        "checkpointed_size": STATE_SIZE, "state_size": STATE_SIZE, "end_to_end_duration": took,
        "alignment_buffered": 0, "processed_data": 0, "persisted_data": 0,
        "num_subtasks": job.total(), "num_acknowledged_subtasks": job.total(),
        "checkpoint_type": of.savepoint.map_or("CHECKPOINT", Savepoint::kind), "tasks": {}});
    if status == "COMPLETED" {
        shown["external_path"] = json!(of.path);
        shown["discarded"] = json!(of.discarded);
    } else {
        shown["num_acknowledged_subtasks"] = json!(0);
        shown["failure_timestamp"] = json!(of.acknowledged.as_millisecond());
        shown["failure_message"] = json!("The Executor or the storage could not complete it.");
    }
    shown
}

pub(super) fn checkpoints(job: &Job) -> Value {
    let took: Vec<i64> = job
        .history
        .iter()
        .map(|of| of.acknowledged.as_millisecond() - of.triggered.as_millisecond())
        .collect();
    let summary = |of: &[i64]| {
        let (min, max) = (of.iter().min().unwrap_or(&0), of.iter().max().unwrap_or(&0));
        let average = of.iter().sum::<i64>() / (of.len().max(1) as i64);
        let top = *max as f64;
        json!({"min": min, "max": max, "avg": average, "p50": average as f64, "p90": top,
            "p95": top, "p99": top, "p999": top})
    };
    let size = if took.is_empty() {
        vec![]
    } else {
        vec![STATE_SIZE as i64]
    };
    let history: Vec<Value> = job
        .history
        .iter()
        .map(|of| checkpoint(job, of, "COMPLETED"))
        .collect();
    json!({
        "counts": {"restored": job.counts.restored, "total": job.counts.total,
            "in_progress": job.counts.in_progress, "completed": job.counts.completed,
            "failed": job.counts.failed},
        "summary": {"checkpointed_size": summary(&size), "state_size": summary(&size),
            "end_to_end_duration": summary(&took), "alignment_buffered": summary(&[]),
            "processed_data": summary(&[]), "persisted_data": summary(&[])},
        "latest": {
            "completed": job.history.iter().position(|of| of.savepoint.is_none())
                .map(|at| history[at].clone()),
            "savepoint": job.savepoint.as_ref().map(|of| checkpoint(job, of, "COMPLETED")),
            "failed": job.failed.as_ref().map(|of| checkpoint(job, of, "FAILED")),
            "restored": job.restored.as_ref().map(|of| json!({"id": of.id,
                "restore_timestamp": of.at.as_millisecond(), "is_savepoint": of.savepoint,
                "external_path": of.path}))},
        "history": history})
}

/// When checkpoints are taken, in the lab's own time; an interval that is not set is the largest
/// number there is.
pub(super) fn checkpoints_config(version: &Version, pace: &Pace) -> Value {
    let of = version.checkpointing;
    let ms = |ms: u64| pace.seconds(seconds(ms)).as_millis() as u64;
    let interval = of.interval_ms.map_or(i64::MAX as u64, ms);
    json!({"mode": "exactly_once", "interval": interval, "timeout": ms(of.timeout_ms),
        "min_pause": ms(of.min_pause_ms), "max_concurrent": 1,
        "externalization": {"enabled": true, "delete_on_cancellation": false},
        "state_backend": version.backend,
        "checkpoint_storage": "FileSystemCheckpointStorage", "unaligned_checkpoints": false,
        "tolerable_failed_checkpoints": 100, "aligned_checkpoint_timeout": 0,
        "checkpoints_after_tasks_finish": true, "state_changelog_enabled": false,
        "changelog_periodic_materialization_interval": 600_000, "changelog_storage": "memory"})
}

pub(super) fn exceptions(version: &Version, job: &Job) -> Value {
    let entries: Vec<Value> = job
        .exceptions
        .iter()
        .rev()
        .map(|(at, text, worker)| {
            let mut shown = json!({"exceptionName": text.split(':').next().unwrap_or_default(),
                "stacktrace": text, "timestamp": at.as_millisecond(),
                "taskName": format!("{} (1/2) - execution #1", vertices(job.numbers.is_some())[0].1),
                "concurrentExceptions": []});
            if version.is_1_15() {
                shown["location"] = json!(worker);
            } else {
                shown["failureLabels"] = json!({});
                shown["endpoint"] = json!("");
                shown["taskManagerId"] = json!(worker);
            }
            shown
        })
        .collect();
    let mut shown = json!({"exceptionHistory": {"entries": entries, "truncated": false}});
    if !version.is_2() {
        let newest = job.exceptions.last();
        shown["root-exception"] = json!(newest.map(|(_, text, _)| text));
        shown["timestamp"] = json!(newest.map(|(at, ..)| at.as_millisecond()));
        shown["all-exceptions"] = json!([]);
        shown["truncated"] = json!(false);
    }
    shown
}

pub(super) fn taskmanagers(version: &Version, state: &State, leading: &Leading) -> Value {
    let resource = |share: f64| {
        json!({"cpuCores": 2.0 * share, "taskHeapMemory": (128.0 * share) as u64,
            "taskOffHeapMemory": 0, "managedMemory": (34.0 * share) as u64,
            "networkMemory": (64.0 * share) as u64, "extendedResources": {}})
    };
    let shown: Vec<Value> = workers(state, leading)
        .into_iter()
        .map(|(id, worker)| {
            let free = free(leading, id, worker);
            json!({"id": worker.id,
                "path": format!("{}.tcp://flink@{}:6122/user/rpc/taskmanager_0", version.scheme(), worker.ip),
                "dataPort": 6121, "jmxPort": -1,
                "timeSinceLastHeartbeat": clock::now().as_millisecond(),
                "slotsNumber": worker.slots, "freeSlots": free,
                "totalResource": resource(1.0),
                "freeResource": resource(f64::from(free) / f64::from(worker.slots.max(1))),
                "hardware": {"cpuCores": 2, "physicalMemory": 25_276_502_016_u64,
                    "freeMemory": 389_283_840, "managedMemory": 35_651_584},
                "memoryConfiguration": {"frameworkHeap": 134_217_728, "taskHeap": 134_217_728,
                    "frameworkOffHeap": 134_217_728, "taskOffHeap": 0,
                    "networkMemory": 67_108_864, "managedMemory": 35_651_584,
                    "jvmMetaspace": 268_435_456, "jvmOverhead": 201_326_592,
                    "totalFlinkMemory": 505_413_632, "totalProcessMemory": 943_718_400}})
        })
        .collect();
    json!({"taskmanagers": shown})
}
