//! The whole program against a simulated lab: from nothing over every failure of the catalogue to
//! nothing again. The binary is told an address and nothing else.

use crate::program::{Ended, Program};
use flinklab_base::clock;
use flinklab_base::clock::Clock;
use flinklab_lab::Lab;
use flinklab_lab::failure::{
    Aftershock, CATALOGUE, Failure, Leadership, Need, Restore, Seconds, Verdict, find,
};
use flinklab_sim::{Images, Options, Sim};
use flinklab_verb::verbs::{DELETE_POINTERS, KILL, LOSE_STATE_FILES, PAUSE_NODE};
use flinklab_world::Addresses;
use flinklab_world::home::Home;
use flinklab_world::kube::reading_client;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How much faster than life the lab is.
pub(crate) const SPEED: f64 = 5.0;

/// How much faster than the wall clock the lab and the program live together: fast enough to wait
/// for, slow enough that a loaded machine keeps up with a lab of that speed.
fn rate(speed: f64) -> f64 {
    (10.0 / speed).clamp(1.0, 3.0)
}

/// A simulated machine, and the program that finds it.
pub(crate) struct Scene {
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
        Self::at(SPEED, images)
    }

    fn at(speed: f64, images: Images) -> Self {
        Self::of(Lab::open("default").unwrap(), speed, images)
    }

    /// A machine for that lab.
    pub(crate) fn of(lab: Lab, speed: f64, images: Images) -> Self {
        Self::with(lab, Vec::new(), speed, images)
    }

    /// A machine for several labs: each for the cluster whose name ends in its own.
    pub(crate) fn with(lab: Lab, others: Vec<Lab>, speed: f64, images: Images) -> Self {
        Self::by(Clock::at_rate(rate(speed)), lab, others, speed, images)
    }

    /// The same, living by a clock of its own.
    pub(crate) fn by(clock: Clock, lab: Lab, others: Vec<Lab>, speed: f64, images: Images) -> Self {
        clock::set_of_thread(clock);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .on_thread_start(move || clock::set_of_thread(clock))
            .enable_all()
            .build()
            .unwrap();
        let options = Options {
            speed,
            images,
            others,
            ..Options::new(lab)
        };
        let sim = runtime.block_on(Sim::start(options)).unwrap();
        let program = Program::with_docker(&sim.docker_host()).by(clock);
        Self {
            sim: Some(sim),
            runtime,
            program,
        }
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn sim(&self) -> &Sim {
        self.sim.as_ref().unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let ended = self.program.run(&[arguments, &["--json"]].concat());
        eprintln!("{arguments:?} → {}\n{}{}", ended.code, ended.out, ended.err);
        ended
    }

    /// Starts it and does not wait for it.
    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.program.command(arguments);
        command.stdout(Stdio::piped()).spawn().unwrap()
    }

    pub(crate) fn result(&self, arguments: &[&str]) -> Value {
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

    /// Waits until the lab is healthy.
    pub(crate) fn heals(&self) {
        let deadline = Instant::now() + Duration::from_secs(90);
        while self.run(&["status"]).objects()[0]["healthy"] != true {
            assert!(Instant::now() < deadline, "the lab does not heal");
        }
    }

    /// Waits until something is applied that must be taken back.
    fn breaks(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while broken(&self.run(&["status"])) == 0 {
            assert!(Instant::now() < deadline, "it is never applied");
        }
    }

    /// Whether a config map of the lab points to a checkpoint.
    fn has_pointers(&self) -> bool {
        let addresses = Addresses::new(self.program.home(), self.program.home());
        let home = Home::of(&addresses, "flinklab");
        self.runtime.block_on(async {
            let client = reading_client(&home).await.unwrap();
            let maps: kube::Api<ConfigMap> = kube::Api::namespaced(client, "flink");
            let all = maps.list(&Default::default()).await.unwrap();
            let mut data = all.items.into_iter().filter_map(|map| map.data).flatten();
            data.any(|(key, _)| key.starts_with("checkpointID-"))
        })
    }

    /// Requests that may write something, by face, verb and path. An exec may do anything,
    /// whatever verb it is asked for with.
    fn writes(&self) -> BTreeMap<(String, String, String), u64> {
        let reads = ["GET", "HEAD", "WATCH"];
        let all = self.sim().requests().into_iter();
        all.filter(|((_, verb, path), _)| !reads.contains(&verb.as_str()) || path.contains("/exec"))
            .collect()
    }
}

