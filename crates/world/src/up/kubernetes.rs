//! From booted containers to a Kubernetes that is proven ours and whose nodes are Ready: kubeadm,
//! and beside it, as soon as the API server answers, network, storage and our marker.

use super::nodes::{self, Settled};
use super::{Run, addons};
use crate::bootstrap;
use crate::bootstrap::NodeFiles;
use crate::gate::Claiming;
use crate::home::NodeStage;
use crate::kube as api;
use crate::kube::CALL;
use crate::node::{API_PORT, Node, NodePlan, role_word};
use flinklab_base::clock::{Instant, sleep};
use flinklab_base::fault::Fault;
use flinklab_lab::NodeRole;
use futures::StreamExt;
use k8s_openapi::api::core::v1::Node as KubeNode;
use kube::api::ListParams;
use kube::runtime::watcher;
use kube::{Api, Client};
use std::time::Duration;

/// How long a kubeadm that another `up` started may go on.
const KUBEADM: Duration = Duration::from_secs(600);
/// How long the credentials and the API server may take from the start of kubeadm.
const ANSWERS: Duration = Duration::from_secs(540);
/// How long nodes may take to become Ready afterwards.
const READY: Duration = Duration::from_secs(180);
/// How long the marker may be refused while the server's own rules come into place.
const SETTLE: Duration = Duration::from_secs(30);
/// Between two looks at what is about to come.
const LOOK: Duration = Duration::from_millis(200);
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
        claim
            .seen()
            .iter()
            .any(|seen| seen.id == node.id && seen.role == control_role)
    };
    let (controls, workers): (Vec<Node>, Vec<Node>) =
        claim.nodes().iter().cloned().partition(is_control);
    let [control] = controls.as_slice() else {
        return Err(Fault::wrong(
            "control-planes",
            "A lab has exactly one control-plane node.",
        )
        .hint(
            "Leave one node of role control-plane in kind.yaml; any number of workers is fine.",
        ));
    };
    let waiting: Vec<&Node> = workers.iter().filter(|node| !joined(node)).collect();
    let single = claim.nodes().len() == 1;
    // Only what is written down is known to be complete: kubeadm may have come to its end after
    // the `up` that started it was killed, and what follows it is still missing then.
    let complete = joined(control);
    let initialised = complete || (!fresh && is_initialised(run, &claim, control).await?);
    let all: Vec<String> = claim.nodes().iter().map(|node| node.name.clone()).collect();
    let bare = if complete && waiting.is_empty() {
        None
    } else {
        Some(bare(run, &claim, control).await?)
    };
    let init = async {
        match (&bare, initialised) {
            (Some(bare), false) => init(run, control, bare, fresh).await,
            _ => Ok(()),
        }
    };
    let files = bare.as_ref().filter(|_| !complete).map(|bare| &bare.files);
    let ((), client) = tokio::try_join!(init, server(run, claim, control, files))?;
    if single && !complete {
        bootstrap::free_control_plane(&client, &control.name).await?;
    }
    joined_now(run, control)?;
    if let Some(bare) = &bare {
        let joins = waiting
            .iter()
            .map(|node| join(run, &client, node, control, bare));
        futures::future::try_join_all(joins).await?;
    }
    ready(run, &client, &all).await?;
    let _ = run.ready.set(());
    let version = version(&client).await.unwrap_or_default();
    run.progress
        .done(STEP, format!("{version}, {} Ready", all.join(", ")))
        .await;
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

/// What nodes without Kubernetes are made into it with.
struct Bare {
    plans: Vec<NodePlan>,
    files: NodeFiles,
}

async fn bare(run: &Run<'_>, claim: &Claiming, control: &Node) -> Result<Bare, Fault> {
    let files = bootstrap::files(&run.docker, &control.id, &run.lab.cluster, &control.name);
    let (plans, files) = tokio::try_join!(nodes::plans(run, claim), files)?;
    Ok(Bare { plans, files })
}

/// Gives a node its kubeadm file and containerd its patches.
async fn configure(run: &Run<'_>, node: &Node, control: &Node, bare: &Bare) -> Result<(), Fault> {
    let plan = bare
        .plans
        .iter()
        .find(|plan| plan.name == node.name)
        .ok_or_else(|| {
            Fault::unable(
                "cluster-changed",
                format!("{} is not in kind.yaml.", node.name),
            )
        })?;
    let version = &bare.files.version;
    bootstrap::configure(node, &run.lab.cluster, plan, &control.name, version).await
}

async fn init(run: &Run<'_>, node: &Node, bare: &Bare, fresh: bool) -> Result<(), Fault> {
    run.progress.changed();
    if !fresh {
        // A kubeadm outlives the flinklab that started it: two at once would fight.
        kubeadm_over(run, node).await?;
    }
    configure(run, node, node, bare).await?;
    run.progress.tell(STEP, "kubeadm begins");
    let what = format!("Kubernetes in {}", node.name);
    let command = format!("docker exec {} {}", node.name, bootstrap::INIT.join(" "));
    run.progress.did(&what, command).await;
    bootstrap::init(node, |phase| {
        run.progress.tell(STEP, &format!("kubeadm: {phase}"))
    })
    .await
}

