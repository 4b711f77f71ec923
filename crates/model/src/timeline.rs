//! When each phase of a run was reached, worked out from the evidence. Knows the traps: an answer
//! that was asked for before the restore proves nothing, whoever gave it, and tasks that run for a
//! moment before the job falls again have not recovered.

use super::lease::ran_out;
use super::{Completed, Look, Run, Stamp};
use flinklab_event::{Phase, PhaseName, Restored};
use jiff::{SignedDuration, Timestamp};

/// The first leader key is written up to about 0.1 s after the grant, and the watch tells then.
const EPOCH_MS: u32 = 150;
/// A pointer is written within some tens of milliseconds, and the watch tells then.
const POINTER_MS: u32 = 50;
/// The kubelet starts a hook some moments after the deletion.
const HOOK_MS: u32 = 1000;
const HOOK: SignedDuration = SignedDuration::from_millis(1000);
/// Between the last acknowledgement and the end of a checkpoint lies the writing of its metadata.
const ACKNOWLEDGED_MS: u32 = 250;
/// A pointer that is seen so long after the acknowledgement was seen late.
const LATE: SignedDuration = SignedDuration::from_millis(1000);

impl Run {
    /// The phases reached until `now`, in order of time. Empty until it is known when the failure
    /// was sent.
    pub(super) fn timeline(&self, now: Timestamp) -> Vec<Phase> {
        let Some(sent) = &self.seen.sent else {
            return Vec::new();
        };
        let moves = self.moves();
        let epoch = self.epoch();
        let lease_over = moves.then(|| self.lease_over(now)).flatten();
        let answers = moves.then(|| self.rest_answers()).flatten();
        let reached = [
            (PhaseName::Sent, Some(sent.clone())),
            (PhaseName::Signalled, self.signalled(now)),
            (PhaseName::ProcessGone, self.seen.gone.clone()),
            (PhaseName::LeaseOver, lease_over),
            (
                PhaseName::NewEpoch,
                epoch.map(|(_, at)| stamp(at, "watch of the leader keys", EPOCH_MS)),
            ),
            (PhaseName::RestAnswers, answers),
            (
                PhaseName::JobRecovered,
                self.restore()
                    .map(|restored| stamp(restored.at, "Flink REST: restore_timestamp", 1)),
            ),
            (PhaseName::TasksRunning, self.recovered()),
            (PhaseName::Undone, self.seen.undone.clone()),
            (
                PhaseName::NextCheckpoint,
                self.next_checkpoint().map(|(_, stamp)| stamp),
            ),
        ];
        let mut phases: Vec<Phase> = reached
            .into_iter()
            .filter_map(|(name, stamp)| Some((name, stamp?)))
            .map(|(name, stamp)| Phase {
                name,
                ms: milliseconds(sent.at, stamp.at),
                at: stamp.at,
                observer: stamp.observer,
                resolution_ms: stamp.resolution_ms,
            })
            .collect();
        phases.sort_by_key(|phase| (phase.at, phase.name));
        phases
    }

    /// How long the pod that is deleted sleeps before it gets SIGTERM, by its own preStop hook. Only
    /// the way over the kubelet leads past it: who signals the process itself does not wait.
    #[must_use]
    pub fn sleeps(&self) -> Option<SignedDuration> {
        let mut steps = self.order.failure.steps.iter();
        steps.find(|step| step.ends_by_kubelet())?;
        let target = &self.order.target.uid;
        let pod = self.before.pods.iter().find(|pod| pod.uid == *target)?;
        pod.detail
            .sleeps
            .map(|seconds| SignedDuration::from_secs(seconds.into()))
    }

    /// When the sleep was over. Nobody tells of it; a process that ended earlier was not asked to.
    fn signalled(&self, now: Timestamp) -> Option<Stamp> {
        let sent = self.seen.sent.as_ref()?.at;
        let at = sent
            .saturating_add(self.sleeps()?)
            .unwrap_or(Timestamp::MAX);
        let gone = self.seen.gone.as_ref().map(|gone| gone.at);
        let kept = gone.is_none_or(|gone| gone.saturating_add(HOOK).unwrap_or(gone) >= at);
        let at = gone.map_or(at, |gone| gone.min(at));
        (kept && at <= now).then(|| stamp(at, "the pod's preStop sleep, added up", HOOK_MS))
    }

