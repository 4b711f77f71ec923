//! Steps that change objects of the lab's namespace: replicas, a Role, the job's config map. Each
//! writes down what takes it back before it acts.

use super::Hand;
use super::pods::{FAREWELL, Memory, Request};
use crate::journal::Act;
use crate::kube::{CALL, within};
use crate::{Events, undo};
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::json;
use std::time::Duration;

/// How long a changed Role may take to reach the API server's rules.
const NOTICED: Duration = Duration::from_secs(12);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(250);

impl Hand<'_> {
    pub(super) async fn scale_to_zero(&mut self, events: &Events) -> Result<(), Fault> {
        let found = self.workload().await?;
        let Some((kind, name, replicas)) = found else {
            return Err(Fault::unable(
                "no-workload",
                "The JobManagers have no Deployment or StatefulSet that could be scaled.",
            ));
        };
        let act = Act::Scale {
            kind: kind.to_owned(),
            name: name.clone(),
            replicas,
        };
        self.will_undo(format!("{name} is scaled to zero"), vec![act])?;
        let victim = self.victims[0].clone();
        let end = async {
            // Its witness is set up before: only now the clock starts.
            self.began();
            let request = Request::now("our clock, before the PATCH");
            (
                request,
                undo::scale(&self.ours, kind, &name, 0).await.map(drop),
            )
        };
        let limit = victim.grace + FAREWELL;
        let proof = self
            .ended_by(&victim, end, limit, Memory::Gone, events)
            .await?;
        if let Some(proof) = proof {
            let proof = proof.map(|words| format!("{name} is scaled to 0: {words}"));
            self.hit(proof, events).await;
        }
        Ok(())
    }

    /// The workload that the JobManagers belong to.
    async fn workload(&self) -> Result<Option<(&'static str, String, i32)>, Fault> {
        let is_ours = |labels: Option<&std::collections::BTreeMap<String, String>>| {
            labels.is_some_and(|labels| {
                self.opened
                    .lab
                    .roles
                    .jobmanager
                    .matches(|key| labels.get(key).map(String::as_str))
            })
        };
        let all = ListParams::default();
        let found: Api<Deployment> = Api::namespaced(self.ours.client(), self.ours.namespace());
        let found = within(CALL, "Asking for the Deployments", found.list(&all)).await?;
        for one in found.items {
            let Some(spec) = one.spec else { continue };
            let labels = spec.template.metadata.and_then(|meta| meta.labels);
            if is_ours(labels.as_ref()) {
                let name = one.metadata.name.unwrap_or_default();
                return Ok(Some(("Deployment", name, spec.replicas.unwrap_or(1))));
            }
        }
        let found: Api<StatefulSet> = Api::namespaced(self.ours.client(), self.ours.namespace());
        let found = within(CALL, "Asking for the StatefulSets", found.list(&all)).await?;
        for one in found.items {
            let Some(spec) = one.spec else { continue };
            let labels = spec.template.metadata.and_then(|meta| meta.labels);
            if is_ours(labels.as_ref()) {
                let name = one.metadata.name.unwrap_or_default();
                return Ok(Some(("StatefulSet", name, spec.replicas.unwrap_or(1))));
            }
        }
        Ok(None)
    }

    pub(super) async fn forbid_patch(&mut self, events: &Events) -> Result<(), Fault> {
        let account = self.victims[0].account.clone();
        let role = self.role_of(&account).await?;
        let (name, mut rules) = (
            role.metadata.name.clone().unwrap_or_default(),
            role.rules.clone().unwrap_or_default(),
        );
        let act = Act::Role {
            name: name.clone(),
            rules: json!(rules),
        };
        self.will_undo(
            format!("`patch` is taken out of the Role {name}"),
            vec![act],
        )?;
        for rule in rules.iter_mut().filter(|rule| is_about_maps(rule)) {
            if rule.verbs.iter().any(|verb| verb == "*") {
                rule.verbs = ["get", "list", "watch", "create", "update", "delete"]
                    .map(str::to_owned)
                    .to_vec();
            }
            rule.verbs.retain(|verb| verb != "patch");
        }
        let roles: Api<Role> = Api::namespaced(self.ours.client(), self.ours.namespace());
        let (at, began) = (clock::now(), Instant::now());
        self.began();
        let patch = Patch::Merge(json!({"rules": rules}));
        let doing = format!("Taking `patch` out of the Role {name}");
        let how = PatchParams::default();
        within(CALL, &doing, roles.patch(&name, &how, &patch)).await?;
        self.sent(at, began, "our clock, before the PATCH of the Role", events)
            .await;
        let who = format!("system:serviceaccount:{}:{account}", self.ours.namespace());
        let until = Instant::now() + NOTICED;
        loop {
            if !self.may_patch(&who).await? {
                let words = format!("the API server denies PATCH of config maps to {who}");
                self.hit(Ok(words), events).await;
                return Ok(());
            }
            if Instant::now() >= until {
                let words = format!("{who} may still PATCH config maps, by another Role");
                self.hit(Err(words), events).await;
                return Ok(());
            }
            clock::sleep(LOOK).await;
        }
    }

    /// The Role that lets an account patch config maps.
    async fn role_of(&self, account: &str) -> Result<Role, Fault> {
        let all = ListParams::default();
        let bindings: Api<RoleBinding> = Api::namespaced(self.ours.client(), self.ours.namespace());
        let bindings = within(CALL, "Asking for the RoleBindings", bindings.list(&all)).await?;
        let roles: Api<Role> = Api::namespaced(self.ours.client(), self.ours.namespace());
        for binding in bindings.items {
            let subjects = binding.subjects.unwrap_or_default();
            let bound = subjects
                .iter()
                .any(|subject| subject.kind == "ServiceAccount" && subject.name == account);
            if !bound || binding.role_ref.kind != "Role" {
                continue;
            }
            let found = roles.get_opt(&binding.role_ref.name);
            let Some(role) = within(CALL, "Asking for the Role", found).await? else {
                continue;
            };
            let lets = role.rules.iter().flatten().any(|rule| {
                is_about_maps(rule) && rule.verbs.iter().any(|verb| verb == "patch" || verb == "*")
            });
            if lets {
                return Ok(role);
            }
        }
        Err(Fault::unable(
            "no-role",
            format!("No Role of this namespace lets `{account}` patch config maps."),
        )
        .why("a ClusterRole may, and that is not this lab's to change"))
    }

    async fn may_patch(&self, who: &str) -> Result<bool, Fault> {
        let reviews: Api<SubjectAccessReview> = Api::all(self.ours.client());
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(who.to_owned()),
                resource_attributes: Some(ResourceAttributes {
                    namespace: Some(self.ours.namespace().to_owned()),
                    verb: Some("patch".to_owned()),
                    resource: Some("configmaps".to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let how = PostParams::default();
        let doing = "Asking what the JobManagers may do";
        let answer = within(CALL, doing, reviews.create(&how, &review)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    pub(super) async fn delete_pointers(
        &mut self,
        last: bool,
        events: &Events,
    ) -> Result<(), Fault> {
        let job = self.opened.state.current_job();
        let job = job.ok_or_else(|| Fault::unable("no-job", "No job is known."))?;
        let job = job.id.clone();
        let name = self.opened.lab.job_map(&job);
        let maps: Api<ConfigMap> = Api::namespaced(self.ours.client(), self.ours.namespace());
        // The copy is what is deleted: another version in between is copied anew.
        let mut tries = 0;
        loop {
            let map = within(CALL, "Copying the job's config map", maps.get(&name)).await?;
            let checkpoint = map
                .data
                .iter()
                .flatten()
                .filter_map(|(key, _)| key.strip_prefix("checkpointID-")?.parse::<u64>().ok())
                .max();
            let Some(checkpoint) = checkpoint else {
                return Err(Fault::unable(
                    "no-pointer",
                    format!("{name} holds no pointer."),
                ));
            };
            self.entry = None;
            let act = Act::Pointers {
                name: name.clone(),
                map: json!({"metadata": {"uid": map.metadata.uid, "labels": map.metadata.labels,
                    "annotations": map.metadata.annotations}, "data": map.data}),
                job: job.clone(),
                checkpoint,
            };
            self.will_undo(format!("the pointers of job {job} are deleted"), vec![act])?;
            let how = DeleteParams {
                preconditions: Some(Preconditions {
                    uid: map.metadata.uid.clone(),
                    resource_version: map.metadata.resource_version.clone(),
                }),
                ..DeleteParams::default()
            };
            let (at, began) = (clock::now(), Instant::now());
            match within(
                CALL,
                "Deleting the job's config map",
                maps.delete(&name, &how),
            )
            .await
            {
                Ok(_) if last => {
                    self.sent(at, began, "our clock, before the DELETE", events)
                        .await;
                    let words = format!("the config map {name} is deleted");
                    self.hit(Ok(words), events).await;
                    return Ok(());
                }
                Ok(_) => return Ok(()),
                Err(_) if tries < 10 => tries += 1,
                Err(fault) => return Err(fault),
            }
        }
    }
}

fn is_about_maps(rule: &k8s_openapi::api::rbac::v1::PolicyRule) -> bool {
    let named = rule.resources.iter().flatten();
    named
        .into_iter()
        .any(|resource| resource == "configmaps" || resource == "*")
}
