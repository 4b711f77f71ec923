//! How Flink reads a value, by the type of its option. Every rule was seen in Flink's own classes:
//! `options/readings.tsv` of this crate has what each version makes of which text.

use super::table::Shape;
use super::version::Version;

/// Whether Flink reads the text as that shape. Of an unknown version, whether any does.
pub(crate) fn reads(shape: &Shape, text: &str, version: Option<Version>) -> bool {
    match shape {
        Shape::Boolean => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
        Shape::Integer => text.parse::<i32>().is_ok(),
        Shape::Long => text.parse::<i64>().is_ok(),
        Shape::Decimal => decimal(text).is_some(),
        Shape::Duration => time_of(text, version).is_some(),
        Shape::Size => size(text).is_some(),
        Shape::Word(words) => words.iter().any(|word| word.eq_ignore_ascii_case(text)),
        Shape::Text => true,
        Shape::Map => map(text, version),
        Shape::List(items) => list(items, text, version),
    }
}

/// A number as Java reads it, with spaces around it or a letter for its size behind it.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    if matches!(text.trim_start_matches(['-', '+']), "NaN" | "Infinity") {
        return Some(f64::NAN);
    }
    let number = text.trim_end_matches(['d', 'D', 'f', 'F']);
    if text.len() - number.len() <= 1
        && number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && let Ok(number) = number.parse()
    {
        return Some(number);
    }
    let (_, hex) = text.split_once("0x")?;
    hex.contains(['p', 'P']).then_some(f64::NAN)
}

/// Digits and what follows them, without the spaces between.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    (digits > 0).then(|| (&text[..digits], text[digits..].trim()))
}

/// A time as Flink writes it, in milliseconds; none where it is no time to any version.
pub(crate) fn time(text: &str) -> Option<f64> {
    time_of(text, None)
}

fn time_of(text: &str, version: Option<Version>) -> Option<f64> {
    if version.is_none_or(Version::takes_iso_times)
        && let Some(time) = iso(text.trim())
    {
        return Some(time);
    }
    let (digits, unit) = split(text)?;
    let factor = match unit.to_lowercase().as_str() {
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1.0,
        "s" | "sec" | "secs" | "second" | "seconds" => 1e3,
        "m" | "min" | "minute" | "minutes" => 6e4,
        "h" | "hour" | "hours" => 36e5,
        "d" | "day" | "days" => 864e5,
        "µs" | "micro" | "micros" | "microsecond" | "microseconds" => 1e-3,
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1e-6,
        _ => return None,
    };
    // Java counts in 64 bits with a sign.
    let number = digits.parse::<i64>().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "a lab's times are small")]
    let number = number as f64;
    Some(number * factor)
}

/// `PT1M30S` or `P1D`, never below zero.
fn iso(text: &str) -> Option<f64> {
    let upper = text.to_uppercase();
    let (days, clock) = match upper.strip_prefix('P')?.split_once('T') {
        Some((days, clock)) if !clock.is_empty() => (days, clock),
        Some(_) => return None,
        None => (upper.strip_prefix('P')?, ""),
    };
    let mut rest = days;
    let mut sum = 0.0;
    let mut seen = false;
    for (unit, factor) in [('D', 864e5), ('H', 36e5), ('M', 6e4), ('S', 1e3)] {
        if unit == 'H' {
            if !rest.is_empty() {
                return None;
            }
            rest = clock;
        }
        if let Some((number, behind)) = rest.split_once(unit) {
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit())
                || unit == 'S'
                    && number
                        .bytes()
                        .all(|byte| byte.is_ascii_digit() || byte == b'.');
            sum += number.parse::<f64>().ok().filter(|_| is_number)? * factor;
            rest = behind;
            seen = true;
        }
    }
    (seen && rest.is_empty()).then_some(sum)
}

/// A size of memory in bytes.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (digits, unit) = split(text)?;
    let shift = match unit.to_lowercase().as_str() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kibibytes" => 10,
        "m" | "mb" | "mebibytes" => 20,
        "g" | "gb" | "gibibytes" => 30,
        "t" | "tb" | "tebibytes" => 40,
        _ => return None,
    };
    let bytes = digits.parse::<u64>().ok()?.checked_mul(1 << shift)?;
    i64::try_from(bytes).is_ok().then_some(bytes)
}

/// Whether a text is made of digits alone, and what number they are.
pub(crate) fn bare(text: &str) -> Option<u64> {
    let text = text.trim();
    let is_bare = text.bytes().all(|byte| byte.is_ascii_digit());
    is_bare.then(|| text.parse().ok()).flatten()
}

fn map(text: &str, version: Option<Version>) -> bool {
    let text = text.trim();
    if version.is_none_or(Version::takes_flow_lists) && text.starts_with('{') {
        return true;
    }
    let quoted = text.contains(['"', '\'']);
    text.is_empty() || quoted || text.split(',').all(|pair| pair.contains(':'))
}

fn list(items: &Shape, text: &str, version: Option<Version>) -> bool {
    // Maps have commas and quotes of their own.
    if *items == Shape::Text || *items == Shape::Map {
        return true;
    }
    let inside = text
        .trim()
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let mut parts: Vec<&str> = match inside {
        Some(inside) if version.is_none_or(Version::takes_flow_lists) => {
            inside.split(',').collect()
        }
        _ => text.split(';').collect(),
    };
    parts.retain(|part| !part.trim().is_empty());
    parts.iter().all(|part| reads(items, part.trim(), version))
}
