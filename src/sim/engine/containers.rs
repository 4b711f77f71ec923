//! Containers of the simulated engine: created, started, stopped, removed, described, and their
//! logs. A node container boots a node; any other runs its one command and ends.

use super::{Answer, Machine, Refused, body_json, filters, images, no_container, refused};
use crate::sim::node::{self, Terminal};
use crate::sim::serve::{self, Request};
use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A container.
#[derive(Debug)]
pub(in crate::sim) struct Container {
    pub(in crate::sim) id: String,
    pub(in crate::sim) name: String,
    pub(in crate::sim) created: Timestamp,
    /// What it was created with.
    pub(in crate::sim) body: Value,
    pub(in crate::sim) image_id: String,
    pub(in crate::sim) state: State,
    pub(in crate::sim) started: Option<Timestamp>,
    pub(in crate::sim) address: String,
    /// Files that differ from nothing: the image's, and those written since.
    pub(in crate::sim) files: BTreeMap<String, Vec<u8>>,
    pub(in crate::sim) folders: BTreeSet<String>,
    pub(in crate::sim) log: Vec<(Timestamp, String)>,
    /// Cancelled when it stops.
    pub(in crate::sim) over: CancellationToken,
    volume: String,
}

/// Whether it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum State {
    Created,
    Running,
    Exited { code: i64, at: Timestamp },
}

impl Container {
    pub(in crate::sim) fn runs(&self) -> bool {
        self.state == State::Running
    }

    pub(super) fn labels(&self) -> Value {
        match &self.body["Labels"] {
            Value::Object(labels) => Value::Object(labels.clone()),
            _ => json!({}),
        }
    }

    pub(in crate::sim) fn label(&self, name: &str) -> Option<&str> {
        self.body["Labels"][name].as_str()
    }

    pub(super) fn network(&self) -> &str {
        match self.body["HostConfig"]["NetworkMode"].as_str() {
            Some("" | "default") | None => "bridge",
            Some(name) => name,
        }
    }

    fn status(&self) -> &'static str {
        match self.state {
            State::Created => "created",
            State::Running => "running",
            State::Exited { .. } => "exited",
        }
    }

    fn stamps(&self) -> (String, String) {
        let zero = || "0001-01-01T00:00:00Z".to_owned();
        let finished = match self.state {
            State::Exited { at, .. } => at.to_string(),
            State::Created | State::Running => zero(),
        };
        (self.started.map_or_else(zero, |at| at.to_string()), finished)
    }

    fn mounts(&self) -> Value {
        let mut mounts: Vec<Value> = self
            .binds()
            .into_iter()
            .map(|(source, target)| {
                json!({"Type": "bind", "Source": source, "Destination": target, "Mode": "",
                    "RW": target != "/lib/modules", "Propagation": "rprivate"})
            })
            .collect();
        for volume in self.body["Volumes"].as_object().into_iter().flatten() {
            mounts.push(json!({"Type": "volume", "Name": self.volume, "Destination": volume.0,
                "Source": format!("/var/lib/docker/volumes/{}/_data", self.volume),
                "Driver": "local", "Mode": "", "RW": true, "Propagation": ""}));
        }
        json!(mounts)
    }

    fn inspect(&self) -> Value {
        let (started, finished) = self.stamps();
        let code = match self.state {
            State::Exited { code, .. } => code,
            State::Created | State::Running => 0,
        };
        let ports = if self.runs() { self.body["HostConfig"]["PortBindings"].clone() } else { json!({}) };
        let network = self.network().to_owned();
        let address = if self.runs() { self.address.as_str() } else { "" };
        json!({"Id": self.id, "Created": self.created.to_string(), "Path": "/usr/local/bin/entrypoint",
            "Args": ["/sbin/init"], "Image": self.image_id, "Name": format!("/{}", self.name),
            "RestartCount": 0, "Driver": "overlay2", "Platform": "linux",
            "State": {"Status": self.status(), "Running": self.runs(), "Paused": false,
                "Restarting": false, "OOMKilled": false, "Dead": false,
                "Pid": if self.runs() { 9705 } else { 0 }, "ExitCode": code, "Error": "",
                "StartedAt": started, "FinishedAt": finished},
            "HostConfig": self.body["HostConfig"], "Mounts": self.mounts(),
            "Config": config(&self.body),
            "NetworkSettings": {"Bridge": "", "Ports": ports, "IPAddress": "",
                "Networks": {network: {"Aliases": [&self.id[..12], self.name],
                    "NetworkID": "", "EndpointID": "", "Gateway": "172.18.0.1",
                    "IPAddress": address, "IPPrefixLen": 16, "IPv6Gateway": "",
                    "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "MacAddress": "",
                    "DNSNames": [self.name, &self.id[..12]]}}}})
    }

    fn listed(&self) -> Value {
        let ports: Vec<Value> = self.published().into_iter().map(|(inside, ip, port)| {
            json!({"IP": ip, "PrivatePort": inside, "PublicPort": port, "Type": "tcp"})
        }).collect();
        json!({"Id": self.id, "Names": [format!("/{}", self.name)], "Image": self.body["Image"],
            "ImageID": self.image_id, "Command": "/usr/local/bin/entrypoint /sbin/init",
            "Created": self.created.as_second(), "Ports": if self.runs() { ports } else { vec![] },
            "Labels": self.labels(), "State": self.status(),
            "Status": if self.runs() { "Up 1 minute" } else { self.status() },
            "HostConfig": {"NetworkMode": self.network()}, "Mounts": self.mounts(),
            "NetworkSettings": {"Networks": {self.network(): {"IPAddress": self.address}}}})
    }

    /// Published TCP ports: in the container, address, on the host.
    pub(in crate::sim) fn published(&self) -> Vec<(u16, String, u16)> {
        let bindings = self.body["HostConfig"]["PortBindings"].as_object();
        let mut found = Vec::new();
        for (inside, all) in bindings.into_iter().flatten() {
            let Some(inside) = inside.strip_suffix("/tcp").and_then(|port| port.parse().ok()) else {
                continue;
            };
            for binding in all.as_array().into_iter().flatten() {
                let ip = binding["HostIp"].as_str().filter(|ip| !ip.is_empty()).unwrap_or("0.0.0.0");
                let port = binding["HostPort"].as_str().and_then(|port| port.parse().ok());
                found.push((inside, ip.to_owned(), port.unwrap_or(0)));
            }
        }
        found
    }
}

