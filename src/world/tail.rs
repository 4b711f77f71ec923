//! Logs of all JobManagers and TaskManagers, followed through restarts of their containers. Bounded
//! in a second as well as in a line: a flood is counted, not shown. Ordering across pods is the
//! model's.

mod lines;

use super::Events;
use super::watch::Sights;
use crate::failure::Role;
use crate::lab::Roles;
use crate::model::{Event, LogLine, Pod};
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
use tokio::time::{Instant, timeout};

/// Lines of the past that are read of a pod that was there before us, and of one that came later.
const PAST: i64 = 200;
const NEW: i64 = 2000;
/// Lines of a container's past life that are read at the most.
const LAST_WORDS: i64 = 500;
/// How long lines are gathered before they are sent, and how many at the most.
const GATHER: Duration = Duration::from_millis(100);
const BATCH: usize = 200;
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
    mut sights: Sights,
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
                past: if first { PAST } else { NEW },
                seen: None,
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
    /// The newest stamp that was read: a log asked for again begins in the same second.
    seen: Option<Timestamp>,
}

/// How a log came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It had lines, and ended.
    Some,
    /// There was nothing in it.
    Nothing,
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
            }
            before = Some(container.clone());
            let end = self.read(self.params(Life::Current)).await;
            pause = match end {
                End::Some => PAUSE,
                End::Nothing => (pause * 2).min(LONG_PAUSE),
                End::Away => AWAY,
            };
            // The container ended, or the API server did: either way it may take a while.
            let changed = self.other_than(&container);
            let _ = timeout(pause, changed).await;
        }
        self.uid
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
        let opened = timeout(OPEN, self.api.log_stream(&self.name, &params)).await;
        let Ok(Ok(stream)) = opened else {
            return End::Away;
        };
        match params.follow {
            true => self.lines(stream).await,
            // A finished log has an end.
            false => timeout(OPEN, self.lines(stream)).await.unwrap_or(End::Away),
        }
    }

    async fn lines(&mut self, stream: impl AsyncBufRead) -> End {
        let mut stream = pin!(stream);
        let mut lines = Lines::after(self.name.clone(), self.seen);
        let mut batch: Vec<LogLine> = Vec::new();
        let mut gathered = Instant::now();
        let end = loop {
            let left = GATHER.saturating_sub(gathered.elapsed());
            let read = match lines.pending(&batch) {
                false => Some(stream.fill_buf().await),
                true => timeout(left, stream.fill_buf()).await.ok(),
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
            if ended.is_some() || gathered.elapsed() >= GATHER || batch.len() >= BATCH {
                if ended.is_some() || lines.over(now) {
                    lines.report(&mut batch);
                }
                gathered = now;
                self.seen = lines.newest();
                if !batch.is_empty() {
                    self.events
                        .send(Event::Log(std::mem::take(&mut batch)))
                        .await;
                }
            }
            if let Some(end) = ended {
                break end;
            }
        };
        self.seen = lines.newest();
        end
    }
}

/// Which of a container's lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// The one that goes on.
    Current,
    /// The one before the newest restart.
    Previous,
}
