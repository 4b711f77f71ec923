//! Lessons that check themselves: the whole program against a simulated lab.

use crate::program::Program;
use crate::scenarios::{SPEED, Scene, lab_with_short_failures};
use crate::terminal::Terminal;
use flinklab_lab::Lab;
use flinklab_sim::Images;
use serde_json::Value;
use std::io::{BufRead, BufReader};

fn scene() -> Scene {
    let scene = Scene::of(Lab::open("default").unwrap(), SPEED, Images::Present);
    assert_eq!(scene.result(&["up"])["outcome"], "ready");
    scene
}

/// Runs a lesson to its end; what it came to.
fn passes(scene: &Scene, name: &str) {
    let ended = scene.run(&["lesson", name, "--auto"]);
    let result = ended.objects().pop().unwrap()["result"].take();
    assert_eq!(result["verdict"], "PASS", "{}", ended.out);
    assert_eq!(ended.code, 0);
    // what it broke is taken back
    let status = scene.run(&["status"]).objects().remove(0);
    assert_eq!(status["broken"], serde_json::json!([]), "{status}");
}

#[test]
fn lesson_1_2_and_3_pass() {
    let scene = scene();
    for name in ["1", "stop-and-crash", "3-checkpoint"] {
        passes(&scene, name);
    }
}

#[test]
fn lesson_4_passes() {
    passes(&scene(), "4");
}

#[test]
fn lesson_5_passes() {
    passes(&scene(), "zombie");
}

/// Between the last words of one leader and the first of the next there must be time for the undo of
/// the lost pointers, and the program cannot be sped up.
#[test]
fn lesson_6_passes_by_seeing_a_fail() {
    let scene = Scene::of(Lab::open("default").unwrap(), 2.0, Images::Present);
    scene.result(&["up"]);
    passes(&scene, "pointer");
}

#[test]
fn lesson_7_passes() {
    let scene = scene();
    passes(&scene, "savepoint");
    let jobs = scene.run(&["job", "list"]).objects();
    let jobs = jobs.iter().filter(|one| one.get("job").is_some());
    assert_eq!(jobs.count(), 3, "two were resumed");
}

/// A lesson that only one lab can show passes in it.
fn passes_in(lab: &str, name: &str, speed: f64) {
    let scene = Scene::of(Lab::open(lab).unwrap(), speed, Images::Present);
    assert_eq!(scene.result(&["up", "--lab", lab])["outcome"], "ready");
    passes(&scene, name);
}

/// A lease of 6 s that is sped up much more is not kept on a busy machine.
#[test]
fn lesson_8_of_the_fast_lab_passes() {
    passes_in("fast-failover", "8", 2.0);
}

#[test]
fn lesson_8_of_the_lab_in_application_mode_passes() {
    passes_in("application", "8", SPEED);
}

#[test]
fn lesson_8_of_the_lab_with_workers_passes() {
    passes_in("three-nodes", "node", SPEED);
}

/// A lab with one lesson of its own.
fn with_lesson(folder: &std::path::Path, lesson: &str) {
    lab_with_short_failures("default", folder);
    std::fs::create_dir(folder.join("lessons")).unwrap();
    std::fs::write(folder.join("lessons/own.yaml"), lesson).unwrap();
}

