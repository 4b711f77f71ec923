//! The statement about the state itself, where the lab's job can prove it: each number was counted
//! once. What the keys remember tells of gaps and of numbers counted twice; but a job that lost
//! its state together with its position is consistent with itself, and is told by what had been
//! counted before: no less than the newest completed checkpoint held may come back, and what had been
//! counted after it must be reached again.

use super::super::Run;
use super::{Finding, Word, unknown};
use flinklab_event::Count;
use flinklab_lab::failure::Verdict;

impl Run {
    /// None where nothing of the job could prove it.
    pub(super) fn exact(&self, word: Word) -> Option<Finding> {
        self.before.exact.then(|| self.counted_once(word))
    }

    fn counted_once(&self, word: Word) -> Finding {
        let Some(sent) = self.seen.sent.as_ref().map(|sent| sent.at) else {
            return unknown("nothing was sent");
        };
        let Some(before) = &self.before.count else {
            return unknown("what was counted before the break was not seen");
        };
        let since = self.seen.counts.iter().filter(|count| count.at > sent);
        let since: Vec<&Count> = since.collect();
        if let Some(words) = came_back_short(before, &since) {
            return (Verdict::Fail, words);
        }
        if let Some(words) = before.wrong() {
            return unknown(format!("it was not so before the break already: {words}"));
        }
        if let Some(words) = since.iter().find_map(|count| count.wrong()) {
            return (Verdict::Fail, words);
        }
        let over = self.over();
        let Some(last) = since.last().copied() else {
            return unknown("the job has not said since what it counted");
        };
        let most = since.iter().map(|count| count.counted).max();
        let most = most.max(Some(before.counted)).unwrap_or_default();
        if over.is_none_or(|over| last.at < over) || !last.is_whole() {
            return unknown(match word {
                Word::Open => format!("{} numbers counted, each once so far", last.counted),
                Word::Last => "what was counted in the end was not seen of every key".to_owned(),
            });
        }
        let again = (last.restored, last.began) != (before.restored, before.began);
        if !again && self.will_restart() && last.began < before.checkpointed {
            return if self.began_from_nothing() {
                (
                    Verdict::Fail,
                    format!(
                        "the job started from nothing, but a completed checkpoint held {}",
                        before.checkpointed
                    ),
                )
            } else {
                unknown("the job does not say with what it began again")
            };
        }
        if again && last.began < before.checkpointed {
            return (Verdict::Fail, short(before.checkpointed, before, last));
        }
        if last.counted < most {
            return unknown(format!(
                "{} numbers counted, each once; {most} had been counted before",
                last.counted
            ));
        }
        (Verdict::Pass, proven(before, last))
    }
}

/// Less came back than a completed checkpoint held. Counts of every restart since are looked at: a
/// later one has to hold what the checkpoints between them did.
fn came_back_short(before: &Count, since: &[&Count]) -> Option<String> {
    let mut least = before.checkpointed;
    for count in since {
        if count.counted < least {
            return Some(short(least, before, count));
        }
        least = least.max(count.checkpointed);
    }
    None
}

fn short(least: u64, before: &Count, count: &Count) -> String {
    let from = match count.restored {
        Some(id) => format!("from checkpoint {id}"),
        None => "from nothing".to_owned(),
    };
    format!(
        "the job began again {from} with {} numbers counted, but a completed checkpoint held \
         {least}; at least {} had been counted before the break",
        count.began, before.counted
    )
}

fn proven(before: &Count, last: &Count) -> String {
    let way = match last.restored {
        Some(id) if (last.restored, last.began) != (before.restored, before.began) => {
            format!(
                "at least {} before the break, {} came back with checkpoint {id}",
                before.counted, last.began
            )
        }
        _ => format!(
            "at least {} before the break, and it ran on",
            before.counted
        ),
    };
    format!(
        "{} numbers counted, each once: no gap, no duplicate; {way}",
        last.counted
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_a_completed_checkpoint_held_must_come_back() {
        let before = Count::whole(1000, 900, None);
        let good = Count::whole(950, 940, Some((7, 940)));
        assert_eq!(came_back_short(&before, &[&good]), None);
        let nothing = Count::whole(3, 0, None);
        let words = came_back_short(&before, &[&nothing]).unwrap();
        assert!(words.contains("from nothing with 0"), "{words}");
        assert!(words.contains("held 900"), "{words}");
    }

    #[test]
    fn a_later_restart_is_held_against_the_checkpoints_in_between() {
        let before = Count::whole(1000, 900, None);
        let first = Count::whole(1300, 1250, Some((7, 940)));
        let older = Count::whole(1000, 940, Some((7, 940)));
        let words = came_back_short(&before, &[&first, &older]).unwrap();
        assert!(words.contains("held 1250"), "{words}");
    }
}
