//! What a person is told when something fails, and whether that leads on: commands that name the
//! lab, what was made by its name, and what is refused before it is touched.

use crate::advice::hint;
use crate::building::{built, removed, state, world};
use crate::program::Program;
use crate::simulated::{Machine, NODE, eventually};
use flinklab_base::fault::Fault;
use flinklab_event::{Effect, Event, Happening, UpOrder};
use flinklab_lab::Lab;
use flinklab_sim::Trouble;
use flinklab_world::home::Home;
use flinklab_world::{Events, World, perform, up};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Faster than real by this much.
const SPEED: f64 = 20.0;

/// How an effect fails, as the loop sees it.
async fn failed(world: &World, effect: Effect) -> Fault {
    let (to, mut from) = mpsc::channel::<Happening>(1024);
    let world = Arc::new(world.clone());
    let work = perform(world, effect, Events::new(to), CancellationToken::new());
    let wait = async {
        while let Some(happening) = from.recv().await {
            if let Event::Failed { fault, .. } = happening.event {
                return fault;
            }
        }
        panic!("it did not fail")
    };
    tokio::join!(work, wait).1
}

fn says(words: &str, part: &str) {
    assert!(words.contains(part), "{part}: {words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_in_sentences_act_on_the_lab_that_they_are_about() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    machine.sim.trouble(Some(Trouble::NodeDoesNotBoot));
    let fault = built(&world, false).await.end.unwrap_err();
    says(
        &hint(&fault),
        "the container `sim-control-plane` and the folder ",
    );
    removed(&world, false).await.end.unwrap();
    let fault = failed(&world, Effect::Stop).await;
    assert_eq!(fault.code, "cluster-gone");
    says(&hint(&fault), "`flinklab up --name sim`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_dockers_machine_does_not_share_is_told_at_once() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    machine.sim.trouble(Some(Trouble::FolderNotShared));
    let fault = built(&world, false).await.end.unwrap_err();
    assert_eq!(fault.code, "shared-not-seen");
    machine.sim.trouble(None);
    built(&world, false).await.end.unwrap();
    let shared = Home::of(&world.addresses, "sim").shared();
    let left = std::fs::read_dir(shared).unwrap().flatten();
    let hidden = left.filter(|one| one.file_name().to_string_lossy().starts_with('.'));
    assert_eq!(hidden.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_docker_keeps_images_in_containerd_they_are_streamed_once() {
    let machine = Machine::start(SPEED).await;
    machine.sim.containerd_store();
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    built(&world, false).await.end.unwrap();
    machine.sim.forget_requests();
    built(&world, false).await.end.unwrap();
    let asked = machine.sim.requests();
    let streams = asked
        .keys()
        .filter(|(_, _, path)| path.starts_with("/images/") && path.ends_with("/get"));
    assert_eq!(streams.count(), 0, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_was_taken_meanwhile_has_a_way_out() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    built(&world, false).await.end.unwrap();
    let port = state(&world).ports.ui.unwrap();
    machine.docker.stop_container(NODE, None).await.unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await;
    let fault = built(&world, false).await.end.unwrap_err();
    assert_eq!(fault.code, "port-taken", "{fault}");
    says(&hint(&fault), "`flinklab up --resume --name sim`");
    removed(&world, false).await.end.unwrap();
    built(&world, true).await.end.unwrap();
    assert_ne!(state(&world).ports.ui, Some(port));
    drop(listener);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_waits_for_the_container_that_a_killed_up_ordered() {
    let machine = Machine::start(2.0).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    let (to, mut from) = mpsc::channel::<Happening>(1024);
    let (events, order) = (Events::new(to), UpOrder::default());
    let ordered = eventually("the order is seen", || async {
        let asked = machine.sim.requests();
        asked
            .keys()
            .any(|(_, verb, path)| verb == "POST" && path == "/containers/create")
    });
    let drain = async { while from.recv().await.is_some() {} };
    tokio::select! {
        biased;
        () = ordered => {}
        () = async { tokio::join!(up::run(&world, &order, &events), drain); } => panic!("it was not killed"),
    }
    removed(&world, true).await.end.unwrap();
    // Longer than the engine takes to make a container.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let all = bollard::query_parameters::ListContainersOptionsBuilder::new()
        .all(true)
        .build();
    let left = machine.docker.list_containers(Some(all)).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_own_image_is_pulled_or_named() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let lab = folder.path().join("lab");
    std::fs::create_dir(&lab).unwrap();
    for (name, text) in Lab::open("default").unwrap().files {
        let text = match name.as_str() {
            "lab.yaml" => text.replace(
                "  image: flink:2.3.0-scala_2.12-java17\n  jar:",
                "  image: example.com/jobs:1\n  jar:",
            ),
            _ => text,
        };
        std::fs::write(lab.join(name), text).unwrap();
    }
    let mut world = world(&machine, folder.path(), "sim");
    world.lab = Some(lab.display().to_string());
    let fault = built(&world, false).await.end.unwrap_err();
    assert_eq!(fault.code, "image-pull", "{fault}");
    says(&fault.what, "example.com/jobs:");
}

#[tokio::test(flavor = "multi_thread")]
async fn kind_config_of_a_lab_is_that_of_its_own_definition() {
    let program = Program::without_docker();
    let mut addresses = flinklab_world::Addresses::new(program.home(), program.home());
    addresses.home = program.home();
    let home = Home::of(&addresses, "three");
    home.create().unwrap();
    let lab = Lab::open("three-nodes").unwrap();
    let source = flinklab_world::home::Source::BuiltIn("three-nodes".to_owned());
    let made = flinklab_world::home::State::new("three", &lab, source, jiff::Timestamp::now());
    home.write_state(&made.unwrap()).unwrap();
    let ended = program.run(&["kind-config", "--name", "three"]);
    assert_eq!(
        ended.out.matches("role: worker").count(),
        2,
        "{}",
        ended.out
    );
    let ended = program.run(&["lab", "check", "default"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
}
