//! Which pods of the namespace are the lab's. Labels say what a pod is; they do not say whose: a
//! second Flink beside the lab uses the same ones. Whose it is says the object that made it.

use crate::definition::{RoleLabels, Roles};
use crate::failure::Role;
use crate::{Lab, Operated};
use std::collections::BTreeSet;

/// The label that ties a pod to the ReplicaSet of one template of a Deployment.
const TEMPLATE_HASH: &str = "pod-template-hash";
/// What operators have made JobManagers and TaskManagers of, from version to version.
const MADE_BY_OPERATORS: [&str; 3] = ["Deployment", "StatefulSet", "Job"];

/// Kind and name of an object that makes pods.
type Owner = (String, String);

/// How the lab's pods are told from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    roles: Roles,
    jobmanagers: Owners,
    taskmanagers: Owners,
}

/// Who makes the pods of a role. Empty: the files do not say, so labels have to do.
type Owners = BTreeSet<Owner>;

/// What of a pod says whose it is, besides its labels.
#[derive(Debug, Clone, Copy)]
pub struct PodIdentity<'a> {
    /// Its name.
    pub name: &'a str,
    /// Kind and name of the object that controls it.
    pub controller: Option<(&'a str, &'a str)>,
}

impl<'a> PodIdentity<'a> {
    /// Kind and name of what the pod belongs to: the Deployment behind its ReplicaSet, for the
    /// ReplicaSet is called after both Deployment and template.
    pub fn owner<'b>(&self, label: impl Fn(&str) -> Option<&'b str>) -> (&'a str, &'a str) {
        match self.controller {
            None => ("Pod", self.name),
            Some(("ReplicaSet", set)) => {
                let hash = label(TEMPLATE_HASH).map(|hash| format!("-{hash}"));
                match hash.and_then(|hash| set.strip_suffix(&hash)) {
                    Some(deployment) => ("Deployment", deployment),
                    None => ("ReplicaSet", set),
                }
            }
            Some(controller) => controller,
        }
    }
}

impl Members {
    pub(super) fn of(lab: &Lab) -> Self {
        let operated = lab.operated();
        let made = |role: Role| -> Owners {
            let labels = lab.role(role);
            let documents = lab.documents().filter(|document| {
                document.namespace.as_deref().unwrap_or("default") == lab.flink.namespace
                    && document.makes_pods()
                    && document.runs(labels)
            });
            let own = documents.map(|one| (one.kind.clone(), one.name.clone()));
            let by_operator = operated
                .iter()
                .flat_map(|operated| by_operator(operated, role));
            own.chain(by_operator).collect()
        };
        let jobmanagers = made(Role::JobManager);
        let mut taskmanagers = made(Role::TaskManager);
        if taskmanagers.is_empty() {
            // A native JobManager starts them, and gives them its own Deployment as owner.
            taskmanagers.clone_from(&jobmanagers);
        }
        Self {
            roles: lab.roles.clone(),
            jobmanagers,
            taskmanagers,
        }
    }

    /// The labels and containers of the roles.
    #[must_use]
    pub const fn roles(&self) -> &Roles {
        &self.roles
    }

    /// What a pod is in the lab; none where it is not the lab's.
    pub fn role<'a>(
        &self,
        pod: PodIdentity<'_>,
        label: impl Fn(&str) -> Option<&'a str>,
    ) -> Option<Role> {
        let role = [Role::JobManager, Role::TaskManager]
            .into_iter()
            .find(|role| self.labels(*role).matches(&label))?;
        let (kind, name) = pod.owner(label);
        (!self.knows(role) || self.makes(role, kind, name)).then_some(role)
    }

    /// Whether a workload makes pods of a role of the lab's.
    #[must_use]
    pub fn makes(&self, role: Role, kind: &str, name: &str) -> bool {
        let mut owners = self.owners(role).iter();
        owners.any(|(known, of)| known == kind && of == name)
    }

    /// Whether the files say which workloads make the pods of a role.
    #[must_use]
    pub fn knows(&self, role: Role) -> bool {
        !self.owners(role).is_empty()
    }

    fn labels(&self, role: Role) -> &RoleLabels {
        match role {
            Role::JobManager => &self.roles.jobmanager,
            Role::TaskManager => &self.roles.taskmanager,
        }
    }

    fn owners(&self, role: Role) -> &Owners {
        match role {
            Role::JobManager => &self.jobmanagers,
            Role::TaskManager => &self.taskmanagers,
        }
    }
}

