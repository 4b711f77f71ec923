//! The third witness: checkpoints as files below the shared folder, read from the host's side of
//! the mount, where neither the API server nor Flink is asked. Looks, never writes, never follows
//! a link: the folder belongs to whatever runs in the pods.

use super::shared::Folder;
use flinklab_base::fault::Fault;
use flinklab_event::{DiskCheckpoint, DiskSample};
use flinklab_lab::Folders;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Checkpoints looked into: Flink retains a few, this is a folder gone wild.
const CHECKPOINTS: usize = 200;
/// Files counted in one checkpoint, each with its size.
const FILES: usize = 20_000;
/// Files of the HA folder that are named besides those that pointers name.
const HA_FILES: usize = 500;
/// Entries counted of any folder.
const ENTRIES: usize = 200_000;
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

/// What is looked for by name, however much else there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Files of the HA folder.
    pub ha_files: BTreeSet<String>,
    /// Those that a leader would read from the mount, by the paths in the config maps.
    pub needed: BTreeMap<String, Store>,
    /// Checkpoints of the job.
    pub checkpoints: BTreeSet<u64>,
}

/// How a file of the mount is reached by those who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// As a file.
    Files,
    /// As an object of a store that keeps its objects on the mount, in whatever form.
    Objects,
}

impl Place {
    /// The place of a path that Flink wrote, if it lies in the HA folder. One that does not is
    /// somewhere that is not seen from here.
    #[must_use]
    pub fn store_of(folders: &Folders, mount: &str, path: &str) -> Option<Store> {
        let (folder, _) = path.rsplit_once('/')?;
        let (scheme, folder) = folder.split_once(':')?;
        let own = folders.ha.trim_matches('/');
        if scheme == "file" {
            let folder = format!("/{}", folder.trim_start_matches('/'));
            let expected = format!("{}/{own}", mount.trim_end_matches('/'));
            return (folder == expected).then_some(Store::Files);
        }
        let folder = folder.trim_start_matches('/');
        let within = own.strip_suffix(folder);
        within
            .is_some_and(|before| before.is_empty() || before.ends_with('/'))
            .then_some(Store::Objects)
    }
}

/// Those of the files that a leader needs which are not there.
fn missing(ha: Option<&Folder>, named: &Named) -> Vec<String> {
    let is_there = |name: &str| ha.is_some_and(|ha| is_file(ha, name));
    // A store may keep an object as anything; one that is seen as a file shows that it does not.
    let as_files = named.needed.keys().any(|name| is_there(name));
    let counts = |store: Store| store == Store::Files || as_files;
    let needed = named.needed.iter().filter(|(_, store)| counts(**store));
    let gone = needed.filter(|(name, _)| !is_there(name));
    gone.map(|(name, _)| name.clone()).collect()
}

/// One look at the files of a job. A job without a folder has no checkpoint yet.
pub fn look(place: &Place, job: &str, named: &Named) -> Result<DiskSample, Fault> {
    let Some(shared) = Folder::open(&place.shared)? else {
        let what = format!("There is no folder {}.", place.shared.display());
        return Err(Fault::unable("shared-unreadable", what));
    };
    let folder = shared.below(&format!("{}/{job}", place.folders.checkpoints))?;
    let mut sample = DiskSample {
        job: job.to_owned(),
        ..DiskSample::default()
    };
    let has_checkpoints = folder.is_some();
    if let Some(folder) = folder {
        (sample.checkpoints, sample.more) = checkpoints(&folder, named)?;
        let (size, more) = size_of(folder.below(SHARED)?)?;
        sample.shared = size;
        sample.more |= more;
    }
    let ha = shared.below(&place.folders.ha)?;
    // Where Flink wrote nothing at all, its pods have something else at the mount.
    if ha.is_some() || has_checkpoints {
        sample.needed = named.needed.len() as u64;
        sample.missing = missing(ha.as_ref(), named);
    }
    if let Some(ha) = ha {
        let names = ha.names(ENTRIES)?;
        sample.ha_count = names.files().count() as u64;
        sample.more |= names.more;
        let others = names.files().take(HA_FILES).map(super::clean::message);
        let wanted = named.ha_files.iter().filter(|name| is_file(&ha, name));
        let all: BTreeSet<String> = others.chain(wanted.cloned()).collect();
        sample.ha_files = all.into_iter().collect();
    }
    Ok(sample)
}

