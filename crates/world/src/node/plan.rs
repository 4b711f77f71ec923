//! What a node container is made of: names, mounts, ports, and the body that kind's own command
//! line sends. Chooses free ports; talks to nobody.

mod command;
mod proxy;
#[cfg(test)]
mod tests;

use crate::docker::{CLUSTER_LABEL, Daemon, ROLE_LABEL};
use bollard::models::{
    ContainerCreateBody, DeviceMapping, HostConfig, HostConfigCgroupnsModeEnum, PortBinding,
    RestartPolicy, RestartPolicyNameEnum,
};
use flinklab_base::fault::Fault;
use flinklab_lab::{Cluster, Mount, NodeRole};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

/// Our own label: which lab's state file the container belongs to. kind ignores it.
pub const LAB_LABEL: &str = "flinklab.lab-id";
/// The API server's port in a control plane.
pub const API_PORT: u16 = 6443;
/// What stands for the lab's shared folder in `kind.yaml`.
const SHARED: &str = "${LAB_SHARED}";

/// Everything that a node container is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct NodePlan {
    /// The kind cluster.
    pub cluster: String,
    /// Container, host, DNS and Kubernetes node name.
    pub name: String,
    /// Control plane or worker.
    pub role: NodeRole,
    /// Which of kind.yaml's nodes it is.
    pub index: usize,
    /// The node image, as it is written.
    pub image: String,
    /// The Docker network.
    pub network: String,
    /// Mounts as Docker's `Binds`, besides kind's own.
    pub binds: Vec<String>,
    /// Published ports. A host port of 0 must be chosen before the container is made.
    pub ports: Vec<Port>,
    /// `KEY=value`, as kind sets them.
    pub environment: Vec<String>,
    /// TOML patches for containerd.
    pub containerd: Vec<String>,
    /// JSON patches for containerd.
    pub containerd_json: Vec<String>,
    /// The lab's id.
    pub lab_id: String,
    /// What of the engine matters.
    pub daemon: Daemon,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// In the container.
    pub container: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// On the host: loopback.
    pub address: IpAddr,
    /// On the host; 0 is not yet chosen.
    pub host: u16,
    /// Whether we chose it, so that we may choose another.
    pub ours_to_choose: Choice,
}

/// Who decided on a host port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// kind.yaml names it.
    Given,
    /// It is picked from the free ones.
    Free,
}

/// kind's word for a role.
#[must_use]
pub const fn role_word(role: NodeRole) -> &'static str {
    match role {
        NodeRole::ControlPlane => "control-plane",
        NodeRole::Worker => "worker",
    }
}

/// The node names of a cluster in the order of kind.yaml: `<cluster>-<role>`, then `…2`, `…3`.
#[must_use]
pub fn names(cluster: &Cluster, name: &str) -> Vec<String> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    cluster
        .nodes
        .iter()
        .map(|node| {
            let word = role_word(node.role);
            let seen = count.entry(word).or_default();
            *seen += 1;
            match *seen {
                1 => format!("{name}-{word}"),
                more => format!("{name}-{word}{more}"),
            }
        })
        .collect()
}

/// What every plan of a cluster shares.
#[derive(Debug, Clone)]
pub struct Common<'a> {
    /// The kind cluster's name.
    pub name: &'a str,
    /// The bind source of the shared folder.
    pub shared: &'a str,
    /// The lab's id.
    pub lab_id: &'a str,
    /// The Docker network.
    pub network: &'a str,
    /// Its subnets: the proxy must not be asked for them.
    pub subnets: &'a [String],
    /// Proxy variables under their upper-case names.
    pub proxies: &'a [(String, String)],
    /// What of the engine matters.
    pub daemon: &'a Daemon,
}