pub(crate) fn statement<'a>(result: &'a Value, name: &str) -> &'a Value {
    let all = result["statements"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).unwrap()
}

/// A lab whose own failures are the lasting ones of the catalogue with a time that fits the
/// simulation's speed.
pub(crate) fn lab_with_short_failures(name: &str, folder: &Path) {
    let lab = Lab::open(name).unwrap();
    let own: Vec<Failure> = CATALOGUE
        .iter()
        .filter_map(|failure| {
            let lasts = f64::from(failure.lasts?.0) / SPEED;
            let aftershock = match failure.aftershock()? {
                Aftershock::Within(seconds) => Some(Seconds(seconds.0.div_ceil(SPEED as u32))),
                Aftershock::UntilRenewed => None,
            };
            Some(Failure {
                aftershock,
                key: format!("short-{}", failure.key).into(),
                lasts: Some(Seconds(lasts.ceil() as u32 + 1)),
                ..failure.clone()
            })
        })
        .collect();
    write_lab(&lab, &own, folder);
}

/// Writes a lab with these failures of its own.
fn write_lab(lab: &Lab, own: &[Failure], folder: &Path) {
    for (name, text) in &lab.files {
        // YAML has JSON in it.
        let own = format!("failures: {}", serde_json::to_string(own).unwrap());
        let text = match name.as_str() {
            "lab.yaml" => text.replace("failures: []", &own),
            _ => text.clone(),
        };
        std::fs::write(folder.join(name), text).unwrap();
    }
}

fn broken(status: &Ended) -> usize {
    status.objects()[0]["broken"].as_array().unwrap().len()
}

/// The lab in which a failure can be had.
fn base_of(failure: &Failure) -> &'static str {
    let needs = |need| failure.needs.contains(&need);
    match (needs(Need::StateFiles), needs(Need::Worker)) {
        (true, _) => "rocksdb",
        (_, true) => "three-nodes",
        (false, false) => "default",
    }
}

/// Breaks a healthy lab and reads the verdict; afterwards nothing is applied and the lab heals by
/// itself to five good samples.
fn breaks(key: &str) {
    let failure = find(key).unwrap();
    // Between the last words of one leader and the first of the next there must be time for the
    // undo of the lost pointers, and the program cannot be sped up.
    let slow = failure.steps.contains(&DELETE_POINTERS);
    let speed = if slow { 2.0 } else { SPEED };
    let base = base_of(failure);
    let scene = Scene::of(Lab::open(base).unwrap(), speed, Images::Present);
    let folder = tempfile::tempdir().unwrap();
    lab_with_short_failures(base, folder.path());
    let lab = folder.path().to_str().unwrap();
    scene.result(&["up", "--lab", lab]);
    breaks_in(&scene, failure);
}

