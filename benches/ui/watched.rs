//! The dashboard against the clock: the leader is ended by hand, and each fact is stamped twice, when
//! a watch of our own (or a question of our own to Flink's REST) tells it, and when it is readable
//! on the screen.

use super::Figure;
use super::pty::{Pty, Settings};
use super::real::{kill_leader, of, settings};
use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Client;
use kube::api::{Api, DeleteParams};
use kube::runtime::watcher;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a failover may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at the screen, and between two questions to REST.
const LOOK: Duration = Duration::from_millis(5);
const ASK: Duration = Duration::from_millis(50);

/// What is to be seen, in the order in which it usually happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    /// The leader's process or pod is gone, or going.
    Gone,
    /// Somebody leads under a new session id.
    Epoch,
    /// Flink's REST: restored, and from which checkpoint.
    Restored,
    /// Flink's REST: all tasks run again.
    Tasks,
    /// A pointer to a newer checkpoint than all before.
    Next,
}

impl Fact {
    const ALL: [Self; 5] = [
        Self::Gone,
        Self::Epoch,
        Self::Restored,
        Self::Tasks,
        Self::Next,
    ];

    /// Told by REST, which is asked now and then, and whose answers are up to half a second old.
    const fn is_asked(self) -> bool {
        matches!(self, Self::Restored | Self::Tasks)
    }
}

/// What was so before, and what was told since.
#[derive(Debug, Default)]
struct Truth {
    leader: String,
    restarts: i32,
    epoch: String,
    newest: u64,
    job: String,
    restored: Option<u64>,
    /// When a fact was told, and the words by which the screen shows it.
    told: BTreeMap<Fact, (Instant, String)>,
}

impl Truth {
    fn tell(&mut self, fact: Fact, words: String) {
        self.told
            .entry(fact)
            .or_insert_with(|| (Instant::now(), words));
    }

    fn pod(&mut self, pod: &Pod) {
        let status = pod.status.as_ref();
        let container = status.and_then(|status| status.container_statuses.as_ref()?.first());
        let ended = container.is_some_and(|one| one.restart_count > self.restarts || !one.ready);
        let name = pod.metadata.name.as_deref() == Some(&self.leader);
        if name && (ended || pod.metadata.deletion_timestamp.is_some()) {
            self.tell(Fact::Gone, String::new());
        }
    }

    fn map(&mut self, map: &ConfigMap) {
        for (key, value) in map.data.iter().flatten() {
            let rest = key.ends_with("leader.restserver");
            if let (true, Some((session, _))) = (rest, value.split_once(','))
                && session != self.epoch
            {
                self.tell(Fact::Epoch, session[..8].to_owned());
            }
            let id = key.strip_prefix("checkpointID-");
            if let Some(id) = id.and_then(|id| id.parse::<u64>().ok())
                && id > self.newest
                && self.told.contains_key(&Fact::Epoch)
            {
                self.tell(Fact::Next, format!("checkpoint #{id}"));
            }
        }
    }

    fn asked(&mut self, job: &Value, checkpoints: &Value) {
        let running = job["status-counts"]["RUNNING"].as_u64();
        let all = job["vertices"].as_array().map_or(0, |vertices| {
            vertices
                .iter()
                .filter_map(|one| one["parallelism"].as_u64())
                .sum()
        });
        let vertices = job["vertices"].as_array().map_or(0, Vec::len) as u64;
        let again = running == Some(vertices) && all > 0;
        if again && self.told.contains_key(&Fact::Restored) {
            self.tell(Fact::Tasks, format!("tasks {all}/{all}"));
        }
        let id = checkpoints["latest"]["restored"]["id"].as_u64();
        if let Some(id) = id
            && self.told.contains_key(&Fact::Epoch)
        {
            self.restored = Some(id);
            self.tell(Fact::Restored, format!("restored #{id} "));
        }
    }
}

