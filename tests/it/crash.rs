//! `up` that is killed, and `up` that meets what can go wrong, against the simulation: what was
//! made is kept and named, the part that failed speaks last, and the next `up` finishes.

use crate::advice::{hint, said};
use crate::building::{Told, built, removed, state, told, world};
use crate::simulated::{Machine, NODE};
use flinklab_base::fault::Fault;
use flinklab_event::{Done, Event, Happening, StepState, UpOrder};
use flinklab_sim::Trouble;
use flinklab_world::home::Home;
use flinklab_world::{Events, World, up};
use std::time::Duration;
use tokio::sync::mpsc;

/// Faster than real by this much.
const SPEED: f64 = 20.0;
const STEPS: [&str; 9] = [
    "docker",
    "node-image",
    "folder",
    "node",
    "kubernetes",
    "images",
    "flink",
    "job",
    "checkpoint",
];

/// Runs `up` and drops it where it stands as soon as a step is in that state; whether it came so far.
async fn killed_at(world: &World, name: &str, when: StepState) -> bool {
    let (to, mut from) = mpsc::channel::<Happening>(1024);
    let events = Events::new(to);
    let order = UpOrder::default();
    let up = up::run(world, &order, &events);
    let watch = async {
        while let Some(happening) = from.recv().await {
            match happening.event {
                Event::Step(step) if step.name == name && step.state == when => return true,
                Event::Done(_) => return false,
                Event::Failed { fault, .. } => panic!("{name}: {fault} {}", hint(&fault)),
                _ => {}
            }
        }
        false
    };
    let raced = async {
        tokio::select! {
            biased;
            came = watch => came,
            () = up => false,
        }
    };
    tokio::time::timeout(Duration::from_secs(120), raced)
        .await
        .unwrap_or_else(|_| panic!("{name} {when:?} is never reached"))
}

/// Everything that Docker has: name and state.
async fn containers(machine: &Machine) -> Vec<String> {
    let options = bollard::query_parameters::ListContainersOptionsBuilder::new()
        .all(true)
        .build();
    let found = machine.docker.list_containers(Some(options)).await.unwrap();
    let names = found
        .into_iter()
        .flat_map(|one| one.names.unwrap_or_default());
    names
        .map(|name| name.trim_start_matches('/').to_owned())
        .collect()
}

/// The lab is whole: one node, one job in Flink, which is the one written down, nothing half-done.
async fn is_whole(machine: &Machine, world: &World) {
    assert_eq!(containers(machine).await, [NODE]);
    let known = state(world);
    assert_eq!(known.nodes.len(), 1);
    assert_eq!(known.jobs.len(), 1, "no second history: {:?}", known.jobs);
    let listed = || async { machine.rest("GET", "/jobs/overview", &[]).await.1["jobs"].clone() };
    // a leader that could not renew its lease on a busy machine is elected again
    crate::simulated::eventually("a leader that answers", || async {
        listed().await.is_array()
    })
    .await;
    let jobs = listed().await.as_array().unwrap().clone();
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    assert_eq!(jobs[0]["jid"], known.jobs[0].id);
    let folder = Home::of(&world.addresses, &world.name).folder;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with('.'), "{name} is left");
    }
}

fn fault(told: &Told) -> &Fault {
    match &told.end {
        Err(fault) => fault,
        Ok(done) => panic!("{done:?}"),
    }
}

/// It failed at this step alone, with a way on that names the lab.
fn failed_at<'a>(told: &'a Told, step: &str, code: &str) -> &'a Fault {
    let fault = fault(told);
    assert_eq!(fault.code, code, "{fault}");
    assert_eq!(fault.kind.code(), 3, "{fault}");
    let failed: Vec<&str> = told.failed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(failed, [step], "one step failed: {:?}", told.failed);
    assert!(
        hint(fault).contains("`flinklab up --name sim`")
            && hint(fault).contains("`flinklab down --purge --name sim`"),
        "{}",
        hint(fault)
    );
    fault
}

