//! What a fresh cluster holds: namespaces, nodes, the objects of kubeadm's own addons.

use super::Cluster;
use crate::api::{Key, complete, kinds};
use flinklab_base::clock;
use serde_json::{Value, json};

pub(super) fn init(cluster: &Cluster, node: &str) {
    for namespace in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        put(
            cluster,
            "namespaces",
            "",
            namespace,
            json!({
            "metadata": {"labels": {"kubernetes.io/metadata.name": namespace}},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}),
        );
        put(cluster, "serviceaccounts", namespace, "default", json!({}));
        put(
            cluster,
            "configmaps",
            namespace,
            "kube-root-ca.crt",
            json!({"data": {"ca.crt": ""}}),
        );
    }
    put(
        cluster,
        "configmaps",
        "kube-system",
        "kubeadm-config",
        json!({"data": {
        "ClusterConfiguration": format!("clusterName: {}\n", cluster.name)}}),
    );
    put(
        cluster,
        "services",
        "default",
        "kubernetes",
        json!({
        "spec": {"clusterIP": "10.96.0.1", "type": "ClusterIP",
            "ports": [{"name": "https", "port": 443, "targetPort": 6443, "protocol": "TCP"}]}}),
    );
    put(
        cluster,
        "services",
        "kube-system",
        "kube-dns",
        json!({
        "spec": {"clusterIP": "10.96.0.10", "type": "ClusterIP",
            "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}}),
    );
    add_node(cluster, node, true);
    let release = &cluster.release;
    for (name, image) in [
        ("etcd", release.etcd()),
        ("kube-apiserver", release.part("kube-apiserver")),
        (
            "kube-controller-manager",
            release.part("kube-controller-manager"),
        ),
        ("kube-scheduler", release.part("kube-scheduler")),
    ] {
        put(
            cluster,
            "pods",
            "kube-system",
            &format!("{name}-{node}"),
            json!({
            "metadata": {"labels": {"component": name, "tier": "control-plane"}},
            "spec": {"nodeName": node, "hostNetwork": true, "terminationGracePeriodSeconds": 30,
                "containers": [{"name": name, "image": image}]},
            "status": {"phase": "Pending"}}),
        );
    }
    let pod = |name: &str, image: &str, host: bool| {
        json!({"metadata": {"labels": {"k8s-app": name}},
            "spec": {"hostNetwork": host, "restartPolicy": "Always",
                "terminationGracePeriodSeconds": 30,
                "containers": [{"name": name, "image": image}]}})
    };
    put(
        cluster,
        "deployments",
        "kube-system",
        "coredns",
        json!({
        "metadata": {"labels": {"k8s-app": "kube-dns"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"k8s-app": "coredns"}},
            "template": pod("coredns", &release.coredns(), false)}}),
    );
    put(
        cluster,
        "daemonsets",
        "kube-system",
        "kube-proxy",
        json!({
        "metadata": {"labels": {"k8s-app": "kube-proxy"}},
        "spec": {"selector": {"matchLabels": {"k8s-app": "kube-proxy"}},
            "template": pod("kube-proxy", &release.part("kube-proxy"), true)}}),
    );
}

pub(super) fn join(cluster: &Cluster, node: &str) {
    add_node(cluster, node, false);
}

fn add_node(cluster: &Cluster, name: &str, control_plane: bool) {
    let ip = cluster
        .hold()
        .nodes
        .get(name)
        .map_or(String::new(), |node| node.ip.clone());
    let mut labels = json!({"kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux"});
    let mut taints = vec![json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})];
    if control_plane {
        labels["node-role.kubernetes.io/control-plane"] = json!("");
        labels["node.kubernetes.io/exclude-from-external-load-balancers"] = json!("");
        taints
            .push(json!({"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}));
    }
    put(
        cluster,
        "nodes",
        "",
        name,
        json!({
        "metadata": {"labels": labels},
        "spec": {"podCIDR": "10.244.0.0/24", "taints": taints,
            "providerID": format!("kind://docker/{}/{name}", cluster.name)},
        "status": {
            "addresses": [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
            "capacity": {"cpu": "2", "memory": "24683108Ki", "pods": "110"},
            "allocatable": {"cpu": "2", "memory": "24683108Ki", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "False", "reason": "KubeletNotReady",
                "message": "container runtime network not ready: cni plugin not initialized"}],
            "nodeInfo": {"kubeletVersion": cluster.release.version, "osImage": "Debian GNU/Linux 12 (bookworm)",
                "containerRuntimeVersion": format!("containerd://{}", cluster.release.containerd), "architecture": "amd64",
                "operatingSystem": "linux", "kernelVersion": "simulated", "machineID": "",
                "systemUUID": "", "bootID": "", "kubeProxyVersion": ""}}}),
    );
}

fn put(cluster: &Cluster, plural: &'static str, namespace: &str, name: &str, mut object: Value) {
    let key = Key::new(kinds::of(plural), namespace, name);
    complete(&key, &mut object, cluster.context.dice.uuid(), clock::now());
    cluster.hold().store.put(key, object);
}
