//! The files of a job's checkpoints as one look at the shared folder shows them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One look at the files of the mount.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiskSample {
    /// The job whose folder was read.
    pub job: String,
    /// Its `chk-…` folders, ascending by id.
    pub checkpoints: Vec<DiskCheckpoint>,
    /// Names of files below the HA folder: those that pointers name, and some of the others.
    pub ha_files: Vec<String>,
    /// How many files there are below the HA folder. 0 in old recordings.
    #[serde(default)]
    pub ha_count: u64,
    /// Whether there were more files somewhere than were counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// Files that its checkpoints share: how many, and their bytes. None without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<(u32, u64)>,
    /// How many files of the HA folder the config maps point to. 0 where HA data lies elsewhere, and
    /// in old recordings.
    #[serde(default, skip_serializing_if = "is_none")]
    pub needed: u64,
    /// Names of those that are not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref)] // as serde calls it
const fn is_none(count: &u64) -> bool {
    *count == 0
}

/// One `chk-…` folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskCheckpoint {
    /// Its id.
    pub id: u64,
    /// Whether its `_metadata` is there and readable: without it, it is nothing.
    pub complete: bool,
    /// Files in it.
    pub files: u32,
    /// Bytes in it.
    pub bytes: u64,
    /// When `_metadata` was written.
    pub written: Option<Timestamp>,
}
