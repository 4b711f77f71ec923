//! Takes back what a journal entry says, act by act. Every act may be done twice and may find that
//! there is nothing left to do. Acts in a node need Docker alone; the others go through the API
//! server.

mod pointers;

use super::docker::Stream;
use super::gate::{OurNodes, Ours};
use super::journal::{Act, Entry};
use super::kube::{CALL, within};
use super::node::{Node, late, shared};
use super::open::LabHandle;
use super::shared::Obstacle;
use super::{Events, World};
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::rbac::v1::Role;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use std::time::Duration;

/// How long an act in a node may take.
const IN_NODE: Duration = Duration::from_secs(20);
/// How long a leader that may renew its lease again may take to do so.
const RENEWS: Duration = Duration::from_secs(10);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(500);

const THAW: &str = include_str!("../../../assets/node/thaw.sh");
const RECONNECT: &str = include_str!("../../../assets/node/reconnect.sh");
const BACK: &str = include_str!("../../../assets/node/back.sh");

/// Says what an entry's acts did, as commands.
pub async fn tell(world: &World, namespace: &str, entry: &Entry, events: &Events) {
    for act in &entry.undo {
        let what = format!("Took back {}: {}", entry.failure, entry.what);
        let command = act.command(|words| world.kubectl(words), namespace);
        events.did(&what, command).await;
    }
}

/// Does the acts of an entry that are done in a node. The moment of the last of them.
pub async fn in_nodes(nodes: &OurNodes, entry: &Entry) -> Result<Option<Timestamp>, Fault> {
    let mut at = None;
    for act in &entry.undo {
        let Some(name) = act.node() else { continue };
        match nodes.nodes().iter().find(|node| node.name == name) {
            Some(node) => at = Some(in_node(nodes, node, act, &entry.run).await?),
            // With the node went all that was done to it.
            None if nodes.gone().iter().any(|gone| gone.name == name) => {}
            None => {
                return Err(Fault::unable(
                    "node-unknown",
                    format!("`{name}` is no node of this lab."),
                )
                .why(format!("the journal of {} names it", entry.run)));
            }
        }
    }
    Ok(at)
}

/// Lets nodes go on that entries have paused: until then nothing can be done in them.
pub async fn resume(nodes: &OurNodes, entries: &[Entry]) -> Result<(), Fault> {
    let acts = entries.iter().flat_map(|entry| &entry.undo);
    for act in acts.filter(|act| matches!(act, Act::Resume { .. })) {
        let mut all = nodes.nodes().iter();
        if let Some(node) = all.find(|node| act.node() == Some(&node.name)) {
            node.resume().await?;
        }
    }
    Ok(())
}

async fn in_node(nodes: &OurNodes, node: &Node, act: &Act, run: &str) -> Result<Timestamp, Fault> {
    match act {
        Act::Thaw { pid, start, .. } => {
            let (pid, start) = (pid.to_string(), start.to_string());
            script(node, THAW, "flinklab-thaw", &[run, &pid, &start]).await
        }
        Act::Reconnect { mark, .. } => {
            script(node, RECONNECT, "flinklab-reconnect", &[run, mark]).await
        }
        Act::MoveBack { from, to, .. } => {
            script(node, BACK, "flinklab-back", &[run, from, to]).await
        }
        Act::Mode { folder, mode, .. } => {
            let (mount, folder) = in_shared(nodes, node, folder)?;
            let argv = shared::allow(run, mount, folder, mode);
            stamped(node, &argv.words(), mount).await
        }
        Act::Files { folder, aside, .. } => {
            let (mount, folder) = in_shared(nodes, node, folder)?;
            let argv = shared::give_back(run, mount, folder, aside);
            stamped(node, &argv.words(), mount).await
        }
        Act::Resume { .. } => {
            let at = clock::now();
            node.resume().await.map(|()| at)
        }
        Act::Scale { .. } | Act::Role { .. } | Act::Pointers { .. } => {
            unreachable!("it is not done in a node")
        }
    }
}

/// Where a node has the shared folder, and a folder of the node as it is called below that.
fn in_shared<'a>(
    nodes: &'a OurNodes,
    node: &Node,
    folder: &'a str,
) -> Result<(&'a str, &'a str), Fault> {
    let mount = nodes.shared_in(node);
    let found = mount.and_then(|mount| Some((mount, shared::below(mount, folder)?)));
    found.ok_or_else(|| {
        let what = format!("{folder} is not in the shared folder of {}.", node.name);
        Fault::unable("undo-failed", what).why("the journal says that something was changed there")
    })
}

