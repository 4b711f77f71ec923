//! Flink's own configuration, where a manifest carries it: it must agree with lab.yaml, or the
//! lab would be built and then watched in the wrong place. Options that say nothing about that
//! are Flink's to judge.

use super::super::options;
use super::Whole;
use super::configured::Settings;
use flinklab_base::fault::Fault;

/// What is set must agree with lab.yaml where it says where things are, and times with each other.
pub(super) fn fits(whole: &Whole<'_>, settings: &Settings<'_>) -> Result<(), Fault> {
    agree(whole, settings)?;
    election(settings)
}

/// Times of the election that cannot work together. Flink's own defaults are equal for lease and
/// deadline, so equal is allowed.
fn election(settings: &Settings<'_>) -> Result<(), Fault> {
    let of = |name: &str, default: f64| {
        let key = format!("high-availability.kubernetes.leader-election.{name}");
        let set = settings.get(&key);
        let value = set.and_then(|setting| options::time(&setting.value));
        (value.unwrap_or(default), set)
    };
    let (lease, at_lease) = of("lease-duration", 15e3);
    let (deadline, at_deadline) = of("renew-deadline", 15e3);
    let (retry, at_retry) = of("retry-period", 5e3);
    if let (true, Some(at)) = (deadline > lease, at_deadline.or(at_lease)) {
        return at
            .wrong("The renew deadline is longer than the lease.")
            .why(format!(
                "a leader would go on for {} s after another one may have taken over",
                (deadline - lease) / 1e3
            ))
            .hint("Let lease-duration be at least as long as renew-deadline.")
            .done();
    }
    if let (true, Some(at)) = (retry >= deadline, at_retry.or(at_deadline).or(at_lease)) {
        return at
            .wrong("The retry period is not shorter than the renew deadline.")
            .why("the lease is renewed once a retry period, and would be given up before")
            .hint("Let retry-period be a third of renew-deadline or less.")
            .done();
    }
    Ok(())
}

fn agree(whole: &Whole<'_>, settings: &Settings<'_>) -> Result<(), Fault> {
    let flink = &whole.definition.flink;
    let says = |path: &str, value: &str| format!("`{path}` in lab.yaml says `{value}`");
    let differs = |keys: &[&str], wanted: &str, why: String| -> Result<(), Fault> {
        let Some((key, setting)) = keys.iter().find_map(|key| settings.get_key_value(*key)) else {
            return Ok(());
        };
        let value = &setting.value;
        // a variable of the container, which Kubernetes or a shell fills in
        if value == wanted || value.contains('$') {
            return Ok(());
        }
        setting
            .wrong(format!(
                "`{key}` is `{value}`, which does not fit to lab.yaml."
            ))
            .why(why)
            .hint(format!("Write `{key}: {wanted}`, or change lab.yaml."))
            .done()
    };
    let id = flink.cluster_id.as_str();
    differs(&["kubernetes.cluster-id"], id, says("flink.cluster-id", id))?;
    let namespace = flink.namespace.as_str();
    differs(
        &["kubernetes.namespace"],
        namespace,
        says("flink.namespace", namespace),
    )?;
    let port = flink.rest.port.to_string();
    differs(&["rest.port"], &port, says("flink.rest.port", &port))?;

    let folder = |keys: &[&str], name: &str, wanted: &str, below: &str| -> Result<(), Fault> {
        let Some((key, setting)) = keys.iter().find_map(|key| settings.get_key_value(*key)) else {
            return Ok(());
        };
        let Some(path) = local(&setting.value).filter(|path| !path.contains('$')) else {
            return Ok(());
        };
        let whole_path = format!("{}{below}", path.trim_end_matches('/'));
        let expected = format!("{}/{wanted}", flink.mount);
        if whole_path == expected {
            return Ok(());
        }
        setting
            .wrong(format!(
                "`{key}` leads to `{whole_path}`, which does not fit to lab.yaml."
            ))
            .why(format!(
                "`flink.mount` and `flink.folders.{name}` there make `{expected}`"
            ))
            .done()
    };
    // Flink puts HA files below storageDir into a folder named by this option.
    let ha_id = settings
        .get("high-availability.cluster-id")
        .map_or("default", |setting| setting.value.trim_matches('/'));
    folder(
        &["high-availability.storageDir"],
        "ha",
        &flink.folders.ha,
        &format!("/{ha_id}"),
    )?;
    folder(
        &["execution.checkpointing.dir", "state.checkpoints.dir"],
        "checkpoints",
        &flink.folders.checkpoints,
        "",
    )?;
    folder(
        &[
            "execution.checkpointing.savepoint-dir",
            "state.savepoints.dir",
        ],
        "savepoints",
        &flink.folders.savepoints,
        "",
    )
}

/// The path of `file:/a`, `file:///a` or `/a`; none of another file system.
fn local(address: &str) -> Option<String> {
    let path = address.strip_prefix("file:").unwrap_or(address);
    let path = path.strip_prefix("//").unwrap_or(path);
    path.starts_with('/').then(|| path.to_owned())
}
