//! Overlays: what comes out of a base with changes, and where mistakes in either are shown.

#![allow(clippy::unwrap_used)]

use crate::Lab;
use flinklab_base::advice::Invocation;
use flinklab_base::fault::Fault;

fn overlay(text: &str) -> Result<Lab, Fault> {
    Lab::from_files(vec![("lab.yaml".to_owned(), text.to_owned())], "mine/")
}

fn file<'a>(lab: &'a Lab, name: &str) -> &'a str {
    let found = lab.files.iter().find(|(file, _)| file == name);
    &found.unwrap().1
}

const FAST: &str = "\
# Quick.
name: fast
base: default
options:
  high-availability.kubernetes.leader-election.lease-duration: 6 s
  high-availability.kubernetes.leader-election.renew-deadline: 5 s
  high-availability.kubernetes.leader-election.retry-period: 1 s
  execution.checkpointing.interval: 1 s
first: [jm-crash]
";

#[test]
fn an_overlay_is_its_base_with_the_changes() {
    let (base, lab) = (Lab::open("default").unwrap(), overlay(FAST).unwrap());
    assert_eq!(
        (lab.name.as_str(), lab.first.as_slice()),
        ("fast", &["jm-crash".to_owned()][..])
    );
    assert_eq!(
        (&lab.roles, &lab.cluster, &lab.job),
        (&base.roles, &base.cluster, &base.job)
    );
    let (before, after) = (base.flink_options(), lab.flink_options());
    let mut expected = before.clone();
    for (key, value) in [
        (
            "high-availability.kubernetes.leader-election.lease-duration",
            "6 s",
        ),
        (
            "high-availability.kubernetes.leader-election.renew-deadline",
            "5 s",
        ),
        (
            "high-availability.kubernetes.leader-election.retry-period",
            "1 s",
        ),
        ("execution.checkpointing.interval", "1 s"),
    ] {
        expected.insert(key.to_owned(), value.to_owned());
    }
    assert_eq!(after, expected);
    let text = file(&lab, "40-config.yaml");
    assert!(
        text.contains(
            "    # fast changes this: default has 2 s.\n    execution.checkpointing.interval: 1 s\n"
        ),
        "{text}"
    );
    assert_eq!(text.matches("# Added by fast:").count(), 1);
    // Comments of both are there, and what was not touched is as it was.
    assert!(file(&lab, "lab.yaml").starts_with("# Quick.\n# What flinklab has to know"));
    for name in ["kind.yaml", "50-jobmanagers.yaml", "60-taskmanagers.yaml"] {
        assert_eq!(file(&lab, name), file(&base, name));
    }
    // What comes out stands by itself.
    let again = Lab::from_files(lab.files.clone(), "").unwrap();
    assert_eq!(again, lab);
}

#[test]
fn a_value_reaches_flink_as_it_was_written() {
    const ODD: &str = "-Da=b: c #d";
    let text = format!("name: odd\nbase: default\noptions: {{env.java.opts.all: \"{ODD}\"}}\n");
    let lab = overlay(&text).unwrap();
    assert_eq!(lab.flink_options()["env.java.opts.all"], ODD);
    // 1.15 has no way to write it down.
    let fault = overlay(&text.replace("default", "article").replace(".all", "")).unwrap_err();
    assert_eq!(fault.what, "`flink-conf.yaml` cannot hold this value.");
    assert_eq!(fault.place.unwrap().line, 3);
}

#[test]
fn an_image_and_replicas_are_changed_wherever_they_are_said() {
    let lab = overlay(
        "name: old\nbase: default\nimage: flink:1.20.5-scala_2.12-java17\nreplicas: {jobmanager: 3, taskmanager: 1}\n",
    )
    .unwrap();
    assert_eq!(lab.images, ["flink:1.20.5-scala_2.12-java17"]);
    assert_eq!(lab.job.image, lab.images[0]);
    assert_eq!(lab.flink_version(), Some("1.20.5"));
    let replicas: Vec<u64> = lab
        .documents()
        .filter(|one| one.is_workload())
        .map(crate::Document::replicas)
        .collect();
    assert_eq!(replicas, [3, 1]);
}

/// What is told about an overlay of the default lab: one line each.
#[test]
fn mistakes_are_shown_where_they_were_written() {
    let mut all = String::new();
    for lines in [
        "bass: default",
        "base: defalt",
        "base: default\noption: {}",
        "base: default\nhosts: 3",
        "base: default\noptions: fast",
        "base: default\noptions: {execution.checkpointing.interval: 60}",
        "base: default\noptions:\n  execution.checkpointing.intervall: 2 s",
        "base: default\noptions:\n  rest: {port: 8081}",
        "base: default\noptions:\n  state.backend.type: filesystem",
        "base: default\noptions:\n  kubernetes.cluster-id: other",
        "base: default\noptions:\n  rest.port: 8082",
        "base: default\noptions:\n  high-availability.kubernetes.leader-election.lease-duration: 6 s",
        "base: default\noptions:\n  high-availability.kubernetes.leader-election.retry-period: 20 s",
        "base: default\nimage: flink",
        "base: default\nimage: []",
        "base: default\nreplicas: {jobmanager: 0}",
        "base: default\nreplicas: {jobmanagers: 2}",
        "base: default\nfirst: [jm-krash]",
        "base: default\njob:\n  image: flink:2.2.1-scala_2.12-java17\n  jar: /x.jar\n  klass: a.B\n  parallelism: 2",
        "{base: default, first: []}",
    ] {
        let text = if lines.starts_with('{') {
            lines.replace('{', "{name: mine, ")
        } else {
            format!("name: mine\n{lines}\n")
        };
        let fault = overlay(&text).unwrap_err();
        assert_eq!(fault.kind, flinklab_base::fault::Kind::Wrong);
        let place = fault.place.clone().unwrap();
        assert!(place.file.starts_with("mine/"), "{fault}");
        let line = text.lines().nth(place.line - 1).unwrap();
        assert!(place.column <= line.chars().count() + 1, "{fault}");
        all.push_str(&format!(
            "{fault} → {}\n",
            Invocation::default().advise(&fault.hint)
        ));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_mistake_in_a_file_that_takes_the_bases_place_is_its_own() {
    let files = vec![
        (
            "lab.yaml".to_owned(),
            "name: mine\nbase: default\n".to_owned(),
        ),
        (
            "10-namespace.yaml".to_owned(),
            "apiVersion: v1\nkind: Namespase\nmetadata: {name: flink}\n".to_owned(),
        ),
    ];
    let place = Lab::from_files(files, "mine/").unwrap_err().place.unwrap();
    assert_eq!(
        (place.file.as_str(), place.line),
        ("mine/10-namespace.yaml", 2)
    );
}
