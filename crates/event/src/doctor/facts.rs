//! What the world found out about a machine, and what a lab needs of it. Plain data.

use super::flink;
use flinklab_base::fault::Fault;
use flinklab_lab::failure::Role;
use flinklab_lab::support::Support;
use flinklab_lab::{Lab, kubeadm};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// All that findings are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Docker, or why there is none.
    pub docker: Result<Engine, Fault>,
    /// This machine's kernel.
    pub kernel: Kernel,
    /// The folder of the labs.
    pub home: HomeFacts,
    /// Ports that kind.yaml names.
    pub ports: Vec<PortUse>,
    /// Images of nodes and pods.
    pub images: Vec<ImageUse>,
    /// Proxy variables under their upper-case names.
    pub proxies: Vec<(String, String)>,
    /// What the lab needs.
    pub need: Need,
    /// How the versions that its images name stand.
    pub support: Vec<Support>,
    /// Flink's options as the lab has them.
    pub options: Vec<(String, String)>,
    /// An argument of the job speaks of checkpoints.
    pub job_checkpoints: bool,
    /// What follows from the checkpoint interval, and failures that show nothing because of it:
    /// sentences.
    pub checkpoints: (Vec<String>, Vec<String>),
    /// Where pods see the shared folder.
    pub mount: String,
    /// Whether Flink's account may patch config maps in the lab that runs. None: none runs.
    pub patch: Option<bool>,
    /// Nodes of other kind clusters that run.
    pub clusters: usize,
}

/// A Docker that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// Its address.
    pub host: String,
    /// Its version.
    pub version: String,
    /// The API it speaks.
    pub api: String,
    /// Where it is.
    pub place: Place,
    /// How many CPUs it has.
    pub cpus: u64,
    /// Bytes of memory it has.
    pub memory: u64,
    /// 1 or 2.
    pub cgroup: u8,
    /// Runs without root.
    pub rootless: bool,
    /// May limit memory, processes and CPU.
    pub limits: bool,
    /// Installed by snap.
    pub snap: bool,
    /// What it is part of.
    pub kind: EngineKind,
    /// As it calls it.
    pub architecture: String,
    /// Free bytes where it keeps its data, where that can be seen.
    pub disk_free: Option<u64>,
    /// How it keeps logs.
    pub log_driver: String,
    /// What its data is on.
    pub filesystem: String,
    /// By how much its clock is behind this machine's at least; negative: ahead. None: it does not
    /// say what time it is.
    pub behind: Option<SignedDuration>,
}

/// What an engine that speaks Docker's API is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// Docker's own engine by itself.
    Engine,
    /// Docker Desktop.
    Desktop,
    /// Podman, which speaks the API too.
    Podman,
    /// Colima.
    Colima,
    /// OrbStack.
    OrbStack,
    /// Rancher Desktop.
    Rancher,
}

/// Where Docker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On this kernel.
    Here,
    /// On this machine, in a virtual one.
    Virtual,
    /// On another machine.
    Elsewhere,
}

/// This machine's kernel and its limits; none where they cannot be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kernel {
    /// As it calls itself.
    pub version: String,
    /// For each user.
    pub inotify_instances: Option<u64>,
    /// For each user.
    pub inotify_watches: Option<u64>,
    /// Files that this process may open.
    pub files: Option<u64>,
}

/// The folder of the labs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeFacts {
    /// Where it is or would be.
    pub path: String,
    /// Whether it can be written or made.
    pub writable: Result<(), String>,
    /// The kind of file system; empty where it cannot be told.
    pub filesystem: String,
    /// Free bytes.
    pub free: Option<u64>,
    /// Below the system's folder for temporary files.
    pub temporary: bool,
}

/// A port on loopback that the lab wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortUse {
    /// Its number.
    pub port: u16,
    /// Where the lab says so.
    pub wanted_by: String,
    /// Who has it. None: nobody, or this very lab.
    pub taken_by: Option<String>,
}

/// An image that the lab wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    /// Its name.
    pub name: String,
    /// Nodes are made of it.
    pub node: bool,
    /// The processor it is for. None: Docker does not have it.
    pub architecture: Option<String>,
    /// What its registry says, if it was asked.
    pub registry: Option<Result<(), String>>,
    /// What to do where the registry wants a login; none where it wants none.
    pub login: Option<String>,
}

/// What a lab needs of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of disk, images in Docker not counted.
    pub disk: u64,
    /// The part of it that nodes will take which are yet to be made: without it there is no lab.
    pub disk_to_come: u64,
    /// Major and minor version of the newest node image.
    pub kubernetes: Option<(u32, u32)>,
}

/// etcd, API server, kubelet and the rest of a control plane.
const CONTROL_PLANE: u64 = 1_200 << 20;
/// kubelet, proxy and network of a worker.
const WORKER: u64 = 300 << 20;
/// A node's own volume, and the images unpacked in it.
const NODE_DISK: u64 = 2_500 << 20;

impl Need {
    /// Of a lab: its nodes, and the memory that Flink's options give each process.
    #[must_use]
    pub fn of(lab: &Lab) -> Self {
        let options = flink::options(lab);
        let size = |key: &str| {
            let found = options.iter().find(|(name, _)| name == key);
            found
                .and_then(|(_, value)| flink::bytes(value))
                .unwrap_or(1 << 30)
        };
        let managers = lab.replicas(Role::JobManager) * size("jobmanager.memory.process.size");
        let workers = lab.replicas(Role::TaskManager) * size("taskmanager.memory.process.size");
        let nodes = lab.cluster.nodes.len() as u64;
        let more = nodes.saturating_sub(1);
        Self {
            memory: CONTROL_PLANE + more * WORKER + managers + workers,
            disk: nodes.max(1) * NODE_DISK,
            disk_to_come: nodes.max(1) * NODE_DISK,
            kubernetes: lab
                .cluster
                .nodes
                .iter()
                .filter_map(|node| kubeadm::tagged(&node.image))
                .max(),
        }
    }

    /// The same where some nodes exist, and have taken what they need.
    #[must_use]
    pub fn with_made(mut self, nodes: usize) -> Self {
        self.disk_to_come = self.disk_to_come.saturating_sub(nodes as u64 * NODE_DISK);
        self
    }
}
