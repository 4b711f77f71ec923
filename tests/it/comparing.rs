//! `flinklab compare` against a simulated machine: labs of its own one after the other, nothing of
//! the user's touched, nothing left, and a way on after an interruption.

use crate::program::Program;
use crate::scenarios::Scene;
use flinklab_lab::Lab;
use flinklab_sim::Images;
use serde_json::Value;
use std::process::Stdio;
use std::time::{Duration, Instant};

const SPEED: f64 = 10.0;

fn scene(labs: &[&str]) -> Scene {
    let others = labs.iter().map(|lab| Lab::open(lab).unwrap()).collect();
    Scene::with(
        Lab::open("default").unwrap(),
        others,
        SPEED,
        Images::Present,
    )
}

/// The last object, which is the comparison.
fn compared(scene: &Scene, arguments: &[&str]) -> Value {
    let result = scene.result(arguments);
    assert_eq!(result["command"], "compare", "{result:#}");
    result
}

/// The middle of a phase of the first failure on a lab. How long a lease runs is arithmetic; the
/// rest depends on how busy this machine is.
fn median(result: &Value, phase: &str, lab: &str) -> f64 {
    let labs = result["failures"][0]["labs"].as_array().unwrap();
    let found = labs.iter().find(|one| one["lab"] == lab).unwrap();
    let phases = found["phases"].as_array().unwrap();
    let found = phases.iter().find(|one| one["name"] == phase).unwrap();
    found["ms"]["median"].as_f64().unwrap()
}

/// Names of what Docker has, and of what is in the home folder.
fn left(scene: &Scene) -> Vec<String> {
    let labs = scene.run(&["labs"]).objects();
    labs.iter()
        .filter_map(|lab| lab["name"].as_str().map(str::to_owned))
        .collect()
}

/// How long anything may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

#[test]
fn two_labs_are_compared_beside_one_that_is_left_alone() {
    let scene = scene(&["default", "fast-failover"]);
    scene.result(&["up"]);
    let arguments = [
        "compare",
        "jm-crash",
        "--labs",
        "default,fast-failover",
        "--times",
        "2",
    ];
    let ended = scene.run(&arguments);
    assert_eq!(ended.code, 0);
    assert!(
        ended.err.contains("the lab `flinklab` runs beside"),
        "{}",
        ended.err
    );
    let objects = ended.objects();
    let plan = &objects[0]["comparison"];
    assert_eq!(
        (&plan["runs"]["done"], &plan["runs"]["all"]),
        (&0.into(), &4.into())
    );
    assert!(plan["seconds_left"].as_f64().unwrap() > 100.0, "{plan:#}");
    let result = &objects.last().unwrap()["result"];
    assert_eq!(result["runs"], 4);
    let over = |lab| median(result, "lease-over", lab);
    let (usual, fast) = (over("default"), over("fast-failover"));
    assert!(
        fast * 1.3 < usual,
        "a shorter lease is over sooner: {fast} and {usual}"
    );
    // The user's own lab is there as it was, and nothing else is.
    assert_eq!(left(&scene), ["flinklab"]);
    assert_eq!(scene.run(&["status"]).objects()[0]["healthy"], true);
    assert!(
        scene.run(&["runs"]).objects().is_empty(),
        "it was not broken"
    );
    // The same question again is answered from what is there.
    let before = Instant::now();
    let again = compared(&scene, &arguments);
    assert_eq!(again["failures"], result["failures"]);
    assert!(before.elapsed() < Duration::from_secs(5));
    for (format, head) in [
        ("md", "# flinklab comparison"),
        ("html", "<!doctype html>"),
        ("text", "4 runs of"),
    ] {
        let file = scene
            .program()
            .user_home()
            .join(format!("comparison.{format}"));
        let out = file.to_str().unwrap();
        let written = compared(
            &scene,
            &[&arguments[..], &["--format", format, "--out", out]].concat(),
        );
        assert_eq!(written["outcome"], "written");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with(head) && text.contains("fast-failover"),
            "{text}"
        );
    }
}

