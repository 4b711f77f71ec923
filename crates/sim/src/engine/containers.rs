//! Containers of the simulated engine: created, started, stopped, removed. A node container boots a node; any other runs its one command and ends.

use super::{
    Answer, Machine, Refused, body_json, filters, images, no_container, pausing, refused, streams,
};
use crate::node;
use crate::node::Terminal;
use crate::serve;
use crate::serve::Request;
use flinklab_base::clock;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A container.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    /// What it was created with.
    pub(crate) body: Value,
    pub(crate) image_id: String,
    pub(crate) state: State,
    pub(crate) started: Option<Timestamp>,
    pub(crate) address: String,
    /// Files that differ from nothing: the image's, and those written since.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) folders: BTreeSet<String>,
    pub(crate) log: Vec<(Timestamp, String)>,
    /// Its processes stand still.
    pub(crate) paused: bool,
    /// Its systemd is not up yet.
    pub(crate) boots: bool,
    /// A command entered it while it booted, which in life may keep it from booting.
    pub(crate) entered_early: bool,
    /// Cancelled when it stops.
    pub(crate) over: CancellationToken,
    pub(super) volume: String,
}

/// Whether it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    Running,
    Exited { code: i64, at: Timestamp },
}

pub(super) async fn route(machine: &Arc<Machine>, rest: &[&str], request: Request) -> Answer {
    let query = serve::query(&request);
    match (request.method().clone(), rest) {
        (Method::GET, ["json"]) => Ok(list(machine, &query)),
        (Method::POST, ["create"]) => create(machine, &query, body_json(request).await?).await,
        (Method::GET, [name, "json"]) => {
            let id = machine.find(name)?;
            let engine = machine.engine();
            let found = engine
                .containers
                .get(&id)
                .ok_or_else(|| no_container(name))?;
            Ok(serve::json(200, &found.inspect()))
        }
        (Method::GET, [name, "logs"]) => streams::logs(machine, &machine.find(name)?, &query),
        (Method::POST, [name, "start"]) => start(machine, &machine.find(name)?).await,
        (Method::POST, [name, "stop"]) => {
            let id = machine.find(name)?;
            machine.context.pace.sleep(2.0).await;
            Ok(serve::empty(if end(machine, &id, 130) { 204 } else { 304 }))
        }
        (Method::POST, [name, "kill"]) => {
            let id = machine.find(name)?;
            if end(machine, &id, 137) {
                return Ok(serve::empty(204));
            }
            refused(
                409,
                format!("Cannot kill container: {name}: Container {id} is not running"),
            )
        }
        (Method::POST, [name, "pause"]) => pausing::pause(machine, &machine.find(name)?),
        (Method::POST, [name, "unpause"]) => pausing::unpause(machine, &machine.find(name)?),
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
                    let bare = name
                        .trim_start_matches('^')
                        .trim_start_matches('/')
                        .trim_end_matches('$');
                    if name.starts_with('^') {
                        own.name == bare
                    } else {
                        own.name.contains(bare)
                    }
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

async fn create(
    machine: &Arc<Machine>,
    query: &BTreeMap<String, String>,
    mut body: Value,
) -> Answer {
    let image = body["Image"].as_str().unwrap_or_default().to_owned();
    let Some((_, found)) = images::find(machine, &image) else {
        let full = if image.contains(':') {
            image
        } else {
            format!("{image}:latest")
        };
        return refused(404, format!("No such image: {full}"));
    };
    let id = machine.context.dice.hex(64);
    let named = query.get("name").filter(|name| !name.is_empty()).cloned();
    let name = named.unwrap_or_else(|| format!("simulated_{}", &id[..8]));
    let ordered = machine.engine().ordered.get(&name).cloned();
    if let Some(other) = machine.find(&name).ok().or(ordered) {
        return refused(
            409,
            format!(
                "Conflict. The container name \"/{name}\" is already in use by container \"{other}\". You have to remove (or rename) that container to be able to reuse that name."
            ),
        );
    }
    if !body["HostConfig"].is_object() {
        body["HostConfig"] = json!({});
    }
    let folders = [
        "/",
        "/kind",
        "/kind/manifests",
        "/etc",
        "/etc/kubernetes",
        "/root",
        "/tmp",
        "/run",
        "/var",
    ];
    let container = Container {
        id: id.clone(),
        name,
        created: clock::now(),
        image_id: found.id,
        state: State::Created,
        started: None,
        address: String::new(),
        files: found.files,
        folders: folders.into_iter().map(str::to_owned).collect(),
        log: Vec::new(),
        paused: false,
        boots: false,
        entered_early: false,
        over: CancellationToken::new(),
        volume: machine.context.dice.hex(64),
        body,
    };
    // The image's /var is copied first. Who ordered it may go away meanwhile; it is made all the same.
    let copies = container.label(node::CLUSTER).is_some();
    let name = container.name.clone();
    machine.engine().ordered.insert(name.clone(), id.clone());
    let machine = machine.clone();
    let answer = json!({"Id": id, "Warnings": []});
    let making = tokio::spawn(async move {
        if copies {
            machine.context.pace.sleep(1.5).await;
        }
        machine.tell("create", &container);
        let mut engine = machine.engine();
        engine.ordered.remove(&name);
        engine.containers.insert(container.id.clone(), container);
    });
    match making.await {
        Ok(()) => Ok(serve::json(201, &answer)),
        Err(_) => refused(500, "the engine ends"),
    }
}

async fn start(machine: &Arc<Machine>, id: &str) -> Answer {
    let (published, name, is_node) = {
        let engine = machine.engine();
        let own = engine.containers.get(id).ok_or_else(|| no_container(id))?;
        if own.runs() {
            return Ok(serve::empty(304));
        }
        let is_node = own.label(node::CLUSTER).is_some()
            && own.body["Cmd"].as_array().is_none_or(Vec::is_empty);
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
        let own = engine
            .containers
            .get_mut(id)
            .ok_or_else(|| no_container(id))?;
        own.state = State::Running;
        own.boots = is_node;
        own.started = Some(clock::now());
        own.address = address;
        own.over = machine.context.stop.child_token();
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
        let Some(own) = engine.containers.get(&id) else {
            return;
        };
        let words = |list: &Value| -> Vec<String> {
            let list = list.as_array().into_iter().flatten();
            list.filter_map(|word| word.as_str().map(str::to_owned))
                .collect()
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
        own.log
            .extend(said.lines().map(|line| (clock::now(), line.to_owned())));
    }
    end(&machine, &id, code);
}

/// Ends a container that runs; whether it did.
pub(crate) fn end(machine: &Arc<Machine>, id: &str, code: i64) -> bool {
    let ended = {
        let mut engine = machine.engine();
        match engine.containers.get_mut(id) {
            Some(own) if own.runs() => {
                own.state = State::Exited {
                    code,
                    at: clock::now(),
                };
                own.paused = false;
                own.over.cancel();
                machine.tell("die", own);
                Some((
                    own.name.clone(),
                    own.label(node::CLUSTER).map(str::to_owned),
                ))
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
    if machine
        .engine()
        .containers
        .get(id)
        .is_some_and(Container::runs)
    {
        if !serve::flag(query, "force") {
            return refused(
                409,
                format!(
                    "cannot remove container \"{id}\": container is running: stop the container before removing or force remove"
                ),
            );
        }
        machine.context.pace.sleep(1.0).await;
        end(machine, id, 137);
    }
    let gone = machine.engine().containers.remove(id);
    let Some(gone) = gone else {
        return Err(no_container(id));
    };
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

impl Machine {
    /// Adds lines to a container's log.
    pub(crate) fn log(&self, id: &str, lines: &[&str]) {
        if let Some(own) = self.engine().containers.get_mut(id) {
            own.log
                .extend(lines.iter().map(|line| (clock::now(), (*line).to_owned())));
        }
        self.beat();
    }
}