async fn script(node: &Node, text: &str, name: &str, words: &[&str]) -> Result<Timestamp, Fault> {
    let text = late::undoes(text);
    let argv = [&["sh", "-c", text.as_str(), name][..], words].concat();
    stamped(node, &argv, "").await
}

/// Runs a script that ends with a word and a stamp; one that works in the shared folder, with where
/// that is.
async fn stamped(node: &Node, argv: &[&str], mount: &str) -> Result<Timestamp, Fault> {
    let (mut at, mut why) = (None, String::new());
    let code = node
        .exec_lines(argv, IN_NODE, |stream, line| match stream {
            Stream::Stdout => {
                let stamp = line.split_whitespace().nth(1);
                at = stamp.and_then(super::process::nanoseconds).or(at);
            }
            Stream::Stderr => line.clone_into(&mut why),
        })
        .await?;
    if let Some(obstacle) = Obstacle::said(code, &why) {
        return Err(obstacle.in_node(&node.name, mount, &advice!("run `flinklab heal` again")));
    }
    match (code, at) {
        (0, Some(at)) => Ok(at),
        _ => Err(Fault::unable(
            "undo-failed",
            format!(
                "Something could not be taken back in the node {}.",
                node.name
            ),
        )
        .why(if why.is_empty() {
            format!("the command ended with {code}")
        } else {
            why
        })
        .mend(advice!(
            "Run `flinklab heal` again; `flinklab down` and `flinklab up` make a new cluster."
        ))),
    }
}

/// Does the acts of an entry that go through the API server. The moment of the last of them.
pub async fn in_cluster(
    world: &World,
    opened: &LabHandle,
    ours: &Ours,
    entry: &Entry,
) -> Result<Option<Timestamp>, Fault> {
    let mut at = None;
    for act in entry.undo.iter().filter(|act| act.node().is_none()) {
        // Time passed since the proof, and the server may have been away.
        ours.recheck().await?;
        at = Some(match act {
            Act::Scale {
                kind,
                name,
                replicas,
            } => scale(ours, kind, name, *replicas).await?,
            Act::Role { name, rules } => allow(opened, ours, name, rules).await?,
            Act::Pointers { .. } => pointers::put_back(world, opened, ours, act).await?,
            Act::Thaw { .. }
            | Act::Reconnect { .. }
            | Act::MoveBack { .. }
            | Act::Mode { .. }
            | Act::Files { .. }
            | Act::Resume { .. } => continue,
        });
    }
    Ok(at)
}

/// Sets a workload's replicas.
pub(super) async fn scale(
    ours: &Ours,
    kind: &str,
    name: &str,
    replicas: i32,
) -> Result<Timestamp, Fault> {
    let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
    let how = PatchParams::default();
    let doing = format!("Scaling {name} to {replicas}");
    let at = clock::now();
    match kind {
        "StatefulSet" => {
            let all: Api<StatefulSet> = Api::namespaced(ours.client(), ours.namespace());
            within(CALL, &doing, all.patch(name, &how, &patch))
                .await
                .map(drop)?;
        }
        _ => {
            let all: Api<Deployment> = Api::namespaced(ours.client(), ours.namespace());
            within(CALL, &doing, all.patch(name, &how, &patch))
                .await
                .map(drop)?;
        }
    }
    Ok(at)
}

/// Puts a Role's rules back. A leader that noticed nothing renews its lease at once; one that gave
/// up trying is stopped, so that another one leads.
async fn allow(
    opened: &LabHandle,
    ours: &Ours,
    name: &str,
    rules: &serde_json::Value,
) -> Result<Timestamp, Fault> {
    let roles: Api<Role> = Api::namespaced(ours.client(), ours.namespace());
    let patch = Patch::Merge(json!({"rules": rules}));
    let doing = format!("Putting the Role {name} back");
    let before = renewed(opened, ours).await?;
    let at = clock::now();
    let how = PatchParams::default();
    within(CALL, &doing, roles.patch(name, &how, &patch)).await?;
    let until = Instant::now() + RENEWS;
    while Instant::now() < until {
        clock::sleep(LOOK).await;
        if renewed(opened, ours).await? != before {
            return Ok(at);
        }
    }
    super::breaking::stop_leader(opened, ours).await?;
    Ok(at)
}

/// The lock as it is written, to see whether it changes.
async fn renewed(opened: &LabHandle, ours: &Ours) -> Result<Option<String>, Fault> {
    let maps: Api<ConfigMap> = Api::namespaced(ours.client(), ours.namespace());
    let map = within(
        CALL,
        "Asking for the lock",
        maps.get_opt(&opened.lab.cluster_map()),
    )
    .await?;
    let annotations = map.and_then(|map| map.metadata.annotations);
    Ok(annotations.and_then(|all| all.get(super::ha::LOCK).cloned()))
}
