//! How files and folders are made and replaced: by which name, who may read them, and that they are
//! on the disk before their names say so. Every writer of the program uses this. Knows nothing of
//! labs.
//!
//! A link is never followed where something is written: a folder may be one that others can write
//! to, and a link there leads wherever they want. It is refused and not replaced: the person who
//! made it meant the file that it points to, and would look there in vain. What is below `/dev` is
//! the system's, links included: `/dev/stdout` is one.

use rustix::fs::OFlags;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Letters and figures of a temporary name that are drawn by lot.
const DRAWN: usize = 16;

/// Who may read what is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Privacy {
    /// Only we.
    Private,
    /// Whoever may reach it: for a folder all, for a file those whom the person's umask lets, and
    /// those who could read the one that it replaces.
    Readable,
}

/// Replaces a file in one stroke: after a crash it holds the old bytes or the new ones. Nothing is
/// left beside it where that fails.
pub(super) fn replace(path: &Path, bytes: &[u8], privacy: Privacy) -> io::Result<()> {
    let found = no_link(path)?;
    if let Some(found) = &found {
        let kind = found.file_type();
        let mut options = if is_of_the_system(path) {
            File::options()
        } else {
            unfollowed()
        };
        if is_of_the_system(path) || kind.is_fifo() || kind.is_char_device() {
            // a pipe or a device is written to as it is
            let mut file = options.write(true).truncate(true).open(path)?;
            return file.write_all(bytes);
        }
    }
    let folder = folder_of(path);
    let mode = match (privacy, &found) {
        (Privacy::Private, _) => 0o600,
        (Privacy::Readable, Some(found)) => found.mode() & 0o777,
        (Privacy::Readable, None) => 0o666,
    };
    let mut file = tempfile::Builder::new()
        .prefix(&temporary(path))
        .rand_bytes(DRAWN)
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    if found.is_some() {
        // the umask may have taken something from what the old one had
        file.as_file()
            .set_permissions(Permissions::from_mode(mode))?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    sync(folder)
}

/// Gives a finished file its name. One that has the name already is kept: that fails.
pub(super) fn name(from: &Path, to: &Path) -> io::Result<()> {
    let named = tempfile::TempPath::try_from_path(from)?.persist_noclobber(to);
    named.map_err(|failed| {
        // what was written is not thrown away
        let _ = failed.path.keep();
        failed.error
    })?;
    sync(folder_of(to))
}

/// A new file that only we may read. Fails where there is something of that name.
pub(super) fn new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    options.open(path)
}

/// A file to whose end is written; it is made where there is none, for us alone.
pub(super) fn append(path: &Path) -> io::Result<File> {
    no_link(path)?;
    unfollowed()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// A file that is written and read over many runs of the program; made where there is none, and
/// refused where it is another's or has another name, too.
pub(super) fn own(path: &Path) -> io::Result<File> {
    no_link(path)?;
    let mut options = unfollowed();
    let file = options.read(true).write(true).create(true).open(path)?;
    let found = file.metadata()?;
    let ours = found.uid() == rustix::process::geteuid().as_raw();
    if found.is_file() && found.nlink() == 1 && ours {
        Ok(file)
    } else {
        Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "it is not a plain file of your own that has this name only",
        ))
    }
}

fn unfollowed() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    options.custom_flags(flags);
    options
}

/// What there is of that name; an error where that is a link.
fn no_link(path: &Path) -> io::Result<Option<fs::Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_symlink() && !is_of_the_system(path) => {
            let to = fs::read_link(path).unwrap_or_default();
            Err(io::Error::new(
                ErrorKind::AlreadyExists,
                format!(
                    "it is a symbolic link to {}, and nothing is written through one: name that \
                     file itself, or remove the link",
                    to.display()
                ),
            ))
        }
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_of_the_system(path: &Path) -> bool {
    path.starts_with("/dev") && !path.starts_with("/dev/shm")
}

