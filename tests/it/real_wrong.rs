//! What cannot work, on the real Docker, only with FLINKLAB_REAL=1. Found before anything is
//! started: exit 2 or 3, and neither a container nor a folder is left. Found on the way: what was
//! made is kept, the failing part's last lines are shown, `up` finishes once the cause is gone.

use crate::program::{Ended, Program};
use crate::real::{asked, nodes_of};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The instance's name.
const NAME: &str = "flinklab-wrong-test";

/// A lab that is removed whatever happens to the test, and the folder that defines it.
struct Lab {
    program: Program,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let lab = Self {
            program: Program::with_real_docker(),
            folder: tempfile::tempdir().unwrap(),
        };
        lab.restore();
        lab
    }

    /// The definition as it is built in.
    fn restore(&self) {
        for (name, text) in flinklab_lab::Lab::open("default").unwrap().files {
            std::fs::write(self.file(&name), text).unwrap();
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One change to one of its files.
    fn change(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.file(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        std::fs::write(self.file(file), text.replacen(from, to, 1)).unwrap();
    }

    fn up(&self, more: &[&str]) -> Ended {
        self.up_of(&self.program, more)
    }

    fn up_of(&self, program: &Program, more: &[&str]) -> Ended {
        let folder = self.folder.path().display().to_string();
        let mut all = vec!["up", "--json", "--name", NAME, "--lab", &folder];
        all.extend(more);
        program.run(&all)
    }

    fn down(&self) -> Ended {
        let all = ["down", "--purge", "--yes", "--json", "--name", NAME];
        self.program.run(&all)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let gone = self.down();
        eprintln!("down → {}\n{}{}", gone.code, gone.out, gone.err);
    }
}

/// The error that a run ended with.
fn error(ended: &Ended) -> Value {
    let last = ended.objects().pop().expect("something was said");
    assert!(last["error"].is_object(), "{}{}", ended.out, ended.err);
    last["error"].clone()
}

/// What was found before anything was started leaves nothing behind. A wrong file has no word of
/// its own.
fn found_before(what: &str, ended: &Ended, home: &Path, code: i32, word: &str) {
    let error = error(ended);
    eprintln!("{what} → exit {}: {error:#}", ended.code);
    assert_eq!(ended.code, code, "{what}");
    if !word.is_empty() {
        assert_eq!(error["code"], word, "{what}");
        assert!(error["hint"].as_str() > Some(""), "{what}: no way out");
    }
    assert_eq!(nodes_of(NAME), [""; 0], "{what}");
    assert!(!home.join(NAME).exists(), "{what}: a folder is left");
}

#[test]
fn what_is_wrong_is_found_before_anything_is_started() {
    if !asked() {
        return;
    }
    let lab = Lab::new();
    let home = lab.program.home();
    // Files: with file, line and column.
    for (file, from, to) in [
        ("lab.yaml", "\nflink:\n", "\nflnk: 1\nflink:\n"),
        ("kind.yaml", "\nnodes:", "\nnods: []\nnodes:"),
        ("10-namespace.yaml", "kind: Namespace", "kind: Namespaze"),
    ] {
        lab.change(file, from, to);
        let ended = lab.up(&[]);
        found_before(&format!("{file}: {to:?}"), &ended, &home, 2, "");
        let error = error(&ended);
        assert!(error["file"].as_str().unwrap().ends_with(file), "{error}");
        assert!(error["line"].as_u64() > Some(0), "{error}");
        assert!(error["column"].as_u64() > Some(0), "{error}");
        lab.restore();
    }
    std::fs::remove_file(lab.file("20-access.yaml")).unwrap();
    found_before("a missing manifest", &lab.up(&[]), &home, 2, "");
    lab.restore();

    // Docker: stopped, and taking calls without ever answering.
    let stopped = Program::without_docker();
    let ended = lab.up_of(&stopped, &[]);
    found_before(
        "Docker stopped",
        &ended,
        &stopped.home(),
        3,
        "docker-unreachable",
    );
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging = Program::with_docker(&format!("tcp://{}", silent.local_addr().unwrap()));
    let ended = lab.up_of(&hanging, &[]);
    found_before(
        "Docker hanging",
        &ended,
        &hanging.home(),
        3,
        "docker-unreachable",
    );

    // A port that somebody has.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    lab.change("kind.yaml", "hostPort: 0", &format!("hostPort: {port}"));
    found_before("a taken port", &lab.up(&[]), &home, 3, "port-taken");
    lab.restore();

    // A node image that nobody has.
    lab.change(
        "kind.yaml",
        "kindest/node:v1.37.0",
        "kindest/node:v1.37.999",
    );
    found_before(
        "a node image that nobody has",
        &lab.up(&[]),
        &home,
        3,
        "image-pull",
    );
    lab.restore();

    // A home that is read-only, for root too.
    let full = Mounted::new("size=3m");
    let below = full.0.path().join("labs");
    let ended = lab.up(&["--home", &below.display().to_string()]);
    found_before("a full disk", &ended, &below, 3, "home-disk");
    let read_only = Mounted::new("ro,size=1m");
    let below = read_only.0.path().join("labs");
    let ended = lab.up(&["--home", &below.display().to_string()]);
    found_before("a read-only home", &ended, &below, 3, "home-unwritable");
}

/// A file system of its own.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn new(options: &str) -> Self {
        let mounted = Self(tempfile::tempdir().unwrap());
        mounted.mount(options);
        mounted
    }

    fn mount(&self, options: &str) {
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "flinklab-test"])
            .arg(self.0.path())
            .status();
        assert!(done.unwrap().success(), "mounting needs root");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A lab that ran in here may have left mounts of it in a container that is on its way out.
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.0.path())
            .status();
    }
}

