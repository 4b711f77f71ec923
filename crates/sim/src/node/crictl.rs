//! `crictl` in a simulated node, with the JSON of the real one as far as anybody reads it.

use super::Shell;
use crate::cluster::{Cluster, Container, Life, State};
use crate::engine::full_name;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn run(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let Some(cluster) = shell.cluster() else {
        shell.terminal.err("crictl: validate service connection: dial unix /run/containerd/containerd.sock: connect: no such file or directory\n");
        return 1;
    };
    match words {
        ["ps", rest @ ..] => ps(shell, &cluster, rest),
        ["inspect", rest @ ..] => inspect(shell, &cluster, rest),
        ["inspecti", rest @ ..] => inspect_image(shell, &cluster, rest),
        ["images", ..] => {
            let state = cluster.hold();
            for (name, id) in state
                .nodes
                .get(&shell.name())
                .into_iter()
                .flat_map(|n| &n.images)
            {
                shell
                    .terminal
                    .out(format!("{name}  {}\n", &id[..id.len().min(20)]));
            }
            0
        }
        ["version"] => {
            shell.terminal.out("Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  v2.1.3\nRuntimeApiVersion:  v1\n");
            0
        }
        _ => {
            shell.terminal.err("crictl: unknown command\n");
            1
        }
    }
}

/// Options with their values, and what is left.
fn options<'a>(words: &[&'a str]) -> (Vec<(String, &'a str)>, Vec<&'a str>) {
    const FLAGS: &[&str] = &["-q", "--quiet", "-a", "--all", "--no-trunc"];
    let (mut found, mut plain) = (Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if FLAGS.contains(word) {
            found.push(((*word).to_owned(), ""));
        } else if let Some((name, value)) = word.split_once('=').filter(|_| word.starts_with('-')) {
            found.push((name.to_owned(), value));
        } else if word.starts_with('-') {
            found.push((
                (*word).to_owned(),
                words.next().copied().unwrap_or_default(),
            ));
        } else {
            plain.push(*word);
        }
    }
    (found, plain)
}

fn state_of(own: &Container) -> &'static str {
    match own.life {
        Life::Running => "CONTAINER_RUNNING",
        Life::Ended { .. } => "CONTAINER_EXITED",
    }
}

fn labels(own: &Container) -> Value {
    json!({"io.kubernetes.container.name": own.name, "io.kubernetes.pod.name": own.pod,
        "io.kubernetes.pod.namespace": own.namespace, "io.kubernetes.pod.uid": own.pod_uid})
}

fn ps(shell: &Shell<'_>, cluster: &Arc<Cluster>, words: &[&str]) -> i64 {
    let (options, _) = options(words);
    let has = |names: &[&str]| {
        options
            .iter()
            .any(|(name, _)| names.contains(&name.as_str()))
    };
    let node = shell.name();
    let state = cluster.hold();
    let mut found: Vec<&Container> = state
        .containers
        .values()
        .filter(|own| own.node == node)
        .filter(|own| has(&["-a", "--all", "--state", "-s"]) || own.runs())
        .filter(|own| {
            options.iter().all(|(name, value)| match name.as_str() {
                "--name" | "-name" => own.name.contains(value),
                "--label" | "-label" => {
                    let (key, value) = value.split_once('=').unwrap_or((value, ""));
                    labels(own)[key] == value
                }
                "--namespace" | "-namespace" => own.namespace == *value,
                "--pod" | "-p" => own.sandbox.starts_with(value),
                "--state" | "-s" => state_of(own)
                    .to_lowercase()
                    .ends_with(&value.to_lowercase()),
                "--id" => own.id.starts_with(value),
                _ => true,
            })
        })
        .collect();
    found.sort_by_key(|own| std::cmp::Reverse(own.started));
    if has(&["-q", "--quiet"]) {
        shell.terminal.out(
            found
                .iter()
                .map(|own| format!("{}\n", own.id))
                .collect::<String>(),
        );
        return 0;
    }
    if options
        .iter()
        .any(|(name, value)| matches!(name.as_str(), "-o" | "--output") && *value == "json")
    {
        let listed: Vec<Value> = found
            .iter()
            .map(|own| {
                json!({"id": own.id, "podSandboxId": own.sandbox,
                    "metadata": {"name": own.name, "attempt": own.attempt},
                    "image": {"image": own.image_id, "annotations": {},
                        "userSpecifiedImage": own.image, "runtimeHandler": ""},
                    "imageRef": own.image_id, "state": state_of(own),
                    "createdAt": own.started.as_nanosecond().to_string(),
                    "labels": labels(own), "annotations": {}, "imageId": ""})
            })
            .collect();
        shell
            .terminal
            .out(format!("{:#}\n", json!({"containers": listed})));
        return 0;
    }
    shell.terminal.out("CONTAINER           IMAGE               STATE               NAME                ATTEMPT             POD\n");
    for own in found {
        shell.terminal.out(format!(
            "{:<19} {:<19} {:<19} {:<19} {:<19} {}\n",
            &own.id[..13],
            own.image_id
                .trim_start_matches("sha256:")
                .get(..13)
                .unwrap_or_default(),
            if own.runs() { "Running" } else { "Exited" },
            own.name,
            own.attempt,
            own.pod
        ));
    }
    0
}

