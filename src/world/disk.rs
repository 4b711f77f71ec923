//! The third witness: checkpoints as files below the shared folder, read from the host's side of
//! the mount, where neither the API server nor Flink is asked. Looks, never writes, never follows
//! a link: the folder belongs to whatever runs in the pods.

use crate::lab::Folders;
use crate::model::{DiskCheckpoint, DiskSample};
use anyhow::{Context, Result, bail};
use rustix::fs::{Mode, OFlags};
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Checkpoints looked into: Flink retains a few, this is a folder gone wild.
const CHECKPOINTS: usize = 200;
/// Files counted in one checkpoint.
const FILES: usize = 2000;
/// Files of the HA folder that are named.
const HA_FILES: usize = 500;
/// Entries read of any folder.
const ENTRIES: usize = 10_000;
const METADATA: &str = "_metadata";
/// Incremental checkpoints put here what later ones use, too.
const SHARED: &str = "shared";

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `<home>/<name>/shared`.
    pub shared: PathBuf,
    /// Folders below it.
    pub folders: Folders,
}

/// One look at the files of a job. A job without a folder has no checkpoint yet.
pub fn look(place: &Place, job: &str) -> Result<DiskSample> {
    if !fs::symlink_metadata(&place.shared).is_ok_and(|found| found.is_dir()) {
        bail!("there is no folder {}", place.shared.display());
    }
    let folder = below(place, &place.folders.checkpoints).join(job);
    let mut checkpoints = Vec::new();
    for (name, found) in entries(place, &folder)? {
        let id = name.strip_prefix("chk-").and_then(|id| id.parse().ok());
        if let Some(id) = id
            && found.is_dir()
            && let Some(seen) = checkpoint(id, &folder.join(&name))
        {
            checkpoints.push(seen);
        }
    }
    checkpoints.sort_by_key(|checkpoint: &DiskCheckpoint| checkpoint.id);
    if checkpoints.len() > CHECKPOINTS {
        checkpoints.drain(..checkpoints.len() - CHECKPOINTS);
    }
    let mut ha_files: Vec<String> = entries(place, &below(place, &place.folders.ha))?
        .into_iter()
        .filter(|(_, found)| found.is_file())
        .map(|(name, _)| super::clean::message(&name))
        .take(HA_FILES)
        .collect();
    ha_files.sort_unstable();
    let (mut count, mut bytes) = (0, 0);
    for (_, found) in entries(place, &folder.join(SHARED))? {
        if found.is_file() {
            count += 1;
            bytes += found.len();
        }
    }
    Ok(DiskSample {
        job: job.to_owned(),
        checkpoints,
        ha_files,
        shared: (count > 0).then_some((count, bytes)),
    })
}

/// A savepoint that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Savepoint {
    /// Its folder's name.
    pub name: String,
    /// When its metadata was written.
    pub written: jiff::Timestamp,
}

/// Savepoints in the lab's folder for them, whoever wrote them, oldest first.
pub fn savepoints(place: &Place, most: usize) -> Result<Vec<Savepoint>> {
    let folder = below(place, &place.folders.savepoints);
    let mut all = Vec::new();
    for (name, found) in entries(place, &folder)? {
        let path = folder.join(&name);
        if !found.is_dir() || !name.starts_with("savepoint-") {
            continue;
        }
        let seen = checkpoint(0, &path).filter(|seen| seen.complete);
        if let Some(written) = seen.and_then(|seen| seen.written) {
            let name = super::clean::message(&name);
            all.push(Savepoint { name, written });
        }
    }
    all.sort_by_key(|one| one.written);
    all.drain(..all.len().saturating_sub(most));
    Ok(all)
}

fn below(place: &Place, folder: &str) -> PathBuf {
    folder
        .split('/')
        .filter(|part| !part.is_empty())
        .fold(place.shared.clone(), |path, part| path.join(part))
}

/// What is in a folder. One that is not there is empty; a link on the way is as good as none.
fn entries(place: &Place, folder: &Path) -> Result<Vec<(String, Metadata)>> {
    let inside = folder.strip_prefix(&place.shared).unwrap_or(Path::new(""));
    let mut path = place.shared.clone();
    for part in inside.components() {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => bail!("{} is not a folder", path.display()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        }
    }
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries
            .take(ENTRIES)
            .flatten()
            // Its own metadata, not a link's target. What vanishes meanwhile is not there.
            .filter_map(|entry| {
                Some((
                    entry.file_name().into_string().ok()?,
                    entry.metadata().ok()?,
                ))
            })
            .collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", folder.display())),
    }
}

