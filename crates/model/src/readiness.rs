//! Whether the lab is ready to be broken: all that would have a break refused, or would make its
//! result worth nothing, in a few words each. Whom it would hit is found in `aim`.

use super::{BreakState, Model};
use flinklab_base::units::lasted;
use jiff::{SignedDuration, Timestamp};

/// An answer of Flink older than this says nothing about now: five of its slowest rounds.
const FRESH: SignedDuration = SignedDuration::from_secs(5);
/// What we learn of a checkpoint may be this old when nothing is wrong: one calm round.
const LEARNT: SignedDuration = SignedDuration::from_millis(1500);
/// A hand says within this time that it begins, or why it cannot.
const UNANSWERED: SignedDuration = SignedDuration::from_secs(60);

impl Model {
    /// What speaks against a break now, each in a few words. Empty: the lab is ready.
    pub(super) fn against(&self) -> Vec<String> {
        let mut against = Vec::new();
        match &self.breaking {
            BreakState::Observing { run, .. } => {
                against.push(format!("the run {} is still observed", run.order.run));
            }
            BreakState::TakingBack { run } => {
                against.push(format!("the run {run} is judged and not taken back yet"));
            }
            BreakState::Fired { at, run } if self.now.duration_since(*at) < UNANSWERED => {
                against.push(format!("the run {run} was fired just now"));
            }
            BreakState::Fired { .. } | BreakState::Idle => {}
        }
        let observed = self.run().map(|run| &run.order.run);
        for left in &self.active_failures {
            if Some(&left.run) != observed {
                against.push(format!("{} is still applied: {}", left.failure, left.what));
            }
        }
        let ours = self.lab.as_ref().and_then(|lab| lab.job.as_deref());
        match self.job.row(ours) {
            Some(row) if row.all_run() => {}
            Some(row) => against.push(format!(
                "the job is {}, {} of {} tasks run",
                row.state, row.tasks.running, row.tasks.total
            )),
            None => against.push("the job was not seen running".to_owned()),
        }
        let answered = self.job.good.as_ref().map(|(at, _)| *at);
        if let Some(age) = answered.map(|at| self.now.duration_since(at))
            && age > FRESH
        {
            against.push(format!(
                "Flink has not answered for {}",
                lasted(age.as_secs_f64())
            ));
        }
        against.extend(self.checkpoint_too_old());
        // What was named above is the better word for it.
        if against.is_empty() && !self.healthy() {
            let health = self.health();
            let reason = match health.reason.as_str() {
                "" => String::new(),
                reason => format!(", {reason}"),
            };
            against.push(format!("the lab is {}{reason}", health.word.text()));
        }
        against
    }

    /// A break needs something to come back to: the newest checkpoint, not older than two
    /// intervals.
    fn checkpoint_too_old(&self) -> Option<String> {
        let settings = self.job.checkpointing;
        if settings.is_some_and(|settings| settings.every().is_none()) {
            return Some("the job takes no checkpoints: checkpointing is off".to_owned());
        }
        let seldom = settings.filter(|it| it.every() > Some(LEARNT * 2));
        let Some((_, Some(done))) = self.newest_completed() else {
            return Some(match seldom {
                Some(seldom) => format!(
                    "no checkpoint has completed yet: one is due {}",
                    seldom.words()
                ),
                None => "no checkpoint has completed yet".to_owned(),
            });
        };
        let age = self.now.duration_since(done);
        let limit = self.checkpoint_interval() * 2 + LEARNT;
        (age > limit).then(|| {
            let old = age.as_secs();
            match seldom {
                Some(seldom) => format!(
                    "the newest checkpoint is {old} s old, and one is due {}",
                    seldom.words()
                ),
                None => format!("the newest checkpoint is {old} s old, more than two intervals"),
            }
        })
    }

    /// The newest completed checkpoint and since when it is: by REST, or by the pointers where they
    /// are ahead of it. A pointer is written once a checkpoint is complete, and is watched; REST tells
    /// the same with the next sample.
    #[must_use]
    pub fn newest_completed(&self) -> Option<(u64, Option<Timestamp>)> {
        let told = self.job.newest().map(|row| (row.id, row.at()));
        let map = self.cluster.job_map.as_ref();
        let pointed = map.and_then(|(at, map)| Some((map.newest()?, Some(*at))));
        let ahead = pointed.filter(|(id, _)| told.is_some_and(|(told, _)| *id > told));
        ahead.or(told)
    }
}
