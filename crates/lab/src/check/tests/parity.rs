//! `kind.yaml` with one small change each, against what kind 0.33.0 made of the same file: the same
//! meaning, the same documents for kubeadm and the same file for containerd, or a refusal. Where
//! only we refuse, the fixture says so.

use super::super::cluster;
use crate::kubeadm::{self, Facts};
use crate::{Cluster, NodeRole, containerd};
use flinklab_base::fault::Fault;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Leaves by JSON pointer; null in a change: it is not there.
type Leaves = BTreeMap<String, Value>;

#[derive(Deserialize)]
struct Fixture {
    base: String,
    /// By version and kind.
    documents: BTreeMap<String, BTreeMap<String, Leaves>>,
    /// The node's own file.
    containerd: Leaves,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    /// What stands in the base, and what is written instead.
    changes: Vec<(String, String)>,
    #[serde(default = "newest")]
    version: String,
    /// At which of its steps kind refuses it.
    refused: Option<String>,
    /// Only we refuse it.
    #[serde(default)]
    stricter: bool,
    #[serde(default)]
    cluster: Leaves,
    /// By node, what differs in each document.
    kubeadm: Option<Vec<BTreeMap<String, Option<Leaves>>>>,
    containerd: Option<Leaves>,
}

fn newest() -> String {
    "v1.37.0".to_owned()
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!(
        "../../../../../tests/fixtures/kind/0.33.0.json"
    ))
    .expect("JSON")
}

impl Case {
    /// The cluster of the changed file, checked.
    fn cluster(&self, fixture: &Fixture) -> Result<Cluster, Fault> {
        let mut text = fixture.base.replace(&newest(), &self.version);
        for (from, to) in &self.changes {
            assert!(text.contains(from), "{}: {from}", self.name);
            text = text.replacen(from, to, 1);
        }
        let files = [("kind.yaml".to_owned(), text)];
        let (kind, mut read, _) = cluster::read(&files, "")?;
        cluster::check(&kind, &mut read)?;
        Ok(read)
    }
}

/// All leaves that say something: what is nothing to Go is left out.
fn leaves(value: &Value) -> Leaves {
    fn walk(value: &Value, path: &str, found: &mut Leaves) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    walk(value, &format!("{path}/{key}"), found);
                }
            }
            Value::Array(items) if items.is_empty() && path.ends_with("/dnsSearch") => {
                found.insert(path.to_owned(), json!([]));
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk(item, &format!("{path}/{index}"), found);
                }
            }
            value if *value == json!(null) || *value == json!("") || *value == json!(false) => {}
            Value::Number(number) if number.as_f64() == Some(0.0) => {}
            value => {
                found.insert(path.to_owned(), value.clone());
            }
        }
    }
    let mut found = Leaves::new();
    walk(value, "", &mut found);
    found
}

fn with(base: &Leaves, changes: &Leaves) -> Leaves {
    let mut all = base.clone();
    all.extend(changes.clone());
    all.retain(|path, value| {
        // To us, any port is 0 as well.
        let is_any_port = path.ends_with("Port") && *value == json!(-1);
        !value.is_null() && !is_any_port
    });
    all
}

/// What the file means, with what kind fills in.
fn meaning(cluster: &Cluster) -> Leaves {
    let mut cluster = cluster.clone();
    let networking = &mut cluster.networking;
    for (field, default) in [
        (&mut networking.ip_family, "ipv4"),
        (&mut networking.api_server_address, "127.0.0.1"),
        (&mut networking.pod_subnet, "10.244.0.0/16"),
        (&mut networking.service_subnet, "10.96.0.0/16"),
        (&mut networking.kube_proxy_mode, "iptables"),
    ] {
        if field.is_empty() {
            field.push_str(default);
        }
    }
    let mut value = serde_json::to_value(cluster).expect("JSON");
    for key in ["kind", "apiVersion"] {
        value.as_object_mut().expect("a map").remove(key);
    }
    leaves(&value)
}

/// Arguments in the order of their names: kind's order of those that a map brings is any.
fn ordered(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(ordered);
            if items.iter().all(|item| item.get("name").is_some()) {
                items.sort_by_key(|item| match &item["name"] {
                    Value::String(name) => name.clone(),
                    other => other.to_string(),
                });
            }
        }
        Value::Object(map) => map.values_mut().for_each(ordered),
        _ => {}
    }
}

