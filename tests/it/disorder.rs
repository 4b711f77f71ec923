//! Whatever happens, in whatever order: what can be drawn is left, and nothing of it does
//! harm to a terminal.

use crate::models::{JOB, LEADER, STANDBY, at, map, pods, rest};
use crate::pages::{detail, lived};
use crate::screens::{picture, welcome};
use flinklab_base::fault::Fault;
use flinklab_event::{
    ActiveFailure, Deed, DiskCheckpoint, DiskSample, EffectKind, Event, Finding, Grade, Happening,
    Healed, JobMap, Key, KeyCode, KubeEvent, Link, LogLine, MapChange, NodeSeen, NodeState,
    PodChange, Pointer, PreviousLog, Signal, Source, Stage, Usual, Who,
};
use flinklab_model::Model;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const HOSTILE: &str = "\u{1b}]52;c;c2VjcmV0\u{7}\u{1b}[2J\u{9b}31m\r\n\u{202e}evil\u{0}\u{7f}";

/// One of everything that can happen, some of it hostile.
fn event(kind: u8, number: u64) -> Event {
    let hostile = |text: &str| format!("{text}{HOSTILE}");
    let small = number % 30;
    match kind {
        0 => Event::Tick,
        1 => {
            let mut all = pods();
            all.truncate(usize::try_from(number % 5).unwrap());
            Event::Pods(PodChange::Listed(all))
        }
        2 => {
            let mut pod = pods().remove(usize::try_from(number % 4).unwrap());
            pod.restarts = u32::try_from(number % 7).unwrap();
            pod.ready = number.is_multiple_of(2);
            pod.name = if number.is_multiple_of(9) {
                hostile(&pod.name)
            } else {
                pod.name
            };
            let words = format!("back-off {number}s restarting failed container=x");
            pod.waiting =
                (number.is_multiple_of(3)).then(|| ("CrashLoopBackOff".to_owned(), words));
            pod.last_exit = Some((137, hostile("Error"), Some(moment(number))));
            Event::Pods(PodChange::Applied(pod))
        }
        3 => Event::Pods(PodChange::Deleted {
            uid: pods()[usize::try_from(number % 4).unwrap()].uid.clone(),
        }),
        4 => {
            let leader = if number.is_multiple_of(2) {
                LEADER
            } else {
                STANDBY
            };
            let mut map = map(&format!("{:08x}", number % 6), leader, 60.0);
            if number.is_multiple_of(7)
                && let Some(lock) = &mut map.lock
            {
                lock.holder.clear();
            }
            Event::Map(MapChange::Cluster(map))
        }
        5 => Event::Map(MapChange::Job(JobMap {
            name: format!("flinklab-{JOB}-config-map"),
            job: JOB.to_owned(),
            counter: Some(number),
            pointers: vec![Pointer {
                id: small,
                path: Some(hostile("file:/flink-shared/ha/x")),
                deleting: number.is_multiple_of(2),
            }],
        })),
        6 => Event::Map(MapChange::Deleted {
            name: "flinklab-cluster-config-map".to_owned(),
        }),
        7 => {
            let mut sample = rest(u32::try_from(number % 5).unwrap());
            sample.asked = moment(number);
            if number.is_multiple_of(4) {
                sample.jobs = Err(hostile("gone"));
            }
            Event::Flink(sample)
        }
        8 => Event::Disk(DiskSample {
            job: JOB.to_owned(),
            checkpoints: vec![DiskCheckpoint {
                id: small,
                complete: number.is_multiple_of(2),
                files: 2,
                bytes: number,
                written: Some(moment(number)),
            }],
            ha_files: vec![hostile("x")],
            ha_count: 0,
            more: false,
            shared: None,
            needed: 0,
            missing: Vec::new(),
        }),
        9 => Event::Log(vec![LogLine {
            at: moment(number),
            pod: if number.is_multiple_of(2) {
                LEADER.to_owned()
            } else {
                hostile("?")
            },
            text: hostile("2026-05-04 16:05:00,000 INFO  a.B [] - was granted leadership with "),
            highlight: None,
        }]),
        10 => Event::Kube(KubeEvent {
            at: moment(number),
            warning: number.is_multiple_of(2),
            reason: hostile("Killing"),
            object: LEADER.to_owned(),
            message: hostile("said"),
            count: 2,
        }),
        11 => Event::Link {
            source: [Source::Docker, Source::Api, Source::Flink, Source::Disk]
                [usize::try_from(number % 4).unwrap()],
            link: match number % 3 {
                0 => Link::Live {
                    since: moment(number),
                },
                _ => Link::Lost {
                    since: moment(number),
                    why: hostile("refused"),
                },
            },
        },
        12 => {
            let mut detail = detail();
            detail.exceptions[0].at = moment(number);
            detail.exceptions[0].lines.push(hostile("Caused by: "));
            detail.vertices[0].name = hostile("日本語");
            Event::JobDetail(Box::new(detail))
        }
        13 => Event::Did(Deed {
            what: hostile("did"),
            command: hostile(&format!("kubectl {small}")),
        }),
        14 => Event::Failed {
            effect: match number % 4 {
                0 => EffectKind::Unknown,
                1 => EffectKind::Up,
                2 => EffectKind::Heal,
                _ => EffectKind::Break {
                    run: hostile("r"),
                    failure: "jm-crash".to_owned(),
                },
            },
            fault: Fault::unable("x", hostile("It failed.")),
        },
        15 => Event::Crashed(hostile("a panic")),
        16 => Event::Resize {
            columns: u16::try_from(number % 250).unwrap(),
            rows: u16::try_from(number % 70).unwrap(),
        },
        17 => Event::NoLab {
            name: "flinklab".to_owned(),
        },
        18 => Event::Previous(PreviousLog {
            uid: pods()[0].uid.clone(),
            asked: moment(number),
            lines: Err(hostile("none")),
        }),
        19 => Event::Signal(Signal::Hangup),
        20 => Event::Stage(match number % 3 {
            0 => Stage::Built,
            1 => Stage::Kept,
            _ => Stage::Begun {
                missing: hostile("the job"),
            },
        }),
        21 => Event::Node(NodeSeen {
            name: hostile("node"),
            state: [
                NodeState::Runs,
                NodeState::Paused,
                NodeState::Stopped,
                NodeState::Gone,
            ][usize::try_from(number % 4).unwrap()],
            since: moment(number),
        }),
        22 => Event::ActiveFailures(standing(number)),
        23 => Event::Healed(Healed {
            effect: EffectKind::Heal,
            undone: standing(number / 2),
        }),
        24 => {
            let past = (0..number % 4).map(|n| recorded("saved", number + n));
            let past = past.filter_map(|event| match event {
                Event::Saved(result) => Some(*result),
                _ => None,
            });
            Event::Past(past.collect())
        }
        25 => Event::Usual(Usual {
            ends: [("images".to_owned(), 9.0)].into(),
            seconds: f64::from(u32::try_from(number).unwrap()),
        }),
        26 => Event::Examined {
            findings: vec![Finding {
                topic: "docker".to_owned(),
                title: hostile("Docker"),
                grade: [Grade::Fine, Grade::Warning, Grade::Blocker]
                    [usize::try_from(number % 3).unwrap()],
                found: hostile("found"),
                why: hostile("why").into(),
                hint: hostile("hint").into(),
                who: Some(Who::Root),
            }],
            fixed: Vec::new(),
            need: None,
        },
        27 => recorded("lab", number),
        28 => recorded("failures", number),
        29 => recorded("step", number),
        30 => recorded("done", number),
        31 | 32 => recorded("run", number),
        33 => recorded("saved", number),
        34 => Event::Signal(Signal::Suspend),
        35 => Event::Jumped {
            from: moment(number),
            to: moment(number / 2 + 3),
        },
        36 => Event::Jobs(Box::new(crate::pages_jobs::hostile(HOSTILE, number))),
        37 => Event::Job(crate::pages_jobs::told(HOSTILE, number)),
        38 => Event::Lessons {
            all: crate::pages_lessons::all(HOSTILE),
            wrong: None,
            kept: BTreeMap::new(),
        },
        39 => Event::Note(Box::default()),
        40 => Event::Silence,
        41 => Event::Unrecorded(Fault::unable("recording-ended", "x").why(hostile("full"))),
        _ => {
            let count = u64::try_from(KEYS.chars().count()).unwrap();
            let ctrl = number.is_multiple_of(13);
            let key = KEYS
                .chars()
                .nth(usize::try_from(number % count).unwrap())
                .unwrap();
            let code = match key {
                '\u{1b}' => KeyCode::Esc,
                '\r' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '\u{8}' => KeyCode::Backspace,
                '\u{1}' => KeyCode::PageDown,
                '\u{2}' => KeyCode::PageUp,
                '\u{5}' => KeyCode::Right,
                other => KeyCode::Char(other),
            };
            Event::Key(Key { code, ctrl })
        }
    }
}

