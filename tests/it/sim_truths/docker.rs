//! The engine.

use crate::simulated::{Machine, NODE, eventually, http};
use bollard::errors::Error;
use bollard::exec::CreateExecOptions;
use bollard::models::{ContainerCreateBody, NetworkCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, DownloadFromContainerOptionsBuilder,
    EventsOptionsBuilder, ListContainersOptionsBuilder, ListNetworksOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use futures::StreamExt;
use std::collections::HashMap;
use std::io::Read;
use std::time::Duration;

fn refusal<T>(result: Result<T, Error>) -> (u16, String) {
    match result {
        Err(Error::DockerResponseServerError {
            status_code,
            message,
        }) => (status_code, message),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

#[tokio::test]
async fn paths_come_with_and_without_a_version() {
    let machine = Machine::start(50.0).await;
    let port = machine
        .sim
        .docker_host()
        .rsplit(':')
        .next()
        .unwrap()
        .to_owned();
    for path in ["/version", "/v1.41/version", "/v1.53/version"] {
        assert_eq!(http(&port, "GET", path, &[]).await.0, 200, "{path}");
    }
    let counted = machine.sim.requests();
    assert_eq!(
        counted[&("docker".to_owned(), "GET".to_owned(), "/version".to_owned())],
        3
    );
}

#[tokio::test]
async fn what_is_not_there_is_a_404_in_the_daemons_words() {
    let machine = Machine::start(50.0).await;
    let container = refusal(machine.docker.inspect_container("nope", None).await);
    assert_eq!(container, (404, "No such container: nope".to_owned()));
    let image = refusal(machine.docker.inspect_image("nope").await);
    assert_eq!(image, (404, "No such image: nope:latest".to_owned()));
    let body = ContainerCreateBody {
        image: Some("nope".to_owned()),
        ..Default::default()
    };
    let create = refusal(machine.docker.create_container(None, body).await);
    assert_eq!(create, (404, "No such image: nope:latest".to_owned()));
    let network = refusal(machine.docker.inspect_network("nope", None).await);
    assert_eq!(network, (404, "network nope not found".to_owned()));
}

#[tokio::test]
async fn a_name_is_taken_once_and_a_running_container_is_removed_by_force_only() {
    let machine = Machine::start(50.0).await;
    machine.node().await;
    let body = ContainerCreateBody {
        image: Some("kindest/node:v1.37.0".to_owned()),
        ..Default::default()
    };
    let options = CreateContainerOptionsBuilder::new().name(NODE).build();
    let (code, words) = refusal(machine.docker.create_container(Some(options), body).await);
    assert_eq!(code, 409);
    assert!(words.contains("is already in use by container"), "{words}");
    assert_eq!(
        refusal(machine.docker.remove_container(NODE, None).await).0,
        409
    );
    let force = RemoveContainerOptionsBuilder::new()
        .force(true)
        .v(true)
        .build();
    machine
        .docker
        .remove_container(NODE, Some(force))
        .await
        .unwrap();
    assert_eq!(
        refusal(machine.docker.inspect_container(NODE, None).await).0,
        404
    );
}

#[tokio::test]
async fn a_published_port_that_is_taken_fails_the_start() {
    let machine = Machine::start(50.0).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let body: ContainerCreateBody = serde_json::from_value(serde_json::json!({
        "Image": "kindest/node:v1.37.0",
        "HostConfig": {"PortBindings": {"6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}}
    }))
    .unwrap();
    let id = machine
        .docker
        .create_container(None, body)
        .await
        .unwrap()
        .id;
    let (code, words) = refusal(machine.docker.start_container(&id, None).await);
    assert_eq!(code, 500);
    assert!(words.contains("port is already allocated"), "{words}");
}

#[tokio::test]
async fn the_boot_line_comes_on_a_terminals_raw_stream() {
    let machine = Machine::start(50.0).await;
    machine.node().await;
    let options = LogsOptionsBuilder::new()
        .follow(true)
        .stdout(true)
        .stderr(true)
        .build();
    let mut log = machine.docker.logs(NODE, Some(options));
    let seen = async {
        let mut all = String::new();
        while let Some(piece) = log.next().await {
            all.push_str(&String::from_utf8_lossy(piece.unwrap().as_ref()));
            if all.contains("Reached target") && all.contains("Multi-User System") {
                return true;
            }
        }
        false
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(10), seen)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn exec_carries_both_streams_the_exit_code_and_stdin_to_its_end() {
    let machine = Machine::start(50.0).await;
    machine.node().await;
    assert_eq!(
        machine.exec(&["cat", "/kind/version"]).await.out,
        "v1.37.0\n"
    );
    let missing = machine.exec(&["cat", "/nope"]).await;
    assert_eq!((missing.code, missing.out.as_str()), (1, ""));
    assert!(missing.err.contains("No such file"), "{}", missing.err);
    let input = vec![b'x'; 4 * 1024 * 1024];
    assert_eq!(
        machine
            .exec_with(&["wc", "-c"], Some(input))
            .await
            .out
            .trim(),
        "4194304"
    );
}

#[tokio::test]
async fn a_missing_program_is_text_on_stdout_and_126() {
    let machine = Machine::start(50.0).await;
    machine.node().await;
    let ran = machine.exec(&["nope"]).await;
    assert_eq!(ran.code, 126);
    assert!(ran.out.contains("executable file not found"), "{}", ran.out);
}

#[tokio::test]
async fn archives_go_in_and_out_but_not_onto_a_tmpfs() {
    let machine = Machine::start(50.0).await;
    machine.node().await;
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    header.set_mode(0o644);
    tar.append_data(&mut header, "it", &b"yes"[..]).unwrap();
    let tar = tar.into_inner().unwrap();
    for (folder, there) in [("/kind", true), ("/tmp", false)] {
        let options = UploadToContainerOptionsBuilder::new().path(folder).build();
        let body = bollard::body_full(tar.clone().into());
        machine
            .docker
            .upload_to_container(NODE, Some(options), body)
            .await
            .unwrap();
        let path = format!("{folder}/it");
        let options = DownloadFromContainerOptionsBuilder::new()
            .path(&path)
            .build();
        let pieces: Vec<_> = machine
            .docker
            .download_from_container(NODE, Some(options))
            .collect()
            .await;
        assert_eq!(pieces.iter().all(Result::is_ok), there, "{folder}");
        if there {
            let bytes: Vec<u8> = pieces.into_iter().flat_map(Result::unwrap).collect();
            let mut archive = tar::Archive::new(&bytes[..]);
            let mut text = String::new();
            let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
            entry.read_to_string(&mut text).unwrap();
            assert_eq!(text, "yes");
        }
    }
    let options = UploadToContainerOptionsBuilder::new()
        .path("/no/such/folder")
        .build();
    let refused =
        machine
            .docker
            .upload_to_container(NODE, Some(options), bollard::body_full(tar.into()));
    assert_eq!(refusal(refused.await).0, 404);
}

#[tokio::test]
async fn a_pull_is_a_stream_of_progress_and_the_image_is_there_after_it() {
    let machine = Machine::start(50.0).await;
    let image = machine.lab.images[0].clone();
    machine.sim.forget_image(&image);
    assert_eq!(refusal(machine.docker.inspect_image(&image).await).0, 404);
    let (name, tag) = image.split_once(':').unwrap();
    let options = CreateImageOptionsBuilder::new()
        .from_image(name)
        .tag(tag)
        .build();
    let lines: Vec<_> = machine
        .docker
        .create_image(Some(options), None, None)
        .collect()
        .await;
    assert!(
        lines.iter().filter(|line| line.is_ok()).count() > 3,
        "{lines:?}"
    );
    machine.docker.inspect_image(&image).await.unwrap();
    let options = CreateImageOptionsBuilder::new()
        .from_image("nope")
        .tag("1")
        .build();
    let mut refused = machine.docker.create_image(Some(options), None, None);
    let (code, words) = refusal(refused.next().await.unwrap());
    assert_eq!(code, 404);
    assert!(words.contains("manifest unknown"), "{words}");
}

#[tokio::test]
async fn lists_are_filtered_by_label_and_by_exact_network_name() {
    let machine = Machine::start(50.0).await;
    machine.node().await;
    let labelled = |label: &str| {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&filters)
            .build()
    };
    for (label, count) in [
        ("io.x-k8s.kind.cluster=sim", 1),
        ("io.x-k8s.kind.cluster=other", 0),
        ("io.x-k8s.kind.cluster", 1),
    ] {
        let listed = machine
            .docker
            .list_containers(Some(labelled(label)))
            .await
            .unwrap();
        assert_eq!(listed.len(), count, "{label}");
    }
    for name in ["kind", "kindred"] {
        let wish = NetworkCreateRequest {
            name: name.to_owned(),
            ..Default::default()
        };
        machine.docker.create_network(wish).await.unwrap();
    }
    let filters = HashMap::from([("name".to_owned(), vec!["^kind$".to_owned()])]);
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let listed = machine.docker.list_networks(Some(options)).await.unwrap();
    assert_eq!(listed.len(), 1);
    let wish = NetworkCreateRequest {
        name: "kind".to_owned(),
        ..Default::default()
    };
    let (code, words) = refusal(machine.docker.create_network(wish).await);
    assert_eq!(
        (code, words.as_str()),
        (409, "network with name kind already exists")
    );
}

#[tokio::test]
async fn events_tell_of_a_container_that_dies() {
    let machine = Machine::start(50.0).await;
    let id = machine.node().await;
    let filters = HashMap::from([("type".to_owned(), vec!["container".to_owned()])]);
    let options = EventsOptionsBuilder::new().filters(&filters).build();
    let mut events = machine.docker.events(Some(options));
    let kill = async {
        let asked = || async {
            let all = machine.sim.requests();
            all.keys().any(|(_, _, path)| path.ends_with("/events"))
        };
        eventually("the question for events", asked).await;
        machine.docker.kill_container(&id, None).await.unwrap();
    };
    let (event, ()) = futures::join!(events.next(), kill);
    let event = event.unwrap().unwrap();
    assert_eq!(event.action.as_deref(), Some("die"));
    assert_eq!(event.actor.unwrap().id, Some(id));
}

#[tokio::test]
async fn an_engine_that_is_down_cuts_every_connection() {
    let machine = Machine::start(50.0).await;
    machine.docker.ping().await.unwrap();
    machine.sim.docker_down();
    assert!(machine.docker.ping().await.is_err());
    machine.sim.docker_up();
    eventually("the engine again", || async {
        machine.docker.ping().await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn an_image_streams_into_a_node_and_the_runtime_knows_it_by_the_same_id() {
    let machine = Machine::start(50.0).await;
    machine.node().await;
    let name = "docker.io/library/flink:2.3.0-scala_2.12-java17";
    assert_eq!(machine.exec(&["crictl", "inspecti", name]).await.code, 1);
    machine.load().await;
    let known = machine.exec(&["crictl", "inspecti", name]).await;
    let known: serde_json::Value = serde_json::from_str(&known.out).unwrap();
    let there = machine
        .docker
        .inspect_image(&machine.lab.images[0])
        .await
        .unwrap();
    assert_eq!(known["status"]["id"].as_str(), there.id.as_deref());
}

#[tokio::test]
async fn a_paused_container_runs_and_takes_no_command() {
    let machine = Machine::start(50.0).await;
    let id = machine.node().await;
    let exec = || async {
        let options = CreateExecOptions {
            cmd: Some(vec!["true"]),
            ..CreateExecOptions::default()
        };
        machine.docker.create_exec(NODE, options).await
    };
    machine.docker.pause_container(&id).await.unwrap();
    let found = machine.docker.inspect_container(NODE, None).await.unwrap();
    let state = found.state.unwrap();
    assert_eq!((state.running, state.paused), (Some(true), Some(true)));
    let (code, words) = refusal(machine.docker.pause_container(&id).await);
    assert!(code == 409 && words.contains("already paused"), "{words}");
    let (code, words) = refusal(exec().await);
    assert!(code == 409 && words.contains("is paused"), "{words}");
    machine.docker.unpause_container(&id).await.unwrap();
    let (_, words) = refusal(machine.docker.unpause_container(&id).await);
    assert!(words.contains("is not paused"), "{words}");
    exec().await.unwrap();
}
