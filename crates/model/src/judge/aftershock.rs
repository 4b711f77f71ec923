//! Until when the undo of a failure may still disturb the job, and what is waited for meanwhile.
//! How long that may be is data of the failure.

use super::super::Run;
use flinklab_lab::failure::Aftershock;
use jiff::{SignedDuration, Timestamp};

impl Run {
    /// When it was undone, with all that belongs to it: the stamp is the first act's, and what
    /// tells of it comes after the last one.
    pub(super) fn undone_at(&self) -> Option<Timestamp> {
        let stamp = self.seen.undone.as_ref()?.at;
        Some(self.seen.undone_told.map_or(stamp, |told| told.max(stamp)))
    }

    pub(super) fn aftershock_span(&self) -> SignedDuration {
        let aftershock = self.order.failure.aftershock();
        aftershock.map_or(SignedDuration::ZERO, |one| one.longest().span())
    }

    /// From when on a checkpoint proves that the job got over the undo; none while that is open.
    pub(super) fn quiet_from(&self) -> Option<Timestamp> {
        let undone = self.undone_at()?;
        match self.order.failure.aftershock()? {
            Aftershock::Within(seconds) => Some(
                undone
                    .saturating_add(seconds.span())
                    .unwrap_or(Timestamp::MAX),
            ),
            Aftershock::UntilRenewed => {
                // Whoever holds the lock in the end: an undo may have moved it.
                let last = self.seen.renewals.last()?;
                let mut own = self.seen.renewals.iter();
                own.find(|one| {
                    !one.holder.is_empty() && one.holder == last.holder && one.renewed > undone
                })
                .map(|one| one.renewed)
            }
        }
    }

    /// What is waited for after the undo, in words.
    pub(super) fn aftershock_words(&self, now: Timestamp) -> Option<String> {
        let undone = self.undone_at()?;
        if self.over().is_some() {
            return None;
        }
        match (self.order.failure.aftershock()?, self.quiet_from()) {
            (Aftershock::UntilRenewed, None) => {
                Some("watching for the aftershock: until the leader renews its lease".to_owned())
            }
            (Aftershock::Within(seconds), _) => {
                let left = seconds.span() - now.duration_since(undone);
                let left = left.as_secs_f64().ceil();
                (left > 0.0).then(|| format!("watching for the aftershock: {left:.0} s"))
            }
            (Aftershock::UntilRenewed, Some(_)) => None,
        }
    }
}
