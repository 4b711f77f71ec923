//! What of Flink's own options and rights would make HA fail quietly: options without units or
//! missing, a storage folder that other pods do not see, an account that may not renew the lease.

use super::{Facts, Finding, Grade, Who, fine};
use flinklab_base::advice;
use flinklab_lab::Lab;

/// Options that hold a duration in every version; a bare number means milliseconds. `heartbeat.*` are
/// not among them: up to 1.19 they take a bare number only.
const DURATIONS: &[&str] = &[
    "execution.checkpointing.interval",
    "execution.checkpointing.min-pause",
    "execution.checkpointing.timeout",
    "high-availability.kubernetes.leader-election.lease-duration",
    "high-availability.kubernetes.leader-election.renew-deadline",
    "high-availability.kubernetes.leader-election.retry-period",
    "restart-strategy.exponential-delay.initial-backoff",
    "restart-strategy.exponential-delay.max-backoff",
    "restart-strategy.exponential-delay.reset-backoff-threshold",
    "restart-strategy.fixed-delay.delay",
];

/// Flink's options in a lab's config maps.
#[must_use]
pub fn options(lab: &Lab) -> Vec<(String, String)> {
    lab.flink_options().into_iter().collect()
}

/// `800m`, `1g`, `1600 mb` in bytes, as Flink reads them.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let shift = match text[digits..].trim() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kibibytes" => 10,
        "m" | "mb" | "mebibytes" => 20,
        "g" | "gb" | "gibibytes" => 30,
        _ => return None,
    };
    number.checked_shl(shift)
}

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    let value = |key: &str| {
        let found = facts.options.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.trim().trim_matches(['"', '\'']))
    };
    // A lab that keeps its options elsewhere is Flink's to judge.
    if !facts.options.is_empty() {
        let before = all.len();
        for key in DURATIONS {
            if let Some(bare) = value(key).filter(|value| is_number(value)) {
                all.push(warning(
                    format!("`{key}: {bare}` has no unit"),
                    "Flink reads it as milliseconds",
                    format!("Write `{bare} s` or `{bare} ms`, whichever is meant."),
                ));
            }
        }
        let sizes = facts.options.iter().filter(|(key, value)| {
            key.contains(".memory.") && key.ends_with("size") && is_number(value)
        });
        for (key, bare) in sizes {
            all.push(warning(
                format!("`{key}: {bare}` has no unit"),
                "Flink reads it as bytes",
                format!("Write `{bare}m` if megabytes are meant."),
            ));
        }
        let kind = value("high-availability.type").or(value("high-availability"));
        if !kind.is_some_and(|kind| kind.to_lowercase().contains("kubernetes")) {
            all.push(warning(
                format!("`high-availability.type` is {}", kind.map_or("missing".to_owned(), |kind| format!("`{kind}`"))),
                "without it there is no leader election, and a JobManager that is lost takes its jobs with it",
                "Write `high-availability.type: kubernetes`.".to_owned(),
            ));
        }
        match value("high-availability.storageDir") {
            None => all.push(warning(
                "`high-availability.storageDir` is missing".to_owned(),
                "what the pointers in the config maps point to has no place",
                format!(
                    "Write `high-availability.storageDir: file://{}/ha`.",
                    facts.mount
                ),
            )),
            Some(storage) if !is_shared(storage, &facts.mount) => all.push(warning(
                format!(
                    "`high-availability.storageDir` is `{storage}`, off the mount {}",
                    facts.mount
                ),
                "another JobManager does not see it, so it cannot recover the job",
                format!(
                    "Write `high-availability.storageDir: file://{}/ha`.",
                    facts.mount
                ),
            )),
            Some(_) => {}
        }
        // A job may switch checkpoints on by itself, in its code or its arguments.
        if value("execution.checkpointing.interval").is_none() && !facts.job_checkpoints {
            all.push(warning(
                "`execution.checkpointing.interval` is missing".to_owned(),
                "unless the job switches checkpoints on in its code, none is ever completed",
                "Write `execution.checkpointing.interval: 5 s`.".to_owned(),
            ));
        }
        if value("kubernetes.cluster-id").is_none() {
            all.push(warning(
                "`kubernetes.cluster-id` is missing".to_owned(),
                "the names of the HA config maps come from it",
                "Write `kubernetes.cluster-id` as lab.yaml says it.".to_owned(),
            ));
        }
        if all.len() == before {
            all.push(fine(
                "flink-options",
                "Flink's options",
                "HA is set up, every time has its unit",
            ));
        }
    }
    let (notes, pointless) = &facts.checkpoints;
    let title = "Checkpoints";
    all.extend(notes.iter().map(|note| fine("checkpoints", title, note)));
    all.extend(pointless.iter().map(|why| {
        fine("checkpoints", title, why)
            .grade(Grade::Warning)
            .because("what was not seen proves nothing")
            .hinted(
                Who::You,
                "Set a shorter `execution.checkpointing.interval` for that failure, or leave it \
 out.",
            )
    }));
    all.extend(facts.patch.map(|may| {
        let title = "Flink's rights";
        if may {
            fine("flink-patch", title, "its account may patch config maps")
        } else {
            fine(
                "flink-patch",
                title,
                "its account may not patch config maps",
            )
            .grade(Grade::Warning)
            .because(
                "the leader's lease is renewed by a patch: no standby can take over \
 cleanly",
            )
            .hinted(
                Who::You,
                advice!(
                    "Run `flinklab up`: it applies the lab's Role again. `flinklab heal` undoes a \
 failure that took it away."
                ),
            )
        }
    }));
    all
}

fn warning(found: String, why: &str, hint: String) -> Finding {
    fine("flink-options", "Flink's options", found)
        .grade(Grade::Warning)
        .because(why)
        .hinted(Who::You, hint)
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text != "0"
}

/// On the mount, or in another storage than files.
fn is_shared(address: &str, mount: &str) -> bool {
    let path = match address.split_once(':') {
        Some(("file", path)) => path,
        Some(_) => return true,
        None => address,
    };
    let path = format!("/{}", path.trim_start_matches('/'));
    let mount = mount.trim_end_matches('/');
    path.strip_prefix(mount)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
