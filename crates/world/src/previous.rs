//! What a container said before its newest restart, asked for once when a person wants to read it.

use super::{Events, World, clean, kube as ours, open};
use flinklab_base::clock;
use flinklab_event::{Event, LogLine, PodRef, PreviousLog};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};
use std::time::Duration;
use tokio::time::timeout;

/// How long the answer may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// Its last lines that are read.
const LINES: i64 = 500;

/// Asks, and answers with an event whatever comes of it.
pub(super) async fn ask(world: &World, pod: &PodRef, events: &Events) {
    let asked = clock::now();
    let lines = match timeout(DEADLINE, read(world, pod, events)).await {
        Ok(lines) => lines,
        Err(_) => Err(format!(
            "No answer about {} within {} s.",
            pod.name,
            DEADLINE.as_secs()
        )),
    };
    let uid = pod.uid.clone();
    events
        .send(Event::Previous(PreviousLog { uid, asked, lines }))
        .await;
}

async fn read(world: &World, pod: &PodRef, events: &Events) -> Result<Vec<LogLine>, String> {
    let opened = open::must_open(world).map_err(|fault| fault.to_string())?;
    let client = opened.reader().await.map_err(|fault| fault.to_string())?;
    let namespace = &opened.lab.flink.namespace;
    let api: Api<Pod> = Api::namespaced(client, namespace);
    let found = api
        .get_opt(&pod.name)
        .await
        .map_err(|error| ours::describe(&error))?;
    let found = found
        .filter(|found| found.metadata.uid.as_ref() == Some(&pod.uid))
        .ok_or_else(|| format!("The pod {} is gone, and its logs with it.", pod.name))?;
    let labels = found.metadata.labels.unwrap_or_default();
    let label = |key: &str| labels.get(key).map(String::as_str);
    let roles = &opened.lab.roles;
    let role = if roles.jobmanager.matches(label) {
        &roles.jobmanager
    } else {
        &roles.taskmanager
    };
    let container = role.container.clone();
    let command = format!(
        "logs {} -n {namespace} -c {container} --previous --tail={LINES}",
        pod.name
    );
    events
        .did(
            "What the container said before its restart",
            world.kubectl(&command),
        )
        .await;
    let how = LogParams {
        container: Some(container),
        previous: true,
        timestamps: true,
        tail_lines: Some(LINES),
        ..LogParams::default()
    };
    let text = match api.logs(&pod.name, &how).await {
        Ok(text) => text,
        // Kubernetes says it as a bad request, in words about itself
        Err(kube::Error::Api(status)) if status.code == 400 => {
            return Err(format!(
                "{} was not restarted: there is no log before this one.",
                pod.name
            ));
        }
        Err(error) => return Err(ours::describe(&error)),
    };
    Ok(text
        .lines()
        .filter_map(|line| stamped(&pod.name, line))
        .collect())
}

fn stamped(pod: &str, line: &str) -> Option<LogLine> {
    let (stamp, text) = line.split_once(' ')?;
    Some(LogLine {
        at: stamp.parse().ok()?,
        pod: pod.to_owned(),
        text: clean::line(text),
        highlight: super::tail::highlight(text),
    })
}
