//! A folder that is gone when it is dropped: the home of a simulated lab.

use crate::fault::Fault;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of our own below the system's temporary one.
#[derive(Debug)]
pub struct Throwaway(PathBuf);

impl Throwaway {
    /// Makes one that nobody else can look into.
    pub fn new(below: &Path) -> Result<Self, Fault> {
        let number = getrandom::u64().unwrap_or_default();
        let path = below.join(format!("flinklab-try-{number:016x}"));
        let mut folder = fs::DirBuilder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt;
            folder.mode(0o700);
        }
        // fails where the name is taken: what is removed at the end was made here
        folder.create(&path).map_err(|error| {
            let what = format!("Cannot make a folder in {}.", below.display());
            Fault::unable("no-temporary-folder", what)
                .why(error)
                .mend("Set TMPDIR to a folder that you may write to.")
        })?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn it_is_gone_with_everything_in_it() {
        let below = tempfile::tempdir().unwrap();
        let folder = Throwaway::new(below.path()).unwrap();
        let path = folder.path().to_owned();
        fs::write(path.join("a"), "a").unwrap();
        drop(folder);
        assert!(!path.exists());
        assert!(Throwaway::new(&path).is_err());
    }
}
