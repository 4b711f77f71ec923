//! `stop`: shuts the node containers down in order and keeps them; `up` starts them again. Frees
//! memory and processors, removes nothing.

use super::gate::{self, OurNodes};
use super::node::Node;
use super::open::must_open;
use super::up::progress::{Progress, Title};
use super::{Events, World};
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_event::{Done, Event};
use std::time::Duration;

/// The steps, as scripts and people know them.
const STEPS: &[Title] = &[
    ("docker", "Docker answers"),
    ("prove", "The lab is ours"),
    ("nodes", "Node containers"),
];

/// How long pods may take to end in order. Their work is safe: etcd writes through, and Flink goes
/// on from its last checkpoint.
const GRACE: Duration = Duration::from_secs(3);

/// Stops the cluster.
pub async fn run(world: &World, events: &Events) {
    let progress = Progress::new(events, STEPS);
    match stop(world, &progress).await {
        Ok(done) => events.send(Event::Done(done)).await,
        Err(fault) => {
            progress.fail(&fault.what).await;
            events.failed(fault).await;
        }
    }
}

async fn stop(world: &World, progress: &Progress) -> Result<Done, Fault> {
    let opened = must_open(world)?;
    let home = &opened.home;
    home.create()?;
    let lock = home.lock()?;
    progress.begin("docker", "").await;
    let docker = world.docker().await?;
    progress.done("docker", docker.host()).await;

    progress.begin("prove", "").await;
    let nodes = gate::our_nodes(world, &opened, &docker).await?;
    if nodes.nodes().is_empty() {
        return Err(Fault::unable(
            "cluster-gone",
            "The lab has no cluster that could be stopped.",
        )
        .hint(advice!("Run `flinklab up` to build it.")));
    }
    progress
        .done("prove", format!("lab {}", opened.state.id))
        .await;

    progress.begin("nodes", "").await;
    let running = running(&nodes);
    let names: Vec<String> = running.iter().map(|node| node.name.clone()).collect();
    if !names.is_empty() {
        let held = super::heal::Lab::Held(&lock);
        super::heal::all(world, super::heal::Whose::Nobody, held).await?;
        progress.tell("nodes", &format!("shuts down {}", names.join(", ")));
    }
    // All nodes at once: Flink's last checkpoint is on the disk, and nobody is to take over.
    let stopping = running.iter().map(|node| async move {
        // A node that is too busy to answer is stopped all the same, only later.
        if let Err(fault) = node.quiet(GRACE).await {
            tracing::warn!("the pods of {} did not end: {fault}", node.name);
        }
        node.stop().await
    });
    futures::future::try_join_all(stopping).await?;
    let detail = if names.is_empty() {
        "stopped already".to_owned()
    } else {
        format!("stopped {}", names.join(", "))
    };
    progress.done("nodes", detail).await;
    Ok(Done::Stop {
        seconds: progress.seconds(),
        stopped: names,
    })
}

fn running(nodes: &OurNodes) -> Vec<&Node> {
    nodes
        .nodes()
        .iter()
        .zip(nodes.seen())
        .filter(|(_, seen)| seen.running)
        .map(|(node, _)| node)
        .collect()
}
