//! `up`: an idempotent plan of numbered steps from nothing to the first completed checkpoint. Each
//! step first looks whether it is done; whatever stopped an earlier `up`, running it again
//! finishes the lab. Steps overlap: images stream into the node while kubeadm runs, manifests
//! without workloads go in as soon as the API server answers, workloads as soon as their images
//! are there. Removes nothing but node containers that never came to work.

mod addons;
mod adopted;
mod book;
mod definition;
mod job;
mod kept;
mod kubernetes;
mod manifests;
mod nodes;
pub(super) mod progress;
mod witness;

use super::docker::Docker;
use super::gate::Ours;
use super::home::{CheckpointFact, Home, JobRecord};
use super::images::{self, Streamed};
use super::node::Node;
use super::open::facts;
use super::{Events, World};
use crate::fault::{Fault, Kind};
use crate::lab::Lab;
use crate::model::{Done, Event, UpOrder};
use book::Book;
use progress::{Progress, Title};
use tokio::sync::SetOnce;

/// The steps, as scripts and people know them.
const STEPS: &[Title] = &[
    ("docker", "Docker answers"),
    ("folder", "Lab folder and definition"),
    ("network", "Network and node image"),
    ("node", "Node container"),
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
    /// The node containers run and containerd may be asked.
    booted: SetOnce<Vec<Node>>,
    /// The cluster is proven ours: everything may be written.
    ours: SetOnce<Ours>,
    /// All images are in all nodes.
    loaded: SetOnce<()>,
    /// Workloads are applied; pods come up.
    applied: SetOnce<()>,
    /// The job that runs.
    submitted: SetOnce<JobRecord>,
}

/// Builds or finishes the lab, telling every step.
pub async fn run(world: &World, order: &UpOrder, events: &Events) {
    let progress = Progress::new(events, STEPS);
    match build(world, order, events, &progress).await {
        Ok(done) => events.send(Event::Done(done)).await,
        Err(fault) => {
            progress.fail(&fault.what).await;
            events
                .send(Event::Failed(with_the_way_on(fault, world)))
                .await;
        }
    }
}

async fn build(
    world: &World,
    order: &UpOrder,
    events: &Events,
    progress: &Progress,
) -> Result<Done, Fault> {
    if world.read_only {
        return Err(
            Fault::wrong("read-only", "Nothing is built with --read-only.")
                .mend("Run the command without --read-only."),
        );
    }
    // Wrong files first: nothing may be started for them.
    let plan = definition::plan(world, jiff::Timestamp::now())?;

    progress.begin("docker", "").await;
    let docker = Docker::connect(&world.addresses).await?;
    progress.done("docker", docker.host()).await;

    progress.begin("folder", "").await;
    let home = Home::of(&world.addresses, &world.name);
    home.create()?;
    let _lock = home.lock()?;
    // Another `up` may have written since; what it wrote counts.
    let state = home.read_state()?.unwrap_or(plan.state);
    home.write_state(&state)?;
    // What a killed `break` left would stand in the way of everything that is waited for.
    for one in super::heal::before_up(world, &docker).await? {
        progress.note(format!("Taken back: {} ({}).", one.what, one.failure));
    }
    for note in plan.notes {
        progress.note(note);
    }
    if order.resume && kept::newest(&home, &plan.lab, &state).is_none() {
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
        booted: SetOnce::new(),
        ours: SetOnce::new(),
        loaded: SetOnce::new(),
        applied: SetOnce::new(),
        submitted: SetOnce::new(),
    };
    run.tell_lab().await;
    let detail = match run.changed.is_empty() {
        true => format!("{}, lab `{}`", run.home.folder.display(), run.lab.name),
        false => format!("changed: {}", run.changed.join(", ")),
    };
    progress.done("folder", detail).await;

    let ((), (), (), (), checkpoint) = tokio::try_join!(
        kubernetes::cluster(&run),
        load_images(&run),
        manifests::all(&run),
        job::submitted(&run),
        witness::checkpoint(&run),
    )?;
    run.settle(&checkpoint)?;
    run.tell_lab().await;
    Ok(Done::Up {
        seconds: progress.seconds(),
        checkpoint: checkpoint.id,
        changed: progress.has_changed(),
        kubeconfig: run.home.kubeconfig().display().to_string(),
        ui: run.book.state().ui().unwrap_or_default(),
        notes: progress.notes(),
    })
}

impl Run<'_> {
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

/// Pulls what Docker lacks, and streams every image into every node as soon as containerd there
/// answers. One stream at a time: they would compete with etcd for the disk.
async fn load_images(run: &Run<'_>) -> Result<(), Fault> {
    let progress = run.progress;
    progress.begin("images", "").await;
    let mut ids = Vec::new();
    for image in &run.lab.images {
        let found = images::ensure(&run.docker, image, |so_far| {
            progress.tell("images", &format!("pulls {image}, {}", nodes::size(so_far)));
        });
        ids.push((image.clone(), found.await?.id));
    }
    progress.tell("images", "waits for the node container");
    let nodes = run.booted.wait().await;
    let mut loaded = Vec::new();
    for node in nodes {
        node.wait_containerd().await?;
        for image in &run.lab.images {
            let streamed = images::stream_into(node, &run.docker, image, |so_far| {
                progress.tell(
                    "images",
                    &format!("streams {image}, {}", nodes::size(so_far)),
                );
            });
            if let Streamed::Bytes(_) = streamed.await? {
                progress.changed();
                loaded.push(image.as_str());
            }
        }
    }
    run.book.change(|state| state.images.extend(ids))?;
    let detail = match loaded.is_empty() {
        true => "there already".to_owned(),
        false => loaded.join(", "),
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
    .mend("Run `flinklab up` without --resume: the job starts from nothing.")
}

/// After a failure everything is kept for a look; say how to go on and how to get rid of it.
fn with_the_way_on(fault: Fault, world: &World) -> Fault {
    if matches!(fault.kind, Kind::Bug | Kind::Interrupted) || fault.code == "lab-busy" {
        return fault;
    }
    if !Home::of(&world.addresses, &world.name)
        .state_file()
        .exists()
    {
        return fault;
    }
    let name = match world.name.as_str() {
        "flinklab" => String::new(),
        name => format!(" --name {name}"),
    };
    let way = format!(
        "What was made is kept: `flinklab up{name}` goes on, `flinklab down{name}` removes it."
    );
    let mend = match fault.mend.is_empty() || fault.mend.contains("flinklab down") {
        true if fault.mend.is_empty() => way,
        true => fault.mend.clone(),
        false => format!("{} {way}", fault.mend),
    };
    fault.mend(mend)
}
