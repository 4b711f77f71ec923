//! Names and values of options by version, and values held against what Flink itself made of them.

#![allow(clippy::unwrap_used)]

use super::*;

fn v(text: &str) -> Option<Version> {
    Some(Version::parse(text).unwrap())
}

#[test]
fn a_slip_is_found_and_an_option_of_others_is_let_through() {
    for version in [None, v("2.2"), v("1.18")] {
        let slip = name("execution.checkpointing.intervall", version).unwrap_err();
        assert_eq!(
            slip.hint,
            "Did you mean `execution.checkpointing.interval`?"
        );
        assert!(
            name("exekution.checkpointing.x", version)
                .unwrap_err()
                .foreign
        );
        for good in [
            "taskmanager.debug.memory.log",
            "s3.endpoint",
            "s3a.path.style.access",
            "fs.azure.account.key.x",
            "env.java.opts.jobmanager",
            "metrics.reporter.prom.port",
            "cleanup-strategy.fixed-delay.attempts",
            "kubernetes.jobmanager.labels.team",
            "kubernetes.operator.savepoint.format.type",
            "containerized.master.env.LD_PRELOAD",
            "high-availability.storageDir",
        ] {
            assert_eq!(name(good, version), Ok(()), "{good}");
        }
    }
    let void = name("execution.checkpointing.no-such-thing", None).unwrap_err();
    assert!(void.why.contains("change nothing") && !void.foreign);
}

#[test]
fn an_option_that_a_version_does_not_have_names_what_it_has() {
    let gone = |key: &str, version: &str| {
        let wrong = name(key, v(version)).unwrap_err();
        format!("{} {} {}", wrong.what, wrong.why, wrong.hint)
    };
    assert_eq!(
        gone("cluster.evenly-spread-out-slots", "2.0"),
        "Flink 2.0 has no option `cluster.evenly-spread-out-slots`. 1.20 was the last to have it; it would take the name without a word, and change nothing Write `taskmanager.load-balance.mode`."
    );
    assert!(
        gone("jobmanager.heap.size", "2.3").ends_with("Write `jobmanager.memory.process.size`.")
    );
    assert!(
        gone("execution.checkpointing.dir", "1.19").ends_with("Write `state.checkpoints.dir`.")
    );
    assert!(gone("high-availability.type", "1.16").ends_with("Write `high-availability`."));
    assert!(gone("env.java.opts.all", "1.15").ends_with("Write `env.java.opts`."));
    // of a version that nobody knows, every name that any has is taken
    for version in [None, v("2.9"), v("1.12")] {
        assert_eq!(name("jobmanager.heap.size", version), Ok(()));
    }
    // the old names of 1.x are still read by 2.x
    assert_eq!(name("state.checkpoints.dir", v("2.3")), Ok(()));
}

#[test]
fn a_time_without_its_unit_is_another_time() {
    let interval = "execution.checkpointing.interval";
    let wrong = value(interval, "60", None).unwrap_err();
    assert_eq!(wrong.why, "without a unit it is 60 milliseconds to Flink");
    for (key, good) in [
        (interval, "2 s"),
        (interval, "500ms"),
        (interval, "60000"),
        ("execution.checkpointing.min-pause", "0"),
        ("jobmanager.memory.process.size", "800m"),
        ("jobmanager.memory.process.size", "1073741824"),
        ("execution.checkpointing.data-inline-threshold", "0 b"),
        ("execution.checkpointing.data-inline-threshold", "20480"),
        ("web.refresh-interval", "500"),
        ("state.backend.type", "rocksdb"),
        ("state.backend.type", "org.example.Own"),
        ("taskmanager.memory.managed.fraction", "0.1"),
        ("jobmanager.rpc.address", "$(POD_IP)"),
    ] {
        assert_eq!(value(key, good, None), Ok(()), "{key}: {good}");
    }
    for (key, bad) in [
        ("heartbeat.timeout", "soon"),
        (interval, "1.5 s"),
        (interval, "1 h 30 min"),
        (interval, "5 ms"),
        ("jobmanager.memory.process.size", "800"),
        ("jobmanager.memory.process.size", "much"),
        ("state.backend.type", "rocks"),
        ("execution.checkpointing.incremental", "yes"),
        ("execution.checkpointing.file-merging.enabled", "on"),
        ("taskmanager.numberOfTaskSlots", "2.5"),
        ("taskmanager.numberOfTaskSlots", "0"),
        ("taskmanager.memory.managed.fraction", "a tenth"),
        ("taskmanager.memory.managed.fraction", "1.5"),
        ("rest.port", "80811"),
        ("taskmanager.load-balance.mode", "EVEN"),
    ] {
        assert!(value(key, bad, None).is_err(), "{key}: {bad}");
    }
}

