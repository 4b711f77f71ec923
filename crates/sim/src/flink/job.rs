//! One job in the memory of its leader: from submission or recovery through slots, tasks and
//! checkpoints to failures and restarts. One task a job and leadership.

use super::application;
use super::checkpoints::{self, Checkpoint, Restore};
use super::ending::Retained;
use super::numbers::{self, Numbers};
use super::savepoints::Trigger;
use super::taskmanager::line;
use super::{Version, WorkerState, lock, shapes};
use crate::cluster::Process;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_lab::Lab;
use jiff::Timestamp;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// The first pause before a restart, and the longest.
const PAUSE: (f64, f64) = (1.0, 10.0);
/// The pauses begin anew for a job that ran so much longer than the last of them.
const STEADY: f64 = 10.0;
/// Exceptions kept, as Flink's default.
const EXCEPTIONS: usize = 16;

/// What the job's master remembers.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: &'static str,
    pub(super) started: Timestamp,
    pub(super) changed: Timestamp,
    pub(super) stamps: BTreeMap<&'static str, i64>,
    /// State of every task.
    pub(super) tasks: &'static str,
    pub(super) parallelism: u32,
    /// REST knows it.
    pub(super) listed: bool,
    /// Tasks of its source.
    pub(super) sources: u32,
    /// Container ids of the TaskManagers whose slots it has.
    pub(super) slots: Vec<String>,
    /// A TaskManager with tasks was given up: its container id and the exception.
    pub(super) failing: Option<(String, String)>,
    /// TaskManagers that are gone without a word, whose slots count until then: container ids.
    pub(super) ghosts: BTreeMap<String, Instant>,
    pub(super) counts: Counts,
    /// Newest first.
    pub(super) history: Vec<Checkpoint>,
    pub(super) failed: Option<Checkpoint>,
    pub(super) savepoint: Option<Checkpoint>,
    /// What became of savepoints that were asked for, by the request's id.
    pub(super) triggers: BTreeMap<String, Trigger>,
    pub(super) restored: Option<Restore>,
    /// What it has counted, if it is the job that counts.
    pub(super) numbers: Option<Numbers>,
    /// Newest last: when, exception with stack, TaskManager.
    pub(super) exceptions: Vec<(Timestamp, String, String)>,
    pub(super) cancel: CancellationToken,
    /// Its sources have ended: stopped with a savepoint.
    pub(super) finish: CancellationToken,
}

/// As REST counts them, for this leader only.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) restored: u64,
    pub(super) total: u64,
    pub(super) in_progress: u64,
    pub(super) completed: u64,
    pub(super) failed: u64,
}

impl Job {
    fn new(id: &str, lab: &Lab, version: &Version) -> Self {
        let now = clock::now();
        let counts = lab.job.proves.is_some();
        let name = if counts {
            "Numbers counted once"
        } else {
            "State machine job"
        };
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            numbers: counts.then(Numbers::default),
            state: "INITIALIZING",
            started: now,
            changed: now,
            stamps: BTreeMap::from([("INITIALIZING", now.as_millisecond())]),
            tasks: "CREATED",
            listed: true,
            parallelism: lab.job.parallelism,
            sources: if counts {
                lab.job.parallelism
            } else {
                version.sources(lab.job.parallelism)
            },
            slots: Vec::new(),
            failing: None,
            ghosts: BTreeMap::new(),
            counts: Counts::default(),
            history: Vec::new(),
            failed: None,
            savepoint: None,
            triggers: BTreeMap::new(),
            restored: None,
            exceptions: Vec::new(),
            cancel: CancellationToken::new(),
            finish: CancellationToken::new(),
        }
    }

    /// Whether somebody may still ask for the outcome of a stop.
    pub(super) fn is_waited_for(&self) -> bool {
        self.triggers.values().any(Trigger::is_waited_for)
    }

    /// The tasks of both vertices.
    pub(super) fn total(&self) -> u32 {
        self.sources + self.parallelism
    }
}

