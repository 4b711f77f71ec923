//! Carries out one failure: proves the lab, checks the pins of the target once more, hits it, and
//! tells when it was sent, when the process was gone and what proves it. Watches nothing else and
//! judges nothing.

mod pins;

use super::docker::Docker;
use super::gate::{Ours, ours};
use super::kube::{CALL, within};
use super::node::Node;
use super::open::must_open;
use super::process::{self, GONE_MS, Mark, Process, SENT_MS, short};
use super::{Events, World};
use crate::failure::{Hits, Step};
use crate::fault::Fault;
use crate::model::{BreakBegun, BreakOrder, Event, RunEvent, Target};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{AttachParams, DeleteParams, Preconditions};
use pins::{changed, container_of, pinned, still_leads, was_cut_off};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long an exec in a container may take.
const EXEC: Duration = Duration::from_secs(10);
/// How long a process may outlive its signal: the kernel frees its memory, Flink shuts down.
const FAREWELL: Duration = Duration::from_secs(20);
/// A pod without a grace period of its own has this one.
const GRACE_SECONDS: i64 = 30;
/// How long a wait in the node may take to begin.
const BEGINS: Duration = Duration::from_secs(10);
/// How long the runtime may take to write down that a process is gone.
const WRITTEN_DOWN: Duration = Duration::from_secs(5);
/// Time between two looks at that.
const LOOK: Duration = Duration::from_millis(100);
/// Stamps of one end lie closer together than this.
const SAME: SignedDuration = SignedDuration::from_secs(1);
/// Marks of one script: there are three at the most.
const MARKS: usize = 8;
/// The key of the config map that names the leader.
const DISPATCHER: &str = "org.apache.flink.k8s.leader.dispatcher";

/// Hits the target of an order and says so with events. What cannot be done is told as `Failed`,
/// after `Refused` where the run had begun.
pub async fn carry_out(world: &World, order: &BreakOrder, events: &Events) {
    let hand = match Hand::ready(world, order).await {
        Ok(hand) => hand,
        Err(fault) => return events.send(Event::Failed(fault)).await,
    };
    let begun = BreakBegun {
        run: order.run.clone(),
        failure: order.failure.clone(),
        target: hand.target.clone(),
    };
    events
        .send(Event::Run(RunEvent::Begun(Box::new(begun))))
        .await;
    for step in order.failure.steps.iter() {
        if let Err(fault) = hand.act(*step, events).await {
            events
                .send(Event::Run(RunEvent::Refused(fault.clone())))
                .await;
            return events.send(Event::Failed(fault)).await;
        }
    }
}

/// Everything needed to hit one target, proven.
struct Hand<'a> {
    ours: Ours,
    node: Node,
    target: Target,
    container: String,
    process: Process,
    grace: Duration,
    order: &'a BreakOrder,
    /// One failure at a time: nobody else changes this lab while it is hit.
    _lock: super::home::Lock,
}

impl<'a> Hand<'a> {
    async fn ready(world: &World, order: &'a BreakOrder) -> Result<Self, Fault> {
        let docker = Docker::connect(&world.addresses).await?;
        let ours = ours(world, &docker).await?;
        let lock = ours.home().lock()?;
        let lab = must_open(world)?.lab;
        let mut target = order.target.clone();
        target.container_name = container_of(&lab, target.role);
        let pods: Api<Pod> = Api::namespaced(ours.client(), ours.namespace());
        let pod = within(CALL, "Asking for the pod", pods.get_opt(&target.pod)).await?;
        let container = pinned(&target, pod.as_ref())?;
        if order.failure.hits == Hits::Leader {
            still_leads(&target, &ours.client(), ours.namespace(), &lab).await?;
        }
        let node = target.node.as_deref().and_then(|name| ours.node(name));
        let node = node
            .cloned()
            .ok_or_else(|| changed(&target, "its node is none of this lab's node containers"))?;
        let process = process::find(&node, &container).await?;
        if process.pod != target.uid {
            return Err(changed(&target, "its process belongs to another pod"));
        }
        let grace = pod
            .and_then(|pod| pod.spec?.termination_grace_period_seconds)
            .unwrap_or(GRACE_SECONDS);
        Ok(Self {
            grace: Duration::from_secs(grace.unsigned_abs()),
            ours,
            node,
            target,
            container,
            process,
            order,
            _lock: lock,
        })
    }

