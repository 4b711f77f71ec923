//! Tests of what all verbs have in common, and of the text of their scripts.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Act, Part, Script, Signal};
use futures::future::BoxFuture;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

fn scripts() -> impl Iterator<Item = &'static Script> {
    let all = VERBS.iter().flat_map(|step| step.facts().scripts);
    all.copied()
}

#[test]
fn a_verb_is_told_from_the_others() {
    let keys: BTreeSet<&str> = VERBS.iter().map(|step| step.key()).collect();
    assert_eq!(keys.len(), VERBS.len());
    let names: BTreeSet<&str> = scripts().map(|script| script.name).collect();
    assert_eq!(names.len(), scripts().count());
    let undos = || VERBS.iter().flat_map(|step| step.facts().undos);
    let names: BTreeSet<&str> = undos().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), undos().count());
    for step in VERBS {
        assert_eq!(Step::find(step.key()), Some(*step));
        assert!(!step.facts().hits.is_empty(), "{step:?}");
        let text = serde_json::to_string(step).unwrap();
        assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), *step);
    }
}

#[test]
fn what_we_must_take_back_can_be_written_down() {
    for step in VERBS {
        let facts = step.facts();
        assert_eq!(step.is_undone_by_us(), !facts.undos.is_empty(), "{step:?}");
        let part = |part| facts.scripts.iter().any(|script| script.part == part);
        assert_eq!(part(Part::Break), part(Part::Undo), "{step:?}");
    }
}

/// A journal that an older version left is taken back by a newer one.
#[test]
fn what_is_in_a_journal_is_read_and_written_as_it_was() {
    for kind in VERBS.iter().flat_map(|step| step.facts().undos) {
        let line = kind.written();
        let act: Act = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&act).unwrap(), line);
        let read: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(read["do"], kind.name());
        assert_eq!(act.node(), read["node"].as_str());
    }
}

/// These are of the version that had no verbs yet, with the commands that it told for them.
#[test]
fn the_first_undos_stay_as_they_are() {
    let commands = [
        ("thaw", "docker exec n kill -CONT 7"),
        (
            "reconnect",
            "docker exec n sh -c 'iptables -S | grep flinklab-r | sed s/^-A/-D/ | xargs -L1 iptables'",
        ),
        ("scale", "kubectl scale -n flink statefulset w --replicas=2"),
        ("move-back", "docker exec n mv /a /b"),
        (
            "role",
            r#"kubectl patch -n flink role ha --type=merge -p '{"rules":[{"verbs":["get"]}]}'"#,
        ),
        ("mode", "docker exec n chmod 755 /s/c"),
        (
            "pointers",
            "kubectl patch -n flink configmap m --type=merge --patch-file COPY",
        ),
        ("files", "docker exec n cp -a /s/c/.a/. /s/c"),
        ("resume", "docker unpause n"),
    ];
    for (name, command) in commands {
        let mut kinds = VERBS.iter().flat_map(|step| step.facts().undos);
        let kind = kinds.find(|kind| kind.name() == name).unwrap();
        let act: Act = serde_json::from_str(kind.written()).unwrap();
        let told = act.command(|words| format!("kubectl {words}"), "flink");
        assert_eq!(told, command);
    }
}

#[test]
fn an_undo_that_is_not_understood_is_refused() {
    for line in [
        r#"{"do":"explode","node":"n"}"#,
        r#"{"node":"n"}"#,
        r#"{"do":"resume"}"#,
        r#"{"do":"resume","node":"n","more":1}"#,
        r#"{"do":"thaw","node":"n","pid":"7","start":9,"pod":"p"}"#,
    ] {
        assert!(serde_json::from_str::<Act>(line).is_err(), "{line}");
    }
}

#[test]
fn the_scripts_are_valid_shell() {
    for script in scripts() {
        assert!(script.name.starts_with("flinklab-"), "{}", script.name);
        let argv = script.argv("run", &["a"]);
        let checked = Command::new("sh").args(["-n", "-c", &argv[2]]).output();
        let checked = checked.unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{}: {said}", script.name);
        let says = |word| script.text.contains(&format!("echo \"{word} "));
        match script.part {
            Part::Look => {}
            // What moves files says how many instead.
            Part::Break => assert!(
                says("sent") && says("stopped") || says("lost"),
                "{}",
                script.name
            ),
            Part::Undo => assert!(says("undone"), "{}", script.name),
        }
    }
}

/// Runs a script here, with a folder of its own in place of `/run`.
fn run(folder: &Path, name: &str, words: &[&str]) -> Option<i32> {
    let argv = Script::find(name).unwrap().argv("one", words);
    let text = argv[2].replace("/run/", &format!("{}/", folder.display()));
    let mut command = Command::new("sh");
    command.args(["-c", &text]).args(&argv[3..]);
    command.output().unwrap().status.code()
}

