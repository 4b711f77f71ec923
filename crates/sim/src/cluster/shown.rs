//! A pod's status as the kubelet writes it: phase, conditions, and how its containers are and were.

use super::Cluster;
use super::container::{Container, Life};
use super::kubelet::of_pod;
use crate::api::{Key, seconds};
use serde_json::json;

/// Writes the pod's status as its containers are now.
pub(super) fn show(cluster: &Cluster, key: &Key, waiting: Option<(&str, &str)>) {
    let mut state = cluster.hold();
    let Some(pod) = state.store.get(key) else {
        return;
    };
    let uid = pod["metadata"]["uid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let spec = pod["spec"]["containers"][0].clone();
    let probed = !spec["readinessProbe"].is_null();
    let mut all: Vec<&Container> = of_pod(&state, &uid).collect();
    all.sort_by_key(|container| container.attempt);
    let (current, last) = (all.last().copied(), all.iter().rev().nth(1).copied());
    let ended = |container: &Container| match container.life {
        Life::Running => json!({}),
        Life::Ended { code, at } => json!({"terminated": {"exitCode": code,
            "reason": if code == 0 { "Completed" } else { "Error" },
            "startedAt": seconds(container.started), "finishedAt": seconds(at),
            "containerID": format!("containerd://{}", container.id)}}),
    };
    let now = match (waiting, current) {
        (Some((reason, message)), _) => json!({"waiting": {"reason": reason, "message": message}}),
        (None, None) => json!({"waiting": {"reason": "ContainerCreating"}}),
        (None, Some(own)) if own.runs() => json!({"running": {"startedAt": seconds(own.started)}}),
        (None, Some(own)) => ended(own),
    };
    let before = match (waiting, current, last) {
        (Some(_), Some(own), _) => ended(own),
        (None, _, Some(old)) => ended(old),
        _ => json!({}),
    };
    let runs = current.is_some_and(Container::runs);
    let ready = current.is_some_and(|own| own.runs() && (!probed || own.listening));
    let for_good = pod["spec"]["restartPolicy"] == "Never";
    let phase = match current.map(|own| own.life) {
        None => "Pending",
        Some(Life::Ended { code: 0, .. }) if for_good => "Succeeded",
        Some(Life::Ended { .. }) if for_good => "Failed",
        Some(_) => "Running",
    };
    let truth = |yes: bool| if yes { "True" } else { "False" };
    let status = json!({
        "phase": phase,
        "hostIP": pod["status"]["hostIP"],
        "podIP": current.map(|own| own.ip.clone()),
        "podIPs": current.map(|own| json!([{"ip": own.ip}])),
        "qosClass": "BestEffort",
        "startTime": pod["metadata"]["creationTimestamp"],
        "conditions": [
            {"type": "PodReadyToStartContainers", "status": truth(current.is_some())},
            {"type": "Initialized", "status": "True"},
            {"type": "Ready", "status": truth(ready)},
            {"type": "ContainersReady", "status": truth(ready)},
            {"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [{
            "name": spec["name"], "image": spec["image"],
            "imageID": current.map_or(String::new(), |own| own.image_id.clone()),
            "containerID": current.map(|own| format!("containerd://{}", own.id)),
            "ready": ready, "started": runs,
            "restartCount": current.map_or(0, |own| own.attempt),
            "state": now, "lastState": before}],
    });
    let mut status = status;
    if let Some(map) = status.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    state.store.edit(key, |pod| pod["status"] = status);
}
