//! `lab.yaml` by itself: names, numbers and paths that could never work.

use super::super::definition::{Definition, Wait};
use super::{Source, remotes};
use crate::failure;
use crate::mistake::did_you_mean;
use flinklab_base::fault::Fault;
use std::collections::BTreeSet;
use std::time::Duration;

/// Node ports that Kubernetes gives out unless its API server is told otherwise.
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30000..=32767;
/// What Flink allows for `kubernetes.cluster-id`, so that config map names fit.
const LONGEST_CLUSTER_ID: usize = 45;
/// Asked more often, Flink's REST serves us instead of the job.
const SHORTEST_POLL: Duration = Duration::from_millis(100);
/// What fits beside a name on a line of a terminal.
const LONGEST_ABOUT: usize = 100;
/// There are nine digits.
const MOST_FIRST: usize = 9;

pub(super) fn check(lab: &Source, definition: &Definition) -> Result<(), Fault> {
    name(lab, &definition.name)?;
    about(lab, &definition.about)?;
    images(lab, definition)?;
    apply(lab, definition)?;
    flink(lab, definition)?;
    roles(lab, definition)?;
    polls(lab, definition)?;
    failures(lab, definition)
}

/// A lab's name: a label, and points in it, as in versions.
fn name(lab: &Source, text: &str) -> Result<(), Fault> {
    if text.split('.').all(is_label) {
        return Ok(());
    }
    lab.at("name", format!("`name` cannot be `{text}`."))
        .why("lower-case letters, digits, `-` and `.`, at most 63, beginning and ending with a letter or digit")
        .done()
}

/// A few words on one line, such as fit into a list.
fn about(lab: &Source, text: &str) -> Result<(), Fault> {
    if text.chars().count() <= LONGEST_ABOUT && !text.contains(flinklab_base::text::harms) {
        return Ok(());
    }
    lab.at("about", "`about` is too long for a list.")
        .why(format!(
            "it is one line of at most {LONGEST_ABOUT} characters"
        ))
        .hint("Tell the rest in comments at the head of lab.yaml.")
        .done()
}

/// A name that Kubernetes takes too.
fn label(lab: &Source, path: &str, text: &str) -> Result<(), Fault> {
    if is_label(text) {
        return Ok(());
    }
    lab.at(path, format!("`{path}` cannot be `{text}`."))
        .why("lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit")
        .done()
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

pub(super) fn image(lab: &Source, path: &str, text: &str) -> Result<(), Fault> {
    let (name, digest) = text.split_once('@').unwrap_or((text, "sha256:"));
    let repository = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    };
    let path_of = repository
        .split_once('/')
        .map_or(repository, |(_, rest)| rest);
    let is_image = !repository.is_empty()
        && digest.starts_with("sha256:")
        && !text.contains(char::is_whitespace)
        && path_of == path_of.to_lowercase();
    if !is_image {
        return lab
            .at(path, format!("`{path}` cannot be `{text}`."))
            .why("an image is named like `flink:2.2.1`, its repository in lower case")
            .done();
    }
    if repository == name && !text.contains('@') {
        return lab
            .at(path, format!("The image `{text}` has no tag."))
            .why("without one it is `latest`, which the kubelet pulls anew each time")
            .hint("Name a version.")
            .done();
    }
    Ok(())
}

fn images(lab: &Source, definition: &Definition) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for (index, name) in definition.images.iter().enumerate() {
        let path = format!("images[{index}]");
        image(lab, &path, name)?;
        if !seen.insert(name) {
            return lab
                .at(&path, format!("The image `{name}` is there twice."))
                .done();
        }
    }
    Ok(())
}

fn apply(lab: &Source, definition: &Definition) -> Result<(), Fault> {
    if definition.apply.is_empty() {
        return lab.at("apply", "`apply` names no manifest.").done();
    }
    let mut seen = BTreeSet::new();
    for (index, apply) in definition.apply.iter().enumerate() {
        let path = format!("apply[{index}].file");
        if apply.file == "lab.yaml" || apply.file == "kind.yaml" {
            return lab
                .at(&path, format!("`{}` is no manifest.", apply.file))
                .hint("List the files that `kubectl apply -f` would take.")
                .done();
        }
        if apply.file.contains(['/', '\\']) {
            return lab
                .at(&path, format!("`{}` is not a file name.", apply.file))
                .why("manifests stand in the lab's folder itself")
                .done();
        }
        if !seen.insert(&apply.file) {
            return lab
                .at(&path, format!("`{}` is listed twice.", apply.file))
                .done();
        }
        remotes::words(lab, index, apply)?;
        if let Some(Wait::Rollout { within }) = &apply.wait
            && within.is_zero()
        {
            let path = format!("apply[{index}].wait.within");
            return lab
                .at(&path, format!("`{path}` must be longer than nothing."))
                .done();
        }
    }
    Ok(())
}

