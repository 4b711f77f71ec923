//! Takes back what a journal entry says, act by act. How one is done is said by its verb: every act may
//! be done twice and may find that there is nothing left to do. Acts in a node need Docker alone; the
//! others go through the API server.

use super::access::LiveCluster;
use super::docker::Stream;
use super::gate::OurNodes;
use super::journal::Entry;
use super::node::{Node, shared};
use super::shared::Obstacle;
use super::{Events, World};
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_verb::{NodeAccess, Script, Task, Undo};
use jiff::Timestamp;
use std::time::Duration;

/// How long an act in a node may take.
const IN_NODE: Duration = Duration::from_secs(20);

/// Says what an entry's acts did, as commands.
pub async fn tell(world: &World, namespace: &str, entry: &Entry, events: &Events) {
    for act in &entry.undo {
        let what = format!("Undone: {} ({})", entry.failure, entry.what);
        let command = act.command(|words| world.kubectl(words), namespace);
        events.did(&what, command).await;
    }
}

/// Does the acts of an entry that are done in a node. The moment of the last of them.
pub async fn in_nodes(nodes: &OurNodes, entry: &Entry) -> Result<Option<Timestamp>, Fault> {
    let mut at = None;
    for act in &entry.undo {
        let Undo::Node(undo) = act.undo() else {
            continue;
        };
        let name = undo.node();
        match nodes.nodes().iter().find(|node| node.name == name) {
            Some(node) => {
                let run = &entry.run;
                at = Some(undo.undo(&InNode { nodes, node, run }).await?);
            }
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
    for act in acts.filter(|act| act.is_by_docker()) {
        let mut all = nodes.nodes().iter();
        if let Some(node) = all.find(|node| act.node() == Some(&node.name)) {
            node.resume().await?;
        }
    }
    Ok(())
}

/// A node that something of a run is taken back in.
struct InNode<'a> {
    nodes: &'a OurNodes,
    node: &'a Node,
    run: &'a str,
}

impl NodeAccess for InNode<'_> {
    fn undo<'a>(&'a self, script: &'a Script, words: &'a [&'a str]) -> Task<'a, Timestamp> {
        Box::pin(async move {
            let argv = script.argv(self.run, words);
            let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
            let mount = self.nodes.shared_in(self.node).filter(|_| script.shared);
            stamped(self.node, &argv, mount.unwrap_or_default()).await
        })
    }

    fn in_shared<'a>(&'a self, path: &'a str) -> Result<(&'a str, &'a str), Fault> {
        let mount = self.nodes.shared_in(self.node);
        let found = mount.and_then(|mount| Some((mount, shared::below(mount, path)?)));
        found.ok_or_else(|| {
            let node = &self.node.name;
            let what = format!("{path} is not in the shared folder of {node}.");
            Fault::unable("undo-failed", what)
                .why("the journal says that something was changed there")
        })
    }

    fn resume(&self) -> Task<'_, ()> {
        Box::pin(self.node.resume())
    }
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
        .hint(advice!(
            "Run `flinklab heal` again; `flinklab down` and `flinklab up` make a new cluster."
        ))),
    }
}

/// Does the acts of an entry that go through the API server. The moment of the last of them.
pub(crate) async fn in_cluster(
    cluster: LiveCluster<'_>,
    entry: &Entry,
) -> Result<Option<Timestamp>, Fault> {
    let mut at = None;
    for act in &entry.undo {
        let Undo::Cluster(undo) = act.undo() else {
            continue;
        };
        // Time passed since the proof, and the server may have been away.
        cluster.ours.recheck().await?;
        at = Some(undo.undo(&cluster).await?);
    }
    Ok(at)
}
