//! What a job that can prove that its state is exact says about it: one look at the metric of all
//! of its tasks, added up. Draws no conclusions, those are in `judge::exact`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What such a job has counted. All tasks said so after the same restart, or the older one of two
/// moments is what `at` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Of which job.
    pub job: String,
    /// When it was true of every task: the oldest of their stamps, by their own clock.
    pub at: Timestamp,
    /// The checkpoint with whose state they began; none where they began from nothing.
    #[serde(default)]
    pub restored: Option<u64>,
    /// Numbers that had been counted in the state with which they began.
    pub began: u64,
    /// Numbers counted in their state now.
    pub counted: u64,
    /// Numbers counted in the newest checkpoint that is known to them to be complete.
    pub checkpointed: u64,
    /// Keys whose state was looked at since they began, and how many there are.
    pub keys: (u64, u64),
    /// Numbers that the states of these keys hold as counted.
    pub held: u64,
    /// Numbers that there are up to the last one of each of these keys.
    pub due: u64,
    /// Numbers that were left out, by these keys.
    pub gaps: u64,
    /// Numbers that were counted again, by these keys.
    pub duplicates: u64,
}

impl Count {
    /// The state of every key was looked at: what the keys say is true of the whole state.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.keys.0 == self.keys.1 && self.keys.1 > 0
    }

    /// What is wrong in the states that were looked at; none if nothing is.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        if self.gaps > 0 || self.duplicates > 0 {
            return Some(format!(
                "{} and {}",
                plural(self.gaps, "number was left out", "numbers were left out"),
                plural(self.duplicates, "was counted twice", "were counted twice")
            ));
        }
        let same = self.held == self.due && self.held == self.counted;
        (self.is_whole() && !same).then(|| {
            format!(
                "the keys hold {} numbers of {} up to their last ones, and {} were counted",
                self.held, self.due, self.counted
            )
        })
    }
}

fn plural(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

impl Count {
    /// Of a job that lost nothing: counted, of them in a checkpoint, and the checkpoint with the
    /// numbers that it began again from. For tests, here and in the judge.
    #[doc(hidden)]
    #[must_use]
    pub fn whole(counted: u64, checkpointed: u64, from: Option<(u64, u64)>) -> Self {
        Self {
            job: "a".into(),
            at: Timestamp::UNIX_EPOCH,
            restored: from.map(|(id, _)| id),
            began: from.map_or(0, |(_, began)| began),
            counted,
            checkpointed,
            keys: (32, 32),
            held: counted,
            due: counted,
            gaps: 0,
            duplicates: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_wrong_by_what_its_keys_remember_and_by_what_they_hold() {
        let good = Count::whole(100, 90, Some((3, 80)));
        assert_eq!(good.wrong(), None);
        let gap = Count {
            gaps: 1,
            due: 101,
            ..good.clone()
        };
        assert_eq!(
            gap.wrong().as_deref(),
            Some("1 number was left out and 0 were counted twice")
        );
        let lost = Count {
            held: 60,
            ..good.clone()
        };
        assert!(lost.wrong().is_some());
        // Keys that no number came for since the restart are not looked at yet.
        let early = Count {
            keys: (31, 32),
            held: 97,
            due: 97,
            ..good
        };
        assert_eq!((early.is_whole(), early.wrong()), (false, None));
    }
}
