//! The node containers: made, taken over, started, and their shared folders given to Flink's user.
//! Does not look into Kubernetes.

mod container;
mod running;
mod shared;

use super::earlier::{self, Work};
use super::progress::Progress;
use super::{Run, adopted};
use crate::docker::Docker;
use crate::gate;
use crate::gate::Claiming;
use crate::home::{Maker, NodeRecord, NodeStage};
use crate::network;
use crate::node;
use crate::node::NodePlan;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use flinklab_lab::Lab;
use std::collections::{BTreeMap, BTreeSet};

/// What became of the node containers.
pub(super) struct Settled {
    /// The right to go on.
    pub(super) claim: Claiming,
    /// None existed before.
    pub(super) fresh: bool,
}

/// All node containers exist, run and are booted, and their shared folders are Flink's.
pub(super) async fn settle(run: &Run<'_>) -> Result<Settled, Fault> {
    let progress = run.progress;
    progress.begin("node", "").await;
    let mut claim = gate::claim(&run.docker, &run.home, &run.book.state()).await?;
    if remove_unstarted(run, &claim).await? {
        claim = gate::claim(&run.docker, &run.home, &run.book.state()).await?;
    }
    if finish_purge(run, &claim).await? {
        claim = gate::claim(&run.docker, &run.home, &run.book.state()).await?;
    }
    forget_removed(run, &claim)?;
    let expected = node::names(&run.lab.cluster, &run.home.name);
    let found: Vec<String> = claim.nodes().iter().map(|node| node.name.clone()).collect();
    if let Some(extra) = found.iter().find(|name| !expected.contains(name)) {
        return Err(other_shape(
            run,
            &format!("it has a node `{extra}`, which kind.yaml does not"),
        ));
    }
    let stopped = claim.seen().iter().any(|seen| !seen.running) || !run.readied.started.is_empty();
    let work = match (found.is_empty(), stopped) {
        (true, _) => Work::Build,
        (false, true) => Work::Start,
        (false, false) => Work::Finish,
    };
    earlier::tell(run, work).await;
    let missing = expected.iter().any(|name| !found.contains(name));
    if missing && claim.seen().iter().any(|seen| seen.lab.is_none()) {
        return Err(other_shape(
            run,
            &format!(
                "kind made {}, kind.yaml says {}",
                found.join(", "),
                expected.join(", ")
            ),
        ));
    }
    adopted::check(run, &claim).await?;
    let working = run
        .book
        .state()
        .nodes
        .iter()
        .any(|node| node.stage == NodeStage::Joined);
    if missing && working && !found.is_empty() {
        return Err(other_shape(run, "one of its nodes was removed"));
    }
    if missing {
        create(run, &mut claim, &found).await?;
    } else {
        record(run, &claim)?;
    }
    running::start(run, &mut claim).await?;
    shared::own_folders(run, &claim).await?;
    let _ = run.booted.set(claim.nodes().to_vec());
    let detail = if found.is_empty() {
        format!("{} runs", expected.join(", "))
    } else {
        format!("{} runs already", expected.join(", "))
    };
    progress.done("node", detail).await;
    Ok(Settled {
        claim,
        fresh: found.is_empty(),
    })
}

/// The node images, pulled where Docker lacks them. A cluster that is there needs none.
pub(super) async fn images_of(
    docker: &Docker,
    name: &str,
    lab: &Lab,
    progress: &Progress,
) -> Result<String, Fault> {
    let there = docker.containers_of(name).await?;
    let made = |wanted: &String| there.iter().any(|found| found.name == *wanted);
    if node::names(&lab.cluster, name).iter().all(made) {
        return Ok("not needed: the cluster is there".to_owned());
    }
    let wanted: BTreeSet<&str> = lab
        .cluster
        .nodes
        .iter()
        .map(|node| node.image.as_str())
        .collect();
    for image in &wanted {
        super::pulled(docker, progress, "node-image", image).await?;
    }
    Ok(wanted.into_iter().collect::<Vec<_>>().join(", "))
}

/// Removes containers that an `up` made and was killed before it started them: they may lack
/// what is put into them before their first start, and nothing was ever done in them.
async fn remove_unstarted(run: &Run<'_>, claim: &Claiming) -> Result<bool, Fault> {
    let mut removed = false;
    for (node, seen) in claim.nodes().iter().zip(claim.seen()) {
        if seen.never_started {
            let told = format!("removes {}, which was never started", node.name);
            run.progress.tell("node", &told);
            node.remove().await?;
            run.book
                .change(|state| state.nodes.retain(|record| record.id != node.id))?;
            removed = true;
        }
    }
    Ok(removed)
}

