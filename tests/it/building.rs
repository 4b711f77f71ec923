//! `up` and `down` through the library against the simulation: from nothing to the first
//! checkpoint, again, over kept data, and what is refused.

use crate::advice::said;
use crate::simulated::Machine;
use flinklab_base::fault::Fault;
use flinklab_event::{Done, DownOrder, Event, Happening, StepState, UpOrder};
use flinklab_world::home::{Home, State};
use flinklab_world::{Addresses, Events, World, down, up};
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;

/// Faster than real by this much.
const SPEED: f64 = 20.0;

pub(crate) fn world(machine: &Machine, home: &Path, name: &str) -> World {
    let addresses = Addresses {
        docker: Some(machine.sim.docker_host()),
        ..Addresses::new(home.join("data"), home.join("config"))
    };
    World::new(addresses, name.to_owned(), None, false)
}

/// Longer than any command takes here, on a loaded machine too.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a command told: how it ended, and the steps that were done.
pub(crate) struct Told {
    pub(crate) end: Result<Done, Fault>,
    pub(crate) done: Vec<String>,
    /// Steps that failed, with what they said.
    pub(crate) failed: Vec<(String, String)>,
}

pub(crate) async fn told(work: impl AsyncFnOnce(Events)) -> Told {
    let (to, mut from) = mpsc::channel::<Happening>(1024);
    let collect = async {
        let (mut end, mut done, mut failed) = (None, Vec::new(), Vec::new());
        while let Some(happening) = from.recv().await {
            match happening.event {
                Event::Done(how) => end = Some(Ok(how)),
                Event::Failed { fault, .. } => end = Some(Err(fault)),
                Event::Step(step) => {
                    // Shown only when a test fails: where it stood.
                    #[expect(clippy::print_stderr)]
                    {
                        eprintln!("{} {:?} {}", step.name, step.state, step.detail);
                    }
                    match step.state {
                        StepState::Done => done.push(step.name),
                        StepState::Failed => failed.push((step.name, step.detail)),
                        StepState::Waiting | StepState::Running => {}
                    }
                }
                _ => {}
            }
        }
        Told {
            end: end.expect("every command says how it ended"),
            done,
            failed,
        }
    };
    let both = async { tokio::join!(work(Events::new(to)), collect).1 };
    tokio::time::timeout(PATIENCE, both)
        .await
        .expect("no command takes as long")
}

pub(crate) async fn built(world: &World, resume: bool) -> Told {
    told(async |events| {
        up::run(
            world,
            &UpOrder {
                resume,
                fetch: false,
                within: None,
            },
            &events,
        )
        .await
    })
    .await
}

pub(crate) async fn removed(world: &World, purge: bool) -> Told {
    told(async |events| {
        down::run(
            world,
            &DownOrder {
                purge,
                ..DownOrder::default()
            },
            &events,
        )
        .await
    })
    .await
}

pub(crate) fn state(world: &World) -> State {
    Home::of(&world.addresses, &world.name)
        .read_state()
        .unwrap()
        .unwrap()
}

fn changed(told: &Told) -> bool {
    match &told.end {
        Ok(Done::Up { changed, .. }) => *changed,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn up_builds_the_lab_and_a_second_one_changes_nothing() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "t");
    let first = built(&world, false).await;
    assert!(changed(&first));
    let mut steps = first.done.clone();
    steps.sort();
    let mut all = [
        "docker",
        "folder",
        "node-image",
        "node",
        "kubernetes",
        "images",
        "flink",
        "job",
        "checkpoint",
    ];
    all.sort_unstable();
    assert_eq!(steps, all);
    let known = state(&world);
    assert_eq!(known.jobs.len(), 1);
    let second = built(&world, false).await;
    assert!(!changed(&second));
    assert_eq!(state(&world).jobs, known.jobs, "the same job");
}

