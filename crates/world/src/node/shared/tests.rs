//! The scripts as they are sent to a node, run here in a folder of the test. Where the test may not
//! change owners, `chown` and `setpriv` are others, which write down what they are asked for: that a
//! folder belongs to 9999 is then known from the words alone. All else is the same.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::shared::{Obstacle, Size};
use flinklab_verb::Script;
use rustix::fs::{RenameFlags, renameat_with};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

fn of_verb(name: &str, run: &str, words: &[&str]) -> Argv {
    Argv(Script::find(name).unwrap().argv(run, words))
}

fn mode(mount: &str, folder: &str) -> Argv {
    of_verb("flinklab-mode", "", &[mount, folder])
}

fn forbid(run: &str, mount: &str, folder: &str) -> Argv {
    of_verb("flinklab-forbid", run, &[mount, folder])
}

fn allow(run: &str, mount: &str, folder: &str, mode: &str) -> Argv {
    of_verb("flinklab-allow", run, &[mount, folder, mode])
}

fn lose(run: &str, mount: &str, folder: &str, aside: &str) -> Argv {
    of_verb("flinklab-lose", run, &[mount, folder, aside])
}

fn give_back(run: &str, mount: &str, folder: &str, aside: &str) -> Argv {
    of_verb("flinklab-return", run, &[mount, folder, aside])
}

const RUN: &str = "20261130-1";
const JOB: &str = "checkpoints/fef4a397879c16aa52a242d081f177d6";
const AS_FLINK: &str = "--reuid 9999 --regid 9999 --clear-groups";

/// Does not change the user. Root without its capabilities is refused as 9999 is.
const SETPRIV: &str = r#"#!/bin/sh
echo "setpriv $1 $2 $3 $4 $5" >>"${0%/*}/log"
shift 5
PATH=${PATH#*:}
[ "$(id -u)" != 0 ] || exec setpriv --bounding-set=-all --inh-caps=-all "$@"
exec "$@"
"#;
const CHOWN: &str = r#"#!/bin/sh
echo "chown $* in $(env pwd -P)" >>"${0%/*}/log"
"#;

/// A shared folder, and beside it what no script may touch.
struct Place {
    folder: tempfile::TempDir,
    /// Whether owners are really changed.
    changes_owners: bool,
}

struct Ran {
    code: i64,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let may = "chown 9999:9999 . && setpriv --reuid 9999 --regid 9999 --clear-groups true";
        fs::create_dir(folder.path().join("mount")).unwrap();
        let tried = Command::new("sh")
            .args(["-c", may])
            .current_dir(folder.path().join("mount"))
            .output();
        let place = Self {
            folder,
            changes_owners: tried.unwrap().status.success(),
        };
        for file in ["chk-1/state", "shared/state", "file", ".flinklab-x/chk-1/a"] {
            place.write(&format!("outside/{file}"), "precious");
        }
        place.mode("outside", 0o751);
        place.mode("outside/file", 0o640);
        for (name, text) in [("setpriv", SETPRIV), ("chown", CHOWN)] {
            place.write(&format!("bin/{name}"), text);
            place.mode(&format!("bin/{name}"), 0o755);
        }
        place.write("bin/log", "");
        place
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn mount(&self) -> String {
        self.at("mount").to_str().unwrap().to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| format!("{path}: {error}"))
    }

    fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A job with state, all of it Flink's.
    fn with_job(self) -> Self {
        for file in ["shared/a b", "chk-1/-state", "chk-1/_metadata", "chk-12/x"] {
            self.write(&format!("mount/{JOB}/{file}"), file);
        }
        fs::create_dir_all(self.at("mount/ha")).unwrap();
        if self.changes_owners {
            let all = Command::new("chown")
                .args(["-R", "9999:9999", &self.mount()])
                .output();
            assert!(all.unwrap().status.success());
        }
        self
    }

    fn run(&self, argv: &Argv) -> Ran {
        let mut words: Vec<String> = argv.words().iter().map(|&word| word.to_owned()).collect();
        // In a node it is there for that.
        let run = format!("{}/flinklab-", self.folder.path().display());
        words[2] = words[2].replace("/run/flinklab-", &run);
        let others = if self.changes_owners {
            ""
        } else {
            "export PATH=\"$0:$PATH\"; "
        };
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{others}exec \"$@\""));
        let ended = command.arg(self.at("bin")).args(words).output().unwrap();
        Ran {
            code: i64::from(ended.status.code().unwrap()),
            out: String::from_utf8(ended.stdout).unwrap(),
            err: String::from_utf8(ended.stderr).unwrap(),
        }
    }

    fn done(&self, argv: &Argv) -> String {
        let ran = self.run(argv);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
        ran.out
    }

    /// Everything that is outside the mount: owner, mode, content.
    fn outside(&self) -> Vec<String> {
        let mut all = all_of(&self.at("outside"));
        all.sort();
        all
    }

    /// What was asked for in place of changing an owner is right: only ever of a folder in the mount.
    fn asked_rightly(&self) {
        let inside = self.at("mount").canonicalize().unwrap();
        let inside = format!("chown 9999:9999 . in {}", inside.display());
        for line in self.read("bin/log").lines() {
            let is_right = line == format!("setpriv {AS_FLINK}")
                || line
                    .strip_prefix(&inside)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            assert!(is_right, "{line}");
        }
    }
}

