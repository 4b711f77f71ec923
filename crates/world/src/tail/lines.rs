//! Bytes of one pod's log into lines: stamps, what is worth a look, and how much is too much.

use super::End;
use crate::clean;
use flinklab_base::clock::Instant;
use flinklab_event::{Highlight, LogLine};
use jiff::Timestamp;
use std::time::Duration;

/// Lines of one pod that are shown of any second: more than anybody reads.
const A_SECOND: u32 = 500;
/// What programs print of any second: a taste of it, whoever wants all looks into the pod's log.
const OUTPUT: u32 = 100;
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
pub(crate) fn highlight(text: &str) -> Option<Highlight> {
    // frames of a stack trace name the same classes, and tell no news
    if text.trim_start().starts_with("at ") {
        return None;
    }
    let found = WORDS.iter().find(|(word, _)| text.contains(word));
    found.map(|(_, highlight)| *highlight)
}

/// Where a logger's line names its level at the latest.
const HEAD: usize = 60;

/// Whether a logger says it, not a program that prints: it begins with its date, as Flink's own
/// layout has it, or names its level soon.
fn is_logged(text: &str) -> bool {
    let bytes = text.as_bytes();
    let dated = bytes.len() > 10 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-';
    let head = &bytes[..bytes.len().min(HEAD)];
    let level = |level: &[u8]| head.windows(level.len()).any(|here| here == level);
    dated || [&b" INFO"[..], b" WARN", b" ERROR"].into_iter().any(level)
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
    /// Lines of this second, of the whole one before, and in all.
    here: u64,
    rate: Option<u64>,
    count: u64,
    shown: u32,
    printed: u32,
    highlighted: u32,
    left_out: u64,
    /// The stamp that was read before us, as the kubelet writes it, and that of the line left out
    /// last.
    before: String,
    last: String,
    /// Whether a whole second was seen.
    full: bool,
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
            here: 0,
            rate: None,
            count: 0,
            shown: 0,
            printed: 0,
            highlighted: 0,
            left_out: 0,
            before: after.map_or_else(String::new, |after| format!("{after:.9}")),
            last: String::new(),
            full: false,
        }
    }

    /// Takes a piece in.
    pub(super) fn take(&mut self, mut bytes: &[u8], now: Instant, batch: &mut Vec<LogLine>) {
        if self.window.is_none() || self.over(now) {
            self.report(batch);
            // The first window has what was there before us.
            self.rate = self.window.map(|_| self.here).filter(|_| self.full);
            self.full |= self.window.is_some();
            self.window = Some(now);
            self.here = 0;
            (self.shown, self.printed, self.highlighted) = (0, 0, 0);
        }
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.partial.is_empty() {
                self.line(line, batch)
            } else {
                self.keep(line);
                let whole = std::mem::take(&mut self.partial);
                self.line(&whole, batch);
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
        // Of one width, stamps compare as text.
        if stamp.len() == self.before.len() && stamp <= self.before.as_str() {
            return;
        }
        self.here += 1;
        self.count += 1;
        // Words are looked for in what a logger says; in what is printed only while that is little.
        let logged = is_logged(text);
        let room = if logged {
            self.shown < A_SECOND
        } else {
            self.printed < OUTPUT
        };
        let highlight = if room || logged {
            highlight(text)
        } else {
            None
        };
        if !room && (highlight.is_none() || self.highlighted >= HIGHLIGHTS) {
            self.any = true;
            self.left_out += 1;
            // It was read, too: the next glance begins after it.
            self.last.clear();
            self.last.push_str(stamp);
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
        match (room, logged) {
            (true, true) => self.shown += 1,
            (true, false) => self.printed += 1,
            (false, _) => self.highlighted += 1,
        }
        batch.push(LogLine {
            at,
            pod: self.pod.clone(),
            text: clean::line(text),
            highlight,
        });
    }

    /// Lines of the last whole second; none before one was seen.
    pub(super) fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// Lines so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether something waits to be sent.
    pub(super) fn pending(&self, batch: &[LogLine]) -> bool {
        !batch.is_empty() || self.left_out > 0
    }

    /// Whether the second is over in which lines were left out.
    pub(super) fn over(&self, now: Instant) -> bool {
        self.window
            .is_some_and(|began| now.saturating_duration_since(began) >= SECOND)
    }

    /// Says how much was left out.
    pub(super) fn report(&mut self, batch: &mut Vec<LogLine>) {
        if self.left_out == 0 {
            return;
        }
        let at = self.newest().unwrap_or_default();
        batch.push(LogLine {
            at,
            pod: self.pod.clone(),
            text: format!("… {} more lines, not shown", self.left_out),
            highlight: None,
        });
        self.left_out = 0;
    }

    /// The newest stamp that was read.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.newest.max(self.last.parse().ok())
    }

    /// How a log ended that came to its end.
    pub(super) fn end(&self) -> End {
        if self.any { End::Some } else { End::Nothing }
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
        text.push_str("2026-11-22T23:07:47.5Z 23:07:47 INFO x was granted leadership with leaderSessionID=1\n");
        let began = std::time::Instant::now();
        let seen = read(&[&text], None);
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(seen.len(), 102);
        assert_eq!(seen[100].highlight, Some(Highlight::Leadership));
        assert_eq!(seen[101].text, "… 99900 more lines, not shown");
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
                "\tat org.apache.flink.kubernetes.shaded.LeaderElector.start(LeaderElector.java:93)",
                None,
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
