//! How a patch becomes part of an object: JSON merge patch, Kubernetes' strategic merge as far as
//! lists of named things go, and server-side apply with its owners and conflicts.

use super::status::Status;
use super::store::{Key, Store};
use serde_json::Value;
use std::collections::BTreeSet;

/// RFC 7386.
pub(crate) use json_patch::merge;

/// As above, but lists whose items have names are merged by them.
pub(crate) fn strategic(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    target.remove(key);
                } else {
                    strategic(target.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (Value::Array(target), Value::Array(patch)) if named(patch) && named(target) => {
            for item in patch {
                match target.iter_mut().find(|old| old["name"] == item["name"]) {
                    Some(old) => strategic(old, item),
                    None => target.push(item.clone()),
                }
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}

fn named(list: &[Value]) -> bool {
    list.iter()
        .all(|item| item.get("name").is_some_and(Value::is_string))
}

/// Server-side apply: what the manager said before and does not say now goes away, unless another
/// manager owns it too; what another one owns and says otherwise is a conflict, unless forced.
pub(crate) fn apply(
    store: &mut Store,
    key: &Key,
    body: &Value,
    manager: &str,
    force: Force,
) -> Result<Value, Status> {
    let mut object = store.get(key).cloned().unwrap_or_else(|| body.clone());
    let said = leaves(body);
    let owners = store.owners.get(key).cloned().unwrap_or_default();
    let conflicts: Vec<(String, String)> = owners
        .iter()
        .filter(|(other, _)| *other != manager)
        .flat_map(|(other, fields)| fields.intersection(&said).map(move |field| (other, field)))
        .filter(|(_, field)| at(&object, field) != at(body, field))
        .map(|(other, field)| (other.clone(), field.replace('\u{1f}', ".")))
        .map(|(other, field)| (other, format!(".{field}")))
        .collect();
    match force {
        Force::No if !conflicts.is_empty() => return Err(Status::apply_conflict(&conflicts)),
        Force::No | Force::Yes => {}
    }
    for field in owners.get(manager).into_iter().flatten() {
        let others = owners
            .iter()
            .any(|(other, fields)| other != manager && fields.contains(field));
        if !said.contains(field) && !others {
            take_away(&mut object, &field.split('\u{1f}').collect::<Vec<_>>());
        }
    }
    strategic(&mut object, body);
    let mut owners = owners;
    for fields in owners
        .iter_mut()
        .filter(|(other, _)| *other != manager)
        .map(|(_, f)| f)
    {
        fields.retain(|field| !(said.contains(field) && at(&object, field) != at(body, field)));
    }
    for (_, field) in &conflicts {
        let field = field.trim_start_matches('.').replace('.', "\u{1f}");
        for fields in owners
            .iter_mut()
            .filter(|(other, _)| *other != manager)
            .map(|(_, f)| f)
        {
            fields.remove(&field);
        }
    }
    owners.insert(manager.to_owned(), said);
    store.owners.insert(key.clone(), owners);
    Ok(object)
}

/// Whether an apply takes fields over from other managers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    Yes,
    No,
}

/// The paths of all leaves that can be owned, steps joined by a unit separator.
pub(super) fn leaves(body: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(body, &mut Vec::new(), &mut found);
    found.retain(|path| {
        !(path == "apiVersion"
            || path == "kind"
            || path.starts_with("metadata\u{1f}")
                && !path.starts_with("metadata\u{1f}labels")
                && !path.starts_with("metadata\u{1f}annotations"))
    });
    found
}

fn collect(value: &Value, path: &mut Vec<String>, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                path.push(key.clone());
                collect(value, path, found);
                path.pop();
            }
        }
        Value::Array(list) if named(list) && !list.is_empty() => {
            for item in list {
                path.push(format!(
                    "[name={}]",
                    item["name"].as_str().unwrap_or_default()
                ));
                collect(item, path, found);
                path.pop();
            }
        }
        _ => {
            found.insert(path.join("\u{1f}"));
        }
    }
}

fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('\u{1f}')
        .try_fold(object, |value, step| match step.strip_prefix("[name=") {
            Some(name) => value
                .as_array()?
                .iter()
                .find(|item| item["name"].as_str() == name.strip_suffix(']')),
            None => value.get(step),
        })
}

fn take_away(object: &mut Value, path: &[&str]) {
    let Some((step, rest)) = path.split_first() else {
        return;
    };
    if let Some(name) = step
        .strip_prefix("[name=")
        .and_then(|name| name.strip_suffix(']'))
    {
        let Some(list) = object.as_array_mut() else {
            return;
        };
        if let Some(item) = list
            .iter_mut()
            .find(|item| item["name"].as_str() == Some(name))
        {
            take_away(item, rest);
        }
        if rest == ["name"] {
            list.retain(|item| item["name"].is_string());
        }
    } else if let Some(map) = object.as_object_mut() {
        if rest.is_empty() {
            map.remove(*step);
        } else if let Some(inner) = map.get_mut(*step) {
            take_away(inner, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::kinds;
    use serde_json::json;

    fn key() -> Key {
        Key::new(kinds::of("configmaps"), "flink", "it")
    }

    fn applied(
        store: &mut Store,
        body: Value,
        manager: &str,
        force: Force,
    ) -> Result<Value, Status> {
        let object = apply(store, &key(), &body, manager, force)?;
        Ok(Value::clone(&store.put(key(), object)))
    }

    #[test]
    fn an_apply_takes_away_what_its_manager_no_longer_says() {
        let mut store = Store::default();
        applied(
            &mut store,
            json!({"data": {"a": "1", "b": "2"}}),
            "x",
            Force::Yes,
        )
        .unwrap();
        let now = applied(&mut store, json!({"data": {"a": "1"}}), "x", Force::Yes).unwrap();
        assert_eq!(now["data"], json!({"a": "1"}));
    }

    #[test]
    fn an_apply_without_force_against_another_owner_is_a_conflict_per_field() {
        let mut store = Store::default();
        applied(&mut store, json!({"data": {"a": "1"}}), "x", Force::Yes).unwrap();
        let refused = applied(&mut store, json!({"data": {"a": "2"}}), "y", Force::No).unwrap_err();
        assert_eq!((refused.code, refused.reason), (409, "Conflict"));
        assert_eq!(refused.details["causes"][0]["field"], ".data.a");
        applied(&mut store, json!({"data": {"a": "2"}}), "y", Force::Yes).unwrap();
        applied(&mut store, json!({"data": {"a": "3"}}), "y", Force::No).unwrap();
    }

    #[test]
    fn an_apply_that_changes_nothing_keeps_the_version() {
        let mut store = Store::default();
        let body = json!({"spec": {"containers": [{"name": "one", "image": "i"}]}});
        let first = applied(&mut store, body.clone(), "x", Force::Yes).unwrap();
        let second = applied(&mut store, body, "x", Force::Yes).unwrap();
        assert_eq!(
            first["metadata"]["resourceVersion"],
            second["metadata"]["resourceVersion"]
        );
    }
}
