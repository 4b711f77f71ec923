//! Ends processes and pods, each with a wait in the node that stamps its end, and proves it by what
//! the runtime wrote down.

use super::pins::{changed, was_cut_off};
use super::{Hand, Victim};
use crate::Events;
use crate::kube::{CALL, within};
use crate::node::Node;
use crate::process;
use crate::process::{GONE_MS, Mark, SENT_MS};
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_event::{RunEventKind, Target};
use flinklab_lab::failure::Step;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{AttachParams, DeleteParams, Preconditions};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long an exec in a container may take.
const EXEC: Duration = Duration::from_secs(10);
/// How long a process may outlive its signal: the kernel frees its memory, Flink shuts down.
pub(super) const FAREWELL: Duration = Duration::from_secs(20);
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

/// A request that ends something: when it went out and by whose clock.
pub(super) struct Request {
    at: Timestamp,
    began: Instant,
    observer: &'static str,
}

impl Request {
    pub(super) fn now(observer: &'static str) -> Self {
        Self {
            at: clock::now(),
            began: Instant::now(),
            observer,
        }
    }
}

/// Whether the runtime still knows a container whose process ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// It stays in its pod.
    Kept,
    /// It goes with its pod.
    Gone,
}

type Proof = Option<Result<String, String>>;

impl Hand<'_> {
    /// Ends the process or pod of every victim at once, and proves it.
    pub(super) async fn end_pods(&self, step: Step, events: &Events) -> Result<(), Fault> {
        let all = self
            .victims
            .iter()
            .map(|victim| self.end(step, victim, events));
        let all: Vec<Result<Proof, Fault>> = futures::future::join_all(all).await;
        // One that was hit makes it a break; the others are told as missed.
        if all.iter().all(Result::is_err) {
            return all
                .into_iter()
                .next()
                .map_or(Ok(()), |first| first.map(drop));
        }
        let mut words = Vec::new();
        for one in all {
            match one {
                Ok(Some(Ok(proof))) => words.push(proof),
                Ok(Some(Err(why))) => {
                    self.hit(Err(why), events).await;
                    return Ok(());
                }
                Err(fault) => {
                    self.hit(Err(fault.to_string()), events).await;
                    return Ok(());
                }
                // Not known of one: nothing is proven.
                Ok(None) => return Ok(()),
            }
        }
        self.hit(Ok(words.join("; ")), events).await;
        Ok(())
    }

    async fn end(&self, step: Step, victim: &Victim, events: &Events) -> Result<Proof, Fault> {
        match step {
            Step::Kill => self.kill(victim, events).await,
            Step::DeletePod => {
                let limit = victim.grace + FAREWELL;
                self.ended_by(victim, self.delete(victim), limit, Memory::Gone, events)
                    .await
            }
            _ => {
                self.ended_by(
                    victim,
                    self.terminate(victim),
                    FAREWELL,
                    Memory::Kept,
                    events,
                )
                .await
            }
        }
    }

    /// The signal and the wait are one script, which checks the process once more in between.
    async fn kill(&self, victim: &Victim, events: &Events) -> Result<Proof, Fault> {
        let (to, marks) = mpsc::channel(MARKS);
        let script = process::kill(&victim.node, &victim.process, FAREWELL, to);
        let (script, (sent, gone)) = futures::join!(script, tell(marks, events));
        match (script, sent) {
            (Err(fault), None) => Err(fault),
            _ => Ok(self
                .prove(victim, gone, FAREWELL, Memory::Kept, events)
                .await),
        }
    }

    /// Starts to wait for the end in the node, then ends it from outside.
    pub(super) async fn ended_by(
        &self,
        victim: &Victim,
        end: impl Future<Output = (Request, Result<(), Fault>)>,
        limit: Duration,
        memory: Memory,
        events: &Events,
    ) -> Result<Proof, Fault> {
        let (to, mut marks) = mpsc::channel(MARKS);
        let watch = process::wait(&victim.node, &victim.process, BEGINS + limit, to);
        futures::pin_mut!(watch);
        begun(watch.as_mut(), &mut marks, &victim.target, &victim.node).await?;
        let act = async {
            let (request, answer) = end.await;
            match answer {
                Ok(()) => {
                    self.sent(request.at, request.began, request.observer, events)
                        .await;
                    Ok(tell(marks, events).await.1)
                }
                // No answer is no refusal: what was asked for may be done all the same.
                Err(fault) if fault.code == "api-silent" => match tell(marks, events).await.1 {
                    Some(gone) => {
                        self.sent(request.at, request.began, request.observer, events)
                            .await;
                        Ok(Some(gone))
                    }
                    None => Err(fault),
                },
                Err(fault) => Err(fault),
            }
        };
        futures::pin_mut!(act);
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
        Ok(self.prove(victim, gone, limit, memory, events).await)
    }

    async fn terminate(&self, victim: &Victim) -> (Request, Result<(), Fault>) {
        let pods: Api<Pod> = Api::namespaced(self.ours.client(), self.ours.namespace());
        let how = AttachParams::default()
            .container(&victim.target.container_name)
            .stdin(false)
            .stdout(true)
            .stderr(true);
        let request = Request::now("our clock, before the exec of `kill 1`");
        let name = &victim.target.pod;
        let doing = format!("Running `kill 1` in {name}");
        let exec = pods.exec(name, ["sh", "-c", "kill 1"], &how);
        let mut attached = match within(EXEC, &doing, exec).await {
            Ok(attached) => attached,
            Err(fault) => return (request, Err(fault)),
        };
        // The container may be gone before the answer is: then its end is the answer.
        let refused = match attached.take_status() {
            Some(status) => match timeout(EXEC, status).await {
                Ok(Some(status))
                    if status.status.as_deref() == Some("Failure") && !was_cut_off(&status) =>
                {
                    Some(status.message.unwrap_or_default())
                }
                _ => None,
            },
            None => None,
        };
        attached.abort();
        let answer = match refused {
            None => Ok(()),
            Some(why) => Err(Fault::unable("exec-failed", format!("{doing} failed.")).why(why)),
        };
        (request, answer)
    }

    async fn delete(&self, victim: &Victim) -> (Request, Result<(), Fault>) {
        let pods: Api<Pod> = Api::namespaced(self.ours.client(), self.ours.namespace());
        let how = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(victim.target.uid.clone()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        let request = Request::now("our clock, before the DELETE");
        let doing = format!("Deleting the pod {}", victim.target.pod);
        let answer = within(CALL, &doing, pods.delete(&victim.target.pod, &how)).await;
        (request, answer.map(drop))
    }

    /// The proof that the right process ended. The runtime's own words are better than ours, but
    /// it forgets the containers of deleted pods. None: nothing is known.
    async fn prove(
        &self,
        victim: &Victim,
        gone: Option<Timestamp>,
        limit: Duration,
        memory: Memory,
        events: &Events,
    ) -> Proof {
        let who = victim.who();
        let exit = exit(victim, memory).await;
        let proof = match (&exit, gone) {
            (Some(exit), _) => Ok(format!(
                "{who} exited with {}{}",
                exit.code,
                exit.at
                    .map_or_else(String::new, |at| format!(" at {} UTC", stamp(at)))
            )),
            (None, Some(at)) => Ok(format!(
                "process {} of {who} was gone at {} UTC",
                victim.process.pid,
                stamp(at)
            )),
            // A miss must be seen too: a node that does not answer proves nothing either way.
            (None, None) => match process::find(&victim.node, &victim.container).await {
                Ok(now) if now == victim.process => Err(format!(
                    "process {} of {who} still runs {} s later",
                    victim.process.pid,
                    limit.as_secs()
                )),
                Ok(_) | Err(_) => return None,
            },
        };
        // The runtime's stamp is the finer one, unless it tells of something else.
        if let Some(at) = exit.and_then(|exit| exit.at)
            && gone.is_none_or(|gone| at.duration_since(gone).abs() < SAME)
        {
            let gone = RunEventKind::Gone {
                at,
                observer: "container runtime: finishedAt".to_owned(),
                resolution_ms: 1,
            };
            events.run(gone).await;
        }
        Some(proof)
    }
}

