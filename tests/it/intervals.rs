//! Labs whose checkpoints come every minute, or every ten: `up` waits for the first one, a run for
//! the next one, and both say so. Nothing of that is held against the job.

use crate::scenarios::{Scene, statement};
use flinklab_base::clock::Clock;
use flinklab_lab::Lab;
use flinklab_sim::Images;
use serde_json::Value;
use std::path::Path;

/// How much faster than the wall clock lab and program live. The lab itself has its usual speed, so
/// that its intervals stand to the budgets as in life. Not more: 10 s in which nothing happens are a
/// machine that slept, and a busy one may well stand still for a third of a second.
const RATE: f64 = 10.0;

/// A folder with the default lab, whose job takes its interval from the options.
fn write_lab(folder: &Path, interval: &str) {
    let words = format!(
        "name: seldom\nbase: default\noptions: {{execution.checkpointing.interval: {interval}}}\n\
         job:\n  image: flink:2.3.0-scala_2.12-java17\n  \
         jar: /opt/flink/examples/streaming/StateMachineExample.jar\n  class: org.example.Seldom\n  \
         arguments: []\n  parallelism: 2\n"
    );
    std::fs::write(folder.join("lab.yaml"), words).unwrap();
}

/// Builds such a lab and stops a standby in it. Almost all of it is waiting for a checkpoint.
fn control_experiment(interval: &str, every_ms: u64) {
    let folder = tempfile::tempdir().unwrap();
    write_lab(folder.path(), interval);
    let path = folder.path().to_str().unwrap();
    let clock = Clock::at_rate(RATE);
    let scene = Scene::by(
        clock,
        Lab::open(path).unwrap(),
        Vec::new(),
        1.0,
        Images::Present,
    );
    let up = scene.run(&["up", "--lab", path]);
    assert_eq!(up.code, 0);

    let ended = scene.run(&["break", "standby-stop"]);
    let objects = ended.objects();
    let waiting: Vec<&Value> = objects.iter().map(|one| &one["waiting"]).collect();
    let waiting = waiting.into_iter().find(|one| !one.is_null()).unwrap();
    assert_eq!(waiting["for"], "next-checkpoint");
    assert_eq!(waiting["every_ms"], every_ms);
    let says = waiting["says"].as_str().unwrap();
    assert!(says.contains(&format!("every {interval}, by ")), "{says}");

    let result = &objects.last().unwrap()["result"];
    assert_eq!(result["verdict"], "PASS", "{result:#}");
    let in_time = statement(result, "in-time")["evidence"].as_str().unwrap();
    assert!(in_time.contains("all tasks ran on"), "{in_time}");
    assert!(
        in_time.contains(&format!("(every {interval})")),
        "{in_time}"
    );
    assert_eq!(ended.code, 0);
}

#[test]
fn a_standby_is_stopped_beside_a_job_with_a_checkpoint_a_minute() {
    control_experiment("60 s", 60_000);
}

#[test]
fn a_standby_is_stopped_beside_a_job_with_a_checkpoint_every_ten_minutes() {
    control_experiment("10 min", 600_000);
}

#[test]
fn a_lab_says_what_follows_from_its_interval() {
    let check = |interval: &str| {
        let folder = tempfile::tempdir().unwrap();
        write_lab(folder.path(), interval);
        let program = crate::program::Program::without_docker();
        let ended = program.run(&["lab", "check", folder.path().to_str().unwrap()]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.out
    };
    assert!(!check("5 s").contains("Note:"));
    let minute = check("60 s");
    assert!(
        minute.contains("Note: Checkpoints come every 60 s"),
        "{minute}"
    );
    assert!(
        minute.contains("`checkpoint-unwritable` lasts 70 s here, not 20 s"),
        "{minute}"
    );
    assert!(!minute.contains("INCONCLUSIVE"), "{minute}");
    let ten = check("10 min");
    assert!(ten.contains("the run is INCONCLUSIVE"), "{ten}");
}
