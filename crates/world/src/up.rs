//! `up`: an idempotent plan of numbered steps from nothing to the first completed checkpoint. Each
//! step first looks whether it is done; whatever stopped an earlier `up`, running it again
//! finishes the lab. Steps overlap: images stream into the node while kubeadm runs, manifests
//! without workloads go in as soon as the API server answers, workloads as soon as their images
//! are there. Removes nothing but node containers that never came to work.

mod addons;
mod adopted;
mod application;
mod autopsy;
mod book;
mod definition;
mod earlier;
mod job;
mod kept;
mod kubernetes;
mod manifests;
mod nodes;
pub(super) mod progress;
mod stuck;
mod trouble;
mod way;
mod witness;

use super::docker::Docker;
use super::gate::Ours;
use super::heal::Readied;
use super::home::{CheckpointFact, Home, JobRecord, Lock};
use super::images::{self, Streamed};
use super::node::Node;
use super::open::facts;
use super::{Events, World};
use book::Book;
use earlier::Work;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_event::{Done, Event, StepState, UpOrder};
use flinklab_lab::Lab;
use futures::future::try_join_all;
use jiff::Timestamp;
use progress::{Meter, Progress, Title};
use std::time::Duration;
use tokio::sync::SetOnce;

/// The steps, as scripts and people know them.
const STEPS: &[Title] = &[
    ("docker", "Docker and this machine"),
    ("node-image", "Node image"),
    ("folder", "Lab folder and definition"),
    ("node", "Network and node container"),
    ("kubernetes", "Kubernetes"),
    ("images", "Images in the node"),
    ("flink", "JobManagers and TaskManagers"),
    ("job", "Flink job"),
    ("checkpoint", "First checkpoint"),
];

/// What all steps of one `up` share, and what they wait for from each other.
struct Run<'a> {
    world: &'a World,
    events: &'a Events,
    progress: &'a Progress,
    docker: Docker,
    home: Home,
    book: Book,
    lab: Lab,
    /// Stands before file names in messages.
    folder: String,
    /// Manifest files that differ from what was applied last.
    changed: Vec<String>,
    resume: bool,
    /// When this `up` began.
    began: Timestamp,
    /// What had to be done in the nodes before anything else could be.
    readied: Readied,
    /// What kind of work it is; set once the containers were seen.
    work: SetOnce<Work>,
    /// The node containers run and containerd may be asked.
    booted: SetOnce<Vec<Node>>,
    /// The cluster is proven ours: everything may be written.
    ours: SetOnce<Ours>,
    /// All images are in all nodes.
    loaded: SetOnce<()>,
    /// All nodes are Ready.
    ready: SetOnce<()>,
    /// Workloads are applied; pods come up.
    applied: SetOnce<()>,
    /// All rollouts that the lab asks for are done.
    rolled: SetOnce<()>,
    /// The job that runs.
    submitted: SetOnce<JobRecord>,
}

/// How long after its deadline an `up` may go on to say what it waited for.
const FAREWELL: Duration = Duration::from_secs(15);
/// How often the lock is tried that another flinklab holds.
const LOCKED: Duration = Duration::from_millis(250);
/// How long that is waited for: whatever it does is done by then.
const BUSY: Duration = Duration::from_secs(1800);

/// Builds or finishes the lab, telling every step.
pub async fn run(world: &World, order: &UpOrder, events: &Events) {
    let progress = Progress::new(events, STEPS);
    // On the heap: all steps in one future are more than a thread's stack holds in a debug build.
    let building = Box::pin(build(world, order, events, &progress));
    let built = match order.within {
        None => building.await,
        // What the steps wait for is told by `build`, which sees the deadline first.
        Some(within) => match tokio::time::timeout(within + FAREWELL, building).await {
            Ok(built) => built,
            Err(_) => Err(too_long(&progress, within)),
        },
    };
    match built {
        Ok(done) => events.send(Event::Done(done)).await,
        Err(fault) => {
            progress.fail(&fault.what).await;
            let made = if progress.in_state(StepState::Done).contains(&"folder") {
                way::Made::Something
            } else {
                way::Made::Nothing
            };
            let fault = way::on(fault, world, made);
            events.failed(fault).await;
        }
    }
}

