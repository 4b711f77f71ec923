//! What `lab check` says of Flink's options in each place that carries them, by version.

#![allow(clippy::unwrap_used)]

use crate::Lab;
use flinklab_base::advice::Invocation;
use flinklab_base::fault::Fault;

/// A fault in one line.
fn line(fault: &Fault) -> String {
    let place = fault.place.as_ref().unwrap();
    let (file, line, column) = (&place.file, place.line, place.column);
    let hint = Invocation::default().advise(&fault.hint);
    format!(
        "{file}:{line}:{column}: {} ({}) {hint}",
        fault.what, fault.why
    )
}

/// A lab upon a built-in one, with changes to that one's files.
fn lab(base: &str, over: &str, changes: &[(&str, &str, &str)]) -> Result<Lab, String> {
    let mut files = vec![(
        "lab.yaml".to_owned(),
        format!("name: mine\nbase: {base}\n{over}"),
    )];
    for (file, from, to) in changes {
        let at = files.iter().position(|(name, _)| name == file);
        let at = at.unwrap_or_else(|| {
            let built_in = crate::built_in(base).unwrap();
            let found = built_in.into_iter().find(|(name, _)| name == file);
            files.push(found.unwrap());
            files.len() - 1
        });
        assert!(files[at].1.contains(from), "{file} has no {from:?}");
        files[at].1 = files[at].1.replace(from, to);
    }
    Lab::from_files(files, "mine/").map_err(|fault| line(&fault))
}

fn wrong(base: &str, over: &str, changes: &[(&str, &str, &str)]) -> String {
    lab(base, over, changes).unwrap_err()
}

const CONFIG: &str = "40-config.yaml";
const PODS: &str = "50-jobmanagers.yaml";

/// The default lab with another text under `data`.
fn with_options(image: &str, text: &str) -> Result<Lab, String> {
    let image = format!("image: {image}\n");
    lab(
        "default",
        &image,
        &[(CONFIG, "    state.backend.type: hashmap\n", text)],
    )
}

#[test]
fn a_file_that_the_version_does_not_read_is_a_mistake() {
    assert_eq!(
        wrong("article", "image: flink:2.2.1-scala_2.12-java17\n", &[]),
        "article/30-config.yaml:11:3: Flink 2.2 does not read `flink-conf.yaml`. (it reads `config.yaml` only, and would run with its defaults: no high availability, no checkpoints) Call it `config.yaml`, here and where the pods mount it, or take an image of Flink 1.20 or older."
    );
    assert_eq!(
        wrong("default", "image: flink:1.18.1-scala_2.12-java11\n", &[]),
        "default/40-config.yaml:8:3: Flink 1.18 does not read `config.yaml`. (it reads `flink-conf.yaml` only, and would run with its defaults: no high availability, no checkpoints) Call it `flink-conf.yaml`, here and where the pods mount it, or take an image of Flink 1.19 or newer."
    );
    // nothing is known of a version that the image does not say
    for image in ["acme/flink:latest", "flink:java17"] {
        for base in ["article", "default"] {
            lab(base, &format!("image: {image}\n"), &[]).unwrap();
        }
    }
    // a lab that brings high availability another way gives Flink all that it needs
    let arguments = "args: [\"jobmanager\", \"-Dhigh-availability.type=kubernetes\", ";
    let task = "args: [\"taskmanager\", \"-Dhigh-availability.type=kubernetes\", ";
    let all = [
        (PODS, "args: [\"jobmanager\", ", arguments),
        ("60-taskmanagers.yaml", "args: [\"taskmanager\", ", task),
    ];
    lab("default", "image: flink:1.18.1-scala_2.12-java11\n", &all).unwrap();
}

#[test]
fn of_both_files_the_one_that_counts_is_checked_and_used() {
    let both = "\ndata:\n  flink-conf.yaml: |\n    execution.checkpointing.interval: soon\n";
    let mounts = [
        (CONFIG, "\ndata:\n", both),
        (
            PODS,
            "- {name: config, mountPath: /opt/flink/conf/config.yaml, subPath: config.yaml}",
            "- {name: config, mountPath: /opt/flink/conf}",
        ),
    ];
    let lab = lab("default", "", &mounts).unwrap();
    assert_eq!(
        lab.flink_options()["execution.checkpointing.interval"],
        "2 s"
    );
    let old = "image: flink:1.20.1-scala_2.12-java17\n";
    let wrong = wrong("default", old, &mounts);
    assert!(
        wrong.starts_with(
            "mine/40-config.yaml:9:39: `execution.checkpointing.interval` cannot be `soon`."
        ),
        "{wrong}"
    );
}

#[test]
fn a_key_that_the_map_does_not_have_is_a_mistake() {
    let part = [(PODS, "subPath: config.yaml", "subPath: flink-conf.yaml")];
    assert_eq!(
        wrong("default", "", &part),
        "mine/50-jobmanagers.yaml:41:79: The ConfigMap `flink-config` has no key `flink-conf.yaml`. (it has `config.yaml`; an empty folder would be mounted in place of the file) Did you mean `config.yaml`?"
    );
    let item = [(
        PODS,
        "configMap: {name: flink-config}",
        "configMap: {name: flink-config, items: [{key: conf.yaml, path: config.yaml}]}",
    )];
    let said = wrong("default", "", &item);
    assert!(
        said.contains("has no key `conf.yaml`") && said.contains("never start"),
        "{said}"
    );
}

