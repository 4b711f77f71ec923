//! A run as its process writes it down while it happens, and as other processes read it: who is about
//! to do what, then what the hand that breaks saw, a line each.

use super::{make_folder, unwritable};
use crate::files;
use crate::home::Home;
use crate::journal::Owner;
use flinklab_base::fault::Fault;
use flinklab_event::{BreakBegun, Event, Happening, RunEvent, RunEventKind};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Mutex;

/// What is about to happen, and who does it.
const BEGUN: &str = "begun.json";
/// What the hand that breaks saw, a line each.
const EVENTS: &str = "events.jsonl";
/// Bytes of one run's lines read at a time.
const LIMIT: u64 = 1024 * 1024;

/// The first file of a run's folder.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    /// The process that breaks.
    pid: u32,
    /// When it started: another process may get its number later.
    #[serde(default)]
    start: String,
    /// What it is about to do.
    begun: BreakBegun,
}

/// Writes down what a break does while it does it.
#[derive(Debug)]
pub(crate) struct Notes {
    home: Home,
    folder: Mutex<Option<PathBuf>>,
}

impl Notes {
    pub(crate) fn new(home: Home) -> Self {
        Self {
            home,
            folder: Mutex::new(None),
        }
    }

    /// Notes one event. A note that cannot be written is no reason not to go on: the run itself is
    /// judged and kept all the same.
    pub(crate) fn note(&self, at: jiff::Timestamp, event: &RunEvent) {
        let mut folder = self
            .folder
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let written = match &event.kind {
            RunEventKind::Begun(begun) => self.begin(begun).map(|path| *folder = Some(path)),
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
        let folder = make_folder(&self.home, &begun.run)?;
        let Owner { pid, start } = Owner::this();
        let begun = Begun {
            pid,
            start,
            begun: begun.clone(),
        };
        let text = serde_json::to_string(&begun)
            .map_err(|error| unwritable(&folder, &std::io::Error::other(error)))?;
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
            files::append(&path)?.write_all(line.as_bytes())
        };
        write().map_err(|error| unwritable(&path, &error))
    }
}

/// Who does what in the run of that name; none while it is being written, or where it is not ours.
pub(super) fn begun(home: &Home, name: &str) -> Option<(Owner, BreakBegun)> {
    let path = home.runs().join(name).join(BEGUN);
    home.plain(&path).ok()?;
    let mut text = String::new();
    let file = fs::File::open(path).ok()?;
    file.take(LIMIT).read_to_string(&mut text).ok()?;
    let Begun { pid, start, begun } = serde_json::from_str(&text).ok()?;
    Some((Owner { pid, start }, begun))
}

/// The whole lines that came since the last look. Whatever they say, they are about this run.
pub(super) fn lines(home: &Home, name: &str, from: &mut u64) -> Vec<RunEventKind> {
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
            Event::Run(event) => Some(event.kind),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_event::Target;
    use flinklab_lab::failure::find;

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
        let noted = |kind: RunEventKind| RunEvent {
            run: Some(name.to_owned()),
            kind,
        };
        let begins = RunEventKind::Begun(Box::new(BreakBegun {
            run: name.to_owned(),
            failure: find("jm-stop").unwrap().clone(),
            target: target(),
        }));
        notes.note(at, &noted(begins));
        let (owner, about) = begun(&home, name).unwrap();
        assert_eq!((owner, about.run.as_str()), (Owner::this(), name));
        let mut from = 0;
        assert_eq!(lines(&home, name, &mut from), []);
        let sent = RunEventKind::Hit(Ok("gone".to_owned()));
        notes.note(at, &noted(sent.clone()));
        assert_eq!(lines(&home, name, &mut from), std::slice::from_ref(&sent));
        assert_eq!(lines(&home, name, &mut from), [], "each line is told once");
        // Half a line waits for its end.
        let path = home.runs().join(name).join(EVENTS);
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"{\"at\":").unwrap();
        assert_eq!(lines(&home, name, &mut from), []);
        assert!(super::super::read(&home, name).is_err());
        assert_eq!(super::super::list(&home).unwrap(), [], "it is not finished");
    }
}
