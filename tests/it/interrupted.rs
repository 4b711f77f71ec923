//! Ctrl-C where no loop runs.

use super::program::Program;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const AT_ONCE: Duration = Duration::from_secs(15);

/// Whether an `up` of a simulated lab below that folder is done: its last act is to note its times.
fn is_built(temporary: &Path) -> bool {
    let below = std::fs::read_dir(temporary).into_iter().flatten().flatten();
    let mut folders = below.map(|entry| entry.path());
    folders.any(|folder| folder.join("earlier.json").exists())
}

#[test]
fn ctrl_c_ends_try_break_while_it_waits_for_its_moment() {
    let program = Program::without_docker();
    let temporary = tempfile::tempdir().unwrap();
    // so slow that the moment is most of a minute away
    let words = ["try", "--seed", "3", "--speed", "0.05", "break", "jm-stop"];
    let mut child = program
        .command(&words)
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !is_built(temporary.path()) {
        assert!(began.elapsed() < PATIENCE, "the lab is not built");
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let asked = Instant::now();
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break Some(ended);
        }
        if asked.elapsed() > AT_ONCE {
            break None;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    };
    let _ = child.kill();
    let _ = child.wait();
    let ended = ended.expect("Ctrl-C is heard");
    assert_eq!(ended.code(), Some(130));
    assert!(!is_built(temporary.path()), "nothing of it stays");
}
