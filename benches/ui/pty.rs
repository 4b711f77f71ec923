//! The program in a pseudo terminal, its screen, and what the operating system says of it.

use kube::config::{KubeConfigOptions, Kubeconfig};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the program is started.
pub(super) struct Settings {
    pub(super) home: PathBuf,
    pub(super) docker: String,
    pub(super) name: String,
}

impl Settings {
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flinklab"));
        command
            .args(["--name", &self.name])
            .args(arguments)
            .env_clear()
            .env("HOME", &self.home)
            .env("FLINKLAB_HOME", &self.home)
            .env("TERM", "xterm-256color")
            .env("DOCKER_HOST", &self.docker);
        command
    }

    /// A client of the lab's API server.
    pub(super) async fn client(&self) -> kube::Client {
        let file = self.home.join(&self.name).join("kubeconfig");
        let text = std::fs::read_to_string(file).unwrap();
        let kubeconfig = Kubeconfig::from_yaml(&text).unwrap();
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
        kube::Client::try_from(config.unwrap()).unwrap()
    }
}

/// The program in a terminal.
pub(super) struct Pty {
    input: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<(Mutex<vt100::Parser>, Condvar)>,
    _master: Box<dyn MasterPty + Send>,
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pty {
    pub(super) fn open(settings: &Settings, columns: u16, rows: u16) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let sealed = settings.command(&[]);
        let mut command = CommandBuilder::new(sealed.get_program());
        command.env_clear();
        command.args(sealed.get_args());
        for (name, value) in sealed.get_envs() {
            command.env(name, value.unwrap());
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let cells = |number| NonZero::new(number).unwrap();
        let parser = vt100::Parser::new(cells(rows), cells(columns), 0);
        let screen = Arc::new((Mutex::new(parser), Condvar::new()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let seen = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 16384];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                seen.0.lock().unwrap().process(&bytes[..count]);
                seen.1.notify_all();
            }
        });
        Self {
            input: pair.master.take_writer().unwrap(),
            child,
            screen,
            _master: pair.master,
        }
    }

    pub(super) fn waits(&self, text: &str) {
        self.waits_for(|screen| screen.contents().contains(text));
    }

    pub(super) fn waits_for(&self, wanted: impl Fn(&vt100::Screen) -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut parser = self.screen.0.lock().unwrap();
        while !wanted(parser.screen()) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "never seen:\n{}",
                parser.screen().contents()
            );
            parser = self.screen.1.wait_timeout(parser, left).unwrap().0;
        }
    }

    pub(super) fn text(&self) -> String {
        self.screen.0.lock().unwrap().screen().contents()
    }

    pub(super) fn types(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// Kilobytes, by a name of `/proc/PID/status`.
    pub(super) fn memory(&self, name: &str) -> u64 {
        let pid = self.child.process_id().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Processor time so far, of all threads.
    pub(super) fn cpu(&self) -> Duration {
        let pid = self.child.process_id().unwrap();
        let mut all = 0;
        for thread in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            // Nanoseconds on a processor come first.
            let text = std::fs::read_to_string(thread.unwrap().path().join("schedstat"));
            let text = text.unwrap_or_default();
            let first = text.split_whitespace().next();
            all += first.and_then(|one| one.parse::<u64>().ok()).unwrap_or(0);
        }
        Duration::from_nanos(all)
    }
}
