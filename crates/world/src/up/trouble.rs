//! What pods say of themselves that waiting does not change, and since when they say it. Pure: pods
//! and a clock in, a trouble out.

use crate::clean;
use crate::members;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_lab::Lab;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long an image may be refused: a registry that is asked too often says no for a moment.
const IMAGE: Duration = Duration::from_secs(6);
/// How long a container may not be made: its config map may come a moment later.
const CONTAINER: Duration = Duration::from_secs(6);
/// How long the scheduler may find no node.
const UNSCHEDULED: Duration = Duration::from_secs(8);
const IMAGE_REASONS: [&str; 6] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
];
const CONTAINER_REASONS: [&str; 4] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CreatePodSandboxError",
];
/// The labels by which a workload tells its pods of one template from those of another.
const TEMPLATES: [&str; 2] = ["pod-template-hash", "controller-revision-hash"];

/// What a pod waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Image,
    Container,
    Unscheduled,
    Ends,
}

/// One of them, certain by now.
#[derive(Debug)]
pub(super) struct Trouble<'a> {
    pub(super) kind: Kind,
    pub(super) pod: &'a Pod,
    pub(super) container: String,
    image: String,
    said: String,
}

/// What was seen of pods so far, by uid.
#[derive(Debug)]
pub(super) struct Troubles {
    /// Ends of a container, without having been ready, that are no accident any more.
    ends: i32,
    since: BTreeMap<(String, Kind), Instant>,
    /// Restarts of a container when it was seen first, or ready last.
    restarts: BTreeMap<(String, String), i32>,
}

impl Troubles {
    pub(super) const fn new(ends: i32) -> Self {
        Self {
            ends,
            since: BTreeMap::new(),
            restarts: BTreeMap::new(),
        }
    }

    /// A trouble that is certain. `placed`: the nodes are Ready, so that the scheduler's word counts.
    pub(super) fn certain<'a>(
        &mut self,
        pods: &[&'a Pod],
        placed: bool,
        now: Instant,
    ) -> Option<Trouble<'a>> {
        let leaving = pods
            .iter()
            .any(|pod| pod.metadata.deletion_timestamp.is_some());
        let mut seen = Vec::new();
        let mut found = None;
        for pod in newest(pods) {
            if pod.metadata.deletion_timestamp.is_some() {
                continue;
            }
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            for (status, trouble) in troubles(pod) {
                let key = (uid.clone(), trouble.kind);
                let limit = match trouble.kind {
                    Kind::Image => IMAGE,
                    Kind::Container => CONTAINER,
                    // What leaves makes room.
                    Kind::Unscheduled if leaving || !placed => continue,
                    Kind::Unscheduled => UNSCHEDULED,
                    Kind::Ends => {
                        if self.has_ended_again(&uid, status) {
                            found.get_or_insert(trouble);
                        }
                        continue;
                    }
                };
                let since = *self.since.entry(key.clone()).or_insert(now);
                seen.push(key);
                if now.saturating_duration_since(since) >= limit {
                    found.get_or_insert(trouble);
                }
            }
        }
        self.since.retain(|key, _| seen.contains(key));
        found
    }

    /// Whether a container has ended again and again since it was seen first.
    fn has_ended_again(&mut self, uid: &str, status: Option<&ContainerStatus>) -> bool {
        let Some(status) = status else { return false };
        let key = (uid.to_owned(), status.name.clone());
        let now = status.restart_count;
        if status.ready {
            self.restarts.insert(key, now);
            return false;
        }
        let first = *self.restarts.entry(key).or_insert(now);
        let ended = status
            .state
            .as_ref()
            .is_some_and(|state| state.terminated.is_some());
        now + i32::from(ended) - first >= self.ends
    }
}

/// The pods of the newest template of each workload: those of an older one go.
fn newest<'a>(pods: &[&'a Pod]) -> Vec<&'a Pod> {
    let template = |pod: &Pod| {
        let labels = pod.metadata.labels.as_ref();
        TEMPLATES.iter().find_map(|key| labels?.get(*key).cloned())
    };
    let created = |pod: &Pod| pod.metadata.creation_timestamp.as_ref().map(|at| at.0);
    let mut newest: BTreeMap<(String, String), &Pod> = BTreeMap::new();
    for pod in pods {
        let known = newest.entry(members::owner(pod)).or_insert(pod);
        if created(pod) > created(known) {
            *known = pod;
        }
    }
    let own = pods.iter().filter(|pod| {
        let of = newest.get(&members::owner(pod));
        of.is_none_or(|newest| template(newest) == template(pod))
    });
    own.copied().collect()
}

