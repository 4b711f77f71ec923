//! Ends processes, each with a wait in the node that stamps its end, and proves it by what the runtime
//! wrote down.

use super::BreakSession;
use crate::Events;
use crate::node::Node;
use crate::process;
use crate::process::{GONE_MS, Mark, Process, SENT_MS};
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_event::RunEventKind;
use flinklab_verb::{Ending, Exit, Proof, Victim};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

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

impl BreakSession<'_> {
    /// The signal and the wait are one script, which checks the process once more in between.
    pub(super) async fn kill_process(
        &self,
        victim: &Victim,
        limit: Duration,
    ) -> Result<Proof, Fault> {
        let node = self.node(&victim.node)?;
        let (to, marks) = mpsc::channel(MARKS);
        let process = process_of(victim);
        let script = process::kill(node, &process, limit, to);
        let (script, (sent, gone)) = futures::join!(script, tell(marks, self.events));
        match (script, sent) {
            (Err(fault), None) => Err(fault),
            _ => Ok(self.prove(victim, node, gone, limit, Exit::Kept).await),
        }
    }

    /// Starts to wait for the end in the node, then ends it from outside.
    pub(super) async fn ended_by(
        &self,
        victim: &Victim,
        ending: Ending<'_>,
    ) -> Result<Proof, Fault> {
        let node = self.node(&victim.node)?;
        let Ending {
            request,
            observer,
            limit,
            exit,
        } = ending;
        let (to, mut marks) = mpsc::channel(MARKS);
        let process = process_of(victim);
        let watch = process::wait(node, &process, BEGINS + limit, to);
        futures::pin_mut!(watch);
        begun(watch.as_mut(), &mut marks, victim, node).await?;
        let act = async {
            let (at, began) = (clock::now(), Instant::now());
            match request.await {
                Ok(()) => {
                    self.tell_sent(at, began, observer).await;
                    Ok(tell(marks, self.events).await.1)
                }
                // No answer is no refusal: what was asked for may be done all the same.
                Err(fault) if fault.code == "api-silent" => {
                    match tell(marks, self.events).await.1 {
                        Some(gone) => {
                            self.tell_sent(at, began, observer).await;
                            Ok(Some(gone))
                        }
                        None => Err(fault),
                    }
                }
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
        Ok(self.prove(victim, node, gone, limit, exit).await)
    }

    /// The proof that the right process ended. The runtime's own words are better than ours, but
    /// it forgets the containers of deleted pods. None: nothing is known.
    async fn prove(
        &self,
        victim: &Victim,
        node: &Node,
        gone: Option<Timestamp>,
        limit: Duration,
        memory: Exit,
    ) -> Proof {
        let who = victim.who();
        let exit = exit(victim, node, memory).await;
        let proof = match (&exit, gone) {
            (Some(exit), _) => Ok(format!(
                "{who} exited with {}{}",
                exit.code,
                exit.at
                    .map_or_else(String::new, |at| format!(" at {} UTC", stamp(at)))
            )),
            (None, Some(at)) => Ok(format!(
                "process {} of {who} was gone at {} UTC",
                victim.pid,
                stamp(at)
            )),
            // A miss must be seen too: a node that does not answer proves nothing either way.
            (None, None) => match process::find(node, &victim.container).await {
                Ok(now) if now == process_of(victim) => Err(format!(
                    "process {} of {who} still runs {} s later",
                    victim.pid,
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
            self.events.run(gone).await;
        }
        Some(proof)
    }
}

/// Waits until a wait in the node has begun. One that ends first never began, and says why.
async fn begun(
    watch: impl Future<Output = Result<(), Fault>>,
    marks: &mut mpsc::Receiver<Mark>,
    victim: &Victim,
    node: &Node,
) -> Result<(), Fault> {
    let itself = || victim.changed("its process ended by itself");
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

async fn exit(victim: &Victim, node: &Node, memory: Exit) -> Option<process::Exit> {
    let until = Instant::now() + WRITTEN_DOWN;
    loop {
        match process::exit(node, &victim.container).await {
            Ok(Some(exit)) => return Some(exit),
            // Nobody will write it down any more.
            Ok(None) if memory == Exit::Forgotten => return None,
            Ok(None) => {}
            Err(fault) => tracing::warn!(%fault, "the runtime does not tell of an exit"),
        }
        if Instant::now() >= until {
            return None;
        }
        clock::sleep(LOOK).await;
    }
}

/// The process of a victim, as its node counts.
fn process_of(victim: &Victim) -> Process {
    Process {
        pid: victim.pid,
        start: victim.start,
        pod: victim.uid.clone(),
    }
}

fn stamp(at: Timestamp) -> String {
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
