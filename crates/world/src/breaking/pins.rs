//! Whether the target is still the one that was aimed at: same pod, same container, still leading.

use super::DISPATCHER;
use crate::kube::{CALL, within};
use flinklab_base::fault::Fault;
use flinklab_event::Target;
use flinklab_lab::Lab;
use flinklab_lab::failure::Role;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::{Api, Client};

/// The container that runs in the pod that was aimed at, if all of it is still the same.
pub(super) fn pinned(target: &Target, pod: Option<&Pod>) -> Result<String, Fault> {
    let Some(pod) = pod else {
        return Err(changed(target, "it is gone"));
    };
    if pod.metadata.uid.as_ref() != Some(&target.uid) {
        return Err(changed(target, "another pod has its name now"));
    }
    if pod.metadata.deletion_timestamp.is_some() {
        return Err(changed(target, "it is being deleted"));
    }
    let statuses = pod
        .status
        .as_ref()
        .and_then(|status| status.container_statuses.as_ref());
    let running = statuses
        .into_iter()
        .flatten()
        .find(|status| status.name == target.container_name)
        .filter(|status| {
            status
                .state
                .as_ref()
                .is_some_and(|state| state.running.is_some())
        })
        .and_then(|status| status.container_id.as_deref())
        .map(|id| id.rsplit_once("://").map_or(id, |(_, id)| id));
    match (running, &target.container) {
        (None, _) => Err(changed(target, "its container does not run")),
        (Some(now), Some(aimed)) if now != aimed => {
            Err(changed(target, "its container was restarted"))
        }
        (Some(now), _) => Ok(now.to_owned()),
    }
}

pub(super) async fn still_leads(
    target: &Target,
    client: &Client,
    namespace: &str,
    lab: &Lab,
) -> Result<(), Fault> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let name = lab.cluster_map();
    let map = within(CALL, "Asking who leads", maps.get_opt(&name)).await?;
    let key = map.and_then(|map| map.data?.remove(DISPATCHER));
    let epoch = key.as_deref().and_then(|key| key.split(',').next());
    match epoch {
        Some(epoch) if target.epoch.as_deref().is_none_or(|aimed| aimed == epoch) => Ok(()),
        Some(_) => Err(changed(target, "another leadership epoch began")),
        // It was so when it was aimed, and who is hit does not lead.
        None if target.epoch.is_none() => Ok(()),
        None => Err(changed(target, "nobody leads")),
    }
}

pub(super) fn container_of(lab: &Lab, role: Role) -> String {
    match role {
        Role::JobManager => lab.roles.jobmanager.container.clone(),
        Role::TaskManager => lab.roles.taskmanager.container.clone(),
    }
}

pub(super) fn changed(target: &Target, why: &str) -> Fault {
    Fault::unable(
        "target-changed",
        format!(
            "The {} {} is no longer what was aimed at.",
            target.role, target.pod
        ),
    )
    .why(why)
    .hint("Nothing was hit. Run the command again.")
}

/// A container that ends takes the exec in it along; its code then is that of a killed process.
pub(super) fn was_cut_off(status: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Status) -> bool {
    let causes = status
        .details
        .as_ref()
        .and_then(|details| details.causes.as_ref());
    causes
        .into_iter()
        .flatten()
        .any(|cause| matches!(cause.message.as_deref(), Some("137" | "143")))
}
