//! The lab that was opened last, for as long as its files are the same.

use super::LabHandle;
use crate::home::Home;
use crate::settings::Refresh;
use flinklab_base::fault::Fault;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The lab that a world opened last, and the files that it was read from.
#[derive(Debug, Default)]
pub struct LabCache {
    last: Mutex<Option<(Key, Arc<LabHandle>)>>,
    /// How often a lab was read from its files.
    reads: AtomicU64,
}

/// All that an opened lab depends on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) folder: PathBuf,
    pub(super) refresh: Refresh,
    pub(super) files: Stamps,
}

/// By what a change of a lab's own files is seen: of lab.json, which holds its definition too, and of
/// its kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamps([Option<Stamp>; 2]);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    /// A file that is replaced in one stroke is another one each time.
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(found: &Metadata) -> Self {
        Self {
            file: (found.dev(), found.ino()),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

impl Stamps {
    /// As the files are now.
    pub(crate) fn of(home: &Home) -> Self {
        let stamp = |path: PathBuf| Some(Stamp::of(&std::fs::symlink_metadata(path).ok()?));
        Self([stamp(home.state_file()), stamp(home.kubeconfig())])
    }
}

impl LabCache {
    /// The lab that goes by this key: the one that is known, or what is read now.
    pub(super) fn get(
        &self,
        key: Key,
        read: impl FnOnce() -> Result<Option<LabHandle>, Fault>,
    ) -> Result<Option<Arc<LabHandle>>, Fault> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, handle)) = last.as_ref()
            && *known == key
        {
            return Ok(Some(handle.clone()));
        }
        *last = None;
        self.reads.fetch_add(1, Ordering::Relaxed);
        let handle = read()?.map(Arc::new);
        *last = handle.clone().map(|handle| (key, handle));
        Ok(handle)
    }

    /// How often a lab was read so far.
    #[cfg(test)]
    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}
