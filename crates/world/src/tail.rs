//! Logs of all JobManagers and TaskManagers, followed through restarts of their containers. Bounded
//! in a second as well as in a line: a flood is counted, not shown. A pod that prints a lot wakes
//! its reader hundreds of times a second; unless somebody looks or something is wrong, it is
//! glanced at every few seconds instead, by one request for what is new. Ordering across pods is
//! the model's.

mod lines;

use super::Events;
use super::beat::beat;
use super::watch::WatchInputs;
use flinklab_base::clock;
use flinklab_base::clock::{Instant, sleep};
use flinklab_event::{DetailLevel, Event, LogLine, Pod, PollMode};
use flinklab_lab::Roles;
use flinklab_lab::failure::Role;
use futures::stream::{FuturesUnordered, StreamExt};
use futures::{AsyncBufRead, AsyncBufReadExt};
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, LogParams};
use lines::Lines;
pub(super) use lines::highlight;
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Lines of the past that are read of a pod that was there before us, and of one that came later.
const PAST: i64 = 200;
const NEW: i64 = 2000;
/// Lines of a container's past life that are read at the most.
const LAST_WORDS: i64 = 500;
/// How long lines are gathered before they are sent, and how many at the most.
const GATHER: Duration = Duration::from_millis(100);
const BATCH: usize = 200;
/// The same for what lay ready already.
const READY: Duration = Duration::from_millis(20);
/// How long what comes is left to gather while all is well and nobody waits for it. A pod that says
/// something ten times a second would wake us as often: most of what watching an idle lab costs.
const UNHURRIED: Duration = Duration::from_secs(1);
/// Lines in a second that make a pod one that prints a lot, and one that does not any more.
const CHATTY: u64 = 100;
const QUIET: u64 = 50;
/// Between two glances at a pod that prints a lot.
const GLANCE: Duration = Duration::from_secs(2);
/// Lines of a glance at the least and at the most. The kubelet reads them from the file's end: as
/// many as came since the last glance, and some more.
const GLANCED: (u64, u64) = (2_000, 50_000);
/// How long it may take until a log is open, and until a finished one is read.
const OPEN: Duration = Duration::from_secs(5);
/// Pauses between attempts: a log that ends at once is not asked for in a hurry again.
const PAUSE: Duration = Duration::from_millis(500);
const LONG_PAUSE: Duration = Duration::from_secs(30);
/// Pauses while the API server does not answer.
const AWAY: Duration = Duration::from_secs(2);
/// Pods followed at once.
const PODS: usize = 64;

/// Follows until it is dropped.
pub(super) async fn follow(
    client: Client,
    namespace: String,
    roles: Roles,
    mut sights: WatchInputs,
    (pace, attention): (watch::Receiver<PollMode>, watch::Receiver<DetailLevel>),
    events: Events,
) {
    let api: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(client, &namespace);
    let mut known = BTreeSet::new();
    let mut first = true;
    let mut following = FuturesUnordered::new();
    loop {
        let pods: Arc<[Pod]> = sights.pods.borrow_and_update().clone();
        for pod in pods.iter() {
            if known.len() >= PODS || !known.insert(pod.uid.clone()) {
                continue;
            }
            let container = match pod.role {
                Role::JobManager => roles.jobmanager.container.clone(),
                Role::TaskManager => roles.taskmanager.container.clone(),
            };
            let one = One {
                api: api.clone(),
                uid: pod.uid.clone(),
                name: pod.name.clone(),
                container,
                pods: sights.pods.clone(),
                events: events.clone(),
                pace: pace.clone(),
                attention: attention.clone(),
                past: if first { PAST } else { NEW },
                seen: None,
                chatty: None,
            };
            following.push(one.follow());
        }
        first &= pods.is_empty();
        tokio::select! {
            changed = sights.pods.changed() => if changed.is_err() {
                return;
            },
            Some(uid) = following.next() => { known.remove(&uid); }
        }
    }
}

