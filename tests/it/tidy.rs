//! The walls between the parts, read off manifests and sources: who may use whom, who may touch
//! what, and a few habits. Cargo holds most of them; these tables say the rest. The reasons are in
//! docs/architecture.md.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What a change of dependencies must not exceed unseen. Raise it knowingly.
const MOST_CRATES: usize = 410;

/// Files, processes, sockets, variables.
const SYSTEM: &[&str] = &[
    "std::fs",
    "fs::",
    "File::",
    "OpenOptions",
    "std::process",
    "std::env",
    "env::var",
    "std::net::Tcp",
    "std::net::Udp",
    "std::os",
    "std::thread",
];
/// Time comes in with the event.
const CLOCKS: &[&str] = &["Timestamp::now", "Zoned::now", "Instant::now", "SystemTime"];

/// Clients, servers and runtimes: only `world` and `sim` talk to anybody.
const CLIENTS: &[&str] = &[
    "tokio",
    "tokio-util",
    "kube",
    "k8s-openapi",
    "bollard",
    "hyper",
    "hyper-util",
    "axum",
    "tokio-tungstenite",
    "rustix",
];

/// A crate, the crates of ours that it may use, and those of others that it may not.
struct Crate {
    name: &'static str,
    uses: &'static [&'static str],
    never: &'static [&'static [&'static str]],
}

const CRATES: &[Crate] = &[
    Crate {
        name: "base",
        uses: &[],
        never: &[&["kube", "bollard", "ratatui", "crossterm"]],
    },
    Crate {
        name: "verb",
        uses: &["base"],
        never: &[CLIENTS, &["ratatui", "crossterm"]],
    },
    Crate {
        name: "lab",
        uses: &["base", "verb"],
        never: &[CLIENTS, &["ratatui", "crossterm"]],
    },
    Crate {
        name: "event",
        uses: &["base", "lab"],
        never: &[CLIENTS, &["ratatui", "crossterm"]],
    },
    Crate {
        name: "model",
        uses: &["base", "verb", "lab", "event"],
        never: &[CLIENTS, &["ratatui", "crossterm"]],
    },
    Crate {
        name: "world",
        uses: &["base", "verb", "lab", "event"],
        never: &[&["ratatui", "crossterm"]],
    },
    Crate {
        name: "sim",
        uses: &["base", "verb", "lab"],
        never: &[&["kube", "bollard", "ratatui", "crossterm"]],
    },
    Crate {
        name: "tui",
        uses: &["base", "lab", "event", "model"],
        never: &[CLIENTS, &["crossterm"]],
    },
];

/// A folder or file, and the words that its code never contains: what a manifest cannot forbid.
struct Wall {
    of: &'static str,
    never: &'static [&'static [&'static str]],
}

const WALLS: &[Wall] = &[
    Wall {
        of: "base",
        never: &[SYSTEM],
    },
    Wall {
        of: "verb",
        never: &[SYSTEM],
    },
    Wall {
        of: "lab",
        never: &[
            CLOCKS,
            &[
                "fs::write",
                "std::env",
                "std::process",
                "fs::create_dir",
                "fs::remove_file",
                "fs::remove_dir",
            ],
        ],
    },
    Wall {
        of: "event",
        never: &[SYSTEM, CLOCKS],
    },
    Wall {
        of: "model",
        never: &[SYSTEM, CLOCKS, &["Mutex", "RwLock", "RefCell"]],
    },
    Wall {
        of: "tui",
        never: &[
            SYSTEM,
            CLOCKS,
            &["&mut Model", "Mutex", "RwLock", "RefCell"],
        ],
    },
    Wall {
        of: "world",
        never: &[&["tokio::spawn", "task::spawn", "std::env"]],
    },
    Wall {
        of: "sim",
        never: &[&["std::env"]],
    },
    Wall {
        of: "cli",
        never: &[
            &[
                "flinklab_world",
                "flinklab_model",
                "flinklab_tui",
                "flinklab_sim",
                "crate::app",
            ],
            SYSTEM,
            CLOCKS,
        ],
    },
    Wall {
        of: "app",
        never: &[&["std::env"]],
    },
];

/// Where unit tests run shell scripts, beside what does the same in a simulation: what follows
/// `#[cfg(test)]` is behind no wall there.
const TESTS_RUN_SCRIPTS: &str = "verb";

/// A word that only some files may contain, and why.
struct Only {
    word: &'static str,
    within: &'static [&'static str],
    why: &'static str,
}

