//! How JobManagers that bring their job along are recognised, and where the arguments of a history go.

#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::json;

fn changed(change: impl Fn(&str, &str) -> String) -> Lab {
    let lab = Lab::open("application").unwrap();
    let files = lab.files.into_iter().map(|(name, text)| {
        let text = change(&name, &text);
        (name, text)
    });
    Lab::from_files(files.collect(), "").unwrap()
}

fn arguments(document: &Document) -> Vec<String> {
    let list = document
        .object
        .pointer("/spec/template/spec/containers/0/args");
    let words = list.unwrap().as_array().unwrap().iter();
    words
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn jobmanagers_that_bring_their_job_along_are_recognised() {
    for name in crate::built_in_names() {
        let lab = Lab::open(name).unwrap();
        assert_eq!(lab.application().is_some(), name == "application", "{name}");
    }
    let application = Lab::open("application").unwrap().application().unwrap();
    let class = "org.apache.flink.streaming.examples.statemachine.StateMachineExample";
    assert_eq!(application.class.as_deref(), Some(class));
    assert_eq!(application.id, None);
    assert!(application.is_startable() && application.comes_back());
    // Its interval is in its code, as in a session.
    let every = Lab::open("application").unwrap().checkpointing().unwrap();
    assert_eq!(every.interval_ms, Some(2_000));
}

#[test]
fn a_history_begins_with_arguments_before_all_others() {
    let lab = Lab::open("application").unwrap();
    let application = lab.application().unwrap();
    let begun = |from: Option<&str>| {
        let at = Beginning { job: "07e0", from };
        let mut all = lab
            .documents()
            .filter_map(|document| application.begun(document, at));
        let one = all.next().unwrap();
        assert!(
            all.next().is_none(),
            "the JobManagers' workload and no other"
        );
        arguments(&one)
    };
    let anew = begun(None);
    assert_eq!(anew[..4], ["standalone-job", "--job-id", "07e0", "--jars"]);
    let resumed = begun(Some("file:/a/chk-7"));
    assert_eq!(
        resumed[..6],
        [
            "standalone-job",
            "--job-id",
            "07e0",
            "--fromSavepoint",
            "file:/a/chk-7",
            "--jars"
        ]
    );
    assert_eq!(resumed[5..], anew[3..], "the rest is the file's");
}

#[test]
fn an_id_of_the_manifest_stays() {
    let lab = changed(|_, text| {
        text.replace(
            "            - standalone-job\n",
            "            - standalone-job\n            - --job-id\n            - cafe\n",
        )
    });
    let application = lab.application().unwrap();
    assert_eq!(application.id.as_deref(), Some("cafe"));
    let at = Beginning {
        job: "07e0",
        from: Some("x"),
    };
    let begun = lab
        .documents()
        .find_map(|document| application.begun(document, at));
    let words = arguments(&begun.unwrap());
    assert_eq!(
        words[..5],
        ["standalone-job", "--fromSavepoint", "x", "--job-id", "cafe"]
    );
}

#[test]
fn arguments_go_where_the_script_reads_them() {
    let place = |container: Value| {
        let object =
            json!({"spec": {"template": {"spec": {"containers": [{"name": "log"}, container]}}}});
        let document = Document {
            line: 1,
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            name: "a".to_owned(),
            namespace: None,
            object,
        };
        let (pointer, index) = places(&document)?;
        let list = pointer.strip_prefix("/spec/template/spec/containers/1/");
        Some((list.unwrap().to_owned(), index))
    };
    let args = |index| Some(("args".to_owned(), index));
    assert_eq!(place(json!({"args": ["standalone-job", "-D"]})), args(1));
    let script = "/opt/flink/bin/standalone-job.sh";
    assert_eq!(
        place(json!({"command": [script], "args": ["start-foreground", "-D"]})),
        args(1)
    );
    assert_eq!(
        place(json!({"command": [script, "start-foreground"], "args": ["-D"]})),
        Some(("command".to_owned(), 2))
    );
    assert_eq!(place(json!({"command": [script]})), None);
    let shell =
        json!({"command": ["sh", "-c"], "args": ["exec /docker-entrypoint.sh standalone-job"]});
    assert_eq!(place(shell), None);
}
