//! Recordings of real runs, played again; recordings that are cut, fuzzed and hostile; and the
//! commands around them, as a person types them.

use crate::program::Program;
use flinklab_event::recording::{Header, Private, Recording, Writer};
use flinklab_event::{
    Deed, Effect, Event, Happening, Key, KeyCode, Link, LogLine, Origin, RunEvent, RunEventKind,
    RunResult, Source,
};
use flinklab_model::{Model, update};
use flinklab_tui::Ui;
use flinklab_tui::player::{Player, Watching};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DEMO: &[u8] = include_bytes!("../../assets/demo.flinklab.gz");

fn kept() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(path: &Path) -> Recording {
    let name = path.display().to_string();
    flinklab_world::recording::of_bytes(&name, &std::fs::read(path).unwrap()).unwrap()
}

/// What the judge says now, what it said when it was recorded, and the model at the end.
fn verdicts(recording: &Recording) -> (Vec<RunResult>, Vec<RunResult>, Model) {
    let (mut now, mut then, mut begun) = (Vec::new(), Vec::new(), Vec::new());
    let mut model = Model::default();
    for happening in &recording.happenings {
        if let Event::Run(RunEvent {
            kind: RunEventKind::Begun(run),
            ..
        }) = &happening.event
        {
            begun.push(run.run.clone());
        }
        if let Event::Saved(result) = &happening.event {
            // what came shortly before a run is in its recording too: an earlier run's end
            if begun.contains(&result.run) {
                then.push((**result).clone());
            }
            // the judge of today speaks for itself
            continue;
        }
        let effects = update(&mut model, happening);
        now.extend(effects.into_iter().filter_map(|effect| match effect {
            Effect::Save(result) => Some(*result),
            _ => None,
        }));
    }
    (now, then, model)
}

/// All that a run is known by, without the microseconds that a recording rounds away.
fn gist(result: &RunResult) -> String {
    let mut text = format!("{} {} {:?}\n", result.run, result.verdict, result.expected);
    for statement in &result.statements {
        text.push_str(&format!("{:?} {}\n", statement.name, statement.verdict));
    }
    for phase in &result.phases {
        text.push_str(&format!("{:?} seen by {}\n", phase.name, phase.observer));
    }
    text
}

#[test]
fn recorded_real_runs_are_judged_today_as_they_were_then() {
    let demo = flinklab_world::recording::of_bytes("demo", DEMO).unwrap();
    let mut all = vec![("demo".to_owned(), demo)];
    all.extend(
        kept()
            .iter()
            .map(|path| (path.display().to_string(), read(path))),
    );
    let mut judged = 0;
    for (name, recording) in &all {
        assert_eq!(recording.remarks(), Vec::<String>::new(), "{name}");
        let (now, then, last) = verdicts(recording);
        judged += then.len();
        for then in &then {
            // a judge that asks more may not have seen enough when an older one was content: what
            // both ask about must be answered alike
            let (statements, phases) = match now.iter().find(|now| now.run == then.run) {
                Some(now) => {
                    assert_eq!(now.verdict, then.verdict, "{name}: {}", gist(now));
                    (now.statements.clone(), now.phases.clone())
                }
                None => {
                    assert!(recording.header.version < 2, "{name}: not judged");
                    let run = last.run().unwrap();
                    assert_eq!(run.order.run, then.run, "{name}");
                    (run.so_far(last.now), run.seen.phases.clone())
                }
            };
            for old in &then.statements {
                let new = statements.iter().find(|it| it.name == old.name);
                let new = new.map(|it| it.verdict);
                assert_eq!(new, Some(old.verdict), "{name}: {:?}", old.name);
            }
            for old in &then.phases {
                let new = phases.iter().find(|it| it.name == old.name);
                let off = new.map(|new| (new.ms - old.ms).abs());
                assert!(off.is_some_and(|off| off <= 1), "{name}: {old:?} {new:?}");
            }
        }
    }
    assert_eq!(
        judged, 8,
        "four of the demo, one of each other but the outages"
    );
}

#[test]
fn a_recording_shows_the_same_screen_every_time() {
    for path in kept() {
        let mut whole = Player::new("a", read(&path), Ui::default());
        let mut pieces = whole.clone();
        whole.seek(i64::MAX);
        for _ in 0..200 {
            pieces.advance(Duration::from_millis(997));
        }
        pieces.seek(3_000_000);
        pieces.seek(i64::MAX);
        for (columns, rows) in [(80, 24), (120, 40)] {
            let one = drawn(&mut whole, columns, rows);
            assert_eq!(one, drawn(&mut pieces, columns, rows), "{}", path.display());
            assert!(
                one.contains("RECORDING") && one.contains("recorded"),
                "{one}"
            );
        }
    }
}

