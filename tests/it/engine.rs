//! What a person is told about a Docker that is away, too old, forbidden or silent, against
//! servers on loopback that are just that.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use flinklab_base::fault::Fault;
use flinklab_world::docker::Docker;
use flinklab_world::{Addresses, network};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

fn addresses(host: String) -> Addresses {
    Addresses {
        docker: Some(host),
        ..Addresses::new("/nonexistent", "/nonexistent")
    }
}

/// The address of a server with these answers. It ends with the test's runtime.
async fn server(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("tcp://{address}")
}

/// An engine of this API version and nothing else.
fn engine(api: &'static str) -> Router {
    let version = move || async move { json!({"ApiVersion": api, "Version": "x"}).to_string() };
    Router::new().route("/version", get(version))
}

async fn refused(host: String) -> Fault {
    Docker::connect(&addresses(host)).await.unwrap_err()
}

#[tokio::test]
async fn no_socket_means_docker_does_not_run() {
    let fault = refused("unix:///nonexistent/docker.sock".to_owned()).await;
    assert_eq!(fault.code, "docker-unreachable");
    assert!(
        fault.what.contains("unix:///nonexistent/docker.sock"),
        "{fault}"
    );
    assert!(!fault.hint.is_empty());
}

#[tokio::test]
async fn nobody_listening_means_docker_does_not_run() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let fault = refused(format!("tcp://{free}")).await;
    assert_eq!(fault.code, "docker-unreachable");
    assert!(fault.why.contains("refused"), "{fault}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_after_five_seconds() {
    let silent = Router::new().route("/version", get(std::future::pending::<()>));
    let host = server(silent).await;
    let began = Instant::now();
    assert_eq!(refused(host).await.code, "docker-unreachable");
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs(5) && took < Duration::from_secs(9),
        "{took:?}"
    );
}

#[tokio::test]
async fn an_old_engine_is_named_with_its_version() {
    let fault = refused(server(engine("1.40")).await).await;
    assert_eq!(fault.code, "docker-too-old");
    assert!(fault.why.contains("1.40"), "{fault}");
    assert!(
        Docker::connect(&addresses(server(engine("1.41")).await))
            .await
            .is_ok()
    );
    assert!(
        Docker::connect(&addresses(server(engine("1.54")).await))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused_in_words() {
    let fault = refused("ssh://user@host".to_owned()).await;
    assert_eq!(fault.code, "docker-unreachable");
    assert!(fault.why.contains("unix://"), "{fault}");
}

#[tokio::test]
async fn a_socket_without_permission_is_told_apart() {
    use std::os::unix::fs::PermissionsExt;
    if rustix::process::geteuid().is_root() {
        // Root may use every socket: the proxy's answer is the only refusal it can see.
        let denied = Router::new().route("/version", get(|| async { StatusCode::FORBIDDEN }));
        assert_eq!(refused(server(denied).await).await.code, "docker-forbidden");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let fault = refused(format!("unix://{}", path.display())).await;
    assert_eq!(fault.code, "docker-forbidden");
}

#[tokio::test]
async fn of_two_networks_the_fuller_is_used_and_none_is_removed() {
    let listed = || async {
        json!([{"Name": "kind", "Id": "a"}, {"Name": "kind", "Id": "b"}, {"Name": "kind-x", "Id": "c"}])
            .to_string()
    };
    let full = || async { json!({"Name": "kind", "Id": "b", "Containers": {"x": {}}}).to_string() };
    let empty = || async { json!({"Name": "kind", "Id": "a", "Containers": {}}).to_string() };
    let router = engine("1.41")
        .route("/networks", get(listed))
        .route("/networks/a", get(empty))
        .route("/networks/b", get(full));
    let docker = Docker::connect(&addresses(server(router).await))
        .await
        .unwrap();
    assert_eq!(network::ensure(&docker).await.unwrap().id, "b");
}

#[tokio::test]
async fn overlapping_subnets_are_passed_over_and_missing_ipv6_is_done_without() {
    let asked = Arc::new(AtomicUsize::new(0));
    let made = asked.clone();
    let create = move |body: axum::Json<serde_json::Value>| {
        let asked = made.fetch_add(1, Ordering::SeqCst);
        async move {
            let subnet = &body["IPAM"]["Config"][0]["Subnet"];
            let error = |words: &str| {
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    json!({"message": words}).to_string(),
                )
            };
            match asked {
                0 => {
                    assert_eq!(subnet, "fc00:f853:ccd:e793::/64");
                    error("Pool overlaps with other one on this address space")
                }
                1 => {
                    assert_eq!(subnet, "fc00:8866:27d0:bd7e::/64");
                    error("Cannot read IPv6 setup for bridge br-1: no such file")
                }
                _ => {
                    assert!(body.get("EnableIPv6").is_none() && body.get("IPAM").is_none());
                    (
                        StatusCode::CREATED,
                        json!({"Id": "new", "Warning": ""}).to_string(),
                    )
                }
            }
        }
    };
    let seen = asked.clone();
    let listed = move || {
        let there = seen.load(Ordering::SeqCst) > 2;
        async move {
            if there {
                json!([{"Name": "kind", "Id": "new"}])
            } else {
                json!([])
            }
            .to_string()
        }
    };
    let router = engine("1.41")
        .route("/networks", get(listed))
        .route("/networks/bridge", get(|| async { "{}" }))
        .route("/networks/create", post(create));
    let docker = Docker::connect(&addresses(server(router).await))
        .await
        .unwrap();
    assert_eq!(network::ensure(&docker).await.unwrap().id, "new");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}
