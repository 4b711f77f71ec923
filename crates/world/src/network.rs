//! The Docker network `kind` that every node of every kind cluster shares: found, or made exactly
//! as kind makes it. Removes none but one that this same run made and that lost a race.

use super::docker::{CALL, Docker, call, failed, late, words};
use bollard::errors::Error;
use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::ListNetworksOptionsBuilder;
use flinklab_base::fault::Fault;
use sha1::{Digest, Sha1};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::Ipv6Addr;

/// kind's network.
pub const NAME: &str = "kind";
/// The engine's own network, whose MTU fits the host.
const DEFAULT: &str = "bridge";
/// The option that carries it.
const MTU: &str = "com.docker.network.driver.mtu";
/// How many subnets are tried before we say that none is free. kind tries as many.
const ATTEMPTS: i32 = 5;

/// The network in which nodes are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Docker's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its subnets.
    pub subnets: Vec<String>,
}

/// Why a network could not be made.
enum Refusal {
    /// Somebody made one of that name meanwhile.
    Exists,
    /// The kernel or Docker cannot do IPv6.
    NoIpv6,
    /// Another network has the subnet.
    Overlaps,
    /// Anything else, told in Docker's words.
    Other(Fault),
}

/// Finds the network, or makes it.
pub async fn ensure(docker: &Docker) -> Result<Network, Fault> {
    if let Some(found) = keep(docker, None).await? {
        return Ok(found);
    }
    let mtu = mtu(docker).await;
    let mut made = None;
    let mut ipv6 = Ipv6::Wanted;
    let mut attempt = 0;
    while attempt < ATTEMPTS {
        match create(docker, ipv6, attempt, mtu).await {
            Ok(id) => {
                made = Some(id);
                break;
            }
            Err(Refusal::Exists) => break,
            Err(Refusal::NoIpv6) if ipv6 == Ipv6::Wanted => ipv6 = Ipv6::Without,
            Err(Refusal::NoIpv6) => attempt += 1,
            Err(Refusal::Overlaps) => {
                if let Some(found) = keep(docker, None).await? {
                    return Ok(found);
                }
                attempt += 1;
            }
            Err(Refusal::Other(fault)) => return Err(fault),
        }
    }
    keep(docker, made.as_deref()).await?.ok_or_else(|| {
        Fault::unable("network", "No Docker network for the nodes can be made.")
            .why("every subnet that was tried overlaps with another network")
            .hint("Remove Docker networks that are no longer used (`docker network ls`).")
    })
}

/// Whether the network is to have IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ipv6 {
    Wanted,
    Without,
}

/// Of several networks of the name, the one that kind would keep: most containers, then lowest id.
/// A network that this run made and that is not the one to keep is removed; no other ever is.
async fn keep(docker: &Docker, made: Option<&str>) -> Result<Option<Network>, Fault> {
    let filters = HashMap::from([("name".to_owned(), vec![format!("^{NAME}$")])]);
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let doing = "Listing Docker's networks";
    let listed = call(CALL, doing, docker.api().list_networks(Some(options))).await?;
    let mut found = Vec::new();
    // Older engines take the filter for a part of the name.
    for one in listed
        .into_iter()
        .filter(|one| one.name.as_deref() == Some(NAME))
    {
        let id = one.id.unwrap_or_default();
        let subnets = one.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let network = Network {
            id,
            name: NAME.to_owned(),
            subnets: subnets
                .into_iter()
                .filter_map(|config| config.subnet)
                .collect(),
        };
        found.push(network);
    }
    if found.len() < 2 {
        return Ok(found.pop());
    }
    let mut counted = Vec::new();
    for network in found {
        let call = docker.api().inspect_network(&network.id, None);
        match tokio::time::timeout(CALL, call).await {
            Ok(Ok(one)) => {
                let containers = one.containers.map(|all| all.len()).unwrap_or_default();
                counted.push((Reverse(containers), network));
            }
            // Removed meanwhile.
            Ok(Err(Error::DockerResponseServerError {
                status_code: 404, ..
            })) => {}
            Ok(Err(error)) => return Err(failed(doing, &error)),
            Err(_) => return Err(late(doing, CALL)),
        }
    }
    counted.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    let mut counted = counted.into_iter().map(|(_, network)| network);
    let kept = counted.next();
    for loser in counted.filter(|loser| made == Some(loser.id.as_str())) {
        let removed = docker.api().remove_network(&loser.id);
        if let Ok(Err(error)) = tokio::time::timeout(CALL, removed).await {
            tracing::warn!("a second network `{NAME}` could not be removed: {error}");
        }
    }
    Ok(kept)
}

/// The MTU of Docker's own network, if it says one.
async fn mtu(docker: &Docker) -> Option<u32> {
    let asked = docker.api().inspect_network(DEFAULT, None);
    let found = tokio::time::timeout(CALL, asked).await.ok()?.ok()?;
    let value = found.options?.get(MTU)?.parse().ok()?;
    (value > 0).then_some(value)
}

