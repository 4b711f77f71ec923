//! What is written down is read again, and an owner is told from another process.

#![allow(clippy::unwrap_used)]

use super::*;
use flinklab_verb::verbs::{RoleRules, Thaw};

fn home(folder: &std::path::Path) -> Home {
    let home = Home {
        folder: folder.join("lab"),
        name: "lab".to_owned(),
    };
    home.create().unwrap();
    home
}

fn entry(run: &str) -> Entry {
    let mut entry = Entry::new(
        run,
        "jm-freeze",
        "frozen".to_owned(),
        jiff::SignedDuration::from_secs(35),
    );
    entry.undo.push(Act::in_node(Thaw {
        node: "n".to_owned(),
        pid: 7,
        start: 9,
        pod: "p".to_owned(),
    }));
    entry
}

#[test]
fn an_entry_is_read_as_it_was_written_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let (old, mut new) = (entry("a"), entry("b"));
    new.since = old.since + jiff::SignedDuration::from_secs(1);
    write(&home, &old).unwrap();
    write(&home, &new).unwrap();
    assert_eq!(list(&home).unwrap(), [new, old]);
    assert!(!is_asked_to_stop(&home, "a"));
    ask_to_stop(&home, "a").unwrap();
    assert!(is_asked_to_stop(&home, "a"));
    remove(&home, "a").unwrap();
    remove(&home, "a").unwrap();
    assert!(!is_there(&home, "a") && !is_asked_to_stop(&home, "a"));
    assert_eq!(list(&home).unwrap().len(), 1);
}

#[test]
fn a_role_comes_back_by_a_command_whatever_its_rules_hold() {
    let role = Act::in_cluster(RoleRules {
        name: "ha".to_owned(),
        rules: serde_json::json!([{"resourceNames": ["it's $HOME"]}]),
    });
    let command = role.command(|words| format!("kubectl {words}"), "flink");
    let words = shlex::split(&command).unwrap();
    assert_eq!(
        words.last().unwrap(),
        r#"{"rules":[{"resourceNames":["it's $HOME"]}]}"#
    );
}

#[test]
fn what_cannot_be_read_is_never_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    fs::write(home.journal().join("x.json"), "{").unwrap();
    assert_eq!(list(&home).unwrap_err().code, "journal-unreadable");
}
