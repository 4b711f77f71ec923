//! Which of Flink's files a container finds, under which name, and what else tells it options. A
//! file that its version does not read is as good as none: Flink says nothing and takes its defaults.

use super::pods::Pods;
use super::{Object, Whole};
use crate::options::carried;
use crate::options::version::{LEGACY, STANDARD, Version, counting};
use crate::options::{self, FILES, Options, known, words};
use crate::yaml::{Node, Value};
use flinklab_base::fault::Fault;

/// A file of Flink's, as a container finds it.
struct Found<'a> {
    map: &'a Object<'a>,
    /// Under which key of the map its text is.
    key: String,
    /// Its name, which decides how it is read.
    file: &'static str,
    place: Place,
}

/// Where the container has it.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// In Flink's folder, beside what the image has there.
    Beside,
    /// In Flink's folder, which is the config map and nothing else.
    Alone,
    /// Anywhere else: a script may bring it to Flink.
    Elsewhere,
}

pub(super) fn check(whole: &Whole<'_>, pods: &Pods<'_>) -> Result<(), Fault> {
    let version = of(whole, pods);
    let found = files(whole, pods)?;
    let source = pods.object.source;
    let mut carried = Options::new();
    let variable = carried::variable(pods.container);
    if let Some((_, text)) = variable {
        carried = carried::properties(text, version)
            .map_err(|mistake| mistake.fault(source.code, &source.file))?;
    }
    carried.extend(carried::arguments(pods.container));

    let sure: Vec<&Found<'_>> = found
        .iter()
        .filter(|one| one.place != Place::Elsewhere)
        .collect();
    let counts = counting(version, |file| sure.iter().any(|one| one.file == file));
    if let (Some(version), None, Some(one)) = (version, counts, sure.first())
        && !words::HA.iter().any(|key| carried.contains_key(*key))
    {
        return unread(one, version);
    }
    if let (Some((entry, _)), true, None) =
        (variable, counts.is_some(), pods.container.get("command"))
    {
        let file = counts.unwrap_or(STANDARD);
        return source
            .here(entry.at, format!("{} changes nothing here.", carried::VARIABLE))
            .why(format!(
                "the image would add it to `{file}`, which is mounted from a config map and cannot be written"
            ))
            .hint("Put its options into the config map.")
            .done();
    }
    understood(pods.object, &carried, version)?;
    for one in &found {
        if one.place != Place::Elsewhere && counts != Some(one.file) {
            continue; // not read, so neither right nor wrong
        }
        let source = one.map.source;
        let text = options::in_key(one.map.node, &one.key, one.file)
            .map_err(|mistake| mistake.fault(source.code, &source.file))?;
        if let Some(text) = text {
            understood(one.map, &text.options, version)?;
        }
    }
    Ok(())
}

/// The version of Flink that the container's image says.
pub(super) fn of(whole: &Whole<'_>, pods: &Pods<'_>) -> Option<Version> {
    let own = pods.container.get("image").and_then(Node::text);
    own.map_or_else(
        || Version::of_image(&whole.definition.job.image),
        Version::of_image,
    )
}

/// Names and values must be those of the version. A name of which nothing is known may be that of an
/// option that the user's own code reads.
pub(super) fn understood(
    object: &Object<'_>,
    options: &Options,
    version: Option<Version>,
) -> Result<(), Fault> {
    // whether high availability is on, `session` says of what all sources together make of it
    let others = options
        .iter()
        .filter(|(key, _)| !words::HA.contains(&key.as_str()));
    for (key, (value, at)) in others {
        let named = known::name(key, version);
        let objection = match named {
            Err(objection) if !objection.foreign => Some(objection),
            _ => known::value(key, value, version).err(),
        };
        if let Some(wrong) = objection {
            let mistake = object.source.here(*at, wrong.what);
            return mistake.why(wrong.why).hint(wrong.hint).done();
        }
    }
    Ok(())
}

/// Only a file that the version does not read is there.
fn unread(found: &Found<'_>, version: Version) -> Result<(), Fault> {
    let (other, image) = match found.file {
        LEGACY => (STANDARD, "1.20 or older"),
        _ => (LEGACY, "1.19 or newer"),
    };
    let at = found
        .map
        .node
        .find("data")
        .and_then(|data| data.entry(&found.key));
    let at = at.map_or(found.map.node.at, |(key, _)| key.at);
    let outcome = match found.place {
        Place::Alone => "and would not start without it",
        Place::Beside | Place::Elsewhere => {
            "and would run with its defaults: no high availability, no checkpoints"
        }
    };
    found
        .map
        .source
        .here(at, format!("Flink {version} does not read `{}`.", found.file))
        .why(format!("it reads `{other}` only, {outcome}"))
        .hint(format!(
            "Call it `{other}`, here and where the pods mount it, or take an image of Flink {image}."
        ))
        .done()
}

/// The files of Flink's that a container is given by config maps.
fn files<'a>(whole: &'a Whole<'a>, pods: &Pods<'_>) -> Result<Vec<Found<'a>>, Fault> {
    let mut found = Vec::new();
    for volume in pods.spec.get("volumes").map_or(&[][..], Node::items) {
        let name = volume.get("name").and_then(Node::text).unwrap_or_default();
        let own = volume.get("configMap").into_iter();
        let sources = volume
            .find("projected.sources")
            .map_or(&[][..], Node::items);
        let projected = sources.iter().filter_map(|source| source.get("configMap"));
        for config in own.chain(projected) {
            let Some(map) = map_of(whole, pods, config) else {
                continue;
            };
            let entries = entries(pods, config, map)?;
            let mounts = pods
                .container
                .get("volumeMounts")
                .map_or(&[][..], Node::items);
            let mut mounts = mounts
                .iter()
                .filter(|mount| mount.get("name").and_then(Node::text) == Some(name))
                .peekable();
            if mounts.peek().is_none() {
                found.extend(elsewhere(map, &entries));
            }
            for mount in mounts {
                found.extend(mounted(pods, mount, (config, map), &entries)?);
            }
        }
    }
    Ok(found)
}

