//! Whether the account that Flink runs under may renew its lease: read from the roles that are
//! bound to it in the cluster that runs.

use crate::World;
use crate::kube::CALL;
use crate::open::open;
use flinklab_lab::{Document, Lab, Operated};
use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject,
};
use kube::api::ListParams;
use kube::{Api, Client};

/// Whether the account of Flink's JobManagers may patch config maps in the cluster that runs. None:
/// there is no cluster, it does not answer, or its Flink does not patch.
pub(super) async fn patch(world: &World, lab: &Lab) -> Option<bool> {
    let opened = open(world).ok()??;
    if opened.state.nodes.is_empty() || lab.renews_by_update() {
        return None;
    }
    let client = opened.reader().await.ok()?;
    let account = account(lab);
    let rules = tokio::time::timeout(CALL, rules(&client, &lab.flink.namespace, &account));
    let rules = rules.await.ok()?.ok()?;
    Some(rules.iter().any(allows_patch))
}

/// The service account under which JobManagers run.
fn account(lab: &Lab) -> String {
    let own = |document: &&Document| {
        document.runs(&lab.roles.jobmanager) || Operated::of(document).is_some()
    };
    let name = lab.documents().find(own).and_then(|document| {
        // A workload's, and those of the two operators' objects.
        let fields = [
            "/spec/template/spec/serviceAccountName",
            "/spec/serviceAccountName",
            "/spec/serviceAccount",
        ];
        let mut names = fields
            .iter()
            .filter_map(|path| document.object.pointer(path));
        names.find_map(|name| name.as_str())
    });
    name.unwrap_or("default").to_owned()
}

/// The rules that are bound to an account in its namespace.
async fn rules(
    client: &Client,
    namespace: &str,
    account: &str,
) -> Result<Vec<PolicyRule>, kube::Error> {
    let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), namespace);
    let roles: Api<Role> = Api::namespaced(client.clone(), namespace);
    let wide: Api<ClusterRoleBinding> = Api::all(client.clone());
    let of_cluster: Api<ClusterRole> = Api::all(client.clone());
    let whole = ListParams::default();
    let (here, everywhere) = tokio::try_join!(bindings.list(&whole), wide.list(&whole))?;
    let here = here
        .items
        .into_iter()
        .map(|one| (one.subjects, one.role_ref));
    let everywhere = everywhere
        .items
        .into_iter()
        .map(|one| (one.subjects, one.role_ref));
    let mut all = Vec::new();
    for (subjects, role) in here.chain(everywhere) {
        let mut subjects = subjects.iter().flatten();
        if !subjects.any(|subject| is_bound(subject, namespace, account)) {
            continue;
        }
        let found = match role.kind.as_str() {
            "ClusterRole" => of_cluster
                .get_opt(&role.name)
                .await?
                .and_then(|role| role.rules),
            _ => roles.get_opt(&role.name).await?.and_then(|role| role.rules),
        };
        all.extend(found.unwrap_or_default());
    }
    Ok(all)
}

/// Whether a subject is the account, or a group that every account of its kind belongs to.
fn is_bound(subject: &Subject, namespace: &str, account: &str) -> bool {
    match subject.kind.as_str() {
        "ServiceAccount" => {
            let own = subject.namespace.as_deref();
            subject.name == account && own.is_none_or(|own| own == namespace)
        }
        "Group" => {
            subject.name == "system:serviceaccounts"
                || subject.name == format!("system:serviceaccounts:{namespace}")
                || subject.name == "system:authenticated"
        }
        "User" => subject.name == format!("system:serviceaccount:{namespace}:{account}"),
        _ => false,
    }
}

fn allows_patch(rule: &PolicyRule) -> bool {
    let has = |list: &Option<Vec<String>>, word: &str| {
        list.iter().flatten().any(|one| one == word || one == "*")
    };
    let verbs = Some(rule.verbs.clone());
    has(&verbs, "patch") && has(&rule.resources, "configmaps") && has(&rule.api_groups, "")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_bound_by_name_and_by_its_groups() {
        let subject = |kind: &str, name: &str| Subject {
            kind: kind.to_owned(),
            name: name.to_owned(),
            ..Subject::default()
        };
        let bound = |kind: &str, name: &str| is_bound(&subject(kind, name), "flink", "jm");
        assert!(bound("ServiceAccount", "jm"));
        assert!(!bound("ServiceAccount", "other"));
        assert!(bound("Group", "system:serviceaccounts:flink"));
        assert!(bound("Group", "system:serviceaccounts"));
        assert!(!bound("Group", "system:serviceaccounts:other"));
        assert!(bound("User", "system:serviceaccount:flink:jm"));
    }

    #[test]
    fn the_account_and_its_rules_are_read_as_kubernetes_means_them() {
        let lab = Lab::open("default").unwrap();
        assert_eq!(account(&lab), "flink");
        let rule = |verbs: &[&str], resource: &str| PolicyRule {
            api_groups: Some(vec![String::new()]),
            resources: Some(vec![resource.to_owned()]),
            verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
            ..PolicyRule::default()
        };
        assert!(allows_patch(&rule(&["get", "patch"], "configmaps")));
        assert!(allows_patch(&rule(&["*"], "*")));
        assert!(!allows_patch(&rule(&["get", "update"], "configmaps")));
        assert!(!allows_patch(&rule(&["patch"], "pods")));
    }
}
