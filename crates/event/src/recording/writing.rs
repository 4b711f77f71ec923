//! Events as lines of a recording: relative times, no secrets, no floods.

use super::secrets::Lines;
use super::{Entry, LONGEST_LINE, Private, microseconds};
use crate::{Event, Happening, LogLine};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What programs print is thinned: so many lines a second of each pod.
const OUTPUT_A_SECOND: u32 = 3;
/// And of what Flink says, so many.
const LINES_A_SECOND: u32 = 200;

/// Turns events into lines: relative times, no secrets, no floods.
#[derive(Debug, Clone)]
pub struct Writer {
    began: Timestamp,
    private: Lines,
    /// Lines of each pod within the present second: what it printed, what Flink said.
    second: (i64, BTreeMap<String, (u32, u32)>),
}

impl Writer {
    /// For a recording that begins then.
    #[must_use]
    pub fn new(began: Timestamp, private: Private) -> Self {
        Self {
            began,
            private: Lines::new(private),
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
            Event::Previous(previous) => {
                let mut private = self.private.afresh();
                let mut previous = previous.clone();
                for line in previous.lines.iter_mut().flatten() {
                    line.text = private.next(&line.pod, &line.text).into_owned();
                }
                serde_json::to_value(Event::Previous(previous))
            }
            event => serde_json::to_value(event),
        };
        let mut event = event.ok()?;
        self.private.redact(&mut event);
        let text = serde_json::to_string(&Entry { us, event }).ok()? + "\n";
        // nobody would read a longer one
        (text.len() <= LONGEST_LINE).then_some(text)
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
            let keeps = *count <= most;
            // what is not kept may open or end a key all the same
            let text = self.private.next(&line.pod, &line.text);
            if keeps {
                let text = text.into_owned();
                let (at, pod, highlight) = (line.at, line.pod.clone(), line.highlight);
                kept.push(LogLine {
                    at,
                    pod,
                    text,
                    highlight,
                });
            }
        }
        kept
    }
}
