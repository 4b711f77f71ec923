//! The real binary in a sealed environment: no variable of the machine reaches it, and its home
//! is a folder of the test.

use flinklab_base::clock::Clock;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// One home, any number of runs.
pub(crate) struct Program {
    home: TempDir,
    docker: String,
    clock: Option<Clock>,
}

/// What a run left behind.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Program {
    /// A program that finds no Docker.
    pub(crate) fn without_docker() -> Self {
        // Port 9 (discard) on loopback: nobody listens there.
        Self::with_docker("tcp://127.0.0.1:9")
    }

    /// A program that finds the Docker of this machine.
    pub(crate) fn with_real_docker() -> Self {
        let host = std::env::var("DOCKER_HOST");
        Self::with_docker(host.as_deref().unwrap_or("unix:///var/run/docker.sock"))
    }

    /// A program that finds Docker there.
    pub(crate) fn with_docker(docker: &str) -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            docker: docker.to_owned(),
            clock: None,
        }
    }

    /// The same, living by that clock.
    pub(crate) fn by(self, clock: Clock) -> Self {
        Self {
            clock: Some(clock),
            ..self
        }
    }

    /// The folder that holds one folder an instance.
    pub(crate) fn home(&self) -> PathBuf {
        self.home.path().join("flinklab")
    }

    /// The user's home folder, as the program sees it.
    pub(crate) fn user_home(&self) -> &Path {
        self.home.path()
    }

    /// The command, ready to be given more.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flinklab"));
        command
            .args(arguments)
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("FLINKLAB_HOME", self.home())
            .env("DOCKER_HOST", &self.docker)
            .env("PATH", "/nonexistent")
            .env("TERM", "xterm-256color")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        if let Some(clock) = self.clock {
            command.env("FLINKLAB_CLOCK", clock.to_string());
        }
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(arguments).output().unwrap();
        Ended {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Every line as an object.
    pub(crate) fn objects(&self) -> Vec<serde_json::Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect()
    }
}