#[test]
fn the_same_value_is_right_in_one_version_and_wrong_in_another() {
    for (key, text, right, wrong) in [
        ("heartbeat.timeout", "50000", "1.15 1.18 1.19 1.20 2.3", ""),
        (
            "heartbeat.timeout",
            "50 s",
            "1.20 2.0 2.3",
            "1.15 1.18 1.19",
        ),
        (
            "execution.checkpointing.interval",
            "PT2S",
            "2.1 2.3",
            "1.15 1.20 2.0",
        ),
        ("state.backend.type", "forst", "2.0 2.3", "1.20"),
        ("state.backend.type", "filesystem", "1.17 1.20", "2.0"),
        (
            "taskmanager.load-balance.mode",
            "TASKS",
            "2.2 2.3",
            "1.20 2.1",
        ),
        ("high-availability", "kubernetes", "1.16 1.20 2.3", "1.15"),
        ("high-availability", words::HA_CLASS, "1.15 1.16 2.3", ""),
    ] {
        for version in right.split_whitespace() {
            assert_eq!(
                value(key, text, v(version)),
                Ok(()),
                "{key}: {text} in {version}"
            );
        }
        for version in wrong.split_whitespace() {
            assert!(
                value(key, text, v(version)).is_err(),
                "{key}: {text} in {version}"
            );
        }
        assert_eq!(
            value(key, text, None),
            Ok(()),
            "{key}: {text} where the version is unknown"
        );
    }
    let old = value("heartbeat.timeout", "50 s", v("1.18")).unwrap_err();
    assert_eq!(
        old.why,
        "Flink 1.18 takes a bare number of milliseconds here"
    );
    assert_eq!(old.hint, "Write `50000`.");
    let iso = value("execution.checkpointing.interval", "PT2S", v("2.0")).unwrap_err();
    assert_eq!(iso.hint, "Write `2000 ms`.");
}

#[test]
fn high_availability_must_be_turned_on() {
    for off in ["none", "NONE", "standalone"] {
        let wrong = value("high-availability.type", off, v("2.2")).unwrap_err();
        assert!(
            wrong.why.contains("turns high availability off"),
            "{}",
            wrong.why
        );
    }
    let slip = value("high-availability.type", "kuberentes", v("2.2")).unwrap_err();
    assert_eq!(slip.hint, "Write `high-availability.type: kubernetes`.");
    assert!(slip.why.contains("takes it for the name of a class"));
}

/// What Flink itself made of values, by version.
#[test]
fn values_are_read_as_flink_reads_them() {
    let mut seen = 0;
    for line in include_str!("../../../options/readings.tsv").lines() {
        let mut parts = line.split('\t');
        let (Some(kind), Some(text)) = (parts.next(), parts.next()) else {
            continue;
        };
        let text = &text.replace("\\s", " ").replace("\\t", "\t");
        for part in parts {
            let (range, made) = part.split_once(' ').unwrap();
            let (from, to) = range.split_once("..").unwrap();
            for version in [from, to].map(v) {
                let taken = match kind {
                    "duration" => read::reads(&Shape::Duration, text, version),
                    "memory" => read::reads(&Shape::Size, text, version),
                    "boolean" => read::reads(&Shape::Boolean, text, version),
                    "int" => read::reads(&Shape::Integer, text, version),
                    "long" => read::reads(&Shape::Long, text, version),
                    "double" | "float" => read::reads(&Shape::Decimal, text, version),
                    "enum" => {
                        let words = vec!["Adaptive", "AdaptiveBatch", "Default"];
                        read::reads(&Shape::Word(words), text, version)
                    }
                    "map" => read::reads(&Shape::Map, text, version),
                    "int list" => {
                        read::reads(&Shape::List(Box::new(Shape::Integer)), text, version)
                    }
                    "high-availability" => {
                        // a class is taken if it can be one
                        let taken = value("high-availability", text, version).is_ok();
                        let on = match made {
                            "NONE" => false,
                            "FACTORY_CLASS" => text.contains('.'),
                            _ => true,
                        };
                        assert_eq!(taken, on, "{line}");
                        continue;
                    }
                    "checkpointing" => {
                        let (key, text) = text.split_once('=').unwrap();
                        value(key, text, version).is_ok()
                    }
                    _ => continue,
                };
                seen += 1;
                assert_eq!(taken, !made.starts_with('!'), "{line} in {range}");
                if kind == "duration" && taken {
                    let millis = made.trim_end_matches(" s").parse::<f64>().unwrap() * 1e3;
                    let own = read::time(text).unwrap();
                    assert!((own - millis).abs() <= millis * 1e-9, "{line}: {own}");
                }
                if kind == "memory" && taken {
                    assert_eq!(read::size(text).unwrap().to_string(), made, "{line}");
                }
            }
        }
    }
    assert!(seen > 300, "{seen}");
}
