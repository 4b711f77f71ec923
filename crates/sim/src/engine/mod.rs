//! The simulated Docker engine: its state, and which request goes where. Paths come with and
//! without a version prefix; errors are worded as a real daemon words them.

mod archive;
mod containers;
mod described;
mod exec;
mod images;
mod mounts;
mod networks;
mod pausing;
mod streams;

pub(super) use containers::{Container, end};
pub(super) use images::full_name;

use super::cluster::Cluster;
use super::context::SimContext;
use super::serve::{self, Reply, Request};
use flinklab_base::clock;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::{broadcast, watch};

/// One simulated computer with a Docker engine and the clusters in it.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) context: Arc<SimContext>,
    engine: Mutex<Engine>,
    clusters: Mutex<BTreeMap<String, Arc<Cluster>>>,
    /// Beats with everything that containers do.
    pulse: watch::Sender<u64>,
    events: broadcast::Sender<Value>,
}

/// What the daemon knows.
#[derive(Debug, Default)]
pub(super) struct Engine {
    networks: Vec<networks::Network>,
    images: BTreeMap<String, images::Image>,
    pub(super) containers: BTreeMap<String, Container>,
    execs: BTreeMap<String, exec::Exec>,
    /// Names of containers that are being made.
    ordered: BTreeMap<String, String>,
    addresses: u8,
}

/// A daemon's refusal: a status and its sentence.
#[derive(Debug)]
struct Refused(u16, String);

type Answer = Result<Reply, Refused>;

fn refused<T>(status: u16, message: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(status, message.into()))
}

fn no_container(name: &str) -> Refused {
    Refused(404, format!("No such container: {name}"))
}

impl Machine {
    pub(super) fn new(context: Arc<SimContext>, images: Images) -> Arc<Self> {
        let mut engine = Engine {
            networks: networks::predefined(),
            ..Engine::default()
        };
        if images == Images::Present {
            for name in images::known(context.labs()) {
                engine
                    .images
                    .insert(name.clone(), images::made(&context, &name));
            }
        }
        Arc::new(Self {
            context,
            engine: Mutex::new(engine),
            clusters: Mutex::default(),
            pulse: watch::channel(0).0,
            events: broadcast::channel(256).0,
        })
    }

    pub(super) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().expect("no panic while the lock is held")
    }

    pub(super) fn clusters(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Cluster>>> {
        self.clusters
            .lock()
            .expect("no panic while the lock is held")
    }

    fn beat(&self) {
        self.pulse.send_modify(|pulse| *pulse += 1);
    }

    pub(super) fn forget_image(&self, name: &str) {
        self.engine().images.remove(name);
    }

    /// The container of that name or id, or of an id that begins so.
    fn find(&self, name: &str) -> Result<String, Refused> {
        let engine = self.engine();
        let found = engine.containers.values().find(|own| {
            own.id == name || own.name == name || (name.len() >= 8 && own.id.starts_with(name))
        });
        found
            .map(|own| own.id.clone())
            .ok_or_else(|| no_container(name))
    }

    fn tell(&self, action: &str, container: &Container) {
        let now = clock::now();
        let mut attributes = container.labels();
        attributes["name"] = json!(container.name);
        attributes["image"] = container.body["Image"].clone();
        let _ = self
            .events
            .send(json!({"status": action, "id": container.id,
            "from": container.body["Image"], "Type": "container", "Action": action,
            "Actor": {"ID": container.id, "Attributes": attributes}, "scope": "local",
            "time": now.as_second(), "timeNano": now.as_nanosecond() as i64}));
    }
}

/// Whether the engine has the lab's images from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Images {
    /// As after an earlier pull.
    Present,
    /// They are pulled, which a simulated registry allows.
    Absent,
}

/// Answers one request.
pub(super) async fn answer(machine: Arc<Machine>, request: Request) -> Reply {
    let path = request.uri().path().to_owned();
    let path = without_version(&path).to_owned();
    machine
        .context
        .counters
        .count("docker", request.method().as_str(), &path);
    let mut reply = match route(&machine, &path, request).await {
        Ok(reply) => reply,
        Err(Refused(status, message)) => serve::json(status, &json!({"message": message})),
    };
    let headers = reply.headers_mut();
    headers.insert("Api-Version", http::HeaderValue::from_static(API));
    headers.insert(
        "Server",
        http::HeaderValue::from_static("Docker/28.0.4 (linux)"),
    );
    headers.insert("Ostype", http::HeaderValue::from_static("linux"));
    reply
}