/// The same in a lab that is there; what the run came to.
pub(crate) fn breaks_in(scene: &Scene, failure: &Failure) -> Value {
    let key = &failure.key;
    let key = match failure.lasts {
        Some(_) => format!("short-{key}"),
        None => key.to_string(),
    };
    let ended = scene.run(&["break", &key]);
    let result = ended.objects().pop().unwrap()["result"].take();
    let expected = failure.expect.verdict();
    assert_eq!(result["verdict"], expected.to_string(), "{result:#}");
    assert_eq!(result["expected"], expected.to_string());
    assert_eq!(ended.code, i32::from(expected != Verdict::Pass));
    assert_eq!(statement(&result, "hit")["verdict"], "PASS");
    for name in failure.expect.fails.iter() {
        let name = serde_json::to_value(name).unwrap();
        // Only some labs have every statement.
        let all = result["statements"].as_array().unwrap();
        let has = all.iter().any(|one| one["name"] == name);
        assert!(has || name == "exact", "{result:#}");
        if has {
            let said = statement(&result, name.as_str().unwrap());
            assert_eq!(said["verdict"], "FAIL", "{result:#}");
        }
    }
    let names: Vec<&str> = result["phases"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|phase| phase["name"].as_str())
        .collect();
    assert!(names.contains(&"sent"), "{names:?}");
    assert!(
        names.contains(&"next-checkpoint") || expected == Verdict::Fail,
        "{names:?}"
    );
    assert_eq!(
        names.contains(&"undone"),
        failure.lasts.is_some(),
        "{names:?}"
    );
    if failure.expect.leadership != Leadership::MayMove {
        let moved = failure.expect.leadership == Leadership::NewEpoch;
        assert_eq!(names.contains(&"new-epoch"), moved, "{names:?}");
    }
    if failure.expect.restore == Restore::None {
        assert!(result["recovery_ms"].is_null(), "{result:#}");
    }
    let status = scene.run(&["status"]);
    assert_eq!(broken(&status), 0, "{}", status.out);
    let healed = scene.result(&["heal"]);
    assert_eq!(healed["undone"].as_array().map(Vec::len), Some(0));
    scene.heals();
    result
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
    jm_freeze "jm-freeze",
    jm_partition "jm-partition",
    tm_freeze "tm-freeze",
    all_jm_crash "all-jm-crash",
    scale_to_zero "scale-to-zero",
    api_outage "api-outage",
    rbac_loss "rbac-loss",
    checkpoint_unwritable "checkpoint-unwritable",
    pointer_lost "pointer-lost",
    state_file_lost "state-file-lost",
    node_stop "node-stop",
}

/// Killed in the middle, the program leaves a lab that `status` names as broken, and whichever
/// command that writes comes next mends it.
fn killed(key: &str) {
    let failure = find(key).unwrap();
    // A node that is paused for long loses its pods to the other one, and they stay there.
    let slow = [DELETE_POINTERS, PAUSE_NODE];
    let slow = failure.steps.iter().any(|step| slow.contains(step));
    let speed = if slow { 2.0 } else { SPEED };
    let base = base_of(failure);
    // While the test asks for the status, the pods of a paused node must not be given up.
    let clock = if failure.steps.contains(&PAUSE_NODE) {
        Clock::WALL
    } else {
        Clock::at_rate(rate(speed))
    };
    let lab = Lab::open(base).unwrap();
    let scene = Scene::by(clock, lab, Vec::new(), speed, Images::Present);
    scene.result(&["up", "--lab", base]);
    for mender in [&["heal"][..], &["up"], &["break", "standby-stop"]] {
        scene.heals();
        let mut first = scene.start(&["break", key, "--json"]);
        scene.breaks();
        first.kill().unwrap();
        first.wait().unwrap();
        let status = scene.run(&["status"]).objects().remove(0);
        assert_eq!(status["broken"][0]["failure"], key, "{status:#}");
        assert!(status["broken"][0]["owner"].is_null(), "{status:#}");
        let ended = scene.run(mender);
        assert_eq!(ended.code, 0, "{key}, then {mender:?}");
        assert_eq!(broken(&scene.run(&["status"])), 0, "{key}, then {mender:?}");
    }
    scene.heals();
}

/// One for each entry with an undo of ours, each a test of its own.
macro_rules! killed {
    ($($name:ident $key:literal,)*) => {
        $(#[test]
        fn $name() {
            killed($key);
        })*

        #[test]
        fn every_entry_that_must_be_undone_is_killed_in_the_middle() {
            let all: Vec<&str> = CATALOGUE
                .iter()
                .filter(|failure| failure.is_undone_by_us())
                .map(|failure| &*failure.key)
                .collect();
            assert_eq!(all, [$($key),*]);
        }
    };
}

killed! {
    killed_jm_freeze "jm-freeze",
    killed_jm_partition "jm-partition",
    killed_tm_freeze "tm-freeze",
    killed_scale_to_zero "scale-to-zero",
    killed_api_outage "api-outage",
    killed_rbac_loss "rbac-loss",
    killed_checkpoint_unwritable "checkpoint-unwritable",
    killed_pointer_lost "pointer-lost",
    killed_state_file_lost "state-file-lost",
    killed_node_stop "node-stop",
}

