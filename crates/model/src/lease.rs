//! The lease that was held at a break: how long it runs, and how it came to its end. A leader that
//! stops in order gives it back, one that is gone lets it run out.

use super::{Lease, Stamp};
use flinklab_event::LeaseEnd;
use flinklab_event::Lock;
use jiff::{SignedDuration, Timestamp};

/// A lock that is given back is seen as soon as the watch tells: tens of milliseconds.
const WATCH_MS: u32 = 50;

impl Lease {
    /// A look at the lock before any new epoch has begun.
    ///
    /// A JobManager that stops in order gives its lock back, but its own elector may take it again
    /// some milliseconds later: then the lease runs on, and must run out.
    pub(super) fn goes_on(&mut self, at: Timestamp, lock: &Lock) {
        let holder = self.last.as_ref().map_or("", |last| last.holder.as_str());
        if lock.holder.is_empty() {
            self.end = Some(LeaseEnd::Released);
            self.over.get_or_insert_with(|| Stamp {
                at,
                observer: "watch of the lock: given back".to_owned(),
                resolution_ms: WATCH_MS,
            });
        } else if holder.is_empty() || lock.holder == holder {
            let again = self
                .last
                .as_ref()
                .is_some_and(|last| last.transitions < lock.transitions);
            // On Flink 1.15 every renewal counts as a handover, but nothing is ever given back.
            if self.end == Some(LeaseEnd::Released) || again && self.end.is_some() {
                self.end = Some(LeaseEnd::Retaken);
            }
            self.over = None;
            self.last = Some(lock.clone());
        } else if self.over.is_none() {
            let ends = self.ends();
            let in_time = ends.filter(|ends| *ends <= lock.acquired);
            self.end = Some(match (self.end, in_time) {
                (Some(LeaseEnd::Retaken), Some(_)) => LeaseEnd::Retaken,
                (_, Some(_)) => LeaseEnd::RanOut,
                (_, None) => LeaseEnd::TakenOver,
            });
            self.over = Some(match in_time {
                Some(ends) => ran_out(ends),
                None => Stamp {
                    at: lock.acquired,
                    observer: "acquireTime of the next holder".to_owned(),
                    resolution_ms: 1,
                },
            });
        }
    }

    /// When the lease ends if it is not renewed again.
    #[must_use]
    pub fn ends(&self) -> Option<Timestamp> {
        let lock = self.last.as_ref()?;
        let lasts = SignedDuration::try_from_secs_f64(lock.seconds).ok()?;
        lock.renewed.checked_add(lasts).ok()
    }
}

/// The lease ran out: not seen by anybody, but certain.
pub(super) fn ran_out(ends: Timestamp) -> Stamp {
    Stamp {
        at: ends,
        observer: "renewTime and leaseDuration of the lock".to_owned(),
        resolution_ms: 1,
    }
}
