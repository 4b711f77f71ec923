//! Beside others on the real Docker, only with FLINKLAB_REAL=1: kind's own command on our cluster,
//! a cluster that kind made, two labs at once, a lab of three nodes, and a node that was stopped
//! under a running job. Takes minutes; cleans up after itself.

use crate::program::{Ended, Program};
use crate::real::{asked, command, docker, nodes_of};
use crate::real_kind::kind;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Labs that are removed whatever happens to the test.
struct Labs {
    program: Program,
    names: &'static [&'static str],
}

impl Labs {
    fn new(names: &'static [&'static str]) -> Self {
        Self {
            program: Program::with_real_docker(),
            names,
        }
    }

    fn run(&self, name: &str, arguments: &[&str]) -> Ended {
        let mut all = arguments.to_vec();
        all.extend(["--name", name, "--json"]);
        let ended = self.program.run(&all);
        eprintln!("{all:?} → {}", ended.code);
        if let Some(last) = ended.out.lines().last() {
            eprintln!("  {last}");
        }
        ended
    }

    /// Runs it to its good end; what it said last.
    fn done(&self, name: &str, arguments: &[&str]) -> Value {
        let ended = self.run(name, arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {}{}", ended.out, ended.err);
        ended.objects().pop().unwrap()
    }
}

impl Drop for Labs {
    fn drop(&mut self) {
        for name in self.names {
            self.run(name, &["down", "--purge", "--yes"]);
        }
    }
}

/// An image of one small file that removes itself from Docker again.
struct SmallImage(&'static str);

impl SmallImage {
    fn new(name: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("word"), "small").unwrap();
        let tar = folder.path().join("small.tar");
        let folder = folder.path().display().to_string();
        let tar = tar.display().to_string();
        command(Path::new("tar"), &["-C", &folder, "-cf", &tar, "word"]);
        docker(&["import", &tar, name]);
        Self(name)
    }
}

impl Drop for SmallImage {
    fn drop(&mut self) {
        docker(&["rmi", self.0]);
    }
}

#[test]
fn kinds_own_command_lists_loads_into_exports_logs_of_and_deletes_our_cluster() {
    const NAME: &str = "flinklab-kinds-test";
    if !asked() {
        return;
    }
    let kind = kind();
    let labs = Labs::new(&[NAME]);
    labs.done(NAME, &["up"]);
    let node = format!("{NAME}-control-plane");
    let clusters = command(&kind, &["get", "clusters"]);
    assert!(clusters.lines().any(|line| line == NAME), "{clusters}");
    let nodes = command(&kind, &["get", "nodes", "--name", NAME]);
    assert_eq!(nodes.trim(), node);
    let image = SmallImage::new("flinklab-test/small:1");
    command(&kind, &["load", "docker-image", image.0, "--name", NAME]);
    let inside = docker(&["exec", &node, "crictl", "images"]);
    assert!(inside.contains("flinklab-test/small"), "{inside}");
    let logs = tempfile::tempdir().unwrap();
    let folder = logs.path().display().to_string();
    command(&kind, &["export", "logs", &folder, "--name", NAME]);
    for file in [
        "kubelet.log",
        "containerd.log",
        "journal.log",
        "kubernetes-version.txt",
    ] {
        let length = std::fs::metadata(logs.path().join(&node).join(file))
            .unwrap()
            .len();
        assert!(length > 0, "{file} is empty");
    }
    // Nothing of all that changed what it is for us.
    assert_eq!(labs.done(NAME, &["up"])["result"]["changed"], false);
    command(
        &kind,
        &[
            "delete",
            "cluster",
            "--name",
            NAME,
            "--kubeconfig",
            "/dev/null",
        ],
    );
    // Deleted behind our back: the data is kept, and a new cluster is built.
    let again = labs.done(NAME, &["up"]);
    assert_eq!(again["result"]["changed"], true);
    let notes = again["result"]["notes"].to_string();
    assert!(notes.contains("removed behind our back"), "{notes}");
}

#[test]
fn a_cluster_that_kind_made_is_taken_over_and_only_removed_when_told_so() {
    const NAME: &str = "flinklab-adopted-test";
    if !asked() {
        return;
    }
    let kind = kind();
    let labs = Labs::new(&[NAME]);
    let config = labs.program.run(&["kind-config", "--name", NAME]);
    assert_eq!(config.code, 0, "{}", config.err);
    let mut creating = Command::new(&kind)
        .args([
            "create",
            "cluster",
            "--name",
            NAME,
            "--config",
            "-",
            "--kubeconfig",
            "/dev/null",
        ])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    creating
        .stdin
        .take()
        .unwrap()
        .write_all(config.out.as_bytes())
        .unwrap();
    assert!(creating.wait().unwrap().success());
    labs.done(NAME, &["up"]);
    assert_eq!(labs.done(NAME, &["up"])["result"]["changed"], false);
    let asks = labs.run(NAME, &["down"]);
    assert_eq!(asks.code, 2, "{}", asks.out);
    let error = asks.objects().pop().unwrap()["error"].take();
    assert!(
        error["why"].as_str().unwrap().contains("was made by kind"),
        "{error}"
    );
    assert_eq!(labs.done(NAME, &["up"])["result"]["changed"], false);
}

