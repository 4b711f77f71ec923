//! What time it is and how long a pause lasts. Everything in `world` and in the commands that
//! waits, looks again, gives up or stamps something asks here, so that a simulated lab and the
//! program beside it can live faster than the wall clock, and by the same clock: `main` sets it
//! once, before anything is started; a simulation inside another program has it in each of its
//! threads. Without that it is the wall clock.
//!
//! Deadlines of a call to somebody else (Docker, an API server, Flink's REST) are not taken from
//! here but from `tokio::time::timeout`: an answer takes as long as it takes, however fast a
//! simulation lives. Neither are frames, which are for eyes.

use jiff::{SignedDuration, Timestamp};
use std::cell::Cell;
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

/// A clock that runs at a rate from a moment on, at which it showed what the wall clock did. Two
/// processes that are given the same one agree on what time it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// When it showed the same as the wall clock.
    from: Timestamp,
    /// Its seconds in one of the wall clock's; above 0.
    rate: f64,
}

impl Clock {
    /// The wall clock.
    pub const WALL: Self = Self {
        from: Timestamp::UNIX_EPOCH,
        rate: 1.0,
    };

    /// One that runs at that rate from now on. A rate that is no number above 0 is 1.
    #[must_use]
    pub fn at_rate(rate: f64) -> Self {
        let sound = rate.is_finite() && rate > 0.0;
        Self {
            from: Timestamp::now(),
            rate: if sound { rate } else { 1.0 },
        }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at(Timestamp::now())
    }

    /// What it shows when the wall clock shows that.
    #[must_use]
    pub fn at(&self, wall: Timestamp) -> Timestamp {
        if *self == Self::WALL {
            return wall;
        }
        let since = wall.duration_since(self.from).as_secs_f64() * self.rate;
        let since = SignedDuration::try_from_secs_f64(since).unwrap_or_default();
        self.from.saturating_add(since).unwrap_or(wall)
    }

    /// How long the wall clock runs while this one runs that long.
    #[must_use]
    pub fn on_the_wall(&self, duration: Duration) -> Duration {
        if self.rate == 1.0 {
            return duration;
        }
        Duration::try_from_secs_f64(duration.as_secs_f64() / self.rate).unwrap_or(duration)
    }

    /// How long this one runs while the wall clock runs that long.
    #[must_use]
    fn of_the_wall(&self, duration: Duration) -> Duration {
        if self.rate == 1.0 {
            return duration;
        }
        Duration::try_from_secs_f64(duration.as_secs_f64() * self.rate).unwrap_or(duration)
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}*{}", self.from, self.rate)
    }
}

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a clock: TIMESTAMP*RATE, with a rate above 0");
        let (from, rate) = text.split_once('*').ok_or_else(wrong)?;
        let from = from.parse().map_err(|_| wrong())?;
        let rate: f64 = rate.parse().map_err(|_| wrong())?;
        if rate.is_finite() && rate > 0.0 {
            Ok(Self { from, rate })
        } else {
            Err(wrong())
        }
    }
}

/// The clock of this process.
static CLOCK: OnceLock<Clock> = OnceLock::new();

thread_local! {
    /// The clock of this thread, where it has one of its own.
    static OWN: Cell<Option<Clock>> = const { Cell::new(None) };
}

/// Sets the clock of this process. Only the first call counts.
pub fn set(clock: Clock) {
    let _ = CLOCK.set(clock);
}

/// Gives this thread a clock of its own: a simulation whose threads all have it lives by it beside
/// others that do not.
pub fn set_of_thread(clock: Clock) {
    OWN.set(Some(clock));
}

/// The clock of this thread, else of this process, else the wall clock.
#[must_use]
pub fn clock() -> Clock {
    let set = OWN.get().or_else(|| CLOCK.get().copied());
    set.unwrap_or(Clock::WALL)
}

/// What time it is.
#[must_use]
pub fn now() -> Timestamp {
    clock().now()
}

/// Waits that long.
pub fn sleep(duration: Duration) -> tokio::time::Sleep {
    tokio::time::sleep(clock().on_the_wall(duration))
}

/// Waits until then; not at all where that is over.
pub fn sleep_until(moment: Instant) -> tokio::time::Sleep {
    sleep(moment.saturating_duration_since(Instant::now()))
}

/// Waits for something, and that long at the most: for what a lab has to come to. A call to
/// somebody else has a deadline of the wall clock.
pub fn patience<F: Future>(duration: Duration, work: F) -> tokio::time::Timeout<F> {
    tokio::time::timeout(clock().on_the_wall(duration), work)
}

/// A moment that only this process knows: how long ago it was, and what is due when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        static FIRST: OnceLock<std::time::Instant> = OnceLock::new();
        // A moment of before the first one asked for is a moment too.
        const BEFORE: Duration = Duration::from_secs(1 << 32);
        let first = *FIRST.get_or_init(std::time::Instant::now);
        Self(BEFORE + clock().of_the_wall(first.elapsed()))
    }

    /// How long ago it was.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Self::now().saturating_duration_since(self)
    }

    /// How long after another one it is; nothing where it is before that.
    #[must_use]
    pub fn saturating_duration_since(self, other: Self) -> Duration {
        self.0.saturating_sub(other.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, other: Self) -> Duration {
        self.saturating_duration_since(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_who_are_given_one_clock_agree() {
        let clock = Clock::at_rate(5.0);
        let other: Clock = clock.to_string().parse().expect("written as it is read");
        assert_eq!(clock, other);
        let wall = clock.from + SignedDuration::from_secs(3);
        assert_eq!(clock.at(wall), clock.from + SignedDuration::from_secs(15));
        assert_eq!(other.at(wall), clock.at(wall));
        assert_eq!(clock.at(clock.from), clock.from);
        assert_eq!(
            clock.on_the_wall(Duration::from_secs(10)),
            Duration::from_secs(2)
        );
    }

    #[test]
    fn the_wall_clock_is_what_it_is_without_one() {
        let wall: Timestamp = "2026-05-04T16:05:00.123456789Z".parse().expect("a stamp");
        assert_eq!(Clock::WALL.at(wall), wall);
        assert_eq!(clock().on_the_wall(Duration::MAX), Duration::MAX);
        for wrong in [
            "",
            "5",
            "2026-05-04T16:05:00Z*0",
            "2026-05-04T16:05:00Z*x",
            "x*1",
        ] {
            assert!(wrong.parse::<Clock>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn moments_are_compared_and_moved() {
        let moment = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!((moment + second) - moment, second);
        assert_eq!(moment - (moment + second), Duration::ZERO);
        assert!(moment - second < moment);
        assert!(moment.elapsed() < second * 3600);
    }
}
