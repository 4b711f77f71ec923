//! Labs whose pods an operator makes, and manifests that a lab takes from elsewhere: the whole
//! program against a simulated cluster in which the operator's objects come into being as it makes
//! them.

mod labs;

use crate::program::Ended;
use crate::scenarios::{SPEED, Scene, statement};
use flinklab_lab::Lab;
use flinklab_sim::Images;
use flinklab_world::Addresses;
use flinklab_world::home::Home;
use flinklab_world::kube::reading_client;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service};
use kube::{Api, Client};
use labs::{Elsewhere, SUM, flink_cluster, flink_deployment};
use serde_json::Value;
use std::path::Path;
use tokio::runtime::Runtime;

/// A lab's folder, and a machine that can run it.
struct Operated {
    scene: Scene,
    folder: tempfile::TempDir,
    runtime: Runtime,
}

impl Operated {
    /// Files without those that are elsewhere; the machine knows those too.
    fn of(files: &[(String, String)]) -> Self {
        Self::at(files, SPEED)
    }

    fn at(files: &[(String, String)], speed: f64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut whole = files.to_vec();
        let missing = !files.iter().any(|(name, _)| name == labs::OPERATOR);
        if missing {
            whole.push((labs::OPERATOR.to_owned(), labs::DEFINITIONS.to_owned()));
        }
        let lab = Lab::from_files(whole, "").unwrap();
        Self {
            scene: Scene::of(lab, speed, Images::Present),
            folder,
            runtime: Runtime::new().unwrap(),
        }
    }

    fn lab(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    fn up(files: &[(String, String)]) -> Self {
        Self::of(files).built()
    }

    fn built(self) -> Self {
        let scene = self;
        let result = scene.scene.result(&["up", "--yes", "--lab", scene.lab()]);
        assert_eq!(result["outcome"], "ready");
        scene
    }

    fn status(&self) -> Value {
        self.scene.heals();
        self.scene.run(&["status"]).objects().remove(0)
    }

    /// Breaks it; the result, and the exit code that goes with its verdict.
    fn breaks(&self, key: &str) -> Value {
        let ended = self.scene.run(&["break", key]);
        let result = ended.objects().pop().unwrap()["result"].take();
        assert_eq!(ended.code, 0, "{result:#}");
        result
    }

    /// Asks the cluster something.
    fn asks<T>(&self, ask: impl AsyncFnOnce(Client) -> T) -> T {
        let home = self.scene.program().home();
        let addresses = Addresses::new(home.clone(), home);
        self.runtime.block_on(async {
            let home = Home::of(&addresses, "flinklab");
            ask(reading_client(&home).await.unwrap()).await
        })
    }
}

fn phase<'a>(result: &'a Value, name: &str) -> Option<&'a Value> {
    let phases = result["phases"].as_array().unwrap();
    phases.iter().find(|phase| phase["name"] == name)
}

fn fault(ended: &Ended) -> Value {
    ended.objects().pop().unwrap()["error"].take()
}

