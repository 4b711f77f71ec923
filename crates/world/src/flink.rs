//! Flink's REST, asked again and again: through the API server's pod proxy, and through the
//! NodePort on loopback where that way fails. Reads jobs and checkpoints; submits nothing.

pub(super) mod detail;
mod exact;
mod replies;
mod route;

use super::Events;
use super::watch::{Links, PollIntervals, WatchInputs};
use bytes::Bytes;
use exact::Counter;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_event::{CheckpointsSample, Count, Event, FlinkSample, JobRow, Pod, Via, Worker};
use flinklab_lab::Checkpointing;
use futures::future::BoxFuture;
use futures::{FutureExt, future};
pub(super) use replies::checkpointing;
pub use route::Ways;
pub(super) use route::innermost;
use route::{Route, Trouble};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long an answer may take. A frozen leader makes every JobManager hang.
const DEADLINE: Duration = Duration::from_millis(1500);
/// How long the jobs wait for the checkpoints of the same round.
const GRACE: Duration = Duration::from_millis(120);
/// How long a JobManager that could not be reached comes last.
const AVOIDED: Duration = Duration::from_secs(3);
/// While all is well TaskManagers are asked for in every so-many-th round: they say that they live
/// every 10 s.
const WORKERS: u32 = 4;
/// Silent rounds after which the second way is asked first, and for how long.
const SILENT: u32 = 2;
const SECOND_FIRST: Duration = Duration::from_secs(5);
/// JobManagers tried in one round: one that cannot be reached says so at once.
const TRIES: usize = 3;

/// A question that is on its way: never two of a kind at once.
type Question<T> = Option<BoxFuture<'static, Result<T, String>>>;

/// Asks until it is dropped; also what the job counted, where it can prove that its state is exact.
pub(super) async fn follow(
    ways: Ways,
    exact: bool,
    mut sights: WatchInputs,
    mut rhythm: PollIntervals,
    links: Links,
    events: Events,
) {
    let mut asker = Asker {
        ways: Arc::new(ways),
        exact,
        count: None,
        counter: None,
        avoided: BTreeMap::new(),
        silent: 0,
        second_until: None,
        checkpoints: None,
        workers: None,
        calm_rounds: 0,
        checkpointing: None,
        job: None,
    };
    loop {
        let began = Instant::now();
        asker.calm_rounds = if rhythm.calm() {
            asker.calm_rounds + 1
        } else {
            0
        };
        let sample = asker.round(&mut sights).await;
        match &sample.jobs {
            Ok(_) => links.live().await,
            Err(why) => links.lost(why).await,
        }
        events.send(Event::Flink(sample)).await;
        rhythm.wait(began).await;
    }
}

struct Asker {
    ways: Arc<Ways>,
    /// Pods that could not be reached, until when they come last.
    avoided: BTreeMap<String, Instant>,
    /// Rounds in a row that ended in silence.
    silent: u32,
    /// Until when the second way comes first.
    second_until: Option<Instant>,
    checkpoints: Question<CheckpointsSample>,
    workers: Question<Vec<Worker>>,
    /// Rounds in a row while all was well.
    calm_rounds: u32,
    /// Whether the job is asked what it counted, and where it says so once that is known.
    exact: bool,
    count: Question<(Counter, Option<Count>)>,
    counter: Option<Counter>,
    /// When the job's checkpoints are taken, asked once.
    checkpointing: Option<Checkpointing>,
    /// The job that they are about.
    job: Option<String>,
}

impl Asker {
    async fn round(&mut self, sights: &mut WatchInputs) -> FlinkSample {
        let job = sights.job.borrow().clone();
        if self.job != job {
            self.job = job;
            self.forget();
            self.checkpointing = None;
            self.counter = None;
        }
        let asked = clock::now();
        let began = Instant::now();
        let routes = self.routes(&sights.pods.borrow(), sights.leader.borrow().as_deref());
        let (way, jobs, details) = self.ask(&routes).await;
        let Details {
            checkpoints,
            workers,
            count,
        } = details;
        let told = checkpoints.as_ref().and_then(|seen| seen.checkpointing);
        self.checkpointing = told.or(self.checkpointing);
        let (counter, count) = count.unzip();
        self.counter = counter.or(self.counter.take());
        FlinkSample {
            via: way.0,
            pod: way.1,
            asked,
            took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            jobs,
            checkpoints,
            workers,
            count: count.flatten().map(Box::new),
        }
    }

    /// Ways in the order in which they are tried: the leader, other JobManagers, the NodePort.
    fn routes(&mut self, pods: &[Pod], leader: Option<&str>) -> Vec<Route> {
        let now = Instant::now();
        self.avoided.retain(|_, until| *until > now);
        let mut found: Vec<&Pod> = pods.iter().filter(|pod| route::may_answer(pod)).collect();
        found.sort_by_key(|pod| {
            (
                self.avoided.get(&pod.uid),
                !pod.ready,
                pod.ip.as_deref() != leader,
                pod.name.clone(),
            )
        });
        let proxied = found.into_iter().take(TRIES).map(|pod| Route::Pod {
            name: pod.name.clone(),
            uid: pod.uid.clone(),
        });
        let mut routes: Vec<Route> = match self.ways.client {
            Some(_) => proxied.collect(),
            None => Vec::new(),
        };
        if self.ways.node_port.is_some() {
            if self.second_until.is_some_and(|until| until > now) {
                routes.insert(0, Route::NodePort)
            } else {
                routes.push(Route::NodePort)
            }
        }
        routes
    }

