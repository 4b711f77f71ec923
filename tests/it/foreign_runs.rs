//! Runs of other processes, as their folders tell of them, under an open dashboard: each is judged by
//! its own evidence, and none stays that nobody goes on with.

use crate::models::{Scene, at};
use flinklab_base::fault::Fault;
use flinklab_event::{BreakBegun, Effect, Event, Happening, RunEventKind, RunResult};
use flinklab_lab::failure::{StatementName, Verdict};
use flinklab_model::BreakState;
use flinklab_world::home::Home;
use flinklab_world::journal::Owner;
use flinklab_world::runs::elsewhere::Follower;
use serde_json::json;
use std::io::Write;
use std::process::{Child, Command};

/// A process that stands for another flinklab.
struct Terminal(Child);

impl Terminal {
    fn open() -> Self {
        Self(Command::new("sleep").arg("600").spawn().unwrap())
    }

    fn owner(&self) -> Owner {
        Owner::of(self.0.id()).unwrap()
    }

    /// It is gone, without a word.
    fn killed(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A dashboard, and the folder that other processes write to.
struct Beside {
    scene: Scene,
    follower: Follower,
    home: Home,
    second: f64,
    _folder: tempfile::TempDir,
}

impl Beside {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home {
            folder: folder.path().join("lab"),
            name: "lab".to_owned(),
        };
        home.create().unwrap();
        Self {
            scene: Scene::healthy(),
            follower: Follower::new(home.clone(), &[]),
            home,
            second: 52.0,
            _folder: folder,
        }
    }

    /// The first file of a run.
    fn begins(&self, run: &str, key: &str, owner: &Owner) {
        let model = &self.scene.ui.model;
        let failure = model.failures.iter().find(|it| it.key == key).unwrap();
        let begun = BreakBegun {
            run: run.to_owned(),
            failure: failure.clone(),
            target: model.aim(failure).target.unwrap(),
        };
        let begun = json!({"pid": owner.pid, "start": owner.start, "begun": begun});
        let folder = self.home.runs().join(run);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("begun.json"), begun.to_string()).unwrap();
    }

    /// A line of its events.
    fn notes(&self, run: &str, kind: RunEventKind) {
        let happening = Happening {
            at: at(self.second),
            event: kind.of(run),
        };
        let path = self.home.runs().join(run).join("events.jsonl");
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(path);
        let line = serde_json::to_string(&happening).unwrap();
        writeln!(file.unwrap(), "{line}").unwrap();
    }

    fn sends(&self, run: &str) {
        let sent = RunEventKind::Sent {
            at: at(self.second),
            observer: format!("clock of {run}"),
            resolution_ms: 1,
        };
        self.notes(run, sent);
        self.notes(run, RunEventKind::Hit(Ok(format!("{run} was hit"))));
    }

    /// The dashboard looks at the folder.
    fn looks(&mut self) -> Vec<Effect> {
        self.second += 0.5;
        let events = self.follower.look();
        let at = at(self.second);
        let mut effects = Vec::new();
        for event in events {
            effects.extend(self.scene.ui.update(&Happening { at, event }));
        }
        effects.retain(|effect| matches!(effect, Effect::Save(_)));
        effects
    }

    fn shown(&self) -> Option<&str> {
        let run = self.scene.ui.model.run()?;
        Some(&run.order.run)
    }

    fn said(&self) -> &str {
        let ui = &self.scene.ui;
        ui.screen.notice(ui.model.now).unwrap_or_default()
    }
}

fn hit(result: &RunResult) -> (Verdict, &str) {
    let mut all = result.statements.iter();
    let hit = all.find(|it| it.name == StatementName::Hit).unwrap();
    (hit.verdict, &hit.evidence)
}

#[test]
fn two_runs_in_turn_are_each_told_by_their_own_evidence() {
    let mut beside = Beside::new();
    let first = Terminal::open();
    beside.begins("a-jm-crash", "jm-crash", &first.owner());
    beside.sends("a-jm-crash");
    assert_eq!(beside.looks(), []);
    assert_eq!(beside.shown(), Some("a-jm-crash"));
    let seen = &beside.scene.ui.model.run().unwrap().seen;
    assert_eq!(seen.sent.as_ref().unwrap().observer, "clock of a-jm-crash");
    // Ctrl-C after the hit: no result is ever written. At once another one is fired.
    first.killed();
    let second = Terminal::open();
    beside.begins("b-tm-stop", "tm-stop", &second.owner());
    beside.sends("b-tm-stop");
    assert_eq!(
        beside.looks(),
        [],
        "neither of them is this process's to keep"
    );
    assert_eq!(beside.shown(), Some("b-tm-stop"));
    let seen = &beside.scene.ui.model.run().unwrap().seen;
    assert_eq!(seen.sent.as_ref().unwrap().observer, "clock of b-tm-stop");
    let over = &beside.scene.ui.model.finished;
    assert_eq!(over.len(), 1);
    assert_eq!(
        (over[0].run.as_str(), over[0].verdict),
        ("a-jm-crash", Verdict::Inconclusive)
    );
    assert_eq!(hit(&over[0]), (Verdict::Pass, "a-jm-crash was hit"));
    // What its own process says about the second one is the last word on it.
    let mut result = Scene::recovered().ui.model.finished.pop().unwrap();
    result.run = "b-tm-stop".to_owned();
    let path = beside.home.runs().join("b-tm-stop").join("result.json");
    std::fs::write(path, serde_json::to_string(&result).unwrap()).unwrap();
    beside.looks();
    assert_eq!(beside.scene.ui.model.breaking, BreakState::Idle);
    assert_eq!(beside.scene.ui.model.finished[1], result);
}

