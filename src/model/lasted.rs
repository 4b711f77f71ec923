//! How long something has lasted, in words for a person: what is long over needs no tenths.

/// How many of which unit, whole ones: `19` and `min`.
#[must_use]
pub fn in_one_unit(seconds: f64) -> (f64, &'static str) {
    let (count, unit) = match seconds.max(0.0) {
        s if s < 100.0 => (s, "s"),
        s if s < 100.0 * 60.0 => (s / 60.0, "min"),
        s if s < 48.0 * 3600.0 => (s / 3600.0, "h"),
        s => (s / 86400.0, "d"),
    };
    (count.floor(), unit)
}

/// In one unit: `4 s`, `19 min`, `5 h`, `3 d`.
#[must_use]
pub fn lasted(seconds: f64) -> String {
    let (count, unit) = in_one_unit(seconds);
    format!("{count} {unit}")
}

/// The same, to the tenth while that tells something: `4.2 s`, `19 min`.
#[must_use]
pub fn lasted_to_the_tenth(seconds: f64) -> String {
    if seconds < 100.0 {
        format!("{:.1} s", seconds.max(0.0))
    } else {
        lasted(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_says_it() {
        let said: Vec<_> = [-1.0, 4.9, 99.0, 4915.0, 7200.0, 180_000.0]
            .map(lasted)
            .into();
        assert_eq!(said, ["0 s", "4 s", "99 s", "81 min", "2 h", "2 d"]);
        let said: Vec<_> = [-1.0, 4.26, 4915.0].map(lasted_to_the_tenth).into();
        assert_eq!(said, ["0.0 s", "4.3 s", "81 min"]);
    }
}
