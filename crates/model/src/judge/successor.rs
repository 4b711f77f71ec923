//! Another job in the place of the one that was broken: begun anew under another id, from nothing or
//! from what the old one left. Clusters that bring their job along do that where they lose it.

use super::super::Run;
use super::super::evidence_successor::Successor;
use super::{Finding, NO_RESTORE, Word};
use flinklab_base::units;
use flinklab_lab::failure::Verdict;

impl Run {
    /// What is to be said of the job where another one runs in its place. None where none does, or
    /// it may still tell what it was restored from.
    pub(super) fn replaced(&self, word: Word) -> Option<Finding> {
        let job = units::short(self.before.job.as_deref()?, units::ID);
        let next = self.seen.successor.as_ref()?;
        let other = units::short(&next.id, units::ID);
        let words = match &next.restored {
            Some(restored) => {
                let kind = if restored.savepoint {
                    "savepoint"
                } else {
                    "checkpoint"
                };
                format!(
                    "job {job} is gone; it was begun anew under another id, {other}, from {kind} {}",
                    restored.id
                )
            }
            None if word == Word::Last || next.is_from_nothing() => {
                format!(
                    "job {job} is gone; it was begun anew from nothing, under another id: {other}"
                )
            }
            None => return None,
        };
        Some((Verdict::Fail, words))
    }
}

impl Successor {
    /// It has run for long enough without telling of a restore.
    pub(super) fn is_from_nothing(&self) -> bool {
        self.restored.is_none() && self.seen.duration_since(self.since) >= NO_RESTORE
    }
}
