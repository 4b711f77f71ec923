//! What the engine streams: logs of containers and its own events.

use super::{Answer, Machine, filters, no_container};
use crate::serve;
use crate::serve::Request;
use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// The log: raw where there is a terminal, in frames where there is none.
pub(super) fn logs(machine: &Arc<Machine>, id: &str, query: &BTreeMap<String, String>) -> Answer {
    let since = query
        .get("since")
        .and_then(|text| text.parse::<f64>().ok())
        .unwrap_or(0.0);
    let tail = query
        .get("tail")
        .and_then(|text| text.parse::<usize>().ok());
    let follow = serve::flag(query, "follow");
    let (tty, lines) = {
        let engine = machine.engine();
        let own = engine.containers.get(id).ok_or_else(|| no_container(id))?;
        (own.body["Tty"] == true, own.log.len())
    };
    let first = tail.map_or(0, |tail| lines.saturating_sub(tail));
    let state = (
        machine.clone(),
        id.to_owned(),
        machine.pulse.subscribe(),
        first,
    );
    let pieces = stream::unfold(
        state,
        move |(machine, id, mut pulse, mut next)| async move {
            loop {
                pulse.mark_unchanged();
                let (fresh, runs) = {
                    let engine = machine.engine();
                    let own = engine.containers.get(&id)?;
                    let fresh: Vec<(Timestamp, String)> =
                        own.log.iter().skip(next).cloned().collect();
                    next = own.log.len();
                    (fresh, own.runs())
                };
                let text: String = fresh
                    .iter()
                    .filter(|(at, _)| at.as_millisecond() as f64 / 1000.0 >= since)
                    .map(|(_, line)| format!("{line}{}", if tty { "\r\n" } else { "\n" }))
                    .collect();
                if !text.is_empty() {
                    let mut bytes = Vec::new();
                    if !tty {
                        bytes.extend([1, 0, 0, 0]);
                        bytes.extend((text.len() as u32).to_be_bytes());
                    }
                    bytes.extend(text.as_bytes());
                    return Some((
                        Ok::<_, io::Error>(Bytes::from(bytes)),
                        (machine, id, pulse, next),
                    ));
                }
                if !follow || !runs || pulse.changed().await.is_err() {
                    return None;
                }
            }
        },
    );
    Ok(serve::reply(
        200,
        "application/vnd.docker.raw-stream",
        Body::from_stream(pieces),
    ))
}

/// The engine's events from now on.
pub(super) fn events(machine: &Arc<Machine>, request: &Request) -> Answer {
    let filters = filters(&serve::query(request));
    let wanted = move |event: &Value| {
        filters.iter().all(|(what, values)| match what.as_str() {
            "type" => values.iter().any(|kind| event["Type"] == kind.as_str()),
            "event" => values
                .iter()
                .any(|action| event["Action"] == action.as_str()),
            "container" => values.iter().any(|id| {
                event["id"] == id.as_str() || event["Actor"]["Attributes"]["name"] == id.as_str()
            }),
            "label" => values.iter().all(|label| {
                let (name, value) = label.split_once('=').unwrap_or((label, ""));
                let is = event["Actor"]["Attributes"][name].as_str();
                is.is_some_and(|is| value.is_empty() || is == value)
            }),
            _ => true,
        })
    };
    let pieces = stream::unfold(
        (machine.events.subscribe(), wanted),
        |(mut events, wanted)| async move {
            loop {
                match events.recv().await {
                    Ok(event) if wanted(&event) => {
                        let line = Bytes::from(format!("{event}\n"));
                        return Some((Ok::<_, io::Error>(line), (events, wanted)));
                    }
                    Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return None,
                }
            }
        },
    );
    Ok(serve::reply(
        200,
        "application/json",
        Body::from_stream(pieces),
    ))
}
