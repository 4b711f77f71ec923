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
    counted: Counted,
}

/// What the counting clock showed just before the other one was read, and just after: on a busy
/// machine a process may stand still between the two.
pub type Counted = (Duration, Duration);

impl Clocks {
    /// What both say now.
    #[must_use]
    pub const fn new(told: Timestamp, counted: Counted) -> Self {
        Self { told, counted }
    }

    /// Takes a later look; when it should have been, where the clocks disagree about what passed.
    pub fn look(&mut self, told: Timestamp, counted: Counted) -> Option<Timestamp> {
        let before = std::mem::replace(self, Self { told, counted });
        let after = |passed: Duration| {
            let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
            before.told.saturating_add(passed).ok()
        };
        let least = after(counted.0.saturating_sub(before.counted.1))?;
        let most = after(counted.1.saturating_sub(before.counted.0))?;
        let expected = told.clamp(least, most);
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
        let mut clocks = Clocks::new(at(0), (Duration::ZERO, Duration::ZERO));
        let mut look = |told, counted| {
            let counted = Duration::from_millis(counted);
            clocks.look(at(told), (counted, counted))
        };
        assert_eq!(look(250, 250), None);
        assert_eq!(look(60_250, 60_240), None, "nothing happened for a minute");
        assert_eq!(look(63_500, 60_490), Some(at(60_500)));
        assert_eq!(look(63_750, 60_740), None, "once is enough");
        assert_eq!(look(61_000, 60_990), Some(at(64_000)), "set back");
    }

    /// Seen in a lab that lives ten times as fast, on a busy machine: the process stood still after
    /// it had read one clock and before it read the other.
    #[test]
    fn a_process_that_stood_still_between_two_clocks_has_seen_no_jump() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let ms = Duration::from_millis;
        let mut clocks = Clocks::new(at(0), (ms(0), ms(0)));
        assert_eq!(clocks.look(at(250), (ms(250), ms(1_900))), None);
        assert_eq!(clocks.look(at(2_000), (ms(2_000), ms(2_000))), None);
        assert_eq!(clocks.look(at(3_900), (ms(2_250), ms(3_900))), None);
        let jumped = clocks.look(at(8_000), (ms(4_000), ms(4_200)));
        assert_eq!(jumped, Some(at(5_850)), "what cannot have passed is a jump");
    }
}
