//! Pages, palette and keys: pictures of every page in the states that matter at three sizes, and what
//! keys do on them.

use crate::models::{JOB, LEADER, STANDBY, Scene, at, pods};
use crate::pages_jobs::controlled;
use crate::screens::{ansi, drawn, picture, welcome};
use flinklab_event::{
    Condition, Deed, DetailLevel, DoctorOrder, Effect, Event, Finding, Grade, Happening, JobDetail,
    JobException, KeyCode, Link, LogLine, MapChange, Need, NodeSeen, NodeState, Origin, PodChange,
    PodDetail, PreviousLog, Source, Tasks, Vertex, Who,
};
use flinklab_tui::{Keymap, Page, Scope, ThemeName, Ui};
use std::sync::Arc;

/// A lab that recovered, with all that its pages show.
pub(crate) fn lived() -> Scene {
    let mut scene = Scene::recovered();
    let mut rows = pods();
    rows[0].restarts = 1;
    rows[0].last_exit = Some((137, "Error".to_owned(), Some(at(53.0))));
    *rows[0].detail = PodDetail {
        container: "jobmanager".to_owned(),
        image: "flink:2.3.0-scala_2.12-java17".to_owned(),
        arguments: "jobmanager -D jobmanager.rpc.address=$(POD_IP)".to_owned(),
        started: Some(at(60.0)),
        requests: vec!["cpu 250m".to_owned(), "memory 700Mi".to_owned()],
        limits: vec!["memory 1Gi".to_owned()],
        mounts: vec!["/flink-shared from claim flink-shared".to_owned()],
        owner: Some("ReplicaSet flinklab-jobmanager-7f9c6d5b8".to_owned()),
        account: Some("flink".to_owned()),
        sleeps: None,
        ends_for_good: false,
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

pub(crate) fn detail() -> JobDetail {
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
    let unable = || {
        let mut scene = welcome();
        no_docker(&mut scene);
        scene
    };
    let doctor = with(unable(), "D");
    let mut asked_seldom = lived();
    lose(&mut asked_seldom, Source::Flink);
    vec![
        ("welcome", welcome()),
        ("welcome-no-docker", unable()),
        ("doctor", doctor),
        ("plan", Scene::plan()),
        ("plan-failed", Scene::plan_failed()),
        ("failures", with(lived(), "x")),
        ("aimed", with(lived(), "x2")),
        ("run", with(lived(), "t")),
        ("run-going", with(Scene::recovering(), "t")),
        ("job-flink-lost", with(asked_seldom, "f")),
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
        ("control", controlled("J")),
        ("control-asked", controlled("JC")),
        ("control-done", crate::pages_jobs::stopped()),
        ("palette", palette),
        ("help", with(lived(), "l?")),
        ("paused", paused),
    ]
}

#[test]
fn every_page_at_three_sizes() {
    for (name, scene) in pages() {
        for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
            let text = drawn(&scene.ui, columns, rows).to_string();
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
            scene.ui.screen.looks.theme = theme;
            for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
                let file = format!("{name}-{}-{columns}x{rows}.ansi", theme.text());
                let bytes = ansi(&picture(&scene.ui, columns, rows));
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
                picture(&scene.ui, columns, rows);
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
        assert_eq!(scene.ui.screen.page, page);
        scene.key(KeyCode::Esc);
        assert_eq!(scene.ui.screen.page, Page::Dashboard);
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
        assert_eq!(scene.ui.screen.page, page);
    }
}

#[test]
fn what_is_typed_is_no_command() {
    let mut scene = lived();
    scene.keys("l/quit x q");
    assert!(scene.ui.model.ended.is_none());
    assert_eq!(scene.ui.screen.find, "quit x q");
    scene.key(KeyCode::Esc);
    assert_eq!(scene.ui.screen.page, Page::Log);
    scene.keys("q");
    assert!(scene.ui.model.ended.is_some());
}

#[test]
fn words_are_found_one_after_the_other() {
    let mut scene = lived();
    scene.keys("l/granted");
    scene.key(KeyCode::Enter);
    let first = scene.ui.log_back();
    scene.keys("n");
    let second = scene.ui.log_back();
    assert!(second > first, "{first} {second}");
    scene.keys("n");
    assert_eq!(scene.ui.log_back(), first, "round and round");
    scene.keys("N");
    assert_eq!(scene.ui.log_back(), second);
}

#[test]
fn the_palette_opens_pods_and_does_what_keys_do() {
    let mut scene = lived();
    scene.keys(":fghij");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.ui.screen.page, Page::Pod);
    let uid = scene.ui.pages.pod.uid.clone().unwrap();
    assert_eq!(scene.ui.model.cluster.pods[&uid].name, STANDBY);
    scene.keys(":quit");
    scene.key(KeyCode::Enter);
    assert!(scene.ui.model.ended.is_some());
}

#[test]
fn a_picture_held_still_does_not_move_but_everything_is_kept() {
    let mut scene = lived();
    scene.keys(" ");
    let before = drawn(&scene.ui, 80, 24).to_string();
    scene.log(83.0, LEADER, "something new", None);
    let after = drawn(&scene.ui, 80, 24).to_string();
    let rows = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&before), rows(&after));
    assert!(after.contains("PAUSED +1"), "{after}");
    assert!(
        scene
            .ui
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
        drawn(&scene.ui, 80, 24)
            .to_string()
            .contains("something new")
    );
}

