//! How exact the phases are: each against a stamp that flinklab did not use. Ten runs each of
//! `jm-crash` and `tm-stop` on a real cluster.
//!
//! | phase | ours | against |
//! | --- | --- | --- |
//! | process | our wait on the process in the node | the runtime's `finishedAt` |
//! | epoch | watch event of the first key with the new session id | the API server's audit of that write |
//! | restore | REST's `restore_timestamp` | the log's stamp of the restore |
//! | checkpoint | watch event of the pointer | the API server's audit of that write |
//!
//! Flink's log tells of both writes too, but at other moments: it says that leadership was granted
//! before it writes its address, and that a checkpoint is complete after the pointer is stored and
//! the older checkpoints are let go. How far these lines are off is printed beside, without a
//! limit: it is Flink's own distance, not an error of ours.
//!
//! `FLINKLAB_REAL=1 cargo bench --bench phases`; FLINKLAB_RUNS sets how many of each.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod audit;
mod real;

use audit::Audit;
use jiff::Timestamp;
use real::Lab;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// What nine in ten may be off, in milliseconds.
const LIMITS: [(&str, i64); 4] = [
    ("process", 50),
    ("epoch", 150),
    ("restore", 50),
    ("checkpoint", 50),
];

/// Flink's own lines about the same, without a limit.
const BESIDE: [(&str, &str); 3] = [
    ("jm-crash", "epoch, log"),
    ("jm-crash", "checkpoint, log"),
    ("tm-stop", "checkpoint, log"),
];

/// What every run must have been compared in: a figure of the few that could be is none.
const EXPECTED: [(&str, &str); 7] = [
    ("jm-crash", "process"),
    ("jm-crash", "epoch"),
    ("jm-crash", "restore"),
    ("jm-crash", "checkpoint"),
    ("tm-stop", "process"),
    ("tm-stop", "restore"),
    ("tm-stop", "checkpoint"),
];

