//! Docker's archive calls: files in and out of a container as tar. As in life, what is put on a
//! tmpfs mount is taken without a word and is not there.

use super::{Answer, Machine, refused};
use crate::node;
use crate::serve;
use crate::serve::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method};
use serde_json::json;
use std::io::Read;
use std::sync::Arc;

const STAT: &str = "X-Docker-Container-Path-Stat";
/// Mounted as tmpfs in a node.
const TMPFS: &[&str] = &["/tmp", "/run"];

pub(super) async fn route(machine: &Arc<Machine>, name: &str, request: Request) -> Answer {
    let id = machine.find(name)?;
    let path = serve::query(&request)
        .get("path")
        .cloned()
        .unwrap_or_default();
    let missing = || {
        refused(
            404,
            format!("Could not find the file {path} in container {name}"),
        )
    };
    match *request.method() {
        Method::GET | Method::HEAD => {
            let Some(file) = node::read(machine, &id, &path) else {
                return missing();
            };
            let base = path.rsplit('/').next().unwrap_or_default().to_owned();
            let stat = json!({"name": base, "size": file.len(), "mode": 420,
                "mtime": "2026-01-01T00:00:00Z", "linkTarget": ""});
            let body = match *request.method() {
                Method::HEAD => Vec::new(),
                _ => one(&base, &file),
            };
            let mut reply = serve::reply(200, "application/x-tar", body);
            if let Ok(value) = HeaderValue::from_str(&STANDARD.encode(stat.to_string())) {
                reply.headers_mut().insert(STAT, value);
            }
            Ok(reply)
        }
        Method::PUT => {
            if !node::is_folder(machine, &id, &path) {
                return missing();
            }
            let bytes = serve::body(request).await;
            let lost = TMPFS.iter().any(|mount| path.starts_with(mount));
            let mut archive = tar::Archive::new(&bytes[..]);
            let Ok(entries) = archive.entries() else {
                return refused(400, "the body is no tar archive");
            };
            for entry in entries {
                let Ok(mut entry) = entry else {
                    return refused(400, "unexpected EOF");
                };
                let Ok(inside) = entry.path().map(|inside| inside.to_path_buf()) else {
                    continue;
                };
                let mut content = Vec::new();
                if entry.read_to_end(&mut content).is_err() {
                    return refused(400, "unexpected EOF");
                }
                let whole = format!("{}/{}", path.trim_end_matches('/'), inside.display());
                if entry.header().entry_type().is_file() && !lost {
                    node::write(machine, &id, &whole, content);
                }
            }
            Ok(serve::empty(200))
        }
        _ => refused(405, "method not allowed"),
    }
}

fn one(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(Vec::new());
    // Into memory: neither step can fail.
    let _ = archive.append_data(&mut header, name, bytes);
    archive.into_inner().unwrap_or_default()
}
