//! Whether a step's check holds on the lab as it is seen: each word of it by itself, with what was
//! seen. What was not seen is never taken for seen.

use super::{CheckResult, Is, LessonRun, act};
use crate::{BreakState, Model, Refusal};
use flinklab_base::units;
use flinklab_event::{CheckpointStatus, JobDone, PhaseName, RunResult};
use flinklab_lab::failure::{Leadership, Restore, Seconds};
use flinklab_lab::{Check, There};

impl LessonRun {
    /// Looks at the lab. A step that held once goes on holding: the lab moves on, the lesson has
    /// made its point.
    pub fn look(&mut self, model: &Model) {
        let renewed = model.cluster.lock().map(|lock| lock.renewed);
        if renewed > self.base.renewed {
            // the first look at a lease is no renewal
            self.base.renewals += u32::from(self.base.renewed.is_some());
            self.base.renewed = renewed;
        }
        // a step may begin before anything was seen: what is seen first is what was there
        let epoch = || model.cluster.epoch().map(|epoch| epoch.id.clone());
        self.base.epoch = self.base.epoch.take().or_else(epoch);
        self.base.newest = self.base.newest.or(model.job.newest);
        let Some(step) = self.now().cloned() else {
            return;
        };
        self.notice_act(model);
        if step.check.is_empty() {
            self.is = Is::Reads;
            return;
        }
        if self.is == Is::Holds {
            return;
        }
        self.told = self.seen(&step.check, model);
        let all = self.told.iter().all(|told| told.seen == Some(true));
        let otherwise = self.told.iter().any(|told| told.seen == Some(false));
        self.is = match (
            all,
            otherwise || self.refused.is_some() || self.is_late(model),
        ) {
            (true, _) => Is::Holds,
            (false, true) => Is::Misses,
            (false, false) => Is::Waits,
        };
    }

    /// Whether its time is over. A step that does something has all the time until it does.
    fn is_late(&self, model: &Model) -> bool {
        let from = match (self.acts(), self.acted) {
            (true, None) => return false,
            (_, Some(acted)) => acted,
            (false, None) => self.since,
        };
        model.now.duration_since(from) > self.limit(model)
    }

    /// What the step does may be done here, on another page or in another terminal.
    fn notice_act(&mut self, model: &Model) {
        let Some(step) = self.now() else { return };
        let (breaks, job) = (step.breaks.clone(), step.job.map(act));
        if let Some(key) = &breaks {
            let going = model.run().filter(|run| run.order.failure.key == *key);
            if going.is_some() || self.run(model).is_some() {
                self.acted.get_or_insert(model.now);
            }
            // it was begun, nothing goes on, and no run came of it
            let own = |refusal: &&Refusal| {
                let same = refusal.failure.as_ref().is_none_or(|own| own == key);
                same && Some(refusal.at) >= self.acted
            };
            let refusal = model.refused.as_ref().filter(own);
            if let (Some(_), Some(refusal), None) = (self.acted, refusal, self.run(model))
                && model.run().is_none()
                && !matches!(model.breaking, BreakState::Fired { .. })
            {
                self.refused = Some(refusal.why.clone());
            }
        }
        if let Some(act) = job {
            let going = model.jobs.going.as_ref();
            if going.is_some_and(|(at, order, _)| order.act == act && *at >= self.since) {
                self.acted.get_or_insert(model.now);
            }
            if let Some((at, ended)) = &model.jobs.ended
                && *at >= self.since
            {
                match ended {
                    Ok(done) if done.order.act == act => {
                        self.acted.get_or_insert(*at);
                    }
                    Ok(_) => {}
                    Err(fault) => self.refused = Some(format!("{} {}", fault.what, fault.why)),
                }
            }
        }
    }

