//! Evidence about the job's pointers and the files that they name: two witnesses that must be
//! compared at one moment, because both move on with every checkpoint.

use super::{Files, Run};
use flinklab_event::{DiskSample, JobMap};
use jiff::Timestamp;

impl Run {
    /// The pointers as they are now.
    pub(super) fn pointers(&mut self, at: Timestamp, map: &JobMap) {
        let named = map
            .usable()
            .map(|pointer| (pointer.id, pointer.file().map(str::to_owned)));
        let named: Vec<super::Pointed> = named.collect();
        let known = &mut self.seen.pointed_since;
        known.retain(|id, _| named.iter().any(|(named, _)| named == id));
        for (id, _) in &named {
            known.entry(*id).or_insert(at);
        }
        if named.is_empty() {
            self.seen.pointed_to = None;
        }
        self.seen.pointers = Some((at, named));
        self.seen.pointers_deleted = false;
        self.compare_files();
    }

    /// A map was deleted; where it was the job's, nobody finds its checkpoints any more.
    pub(super) fn map_deleted(&mut self, name: &str) {
        let ours = self
            .before
            .job
            .as_ref()
            .is_some_and(|job| name.contains(job.as_str()));
        if ours {
            self.seen.pointers = None;
            self.seen.pointed_to = None;
            self.seen.pointed_since.clear();
            self.seen.pointers_deleted = true;
        }
    }

    /// A look at the files.
    pub(super) fn files(&mut self, at: Timestamp, sample: &DiskSample) {
        if self.before.job.as_ref() != Some(&sample.job) {
            return;
        }
        let complete = sample.checkpoints.iter().filter(|row| row.complete);
        let files = Files {
            complete: complete.map(|row| row.id).collect(),
            ha: sample.ha_files.iter().cloned().collect(),
        };
        self.seen.disk = Some((at, files));
        // Pointers move on between two looks: what a look shows is held against those of its moment.
        let since = self.seen.bare.take().map_or(at, |(since, _)| since);
        self.seen.bare = self.bare().map(|words| (since, words));
        // Files that were there once may be gone. With the watch lost, the pointers are old ones.
        if self.seen.blind.is_none() {
            self.seen.pointed_to = None;
        }
        self.compare_files();
    }

    /// Whether a checkpoint of after the break has a pointer and all of its files.
    pub(super) fn compare_files(&mut self) {
        let (Some((_, pointers)), Some((_, disk))) = (&self.seen.pointers, &self.seen.disk) else {
            return;
        };
        let Some((next, _)) = self.next_checkpoint() else {
            return;
        };
        let found = pointers.iter().rev().find(|(id, file)| {
            *id >= next
                && disk.complete.contains(id)
                && file.as_ref().is_none_or(|file| disk.ha.contains(file))
        });
        if let Some(found) = found {
            self.seen.pointed_to = Some(found.clone());
        }
    }
}
