//! Files of options, held against what Flink itself made of them.

#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn nested_dotted_and_legacy_say_the_same() {
    let nested = read("config.yaml", "rest:\n  port: 8081 # all\n").unwrap();
    let dotted = read("config.yaml", "rest.port: 8081\n").unwrap();
    let legacy = read("flink-conf.yaml", "# ports\n\nrest.port:   8081 # all\n").unwrap();
    for options in [&nested, &dotted, &legacy] {
        assert_eq!(options["rest.port"].0, "8081");
    }
    assert_eq!(
        legacy["rest.port"].1,
        At {
            line: 3,
            column: 14
        }
    );
}

#[test]
fn a_line_that_flink_would_pass_over_is_a_mistake() {
    for text in ["rest.port:8081", "rest:", "  - a", "# fine\nrest.port 8081"] {
        assert!(read("flink-conf.yaml", text).is_err(), "{text}");
    }
    // a colon in the value is the value's, as Flink splits at the first
    let options = read("flink-conf.yaml", "env.java.opts: -Da=b: c").unwrap();
    assert_eq!(options["env.java.opts"].0, "-Da=b: c");
}

/// What we refuse although Flink takes it: one of two values is lost, or the name is not what it
/// seems to be.
const STRICTER: &[&str] = &[
    r"config.yaml a:\n  b: 1\na.b: 2\n",
    r"config.yaml a.b: 2\na:\n  b: 1\n",
    r"config.yaml x: &x {c: 1}\nb:\n  <<: *x\n",
    r"config.yaml null: x\n",
    r"config.yaml ~: x\n",
    r"flink-conf.yaml k:1\n",
    r"flink-conf.yaml k:\n",
    r"flink-conf.yaml k: \n",
    r"flink-conf.yaml a:\n  b: 1\n",
    r"flink-conf.yaml k: 1\nk: 2\n",
    r"flink-conf.yaml - a\n",
    r"flink-conf.yaml : v\n",
    r"flink-conf.yaml k = 1\n",
    r"flink-conf.yaml k:\tv\n",
    r"flink-conf.yaml a.b: 1\na:\n  b: 2\n",
    r"flink-conf.yaml k: |\n  a\n",
    r"flink-conf.yaml k#: v\n",
];

/// What Flink itself made of files, by version: ours must be the same.
#[test]
fn files_are_read_as_flink_reads_them() {
    let mut seen = 0;
    let mut stricter = Vec::new();
    for line in include_str!("../../options/readings.tsv").lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        let Some(file) = FILES.iter().find(|file| **file == parts[0]) else {
            continue;
        };
        let unescaped = |text: &str| {
            let text = text.replace("\\n", "\n").replace("\\t", "\t");
            text.replace("\\s", " ")
                .replace("\\r", "\r")
                .replace("\\ufeff", "\u{feff}")
        };
        let text = unescaped(parts[1]);
        // the outcome of the versions that read the file at all; no options leave no trace
        let reading = parts[2..].iter().map(|part| part.split_once(' ').unwrap());
        let made = reading
            .filter(|(range, _)| match *file {
                STANDARD => range.starts_with("1.19"),
                _ => range.starts_with("1.15"),
            })
            .map(|(_, made)| made)
            .next()
            .unwrap_or_default();
        let ours = read(file, &text);
        seen += 1;
        let name = format!("{file} {}", parts[1]);
        if ours.is_err() && !made.starts_with('!') {
            stricter.push(name);
            continue;
        }
        assert_eq!(ours.is_err(), made.starts_with('!'), "{line}");
        if let Ok(options) = ours {
            let pairs: Vec<String> = options
                .iter()
                .map(|(key, (value, _))| {
                    format!("{key}={}", value.replace('\n', "\\n").replace('\t', "\\t"))
                })
                .collect();
            assert_eq!(pairs.join(" | "), made, "{line}");
        }
    }
    assert!(seen > 100, "{seen}");
    assert_eq!(stricter, STRICTER);
}
