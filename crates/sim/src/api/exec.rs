//! Exec into a pod over a WebSocket, protocol v5 or v4: the upgrade by hand, channels as the first
//! byte of each message, a Status at the end; or none, where the container dies under it.

use super::objects::About;
use super::pods::{Which, container_of};
use super::status::Status;
use crate::cluster::{Cluster, Signal};
use crate::serve;
use crate::serve::{Reply, Request};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::header;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::{Message, protocol::Role};

const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
/// v5 only: the other side closes one channel.
const CLOSE: u8 = 255;

/// How a command in a container ends.
enum Outcome {
    Ended {
        stdout: Bytes,
        stderr: String,
        code: i32,
    },
    /// Wants its stdin to the end first.
    Echo,
    /// The container dies under it.
    Cut,
}

pub(super) fn exec(cluster: Arc<Cluster>, about: &About, mut request: Request) -> Reply {
    let id = match container_of(&cluster, about, &serve::query(&request), Which::Running) {
        Ok(id) => id,
        Err(status) => return status.reply(),
    };
    let command: Vec<String> = serve::pairs(request.uri().query().unwrap_or_default())
        .into_iter()
        .filter(|(key, _)| key == "command")
        .map(|(_, value)| value)
        .collect();
    if command.is_empty() {
        return Status::bad_request("you must specify at least 1 command for the container")
            .reply();
    }
    let text = |name: header::HeaderName| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let offered = text(header::SEC_WEBSOCKET_PROTOCOL);
    let chosen = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
        .into_iter()
        .find(|protocol| offered.split(',').any(|offer| offer.trim() == *protocol));
    let accept = derive_accept_key(text(header::SEC_WEBSOCKET_KEY).as_bytes());
    let Some(protocol) = chosen else {
        return Status::bad_request("Upgrade request required").reply();
    };
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        tokio::select! {
            () = cluster.stop.cancelled() => {}
            () = cluster.api_shut() => {}
            () = talk(&cluster, &id, &command, socket) => {}
        }
    });
    let mut reply = serve::empty(101);
    let headers = reply.headers_mut();
    headers.insert(
        header::UPGRADE,
        header::HeaderValue::from_static("websocket"),
    );
    headers.insert(
        header::CONNECTION,
        header::HeaderValue::from_static("Upgrade"),
    );
    headers.insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        header::HeaderValue::from_static(protocol),
    );
    if let Ok(value) = header::HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, value);
    }
    reply
}

async fn talk<S>(cluster: &Arc<Cluster>, id: &str, command: &[String], socket: WebSocketStream<S>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let (mut out, mut from) = socket.split();
    let mut ended = match run(cluster, id, command) {
        Outcome::Cut => {
            // Not even a closing handshake: the socket is dropped as it is.
            cluster.sleep(0.3).await;
            return;
        }
        ended => ended,
    };
    if matches!(ended, Outcome::Echo) {
        let mut stdin = Vec::new();
        while let Some(Ok(message)) = from.next().await {
            match message {
                Message::Binary(bytes) if bytes.first() == Some(&CLOSE) => break,
                Message::Binary(bytes) if bytes.first() == Some(&0) => {
                    stdin.extend_from_slice(&bytes[1..]);
                }
                // On v4 closing stdin closes the socket: what was echoed is lost.
                Message::Close(_) => return,
                _ => {}
            }
        }
        ended = Outcome::Ended {
            stdout: stdin.into(),
            stderr: String::new(),
            code: 0,
        };
    }
    let Outcome::Ended {
        stdout,
        stderr,
        code,
    } = ended
    else {
        return;
    };
    let frame = |channel: u8, bytes: &[u8]| Message::Binary([&[channel], bytes].concat().into());
    for piece in stdout.chunks(32 * 1024) {
        let _ = out.send(frame(STDOUT, piece)).await;
    }
    if !stderr.is_empty() {
        let _ = out.send(frame(STDERR, stderr.as_bytes())).await;
    }
    let _ = out
        .send(frame(STATUS, status(code).to_string().as_bytes()))
        .await;
    let _ = out.close().await;
    // The other side answers the close.
    while let Some(Ok(_)) = from.next().await {}
}

fn status(code: i32) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]}})
}

fn run(cluster: &Arc<Cluster>, id: &str, command: &[String]) -> Outcome {
    let ended = |stdout: String, stderr: &str, code: i32| Outcome::Ended {
        stdout: stdout.into(),
        stderr: stderr.to_owned(),
        code,
    };
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let words: Vec<&str> = match words.as_slice() {
        ["sh" | "/bin/sh" | "bash", "-c", script, ..] => script.split_whitespace().collect(),
        other => other.to_vec(),
    };
    match words.as_slice() {
        ["kill", "1"] => signal(cluster, id, Signal::Term),
        ["kill", how, "1"] => match Signal::parse(how) {
            Some(Signal::Term) => signal(cluster, id, Signal::Term),
            // PID 1 is immune to these from inside its own namespace, and nothing says so.
            Some(_) => ended(String::new(), "", 0),
            None => ended(String::new(), "sh: 1: kill: Illegal option\n", 2),
        },
        ["exit", code] => ended(String::new(), "", code.parse().unwrap_or(2)),
        ["echo", rest @ ..] => ended(format!("{}\n", rest.join(" ")), "", 0),
        ["cat"] => Outcome::Echo,
        ["true"] => ended(String::new(), "", 0),
        other => ended(
            String::new(),
            &format!("sh: 1: {}: not found\n", other.first().unwrap_or(&"")),
            127,
        ),
    }
}

/// The shell has ended before the JVM has; now and then the container is quicker.
fn signal(cluster: &Arc<Cluster>, id: &str, signal: Signal) -> Outcome {
    cluster.hold().signal(id, signal);
    if cluster.context.dice.share() < 0.3 {
        return Outcome::Cut;
    }
    Outcome::Ended {
        stdout: Bytes::new(),
        stderr: String::new(),
        code: 0,
    }
}