const ONLY: &[Only] = &[
    Only {
        word: "Node::proven",
        within: &["world/gate"],
        why: "the right to act on a node comes out of a proof",
    },
    Only {
        word: "flinklab_sim",
        within: &["app/try"],
        why: "the rest of the program gets addresses and does not branch",
    },
    Only {
        word: "tokio::spawn",
        within: &["app", "sim"],
        why: "a task that nobody owns is missed by nobody",
    },
    Only {
        word: "JoinSet",
        within: &["app/inbox.rs", "world/followers.rs", "sim"],
        why: "a task that nobody owns is missed by nobody",
    },
    Only {
        word: "spawn_blocking",
        within: &["world/watch.rs"],
        why: "its end is awaited there, and a panic of it passed on",
    },
    Only {
        word: "TaskTracker",
        within: &[],
        why: "a task that nobody owns is missed by nobody",
    },
    Only {
        word: "LocalSet",
        within: &[],
        why: "a task that nobody owns is missed by nobody",
    },
    Only {
        word: "Handle::current",
        within: &[],
        why: "a task that nobody owns is missed by nobody",
    },
    Only {
        word: "spawn_local",
        within: &[],
        why: "a task that nobody owns is missed by nobody",
    },
    Only {
        word: "thread::spawn",
        within: &[],
        why: "a task that nobody owns is missed by nobody",
    },
    Only {
        word: "runtime.spawn",
        within: &[],
        why: "a task that nobody owns is missed by nobody",
    },
    Only {
        word: "Timestamp::now",
        within: &["base/clock.rs", "app/mod.rs", "world/crash.rs"],
        why: "a simulated lab and the program live by one clock",
    },
    Only {
        word: "tokio::time::sleep",
        within: &["base/clock.rs", "app/replay.rs"],
        why: "a simulated lab and the program live by one clock",
    },
    Only {
        word: "fs::write",
        within: &["world", "sim"],
        why: "files are written in one place",
    },
    Only {
        word: "File::create",
        within: &["world", "sim"],
        why: "files are written in one place",
    },
    Only {
        word: "File::options",
        within: &["world", "sim", "app/logging.rs"],
        why: "files are written in one place",
    },
    Only {
        word: "OpenOptions",
        within: &["world", "sim"],
        why: "files are written in one place",
    },
    Only {
        word: "fs::create_dir",
        within: &["world", "sim"],
        why: "files are written in one place",
    },
    Only {
        word: "fs::create_dir_all",
        within: &["world", "sim"],
        why: "files are written in one place",
    },
    Only {
        word: "fs::remove_file",
        within: &["world", "sim"],
        why: "files are written in one place",
    },
    Only {
        word: "fs::remove_dir_all",
        within: &["world", "sim"],
        why: "files are written in one place",
    },
    Only {
        word: "std::env",
        within: &["main.rs"],
        why: "surroundings are values, so that a test can pass others",
    },
    Only {
        word: "is_control()",
        within: &["world/clean.rs"],
        why: "there is one list of what harms",
    },
    Only {
        word: "char::is_control",
        within: &[],
        why: "there is one list of what harms",
    },
    Only {
        word: "println!",
        within: &["app"],
        why: "one module speaks to the person",
    },
    Only {
        word: "print!",
        within: &["app"],
        why: "one module speaks to the person",
    },
    Only {
        word: "eprintln!",
        within: &["app"],
        why: "one module speaks to the person",
    },
    Only {
        word: "todo!",
        within: &[],
        why: "what is not there is not there",
    },
    Only {
        word: "unimplemented!",
        within: &[],
        why: "what is not there is not there",
    },
    Only {
        word: "dbg!",
        within: &[],
        why: "a log line is for later, this is for now",
    },
    Only {
        word: "unsafe",
        within: &[],
        why: "nothing here needs it",
    },
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file: those of `crates/X/src` as `X/…`, those of `src` by their path from there.
fn sources() -> Vec<(String, String)> {
    let ours = CRATES.iter().flat_map(|one| {
        let found = files(&format!("crates/{}/src", one.name), ".rs").into_iter();
        found.map(|(file, text)| (format!("{}/{file}", one.name), text))
    });
    ours.chain(files("src", ".rs")).collect()
}

/// Every file below a folder, with its path from there.
fn files(folder: &str, ends: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ends) {
                let name = path.strip_prefix(root().join(folder)).unwrap();
                let name = name.to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap_or_default()));
            }
        }
    }
    found.sort();
    found
}

