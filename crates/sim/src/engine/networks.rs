//! Docker networks: those that every engine has, and `kind`.

use super::{Answer, Machine, body_json, filters, refused};
use crate::serve;
use crate::serve::Request;
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

/// A network.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) id: String,
    pub(super) name: String,
    driver: &'static str,
    ipv6: bool,
    /// Subnets with gateways.
    subnets: Vec<Value>,
    options: Value,
    labels: Value,
}

/// The three that are there from the start.
pub(super) fn predefined() -> Vec<Network> {
    let plain = |n: u8, name: &str, driver: &'static str| Network {
        id: format!("{n:02x}").repeat(32),
        name: name.to_owned(),
        driver,
        ipv6: false,
        subnets: Vec::new(),
        options: json!({}),
        labels: json!({}),
    };
    let bridge = Network {
        subnets: vec![json!({"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"})],
        options: json!({"com.docker.network.bridge.default_bridge": "true",
            "com.docker.network.bridge.name": "docker0",
            "com.docker.network.driver.mtu": "1500"}),
        ..plain(1, "bridge", "bridge")
    };
    vec![bridge, plain(2, "host", "host"), plain(3, "none", "null")]
}

pub(super) async fn route(machine: &Arc<Machine>, rest: &[&str], request: Request) -> Answer {
    match (request.method().clone(), rest) {
        (Method::GET, [] | ["json"]) => list(machine, &request),
        (Method::POST, ["create"]) => create(machine, body_json(request).await?),
        (Method::GET, [name]) => {
            let found = find(machine, name);
            match found {
                Some(network) => Ok(serve::json(200, &shown(machine, &network))),
                None => refused(404, format!("network {name} not found")),
            }
        }
        (Method::DELETE, [name]) => remove(machine, name),
        _ => refused(404, "page not found"),
    }
}

fn find(machine: &Machine, name: &str) -> Option<Network> {
    let engine = machine.engine();
    let by_id = engine.networks.iter().find(|network| network.id == name);
    by_id
        .or_else(|| engine.networks.iter().find(|network| network.name == name))
        .cloned()
}

fn list(machine: &Machine, request: &Request) -> Answer {
    let filters = filters(&serve::query(request));
    let all = machine.engine().networks.clone();
    let shown: Vec<Value> = all
        .iter()
        .filter(|network| {
            filters.get("name").is_none_or(|names| {
                // Docker takes the filter for a regular expression; anchors are all that is used.
                names.iter().any(|name| {
                    let bare = name.trim_start_matches('^').trim_end_matches('$');
                    let bare = bare.replace('\\', "");
                    match (name.starts_with('^'), name.ends_with('$')) {
                        (true, true) => network.name == bare,
                        (true, false) => network.name.starts_with(&bare),
                        (false, true) => network.name.ends_with(&bare),
                        (false, false) => network.name.contains(&bare),
                    }
                })
            })
        })
        .map(|network| {
            let mut shown = shown(machine, network);
            // A list does not say who is attached.
            shown["Containers"] = json!({});
            shown
        })
        .collect();
    Ok(serve::json(200, &json!(shown)))
}

fn shown(machine: &Machine, network: &Network) -> Value {
    let engine = machine.engine();
    let attached: serde_json::Map<String, Value> = engine
        .containers
        .values()
        .filter(|own| own.runs() && own.network() == network.name)
        .map(|own| {
            (
                own.id.clone(),
                json!({"Name": own.name, "EndpointID": own.id,
                "MacAddress": "02:42:ac:12:00:02", "IPv4Address": format!("{}/16", own.address),
                "IPv6Address": ""}),
            )
        })
        .collect();
    json!({"Name": network.name, "Id": network.id, "Created": "2026-01-01T00:00:00.000000000Z",
        "Scope": "local", "Driver": network.driver, "EnableIPv6": network.ipv6,
        "IPAM": {"Driver": "default", "Options": {}, "Config": network.subnets},
        "Internal": false, "Attachable": false, "Ingress": false,
        "ConfigFrom": {"Network": ""}, "ConfigOnly": false, "Containers": attached,
        "Options": network.options, "Labels": network.labels})
}

fn create(machine: &Machine, body: Value) -> Answer {
    let Some(name) = body["Name"].as_str().filter(|name| !name.is_empty()) else {
        return refused(400, "network name is required");
    };
    let mut engine = machine.engine();
    // From API 1.44 on a daemon always looks for duplicates.
    if engine.networks.iter().any(|network| network.name == name) {
        return refused(409, format!("network with name {name} already exists"));
    }
    let mut subnets = vec![json!({"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"})];
    subnets.extend(
        body["IPAM"]["Config"]
            .as_array()
            .cloned()
            .unwrap_or_default(),
    );
    let network = Network {
        id: machine.context.dice.hex(64),
        name: name.to_owned(),
        driver: "bridge",
        ipv6: body["EnableIPv6"] == true,
        subnets,
        options: if body["Options"].is_object() {
            body["Options"].clone()
        } else {
            json!({})
        },
        labels: if body["Labels"].is_object() {
            body["Labels"].clone()
        } else {
            json!({})
        },
    };
    let answer = json!({"Id": network.id, "Warning": ""});
    engine.networks.push(network);
    Ok(serve::json(201, &answer))
}

fn remove(machine: &Machine, name: &str) -> Answer {
    let Some(network) = find(machine, name) else {
        return refused(404, format!("network {name} not found"));
    };
    let mut engine = machine.engine();
    if matches!(network.name.as_str(), "bridge" | "host" | "none") {
        return refused(
            403,
            format!(
                "{} is a pre-defined network and cannot be removed",
                network.name
            ),
        );
    }
    if engine
        .containers
        .values()
        .any(|own| own.runs() && own.network() == network.name)
    {
        return refused(
            403,
            format!(
                "error while removing network: network {} id {} has active endpoints",
                network.name, network.id
            ),
        );
    }
    engine.networks.retain(|other| other.id != network.id);
    Ok(serve::empty(204))
}