/// Removes the containers that a broken-off purge left after it had begun to remove what Flink wrote:
/// no job comes back without its files, and the removal of all of it was wanted.
async fn finish_purge(run: &Run<'_>, claim: &Claiming) -> Result<bool, Fault> {
    if !run.book.state().purging {
        return Ok(false);
    }
    for node in claim.nodes() {
        let told = format!("removes {}, whose purge was broken off", node.name);
        run.progress.tell("node", &told);
        node.remove().await?;
        let command = format!("docker rm --force --volumes {}", node.name);
        run.progress
            .did("Removed what a purge had left", command)
            .await;
    }
    run.book.change(|state| {
        state.nodes.clear();
        state.applied = None;
        state.jobs.clear();
        state.checkpoint = None;
        state.purging = false;
    })?;
    run.progress.note(advice!(
        "A `flinklab down --purge` was broken off after it had begun to remove Flink's files; \
         the cluster was built anew."
    ));
    Ok(true)
}

/// Forgets recorded containers that somebody removed behind our back.
fn forget_removed(run: &Run<'_>, claim: &Claiming) -> Result<(), Fault> {
    let there = |record: &NodeRecord| claim.seen().iter().any(|seen| seen.id == record.id);
    let state = run.book.state();
    let gone = state.nodes.iter().filter(|record| !there(record)).count();
    if gone == 0 {
        return Ok(());
    }
    if gone == state.nodes.len() {
        run.progress
            .note("The cluster was removed behind our back; it was built again.");
    }
    run.book.change(|state| {
        state.nodes.retain(there);
        if state.nodes.is_empty() {
            state.applied = None;
        }
    })
}

pub(super) fn other_shape(run: &Run<'_>, why: &str) -> Fault {
    let name = &run.home.name;
    Fault::unable(
        "cluster-changed",
        format!("The cluster `{name}` is not what kind.yaml says."),
    )
    .why(why)
    .hint(advice!(
        "Run `flinklab down`, then `flinklab up`; the data is kept."
    ))
}

async fn create(run: &Run<'_>, claim: &mut Claiming, found: &[String]) -> Result<(), Fault> {
    let progress = run.progress;
    progress.changed();
    progress.tell("node", "makes the network");
    let plans = plans(run, claim).await?;
    plans.iter().for_each(make_mounted);
    progress.tell("node", "makes the container");
    let state = run.book.state();
    let wanted: Vec<NodePlan> = plans
        .into_iter()
        .filter(|plan| !found.contains(&plan.name))
        .collect();
    run.book.change(|state| {
        let now = clock::now();
        let names = wanted.iter().map(|plan| (plan.name.clone(), now));
        state.ordered.extend(names);
    })?;
    let made = wanted
        .into_iter()
        .map(|plan| container::make(run, claim, &state, plan));
    let ids = futures::future::try_join_all(made).await?;
    for id in ids {
        claim.admit(&id).await?;
        // Written down at once: a kill from here on leaves nothing that is not known.
        record(run, claim)?;
    }
    Ok(())
}

/// Makes host folders that are to be mounted and are missing, as the person who runs this: Docker
/// would make them as root. Where it cannot be done, Docker does it and says what is wrong.
fn make_mounted(plan: &NodePlan) {
    for bind in &plan.binds {
        let host = bind.split(':').next().unwrap_or_default();
        if let Err(error) = std::fs::create_dir_all(host) {
            tracing::debug!("{host} is left to Docker: {error}");
        }
    }
}

/// How every node is made. Makes the network if there is none.
pub(super) async fn plans(run: &Run<'_>, claim: &Claiming) -> Result<Vec<NodePlan>, Fault> {
    let (network, daemon) = tokio::try_join!(network::ensure(&run.docker), run.docker.daemon())?;
    let common = node::Common {
        name: &run.home.name,
        shared: claim.shared(),
        lab_id: &run.book.state().id,
        network: &network.name,
        subnets: &network.subnets,
        proxies: &crate::docker::proxies(&run.world.addresses),
        daemon: &daemon,
    };
    node::plans(&run.lab.cluster, &common)
}

/// Writes down every proven container and the ports that it publishes.
fn record(run: &Run<'_>, claim: &Claiming) -> Result<(), Fault> {
    let rest = format!("{}/tcp", run.lab.flink.rest.node_port);
    run.book.change(|state| {
        // From its first container on, the cluster is what this definition says: whoever finishes
        // or removes it must not go by an older one.
        if state.nodes.is_empty() {
            state.definition.name.clone_from(&run.lab.name);
            state.definition.files.clone_from(&run.lab.files);
            state.hash.clone_from(&run.lab.hash);
        }
        let stages: BTreeMap<String, NodeStage> = state
            .nodes
            .iter()
            .map(|node| (node.id.clone(), node.stage))
            .collect();
        for seen in claim.seen() {
            state.record_node(NodeRecord {
                id: seen.id.clone(),
                name: seen.name.clone(),
                role: seen.role.clone(),
                stage: stages.get(&seen.id).copied().unwrap_or_default(),
                maker: match seen.lab {
                    Some(_) => Maker::Flinklab,
                    None => Maker::Kind,
                },
            });
            if seen.role == node::role_word(flinklab_lab::NodeRole::ControlPlane) {
                let api = format!("{}/tcp", node::API_PORT);
                state.ports.api = seen.host_port(&api).or(state.ports.api);
            }
            state.ports.ui = seen.host_port(&rest).or(state.ports.ui);
        }
    })
}
