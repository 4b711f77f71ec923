//! Tables and pictures of the README that repeat what the program knows. Each stands between two comments; a
//! difference fails here, and `FLINKLAB_README=1 cargo test readme` writes them anew.

use clap::CommandFactory;
use flinklab::cli::Cli;
use flinklab_base::advice::Invocation;
use flinklab_base::fault::{Fault, Kind};
use flinklab_event::recording::Recording;
use flinklab_event::{
    Engine, EngineKind, Event, Facts, Grade, HomeFacts, ImageUse, Kernel, Key, KeyCode, Need,
    Place, PortUse, RunEvent, RunEventKind, findings, flink_options,
};
use flinklab_lab::Lab;
use flinklab_lab::failure::{CATALOGUE, StatementName};
use flinklab_tui::player::{PLAYBACK_KEYS, Player};
use flinklab_tui::{Scope, Ui, bindings};
use flinklab_world::home::{Home, Source, State};
use jiff::Timestamp;
use std::fmt::Write as _;
use std::path::Path;

fn failures() -> String {
    let mut table = "| key | does | expected | shows |\n| --- | --- | --- | --- |\n".to_owned();
    for failure in CATALOGUE {
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} |",
            failure.key,
            failure.title,
            failure.expect.verdict(),
            failure.teaches
        );
    }
    table
}

fn commands() -> String {
    let mut table =
        "| command | does |\n| --- | --- |\n| `flinklab` | The terminal UI |\n".to_owned();
    for command in Cli::command().get_subcommands() {
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        let _ = writeln!(
            table,
            "| `flinklab {}` | {} |",
            command.get_name(),
            about.trim_end_matches('.')
        );
    }
    table
}

fn labs() -> String {
    let head = "| lab | Flink | what it is |\n| --- | --- | --- |\n".to_owned();
    flinklab_lab::built_in_names().fold(head, |mut table, name| {
        let lab = Lab::open(name).unwrap();
        let version = lab.flink_version().unwrap_or_default().to_owned();
        let _ = writeln!(table, "| `{name}` | {version} | {} |", lab.about);
        table
    })
}

/// A lab that is another one with a few changes, without its comments.
fn overlay() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/fast-failover/lab.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let code: Vec<&str> = lines.collect();
    format!("```yaml\n{}\n```\n", code.join("\n"))
}

fn exits() -> String {
    let meanings = [
        (0, "the goal is reached; for `break`: PASS"),
        (
            Kind::Missed.code(),
            "the lab worked, but Flink did not do what was expected, or nothing could be proven",
        ),
        (
            Kind::Wrong.code(),
            "wrong arguments or lab file; nothing was started",
        ),
        (
            Kind::Unable.code(),
            "Docker, the cluster or Flink is not reachable or not able",
        ),
        (Kind::Bug.code(), "a bug of flinklab"),
        (Kind::Interrupted.code(), "interrupted"),
    ];
    let head = "| exit | meaning |\n| --- | --- |\n".to_owned();
    meanings.iter().fold(head, |mut table, (code, meaning)| {
        let _ = writeln!(table, "| {code} | {meaning} |");
        table
    })
}

fn mistake() -> String {
    let mut files = Lab::open("default").unwrap().files;
    let lab = &mut files
        .iter_mut()
        .find(|(name, _)| name == "lab.yaml")
        .unwrap()
        .1;
    *lab = lab.replacen("kind: rollout", "kind: rolout", 1);
    let fault = Lab::from_files(files, "my-lab/").unwrap_err();
    format!(
        "```\n{fault}\n{}\n```\n",
        Invocation::default().advise(&fault.hint)
    )
}

/// The failure that the pictures show.
const SHOWN: &str = "jm-stop";