#[test]
fn one_that_was_killed_goes_on_and_keeps_what_was_measured() {
    let scene = scene(&["article-standby", "flink-1.20"]);
    let arguments = [
        "compare",
        "jm-stop",
        "--labs",
        "article-standby,flink-1.20",
        "--times",
        "2",
        "--json",
    ];
    let mut first = scene
        .program()
        .command(&arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    let runs = scene.program().home().join("compare-article-standby/runs");
    let kept = || {
        let entries = std::fs::read_dir(&runs).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.path().join("result.json").exists())
            .count()
    };
    while kept() == 0 {
        assert!(Instant::now() < deadline, "no run was made");
        std::thread::sleep(Duration::from_millis(50));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(left(&scene), ["compare-article-standby"]);
    let ended = scene.run(&arguments[..arguments.len() - 1]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let objects = ended.objects();
    let result = &objects.last().unwrap()["result"];
    assert_eq!(result["runs"], 4, "{result:#}");
    // What was there was not made again.
    let made = objects
        .iter()
        .filter(|one| one["result"]["command"] == "break")
        .count();
    assert!(made < 4, "{made}");
    assert!(left(&scene).is_empty(), "{:?}", left(&scene));
    let said = result["failures"][0]["findings"].to_string();
    assert!(
        said.contains("article-standby never gave the lock back") || !said.contains("lock"),
        "{said}"
    );
}

#[test]
fn what_makes_no_sense_is_told_before_anything_is_built() {
    let program = Program::without_docker();
    for (arguments, code) in [
        (&["jm-stop", "--labs", "default"][..], "labs-wrong"),
        (&["jm-stop", "--labs", "default,default"], "labs-wrong"),
        (&["jm-stop", "--labs", "default,defalt"], "lab-not-found"),
        (&["jm-krash", "--labs", "default,article"], "no-failure"),
        (
            &["standby-stop", "--labs", "default,article"],
            "not-applicable",
        ),
        (
            &["jm-stop", "--labs", "default,article", "--read-only"],
            "read-only",
        ),
        (
            &["jm-stop", "--labs", "default,article", "--lab", "default"],
            "labs-wrong",
        ),
    ] {
        let ended = program.run(&[&["compare"], arguments, &["--json"]].concat());
        assert_eq!(ended.code, 2, "{arguments:?}: {}{}", ended.out, ended.err);
        assert_eq!(
            ended.objects().pop().unwrap()["error"]["code"],
            code,
            "{arguments:?}"
        );
    }
    assert!(!program.home().exists());
}

#[test]
fn a_lab_under_the_name_of_an_instance_is_not_taken_over() {
    let scene = scene(&["default", "fast-failover"]);
    scene.result(&["up", "--name", "compare-default"]);
    let ended = scene.run(&["compare", "jm-crash", "--labs", "default,fast-failover"]);
    assert_eq!(ended.code, 3);
    assert_eq!(
        ended.objects().pop().unwrap()["error"]["code"],
        "name-taken"
    );
    // On a busy machine a lease of the quick simulation may run out for a moment.
    let until = std::time::Instant::now() + PATIENCE;
    let healthy = || {
        scene
            .run(&["status", "--name", "compare-default"])
            .objects()[0]["healthy"]
            == true
    };
    while !healthy() {
        assert!(std::time::Instant::now() < until, "it is not left alone");
    }
}

#[test]
fn labs_are_compared_without_docker() {
    let ended = Program::without_docker().run(&[
        "try",
        "--speed",
        "10",
        "--seed",
        "3",
        "compare",
        "tm-stop",
        "--labs",
        "article,flink-1.20",
        "--times",
        "1",
        "--plain",
    ]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    for said in [
        "SIMULATED",
        "Comparing tm-stop on article (Flink 1.15.2), flink-1.20 (Flink 1.20.5): 2 runs",
        "tm-stop 1/1: PASS",
        "tm-stop: stop a TaskManager",
    ] {
        assert!(ended.out.contains(said), "{said} in {}", ended.out);
    }
}