#[test]
fn a_run_ends_with_its_process_and_says_so() {
    let mut beside = Beside::new();
    let terminal = Terminal::open();
    beside.begins("a-jm-crash", "jm-crash", &terminal.owner());
    beside.sends("a-jm-crash");
    beside.looks();
    let failure = beside.scene.ui.model.failures[0].clone();
    let against = |beside: &Beside| beside.scene.ui.model.aim(&failure).against;
    assert!(against(&beside)[0].contains("is still observed"));
    terminal.killed();
    beside.looks();
    let words = "jm-crash was broken off: its flinklab ended before it was judged.";
    assert!(beside.said().starts_with(words), "{}", beside.said());
    assert_eq!(beside.scene.ui.model.breaking, BreakState::Idle);
    assert!(!against(&beside).iter().any(|why| why.contains("the run")));
    assert_eq!(beside.looks(), [], "it is told once");
    assert_eq!(beside.scene.ui.model.finished.len(), 1);
}

#[test]
fn what_its_own_process_says_ends_a_run_too() {
    let mut beside = Beside::new();
    let terminal = Terminal::open();
    let owner = terminal.owner();
    beside.begins("a-jm-crash", "jm-crash", &owner);
    let fault = Fault::unable("target-changed", "The pod changed.");
    beside.notes("a-jm-crash", RunEventKind::Refused(fault));
    beside.looks();
    assert_eq!(beside.said(), "jm-crash came to nothing: The pod changed.");
    beside.begins("b-jm-crash", "jm-crash", &owner);
    beside.sends("b-jm-crash");
    let why = "its flinklab was interrupted".to_owned();
    beside.notes("b-jm-crash", RunEventKind::BrokenOff(why));
    beside.looks();
    let words = "jm-crash was broken off: its flinklab was interrupted.";
    assert!(beside.said().starts_with(words), "{}", beside.said());
    // It took all back and let others in, and its verdict is nowhere: its disk was full.
    beside.begins("c-jm-crash", "jm-crash", &owner);
    beside.sends("c-jm-crash");
    beside.looks();
    assert_eq!(beside.shown(), Some("c-jm-crash"));
    beside.notes("c-jm-crash", RunEventKind::Over);
    beside.looks();
    assert!(
        beside.said().contains("kept no result"),
        "{}",
        beside.said()
    );
    assert_eq!(beside.scene.ui.model.breaking, BreakState::Idle);
}

#[test]
fn runs_that_nobody_goes_on_with_take_no_place() {
    let mut beside = Beside::new();
    let terminal = Terminal::open();
    let owner = terminal.owner();
    for n in 0..12 {
        beside.begins(&format!("a{n}-jm-crash"), "jm-crash", &owner);
    }
    beside.looks();
    terminal.killed();
    beside.looks();
    let living = Terminal::open();
    beside.begins("z-jm-crash", "jm-crash", &living.owner());
    beside.looks();
    assert_eq!(beside.shown(), Some("z-jm-crash"));
}

/// After a reboot, or in a container, another process has the number.
#[test]
fn a_process_with_the_same_number_is_not_believed() {
    let mut beside = Beside::new();
    let terminal = Terminal::open();
    let other = Owner {
        start: "1".to_owned(),
        ..terminal.owner()
    };
    beside.begins("a-jm-crash", "jm-crash", &other);
    beside.sends("a-jm-crash");
    beside.looks();
    assert_eq!((beside.shown(), beside.said()), (None, ""));
}

#[test]
fn events_say_which_run_they_are_about() {
    let mut beside = Beside::new();
    let terminal = Terminal::open();
    beside.begins("a-jm-crash", "jm-crash", &terminal.owner());
    beside.sends("a-jm-crash");
    let events = beside.follower.look();
    let of_run = |event: &Event| match event {
        Event::Run(event) => event.run.as_deref() == Some("a-jm-crash"),
        Event::ActiveFailures(_) => true,
        _ => false,
    };
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(of_run), "{events:?}");
}