/// The demo, and when its run of a failure begins, in microseconds.
fn demo(key: &str) -> (Recording, i64) {
    let bytes = include_bytes!("../../assets/demo.flinklab.gz");
    let demo = flinklab_world::recording::of_bytes("demo", bytes).unwrap();
    let begun = demo.happenings.iter().find(|happening| {
        matches!(
            &happening.event,
            Event::Run(RunEvent { kind: RunEventKind::Begun(begun), .. }) if begun.failure.key == key
        )
    });
    let at = demo.since(begun.unwrap_or_else(|| panic!("the demo has no {key}")).at);
    (demo, at)
}

/// A screen of the demo so many seconds after that failure.
fn screen(key: &str, seconds: i64, keys: &str, title: &str) -> String {
    let (demo, at) = demo(key);
    let mut player = Player::new("demo", demo, Ui::default());
    player.resize(120, 34);
    player.seek(at + seconds * 1_000_000);
    for code in keys.chars().map(KeyCode::Char) {
        player.press(Key { code, ctrl: false });
    }
    let mut ui = player.picture().clone();
    ui.playback = None;
    flinklab_tui::svg(&ui, 120, 34, title)
}

/// What the program says of that run.
fn told() -> String {
    let program = crate::program::Program::without_docker();
    let out = program.run(&["replay", "--demo", "--plain"]).out;
    let from = out.find(&format!("◆ {SHOWN}")).unwrap();
    let from = out[..from].rfind('\n').unwrap() + 1;
    let to = from + out[from..].find("What it shows").unwrap();
    let to = to + out[to..].find('\n').unwrap() + 1;
    let mut text = "```text\n".to_owned();
    for line in out[from..to].lines() {
        text.push_str(&folded(line));
    }
    text + "```\n"
}