#[test]
fn a_lab_that_is_broken_in_the_middle_of_a_lesson_gives_the_hint_and_no_hang() {
    let scene = Scene::of(Lab::open("default").unwrap(), SPEED, Images::Present);
    let folder = tempfile::tempdir().unwrap();
    let lesson = "title: Wait\nsee: Nothing.\nminutes: 1\nsteps:\n  - title: Wait for many\n    text: \
                  They come.\n    check: {checkpoints: 5000, leadership: stays}\n    within: 5m\n    hint: \
                  Somebody else broke the lab.\n";
    with_lesson(folder.path(), lesson);
    scene.result(&["up", "--lab", folder.path().to_str().unwrap()]);
    let mut command = scene
        .program()
        .command(&["lesson", "own", "--auto", "--json"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(first["step"]["state"], "running");
    scene.heals();
    scene.result(&["break", "jm-crash"]);
    let rest: Vec<Value> = lines
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    let result = &rest.last().unwrap()["result"];
    assert_eq!(result["verdict"], "FAIL", "{rest:#?}");
    assert_eq!(result["hint"], "Somebody else broke the lab.");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    // the lab has its lesson wherever it is written out to
    let to = tempfile::tempdir().unwrap();
    let to = to.path().join("copy");
    scene.run(&["lab", "export", "flinklab", to.to_str().unwrap()]);
    let copied = std::fs::read_to_string(to.join("lessons/own.yaml")).unwrap();
    assert_eq!(copied, lesson);
    assert_eq!(std::fs::read_dir(to.join("lessons")).unwrap().count(), 1);
}

#[test]
fn lessons_are_listed_read_and_refused_without_a_lab_or_with_a_mistake() {
    let program = Program::without_docker();
    let listed = program.run(&["lesson", "--json"]);
    assert_eq!(listed.objects().len(), 7, "{}", listed.err);
    let text = program.run(&["lesson", "2"]).out;
    assert!(text.contains("Do: flinklab break jm-stop"), "{text}");
    assert_eq!(program.run(&["lesson", "9"]).code, 2);
    assert_eq!(program.run(&["lesson", "2", "--from", "9"]).code, 2);
    assert_eq!(
        program.run(&["lesson", "2", "--auto", "--read-only"]).code,
        2
    );
    let auto = program.run(&["lesson", "2", "--auto"]);
    assert_eq!(auto.code, 3, "{}{}", auto.out, auto.err);

    // a lab that is exported has them, and a mistake is shown before anything is started
    let folder = tempfile::tempdir().unwrap();
    let lab = folder.path().join("mine");
    let lab = lab.to_str().unwrap();
    assert_eq!(program.run(&["lab", "export", "default", lab]).code, 0);
    let sound = program
        .run(&["lab", "check", lab, "--json"])
        .objects()
        .pop()
        .unwrap();
    assert_eq!(sound["result"]["lessons"], 7);
    let file = folder.path().join("mine/lessons/2-stop-and-crash.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("break: jm-stop", "break: jm-stopp", 1)).unwrap();
    for command in [vec!["lab", "check", lab], vec!["up", "--lab", lab]] {
        let ended = program.run(&[command.as_slice(), &["--json"]].concat());
        assert_eq!(ended.code, 2, "{}", ended.out);
        let error = ended.objects().pop().unwrap()["error"].take();
        assert!(
            error["file"]
                .as_str()
                .unwrap()
                .ends_with("2-stop-and-crash.yaml"),
            "{error}"
        );
        assert_eq!(error["line"], 13, "{error}");
    }
}

#[test]
fn a_folder_may_have_lessons_of_its_own() {
    let program = Program::without_docker();
    let folder = tempfile::tempdir().unwrap();
    lab_with_short_failures("default", folder.path());
    let lab = folder.path().to_str().unwrap();
    let listed = |program: &Program| program.run(&["lesson", "--lab", lab, "--json"]).objects();
    assert_eq!(listed(&program).len(), 7, "the default's");
    let own = "title: Mine\nsee: It.\nminutes: 1\nsteps: [{title: Look, text: Here.}]\n";
    std::fs::create_dir(folder.path().join("lessons")).unwrap();
    std::fs::write(folder.path().join("lessons/mine.yaml"), own).unwrap();
    let all = listed(&program);
    assert_eq!((all.len(), &all[0]["lesson"]["key"]), (1, &"mine".into()));
}

#[test]
fn a_lesson_is_gone_through_beside_the_dashboard_and_gone_on_with_later() {
    let scene = scene();
    let mut terminal = Terminal::open(scene.program(), &["lesson", "1"]);
    terminal.sees_text("Two JobManagers, one leader");
    terminal.sees_text("\u{2713} the lab is healthy");
    terminal.types("n");
    terminal.sees_text("A lease that is renewed");
    terminal.types("q");
    terminal.ends_with(0);
    let listed = scene.run(&["lesson"]).objects();
    assert_eq!(listed[0]["lesson"]["step"], 2);
    let mut terminal = Terminal::open(scene.program(), &["lesson", "1"]);
    terminal.sees_text("A lease that is renewed");
    terminal.types("q");
    terminal.ends_with(0);
}

#[test]
fn a_second_terminal_reads_what_to_say_until_the_first_is_gone() {
    let scene = scene();
    let none = scene.run(&["notes"]);
    assert_eq!(none.code, 3);
    assert!(none.out.contains("no-presenter"), "{}", none.out);
    let mut terminal = Terminal::open(scene.program(), &["lesson", "2", "--present"]);
    terminal.sees_text("Ask the leader to go");
    let socket = scene.program().home().join("flinklab/notes.sock");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !socket.exists() {
        assert!(std::time::Instant::now() < until, "no socket");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let mut command = scene.program().command(&["notes", "--json"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut note = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let first = note();
    assert_eq!(first["note"]["title"], "Ask the leader to go", "{first}");
    assert!(
        first["note"]["say"]
            .as_str()
            .unwrap()
            .contains("Ask for a bet")
    );
    terminal.types("n");
    while note()["note"]["title"] != "Kill the leader" {}
    terminal.types(".");
    terminal.sees("nothing", |screen| screen.contents().trim().is_empty());
    terminal.types("q");
    // the first key only brings the picture back, and quits
    terminal.ends_with(0);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!socket.exists());
}