/// From nothing over the phase that only an operator's pods have to a JobManager that is itself
/// again; the leader is known although its address is a Service's.
#[test]
fn a_flink_cluster_is_built_watched_and_broken() {
    let elsewhere = Elsewhere::start();
    let scene = Operated::of(&flink_cluster(&elsewhere.url("/moved")));

    // Somebody must say yes to what comes from elsewhere.
    let ended = scene.scene.run(&["up", "--lab", scene.lab()]);
    assert_eq!(ended.code, 2, "{}", ended.out);
    assert_eq!(fault(&ended)["code"], "needs-yes");
    assert!(!scene.scene.program().home().join("flinklab").exists());

    scene.scene.result(&["up", "--yes", "--lab", scene.lab()]);
    let kept = scene.scene.program().home().join(".manifests");
    assert!(kept.join(format!("{SUM}.yaml")).is_file());
    drop(elsewhere);
    let again = scene.scene.result(&["up", "--lab", scene.lab()]);
    assert_eq!(again["outcome"], "ready", "what is kept is not asked for");

    scene.asks(async |client| {
        let sets: Api<StatefulSet> = Api::namespaced(client.clone(), "default");
        let services: Api<Service> = Api::namespaced(client.clone(), "default");
        let maps: Api<ConfigMap> = Api::namespaced(client, "default");
        for name in ["jobmanager", "taskmanager"] {
            sets.get(&format!("beam-{name}")).await.unwrap();
        }
        let rest = services.get("beam-jobmanager").await.unwrap();
        let ports = rest.spec.unwrap().ports.unwrap();
        assert!(ports.iter().any(|port| port.name.as_deref() == Some("ui")));
        maps.get("beam-configmap").await.unwrap();
        let map = maps.get("beam-id-cluster-config-map").await.unwrap();
        let owner = map.metadata.owner_references.unwrap().remove(0);
        assert_eq!(
            (owner.kind.as_str(), owner.name.as_str()),
            ("FlinkCluster", "beam")
        );
        let address = &map.data.unwrap()["org.apache.flink.k8s.leader.dispatcher"];
        assert!(address.contains("@beam-jobmanager:6123/"), "{address}");
    });

    let status = scene.status();
    assert_eq!(status["leader"]["pod"], "beam-jobmanager-0", "{status:#}");
    assert_eq!(status["pods"].as_array().map(Vec::len), Some(3));

    // Deleted, it sleeps first: 30 s in life.
    let deleted = scene.breaks("jm-delete");
    let at = |name: &str| phase(&deleted, name).map(|phase| phase["ms"].as_i64().unwrap());
    let signalled = at("signalled").expect("its sleep is a phase of its own");
    let sleep = (30_000.0 / SPEED) as i64;
    assert!((sleep - 1000..=sleep).contains(&signalled), "{deleted:#}");
    assert!(at("process-gone") >= Some(signalled), "{deleted:#}");
    assert!(at("new-epoch") > Some(signalled), "{deleted:#}");
    let replaced = statement(&deleted, "restarts")["evidence"].to_string();
    assert!(
        replaced.contains("beam-jobmanager-0 was replaced"),
        "{replaced}"
    );

    // Whoever signals the process itself does not wait for the hook.
    scene.scene.heals();
    let stopped = scene.breaks("jm-stop");
    assert!(phase(&stopped, "signalled").is_none(), "{stopped:#}");

    for (key, words) in [
        (
            "standby-stop",
            "its FlinkCluster can have one JobManager only",
        ),
        ("scale-to-zero", "would scale them back"),
    ] {
        let ended = scene.scene.run(&["break", key]);
        assert_eq!(ended.code, 2, "{key}");
        assert!(ended.out.contains(words), "{}", ended.out);
    }
}

/// What is said on the screen while nothing seems to happen.
#[test]
fn the_operators_wait_is_told_on_the_screen() {
    let files = labs::with_operator(flink_cluster("https://example.org/x.yaml"));
    // Slow enough to be read: of 30 s there are 6.
    let scene = Operated::at(&files, 5.0).built();
    let mut terminal = crate::terminal::Terminal::open(scene.scene.program(), &[]);
    // 1.15.2, in which the source is a single task
    terminal.sees_text("tasks 3/3");
    terminal.sees_text("· no standby");
    terminal.types("x");
    terminal.sees_text("What to break");
    // The third of the catalogue.
    terminal.types("3");
    terminal.sees_text("aimed: jm-delete");
    terminal.sees_text("ready  ✓");
    terminal.types("3");
    terminal.sees_text("operator waits: SIGTERM in ");
    terminal.types("t");
    terminal.sees_text("the operator waits 6 s before SIGTERM, ");
    terminal.sees_text("PASS recovered in");
    terminal.sees_text("SIGTERM");
    terminal.types("q");
}

/// Two JobManagers behind the operator's Deployment lead one after the other.
#[test]
fn a_standalone_flink_deployment_has_a_standby() {
    let scene = Operated::up(&flink_deployment("standalone"));
    scene.asks(async |client| {
        let all: Api<Deployment> = Api::namespaced(client, "flink");
        for name in ["session", "session-taskmanager"] {
            all.get(name).await.unwrap();
        }
    });
    let status = scene.status();
    assert_eq!(
        status["pods"].as_array().map(Vec::len),
        Some(4),
        "{status:#}"
    );
    let result = scene.breaks("jm-crash");
    assert!(phase(&result, "signalled").is_none());
}

