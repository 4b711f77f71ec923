//! When a run ends, whatever was seen, and what it waits for until then. Recovery is held against the
//! failure's budget; the checkpoint that proves it comes when the job's own settings say, which may
//! be minutes later and is nobody's fault.

use super::super::{Look, Run};
use flinklab_base::units;
use flinklab_lab::Checkpointing;
use flinklab_lab::failure::Counted;
use jiff::{SignedDuration, Timestamp};

/// How long after its time budget a run is watched on: a late recovery is worth its figure.
const WATCHED_ON: SignedDuration = SignedDuration::from_secs(30);
/// How long a break may take to be sent.
const UNSENT: SignedDuration = SignedDuration::from_secs(60);
/// A checkpoint that is complete is seen within so long.
const SEEN: SignedDuration = SignedDuration::from_secs(5);
/// A wait that is longer than this is told.
const TOLD: SignedDuration = SignedDuration::from_secs(5);

/// What a run waits for, beside what its budget is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// What the undo may still do to the job.
    Aftershock(String),
    /// The next checkpoint.
    Checkpoint {
        /// When the job's checkpoints are taken.
        checkpointing: Checkpointing,
        /// When it is complete at the latest.
        by: Timestamp,
    },
}

impl Wait {
    /// In words, with moments as that clock writes them.
    #[must_use]
    pub fn words(&self, clock: impl Fn(Timestamp) -> String) -> String {
        match self {
            Self::Aftershock(words) => words.clone(),
            Self::Checkpoint { checkpointing, by } => format!(
                "waiting for the next checkpoint: {}, by {} at the latest",
                checkpointing.words(),
                clock(*by)
            ),
        }
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

impl Run {
    /// When the run ends, whatever was seen.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        let recovery = self.recovery_deadline();
        if self.before.checkpointing.is_none() {
            return recovery;
        }
        // Other witnesses tell of a checkpoint a little later than the first one does.
        let proven = self.over().map(|over| later(over, WATCHED_ON));
        let proof = proven.or_else(|| self.proof_due().map(|due| later(due, SEEN)));
        proof.map_or(recovery, |proof| proof.max(recovery))
    }

    /// Until when tasks that are away are waited for.
    fn recovery_deadline(&self) -> Timestamp {
        let Some(sent) = &self.seen.sent else {
            return later(self.before.at, UNSENT);
        };
        let failure = &self.order.failure;
        let budget = failure.expect.within.span() + WATCHED_ON;
        let lasts = failure
            .lasts
            .map_or(SignedDuration::ZERO, |lasts| lasts.span());
        let undone = self.undone_at();
        let undone = undone.unwrap_or_else(|| later(sent.at, lasts));
        let watched = self.aftershock_span() + WATCHED_ON;
        match failure.expect.counted {
            Counted::Undone => later(undone, budget.max(watched)),
            // What is undone late is watched on as well.
            Counted::Break => {
                let undone = later(undone, watched);
                let sleeps = self.sleeps().unwrap_or_default();
                let budget = budget + sleeps;
                later(sent.at, budget.max(undone.duration_since(sent.at) + sleeps))
            }
        }
    }

    /// Since when only a checkpoint is missing: the tasks run, and nothing that was done can still
    /// disturb them. None while that is open, or where they do not run.
    pub(super) fn proof_since(&self) -> Option<Timestamp> {
        let sent = self.seen.sent.as_ref()?.at;
        let runs = self.newest_look().is_some_and(Look::all_run);
        let ran = if self.will_restart() {
            self.recovered()?.at
        } else {
            runs.then_some(sent)?
        };
        if self.order.failure.lasts.is_none() {
            return Some(ran);
        }
        let last = self.restores().last().map(|restored| restored.at);
        Some(self.quiet_from()?.max(ran).max(last.unwrap_or(ran)))
    }

    /// By when that checkpoint is complete, by the job's own settings. None where nothing tells.
    pub(super) fn proof_due(&self) -> Option<Timestamp> {
        let longest = self.before.checkpointing?.longest()?;
        Some(later(self.proof_since()?, longest))
    }

    /// What is waited for, where that takes long enough to be told.
    #[must_use]
    pub fn awaits(&self, now: Timestamp) -> Option<Wait> {
        if let Some(words) = self.aftershock_words(now) {
            return Some(Wait::Aftershock(words));
        }
        let checkpointing = self.before.checkpointing?;
        let (since, by) = (self.proof_since()?, self.proof_due()?);
        let seldom = checkpointing.every().is_some_and(|every| every > TOLD);
        let long = seldom || now.duration_since(since) > TOLD;
        let waits = self.over().is_none() && since <= now && now <= by;
        (waits && long).then_some(Wait::Checkpoint { checkpointing, by })
    }

    /// Why a failure that only a checkpoint shows showed nothing: none was tried while it was
    /// applied.
    pub(super) fn showed_nothing(&self) -> Option<String> {
        let failure = &self.order.failure;
        let checkpointing = self.before.checkpointing?;
        if !failure.shows_in_checkpoints() || self.seen.failed_more() {
            return None;
        }
        // The last one to fail may be told of after the undo.
        let told = later(self.undone_at()?, SEEN);
        (self.seen.until? > told).then(|| {
            format!(
                "no checkpoint failed while it was applied: one is taken {}",
                checkpointing.words()
            )
        })
    }
}

/// How long something is allowed to take by the settings, in words.
pub(super) fn allowed(checkpointing: &Checkpointing) -> String {
    let longest = checkpointing.longest().unwrap_or_default();
    format!(
        "{}, {} allowed",
        checkpointing.words(),
        units::span(longest)
    )
}
