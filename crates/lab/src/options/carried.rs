//! Options that reach Flink past its files: `FLINK_PROPERTIES` in a container's environment, which
//! the entrypoint of Flink's image adds to the file, and `-D` among the arguments.

use super::version::{LEGACY, Version};
use super::{Options, read};
use crate::mistake::Mistake;
use crate::yaml::{At, Node};

/// The variable that the entrypoint reads.
pub(crate) const VARIABLE: &str = "FLINK_PROPERTIES";

/// The entry of a container's environment that holds them, and their text.
pub(crate) fn variable(container: &Node) -> Option<(&Node, &Node)> {
    let all = container.get("env").map_or(&[][..], Node::items);
    let entry = all
        .iter()
        .find(|entry| entry.get("name").and_then(Node::text) == Some(VARIABLE))?;
    Some((entry, entry.get("value")?))
}

/// The options in it. Up to 1.18 the entrypoint adds its text to the legacy file as it is; from 1.19
/// on it takes each line by itself, without any space in it.
pub(crate) fn properties(text: &Node, version: Option<Version>) -> Result<Options, Mistake> {
    let whole = text.text().unwrap_or_default();
    if version.is_some_and(|version| !version.reads_standard()) {
        let options = read(LEGACY, whole).map_err(|mut mistake| {
            mistake.at = text.inside(mistake.at);
            mistake
        })?;
        let placed = options.into_iter();
        return Ok(placed
            .map(|(key, (value, at))| (key, (value, text.inside(at))))
            .collect());
    }
    let mut options = Options::new();
    for (index, line) in whole.lines().enumerate() {
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        let at = text.inside(At {
            line: index + 1,
            column: indent + 1,
        });
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            return Err(
                Mistake::at(at, format!("This line of {VARIABLE} is no option."))
                    .why("each line is `option: value`"),
            );
        };
        let value = value.trim();
        if version.is_some() && is_torn(value) {
            return Err(
                Mistake::at(at, format!("`{}` loses its spaces in {VARIABLE}.", key.trim()))
                    .why("from 1.19 on, the image takes every space out of a line: `-Xa -Xb` becomes `-Xa-Xb`")
                    .hint("Put the option into the config map, or among the arguments: `-D`, then `option=value`."),
            );
        }
        options.insert(key.trim().to_owned(), (value.to_owned(), at));
    }
    Ok(options)
}

/// Whether a value means something else without the spaces in it: one of several words does, a
/// number with its unit and a list do not.
fn is_torn(value: &str) -> bool {
    let words: Vec<&str> = value.split_whitespace().collect();
    let apart = words.windows(2).any(|pair| {
        !pair[0].ends_with([',', ';', ':', '[', '{']) && !pair[1].starts_with([',', ';', ']', '}'])
    });
    apart && super::time(value).is_none() && super::value::size(value).is_none()
}

/// The options among the arguments of a container: `-D` and `key=value` in one or in two.
pub(crate) fn arguments(container: &Node) -> Options {
    let mut options = Options::new();
    for list in ["command", "args"] {
        let all = container.get(list).map_or(&[][..], Node::items);
        let mut follows = false;
        for argument in all {
            let text = argument.text().unwrap_or_default();
            let pair = match (follows, text.strip_prefix("-D")) {
                (true, _) => Some(text),
                (false, Some(pair)) if !pair.is_empty() => Some(pair),
                _ => None,
            };
            follows = !follows && text == "-D";
            if let Some((key, value)) = pair.and_then(|pair| pair.split_once('=')) {
                options.insert(key.to_owned(), (value.to_owned(), argument.at));
            }
        }
    }
    options
}
