//! A recorded session: one line for each event that reached the model, after a line that says what
//! the file is. The same events through the same `update` give the same screens again. Pure text
//! in, events out; where the text comes from is `world`'s business.
//!
//! ```text
//! {"flinklab":"recording","version":2,"program":"0.1.0","began":"2026-11-24T21:00:00Z","size":[80,24]}
//! {"us":41830,"event":{"lab":{…}}}
//! ```
//!
//! `us` is the time since `began` in microseconds. A version changes when the meaning of what was
//! there changes; a new kind of event does not change it: a line that this program does not know
//! is passed over and counted, so that an older program plays what it can of a newer recording.
//! Every older version is read: `upgraded` brings its lines to the present shape.

mod recent;
mod secrets;
mod tokens;

pub use recent::Recent;
pub use secrets::Private;

use super::{Event, Happening, LogLine, Origin};
use crate::fault::Fault;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version that is written.
pub const VERSION: u32 = 2;
/// What is read of one line; a longer one is not ours.
const LONGEST_LINE: usize = 16 * 1024 * 1024;
/// A recording is at most as long as this: beyond it a stamp is a mistake.
const LONGEST: i64 = 366 * 24 * 3_600 * 1_000_000;
/// What programs print is thinned: so many lines a second of each pod.
const OUTPUT_A_SECOND: u32 = 3;
/// And of what Flink says, so many.
const LINES_A_SECOND: u32 = 200;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Always `recording`.
    pub flinklab: String,
    /// Which shape the lines have.
    pub version: u32,
    /// Which program wrote it.
    pub program: String,
    /// What the times of the lines count from.
    pub began: Timestamp,
    /// Columns and rows of the terminal that it was seen in; none where there was none.
    #[serde(default)]
    pub size: Option<(u16, u16)>,
    /// Where it was seen; older recordings leave it to the lab in them. One that was read is never
    /// `Real`: it is a recording then.
    #[serde(default)]
    pub origin: Option<Origin>,
}

impl Header {
    /// The header of a recording that begins then.
    #[must_use]
    pub fn new(began: Timestamp, size: Option<(u16, u16)>, origin: Origin) -> Self {
        Self {
            flinklab: "recording".to_owned(),
            version: VERSION,
            program: env!("FLINKLAB_VERSION").to_owned(),
            began,
            size,
            origin: Some(origin),
        }
    }

    /// As a line of the file.
    #[must_use]
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// One event as it is read and written.
#[derive(Serialize, Deserialize)]
struct Entry<T> {
    us: i64,
    event: T,
}

/// Turns events into lines: relative times, no secrets, no floods.
#[derive(Debug, Clone)]
pub struct Writer {
    began: Timestamp,
    private: Private,
    /// Lines of each pod within the present second: what it printed, what Flink said.
    second: (i64, BTreeMap<String, (u32, u32)>),
}

impl Writer {
    /// For a recording that begins then.
    #[must_use]
    pub fn new(began: Timestamp, private: Private) -> Self {
        Self {
            began,
            private,
            second: (0, BTreeMap::new()),
        }
    }

    /// The line of an event; none where nothing of it is kept.
    pub fn line(&mut self, happening: &Happening) -> Option<String> {
        let us = microseconds(happening.at.duration_since(self.began)).max(0);
        let event = match &happening.event {
            Event::Log(lines) => {
                let kept = self.thinned(us, lines);
                if kept.is_empty() {
                    return None;
                }
                serde_json::to_value(Event::Log(kept))
            }
            event => serde_json::to_value(event),
        };
        let mut event = event.ok()?;
        self.private.leave_out(&mut event);
        let entry = Entry { us, event };
        serde_json::to_string(&entry).ok().map(|text| text + "\n")
    }

