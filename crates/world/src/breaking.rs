//! Carries out one failure from its proof to its undo: proves the lab, checks the pins of the target
//! once more, writes the undo down, hits, tells when it was sent, when the process was gone and what
//! proves it, keeps it applied for as long as it lasts, takes it back, and keeps others off until
//! the run is judged. Watches nothing else and judges nothing.

mod back;
mod lasting;
mod leader;
mod nodes;
mod objects;
mod pins;
mod pods;

pub use leader::stop_leader;

use super::gate::{Ours, ours};
use super::home::{Home, Lock};
use super::journal::{self, Entry};
use super::kube::{CALL, within};
use super::node::Node;
use super::open::{LabHandle, must_open};
use super::process::{self, Process};
use super::{Events, World};
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_base::units;
use flinklab_event::{BreakBegun, BreakOrder, RunEventKind, Target};
use flinklab_lab::failure::{LONGEST, Step};
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
    let mut hand = match Hand::ready(world, order).await {
        Ok(hand) => hand,
        Err(fault) => return events.failed(fault).await,
    };
    let begun = BreakBegun {
        run: order.run.clone(),
        failure: order.failure.clone(),
        target: hand.target.clone(),
    };
    events.run(RunEventKind::Begun(Box::new(begun))).await;
    let asked = asked(hand.ours.home().clone(), order.run.clone());
    let applied = tokio::select! {
        applied = hand.apply(events) => applied.map(|()| None),
        // Some steps take longer to prove than somebody waits who heals.
        () = asked => Ok(Some(End::Early(HEALED))),
        () = stop.cancelled() => Err(Fault::unable("interrupted", "The break was interrupted.")),
    };
    let mut end = match applied {
        Ok(Some(end)) => end,
        Ok(None) => hand.stay(stop).await,
        Err(fault) => {
            events.run(RunEventKind::Refused(fault.clone())).await;
            let end = match stop.is_cancelled() {
                true => End::Early(INTERRUPTED),
                false => End::Refused,
            };
            hand.take_back(&end, events, stop).await;
            hand.broken_off(&end, events).await;
            return events.failed(fault).await;
        }
    };
    if !matches!(end, End::Judged) {
        hand.take_back(&end, events, stop).await;
    }
    // Others are kept off until the run is judged; what has no time of its own is taken back then.
    if !matches!(end, End::Early(INTERRUPTED)) {
        end = hand.observed(stop).await;
        hand.take_back(&end, events, stop).await;
    }
    hand.broken_off(&end, events).await;
    drop(hand);
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

/// Everything needed to hit, proven.
struct Hand<'a> {
    world: &'a World,
    ours: Ours,
    opened: Arc<LabHandle>,
    target: Target,
    /// The pods that are hit, or the leader by which the aim is pinned.
    victims: Vec<Victim>,
    order: &'a BreakOrder,
    /// What is written down about it; none while nothing needs an undo of ours.
    entry: Option<Entry>,
    /// When the first step was done.
    since: OnceLock<Instant>,
    /// One failure at a time: nobody else changes this lab until the run is judged.
    _lock: Lock,
}

/// One pod that is hit.
#[derive(Clone)]
struct Victim {
    target: Target,
    node: Node,
    /// The container's id.
    container: String,
    process: Process,
    address: String,
    account: String,
    grace: Duration,
}

impl<'a> Hand<'a> {
    async fn ready(world: &'a World, order: &'a BreakOrder) -> Result<Self, Fault> {
        let docker = world.docker().await?;
        let ours = ours(world, must_open(world)?.as_ref(), &docker).await?;
        let doing = format!("break {}, run {}", order.failure.key, order.run);
        let lock = ours.home().lock_for(&doing)?;
        // As it is now that nobody else changes it.
        let opened = must_open(world)?;
        let lab = &opened.lab;
        // Whoever lives holds the lock; what the dead left must be gone first.
        if let Some(left) = journal::list(ours.home())?.first() {
            return Err(Fault::unable(
                "still-broken",
                format!("{} is still applied: {}.", left.failure, left.what),
            )
            .why(format!("the run {} did not take it back", left.run))
            .mend(advice!("Run `flinklab heal`.")));
        }
        let mut targets = vec![order.target.clone()];
        targets.extend(order.target.also.clone());
        let mut victims = Vec::new();
        for mut target in targets {
            target.container_name = container_of(lab, target.role);
            target.also = Vec::new();
            victims.push(Victim::prove(&ours, target).await?);
        }
        let target = Target {
            also: victims[1..].iter().map(|one| one.target.clone()).collect(),
            ..victims[0].target.clone()
        };
        // Whoever is hit, the aim is pinned by its epoch: another leader is another lab state.
        still_leads(&target, &ours.client(), ours.namespace(), lab).await?;
        Ok(Self {
            world,
            ours,
            opened,
            target,
            victims,
            order,
            entry: None,
            since: OnceLock::new(),
            _lock: lock,
        })
    }

