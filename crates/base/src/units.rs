//! Durations, sizes and ids as text: each way of writing them stands here and nowhere else.
//!
//! Every function is pure; none is wider than its column, and more is never written as less.

use jiff::{SignedDuration, Timestamp};

/// Seconds from then to now; never negative, clocks differ.
#[must_use]
pub fn since(now: Timestamp, then: Timestamp) -> f64 {
    now.duration_since(then).as_secs_f64().max(0.0)
}

/// Milliseconds as seconds.
#[must_use]
#[expect(clippy::cast_precision_loss)] // what a lab takes fits a float
pub fn seconds_of_ms(ms: i64) -> f64 {
    ms as f64 / 1e3
}

/// Microseconds as seconds.
#[must_use]
#[expect(clippy::cast_precision_loss)] // what a session takes fits a float
pub fn seconds_of_us(us: i64) -> f64 {
    us as f64 / 1e6
}

/// Rounded to one decimal: as exact as figures in JSON are.
#[must_use]
pub fn to_the_tenth(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

/// How many of which unit, whole ones: `19` and `min`.
fn in_one_unit(seconds: f64) -> (f64, &'static str) {
    let (count, unit) = match seconds.max(0.0) {
        s if s < 100.0 => (s, "s"),
        s if s < 100.0 * 60.0 => (s / 60.0, "min"),
        s if s < 48.0 * 3600.0 => (s / 3600.0, "h"),
        s => (s / 86400.0, "d"),
    };
    (count.floor(), unit)
}

/// How long something has lasted; what is long over needs no tenths: `4 s`, `19 min`, `5 h`, `3 d`.
#[must_use]
pub fn lasted(seconds: f64) -> String {
    let (count, unit) = in_one_unit(seconds);
    format!("{count} {unit}")
}

/// The same, to the tenth while that tells something: `4.2 s`, `19 min`.
#[must_use]
pub fn lasted_to_the_tenth(seconds: f64) -> String {
    // 99.95 would be written as 100.0
    if seconds < 99.95 {
        format!("{:.1} s", seconds.max(0.0))
    } else {
        lasted(seconds.max(100.0))
    }
}

/// The same for a column: `4s`, `19m`, `5h`, `3d`.
#[must_use]
pub fn age(seconds: f64) -> String {
    let (count, unit) = in_one_unit(seconds);
    format!("{count}{}", &unit[..1])
}

/// How old something is at a moment.
#[must_use]
pub fn age_at(now: Timestamp, then: Timestamp) -> String {
    age(since(now, then))
}

/// A time as one says it beforehand: `20 s`, `26 min`, `2.0 h`.
#[must_use]
pub fn about(seconds: f64) -> String {
    match seconds.max(0.0) {
        seconds if seconds <= 90.0 => format!("{:.0} s", (seconds / 10.0).ceil() * 10.0),
        seconds if seconds <= 5400.0 => format!("{:.0} min", (seconds / 60.0).ceil()),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

/// A span as settings write it, exact: `500 ms`, `60 s`, `90 s`, `2 min 30 s`, `10 min`, `1 h`.
#[must_use]
pub fn span(duration: SignedDuration) -> String {
    let ms = duration.as_millis().max(0);
    let (whole, rest) = (ms / 1000, ms % 1000);
    match (whole, rest) {
        (0, _) => format!("{ms} ms"),
        (_, 1..) if whole < 120 => {
            format!("{whole}.{} s", format!("{rest:03}").trim_end_matches('0'))
        }
        (0..120, _) => format!("{whole} s"),
        _ => {
            let units = [
                (whole / 3600, "h"),
                (whole / 60 % 60, "min"),
                (whole % 60, "s"),
            ];
            let said = units.iter().filter(|(count, _)| *count > 0);
            let said: Vec<String> = said
                .map(|(count, unit)| format!("{count} {unit}"))
                .collect();
            said.join(" ")
        }
    }
}

/// How long something took, for a column: `72ms`, `9.8s`, `1m12s`, `2h05m`.
#[must_use]
pub fn took(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    let seconds = ms / 1000;
    match ms {
        0..1000 => format!("{sign}{ms}ms"),
        // 59.95 would be written as 60.0
        1000..59_950 => {
            let tenths = (ms + 50) / 100;
            format!("{sign}{}.{}s", tenths / 10, tenths % 10)
        }
        59_950..60_000 => format!("{sign}1m00s"),
        60_000..6_000_000 => format!("{sign}{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{sign}{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// The same in seconds of one decimal where it is short: `0.1s`, `9.8s`, `1m12s`.
#[must_use]
#[expect(clippy::cast_possible_truncation)] // it saturates
pub fn took_seconds(seconds: f64) -> String {
    match seconds {
        short if short < 1.0 => format!("{short:.1}s"),
        long => took((long * 1000.0) as i64),
    }
}

/// Milliseconds in seconds of one decimal, which is what two runs of the same failure differ by:
/// `9.8 s`.
#[must_use]
pub fn tenths(ms: i64) -> String {
    let sign = if ms <= -50 { "-" } else { "" };
    let tenths = (ms.unsigned_abs() + 50) / 100;
    format!("{sign}{}.{} s", tenths / 10, tenths % 10)
}

/// The same in whole tenths, as a clock counts them: what is said is over.
#[must_use]
pub fn whole_tenths(ms: i64) -> String {
    tenths(ms - ms % 100)
}

/// Milliseconds as seconds with all of them: `15.104`.
#[must_use]
pub fn exact(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    format!("{sign}{}.{:03}", ms / 1000, ms % 1000)
}

/// How exact a moment is: `40 ms`, `1.2 s`.
#[must_use]
pub fn spread(ms: i64) -> String {
    match ms {
        ms if ms < 1000 => format!("{ms} ms"),
        ms => whole_tenths(ms),
    }
}

/// Bytes in the unit that reads best: `512 B`, `8.1 KB`, `736 MB`.
#[must_use]
#[expect(clippy::cast_precision_loss)] // one decimal is shown
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    // 999.5 would be written as 1000
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 9.95 {
        format!("{value:.1} {}", UNITS[unit])
    } else {
        format!("{value:.0} {}", UNITS[unit])
    }
}

/// Digits that tell one lab's jobs apart, and with which Flink names savepoints.
pub const JOB: usize = 6;
/// Digits that tell epochs and whatever else apart.
pub const ID: usize = 8;
/// Digits with which Docker and the kubelet name containers.
pub const CONTAINER: usize = 12;

/// An id's first digits.
#[must_use]
pub fn short(id: &str, digits: usize) -> &str {
    id.char_indices()
        .nth(digits)
        .map_or(id, |(end, _)| &id[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_written_as_a_person_says_them() {
        let said = [-1.0, 4.9, 99.0, 4915.0, 7200.0, 180_000.0].map(lasted);
        assert_eq!(said, ["0 s", "4 s", "99 s", "81 min", "2 h", "2 d"]);
        let said = [-1.0, 4.26, 99.97, 4915.0].map(lasted_to_the_tenth);
        assert_eq!(said, ["0.0 s", "4.3 s", "1 min", "81 min"]);
        assert_eq!([4.9, 119.0, -3.0].map(age), ["4s", "1m", "0s"]);
        let said = [72, 9_840, 59_999, 72_000, 7_500_000, -70_000].map(took);
        assert_eq!(said, ["72ms", "9.8s", "1m00s", "1m12s", "2h05m", "-1m10s"]);
        assert_eq!(
            [0.04, 9.84, 72.0].map(took_seconds),
            ["0.0s", "9.8s", "1m12s"]
        );
        assert_eq!(
            [1_949, 1_999, -950].map(whole_tenths),
            ["1.9 s", "1.9 s", "-0.9 s"]
        );
        let said = [1_949, 1_950, -40, -950, 0].map(tenths);
        assert_eq!(said, ["1.9 s", "2.0 s", "0.0 s", "-1.0 s", "0.0 s"]);
        assert_eq!([15_104, -40].map(exact), ["15.104", "-0.040"]);
        assert_eq!([40, 1_240].map(spread), ["40 ms", "1.2 s"]);
        let said = [12.0, 100.0, 1501.0, 7200.0].map(about);
        assert_eq!(said, ["20 s", "2 min", "26 min", "2.0 h"]);
    }

    #[test]
    fn spans_are_written_as_settings_write_them() {
        let said = [
            0, 500, 2_000, 60_500, 60_000, 90_000, 150_000, 600_000, 3_601_000,
        ];
        let said = said.map(|ms| span(SignedDuration::from_millis(ms)));
        let wanted = [
            "0 ms",
            "500 ms",
            "2 s",
            "60.5 s",
            "60 s",
            "90 s",
            "2 min 30 s",
            "10 min",
            "1 h 1 s",
        ];
        assert_eq!(said, wanted);
    }

    #[test]
    fn sizes_have_one_unit() {
        let said = [999, 8_338, 12_345, 999_499, 999_999, 9_960_000_000].map(bytes);
        assert_eq!(
            said,
            ["999 B", "8.3 KB", "12 KB", "999 KB", "1.0 MB", "10 GB"]
        );
        assert_eq!(bytes(u64::MAX), "18 EB");
    }

    #[test]
    fn ids_are_cut_between_letters() {
        assert_eq!(short("c506bc50ffee", JOB), "c506bc");
        assert_eq!(short("c5", JOB), "c5");
        assert_eq!(short("日本語日本語日本語", ID), "日本語日本語日本");
    }

    /// What a text says, in the smallest of its units, and how much its last unit is.
    fn read(text: &str) -> (f64, f64) {
        let (mut sum, mut last) = (0.0, 1.0);
        let mut number = String::new();
        let mut rest = text.trim_start_matches('-').chars().peekable();
        while let Some(letter) = rest.next() {
            if letter.is_ascii_digit() || letter == '.' {
                number.push(letter);
                continue;
            }
            let mut unit = letter.to_string();
            while let Some(more) = rest.next_if(|it| it.is_alphabetic()) {
                unit.push(more);
            }
            let times = match unit.trim() {
                "ms" => 1e-3,
                "" | "s" | "B" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3600.0,
                "d" => 86400.0,
                "KB" => 1e3,
                "MB" => 1e6,
                "GB" => 1e9,
                "TB" => 1e12,
                "PB" => 1e15,
                "EB" => 1e18,
                other => panic!("`{other}` in {text}"),
            };
            if number.is_empty() {
                continue;
            }
            sum += times * number.parse::<f64>().expect(text);
            last = times;
            number.clear();
        }
        if !number.is_empty() {
            sum += number.parse::<f64>().expect(text);
        }
        if text.starts_with('-') {
            (-sum, last)
        } else {
            (sum, last)
        }
    }

    /// More is not written as less, and nothing is wider than its column.
    fn grows<T: Copy>(less: T, more: T, width: usize, say: impl Fn(T) -> String) -> bool {
        let (less, more) = (say(less), say(more));
        let fits = less.len().max(more.len()) <= width;
        fits && read(&less).0 <= read(&more).0 + 1e-9 // the sums are floats
    }

    /// The same where only whole units are said: `1 min` is all that is less than two.
    fn grows_by_units(less: f64, more: f64, width: usize, say: fn(f64) -> String) -> bool {
        let (less, more) = (say(less), say(more));
        let fits = less.len().max(more.len()) <= width;
        let (more, unit) = read(&more);
        fits && read(&less).0 < more + unit
    }

    proptest! {
        #[test]
        fn more_is_never_written_as_less_nor_beyond_its_column(
            a in -100_000_000_i64..1_000_000_000, b in -100_000_000_i64..1_000_000_000,
        ) {
            let (a, b) = (a.min(b), a.max(b));
            prop_assert!(grows(a, b, 7, took), "{} {}", took(a), took(b));
            prop_assert!(grows(a, b, 12, tenths), "{} {}", tenths(a), tenths(b));
            prop_assert!(grows(a, b, 12, exact));
            let (a, b) = (seconds_of_ms(a), seconds_of_ms(b));
            prop_assert!(grows_by_units(a, b, 6, lasted), "{} {}", lasted(a), lasted(b));
            prop_assert!(grows_by_units(a, b, 6, lasted_to_the_tenth));
            prop_assert!(grows_by_units(a, b, 4, age), "{} {}", age(a), age(b));
            prop_assert!(grows(a, b, 7, about), "{} {}", about(a), about(b));
            prop_assert!(grows(a.max(0.0), b.max(0.0), 7, took_seconds));
        }

        #[test]
        fn short_times_are_in_order_too(a in 0_i64..120_000, b in 0_i64..120_000) {
            let (a, b) = (a.min(b), a.max(b));
            prop_assert!(grows(a, b, 6, took), "{} {}", took(a), took(b));
            prop_assert!(grows(a, b, 7, tenths));
            prop_assert!(grows(a, b, 7, spread), "{} {}", spread(a), spread(b));
            let (a, b) = (seconds_of_ms(a), seconds_of_ms(b));
            prop_assert!(grows_by_units(a, b, 6, lasted_to_the_tenth), "{a} {b}");
            prop_assert!(grows(a, b, 6, took_seconds), "{a} {b}");
        }

        #[test]
        fn sizes_grow_within_seven_columns(a: u64, b: u64, by in 0_u32..64) {
            let (a, b) = ((a >> by).min(b >> by), (a >> by).max(b >> by));
            prop_assert!(grows(a, b, 7, bytes), "{} {}", bytes(a), bytes(b));
        }

        #[test]
        fn a_short_id_is_its_beginning(id in "\\PC{0,20}", digits in 0_usize..16) {
            let short = short(&id, digits);
            prop_assert!(id.starts_with(short) && short.chars().count() <= digits);
        }
    }
}
