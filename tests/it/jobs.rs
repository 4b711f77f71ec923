//! Savepoints and what ends and begins a job: the whole program against a simulated lab.

use crate::scenarios::{SPEED, Scene, lab_with_short_failures};
use crate::terminal::Terminal;
use flinklab_lab::Lab;
use flinklab_sim::Images;
use serde_json::Value;

fn scene() -> Scene {
    let scene = Scene::of(Lab::open("default").unwrap(), SPEED, Images::Present);
    assert_eq!(scene.result(&["up"])["outcome"], "ready");
    scene
}

/// What `job list` says of each kind.
fn listed(scene: &Scene, kind: &str) -> Vec<Value> {
    let all = scene.run(&["job", "list"]).objects();
    all.into_iter()
        .filter_map(|one| one.get(kind).cloned())
        .collect()
}

fn count(value: &Value) -> usize {
    value.as_array().unwrap().len()
}

#[test]
fn a_job_is_saved_stopped_resumed_cancelled_and_begun_anew() {
    let scene = scene();
    let first = listed(&scene, "job")[0]["id"].as_str().unwrap().to_owned();

    let saved = scene.result(&["job", "savepoint"]);
    let path = saved["savepoint"].as_str().unwrap().to_owned();
    assert_eq!(
        (&saved["job"], &saved["state"]),
        (&first.as_str().into(), &"RUNNING".into())
    );
    assert_eq!(count(&saved["before"]["savepoints"]), 0, "{saved:#}");
    assert_eq!(count(&saved["after"]["savepoints"]), 1);
    assert_eq!(saved["after"]["plan"], true);

    // nothing is done without a yes, and what a running job cannot do is refused
    let asked = scene.run(&["job", "stop"]);
    assert_eq!(asked.code, 2);
    let error = asked.objects().pop().unwrap()["error"].take();
    assert_eq!(error["code"], "needs-yes");
    assert!(
        error["why"]
            .as_str()
            .unwrap()
            .contains("Lost: its checkpoints"),
        "{error}"
    );
    let refused = scene.run(&["job", "resume", "--yes"]);
    assert_eq!(refused.code, 3);
    assert!(
        refused.out.contains("stop or cancel it first"),
        "{}",
        refused.out
    );
    assert_eq!(
        scene.run(&["job", "cancel", "--yes", "--read-only"]).code,
        2
    );
    assert_eq!(listed(&scene, "job")[0]["state"], "RUNNING");

    let stopped = scene.result(&["job", "stop", "--yes"]);
    assert_eq!(stopped["state"], "FINISHED");
    let after = &stopped["after"];
    assert_eq!(
        (&after["plan"], &after["map"]),
        (&false.into(), &false.into())
    );
    assert_eq!(count(&stopped["before"]["checkpoints"]).min(1), 1);
    assert_eq!(count(&after["checkpoints"]), 0, "a finished job keeps none");
    assert_eq!(count(&after["savepoints"]), 2);
    assert_eq!(scene.run(&["job", "savepoint"]).code, 3);

    // from the one that was named, though a newer one is there
    let resumed = scene.result(&["job", "resume", &path, "--yes"]);
    assert_eq!(resumed["restored"], path.as_str());
    let second = resumed["job"].as_str().unwrap().to_owned();
    assert_ne!(second, first);
    assert_eq!(resumed["after"]["plan"], true);
    scene.heals();

    let cancelled = scene.result(&["job", "cancel", "--yes"]);
    assert_eq!(cancelled["state"], "CANCELED");
    assert_eq!(cancelled["after"]["map"], false);
    assert!(
        count(&cancelled["after"]["checkpoints"]) > 0,
        "{cancelled:#}"
    );
    let starts = listed(&scene, "start");
    assert_eq!(starts[0]["kind"], "checkpoint", "the newest: {starts:?}");
    assert_eq!(starts[0]["job"], second.as_str());

    let again = scene.result(&["job", "resume", "--yes"]);
    assert_eq!(again["restored"], starts[0]["path"]);
    let wrong = scene.run(&["job", "resume", "chk-999999", "--yes"]);
    assert_eq!(wrong.code, 3, "it runs");
    scene.result(&["job", "cancel", "--yes"]);
    let wrong = scene.run(&["job", "resume", "chk-999999", "--yes"]);
    assert_eq!(wrong.code, 2, "there is none");

    let anew = scene.result(&["job", "resubmit", "--yes"]);
    assert_eq!(anew["restored"], Value::Null);
    scene.heals();
    let jobs = listed(&scene, "job");
    assert_eq!(jobs.len(), 4, "{jobs:?}");
    assert_eq!(jobs.iter().filter(|job| job["current"] == true).count(), 1);
    // what comes after an order is broken and proven like anything else
    let broken = scene.result(&["break", "tm-stop"]);
    assert_eq!(broken["verdict"], "PASS", "{broken:#}");
}