    /// A job that prints a line for each record must not fill the disk.
    fn thinned(&mut self, us: i64, lines: &[LogLine]) -> Vec<LogLine> {
        let second = us / 1_000_000;
        if self.second.0 != second {
            self.second = (second, BTreeMap::new());
        }
        let counts = &mut self.second.1;
        let mut kept = Vec::new();
        for line in lines {
            let (output, said) = counts.entry(line.pod.clone()).or_default();
            let (count, most) = if line.is_output() {
                (output, OUTPUT_A_SECOND)
            } else {
                (said, LINES_A_SECOND)
            };
            *count += 1;
            if *count <= most {
                kept.push(line.clone());
            }
        }
        kept
    }
}

/// A recording that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Its first line.
    pub header: Header,
    /// All that was understood, in order of time.
    pub happenings: Vec<Happening>,
    /// Lines that were not understood: how many, and the first with its reason.
    pub passed_over: Option<(usize, String)>,
    /// Why it ends early, if it does.
    pub cut: Option<String>,
}

impl Recording {
    /// Reads a recording from its text. `name` is what the person calls it.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Fault> {
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let mut header = header(name, lines.next().unwrap_or_default())?;
        let mut happenings: Vec<Happening> = Vec::new();
        let mut passed_over: Option<(usize, String)> = None;
        let mut cut = None;
        let mut last = 0;
        for (number, line) in lines.enumerate() {
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            match entry(&header, text) {
                Ok(Entry { us, event }) => {
                    // time never runs backwards, whatever the file says
                    last = us.clamp(last, LONGEST);
                    let since = SignedDuration::from_micros(last);
                    let at = header.began.checked_add(since).unwrap_or(Timestamp::MAX);
                    happenings.push(Happening { at, event });
                }
                // what follows the last line break was never finished
                Err(_) if line.last() != Some(&b'\n') => {
                    cut = Some("its last line is not whole".to_owned());
                }
                Err(why) => {
                    // the header is line 1
                    let first = || (0, format!("line {}: {why}", number + 2));
                    passed_over.get_or_insert_with(first).0 += 1;
                }
            }
        }
        let of_lab = happenings.iter().find_map(|one| match &one.event {
            Event::Lab(facts) => Some(facts.origin),
            _ => None,
        });
        header.origin = Some(recorded(header.origin.or(of_lab).unwrap_or_default()));
        Ok(Self {
            header,
            happenings,
            passed_over,
            cut,
        })
    }

    /// How long it is, in microseconds.
    #[must_use]
    pub fn length(&self) -> i64 {
        self.happenings.last().map_or(0, |last| self.since(last.at))
    }

    /// How long after its begin that is, in microseconds.
    #[must_use]
    pub fn since(&self, at: Timestamp) -> i64 {
        microseconds(at.duration_since(self.header.began))
    }

    /// What a person should know before it plays.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if let Some((count, first)) = &self.passed_over {
            let lines = if *count == 1 {
                "line was"
            } else {
                "lines were"
            };
            remarks.push(format!(
                "{count} {lines} not understood and left out ({first})"
            ));
        }
        if let Some(why) = &self.cut {
            remarks.push(format!("the recording was cut: {why}"));
        }
        remarks
    }
}