/// Waits until a wait in the node has begun. One that ends first never began, and says why.
async fn begun(
    watch: impl Future<Output = Result<(), Fault>>,
    marks: &mut mpsc::Receiver<Mark>,
    target: &Target,
    node: &Node,
) -> Result<(), Fault> {
    let itself = || changed(target, "its process ended by itself");
    tokio::select! {
        biased;
        ended = watch => Err(match ended {
            Err(fault) if fault.code != "target-changed" => fault,
            _ => itself(),
        }),
        mark = timeout(BEGINS, marks.recv()) => match mark {
            Ok(Some(Mark::Watching)) => Ok(()),
            Ok(_) => Err(itself()),
            Err(_) => Err(Fault::unable(
                "node-silent",
                format!("The node {} does not answer.", node.name),
            )),
        },
    }
}

async fn exit(victim: &Victim, memory: Memory) -> Option<process::Exit> {
    let until = Instant::now() + WRITTEN_DOWN;
    loop {
        match process::exit(&victim.node, &victim.container).await {
            Ok(Some(exit)) => return Some(exit),
            // Nobody will write it down any more.
            Ok(None) if memory == Memory::Gone => return None,
            Ok(None) => {}
            Err(fault) => tracing::warn!(%fault, "the runtime does not tell of an exit"),
        }
        if Instant::now() >= until {
            return None;
        }
        clock::sleep(LOOK).await;
    }
}

pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%H:%M:%S%.3f").to_string()
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
                RunEventKind::Sent {
                    at,
                    observer: "node clock, before kill".to_owned(),
                    resolution_ms: SENT_MS,
                }
            }
            Mark::Gone(at) => {
                gone = Some(at);
                RunEventKind::Gone {
                    at,
                    observer: "wait on the process in the node".to_owned(),
                    resolution_ms: GONE_MS,
                }
            }
        };
        events.run(event).await;
    }
    (sent, gone)
}

#[cfg(test)]
mod tests;
