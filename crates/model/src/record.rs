//! What is kept of a run beside its judgement: the failure's own words, the rhythm of checkpoints
//! before and after, who led, how the lease ended, and how long Kubernetes held containers back.
//! Enough to draw a run and to tell it to somebody who was not there; decides nothing.

use super::bounds::make_room;
use super::{Job, Run};
use flinklab_event::{Beat, CheckpointStatus, LeaseEnd, Led, PhaseName, Record, Withheld};
use jiff::Timestamp;

/// Checkpoints of before that are kept: enough to see the rhythm.
const RHYTHM: usize = 12;
/// Checkpoints of one run that are kept.
const BEATS: usize = 400;
/// Leaderships of one run that are kept.
const LEADERS: usize = 50;

/// The newest completed checkpoints, oldest first.
pub(super) fn rhythm(job: &Job) -> Vec<Beat> {
    let newest_first = job.checkpoints.values().rev();
    let mut beats: Vec<Beat> = newest_first
        .filter(|row| row.status == CheckpointStatus::Completed && !row.savepoint)
        .filter_map(|row| {
            Some(Beat {
                id: row.id,
                at: row.acknowledged?,
                took_ms: row.duration_ms,
                failed: false,
            })
        })
        .take(RHYTHM)
        .collect();
    beats.reverse();
    beats
}

impl Run {
    /// What is kept of this run.
    pub(super) fn record(&self, now: Timestamp) -> Record {
        let failure = &self.order.failure;
        let sent = self.seen.sent.as_ref();
        let sent = sent.map_or(self.before.at, |sent| sent.at);
        let since =
            |at: Timestamp| i64::try_from(at.duration_since(sent).as_millis()).unwrap_or(i64::MAX);
        let stretches = self.seen.held_back.iter().map(|held| Withheld {
            pod: held.pod.clone(),
            from_ms: since(held.from),
            to_ms: since(held.to.unwrap_or(now)),
        });
        Record {
            title: failure.title.to_string(),
            story: failure.story.to_string(),
            teaches: failure.teaches.to_string(),
            within: failure.expect.within.0,
            counted: Some(failure.expect.counted),
            checkpointing: self.before.checkpointing,
            lease: self.lease_end(),
            checkpoints: self.beats(),
            restores: self
                .restores()
                .map(|restored| (restored.id, since(restored.at)))
                .collect(),
            leaders: self.leaders(sent),
            held_back: stretches.filter(|held| held.to_ms > 0).collect(),
            until_ms: since(now),
        }
    }

    /// How the lease ended, once that is known.
    #[must_use]
    pub fn lease_end(&self) -> Option<LeaseEnd> {
        let over = self.reached(PhaseName::LeaseOver).is_some();
        match (self.moves() && over, self.seen.lease.end) {
            (false, _) => None,
            (true, Some(end)) => Some(end),
            (true, None) => Some(LeaseEnd::RanOut),
        }
    }

    fn beats(&self) -> Vec<Beat> {
        let mut beats = self.before.rhythm.clone();
        for (id, seen) in &self.seen.completed {
            let known = beats.iter().any(|beat| beat.id == *id);
            if let (Some(done), false) = (seen.done_at(), known) {
                beats.push(Beat {
                    id: *id,
                    at: done,
                    took_ms: seen.took_ms,
                    failed: false,
                });
            }
        }
        for (id, at) in &self.seen.failed {
            beats.push(Beat {
                id: *id,
                at: *at,
                took_ms: None,
                failed: true,
            });
        }
        beats.sort_by_key(|beat| (beat.at, beat.id));
        beats.drain(..beats.len().saturating_sub(BEATS));
        beats
    }

    fn leaders(&self, sent: Timestamp) -> Vec<Led> {
        let before = self.before.epoch.as_ref().map(|epoch| Led {
            epoch: epoch.clone(),
            pod: None,
            ms: None,
        });
        let since = self
            .seen
            .epochs
            .iter()
            .skip(self.seen.epochs.len().saturating_sub(LEADERS))
            .map(|(epoch, at)| Led {
                epoch: epoch.clone(),
                pod: self.seen.led_by.get(epoch).cloned(),
                ms: i64::try_from(at.duration_since(sent).as_millis()).ok(),
            });
        before
            .map(|mut led| {
                led.pod = self.seen.led_by.get(&led.epoch).cloned();
                led
            })
            .into_iter()
            .chain(since)
            .collect()
    }

    /// Notes since when containers are held back, and until when.
    pub(super) fn hold_back(&mut self, at: Timestamp) {
        let held = |uid: &String| {
            let pod = self.seen.pods.get(uid)?;
            let (why, _) = pod.waiting.as_ref()?;
            (why == "CrashLoopBackOff").then(|| pod.name.clone())
        };
        let now: Vec<(String, String)> = self
            .seen
            .pods
            .keys()
            .filter_map(|uid| Some((uid.clone(), held(uid)?)))
            .collect();
        for open in self
            .seen
            .held_back
            .iter_mut()
            .filter(|held| held.to.is_none())
        {
            if !now.iter().any(|(uid, _)| *uid == open.uid) {
                open.to = Some(at);
            }
        }
        for (uid, pod) in now {
            let mut open = self.seen.held_back.iter().filter(|held| held.to.is_none());
            if open.all(|held| held.uid != uid) {
                make_room(&mut self.seen.held_back, LEADERS, |_, _, _| false);
                self.seen.held_back.push(super::HeldBack {
                    uid,
                    pod,
                    from: at,
                    to: None,
                });
            }
        }
    }
}
