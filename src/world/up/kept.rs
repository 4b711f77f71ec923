//! What earlier clusters of this lab left on the disk: retained checkpoints below the recorded job
//! ids. Only reads, and only below the lab's shared folder.

use crate::lab::Lab;
use crate::world::home::{Home, State};
use jiff::Timestamp;
use std::fs;
use std::path::Path;

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
pub(super) fn newest(home: &Home, lab: &Lab, state: &State) -> Option<(Kept, usize)> {
    let folder = home.shared().join(&lab.flink.folders.checkpoints);
    let mut all = Vec::new();
    for job in &state.jobs {
        all.extend(of_job(&folder, lab, &job.id));
    }
    let count = all.len();
    let newest = all.into_iter().max_by_key(|kept| (kept.at, kept.id))?;
    Some((newest, count))
}

/// Whether a job has completed a checkpoint whose files are still there.
pub(super) fn has_any(home: &Home, lab: &Lab, job: &str) -> bool {
    let folder = home.shared().join(&lab.flink.folders.checkpoints);
    !of_job(&folder, lab, job).is_empty()
}

/// Whether the files of a checkpoint are there.
pub(super) fn is_there(home: &Home, lab: &Lab, job: &str, id: u64) -> bool {
    let folder = home.shared().join(&lab.flink.folders.checkpoints);
    folder
        .join(job)
        .join(format!("chk-{id}"))
        .join("_metadata")
        .is_file()
}

fn of_job(folder: &Path, lab: &Lab, job: &str) -> Vec<Kept> {
    let entries = fs::read_dir(folder.join(job))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let id = name.strip_prefix("chk-")?.parse().ok()?;
            // Written last: without it the checkpoint is not complete.
            let written = fs::metadata(entry.path().join("_metadata"))
                .ok()?
                .modified()
                .ok()?;
            Some(Kept {
                job: job.to_owned(),
                id,
                at: Timestamp::try_from(written).ok()?,
                path: format!(
                    "file:{}/{}/{job}/{name}",
                    lab.flink.mount.trim_end_matches('/'),
                    lab.flink.folders.checkpoints
                ),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::world::home::{JobRecord, Source};

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
        assert_eq!(newest(&home, &lab, &state), None);
        state.jobs.push(JobRecord {
            id: "ours".to_owned(),
            when: Timestamp::UNIX_EPOCH,
            from: None,
            cluster: None,
        });
        let (kept, count) = newest(&home, &lab, &state).unwrap();
        assert_eq!((kept.id, count), (3, 1));
        assert_eq!(kept.path, "file:/flink-shared/checkpoints/ours/chk-3");
        assert!(is_there(&home, &lab, "ours", 3) && !is_there(&home, &lab, "ours", 4));
        assert!(has_any(&home, &lab, "ours") && !has_any(&home, &lab, "none"));
    }
}
