//! Options that matter to a lab, with what their values look like. Flink takes any name without a
//! word, and a number without its unit as another figure than was meant; here both are mistakes.
//! Options of other names are let through if they begin as Flink's do.

use super::super::mistake::listed;

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A number and a unit of time.
    Time,
    /// Milliseconds by themselves: what 1.15 wants of a few options.
    Millis,
    /// A number and a unit of memory.
    Size,
    Whole,
    /// A number with or without a point.
    Number,
    Truth,
    /// One of these.
    Word(&'static [&'static str]),
    Text,
}

use Shape::{Millis, Number, Size, Text, Time, Truth, Whole, Word};

const BACKENDS: Shape = Word(&["hashmap", "rocksdb", "forst"]);
const RESTARTS: Shape = Word(&[
    "none",
    "off",
    "disable",
    "fixed-delay",
    "fixeddelay",
    "failure-rate",
    "failurerate",
    "exponential-delay",
    "exponentialdelay",
]);
const RETENTION: Shape = Word(&[
    "NO_EXTERNALIZED_CHECKPOINTS",
    "DELETE_ON_CANCELLATION",
    "RETAIN_ON_CANCELLATION",
]);

#[rustfmt::skip]
const KNOWN: &[(&str, Shape)] = &[
    ("blob.server.port", Text),
    ("blob.storage.directory", Text),
    ("cluster.evenly-spread-out-slots", Truth),
    ("env.java.opts", Text),
    ("env.java.opts.all", Text),
    ("env.java.opts.jobmanager", Text),
    ("env.java.opts.taskmanager", Text),
    ("execution.checkpointing.aligned-checkpoint-timeout", Time),
    ("execution.checkpointing.data-inline-threshold", Size),
    ("execution.checkpointing.dir", Text),
    ("execution.checkpointing.externalized-checkpoint-retention", RETENTION),
    ("execution.checkpointing.incremental", Truth),
    ("execution.checkpointing.interval", Time),
    ("execution.checkpointing.local-backup.enabled", Truth),
    ("execution.checkpointing.max-concurrent-checkpoints", Whole),
    ("execution.checkpointing.min-pause", Time),
    ("execution.checkpointing.mode", Word(&["EXACTLY_ONCE", "AT_LEAST_ONCE"])),
    ("execution.checkpointing.num-retained", Whole),
    ("execution.checkpointing.savepoint-dir", Text),
    ("execution.checkpointing.storage", Text),
    ("execution.checkpointing.timeout", Time),
    ("execution.checkpointing.tolerable-failed-checkpoints", Whole),
    ("execution.checkpointing.unaligned", Truth),
    ("execution.checkpointing.unaligned.enabled", Truth),
    ("heartbeat.interval", Time),
    ("heartbeat.rpc-failure-threshold", Whole),
    ("heartbeat.timeout", Time),
    ("high-availability", Text),
    ("high-availability.cluster-id", Text),
    ("high-availability.jobmanager.port", Text),
    ("high-availability.kubernetes.leader-election.lease-duration", Time),
    ("high-availability.kubernetes.leader-election.renew-deadline", Time),
    ("high-availability.kubernetes.leader-election.retry-period", Time),
    ("high-availability.storageDir", Text),
    ("high-availability.type", Text),
    ("high-availability.use-old-ha-services", Truth),
    ("io.tmp.dirs", Text),
    ("jobmanager.bind-host", Text),
    ("jobmanager.execution.failover-strategy", Word(&["region", "full"])),
    ("jobmanager.memory.heap.size", Size),
    ("jobmanager.memory.jvm-metaspace.size", Size),
    ("jobmanager.memory.jvm-overhead.fraction", Number),
    ("jobmanager.memory.jvm-overhead.max", Size),
    ("jobmanager.memory.jvm-overhead.min", Size),
    ("jobmanager.memory.off-heap.size", Size),
    ("jobmanager.memory.process.size", Size),
    ("jobmanager.rpc.address", Text),
    ("jobmanager.rpc.port", Whole),
    ("jobmanager.scheduler", Text),
    ("kubernetes.cluster-id", Text),
    ("kubernetes.namespace", Text),
    ("parallelism.default", Whole),
    ("pipeline.max-parallelism", Whole),
    ("rest.address", Text),
    ("rest.bind-address", Text),
    ("rest.bind-port", Text),
    ("rest.cache.checkpoint-statistics.timeout", Time),
    ("rest.port", Whole),
    ("restart-strategy", RESTARTS),
    ("restart-strategy.exponential-delay.backoff-multiplier", Number),
    ("restart-strategy.exponential-delay.initial-backoff", Time),
    ("restart-strategy.exponential-delay.jitter-factor", Number),
    ("restart-strategy.exponential-delay.max-backoff", Time),
    ("restart-strategy.exponential-delay.reset-backoff-threshold", Time),
    ("restart-strategy.failure-rate.delay", Time),
    ("restart-strategy.failure-rate.failure-rate-interval", Time),
    ("restart-strategy.failure-rate.max-failures-per-interval", Whole),
    ("restart-strategy.fixed-delay.attempts", Whole),
    ("restart-strategy.fixed-delay.delay", Time),
    ("restart-strategy.type", RESTARTS),
    ("slot.idle.timeout", Millis),
    ("slot.request.timeout", Millis),
    ("state.backend", BACKENDS),
    ("state.backend.incremental", Truth),
    ("state.backend.local-recovery", Truth),
    ("state.backend.rocksdb.checkpoint.transfer.thread.num", Whole),
    ("state.backend.rocksdb.localdir", Text),
    ("state.backend.rocksdb.memory.managed", Truth),
    ("state.backend.rocksdb.writebuffer.count", Whole),
    ("state.backend.rocksdb.writebuffer.size", Size),
    ("state.backend.type", BACKENDS),
    ("state.checkpoint-storage", Text),
    ("state.checkpoints.dir", Text),
    ("state.checkpoints.num-retained", Whole),
    ("state.savepoints.dir", Text),
    ("state.storage.fs.memory-threshold", Size),
    ("taskmanager.bind-host", Text),
    ("taskmanager.data.port", Whole),
    ("taskmanager.host", Text),
    ("taskmanager.load-balance.mode", Word(&["NONE", "SLOTS", "TASKS", "MIN_RESOURCES"])),
    ("taskmanager.memory.framework.heap.size", Size),
    ("taskmanager.memory.jvm-metaspace.size", Size),
    ("taskmanager.memory.jvm-overhead.max", Size),
    ("taskmanager.memory.jvm-overhead.min", Size),
    ("taskmanager.memory.managed.fraction", Number),
    ("taskmanager.memory.managed.size", Size),
    ("taskmanager.memory.network.max", Size),
    ("taskmanager.memory.network.min", Size),
    ("taskmanager.memory.process.size", Size),
    ("taskmanager.memory.task.heap.size", Size),
    ("taskmanager.numberOfTaskSlots", Whole),
    ("taskmanager.registration.timeout", Time),
    ("taskmanager.resource-id", Text),
    ("taskmanager.rpc.port", Text),
    ("web.refresh-interval", Millis),
    ("web.upload.dir", Text),
];