#[test]
fn two_labs_live_beside_each_other_and_one_stops_and_comes_back() {
    const ONE: &str = "flinklab-one-test";
    const TWO: &str = "flinklab-two-test";
    if !asked() {
        return;
    }
    let labs = Labs::new(&[ONE, TWO]);
    let one = labs.done(ONE, &["up"])["result"].take();
    let two = labs.done(TWO, &["up"])["result"].take();
    assert_ne!(one["ui"], two["ui"], "each has its own ports");
    let seen = labs.program.run(&["labs", "--json"]).out;
    for name in [ONE, TWO] {
        assert!(seen.contains(name), "{seen}");
        let status = labs.done(name, &["status"]);
        assert_eq!(status["job"]["tasks"]["running"], 4, "{name}: {status}");
    }
    let before = labs.done(TWO, &["status"]);
    let restarts = before["pods"].clone();
    // Breaking one is not felt in the other.
    assert_eq!(
        labs.done(ONE, &["break", "tm-stop"])["result"]["verdict"],
        "PASS"
    );
    labs.done(ONE, &["stop"]);
    let stopped = labs.run(ONE, &["status"]);
    let error = stopped.objects().pop().unwrap()["error"].take();
    assert_eq!(error["code"], "lab-stopped", "{error}");
    let after = labs.done(TWO, &["status"]);
    assert_eq!(after["pods"], restarts, "nothing of the other lab changed");
    assert_eq!(after["job"]["id"], before["job"]["id"]);
    let job = labs.done(ONE, &["up"])["result"].take();
    assert!(job["notes"].to_string().contains("started again"), "{job}");
    labs.done(ONE, &["down", "--purge", "--yes"]);
    assert_eq!(labs.done(TWO, &["status"])["job"]["tasks"]["running"], 4);
}

#[test]
fn three_nodes_share_a_folder_stop_and_come_back() {
    const NAME: &str = "flinklab-three-test";
    if !asked() {
        return;
    }
    let labs = Labs::new(&[NAME]);
    labs.done(NAME, &["up", "--lab", "three-nodes"]);
    let nodes = nodes_of(NAME);
    assert_eq!(nodes.len(), 3, "{nodes:?}");
    for node in &nodes {
        let shared = docker(&["exec", node, "ls", "/flink-shared"]);
        assert!(shared.contains("checkpoints"), "{node}: {shared}");
    }
    let before = labs.done(NAME, &["status"]);
    labs.done(NAME, &["stop"]);
    labs.done(NAME, &["up"]);
    let after = labs.done(NAME, &["status"]);
    assert_eq!(after["job"]["id"], before["job"]["id"], "the same history");
    let newest = |status: &Value| status["checkpoint"]["disk"]["id"].as_u64();
    assert!(newest(&after) > newest(&before), "{after}");
}

#[test]
fn a_node_that_was_stopped_under_a_running_job_goes_on_from_its_last_checkpoint() {
    const NAME: &str = "flinklab-reboot-test";
    if !asked() {
        return;
    }
    let labs = Labs::new(&[NAME]);
    labs.done(NAME, &["up"]);
    let before = labs.done(NAME, &["status"]);
    // As a machine that loses its power: no process ends in order.
    docker(&["kill", &format!("{NAME}-control-plane")]);
    let stopped = labs.run(NAME, &["status"]);
    let error = stopped.objects().pop().unwrap()["error"].take();
    assert_eq!(error["code"], "lab-stopped", "{error}");
    let up = labs.done(NAME, &["up"])["result"].take();
    let notes = up["notes"].to_string();
    assert!(
        notes.contains("was stopped and was started again"),
        "{notes}"
    );
    assert!(notes.contains("went on from its checkpoint"), "{notes}");
    let after = labs.done(NAME, &["status"]);
    assert_eq!(after["job"]["id"], before["job"]["id"], "the same history");
    let newest = |status: &Value| status["checkpoint"]["disk"]["id"].as_u64();
    assert!(newest(&after) > newest(&before), "{after}");
}
