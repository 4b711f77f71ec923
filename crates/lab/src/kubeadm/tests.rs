//! The documents against what kind 0.30 wrote for the same cluster.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::Lab;
use serde::Deserialize;

fn facts() -> Facts {
    Facts {
        cluster: "dev".to_owned(),
        node: "dev-control-plane".to_owned(),
        index: 0,
        control_plane: "dev-control-plane".to_owned(),
        address: "172.18.0.2".to_owned(),
        version: "v1.34.0\n".to_owned(),
        rootless: false,
        cgroup: 1,
    }
}

fn text(lab: &Lab, facts: &Facts) -> String {
    config(&lab.cluster, facts).unwrap().0
}

fn parsed(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).unwrap())
        .collect()
}

#[test]
fn the_default_lab_gets_what_kind_gives_it() {
    let lab = Lab::open("default").unwrap();
    let ours = text(&lab, &facts());
    let kinds = parsed(include_str!("kind-0.30.yaml"));
    assert_eq!(parsed(&ours), kinds);
}

#[test]
fn every_document_is_json_between_lines_of_dashes() {
    let lab = Lab::open("default").unwrap();
    let ours = text(&lab, &facts());
    insta::assert_snapshot!(ours.split("---\n").nth(1).unwrap(), @r#"
    {
      "apiVersion": "kubeadm.k8s.io/v1beta3",
      "kind": "InitConfiguration",
      "bootstrapTokens": [
        {
          "token": "abcdef.0123456789abcdef"
        }
      ],
      "localAPIEndpoint": {
        "advertiseAddress": "172.18.0.2",
        "bindPort": 6443
      },
      "nodeRegistration": {
        "criSocket": "unix:///run/containerd/containerd.sock",
        "kubeletExtraArgs": {
          "node-ip": "172.18.0.2",
          "provider-id": "kind://docker/dev/dev-control-plane",
          "node-labels": ""
        }
      },
      "skipPhases": [
        "preflight"
      ]
    }
    "#);
}

#[test]
fn newer_kubernetes_gets_lists_and_may_use_cgroup_v1() {
    let mut lab = Lab::open("default").unwrap();
    lab.cluster
        .feature_gates
        .insert("NodeSwap".to_owned(), true);
    let newer = Facts {
        version: "v1.36.0-rc.1".to_owned(),
        ..facts()
    };
    let documents = parsed(&text(&lab, &newer));
    assert_eq!(documents[0]["apiVersion"], "kubeadm.k8s.io/v1beta4");
    assert_eq!(
        documents[0]["apiServer"]["extraArgs"],
        json!([{"name": "runtime-config", "value": ""}, {"name": "feature-gates", "value": "NodeSwap=true"}])
    );
    assert_eq!(documents[3]["failCgroupV1"], false);
    assert_eq!(documents[3]["featureGates"], json!({"NodeSwap": true}));
}

#[test]
fn a_worker_joins_without_a_control_plane_part() {
    let mut lab = Lab::open("default").unwrap();
    let mut worker = lab.cluster.nodes[0].clone();
    worker.role = NodeRole::Worker;
    worker.labels.insert("zone".to_owned(), "b".to_owned());
    worker.kubeadm_config_patches =
        vec!["kind: JoinConfiguration\nnodeRegistration: {taints: []}".to_owned()];
    lab.cluster.nodes.push(worker);
    let joining = Facts {
        node: "dev-worker".to_owned(),
        index: 1,
        ..facts()
    };
    let documents = parsed(&text(&lab, &joining));
    assert_eq!(documents[2].get("controlPlane"), None);
    let registration = &documents[2]["nodeRegistration"];
    assert_eq!(registration["kubeletExtraArgs"]["node-labels"], "zone=b");
    assert_eq!(registration["taints"], json!([]));
}

#[test]
fn without_kube_proxy_there_is_no_document_for_it() {
    let mut lab = Lab::open("default").unwrap();
    lab.cluster.networking.kube_proxy_mode = "none".to_owned();
    let documents = parsed(&text(&lab, &facts()));
    assert_eq!(documents.len(), 4);
    assert_eq!(
        documents[1]["skipPhases"],
        json!(["preflight", "addon/kube-proxy"])
    );
}

#[test]
fn versions_are_read_leniently() {
    assert_eq!(minor("v1.36.0-rc.1"), Some((1, 36)));
    assert_eq!(minor("1.9"), Some((1, 9)));
    assert_eq!(minor("latest"), None);
}
