//! `kill -9` at every step of `up` on the real Docker, only with FLINKLAB_REAL=1: the next `up` goes
//! on, the last one finishes, nothing is doubled. Takes minutes; cleans up after itself.

use crate::program::Program;
use crate::real::{asked, docker, nodes_of};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The instance's name.
const NAME: &str = "flinklab-kill-test";
/// Steps with the moment in them at which the process is killed: a moment after it was told.
const KILLS: [(&str, u64); 11] = [
    ("docker", 0),
    ("node-image", 0),
    ("folder", 0),
    // Docker still makes the container when its client is gone.
    ("node", 300),
    ("node", 2500),
    ("kubernetes", 1000),
    ("images", 4000),
    ("kubernetes", 0),
    ("flink", 1500),
    ("job", 1500),
    ("checkpoint", 100),
];
/// How long a step may take to come.
const COMES: Duration = Duration::from_secs(300);

/// A lab that is removed whatever happens to the test.
struct Lab(Program);

impl Drop for Lab {
    fn drop(&mut self) {
        let gone = self
            .0
            .run(&["down", "--purge", "--yes", "--json", "--name", NAME]);
        eprintln!("down → {}\n{}{}", gone.code, gone.out, gone.err);
    }
}

/// Starts `up` and kills it a moment after a step began. False: it came to its end before.
fn killed(program: &Program, step: &str, after: Duration) -> bool {
    let mut up = program
        .command(&["up", "--json", "--name", NAME])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (lines, told) = std::sync::mpsc::channel();
    let out = BufReader::new(up.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
    let until = Instant::now() + COMES;
    let came = loop {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(line) = told.recv_timeout(left) else {
            break false;
        };
        let event: Value = serde_json::from_str(&line).unwrap();
        assert!(event["error"].is_null(), "{step}: {line}");
        if event["step"]["name"] == step && event["step"]["state"] == "running" {
            break true;
        }
        if !event["result"].is_null() {
            break false;
        }
    };
    if came {
        // The one place where a time is meant: somewhere inside the step.
        let inside = Instant::now() + after;
        while Instant::now() < inside && up.try_wait().unwrap().is_none() {
            let left = inside.saturating_duration_since(Instant::now());
            let _ = told.recv_timeout(left);
        }
    }
    up.kill().unwrap();
    up.wait().unwrap();
    reader.join().unwrap();
    came
}

#[test]
fn killed_at_each_step_the_next_up_finishes() {
    if !asked() {
        return;
    }
    let lab = Lab(Program::with_real_docker());
    for (step, after) in KILLS {
        let came = killed(&lab.0, step, Duration::from_millis(after));
        eprintln!(
            "{step} after {after} ms: {}",
            if came { "killed" } else { "was over" }
        );
        assert!(came, "{step} was never reached");
    }
    let up = lab.0.run(&["up", "--json", "--name", NAME]);
    assert_eq!(up.code, 0, "{}{}", up.out, up.err);
    assert_eq!(nodes_of(NAME), [format!("{NAME}-control-plane")]);
    let state = std::fs::read_to_string(lab.0.home().join(NAME).join("lab.json")).unwrap();
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!(
        state["jobs"].as_array().unwrap().len(),
        1,
        "one history: {}",
        state["jobs"]
    );
    let id = state["id"].as_str().unwrap();
    let readers = format!("label=flinklab.reader={id}");
    assert!(
        docker(&["ps", "-aq", "--filter", &readers]).is_empty(),
        "no reader is left"
    );
    let status = lab.0.run(&["status", "--json", "--name", NAME]);
    let status = &status.objects()[0];
    assert_eq!(status["job"]["id"], state["jobs"][0]["id"]);
    assert_eq!(status["job"]["tasks"]["running"], 4, "{status}");
}