/// The part of the create body that inspect calls Config.
fn config(body: &Value) -> Value {
    let mut config = body.clone();
    if let Some(map) = config.as_object_mut() {
        map.remove("HostConfig");
        map.remove("NetworkingConfig");
    }
    config
}

pub(super) async fn route(machine: &Arc<Machine>, rest: &[&str], request: Request) -> Answer {
    let query = serve::query(&request);
    match (request.method().clone(), rest) {
        (Method::GET, ["json"]) => Ok(list(machine, &query)),
        (Method::POST, ["create"]) => create(machine, &query, body_json(request).await?),
        (Method::GET, [name, "json"]) => {
            let id = machine.find(name)?;
            let engine = machine.engine();
            let found = engine.containers.get(&id).ok_or_else(|| no_container(name))?;
            Ok(serve::json(200, &found.inspect()))
        }
        (Method::GET, [name, "logs"]) => logs(machine, &machine.find(name)?, &query),
        (Method::POST, [name, "start"]) => start(machine, &machine.find(name)?).await,
        (Method::POST, [name, "stop"]) => {
            let id = machine.find(name)?;
            machine.ground.pace.sleep(2.0).await;
            Ok(serve::empty(if end(machine, &id, 130) { 204 } else { 304 }))
        }
        (Method::POST, [name, "kill"]) => {
            let id = machine.find(name)?;
            if end(machine, &id, 137) {
                return Ok(serve::empty(204));
            }
            refused(409, format!("Cannot kill container: {name}: Container {id} is not running"))
        }
        (Method::POST, [name, "wait"]) => wait(machine, machine.find(name)?).await,
        (Method::DELETE, [name]) => remove(machine, &machine.find(name)?, &query).await,
        _ => refused(404, "page not found"),
    }
}

fn list(machine: &Machine, query: &BTreeMap<String, String>) -> serve::Reply {
    let filters = filters(query);
    let engine = machine.engine();
    let shown: Vec<Value> = engine
        .containers
        .values()
        .filter(|own| serve::flag(query, "all") || own.runs() || filters.contains_key("status"))
        .filter(|own| {
            filters.iter().all(|(what, values)| match what.as_str() {
                // Labels must all be there, of the others one.
                "label" => values.iter().all(|label| match label.split_once('=') {
                    Some((name, value)) => own.label(name) == Some(value),
                    None => own.label(label).is_some(),
                }),
                "name" => values.iter().any(|name| {
                    let bare = name.trim_start_matches('^').trim_start_matches('/').trim_end_matches('$');
                    if name.starts_with('^') { own.name == bare } else { own.name.contains(bare) }
                }),
                "id" => values.iter().any(|id| own.id.starts_with(id.as_str())),
                "status" => values.iter().any(|status| own.status() == status),
                _ => true,
            })
        })
        .map(Container::listed)
        .collect();
    serve::json(200, &json!(shown))
}

