//! A simulated node: what is in its image, how it boots, and which commands run in it.

mod crictl;
mod scripts;
mod shared;
mod tools;
mod verbs;

use super::api;
use super::cluster::{Cluster, Node};
use super::context::Trouble;
use super::engine::{self, Machine};
use super::kubernetes::Release;
use super::serve::{self, Door, Gate};
use serde_json::Value;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// kind's label of a node container: the cluster's name.
pub(super) const CLUSTER: &str = "io.x-k8s.kind.cluster";

/// What a node image holds that anybody reads, by path.
pub(super) fn image_files(image: &str) -> Vec<(&'static str, String)> {
    let uuid = "00000000-0000-4000-a000-000000000000\n";
    vec![
        ("/kind/version", format!("{}\n", Release::of(image).version)),
        ("/kind/product_uuid", uuid.to_owned()),
        (
            "/kind/manifests/default-cni.yaml",
            include_str!("default-cni.yaml").to_owned(),
        ),
        (
            "/kind/manifests/default-storage.yaml",
            include_str!("default-storage.yaml").to_owned(),
        ),
        ("/etc/containerd/config.toml", CONTAINERD.to_owned()),
    ]
}

const CONTAINERD: &str = "version = 3\n\n[plugins]\n  [plugins.'io.containerd.cri.v1.images']\n    snapshotter = 'overlayfs'\n";

/// Where a command writes: 1 is stdout, 2 is stderr.
#[derive(Debug, Clone)]
pub(super) struct Terminal(mpsc::UnboundedSender<(u8, Vec<u8>)>);

impl Terminal {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<(u8, Vec<u8>)>) {
        let (to, from) = mpsc::unbounded_channel();
        (Self(to), from)
    }

    fn out(&self, text: impl Into<Vec<u8>>) {
        let _ = self.0.send((1, text.into()));
    }

    fn err(&self, text: impl Into<Vec<u8>>) {
        let _ = self.0.send((2, text.into()));
    }
}

/// A command's view: its machine and the container it runs in.
struct Shell<'a> {
    machine: &'a Arc<Machine>,
    id: &'a str,
    terminal: &'a Terminal,
}

impl Shell<'_> {
    async fn sleep(&self, seconds: f64) {
        self.machine.context.pace.sleep(seconds).await;
    }

    fn name(&self) -> String {
        self.machine
            .engine()
            .containers
            .get(self.id)
            .map_or(String::new(), |own| own.name.clone())
    }

    /// The cluster that this container is a node of.
    fn cluster(&self) -> Option<Arc<Cluster>> {
        let engine = self.machine.engine();
        let name = engine.containers.get(self.id)?.label(CLUSTER)?.to_owned();
        drop(engine);
        self.machine.clusters().get(&name).cloned()
    }
}

/// Runs a command to its end; the exit code.
pub(super) async fn run(
    machine: &Arc<Machine>,
    id: &str,
    argv: &[String],
    stdin: Vec<u8>,
    terminal: &Terminal,
) -> i64 {
    let shell = Shell {
        machine,
        id,
        terminal,
    };
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        [
            "sh" | "/bin/sh" | "bash" | "/bin/bash",
            "-c",
            _,
            verb,
            rest @ ..,
        ] if verb.starts_with("flinklab-") => scripts::run(&shell, verb, rest).await,
        ["sh" | "/bin/sh" | "bash" | "/bin/bash", "-c", script, ..] => {
            let words: Vec<&str> = script.split_whitespace().collect();
            tools::run(&shell, &words, stdin).await
        }
        ["crictl", rest @ ..] => crictl::run(&shell, rest),
        words => tools::run(&shell, words, stdin).await,
    }
}

/// A file of a container: on the machine's disk below a bind mount, else in the container.
pub(super) fn read(machine: &Machine, id: &str, path: &str) -> Option<Vec<u8>> {
    let engine = machine.engine();
    let own = engine.containers.get(id)?;
    match own.on_disk(path) {
        Some(real) => std::fs::read(real).ok(),
        None => own.files.get(path).cloned(),
    }
}

pub(super) fn write(machine: &Machine, id: &str, path: &str, bytes: Vec<u8>) {
    let mut engine = machine.engine();
    let Some(own) = engine.containers.get_mut(id) else {
        return;
    };
    match own.on_disk(path) {
        Some(real) => {
            let _ = std::fs::write(real, bytes);
        }
        None => {
            own.files.insert(path.to_owned(), bytes);
        }
    }
}

