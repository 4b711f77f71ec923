//! What a failure does, as commands that a person would type: the truth line of an aim, the same in
//! the palette, in a dry run and in the list of what was done. Each can be pasted as it stands.

use super::Model;
use flinklab_base::shell;
use flinklab_event::{LabNames, Target};
use flinklab_lab::failure::{Failure, Role};
use flinklab_verb::{PodWords, Scene};

impl Model {
    /// What a failure does to a target, a command for each step.
    #[must_use]
    pub fn commands(&self, failure: &Failure, target: &Target) -> Vec<String> {
        let scene = self.scene(target);
        let steps = failure.steps.iter();
        steps.map(|step| step.command(&scene)).collect()
    }

    /// The container that a role runs in, as the lab calls it.
    pub(super) fn container_of(&self, role: Role) -> String {
        let names = self.lab.as_ref().map(|lab| &lab.names);
        let own = names.map(|names| match role {
            Role::JobManager => names.jobmanager.clone(),
            Role::TaskManager => names.taskmanager.clone(),
        });
        own.filter(|name| !name.is_empty())
            .unwrap_or_else(|| role.to_string().to_lowercase())
    }

    /// The lab and a target, by the names that a person types.
    fn scene(&self, target: &Target) -> Scene {
        let lab = self.lab.as_ref();
        let names = lab.map_or_else(LabNames::default, |lab| (*lab.names).clone());
        let pods = std::iter::once(target).chain(&target.also);
        let pods = pods.map(|pod| PodWords {
            pod: pod.pod.clone(),
            container_name: pod.container_name.clone(),
            container: pod.container.clone().unwrap_or_default(),
            node: pod.node.clone().unwrap_or_default(),
            ip: self.address_of(&pod.uid),
        });
        Scene {
            kubectl: lab.map_or_else(
                || "kubectl".to_owned(),
                |lab| {
                    format!(
                        "kubectl --kubeconfig {} -n {}",
                        shell::quoted(&lab.kubeconfig.to_string_lossy()),
                        lab.namespace
                    )
                },
            ),
            lab: lab.map(|lab| lab.name.clone()),
            workload: names.workload,
            role: names.role,
            cluster: names.cluster,
            checkpoints: names.checkpoints,
            job: lab.and_then(|lab| lab.job.clone()).unwrap_or_default(),
            pods: pods.collect(),
        }
    }

    fn address_of(&self, uid: &str) -> String {
        let known = self.cluster.pods.get(uid);
        known.and_then(|pod| pod.ip.clone()).unwrap_or_default()
    }
}
