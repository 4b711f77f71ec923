//! One value of a YAML text in the place of another, from where the old one begins to where it
//! ends: comments, and what stands beside it on its lines, stay. Says which lines change; whether
//! what comes out means what it should is proven by the caller, who reads it again.

use crate::yaml::{Node, Style, Value};
use std::ops::Range;

/// One line that takes the place of some, counted from 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) lines: Range<usize>,
    pub(super) text: String,
}

/// Another value for a key; none where the old one cannot be told from what is around it.
pub(super) fn replaced(lines: &[&str], key: &Node, value: &Node, with: &str) -> Option<Change> {
    let colon = behind_colon(lines, key)?;
    if let Some(header) = block_header(lines, colon) {
        return block(lines, header, value, with);
    }
    let (at, end) = match &value.value {
        // nothing stands there: the new value follows the colon
        Value::Scalar { .. } if value.at == value.end => {
            let with = format!(" {with}");
            return between(lines, colon, colon, &with);
        }
        Value::Scalar { .. } => (value.at, value.end),
        // a list over several lines has comments of its own
        Value::List(_) if value.at.line == value.end.line => (value.at, value.end),
        Value::List(_) | Value::Map(_) => return None,
    };
    let place = |at: crate::yaml::At| (at.line - 1, at.column - 1);
    between(lines, place(at), place(end), with)
}

/// A line and a column, from 0.
type Spot = (usize, usize);

/// What is before the first spot, the new text, what is behind the second.
pub(super) fn between(lines: &[&str], from: Spot, to: Spot, with: &str) -> Option<Change> {
    let before: String = lines.get(from.0)?.chars().take(from.1).collect();
    let behind: String = lines.get(to.0)?.chars().skip(to.1).collect();
    Some(Change {
        lines: from.0..to.0 + 1,
        text: format!("{before}{with}{behind}"),
    })
}

/// The spot behind a key's colon.
fn behind_colon(lines: &[&str], key: &Node) -> Option<Spot> {
    let (line, column) = (key.end.line - 1, key.end.column - 1);
    let rest: Vec<char> = lines.get(line)?.chars().skip(column).collect();
    let blanks = rest.iter().take_while(|c| c.is_whitespace()).count();
    (rest.get(blanks) == Some(&':')).then_some((line, column + blanks + 1))
}

/// Where `|` or `>` begins, behind a tag or an anchor.
fn block_header(lines: &[&str], (line, column): Spot) -> Option<Spot> {
    let rest: Vec<char> = lines.get(line)?.chars().collect();
    let mut at = column;
    loop {
        match rest.get(at)? {
            c if c.is_whitespace() => at += 1,
            '!' | '&' => {
                while rest.get(at).is_some_and(|c| !c.is_whitespace()) {
                    at += 1;
                }
            }
            '|' | '>' => return Some((line, at)),
            _ => return None,
        }
    }
}

/// A block of text gives way with all of its lines; a comment behind its header stays.
fn block(lines: &[&str], header: Spot, value: &Node, with: &str) -> Option<Change> {
    let line = lines.get(header.0)?;
    let before: String = line.chars().take(header.1).collect();
    let behind: String = line
        .chars()
        .skip(header.1)
        .skip_while(|c| !c.is_whitespace())
        .collect();
    let mut end = value.end.line.saturating_sub(1).min(lines.len());
    while end > header.0 + 1 && lines[end - 1].trim().is_empty() {
        end -= 1;
    }
    Some(Change {
        lines: header.0..end.max(header.0 + 1),
        text: format!("{before}{with}{behind}"),
    })
}

/// Where an option stands in a configuration, nested or dotted, as places in lists of entries; of
/// two the last one counts. A map is none.
pub(super) fn option(node: &Node, name: &str) -> Option<Vec<usize>> {
    let Value::Map(entries) = &node.value else {
        return None;
    };
    for (index, (key, value)) in entries.iter().enumerate().rev() {
        let key = key.text().unwrap_or_default();
        if key == name && !matches!(value.value, Value::Map(_)) {
            return Some(vec![index]);
        }
        let within = name.strip_prefix(key).and_then(|it| it.strip_prefix('.'));
        if let Some(mut found) = within.and_then(|name| option(value, name)) {
            found.insert(0, index);
            return Some(found);
        }
    }
    None
}

/// The key and the value at such a place.
pub(super) fn entry<'a>(node: &'a Node, place: &[usize]) -> Option<&'a (Node, Node)> {
    let (index, deeper) = place.split_first()?;
    let Value::Map(entries) = &node.value else {
        return None;
    };
    let found = entries.get(*index)?;
    match deeper {
        [] => Some(found),
        deeper => entry(&found.1, deeper),
    }
}

/// The same, to be changed.
pub(super) fn entry_mut<'a>(node: &'a mut Node, place: &[usize]) -> Option<&'a mut (Node, Node)> {
    let (index, deeper) = place.split_first()?;
    let Value::Map(entries) = &mut node.value else {
        return None;
    };
    let found = entries.get_mut(*index)?;
    match deeper {
        [] => Some(found),
        deeper => entry_mut(&mut found.1, deeper),
    }
}

/// Where a path such as `spec.replicas` leads.
pub(super) fn path(node: &Node, words: &[&str]) -> Option<Vec<usize>> {
    let (word, deeper) = words.split_first()?;
    let Value::Map(entries) = &node.value else {
        return None;
    };
    let index = entries
        .iter()
        .position(|(key, _)| key.text() == Some(word))?;
    let mut found = match deeper {
        [] => Vec::new(),
        deeper => path(&entries[index].1, deeper)?,
    };
    found.insert(0, index);
    Some(found)
}

/// Whether two trees mean the same, wherever their words stand.
pub(super) fn same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (
            Value::Scalar { text, style },
            Value::Scalar {
                text: their_text,
                style: their_style,
            },
        ) => {
            let plain = |style: &Style| *style == Style::Plain;
            text == their_text && plain(style) == plain(their_style)
        }
        (Value::List(all), Value::List(others)) => {
            all.len() == others.len() && all.iter().zip(others).all(|(a, b)| same(a, b))
        }
        (Value::Map(all), Value::Map(others)) => {
            let pair = |((a, x), (b, y)): (&(Node, Node), &(Node, Node))| same(a, b) && same(x, y);
            all.len() == others.len() && all.iter().zip(others).all(pair)
        }
        _ => false,
    }
}
