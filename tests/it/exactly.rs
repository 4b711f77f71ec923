//! The lab whose job proves that its state is exact: its jar is that of the sources beside it, is a
//! file of the lab wherever a lab goes, and every verdict has one statement more.

use crate::program::Program;
use crate::scenarios::{SPEED, Scene, breaks_in, statement};
use flinklab_base::advice::Invocation;
use flinklab_base::fault::Fault;
use flinklab_lab::failure::find;
use flinklab_lab::{Lab, file_bytes};
use flinklab_sim::Images;
use flinklab_world::export;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const JAR: &[u8] = include_bytes!("../../lab/exactly/exactly.jar");
/// Small enough to be in every flinklab.
const LARGEST: usize = 64 * 1024;
/// Of a class file for Java 11.
const JAVA_11: u16 = 55;

/// Sources by name, as `job/exactly/Pack.java` orders them.
fn sources() -> Vec<(String, Vec<u8>)> {
    fn read(folder: &Path, below: &Path, all: &mut Vec<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, below, all);
                continue;
            }
            let name = path.strip_prefix(below).unwrap();
            let name = name.to_str().unwrap().replace('\\', "/");
            all.push((name, std::fs::read(&path).unwrap()));
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("job/exactly/src");
    let mut all = Vec::new();
    read(&folder, &folder, &mut all);
    all.sort();
    all
}

/// Entries of a jar that is not compressed: name and bytes.
fn entries(jar: &[u8]) -> Vec<(String, Vec<u8>)> {
    let number = |at: usize, bytes: usize| {
        let part = jar[at..at + bytes].iter().rev();
        part.fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
    };
    let (mut at, mut all) = (0, Vec::new());
    while jar[at..].starts_with(b"PK\x03\x04") {
        assert_eq!(number(at + 8, 2), 0, "an entry is compressed");
        let (size, name, extra) = (number(at + 18, 4), number(at + 26, 2), number(at + 28, 2));
        let from = at + 30 + name + extra;
        let name = String::from_utf8(jar[at + 30..at + 30 + name].to_vec()).unwrap();
        all.push((name, jar[from..from + size].to_vec()));
        at = from + size;
    }
    all
}

#[test]
fn the_jar_is_that_of_the_sources() {
    let mut digest = Sha256::new();
    for (name, text) in sources() {
        for part in [name.as_bytes(), &[0], &text, &[0]] {
            digest.update(part);
        }
    }
    let sum = digest
        .finalize()
        .iter()
        .fold(String::new(), |mut sum, byte| {
            let _ = write!(sum, "{byte:02x}");
            sum
        });
    let all = entries(JAR);
    let (name, manifest) = &all[0];
    assert_eq!(name, "META-INF/MANIFEST.MF");
    // Long lines go on in the next one, after a blank.
    let manifest = String::from_utf8_lossy(manifest).replace("\r\n ", "");
    assert!(
        manifest.contains(&format!("Sources-SHA-256: {sum}\r\n")),
        "job/exactly/src was changed: run job/exactly/build. {manifest}"
    );
    let lab = Lab::open("exactly").unwrap();
    assert!(manifest.contains(&format!("Main-Class: {}\r\n", lab.job.class)));
}

#[test]
fn the_jar_is_small_and_holds_the_jobs_own_classes_for_java_11() {
    assert!(JAR.len() < LARGEST, "{} bytes", JAR.len());
    for (name, class) in entries(JAR).into_iter().skip(1) {
        let own = name.strip_prefix("flinklab/exactly/");
        assert!(own.is_some_and(|name| name.ends_with(".class")), "{name}");
        assert_eq!(&class[..4], b"\xca\xfe\xba\xbe", "{name}");
        assert_eq!(u16::from_be_bytes([class[6], class[7]]), JAVA_11, "{name}");
    }
}

/// The built-in one as a folder.
fn exported() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("exactly");
    export::write(&Lab::open("exactly").unwrap(), &to).unwrap();
    (folder, to)
}

#[test]
fn the_jar_goes_with_the_lab_byte_for_byte_and_counts_in_its_hash() {
    let lab = Lab::open("exactly").unwrap();
    assert_eq!(lab.own_jar().as_deref(), Some(JAR));
    assert!(lab.unlisted.is_empty(), "{:?}", lab.unlisted);
    let (_folder, to) = exported();
    assert_eq!(std::fs::read(to.join("exactly.jar")).unwrap(), JAR);
    let read = Lab::read(&to).unwrap();
    assert_eq!((&read.hash, &read.files), (&lab.hash, &lab.files));
    // As lab.json keeps it.
    let kept = serde_json::to_string(&lab.files).unwrap();
    let kept = serde_json::from_str(&kept).unwrap();
    assert_eq!(Lab::from_files(kept, "").unwrap().own_jar().unwrap(), JAR);
    let mut other = JAR.to_vec();
    *other.last_mut().unwrap() ^= 1;
    std::fs::write(to.join("exactly.jar"), other).unwrap();
    assert_ne!(Lab::read(&to).unwrap().hash, lab.hash);
    // Another jar beside it is nobody's.
    std::fs::write(to.join("other.jar"), b"PK").unwrap();
    assert!(
        Lab::read(&to)
            .unwrap()
            .files
            .iter()
            .all(|(name, _)| name != "other.jar")
    );
}

