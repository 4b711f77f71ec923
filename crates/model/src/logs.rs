//! The merged log of all JobManagers and TaskManagers: bounded by lines and by bytes. What programs
//! print is kept apart from what Flink says: a job that prints a line for each record must not
//! push the story of a failover out.

use super::Words;
use flinklab_event::LogLine;
use std::collections::VecDeque;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Lines that Flink says. More than a screen ever scrolls back in a workshop.
    pub lines: usize,
    /// Lines of programs' output: they come by the hundred a second.
    pub output: usize,
    /// Bytes of all texts, for lines that are very long.
    pub bytes: usize,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            lines: 5000,
            output: 1000,
            bytes: 4 * 1024 * 1024,
        }
    }
}

/// How many lines of other pods a late one may pass.
const REORDER: usize = 400;

/// The newest lines, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Logs {
    /// Flink's own lines.
    pub lines: VecDeque<KeptLine>,
    /// What programs printed.
    pub output: VecDeque<KeptLine>,
    /// How much is kept.
    pub limits: LogLimits,
    /// Bytes of all texts.
    bytes: usize,
    /// How many were dropped at the front so far.
    pub dropped: u64,
    /// How many were numbered so far.
    numbered: u64,
    /// What is shown and looked for.
    sieve: Sieve,
}

/// A line with what was found out about it once, and not for every picture anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLine {
    /// The line.
    pub line: LogLine,
    /// Its number: lines are chosen by it while others come and go.
    pub id: u64,
    /// Whether it is shown, if its kind is.
    pub fits: bool,
    /// Whether it has the words that are looked for.
    pub found: bool,
}

impl std::ops::Deref for KeptLine {
    type Target = LogLine;

    fn deref(&self) -> &LogLine {
        &self.line
    }
}

/// Which lines are shown, and which are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sieve {
    /// Only those that speak about high availability.
    pub highlights: bool,
    /// Only those of one pod.
    pub pod: Option<String>,
    /// Only those with these words.
    pub filter: Words,
    /// Those with these words are found.
    pub find: Words,
}

impl Sieve {
    fn fits(&self, line: &LogLine) -> bool {
        (!self.highlights || line.highlight.is_some())
            && self.pod.as_ref().is_none_or(|pod| *pod == line.pod)
            && self.filter.fit(&line.text)
    }

    fn found(&self, line: &LogLine) -> bool {
        !self.find.none() && self.find.fit(&line.text)
    }
}

impl Logs {
    /// Merges lines of one pod in. They come in batches, so a line may have to go before some of
    /// another pod that came first; far back nobody looks for it any more.
    pub(super) fn add(&mut self, lines: &[LogLine]) {
        for line in lines {
            self.bytes += line.text.len();
            let kept = KeptLine {
                id: self.numbered,
                fits: self.sieve.fits(line),
                found: self.sieve.found(line),
                line: line.clone(),
            };
            self.numbered += 1;
            let lines = if line.is_output() {
                &mut self.output
            } else {
                &mut self.lines
            };
            let later = lines.iter().rev().take(REORDER);
            let later = later.take_while(|known| known.at > line.at).count();
            match later {
                0 => lines.push_back(kept),
                // Older than all that may move: where it is now it is at least among its own.
                REORDER => lines.push_back(kept),
                some => lines.insert(lines.len() - some, kept),
            }
        }
        loop {
            let full = self.bytes > self.limits.bytes;
            let oldest =
                if self.output.len() > self.limits.output || full && !self.output.is_empty() {
                    self.output.pop_front()
                } else if self.lines.len() > self.limits.lines || full {
                    self.lines.pop_front()
                } else {
                    break;
                };
            let Some(line) = oldest else { break };
            self.bytes -= line.text.len();
            self.dropped += 1;
        }
    }

    /// Other lines are shown or looked for.
    pub fn sift(&mut self, sieve: Sieve) {
        if self.sieve == sieve {
            return;
        }
        self.sieve = sieve;
        for kept in self.lines.iter_mut().chain(&mut self.output) {
            kept.fits = self.sieve.fits(&kept.line);
            kept.found = self.sieve.found(&kept.line);
        }
    }
}
