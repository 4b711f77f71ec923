//! What kind 0.30.0 makes of a kind.yaml against what we make of the same file, on a real Docker:
//! only ids, times, addresses, ports and our own labels may differ. Only with `FLINKLAB_REAL=1`;
//! takes kind from the PATH, else `go install`s it into the test's own folder.

use crate::real::{asked, command, docker};
use flinklab_lab::{Lab, kind_config};
use flinklab_world::docker::Docker;
use flinklab_world::home::{Home, Source, State};
use flinklab_world::node;
use flinklab_world::node::{BOOT, Common};
use flinklab_world::{Addresses, bootstrap, gate, network};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const NAME: &str = "flinklab-parity";
const VERSION: &str = "v0.30.0";
/// Every field of v1alpha4 that a lab may have.
const CLUSTER: &str = r#"
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
featureGates: {KubeletCrashLoopBackOffMax: true}
runtimeConfig: {"api/alpha": false}
networking:
  ipFamily: ipv4
  apiServerAddress: 127.0.0.1
  apiServerPort: 0
  podSubnet: 10.200.0.0/16
  serviceSubnet: 10.201.0.0/16
  disableDefaultCNI: false
  kubeProxyMode: iptables
  dnsSearch: [example.invalid]
kubeadmConfigPatches:
  - |
    kind: KubeletConfiguration
    crashLoopBackOff: {maxContainerRestartPeriod: "5s"}
kubeadmConfigPatchesJSON6902:
  - group: kubeadm.k8s.io
    version: v1beta3
    kind: ClusterConfiguration
    patch: |
      - {op: add, path: /apiServer/certSANs/-, value: parity.invalid}
containerdConfigPatches:
  - |-
    [plugins."io.containerd.grpc.v1.cri".registry]
      config_path = "/etc/containerd/certs.d"
containerdConfigPatchesJSON6902:
  - '[{"op": "add", "path": "/debug", "value": {"level": "warn"}}]'
nodes:
  - role: control-plane
    image: kindest/node:v1.37.0
    labels: {tier: front, number: 7}
    extraMounts:
      - {hostPath: "${LAB_SHARED}", containerPath: /flink-shared}
      - {hostPath: /var/tmp, containerPath: /host-tmp, readOnly: true, selinuxRelabel: true, propagation: None}
    extraPortMappings:
      - {containerPort: 30081, hostPort: 0, listenAddress: 127.0.0.1, protocol: TCP}
      - {containerPort: 30082, hostPort: 0, listenAddress: 127.0.0.1, protocol: udp}
    kubeadmConfigPatches:
      - |
        kind: InitConfiguration
        nodeRegistration: {kubeletExtraArgs: {v: "3"}}
  - role: worker
    image: kindest/node:v1.37.0
    labels: {zone: b}
    extraMounts: [{hostPath: "${LAB_SHARED}", containerPath: /flink-shared}]
    kubeadmConfigPatchesJSON6902:
      - group: kubeadm.k8s.io
        version: v1beta3
        kind: JoinConfiguration
        patch: |
          - {op: add, path: /nodeRegistration/kubeletExtraArgs/v, value: "3"}
"#;
/// Where the two may differ: ids, times, addresses, ports, our labels. A `*` is any part.
const FREE: &[&str] = &[
    "Id",
    "Created",
    "ExecIDs",
    "State/Pid",
    "State/StartedAt",
    "State/FinishedAt",
    "ResolvConfPath",
    "HostnamePath",
    "HostsPath",
    "LogPath",
    "GraphDriver/Data/*",
    "Mounts/*/Name",
    "Mounts/*/Source",
    "Config/Labels/flinklab.lab-id",
    "HostConfig/PortBindings/*/*/HostPort",
    "NetworkSettings/Ports/*/*/HostPort",
    "NetworkSettings/SandboxID",
    "NetworkSettings/SandboxKey",
    "NetworkSettings/Networks/kind/Aliases/*",
    "NetworkSettings/Networks/kind/DNSNames/*",
    "NetworkSettings/Networks/kind/EndpointID",
    "NetworkSettings/Networks/kind/IPAddress",
    "NetworkSettings/Networks/kind/GlobalIPv6Address",
    "NetworkSettings/Networks/kind/MacAddress",
];

