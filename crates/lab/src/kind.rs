//! `kind.yaml`: kind's own v1alpha4 configuration, as far as it concerns a lab.
//! Field names are spelled as kind spells them; what kind would refuse, we refuse with its place.

use super::libyaml;
use super::yaml::{Dialect, Node as Tree};
use serde::de::value::StringDeserializer;
use serde::{Deserialize, Deserializer, Serialize};
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
    #[serde(default)]
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
    /// JSON-6902 patches for containerd, after the others.
    #[serde(default, rename = "containerdConfigPatchesJSON6902")]
    pub containerd_config_patches_json6902: Vec<String>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Node {
    /// Control plane unless said otherwise.
    #[serde(default, deserialize_with = "or_default")]
    pub role: NodeRole,
    /// The node image.
    #[serde(default)]
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

impl Node {
    /// Where it sees the instance's shared folder.
    #[must_use]
    pub fn shared_path(&self) -> Option<&str> {
        let mut mounts = self.extra_mounts.iter();
        let shared = mounts.find(|mount| mount.host_path == SHARED)?;
        Some(shared.container_path.trim_end_matches('/'))
    }
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
    #[serde(default)]
    pub container_path: String,
    /// `${LAB_SHARED}` is the instance's shared folder.
    #[serde(default)]
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
    #[serde(default)]
    pub container_port: u16,
    /// On the host; 0 is picked once and kept, and so is kind's -1, which is read as 0.
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
    /// 0 is picked once and kept, and so is kind's -1, which is read as 0.
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
    #[serde(default)]
    pub patch: String,
}

/// kind reads `role:` without a value, or with an empty one, as if it were not there.
fn or_default<'de, D: Deserializer<'de>>(from: D) -> Result<NodeRole, D::Error> {
    let word = String::deserialize(from)?;
    if word.is_empty() {
        return Ok(NodeRole::default());
    }
    NodeRole::deserialize(StringDeserializer::<D::Error>::new(word))
}

/// What stands for the shared folder.
pub(super) const SHARED: &str = "${LAB_SHARED}";

/// The text with a path in place of each `${LAB_SHARED}` that is a value, so that comments about
/// it stay true. The path is quoted where YAML could read it as anything but a text.
pub(super) fn filled_in(text: &str, shared: &str) -> String {
    let is_plain = !shared.is_empty()
        && shared.starts_with('/')
        && shared
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter));
    let written = if is_plain {
        shared.to_owned()
    } else {
        serde_json::Value::from(shared).to_string() // a JSON text is a YAML one
    };
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let first = libyaml::first(text, Dialect::Kind).ok();
    let nodes = first.as_ref().and_then(|first| first.root.get("nodes"));
    for node in nodes.map_or(&[][..], Tree::items) {
        for mount in node.get("extraMounts").map_or(&[][..], Tree::items) {
            let Some(value) = mount
                .get("hostPath")
                .filter(|value| value.text() == Some(SHARED))
            else {
                continue;
            };
            let Some(line) = lines.get_mut(value.at.line - 1) else {
                continue;
            };
            let start: usize = line
                .chars()
                .take(value.at.column - 1)
                .map(char::len_utf8)
                .sum();
            let (before, rest) = line.split_at(start);
            let rest = ["\"${LAB_SHARED}\"", "'${LAB_SHARED}'", SHARED]
                .iter()
                .find_map(|token| rest.strip_prefix(token));
            if let Some(rest) = rest {
                *line = format!("{before}{written}{rest}");
            }
        }
    }
    lines.join("\n")
}
