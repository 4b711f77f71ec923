//! From booted containers to a Kubernetes that is proven ours and whose nodes are Ready: kubeadm,
//! and beside it, as soon as the API server answers, network, storage and our marker.

use super::nodes::{self, Settled};
use super::{Run, addons};
use crate::fault::Fault;
use crate::lab::NodeRole;
use crate::world::docker::Stream;
use crate::world::gate::Claiming;
use crate::world::home::NodeStage;
use crate::world::kube::{self as api, CALL};
use crate::world::node::{API_PORT, Node, role_word};
use crate::world::{kubeadm, kubeconfig};
use futures::StreamExt;
use k8s_openapi::api::core::v1::Node as KubeNode;
use kube::api::{ListParams, Patch, PatchParams};
use kube::runtime::watcher;
use kube::{Api, Client};
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// kubeadm itself gives up after two waits of four minutes.
const KUBEADM: Duration = Duration::from_secs(600);
/// How long the credentials and the API server may take from the start of kubeadm.
const ANSWERS: Duration = Duration::from_secs(540);
/// How long nodes may take to become Ready afterwards.
const READY: Duration = Duration::from_secs(180);
/// Between two looks at what is about to come.
const LOOK: Duration = Duration::from_millis(200);
/// How many lines of kubeadm explain its failure.
const LAST_LINES: usize = 25;
/// Where kubeadm leaves the credentials.
const ADMIN: &str = "/etc/kubernetes/admin.conf";
/// Where kind puts kubeadm's documents.
const KUBEADM_CONF: &str = "/kind/kubeadm.conf";
const STEP: &str = "kubernetes";

/// The cluster, from containers to Ready nodes.
pub(super) async fn cluster(run: &Run<'_>) -> Result<(), Fault> {
    let Settled { claim, fresh } = nodes::settle(run).await?;
    run.progress.begin(STEP, "").await;
    let state = run.book.state();
    let joined = |node: &Node| {
        let record = state.nodes.iter().find(|record| record.id == node.id);
        record.is_some_and(|record| record.stage == NodeStage::Joined)
    };
    let control_role = role_word(NodeRole::ControlPlane);
    let is_control = |node: &Node| {
        claim.seen().iter().any(|seen| seen.id == node.id && seen.role == control_role)
    };
    let (controls, workers): (Vec<Node>, Vec<Node>) =
        claim.nodes().iter().cloned().partition(is_control);
    let [control] = controls.as_slice() else {
        return Err(Fault::wrong("control-planes", "A lab has exactly one control-plane node.")
            .mend("Leave one node of role control-plane in kind.yaml; any number of workers is fine."));
    };
    let waiting: Vec<Node> = workers.iter().filter(|node| !joined(node)).cloned().collect();
    let single = claim.nodes().len() == 1;
    let initialised = joined(control) || (!fresh && is_initialised(run, &claim, control).await?);
    let all: Vec<String> = claim.nodes().iter().map(|node| node.name.clone()).collect();
    let conf = match initialised && waiting.is_empty() {
        true => None,
        false => Some(kubeadm_conf(run, &claim).await?),
    };
    let init = async {
        if let (Some(conf), false) = (&conf, initialised) {
            run.progress.changed();
            init(run, control, conf, fresh).await?;
        }
        Ok::<(), Fault>(())
    };
    let ((), client) = tokio::try_join!(init, server(run, claim, control, initialised))?;
    if single && !initialised {
        untaint(&client, &control.name).await?;
    }
    joined_now(run, control)?;
    if let Some(conf) = &conf {
        let joins = waiting.iter().map(|node| join(run, &client, node, conf));
        futures::future::try_join_all(joins).await?;
    }
    ready(run, &client, &all).await?;
    let version = version(&client).await.unwrap_or_default();
    run.progress.done(STEP, format!("{version}, {} Ready", all.join(", "))).await;
    Ok(())
}

/// Writes down that kubeadm came to its end in a node.
fn joined_now(run: &Run<'_>, node: &Node) -> Result<(), Fault> {
    run.book.change(|state| {
        for record in state.nodes.iter_mut().filter(|record| record.id == node.id) {
            record.stage = NodeStage::Joined;
        }
    })
}

/// kubeadm's documents for every node, by name.
async fn kubeadm_conf(run: &Run<'_>, claim: &Claiming) -> Result<BTreeMap<String, String>, Fault> {
    let mut all = BTreeMap::new();
    for node in claim.nodes() {
        let version = node.read_file("/kind/version").await?;
        let facts = kubeadm::Facts {
            cluster: run.home.name.clone(),
            node: node.name.clone(),
            version: String::from_utf8_lossy(&version).trim().to_owned(),
            address: node.address().await?,
        };
        all.insert(node.name.clone(), kubeadm::config(&run.lab.cluster, &facts)?);
    }
    Ok(all)
}