#[test]
fn options_in_a_config_map_are_checked_for_the_version() {
    let (new, old) = (
        "flink:2.2.1-scala_2.12-java17",
        "flink:1.20.1-scala_2.12-java17",
    );
    for (image, text, said) in [
        (
            new,
            "    jobmanager.heap.size: 1g\n",
            "30:27: Flink 2.2 has no option `jobmanager.heap.size`.",
        ),
        (
            new,
            "    cluster.evenly-spread-out-slots: true\n",
            "Write `taskmanager.load-balance.mode`.",
        ),
        (
            new,
            "    high-availability:\n      typ: x\n",
            "Did you mean `high-availability.type`?",
        ),
        (
            new,
            "    state.backend.type:\n",
            "`state.backend.type` has no value.",
        ),
        (
            new,
            "    1: x\n",
            "A key cannot be the number or boolean `1`.",
        ),
        (
            new,
            "    x: &x {y: 1}\n    z:\n      <<: *x\n",
            "The merge key `<<` is not supported.",
        ),
        (
            new,
            "    execution.checkpointing.timeout: 1.5 s\n",
            "one whole number and one unit",
        ),
        (
            new,
            "    execution.checkpointing.timeout: 1 h 30 min\n",
            "one whole number and one unit",
        ),
        (
            new,
            "    execution.checkpointing.timeout: 60\n",
            "60 milliseconds",
        ),
        (
            new,
            "    execution.checkpointing.file-merging.enabled: on\n",
            "it is `true` or `false`",
        ),
        (
            new,
            "    rest:\n      bind-address: 1.2.3.4\n",
            "The option `rest.bind-address` is there twice.",
        ),
        (
            new,
            "    restart-strategy.fixed-delay.attempts: 1e3\n",
            "it is a whole number",
        ),
        (
            old,
            "    execution.checkpointing.timeout: PT2S\n",
            "from 2.1 on",
        ),
    ] {
        let wrong = with_options(image, text).unwrap_err();
        assert!(wrong.starts_with("mine/40-config.yaml:"), "{wrong}");
        assert!(wrong.contains(said), "{text}: {wrong}");
    }
    for (image, text) in [
        (new, "    execution.checkpointing.timeout: PT2S\n"),
        (new, "    execution.checkpointing.timeout: 600000\n"),
        (new, "    restart-strategy.fixed-delay.attempts: 0x10\n"),
        (
            new,
            "    cleanup-strategy.fixed-delay.attempts: 3\n    s3a.endpoint: http://s3\n",
        ),
        (
            new,
            "    fs.default-scheme: s3://b\n    env.java.opts.jobmanager: -Xa -Xb\n",
        ),
        (
            new,
            "    metrics.reporter.prom.factory.class: a.B\n    acme.own: x\n",
        ),
        (new, "    pipeline.jars: [a, b]\n"),
        (old, "    cluster.evenly-spread-out-slots: true\n"),
        (old, "    state.backend.type: filesystem\n"),
        ("acme/orders:2.1.0", "    jobmanager.heap.size: 1g\n"),
    ] {
        if let Err(wrong) = with_options(image, text) {
            panic!("{text}: {wrong}");
        }
    }
}

#[test]
fn high_availability_that_is_none_is_a_mistake_of_its_value() {
    for value in ["none", "kuberentes"] {
        let text = format!("high-availability.type: {value}\n");
        let wrong = wrong(
            "default",
            "",
            &[(CONFIG, "high-availability.type: kubernetes\n", &text)],
        );
        let said = "mine/40-config.yaml:11:29: ";
        assert!(wrong.starts_with(said), "{wrong}");
        let over = format!("options:\n  high-availability.type: {value}\n");
        let wrong = lab("default", &over, &[]).unwrap_err();
        assert!(wrong.starts_with("mine/lab.yaml:4:27: "), "{wrong}");
    }
}

#[test]
fn arguments_and_environment_are_options_too() {
    let argument = |text: &str| {
        let text = format!("args: [\"jobmanager\", \"-D\", \"{text}\", ");
        lab("default", "", &[(PODS, "args: [\"jobmanager\", ", &text)])
    };
    let lab_of = |text: &str| argument(text).unwrap_err();
    assert!(
        lab_of("high-availability.typ=kubernetes")
            .starts_with("mine/50-jobmanagers.yaml:23:38: Flink 2.3 has no option"),
        "{}",
        lab_of("high-availability.typ=kubernetes")
    );
    assert!(lab_of("kubernetes.cluster-id=other").contains("does not fit to lab.yaml"));
    argument("execution.checkpointing.interval=7 s").unwrap();
    argument("log.level=x").unwrap();

    let void = [(
        PODS,
        "          env:\n",
        "          env:\n            - {name: FLINK_PROPERTIES, value: 'rest.port: 8081'}\n",
    )];
    let said = wrong("default", "", &void);
    assert!(
        said.contains("FLINK_PROPERTIES changes nothing here."),
        "{said}"
    );

    // without a mounted file it is what Flink gets
    let own = |text: &str| {
        let env = format!(
            "          env:\n            - name: FLINK_PROPERTIES\n              value: |\n{text}"
        );
        lab(
            "default",
            "",
            &[
                (PODS, "          env:\n", env.as_str()),
                (
                    PODS,
                    "            - {name: config, mountPath: /opt/flink/conf/config.yaml, subPath: config.yaml}\n",
                    "",
                ),
            ],
        )
    };
    let said = own("                heartbeat.timeuot: 5 s\n").unwrap_err();
    assert!(
        said.starts_with(
            "mine/50-jobmanagers.yaml:27:17: Flink 2.3 has no option `heartbeat.timeuot`."
        ),
        "{said}"
    );
    let said = own("                env.java.opts.all: -Xa -Xb\n").unwrap_err();
    assert!(said.contains("loses its spaces"), "{said}");
    own("                heartbeat.timeout: 9 s\n").unwrap();
}

#[test]
fn every_built_in_lab_fits_its_version() {
    for name in crate::built_in_names() {
        if let Err(fault) = Lab::open(name) {
            panic!("{}", line(&fault));
        }
    }
}
