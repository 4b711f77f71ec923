//! Kubernetes' objects into our own rows. Foreign types end here.

use crate::clean;
use flinklab_event::{KubeEvent, Pod, PodPhase};
use flinklab_lab::Members;
use flinklab_lab::failure::Role;
use jiff::Timestamp;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The pod as a row. None: it is not one of the lab's.
pub(super) fn pod(members: &Members, pod: &core::Pod) -> Option<Pod> {
    let meta = &pod.metadata;
    let role = crate::members::role(members, pod)?;
    let roles = members.roles();
    let labels = match role {
        Role::JobManager => &roles.jobmanager,
        Role::TaskManager => &roles.taskmanager,
    };
    let status = pod.status.as_ref();
    let containers = status
        .and_then(|status| status.container_statuses.as_deref())
        .unwrap_or_default();
    let ours = containers
        .iter()
        .find(|found| found.name == labels.container);
    let state = ours.and_then(|ours| ours.state.as_ref());
    let last = ours
        .and_then(|ours| ours.last_state.as_ref())
        .and_then(|state| state.terminated.as_ref());
    let ended = state.and_then(|state| state.terminated.as_ref());
    let waiting = state
        .and_then(|state| state.waiting.as_ref())
        .map(|waiting| {
            (
                clean::message(waiting.reason.as_deref().unwrap_or_default()),
                clean::message(waiting.message.as_deref().unwrap_or_default()),
            )
        });
    Some(Pod {
        uid: meta.uid.clone()?,
        name: clean::message(meta.name.as_deref()?),
        role,
        phase: match status.and_then(|status| status.phase.as_deref()) {
            Some("Pending") | None => PodPhase::Pending,
            Some("Running") => PodPhase::Running,
            Some("Succeeded") => PodPhase::Succeeded,
            Some("Failed") => PodPhase::Failed,
            Some(_) => PodPhase::Unknown,
        },
        ready: !containers.is_empty()
            && containers.iter().all(|container| container.ready)
            && condition(status, "Ready"),
        restarts: ours.map_or(0, |ours| u32::try_from(ours.restart_count).unwrap_or(0)),
        container: ours
            .filter(|_| state.is_some_and(|state| state.running.is_some()))
            .and_then(|ours| ours.container_id.as_deref())
            .map(|id| clean::message(id.rsplit_once("//").map_or(id, |(_, id)| id))),
        ip: status
            .and_then(|status| status.pod_ip.as_deref())
            .map(clean::message),
        node: pod
            .spec
            .as_ref()
            .and_then(|spec| spec.node_name.as_deref())
            .map(clean::message),
        created: meta.creation_timestamp.as_ref().map(stamp),
        deleting: meta.deletion_timestamp.as_ref().map(stamp),
        waiting: waiting.or_else(|| unscheduled(status)),
        last_exit: ended.or(last).map(|ended| {
            (
                ended.exit_code,
                clean::message(ended.reason.as_deref().unwrap_or_default()),
                ended.finished_at.as_ref().map(stamp),
            )
        }),
        detail: Box::new(super::described::detail(pod, &labels.container)),
    })
}

/// The kubelet marks a pod as not ready when its node is lost, and leaves its containers alone.
fn condition(status: Option<&core::PodStatus>, name: &str) -> bool {
    let conditions = status
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    let found = conditions.iter().find(|condition| condition.type_ == name);
    found.is_none_or(|condition| condition.status == "True")
}

/// Why no container exists yet, where the scheduler said so.
fn unscheduled(status: Option<&core::PodStatus>) -> Option<(String, String)> {
    let conditions = status?.conditions.as_deref()?;
    let found = conditions
        .iter()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
    Some((
        clean::message(found.reason.as_deref().unwrap_or("Unschedulable")),
        clean::message(found.message.as_deref().unwrap_or_default()),
    ))
}