fn create(machine: &Arc<Machine>, query: &BTreeMap<String, String>, mut body: Value) -> Answer {
    let image = body["Image"].as_str().unwrap_or_default().to_owned();
    let Some((_, found)) = images::find(machine, &image) else {
        let full = if image.contains(':') { image } else { format!("{image}:latest") };
        return refused(404, format!("No such image: {full}"));
    };
    let id = machine.ground.dice.hex(64);
    let named = query.get("name").filter(|name| !name.is_empty()).cloned();
    let name = named.unwrap_or_else(|| format!("simulated_{}", &id[..8]));
    if let Ok(other) = machine.find(&name) {
        return refused(409, format!("Conflict. The container name \"/{name}\" is already in use by container \"{other}\". You have to remove (or rename) that container to be able to reuse that name."));
    }
    if !body["HostConfig"].is_object() {
        body["HostConfig"] = json!({});
    }
    let folders = ["/", "/kind", "/kind/manifests", "/etc", "/etc/kubernetes", "/root", "/tmp", "/run", "/var"];
    let container = Container {
        id: id.clone(),
        name,
        created: Timestamp::now(),
        image_id: found.id,
        state: State::Created,
        started: None,
        address: String::new(),
        files: found.files,
        folders: folders.into_iter().map(str::to_owned).collect(),
        log: Vec::new(),
        over: CancellationToken::new(),
        volume: machine.ground.dice.hex(64),
        body,
    };
    machine.tell("create", &container);
    machine.engine().containers.insert(id.clone(), container);
    Ok(serve::json(201, &json!({"Id": id, "Warnings": []})))
}

async fn start(machine: &Arc<Machine>, id: &str) -> Answer {
    let (published, name, is_node) = {
        let engine = machine.engine();
        let own = engine.containers.get(id).ok_or_else(|| no_container(id))?;
        if own.runs() {
            return Ok(serve::empty(304));
        }
        let is_node = own.label(node::CLUSTER).is_some() && own.body["Cmd"].as_array().is_none_or(Vec::is_empty);
        (own.published(), own.name.clone(), is_node)
    };
    let mut listeners = Vec::new();
    for (inside, ip, port) in published {
        // A port is free a moment after its last owner let it go.
        let listener = tokio::net::TcpListener::bind((ip.as_str(), port)).await.map_err(|_| {
            Refused(500, format!("driver failed programming external connectivity on endpoint {name} ({id}): Bind for {ip}:{port} failed: port is already allocated"))
        })?;
        let real = listener.local_addr().map_or(port, |address| address.port());
        listeners.push((inside, real, listener));
    }
    let over = {
        let mut engine = machine.engine();
        engine.addresses += 1;
        let address = format!("172.18.0.{}", engine.addresses.wrapping_add(1));
        let own = engine.containers.get_mut(id).ok_or_else(|| no_container(id))?;
        own.state = State::Running;
        own.started = Some(Timestamp::now());
        own.address = address;
        own.over = machine.ground.stop.child_token();
        for (inside, real, _) in &listeners {
            let binding = &mut own.body["HostConfig"]["PortBindings"][format!("{inside}/tcp")][0];
            binding["HostPort"] = json!(real.to_string());
        }
        machine.tell("start", own);
        own.over.clone()
    };
    machine.beat();
    if is_node {
        node::boot(machine, id, listeners, over);
    } else {
        tokio::spawn(one_command(machine.clone(), id.to_owned()));
    }
    Ok(serve::empty(204))
}

/// A container that is no node runs its command and ends with it.
async fn one_command(machine: Arc<Machine>, id: String) {
    let argv: Vec<String> = {
        let engine = machine.engine();
        let Some(own) = engine.containers.get(&id) else { return };
        let words = |list: &Value| -> Vec<String> {
            let list = list.as_array().into_iter().flatten();
            list.filter_map(|word| word.as_str().map(str::to_owned)).collect()
        };
        [words(&own.body["Entrypoint"]), words(&own.body["Cmd"])].concat()
    };
    let (terminal, mut said) = Terminal::new();
    let command = async {
        let code = node::run(&machine, &id, &argv, Vec::new(), &terminal).await;
        drop(terminal);
        code
    };
    let keep = async {
        let mut all = String::new();
        while let Some((_, bytes)) = said.recv().await {
            all.push_str(&String::from_utf8_lossy(&bytes));
        }
        all
    };
    let (code, said) = futures::join!(command, keep);
    if let Some(own) = machine.engine().containers.get_mut(&id) {
        own.log.extend(said.lines().map(|line| (Timestamp::now(), line.to_owned())));
    }
    end(&machine, &id, code);
}

