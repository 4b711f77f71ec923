//! The lines of a recording as events. It may come from anywhere, and be cut, foreign or hostile.

use super::{Entry, Header, LONGEST, LONGEST_LINE, Recording, Size, VERSION, recorded};
use crate::{Event, Happening, Origin};
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_base::text::{harmless, is_harmless};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::borrow::Cow;

/// A recording that is being read, line by line: of its text one line is held.
#[derive(Debug)]
pub struct Reading {
    name: String,
    header: Option<Header>,
    happenings: Vec<Happening>,
    passed_over: Option<(usize, String)>,
    cut: Option<String>,
    pub(super) size: Size,
    /// The time of the last event, in microseconds.
    last: i64,
}

impl Reading {
    /// Of a recording that the person calls so.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            header: None,
            happenings: Vec::new(),
            passed_over: None,
            cut: None,
            size: Size::default(),
            last: 0,
        }
    }

    /// Takes the next line with its line break, which only the last one lacks. False: the recording
    /// is as long as one may be, and nothing more is taken.
    pub fn line(&mut self, line: &[u8]) -> Result<bool, Fault> {
        if let Err(why) = self.size.add(line) {
            self.cut = Some(why);
            return Ok(false);
        }
        let Some(header) = &self.header else {
            self.header = Some(header(&self.name, line)?);
            return Ok(true);
        };
        let text = line.trim_ascii();
        if text.is_empty() {
            return Ok(true);
        }
        match entry(header, text) {
            Ok(Entry { us, event }) => {
                // time never runs backwards, whatever the file says
                self.last = us.clamp(self.last, LONGEST);
                let since = SignedDuration::from_micros(self.last);
                let at = header.began.checked_add(since).unwrap_or(Timestamp::MAX);
                self.happenings.push(Happening { at, event });
            }
            // what follows the last line break was never finished
            Err(_) if line.last() != Some(&b'\n') && line.len() <= LONGEST_LINE => {
                self.cut = Some("its last line is not whole".to_owned());
            }
            Err(why) => {
                let first = || (0, format!("line {}: {why}", self.size.lines));
                self.passed_over.get_or_insert_with(first).0 += 1;
            }
        }
        Ok(true)
    }

    /// What was read. `damage` is why no more could be, if something is wrong with the file.
    pub fn end(self, damage: Option<String>) -> Result<Recording, Fault> {
        let mut header = match self.header {
            Some(header) => header,
            None => header(&self.name, b"")?,
        };
        let of_lab = self.happenings.iter().find_map(|one| match &one.event {
            Event::Lab(facts) => Some(facts.origin),
            _ => None,
        });
        header.origin = Some(recorded(header.origin.or(of_lab).unwrap_or_default()));
        Ok(Recording {
            header,
            happenings: self.happenings,
            passed_over: self.passed_over,
            cut: damage.or(self.cut),
        })
    }
}

fn header(name: &str, line: &[u8]) -> Result<Header, Fault> {
    let no_recording = |why: String| {
        Fault::wrong(
            "no-recording",
            format!("{name} is not a recording of flinklab."),
        )
        .why(why)
        .hint(advice!(
            "Make one with `flinklab --record FILE`, or see one with `flinklab replay --demo`."
        ))
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
            .hint(advice!(
                "Update flinklab, or ask for the text: `flinklab replay FILE --plain` there."
            )));
        }
        _ => return Err(no_recording("its version is missing".to_owned())),
    }
    serde_json::from_value(value).map_err(|error| no_recording(error.to_string()))
}

fn entry(header: &Header, text: &[u8]) -> Result<Entry<Event>, String> {
    if text.len() > LONGEST_LINE {
        return Err(format!("longer than {LONGEST_LINE} bytes"));
    }
    let read = if header.version == VERSION && is_plain(text) {
        serde_json::from_slice(text)
    } else {
        changed(header.version, text)
    };
    let mut entry: Entry<Event> = read.map_err(|error| error.to_string())?;
    relabel(&mut entry.event);
    Ok(entry)
}

/// A line in which something has to be changed before it is an event.
pub(super) fn changed(version: u32, text: &[u8]) -> serde_json::Result<Entry<Event>> {
    let Entry { us, event } = serde_json::from_slice::<Entry<Value>>(text)?;
    let mut event = upgraded(version, event);
    inert(&mut event);
    let event = serde_json::from_value(event)?;
    Ok(Entry { us, event })
}

/// Whether no string of a line can hold what `inert` would take out: most lines, and they are read
/// in half the time.
pub(super) fn is_plain(line: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(line) else {
        return false;
    };
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('\\') {
        // an escape may stand for any character
        if !after.starts_with(['"', '\\', '/', 'n', 't']) {
            return false;
        }
        rest = &after[1..];
    }
    if text.is_ascii() {
        !text.contains('\u{7f}')
    } else {
        is_harmless(text)
    }
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
    if let Some(known) = key.and_then(flinklab_lab::failure::find)
        && let Ok(value) = serde_json::to_value(known)
    {
        *failure = value;
    }
}

/// Nothing in it steers a terminal or hides: a recording may come from anywhere.
fn inert(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(clean) = harmless(text) {
                *text = clean;
            }
        }
        Value::Array(all) => all.iter_mut().for_each(inert),
        Value::Object(all) => {
            if !all.keys().all(|name| is_harmless(name)) {
                let named = std::mem::take(all).into_iter();
                all.extend(named.map(|(name, one)| (harmless(&name).into_owned(), one)));
            }
            all.values_mut().for_each(inert);
        }
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