/// A plan for every node of kind.yaml, in its order. Ports that are to be picked are still 0.
pub fn plans(cluster: &Cluster, common: &Common<'_>) -> Result<Vec<NodePlan>, Fault> {
    let names = names(cluster, common.name);
    let mut plans = Vec::new();
    for (index, node) in cluster.nodes.iter().enumerate() {
        let mut ports = Vec::new();
        for mapping in &node.extra_port_mappings {
            let protocol = match mapping.protocol.as_str() {
                "" => "tcp".to_owned(),
                word => word.to_lowercase(),
            };
            ports.push(Port::new(
                mapping.container_port,
                protocol,
                &mapping.listen_address,
                mapping.host_port,
            )?);
        }
        // kind passes the name on whether it has a value or not.
        let mut environment = vec!["KIND_EXPERIMENTAL_CONTAINERD_SNAPSHOTTER".to_owned()];
        if let Some(search) = &cluster.networking.dns_search {
            environment.push(format!("KIND_DNS_SEARCH={}", search.join(" ")));
        }
        environment.extend(proxy::environment(cluster, common, &names));
        if node.role == NodeRole::ControlPlane {
            let networking = &cluster.networking;
            ports.push(Port::new(
                API_PORT,
                "tcp".to_owned(),
                &networking.api_server_address,
                networking.api_server_port,
            )?);
            environment.push("KUBECONFIG=/etc/kubernetes/admin.conf".to_owned());
        }
        plans.push(NodePlan {
            cluster: common.name.to_owned(),
            name: names[index].clone(),
            role: node.role,
            index,
            image: node.image.clone(),
            network: common.network.to_owned(),
            binds: node
                .extra_mounts
                .iter()
                .map(|mount| bind(mount, common.shared))
                .collect(),
            ports,
            environment,
            containerd: cluster.containerd_config_patches.clone(),
            containerd_json: cluster.containerd_config_patches_json6902.clone(),
            lab_id: common.lab_id.to_owned(),
            daemon: common.daemon.clone(),
        });
    }
    Ok(plans)
}

/// An extraMount as Docker's `HOST:CONTAINER[:options]`.
fn bind(mount: &Mount, shared: &str) -> String {
    let host = mount.host_path.replace(SHARED, shared);
    let mut options = Vec::new();
    if mount.read_only {
        options.push("ro");
    }
    if mount.selinux_relabel {
        options.push("Z");
    }
    match mount.propagation.as_str() {
        "Bidirectional" => options.push("rshared"),
        "HostToContainer" => options.push("rslave"),
        _ => {}
    }
    let mut bind = format!("{host}:{}", mount.container_path);
    if !options.is_empty() {
        bind.push(':');
        bind.push_str(&options.join(","));
    }
    bind
}

impl Port {
    fn new(container: u16, protocol: String, address: &str, host: u16) -> Result<Self, Fault> {
        let address = match address {
            "" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            text => text.parse().map_err(|error| {
                Fault::wrong(
                    "kind-file",
                    format!("`{text}` is not an address to listen on."),
                )
                .why(error)
            })?,
        };
        if !address.is_loopback() {
            // Whoever reaches Flink's REST or the API server may run code here.
            return Err(Fault::wrong(
                "not-loopback",
                format!("Port {container} would be published on {address}."),
            )
            .why("a lab publishes on loopback only")
            .hint("Say `listenAddress: 127.0.0.1` in kind.yaml."));
        }
        Ok(Self {
            container,
            protocol,
            address,
            host,
            ours_to_choose: if host == 0 {
                Choice::Free
            } else {
                Choice::Given
            },
        })
    }

    /// As Docker writes it.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.container, self.protocol)
    }
}

impl NodePlan {
    /// Chooses every port that is still 0. All are held open until the last is chosen, so that no
    /// two are the same; the numbers are then fixed in the container and survive its restarts.
    pub fn choose_ports(&mut self) -> Result<(), Fault> {
        let mut held = Vec::new();
        for port in self.ports.iter_mut().filter(|port| port.host == 0) {
            let chosen = TcpListener::bind(SocketAddr::new(port.address, 0))
                .and_then(|listener| Ok((listener.local_addr()?.port(), listener)));
            let (number, listener) = chosen.map_err(|error| {
                Fault::unable(
                    "port-taken",
                    format!("No port is free on {}.", port.address),
                )
                .why(error)
            })?;
            port.host = number;
            held.push(listener);
        }
        Ok(())
    }

