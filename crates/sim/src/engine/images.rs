//! Images of the simulated engine: a name, an id and the few files that anybody reads. Pulling and
//! saving are streams that take their time.

use super::{Answer, Machine, Refused, architecture, refused};
use crate::context::SimContext;
use crate::serve;
use crate::serve::{Reply, Request};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use flinklab_lab::Lab;
use futures::stream;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// How big a saved image is here; a real one is hundreds of times as big.
const PIECE: usize = 64 * 1024;
const PIECES: usize = 24;
/// Seconds that saving takes in life.
const SAVE: f64 = 5.0;

/// An image.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) id: String,
    pub(super) size: u64,
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

/// The images that the labs need: their own, and those of their nodes.
pub(super) fn known<'a>(labs: impl Iterator<Item = &'a Lab>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for lab in labs {
        names.extend(lab.cluster.nodes.iter().map(|node| node.image.clone()));
        names.extend(lab.images.iter().cloned());
        names.push(lab.job.image.clone());
    }
    names.sort();
    names.dedup();
    names
}

pub(super) fn made(context: &SimContext, name: &str) -> Image {
    let mut files = BTreeMap::new();
    let mut nodes = context.labs().flat_map(|lab| &lab.cluster.nodes);
    if nodes.any(|node| node.image == name) {
        for (path, text) in super::super::node::image_files(name) {
            files.insert(path.to_owned(), text.into_bytes());
        }
    } else {
        for lab in context.labs() {
            let jar = b"PK\x03\x04 simulated jar\n".to_vec();
            files.insert(lab.job.jar.clone(), jar);
        }
    }
    Image {
        id: format!("sha256:{}", context.dice.hex(64)),
        size: 727_651_994,
        files,
    }
}

/// The name under which containerd keeps it.
pub(crate) fn full_name(name: &str) -> String {
    let (first, rest) = name.split_once('/').unwrap_or(("", name));
    let mut full = if first.is_empty() {
        format!("docker.io/library/{rest}")
    } else if first.contains(['.', ':']) || first == "localhost" {
        name.to_owned()
    } else {
        format!("docker.io/{name}")
    };
    if !full
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains([':', '@']))
    {
        full.push_str(":latest");
    }
    full
}

pub(super) async fn route(
    machine: &Arc<Machine>,
    method: &Method,
    rest: &str,
    request: Request,
) -> Answer {
    let query = serve::query(&request);
    let rest = serve::decode(rest);
    match (method, rest.as_str()) {
        (&Method::GET, "json") => list(machine),
        (&Method::POST, "create") => {
            logged_in(machine, request.headers())?;
            pull(machine, &query).await
        }
        (&Method::GET, "get") => {
            let name = query.get("names").cloned().unwrap_or_default();
            save(machine, &name)
        }
        (&Method::POST, "load") => {
            let packed = serve::body(request).await;
            load(machine, &packed)
        }
        (&Method::GET, rest) => {
            if let Some(name) = rest.strip_suffix("/json") {
                inspect(machine, name)
            } else if let Some(name) = rest.strip_suffix("/get") {
                save(machine, name)
            } else {
                refused(404, "page not found")
            }
        }
        _ => refused(404, "page not found"),
    }
}

/// By name, with or without `:latest`, or by id.
pub(super) fn find(machine: &Machine, name: &str) -> Option<(String, Image)> {
    let engine = machine.engine();
    let found = engine.images.iter().find(|(known, image)| {
        *known == name || image.id == name || full_name(known) == full_name(name)
    });
    found.map(|(name, image)| (name.clone(), image.clone()))
}

/// Docker's id of an image: the config's, or where it keeps images in containerd the manifest's.
fn shown_id(machine: &Machine, id: &str) -> String {
    if machine.context.keeps_in_containerd() {
        format!("sha256:{}", id.chars().rev().take(64).collect::<String>())
    } else {
        id.to_owned()
    }
}

