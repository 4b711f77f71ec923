//! Servers on loopback that can be cut off and come back, count their requests, and speak plain
//! HTTP/1.1 with upgrades. What is served is somebody else's.

use axum::body::Body;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(super) type Request = http::Request<Incoming>;
pub(super) type Reply = http::Response<Body>;

/// A body that a client sends may not be larger than this, images aside.
const BODY: usize = 64 * 1024 * 1024;

/// Whether a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    Open,
    /// Connections are taken and dropped at once, as a published port does whose server is away.
    Shut,
}

/// A gate and who waits for it.
#[derive(Debug, Clone)]
pub(super) struct Door(Arc<watch::Sender<Gate>>);

impl Door {
    pub(super) fn new(gate: Gate) -> Self {
        Self(Arc::new(watch::channel(gate).0))
    }

    pub(super) fn set(&self, gate: Gate) {
        self.0.send_replace(gate);
    }

    pub(super) fn is_open(&self) -> bool {
        *self.0.borrow() == Gate::Open
    }

    pub(super) async fn shut(&self) {
        let mut gate = self.0.subscribe();
        let _ = gate.wait_for(|gate| *gate == Gate::Shut).await;
    }
}

/// Requests by face, verb and path: tests prove by it what was never asked.
#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<BTreeMap<(String, String, String), u64>>);

impl Counters {
    pub(super) fn count(&self, face: &str, verb: &str, path: &str) {
        let key = (face.to_owned(), verb.to_owned(), path.to_owned());
        *self
            .0
            .lock()
            .expect("no panic while the lock is held")
            .entry(key)
            .or_default() += 1;
    }

    pub(super) fn all(&self) -> BTreeMap<(String, String, String), u64> {
        self.0
            .lock()
            .expect("no panic while the lock is held")
            .clone()
    }

    pub(super) fn clear(&self) {
        self.0
            .lock()
            .expect("no panic while the lock is held")
            .clear();
    }
}

/// Serves one listener until `stop`; while the door is shut every connection is cut.
pub(super) async fn serve<F, A>(
    listener: TcpListener,
    door: Door,
    stop: CancellationToken,
    answer: F,
) where
    F: Fn(Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Option<Reply>> + Send + 'static,
{
    let next = || async {
        let (socket, _) = listener.accept().await?;
        let _ = socket.set_nodelay(true);
        Ok(socket)
    };
    attend(next, door, stop, answer).await;
}

/// Serves one Unix socket until `stop`.
#[cfg(unix)]
pub(super) async fn serve_unix<F, A>(
    listener: tokio::net::UnixListener,
    door: Door,
    stop: CancellationToken,
    answer: F,
) where
    F: Fn(Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Option<Reply>> + Send + 'static,
{
    let next = || async { listener.accept().await.map(|(socket, _)| socket) };
    attend(next, door, stop, answer).await;
}

async fn attend<S, N, F, A>(next: impl Fn() -> N, door: Door, stop: CancellationToken, answer: F)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    N: Future<Output = io::Result<S>>,
    F: Fn(Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Option<Reply>> + Send + 'static,
{
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = next() => accepted,
        };
        let Ok(socket) = accepted else { continue };
        if !door.is_open() {
            continue;
        }
        tokio::spawn(connection(
            socket,
            door.clone(),
            stop.clone(),
            answer.clone(),
        ));
    }
}

async fn connection<S, F, A>(socket: S, door: Door, stop: CancellationToken, answer: F)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    F: Fn(Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Option<Reply>> + Send + 'static,
{
    let service = service_fn(move |request: Request| {
        let reply = answer(request);
        // No answer: the connection is cut, as by a port behind which nobody listens.
        async move {
            reply
                .await
                .ok_or_else(|| io::Error::other("nobody answers"))
        }
    });
    let http = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::select! {
        () = stop.cancelled() => {}
        () = door.shut() => {}
        _ = http => {}
    }
}

/// The whole body of a request, up to a bound.
pub(super) async fn body(request: Request) -> Bytes {
    axum::body::to_bytes(Body::new(request.into_body()), BODY)
        .await
        .unwrap_or_default()
}

/// A JSON answer.
pub(super) fn json(status: u16, value: &Value) -> Reply {
    reply(status, "application/json", value.to_string())
}

/// An answer with a body of that type.
pub(super) fn reply(status: u16, kind: &'static str, body: impl Into<Body>) -> Reply {
    let mut reply = Reply::new(body.into());
    *reply.status_mut() = http::StatusCode::from_u16(status).expect("the code is written here");
    reply.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static(kind),
    );
    reply
}

/// An answer without a body.
pub(super) fn empty(status: u16) -> Reply {
    let mut reply = Reply::new(Body::empty());
    *reply.status_mut() = http::StatusCode::from_u16(status).expect("the code is written here");
    reply
}

/// Query parameters, decoded. Of a repeated one the last counts.
pub(super) fn query(request: &Request) -> BTreeMap<String, String> {
    pairs(request.uri().query().unwrap_or_default())
        .into_iter()
        .collect()
}

/// Query parameters in their order.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// Percent-decoding; `+` is a blank.
pub(super) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match (
            bytes[at],
            hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()),
        ) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether a parameter is said and true: Docker and Kubernetes both take `1` and `true`.
pub(super) fn flag(query: &BTreeMap<String, String>, name: &str) -> bool {
    query
        .get(name)
        .is_some_and(|value| matches!(value.as_str(), "1" | "true" | "True"))
}