fn all_of(path: &Path) -> Vec<String> {
    let found = fs::symlink_metadata(path).unwrap();
    let (mode, owner) = (found.mode(), (found.uid(), found.gid()));
    let mut all = vec![format!("{} {mode:o} {owner:?}", path.display())];
    if found.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            all.extend(all_of(&entry.unwrap().path()));
        }
    } else {
        all.push(fs::read_to_string(path).unwrap())
    }
    all
}

fn folders(all: &[&str]) -> Vec<String> {
    all.iter().map(|&folder| folder.to_owned()).collect()
}

/// All scripts that go into a folder of the job.
fn into(mount: &str, folder: &str) -> Vec<Argv> {
    let aside = format!("{folder}/.flinklab-x");
    vec![
        own(mount, &folders(&[folder])),
        own(mount, &folders(&[&format!("{folder}/deeper")])),
        mode(mount, folder),
        lose(RUN, mount, folder, &aside),
        give_back("another", mount, folder, &aside),
        forbid(RUN, mount, folder),
        allow("another", mount, folder, "777"),
    ]
}

#[test]
fn folders_are_made_and_given_to_flinks_user() {
    let place = Place::new();
    place.mode("mount", 0o700);
    let all = ["ha", "ha/flink lab", "checkpoints"];
    for _ in 0..2 {
        let said = place.done(&own(&place.mount(), &folders(&all)));
        assert_eq!(said.lines().filter(|line| *line == "ok").count(), 4);
        let seen = said.lines().last().unwrap().strip_prefix("seen ").unwrap();
        assert!(seen.starts_with(".flinklab-seen-"), "{seen}");
        let seen = format!("mount/{seen}");
        assert_eq!(place.read(&seen), "");
        fs::remove_file(place.at(&seen)).unwrap();
        for folder in [
            "mount",
            "mount/ha",
            "mount/ha/flink lab",
            "mount/checkpoints",
        ] {
            let found = fs::metadata(place.at(folder)).unwrap();
            assert_eq!(found.mode() & 0o7777, 0o755, "{folder}");
            if place.changes_owners {
                assert_eq!((found.uid(), found.gid()), (9999, 9999), "{folder}");
            }
        }
    }
    place.asked_rightly();
    let left = fs::read_dir(place.at("mount")).unwrap().count();
    assert_eq!(left, 2, "no probe is left");
}

#[test]
fn a_folder_that_may_not_be_written_is_so_until_it_is_taken_back() {
    let place = Place::new().with_job();
    let mount = place.mount();
    let job = format!("mount/{JOB}");
    place.mode(&job, 0o775);
    assert_eq!(place.done(&mode(&mount, JOB)), "775\n");
    let said = place.done(&forbid(RUN, &mount, JOB));
    let words: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(words, ["sent", "stopped"]);
    assert_eq!(place.done(&mode(&mount, JOB)), "555\n");
    assert!(
        place
            .done(&allow(RUN, &mount, JOB, "775"))
            .starts_with("undone ")
    );
    assert_eq!(place.done(&mode(&mount, JOB)), "775\n");
    assert_eq!(
        place.run(&forbid(RUN, &mount, JOB)).code,
        7,
        "it was taken back"
    );
    let gone = place.run(&forbid("b", &mount, "checkpoints/none"));
    assert_eq!(
        (gone.code, gone.err.as_str()),
        (3, "checkpoints/none is no folder\n")
    );
    assert!(
        place
            .done(&allow("b", &mount, "checkpoints/none", "755"))
            .starts_with("undone ")
    );
    place.asked_rightly();
}

