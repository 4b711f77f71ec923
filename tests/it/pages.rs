//! Pages, palette and keys: pictures of every page in the states that matter at three sizes, what
//! keys do on them, and that nothing that can happen leaves a model that cannot be drawn.

use crate::models::{JOB, LEADER, STANDBY, Scene, at, map, pods, rest};
use crate::screens::{ansi, drawn, picture, welcome};
use flinklab::fault::Fault;
use flinklab::model::{
    Attention, Condition, Deed, DiskCheckpoint, DiskSample, Effect, Event, Happening, JobDetail,
    JobException, JobMap, Key, KeyCode, KubeEvent, Link, LogLine, MapChange, Model, Page,
    PodChange, PodDetail, Pointer, PreviousLog, Signal, Source, Tasks, ThemeName, Vertex, update,
};
use proptest::prelude::*;

/// A lab that recovered, with all that its pages show.
fn lived() -> Scene {
    let mut scene = Scene::recovered();
    let mut rows = pods();
    rows[0].restarts = 1;
    rows[0].last_exit = Some((137, "Error".to_owned(), Some(at(53.0))));
    *rows[0].detail = PodDetail {
        container: "jobmanager".to_owned(),
        image: "flink:2.2.1-scala_2.12-java17".to_owned(),
        arguments: "jobmanager -D jobmanager.rpc.address=$(POD_IP)".to_owned(),
        started: Some(at(60.0)),
        requests: vec!["cpu 250m".to_owned(), "memory 700Mi".to_owned()],
        limits: vec!["memory 1Gi".to_owned()],
        mounts: vec!["/flink-shared from claim flink-shared".to_owned()],
        owner: Some("ReplicaSet flinklab-jobmanager-7f9c6d5b8".to_owned()),
        account: Some("flink".to_owned()),
        conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"]
            .map(|name| Condition {
                name: name.to_owned(),
                status: "True".to_owned(),
                reason: String::new(),
                since: Some(at(61.0)),
            })
            .to_vec(),
    };
    scene.at(80.3, Event::Pods(PodChange::Listed(rows)));
    scene.at(80.4, Event::JobDetail(Box::new(detail())));
    for (what, command) in [
        ("Pods, as they change", "kubectl get pods -n flink --watch"),
        (
            "The files of the checkpoints",
            "ls -l '/home/you/flinklab/shared/checkpoints'",
        ),
    ] {
        let (what, command) = (what.to_owned(), command.to_owned());
        scene.at(80.5, Event::Did(Deed { what, command }));
    }
    scene.rest(82.0, 4);
    scene.at(82.1, Event::Tick);
    scene
}

fn detail() -> JobDetail {
    let vertex = |name: &str| Vertex {
        name: name.to_owned(),
        state: "RUNNING".to_owned(),
        tasks: Tasks {
            running: 2,
            total: 2,
        },
        started: Some(at(71.0)),
        states: vec![("RUNNING".to_owned(), 2)],
    };
    JobDetail {
        job: JOB.to_owned(),
        vertices: vec![
            vertex("Source: Events Generator Source"),
            vertex("Flat Map -> Sink: Print to Std. Out"),
        ],
        exceptions: vec![JobException {
            at: at(53.2),
            task: "Source: Events Generator Source (1/2) - execution #1".to_owned(),
            worker: "10.244.0.7:6122".to_owned(),
            lines: [
                "org.apache.flink.runtime.JobException: Recovery is suppressed",
                "\tat org.apache.flink.runtime.executiongraph.Failover.handle(Failover.java:139)",
                "Caused by: java.util.concurrent.TimeoutException: Heartbeat of TaskManager timed out.",
            ]
            .map(str::to_owned)
            .to_vec(),
        }],
    }
}

/// The keys that lead to each page.
fn pages() -> Vec<(&'static str, Scene)> {
    let with = |mut scene: Scene, keys: &str| {
        scene.keys(keys);
        scene
    };
    let pod = with(lived(), "d<");
    let mut palette = with(lived(), ":");
    palette.keys("check");
    let mut paused = with(Scene::leader_lost(), " ");
    paused.at(
        67.0,
        Event::Did(Deed {
            what: "Something".to_owned(),
            command: "else".to_owned(),
        }),
    );
    vec![
        ("dashboard", lived()),
        ("dashboard-leader-lost", Scene::leader_lost()),
        ("dashboard-api-lost", Scene::api_lost()),
        ("pod", pod),
        ("pod-empty", with(Scene::healthy(), "d")),
        ("job", with(lived(), "f")),
        ("job-waits", with(Scene::healthy(), "f")),
        ("checkpoints", with(lived(), "c")),
        ("checkpoints-api-lost", with(Scene::api_lost(), "c")),
        ("history", with(lived(), "h")),
        ("history-nothing", with(Scene::healthy(), "h")),
        ("log", with(lived(), "l")),
        ("log-filtered", with(lived(), "l&restoring")),
        ("commands", with(lived(), "@")),
        ("palette", palette),
        ("help", with(lived(), "l?")),
        ("paused", paused),
    ]
}

