//! What a step does, as a person would do it by hand: the truth line of an aim.

use super::Target;
use crate::failure::Step;

impl Target {
    /// What a step does to the target, as a person would do it by hand.
    #[must_use]
    pub fn command(&self, step: Step) -> String {
        let pods: Vec<&Self> = std::iter::once(self).chain(&self.also).collect();
        let each = |command: &dyn Fn(&Self) -> String| {
            let all: Vec<String> = pods.iter().map(|pod| command(pod)).collect();
            all.join("; ")
        };
        let node = self.node.as_deref().unwrap_or("NODE");
        let signal = |name: &'static str| {
            move |pod: &Self| {
                let node = pod.node.as_deref().unwrap_or("NODE");
                format!(
                    "docker exec {node} kill -{name} PID, the PID of {} seen from the node",
                    pod.pod
                )
            }
        };
        match step {
            Step::Terminate => each(&|pod| {
                format!(
                    "kubectl exec {} -c {} -- sh -c 'kill 1'",
                    pod.pod, pod.container_name
                )
            }),
            Step::Kill => each(&signal("KILL")),
            Step::Freeze => each(&signal("STOP")),
            Step::DeletePod => each(&|pod| format!("kubectl delete pod {}", pod.pod)),
            Step::CutOff => each(&|pod| {
                let node = pod.node.as_deref().unwrap_or("NODE");
                format!(
                    "docker exec {node} iptables -I FORWARD -s/-d ADDRESS -j DROP, and INPUT to port 6443, for {}",
                    pod.pod
                )
            }),
            Step::ScaleToZero => {
                "kubectl scale --replicas=0, the workload of the JobManagers".to_owned()
            }
            Step::StopApiServer => {
                format!("docker exec {node} mv /etc/kubernetes/manifests/kube-apiserver.yaml aside")
            }
            Step::ForbidPatch => {
                "kubectl edit role, `patch` taken from the verbs on config maps".to_owned()
            }
            Step::ForbidWriting => {
                format!("docker exec {node} chmod a-w, the folder of the job's checkpoints")
            }
            Step::DeletePointers => "kubectl delete configmap, the job's".to_owned(),
        }
    }
}
