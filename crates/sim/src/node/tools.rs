//! The ordinary programs of a node: kubeadm, ctr, containerd and a few small ones.

use super::{Shell, read, write};
use crate::context::Trouble;
use crate::engine::full_name;
use flinklab_base::clock;
use serde_json::Value;

/// What `kubeadm init` says on its way, with the seconds until it does.
const INIT: &[(f64, &str)] = &[
    (0.4, "[init] Using Kubernetes version: VERSION\n"),
    (
        1.2,
        "[certs] Generating \"apiserver\" certificate and key\n",
    ),
    (0.6, "[kubeconfig] Writing \"admin.conf\" kubeconfig file\n"),
    (0.5, "[kubelet-start] Starting the kubelet\n"),
    (1.5, "[kubelet-check] The kubelet is healthy after 1.0s\n"),
    (
        4.0,
        "[control-plane-check] kube-apiserver is healthy after 4.0s\n",
    ),
];

pub(super) async fn run(shell: &Shell<'_>, words: &[&str], stdin: Vec<u8>) -> i64 {
    let terminal = shell.terminal;
    match words {
        ["kubeadm", "init", ..] => init(shell).await,
        ["kubeadm", "join", ..] => {
            shell.sleep(4.0).await;
            if let Some(cluster) = shell.cluster() {
                cluster.join(&shell.name());
            }
            terminal.out("This node has joined the cluster.\n");
            0
        }
        ["ctr", rest @ ..] => ctr(shell, rest, stdin).await,
        ["containerd", "config", "dump"] => {
            terminal.out(super::CONTAINERD);
            0
        }
        ["cat", paths @ ..] => cat(shell, paths, stdin),
        ["cp", "/dev/stdin", path] => {
            write(shell.machine, shell.id, path, stdin);
            0
        }
        ["mkdir", paths @ ..] => {
            for path in paths.iter().filter(|path| !path.starts_with('-')) {
                make_folder(shell, path);
            }
            0
        }
        ["rm", paths @ ..] => {
            if let Some(own) = shell.machine.engine().containers.get_mut(shell.id) {
                for path in paths {
                    if let Some(real) = own.on_disk(path) {
                        let _ = std::fs::remove_file(real);
                    }
                    own.files.remove(*path);
                }
            }
            0
        }
        ["test", "-f" | "-e", path] => i64::from(read(shell.machine, shell.id, path).is_none()),
        ["echo", rest @ ..] => {
            terminal.out(format!("{}\n", rest.join(" ")));
            0
        }
        ["wc", "-c"] => {
            terminal.out(format!("{}\n", stdin.len()));
            0
        }
        ["exit", code] => code.parse().unwrap_or(2),
        ["date", "+%s%N"] => {
            terminal.out(format!("{}\n", clock::now().as_nanosecond()));
            0
        }
        ["true" | "chmod" | "chown" | "systemctl" | "sync" | "!", ..] => 0,
        ["pgrep", "-x", program] => i64::from(!shell.machine.is_running(shell.id, program)),
        ["journalctl", ..] => {
            terminal.out("I1124 21:00:00.100000     312 kubelet.go:400] \"Attempting to sync node with API server\"\n");
            if shell.machine.context.trouble().is_some() {
                terminal.out("E1124 21:00:09.200000     312 pod_workers.go:1301] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" for \\\"kube-apiserver\\\" with CrashLoopBackOff\"\n");
            }
            0
        }
        // Whatever else ran here ended with its exec.
        ["false"] | ["pgrep", ..] => 1,
        other => {
            let program = other.first().copied().unwrap_or_default();
            // As the daemon does it: on stdout, with 126.
            terminal.out(format!("OCI runtime exec failed: exec failed: unable to start container process: exec: \"{program}\": executable file not found in $PATH: unknown\r\n"));
            126
        }
    }
}

fn make_folder(shell: &Shell<'_>, path: &str) {
    let mut engine = shell.machine.engine();
    let Some(own) = engine.containers.get_mut(shell.id) else {
        return;
    };
    if let Some(real) = own.on_disk(path) {
        let _ = std::fs::create_dir_all(real);
        return;
    }
    let mut whole = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        whole = format!("{whole}/{part}");
        own.folders.insert(whole.clone());
    }
}

fn cat(shell: &Shell<'_>, paths: &[&str], stdin: Vec<u8>) -> i64 {
    if paths.is_empty() {
        shell.terminal.out(stdin);
        return 0;
    }
    let mut code = 0;
    for path in paths {
        match read(shell.machine, shell.id, path) {
            Some(bytes) => shell.terminal.out(bytes),
            None => {
                shell
                    .terminal
                    .err(format!("cat: {path}: No such file or directory\n"));
                code = 1;
            }
        }
    }
    code
}