#[test]
fn every_page_at_three_sizes() {
    for (name, scene) in pages() {
        for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
            let text = drawn(&scene.model, columns, rows).to_string();
            insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), text);
        }
    }
}

#[test]
fn pages_can_be_looked_at_in_every_theme() {
    let Some(folder) = std::env::var_os("FLINKLAB_SCREENS") else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    for (name, mut scene) in pages() {
        for theme in ThemeName::ALL {
            scene.model.screen.looks.theme = theme;
            for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
                let file = format!("{name}-{}-{columns}x{rows}.ansi", theme.text());
                let bytes = ansi(&picture(&scene.model, columns, rows));
                std::fs::write(folder.join(file), bytes).unwrap();
            }
        }
    }
}

#[test]
fn every_page_fits_every_size() {
    for (_, scene) in pages() {
        for columns in [1, 2, 3, 59, 60, 61, 79, 80, 81, 119, 120, 149, 150, 200] {
            for rows in [1, 2, 14, 15, 16, 22, 23, 24, 36, 40, 60] {
                picture(&scene.model, columns, rows);
            }
        }
    }
}

#[test]
fn enter_opens_and_esc_goes_back_everywhere() {
    for (panel, page) in [
        ('1', Page::Pod),
        ('2', Page::History),
        ('3', Page::Checkpoints),
        ('4', Page::Run),
        ('5', Page::Log),
    ] {
        let mut scene = lived();
        scene.keys(&panel.to_string());
        scene.key(KeyCode::Enter);
        assert_eq!(scene.model.screen.page, page);
        scene.key(KeyCode::Esc);
        assert_eq!(scene.model.screen.page, Page::Dashboard);
    }
    let mut scene = lived();
    scene.keys("clh@?");
    for page in [
        Page::Commands,
        Page::History,
        Page::Log,
        Page::Checkpoints,
        Page::Dashboard,
    ] {
        scene.key(KeyCode::Esc);
        assert_eq!(scene.model.screen.page, page);
    }
}

#[test]
fn what_is_typed_is_no_command() {
    let mut scene = lived();
    scene.keys("l/quit x q");
    assert!(scene.model.ended.is_none());
    assert_eq!(scene.model.screen.find, "quit x q");
    scene.key(KeyCode::Esc);
    assert_eq!(scene.model.screen.page, Page::Log);
    scene.keys("q");
    assert!(scene.model.ended.is_some());
}

#[test]
fn words_are_found_one_after_the_other() {
    let mut scene = lived();
    scene.keys("l/granted");
    scene.key(KeyCode::Enter);
    let first = scene.model.screen.log_back;
    scene.keys("n");
    let second = scene.model.screen.log_back;
    assert!(second > first, "{first} {second}");
    scene.keys("n");
    assert_eq!(scene.model.screen.log_back, first, "round and round");
    scene.keys("N");
    assert_eq!(scene.model.screen.log_back, second);
}

#[test]
fn the_palette_opens_pods_and_does_what_keys_do() {
    let mut scene = lived();
    scene.keys(":fghij");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.model.screen.page, Page::Pod);
    let uid = scene.model.screen.pod.clone().unwrap();
    assert_eq!(scene.model.cluster.pods[&uid].name, STANDBY);
    scene.keys(":quit");
    scene.key(KeyCode::Enter);
    assert!(scene.model.ended.is_some());
}

#[test]
fn a_picture_held_still_does_not_move_but_everything_is_kept() {
    let mut scene = lived();
    scene.keys(" ");
    let before = drawn(&scene.model, 80, 24).to_string();
    scene.log(83.0, LEADER, "something new", None);
    let after = drawn(&scene.model, 80, 24).to_string();
    let rows = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&before), rows(&after));
    assert!(after.contains("PAUSED +1"), "{after}");
    assert!(
        scene
            .model
            .logs
            .lines
            .back()
            .unwrap()
            .text
            .contains("something new")
    );
    scene.keys(" ");
    assert!(
        drawn(&scene.model, 80, 24)
            .to_string()
            .contains("something new")
    );
}

