//! kubeadm's configuration as kind writes it, patches of `kind.yaml` applied: text from values.
//! Writes no file and runs no command.

pub(super) mod gates;
pub(super) mod patch;

use super::kind::{Cluster, NodeRole};
use super::mistake::Mistake;
use flinklab_base::fault::Fault;
use patch::Target;
use serde_json::{Map, Value, json};

/// Where every node keeps the file, as with kind.
pub const PATH: &str = "/kind/kubeadm.conf";
/// kind's bootstrap token. It is no secret: the API server listens on loopback.
const TOKEN: &str = "abcdef.0123456789abcdef";
/// Where containerd listens in a node.
const CRI: &str = "unix:///run/containerd/containerd.sock";

/// What the documents depend on besides `kind.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The kind cluster.
    pub cluster: String,
    /// The node the file is for.
    pub node: String,
    /// Which of kind.yaml's nodes that is.
    pub index: usize,
    /// The name of the control plane node.
    pub control_plane: String,
    /// The node's IPv4 address.
    pub address: String,
    /// As in `/kind/version`: `v1.34.0`.
    pub version: String,
    /// Docker runs without root.
    pub rootless: bool,
    /// 1 or 2.
    pub cgroup: u8,
}

/// The pod subnet, kind's if none is given.
#[must_use]
pub fn pod_subnet(cluster: &Cluster) -> &str {
    match cluster.networking.pod_subnet.as_str() {
        "" => "10.244.0.0/16",
        subnet => subnet,
    }
}

/// The service subnet, kind's if none is given.
#[must_use]
pub fn service_subnet(cluster: &Cluster) -> &str {
    match cluster.networking.service_subnet.as_str() {
        "" => "10.96.0.0/16",
        subnet => subnet,
    }
}

/// Where the nodes reach the API server: a DNS name on the Docker network.
#[must_use]
pub fn endpoint(control_plane: &str) -> String {
    format!("{control_plane}:6443")
}

/// Major and minor of a version such as `v1.34.0`, however it ends.
#[must_use]
pub fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim().trim_start_matches('v').split('.');
    let number = |part: Option<&str>| {
        let part = part?;
        let digits = part
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(part.len());
        part[..digits].parse().ok()
    };
    Some((number(parts.next())?, number(parts.next())?))
}

/// From this Kubernetes on, kind writes kubeadm's v1beta4.
pub(super) const LISTS: (u32, u32) = (1, 36);
/// Below this one, kind writes a v1beta2 that kubeadm needs flags for.
pub(super) const OLDEST: (u32, u32) = (1, 23);
/// From this one on, kind lets the kubelet leave control groups to systemd.
const SYSTEMD: (u32, u32) = (1, 24);
/// From this one on, the kubelet refuses control groups v1 unless it is told not to.
const NO_CGROUP_V1: (u32, u32) = (1, 35);

/// The Kubernetes that a node image's tag names: `kindest/node:v1.34.0@sha256:…` has 1.34. A tag
/// without the `v` may count something else.
#[must_use]
pub fn tagged(image: &str) -> Option<(u32, u32)> {
    let name = image.split('@').next()?;
    let (_, tag) = name.rsplit('/').next()?.split_once(':')?;
    tag.starts_with('v').then(|| minor(tag)).flatten()
}

/// How kubeadm's documents spell arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    /// Maps.
    V1Beta3,
    /// Lists of name and value.
    V1Beta4,
}

impl Api {
    fn of(version: (u32, u32)) -> Self {
        if version >= LISTS {
            Self::V1Beta4
        } else {
            Self::V1Beta3
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::V1Beta3 => "kubeadm.k8s.io/v1beta3",
            Self::V1Beta4 => "kubeadm.k8s.io/v1beta4",
        }
    }

    fn arguments(self, arguments: &[(&str, String)]) -> Value {
        match self {
            _ if arguments.is_empty() => Value::Null,
            Self::V1Beta3 => arguments
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value)))
                .collect::<Map<_, _>>()
                .into(),
            Self::V1Beta4 => arguments
                .iter()
                .map(|(name, value)| json!({"name": name, "value": value}))
                .collect(),
        }
    }
}

/// The documents for one node with all patches, and what fits none of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Patched {
    pub(super) documents: Vec<Value>,
    pub(super) unused: Vec<Unused>,
}

/// A patch that fits no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unused {
    /// Its place in `kind.yaml`.
    pub(super) path: String,
    pub(super) target: Target,
}

/// A patch that cannot be carried out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unfit {
    /// Its place in `kind.yaml`.
    pub(super) path: String,
    /// What is wrong, at a place in the patch.
    pub(super) mistake: Mistake,
}