/// Seen on a real cluster: `up` said that the job runs while the leader that it asked was leaving.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_configuration_is_rolled_out_before_the_job_is_looked_at() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let lab = folder.path().join("lab");
    std::fs::create_dir(&lab).unwrap();
    for (name, text) in flinklab_lab::Lab::open("default").unwrap().files {
        std::fs::write(lab.join(name), text).unwrap();
    }
    // The name of the node that `Machine::client` asks.
    let mut world = world(&machine, folder.path(), "sim");
    world.lab = Some(lab.display().to_string());
    built(&world, false).await.end.unwrap();
    let known = state(&world);
    let file = lab.join("40-config.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let shorter = text.replace("max-backoff: 10 s", "max-backoff: 5 s");
    assert_ne!(text, shorter);
    std::fs::write(&file, shorter).unwrap();

    let again = built(&world, false).await;
    assert!(changed(&again));
    assert_eq!(state(&world).jobs, known.jobs, "the same job");
    let at = |step: &str| again.done.iter().position(|done| done == step);
    assert!(at("flink") < at("job"), "{:?}", again.done);
    let pods: kube::Api<k8s_openapi::api::core::v1::Pod> =
        kube::Api::namespaced(machine.client().await, "flink");
    let now = pods.list(&Default::default()).await.unwrap().items;
    let leaving = now
        .iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_some());
    assert_eq!((now.len(), leaving.count()), (4, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_data_is_left_alone_until_it_is_resumed_or_purged() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "t");
    built(&world, false).await.end.unwrap();
    let Ok(Done::Down {
        removed: gone,
        kept,
        ..
    }) = removed(&world, false).await.end
    else {
        panic!("down")
    };
    assert!(
        gone.iter().any(|line| line.contains("t-control-plane")),
        "{gone:?}"
    );
    assert!(kept.iter().any(|line| line.contains("--purge")), "{kept:?}");
    let home = Home::of(&world.addresses, "t");
    assert!(state(&world).nodes.is_empty() && home.shared().exists());
    let Ok(Done::Up { notes, .. }) = built(&world, true).await.end else {
        panic!("up --resume")
    };
    assert!(
        notes
            .iter()
            .any(|note| said(note).starts_with("Resumed from checkpoint")),
        "{notes:?}"
    );
    let known = state(&world);
    assert_eq!(known.jobs.len(), 2, "the list outlives down");
    assert!(
        known.jobs[1]
            .from
            .as_ref()
            .is_some_and(|from| from.contains(&known.jobs[0].id))
    );
    removed(&world, true).await.end.unwrap();
    assert!(!home.folder.exists());
    assert_eq!(removed(&world, false).await.end.unwrap_err().code, "no-lab");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_removed_behind_our_back_is_built_again() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "t");
    built(&world, false).await.end.unwrap();
    let options = bollard::query_parameters::RemoveContainerOptionsBuilder::new()
        .force(true)
        .build();
    machine
        .docker
        .remove_container("t-control-plane", Some(options))
        .await
        .unwrap();
    let Ok(Done::Up { notes, changed, .. }) = built(&world, false).await.end else {
        panic!("up")
    };
    assert!(
        changed
            && notes
                .iter()
                .any(|note| said(note).contains("behind our back")),
        "{notes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_cluster_of_that_name_is_neither_used_nor_removed() {
    let machine = Machine::start(SPEED).await;
    machine.node().await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    let fault = built(&world, false).await.end.unwrap_err();
    assert_eq!(
        (fault.code.as_ref(), fault.kind.code()),
        ("cluster-not-ours", 3)
    );
    removed(&world, true).await.end.unwrap();
    machine
        .docker
        .inspect_container(crate::simulated::NODE, None)
        .await
        .expect("still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_neither_builds_nor_removes() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(&machine, folder.path(), "t");
    world.read_only = true;
    assert_eq!(
        built(&world, false).await.end.unwrap_err().code,
        "read-only"
    );
    assert_eq!(
        removed(&world, true).await.end.unwrap_err().code,
        "read-only"
    );
    assert!(!folder.path().join("data").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_reads_sends_nothing_that_writes() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "t");
    built(&world, false).await.end.unwrap();
    let home = Home::of(&world.addresses, &world.name);
    let client = flinklab_world::kube::reading_client(&home).await.unwrap();
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(client.clone(), "flink");
    let pods: kube::Api<k8s_openapi::api::core::v1::Pod> = kube::Api::namespaced(client, "flink");
    let map = maps
        .list(&Default::default())
        .await
        .unwrap()
        .items
        .remove(0);
    let pod = pods
        .list(&Default::default())
        .await
        .unwrap()
        .items
        .remove(0);
    let (map_name, pod_name) = (
        map.metadata.name.clone().unwrap(),
        pod.metadata.name.unwrap(),
    );
    let patch = kube::api::Patch::Merge(serde_json::json!({"data": {"a": "b"}}));
    machine.sim.forget_requests();
    let refused = [
        maps.delete(&map_name, &Default::default()).await.err(),
        maps.create(&Default::default(), &map).await.err(),
        maps.replace(&map_name, &Default::default(), &map)
            .await
            .err(),
        maps.patch(&map_name, &Default::default(), &patch)
            .await
            .err(),
        pods.exec(&pod_name, ["kill", "1"], &Default::default())
            .await
            .err(),
    ];
    for error in refused {
        let said = flinklab_world::kube::describe(&error.expect("was not sent"));
        assert!(said.ends_with("only reads"), "{said}");
    }
    assert_eq!(machine.sim.requests(), Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn resuming_from_nothing_is_refused_before_anything_is_made() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "t");
    assert_eq!(
        built(&world, true).await.end.unwrap_err().code,
        "nothing-to-resume"
    );
    let left = machine.docker.list_containers(None).await.unwrap();
    assert!(left.is_empty());
    assert!(!folder.path().join("data").exists(), "no folder either");
}
