//! What earlier clusters of this lab left on the disk: retained checkpoints below the recorded job
//! ids. Only reads, and only below the lab's shared folder.

use crate::home::{Home, State};
use crate::shared::Folder;
use flinklab_base::fault::Fault;
use flinklab_lab::Lab;
use jiff::Timestamp;

/// Written last: without it a checkpoint is not complete.
const METADATA: &str = "_metadata";
/// Entries read of a job's folder.
const ENTRIES: usize = 200_000;

/// A retained checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// The job that made it.
    pub(super) job: String,
    /// Its number.
    pub(super) id: u64,
    /// When it was completed.
    pub(super) at: Timestamp,
    /// As Flink names it.
    pub(super) path: String,
}

/// The newest retained checkpoint of the recorded jobs, and how many there are.
pub(super) fn newest(
    home: &Home,
    lab: &Lab,
    state: &State,
) -> Result<Option<(Kept, usize)>, Fault> {
    let mut all = Vec::new();
    for job in &state.jobs {
        all.extend(of_job(home, lab, &job.id)?);
    }
    let count = all.len();
    let newest = all.into_iter().max_by_key(|kept| (kept.at, kept.id));
    Ok(newest.map(|newest| (newest, count)))
}

/// Whether a job has completed a checkpoint whose files are still there.
pub(super) fn has_any(home: &Home, lab: &Lab, job: &str) -> Result<bool, Fault> {
    Ok(!of_job(home, lab, job)?.is_empty())
}

/// Whether the files of a checkpoint are there.
pub(super) fn is_there(home: &Home, lab: &Lab, job: &str, id: u64) -> Result<bool, Fault> {
    let folder = folder(home, lab, job)?;
    Ok(folder.is_some_and(|folder| written(&folder, &format!("chk-{id}")).is_some()))
}

/// The folder of a job's checkpoints.
fn folder(home: &Home, lab: &Lab, job: &str) -> Result<Option<Folder>, Fault> {
    let path = format!("{}/{job}", lab.flink.folders.checkpoints);
    match Folder::open(&home.shared())? {
        Some(shared) => shared.below(&path),
        None => Ok(None),
    }
}

/// When a checkpoint was completed. None: it is not, or it vanished meanwhile.
fn written(job: &Folder, checkpoint: &str) -> Option<Timestamp> {
    let entry = job.below(checkpoint).ok()??.entry(METADATA)?;
    entry.written().filter(|_| entry.is_file())
}

fn of_job(home: &Home, lab: &Lab, job: &str) -> Result<Vec<Kept>, Fault> {
    let Some(folder) = folder(home, lab, job)? else {
        return Ok(Vec::new());
    };
    let names = folder.names(ENTRIES)?;
    Ok(names
        .folders()
        .filter_map(|name| {
            Some(Kept {
                job: job.to_owned(),
                id: name.strip_prefix("chk-")?.parse().ok()?,
                at: written(&folder, name)?,
                path: format!(
                    "file:{}/{}/{job}/{name}",
                    lab.flink.mount.trim_end_matches('/'),
                    lab.flink.folders.checkpoints
                ),
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::home::{JobRecord, Source};
    use std::fs;

    #[test]
    fn only_complete_checkpoints_of_recorded_jobs_count() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home {
            folder: folder.path().to_owned(),
            name: "t".to_owned(),
        };
        let lab = Lab::open("default").unwrap();
        let source = Source::BuiltIn("default".to_owned());
        let mut state = State::new("t", &lab, source, Timestamp::UNIX_EPOCH).unwrap();
        let make = |job: &str, id: u64| {
            let chk = home.shared().join(format!("checkpoints/{job}/chk-{id}"));
            fs::create_dir_all(&chk).unwrap();
            chk
        };
        fs::write(make("ours", 3).join("_metadata"), "x").unwrap();
        make("ours", 4);
        fs::write(make("strange", 9).join("_metadata"), "x").unwrap();
        assert_eq!(newest(&home, &lab, &state).unwrap(), None);
        state.jobs.push(JobRecord {
            id: "ours".to_owned(),
            when: Timestamp::UNIX_EPOCH,
            from: None,
            cluster: None,
        });
        let (kept, count) = newest(&home, &lab, &state).unwrap().unwrap();
        assert_eq!((kept.id, count), (3, 1));
        assert_eq!(kept.path, "file:/flink-shared/checkpoints/ours/chk-3");
        let there = |id| is_there(&home, &lab, "ours", id).unwrap();
        assert!(there(3) && !there(4));
        assert!(has_any(&home, &lab, "ours").unwrap() && !has_any(&home, &lab, "none").unwrap());
        // Files elsewhere are no checkpoint of this lab.
        let chk = home.shared().join("checkpoints/ours/chk-4");
        std::os::unix::fs::symlink(chk.with_file_name("chk-3"), chk.with_file_name("chk-5"))
            .unwrap();
        std::os::unix::fs::symlink("../chk-3/_metadata", chk.join("_metadata")).unwrap();
        assert!(!there(4) && !there(5));
        let (ours, strange) = (chk.parent().unwrap(), chk.join("../../strange"));
        fs::remove_dir_all(ours).unwrap();
        std::os::unix::fs::symlink(strange, ours).unwrap();
        let fault = newest(&home, &lab, &state).unwrap_err();
        assert!(fault.what.contains("`checkpoints/ours`"), "{fault}");
    }
}
