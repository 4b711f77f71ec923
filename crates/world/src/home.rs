//! The instance's own folder: `<home>/<name>/` with its marker and state, made by us and nobody
//! else. Knows paths and the lock; it neither talks to Docker nor deletes what Flink wrote.

mod names;
mod state;

pub use names::valid_name;
pub use state::{
    CheckpointFact, Definition, FORMAT, JobRecord, Maker, NodeRecord, NodeStage, Ports, Source,
    State,
};

use super::Addresses;
use super::files::{self, Privacy, make_folder, remove_but, same_file};
use flinklab_base::fault::Fault;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The marker and state.
const STATE: &str = "lab.json";
/// Held while a command changes the lab.
const LOCK: &str = "lab.lock";
/// What is in a lab's folder beside its marker.
const OWN: &[&str] = &[
    LOCK,
    "shared",
    "journal",
    "runs",
    "lessons.json",
    "notes.sock",
    "kubeconfig",
    "flinklab.log",
    "flinklab.log.1",
    "crash.log",
    "crash.log.1",
];
/// A lab.json above this is not ours: the definition's texts are a few kilobytes.
const STATE_LIMIT: u64 = 16 * 1024 * 1024;

/// One instance's folder. It need not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// `<home>/<name>`.
    pub folder: PathBuf,
    /// The instance's name, which is also the kind cluster's.
    pub name: String,
}

/// Proof that no other process changes this lab. Released when dropped, also by a kill.
#[derive(Debug)]
pub struct Lock {
    // Never read: the operating system releases the lock with it.
    _held: File,
}

impl Home {
    /// The folder of an instance. Touches nothing.
    #[must_use]
    pub fn of(addresses: &Addresses, name: &str) -> Self {
        Self {
            folder: addresses.home.join(name),
            name: name.to_owned(),
        }
    }

    /// Our kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// What pods see below the mount.
    #[must_use]
    pub fn shared(&self) -> PathBuf {
        self.folder.join("shared")
    }

