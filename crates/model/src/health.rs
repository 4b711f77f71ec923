//! How the lab is, as a whole: the word for it, whether it is healthy, whether the three witnesses
//! of a checkpoint agree, and how often to ask Flink. What speaks against a break stands in `aim`. Pure
//! functions of the model; the model's own memory of it changes in `lab_is` and `settle` alone.

mod needs;
mod witnesses;

pub use needs::{HaFiles, Lack};
pub use witnesses::{Witness, Witnesses};

use super::Model;
use super::job::Good;
use flinklab_base::units::{lasted, lasted_to_the_tenth};
use flinklab_event::is_over;
use flinklab_event::{Effect, Event, Link, NodeState, PollMode, Source};
use flinklab_lab::failure::Role;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Good samples in a row that make health.
pub const GOOD: u32 = 5;
/// A leader renews its lease of 15 s every 5 s. Past this part of it, it has missed two.
const LEASE_LATE: f64 = 2.0 / 3.0;
/// Without a new sign for so long, trouble is a state, not an event: asked calmly again.
const TROUBLE: SignedDuration = SignedDuration::from_mins(5);
/// Samples older than this say nothing about now.
const SAMPLE: SignedDuration = SignedDuration::from_secs(10);

/// What the model remembers to notice changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Watchfulness {
    /// The lab that all of it is about.
    lab: Option<String>,
    /// What would be a sign of trouble if it changed.
    signs: Signs,
    /// When it changed last.
    changed: Option<Timestamp>,
    /// The checkpoint that one witness had and another had not, since when.
    behind: Option<(u64, Timestamp)>,
    /// What the next leader needs and what of it is missing.
    needs: needs::Needs,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Signs {
    /// Readiness, restarts and deletion by uid.
    pods: BTreeMap<String, (bool, u32, bool)>,
    epoch: Option<String>,
    tasks: Option<(String, u32, u32)>,
    rest: bool,
    api: bool,
    late: bool,
}

/// The lab as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// In a word.
    pub word: Word,
    /// Why it is not the best word; empty otherwise.
    pub reason: String,
}

/// Words for the lab as a whole, from worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// There is no lab.
    NoLab,
    /// It cannot be seen.
    Unknown,
    /// Nobody holds the lock.
    NoLeader,
    /// Flink does not know our job, or it has ended.
    NoJob,
    /// Not all tasks run.
    Recovering,
    /// It works, but the next failure would hit harder.
    Degraded,
    /// All is as it should be, not for long enough yet.
    Settling,
    /// All is as it should be.
    Healthy,
}

impl Word {
    /// As it is shown and as scripts see it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoLab => "no lab",
            Self::Unknown => "unknown",
            Self::NoLeader => "no leader",
            Self::NoJob => "no job",
            Self::Recovering => "recovering",
            Self::Degraded => "degraded",
            Self::Settling => "settling",
            Self::Healthy => "healthy",
        }
    }
}

impl Model {
    /// The lab is this one now, or there is none: what was seen of another one is forgotten.
    pub(super) fn lab_is(&mut self) {
        let lab = self.lab.as_ref().map(|lab| lab.id.clone());
        if lab != self.watchfulness.lab {
            self.forget();
            self.watchfulness.lab = lab;
        }
        let ours = self.lab.as_ref().and_then(|lab| lab.job.clone());
        self.job.job_is(ours.as_deref());
        self.cluster.job_is(ours.as_deref());
    }

    /// What follows for health from an event that the slices have taken in.
    pub(super) fn settle(&mut self, event: &Event) {
        match event {
            Event::Lab(_) | Event::NoLab { .. } => {}
            Event::Flink(_) | Event::Pods(_) | Event::Map(_) | Event::Disk(_) => {}
            Event::Link { .. } | Event::Node(_) | Event::Tick | Event::Run(_) | Event::Saved(_) => {
            }
            _ => return,
        }
        self.need(match event {
            Event::Disk(_) => needs::Seen::Look,
            _ => needs::Seen::Known,
        });
        let now = self.now;
        let signs = self.signs();
        if signs != self.watchfulness.signs {
            self.watchfulness.signs = signs;
            self.watchfulness.changed = Some(now);
            self.job.not_good();
        }
        if let Event::Flink(sample) = event {
            let good = match self.against_health() {
                None => Good::Yes,
                Some(_) => Good::No,
            };
            self.job.count(sample, good);
        }
        self.compare();
    }

