//! `kind.yaml`: what kind itself would refuse, in kind's words, and what a lab asks for beyond
//! that: loopback only, IPv4, one control plane, the shared folder in every node.

use super::super::decode::{Rules, decode};
use super::super::kind::{Cluster, Node, NodeRole, PortMapping};
use super::super::libyaml::{self, First};
use super::super::mistake::did_you_mean;
use super::super::wrong::one_of;
use super::super::yaml::{self, At, Dialect};
use super::Source;
use super::patches;
use flinklab_base::fault::Fault;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

const API_VERSION: &str = "kind.x-k8s.io/v1alpha4";
pub(super) const SHARED: &str = super::super::kind::SHARED;
/// The file, the cluster in it, and where another document begins, which kind does not read.
pub(super) fn read(
    files: &[(String, String)],
    folder: &str,
) -> Result<(Source, Cluster, Option<At>), Fault> {
    let code = "kind-config-invalid";
    let file = format!("{folder}kind.yaml");
    let text = super::text_of(files, &file, "kind.yaml")?;
    let First { mut root, more } =
        libyaml::first(text, Dialect::Kind).map_err(|mistake| mistake.fault(code, &file))?;
    if root.is_null() {
        return Err(match more {
            Some(_) => Fault::wrong(code, "The first document is empty.")
                .why("kind reads no other")
                .hint("Remove the `---` before it.")
                .at(file, root.at.line, root.at.column),
            None => super::empty(code, &file),
        });
    }
    root.drop_empty_items();
    let kind = Source { code, file, root };
    let word = |key: &str| {
        kind.root
            .get(key)
            .and_then(yaml::Node::text)
            .unwrap_or_default()
    };
    if word("apiVersion") != API_VERSION {
        return kind
            .at(
                "apiVersion",
                format!("unknown apiVersion: {}", word("apiVersion")),
            )
            .hint(format!("It must be `{API_VERSION}`."))
            .done();
    }
    if word("kind") != "Cluster" {
        return kind
            .at(
                "kind",
                format!(
                    "unknown kind {} for apiVersion: {API_VERSION}",
                    word("kind")
                ),
            )
            .hint("It must be `Cluster`.")
            .done();
    }
    if let Some((key, _)) = kind.root.entry("name") {
        return kind
            .here(key.at, "A lab's `kind.yaml` has no `name`.")
            .why("`--name` decides, so that one definition makes several clusters")
            .hint("Remove the line.")
            .done();
    }
    let cluster =
        decode(&kind.root, Rules::Kind).map_err(|mistake| mistake.fault(kind.code, &kind.file))?;
    Ok((kind, cluster, more))
}

pub(super) fn check(kind: &Source, cluster: &mut Cluster) -> Result<(), Fault> {
    networking(kind, cluster)?;
    roles(kind, cluster)?;
    for (index, node) in cluster.nodes.iter_mut().enumerate() {
        let path = format!("nodes[{index}]");
        if node.image.is_empty() {
            return kind
                .at(&path, format!("`{path}.image` is missing."))
                .why("kind's default differs from version to version")
                .hint("Name one, such as `kindest/node:v1.37.0`.")
                .done();
        }
        labels(kind, &path, node)?;
        mounts(kind, &path, node)?;
        ports(kind, &path, node)?;
        patches::merge(kind, &path, &node.kubeadm_config_patches)?;
        patches::json(kind, &path, node.kubeadm_config_patches_json6902.len())?;
    }
    same_path_everywhere(kind, cluster)?;
    ports_across_nodes(kind, cluster)?;
    patches::merge(kind, "", &cluster.kubeadm_config_patches)?;
    patches::json(kind, "", cluster.kubeadm_config_patches_json6902.len())?;
    // kind writes them between double quotes.
    for (key, value) in &cluster.runtime_config {
        if format!("{key}{value}").contains(['"', '\\', '\n']) {
            return kind
                .at(
                    "runtimeConfig",
                    format!("`runtimeConfig.{key}` cannot be `{value}`."),
                )
                .why("quotes, backslashes and new lines have no place in it")
                .done();
        }
    }
    patches::carried_out(kind, cluster)?;
    patches::containerd(kind, cluster)
}

