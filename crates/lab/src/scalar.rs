//! What a scalar without quotes means: by YAML 1.2, by Go's two YAML readers (kind's and kubectl's),
//! and where those see something else in it.

/// A scalar without quotes, resolved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Plain {
    Null,
    Truth(bool),
    Whole(i64),
    /// Too large for a signed number.
    Huge(u64),
    Broken(f64),
    Text,
}

/// Which words of YAML 1.1 are booleans where no type is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// `true` and `false`, as Go's yaml.v3, with which kind reads its configuration.
    Two,
    /// `yes`, `on` and the like too, as Go's yaml.v2, with which kubectl reads manifests and kind
    /// reads patches.
    All,
}

/// Reads it by YAML 1.2.
pub(super) fn plain(text: &str) -> Plain {
    if let Some(known) = known(text) {
        return known;
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

/// Reads it as Go's YAML readers do: octal, binary and hexadecimal numbers, underscores in numbers.
pub(super) fn go(text: &str, words: Words) -> Plain {
    if let Some(known) = known(text) {
        return known;
    }
    if let (Words::All, Some(truth)) = (words, old_truth(text)) {
        return Plain::Truth(truth);
    }
    let (sign, bare) = match text.strip_prefix(['-', '+']) {
        Some(bare) => (&text[..1], bare),
        None => ("", text),
    };
    match bare {
        ".inf" | ".Inf" | ".INF" if sign == "-" => return Plain::Broken(f64::NEG_INFINITY),
        ".inf" | ".Inf" | ".INF" => return Plain::Broken(f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" if sign.is_empty() => return Plain::Broken(f64::NAN),
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) {
        return Plain::Text;
    }
    // Underscores are dropped from all numbers but those that begin with a point.
    let number = if text.starts_with('.') {
        text.to_owned()
    } else {
        text.replace('_', "")
    };
    if let Some(whole) = go_whole(&number) {
        return match (i64::try_from(whole), u64::try_from(whole)) {
            (Ok(whole), _) => Plain::Whole(whole),
            (_, Ok(huge)) if !number.starts_with(['-', '+']) => Plain::Huge(huge),
            _ => go_broken(&number),
        };
    }
    go_broken(&number)
}

fn go_broken(number: &str) -> Plain {
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    match number.parse::<f64>() {
        Ok(broken) if is_decimal(digits) && broken.is_finite() => Plain::Broken(broken),
        _ => Plain::Text,
    }
}

/// A whole number with Go's prefixes: `0x`, `0b`, `0o`, and `0` alone for an octal one.
fn go_whole(number: &str) -> Option<i128> {
    let (negative, bare) = match number.as_bytes().first()? {
        b'-' => (true, &number[1..]),
        b'+' => (false, &number[1..]),
        _ => (false, number),
    };
    let prefixed = |prefix: [&str; 2]| prefix.iter().find_map(|one| bare.strip_prefix(one));
    let (radix, digits) = if let Some(digits) = prefixed(["0x", "0X"]) {
        (16, digits)
    } else if let Some(digits) = prefixed(["0b", "0B"]) {
        (2, digits)
    } else if let Some(digits) = prefixed(["0o", "0O"]) {
        (8, digits)
    } else if bare.len() > 1 && bare.starts_with('0') {
        (8, &bare[1..])
    } else {
        (10, bare)
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let whole = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -whole } else { whole })
}

/// What every reader takes for nothing or a boolean.
fn known(text: &str) -> Option<Plain> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Plain::Null),
        "true" | "True" | "TRUE" => Some(Plain::Truth(true)),
        "false" | "False" | "FALSE" => Some(Plain::Truth(false)),
        _ => None,
    }
}

/// What YAML 1.1 calls a boolean and YAML 1.2 a text.
pub(super) fn old_truth(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_by_yaml_1_2() {
        assert_eq!(plain("True"), Plain::Truth(true));
        assert_eq!(plain("-12"), Plain::Whole(-12));
        assert_eq!(plain("+12"), Plain::Whole(12));
        assert_eq!(plain("0x10"), Plain::Whole(16));
        assert_eq!(plain("010"), Plain::Whole(10));
        assert_eq!(plain("1.50"), Plain::Broken(1.5));
        assert_eq!(plain("inf"), Plain::Text);
        assert_eq!(plain("yes"), Plain::Text);
        assert_eq!(plain("+-1"), Plain::Text);
        assert_eq!(plain("1.2.3"), Plain::Text);
    }

    #[test]
    fn plain_scalars_as_go_reads_them() {
        for (text, wanted) in [
            ("0777", Plain::Whole(511)),
            ("010", Plain::Whole(8)),
            ("080", Plain::Broken(80.0)),
            ("8_080", Plain::Whole(8080)),
            ("0o17", Plain::Whole(15)),
            ("-0b11", Plain::Whole(-3)),
            ("+0x_1F", Plain::Whole(31)),
            ("00", Plain::Whole(0)),
            ("8e1", Plain::Broken(80.0)),
            ("1_0.5_0", Plain::Broken(10.5)),
            (".5", Plain::Broken(0.5)),
            ("-.inf", Plain::Broken(f64::NEG_INFINITY)),
            ("18446744073709551615", Plain::Huge(u64::MAX)),
            (
                "18446744073709551616",
                Plain::Broken(18_446_744_073_709_551_616.0),
            ),
            ("1e999", Plain::Text),
            ("12:30", Plain::Text),
            ("2026-01-31", Plain::Text),
            ("0x", Plain::Text),
            ("0b2", Plain::Text),
            ("-", Plain::Text),
            ("._5", Plain::Text),
            ("_1", Plain::Text),
            ("1Gi", Plain::Text),
            ("~", Plain::Null),
        ] {
            assert_eq!(go(text, Words::Two), wanted, "{text}");
            assert_eq!(go(text, Words::All), wanted, "{text}");
        }
        assert_eq!(go("y", Words::Two), Plain::Text);
        assert_eq!(go("y", Words::All), Plain::Truth(true));
        assert_eq!(go("Off", Words::All), Plain::Truth(false));
    }
}