fn microseconds(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn header(name: &str, line: &[u8]) -> Result<Header, Fault> {
    let no_recording = |why: String| {
        Fault::wrong(
            "no-recording",
            format!("{name} is not a recording of flinklab."),
        )
        .why(why)
        .mend("Make one with `flinklab --record FILE`, or see one with `flinklab replay --demo`.")
        .at(name, 1, 0)
    };
    if line.trim_ascii().is_empty() {
        return Err(no_recording("it is empty".to_owned()));
    }
    let value: Value = serde_json::from_slice(line.get(..LONGEST_LINE).unwrap_or(line))
        .map_err(|error| no_recording(format!("its first line is no JSON: {error}")))?;
    if value.get("flinklab").and_then(Value::as_str) != Some("recording") {
        let why = "its first line does not say \"flinklab\":\"recording\"";
        return Err(no_recording(why.to_owned()));
    }
    let version = value.get("version").and_then(Value::as_u64);
    match version {
        Some(1..) if version <= Some(u64::from(VERSION)) => {}
        Some(newer @ 1..) => {
            let program = value.get("program").and_then(Value::as_str);
            let program: String = program.unwrap_or("a newer one").chars().take(40).collect();
            return Err(Fault::wrong(
                "recording-too-new",
                format!("{name} was made by a newer flinklab ({program})."),
            )
            .why(format!(
                "it has format {newer}; this one reads up to {VERSION}"
            ))
            .mend("Update flinklab, or ask for the text: `flinklab replay FILE --plain` there."));
        }
        _ => return Err(no_recording("its version is missing".to_owned())),
    }
    serde_json::from_value(value).map_err(|error| no_recording(error.to_string()))
}

fn entry(header: &Header, text: &[u8]) -> Result<Entry<Event>, String> {
    if text.len() > LONGEST_LINE {
        return Err(format!("longer than {LONGEST_LINE} bytes"));
    }
    let read = match header.version == VERSION && harmless(text) {
        true => serde_json::from_slice(text),
        false => changed(header.version, text),
    };
    let mut entry: Entry<Event> = read.map_err(|error| error.to_string())?;
    relabel(&mut entry.event);
    Ok(entry)
}

/// A line in which something has to be changed before it is an event.
fn changed(version: u32, text: &[u8]) -> serde_json::Result<Entry<Event>> {
    let Entry { us, event } = serde_json::from_slice::<Entry<Value>>(text)?;
    let mut event = upgraded(version, event);
    inert(&mut event);
    let event = serde_json::from_value(event)?;
    Ok(Entry { us, event })
}

/// Whether no string of a line can hold a control character that `inert` would take out: most lines,
/// and they are read in half the time.
fn harmless(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let kept = match byte {
            b'\\' => matches!(bytes.next(), Some(b'"' | b'\\' | b'/' | b'n' | b't')),
            // the first byte of U+0080 to U+00BF: the lower half of them are control characters
            0x7f | 0xc2 => false,
            _ => true,
        };
        if !kept {
            return false;
        }
    }
    true
}

/// A line of an older version in the present shape, one step for each version that changed it.
fn upgraded(version: u32, mut event: Value) -> Value {
    if version < 2 {
        // failures said less about themselves: the catalogue still knows each by its key
        match event.get_mut("failures") {
            Some(Value::Array(failures)) => failures.iter_mut().for_each(renewed),
            _ => {
                if let Some(failure) = event.pointer_mut("/run/begun/failure") {
                    renewed(failure);
                }
            }
        }
    }
    event
}

/// A failure as the catalogue has it now; one of a lab's own stays as it is.
fn renewed(failure: &mut Value) {
    let key = failure.get("key").and_then(Value::as_str);
    if let Some(known) = key.and_then(crate::failure::find)
        && let Ok(value) = serde_json::to_value(known)
    {
        *failure = value;
    }
}

/// Control characters do nothing here: a recording may come from anywhere.
fn inert(value: &mut Value) {
    match value {
        Value::String(text) => {
            let harmless = |c: char| !c.is_control() || c == '\n' || c == '\t';
            if !text.chars().all(harmless) {
                text.retain(harmless);
            }
        }
        Value::Array(all) => all.iter_mut().for_each(inert),
        Value::Object(all) => all.values_mut().for_each(inert),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What was real is a recording now; what was simulated stays so.
fn relabel(event: &mut Event) {
    let origins: Vec<&mut Origin> = match event {
        Event::Lab(facts) => vec![&mut facts.origin],
        Event::Saved(result) => vec![&mut result.origin],
        Event::Past(runs) => runs.iter_mut().map(|run| &mut run.origin).collect(),
        _ => return,
    };
    for origin in origins {
        *origin = recorded(*origin);
    }
}

const fn recorded(origin: Origin) -> Origin {
    match origin {
        Origin::Real | Origin::Recorded => Origin::Recorded,
        Origin::Simulated => Origin::Simulated,
    }
}

impl Recording {
    /// Where it was seen.
    #[must_use]
    pub fn origin(&self) -> Origin {
        recorded(self.header.origin.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
