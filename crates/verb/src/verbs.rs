//! The list of verbs, and a module for each.

mod cut_off;
mod delete_pod;
mod delete_pointers;
mod forbid_patch;
mod forbid_writing;
mod freeze;
mod kill;
mod lose_state_files;
mod pause_node;
mod scale_to_zero;
mod stop_api_server;
mod terminate;

pub use cut_off::{CUT_OFF, Reconnect};
pub use delete_pod::DELETE_POD;
pub use delete_pointers::{DELETE_POINTERS, Pointers};
pub use forbid_patch::{FORBID_PATCH, RoleRules};
pub use forbid_writing::{FORBID_WRITING, FolderMode, MODE};
pub use freeze::{FREEZE, Thaw};
pub use kill::KILL;
pub use lose_state_files::{LOSE_STATE_FILES, StateFiles};
pub use pause_node::{PAUSE_NODE, Resume};
pub use scale_to_zero::{SCALE_TO_ZERO, Scale};
pub use stop_api_server::{MoveBack, STOP_API_SERVER};
pub use terminate::TERMINATE;

use crate::{SharedFolder, SimNode, Step, Victim};
use jiff::Timestamp;

/// Every verb, in the order in which messages list them.
pub const VERBS: &[Step] = &[
    TERMINATE,
    KILL,
    DELETE_POD,
    FREEZE,
    CUT_OFF,
    SCALE_TO_ZERO,
    STOP_API_SERVER,
    FORBID_PATCH,
    FORBID_WRITING,
    DELETE_POINTERS,
    LOSE_STATE_FILES,
    PAUSE_NODE,
];

/// The pods of a proof.
fn names(victims: &[Victim]) -> String {
    let names: Vec<&str> = victims.iter().map(|victim| victim.pod.as_str()).collect();
    names.join(" and ")
}

/// A moment in a proof.
fn stamp(at: Timestamp) -> String {
    at.strftime("%H:%M:%S%.3f").to_string()
}

/// The shared folder of a simulated node, with that folder in it.
fn must_be_there<'a>(
    node: &'a dyn SimNode,
    mount: &str,
    folder: &str,
) -> Result<Box<dyn SharedFolder + 'a>, i64> {
    let shared = node.shared(mount)?;
    if shared.is_there(folder)? {
        return Ok(shared);
    }
    node.err(&format!("{folder} is no folder"));
    Err(3)
}

/// The exit code of a double.
fn ended(result: Result<(), i64>) -> i64 {
    result.err().unwrap_or(0)
}

#[cfg(test)]
mod tests;
