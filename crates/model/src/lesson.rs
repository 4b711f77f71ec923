//! A lesson that is gone through: which step, what was true when it began, what was seen since, and
//! whether that is what it is about. Pure: the same course is looked at in the terminal, in front of
//! a class and without a screen.

mod look;

use super::{Aim, Model};
use flinklab_base::fault::Fault;
use flinklab_event::JobOrder;
use flinklab_event::{JobAct, Kept};
use flinklab_lab::{Deed, Lesson, LessonStep};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How long a step may take that only looks.
const LOOKS: SignedDuration = SignedDuration::from_secs(60);
/// How long it may take until the lab is ready for a step that does something, and to judge it.
const SETTLES: SignedDuration = SignedDuration::from_secs(120);
/// How long something may take that is done with the job.
const JOB: SignedDuration = SignedDuration::from_secs(240);

/// The lab's lessons and how far a person got.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lessons {
    /// In their order.
    pub all: Vec<Lesson>,
    /// Why there are none, where their files are wrong.
    pub wrong: Option<Fault>,
    /// How far each was gone through, by key.
    pub kept: BTreeMap<String, Kept>,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Is {
    /// There is nothing to check: it is read.
    Reads,
    /// It is not all seen yet.
    #[default]
    Waits,
    /// All was seen. It stays so, whatever comes later.
    Holds,
    /// It was seen otherwise, or not in time.
    Misses,
}

/// One thing that a step is about, and what was seen of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// What must be seen.
    pub what: String,
    /// Whether it was; none: not yet.
    pub seen: Option<bool>,
    /// What was seen, in words.
    pub evidence: String,
}

/// What a step would do, asked for and not confirmed.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// Break something: pinned.
    Break(Box<Aim>),
    /// Do something with the job.
    Job(JobOrder),
}

/// A lesson that is gone through.
#[derive(Debug, Clone, PartialEq)]
pub struct LessonRun {
    /// Which one.
    pub lesson: Lesson,
    /// Which step, from 0.
    pub step: usize,
    /// When the step began.
    pub since: Timestamp,
    /// When what it does was begun.
    pub acted: Option<Timestamp>,
    /// What it would do, if it was asked for.
    pub asked: Option<Asked>,
    /// How it stands.
    pub is: Is,
    /// What must be seen, and what was.
    pub told: Vec<CheckResult>,
    /// Whether a step's deed was done or another step was turned to since it began.
    pub touched: bool,
    /// Why what it does was refused.
    pub refused: Option<String>,
    base: Base,
}

/// What was true when a step began.
#[derive(Debug, Clone, Default, PartialEq)]
struct Base {
    epoch: Option<String>,
    newest: Option<u64>,
    renewed: Option<Timestamp>,
    renewals: u32,
}

impl LessonRun {
    /// A lesson from that step on.
    #[must_use]
    pub fn new(lesson: &Lesson, step: usize, model: &Model) -> Self {
        let mut lesson_run = Self {
            lesson: lesson.clone(),
            step: 0,
            since: model.now,
            acted: None,
            asked: None,
            is: Is::Waits,
            told: Vec::new(),
            touched: false,
            refused: None,
            base: Base::default(),
        };
        lesson_run.turn(step, model);
        lesson_run
    }

    /// Begins a step, anew if it is the same one.
    pub fn turn(&mut self, step: usize, model: &Model) {
        self.step = step.min(self.lesson.steps.len().saturating_sub(1));
        self.since = model.now;
        (self.acted, self.asked, self.refused) = (None, None, None);
        (self.is, self.told) = (Is::Waits, Vec::new());
        self.base = Base {
            epoch: model.cluster.epoch().map(|epoch| epoch.id.clone()),
            newest: model.job.newest,
            renewed: model.cluster.lock().map(|lock| lock.renewed),
            renewals: 0,
        };
    }

    /// The step.
    #[must_use]
    pub fn now(&self) -> Option<&LessonStep> {
        self.lesson.steps.get(self.step)
    }

    /// Whether it is the last one.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.step + 1 >= self.lesson.steps.len()
    }

    /// How long it may take, from its beginning or from what it does.
    #[must_use]
    pub fn limit(&self, model: &Model) -> SignedDuration {
        let Some(step) = self.now() else {
            return LOOKS;
        };
        if let Some(within) = step.within {
            return within.span();
        }
        let failure = step.breaks.as_deref().and_then(|key| {
            let mut known = model.failures.iter();
            known.find(|failure| failure.key == key)
        });
        // Both wait for checkpoints, as often as these come.
        let every = model.job.interval().unwrap_or_default();
        match (failure, step.job) {
            (Some(failure), _) => {
                let going = model.run().map(|run| run.deadline());
                let going = going
                    .zip(self.acted)
                    .map(|(until, acted)| until.duration_since(acted));
                let failure = match &model.job.checkpointing {
                    Some(checkpointing) => failure.fitted(checkpointing),
                    None => failure.clone(),
                };
                let lasts = failure
                    .lasts
                    .map_or(SignedDuration::ZERO, |lasts| lasts.span());
                let echo = failure.aftershock().map_or(0, |shock| shock.longest().ms());
                let echo = SignedDuration::from_millis(echo);
                let usual = failure.expect.within.span() + lasts + echo + every;
                usual.max(going.unwrap_or_default()) + SETTLES
            }
            (None, Some(_)) => JOB + every,
            (None, None) => {
                let count = step.check.checkpoints.unwrap_or_default();
                LOOKS + every * i32::try_from(count).unwrap_or(i32::MAX)
            }
        }
    }

    /// Whether the step does something.
    fn acts(&self) -> bool {
        self.now()
            .is_some_and(|step| step.breaks.is_some() || step.job.is_some())
    }

    /// Whether the step does something, and it was not done yet.
    #[must_use]
    pub fn is_to_do(&self) -> bool {
        self.acts() && self.acted.is_none() && self.is != Is::Holds
    }

    /// What the step would do now, or why it cannot.
    pub fn would(&self, model: &Model) -> Option<Result<Asked, String>> {
        let step = self.now()?;
        if let Some(key) = &step.breaks {
            let known = model.failures.iter().find(|failure| failure.key == *key);
            let Some(failure) = known else {
                return Some(Err(format!("this lab has no failure {key}")));
            };
            let aim = model.aim(failure);
            return Some(match (&aim.target, aim.against.is_empty()) {
                (Err(why), _) => Err(why.clone()),
                (Ok(_), false) => Err(aim.against.join("; ")),
                (Ok(_), true) => Ok(Asked::Break(Box::new(aim))),
            });
        }
        let act = step.job.map(act)?;
        Some(match model.against_job(act) {
            Some(why) => Err(why),
            None => Ok(Asked::Job(JobOrder { act, from: None })),
        })
    }

    /// What is kept of it.
    #[must_use]
    pub fn kept(&self, before: Option<Kept>) -> Kept {
        let through = self.is_last() && matches!(self.is, Is::Holds | Is::Reads);
        Kept {
            step: self.step,
            done: through || before.is_some_and(|before| before.done),
        }
    }
}

/// What a lesson does with the job.
#[must_use]
pub const fn act(deed: Deed) -> JobAct {
    match deed {
        Deed::Savepoint => JobAct::Savepoint,
        Deed::Stop => JobAct::Stop,
        Deed::Cancel => JobAct::Cancel,
        Deed::Resume => JobAct::Resume,
        Deed::Resubmit => JobAct::Resubmit,
    }
}