pub(super) fn is_folder(machine: &Machine, id: &str, path: &str) -> bool {
    let engine = machine.engine();
    let Some(own) = engine.containers.get(id) else {
        return false;
    };
    let path = if path.len() > 1 {
        path.trim_end_matches('/')
    } else {
        path
    };
    match own.on_disk(path) {
        Some(real) => real.is_dir(),
        None => own.folders.contains(path),
    }
}

/// A node container was started: systemd comes up, published ports are served, and a node that was
/// part of a cluster goes on as one.
pub(super) fn boot(
    machine: &Arc<Machine>,
    id: &str,
    listeners: Vec<(u16, u16, TcpListener)>,
    over: CancellationToken,
) {
    let Some((name, label, ip, shared)) = ({
        let engine = machine.engine();
        engine.containers.get(id).map(|own| {
            let lab = machine
                .context
                .lab_of(own.label(CLUSTER).unwrap_or_default());
            let mounted = &lab.cluster.nodes;
            let targets = mounted.iter().flat_map(|node| &node.extra_mounts);
            let shared = targets
                .filter(|mount| mount.host_path.contains("LAB_SHARED"))
                .find_map(|mount| own.on_disk(&mount.container_path));
            (
                own.name.clone(),
                own.label(CLUSTER).unwrap_or_default().to_owned(),
                own.address.clone(),
                shared,
            )
        })
    }) else {
        return;
    };
    let cluster = {
        let mut clusters = machine.clusters();
        let made = || Cluster::new(&machine.context, &label);
        clusters.entry(label.clone()).or_insert_with(made).clone()
    };
    {
        let mut state = cluster.hold();
        let node = state.nodes.entry(name.clone()).or_insert_with(|| Node {
            images: super::cluster::preloaded(&machine.context, &cluster.release),
            ..Node::default()
        });
        node.ip = ip;
        node.shared = shared;
    }
    cluster.node_up(&name);
    for (inside, _, listener) in listeners {
        publish(&cluster, inside, listener, over.clone());
    }
    let (machine, id) = (machine.clone(), id.to_owned());
    tokio::spawn(async move {
        machine.log(
            &id,
            &[
                "INFO: starting init",
                "systemd 252.39-1~deb12u1 running in system mode",
            ],
        );
        machine
            .context
            .pace
            .sleep(machine.context.dice.between(0.9, 1.4))
            .await;
        if machine.context.trouble() == Some(Trouble::NodeDoesNotBoot) {
            machine.log(
                &id,
                &[
                    "Failed to create /init.scope control group: Read-only file system",
                    "[!!!!!!] Failed to allocate manager object, freezing.",
                ],
            );
            engine::end(&machine, &id, 255);
            return;
        }
        let line = "[\u{1b}[0;32m  OK  \u{1b}[0m] Reached target \u{1b}[0;1;39mMulti-User System\u{1b}[0m.";
        if !over.is_cancelled() {
            if let Some(own) = machine.engine().containers.get_mut(&id) {
                own.boots = false;
            }
            machine.log(
                &id,
                &["[  OK  ] Started containerd container runtime.", line],
            );
        }
    });
}

/// Serves one published port for as long as the container runs.
fn publish(cluster: &Arc<Cluster>, inside: u16, listener: TcpListener, over: CancellationToken) {
    if inside == 6443 {
        let (door, cluster) = (cluster.door.clone(), cluster.clone());
        tokio::spawn(serve::serve(listener, door, over, move |request| {
            let cluster = cluster.clone();
            async move { Some(api::answer(cluster, request).await) }
        }));
        return;
    }
    let node_port = cluster.lab.flink.rest.node_port;
    let gate = if inside == node_port {
        Gate::Open
    } else {
        Gate::Shut
    };
    let cluster = cluster.clone();
    tokio::spawn(serve::serve(
        listener,
        Door::new(gate),
        over,
        move |request| api::node_port(cluster.clone(), request),
    ));
}

/// A node container was removed: with its last node a cluster is gone.
pub(super) fn removed(machine: &Arc<Machine>, cluster: &str, name: &str) {
    let mut clusters = machine.clusters();
    let Some(found) = clusters.get(cluster) else {
        return;
    };
    let left = {
        let mut state = found.hold();
        state.nodes.remove(name);
        state.beats += 1;
        state.nodes.len()
    };
    if left == 0 {
        found.stop.cancel();
        clusters.remove(cluster);
    }
}

/// A number of a JSON value as text, for templates.
fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
