//! Clusters beside and instead of our own, through the library against the simulation: one that
//! kind's command made, another lab's, two labs at once, a stopped one, one of three nodes.

use crate::advice::{hint, said};
use crate::building::{built, removed, state, told, world};
use crate::simulated::Machine;
use bollard::models::{ContainerCreateBody, HostConfig, PortBinding};
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder};
use flinklab_event::{Adopted, Done, DownOrder, Event, PodChange};
use flinklab_world::home::{Home, Maker};
use flinklab_world::labs;
use flinklab_world::labs::LabStatus;
use flinklab_world::{Events, World, down, shared_folder, stop, watch};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Faster than real by this much.
const SPEED: f64 = 20.0;
/// Two labs beside each other on a loaded machine: their checkpoints must not outrun our looks.
const GENTLE: f64 = 8.0;

/// What kind's command leaves where it was given our kind configuration.
struct Kinds<'a> {
    name: &'a str,
    mounted: &'a str,
    listens: &'a str,
    label: Option<&'a str>,
}

impl<'a> Kinds<'a> {
    fn of(name: &'a str) -> Self {
        Self {
            name,
            mounted: "/flink-shared",
            listens: "127.0.0.1",
            label: None,
        }
    }

    async fn make(&self, machine: &Machine, world: &World) -> String {
        let shared = shared_folder(&world.addresses, self.name).unwrap();
        let port = |inside: &str, host: &str| {
            let binding = PortBinding {
                host_ip: Some(self.listens.to_owned()),
                host_port: Some(host.to_owned()),
            };
            (inside.to_owned(), Some(vec![binding]))
        };
        let mut labels = HashMap::from([
            ("io.x-k8s.kind.cluster".to_owned(), self.name.to_owned()),
            ("io.x-k8s.kind.role".to_owned(), "control-plane".to_owned()),
        ]);
        labels.extend(
            self.label
                .map(|id| ("flinklab.lab-id".to_owned(), id.to_owned())),
        );
        let body = ContainerCreateBody {
            image: Some("kindest/node:v1.37.0".to_owned()),
            tty: Some(true),
            labels: Some(labels),
            host_config: Some(HostConfig {
                binds: Some(vec![format!("{}:{}", shared.display(), self.mounted)]),
                port_bindings: Some(HashMap::from([
                    port("6443/tcp", "0"),
                    port("30081/tcp", "0"),
                ])),
                network_mode: Some("kind".to_owned()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let name = format!("{}-control-plane", self.name);
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let made = machine
            .docker
            .create_container(Some(options), body)
            .await
            .unwrap();
        machine
            .docker
            .start_container(&made.id, None)
            .await
            .unwrap();
        made.id
    }
}

async fn down_as(world: &World, adopted: Adopted) -> Result<Done, flinklab_base::fault::Fault> {
    let order = DownOrder {
        purge: false,
        adopted,
    };
    told(async |events| down::run(world, &order, &events).await)
        .await
        .end
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kind_made_of_our_configuration_is_taken_over_and_not_removed_unasked() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "t");
    let id = Kinds::of("t").make(&machine, &world).await;
    let Ok(Done::Up { notes, .. }) = built(&world, false).await.end else {
        panic!("up")
    };
    assert!(
        notes
            .iter()
            .any(|note| said(note).contains("was made by kind")),
        "{notes:?}"
    );
    let known = state(&world);
    assert_eq!(
        (known.nodes[0].id.as_str(), known.nodes[0].maker),
        (id.as_str(), Maker::Kind)
    );
    let asked = flinklab_world::taken_over(&world).await.unwrap();
    assert_eq!(asked, ["t-control-plane"]);
    let fault = down_as(&world, Adopted::Kept).await.unwrap_err();
    assert_eq!((fault.code.as_ref(), fault.kind.code()), ("needs-yes", 2));
    machine
        .docker
        .inspect_container(&id, None)
        .await
        .expect("still there");
    down_as(&world, Adopted::Removed).await.unwrap();
    assert!(machine.docker.inspect_container(&id, None).await.is_err());
}

/// Kind's containers do not say whose they are: the cluster itself does, before it is written to.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_with_another_labs_marker_is_refused_before_the_first_write() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "t");
    Kinds::of("t").make(&machine, &world).await;
    built(&world, false).await.end.unwrap();
    let mut other = state(&world);
    other.id = "0123456789abcdef0123456789abcdef".to_owned();
    other.nodes.clear();
    other.jobs.clear();
    other.applied = None;
    Home::of(&world.addresses, "t").write_state(&other).unwrap();
    machine.sim.forget_requests();
    let fault = built(&world, false).await.end.unwrap_err();
    assert_eq!(fault.code, "gate-refused", "{fault}");
    assert!(!hint(&fault).contains("What was made"), "{}", hint(&fault));
    let writes = machine
        .sim
        .requests()
        .into_keys()
        .filter(|(face, verb, _)| {
            face == "kubernetes" && ["POST", "PUT", "PATCH", "DELETE"].contains(&verb.as_str())
        });
    assert_eq!(writes.collect::<Vec<_>>(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_kind_yaml_says_is_not_taken_over() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    for (name, kinds, code, why) in [
        (
            "open",
            Kinds {
                listens: "0.0.0.0",
                ..Kinds::of("open")
            },
            "gate-refused",
            "0.0.0.0",
        ),
        (
            "other",
            Kinds {
                label: Some("0123"),
                ..Kinds::of("other")
            },
            "cluster-not-ours",
            "0123",
        ),
        (
            "mount",
            Kinds {
                mounted: "/elsewhere",
                ..Kinds::of("mount")
            },
            "cluster-changed",
            "does not mount",
        ),
    ] {
        let world = world(&machine, folder.path(), name);
        let id = kinds.make(&machine, &world).await;
        let fault = built(&world, false).await.end.unwrap_err();
        assert_eq!(
            (fault.code.as_ref(), fault.kind.code()),
            (code, 3),
            "{fault}"
        );
        assert!(fault.why.contains(why), "{fault}");
        machine
            .docker
            .inspect_container(&id, None)
            .await
            .expect("untouched");
        let options = RemoveContainerOptionsBuilder::new().force(true).build();
        machine
            .docker
            .remove_container(&id, Some(options))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_was_replaced_by_anothers_does_not_stand_in_the_way_of_down() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    built(&world, false).await.end.unwrap();
    let options = RemoveContainerOptionsBuilder::new().force(true).build();
    machine
        .docker
        .remove_container("sim-control-plane", Some(options))
        .await
        .unwrap();
    machine.node().await; // of the same name, and without our folder
    removed(&world, true).await.end.unwrap();
    machine
        .docker
        .inspect_container(crate::simulated::NODE, None)
        .await
        .expect("another's cluster is left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn labs_stand_side_by_side_and_one_is_stopped_and_comes_back() {
    let machine = Machine::start(GENTLE).await;
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (
        world(&machine, folder.path(), "one"),
        world(&machine, folder.path(), "two"),
    );
    Box::pin(built(&one, false)).await.end.unwrap();
    Box::pin(built(&two, false)).await.end.unwrap();
    let ports = |world: &World| {
        let ports = state(world).ports;
        [ports.api.unwrap(), ports.ui.unwrap()]
    };
    assert!(ports(&one).iter().all(|port| !ports(&two).contains(port)));

    let ended = told(async |events| stop::run(&one, &events).await)
        .await
        .end;
    assert!(
        matches!(&ended, Ok(Done::Stop { stopped, .. }) if stopped == &["one-control-plane"]),
        "{ended:?}"
    );
    let standing = async || {
        let (listed, no_docker) = labs::list(&one.addresses).await.unwrap();
        assert_eq!(no_docker, None);
        listed
            .into_iter()
            .map(|lab| (lab.name, lab.known.unwrap().cluster))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        standing().await,
        [
            ("one".to_owned(), LabStatus::Stopped),
            ("two".to_owned(), LabStatus::Running)
        ]
    );
    let job = state(&one).jobs;
    built(&one, false).await.end.unwrap();
    assert_eq!(state(&one).jobs, job, "the same job goes on");
    down_as(&two, Adopted::Kept).await.unwrap();
    assert_eq!(
        standing().await,
        [
            ("one".to_owned(), LabStatus::Running),
            ("two".to_owned(), LabStatus::None)
        ]
    );
    assert!(
        Home::of(&two.addresses, "two").shared().exists(),
        "data stays"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_are_built_and_purged() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(&machine, folder.path(), "t");
    world.lab = Some("three-nodes".to_owned());
    built(&world, false).await.end.unwrap();
    let names: Vec<String> = state(&world)
        .nodes
        .into_iter()
        .map(|node| node.name)
        .collect();
    assert_eq!(names, ["t-control-plane", "t-worker", "t-worker2"]);
    removed(&world, true).await.end.unwrap();
    assert!(
        machine
            .docker
            .list_containers(None)
            .await
            .unwrap()
            .is_empty()
    );
}

/// Another Flink in the lab's namespace, whose pods carry the very labels by which the lab finds its
/// own: they are neither shown nor waited for.
#[tokio::test(flavor = "multi_thread")]
async fn pods_of_another_flink_under_the_same_labels_are_not_the_labs() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    // The name of the node that `Machine::client` asks.
    let world = world(&machine, folder.path(), "sim");
    built(&world, false).await.end.unwrap();
    let pods: Api<Pod> = Api::namespaced(machine.client().await, "flink");
    for component in ["jobmanager", "taskmanager"] {
        let pod = serde_json::json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("nat2-{component}-1-2"),
                "labels": {"app": "nat2", "component": component}},
            "spec": {"containers": [{"name": "flink-main-container", "image": "nobody/has:1"}]},
        });
        let pod = serde_json::from_value(pod).unwrap();
        pods.create(&Default::default(), &pod).await.unwrap();
    }
    let Ok(Done::Up { changed, .. }) = built(&world, false).await.end else {
        panic!("up")
    };
    assert!(!changed);
    let (to, mut from) = mpsc::channel(1024);
    let stop = CancellationToken::new();
    let follow = watch::follow(Arc::new(world), Events::new(to), stop.clone());
    let seen = async {
        while let Some(happening) = from.recv().await {
            if let Event::Pods(PodChange::Listed(rows)) = happening.event {
                stop.cancel();
                let names = rows.into_iter().map(|row| row.name);
                return names.collect::<Vec<String>>();
            }
        }
        panic!("it ends without a list of pods")
    };
    let (names, ()) = futures::join!(seen, follow);
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(
        !names.iter().any(|name| name.starts_with("nat2")),
        "{names:?}"
    );
}
