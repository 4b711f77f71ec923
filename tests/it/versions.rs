//! The same failures on the versions of Flink that people run: what the program says must be right
//! on each, and must tell what differs.

use crate::scenarios::{SPEED, Scene, breaks_in, lab_with_short_failures, statement};
use flinklab_lab::Lab;
use flinklab_lab::failure::{CATALOGUE, find};
use flinklab_sim::{CleanStop, Images};
use serde_json::Value;

/// Builds a lab, breaks it in each of these ways, and removes it.
fn walk(lab: &str, keys: &[&str]) -> Vec<Value> {
    let scene = Scene::of(Lab::open(lab).unwrap(), SPEED, Images::Present);
    let folder = tempfile::tempdir().unwrap();
    lab_with_short_failures(lab, folder.path());
    scene.result(&["up", "--lab", folder.path().to_str().unwrap()]);
    let results = keys
        .iter()
        .map(|key| breaks_in(&scene, find(key).unwrap()))
        .collect();
    let down = scene.result(&["down", "--purge", "--yes"]);
    assert_eq!(down["outcome"], "gone", "{down:#}");
    results
}

#[test]
fn article_leaders_that_end() {
    walk(
        "article-standby",
        &["jm-stop", "jm-crash", "jm-delete", "standby-stop"],
    );
}

#[test]
fn article_task_managers_that_end() {
    walk("article-standby", &["tm-stop", "tm-crash", "tm-delete"]);
}

#[test]
fn article_failures_that_last() {
    walk(
        "article-standby",
        &["jm-freeze", "jm-partition", "scale-to-zero"],
    );
}

#[test]
fn article_failures_of_all() {
    walk(
        "article-standby",
        &["all-jm-crash", "checkpoint-unwritable", "tm-freeze"],
    );
}

#[test]
fn article_with_its_one_job_manager() {
    walk("article", &["jm-stop", "tm-stop", "jm-delete"]);
}

#[test]
fn flink_1_20_leaders_that_end() {
    walk(
        "flink-1.20",
        &["jm-stop", "jm-crash", "jm-delete", "rbac-loss"],
    );
}

#[test]
fn flink_1_20_task_managers_and_the_api_server() {
    walk("flink-1.20", &["tm-crash", "tm-delete", "api-outage"]);
}

#[test]
fn what_a_lab_cannot_have_is_said_with_the_reason() {
    let scene = Scene::of(Lab::open("article").unwrap(), SPEED, Images::Present);
    let listed = scene.run(&["failures", "--lab", "article"]).objects();
    assert_eq!(listed.len(), CATALOGUE.len());
    let why = |key: &str| {
        let one = listed.iter().find(|one| one["key"] == key).unwrap();
        assert_eq!(one["applicable"], false, "{one:#}");
        one["reason"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(
        why("standby-stop"),
        "it has one JobManager, so there is no standby"
    );
    assert_eq!(
        why("rbac-loss"),
        "its Flink renews the lease with an update, not a patch"
    );
    // In the order in which the article tries them.
    let first: Vec<&str> = listed
        .iter()
        .take(3)
        .filter_map(|one| one["key"].as_str())
        .collect();
    assert_eq!(first, ["jm-stop", "tm-stop", "jm-delete"]);
}

/// How long nobody led: from the break to the new epoch, in seconds of a real lab.
fn leaderless(result: &Value) -> f64 {
    let phases = result["phases"].as_array().unwrap();
    let epoch = phases.iter().find(|phase| phase["name"] == "new-epoch");
    epoch.and_then(|phase| phase["ms"].as_f64()).unwrap() * SPEED / 1e3
}

/// A clean stop with the lock given back is over in seconds where Flink gives it back, and costs
/// the whole lease where it does not; a short lease is over sooner.
#[test]
fn a_clean_stop_costs_what_the_version_and_the_lease_make_it_cost() {
    let stop = |lab: &str| {
        let scene = Scene::of(Lab::open(lab).unwrap(), SPEED, Images::Present);
        scene.sim().clean_stops(Some(CleanStop::Released));
        scene.result(&["up", "--lab", lab]);
        let result = scene.result(&["break", "jm-stop"]);
        assert_eq!(statement(&result, "leadership")["verdict"], "PASS");
        leaderless(&result)
    };
    let (new, old) = (stop("flink-1.20"), stop("article-standby"));
    assert!(new < 9.0, "1.20 gives the lock back: {new}");
    assert!((9.0..30.0).contains(&old), "1.15 does not: {old}");
}

#[test]
fn a_shorter_lease_is_over_sooner() {
    let crash = |lab: &str| {
        let scene = Scene::of(Lab::open(lab).unwrap(), SPEED, Images::Present);
        scene.result(&["up", "--lab", lab]);
        leaderless(&scene.result(&["break", "jm-crash"]))
    };
    let (fast, usual) = (crash("fast-failover"), crash("default"));
    // A busy machine adds to both.
    assert!(fast + 4.0 < usual && usual > 9.0, "{fast} and {usual}");
}
