//! Edits of manifests: one value changes, and nothing else, however the base is written.

#![allow(clippy::unwrap_used)]

use super::super::lines;
use super::{Book, Edit};
use crate::mistake::Mistake;
use crate::yaml;
use crate::yaml::{At, Node, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;

const AT: At = At { line: 7, column: 9 };

/// What becomes of a manifest.
fn edited(manifest: &str, edit: &Edit) -> Result<String, Mistake> {
    let lab = "name: base\nroles:\n  jobmanager:\n    selector: app=jm\n";
    let files = [("lab.yaml", lab), ("m.yaml", manifest)];
    let files = files.map(|(name, text)| (name.to_owned(), lines(text, name)));
    let mut book = Book {
        files: BTreeMap::from(files),
        shown: "mine/lab.yaml".into(),
        name: "mine".to_owned(),
        base: "base".to_owned(),
        version: None,
    };
    book.edit(edit)?;
    Ok(super::text(&book.files["m.yaml"]))
}

fn option(key: &str, value: &str) -> Edit {
    let (key, value) = (key.to_owned(), value.to_owned());
    Edit::Option { key, value, at: AT }
}

fn replicas(number: u32) -> Edit {
    let role = "jobmanager".to_owned();
    Edit::Replicas {
        role,
        number,
        at: AT,
    }
}

/// A config map with a configuration.
fn map(file: &str, text: &str) -> String {
    let text: String = text.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "kind: ConfigMap # of Flink\ndata:\n  {file}: |\n{text}  other: x # y\n---\nkind: Other\n"
    )
}

fn set(file: &str, text: &str, value: &str) -> String {
    let made = edited(&map(file, text), &option("a.b", value)).unwrap();
    let read = &yaml::read(&made).unwrap()[0];
    let inner = read.get("data").unwrap().get(file).unwrap();
    inner.text().unwrap().to_owned()
}

#[test]
fn comments_behind_a_value_stay() {
    assert_eq!(
        set("config.yaml", "a.b: 1 # why\nc: 2\n", "3"),
        "# mine changes this: base has 1.\na.b: 3 # why\nc: 2\n"
    );
    assert_eq!(
        set("flink-conf.yaml", "a.b: 1   # why\nc: 2\n", "3"),
        "# mine changes this: base has 1.\na.b: 3   # why\nc: 2\n"
    );
    let text = "kind: Deployment\nspec:\n  replicas: 1 # why\n  template: {metadata: {labels: {app: jm}}}\n";
    let made = edited(text, &replicas(3)).unwrap();
    assert_eq!(made, text.replace("1 #", "3 #"));
}

#[test]
fn a_value_over_several_lines_is_replaced_whole() {
    for (text, made) in [
        ("a.b: x\n  y # why\nc: 2\n", "a.b: 3 # why\nc: 2\n"),
        (
            "a.b: >- # why\n  x\n  y\n\n# c\nc: 2\n",
            "a.b: 3 # why\n\n# c\nc: 2\n",
        ),
        ("a.b: |\n  x\n  y\nc: 2\n", "a.b: 3\nc: 2\n"),
        ("a.b: |2\n\n  x\n  y\n", "a.b: 3\n"),
        ("a.b: \"x\n  y\" # why\nc: 2\n", "a.b: 3 # why\nc: 2\n"),
        ("a.b: 'x\n\n  y'\nc: 2\n", "a.b: 3\nc: 2\n"),
        ("c: 2\na.b: !!str\n  x\n  y\n", "c: 2\na.b: !!str\n  3\n"),
    ] {
        let set = set("config.yaml", text, "3");
        let said = set
            .lines()
            .find(|line| line.contains("# mine changes"))
            .unwrap();
        assert_eq!(said.trim(), "# mine changes this: base has x y.");
        assert_eq!(set.replace(&format!("{said}\n"), ""), made, "{text}");
    }
}

#[test]
fn what_stands_beside_a_value_in_braces_stays() {
    assert_eq!(
        set("config.yaml", "a: {b: 1, c: 2} # why\n", "3"),
        "# mine changes this: base has 1.\na: {b: 3, c: 2} # why\n"
    );
    assert_eq!(
        set("config.yaml", "a: {c: 2, b: 1}\n", "x, y}"),
        "# mine changes this: base has 1.\na: {c: 2, b: \"x, y}\"}\n"
    );
    // no comment fits into the middle of a text
    assert_eq!(
        set("config.yaml", "a: {c: x\n  y, b: 1}\n", "3"),
        "a: {c: x\n  y, b: 3}\n"
    );
    let text = "kind: Deployment\nspec: {replicas: 1, template: {metadata: {labels: {app: jm}}}}\n";
    let made = edited(text, &replicas(3)).unwrap();
    assert_eq!(made, text.replace("replicas: 1", "replicas: 3"));
}

#[test]
fn an_option_without_a_value_or_with_a_list_is_set() {
    assert!(set("config.yaml", "a.b:\nc: 2\n", "3").ends_with("a.b: 3\nc: 2\n"));
    assert!(set("config.yaml", "a.b: [x, y] # why\n", "3").ends_with("a.b: 3 # why\n"));
    assert!(set("config.yaml", "a:\n  c: 1\n", "3").ends_with("# Added by mine:\na.b: 3\n"));
}

#[test]
fn what_cannot_be_changed_alone_is_a_mistake_of_the_overlay() {
    for text in [
        "a.b: &x 1\nc: *x\n",
        "a.b:\n  - x # why\n  - y\n",
        "{c: 1}\n",
        "? a.b\n: 1\n",
    ] {
        let manifest = map("config.yaml", text);
        let wrong = edited(&manifest, &option("a.b", "3")).unwrap_err();
        assert_eq!(
            (wrong.at, wrong.what.as_str()),
            (AT, "`a.b` cannot be changed in `m.yaml` of base."),
            "{text}"
        );
    }
    let text = "kind: Deployment\nspec:\n  replicas: &n 1\n  parallelism: *n\n  template: {metadata: {labels: {app: jm}}}\n";
    assert_eq!(edited(text, &replicas(3)).unwrap_err().at, AT);
}

