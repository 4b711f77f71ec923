//! Carries out one failure from its proof to its undo: proves the lab, checks the pins of the target
//! once more, has its verbs applied (`injection` is what they are given), keeps it applied for as long
//! as it lasts, takes it back, and keeps others off until the run is judged. Watches nothing else and
//! judges nothing.

mod back;
mod injection;
mod leader;
mod pins;
mod pods;

pub use leader::stop_leader;

use super::access::LiveCluster;
use super::gate::{Ours, ours};
use super::home::{Home, Lock};
use super::journal::{self, Entry};
use super::kube::{CALL, within};
use super::open::{LabHandle, must_open};
use super::process;
use super::{Events, World};
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_event::{BreakBegun, BreakOrder, RunEventKind, Target};
use flinklab_verb::{Injection, Victim};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use pins::{changed, container_of, pinned, still_leads};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A pod without a grace period of its own has this one.
const GRACE_SECONDS: i64 = 30;
/// How often the owner of an entry looks whether somebody wants it undone.
const LOOK: Duration = Duration::from_millis(250);
/// How long a script in a node may take that says nothing on its way.
const IN_NODE: Duration = Duration::from_secs(20);
/// The key of the config map that names the leader.
const DISPATCHER: &str = "org.apache.flink.k8s.leader.dispatcher";

/// Hits the target of an order and says so with events. What cannot be done is told as `Failed`,
/// after `Refused` where the run had begun. Ends when the run is judged and all is taken back.
pub async fn carry_out(
    world: &World,
    order: &BreakOrder,
    events: &Events,
    stop: &CancellationToken,
) {
    let events = &events.answering(order.kind());
    let proven = match Proven::now(world, order).await {
        Ok(proven) => proven,
        Err(fault) => return events.failed(fault).await,
    };
    let mut session = match BreakSession::ready(world, &proven, order, events).await {
        Ok(session) => session,
        Err(fault) => return events.failed(fault).await,
    };
    let begun = BreakBegun {
        run: order.run.clone(),
        failure: order.failure.clone(),
        target: session.target.clone(),
    };
    events.run(RunEventKind::Begun(Box::new(begun))).await;
    let asked = asked(proven.ours.home().clone(), order.run.clone());
    let applied = tokio::select! {
        applied = session.apply() => applied.map(|()| None),
        // Some steps take longer to prove than somebody waits who heals.
        () = asked => Ok(Some(End::Early(HEALED))),
        () = stop.cancelled() => Err(Fault::unable("interrupted", "The break was interrupted.")),
    };
    let mut end = match applied {
        Ok(Some(end)) => end,
        Ok(None) => session.stay(stop).await,
        Err(fault) => {
            events.run(RunEventKind::Refused(fault.clone())).await;
            let end = if stop.is_cancelled() {
                End::Early(INTERRUPTED)
            } else {
                End::Refused
            };
            session.take_back(&end, stop).await;
            session.broken_off(&end).await;
            return events.failed(fault).await;
        }
    };
    if !matches!(end, End::Judged) {
        session.take_back(&end, stop).await;
    }
    // Others are kept off until the run is judged; what has no time of its own is taken back then.
    if !matches!(end, End::Early(INTERRUPTED)) {
        end = session.observed(stop).await;
        session.take_back(&end, stop).await;
    }
    session.broken_off(&end).await;
    drop(session);
    drop(proven);
    events.run(RunEventKind::Over).await;
}

/// Why a failure is taken back now.
enum End {
    /// Its time is over.
    Time,
    /// The run is, or will be, judged.
    Judged,
    /// Somebody wants it undone before its time.
    Early(&'static str),
    /// It could not be carried out.
    Refused,
}

/// The lab as it was proven for one failure, and held: nobody else changes it until the run is judged.
struct Proven {
    ours: Ours,
    opened: Arc<LabHandle>,
    _lock: Lock,
}

impl Proven {
    async fn now(world: &World, order: &BreakOrder) -> Result<Self, Fault> {
        let docker = world.docker().await?;
        let ours = ours(world, must_open(world)?.as_ref(), &docker).await?;
        let doing = format!("break {}, run {}", order.failure.key, order.run);
        let lock = ours.home().lock_for(&doing)?;
        // As it is now that nobody else changes it.
        let opened = must_open(world)?;
        // Whoever lives holds the lock; what the dead left must be gone first.
        if let Some(left) = journal::list(ours.home())?.first() {
            return Err(Fault::unable(
                "still-broken",
                format!("{} is still applied: {}.", left.failure, left.what),
            )
            .why(format!("the run {} did not take it back", left.run))
            .hint(advice!("Run `flinklab heal`.")));
        }
        Ok(Self {
            ours,
            opened,
            _lock: lock,
        })
    }
}

/// One failure that is applied and taken back.
struct BreakSession<'a> {
    cluster: LiveCluster<'a>,
    order: &'a BreakOrder,
    events: &'a Events,
    target: Target,
    /// The pods that are hit, or the leader by which the aim is pinned.
    victims: Vec<Victim>,
    /// What is written down about it; none while nothing needs an undo of ours.
    entry: Option<Entry>,
    /// How many acts of the entry the step that is applied now has written.
    written: usize,
    /// Whether no other step follows the one that is applied now.
    is_last: bool,
    /// When the first step that lasts was done.
    since: OnceLock<Instant>,
}

