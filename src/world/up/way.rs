//! The way on after a failure: everything is kept for a look; how to retry, how to remove it.

use crate::fault::{Fault, Kind, naming};
use crate::world::World;

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
    let fault = fault.naming(&world.name);
    if made == Made::Nothing || matches!(fault.kind, Kind::Bug | Kind::Interrupted) {
        return fault;
    }
    let mut mend: Vec<String> = Vec::new();
    if !fault.mend.is_empty() {
        mend.push(fault.mend.clone());
    }
    let way = "Everything that was made is kept for a look. Retry: `flinklab up` does what is \
               missing. Remove: `flinklab down` keeps the data, `flinklab down --purge` does not.";
    mend.push(naming(way, &world.name));
    fault.mend(mend.join("\n"))
}