/// Whether the screen shows a fact.
fn shows(fact: Fact, words: &str, leader: &str, screen: &str) -> bool {
    let tail = leader.rsplit('-').next().unwrap_or_default();
    match fact {
        Fact::Gone => screen
            .lines()
            .find(|line| line.contains(tail) && line.contains(" JM "))
            .is_none_or(|row| !row.contains("✓ ready")),
        _ => screen.contains(words),
    }
}

/// Kills and deletes the leader in turn, `--times` each.
pub(super) fn watched(arguments: &[String]) -> Vec<Figure> {
    let times: u32 = of(arguments, "times", "3").parse().unwrap();
    let settings = settings(arguments);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = runtime.block_on(settings.client());
    let ui = Pty::open(&settings, 120, 40);
    ui.waits("HA OK");
    let mut worst: BTreeMap<bool, Vec<Duration>> = BTreeMap::new();
    let mut lost = 0;
    for round in 1..=times {
        for how in ["SIGKILL", "delete"] {
            // two good looks: the one before may be of a lab that was killed just now
            for _ in 0..2 {
                ui.waits("HA OK");
                std::thread::sleep(Duration::from_secs(5));
            }
            let truth = Arc::new(Mutex::new(now(&settings)));
            let watching = watch(&runtime, &client, &settings, &truth);
            std::thread::sleep(Duration::from_secs(1));
            let before = truth.lock().unwrap().told.len();
            // no lock while the deletion is sent: the watches would wait for it on all threads there are
            let leader = truth.lock().unwrap().leader.clone();
            let began = Instant::now();
            match how {
                "SIGKILL" => kill_leader(&settings),
                _ => delete(&runtime, &client, &leader),
            }
            let seen = look(&ui, &truth);
            watching.iter().for_each(tokio::task::JoinHandle::abort);
            let mut words = Vec::new();
            let truth = truth.lock().unwrap();
            for fact in Fact::ALL {
                match (truth.told.get(&fact), seen.get(&fact)) {
                    (Some((told, _)), Some(seen)) => {
                        let after = seen.saturating_duration_since(*told);
                        worst.entry(fact.is_asked()).or_default().push(after);
                        let at = told.saturating_duration_since(began).as_secs_f64();
                        words.push(format!("{fact:?} at {at:.1} s +{} ms", after.as_millis()));
                    }
                    _ => {
                        lost += 1;
                        words.push(format!("{fact:?} NOT SEEN"));
                    }
                }
            }
            assert_eq!(before, 0, "something was told before the leader was ended");
            println!("{how} {round}: {}", words.join(", "));
            let kept = ui
                .text()
                .contains(&format!("restored #{}", truth.restored.unwrap_or(0)));
            println!(
                "  history kept: {kept}; {}",
                ui.text().lines().next().unwrap_or_default()
            );
        }
    }
    let most = |asked: bool| {
        let all = worst.get(&asked).cloned().unwrap_or_default();
        all.into_iter().max().unwrap_or_default().as_secs_f64() * 1000.0
    };
    vec![
        Figure {
            what: "watched fact to screen, worst",
            is: most(false),
            most: 250.0,
            unit: "ms",
            more: format!("of {} each", worst.get(&false).map_or(0, Vec::len)),
        },
        Figure {
            what: "REST fact to screen, worst",
            is: most(true),
            most: 750.0,
            unit: "ms",
            more: "a sample and Flink's half second".to_owned(),
        },
        Figure {
            what: "facts never seen",
            is: f64::from(lost),
            most: 0.0,
            unit: "",
            more: String::new(),
        },
    ]
}