    async fn ask(
        &mut self,
        routes: &[Route],
    ) -> ((Via, Option<String>), Result<Vec<JobRow>, String>, Details) {
        let mut last = (Via::PodProxy, None);
        let mut whys: Vec<String> = Vec::new();
        let mut api = true;
        for route in routes {
            if !api && matches!(route, Route::Pod { .. }) {
                continue;
            }
            last = route.shown();
            let (answer, details) = self.all_of(route).await;
            match answer {
                Ok(body) => {
                    self.silent = 0;
                    return (last, replies::jobs(&body), details);
                }
                Err(Trouble::Flink(why)) => {
                    self.silent = 0;
                    return (last, Err(why), details);
                }
                Err(Trouble::Unreached(why)) => {
                    self.forget();
                    self.avoid(route);
                    whys.push(why);
                }
                Err(Trouble::Api(why)) => {
                    self.forget();
                    api = false;
                    whys.push(why);
                }
                // More of it in this round would only delay the next one.
                Err(Trouble::Silent) => {
                    self.forget();
                    self.avoid(route);
                    self.silence(route);
                    whys.push(format!("no answer within {} ms", DEADLINE.as_millis()));
                    break;
                }
            }
        }
        whys.dedup();
        let why = if whys.is_empty() {
            "no JobManager is running".to_owned()
        } else {
            whys.join("; ")
        };
        (last, Err(why), Details::default())
    }

    /// Jobs, and what else comes in time; the rest comes with a later round.
    async fn all_of(&mut self, route: &Route) -> (Result<Bytes, Trouble>, Details) {
        if self.checkpoints.is_none()
            && let Some(job) = self.job.clone()
        {
            let known = self.checkpointing;
            let question = checkpoints(self.ways.clone(), route.clone(), job, known);
            self.checkpoints = Some(question.boxed());
        }
        if self.workers.is_none() && self.calm_rounds.is_multiple_of(WORKERS) {
            self.workers = Some(workers(self.ways.clone(), route.clone()).boxed());
        }
        if self.exact
            && self.count.is_none()
            && let Some(job) = self.job.clone()
        {
            let known = self.counter.clone();
            let question = exact::count(self.ways.clone(), route.clone(), job, known);
            self.count = Some(question.boxed());
        }
        let ways = self.ways.clone();
        let mut details = Details::default();
        let jobs = {
            let rest = future::join3(
                answered(&mut self.checkpoints, &mut details.checkpoints),
                answered(&mut self.workers, &mut details.workers),
                answered(&mut self.count, &mut details.count),
            );
            let jobs = ways.get(route, "jobs/overview", DEADLINE);
            futures::pin_mut!(jobs, rest);
            match future::select(jobs, rest).await {
                future::Either::Left((jobs, rest)) => {
                    let _ = timeout(GRACE, rest).await;
                    jobs
                }
                future::Either::Right((_, jobs)) => jobs.await,
            }
        };
        (jobs, details)
    }

    /// Drops questions that went a way that does not work.
    fn forget(&mut self) {
        self.checkpoints = None;
        self.workers = None;
        self.count = None;
    }

    fn avoid(&mut self, route: &Route) {
        if let Route::Pod { uid, .. } = route {
            self.avoided.insert(uid.clone(), Instant::now() + AVOIDED);
        }
    }

    /// A silent pod proxy may be a silent API server: after some of it the other way comes first.
    fn silence(&mut self, route: &Route) {
        self.silent += 1;
        match route {
            Route::Pod { .. } if self.silent >= SILENT => {
                self.second_until = Some(Instant::now() + SECOND_FIRST);
            }
            Route::Pod { .. } => {}
            Route::NodePort => self.second_until = None,
        }
    }
}

/// What comes beside the jobs, as far as it was answered.
#[derive(Default)]
struct Details {
    checkpoints: Option<CheckpointsSample>,
    workers: Option<Vec<Worker>>,
    count: Option<(Counter, Option<Count>)>,
}

/// Waits for an answer. Dropped halfway, the question goes on with the next call.
async fn answered<T>(question: &mut Question<T>, answer: &mut Option<T>) {
    let Some(asked) = question else { return };
    match asked.await {
        Ok(said) => *answer = Some(said),
        Err(why) => tracing::debug!(why, "no answer in this round"),
    }
    *question = None;
}

async fn workers(ways: Arc<Ways>, route: Route) -> Result<Vec<Worker>, String> {
    let body = ways
        .get(&route, "taskmanagers", DEADLINE)
        .await
        .map_err(|trouble| trouble.to_string())?;
    replies::workers(&body)
}

async fn checkpoints(
    ways: Arc<Ways>,
    route: Route,
    job: String,
    known: Option<Checkpointing>,
) -> Result<CheckpointsSample, String> {
    let body = ways
        .get(&route, &format!("jobs/{job}/checkpoints"), DEADLINE)
        .await
        .map_err(|trouble| trouble.to_string())?;
    let mut seen = replies::checkpoints(&job, &body)?;
    seen.checkpointing = match known {
        Some(known) => Some(known),
        None => {
            let path = format!("jobs/{job}/checkpoints/config");
            let config = ways.get(&route, &path, DEADLINE).await.ok();
            config.and_then(|body| replies::checkpointing(&body))
        }
    };
    seen.interval_ms = seen.checkpointing.and_then(|it| it.interval_ms);
    Ok(seen)
}