/// A line of the story for a narrow page: what is too long goes on below, under its first word.
fn folded(line: &str) -> String {
    const WIDTH: usize = 100;
    let words = line.trim_start();
    let clock = words.find("  ").map_or(0, |at| at + 2);
    let told = words[clock..].trim_start();
    let indent = line.chars().count() - told.chars().count();
    let (mut text, mut column) = (line[..line.len() - told.len()].to_owned(), indent);
    for (at, word) in told.split(' ').enumerate() {
        let length = word.chars().count();
        if at > 0 && column + 1 + length > WIDTH {
            let _ = write!(text, "\n{:indent$}", "");
            column = indent;
        } else if at > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text + "\n"
}

fn keys() -> String {
    let mut table = "| where | keys | what they do |\n| --- | --- | --- |\n".to_owned();
    for scope in Scope::all() {
        let mut last = "";
        let mut rows: Vec<(String, &str)> = Vec::new();
        for binding in bindings().filter(|binding| binding.scope == scope) {
            let keys = binding.keys.split(' ').map(|key| format!("`{key}`"));
            let keys = keys.collect::<Vec<_>>().join(" ");
            match rows.last_mut() {
                Some((all, _)) if last == binding.words => *all = format!("{all} {keys}"),
                _ => rows.push((keys, binding.words)),
            }
            last = binding.words;
        }
        for (keys, words) in rows {
            let _ = writeln!(table, "| {} | {keys} | {words} |", scope.name());
        }
    }
    for (keys, words) in PLAYBACK_KEYS {
        let _ = writeln!(table, "| a replay | {keys} | {words} |");
    }
    table
}

/// What CI reads of the demo's runs of the shown failure: as the program writes it.
fn junit() -> String {
    let program = crate::program::Program::without_docker();
    let bytes = include_bytes!("../../assets/demo.flinklab.gz");
    let demo = flinklab_world::recording::of_bytes("demo", bytes).unwrap();
    let addresses =
        flinklab_world::Addresses::new(program.home(), program.user_home().join("config"));
    let home = Home::of(&addresses, "flinklab");
    home.create().unwrap();
    let lab = Lab::open("default").unwrap();
    let source = Source::BuiltIn("default".to_owned());
    let state = State::new("flinklab", &lab, source, Timestamp::UNIX_EPOCH).unwrap();
    home.write_state(&state).unwrap();
    for happening in demo.happenings {
        if let Event::Saved(result) = happening.event {
            let folder = home.runs().join(&result.run);
            std::fs::create_dir_all(&folder).unwrap();
            let text = serde_json::to_string(&*result).unwrap();
            std::fs::write(folder.join("result.json"), text).unwrap();
        }
    }
    let told = program.run(&["report", SHOWN, "--format", "junit"]);
    assert_eq!(told.code, 0, "{}", told.err);
    format!("```xml\n{}\n```\n", told.out.trim_end())
}

/// The statements of a verdict; a new one does not compile before it is explained here.
fn statements() -> String {
    use StatementName as S;
    let asked = |name: S| match name {
        S::Hit => "the failure really hit what it was aimed at",
        S::Leadership => "leadership moved, or did not, as it should",
        S::OneLeader => "never two leaders at once, and none that does not renew its lease",
        S::SameJob => "it is the same job",
        S::Restored => {
            "the job came back from the newest checkpoint that was completed before, or never stopped"
        }
        S::IdsGrow => "checkpoint ids only grow",
        S::Pointer => "the pointer to the newest checkpoint is there, and its files can be read",
        S::Restarts => "containers and pods restarted as they should, and the slots are back",
        S::InTime => {
            "all tasks ran (again) within the failure's budget, and a checkpoint completed within \
             what the job's interval, minimum pause and checkpoint timeout allow"
        }
        S::Exact => {
            "each number was counted once in the state: no gap, no duplicate; only in a lab whose job can prove it"
        }
    };
    let all = [
        S::Hit,
        S::Leadership,
        S::OneLeader,
        S::SameJob,
        S::Restored,
        S::IdsGrow,
        S::Pointer,
        S::Restarts,
        S::InTime,
        S::Exact,
    ];
    let head = "| statement | holds if |\n| --- | --- |\n".to_owned();
    all.iter().fold(head, |mut table, name| {
        let told = serde_json::to_value(name).unwrap();
        let told = told.as_str().unwrap().replace(['-', '_'], " ");
        let _ = writeln!(table, "| {told} | {} |", asked(*name));
        table
    })
}

/// What the doctor may find, each provoked here.
fn doctor() -> String {
    let lab = Lab::open("default").unwrap();
    let image = |registry| ImageUse {
        name: "flink:2.3.0-scala_2.12-java17".to_owned(),
        node: false,
        architecture: None,
        registry,
        login: None,
    };
    let facts = Facts {
        docker: Ok(Engine {
            host: "unix:///var/run/docker.sock".to_owned(),
            version: "28.0.4".to_owned(),
            api: "1.48".to_owned(),
            place: Place::Here,
            cpus: 1,
            memory: 2 << 30,
            cgroup: 2,
            rootless: false,
            limits: true,
            snap: true,
            kind: EngineKind::Engine,
            architecture: "x86_64".to_owned(),
            disk_free: Some(1 << 30),
            log_driver: "json-file".to_owned(),
            filesystem: "extfs".to_owned(),
            behind: Some(jiff::SignedDuration::ZERO),
        }),
        kernel: Kernel {
            version: "6.8.0".to_owned(),
            inotify_instances: Some(128),
            inotify_watches: Some(8192),
            files: Some(4096),
        },
        home: HomeFacts {
            path: "/home/you/labs".to_owned(),
            writable: Ok(()),
            filesystem: "nfs".to_owned(),
            free: Some(50 << 30),
            temporary: false,
        },
        ports: vec![PortUse {
            port: 8081,
            wanted_by: "kind.yaml".to_owned(),
            taken_by: Some("another program".to_owned()),
        }],
        images: vec![
            image(Some(Err("its registry does not have it".to_owned()))),
            image(None),
        ],
        proxies: vec![("HTTPS_PROXY".to_owned(), "http://127.0.0.1:3128".to_owned())],
        need: Need::of(&lab),
        support: {
            let mut old = lab.clone();
            old.name = "mine".to_owned();
            old.cluster.nodes[0].image = "kindest/node:v1.34.0".to_owned();
            old.job.image = "flink:2.4.0".to_owned();
            old.support(jiff::civil::date(2026, 12, 1))
        },
        options: flink_options(&lab),
        job_checkpoints: false,
        checkpoints: Default::default(),
        mount: lab.flink.mount.clone(),
        patch: Some(false),
        clusters: 0,
    };
    let away = Facts {
        docker: Err(Fault::unable(
            "docker-unreachable",
            "Docker is not running or not reachable.",
        )
        .why("nothing answers at unix:///var/run/docker.sock")
        .hint("Start Docker, or set DOCKER_HOST.")),
        ..facts.clone()
    };
    let head = "| found | why it matters | what mends it |\n| --- | --- | --- |\n".to_owned();
    let mut told = std::collections::BTreeSet::new();
    let all = findings(&away).into_iter().chain(findings(&facts));
    all.filter(|one| one.grade != Grade::Fine && told.insert(one.topic.clone()))
        .fold(head, |mut table, one| {
            let cell = |text: &str| text.replace('\n', " ").replace('|', "\\|");
            let _ = writeln!(
                table,
                "| {}: {} | {} | {} |",
                cell(&one.title),
                cell(&one.found),
                cell(&Invocation::default().advise(&one.why)),
                cell(&Invocation::default().advise(&one.hint))
            );
            table
        })
}

#[test]
fn the_settings_of_the_readme_are_taken() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(path).unwrap();
    let from = text.find("<!-- settings").unwrap();
    let from = from + text[from..].find("```toml\n").unwrap() + 8;
    let to = from + text[from..].find("```").unwrap();
    let program = crate::program::Program::without_docker();
    let file = program.user_home().join("config.toml");
    std::fs::write(&file, &text[from..to]).unwrap();
    let ended = program.run(&["--config", file.to_str().unwrap(), "keys"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains('Q'), "{}", ended.out);
}

/// The text with what stands between the two comments replaced.
fn with(text: &str, name: &str, wanted: &str) -> String {
    let start = text
        .find(&format!("<!-- {name}"))
        .unwrap_or_else(|| panic!("no mark {name}"));
    let start = start + text[start..].find('\n').unwrap() + 1;
    let end = start + text[start..].find("<!-- end -->").unwrap();
    format!("{}{wanted}{}", &text[..start], &text[end..])
}

#[test]
fn the_readme_says_what_the_program_knows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let found = std::fs::read_to_string(&path).unwrap();
    let wanted = [
        ("failures", failures()),
        ("labs", labs()),
        ("overlay", overlay()),
        ("commands", commands()),
        ("exits", exits()),
        ("mistake", mistake()),
        ("told", told()),
        ("keys", keys()),
        ("statements", statements()),
        ("doctor", doctor()),
        ("junit", junit()),
    ]
    .iter()
    .fold(found.clone(), |text, (name, table)| {
        with(&text, name, table)
    });
    if std::env::var_os("FLINKLAB_README").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    } else {
        assert!(
            found == wanted,
            "README.md differs; FLINKLAB_README=1 cargo test readme writes:\n{wanted}"
        );
    }
}

#[test]
fn the_pictures_are_screens_of_the_demo() {
    let stopped = "flinklab some seconds after the leader was stopped";
    let timeline = "flinklab: phases and verdict of a stopped leader";
    for (name, picture) in [
        ("dashboard.svg", screen(SHOWN, 11, "", stopped)),
        ("timeline.svg", screen(SHOWN, 32, "t", timeline)),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("assets")
            .join(name);
        if std::env::var_os("FLINKLAB_README").is_some() {
            std::fs::write(&path, &picture).unwrap();
        } else {
            let found = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                found == picture,
                "assets/{name} differs; FLINKLAB_README=1 cargo test readme draws it anew"
            );
        }
    }
}