/// How a value is written, what it then is, and whether it goes on over lines.
fn written(style: u8, n: usize) -> (String, String) {
    let text = |text: &str| text.to_owned();
    match style {
        0 => (format!("v{n}"), format!("v{n}")),
        1 => (
            format!("'v{n} # no: comment'"),
            format!("v{n} # no: comment"),
        ),
        2 => (format!("\"v{n}, \\\"]\\\"\""), format!("v{n}, \"]\"")),
        3 => (format!("v{n}\n  goes on"), format!("v{n} goes on")),
        4 => (format!("\"v{n}\n\n  goes on\""), format!("v{n}\ngoes on")),
        5 => (format!("'v{n}\n  goes on'"), format!("v{n} goes on")),
        6 => (format!("{n}"), format!("{n}")),
        _ => (text("~"), text("~")),
    }
}

/// One entry of a configuration: its text, and the options that it sets.
fn part(n: usize, (shape, style, comment): (u8, u8, bool)) -> (String, Vec<(String, String)>) {
    let (text, value) = written(style, n);
    let why = if comment {
        format!(" # c{n}")
    } else {
        String::new()
    };
    let deeper = |text: &str| text.replace('\n', "\n  ");
    let (made, key) = match shape {
        0 => (format!("k{n}.x: {text}{why}\n"), format!("k{n}.x")),
        1 => (
            format!("k{n}:\n  x: {}{why}\n", deeper(&text)),
            format!("k{n}.x"),
        ),
        2 => (
            format!("k{n}: {{x: {text}, y: z}}{why}\n"),
            format!("k{n}.x"),
        ),
        3 => {
            let block = format!("k{n}.x: >-{why}\n  v{n}\n  goes on\n");
            return (block, vec![(format!("k{n}.x"), format!("v{n} goes on"))]);
        }
        4 => {
            let block = format!("k{n}.x: |{why}\n  v{n}\n\n  # no comment\n");
            let value = format!("v{n}\n\n# no comment\n");
            return (block, vec![(format!("k{n}.x"), value)]);
        }
        _ => {
            let flow = format!(
                "k{n}: {{ # d{n}\n  y: z,\n  x: {}{why}\n  }}\n",
                deeper(&text)
            );
            (flow, format!("k{n}.x"))
        }
    };
    let mut options = vec![(key, value)];
    if shape == 2 || shape > 4 {
        options.push((format!("k{n}.y"), "z".to_owned()));
    }
    (made, options)
}

fn flat(node: &Node, path: &str, into: &mut BTreeMap<String, String>) {
    match &node.value {
        Value::Map(entries) => {
            for (key, value) in entries {
                let key = key.text().unwrap();
                let path = if path.is_empty() {
                    key.to_owned()
                } else {
                    format!("{path}.{key}")
                };
                flat(value, &path, into);
            }
        }
        Value::Scalar { text, .. } => {
            into.insert(path.to_owned(), text.clone());
        }
        Value::List(_) => {}
    }
}

/// The comments of a text, as YAML has them.
fn comments(text: &str) -> Vec<String> {
    let options = granit_parser::options! { emit_comments: true };
    let parser = granit_parser::Parser::new_from_str_with_options(text, options);
    let events = parser.map(Result::unwrap);
    let comments = events.filter_map(|(event, _)| match event {
        granit_parser::Event::Comment(text, _) => Some(text.trim().to_owned()),
        _ => None,
    });
    comments.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn an_edit_changes_its_value_and_nothing_else(
        parts in prop::collection::vec((0u8..6, 0u8..8, any::<bool>()), 1..6),
        chosen in 0usize..6,
        value in prop::sample::select(vec!["3", "6 s", "x, y}", "a: b #c", "- a", "", "'", "\"q\"", "@x", "[a]", "~"]),
    ) {
        let chosen = chosen % parts.len();
        let mut config = String::new();
        let mut expected = BTreeMap::new();
        for (n, part_of) in parts.iter().enumerate() {
            let (text, options) = part(n, *part_of);
            config.push_str(&format!("# above {n}\n{text}"));
            expected.extend(options);
        }
        let manifest = map("config.yaml", &config);
        let inner = |manifest: &str| {
            let documents = yaml::read(manifest).unwrap();
            assert_eq!(documents.len(), 2);
            let data = documents[0].get("data").unwrap();
            assert_eq!(data.get("other").unwrap().text(), Some("x"));
            data.get("config.yaml").unwrap().text().unwrap().to_owned()
        };
        let options = |inner: &str| {
            let mut options = BTreeMap::new();
            flat(&yaml::read(inner).unwrap()[0], "", &mut options);
            options
        };
        let before = inner(&manifest);
        prop_assert_eq!(&options(&before), &expected, "{}", config);
        let key = format!("k{chosen}.x");
        let made = edited(&manifest, &option(&key, value)).unwrap();
        let after = inner(&made);
        expected.insert(key, value.to_owned());
        prop_assert_eq!(&options(&after), &expected, "{}\n{}", config, after);
        let mut kept = comments(&after);
        kept.retain(|comment| !comment.starts_with("mine changes this"));
        prop_assert_eq!(kept, comments(&before), "{}\n{}", config, after);
        let outer = |text: &str| text.split_once("  other:").unwrap().1.to_owned();
        prop_assert_eq!(outer(&made), outer(&manifest));
    }
}