/// All documents for one node, as JSON joined by `---` lines, which kubeadm reads as YAML, and the
/// patches of `kind.yaml` that fit none of them.
pub fn config(cluster: &Cluster, facts: &Facts) -> Result<(String, Vec<String>), Fault> {
    let version = minor(&facts.version).ok_or_else(|| {
        Fault::unable(
            "node-image",
            "The node image does not say which Kubernetes it has.",
        )
        .why(format!("/kind/version says `{}`", facts.version.trim()))
        .hint("Use a kindest/node image in kind.yaml.")
    })?;
    if version < OLDEST {
        return Err(Fault::unable("node-image", too_old(version))
            .hint("Use a newer kindest/node image in kind.yaml."));
    }
    let made = patched(cluster, facts, version).map_err(|unfit| {
        Fault::wrong(
            "kubeadm-patch",
            "A kubeadm patch in kind.yaml cannot be used.",
        )
        .why(format!("{}: {}", unfit.path, unfit.mistake.what))
    })?;
    if let Some(gate) = gates::wrong(&made.documents, version).into_iter().next() {
        return Err(Fault::wrong("feature-gate", gate.what())
            .why(gate.why())
            .hint("Change it in kind.yaml, then run the command again."));
    }
    let texts: Vec<String> = made
        .documents
        .iter()
        .map(|one| format!("{one:#}"))
        .collect();
    let unused = made.unused.iter();
    let unused = unused.map(|one| format!("{} ({})", one.path, one.target));
    Ok((texts.join("\n---\n") + "\n", unused.collect()))
}

/// Why no node is made of an image.
pub(super) fn too_old((major, minor): (u32, u32)) -> String {
    let (_, oldest) = OLDEST;
    format!("Kubernetes {major}.{minor} is too old: 1.{oldest} is the oldest that can be started.")
}

/// What kubeadm reads for one node.
pub(super) fn patched(
    cluster: &Cluster,
    facts: &Facts,
    version: (u32, u32),
) -> Result<Patched, Unfit> {
    let Some(node) = cluster.nodes.get(facts.index) else {
        return Ok(Patched {
            documents: Vec::new(),
            unused: Vec::new(),
        });
    };
    let mut documents = documents(cluster, node.role, facts, version);
    // Patches may name or change it; kind takes it out again where it is as it was.
    let metadata = json!({"name": "config"});
    for document in &mut documents {
        document["metadata"] = metadata.clone();
    }
    let mut unused = Vec::new();
    for (below, merges, changes) in [
        (
            String::new(),
            &cluster.kubeadm_config_patches,
            &cluster.kubeadm_config_patches_json6902,
        ),
        (
            format!("nodes[{}].", facts.index),
            &node.kubeadm_config_patches,
            &node.kubeadm_config_patches_json6902,
        ),
    ] {
        for (index, text) in merges.iter().enumerate() {
            let path = format!("{below}kubeadmConfigPatches[{index}]");
            let unfit = |mistake| Unfit {
                path: path.clone(),
                mistake,
            };
            for patch in patch::documents(text).map_err(unfit)? {
                let target = Target::of_merge(&patch);
                let mut hit = false;
                for document in documents.iter_mut().filter(|one| target.is(one)) {
                    patch::merge(document, patch.clone());
                    hit = true;
                }
                if !hit {
                    let path = path.clone();
                    unused.push(Unused { path, target });
                }
            }
        }
        for (index, change) in changes.iter().enumerate() {
            let path = format!("{below}kubeadmConfigPatchesJSON6902[{index}]");
            let target = Target::of_change(change);
            let unfit = |mistake| Unfit {
                path: format!("{path}.patch"),
                mistake,
            };
            let operations = patch::operations(&change.patch).map_err(unfit)?;
            let mut hit = false;
            for document in documents.iter_mut().filter(|one| target.is(one)) {
                patch::apply(document, &operations).map_err(unfit)?;
                hit = true;
            }
            if !hit {
                unused.push(Unused { path, target });
            }
        }
    }
    for document in &mut documents {
        if let Some(map) = document.as_object_mut()
            && map.get("metadata") == Some(&metadata)
        {
            map.shift_remove("metadata");
        }
    }
    gates::fit(&mut documents, version);
    Ok(Patched { documents, unused })
}

fn documents(cluster: &Cluster, role: NodeRole, facts: &Facts, version: (u32, u32)) -> Vec<Value> {
    let api = Api::of(version);
    let mut gates: Map<String, Value> = cluster
        .feature_gates
        .iter()
        .map(|(name, on)| (name.clone(), json!(on)))
        .collect();
    if facts.rootless {
        gates.insert("KubeletInUserNamespace".to_owned(), json!(true));
    }
    let mut documents = vec![
        cluster_configuration(cluster, facts, api, &gates),
        init_configuration(cluster, facts, api),
        join_configuration(cluster, role, facts, api),
        kubelet_configuration(facts, version, &gates),
    ];
    documents.extend(proxy_configuration(cluster, facts, &gates));
    documents
}

