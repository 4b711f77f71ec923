//! The tables: each statement, how it was made to fail, and what it said. The README has one line for
//! each way to turn a statement; docs/calibration.md has them all.

use crate::mutants::STATEMENTS;
use crate::{OUTCOMES, RUNS, Said};
use flinklab_event::StatementName;
use flinklab_lab::failure::Verdict;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// All that was done to a statement in one way.
struct Way {
    words: String,
    tried: usize,
    failed: usize,
    open: usize,
    /// What it said first where it failed, and where it stayed open.
    fail: Option<String>,
    unknown: Option<String>,
}

/// Mutants that are against a PASS of the statement, by what was done, in the order in which they are
/// made.
fn ways(name: StatementName) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    for outcome in OUTCOMES.iter() {
        let Some(said) = outcome.said.get(&name) else {
            continue;
        };
        if !counts(said) {
            continue;
        }
        let words = format!("{} {}", outcome.observer.words(), outcome.how);
        let place = ways.iter().position(|way| way.words == words);
        let place = place.unwrap_or_else(|| {
            ways.push(Way {
                words,
                tried: 0,
                failed: 0,
                open: 0,
                fail: None,
                unknown: None,
            });
            ways.len() - 1
        });
        let way = &mut ways[place];
        way.tried += 1;
        let told = format!("{} (`{}`)", cell(&said.evidence), outcome.failure);
        match said.verdict {
            Verdict::Fail => {
                way.failed += 1;
                way.fail.get_or_insert(told);
            }
            Verdict::Unknown => {
                way.open += 1;
                way.unknown.get_or_insert(told);
            }
            Verdict::Pass | Verdict::Inconclusive => {}
        }
    }
    ways
}

/// A PASS of the good run that the corrupted evidence does not carry.
fn counts(said: &Said) -> bool {
    said.good == Verdict::Pass && said.must.is_against_pass()
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn label(name: StatementName) -> String {
    let told = serde_json::to_value(name).unwrap();
    told.as_str().unwrap().replace('-', " ")
}

fn summary() -> String {
    let all = OUTCOMES.len();
    let against = OUTCOMES.iter().flat_map(|outcome| outcome.said.values());
    let against: Vec<&Said> = against.filter(|said| counts(said)).collect();
    let of = |verdict| {
        against
            .iter()
            .filter(|said| said.verdict == verdict)
            .count()
    };
    let said: usize = OUTCOMES.iter().map(|outcome| outcome.said.len()).sum();
    format!(
        "{all} mutants of {} good runs, {said} statements. {} times what was left did not carry the PASS of\n\
         the good run: it became FAIL {} times, UNKNOWN {} times, and stayed PASS {} times. Nothing that was\n\
         only late, repeated or missing became a FAIL.\n",
        RUNS.len(),
        against.len(),
        of(Verdict::Fail),
        of(Verdict::Unknown),
        of(Verdict::Pass),
    )
}

/// One way to FAIL and one to UNKNOWN for each statement.
fn short() -> String {
    let mut text = summary();
    text += "\n| statement | how it was made to fail | what it said |\n| --- | --- | --- |\n";
    for name in STATEMENTS {
        let ways = ways(name);
        // What always came to that, and was tried most often.
        let best = |told: fn(&Way) -> &Option<String>, count: fn(&Way) -> usize| {
            let all = ways.iter().rev().filter(|way| told(way).is_some());
            all.max_by_key(|way| (count(way) == way.tried, count(way)))
                .map(|way| (way, told(way).clone().unwrap_or_default()))
        };
        for (verdict, found) in [
            ("FAIL", best(|way| &way.fail, |way| way.failed)),
            ("UNKNOWN", best(|way| &way.unknown, |way| way.open)),
        ] {
            let Some((way, told)) = found else { continue };
            let _ = writeln!(
                text,
                "| {} | {} | {verdict}: {told} |",
                label(name),
                way.words
            );
        }
    }
    text
}

fn long() -> String {
    let mut text = summary();
    for name in STATEMENTS {
        let _ = write!(
            text,
            "\n## {}\n\n| how it was made to fail | tried | FAIL | UNKNOWN | what it said |\n| --- | --- | --- | --- | --- |\n",
            label(name)
        );
        for way in ways(name) {
            let told = [("FAIL", &way.fail), ("UNKNOWN", &way.unknown)];
            let told = told
                .iter()
                .filter_map(|(verdict, told)| Some(format!("{verdict}: {}", told.as_ref()?)));
            let told: Vec<String> = told.collect();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                way.words,
                way.tried,
                way.failed,
                way.open,
                told.join("; ")
            );
        }
    }
    text
}

/// The text with what stands between the two comments replaced.
fn with(text: &str, wanted: &str) -> String {
    let start = text.find("<!-- calibration").expect("it has the mark");
    let start = start + text[start..].find('\n').unwrap() + 1;
    let end = start + text[start..].find("<!-- end -->").unwrap();
    format!("{}{wanted}{}", &text[..start], &text[end..])
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name)
}

#[test]
fn the_tables_are_what_the_mutants_gave() {
    for (name, table) in [("README.md", short()), ("docs/calibration.md", long())] {
        let path = file(name);
        let found = std::fs::read_to_string(&path).unwrap();
        let wanted = with(&found, &table);
        if std::env::var_os("FLINKLAB_README").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        } else {
            assert!(
                found == wanted,
                "{name} differs; FLINKLAB_README=1 cargo test -p flinklab-model --test calibration writes:\n{table}"
            );
        }
    }
}
