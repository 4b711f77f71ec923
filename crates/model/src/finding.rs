//! Rows that pages list, as data: which log lines are shown, which checkpoints, moments and
//! commands; and where words are found among them. The view draws the same rows.

use super::logs::Sieve;
use super::{KeptLine, LogShown, Model, Page, rows};
use flinklab_event::LogLine;

impl Model {
    /// Log lines that are shown, newest first: of the chosen pod, of the chosen kind, with the
    /// words of the filter.
    pub fn log_lines(&self) -> impl Iterator<Item = &LogLine> {
        self.shown_lines().map(|kept| &kept.line)
    }

    fn shown_lines(&self) -> impl Iterator<Item = &KeptLine> {
        let mut flink = self.logs.lines.iter().rev().peekable();
        let mut output = self.logs.output.iter().rev().peekable();
        let shown = self.screen.log_shown;
        let all = std::iter::from_fn(move || {
            let printed = match (flink.peek(), output.peek()) {
                (Some(flink), Some(output)) => shown == LogShown::All && output.at > flink.at,
                (None, Some(_)) => shown == LogShown::All,
                (_, None) => false,
            };
            if printed { output.next() } else { flink.next() }
        });
        all.filter(|line| line.fits)
    }

    /// How many lines the log is scrolled back; 0 follows. A line that is dropped leaves its place
    /// to the oldest.
    #[must_use]
    pub fn log_back(&self) -> usize {
        let Some(id) = self.screen.log_line else {
            return 0;
        };
        let mut newer = 0;
        for line in self.shown_lines() {
            if line.id == id {
                return newer;
            }
            newer += 1;
        }
        newer.saturating_sub(1)
    }

    /// Scrolls the log back to a line.
    pub(super) fn set_log_back(&mut self, back: usize) {
        let line = self.shown_lines().nth(back).map(|line| line.id);
        self.screen.log_line = line.filter(|_| back > 0);
    }

    /// After keys and events: rows and lines are where what they are about is, and lines are sifted
    /// by what was typed.
    pub(super) fn settle_screen(&mut self) {
        let screen = &self.screen;
        let sieve = Sieve {
            highlights: screen.log_shown == LogShown::Highlights,
            pod: screen.log_pod.clone(),
            filter: Words::of(&screen.log_filter),
            find: Words::of(&screen.find),
        };
        self.logs.sift(sieve);
        rows::keep(self);
    }

    /// Checkpoints that any witness ever told of, newest first.
    #[must_use]
    pub fn checkpoint_ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.job.checkpoints.keys().copied().collect();
        ids.extend(self.traces.all.keys());
        ids.sort_unstable();
        ids.dedup();
        ids.reverse();
        ids
    }

    /// How many rows the page lists.
    #[must_use]
    pub(super) fn rows(&self) -> usize {
        match self.screen.page {
            Page::Checkpoints => self.checkpoint_ids().len(),
            Page::History => self.moments.list.len(),
            Page::Commands => self.deeds.0.len(),
            Page::Log => self.log_lines().count(),
            Page::Job => self.details.exceptions.len(),
            _ => 0,
        }
    }

    /// Places of rows of the page with the words that are looked for, in order.
    #[must_use]
    pub fn found(&self) -> Vec<usize> {
        let words = Words::of(&self.screen.find);
        if words.none() {
            return Vec::new();
        }
        let places = |texts: &mut dyn Iterator<Item = String>| {
            let texts = texts.enumerate().filter(|(_, text)| words.fit(text));
            texts.map(|(place, _)| place).collect()
        };
        match self.screen.page {
            Page::Log | Page::Dashboard => {
                let lines = self.shown_lines().enumerate();
                let found = lines.filter(|(_, line)| line.found);
                found.map(|(place, _)| place).collect()
            }
            Page::Checkpoints => {
                places(&mut self.checkpoint_ids().into_iter().map(|id| format!("#{id}")))
            }
            Page::Job => places(
                &mut self
                    .details
                    .exceptions
                    .iter()
                    .map(|one| format!("{} {} {}", one.task, one.worker, one.lines.join(" "))),
            ),
            Page::History => places(
                &mut self
                    .moments
                    .list
                    .iter()
                    .rev()
                    .map(|moment| format!("{} {}", moment.who, moment.what)),
            ),
            Page::Commands => places(
                &mut self
                    .deeds
                    .0
                    .iter()
                    .rev()
                    .map(|done| format!("{} {}", done.deed.what, done.deed.command)),
            ),
            _ => Vec::new(),
        }
    }
}

/// Words to look for: all of them, those with a `!` before them not. Upper case counts only where
/// there is some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(Vec<(bool, String)>);

impl Words {
    /// The words of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let words = text
            .split_whitespace()
            .map(|word| match word.strip_prefix('!') {
                Some(word) => (false, word.to_owned()),
                None => (true, word.to_owned()),
            });
        Self(words.filter(|(_, word)| !word.is_empty()).collect())
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a text has them.
    #[must_use]
    pub fn fit(&self, text: &str) -> bool {
        let lower = std::cell::OnceCell::new();
        self.0.iter().all(|(wanted, word)| {
            let exact = word.chars().any(char::is_uppercase);
            let has = match exact {
                true => text.contains(word),
                false => lower.get_or_init(|| text.to_lowercase()).contains(word),
            };
            has == *wanted
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_must_be_there_and_those_with_a_mark_must_not() {
        let fits = |words: &str| Words::of(words).fit("Completed checkpoint 107 for job c506");
        assert!(fits("checkpoint 107"));
        assert!(fits("COMPLETED") != fits("completed"));
        assert!(!fits("checkpoint !completed"));
        assert!(fits("!failed"));
        assert!(fits(" ! "));
        assert!(Words::of("  ").none());
    }
}
