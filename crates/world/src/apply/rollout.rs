//! Waits until a workload has all its replicas, by watch. Says what the pods wait for when that
//! takes too long; changes nothing.

use crate::kube::CALL;
use crate::members;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use flinklab_lab::Document;
use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::runtime::watcher;
use kube::{Api, Client};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// After a watch that failed.
const RETRY: Duration = Duration::from_millis(500);

/// Whether this is a kind of object that a rollout can be waited for.
#[must_use]
pub fn wants_rollout(document: &Document) -> bool {
    matches!(
        document.kind.as_str(),
        "Deployment" | "StatefulSet" | "DaemonSet"
    )
}

/// Waits until all replicas are ready, telling how many are.
pub async fn rollout(
    client: &Client,
    document: &Document,
    limit: Duration,
    mut tell: impl FnMut(u64, u64),
) -> Result<(), Fault> {
    let (group, version) = document
        .api_version
        .split_once('/')
        .unwrap_or(("", &document.api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &document.kind));
    let namespace = document.namespace.as_deref().unwrap_or("default");
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let only = watcher::Config::default().fields(&format!("metadata.name={}", document.name));
    let mut last = String::new();
    let wait = async {
        let mut events = watcher(api, only).boxed();
        while let Some(event) = events.next().await {
            match event {
                Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                    let (ready, wanted) = replicas(&object.data);
                    tell(ready, wanted);
                    if rolled_out(&object) {
                        return;
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    last = error.to_string();
                    clock::sleep(RETRY).await;
                }
            }
        }
    };
    if tokio::time::timeout(limit, wait).await.is_ok() {
        return Ok(());
    }
    let pods = waiting(client, namespace, document).await;
    let why = match (pods.is_empty(), last.is_empty()) {
        (false, _) => pods,
        (true, false) => last,
        (true, true) => "its pods did not become ready".to_owned(),
    };
    Err(Fault::unable(
        "rollout-late",
        format!(
            "{} `{}` is not ready after {} s.",
            document.kind,
            document.name,
            limit.as_secs()
        ),
    )
    .why(why))
}

/// Waits until none of the workload's pods is on its way out, telling which still are. A rollout
/// counts them no longer, but their processes run until their grace period ends.
pub async fn left(
    client: &Client,
    document: &Document,
    limit: Duration,
    mut tell: impl FnMut(&[String]),
) -> Result<(), Fault> {
    let namespace = document.namespace.as_deref().unwrap_or("default");
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let only = watcher::Config::default().labels(&selector(document));
    let mut leaving = BTreeSet::new();
    let wait = async {
        let mut events = watcher(pods, only).boxed();
        while let Some(event) = events.next().await {
            let before = leaving.clone();
            match event {
                Ok(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod)) => {
                    if pod.metadata.deletion_timestamp.is_some() && is_of(document, &pod) {
                        leaving.insert(pod.metadata.name.unwrap_or_default());
                    }
                }
                Ok(watcher::Event::Delete(pod)) => {
                    leaving.remove(&pod.metadata.name.unwrap_or_default());
                }
                // What ended while nobody watched is not listed again.
                Ok(watcher::Event::Init) => leaving.clear(),
                Ok(watcher::Event::InitDone) if leaving.is_empty() => return,
                Ok(watcher::Event::InitDone) => {}
                Err(error) => {
                    tracing::debug!(%error, "watching pods leave");
                    clock::sleep(RETRY).await;
                    continue;
                }
            }
            if leaving != before {
                if leaving.is_empty() {
                    return;
                }
                tell(&leaving.iter().cloned().collect::<Vec<_>>());
            }
        }
    };
    if tokio::time::timeout(limit, wait).await.is_ok() {
        return Ok(());
    }
    let names: Vec<_> = leaving.into_iter().collect();
    Err(Fault::unable(
        "rollout-late",
        format!(
            "Old pods of {} `{}` have not ended after {} s.",
            document.kind,
            document.name,
            limit.as_secs()
        ),
    )
    .why(if names.is_empty() {
        "the API server did not list them".to_owned()
    } else {
        format!("still there: {}", names.join(", "))
    }))
}

