//! When Flink takes a job's checkpoints: as Flink's REST says it of a job, or as the files of a lab
//! say it beforehand. What follows from it for failures that only a checkpoint shows, and what a
//! person should know who has an interval of minutes.

use crate::failure::{Failure, Hits, LONGEST, Seconds};
use crate::{Lab, options};
use flinklab_base::units;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Flink gives a checkpoint up after this long by default.
const TIMEOUT_MS: u64 = 600_000;
/// Between the trigger of a checkpoint that cannot be written and its failure.
const FAILS: SignedDuration = SignedDuration::from_secs(10);
/// An interval from which on a person should know that runs wait for it.
const LONG: SignedDuration = SignedDuration::from_secs(30);
/// The option, by its name since 1.15.
const INTERVAL: &str = "execution.checkpointing.interval";
/// Jobs of Flink's own examples that set their interval in their code, which wins over the option.
const IN_CODE: [(&str, u64); 1] = [(
    "org.apache.flink.streaming.examples.statemachine.StateMachineExample",
    2_000,
)];

/// When Flink takes a job's checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpointing {
    /// Milliseconds from one trigger to the next; none: only savepoints are taken.
    pub interval_ms: Option<u64>,
    /// Milliseconds from the end of one to the next trigger, at the least.
    #[serde(default)]
    pub min_pause_ms: u64,
    /// Milliseconds after which one is given up.
    pub timeout_ms: u64,
}

fn span(ms: u64) -> SignedDuration {
    i64::try_from(ms).map_or(SignedDuration::MAX, SignedDuration::from_millis)
}

impl Checkpointing {
    /// From one trigger to the next while all is well: a minimum pause that is longer than the
    /// interval takes its place. None where no checkpoint is taken.
    #[must_use]
    pub fn every(&self) -> Option<SignedDuration> {
        Some(span(self.interval_ms?.max(self.min_pause_ms)))
    }

    /// How long it takes at the most until a checkpoint is complete, from any moment on at which
    /// the job runs. None where no checkpoint is taken.
    #[must_use]
    pub fn longest(&self) -> Option<SignedDuration> {
        let ms = self.interval_ms?.saturating_add(self.min_pause_ms);
        Some(span(ms.saturating_add(self.timeout_ms)))
    }

    /// How often, in words: `every 10 min`.
    #[must_use]
    pub fn words(&self) -> String {
        match self.every() {
            Some(every) => format!("every {}", units::span(every)),
            None => "never by itself: checkpointing is off".to_owned(),
        }
    }
}

impl Failure {
    /// Whether only a checkpoint that is tried meanwhile shows it.
    #[must_use]
    pub fn shows_in_checkpoints(&self) -> bool {
        self.lasts.is_some() && self.hits == Hits::CheckpointFolder
    }

    /// The same on a job with such checkpoints: what only a checkpoint shows stays applied until
    /// one must have been tried, if that is not longer than anything may stay broken.
    #[must_use]
    pub fn fitted(&self, checkpointing: &Checkpointing) -> Self {
        let lasts = self.lasts.max(self.needs_to_last(checkpointing));
        Self {
            lasts,
            ..self.clone()
        }
    }

    /// Why it may show nothing on a job with such checkpoints, as a sentence; none where it does.
    #[must_use]
    pub fn pointless(&self, checkpointing: &Checkpointing) -> Option<String> {
        if !self.shows_in_checkpoints() {
            return None;
        }
        let Some(every) = checkpointing.every() else {
            return Some(format!(
                "`{}` shows itself in checkpoints that fail, and none is taken: checkpointing is off.",
                self.key
            ));
        };
        let lasts = self.fitted(checkpointing).lasts?;
        (lasts.span() < every).then(|| {
            format!(
                "`{}` shows itself in a checkpoint that fails. One is due every {}, and nothing may \
                 stay broken for longer than {LONGEST}: where none falls into it, the run is \
                 INCONCLUSIVE.",
                self.key,
                units::span(every)
            )
        })
    }

    /// How long it must stay applied, so that a checkpoint is tried in it; none where that does
    /// not matter or takes too long.
    fn needs_to_last(&self, checkpointing: &Checkpointing) -> Option<Seconds> {
        self.lasts.filter(|_| self.shows_in_checkpoints())?;
        let needed = checkpointing.every()?.saturating_add(FAILS);
        let needed = u32::try_from(needed.as_secs()).ok().map(Seconds)?;
        (needed <= LONGEST).then_some(needed)
    }
}

impl Lab {
    /// When checkpoints of its job are taken, as far as its files tell it. None where the job may
    /// say so itself, in code that nobody reads here.
    #[must_use]
    pub fn checkpointing(&self) -> Option<Checkpointing> {
        let options = self.flink_options();
        let ms = |name: &str| options.get(name).map(|value| milliseconds(value));
        let interval = match (self.interval_in_code(), ms(INTERVAL)) {
            (Some(in_code), _) => in_code,
            (None, set) => set??,
        };
        Some(Checkpointing {
            interval_ms: (interval > 0).then_some(interval),
            min_pause_ms: ms("execution.checkpointing.min-pause").unwrap_or(Some(0))?,
            timeout_ms: ms("execution.checkpointing.timeout").unwrap_or(Some(TIMEOUT_MS))?,
        })
    }