    /// Milliseconds from the break until all tasks ran again, and stayed so until a checkpoint.
    #[must_use]
    pub fn recovery_ms(&self) -> Option<i64> {
        let sent = self.seen.sent.as_ref()?;
        Some(milliseconds(sent.at, self.recovered()?.at))
    }

    /// The first epoch that began after the failure was sent.
    pub(super) fn epoch(&self) -> Option<(&str, Timestamp)> {
        let sent = self.seen.sent.as_ref()?.at;
        let mut since = self.seen.epochs.iter().filter(|(_, at)| *at >= sent);
        since.next().map(|(epoch, at)| (epoch.as_str(), *at))
    }

    fn lease_over(&self, now: Timestamp) -> Option<Stamp> {
        let lease = &self.seen.lease;
        let over = lease.over.clone().or_else(|| {
            let ends = lease.ends()?;
            (ends <= now).then(|| ran_out(ends))
        })?;
        let sent = self.seen.sent.as_ref()?.at;
        (over.at >= sent).then_some(over)
    }

    fn rest_answers(&self) -> Option<Stamp> {
        let (_, began) = self.epoch()?;
        let first = self
            .seen
            .looks
            .iter()
            .find(|look| look.asked >= began && look.job.is_some())?;
        Some(arrival(first, "Flink REST: the job is listed"))
    }

    /// Restores that the failure can have caused: the failure was sent before, and so it was with
    /// another leader's memory, which may show up late.
    pub(super) fn restores(&self) -> impl Iterator<Item = &Restored> {
        let sent = self.seen.sent.as_ref().map(|sent| sent.at);
        let since = self.seen.restores.iter();
        since.filter(move |restored| sent.is_some_and(|sent| restored.at > sent))
    }

    /// The restore that led to the next checkpoint; the newest one as long as there is none. A job
    /// may restart several times before it gets all of its slots.
    pub(super) fn restore(&self) -> Option<&Restored> {
        let next = self.next_checkpoint().map(|(_, stamp)| stamp.at);
        self.restores()
            .take_while(|restored| next.is_none_or(|next| restored.at <= next))
            .last()
    }

    /// When all tasks were first seen running after the restore.
    pub(super) fn recovered(&self) -> Option<Stamp> {
        let look = self.recovered_look()?;
        Some(arrival(look, "Flink REST: all tasks RUNNING"))
    }

    /// The first look that shows recovery. It was asked for after the restore; with another leader
    /// expected, also after that one began, and it cannot come from the old one, which may go on
    /// showing what it remembers: that one is gone, or the answer tells of the restore itself.
    pub(super) fn recovered_look(&self) -> Option<&Look> {
        let moves = self.moves();
        let began = if moves { Some(self.epoch()?.1) } else { None };
        let gone = self.seen.gone.as_ref().map(|gone| gone.at);
        let Some(restored) = self.restore().map(|restored| restored.at) else {
            // It runs again, although without its state: that is judged elsewhere.
            let lost = self.began_from_nothing();
            let mut looks = self.seen.looks.iter().filter(|_| lost);
            return looks.find(|look| {
                let own =
                    look.restored == Some(None) && look.since.is_none_or(|at| Some(at) >= began);
                look.all_run() && Some(look.asked) >= began && own
            });
        };
        self.seen
            .looks
            .iter()
            .filter(|look| {
                look.all_run()
                    && look.asked >= restored
                    && began.is_none_or(|began| look.asked >= began)
            })
            .find(|look| {
                !moves
                    || gone.is_some_and(|gone| look.asked >= gone)
                    || look.restored == Some(Some(restored))
            })
    }

    /// The first checkpoint that began after the restore and completed; where no restore is
    /// expected, that began after the failure was sent.
    pub(super) fn next_checkpoint(&self) -> Option<(u64, Stamp)> {
        let sent = self.seen.sent.as_ref()?.at;
        // What stays applied may let one more through before it has its effect.
        let over = match self.order.failure.lasts {
            Some(_) => self.seen.undone.as_ref().map(|undone| undone.at),
            None => Some(sent),
        };
        let will_restart = self.will_restart();
        let lost = will_restart && self.began_from_nothing();
        let mut next: Option<(u64, Stamp)> = None;
        for (id, seen) in &self.seen.completed {
            let Some(done) = seen.done() else { continue };
            let began = seen.triggered.unwrap_or(done.at);
            let new = match (will_restart, lost) {
                (false, _) => over.is_some_and(|over| began >= over),
                (true, true) => self.epoch().is_some_and(|(_, epoch)| began >= epoch),
                (true, false) => self
                    .restores()
                    .any(|restored| began >= restored.at && *id > restored.id),
            };
            if new && next.as_ref().is_none_or(|(_, known)| done.at < known.at) {
                next = Some((*id, done));
            }
        }
        next
    }

