//! A real lab for a bench: the program as a user runs it, the node as Docker shows it. Only with
//! FLINKLAB_REAL=1. The lab is removed whatever happens, unless it ran before: FLINKLAB_HOME and
//! FLINKLAB_NAME lend one to a bench.

#![allow(dead_code)] // each bench uses its part

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// How long a lab may take until it is healthy again.
pub(crate) const HEALTH: Duration = Duration::from_secs(240);

/// Whether a real Docker may be used.
pub(crate) fn asked() -> bool {
    let asked = std::env::var_os("FLINKLAB_REAL").is_some_and(|value| value == "1");
    if !asked {
        println!("did nothing: set FLINKLAB_REAL=1 to measure on the real Docker");
    }
    asked
}

/// A number from the environment.
pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} must be a number, not {text}"))
    })
}

/// The definition that is measured: FLINKLAB_LAB, a built-in one or a folder.
pub(crate) fn definition() -> String {
    std::env::var("FLINKLAB_LAB").unwrap_or_else(|_| "default".to_owned())
}

/// A lab of its own.
pub(crate) struct Lab {
    name: String,
    home: PathBuf,
    /// The folder goes with the lab unless the user named it.
    keep: bool,
    /// It ran before: it goes on afterwards.
    lent: bool,
}

impl Lab {
    /// Builds it.
    pub(crate) fn up(name: &str) -> Self {
        let given = std::env::var_os("FLINKLAB_HOME").filter(|home| !home.is_empty());
        let keep = given.is_some();
        let home = given.map_or_else(
            || std::env::temp_dir().join(format!("flinklab-bench-{}", std::process::id())),
            PathBuf::from,
        );
        let mut lab = Self {
            name: std::env::var("FLINKLAB_NAME").unwrap_or_else(|_| name.to_owned()),
            home,
            keep,
            lent: false,
        };
        let definition = definition();
        let up = lab.objects(&["up", "--lab", &definition]);
        let result = &up.last().expect("up says something")["result"];
        assert_eq!(result["outcome"], "ready", "{up:?}");
        lab.lent = result["changed"] == false;
        lab
    }

    /// The instance's folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.home.join(&self.name)
    }

    /// The node container.
    pub(crate) fn node(&self) -> String {
        format!("{}-control-plane", self.name)
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_flinklab"))
            .args(arguments)
            .args(["--name", &self.name])
            .env("FLINKLAB_HOME", &self.home)
            .output()
            .expect("the program starts")
    }

    /// Runs the program and reads its objects.
    pub(crate) fn objects(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[arguments, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect()
    }

    /// A script in the node: what it printed.
    pub(crate) fn in_node(&self, script: &str) -> String {
        let output = Command::new("docker")
            .args(["exec", &self.node(), "sh", "-c", script])
            .output()
            .expect("docker starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// One look.
    pub(crate) fn status(&self) -> Value {
        self.objects(&["status"]).pop().unwrap_or_default()
    }

    /// Waits until it is healthy; how long that took.
    pub(crate) fn healthy(&self) -> Result<Duration, String> {
        let began = Instant::now();
        while began.elapsed() < HEALTH {
            if self.status()["healthy"] == true {
                return Ok(began.elapsed());
            }
        }
        Err(format!(
            "not healthy after {} s: {}",
            HEALTH.as_secs(),
            self.status()
        ))
    }

    /// A finished run as it was kept.
    pub(crate) fn newest_run(&self) -> Option<Value> {
        let runs = std::fs::read_dir(self.folder().join("runs")).ok()?;
        let mut names: Vec<PathBuf> = runs.filter_map(|entry| Some(entry.ok()?.path())).collect();
        names.sort();
        let text = std::fs::read_to_string(names.pop()?.join("result.json")).ok()?;
        serde_json::from_str(&text).ok()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.lent {
            return;
        }
        self.run(&["down", "--purge", "--yes"]);
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.home);
        }
    }
}
