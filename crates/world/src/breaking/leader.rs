//! Stops the JobManager that leads, once, in order: the last resort of two undos.

use super::DISPATCHER;
use crate::gate::Ours;
use crate::kube::{CALL, within};
use crate::open::LabHandle;
use flinklab_base::fault::Fault;
use flinklab_lab::failure::Role;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Api;
use kube::api::{AttachParams, ListParams};
use std::time::Duration;

/// How long the exec may take.
const EXEC: Duration = Duration::from_secs(10);

/// Sends SIGTERM to the leading JobManager. Nobody leads: nobody needs to be stopped.
pub async fn stop_leader(opened: &LabHandle, ours: &Ours) -> Result<(), Fault> {
    let lab = &opened.lab;
    let maps: Api<ConfigMap> = Api::namespaced(ours.client(), ours.namespace());
    let map = within(CALL, "Asking who leads", maps.get_opt(&lab.cluster_map())).await?;
    let key = map.and_then(|map| map.data?.remove(DISPATCHER));
    let address = key.as_deref().and_then(|key| key.split_once(','));
    let Some(host) = address.and_then(|(_, address)| crate::ha::host(address)) else {
        return Ok(());
    };
    let pods: Api<Pod> = Api::namespaced(ours.client(), ours.namespace());
    let only = ListParams::default().labels(&lab.roles.jobmanager.selector);
    let mut all = within(CALL, "Asking for the JobManagers", pods.list(&only)).await?;
    let members = lab.members();
    all.items
        .retain(|pod| crate::members::role(&members, pod) == Some(Role::JobManager));
    // Under a Service's name there is one JobManager only.
    let alone = all.items.len() == 1 && host.parse::<std::net::IpAddr>().is_err();
    let leads = |pod: &Pod| {
        let status = pod.status.as_ref();
        alone || status.and_then(|status| status.pod_ip.as_deref()) == Some(host)
    };
    let Some(name) = all
        .items
        .iter()
        .find(|pod| leads(pod))
        .and_then(|pod| pod.metadata.name.as_deref())
    else {
        return Ok(());
    };
    let how = AttachParams::default()
        .container(&lab.roles.jobmanager.container)
        .stdin(false)
        .stdout(true)
        .stderr(true);
    let exec = pods.exec(name, ["sh", "-c", "kill 1"], &how);
    let mut attached = match within(EXEC, &format!("Running `kill 1` in {name}"), exec).await {
        Ok(attached) => attached,
        // It ends by itself already: whoever broke it was stopped right after that.
        Err(fault) if fault.why.contains("container not found") => return Ok(()),
        Err(fault) => return Err(fault),
    };
    if let Some(status) = attached.take_status() {
        // The container may be gone before the answer is: then its end is the answer.
        let _ = tokio::time::timeout(EXEC, status).await;
    }
    attached.abort();
    Ok(())
}