fn shows(fault: &Fault, of: &str, words: &str) {
    let excerpt = fault.excerpts.iter().find(|one| one.of.contains(of));
    let excerpt = excerpt.unwrap_or_else(|| panic!("no words of {of}: {:?}", fault.excerpts));
    assert!(
        excerpt.lines.iter().any(|line| line.contains(words)),
        "{excerpt:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_each_step_the_next_up_goes_on_and_nothing_is_doubled() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    let mut seen = Vec::new();
    let home = Home::of(&world.addresses, "sim");
    home.create().unwrap();
    // What a process leaves that is killed while it replaces a file; its number is another's.
    for half in [".lab.json.4000001", ".kubeconfig.4000001"] {
        std::fs::write(home.folder.join(half), "{\"version\": 1, \"na").unwrap();
    }
    for step in STEPS {
        for when in [StepState::Running, StepState::Done] {
            if killed_at(&world, step, when).await {
                seen.push((step, when));
            }
        }
    }
    // Steps overlap, so an end may come before the loop looks for it; a beginning never does.
    for step in STEPS {
        assert!(
            seen.contains(&(step, StepState::Running)),
            "{step}: {seen:?}"
        );
    }
    built(&world, false).await.end.unwrap();
    is_whole(&machine, &world).await;
    removed(&world, true).await.end.unwrap();
    assert!(containers(&machine).await.is_empty());
    assert!(!Home::of(&world.addresses, "sim").folder.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_the_second_waits_for_the_first() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    let (one, two) = tokio::join!(built(&world, false), built(&world, false));
    let changed = |told: &Told| match &told.end {
        Ok(Done::Up { changed, .. }) => *changed,
        other => panic!("{other:?}"),
    };
    assert_ne!(
        changed(&one),
        changed(&two),
        "one builds, one finds it built"
    );
    is_whole(&machine, &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_that_goes_away_in_the_middle_loses_nothing() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    killed_at(&world, "kubernetes", StepState::Running).await;
    let (to, mut from) = mpsc::channel::<Happening>(1024);
    let events = Events::new(to);
    let order = UpOrder::default();
    let cut = async {
        while let Some(happening) = from.recv().await {
            match happening.event {
                Event::Step(step) if step.name == "images" && step.state == StepState::Running => {
                    machine.sim.docker_down();
                }
                Event::Failed { fault, .. } => return fault,
                _ => {}
            }
        }
        panic!("it ends well without Docker")
    };
    let fault = tokio::time::timeout(Duration::from_secs(60), async {
        tokio::join!(up::run(&world, &order, &events), cut).1
    })
    .await
    .unwrap();
    assert_eq!(fault.kind.code(), 3, "{fault}");
    assert!(
        hint(&fault).contains("Retry: `flinklab up --name sim`"),
        "{}",
        hint(&fault)
    );
    // Docker stands still: nothing may be begun.
    assert_eq!(
        self::fault(&built(&world, false).await).code,
        "docker-unreachable"
    );
    machine.sim.docker_up();
    built(&world, false).await.end.unwrap();
    is_whole(&machine, &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_that_hangs_is_told_and_nothing_is_made() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(&machine, folder.path(), "sim");
    world.addresses.docker = Some(format!("tcp://{}", listener.local_addr().unwrap()));
    let took_them = async {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    };
    let told = tokio::select! {
        told = built(&world, false) => told,
        () = took_them => unreachable!("it accepts for ever"),
    };
    let fault = fault(&told);
    assert_eq!(fault.code, "docker-unreachable");
    assert!(fault.why.contains("no answer"), "{fault}");
    assert!(
        !folder.path().join("data").exists(),
        "nothing is left behind"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_image_that_cannot_be_pulled_leaves_nothing_behind() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    machine.sim.forget_image("kindest/node:v1.37.0");
    machine.sim.registry_down();
    let told = built(&world, false).await;
    let fault = fault(&told);
    assert_eq!(fault.code, "image-pull");
    assert!(fault.what.contains("kindest/node:v1.37.0"), "{fault}");
    assert!(
        !hint(fault).contains("kept"),
        "nothing was made: {}",
        hint(fault)
    );
    assert!(!folder.path().join("data").exists());
    assert!(machine.networks().await.iter().all(|name| name != "kind"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flink_image_that_cannot_be_pulled_keeps_the_node_and_the_next_up_finishes() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    machine.sim.forget_image("flink:2.3.0-scala_2.12-java17");
    machine.sim.registry_down();
    let told = built(&world, false).await;
    let fault = failed_at(&told, "images", "image-pull");
    assert!(fault.why.contains("manifest unknown"), "{fault}");
    machine.sim.registry_up();
    built(&world, false).await.end.unwrap();
    is_whole(&machine, &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_boot_shows_its_boot_log() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    machine.sim.trouble(Some(Trouble::NodeDoesNotBoot));
    let told = built(&world, false).await;
    let fault = failed_at(&told, "node", "node-boot");
    shows(fault, "boot log", "Failed to allocate manager object");
    machine.sim.trouble(None);
    built(&world, false).await.end.unwrap();
    is_whole(&machine, &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_never_answers_shows_kubeadm_and_the_kubelet() {
    let machine = Machine::start(60.0).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    machine.sim.trouble(Some(Trouble::ApiServerNeverAnswers));
    let told = built(&world, false).await;
    let fault = failed_at(&told, "kubernetes", "kubeadm");
    shows(fault, "kubeadm", "kube-apiserver check failed");
    shows(fault, "kubelet", "CrashLoopBackOff");
    shows(fault, "API server", "unknown flag");
    machine.sim.trouble(None);
    built(&world, false).await.end.unwrap();
    is_whole(&machine, &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_says_what_was_waited_for() {
    let machine = Machine::start(1.0).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    let order = UpOrder {
        resume: false,
        fetch: false,
        within: Some(Duration::from_secs(2)),
    };
    let told = told(async |events| up::run(&world, &order, &events).await).await;
    let fault = fault(&told);
    assert_eq!(fault.code, "timeout");
    assert!(fault.why.contains("node container: "), "{fault}");
    assert!(hint(fault).contains("--timeout"), "{}", hint(fault));
}

/// Takes root's right to write into every folder from this thread; others have none to lose.
#[cfg(target_os = "linux")]
fn without_override() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let mut own = capabilities(None).unwrap();
    own.effective.remove(CapabilitySet::DAC_OVERRIDE);
    set_capabilities(None, own).unwrap();
}

#[cfg(not(target_os = "linux"))]
fn without_override() {}

/// A disk that is full refuses the file that lab.json is replaced by; here it is a folder that nobody
/// may write into.
#[test]
fn a_state_file_that_cannot_be_written_keeps_the_old_one() {
    without_override();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .on_thread_start(without_override)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(a_state_file_that_cannot_be_written());
}

async fn a_state_file_that_cannot_be_written() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    killed_at(&world, "node", StepState::Running).await;
    let home = Home::of(&world.addresses, "sim");
    let before = std::fs::read_to_string(home.state_file()).unwrap();
    let mode = |mode| {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&home.folder, mode).unwrap();
    };
    mode(0o500);
    let told = built(&world, false).await;
    assert_eq!(fault(&told).code, "home-unwritable");
    assert_eq!(std::fs::read_to_string(home.state_file()).unwrap(), before);
    mode(0o700);
    built(&world, false).await.end.unwrap();
    is_whole(&machine, &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throw_away_container_of_a_killed_purge_does_not_block_the_next() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    built(&world, false).await.end.unwrap();
    let force = bollard::query_parameters::RemoveContainerOptionsBuilder::new()
        .force(true)
        .build();
    machine
        .docker
        .remove_container(NODE, Some(force))
        .await
        .unwrap();
    let shared = Home::of(&world.addresses, "sim").bind_source().unwrap();
    let name = format!("flinklab-purge-{}", state(&world).id);
    let body = bollard::models::ContainerCreateBody {
        image: Some("kindest/node:v1.37.0".to_owned()),
        host_config: Some(bollard::models::HostConfig {
            binds: Some(vec![format!("{shared}:/purge")]),
            ..bollard::models::HostConfig::default()
        }),
        ..bollard::models::ContainerCreateBody::default()
    };
    let options = bollard::query_parameters::CreateContainerOptionsBuilder::new()
        .name(&name)
        .build();
    machine
        .docker
        .create_container(Some(options), body)
        .await
        .unwrap();
    removed(&world, true).await.end.unwrap();
    assert!(containers(&machine).await.is_empty());
    assert!(!Home::of(&world.addresses, "sim").folder.exists());
}

/// Docker makes a container to its end although who ordered it was killed, and shows it only then.
#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_a_killed_up_ordered_is_waited_for_and_made_anew() {
    let machine = Machine::start(2.0).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    killed_at(&world, "folder", StepState::Done).await;
    let shared = Home::of(&world.addresses, "sim").bind_source().unwrap();
    let label = |key: &str, value: &str| (format!("io.x-k8s.kind.{key}"), value.to_owned());
    let body = bollard::models::ContainerCreateBody {
        image: Some("kindest/node:v1.37.0".to_owned()),
        labels: Some(std::collections::HashMap::from([
            label("cluster", "sim"),
            label("role", "control-plane"),
        ])),
        host_config: Some(bollard::models::HostConfig {
            binds: Some(vec![format!("{shared}:/flink-shared")]),
            ..bollard::models::HostConfig::default()
        }),
        ..bollard::models::ContainerCreateBody::default()
    };
    let options = bollard::query_parameters::CreateContainerOptionsBuilder::new()
        .name(NODE)
        .build();
    let docker = machine.docker.clone();
    let ordered = tokio::spawn(async move { docker.create_container(Some(options), body).await });
    crate::simulated::eventually("the order is seen", || async {
        let asked = machine.sim.requests();
        asked
            .keys()
            .any(|(_, verb, path)| verb == "POST" && path == "/containers/create")
    })
    .await;
    ordered.abort();
    machine.sim.set_speed(SPEED);
    built(&world, false).await.end.unwrap();
    is_whole(&machine, &world).await;
}

/// As after a reboot: the node is stopped, and another address waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_is_started_and_the_job_goes_on_from_its_last_checkpoint() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    built(&world, false).await.end.unwrap();
    let job = state(&world).jobs[0].id.clone();
    machine.docker.stop_container(NODE, None).await.unwrap();
    let Ok(Done::Up { notes, changed, .. }) = built(&world, false).await.end else {
        panic!("up")
    };
    assert!(changed, "it was started");
    assert!(
        notes
            .iter()
            .any(|note| said(note).contains("was started again")),
        "{notes:?}"
    );
    assert!(
        notes
            .iter()
            .any(|note| said(note).starts_with("The job went on from its checkpoint")),
        "{notes:?}"
    );
    assert_eq!(state(&world).jobs.len(), 1);
    assert_eq!(state(&world).jobs[0].id, job, "the same history");
    is_whole(&machine, &world).await;
}
