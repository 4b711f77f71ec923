//! The steps of `up` and `down` as they go.

use crate::fault::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The steps so far, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// When the first step began.
    pub started: Option<Timestamp>,
    /// Every step, also those that wait.
    pub steps: Vec<Step>,
    /// How it ended.
    pub done: Option<Done>,
    /// Whether it ended without being done.
    pub broken: bool,
    /// Whether its page was left while it goes on.
    pub left: bool,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Kebab-case, as scripts see it.
    pub name: String,
    /// As a person reads it.
    pub title: String,
    /// Number from 1.
    pub n: usize,
    /// How far it is.
    pub state: StepState,
    /// What it waits for, or what it found. One line.
    pub detail: String,
    /// When it began and, once over, how many seconds it took.
    pub began: Option<Timestamp>,
    /// Seconds it took, once over.
    pub seconds: Option<f64>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Its turn has not come.
    Waiting,
    /// Going on; several may at once.
    Running,
    /// Over; also where there was nothing to do.
    Done,
    /// Over, and with it the plan.
    Failed,
}

/// A step changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepChange {
    /// Which step: kebab-case.
    pub name: String,
    /// As a person reads it.
    pub title: String,
    /// Number from 1.
    pub n: usize,
    /// How many there are.
    pub of: usize,
    /// How far it is now.
    pub state: StepState,
    /// What it waits for, or what it found. One line, may be empty.
    pub detail: String,
    /// Seconds it took, once over.
    pub seconds: Option<f64>,
}

/// How a plan ended well. A plan that failed ends in `Event::Failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "command")]
pub enum Done {
    /// The lab runs and its first checkpoint is seen by all three witnesses.
    Up {
        /// Seconds from the start of the command.
        seconds: f64,
        /// The checkpoint that was seen.
        checkpoint: u64,
        /// Whether anything had to be done.
        changed: bool,
        /// Our kubeconfig.
        kubeconfig: String,
        /// Flink's web UI.
        ui: String,
        /// Sentences worth saying: what was found, what was left.
        notes: Vec<String>,
    },
    /// The cluster is stopped and kept.
    Stop {
        /// Seconds from the start of the command.
        seconds: f64,
        /// Node containers that ran until now.
        stopped: Vec<String>,
    },
    /// The lab is gone.
    Down {
        /// Seconds from the start of the command.
        seconds: f64,
        /// What was removed.
        removed: Vec<String>,
        /// What was left on purpose.
        kept: Vec<String>,
    },
}

impl Plan {
    /// Takes a change in.
    pub(super) fn change(&mut self, at: Timestamp, change: &StepChange) {
        self.started.get_or_insert(at);
        while self.steps.len() < change.of {
            self.steps.push(Step {
                name: String::new(),
                title: String::new(),
                n: self.steps.len() + 1,
                state: StepState::Waiting,
                detail: String::new(),
                began: None,
                seconds: None,
            });
        }
        let Some(step) = self.steps.get_mut(change.n.wrapping_sub(1)) else {
            return;
        };
        step.name.clone_from(&change.name);
        step.title.clone_from(&change.title);
        step.state = change.state;
        step.detail.clone_from(&change.detail);
        step.seconds = change.seconds;
        if change.state == StepState::Running {
            step.began.get_or_insert(at);
        }
    }

    /// Whether it came to an end, good or bad.
    #[must_use]
    pub fn over(&self) -> bool {
        self.done.is_some() || self.broken || self.failed().is_some()
    }

    /// Whether it was begun and did not come to an end.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.started.is_some() && !self.over()
    }

    /// The step that failed, if one did.
    #[must_use]
    pub fn failed(&self) -> Option<&Step> {
        self.steps
            .iter()
            .find(|step| step.state == StepState::Failed)
    }
}

/// A fault belongs to the plan when a step of it failed.
impl Plan {
    /// Marks what was going on as failed because of the fault, unless the plan said itself which
    /// step it was.
    pub(super) fn fail(&mut self, fault: &Fault) {
        self.broken |= self.started.is_some() && self.done.is_none();
        if self.failed().is_some() {
            return;
        }
        for step in &mut self.steps {
            if step.state == StepState::Running {
                step.state = StepState::Failed;
                step.detail.clone_from(&fault.what);
            }
        }
    }
}