/// What a pod says of itself now, with the container that it says it of.
fn troubles(pod: &Pod) -> Vec<(Option<&ContainerStatus>, Trouble<'_>)> {
    let Some(status) = &pod.status else {
        return Vec::new();
    };
    let trouble = |kind, container: &ContainerStatus, said: String| Trouble {
        kind,
        pod,
        container: container.name.clone(),
        image: container.image.clone(),
        said,
    };
    let mut all = Vec::new();
    let init = status.init_container_statuses.iter().flatten();
    for container in init.chain(status.container_statuses.iter().flatten()) {
        let state = container.state.as_ref();
        let waiting = state.and_then(|state| state.waiting.as_ref());
        let reason = waiting.and_then(|waiting| waiting.reason.as_deref());
        let message = waiting.and_then(|waiting| waiting.message.as_deref());
        let said = clean::message(message.or(reason).unwrap_or_default());
        let kind = match reason {
            Some(reason) if IMAGE_REASONS.contains(&reason) => Some(Kind::Image),
            Some(reason) if CONTAINER_REASONS.contains(&reason) => Some(Kind::Container),
            _ => None,
        };
        if let Some(kind) = kind {
            all.push((Some(container), trouble(kind, container, said)));
        }
        let last = container.last_state.as_ref();
        let ended = [state, last].into_iter().flatten();
        let ended = ended.filter_map(|state| state.terminated.as_ref()).next();
        let said = ended.filter(|ended| ended.exit_code != 0).map(|ended| {
            let reason = ended.reason.as_deref().unwrap_or("Error");
            clean::message(&format!("exit code {}, {reason}", ended.exit_code))
        });
        if said.is_some() || container.ready || ended.is_none() {
            // Told of sound ones too: from how many restarts on is counted.
            let said = said.unwrap_or_default();
            all.push((Some(container), trouble(Kind::Ends, container, said)));
        }
    }
    let conditions = status.conditions.iter().flatten();
    let mut unscheduled = conditions.filter(|one| {
        one.type_ == "PodScheduled"
            && one.status == "False"
            && one.reason.as_deref() == Some("Unschedulable")
    });
    if let Some(condition) = unscheduled.next() {
        let said = clean::message(condition.message.as_deref().unwrap_or_default());
        let trouble = Trouble {
            kind: Kind::Unscheduled,
            pod,
            container: String::new(),
            image: String::new(),
            said,
        };
        all.push((None, trouble));
    }
    all
}

impl Trouble<'_> {
    /// Whether the scheduler waits for volumes of claims. Its word may be minutes old: it looks again
    /// only when something changed, and the controller that binds them may not have begun.
    pub(super) fn is_about_claims(&self) -> bool {
        self.kind == Kind::Unscheduled && self.said.to_lowercase().contains("persistentvolumeclaim")
    }

    /// In a person's words; `log`: what the process, or the controller of volumes, said last.
    pub(super) fn fault(&self, lab: &Lab, log: Option<String>) -> Fault {
        let pod = clean::message(self.pod.metadata.name.as_deref().unwrap_or_default());
        let (container, image) = (clean::message(&self.container), clean::message(&self.image));
        match self.kind {
            Kind::Image => {
                let what = format!("The image `{image}` cannot be had for the pod {pod}.");
                let is_ours = lab
                    .images
                    .iter()
                    .any(|known| image.ends_with(known.as_str()));
                Fault::unable("image-missing", what).why(&self.said).hint(if is_ours { "It is in the node: write `imagePullPolicy: IfNotPresent` in the pod's container.".to_owned() } else { "List it under `images` of lab.yaml, so that `up` brings it into the nodes, or name one that a registry has.".to_owned() })
            }
            Kind::Container => {
                let what = format!("The container `{container}` of the pod {pod} cannot be made.");
                Fault::unable("container-refused", what)
                    .why(&self.said)
                    .hint("Mend the manifest that makes the pod: what it refers to must exist.")
            }
            Kind::Unscheduled => {
                let what = format!("No node can take the pod {pod}.");
                let claims = self.is_about_claims();
                let why = log.unwrap_or_else(|| self.said.clone());
                Fault::unable("pod-unscheduled", what).why(why).hint(if claims { "Bind its claim to a PersistentVolume of the shared folder: `volumeName`, and `storageClassName` as the volume has it." } else { "Ask for less in `resources.requests`, or give Docker's machine more." })
            }
            Kind::Ends => {
                let what = format!(
                    "`{container}` in the pod {pod} ends again and again ({}).",
                    self.said
                );
                let fault = Fault::unable("crash-loop", what);
                match log {
                    Some(log) => fault.why(log),
                    None => fault.why("its log tells no exception"),
                }
                .hint("Mend what it says in the lab's files.")
            }
        }
    }
}