fn inspect(machine: &Machine, name: &str) -> Answer {
    let Some((name, image)) = find(machine, name) else {
        let full = if name.contains(':') {
            name.to_owned()
        } else {
            format!("{name}:latest")
        };
        return refused(404, format!("No such image: {full}"));
    };
    Ok(serve::json(
        200,
        &json!({"Id": shown_id(machine, &image.id), "RepoTags": [name], "RepoDigests": [],
        "Parent": "", "Comment": "", "Created": "2026-01-01T00:00:00Z", "Author": "",
        "Config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": null, "Entrypoint": null, "Labels": {}},
        "Architecture": architecture(), "Os": "linux", "Size": image.size,
        "VirtualSize": image.size, "GraphDriver": {"Name": "overlay2", "Data": {}},
        "RootFS": {"Type": "layers", "Layers": [image.id]},
        "Metadata": {"LastTagTime": "2026-01-01T00:00:00Z"}}),
    ))
}

/// Whether the registry takes the login that came with a request. A real daemon reads base64url only,
/// and asks the registry without a login where it cannot read one.
pub(super) fn logged_in(machine: &Machine, headers: &http::HeaderMap) -> Result<(), Refused> {
    let Some((name, password)) = machine.context.login() else {
        return Ok(());
    };
    let sent = headers
        .get("X-Registry-Auth")
        .and_then(|value| value.to_str().ok());
    let sent = sent.and_then(|text| URL_SAFE.decode(text).ok());
    let sent: Option<Value> = sent.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match sent {
        Some(sent) if sent["username"] == name && sent["password"] == password => Ok(()),
        Some(sent) if sent["username"].is_string() => {
            refused(500, "unauthorized: authentication required")
        }
        _ => refused(
            500,
            "Head \"https://registry-1.docker.io/v2/\": no basic auth credentials",
        ),
    }
}

/// What the registry knows about an image, without pulling it.
pub(super) fn distribution(machine: &Machine, name: &str) -> Answer {
    let mut all = known(machine.context.labs()).into_iter();
    if !machine.context.has_registry() || !all.any(|one| full_name(&one) == full_name(name)) {
        return refused(
            404,
            format!("manifest for {name} not found: manifest unknown"),
        );
    }
    Ok(serve::json(
        200,
        &json!({"Descriptor": {"mediaType": "application/vnd.oci.image.index.v1+json",
            "digest": format!("sha256:{}", "0".repeat(64)), "size": 1000},
            "Platforms": [{"architecture": architecture(), "os": "linux"}]}),
    ))
}

fn list(machine: &Machine) -> Answer {
    let engine = machine.engine();
    let all: Vec<Value> = engine
        .images
        .iter()
        .map(|(name, image)| {
            json!({"Id": image.id, "ParentId": "", "RepoTags": [name], "RepoDigests": [],
                "Created": 1_767_225_600, "Size": image.size, "SharedSize": -1, "Labels": {},
                "Containers": -1})
        })
        .collect();
    Ok(serve::json(200, &json!(all)))
}

