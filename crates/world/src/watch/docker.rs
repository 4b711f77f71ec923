//! Docker and the node containers, by Docker's own events: an engine that goes away, a node that is
//! paused, stopped or removed. Looks once after each connection and at each event, never in
//! between.

use super::super::docker::Docker;
use super::super::{Events, World};
use super::Links;
use bollard::models::ContainerState;
use bollard::query_parameters::EventsOptionsBuilder;
use flinklab_base::clock;
use flinklab_base::clock::sleep;
use flinklab_base::fault::Fault;
use flinklab_event::{Event, NodeSeen, NodeState};
use futures::StreamExt;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Between attempts to reach an engine that is away.
const PAUSE: Duration = Duration::from_secs(1);
/// What changes whether a container runs. Commands in the node make events too, by the dozen.
const ACTIONS: [&str; 6] = ["start", "die", "pause", "unpause", "destroy", "restart"];

/// Follows the containers of these names and ids until it is dropped.
pub(super) async fn follow(
    world: Arc<World>,
    nodes: Vec<(String, String)>,
    links: Links,
    events: Events,
) {
    let mut told = BTreeMap::new();
    loop {
        let fault = match Docker::connect(&world.addresses).await {
            Ok(docker) => session(&docker, &nodes, &mut told, &links, &events).await,
            Err(fault) => fault,
        };
        let why = if fault.why.is_empty() {
            fault.what
        } else {
            fault.why
        };
        links.lost(&why).await;
        sleep(PAUSE).await;
    }
}

/// From a connection to its loss.
async fn session(
    docker: &Docker,
    nodes: &[(String, String)],
    told: &mut BTreeMap<String, NodeState>,
    links: &Links,
    events: &Events,
) -> Fault {
    let filters = HashMap::from([
        ("type", vec!["container".to_owned()]),
        ("event", ACTIONS.map(str::to_owned).to_vec()),
        (
            "container",
            nodes.iter().map(|(_, id)| id.clone()).collect(),
        ),
    ]);
    let options = EventsOptionsBuilder::new().filters(&filters).build();
    let mut news = docker.patient().events(Some(options));
    let mut next = news.next();
    // The question is on its way before the first look: what happens in between is not missed.
    let early = {
        let mut first = std::pin::pin!(look(docker, nodes, told, events));
        tokio::select! {
            looked = &mut first => match looked {
                Ok(()) => None,
                Err(fault) => return fault,
            },
            event = &mut next => Some(event),
        }
    };
    links.live().await;
    let mut event = match early {
        Some(event) => event,
        None => next.await,
    };
    loop {
        match event {
            Some(Ok(_)) => {}
            Some(Err(error)) => return super::super::docker::failed("Following Docker", &error),
            None => {
                return Fault::unable("docker-failed", "Docker broke off.")
                    .why("its events came to an end");
            }
        }
        if let Err(fault) = look(docker, nodes, told, events).await {
            return fault;
        }
        event = news.next().await;
    }
}

/// Tells every container that is in another state than it was told to be.
async fn look(
    docker: &Docker,
    nodes: &[(String, String)],
    told: &mut BTreeMap<String, NodeState>,
    events: &Events,
) -> Result<(), Fault> {
    for (name, id) in nodes {
        let found = docker.inspect(id).await?.and_then(|found| found.state);
        let (state, since) = seen(found.as_ref());
        if told.insert(name.clone(), state) != Some(state) {
            let since = since.unwrap_or_else(clock::now);
            let name = name.clone();
            events
                .send(Event::Node(NodeSeen { name, state, since }))
                .await;
        }
    }
    Ok(())
}

/// What Docker says of a container; none: there is no such container.
fn seen(state: Option<&ContainerState>) -> (NodeState, Option<Timestamp>) {
    let Some(state) = state else {
        return (NodeState::Gone, None);
    };
    let stamp = |at: Option<&String>| at.and_then(|at| at.parse::<Timestamp>().ok());
    let stamp = |at: Option<String>| stamp(at.as_ref()).filter(|at| at.as_second() > 0);
    let (started, finished) = (
        state.started_at.as_ref().map(ToString::to_string),
        state.finished_at.as_ref().map(ToString::to_string),
    );
    if state.paused == Some(true) {
        // Docker does not say since when.
        return (NodeState::Paused, None);
    }
    match state.running {
        Some(true) => (NodeState::Runs, stamp(started)),
        _ => (NodeState::Stopped, stamp(finished)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(running: bool, paused: bool) -> ContainerState {
        ContainerState {
            running: Some(running),
            paused: Some(paused),
            started_at: "2026-11-24T12:00:00.5Z".parse().ok(),
            finished_at: "2026-11-24T12:05:00Z".parse().ok(),
            ..ContainerState::default()
        }
    }

    #[test]
    fn a_paused_container_runs_for_docker_but_not_for_us() {
        assert_eq!(seen(Some(&of(true, false))).0, NodeState::Runs);
        assert_eq!(seen(Some(&of(true, true))), (NodeState::Paused, None));
        let (state, since) = seen(Some(&of(false, false)));
        assert_eq!(state, NodeState::Stopped);
        assert_eq!(since, "2026-11-24T12:05:00Z".parse().ok());
        assert_eq!(seen(None), (NodeState::Gone, None));
    }
}