    /// Forgets the ports that we chose, so that others can be chosen. Says whether there are any.
    #[must_use]
    pub fn forget_ports(&mut self) -> bool {
        let mut any = false;
        for port in &mut self.ports {
            if port.ours_to_choose == Choice::Free {
                port.host = 0;
                any = true;
            }
        }
        any
    }

    /// The host's side of a port of the container.
    #[must_use]
    pub fn published(&self, container: u16) -> Option<SocketAddr> {
        self.ports
            .iter()
            .find(|port| port.container == container && port.host != 0)
            .map(|port| SocketAddr::new(port.address, port.host))
    }

    /// What is sent to Docker: the same as kind's command line sends, and our label.
    #[must_use]
    pub fn body(&self) -> ContainerCreateBody {
        let mut binds = vec!["/lib/modules:/lib/modules:ro".to_owned()];
        binds.extend(self.binds.iter().cloned());
        if self.daemon.device_mapper {
            binds.push("/dev/mapper:/dev/mapper".to_owned());
        }
        let mut bindings: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
        for port in &self.ports {
            bindings
                .entry(port.key())
                .or_default()
                .get_or_insert_default()
                .push(PortBinding {
                    host_ip: Some(port.address.to_string()),
                    host_port: Some(port.host.to_string()),
                });
        }
        let mut exposed: Vec<String> = bindings.keys().cloned().collect();
        exposed.sort();
        let fuse = DeviceMapping {
            path_on_host: Some("/dev/fuse".to_owned()),
            path_in_container: Some("/dev/fuse".to_owned()),
            cgroup_permissions: Some("rwm".to_owned()),
        };
        let host = HostConfig {
            privileged: Some(true),
            security_opt: Some(vec![
                "seccomp=unconfined".to_owned(),
                "apparmor=unconfined".to_owned(),
            ]),
            tmpfs: Some(HashMap::from([
                ("/tmp".to_owned(), String::new()),
                ("/run".to_owned(), String::new()),
            ])),
            binds: Some(binds),
            network_mode: Some(self.network.clone()),
            port_bindings: Some(bindings),
            restart_policy: Some(RestartPolicy {
                name: Some(RestartPolicyNameEnum::ON_FAILURE),
                maximum_retry_count: Some(1),
            }),
            // The engine may be set to put its own init in front; systemd must be process 1.
            init: Some(false),
            cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
            userns_mode: self.daemon.remaps_users.then(|| "host".to_owned()),
            // Empty lists where kind's command line sends them, so that inspecting shows the same.
            devices: Some(if self.daemon.rootless {
                vec![fuse]
            } else {
                Vec::new()
            }),
            dns: Some(Vec::new()),
            dns_options: Some(Vec::new()),
            dns_search: Some(Vec::new()),
            ulimits: Some(Vec::new()),
            blkio_weight_device: Some(Vec::new()),
            blkio_device_read_bps: Some(Vec::new()),
            blkio_device_write_bps: Some(Vec::new()),
            blkio_device_read_iops: Some(Vec::new()),
            blkio_device_write_iops: Some(Vec::new()),
            ..HostConfig::default()
        };
        ContainerCreateBody {
            hostname: Some(self.name.clone()),
            image: Some(self.image.clone()),
            tty: Some(true),
            labels: Some(HashMap::from([
                (CLUSTER_LABEL.to_owned(), self.cluster.clone()),
                (ROLE_LABEL.to_owned(), role_word(self.role).to_owned()),
                (LAB_LABEL.to_owned(), self.lab_id.clone()),
            ])),
            env: Some(self.environment.clone()),
            volumes: Some(vec!["/var".to_owned()]),
            exposed_ports: Some(exposed),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        }
    }
}
