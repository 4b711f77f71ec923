//! Tests of the single proofs.
#![allow(clippy::unwrap_used)]

use super::*;

fn inspected(cluster: &str, bind: &str, address: &str) -> ContainerInspectResponse {
    serde_json::from_value(serde_json::json!({
        "Id": "c0ffee", "Name": "/t-control-plane", "State": {"Running": true},
        "Config": {"Image": "kindest/node:v1.34.0", "Labels": {
            CLUSTER_LABEL: cluster, ROLE_LABEL: "control-plane"}},
        "HostConfig": {"Binds": ["/lib/modules:/lib/modules:ro", bind],
            "PortBindings": {"6443/tcp": [{"HostIp": address, "HostPort": "34567"}]}},
        "NetworkSettings": {"Ports": {"30081/tcp": null}},
    }))
    .unwrap()
}

fn seen() -> Seen {
    Seen::of(&inspected("t", "/data/t/shared:/flink-shared", "127.0.0.1"))
}

fn kubeconfig(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: kind-t\n  cluster: {{server: '{server}'}}\n"
    )
}

#[test]
fn a_node_is_proven_by_label_and_bind() {
    seen().prove("t", "/data/t/shared").unwrap();
    seen().prove_loopback().unwrap();
    let other = seen().prove("u", "/data/t/shared").unwrap_err();
    assert_eq!(other.code, "gate-refused");
    let bind = seen().prove("t", "/data/other/shared").unwrap_err();
    assert_eq!(bind.code, "cluster-not-ours");
    assert!(
        seen().prove("t", "/data/t/share").is_err(),
        "no prefix will do"
    );
}

#[test]
fn a_port_open_to_the_network_is_refused() {
    for address in ["0.0.0.0", "", "192.168.1.2", "::"] {
        let seen = Seen::of(&inspected("t", "/data/t/shared:/flink-shared", address));
        assert_eq!(
            seen.prove_loopback().unwrap_err().code,
            "gate-refused",
            "{address}"
        );
    }
    Seen::of(&inspected("t", "/x:/y", "::1"))
        .prove_loopback()
        .unwrap();
}

#[test]
fn the_server_must_be_the_published_loopback_port() {
    server_is(&kubeconfig("https://127.0.0.1:34567"), &[seen()]).unwrap();
    for server in [
        "https://127.0.0.1:34568",
        "https://10.0.0.1:34567",
        "https://example.org:34567",
        "https://127.0.0.1",
    ] {
        let fault = server_is(&kubeconfig(server), &[seen()]).unwrap_err();
        assert_eq!(fault.code, "gate-refused", "{server}");
    }
    assert!(server_is(&kubeconfig("https://127.0.0.1:34567"), &[]).is_err());
}

#[test]
fn another_labs_marker_or_none_is_refused() {
    let map = |id: &str| ConfigMap {
        data: Some([("id".to_owned(), id.to_owned())].into()),
        ..ConfigMap::default()
    };
    marker_is(Some(&map("abc")), "abc").unwrap();
    assert!(marker_is(Some(&map("abd")), "abc").is_err());
    assert!(marker_is(Some(&ConfigMap::default()), "abc").is_err());
    assert!(marker_is(None, "abc").is_err());
}
