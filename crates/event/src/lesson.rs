//! How far a lesson was gone through.

use serde::{Deserialize, Serialize};

/// How far a lesson was gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// The step to go on with, from 0.
    pub step: usize,
    /// Whether it was gone through to its end at least once.
    pub done: bool,
}