fn drawn(player: &mut Player, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let ui = player.picture();
    terminal
        .draw(|frame| flinklab_tui::draw(ui, frame))
        .unwrap();
    terminal.backend().to_string()
}

/// Plays all of it, looks at every page, and goes back and forth.
fn play_roughly(recording: Recording) {
    let mut player = Player::new("a", recording, Ui::default());
    drawn(&mut player, 80, 24);
    let length = player.recording().length();
    for n in 0..4 {
        player.seek(length / 4 * n);
        drawn(&mut player, 80, 24);
        player.advance(Duration::from_secs(3));
    }
    player.seek(i64::MAX);
    for key in "xt?\u{1b}123v+-FW /ab\u{1b}lchd@ ".chars() {
        let code = match key {
            '\u{1b}' => KeyCode::Esc,
            other => KeyCode::Char(other),
        };
        assert_eq!(player.press(Key { code, ctrl: false }), Watching::GoOn);
        drawn(&mut player, 100, 30);
    }
    player.seek(0);
    drawn(&mut player, 60, 15);
}

/// A real recording of one run, unpacked.
fn sample() -> Vec<u8> {
    let bytes = std::fs::read(&kept()[0]).unwrap();
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice())
        .read_to_end(&mut text)
        .unwrap();
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_recording_plays_what_it_can_or_says_why(
        cut in 0.0f64..1.0,
        wounds in prop::collection::vec((0.0f64..1.0, any::<u8>()), 0..40),
        swaps in prop::collection::vec((0.0f64..1.0, "[0-9]{1,19}"), 0..10),
    ) {
        let mut text = sample();
        // numbers become other numbers: well-formed, and nonsense
        for (place, number) in &swaps {
            let at = (text.len() as f64 * place) as usize;
            let digit = text[at..].iter().position(u8::is_ascii_digit).map(|n| n + at);
            if let Some(from) = digit {
                let end = text[from..].iter().position(|byte| !byte.is_ascii_digit());
                let to = end.map_or(text.len(), |n| n + from);
                text.splice(from..to, number.bytes());
            }
        }
        for (place, byte) in &wounds {
            let at = (text.len() as f64 * place) as usize;
            text[at] = *byte;
        }
        text.truncate((text.len() as f64 * cut) as usize);
        match Recording::read("a", &text) {
            Ok(recording) => play_roughly(recording),
            Err(fault) => prop_assert!(!fault.why.is_empty() && !fault.hint.is_empty()),
        }
    }

    #[test]
    fn a_damaged_compressed_file_is_no_reason_to_panic(
        cut in 0.0f64..1.0,
        wounds in prop::collection::vec((0.0f64..1.0, any::<u8>()), 0..4),
    ) {
        let mut bytes = std::fs::read(&kept()[0]).unwrap();
        for (place, byte) in &wounds {
            let at = (bytes.len() as f64 * place) as usize;
            bytes[at] = *byte;
        }
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        if let Ok(recording) = flinklab_world::recording::of_bytes("a", &bytes) {
            prop_assert!(!wounds.is_empty() || recording.cut.is_some() || cut > 0.999);
        }
    }
}

/// The API server away, a task that panicked, and a log line that would take over a terminal.
fn hostile() -> String {
    let began: Timestamp = "2026-11-24T21:00:00Z".parse().unwrap();
    let events = [
        Event::Crashed("index out of bounds \u{1b}[31m".to_owned()),
        Event::Link {
            source: Source::Api,
            link: Link::Live { since: began },
        },
        Event::Link {
            source: Source::Api,
            link: Link::Lost {
                since: began,
                why: "connection refused\u{1b}[2J\u{202e}\u{e0041}".to_owned(),
            },
        },
        Event::Log(vec![LogLine {
            at: began,
            pod: "jm\u{7}".to_owned(),
            text: "\u{1b}]0;owned\u{7}\u{1b}[?1049l hello \u{9b}31m".to_owned(),
            highlight: None,
        }]),
        Event::Tick,
    ];
    let mut writer = Writer::new(began, Private::default());
    let mut text = Header::new(began, None, Origin::Real).line();
    for (n, event) in events.into_iter().enumerate() {
        let at = began + SignedDuration::from_secs(n as i64);
        text.push_str(&writer.line(&Happening { at, event }).unwrap());
    }
    text
}