/// Why a process ended, from the end of its log: the innermost cause of the last exception.
pub(super) fn root(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().collect();
    let cause = lines
        .iter()
        .rposition(|line| line.starts_with("Caused by: "));
    let thrown = |line: &&str| {
        let word = line.split([' ', ':']).next().unwrap_or_default();
        (word.contains('.') && (word.ends_with("Exception") || word.ends_with("Error")))
            || line.starts_with("Exception in thread")
    };
    let line = match cause {
        Some(at) => lines[at].trim_start_matches("Caused by: "),
        None => lines
            .iter()
            .rfind(|line| thrown(line))
            .or_else(|| lines.iter().rfind(|line| line.contains(" ERROR ")))?,
    };
    Some(clean::message(line))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use serde_json::json;

    fn pod(name: &str, hash: &str, created: &str, status: serde_json::Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": name, "uid": name, "creationTimestamp": created,
                "labels": {"pod-template-hash": hash},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": true,
                    "name": format!("x-{hash}"), "uid": "u"}]},
            "spec": {"containers": []}, "status": status,
        }))
        .unwrap()
    }

    fn container(restarts: i32, ready: bool, state: serde_json::Value) -> serde_json::Value {
        json!({"containerStatuses": [{"name": "c", "image": "mine:1", "imageID": "", "ready": ready,
            "restartCount": restarts, "state": state,
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]})
    }

    /// So many seconds after a moment.
    fn after(began: Instant, seconds: u64) -> Instant {
        began + Duration::from_secs(seconds)
    }

    #[test]
    fn an_image_that_is_refused_for_long_is_told_and_of_the_newest_pods_only() {
        let began = Instant::now();
        let waiting = json!({"waiting": {"reason": "ErrImagePull", "message": "not found"}});
        let old = pod(
            "old",
            "1",
            "2026-11-30T10:00:00Z",
            container(0, false, waiting.clone()),
        );
        let well = pod(
            "new",
            "2",
            "2026-11-30T11:00:00Z",
            container(0, true, json!({"running": {}})),
        );
        let mut troubles = Troubles::new(2);
        let mut certain = |pods: &[_], at| troubles.certain(pods, true, after(began, at)).is_some();
        assert!(!certain(&[&old], 0), "not yet");
        assert!(!certain(&[&old, &well], 7), "it is replaced");
        assert!(!certain(&[&old], 8), "counted anew");
        let found = troubles.certain(&[&old], true, after(began, 15)).unwrap();
        let said = found
            .fault(&Lab::open("default").unwrap(), None)
            .to_string();
        assert!(
            said.contains("The image `mine:1` cannot be had for the pod old. (not found)"),
            "{said}"
        );
    }

    #[test]
    fn a_process_that_ends_twice_without_being_ready_is_told() {
        let at = "2026-11-30T10:00:00Z";
        let running = || json!({"running": {}});
        let mut troubles = Troubles::new(2);
        let mut certain = |restarts, ready, state| {
            let pod = pod("p", "1", at, container(restarts, ready, state));
            let found = troubles.certain(&[&pod], true, Instant::now());
            found.map(|found| found.kind)
        };
        // What it did before is not counted, nor a restart after which it was ready.
        assert_eq!(certain(7, false, running()), None);
        assert_eq!(certain(8, false, running()), None);
        assert_eq!(certain(8, true, running()), None);
        assert_eq!(certain(9, false, running()), None);
        let ended = json!({"terminated": {"exitCode": 1}});
        assert_eq!(certain(9, false, ended), Some(Kind::Ends));
    }

    #[test]
    fn a_pod_that_no_node_takes_is_told_once_nodes_are_there() {
        let began = Instant::now();
        let status = json!({"conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "pod has unbound immediate PersistentVolumeClaims"}]});
        let waits = pod("p", "1", "2026-11-30T10:00:00Z", status);
        let mut troubles = Troubles::new(2);
        assert!(troubles.certain(&[&waits], false, began).is_none());
        assert!(troubles.certain(&[&waits], true, after(began, 9)).is_none());
        let found = troubles.certain(&[&waits], true, after(began, 18)).unwrap();
        assert_eq!(found.kind, Kind::Unscheduled);
    }

    #[test]
    fn the_innermost_cause_is_the_reason_of_an_end() {
        let log = "2026 INFO  starts\n2026 ERROR x - Could not start\norg.a.B: outer\n\tat x\nCaused by: java.lang.ClassNotFoundException: kuberentes\n\tat y\nbye\n";
        assert_eq!(
            root(log).unwrap(),
            "java.lang.ClassNotFoundException: kuberentes"
        );
        assert_eq!(
            root("java.lang.OutOfMemoryError: heap\nx").unwrap(),
            "java.lang.OutOfMemoryError: heap"
        );
        assert_eq!(root("a\n2026 ERROR y - no\n").unwrap(), "2026 ERROR y - no");
        assert_eq!(root("all is well\n"), None);
    }
}
