//! The same program against the real Docker of this machine, only with FLINKLAB_REAL=1: a node,
//! Kubernetes and Flink as users have them. Takes minutes; cleans up after itself.

use crate::program::{Ended, Program};
use flinklab_event::{Event, Happening, RunEvent, RunEventKind};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The instance's name; the whole suite uses one at a time.
const NAME: &str = "flinklab-real-test";

/// Whether the real tests were asked for.
pub(crate) fn asked() -> bool {
    let asked = std::env::var_os("FLINKLAB_REAL").is_some_and(|value| value == "1");
    if !asked {
        eprintln!("did nothing: set FLINKLAB_REAL=1 to run against the real Docker");
    }
    asked
}

/// What a command says; it must end well.
pub(crate) fn command(program: &Path, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&done.stdout), text(&done.stderr));
    assert!(
        done.status.success(),
        "{program:?} {arguments:?}: {out}{err}"
    );
    out
}

pub(crate) fn docker(arguments: &[&str]) -> String {
    command(Path::new("docker"), arguments)
}

/// The node containers of a cluster, running or not, by name.
pub(crate) fn nodes_of(cluster: &str) -> Vec<String> {
    let label = format!("label=io.x-k8s.kind.cluster={cluster}");
    let found = docker(&["ps", "-a", "--filter", &label, "--format", "{{.Names}}"]);
    found.lines().map(str::to_owned).collect()
}

/// A lab that is removed whatever happens to the test.
struct Lab(Program, tokio::runtime::Runtime);

/// What Docker has.
struct Docker {
    containers: Vec<String>,
    volumes: usize,
    images: Vec<String>,
    network: bool,
}

impl Lab {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        Self(Program::with_real_docker(), runtime)
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut all = arguments.to_vec();
        all.extend(["--name", NAME, "--json"]);
        let ended = self.0.run(&all);
        eprintln!("{all:?} → {}\n{}{}", ended.code, ended.out, ended.err);
        ended
    }

    /// What Docker has of this lab, and beside it.
    fn docker(&self) -> Docker {
        self.1.block_on(async {
            let docker = bollard::Docker::connect_with_defaults().unwrap();
            let label = format!("io.x-k8s.kind.cluster={NAME}");
            let filters = std::collections::HashMap::from([("label".to_owned(), vec![label])]);
            let only = bollard::query_parameters::ListContainersOptionsBuilder::new()
                .all(true)
                .filters(&filters)
                .build();
            let containers = docker.list_containers(Some(only)).await.unwrap();
            let volumes = docker
                .list_volumes(None::<bollard::query_parameters::ListVolumesOptions>)
                .await
                .unwrap()
                .volumes;
            let images = docker
                .list_images(None::<bollard::query_parameters::ListImagesOptions>)
                .await
                .unwrap();
            let mut images: Vec<String> = images.into_iter().map(|image| image.id).collect();
            images.sort();
            Docker {
                containers: containers.into_iter().filter_map(|one| one.id).collect(),
                volumes: volumes.map_or(0, |all| all.len()),
                images,
                network: docker
                    .inspect_network(
                        "kind",
                        None::<bollard::query_parameters::InspectNetworkOptions>,
                    )
                    .await
                    .is_ok(),
            }
        })
    }

    /// The moment that the process was gone is the runtime's own, as `crictl inspect` in the node
    /// tells it; the kubelet removes the container of a deleted pod.
    fn agrees_with_the_runtime(&self, result: &Value) {
        let phases = result["phases"].as_array().unwrap();
        // A process that was only stopped, or cut off, is not gone.
        if !phases.iter().any(|phase| phase["name"] == "process-gone") {
            return;
        }
        // The phase may be the runtime's own stamp: what is compared is what was seen before it
        // was asked, the first that the hand told.
        let folder = self.0.home().join(NAME).join("runs");
        let folder = folder.join(result["run"].as_str().unwrap());
        let told = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
        let gone = told
            .lines()
            .filter_map(|line| serde_json::from_str::<Happening>(line).ok())
            .find_map(|happening| match happening.event {
                Event::Run(RunEvent {
                    kind: RunEventKind::Gone { at, .. },
                    ..
                }) => Some(at),
                _ => None,
            })
            .unwrap();
        let container = result["target"]["container"].as_str().unwrap();
        let told = std::process::Command::new("docker")
            .args([
                "exec",
                &format!("{NAME}-control-plane"),
                "crictl",
                "inspect",
                container,
            ])
            .output()
            .unwrap();
        let Ok(told) = serde_json::from_slice::<Value>(&told.stdout) else {
            let replaced = ["jm-delete", "tm-delete", "scale-to-zero"];
            let failure = result["failure"].as_str().unwrap();
            assert!(
                replaced.contains(&failure),
                "{failure}: its container is kept"
            );
            return;
        };
        let at = match &told["status"]["finishedAt"] {
            Value::String(text) => match text.parse::<i128>() {
                Ok(nanoseconds) => jiff::Timestamp::from_nanosecond(nanoseconds).unwrap(),
                Err(_) => text.parse().unwrap(),
            },
            other => panic!("no stamp: {other}"),
        };
        let off = gone.duration_since(at).as_millis().abs();
        eprintln!("process-gone is {off} ms off the runtime's own stamp");
        assert!(off <= 50, "{off} ms off");
    }

    /// Waits until the lab is healthy and nothing in it is broken.
    fn heals(&self) {
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            let status = &self.run(&["status"]).objects()[0];
            let broken = status["broken"].as_array().unwrap().len();
            if status["healthy"] == true && broken == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "it does not heal: {status:#}");
        }
    }

    fn result(&self, arguments: &[&str]) -> Value {
        let ended = self.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}");
        ended.objects().pop().unwrap()["result"].take()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.run(&["down", "--purge", "--yes"]);
    }
}

