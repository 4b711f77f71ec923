//! Logs of pods, and the proxy to their web servers.

use super::kinds;
use super::objects::About;
use super::status::Status;
use super::store::Key;
use crate::cluster::{Cluster, Life};
use crate::flink;
use crate::serve;
use crate::serve::{Reply, Request};
use axum::body::Body;
use bytes::Bytes;
use flinklab_base::clock;
use futures::stream;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// Lines that go out in one piece.
const BATCH: usize = 512;

/// Which container of the pod is meant: its id.
pub(super) fn container_of(
    cluster: &Cluster,
    about: &About,
    query: &BTreeMap<String, String>,
    which: Which,
) -> Result<String, Status> {
    let key = Key::new(kinds::of("pods"), &about.namespace, &about.name);
    let state = cluster.hold();
    let pod = state
        .store
        .get(&key)
        .ok_or_else(|| Status::not_found(&key))?;
    let first = pod["spec"]["containers"][0]["name"]
        .as_str()
        .unwrap_or_default();
    let name = query.get("container").map_or(first, String::as_str);
    if name != first {
        return Err(Status::bad_request(format!(
            "container {name} is not valid for pod {}",
            about.name
        )));
    }
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    let mut all: Vec<_> = state
        .containers
        .values()
        .filter(|own| own.pod_uid == uid)
        .collect();
    all.sort_by_key(|own| own.attempt);
    let found = match which {
        Which::Current => all.last(),
        Which::Previous => all.iter().rev().nth(1),
        Which::Running => all.last().filter(|own| own.life == Life::Running),
    };
    found.map(|own| own.id.clone()).ok_or_else(|| match which {
        Which::Previous => Status::bad_request(format!(
            "previous terminated container \"{name}\" in pod \"{}\" not found",
            about.name
        )),
        Which::Current => Status::bad_request(format!(
            "container \"{name}\" in pod \"{}\" is waiting to start: ContainerCreating",
            about.name
        )),
        Which::Running => Status::new(
            500,
            "InternalError",
            format!("unable to upgrade connection: container not found (\"{name}\")"),
        ),
    })
}

/// Which of a pod's containers over time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    Current,
    Previous,
    Running,
}

/// The stream of a log: where it is, and whether it goes on.
struct Tail {
    cluster: Arc<Cluster>,
    id: String,
    next: usize,
    since: Option<Timestamp>,
    stamped: bool,
    follow: bool,
}

/// `GET …/pods/NAME/log`. A followed log ends when its container does.
pub(super) fn log(cluster: Arc<Cluster>, about: &About, request: &Request) -> Reply {
    let query = serve::query(request);
    let which = if serve::flag(&query, "previous") {
        Which::Previous
    } else {
        Which::Current
    };
    let id = match container_of(&cluster, about, &query, which) {
        Ok(id) => id,
        Err(status) => return status.reply(),
    };
    let since = query
        .get("sinceTime")
        .and_then(|text| text.parse().ok())
        .or_else(|| {
            let seconds = query.get("sinceSeconds")?.parse().ok()?;
            Some(clock::now() - SignedDuration::from_secs(seconds))
        });
    let end = cluster
        .hold()
        .containers
        .get(&id)
        .map_or(0, |own| own.log.end());
    let tail = query
        .get("tailLines")
        .and_then(|text| text.parse::<usize>().ok());
    let tail = Tail {
        next: tail.map_or(0, |lines| end.saturating_sub(lines)),
        id,
        since,
        stamped: serve::flag(&query, "timestamps"),
        follow: serve::flag(&query, "follow"),
        cluster,
    };
    let pieces = stream::unfold(tail, |mut tail| async move {
        let piece = tail.piece().await?;
        Some((Ok::<_, io::Error>(piece), tail))
    });
    serve::reply(200, "text/plain", Body::from_stream(pieces))
}

impl Tail {
    async fn piece(&mut self) -> Option<Bytes> {
        let (mut pulse, mut spoken) = (self.cluster.pulse(), self.cluster.spoken());
        loop {
            pulse.mark_unchanged();
            spoken.mark_unchanged();
            let (lines, runs) = {
                let state = self.cluster.hold();
                let own = state.containers.get(&self.id)?;
                let (lines, next) = own.log.from(self.next, BATCH);
                self.next = next;
                (lines, own.runs())
            };
            let nothing = lines.is_empty();
            let mut text = String::new();
            for (at, line) in lines {
                if self.since.is_some_and(|since| at < since) {
                    continue;
                }
                if self.stamped {
                    text.push_str(&at.strftime("%Y-%m-%dT%H:%M:%S%.9fZ ").to_string());
                }
                text.push_str(&line);
                text.push('\n');
            }
            if !text.is_empty() {
                return Some(Bytes::from(text));
            }
            if !nothing {
                continue;
            }
            if !self.follow || !runs {
                return None;
            }
            let changed = tokio::select! {
                changed = spoken.changed() => changed,
                changed = pulse.changed() => changed,
            };
            if changed.is_err() {
                return None;
            }
        }
    }
}