async fn build(
    world: &World,
    order: &UpOrder,
    events: &Events,
    progress: &Progress,
) -> Result<Done, Fault> {
    let deadline = order.within.map(|within| Instant::now() + within);
    let began = clock::now();
    if world.read_only {
        return Err(
            Fault::wrong("read-only", "Nothing is built with --read-only.")
                .hint("Run the command without --read-only."),
        );
    }
    if order.fetch {
        let wanted = super::manifests::wanted(world)?;
        super::manifests::fetch(&world.addresses, &wanted).await?;
    }
    // Wrong files first: nothing may be started for them.
    let plan = definition::plan(world, clock::now())?;
    let home = Home::of(&world.addresses, &world.name);
    if order.resume && kept::newest(&home, &plan.lab, &plan.state)?.is_none() {
        return Err(nothing_to_resume(world));
    }

    progress.begin("docker", "").await;
    let docker = world.docker().await?;
    progress.tell("docker", "looks for what stands in the way");
    let detail = match super::doctor::before_up(world, &docker, &plan.lab).await? {
        0 => docker.host().to_owned(),
        1 => world.called.advise(&advice!(
            "{}; one warning: `flinklab doctor`",
            docker.host()
        )),
        more => world.called.advise(&advice!(
            "{}; {more} warnings: `flinklab doctor`",
            docker.host()
        )),
    };
    progress.done("docker", detail).await;

    // What cannot be had must be known before anything of the lab is made.
    progress.begin("node-image", "").await;
    let detail = nodes::images_of(&docker, &world.name, &plan.lab, progress).await?;
    progress.done("node-image", detail).await;

    progress.begin("folder", "").await;
    home.create()?;
    let lock = locked(&home, progress, BUSY).await?;
    home.sweep();
    // Another `up` may have finished meanwhile; what it wrote counts.
    let plan = definition::plan(world, clock::now())?;
    let state = plan.state;
    home.write_state(&state)?;
    // What a killed `break` left would stand in the way of everything that is waited for.
    let readied = super::heal::before_up(world, &docker, &lock).await?;
    for one in &readied.undone {
        progress.note(format!("Undone: {one}."));
    }
    for note in plan.notes {
        progress.note(note);
    }
    if order.resume && kept::newest(&home, &plan.lab, &state)?.is_none() {
        return Err(nothing_to_resume(world));
    }
    let run = Run {
        world,
        events,
        progress,
        docker,
        book: Book::new(&home, state),
        home,
        lab: plan.lab,
        folder: plan.folder,
        changed: plan.changed,
        resume: order.resume,
        began,
        readied,
        work: SetOnce::new(),
        booted: SetOnce::new(),
        ours: SetOnce::new(),
        loaded: SetOnce::new(),
        ready: SetOnce::new(),
        applied: SetOnce::new(),
        rolled: SetOnce::new(),
        submitted: SetOnce::new(),
    };
    application::refuse_resume(&run)?;
    run.tell_lab().await;
    let detail = if run.changed.is_empty() {
        format!("{}, lab `{}`", run.home.folder.display(), run.lab.name)
    } else {
        format!("changed: {}", run.changed.join(", "))
    };
    progress.done("folder", detail).await;

    let parts = async {
        let ((), (), (), (), (), checkpoint) = tokio::try_join!(
            run.part(&["node", "kubernetes"], kubernetes::cluster(&run)),
            run.part(&["images"], load_images(&run)),
            run.part(&["flink"], manifests::all(&run)),
            run.part(&["flink"], stuck::watch(&run)),
            run.part(&["job"], job::submitted(&run)),
            run.part(&["checkpoint"], witness::checkpoint(&run)),
        )?;
        Ok(checkpoint)
    };
    let built = match deadline {
        None => parts.await,
        Some(deadline) => {
            clock::patience(deadline.saturating_duration_since(Instant::now()), parts)
                .await
                .unwrap_or_else(|_| Err(too_long(progress, order.within.unwrap_or_default())))
        }
    };
    let checkpoint: CheckpointFact = match built {
        Ok(checkpoint) => checkpoint,
        Err(fault) => return Err(Box::pin(autopsy::explain(&run, fault)).await),
    };
    run.settle(&checkpoint)?;
    run.tell_lab().await;
    earlier::remember(&run);
    Ok(Done::Up {
        seconds: progress.seconds(),
        checkpoint: checkpoint.id,
        changed: progress.has_changed(),
        kubeconfig: run.home.kubeconfig().display().to_string(),
        ui: run.book.state().ui().unwrap_or_default(),
        notes: progress.notes(),
    })
}

/// Waits for a flinklab that works on this lab, and says which process that is.
async fn locked(home: &Home, progress: &Progress, limit: Duration) -> Result<Lock, Fault> {
    let until = Instant::now() + limit;
    loop {
        match home.lock() {
            Err(fault) if fault.code == "lab-busy" && Instant::now() < until => {
                let told = format!("waits until another flinklab is done: {}", fault.why);
                progress.tell("folder", &told);
                clock::sleep(LOCKED).await;
            }
            other => return other,
        }
    }
}