/// TaskManagers that the JobManager starts by itself are replaced, not restarted.
#[test]
fn taskmanagers_on_demand_come_with_the_job_and_are_replaced() {
    let scene = Operated::up(&flink_deployment("native"));
    let status = scene.status();
    let names: Vec<&str> = status["pods"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|pod| pod["role"] == "taskmanager")
        .filter_map(|pod| pod["name"].as_str())
        .collect();
    assert_eq!(
        names,
        ["session-taskmanager-1-1", "session-taskmanager-1-2"]
    );
    scene.asks(async |client| {
        let pods: Api<Pod> = Api::namespaced(client, "flink");
        let pod = pods.get(names[0]).await.unwrap();
        assert_eq!(pod.spec.unwrap().restart_policy.as_deref(), Some("Never"));
    });
    let result = scene.breaks("tm-crash");
    let said = statement(&result, "restarts")["evidence"].to_string();
    assert!(said.contains("never restarted, was replaced"), "{said}");
}

/// What may be wrong with a manifest from elsewhere is told where lab.yaml names it.
#[test]
fn what_comes_from_elsewhere_is_what_was_meant_or_is_refused() {
    let elsewhere = Elsewhere::start();
    for (path, code, exit, words) in [
        ("/other", "manifest-differs", 2, "its SHA-256 is"),
        ("/gone", "manifest-unreachable", 3, "404"),
        ("/away", "manifest-unreachable", 3, "which is not https"),
        ("/round", "manifest-unreachable", 3, "more than 5 times"),
    ] {
        let scene = Operated::of(&flink_cluster(&elsewhere.url(path)));
        let ended = scene.scene.run(&["up", "--yes", "--lab", scene.lab()]);
        assert_eq!(ended.code, exit, "{path}: {}", ended.out);
        let fault = fault(&ended);
        assert_eq!(fault["code"], code, "{path}: {fault:#}");
        assert!(fault.to_string().contains(words), "{path}: {fault:#}");
        is_placed(&fault, scene.folder.path());
        assert!(!scene.scene.program().home().join("flinklab").exists());
    }
    // Nobody listens there.
    let scene = Operated::of(&flink_cluster("http://127.0.0.1:9/operator.yaml"));
    let ended = scene.scene.run(&["up", "--yes", "--lab", scene.lab()]);
    assert_eq!(
        fault(&ended)["code"],
        "manifest-unreachable",
        "{}",
        ended.out
    );
    // And what is not here can neither be checked nor taken for checked.
    let ended = scene.scene.run(&["lab", "check", scene.lab()]);
    let fault = fault(&ended);
    assert_eq!((ended.code, &fault["code"]), (2, &"manifest-absent".into()));
    is_placed(&fault, scene.folder.path());
}

/// The fifth line of these labs names the address, and then the sum.
fn is_placed(fault: &Value, folder: &Path) {
    let file = folder.join("lab.yaml").display().to_string();
    assert_eq!(fault["file"], *file, "{fault:#}");
    assert_eq!(fault["line"], 5, "{fault:#}");
    assert!(fault["column"].as_u64() > Some(20), "{fault:#}");
}

/// What is kept is believed by its sum alone.
#[test]
fn a_kept_manifest_that_was_damaged_is_wanted_again() {
    let scene = Operated::of(&flink_cluster("https://example.org/x.yaml"));
    let kept = tempfile::tempdir().unwrap();
    let wanted = || flinklab_lab::wanted(scene.lab(), kept.path()).unwrap();
    let remote = wanted().remove(0);
    assert_eq!(
        (remote.file.as_str(), remote.sha256.as_str()),
        (labs::OPERATOR, SUM)
    );
    let file = remote.kept_in(kept.path());
    std::fs::write(&file, labs::DEFINITIONS).unwrap();
    assert!(wanted().is_empty());
    assert!(Lab::open_with(scene.lab(), Some(kept.path())).is_ok());
    std::fs::write(&file, "kind: List\n").unwrap();
    assert_eq!(wanted(), [remote]);
    // One that lies in the lab's folder is held against its sum too.
    std::fs::write(scene.folder.path().join(labs::OPERATOR), "kind: List\n").unwrap();
    let fault = Lab::open(scene.lab()).unwrap_err();
    assert!(fault.what.contains("is another one"), "{fault}");
    assert_eq!(fault.place.unwrap().line, 5);
}