    async fn act(&self, step: Step, events: &Events) -> Result<(), Fault> {
        match step {
            Step::Kill => self.kill(events).await,
            Step::Terminate => {
                let limit = FAREWELL;
                self.ended_by(self.terminate(events), limit, events).await
            }
            Step::DeletePod => {
                let limit = self.grace + FAREWELL;
                self.ended_by(self.delete(events), limit, events).await
            }
            Step::Freeze
            | Step::CutOff
            | Step::ScaleToZero
            | Step::StopApiServer
            | Step::ForbidPatch
            | Step::ForbidWriting
            | Step::DeletePointers => Err(Fault::unable(
                "not-able",
                "This step cannot be carried out yet.",
            )),
        }
    }

    /// The signal and the wait are one script, which checks the process once more in between.
    async fn kill(&self, events: &Events) -> Result<(), Fault> {
        let (to, marks) = mpsc::channel(MARKS);
        let script = process::kill(&self.node, &self.process, FAREWELL, to);
        let (script, (sent, gone)) = futures::join!(script, tell(marks, events));
        match (script, sent) {
            (Err(fault), None) => Err(fault),
            _ => {
                self.prove(gone, FAREWELL, events).await;
                Ok(())
            }
        }
    }

    /// Starts to wait for the end in the node, then ends it from outside.
    async fn ended_by(
        &self,
        end: impl Future<Output = Result<(), Fault>>,
        limit: Duration,
        events: &Events,
    ) -> Result<(), Fault> {
        let (to, mut marks) = mpsc::channel(MARKS);
        let watch = process::wait(&self.node, &self.process, BEGINS + limit, to);
        let act = async {
            match timeout(BEGINS, marks.recv()).await {
                Ok(Some(Mark::Watching)) => {}
                Ok(_) => return Err(changed(&self.target, "its process ended by itself")),
                Err(_) => {
                    return Err(Fault::unable(
                        "node-silent",
                        format!("The node {} does not answer.", self.node.name),
                    ));
                }
            }
            end.await?;
            let (_, gone) = tell(marks, events).await;
            Ok(gone)
        };
        futures::pin_mut!(watch, act);
        // What ends the process fails at once or not at all; then nobody waits for its end.
        let (watched, gone) = match futures::future::select(watch, act).await {
            futures::future::Either::Left((watched, act)) => (watched, act.await?),
            futures::future::Either::Right((gone, watch)) => {
                let gone = gone?;
                (watch.await, gone)
            }
        };
        if let Err(fault) = watched {
            tracing::warn!(%fault, "the wait in the node ended early");
        }
        self.prove(gone, limit, events).await;
        Ok(())
    }

    async fn terminate(&self, events: &Events) -> Result<(), Fault> {
        let pods: Api<Pod> = Api::namespaced(self.ours.client(), self.ours.namespace());
        let how = AttachParams::default()
            .container(&self.target.container_name)
            .stdin(false)
            .stdout(true)
            .stderr(true);
        let at = Timestamp::now();
        let began = Instant::now();
        let doing = format!("Running `kill 1` in {}", self.target.pod);
        let exec = pods.exec(&self.target.pod, ["sh", "-c", "kill 1"], &how);
        let mut attached = within(EXEC, &doing, exec).await?;
        // The container may be gone before the answer is: then its end is the answer.
        if let Some(status) = attached.take_status()
            && let Ok(Some(status)) = timeout(EXEC, status).await
            && status.status.as_deref() == Some("Failure")
            && !was_cut_off(&status)
        {
            return Err(Fault::unable("exec-failed", format!("{doing} failed."))
                .why(status.message.unwrap_or_default()));
        }
        attached.abort();
        self.sent(at, began, "our clock, before the exec of `kill 1`", events)
            .await;
        Ok(())
    }

