//! A job that is a part of its cluster: the whole program against a simulated lab of that kind. What
//! the simulation does there was seen on a real cluster.

use crate::scenarios::{SPEED, Scene, breaks_in, lab_with_short_failures};
use crate::terminal::Terminal;
use flinklab_lab::Lab;
use flinklab_lab::failure::find;
use flinklab_sim::Images;
use serde_json::Value;
use std::path::Path;

const NAME: &str = "application";

fn scene_of(lab: &Lab) -> Scene {
    Scene::of(lab.clone(), SPEED, Images::Present)
}

fn scene() -> Scene {
    let scene = scene_of(&Lab::open(NAME).unwrap());
    assert_eq!(scene.result(&["up", "--lab", NAME])["outcome"], "ready");
    scene
}

/// Builds the lab, breaks it in each of these ways, and removes it.
fn walk(keys: &[&str]) {
    let scene = scene_of(&Lab::open(NAME).unwrap());
    let folder = tempfile::tempdir().unwrap();
    lab_with_short_failures(NAME, folder.path());
    scene.result(&["up", "--lab", folder.path().to_str().unwrap()]);
    for key in keys {
        breaks_in(&scene, find(key).unwrap());
    }
    assert_eq!(
        scene.result(&["down", "--purge", "--yes"])["outcome"],
        "gone"
    );
}

#[test]
fn leaders_of_an_application_that_end() {
    walk(&[
        "jm-stop",
        "jm-crash",
        "jm-delete",
        "standby-stop",
        "all-jm-crash",
    ]);
}

#[test]
fn task_managers_of_an_application() {
    walk(&["tm-stop", "tm-crash", "tm-delete", "tm-freeze"]);
}

#[test]
fn failures_of_an_application_that_last() {
    walk(&[
        "jm-freeze",
        "jm-partition",
        "scale-to-zero",
        "checkpoint-unwritable",
    ]);
}

#[test]
fn failures_of_the_api_server_of_an_application() {
    walk(&["api-outage", "rbac-loss"]);
}

#[test]
fn an_application_that_loses_its_pointers_begins_from_nothing_and_is_brought_back() {
    walk(&["pointer-lost", "jm-crash"]);
}

/// What `job list` says of each kind.
fn listed(scene: &Scene, kind: &str) -> Vec<Value> {
    let all = scene.run(&["job", "list"]).objects();
    all.into_iter()
        .filter_map(|one| one.get(kind).cloned())
        .collect()
}

fn current(scene: &Scene) -> String {
    let jobs = listed(scene, "job");
    let current = jobs.iter().find(|job| job["current"] == true).unwrap();
    current["id"].as_str().unwrap().to_owned()
}

#[test]
fn its_job_is_written_down_before_it_exists_and_found_again() {
    let scene = scene();
    let job = current(&scene);
    let arguments = |word: &str| {
        let object = scene.run(&["status"]).objects().pop().unwrap();
        object["job"][word].clone()
    };
    assert_eq!(arguments("id"), job.as_str());
    assert_eq!(arguments("mode"), NAME);
    assert_eq!(arguments("state"), "RUNNING");
    // again, there is nothing to do
    let again = scene.run(&["up"]);
    assert_eq!(again.code, 0, "{}", again.out);
    assert!(again.out.contains("runs already"), "{}", again.out);
    assert_eq!(current(&scene), job);
    // a new cluster is a new history, of which kept checkpoints are no part
    scene.result(&["down", "--yes"]);
    let up = scene.run(&["up"]);
    assert!(up.out.contains("retained checkpoint"), "{}", up.out);
    let second = current(&scene);
    assert_ne!(second, job);
    let list = listed(&scene, "job");
    assert_eq!(list.len(), 2, "{list:?}");
    assert_eq!(list[0]["from"], Value::Null);
}

#[test]
fn a_new_cluster_goes_on_from_what_is_kept_when_it_is_told_to() {
    let scene = scene();
    let job = current(&scene);
    scene.result(&["down", "--yes"]);
    let up = scene.run(&["up", "--resume"]);
    assert_eq!(up.code, 0, "{}", up.out);
    let newest = &listed(&scene, "job")[0];
    let from = newest["from"].as_str().unwrap();
    assert!(from.contains(&format!("/{job}/chk-")), "{from}");
    let result = breaks_in(&scene, find("jm-crash").unwrap());
    assert_eq!(result["verdict"], "PASS");
}