/// Whether the HA folder holds a file of that name.
pub fn has_ha_file(place: &Place, name: &str) -> Result<bool, Fault> {
    let shared = Folder::open(&place.shared)?;
    let ha = shared.map(|shared| shared.below(&place.folders.ha));
    let ha = ha.transpose()?.flatten();
    Ok(ha.is_some_and(|ha| is_file(&ha, name)))
}

fn is_file(folder: &Folder, name: &str) -> bool {
    let plain = !name.is_empty() && !name.contains('/');
    plain && folder.entry(name).is_some_and(|entry| entry.is_file())
}

/// The newest checkpoints of a job and those that are named, and whether some were not counted.
fn checkpoints(job: &Folder, named: &Named) -> Result<(Vec<DiskCheckpoint>, bool), Fault> {
    let names = job.names(ENTRIES)?;
    let ids = names.folders().filter_map(|name| {
        let id: u64 = name.strip_prefix("chk-")?.parse().ok()?;
        (name == chk(id)).then_some(id)
    });
    let mut ids: Vec<u64> = ids.collect();
    ids.sort_unstable();
    ids.drain(..ids.len().saturating_sub(CHECKPOINTS));
    let is_folder = |id: &&u64| job.entry(&chk(**id)).is_some_and(|entry| entry.is_folder());
    let ids: BTreeSet<u64> = named
        .checkpoints
        .iter()
        .filter(is_folder)
        .copied()
        .chain(ids)
        .collect();
    let all = ids.into_iter();
    let all: Vec<DiskCheckpoint> = all.filter_map(|id| checkpoint(id, job, &chk(id))).collect();
    let more = names.more || all.iter().any(|one| one.files as usize >= FILES);
    Ok((all, more))
}

fn chk(id: u64) -> String {
    format!("chk-{id}")
}