async fn create(
    docker: &Docker,
    ipv6: Ipv6,
    attempt: i32,
    mtu: Option<u32>,
) -> Result<String, Refusal> {
    let asked = docker.api().create_network(body(ipv6, attempt, mtu));
    match tokio::time::timeout(CALL, asked).await {
        Ok(Ok(made)) => Ok(made.id),
        Ok(Err(error)) => Err(refusal(&error)),
        Err(_) => Err(Refusal::Other(late("Creating the network", CALL))),
    }
}

fn body(ipv6: Ipv6, attempt: i32, mtu: Option<u32>) -> NetworkCreateRequest {
    let mut options = HashMap::from([(
        "com.docker.network.bridge.enable_ip_masquerade".to_owned(),
        "true".to_owned(),
    )]);
    if let Some(mtu) = mtu {
        options.insert(MTU.to_owned(), mtu.to_string());
    }
    let subnet = IpamConfig {
        subnet: Some(subnet(NAME, attempt)),
        ..IpamConfig::default()
    };
    NetworkCreateRequest {
        name: NAME.to_owned(),
        driver: Some("bridge".to_owned()),
        options: Some(options),
        enable_ipv6: (ipv6 == Ipv6::Wanted).then_some(true),
        ipam: (ipv6 == Ipv6::Wanted).then(|| Ipam {
            driver: Some("default".to_owned()),
            config: Some(vec![subnet]),
            ..Ipam::default()
        }),
        ..NetworkCreateRequest::default()
    }
}

fn refusal(error: &Error) -> Refusal {
    let said = words(error);
    let says = |words: &[&str]| words.iter().any(|words| said.contains(words));
    if said.contains("network with name") && said.contains("already exists") {
        Refusal::Exists
    } else if says(&[
        "Cannot read IPv6 setup for bridge",
        "(iptables failed: ip6tables",
    ]) {
        Refusal::NoIpv6
    } else if says(&["Pool overlaps with other one", "networks have overlapping"]) {
        Refusal::Overlaps
    } else {
        let fault = failed("Creating the Docker network for the nodes", error);
        Refusal::Other(if says(&["address pool"]) {
            fault.hint(
                "Remove Docker networks that are no longer used, or set \
             default-address-pools in Docker's daemon.json.",
            )
        } else {
            fault
        })
    }
}

/// The IPv6 subnet that kind derives from a network's name and the number of the attempt.
fn subnet(name: &str, attempt: i32) -> String {
    let digest = Sha1::new()
        .chain_update(name.as_bytes())
        .chain_update(attempt.to_le_bytes())
        .finalize();
    let mut address = [0; 16];
    address[0] = 0xfc;
    address[2..8].copy_from_slice(&digest[2..8]);
    format!("{}/64", Ipv6Addr::from(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_are_those_of_kind() {
        assert_eq!(subnet("kind", 0), "fc00:f853:ccd:e793::/64");
        assert_eq!(subnet("kind", 1), "fc00:8866:27d0:bd7e::/64");
        assert_eq!(subnet("kind", 2), "fc00:ddd9:fcae:c61c::/64");
    }

    #[test]
    fn the_body_is_that_of_kind() {
        let sent = serde_json::to_value(body(Ipv6::Wanted, 0, Some(1500)));
        let expected = serde_json::json!({
            "Name": "kind",
            "Driver": "bridge",
            "EnableIPv6": true,
            "IPAM": {"Driver": "default", "Config": [{"Subnet": "fc00:f853:ccd:e793::/64"}]},
            "Options": {
                "com.docker.network.bridge.enable_ip_masquerade": "true",
                "com.docker.network.driver.mtu": "1500",
            },
        });
        assert_eq!(sent.ok(), Some(expected));
        let without = body(Ipv6::Without, 0, None);
        assert_eq!((without.enable_ipv6, without.ipam), (None, None));
    }

    #[test]
    fn refusals_are_told_apart() {
        let refused = |message: &str| {
            refusal(&Error::DockerResponseServerError {
                status_code: 409,
                message: message.to_owned(),
            })
        };
        assert!(matches!(
            refused("network with name kind already exists"),
            Refusal::Exists
        ));
        assert!(matches!(
            refused("invalid pool request: Pool overlaps with other one on this address space"),
            Refusal::Overlaps
        ));
        assert!(matches!(
            refused(
                "Failed to Setup IP tables: Unable to enable NAT rule:  (iptables failed: ip6tables --wait"
            ),
            Refusal::NoIpv6
        ));
        assert!(matches!(
            refused("could not find an available, non-overlapping IPv4 address pool"),
            Refusal::Other(_)
        ));
    }
}
