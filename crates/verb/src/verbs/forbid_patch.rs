//! Takes `patch` on config maps out of the JobManagers' Role, and puts it back.

use crate::{
    Act, Aftershock, Cluster, ClusterUndo, Definition, Effect, Facts, Hits, Injection, ROLE,
    ROLE_BINDING, SUBJECT_ACCESS_REVIEW, Scene, Seconds, Step, Stored, Task, UndoKind, UndoneBy,
    Until, Verb,
};
use flinklab_base::clock::{self, Instant};
use flinklab_base::fault::Fault;
use flinklab_base::shell;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// `patch` on config maps taken out of the Role.
pub const FORBID_PATCH: Step = Step::of(&ForbidPatch);

struct ForbidPatch;

static FACTS: Facts = Facts {
    key: "forbid-patch",
    hits: &[Hits::Role],
    effect: Effect::Spares,
    until: Until::Undone,
    undone: UndoneBy {
        sentence: "the verb is put back",
        words: "verb put back",
        slow: false,
    },
    undos: &[UndoKind::in_cluster::<RoleRules>()],
    scripts: &[],
};

/// How long a changed Role may take to reach the API server's rules.
const NOTICED: Duration = Duration::from_secs(12);
/// How long a leader that may renew its lease again may take to do so.
const RENEWS: Duration = Duration::from_secs(10);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(250);

impl Verb for ForbidPatch {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn command(&self, scene: &Scene) -> String {
        format!(
            "{} | sed '/^ *- patch$/d' | {}",
            scene.kubectl(&format!("get role {} -o yaml", scene.role)),
            scene.kubectl("replace -f -")
        )
    }

    fn missing(&self, lab: &dyn Definition) -> Option<&'static str> {
        // Nothing in the cluster tells before it is tried: only the version does.
        if lab.renews_by_update() {
            Some("its Flink renews the lease with an update, not a patch")
        } else if !lab.lets_patch_config_maps() {
            Some("no Role of its own lets the JobManagers patch config maps")
        } else {
            None
        }
    }

    fn aftershock(&self, _hits: Hits, _lasts: Seconds) -> Aftershock {
        Aftershock::UntilRenewed
    }

    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()> {
        Box::pin(async move {
            let account = on.victims()[0].account.clone();
            let before = role_of(on.cluster(), &account).await?;
            let name = before.name.clone();
            let rules = without_patch(&before.rules);
            on.journal(
                format!("`patch` is taken out of the Role {name}"),
                vec![Act::in_cluster(before)],
            )?;
            let (at, began) = (clock::now(), Instant::now());
            on.began();
            let cluster = on.cluster();
            let doing = format!("Taking `patch` out of the Role {name}");
            let patch = json!({"rules": rules});
            cluster.patch(&ROLE, &name, patch, &doing).await?;
            on.sent(at, began, "our clock, before the PATCH of the Role")
                .await;
            let who = format!("system:serviceaccount:{}:{account}", cluster.namespace());
            let until = Instant::now() + NOTICED;
            loop {
                if !may_patch(cluster, &who).await? {
                    let words = format!("the API server denies PATCH of config maps to {who}");
                    on.hit(Ok(words)).await;
                    return Ok(());
                }
                if Instant::now() >= until {
                    let words = format!("{who} may still PATCH config maps, by another Role");
                    on.hit(Err(words)).await;
                    return Ok(());
                }
                clock::sleep(LOOK).await;
            }
        })
    }
}

/// Whether a rule's list has one of the words.
fn has(rule: &Value, list: &str, words: &[&str]) -> bool {
    let all = rule[list].as_array().into_iter().flatten();
    all.filter_map(Value::as_str)
        .any(|one| words.contains(&one))
}

fn is_about_maps(rule: &Value) -> bool {
    has(rule, "resources", &["configmaps", "*"])
}

