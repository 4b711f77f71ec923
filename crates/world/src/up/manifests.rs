//! The lab's own manifests: everything without pods as soon as the cluster is proven ours, the
//! workloads once their images are in the nodes, and then the rollouts. Workloads whose
//! configuration changed are restarted, as `kubectl rollout restart` does it, and what they
//! replace is gone before anyone looks at the job.

use super::{Run, application};
use crate::application::beginning;
use crate::apply::{Applied, Applier, Change, Origin, left, rollout, wants_rollout};
use crate::home::JobRecord;
use crate::kube as api;
use crate::kube::CALL;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use flinklab_lab::{Document, Wait};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

const STEP: &str = "flink";
/// Longer than any grace period that a lab's pods have.
const LEAVES: Duration = Duration::from_secs(180);

/// Applies everything and waits for the rollouts that the lab asks for.
pub(super) async fn all(run: &Run<'_>) -> Result<(), Fault> {
    let ours = run.ours.wait().await;
    run.progress
        .begin(STEP, "applies what needs no image")
        .await;
    let mut applier = Applier::new(ours.client(), &run.folder);
    let mut done = apply(run, &mut applier, Part::Rest, None).await?;
    run.progress.tell(STEP, "waits for the images");
    run.loaded.wait().await;
    if run.lab.cluster.nodes.len() > 1 {
        // Pods are spread over the nodes that are there, and are not moved when another one comes.
        run.progress.tell(STEP, "waits for all nodes");
        run.ready.wait().await;
    }
    run.progress.tell(STEP, "applies the workloads");
    let history = application::history(run, &ours.client()).await?;
    done.extend(apply(run, &mut applier, Part::Workloads, history.as_ref()).await?);
    let replaced = restart(run, &ours.client(), &done).await? || replaces(run, &done);
    if !replaced {
        // Nothing ran before: the job goes in while the pods still come up.
        let _ = run.applied.set(());
    }
    rollouts(run, &ours.client()).await?;
    if replaced {
        // A JobManager on its way out still answers for the job, and takes its leadership along.
        departures(run, &ours.client()).await?;
        let _ = run.applied.set(());
    }
    let fresh = done
        .iter()
        .filter(|(_, one)| one.change == Change::Created)
        .count();
    let other: Vec<&str> = done
        .iter()
        .filter(|(_, one)| one.change == Change::Changed)
        .map(|(_, one)| one.object.as_str())
        .collect();
    let detail = match (fresh, other.is_empty()) {
        (0, true) => "as they should be".to_owned(),
        (fresh, true) => format!("{fresh} objects made"),
        (0, false) => format!("changed: {}", other.join(", ")),
        (fresh, false) => format!("{fresh} objects made; changed: {}", other.join(", ")),
    };
    run.progress.done(STEP, detail).await;
    let _ = run.rolled.set(());
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Rest,
    Workloads,
}

/// What was applied, with the file it stands in.
type Done = Vec<(String, Applied)>;

async fn apply(
    run: &Run<'_>,
    applier: &mut Applier,
    part: Part,
    history: Option<&JobRecord>,
) -> Result<Done, Fault> {
    let application = run.lab.application();
    let begun = |document: &Document| {
        let at = beginning(history?);
        application.as_ref()?.begun(document, at)
    };
    let mut done = Vec::new();
    let mut told = BTreeSet::new();
    for manifest in &run.lab.manifests {
        let found = run
            .lab
            .files
            .iter()
            .find(|(name, _)| *name == manifest.file);
        let origin = Origin {
            file: &manifest.file,
            text: found.map(|(_, text)| text.as_str()).unwrap_or_default(),
        };
        for document in &manifest.documents {
            if document.is_workload() != (part == Part::Workloads) {
                continue;
            }
            let begun = begun(document);
            let applied = applier
                .apply(origin, begun.as_ref().unwrap_or(document))
                .await?;
            if applied.change != Change::Same {
                run.progress.changed();
            }
            if applied.change != Change::Same && told.insert(&manifest.file) {
                let what = format!("{}{}", run.folder, manifest.file);
                let command = run.world.kubectl(&format!("apply --server-side -f {what}"));
                run.progress
                    .did(&format!("The objects of {what}"), command)
                    .await;
            }
            done.push((manifest.file.clone(), applied));
        }
    }
    Ok(done)
}

/// Restarts workloads that use a config map or secret which changed: a mounted file does not
/// change under a running process, and a subPath never does. Whether there were any.
async fn restart(run: &Run<'_>, client: &Client, done: &Done) -> Result<bool, Fault> {
    let mut restarted = false;
    let changed: Vec<&Document> = run
        .lab
        .manifests
        .iter()
        .flat_map(|manifest| manifest.documents.iter().map(move |one| (manifest, one)))
        .filter(|(_, document)| matches!(document.kind.as_str(), "ConfigMap" | "Secret"))
        .filter(|(manifest, document)| {
            let object = format!("{} {}", document.kind, document.name);
            let now = done.iter().any(|(file, one)| {
                *file == manifest.file && one.object == object && one.change == Change::Changed
            });
            // Applied by an `up` that was stopped before it came to the restart.
            now || run.changed.contains(&manifest.file)
        })
        .map(|(_, document)| document)
        .collect();
    for document in run.lab.documents() {
        if !wants_rollout(document) || !changed.iter().any(|used| uses(document, &used.name)) {
            continue;
        }
        let object = format!("{} {}", document.kind, document.name);
        // One that was made just now has read the new one already.
        let made = done
            .iter()
            .any(|(_, one)| one.object == object && one.change == Change::Created);
        if !made {
            run.progress.tell(
                STEP,
                &format!("restarts {object}: its configuration changed"),
            );
            restart_one(client, document).await?;
            restarted = true;
        }
    }
    Ok(restarted)
}

