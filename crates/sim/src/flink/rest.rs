//! Flink's REST as every JobManager serves it: a standby answers with the leader's data, an
//! election is a 503, a dead leader a 500, a frozen one silence. What the answers look like is in
//! `shapes`.

use super::configured::{self, Options};
use super::{Leading, application, job, numbers, plan, savepoints, shapes};
use crate::cluster::{Cluster, Process, State};
use crate::shared;
use bytes::Bytes;
use flinklab_base::clock;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Flink's answer: a status and a JSON body. An error's body is `{"errors": […]}`.
pub(crate) type Answer = (u16, Value);

/// One request to the web server of one JobManager.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Bytes,
}

/// How the leader is, seen from some JobManager.
enum Leader {
    Here(String),
    Electing,
    Dead,
    Frozen,
}

const ELECTION: &str =
    "Service temporarily unavailable due to an ongoing leader election. Please refresh.";

/// None: nobody listens there.
pub(crate) async fn answer(cluster: &Arc<Cluster>, id: &str, ask: Ask) -> Option<Answer> {
    let frozen = {
        let state = cluster.hold();
        let own = state
            .containers
            .get(id)
            .filter(|own| own.runs() && own.listening)?;
        state.flink.masters.get(id).filter(|master| master.up)?;
        own.frozen.subscribe()
    };
    // A frozen process still has its connections taken by the kernel, and says nothing.
    let _ = frozen.clone().wait_for(|frozen| !frozen).await;
    if let Some(own) = about_itself(cluster, id, &ask) {
        return Some(own);
    }
    let leader = whom(&cluster.hold(), id);
    match leader {
        Leader::Electing => Some(error(503, ELECTION)),
        Leader::Dead => Some(broken(
            "org.apache.flink.runtime.rpc.exceptions.RecipientUnreachableException: Could not send message to the leader, because the recipient is unreachable.",
        )),
        Leader::Frozen => {
            // Until the leader's answer is given up.
            cluster.sleep(10.0).await;
            Some(broken(
                "java.util.concurrent.TimeoutException: Ask timed out after [10000 ms].",
            ))
        }
        // A standby hands the jar to the leader's blob server under the leader's host name, and
        // pods do not know each other's names.
        Leader::Here(leader)
            if leader != id && ask.method == Method::POST && ask.path.ends_with("/run") =>
        {
            Some(error(
                400,
                "java.net.UnknownHostException: the leader's pod",
            ))
        }
        Leader::Here(leader) => Some(of_the_leader(cluster, &leader, ask)),
    }
}

/// What it says of an exception: two sentences, as Flink does.
fn broken(exception: &str) -> Answer {
    let exception =
        format!("<Exception on server side:\n{exception}\n\nEnd of exception on server side>");
    (
        500,
        json!({"errors": ["Internal server error.", exception]}),
    )
}

pub(super) fn error(status: u16, text: &str) -> Answer {
    (status, json!({"errors": [text]}))
}

/// Whom this JobManager takes for the leader: what the config map says.
fn whom(state: &State, asked: &str) -> Leader {
    let flink = &state.flink;
    match flink.leader() {
        Some((id, leading)) if leading.dispatching => {
            if state.containers.get(id).is_some_and(|own| own.is_frozen()) {
                Leader::Frozen
            } else {
                Leader::Here(id.clone())
            }
        }
        Some(_) => Leader::Electing,
        None => {
            let kind = crate::api::kinds::of("configmaps");
            let named = state
                .store
                .list(kind, "")
                .any(|map| map["data"]["org.apache.flink.k8s.leader.dispatcher"].is_string());
            let is_last = flink.masters.len() == 1 && flink.masters.contains_key(asked);
            if named && !is_last {
                Leader::Dead
            } else {
                Leader::Electing
            }
        }
    }
}

