//! The simulated API server: which request goes where. True to a real one where clients notice:
//! error bodies, watch expiry, server-side apply, exec and proxy.

mod access;
mod exec;
mod fields;
pub(crate) mod kinds;
mod merge;
mod objects;
mod pods;
mod status;
mod store;
mod watching;

pub(crate) use access::may;
pub(crate) use pods::node_port;
pub(crate) use status::Status;
pub(crate) use store::{Key, Store, complete, seconds};

use super::cluster::Cluster;
use super::serve::{self, Reply, Request};
use http::Method;
use objects::About;
use serde_json::{Value, json};
use std::sync::Arc;

/// Answers one request.
pub(super) async fn answer(cluster: Arc<Cluster>, request: Request) -> Reply {
    let path = request.uri().path().to_owned();
    let query = serve::query(&request);
    let verb = match *request.method() {
        Method::GET if serve::flag(&query, "watch") => "WATCH".to_owned(),
        ref method => method.to_string(),
    };
    cluster.context.counters.count("kubernetes", &verb, &path);
    let steps: Vec<String> = path
        .trim_matches('/')
        .split('/')
        .map(serve::decode)
        .collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let found = match steps.as_slice() {
        ["version"] => Some(
            json!({"major": "1", "minor": cluster.release.minor.to_string(),
            "gitVersion": cluster.release.version,
            "gitCommit": "simulated", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "go1.24.6", "compiler": "gc", "platform": "linux/amd64"}),
        ),
        ["healthz" | "livez" | "readyz", ..] => {
            return serve::reply(200, "text/plain; charset=utf-8", "ok");
        }
        ["api"] => Some(kinds::versions("172.18.0.2:6443")),
        ["apis"] => Some(kinds::groups()),
        ["apis", group] => kinds::group(group),
        ["api", "v1"] => kinds::resources("", "v1"),
        ["apis", group, version] => {
            if is_defined(&cluster, group) {
                kinds::resources(group, version)
            } else {
                None
            }
        }
        ["apis", "authorization.k8s.io", "v1", "subjectaccessreviews"] => {
            let bytes = serve::body(request).await;
            let asked = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            let answer = access::review(&cluster.hold().store, &asked);
            return serve::json(201, &answer);
        }
        ["api", "v1", rest @ ..] => return object(cluster, request, ("", "v1"), rest).await,
        ["apis", group, version, rest @ ..] => {
            return object(cluster, request, (group, version), rest).await;
        }
        _ => None,
    };
    match found {
        Some(value) => serve::json(200, &value),
        None => serve::reply(404, "text/plain; charset=utf-8", "404 page not found\n"),
    }
}

/// Whether a group is Kubernetes' own, or somebody has defined a kind of it.
fn is_defined(cluster: &Cluster, group: &str) -> bool {
    let mut own = kinds::KINDS.iter().filter(|kind| kind.group == group);
    if !own.any(kinds::Kind::is_custom) {
        return true;
    }
    let definitions = kinds::of("customresourcedefinitions");
    let state = cluster.hold();
    let mut all = state.store.list(definitions, "");
    all.any(|one| one["spec"]["group"] == group)
}

async fn object(
    cluster: Arc<Cluster>,
    request: Request,
    (group, version): (&str, &str),
    rest: &[&str],
) -> Reply {
    let (namespace, rest) = match rest {
        ["namespaces", namespace, plural, more @ ..]
            if kinds::find(group, version, plural).is_some_and(|kind| kind.namespaced) =>
        {
            (*namespace, [&[*plural], more].concat())
        }
        _ => ("", rest.to_vec()),
    };
    let (plural, name, part, below) = match rest.as_slice() {
        [plural] => (*plural, "", "", &[][..]),
        [plural, name] => (*plural, *name, "", &[][..]),
        [plural, name, part, below @ ..] => (*plural, *name, *part, below),
        [] => return Status::no_resource().reply(),
    };
    let kind = kinds::find(group, version, plural);
    let Some(kind) = kind.filter(|_| is_defined(&cluster, group)) else {
        return Status::no_resource().reply();
    };
    let about = About {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        part: part.to_owned(),
    };
    match (plural, part) {
        ("pods", "log") => pods::log(cluster, &about, &request),
        ("pods", "exec") => exec::exec(cluster, &about, request),
        ("pods" | "services", "proxy") => pods::proxy(cluster, &about, below, request).await,
        (_, "" | "status" | "scale") => plain(cluster, about, request).await,
        _ => Status::no_resource().reply(),
    }
}

async fn plain(cluster: Arc<Cluster>, about: About, request: Request) -> Reply {
    let method = request.method().clone();
    let query = serve::query(&request);
    let how = request
        .headers()
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map_or_else(String::new, |value| {
            value.split(';').next().unwrap_or_default().to_owned()
        });
    let one = !about.name.is_empty();
    if method == Method::GET && serve::flag(&query, "watch") {
        return watching::watch(cluster, about, &query);
    }
    let bytes = serve::body(request).await;
    let body: Value = match (bytes.is_empty(), serde_json::from_slice(&bytes)) {
        (true, _) => Value::Null,
        (false, Ok(body)) => body,
        (false, Err(why)) => {
            return Status::bad_request(format!("error decoding the body: {why}")).reply();
        }
    };
    let dice = &cluster.context.dice;
    let mut state = cluster.hold();
    let store = &mut state.store;
    let answer = match (method, one) {
        (Method::GET, true) => objects::get(store, &about),
        (Method::GET, false) => objects::list(store, &about, &query),
        (Method::POST, false) => objects::create(store, &about, body, dice),
        (Method::PUT, true) => objects::replace(store, &about, body),
        (Method::PATCH, true) => objects::patch(store, &about, &how, &body, &query, dice),
        (Method::DELETE, true) => objects::delete(store, &about, &body),
        (method, _) => Err(Status::new(
            405,
            "MethodNotAllowed",
            format!("the server does not allow {method} on the requested resource"),
        )),
    };
    drop(state);
    match answer {
        Ok((code, value)) => serve::json(code, &value),
        Err(status) => status.reply(),
    }
}