/// The real kind of the version that we follow.
pub(crate) fn kind() -> PathBuf {
    let found = Command::new("kind").arg("version").output();
    if found.is_ok_and(|done| String::from_utf8_lossy(&done.stdout).contains(VERSION)) {
        return PathBuf::from("kind");
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = folder.join("kind");
    if !program.exists() {
        let done = Command::new("go")
            .args(["install", &format!("sigs.k8s.io/kind@{VERSION}")])
            .env("GOBIN", folder)
            .current_dir(folder)
            .status();
        assert!(
            done.unwrap().success(),
            "kind {VERSION} cannot be installed"
        );
    }
    program
}

/// What is compared of one node.
struct Made {
    inspected: Value,
    kubeadm: Vec<Value>,
    containerd: Value,
}

fn made(node: &str) -> Made {
    let mut inspected: Vec<Value> = serde_json::from_str(&docker(&["inspect", node])).unwrap();
    let file = |path: &str| docker(&["exec", node, "cat", path]);
    let address = inspected[0]
        .pointer("/NetworkSettings/Networks/kind/IPAddress")
        .and_then(Value::as_str)
        .unwrap()
        .to_owned();
    // Docker lists mounts in any order; its command line sends mounts and variables, which it
    // keeps as maps, in another order every time (seen between two nodes of one kind run).
    let mounts = inspected[0]["Mounts"].as_array_mut().unwrap();
    mounts.sort_by_key(|mount| mount["Destination"].to_string());
    for path in ["/HostConfig/Binds", "/Config/Env"] {
        let list = inspected[0].pointer_mut(path).and_then(Value::as_array_mut);
        list.unwrap().sort_by_key(Value::to_string);
    }
    let mut kubeadm = file("/kind/kubeadm.conf").replace(&address, "ADDRESS");
    // kind keeps labels as a map: another order every time.
    for line in kubeadm.clone().lines() {
        if let Some((key, labels)) = line.split_once("node-labels: ") {
            let mut labels: Vec<&str> = labels.trim_matches('"').split(',').collect();
            labels.sort_unstable();
            let sorted = format!("{key}node-labels: {}", labels.join(","));
            kubeadm = kubeadm.replace(line, &sorted);
        }
    }
    Made {
        inspected: inspected.remove(0),
        kubeadm: serde_yaml::Deserializer::from_str(&kubeadm)
            .map(|document| Value::deserialize(document).unwrap())
            .collect(),
        containerd: toml::from_str(&file("/etc/containerd/config.toml")).unwrap(),
    }
}

/// What kind makes of a file, up to the moment when kubeadm begins: by then all of it is written.
fn made_by_kind(kind: &Path, config: &Path, names: &[String]) -> Vec<Made> {
    let mut creating = Command::new(kind)
        .args([
            "create",
            "cluster",
            "--retain",
            "--name",
            NAME,
            "--kubeconfig",
            "/dev/null",
            "--config",
        ])
        .arg(config)
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(240);
    loop {
        let begun = Command::new("docker")
            .args(["exec", &names[0], "pgrep", "-x", "kubeadm"])
            .output();
        if begun.is_ok_and(|done| done.status.success()) {
            break;
        }
        if let Some(status) = creating.try_wait().unwrap() {
            panic!("kind create ended before kubeadm began: {status}");
        }
        assert!(Instant::now() < until, "kind comes to no kubeadm");
        std::thread::yield_now(); // each look takes its time in Docker
    }
    creating.kill().unwrap();
    creating.wait().unwrap();
    let all = names.iter().map(|name| made(name)).collect();
    command(
        kind,
        &[
            "delete",
            "cluster",
            "--name",
            NAME,
            "--kubeconfig",
            "/dev/null",
        ],
    );
    all
}

/// Every place where two values differ, as a path with both.
fn differences(path: &str, kinds: &Value, ours: &Value, found: &mut BTreeMap<String, String>) {
    let below = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}/{}", key.replace('/', "~1")),
    };
    match (kinds, ours) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()) {
                let of = |map: &serde_json::Map<String, Value>| {
                    map.get(key).cloned().unwrap_or(Value::Null)
                };
                differences(&below(key), &of(a), &of(b), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&below(&index.to_string()), a, b, found);
            }
        }
        (a, b) if a != b => {
            found.insert(path.to_owned(), format!("kind {a}, flinklab {b}"));
        }
        _ => {}
    }
}

