//! Everything that can be seen of a lab, followed until the program ends: pods, HA config maps and
//! Kubernetes events by watch, Flink's REST, the files, the logs. Survives the loss of each of them
//! and of the lab itself: what is written down about it is looked at again and again, and what
//! depends on it is begun anew. Only reads.

mod api_liveness;
mod described;
mod docker;
mod followed;
mod kubernetes;
mod links;
mod pods;

pub(super) use api_liveness::ApiLiveness;
pub(super) use links::Links;

use super::beat::{self, beat};
use super::followers::Followers;
use super::home::Home;
use super::open::Stamps;
use super::{Events, World, disk, flink, ha, open, tail};
use flinklab_base::clock;
use flinklab_base::clock::{Instant, sleep};
use flinklab_event::{Event, LabFacts, Pod, PollMode, Source, Stage};
use flinklab_lab::{Flink, Members, Polls};
use followed::FollowedJob;
use futures::FutureExt;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How often lab.json and the kubeconfig are looked at: two calls to the file system.
const FILES: Duration = Duration::from_secs(1);
/// How long a look at the files of the mount may take.
const LOOK: Duration = Duration::from_secs(2);

/// Follows the lab of our name until told to stop.
pub async fn follow(world: Arc<World>, events: Events, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        ended = AssertUnwindSafe(opened(world, events.clone())).catch_unwind() => {
            let Err(payload) = ended;
            // Who follows is gone with who owns them: nothing may stand there as if it were seen.
            for source in [Source::Docker, Source::Api, Source::Flink, Source::Disk] {
                let why = "a part of flinklab failed, a bug: leave it and start it again";
                Links::new(source, events.clone()).broken(why).await;
            }
            resume_unwind(payload);
        }
    }
}

/// Opens the lab, follows it until something about it changes, and again.
async fn opened(world: Arc<World>, events: Events) -> Infallible {
    let (job, _) = watch::channel(None);
    let (found, mut other) = watch::channel(None);
    let (mut told, mut stood): (Option<LabFacts>, Option<Stage>) = (None, None);
    let mut seen: Option<LabSnapshot> = None;
    let mut following = Followers::new(&events);
    let home = Home::of(&world.addresses, &world.name);
    loop {
        let stamps = Stamps::of(&home);
        let followed = other.borrow_and_update().clone();
        let scene = LabSnapshot::of(&world, &job, followed.as_ref()).await;
        let facts = scene.as_ref().map(|scene| scene.facts.clone());
        let stage = scene.as_ref().map(|scene| scene.stage.clone());
        if facts != told || stage != stood {
            match &facts {
                Some(facts) => {
                    events.send(Event::Lab(Box::new(facts.clone()))).await;
                    let stage = stage.clone().unwrap_or_default();
                    events.send(Event::Stage(stage)).await;
                }
                // The first look of the program tells that itself.
                None if told.is_some() => {
                    let name = world.name.clone();
                    events.send(Event::NoLab { name }).await;
                }
                None => {}
            }
            (told, stood) = (facts, stage);
        }
        // A new job is told to those who follow; anything else begins anew.
        if scene.as_ref().map(LabSnapshot::place) != seen.as_ref().map(LabSnapshot::place) {
            following.shutdown().await;
            if let Some(scene) = &scene {
                begin(&mut following, scene, (&job, &found), &world, &events).await;
                tell_commands(&world, scene, &events).await;
            }
            seen = scene;
        }
        while Stamps::of(&home) == stamps && !other.has_changed().unwrap_or(false) {
            tokio::select! {
                () = beat(FILES) => {}
                end = following.ended() => following.missed(end).await,
            }
        }
    }
}

/// What is followed: enough to read everything, nothing that could be written with.
struct LabSnapshot {
    facts: LabFacts,
    stage: Stage,
    kubeconfig: Option<String>,
    client: Result<kube::Client, String>,
    flink: Flink,
    members: Members,
    polls: Polls,
    node_port: Option<u16>,
    shared: PathBuf,
    /// The containers of its nodes: name and Docker's id.
    nodes: Vec<(String, String)>,
    home: Home,
}

impl LabSnapshot {
    async fn of(
        world: &World,
        job: &watch::Sender<Option<String>>,
        found: Option<&FollowedJob>,
    ) -> Option<Self> {
        let opened = match open::open(world) {
            Ok(opened) => opened?,
            Err(fault) => {
                tracing::warn!(%fault, "the lab cannot be opened");
                return None;
            }
        };
        let mut facts = opened.facts(world.origin);
        if let Some(found) = found.filter(|found| found.instead == facts.job) {
            facts.job = Some(found.id.clone());
        }
        job.send_if_modified(|known| {
            let changed = *known != facts.job;
            known.clone_from(&facts.job);
            changed
        });
        Some(Self {
            stage: opened.stage(),
            kubeconfig: super::kube::read_kubeconfig(&opened.home).ok(),
            client: opened.reader().await.map_err(|fault| fault.to_string()),
            flink: opened.lab.flink.clone(),
            members: opened.lab.members(),
            polls: opened.lab.polls.clone(),
            node_port: opened.state.ports.ui,
            shared: opened.home.shared(),
            nodes: opened
                .state
                .nodes
                .iter()
                .map(|node| (node.name.clone(), node.id.clone()))
                .collect(),
            home: opened.home.clone(),
            facts,
        })
    }