    /// How often Flink is to be asked, where that is not how often it is.
    pub(super) fn hurry(&mut self) -> Option<Effect> {
        let now = self.now;
        let trouble = self
            .watchfulness
            .changed
            .is_some_and(|since| now.duration_since(since) < TROUBLE);
        // While a failure is observed, what cannot be watched is asked for all the time.
        let pace = if self.run().is_some() || trouble && self.job.good_in_a_row < GOOD {
            PollMode::Trouble
        } else {
            PollMode::Calm
        };
        // Nothing is asked where there is nothing.
        if pace == self.pace || self.lab.is_none() {
            return None;
        }
        self.pace = pace;
        Some(Effect::PollMode(pace))
    }

    /// Another lab, or none: what was seen was of the old one.
    fn forget(&mut self) {
        self.cluster = super::Cluster::default();
        self.job = super::Job::default();
        self.links.retain(|source, _| *source == Source::Docker);
        self.nodes.clear();
        self.watchfulness = Watchfulness::default();
        self.traces = super::Traces::default();
        self.details = super::JobDetails::default();
        self.history = super::History::default();
        self.previous = None;
        self.grant = None;
    }

    fn signs(&self) -> Signs {
        let row = self.row();
        Signs {
            pods: self
                .cluster
                .pods
                .iter()
                .map(|(uid, pod)| {
                    (
                        uid.clone(),
                        (pod.ready, pod.restarts, pod.deleting.is_some()),
                    )
                })
                .collect(),
            epoch: self.cluster.epoch().map(|epoch| epoch.id.clone()),
            tasks: row.map(|row| (row.state.clone(), row.tasks.running, row.tasks.total)),
            rest: self
                .job
                .sample
                .as_ref()
                .is_some_and(|(_, sample)| sample.jobs.is_ok()),
            api: !self.lost(Source::Api),
            late: self
                .cluster
                .lease_age(self.now)
                .zip(self.cluster.lock())
                .is_some_and(|(age, lock)| age > lock.seconds * LEASE_LATE),
        }
    }

