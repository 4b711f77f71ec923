//! How files and folders are made: who may read them, and that they are on the disk before their
//! names say so. Knows nothing of labs.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

/// Who may look into a folder.
#[derive(Clone, Copy)]
pub(super) enum Privacy {
    /// Only we.
    Private,
    /// Whoever may reach it.
    Readable,
}

pub(super) fn make_folder(path: &Path, privacy: Privacy) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(match privacy {
            Privacy::Private => 0o700,
            Privacy::Readable => 0o755,
        });
    }
    #[cfg(not(unix))]
    let _ = privacy;
    builder.create(path)
}

/// A new file that only we may read. Fails where one exists.
pub(super) fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
pub(super) fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(named)) => held.ino() == named.ino() && held.dev() == named.dev(),
        _ => false,
    }
}

#[cfg(not(unix))]
pub(super) fn same_file(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// Removes what is in a folder but for some names. Removes links themselves and never what they
/// point to.
pub(super) fn remove_but(folder: &Path, kept: &[&str]) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if kept.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}
