//! `kind.yaml`: kind's own v1alpha4 configuration, as far as it concerns a lab.
//! Field names are spelled as kind spells them; what kind would refuse, we refuse with its place.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Cluster {
    /// Always `Cluster`.
    pub kind: String,
    /// Always `kind.x-k8s.io/v1alpha4`.
    pub api_version: String,
    /// One control plane and any number of workers.
    pub nodes: Vec<Node>,
    /// Addresses and subnets.
    #[serde(default)]
    pub networking: Networking,
    /// Kubernetes feature gates.
    #[serde(default)]
    pub feature_gates: BTreeMap<String, bool>,
    /// `--runtime-config` of the API server.
    #[serde(default)]
    pub runtime_config: BTreeMap<String, String>,
    /// JSON merge patches for kubeadm's documents.
    #[serde(default)]
    pub kubeadm_config_patches: Vec<String>,
    /// JSON-6902 patches for kubeadm's documents.
    #[serde(default, rename = "kubeadmConfigPatchesJSON6902")]
    pub kubeadm_config_patches_json6902: Vec<PatchJson6902>,
    /// TOML merge patches for containerd.
    #[serde(default)]
    pub containerd_config_patches: Vec<String>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Node {
    /// Control plane unless said otherwise.
    #[serde(default)]
    pub role: NodeRole,
    /// The node image.
    pub image: String,
    /// Kubernetes node labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Host folders that the node sees.
    #[serde(default)]
    pub extra_mounts: Vec<Mount>,
    /// Ports of the node that the host sees.
    #[serde(default)]
    pub extra_port_mappings: Vec<PortMapping>,
    /// JSON merge patches of this node.
    #[serde(default)]
    pub kubeadm_config_patches: Vec<String>,
    /// JSON-6902 patches of this node.
    #[serde(default, rename = "kubeadmConfigPatchesJSON6902")]
    pub kubeadm_config_patches_json6902: Vec<PatchJson6902>,
}

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeRole {
    /// Runs etcd, API server and, if alone, everything.
    #[default]
    ControlPlane,
    /// Joins.
    Worker,
}

/// A host folder in a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Mount {
    /// Where the node sees it.
    pub container_path: String,
    /// `${LAB_SHARED}` is the instance's shared folder.
    pub host_path: String,
    /// Mounted read-only.
    #[serde(default)]
    pub read_only: bool,
    /// Relabelled for SELinux.
    #[serde(default)]
    pub selinux_relabel: bool,
    /// `None`, `HostToContainer` or `Bidirectional`.
    #[serde(default)]
    pub propagation: String,
}

/// A port of the node on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PortMapping {
    /// In the node.
    pub container_port: u16,
    /// On the host; 0 is picked once and kept.
    #[serde(default)]
    pub host_port: u16,
    /// Must be loopback.
    #[serde(default)]
    pub listen_address: String,
    /// `TCP`, `UDP` or `SCTP`.
    #[serde(default)]
    pub protocol: String,
}

/// Addresses and subnets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Networking {
    /// `ipv4`, the only family a lab may have.
    pub ip_family: String,
    /// 0 is picked once and kept.
    pub api_server_port: u16,
    /// Must be loopback.
    pub api_server_address: String,
    /// Defaults to 10.244.0.0/16.
    pub pod_subnet: String,
    /// Defaults to 10.96.0.0/16.
    pub service_subnet: String,
    /// Without kind's own network manifest.
    #[serde(rename = "disableDefaultCNI")]
    pub disable_default_cni: bool,
    /// `iptables`, `ipvs`, `nftables` or `none`.
    pub kube_proxy_mode: String,
    /// Absent is not the same as empty.
    pub dns_search: Option<Vec<String>>,
}

/// A JSON-6902 patch and what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchJson6902 {
    /// API group of the document.
    #[serde(default)]
    pub group: String,
    /// API version of the document.
    #[serde(default)]
    pub version: String,
    /// Kind of the document.
    #[serde(default)]
    pub kind: String,
    /// YAML or JSON text.
    pub patch: String,
}
