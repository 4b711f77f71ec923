//! Everything that can be asked of the world. Each effect owns all data it needs.

use super::{JobOrder, Kept, Note, RunResult, Target};
use flinklab_lab::failure::Failure;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything that can be asked of the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Open the lab of our name: answers `Lab` and `Failures`, or `NoLab`.
    Open,
    /// Build or finish the lab.
    Up(UpOrder),
    /// Stop the cluster and keep it.
    Stop,
    /// Put all that a lab needs into a file, or take it from there.
    Bundle(BundleOrder),
    /// Remove the lab.
    Down(DownOrder),
    /// Find out what may stand in the way of a lab.
    Doctor(DoctorOrder),
    /// Follow pods, config maps, events, REST, disk and logs until the program ends.
    Watch,
    /// Ask Flink at this pace from now on.
    PollMode(PollMode),
    /// Look more closely from now on, or no more.
    Attend(DetailLevel),
    /// Ask for what the pod's container said before its newest restart.
    Previous(PodRef),
    /// Hit the target.
    Break(Box<BreakOrder>),
    /// Look at all that can be done with the job: answers `Jobs`.
    Jobs,
    /// Write down how far a lesson was gone through.
    KeepLesson {
        /// Which one.
        key: String,
        /// How far.
        kept: Kept,
    },
    /// Let the second terminal of the one who speaks come in.
    Serve,
    /// Tell it what changed.
    Note(Box<Note>),
    /// Listen to the terminal that shows the lab: answers `Note`, or `Failed`.
    Listen,
    /// Savepoint, stop, cancel, resume, start anew. The person was asked already.
    Job(JobOrder),
    /// Take back everything that is applied, whoever applied it.
    Heal,
    /// Take back what was applied by processes that are gone.
    Mend,
    /// Write a finished run to its folder.
    Save(Box<RunResult>),
}

/// Which effect something is about that is said later: an order without what it carries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectKind {
    /// It was written before events carried it, and may be any.
    #[default]
    Unknown,
    /// `Effect::Open`
    Open,
    /// `Effect::Up`
    Up,
    /// `Effect::Stop`
    Stop,
    /// `Effect::Bundle`
    Bundle,
    /// `Effect::Down`
    Down,
    /// `Effect::Doctor`
    Doctor,
    /// `Effect::Watch`
    Watch,
    /// `Effect::PollMode`, `Attend` and `Note`: these only set something.
    Set,
    /// `Effect::Previous`
    Previous,
    /// `Effect::Break`
    Break {
        /// The run's name.
        run: String,
        /// The failure's key.
        failure: String,
    },
    /// `Effect::Jobs`
    Jobs,
    /// `Effect::KeepLesson`
    KeepLesson,
    /// `Effect::Serve`
    Serve,
    /// `Effect::Listen`
    Listen,
    /// `Effect::Job`
    Job,
    /// `Effect::Heal`
    Heal,
    /// `Effect::Mend`
    Mend,
    /// `Effect::Save`
    Save {
        /// The run's name.
        run: String,
    },
}

impl EffectKind {
    /// Whether its steps are those of the plan, which fails with it.
    #[must_use]
    pub const fn has_a_plan(&self) -> bool {
        matches!(
            self,
            Self::Unknown | Self::Up | Self::Stop | Self::Bundle | Self::Down
        )
    }
}

impl BreakOrder {
    /// What is said later about this break.
    #[must_use]
    pub fn kind(&self) -> EffectKind {
        EffectKind::Break {
            run: self.run.clone(),
            failure: self.failure.key.to_string(),
        }
    }
}

impl Effect {
    /// What is said later about this effect.
    #[must_use]
    pub fn kind(&self) -> EffectKind {
        match self {
            Self::Open => EffectKind::Open,
            Self::Up(_) => EffectKind::Up,
            Self::Stop => EffectKind::Stop,
            Self::Bundle(_) => EffectKind::Bundle,
            Self::Down(_) => EffectKind::Down,
            Self::Doctor(_) => EffectKind::Doctor,
            Self::Watch => EffectKind::Watch,
            Self::PollMode(_) | Self::Attend(_) | Self::Note(_) => EffectKind::Set,
            Self::Previous(_) => EffectKind::Previous,
            Self::Break(order) => order.kind(),
            Self::Jobs => EffectKind::Jobs,
            Self::KeepLesson { .. } => EffectKind::KeepLesson,
            Self::Serve => EffectKind::Serve,
            Self::Listen => EffectKind::Listen,
            Self::Job(_) => EffectKind::Job,
            Self::Heal => EffectKind::Heal,
            Self::Mend => EffectKind::Mend,
            Self::Save(result) => EffectKind::Save {
                run: result.run.clone(),
            },
        }
    }

    /// Whether it changes something outside, which nothing does in a recording.
    #[must_use]
    pub const fn acts(&self) -> bool {
        match self {
            Self::Up(_)
            | Self::Down(_)
            | Self::Stop
            | Self::Bundle(_)
            | Self::Break(_)
            | Self::Job(_)
            | Self::Heal
            | Self::Mend
            | Self::Doctor(_) => true,
            Self::Open
            | Self::Watch
            | Self::PollMode(_)
            | Self::Attend(_)
            | Self::Previous(_)
            | Self::Jobs
            | Self::Serve
            | Self::Note(_)
            | Self::Listen
            | Self::KeepLesson { .. }
            | Self::Save(_) => false,
        }
    }
}

/// What is to be done with a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleOrder {
    /// Make one.
    Create {
        /// The file, which must not exist.
        file: PathBuf,
    },
    /// Take one in.
    Load {
        /// The file.
        file: PathBuf,
        /// Where the lab's files go; None: nowhere if the lab is built in, else a folder named
        /// after it.
        folder: Option<PathBuf>,
    },
}

/// How often Flink's REST is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PollMode {
    /// All is well.
    #[default]
    Calm,
    /// From any sign of trouble until five good samples.
    Trouble,
}

/// What is looked at more closely than usual, because somebody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DetailLevel {
    /// Nothing.
    #[default]
    Usual,
    /// The job's vertices and exceptions.
    Job,
    /// What programs print: every line as it comes.
    Output,
}

/// One pod, pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRef {
    /// Kubernetes' own identity.
    pub uid: String,
    /// Its name.
    pub name: String,
}

/// What `up` was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpOrder {
    /// Start from the newest retained checkpoint.
    pub resume: bool,
    /// Fetch what the lab takes from elsewhere. The person was asked already.
    pub fetch: bool,
    /// Give up after this long; none: only where a step itself gives up.
    pub within: Option<std::time::Duration>,
}

/// What `doctor` was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DoctorOrder {
    /// Fix what is safe.
    pub fix: bool,
    /// Only what this machine knows at once.
    pub quick: bool,
}

/// What `down` was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DownOrder {
    /// Remove the data too. The person was asked already.
    pub purge: bool,
    /// What becomes of a cluster that kind's own command made.
    pub adopted: Adopted,
}

/// What becomes of a cluster that we took over and did not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adopted {
    /// It is not touched: `down` fails and says so.
    #[default]
    Kept,
    /// It goes like one of ours. The person was asked already.
    Removed,
}

/// One failure, aimed.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakOrder {
    /// Name of the run and of its folder.
    pub run: String,
    /// What to do.
    pub failure: Failure,
    /// To whom. Pinned: another uid under the same name is not hit.
    pub target: Target,
    /// It is taken back before the time that the entry needs: nothing can be proven then.
    pub short: bool,
}