    /// Does the steps, one after the other.
    async fn apply(&mut self, events: &Events) -> Result<(), Fault> {
        let steps = &self.order.failure.steps;
        for (at, step) in steps.iter().enumerate() {
            let last = at + 1 == steps.len();
            match step {
                Step::Kill | Step::Terminate | Step::DeletePod => {
                    self.end_pods(*step, events).await?
                }
                Step::Freeze => self.freeze(events).await?,
                Step::CutOff => self.cut_off(events).await?,
                Step::ScaleToZero => self.scale_to_zero(events).await?,
                Step::StopApiServer => self.stop_api_server(events).await?,
                Step::ForbidPatch => self.forbid_patch(events).await?,
                Step::ForbidWriting => self.forbid_writing(events).await?,
                Step::DeletePointers => self.delete_pointers(last, events).await?,
                Step::LoseStateFiles => self.lose_state_files(last, events).await?,
                Step::PauseNode => self.pause_node(events).await?,
            }
        }
        Ok(())
    }

    /// Writes acts down that take back what comes next. On disk when this returns.
    fn will_undo(&mut self, what: String, acts: Vec<journal::Act>) -> Result<(), Fault> {
        let lasts = self.order.failure.lasts.unwrap_or(LONGEST).span();
        let failure = &self.order.failure;
        let entry = self
            .entry
            .get_or_insert_with(|| Entry::new(&self.order.run, &failure.key, what, lasts));
        // The newest first.
        entry.undo.splice(0..0, acts);
        journal::write(self.ours.home(), entry)
    }

    /// The clock of `for` runs from the first step that lasts.
    fn began(&self) {
        self.since.get_or_init(Instant::now);
    }

    /// What is left of the time for which it stays applied.
    fn left(&self) -> Duration {
        let lasts = self.order.failure.lasts.unwrap_or(LONGEST);
        let lasts = Duration::from_secs(lasts.0.into());
        let since = self
            .since
            .get()
            .map_or(Duration::ZERO, |since| since.elapsed());
        lasts.saturating_sub(since)
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
        asked(self.ours.home().clone(), self.order.run.clone()).await;
    }

    /// Waits until the run is judged.
    async fn observed(&self, stop: &CancellationToken) -> End {
        let mut judged = self.world.judged.subscribe();
        let run = &self.order.run;
        tokio::select! {
            biased;
            _ = judged.wait_for(|name| name.as_deref() == Some(run)) => End::Judged,
            () = self.asked() => End::Early(HEALED),
            () = stop.cancelled() => End::Early(INTERRUPTED),
        }
    }

    /// Says that nobody will judge the run: other processes show it, and this one ends.
    async fn broken_off(&self, end: &End, events: &Events) {
        if let End::Early(INTERRUPTED) = end {
            let why = "its flinklab was interrupted".to_owned();
            events.run(RunEventKind::BrokenOff(why)).await;
        }
    }

    async fn sent(&self, at: Timestamp, began: Instant, observer: &str, events: &Events) {
        let took = began.elapsed().as_millis().max(1);
        let sent = RunEventKind::Sent {
            at,
            observer: observer.to_owned(),
            resolution_ms: u32::try_from(took).unwrap_or(u32::MAX),
        };
        events.run(sent).await;
    }

    async fn hit(&self, proof: Result<String, String>, events: &Events) {
        events.run(RunEventKind::Hit(proof)).await;
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

impl Victim {
    async fn prove(ours: &Ours, target: Target) -> Result<Self, Fault> {
        let pods: Api<Pod> = Api::namespaced(ours.client(), ours.namespace());
        let pod = within(CALL, "Asking for the pod", pods.get_opt(&target.pod)).await?;
        let container = pinned(&target, pod.as_ref())?;
        let node = target.node.as_deref().and_then(|name| ours.node(name));
        let node = node
            .cloned()
            .ok_or_else(|| changed(&target, "its node is none of this lab's node containers"))?;
        let process = process::find(&node, &container).await?;
        if process.pod != target.uid {
            return Err(changed(&target, "its process belongs to another pod"));
        }
        let (spec, status) = pod.map(|pod| (pod.spec, pod.status)).unwrap_or_default();
        let grace = spec
            .as_ref()
            .and_then(|spec| spec.termination_grace_period_seconds)
            .unwrap_or(GRACE_SECONDS);
        Ok(Self {
            grace: Duration::from_secs(grace.unsigned_abs()),
            account: spec
                .and_then(|spec| spec.service_account_name)
                .unwrap_or_else(|| "default".to_owned()),
            address: status.and_then(|status| status.pod_ip).unwrap_or_default(),
            target,
            node,
            container,
            process,
        })
    }

    /// The container and its pod, for proofs.
    fn who(&self) -> String {
        format!(
            "container {} of {}",
            units::short(&self.container, units::CONTAINER),
            self.target.pod
        )
    }
}
