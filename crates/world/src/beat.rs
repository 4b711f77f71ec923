//! The beat of routine. What looks at something again and again does so at the same moments as
//! everything else that does, so that a program in which nothing happens wakes once a second, and not
//! once for each of its tasks. Nothing that is waited for goes by it.

use flinklab_base::clock::{Instant, sleep_until};
use std::sync::OnceLock;
use std::time::Duration;

/// The moment from which all beats are counted.
static FIRST: OnceLock<Instant> = OnceLock::new();

/// The beat after that moment, of those that are so far apart.
#[must_use]
pub fn after(moment: Instant, apart: Duration) -> Instant {
    let first = *FIRST.get_or_init(Instant::now);
    next(first, moment, apart)
}

fn next(first: Instant, moment: Instant, apart: Duration) -> Instant {
    let since = moment.saturating_duration_since(first).as_nanos();
    let beats = since / apart.as_nanos().max(1) + 1;
    // beyond 2^32 beats the program ran for longer than anybody looks at it
    first + apart.saturating_mul(u32::try_from(beats).unwrap_or(u32::MAX))
}

/// Waits for the next beat.
pub(super) async fn beat(apart: Duration) {
    sleep_until(after(Instant::now(), apart)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_for_a_beat_waits_for_the_same_one() {
        let first = Instant::now();
        let second = Duration::from_secs(1);
        let at = |ms| next(first, first + Duration::from_millis(ms), second) - first;
        assert_eq!(at(0), second);
        assert_eq!(at(1), second);
        assert_eq!(at(999), second);
        assert_eq!(at(1000), 2 * second);
        // every beat of a slower one is one of the quicker one
        let slow = next(first, first + Duration::from_millis(1500), 2 * second);
        assert_eq!(slow - first, 2 * second);
        // a moment before the first one, as a test's clock may have
        assert_eq!(next(first, first - second, second) - first, second);
    }
}
