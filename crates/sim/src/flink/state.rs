//! The files of a checkpoint: its metadata, which names all others, the files of its own, and those
//! that it shares with the checkpoints before it. What is missing when a job is restored fails it.

use super::checkpoints::{chk, on_disk};
use super::job::JobMaster;
use super::numbers;
use crate::cluster::Process;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

const METADATA: &str = "_metadata";
const SHARED: &str = "shared";
/// Of how many checkpoints before it a checkpoint uses files.
const REACH: usize = 2;

/// Writes the files of a checkpoint, the metadata last; so many numbers had been counted in it.
pub(super) fn store(process: &Process, below: &str, counted: u64) -> io::Result<()> {
    let folder = on_disk(process, below)?;
    refuse_read_only(&folder)?;
    std::fs::create_dir_all(&folder)?;
    let version = &process.cluster.version;
    let mut metadata = numbers::line(counted);
    if version.files {
        let name = process.cluster.context.dice.uuid();
        std::fs::write(folder.join(&name), b"simulated state\n")?;
        metadata.push_str(&format!("{}/{name}\n", named(&folder)));
    }
    if let (true, Some(job)) = (version.incremental, folder.parent()) {
        let before: Vec<String> = newest(job).map_or_else(Vec::new, |folder| names(&folder));
        let shared = before.iter().filter(|name| name.starts_with(SHARED));
        let skip = shared.clone().count().saturating_sub(REACH);
        let own = format!("{SHARED}/{}", process.cluster.context.dice.uuid());
        std::fs::create_dir_all(job.join(SHARED))?;
        std::fs::write(job.join(&own), b"simulated state that others use too\n")?;
        for name in shared.skip(skip).chain([&own]) {
            metadata.push_str(&format!("{name}\n"));
        }
    }
    std::fs::write(folder.join(METADATA), metadata)
}

/// The simulation may run as root, whom a mode does not keep out: Flink runs as 9999.
fn refuse_read_only(folder: &Path) -> io::Result<()> {
    let parent = folder.parent().and_then(|parent| parent.metadata().ok());
    if parent.is_some_and(|found| found.permissions().readonly()) {
        Err(io::Error::other("Permission denied"))
    } else {
        Ok(())
    }
}

fn named(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Checkpoints of a job that have their metadata.
fn checkpoints(job: &Path) -> impl Iterator<Item = (u64, std::path::PathBuf)> {
    let entries = std::fs::read_dir(job).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let id = named(&entry.path()).strip_prefix("chk-")?.parse().ok()?;
        entry
            .path()
            .join(METADATA)
            .is_file()
            .then(|| (id, entry.path()))
    })
}

fn newest(job: &Path) -> Option<std::path::PathBuf> {
    let (_, folder) = checkpoints(job).max_by_key(|(id, _)| *id)?;
    Some(folder)
}

/// The files that a checkpoint's metadata names, from the job's folder.
fn names(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(METADATA)).unwrap_or_default();
    let names = text.lines().skip(1).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// After a checkpoint is removed: shared files that none of the others uses go, too.
pub(super) fn forget_shared(removed: &Path) {
    let Some(job) = removed.parent() else { return };
    let used: BTreeSet<String> = checkpoints(job)
        .flat_map(|(_, folder)| names(&folder))
        .collect();
    let shared = std::fs::read_dir(job.join(SHARED))
        .into_iter()
        .flatten()
        .flatten();
    for entry in shared {
        if !used.contains(&format!("{SHARED}/{}", named(&entry.path()))) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A file of the checkpoint that a job is restored from which is not there.
pub(super) fn missing(master: &JobMaster, id: u64) -> Option<String> {
    let below = chk(&master.process, &master.id, id);
    let folder = on_disk(&master.process, &below).ok()?;
    let job = folder.parent()?;
    let lost = names(&folder)
        .into_iter()
        .find(|name| !job.join(name).is_file())?;
    let mount = &master.process.cluster.lab.flink.mount;
    let (of, _) = below.rsplit_once('/')?;
    Some(format!("{mount}/{of}/{lost}"))
}
