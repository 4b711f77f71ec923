//! Watches: a stream of changes from a version on. An expired version is answered as a real server
//! does it, with a 200 and an ERROR event, never with an HTTP 410.

use super::objects::{About, selector};
use super::store::{Change, Selector};
use crate::cluster::Cluster;
use crate::serve;
use crate::serve::Reply;
use axum::body::Body;
use bytes::Bytes;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use futures::stream;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a watch lasts that says nothing about it.
const USUAL: Duration = Duration::from_secs(600);
/// Bookmarks, for those who asked for them.
const BOOKMARKS: Duration = Duration::from_secs(60);

struct Watch {
    cluster: Arc<Cluster>,
    about: About,
    selector: Selector,
    seen: u64,
    pulse: watch::Receiver<u64>,
    waiting: VecDeque<Value>,
    until: Instant,
    bookmark: Option<Instant>,
    over: bool,
}

pub(super) fn watch(
    cluster: Arc<Cluster>,
    about: About,
    query: &BTreeMap<String, String>,
) -> Reply {
    let pulse = cluster.pulse();
    let asked = query.get("resourceVersion").map_or("", String::as_str);
    let seconds = query
        .get("timeoutSeconds")
        .and_then(|text| text.parse().ok());
    let mut waiting = VecDeque::new();
    let selector = selector(query);
    let mut seen = asked.parse().unwrap_or(0);
    if seen == 0 {
        // Without a version a watch begins with all that is there.
        let state = cluster.hold();
        seen = state.store.revision;
        for object in state.store.list(about.kind, &about.namespace) {
            if selector.matches(object) {
                waiting.push_back(json!({"type": "ADDED", "object": object}));
            }
        }
    }
    let watch = Watch {
        about,
        selector,
        seen,
        pulse,
        waiting,
        until: Instant::now() + seconds.map_or(USUAL, Duration::from_secs),
        bookmark: serve::flag(query, "allowWatchBookmarks").then(|| Instant::now() + BOOKMARKS),
        over: false,
        cluster,
    };
    let lines = stream::unfold(watch, |mut watch| async move {
        let line = watch.line().await?;
        Some((Ok::<_, io::Error>(line), watch))
    });
    serve::reply(200, "application/json", Body::from_stream(lines))
}

impl Watch {
    /// The next event as a line; none when the watch is over.
    async fn line(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(Bytes::from(format!("{event}\n")));
            }
            if self.over {
                return None;
            }
            self.pulse.mark_unchanged();
            self.gather();
            if !self.waiting.is_empty() {
                continue;
            }
            let bookmark = self.bookmark.unwrap_or(self.until);
            tokio::select! {
                changed = self.pulse.changed() => changed.ok()?,
                () = clock::sleep_until(self.until) => self.over = true,
                () = clock::sleep_until(bookmark), if self.bookmark.is_some() => {
                    self.bookmark = Some(Instant::now() + BOOKMARKS);
                    self.waiting.push_back(json!({"type": "BOOKMARK", "object": {
                        "kind": self.about.kind.kind, "apiVersion": self.about.kind.api_version(),
                        "metadata": {"resourceVersion": self.seen.to_string()}}}));
                }
                () = self.cluster.api_shut() => return None,
            }
        }
    }

    fn gather(&mut self) {
        let state = self.cluster.hold();
        match state.store.since(self.seen) {
            Ok(changes) => {
                for change in changes {
                    self.waiting
                        .extend(seen_as(change, &self.about, &self.selector));
                }
                self.seen = state.store.revision;
            }
            Err(expired) => {
                self.waiting
                    .push_back(json!({"type": "ERROR", "object": expired.to_json()}));
                self.over = true;
            }
        }
    }
}

/// What a watch sees of a change: an object that begins to match is ADDED, one that ceases to is
/// DELETED.
fn seen_as(change: &Change, about: &About, selector: &Selector) -> Option<Value> {
    let of = |value: &&Value| {
        (about.namespace.is_empty() || value["metadata"]["namespace"] == about.namespace.as_str())
            && selector.matches(value)
    };
    if change.kind != about.kind {
        return None;
    }
    let before = change.before.as_deref().filter(of);
    let after = change.after.as_deref().filter(of);
    let (kind, object) = match (before, after) {
        (None, Some(after)) => ("ADDED", after.clone()),
        (Some(_), Some(after)) => ("MODIFIED", after.clone()),
        (Some(before), None) => {
            let mut last = before.clone();
            last["metadata"]["resourceVersion"] = json!(change.revision.to_string());
            ("DELETED", last)
        }
        (None, None) => return None,
    };
    Some(json!({"type": kind, "object": object}))
}
