//! How a job's master notices that TaskManagers are lost, by their goodbye or by their silence.

use super::WorkerState;
use super::job::{Job, JobMaster, far};
use std::collections::BTreeMap;
use tokio::time::Instant;

impl JobMaster {
    /// Ends when a TaskManager with tasks is given up.
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
            patience.retain(|id, _| silent.iter().any(|(known, ..)| known == id));
            for (id, since, gone) in silent {
                let (low, high) = match gone {
                    true => self.process.cluster.version.gives_up(),
                    false => (40.0, 50.0),
                };
                let wait = self.process.cluster.between(low, high);
                let until = since + self.process.cluster.ground.pace.seconds(wait);
                patience.entry(id).or_insert((until, gone));
            }
            let next = patience.iter().min_by_key(|(_, (until, _))| *until);
            let next = next.map(|(id, (until, gone))| (id.clone(), *until, *gone));
            let until = next.as_ref().map_or_else(far, |(_, until, _)| *until);
            tokio::select! {
                _ = pulse.changed() => {}
                () = tokio::time::sleep_until(until) => if let Some((id, _, gone)) = next {
                    self.process.thawed().await;
                    return (id.clone(), self.given_up(&id, gone));
                },
            }
        }
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

    pub(super) fn given_up(&self, id: &str, gone: bool) -> String {
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