async fn init(
    run: &Run<'_>,
    node: &Node,
    conf: &BTreeMap<String, String>,
    fresh: bool,
) -> Result<(), Fault> {
    if !fresh {
        // A kubeadm outlives the flinklab that started it: two at once would fight.
        kubeadm_over(run, node).await?;
    }
    write_conf(node, conf).await?;
    run.progress.tell(STEP, "kubeadm begins");
    let argv = [
        "kubeadm",
        "init",
        "--config=/kind/kubeadm.conf",
        "--skip-token-print",
        "--v=6",
    ];
    kubeadm(run, node, &argv).await
}

async fn join(
    run: &Run<'_>,
    client: &Client,
    node: &Node,
    conf: &BTreeMap<String, String>,
) -> Result<(), Fault> {
    let nodes: Api<KubeNode> = Api::all(client.clone());
    let doing = format!("Looking for the node {}", node.name);
    let known = api::within(CALL, &doing, nodes.get_opt(&node.name)).await?.is_some();
    if !known {
        run.progress.changed();
        kubeadm_over(run, node).await?;
        write_conf(node, conf).await?;
        let argv = ["kubeadm", "join", "--config", KUBEADM_CONF, "--v=6"];
        kubeadm(run, node, &argv).await?;
    }
    joined_now(run, node)
}

async fn write_conf(node: &Node, conf: &BTreeMap<String, String>) -> Result<(), Fault> {
    let text = conf.get(&node.name).map(String::as_str).unwrap_or_default();
    node.write_file(KUBEADM_CONF, 0o644, text.as_bytes()).await
}

async fn kubeadm(run: &Run<'_>, node: &Node, argv: &[&str]) -> Result<(), Fault> {
    let mut last: VecDeque<String> = VecDeque::with_capacity(LAST_LINES);
    let code = node
        .exec_lines(argv, KUBEADM, |_stream: Stream, line: &str| {
            if let Some(phase) = phase(line) {
                run.progress.tell(STEP, &phase);
            }
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(line.to_owned());
        })
        .await?;
    match code {
        0 => Ok(()),
        code => Err(Fault::unable("kubeadm-failed", format!("kubeadm failed in {}.", node.name))
            .why(format!(
                "`{}` ended with {code}; its last lines:\n{}",
                argv.join(" "),
                Vec::from(last).join("\n")
            ))),
    }
}

/// `[control-plane] Creating static Pod manifest…` is what it does now.
fn phase(line: &str) -> Option<String> {
    let (phase, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let plain = phase.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-' || letter == '/');
    plain.then(|| format!("kubeadm {phase}: {}", rest.trim().chars().take(80).collect::<String>()))
}

async fn kubeadm_over(run: &Run<'_>, node: &Node) -> Result<(), Fault> {
    let until = Instant::now() + KUBEADM;
    while Instant::now() < until {
        let running = node.exec(&["pgrep", "-x", "kubeadm"], Duration::from_secs(10)).await?;
        if running.code != 0 {
            return Ok(());
        }
        run.progress.tell(STEP, "waits for the kubeadm of an earlier `up`");
        sleep(Duration::from_millis(500)).await;
    }
    Err(Fault::unable("kubeadm-failed", format!("kubeadm does not end in {}.", node.name)))
}

/// Whether an earlier `up` or kind's CLI brought kubeadm to its end in here: its last phase leaves
/// the add-ons.
async fn is_initialised(run: &Run<'_>, claim: &Claiming, node: &Node) -> Result<bool, Fault> {
    if run.docker.find_file(&node.id, ADMIN).await?.is_none() {
        return Ok(false);
    }
    kubeadm_over(run, node).await?;
    if !credentials(run, node).await? {
        return Ok(false);
    }
    let Ok(client) = claim.client().await else {
        return Ok(false);
    };
    run.progress.tell(STEP, "waits for the API server");
    if answers(&client, Duration::from_secs(20)).await.is_err() {
        return Ok(false);
    }
    let last = addons::last_of_kubeadm(&client, &run.lab.cluster).await;
    Ok(last.unwrap_or(false))
}

/// Writes our kubeconfig from the node's. False: there is none that can be used yet.
async fn credentials(run: &Run<'_>, node: &Node) -> Result<bool, Fault> {
    let Some(admin) = run.docker.find_file(&node.id, ADMIN).await? else {
        return Ok(false);
    };
    let Some(port) = run.book.state().ports.api else {
        return Err(Fault::unable("api-port", format!("{} publishes no port {API_PORT}.", node.name)));
    };
    let server = format!("https://127.0.0.1:{port}");
    let admin = String::from_utf8_lossy(&admin);
    // Half a file while kubeadm is writing it.
    let Ok(text) = kubeconfig::external(&admin, &run.home.name, &server) else {
        return Ok(false);
    };
    if api::read_kubeconfig(&run.home).ok().as_deref() != Some(text.as_str()) {
        run.home.replace(&run.home.kubeconfig(), text.as_bytes())?;
    }
    Ok(true)
}

/// As soon as the API server answers: network, storage, namespace and marker. Then everything
/// may be written.
async fn server(
    run: &Run<'_>,
    claim: Claiming,
    control: &Node,
    initialised: bool,
) -> Result<Client, Fault> {
    let until = Instant::now() + ANSWERS;
    while !credentials(run, control).await? {
        if Instant::now() > until {
            return Err(Fault::unable("no-credentials", format!("{} has no {ADMIN}.", control.name)));
        }
        sleep(LOOK).await;
    }
    let client = claim.client().await?;
    answers(&client, until.saturating_duration_since(Instant::now())).await?;
    if !initialised {
        let endpoint = format!("{}:{API_PORT}", control.name);
        addons::apply(run, &client, control, &endpoint).await?;
    }
    let namespace = &run.lab.flink.namespace;
    addons::namespace(run, &client).await?;
    let until = Instant::now() + ANSWERS.min(Duration::from_secs(30));
    while let Err(error) = claim.mark(&client, namespace).await {
        if !api::passing(&error) || Instant::now() > until {
            return Err(api::fault("Writing the lab's marker", &error));
        }
        sleep(LOOK).await;
    }
    let ours = claim.into_ours(client.clone(), namespace).await?;
    let _ = run.ours.set(ours);
    Ok(client)
}

/// Waits until the API server says that it is ready.
async fn answers(client: &Client, limit: Duration) -> Result<(), Fault> {
    let until = Instant::now() + limit;
    loop {
        let request = http::Request::get("/readyz").body(Vec::new());
        let Ok(request) = request else {
            return Ok(());
        };
        let last = match tokio::time::timeout(CALL, client.request_text(request)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => api::describe(&error),
            Err(_) => format!("no answer within {} s", CALL.as_secs()),
        };
        if Instant::now() >= until {
            return Err(Fault::unable("api-unreachable", "The API server does not become ready.")
                .why(last));
        }
        sleep(LOOK).await;
    }
}

/// With one node only, everything runs beside the control plane: kind takes away what forbids it.
async fn untaint(client: &Client, name: &str) -> Result<(), Fault> {
    let nodes: Api<KubeNode> = Api::all(client.clone());
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let change = async {
            let node = nodes.get(name).await?;
            let taints = node.spec.and_then(|spec| spec.taints).unwrap_or_default();
            let left: Vec<_> = taints
                .into_iter()
                .filter(|taint| taint.key != "node-role.kubernetes.io/control-plane")
                .collect();
            // With its version: the node controller changes the taints at the same time.
            let patch = json!({
                "metadata": {
                    "resourceVersion": node.metadata.resource_version,
                    "labels": {"node.kubernetes.io/exclude-from-external-load-balancers": null},
                },
                "spec": {"taints": left},
            });
            nodes.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await
        };
        match tokio::time::timeout(CALL, change).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) if !api::passing(&error) || Instant::now() > until => {
                return Err(api::fault("Freeing the node for workloads", &error));
            }
            _ => sleep(LOOK).await,
        }
    }
}