/// The documents of every node, by kind.
fn documents(cluster: &Cluster, version: &str) -> Result<Vec<BTreeMap<String, Leaves>>, Fault> {
    let roles: Vec<NodeRole> = cluster.nodes.iter().map(|node| node.role).collect();
    let name = |index: usize| match roles[..=index]
        .iter()
        .filter(|role| **role == NodeRole::Worker)
        .count()
    {
        _ if roles[index] == NodeRole::ControlPlane => "dev-control-plane".to_owned(),
        1 => "dev-worker".to_owned(),
        count => format!("dev-worker{count}"),
    };
    let of_node = |index: usize| {
        let facts = Facts {
            cluster: "dev".to_owned(),
            node: name(index),
            index,
            control_plane: "dev-control-plane".to_owned(),
            address: format!("172.18.0.{}", index + 2),
            version: version.to_owned(),
            rootless: false,
            cgroup: 2,
        };
        let (text, _) = kubeadm::config(cluster, &facts)?;
        let documents = text.split("\n---\n").map(|document| {
            let mut value: Value = serde_json::from_str(document).expect("JSON");
            ordered(&mut value);
            let kind = value["kind"].as_str().unwrap_or_default().to_owned();
            (kind, leaves(&value))
        });
        Ok(documents.collect())
    };
    (0..roles.len()).map(of_node).collect()
}

#[test]
fn kind_yaml_means_what_it_means_to_kind() {
    let fixture = fixture();
    let find = |name: &str| fixture.cases.iter().find(|case| case.name == name);
    let base = find("base").expect("the base").cluster(&fixture);
    let base = meaning(&base.expect("the base"));
    let mut wrong = Vec::new();
    for case in &fixture.cases {
        let name = &case.name;
        let made = case.cluster(&fixture).and_then(|cluster| {
            let documents = documents(&cluster, &case.version);
            Ok((
                documents.map_err(|fault| fault.at("kind.yaml", 1, 1))?,
                cluster,
            ))
        });
        let (made, cluster) = match (made, &case.refused, case.stricter) {
            (Err(fault), None, false) => {
                wrong.push(format!("{name}: refused by us only: {fault}"));
                continue;
            }
            (Err(fault), ..) => {
                let has_place = fault.place.as_ref().is_some_and(|place| place.line > 0);
                if fault.what.is_empty() || !has_place {
                    wrong.push(format!("{name}: no reason or no place: {fault}"));
                }
                continue;
            }
            (Ok(_), Some(step), _) => {
                wrong.push(format!("{name}: kind refuses it ({step})"));
                continue;
            }
            (Ok(_), _, true) => {
                wrong.push(format!("{name}: no longer refused by us"));
                continue;
            }
            (Ok(made), ..) => made,
        };
        let mut expected = with(&base, &case.cluster);
        if case.version != newest() {
            for index in 0..cluster.nodes.len() {
                let image = format!("kindest/node:{}", case.version);
                expected.insert(format!("/nodes/{index}/image"), json!(image));
            }
        }
        if meaning(&cluster) != expected {
            wrong.push(format!("{name}: another cluster: {cluster:#?}"));
        }
        for (index, made) in made.iter().enumerate() {
            let mut expected = fixture.documents[&case.version].clone();
            let changes = case.kubeadm.as_ref().and_then(|nodes| nodes.get(index));
            for (kind, changes) in changes.into_iter().flatten() {
                match changes {
                    Some(changes) => {
                        let document = expected.entry(kind.clone()).or_default();
                        *document = with(document, changes);
                    }
                    None => drop(expected.remove(kind)),
                }
            }
            for (kind, expected) in &expected {
                if made.get(kind) != Some(expected) {
                    wrong.push(format!(
                        "{name}, node {index}, {kind}: {:#?}",
                        made.get(kind)
                    ));
                }
            }
            if made.len() != expected.len() {
                wrong.push(format!("{name}, node {index}: {:?}", made.keys()));
            }
        }
        if let Some(changes) = &case.containerd {
            let made = containerd::patched(
                include_str!("../../kubeadm/containerd.toml"),
                &cluster.containerd_config_patches,
                &cluster.containerd_config_patches_json6902,
            );
            let made: Value = toml::from_str(&made.expect("it was checked").text).expect("TOML");
            if leaves(&made) != with(&fixture.containerd, changes) {
                wrong.push(format!("{name}: another file for containerd: {made}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(fixture.cases.len() > 1000);
}