/// Files in a folder and what they take, none without any; and whether some were not counted.
fn size_of(folder: Option<Folder>) -> Result<(Option<(u32, u64)>, bool), Fault> {
    let (mut count, mut bytes) = (0, 0);
    let entries = folder.map_or(Ok(Vec::new()), |folder| folder.entries(FILES))?;
    let more = entries.len() >= FILES;
    for entry in entries {
        if entry.is_file() {
            count += 1;
            bytes += entry.bytes();
        }
    }
    Ok(((count > 0).then_some((count, bytes)), more))
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
    }
    // By its name: it may be the last of thousands.
    if let Some(metadata) = folder.entry(METADATA).filter(|entry| entry.is_file()) {
        seen.complete = metadata.bytes() > 0 && folder.is_readable(METADATA);
        seen.written = metadata.written();
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
        let seen = look(&place(folder.path()), JOB, &Named::default()).unwrap();
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
        assert_eq!((seen.ha_count, seen.more), (1, false));
        assert_eq!(seen.ha_files, ["completedCheckpoint1"]);
        assert_eq!(seen.shared, Some((2, 4)));
    }

    #[test]
    fn what_is_named_is_found_among_any_number_of_files() {
        let folder = tempfile::tempdir().unwrap();
        let ha = folder.path().join("ha/flinklab");
        let job = folder.path().join("checkpoints").join(JOB);
        let wanted = "completedCheckpoint-of-the-pointer";
        fs::create_dir_all(&ha).unwrap();
        for n in 0..HA_FILES + 200 {
            fs::write(ha.join(format!("completedCheckpointold{n}")), "").unwrap();
        }
        for id in 1..CHECKPOINTS + 50 {
            fs::create_dir_all(job.join(chk(id as u64))).unwrap();
        }
        fs::write(ha.join(wanted), "x").unwrap();
        fs::write(job.join("chk-1/_metadata"), "x").unwrap();
        let named = Named {
            ha_files: [wanted, "gone", "../flinklab", "a/b"]
                .map(str::to_owned)
                .into(),
            needed: [
                (wanted.to_owned(), Store::Files),
                ("gone".to_owned(), Store::Files),
            ]
            .into(),
            checkpoints: [1, 7_000_000].into(),
        };
        let place = place(folder.path());
        let seen = look(&place, JOB, &named).unwrap();
        assert_eq!((seen.ha_count, seen.more), (HA_FILES as u64 + 201, false));
        assert!(seen.ha_files.iter().any(|file| file == wanted));
        assert!(!seen.ha_files.iter().any(|file| file == "gone"));
        assert_eq!(
            (seen.needed, seen.missing.as_slice()),
            (2, &["gone".to_owned()][..])
        );
        let first = &seen.checkpoints[0];
        assert_eq!((first.id, first.complete), (1, true));
        assert_eq!(seen.checkpoints.len(), CHECKPOINTS + 1);
        assert!(has_ha_file(&place, wanted).unwrap() && !has_ha_file(&place, "gone").unwrap());
        assert!(!has_ha_file(&place, "../flinklab").unwrap());
    }

    /// A file that is somewhere else is not missing here.
    #[test]
    fn only_what_lies_on_the_mount_is_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        for (path, store) in [
            ("file:/flink-shared/ha/flinklab/x", Some(Store::Files)),
            ("file:///flink-shared/ha/flinklab/x", Some(Store::Files)),
            ("file:/flink-shared/ha/other/x", None),
            ("file:/elsewhere/ha/flinklab/x", None),
            ("file:/flink-shared/x", None),
            ("s3://ha/flinklab/x", Some(Store::Objects)),
            ("s3://bucket/flinklab/x", None),
            ("s3://a/flinklab/x", None),
            ("hdfs://name:8020/flinklab/x", None),
            ("nonsense", None),
        ] {
            let found = Place::store_of(&place.folders, "/flink-shared/", path);
            assert_eq!(found, store, "{path}");
        }
    }

    #[test]
    fn what_a_leader_needs_is_missing_only_where_it_would_be_seen() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let needing = |store| Named {
            needed: ["plan", "pointer"]
                .map(|name| (name.to_owned(), store))
                .into(),
            ..Named::default()
        };
        let missing = |store| look(&place, JOB, &needing(store)).unwrap().missing;
        // Nothing of Flink's is here at all.
        assert!(missing(Store::Files).is_empty());
        fs::create_dir_all(folder.path().join("ha/flinklab")).unwrap();
        assert_eq!(missing(Store::Files), ["plan", "pointer"]);
        // A store that keeps objects as folders, say.
        assert!(missing(Store::Objects).is_empty());
        write(folder.path(), "ha/flinklab/plan", "x");
        assert_eq!(missing(Store::Files), ["pointer"]);
        assert_eq!(missing(Store::Objects), ["pointer"]);
        write(folder.path(), "ha/flinklab/pointer", "x");
        assert!(missing(Store::Files).is_empty());
    }

    #[test]
    fn metadata_counts_however_many_files_are_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let chk = folder.path().join("checkpoints").join(JOB).join("chk-3");
        fs::create_dir_all(&chk).unwrap();
        for n in 0..2_500 {
            fs::write(chk.join(format!("state{n}")), "1").unwrap();
        }
        fs::write(chk.join(METADATA), "1").unwrap();
        let seen = look(&place(folder.path()), JOB, &Named::default()).unwrap();
        let row = &seen.checkpoints[0];
        assert_eq!((row.complete, row.files, row.bytes), (true, 2_501, 2_501));
    }

    #[test]
    fn a_job_without_files_has_no_checkpoints_but_a_lost_mount_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let seen = look(&place(folder.path()), JOB, &Named::default()).unwrap();
        assert_eq!((seen.checkpoints.len(), seen.ha_files.len()), (0, 0));
        assert_eq!(seen.shared, None);
        let error = look(&place(&folder.path().join("gone")), JOB, &Named::default()).unwrap_err();
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
        let seen = look(&place(folder.path()), JOB, &Named::default()).unwrap();
        assert_eq!(seen.checkpoints.len(), 1);
        assert!(!seen.checkpoints[0].complete);
        fs::remove_dir_all(&job).unwrap();
        symlink(elsewhere.path(), &job).unwrap();
        let error = look(&place(folder.path()), JOB, &Named::default()).unwrap_err();
        assert!(error.to_string().contains("is a link to"), "{error}");
    }
}
