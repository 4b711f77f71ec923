//! Aiming: whom a failure would hit, pinned, and what speaks against firing now. Pure; the same
//! pins are checked again by the hand that breaks, just before it acts.

use super::{Epoch, Model};
use flinklab_event::{BreakOrder, Pod, PodPhase, Target};
use flinklab_lab::failure::{Failure, Hits, Need, Role};
use jiff::SignedDuration;

/// Slots older than this say nothing about where tasks run now.
const SLOTS: SignedDuration = SignedDuration::from_secs(5);

/// A failure aimed at a target, not fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Aim {
    /// Its digit.
    pub digit: u8,
    /// The failure.
    pub failure: Failure,
    /// Whom it would hit; why nobody, otherwise.
    pub target: Result<Target, String>,
    /// What speaks against firing now; empty when the lab is ready.
    pub against: Vec<String>,
}

impl Model {
    /// Resolves a failure against what is known now.
    #[must_use]
    pub fn aim(&self, failure: &Failure) -> Aim {
        self.aim_at(failure, None)
    }

    /// The same, at a pod of that name.
    #[must_use]
    pub fn aim_at(&self, failure: &Failure, wanted: Option<&str>) -> Aim {
        let digit = self
            .failures
            .iter()
            .position(|known| known.key == failure.key);
        Aim {
            digit: digit.map_or(0, |place| u8::try_from(place + 1).unwrap_or(0)),
            // What only a checkpoint shows stays until one was due.
            failure: match &self.job.checkpointing {
                Some(checkpointing) => failure.fitted(checkpointing),
                None => failure.clone(),
            },
            target: self.target(failure, wanted),
            against: self.against(),
        }
    }

    /// The order to hit a target, with a name of its own.
    #[must_use]
    pub fn order(&self, failure: &Failure, target: Target) -> BreakOrder {
        BreakOrder {
            run: format!("{}-{}", self.now.strftime("%Y%m%d-%H%M%S"), failure.key),
            failure: failure.clone(),
            target,
            short: false,
        }
    }

    /// Why an aim no longer holds: the lab moved on between aiming and firing.
    #[must_use]
    pub fn moved_on(&self, aim: &Aim) -> Option<String> {
        let pinned = aim.target.as_ref().ok()?;
        let Some(pod) = self.cluster.pods.get(&pinned.uid) else {
            return Some(format!("the pod {} is gone", pinned.pod));
        };
        if pod.deleting.is_some() {
            return Some(format!("the pod {} is being deleted", pinned.pod));
        }
        if pod.container != pinned.container {
            return Some(format!("the container of {} was restarted", pinned.pod));
        }
        let epoch = self.cluster.epoch().map(|epoch| &epoch.id);
        if epoch != pinned.epoch.as_ref() {
            return Some("another leadership epoch began".to_owned());
        }
        self.target(&aim.failure, None).err()
    }

    fn target(&self, failure: &Failure, wanted: Option<&str>) -> Result<Target, String> {
        let lab = self.lab.as_ref();
        if let Some(reason) = lab.and_then(|lab| lab.lacks_for(&failure.key)) {
            return Err(format!("this lab cannot have it: {reason}"));
        }
        for need in failure.needs.iter() {
            self.has(*need)?;
        }
        let target = self.resolved(failure.hits, wanted)?;
        match wanted {
            Some(wanted) if wanted != target.pod => Err(format!(
                "it hits {}, which {}, not {wanted}",
                target.pod, target.reason
            )),
            _ => Ok(target),
        }
    }

    fn resolved(&self, hits: Hits, wanted: Option<&str>) -> Result<Target, String> {
        match hits {
            Hits::Leader => {
                let leader = self.leading()?;
                let epoch = self.cluster.epoch().map_or(0, |epoch| epoch.number);
                self.pin(leader, format!("leads epoch {epoch}"))
            }
            Hits::Standby => {
                let leader = self.leading()?.uid.clone();
                let standby = self
                    .alive(Role::JobManager)
                    .filter(|pod| wanted.is_none_or(|wanted| pod.name == wanted))
                    .find(|pod| pod.uid != leader && pod.ready)
                    .ok_or_else(|| match wanted {
                        Some(wanted) => format!("{wanted} is no standby JobManager that is ready"),
                        None => "no standby JobManager is ready".to_owned(),
                    })?;
                self.pin(standby, "stands by".to_owned())
            }
            Hits::BusyTaskManager => self.busy(wanted),
            Hits::AllJobmanagers => self.all_jobmanagers(),
            Hits::ApiServer => self.by_leader(|target, _| {
                let node = target.node.as_deref().unwrap_or("the node");
                format!("the API server of {node}")
            }),
            Hits::Role => self.by_leader(|_, _| "the Role that lets JobManagers patch".to_owned()),
            Hits::CheckpointFolder => {
                self.by_leader(|_, job| format!("the checkpoints of job {job}"))
            }
            Hits::Worker => self.worker(wanted),
        }
    }

    fn has(&self, need: Need) -> Result<(), String> {
        match need {
            Need::Standby if self.alive(Role::JobManager).count() < 2 => {
                Err("it needs a second JobManager".to_owned())
            }
            Need::Standby | Need::Worker | Need::StateFiles => Ok(()),
        }
    }

    /// Flink's pods of a role that run and are to stay, by name.
    fn alive(&self, role: Role) -> impl Iterator<Item = &Pod> {
        self.cluster.listed_pods().into_iter().filter(move |pod| {
            pod.role == role && pod.phase == PodPhase::Running && pod.deleting.is_none()
        })
    }

