//! kubeadm's configuration as kind writes it, patches of `kind.yaml` applied: text from values.
//! Writes no file and runs no command.

pub(crate) mod patch;

use flinklab_base::fault::Fault;
use flinklab_lab::{Cluster, NodeRole};
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

/// How kubeadm's documents spell arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    /// Maps.
    V1Beta3,
    /// Lists of name and value.
    V1Beta4,
}

impl Api {
    /// kind changes over with Kubernetes 1.36.
    fn of(version: (u32, u32)) -> Self {
        if version >= (1, 36) {
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

/// All documents for one node, as JSON joined by `---` lines, which kubeadm reads as YAML.
pub fn config(cluster: &Cluster, facts: &Facts) -> Result<String, Fault> {
    let version = minor(&facts.version).ok_or_else(|| {
        Fault::unable(
            "node-image",
            "The node image does not say which Kubernetes it has.",
        )
        .why(format!("/kind/version says `{}`", facts.version.trim()))
        .mend("Use a kindest/node image in kind.yaml.")
    })?;
    let node = cluster.nodes.get(facts.index).ok_or_else(|| {
        Fault::new(
            flinklab_base::fault::Kind::Bug,
            "node-index",
            "A node is not in kind.yaml.",
        )
    })?;
    let mut documents = documents(cluster, node.role, facts, version);
    let mut unused = Vec::new();
    for (merges, changes) in [
        (
            &cluster.kubeadm_config_patches,
            &cluster.kubeadm_config_patches_json6902,
        ),
        (
            &node.kubeadm_config_patches,
            &node.kubeadm_config_patches_json6902,
        ),
    ] {
        for text in merges {
            for patch in patch::documents(text)? {
                let target = Target::of_merge(&patch);
                let mut hit = false;
                for document in documents.iter_mut().filter(|one| target.is(one)) {
                    patch::merge(document, patch.clone());
                    hit = true;
                }
                if !hit {
                    unused.push(target.to_string());
                }
            }
        }
        for change in changes {
            let target = Target::of_change(change);
            let operations = patch::operations(&change.patch)?;
            let mut hit = false;
            for document in documents.iter_mut().filter(|one| target.is(one)) {
                patch::apply(document, &operations)?;
                hit = true;
            }
            if !hit {
                unused.push(target.to_string());
            }
        }
    }
    for target in unused {
        // kind says nothing, and one wonders why a patch has no effect.
        tracing::warn!("a kubeadm patch for {target} in kind.yaml matches no document");
    }
    let texts: Vec<String> = documents.iter().map(|one| format!("{one:#}")).collect();
    Ok(texts.join("\n---\n") + "\n")
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
            "extraArgs": with_gates(&[("enable-hostpath-provisioner", "true".to_owned())]),
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
        "cgroupDriver": "systemd",
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
    if facts.cgroup == 1 && version >= (1, 35) {
        // From 1.35 on the kubelet refuses cgroup v1 unless it is told not to.
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
