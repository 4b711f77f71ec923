//! Bytes of one pod's log into lines: stamps, what is worth a look, and how much is too much.

use super::End;
use crate::model::{Highlight, LogLine};
use crate::world::clean;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// Lines of one pod that are shown of any second: more than anybody reads.
const A_SECOND: u32 = 500;
/// Lines about high availability that are shown of any second beyond that.
const HIGHLIGHTS: u32 = 100;
/// Bytes of a line that are looked at; the rest is skipped.
const LINE: usize = 16 * 1024;
const SECOND: Duration = Duration::from_secs(1);

/// What Flink says about high availability, from 1.15 to 2.3. The first that fits counts.
const WORDS: &[(&str, Highlight)] = &[
    ("leaderSessionID", Highlight::Leadership),
    ("eadership", Highlight::Leadership),
    ("LeaderElect", Highlight::Leadership),
    ("leader election", Highlight::Leadership),
    ("New leader", Highlight::Leadership),
    ("lock identity", Highlight::Leadership),
    ("switched from state", Highlight::Recovery),
    ("Restoring job", Highlight::Recovery),
    ("restored from", Highlight::Recovery),
    ("Recover", Highlight::Recovery),
    ("recovered", Highlight::Recovery),
    ("Restarting", Highlight::Recovery),
    ("Completed checkpoint", Highlight::Checkpoint),
    ("checkpoint failure", Highlight::Error),
    ("Failed to trigger", Highlight::Error),
    ("Decline checkpoint", Highlight::Error),
    ("expired before completing", Highlight::Error),
    (" ERROR ", Highlight::Error),
    ("FATAL", Highlight::Error),
];

/// Why a line is worth a look, if it is.
pub(in crate::world) fn highlight(text: &str) -> Option<Highlight> {
    let found = WORDS.iter().find(|(word, _)| text.contains(word));
    found.map(|(_, highlight)| *highlight)
}

/// The state between two pieces of a log.
pub(super) struct Lines {
    pod: String,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// Lines up to this stamp were read before.
    after: Option<Timestamp>,
    newest: Option<Timestamp>,
    any: bool,
    window: Option<Instant>,
    shown: u32,
    highlighted: u32,
    left_out: u64,
}

impl Lines {
    pub(super) fn after(pod: String, after: Option<Timestamp>) -> Self {
        Self {
            pod,
            partial: Vec::new(),
            after,
            newest: after,
            any: false,
            window: None,
            shown: 0,
            highlighted: 0,
            left_out: 0,
        }
    }