/// The labels that a workload finds its pods by, as an API call takes them.
fn selector(document: &Document) -> String {
    let labels = document
        .object
        .pointer("/spec/selector/matchLabels")
        .and_then(Value::as_object);
    let pairs: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    pairs.join(",")
}

/// Whether a pod is of this workload: others may use the same labels.
fn is_of(document: &Document, pod: &Pod) -> bool {
    let (kind, name) = members::owner(pod);
    kind == document.kind && name == document.name
}

fn number(data: &Value, pointer: &str) -> Option<u64> {
    data.pointer(pointer).and_then(Value::as_u64)
}

/// Ready and wanted replicas.
fn replicas(data: &Value) -> (u64, u64) {
    let wanted = number(data, "/spec/replicas")
        .or_else(|| number(data, "/status/desiredNumberScheduled"))
        .unwrap_or(1);
    let ready = number(data, "/status/readyReplicas")
        .or_else(|| number(data, "/status/numberReady"))
        .unwrap_or(0);
    (ready, wanted)
}

/// All replicas are of the newest kind and ready, as `kubectl rollout status` sees it.
fn rolled_out(object: &DynamicObject) -> bool {
    let data = &object.data;
    let observed = number(data, "/status/observedGeneration").unwrap_or(0);
    let generation = object
        .metadata
        .generation
        .and_then(|at| u64::try_from(at).ok());
    let (ready, wanted) = replicas(data);
    let updated = number(data, "/status/updatedReplicas")
        .or_else(|| number(data, "/status/updatedNumberScheduled"))
        .unwrap_or(0);
    let existing = number(data, "/status/replicas").unwrap_or(updated);
    observed >= generation.unwrap_or(0)
        && ready >= wanted
        && updated >= wanted
        && existing <= wanted
}

/// What the pods of a workload wait for, in the kubelet's and scheduler's words.
async fn waiting(client: &Client, namespace: &str, document: &Document) -> String {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let params = ListParams::default().labels(&selector(document));
    let Ok(Ok(mut list)) = tokio::time::timeout(CALL, pods.list(&params)).await else {
        return String::new();
    };
    list.items.retain(|pod| is_of(document, pod));
    let told: Vec<String> = list
        .items
        .iter()
        .filter_map(|pod| {
            let name = pod.metadata.name.clone()?;
            reason(pod).map(|reason| format!("{name}: {reason}"))
        })
        .collect();
    match (told.is_empty(), list.items.is_empty()) {
        (_, true) => "it has no pods".to_owned(),
        (true, _) => String::new(),
        _ => told.join("; "),
    }
}

fn reason(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    for container in status.container_statuses.iter().flatten() {
        let state = container.state.as_ref()?;
        if let Some(waiting) = &state.waiting {
            let reason = waiting.reason.as_deref().unwrap_or("waiting");
            return Some(match &waiting.message {
                Some(message) => format!("{reason}, {message}"),
                None => reason.to_owned(),
            });
        }
        if !container.ready {
            return Some("runs, but its readiness probe fails".to_owned());
        }
    }
    let unscheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
    unscheduled.message.clone()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn deployment(ready: u64, updated: u64, total: u64, observed: u64) -> DynamicObject {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "x", "generation": 2}, "spec": {"replicas": 2},
            "status": {"readyReplicas": ready, "updatedReplicas": updated, "replicas": total,
                "observedGeneration": observed},
        }))
        .unwrap()
    }

    #[test]
    fn a_rollout_is_over_when_only_new_replicas_are_left_and_all_ready() {
        assert!(rolled_out(&deployment(2, 2, 2, 2)));
        assert!(!rolled_out(&deployment(1, 2, 2, 2)), "one is not ready");
        assert!(!rolled_out(&deployment(2, 1, 2, 2)), "one is old");
        assert!(
            !rolled_out(&deployment(2, 2, 3, 2)),
            "an old one is still there"
        );
        assert!(
            !rolled_out(&deployment(2, 2, 2, 1)),
            "not yet seen by the controller"
        );
    }
}