/// How the temporary names of a file begin.
fn temporary(path: &Path) -> OsString {
    let name = path.file_name().unwrap_or_default().as_bytes();
    // no name is longer than 255 bytes
    let name = &name[..name.len().min(200)];
    OsString::from_vec([b".", name, b"."].concat())
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes a folder and those above it. One that is there stays as it is.
pub(super) fn make_folder(path: &Path, privacy: Privacy) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    builder.mode(match privacy {
        Privacy::Private => 0o700,
        Privacy::Readable => 0o755,
    });
    builder.create(path)
}

/// Makes a folder for us alone in one that is there. It may be there itself.
pub(super) fn add_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

/// What was named in a folder is on the disk.
fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // a file system that cannot do it for folders
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}

/// Whether an open file is still the one of that name.
pub(super) fn same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(named)) => held.ino() == named.ino() && held.dev() == named.dev(),
        _ => false,
    }
}

/// Removes what is in a folder but for some names. Removes links themselves and never what they
/// point to.
pub(super) fn remove_but(folder: &Path, kept: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if kept.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?
        } else {
            fs::remove_file(entry.path())?
        }
    }
    Ok(())
}

/// Removes what killed processes left of files of a folder that were being replaced.
pub(super) fn sweep(folder: &Path, names: &[&str]) {
    let left = |name: &str| {
        names.iter().any(|of| {
            let drawn = name
                .strip_prefix('.')
                .and_then(|name| name.strip_prefix(of));
            let drawn = drawn.and_then(|name| name.strip_prefix('.'));
            drawn.is_some_and(|drawn| {
                !drawn.is_empty() && drawn.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
        })
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if left(&entry.file_name().to_string_lossy()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_and_keeps_who_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        replace(&path, b"one", Privacy::Private).unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        replace(&path, b"two", Privacy::Readable).unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), mode(&path)),
            (b"two".to_vec(), 0o640)
        );
        replace(&path, b"three", Privacy::Private).unwrap();
        assert_eq!(mode(&path), 0o600, "what is private is made so again");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn nothing_is_left_beside_what_cannot_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::create_dir_all(path.join("full")).unwrap();
        assert!(replace(&path, b"new", Privacy::Readable).is_err());
        assert_eq!(names(folder.path()), ["a"]);
        assert_eq!(names(&path), ["full"]);
    }

    #[test]
    fn no_link_is_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (other, link) = (folder.path().join("other"), folder.path().join("a"));
        fs::write(&other, "theirs").unwrap();
        for to in [
            other.clone(),
            folder.path().join("nowhere"),
            "/dev/null".into(),
        ] {
            symlink(&to, &link).unwrap();
            let told = replace(&link, b"new", Privacy::Readable).unwrap_err();
            assert!(
                told.to_string().contains(&to.display().to_string()),
                "{told}"
            );
            assert!(append(&link).is_err() && own(&link).is_err() && new(&link).is_err());
            assert_eq!(fs::read_link(&link).unwrap(), to);
            fs::remove_file(&link).unwrap();
        }
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
        assert_eq!(names(folder.path()), ["other"]);
    }

    #[test]
    fn what_the_system_has_is_written_to_as_it_is() {
        replace(Path::new("/dev/null"), b"new", Privacy::Readable).unwrap();
        assert!(
            fs::metadata("/dev/null")
                .unwrap()
                .file_type()
                .is_char_device()
        );
    }

    #[test]
    fn a_file_that_has_the_name_already_is_kept_and_so_is_the_finished_one() {
        let folder = tempfile::tempdir().unwrap();
        let (part, path) = (folder.path().join("a.part"), folder.path().join("a"));
        fs::write(&part, "whole").unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(name(&part, &path).is_err());
        assert_eq!(names(folder.path()), ["a", "a.part"]);
        fs::remove_file(&path).unwrap();
        name(&part, &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".a.0Zk3", ".a.4711", ".a.", ".a", "a.1", ".b.1", ".a.x.y"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        sweep(folder.path(), &["a"]);
        assert_eq!(names(folder.path()), [".a", ".a.", ".a.x.y", ".b.1", "a.1"]);
    }
}
