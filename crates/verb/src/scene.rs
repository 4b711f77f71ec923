//! What a command line of a verb is made of: the lab and the target, by the names that a person
//! types.

/// The lab and what is aimed at, in words.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// `kubectl` with its kubeconfig and namespace.
    pub kubectl: String,
    /// The lab's name; none where none is open.
    pub lab: Option<String>,
    /// The JobManagers' workload, such as `deployment/flink-jobmanager`.
    pub workload: String,
    /// The Role that lets them patch config maps.
    pub role: String,
    /// Flink's cluster id: the beginning of the names of its config maps.
    pub cluster: String,
    /// Where a node sees the jobs' checkpoints.
    pub checkpoints: String,
    /// The job's id; empty where none is known.
    pub job: String,
    /// The pods that are hit, the first one first.
    pub pods: Vec<PodWords>,
}

/// A pod, in words; what is not known is empty.
#[derive(Debug, Clone, Default)]
pub struct PodWords {
    /// Its name.
    pub pod: String,
    /// The container that Flink runs in.
    pub container_name: String,
    /// The id of that container.
    pub container: String,
    /// The node that it runs on.
    pub node: String,
    /// Its address.
    pub ip: String,
}

impl Scene {
    /// A kubectl command in the lab's namespace.
    #[must_use]
    pub fn kubectl(&self, words: &str) -> String {
        format!("{} {words}", self.kubectl)
    }

    /// A command for each pod that is hit.
    #[must_use]
    pub fn each(&self, command: impl Fn(&PodWords) -> String) -> String {
        let all: Vec<String> = self.pods.iter().map(command).collect();
        all.join("; ")
    }

    /// The node of the first pod.
    #[must_use]
    pub fn node(&self) -> &str {
        self.pods.first().map_or("", |pod| &pod.node)
    }

    /// The node of the API server.
    #[must_use]
    pub fn control_plane(&self) -> String {
        match &self.lab {
            Some(lab) if !self.node().ends_with("-control-plane") => {
                format!("{lab}-control-plane")
            }
            _ => self.node().to_owned(),
        }
    }

    /// A signal from the node to the first process of each pod. From inside the container that
    /// process is immune: the node's own number of it counts.
    #[must_use]
    pub fn signal(&self, name: &str) -> String {
        self.each(|pod| {
            format!(
                "docker exec {} sh -c 'kill -{name} $(crictl inspect -o go-template --template \
                 \"{{{{.info.pid}}}}\" {})'",
                pod.node, pod.container
            )
        })
    }

    /// The folder of the job's checkpoints, as a node sees it.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("{}/{}", self.checkpoints, self.job)
    }
}
