//! Takes back what is still applied: by asking its owner where that lives, else by itself, the
//! newest first. Knows the journal and who may act; how one act is done is in `undo`.

use super::access::LiveCluster;
use super::docker::Docker;
use super::gate::{self, OurNodes};
use super::home::{Home, Lock};
use super::journal::{self, Entry};
use super::node::{BOOT, wait_booted};
use super::open::{LabHandle, must_open, open};
use super::{Events, World, undo};
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_event::{ActiveFailure, Event};
use std::time::Duration;

/// How long the owner of an entry may take to undo it after it was asked to.
const OWNER: Duration = Duration::from_secs(5);
/// Time between two looks at whether it did.
const LOOK: Duration = Duration::from_millis(100);
/// How long the API server may take to answer after its manifest was put back.
const SERVER: Duration = Duration::from_secs(90);

/// Whose entries are undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// All of them: somebody asks for it.
    Everybody,
    /// Those whose owner is gone.
    Nobody,
}

/// Whether this process has the lab to itself already.
#[derive(Debug, Clone, Copy)]
pub enum Lab<'a> {
    /// It is taken for what nobody owns any more.
    Free,
    /// Whoever asks holds it.
    Held(&'a Lock),
}

/// Undoes what is applied, and says what that was.
pub async fn run(world: &World, whose: Whose, events: &Events) {
    let before = entries(world);
    match all(world, whose, Lab::Free).await {
        Ok(undone) => {
            let was_undone = |entry: &&Entry| undone.iter().any(|one| one.run == entry.run);
            if let (false, Ok(Some(opened))) = (undone.is_empty(), open(world)) {
                let namespace = &opened.lab.flink.namespace;
                for entry in before.iter().filter(was_undone) {
                    undo::tell(world, namespace, entry, events).await;
                }
            }
            events.healed(undone).await;
        }
        Err(fault) => events.failed(fault).await,
    }
    // What is left is said, too.
    tell(world, events).await;
}

/// What is written down now; nothing where it cannot be read, which whoever heals will say.
fn entries(world: &World) -> Vec<Entry> {
    let home = Home::of(&world.addresses, &world.name);
    journal::list(&home).unwrap_or_default()
}

/// Says what is applied now.
pub async fn tell(world: &World, events: &Events) {
    match standing(world) {
        Ok(standing) => events.send(Event::ActiveFailures(standing)).await,
        Err(fault) => events.failed(fault).await,
    }
}

/// What is applied now, the newest first.
pub fn standing(world: &World) -> Result<Vec<ActiveFailure>, Fault> {
    standing_in(&Home::of(&world.addresses, &world.name))
}

/// The same of a lab's folder.
pub(crate) fn standing_in(home: &Home) -> Result<Vec<ActiveFailure>, Fault> {
    Ok(journal::list(home)?.iter().map(shown).collect())
}

fn shown(entry: &Entry) -> ActiveFailure {
    ActiveFailure {
        run: entry.run.clone(),
        failure: entry.failure.clone(),
        what: entry.what.clone(),
        since: entry.since,
        deadline: entry.deadline,
        owner: entry.owner.lives().then_some(entry.owner.pid),
    }
}

/// Undoes entries, the newest first; those that were undone.
pub async fn all(world: &World, whose: Whose, lab: Lab<'_>) -> Result<Vec<ActiveFailure>, Fault> {
    let Some(opened) = open(world)? else {
        return match whose {
            Whose::Everybody => must_open(world).map(|_| Vec::new()),
            Whose::Nobody => Ok(Vec::new()),
        };
    };
    let home = &opened.home;
    let entries: Vec<Entry> = journal::list(home)?
        .into_iter()
        .filter(|entry| whose == Whose::Everybody || !entry.owner.lives())
        .collect();
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let docker = world.docker().await?;
    let nodes = gate::our_nodes(world, &opened, &docker).await?;
    if let Some(stopped) = nodes.seen().iter().find(|seen| !seen.running) {
        return Err(Fault::unable(
            "cluster-stopped",
            format!("The node container `{}` is stopped.", stopped.name),
        )
        .why(format!(
            "{} is still to be taken back in it",
            entries[0].failure
        ))
        .hint(advice!(
            "Run `flinklab up`: it starts the cluster and takes it back."
        )));
    }
    let mut undone = Vec::new();
    let mut taken = None;
    for entry in &entries {
        undone.push(shown(entry));
        if entry.owner.lives() && asked(home, entry).await? {
            continue;
        }
        // A living owner holds the lab itself; what the dead left is undone by one who has it.
        if let (Lab::Free, None, false) = (lab, &taken, entry.owner.lives()) {
            taken = Some(home.lock_for("heal")?);
        }
        // One that is at it is waited for: twice would stop two leaders.
        if let Some(_claim) = journal::claimed(home, &entry.run).await? {
            one(world, &opened, &docker, &nodes, entry).await?;
            journal::remove(home, &entry.run)?;
        }
    }
    Ok(undone)
}

