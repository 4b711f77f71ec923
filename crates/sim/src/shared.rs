//! The shared folder of a simulated lab. A link in it leads a pod or a node to something of its own,
//! which is not there in a simulation: nothing of this machine is reached through one.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// What is in the place of a folder, in the words of the scripts in a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obstacle(String);

impl Obstacle {
    fn new(shared: &Path, path: &Path, found: &Metadata) -> Self {
        let below = path.strip_prefix(shared).unwrap_or(path).display();
        Self(if found.is_symlink() {
            let target = fs::read_link(path).unwrap_or_default();
            let target = target.to_string_lossy().replace('\n', " ");
            format!("refused link {below} -> {target} ")
        } else {
            format!("refused file {below}")
        })
    }

    pub(super) fn words(&self) -> &str {
        &self.0
    }
}

/// A folder below the shared folder. None: there is none.
pub(super) fn folder(shared: &Path, below: &str) -> Result<Option<PathBuf>, Obstacle> {
    let mut path = shared.to_owned();
    for name in below.split('/').filter(|name| !name.is_empty()) {
        path.push(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {}
            Ok(found) => return Err(Obstacle::new(shared, &path, &found)),
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(path))
}

/// A path below the shared folder, whether or not it is there.
pub(super) fn path(shared: &Path, below: &str) -> io::Result<PathBuf> {
    let mut path = shared.to_owned();
    for name in below.split('/') {
        path.push(name);
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
    }
    Ok(path)
}
