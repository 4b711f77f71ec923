//! How a job's master notices that TaskManagers are lost: by their goodbye, by tasks elsewhere that
//! exchanged data with theirs, or by their silence. What is gone without a word keeps its slots until
//! it is missed, and the job is tried on them in vain.

use super::WorkerState;
use super::job::{Job, JobMaster, far};
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use std::collections::BTreeMap;

/// Seconds until a task finds the connection to one that is gone broken.
const BROKEN: (f64, f64) = (0.2, 0.6);
/// Seconds until the heartbeats of one that is only silent are missed.
const HEARTBEATS: (f64, f64) = (40.0, 50.0);

impl JobMaster {
    /// Ends when a TaskManager with tasks is given up, or found gone by tasks on another one.
    pub(super) async fn lost(&self) -> (String, String) {
        let mut pulse = self.process.cluster.pulse();
        // When each silent one will be given up.
        let mut patience: BTreeMap<String, (Instant, bool)> = BTreeMap::new();
        loop {
            pulse.mark_unchanged();
            if let Some(Some(why)) = self.with_quietly(|job| job.failing.clone()) {
                return why;
            }
            let silent = self.silent();
            let neighbour = self.neighbour(&silent);
            patience.retain(|id, _| silent.iter().any(|(known, ..)| known == id));
            for (id, since, gone) in silent {
                patience.entry(id).or_insert_with_key(|id| {
                    let until = match (gone, &neighbour) {
                        (true, Some(_)) => self.after(since, BROKEN),
                        (true, None) => self.missed_at(id, since),
                        (false, _) => self.after(since, HEARTBEATS),
                    };
                    (until, gone)
                });
            }
            let next = patience.iter().min_by_key(|(_, (until, _))| *until);
            let next = next.map(|(id, (until, gone))| (id.clone(), *until, *gone));
            let until = next.as_ref().map_or_else(far, |(_, until, _)| *until);
            tokio::select! {
                _ = pulse.changed() => {}
                () = clock::sleep_until(until) => if let Some((id, _, gone)) = next {
                    self.process.thawed().await;
                    return match (gone, neighbour) {
                        (true, Some(neighbour)) => (neighbour, self.broken(&id)),
                        _ => (id.clone(), self.given_up(&id, gone)),
                    };
                },
            }
        }
    }

    /// A TaskManager that lives and whose tasks read from a source on a silent one. Who writes to
    /// one that is gone does not notice: in 1.15 only one TaskManager has a source.
    fn neighbour(&self, silent: &[(String, Instant, bool)]) -> Option<String> {
        let (slots, sources) = self.with_quietly(|job| (job.slots.clone(), job.sources))?;
        let is_silent = |slot: &String| silent.iter().any(|(id, ..)| id == slot);
        let feeds = slots.iter().take(sources as usize).any(is_silent);
        slots.into_iter().find(|slot| feeds && !is_silent(slot))
    }

    /// What a neighbour says of one that is gone.
    fn broken(&self, id: &str) -> String {
        let (address, name) = self.of_worker(id);
        format!(
            "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: Connection unexpectedly closed by remote task manager '{address}/{address}:41051 [ {name} ] '. This might indicate that the remote task manager was lost."
        )
    }

    /// Some time between the two after a moment.
    fn after(&self, since: Instant, (low, high): (f64, f64)) -> Instant {
        let wait = self.process.cluster.between(low, high);
        since + self.process.cluster.context.pace.seconds(wait)
    }

    /// When one that is gone without a word will be missed: from now on that stands.
    fn missed_at(&self, id: &str, since: Instant) -> Instant {
        let until = self.after(since, self.process.cluster.version.gives_up());
        let stands = self.with(|job| *job.ghosts.entry(id.to_owned()).or_insert(until));
        stands.unwrap_or(until)
    }

    /// Why tasks cannot be brought up, where a slot is of one that is gone: it gets no message any
    /// more.
    pub(super) fn in_vain(&self) -> Option<(String, String)> {
        let mut silent = self.silent().into_iter();
        let (id, since, _) = silent.find(|(_, _, gone)| *gone)?;
        self.missed_at(&id, since);
        let (address, _) = self.of_worker(&id);
        let scheme = self.process.cluster.version.scheme();
        let why = format!(
            "org.apache.flink.runtime.rpc.exceptions.RecipientUnreachableException: Could not send message [RemoteRpcInvocation(TaskExecutorGateway.submitTask(TaskDeploymentDescriptor, JobMasterId, Duration))] to recipient [Actor[{scheme}.tcp://flink@{address}:6122/user/rpc/taskmanager_0]], because the recipient is unreachable."
        );
        Some((id, why))
    }

    /// Gives up those that were missed by now; when the next one will be.
    pub(super) fn bury(&self) -> Instant {
        let ghosts = self.with_quietly(|job| job.ghosts.clone());
        let mut next = far();
        for (id, until) in ghosts.unwrap_or_default() {
            if until > Instant::now() {
                next = next.min(until);
                continue;
            }
            let (_, name) = self.of_worker(&id);
            self.say(
                "runtime.resourcemanager.StandaloneResourceManager",
                &format!("TaskManager with id {name} is no longer reachable."),
            );
            self.given_up(&id, true);
        }
        next
    }

    /// Address and resource id of a TaskManager.
    fn of_worker(&self, id: &str) -> (String, String) {
        let state = self.process.cluster.hold();
        let worker = state.flink.workers.get(id);
        worker.map_or_else(Default::default, |worker| {
            (worker.ip.clone(), worker.id.clone())
        })
    }

    pub(super) fn with_quietly<R>(&self, look: impl FnOnce(&Job) -> R) -> Option<R> {
        let found = self.process.act(|state| {
            let job = state
                .flink
                .leading(&self.process.id, &self.session)?
                .jobs
                .get(&self.id)?;
            Some(look(job))
        });
        found.flatten()
    }

    /// TaskManagers with our tasks that say nothing any more.
    pub(super) fn silent(&self) -> Vec<(String, Instant, bool)> {
        let slots = self
            .with_quietly(|job| job.slots.clone())
            .unwrap_or_default();
        let state = self.process.cluster.hold();
        slots
            .iter()
            .filter_map(|id| match state.flink.workers.get(id)?.state {
                WorkerState::Alive => None,
                WorkerState::Silent { since, gone } => Some((id.clone(), since, gone)),
            })
            .collect()
    }

    fn given_up(&self, id: &str, gone: bool) -> String {
        self.with(|job| job.ghosts.remove(id));
        self.process
            .act(|state| {
                let name = state.flink.workers.get(id).map_or(String::new(), |worker| worker.id.clone());
                if gone {
                    state.flink.workers.remove(id);
                } else if let Some(worker) = state.flink.workers.get_mut(id) {
                    worker.registered = None;
                }
                if gone {
                    let exception = self.process.cluster.version.unreachable();
                    format!("org.apache.flink.runtime.{exception}: TaskManager with id {name} is no longer reachable.")
                } else {
                    format!("java.util.concurrent.TimeoutException: The heartbeat of TaskManager with id {name} timed out.")
                }
            })
            .unwrap_or_default()
    }
}
