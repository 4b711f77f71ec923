//! The entries of a YAML map while it is read: each key once, and what merge keys (`<<`) bring in,
//! by the rules of the reader that the file is written for.

use super::mistake::Mistake;
use super::yaml::{At, Dialect, Node, Style, Value};
use std::collections::BTreeMap;

pub(super) struct Entries {
    dialect: Dialect,
    entries: Vec<(Node, Node)>,
    /// Keys that the file itself has in this map, and where.
    own: BTreeMap<String, At>,
    /// What kind merges once the map is read, what goes first in front.
    merged: Vec<(Node, Node)>,
}

impl Entries {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            entries: Vec::new(),
            own: BTreeMap::new(),
            merged: Vec::new(),
        }
    }

    /// The next key with its value.
    pub(super) fn add(&mut self, key: Node, value: Node, is_alias: bool) -> Result<(), Mistake> {
        let Value::Scalar { text, style } = &key.value else {
            return Err(Mistake::at(
                key.at,
                "A key must be a word, not a list or a map.",
            ));
        };
        let is_merge = text == "<<" && *style == Style::Plain;
        if is_merge && self.dialect == Dialect::Core {
            return Err(Mistake::at(key.at, "The merge key `<<` is not supported.")
                .why("YAML 1.2 has none, and tools differ in what they make of it")
                .hint("Write the merged keys out."));
        }
        if key.is_null() {
            return Err(Mistake::at(key.at, "A key is empty."));
        }
        if let Some(first) = self.own.insert(text.clone(), key.at) {
            return Err(
                Mistake::at(key.at, format!("The key `{text}` is there twice."))
                    .why(format!("first in line {}", first.line))
                    .hint("Remove one of the two."),
            );
        }
        if is_merge {
            return self.merge(value, is_alias);
        }
        self.set(key, value);
        Ok(())
    }

    fn merge(&mut self, value: Node, is_alias: bool) -> Result<(), Mistake> {
        let at = value.at;
        let no_maps = || {
            Err(
                Mistake::at(at, "The merge key `<<` merges a map or a list of maps.")
                    .hint("Write the merged keys out."),
            )
        };
        let maps = match value.value {
            Value::Map(entries) => vec![entries],
            Value::List(items) if !is_alias => {
                let mut maps = Vec::new();
                for item in items {
                    match item.value {
                        Value::Map(entries) => maps.push(entries),
                        Value::List(_) | Value::Scalar { .. } => return no_maps(),
                    }
                }
                maps
            }
            Value::List(_) | Value::Scalar { .. } => return no_maps(),
        };
        match self.dialect {
            Dialect::Kind => self.merged.extend(maps.into_iter().flatten()),
            // In its place: what stands before it gives way, what stands behind it does not.
            Dialect::Core | Dialect::Kubectl => {
                for (key, value) in maps.into_iter().rev().flatten() {
                    self.set(key, value);
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, key: Node, value: Node) {
        match self
            .entries
            .iter_mut()
            .find(|(old, _)| old.text() == key.text())
        {
            Some(entry) => *entry = (key, value),
            None => self.entries.push((key, value)),
        }
    }

    pub(super) fn done(mut self) -> Vec<(Node, Node)> {
        for (key, value) in std::mem::take(&mut self.merged) {
            if !self.entries.iter().any(|(old, _)| old.text() == key.text()) {
                self.entries.push((key, value));
            }
        }
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::read_as;
    use super::*;

    /// `key=value` of the map under `m`, in the order of the keys.
    fn merged(text: &str, dialect: Dialect) -> Result<String, Mistake> {
        let root = read_as(text, dialect)?.remove(0);
        let Some(Value::Map(entries)) = root.get("m").map(|node| node.value.clone()) else {
            panic!("no map in {text}");
        };
        let mut words: Vec<String> = entries
            .iter()
            .map(|(key, value)| {
                let word = |node: &Node| node.text().unwrap_or_default().to_owned();
                format!("{}={}", word(key), word(value))
            })
            .collect();
        words.sort();
        Ok(words.join(" "))
    }

    #[test]
    fn merge_keys_by_each_reader() {
        const HEAD: &str = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\n";
        for (map, kind, kubectl) in [
            ("m: {<<: *x, a: 3}", "a=3 b=1", "a=3 b=1"),
            ("m: {a: 3, <<: *x}", "a=3 b=1", "a=1 b=1"),
            ("m: {<<: [*x, *y]}", "a=1 b=1 c=2", "a=1 b=1 c=2"),
            ("m: {<<: {<<: *y, b: 3}}", "b=3 c=2", "b=3 c=2"),
            ("m: {\"<<\": 1}", "<<=1", "<<=1"),
        ] {
            let text = format!("{HEAD}{map}\n");
            assert_eq!(merged(&text, Dialect::Kind).as_deref(), Ok(kind), "{map}");
            assert_eq!(
                merged(&text, Dialect::Kubectl).as_deref(),
                Ok(kubectl),
                "{map}"
            );
        }
        for map in [
            "m: {<<: 1}",
            "m: {<<: [1]}",
            "m: {<<: }",
            "m: {<<: *x, <<: *y}",
            "l: &l [*x]\nm: {<<: *l}",
        ] {
            let text = format!("{HEAD}{map}\n");
            assert!(merged(&text, Dialect::Kind).is_err(), "{map}");
            assert!(merged(&text, Dialect::Kubectl).is_err(), "{map}");
        }
    }
}
