//! Nodes that start, stop, stand still and come back, and what Kubernetes makes of their silence: a
//! lease that is not renewed, a node that is NotReady, pods that are moved when their tolerations end.

use super::shown::show;
use super::{Cluster, Container, Signal, State};
use crate::api::{Key, kinds, seconds};
use flinklab_base::clock;
use serde_json::{Value, json};
use std::sync::Arc;

/// How old a node's lease may be, in seconds: since Kubernetes 1.32, and before.
const GRACE: (f64, f64) = (50.0, 40.0);
/// The first minor version with the longer one.
const LONGER_SINCE: u32 = 32;
/// How often the lease is renewed, and looked at.
const RENEWED: (f64, f64) = (0.0, 10.0);
/// A pod that says nothing about lost nodes stays for so many seconds.
const TOLERATED: f64 = 300.0;
/// The taint of a node that is given up.
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

impl Cluster {
    /// A node's container starts again: what ran in its pods is gone and comes back.
    pub(crate) fn node_up(self: &Arc<Self>, node: &str) {
        {
            let mut state = self.hold();
            if let Some(node) = state.nodes.get_mut(node) {
                node.down = false;
                node.paused = None;
            }
            state.beats += 1;
        }
        if self.is_first(node) && self.was_initialised() {
            let cluster = self.clone();
            tokio::spawn(async move {
                cluster.sleep(4.0).await;
                cluster.door.set(super::Gate::Open);
            });
        }
    }

    /// A node's container stopped: every process in it is killed.
    pub(crate) fn node_down(&self, name: &str) {
        let mut state = self.hold();
        if let Some(node) = state.nodes.get_mut(name) {
            node.down = true;
        }
        for id in inside(&state, name, |_| true) {
            state.exit(&id, 137);
        }
        drop(state);
        if self.is_first(name) {
            self.door.set(super::Gate::Shut);
        }
    }

    /// Whether nothing of Kubernetes runs in a node.
    pub(crate) fn is_down(&self, name: &str) -> bool {
        self.hold().nodes.get(name).is_some_and(|node| node.down)
    }

    /// Whether a node's kubelet stands still.
    pub(super) fn is_paused(&self, name: &str) -> bool {
        let state = self.hold();
        state
            .nodes
            .get(name)
            .is_some_and(|node| node.paused.is_some())
    }

    /// Everything in a node stands still, and Kubernetes begins to wonder.
    pub(crate) fn node_paused(self: &Arc<Self>, name: &str) {
        let Some(which) = self.stand_still(name) else {
            return;
        };
        let (cluster, name) = (self.clone(), name.to_owned());
        tokio::spawn(async move {
            tokio::select! {
                () = cluster.stop.cancelled() => {}
                () = cluster.given_up(&name, which) => {}
            }
        });
    }

    fn stand_still(&self, name: &str) -> Option<u32> {
        let mut state = self.hold();
        let node = state.nodes.get_mut(name)?;
        node.pauses += 1;
        let which = node.pauses;
        node.paused = Some(which);
        // One that somebody stopped by itself stays so when the node goes on.
        for id in inside(&state, name, |own| own.runs() && !own.is_frozen()) {
            state.signal(&id, Signal::Stop);
            if let Some(own) = state.containers.get_mut(&id) {
                own.with_node = true;
            }
        }
        state.beats += 1;
        Some(which)
    }

    /// Everything in a node goes on; its kubelet renews the lease at once.
    pub(crate) fn node_resumed(self: &Arc<Self>, name: &str) {
        let mut state = self.hold();
        if let Some(node) = state.nodes.get_mut(name) {
            node.paused = None;
        }
        for id in inside(&state, name, |own| own.with_node) {
            state.signal(&id, Signal::Continue);
            if let Some(own) = state.containers.get_mut(&id) {
                own.with_node = false;
            }
        }
        state.beats += 1;
        drop(state);
        let (cluster, name) = (self.clone(), name.to_owned());
        tokio::spawn(async move {
            cluster.sleep(cluster.between(0.5, 2.0)).await;
            cluster.is_back(&name);
        });
    }

