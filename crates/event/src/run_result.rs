//! A finished run, as it is kept and reported.

use crate::Record;
use flinklab_lab::failure::{Counted, Role, StatementName, Verdict, find};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whom a failure hits: pinned when it is aimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The pod.
    pub pod: String,
    /// Its uid.
    pub uid: String,
    /// Its role.
    pub role: Role,
    /// The container's name.
    pub container_name: String,
    /// The container's id at the moment of aiming.
    pub container: Option<String>,
    /// The Kubernetes node it runs on, which is the node container's name.
    pub node: Option<String>,
    /// The epoch at the moment of aiming.
    pub epoch: Option<String>,
    /// Why this one, for a person: `leads epoch 3`.
    pub reason: String,
    /// What is hit where that is no pod: the API server, a Role, a folder, a node. The pod above is
    /// the leader then, or one that runs there: the aim is pinned by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// More pods that are hit with it, pinned as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Target>,
}

/// A moment of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Which one.
    pub name: PhaseName,
    /// Milliseconds since it was sent.
    pub ms: i64,
    /// When, on the clock.
    pub at: Timestamp,
    /// Who saw it.
    pub observer: String,
    /// How coarse the stamp is, in milliseconds.
    pub resolution_ms: u32,
}

/// The moments that are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseName {
    /// The signal or request went out.
    Sent,
    /// The pod's preStop hook has slept, and SIGTERM goes out.
    Signalled,
    /// The process is gone.
    ProcessGone,
    /// The lease ran out or was released.
    LeaseOver,
    /// The first leader key with a new session id.
    NewEpoch,
    /// REST answers with the job list again.
    RestAnswers,
    /// The job was restored.
    JobRecovered,
    /// All tasks run again: the recovery time.
    TasksRunning,
    /// The first new checkpoint completed.
    NextCheckpoint,
    /// The failure was undone.
    Undone,
}

/// One thing that can be said about a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Which one.
    pub name: StatementName,
    /// Seen so, seen otherwise, or not seen.
    pub verdict: Verdict,
    /// What was seen, in words.
    pub evidence: String,
}

/// A finished run, as it is kept and reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Its name, which is also its folder's.
    pub run: String,
    /// The failure's key.
    pub failure: String,
    /// Whom it hit.
    pub target: Target,
    /// Real, simulated or recorded.
    pub origin: super::Origin,
    /// When it was sent, or ordered where it was not.
    pub at: Timestamp,
    /// Over all.
    pub verdict: Verdict,
    /// The verdict that this failure should have.
    pub expected: Verdict,
    /// Until all tasks ran again; none where the job never stopped.
    pub recovery_ms: Option<i64>,
    /// In order of time.
    pub phases: Vec<Phase>,
    /// In reading order.
    pub statements: Vec<Statement>,
    /// What else is kept: enough to draw the run and to tell it to somebody who was not there.
    #[serde(default)]
    pub record: Record,
}

/// What became of the job's tasks in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comeback {
    /// All ran again after so many milliseconds.
    After(i64),
    /// They ran all the time.
    NeverStopped,
    /// They were not seen running again.
    NotSeen,
}

impl RunResult {
    /// From when its time budget counts; of an old run, what its failure says today.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let known = || Some(find(&self.failure)?.expect.counted);
        self.record.counted.or_else(known).unwrap_or_default()
    }

    /// Milliseconds from the undo until all tasks ran again, where the budget counts from there.
    #[must_use]
    pub fn after_undo_ms(&self) -> Option<i64> {
        let undone = self
            .phases
            .iter()
            .find(|phase| phase.name == PhaseName::Undone)?;
        let counts = self.counted() == Counted::Undone;
        let ms = self.recovery_ms.filter(|_| counts)?;
        Some((ms - undone.ms).max(0))
    }

    /// That a job never stopped is claimed only where it was seen: the statement on the restore
    /// holds, and there was none.
    #[must_use]
    pub fn comeback(&self) -> Comeback {
        let holds =
            |it: &Statement| it.name == StatementName::Restored && it.verdict == Verdict::Pass;
        let restored = |phase: &Phase| phase.name == PhaseName::JobRecovered;
        match self.recovery_ms {
            Some(ms) => Comeback::After(ms),
            None if self.phases.iter().any(restored) => Comeback::NotSeen,
            None if self.statements.iter().any(holds) => Comeback::NeverStopped,
            None => Comeback::NotSeen,
        }
    }
}
