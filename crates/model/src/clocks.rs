//! Two clocks side by side: the one that tells the time and may be set, and the one that only counts
//! on. What they disagree about never happened.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The clock is slewed by less than this between two looks; more is a jump.
const APART: SignedDuration = SignedDuration::from_secs(1);

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    told: Timestamp,
    counted: Duration,
}

impl Clocks {
    /// What both say now.
    #[must_use]
    pub const fn new(told: Timestamp, counted: Duration) -> Self {
        Self { told, counted }
    }

    /// Takes a later look; when it should have been, where the clocks disagree about what passed.
    pub fn look(&mut self, told: Timestamp, counted: Duration) -> Option<Timestamp> {
        let before = std::mem::replace(self, Self { told, counted });
        let passed = counted.saturating_sub(before.counted);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let expected = before.told.saturating_add(passed).ok()?;
        (told.duration_since(expected).abs() > APART).then_some(expected)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_step_of_a_few_seconds_is_seen_both_ways_and_a_long_wait_is_none() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let mut clocks = Clocks::new(at(0), Duration::ZERO);
        let mut look = |told, counted| clocks.look(at(told), Duration::from_millis(counted));
        assert_eq!(look(250, 250), None);
        assert_eq!(look(60_250, 60_240), None, "nothing happened for a minute");
        assert_eq!(look(63_500, 60_490), Some(at(60_500)));
        assert_eq!(look(63_750, 60_740), None, "once is enough");
        assert_eq!(look(61_000, 60_990), Some(at(64_000)), "set back");
    }
}
