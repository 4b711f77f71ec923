//! Figures of the terminal UI, measured on the program itself in a pseudo terminal: against the
//! simulation by default, against a lab that runs with `idle`, `soak` and `watched`. Prints what was measured
//! beside what is to be reached; exits with 1 where a figure was missed.
//!
//! ```text
//! cargo bench --bench ui
//! cargo bench --bench ui -- idle --home DIR --name NAME --seconds 60
//! cargo bench --bench ui -- soak --home DIR --name NAME --minutes 30
//! cargo bench --bench ui -- watched --home DIR --name NAME --times 3
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measurement that cannot go on says where

#[path = "ui/pty.rs"]
mod pty;
#[path = "ui/real.rs"]
mod real;
#[path = "ui/watched.rs"]
mod watched;

use flinklab_lab::Lab;
use flinklab_sim::{Options, Sim};
use k8s_openapi::api::core::v1::{Event, ObjectReference};
use kube::api::{Api, ObjectMeta, PostParams};
use pty::{Pty, Settings};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often the quick ones are repeated.
const TIMES: usize = 100;

/// What was measured, and what it may be at the most.
struct Figure {
    what: &'static str,
    is: f64,
    most: f64,
    unit: &'static str,
    more: String,
}

impl Figure {
    fn print(&self) -> bool {
        let met = self.is <= self.most;
        let sign = if met { "ok    " } else { "MISSED" };
        let Self {
            what,
            is,
            most,
            unit,
            more,
        } = self;
        println!("{sign} {what:<38} {is:>9.2} {unit:<4} (at most {most} {unit}) {more}");
        met
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|one| one != "--bench")
        .collect();
    let figures = match arguments.first().map(String::as_str) {
        Some("idle") => real::idle(&arguments[1..]),
        Some("soak") => real::soak(&arguments[1..]),
        Some("watched") => watched::watched(&arguments[1..]),
        _ => simulated(),
    };
    // All are printed before one that is missed ends it.
    let met: Vec<bool> = figures.iter().map(Figure::print).collect();
    if met.contains(&false) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn simulated() -> Vec<Figure> {
    let folder = tempfile::tempdir().unwrap();
    let mut figures = vec![first_frame(folder.path())];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = Lab::open("default").unwrap();
    let options = Options {
        speed: 5.0,
        ..Options::new(lab)
    };
    let sim = runtime.block_on(Sim::start(options)).unwrap();
    let settings = Settings {
        home: folder.path().to_owned(),
        docker: sim.docker_host(),
        name: "flinklab".to_owned(),
    };
    let built = settings.command(&["up"]).output().unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    sim.set_speed(1.0);
    let mut ui = Pty::open(&settings, 120, 40);
    ui.waits("● live");
    figures.push(events(&runtime, &settings, &ui));
    figures.push(flood(&sim, &mut ui));
    sim.api_down();
    ui.waits("API server");
    figures.push(keys("key to screen, API server away, p99", &mut ui));
    drop(ui);
    let _inside = runtime.enter();
    drop(sim);
    figures
}

/// From the start of the process to the first picture, in a terminal without a lab.
fn first_frame(home: &std::path::Path) -> Figure {
    let settings = Settings {
        home: home.join("none"),
        docker: "tcp://127.0.0.1:9".to_owned(),
        name: "flinklab".to_owned(),
    };
    // a terminal begins in its home folder
    std::fs::create_dir_all(&settings.home).unwrap();
    let mut all = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        let ui = Pty::open(&settings, 80, 24);
        ui.waits_for(|screen| screen.alternate_screen() && screen.contents().contains("quit"));
        all.push(began.elapsed());
    }
    figure("start to first frame, p99 of 20", &all, 100.0)
}

/// An object is written to the API server; its watch brings it to the screen.
fn events(runtime: &tokio::runtime::Runtime, settings: &Settings, ui: &Pty) -> Figure {
    let mut all = Vec::new();
    let api: Api<Event> = Api::namespaced(runtime.block_on(settings.client()), "flink");
    for n in 0..TIMES {
        let reason = format!("Bench{n:03}");
        let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::now());
        let event = Event {
            metadata: ObjectMeta {
                name: Some(format!("bench.{n}")),
                namespace: Some("flink".to_owned()),
                ..ObjectMeta::default()
            },
            involved_object: ObjectReference {
                kind: Some("Pod".to_owned()),
                name: Some("flink-x".to_owned()),
                ..ObjectReference::default()
            },
            reason: Some(reason.clone()),
            message: Some("measured".to_owned()),
            type_: Some("Normal".to_owned()),
            first_timestamp: Some(now.clone()),
            last_timestamp: Some(now),
            ..Event::default()
        };
        let began = Instant::now();
        runtime
            .block_on(api.create(&PostParams::default(), &event))
            .unwrap();
        ui.waits(&reason);
        all.push(began.elapsed());
    }
    figure("API event to screen, p99", &all, 50.0)
}

/// A key and what it opens, many times.
fn keys(what: &'static str, ui: &mut Pty) -> Figure {
    let mut all = Vec::new();
    for n in 0..TIMES {
        let began = Instant::now();
        ui.types("?");
        if n % 2 == 0 {
            ui.waits("Signs and words")
        } else {
            ui.waits_for(|screen| !screen.contents().contains("Signs and words"))
        }
        all.push(began.elapsed());
    }
    figure(what, &all, 50.0)
}

/// 100,000 lines at once: the screen lives, and memory stays.
fn flood(sim: &Sim, ui: &mut Pty) -> Figure {
    let before = ui.memory("VmRSS");
    let until = Instant::now() + Duration::from_secs(3);
    sim.kubernetes_log_flood(100_000);
    let slowest = keys("", ui);
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    let grown = ui.memory("VmHWM").saturating_sub(before);
    Figure {
        what: "100,000 log lines, memory grown",
        is: grown as f64 / 1024.0,
        most: 5.0,
        unit: "MB",
        more: format!("keys meanwhile: p99 {:.1} ms", slowest.is),
    }
}

fn figure(what: &'static str, all: &[Duration], most: f64) -> Figure {
    let mut sorted: Vec<f64> = all.iter().map(|one| one.as_secs_f64() * 1000.0).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |part: usize| sorted[(sorted.len() * part / 100).min(sorted.len() - 1)];
    Figure {
        what,
        is: at(99),
        most,
        unit: "ms",
        more: format!("median {:.1}, n={}", at(50), sorted.len()),
    }
}
