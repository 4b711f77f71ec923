//! Steps that have an effect until they are taken back. Each writes down what takes it back before
//! it acts, and proves that it hit by something that can be counted or asked for.

use super::pins::changed;
use super::pods::{Memory, Request, stamp};
use super::{Hand, Victim};
use crate::fault::Fault;
use crate::model::{Event, RunEvent};
use crate::world::docker::Stream;
use crate::world::journal::Act;
use crate::world::kube::{CALL, within};
use crate::world::node::Node;
use crate::world::process::{SENT_MS, nanoseconds};
use crate::world::{Events, undo};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::json;
use std::time::{Duration, Instant};

const FREEZE: &str = include_str!("../../../assets/node/freeze.sh");
const CUT: &str = include_str!("../../../assets/node/cut.sh");
const COUNTED: &str = include_str!("../../../assets/node/counted.sh");
const ASIDE: &str = include_str!("../../../assets/node/aside.sh");
const MODE: &str = include_str!("../../../assets/node/mode.sh");
const FORBID: &str = include_str!("../../../assets/node/forbid.sh");

/// Where the kubelet finds the API server, and where it does not.
const MANIFEST: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const MANIFEST_ASIDE: &str = "/etc/kubernetes/flinklab-kube-apiserver.yaml";
/// How long a script in the node may take.
const IN_NODE: Duration = Duration::from_secs(20);
/// How long a cut-off pod may take to say something, or rules to reach the API server: a lease is
/// renewed every 5 s.
const NOTICED: Duration = Duration::from_secs(12);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(250);

