//! The statement about the pointer: the next leader finds the newest checkpoint in the job's config
//! map, and both files that it needs are there: the one that the pointer names, and the
//! checkpoint's own metadata.

use super::super::Run;
use super::{Finding, Word, unknown};
use flinklab_lab::failure::Verdict;
use jiff::SignedDuration;

/// The files are looked at this often at least; a pointer younger than this may not be seen yet.
const LOOKED_AT: SignedDuration = SignedDuration::from_secs(3);

impl Run {
    pub(super) fn pointer(&self, word: Word) -> Finding {
        let whole = self.seen.pointed_to.as_ref();
        if let Some((id, file)) = whole.filter(|_| !self.seen.pointers_deleted) {
            let words = match file {
                Some(file) => format!(
                    "the pointer names checkpoint {id}; chk-{id}/_metadata and {file} are there"
                ),
                None => format!(
                    "the pointer names checkpoint {id} and holds its state; chk-{id}/_metadata is there"
                ),
            };
            return (Verdict::Pass, words);
        }
        let Word::Last = word else {
            return unknown(
                "pointer and files of a checkpoint after the break were not compared yet",
            );
        };
        // A watch that is a little late names what is just being removed; it does not do so at each look.
        if let (Some((since, words)), Some((looked, _))) = (&self.seen.bare, &self.seen.disk)
            && self.seen.blind.is_none()
            && looked.duration_since(*since) > LOOKED_AT
        {
            return (Verdict::Fail, words.clone());
        }
        match (&self.seen.pointers, &self.seen.disk) {
            (Some((_, pointers)), _) if pointers.is_empty() && self.seen.blind.is_none() => (
                Verdict::Fail,
                "the job's config map holds no pointer to a checkpoint".to_owned(),
            ),
            (Some(_), _) if self.seen.blind.is_some() => {
                unknown("the watch of the pointers was lost")
            }
            (Some(_), Some(_)) => unknown("no look at the files was late enough after a pointer"),
            (None, _) if self.seen.pointers_deleted && self.seen.blind.is_none() => (
                Verdict::Fail,
                "the job's config map is gone: no leader finds its checkpoints".to_owned(),
            ),
            (None, _) => unknown("no pointer was seen"),
            (_, None) => unknown("the files were not seen"),
        }
    }

    /// A pointer that was there for a while before the files were looked at, and has not all of
    /// them. The newest may always be too young for that, for the next one comes soon.
    pub(crate) fn bare(&self) -> Option<String> {
        let (Some((_, pointers)), Some((looked, disk))) = (&self.seen.pointers, &self.seen.disk)
        else {
            return None;
        };
        // Files go with their pointers, and nobody told of that.
        if self.seen.blind.is_some() {
            return None;
        }
        pointers.iter().rev().find_map(|(id, file)| {
            let since = self.seen.pointed_since.get(id)?;
            if looked.duration_since(*since) <= LOOKED_AT {
                return None;
            }
            let missing = match (disk.complete.contains(id), file) {
                (false, _) => "its metadata is not on disk",
                (true, Some(file)) if !disk.ha.contains(file) => {
                    "the file that it names is not below the HA folder"
                }
                (true, _) => return None,
            };
            Some(format!("the pointer names checkpoint {id}, but {missing}"))
        })
    }
}
