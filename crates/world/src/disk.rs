//! The third witness: checkpoints as files below the shared folder, read from the host's side of
//! the mount, where neither the API server nor Flink is asked. Looks, never writes, never follows
//! a link: the folder belongs to whatever runs in the pods.

use super::shared::Folder;
use flinklab_base::fault::Fault;
use flinklab_event::{DiskCheckpoint, DiskSample};
use flinklab_lab::Folders;
use std::path::PathBuf;

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
pub fn look(place: &Place, job: &str) -> Result<DiskSample, Fault> {
    let Some(shared) = Folder::open(&place.shared)? else {
        let what = format!("There is no folder {}.", place.shared.display());
        return Err(Fault::unable("shared-unreadable", what));
    };
    let folder = shared.below(&format!("{}/{job}", place.folders.checkpoints))?;
    let mut sample = DiskSample {
        job: job.to_owned(),
        ..DiskSample::default()
    };
    if let Some(folder) = folder {
        sample.checkpoints = checkpoints(&folder)?;
        sample.shared = size_of(folder.below(SHARED)?)?;
    }
    if let Some(ha) = shared.below(&place.folders.ha)? {
        let files = ha.entries(ENTRIES)?.into_iter();
        let files = files.filter(super::shared::Entry::is_file);
        let names = files.map(|file| super::clean::message(&file.name));
        sample.ha_files = names.take(HA_FILES).collect();
        sample.ha_files.sort_unstable();
    }
    Ok(sample)
}

/// The newest checkpoints of a job.
fn checkpoints(job: &Folder) -> Result<Vec<DiskCheckpoint>, Fault> {
    let mut all = Vec::new();
    for entry in job.entries(ENTRIES)? {
        let id = entry.name.strip_prefix("chk-");
        if let Some(id) = id.and_then(|id| id.parse().ok())
            && entry.is_folder()
        {
            all.extend(checkpoint(id, job, &entry.name));
        }
    }
    all.sort_by_key(|checkpoint| checkpoint.id);
    all.drain(..all.len().saturating_sub(CHECKPOINTS));
    Ok(all)
}

/// Files in a folder, and what they take. None: there are none.
fn size_of(folder: Option<Folder>) -> Result<Option<(u32, u64)>, Fault> {
    let (mut count, mut bytes) = (0, 0);
    for entry in folder.map_or(Ok(Vec::new()), |folder| folder.entries(ENTRIES))? {
        if entry.is_file() {
            count += 1;
            bytes += entry.bytes();
        }
    }
    Ok((count > 0).then_some((count, bytes)))
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
pub fn savepoints(place: &Place, most: usize) -> Result<Vec<Savepoint>, Fault> {
    let shared = Folder::open(&place.shared)?;
    let folder = shared.map(|shared| shared.below(&place.folders.savepoints));
    let Some(folder) = folder.transpose()?.flatten() else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    for entry in folder.entries(ENTRIES)? {
        if !entry.is_folder() || !entry.name.starts_with("savepoint-") {
            continue;
        }
        let seen = checkpoint(0, &folder, &entry.name).filter(|seen| seen.complete);
        if let Some(written) = seen.and_then(|seen| seen.written) {
            let name = super::clean::message(&entry.name);
            all.push(Savepoint { name, written });
        }
    }
    all.sort_by_key(|one| one.written);
    all.drain(..all.len().saturating_sub(most));
    Ok(all)
}

/// None where it vanished meanwhile, which checkpoints do.
pub(super) fn checkpoint(id: u64, within: &Folder, name: &str) -> Option<DiskCheckpoint> {
    let folder = within.below(name).ok()??;
    let mut seen = DiskCheckpoint {
        id,
        complete: false,
        files: 0,
        bytes: 0,
        written: None,
    };
    for entry in folder.entries(FILES).ok()? {
        if !entry.is_file() {
            continue;
        }
        seen.files += 1;
        seen.bytes += entry.bytes();
        if entry.name == METADATA {
            seen.complete = entry.bytes() > 0 && folder.is_readable(METADATA);
            seen.written = entry.written();
        }
    }
    Some(seen)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

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
        assert!(error.to_string().contains("There is no folder"), "{error}");
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
        assert!(error.to_string().contains("is a link to"), "{error}");
    }
}
