//! Runs as every process that breaks writes them down while they happen, and as the others read
//! them: a break fired from another terminal is shown like one's own. Only names and lines that are
//! ours are read; decides nothing about a run.

use super::{plain_name, read};
use crate::fault::Fault;
use crate::model::{BreakBegun, Event, Happening, RunEvent, RunResult};
use crate::world::beat::beat;
use crate::world::home::Home;
use crate::world::{Events, heal, journal};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

/// What is about to happen, and who does it.
const BEGUN: &str = "begun.json";
/// What the hand that breaks saw, a line each.
const EVENTS: &str = "events.jsonl";
/// Time between two looks at the folders: two calls to the file system while nothing changes.
const LOOK: Duration = Duration::from_millis(500);
/// The same while there is no run to follow.
const IDLE: Duration = Duration::from_secs(1);
/// A folder that changed so short ago may have changed again within the same stamp; and whether the
/// process that broke something still lives, no folder says.
const STALE: Duration = Duration::from_secs(2);
/// Finished runs of earlier sessions that are shown.
const PAST: usize = 100;
/// Runs that go on beside each other; one at a time is usual.
const OPEN: usize = 8;
/// Bytes of one run's lines read at a time.
const LIMIT: u64 = 1024 * 1024;

/// The first file of a run's folder.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    /// The process that breaks.
    pid: u32,
    /// What it is about to do.
    begun: BreakBegun,
}

/// Writes down what a break does while it does it.
#[derive(Debug)]
pub(in crate::world) struct Notes {
    home: Home,
    folder: Mutex<Option<PathBuf>>,
}

impl Notes {
    pub(in crate::world) fn new(home: Home) -> Self {
        Self {
            home,
            folder: Mutex::new(None),
        }
    }

    /// Notes one event. A note that cannot be written is no reason not to go on: the run itself is
    /// judged and kept all the same.
    pub(in crate::world) fn note(&self, at: jiff::Timestamp, event: &RunEvent) {
        let mut folder = self
            .folder
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let written = match event {
            RunEvent::Begun(begun) => self.begin(begun).map(|path| *folder = Some(path)),
            _ => match folder.as_ref() {
                Some(folder) => self.line(folder, at, event),
                None => Ok(()),
            },
        };
        if let Err(fault) = written {
            tracing::warn!(%fault, "a run is not written down while it happens");
        }
    }

    fn begin(&self, begun: &BreakBegun) -> Result<PathBuf, Fault> {
        let folder = super::make_folder(&self.home, &begun.run)?;
        let begun = Begun {
            pid: std::process::id(),
            begun: begun.clone(),
        };
        let text = serde_json::to_string(&begun)
            .map_err(|error| super::unwritable(&folder, &std::io::Error::other(error)))?;
        self.home.replace(&folder.join(BEGUN), text.as_bytes())?;
        Ok(folder)
    }

    fn line(
        &self,
        folder: &std::path::Path,
        at: jiff::Timestamp,
        event: &RunEvent,
    ) -> Result<(), Fault> {
        let path = folder.join(EVENTS);
        self.home.plain(&path)?;
        let happening = Happening {
            at,
            event: Event::Run(event.clone()),
        };
        let write = || -> std::io::Result<()> {
            let mut line = serde_json::to_string(&happening)?;
            line.push('\n');
            let mut file = fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)?;
            file.write_all(line.as_bytes())
        };
        write().map_err(|error| super::unwritable(&path, &error))
    }
}

/// Tells of earlier runs once, then of those that other processes fire, until it is dropped.
pub(in crate::world) async fn follow(home: Home, events: Events) {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let past = super::list(&home).unwrap_or_default();
    known.extend(past.iter().map(|run| run.run.clone()));
    let newest = past.len().saturating_sub(PAST);
    events.send(Event::Past(past[newest..].to_vec())).await;
    let mut open: BTreeMap<String, u64> = BTreeMap::new();
    let mut standing = None;
    let mut folders = Folders::default();
    loop {
        match open.is_empty() {
            true => beat(IDLE).await,
            false => tokio::time::sleep(LOOK).await,
        }
        if open.is_empty() && !folders.changed(&home) {
            continue;
        }
        // Whoever applied something, or took it back: what cannot be read is said by who acts on it.
        let now = heal::standing_in(&home).ok();
        if now.is_some() && now != standing {
            events
                .send(Event::Standing(now.clone().unwrap_or_default()))
                .await;
            standing = now;
        }
        let names = names(&home);
        known.retain(|name| names.contains(name));
        for name in names {
            if known.contains(&name) || open.contains_key(&name) {
                continue;
            }
            match begun(&home, &name) {
                // Being written just now, or not ours to understand.
                None => {}
                Some(begun) if begun.pid == std::process::id() || !journal::runs(begun.pid) => {
                    known.insert(name);
                }
                Some(_) if open.len() >= OPEN => {}
                Some(begun) => {
                    let begun = RunEvent::Elsewhere(Box::new(begun.begun));
                    events.send(Event::Run(begun)).await;
                    open.insert(name, 0);
                }
            }
        }
        let mut over = Vec::new();
        for (name, from) in &mut open {
            for event in lines(&home, name, from) {
                events.send(Event::Run(event)).await;
            }
            if let Some(result) = finished(&home, name) {
                events.send(Event::Saved(Box::new(result))).await;
                over.push(name.clone());
            }
        }
        for name in over {
            open.remove(&name);
            known.insert(name);
        }
    }
}

