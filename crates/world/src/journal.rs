//! What is applied and not yet taken back: one file a failure, written and synced before it is
//! applied. An entry holds its undo in full, so that any later process can carry it out, and who
//! applied it, so that nobody undoes what is still wanted. Acts on nothing; what an act does is said by
//! its verb.

mod claim;
mod owner;

pub use claim::claimed;
pub use owner::Owner;

use super::files;
use super::home::Home;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use flinklab_verb::Act;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The version of the files' format.
const FORMAT: u32 = 1;
/// An entry above this is not ours: a config map has at most 1 MiB.
const LIMIT: u64 = 4 * 1024 * 1024;

/// One failure that is applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of this format.
    pub format: u32,
    /// The run's name.
    pub run: String,
    /// The failure's key.
    pub failure: String,
    /// What is broken, for a person.
    pub what: String,
    /// Who applied it.
    pub owner: Owner,
    /// When it was written.
    pub since: Timestamp,
    /// When its owner will have undone it.
    pub deadline: Timestamp,
    /// What takes it back, in this order. Doing it twice does no harm.
    pub undo: Vec<Act>,
}

impl Entry {
    /// An entry of this process.
    #[must_use]
    pub fn new(run: &str, failure: &str, what: String, lasts: jiff::SignedDuration) -> Self {
        let since = clock::now();
        Self {
            format: FORMAT,
            run: run.to_owned(),
            failure: failure.to_owned(),
            what,
            owner: Owner::this(),
            since,
            deadline: since.saturating_add(lasts).unwrap_or(Timestamp::MAX),
            undo: Vec::new(),
        }
    }
}

fn file(home: &Home, run: &str) -> PathBuf {
    home.journal().join(format!("{run}.json"))
}

fn stop_file(home: &Home, run: &str) -> PathBuf {
    home.journal().join(format!("{run}.stop"))
}

/// Writes an entry: it is on disk when this returns.
pub fn write(home: &Home, entry: &Entry) -> Result<(), Fault> {
    let folder = home.journal();
    home.plain(&folder)?;
    let unwritable = |why: String| {
        Fault::unable(
            "journal-unwritable",
            format!("Cannot write {}.", folder.display()),
        )
        .why(why)
        .hint("Nothing was broken. Make room or hint the permissions, then run the command again.")
    };
    files::add_folder(&folder).map_err(|error| unwritable(error.to_string()))?;
    let mut text =
        serde_json::to_string_pretty(entry).map_err(|error| unwritable(error.to_string()))?;
    text.push('\n');
    home.replace(&file(home, &entry.run), text.as_bytes())
}

/// All entries, the newest first.
pub fn list(home: &Home) -> Result<Vec<Entry>, Fault> {
    let mut entries = Vec::new();
    for (name, path) in files(home)? {
        entries.extend(read(home, &name, &path)?);
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.since));
    Ok(entries)
}

/// The entries that can be read, the newest first; the others are moved out of the way under a name
/// that tells. For a removal only: what they speak of goes with the cluster.
pub fn list_readable(home: &Home) -> Result<Vec<Entry>, Fault> {
    let mut entries = Vec::new();
    for (name, path) in files(home)? {
        match read(home, &name, &path) {
            Ok(entry) => entries.extend(entry),
            Err(fault) => {
                tracing::warn!(%fault, "left out");
                let aside = path.with_file_name(format!("{name}.unreadable"));
                if let Err(error) = fs::rename(&path, aside) {
                    tracing::warn!("{} stays: {error}", path.display());
                }
            }
        }
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.since));
    Ok(entries)
}

/// Names and places of all entries.
fn files(home: &Home) -> Result<Vec<(String, PathBuf)>, Fault> {
    let folder = home.journal();
    home.plain(&home.folder)?;
    home.plain(&folder)?;
    let found = match fs::read_dir(&folder) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(&folder, &error.to_string())),
    };
    let named = found.flatten().map(|one| {
        let name = one.file_name().to_string_lossy().into_owned();
        (name, one.path())
    });
    Ok(named
        .filter(|(name, _)| !name.starts_with('.') && name.ends_with(".json"))
        .collect())
}

/// One entry. None: its owner has just undone it.
fn read(home: &Home, name: &str, path: &Path) -> Result<Option<Entry>, Fault> {
    home.plain(path)?;
    let mut text = String::new();
    let read =
        fs::File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text).map(drop));
    match read {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error.to_string())),
    }
    let entry: Entry =
        serde_json::from_str(&text).map_err(|error| unreadable(path, &error.to_string()))?;
    if entry.format == FORMAT && format!("{}.json", entry.run) == name {
        Ok(Some(entry))
    } else {
        Err(unreadable(path, "it was not written by this version"))
    }
}

fn unreadable(path: &Path, why: &str) -> Fault {
    Fault::unable(
        "journal-unreadable",
        format!("Cannot read {}.", path.display()),
    )
    .why(why)
    .hint(advice!("It tells what is still broken in the lab: undo that by hand and remove the file, or run `flinklab down` and `flinklab up`."))
}

/// Takes an entry out, once it is undone.
pub fn remove(home: &Home, run: &str) -> Result<(), Fault> {
    for path in [
        file(home, run),
        stop_file(home, run),
        claim::file(home, run),
    ] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(unreadable(&path, &error.to_string()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether an entry is still there.
#[must_use]
pub fn is_there(home: &Home, run: &str) -> bool {
    file(home, run).exists()
}

/// Asks the owner of an entry to undo it now.
pub fn ask_to_stop(home: &Home, run: &str) -> Result<(), Fault> {
    home.replace(&stop_file(home, run), b"stop\n")
}

/// Whether somebody asks to undo an entry now.
#[must_use]
pub fn is_asked_to_stop(home: &Home, run: &str) -> bool {
    stop_file(home, run).exists()
}

#[cfg(test)]
mod tests;