#[test]
fn the_address_and_what_is_chosen_are_copied() {
    let mut scene = lived();
    scene.keys("w");
    let copied = |scene: &Scene| scene.model.screen.copied.clone().unwrap();
    assert_eq!(copied(&scene), (1, "http://127.0.0.1:30081".to_owned()));
    scene.keys("@y");
    assert_eq!(copied(&scene).0, 2);
    assert!(copied(&scene).1.starts_with("ls -l"));
}

#[test]
fn the_job_is_looked_at_closely_only_while_its_page_is_open() {
    let mut scene = lived();
    let open = scene.key(KeyCode::Char('f'));
    assert_eq!(open, vec![Effect::Attend(Attention::Job)]);
    let close = scene.key(KeyCode::Esc);
    assert_eq!(close, vec![Effect::Attend(Attention::Usual)]);
}

#[test]
fn the_log_before_a_restart_is_asked_for_and_shown() {
    let mut scene = lived();
    let asked = scene.key(KeyCode::Char('p'));
    let [Effect::Previous(pod)] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    let uid = pod.uid.clone();
    let line = LogLine {
        at: at(52.9),
        pod: pod.name.clone(),
        text: "its last words".to_owned(),
        highlight: None,
    };
    scene.at(
        83.0,
        Event::Previous(PreviousLog {
            uid,
            asked: at(82.9),
            lines: Ok(vec![line]),
        }),
    );
    assert!(
        drawn(&scene.model, 80, 60)
            .to_string()
            .contains("its last words")
    );
}

#[test]
fn history_tells_a_failover_in_order() {
    let scene = lived();
    let told: Vec<String> = scene
        .model
        .moments
        .list
        .iter()
        .map(|moment| moment.what.clone())
        .collect();
    let place = |words: &str| {
        let found = told.iter().position(|what| what.contains(words));
        found.unwrap_or_else(|| panic!("no `{words}` in {told:#?}"))
    };
    let order = [
        "epoch 1 begins",
        "jm-crash sent",
        "epoch 2 begins",
        "restored from checkpoint 25",
    ];
    let places = order.map(place);
    assert!(places.is_sorted(), "{told:#?}");
    place("all 4 tasks run again");
}

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
        14 => Event::Failed(Fault::unable("x", hostile("It failed."))),
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
        _ => {
            let keys = "xtclhfd@wy :/&?jkgGTnNmvp123450<>aeq\u{1b}\r\t\u{8}";
            let count = u64::try_from(keys.chars().count()).unwrap();
            let key = keys
                .chars()
                .nth(usize::try_from(number % count).unwrap())
                .unwrap();
            let code = match key {
                '\u{1b}' => KeyCode::Esc,
                '\r' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '\u{8}' => KeyCode::Backspace,
                'a' => KeyCode::PageDown,
                'e' => KeyCode::Right,
                other => KeyCode::Char(other),
            };
            Event::Key(Key { code, ctrl: false })
        }
    }
}

/// Moments out of order, now and then far away.
fn moment(number: u64) -> jiff::Timestamp {
    at(f64::from(u32::try_from(number % 200).unwrap()) - 20.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_events_leaves_a_model_that_draws_and_is_inert(
        // keys as often as all else
        happened in prop::collection::vec((0_u8..40, 0_u64..1000), 0..120),
        (columns, rows) in (1_u16..220, 1_u16..70),
    ) {
        let mut scene = if columns % 3 == 0 { welcome() } else { lived() };
        for (kind, number) in happened {
            let happening = Happening { at: moment(number), event: event(kind, number) };
            update(&mut scene.model, &happening);
        }
        let Model { logs, moments, deeds, .. } = &scene.model;
        prop_assert!(logs.lines.len() <= 5000 && moments.list.len() <= 1000 && deeds.0.len() <= 300);
        let buffer = picture(&scene.model, columns, rows);
        let harmful = |cell: &str| cell.chars().any(|letter| letter.is_control() || letter == '\u{202e}');
        let found = buffer.content.iter().find(|cell| harmful(cell.symbol()));
        prop_assert!(found.is_none(), "{found:?}");
    }
}
