//! A command that was carried out, as a person would type it.

use serde::{Deserialize, Serialize};

/// One thing that we did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// What for.
    pub what: String,
    /// The command that does the same. Complete: it can be pasted.
    pub command: String,
}
