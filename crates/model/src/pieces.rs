//! Pieces of evidence about a run, as small as they are seen: stamps with their witness, looks at
//! REST and at files, renewals of the lock. What they mean is worked out in `timeline` and `judge`.

use flinklab_event::LeaseEnd;
use flinklab_event::{Count, Lock};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A moment with its witness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// When.
    pub at: Timestamp,
    /// Who says so.
    pub observer: String,
    /// How coarse it is, in milliseconds.
    pub resolution_ms: u32,
}

/// The lease that was held at the break.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// The lock as its holder renewed it last.
    pub last: Option<Lock>,
    /// When it was given back or taken over, as far as that was seen.
    pub over: Option<Stamp>,
    /// How it ended; none while it runs, or ran out unseen.
    #[serde(default)]
    pub end: Option<LeaseEnd>,
}

/// The lock as one look showed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Renewal {
    /// Who holds it; empty after a release.
    pub holder: String,
    /// Since when, or when the release was seen.
    pub since: Timestamp,
    /// When it was renewed.
    pub renewed: Timestamp,
    /// How long the lease lasts from then.
    pub seconds: f64,
}

/// What a look at the files showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// Checkpoints whose metadata is there.
    pub complete: BTreeSet<u64>,
    /// Names of the files below the HA folder.
    pub ha: BTreeSet<String>,
}

/// Kubernetes waits before it starts a container again that ended several times: that time is
/// not Flink's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// The pod's uid.
    pub uid: String,
    /// Its name.
    pub pod: String,
    /// Since when.
    pub from: Timestamp,
    /// Until when; none while it goes on.
    pub to: Option<Timestamp>,
}

/// One good answer of REST, reduced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When the question was sent: what it shows is true at that moment or later.
    pub asked: Timestamp,
    /// When the answer was complete.
    pub done: Timestamp,
    /// When the question before it was sent: what is new became true after that.
    pub after: Option<Timestamp>,
    /// Our job, if it is in the list: its state and its tasks that run, of all.
    pub job: Option<(String, u32, u32)>,
    /// Other jobs in the list.
    pub others: Vec<String>,
    /// The newest restore in the memory of the leader that answered, if it told about checkpoints:
    /// none inside means that it knows of no restore.
    pub restored: Option<Option<Timestamp>>,
    /// The newest completed checkpoint that it told of: whoever knows of none newer may be giving
    /// an old answer.
    #[serde(default)]
    pub completed: Option<u64>,
    /// When the oldest checkpoint was triggered that it told of: a leader's memory begins with it.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Slots of all TaskManagers, if it told of them.
    #[serde(default)]
    pub slots: Option<u32>,
}

/// What the witnesses say about a completed checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// When it was triggered, by the JobManager's clock.
    pub triggered: Option<Timestamp>,
    /// When its last acknowledgement came, by the JobManager's clock.
    pub acknowledged: Option<Timestamp>,
    /// When its pointer was first seen in the job's map.
    pub pointed: Option<Timestamp>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub took_ms: Option<u64>,
}

impl Look {
    /// It shows what both looks beside it show.
    pub(super) fn is_between(before: &Self, it: &Self, after: &Self) -> bool {
        let same = |other: &Self| {
            let jobs = it.job == other.job && it.others == other.others && it.slots == other.slots;
            // not every answer tells of restores
            jobs && (it.restored.is_none() || it.restored == other.restored)
        };
        same(before) && same(after)
    }
}

impl Renewal {
    /// Its holder held on, and no gap is left without it that would be longer than a lease.
    pub(super) fn is_between(before: &Self, it: &Self, after: &Self) -> bool {
        let same = |other: &Self| it.holder == other.holder && it.since == other.since;
        let gap = after.renewed.duration_since(before.renewed).as_secs_f64();
        same(before) && same(after) && gap <= before.seconds
    }
}

/// Whether a count was counted on from the one before it to the one after it, without a restart.
pub(super) fn counted_on(before: &Count, it: &Count, after: &Count) -> bool {
    let same = |other: &Count| (it.restored, it.began) == (other.restored, other.began);
    let grows = before.counted <= it.counted && it.counted <= after.counted;
    same(before) && same(after) && grows && it.wrong().is_none()
}

/// Keeps the finer of two stamps.
pub(super) fn better(known: &mut Option<Stamp>, at: Timestamp, observer: &str, resolution_ms: u32) {
    if known
        .as_ref()
        .is_none_or(|known| resolution_ms < known.resolution_ms)
    {
        *known = Some(Stamp {
            at,
            observer: observer.to_owned(),
            resolution_ms,
        });
    }
}
