//! Requests about objects: get, list, create, replace, patch, delete. Turns HTTP into calls of the
//! store; what is special about pods is in `pods`, watches are in `watching`.

use super::fields::{check, defaults, unknown_field};
use super::kinds::Kind;
use super::merge::{self, Force};
use super::status::Status;
use super::store::{Key, Selector, Store, complete};
use crate::pace::Dice;
use flinklab_base::clock;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a request is about: kind, namespace and name, either of them perhaps "".
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) kind: &'static Kind,
    pub(super) namespace: String,
    pub(super) name: String,
    /// `status`, `scale` or nothing.
    pub(super) part: String,
}

impl About {
    pub(super) fn key(&self) -> Key {
        Key::new(self.kind, &self.namespace, &self.name)
    }
}

type Answer = Result<(u16, Value), Status>;

pub(super) fn selector(query: &BTreeMap<String, String>) -> Selector {
    let of = |name: &str| query.get(name).map_or("", String::as_str);
    Selector::parse(of("labelSelector"), of("fieldSelector"))
}

pub(super) fn get(store: &Store, about: &About) -> Answer {
    let key = about.key();
    let object = store.get(&key).ok_or_else(|| Status::not_found(&key))?;
    if about.part == "scale" {
        return Ok((200, scale(object)));
    }
    Ok((200, object.clone()))
}

pub(super) fn list(store: &Store, about: &About, query: &BTreeMap<String, String>) -> Answer {
    let selector = selector(query);
    let items: Vec<Value> = store
        .list(about.kind, &about.namespace)
        .filter(|object| selector.matches(object))
        .map(|object| {
            // As in a real list, what the list says for all is not repeated in each.
            let mut object = object.clone();
            if let Some(map) = object.as_object_mut() {
                map.remove("apiVersion");
                map.remove("kind");
            }
            object
        })
        .collect();
    Ok((
        200,
        json!({"kind": format!("{}List", about.kind.kind), "apiVersion": about.kind.api_version(),
            "metadata": {"resourceVersion": store.revision.to_string()}, "items": items}),
    ))
}

pub(super) fn create(store: &mut Store, about: &About, mut body: Value, dice: &Dice) -> Answer {
    check(about.kind, &body)?;
    let name = match (
        body["metadata"]["name"].as_str(),
        body["metadata"]["generateName"].as_str(),
    ) {
        (Some(name), _) if !name.is_empty() => name.to_owned(),
        (_, Some(stem)) => format!("{stem}{}", dice.suffix(5)),
        _ => {
            return Err(Status::invalid(
                about.kind,
                "",
                "metadata.name: Required value",
            ));
        }
    };
    let key = Key::new(about.kind, &about.namespace, &name);
    if store.get(&key).is_some() {
        return Err(Status::exists(&key));
    }
    namespace_exists(store, &key)?;
    complete(&key, &mut body, dice.uuid(), clock::now());
    defaults(&key, &mut body, dice);
    Ok((201, Value::clone(&store.put(key, body))))
}

pub(super) fn replace(store: &mut Store, about: &About, mut body: Value) -> Answer {
    let key = about.key();
    let Some(old) = store.get(&key) else {
        return Err(Status::not_found(&key));
    };
    if let Some(version) = body["metadata"]["resourceVersion"].as_str()
        && old["metadata"]["resourceVersion"] != version
    {
        return Err(Status::stale(&key));
    }
    for fixed in ["uid", "creationTimestamp", "generation"] {
        body["metadata"][fixed] = old["metadata"][fixed].clone();
    }
    if about.part.is_empty() && !old["status"].is_null() {
        body["status"] = old["status"].clone();
    }
    Ok((200, Value::clone(&store.put(key, body))))
}

