//! The watchers against a small API server of text over TCP, and, where `FLINKLAB_REAL=1` says so,
//! against a lab that runs.

mod server;

use flinklab_event::{
    DetailLevel, Effect, Event, Happening, Link, MapChange, PodChange, PollMode, Source, Via,
};
use flinklab_lab::Lab;
use flinklab_model::{Model, update};
use flinklab_world::home::{Home, NodeRecord, NodeStage, Source as From, State};
use flinklab_world::{Addresses, Events, World, perform};
use server::{Says, serve};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(60);

/// A lab on paper, followed.
struct Watching {
    home: Home,
    state: State,
    pace: tokio::sync::watch::Sender<PollMode>,
    attention: tokio::sync::watch::Sender<DetailLevel>,
    inbox: mpsc::Receiver<Happening>,
    task: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Watching {
    fn of(api: Option<u16>, ui: Option<u16>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = world(folder.path().join("home"), "flinklab");
        let home = Home::of(&world.addresses, &world.name);
        home.create().unwrap();
        let lab = Lab::open("default").unwrap();
        let now = jiff::Timestamp::now();
        let mut state = State::new("flinklab", &lab, From::BuiltIn("default".into()), now).unwrap();
        state.nodes.push(NodeRecord {
            id: "node".into(),
            name: "flinklab-control-plane".into(),
            role: "control-plane".into(),
            stage: NodeStage::Joined,
            maker: Default::default(),
        });
        state.ports.ui = ui;
        state.new_job(None, now).unwrap();
        home.write_state(&state).unwrap();
        if let Some(port) = api {
            kubeconfig(&home, port);
        }
        let (pace, attention) = (world.pace.clone(), world.attention.clone());
        let (to, inbox) = mpsc::channel(1024);
        let stop = CancellationToken::new();
        let task = tokio::spawn(perform(
            Arc::new(world),
            Effect::Watch,
            Events::new(to),
            stop,
        ));
        Self {
            home,
            state,
            pace,
            attention,
            inbox,
            task,
            _folder: folder,
        }
    }

    /// The first event that fits, before the patience ends.
    async fn sees<T>(&mut self, what: &str, mut fits: impl FnMut(&Event) -> Option<T>) -> T {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let next = tokio::time::timeout_at(deadline, self.inbox.recv()).await;
            let happening = next.unwrap_or_else(|_| panic!("not seen: {what}")).unwrap();
            if let Some(found) = fits(&happening.event) {
                return found;
            }
        }
    }