/// What was done before a cluster is finished.
#[derive(Debug, Default)]
pub struct Readied {
    /// What was taken back.
    pub undone: Vec<ActiveFailure>,
    /// Nodes that were stopped and had to be started for it.
    pub started: Vec<String>,
    /// Nodes whose kubelet had to be started for it.
    pub woken: Vec<String>,
}

/// Before a cluster is finished: what a killed process left would stand in its way. A stopped node
/// is started for that; it would be anyway.
pub async fn before_up(world: &World, docker: &Docker, lock: &Lock) -> Result<Readied, Fault> {
    let home = Home::of(&world.addresses, &world.name);
    let mut left = journal::list(&home)?;
    left.retain(|entry| !entry.owner.lives());
    if left.is_empty() {
        return Ok(Readied::default());
    }
    let mut readied = Readied::default();
    let nodes = gate::our_nodes(world, must_open(world)?.as_ref(), docker).await?;
    undo::resume(&nodes, &left).await?;
    for (node, seen) in nodes.nodes().iter().zip(nodes.seen()) {
        if !seen.running {
            node.start().await?;
            readied.started.push(node.name.clone());
        }
        // Nothing may enter a node that boots, whoever started it.
        if !seen.running || seen.may_boot() {
            wait_booted(docker, &node.id, BOOT).await?;
        }
        // Without a kubelet no API server comes back to take anything back in.
        if node.wake().await? {
            readied.woken.push(node.name.clone());
        }
    }
    readied.undone = all(world, Whose::Nobody, Lab::Held(lock)).await?;
    Ok(readied)
}

/// Before a cluster is removed: what was done in its nodes may have touched the shared folder. Where
/// that is kept and a link in it refuses an undo, so does this: the journal and the node that could
/// do it are gone afterwards. All else goes with the cluster.
pub async fn before_down(home: &Home, nodes: &OurNodes, purge: bool) -> Result<(), Fault> {
    for entry in journal::list_readable(home)? {
        match undo::in_nodes(nodes, &entry).await {
            Ok(_) => {}
            Err(fault) if fault.code == "shared-link" && !purge => {
                let why = format!(
                    "{}. What {} did there is still to be undone, so nothing was removed",
                    fault.why, entry.run
                );
                let hint = fault.hint.clone().then(
                    " ",
                    &advice!(
                        "Then `flinklab down`; `flinklab down --purge` removes the data with it."
                    ),
                );
                return Err(fault.why(why).hint(hint));
            }
            Err(fault) => {
                tracing::warn!(%fault, run = entry.run, "not taken back before the removal");
            }
        }
        journal::remove(home, &entry.run)?;
    }
    Ok(())
}

/// Asks the owner; whether it did it in time. One that dies meanwhile did not.
async fn asked(home: &Home, entry: &Entry) -> Result<bool, Fault> {
    journal::ask_to_stop(home, &entry.run)?;
    let until = Instant::now() + OWNER;
    while Instant::now() < until {
        if !journal::is_there(home, &entry.run) {
            return Ok(true);
        }
        if !entry.owner.lives() {
            return Ok(false);
        }
        clock::sleep(LOOK).await;
    }
    Ok(false)
}

async fn one(
    world: &World,
    opened: &LabHandle,
    docker: &Docker,
    nodes: &OurNodes,
    entry: &Entry,
) -> Result<(), Fault> {
    // Without a cluster there is nothing that could still be broken.
    if nodes.nodes().is_empty() {
        return Ok(());
    }
    undo::in_nodes(nodes, entry).await?;
    if entry.undo.iter().all(|act| act.node().is_some()) {
        return Ok(());
    }
    let until = Instant::now() + SERVER;
    let ours = loop {
        match gate::ours(world, opened, docker).await {
            Ok(ours) => break ours,
            Err(fault) if Instant::now() >= until => return Err(fault),
            Err(fault) if fault.code.starts_with("api-") => clock::sleep(LOOK).await,
            Err(fault) => return Err(fault),
        }
    };
    let cluster = LiveCluster {
        world,
        opened,
        ours: &ours,
    };
    undo::in_cluster(cluster, entry).await.map(drop)
}