fn networking(kind: &Source, cluster: &Cluster) -> Result<(), Fault> {
    let networking = &cluster.networking;
    match networking.ip_family.as_str() {
        "" | "ipv4" => {}
        family @ ("ipv6" | "dual") => {
            return kind
                .at(
                    "networking.ipFamily",
                    format!("`networking.ipFamily` cannot be `{family}`."),
                )
                .why("flinklab makes IPv4 clusters only")
                .done();
        }
        other => {
            return kind
                .at("networking.ipFamily", format!("invalid ipFamily: {other}"))
                .done();
        }
    }
    loopback(
        kind,
        "networking",
        "apiServerAddress",
        &networking.api_server_address,
        "127.0.0.1",
    )?;
    for (key, subnet) in [
        ("podSubnet", &networking.pod_subnet),
        ("serviceSubnet", &networking.service_subnet),
    ] {
        let is_subnet = subnet.is_empty()
            || subnet.split_once('/').is_some_and(|(address, bits)| {
                address.parse::<Ipv4Addr>().is_ok()
                    && !bits.starts_with('+')
                    && bits.parse::<u8>().is_ok_and(|bits| bits <= 32)
            });
        if !is_subnet {
            let name = if key == "podSubnet" { "pod" } else { "service" };
            return kind
                .at(
                    &format!("networking.{key}"),
                    format!("invalid {name} subnet {subnet}"),
                )
                .why("one IPv4 network such as `10.244.0.0/16`")
                .done();
        }
    }
    let modes = ["iptables", "ipvs", "nftables", "none"];
    let mode = networking.kube_proxy_mode.as_str();
    if !mode.is_empty() && !modes.contains(&mode) {
        return kind
            .at(
                "networking.kubeProxyMode",
                format!("invalid kubeProxyMode: {mode}"),
            )
            .why(format!("it may be {}", one_of(&modes)))
            .hint(did_you_mean(mode, modes))
            .done();
    }
    Ok(())
}

/// An address that only this machine reaches. `absent` is what kind takes where none is given.
fn loopback(
    kind: &Source,
    path: &str,
    key: &str,
    address: &str,
    absent: &str,
) -> Result<(), Fault> {
    let (at, shown) = if address.is_empty() {
        (kind.root.place(path), absent)
    } else {
        (kind.root.place(&format!("{path}.{key}")), address)
    };
    match shown.parse::<IpAddr>() {
        Err(_) => kind
            .here(at, format!("invalid listen address: {shown}"))
            .why("Docker listens on IP addresses only")
            .hint(format!("Write `{key}: 127.0.0.1`."))
            .done(),
        Ok(IpAddr::V4(address)) if address.is_loopback() => Ok(()),
        Ok(IpAddr::V6(address)) if address.is_loopback() => kind
            .here(at, format!("`{path}.{key}` cannot be `{address}`."))
            .why("flinklab makes IPv4 clusters only")
            .hint(format!("Write `{key}: 127.0.0.1`."))
            .done(),
        Ok(_) => {
            let what = if address.is_empty() {
                format!("`{path}` has no `{key}`, so it would listen on {absent}.")
            } else {
                format!("`{path}.{key}` is {address}, which others can reach.")
            };
            kind.here(at, what)
                .why("whoever reaches the API server or Flink's REST can run code on this machine")
                .hint(format!("Write `{key}: 127.0.0.1`."))
                .done()
        }
    }
}