/// First words that Flink's options have.
const FIRST: &[&str] = &[
    "akka",
    "blob",
    "classloader",
    "client",
    "cluster",
    "compiler",
    "containerized",
    "env",
    "execution",
    "external-resource",
    "external-resources",
    "fs",
    "heartbeat",
    "high-availability",
    "historyserver",
    "internal",
    "io",
    "job-event",
    "job-result-store",
    "jobmanager",
    "jobstore",
    "kubernetes",
    "metrics",
    "parallelism",
    "pekko",
    "pipeline",
    "plugin",
    "process",
    "queryable-state",
    "resourcemanager",
    "rest",
    "restart-strategy",
    "s3",
    "scheduler-mode",
    "security",
    "slot",
    "slotmanager",
    "sql-client",
    "state",
    "table",
    "task",
    "taskmanager",
    "traces",
    "web",
];

/// How many letters a name may differ from a known one to be taken for a slip.
const SLIP: usize = 2;

/// What is wrong with an option: what, why, mend.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Objection {
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) mend: String,
}

/// Whether Flink would understand the option's name.
pub(crate) fn name(key: &str) -> Result<(), Objection> {
    if KNOWN.iter().any(|(known, _)| *known == key) {
        return Ok(());
    }
    let near = KNOWN
        .iter()
        .map(|(known, _)| (strsim::damerau_levenshtein(known, key), *known))
        .min()
        .filter(|(distance, _)| *distance <= SLIP);
    let first = key.split('.').next().unwrap_or_default();
    match near {
        Some((_, known)) => Err(Objection {
            what: format!("Flink has no option `{key}`."),
            why: "it would take the name without a word, and change nothing".to_owned(),
            mend: format!("Did you mean `{known}`?"),
        }),
        None if FIRST.contains(&first) => Ok(()),
        None => Err(Objection {
            what: format!("`{key}` is no option of Flink."),
            why: format!("none of its options begins with `{first}`"),
            mend: String::new(),
        }),
    }
}