impl<'a> BreakSession<'a> {
    async fn ready(
        world: &'a World,
        Proven { ours, opened, .. }: &'a Proven,
        order: &'a BreakOrder,
        events: &'a Events,
    ) -> Result<Self, Fault> {
        let lab = &opened.lab;
        let mut targets = vec![order.target.clone()];
        targets.extend(order.target.also.clone());
        let mut victims = Vec::new();
        for target in &mut targets {
            target.container_name = container_of(lab, target.role);
            target.also = Vec::new();
            victims.push(prove(ours, target).await?);
        }
        let mut target = targets.remove(0);
        target.also = targets;
        // Whoever is hit, the aim is pinned by its epoch: another leader is another lab state.
        still_leads(&target, &ours.client(), ours.namespace(), lab).await?;
        Ok(Self {
            cluster: LiveCluster {
                world,
                opened,
                ours,
            },
            order,
            events,
            target,
            victims,
            entry: None,
            written: 0,
            is_last: false,
            since: OnceLock::new(),
        })
    }

    /// Does the steps, one after the other.
    async fn apply(&mut self) -> Result<(), Fault> {
        let steps = &self.order.failure.steps;
        for (at, step) in steps.iter().enumerate() {
            self.written = 0;
            self.is_last = at + 1 == steps.len();
            step.apply(self).await?;
        }
        Ok(())
    }

    /// Stays applied until its time is over, or somebody wants it undone.
    async fn stay(&self, stop: &CancellationToken) -> End {
        if self.order.failure.lasts.is_none() {
            return End::Judged;
        }
        tokio::select! {
            () = clock::sleep(self.left()) => End::Time,
            () = self.asked() => End::Early(HEALED),
            () = stop.cancelled() => End::Early(INTERRUPTED),
        }
    }

    async fn asked(&self) {
        asked(self.cluster.ours.home().clone(), self.order.run.clone()).await;
    }

    /// Waits until the run is judged.
    async fn observed(&self, stop: &CancellationToken) -> End {
        let mut judged = self.cluster.world.judged.subscribe();
        let run = &self.order.run;
        tokio::select! {
            biased;
            _ = judged.wait_for(|name| name.as_deref() == Some(run)) => End::Judged,
            () = self.asked() => End::Early(HEALED),
            () = stop.cancelled() => End::Early(INTERRUPTED),
        }
    }

    /// Says that nobody will judge the run: other processes show it, and this one ends.
    async fn broken_off(&self, end: &End) {
        if let End::Early(INTERRUPTED) = end {
            let why = "its flinklab was interrupted".to_owned();
            self.events.run(RunEventKind::BrokenOff(why)).await;
        }
    }

    async fn tell_sent(&self, at: Timestamp, began: Instant, observer: &str) {
        let took = began.elapsed().as_millis().max(1);
        let sent = RunEventKind::Sent {
            at,
            observer: observer.to_owned(),
            resolution_ms: u32::try_from(took).unwrap_or(u32::MAX),
        };
        self.events.run(sent).await;
    }
}

/// Waits until somebody wants the run undone.
async fn asked(home: Home, run: String) {
    while !journal::is_asked_to_stop(&home, &run) {
        clock::sleep(LOOK).await;
    }
}

/// Why a run was undone by `flinklab heal` or `U`.
const HEALED: &str = "healed from outside";
/// Why a run was undone when this program ended.
const INTERRUPTED: &str = "interrupted";

/// A pod that is to be hit, if it is still the one that was aimed at.
async fn prove(ours: &Ours, target: &Target) -> Result<Victim, Fault> {
    let pods: Api<Pod> = Api::namespaced(ours.client(), ours.namespace());
    let pod = within(CALL, "Asking for the pod", pods.get_opt(&target.pod)).await?;
    let container = pinned(target, pod.as_ref())?;
    let node = target.node.as_deref().and_then(|name| ours.node(name));
    let node =
        node.ok_or_else(|| changed(target, "its node is none of this lab's node containers"))?;
    let process = process::find(node, &container).await?;
    if process.pod != target.uid {
        return Err(changed(target, "its process belongs to another pod"));
    }
    let (spec, status) = pod.map(|pod| (pod.spec, pod.status)).unwrap_or_default();
    let grace = spec
        .as_ref()
        .and_then(|spec| spec.termination_grace_period_seconds)
        .unwrap_or(GRACE_SECONDS);
    Ok(Victim {
        role: target.role,
        pod: target.pod.clone(),
        uid: target.uid.clone(),
        node: node.name.clone(),
        container_name: target.container_name.clone(),
        container,
        pid: process.pid,
        start: process.start,
        address: status.and_then(|status| status.pod_ip).unwrap_or_default(),
        account: spec
            .and_then(|spec| spec.service_account_name)
            .unwrap_or_else(|| "default".to_owned()),
        grace: Duration::from_secs(grace.unsigned_abs()),
    })
}
