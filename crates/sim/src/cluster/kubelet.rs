//! The kubelet of the simulated nodes: takes a pod from Pending to its end. One task a pod.

use super::container::{Container, Life, Log, Process, Signal};
use super::scheduler::schedule;
use super::shown::show;
use super::{Cluster, State};
use crate::api::{Key, kinds};
use crate::flink;
use flinklab_base::clock;
use flinklab_lab::failure::Role;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Seconds until a container that ended again is started: the lab's own kubelet patch says 1 s, the
/// rest is the kubelet's, as seen on the real lab.
const BACK_OFF: (f64, f64) = (1.6, 2.2);
/// Seconds until the runtime stops a container whose pod is to go, on the real lab.
const ASKS: (f64, f64) = (0.25, 0.45);

/// Lives one pod from its creation to its removal.
pub(super) async fn live(cluster: Arc<Cluster>, key: Key, uid: String) {
    tokio::select! {
        () = cluster.stop.cancelled() => {}
        () = removed(&cluster, &key, &uid) => {}
        () = run(&cluster, &key, &uid) => {}
    }
    let mut state = cluster.hold();
    let ids: Vec<String> = of_pod(&state, &uid)
        .map(|container| container.id.clone())
        .collect();
    for id in ids {
        state.exit(&id, 137);
        state.containers.remove(&id);
    }
    state.kept.remove(&uid);
    state.beats += 1;
}

async fn run(cluster: &Arc<Cluster>, key: &Key, uid: &str) {
    let Some(pod) = schedule(cluster, key).await else {
        return;
    };
    if deleting(cluster, key) {
        cluster.hold().store.remove(key);
        return;
    }
    let container = &pod["spec"]["containers"][0];
    let image = container["image"].as_str().unwrap_or_default().to_owned();
    let ip = match pod["spec"]["hostNetwork"].as_bool() {
        Some(true) => cluster
            .hold()
            .nodes
            .values()
            .next()
            .map(|node| node.ip.clone()),
        _ => Some(cluster.hold().next_address()),
    }
    .unwrap_or_default();
    let image_id = image_ready(cluster, key, &pod, &image).await;
    cluster.event(
        &pod,
        "Normal",
        "Pulled",
        &format!("Container image \"{image}\" already present on machine"),
    );
    cluster.sleep(cluster.between(0.5, 1.2)).await;
    let mut attempt = 0;
    loop {
        if deleting(cluster, key) {
            break;
        }
        while cluster.hold().nodes.values().any(|node| node.down) {
            changed(cluster).await;
        }
        let id = start(cluster, key, &pod, uid, &ip, &image_id, attempt);
        cluster.event(&pod, "Normal", "Started", "Started container");
        if attend(cluster, key, &pod, &id).await == Ended::Deleted {
            break;
        }
        if pod["spec"]["restartPolicy"] == "Never" {
            marked(cluster, key).await;
            break;
        }
        attempt += 1;
        let (low, high) = if attempt > 1 { BACK_OFF } else { (0.7, 1.6) };
        if attempt > 1 {
            cluster.event(
                &pod,
                "Warning",
                "BackOff",
                "Back-off restarting failed container",
            );
            show(
                cluster,
                key,
                Some((
                    "CrashLoopBackOff",
                    "back-off 1s restarting failed container",
                )),
            );
        }
        tokio::select! {
            () = cluster.sleep(cluster.between(low, high)) => {}
            () = marked(cluster, key) => {}
        }
    }
    cluster.hold().store.remove(key);
}

#[derive(PartialEq, Eq)]
enum Ended {
    Deleted,
    ByItself,
}

