//! Tests of the beginning of a wait.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::Addresses;
use crate::docker::Docker;
use crate::gate;
use crate::stub::beside;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use flinklab_verb::Role;

fn victim() -> Victim {
    Victim {
        role: Role::JobManager,
        pod: "p".to_owned(),
        uid: "u".to_owned(),
        node: "n".to_owned(),
        container_name: "c".to_owned(),
        container: "id".to_owned(),
        pid: 42,
        start: 1,
        address: String::new(),
        account: String::new(),
        grace: Duration::ZERO,
    }
}

/// An engine that lets nobody in.
fn closed(says: &'static str) -> Router {
    let version = r#"{"ApiVersion": "1.44", "Version": "24.0.0"}"#;
    let refuses = format!(r#"{{"message": "{says}"}}"#);
    // whatever the path says of a version
    let lets_in = get(move || async move { version });
    Router::new().fallback(lets_in.post(move || async move { (StatusCode::CONFLICT, refuses) }))
}

async fn node(address: String) -> Node {
    let addresses = Addresses {
        docker: Some(format!("tcp://{address}")),
        ..Addresses::new("", "")
    };
    let docker = Docker::connect(&addresses).await.unwrap();
    gate::node_of_a_test(&docker)
}

#[tokio::test]
async fn a_node_that_lets_nobody_in_is_no_change_of_the_target() {
    let process = Process {
        pid: 42,
        start: 1,
        pod: "u".to_owned(),
    };
    let engine = closed("Container flinklab-control-plane is paused");
    let began = beside(engine, async |address| {
        let node = node(address).await;
        let (to, mut marks) = mpsc::channel(MARKS);
        let watch = process::wait(&node, &process, BEGINS, to);
        begun(std::pin::pin!(watch), &mut marks, &victim(), &node).await
    });
    let fault = began.await.unwrap_err();
    assert_ne!(fault.code, "target-changed", "{fault:?}");
    assert!(fault.why.contains("is paused"), "{fault:?}");
}

#[tokio::test]
async fn a_process_that_is_another_one_is_a_change_of_the_target() {
    let node = beside(closed(""), node).await;
    for ended in [
        Ok(()),
        Err(Fault::unable(
            "target-changed",
            "The process is another one.",
        )),
    ] {
        let (_to, mut marks) = mpsc::channel(MARKS);
        let began = begun(async { ended }, &mut marks, &victim(), &node).await;
        let fault = began.unwrap_err();
        assert_eq!(fault.code, "target-changed");
        assert!(fault.why.contains("ended by itself"), "{fault:?}");
    }
    let (to, mut marks) = mpsc::channel(MARKS);
    to.try_send(Mark::Watching).unwrap();
    let began = begun(std::future::pending(), &mut marks, &victim(), &node).await;
    assert_eq!(began, Ok(()));
}