/// A Kubernetes event as a row.
pub(super) fn event(event: &core::Event) -> KubeEvent {
    let object = &event.involved_object;
    let series = event.series.as_ref();
    let at = series
        .and_then(|series| series.last_observed_time.as_ref().map(|at| at.0))
        .or(event.last_timestamp.as_ref().map(stamp))
        .or(event.event_time.as_ref().map(|at| at.0))
        .or(event.first_timestamp.as_ref().map(stamp))
        .or(event.metadata.creation_timestamp.as_ref().map(stamp))
        .unwrap_or_default();
    let count = series
        .and_then(|series| series.count)
        .or(event.count)
        .unwrap_or(1);
    KubeEvent {
        at,
        warning: event.type_.as_deref() == Some("Warning"),
        reason: clean::message(event.reason.as_deref().unwrap_or_default()),
        object: clean::message(object.name.as_deref().unwrap_or_default()),
        message: clean::message(event.message.as_deref().unwrap_or_default()),
        count: u32::try_from(count).unwrap_or(1).max(1),
    }
}

fn stamp(time: &Time) -> Timestamp {
    time.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(change: impl Fn(&mut serde_json::Value)) -> Option<Pod> {
        let lab = flinklab_lab::Lab::open("default").unwrap();
        let mut json = serde_json::json!({
            "metadata": {"name": "flink-jobmanager-1", "uid": "u", "creationTimestamp": "2026-11-22T22:55:54Z",
                         "labels": {"app": "flink", "component": "jobmanager", "pod-template-hash": "1a"},
                         "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": true,
                             "name": "flink-jobmanager-1a", "uid": "r"}]},
            "spec": {"nodeName": "lab-control-plane", "containers": []},
            "status": {"phase": "Running", "podIP": "10.244.0.7",
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": "jobmanager", "ready": true, "restartCount": 2, "image": "", "imageID": "",
                    "containerID": "containerd://abc", "state": {"running": {"startedAt": "2026-11-22T22:56:00Z"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "Error", "finishedAt": "2026-11-22T22:55:59Z"}}}]}
        });
        change(&mut json);
        pod(&lab.members(), &serde_json::from_value(json).unwrap())
    }

    #[test]
    fn a_pod_is_what_kubernetes_says_it_is() {
        let row = read(|_| {}).unwrap();
        assert_eq!(
            (row.role, row.phase, row.ready, row.restarts),
            (Role::JobManager, PodPhase::Running, true, 2)
        );
        assert_eq!(row.container.as_deref(), Some("abc"));
        assert_eq!(row.ip.as_deref(), Some("10.244.0.7"));
        assert_eq!(row.last_exit.unwrap().0, 137);
        assert_eq!(row.waiting, None);
    }

    #[test]
    fn a_container_that_does_not_run_has_no_id_but_a_reason() {
        let row = read(|json| {
            json["status"]["containerStatuses"][0]["ready"] = false.into();
            json["status"]["containerStatuses"][0]["state"] =
                serde_json::json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5s\u{1b}[2J"}});
        })
        .unwrap();
        assert_eq!((row.ready, row.container), (false, None));
        assert_eq!(
            row.waiting,
            Some(("CrashLoopBackOff".into(), "back-off 5s".into()))
        );
    }

    #[test]
    fn other_pods_are_not_ours() {
        assert!(read(|json| json["metadata"]["labels"]["component"] = "other".into()).is_none());
        assert!(read(|json| json["metadata"]["labels"] = serde_json::Value::Null).is_none());
        // Another Flink in the same namespace, under the same labels.
        let of =
            |name: &str| read(|json| json["metadata"]["ownerReferences"][0]["name"] = name.into());
        assert!(of("other-jobmanager-1a").is_none() && of("flink-jobmanager-1a").is_some());
        let alone = read(|json| json["metadata"]["ownerReferences"] = serde_json::Value::Null);
        assert!(alone.is_none());
    }
}
