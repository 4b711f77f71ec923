//! Flink's options as a config map carries them: `config.yaml`, nested or dotted, or the legacy
//! `flink-conf.yaml`, which looks like YAML and is read line by line. Tells what each option is set
//! to and where; what a value means is `known`'s to say.

pub(super) mod known;

use super::mistake::Mistake;
use super::yaml::{self, At, Node, Value};
use std::collections::BTreeMap;

/// Files that Flink reads. Up to 1.20 the legacy one wins where both are there; 2.0 knows only the
/// other.
pub(super) const FILES: [&str; 2] = ["flink-conf.yaml", "config.yaml"];

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

/// What a config map carries; none: nothing of Flink's.
pub(super) fn of(map: &Node) -> Result<Option<Configuration<'_>>, Mistake> {
    let Some(data) = map.get("data") else {
        return Ok(None);
    };
    for file in FILES {
        let Some(text) = data.get(file) else { continue };
        let options = read(file, text.text().unwrap_or_default()).map_err(|mut mistake| {
            mistake.at = text.inside(mistake.at);
            mistake
        })?;
        let placed = |(key, (value, at)): (String, (String, At))| (key, (value, text.inside(at)));
        return Ok(Some(Configuration {
            file,
            text,
            options: options.into_iter().map(placed).collect(),
        }));
    }
    Ok(None)
}

/// The options in a file of that name, with places in its own text.
pub(super) fn read(file: &str, text: &str) -> Result<Options, Mistake> {
    let mut options = Options::new();
    if file == FILES[0] {
        legacy(text, &mut options)?;
    } else if let Some(root) = yaml::read(text)?.first() {
        flatten(root, "", &mut options);
    }
    Ok(options)
}

/// Nested or dotted, both are allowed and mean the same.
pub(super) fn flatten(node: &Node, path: &str, into: &mut Options) {
    match &node.value {
        Value::Map(entries) => {
            for (key, value) in entries {
                let key = key.text().unwrap_or_default();
                let path = match path.is_empty() {
                    true => key.to_owned(),
                    false => format!("{path}.{key}"),
                };
                flatten(value, &path, into);
            }
        }
        Value::Scalar { text, .. } => {
            into.insert(path.to_owned(), (text.clone(), node.at));
        }
        Value::List(_) => {}
    }
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
            _ => {
                return Err(Mistake::at(at(indent), "Flink would pass over this line.")
                    .why("`flink-conf.yaml` is read line by line, and this is no `option: value`")
                    .mend("Write the option's whole name, a colon, a space and the value."));
            }
        };
        let lead = value.len() - value.trim_start().len();
        let column = line[..key.len() + 2 + lead].chars().count();
        into.insert(key.trim().to_owned(), (value.trim().to_owned(), at(column)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn nested_dotted_and_legacy_say_the_same() {
        let nested = read("config.yaml", "rest:\n  port: 8081 # all\n").unwrap();
        let dotted = read("config.yaml", "rest.port: 8081\n").unwrap();
        let legacy = read("flink-conf.yaml", "# ports\n\nrest.port:   8081 # all\n").unwrap();
        for options in [&nested, &dotted, &legacy] {
            assert_eq!(options["rest.port"].0, "8081");
        }
        assert_eq!(
            legacy["rest.port"].1,
            At {
                line: 3,
                column: 14
            }
        );
    }

    #[test]
    fn a_line_that_flink_would_pass_over_is_a_mistake() {
        for text in ["rest.port:8081", "rest:", "  - a", "# fine\nrest.port 8081"] {
            assert!(read("flink-conf.yaml", text).is_err(), "{text}");
        }
        // a colon in the value is the value's, as Flink splits at the first
        let options = read("flink-conf.yaml", "env.java.opts: -Da=b: c").unwrap();
        assert_eq!(options["env.java.opts"].0, "-Da=b: c");
    }
}
