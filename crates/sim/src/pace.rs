//! Simulated time and simulated chance: durations divided by one speed, and a small seeded
//! generator. Knows nothing about what is being simulated.

use flinklab_base::clock;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How much faster than life the lab runs.
#[derive(Debug)]
pub(super) struct Pace(AtomicU64);

impl Pace {
    pub(super) fn new(speed: f64) -> Self {
        let pace = Self(AtomicU64::new(0));
        pace.set(speed);
        pace
    }

    /// From now on. Waits that have begun keep their length.
    pub(super) fn set(&self, speed: f64) {
        let speed = if speed.is_finite() && speed > 0.0 {
            speed
        } else {
            1.0
        };
        self.0.store(speed.to_bits(), Ordering::Relaxed);
    }

    pub(super) fn speed(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// What lasts so many seconds in life, here.
    pub(super) fn seconds(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64((seconds / self.speed()).max(0.0))
    }

    pub(super) async fn sleep(&self, seconds: f64) {
        clock::sleep(self.seconds(seconds)).await;
    }
}

/// A seeded generator (splitmix64): the same seed gives the same draws in the same order.
#[derive(Debug)]
pub(super) struct Dice(Mutex<u64>);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    pub(super) fn next(&self) -> u64 {
        let mut state = self.0.lock().expect("no panic while the lock is held");
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly between 0 and 1.
    pub(super) fn share(&self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Evenly between the two.
    pub(super) fn between(&self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }

    /// So many hex digits.
    pub(super) fn hex(&self, digits: usize) -> String {
        let mut text = String::new();
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.next()));
        }
        text.truncate(digits);
        text
    }

    /// A random UUID, version 4.
    pub(super) fn uuid(&self) -> String {
        let hex = self.hex(32);
        format!(
            "{}-{}-4{}-a{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..]
        )
    }

    /// As Kubernetes makes name endings: no vowels, no digits that look like letters.
    pub(super) fn suffix(&self, letters: usize) -> String {
        const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..letters)
            .map(|_| char::from(ALPHABET[(self.next() % ALPHABET.len() as u64) as usize]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let (one, two, other) = (Dice::new(7), Dice::new(7), Dice::new(8));
        let draw = |dice: &Dice| (0..4).map(|_| dice.next()).collect::<Vec<_>>();
        assert_eq!(draw(&one), draw(&two));
        assert_ne!(draw(&one), draw(&other));
        assert_eq!(one.uuid().len(), 36);
    }

    #[test]
    fn a_speed_divides_every_duration() {
        let pace = Pace::new(20.0);
        assert_eq!(pace.seconds(2.0), Duration::from_millis(100));
        pace.set(f64::NAN);
        assert_eq!(pace.seconds(2.0), Duration::from_secs(2));
    }
}