/// Whether what was applied takes running pods away.
fn replaces(run: &Run<'_>, done: &Done) -> bool {
    let mut workloads = run.lab.documents().filter(|one| wants_rollout(one));
    workloads.any(|document| {
        let object = format!("{} {}", document.kind, document.name);
        done.iter()
            .any(|(_, one)| one.object == object && one.change == Change::Changed)
    })
}

/// Whether a workload mentions a config map or secret by name.
fn uses(document: &Document, name: &str) -> bool {
    fn mentions(value: &Value, name: &str) -> bool {
        match value {
            Value::Object(map) => map.iter().any(|(key, value)| match key.as_str() {
                "configMap" | "configMapRef" | "configMapKeyRef" | "secretRef" | "secretKeyRef" => {
                    value["name"] == name
                }
                "secret" => value["secretName"] == name || value["name"] == name,
                _ => mentions(value, name),
            }),
            Value::Array(list) => list.iter().any(|value| mentions(value, name)),
            _ => false,
        }
    }
    document
        .object
        .pointer("/spec/template")
        .is_some_and(|template| mentions(template, name))
}

async fn restart_one(client: &Client, document: &Document) -> Result<(), Fault> {
    let (group, version) = document
        .api_version
        .split_once('/')
        .unwrap_or(("", &document.api_version));
    let kind = GroupVersionKind::gvk(group, version, &document.kind);
    let namespace = document.namespace.as_deref().unwrap_or("default");
    let resource = ApiResource::from_gvk(&kind);
    let objects: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let now = clock::now().to_string();
    let patch = Patch::Merge(json!({"spec": {"template": {"metadata": {
        "annotations": {"kubectl.kubernetes.io/restartedAt": now}}}}}));
    let doing = format!("Restarting {} {}", document.kind, document.name);
    let params = PatchParams {
        field_manager: Some("flinklab-restart".to_owned()),
        ..PatchParams::default()
    };
    let call = objects.patch(&document.name, &params, &patch);
    api::within(CALL, &doing, call).await.map(drop)
}

/// Waits until no pod of a replaced workload is on its way out.
async fn departures(run: &Run<'_>, client: &Client) -> Result<(), Fault> {
    let documents = run.lab.documents().filter(|one| wants_rollout(one));
    let waits = documents.map(|document| {
        left(client, document, LEAVES, |leaving| {
            let name = &document.name;
            let told = format!(
                "waits for the old pods of {name} to end: {}",
                leaving.join(", ")
            );
            run.progress.tell(STEP, &told);
        })
    });
    futures::future::try_join_all(waits).await.map(drop)
}

/// Waits for all rollouts at once.
async fn rollouts(run: &Run<'_>, client: &Client) -> Result<(), Fault> {
    let counts: Mutex<BTreeMap<String, (u64, u64)>> = Mutex::default();
    let mut waits = Vec::new();
    for (apply, manifest) in run.lab.apply.iter().zip(&run.lab.manifests) {
        let Some(Wait::Rollout { within }) = &apply.wait else {
            continue;
        };
        for document in manifest.documents.iter().filter(|one| wants_rollout(one)) {
            waits.push(one(run, client, document, *within, &counts));
        }
    }
    futures::future::try_join_all(waits).await.map(drop)
}

async fn one(
    run: &Run<'_>,
    client: &Client,
    document: &Document,
    within: Duration,
    counts: &Mutex<BTreeMap<String, (u64, u64)>>,
) -> Result<(), Fault> {
    rollout(client, document, within, |ready, wanted| {
        let mut counts = counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        counts.insert(document.name.clone(), (ready, wanted));
        let told: Vec<String> = counts
            .iter()
            .map(|(name, (ready, wanted))| format!("{name} {ready} of {wanted} ready"))
            .collect();
        run.progress.tell(STEP, &told.join(", "));
    })
    .await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_lab::Lab;

    #[test]
    fn the_workloads_of_a_changed_configuration_are_found() {
        let lab = Lab::open("default").unwrap();
        let named = |name: &str| {
            let mut all = lab
                .manifests
                .iter()
                .flat_map(|manifest| &manifest.documents);
            all.find(|document| document.name == name).unwrap()
        };
        assert!(uses(named("flink-jobmanager"), "flink-config"));
        assert!(uses(named("flink-taskmanager"), "flink-config"));
        assert!(!uses(named("flink-jobmanager"), "flink-shared"));
        assert!(!uses(named("flink-rest"), "flink-config"));
    }
}
