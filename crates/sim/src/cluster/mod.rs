//! One simulated Kubernetes cluster: the state that API server, kubelet, node commands and Flink
//! share. One lock around all of it, never held across an await; whoever changes something wakes
//! everybody who waits.

mod birth;
mod container;
mod controllers;
mod kubelet;
mod nodes;
mod operators;
mod scheduler;
mod shown;

pub(crate) use container::{Container, Life, Process, Signal};

use super::api::{Store, kinds};
use super::context::SimContext;
use super::flink::{Flink, Version};
use super::kubernetes::Release;
use super::serve::{Door, Gate};
use flinklab_base::clock;
use flinklab_lab::Lab;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// One simulated cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) context: Arc<SimContext>,
    /// Its definition.
    pub(crate) lab: Arc<Lab>,
    /// The Flink that its image holds.
    pub(crate) version: Version,
    /// The Kubernetes that its node image holds.
    pub(crate) release: Release,
    /// The kind cluster's name.
    pub(crate) name: String,
    /// Whether the API server answers.
    pub(crate) door: Door,
    /// Ends with the cluster.
    pub(crate) stop: CancellationToken,
    state: Mutex<State>,
    pulse: watch::Sender<u64>,
    /// Beside it, for those who read what containers say: nobody else minds.
    spoken: watch::Sender<u64>,
}

/// Everything that changes.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) store: Store,
    /// Containers of pods, by id; old ones are forgotten after the next restart.
    pub(crate) containers: BTreeMap<String, Container>,
    pub(crate) nodes: BTreeMap<String, Node>,
    pub(crate) flink: Flink,
    /// Uids of pods that have a task.
    kept: BTreeSet<String>,
    /// Pods that are cut off, by the mark of the rules; and how many packets met them.
    pub(crate) cut: BTreeMap<String, (String, u64)>,
    addresses: u32,
    pids: u32,
    /// TaskManagers that the JobManagers of an operator's cluster have started, by its name.
    on_demand: BTreeMap<String, u32>,
    /// Rises with every change that is not one of the store.
    pub(crate) beats: u64,
    /// Rises with every line that a container says.
    pub(crate) lines: u64,
}

/// A Kubernetes node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    /// Address on the Docker network.
    pub(crate) ip: String,
    /// Images in its containerd, by full name, with their ids.
    pub(crate) images: BTreeMap<String, String>,
    /// Where the lab's shared path is on disk.
    pub(crate) shared: Option<PathBuf>,
    /// Switched off: its container is stopped.
    pub(crate) down: bool,
    /// Its container is paused: how often it was so far, while it is.
    pub(crate) paused: Option<u32>,
    /// How often it was paused.
    pub(crate) pauses: u32,
    /// Kubernetes has given it up: its lease was not renewed for too long.
    pub(crate) lost: bool,
}

/// The images that a node image brings along, with ids.
pub(crate) fn preloaded(context: &SimContext, release: &Release) -> BTreeMap<String, String> {
    let made = |name: String| (name, format!("sha256:{}", context.dice.hex(64)));
    release.images().into_iter().map(made).collect()
}

/// The lock around the state. Wakes everybody on the way out if something changed.
pub(crate) struct Held<'a> {
    state: MutexGuard<'a, State>,
    cluster: &'a Cluster,
    before: (u64, u64),
    lines: u64,
}

impl Deref for Held<'_> {
    type Target = State;
    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.before != (self.state.store.revision, self.state.beats) {
            self.cluster.pulse.send_modify(|pulse| *pulse += 1);
        }
        if self.lines != self.state.lines {
            self.cluster.spoken.send_modify(|spoken| *spoken += 1);
        }
    }
}

impl Cluster {
    pub(crate) fn new(context: &Arc<SimContext>, name: &str) -> Arc<Self> {
        let lab = context.lab_of(name);
        let cluster = Arc::new(Self {
            stop: context.stop.child_token(),
            context: context.clone(),
            version: Version::of(&lab),
            release: Release::of_lab(&lab),
            lab,
            name: name.to_owned(),
            door: Door::new(Gate::Shut),
            state: Mutex::new(State {
                addresses: 1,
                pids: 900,
                ..State::default()
            }),
            pulse: watch::channel(0).0,
            spoken: watch::channel(0).0,
        });
        tokio::spawn(controllers::run(cluster.clone()));
        cluster
    }