    async fn live(&mut self) {
        self.sees("API live", |event| {
            link(event, Source::Api)?.is_ok().then_some(())
        })
        .await;
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn world(home: std::path::PathBuf, name: &str) -> World {
    let addresses = Addresses::new(home.clone(), home.join("config"));
    World::new(addresses, name.to_owned(), None, true)
}

fn kubeconfig(home: &Home, port: u16) {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
         clusters: [{{name: a, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nusers: [{{name: a, user: {{}}}}]\n"
    );
    home.replace(&home.kubeconfig(), text.as_bytes()).unwrap();
}

fn link(event: &Event, of: Source) -> Option<Result<(), String>> {
    match event {
        Event::Link { source, link } if *source == of => Some(match link {
            Link::Live { .. } => Ok(()),
            Link::Lost { why, .. } => Err(why.clone()),
        }),
        _ => None,
    }
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn kubernetes_objects_are_listed_once_and_never_polled() {
    let says = Says::new();
    let (listener, port) = listen().await;
    let server = serve(says.clone(), listener);
    let mut watching = Watching::of(Some(port), None);
    watching.live().await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let objects = says.asked_of(|path| !path.contains("/proxy/") && !path.contains("/log?"));
    assert_eq!(
        objects,
        6,
        "three lists and three watches: {:?}",
        says.asked.lock().unwrap()
    );
    assert!(says.asked_of(|path| path.ends_with("/proxy/jobs/overview")) >= 2);
    // A change arrives by itself.
    let mut map = says.lists.lock().unwrap()["configmaps"]["items"][0].clone();
    let text = map.to_string().replace("bffd07aa", "aaaaaaaa");
    map = serde_json::from_str(&text).unwrap();
    let began = Instant::now();
    let line = serde_json::json!({"type": "MODIFIED", "object": map}).to_string();
    says.news.send(("configmaps", line)).unwrap();
    watching
        .sees("the new epoch", |event| match event {
            Event::Map(MapChange::Cluster(map)) => map.leaders["dispatcher"]
                .epoch
                .starts_with("aaaaaaaa")
                .then_some(()),
            _ => None,
        })
        .await;
    assert!(
        began.elapsed() < Duration::from_millis(500),
        "{:?}",
        began.elapsed()
    );
    // A watch that is too old is begun again with a list, which is no loss.
    let gone = serde_json::json!({"type": "ERROR", "object": {"kind": "Status", "apiVersion": "v1",
        "status": "Failure", "message": "too old resource version", "reason": "Expired", "code": 410}});
    says.news.send(("pods", gone.to_string())).unwrap();
    watching
        .sees("another list", |event| match event {
            Event::Pods(PodChange::Listed(pods)) => (pods.len() == 2).then_some(()),
            Event::Link {
                source: Source::Api,
                link,
            } => panic!("{link:?}"),
            _ => None,
        })
        .await;
    server.abort();
}

#[tokio::test]
async fn the_loss_and_the_return_of_the_api_server_are_seen_and_bridged() {
    let says = Says::new();
    let (listener, port) = listen().await;
    let server = serve(says.clone(), listener);
    let (second, ui) = listen().await;
    let second = serve(says.clone(), second);
    let mut watching = Watching::of(Some(port), Some(ui));
    watching.live().await;
    server.abort();
    let why = watching
        .sees("API lost", |event| link(event, Source::Api)?.err())
        .await;
    assert!(!why.is_empty());
    watching
        .sees("a sample through the NodePort", |event| match event {
            Event::Flink(sample) => {
                (sample.via == Via::NodePort && sample.jobs.is_ok()).then_some(())
            }
            _ => None,
        })
        .await;
    // A map that went away in the gap is told.
    let _ = says.lists.lock().unwrap().get_mut("configmaps").unwrap()["items"]
        .as_array_mut()
        .unwrap()
        .pop();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let server = serve(says.clone(), listener);
    let mut gone = false;
    watching
        .sees("API live again", |event| {
            gone |= matches!(event, Event::Map(MapChange::Deleted { .. }));
            link(event, Source::Api)?.is_ok().then_some(())
        })
        .await;
    if !gone {
        watching
            .sees("the deleted map", |event| {
                matches!(event, Event::Map(MapChange::Deleted { .. })).then_some(())
            })
            .await;
    }
    watching
        .sees("a sample through the proxy", |event| match event {
            Event::Flink(sample) => {
                (sample.via == Via::PodProxy && sample.jobs.is_ok()).then_some(())
            }
            _ => None,
        })
        .await;
    server.abort();
    second.abort();
}

/// Connections stay and nothing is said: `docker pause`, or a server that shuts down slowly.
#[tokio::test]
async fn an_api_server_that_falls_silent_is_missed_within_seconds_and_found_again() {
    let says = Says::new();
    let (listener, port) = listen().await;
    let server = serve(says.clone(), listener);
    let mut watching = Watching::of(Some(port), None);
    watching.live().await;
    watching
        .sees("a sample", |event| {
            matches!(event, Event::Flink(_)).then_some(())
        })
        .await;
    let before = jiff::Timestamp::now();
    says.silent.send_replace(true);
    let began = Instant::now();
    let since = watching
        .sees("API lost", |event| match event {
            Event::Link {
                source: Source::Api,
                link: Link::Lost { since, .. },
            } => Some(*since),
            _ => None,
        })
        .await;
    assert!(
        began.elapsed() < Duration::from_secs(7),
        "{:?}",
        began.elapsed()
    );
    // Away since it was heard last, not since we noticed.
    let late = since.duration_since(before).as_secs_f64();
    assert!((-2.0..1.0).contains(&late), "{late}");
    says.silent.send_replace(false);
    let began = Instant::now();
    watching.live().await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    server.abort();
}

/// While nobody looks, a pod that prints a lot is asked for what is new every few seconds, and no
/// connection of it stays open.
#[tokio::test]
async fn a_pod_that_prints_a_lot_is_glanced_at_until_somebody_looks() {
    let says = Says::new();
    let (listener, port) = listen().await;
    let server = serve(says.clone(), listener);
    let printing = {
        let says = says.clone();
        tokio::spawn(async move {
            let mut n = 0_u64;
            loop {
                let mut text = String::new();
                for _ in 0..300 {
                    n += 1;
                    text.push_str(&format!("2026-11-22T23:07:47.{n:09}Z alert {n}\n"));
                }
                text.push_str(&format!(
                    "2026-11-22T23:07:47.{n:09}Z 2026-11-22 23:07:47,000 INFO X [] - Recovered job {n}\n"
                ));
                says.printed(&text);
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        })
    };
    let mut watching = Watching::of(Some(port), None);
    watching.live().await;
    let glances =
        |says: &Says| says.asked_of(|path| path.contains("/log?") && !path.contains("follow=true"));
    let deadline = Instant::now() + PATIENCE;
    while glances(&says) < 4 {
        assert!(Instant::now() < deadline, "never glanced");
        // What is about high availability is told whatever is left out.
        watching
            .sees("a line that counts", |event| match event {
                Event::Log(lines) => lines
                    .iter()
                    .any(|line| line.highlight.is_some())
                    .then_some(()),
                _ => None,
            })
            .await;
    }
    let follows = says.asked_of(|path| path.contains("follow=true"));
    watching.attention.send_replace(DetailLevel::Output);
    while says.asked_of(|path| path.contains("follow=true")) < follows + 2 {
        assert!(Instant::now() < deadline + PATIENCE, "never followed");
        tokio::task::yield_now().await;
        let _ = tokio::time::timeout(Duration::from_millis(50), watching.inbox.recv()).await;
    }
    printing.abort();
    server.abort();
}

#[tokio::test]
async fn a_kubeconfig_that_comes_later_or_changes_and_a_new_job_are_followed() {
    let says = Says::new();
    let (listener, port) = listen().await;
    let server = serve(says.clone(), listener);
    let mut watching = Watching::of(None, None);
    watching
        .sees("no kubeconfig", |event| link(event, Source::Api)?.err())
        .await;
    kubeconfig(&watching.home, port);
    watching.live().await;
    let lists = says.asked_of(|path| path.contains("/pods?") && !path.contains("watch"));
    let job = watching
        .state
        .new_job(None, jiff::Timestamp::now())
        .unwrap()
        .id;
    watching.home.write_state(&watching.state).unwrap();
    watching
        .sees("the new job", |event| match event {
            Event::Lab(facts) => (facts.job.as_ref() == Some(&job)).then_some(()),
            _ => None,
        })
        .await;
    watching
        .sees("its checkpoints", |event| match event {
            Event::Flink(sample) => (sample.checkpoints.as_ref()?.job == job).then_some(()),
            _ => None,
        })
        .await;
    assert_eq!(
        lists,
        says.asked_of(|path| path.contains("/pods?") && !path.contains("watch"))
    );
    std::fs::remove_file(watching.home.state_file()).unwrap();
    watching
        .sees("no lab", |event| {
            matches!(event, Event::NoLab { .. }).then_some(())
        })
        .await;
    server.abort();
}

#[tokio::test]
async fn a_hanging_endpoint_holds_back_no_other_and_is_never_asked_twice_at_once() {
    let says = Says::new();
    says.hangs.lock().unwrap().push("/checkpoints");
    let (listener, port) = listen().await;
    let server = serve(says.clone(), listener);
    let mut watching = Watching::of(Some(port), None);
    watching.pace.send_replace(PollMode::Trouble);
    watching.live().await;
    let began = Instant::now();
    let mut samples = 0;
    while began.elapsed() < Duration::from_secs(3) {
        watching
            .sees("a sample", |event| {
                matches!(event, Event::Flink(sample) if sample.jobs.is_ok()).then_some(())
            })
            .await;
        samples += 1;
    }
    assert!(
        (5..=14).contains(&samples),
        "{samples} samples in 3 s at 250 ms"
    );
    let open = says.open.lock().unwrap();
    for (path, (_, most)) in open.iter().filter(|(path, _)| !path.contains('?')) {
        assert_eq!(*most, 1, "{path}");
    }
    server.abort();
}

#[tokio::test]
async fn a_hundred_thousand_lines_are_counted_and_not_sent() {
    let says = Says::new();
    let lines: String = (0..100_000)
        .map(|n| format!("2026-11-22T23:07:47.{n:09}Z line {n} \x1b[31mred\n"))
        .collect();
    *says.log.lock().unwrap() = lines;
    let (listener, port) = listen().await;
    let server = serve(says.clone(), listener);
    let mut watching = Watching::of(Some(port), None);
    let (mut sent, mut left_out) = (0, 0_u64);
    let began = Instant::now();
    while left_out < 190_000 {
        let (lines, more) = watching
            .sees("log lines", |event| match event {
                Event::Log(lines) => {
                    assert!(lines.len() <= 1000, "{}", lines.len());
                    assert!(lines.iter().all(|line| !line.text.contains('\u{1b}')));
                    let counts = lines.iter().filter_map(|line| line.text.strip_prefix("… "));
                    let counts =
                        counts.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok());
                    Some((lines.len(), counts.sum::<u64>()))
                }
                _ => None,
            })
            .await;
        sent += lines;
        left_out += more;
    }
    // Two pods; a slow machine may take some seconds for it, and each second has its share.
    let most = 1100 * (began.elapsed().as_secs() as usize + 2);
    assert!(sent <= most, "{sent} of {most}");
    server.abort();
}

/// `FLINKLAB_REAL=1 FLINKLAB_REAL_HOME=<home> FLINKLAB_REAL_NAME=<name>`: a lab that runs and is
/// well. Only reads.
#[tokio::test]
async fn a_real_lab_is_seen_whole() {
    let var = |name: &str| std::env::var(name).ok();
    let (Some(_), Some(home), Some(name)) = (
        var("FLINKLAB_REAL"),
        var("FLINKLAB_REAL_HOME"),
        var("FLINKLAB_REAL_NAME"),
    ) else {
        println!(
            "nothing done: FLINKLAB_REAL, FLINKLAB_REAL_HOME and FLINKLAB_REAL_NAME are not set"
        );
        return;
    };
    let world = Arc::new(world(home.into(), &name));
    let (to, mut inbox) = mpsc::channel(1024);
    let stop = CancellationToken::new();
    let task = tokio::spawn(perform(
        world.clone(),
        Effect::Watch,
        Events::new(to),
        stop.clone(),
    ));
    let mut model = Model::default();
    let mut pods = std::collections::BTreeSet::new();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(12) {
        let happening = inbox.recv().await.unwrap();
        for effect in update(&mut model, &happening) {
            if let Effect::PollMode(pace) = effect {
                world.pace.send_replace(pace);
            }
        }
        if let Event::Log(lines) = &happening.event {
            pods.extend(lines.iter().map(|line| line.pod.clone()));
            for line in lines.iter().filter(|line| line.highlight.is_some()).take(1) {
                println!(
                    "{} {} {:?} {}",
                    line.at, line.pod, line.highlight, line.text
                );
            }
        }
        if let Event::Flink(sample) = &happening.event {
            println!(
                "{} {:?} {:?} {} ms",
                happening.at, sample.via, sample.pod, sample.took_ms
            );
        }
    }
    assert!(model.healthy(), "{:?}", model.health());
    assert!(model.agree());
    assert_eq!(pods.len(), model.cluster.pods.len(), "{pods:?}");
    println!(
        "{:?}\n{:?}\n{:?}",
        model.witnesses(),
        model.cluster.epochs,
        model.job.workers
    );
    assert!(model.cluster.leader().is_some());
    stop.cancel();
    task.await.unwrap();
}