    fn leading(&self) -> Result<&Pod, String> {
        let Some(lock) = self.cluster.lock() else {
            return Err("no leader is known yet".to_owned());
        };
        if lock.holder.is_empty() {
            return Err("nobody leads: the lock was given back".to_owned());
        }
        if !self.cluster.lease_fresh(self.now) {
            return Err("nobody leads: the lease ran out".to_owned());
        }
        self.cluster
            .leader()
            .ok_or_else(|| "the address of the new leader is not written yet".to_owned())
    }

    /// The TaskManager with the most slots in use. After a loss, all tasks may be on one; and where
    /// that is not known yet, guessing could hit one that runs nothing.
    fn busy(&self, wanted: Option<&str>) -> Result<Target, String> {
        self.busy_of(wanted, |_| true)
    }

    /// The worker of the busiest TaskManager that the leader does not run on, pinned by it and with
    /// all of Flink's pods there.
    fn worker(&self, wanted: Option<&str>) -> Result<Target, String> {
        let leads = self.leading()?.node.clone();
        let alone = |pod: &Pod| {
            let node = pod.node.as_deref().unwrap_or_default();
            pod.node != leads && !node.is_empty() && !node.ends_with("-control-plane")
        };
        let busy = |pod: &&Pod| alone(pod) && wanted.is_none_or(|wanted| pod.name == wanted);
        if !self.alive(Role::TaskManager).any(|pod| busy(&pod)) {
            return Err(match wanted {
                Some(wanted) => format!("{wanted} is no TaskManager on a worker of its own"),
                None => "every TaskManager runs where the leader does: delete a pod, and its \
                         successor is spread again"
                    .to_owned(),
            });
        }
        let mut target = self.busy_of(wanted, alone)?;
        let node = target.node.clone().unwrap_or_default();
        for role in [Role::JobManager, Role::TaskManager] {
            let there = self.alive(role).filter(|pod| pod.node == target.node);
            let others: Vec<&Pod> = there.filter(|pod| pod.uid != target.uid).collect();
            for pod in others {
                target
                    .also
                    .push(self.pin(pod, "runs there too".to_owned())?);
            }
        }
        target.object = Some(format!("the worker {node}"));
        Ok(target)
    }

    /// The same of those that are meant.
    fn busy_of(
        &self,
        wanted: Option<&str>,
        meant: impl Fn(&Pod) -> bool,
    ) -> Result<Target, String> {
        let Some((seen, workers)) = &self.job.workers else {
            return Err("it is not known yet which TaskManager runs tasks".to_owned());
        };
        // A restart may have moved every task since.
        let restored = self.job.restores.iter().map(|restored| restored.at).max();
        if self.now.duration_since(*seen) > SLOTS || restored.is_some_and(|at| *seen <= at) {
            return Err("it is not known any more which TaskManager runs tasks".to_owned());
        }
        let used = |pod: &Pod| {
            let mut own = workers.iter();
            let own = own.find(|worker| Some(&worker.host) == pod.ip.as_ref());
            own.map_or(0, |worker| worker.slots.saturating_sub(worker.free))
        };
        let busiest = self
            .alive(Role::TaskManager)
            .filter(|pod| wanted.is_none_or(|wanted| pod.name == wanted) && meant(pod))
            .map(|pod| (used(pod), pod))
            .filter(|(used, _)| *used > 0)
            // Of several, the first by name: `max_by_key` would take the last one.
            .reduce(|most, next| if next.0 > most.0 { next } else { most });
        match busiest {
            Some((1, pod)) => self.pin(pod, "runs tasks in 1 slot".to_owned()),
            Some((used, pod)) => self.pin(pod, format!("runs tasks in {used} slots")),
            None => Err(match wanted {
                Some(wanted) => format!("{wanted} is no TaskManager that runs tasks"),
                None => "no TaskManager runs tasks".to_owned(),
            }),
        }
    }

    /// All of them, the leader first: it is the one by which the aim is pinned.
    fn all_jobmanagers(&self) -> Result<Target, String> {
        let leader = self.leading()?;
        let epoch = self.cluster.epoch().map_or(0, |epoch| epoch.number);
        let mut target = self.pin(leader, format!("leads epoch {epoch}"))?;
        for pod in self.alive(Role::JobManager) {
            if pod.uid != leader.uid {
                target.also.push(self.pin(pod, "stands by".to_owned())?);
            }
        }
        Ok(target)
    }

    /// What is no pod is pinned by the leader: another one may mean another lab state.
    fn by_leader(&self, object: impl Fn(&Target, &str) -> String) -> Result<Target, String> {
        let leader = self.leading()?;
        let epoch = self.cluster.epoch().map_or(0, |epoch| epoch.number);
        let job = self.lab.as_ref().and_then(|lab| lab.job.as_deref());
        let job = job.ok_or("no job is known")?;
        let mut target = self.pin(leader, format!("leads epoch {epoch}"))?;
        target.object = Some(object(&target, job));
        Ok(target)
    }

    fn pin(&self, pod: &Pod, reason: String) -> Result<Target, String> {
        if pod.container.is_none() {
            return Err(format!("the container of {} does not run", pod.name));
        }
        Ok(Target {
            pod: pod.name.clone(),
            uid: pod.uid.clone(),
            role: pod.role,
            container_name: self.container_of(pod.role),
            container: pod.container.clone(),
            node: pod.node.clone(),
            epoch: self.cluster.epoch().map(|epoch: &Epoch| epoch.id.clone()),
            reason,
            object: None,
            also: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests;