async fn pull(machine: &Arc<Machine>, query: &BTreeMap<String, String>) -> Answer {
    let from = query.get("fromImage").cloned().unwrap_or_default();
    let tag = query.get("tag").cloned().unwrap_or_default();
    let asked = match (
        from.contains('@') || from.rsplit('/').next().is_some_and(|n| n.contains(':')),
        tag.is_empty(),
    ) {
        (true, _) => from.clone(),
        (false, true) => format!("{from}:latest"),
        (false, false) => format!("{from}:{tag}"),
    };
    let named = known(machine.context.labs())
        .into_iter()
        .find(|name| full_name(name) == full_name(&asked));
    let Some(name) = named.filter(|_| machine.context.has_registry()) else {
        return refused(
            404,
            format!("manifest for {asked} not found: manifest unknown: manifest unknown"),
        );
    };
    let line = |value: Value| Ok::<_, io::Error>(Bytes::from(format!("{value}\r\n")));
    let total = 310_000_000_u64;
    let steps = 8_u64;
    let machine = machine.clone();
    let lines = stream::unfold(0, move |step| {
        let (machine, name, tag, from) = (machine.clone(), name.clone(), tag.clone(), from.clone());
        async move {
            let value = match step {
                0 => json!({"status": format!("Pulling from {from}"), "id": tag}),
                step if step <= steps => {
                    machine.context.pace.sleep(2.0).await;
                    json!({"status": "Downloading", "id": "5f0f4c34bf56", "progress": "",
                        "progressDetail": {"current": total * step / steps, "total": total}})
                }
                step if step == steps + 1 => {
                    let image = made(&machine.context, &name);
                    machine.engine().images.insert(name.clone(), image);
                    json!({"status": "Pull complete", "id": "5f0f4c34bf56", "progressDetail": {}})
                }
                step if step == steps + 2 => {
                    json!({"status": format!("Status: Downloaded newer image for {name}")})
                }
                _ => return None,
            };
            Some((line(value), step + 1))
        }
    });
    Ok(streamed("application/json", lines))
}

/// `docker save`: a tar with the names in `manifest.json`, at the pace of a real one.
fn save(machine: &Arc<Machine>, name: &str) -> Answer {
    let Some((name, image)) = find(machine, name) else {
        return refused(404, format!("No such image: {name}"));
    };
    let manifest = json!([{"Config": format!("{}.json", &image.id[7..]), "RepoTags": [name],
        "Layers": ["layer.tar"], "Id": image.id}]);
    let packed = pack(&manifest.to_string());
    let Ok(packed) = packed else {
        return refused(500, "the image cannot be packed");
    };
    let pieces: Vec<Bytes> = Bytes::from(packed)
        .chunks(PIECE)
        .map(Bytes::copy_from_slice)
        .collect();
    let pause = SAVE / pieces.len().max(1) as f64;
    let machine = machine.clone();
    let slow = stream::unfold(pieces.into_iter(), move |mut pieces| {
        let machine = machine.clone();
        async move {
            let piece = pieces.next()?;
            machine.context.pace.sleep(pause).await;
            Some((Ok::<_, io::Error>(piece), pieces))
        }
    });
    Ok(streamed("application/x-tar", slow))
}

/// `docker load`: the images whose names are in `manifest.json`, with the ids that they had.
fn load(machine: &Arc<Machine>, packed: &[u8]) -> Answer {
    let mut tar = tar::Archive::new(packed);
    let manifest = tar.entries().ok().and_then(|mut entries| {
        let found = entries.find_map(|entry| {
            let entry = entry.ok()?;
            (entry.path_bytes().as_ref() == b"manifest.json").then_some(entry)
        })?;
        serde_json::from_reader::<_, Value>(found).ok()
    });
    let Some(manifest) = manifest else {
        return refused(400, "unexpected EOF: the archive has no manifest.json");
    };
    let mut lines = String::new();
    for one in manifest.as_array().into_iter().flatten() {
        let tags = one["RepoTags"].as_array().into_iter().flatten();
        for name in tags.filter_map(Value::as_str) {
            let mut image = made(&machine.context, name);
            image.id = one["Id"].as_str().unwrap_or_default().to_owned();
            machine.engine().images.insert(name.to_owned(), image);
            let line = json!({"stream": format!("Loaded image: {name}\n")});
            lines.push_str(&format!("{line}\r\n"));
        }
    }
    Ok(serve::reply(200, "application/json", lines))
}

fn pack(manifest: &str) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes)
    };
    add("layer.tar", &vec![0; PIECE * PIECES])?;
    add("manifest.json", manifest.as_bytes())?;
    tar.into_inner()
}

pub(super) fn streamed(
    kind: &'static str,
    pieces: impl futures::Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Reply {
    serve::reply(200, kind, Body::from_stream(pieces))
}
