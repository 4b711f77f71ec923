//! The kinds of object that the simulated API server knows, and its discovery documents.

use serde_json::{Value, json};

/// One kind of object.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) singular: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) namespaced: bool,
}

const fn kind(
    (group, version): (&'static str, &'static str),
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    namespaced: bool,
) -> Kind {
    Kind {
        group,
        version,
        plural,
        singular,
        kind,
        namespaced,
    }
}

const CORE: (&str, &str) = ("", "v1");
const APPS: (&str, &str) = ("apps", "v1");
const RBAC: (&str, &str) = ("rbac.authorization.k8s.io", "v1");
const STORAGE: (&str, &str) = ("storage.k8s.io", "v1");

pub(crate) static KINDS: &[Kind] = &[
    kind(CORE, "namespaces", "namespace", "Namespace", false),
    kind(CORE, "nodes", "node", "Node", false),
    kind(CORE, "pods", "pod", "Pod", true),
    kind(CORE, "configmaps", "configmap", "ConfigMap", true),
    kind(CORE, "secrets", "secret", "Secret", true),
    kind(CORE, "events", "event", "Event", true),
    kind(CORE, "services", "service", "Service", true),
    kind(CORE, "endpoints", "endpoints", "Endpoints", true),
    kind(
        CORE,
        "serviceaccounts",
        "serviceaccount",
        "ServiceAccount",
        true,
    ),
    kind(
        CORE,
        "persistentvolumes",
        "persistentvolume",
        "PersistentVolume",
        false,
    ),
    kind(
        CORE,
        "persistentvolumeclaims",
        "persistentvolumeclaim",
        "PersistentVolumeClaim",
        true,
    ),
    kind(APPS, "deployments", "deployment", "Deployment", true),
    kind(APPS, "replicasets", "replicaset", "ReplicaSet", true),
    kind(APPS, "statefulsets", "statefulset", "StatefulSet", true),
    kind(APPS, "daemonsets", "daemonset", "DaemonSet", true),
    kind(("batch", "v1"), "jobs", "job", "Job", true),
    kind(
        ("coordination.k8s.io", "v1"),
        "leases",
        "lease",
        "Lease",
        true,
    ),
    kind(
        ("networking.k8s.io", "v1"),
        "networkpolicies",
        "networkpolicy",
        "NetworkPolicy",
        true,
    ),
    kind(
        ("policy", "v1"),
        "poddisruptionbudgets",
        "poddisruptionbudget",
        "PodDisruptionBudget",
        true,
    ),
    kind(
        RBAC,
        "clusterrolebindings",
        "clusterrolebinding",
        "ClusterRoleBinding",
        false,
    ),
    kind(RBAC, "clusterroles", "clusterrole", "ClusterRole", false),
    kind(RBAC, "rolebindings", "rolebinding", "RoleBinding", true),
    kind(RBAC, "roles", "role", "Role", true),
    kind(
        ("apiextensions.k8s.io", "v1"),
        "customresourcedefinitions",
        "customresourcedefinition",
        "CustomResourceDefinition",
        false,
    ),
    // Custom ones, which are there once their definition is.
    kind(
        ("flinkoperator.k8s.io", "v1beta1"),
        "flinkclusters",
        "flinkcluster",
        "FlinkCluster",
        true,
    ),
    kind(
        ("flink.apache.org", "v1beta1"),
        "flinkdeployments",
        "flinkdeployment",
        "FlinkDeployment",
        true,
    ),
    kind(
        ("scheduling.k8s.io", "v1"),
        "priorityclasses",
        "priorityclass",
        "PriorityClass",
        false,
    ),
    kind(
        STORAGE,
        "storageclasses",
        "storageclass",
        "StorageClass",
        false,
    ),
];

impl Kind {
    pub(crate) fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// Whether it needs a definition first.
    pub(crate) fn is_custom(&self) -> bool {
        matches!(self.group, "flinkoperator.k8s.io" | "flink.apache.org")
    }

    /// As error messages name it: `deployments.apps`, `pods`.
    pub(crate) fn qualified(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }
}

/// The kind of that name; the name is written in our own code.
pub(crate) fn of(plural: &'static str) -> &'static Kind {
    KINDS
        .iter()
        .find(|kind| kind.plural == plural)
        .expect("a plural of the table")
}

pub(super) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    KINDS
        .iter()
        .find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
}

/// `GET /api`
pub(super) fn versions(address: &str) -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]})
}

/// `GET /apis`
pub(super) fn groups() -> Value {
    let mut groups: Vec<Value> = Vec::new();
    let listed = |kind: &&Kind| !kind.group.is_empty() && !kind.is_custom();
    for kind in KINDS.iter().filter(listed) {
        if groups.iter().any(|group| group["name"] == kind.group) {
            continue;
        }
        let version = json!({"groupVersion": kind.api_version(), "version": kind.version});
        groups
            .push(json!({"name": kind.group, "versions": [version], "preferredVersion": version}));
    }
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `GET /apis/GROUP`
pub(super) fn group(name: &str) -> Option<Value> {
    let mut group = groups()["groups"]
        .as_array()?
        .iter()
        .find(|group| group["name"] == name)?
        .clone();
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    Some(group)
}

/// `GET /api/v1` and `GET /apis/GROUP/VERSION`
pub(super) fn resources(group: &str, version: &str) -> Option<Value> {
    let mut resources = Vec::new();
    for kind in KINDS
        .iter()
        .filter(|kind| kind.group == group && kind.version == version)
    {
        resources.push(json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        }));
        if matches!(
            kind.plural,
            "pods" | "deployments" | "namespaces" | "nodes" | "statefulsets"
        ) {
            resources.push(json!({
                "name": format!("{}/status", kind.plural), "singularName": "",
                "namespaced": kind.namespaced, "kind": kind.kind, "verbs": ["get", "patch", "update"],
            }));
        }
        if kind.plural == "pods" {
            for (part, verbs) in [("exec", "create"), ("log", "get"), ("proxy", "create")] {
                resources.push(json!({
                    "name": format!("pods/{part}"), "singularName": "", "namespaced": true,
                    "kind": if part == "log" { "Pod".to_owned() } else { format!("Pod{}{}Options",
                        part[..1].to_uppercase(), &part[1..]) },
                    "verbs": [verbs, "get"],
                }));
            }
        }
    }
    if resources.is_empty() {
        return None;
    }
    let full = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    Some(
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": full,
        "resources": resources}),
    )
}
