//! What a job that counts its own input says about its state: one metric of each task, as JSON, all
//! of one moment. The vertex that has it is looked up once a job.

use super::route::{Route, Ways};
use super::{DEADLINE, replies::garbled};
use bytes::Bytes;
use flinklab_event::Count;
use jiff::Timestamp;
use serde::Deserialize;
use std::sync::Arc;

/// The operator that counts, which is also its vertex' name, and its metric.
const OPERATOR: &str = "count";
const METRIC: &str = "exact";
/// Tasks of the vertex that are asked.
const TASKS: u32 = 256;

/// Where a job's metric is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counter {
    vertex: String,
    tasks: u32,
}

#[derive(Debug, Deserialize)]
struct JobReply {
    vertices: Vec<VertexReply>,
}

#[derive(Debug, Deserialize)]
struct VertexReply {
    id: String,
    name: String,
    parallelism: u32,
}

#[derive(Debug, Deserialize)]
struct MetricReply {
    value: Option<String>,
}

/// What one task says.
#[derive(Debug, Deserialize)]
struct Said {
    at: i64,
    restored: Option<u64>,
    began: u64,
    counted: u64,
    checkpointed: u64,
    keys: u64,
    of: u64,
    held: u64,
    due: u64,
    gaps: u64,
    duplicates: u64,
}

/// Asks all tasks. No count where one of them says nothing, as while they start.
pub(super) async fn count(
    ways: Arc<Ways>,
    route: Route,
    job: String,
    known: Option<Counter>,
) -> Result<(Counter, Option<Count>), String> {
    let counter = match known {
        Some(counter) => counter,
        None => counter(&answer(&ways, &route, &format!("jobs/{job}")).await?)?,
    };
    let names = (0..counter.tasks).map(|task| format!("{task}.{OPERATOR}.{METRIC}"));
    let names = names.collect::<Vec<_>>().join(",");
    let path = format!("jobs/{job}/vertices/{}/metrics?get={names}", counter.vertex);
    let seen = sum(&job, counter.tasks, &answer(&ways, &route, &path).await?)?;
    Ok((counter, seen))
}

async fn answer(ways: &Ways, route: &Route, path: &str) -> Result<Bytes, String> {
    let body = ways.get(route, path, DEADLINE).await;
    body.map_err(|trouble| trouble.to_string())
}

fn counter(body: &[u8]) -> Result<Counter, String> {
    let reply: JobReply = serde_json::from_slice(body).map_err(|error| garbled(body, &error))?;
    let mut vertices = reply.vertices.into_iter();
    let found = vertices.find(|vertex| vertex.name == OPERATOR);
    let found = found.ok_or_else(|| format!("the job has no vertex `{OPERATOR}`"))?;
    // It becomes part of a path.
    if found.id.is_empty() || !found.id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("the vertex that counts has no usable id".to_owned());
    }
    Ok(Counter {
        vertex: found.id,
        tasks: found.parallelism.min(TASKS),
    })
}

/// What all tasks say together.
fn sum(job: &str, tasks: u32, body: &[u8]) -> Result<Option<Count>, String> {
    let replies: Vec<MetricReply> =
        serde_json::from_slice(body).map_err(|error| garbled(body, &error))?;
    let mut all: Vec<Said> = Vec::new();
    for text in replies.into_iter().filter_map(|reply| reply.value) {
        let said = serde_json::from_str(&text);
        all.push(said.map_err(|error| garbled(text.as_bytes(), &error))?);
    }
    let oldest = all.iter().map(|said| said.at).min();
    let at = oldest.and_then(|at| Timestamp::from_millisecond(at).ok());
    let (Some(at), true) = (at, all.len() == tasks as usize) else {
        return Ok(None);
    };
    let total = |of: fn(&Said) -> u64| all.iter().map(of).fold(0, u64::saturating_add);
    Ok(Some(Count {
        job: job.to_owned(),
        at,
        // Of two restarts at once, the older one is not the newest state.
        restored: all.iter().map(|said| said.restored).min().flatten(),
        began: total(|said| said.began),
        counted: total(|said| said.counted),
        checkpointed: total(|said| said.checkpointed),
        keys: (
            total(|said| said.keys),
            all.iter().map(|said| said.of).max().unwrap_or_default(),
        ),
        held: total(|said| said.held),
        due: total(|said| said.due),
        gaps: total(|said| said.gaps),
        duplicates: total(|said| said.duplicates),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// What Flink 2.2.1 answered for `job/exactly` after a restart from checkpoint 56.
    const SAID: &[u8] = br#"[{"id":"0.count.exact","value":"{\"at\":1795667244987,\"restored\":56,\"began\":2217,\"counted\":2315,\"checkpointed\":2300,\"keys\":13,\"of\":32,\"held\":2315,\"due\":2315,\"gaps\":0,\"duplicates\":0}"},{"id":"1.count.exact","value":"{\"at\":1795667244986,\"restored\":56,\"began\":3238,\"counted\":3383,\"checkpointed\":3362,\"keys\":19,\"of\":32,\"held\":3383,\"due\":3383,\"gaps\":0,\"duplicates\":0}"}]"#;

    #[test]
    fn what_the_tasks_say_is_added_up() {
        let seen = sum("j", 2, SAID).unwrap().unwrap();
        assert_eq!(seen.at.as_millisecond(), 1_795_667_244_986);
        assert_eq!((seen.restored, seen.began), (Some(56), 5455));
        assert_eq!((seen.counted, seen.checkpointed), (5698, 5662));
        assert_eq!((seen.keys, seen.is_whole()), ((32, 32), true));
        assert_eq!(seen.wrong(), None);
    }

    #[test]
    fn a_task_that_says_nothing_leaves_the_count_open() {
        assert_eq!(sum("j", 3, SAID).unwrap(), None);
        assert_eq!(sum("j", 2, b"[]").unwrap(), None);
        assert!(sum("j", 2, b"<html>").is_err());
        assert!(sum("j", 1, br#"[{"id":"0.count.exact","value":"12"}]"#).is_err());
    }

    #[test]
    fn the_vertex_is_found_by_its_name() {
        let job = br#"{"vertices":[{"id":"ca88","name":"Source: numbers","parallelism":2},
            {"id":"b717","name":"count","parallelism":2}]}"#;
        let counter = counter(job).unwrap();
        assert_eq!((counter.vertex.as_str(), counter.tasks), ("b717", 2));
        let other = br#"{"vertices":[{"id":"../x","name":"count","parallelism":2}]}"#;
        assert!(super::counter(other).is_err());
        assert!(super::counter(br#"{"vertices":[]}"#).is_err());
    }
}