    /// The state, locked.
    pub(crate) fn hold(&self) -> Held<'_> {
        let state = self.state.lock().expect("no panic while the lock is held");
        let before = (state.store.revision, state.beats);
        let lines = state.lines;
        Held {
            state,
            cluster: self,
            before,
            lines,
        }
    }

    /// Tells of every line that a container says from now on.
    pub(crate) fn spoken(&self) -> watch::Receiver<u64> {
        self.spoken.subscribe()
    }

    /// Tells of every change from now on.
    pub(crate) fn pulse(&self) -> watch::Receiver<u64> {
        self.pulse.subscribe()
    }

    pub(crate) async fn sleep(&self, seconds: f64) {
        self.context.pace.sleep(seconds).await;
    }

    pub(crate) fn between(&self, low: f64, high: f64) -> f64 {
        self.context.dice.between(low, high)
    }

    /// Ends when the API server is cut off.
    pub(crate) async fn api_shut(&self) {
        self.door.shut().await;
    }

    /// What `kubeadm init` leaves behind: system objects, and a node that is not Ready.
    pub(crate) fn init(&self, node: &str) {
        birth::init(self, node);
        self.door.set(Gate::Open);
    }

    pub(crate) fn join(&self, node: &str) {
        birth::join(self, node);
    }

    fn is_first(&self, node: &str) -> bool {
        node.ends_with("-control-plane")
    }

    pub(crate) fn was_initialised(&self) -> bool {
        self.hold()
            .store
            .list(kinds::of("nodes"), "")
            .next()
            .is_some()
    }

    /// The lab's shared path on disk, as the first node has it.
    pub(crate) fn shared(&self) -> Option<PathBuf> {
        self.hold()
            .nodes
            .values()
            .find_map(|node| node.shared.clone())
    }

    /// A Kubernetes event about an object. The same reason again counts up.
    pub(crate) fn event(&self, about: &Value, warning: &str, reason: &str, message: &str) {
        let now = super::api::seconds(clock::now());
        let metadata = &about["metadata"];
        let namespace = metadata["namespace"].as_str().unwrap_or("default");
        let stem = format!("{}.{reason}", metadata["name"].as_str().unwrap_or_default());
        let mut state = self.hold();
        let kind = kinds::of("events");
        let known = state
            .store
            .keys(kind, namespace)
            .find(|(_, event)| {
                event["reason"] == reason
                    && event["involvedObject"]["uid"] == metadata["uid"]
                    && event["message"] == message
            })
            .map(|(key, _)| key.clone());
        if let Some(key) = known {
            state.store.edit(&key, |event| {
                event["count"] = json!(event["count"].as_u64().unwrap_or(1) + 1);
                event["lastTimestamp"] = json!(now);
            });
            return;
        }
        let name = format!("{}.{}", stem.to_lowercase(), self.context.dice.hex(16));
        let key = super::api::Key::new(kind, namespace, &name);
        let mut event = json!({
            "involvedObject": {"kind": about["kind"], "apiVersion": about["apiVersion"],
                "namespace": namespace, "name": metadata["name"], "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"]},
            "reason": reason, "message": message, "type": warning, "count": 1,
            "firstTimestamp": now, "lastTimestamp": now, "eventTime": null,
            "source": {"component": "kubelet"}, "reportingComponent": "kubelet",
            "reportingInstance": "",
        });
        super::api::complete(&key, &mut event, self.context.dice.uuid(), clock::now());
        state.store.put(key, event);
    }
}

impl State {
    pub(super) fn next_address(&mut self) -> String {
        self.addresses += 1;
        format!(
            "10.244.{}.{}",
            self.addresses / 250,
            self.addresses % 250 + 1
        )
    }

    pub(super) fn next_pid(&mut self) -> u32 {
        self.pids += 37;
        self.pids
    }
}