fn cluster_configuration(
    cluster: &Cluster,
    facts: &Facts,
    api: Api,
    gates: &Map<String, Value>,
) -> Value {
    let gates: Vec<String> = gates
        .iter()
        .map(|(name, on)| format!("{name}={on}"))
        .collect();
    let gates = (!gates.is_empty()).then(|| ("feature-gates", gates.join(",")));
    let runtime: Vec<String> = cluster
        .runtime_config
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let with_gates = |first: &[(&'static str, String)]| {
        let all: Vec<_> = first.iter().cloned().chain(gates.clone()).collect();
        api.arguments(&all)
    };
    let hostpath = ("enable-hostpath-provisioner", "true".to_owned());
    let controller: Vec<_> = gates.iter().cloned().chain([hostpath]).collect();
    json!({
        "apiVersion": api.word(),
        "kind": "ClusterConfiguration",
        "kubernetesVersion": facts.version.trim(),
        "clusterName": facts.cluster,
        "controlPlaneEndpoint": endpoint(&facts.control_plane),
        "apiServer": {
            "certSANs": ["localhost", api_address(cluster)],
            "extraArgs": with_gates(&[("runtime-config", runtime.join(","))]),
        },
        "controllerManager": {
            "extraArgs": api.arguments(&controller),
        },
        "scheduler": {"extraArgs": with_gates(&[])},
        "networking": {
            "podSubnet": pod_subnet(cluster),
            "serviceSubnet": service_subnet(cluster),
        },
    })
}

fn api_address(cluster: &Cluster) -> &str {
    match cluster.networking.api_server_address.as_str() {
        "" => "127.0.0.1",
        address => address,
    }
}

fn registration(cluster: &Cluster, facts: &Facts, api: Api) -> Value {
    let labels: Vec<String> = cluster
        .nodes
        .get(facts.index)
        .into_iter()
        .flat_map(|node| &node.labels)
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    json!({
        "criSocket": CRI,
        "kubeletExtraArgs": api.arguments(&[
            ("node-ip", facts.address.clone()),
            ("provider-id", format!("kind://docker/{}/{}", facts.cluster, facts.node)),
            ("node-labels", labels.join(",")),
        ]),
    })
}

fn local_endpoint(facts: &Facts) -> Value {
    json!({"advertiseAddress": facts.address, "bindPort": 6443})
}

fn init_configuration(cluster: &Cluster, facts: &Facts, api: Api) -> Value {
    let mut skipped = vec!["preflight"];
    if cluster.networking.kube_proxy_mode == "none" {
        skipped.push("addon/kube-proxy");
    }
    json!({
        "apiVersion": api.word(),
        "kind": "InitConfiguration",
        "bootstrapTokens": [{"token": TOKEN}],
        "localAPIEndpoint": local_endpoint(facts),
        "nodeRegistration": registration(cluster, facts, api),
        "skipPhases": skipped,
    })
}

fn join_configuration(cluster: &Cluster, role: NodeRole, facts: &Facts, api: Api) -> Value {
    let mut document = json!({
        "apiVersion": api.word(),
        "kind": "JoinConfiguration",
        "nodeRegistration": registration(cluster, facts, api),
        "discovery": {
            "bootstrapToken": {
                "apiServerEndpoint": endpoint(&facts.control_plane),
                "token": TOKEN,
                "unsafeSkipCAVerification": true,
            },
        },
        "skipPhases": ["preflight"],
    });
    if role == NodeRole::ControlPlane {
        document["controlPlane"] = json!({"localAPIEndpoint": local_endpoint(facts)});
    }
    document
}

fn kubelet_configuration(facts: &Facts, version: (u32, u32), gates: &Map<String, Value>) -> Value {
    let mut document = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": if version >= SYSTEMD { "systemd" } else { "cgroupfs" },
        "cgroupRoot": "/kubelet",
        "failSwapOn": false,
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
        },
    });
    if !gates.is_empty() {
        document["featureGates"] = gates.clone().into();
    }
    if facts.cgroup == 1 && version >= NO_CGROUP_V1 {
        document["failCgroupV1"] = json!(false);
    }
    document
}

fn proxy_configuration(
    cluster: &Cluster,
    facts: &Facts,
    gates: &Map<String, Value>,
) -> Option<Value> {
    let mode = match cluster.networking.kube_proxy_mode.as_str() {
        "none" => return None,
        "" => "iptables",
        mode => mode,
    };
    let mut conntrack = json!({"maxPerCore": 0});
    if facts.rootless {
        conntrack["tcpEstablishedTimeout"] = json!("0s");
        conntrack["tcpCloseWaitTimeout"] = json!("0s");
    } else if mode == "nftables" {
        conntrack["tcpBeLiberal"] = json!(true);
    }
    let mut document = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": mode,
        "iptables": {"minSyncPeriod": "1s"},
        "conntrack": conntrack,
    });
    if !gates.is_empty() {
        document["featureGates"] = gates.clone().into();
    }
    Some(document)
}

#[cfg(test)]
mod tests;
