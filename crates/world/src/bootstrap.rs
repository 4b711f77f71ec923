//! From a booted node container to a Kubernetes node, step by step: what is read out of the node
//! image, kubeadm's file, `kubeadm init` and `join`, the administrator's kubeconfig, and what kind
//! does after them. Each step is a function of its own; `up` decides the order and what overlaps.

use super::docker::{Docker, Stream};
use super::kube::{CALL, describe, fault as kube_fault, status, within};
use super::kubeconfig;
use super::node::{Node, NodePlan};
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use flinklab_lab::Cluster;
use flinklab_lab::kubeadm::{self, Facts};
use k8s_openapi::api::core::v1::Node as KubeNode;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;

/// What makes a control plane of a node.
pub const INIT: &[&str] = &[
    "kubeadm",
    "init",
    "--config",
    kubeadm::PATH,
    "--skip-token-print",
    "--v=6",
];
/// What makes a node join.
pub const JOIN: &[&str] = &["kubeadm", "join", "--config", kubeadm::PATH, "--v=6"];
/// How long kubeadm may take: twice it waits four minutes by itself.
const KUBEADM: Duration = Duration::from_secs(600);
/// How many lines of kubeadm's output explain its failure.
const TAIL: usize = 15;
/// How long the administrator's kubeconfig may take to appear; kubeadm writes it within seconds.
const ADMIN_CONF: Duration = Duration::from_secs(300);
/// How often it is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// What kubeadm puts on a control plane and kind takes off when it is alone.
const TAINTS: [&str; 2] = [
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/master",
];
const NO_BALANCER: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// What the node image brings along.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeFiles {
    /// `v1.34.0`.
    pub version: String,
    /// The objects of the pod network; none where kind.yaml disables it.
    pub network: Vec<Value>,
    /// The objects of the default storage class.
    pub storage: Vec<Value>,
}

/// Reads the node image's files out of a node container, which need not run yet.
pub async fn files(
    docker: &Docker,
    id: &str,
    cluster: &Cluster,
    control_plane: &str,
) -> Result<NodeFiles, Fault> {
    let text = async |path: &str| -> Result<Option<String>, Fault> {
        let bytes = docker.find_file(id, path).await?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    let (version, network, storage) = futures::try_join!(
        text("/kind/version"),
        text("/kind/manifests/default-cni.yaml"),
        text("/kind/manifests/default-storage.yaml"),
    )?;
    let not_kind = |path: &str| {
        Fault::unable("node-image", "The node image is not one of kind's.")
            .why(format!("there is no {path} in it"))
            .hint("Use a kindest/node image in kind.yaml.")
    };
    let network = if cluster.networking.disable_default_cni {
        Vec::new()
    } else {
        let text = network.ok_or_else(|| not_kind("/kind/manifests/default-cni.yaml"))?;
        pod_network(&text, kubeadm::pod_subnet(cluster), control_plane)?
    };
    Ok(NodeFiles {
        version: version
            .ok_or_else(|| not_kind("/kind/version"))?
            .trim()
            .to_owned(),
        network,
        storage: objects(storage.as_deref().unwrap_or(FALLBACK_STORAGE))?,
    })
}

/// kind's, where an image brings no storage class of its own.
const FALLBACK_STORAGE: &str = r#"
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: kubernetes.io/host-path
"#;

/// The pod network's objects, filled in as the image asks kind to.
fn pod_network(text: &str, subnet: &str, control_plane: &str) -> Result<Vec<Value>, Fault> {
    let mut text = text.to_owned();
    let patched = text.contains("would you kindly patch this file");
    if text.contains("would you kindly template this file") {
        for field in ["{{ .PodSubnet }}", "{{.PodSubnet}}", "{{- .PodSubnet -}}"] {
            text = text.replace(field, subnet);
        }
        if text.contains("{{") {
            return Err(
                Fault::unable("node-image", "The node image's pod network is unknown.")
                    .why("its manifest has fields besides .PodSubnet")
                    .hint("Use another kindest/node image in kind.yaml."),
            );
        }
    }
    let mut objects = objects(&text)?;
    if patched {
        let variable = json!({
            "name": "CONTROL_PLANE_ENDPOINT",
            "value": kubeadm::endpoint(control_plane),
        });
        for object in &mut objects {
            if object["kind"] != "DaemonSet" || object["apiVersion"] != "apps/v1" {
                continue;
            }
            let Some(container) = object.pointer_mut("/spec/template/spec/containers/0") else {
                continue;
            };
            match container["env"].as_array_mut() {
                Some(all) => all.push(variable.clone()),
                None => container["env"] = json!([variable]),
            }
        }
    }
    Ok(objects)
}

fn objects(text: &str) -> Result<Vec<Value>, Fault> {
    let mut all = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let object = Value::deserialize(document).map_err(|error| {
            Fault::unable("node-image", "A manifest of the node image cannot be read.").why(error)
        })?;
        match object {
            Value::Null => {}
            object if object["kind"] == "List" => {
                all.extend(object["items"].as_array().cloned().unwrap_or_default());
            }
            object => all.push(object),
        }
    }
    Ok(all)
}

