//! `docker pause` and `docker unpause`: the processes of a container stand still and go on.

use super::{Answer, Machine, no_container, refused};
use crate::node;
use crate::serve;
use std::sync::Arc;

pub(super) fn pause(machine: &Arc<Machine>, id: &str) -> Answer {
    change(machine, id, true)
}

pub(super) fn unpause(machine: &Arc<Machine>, id: &str) -> Answer {
    change(machine, id, false)
}

fn change(machine: &Arc<Machine>, id: &str, pause: bool) -> Answer {
    let node = {
        let mut engine = machine.engine();
        let own = engine
            .containers
            .get_mut(id)
            .ok_or_else(|| no_container(id))?;
        match (own.runs(), own.paused, pause) {
            (false, ..) => return refused(409, format!("Container {id} is not running")),
            (true, true, true) => return refused(409, format!("Container {id} is already paused")),
            (true, false, false) => return refused(500, format!("Container {id} is not paused")),
            (true, ..) => {}
        }
        own.paused = pause;
        machine.tell(if pause { "pause" } else { "unpause" }, own);
        let cluster = own.label(node::CLUSTER).map(str::to_owned);
        cluster.map(|cluster| (cluster, own.name.clone()))
    };
    machine.beat();
    if let Some((cluster, name)) = node
        && let Some(cluster) = machine.clusters().get(&cluster)
    {
        if pause {
            cluster.node_paused(&name)
        } else {
            cluster.node_resumed(&name)
        }
    }
    Ok(serve::empty(204))
}