#[test]
fn files_of_state_are_moved_aside_and_back() {
    let place = Place::new().with_job();
    let mount = place.mount();
    let job = format!("mount/{JOB}");
    let before = all_of(&place.at(&job));
    // A link among them is no file of state.
    symlink(place.at("outside/file"), place.at(&job).join("chk-1/link")).unwrap();
    let aside = format!("{JOB}/.flinklab-x");
    assert_eq!(place.done(&lose(RUN, &mount, JOB, &aside)), "lost 3\n");
    for (from, to) in [("shared/a b", ""), ("chk-1/-state", ""), ("chk-12/x", "")] {
        assert_eq!(place.read(&format!("mount/{aside}/{from}")), from);
        assert!(!place.at(&format!("{job}/{from}")).exists(), "{to}");
    }
    assert_eq!(
        place.read(&format!("{job}/chk-1/_metadata")),
        "chk-1/_metadata"
    );
    // One that is gone meanwhile, and one that was written anew.
    fs::remove_dir_all(place.at(&job).join("chk-12")).unwrap();
    assert!(
        place
            .done(&give_back(RUN, &mount, JOB, &aside))
            .starts_with("undone ")
    );
    fs::remove_file(place.at(&job).join("chk-1/link")).unwrap();
    let mut after = all_of(&place.at(&job));
    let mut wanted: Vec<String> = before
        .into_iter()
        .filter(|line| !line.contains("chk-12"))
        .collect();
    after.sort();
    wanted.sort();
    assert_eq!(after, wanted);
    assert!(
        place
            .done(&give_back(RUN, &mount, JOB, &aside))
            .starts_with("undone ")
    );
    place.asked_rightly();
}

#[test]
fn a_link_is_named_and_what_it_points_to_stays() {
    for (link, target) in [
        ("checkpoints", "outside"),
        (JOB, "outside"),
        (JOB, "outside/file"),
        (JOB, "outside/none"),
        ("checkpoints", "mount/ha"),
    ] {
        let place = Place::new().with_job();
        let before = place.outside();
        fs::rename(place.at("mount/checkpoints"), place.at("kept")).unwrap();
        fs::create_dir_all(place.at("mount").join(link).parent().unwrap()).unwrap();
        symlink(place.at(target), place.at("mount").join(link)).unwrap();
        for argv in into(&place.mount(), JOB) {
            let ran = place.run(&argv);
            let obstacle = Obstacle::said(ran.code, &ran.err);
            let target = place.at(target);
            let named = Obstacle::link(link, &target.to_string_lossy());
            assert_eq!(
                obstacle,
                Some(named),
                "{:?}: {}",
                &argv.words()[3..],
                ran.err
            );
            assert_eq!(place.outside(), before, "{:?}", &argv.words()[3..]);
        }
        place.asked_rightly();
    }
}

#[test]
fn links_in_the_job_are_named_too() {
    for link in [".flinklab-x", "chk-1", "shared"] {
        let place = Place::new().with_job();
        let before = place.outside();
        let mount = place.mount();
        let aside = format!("{JOB}/.flinklab-x");
        if link != ".flinklab-x" {
            place.done(&lose("first", &mount, JOB, &aside));
            fs::remove_dir_all(place.at(&format!("mount/{JOB}/{link}"))).unwrap();
        }
        symlink(
            place.at("outside"),
            place.at(&format!("mount/{JOB}/{link}")),
        )
        .unwrap();
        let named = Obstacle::link(
            &format!("{JOB}/{link}"),
            &place.at("outside").to_string_lossy(),
        );
        for argv in [
            lose(RUN, &mount, JOB, &aside),
            give_back(RUN, &mount, JOB, &aside),
        ] {
            let ran = place.run(&argv);
            let obstacle = Obstacle::said(ran.code, &ran.err);
            assert_eq!(obstacle.as_ref(), Some(&named), "{}", ran.err);
            assert_eq!(place.outside(), before);
        }
        // What its message says: the link is removed, and it is taken back.
        fs::remove_file(place.at(&format!("mount/{JOB}/{link}"))).unwrap();
        place.done(&give_back(RUN, &mount, JOB, &aside));
        assert!(!place.at(&format!("mount/{aside}")).exists());
    }
}

#[test]
fn a_purge_removes_links_and_not_what_they_point_to() {
    let place = Place::new().with_job();
    let before = place.outside();
    for (link, target) in [
        ("folder", "outside"),
        ("file", "outside/file"),
        ("ha/none", "none"),
    ] {
        symlink(place.at(target), place.at("mount").join(link)).unwrap();
    }
    let measured = Size::said(&place.done(&measure(&place.mount()))).unwrap();
    assert_eq!(place.outside(), before);
    let links = measured.links().unwrap();
    assert!(
        links.contains("`folder`") && links.contains("`ha/none`"),
        "{links}"
    );
    let purged = Size::said(&place.done(&purge(&place.mount()))).unwrap();
    assert_eq!(
        (purged.files, purged.bytes),
        (measured.files, measured.bytes)
    );
    assert_eq!(purged.files, 13);
    assert_eq!(place.outside(), before);
    assert_eq!(fs::read_dir(place.at("mount")).unwrap().count(), 0);
}

