//! A folder that is gone when it is dropped: the home of a simulated lab.

use flinklab_base::fault::Fault;
use std::path::Path;

/// A folder of our own below the system's temporary one.
#[derive(Debug)]
pub struct TempHome(tempfile::TempDir);

impl TempHome {
    /// Makes one that nobody else can look into.
    pub fn new(below: &Path) -> Result<Self, Fault> {
        let made = tempfile::Builder::new()
            .prefix("flinklab-try-")
            .rand_bytes(16)
            .tempdir_in(below);
        let folder = made.map_err(|error| {
            let what = format!("Cannot make a folder in {}.", below.display());
            Fault::unable("no-temporary-folder", what)
                .why(error)
                .hint("Set TMPDIR to a folder that you may write to.")
        })?;
        Ok(Self(folder))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn it_is_gone_with_everything_in_it() {
        let below = tempfile::tempdir().unwrap();
        let folder = TempHome::new(below.path()).unwrap();
        let path = folder.path().to_owned();
        std::fs::write(path.join("a"), "a").unwrap();
        drop(folder);
        assert!(!path.exists());
        assert!(TempHome::new(&path).is_err());
    }
}