    fn interval_in_code(&self) -> Option<u64> {
        let known = IN_CODE.iter().find(|(class, _)| *class == self.job.class);
        known.map(|(_, ms)| *ms)
    }

    /// What follows from its checkpoint interval and is no mistake, each as a sentence.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let set = self.flink_options().remove(INTERVAL);
        if let (Some(in_code), Some(set)) = (self.interval_in_code(), set)
            && milliseconds(&set) != Some(in_code)
        {
            notes.push(format!(
                "The job sets its interval of {} in its code, which wins over `{INTERVAL}: {set}`.",
                units::span(span(in_code))
            ));
        }
        let Some(checkpointing) = self.checkpointing() else {
            return notes;
        };
        let Some(every) = checkpointing.every() else {
            notes.push(format!(
                "`{INTERVAL}` is 0: no checkpoint is taken, so `up` has none to wait for, and no \
                 failure can be proven."
            ));
            return notes;
        };
        if checkpointing.interval_ms.is_some_and(|ms| span(ms) < every) {
            notes.push(format!(
                "`execution.checkpointing.min-pause` is longer than the interval: checkpoints come \
                 every {}.",
                units::span(every)
            ));
        }
        if every >= LONG {
            notes.push(format!(
                "Checkpoints come every {}: `up` and each run wait for the next one.",
                units::span(every)
            ));
        }
        for failure in self.all_failures() {
            let fitted = failure.fitted(&checkpointing);
            if let (Some(usual), Some(lasts)) = (failure.lasts, fitted.lasts)
                && usual < lasts
            {
                notes.push(format!(
                    "`{}` lasts {lasts} here, not {usual}: a checkpoint has to fall into it.",
                    failure.key
                ));
            }
        }
        notes
    }

    /// Failures that may show nothing because of its checkpoint interval, each as a sentence.
    #[must_use]
    pub fn pointless(&self) -> Vec<String> {
        let Some(checkpointing) = self.checkpointing() else {
            return Vec::new();
        };
        let all = self.all_failures();
        let possible = all.iter().filter(|one| self.missing_for(one).is_none());
        possible
            .filter_map(|one| one.pointless(&checkpointing))
            .collect()
    }
}

/// What an option's value means.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it saturates
fn milliseconds(value: &str) -> Option<u64> {
    options::time(value).map(|ms| ms.round() as u64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::failure::find;

    fn with(interval: u64, pause: u64) -> Checkpointing {
        Checkpointing {
            interval_ms: Some(interval),
            min_pause_ms: pause,
            timeout_ms: TIMEOUT_MS,
        }
    }

    #[test]
    fn a_pause_that_is_longer_than_the_interval_takes_its_place() {
        let usual = with(60_000, 500);
        assert_eq!(usual.words(), "every 60 s");
        assert_eq!(usual.longest().unwrap().as_millis(), 660_500);
        assert_eq!(with(60_000, 300_000).words(), "every 5 min");
        let off = Checkpointing {
            interval_ms: None,
            ..usual
        };
        assert_eq!((off.every(), off.longest()), (None, None));
    }

    #[test]
    fn what_only_a_checkpoint_shows_lasts_until_one_was_due() {
        let lasts = |key: &str, interval| {
            let fitted = find(key).unwrap().fitted(&with(interval, 500));
            fitted.lasts.map(|lasts| lasts.0)
        };
        assert_eq!(lasts("checkpoint-unwritable", 2_000), Some(20));
        assert_eq!(lasts("checkpoint-unwritable", 60_000), Some(70));
        assert_eq!(lasts("checkpoint-unwritable", 180_000), Some(190));
        assert_eq!(lasts("checkpoint-unwritable", 600_000), Some(20));
        assert_eq!(lasts("api-outage", 600_000), Some(40));
        assert_eq!(lasts("jm-crash", 600_000), None);
    }

    #[test]
    fn a_failure_that_shows_nothing_says_why() {
        let unwritable = find("checkpoint-unwritable").unwrap();
        assert_eq!(unwritable.pointless(&with(180_000, 0)), None);
        let why = unwritable.pointless(&with(600_000, 0)).unwrap();
        assert!(why.contains("every 10 min"), "{why}");
        assert_eq!(find("jm-crash").unwrap().pointless(&with(600_000, 0)), None);
    }

    #[test]
    fn the_example_job_sets_its_interval_in_its_code() {
        let lab = Lab::open("default").unwrap();
        assert_eq!(lab.checkpointing(), Some(with(2_000, 500)));
        assert_eq!(lab.notes(), [""; 0]);
        assert_eq!(
            Lab::open("exactly").unwrap().checkpointing(),
            Some(with(2_000, 500))
        );
    }
}