/// What an earlier step took away stays in the journal when a later one writes its own undo down.
#[test]
fn each_step_of_a_failure_is_taken_back() {
    let own = Failure {
        key: "both-lost".into(),
        steps: vec![LOSE_STATE_FILES, DELETE_POINTERS, KILL].into(),
        ..find("state-file-lost").unwrap().clone()
    };
    let lab = Lab::open("rocksdb").unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_lab(&lab, &[own], folder.path());
    let scene = Scene::of(lab, 2.0, Images::Present);
    scene.result(&["up", "--lab", folder.path().to_str().unwrap()]);
    let ended = scene.run(&["break", "both-lost"]);
    assert_eq!(ended.code, 1, "the state was lost: {}", ended.out);
    let shared = scene.program.home().join("flinklab/shared/checkpoints");
    let jobs = std::fs::read_dir(shared)
        .unwrap()
        .map(|job| job.unwrap().path());
    let files = jobs.flat_map(|job| std::fs::read_dir(job).unwrap());
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let aside: Vec<String> = names
        .filter(|name| name.starts_with(".flinklab-"))
        .collect();
    assert_eq!(
        aside,
        Vec::<String>::new(),
        "the files of the state are back"
    );
    scene.heals();
}

/// A JobManager that finds a pointer to a file that is gone ends itself, again and again: such
/// pointers are not put back. The job goes on from the newest checkpoint, under an id of its own.
#[test]
fn pointers_to_a_file_that_is_gone_are_not_put_back() {
    let scene = Scene::at(2.0, Images::Present);
    scene.result(&["up"]);
    let status = || scene.run(&["status"]).objects().remove(0);
    let before = status()["job"]["id"].clone();
    let first = scene.start(&["break", "pointer-lost", "--json"]);
    scene.breaks();
    let folder = scene.program.home().join("flinklab/shared/ha/flinklab");
    let deadline = Instant::now() + Duration::from_secs(60);
    while scene.has_pointers() {
        assert!(Instant::now() < deadline, "the pointers are deleted");
    }
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains("completedCheckpoint") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let ended = first.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "the state was lost");
    let after = status();
    assert_eq!(
        after["broken"].as_array().map_or(0, Vec::len),
        0,
        "{after:#}"
    );
    assert_ne!(after["job"]["id"], before, "{after:#}");
    scene.heals();
}

/// Killed in the middle of a timed failure, the program leaves a lab that `status` names as broken;
/// another break is refused by name meanwhile, and `heal` mends it.
#[test]
fn a_killed_break_is_named_by_status_and_mended_by_heal() {
    let scene = Scene::up();
    let mut first = scene.start(&["break", "jm-freeze", "--json"]);
    let until = |what: &str, seen: &dyn Fn(&Value) -> bool| {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let status = scene.run(&["status"]).objects().remove(0);
            if seen(&status) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: {status:#}");
        }
    };
    until("it is applied", &|status| {
        status["broken"][0]["failure"] == "jm-freeze"
    });
    let second = scene.run(&["break", "tm-stop", "--force"]);
    assert_eq!(second.code, 3);
    assert!(
        second.out.contains("jm-freeze"),
        "refused by name: {}",
        second.out
    );
    first.kill().unwrap();
    first.wait().unwrap();
    until("nobody owns it", &|status| {
        status["broken"][0]["owner"].is_null()
    });
    let healed = scene.result(&["heal"]);
    assert_eq!(healed["undone"][0]["failure"], "jm-freeze");
    until("it is taken back", &|status| {
        status["broken"].as_array().unwrap().is_empty()
    });
    assert_eq!(
        scene.result(&["heal"])["undone"].as_array().map(Vec::len),
        Some(0)
    );
    // One that is interrupted says so to those who watch: nobody will judge its run.
    let mut third = scene.start(&["break", "jm-freeze", "--force", "--json"]);
    until("it is applied again", &|status| {
        status["broken"][0]["failure"] == "jm-freeze"
    });
    let interrupt = rustix::process::Signal::INT;
    rustix::process::kill_process(rustix::process::Pid::from_child(&third), interrupt).unwrap();
    assert_eq!(third.wait().unwrap().code(), Some(130));
    let runs = std::fs::read_dir(scene.program.home().join("flinklab/runs")).unwrap();
    let newest = runs.map(|run| run.unwrap().path()).max().unwrap();
    let noted = std::fs::read_to_string(newest.join("events.jsonl")).unwrap();
    assert!(noted.contains("\"broken-off\""), "{noted}");
    assert!(!newest.join("result.json").exists());
}