    /// The run that the step's failure came to.
    #[must_use]
    pub fn run<'a>(&self, model: &'a Model) -> Option<&'a RunResult> {
        let key = self.now()?.breaks.as_deref()?;
        let mut runs = model.finished.iter().rev();
        runs.find(|run| run.failure == key && run.at >= self.since)
    }

    /// What came of what the step did with the job.
    #[must_use]
    pub fn done<'a>(&self, model: &'a Model) -> Option<&'a JobDone> {
        let act = act(self.now()?.job?);
        match &model.jobs.ended {
            Some((at, Ok(done))) if done.order.act == act && *at >= self.since => Some(done),
            _ => None,
        }
    }

    fn seen(&self, check: &Check, model: &Model) -> Vec<CheckResult> {
        let mut told = Vec::new();
        let mut tell = |what: String, seen: Option<bool>, evidence: String| {
            told.push(CheckResult {
                what,
                seen,
                evidence,
            });
        };
        if let Some(wanted) = check.verdict {
            let run = self.run(model);
            let seen = run.map(|run| run.verdict == wanted);
            let evidence = match run {
                Some(run) => format!("{} is {}", run.run, run.verdict),
                None => "not judged yet".to_owned(),
            };
            tell(format!("the verdict is {wanted}"), seen, evidence);
        }
        if let Some(wanted) = check.led_within {
            let (what, seen, evidence) = self.led(wanted, model);
            tell(what, seen, evidence);
        }
        use flinklab_lab::failure::Verdict::{Fail, Pass};
        let passes = check.passes.iter().map(|name| (name, Pass));
        for (name, wanted) in passes.chain(check.fails.iter().map(|name| (name, Fail))) {
            let said = self.run(model).map(|run| {
                let mut all = run.statements.iter();
                all.find(|statement| statement.name == *name)
            });
            let (seen, evidence) = match said {
                None => (None, "not judged yet".to_owned()),
                Some(None) => (Some(false), "nothing is said of it".to_owned()),
                Some(Some(said)) => (Some(said.verdict == wanted), said.evidence.clone()),
            };
            tell(format!("{} {}", word(name), wanted), seen, evidence);
        }
        if let Some(leadership) = check.leadership {
            let (what, seen, evidence) = self.leadership(leadership, model);
            tell(what, seen, evidence);
        }
        if let Some(restore) = check.restore {
            let (what, seen, evidence) = self.restored(restore, model);
            tell(what, seen, evidence);
        }
        if let Some(wanted) = check.renewals {
            let seen = self.base.renewals;
            tell(
                format!("the lease is renewed {wanted} times"),
                (seen >= wanted).then_some(true),
                format!("{seen} so far"),
            );
        }
        if let Some(wanted) = check.checkpoints {
            let seen = self.checkpoints(model);
            let ids: Vec<String> = seen.iter().map(|id| format!("#{id}")).collect();
            let evidence = if ids.is_empty() {
                "none so far".to_owned()
            } else {
                ids.join(" ")
            };
            let enough = seen.len() >= wanted as usize;
            let what = match wanted {
                1 => "a checkpoint completes".to_owned(),
                wanted => format!("{wanted} checkpoints complete"),
            };
            tell(what, enough.then_some(true), evidence);
        }
        self.of_job(check, model, &mut tell);
        if check.compared == Some(true) {
            let keys = self
                .now()
                .map(|step| step.compare.clone())
                .unwrap_or_default();
            let missing: Vec<&str> = keys
                .iter()
                .filter(|key| !model.history().any(|run| run.failure == **key))
                .map(String::as_str)
                .collect();
            let evidence = if missing.is_empty() {
                format!("{} runs", keys.len())
            } else {
                format!("no run of {}", missing.join(", "))
            };
            // a run that was not made is not made by waiting
            let what = "all of them were run here".to_owned();
            tell(what, Some(missing.is_empty()), evidence);
        }
        if let Some(wanted) = check.healthy {
            let health = model.health();
            let is = model.healthy() == wanted;
            let reason = if health.reason.is_empty() {
                health.word.text().to_owned()
            } else {
                format!("{}: {}", health.word.text(), health.reason)
            };
            tell("the lab is healthy".to_owned(), is.then_some(true), reason);
        }
        told
    }

    /// A run that ended without a new leader is later than any limit.
    fn led(&self, wanted: Seconds, model: &Model) -> (String, Option<bool>, String) {
        let what = format!("somebody leads again within {wanted}");
        let Some(run) = self.run(model) else {
            return (what, None, "not judged yet".to_owned());
        };
        let mut phases = run.phases.iter();
        match phases.find(|phase| phase.name == PhaseName::NewEpoch) {
            Some(phase) => {
                let evidence = format!("after {}", units::tenths(phase.ms));
                (what, Some(phase.ms <= wanted.ms()), evidence)
            }
            None => (what, Some(false), "no new leader was seen".to_owned()),
        }
    }

    fn of_job(
        &self,
        check: &Check,
        model: &Model,
        tell: &mut impl FnMut(String, Option<bool>, String),
    ) {
        let done = self.done(model);
        let waits = || "not done yet".to_owned();
        if check.done == Some(true) {
            let evidence = done.map_or_else(waits, |done| format!("{:.1} s", done.seconds));
            let refused = self.refused.is_some().then_some(false);
            tell(
                "it is done".to_owned(),
                done.map(|_| true).or(refused),
                evidence,
            );
        }
        let there = |wanted: There, is: bool| is == (wanted == There::There);
        let word = |wanted: There| match wanted {
            There::There => "there",
            There::Gone => "gone",
        };
        if let Some(wanted) = check.ha {
            let evidence = done.map_or_else(waits, |done| {
                let (plan, map) = (done.after.plan, done.after.map);
                let say = |is: bool| if is { "there" } else { "gone" };
                format!("plan {}, config map {}", say(plan), say(map))
            });
            let seen =
                done.map(|done| there(wanted, done.after.plan) && there(wanted, done.after.map));
            tell(format!("its HA data is {}", word(wanted)), seen, evidence);
        }
        if let Some(wanted) = check.retained {
            let seen = done.map(|done| there(wanted, !done.left().is_empty()));
            let evidence = done.map_or_else(waits, |done| {
                let left = done.left().len();
                match done.after.checkpoints.len() - left {
                    0 => format!("{left} on the disk"),
                    lost => {
                        format!("{left} on the disk, and {lost} that nothing pointed to before")
                    }
                }
            });
            tell(
                format!("its checkpoints are {}", word(wanted)),
                seen,
                evidence,
            );
        }
        if let Some(wanted) = check.savepoint {
            let seen = done.map(|done| there(wanted, !done.after.savepoints.is_empty()));
            let evidence = done.map_or_else(waits, |done| {
                let newest = done.after.savepoints.last();
                newest.cloned().unwrap_or_else(|| "none".to_owned())
            });
            tell(format!("its savepoint is {}", word(wanted)), seen, evidence);
        }
    }

    fn leadership(&self, wanted: Leadership, model: &Model) -> (String, Option<bool>, String) {
        let now = model.cluster.epoch();
        let moved = now.map(|epoch| Some(&epoch.id) != self.base.epoch.as_ref());
        let number = now.map_or_else(
            || "no epoch seen".to_owned(),
            |epoch| format!("epoch {}", epoch.number),
        );
        match wanted {
            Leadership::NewEpoch => {
                let what = "another epoch began".to_owned();
                (what, moved.filter(|moved| *moved), number)
            }
            Leadership::Stays => {
                let what = "the epoch stays".to_owned();
                (what, moved.map(|moved| !moved), number)
            }
            Leadership::MayMove => ("any epoch".to_owned(), Some(true), number),
        }
    }

    fn restored(&self, wanted: Restore, model: &Model) -> (String, Option<bool>, String) {
        let mut restores = model.job.restores.iter().rev();
        let newest = restores.find(|restore| restore.at >= self.since);
        let evidence = newest.map_or_else(
            || "no restore since".to_owned(),
            |restore| format!("restored from #{}", restore.id),
        );
        match wanted {
            Restore::Newest => (
                "the job was restored from its newest checkpoint".to_owned(),
                newest.map(|restore| Some(restore.id) >= self.base.newest),
                evidence,
            ),
            Restore::None => (
                "the job was not restored".to_owned(),
                Some(newest.is_none()),
                evidence,
            ),
            Restore::IfMoved => ("the job goes on".to_owned(), Some(true), evidence),
        }
    }

    /// Ids of checkpoints that were completed since the step began.
    fn checkpoints(&self, model: &Model) -> Vec<u64> {
        let rows = model.job.checkpoints.values().filter(|row| {
            row.status == CheckpointStatus::Completed
                && !row.savepoint
                && row.acknowledged.is_some_and(|at| at >= self.since)
        });
        rows.map(|row| row.id).collect()
    }
}

/// As a person reads it: `one leader`.
fn word(name: &flinklab_lab::failure::StatementName) -> String {
    let told = serde_json::to_value(name).unwrap_or_default();
    told.as_str().unwrap_or_default().replace('-', " ")
}
