//! What may still come of a failure after it was taken back. Heartbeats that were lost meanwhile are
//! noticed only when their time is over, and a leader that may renew its lease again must do so
//! before it counts as one: a run that ends before that leaves its restart to the next one.

use super::{Failure, Hits, Seconds, Step};

/// A thawed leader may disturb the new one's job for so long.
const ECHO: Seconds = Seconds(3);
/// Flink drops a worker 50 s after its last heartbeat, and looks every 10 s.
const HEARTBEATS: Seconds = Seconds(60);
/// A leader that is away for so long may cost its workers their heartbeats.
const LONG: Seconds = Seconds(45);
/// A leader renews within 5 s; one that has to be stopped for it needs another lease before. After
/// an outage of the API server its client's pauses come on top: seen 13 s after the undo.
const RENEWAL: Seconds = Seconds(30);

/// Until when the undo of a failure may still disturb the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aftershock {
    /// For so long after it.
    Within(Seconds),
    /// Until whoever leads then has renewed the lease once.
    UntilRenewed,
}

impl Aftershock {
    /// How long it takes at the most.
    #[must_use]
    pub const fn longest(self) -> Seconds {
        match self {
            Self::Within(seconds) => seconds,
            Self::UntilRenewed => RENEWAL,
        }
    }
}

impl Failure {
    /// What may follow its undo; none where nothing stays applied.
    #[must_use]
    pub fn aftershock(&self) -> Option<Aftershock> {
        let lasts = self.lasts?;
        if let Some(seconds) = self.aftershock {
            return Some(Aftershock::Within(seconds));
        }
        let leads = matches!(
            self.hits,
            Hits::Leader | Hits::Standby | Hits::AllJobmanagers
        );
        let of = |step: &Step| match step {
            // A job may complete a checkpoint before its leader finds that it led for too long
            // without a renewal: seen 1.4 s apart.
            Step::ForbidPatch | Step::StopApiServer => Aftershock::UntilRenewed,
            Step::CutOff => Aftershock::Within(HEARTBEATS),
            Step::Freeze if leads && lasts >= LONG => Aftershock::Within(HEARTBEATS),
            Step::Freeze
            | Step::Terminate
            | Step::Kill
            | Step::DeletePod
            | Step::ScaleToZero
            | Step::ForbidWriting
            | Step::DeletePointers
            | Step::LoseStateFiles
            | Step::PauseNode => Aftershock::Within(ECHO),
        };
        self.steps.iter().map(of).max_by_key(|one| one.longest())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::failure::find;

    #[test]
    fn lost_heartbeats_are_waited_for_where_some_may_be_lost() {
        let of = |key: &str, lasts: u32| {
            let failure = Failure {
                lasts: Some(Seconds(lasts)),
                ..find(key).unwrap().clone()
            };
            failure.aftershock().unwrap()
        };
        let long = Aftershock::Within(HEARTBEATS);
        assert_eq!(of("jm-partition", 35), long);
        assert_eq!(of("jm-freeze", 60), long);
        assert_eq!(of("jm-freeze", 35), Aftershock::Within(ECHO));
        assert_eq!(of("tm-freeze", 75), Aftershock::Within(ECHO));
        assert_eq!(of("rbac-loss", 45), Aftershock::UntilRenewed);
        assert_eq!(of("api-outage", 40), Aftershock::UntilRenewed);
        assert_eq!(find("jm-crash").unwrap().aftershock(), None);
    }
}