/// Ends a container that runs; whether it did.
fn end(machine: &Arc<Machine>, id: &str, code: i64) -> bool {
    let ended = {
        let mut engine = machine.engine();
        match engine.containers.get_mut(id) {
            Some(own) if own.runs() => {
                own.state = State::Exited { code, at: Timestamp::now() };
                own.over.cancel();
                machine.tell("die", own);
                Some((own.name.clone(), own.label(node::CLUSTER).map(str::to_owned)))
            }
            _ => None,
        }
    };
    machine.beat();
    if let Some((name, Some(cluster))) = &ended
        && let Some(cluster) = machine.clusters().get(cluster)
    {
        cluster.node_down(name);
    }
    ended.is_some()
}

async fn remove(machine: &Arc<Machine>, id: &str, query: &BTreeMap<String, String>) -> Answer {
    if machine.engine().containers.get(id).is_some_and(Container::runs) {
        if !serve::flag(query, "force") {
            return refused(409, format!("cannot remove container \"{id}\": container is running: stop the container before removing or force remove"));
        }
        machine.ground.pace.sleep(1.0).await;
        end(machine, id, 137);
    }
    let gone = machine.engine().containers.remove(id);
    let Some(gone) = gone else { return Err(no_container(id)) };
    machine.tell("destroy", &gone);
    machine.beat();
    if let Some(cluster) = gone.label(node::CLUSTER) {
        node::removed(machine, cluster, &gone.name);
    }
    Ok(serve::empty(204))
}

async fn wait(machine: &Arc<Machine>, id: String) -> Answer {
    let mut pulse = machine.pulse.subscribe();
    loop {
        pulse.mark_unchanged();
        let state = machine.engine().containers.get(&id).map(|own| own.state);
        match state {
            Some(State::Exited { code, .. }) => {
                return Ok(serve::json(200, &json!({"StatusCode": code})));
            }
            None => return Ok(serve::json(200, &json!({"StatusCode": 137}))),
            Some(State::Created | State::Running) => {}
        }
        if pulse.changed().await.is_err() {
            return refused(500, "the engine ends");
        }
    }
}

/// The log: raw where there is a terminal, in frames where there is none.
fn logs(machine: &Arc<Machine>, id: &str, query: &BTreeMap<String, String>) -> Answer {
    let since = query.get("since").and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let tail = query.get("tail").and_then(|text| text.parse::<usize>().ok());
    let follow = serve::flag(query, "follow");
    let (tty, lines) = {
        let engine = machine.engine();
        let own = engine.containers.get(id).ok_or_else(|| no_container(id))?;
        (own.body["Tty"] == true, own.log.len())
    };
    let first = tail.map_or(0, |tail| lines.saturating_sub(tail));
    let state = (machine.clone(), id.to_owned(), machine.pulse.subscribe(), first);
    let pieces = stream::unfold(state, move |(machine, id, mut pulse, mut next)| async move {
        loop {
            pulse.mark_unchanged();
            let (fresh, runs) = {
                let engine = machine.engine();
                let own = engine.containers.get(&id)?;
                let fresh: Vec<(Timestamp, String)> = own.log.iter().skip(next).cloned().collect();
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
                return Some((Ok::<_, io::Error>(Bytes::from(bytes)), (machine, id, pulse, next)));
            }
            if !follow || !runs || pulse.changed().await.is_err() {
                return None;
            }
        }
    });
    Ok(serve::reply(200, "application/vnd.docker.raw-stream", Body::from_stream(pieces)))
}

/// The engine's events from now on.
pub(super) fn events(machine: &Arc<Machine>, request: &Request) -> Answer {
    let filters = filters(&serve::query(request));
    let wanted = move |event: &Value| {
        filters.iter().all(|(what, values)| match what.as_str() {
            "type" => values.iter().any(|kind| event["Type"] == kind.as_str()),
            "event" => values.iter().any(|action| event["Action"] == action.as_str()),
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
    let pieces = stream::unfold((machine.events.subscribe(), wanted), |(mut events, wanted)| async move {
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
    });
    Ok(serve::reply(200, "application/json", Body::from_stream(pieces)))
}

impl Machine {
    /// Adds lines to a container's log.
    pub(in crate::sim) fn log(&self, id: &str, lines: &[&str]) {
        if let Some(own) = self.engine().containers.get_mut(id) {
            own.log.extend(lines.iter().map(|line| (Timestamp::now(), (*line).to_owned())));
        }
        self.beat();
    }
}
