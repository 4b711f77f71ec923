//! The proxy variables that kind hands to its nodes.

use super::Common;
use flinklab_lab::{Cluster, kubeadm};
use std::collections::BTreeMap;

/// The proxy variables in both cases, with everything of the cluster under NO_PROXY.
pub(super) fn environment(cluster: &Cluster, common: &Common<'_>, names: &[String]) -> Vec<String> {
    if common.proxies.is_empty() {
        return Vec::new();
    }
    let given = common
        .proxies
        .iter()
        .find(|(name, _)| name == "NO_PROXY")
        .map(|(_, value)| value.as_str());
    let without: Vec<&str> = common
        .subnets
        .iter()
        .map(String::as_str)
        .chain(given.filter(|value| !value.is_empty()))
        .chain([
            kubeadm::service_subnet(cluster),
            kubeadm::pod_subnet(cluster),
        ])
        .chain(names.iter().map(String::as_str))
        .chain([".svc", ".svc.cluster", ".svc.cluster.local"])
        .collect();
    let mut variables: BTreeMap<&str, String> = common
        .proxies
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    variables.insert("NO_PROXY", without.join(","));
    variables
        .into_iter()
        .flat_map(|(name, value)| {
            [
                format!("{name}={value}"),
                format!("{}={value}", name.to_lowercase()),
            ]
        })
        .collect()
}
