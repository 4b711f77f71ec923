//! What the part that failed said last: kubelet, API server, pod events, Flink's own log. Only
//! looks, within a bound, and never replaces the fault that it is added to.

use super::Run;
use crate::clean;
use crate::kube::CALL;
use crate::members;
use crate::node::Node;
use flinklab_base::fault::{Excerpt, Fault};
use flinklab_event::StepState;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{ListParams, LogParams};
use kube::{Api, Client};
use std::time::Duration;

/// How long all of it may take: the person waits for the reason.
const LIMIT: Duration = Duration::from_secs(10);
/// How long one look into a node may take.
const LOOK: Duration = Duration::from_secs(5);
/// The newest log of the API server's container.
const SERVER_LOG: &str = "log=$(ls -t /var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log | head -n 1) \\
  && tail -n 20 \"$log\"";
/// Characters of one line: enough for what failed, too few for what the kubelet quotes.
const WIDTH: usize = 240;
/// Lines of one excerpt.
const LINES: usize = 8;
/// Events that are asked for.
const EVENTS: u32 = 200;

/// Adds the last words of whatever failed.
pub(super) async fn explain(run: &Run<'_>, fault: Fault) -> Fault {
    // Docker away: nothing can be asked. Words of its own: nothing is missing.
    if fault.code.starts_with("docker") || !fault.excerpts.is_empty() && fault.code != "kubeadm" {
        return fault;
    }
    let steps = match run.progress.failing() {
        Some(step) => vec![step],
        None => run.progress.in_state(StepState::Running),
    };
    let mut found = Vec::new();
    let looking = async {
        if steps.contains(&"kubernetes") {
            found.extend(of_node(run, &fault).await);
        }
        if steps
            .iter()
            .any(|step| ["flink", "job", "checkpoint"].contains(step))
            && let Some(ours) = run.ours.get()
        {
            let client = ours.client();
            found.extend(events(&client, &run.lab.flink.namespace).await);
            found.extend(logs(run, &client).await);
        }
    };
    let _ = tokio::time::timeout(LIMIT, looking).await;
    found.into_iter().fold(fault, |fault, excerpt: Excerpt| {
        fault.showing(excerpt.of, excerpt.lines)
    })
}

/// The kubelet's errors and the last words of an API server that does not stay up.
async fn of_node(run: &Run<'_>, fault: &Fault) -> Vec<Excerpt> {
    let nodes = run.booted.get().map(Vec::as_slice).unwrap_or_default();
    let Some(node) = meant(nodes, fault) else {
        return Vec::new();
    };
    let journal = [
        "journalctl",
        "--no-pager",
        "-o",
        "cat",
        "-u",
        "kubelet",
        "-n",
        "300",
    ];
    let (kubelet, server) = futures::join!(node.exec(&journal, LOOK), api_server(node));
    let mut found = Vec::new();
    if let Ok(output) = kubelet
        && output.code == 0
    {
        let lines = complaints(&output.stdout);
        let of = format!("the kubelet in {}", node.name);
        found.extend((!lines.is_empty()).then_some(Excerpt { of, lines }));
    }
    found.extend(server);
    found
}

/// The node that a fault names, a worker that could not join, say; else the control plane.
fn meant<'a>(nodes: &'a [Node], fault: &Fault) -> Option<&'a Node> {
    let words = format!("{} {}", fault.what, fault.why);
    let named = nodes.iter().filter(|node| words.contains(&node.name));
    // `x-worker` is the beginning of `x-worker2`, too.
    named.max_by_key(|node| node.name.len()).or(nodes.first())
}

/// The kubelet's own copy of the log: it is there whatever state the container is in.
async fn api_server(node: &Node) -> Option<Excerpt> {
    let argv = ["sh", "-c", SERVER_LOG, "flinklab-api-log"];
    let said = node.exec(&argv, LOOK).await.ok()?;
    let lines = last(said.stdout.lines().map(without_stamp));
    (said.code == 0 && !lines.is_empty()).then(|| Excerpt {
        of: format!("the API server in {}", node.name),
        lines,
    })
}

/// A line of a log as the runtime keeps it begins with stamp, stream and a mark.
fn without_stamp(line: &str) -> &str {
    let mut parts = line.splitn(4, ' ');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_), Some("stdout" | "stderr"), Some("F" | "P"), Some(words)) => words,
        _ => line,
    }
}

