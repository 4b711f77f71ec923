//! Flink's configuration in a manifest of the base, where an overlay changes it: which lines an
//! option stands on, and whether a manifest with other lines says what was wanted and nothing else.

use super::edit::text;
use super::replace::{self, Change, same};
use super::{Line, Origin};
use crate::mistake::Mistake;
use crate::options;
use crate::options::Options;
use crate::options::version::Version;
use crate::yaml;
use crate::yaml::{At, Node, Style, Value};
use std::ops::Range;

/// An option as the overlay wants it.
pub(super) struct Wanted<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    /// Where the overlay says it.
    pub(super) at: At,
}

/// Flink's configuration in a config map, as a block of text.
pub(super) struct Found {
    /// Which of `options::FILES`.
    pub(super) file: &'static str,
    pub(super) options: Options,
    /// Where its text begins in the manifest.
    pub(super) at: At,
    text: String,
    /// Its tree, where it is YAML.
    root: Option<Node>,
}

/// What a document has of it; none: it is no such config map.
pub(super) fn configuration(
    document: &Node,
    (name, version): (&str, Option<Version>),
    at: At,
) -> Result<Option<Found>, Mistake> {
    if document.get("kind").and_then(Node::text) != Some("ConfigMap") {
        return Ok(None);
    }
    let Ok(Some(found)) = options::of(document, version) else {
        return Ok(None);
    };
    let Value::Scalar {
        style: Style::Literal,
        text,
    } = &found.text.value
    else {
        return Err(Mistake::at(
            at,
            format!("`{}` of {name} is no block of text.", found.file),
        )
        .why("an option can be changed in a text that begins with `|`"));
    };
    let root = (found.file != options::FILES[0])
        .then(|| tree(text))
        .flatten();
    Ok(Some(Found {
        file: found.file,
        at: found.text.at,
        text: text.clone(),
        options: found.options,
        root,
    }))
}

fn tree(text: &str) -> Option<Node> {
    let text = format!("{}\n", text.trim_end());
    yaml::read(&text).ok()?.into_iter().next()
}

impl Found {
    /// Its text, with a line end.
    pub(super) fn inner(&self) -> String {
        format!("{}\n", self.text.trim_end())
    }

    /// Where it sets an option.
    pub(super) fn place(&self, key: &str) -> Option<Vec<usize>> {
        replace::option(self.root.as_ref()?, key)
    }

    /// Which of its lines change for another value.
    pub(super) fn change(&self, inner: &[&str], key: &str, with: &str) -> Option<Change> {
        if self.file == options::FILES[0] {
            let (old, at) = self.options.get(key)?;
            let line = at.line.checked_sub(self.at.line)?;
            let column = at.column.checked_sub(self.at.column)?;
            let end = column + old.chars().count();
            return replace::between(inner, (line, column), (line, end), with);
        }
        let (key, value) = replace::entry(self.root.as_ref()?, &self.place(key)?)?;
        replace::replaced(inner, key, value, with)
    }

    /// The manifest with other lines in this text.
    pub(super) fn with(
        &self,
        manifest: &[Line],
        inner: Range<usize>,
        texts: impl Iterator<Item = String>,
        from: &Origin,
    ) -> Vec<Line> {
        let first = self.at.line - 1;
        let indent = " ".repeat(self.at.column - 1);
        let lines = texts.map(|text| Line {
            text: format!("{indent}{text}"),
            from: from.clone(),
        });
        let mut made = manifest.to_vec();
        made.splice(first + inner.start..first + inner.end, lines);
        made
    }

    /// Whether a manifest is the old one with just the option as it is wanted.
    pub(super) fn comes_out(
        &self,
        made: &[Line],
        (documents, index): (&[Node], usize),
        wanted: &Wanted,
    ) -> bool {
        let Ok(after) = yaml::read(&text(made)) else {
            return false;
        };
        let mut expected = documents.to_vec();
        let path = ["data", self.file];
        let new = after.get(index).and_then(|document| {
            let (_, value) = replace::entry(document, &replace::path(document, &path)?)?;
            Some(value.clone())
        });
        let old = expected.get_mut(index).and_then(|document| {
            let place = replace::path(document, &path)?;
            replace::entry_mut(document, &place)
        });
        let (Some(new), Some((_, old))) = (new, old) else {
            return false;
        };
        let inner = new.text().unwrap_or_default().to_owned();
        *old = new;
        all_same(&after, &expected) && self.says(&inner, wanted)
    }

    /// Whether a text is this configuration with just the option as it is wanted.
    fn says(&self, inner: &str, wanted: &Wanted) -> bool {
        let Ok(read) = options::readable(self.file, inner) else {
            return false;
        };
        let values = |options: &Options| -> Vec<(String, String)> {
            let pairs = options.iter();
            pairs
                .map(|(key, (value, _))| (key.clone(), value.clone()))
                .collect()
        };
        let mut expected = self.options.clone();
        expected.insert(wanted.key.to_owned(), (wanted.value.to_owned(), wanted.at));
        if values(&read) != values(&expected) {
            return false;
        }
        if self.file == options::FILES[0] {
            return true;
        }
        // lists are no options, and must stay as well
        let Some(made) = tree(inner) else {
            return false;
        };
        let mut expected = match &self.root {
            Some(root) => root.clone(),
            None => Node {
                value: Value::Map(Vec::new()),
                ..Node::empty()
            },
        };
        let found = replace::option(&made, wanted.key);
        let Some((key, value)) = found.and_then(|place| replace::entry(&made, &place)) else {
            return false;
        };
        match self.place(wanted.key) {
            Some(place) => match replace::entry_mut(&mut expected, &place) {
                Some((_, old)) => *old = value.clone(),
                None => return false,
            },
            None => match &mut expected.value {
                Value::Map(entries) => entries.push((key.clone(), value.clone())),
                Value::Scalar { .. } | Value::List(_) => return false,
            },
        }
        same(&made, &expected)
    }
}

/// Whether documents mean the same.
pub(super) fn all_same(some: &[Node], others: &[Node]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(one, other)| same(one, other))
}

/// A value as the file may take it, the plainest first. YAML takes any text in quotes.
pub(super) fn written(file: &str, wanted: &Wanted) -> Result<Vec<String>, Mistake> {
    let value = wanted.value.to_owned();
    if file != options::FILES[0] {
        let quoted = serde_json::to_string(&value).unwrap_or_default();
        return Ok(vec![value, quoted]);
    }
    if value.contains('#') {
        Err(
            Mistake::at(wanted.at, format!("`{file}` cannot hold this value."))
                .why("from a `#` on, Flink takes the line for a comment"),
        )
    } else {
        Ok(vec![value])
    }
}