    /// One file per applied failure that needs an undo.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.folder.join("journal")
    }

    /// One folder a run.
    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.folder.join("runs")
    }

    /// Where the terminal that shows the lab tells the one who speaks.
    #[must_use]
    pub fn notes(&self) -> PathBuf {
        self.folder.join("notes.sock")
    }

    /// How far lessons were gone through.
    #[must_use]
    pub fn lessons(&self) -> PathBuf {
        self.folder.join("lessons.json")
    }

    /// The program's own log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("flinklab.log")
    }

    /// The marker and state.
    #[must_use]
    pub fn state_file(&self) -> PathBuf {
        self.folder.join(STATE)
    }

    /// The shared folder as it stands in the node container's binds: absolute, links resolved.
    pub fn bind_source(&self) -> Result<String, Fault> {
        self.plain(&self.shared())?;
        let resolved = fs::canonicalize(self.shared()).map_err(|error| {
            Fault::unable(
                "home-unreadable",
                format!("Cannot read the folder {}.", self.shared().display()),
            )
            .why(error)
        })?;
        resolved.into_os_string().into_string().map_err(|path| {
            Fault::unable(
                "home-not-text",
                format!("The path {} is not UTF-8.", path.to_string_lossy()),
            )
            .why("Docker takes paths as text")
            .hint("Set FLINKLAB_HOME to a folder with a plain name.")
        })
    }

    /// What is written down about the instance. None: there is no such lab.
    pub fn read_state(&self) -> Result<Option<State>, Fault> {
        self.plain(&self.folder)?;
        let path = self.state_file();
        self.plain(&path)?;
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(self.unreadable(&path, &error)),
        };
        let mut text = String::new();
        file.take(STATE_LIMIT)
            .read_to_string(&mut text)
            .map_err(|error| self.unreadable(&path, &error))?;
        let state = State::parse(&text, &path)?;
        if state.name == self.name {
            Ok(Some(state))
        } else {
            Err(Fault::unable(
                "state-foreign",
                format!(
                    "{} belongs to the lab `{}`, not to `{}`.",
                    path.display(),
                    state.name,
                    self.name
                ),
            )
            .why("a lab's folder was renamed or copied")
            .hint(format!(
                "Rename the folder back to `{}`, or use another --name.",
                state.name
            )))
        }
    }

    /// Replaces lab.json in one stroke: after a crash it holds the old text or the new one.
    pub fn write_state(&self, state: &State) -> Result<(), Fault> {
        let mut text = serde_json::to_string_pretty(state).map_err(|error| {
            Fault::new(
                flinklab_base::fault::Kind::Bug,
                "state-unwritable",
                error.to_string(),
            )
        })?;
        text.push('\n');
        self.replace(&self.state_file(), text.as_bytes())
    }

    /// Replaces a file of this folder in one stroke: 0600, on disk before its name says so.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        self.plain(&self.folder)?;
        replace(path, bytes)
    }

    /// Makes the folder and what is in it. One that exists must be ours or empty.
    pub fn create(&self) -> Result<(), Fault> {
        valid_name(&self.name)?;
        let make = |path: &Path, private: Privacy| {
            self.plain(path)?;
            make_folder(path, private).map_err(|error| unwritable(path, error))
        };
        if let Some(home) = self.folder.parent() {
            make_folder(home, Privacy::Private).map_err(|error| unwritable(home, error))?;
        }
        self.refuse_foreign()?;
        make(&self.folder, Privacy::Private)?;
        // Pods reach it through the node's bind mount as 9999; the folder above keeps others out.
        make(&self.shared(), Privacy::Readable)?;
        make(&self.journal(), Privacy::Private)?;
        make(&self.runs(), Privacy::Private)
    }

    /// A folder that has things in it but no marker was not made by us.
    fn refuse_foreign(&self) -> Result<(), Fault> {
        self.plain(&self.folder)?;
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Ok(());
        };
        let names: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        // What a first `up` leaves that was killed before its marker was written.
        let begun = |name: &String| name.starts_with('.') || OWN.contains(&name.as_str());
        if names.iter().any(|name| name == STATE) || names.iter().all(begun) {
            Ok(())
        } else {
            Err(Fault::unable(
                "folder-not-ours",
                format!("The folder {} is not a lab's.", self.folder.display()),
            )
            .why("it holds files, but no lab.json")
            .hint("Use another --name, or move the folder away."))
        }
    }

    /// Takes the lab for this process, or says who has it.
    pub fn lock(&self) -> Result<Lock, Fault> {
        self.lock_for("")
    }

    /// The same, telling others what is done meanwhile.
    pub fn lock_for(&self, doing: &str) -> Result<Lock, Fault> {
        let path = self.folder.join(LOCK);
        self.plain(&self.folder)?;
        self.plain(&path)?;
        loop {
            let mut file = files::new(&path)
                .or_else(|_| OpenOptions::new().read(true).write(true).open(&path))
                .map_err(|error| {
                    Fault::unable(
                        "home-unwritable",
                        format!("Cannot write {}.", path.display()),
                    )
                    .why(error)
                })?;
            if let Err(error) = file.try_lock() {
                let mut holder = String::new();
                let _ = (&file).take(200).read_to_string(&mut holder);
                return Err(match error {
                    fs::TryLockError::WouldBlock => Fault::unable(
                        "lab-busy",
                        format!("Another flinklab works on the lab `{}`.", self.name),
                    )
                    .why(match holder.trim().split_once(' ') {
                        Some((pid, doing)) => format!("process {pid} does: {doing}"),
                        None => format!("process {} holds {}", holder.trim(), path.display()),
                    })
                    .hint("Wait until it is done, or stop it, and run the command again."),
                    fs::TryLockError::Error(error) => {
                        Fault::unable("lock-failed", format!("Cannot lock {}.", path.display()))
                            .why(error)
                    }
                });
            }
            // `down --purge` may have removed the file between our opening and locking it.
            if !same_file(&file, &path) {
                continue;
            }
            let told = file
                .set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| writeln!(file, "{} {doing}", std::process::id()));
            return match told {
                Ok(()) => Ok(Lock { _held: file }),
                Err(error) => Err(self.unreadable(&path, &error)),
            };
        }
    }

    /// Removes what a killed process left half-written. Only with the lock held.
    pub fn sweep(&self) {
        files::sweep(&self.folder, &[STATE, "kubeconfig"]);
    }

    /// Removes the folder once nothing of Flink's is left below it. The lock goes with it.
    pub fn remove(&self, _lock: &Lock) -> Result<(), Fault> {
        self.plain(&self.folder)?;
        if self.read_state()?.is_none() {
            self.refuse_foreign()?;
        }
        // The marker last: what is left of a removal that was broken off is still known as ours.
        let remove = || {
            remove_but(&self.folder, &[STATE, LOCK])?;
            remove_but(&self.folder, &[LOCK])?;
            fs::remove_dir_all(&self.folder)
        };
        remove().map_err(|error| {
            Fault::unable(
                "folder-not-removed",
                format!("Cannot remove {}.", self.folder.display()),
            )
            .why(error)
        })
    }

    /// Nothing of ours is a symbolic link: one would lead our writes out of the folder.
    pub(crate) fn plain(&self, path: &Path) -> Result<(), Fault> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_symlink() => Err(Fault::unable(
                "folder-is-link",
                format!("{} is a symbolic link.", path.display()),
            )
            .why("writing through it would leave the lab's folder")
            .hint("Replace the link by a real folder, or set FLINKLAB_HOME to where it points.")),
            _ => Ok(()),
        }
    }

    fn unreadable(&self, path: &Path, error: &std::io::Error) -> Fault {
        Fault::unable(
            "home-unreadable",
            format!("Cannot read {}.", path.display()),
        )
        .why(error)
    }
}

/// Keeps a file in the home folder beside the labs, in a folder for us alone.
pub(crate) fn keep(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let folder = files::folder_of(path);
    make_folder(folder, Privacy::Private).map_err(|error| unwritable(folder, error))?;
    replace(path, bytes)
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    files::replace(path, bytes, Privacy::Private).map_err(|error| {
        let what = format!("Cannot write {}.", path.display());
        Fault::unable("home-unwritable", what)
            .why(error)
            .hint("Make room or hint the permissions, then run the command again.")
    })
}

/// A folder that cannot be made: mostly for want of a right, else because a file is in its place.
fn unwritable(path: &Path, error: std::io::Error) -> Fault {
    use std::io::ErrorKind::{AlreadyExists, NotADirectory};
    let hint = match error.kind() {
        AlreadyExists | NotADirectory => {
            "A file is where a folder has to be: move it away, or set FLINKLAB_HOME to another folder."
        }
        _ => "Set FLINKLAB_HOME to a folder that you may write to.",
    };
    let what = format!("Cannot make the folder {}.", path.display());
    Fault::unable("home-unwritable", what).why(error).hint(hint)
}

#[cfg(test)]
#[path = "home/tests.rs"]
mod tests;