async fn init(shell: &Shell<'_>) -> i64 {
    let Some(cluster) = shell.cluster() else {
        shell
            .terminal
            .err("error: this container is no node of a cluster\n");
        return 1;
    };
    if read(shell.machine, shell.id, "/kind/kubeadm.conf").is_none() {
        shell.terminal.err("unable to read config from \"/kind/kubeadm.conf\" : open /kind/kubeadm.conf: no such file or directory\n");
        return 1;
    }
    if cluster.was_initialised() {
        shell
            .terminal
            .err("error execution phase preflight: [ERROR Port-6443]: Port 6443 is in use\n");
        return 1;
    }
    let name = shell.name();
    let admin = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    server: http://{name}:6443\n  name: {cluster}\ncontexts:\n- context:\n    cluster: {cluster}\n    user: kubernetes-admin\n  name: kubernetes-admin@{cluster}\ncurrent-context: kubernetes-admin@{cluster}\npreferences: {{}}\nusers:\n- name: kubernetes-admin\n  user:\n    token: simulated\n",
        cluster = cluster.name
    );
    for (seconds, text) in INIT {
        if text.starts_with("[control-plane-check]")
            && shell.machine.context.trouble() == Some(Trouble::ApiServerNeverAnswers)
        {
            shell.sleep(240.0).await;
            shell
                .terminal
                .out("[control-plane-check] kube-apiserver is not healthy after 4m0s\n");
            shell.terminal.err("error: error execution phase wait-control-plane: failed while waiting for the control plane to start: kube-apiserver check failed at https://172.18.0.2:6443/livez: connect: connection refused\n");
            return 1;
        }
        shell
            .sleep(
                shell
                    .machine
                    .context
                    .dice
                    .between(seconds * 0.9, seconds * 1.1),
            )
            .await;
        shell
            .terminal
            .out(text.replace("VERSION", &cluster.release.version));
        if text.starts_with("[kubeconfig]") {
            write(
                shell.machine,
                shell.id,
                "/etc/kubernetes/admin.conf",
                admin.clone().into_bytes(),
            );
        }
    }
    cluster.init(&name);
    shell.sleep(0.5).await;
    shell
        .terminal
        .out("\nYour Kubernetes control-plane has initialized successfully!\n");
    0
}

async fn ctr(shell: &Shell<'_>, rest: &[&str], stdin: Vec<u8>) -> i64 {
    let words: Vec<&str> = rest
        .iter()
        .copied()
        .filter(|word| !word.starts_with("--namespace") && !matches!(*word, "-n" | "k8s.io"))
        .collect();
    match words.as_slice() {
        ["version"] => {
            shell
                .terminal
                .out("Client:\n  Version:  v2.1.3\n\nServer:\n  Version:  v2.1.3\n");
            0
        }
        ["images" | "image" | "i", "import", flags @ ..] if flags.contains(&"--help") => {
            shell.terminal.out("NAME:\n   ctr images import - Import images\n\nOPTIONS:\n   --digests                        Whether to create digest images (default: false)\n   --all-platforms                  Imports content for all platforms, false by default\n   --no-unpack                      Skip unpacking the images\n   --local                          Run import locally rather than through transfer API (default: false)\n   --snapshotter value              Snapshotter name.\n");
            0
        }
        ["images" | "image" | "i", "import", flags @ ..] => import(shell, flags, &stdin).await,
        ["images" | "image" | "i", "tag", ..] => 0,
        _ => {
            shell.terminal.err("ctr: unknown command\n");
            1
        }
    }
}

/// Takes the images of a saved tar into the node's containerd.
async fn import(shell: &Shell<'_>, flags: &[&str], tar: &[u8]) -> i64 {
    let Some(images) = manifest(tar) else {
        shell.terminal.err("ctr: unrecognized image format\n");
        return 1;
    };
    // The stream itself has taken its time; what is left is unpacking.
    shell
        .sleep(if flags.contains(&"--local") {
            4.8
        } else {
            13.0
        })
        .await;
    let (Some(cluster), name) = (shell.cluster(), shell.name()) else {
        return 1;
    };
    let mut state = cluster.hold();
    state.beats += 1;
    for (image, id) in images {
        let full = full_name(&image);
        shell.terminal.out(format!("{full:<70} saved\n"));
        if let Some(node) = state.nodes.get_mut(&name) {
            node.images.insert(full, id);
        }
    }
    0
}

/// Names with ids in the `manifest.json` of a saved image.
fn manifest(tar: &[u8]) -> Option<Vec<(String, String)>> {
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries().ok()? {
        let entry = entry.ok()?;
        if entry.path().ok()?.to_str() != Some("manifest.json") {
            continue;
        }
        let all: Value = serde_json::from_reader(entry).ok()?;
        let images = all.as_array()?.iter().flat_map(|image| {
            let id = super::text_of(&image["Id"]);
            let tags = image["RepoTags"].as_array().cloned().unwrap_or_default();
            tags.into_iter()
                .map(move |tag| (super::text_of(&tag), id.clone()))
        });
        return Some(images.collect());
    }
    None
}
