//! The lab's shared folder, which jobs write: how it is read, and what may be in the way there. Every
//! step down is an `openat` from the folder before and follows no link, so that what is swapped
//! meanwhile leads nowhere else. Changes nothing.

mod obstacle;

pub use obstacle::Obstacle;

use super::clean;
use flinklab_base::fault::Fault;
use jiff::Timestamp;
use rustix::fd::OwnedFd;
use rustix::fs::{Access, AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::fs::{accessat, fstat, open, openat, readlinkat, statat};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// How a folder is opened: itself or not at all.
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
/// How a file is: without waiting, for it may be a pipe.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// A folder that is held open: the shared folder, or one in it.
#[derive(Debug)]
pub struct Folder {
    held: OwnedFd,
    shared: PathBuf,
    path: String,
    on: Stat,
}

/// Something in a folder: itself, not what a link points to.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub name: String,
    found: Stat,
}

impl Entry {
    /// Whether it is a folder.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        kind(&self.found) == FileType::Directory
    }

    /// Whether it is an ordinary file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        kind(&self.found) == FileType::RegularFile
    }

    /// Whether it is a link.
    #[must_use]
    pub fn is_link(&self) -> bool {
        kind(&self.found) == FileType::Symlink
    }

    /// Its size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        u64::try_from(self.found.st_size).unwrap_or_default()
    }

    /// When it was written last.
    #[must_use]
    pub fn written(&self) -> Option<Timestamp> {
        let part = i32::try_from(self.found.st_mtime_nsec).ok()?;
        Timestamp::new(self.found.st_mtime, part).ok()
    }
}

/// What a folder holds, by name.
#[derive(Debug, Default)]
pub struct Names {
    all: Vec<(String, FileType)>,
    /// Whether there are more than were asked for.
    pub more: bool,
}

impl Names {
    /// Those of ordinary files.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.of(FileType::RegularFile)
    }

    /// Those of folders.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.of(FileType::Directory)
    }

    fn of(&self, kind: FileType) -> impl Iterator<Item = &str> {
        let all = self.all.iter().filter(move |(_, is)| *is == kind);
        all.map(|(name, _)| name.as_str())
    }
}

fn kind(found: &Stat) -> FileType {
    FileType::from_raw_mode(found.st_mode)
}

impl Folder {
    /// The shared folder. None: it is not there.
    pub fn open(shared: &Path) -> Result<Option<Self>, Fault> {
        let held = match open(shared, FOLDER, Mode::empty()) {
            Ok(held) => held,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(unreadable(shared, error)),
        };
        let on = fstat(&held).map_err(|error| unreadable(shared, error))?;
        Ok(Some(Self {
            held,
            shared: shared.to_owned(),
            path: String::new(),
            on,
        }))
    }

    /// A folder in this one, however deep. None: there is none.
    pub fn below(&self, path: &str) -> Result<Option<Self>, Fault> {
        let mut names = path.split('/').filter(|name| !name.is_empty());
        let Some(first) = names.next() else {
            return self.step(".");
        };
        let mut at = self.step(first)?;
        for name in names {
            let Some(folder) = at else { return Ok(None) };
            at = folder.step(name)?;
        }
        Ok(at)
    }

    /// A folder of this one by its name.
    fn step(&self, name: &str) -> Result<Option<Self>, Fault> {
        let path = match name {
            // It would lead up.
            ".." => return Ok(None),
            "." => self.path.clone(),
            _ => self.path_of(name),
        };
        let whole = || self.shared.join(&path);
        match openat(&self.held, name, FOLDER, Mode::empty()) {
            Ok(held) => {
                let on = fstat(&held).map_err(|error| unreadable(&whole(), error))?;
                let shared = self.shared.clone();
                Ok(Some(Self {
                    held,
                    shared,
                    path,
                    on,
                }))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(match self.obstacle(name, &path) {
                Some(obstacle) => obstacle.here(&self.shared, self.is_writable()),
                None => unreadable(&whole(), error),
            }),
        }
    }

    /// What is by that name in place of a folder.
    fn obstacle(&self, name: &str, path: &str) -> Option<Obstacle> {
        let found = statat(&self.held, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        match kind(&found) {
            FileType::Directory => None,
            FileType::Symlink => {
                let target = readlinkat(&self.held, name, Vec::new()).unwrap_or_default();
                Some(Obstacle::link(path, &target.to_string_lossy()))
            }
            _ => Some(Obstacle::file(path)),
        }
    }

    /// What is in it, as far as names are text. What vanishes meanwhile is not there.
    pub fn entries(&self, most: usize) -> Result<Vec<Entry>, Fault> {
        let failed = |error| unreadable(&self.shared.join(&self.path), error);
        let all = Dir::read_from(&self.held).map_err(failed)?;
        let names =
            all.filter_map(|entry| entry.ok()?.file_name().to_str().ok().map(str::to_owned));
        let names = names.filter(|name| name != "." && name != "..");
        Ok(names
            .take(most)
            .filter_map(|name| self.entry(&name))
            .collect())
    }

    /// The names of what is in it, without a look at each: for folders of any size. The folder
    /// itself says of each whether it is a file or a folder.
    pub fn names(&self, most: usize) -> Result<Names, Fault> {
        let failed = |error| unreadable(&self.shared.join(&self.path), error);
        let all = Dir::read_from(&self.held).map_err(failed)?;
        let mut names = Names::default();
        for entry in all.flatten() {
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if name == "." || name == ".." {
                continue;
            }
            if names.all.len() == most {
                names.more = true;
                break;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => self.entry(name).map(|found| kind(&found.found)),
                known => Some(known),
            };
            names.all.extend(kind.map(|kind| (name.to_owned(), kind)));
        }
        Ok(names)
    }

    /// What is in it by that name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<Entry> {
        let found = statat(&self.held, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let name = name.to_owned();
        Some(Entry { name, found })
    }

    /// Whether a file in it can be read.
    #[must_use]
    pub fn is_readable(&self, name: &str) -> bool {
        openat(&self.held, name, FILE, Mode::empty()).is_ok()
    }

    /// Whether we may remove what is in it.
    fn is_writable(&self) -> bool {
        accessat(&self.held, ".", Access::WRITE_OK, AtFlags::empty()).is_ok()
    }

    /// Counts all that is in it, but nothing that is mounted there.
    pub fn measure(&self, most: u64, size: &mut Size) -> Result<(), Fault> {
        let entries = usize::try_from(most.saturating_sub(size.files)).unwrap_or(usize::MAX);
        for entry in self.entries(entries)? {
            size.files += 1;
            size.bytes += entry.bytes();
            if entry.is_link() {
                size.link(&self.path_of(&entry.name));
            }
            let inside = if entry.is_folder() && size.files < most {
                self.step(&entry.name)?
            } else {
                None
            };
            if let Some(inside) = inside.filter(|inside| inside.on.st_dev == self.on.st_dev) {
                inside.measure(most, size)?;
            }
        }
        Ok(())
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.path)
        }
    }
}