const API: &str = "1.48";

fn without_version(path: &str) -> &str {
    let rest = path
        .strip_prefix("/v1.")
        .and_then(|rest| rest.split_once('/'));
    match rest {
        Some((version, _)) if version.bytes().all(|byte| byte.is_ascii_digit()) => {
            &path[4 + version.len()..]
        }
        _ => path,
    }
}

async fn route(machine: &Arc<Machine>, path: &str, request: Request) -> Answer {
    let method = request.method().clone();
    if let Some(name) = path
        .strip_prefix("/distribution/")
        .and_then(|rest| rest.strip_suffix("/json"))
    {
        images::logged_in(machine, request.headers())?;
        return images::distribution(machine, &serve::decode(name));
    }
    if let Some(rest) = path.strip_prefix("/images/") {
        return images::route(machine, &method, rest, request).await;
    }
    let steps: Vec<String> = path
        .trim_matches('/')
        .split('/')
        .map(serve::decode)
        .collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    match (&method, steps.as_slice()) {
        (&Method::GET | &Method::HEAD, ["_ping"]) => {
            Ok(serve::reply(200, "text/plain; charset=utf-8", "OK"))
        }
        (&Method::GET, ["version"]) => Ok(serve::json(200, &version())),
        (&Method::GET, ["info"]) => Ok(serve::json(200, &info(machine))),
        (&Method::GET, ["events"]) => streams::events(machine, &request),
        (_, ["networks", rest @ ..]) => networks::route(machine, rest, request).await,
        (_, ["containers", id, "archive"]) => archive::route(machine, id, request).await,
        (&Method::POST, ["containers", id, "exec"]) => exec::create(machine, id, request).await,
        (_, ["exec", id, what]) => exec::route(machine, id, what, request).await,
        (_, ["containers", rest @ ..]) => containers::route(machine, rest, request).await,
        _ => refused(404, "page not found"),
    }
}

fn version() -> Value {
    json!({"Platform": {"Name": "flinklab simulated engine"}, "Version": "28.0.4",
        "ApiVersion": API, "MinAPIVersion": "1.24", "GitCommit": "simulated",
        "GoVersion": "go1.23.7", "Os": "linux", "Arch": architecture(),
        "KernelVersion": "6.8.0-simulated", "BuildTime": "2026-01-01T00:00:00.000000000+00:00",
        "Components": [{"Name": "Engine", "Version": "28.0.4", "Details": {}}]})
}

fn info(machine: &Machine) -> Value {
    let engine = machine.engine();
    let running = engine.containers.values().filter(|own| own.runs()).count();
    json!({"ID": "flinklab-simulated", "Containers": engine.containers.len(),
        "ContainersRunning": running, "ContainersPaused": 0,
        "ContainersStopped": engine.containers.len() - running, "Images": engine.images.len(),
        "Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"],
            ["Supports d_type", "true"]],
        "CgroupDriver": "systemd", "CgroupVersion": "2", "NCPU": 2, "SystemTime": flinklab_base::clock::now().to_string(), "MemTotal": 25_276_502_016_u64,
        "MemoryLimit": true, "PidsLimit": true, "CPUShares": true, "OSType": "linux",
        "OperatingSystem": "flinklab simulated machine",
        "Architecture": if architecture() == "arm64" { "aarch64" } else { "x86_64" },
        "KernelVersion": "6.8.0-simulated", "Name": "simulated", "ServerVersion": "28.0.4",
        "DockerRootDir": "/var/lib/docker", "SecurityOptions": ["name=seccomp,profile=builtin",
            "name=cgroupns"], "Warnings": null})
}

fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    }
}

/// Reads a JSON body; an empty one is null.
async fn body_json(request: Request) -> Result<Value, Refused> {
    let bytes = serve::body(request).await;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&bytes).or_else(|why| refused(400, format!("invalid JSON: {why}")))
}

/// `filters` of a query: name to values, in both shapes that clients send.
fn filters(query: &BTreeMap<String, String>) -> BTreeMap<String, Vec<String>> {
    let text = query.get("filters").map_or("{}", String::as_str);
    let parsed: BTreeMap<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let values = |value: Value| match value {
        Value::Array(list) => list
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        Value::Object(map) => map.keys().cloned().collect(),
        _ => Vec::new(),
    };
    parsed
        .into_iter()
        .map(|(name, value)| (name, values(value)))
        .collect()
}