/// None where it vanished meanwhile, which checkpoints do.
fn checkpoint(id: u64, folder: &Path) -> Option<DiskCheckpoint> {
    let mut seen = DiskCheckpoint {
        id,
        complete: false,
        files: 0,
        bytes: 0,
        written: None,
    };
    for entry in fs::read_dir(folder).ok()?.take(FILES).flatten() {
        let Ok(found) = entry.metadata() else {
            continue;
        };
        if !found.is_file() {
            continue;
        }
        seen.files += 1;
        seen.bytes += found.len();
        if entry.file_name() == METADATA {
            seen.complete = found.len() > 0 && readable(&entry.path());
            seen.written = found.modified().ok().and_then(|at| at.try_into().ok());
        }
    }
    Some(seen)
}

/// Opened without waiting and without following: it may have become a pipe or a link meanwhile.
fn readable(path: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::os::unix::fs::symlink;

    const JOB: &str = "fef4a397879c16aa52a242d081f177d6";

    fn place(folder: &Path) -> Place {
        let folders = Folders {
            ha: "ha/flinklab".into(),
            checkpoints: "checkpoints".into(),
            savepoints: "savepoints".into(),
        };
        Place {
            shared: folder.to_owned(),
            folders,
        }
    }

    fn write(folder: &Path, path: &str, text: &str) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn checkpoints_are_read_with_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let job = format!("checkpoints/{JOB}");
        write(folder.path(), &format!("{job}/chk-9/_metadata"), "12345");
        write(folder.path(), &format!("{job}/chk-10/_metadata"), "1");
        write(folder.path(), &format!("{job}/chk-10/state"), "12");
        write(folder.path(), &format!("{job}/chk-11/state"), "half");
        write(folder.path(), &format!("{job}/chk-12/_metadata"), "");
        write(folder.path(), &format!("{job}/shared/x"), "123");
        write(folder.path(), &format!("{job}/shared/y"), "4");
        write(
            folder.path(),
            "checkpoints/0123456789abcdef0123456789abcdef/chk-99/_metadata",
            "x",
        );
        write(folder.path(), "ha/flinklab/completedCheckpoint1", "x");
        let seen = look(&place(folder.path()), JOB).unwrap();
        let rows: Vec<(u64, bool, u32, u64)> = seen
            .checkpoints
            .iter()
            .map(|row| (row.id, row.complete, row.files, row.bytes))
            .collect();
        assert_eq!(
            rows,
            [
                (9, true, 1, 5),
                (10, true, 2, 3),
                (11, false, 1, 4),
                (12, false, 1, 0)
            ]
        );
        assert!(seen.checkpoints[0].written.is_some());
        assert_eq!(seen.ha_files, ["completedCheckpoint1"]);
        assert_eq!(seen.shared, Some((2, 4)));
    }

    #[test]
    fn a_job_without_files_has_no_checkpoints_but_a_lost_mount_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let seen = look(&place(folder.path()), JOB).unwrap();
        assert_eq!((seen.checkpoints.len(), seen.ha_files.len()), (0, 0));
        assert_eq!(seen.shared, None);
        let error = look(&place(&folder.path().join("gone")), JOB).unwrap_err();
        assert!(error.to_string().contains("there is no folder"), "{error}");
    }

    #[test]
    fn links_are_never_followed() {
        let elsewhere = tempfile::tempdir().unwrap();
        write(elsewhere.path(), "chk-7/_metadata", "secret");
        let folder = tempfile::tempdir().unwrap();
        let job = folder.path().join("checkpoints").join(JOB);
        fs::create_dir_all(job.join("chk-5")).unwrap();
        symlink(elsewhere.path().join("chk-7"), job.join("chk-7")).unwrap();
        symlink(
            elsewhere.path().join("chk-7/_metadata"),
            job.join("chk-5/_metadata"),
        )
        .unwrap();
        let seen = look(&place(folder.path()), JOB).unwrap();
        assert_eq!(seen.checkpoints.len(), 1);
        assert!(!seen.checkpoints[0].complete);
        fs::remove_dir_all(&job).unwrap();
        symlink(elsewhere.path(), &job).unwrap();
        let error = look(&place(folder.path()), JOB).unwrap_err();
        assert!(error.to_string().contains("is not a folder"), "{error}");
    }
}