/// What a JobManager answers for itself, leader or not.
fn about_itself(cluster: &Arc<Cluster>, id: &str, ask: &Ask) -> Option<Answer> {
    let path: Vec<&str> = ask.path.trim_matches('/').split('/').collect();
    match (&ask.method, path.as_slice()) {
        (&Method::GET, ["config"]) => {
            let takes_jobs = configured::takes_jobs(&options(cluster, id));
            let takes_jobs = takes_jobs && !has_its_own(cluster, id);
            Some((200, shapes::config(&cluster.version, takes_jobs)))
        }
        (&Method::GET, ["jobmanager", "config"]) => {
            Some((200, shapes::jobmanager_config(&options(cluster, id))))
        }
        (&Method::POST, ["jars", ..]) if has_its_own(cluster, id) => {
            Some(error(400, "POST request not allowed"))
        }
        (_, ["jars", ..]) if has_its_own(cluster, id) => None,
        (&Method::POST, ["jars", ..]) if !configured::takes_jobs(&options(cluster, id)) => {
            Some(error(404, &format!("Not found: {}", ask.path)))
        }
        (&Method::GET, ["jars"]) => Some((200, shapes::jars(&cluster.hold(), id))),
        (&Method::POST, ["jars", "upload"]) => Some(upload(cluster, &ask.body)),
        (&Method::DELETE, ["jars", jar]) => {
            cluster.hold().flink.jars.remove(*jar);
            Some((200, json!({})))
        }
        _ => None,
    }
}

/// Whether a JobManager brings its job along, and takes no other.
fn has_its_own(cluster: &Arc<Cluster>, id: &str) -> bool {
    process(cluster, id).is_some_and(|process| application::of(&process).is_some())
}

fn process(cluster: &Arc<Cluster>, id: &str) -> Option<Process> {
    let state = cluster.hold();
    let own = state.containers.get(id);
    own.map(|own| Process::of(cluster, own))
}

/// What a JobManager is configured with, its own address included.
fn options(cluster: &Arc<Cluster>, id: &str) -> Options {
    process(cluster, id).map_or_else(Options::new, |process| {
        let mut options = configured::of(&process);
        options.insert("jobmanager.rpc.address".to_owned(), process.host.clone());
        options
    })
}

/// A multipart body with one jar.
fn upload(cluster: &Arc<Cluster>, body: &Bytes) -> Answer {
    let head = String::from_utf8_lossy(&body[..body.len().min(2048)]).into_owned();
    let name = head
        .split("filename=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .filter(|name| name.ends_with(".jar") && !name.contains('/'));
    let Some(name) = name else {
        return error(400, "Exactly 1 file must be sent, received 0.");
    };
    let jar = format!("{}_{name}", cluster.context.dice.uuid());
    let folder = "uploads/flink-web-upload";
    if let Some(shared) = cluster.shared() {
        let written = shared::path(&shared, folder).and_then(|folder| {
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join(&jar), b"simulated jar\n")
        });
        if let Err(why) = written {
            return error(500, &format!("Could not move uploaded jar file: {why}"));
        }
    }
    cluster.hold().flink.jars.insert(jar.clone(), clock::now());
    let mount = &cluster.lab.flink.mount;
    (
        200,
        json!({"filename": format!("{mount}/{folder}/{jar}"), "status": "success"}),
    )
}

fn of_the_leader(cluster: &Arc<Cluster>, leader: &str, ask: Ask) -> Answer {
    let path: Vec<&str> = ask.path.trim_matches('/').split('/').collect();
    match (&ask.method, path.as_slice()) {
        (&Method::POST, ["jars", jar, "run"]) => return run(cluster, leader, jar, &ask.body),
        (&Method::PATCH, ["jobs", id]) => return cancel(cluster, leader, id, &ask.query),
        (&Method::POST, ["jobs", id, how @ ("savepoints" | "stop")]) => {
            return savepoints::asked(cluster, leader, (id, how), &ask.body);
        }
        (&Method::GET, ["jobs", id, "savepoints", request]) => {
            return savepoints::told(cluster, leader, id, request);
        }
        _ => {}
    }
    let version = &cluster.version;
    let state = cluster.hold();
    let Some((_, leading)) = state.flink.leader() else {
        return error(503, ELECTION);
    };
    let found = match (&ask.method, path.as_slice()) {
        (&Method::GET, ["overview"]) => Some(shapes::overview(version, &state, leading)),
        (&Method::GET, ["jobs"]) => Some(shapes::jobs(leading)),
        (&Method::GET, ["jobs", "overview"]) => Some(shapes::jobs_overview(version, leading)),
        (&Method::GET, ["taskmanagers"]) => Some(shapes::taskmanagers(version, &state, leading)),
        (&Method::GET, ["jobs", id, rest @ ..]) => {
            return of_a_job(cluster, &state, leading, (id, rest), &ask.query);
        }
        _ => None,
    };
    found.map_or_else(
        || error(404, &format!("Unable to load requested file {}.", ask.path)),
        |value| (200, value),
    )
}

