//! The statement about the pointer: the next leader finds the newest checkpoint in the job's config
//! map, and both files that it needs are there: the one that the pointer names, and the
//! checkpoint's own metadata.

use super::super::Run;
use super::{Finding, Word, unknown};
use crate::failure::Verdict;
use jiff::SignedDuration;

/// The files are looked at this often at least; a pointer younger than this may not be seen yet.
const LOOKED_AT: SignedDuration = SignedDuration::from_secs(3);

impl Run {
    pub(super) fn pointer(&self, word: Word) -> Finding {
        if let Some((id, file)) = &self.seen.pointed_to {
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
        match (&self.seen.pointers, &self.seen.disk) {
            (Some((_, pointers)), _) if pointers.is_empty() => (
                Verdict::Fail,
                "the job's config map holds no pointer to a checkpoint".to_owned(),
            ),
            (Some((pointed, pointers)), Some((looked, disk)))
                if looked.duration_since(*pointed) > LOOKED_AT =>
            {
                let newest = pointers.last().map_or(0, |(id, _)| *id);
                let missing = match disk.complete.contains(&newest) {
                    true => "the file that it names is not below the HA folder",
                    false => "its metadata is not on disk",
                };
                (
                    Verdict::Fail,
                    format!("the pointer names checkpoint {newest}, but {missing}"),
                )
            }
            (Some(_), Some(_)) => unknown("no look at the files after the newest pointer"),
            (None, _) if self.seen.pointers_deleted => (
                Verdict::Fail,
                "the job's config map is gone: no leader finds its checkpoints".to_owned(),
            ),
            (None, _) => unknown("no pointer was seen"),
            (_, None) => unknown("the files were not seen"),
        }
    }
}