fn flink(lab: &Source, definition: &Definition) -> Result<(), Fault> {
    let flink = &definition.flink;
    label(lab, "flink.namespace", &flink.namespace)?;
    label(lab, "flink.cluster-id", &flink.cluster_id)?;
    if flink.cluster_id.len() > LONGEST_CLUSTER_ID {
        return lab
            .at("flink.cluster-id", "`flink.cluster-id` is too long.")
            .why(format!("Flink allows {LONGEST_CLUSTER_ID} characters"))
            .done();
    }
    if flink.rest.port == 0 {
        return lab
            .at("flink.rest.port", "`flink.rest.port` cannot be 0.")
            .done();
    }
    if !NODE_PORTS.contains(&flink.rest.node_port) {
        return lab
            .at(
                "flink.rest.node-port",
                format!("`flink.rest.node-port` cannot be {}.", flink.rest.node_port),
            )
            .why(format!(
                "node ports are {} to {}",
                NODE_PORTS.start(),
                NODE_PORTS.end()
            ))
            .done();
    }
    if !is_absolute(&flink.mount) {
        return lab
            .at(
                "flink.mount",
                format!("`flink.mount` cannot be `{}`.", flink.mount),
            )
            .why("a path in the pods that begins with `/`, is not `/` itself and has no `..`")
            .done();
    }
    let folders = [
        ("flink.folders.ha", &flink.folders.ha),
        ("flink.folders.checkpoints", &flink.folders.checkpoints),
        ("flink.folders.savepoints", &flink.folders.savepoints),
    ];
    for (index, (path, folder)) in folders.iter().enumerate() {
        if !is_absolute(&format!("/{folder}")) {
            return lab
                .at(path, format!("`{path}` cannot be `{folder}`."))
                .why("a path below the shared folder, without a leading or trailing `/` and without `..`")
                .done();
        }
        let same = folders[..index].iter().find(|(_, other)| {
            let inside = |a: &str, b: &str| format!("{a}/").starts_with(&format!("{b}/"));
            inside(folder, other) || inside(other, folder)
        });
        if let Some((other, _)) = same {
            return lab
                .at(path, format!("`{path}` and `{other}` are not apart."))
                .why("each is looked through by itself")
                .done();
        }
    }
    Ok(())
}

/// `/a/b`, tidy.
pub(super) fn is_absolute(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|rest| {
        rest.split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
    }) && !path.contains(char::is_whitespace)
}

fn roles(lab: &Source, definition: &Definition) -> Result<(), Fault> {
    let Some(given) = &definition.roles else {
        return Ok(());
    };
    let roles = [
        ("jobmanager", &given.jobmanager),
        ("taskmanager", &given.taskmanager),
    ];
    for (role, labels) in roles {
        let path = format!("roles.{role}.selector");
        let is_selector = labels.selector.split(',').all(|part| {
            part.split_once('=').is_some_and(|(key, value)| {
                let key = key.trim();
                !key.is_empty()
                    && key
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte))
                    && value
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
            })
        });
        if !is_selector {
            return lab
                .at(&path, format!("`{path}` cannot be `{}`.", labels.selector))
                .why("labels are written `key=value`, more of them with commas")
                .done();
        }
        label(lab, &format!("roles.{role}.container"), &labels.container)?;
    }
    if given.jobmanager.selector == given.taskmanager.selector {
        return lab
            .at(
                "roles.taskmanager.selector",
                "Both roles have the same selector.",
            )
            .why("no pod could be told from another")
            .done();
    }
    Ok(())
}

fn polls(lab: &Source, definition: &Definition) -> Result<(), Fault> {
    let polls = &definition.polls;
    for (path, poll) in [("polls.calm", polls.calm), ("polls.trouble", polls.trouble)] {
        if poll < SHORTEST_POLL {
            return lab
                .at(
                    path,
                    format!("`{path}` must be {} ms or more.", SHORTEST_POLL.as_millis()),
                )
                .done();
        }
    }
    if polls.trouble > polls.calm {
        return lab
            .at(
                "polls.trouble",
                "`polls.trouble` must not be longer than `polls.calm`.",
            )
            .why("trouble is looked at more closely")
            .done();
    }
    Ok(())
}

fn failures(lab: &Source, definition: &Definition) -> Result<(), Fault> {
    let mut keys: BTreeSet<&str> = BTreeSet::new();
    for (index, own) in definition.failures.iter().enumerate() {
        let path = format!("failures[{index}].key");
        let key = own.key.as_ref();
        label(lab, &path, key)?;
        if failure::find(key).is_some() {
            return lab
                .at(&path, format!("The failure `{key}` is built in already."))
                .hint("Choose another key.")
                .done();
        }
        if !keys.insert(key) {
            return lab
                .at(&path, format!("The failure `{key}` is there twice."))
                .done();
        }
        if let Some(fit) = failure::unfit(own) {
            let path = format!("failures[{index}].{}", fit.field);
            return lab.at(&path, fit.what).done();
        }
    }
    keys.extend(
        failure::CATALOGUE
            .iter()
            .map(|failure| failure.key.as_ref()),
    );
    let mut first = BTreeSet::new();
    for (index, key) in definition.first.iter().enumerate() {
        let path = format!("first[{index}]");
        if !keys.contains(key.as_str()) {
            return lab
                .at(&path, format!("There is no failure `{key}`."))
                .hint(did_you_mean(key, keys.iter().copied()))
                .done();
        }
        if !first.insert(key) {
            return lab.at(&path, format!("`{key}` is there twice.")).done();
        }
        if index == MOST_FIRST {
            return lab
                .at(&path, "There are more entries under `first` than digits.")
                .why(format!("{MOST_FIRST} have one"))
                .done();
        }
    }
    Ok(())
}