#[test]
fn its_job_is_saved_stopped_resumed_cancelled_and_begun_anew() {
    let scene = scene();
    let first = current(&scene);
    let saved = scene.result(&["job", "savepoint"]);
    assert_eq!(
        (&saved["job"], &saved["state"]),
        (&first.as_str().into(), &"RUNNING".into())
    );

    let asked = scene.run(&["job", "stop"]);
    let error = asked.objects().pop().unwrap()["error"].take();
    let why = error["why"].as_str().unwrap();
    assert!(why.contains("The cluster ends with its job"), "{why}");

    let stopped = scene.result(&["job", "stop", "--yes"]);
    assert_eq!(stopped["state"], "FINISHED");
    assert_eq!(stopped["after"]["map"], false);
    // its cluster is gone with it, and does not come back by itself
    let refused = scene.run(&["job", "savepoint"]);
    assert_eq!(refused.code, 3, "{}", refused.out);
    let status = scene.run(&["status", "--plain"]);
    assert!(status.out.contains("ended with its job"), "{}", status.out);

    let resumed = scene.result(&["job", "resume", "--yes"]);
    assert_eq!(resumed["restored"], stopped["savepoint"]);
    let second = resumed["job"].as_str().unwrap().to_owned();
    assert_ne!(second, first);
    assert_eq!(current(&scene), second);
    scene.heals();
    let broken = scene.result(&["break", "jm-crash"]);
    assert_eq!(broken["verdict"], "PASS", "{broken:#}");

    let cancelled = scene.result(&["job", "cancel", "--yes"]);
    assert_eq!(cancelled["state"], "CANCELED");
    assert_eq!(cancelled["after"]["plan"], false);
    assert!(
        !cancelled["after"]["checkpoints"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let anew = scene.result(&["job", "resubmit", "--yes"]);
    assert_eq!(anew["restored"], Value::Null);
    scene.result(&["job", "cancel", "--yes"]);
    // what has ended is begun anew by `up`, under another id
    let ended = current(&scene);
    let up = scene.run(&["up"]);
    assert_eq!(up.code, 0, "{}", up.out);
    assert_ne!(current(&scene), ended);
}

/// The lab with a change of one of its files, in a folder.
fn changed(folder: &Path, file: &str, from: &str, to: &str) -> Lab {
    let lab = Lab::open(NAME).unwrap();
    for (name, text) in &lab.files {
        let text = if name == file {
            assert!(text.contains(from), "{file} has no {from:?}");
            text.replace(from, to)
        } else {
            text.clone()
        };
        std::fs::write(folder.join(name), text).unwrap();
    }
    Lab::read(folder).unwrap()
}

/// An id that a manifest fixes is the book's, cluster after cluster.
#[test]
fn an_id_of_the_manifest_is_kept() {
    const ID: &str = "0123456789abcdef0123456789abcdef";
    let folder = tempfile::tempdir().unwrap();
    let own = format!("            - standalone-job\n            - --job-id\n            - {ID}\n");
    let lab = changed(
        folder.path(),
        "50-jobmanagers.yaml",
        "            - standalone-job\n",
        &own,
    );
    let scene = scene_of(&lab);
    scene.result(&["up", "--lab", folder.path().to_str().unwrap()]);
    assert_eq!(current(&scene), ID);
    let broken = scene.result(&["break", "jm-crash"]);
    assert_eq!(broken["verdict"], "PASS", "{broken:#}");
}

/// A start that is in a script has no place for arguments of ours: what is found there is followed.
/// Another id is another job, and Flink gives up the one that it recovers.
#[test]
fn a_job_that_is_found_is_written_down_and_followed_to_another_id() {
    const OTHER: &str = "fedcba9876543210fedcba9876543210";
    let folder = tempfile::tempdir().unwrap();
    let start = "          args:\n            - standalone-job\n";
    let script = |more: &str| {
        format!(
            "          command: [\"sh\", \"-c\"]\n          args:\n            - >-\n              exec /docker-entrypoint.sh standalone-job {more}\n"
        )
    };
    let lab = Lab::open(NAME).unwrap();
    let (_, text) = lab
        .files
        .iter()
        .find(|(name, _)| name == "50-jobmanagers.yaml")
        .unwrap();
    let (head, rest) = text.split_once(start).unwrap();
    let (_, tail) = rest.split_once("          env:\n").unwrap();
    let written = |more: &str| {
        let more = format!("{more} -D jobmanager.rpc.address=$(POD_IP) -D parallelism.default=2");
        format!("{head}{}          env:\n{tail}", script(&more))
    };
    let lab = changed(folder.path(), "50-jobmanagers.yaml", text, &written(""));
    let scene = scene_of(&lab);
    let path = folder.path().to_str().unwrap();
    let up = scene.run(&["up", "--lab", path]);
    assert_eq!(up.code, 0, "{}", up.out);
    // what Flink makes of the cluster's id, as seen on a real cluster
    let own = "000000006e46182d0000000000000000";
    assert_eq!(current(&scene), own);
    let resumed = scene.run(&["up", "--resume"]);
    assert_eq!(resumed.code, 3);
    assert!(
        resumed.out.contains("no place for `--fromSavepoint`"),
        "{}",
        resumed.out
    );
    let stop = scene.run(&["job", "stop", "--yes"]);
    assert_eq!(stop.code, 3);
    assert!(
        stop.out.contains("cannot keep them from it"),
        "{}",
        stop.out
    );
    let broken = scene.result(&["break", "jm-crash"]);
    assert_eq!(broken["verdict"], "PASS", "{broken:#}");

    let manifest = folder.path().join("50-jobmanagers.yaml");
    std::fs::write(manifest, written(&format!("--job-id {OTHER}"))).unwrap();
    let up = scene.run(&["up"]);
    assert_eq!(up.code, 0, "{}", up.out);
    let status = scene.run(&["status"]).objects().pop().unwrap();
    assert_eq!(status["job"]["id"], OTHER, "{status:#}");
    assert_eq!(current(&scene), OTHER);
    assert_eq!(listed(&scene, "job").len(), 2);
}

/// A manifest with another id than that of the job that runs would have Flink give it up.
#[test]
fn an_id_that_would_have_the_job_given_up_is_refused() {
    const ID: &str = "0123456789abcdef0123456789abcdef";
    let folder = tempfile::tempdir().unwrap();
    let line = "            - standalone-job\n";
    let lab = changed(folder.path(), "50-jobmanagers.yaml", line, line);
    let scene = scene_of(&lab);
    scene.result(&["up", "--lab", folder.path().to_str().unwrap()]);
    let job = current(&scene);
    let own = format!("{line}            - --job-id\n            - {ID}\n");
    changed(folder.path(), "50-jobmanagers.yaml", line, &own);
    let up = scene.run(&["up"]);
    assert_eq!(up.code, 3, "{}", up.out);
    assert!(
        up.out.contains("would give up the job that they recover"),
        "{}",
        up.out
    );
    assert_eq!(current(&scene), job);
    // stopped, it goes on under the new one
    scene.result(&["job", "stop", "--yes"]);
    let resumed = scene.run(&["up"]);
    assert_eq!(resumed.code, 0, "{}", resumed.out);
    assert_eq!(current(&scene), ID);
}

/// Cancelled by somebody else than flinklab, an application comes back: its Deployment starts what has
/// ended again, and `main()` knows of nothing. As seen on a real cluster.
#[test]
fn a_job_that_is_cancelled_over_rest_begins_anew_from_nothing() {
    let scene = scene();
    let job = current(&scene);
    let ui = scene.run(&["status"]).objects().pop().unwrap()["ui"].take();
    let ui = ui
        .as_str()
        .unwrap()
        .trim_start_matches("http://")
        .to_owned();
    let request = format!(
        "PATCH /jobs/{job}?mode=cancel HTTP/1.1\r\nHost: {ui}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    let mut stream = std::net::TcpStream::connect(&ui).unwrap();
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    scene.heals();
    let list = scene.run(&["job", "list"]).objects();
    let ha = list.iter().find_map(|one| one.get("ha")).unwrap();
    let next = ha["counter"].as_u64().unwrap();
    let kept = ha["checkpoints"].as_array().unwrap();
    let highest = kept.iter().filter_map(Value::as_u64).max().unwrap();
    assert!(next <= highest || kept.len() > 3, "ids began again: {ha}");
    assert_eq!(
        current(&scene),
        job,
        "the same id, and not the same history"
    );
}

#[test]
fn in_the_terminal_an_application_says_what_it_is_and_what_its_end_costs() {
    let scene = scene();
    let mut terminal = Terminal::open(scene.program(), &[]);
    terminal.sees_text("HA OK");
    terminal.types("f");
    terminal.sees_text("application mode: each leader runs its main()");
    terminal.types("J");
    terminal.sees_text("HA DATA NOW");
    terminal.types("S");
    terminal.sees_text("The cluster ends with its job");
    terminal.types("S");
    terminal.sees_text("is FINISHED, after");
    terminal.sees_text("ended with its cluster");
    terminal.types("r");
    terminal.sees_text("starts the JobManagers again");
    terminal.types("r");
    terminal.sees_text("is RUNNING, after");
    terminal.types("q");
    terminal.ends_with(0);
}

/// The last version of the 1.x line keeps plans under another name, and is the same otherwise.
#[test]
fn an_application_on_flink_1_20() {
    let folder = tempfile::tempdir().unwrap();
    let lab = "name: old\nbase: application\nimage: flink:1.20.5-scala_2.12-java17\n";
    std::fs::write(folder.path().join("lab.yaml"), lab).unwrap();
    let scene = scene_of(&Lab::read(folder.path()).unwrap());
    scene.result(&["up", "--lab", folder.path().to_str().unwrap()]);
    let first = current(&scene);
    for key in ["jm-crash", "tm-stop"] {
        let broken = scene.result(&["break", key]);
        assert_eq!(broken["verdict"], "PASS", "{broken:#}");
    }
    scene.result(&["job", "stop", "--yes"]);
    let resumed = scene.result(&["job", "resume", "--yes"]);
    assert_ne!(resumed["job"], first.as_str());
    scene.heals();
}
