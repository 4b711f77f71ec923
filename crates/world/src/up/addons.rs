//! What kind itself puts into a new cluster: the pod network, the storage class, and the lab's
//! namespace as far as the marker needs it. The manifests come out of the node image.

use super::Run;
use crate::apply::{Applier, Origin};
use crate::bootstrap::NodeFiles;
use crate::kube as api;
use crate::kube::CALL;
use flinklab_base::fault::Fault;
use flinklab_lab::{Cluster, Document};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use kube::{Api, Client};
use serde_json::{Value, json};

/// Applies network and storage as kind does.
pub(super) async fn apply(run: &Run<'_>, client: &Client, files: &NodeFiles) -> Result<(), Fault> {
    let mut applier = Applier::new(client.clone(), "");
    for (what, objects) in [
        ("pod network", &files.network),
        ("storage class", &files.storage),
    ] {
        run.progress
            .tell("kubernetes", &format!("applies the {what}"));
        for object in objects {
            let name = object["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let file = format!("({what} of the node image)");
            let origin = Origin {
                file: &file,
                text: "",
            };
            applier
                .apply(origin, &document(object.clone(), &name))
                .await?;
        }
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
    Applier::new(client.clone(), &run.folder)
        .apply(origin, &document)
        .await?;
    Ok(())
}

/// Whether the objects of kubeadm's last phases are there.
pub(super) async fn last_of_kubeadm(client: &Client, cluster: &Cluster) -> Result<bool, Fault> {
    let doing = "Looking for kubeadm's add-ons";
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "kube-system");
    let dns = api::within(CALL, doing, deployments.get_opt("coredns"))
        .await?
        .is_some();
    if cluster.networking.kube_proxy_mode == "none" {
        return Ok(dns);
    }
    let sets: Api<DaemonSet> = Api::namespaced(client.clone(), "kube-system");
    let proxy = api::within(CALL, doing, sets.get_opt("kube-proxy"))
        .await?
        .is_some();
    Ok(dns && proxy)
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
