//! The controllers of the simulated cluster, one loop over all of them: workloads make pods and
//! report on them, claims are bound, namespaces are emptied, nodes become Ready once a pod network
//! is there. Each pass looks at everything and does what is missing.

use super::{Cluster, State, kubelet, operators};
use crate::api::{Key, complete, kinds};
use crate::context::Trouble;
use crate::pace::Dice;
use flinklab_base::clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How late a controller may begin on a busy machine.
const LATE: SignedDuration = SignedDuration::from_secs(30);

/// How often one that is late looks whether it has begun.
const SECOND: Duration = Duration::from_secs(1);

fn is_late(cluster: &Cluster) -> bool {
    cluster.context.trouble() == Some(Trouble::VolumesBoundLate)
}

/// Runs until the cluster ends.
pub(super) async fn run(cluster: Arc<Cluster>) {
    let mut pulse = cluster.pulse();
    let mut refused = BTreeSet::new();
    loop {
        pulse.mark_unchanged();
        pass(&cluster, &mut refused);
        kubelet::keep(&cluster);
        tokio::select! {
            () = cluster.stop.cancelled() => return,
            changed = pulse.changed() => if changed.is_err() { return },
            // Who begins late looks without being told.
            () = clock::sleep(SECOND), if is_late(&cluster) => {}
        }
        // A real controller takes a moment, too; and one pass then serves many changes.
        cluster.sleep(0.02).await;
    }
}

/// `refused`: the claims, by uid, of which it was said that no volume fits them.
fn pass(cluster: &Arc<Cluster>, refused: &mut BTreeSet<String>) {
    let mut state = cluster.hold();
    let dice = &cluster.context.dice;
    operators::pass(cluster, &mut state);
    deployments(&mut state, dice);
    for plural in ["replicasets", "daemonsets", "statefulsets"] {
        owners(&mut state, dice, plural);
    }
    orphans(&mut state);
    let late = if is_late(cluster) {
        LATE
    } else {
        SignedDuration::ZERO
    };
    let without_volume = claims(&mut state, late);
    namespaces(&mut state);
    drop(state);
    for (claim, why) in without_volume {
        if refused.insert(claim["metadata"]["uid"].to_string()) {
            cluster.event(&claim, "Normal", "FailedBinding", &why);
        }
    }
    network(cluster);
}

