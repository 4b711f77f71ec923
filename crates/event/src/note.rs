//! What the second terminal of a presenter shows.

use crate::Origin;
use serde::{Deserialize, Serialize};

/// What the one who speaks reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The lab's instance.
    pub lab: String,
    /// Real, simulated or recorded.
    pub origin: Origin,
    /// The lesson's title; empty without one.
    pub lesson: String,
    /// Which step, from 1, and of how many.
    pub step: usize,
    /// Of how many.
    pub of: usize,
    /// The step's title.
    pub title: String,
    /// What to say.
    pub say: String,
    /// What the room should look at.
    pub watch: String,
    /// How the step stands, in a word.
    pub state: String,
    /// What is to be seen, and what was, a line each.
    pub checks: Vec<String>,
    /// What helps, where it is needed.
    pub hint: String,
    /// The next key and what it does.
    pub press: String,
    /// The title of the step after this one.
    pub next: String,
}