/// Takes a job on; its task runs until it is cancelled or the leadership ends.
pub(super) fn begin(process: &Process, session: &str, id: &str, from: Option<String>) {
    let lab = &process.cluster.lab;
    let job = Job::new(id, lab, &process.cluster.version);
    let over = process.act(|state| {
        let leading = state.flink.leading(&process.id, session)?;
        leading.jobs.insert(id.to_owned(), job);
        Some(leading.over.clone())
    });
    let Some(Some(over)) = over else { return };
    let master = JobMaster {
        process: process.clone(),
        session: session.to_owned(),
        id: id.to_owned(),
    };
    tokio::spawn(async move {
        tokio::select! {
            () = over.cancelled() => {}
            () = master.process.gone.cancelled() => {}
            () = master.process.cluster.stop.cancelled() => {}
            () = master.run(from) => application::close(&master).await,
        }
    });
}

/// The task of one job.
pub(super) struct JobMaster {
    pub(super) process: Process,
    pub(super) session: String,
    pub(super) id: String,
}

impl JobMaster {
    /// Changes the job, if it is still ours.
    pub(super) fn with<R>(&self, change: impl FnOnce(&mut Job) -> R) -> Option<R> {
        let found = self.process.act(|state| {
            let job = state
                .flink
                .leading(&self.process.id, &self.session)?
                .jobs
                .get_mut(&self.id)?;
            let result = change(job);
            state.beats += 1;
            Some(result)
        });
        found.flatten()
    }

    pub(super) fn say(&self, class: &str, text: &str) {
        self.process.say(line("INFO", class, text));
    }

    async fn run(&self, from: Option<String>) {
        let ends = self.with(|job| (job.cancel.clone(), job.finish.clone()));
        let (cancel, finish) = ends.unwrap_or_default();
        tokio::select! {
            () = self.work(from) => {}
            () = cancel.cancelled() => self.cancelled().await,
            () = finish.cancelled() => self.end("FINISHED", Retained::No),
        }
    }

    async fn work(&self, from: Option<String>) {
        self.process.about(0.1, 0.3).await;
        self.announce();
        let restored = checkpoints::recover(self, from).await;
        self.with(|job| {
            job.counts.restored = u64::from(restored.is_some());
            job.restored = restored;
        });
        self.recount();
        self.switch("CREATED");
        let mut pause = PAUSE.0;
        loop {
            self.switch("RUNNING");
            self.tasks("SCHEDULED");
            let began = Instant::now();
            let why = match self.deploy().await {
                Ok(()) => match self.program().await {
                    Some(why) => why,
                    None => return,
                },
                Err(why) => why,
            };
            if self.gave_up(&why) {
                return;
            }
            if began.elapsed() > self.process.cluster.context.pace.seconds(STEADY + pause) {
                pause = PAUSE.0;
            }
            self.restart(&why, pause).await;
            pause = (pause * self.process.cluster.version.backs_off()).min(PAUSE.1);
        }
    }

    /// The job's own leader key, the last of the four.
    fn announce(&self) {
        let lab = &self.process.cluster.lab;
        let map = lock::map_key(&lab.flink.namespace, &lab.cluster_map());
        let version = &self.process.cluster.version;
        let key = version.job_key(&self.id);
        let value = format!(
            "{},{}.tcp://flink@{}:6123/user/rpc/jobmanager_2",
            self.session,
            version.scheme(),
            self.process.host
        );
        self.process
            .act(|state| lock::set(&mut state.store, &map, &key, Some(value)));
        self.say(
            "runtime.jobmaster.JobMasterServiceLeadershipRunner",
            &format!(
                "JobMasterServiceLeadershipRunner for job {} was granted leadership with leader id {}. Creating new JobMasterServiceProcess.",
                self.id, self.session
            ),
        );
    }

    pub(super) fn switch(&self, to: &'static str) {
        let text = self.with(|job| {
            let text = format!(
                "Job {} ({}) switched from state {} to {to}.",
                job.name, job.id, job.state
            );
            let now = clock::now();
            job.state = to;
            job.changed = now;
            job.stamps.insert(to, now.as_millisecond());
            text
        });
        if let Some(text) = text {
            self.say("runtime.executiongraph.ExecutionGraph", &text);
        }
    }

    pub(super) fn tasks(&self, to: &'static str) {
        let each = numbers::each(&self.process);
        self.with(|job| {
            job.tasks = to;
            if let Some(own) = &mut job.numbers {
                own.run(to == "RUNNING", each);
            }
            job.changed = clock::now();
        });
    }