/// Writes kubeadm's file into a node that runs. It need not have booted for it.
pub async fn configure(
    node: &Node,
    cluster: &Cluster,
    plan: &NodePlan,
    control_plane: &str,
    version: &str,
) -> Result<(), Fault> {
    let facts = Facts {
        cluster: plan.cluster.clone(),
        node: plan.name.clone(),
        index: plan.index,
        control_plane: control_plane.to_owned(),
        address: node.address().await?,
        version: version.to_owned(),
        rootless: plan.daemon.rootless,
        cgroup: plan.daemon.cgroup,
    };
    let (text, unused) = kubeadm::config(cluster, &facts)?;
    for patch in unused {
        // kind says nothing, and one wonders why a patch has no effect.
        tracing::warn!("a kubeadm patch in kind.yaml matches no document: {patch}");
    }
    node.write_file(kubeadm::PATH, 0o644, text.as_bytes()).await
}

/// Makes the control plane. `on_phase` is told what kubeadm is at.
pub async fn init(node: &Node, on_phase: impl FnMut(&str) + Send) -> Result<(), Fault> {
    kubeadm(node, INIT, on_phase).await
}

/// Joins another node. The control plane must be there.
pub async fn join(node: &Node, on_phase: impl FnMut(&str) + Send) -> Result<(), Fault> {
    kubeadm(node, JOIN, on_phase).await
}

async fn kubeadm(
    node: &Node,
    argv: &[&str],
    mut on_phase: impl FnMut(&str) + Send,
) -> Result<(), Fault> {
    let mut last: VecDeque<String> = VecDeque::with_capacity(TAIL);
    let ended = node
        .exec_lines(argv, KUBEADM, |stream, line| {
            tracing::debug!("{}: {line}", node.name);
            if stream == Stream::Stdout
                && let Some((phase, _)) =
                    line.strip_prefix('[').and_then(|rest| rest.split_once(']'))
            {
                on_phase(phase);
            }
            // Its own requests, at --v=6, would crowd out what it says.
            if line.trim().is_empty() || is_chatter(line) {
                return;
            }
            if last.len() == TAIL {
                last.pop_front();
            }
            last.push_back(super::clean::line(line));
        })
        .await?;
    match ended {
        0 => Ok(()),
        code => {
            let said = Vec::from(last);
            tracing::error!("kubeadm failed with {code}:\n{}", said.join("\n"));
            let verb = argv.get(1).copied().unwrap_or_default();
            Err(Fault::unable(
                "kubeadm",
                format!("`kubeadm {verb}` failed in {}.", node.name),
            )
            .why(format!("it ended with exit code {code}"))
            .showing(format!("kubeadm {verb}"), said)
            .hint(advice!(
                "Run `flinklab down`, then `flinklab up`, to start anew."
            )))
        }
    }
}

/// A line of klog at the level of information: `I1124 22:41:23.073235 …`.
fn is_chatter(line: &str) -> bool {
    let mut letters = line.chars();
    letters.next() == Some('I') && letters.take(4).filter(char::is_ascii_digit).count() == 4
}