/// What an operator makes of its object for a role.
fn by_operator(operated: &Operated, role: Role) -> Vec<Owner> {
    let Some(name) = operated.workload(role) else {
        return Vec::new();
    };
    let kinds = MADE_BY_OPERATORS.into_iter();
    kinds.map(|kind| (kind.to_owned(), name.clone())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const HASHED: (&str, &str) = (TEMPLATE_HASH, "6d4f");

    fn role(
        members: &Members,
        labels: &[(&'static str, &'static str)],
        name: &str,
        controller: Option<(&str, &str)>,
    ) -> Option<Role> {
        let label = |key: &str| {
            let mut all = labels.iter();
            all.find(|(known, _)| *known == key)
                .map(|(_, value)| *value)
        };
        members.role(PodIdentity { name, controller }, label)
    }

    #[test]
    fn a_pod_of_a_workload_of_the_lab_is_the_labs() {
        let members = Lab::open("default").unwrap().members();
        let own = [("component", "taskmanager"), HASHED];
        let set = |name| Some(("ReplicaSet", name));
        let is = |labels: &[_], controller| role(&members, labels, "x", controller);
        let taskmanager = Some(Role::TaskManager);
        assert_eq!(is(&own, set("flink-taskmanager-6d4f")), taskmanager);
        // The same labels on pods of somebody else's.
        assert_eq!(is(&own, set("other-taskmanager-6d4f")), None);
        assert_eq!(is(&own, set("flink-taskmanager-6d4f-6d4f")), None);
        assert_eq!(is(&own[..1], set("flink-taskmanager-6d4f")), None);
        assert_eq!(is(&own, Some(("Deployment", "nat2"))), None);
        assert_eq!(is(&own, Some(("StatefulSet", "flink-taskmanager"))), None);
        assert_eq!(is(&own, None), None);
        // The labels say which role.
        assert_eq!(is(&[HASHED], set("flink-taskmanager-6d4f")), None);
        assert_eq!(
            is(
                &[("component", "jobmanager"), HASHED],
                set("flink-taskmanager-6d4f")
            ),
            None
        );
        assert!(members.makes(Role::JobManager, "Deployment", "flink-jobmanager"));
        assert!(!members.makes(Role::JobManager, "Deployment", "nat2"));
        let members = Lab::open("article").unwrap().members();
        let own = [
            ("cluster", "beam-flink-cluster"),
            ("component", "jobmanager"),
        ];
        let set = Some(("StatefulSet", "beam-flink-cluster-jobmanager"));
        assert_eq!(role(&members, &own, "x", set), Some(Role::JobManager));
    }

    #[test]
    fn native_taskmanagers_belong_to_the_deployment_of_their_jobmanagers() {
        let operated = |mode: &str| {
            let text = format!(
                "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {{name: s1, \
                 namespace: flink}}\nspec: {{mode: {mode}, taskManager: {{replicas: 1}}}}\n"
            );
            let (document, _) = crate::manifest::read(&text).unwrap().remove(0);
            Operated::of(&document).unwrap()
        };
        let owners = |mode: &str, role| by_operator(&operated(mode), role);
        let has = |owners: Vec<Owner>, name: &str| {
            let wanted = ("Deployment".to_owned(), name.to_owned());
            owners.contains(&wanted)
        };
        assert!(has(owners("native", Role::JobManager), "s1"));
        assert!(owners("native", Role::TaskManager).is_empty());
        assert!(has(
            owners("standalone", Role::TaskManager),
            "s1-taskmanager"
        ));
        let jobmanagers: Owners = owners("native", Role::JobManager).into_iter().collect();
        let members = Members {
            roles: operated("native").roles(),
            taskmanagers: jobmanagers.clone(),
            jobmanagers,
        };
        let labels = [("app", "s1"), ("component", "taskmanager")];
        let is = |deployment| {
            let controller = Some(("Deployment", deployment));
            role(&members, &labels, "s1-taskmanager-1-1", controller)
        };
        assert_eq!(is("s1"), Some(Role::TaskManager));
        assert_eq!(is("s2"), None);
    }

    #[test]
    fn where_no_file_says_who_makes_them_labels_decide() {
        let members = Members {
            roles: Lab::open("default").unwrap().roles,
            jobmanagers: Owners::new(),
            taskmanagers: Owners::new(),
        };
        let labels = [("component", "jobmanager")];
        let controller = Some(("Anything", "x"));
        assert_eq!(
            role(&members, &labels, "x", controller),
            Some(Role::JobManager)
        );
        assert!(!members.knows(Role::JobManager));
    }
}