    /// When the first checkpoint that began after a moment was complete.
    pub(super) fn completed_since(&self, moment: Timestamp) -> Option<Timestamp> {
        let seen = self.seen.completed.values();
        seen.filter_map(|seen| {
            let done = seen.done()?.at;
            (seen.triggered.unwrap_or(done) >= moment).then_some(done)
        })
        .min()
    }

    /// The newest checkpoint that is known to have completed before a moment.
    pub(super) fn newest_before(&self, moment: Timestamp) -> Option<u64> {
        let since = self.seen.completed.iter();
        let since = since.filter(|(_, seen)| seen.known_before(moment));
        since.map(|(id, _)| *id).max().max(self.before.checkpoint)
    }

    /// The highest id that completed before the next checkpoint did.
    pub(super) fn highest_but(&self, next: u64, moment: Timestamp) -> Option<u64> {
        let own = self.seen.completed.get(&next);
        let others = self.seen.completed.iter().filter(|(id, _)| **id != next);
        // What was triggered later cannot have come before, whichever of its stamps was quicker.
        let later = |seen: &Completed| {
            let both = own.and_then(|own| seen.triggered.zip(own.triggered));
            both.is_some_and(|(seen, own)| seen > own)
        };
        let others = others.filter(|(_, seen)| seen.known_before(moment) && !later(seen));
        others.map(|(id, _)| *id).max().max(self.before.checkpoint)
    }
}

impl Look {
    /// It was given after that checkpoint was complete, and not out of an old memory.
    pub(super) fn knows_of(&self, checkpoint: u64) -> bool {
        self.completed.is_some_and(|newest| newest >= checkpoint)
    }

    /// Our job is RUNNING, and every task of it is.
    #[must_use]
    pub fn all_run(&self) -> bool {
        self.job.as_ref().is_some_and(|(state, running, total)| {
            state == "RUNNING" && *total > 0 && running == total
        })
    }
}

impl Completed {
    fn known_before(&self, moment: Timestamp) -> bool {
        let done = self.acknowledged.into_iter().chain(self.pointed).min();
        done.is_some_and(|done| done < moment)
    }

    /// When it was complete.
    pub(super) fn done_at(&self) -> Option<Timestamp> {
        self.done().map(|stamp| stamp.at)
    }

    /// When it was complete, by the better witness: the pointer's watch event, unless that came
    /// late, as after a gap in the watch.
    fn done(&self) -> Option<Stamp> {
        let pointed = |at| stamp(at, "watch of the job's pointers", POINTER_MS);
        let acknowledged = |at| stamp(at, "Flink REST: latest_ack_timestamp", ACKNOWLEDGED_MS);
        match (self.pointed, self.acknowledged) {
            (Some(at), Some(last)) if at.duration_since(last) > LATE => Some(acknowledged(last)),
            (Some(at), _) => Some(pointed(at)),
            (None, Some(last)) => Some(acknowledged(last)),
            (None, None) => None,
        }
    }
}

/// When a look showed something that the question before it could not show yet.
fn arrival(look: &Look, observer: &str) -> Stamp {
    let after = look.after.unwrap_or(look.asked).min(look.asked);
    let gap = milliseconds(after, look.done).max(1);
    stamp(look.done, observer, u32::try_from(gap).unwrap_or(u32::MAX))
}

fn stamp(at: Timestamp, observer: &str, resolution_ms: u32) -> Stamp {
    Stamp {
        at,
        observer: observer.to_owned(),
        resolution_ms,
    }
}

fn milliseconds(from: Timestamp, to: Timestamp) -> i64 {
    i64::try_from(to.duration_since(from).as_millis()).unwrap_or(i64::MAX)
}