fn of_a_job(
    cluster: &Cluster,
    state: &State,
    leading: &Leading,
    (id, rest): (&str, &[&str]),
    query: &BTreeMap<String, String>,
) -> Answer {
    let Some(job) = leading.jobs.get(id).filter(|job| job.listed) else {
        return error(
            404,
            &format!(
                "org.apache.flink.runtime.rest.NotFoundException: Job {id} not found\nCaused by: org.apache.flink.runtime.messages.FlinkJobNotFoundException: Could not find Flink job ({id})"
            ),
        );
    };
    let version = &cluster.version;
    let value = match rest {
        [] => shapes::job(version, job),
        ["status"] if !version.is_1_15() => json!({"status": job.state}),
        ["checkpoints"] => shapes::checkpoints(job),
        ["checkpoints", "config"] => shapes::checkpoints_config(version, &cluster.context.pace),
        ["exceptions"] => shapes::exceptions(version, job),
        ["vertices", vertex, "metrics"] if *vertex == shapes::vertices(true)[1].0 => {
            let asked = query.get("get").map_or("", String::as_str);
            numbers::metrics(cluster, state, job, asked)
        }
        _ => {
            return error(
                404,
                &format!(
                    "Unable to load requested file /jobs/{id}/{}.",
                    rest.join("/")
                ),
            );
        }
    };
    (200, value)
}

fn run(cluster: &Arc<Cluster>, leader: &str, jar: &str, body: &Bytes) -> Answer {
    let wish: Value = if body.is_empty() {
        json!({})
    } else {
        match serde_json::from_slice(body) {
            Ok(wish) => wish,
            Err(why) => {
                return error(
                    400,
                    &format!("Request did not match expected format JarRunRequestBody: {why}"),
                );
            }
        }
    };
    if !cluster.hold().flink.jars.contains_key(jar) {
        return error(
            400,
            &format!(
                "org.apache.flink.runtime.rest.handler.RestHandlerException: Jar file {jar} does not exist"
            ),
        );
    }
    let id = wish["jobId"]
        .as_str()
        .map_or_else(|| cluster.context.dice.hex(32), str::to_owned);
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return error(
            400,
            "Request did not match expected format JarRunRequestBody: jobId must be 32 hex digits",
        );
    }
    let found = {
        let state = cluster.hold();
        let Some((_, leading)) = state.flink.leader() else {
            return error(503, ELECTION);
        };
        if leading.jobs.contains_key(&id) {
            return error(
                400,
                &format!(
                    "Could not execute application.\nCaused by: org.apache.flink.runtime.client.DuplicateJobSubmissionException: Job has already been submitted. ({id})"
                ),
            );
        }
        let session = leading.session.clone();
        state
            .containers
            .get(leader)
            .map(|own| (Process::of(cluster, own), session))
    };
    let Some((process, session)) = found else {
        return error(503, ELECTION);
    };
    let from = wish["savepointPath"]
        .as_str()
        .filter(|path| !path.is_empty())
        .map(str::to_owned);
    if let Some(from) = &from
        && !savepoint_is_there(cluster, from)
    {
        return error(
            400,
            &format!(
                "Could not execute application.\nCaused by: java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '{from}' on file system 'file'."
            ),
        );
    }
    if let Err(why) = plan::keep(&process, &id, from.as_deref()) {
        return error(
            500,
            &format!("Could not execute application.\nCaused by: java.io.IOException: {why}"),
        );
    }
    job::begin(&process, &session, &id, from);
    (200, json!({"jobid": id}))
}

fn savepoint_is_there(cluster: &Cluster, path: &str) -> bool {
    let mount = &cluster.lab.flink.mount;
    let path = path.trim_start_matches("file:");
    let path = format!("/{}", path.trim_start_matches('/'));
    match (path.strip_prefix(&format!("{mount}/")), cluster.shared()) {
        (Some(below), Some(shared)) => shared::path(&shared, below).is_ok_and(|path| path.exists()),
        _ => false,
    }
}

fn cancel(cluster: &Cluster, leader: &str, id: &str, query: &BTreeMap<String, String>) -> Answer {
    if query.get("mode").is_some_and(|mode| mode != "cancel") {
        return error(400, "Cannot parse query parameter 'mode'.");
    }
    let mut state = cluster.hold();
    let job = state
        .flink
        .masters
        .get_mut(leader)
        .and_then(|master| master.leading.as_mut()?.jobs.get_mut(id));
    match job {
        Some(job) => {
            job.cancel.cancel();
            (202, json!({}))
        }
        None => error(404, &format!("Job could not be found. ({id})")),
    }
}
