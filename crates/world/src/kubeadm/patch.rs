//! kind's patches for kubeadm's documents: JSON merge patches (RFC 7386) with kind's two exceptions
//! for lists, and JSON patches (RFC 6902). Pure.

use flinklab_base::fault::Fault;
use flinklab_lab::PatchJson6902;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt;

/// Which documents a patch is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    kind: String,
    /// Empty: any.
    api: String,
}

impl Target {
    pub(super) fn of_merge(patch: &Value) -> Self {
        let text = |key: &str| {
            patch
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Self {
            kind: text("kind"),
            api: text("apiVersion"),
        }
    }

    pub(super) fn of_change(change: &PatchJson6902) -> Self {
        let api = match (change.group.as_str(), change.version.as_str()) {
            ("", version) => version.to_owned(),
            (group, version) => format!("{group}/{version}"),
        };
        Self {
            kind: change.kind.clone(),
            api,
        }
    }

    pub(super) fn is(&self, document: &Value) -> bool {
        let found = Self::of_merge(document);
        self.kind == found.kind && (self.api.is_empty() || self.api == found.api)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.api.as_str() {
            "" => write!(f, "{}", self.kind),
            api => write!(f, "{} {api}", self.kind),
        }
    }
}

fn broken(why: impl fmt::Display) -> Fault {
    Fault::wrong(
        "kubeadm-patch",
        "A kubeadm patch in kind.yaml cannot be used.",
    )
    .why(why)
}

/// The documents of one merge patch.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, Fault> {
    let mut all = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        match Value::deserialize(document).map_err(broken)? {
            Value::Null => {}
            object @ Value::Object(_) => all.push(object),
            _ => return Err(broken("it is not a YAML mapping")),
        }
    }
    Ok(all)
}

/// Merges a patch into a document: maps merge, null deletes, everything else replaces. As in kind,
/// `certSANs` are united, and arguments in v1beta4's list form are merged by name.
pub(super) fn merge(document: &mut Value, patch: Value) {
    let mut patch = patch;
    if let Some(map) = patch.as_object_mut() {
        let typed = map.contains_key("apiVersion");
        let lists = document
            .get("apiVersion")
            .and_then(Value::as_str)
            .is_some_and(|api| api == "kubeadm.k8s.io/v1beta4");
        map.shift_remove("kind");
        map.shift_remove("apiVersion");
        special(document, map, lists, typed);
    }
    plain(document, patch);
}

/// Carries out kind's exceptions anywhere in the tree and takes them out of the patch.
fn special(document: &mut Value, patch: &mut Map<String, Value>, lists: bool, typed: bool) {
    if let Some(Value::Array(names)) = patch.shift_remove("certSANs") {
        let known = &mut document["certSANs"];
        if !known.is_array() {
            *known = json!([]);
        }
        if let Value::Array(known) = known {
            for name in names {
                if !known.contains(&name) {
                    known.push(name);
                }
            }
        }
    }
    if lists {
        for key in ["extraArgs", "kubeletExtraArgs"] {
            match patch.shift_remove(key) {
                Some(Value::Array(changes)) => merge_arguments(&mut document[key], changes),
                // A map that says it is v1beta4 is wrong; kind drops it.
                Some(Value::Object(map)) if !typed => {
                    let changes = map
                        .into_iter()
                        .map(|(name, value)| json!({"name": name, "value": value}))
                        .collect();
                    merge_arguments(&mut document[key], changes);
                }
                _ => {}
            }
        }
    }
    for (key, value) in patch {
        let Some(inner) = value.as_object_mut() else {
            continue;
        };
        if document.get(key.as_str()).is_some_and(Value::is_object) {
            special(&mut document[key.as_str()], inner, lists, typed);
        }
    }
}

fn merge_arguments(known: &mut Value, changes: Vec<Value>) {
    if !known.is_array() {
        *known = json!([]);
    }
    let Value::Array(known) = known else { return };
    for change in changes {
        let same = |one: &Value| one["name"] == change["name"];
        if change["value"].is_null() {
            known.retain(|one| !same(one));
            continue;
        }
        match known.iter().position(same) {
            Some(index) => known[index] = change,
            None => known.push(change),
        }
    }
}

pub(crate) fn plain(document: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *document = patch;
        return;
    };
    if !document.is_object() {
        *document = json!({});
    }
    if let Value::Object(document) = document {
        for (key, value) in patch {
            if value.is_null() {
                document.shift_remove(&key);
            } else {
                plain(document.entry(key).or_insert(Value::Null), value);
            }
        }
    }
}

/// One operation of a JSON patch.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Operation {
    Add { path: String, value: Value },
    Remove { path: String },
    Replace { path: String, value: Value },
    Move { from: String, path: String },
    Copy { from: String, path: String },
    Test { path: String, value: Value },
}

/// The operations of a patch, YAML or JSON.
pub(crate) fn operations(text: &str) -> Result<Vec<Operation>, Fault> {
    serde_yaml::from_str(text).map_err(broken)
}

/// Applies the operations in order; the first that cannot be applied is a fault.
pub(crate) fn apply(document: &mut Value, operations: &[Operation]) -> Result<(), Fault> {
    for operation in operations {
        match operation {
            Operation::Add { path, value } => add(document, path, value.clone())?,
            Operation::Remove { path } => drop(remove(document, path)?),
            Operation::Replace { path, value } => *found(document, path)? = value.clone(),
            Operation::Move { from, path } => {
                let value = remove(document, from)?;
                add(document, path, value)?;
            }
            Operation::Copy { from, path } => {
                let value = found(document, from)?.clone();
                add(document, path, value)?;
            }
            Operation::Test { path, value } => {
                if found(document, path)? != value {
                    return Err(broken(format!("the test of {path} does not hold")));
                }
            }
        }
    }
    Ok(())
}