impl Hand<'_> {
    pub(super) async fn freeze(&mut self, events: &Events) -> Result<(), Fault> {
        let acts = self.victims.iter().map(|victim| Act::Thaw {
            node: victim.node.name.clone(),
            pid: victim.process.pid,
            start: victim.process.start,
            pod: victim.target.pod.clone(),
        });
        let acts = acts.collect();
        let what = format!("the process of {} is stopped", self.names());
        self.will_undo(what, acts)?;
        let mut words = Vec::new();
        for victim in self.victims.clone() {
            let (pid, start) = (
                victim.process.pid.to_string(),
                victim.process.start.to_string(),
            );
            let argv = ["sh", "-c", FREEZE, "flinklab-freeze", &pid, &start];
            match self
                .script(&victim.node, &argv, IN_NODE, "SIGSTOP", events)
                .await?
            {
                Ok(at) => words.push(format!(
                    "process {pid} of {} is in state T since {} UTC",
                    victim.who(),
                    stamp(at)
                )),
                Err(_) if words.is_empty() => {
                    return Err(changed(&victim.target, "its process is another one"));
                }
                Err(why) => {
                    self.hit(Err(why), events).await;
                    return Ok(());
                }
            }
        }
        self.hit(Ok(words.join("; ")), events).await;
        Ok(())
    }

    pub(super) async fn cut_off(&mut self, events: &Events) -> Result<(), Fault> {
        let mark = format!("flinklab-{}", self.order.run);
        let mut acts: Vec<Act> = Vec::new();
        // Packets may be met on any node: the pod's own, and the one of the API server.
        for node in self.ours.nodes() {
            acts.push(Act::Reconnect {
                node: node.name.clone(),
                mark: mark.clone(),
            });
        }
        self.will_undo(
            format!("{} is cut off by iptables rules", self.names()),
            acts,
        )?;
        for victim in self.victims.clone() {
            if victim.address.is_empty() {
                return Err(changed(&victim.target, "it has no address"));
            }
            let argv = ["sh", "-c", CUT, "flinklab-cut", &mark, &victim.address];
            let told = self
                .script(&victim.node, &argv, IN_NODE, "iptables", events)
                .await?;
            told.map_err(|why| {
                Fault::unable("cut-failed", "The pod could not be cut off.").why(why)
            })?;
        }
        let until = Instant::now() + NOTICED;
        loop {
            let mut dropped = 0;
            for victim in &self.victims {
                let argv = ["sh", "-c", COUNTED, "flinklab-counted", &mark];
                let output = victim.node.exec(&argv, IN_NODE).await?;
                dropped += output.stdout.trim().parse::<u64>().unwrap_or_default();
            }
            if dropped > 0 {
                let words = format!("{dropped} packets of {} met the rules", self.names());
                self.hit(Ok(words), events).await;
                return Ok(());
            }
            if Instant::now() >= until {
                let words = format!("no packet of {} met the rules", self.names());
                self.hit(Err(words), events).await;
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

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
        self.began();
        let victim = self.victims[0].clone();
        let end = async {
            let request = Request::now("our clock, before the PATCH");
            (
                request,
                undo::scale(&self.ours, kind, &name, 0).await.map(drop),
            )
        };
        let limit = victim.grace + super::pods::FAREWELL;
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
                self.lab
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

    pub(super) async fn stop_api_server(&mut self, events: &Events) -> Result<(), Fault> {
        let node = self
            .ours
            .nodes()
            .iter()
            .find(|node| node.name.ends_with("-control-plane"));
        let node = node
            .cloned()
            .unwrap_or_else(|| self.victims[0].node.clone());
        let act = Act::MoveBack {
            node: node.name.clone(),
            from: MANIFEST_ASIDE.to_owned(),
            to: MANIFEST.to_owned(),
        };
        let what = format!("the API server of {} is away", node.name);
        self.will_undo(what, vec![act])?;
        let argv = [
            "sh",
            "-c",
            ASIDE,
            "flinklab-aside",
            MANIFEST,
            MANIFEST_ASIDE,
        ];
        // It ends in order, which takes a while; its time runs from the move.
        let told = self.script(&node, &argv, self.left(), "mv", events).await?;
        let proof = told.map(|at| {
            format!(
                "the API server of {} stopped at {} UTC",
                node.name,
                stamp(at)
            )
        });
        self.hit(proof, events).await;
        Ok(())
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
        let (at, began) = (Timestamp::now(), Instant::now());
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
            tokio::time::sleep(LOOK).await;
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

    pub(super) async fn forbid_writing(&mut self, events: &Events) -> Result<(), Fault> {
        let node = self.victims[0].node.clone();
        let job = crate::world::open::must_open(self.world)?
            .state
            .current_job()
            .cloned();
        let job = job
            .ok_or_else(|| Fault::unable("no-job", "No job is known."))?
            .id;
        let shared = self.ours.shared_in(&node).ok_or_else(|| {
            Fault::unable(
                "no-mount",
                format!("{} does not see the shared folder.", node.name),
            )
        })?;
        let folder = format!("{shared}/{}/{job}", self.lab.flink.folders.checkpoints);
        let argv = ["sh", "-c", MODE, "flinklab-mode", &folder];
        let mode = node
            .exec(&argv, IN_NODE)
            .await?
            .expect("Asking for the folder's mode")?;
        let act = Act::Mode {
            node: node.name.clone(),
            folder: folder.clone(),
            mode: mode.trim().to_owned(),
        };
        self.will_undo(
            format!("the checkpoints of job {job} are read-only"),
            vec![act],
        )?;
        let argv = ["sh", "-c", FORBID, "flinklab-forbid", &folder];
        let told = self.script(&node, &argv, IN_NODE, "chmod", events).await?;
        let proof = told.map(|at| {
            format!(
                "a write as 9999 into {folder} is refused since {} UTC",
                stamp(at)
            )
        });
        self.hit(proof, events).await;
        Ok(())
    }

    pub(super) async fn delete_pointers(
        &mut self,
        last: bool,
        events: &Events,
    ) -> Result<(), Fault> {
        let job = crate::world::open::must_open(self.world)?
            .state
            .current_job()
            .cloned();
        let job = job
            .ok_or_else(|| Fault::unable("no-job", "No job is known."))?
            .id;
        let name = self.lab.job_map(&job);
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
            let (at, began) = (Timestamp::now(), Instant::now());
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

    /// Runs a script that says when it acts and when that took effect; the latter, or why not.
    async fn script(
        &mut self,
        node: &Node,
        argv: &[&str],
        limit: Duration,
        what: &str,
        events: &Events,
    ) -> Result<Result<Timestamp, String>, Fault> {
        self.began();
        let (to, mut lines) = tokio::sync::mpsc::channel(8);
        let mut why = String::new();
        let run = node.exec_lines(argv, limit, |stream, line| match stream {
            Stream::Stdout => drop(to.try_send(line.to_owned())),
            Stream::Stderr => line.clone_into(&mut why),
        });
        let (mut sent, mut stopped) = (None, None);
        let code = {
            futures::pin_mut!(run);
            loop {
                tokio::select! {
                    code = &mut run => break code,
                    Some(line) = lines.recv() => {
                        self.told(&line, what, &mut sent, &mut stopped, events).await;
                    }
                }
            }
        };
        while let Ok(line) = lines.try_recv() {
            self.told(&line, what, &mut sent, &mut stopped, events)
                .await;
        }
        match (code, sent, stopped) {
            (_, Some(_), Some(at)) => Ok(Ok(at)),
            // It acted: what did not come of it is for the judge.
            (Err(fault), Some(_), None) => Ok(Err(fault.to_string())),
            (Ok(code), Some(_), None) if why.is_empty() => {
                Ok(Err(format!("the command in the node ended with {code}")))
            }
            (Ok(_), Some(_), None) => Ok(Err(why)),
            (Err(fault), None, _) => Err(fault),
            (Ok(3), None, _) if why.is_empty() => Err(Fault::unable(
                "target-changed",
                "The process is no longer the one that was aimed at.",
            )
            .mend("Nothing was hit. Run the command again.")),
            (Ok(code), None, _) => Err(Fault::unable(
                "step-failed",
                format!("A command in the node {} ended with {code}.", node.name),
            )
            .why(why)),
        }
    }

    async fn told(
        &self,
        line: &str,
        what: &str,
        sent: &mut Option<Timestamp>,
        stopped: &mut Option<Timestamp>,
        events: &Events,
    ) {
        let mut words = line.split_whitespace();
        let (word, at) = (words.next(), words.next().and_then(nanoseconds));
        match (word, at) {
            (Some("sent"), Some(at)) => {
                *sent = Some(at);
                let event = RunEvent::Sent {
                    at,
                    observer: format!("node clock, before {what}"),
                    resolution_ms: SENT_MS,
                };
                events.send(Event::Run(event)).await;
            }
            (Some("stopped"), Some(at)) => *stopped = Some(at),
            _ => {}
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self
            .victims
            .iter()
            .map(|victim: &Victim| victim.target.pod.as_str())
            .collect();
        names.join(" and ")
    }
}

fn is_about_maps(rule: &k8s_openapi::api::rbac::v1::PolicyRule) -> bool {
    let named = rule.resources.iter().flatten();
    named
        .into_iter()
        .any(|resource| resource == "configmaps" || resource == "*")
}