/// Kinds below this are events, above it keys.
const KINDS: u8 = 42;
const KEYS: &str =
    "xtclhfd@wy :/&?jkgGTnNmvp1234567890<>\u{1}\u{2}\u{5}qQuU!DoWJsSCrRLabP.\u{1b}\r\r\t\u{8}";

fn standing(number: u64) -> Vec<ActiveFailure> {
    let one = |n: u64| ActiveFailure {
        run: format!("run-{n}"),
        failure: "jm-freeze".to_owned(),
        what: format!("frozen{HOSTILE}"),
        since: moment(number + n),
        deadline: moment(number + 40),
        owner: n.is_multiple_of(2).then_some(7),
    };
    (0..number % 3).map(one).collect()
}

/// What happened in real labs, by its kind.
static RECORDED: LazyLock<BTreeMap<&str, Vec<Event>>> = LazyLock::new(|| {
    let demo = include_bytes!("../../assets/demo.flinklab.gz");
    let demo = flinklab_world::recording::of_bytes("demo", demo).unwrap();
    let mut all: BTreeMap<&str, Vec<Event>> = BTreeMap::new();
    for happening in demo.happenings {
        let events = all.entry(kind(&happening.event)).or_default();
        if events.len() < 200 {
            events.push(happening.event);
        }
    }
    all
});