fn missing(path: &str) -> Fault {
    broken(format!("there is nothing at {path}"))
}

/// The parent's path and the unescaped last key.
fn split(path: &str) -> Result<(&str, String), Fault> {
    let (parent, key) = path.rsplit_once('/').ok_or_else(|| missing(path))?;
    Ok((parent, key.replace("~1", "/").replace("~0", "~")))
}

/// A position in a list; negative ones count from the end.
fn position(key: &str, length: usize, path: &str) -> Result<usize, Fault> {
    let index: i64 = key.parse().map_err(|_| missing(path))?;
    let length = i64::try_from(length).map_err(broken)?;
    let index = if index < 0 { index + length } else { index };
    match usize::try_from(index) {
        Ok(at) if index < length => Ok(at),
        _ => Err(missing(path)),
    }
}

fn found<'a>(document: &'a mut Value, path: &str) -> Result<&'a mut Value, Fault> {
    if path.is_empty() {
        return Ok(document);
    }
    let (parent, key) = split(path)?;
    match found(document, parent)? {
        Value::Object(map) => map.get_mut(&key).ok_or_else(|| missing(path)),
        Value::Array(list) => {
            let at = position(&key, list.len(), path)?;
            Ok(&mut list[at])
        }
        _ => Err(missing(path)),
    }
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), Fault> {
    if path.is_empty() {
        *document = value;
        return Ok(());
    }
    let (parent, key) = split(path)?;
    match found(document, parent)? {
        Value::Object(map) => {
            map.insert(key, value);
        }
        Value::Array(list) if key == "-" => list.push(value),
        // One past the end is a place to add to.
        Value::Array(list) => {
            let at = position(&key, list.len() + 1, path)?;
            list.insert(at, value);
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn remove(document: &mut Value, path: &str) -> Result<Value, Fault> {
    let (parent, key) = split(path)?;
    match found(document, parent)? {
        Value::Object(map) => map.shift_remove(&key).ok_or_else(|| missing(path)),
        Value::Array(list) => {
            let at = position(&key, list.len(), path)?;
            Ok(list.remove(at))
        }
        _ => Err(missing(path)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn merged(document: Value, patch: Value) -> Value {
        let mut document = document;
        merge(&mut document, patch);
        document
    }

    #[test]
    fn maps_merge_lists_replace_and_null_deletes() {
        assert_eq!(
            merged(
                json!({"kind": "K", "a": {"b": 1, "c": [1, 2]}, "d": 4}),
                json!({"kind": "K", "a": {"c": [3]}, "d": null, "e": {"f": null, "g": 1}}),
            ),
            json!({"kind": "K", "a": {"b": 1, "c": [3]}, "e": {"g": 1}}),
        );
    }

    #[test]
    fn certificate_names_are_united() {
        assert_eq!(
            merged(
                json!({"apiServer": {"certSANs": ["localhost", "127.0.0.1"]}}),
                json!({"apiServer": {"certSANs": ["localhost", "lab"], "x": 1}}),
            ),
            json!({"apiServer": {"certSANs": ["localhost", "127.0.0.1", "lab"], "x": 1}}),
        );
    }

    #[test]
    fn arguments_of_v1beta4_merge_by_name() {
        let document = json!({
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "apiServer": {"extraArgs": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]},
        });
        let wanted = json!({
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "apiServer": {"extraArgs": [{"name": "a", "value": "9"}, {"name": "c", "value": "3"}]},
        });
        let untyped = json!({"apiServer": {"extraArgs": {"a": "9", "b": null, "c": "3"}}});
        assert_eq!(merged(document.clone(), untyped), wanted);
        let list = json!({"apiVersion": "kubeadm.k8s.io/v1beta4", "apiServer": {"extraArgs": [
            {"name": "a", "value": "9"}, {"name": "b", "value": null}, {"name": "c", "value": "3"},
        ]}});
        assert_eq!(merged(document.clone(), list), wanted);
        let typed_map =
            json!({"apiVersion": "kubeadm.k8s.io/v1beta4", "apiServer": {"extraArgs": {"a": "9"}}});
        assert_eq!(merged(document.clone(), typed_map), document);
    }

    #[test]
    fn json_patches_apply_in_order_or_not_at_all() {
        let mut document = json!({"list": [1, 2], "map": {"a/b": 1}});
        let all = operations(
            "- {op: add, path: /list/-, value: 3}\n- {op: remove, path: /list/0}\n\
             - {op: replace, path: /map/a~1b, value: 7}\n- {op: copy, from: /list/-1, path: /last}\n\
             - {op: move, from: /last, path: /list/0}\n- {op: test, path: /list/0, value: 3}",
        )
        .unwrap();
        apply(&mut document, &all).unwrap();
        assert_eq!(document, json!({"list": [3, 2, 3], "map": {"a/b": 7}}));
        let bad = operations("- {op: remove, path: /none}").unwrap();
        assert_eq!(
            apply(&mut document, &bad).unwrap_err().code,
            "kubeadm-patch"
        );
    }
}
