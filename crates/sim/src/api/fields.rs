//! What the API server does with an object before it keeps it: refuses unknown fields, fills in
//! defaults. Knows only what a lab's manifests use.

use super::kinds::Kind;
use super::status::Status;
use super::store::Key;
use crate::pace::Dice;
use serde_json::{Value, json};

/// The kind that the body claims must be the one of the path.
pub(super) fn check(kind: &Kind, body: &Value) -> Result<(), Status> {
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
pub(super) fn unknown_field(kind: &Kind, body: &Value) -> Option<String> {
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
pub(super) fn defaults(key: &Key, object: &mut Value, dice: &Dice) {
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
