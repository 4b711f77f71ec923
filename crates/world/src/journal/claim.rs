//! Who undoes an entry: one process at a time, told by a lock of the operating system beside it. A
//! process that dies gives it back; one that lives and is at it is waited for.

use super::is_there;
use crate::files;
use crate::home::Home;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::time::Duration;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// The longest undo gives a job its pointers back, and that has deadlines of its own.
const LONGEST: Duration = Duration::from_secs(300);

/// The right to undo one entry, until it is dropped.
#[derive(Debug)]
pub struct Claim {
    // Never read: the operating system releases the lock with it.
    _held: File,
}

pub(super) fn file(home: &Home, run: &str) -> PathBuf {
    home.journal().join(format!("{run}.undo"))
}

/// The right to undo an entry, once nobody else is at it. None: it is undone.
pub async fn claimed(home: &Home, run: &str) -> Result<Option<Claim>, Fault> {
    let until = Instant::now() + LONGEST;
    loop {
        if !is_there(home, run) {
            return Ok(None);
        }
        let path = file(home, run);
        home.plain(&path)?;
        let unlockable = |why: std::io::Error| {
            Fault::unable("lock-failed", format!("Cannot lock {}.", path.display())).why(why)
        };
        let held = files::append(&path).map_err(unlockable)?;
        match held.try_lock() {
            // Who had it before may have undone it just now, and removed the file with it.
            Ok(()) if !is_there(home, run) => {
                let _ = std::fs::remove_file(&path);
                return Ok(None);
            }
            Ok(()) => return Ok(Some(Claim { _held: held })),
            Err(TryLockError::Error(why)) => return Err(unlockable(why)),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                return Err(Fault::unable(
                    "undo-busy",
                    format!("Another flinklab takes the run {run} back and does not end."),
                )
                .hint(advice!("Stop that process, then run `flinklab heal`.")));
            }
            Err(TryLockError::WouldBlock) => clock::sleep(LOOK).await,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{Entry, remove, write};
    use super::*;

    /// A lab's folder with one entry, `a`.
    fn applied(folder: &std::path::Path) -> Home {
        let home = Home {
            folder: folder.join("lab"),
            name: "lab".to_owned(),
        };
        home.create().unwrap();
        let lasts = jiff::SignedDuration::ZERO;
        write(
            &home,
            &Entry::new("a", "pointer-lost", "gone".into(), lasts),
        )
        .unwrap();
        home
    }

    #[tokio::test]
    async fn an_entry_is_undone_by_one_at_a_time_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let home = applied(folder.path());
        let owner = claimed(&home, "a").await.unwrap();
        assert!(owner.is_some());
        let other = claimed(&home, "a");
        let busy = tokio::time::timeout(LOOK * 3, other).await;
        assert!(busy.is_err(), "it waits for who is at it");
        remove(&home, "a").unwrap();
        drop(owner);
        assert!(claimed(&home, "a").await.unwrap().is_none());
        assert_eq!(std::fs::read_dir(home.journal()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn the_claim_of_who_gave_up_is_free_again() {
        let folder = tempfile::tempdir().unwrap();
        let home = applied(folder.path());
        drop(claimed(&home, "a").await.unwrap());
        assert!(claimed(&home, "a").await.unwrap().is_some());
    }
}
