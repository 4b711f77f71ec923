//! Flink's options as a config map carries them: `config.yaml`, nested or dotted, or the legacy
//! `flink-conf.yaml`, which looks like YAML and is read line by line. Tells what each option is set
//! to and where, as Flink reads it; what a version makes of a name and a value is `known`'s to say.

pub(super) mod carried;
pub(super) mod known;
mod standard;
mod table;
mod value;
pub(super) mod version;
pub(super) mod words;

pub(super) use standard::{canonical, flatten};
pub(super) use value::time;

use super::mistake::Mistake;
use super::yaml::{self, At, Node};
use std::collections::BTreeMap;
use version::{LEGACY, STANDARD, Version};

/// Files that Flink reads, the legacy one first.
pub(super) const FILES: [&str; 2] = [LEGACY, STANDARD];

/// Options by name, each with its value and where that stands in the manifest.
pub(super) type Options = BTreeMap<String, (String, At)>;

/// Flink's configuration in one config map.
pub(super) struct Configuration<'a> {
    /// Which of `FILES` it is.
    pub(super) file: &'static str,
    /// The text, as a scalar of the manifest.
    pub(super) text: &'a Node,
    pub(super) options: Options,
}

/// What a config map carries for a version to be changed; none: nothing of Flink's. A file that the
/// version does not read is taken where there is no other, and an option without a value is none:
/// whether that is a mistake, `check` says of what comes out.
pub(super) fn of(
    map: &Node,
    version: Option<Version>,
) -> Result<Option<Configuration<'_>>, Mistake> {
    let there = |file: &str| map.get("data").is_some_and(|data| data.get(file).is_some());
    let counting = version::counting(version, there).or(version::counting(None, there));
    counting.map_or(Ok(None), |file| found(map, file, file, readable))
}

/// What is under a key of a config map, read as one of `FILES`; none where nothing is there.
pub(super) fn in_key<'a>(
    map: &'a Node,
    key: &str,
    file: &'static str,
) -> Result<Option<Configuration<'a>>, Mistake> {
    found(map, key, file, read)
}

fn found<'a>(
    map: &'a Node,
    key: &str,
    file: &'static str,
    read: fn(&str, &str) -> Result<Options, Mistake>,
) -> Result<Option<Configuration<'a>>, Mistake> {
    let Some(text) = map.get("data").and_then(|data| data.get(key)) else {
        return Ok(None);
    };
    let options = read(file, text.text().unwrap_or_default()).map_err(|mut mistake| {
        mistake.at = text.inside(mistake.at);
        mistake
    })?;
    let placed = |(key, (value, at)): (String, (String, At))| (key, (value, text.inside(at)));
    Ok(Some(Configuration {
        file,
        text,
        options: options.into_iter().map(placed).collect(),
    }))
}

/// The options in a file of that name, with places in its own text.
pub(super) fn read(file: &str, text: &str) -> Result<Options, Mistake> {
    let mut options = Options::new();
    if file == LEGACY {
        legacy(text, &mut options)?;
        return Ok(options);
    }
    let documents = yaml::read(text)?;
    if let Some(second) = documents.get(1) {
        return Err(Mistake::at(second.at, "Another document begins here.")
            .why("Flink would not start: it takes one")
            .hint("Remove the `---`."));
    }
    if let Some(root) = documents.first() {
        standard::options(root, text, &mut options)?;
    }
    Ok(options)
}

/// The options in a file that Flink may refuse, as far as they can be read.
pub(super) fn readable(file: &str, text: &str) -> Result<Options, Mistake> {
    let mut options = Options::new();
    if file == LEGACY {
        legacy(text, &mut options)?;
    } else if let Some(root) = yaml::read(text)?.first() {
        flatten(root, "", &mut options);
    }
    Ok(options)
}

/// `key: value` a line, all from a `#` on is a comment. Flink passes over a line that it cannot
/// read with a warning that nobody sees, so here it is a mistake.
fn legacy(text: &str, into: &mut Options) -> Result<(), Mistake> {
    for (index, whole) in text.lines().enumerate() {
        let line = whole.split('#').next().unwrap_or_default();
        if line.trim().is_empty() {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let at = |column: usize| At {
            line: index + 1,
            column: column + 1,
        };
        let (key, value) = match line.split_once(": ") {
            Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
                (key, value)
            }
            // what begins a document in YAML means nothing here, and harms nothing
            _ if line.trim_end() == "---" => continue,
            _ => {
                return Err(Mistake::at(at(indent), "Flink would pass over this line.")
                    .why("`flink-conf.yaml` is read line by line, and this is no `option: value`")
                    .hint("Write the option's whole name, a colon, a space and the value."));
            }
        };
        let lead = value.len() - value.trim_start().len();
        let column = line[..key.len() + 2 + lead].chars().count();
        let (key, value) = (key.trim(), value.trim().to_owned());
        if let Some((_, first)) = into.insert(key.to_owned(), (value, at(column))) {
            return Err(twice(key, first, at(indent)));
        }
    }
    Ok(())
}

/// An option that is set a second time.
fn twice(key: &str, first: At, second: At) -> Mistake {
    let above = match second.line.saturating_sub(first.line) {
        0 => "first in the same line".to_owned(),
        1 => "first in the line above".to_owned(),
        lines => format!("first {lines} lines above"),
    };
    Mistake::at(second, format!("The option `{key}` is there twice."))
        .why(format!("{above}; Flink takes the later one without a word"))
        .hint("Remove one of the two.")
}

#[cfg(test)]
mod tests;
