//! A YAML tree as JSON: what kubectl sends, and what kind patches with (both read YAML through
//! sigs.k8s.io/yaml).

use super::mistake::Mistake;
use super::scalar::{self, Plain, Words};
use super::yaml::{Node, Style, Value};
use serde_json::{Map, Number};

/// From here on Go writes a whole number with an exponent.
const EXPONENT: f64 = 1e21;

/// The tree as JSON.
pub(super) fn json(node: &Node) -> Result<serde_json::Value, Mistake> {
    Ok(match &node.value {
        Value::List(items) => items.iter().map(json).collect::<Result<_, _>>()?,
        Value::Map(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                map.insert(word(key)?, json(value)?);
            }
            serde_json::Value::Object(map)
        }
        Value::Scalar {
            text,
            style: Style::Plain,
        } => match scalar::go(text, Words::All) {
            Plain::Null => serde_json::Value::Null,
            Plain::Truth(truth) => truth.into(),
            Plain::Whole(number) => number.into(),
            Plain::Huge(number) => number.into(),
            Plain::Broken(number) => broken(number).ok_or_else(|| {
                Mistake::at(
                    node.at,
                    format!("`{text}` is no number that JSON can hold."),
                )
                .hint(format!("Write `\"{text}\"` for the text."))
            })?,
            Plain::Text => text.as_str().into(),
        },
        Value::Scalar { text, .. } => text.as_str().into(),
    })
}

/// A number with a point or an exponent. Go writes a whole one as such.
fn broken(number: f64) -> Option<serde_json::Value> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole, and below what i128 holds"
    )]
    if number.fract() == 0.0 && number.abs() < EXPONENT {
        let whole = number as i128;
        if let Some(whole) = Number::from_i128(whole) {
            return Some(whole.into());
        }
    }
    Number::from_f64(number).map(Into::into)
}

/// A key as a text.
fn word(key: &Node) -> Result<String, Mistake> {
    let text = key.text().unwrap_or_default();
    if !matches!(
        key.value,
        Value::Scalar {
            style: Style::Plain,
            ..
        }
    ) {
        return Ok(text.to_owned());
    }
    match scalar::go(text, Words::All) {
        Plain::Text => Ok(text.to_owned()),
        Plain::Truth(truth) => Ok(truth.to_string()),
        Plain::Whole(number) => Ok(number.to_string()),
        Plain::Null | Plain::Huge(_) | Plain::Broken(_) => {
            Err(Mistake::at(key.at, format!("The key `{text}` is no word."))
                .hint(format!("Write `\"{text}\"`.")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::{Dialect, read_as};
    use super::*;

    fn made(text: &str) -> String {
        let tree = read_as(text, Dialect::Kubectl).expect("YAML").remove(0);
        match json(&tree) {
            Ok(value) => value.to_string(),
            Err(mistake) => format!("{}:{} {}", mistake.at.line, mistake.at.column, mistake.what),
        }
    }

    /// The right sides are what sigs.k8s.io/yaml 1.4.0 made of the left ones.
    #[test]
    fn scalars_become_what_kubectl_makes_of_them() {
        for (yaml, wanted) in [
            ("a: 0755", r#"{"a":493}"#),
            ("a: 0o755", r#"{"a":493}"#),
            ("a: 089", r#"{"a":89}"#),
            ("a: 1_000", r#"{"a":1000}"#),
            ("a: 1e3", r#"{"a":1000}"#),
            ("a: 1.50", r#"{"a":1.5}"#),
            ("a: 0b11", r#"{"a":3}"#),
            (
                "a: [yes, N, on, Off, \"on\"]",
                r#"{"a":[true,false,true,false,"on"]}"#,
            ),
            ("a: 12:30", r#"{"a":"12:30"}"#),
            ("a: 2026-01-31", r#"{"a":"2026-01-31"}"#),
            ("a: =", r#"{"a":"="}"#),
            ("a: ~", r#"{"a":null}"#),
            ("a: !!str 1", r#"{"a":"1"}"#),
            ("yes: 1", r#"{"true":1}"#),
            ("0755: 1", r#"{"493":1}"#),
            ("a: 18446744073709551615", r#"{"a":18446744073709551615}"#),
        ] {
            assert_eq!(made(yaml), wanted, "{yaml}");
        }
        assert_eq!(
            made("a: .inf"),
            "1:4 `.inf` is no number that JSON can hold."
        );
        assert_eq!(made("1.5: a"), "1:1 The key `1.5` is no word.");
    }
}