    /// What happens to a node that stays silent, as long as it does.
    async fn given_up(&self, name: &str, which: u32) {
        let grace = if self.release.minor < LONGER_SINCE {
            GRACE.1
        } else {
            GRACE.0
        };
        // Its last renewal may lie some seconds back.
        let since = self.between(RENEWED.0, RENEWED.1);
        self.sleep(grace - since + self.between(0.0, 5.0)).await;
        if !self.still(name, which) {
            return;
        }
        let mut pods = self.is_lost(name);
        pods.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut waited = 0.0;
        for (key, tolerated) in pods {
            self.sleep((tolerated - waited).max(0.0)).await;
            waited = tolerated.max(waited);
            if !self.still(name, which) {
                return;
            }
            self.hold().store.edit(&key, |pod| {
                if pod["metadata"]["deletionTimestamp"].is_null() {
                    pod["metadata"]["deletionTimestamp"] = json!(seconds(clock::now()));
                    pod["metadata"]["deletionGracePeriodSeconds"] = json!(30);
                }
            });
        }
    }

    /// Whether it is the same pause still.
    fn still(&self, name: &str, which: u32) -> bool {
        let state = self.hold();
        let node = state.nodes.get(name);
        node.is_some_and(|node| node.paused == Some(which))
    }

    /// The node is NotReady, and its pods with it. Those that may be moved, and after how long.
    fn is_lost(&self, name: &str) -> Vec<(Key, f64)> {
        let mut state = self.hold();
        if let Some(node) = state.nodes.get_mut(name) {
            node.lost = true;
        }
        let key = Key::new(kinds::of("nodes"), "", name);
        state.store.edit(&key, |node| {
            ready(
                node,
                "Unknown",
                "NodeStatusUnknown",
                "Kubelet stopped posting node status.",
            );
            let mut taints = node["spec"]["taints"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            for effect in ["NoSchedule", "NoExecute"] {
                taints.push(json!({"key": UNREACHABLE, "effect": effect}));
            }
            node["spec"]["taints"] = json!(taints);
        });
        let here: Vec<(Key, Value)> = state
            .store
            .keys(kinds::of("pods"), "")
            .filter(|(_, pod)| pod["spec"]["nodeName"] == name)
            .map(|(key, pod)| (key.clone(), pod.clone()))
            .collect();
        let mut moved = Vec::new();
        for (key, pod) in here {
            state.store.edit(&key, |pod| {
                let conditions = pod["status"]["conditions"].as_array_mut();
                for condition in conditions.into_iter().flatten() {
                    if condition["type"] == "Ready" {
                        condition["status"] = json!("False");
                        condition["reason"] = json!("NodeNotReady");
                    }
                }
            });
            // A DaemonSet's pods tolerate everything.
            if pod["metadata"]["ownerReferences"][0]["kind"] != "DaemonSet" {
                moved.push((key, tolerated(&pod)));
            }
        }
        state.beats += 1;
        moved
    }

    /// The kubelet is heard again.
    fn is_back(&self, name: &str) {
        let mut state = self.hold();
        if let Some(node) = state.nodes.get_mut(name) {
            if node.paused.is_some() || !node.lost {
                return;
            }
            node.lost = false;
        }
        let key = Key::new(kinds::of("nodes"), "", name);
        state.store.edit(&key, |node| {
            ready(
                node,
                "True",
                "KubeletReady",
                "kubelet is posting ready status",
            );
            if let Some(taints) = node["spec"]["taints"].as_array_mut() {
                taints.retain(|taint| taint["key"] != UNREACHABLE);
            }
        });
        let here: Vec<Key> = state
            .store
            .keys(kinds::of("pods"), "")
            .filter(|(_, pod)| pod["spec"]["nodeName"] == name)
            .map(|(key, _)| key.clone())
            .collect();
        state.beats += 1;
        drop(state);
        for key in here {
            show(self, &key, None);
        }
    }
}

/// Ids of a node's containers.
fn inside(state: &State, node: &str, which: impl Fn(&Container) -> bool) -> Vec<String> {
    let there = state.containers.values().filter(|own| own.node == node);
    let there = there.filter(|own| which(own));
    there.map(|own| own.id.clone()).collect()
}

/// Sets what a node says of itself.
fn ready(node: &mut Value, status: &str, reason: &str, message: &str) {
    let conditions = node["status"]["conditions"].as_array_mut();
    for condition in conditions.into_iter().flatten() {
        if condition["type"] == "Ready" {
            condition["status"] = json!(status);
            condition["reason"] = json!(reason);
            condition["message"] = json!(message);
            condition["lastTransitionTime"] = json!(seconds(clock::now()));
        }
    }
}

/// How long a pod stays on a node that is given up.
fn tolerated(pod: &Value) -> f64 {
    let own = pod["spec"]["tolerations"].as_array().into_iter().flatten();
    let mut own = own.filter(|one| one["key"] == UNREACHABLE && one["effect"] == "NoExecute");
    own.find_map(|one| one["tolerationSeconds"].as_f64())
        .unwrap_or(TOLERATED)
}