    /// Waits for slots, evenly over the TaskManagers, and brings the tasks up. The failure where a
    /// slot is of one that is gone, or their state is not there.
    async fn deploy(&self) -> Result<(), (String, String)> {
        let mut pulse = self.process.cluster.pulse();
        loop {
            pulse.mark_unchanged();
            let next = self.bury();
            if self.take_slots() == Some(true) {
                break;
            }
            tokio::select! {
                changed = pulse.changed() => if changed.is_err() {
                    return Ok(());
                },
                () = clock::sleep_until(next) => {}
            }
        }
        self.process.about(0.1, 0.25).await;
        self.tasks("DEPLOYING");
        if let Some(why) = self.in_vain() {
            return Err(why);
        }
        self.process.about(0.1, 0.25).await;
        self.tasks("INITIALIZING");
        self.process.about(0.05, 0.2).await;
        let restored = self.with_quietly(|job| {
            let from = job.restored.as_ref().map(|restore| restore.id);
            from.zip(job.slots.first().cloned())
        });
        if let Some((id, slot)) = restored.flatten()
            && let Some(file) = super::state::missing(self, id)
        {
            let why = format!("java.io.FileNotFoundException: {file} (No such file or directory)");
            return Err((slot, why));
        }
        self.tasks("RUNNING");
        let counts = self.with_quietly(|job| job.numbers.is_some());
        let [_, (_, last)] = shapes::vertices(counts.unwrap_or_default());
        self.say(
            "runtime.executiongraph.ExecutionGraph",
            &format!("{last} (1/2) switched from INITIALIZING to RUNNING."),
        );
        Ok(())
    }

    fn take_slots(&self) -> Option<bool> {
        self.process.act(|state| {
            // Of one that is gone Flink does not know yet, and its slots are the job's from before.
            let offers = |state: &WorkerState| match state {
                WorkerState::Alive => Some(false),
                WorkerState::Silent { gone, .. } => gone.then_some(true),
            };
            let mut free: BTreeMap<String, (u32, bool)> = state
                .flink
                .registered(&self.session)
                .filter_map(|(id, worker)| {
                    Some((id.clone(), (worker.slots, offers(&worker.state)?)))
                })
                .collect();
            let leading = state.flink.leading(&self.process.id, &self.session)?;
            for slot in leading.jobs.values().flat_map(|job| &job.slots) {
                if let Some((left, _)) = free.get_mut(slot) {
                    *left = left.saturating_sub(1);
                }
            }
            let job = leading.jobs.get_mut(&self.id)?;
            let mut taken = Vec::new();
            for _ in 0..job.parallelism {
                let (id, (left, _)) = free.iter_mut().max_by_key(|(_, offer)| **offer)?;
                if *left == 0 {
                    return Some(false);
                }
                *left -= 1;
                taken.push(id.clone());
            }
            job.slots = taken;
            job.failing = None;
            Some(true)
        })?
    }

    /// Checkpoints until a TaskManager is lost; the reason.
    pub(super) async fn keep_running(&self) -> (String, String) {
        tokio::select! {
            why = self.lost() => why,
            () = checkpoints::run(self) => std::future::pending().await,
        }
    }

    /// Writes down why the tasks failed, and lets go of what they had.
    pub(super) fn remember(&self, why: &(String, String)) {
        self.with(|job| {
            job.exceptions
                .push((clock::now(), why.1.clone(), why.0.clone()));
            if job.exceptions.len() > EXCEPTIONS {
                job.exceptions.remove(0);
            }
            job.failing = None;
            job.slots.clear();
            job.counts.in_progress = 0;
        });
    }

    /// From the failure of a TaskManager to the next try.
    async fn restart(&self, why: &(String, String), pause: f64) {
        self.process.about(0.05, 0.2).await;
        self.remember(why);
        self.tasks("CANCELED");
        self.switch("RESTARTING");
        self.process.about(0.9 * pause, 1.1 * pause).await;
        let newest = self
            .with_quietly(|job| {
                // A failure is never answered with a savepoint: it may be gone by now.
                let mut own = job.history.iter().filter(|one| one.savepoint.is_none());
                own.next().map(|newest| newest.id)
            })
            .flatten();
        let restored = match newest {
            Some(id) => Some(checkpoints::restore(self, id)),
            None => checkpoints::recover(self, None).await,
        };
        self.with(|job| {
            job.counts.restored += u64::from(restored.is_some());
            job.restored = restored.or(job.restored.take());
        });
        self.recount();
    }
}

pub(super) fn far() -> Instant {
    Instant::now() + std::time::Duration::from_secs(3600)
}
