//! What we did, as the kubectl or docker command that would have done the same: to learn from, and
//! to trust. Bounded; what is done again counts up.

use flinklab_event::Deed;
use jiff::Timestamp;

/// Commands remembered.
const DEEDS: usize = 300;

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
pub struct CommandLog(pub Vec<Did>);

impl CommandLog {
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