fn too_long(progress: &Progress, within: Duration) -> Fault {
    let waits: Vec<String> = progress
        .waiting_for()
        .into_iter()
        .map(|(title, detail)| format!("{title}: {detail}"))
        .collect();
    Fault::unable(
        "timeout",
        format!("The lab was not ready within {} s.", within.as_secs()),
    )
    .why(format!("still going on:\n{}", waits.join("\n")))
    .hint("Run it again, perhaps with a longer --timeout: it goes on where it was.")
}

impl Run<'_> {
    /// One part of the plan: what it fails of is told at its own step.
    async fn part<T>(
        &self,
        steps: &[&str],
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let ended = Box::pin(work).await;
        if let Err(fault) = &ended {
            self.progress.failed(steps, &fault.what).await;
        }
        ended
    }

    /// Tells what is known about the lab by now: a job id, a port.
    async fn tell_lab(&self) {
        let facts = facts(&self.home, &self.book.state(), &self.lab, self.world.origin);
        self.events.send(Event::Lab(Box::new(facts))).await;
    }

    /// The definition is what the cluster is now.
    fn settle(&self, checkpoint: &CheckpointFact) -> Result<(), Fault> {
        self.book.change(|state| {
            state.definition.name.clone_from(&self.lab.name);
            state.definition.files.clone_from(&self.lab.files);
            state.hash.clone_from(&self.lab.hash);
            state.applied = Some(self.lab.hash.clone());
            let known = state.checkpoint.as_ref().map(|known| &known.job);
            if known != Some(&checkpoint.job) {
                state.checkpoint = Some(checkpoint.clone());
            }
        })
    }
}

/// An image as Docker has it; pulled, with the bytes told at a step, where it lacks it.
async fn pulled(
    docker: &Docker,
    progress: &Progress,
    step: &str,
    image: &str,
) -> Result<images::Image, Fault> {
    let mut meter = Meter::new();
    images::ensure(docker, image, |so_far| {
        let far = meter.told(so_far);
        progress.pulled();
        progress.tell(step, &format!("pulls {image}: {far}"));
    })
    .await
}

/// Pulls what Docker lacks, and streams every image into every node as soon as containerd there
/// answers. One stream at a time: they would compete with etcd for the disk.
async fn load_images(run: &Run<'_>) -> Result<(), Fault> {
    let progress = run.progress;
    progress.begin("images", "").await;
    let mut ids = Vec::new();
    for image in &run.lab.images {
        let found = pulled(&run.docker, progress, "images", image).await?;
        ids.push((image.clone(), found.id));
    }
    progress.tell("images", "waits for the node container");
    let nodes = run.booted.wait().await;
    try_join_all(nodes.iter().map(Node::wait_containerd)).await?;
    let (at, into) = match nodes.as_slice() {
        [node] => (node.name.clone(), String::new()),
        several => (
            format!("each of {} nodes", several.len()),
            format!(" into {} nodes", several.len()),
        ),
    };
    let mut loaded = Vec::new();
    let taken = run.book.state().taken;
    let mut became = Vec::new();
    for (image, id) in &ids {
        progress.tell("images", &format!("looks whether {at} has {image}"));
        let mut meter = Meter::new();
        let streamed = images::stream_into_all(nodes, &run.docker, image, &taken, |so_far| {
            let far = meter.told(so_far);
            progress.tell("images", &format!("streams {image}{into}: {far}"));
        });
        if let Streamed::Bytes(_) = streamed.await? {
            progress.changed();
            loaded.push(image.clone());
            if let Some(node) = nodes.first()
                && let Some(own) = images::id_in(node, image).await?
                && own != *id
            {
                became.push((id.clone(), own));
            }
            for node in nodes {
                let what = format!("The image {image} into {}", node.name);
                progress
                    .did(&what, images::command(&node.name, image))
                    .await;
            }
        }
    }
    run.book.change(|state| {
        state.images.extend(ids);
        state.taken.extend(became);
    })?;
    let detail = if loaded.is_empty() {
        "there already".to_owned()
    } else {
        loaded.join(", ")
    };
    progress.done("images", detail).await;
    let _ = run.loaded.set(());
    Ok(())
}

fn nothing_to_resume(world: &World) -> Fault {
    Fault::unable(
        "nothing-to-resume",
        format!("The lab `{}` has no retained checkpoint.", world.name),
    )
    .why("no recorded job left one below the shared folder")
    .hint(advice!(
        "Run `flinklab up` without --resume: the job starts from nothing."
    ))
}