#[test]
fn a_lab_upon_it_has_its_jar_and_another_flink() {
    let files = vec![(
        "lab.yaml".to_owned(),
        "name: older\nbase: exactly\nimage: flink:1.20.5-scala_2.12-java17\n".to_owned(),
    )];
    let lab = Lab::from_files(files, "").unwrap();
    assert_eq!(lab.own_jar().as_deref(), Some(JAR));
    assert_eq!(lab.flink_version(), Some("1.20.5"));
}

#[test]
fn what_is_wrong_with_a_jar_of_ones_own_is_told_with_its_place() {
    let told = |word: &str, is: &str, jar: &[u8]| -> Fault {
        let (_folder, to) = exported();
        let path = to.join("lab.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let line = text.lines().find(|line| line.trim().starts_with(word));
        let changed = text.replace(line.unwrap(), &format!("  {is}"));
        std::fs::write(&path, changed).unwrap();
        std::fs::write(to.join("exactly.jar"), jar).unwrap();
        Lab::read(&to).unwrap_err()
    };
    for (word, is, jar, what) in [
        (
            "jar:",
            "jar: exactl.jar",
            JAR,
            "There is no file `exactl.jar`",
        ),
        ("jar:", "jar: ../exactly.jar", JAR, "`job.jar` cannot be"),
        ("jar:", "jar: exactly.zip", JAR, "`job.jar` cannot be"),
        (
            "jar:",
            "jar: exactly.jar",
            b"<html>".as_slice(),
            "`exactly.jar` is no jar",
        ),
        ("class:", "class: a.B", JAR, "has no class `a.B`"),
        (
            "proves:",
            "proves: all",
            JAR,
            "`job.proves` cannot be `all`",
        ),
    ] {
        let fault = told(word, is, jar);
        assert!(fault.what.contains(what), "{fault}");
        let place = fault.place.unwrap();
        assert!(
            place.file.ends_with("lab.yaml") && place.line > 1,
            "{place}"
        );
    }
    let mut long = JAR.to_vec();
    long.resize(5 * 1024 * 1024, 0);
    let fault = told("jar:", "jar: exactly.jar", &long);
    assert_eq!(fault.code, "lab-unreadable");
    assert!(
        Invocation::default()
            .advise(&fault.hint)
            .contains("`job.image`"),
        "{fault}"
    );
}

/// Each number once over a crash of the leader, of a TaskManager, and where nothing restarts.
#[test]
fn the_state_is_exact_over_failures() {
    let scene = Scene::of(Lab::open("exactly").unwrap(), SPEED, Images::Present);
    scene.result(&["up", "--lab", "exactly"]);
    for key in ["jm-crash", "tm-crash", "standby-stop"] {
        let result = breaks_in(&scene, find(key).unwrap());
        let exact = statement(&result, "exact");
        assert_eq!(exact["verdict"], "PASS", "{result:#}");
        let words = exact["evidence"].as_str().unwrap();
        assert!(words.contains("no gap, no duplicate"), "{words}");
        let came = if key == "standby-stop" {
            "it ran on"
        } else {
            "came back with checkpoint"
        };
        assert!(words.contains(came), "{words}");
        assert_eq!(result["statements"].as_array().unwrap().len(), 10);
    }
}

#[test]
fn a_lost_pointer_is_told_by_what_had_been_counted() {
    let scene = Scene::of(Lab::open("exactly").unwrap(), 2.0, Images::Present);
    scene.result(&["up", "--lab", "exactly"]);
    let result = breaks_in(&scene, find("pointer-lost").unwrap());
    let exact = statement(&result, "exact");
    assert_eq!(exact["verdict"], "FAIL", "{result:#}");
    let words = exact["evidence"].as_str().unwrap();
    assert!(words.contains("from nothing with 0 numbers"), "{words}");
}

#[test]
fn it_is_seen_without_docker_and_only_there() {
    let program = Program::without_docker();
    let run = |lab: &str| {
        let try_it = ["try", "--speed", "10", "--seed", "3", "--lab", lab];
        let ended = program.run(&[&try_it[..], &["break", "jm-crash", "--json"]].concat());
        assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
        ended.objects().pop().unwrap()["result"].take()
    };
    let result = run("exactly");
    assert_eq!(statement(&result, "exact")["verdict"], "PASS", "{result:#}");
    let result = run("default");
    let usual = result["statements"].as_array().unwrap();
    assert!(usual.iter().all(|one| one["name"] != "exact"), "{result:#}");
}

/// What a file of the lab is in a folder, it is in a bundle.
#[test]
fn a_file_of_the_lab_is_bytes_again() {
    for (name, text) in Lab::open("exactly").unwrap().files {
        let bytes = file_bytes(&name, &text).unwrap();
        assert_eq!(name.ends_with(".jar"), bytes.starts_with(b"PK"), "{name}");
    }
}