fn is_free(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    FREE.iter().any(|free| {
        let wanted: Vec<&str> = free.split('/').collect();
        wanted.len() == parts.len()
            && wanted
                .iter()
                .zip(&parts)
                .all(|(wanted, part)| *wanted == "*" || wanted == part)
    })
}

/// A cluster that is gone whatever happens to the test.
struct Gone(PathBuf);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = Command::new(&self.0)
            .args([
                "delete",
                "cluster",
                "--name",
                NAME,
                "--kubeconfig",
                "/dev/null",
            ])
            .output();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_nodes_are_those_of_kind() {
    if !asked() {
        return;
    }
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let kind = kind();
    let _gone = Gone(kind.clone());
    let mut files = Lab::open("default").unwrap().files;
    files
        .iter_mut()
        .find(|(name, _)| name == "kind.yaml")
        .unwrap()
        .1 = CLUSTER.to_owned();
    let lab = Lab::from_files(files, "").unwrap();
    let addresses = Addresses {
        docker: std::env::var("DOCKER_HOST").ok(),
        ..Addresses::new(folder.path(), folder.path().join("config.toml"))
    };
    let home = Home::of(&addresses, NAME);
    home.create().unwrap();

    let config = folder.path().join("kind.yaml");
    std::fs::write(&config, kind_config(&lab, &home.shared())).unwrap();
    let names = node::names(&lab.cluster, NAME);
    let kinds = made_by_kind(&kind, &config, &names);

    let engine = Docker::connect(&addresses).await.unwrap();
    let source = Source::BuiltIn("default".to_owned());
    let state = State::new(NAME, &lab, source, jiff::Timestamp::now()).unwrap();
    home.write_state(&state).unwrap();
    let mut claim = gate::claim(&engine, &home, &state).await.unwrap();
    let (daemon, network) = (
        engine.daemon().await.unwrap(),
        network::ensure(&engine).await.unwrap(),
    );
    let shared = claim.shared().to_owned();
    let plans = node::plans(
        &lab.cluster,
        &Common {
            name: NAME,
            shared: &shared,
            lab_id: &state.id,
            network: &network.name,
            subnets: &network.subnets,
            proxies: &[],
            daemon: &daemon,
        },
    );
    for mut plan in plans.unwrap() {
        plan.choose_ports().unwrap();
        let id = node::create(&engine, &claim, &plan).await.unwrap();
        claim.admit(&id).await.unwrap();
        let node = claim.nodes().last().unwrap();
        let files = bootstrap::files(&engine, &id, &lab.cluster, &names[0])
            .await
            .unwrap();
        node.start().await.unwrap();
        node::wait_booted(&engine, &id, BOOT).await.unwrap();
        node.wait_containerd().await.unwrap();
        bootstrap::configure(node, &lab.cluster, &plan, &names[0], &files.version)
            .await
            .unwrap();
    }

    let mut wrong = Vec::new();
    for (name, kinds) in names.iter().zip(&kinds) {
        let ours = made(name);
        let mut found = BTreeMap::new();
        differences("", &kinds.inspected, &ours.inspected, &mut found);
        eprintln!("\n{name}: docker inspect differs in {} places", found.len());
        for (path, both) in &found {
            let free = is_free(path);
            eprintln!(
                "  {} {path}: {both}",
                if free { "may " } else { "MUST NOT" }
            );
            if !free {
                wrong.push(format!("{name} {path}: {both}"));
            }
        }
        let files = [
            (
                "kubeadm.conf",
                Value::from(kinds.kubeadm.clone()),
                Value::from(ours.kubeadm),
            ),
            (
                "containerd's config.toml",
                kinds.containerd.clone(),
                ours.containerd,
            ),
        ];
        for (file, kinds, ours) in files {
            let mut found = BTreeMap::new();
            differences("", &kinds, &ours, &mut found);
            // kind writes an empty map as null.
            found.retain(|_, both| both != "kind null, flinklab {}");
            eprintln!("{name}: {file} differs in {} places", found.len());
            wrong.extend(
                found
                    .iter()
                    .map(|(path, both)| format!("{name} {file} {path}: {both}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