/// Attends to a running container until it ends or its pod is to go.
async fn attend(cluster: &Arc<Cluster>, key: &Key, pod: &Value, id: &str) -> Ended {
    let mut pulse = cluster.pulse();
    let gone = cluster
        .hold()
        .containers
        .get(id)
        .map(|own| own.gone.clone());
    let gone = gone.unwrap_or_default();
    let probed = !pod["spec"]["containers"][0]["readinessProbe"].is_null();
    show(cluster, key, None);
    let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    loop {
        pulse.mark_unchanged();
        if cluster.is_paused(node) {
            let _ = pulse.changed().await;
            continue;
        }
        if deleting(cluster, key) {
            cluster.event(pod, "Normal", "Killing", "Stopping container");
            let grace = cluster.hold().store.get(key).map_or(30, |pod| {
                pod["metadata"]["deletionGracePeriodSeconds"]
                    .as_u64()
                    .unwrap_or(30)
            });
            let end = async {
                if grace > 0 {
                    cluster.sleep(cluster.between(ASKS.0, ASKS.1)).await;
                    hook(pod).await;
                    cluster.hold().signal(id, Signal::Term);
                    cluster.sleep(grace as f64).await;
                }
                cluster.hold().signal(id, Signal::Kill);
            };
            tokio::select! {
                () = gone.cancelled() => {}
                () = end => {}
            }
            show(cluster, key, None);
            cluster.sleep(0.3).await;
            return Ended::Deleted;
        }
        if gone.is_cancelled() {
            show(cluster, key, None);
            return Ended::ByItself;
        }
        let waits = {
            let state = cluster.hold();
            let listens = state.containers.get(id).is_some_and(|own| own.listening);
            let ready = state.store.get(key).is_some_and(is_ready);
            probed && listens && !ready
        };
        if waits {
            // The probe looks once a second.
            cluster.sleep(cluster.between(0.1, 1.0)).await;
            show(cluster, key, None);
            continue;
        }
        tokio::select! {
            _ = pulse.changed() => {}
            () = gone.cancelled() => {}
        }
    }
}

/// The preStop hook of a pod, which comes before SIGTERM. Its seconds are in the pod, so they are not
/// divided any more.
async fn hook(pod: &Value) {
    let command = &pod["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"];
    if let (Some("sleep"), Some(seconds)) = (command[0].as_str(), command[1].as_str()) {
        let seconds = seconds.parse().unwrap_or(0);
        clock::sleep(std::time::Duration::from_secs(seconds)).await;
    }
}

/// Waits until the image is in the node; a lab's node has no registry to pull from.
async fn image_ready(cluster: &Arc<Cluster>, key: &Key, pod: &Value, image: &str) -> String {
    let full = crate::engine::full_name(image);
    loop {
        // `Always` asks the registry whatever the node has.
        let always = pod["spec"]["containers"][0]["imagePullPolicy"] == "Always";
        let found = {
            let state = cluster.hold();
            let mut nodes = state.nodes.values().filter(|_| !always);
            nodes.find_map(|node| node.images.get(&full).cloned())
        };
        if let Some(id) = found {
            return id;
        }
        let why = format!(
            "failed to pull and unpack image \"{full}\": not reachable from a simulated node"
        );
        cluster.event(pod, "Warning", "Failed", &why);
        show(cluster, key, Some(("ErrImagePull", &why)));
        cluster.sleep(2.0).await;
    }
}