    async fn delete(&self, events: &Events) -> Result<(), Fault> {
        let pods: Api<Pod> = Api::namespaced(self.ours.client(), self.ours.namespace());
        let how = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(self.target.uid.clone()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        let at = Timestamp::now();
        let began = Instant::now();
        let doing = format!("Deleting the pod {}", self.target.pod);
        within(CALL, &doing, pods.delete(&self.target.pod, &how)).await?;
        self.sent(at, began, "our clock, before the DELETE", events)
            .await;
        Ok(())
    }

    async fn sent(&self, at: Timestamp, began: Instant, observer: &str, events: &Events) {
        let took = began.elapsed().as_millis().max(1);
        let sent = RunEvent::Sent {
            at,
            observer: observer.to_owned(),
            resolution_ms: u32::try_from(took).unwrap_or(u32::MAX),
        };
        events.send(Event::Run(sent)).await;
    }

    /// The proof that the right process ended. The runtime's own words are better than ours, but
    /// it forgets the containers of deleted pods.
    async fn prove(&self, gone: Option<Timestamp>, limit: Duration, events: &Events) {
        let who = format!(
            "container {} of {}",
            short(&self.container),
            self.target.pod
        );
        let exit = self.exit().await;
        let stamp = |at: Timestamp| at.strftime("%H:%M:%S%.3f").to_string();
        let proof = match (&exit, gone) {
            (Some(exit), _) => Ok(format!(
                "{who} exited with {}{}",
                exit.code,
                exit.at
                    .map_or_else(String::new, |at| format!(" at {} UTC", stamp(at)))
            )),
            (None, Some(at)) => Ok(format!(
                "process {} of {who} was gone at {} UTC",
                self.process.pid,
                stamp(at)
            )),
            // A miss must be seen too: a node that does not answer proves nothing either way.
            (None, None) => match process::find(&self.node, &self.container).await {
                Ok(now) if now == self.process => Err(format!(
                    "process {} of {who} still runs {} s later",
                    self.process.pid,
                    limit.as_secs()
                )),
                Ok(_) | Err(_) => return,
            },
        };
        // The runtime's stamp is the finer one, unless it tells of something else.
        if let Some(at) = exit.and_then(|exit| exit.at)
            && gone.is_none_or(|gone| at.duration_since(gone).abs() < SAME)
        {
            let gone = RunEvent::Gone {
                at,
                observer: "container runtime: finishedAt".to_owned(),
                resolution_ms: 1,
            };
            events.send(Event::Run(gone)).await;
        }
        events.send(Event::Run(RunEvent::Hit(proof))).await;
    }

    async fn exit(&self) -> Option<process::Exit> {
        let until = Instant::now() + WRITTEN_DOWN;
        let deleted = self.order.failure.steps.contains(&Step::DeletePod);
        loop {
            match process::exit(&self.node, &self.container).await {
                Ok(Some(exit)) => return Some(exit),
                // Nobody will write it down any more.
                Ok(None) if deleted => return None,
                Ok(None) => {}
                Err(fault) => tracing::warn!(%fault, "the runtime does not tell of an exit"),
            }
            if Instant::now() >= until {
                return None;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Passes the marks of a script on as events; ends with the script.
async fn tell(
    mut marks: mpsc::Receiver<Mark>,
    events: &Events,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let (mut sent, mut gone) = (None, None);
    while let Some(mark) = marks.recv().await {
        let event = match mark {
            Mark::Watching => continue,
            Mark::Sent(at) => {
                sent = Some(at);
                RunEvent::Sent {
                    at,
                    observer: "node clock, before kill".to_owned(),
                    resolution_ms: SENT_MS,
                }
            }
            Mark::Gone(at) => {
                gone = Some(at);
                RunEvent::Gone {
                    at,
                    observer: "wait on the process in the node".to_owned(),
                    resolution_ms: GONE_MS,
                }
            }
        };
        events.send(Event::Run(event)).await;
    }
    (sent, gone)
}
