//! The way on after a failure: everything is kept for a look, and named; how to retry, how to remove
//! it.

use crate::World;
use crate::home::Home;
use flinklab_base::advice;
use flinklab_base::fault::{Fault, Kind};

/// How far an `up` came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// It looked, and no more.
    Nothing,
    /// There is a lab's folder, and perhaps more.
    Something,
}

/// Adds the way on to a fault. Where this `up` came to make nothing, the fault says enough.
pub(super) fn on(fault: Fault, world: &World, made: Made) -> Fault {
    // A cluster that is another's is nothing that was made here.
    let anothers = ["gate-refused", "cluster-not-ours"].contains(&fault.code.as_ref());
    if made == Made::Nothing || anothers || matches!(fault.kind, Kind::Bug | Kind::Interrupted) {
        return fault;
    }
    let way = advice!(
        "What was made is kept for a look: {}. Retry: `flinklab up` does what is missing. Remove: \
         `flinklab down` keeps the data, `flinklab down --purge` does not.",
        kept(world)
    );
    let hint = fault.hint.then("\n", &way);
    fault.hint(hint)
}

/// The containers and the folder of the lab.
fn kept(world: &World) -> String {
    let home = Home::of(&world.addresses, &world.name);
    let state = home.read_state().ok().flatten();
    let nodes = state.iter().flat_map(|state| &state.nodes);
    let names: Vec<String> = nodes.map(|node| format!("`{}`", node.name)).collect();
    let folder = format!("the folder {}", home.folder.display());
    match names.as_slice() {
        [] => folder,
        [one] => format!("the container {one} and {folder}"),
        several => format!("the containers {} and {folder}", several.join(", ")),
    }
}
