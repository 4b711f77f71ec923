//! Flink's options by version, as the classes in its published jars declare them: the file
//! `options/options.tsv` of this crate, which the script beside it writes.

use super::version::Version;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const TABLE: &str = include_str!("../../options/options.tsv");

/// What a value looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Boolean,
    /// 32 bits.
    Integer,
    /// 64 bits.
    Long,
    /// A number with or without a point.
    Decimal,
    /// A number and a unit of time.
    Duration,
    /// A number and a unit of memory.
    Size,
    /// One of these, in any case of letters.
    Word(Vec<&'static str>),
    Text,
    /// `a:1,b:2`, or an option for each key.
    Map,
    /// `a;b`, from 1.19 on `[a, b]` as well.
    List(Box<Self>),
}

/// What some versions say of a key.
#[derive(Debug)]
pub(crate) struct Entry {
    from: Version,
    to: Version,
    pub(crate) shape: Shape,
    /// The option that the key is another name of.
    pub(crate) renamed: Option<&'static str>,
}

impl Entry {
    pub(crate) fn covers(&self, version: Option<Version>) -> bool {
        version.is_none_or(|version| (self.from..=self.to).contains(&version))
    }
}

#[derive(Default)]
struct Table {
    by_key: BTreeMap<&'static str, Vec<Entry>>,
    /// Keys with a name of the user's own in them, such as `metrics.reporter.<name>.interval`, the
    /// narrower first.
    patterns: Vec<&'static str>,
}

static OPTIONS: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::default();
    for (key, entry) in TABLE.lines().filter_map(parsed) {
        table.by_key.entry(key).or_default().push(entry);
    }
    let patterns = table.by_key.keys().filter(|key| key.contains('<'));
    table.patterns = patterns.copied().collect();
    table.patterns.sort_by_key(|key| key.ends_with('>'));
    table
});

/// A line of the table; none for a comment.
fn parsed(line: &'static str) -> Option<(&'static str, Entry)> {
    let mut parts = line.split('\t');
    let key = parts.next().filter(|key| !key.starts_with('#'))?;
    let from = Version::parse(parts.next()?)?;
    let to = Version::parse(parts.next()?)?;
    let shape = shape(parts.next()?)?;
    let renamed = parts.next();
    let entry = Entry {
        from,
        to,
        shape,
        renamed,
    };
    Some((key, entry))
}

fn shape(text: &'static str) -> Option<Shape> {
    if let Some(items) = text.strip_prefix("list of ") {
        return Some(Shape::List(Box::new(shape(items)?)));
    }
    Some(match text {
        "boolean" => Shape::Boolean,
        "integer" => Shape::Integer,
        "long" => Shape::Long,
        "double" | "float" => Shape::Decimal,
        "duration" => Shape::Duration,
        "memorysize" => Shape::Size,
        "string" => Shape::Text,
        "map" => Shape::Map,
        other => Shape::Word(other.strip_prefix("enum:")?.split('|').collect()),
    })
}

/// The version, if the table knows it. Of an older or newer one nothing is known.
pub(crate) fn known(version: Option<Version>) -> Option<Version> {
    version.filter(|version| (Version::new(1, 15)..=Version::new(2, 3)).contains(version))
}

/// What is said of a key, the more exact first; nothing where no version knows it.
pub(crate) fn entries(key: &str) -> Vec<&'static Entry> {
    let table = &*OPTIONS;
    if let Some(exact) = table.by_key.get(key) {
        return exact.iter().collect();
    }
    let patterns = table.patterns.iter().filter(|one| fits(one, key));
    patterns.flat_map(|one| &table.by_key[one]).collect()
}

/// Whether a key is an entry of an option that is a map, in one of its versions.
pub(crate) fn is_in_map(key: &str, version: Option<Version>) -> bool {
    let mut ends = key.match_indices('.').map(|(at, _)| &key[..at]);
    ends.any(|parent| {
        let mut said = entries(parent).into_iter();
        said.any(|entry| entry.covers(version) && entry.shape == Shape::Map)
    })
}

/// A name in angle brackets stands for one word, at the end for any number of them.
fn fits(pattern: &str, key: &str) -> bool {
    let mut words = key.split('.');
    let mut last_is_open = false;
    for part in pattern.split('.') {
        let Some(word) = words.next() else {
            return false;
        };
        last_is_open = part.starts_with('<');
        if word.is_empty() || !last_is_open && part != word {
            return false;
        }
    }
    last_is_open || words.next().is_none()
}

/// All keys that are written as they are, with what is said of them.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static [Entry])> {
    let plain = OPTIONS.by_key.iter().filter(|(key, _)| !key.contains('<'));
    plain.map(|(key, entries)| (*key, entries.as_slice()))
}

/// The versions of some entries in words.
pub(crate) fn when(entries: &[&Entry], version: Version) -> String {
    let after = entries
        .iter()
        .map(|entry| entry.from)
        .filter(|from| *from > version)
        .min();
    let before = entries
        .iter()
        .map(|entry| entry.to)
        .filter(|to| *to < version)
        .max();
    match (before, after) {
        (Some(last), _) => format!("{last} was the last to have it"),
        (None, Some(first)) => format!("{first} is the first to have it"),
        (None, None) => "no version has it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let (_, entry) = parsed(line).expect(line);
            assert!(entry.from <= entry.to, "{line}");
        }
        assert!(TABLE.lines().filter_map(parsed).count() > 1000);
    }

    #[test]
    fn names_of_the_users_own_are_matched() {
        for key in [
            "metrics.reporter.prom.factory.class",
            "metrics.reporter.prom.port",
            "metrics.reporter.prom.scope.variables.additional",
            "external-resource.gpu.param.discovery-script.args",
            "security.delegation.token.provider.hadoopfs.enabled",
        ] {
            assert!(!entries(key).is_empty(), "{key}");
        }
        assert!(entries("metrics.reporter.prom").is_empty());
        assert!(is_in_map("kubernetes.jobmanager.labels.team", None));
        assert!(!is_in_map("rest.port.x", None));
    }
}
