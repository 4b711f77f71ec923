//! The scheduler of the simulated cluster: a pod gets a node. Where there are workers, they run what
//! is not the system's own, spread over those that are Ready; a control plane keeps its taint.

use super::{Cluster, State};
use crate::api::{Key, kinds};
use flinklab_lab::NodeRole;
use serde_json::{Value, json};
use std::sync::Arc;

/// Namespaces of what every cluster runs, which tolerates a control plane.
const SYSTEM: [&str; 2] = ["kube-system", "local-path-storage"];

/// Gives a pod its node, as soon as there is one.
pub(super) async fn schedule(cluster: &Arc<Cluster>, key: &Key) -> Option<Value> {
    cluster.sleep(cluster.between(0.05, 0.2)).await;
    let mut pulse = cluster.pulse();
    let pod = loop {
        pulse.mark_unchanged();
        let chosen = {
            let mut state = cluster.hold();
            let unbound = unbound(&state, key);
            if let Some(why) = &unbound {
                refuse(&mut state, key, why);
            }
            let node = node_for(cluster, &state, key).filter(|_| unbound.is_none());
            node.map(|node| {
                let host = state.nodes.get(&node).map(|node| node.ip.clone());
                state.store.edit(key, |pod| {
                    pod["spec"]["nodeName"] = json!(node);
                    pod["status"] = json!({"phase": "Pending", "qosClass": "BestEffort",
                        "hostIP": host, "conditions": [{"type": "PodScheduled", "status": "True"}]});
                })
            })
        };
        match chosen {
            Some(pod) => break pod?,
            None => pulse.changed().await.ok()?,
        }
    };
    let text = format!(
        "Successfully assigned {}/{} to {}",
        key.namespace,
        key.name,
        pod["spec"]["nodeName"].as_str().unwrap_or_default()
    );
    cluster.event(&pod, "Normal", "Scheduled", &text);
    Some(Value::clone(&pod))
}

/// Why no node will do: a claim of the pod that is not there or has no volume.
fn unbound(state: &State, key: &Key) -> Option<String> {
    let pod = state.store.get(key)?;
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let mut claims = volumes.filter_map(|one| one["persistentVolumeClaim"]["claimName"].as_str());
    claims.find_map(|name| {
        let kind = kinds::of("persistentvolumeclaims");
        match state.store.read(kind, &key.namespace, name) {
            None => Some(format!("persistentvolumeclaim \"{name}\" not found")),
            Some(claim) if claim["status"]["phase"] != "Bound" => {
                Some("pod has unbound immediate PersistentVolumeClaims".to_owned())
            }
            Some(_) => None,
        }
    })
}

/// The pod says that it waits for a node, once.
fn refuse(state: &mut State, key: &Key, why: &str) {
    let message = format!("0/{} nodes are available: {why}.", state.nodes.len());
    let condition = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": message}]);
    let known = state.store.get(key);
    if known.is_some_and(|pod| pod["status"]["conditions"] != condition) {
        state
            .store
            .edit(key, |pod| pod["status"]["conditions"] = condition);
    }
}

/// The node that has the fewest pods of the same labels. None: there is none yet.
fn node_for(cluster: &Cluster, state: &State, key: &Key) -> Option<String> {
    let pod = state.store.get(key)?;
    if let Some(node) = pod["spec"]["nodeName"].as_str() {
        return Some(node.to_owned());
    }
    let of_daemons = pod["metadata"]["ownerReferences"][0]["kind"] == "DaemonSet";
    let system = SYSTEM.contains(&key.namespace.as_str());
    let mut of_lab = cluster.lab.cluster.nodes.iter();
    let has_workers = of_lab.any(|node| node.role == NodeRole::Worker);
    let fits = |name: &str| {
        let control_plane = name.ends_with("-control-plane");
        let joined = state.store.read(kinds::of("nodes"), "", name).is_some();
        let worker = joined && (!has_workers || !control_plane);
        of_daemons || system || worker && !unreachable(state, name)
    };
    let (labels, uid) = (&pod["metadata"]["labels"], &pod["metadata"]["uid"]);
    let alike = |node: &str| {
        let pods = state.store.list(kinds::of("pods"), &key.namespace);
        pods.filter(|other| {
            other["metadata"]["labels"] == *labels
                && other["metadata"]["uid"] != *uid
                && other["spec"]["nodeName"] == node
        })
        .count()
    };
    let names = state.nodes.keys().filter(|name| fits(name));
    names.min_by_key(|name| alike(name)).cloned()
}

/// Whether Kubernetes has given a node up, and puts nothing there.
fn unreachable(state: &State, name: &str) -> bool {
    let node = state.store.read(kinds::of("nodes"), "", name);
    let taints = node.and_then(|node| node["spec"]["taints"].as_array());
    taints.into_iter().flatten().any(|taint| {
        taint["key"] == "node.kubernetes.io/unreachable" && taint["effect"] == "NoSchedule"
    })
}
