//! Against a lab that runs: what the dashboard costs while nothing happens, and whether it stays
//! true and small while its leader is killed every minute.

use super::Figure;
use super::pty::{Pty, Settings};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use std::process::Command;
use std::time::{Duration, Instant};

/// Caches, histories and rings fill first.
const WARM: Duration = Duration::from_secs(15);
/// The same for the soak.
const SETTLED: Duration = Duration::from_secs(600);

/// How long what is shown may differ from what the API server says.
const DRIFT: Duration = Duration::from_secs(2);

pub(super) fn of(arguments: &[String], name: &str, usual: &str) -> String {
    let at = arguments.iter().position(|one| *one == format!("--{name}"));
    at.and_then(|at| arguments.get(at + 1))
        .map_or_else(|| usual.to_owned(), Clone::clone)
}

pub(super) fn settings(arguments: &[String]) -> Settings {
    Settings {
        home: of(arguments, "home", "/nonexistent").into(),
        docker: of(arguments, "docker", "unix:///var/run/docker.sock"),
        name: of(arguments, "name", "flinklab"),
    }
}

/// What 60 s of looking cost.
pub(super) fn idle(arguments: &[String]) -> Vec<Figure> {
    let seconds: u64 = of(arguments, "seconds", "60").parse().unwrap();
    let ui = Pty::open(&settings(arguments), 120, 40);
    ui.waits("HA OK");
    std::thread::sleep(WARM);
    let (cpu, began) = (ui.cpu(), Instant::now());
    std::thread::sleep(Duration::from_secs(seconds));
    let used = (ui.cpu() - cpu).as_secs_f64();
    let part = used / began.elapsed().as_secs_f64() * 100.0;
    vec![
        Figure {
            what: "idle dashboard at 120x40, processor",
            is: part,
            most: 0.25,
            unit: "%",
            more: format!("{used:.3} s in {seconds} s"),
        },
        Figure {
            what: "idle dashboard, peak memory",
            is: ui.memory("VmHWM") as f64 / 1024.0,
            most: 25.0,
            unit: "MB",
            more: String::new(),
        },
    ]
}

/// Kills the leader every minute and compares what is shown with what Kubernetes says. With
/// `--by-others` it only looks: somebody else breaks this lab meanwhile.
pub(super) fn soak(arguments: &[String]) -> Vec<Figure> {
    let minutes: u64 = of(arguments, "minutes", "30").parse().unwrap();
    let settings = settings(arguments);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pods: Api<Pod> = Api::namespaced(runtime.block_on(settings.client()), "flink");
    let ui = Pty::open(&settings, 120, 40);
    ui.waits("HA OK");
    let began = Instant::now();
    let by_others = arguments.iter().any(|one| one == "--by-others");
    let (mut settled, mut most, mut drift, mut blind) = (None, 0, 0, 0);
    for minute in 1..=minutes {
        if !by_others {
            kill_leader(&settings);
        }
        while began.elapsed() < Duration::from_secs(60 * minute) {
            std::thread::sleep(Duration::from_millis(200));
        }
        let memory = ui.memory("VmRSS");
        if began.elapsed() >= SETTLED.min(Duration::from_secs(30 * minutes)) {
            settled.get_or_insert(memory);
            most = most.max(memory);
        }
        let drifted = Instant::now();
        let (screen, wrong) = loop {
            let all = runtime.block_on(pods.list(&ListParams::default()));
            let screen = ui.text();
            let wrong: Vec<String> = match &all {
                Ok(all) => all.iter().filter_map(|pod| missing(pod, &screen)).collect(),
                Err(error) => vec![format!("the API server: {error}")],
            };
            // a pod may change between the two looks
            if wrong.is_empty() || drifted.elapsed() > DRIFT {
                break (screen, wrong);
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        if !wrong.is_empty() {
            drift += 1;
            println!("minute {minute}: {wrong:?}\n{screen}");
        }
        if !screen.contains("API ● live") {
            blind += 1;
            println!("minute {minute}: not live\n{screen}");
        }
        println!(
            "minute {minute}: {memory} kB, {}",
            screen.lines().next().unwrap_or_default()
        );
    }
    let grown = most.saturating_sub(settled.unwrap_or(0));
    vec![
        Figure {
            what: "soak, memory grown after the start",
            is: grown as f64 / 1024.0,
            most: 5.0,
            unit: "MB",
            more: format!("{minutes} minutes, peak {} kB", ui.memory("VmHWM")),
        },
        Figure {
            what: "soak, minutes with another truth",
            is: f64::from(drift),
            most: 0.0,
            unit: "",
            more: "restarts and pods against the API server".to_owned(),
        },
        Figure {
            what: "soak, minutes without a live watch",
            is: f64::from(blind),
            most: 0.0,
            unit: "",
            more: String::new(),
        },
    ]
}

/// What of a pod the screen does not show.
fn missing(pod: &Pod, screen: &str) -> Option<String> {
    let name = pod.metadata.name.as_deref()?;
    let tail = name.rsplit('-').next()?;
    let status = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
    let restarts = status.restart_count.to_string();
    let row = screen
        .lines()
        .find(|line| line.contains(tail) && (line.contains(" JM ") || line.contains(" TM ")));
    let shown = row.is_some_and(|row| row.split_whitespace().any(|word| word == restarts));
    (!shown).then(|| format!("{name} with {restarts} restarts"))
}

/// SIGKILL from the node, by hand.
pub(super) fn kill_leader(settings: &Settings) {
    let told = settings.command(&["status", "--json"]).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap_or_default();
    let Some(pod) = status["leader"]["pod"].as_str() else {
        println!("no leader to kill: {status}");
        return;
    };
    let script = "c=$(crictl ps -q --label io.kubernetes.pod.name=$1 | head -1); \
                  kill -9 $(crictl inspect -o go-template --template '{{.info.pid}}' $c)";
    let node = format!("{}-control-plane", settings.name);
    let done = Command::new("docker")
        .args([
            "-H",
            &settings.docker,
            "exec",
            &node,
            "sh",
            "-c",
            script,
            "kill-leader",
            pod,
        ])
        .status();
    if !done.is_ok_and(|done| done.success()) {
        println!("could not kill {pod}");
    }
}
