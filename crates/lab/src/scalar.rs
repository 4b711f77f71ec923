//! What a scalar without quotes means: by YAML 1.2, and where YAML 1.1 readers (kubectl, kind)
//! see something else in it.

/// A scalar without quotes by the core schema of YAML 1.2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Plain {
    Null,
    Truth(bool),
    Whole(i64),
    Broken(f64),
    Text,
}

/// Reads it by YAML 1.2.
pub(super) fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Truth(true),
        "false" | "False" | "FALSE" => return Plain::Truth(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = if let Some(hex) = text.strip_prefix("0x") {
        i64::from_str_radix(hex, 16)
            .ok()
            .filter(|_| !hex.starts_with(['-', '+']))
    } else if all_digits(digits) {
        text.strip_prefix('+').unwrap_or(text).parse().ok()
    } else {
        None
    };
    if let Some(number) = whole {
        return Plain::Whole(number);
    }
    match text.parse() {
        Ok(number) if is_decimal(digits) => Plain::Broken(number),
        _ => Plain::Text,
    }
}

/// What YAML 1.1 calls a boolean and YAML 1.2 a text.
pub(super) fn old_truth(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Why a scalar without quotes is not the same to every YAML reader; `None` where it is.
pub(super) fn ambiguity(text: &str) -> Option<&'static str> {
    if old_truth(text).is_some() || matches!(text, "y" | "Y" | "n" | "N") {
        return Some("a boolean in YAML 1.1, a text in YAML 1.2");
    }
    if text == "=" {
        return Some("a special value in YAML 1.1, a text in YAML 1.2");
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.len() > 1 && digits.starts_with('0') && all_digits(digits) {
        return Some("an octal number in YAML 1.1, a decimal one in YAML 1.2");
    }
    if let Some(octal) = digits.strip_prefix("0o") {
        return all_digits(octal).then_some("a text in YAML 1.1, an octal number in YAML 1.2");
    }
    if let Some(binary) = digits.strip_prefix("0b") {
        let is_binary = !binary.is_empty()
            && binary
                .bytes()
                .all(|byte| matches!(byte, b'0' | b'1' | b'_'));
        return is_binary.then_some("a binary number in YAML 1.1, a text in YAML 1.2");
    }
    if digits.starts_with(|first: char| first.is_ascii_digit()) {
        if digits.contains('_')
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'_' || byte == b'.')
        {
            return Some("a number in YAML 1.1, a text in YAML 1.2");
        }
        if is_sexagesimal(digits) {
            return Some("a number to base 60 in YAML 1.1, a text in YAML 1.2");
        }
        if is_date(digits) {
            return Some("a date in YAML 1.1, a text in YAML 1.2");
        }
        if digits.contains(['e', 'E']) && is_decimal(digits) && !is_old_float(digits) {
            return Some("a text in YAML 1.1, a number in YAML 1.2");
        }
    }
    None
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `1.5`, `1e3`, `.5`; not `inf` and `nan`, which Rust would read too.
fn is_decimal(digits: &str) -> bool {
    let (number, exponent) = digits
        .split_once(['e', 'E'])
        .map_or((digits, None), |(number, exponent)| {
            (number, Some(exponent))
        });
    let is_exponent =
        exponent.is_none_or(|text| all_digits(text.strip_prefix(['-', '+']).unwrap_or(text)));
    let (before, after) = number.split_once('.').unwrap_or((number, ""));
    is_exponent
        && !(before.is_empty() && after.is_empty())
        && before
            .bytes()
            .chain(after.bytes())
            .all(|byte| byte.is_ascii_digit())
}

/// YAML 1.1 wants a point in the number and a sign in the exponent.
fn is_old_float(digits: &str) -> bool {
    digits
        .split_once(['e', 'E'])
        .is_some_and(|(number, exponent)| number.contains('.') && exponent.starts_with(['-', '+']))
}

fn is_sexagesimal(digits: &str) -> bool {
    let mut parts = digits.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    all_digits(first)
        && !rest.is_empty()
        && rest.iter().enumerate().all(|(index, part)| {
            let part = if index + 1 == rest.len() {
                part.split_once('.').map_or(*part, |(whole, _)| whole)
            } else {
                part
            };
            all_digits(part) && part.len() <= 2 && part.parse::<u8>().is_ok_and(|part| part < 60)
        })
}

fn is_date(text: &str) -> bool {
    let date = text.split(['T', 't', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = date.split('-').collect();
    matches!(parts.as_slice(), [year, month, day]
        if year.len() == 4 && (1..=2).contains(&month.len()) && (1..=2).contains(&day.len())
            && all_digits(year) && all_digits(month) && all_digits(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_take_differently_is_told() {
        for text in [
            "on",
            "Off",
            "yes",
            "NO",
            "y",
            "0644",
            "-07",
            "0o644",
            "0b11",
            "1_000",
            "12:30",
            "1:30:00.5",
            "2026-01-31",
            "2026-01-31T12:00:00Z",
            "1e3",
            "12E5",
            "=",
        ] {
            assert!(ambiguity(text).is_some(), "{text}");
        }
        for text in [
            "",
            "true",
            "False",
            "0",
            "-1",
            "10",
            "0x1f",
            "1.5",
            "1.5e+3",
            ".5",
            "null",
            "~",
            "flink:2.2.1",
            "127.0.0.1",
            "12:75",
            "v1",
            "0.1",
            "1.2.3",
            "8081:8081",
            "5s",
            "0s",
            "a_b",
            "::1",
            "1Gi",
            "-",
        ] {
            assert_eq!(ambiguity(text), None, "{text}");
        }
    }

    #[test]
    fn plain_scalars_by_yaml_1_2() {
        assert_eq!(plain("True"), Plain::Truth(true));
        assert_eq!(plain("-12"), Plain::Whole(-12));
        assert_eq!(plain("+12"), Plain::Whole(12));
        assert_eq!(plain("0x10"), Plain::Whole(16));
        assert_eq!(plain("1.50"), Plain::Broken(1.5));
        assert_eq!(plain("inf"), Plain::Text);
        assert_eq!(plain("yes"), Plain::Text);
        assert_eq!(plain("+-1"), Plain::Text);
        assert_eq!(plain("1.2.3"), Plain::Text);
    }
}