#[test]
fn a_hostile_recording_plays_to_its_end_and_harms_nothing() {
    let program = Program::without_docker();
    let path = program.user_home().join("hostile.flinklab");
    // the last line is cut as well
    std::fs::write(&path, hostile() + "{\"us\":9000000,\"ev").unwrap();
    let ended = program.run(&["replay", path.to_str().unwrap(), "--plain"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.err.contains("its last line is not whole"),
        "{}",
        ended.err
    );
    assert!(
        ended.out.contains("crashed: index out of bounds"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("does not answer: connection refused"));
    let harmless = |text: &str| {
        text.chars()
            .all(|c| !flinklab_base::text::harms(c) || c == '\n')
    };
    assert!(
        harmless(&ended.out) && harmless(&ended.err),
        "{:?}",
        ended.out
    );
    play_roughly(Recording::read("a", hostile().as_bytes()).unwrap());
}

#[test]
fn what_is_no_recording_is_refused_with_the_reason() {
    let program = Program::without_docker();
    let path = program.user_home().join("notes.txt");
    std::fs::write(&path, "dear diary\n").unwrap();
    let ended = program.run(&["replay", path.to_str().unwrap(), "--plain"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.err.contains("is not a recording of flinklab"),
        "{}",
        ended.err
    );
    let ended = program.run(&["replay", "nowhere.flinklab", "--json"]);
    assert_eq!(ended.code, 2);
    assert_eq!(ended.objects()[0]["error"]["code"], "no-recording");
    assert_eq!(program.run(&["replay"]).code, 2);
}

#[test]
fn the_demo_is_told_in_sentences_and_drawn_without_docker() {
    let program = Program::without_docker();
    let told = program.run(&["replay", "--demo", "--plain"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    for words in [
        "There is no lab yet.",
        "The lab is ready",
        "Verdict: PASS",
        "What it shows:",
    ] {
        assert!(told.out.contains(words), "{words}:\n{}", told.out);
    }
    let lines = program.run(&["replay", "--demo", "--json"]).objects();
    assert!(
        lines
            .iter()
            .all(|line| line["text"].is_string() && line["at"].is_number())
    );
    assert!(lines.iter().all(|line| line["origin"] == "recorded"));
    let later = program.run(&["replay", "--demo", "--json", "--at", "1:00"]);
    let later = later.objects();
    assert!(!later.is_empty() && later.len() < lines.len());
    assert!(later.iter().all(|line| line["at"].as_f64() >= Some(60.0)));
    let path = program.user_home().join("a.svg");
    let drawn = program.run(&[
        "replay",
        "--demo",
        "--svg",
        path.to_str().unwrap(),
        "--at",
        "end",
    ]);
    assert_eq!(drawn.code, 2, "a moment is a time");
    let arguments = [
        "replay",
        "--demo",
        "--svg",
        path.to_str().unwrap(),
        "--size",
        "80x24",
    ];
    assert_eq!(program.run(&arguments).code, 0);
    let picture = std::fs::read_to_string(&path).unwrap();
    assert!(picture.starts_with("<svg ") && picture.contains("recorded"));
    assert!(!program.home().exists(), "looking makes nothing");
}

#[test]
fn a_log_that_nobody_asked_for_is_not_asked_for_in_a_replay() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo.flinklab.gz");
    let mut player = Player::new("demo", read(Path::new(demo)), Ui::default());
    player.seek(i64::MAX);
    let key = |code| Key { code, ctrl: false };
    player.press(key(KeyCode::Char('d')));
    player.press(key(KeyCode::Char('p')));
    let now = player.picture().model.now;
    let notice = player.picture().screen.notice(now).map(str::to_owned);
    assert!(
        notice
            .as_deref()
            .is_none_or(|words| words.contains("nobody asked")),
        "{notice:?}"
    );
    assert_eq!(player.picture().model.origin, Origin::Recorded);
}

#[test]
fn the_demo_plays_in_a_terminal_and_keys_move_it() {
    let program = Program::without_docker();
    let mut terminal = crate::terminal::Terminal::open(&program, &["replay", "--demo"]);
    terminal.sees_text("RECORDING");
    terminal.types(" ");
    terminal.sees_text("space play");
    // the mark of the first run, then pages of one's own
    terminal.types("\u{1b}[C\u{1b}[C\u{1b}[C");
    terminal.types("?");
    terminal.sees_text("F follow");
    terminal.types("F");
    terminal.types("q");
    terminal.ends_with(0);
}

#[test]
fn a_simulated_lab_is_tried_recorded_labelled_and_gone() {
    let program = Program::without_docker();
    let temporary = program.user_home().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let tape = program.user_home().join("tried.flinklab.gz");
    let arguments = [
        "try",
        "--seed",
        "7",
        "--speed",
        "10",
        "--record",
        tape.to_str().unwrap(),
        "break",
        "jm-crash",
        "--json",
    ];
    let output = program
        .command(&arguments)
        .env("TMPDIR", &temporary)
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{out}");
    assert!(
        out.lines()
            .all(|line| line.contains("\"origin\":\"simulated\"")),
        "{out}"
    );
    let last: serde_json::Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(last["result"]["origin"], "simulated");
    assert_eq!(last["result"]["verdict"], "PASS");
    assert_eq!(
        std::fs::read_dir(&temporary).unwrap().count(),
        0,
        "nothing is left"
    );
    assert!(!program.home().exists());
    let (now, then, _) = verdicts(&read(&tape));
    assert_eq!(
        now.iter().map(gist).collect::<String>(),
        then.iter().map(gist).collect::<String>()
    );
    let told = program.run(&["replay", tape.to_str().unwrap(), "--plain"]);
    assert!(told.out.contains("a SIMULATED lab"), "{}", told.out);
    let told = program.run(&["replay", tape.to_str().unwrap(), "--json"]);
    assert!(
        told.objects()
            .iter()
            .all(|line| line["origin"] == "simulated"),
        "{}",
        told.out
    );
}

#[test]
fn what_is_planted_does_not_come_through_the_writer() {
    let places = [
        ("/srv/acme/flinklab", "$FLINKLAB_HOME"),
        ("/srv/acme/labs/orders", "$LAB"),
        ("/srv/acme", "$PWD"),
    ];
    let private = Private::new(&places, Some("/home/lovelace"));
    let began: Timestamp = "2026-11-24T21:00:00Z".parse().unwrap();
    let planted = [
        "{\"password\":\"hunter2\",\"user\":\"lovelace\"}",
        "password:hunter2 token = hunter2",
        "Authorization: Basic hunter2",
        "s3.secret-key: hunter2",
        "open /srv/acme/labs/orders/lab.yaml, /srv/acme/flinklab/x/kubeconfig",
        "open /home/lovelace/.kube/config",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
    ];
    let text = |text: &&str| (*text).to_owned();
    let line = |text: &&str| LogLine {
        at: began,
        pod: "jm".to_owned(),
        text: format!("2026-11-24 21:00:00,000 INFO {text}"),
        highlight: None,
    };
    let mut events = vec![Event::Log(planted.iter().map(line).collect())];
    events.extend(planted.iter().map(text).map(Event::Crashed));
    events.extend(planted.iter().map(text).map(|why| Event::Link {
        source: Source::Api,
        link: Link::Lost { since: began, why },
    }));
    events.extend(planted.iter().map(text).map(|command| {
        let what = "Something".to_owned();
        Event::Did(Deed { what, command })
    }));
    let mut writer = Writer::new(began, private);
    let mut lines = String::new();
    for event in events {
        lines.push_str(&writer.line(&Happening { at: began, event }).unwrap());
    }
    for word in ["hunter2", "lovelace", "/srv/acme", "PRIVATE KEY"] {
        assert!(!lines.contains(word), "{word} in {lines}");
    }
    assert!(lines.contains("$LAB/lab.yaml") && lines.contains("$FLINKLAB_HOME/x/kubeconfig"));
}

#[test]
fn key_screens_of_real_runs_are_what_they_were() {
    for path in kept() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let name = name.split('.').next().unwrap().to_owned();
        let mut player = Player::new("a", read(&path), Ui::default());
        let marks: Vec<i64> = player.shown().marks.iter().map(|mark| mark.us).collect();
        let screens = marks.iter().enumerate().take(4);
        let screens = screens.map(|(n, us)| (format!("mark-{n}"), us + 1_000_000));
        for (what, us) in screens.chain([("end".to_owned(), i64::MAX)]) {
            player.seek(us);
            insta::assert_snapshot!(format!("{name}-{what}"), drawn(&mut player, 80, 24));
        }
    }
}

#[test]
fn a_recording_of_a_session_holds_nothing_of_this_machine() {
    for path in kept() {
        let text = {
            let bytes = std::fs::read(&path).unwrap();
            let mut text = String::new();
            flate2::read::GzDecoder::new(bytes.as_slice())
                .read_to_string(&mut text)
                .unwrap();
            text
        };
        for word in [
            "BEGIN CERT",
            "client-key",
            "/root",
            "/home/",
            "/var/tmp",
            "Bearer ",
        ] {
            assert!(!text.contains(word), "{word} in {}", path.display());
        }
    }
}
