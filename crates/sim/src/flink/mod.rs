//! The simulated Flink: JobManagers that elect a leader over the HA config map, TaskManagers that
//! follow it, one state machine of jobs. What must survive a leader is in config maps and files,
//! as in life; everything here is a process's memory and is lost with it.

mod application;
mod checkpoints;
mod configured;
mod ending;
mod job;
mod jobmanager;
mod lock;
mod loss;
mod numbers;
mod plan;
mod pointer;
mod program;
mod rest;
mod savepoints;
mod shapes;
mod state;
mod taskmanager;
mod version;

pub(crate) use configured::of_pod as options_of_pod;
pub(crate) use jobmanager::run as jobmanager;
pub(crate) use rest::{Ask, answer};
pub(crate) use taskmanager::run as taskmanager;
pub(crate) use version::Version;

use flinklab_base::clock::Instant;
use job::Job;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::SetOnce;
use tokio_util::sync::CancellationToken;

/// The memory of all Flink processes, by container id.
#[derive(Debug, Default)]
pub(crate) struct Flink {
    masters: BTreeMap<String, Master>,
    workers: BTreeMap<String, Worker>,
    /// Uploaded jars: the lab's upload folder is on the shared path, so every JobManager has them.
    jars: BTreeMap<String, jiff::Timestamp>,
    /// The leader that ended last did so in order.
    orderly: bool,
}

/// A JobManager process.
#[derive(Debug)]
struct Master {
    ip: String,
    /// Its web server answers.
    up: bool,
    /// It leads.
    leading: Option<Leading>,
    /// Jobs that it had to let go of while it lived. It keeps them as suspended in its store of ended
    /// jobs, and when one of them ends under it for good, its own second entry throws both out: of
    /// 2.2.1 seen on a real cluster.
    suspended: BTreeSet<String>,
}

impl Master {
    /// Another one may lead; this one lives on.
    fn revoke(&mut self) {
        let leading = self.leading.take();
        let jobs = leading.into_iter().flat_map(|leading| leading.jobs);
        self.suspended.extend(jobs.map(|(id, _)| id));
    }
}

/// What a leading JobManager knows.
#[derive(Debug)]
struct Leading {
    session: String,
    since: Instant,
    /// Its dispatcher has recovered its jobs.
    dispatching: bool,
    jobs: BTreeMap<String, Job>,
    /// Cancelled when the leadership ends.
    over: CancellationToken,
    /// The process is to end with this code: its job has ended, and it was started for that.
    closes: Arc<SetOnce<i32>>,
}

/// A TaskManager process.
#[derive(Debug, Clone)]
struct Worker {
    id: String,
    ip: String,
    slots: u32,
    /// The session of the leader that it is registered at.
    registered: Option<String>,
    state: WorkerState,
}

/// How a TaskManager is, for those who cannot see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WorkerState {
    Alive,
    /// Gone without a word, or silent, since.
    Silent {
        since: Instant,
        gone: bool,
    },
}

/// Why a TaskManager is given up.
const GOODBYE: &str =
    "org.apache.flink.util.FlinkExpectedException: The TaskExecutor is shutting down.";

impl Flink {
    /// The container of a process ended.
    pub(crate) fn process_gone(&mut self, id: &str, code: i32) {
        if let Some(master) = self.masters.remove(id)
            && let Some(leading) = master.leading
        {
            leading.over.cancel();
            self.orderly = false;
        }
        // One that could say goodbye has done so before; of a killed one nobody knows yet.
        match self.workers.get_mut(id) {
            Some(worker) if code == 137 => {
                worker.state = WorkerState::Silent {
                    since: Instant::now(),
                    gone: true,
                };
            }
            Some(_) => {
                self.worker_lost(id, GOODBYE);
                self.workers.remove(id);
            }
            None => {}
        }
    }

    pub(crate) fn process_frozen(&mut self, id: &str) {
        if let Some(worker) = self.workers.get_mut(id) {
            worker.state = WorkerState::Silent {
                since: Instant::now(),
                gone: false,
            };
        }
    }

    pub(crate) fn process_thawed(&mut self, id: &str) {
        if let Some(worker) = self.workers.get_mut(id) {
            worker.state = WorkerState::Alive;
        }
    }

    /// A TaskManager is given up: jobs with tasks on it fail.
    fn worker_lost(&mut self, id: &str, why: &str) {
        for master in self.masters.values_mut() {
            let Some(leading) = &mut master.leading else {
                continue;
            };
            for job in leading.jobs.values_mut() {
                if job.slots.iter().any(|slot| slot == id) {
                    job.failing
                        .get_or_insert_with(|| (id.to_owned(), why.to_owned()));
                }
            }
        }
    }

    /// The leader's container id and memory. Of two that both think so, the newer one.
    fn leader(&self) -> Option<(&String, &Leading)> {
        self.masters
            .iter()
            .filter_map(|(id, master)| Some((id, master.leading.as_ref()?)))
            .max_by_key(|(_, leading)| leading.since)
    }

    /// Slots that the leader's jobs want. None: nobody leads, or it does not know its jobs yet.
    pub(crate) fn slots_wanted(&self) -> Option<u32> {
        let (_, leading) = self.leader().filter(|(_, leading)| leading.dispatching)?;
        let jobs = leading.jobs.values();
        let live = jobs.filter(|job| !matches!(job.state, "CANCELED" | "FINISHED" | "FAILED"));
        Some(live.map(|job| job.parallelism).sum())
    }

    fn leading(&mut self, id: &str, session: &str) -> Option<&mut Leading> {
        let leading = self.masters.get_mut(id)?.leading.as_mut()?;
        (leading.session == session).then_some(leading)
    }

    /// TaskManagers that are registered at a leader, as far as it knows.
    fn registered<'a>(
        &'a self,
        session: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Worker)> {
        self.workers
            .iter()
            .filter(move |(_, worker)| worker.registered.as_deref() == Some(session))
    }
}