#[test]
fn from_nothing_through_every_failure_to_nothing() {
    if !asked() {
        return;
    }
    let lab = Lab::new();
    let own_kubeconfig = lab.0.user_home().join(".kube/config");
    std::fs::create_dir_all(own_kubeconfig.parent().unwrap()).unwrap();
    std::fs::write(&own_kubeconfig, "the user's own\n").unwrap();

    let before = lab.docker();
    let up = lab.result(&["up"]);
    assert_eq!(up["outcome"], "ready");
    assert!(up["checkpoint"]["id"].as_u64().unwrap() >= 1);
    let again = lab.result(&["up"]);
    assert_eq!(again["changed"], false);
    assert!(again["seconds"].as_f64().unwrap() <= 3.0, "{again}");

    let status = &lab.run(&["status"]).objects()[0];
    assert_eq!(status["pods"].as_array().unwrap().len(), 4);
    assert_eq!(status["job"]["tasks"]["running"], 4);
    assert_eq!(status["checkpoint"]["agree"], true);
    assert_eq!(status["origin"], "real");

    let default = flinklab_lab::Lab::open("default").unwrap();
    let can = |failure: &&flinklab_lab::failure::Failure| default.missing_for(failure).is_none();
    for failure in flinklab_lab::failure::CATALOGUE.iter().filter(can) {
        lab.heals();
        let ended = lab.run(&["break", &failure.key]);
        let result = ended.objects().pop().unwrap()["result"].take();
        let expected = failure.expect.verdict().to_string();
        assert_eq!(result["verdict"], expected, "{}: {result:#}", failure.key);
        assert_eq!(ended.code, i32::from(expected != "PASS"), "{}", failure.key);
        assert_eq!(result["failure"], failure.key.as_ref());
        lab.agrees_with_the_runtime(&result);
    }
    lab.heals();

    let job = lab.run(&["status"]).objects()[0]["job"]["id"].clone();
    let down = lab.result(&["down"]);
    assert_eq!(down["outcome"], "gone");
    let clean = lab.result(&["up"]);
    assert!(
        !clean["notes"].as_array().unwrap().is_empty(),
        "says what it found: {clean}"
    );
    assert_ne!(
        lab.run(&["status"]).objects()[0]["job"]["id"],
        job,
        "a new history"
    );

    let gone = lab.result(&["down", "--purge", "--yes"]);
    assert_eq!(gone["outcome"], "gone");
    assert!(!lab.0.home().join(NAME).exists());
    let after = lab.docker();
    assert_eq!(after.containers, Vec::<String>::new());
    assert_eq!(after.volumes, before.volumes, "no anonymous volume is left");
    assert_eq!(after.images, before.images, "images stay");
    assert!(after.network, "the network `kind` stays");
    assert_eq!(
        std::fs::read_to_string(own_kubeconfig).unwrap(),
        "the user's own\n"
    );
}