/// A lab that lies about where its pods come from is not built.
#[test]
fn what_the_operator_would_refuse_is_told_before() {
    let refused = |files: Vec<(String, String)>, from: &str, to: &str| {
        let mut files = labs::with_operator(files);
        let mut changed = 0;
        for (_, text) in &mut files {
            changed += text.matches(from).count();
            *text = text.replace(from, to);
        }
        assert!(changed > 0, "{from}");
        let fault = Lab::from_files(files, "").unwrap_err();
        let place = fault.place.clone().unwrap();
        assert!(place.line > 0 && place.column > 0, "{fault:?}");
        format!("{}: {}", place.file, fault.what)
    };
    let cluster = || flink_cluster("https://example.org/x.yaml");
    let deployment = || flink_deployment("standalone");
    let all = [
        refused(cluster(), "jobManager:\n", "jobManager:\n    replicas: 2\n"),
        refused(
            cluster(),
            "kubernetes.cluster-id: beam-id",
            "kubernetes.cluster-id: other",
        ),
        refused(cluster(), "mountPath: /flink", "mountPath: /elsewhere"),
        refused(
            cluster(),
            "image: {name: \"apache/flink:1.15.2\"",
            "image: {name: \"flink:1\"",
        ),
        refused(
            cluster(),
            "job: {",
            "roles:\n  jobmanager: {selector: \"cluster=b,component=jobmanager\", container: jobmanager}\n  taskmanager: {selector: component=taskmanager, container: taskmanager}\njob: {",
        ),
        refused(cluster(), "url: https", "url: http"),
        refused(cluster(), SUM, "abc"),
        refused(
            cluster(),
            "kind: FlinkCluster\nmetadata: {name: beam, namespace: default}",
            "kind: FlinkCluster\nmetadata: {name: beam, namespace: kube-system}",
        ),
        refused(
            deployment(),
            "high-availability.type: kubernetes",
            "high-availability.type: NONE",
        ),
        refused(deployment(), "cluster-id: session\n", "cluster-id: other\n"),
        refused(
            deployment(),
            "    web.refresh-interval: \"500\"",
            "    kubernetes.cluster-id: session",
        ),
        refused(cluster(), ", pullPolicy: IfNotPresent", ""),
        refused(
            deployment(),
            "  mode: standalone\n",
            "  mode: standalone\n  job: {jarURI: \"local:///x.jar\", parallelism: 2}\n",
        ),
        refused(deployment(), "parallelism: 2}", "parallelism: 3}"),
        refused(
            deployment(),
            "web.refresh-interval: \"500\"",
            "web.submit.enable: \"false\"",
        ),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_check_tells_what_the_operator_does() {
    let scene = Operated::of(&labs::with_operator(flink_cluster(
        "https://example.org/x.yaml",
    )));
    let ended = scene.scene.program().run(&["lab", "check", scene.lab()]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    for words in [
        "REST is its Service beam-jobmanager, port ui",
        "one JobManager and cannot have more",
        "the operator waits 30 s before SIGTERM",
        "owns the config map beam-id-cluster-config-map",
    ] {
        assert!(ended.out.contains(words), "{words}: {}", ended.out);
    }
}

/// The simulated lab has operators too, and asks as well before it fetches.
#[test]
fn a_lab_of_an_operator_can_be_tried() {
    let scene = Operated::of(&labs::with_operator(flink_cluster(
        "https://example.org/x.yaml",
    )));
    let arguments = [
        "--lab",
        scene.lab(),
        "try",
        "--speed",
        "10",
        "status",
        "--json",
    ];
    let ended = scene.scene.program().run(&arguments);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let status = ended.objects().remove(0);
    assert_eq!(status["origin"], "simulated");
    assert_eq!(status["leader"]["pod"], "beam-jobmanager-0", "{status:#}");
}
