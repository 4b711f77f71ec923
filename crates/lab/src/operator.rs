//! Operators that make Flink's pods out of one object of theirs, recognised by that object: what
//! they call things, how many of each they start, and what they do that a person would not expect.
//! Facts about two of them; any other operator is left to what lab.yaml says.

use super::definition::{RoleLabels, Roles};
use super::manifest::Document;
use crate::failure::Role;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Seconds that the pods of a FlinkCluster sleep before they get SIGTERM: a preStop hook of their
/// operator's, on JobManagers and TaskManagers alike.
const SLEEP: u32 = 30;
/// Flink's container in every pod of a FlinkDeployment.
const MAIN: &str = "flink-main-container";

/// Whose operator it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `FlinkCluster` in `flinkoperator.k8s.io/v1beta1`, the fork that Spotify keeps.
    Spotify,
    /// `FlinkDeployment` in `flink.apache.org/v1beta1`, the Flink project's own.
    Apache,
}

/// Who starts the TaskManagers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starts {
    /// A workload with a fixed number of replicas, of this kind.
    Workload(&'static str),
    /// The JobManager itself, as pods of its own, whenever a job needs slots.
    OnDemand,
}

/// An object of an operator, and what comes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Operated {
    /// Whose it is.
    pub operator: Operator,
    /// The object's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// JobManagers that it asks for.
    pub jobmanagers: u64,
    /// TaskManagers that it asks for; none where they come on demand.
    pub taskmanagers: u64,
    /// Who starts the TaskManagers.
    pub starts: Starts,
    /// Flink's options as Flink gets them: the object's, and those that the operator sets itself.
    pub options: BTreeMap<String, String>,
}

impl Operator {
    /// Of an object of that API version and kind.
    #[must_use]
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        match (api_version.split_once('/')?, kind) {
            (("flinkoperator.k8s.io", "v1beta1"), "FlinkCluster") => Some(Self::Spotify),
            (("flink.apache.org", "v1beta1"), "FlinkDeployment") => Some(Self::Apache),
            _ => None,
        }
    }

    /// The kind of its object.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Spotify => "FlinkCluster",
            Self::Apache => "FlinkDeployment",
        }
    }

    /// The field that holds Flink's options.
    #[must_use]
    pub const fn options_field(self) -> &'static str {
        match self {
            Self::Spotify => "flinkProperties",
            Self::Apache => "flinkConfiguration",
        }
    }

    /// Options that it sets itself; what its object says of them is not asked.
    #[must_use]
    pub const fn sets(self) -> &'static [&'static str] {
        match self {
            Self::Spotify => &["jobmanager.rpc.address", "blob.server.port", "rest.port"],
            Self::Apache => &[
                "high-availability.cluster-id",
                "kubernetes.cluster-id",
                "kubernetes.namespace",
            ],
        }
    }

    /// The field that says when the kubelet pulls the image, and what counts where it says nothing.
    #[must_use]
    pub const fn pull_policy(self) -> (&'static str, &'static str) {
        match self {
            Self::Spotify => ("spec.image.pullPolicy", "Always"),
            Self::Apache => ("spec.imagePullPolicy", "IfNotPresent"),
        }
    }

    /// The most JobManagers that its object may ask for.
    #[must_use]
    pub const fn most_jobmanagers(self) -> Option<u64> {
        match self {
            Self::Spotify => Some(1),
            Self::Apache => None,
        }
    }

    /// Seconds that its pods sleep before they get SIGTERM.
    #[must_use]
    pub const fn sleeps(self) -> Option<u32> {
        match self {
            Self::Spotify => Some(SLEEP),
            Self::Apache => None,
        }
    }
}

impl Operated {
    /// What comes of a document; none where it is no object of an operator that is known.
    #[must_use]
    pub fn of(document: &Document) -> Option<Self> {
        let operator = Operator::of(&document.api_version, &document.kind)?;
        let spec = &document.object["spec"];
        let number = |path: &str| spec.pointer(path).and_then(Value::as_u64);
        let taskmanagers = number("/taskManager/replicas");
        let starts = match (operator, spec["mode"].as_str()) {
            (Operator::Spotify, _) => match spec["taskManager"]["deploymentType"].as_str() {
                Some("Deployment") => Starts::Workload("Deployment"),
                _ => Starts::Workload("StatefulSet"),
            },
            (Operator::Apache, Some("standalone")) => Starts::Workload("Deployment"),
            (Operator::Apache, _) => Starts::OnDemand,
        };
        let namespace = document.namespace.as_deref().unwrap_or("default");
        let mut operated = Self {
            operator,
            name: document.name.clone(),
            namespace: namespace.to_owned(),
            jobmanagers: number("/jobManager/replicas").unwrap_or(1),
            taskmanagers: match starts {
                Starts::OnDemand => 0,
                Starts::Workload(_) => taskmanagers.unwrap_or(1),
            },
            starts,
            options: said(&spec[operator.options_field()]),
        };
        operated.options.extend(operated.set());
        Some(operated)
    }

