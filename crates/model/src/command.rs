//! What a failure does, as commands that a person would type: the truth line of an aim, the same in
//! the palette, in a dry run and in the list of what was done. Each can be pasted as it stands.

use super::Model;
use flinklab_base::shell;
use flinklab_event::{LabNames, Target};
use flinklab_lab::failure::{API_SERVER_MANIFEST, API_SERVER_MANIFEST_ASIDE, Failure, Role, Step};

impl Model {
    /// What a failure does to a target, a command for each step.
    #[must_use]
    pub fn commands(&self, failure: &Failure, target: &Target) -> Vec<String> {
        let steps = failure.steps.iter();
        steps.map(|step| self.command(target, *step)).collect()
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

    fn command(&self, target: &Target, step: Step) -> String {
        let lab = self.lab.as_ref();
        let names = lab.map_or_else(LabNames::default, |lab| (*lab.names).clone());
        let job = lab.and_then(|lab| lab.job.clone()).unwrap_or_default();
        let kubectl = |words: &str| match lab {
            Some(lab) => format!(
                "kubectl --kubeconfig {} -n {} {words}",
                shell::quoted(&lab.kubeconfig.to_string_lossy()),
                lab.namespace
            ),
            None => format!("kubectl {words}"),
        };
        let each = |command: &dyn Fn(&Target) -> String| {
            let pods = std::iter::once(target).chain(&target.also);
            pods.map(command).collect::<Vec<_>>().join("; ")
        };
        let node = |pod: &Target| pod.node.clone().unwrap_or_default();
        // From inside a container its first process is immune to these: the node's number counts.
        let signal = |name: &'static str| {
            move |pod: &Target| {
                format!(
                    "docker exec {} sh -c 'kill -{name} $(crictl inspect -o go-template --template \
                     \"{{{{.info.pid}}}}\" {})'",
                    node(pod),
                    pod.container.as_deref().unwrap_or_default()
                )
            }
        };
        match step {
            Step::Terminate => each(&|pod| {
                let (name, container) = (&pod.pod, &pod.container_name);
                kubectl(&format!("exec {name} -c {container} -- sh -c 'kill 1'"))
            }),
            Step::Kill => each(&signal("KILL")),
            Step::Freeze => each(&signal("STOP")),
            Step::DeletePod => each(&|pod| kubectl(&format!("delete pod {}", pod.pod))),
            Step::CutOff => each(&|pod| {
                let known = self.cluster.pods.get(&pod.uid);
                let ip = known.and_then(|pod| pod.ip.clone()).unwrap_or_default();
                format!(
                    "docker exec {} sh -c 'iptables -I FORWARD -s {ip} -j DROP; \
                     iptables -I FORWARD -d {ip} -j DROP; \
                     iptables -I INPUT -s {ip} -p tcp --dport 6443 -j DROP'",
                    node(pod)
                )
            }),
            Step::ScaleToZero => kubectl(&format!("scale {} --replicas=0", names.workload)),
            Step::StopApiServer => {
                let own = node(target);
                let name = match (own.ends_with("-control-plane"), lab) {
                    (false, Some(lab)) => format!("{}-control-plane", lab.name),
                    (true, _) | (_, None) => own,
                };
                format!("docker exec {name} mv {API_SERVER_MANIFEST} {API_SERVER_MANIFEST_ASIDE}")
            }
            Step::ForbidPatch => format!(
                "{} | sed '/^ *- patch$/d' | {}",
                kubectl(&format!("get role {} -o yaml", names.role)),
                kubectl("replace -f -")
            ),
            Step::ForbidWriting => {
                let folder = format!("{}/{job}", names.checkpoints);
                format!("docker exec {} chmod a-w {folder}", node(target))
            }
            Step::LoseStateFiles => {
                let folder = format!("{}/{job}", names.checkpoints);
                format!(
                    "docker exec {} sh -c 'cd {folder} && mkdir aside && mv shared/* aside'",
                    node(target)
                )
            }
            Step::PauseNode => format!("docker pause {}", node(target)),
            Step::DeletePointers => kubectl(&format!(
                "delete configmap {}-{job}-config-map",
                names.cluster
            )),
        }
    }
}
