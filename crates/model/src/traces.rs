//! What each witness ever said about a checkpoint: the pointer in the config map and the files on
//! disk come and go, and Flink's REST forgets; the page of checkpoints tells what became of each.

use flinklab_event::{DiskCheckpoint, JobMap, Pointer};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Checkpoints of which traces are kept.
const TRACES: usize = 1200;

/// Something that was there, and may be gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen<T> {
    /// As it was seen last.
    pub what: T,
    /// Since when it is there, as far as we saw.
    pub since: Timestamp,
    /// Since when it is gone.
    pub gone: Option<Timestamp>,
}

impl<T: Clone> Seen<T> {
    /// It is there now, and was before if it was `known` and not gone.
    fn there(what: &T, known: Option<&Self>, at: Timestamp) -> Self {
        let before = known.filter(|seen| seen.gone.is_none());
        Self {
            what: what.clone(),
            since: before.map_or(at, |seen| seen.since),
            gone: None,
        }
    }
}

/// One checkpoint's traces.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace {
    /// Its pointer in the job's config map.
    pub pointer: Option<Seen<Pointer>>,
    /// Its folder.
    pub disk: Option<Seen<DiskCheckpoint>>,
}

/// Traces by checkpoint id, of one job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traces {
    job: String,
    /// By id.
    pub all: BTreeMap<u64, Trace>,
    /// What REST listed last.
    pub rest: Vec<u64>,
}

impl Traces {
    fn of(&mut self, job: &str) {
        if self.job != job {
            *self = Self {
                job: job.to_owned(),
                ..Self::default()
            };
        }
    }

    pub(super) fn listed(&mut self, job: &str, ids: impl Iterator<Item = u64>) {
        self.of(job);
        self.rest = ids.collect();
    }

    pub(super) fn pointers(&mut self, at: Timestamp, map: &JobMap) {
        self.of(&map.job);
        let now: BTreeMap<u64, &Pointer> = map.pointers.iter().map(|one| (one.id, one)).collect();
        for (id, trace) in &mut self.all {
            if let Some(seen) = &mut trace.pointer
                && !now.contains_key(id)
            {
                seen.gone.get_or_insert(at);
            }
        }
        for (id, pointer) in now {
            let known = &mut self.all.entry(id).or_default().pointer;
            // an id that began again names another file
            let same = known.as_ref().filter(|seen| seen.what.path == pointer.path);
            *known = Some(Seen::there(pointer, same, at));
        }
        self.bound();
    }

    pub(super) fn files(&mut self, at: Timestamp, job: &str, found: &[DiskCheckpoint]) {
        self.of(job);
        let now: BTreeMap<u64, &DiskCheckpoint> = found.iter().map(|one| (one.id, one)).collect();
        for (id, trace) in &mut self.all {
            if let Some(seen) = &mut trace.disk
                && !now.contains_key(id)
            {
                seen.gone.get_or_insert(at);
            }
        }
        for (id, folder) in now {
            let known = &mut self.all.entry(id).or_default().disk;
            *known = Some(Seen::there(folder, known.as_ref(), at));
        }
        self.bound();
    }

    fn bound(&mut self) {
        while self.all.len() > TRACES {
            self.all.pop_first();
        }
    }
}

impl super::Model {
    /// Checkpoints that any witness ever told of, newest first.
    #[must_use]
    pub fn checkpoint_ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.job.checkpoints.keys().copied().collect();
        ids.extend(self.traces.all.keys());
        ids.sort_unstable();
        ids.dedup();
        ids.reverse();
        ids
    }

    /// Where a checkpoint is, as Flink writes it.
    #[must_use]
    pub fn checkpoint_path(&self, id: u64) -> Option<String> {
        self.job.checkpoints.get(&id)?.path.clone()
    }
}
