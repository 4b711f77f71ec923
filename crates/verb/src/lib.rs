//! The verbs of failures: what a step does to the lab. One verb is one module below `verbs`: what it
//! can be done to, how it is applied and proven, how it is taken back, the command that a person
//! would type, its scripts in the node and their double in the simulation. `VERBS` is the only list.
//!
//! Nothing here does I/O. A verb acts through what it is given: `Injection` and `Cluster` while it is
//! applied, `NodeAccess` and `Cluster` while it is taken back (the world implements these, with
//! proven nodes only), `SimNode` in the simulation.

mod access;
mod double;
mod ending;
mod facts;
mod journal;
mod scene;
mod script;
mod seconds;
mod step;
pub mod verbs;

pub use access::{
    CONFIG_MAP, Checkpoints, Cluster, DEPLOYMENT, Done, Ending, Exit, Flink, Injection, Kind,
    NodeAccess, NodeName, POD, Proof, ROLE, ROLE_BINDING, STATEFUL_SET, SUBJECT_ACCESS_REVIEW,
    Scope, Task, Victim,
};
pub use double::{SharedFolder, Signal, SimNode, Simulated};
pub use facts::{Aftershock, By, Definition, Effect, Facts, Hits, POD_HITS, Role, UndoneBy, Until};
pub use journal::{Act, ClusterUndo, NodeUndo, Stored, Undo, UndoKind};
pub use scene::{PodWords, Scene};
pub use script::{Double, Part, SHARED, Script, breaks, script, undoes};
pub use seconds::Seconds;
pub use step::Step;
pub use verbs::VERBS;

use facts::ECHO;

/// Something that can be done to a lab to break it.
pub trait Verb: Sync {
    /// What is fixed about it: names, targets, effect, scripts.
    fn facts(&self) -> &'static Facts;

    /// The command that a person would type for it. It can be pasted as it stands.
    fn command(&self, scene: &Scene) -> String;

    /// What the lab lacks for it, as part of a sentence; none if the lab can have it.
    fn missing(&self, _lab: &dyn Definition) -> Option<&'static str> {
        None
    }

    /// What may follow its undo, after it was applied for `lasts`.
    fn aftershock(&self, _hits: Hits, _lasts: Seconds) -> Aftershock {
        Aftershock::Within(ECHO)
    }

    /// Applies it to what was aimed at and proves that it hit. What takes it back is in the journal
    /// before anything is changed.
    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()>;
}
