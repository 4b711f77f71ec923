//! Checkpoints of one job: triggered on a beat, written below the shared path, pointed to from the
//! job's config map, counted in the leader's memory; and the way back, when a job is recovered.

use super::job::JobMaster;
use super::savepoints::{self, Savepoint};
use super::{lock, pointer, state};
use crate::api::Key;
use crate::cluster::Process;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use jiff::Timestamp;
use serde_json::json;
use std::io;
use std::path::PathBuf;

/// Checkpoints that are kept.
const RETAINED: usize = 3;
/// Checkpoints that REST lists.
const LISTED: usize = 10;
pub(super) const COORDINATOR: &str = "runtime.checkpoint.CheckpointCoordinator";

/// One checkpoint as REST shows it.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint {
    pub(super) id: u64,
    pub(super) triggered: Timestamp,
    pub(super) acknowledged: Timestamp,
    pub(super) path: String,
    pub(super) discarded: bool,
    pub(super) savepoint: Option<Savepoint>,
}

/// What a job was restored from.
#[derive(Debug, Clone)]
pub(super) struct Restore {
    pub(super) id: u64,
    pub(super) at: Timestamp,
    pub(super) path: String,
    /// It was told to start there, which Flink calls a savepoint whatever it is.
    pub(super) savepoint: bool,
}

pub(super) fn map_of(master: &JobMaster) -> Key {
    let lab = &master.process.cluster.lab;
    lock::map_key(&lab.flink.namespace, &lab.job_map(&master.id))
}

/// As pods see a folder of the shared path.
pub(super) fn mounted(process: &Process, below: &str) -> String {
    format!("file:{}/{below}", process.cluster.lab.flink.mount)
}

/// Where that is on disk. A lab without a shared path has nowhere to write.
pub(super) fn on_disk(process: &Process, below: &str) -> io::Result<PathBuf> {
    match process.cluster.shared() {
        Some(shared) => crate::shared::path(&shared, below),
        None => Err(io::Error::other("no shared path is mounted into the node")),
    }
}

pub(super) fn chk(process: &Process, job: &str, id: u64) -> String {
    let folder = &process.cluster.lab.flink.folders.checkpoints;
    format!("{folder}/{job}/chk-{id}")
}

/// Writes a file of the HA store that begins with those words; how pods call it.
pub(super) fn write_ha(
    process: &Process,
    name: &str,
    words: &str,
    size: usize,
) -> io::Result<String> {
    let below = format!("{}/{name}", process.cluster.lab.flink.folders.ha);
    let path = on_disk(process, &below)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut bytes = words.as_bytes().to_vec();
    bytes.resize(size.max(bytes.len()), 0);
    std::fs::write(path, bytes)?;
    Ok(mounted(process, &below))
}

/// Triggers on the beat for as long as the tasks run.
pub(super) async fn run(master: &JobMaster) {
    let process = &master.process;
    let settings = process.cluster.version.checkpointing;
    let Some(every) = settings.every() else {
        return std::future::pending().await;
    };
    let pace = &process.cluster.context.pace;
    let (interval, pause) = (every.as_secs_f64(), seconds(settings.min_pause_ms));
    // The first one comes at a random moment of the first interval.
    process.about(pause.min(interval), interval).await;
    loop {
        let began = Instant::now();
        take(master).await;
        let left = pace.seconds(interval).saturating_sub(began.elapsed());
        clock::sleep(left.max(pace.seconds(pause))).await;
        process.thawed().await;
    }
}

/// Milliseconds as an option has them, in seconds.
pub(super) fn seconds(ms: u64) -> f64 {
    std::time::Duration::from_millis(ms).as_secs_f64()
}