/// One pod's log.
struct One {
    api: Api<k8s_openapi::api::core::v1::Pod>,
    uid: String,
    name: String,
    container: String,
    pods: watch::Receiver<Arc<[Pod]>>,
    events: Events,
    /// Lines of the past to begin with.
    past: i64,
    pace: watch::Receiver<PollMode>,
    attention: watch::Receiver<DetailLevel>,
    /// The newest stamp that was read: a log asked for again begins in the same second.
    seen: Option<Timestamp>,
    /// Lines in a second, of a pod that prints a lot.
    chatty: Option<u64>,
}

/// How a log came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It had lines, and ended.
    Some,
    /// There was nothing in it.
    Nothing,
    /// It goes on, but there is too much of it to be followed.
    Chatty,
    /// It could not be read.
    Away,
}

impl One {
    /// Until the pod is gone; answers its uid.
    async fn follow(mut self) -> String {
        let mut before: Option<String> = None;
        let mut pause = PAUSE;
        while let Some(container) = self.running().await {
            if before.as_ref().is_some_and(|before| *before != container) {
                self.read(self.params(Life::Previous)).await;
                pause = PAUSE;
                self.chatty = None;
            }
            before = Some(container.clone());
            let end = match self.chatty {
                Some(rate) if !self.wanted() => self.glance(rate).await,
                _ => self.read(self.params(Life::Current)).await,
            };
            pause = match end {
                End::Some => PAUSE,
                End::Nothing => (pause * 2).min(LONG_PAUSE),
                End::Chatty => GLANCE,
                End::Away => AWAY,
            };
            self.pause(pause, &container, end).await;
        }
        self.uid
    }

    /// Whether every line is wanted as it comes: something is wrong, or somebody looks.
    fn wanted(&self) -> bool {
        *self.pace.borrow() == PollMode::Trouble || *self.attention.borrow() == DetailLevel::Output
    }

    /// Until every line is wanted as it comes.
    fn hurry(&self) -> impl Future<Output = ()> + use<> {
        let (mut pace, mut attention) = (self.pace.clone(), self.attention.clone());
        async move {
            let trouble = pace.wait_for(|pace| *pace == PollMode::Trouble);
            let looks = attention.wait_for(|attention| *attention == DetailLevel::Output);
            tokio::select! { _ = trouble => {} _ = looks => {} }
        }
    }