fn map_of<'a>(whole: &'a Whole<'a>, pods: &Pods<'_>, config: &Node) -> Option<&'a Object<'a>> {
    let name = config.get("name").and_then(Node::text)?;
    whole.objects.iter().find(|object| {
        object.document.kind == "ConfigMap"
            && object.document.name == name
            && object.document.namespace == pods.object.document.namespace
    })
}

/// The keys of a config map, text or bytes.
fn keys(map: &Node) -> Vec<&str> {
    let parts = ["data", "binaryData"]
        .into_iter()
        .filter_map(|part| map.get(part));
    let entries = parts.filter_map(|part| match &part.value {
        Value::Map(entries) => Some(entries),
        Value::Scalar { .. } | Value::List(_) => None,
    });
    entries
        .flatten()
        .filter_map(|(key, _)| key.text())
        .collect()
}

/// What a volume makes of a config map: names of files with their keys.
fn entries(
    pods: &Pods<'_>,
    config: &Node,
    map: &Object<'_>,
) -> Result<Vec<(String, String)>, Fault> {
    let keys = keys(map.node);
    let Some(items) = config.get("items") else {
        return Ok(keys
            .iter()
            .map(|key| ((*key).to_owned(), (*key).to_owned()))
            .collect());
    };
    let mut all = Vec::new();
    for item in items.items() {
        let text = |word: &str| item.get(word).and_then(Node::text).unwrap_or_default();
        let (key, path) = (text("key"), text("path"));
        if !keys.contains(&key) && !is_optional(config) {
            let at = item.place("key");
            return no_key(
                pods,
                at,
                (key, map),
                "the pods would wait for it and never start",
            );
        }
        all.push((path.to_owned(), key.to_owned()));
    }
    Ok(all)
}

fn is_optional(config: &Node) -> bool {
    config.get("optional").and_then(Node::text) == Some("true")
}

fn no_key<T>(
    pods: &Pods<'_>,
    at: crate::yaml::At,
    (key, map): (&str, &Object<'_>),
    outcome: &str,
) -> Result<T, Fault> {
    let keys = keys(map.node);
    let has = crate::mistake::listed(keys.iter().copied());
    pods.object
        .source
        .here(
            at,
            format!("The ConfigMap `{}` has no key `{key}`.", map.document.name),
        )
        .why(format!("it has {has}; {outcome}"))
        .hint(crate::mistake::did_you_mean(key, keys))
        .done()
}

/// Flink's files that a mount brings into a container.
fn mounted<'a>(
    pods: &Pods<'_>,
    mount: &Node,
    (config, map): (&Node, &'a Object<'a>),
    entries: &[(String, String)],
) -> Result<Vec<Found<'a>>, Fault> {
    let text = |word: &str| mount.get(word).and_then(Node::text);
    let path = text("mountPath").unwrap_or_default().trim_end_matches('/');
    let Some(part) = text("subPath") else {
        let place = if is_flinks(pods, path) {
            Place::Alone
        } else {
            Place::Elsewhere
        };
        return Ok(among(map, entries, place).collect());
    };
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let entry = entries.iter().find(|(file, _)| file == part);
    let Some((_, key)) = entry else {
        if part.contains('/') || is_optional(config) || text("subPathExpr").is_some() {
            return Ok(Vec::new());
        }
        let outcome = "an empty folder would be mounted in place of the file";
        return no_key(pods, mount.place("subPath"), (part, map), outcome);
    };
    let file = FILES.iter().find(|file| **file == name);
    Ok(file
        .map(|file| Found {
            map,
            key: key.clone(),
            file,
            place: if is_flinks(pods, folder) {
                Place::Beside
            } else {
                Place::Elsewhere
            },
        })
        .into_iter()
        .collect())
}

/// Flink's files among those of a volume.
fn among<'a>(
    map: &'a Object<'a>,
    entries: &[(String, String)],
    place: Place,
) -> impl Iterator<Item = Found<'a>> {
    let files = entries.iter().filter_map(move |(name, key)| {
        let file = FILES.iter().find(|file| *file == name)?;
        Some(Found {
            map,
            key: key.clone(),
            file,
            place,
        })
    });
    files.collect::<Vec<_>>().into_iter()
}

/// A volume that the container itself does not mount: another one prepares it.
fn elsewhere<'a>(
    map: &'a Object<'a>,
    entries: &[(String, String)],
) -> impl Iterator<Item = Found<'a>> {
    among(map, entries, Place::Elsewhere)
}

/// Whether Flink looks for its files in a folder.
fn is_flinks(pods: &Pods<'_>, folder: &str) -> bool {
    let all = pods.container.get("env").map_or(&[][..], Node::items);
    let said = |name: &str| {
        let entry = all
            .iter()
            .find(|entry| entry.get("name").and_then(Node::text) == Some(name))?;
        entry.get("value")?.text()
    };
    match (said("FLINK_CONF_DIR"), said("FLINK_HOME")) {
        (Some(own), _) => own.trim_end_matches('/') == folder,
        (None, Some(home)) => format!("{}/conf", home.trim_end_matches('/')) == folder,
        (None, None) => folder == "/opt/flink/conf",
    }
}

#[cfg(test)]
mod tests;
