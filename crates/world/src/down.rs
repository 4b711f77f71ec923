//! `down`: removes the node containers of this lab and nothing else. The data stays unless it is
//! purged: then Flink's files go from inside the node, whose root may remove them, and after that
//! the lab's folder. Networks and images are never touched.

mod purge;

pub use purge::purge_listing;

use super::docker::Docker;
use super::gate::{self, OurNodes};
use super::home::{Home, Maker, State};
use super::open::must_open;
use super::up::progress::{Progress, Title};
use super::{Events, World};
use flinklab_base::clock;
use flinklab_base::fault::{Fault, Kind};
use flinklab_event::{Adopted, Done, DownOrder, Event};
use std::time::Duration;

/// The steps, as scripts and people know them.
const STEPS: &[Title] = &[
    ("docker", "Docker answers"),
    ("prove", "The lab is ours"),
    ("data", "Data"),
    ("cluster", "Node containers"),
    ("folder", "Lab folder"),
];

/// How long after it was ordered a container may still come: Docker copies the image's /var first.
const ORDERED: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);
/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(250);

/// Removes the cluster, and the data if that was asked for.
pub async fn run(world: &World, order: &DownOrder, events: &Events) {
    let progress = Progress::new(events, STEPS);
    match remove(world, order, &progress).await {
        Ok(done) => {
            if order.purge {
                let name = world.name.clone();
                events.send(Event::NoLab { name }).await;
            }
            events.send(Event::Done(done)).await;
        }
        Err(fault) => {
            progress.fail(&fault.what).await;
            events.failed(fault).await;
        }
    }
}

async fn remove(world: &World, order: &DownOrder, progress: &Progress) -> Result<Done, Fault> {
    if world.read_only {
        return Err(
            Fault::wrong("read-only", "Nothing is removed with --read-only.")
                .hint("Run the command without --read-only."),
        );
    }
    let opened = must_open(world)?;
    let home = &opened.home;
    // Somebody may have removed a folder of it by hand.
    home.create()?;
    let lock = home.lock()?;
    progress.begin("docker", "").await;
    let docker = world.docker().await?;
    progress.done("docker", docker.host()).await;

    progress.begin("prove", "").await;
    await_ordered(&docker, &opened.state, progress).await?;
    let nodes = claimed(&docker, home, &opened.state).await?;
    progress
        .done("prove", format!("lab {}", opened.state.id))
        .await;

    let kinds: Vec<String> = nodes
        .seen()
        .iter()
        .filter(|seen| seen.lab.is_none())
        .map(|seen| seen.name.clone())
        .collect();
    if !kinds.is_empty() && order.adopted == Adopted::Kept {
        return Err(must_be_asked(&kinds));
    }
    super::heal::before_down(home, &nodes, order.purge).await?;

    let mut removed = Vec::new();
    progress.begin("data", "").await;
    if order.purge {
        let mut state = opened.state.clone();
        state.purging = true;
        home.write_state(&state)?;
        let gone = purge::flinks_files(&docker, &nodes, &opened, |detail| {
            progress.tell("data", detail);
        });
        let gone = gone.await?;
        progress.done("data", gone.clone()).await;
        removed.push(gone);
    } else {
        progress.done("data", "kept").await
    }

    super::images::forget_readers(&docker, &opened.state.id).await;
    progress.begin("cluster", "").await;
    let names: Vec<String> = nodes.nodes().iter().map(|node| node.name.clone()).collect();
    for node in nodes.nodes() {
        progress.tell("cluster", &format!("removes {}", node.name));
        node.remove().await?;
        let what = format!("Removed {} with its volume", node.name);
        progress
            .did(&what, format!("docker rm --force --volumes {}", node.name))
            .await;
        removed.push(format!("container {} with its volume", node.name));
    }
    let mut state = opened.state.clone();
    state.purging |= order.purge;
    // The list of jobs outlives the cluster: kept data of an old one is never taken for new.
    state.nodes.clear();
    state.ordered.clear();
    state.applied = None;
    home.write_state(&state)?;
    remove_file(&home.kubeconfig())?;
    let detail = if names.is_empty() {
        "there were none".to_owned()
    } else {
        format!("removed {}", names.join(", "))
    };
    progress.done("cluster", detail).await;

    progress.begin("folder", "").await;
    let mut kept = vec![
        "network kind (other kind clusters may use it)".to_owned(),
        "images in Docker".to_owned(),
    ];
    let shown = home.folder.display().to_string();
    if order.purge {
        home.remove(&lock)?;
        removed.push(format!("folder {shown}"));
        progress.done("folder", format!("removed {shown}")).await;
    } else {
        kept.insert(
            0,
            format!("data, runs and log in {shown} (remove them with --purge)"),
        );
        progress.done("folder", format!("kept {shown}")).await;
    }
    drop(lock);
    Ok(Done::Down {
        seconds: progress.seconds(),
        removed,
        kept,
    })
}

/// Waits for containers that a killed `up` ordered a moment ago: Docker makes them to their end, and
/// they would come after everything else is gone.
async fn await_ordered(docker: &Docker, state: &State, progress: &Progress) -> Result<(), Fault> {
    for (name, at) in &state.ordered {
        while docker.inspect(name).await?.is_none() && at.duration_until(clock::now()) < ORDERED {
            let told = format!("waits for {name}, which an `up` ordered that was broken off");
            progress.tell("prove", &told);
            clock::sleep(LOOK).await;
        }
    }
    Ok(())
}

/// Every container of this cluster that is this lab's: the recorded ones, and what a killed `up`
/// left. One that is not ours stands in the way of nothing: its refusal says whose it is.
async fn claimed(docker: &Docker, home: &Home, state: &State) -> Result<OurNodes, Fault> {
    match gate::claim(docker, home, state).await {
        Ok(claim) => Ok(claim.into_nodes()),
        // Somebody made another cluster of that name after ours was gone: nothing of it is ours.
        Err(fault) if fault.code == "cluster-not-ours" && !any_left(docker, state).await? => {
            Ok(gate::no_nodes(home))
        }
        Err(fault) => Err(fault),
    }
}

/// Whether one of the recorded containers still exists.
async fn any_left(docker: &Docker, state: &State) -> Result<bool, Fault> {
    for record in &state.nodes {
        if docker.inspect(&record.id).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The containers of this lab that kind's own command made: removing them takes away more than we
/// put there.
pub async fn taken_over(world: &World) -> Result<Vec<String>, Fault> {
    let opened = must_open(world)?;
    let records = &opened.state.nodes;
    if !records.is_empty() {
        let kinds = records.iter().filter(|record| record.maker == Maker::Kind);
        return Ok(kinds.map(|record| record.name.clone()).collect());
    }
    // Nothing is written down before an `up` came that far.
    let docker = world.docker().await?;
    opened.home.create()?;
    let nodes = claimed(&docker, &opened.home, &opened.state).await?;
    let kinds = nodes.seen().iter().filter(|seen| seen.lab.is_none());
    Ok(kinds.map(|seen| seen.name.clone()).collect())
}

fn must_be_asked(names: &[String]) -> Fault {
    Fault::wrong(
        "needs-yes",
        "`down` must ask before it removes what flinklab did not make. Nothing was removed.",
    )
    .why(format!("kind made {}", names.join(", ")))
    .hint("Add --yes.")
}

fn remove_file(path: &std::path::Path) -> Result<(), Fault> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Fault::new(
            Kind::Unable,
            "home-unwritable",
            format!("Cannot remove {}.", path.display()),
        )
        .why(error)),
        _ => Ok(()),
    }
}
