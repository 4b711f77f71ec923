//! The steps of `up`, `down` and the like, as they are reported.

use flinklab_base::advice::Advice;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long a plan of one kind took on this machine before: medians of earlier runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// Seconds from the start of the plan to the end of each step.
    pub ends: BTreeMap<String, f64>,
    /// Seconds in all.
    pub seconds: f64,
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
        notes: Vec<Advice>,
    },
    /// The cluster is stopped and kept.
    Stop {
        /// Seconds from the start of the command.
        seconds: f64,
        /// Node containers that ran until now.
        stopped: Vec<String>,
    },
    /// Everything that `up` would pull is in one file.
    Bundled {
        /// Seconds from the start of the command.
        seconds: f64,
        /// The file.
        file: String,
        /// Its size.
        bytes: u64,
        /// The lab's name.
        lab: String,
        /// Names of the images in it.
        images: Vec<String>,
    },
    /// What a bundle holds is there.
    Unbundled {
        /// Seconds from the start of the command.
        seconds: f64,
        /// Images that Docker has now.
        loaded: Vec<String>,
        /// Images that it had already.
        there: Vec<String>,
        /// The lab's name.
        lab: String,
        /// Where its files are, unless this program has them built in.
        folder: Option<String>,
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