fn roles(kind: &Source, cluster: &Cluster) -> Result<(), Fault> {
    let mut control_planes = cluster
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.role == NodeRole::ControlPlane);
    if cluster.nodes.is_empty() {
        return kind
            .at("nodes", "The lab has no node.")
            .why("the one that kind adds by itself does not mount the shared folder")
            .hint("Write `nodes:` with one that has `role: control-plane`.")
            .done();
    }
    if control_planes.next().is_none() {
        return kind
            .at("nodes", "must have at least one control-plane node")
            .done();
    }
    match control_planes.next() {
        Some((second, _)) => kind
            .at(
                &format!("nodes[{second}]"),
                "A lab has one control-plane node, this is the second.",
            )
            .why("a second would need kind's load balancer, and shows nothing about Flink")
            .hint("Write `role: worker`.")
            .done(),
        None => Ok(()),
    }
}

/// Labels of a node, which no API server takes if they are no labels.
fn labels(kind: &Source, path: &str, node: &Node) -> Result<(), Fault> {
    let is_word = |text: &str| {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let is_edge = |letter: Option<char>| letter.is_some_and(|one| one.is_ascii_alphanumeric());
        text.len() <= 63
            && text.chars().all(fits)
            && is_edge(text.chars().next())
            && is_edge(text.chars().next_back())
    };
    for (key, value) in &node.labels {
        let name = key.rsplit('/').next().unwrap_or_default();
        let wrong = match (is_word(name), value.is_empty() || is_word(value)) {
            (true, true) => continue,
            (false, _) => format!("`{key}` cannot be a label."),
            (_, false) => format!("The label `{key}` cannot be `{value}`."),
        };
        let labels = kind.root.find(&format!("{path}.labels"));
        let at = labels.and_then(|labels| Some(labels.entry(key)?.1.at));
        return kind
            .here(at.unwrap_or(kind.root.place(path)), wrong)
            .why("letters, digits, `-`, `_` and `.`, at most 63, beginning and ending with a letter or digit")
            .done();
    }
    Ok(())
}

fn mounts(kind: &Source, path: &str, node: &Node) -> Result<(), Fault> {
    let mut shared = None;
    for (index, mount) in node.extra_mounts.iter().enumerate() {
        let path = format!("{path}.extraMounts[{index}]");
        if let Some(why) = unfit(&mount.container_path) {
            return kind
                .at(
                    &format!("{path}.containerPath"),
                    format!(
                        "`{path}.containerPath` cannot be `{}`.",
                        mount.container_path
                    ),
                )
                .why(why)
                .done();
        }
        let propagations = ["None", "HostToContainer", "Bidirectional"];
        if !mount.propagation.is_empty() && !propagations.contains(&mount.propagation.as_str()) {
            return kind
                .at(
                    &format!("{path}.propagation"),
                    format!("Unknown MountPropagation: {:?}", mount.propagation),
                )
                .why(format!("it may be {}", one_of(&propagations)))
                .hint(did_you_mean(&mount.propagation, propagations))
                .done();
        }
        if mount.host_path.is_empty() {
            return kind
                .at(&path, format!("`{path}.hostPath` is missing."))
                .done();
        }
        if mount.host_path != SHARED {
            if mount.host_path.contains("${") {
                return kind
                    .at(
                        &format!("{path}.hostPath"),
                        format!("`{path}.hostPath` cannot be `{}`.", mount.host_path),
                    )
                    .why(format!("only `{SHARED}` by itself is filled in"))
                    .done();
            }
            if !mount.host_path.starts_with('/') {
                return kind
                    .at(
                        &format!("{path}.hostPath"),
                        format!("`{path}.hostPath` cannot be `{}`.", mount.host_path),
                    )
                    .why("kind would take it from the folder that it is called in, and a lab is called from anywhere")
                    .hint("Write the whole path, from `/` on.")
                    .done();
            }
            if mount.host_path.contains(':') {
                return kind
                    .at(
                        &format!("{path}.hostPath"),
                        format!("`{path}.hostPath` cannot be `{}`.", mount.host_path),
                    )
                    .why(COLON)
                    .done();
            }
            continue;
        }
        if let Some(first) = shared.replace(index) {
            return kind
                .at(
                    &format!("{path}.hostPath"),
                    format!("`{SHARED}` is mounted twice."),
                )
                .why(format!("first as extraMounts[{first}]"))
                .done();
        }
        if mount.read_only {
            return kind
                .at(
                    &format!("{path}.readOnly"),
                    "The shared folder cannot be read-only.",
                )
                .why("Flink writes its checkpoints there")
                .done();
        }
    }
    match shared {
        Some(_) => Ok(()),
        None => kind
            .at(path, format!("`{path}` does not mount the shared folder."))
            .why("checkpoints and HA files are kept there, and looked at from outside")
            .hint(format!("Give it an extraMount with `hostPath: {SHARED}`."))
            .done(),
    }
}