/// When the folders of the journal and of the runs changed last.
#[derive(Debug, Default)]
struct Folders {
    stamps: [Option<SystemTime>; 2],
    /// When all of it was read last.
    read: Option<Instant>,
}

impl Folders {
    /// Whether there may be something new in them.
    fn changed(&mut self, home: &Home) -> bool {
        let stamp = |path: &Path| fs::symlink_metadata(path).ok()?.modified().ok();
        let stamps = [stamp(&home.journal()), stamp(&home.runs())];
        let fresh = |stamp: &SystemTime| stamp.elapsed().map_or(true, |age| age < STALE);
        let changed = stamps != self.stamps
            || stamps.iter().flatten().any(fresh)
            || self.read.is_none_or(|read| read.elapsed() >= STALE);
        if changed {
            self.stamps = stamps;
            self.read = Some(Instant::now());
        }
        changed
    }
}

/// Folders of runs, by time.
fn names(home: &Home) -> Vec<String> {
    if home.plain(&home.runs()).is_err() {
        return Vec::new();
    }
    let Ok(entries) = fs::read_dir(home.runs()) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| plain_name(name).is_ok()).collect();
    names.sort_unstable();
    names
}

fn begun(home: &Home, name: &str) -> Option<Begun> {
    let path = home.runs().join(name).join(BEGUN);
    home.plain(&path).ok()?;
    let mut text = String::new();
    let file = fs::File::open(path).ok()?;
    file.take(LIMIT).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn finished(home: &Home, name: &str) -> Option<RunResult> {
    read(home, name).ok()
}

/// The whole lines that came since the last look.
fn lines(home: &Home, name: &str, from: &mut u64) -> Vec<RunEvent> {
    let path = home.runs().join(name).join(EVENTS);
    if home.plain(&path).is_err() {
        return Vec::new();
    }
    let read = || -> std::io::Result<String> {
        let mut file = fs::File::open(&path)?;
        file.seek(SeekFrom::Start(*from))?;
        let mut text = String::new();
        file.take(LIMIT).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read().unwrap_or_default();
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    *from += whole as u64;
    let lines = text[..whole].lines();
    lines
        .filter_map(|line| serde_json::from_str::<Happening>(line).ok())
        .filter_map(|happening| match happening.event {
            Event::Run(event) => Some(event),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::failure::find;
    use crate::model::Target;

    fn target() -> Target {
        serde_json::from_value(serde_json::json!({
            "pod": "p", "uid": "u", "role": "jobmanager", "container_name": "c",
            "container": null, "node": null, "epoch": null, "reason": "leads epoch 1",
        }))
        .unwrap()
    }

    #[test]
    fn another_process_reads_what_was_noted_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home {
            folder: folder.path().to_owned(),
            name: "flinklab".to_owned(),
        };
        let notes = Notes::new(home.clone());
        let at = jiff::Timestamp::UNIX_EPOCH;
        let name = "20261124-215759-jm-stop";
        notes.note(
            at,
            &RunEvent::Begun(Box::new(BreakBegun {
                run: name.to_owned(),
                failure: find("jm-stop").unwrap().clone(),
                target: target(),
            })),
        );
        let read = begun(&home, name).unwrap();
        assert_eq!(read.pid, std::process::id());
        assert!(journal::runs(read.pid));
        assert_eq!(read.begun.run, name);
        let mut from = 0;
        assert_eq!(lines(&home, name, &mut from), []);
        let sent = RunEvent::Hit(Ok("gone".to_owned()));
        notes.note(at, &sent);
        assert_eq!(lines(&home, name, &mut from), std::slice::from_ref(&sent));
        assert_eq!(lines(&home, name, &mut from), [], "each line is told once");
        // Half a line waits for its end.
        let path = home.runs().join(name).join(EVENTS);
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"{\"at\":").unwrap();
        assert_eq!(lines(&home, name, &mut from), []);
        assert!(finished(&home, name).is_none());
        assert_eq!(super::super::list(&home).unwrap(), [], "it is not finished");
    }
}