/// A healed run proves nothing, and its owner takes it back itself when it is asked.
#[test]
fn a_run_that_is_healed_from_outside_is_inconclusive() {
    let scene = Scene::up();
    let first = scene.start(&["break", "checkpoint-unwritable", "--json"]);
    scene.breaks();
    scene.result(&["heal"]);
    let ended = first.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(
        text.contains("INCONCLUSIVE") && text.contains("healed from outside"),
        "{text}"
    );
    assert_eq!(ended.status.code(), Some(1));
}

/// An API server may take longer to stop than somebody waits who heals: the owner is asked then as
/// well, takes it back itself, and knows that its run proves nothing.
#[test]
fn a_failure_is_healed_while_it_is_still_being_applied() {
    let scene = Scene::up();
    scene.heals();
    scene.sim().set_speed(0.2);
    let first = scene.start(&["break", "api-outage", "--force", "--json"]);
    scene.breaks();
    scene.result(&["heal"]);
    scene.sim().set_speed(SPEED);
    let ended = first.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(
        text.contains("INCONCLUSIVE") && text.contains("healed from outside"),
        "{text}"
    );
    assert_eq!(broken(&scene.run(&["status"])), 0);
}

/// An undo that fails is tried again, by the same program, until it is done.
#[test]
fn an_undo_that_fails_is_not_given_up() {
    let scene = Scene::new(Images::Present);
    let folder = tempfile::tempdir().unwrap();
    lab_with_short_failures("default", folder.path());
    scene.result(&["up", "--lab", folder.path().to_str().unwrap()]);
    let mut first = scene.start(&["break", "short-checkpoint-unwritable"]);
    let mut said = BufReader::new(first.stdout.take().unwrap()).lines();
    let mut text = String::new();
    while !text.contains("hit: ") {
        text += &said.next().expect("it goes on").unwrap();
    }
    scene.sim().docker_down();
    // Its time is over, and it has tried.
    while !text.contains("not taken back yet") {
        text += &said.next().expect("it goes on").unwrap();
    }
    assert_eq!(
        broken(&scene.run(&["status"])),
        1,
        "nobody can take it back"
    );
    scene.sim().docker_up();
    said.for_each(|line| text += &line.unwrap());
    first.wait().unwrap();
    assert!(
        text.contains("not taken back yet, and tried again"),
        "{text}"
    );
    assert_eq!(broken(&scene.run(&["status"])), 0);
}

#[test]
fn a_dry_run_writes_nothing() {
    let scene = Scene::up();
    let can = |failure: &&Failure| base_of(failure) == "default";
    for failure in CATALOGUE.iter().filter(can) {
        scene.sim().forget_requests();
        let ended = scene.run(&["break", &failure.key, "--dry-run"]);
        assert_eq!(ended.code, 0, "{}", ended.out);
        assert_eq!(scene.writes(), BTreeMap::new(), "{}", failure.key);
    }
    let journal = scene.program.home().join("flinklab/journal");
    assert_eq!(std::fs::read_dir(journal).unwrap().count(), 0);
}

#[test]
fn what_was_asked_for_is_checked_before_anything_is_done() {
    let scene = Scene::up();
    for (arguments, words) in [
        (&["break", "jm-crash", "--for", "10s"][..], "over at once"),
        (&["break", "jm-freeze", "--for", "10s"], "less than 35 s"),
        (
            &["break", "jm-freeze", "--for", "6m", "--force"],
            "longer than 300 s",
        ),
        (&["break", "jm-frieze"], "jm-freeze"),
    ] {
        let ended = scene.run(arguments);
        assert_eq!(ended.code, 2, "{arguments:?}");
        assert!(ended.out.contains(words), "{}", ended.out);
    }
    let ended = scene.run(&["break", "tm-stop", "--target", "nobody"]);
    assert_eq!(ended.code, 3);
    assert!(
        ended.out.contains("nobody is no TaskManager"),
        "{}",
        ended.out
    );
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