/// Why Docker mounts nothing at this path of a node.
fn unfit(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("a path in the node, from `/` on");
    }
    if path.contains(':') {
        return Some(COLON);
    }
    let mut depth = 0_usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    (depth == 0).then_some("Docker mounts nothing over the root of a container")
}

/// Why a path with a colon is none.
const COLON: &str = "Docker separates the paths of a mount by `:`";

fn same_path_everywhere(kind: &Source, cluster: &Cluster) -> Result<(), Fault> {
    let first = cluster.nodes.first().and_then(Node::shared_path);
    for (index, node) in cluster.nodes.iter().enumerate() {
        if node.shared_path() != first {
            return kind
                .at(
                    &format!("nodes[{index}].extraMounts"),
                    "The shared folder has another path in this node.",
                )
                .why(format!(
                    "the first node has it as `{}`",
                    first.unwrap_or_default()
                ))
                .done();
        }
    }
    Ok(())
}

fn ports(kind: &Source, path: &str, node: &mut Node) -> Result<(), Fault> {
    for (index, port) in node.extra_port_mappings.iter_mut().enumerate() {
        let path = format!("{path}.extraPortMappings[{index}]");
        if port.container_port == 0 {
            return kind
                .at(&path, "invalid containerPort: invalid port number: 0")
                .why("Docker publishes ports from 1 to 65535")
                .done();
        }
        loopback(
            kind,
            &path,
            "listenAddress",
            &port.listen_address,
            "0.0.0.0",
        )?;
        let protocols = ["TCP", "UDP", "SCTP"];
        let protocol = port.protocol.to_uppercase();
        if !protocol.is_empty() && !protocols.contains(&protocol.as_str()) {
            return kind
                .at(
                    &format!("{path}.protocol"),
                    format!("Unknown PortMappingProtocol: {:?}", port.protocol),
                )
                .why(format!("it may be {}", one_of(&protocols)))
                .done();
        }
        port.protocol = protocol;
    }
    Ok(())
}

fn ports_across_nodes(kind: &Source, cluster: &Cluster) -> Result<(), Fault> {
    let key = |port: &PortMapping| {
        let protocol = if port.protocol.is_empty() {
            "TCP"
        } else {
            port.protocol.as_str()
        };
        (
            port.listen_address.clone(),
            port.host_port,
            protocol.to_owned(),
        )
    };
    let mut seen = BTreeMap::new();
    if cluster.networking.api_server_port > 0 {
        let address = match cluster.networking.api_server_address.as_str() {
            "" => "127.0.0.1".to_owned(),
            address => address.to_owned(),
        };
        let api = (
            address,
            cluster.networking.api_server_port,
            "TCP".to_owned(),
        );
        seen.insert(api, "networking.apiServerPort".to_owned());
    }
    for (number, node) in cluster.nodes.iter().enumerate() {
        for (index, port) in node.extra_port_mappings.iter().enumerate() {
            if port.host_port == 0 {
                continue; // picked, and another one each time
            }
            let path = format!("nodes[{number}].extraPortMappings[{index}]");
            let (address, host_port, protocol) = key(port);
            if let Some(first) = seen.insert(key(port), path.clone()) {
                return kind
                    .at(
                        &path,
                        format!(
                            "port mapping with same listen address, port and protocol already configured: {address}:{host_port}/{protocol}"
                        ),
                    )
                    .why(format!("first as `{first}`"))
                    .done();
            }
        }
    }
    Ok(())
}