pub(super) fn patch(
    store: &mut Store,
    about: &About,
    how: &str,
    body: &Value,
    query: &BTreeMap<String, String>,
    dice: &Dice,
) -> Answer {
    let key = about.key();
    if how.starts_with("application/apply-patch") {
        check(about.kind, body)?;
        let manager = query
            .get("fieldManager")
            .filter(|manager| !manager.is_empty());
        let manager = manager.ok_or_else(|| {
            Status::bad_request(
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
            )
        })?;
        if let Some(strict) = unknown_field(about.kind, body)
            && query.get("fieldValidation").map(String::as_str) == Some("Strict")
        {
            return Err(Status::bad_request(format!(
                "failed to create typed patch object ({}/{}; {}, Kind={}): {strict}: field not declared in schema",
                about.namespace,
                about.name,
                about.kind.api_version(),
                about.kind.kind
            )));
        }
        namespace_exists(store, &key)?;
        let force = if crate::serve::flag(query, "force") {
            Force::Yes
        } else {
            Force::No
        };
        if crate::serve::flag(query, "dryRun") || query.contains_key("dryRun") {
            let old = store.owners.get(&key).cloned();
            let object = merge::apply(store, &key, body, manager, force)?;
            match old {
                Some(old) => store.owners.insert(key, old),
                None => store.owners.remove(&key),
            };
            return Ok((200, object));
        }
        let fresh = store.get(&key).is_none();
        let mut object = merge::apply(store, &key, body, manager, force)?;
        if fresh {
            complete(&key, &mut object, dice.uuid(), clock::now());
        }
        defaults(&key, &mut object, dice);
        return Ok((
            if fresh { 201 } else { 200 },
            Value::clone(&store.put(key, object)),
        ));
    }
    let Some(old) = store.get(&key) else {
        return Err(Status::not_found(&key));
    };
    if let Some(version) = body["metadata"]["resourceVersion"].as_str()
        && old["metadata"]["resourceVersion"] != version
    {
        return Err(Status::stale(&key));
    }
    let mut object = old.clone();
    match how {
        "application/merge-patch+json" => merge::merge(&mut object, body),
        "application/strategic-merge-patch+json" => merge::strategic(&mut object, body),
        other => {
            return Err(Status::new(
                415,
                "UnsupportedMediaType",
                format!(
                    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, not {other}"
                ),
            ));
        }
    }
    let written = store.put(key, object);
    Ok((
        200,
        if about.part == "scale" {
            scale(&written)
        } else {
            Value::clone(&written)
        },
    ))
}

/// Deletes, or marks for deletion where somebody else must finish it (pods, namespaces).
pub(super) fn delete(store: &mut Store, about: &About, options: &Value) -> Answer {
    let key = about.key();
    let Some(object) = store.get(&key).cloned() else {
        return Err(Status::not_found(&key));
    };
    let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
    if let Some(wanted) = options["preconditions"]["uid"].as_str()
        && wanted != uid
    {
        return Err(Status::other_uid(&key, wanted, uid));
    }
    if let Some(version) = options["preconditions"]["resourceVersion"].as_str()
        && object["metadata"]["resourceVersion"] != version
    {
        return Err(Status::stale(&key));
    }
    let now = super::store::seconds(clock::now());
    match about.kind.plural {
        "pods" => {
            let own = object["spec"]["terminationGracePeriodSeconds"]
                .as_u64()
                .unwrap_or(30);
            let grace = options["gracePeriodSeconds"].as_u64().unwrap_or(own);
            let marked = store.edit(&key, |pod| {
                if pod["metadata"]["deletionTimestamp"].is_null() {
                    pod["metadata"]["deletionTimestamp"] = json!(now);
                }
                pod["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
            });
            Ok((200, marked.map_or(object, |marked| Value::clone(&marked))))
        }
        "namespaces" => {
            let marked = store.edit(&key, |namespace| {
                namespace["metadata"]["deletionTimestamp"] = json!(now);
                namespace["status"]["phase"] = json!("Terminating");
            });
            Ok((200, marked.map_or(object, |marked| Value::clone(&marked))))
        }
        _ => {
            store.remove(&key);
            let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                "details": {"name": key.name, "kind": key.kind.plural, "uid": uid}});
            Ok((200, status))
        }
    }
}

fn scale(object: &Value) -> Value {
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"],
            "uid": object["metadata"]["uid"], "resourceVersion": object["metadata"]["resourceVersion"]},
        "spec": {"replicas": object["spec"]["replicas"]},
        "status": {"replicas": object["status"]["replicas"]}})
}

fn namespace_exists(store: &Store, key: &Key) -> Result<(), Status> {
    if !key.kind.namespaced {
        return Ok(());
    }
    let of = Key::new(super::kinds::of("namespaces"), "", &key.namespace);
    let Some(namespace) = store.get(&of) else {
        return Err(Status::not_found(&of));
    };
    if namespace["status"]["phase"] == "Terminating" && store.get(key).is_none() {
        return Err(Status::new(
            403,
            "Forbidden",
            format!(
                "{} \"{}\" is forbidden: unable to create new content in namespace {} because it is being terminated",
                key.kind.qualified(),
                key.name,
                key.namespace
            ),
        ));
    }
    Ok(())
}