    /// What the operator sets itself.
    fn set(&self) -> BTreeMap<String, String> {
        let own = match self.operator {
            Operator::Spotify => vec![
                ("jobmanager.rpc.address", self.jobmanager()),
                ("rest.port", "8081".to_owned()),
            ],
            Operator::Apache => vec![
                ("high-availability.cluster-id", self.name.clone()),
                ("kubernetes.cluster-id", self.name.clone()),
                ("kubernetes.namespace", self.namespace.clone()),
            ],
        };
        let own = own.into_iter().map(|(key, value)| (key.to_owned(), value));
        own.collect()
    }

    /// The name of the JobManagers' workload.
    fn jobmanager(&self) -> String {
        match self.operator {
            Operator::Spotify => format!("{}-jobmanager", self.name),
            Operator::Apache => self.name.clone(),
        }
    }

    /// The workload that makes the pods of a role; none where the JobManager starts them.
    #[must_use]
    pub fn workload(&self, role: Role) -> Option<String> {
        match (role, self.starts) {
            (Role::JobManager, _) => Some(self.jobmanager()),
            (Role::TaskManager, Starts::Workload(_)) => Some(format!("{}-taskmanager", self.name)),
            (Role::TaskManager, Starts::OnDemand) => None,
        }
    }

    /// The labels and containers of its pods.
    #[must_use]
    pub fn roles(&self) -> Roles {
        let labels = |component: &str| RoleLabels {
            selector: match self.operator {
                Operator::Spotify => format!("cluster={},component={component}", self.name),
                Operator::Apache => format!("app={},component={component}", self.name),
            },
            container: match self.operator {
                Operator::Spotify => component.to_owned(),
                Operator::Apache => MAIN.to_owned(),
            },
        };
        Roles {
            jobmanager: labels("jobmanager"),
            taskmanager: labels("taskmanager"),
        }
    }

    /// The Service of Flink's REST, and the name of its port.
    #[must_use]
    pub fn rest(&self) -> (String, &'static str) {
        match self.operator {
            Operator::Spotify => (self.jobmanager(), "ui"),
            Operator::Apache => (format!("{}-rest", self.name), "rest"),
        }
    }

    /// Whether the operator makes itself the owner of the cluster's HA config map, so that the map
    /// goes with its object. It looks for HA under the old name of the option only.
    #[must_use]
    pub fn owns_map(&self) -> bool {
        let has = |key: &str| self.options.get(key).is_some_and(|value| value != "NONE");
        self.operator == Operator::Spotify
            && has("high-availability")
            && has("high-availability.storageDir")
            && has("kubernetes.cluster-id")
    }

    /// Whether its options ask for high availability.
    #[must_use]
    pub fn has_ha(&self) -> bool {
        let names = ["high-availability.type", "high-availability"];
        let mut set = names.iter().filter_map(|name| self.options.get(*name));
        set.any(|value| !value.eq_ignore_ascii_case("none"))
    }

    /// The workloads that the operator makes, as far as a rollout needs to know them.
    #[must_use]
    pub fn workloads(&self) -> Vec<Document> {
        let roles = self.roles();
        let made = |kind: &str, name: String, selector: &str| Document {
            line: 1,
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            name,
            namespace: Some(self.namespace.clone()),
            object: json!({"spec": {"selector": {"matchLabels": labels(selector)}}}),
        };
        let kind = match self.operator {
            Operator::Spotify => "StatefulSet",
            Operator::Apache => "Deployment",
        };
        let mut all = vec![made(kind, self.jobmanager(), &roles.jobmanager.selector)];
        if let Starts::Workload(kind) = self.starts {
            let name = self.workload(Role::TaskManager).unwrap_or_default();
            all.push(made(kind, name, &roles.taskmanager.selector));
        }
        all
    }

