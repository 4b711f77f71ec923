//! What this machine says about itself: kernel, limits, file systems. Only reads; what cannot be
//! read is not known.

use flinklab_event::{HomeFacts, Kernel};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that systems clean up by themselves.
const TEMPORARY: &[&str] = &["/tmp", "/var/tmp", "/private/tmp", "/private/var/folders"];

/// The kernel and its limits.
pub(super) fn kernel() -> Kernel {
    let text = |path: &str| {
        fs::read_to_string(path)
            .ok()
            .map(|text| text.trim().to_owned())
    };
    let number = |path: &str| text(path)?.parse().ok();
    Kernel {
        version: text("/proc/sys/kernel/osrelease").unwrap_or_default(),
        inotify_instances: number("/proc/sys/fs/inotify/max_user_instances"),
        inotify_watches: number("/proc/sys/fs/inotify/max_user_watches"),
        files: files(),
    }
}

#[cfg(unix)]
fn files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
fn files() -> Option<u64> {
    None
}

/// The folder of the labs, which need not exist yet.
pub(super) fn home(path: &Path) -> HomeFacts {
    let existing = existing(path);
    HomeFacts {
        path: path.display().to_string(),
        writable: writable(&existing),
        filesystem: filesystem(&existing),
        free: free(&existing),
        temporary: TEMPORARY.iter().any(|folder| path.starts_with(folder)),
    }
}

/// Makes the folder of the labs, for us alone; whether it could.
pub(super) fn make(path: &Path) -> bool {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path).is_ok()
}

/// The nearest folder above that exists.
fn existing(path: &Path) -> PathBuf {
    let found = path
        .ancestors()
        .find(|path| path.symlink_metadata().is_ok());
    found.unwrap_or(Path::new("/")).to_owned()
}

/// Whether something could be made there. Nothing is made to find out.
#[cfg(unix)]
fn writable(path: &Path) -> Result<(), String> {
    use rustix::fs::Access;
    if !path.is_dir() {
        return Err(format!("{} is not a folder", path.display()));
    }
    rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| format!("{}: {}", path.display(), std::io::Error::from(error)))
}

#[cfg(not(unix))]
fn writable(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        Ok(())
    } else {
        Err(format!("{} is not a folder", path.display()))
    }
}

/// Free bytes below a folder.
#[cfg(unix)]
pub(crate) fn free(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
pub(crate) fn free(_path: &Path) -> Option<u64> {
    None
}

/// The kind of file system that a folder is on; empty where it cannot be told.
pub(super) fn filesystem(path: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    mounted(&mounts, &path)
}

/// Of the mounts above a path, the deepest; of several there, the last.
fn mounted(mounts: &str, path: &Path) -> String {
    let mut found = (0, String::new());
    for line in mounts.lines() {
        let mut halves = line.splitn(2, " - ");
        let point = halves
            .next()
            .and_then(|half| half.split_whitespace().nth(4));
        let kind = halves
            .next()
            .and_then(|half| half.split_whitespace().next());
        if let (Some(point), Some(kind)) = (point, kind) {
            let point = PathBuf::from(point.replace("\\040", " "));
            let depth = point.components().count();
            if path.starts_with(&point) && depth >= found.0 {
                found = (depth, kind.to_owned());
            }
        }
    }
    found.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_says_what_a_folder_is_on() {
        let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            30 22 0:44 / /mnt/my\\040share rw,relatime shared:1 - nfs4 server:/x rw\n\
            31 22 0:45 / /mnt rw - tmpfs tmpfs rw\n";
        assert_eq!(mounted(mounts, Path::new("/home/u")), "ext4");
        assert_eq!(mounted(mounts, Path::new("/mnt/my share/labs")), "nfs4");
        assert_eq!(mounted(mounts, Path::new("/mnt/x")), "tmpfs");
        assert_eq!(mounted("", Path::new("/")), "");
    }

    #[test]
    fn a_folder_below_a_file_cannot_be_made() {
        let found = home(Path::new("/proc/version/labs"));
        assert!(found.writable.is_err(), "{found:?}");
        assert!(home(Path::new("/tmp/labs")).temporary);
    }
}