#[test]
fn what_lands_after_its_undo_is_refused_by_the_node() {
    let folder = tempfile::tempdir().unwrap();
    let (here, away) = (folder.path().join("here"), folder.path().join("away"));
    std::fs::write(&here, "manifest").unwrap();
    let (from, to) = (here.to_str().unwrap(), away.to_str().unwrap());
    let (aside, back) = ("flinklab-aside", "flinklab-back");
    assert_eq!(run(folder.path(), aside, &[from, to]), Some(0));
    assert!(away.exists() && !here.exists());
    assert_eq!(run(folder.path(), back, &[to, from]), Some(0));
    assert!(here.exists());
    assert_eq!(run(folder.path(), aside, &[from, to]), Some(7));
    assert!(here.exists(), "it stays where it is");
}

/// A simulated node for one double: a process, rules and files, and what was written.
#[derive(Default)]
pub(super) struct Double {
    process: Option<(String, String)>,
    said: Mutex<Vec<String>>,
    rules: Mutex<BTreeMap<String, String>>,
    files: Mutex<BTreeSet<String>>,
}

impl Double {
    pub(super) fn with_process(pid: &str, start: &str) -> Self {
        Self {
            process: Some((pid.to_owned(), start.to_owned())),
            ..Self::default()
        }
    }

    fn say(&self, line: &str) {
        self.said.lock().unwrap().push(line.to_owned());
    }
}

impl SimNode for Double {
    fn out(&self, line: &str) {
        self.say(line);
    }

    fn err(&self, _line: &str) {}

    fn stamp(&self, word: &str) {
        self.say(&format!("{word} 1"));
    }

    fn wait(&self, _least: f64, _most: f64) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn runs(&self, pid: &str, start: &str) -> bool {
        self.process == Some((pid.to_owned(), start.to_owned()))
    }

    fn signal(&self, pid: &str, start: &str, _signal: Signal) -> bool {
        self.runs(pid, start)
    }

    fn drop_packets(&self, mark: &str, address: &str) {
        let mut rules = self.rules.lock().unwrap();
        rules.insert(mark.to_owned(), address.to_owned());
    }

    fn dropped(&self, mark: &str) -> u64 {
        u64::from(self.rules.lock().unwrap().contains_key(mark))
    }

    fn pass_packets(&self, mark: &str) {
        self.rules.lock().unwrap().remove(mark);
    }

    fn write(&self, path: &str) {
        self.files.lock().unwrap().insert(path.to_owned());
    }

    fn has(&self, path: &str) -> bool {
        self.files.lock().unwrap().contains(path)
    }

    fn remove(&self, path: &str) -> bool {
        self.files.lock().unwrap().remove(path)
    }

    fn stop_api_server(&self) {}

    fn start_api_server(&self, _least: f64, _most: f64) {}

    fn shared(&self, _mount: &str) -> Result<Box<dyn SharedFolder + '_>, i64> {
        Err(3)
    }
}

/// A folder in which a verb's real scripts are run, with commands of the test in place of some of the
/// node's, beside their doubles.
pub(super) struct Held {
    pub(super) folder: tempfile::TempDir,
    pub(super) double: Double,
}

impl Held {
    pub(super) fn new(commands: &[(&str, &str)], double: Double) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in commands {
            let path = folder.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { folder, double }
    }

    /// Runs a script and its double: both end with this code, and write lines that begin with these
    /// words, or with a number in place of `N`.
    pub(super) async fn ends(
        &self,
        name: &str,
        run: &str,
        words: &[&str],
        code: i64,
        says: &[&str],
    ) {
        let script = Script::find(name).unwrap();
        let argv = script.argv(run, words);
        let folder = self.folder.path().display();
        let text = argv[2].replace("/run/", &format!("{folder}/"));
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("PATH={folder}:$PATH\n{text}"));
        let real = command.args(&argv[3..]).output().unwrap();
        let err = String::from_utf8_lossy(&real.stderr);
        let out = String::from_utf8_lossy(&real.stdout);
        assert_eq!(
            real.status.code(),
            i32::try_from(code).ok(),
            "{name}: {err}"
        );
        assert_eq!(first_words(out.lines()), says, "{name}");
        let double = (script.double)(&self.double, words).await;
        let said = std::mem::take(&mut *self.double.said.lock().unwrap());
        assert_eq!(double, code, "the double of {name}");
        let said = said.iter().map(String::as_str);
        assert_eq!(first_words(said), says, "the double of {name}");
    }
}

fn first_words<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let first = lines.filter_map(|line| line.split_whitespace().next());
    let number = |word: &str| word.parse::<u64>().is_ok();
    first
        .map(|word| if number(word) { "N" } else { word })
        .collect()
}
