//! `config.yaml` as Flink reads it since 1.19: nested or dotted, numbers and booleans in the form
//! that Java writes them. What would end Flink at its start is a mistake.

use super::{Options, twice};
use crate::mistake::Mistake;
use crate::yaml::{At, Node, Style, Value};

/// The options of a whole file.
pub(super) fn options(root: &Node, text: &str, into: &mut Options) -> Result<(), Mistake> {
    match &root.value {
        Value::Map(_) => {
            let lines: Vec<&str> = text.lines().collect();
            tabs(root, &lines)?;
            nested(root, "", into)
        }
        Value::Scalar { .. } | Value::List(_) => {
            Err(Mistake::at(root.at, "The file must be a map of options.")
                .why("Flink would not start")
                .hint("Write `option: value`, with a space after the colon."))
        }
    }
}

/// Flink's YAML reader takes no tab before a value.
fn tabs(node: &Node, lines: &[&str]) -> Result<(), Mistake> {
    let line = |at: At| at.line.checked_sub(1).and_then(|index| lines.get(index));
    // the first tab from a column on, up to another one or to a text
    let tab = |from: At, to: usize| -> Result<(), Mistake> {
        let behind = line(from).map_or("", |line| line).chars();
        let between = behind.take(to.saturating_sub(1)).skip(from.column - 1);
        let mut blank = between.take_while(|c| " \t:,[".contains(*c));
        match blank.position(|c| c == '\t') {
            Some(tab) => Err(Mistake::at(
                At {
                    line: from.line,
                    column: from.column + tab,
                },
                "A tab stands before a value.",
            )
            .why("Flink would not start: its YAML reader wants spaces there")
            .hint("Write a space.")),
            None => Ok(()),
        }
    };
    match &node.value {
        Value::Map(entries) => {
            for (key, value) in entries {
                let is_beside = value.at.line == key.end.line;
                let to = if is_beside {
                    value.at.column
                } else {
                    usize::MAX
                };
                tab(key.end, to)?;
                tabs(value, lines)?;
            }
        }
        Value::List(items) => {
            let mut from = node.at;
            for item in items {
                if from.line == item.at.line {
                    tab(from, item.at.column)?;
                }
                tabs(item, lines)?;
                from = item.end;
            }
        }
        Value::Scalar { .. } => {}
    }
    Ok(())
}

/// Nested or dotted, both are allowed and mean the same.
fn nested(node: &Node, path: &str, into: &mut Options) -> Result<(), Mistake> {
    let Value::Map(entries) = &node.value else {
        if node.is_null() {
            return Err(Mistake::at(node.at, format!("`{path}` has no value."))
                .why("Flink would not start: it ends with a NullPointerException")
                .hint("Write a value, or remove the line."));
        }
        return match into.insert(path.to_owned(), (canonical(node), node.at)) {
            Some((_, first)) => Err(twice(path, first, node.at)),
            None => Ok(()),
        };
    };
    for (key, value) in entries {
        let word = key.text().unwrap_or_default();
        if is_typed(key) {
            return Err(Mistake::at(
                key.at,
                format!("A key cannot be the number or boolean `{word}`."),
            )
            .why("Flink would not start: it ends with a ClassCastException")
            .hint(format!("Write `\"{word}\"`.")));
        }
        nested(value, &joined(path, word), into)?;
    }
    Ok(())
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The options of a map as far as they can be read, such as those in an operator's object: what the
/// API server takes is taken.
pub(crate) fn flatten(node: &Node, path: &str, into: &mut Options) {
    match &node.value {
        Value::Map(entries) => {
            for (key, value) in entries {
                flatten(value, &joined(path, key.text().unwrap_or_default()), into);
            }
        }
        Value::Scalar { .. } => {
            into.insert(path.to_owned(), (canonical(node), node.at));
        }
        Value::List(_) => {}
    }
}

/// Whether a scalar without quotes is no text to YAML.
fn is_typed(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar { text, style: Style::Plain } if typed(text).is_some())
}

/// A value as Flink has it once the file is read.
pub(crate) fn canonical(node: &Node) -> String {
    match &node.value {
        Value::Scalar { text, style } => match style {
            Style::Plain => typed(text).unwrap_or_else(|| text.clone()),
            Style::Quoted | Style::Literal => text.clone(),
        },
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let pairs: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", canonical(key), canonical(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

/// A number or boolean of YAML's core schema, as Java writes it; none where it is a text.
fn typed(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    if ["true", "True", "TRUE", "false", "False", "FALSE"].contains(&text) {
        return Some(lower);
    }
    let of_base = |digits: &str, base| u128::from_str_radix(digits, base).ok();
    if let Some(digits) = text
        .strip_prefix("0x")
        .filter(|rest| !rest.starts_with('+'))
    {
        return of_base(digits, 16).map(|number| number.to_string());
    }
    if let Some(digits) = text
        .strip_prefix("0o")
        .filter(|rest| !rest.starts_with('+'))
    {
        return of_base(digits, 8).map(|number| number.to_string());
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits.is_empty() && all_digits(digits) {
        let number = digits.trim_start_matches('0');
        return Some(match (number, text.starts_with('-')) {
            ("", _) => "0".to_owned(),
            (number, true) => format!("-{number}"),
            (number, false) => number.to_owned(),
        });
    }
    let (number, exponent) = lower.split_once('e').unwrap_or((lower.as_str(), "0"));
    let number = number.strip_prefix(['-', '+']).unwrap_or(number);
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let (before, after) = number.split_once('.').unwrap_or((number, ""));
    let has_digits = before.len() + after.len() > 0;
    let is_number =
        has_digits && !exponent.is_empty() && [exponent, before, after].into_iter().all(all_digits);
    is_number.then(|| text.parse().ok().map(java)).flatten()
}

/// A number with a point in it, as Java writes it.
fn java(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{number:?}");
    }
    let text = format!("{number:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}