#[test]
fn in_the_terminal_an_order_says_what_it_costs_and_what_it_came_to() {
    let scene = scene();
    let mut terminal = Terminal::open(scene.program(), &[]);
    terminal.sees_text("HA OK");
    terminal.types("J");
    terminal.sees_text("HA DATA NOW");
    terminal.types("S");
    terminal.sees_text("Kept: all of its state");
    terminal.types("S");
    terminal.sees_text("is FINISHED, after");
    terminal.sees_text("savepoints   none                        1");
    terminal.types("r");
    terminal.sees_text("A new job with a new id starts from savepoint-");
    terminal.types("r");
    terminal.sees_text("is RUNNING, after");
    terminal.types("q");
    terminal.ends_with(0);
}

#[test]
fn the_simulated_lab_says_that_it_is_simulated_when_a_job_is_stopped() {
    let program = crate::program::Program::without_docker();
    let ended = program.run(&["try", "--speed", "10", "job", "stop", "--yes", "--json"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let result = ended.objects().pop().unwrap();
    assert_eq!(result["origin"], "simulated");
    assert_eq!(result["result"]["state"], "FINISHED");
}

/// A leader that was frozen had to suspend the job. When it leads again later and the job ends under
/// it, Flink throws both entries of its list out: the job ended all the same.
#[test]
fn a_job_that_ends_under_a_leader_that_once_suspended_it_is_over_although_nobody_lists_it() {
    let folder = tempfile::tempdir().unwrap();
    lab_with_short_failures("default", folder.path());
    let lab = Lab::read(folder.path()).unwrap();
    let scene = Scene::of(lab, SPEED, Images::Present);
    let path = folder.path().to_str().unwrap();
    assert_eq!(scene.result(&["--lab", path, "up"])["outcome"], "ready");
    let frozen = scene.result(&["break", "short-jm-freeze"]);
    assert_eq!(frozen["verdict"], "PASS", "{frozen:#}");
    // of two that try for the lock either may get it
    let leads = || scene.run(&["status"]).objects()[0]["leader"]["pod"].take();
    let mut tries = 0;
    while leads() != frozen["target"]["pod"] {
        let crashed = scene.result(&["break", "jm-crash"]);
        assert_eq!(crashed["verdict"], "PASS", "{crashed:#}");
        tries += 1;
        assert!(tries < 10, "it never led again");
    }
    let stopped = scene.result(&["job", "stop", "--yes"]);
    // It is FINISHED for a moment before it leaves the list: on a busy machine that may be seen.
    let state = stopped["state"].as_str().unwrap();
    assert!(
        ["gone from Flink's list", "FINISHED"].contains(&state),
        "{stopped:#}"
    );
    assert_eq!(stopped["after"]["plan"], false);
    let resumed = scene.result(&["job", "resume", "--yes"]);
    assert_eq!(resumed["state"], "RUNNING", "{resumed:#}");
}