    /// Takes a piece in.
    pub(super) fn take(&mut self, mut bytes: &[u8], now: Instant, batch: &mut Vec<LogLine>) {
        if self.window.is_none() || self.over(now) {
            self.report(batch);
            self.window = Some(now);
            (self.shown, self.highlighted) = (0, 0);
        }
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            match self.partial.is_empty() {
                true => self.line(line, batch),
                false => {
                    self.keep(line);
                    let whole = std::mem::take(&mut self.partial);
                    self.line(&whole, batch);
                }
            }
        }
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE.saturating_sub(self.partial.len());
        self.partial
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn line(&mut self, bytes: &[u8], batch: &mut Vec<LogLine>) {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LINE)]);
        // Without a stamp it is the kubelet's own remark, not the pod's.
        let Some((stamp, text)) = text.split_once(' ') else {
            return;
        };
        let room = self.shown < A_SECOND;
        let highlight = highlight(text);
        if !room && (highlight.is_none() || self.highlighted >= HIGHLIGHTS) {
            self.any = true;
            self.left_out += 1;
            return;
        }
        let Ok(at) = stamp.parse::<Timestamp>() else {
            return;
        };
        if self.after.is_some_and(|after| at <= after) {
            return;
        }
        self.any = true;
        self.newest = self.newest.max(Some(at));
        match room {
            true => self.shown += 1,
            false => self.highlighted += 1,
        }
        batch.push(LogLine {
            at,
            pod: self.pod.clone(),
            text: clean::line(text),
            highlight,
        });
    }

    /// Whether something waits to be sent.
    pub(super) fn pending(&self, batch: &[LogLine]) -> bool {
        !batch.is_empty() || self.left_out > 0
    }

    /// Whether the second is over in which lines were left out.
    pub(super) fn over(&self, now: Instant) -> bool {
        self.window
            .is_some_and(|began| now.duration_since(began) >= SECOND)
    }

    /// Says how much was left out.
    pub(super) fn report(&mut self, batch: &mut Vec<LogLine>) {
        if self.left_out == 0 {
            return;
        }
        let at = self.newest.unwrap_or_default();
        batch.push(LogLine {
            at,
            pod: self.pod.clone(),
            text: format!("… {} more lines in this second, not shown", self.left_out),
            highlight: None,
        });
        self.left_out = 0;
    }

    /// The newest stamp that was read.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// How a log ended that came to its end.
    pub(super) fn end(&self) -> End {
        match self.any {
            true => End::Some,
            false => End::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(pieces: &[&str], after: Option<&str>) -> Vec<LogLine> {
        let mut lines = Lines::after("jm".into(), after.map(|at| at.parse().unwrap()));
        let mut batch = Vec::new();
        let now = Instant::now();
        for piece in pieces {
            lines.take(piece.as_bytes(), now, &mut batch);
        }
        lines.report(&mut batch);
        batch
    }

    #[test]
    fn lines_are_whole_whatever_the_pieces() {
        let seen = read(
            &[
                "2026-11-22T23:07:47.066986915Z a",
                "b\n2026-11-22T23:07:",
                "48Z c\n",
            ],
            None,
        );
        let texts: Vec<&str> = seen.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["ab", "c"]);
        assert_eq!(seen[0].at.to_string(), "2026-11-22T23:07:47.066986915Z");
    }

    #[test]
    fn what_was_read_before_is_not_read_again() {
        let text = "2026-11-22T23:07:47.1Z a\n2026-11-22T23:07:47.2Z b\n2026-11-22T23:07:47.3Z c\n";
        let seen = read(&[text], Some("2026-11-22T23:07:47.2Z"));
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].text, "c");
    }

    #[test]
    fn a_flood_is_counted_and_does_not_drown_what_matters() {
        let mut text = String::new();
        for n in 0..100_000 {
            text.push_str(&format!("2026-11-22T23:07:47.0Z line {n}\n"));
        }
        text.push_str("2026-11-22T23:07:47.5Z x was granted leadership with leaderSessionID=1\n");
        let began = std::time::Instant::now();
        let seen = read(&[&text], None);
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(seen.len(), 502);
        assert_eq!(seen[500].highlight, Some(Highlight::Leadership));
        assert_eq!(
            seen[501].text,
            "… 99500 more lines in this second, not shown"
        );
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let mut lines = Lines::after("jm".into(), None);
        let mut batch = Vec::new();
        for _ in 0..1000 {
            lines.take(&[b'x'; 8192], Instant::now(), &mut batch);
        }
        assert!(lines.partial.capacity() <= 2 * LINE);
        assert!(batch.is_empty());
    }

    #[test]
    fn flinks_words_are_known() {
        for (text, expected) in [
            (
                "Completed checkpoint 255 for job fef4 (11525 bytes",
                Some(Highlight::Checkpoint),
            ),
            (
                "Job State machine job (fef4) switched from state RUNNING to RESTARTING.",
                Some(Highlight::Recovery),
            ),
            (
                "Restoring job fef4 from Checkpoint 9 @ 1 for fef4 located at file:/x.",
                Some(Highlight::Recovery),
            ),
            (
                "http://0.0.0.0:8081 was granted leadership with leaderSessionID=fcd9",
                Some(Highlight::Leadership),
            ),
            (
                "2026-11-22 23:07:47,066 ERROR org.apache.flink.runtime.entrypoint",
                Some(Highlight::Error),
            ),
            (
                "Marking checkpoint 255 as completed for source Source: Events",
                None,
            ),
        ] {
            assert_eq!(highlight(text), expected, "{text}");
        }
    }
}
