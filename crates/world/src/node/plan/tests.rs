//! The body against what kind's command line sends, and everything that varies in it.

#![allow(clippy::unwrap_used)]

use super::*;
use flinklab_lab::Lab;

fn daemon() -> Daemon {
    Daemon {
        rootless: false,
        remaps_users: false,
        cgroup: 2,
        device_mapper: false,
        architecture: "x86_64".to_owned(),
    }
}

fn plans_of(cluster: &Cluster, daemon: &Daemon, proxies: &[(String, String)]) -> Vec<NodePlan> {
    let common = Common {
        name: "lab",
        shared: "/data/lab/shared",
        lab_id: "0123",
        network: "kind",
        subnets: &["172.18.0.0/16".to_owned()],
        proxies,
        daemon,
    };
    plans(cluster, &common).unwrap()
}

fn sent(plan: &NodePlan) -> serde_json::Value {
    serde_json::to_value(plan.body()).unwrap()
}

#[test]
fn the_command_says_what_the_body_does() {
    let lab = Lab::open("default").unwrap();
    let mut plan = plans_of(&lab.cluster, &daemon(), &[]).remove(0);
    plan.ports[0].host = 40001;
    plan.ports[1].host = 40002;
    let command = plan.command();
    let body = plan.body();
    let host = body.host_config.unwrap_or_default();
    for bind in host.binds.unwrap_or_default() {
        assert!(
            command.contains(&format!("--volume={bind}")),
            "{bind}: {command}"
        );
    }
    for (key, value) in body.labels.unwrap_or_default() {
        assert!(
            command.contains(&format!("--label={key}={value}")),
            "{key}: {command}"
        );
    }
    for variable in body.env.unwrap_or_default() {
        assert!(command.contains(&format!("--env={variable}")), "{command}");
    }
    for option in host.security_opt.unwrap_or_default() {
        assert!(
            command.contains(&format!("--security-opt={option}")),
            "{command}"
        );
    }
    for (path, _) in host.tmpfs.unwrap_or_default() {
        assert!(command.contains(&format!("--tmpfs={path}")), "{command}");
    }
    assert!(command.contains("--publish=127.0.0.1:40001:"), "{command}");
    assert!(command.ends_with(" kindest/node:v1.37.0"), "{command}");
}

#[test]
fn the_body_is_what_kind_sends() {
    let lab = Lab::open("default").unwrap();
    let mut plan = plans_of(&lab.cluster, &daemon(), &[]).remove(0);
    plan.ports[0].host = 40001;
    plan.ports[1].host = 40002;
    let mut body = sent(&plan);
    let host = body["HostConfig"].as_object_mut().unwrap();
    host.retain(|_, value| !value.as_array().is_some_and(Vec::is_empty));
    let mut expected = serde_json::json!({
        "Hostname": "lab-control-plane",
        "Image": "kindest/node:v1.37.0",
        "Tty": true,
        "Labels": {
            "io.x-k8s.kind.cluster": "lab",
            "io.x-k8s.kind.role": "control-plane",
            "flinklab.lab-id": "0123",
        },
        "Env": ["KIND_EXPERIMENTAL_CONTAINERD_SNAPSHOTTER", "KUBECONFIG=/etc/kubernetes/admin.conf"],
        "Volumes": {"/var": {}},
        "ExposedPorts": {"30081/tcp": {}, "6443/tcp": {}},
        "HostConfig": {
            "Privileged": true,
            "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
            "Tmpfs": {"/tmp": "", "/run": ""},
            "Binds": ["/lib/modules:/lib/modules:ro", "/data/lab/shared:/flink-shared"],
            "NetworkMode": "kind",
            "PortBindings": {
                "30081/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40001"}],
                "6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40002"}],
            },
            "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 1},
            "Init": false,
            "CgroupnsMode": "private",
        },
    });
    // Whatever the order of the map.
    for value in [&mut body, &mut expected] {
        value.sort_all_objects();
    }
    assert_eq!(body, expected);
}

#[test]
fn a_special_engine_gets_what_kind_gives_it() {
    let lab = Lab::open("default").unwrap();
    let rootless = Daemon {
        rootless: true,
        remaps_users: true,
        device_mapper: true,
        ..daemon()
    };
    let host = sent(&plans_of(&lab.cluster, &rootless, &[])[0])["HostConfig"].take();
    assert_eq!(host["UsernsMode"], "host");
    assert_eq!(host["Devices"][0]["PathOnHost"], "/dev/fuse");
    assert_eq!(host["Binds"][2], "/dev/mapper:/dev/mapper");
}

#[test]
fn names_count_by_role() {
    let mut cluster = Lab::open("default").unwrap().cluster;
    for _ in 0..2 {
        let mut worker = cluster.nodes[0].clone();
        worker.role = NodeRole::Worker;
        cluster.nodes.push(worker);
    }
    assert_eq!(
        names(&cluster, "lab"),
        ["lab-control-plane", "lab-worker", "lab-worker2"]
    );
    let plans = plans_of(&cluster, &daemon(), &[]);
    assert_eq!(
        plans[1].environment,
        ["KIND_EXPERIMENTAL_CONTAINERD_SNAPSHOTTER"]
    );
    assert_eq!(plans[1].published(API_PORT), None);
}

#[test]
fn mounts_carry_their_options_in_kinds_order() {
    let mount = Mount {
        container_path: "/x".to_owned(),
        host_path: "${LAB_SHARED}/a".to_owned(),
        read_only: true,
        selinux_relabel: true,
        propagation: "Bidirectional".to_owned(),
    };
    assert_eq!(bind(&mount, "/s"), "/s/a:/x:ro,Z,rshared");
}

#[test]
fn the_proxy_is_not_asked_for_anything_of_the_cluster() {
    let cluster = Lab::open("default").unwrap().cluster;
    let proxies = [
        ("HTTPS_PROXY".to_owned(), "http://proxy:1".to_owned()),
        ("NO_PROXY".to_owned(), "corp".to_owned()),
    ];
    let environment = &plans_of(&cluster, &daemon(), &proxies)[0].environment;
    let without = "172.18.0.0/16,corp,10.96.0.0/16,10.244.0.0/16,lab-control-plane,.svc,\
                   .svc.cluster,.svc.cluster.local";
    assert_eq!(
        environment[1..environment.len() - 1],
        [
            "HTTPS_PROXY=http://proxy:1".to_owned(),
            "https_proxy=http://proxy:1".to_owned(),
            format!("NO_PROXY={without}"),
            format!("no_proxy={without}"),
        ]
    );
}

#[test]
fn ports_are_chosen_once_and_only_on_loopback() {
    let mut cluster = Lab::open("default").unwrap().cluster;
    let mut plan = plans_of(&cluster, &daemon(), &[]).remove(0);
    plan.choose_ports().unwrap();
    let chosen = plan.published(API_PORT).unwrap();
    assert_ne!(plan.published(30081).unwrap().port(), chosen.port());
    plan.choose_ports().unwrap();
    assert_eq!(plan.published(API_PORT).unwrap(), chosen);
    assert!(plan.forget_ports());
    assert_eq!(plan.published(API_PORT), None);

    cluster.networking.api_server_address = "0.0.0.0".to_owned();
    let daemon = daemon();
    let common = Common {
        name: "lab",
        shared: "/s",
        lab_id: "0",
        network: "kind",
        subnets: &[],
        proxies: &[],
        daemon: &daemon,
    };
    assert_eq!(plans(&cluster, &common).unwrap_err().code, "not-loopback");
}