fn start(
    cluster: &Arc<Cluster>,
    key: &Key,
    pod: &Value,
    uid: &str,
    ip: &str,
    image_id: &str,
    attempt: u32,
) -> String {
    let spec = &pod["spec"]["containers"][0];
    let name = spec["name"].as_str().unwrap_or_default().to_owned();
    let lab = &cluster.lab;
    let role = [Role::JobManager, Role::TaskManager]
        .into_iter()
        .find(|role| {
            let labels = lab.role(*role);
            key.namespace == lab.flink.namespace
                && labels.container == name
                && labels.matches(|label| pod["metadata"]["labels"][label].as_str())
        });
    let mut state = cluster.hold();
    let pid = state.next_pid();
    // Of containers that ended before, only the last one's log can be asked for.
    let old: Vec<String> = of_pod(&state, uid)
        .filter(|old| old.attempt + 1 < attempt)
        .map(|old| old.id.clone())
        .collect();
    for id in old {
        state.containers.remove(&id);
    }
    let container = Container {
        id: cluster.context.dice.hex(64),
        sandbox: uid
            .bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()[..64]
            .to_owned(),
        pod: key.name.clone(),
        pod_uid: uid.to_owned(),
        namespace: key.namespace.clone(),
        name,
        image: spec["image"].as_str().unwrap_or_default().to_owned(),
        image_id: image_id.to_owned(),
        node: pod["spec"]["nodeName"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        ip: ip.to_owned(),
        host: host(cluster, &state, key, pod, ip),
        attempt,
        role,
        pid,
        start_ticks: u64::from(pid) * 991,
        started: clock::now(),
        life: Life::Running,
        listening: false,
        log: Log::default(),
        frozen: watch::channel(false).0,
        with_node: false,
        dying: false,
        asked_to_stop: CancellationToken::new(),
        gone: CancellationToken::new(),
    };
    let process = Process::of(cluster, &container);
    let id = container.id.clone();
    state.containers.insert(id.clone(), container);
    state.beats += 1;
    drop(state);
    tokio::spawn(work(process, role));
    id
}

/// The host name under which a JobManager can be reached, as it writes it down: its own address where
/// it is called with that, else what its configuration says.
fn host(cluster: &Cluster, state: &State, key: &Key, pod: &Value, ip: &str) -> String {
    let file = cluster.lab.flink_options();
    let mut options = flink::options_of_pod(state, &key.namespace, pod, file);
    let said = options.remove("jobmanager.rpc.address");
    // `$(POD_IP)` and its like are the pod's own.
    let said = said.filter(|host| !host.contains('$'));
    said.unwrap_or_else(|| ip.to_owned())
}

/// What a container's process does until it is gone.
async fn work(process: Process, role: Option<Role>) {
    let cluster = process.cluster.clone();
    let life = async {
        match role {
            Some(Role::JobManager) => flink::jobmanager(process.clone()).await,
            Some(Role::TaskManager) => flink::taskmanager(process.clone()).await,
            None => {
                process.listen();
                process.asked_to_stop.cancelled().await;
                process.nap(0.1).await;
                0
            }
        }
    };
    tokio::select! {
        () = cluster.stop.cancelled() => {}
        () = process.gone.cancelled() => {}
        code = life => cluster.hold().exit(&process.id, code),
    }
}

pub(super) fn of_pod<'a>(
    state: &'a State,
    uid: &'a str,
) -> impl Iterator<Item = &'a Container> + 'a {
    state
        .containers
        .values()
        .filter(move |container| container.pod_uid == uid)
}

fn is_ready(pod: &Value) -> bool {
    pod["status"]["containerStatuses"][0]["ready"] == true
}

fn deleting(cluster: &Cluster, key: &Key) -> bool {
    let state = cluster.hold();
    state
        .store
        .get(key)
        .is_none_or(|pod| !pod["metadata"]["deletionTimestamp"].is_null())
}

async fn changed(cluster: &Cluster) {
    let _ = cluster.pulse().changed().await;
}

async fn marked(cluster: &Cluster, key: &Key) {
    let mut pulse = cluster.pulse();
    while !deleting(cluster, key) {
        if pulse.changed().await.is_err() {
            return;
        }
    }
}

/// Ends when the pod is gone from the store, or is another one under the same name.
async fn removed(cluster: &Cluster, key: &Key, uid: &str) {
    let mut pulse = cluster.pulse();
    while cluster
        .hold()
        .store
        .get(key)
        .is_some_and(|pod| pod["metadata"]["uid"] == uid)
    {
        if pulse.changed().await.is_err() {
            return;
        }
    }
}

/// Starts a task for every pod that has none.
pub(super) fn keep(cluster: &Arc<Cluster>) {
    let mut state = cluster.hold();
    let mut fresh = Vec::new();
    for (key, pod) in state.store.keys(kinds::of("pods"), "") {
        let uid = pod["metadata"]["uid"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if !state.kept.contains(&uid) {
            fresh.push((key.clone(), uid));
        }
    }
    for (key, uid) in fresh {
        state.kept.insert(uid.clone());
        tokio::spawn(live(cluster.clone(), key, uid));
    }
}