/// Whether Flink would understand the value as it was meant.
pub(crate) fn value(key: &str, value: &str) -> Result<(), Objection> {
    let Some((_, shape)) = KNOWN.iter().find(|(known, _)| *known == key) else {
        return Ok(());
    };
    let cannot = |why: String, mend: &str| {
        Err(Objection {
            what: format!("`{key}` cannot be `{value}`."),
            why,
            mend: mend.to_owned(),
        })
    };
    let is_number = value.parse::<f64>().is_ok_and(f64::is_finite);
    match shape {
        Time if value.parse::<u64>().is_ok() && value != "0" => cannot(
            format!("without a unit it is {value} milliseconds to Flink"),
            &format!("Write `{value} s` for seconds, or `{value} ms`."),
        ),
        Time if time(value).is_none() && value != "0" => cannot(
            "it is a time, such as `5 s`, `500 ms` or `2 min`".to_owned(),
            "",
        ),
        Size if value.parse::<u64>().is_ok() && value != "0" => cannot(
            format!("without a unit it is {value} bytes to Flink"),
            &format!("Write `{value} mb` for megabytes, or `{value} b`."),
        ),
        Size if !unit(value, &SIZES) => cannot(
            "it is a size of memory, such as `800m` or `20 kb`".to_owned(),
            "",
        ),
        Millis if value.parse::<u64>().is_err() && time(value).is_none() => {
            cannot("it is a number of milliseconds".to_owned(), "")
        }
        Whole if value.parse::<i64>().is_err() => cannot("it is a whole number".to_owned(), ""),
        Number if !is_number => cannot("it is a number".to_owned(), ""),
        Truth if !value.eq_ignore_ascii_case("true") && !value.eq_ignore_ascii_case("false") => {
            cannot("it is `true` or `false`".to_owned(), "")
        }
        Word(words) if words.iter().all(|word| !word.eq_ignore_ascii_case(value)) => {
            let known = listed(words.iter().copied());
            // A class of one's own is allowed for each of them.
            match value.contains('.') {
                true => Ok(()),
                false => cannot(format!("Flink knows {known}"), ""),
            }
        }
        Text if value.is_empty() => cannot("it is a text".to_owned(), ""),
        Time | Millis | Size | Whole | Number | Truth | Word(_) | Text => Ok(()),
    }
}

const SIZES: [&str; 14] = [
    "b",
    "bytes",
    "k",
    "kb",
    "kibibytes",
    "m",
    "mb",
    "mebibytes",
    "g",
    "gb",
    "gibibytes",
    "t",
    "tb",
    "tebibytes",
];

fn unit(value: &str, units: &[&str]) -> bool {
    let value = value.trim();
    let digits = value
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(value.len());
    let rest = value[digits..].trim().to_lowercase();
    digits > 0 && (units.contains(&rest.as_str()) || value == "0")
}

/// A time as Flink writes it, in milliseconds; none where it is no time.
pub(crate) fn time(value: &str) -> Option<f64> {
    let value = value.trim();
    let digits = value
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(value.len());
    let number: f64 = value[..digits].parse().ok()?;
    let factor = match value[digits..].trim().to_lowercase().as_str() {
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1.0,
        "s" | "sec" | "secs" | "second" | "seconds" => 1e3,
        "m" | "min" | "minute" | "minutes" => 6e4,
        "h" | "hour" | "hours" => 36e5,
        "d" | "day" | "days" => 864e5,
        "us" | "µs" | "micro" | "micros" | "microsecond" | "microseconds" => 1e-3,
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1e-6,
        _ => return None,
    };
    Some(number * factor)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_table_is_in_order_and_begins_as_flinks_options_do() {
        assert!(KNOWN.is_sorted_by(|a, b| a.0 < b.0));
        for (known, _) in KNOWN {
            let first = known.split('.').next().unwrap();
            assert!(FIRST.contains(&first), "{known}");
            assert_eq!(name(known), Ok(()));
        }
    }

    #[test]
    fn a_slip_is_found_and_an_exotic_option_is_let_through() {
        let slip = name("execution.checkpointing.intervall").unwrap_err();
        assert_eq!(
            slip.mend,
            "Did you mean `execution.checkpointing.interval`?"
        );
        assert!(name("exekution.checkpointing.x").is_err());
        assert_eq!(name("taskmanager.debug.memory.log"), Ok(()));
    }

    #[test]
    fn a_time_without_its_unit_is_another_time() {
        let wrong = value("execution.checkpointing.interval", "60").unwrap_err();
        assert_eq!(wrong.why, "without a unit it is 60 milliseconds to Flink");
        for (key, good) in [
            ("execution.checkpointing.interval", "2 s"),
            ("execution.checkpointing.interval", "500ms"),
            ("execution.checkpointing.min-pause", "0"),
            ("jobmanager.memory.process.size", "800m"),
            ("execution.checkpointing.data-inline-threshold", "0 b"),
            ("web.refresh-interval", "500"),
            ("state.backend.type", "rocksdb"),
            ("state.backend.type", "org.example.Own"),
            ("taskmanager.memory.managed.fraction", "0.1"),
        ] {
            assert_eq!(value(key, good), Ok(()), "{key}: {good}");
        }
        for (key, bad) in [
            ("heartbeat.timeout", "soon"),
            ("jobmanager.memory.process.size", "800"),
            ("jobmanager.memory.process.size", "much"),
            ("state.backend.type", "filesystem"),
            ("execution.checkpointing.incremental", "yes"),
            ("taskmanager.numberOfTaskSlots", "2.5"),
            ("taskmanager.memory.managed.fraction", "a tenth"),
        ] {
            assert!(value(key, bad).is_err(), "{key}: {bad}");
        }
        assert_eq!(
            (time("2 s"), time("1min"), time("x")),
            (Some(2e3), Some(6e4), None)
        );
    }
}