#[test]
fn the_address_and_what_is_chosen_are_copied() {
    let mut scene = lived();
    scene.keys("w");
    let copied = |scene: &Scene| scene.ui.screen.copied.clone().unwrap();
    assert_eq!(copied(&scene), (1, "http://127.0.0.1:30081".to_owned()));
    scene.keys("@y");
    assert_eq!(copied(&scene).0, 2);
    assert!(copied(&scene).1.starts_with("ls -l"));
}

#[test]
fn the_job_is_looked_at_closely_only_while_its_page_is_open() {
    let mut scene = lived();
    let open = scene.key(KeyCode::Char('f'));
    assert_eq!(open, vec![Effect::Attend(DetailLevel::Job)]);
    let close = scene.key(KeyCode::Esc);
    assert_eq!(close, vec![Effect::Attend(DetailLevel::Usual)]);
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
        drawn(&scene.ui, 80, 60)
            .to_string()
            .contains("its last words")
    );
}

#[test]
fn history_tells_a_failover_in_order() {
    let scene = lived();
    let told: Vec<String> = scene
        .ui
        .model
        .history
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

#[test]
fn words_are_found_on_the_pages_of_a_pod_and_of_the_job() {
    let mut pod = lived();
    pod.keys("d/mounts");
    pod.key(KeyCode::Enter);
    let text = page(&pod);
    assert!(
        text.contains("mounts") && !text.contains("called with"),
        "{text}"
    );
    pod.key(KeyCode::Esc);
    assert!(page(&pod).contains("called with"));
    let mut job = lived();
    let mut detail = detail();
    let mut other = detail.exceptions[0].clone();
    other.at = at(52.0);
    other.task = "Flat Map (2/2)".to_owned();
    other.lines = vec!["java.io.IOException: No space left on device".to_owned()];
    detail.exceptions.push(other);
    job.at(82.2, Event::JobDetail(Box::new(detail)));
    job.keys("f/space left");
    job.key(KeyCode::Enter);
    let chosen = job.ui.model.details.exceptions[job.ui.screen.spot.row].clone();
    assert_eq!(chosen.task, "Flat Map (2/2)");
    job.keys("n");
    assert_eq!(
        job.ui.model.details.exceptions[job.ui.screen.spot.row],
        chosen
    );
}

/// The rows of a page between the status line and the keys.
fn page(scene: &Scene) -> String {
    let text = drawn(&scene.ui, 80, 40).to_string();
    let rows: Vec<&str> = text.lines().collect();
    rows[1..rows.len() - 1].join("\n")
}

fn lose(scene: &mut Scene, source: Source) {
    let why = "connection refused".to_owned();
    let link = Link::Lost {
        since: at(83.0),
        why,
    };
    scene.at(83.0, Event::Link { source, link });
    scene.at(97.0, Event::Tick);
}

#[test]
fn what_was_good_when_it_was_seen_last_is_not_drawn_as_good() {
    let mut job = lived();
    lose(&mut job, Source::Flink);
    job.keys("f");
    let text = page(&job);
    assert!(
        text.contains("? was RUNNING, 4 of 4 tasks ran · as of"),
        "{text}"
    );
    assert!(!text.contains('✓'), "{text}");
    let mut pod = lived();
    lose(&mut pod, Source::Api);
    pod.keys("d");
    let text = page(&pod);
    assert!(text.contains("? ready when seen last"), "{text}");
    assert!(!text.contains('✓') && !text.contains('★'), "{text}");
    let mut checkpoints = lived();
    for source in [Source::Api, Source::Disk, Source::Flink] {
        lose(&mut checkpoints, source);
    }
    checkpoints.keys("c");
    let text = page(&checkpoints);
    assert!(text.contains("? pointed to it"), "{text}");
    assert!(!text.contains('✓'), "{text}");
}

#[test]
fn a_file_is_missing_only_for_who_looked_after_its_pointer_was_written() {
    let mut scene = lived();
    scene.keys("c");
    let (_, map) = scene.ui.model.cluster.job_map.clone().unwrap();
    let (looked, files) = scene.ui.model.job.disk.clone().unwrap();
    let seconds = looked.duration_since(at(0.0)).as_secs_f64();
    let mut newer = map;
    let mut pointer = newer.pointers.last().unwrap().clone();
    pointer.id += 1;
    pointer.path = Some("file:/flink-shared/ha/flinklab/completedCheckpointnew".to_owned());
    newer.pointers.push(pointer);
    scene.at(seconds + 0.1, Event::Map(MapChange::Job(newer)));
    let text = page(&scene);
    assert!(!text.to_lowercase().contains("missing"), "{text}");
    scene.at(seconds + 1.0, Event::Disk(files));
    let text = page(&scene);
    assert!(text.contains("its file is miss"), "{text}");
}

#[test]
fn of_a_cancelled_job_the_pointers_are_gone_and_no_witness_is_wrong() {
    let mut scene = lived();
    scene.keys("c");
    let (_, map) = scene.ui.model.cluster.job_map.clone().unwrap();
    let (asked, mut sample) = scene.ui.model.job.good.clone().unwrap();
    let seconds = asked.duration_since(at(0.0)).as_secs_f64() + 1.0;
    sample.asked = at(seconds);
    let rows = sample.jobs.as_mut().unwrap();
    rows.iter_mut()
        .for_each(|row| row.state = "CANCELED".to_owned());
    let name = map.name.clone();
    scene.at(seconds, Event::Map(MapChange::Deleted { name }));
    scene.at(seconds, Event::Flink(sample));
    scene.at(seconds + 30.0, Event::Tick);
    let text = page(&scene);
    assert!(text.contains("pointer none"), "{text}");
    assert!(
        !text.contains("differ") && !text.contains("replaced"),
        "{text}"
    );
    assert!(text.contains("gone"), "{text}");
}

#[test]
fn what_a_lab_cannot_have_is_listed_as_such() {
    let mut scene = lived();
    let lacks = &mut scene.ui.model.lab.as_mut().unwrap().lacks;
    lacks.push(("jm-freeze".to_owned(), "it has one JobManager".to_owned()));
    scene.keys("x");
    let text = page(&scene);
    let row = text.lines().find(|row| row.contains("jm-freeze")).unwrap();
    assert!(row.contains("not in this lab"), "{row}");
}

#[test]
fn a_leader_whose_lease_ran_out_does_not_lead_on_its_page() {
    let mut scene = lived();
    scene.at(99.0, Event::Tick);
    scene.keys("d>");
    let leads = |scene: &Scene| page(scene).contains("JobManager, leads");
    let over = page(&scene).contains("its lease ran out");
    scene.keys("<");
    assert!(over || page(&scene).contains("its lease ran out"));
    assert!(!leads(&scene), "{}", page(&scene));
}

#[test]
fn a_worker_that_nobody_told_of_is_not_called_unregistered() {
    let mut scene = Scene::healthy();
    scene.ui.model.job.workers = None;
    scene.keys("d>>");
    let text = page(&scene);
    assert!(text.contains("slots not seen"), "{text}");
}

#[test]
fn while_the_api_server_is_away_the_job_is_still_told() {
    let text = drawn(&Scene::api_lost().ui, 80, 24).to_string();
    assert!(text.contains("tasks 4/4"), "{text}");
    assert!(text.contains("job by NodePort"), "{text}");
}

fn no_docker(scene: &mut Scene) {
    let finding = |title: &str, grade, found: &str| Finding {
        topic: title.to_lowercase(),
        title: title.to_owned(),
        grade,
        found: found.to_owned(),
        why: "A lab is made of containers.".into(),
        hint: "Start Docker.".into(),
        who: Some(Who::You),
    };
    let findings = vec![
        finding("Home", Grade::Fine, "can be made"),
        finding(
            "Docker",
            Grade::Blocker,
            "Docker is not running or not reachable.",
        ),
        finding("Memory", Grade::Warning, "2.0 GB, and the lab needs 3.9 GB"),
    ];
    let need = Some(Need {
        memory: 4 << 30,
        disk: 5 << 29,
        disk_to_come: 5 << 29,
        kubernetes: None,
    });
    let fixed = Vec::new();
    scene.at(
        1.0,
        Event::Examined {
            findings,
            fixed,
            need,
        },
    );
}

#[test]
fn the_welcome_page_asks_the_doctor_once_and_offers_the_demo_first_without_docker() {
    let mut ui = Ui::default();
    (ui.screen.columns, ui.screen.rows) = (80, 24);
    let none = Event::NoLab {
        name: "a".to_owned(),
    };
    let asked = ui.update(&Happening {
        at: at(0.0),
        event: none,
    });
    let wanted = DoctorOrder {
        fix: false,
        quick: true,
    };
    assert_eq!(asked, vec![Effect::Doctor(wanted)]);
    let mut scene = welcome();
    no_docker(&mut scene);
    let text = page(&scene);
    let place = |words: &str| {
        text.find(words)
            .unwrap_or_else(|| panic!("{words}: {text}"))
    };
    assert!(place("d plays a session") < place("u builds it"), "{text}");
    place("✗ Docker: Docker is not running");
    place("! Memory: 2.0 GB");
    place("4.0 GB of memory, 2.5 GB of disk");
    let asked = scene.key(KeyCode::Char('D'));
    let wanted = DoctorOrder {
        fix: false,
        quick: false,
    };
    assert_eq!(asked, vec![Effect::Doctor(wanted)]);
    let text = page(&scene);
    assert!(
        text.contains("Start Docker.") && text.contains("✓ Home"),
        "{text}"
    );
    scene.key(KeyCode::Esc);
    assert_eq!(scene.ui.screen.page, Page::Welcome);
}

#[test]
fn sentences_name_the_keys_that_are_in_force() {
    let mut keys = Keymap::default();
    let other = vec!["B".parse().unwrap()];
    keys.rebind(Scope::Of(Page::Dashboard), "finish", other)
        .unwrap();
    let mut scene = Scene::healthy();
    scene.ui.screen.keys = Arc::new(keys);
    let node = NodeSeen {
        name: "flinklab-control-plane".to_owned(),
        state: NodeState::Stopped,
        since: at(60.0),
    };
    scene.at(61.0, Event::Node(node));
    let text = page(&scene);
    assert!(text.contains("B starts it"), "{text}");
}

#[test]
fn a_simulated_lab_is_labelled_before_it_is_seen() {
    let mut ui = Ui::default();
    ui.model.origin = Origin::Simulated;
    assert!(drawn(&ui, 80, 24).to_string().contains("SIMULATED"));
}