/// How much is in the shared folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Size {
    /// Files, folders and links.
    pub files: u64,
    /// What they take.
    pub bytes: u64,
    /// The first links, by their paths below the shared folder.
    links: Vec<String>,
}

impl Size {
    /// Links that are named.
    const LINKS: usize = 3;

    /// `link PATH` lines and a last one `FILES BYTES`, as the scripts in the node write them.
    #[must_use]
    pub fn said(words: &str) -> Option<Self> {
        let (files, bytes) = words.lines().last()?.trim().split_once(' ')?;
        let mut size = Self {
            files: files.parse().ok()?,
            bytes: bytes.trim().parse().ok()?,
            links: Vec::new(),
        };
        let links = words.lines().filter_map(|line| line.strip_prefix("link "));
        links.for_each(|path| size.link(path));
        Some(size)
    }

    /// One more than are named says that there are more.
    fn link(&mut self, path: &str) {
        if self.links.len() <= Self::LINKS {
            self.links.push(clean::message(path));
        }
    }

    /// Its links by name. None: there are none.
    #[must_use]
    pub fn links(&self) -> Option<String> {
        let named = self.links.iter().take(Self::LINKS);
        let named: Vec<String> = named.map(|path| format!("`{path}`")).collect();
        let more = if self.links.len() > Self::LINKS {
            " and more"
        } else {
            ""
        };
        (!named.is_empty()).then(|| format!("{}{more}", named.join(", ")))
    }
}

fn unreadable(path: &Path, error: Errno) -> Fault {
    let what = format!("Cannot read {}.", clean::message(&path.to_string_lossy()));
    Fault::unable("shared-unreadable", what).why(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn open(path: &Path) -> Folder {
        Folder::open(path).unwrap().unwrap()
    }

    #[test]
    fn a_link_on_the_way_is_named_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::create_dir_all(outside.path().join("job")).unwrap();
        fs::create_dir(folder.path().join("ha")).unwrap();
        symlink(outside.path(), folder.path().join("ha/x")).unwrap();
        fs::write(folder.path().join("file"), "x").unwrap();
        let shared = open(folder.path());
        let fault = shared.below("ha/x/job").unwrap_err();
        let target = outside.path().display();
        assert_eq!(
            fault.what,
            format!("`ha/x` below the lab's shared folder is a link to {target}.")
        );
        let remove = format!("rm {}/ha/x", folder.path().display());
        let hint = flinklab_base::advice::Invocation::default().advise(&fault.hint);
        assert!(hint.contains(&remove), "{hint}");
        let fault = shared.below("file").unwrap_err();
        assert!(fault.what.ends_with("is a file, not a folder."), "{fault}");
        assert!(shared.below("none/x").unwrap().is_none());
        assert!(shared.below("ha/../ha").unwrap().is_none());
        assert!(shared.below("ha//").unwrap().is_some());
        let all = shared.below("ha").unwrap().unwrap().entries(10).unwrap();
        assert!(all.len() == 1 && all[0].is_link());
    }

    #[test]
    fn the_folder_itself_may_be_no_link() {
        let folder = tempfile::tempdir().unwrap();
        symlink(folder.path(), folder.path().join("shared")).unwrap();
        assert!(Folder::open(&folder.path().join("shared")).is_err());
        assert!(Folder::open(&folder.path().join("none")).unwrap().is_none());
    }

    #[test]
    fn what_is_in_it_is_counted_and_its_links_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("big"), [0; 500_000]).unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        for name in ["a/link", "x", "y", "z"] {
            symlink(outside.path(), folder.path().join(name)).unwrap();
        }
        let mut size = Size::default();
        open(folder.path()).measure(100, &mut size).unwrap();
        assert_eq!(size.files, 5);
        assert!(size.bytes < 500_000);
        let links = size.links().unwrap();
        assert!(links.ends_with(" and more"), "{links}");
        assert_eq!(Size::default().links(), None);
    }

    #[test]
    fn what_the_script_says_is_read() {
        let said = Size::said("link a/b\nlink \u{1b}[31mc\n12 3456\n").unwrap();
        assert_eq!((said.files, said.bytes), (12, 3456));
        assert_eq!(said.links().unwrap(), "`a/b`, `c`");
        assert_eq!(Size::said("noise\n0 4096").unwrap().bytes, 4096);
        assert_eq!(Size::said(""), None);
    }
}