async fn take(master: &JobMaster) {
    let process = &master.process;
    let map = map_of(master);
    let (triggered, began) = (clock::now(), Instant::now());
    let Some(id) = next_id(master) else { return };
    master.with(|job| {
        job.counts.total += 1;
        job.counts.in_progress = 1;
    });
    master.say(COORDINATOR, &format!("Triggering checkpoint {id} (type=CheckpointType{{name='Checkpoint', sharingFilesStrategy=FORWARD_BACKWARD}}) @ {} for job {}.", triggered.as_millisecond(), master.id));
    process.about(0.03, 0.12).await;
    let counted = master.counted();
    // One of the tasks may not be able to answer.
    let given_up = process
        .cluster
        .context
        .pace
        .seconds(seconds(process.cluster.version.checkpointing.timeout_ms));
    let mut expired = false;
    while master.silent().iter().any(|(_, _, gone)| !gone) && !expired {
        process.nap(0.5).await;
        expired = began.elapsed() > given_up;
    }
    let lost = !master.silent().is_empty();
    let below = chk(process, &master.id, id);
    let written = match (lost, state::store(process, &below, counted)) {
        (true, _) if expired => Err(io::Error::other("Checkpoint expired before completing")),
        (true, _) => Err(io::Error::other("a TaskManager did not acknowledge")),
        (false, written) => written,
    };
    let acknowledged = clock::now();
    let checkpoint = Checkpoint {
        id,
        triggered,
        acknowledged,
        path: mounted(process, &below),
        discarded: false,
        savepoint: None,
    };
    let file = format!(
        "completedCheckpoint{}",
        process.cluster.context.dice.hex(12)
    );
    let done = written.and_then(|()| write_ha(process, &file, "", 9_880));
    match done {
        Ok(handle) if process.reaches_api() => {
            point(master, &map, id, &handle);
            complete(master, checkpoint);
            master.with(|job| {
                if let Some(own) = &mut job.numbers {
                    own.checkpointed = counted;
                }
            });
        }
        Ok(_) => fail(master, checkpoint, "the pointer could not be written"),
        Err(error) => fail(master, checkpoint, &error.to_string()),
    }
}

/// The next id out of the counter in the job's config map: none without it.
pub(super) fn next_id(master: &JobMaster) -> Option<u64> {
    if !master.process.reaches_api() {
        return None;
    }
    let map = map_of(master);
    let id = master.process.act(|state| {
        let counter = state.store.get(&map)?["data"]["counter"]
            .as_str()?
            .parse::<u64>()
            .ok()?;
        let next = Some((counter + 1).to_string());
        lock::set(&mut state.store, &map, "counter", next);
        Some(counter)
    });
    id.flatten()
}

/// Adds the pointer, then takes the oldest ones away: for a moment there is one more.
fn point(master: &JobMaster, map: &Key, id: u64, handle: &str) {
    let process = &master.process;
    process.act(|state| {
        let value = pointer::encode(handle, 9_880);
        lock::set(
            &mut state.store,
            map,
            &format!("checkpointID-{id:019}"),
            Some(value),
        );
    });
    let old: Vec<(u64, Option<String>)> = pointers(process, map);
    let extra = old.len().saturating_sub(RETAINED);
    for (id, path) in old.into_iter().take(extra) {
        process.act(|state| {
            lock::set(
                &mut state.store,
                map,
                &format!("checkpointID-{id:019}"),
                None,
            )
        });
        if let Some(path) = path {
            remove_file(process, &path);
        }
        if let Ok(folder) = on_disk(process, &chk(process, &master.id, id)) {
            let _ = std::fs::remove_dir_all(&folder);
            state::forget_shared(&folder);
        }
        master.with(|job| {
            for old in job.history.iter_mut().filter(|old| old.id == id) {
                old.discarded = true;
            }
        });
    }
}

pub(super) fn complete(master: &JobMaster, checkpoint: Checkpoint) {
    let text = format!(
        "Completed checkpoint {} for job {} (6200 bytes, checkpointDuration={} ms, finalizationTime=12 ms).",
        checkpoint.id,
        master.id,
        checkpoint.acknowledged.as_millisecond() - checkpoint.triggered.as_millisecond()
    );
    master.with(|job| {
        job.counts.in_progress = 0;
        job.counts.completed += 1;
        if checkpoint.savepoint.is_some() {
            job.savepoint = Some(checkpoint.clone());
        }
        job.history.insert(0, checkpoint);
        job.history.truncate(LISTED);
    });
    master.say(COORDINATOR, &text);
}

