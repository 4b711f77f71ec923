//! Failures as data: what each one hits, does and undoes, and what must be seen afterwards.
//! Nothing here acts: what a step does is in the crate `verb`. The table itself is in `catalogue`; a lab's own entries are the same type.

mod catalogue;
mod check;
mod expect;

pub use catalogue::{CATALOGUE, find};
pub use check::{Fit, unfit};
pub use expect::{Counted, Expect, Leadership, Restarts, Restore, StatementName, Verdict};
pub use flinklab_verb::{Aftershock, Hits, Role, Seconds, Step, UndoneBy};

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// No failure stays applied for longer.
pub const LONGEST: Seconds = Seconds(300);

/// One way to break the lab. One entry of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Failure {
    /// Kebab-case, what a person types.
    pub key: Cow<'static, str>,
    /// A few words for lists.
    pub title: Cow<'static, str>,
    /// What happens inside, told to a learner.
    pub story: Cow<'static, str>,
    /// The one thing to take away.
    pub teaches: Cow<'static, str>,
    /// What the lab must have for it.
    #[serde(default)]
    pub needs: Cow<'static, [Need]>,
    /// What it hits.
    pub hits: Hits,
    /// In order, one after the other. What each of them needs as undo is known by its verb.
    pub steps: Cow<'static, [Step]>,
    /// How long it stays applied before it is undone, and the least that shows the effect. None:
    /// its steps are over at once, or are undone when the run is judged.
    #[serde(rename = "for", default)]
    pub lasts: Option<Seconds>,
    /// How long after its undo the job may still be disturbed by it. None: what its verbs
    /// say counts, see `Failure::aftershock`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aftershock: Option<Seconds>,
    /// What must be seen for PASS.
    pub expect: Expect,
}

/// What a lab must have so that a failure makes sense in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// A second JobManager.
    Standby,
    /// A worker node.
    Worker,
    /// State in files of its own, not inline in the metadata.
    StateFiles,
}

impl Failure {
    /// What takes the steps back, the newest first.
    pub fn undone_by(&self) -> impl Iterator<Item = &'static UndoneBy> {
        self.steps.iter().rev().map(|step| &step.facts().undone)
    }

    /// It leaves something that must be taken back by us.
    #[must_use]
    pub fn is_undone_by_us(&self) -> bool {
        self.steps.iter().any(|step| step.is_undone_by_us())
    }

    /// What may follow its undo; none where nothing stays applied.
    #[must_use]
    pub fn aftershock(&self) -> Option<Aftershock> {
        let lasts = self.lasts?;
        if let Some(seconds) = self.aftershock {
            return Some(Aftershock::Within(seconds));
        }
        let steps = self.steps.iter();
        steps
            .map(|step| step.aftershock(self.hits, lasts))
            .max_by_key(|one| one.longest())
    }
}