    /// All that must be the same for the followers to go on.
    fn place(&self) -> impl PartialEq {
        (
            self.facts.id.clone(),
            self.kubeconfig.clone(),
            self.flink.clone(),
            self.members.clone(),
            self.polls.clone(),
            self.node_port,
            self.nodes.clone(),
            self.facts.exact,
        )
    }
}

async fn begin(
    following: &mut Followers,
    scene: &LabSnapshot,
    (job, found): (
        &watch::Sender<Option<String>>,
        &watch::Sender<Option<FollowedJob>>,
    ),
    world: &Arc<World>,
    events: &Events,
) {
    // Their senders live in what begins a follower, so that one that begins anew finds them open.
    let (pods_seen, pods) = watch::channel(Arc::from(Vec::new()));
    let (leader_seen, leader) = watch::channel(None);
    let (named_seen, named) = watch::channel(Arc::default());
    let (plans_seen, plans) = watch::channel(Arc::from(Vec::new()));
    let sights = WatchInputs {
        pods,
        leader,
        named,
        job: job.subscribe(),
    };
    let rhythm = PollIntervals {
        pace: world.pace.subscribe(),
        polls: scene.polls.clone(),
    };
    let attention = world.attention.subscribe();
    let pulse = ApiLiveness::new();
    let client = scene.client.as_ref().ok().cloned();
    let links = Links::new(Source::Api, events.clone());
    match &scene.client {
        Ok(client) => {
            let watched = kubernetes::Watched {
                client: client.clone(),
                namespace: scene.flink.namespace.clone(),
                cluster_id: scene.flink.cluster_id.clone(),
                members: scene.members.clone(),
                mount: scene.flink.mount.clone(),
                folders: scene.flink.folders.clone(),
                job: job.subscribe(),
            };
            let seen = kubernetes::Seen {
                pods: pods_seen.clone(),
                leader: leader_seen.clone(),
                named: named_seen.clone(),
                plans: plans_seen,
            };
            if scene.facts.application.is_some() {
                let (world, job, found) = (world.clone(), job.subscribe(), found.clone());
                following.spawn("the job of the cluster", None, move || {
                    let (plans, job) = (plans.clone(), job.clone());
                    followed::follow(world.clone(), plans, job, found.clone())
                });
            }
            let own = (links.clone(), pulse.clone(), events.clone());
            following.spawn("Kubernetes' objects", Some(links), move || {
                let (links, pulse, events) = own.clone();
                kubernetes::follow(watched.clone(), seen.clone(), links, pulse, events)
            });
            let (client, events) = (client.clone(), events.clone());
            let (flink, roles) = (scene.flink.namespace.clone(), scene.members.roles().clone());
            let (sights, wanted) = (sights.clone(), (rhythm.pace.clone(), attention.clone()));
            following.spawn("the logs", None, move || {
                let (flink, roles) = (flink.clone(), roles.clone());
                let (sights, wanted) = (sights.clone(), wanted.clone());
                tail::follow(client.clone(), flink, roles, sights, wanted, events.clone())
            });
        }
        Err(why) => links.lost(why).await,
    }
    let (namespace, port) = (scene.flink.namespace.clone(), scene.flink.rest.port);
    let node_port = scene.node_port;
    let ways = move || {
        flink::Ways::new(
            client.clone(),
            namespace.clone(),
            port,
            node_port,
            pulse.clone(),
        )
    };
    let (own, also, pace) = (ways.clone(), sights.clone(), rhythm.pace.clone());
    let to = events.clone();
    following.spawn("the job's vertices and exceptions", None, move || {
        let (sights, attention, pace) = (also.clone(), attention.clone(), pace.clone());
        flink::detail::follow(own(), sights, attention, pace, to.clone())
    });
    let links = Links::new(Source::Flink, events.clone());
    let (own, exact, to) = (links.clone(), scene.facts.exact, events.clone());
    let (also, beside) = (sights.clone(), rhythm.clone());
    // Where nothing is watched, nothing is seen, which is not the end of it.
    let seen = (pods_seen, leader_seen, named_seen);
    following.spawn("Flink's REST", Some(links), move || {
        let _open = &seen;
        let (sights, rhythm) = (also.clone(), beside.clone());
        flink::follow(ways(), exact, sights, rhythm, own.clone(), to.clone())
    });
    let links = Links::new(Source::Disk, events.clone());
    let (own, to) = (links.clone(), events.clone());
    let place = disk::Place {
        shared: scene.shared.clone(),
        folders: scene.flink.folders.clone(),
    };
    following.spawn("the files of the checkpoints", Some(links), move || {
        let (sights, rhythm) = (sights.clone(), rhythm.clone());
        files(place.clone(), sights, rhythm, own.clone(), to.clone())
    });
    let (home, to) = (scene.home.clone(), events.clone());
    following.spawn("the runs of other processes", None, move || {
        super::runs::elsewhere::follow(home.clone(), to.clone())
    });
    let links = Links::new(Source::Docker, events.clone());
    let (own, to) = (links.clone(), events.clone());
    let (nodes, world) = (scene.nodes.clone(), world.clone());
    following.spawn("the node containers", Some(links), move || {
        docker::follow(world.clone(), nodes.clone(), own.clone(), to.clone())
    });
}

