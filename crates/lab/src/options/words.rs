//! What the classes with Flink's options do not declare: options that are texts and take a few
//! words only, the least and the most of numbers, names that others read, and what came in the
//! place of options that are gone.

use super::version::Version;

const RESTARTS: &[&str] = &[
    "none",
    "off",
    "disable",
    "fixed-delay",
    "fixeddelay",
    "failure-rate",
    "failurerate",
    "exponential-delay",
    "exponentialdelay",
];
const CLEANUPS: &[&str] = &["none", "off", "disable", "fixed-delay", "exponential-delay"];
const STORAGES: &[&str] = &["jobmanager", "filesystem"];
const BACKENDS: &[&str] = &["hashmap", "rocksdb", "forst"];
/// `jobmanager` and `filesystem` are what `hashmap` was before 1.13.
const OLD_BACKENDS: &[&str] = &["hashmap", "rocksdb", "jobmanager", "filesystem"];
const ALL_BACKENDS: &[&str] = &["hashmap", "rocksdb", "forst", "jobmanager", "filesystem"];

/// Options that turn high availability on.
pub(crate) const HA: [&str; 2] = ["high-availability.type", "high-availability"];
/// Whether a value of these turns it off (Flink's `HighAvailabilityMode.fromConfig`, 1.20.5 and 2.3.0,
/// run). Any other word that it does not know is the name of a class to it, `default` too.
pub(crate) fn turns_ha_off(value: &str) -> bool {
    let value = value.trim();
    value.eq_ignore_ascii_case("none") || value.eq_ignore_ascii_case("standalone")
}
/// What 1.15 wants to have instead of `kubernetes`.
pub(crate) const HA_CLASS: &str =
    "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory";

/// The words that a text may be; none where it may be any. A class of one's own is always allowed.
pub(crate) fn of(key: &str, version: Option<Version>) -> Option<&'static [&'static str]> {
    Some(match key {
        "state.backend.type" | "state.backend" => match version {
            Some(version) if version < Version::new(2, 0) => OLD_BACKENDS,
            Some(_) => BACKENDS,
            None => ALL_BACKENDS,
        },
        "restart-strategy.type" | "restart-strategy" => RESTARTS,
        "cleanup-strategy.type" | "cleanup-strategy" => CLEANUPS,
        "execution.checkpointing.storage" | "state.checkpoint-storage" => STORAGES,
        "jobmanager.execution.failover-strategy" => &["full", "region"],
        _ => return None,
    })
}

/// The least and the most of numbers; times in milliseconds.
const LIMITS: &[(&str, f64, f64, &str)] = &[
    (
        "execution.checkpointing.interval",
        10.0,
        f64::MAX,
        "10 ms or more",
    ),
    (
        "execution.checkpointing.timeout",
        10.0,
        f64::MAX,
        "10 ms or more",
    ),
    (
        "execution.checkpointing.max-concurrent-checkpoints",
        1.0,
        f64::MAX,
        "1 or more",
    ),
    (
        "execution.checkpointing.tolerable-failed-checkpoints",
        0.0,
        f64::MAX,
        "0 or more",
    ),
    ("jobmanager.rpc.port", 0.0, 65535.0, "from 0 to 65535"),
    ("rest.port", 0.0, 65535.0, "from 0 to 65535"),
    (
        "restart-strategy.exponential-delay.backoff-multiplier",
        1.0,
        f64::MAX,
        "1 or more",
    ),
    (
        "restart-strategy.exponential-delay.jitter-factor",
        0.0,
        1.0,
        "from 0 to 1",
    ),
    ("taskmanager.data.port", 0.0, 65535.0, "from 0 to 65535"),
    (
        "taskmanager.memory.managed.fraction",
        0.0,
        1.0,
        "from 0 to 1",
    ),
    ("taskmanager.numberOfTaskSlots", 1.0, f64::MAX, "1 or more"),
];

/// Within which limits a number must be, where it is not.
pub(crate) fn beyond(key: &str, number: f64) -> Option<&'static str> {
    let (_, least, most, words) = LIMITS.iter().find(|(known, ..)| *known == key)?;
    (number < *least || number > *most).then_some(words)
}

/// Options that Flink hands on as they are: their names are others' to judge.
const HANDED_ON: &[&str] = &[
    "containerized.master.env.",
    "containerized.taskmanager.env.",
    "flink.hadoop.",
    "fs.",
    "gs.",
    "hive.",
    "presto.",
    "s3.",
    "s3a.",
    "s3n.",
    "s3p.",
    "security.kerberos.",
    "job.autoscaler.",
    "kubernetes.operator.",
    "python.",
    "sql-client.",
    "sql-gateway.",
    "yarn.",
];

/// Whether a name is not Flink's to know.
pub(crate) fn is_handed_on(key: &str) -> bool {
    HANDED_ON.iter().any(|prefix| key.starts_with(prefix))
}

/// Beginnings of names that nobody but Flink reads: all of them are in the table.
const CLOSED: &[&str] = &[
    "blob.",
    "execution.",
    "heartbeat.",
    "high-availability.kubernetes.",
    "jobmanager.",
    "jobstore.",
    "parallelism.",
    "resourcemanager.",
    "rest.",
    "restart-strategy.exponential-delay.",
    "restart-strategy.failure-rate.",
    "restart-strategy.fixed-delay.",
    "slot.",
    "slotmanager.",
    "state.checkpoints.",
    "state.savepoints.",
    "taskmanager.",
    "web.",
];

pub(crate) fn is_closed(key: &str) -> bool {
    CLOSED.iter().any(|prefix| key.starts_with(prefix))
}

/// Options that are gone without being another name of what is there now.
const SUCCESSORS: &[(&str, &str)] = &[
    (
        "cluster.evenly-spread-out-slots",
        "taskmanager.load-balance.mode",
    ),
    ("jobmanager.heap.mb", "jobmanager.memory.process.size"),
    ("jobmanager.heap.size", "jobmanager.memory.process.size"),
    ("taskmanager.heap.mb", "taskmanager.memory.process.size"),
    ("taskmanager.heap.size", "taskmanager.memory.process.size"),
];

pub(crate) fn successor(key: &str) -> Option<&'static str> {
    let found = SUCCESSORS.iter().find(|(gone, _)| *gone == key)?;
    Some(found.1)
}