fn recorded(kind: &str, number: u64) -> Event {
    let events = RECORDED.get(kind);
    let events = events.unwrap_or_else(|| panic!("the demo has no {kind}"));
    events[usize::try_from(number).unwrap() % events.len()].clone()
}

/// A new kind of event does not compile before it has a name here, and fails below before it is
/// made above.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::Tick => "tick",
        Event::Jumped { .. } => "jumped",
        Event::Key(_) => "key",
        Event::Resize { .. } => "resize",
        Event::Signal(_) => "signal",
        Event::Lab(_) => "lab",
        Event::NoLab { .. } => "no-lab",
        Event::Stage(_) => "stage",
        Event::Failures(_) => "failures",
        Event::Step(_) => "step",
        Event::Usual(_) => "usual",
        Event::Done(_) => "done",
        Event::Examined { .. } => "examined",
        Event::Link { .. } => "link",
        Event::Node(_) => "node",
        Event::Pods(_) => "pods",
        Event::Map(_) => "map",
        Event::Kube(_) => "kube",
        Event::Flink(_) => "flink",
        Event::Disk(_) => "disk",
        Event::Log(_) => "log",
        Event::JobDetail(_) => "job-detail",
        Event::Jobs(_) => "jobs",
        Event::Job(_) => "job",
        Event::Lessons { .. } => "lessons",
        Event::Note(_) => "note",
        Event::Silence => "silence",
        Event::Previous(_) => "previous",
        Event::Did(_) => "did",
        Event::Run(_) => "run",
        Event::ActiveFailures(_) => "standing",
        Event::Healed(_) => "healed",
        Event::Past(_) => "past",
        Event::Saved(_) => "saved",
        Event::Failed { .. } => "failed",
        Event::Unrecorded(_) => "unrecorded",
        Event::Crashed(_) => "crashed",
    }
}

/// How many names `kind` has.
const NAMES: usize = 37;

#[test]
fn every_kind_of_event_and_every_key_is_among_those_that_come_in_any_order() {
    let made: BTreeSet<&str> = (0..=KINDS).map(|n| kind(&event(n, 1))).collect();
    assert_eq!(made.len(), NAMES, "{made:?}");
    for binding in flinklab_tui::bindings() {
        for key in binding
            .keys
            .split(' ')
            .filter(|key| key.chars().count() == 1)
        {
            let letter = key.chars().next().unwrap();
            assert!(KEYS.contains(letter) || "jk".contains(letter), "{key}");
        }
    }
}

/// History out of order, now and then far away.
fn moment(number: u64) -> jiff::Timestamp {
    at(f64::from(u32::try_from(number % 200).unwrap()) - 20.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_events_leaves_a_model_that_draws_and_is_inert(
        // keys as often as all else
        happened in prop::collection::vec((0_u8..2 * KINDS, 0_u64..1000), 0..120),
        (columns, rows) in (1_u16..220, 1_u16..70),
    ) {
        let mut scene = if columns % 3 == 0 { welcome() } else { lived() };
        for (kind, number) in happened {
            let happening = Happening { at: moment(number), event: event(kind, number) };
            scene.ui.update(&happening);
        }
        let Model { logs, history, deeds, .. } = &scene.ui.model;
        prop_assert!(logs.lines.len() <= 5000 && history.list.len() <= 1000 && deeds.0.len() <= 300);
        let buffer = picture(&scene.ui, columns, rows);
        let harmful = |cell: &str| cell.contains(flinklab_base::text::harms);
        let found = buffer.content.iter().find(|cell| harmful(cell.symbol()));
        prop_assert!(found.is_none(), "{found:?}");
    }
}