/// Whether a path is that file, in that folder, or begins with that word (`app/try` is both
/// `app/try.rs` and `app/try/…`).
fn is_within(file: &str, place: &str) -> bool {
    file == place
        || file
            .strip_prefix(place)
            .is_some_and(|rest| rest.starts_with('/') || rest.starts_with('.'))
}

/// The code of a line, without a comment that follows it.
fn code(line: &str) -> &str {
    match line.find("//") {
        Some(0) => "",
        Some(at) if !line[..at].ends_with(':') => &line[..at],
        _ => line,
    }
}

/// What of a file must keep to the walls.
fn behind_walls<'a>(file: &str, text: &'a str) -> &'a str {
    if !is_within(file, TESTS_RUN_SCRIPTS) {
        text
    } else if file.ends_with("/tests.rs") {
        ""
    } else {
        text.split_once("#[cfg(test)]")
            .map_or(text, |(code, _)| code)
    }
}

fn is_part(letter: Option<char>) -> bool {
    letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
}

/// Whether a line has that word as a word: a crate's name counts where a path follows it.
fn has(line: &str, word: &str) -> bool {
    let is_crate = word
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && word != "unsafe";
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let ends_open = word.ends_with(':') || word.ends_with('!');
        let begins = !is_part(before) && (!is_crate || before != Some(':'));
        let ends = ends_open || !is_part(after);
        begins
            && ends
            && (!is_crate
                || line[at + word.len()..].starts_with("::")
                || line[..at].trim_end().ends_with("use"))
    })
}