pub(super) fn fail(master: &JobMaster, checkpoint: Checkpoint, why: &str) {
    let text = format!(
        "Failed to trigger or complete checkpoint {} for job {}: {why}.",
        checkpoint.id, master.id
    );
    master.with(|job| {
        job.counts.in_progress = 0;
        job.counts.failed += 1;
        job.failed = Some(checkpoint);
    });
    master.say(COORDINATOR, &text);
}

/// Pointers in a job's map, ascending by id, with the paths in them.
pub(super) fn pointers(process: &Process, map: &Key) -> Vec<(u64, Option<String>)> {
    let state = process.cluster.hold();
    let data = state.store.get(map).and_then(|map| map["data"].as_object());
    let mut found: Vec<(u64, Option<String>)> = data
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| {
            let id = key.strip_prefix("checkpointID-")?.parse().ok()?;
            Some((id, pointer::path(value.as_str()?)))
        })
        .collect();
    found.sort();
    found
}

/// Looks for what the job was doing: the newest pointer in its map, else the path it was told to
/// start from. Makes the map if it is not there.
pub(super) async fn recover(master: &JobMaster, from: Option<String>) -> Option<Restore> {
    let process = &master.process;
    let map = map_of(master);
    let utils = "runtime.checkpoint.DefaultCompletedCheckpointStoreUtils";
    process.about(0.1, 0.2).await;
    let known = pointers(process, &map);
    let holder = format!("KubernetesStateHandleStore{{configMapName='{}'}}", map.name);
    master.say(utils, &format!("Recovering checkpoints from {holder}."));
    master.say(
        utils,
        &format!("Found {} checkpoints in {holder}.", known.len()),
    );
    let told = from.as_deref();
    let told = told.and_then(|path| savepoints::id_of(process, path));
    let next = told.map_or(1, |id| id + 1);
    process.act(|state| {
        if state.store.get(&map).is_none() {
            let context = &process.cluster.context;
            let cluster = &process.cluster;
            let mut object = lock::labelled(&cluster.version, &cluster.lab.flink.cluster_id);
            object["data"]["counter"] = json!(next.to_string());
            crate::api::complete(&map, &mut object, context.dice.uuid(), clock::now());
            state.store.put(map.clone(), object);
        }
    });
    process.about(0.05, 0.15).await;
    match (known.last(), from) {
        (Some((id, _)), _) => Some(restore(master, *id)),
        (None, Some(path)) => told.map(|id| restored(master, id, path, true)),
        (None, None) => {
            master.say(COORDINATOR, "No checkpoint found during restore.");
            None
        }
    }
}

/// A restore from the job's own checkpoint of that id.
pub(super) fn restore(master: &JobMaster, id: u64) -> Restore {
    let path = mounted(&master.process, &chk(&master.process, &master.id, id));
    restored(master, id, path, false)
}

/// A restore from what is at a path, told as Flink tells it.
pub(super) fn restored(master: &JobMaster, id: u64, path: String, savepoint: bool) -> Restore {
    let now = clock::now();
    let kind = if savepoint { "Savepoint" } else { "Checkpoint" };
    let text = format!(
        "Restoring job {} from {kind} {id} @ {} for {} located at {path}.",
        master.id,
        now.as_millisecond(),
        master.id
    );
    master.say(COORDINATOR, &text);
    Restore {
        id,
        at: now,
        path,
        savepoint,
    }
}

/// Where a path as pods write it is on disk.
pub(super) fn on_host(process: &Process, path: &str) -> Option<PathBuf> {
    let path = path.trim_start_matches("file:").trim_start_matches('/');
    let mount = process.cluster.lab.flink.mount.trim_matches('/');
    let below = path.strip_prefix(mount)?.strip_prefix('/')?;
    on_disk(process, below).ok()
}

pub(super) fn remove_file(process: &Process, path: &str) {
    if let Some(path) = on_host(process, path) {
        let _ = std::fs::remove_file(path);
    }
}