fn main() -> ExitCode {
    if !real::asked() {
        return ExitCode::SUCCESS;
    }
    let runs = real::number("FLINKLAB_RUNS", 10);
    let lab = Lab::up("flinklab-bench-phases");
    let audit = match Audit::begin(&lab) {
        Ok(audit) => audit,
        Err(why) => {
            println!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let mut off: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
    for n in 1..=runs {
        for key in ["jm-crash", "tm-stop"] {
            if let Err(why) = lab.healthy() {
                println!("{why}");
                return ExitCode::FAILURE;
            }
            let output = lab.run(&["break", key]);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let Some(result) = lab.newest_run().filter(|result| result["failure"] == key) else {
                println!(
                    "{key} {n}: no result: {said}{}",
                    String::from_utf8_lossy(&output.stderr)
                );
                continue;
            };
            let found = compared(&lab, &audit, &result, &said);
            let words: Vec<String> = found
                .iter()
                .map(|(phase, ms)| format!("{phase} {ms:+} ms"))
                .collect();
            println!("{key} {n}: {} · {}", result["verdict"], words.join(", "));
            for (phase, ms) in found {
                off.entry((key, phase)).or_default().push(ms);
            }
        }
    }
    conclude(&off, usize::try_from(runs).unwrap())
}

/// How far each phase is off its independent stamp, in milliseconds.
fn compared(lab: &Lab, audit: &Audit, result: &Value, said: &str) -> Vec<(&'static str, i64)> {
    let mut found = Vec::new();
    let mut add = |phase, ours: Option<Timestamp>, other: Option<Timestamp>| {
        if let (Some(ours), Some(other)) = (ours, other) {
            let ms = ours.duration_since(other).as_millis();
            found.push((phase, i64::try_from(ms).unwrap()));
        }
    };
    add("process", waited(result, said), finished(lab, result));
    let phase = |name: &str| {
        let all = result["phases"].as_array().unwrap();
        let found = all.iter().find(|phase| phase["name"] == name)?;
        found["at"].as_str()?.parse::<Timestamp>().ok()
    };
    let leaders = result["record"]["leaders"].as_array().unwrap();
    if let (Some(at), Some(led)) = (phase("new-epoch"), leaders.get(1)) {
        let epoch = led["epoch"].as_str().unwrap();
        add("epoch", Some(at), audit.first_with(lab, epoch));
        let granted = logged(lab, &format!("granted leadership.*{epoch}"), at);
        add("epoch, log", Some(at), granted);
    }
    if let (Some(at), Some(restored)) = (
        phase("job-recovered"),
        result["record"]["restores"]
            .as_array()
            .and_then(|all| all.last()),
    ) {
        let words = format!("Restoring job .* from Checkpoint {} ", restored[0]);
        add("restore", Some(at), logged(lab, &words, at));
    }
    if let Some(at) = phase("next-checkpoint") {
        let beats = result["record"]["checkpoints"].as_array().unwrap();
        let same =
            |beat: &&Value| beat["at"].as_str().and_then(|text| text.parse().ok()) == Some(at);
        if let Some(beat) = beats.iter().find(same) {
            let id = beat["id"].as_u64().unwrap();
            let key = format!("checkpointID-{id:019}");
            add("checkpoint", Some(at), audit.first_with(lab, &key));
            let words = format!("Completed checkpoint {id} for job");
            add("checkpoint, log", Some(at), logged(lab, &words, at));
        }
    }
    found
}

/// The moment that our own wait in the node told first, before the runtime was asked.
fn waited(result: &Value, said: &str) -> Option<Timestamp> {
    let line = said
        .lines()
        .find(|line| line.starts_with("process gone at "))?;
    let clock = line.split_whitespace().nth(3)?;
    let day = result["at"].as_str()?.split('T').next()?;
    format!("{day}T{clock}Z").parse().ok()
}

/// The runtime's own stamp of the end of the container.
fn finished(lab: &Lab, result: &Value) -> Option<Timestamp> {
    let container = result["target"]["container"].as_str()?;
    let told: Value =
        serde_json::from_str(&lab.in_node(&format!("crictl inspect {container}"))).ok()?;
    match &told["status"]["finishedAt"] {
        Value::String(text) => match text.parse::<i128>() {
            Ok(nanoseconds) => Timestamp::from_nanosecond(nanoseconds).ok(),
            Err(_) => text.parse().ok(),
        },
        _ => None,
    }
}

/// The runtime's stamp of the log line nearest to a moment, of all of Flink's pods.
fn logged(lab: &Lab, words: &str, near: Timestamp) -> Option<Timestamp> {
    let script = format!("grep -h '{words}' /var/log/pods/flink_*/*/*.log | cut -d' ' -f1");
    let lines = lab.in_node(&script);
    lines
        .lines()
        .filter_map(|line| line.parse::<Timestamp>().ok())
        .min_by_key(|at| at.duration_since(near).abs())
}

fn conclude(off: &BTreeMap<(&str, &str), Vec<i64>>, runs: usize) -> ExitCode {
    println!(
        "\n{:<10} {:<16} {:>3} {:>8} {:>8} {:>8}  limit",
        "failure", "phase", "n", "median", "p90", "max"
    );
    let mut good = true;
    for (key, phase) in EXPECTED {
        let all = off.get(&(key, phase)).map_or(&[][..], Vec::as_slice);
        let Some(spread) = flinklab_model::spread(all.iter().map(|ms| ms.abs())) else {
            println!("{key:<10} {phase:<16}   0 of {runs} MISSING");
            good = false;
            continue;
        };
        let limit = LIMITS
            .iter()
            .find(|(name, _)| *name == phase)
            .map_or(0, |(_, limit)| *limit);
        let within = spread.p90 <= limit;
        good &= within && spread.n == runs;
        println!(
            "{key:<10} {phase:<16} {:>3} {:>5} ms {:>5} ms {:>5} ms  {limit} ms {}",
            spread.n,
            spread.median,
            spread.p90,
            spread.max,
            match (within, spread.n == runs) {
                (true, true) => "ok".to_owned(),
                (false, _) => "EXCEEDED".to_owned(),
                (true, false) => format!("MISSING {} of {runs}", runs - spread.n.min(runs)),
            }
        );
    }
    for (key, phase) in BESIDE {
        let all = off.get(&(key, phase)).map_or(&[][..], Vec::as_slice);
        if let Some(spread) = flinklab_model::spread(all.iter().map(|ms| ms.abs())) {
            println!(
                "{key:<10} {phase:<16} {:>3} {:>5} ms {:>5} ms {:>5} ms  no limit",
                spread.n, spread.median, spread.p90, spread.max
            );
        }
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
