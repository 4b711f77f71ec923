//! `docs/article.md`: what the article observed, as flinklab shows it. Its blocks are what the
//! program prints on a simulated `lab/article`; a difference fails here, and `FLINKLAB_README=1 cargo
//! test article` writes them anew.

use crate::scenarios::{SPEED, Scene};
use flinklab_lab::Lab;
use flinklab_sim::Images;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Words with digits that are the same each time.
const KEPT: [&str; 9] = [
    "0",
    "beam-flink-cluster-jobmanager-0",
    "beam-flink-cluster-taskmanager-0",
    "beam-flink-cluster-taskmanager-1",
    "143",
    "4",
    "6",
    "60",
    "1",
];

/// Each number that differs from run to run becomes `#`, each id `…`, and checkpoints are told apart
/// by the restored one.
fn masked(text: &str, restored: Option<u64>) -> String {
    let mut after_checkpoint = false;
    let word = |word: &str| {
        if word.is_empty() {
            return String::new();
        }
        if let Some(rest) = word.strip_prefix("chk-") {
            return format!(
                "chk-M{}",
                rest.trim_start_matches(|one: char| one.is_ascii_digit())
            );
        }
        if word.starts_with("completedCheckpoint") {
            return "completedCheckpoint…".to_owned();
        }
        let bare = word.trim_matches(|one: char| !one.is_ascii_alphanumeric());
        let is_checkpoint =
            std::mem::replace(&mut after_checkpoint, ["checkpoint", "was"].contains(&bare));
        let number = bare.parse::<u64>().ok();
        let hex = |one: char| one.is_ascii_hexdigit() || one == '-';
        let instead = match (restored, number) {
            (Some(newest), Some(id)) if is_checkpoint => match id.cmp(&newest) {
                std::cmp::Ordering::Less => "L".to_owned(),
                std::cmp::Ordering::Equal => "N".to_owned(),
                std::cmp::Ordering::Greater => "M".to_owned(),
            },
            _ if KEPT.contains(&bare) => return word.to_owned(),
            _ if bare.len() >= 8
                && bare.chars().all(hex)
                && bare.chars().any(|one| one.is_ascii_digit()) =>
            {
                "…".to_owned()
            }
            _ if bare.starts_with(|one: char| one.is_ascii_digit()) => "#".to_owned(),
            _ => return word.to_owned(),
        };
        word.replace(bare, &instead)
    };
    let mut word = word;
    let lines = text.lines().map(|line| {
        let words: Vec<String> = line.split(' ').map(&mut word).collect();
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The lines that begin with one of these words, wrapped ones put together again.
fn lines(text: &str, starts: &[&str]) -> String {
    let mut all: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with("        ") && !all.is_empty() {
            let last = all.last_mut().unwrap();
            last.push(' ');
            last.push_str(line.trim());
        } else {
            all.push(line.to_owned())
        }
    }
    // What is there in some runs and not in others.
    let all = all.into_iter().map(|line| {
        let line = line
            .replace(", seen through the NodePort", "")
            .replace(", over", "");
        match line
            .split_once(" was restored, ")
            .and_then(|_| line.split_once("; "))
        {
            Some((restored, _)) => restored.to_owned(),
            None => line,
        }
    });
    let wanted = all.filter(|line| {
        let words = line.trim_start_matches(['★', ' ']);
        starts.iter().any(|start| words.starts_with(start))
    });
    wanted.collect::<Vec<_>>().join("\n")
}

fn block(text: &str) -> String {
    format!("```text\n{text}\n```\n")
}

struct Article(Scene);

impl Article {
    fn says(&self, arguments: &[&str]) -> String {
        self.0.heals();
        let ended = self.0.program().run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {}{}", ended.out, ended.err);
        ended.out
    }

    fn status(&self) -> Value {
        self.0.run(&["status"]).objects().remove(0)
    }

    /// What a run said, and the checkpoint that it restored.
    fn breaks(&self, key: &str) -> (String, u64) {
        let said = self.says(&["break", key]);
        let report = self.0.run(&["report"]).objects();
        let record = report.iter().rev().find_map(|object| {
            let run = object.get("run").filter(|run| run.is_object());
            run.or(object.get("result")).or(Some(object))?["record"]["restores"]
                .as_array()
                .cloned()
        });
        let restored = record.and_then(|all| all.last()?[0].as_u64());
        let restored = restored.or_else(|| {
            let line = lines(&said, &["PASS"]);
            let at = line.find(" was restored")?;
            line[..at].rsplit(' ').next()?.parse().ok()
        });
        (said, restored.expect("something was restored"))
    }
}

/// Cancels the job as Flink's own UI does.
fn cancel(ui: &str, job: &str) {
    let address = ui.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "PATCH /jobs/{job}?mode=cancel HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

fn with(text: &str, name: &str, block: &str) -> String {
    let start = text
        .find(&format!("<!-- {name}:"))
        .unwrap_or_else(|| panic!("no {name}"));
    let begin = start + text[start..].find("-->\n").unwrap() + 4;
    let end = begin + text[begin..].find("<!-- end -->").unwrap();
    format!("{}{block}{}", &text[..begin], &text[end..])
}

#[test]
fn the_page_on_the_article_is_what_the_program_prints() {
    let scene = Scene::of(Lab::open("article").unwrap(), SPEED, Images::Present);
    scene.result(&["up", "--lab", "article"]);
    let article = Article(scene);
    let pod = "beam-flink-cluster-jobmanager-0";

    let leads = article.says(&["status"]);
    let leader = lines(&leads, &[pod, "beam", "leader", "epoch", "lease"]);
    let leader = block(&masked(&leader, None));

    let (said, id) = article.breaks("jm-stop");
    let kept = [
        "PASS     hit",
        "PASS     leadership",
        "PASS     restarts",
        "PASS     in time",
    ];
    let stopped = block(&masked(&lines(&said, &kept), Some(id)));

    let (said, id) = article.breaks("jm-delete");
    // Its container may be forgotten before it is asked how it ended.
    let deleted = block(&masked(&lines(&said, &kept[1..]), Some(id)));
    let kept = [
        "PASS     same job",
        "PASS     restored",
        "PASS     ids grow",
        "PASS     pointer",
    ];
    let restored = block(&masked(&lines(&said, &kept), Some(id)));

    let before = article.status();
    cancel(
        before["ui"].as_str().unwrap(),
        before["job"]["id"].as_str().unwrap(),
    );
    let deadline = Instant::now() + Duration::from_secs(30);
    let said = loop {
        let said = article.0.program().run(&["status"]).out;
        if said.contains("pointer none") && said.contains("CANCELED") {
            break said;
        }
        assert!(Instant::now() < deadline, "{said}");
    };
    let cancelled = lines(&said, &["job", "tasks", "checkpoint"]);
    let cancelled = block(&masked(&cancelled, None));

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/article.md");
    let found = std::fs::read_to_string(&path).unwrap();
    let wanted = [
        ("leader", leader),
        ("stopped", stopped),
        ("deleted", deleted),
        ("restored", restored),
        ("cancelled", cancelled),
    ]
    .iter()
    .fold(found.clone(), |text, (name, block)| {
        with(&text, name, block)
    });
    if std::env::var_os("FLINKLAB_README").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    } else {
        assert!(
            found == wanted,
            "docs/article.md differs; FLINKLAB_README=1 cargo test article writes:\n{wanted}"
        );
    }
}

/// Everything that the definition of done names has its heading.
#[test]
fn every_observation_of_the_article_has_its_place() {
    let text = include_str!("../../docs/article.md");
    let headings = text.lines().filter(|line| line.starts_with("## ")).count();
    assert_eq!(headings, 6);
    assert_eq!(text.matches("\nThere: ").count(), 6);
    assert_eq!(text.matches("\nHere: ").count(), 6);
}