/// `…/pods/NAME:PORT/proxy/…` and the same for a service, which picks a ready pod.
pub(super) async fn proxy(
    cluster: Arc<Cluster>,
    about: &About,
    below: &[&str],
    request: Request,
) -> Reply {
    let (name, port) = about.name.split_once(':').unwrap_or((&about.name, ""));
    let found = match about.kind.plural {
        "services" => of_service(&cluster, &about.namespace, name),
        _ => Ok((about.namespace.clone(), name.to_owned())),
    };
    let (namespace, pod) = match found {
        Ok(found) => found,
        Err(status) => return status.reply(),
    };
    let key = Key::new(kinds::of("pods"), &namespace, &pod);
    let (ip, id) = {
        let state = cluster.hold();
        let Some(object) = state.store.get(&key) else {
            return Status::not_found(&key).reply();
        };
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        let running = state
            .containers
            .values()
            .find(|own| own.pod_uid == uid && own.runs());
        let ip = object["status"]["podIP"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (ip, running.map(|own| own.id.clone()))
    };
    if ip.is_empty() {
        return Status::unreachable(&format!("no address for pod {pod}")).reply();
    }
    let rest_port = cluster.lab.flink.rest.port;
    let asked = port.parse().unwrap_or(rest_port);
    let refused = format!("dial tcp {ip}:{asked}: connect: connection refused");
    let ask = ask(request, &format!("/{}", below.join("/"))).await;
    match id {
        Some(id) if asked == rest_port => match flink::answer(&cluster, &id, ask).await {
            Some((code, body)) => {
                serve::reply(code, "application/json; charset=UTF-8", body.to_string())
            }
            None => Status::unreachable(&refused).reply(),
        },
        _ => Status::unreachable(&refused).reply(),
    }
}

/// A ready pod that the service's selector matches.
fn of_service(cluster: &Cluster, namespace: &str, name: &str) -> Result<(String, String), Status> {
    let name = name.split(':').next().unwrap_or(name);
    let key = Key::new(kinds::of("services"), namespace, name);
    let state = cluster.hold();
    let service = state
        .store
        .get(&key)
        .ok_or_else(|| Status::not_found(&key))?;
    let selector = service["spec"]["selector"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let ready: Vec<&Value> = state
        .store
        .list(kinds::of("pods"), namespace)
        .filter(|pod| {
            selector
                .iter()
                .all(|(label, value)| pod["metadata"]["labels"][label] == *value)
        })
        .filter(|pod| pod["status"]["containerStatuses"][0]["ready"] == true)
        // Those of a node that is given up are no endpoints any more.
        .filter(|pod| {
            let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
            let mut ready = conditions.filter(|one| one["type"] == "Ready");
            ready.all(|one| one["status"] == "True")
        })
        .collect();
    let pick = cluster.context.dice.next() as usize % ready.len().max(1);
    let pod = ready
        .get(pick)
        .and_then(|pod| pod["metadata"]["name"].as_str());
    pod.map(|pod| (namespace.to_owned(), pod.to_owned()))
        .ok_or_else(|| {
            Status::new(
                503,
                "ServiceUnavailable",
                format!("no endpoints available for service \"{name}\""),
            )
        })
}

/// A request as Flink's web server gets it.
pub(crate) async fn ask(request: Request, path: &str) -> flink::Ask {
    flink::Ask {
        method: request.method().clone(),
        path: path.to_owned(),
        query: serve::query(&request),
        body: serve::body(request).await,
    }
}

/// The NodePort: any ready JobManager, without the API server.
pub(crate) async fn node_port(cluster: Arc<Cluster>, request: Request) -> Option<Reply> {
    let lab = &cluster.lab;
    let service = {
        let state = cluster.hold();
        state
            .store
            .list(kinds::of("services"), &lab.flink.namespace)
            .find(|service| {
                service["spec"]["ports"].as_array().is_some_and(|ports| {
                    ports
                        .iter()
                        .any(|port| port["nodePort"] == lab.flink.rest.node_port)
                })
            })
            .and_then(|service| service["metadata"]["name"].as_str().map(str::to_owned))?
    };
    let (namespace, pod) = of_service(&cluster, &lab.flink.namespace, &service).ok()?;
    let key = Key::new(kinds::of("pods"), &namespace, &pod);
    let id = {
        let state = cluster.hold();
        let uid = state.store.get(&key)?["metadata"]["uid"]
            .as_str()?
            .to_owned();
        let running = state
            .containers
            .values()
            .find(|own| own.pod_uid == uid && own.runs())?;
        running.id.clone()
    };
    let path = request.uri().path().to_owned();
    cluster
        .context
        .counters
        .count("node-port", request.method().as_str(), &path);
    let ask = ask(request, &path).await;
    let (code, body) = flink::answer(&cluster, &id, ask).await?;
    Some(serve::reply(
        code,
        "application/json; charset=UTF-8",
        body.to_string(),
    ))
}
