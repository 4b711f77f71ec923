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

mod reading;
mod recent;
mod secrets;
mod shapes;
mod tokens;
mod writing;

pub use reading::Reading;
pub use recent::Recent;
pub use secrets::Private;
pub use writing::Writer;

use super::{Happening, Origin};
use flinklab_base::fault::Fault;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The version that is written.
pub const VERSION: u32 = 2;
/// Bytes that a line may have: none that is longer is written or read.
pub const LONGEST_LINE: usize = 16 * 1024 * 1024;
/// Bytes that a recording may have before compression: an hour of trouble has some 50 MB.
pub const LARGEST: u64 = 512 * 1024 * 1024;
/// Lines that it may have: as events they are all held at once while they play.
pub const MOST_LINES: u64 = 2_000_000;
/// A recording is at most as long as this: beyond it a stamp is a mistake.
const LONGEST: i64 = 366 * 24 * 3_600 * 1_000_000;

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
            program: flinklab_base::VERSION.to_owned(),
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

/// What a recording has so far: the same bound for whoever writes one and whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Before compression.
    pub bytes: u64,
    /// The header's included.
    pub lines: u64,
}

impl Size {
    /// Adds a line; fails with the bound that it would exceed.
    pub fn add(&mut self, line: &[u8]) -> Result<(), String> {
        self.bytes += line.len() as u64;
        self.lines += 1;
        if self.bytes > LARGEST {
            return Err(format!("it has {LARGEST} bytes, which is the most"));
        }
        if self.lines > MOST_LINES {
            return Err(format!("it has {MOST_LINES} lines, which is the most"));
        }
        Ok(())
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
        let mut reading = Reading::new(name);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !reading.line(line)? {
                break;
            }
        }
        reading.end(None)
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