fn report(faults: &str) {
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn folders_keep_to_their_walls() {
    let mut faults = String::new();
    for (file, text) in sources() {
        let text = behind_walls(&file, &text);
        for wall in WALLS.iter().filter(|wall| is_within(&file, wall.of)) {
            for (number, line) in text.lines().enumerate() {
                for word in wall.never.iter().copied().flatten() {
                    if has(code(line), word) {
                        let _ = writeln!(faults, "{file}:{}: `{word}` in {}", number + 1, wall.of);
                    }
                }
            }
        }
    }
    report(&faults);
}

#[test]
fn some_words_stand_in_one_place_only() {
    let mut faults = String::new();
    for (file, text) in sources() {
        for (number, line) in behind_walls(&file, &text).lines().enumerate() {
            for only in ONLY {
                if has(code(line), only.word)
                    && !only.within.iter().any(|place| is_within(&file, place))
                {
                    let _ = writeln!(
                        faults,
                        "{file}:{}: `{}`: {}",
                        number + 1,
                        only.word,
                        only.why
                    );
                }
            }
        }
    }
    report(&faults);
}

#[test]
fn each_file_says_what_it_is_for() {
    let mut faults = String::new();
    let tests = files("tests", ".rs").into_iter();
    let tests = tests.map(|(file, text)| (format!("tests/{file}"), text));
    for (file, text) in sources().into_iter().chain(tests) {
        if !text.starts_with("//!") {
            let _ = writeln!(faults, "{file}: no `//!` at its head");
        }
    }
    report(&faults);
}

#[test]
fn every_folder_of_the_source_has_a_wall() {
    for (file, _) in sources() {
        let known = WALLS.iter().any(|wall| is_within(&file, wall.of));
        assert!(
            known || file == "lib.rs" || file == "main.rs",
            "{file} is behind no wall"
        );
    }
}

/// Cargo keeps a crate from using what its manifest does not name; this keeps the manifests.
#[test]
fn crates_use_what_lies_below_them() {
    let folders = fs::read_dir(root().join("crates")).unwrap();
    let mut names: Vec<String> = folders
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut known: Vec<&str> = CRATES.iter().map(|one| one.name).collect();
    known.sort_unstable();
    assert_eq!(names, known);
    let mut faults = String::new();
    for one in CRATES {
        let path = root().join(format!("crates/{}/Cargo.toml", one.name));
        let manifest: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
        let uses = manifest["dependencies"].as_table().unwrap();
        for used in uses.keys() {
            let ours = used.strip_prefix("flinklab-");
            let forbidden = match ours {
                Some(ours) => !one.uses.contains(&ours),
                None => one.never.iter().any(|list| list.contains(&used.as_str())),
            };
            if forbidden {
                let _ = writeln!(faults, "crates/{}: uses {used}", one.name);
            }
        }
    }
    report(&faults);
}

#[test]
fn no_test_is_switched_off() {
    let mut faults = String::new();
    for folder in ["src", "crates", "tests"] {
        for (file, text) in files(folder, ".rs") {
            for (number, line) in text.lines().enumerate() {
                if line.trim_start().starts_with(concat!("#[", "ignore")) {
                    let _ = writeln!(faults, "{folder}/{file}:{}", number + 1);
                }
            }
        }
    }
    report(&faults);
}

/// Nothing that ships names the machine it was written on.
#[test]
fn no_file_names_a_machine() {
    let paths = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/tmp", "/w/"),
        concat!("/ho", "me/user"),
    ];
    let mut faults = String::new();
    let mut all = vec![
        (
            "README.md".to_owned(),
            fs::read_to_string(root().join("README.md")).unwrap_or_default(),
        ),
        (
            "Cargo.toml".to_owned(),
            fs::read_to_string(root().join("Cargo.toml")).unwrap_or_default(),
        ),
    ];
    for folder in ["src", "crates", "tests", "benches", "docs", "lab", "assets"] {
        let found = files(folder, "").into_iter();
        all.extend(found.map(|(file, text)| (format!("{folder}/{file}"), text)));
    }
    for (file, text) in all {
        for (number, line) in text.lines().enumerate() {
            if let Some(path) = paths.iter().find(|path| line.contains(*path)) {
                let _ = writeln!(faults, "{file}:{}: {path}", number + 1);
            }
        }
    }
    report(&faults);
}

#[test]
fn dependencies_are_few_enough_to_read() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let ours = |line: &&str| line.starts_with("name = \"flinklab");
    let ours = lock.lines().filter(ours).count();
    let crates = lock.lines().filter(|line| *line == "[[package]]").count() - ours;
    assert!(
        crates <= MOST_CRATES,
        "{crates} crates of others in Cargo.lock"
    );
}

#[test]
fn the_walls_are_seen() {
    assert!(has("use kube::Client;", "kube"));
    assert!(has("use kube;", "kube"));
    assert!(!has("let x = crate::kube::client();", "kube"));
    assert!(!has("// kube::Client", "kube") || code("// kube::Client").is_empty());
    assert!(!has("run(\"kubectl\")", "kube"));
    assert!(has("fn a(model: &mut Model)", "&mut Model"));
    assert!(has("use flinklab_model::{Event, Model};", "Model"));
    assert!(!has("let models = ModelRow;", "Model"));
    assert!(has("let at = jiff::Timestamp::now();", "Timestamp::now"));
    assert!(has("std::fs::write(path, text)", "fs::write"));
    assert_eq!(
        code("let a = \"http://x\"; // and more"),
        "let a = \"http://x\"; // and more"
    );
    assert_eq!(code("let a = 1; // and more"), "let a = 1; ");
    assert!(is_within("app/try_out.rs", "app") && !is_within("application.rs", "app"));
}