/// How it is before the kill.
fn now(settings: &Settings) -> Truth {
    let told = settings.command(&["status", "--json"]).output().unwrap();
    let status: Value = serde_json::from_slice(&told.stdout).unwrap();
    let leader = status["leader"]["pod"].as_str().unwrap().to_owned();
    let pods = status["pods"].as_array().unwrap();
    let pod = pods.iter().find(|pod| pod["name"] == leader.as_str());
    Truth {
        restarts: pod.and_then(|pod| pod["restarts"].as_i64()).unwrap_or(0) as i32,
        leader,
        epoch: status["leader"]["epoch"].as_str().unwrap().to_owned(),
        // one may complete between this look and the kill
        newest: status["checkpoint"]["pointer"]["id"].as_u64().unwrap() + 3,
        job: status["job"]["id"].as_str().unwrap().to_owned(),
        ..Truth::default()
    }
}

/// Two watches and a question again and again, none of which the program knows of.
fn watch(
    runtime: &tokio::runtime::Runtime,
    client: &Client,
    settings: &Settings,
    truth: &Arc<Mutex<Truth>>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let pods = watcher(
        Api::<Pod>::namespaced(client.clone(), "flink"),
        <_>::default(),
    );
    let maps = watcher(
        Api::<ConfigMap>::namespaced(client.clone(), "flink"),
        <_>::default(),
    );
    let (of_pods, of_maps, of_rest) = (truth.clone(), truth.clone(), truth.clone());
    let told = settings.command(&["status", "--json"]).output().unwrap();
    let status: Value = serde_json::from_slice(&told.stdout).unwrap();
    let address = status["ui"].as_str().unwrap().to_owned();
    let job = truth.lock().unwrap().job.clone();
    vec![
        runtime.spawn(pods.for_each(move |event| {
            if let Ok(watcher::Event::Apply(pod) | watcher::Event::Delete(pod)) = event {
                of_pods.lock().unwrap().pod(&pod);
            }
            futures::future::ready(())
        })),
        runtime.spawn(maps.for_each(move |event| {
            if let Ok(watcher::Event::Apply(map)) = event {
                of_maps.lock().unwrap().map(&map);
            }
            futures::future::ready(())
        })),
        runtime.spawn(async move {
            loop {
                let asked = [format!("/jobs/{job}"), format!("/jobs/{job}/checkpoints")];
                if let (Some(job), Some(checkpoints)) = (
                    get(&address, &asked[0]).await,
                    get(&address, &asked[1]).await,
                ) {
                    of_rest.lock().unwrap().asked(&job, &checkpoints);
                }
                tokio::time::sleep(ASK).await;
            }
        }),
    ]
}

/// An answer of Flink's REST, by the NodePort.
async fn get(address: &str, path: &str) -> Option<Value> {
    use http_body_util::{BodyExt, Empty};
    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
    let uri = format!("{address}{path}").parse().ok()?;
    let answer = async { client.get(uri).await.ok()?.into_body().collect().await.ok() };
    let body = tokio::time::timeout(Duration::from_secs(2), answer).await;
    serde_json::from_slice(&body.ok()??.to_bytes()).ok()
}

fn delete(runtime: &tokio::runtime::Runtime, client: &Client, pod: &str) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "flink");
    runtime
        .block_on(pods.delete(pod, &DeleteParams::default()))
        .unwrap();
}

/// When each fact stood on the screen first.
fn look(ui: &Pty, truth: &Mutex<Truth>) -> BTreeMap<Fact, Instant> {
    let (began, mut seen) = (Instant::now(), BTreeMap::new());
    // "tasks 4/4" stands there until the first task is gone
    let mut missed = false;
    while seen.len() < Fact::ALL.len() && began.elapsed() < PATIENCE {
        let screen = ui.text();
        missed |= !screen.contains("tasks 4/4");
        let truth = truth.lock().unwrap();
        for (fact, (_, words)) in &truth.told {
            let again = *fact != Fact::Tasks || missed;
            if again && !seen.contains_key(fact) && shows(*fact, words, &truth.leader, &screen) {
                seen.insert(*fact, Instant::now());
            }
        }
        drop(truth);
        std::thread::sleep(LOOK);
    }
    seen
}
