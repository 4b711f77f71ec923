//! What a pod's page shows beyond its row, read off the watched object: nothing more is asked for.

use crate::model::{Condition, PodDetail};
use crate::world::clean;
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