/// What is mounted in the folder is not gone into. Mounting needs a right that not everybody has: who
/// may not make a namespace for it sees at least that.
#[test]
fn another_mount_is_not_entered_and_not_emptied() {
    let place = Place::new().with_job();
    let before = place.outside();
    let unshare = |script: &str, argv: &Argv| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script, "sh"]);
        let ended = command
            .args(argv.words())
            .current_dir(place.folder.path())
            .output();
        let ended = ended.unwrap();
        let code = i64::from(ended.status.code().unwrap());
        (code, String::from_utf8(ended.stderr).unwrap())
    };
    let mount = place.mount();
    let (code, why) = unshare("mount --bind outside mount/ha", &purge(&mount));
    if code != 0 {
        assert!(why.contains("ermi"), "{why}");
        return;
    }
    for argv in [mode(&mount, "ha"), mode(&mount, "ha/shared"), purge(&mount)] {
        let (code, said) = unshare("mount --bind outside mount/ha && exec \"$@\"", &argv);
        let obstacle = Obstacle::said(code, &said);
        assert!(
            obstacle.is_some_and(|found| found.is_mount()),
            "{code} {said}"
        );
        assert_eq!(place.outside(), before);
    }
}

/// Runs something while, as a job would do it, names change places as fast as can be: of the folder
/// of the mount that is given, which is held open.
fn while_swapped(place: &Place, folder: &str, names: &[(&str, &str)], work: impl FnOnce()) {
    let over = AtomicBool::new(false);
    let folder = fs::File::open(place.at("mount").join(folder)).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for (one, other) in names {
                    let _ = renameat_with(&folder, *one, &folder, *other, RenameFlags::EXCHANGE);
                }
            }
        });
        work();
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_link_that_comes_and_goes_leads_nowhere() {
    const TIMES: usize = 5;
    let place = Place::new().with_job();
    fs::create_dir_all(place.at("outside").join(JOB.replace("checkpoints/", ""))).unwrap();
    let before = place.outside();
    symlink(place.at("outside"), place.at("mount/link")).unwrap();
    symlink(place.at("outside"), place.at("mount/checkpoints/link")).unwrap();
    while_swapped(&place, ".", &[("checkpoints", "link")], || {
        for _ in 0..TIMES {
            let mount = place.mount();
            for argv in into(&mount, JOB).iter().chain(&into(&mount, "checkpoints")) {
                let ran = place.run(argv);
                assert!((0..=8).contains(&ran.code), "{}: {}", ran.code, ran.err);
            }
        }
    });
    assert_eq!(place.outside(), before);
    place.asked_rightly();
}

/// One name at a time, for else hardly a script comes as far as to move anything; and many files, for
/// each is a chance to go astray.
#[test]
fn files_of_state_stay_in_the_mount_whatever_changes_places() {
    const TIMES: usize = 5;
    const FILES: usize = 30;
    for name in [".flinklab-x", "chk-1", "shared"] {
        let place = Place::new();
        for n in 0..FILES {
            place.write(&format!("mount/{JOB}/chk-1/{n}"), "own");
            place.write(&format!("mount/{JOB}/shared/{n}"), "shared");
        }
        let place = place.with_job();
        place.write("outside/.flinklab-x/shared/a", "precious");
        let before = place.outside();
        let aside = format!("{JOB}/.flinklab-x");
        place.done(&lose("first", &place.mount(), JOB, &aside));
        let link = place.at("mount").join(JOB).join("link");
        symlink(place.at("outside").join(name), link).unwrap();
        while_swapped(&place, JOB, &[(name, "link")], || {
            for n in 0..TIMES {
                let (run, mount) = (format!("run-{n}"), place.mount());
                for argv in [
                    give_back(&run, &mount, JOB, &aside),
                    lose(&format!("{run}-b"), &mount, JOB, &aside),
                ] {
                    let ran = place.run(&argv);
                    assert!((0..=8).contains(&ran.code), "{}: {}", ran.code, ran.err);
                }
            }
        });
        assert_eq!(place.outside(), before, "{name}");
        place.asked_rightly();
        let files = Command::new("find")
            .args([&place.mount(), "-type", "f"])
            .output();
        let files = String::from_utf8(files.unwrap().stdout).unwrap();
        assert_eq!(files.lines().count(), 2 * FILES + 4, "{name}: {files}");
    }
}
