//! The job's vertices and exceptions: asked only while somebody looks at them or something is wrong,
//! beside the samples and never in their way. A leader's memory of exceptions dies with it, so what
//! it knows is read while the trouble lasts.

use super::route::{Route, Trouble, Ways, may_answer};
use crate::Events;
use crate::clean;
use crate::watch::WatchInputs;
use flinklab_base::clock::sleep;
use flinklab_event::{DetailLevel, Event, JobDetail, JobException, PollMode, Tasks, Vertex};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::watch;

/// How often, while somebody looks.
const EVERY: Duration = Duration::from_secs(1);
/// How long an answer may take.
const DEADLINE: Duration = Duration::from_millis(1500);
/// Vertices, exceptions and lines of one that are kept.
const VERTICES: usize = 100;
const EXCEPTIONS: usize = 20;
const TRACE: usize = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobReply {
    vertices: Vec<VertexReply>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct VertexReply {
    name: String,
    parallelism: u32,
    status: String,
    #[serde(rename = "start-time")]
    started: i64,
    tasks: BTreeMap<String, u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Exceptions {
    exception_history: History,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct History {
    entries: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Entry {
    exception_name: Option<String>,
    stacktrace: Option<String>,
    timestamp: i64,
    task_name: Option<String>,
    endpoint: Option<String>,
    location: Option<String>,
    task_manager_id: Option<String>,
}

/// Asks while it is wanted, until it is dropped.
pub(crate) async fn follow(
    ways: Ways,
    mut sights: WatchInputs,
    mut attention: watch::Receiver<DetailLevel>,
    mut pace: watch::Receiver<PollMode>,
    events: Events,
) {
    loop {
        let wanted = *attention.borrow_and_update() == DetailLevel::Job
            || *pace.borrow_and_update() == PollMode::Trouble;
        if !wanted {
            tokio::select! {
                changed = attention.changed() => if changed.is_err() { return },
                changed = pace.changed() => if changed.is_err() { return },
            }
            continue;
        }
        let job = sights.job.borrow_and_update().clone();
        if let Some(job) = job {
            match look(&ways, &sights, &job).await {
                Ok(detail) => events.send(Event::JobDetail(Box::new(detail))).await,
                Err(trouble) => tracing::debug!(%trouble, "no details of the job"),
            }
        }
        tokio::select! {
            () = sleep(EVERY) => {}
            _ = attention.changed() => {}
        }
    }
}

async fn look(ways: &Ways, sights: &WatchInputs, job: &str) -> Result<JobDetail, Trouble> {
    let mut routes: Vec<Route> = Vec::new();
    if ways.client.is_some() {
        let leader = sights.leader.borrow().clone();
        let pods = sights.pods.borrow();
        let mut pods: Vec<_> = pods.iter().filter(|pod| may_answer(pod)).collect();
        pods.sort_by_key(|pod| (pod.ip != leader, !pod.ready));
        routes.extend(pods.first().map(|pod| Route::Pod {
            name: pod.name.clone(),
            uid: pod.uid.clone(),
        }));
    }
    if ways.node_port.is_some() {
        routes.push(Route::NodePort);
    }
    let mut last = Trouble::Unreached("no JobManager is running".to_owned());
    for route in routes {
        let path = format!("jobs/{job}");
        let about = ways.get(&route, &path, DEADLINE).await;
        let path = format!("jobs/{job}/exceptions?maxExceptions={EXCEPTIONS}");
        match about {
            Ok(about) => {
                let exceptions = ways.get(&route, &path, DEADLINE).await?;
                return read(job, &about, &exceptions).map_err(Trouble::Flink);
            }
            Err(trouble) => last = trouble,
        }
    }
    Err(last)
}

fn read(job: &str, about: &[u8], exceptions: &[u8]) -> Result<JobDetail, String> {
    let about: JobReply = serde_json::from_slice(about).map_err(|error| error.to_string())?;
    let history: Exceptions =
        serde_json::from_slice(exceptions).map_err(|error| error.to_string())?;
    let mut exceptions: Vec<JobException> = history
        .exception_history
        .entries
        .into_iter()
        .take(EXCEPTIONS)
        .filter_map(exception)
        .collect();
    exceptions.sort_by_key(|one| std::cmp::Reverse(one.at));
    Ok(JobDetail {
        job: job.to_owned(),
        vertices: about
            .vertices
            .into_iter()
            .take(VERTICES)
            .map(vertex)
            .collect(),
        exceptions,
    })
}

fn vertex(reply: VertexReply) -> Vertex {
    let running = reply.tasks.get("RUNNING").copied().unwrap_or(0);
    let states = reply.tasks.into_iter().filter(|(_, count)| *count > 0);
    Vertex {
        name: clean::message(&reply.name),
        state: clean::message(&reply.status),
        tasks: Tasks {
            running,
            total: reply.parallelism,
        },
        started: (reply.started > 0)
            .then(|| Timestamp::from_millisecond(reply.started).ok())
            .flatten(),
        states: states
            .map(|(state, count)| (clean::message(&state), count))
            .collect(),
    }
}

fn exception(entry: Entry) -> Option<JobException> {
    let at = Timestamp::from_millisecond(entry.timestamp).ok()?;
    let trace = entry.stacktrace.or(entry.exception_name)?;
    let place = [entry.endpoint, entry.location, entry.task_manager_id];
    let place = place.into_iter().flatten().find(|place| !place.is_empty());
    Some(JobException {
        at,
        task: clean::message(&entry.task_name.unwrap_or_default()),
        worker: clean::message(&place.unwrap_or_default()),
        lines: trace.lines().take(TRACE).map(clean::line).collect(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// What real JobManagers answered: the job while it ran, and exceptions after a TaskManager was
    /// killed.
    macro_rules! answers {
        ($($version:literal)*) => {
            [$((
                $version,
                &include_bytes!(concat!("../../../../tests/fixtures/flink-", $version, "/job.json"))[..],
                &include_bytes!(concat!("../../../../tests/fixtures/flink-", $version, "/job_exceptions.json"))[..],
            )),*]
        };
    }

    #[test]
    fn every_version_tells_of_the_job_and_of_what_went_wrong() {
        for (version, about, exceptions) in answers!("1.15.2" "1.20.5" "2.2.1" "2.3.0") {
            let seen = read("j", about, exceptions).unwrap();
            let running = |vertex: &Vertex| vertex.state == "RUNNING" && vertex.tasks.running == 1;
            assert_eq!(seen.vertices.len(), 2, "{version}");
            assert!(seen.vertices.iter().all(running), "{version}");
            assert!(
                seen.vertices.iter().all(|vertex| vertex.started.is_some()),
                "{version}"
            );
            // Of 2.3 there is an answer of a leader that has just taken over, and remembers nothing.
            let Some(lost) = seen.exceptions.first() else {
                assert_eq!(version, "2.3.0");
                continue;
            };
            assert!(
                lost.first()
                    .contains("TaskManager with id 10.244.0.21:6122-"),
                "{version}"
            );
            assert_eq!(lost.worker, "10.244.0.21:6121", "{version}");
            assert!(
                lost.task.starts_with("Source: Source: numbers"),
                "{version}"
            );
        }
    }

    #[test]
    fn vertices_and_exceptions_are_read_and_inert() {
        let about =
            br#"{"vertices":[{"name":"Source: x\u001b[2J","parallelism":2,"status":"RUNNING",
            "start-time":1795327309177,"tasks":{"RUNNING":1,"FAILED":0,"DEPLOYING":1}},{}]}"#;
        let exceptions = br#"{"exceptionHistory":{"entries":[{"exceptionName":"a.B","timestamp":5,
            "stacktrace":"a.B: lost\u0007\n\tat x\nCaused by: c.D: gone","taskName":"t (1/2)",
            "endpoint":"10.244.0.7:6122","taskManagerId":"tm"}]}}"#;
        let seen = read("j", about, exceptions).unwrap();
        assert_eq!(seen.vertices[0].name, "Source: x");
        assert_eq!(
            seen.vertices[0].tasks,
            Tasks {
                running: 1,
                total: 2
            }
        );
        assert_eq!(seen.vertices[0].states.len(), 2);
        assert_eq!(seen.exceptions[0].root(), "c.D: gone");
        assert_eq!(seen.exceptions[0].first(), "a.B: lost·");
        assert_eq!(seen.exceptions[0].worker, "10.244.0.7:6122");
        assert!(read("j", b"<html>", exceptions).is_err());
        assert!(read("j", b"{}", b"{}").unwrap().exceptions.is_empty());
    }
}
