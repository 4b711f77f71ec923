//! Everything the program knows, in one owner, and how it changes: `update` takes what happened
//! and says what to do about it. No I/O and no clock: time comes in with every event.

mod addresses;
mod aim;
mod bounds;
mod break_state;
mod clocks;
mod cluster;
mod command;
mod command_log;
mod detail;
mod evidence;
mod evidence_files;
mod evidence_leader;
mod evidence_successor;
mod finding;
mod health;
mod heartbeats;
mod history;
mod job;
mod jobs;
mod judge;
mod lease;
mod lesson;
mod logs;
mod node_clock;
mod pieces;
mod plan;
mod readiness;
mod record;
mod run;
mod statistics;
#[cfg(test)]
mod tests;
mod timeline;
mod traces;
mod update;

pub use aim::Aim;
pub use break_state::{BreakState, Exclusive};
pub use clocks::{Clocks, Counted};
pub use cluster::{Cluster, Epoch};
pub use command_log::{CommandLog, Did};
pub use detail::JobDetails;
pub use finding::Words;
pub use health::{GOOD, HaFiles, Health, Lack, Watchfulness, Witness, Witnesses, Word};
pub use history::{History, HistoryEntry, Kind as MomentKind};
pub use job::Job;
pub use jobs::Jobs;
pub use judge::{Wait, judge};
pub use lesson::{Asked, CheckResult, Is, LessonRun, Lessons, act};
pub use logs::{KeptLine, LogLimits, Logs, Sieve};
pub use node_clock::NodeClock;
pub use pieces::{Completed, Files, HeldBack, Lease, Look, Renewal, Stamp};
pub use plan::{Left, Plan, Step};
pub use run::{Baseline, Observed, Pointed, Run, Whose};
pub use statistics::{Distribution, Spread, counts, distributions, spread};
pub use traces::{Seen, Trace, Traces};
pub use update::{Outcome, outcome, update};

use flinklab_base::advice::Invocation;
use flinklab_event::{
    ActiveFailure, Effect, Finding, LabFacts, Link, Need, NodeSeen, Origin, PollMode, PreviousLog,
    RunResult, Source, Stage,
};
use flinklab_lab::failure::Failure;
use jiff::Timestamp;

/// The whole state of the program. `Default` is: nothing known yet.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The instance's name, known before there is a lab.
    pub name: String,
    /// What another command needs to act on the lab, known before there is one.
    pub called: Invocation,
    /// The stamp of the newest event.
    pub now: Timestamp,
    /// Where what is seen comes from, known before there is a lab.
    pub origin: Origin,
    /// How often Flink is asked while all is well, where the person wants it otherwise than the lab.
    pub calm: Option<std::time::Duration>,
    /// Which lab this is about; none until it was opened, or where there is none.
    pub lab: Option<LabFacts>,
    /// The failures that this lab offers, in order of their digits.
    pub failures: Vec<Failure>,
    /// The steps of `up` or `down`, while there are some.
    pub plan: Plan,
    /// Pods, lock, leader, epochs, Kubernetes events.
    pub cluster: Cluster,
    /// The Flink job and its checkpoints.
    pub job: Job,
    /// What can be done with the job, and what was done with it.
    pub jobs: Jobs,
    /// The lab's lessons, and the one that is gone through.
    pub lessons: Lessons,
    /// Merged log of all JobManagers and TaskManagers.
    pub logs: Logs,
    /// The break that goes on, if any.
    pub breaking: BreakState,
    /// The break that came to nothing last.
    pub refused: Option<Refusal>,
    /// What is applied in the lab and must be taken back, the newest first.
    pub active_failures: Vec<ActiveFailure>,
    /// What was taken back last; none before anything was looked for.
    pub healed: Option<Vec<ActiveFailure>>,
    /// Finished runs of this session, oldest first.
    pub finished: Vec<RunResult>,
    /// What happened so far, kept across failovers.
    pub history: History,
    /// What each witness ever said about a checkpoint.
    pub traces: Traces,
    /// The job's vertices and exceptions.
    pub details: JobDetails,
    /// The log of a container before its restart, as asked for last.
    pub previous: Option<PreviousLog>,
    /// What we did, as commands.
    pub deeds: CommandLog,
    /// The newest grant of leadership that a log told of: when, which pod, which epoch.
    pub grant: Option<(Timestamp, String, String)>,
    /// Runs that were finished before this session, oldest first.
    pub past: Vec<RunResult>,
    /// Each source's state.
    pub links: std::collections::BTreeMap<Source, Link>,
    /// How often Flink is asked now.
    pub pace: PollMode,
    /// How far the lab was built.
    pub stage: Stage,
    /// The containers of the lab's nodes, as Docker tells of them, by name.
    pub nodes: std::collections::BTreeMap<String, NodeSeen>,
    /// What was noticed about the lab as a whole.
    pub watchfulness: Watchfulness,
    /// The newest trouble worth a line, with its stamp.
    pub fault: Option<(Timestamp, flinklab_base::fault::Fault)>,
    /// What the doctor found last.
    pub findings: Vec<Finding>,
    /// What the lab needs of a machine, as the doctor knows it.
    pub need: Option<Need>,
    /// Set when the program should end.
    pub ended: Option<Ended>,
}

/// A break that could not be carried out, or was broken off before it hit anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// The failure's key, where it is known.
    pub failure: Option<String>,
    /// Why.
    pub why: String,
}

impl Model {
    /// The lab of this picture, for sentences that name commands.
    #[must_use]
    pub fn flinklab(&self) -> Invocation {
        match &self.lab {
            Some(lab) => Invocation {
                name: lab.name.clone(),
                ..self.called.clone()
            },
            None => self.called.clone(),
        }
    }

    /// The run that is observed, if any.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        self.breaking.observed()
    }

    /// An order was given that this model did not give itself.
    pub fn ordered(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Break(order) = effect {
                self.breaking.fire(self.now, &order.run);
            }
        }
    }

    /// Every finished run that is known, oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &RunResult> {
        let again = |past: &&RunResult| !self.finished.iter().any(|run| run.run == past.run);
        self.past.iter().filter(again).chain(&self.finished)
    }
}

/// Why the program ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Asked to, or the goal is reached.
    Quit,
    /// To see something else first: the demo, or the simulated lab.
    Elsewhere(Elsewhere),
    /// By a signal.
    Interrupted,
    /// It cannot go on.
    Failed(flinklab_base::fault::Fault),
}

/// What the welcome page offers besides a lab of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// The recording that comes with the program.
    Demo,
    /// The simulated lab.
    Try,
}