/// The kubeconfig for the host as soon as kubeadm has written the administrator's, which is long
/// before it is done. The API server need not answer yet, and until kubeadm has bound the
/// administrators' group it answers 403.
pub async fn await_kubeconfig(node: &Node, cluster: &str, server: &str) -> Result<String, Fault> {
    let looking = async {
        loop {
            let found = node.docker().find_file(&node.id, kubeconfig::ADMIN).await?;
            if let Some(bytes) = found
                // kubeadm may be writing it right now.
                && let Ok(text) = kubeconfig::external(&String::from_utf8_lossy(&bytes), cluster, server)
            {
                return Ok(text);
            }
            clock::sleep(LOOK_AGAIN).await;
        }
    };
    match tokio::time::timeout(ADMIN_CONF, looking).await {
        Ok(found) => found,
        Err(_) => Err(Fault::unable(
            "kubeconfig",
            format!("{} has no kubeconfig of its administrator.", node.name),
        )
        .why(format!("kubeadm did not write {}", kubeconfig::ADMIN))
        .hint(advice!("Run `flinklab down`, then `flinklab up`."))),
    }
}

/// Lets workloads run on a control plane that is alone, as kind does: without its taint and
/// without the label that keeps load balancers away. Only after `init`: kubeadm sets both.
pub async fn free_control_plane(client: &kube::Client, name: &str) -> Result<(), Fault> {
    let doing = "Letting workloads run on the control plane";
    let nodes: Api<KubeNode> = Api::all(client.clone());
    // The kubelet and controllers change the taints too: a conflict is tried again.
    for _ in 0..10 {
        let node = within(CALL, doing, nodes.get(name)).await?;
        let taints = node.spec.and_then(|spec| spec.taints).unwrap_or_default();
        let kept: Vec<_> = taints
            .iter()
            .filter(|taint| !TAINTS.contains(&taint.key.as_str()))
            .collect();
        let labelled = node
            .metadata
            .labels
            .is_some_and(|labels| labels.contains_key(NO_BALANCER));
        if kept.len() == taints.len() && !labelled {
            return Ok(());
        }
        let patch = Patch::Merge(json!({
            "metadata": {
                "resourceVersion": node.metadata.resource_version,
                "labels": {NO_BALANCER: null},
            },
            "spec": {"taints": kept},
        }));
        let how = PatchParams::default();
        let patched = nodes.patch(name, &how, &patch);
        match tokio::time::timeout(CALL, patched).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) if status(&error) == Some(409) => {
                tracing::debug!("{doing}: {}", describe(&error));
            }
            Ok(Err(error)) => return Err(kube_fault(doing, &error)),
            Err(_) => tracing::debug!("{doing}: no answer, again"),
        }
        clock::sleep(LOOK_AGAIN).await;
    }
    Err(Fault::unable("api-error", format!("{doing}: failed."))
        .why("the node object changes faster than it can be written")
        .hint(advice!("Run `flinklab up` again.")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_pod_network_is_filled_in_as_the_image_asks() {
        let text = "# would you kindly template this file\n# would you kindly patch this file\n---\n---\n\
            apiVersion: apps/v1\nkind: DaemonSet\nspec: {template: {spec: {containers: [\
            {name: c, env: [{name: POD_SUBNET, value: {{ .PodSubnet }}}]}]}}}\n---\n\
            apiVersion: v1\nkind: ServiceAccount\n";
        let objects = pod_network(text, "10.1.0.0/16", "lab-control-plane").unwrap();
        assert_eq!(objects.len(), 2);
        assert_eq!(
            objects[0]["spec"]["template"]["spec"]["containers"][0]["env"],
            json!([
                {"name": "POD_SUBNET", "value": "10.1.0.0/16"},
                {"name": "CONTROL_PLANE_ENDPOINT", "value": "lab-control-plane:6443"},
            ])
        );
    }

    #[test]
    fn what_kubeadm_asks_by_itself_is_no_explanation() {
        assert!(is_chatter(
            "I1124 22:41:23.073235 236 round_trippers.go:632] x"
        ));
        assert!(!is_chatter("error: Image not found") && !is_chatter("I am a line"));
    }

    #[test]
    fn an_unknown_template_is_refused() {
        let text = "# would you kindly template this file\na: {{ .Other }}\n";
        assert_eq!(pod_network(text, "x", "y").unwrap_err().code, "node-image");
    }

    #[test]
    fn the_fallback_storage_class_is_an_object() {
        assert_eq!(
            objects(FALLBACK_STORAGE).unwrap()[0]["kind"],
            "StorageClass"
        );
    }
}
