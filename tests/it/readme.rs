//! Tables of the README that repeat what the program knows. Each stands between two comments; a
//! difference fails here, and `FLINKLAB_README=1 cargo test readme` writes them anew.

use clap::CommandFactory;
use flinklab::cli::Cli;
use flinklab::failure::CATALOGUE;
use flinklab::fault::Kind;
use flinklab::lab::Lab;
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
    format!("```\n{fault}\n{}\n```\n", fault.mend)
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
        ("commands", commands()),
        ("exits", exits()),
        ("mistake", mistake()),
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