/// Waits until every node is Ready, by watch.
async fn ready(run: &Run<'_>, client: &Client, names: &[String]) -> Result<(), Fault> {
    let nodes: Api<KubeNode> = Api::all(client.clone());
    run.progress.tell(STEP, "waits until the node is Ready");
    let mut missing = names.to_vec();
    let mut why = String::new();
    let wait = async {
        let mut events = watcher(nodes.clone(), watcher::Config::default()).boxed();
        while let Some(event) = events.next().await {
            match event {
                Ok(watcher::Event::Apply(node) | watcher::Event::InitApply(node)) => {
                    let name = node.metadata.name.clone().unwrap_or_default();
                    match unready(&node) {
                        None => missing.retain(|one| *one != name),
                        Some(reason) => why = format!("{name}: {reason}"),
                    }
                    if missing.is_empty() {
                        return;
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    why = error.to_string();
                    sleep(LOOK).await;
                }
            }
        }
    };
    match tokio::time::timeout(READY, wait).await {
        Ok(()) => Ok(()),
        Err(_) => Err(Fault::unable(
            "node-not-ready",
            format!("{} did not become Ready within {} s.", missing.join(", "), READY.as_secs()),
        )
        .why(why)),
    }
}

/// Why a node is not Ready. None: it is.
fn unready(node: &KubeNode) -> Option<String> {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    match conditions.into_iter().find(|condition| condition.type_ == "Ready") {
        Some(condition) if condition.status == "True" => None,
        Some(condition) => Some(condition.message.clone().unwrap_or_default()),
        None => Some("the kubelet has not reported yet".to_owned()),
    }
}

async fn version(client: &Client) -> Option<String> {
    let nodes: Api<KubeNode> = Api::all(client.clone());
    let one = ListParams::default().limit(1);
    let list = tokio::time::timeout(CALL, nodes.list(&one)).await.ok()?.ok()?;
    let node = list.items.into_iter().next()?;
    Some(node.status?.node_info?.kubelet_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_kubeadm_says_its_phase() {
        let line = "[etcd] Creating static Pod manifest for local etcd in \"/etc/kubernetes/manifests\"";
        assert!(phase(line).is_some_and(|phase| phase.starts_with("kubeadm etcd: Creating static Pod")));
        assert_eq!(phase("I1122 10:00:00.1 123 round_trippers.go:632] \"Response\""), None);
        assert_eq!(phase("plain"), None);
    }
}