fn without_patch(rules: &Value) -> Value {
    let mut rules = rules.clone();
    let about_maps = rules.as_array_mut().into_iter().flatten();
    for rule in about_maps.filter(|rule| is_about_maps(rule)) {
        if has(rule, "verbs", &["*"]) {
            rule["verbs"] = json!(["get", "list", "watch", "create", "update", "delete"]);
        }
        if let Some(verbs) = rule["verbs"].as_array_mut() {
            verbs.retain(|verb| verb != "patch");
        }
    }
    rules
}

/// The Role that lets an account patch config maps.
async fn role_of(cluster: &dyn Cluster, account: &str) -> Result<RoleRules, Fault> {
    let doing = "Asking for the RoleBindings";
    for binding in cluster.list(&ROLE_BINDING, doing).await? {
        let subjects = binding["subjects"].as_array().into_iter().flatten();
        let bound = subjects.into_iter().any(|subject| {
            subject["kind"] == "ServiceAccount" && subject["name"].as_str() == Some(account)
        });
        if !bound || binding["roleRef"]["kind"] != "Role" {
            continue;
        }
        let name = binding["roleRef"]["name"].as_str().unwrap_or_default();
        let Some(mut role) = cluster.get(&ROLE, name, "Asking for the Role").await? else {
            continue;
        };
        let rules = role["rules"].take();
        let mut all = rules.as_array().into_iter().flatten();
        if all.any(|rule| is_about_maps(rule) && has(rule, "verbs", &["patch", "*"])) {
            let name = name.to_owned();
            return Ok(RoleRules { name, rules });
        }
    }
    Err(Fault::unable(
        "no-role",
        format!("No Role of this namespace lets `{account}` patch config maps."),
    )
    .why("a ClusterRole may, and that is not this lab's to change"))
}

async fn may_patch(cluster: &dyn Cluster, who: &str) -> Result<bool, Fault> {
    let review = json!({
        "apiVersion": SUBJECT_ACCESS_REVIEW.api, "kind": SUBJECT_ACCESS_REVIEW.name,
        "metadata": {},
        "spec": {"user": who, "resourceAttributes": {
            "namespace": cluster.namespace(), "verb": "patch", "resource": "configmaps"}},
    });
    let doing = "Asking what the JobManagers may do";
    let answer = cluster
        .create(&SUBJECT_ACCESS_REVIEW, review, doing)
        .await?;
    Ok(answer["status"]["allowed"] == true)
}

/// A Role's rules as they were. A leader that noticed nothing renews its lease at once then; one that
/// gave up trying is stopped, so that another one leads.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRules {
    /// Its name, in the lab's namespace.
    pub name: String,
    /// The rules.
    pub rules: Value,
}

impl Stored for RoleRules {
    const DO: &'static str = "role";
    const WRITTEN: &'static str = r#"{"do":"role","name":"ha","rules":[{"verbs":["get"]}]}"#;
}

impl ClusterUndo for RoleRules {
    fn command(&self, kubectl: &dyn Fn(&str) -> String, namespace: &str) -> String {
        let Self { name, rules } = self;
        kubectl(&format!(
            "patch -n {namespace} role {name} --type=merge -p {}",
            shell::quoted(&format!("{{\"rules\":{rules}}}"))
        ))
    }

    fn undo<'a>(&'a self, cluster: &'a dyn Cluster) -> Task<'a, Timestamp> {
        Box::pin(async move {
            let doing = format!("Putting the Role {} back", self.name);
            let before = cluster.lock().await?;
            let at = clock::now();
            let patch = json!({"rules": self.rules});
            cluster.patch(&ROLE, &self.name, patch, &doing).await?;
            let until = Instant::now() + RENEWS;
            while Instant::now() < until {
                clock::sleep(LOOK * 2).await;
                if cluster.lock().await? != before {
                    return Ok(at);
                }
            }
            cluster.stop_leader().await?;
            Ok(at)
        })
    }
}
