//! One node container, from nothing to started: ports that somebody took meanwhile, and what an
//! `up` ordered that did not live to see it.

use crate::gate;
use crate::gate::Claiming;
use crate::home::State;
use crate::node;
use crate::node::{NodePlan, PORT_TAKEN};
use crate::up::Run;
use flinklab_base::clock::{Instant, sleep};
use flinklab_base::fault::Fault;
use std::time::Duration;

/// How often other ports are chosen when somebody was faster.
const PORT_TRIES: usize = 5;
/// How long Docker may take to make a container that an earlier `up` ordered, and between two looks.
const MADE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(250);

/// Makes and starts one container. A port that we chose and somebody took meanwhile is chosen anew.
pub(super) async fn make(
    run: &Run<'_>,
    claim: &Claiming,
    state: &State,
    mut plan: NodePlan,
) -> Result<String, Fault> {
    for port in plan.ports.iter_mut().filter(|port| port.host == 0) {
        let known = state.ports.chosen.get(&port_key(&plan.name, &port.key()));
        port.host = known.copied().unwrap_or(0);
    }
    let mut tries = 0;
    loop {
        plan.choose_ports()?;
        let id = match node::create(&run.docker, claim, &plan).await {
            Err(fault) if fault.code == node::NAME_TAKEN && freed(run, &plan.name).await? => {
                continue;
            }
            made => made?,
        };
        match node::start(&run.docker, &id, &plan.name).await {
            Ok(()) => {
                run.book.change(|state| remember_ports(state, &plan))?;
                let what = format!("The node container {}", plan.name);
                run.progress.did(&what, plan.command()).await;
                return Ok(id);
            }
            Err(fault) if fault.code == PORT_TAKEN && tries < PORT_TRIES && plan.forget_ports() => {
                tries += 1;
                node::remove(&run.docker, &id, &plan.name).await?;
            }
            Err(fault) => {
                // Never started, made by this very call: nobody can miss it.
                node::remove(&run.docker, &id, &plan.name).await?;
                return Err(fault);
            }
        }
    }
}

/// Whether the name was held by a container that an `up` ordered and did not live to see: Docker
/// makes it to its end, which takes seconds, and lists it only then. It is removed.
async fn freed(run: &Run<'_>, name: &str) -> Result<bool, Fault> {
    let until = Instant::now() + MADE;
    while Instant::now() < until {
        // Another cluster's container is refused here.
        let claim = gate::claim(&run.docker, &run.home, &run.book.state()).await?;
        let mut found = claim.nodes().iter().zip(claim.seen());
        if let Some((node, seen)) = found.find(|(node, _)| node.name == name) {
            if seen.never_started {
                node.remove().await?;
            }
            return Ok(seen.never_started);
        }
        if run.docker.inspect(name).await?.is_some() {
            return Ok(false);
        }
        let told = "waits for the container that an earlier `up` ordered";
        run.progress.tell("node", told);
        sleep(LOOK).await;
    }
    Ok(false)
}

fn port_key(node: &str, port: &str) -> String {
    format!("{node} {port}")
}

fn remember_ports(state: &mut State, plan: &NodePlan) {
    for port in &plan.ports {
        if port.ours_to_choose == node::Choice::Free {
            let key = port_key(&plan.name, &port.key());
            state.ports.chosen.insert(key, port.host);
        }
    }
}