/// What went wrong on the way is told with the failing part's lines and the way on, and all of it
/// is kept.
fn found_on_the_way(what: &str, ended: &Ended, word: &str, nodes: usize) -> Value {
    let error = error(ended);
    eprintln!("{what} → exit {}: {error:#}", ended.code);
    assert_eq!(
        (ended.code, error["code"].as_str()),
        (3, Some(word)),
        "{what}"
    );
    let hint = error["hint"].as_str().unwrap_or_default();
    for words in ["flinklab up", "flinklab down --purge"] {
        assert!(hint.contains(words), "{what}: {hint}");
    }
    assert_eq!(nodes_of(NAME).len(), nodes, "{what}");
    error
}

fn finishes(lab: &Lab, what: &str, more: &[&str]) {
    let ended = lab.up(more);
    assert_eq!(ended.code, 0, "{what}: {}{}", ended.out, ended.err);
    assert_eq!(nodes_of(NAME).len(), 1, "{what}");
}

#[test]
fn a_flink_image_that_cannot_be_pulled_keeps_the_node_and_up_finishes_later() {
    if !asked() {
        return;
    }
    let lab = Lab::new();
    for file in ["lab.yaml", "50-jobmanagers.yaml", "60-taskmanagers.yaml"] {
        let text = std::fs::read_to_string(lab.file(file)).unwrap();
        std::fs::write(
            lab.file(file),
            text.replace("flink:2.3.0-scala", "flink:2.3.999-scala"),
        )
        .unwrap();
    }
    let ended = lab.up(&[]);
    found_on_the_way("a Flink image that nobody has", &ended, "image-pull", 1);
    lab.restore();
    finishes(&lab, "the image is there", &[]);
    assert_eq!(lab.down().code, 0);
    assert_eq!(nodes_of(NAME), [""; 0]);
    assert!(!lab.program.home().join(NAME).exists());
}

#[test]
fn a_node_that_does_not_boot_shows_its_log() {
    if !asked() {
        return;
    }
    let lab = Lab::new();
    // Any image that is no node: it ends at once.
    lab.change(
        "kind.yaml",
        "kindest/node:v1.37.0",
        "flink:2.3.0-scala_2.12-java17",
    );
    let ended = lab.up(&[]);
    let error = found_on_the_way("a node that does not boot", &ended, "node-boot", 1);
    assert!(!error["excerpts"].as_array().unwrap().is_empty(), "{error}");
    assert_eq!(lab.down().code, 0);
    assert_eq!(nodes_of(NAME), [""; 0]);
}

#[test]
fn a_disk_that_fills_up_on_the_way_is_told_and_up_finishes_once_there_is_room() {
    if !asked() {
        return;
    }
    let lab = Lab::new();
    let disk = Mounted::new("size=2200m");
    let home = disk.0.path().join("labs").display().to_string();
    let more = ["--home", home.as_str()];
    let folder = lab.folder.path().display().to_string();
    let mut up = lab
        .program
        .command(&[
            "up", "--json", "--name", NAME, "--lab", &folder, "--home", &home,
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let filler = disk.0.path().join("filler");
    let mut said = String::new();
    for line in BufReader::new(up.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["step"]["name"] == "kubernetes" && !filler.exists() {
            // Until nothing goes in any more.
            let mut full = std::fs::File::create(&filler).unwrap();
            while full.write_all(&[0; 1 << 20]).is_ok() {}
        }
        said = line;
    }
    let ended = Ended {
        code: up.wait().unwrap().code().unwrap_or(-1),
        out: said,
        err: String::new(),
    };
    let error = error(&ended);
    eprintln!("a full disk → exit {}: {error:#}", ended.code);
    assert_eq!(ended.code, 3);
    assert!(error.to_string().contains("No space left"), "{error}");
    assert_eq!(nodes_of(NAME).len(), 1);
    std::fs::remove_file(&filler).unwrap();
    finishes(&lab, "there is room", &more);
    let all = [
        "down", "--purge", "--yes", "--json", "--name", NAME, "--home", &home,
    ];
    let gone = lab.program.run(&all);
    assert_eq!(gone.code, 0, "{}{}", gone.out, gone.err);
    assert_eq!(nodes_of(NAME), [""; 0]);
}
