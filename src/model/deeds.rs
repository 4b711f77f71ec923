//! What we did, as the kubectl or docker command that would have done the same: to learn from, and
//! to trust. Bounded; what is done again counts up.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Commands remembered.
const DEEDS: usize = 300;

/// One thing that we did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// What for.
    pub what: String,
    /// The command that does the same. Complete: it can be pasted.
    pub command: String,
}

/// A deed, how often and when last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Did {
    /// When last.
    pub at: Timestamp,
    /// How often.
    pub times: u32,
    /// What.
    pub deed: Deed,
}

/// All of them, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deeds(pub Vec<Did>);

impl Deeds {
    pub(super) fn add(&mut self, at: Timestamp, deed: &Deed) {
        let mut times = 1;
        if let Some(known) = self.0.iter().position(|done| done.deed == *deed) {
            times += self.0.remove(known).times;
        }
        self.0.push(Did {
            at,
            times,
            deed: deed.clone(),
        });
        if self.0.len() > DEEDS {
            self.0.remove(0);
        }
    }
}