    /// Whether the lab is healthy: five good samples in a row, and nothing against it since.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.health().word == Word::Healthy
    }

    /// The lab as a whole.
    #[must_use]
    pub fn health(&self) -> Health {
        match self.against_health() {
            Some(health) => health,
            None if self.job.good_in_a_row < GOOD => Health {
                word: Word::Settling,
                reason: format!("{} of {GOOD} good samples", self.job.good_in_a_row),
            },
            None => match self.awaited() {
                Some(reason) => Health {
                    word: Word::Settling,
                    reason,
                },
                None => Health {
                    word: Word::Healthy,
                    reason: String::new(),
                },
            },
        }
    }

    /// The worst thing that speaks against health now.
    fn against_health(&self) -> Option<Health> {
        let (word, reason) = self.worst()?;
        Some(Health { word, reason })
    }

    fn worst(&self) -> Option<(Word, String)> {
        let now = self.now;
        let for_how_long = |since: Timestamp| lasted(now.duration_since(since).as_secs_f64());
        if self.lab.is_none() {
            return Some((Word::NoLab, String::new()));
        }
        // What Docker said last counts only while Docker says something.
        let asleep = self
            .nodes
            .values()
            .find(|node| node.state != NodeState::Runs);
        if let (Some(node), false) = (asleep, self.lost(Source::Docker)) {
            let since = for_how_long(node.since);
            let state = match node.state {
                NodeState::Runs | NodeState::Paused => "paused",
                NodeState::Stopped => "stopped",
                NodeState::Gone => "gone",
            };
            let reason = format!("{} is {state} for {since}", node.name);
            return Some((Word::Unknown, reason));
        }
        if let Some(Link::Lost { since, why }) = self.links.get(&Source::Api) {
            if let Some(why) = self.stage.unfinished() {
                return Some((Word::Unknown, why));
            }
            let reason = format!("API server lost for {}: {why}", for_how_long(*since));
            return Some((Word::Unknown, reason));
        }
        if !self.cluster.listed {
            return Some((Word::Unknown, "pods not seen yet".into()));
        }
        if let Some(why) = self.ended_with_its_job() {
            return Some((Word::NoJob, why));
        }
        let Some(lock) = self.cluster.lock() else {
            return Some((Word::NoLeader, "none was elected yet".into()));
        };
        if lock.holder.is_empty() {
            return Some((Word::NoLeader, "the lock was released".into()));
        }
        if !self.cluster.lease_fresh(now) {
            let over = self.cluster.lease_age(now).unwrap_or_default() - lock.seconds;
            let reason = format!("the lease ran out {} ago", lasted_to_the_tenth(over));
            return Some((Word::NoLeader, reason));
        }
        match &self.job.sample {
            None => return Some((Word::Unknown, "REST not seen yet".into())),
            Some((at, _)) if now.duration_since(*at) > self.patience(SAMPLE) => {
                let reason = format!("REST not seen for {}", for_how_long(*at));
                return Some((Word::Unknown, reason));
            }
            Some((_, sample)) => {
                if let Err(why) = &sample.jobs {
                    return Some((Word::Recovering, format!("REST: {why}")));
                }
            }
        }
        if let Some(why) = self.no_job() {
            return Some((Word::NoJob, why));
        }
        if let Some(row) = self.row().filter(|row| !row.all_run()) {
            let (state, tasks) = (&row.state, row.tasks);
            let reason = format!(
                "{state}, {} of {} tasks running",
                tasks.running, tasks.total
            );
            return Some((Word::Recovering, reason));
        }
        let pods = self.cluster.listed_pods();
        if let Some(pod) = pods.iter().find(|pod| !pod.ready) {
            return Some((Word::Degraded, format!("{} is not ready", pod.name)));
        }
        for (role, name) in [
            (Role::JobManager, "JobManager"),
            (Role::TaskManager, "TaskManager"),
        ] {
            if !pods.iter().any(|pod| pod.role == role) {
                return Some((Word::Degraded, format!("there is no {name}")));
            }
        }
        let silent = self.silent_worker();
        let why = silent.or_else(|| self.lacking())?;
        Some((Word::Degraded, why))
    }

    /// What the next leader would miss, in words.
    fn lacking(&self) -> Option<String> {
        let lacks = self.lacks();
        let first = lacks.first()?;
        let more = match lacks.len() {
            1 => String::new(),
            many => format!(" (and {} more)", many - 1),
        };
        Some(format!("{}{more}: {}", first.what, first.means))
    }

    /// Whether the JobManagers bring their job along: application mode.
    #[must_use]
    pub fn brings_its_job(&self) -> bool {
        let lab = self.lab.as_ref();
        lab.is_some_and(|lab| lab.application.is_some())
    }

    /// What a cluster that brings its job along is when nothing of its JobManagers is there.
    #[must_use]
    pub fn ended_with_its_job(&self) -> Option<String> {
        let application = self.lab.as_ref()?.application.as_ref()?;
        let mut pods = self.cluster.pods.values();
        let comes_up = self.stage.unfinished().is_some();
        if comes_up || pods.any(|pod| pod.role == Role::JobManager) {
            return None;
        }
        Some(format!(
            "there is no JobManager: the cluster has ended with its job, or {} is at zero",
            application.workload
        ))
    }

    /// Why there is no job, by Flink's newest good answer: it does not list it, or it has ended.
    #[must_use]
    pub fn no_job(&self) -> Option<String> {
        self.job.good.as_ref()?;
        match self.row() {
            None => Some("Flink does not list the job".into()),
            Some(row) if is_over(&row.state) => Some(format!("the job is {}", row.state)),
            Some(_) => None,
        }
    }

    /// Our job's line in the newest good answer.
    fn row(&self) -> Option<&flinklab_event::JobRow> {
        let ours = self.lab.as_ref().and_then(|lab| lab.job.as_deref());
        self.job.row(ours)
    }

    fn lost(&self, source: Source) -> bool {
        matches!(self.links.get(&source), Some(Link::Lost { .. }))
    }

    /// Milliseconds between two looks at Flink while all is well.
    #[must_use]
    pub fn calm_ms(&self) -> u64 {
        let of_lab = self.lab.as_ref().map_or(1000, |lab| lab.calm_ms);
        self.calm.map_or(of_lab, |calm| {
            u64::try_from(calm.as_millis()).unwrap_or(u64::MAX)
        })
    }

    /// How old an answer may be: who asks seldom, waits longer before it counts as missing.
    fn patience(&self, usual: SignedDuration) -> SignedDuration {
        let calm = i64::try_from(self.calm_ms()).unwrap_or(i64::MAX);
        let calm = SignedDuration::from_millis(calm);
        // one answer may be late, the next one may not
        usual.max(calm.saturating_mul(5) / 2)
    }
}

#[cfg(test)]
mod tests;
