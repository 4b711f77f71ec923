//! What a pod's page shows beyond its row, read off the watched object: nothing more is asked for.

use crate::clean;
use flinklab_event::{Condition, PodDetail};
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use std::collections::BTreeMap;

/// Entries of any list that are kept.
const ENTRIES: usize = 30;

/// The pod's description; of its container of that name.
pub(super) fn detail(pod: &core::Pod, container: &str) -> PodDetail {
    let spec = pod.spec.as_ref();
    let status = pod.status.as_ref();
    let ours = spec.and_then(|spec| spec.containers.iter().find(|one| one.name == container));
    let running = status
        .and_then(|status| status.container_statuses.as_ref())
        .and_then(|all| all.iter().find(|one| one.name == container))
        .and_then(|one| one.state.as_ref()?.running.as_ref());
    let arguments = |ours: &core::Container| {
        let words = ours
            .command
            .iter()
            .flatten()
            .chain(ours.args.iter().flatten());
        words.cloned().collect::<Vec<_>>().join(" ")
    };
    let resources = ours.and_then(|ours| ours.resources.as_ref());
    PodDetail {
        container: clean::message(container),
        image: clean::message(
            ours.and_then(|ours| ours.image.as_deref())
                .unwrap_or_default(),
        ),
        arguments: clean::message(&ours.map(arguments).unwrap_or_default()),
        started: running
            .and_then(|running| running.started_at.as_ref())
            .map(|at| at.0),
        requests: amounts(resources.and_then(|resources| resources.requests.as_ref())),
        limits: amounts(resources.and_then(|resources| resources.limits.as_ref())),
        mounts: mounts(spec, ours),
        owner: pod.metadata.owner_references.as_ref().and_then(|owners| {
            let owner = owners.first()?;
            Some(clean::message(&format!("{} {}", owner.kind, owner.name)))
        }),
        account: spec
            .and_then(|spec| spec.service_account_name.as_deref())
            .map(clean::message),
        sleeps: ours.and_then(sleeps),
        ends_for_good: spec.and_then(|spec| spec.restart_policy.as_deref()) == Some("Never"),
        conditions: status
            .and_then(|status| status.conditions.as_ref())
            .into_iter()
            .flatten()
            .take(ENTRIES)
            .map(|condition| Condition {
                name: clean::message(&condition.type_),
                status: clean::message(&condition.status),
                reason: clean::message(
                    [&condition.reason, &condition.message]
                        .map(|text| text.as_deref().unwrap_or_default())
                        .join(" ")
                        .trim(),
                ),
                since: condition.last_transition_time.as_ref().map(|at| at.0),
            })
            .collect(),
    }
}

/// How long a preStop hook that only sleeps keeps SIGTERM back: `sleep 30`, with or without a shell,
/// or Kubernetes' own sleep action.
fn sleeps(ours: &core::Container) -> Option<u32> {
    let hook = ours.lifecycle.as_ref()?.pre_stop.as_ref()?;
    if let Some(sleep) = &hook.sleep {
        return u32::try_from(sleep.seconds).ok();
    }
    let command = hook.exec.as_ref()?.command.as_ref()?;
    let words: Vec<&str> = match command.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["sh" | "/bin/sh" | "bash" | "/bin/bash", "-c", script] => {
            script.split_whitespace().collect()
        }
        ref words => words.to_vec(),
    };
    match words[..] {
        ["sleep" | "/bin/sleep", seconds] => seconds.trim_end_matches('s').parse().ok(),
        _ => None,
    }
}

fn amounts(of: Option<&BTreeMap<String, Quantity>>) -> Vec<String> {
    of.into_iter()
        .flatten()
        .take(ENTRIES)
        .map(|(name, amount)| clean::message(&format!("{name} {}", amount.0)))
        .collect()
}

fn mounts(spec: Option<&core::PodSpec>, ours: Option<&core::Container>) -> Vec<String> {
    let volumes = spec
        .and_then(|spec| spec.volumes.as_deref())
        .unwrap_or_default();
    ours.and_then(|ours| ours.volume_mounts.as_ref())
        .into_iter()
        .flatten()
        // the token of the service account is in every pod
        .filter(|mount| !mount.mount_path.starts_with("/var/run/secrets"))
        .take(ENTRIES)
        .map(|mount| {
            let volume = volumes.iter().find(|volume| volume.name == mount.name);
            let source = volume.map_or_else(
                || mount.name.clone(),
                |volume| {
                    if let Some(claim) = &volume.persistent_volume_claim {
                        return format!("claim {}", claim.claim_name);
                    }
                    match &volume.config_map {
                        Some(map) => format!("config map {}", map.name),
                        None => volume.name.clone(),
                    }
                },
            );
            clean::message(&format!("{} from {source}", mount.mount_path))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_hook_that_only_sleeps_is_known_by_its_seconds() {
        let of = |hook: serde_json::Value| {
            let json = serde_json::json!({"name": "a", "lifecycle": {"preStop": hook}});
            sleeps(&serde_json::from_value(json).unwrap())
        };
        let exec = |command: &[&str]| of(serde_json::json!({"exec": {"command": command}}));
        assert_eq!(exec(&["sleep", "30"]), Some(30));
        assert_eq!(exec(&["sh", "-c", "sleep 5s"]), Some(5));
        assert_eq!(of(serde_json::json!({"sleep": {"seconds": 7}})), Some(7));
        assert_eq!(exec(&["sh", "-c", "sleep 5; curl x"]), None);
        assert_eq!(of(serde_json::json!({"httpGet": {"port": 80}})), None);
    }
}
