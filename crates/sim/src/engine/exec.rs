//! Exec in a container: create, start with an upgraded connection that carries Docker's frames,
//! inspect. The process goes on when its connection is gone, as in life.

use super::{Answer, Machine, body_json, refused};
use crate::context::Trouble;
use crate::node;
use crate::node::Terminal;
use crate::serve;
use crate::serve::Request;
use axum::body::Body;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, UPGRADE};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Execs that are remembered.
const KEPT: usize = 2000;

/// One exec.
#[derive(Debug, Clone)]
pub(super) struct Exec {
    container: String,
    argv: Vec<String>,
    stdin: bool,
    started: bool,
    exit: Option<i64>,
    n: usize,
}

pub(super) async fn create(machine: &Arc<Machine>, name: &str, request: Request) -> Answer {
    let container = machine.find(name)?;
    let body = body_json(request).await?;
    let mut engine = machine.engine();
    if !engine
        .containers
        .get(&container)
        .is_some_and(super::Container::runs)
    {
        return refused(409, format!("Container {container} is not running"));
    }
    let paused = engine
        .containers
        .get(&container)
        .is_some_and(|own| own.paused);
    if paused || machine.context.trouble() == Some(Trouble::NodeIsPaused) {
        return refused(
            409,
            format!("Container {container} is paused, unpause the container before exec"),
        );
    }
    if let Some(own) = engine.containers.get_mut(&container) {
        own.entered_early |= own.boots;
    }
    let argv: Vec<String> = body["Cmd"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect();
    if argv.is_empty() {
        return refused(400, "No exec command specified");
    }
    let id = machine.context.dice.hex(64);
    let n = engine.execs.len();
    if engine.execs.len() > KEPT {
        let oldest = engine
            .execs
            .iter()
            .min_by_key(|(_, exec)| exec.n)
            .map(|(id, _)| id.clone());
        if let Some(oldest) = oldest {
            engine.execs.remove(&oldest);
        }
    }
    let stdin = body["AttachStdin"] == true;
    engine.execs.insert(
        id.clone(),
        Exec {
            container,
            argv,
            stdin,
            started: false,
            exit: None,
            n,
        },
    );
    Ok(serve::json(201, &json!({"Id": id})))
}

pub(super) async fn route(
    machine: &Arc<Machine>,
    id: &str,
    what: &str,
    mut request: Request,
) -> Answer {
    let found = machine.engine().execs.get(id).cloned();
    let Some(exec) = found else {
        return refused(404, format!("No such exec instance: {id}"));
    };
    match what {
        "json" => Ok(serve::json(
            200,
            &json!({"ID": id, "Running": exec.started && exec.exit.is_none(),
            "ExitCode": exec.exit, "ProcessConfig": {"tty": false, "privileged": true,
                "entrypoint": exec.argv.first(), "arguments": exec.argv.get(1..)},
            "OpenStdin": exec.stdin, "OpenStdout": true, "OpenStderr": true,
            "ContainerID": exec.container, "Pid": 4000 + exec.n, "CanRemove": false}),
        )),
        "resize" => Ok(serve::empty(200)),
        "start" if exec.started => {
            refused(409, format!("Error: Exec command {id} is already running"))
        }
        "start" => {
            if let Some(exec) = machine.engine().execs.get_mut(id) {
                exec.started = true;
            }
            let upgrade = request.headers().contains_key(UPGRADE);
            let on = upgrade.then(|| hyper::upgrade::on(&mut request));
            let body = body_json(request).await?;
            let (machine, id) = (machine.clone(), id.to_owned());
            if body["Detach"] == true {
                tokio::spawn(async move {
                    run(&machine, &id, exec, tokio::io::empty(), tokio::io::sink()).await;
                });
                return Ok(serve::empty(200));
            }
            let Some(on) = on else {
                let (near, far) = tokio::io::duplex(64 * 1024);
                tokio::spawn(async move {
                    run(&machine, &id, exec, tokio::io::empty(), near).await;
                });
                let stream = tokio_util::io::ReaderStream::new(far);
                let body = Body::from_stream(stream);
                return Ok(serve::reply(200, "application/vnd.docker.raw-stream", body));
            };
            tokio::spawn(async move {
                let Ok(upgraded) = on.await else { return };
                let (from, to) = tokio::io::split(TokioIo::new(upgraded));
                run(&machine, &id, exec, from, to).await;
            });
            let mut reply = serve::empty(101);
            let headers = reply.headers_mut();
            headers.insert(UPGRADE, HeaderValue::from_static("tcp"));
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/vnd.docker.raw-stream"),
            );
            Ok(reply)
        }
        _ => refused(404, "page not found"),
    }
}

impl Machine {
    /// Whether a command of that program still runs in a container. Who asked for it may be gone.
    pub(crate) fn is_running(&self, container: &str, program: &str) -> bool {
        self.engine().execs.values().any(|exec| {
            exec.container == container
                && exec.started
                && exec.exit.is_none()
                && exec.argv.first().is_some_and(|first| first == program)
        })
    }
}

/// Runs the command; what it writes goes out in frames as it comes.
async fn run(
    machine: &Arc<Machine>,
    id: &str,
    exec: Exec,
    mut from: impl AsyncRead + Unpin + Send,
    mut to: impl AsyncWrite + Unpin + Send,
) {
    let (terminal, mut said) = Terminal::new();
    let stdin = async {
        let mut input = Vec::new();
        if exec.stdin {
            // To the end: what commands here read, they read whole.
            let _ = from.read_to_end(&mut input).await;
        }
        input
    };
    let command = async {
        let input = stdin.await;
        let code = tokio::select! {
            () = machine.context.stop.cancelled() => 137,
            code = node::run(machine, &exec.container, &exec.argv, input, &terminal) => code,
        };
        drop(terminal);
        code
    };
    let speak = async {
        while let Some((stream, bytes)) = said.recv().await {
            let mut frame = vec![stream, 0, 0, 0];
            frame.extend((bytes.len() as u32).to_be_bytes());
            frame.extend(&bytes);
            // A client that went away does not end the command.
            let _ = to.write_all(&frame).await;
            let _ = to.flush().await;
        }
    };
    let (code, ()) = futures::join!(command, speak);
    if let Some(exec) = machine.engine().execs.get_mut(id) {
        exec.exit = Some(code);
    }
    let _ = to.shutdown().await;
}