/// What is followed, as commands that a person could type.
async fn tell_commands(world: &World, scene: &LabSnapshot, events: &Events) {
    let Flink {
        namespace, rest, ..
    } = &scene.flink;
    let pods = world.kubectl(&format!("get pods -n {namespace} --watch"));
    events.did("Pods, as they change", pods).await;
    let labels = ha::selector(&scene.flink.cluster_id);
    let maps = world.kubectl(&format!(
        "get configmaps -n {namespace} -l {labels} -o yaml --watch"
    ));
    events
        .did("Lock, leader and pointers, as they change", maps)
        .await;
    let told = world.kubectl(&format!("get events -n {namespace} --watch"));
    events
        .did("What Kubernetes says about the pods", told)
        .await;
    let roles = scene.members.roles();
    for role in [&roles.jobmanager, &roles.taskmanager] {
        let logs = format!(
            "logs -n {namespace} -l {} -c {} --follow --timestamps --prefix",
            role.selector, role.container
        );
        events.did("The logs, merged", world.kubectl(&logs)).await;
    }
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods/POD:{}/proxy/jobs/overview",
        rest.port
    );
    let ask = world.kubectl(&format!("get --raw {path}"));
    events
        .did("The job's state, from Flink in the pod POD", ask)
        .await;
    if let Some(port) = scene.node_port {
        let ask = format!("curl -s http://127.0.0.1:{port}/jobs/overview");
        events
            .did("The same, while the API server is away", ask)
            .await;
    }
    if let Some(job) = &scene.facts.job {
        let folder = scene
            .shared
            .join(&scene.flink.folders.checkpoints)
            .join(job);
        let look = format!(
            "ls -l {}",
            flinklab_base::shell::quoted(&folder.to_string_lossy())
        );
        events.did("The files of the checkpoints", look).await;
    }
}

/// The files, looked at as often as Flink is asked.
async fn files(
    place: disk::Place,
    sights: WatchInputs,
    mut rhythm: PollIntervals,
    links: Links,
    events: Events,
) {
    loop {
        let began = Instant::now();
        let job = sights.job.borrow().clone();
        if let Some(job) = job {
            let (place, named) = (place.clone(), sights.named.borrow().clone());
            let look = tokio::task::spawn_blocking(move || disk::look(&place, &job, &named));
            match timeout(LOOK, look).await {
                Ok(Ok(Ok(sample))) => {
                    links.live().await;
                    events.send(Event::Disk(sample)).await;
                }
                Ok(Ok(Err(error))) => links.lost(&format!("{error:#}")).await,
                Ok(Err(error)) => match error.try_into_panic() {
                    // Ours as if it had happened here.
                    Ok(payload) => resume_unwind(payload),
                    Err(error) => links.lost(&error.to_string()).await,
                },
                Err(_) => {
                    links
                        .lost(&format!("no answer within {} s", LOOK.as_secs()))
                        .await;
                    // The look still hangs there: not one more beside it each second.
                    sleep(LOOK * 10).await;
                }
            }
        }
        rhythm.wait(began).await;
    }
}

/// What the followers know from each other.
#[derive(Debug, Clone)]
pub(super) struct WatchInputs {
    /// Flink's pods.
    pub(super) pods: watch::Receiver<Arc<[Pod]>>,
    /// The host in the dispatcher's address.
    pub(super) leader: watch::Receiver<Option<String>>,
    /// What pointers name.
    pub(super) named: watch::Receiver<Arc<disk::Named>>,
    /// The current job.
    pub(super) job: watch::Receiver<Option<String>>,
}

/// How often to ask, which changes while it is waited for.
#[derive(Debug, Clone)]
pub(super) struct PollIntervals {
    pub(super) pace: watch::Receiver<PollMode>,
    pub(super) polls: Polls,
}

impl PollIntervals {
    /// Whether there is no hurry.
    pub(super) fn calm(&self) -> bool {
        *self.pace.borrow() == PollMode::Calm
    }

    /// Until it is time for the round after the one that began then.
    pub(super) async fn wait(&mut self, began: Instant) {
        loop {
            let due = match *self.pace.borrow_and_update() {
                PollMode::Calm => beat::after(began, self.polls.calm),
                PollMode::Trouble => began + self.polls.trouble,
            };
            let due = clock::sleep_until(due);
            tokio::select! {
                () = due => return,
                Ok(()) = self.pace.changed() => {}
            }
        }
    }
}
