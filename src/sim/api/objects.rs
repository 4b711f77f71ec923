//! Requests about objects: get, list, create, replace, patch, delete. Turns HTTP into calls of the
//! store; what is special about pods is in `pods`, watches are in `watching`.

use super::kinds::Kind;
use super::merge::{self, Force};
use super::status::Status;
use super::store::{Key, Selector, Store, complete};
use crate::sim::pace::Dice;
use jiff::Timestamp;
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
    complete(&key, &mut body, dice.uuid(), Timestamp::now());
    defaults(&key, &mut body, dice);
    Ok((201, store.put(key, body)))
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
    Ok((200, store.put(key, body)))
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
        let force = if crate::sim::serve::flag(query, "force") {
            Force::Yes
        } else {
            Force::No
        };
        if crate::sim::serve::flag(query, "dryRun") || query.contains_key("dryRun") {
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
            complete(&key, &mut object, dice.uuid(), Timestamp::now());
        }
        defaults(&key, &mut object, dice);
        return Ok((if fresh { 201 } else { 200 }, store.put(key, object)));
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
            written
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
    let now = super::store::seconds(Timestamp::now());
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
            Ok((200, marked.unwrap_or(object)))
        }
        "namespaces" => {
            let marked = store.edit(&key, |namespace| {
                namespace["metadata"]["deletionTimestamp"] = json!(now);
                namespace["status"]["phase"] = json!("Terminating");
            });
            Ok((200, marked.unwrap_or(object)))
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

/// The kind that the body claims must be the one of the path.
fn check(kind: &Kind, body: &Value) -> Result<(), Status> {
    if !body.is_object() {
        return Err(Status::bad_request(
            "the object provided is unrecognized (must be of type object)",
        ));
    }
    if body["kind"].as_str().is_some_and(|said| said != kind.kind) {
        return Err(Status::bad_request(format!(
            "the kind in the data ({}) does not match the expected kind ({})",
            body["kind"].as_str().unwrap_or_default(),
            kind.kind
        )));
    }
    Ok(())
}

/// The first field of a workload's upper levels that Kubernetes does not know. Not a whole schema:
/// enough that a typing mistake in a manifest is answered as a real server answers it.
fn unknown_field(kind: &Kind, body: &Value) -> Option<String> {
    const TOP: &[&str] = &[
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "status",
        "data",
        "rules",
        "roleRef",
        "subjects",
        "binaryData",
        "immutable",
        "provisioner",
        "parameters",
        "reclaimPolicy",
        "volumeBindingMode",
        "allowVolumeExpansion",
        "mountOptions",
        "type",
        "stringData",
        "secrets",
        "imagePullSecrets",
        "automountServiceAccountToken",
        "aggregationRule",
        "allowedTopologies",
        "value",
        "globalDefault",
        "description",
        "subsets",
        "preemptionPolicy",
    ];
    const WORKLOAD: &[&str] = &[
        "replicas",
        "selector",
        "template",
        "strategy",
        "updateStrategy",
        "minReadySeconds",
        "paused",
        "progressDeadlineSeconds",
        "revisionHistoryLimit",
        "serviceName",
        "podManagementPolicy",
        "volumeClaimTemplates",
        "ordinals",
        "persistentVolumeClaimRetentionPolicy",
    ];
    const CONTAINER: &[&str] = &[
        "name",
        "image",
        "imagePullPolicy",
        "args",
        "command",
        "env",
        "envFrom",
        "ports",
        "volumeMounts",
        "resources",
        "readinessProbe",
        "livenessProbe",
        "startupProbe",
        "securityContext",
        "lifecycle",
        "workingDir",
        "stdin",
        "tty",
        "stdinOnce",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "volumeDevices",
        "resizePolicy",
        "restartPolicy",
    ];
    let first = |value: &Value, known: &[&str], at: &str| {
        let keys = value.as_object()?.keys();
        keys.into_iter()
            .find(|key| !known.contains(&key.as_str()))
            .map(|key| format!("{at}.{key}"))
    };
    if let Some(field) = first(body, TOP, "") {
        return Some(field);
    }
    if kind.group != "apps" {
        return None;
    }
    first(&body["spec"], WORKLOAD, ".spec").or_else(|| {
        let containers = body["spec"]["template"]["spec"]["containers"].as_array()?;
        containers.iter().find_map(|container| {
            let name = container["name"].as_str().unwrap_or_default();
            let at = format!(".spec.template.spec.containers[name=\"{name}\"]");
            first(container, CONTAINER, &at)
        })
    })
}

/// What a real server fills in, as far as anybody here reads it.
fn defaults(key: &Key, object: &mut Value, dice: &Dice) {
    let set = |object: &mut Value, path: &[&str], value: Value| {
        let mut at = object;
        for step in path {
            at = &mut at[*step];
        }
        if at.is_null() {
            *at = value;
        }
    };
    match key.kind.plural {
        "namespaces" => {
            set(object, &["spec"], json!({"finalizers": ["kubernetes"]}));
            set(object, &["status"], json!({"phase": "Active"}));
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(key.name);
        }
        "deployments" | "statefulsets" => set(object, &["spec", "replicas"], json!(1)),
        "services" => {
            let ip = format!("10.96.{}.{}", dice.next() % 256, 1 + dice.next() % 254);
            set(object, &["spec", "clusterIP"], json!(ip));
            set(object, &["spec", "type"], json!("ClusterIP"));
        }
        "persistentvolumes" => set(object, &["status"], json!({"phase": "Available"})),
        "persistentvolumeclaims" => set(object, &["status"], json!({"phase": "Pending"})),
        _ => {}
    }
    if key.kind.group == "apps" {
        let pod = ["spec", "template", "spec"];
        for (field, value) in [
            ("restartPolicy", json!("Always")),
            ("terminationGracePeriodSeconds", json!(30)),
            ("dnsPolicy", json!("ClusterFirst")),
            ("schedulerName", json!("default-scheduler")),
        ] {
            set(object, &[pod[0], pod[1], pod[2], field], value);
        }
    }
}
