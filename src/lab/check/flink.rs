//! Flink's own configuration, where a manifest carries it: it must agree with lab.yaml, or the
//! lab would be built and then watched in the wrong place. Options that say nothing about that
//! are Flink's to judge.

use super::super::yaml::{self, At, Node, Value};
use super::pods::Pods;
use super::{Object, Whole};
use crate::fault::Fault;
use std::collections::BTreeMap;

pub(super) fn check(whole: &Whole<'_>, pods: &Pods<'_>) -> Result<(), Fault> {
    let volumes = pods
        .template
        .find("spec.volumes")
        .map_or(&[][..], Node::items);
    for volume in volumes {
        let name = volume.find("configMap.name").and_then(Node::text);
        let map = whole.objects.iter().find(|object| {
            object.document.kind == "ConfigMap"
                && Some(object.document.name.as_str()) == name
                && object.document.namespace == pods.object.document.namespace
        });
        let Some(map) = map else { continue };
        if let Some(text) = map
            .node
            .get("data")
            .and_then(|data| data.get("config.yaml"))
        {
            let documents =
                yaml::read(text.text().unwrap_or_default()).map_err(|mut mistake| {
                    mistake.at = text.inside(mistake.at);
                    mistake.fault(map.source.code, &map.source.file)
                })?;
            let mut options = BTreeMap::new();
            if let Some(root) = documents.first() {
                flatten(root, "", &mut options);
            }
            agree(whole, map, text, &options)?;
        }
    }
    Ok(())
}

/// Nested or dotted, both are allowed and mean the same.
fn flatten(node: &Node, path: &str, into: &mut BTreeMap<String, (String, At)>) {
    match &node.value {
        Value::Map(entries) => {
            for (key, value) in entries {
                let key = key.text().unwrap_or_default();
                let path = if path.is_empty() {
                    key.to_owned()
                } else {
                    format!("{path}.{key}")
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

fn agree(
    whole: &Whole<'_>,
    map: &Object<'_>,
    text: &Node,
    options: &BTreeMap<String, (String, At)>,
) -> Result<(), Fault> {
    let flink = &whole.definition.flink;
    let says = |path: &str, value: &str| format!("`{path}` in lab.yaml says `{value}`");
    let differs = |keys: &[&str], wanted: &str, why: String| -> Result<(), Fault> {
        let Some((key, (value, at))) = keys.iter().find_map(|key| options.get_key_value(*key))
        else {
            return Ok(());
        };
        if value == wanted {
            return Ok(());
        }
        map.source
            .here(
                text.inside(*at),
                format!("`{key}` is `{value}`, which does not fit to lab.yaml."),
            )
            .why(why)
            .mend(format!("Write `{key}: {wanted}`, or change lab.yaml."))
            .done()
    };
    let id = flink.cluster_id.as_str();
    differs(&["kubernetes.cluster-id"], id, says("flink.cluster-id", id))?;
    let namespace = flink.namespace.as_str();
    differs(
        &["kubernetes.namespace"],
        namespace,
        says("flink.namespace", namespace),
    )?;
    let port = flink.rest.port.to_string();
    differs(&["rest.port"], &port, says("flink.rest.port", &port))?;

    let folder = |keys: &[&str], name: &str, wanted: &str, below: &str| -> Result<(), Fault> {
        let Some((key, (value, at))) = keys.iter().find_map(|key| options.get_key_value(*key))
        else {
            return Ok(());
        };
        let Some(path) = local(value) else {
            return Ok(());
        };
        let whole_path = format!("{}{below}", path.trim_end_matches('/'));
        let expected = format!("{}/{wanted}", flink.mount);
        if whole_path == expected {
            return Ok(());
        }
        map.source
            .here(
                text.inside(*at),
                format!("`{key}` leads to `{whole_path}`, which does not fit to lab.yaml."),
            )
            .why(format!(
                "`flink.mount` and `flink.folders.{name}` there make `{expected}`"
            ))
            .done()
    };
    // Flink puts HA files below storageDir into a folder named by this option.
    let ha_id = options
        .get("high-availability.cluster-id")
        .map_or("default", |(value, _)| value.trim_matches('/'));
    folder(
        &["high-availability.storageDir"],
        "ha",
        &flink.folders.ha,
        &format!("/{ha_id}"),
    )?;
    folder(
        &["execution.checkpointing.dir", "state.checkpoints.dir"],
        "checkpoints",
        &flink.folders.checkpoints,
        "",
    )?;
    folder(
        &[
            "execution.checkpointing.savepoint-dir",
            "state.savepoints.dir",
        ],
        "savepoints",
        &flink.folders.savepoints,
        "",
    )
}

/// The path of `file:/a`, `file:///a` or `/a`; none of another file system.
fn local(address: &str) -> Option<String> {
    let path = address.strip_prefix("file:").unwrap_or(address);
    let path = path.strip_prefix("//").unwrap_or(path);
    path.starts_with('/').then(|| path.to_owned())
}
