//! From a container that exists to a node that runs: started if it was stopped, booted, and with its
//! kubelet. An earlier command may have been broken off between any two of these.

use crate::gate::Claiming;
use crate::home::NodeStage;
use crate::node::{BOOT, wait_booted};
use crate::up::Run;
use flinklab_base::fault::Fault;

/// Starts what is stopped and waits until what was started lately has booted.
pub(super) async fn start(run: &Run<'_>, claim: &mut Claiming) -> Result<(), Fault> {
    for name in &run.readied.started {
        started(run, name).await;
    }
    for name in &run.readied.woken {
        woken(run, name).await;
    }
    let nodes = claim.nodes().to_vec();
    for node in &nodes {
        let seen = claim.seen().iter().find(|seen| seen.id == node.id);
        let stopped = seen.is_some_and(|seen| !seen.running);
        let young = seen.is_none_or(crate::gate::Seen::may_boot);
        let state = run.book.state();
        let known = state.nodes.iter().find(|record| record.id == node.id);
        let joined = known.is_some_and(|record| record.stage == NodeStage::Joined);
        if stopped {
            run.progress.tell("node", "starts the stopped container");
            node.start().await?;
            started(run, &node.name).await;
        }
        // Also one that is complete: Docker or another `up` may have started it a moment ago, and
        // nothing may enter a node that boots.
        if stopped || young || !joined {
            run.progress.tell("node", "boots");
            wait_booted(&run.docker, &node.id, BOOT).await?;
        }
        if joined && !stopped && node.wake().await? {
            woken(run, &node.name).await;
        }
    }
    for node in &nodes {
        claim.admit(&node.id).await?;
    }
    super::record(run, claim)
}

async fn started(run: &Run<'_>, name: &str) {
    run.progress.changed();
    run.progress
        .note(format!("`{name}` was stopped and was started again."));
    let command = format!("docker start {name}");
    run.progress.did("Started what was stopped", command).await;
}

async fn woken(run: &Run<'_>, name: &str) {
    run.progress.changed();
    run.progress.note(format!(
        "The kubelet of `{name}` was stopped by a command that was broken off; it was started again."
    ));
    let command = format!("docker exec {name} systemctl start kubelet");
    run.progress.did("Started the kubelet", command).await;
}