async fn join(
    run: &Run<'_>,
    client: &Client,
    node: &Node,
    control: &Node,
    bare: &Bare,
) -> Result<(), Fault> {
    let nodes: Api<KubeNode> = Api::all(client.clone());
    let doing = format!("Looking for the node {}", node.name);
    let known = api::within(CALL, &doing, nodes.get_opt(&node.name))
        .await?
        .is_some();
    if !known {
        run.progress.changed();
        kubeadm_over(run, node).await?;
        configure(run, node, control, bare).await?;
        let told = |phase: &str| {
            run.progress
                .tell(STEP, &format!("{} joins: {phase}", node.name))
        };
        let what = format!("{} joins the cluster", node.name);
        let command = format!("docker exec {} {}", node.name, bootstrap::JOIN.join(" "));
        run.progress.did(&what, command).await;
        bootstrap::join(node, told).await?;
    }
    joined_now(run, node)
}

async fn kubeadm_over(run: &Run<'_>, node: &Node) -> Result<(), Fault> {
    let until = Instant::now() + KUBEADM;
    while Instant::now() < until {
        let running = node
            .exec(&["pgrep", "-x", "kubeadm"], Duration::from_secs(10))
            .await?;
        if running.code != 0 {
            return Ok(());
        }
        run.progress
            .tell(STEP, "waits for the kubeadm of an earlier `up`");
        sleep(Duration::from_millis(500)).await;
    }
    Err(Fault::unable(
        "kubeadm-failed",
        format!("kubeadm does not end in {}.", node.name),
    ))
}

/// Whether an earlier `up` or kind's CLI brought kubeadm to its end in here: its last phase leaves
/// the add-ons.
async fn is_initialised(run: &Run<'_>, claim: &Claiming, node: &Node) -> Result<bool, Fault> {
    kubeadm_over(run, node).await?;
    if run
        .docker
        .find_file(&node.id, crate::kubeconfig::ADMIN)
        .await?
        .is_none()
    {
        return Ok(false);
    }
    credentials(run, node).await?;
    let client = claim.client().await?;
    run.progress.tell(STEP, "waits for the API server");
    if answers(&client, Duration::from_secs(20)).await.is_err() {
        return Ok(false);
    }
    let last = addons::last_of_kubeadm(&client, &run.lab.cluster).await;
    Ok(last.unwrap_or(false))
}

/// Writes our kubeconfig from the node's as soon as kubeadm has written that.
async fn credentials(run: &Run<'_>, node: &Node) -> Result<(), Fault> {
    let Some(port) = run.book.state().ports.api else {
        return Err(Fault::unable(
            "api-port",
            format!("{} publishes no port {API_PORT}.", node.name),
        ));
    };
    let server = format!("https://127.0.0.1:{port}");
    let text = bootstrap::await_kubeconfig(node, &run.home.name, &server).await?;
    if api::read_kubeconfig(&run.home).ok().as_deref() != Some(text.as_str()) {
        run.home.replace(&run.home.kubeconfig(), text.as_bytes())?;
    }
    Ok(())
}

/// As soon as the API server answers: network, storage, namespace and marker. Then everything
/// may be written.
async fn server(
    run: &Run<'_>,
    claim: Claiming,
    control: &Node,
    files: Option<&NodeFiles>,
) -> Result<Client, Fault> {
    credentials(run, control).await?;
    let client = claim.client().await?;
    answers(&client, ANSWERS).await?;
    let namespace = &run.lab.flink.namespace;
    // Looked at before the first write: kind's own containers do not say whose the cluster is.
    claim.refuse_anothers(&client, namespace).await?;
    if let Some(files) = files {
        addons::apply(run, &client, files).await?;
    }
    addons::namespace(run, &client).await?;
    let until = Instant::now() + SETTLE;
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
            return Err(
                Fault::unable("api-unreachable", "The API server does not become ready.").why(last),
            );
        }
        sleep(LOOK).await;
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
            format!(
                "{} did not become Ready within {} s.",
                missing.join(", "),
                READY.as_secs()
            ),
        )
        .why(why)),
    }
}

/// Why a node is not Ready. None: it is.
fn unready(node: &KubeNode) -> Option<String> {
    let conditions = node
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    match conditions
        .into_iter()
        .find(|condition| condition.type_ == "Ready")
    {
        Some(condition) if condition.status == "True" => None,
        Some(condition) => Some(condition.message.clone().unwrap_or_default()),
        None => Some("the kubelet has not reported yet".to_owned()),
    }
}

async fn version(client: &Client) -> Option<String> {
    let nodes: Api<KubeNode> = Api::all(client.clone());
    let one = ListParams::default().limit(1);
    let list = tokio::time::timeout(CALL, nodes.list(&one))
        .await
        .ok()?
        .ok()?;
    let node = list.items.into_iter().next()?;
    Some(node.status?.node_info?.kubelet_version)
}