/// The lines that complain; if none does, the last ones.
fn complaints(journal: &str) -> Vec<String> {
    let mut known: Vec<&str> = Vec::new();
    // That nobody answers is known by now; why nobody does is not.
    let complain = journal.lines().filter(|line| {
        (line.starts_with(['E', 'F']) && line.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
            || line.contains("Failed with result"))
            && !line.contains("connection refused")
    });
    for line in complain {
        // The kubelet says the same again and again; klog's words follow its fourth blank.
        let words = |line: &str| {
            line.split_whitespace()
                .skip(4)
                .collect::<Vec<_>>()
                .join(" ")
        };
        known.retain(|known| words(known) != words(line));
        known.push(line);
    }
    if known.is_empty() {
        last(journal.lines())
    } else {
        last(known.into_iter())
    }
}

fn last<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let lines: Vec<String> = lines
        .filter(|line| !line.trim().is_empty())
        .map(|line| clean::line(&line.chars().take(WIDTH).collect::<String>()))
        .collect();
    lines[lines.len().saturating_sub(LINES)..].to_vec()
}

/// What Kubernetes warned of in the lab's namespace, newest last.
async fn events(client: &Client, namespace: &str) -> Option<Excerpt> {
    let api: Api<Event> = Api::namespaced(client.clone(), namespace);
    let params = ListParams::default().fields("type=Warning").limit(EVENTS);
    let list = tokio::time::timeout(CALL, api.list(&params))
        .await
        .ok()?
        .ok()?;
    let mut all = list.items;
    all.retain(|event| event.type_.as_deref() == Some("Warning"));
    all.sort_by_key(|event| {
        let at = event.last_timestamp.as_ref().map(|time| time.0);
        at.or(event.event_time.as_ref().map(|time| time.0))
    });
    let told: Vec<String> = all
        .iter()
        .map(|event| {
            let about = event.involved_object.name.as_deref().unwrap_or_default();
            let reason = event.reason.as_deref().unwrap_or_default();
            let message = event.message.as_deref().unwrap_or_default();
            clean::message(&format!("{about}: {reason}: {message}"))
        })
        .collect();
    let lines = told[told.len().saturating_sub(LINES)..].to_vec();
    (!lines.is_empty()).then(|| Excerpt {
        of: format!("the events in namespace {namespace}"),
        lines,
    })
}

/// The log of the first pod of Flink's that is not ready; where all are, of the first JobManager.
async fn logs(run: &Run<'_>, client: &Client) -> Option<Excerpt> {
    let api: Api<Pod> = Api::namespaced(client.clone(), &run.lab.flink.namespace);
    let roles = &run.lab.roles;
    let members = run.lab.members();
    let mut pods = Vec::new();
    for role in [&roles.jobmanager, &roles.taskmanager] {
        let params = ListParams::default().labels(&role.selector);
        let list = tokio::time::timeout(CALL, api.list(&params))
            .await
            .ok()?
            .ok()?;
        let own = list.items.into_iter();
        let own = own.filter(|pod| members::role(&members, pod).is_some());
        pods.extend(own.map(|pod| (pod, role.container.clone())));
    }
    let status = |pod: &Pod| {
        pod.status
            .as_ref()?
            .container_statuses
            .as_ref()?
            .first()
            .cloned()
    };
    let troubled = pods.iter().find(|(pod, _)| {
        status(pod)
            .is_some_and(|one| !one.ready && (one.restart_count > 0 || one.container_id.is_some()))
    });
    let (pod, container) = troubled.or(pods.first())?;
    let name = pod.metadata.name.clone()?;
    let crashed = status(pod).is_some_and(|one| one.restart_count > 0 && !one.ready);
    let params = LogParams {
        container: Some(container.clone()),
        tail_lines: i64::try_from(LINES).ok(),
        previous: crashed,
        ..LogParams::default()
    };
    let text = tokio::time::timeout(CALL, api.logs(&name, &params))
        .await
        .ok()?
        .ok()?;
    let lines = last(text.lines());
    (!lines.is_empty()).then(|| Excerpt {
        of: format!("the log of {name}"),
        lines,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_kubelets_words_the_complaints_count_once() {
        let journal = "I1124 21:00:00.1 100 a.go:1] all is well\n\
            E1124 21:00:01.1 100 b.go:2] cannot find the cgroup\n\
            I1124 21:00:02.1 100 a.go:1] all is well\n\
            E1124 21:00:03.1 100 b.go:2] cannot find the cgroup\n\
            kubelet.service: Failed with result 'exit-code'.\n";
        let found = complaints(journal);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("21:00:03"),
            "the newest of both: {found:?}"
        );
        assert_eq!(complaints("only\nthis\n"), ["only", "this"]);
        assert_eq!(without_stamp("2026-11-24T22:00:00Z stderr F a b"), "a b");
        assert_eq!(
            without_stamp("a plain line of words"),
            "a plain line of words"
        );
    }
}