/// By a whole id or the beginning of one.
pub(super) fn by_id<'a>(state: &'a State, id: &str) -> Option<&'a Container> {
    let id = id.trim_start_matches("containerd://");
    (id.len() >= 8).then(|| state.containers.values().find(|own| own.id.starts_with(id)))?
}

fn inspect(shell: &Shell<'_>, cluster: &Arc<Cluster>, words: &[&str]) -> i64 {
    let (options, plain) = options(words);
    let state = cluster.hold();
    let id = plain.first().copied().unwrap_or_default();
    let Some(own) = by_id(&state, id) else {
        shell.terminal.err(format!("E1122 remote_runtime.go:415] \"ContainerStatus from runtime service failed\" err=\"rpc error: code = NotFound desc = an error occurred when try to find container \\\"{id}\\\": not found\" containerID=\"{id}\"\nlevel=fatal msg=\"getting the status of the container \\\"{id}\\\": rpc error: code = NotFound\"\n"));
        return 1;
    };
    let (code, finished) = match own.life {
        Life::Running => (0, "1970-01-01T00:00:00Z".to_owned()),
        Life::Ended { code, at } => (code, at.to_string()),
    };
    let template = options
        .iter()
        .find(|(name, _)| name == "--template")
        .map(|(_, text)| *text);
    if template.is_some_and(|template| template.contains(".info.pid")) {
        shell.terminal.out(format!("{}\n", own.pid));
        return 0;
    }
    let value = json!({
        "info": {"sandboxID": own.sandbox, "pid": if own.runs() { own.pid } else { 0 },
            "removing": false, "snapshotter": "overlayfs", "runtimeType": "io.containerd.runc.v2",
            "config": {"metadata": {"name": own.name, "attempt": own.attempt}, "labels": labels(own)}},
        "status": {"id": own.id, "metadata": {"name": own.name, "attempt": own.attempt},
            "state": state_of(own), "createdAt": own.started.to_string(),
            "startedAt": own.started.to_string(), "finishedAt": finished, "exitCode": code,
            "image": {"image": full_name(&own.image), "annotations": {}, "userSpecifiedImage": own.image},
            "imageRef": own.image_id, "message": "",
            "reason": match own.life { Life::Running => "", Life::Ended { code: 0, .. } => "Completed",
                Life::Ended { .. } => "Error" },
            "labels": labels(own), "annotations": {}, "mounts": []}});
    shell.terminal.out(format!("{value:#}\n"));
    0
}

fn inspect_image(shell: &Shell<'_>, cluster: &Arc<Cluster>, words: &[&str]) -> i64 {
    let (_, plain) = options(words);
    let asked = plain.first().copied().unwrap_or_default();
    let state = cluster.hold();
    let found = state.nodes.get(&shell.name()).and_then(|node| {
        node.images
            .iter()
            .find(|(name, id)| **name == full_name(asked) || *id == asked)
    });
    let Some((name, id)) = found else {
        shell.terminal.err(format!(
            "level=fatal msg=\"no such image \\\"{asked}\\\" present\"\n"
        ));
        return 1;
    };
    let value = json!({"status": {"id": id, "repoTags": [name], "repoDigests": [],
        "size": "735521825", "uid": null, "username": "", "spec": null, "pinned": false}, "info": {}});
    shell.terminal.out(format!("{value:#}\n"));
    0
}