/// A Deployment has one ReplicaSet per pod template; only the newest has replicas.
fn deployments(state: &mut State, dice: &Dice) {
    let all: Vec<(Key, Arc<Value>)> = copies(state, "deployments");
    for (key, deployment) in all {
        let hash = template_hash(&deployment["spec"]["template"]);
        let name = format!("{}-{hash}", key.name);
        let set_key = Key::new(kinds::of("replicasets"), &key.namespace, &name);
        let want = deployment["spec"]["replicas"].clone();
        if state.store.get(&set_key).is_none() {
            let mut set = json!({
                "metadata": {"labels": deployment["spec"]["template"]["metadata"]["labels"],
                    "ownerReferences": [owner(&deployment)]},
                "spec": {"replicas": want, "selector": deployment["spec"]["selector"],
                    "template": deployment["spec"]["template"]},
                "status": {"replicas": 0},
            });
            set["metadata"]["labels"]["pod-template-hash"] = json!(hash);
            set["spec"]["selector"]["matchLabels"]["pod-template-hash"] = json!(hash);
            set["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = json!(hash);
            complete(&set_key, &mut set, dice.uuid(), clock::now());
            state.store.put(set_key.clone(), set);
        }
        let uid = deployment["metadata"]["uid"].clone();
        let sets: Vec<Key> = state
            .store
            .keys(kinds::of("replicasets"), &key.namespace)
            .filter(|(_, set)| set["metadata"]["ownerReferences"][0]["uid"] == uid)
            .map(|(key, _)| key.clone())
            .collect();
        let mut total = 0;
        let updated = ready_of(state, &set_key);
        for set in &sets {
            let newest = *set == set_key;
            // Old ones go once the new ones are ready.
            let done = updated >= want.as_u64().unwrap_or(0);
            state.store.edit(set, |set| {
                if newest {
                    set["spec"]["replicas"] = want.clone();
                } else if done {
                    set["spec"]["replicas"] = json!(0);
                }
            });
            total += pods_of(state, set).len();
        }
        let current = pods_of(state, &set_key).len();
        let available = sets.iter().map(|set| ready_of(state, set)).sum::<u64>();
        let full = available >= want.as_u64().unwrap_or(0);
        state.store.edit(&key, |deployment| {
            let mut status = json!({
                "observedGeneration": deployment["metadata"]["generation"],
                "replicas": total, "updatedReplicas": current, "readyReplicas": available,
                "availableReplicas": available,
                "unavailableReplicas": want.as_u64().unwrap_or(0).saturating_sub(available),
                "conditions": [
                    {"type": "Available", "status": if full { "True" } else { "False" },
                        "reason": if full { "MinimumReplicasAvailable" } else { "MinimumReplicasUnavailable" }},
                    {"type": "Progressing", "status": "True",
                        "reason": if full { "NewReplicaSetAvailable" } else { "ReplicaSetUpdated" }}],
            });
            // As in life: zeros are left out.
            if let Some(map) = status.as_object_mut() {
                map.retain(|_, value| *value != json!(0));
            }
            deployment["status"] = status;
        });
    }
}

/// ReplicaSets, DaemonSets and StatefulSets have pods of their own.
fn owners(state: &mut State, dice: &Dice, plural: &'static str) {
    for (key, object) in copies(state, plural) {
        let want = match plural {
            "daemonsets" => state.nodes.len(),
            _ => object["spec"]["replicas"].as_u64().unwrap_or(1) as usize,
        };
        let mut pods = pods_of(state, &key);
        let alive = |state: &State, pod: &Key| {
            state
                .store
                .get(pod)
                .is_some_and(|pod| pod["metadata"]["deletionTimestamp"].is_null())
        };
        pods.retain(|pod| alive(state, pod));
        // A StatefulSet's pods have fixed names: one comes back when its name is free again.
        let names: Vec<String> = match plural {
            "statefulsets" => (0..want).map(|n| format!("{}-{n}", key.name)).collect(),
            _ => (pods.len()..want)
                .map(|_| format!("{}-{}", key.name, dice.suffix(5)))
                .collect(),
        };
        for name in names {
            let template = &object["spec"]["template"];
            let pod_key = Key::new(kinds::of("pods"), &key.namespace, &name);
            if state.store.get(&pod_key).is_some() {
                continue;
            }
            let mut pod = json!({
                "metadata": {"generateName": format!("{}-", key.name),
                    "labels": template["metadata"]["labels"],
                    "annotations": template["metadata"]["annotations"],
                    "ownerReferences": [owner(&object)]},
                "spec": template["spec"],
                "status": {"phase": "Pending", "qosClass": "BestEffort"},
            });
            if pod["metadata"]["annotations"].is_null()
                && let Some(metadata) = pod["metadata"].as_object_mut()
            {
                metadata.remove("annotations");
            }
            complete(&pod_key, &mut pod, dice.uuid(), clock::now());
            state.store.put(pod_key, pod);
        }
        if pods.len() > want {
            for pod in &pods[want..] {
                delete_pod(state, pod);
            }
        }
        let (count, ready) = (pods_of(state, &key).len(), ready_of(state, &key));
        state.store.edit(&key, |object| {
            object["status"] = match plural {
                "daemonsets" => json!({"observedGeneration": object["metadata"]["generation"],
                    "desiredNumberScheduled": want, "currentNumberScheduled": count,
                    "updatedNumberScheduled": count, "numberReady": ready,
                    "numberAvailable": ready, "numberMisscheduled": 0}),
                _ => json!({"observedGeneration": object["metadata"]["generation"],
                    "replicas": count, "readyReplicas": ready, "availableReplicas": ready,
                    "currentReplicas": count, "updatedReplicas": count}),
            };
        });
    }
}

/// What belonged to something that is gone goes, too.
fn orphans(state: &mut State) {
    for plural in ["pods", "replicasets"] {
        for (key, object) in copies(state, plural) {
            let owner = &object["metadata"]["ownerReferences"][0];
            let Some(kind) = kinds::KINDS.iter().find(|kind| owner["kind"] == kind.kind) else {
                continue;
            };
            let name = owner["name"].as_str().unwrap_or_default();
            let lives = state
                .store
                .read(kind, &key.namespace, name)
                .is_some_and(|found| found["metadata"]["uid"] == owner["uid"]);
            if lives {
                continue;
            }
            if plural == "pods" {
                delete_pod(state, &key);
            } else {
                state.store.remove(&key);
            }
        }
    }
}

fn delete_pod(state: &mut State, key: &Key) {
    state.store.edit(key, |pod| {
        if pod["metadata"]["deletionTimestamp"].is_null() {
            pod["metadata"]["deletionTimestamp"] = json!(crate::api::seconds(clock::now()));
            pod["metadata"]["deletionGracePeriodSeconds"] = json!(30);
        }
    });
}

fn age_of(object: &Value) -> SignedDuration {
    let made = object["metadata"]["creationTimestamp"].as_str();
    let made: Option<Timestamp> = made.and_then(|made| made.parse().ok());
    made.map_or(SignedDuration::MAX, |made| {
        clock::now().duration_since(made)
    })
}

/// Binds claims of that age to volumes; those that have none to be bound to, and why.
fn claims(state: &mut State, age: SignedDuration) -> Vec<(Arc<Value>, String)> {
    let mut without = Vec::new();
    for (key, claim) in copies(state, "persistentvolumeclaims") {
        if claim["status"]["phase"] == "Bound" || age_of(&claim) < age {
            continue;
        }
        let volume = match claim["spec"]["volumeName"].as_str() {
            Some(volume) => Key::new(kinds::of("persistentvolumes"), "", volume),
            None => match fitting(state, &claim) {
                Some(volume) => volume,
                None if is_provisioned(&claim) => {
                    bind(state, &key, &claim);
                    continue;
                }
                None => {
                    let why = "no persistent volumes available for this claim and no storage class is set";
                    without.push((claim, why.to_owned()));
                    continue;
                }
            },
        };
        // Of one that does not exist nothing is said: it may come.
        if state.store.get(&volume).is_none() {
            continue;
        }
        state.store.edit(&volume, |volume| {
            volume["status"] = json!({"phase": "Bound"});
            volume["spec"]["claimRef"] = json!({"kind": "PersistentVolumeClaim", "apiVersion": "v1",
                "namespace": key.namespace, "name": key.name, "uid": claim["metadata"]["uid"]});
        });
        bind(state, &key, &claim);
    }
    without
}

fn bind(state: &mut State, key: &Key, claim: &Value) {
    let status = json!({"phase": "Bound", "accessModes": claim["spec"]["accessModes"],
        "capacity": claim["spec"]["resources"]["requests"]});
    state.store.edit(key, |claim| claim["status"] = status);
}

/// A volume of the claim's class and modes that nobody has.
fn fitting(state: &State, claim: &Value) -> Option<Key> {
    let modes = |object: &Value| object["spec"]["accessModes"].clone();
    let volumes = copies(state, "persistentvolumes").into_iter();
    let mut fitting = volumes.filter(|(_, volume)| {
        volume["spec"]["claimRef"].is_null()
            && volume["spec"]["storageClassName"] == class(claim)
            && modes(volume) == modes(claim)
    });
    fitting.next().map(|(key, _)| key)
}

/// Of kind's own class a folder of the node is made, for one node only.
fn is_provisioned(claim: &Value) -> bool {
    class(claim) == "standard" && claim["spec"]["accessModes"] == json!(["ReadWriteOnce"])
}

fn class(claim: &Value) -> &str {
    claim["spec"]["storageClassName"]
        .as_str()
        .unwrap_or("standard")
}

fn namespaces(state: &mut State) {
    for (key, namespace) in copies(state, "namespaces") {
        if namespace["metadata"]["deletionTimestamp"].is_null() {
            continue;
        }
        let mut left = 0;
        for kind in kinds::KINDS.iter().filter(|kind| kind.namespaced) {
            let inside: Vec<Key> = state
                .store
                .keys(kind, &key.name)
                .map(|(key, _)| key.clone())
                .collect();
            for object in inside {
                if kind.plural == "pods" {
                    left += 1;
                    delete_pod(state, &object);
                } else {
                    state.store.remove(&object);
                }
            }
        }
        if left == 0 {
            state.store.remove(&key);
        }
    }
}

/// A node is Ready once a pod of the network's DaemonSet runs.
fn network(cluster: &Arc<Cluster>) {
    let mut state = cluster.hold();
    let is_up = copies(&state, "daemonsets").iter().any(|(key, set)| {
        key.name.contains("kindnet") && set["status"]["numberReady"].as_u64().unwrap_or(0) > 0
    });
    let nodes = copies(&state, "nodes");
    for (key, node) in nodes {
        let own = state.nodes.get(&key.name);
        if own.is_some_and(|node| node.lost) {
            continue;
        }
        let on = own.is_some_and(|node| !node.down);
        let ready = if is_up && on { "True" } else { "False" };
        let is = node["status"]["conditions"]
            .as_array()
            .and_then(|all| all.last())
            .cloned();
        if is.is_some_and(|condition| condition["status"] == ready) {
            continue;
        }
        let now = crate::api::seconds(clock::now());
        state.store.edit(&key, |node| {
            node["status"]["conditions"] = json!([
                {"type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory",
                    "lastHeartbeatTime": now, "lastTransitionTime": now},
                {"type": "Ready", "status": ready,
                    "reason": if ready == "True" { "KubeletReady" } else { "KubeletNotReady" },
                    "message": if ready == "True" { "kubelet is posting ready status" } else {
                        "container runtime network not ready: cni plugin not initialized" },
                    "lastHeartbeatTime": now, "lastTransitionTime": now}]);
        });
    }
}

/// All of a kind as they are now.
pub(super) fn copies(state: &State, plural: &'static str) -> Vec<(Key, Arc<Value>)> {
    state.store.all(kinds::of(plural))
}

fn pods_of(state: &State, owner: &Key) -> Vec<Key> {
    let Some(uid) = state
        .store
        .get(owner)
        .map(|owner| owner["metadata"]["uid"].clone())
    else {
        return Vec::new();
    };
    state
        .store
        .keys(kinds::of("pods"), &owner.namespace)
        .filter(|(_, pod)| pod["metadata"]["ownerReferences"][0]["uid"] == uid)
        .map(|(key, _)| key.clone())
        .collect()
}

fn ready_of(state: &State, owner: &Key) -> u64 {
    pods_of(state, owner)
        .iter()
        .filter_map(|pod| state.store.get(pod))
        .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
        .filter(|pod| pod["status"]["containerStatuses"][0]["ready"] == true)
        .count() as u64
}

fn owner(object: &Value) -> Value {
    json!({"apiVersion": object["apiVersion"], "kind": object["kind"],
        "name": object["metadata"]["name"], "uid": object["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true})
}

/// The same template has the same hash (FNV-1a over its text).
fn template_hash(template: &Value) -> String {
    let hash = template
        .to_string()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
    Dice::new(u64::from(hash)).suffix(10)
}
