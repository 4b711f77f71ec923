//! What kind itself puts into a new cluster: the pod network, the storage class, and the lab's
//! namespace as far as the marker needs it. The manifests come out of the node image.

use super::Run;
use crate::fault::Fault;
use crate::lab::{Cluster, Document};
use crate::world::apply::{Applier, Origin};
use crate::world::kube::{self as api, CALL};
use crate::world::node::Node;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use kube::{Api, Client};
use serde::Deserialize;
use serde_json::{Value, json};

/// kind's files in the node image.
const NETWORK: &str = "/kind/manifests/default-cni.yaml";
const STORAGE: &str = "/kind/manifests/default-storage.yaml";
/// kind's default.
const POD_SUBNET: &str = "10.244.0.0/16";

/// Applies network and storage as kind does.
pub(super) async fn apply(
    run: &Run<'_>,
    client: &Client,
    node: &Node,
    endpoint: &str,
) -> Result<(), Fault> {
    let mut applier = Applier::new(client.clone(), "");
    if !run.lab.cluster.networking.disable_default_cni {
        run.progress.tell("kubernetes", "applies the pod network");
        let text = text(node, NETWORK).await?;
        let subnet = match run.lab.cluster.networking.pod_subnet.as_str() {
            "" => POD_SUBNET,
            subnet => subnet,
        };
        let documents = network(&text, subnet, endpoint)?;
        all(&mut applier, NETWORK, &documents).await?;
    }
    // Old images have none; then nothing but the lab's own volumes is there.
    if run.docker.find_file(&node.id, STORAGE).await?.is_some() {
        run.progress.tell("kubernetes", "applies the storage class");
        let documents = documents(STORAGE, &text(node, STORAGE).await?)?;
        all(&mut applier, STORAGE, &documents).await?;
    }
    Ok(())
}

/// The namespace of Flink's objects, so that the marker has a place. The lab's own manifest may
/// say more about it later.
pub(super) async fn namespace(run: &Run<'_>, client: &Client) -> Result<(), Fault> {
    let name = run.lab.flink.namespace.clone();
    let found = run.lab.manifests.iter().find_map(|manifest| {
        let document = manifest
            .documents
            .iter()
            .find(|document| document.kind == "Namespace" && document.name == name)?;
        Some((manifest.file.clone(), document.clone()))
    });
    let (file, document) = found.unwrap_or_else(|| {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        ("(namespace)".to_owned(), document(object, &name))
    });
    let origin = Origin {
        file: &file,
        text: "",
    };
    Applier::new(client.clone(), &run.folder).apply(origin, &document).await?;
    Ok(())
}

/// Whether the objects of kubeadm's last phases are there.
pub(super) async fn last_of_kubeadm(client: &Client, cluster: &Cluster) -> Result<bool, Fault> {
    let doing = "Looking for kubeadm's add-ons";
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "kube-system");
    let dns = api::within(CALL, doing, deployments.get_opt("coredns")).await?.is_some();
    if cluster.networking.kube_proxy_mode == "none" {
        return Ok(dns);
    }
    let sets: Api<DaemonSet> = Api::namespaced(client.clone(), "kube-system");
    let proxy = api::within(CALL, doing, sets.get_opt("kube-proxy")).await?.is_some();
    Ok(dns && proxy)
}

async fn text(node: &Node, path: &str) -> Result<String, Fault> {
    let bytes = node.read_file(path).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn all(applier: &mut Applier, file: &str, documents: &[Document]) -> Result<(), Fault> {
    for document in documents {
        applier.apply(Origin { file, text: "" }, document).await?;
    }
    Ok(())
}

/// The pod network with what kind fills in: the subnet, and the API server's address where the
/// image asks for it.
fn network(text: &str, subnet: &str, endpoint: &str) -> Result<Vec<Document>, Fault> {
    let templated = text.contains("would you kindly template this file");
    let patched = text.contains("would you kindly patch this file");
    let filled = match templated {
        true => text.replace("{{ .PodSubnet }}", subnet).replace("{{.PodSubnet}}", subnet),
        false => text.to_owned(),
    };
    let mut documents = documents(NETWORK, &filled)?;
    for document in documents.iter_mut().filter(|one| patched && one.kind == "DaemonSet") {
        let container = document.object.pointer_mut("/spec/template/spec/containers/0");
        if let Some(container) = container.and_then(Value::as_object_mut) {
            let environment = container.entry("env").or_insert_with(|| json!([]));
            if let Some(list) = environment.as_array_mut() {
                list.push(json!({"name": "CONTROL_PLANE_ENDPOINT", "value": endpoint}));
            }
        }
    }
    Ok(documents)
}

/// The objects of a file in the node image.
fn documents(file: &str, text: &str) -> Result<Vec<Document>, Fault> {
    let mut found = Vec::new();
    for part in serde_yaml::Deserializer::from_str(text) {
        let object = Value::deserialize(part).map_err(|error| {
            Fault::unable("node-image", format!("The node image's {file} cannot be read.")).why(error)
        })?;
        if let Some(name) = object["metadata"]["name"].as_str().map(str::to_owned) {
            found.push(document(object, &name));
        }
    }
    Ok(found)
}

fn document(object: Value, name: &str) -> Document {
    let word = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    Document {
        line: 0,
        api_version: word("apiVersion"),
        kind: word("kind"),
        name: name.to_owned(),
        namespace: object["metadata"]["namespace"].as_str().map(str::to_owned),
        object,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const TEXT: &str = "# would you kindly template this file\n# would you kindly patch this file\n---\nkind: ServiceAccount\napiVersion: v1\nmetadata: {name: kindnet, namespace: kube-system}\n---\n---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: kindnet, namespace: kube-system}\nspec:\n  template:\n    spec:\n      containers:\n      - name: c\n        env:\n        - {name: POD_SUBNET, value: {{ .PodSubnet }}}\n";

    #[test]
    fn the_pod_network_is_filled_in_as_kind_does() {
        let documents = network(TEXT, "10.1.0.0/16", "t-control-plane:6443").unwrap();
        assert_eq!(documents.len(), 2, "empty documents are skipped");
        assert_eq!(documents[0].namespace.as_deref(), Some("kube-system"));
        let env = &documents[1].object["spec"]["template"]["spec"]["containers"][0]["env"];
        assert_eq!(env[0]["value"], "10.1.0.0/16");
        assert_eq!(env[1]["value"], "t-control-plane:6443");
    }
}
