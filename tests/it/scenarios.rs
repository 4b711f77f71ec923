//! The whole program against a simulated lab: from nothing over every failure of the catalogue to
//! nothing again. The binary is told an address and nothing else.

use crate::program::{Ended, Program};
use flinklab::failure::{CATALOGUE, Leadership, Restore, find};
use flinklab::lab::Lab;
use flinklab::sim::{Images, Options, Sim};
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::runtime::Runtime;

/// Fast enough to wait for, slow enough that a loaded machine keeps up.
const SPEED: f64 = 10.0;

/// A simulated machine, and the program that finds it.
struct Scene {
    sim: Option<Sim>,
    /// The simulation's own threads: the program is another process.
    runtime: Runtime,
    program: Program,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        self.sim.take();
    }
}

impl Scene {
    fn new(images: Images) -> Self {
        let runtime = Runtime::new().unwrap();
        let lab = Lab::open("default").unwrap();
        let options = Options {
            speed: SPEED,
            images,
            ..Options::new(lab)
        };
        let sim = runtime.block_on(Sim::start(options)).unwrap();
        let program = Program::with_docker(&sim.docker_host());
        Self {
            sim: Some(sim),
            runtime,
            program,
        }
    }

    fn sim(&self) -> &Sim {
        self.sim.as_ref().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let ended = self.program.run(&[arguments, &["--json"]].concat());
        eprintln!("{arguments:?} → {}\n{}{}", ended.code, ended.out, ended.err);
        ended
    }

    fn result(&self, arguments: &[&str]) -> Value {
        let ended = self.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}");
        ended.objects().pop().unwrap()["result"].take()
    }

    fn up() -> Self {
        let scene = Self::new(Images::Present);
        let result = scene.result(&["up"]);
        assert_eq!(result["outcome"], "ready");
        scene
    }

    /// Requests that write something, by face, verb and path.
    fn writes(&self) -> BTreeMap<(String, String, String), u64> {
        let reads = ["GET", "HEAD", "WATCH"];
        let all = self.sim().requests().into_iter();
        // An exec in a node is how a node is asked, too.
        all.filter(|((_, verb, path), _)| {
            !reads.contains(&verb.as_str()) && !path.contains("/exec")
        })
        .collect()
    }
}

fn statement<'a>(result: &'a Value, name: &str) -> &'a Value {
    let all = result["statements"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).unwrap()
}

fn breaks(key: &str) {
    let failure = find(key).unwrap();
    let scene = Scene::up();
    let result = scene.result(&["break", key]);
    assert_eq!(result["verdict"], "PASS", "{result:#}");
    assert_eq!(statement(&result, "hit")["verdict"], "PASS");
    let names: Vec<&str> = result["phases"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|phase| phase["name"].as_str())
        .collect();
    for name in ["sent", "process-gone", "next-checkpoint"] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
    let restored = failure.expect.restore == Restore::Newest;
    let recovery = result["recovery_ms"].as_i64();
    assert_eq!(recovery.is_some_and(|ms| ms > 0), restored, "{result:#}");
    assert_eq!(names.contains(&"tasks-running"), restored, "{names:?}");
    let moved = failure.expect.leadership == Leadership::NewEpoch;
    assert_eq!(names.contains(&"new-epoch"), moved, "{names:?}");
}

/// One scenario an entry, each a test of its own.
macro_rules! scenarios {
    ($($name:ident $key:literal,)*) => {
        $(#[test]
        fn $name() {
            breaks($key);
        })*

        #[test]
        fn every_entry_of_the_catalogue_has_its_scenario() {
            let all: Vec<&str> = CATALOGUE.iter().map(|failure| &*failure.key).collect();
            assert_eq!(all, [$($key),*]);
        }
    };
}

scenarios! {
    jm_stop "jm-stop",
    jm_crash "jm-crash",
    jm_delete "jm-delete",
    standby_stop "standby-stop",
    tm_stop "tm-stop",
    tm_crash "tm-crash",
    tm_delete "tm-delete",
}

#[test]
fn a_lab_is_built_shown_kept_and_removed() {
    let scene = Scene::new(Images::Absent);
    let first = scene.result(&["up"]);
    assert!(
        first["checkpoint"]["id"].as_u64().is_some_and(|id| id > 0),
        "{first:#}"
    );

    let status = scene.run(&["status"]);
    assert_eq!(status.code, 0);
    let status = &status.objects()[0];
    assert_eq!(status["healthy"], true, "{status:#}");
    assert_eq!(status["pods"].as_array().map(Vec::len), Some(4));
    assert_eq!(status["job"]["tasks"]["running"], 4);

    scene.sim().forget_requests();
    scene.result(&["up"]);
    let created: Vec<_> = scene
        .writes()
        .into_keys()
        .filter(|(_, verb, path)| {
            verb == "DELETE" || path.contains("create") || path.contains("/jars")
        })
        .collect();
    assert!(
        created.is_empty(),
        "a second `up` makes nothing: {created:?}"
    );

    scene.result(&["down", "--yes"]);
    assert!(
        scene.program.home().join("flinklab/lab.json").exists(),
        "the data stays"
    );
    scene.result(&["up"]);
    scene.result(&["down", "--purge", "--yes"]);
    assert!(
        !scene.program.home().join("flinklab").exists(),
        "the folder is gone"
    );
}

#[test]
fn status_writes_nothing_and_polls_no_kubernetes_object() {
    let scene = Scene::up();
    scene.sim().forget_requests();
    assert_eq!(scene.run(&["status"]).code, 0);
    assert_eq!(scene.writes(), BTreeMap::new());
    let lists = scene.sim().requests();
    let polled: Vec<_> = lists
        .iter()
        .filter(|((face, verb, path), count)| {
            face == "kubernetes"
                && verb == "GET"
                && **count > 2
                && !path.contains("/proxy/")
                && !path.ends_with("/log")
        })
        .collect();
    assert!(polled.is_empty(), "{polled:?}");
}

/// The whole thread in the terminal: build, aim and fire with two keys, read the verdict.
#[test]
fn two_keys_break_the_leader_and_the_screen_tells_the_verdict() {
    let scene = Scene::up();
    let mut terminal = crate::terminal::Terminal::open(&scene.program, &[]);
    terminal.sees_text("tasks 4/4");
    terminal.sees_text("1 jm-stop");
    terminal.types("x");
    terminal.sees_text("What to break");
    terminal.types("2");
    terminal.sees_text("aimed: jm-crash");
    terminal.sees_text("ready  ✓");
    terminal.types("2");
    terminal.sees_text("◆ jm-crash on");
    terminal.types("t");
    terminal.sees_text("PASS recovered in");
    for words in [
        "new epoch",
        "all tasks run",
        "next checkpoint",
        "leadership",
    ] {
        terminal.sees_text(words);
    }
    terminal.types("q");
}