    /// What a person should know about pods that this operator makes, a sentence each.
    #[must_use]
    pub fn says(&self) -> Vec<String> {
        let kind = self.operator.kind();
        let (service, port) = self.rest();
        let mut all = vec![format!(
            "The operator of {kind} `{}` makes the pods; Flink's REST is its Service {service}, port {port}.",
            self.name
        )];
        if self.operator.most_jobmanagers() == Some(1) {
            all.push(format!(
                "A {kind} has one JobManager and cannot have more: nobody stands by."
            ));
        }
        if let Some(seconds) = self.operator.sleeps() {
            all.push(format!(
                "When a pod is deleted, the operator waits {seconds} s before SIGTERM."
            ));
        }
        if self.starts == Starts::OnDemand {
            all.push(
                "The JobManager starts TaskManagers when a job needs them; one that ends is \
                 replaced by a pod with another name."
                    .to_owned(),
            );
        }
        let id = self.options.get("kubernetes.cluster-id");
        let map = id.map_or_else(String::new, |id| format!(" {id}-cluster-config-map"));
        all.push(if self.owns_map() {
            format!(
                "The {kind} owns the config map{map}: deleting it deletes lock, leader and plans; \
                 the maps with the checkpoints' pointers stay."
            )
        } else if self.operator == Operator::Spotify && self.has_ha() {
            format!(
                "The operator does not see that HA is on, for it looks for `high-availability` and \
                 not `high-availability.type`: the config map{map} has no owner."
            )
        } else {
            format!("The config map{map} has no owner: it outlives the {kind}.")
        });
        all
    }
}

/// Options as an object carries them: by whole names, or nested.
fn said(value: &Value) -> BTreeMap<String, String> {
    fn flatten(value: &Value, path: &str, into: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let path = if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    };
                    flatten(value, &path, into);
                }
            }
            Value::String(text) => drop(into.insert(path.to_owned(), text.clone())),
            Value::Null | Value::Array(_) => {}
            other => drop(into.insert(path.to_owned(), other.to_string())),
        }
    }
    let mut all = BTreeMap::new();
    flatten(value, "", &mut all);
    all
}

/// `a=b,c=d` as a map.
fn labels(selector: &str) -> BTreeMap<String, String> {
    let pairs = selector.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn operated(text: &str) -> Operated {
        let (document, _) = super::super::manifest::read(text).unwrap().remove(0);
        Operated::of(&document).unwrap()
    }

    #[test]
    fn a_flink_cluster_is_known_by_its_object() {
        let found = operated(
            "apiVersion: flinkoperator.k8s.io/v1beta1\nkind: FlinkCluster\nmetadata: {name: beam, \
             namespace: flink}\nspec:\n  taskManager: {replicas: 2}\n  flinkProperties:\n    \
             high-availability: kubernetes\n    high-availability.storageDir: file:///s/ha\n    \
             kubernetes.cluster-id: beam-id\n",
        );
        assert_eq!((found.jobmanagers, found.taskmanagers), (1, 2));
        let roles = found.roles();
        assert_eq!(
            roles.jobmanager.selector,
            "cluster=beam,component=jobmanager"
        );
        assert_eq!(roles.taskmanager.container, "taskmanager");
        assert_eq!(found.rest(), ("beam-jobmanager".to_owned(), "ui"));
        assert_eq!(found.options["jobmanager.rpc.address"], "beam-jobmanager");
        assert!(found.owns_map());
        let said = found.says().join("\n");
        for words in [
            "one JobManager and cannot have more",
            "the operator waits 30 s before SIGTERM",
            "owns the config map beam-id-cluster-config-map",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }

    #[test]
    fn ha_by_its_new_name_is_not_seen_by_the_operator() {
        let found = operated(
            "apiVersion: flinkoperator.k8s.io/v1beta1\nkind: FlinkCluster\nmetadata: {name: beam}\n\
             spec: {flinkProperties: {high-availability.type: kubernetes}}\n",
        );
        assert!(!found.owns_map() && found.has_ha());
        assert!(
            found
                .says()
                .join(" ")
                .contains("does not see that HA is on")
        );
    }

    #[test]
    fn a_flink_deployment_starts_taskmanagers_on_demand_unless_it_is_standalone() {
        let of = |mode: &str| {
            operated(&format!(
                "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {{name: \
                 s1, namespace: n1}}\nspec:\n  mode: {mode}\n  jobManager: {{replicas: 2}}\n  \
                 taskManager: {{replicas: 3}}\n  flinkConfiguration: {{rest: {{port: 8081}}}}\n"
            ))
        };
        let native = of("native");
        assert_eq!((native.taskmanagers, native.starts), (0, Starts::OnDemand));
        assert_eq!(native.workloads().len(), 1);
        assert_eq!(native.options["rest.port"], "8081");
        assert_eq!(native.options["kubernetes.cluster-id"], "s1");
        assert_eq!(native.rest(), ("s1-rest".to_owned(), "rest"));
        let standalone = of("standalone");
        assert_eq!(standalone.taskmanagers, 3);
        assert_eq!(standalone.roles(), native.roles());
        assert_eq!(standalone.roles().jobmanager.container, MAIN);
        let names: Vec<String> = standalone
            .workloads()
            .into_iter()
            .map(|one| one.name)
            .collect();
        assert_eq!(names, ["s1", "s1-taskmanager"]);
    }
}