    /// Until there may be more to read: the container ended, or the API server did, or the next
    /// glance is due. Whoever wants every line does not wait for a glance.
    async fn pause(&mut self, pause: Duration, container: &str, end: End) {
        let hurry = self.hurry();
        let wanted = async {
            match end {
                End::Chatty => hurry.await,
                End::Some | End::Nothing | End::Away => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = self.other_than(container) => {}
            () = wanted => {}
        }
    }

    /// One request for what is new.
    async fn glance(&mut self, rate: u64) -> End {
        let began = self.seen;
        let lines = (rate * GLANCE.as_secs() * 2).clamp(GLANCED.0, GLANCED.1);
        let params = LogParams {
            follow: false,
            tail_lines: i64::try_from(lines).ok(),
            ..self.params(Life::Current)
        };
        let (end, count) = self.read_counted(params).await;
        if matches!(end, End::Away) {
            return end;
        }
        let seconds = match (began, self.seen) {
            (Some(began), Some(seen)) => seen.duration_since(began).as_secs_f64().max(1.0),
            _ => GLANCE.as_secs_f64(),
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        let rate = (count as f64 / seconds) as u64; // lines of some seconds
        self.chatty = (rate >= QUIET).then_some(rate);
        End::Chatty
    }

    /// The id of the container that runs, once one does; none when the pod is gone.
    async fn running(&mut self) -> Option<String> {
        let uid = self.uid.clone();
        let seen = self.pods.wait_for(|pods| {
            let pod = pods.iter().find(|pod| pod.uid == uid);
            pod.is_none_or(|pod| pod.container.is_some())
        });
        let pods = seen.await.ok()?;
        pods.iter().find(|pod| pod.uid == uid)?.container.clone()
    }

    async fn other_than(&mut self, container: &str) {
        let uid = self.uid.clone();
        let seen = self.pods.wait_for(|pods| {
            let pod = pods.iter().find(|pod| pod.uid == uid);
            pod.is_none_or(|pod| pod.container.as_deref() != Some(container))
        });
        let _ = seen.await;
    }

    fn params(&self, life: Life) -> LogParams {
        LogParams {
            container: Some(self.container.clone()),
            follow: life == Life::Current,
            previous: life == Life::Previous,
            timestamps: true,
            since_time: self.seen,
            tail_lines: match (life, self.seen) {
                (Life::Previous, _) => Some(LAST_WORDS),
                (Life::Current, None) => Some(self.past),
                (Life::Current, Some(_)) => None,
            },
            ..LogParams::default()
        }
    }

    async fn read(&mut self, params: LogParams) -> End {
        self.read_counted(params).await.0
    }

    /// Reads, and counts the lines.
    async fn read_counted(&mut self, params: LogParams) -> (End, u64) {
        let opened = timeout(OPEN, self.api.log_stream(&self.name, &params)).await;
        let Ok(Ok(stream)) = opened else {
            return (End::Away, 0);
        };
        if params.follow {
            self.lines(stream, Manner::Follow).await
        } else {
            timeout(OPEN, self.lines(stream, Manner::Once))
                .await
                .unwrap_or((End::Away, 0))
        }
    }

    async fn lines(&mut self, stream: impl AsyncBufRead, manner: Manner) -> (End, u64) {
        let mut stream = pin!(stream);
        let mut lines = Lines::after(self.name.clone(), self.seen);
        let mut batch: Vec<LogLine> = Vec::new();
        let mut gathered = Instant::now();
        let mut gather = GATHER;
        let end = loop {
            let left = gather.saturating_sub(gathered.elapsed());
            let read = if lines.pending(&batch) {
                clock::patience(left, stream.fill_buf()).await.ok()
            } else {
                Some(stream.fill_buf().await)
            };
            let now = Instant::now();
            let ended = match read {
                Some(Ok([])) => Some(lines.end()),
                Some(Err(_)) => Some(End::Away),
                Some(Ok(bytes)) => {
                    if batch.is_empty() {
                        gathered = now;
                    }
                    let length = bytes.len();
                    lines.take(bytes, now, &mut batch);
                    stream.as_mut().consume(length);
                    None
                }
                None => None,
            };
            let mut unhurried = false;
            let ended = match lines.rate() {
                Some(rate) if ended.is_none() && manner == Manner::Follow && rate >= CHATTY => {
                    self.chatty = Some(rate);
                    (!self.wanted()).then_some(End::Chatty)
                }
                _ => ended,
            };
            if ended.is_some() || gathered.elapsed() >= gather || batch.len() >= BATCH {
                if ended.is_some() || lines.over(now) {
                    lines.report(&mut batch);
                }
                gathered = now;
                self.seen = lines.newest();
                unhurried = manner == Manner::Follow && batch.len() < BATCH && !self.wanted();
                if !batch.is_empty() {
                    self.events
                        .send(Event::Log(std::mem::take(&mut batch)))
                        .await;
                }
            }
            if let Some(end) = ended {
                break end;
            }
            gather = GATHER;
            if unhurried {
                let hurry = self.hurry();
                tokio::select! { () = beat(UNHURRIED) => {} () = hurry => {} }
                gather = READY;
            }
        };
        self.seen = lines.newest();
        (end, lines.count())
    }
}

/// Whether a log is read to its present end, or what comes after it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Follow,
    Once,
}

/// Which of a container's lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// The one that goes on.
    Current,
    /// The one before the newest restart.
    Previous,
}
