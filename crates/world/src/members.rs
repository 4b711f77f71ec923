//! Kubernetes' pods against the lab's members: whose a pod is, by the object that controls it.

use flinklab_lab::failure::Role;
use flinklab_lab::{Members, PodIdentity};
use k8s_openapi::api::core::v1::Pod;

/// What a pod is in the lab; none where it is not the lab's.
#[must_use]
pub(crate) fn role(members: &Members, pod: &Pod) -> Option<Role> {
    members.role(identity(pod), |key| label(pod, key))
}

/// Kind and name of the object that controls a pod, a Deployment in place of its ReplicaSet.
#[must_use]
pub(crate) fn owner(pod: &Pod) -> (String, String) {
    let (kind, name) = identity(pod).owner(|key| label(pod, key));
    (kind.to_owned(), name.to_owned())
}

fn identity(pod: &Pod) -> PodIdentity<'_> {
    let owners = pod.metadata.owner_references.iter().flatten();
    let mut controllers = owners.filter(|owner| owner.controller == Some(true));
    let controller = controllers.next();
    PodIdentity {
        name: pod.metadata.name.as_deref().unwrap_or_default(),
        controller: controller.map(|owner| (owner.kind.as_str(), owner.name.as_str())),
    }
}

fn label<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    let labels = pod.metadata.labels.as_ref()?;
    labels.get(key).map(String::as_str)
}
