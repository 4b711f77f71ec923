//! A small API server with a Flink behind its pod proxy: text over TCP, so that it can be slow, cut
//! off or silent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::{JoinHandle, JoinSet};

const MAPS: &str = include_str!("../../fixtures/flink-2.2.1/configmaps.json");
const JOBS: &str = include_str!("../../fixtures/flink-2.2.1/jobs_overview.json");
const CHECKPOINTS: &str = include_str!("../../fixtures/flink-2.2.1/checkpoints.json");

/// What the server says, and what it was asked.
pub(super) struct Says {
    pub(super) lists: Mutex<BTreeMap<&'static str, serde_json::Value>>,
    pub(super) news: broadcast::Sender<(&'static str, String)>,
    pub(super) asked: Mutex<Vec<String>>,
    /// Questions under way and the most there were at once, by path.
    pub(super) open: Mutex<BTreeMap<String, (u32, u32)>>,
    /// Paths that are never answered.
    pub(super) hangs: Mutex<Vec<&'static str>>,
    pub(super) log: Mutex<String>,
    /// Nothing more is said, as by a machine that was frozen; connections stay.
    pub(super) silent: tokio::sync::watch::Sender<bool>,
}

impl Says {
    pub(super) fn new() -> Arc<Self> {
        let mut maps: serde_json::Value =
            serde_json::from_str(&MAPS.replace("\"lab-", "\"flinklab-")).unwrap();
        maps["metadata"] = serde_json::json!({"resourceVersion": "7"});
        let pod = |name: &str, role: &str| {
            serde_json::json!({
                "metadata": {"name": name, "uid": format!("uid-{name}"), "namespace": "flink",
                    "labels": {"component": role, "pod-template-hash": "1a"},
                    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": true,
                        "name": format!("flink-{role}-1a"), "uid": "r"}]},
                "status": {"phase": "Running", "podIP": "10.244.0.11", "containerStatuses": [{
                    "name": role, "ready": true, "restartCount": 0, "image": "", "imageID": "",
                    "containerID": format!("containerd://{name}"), "state": {"running": {}}}]}
            })
        };
        let list = |kind: &str, items: Vec<serde_json::Value>| serde_json::json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": items});
        let lists = BTreeMap::from([
            ("configmaps", maps),
            (
                "pods",
                list(
                    "PodList",
                    vec![pod("jm", "jobmanager"), pod("tm", "taskmanager")],
                ),
            ),
            ("events", list("EventList", Vec::new())),
        ]);
        Arc::new(Self {
            lists: Mutex::new(lists),
            news: broadcast::channel(64).0,
            asked: Mutex::default(),
            open: Mutex::default(),
            hangs: Mutex::default(),
            log: Mutex::default(),
            silent: tokio::sync::watch::Sender::new(false),
        })
    }

    /// More in every log; whoever follows gets it, whoever asks gets the newest.
    pub(super) fn printed(&self, text: &str) {
        const KEPT: usize = 200_000;
        let mut log = self.log.lock().unwrap();
        log.push_str(text);
        if log.len() > KEPT {
            let cut = log.len() - KEPT / 2;
            let cut = log[cut..].find('\n').map_or(cut, |end| cut + end + 1);
            log.drain(..cut);
        }
        let _ = self.news.send(("log", text.to_owned()));
    }

    pub(super) fn asked_of(&self, what: impl Fn(&str) -> bool) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|path| what(path))
            .count()
    }
}

/// Aborting it cuts every connection.
pub(super) fn serve(says: Arc<Says>, listener: TcpListener) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut all = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            all.spawn(answer(says.clone(), stream));
        }
    })
}

async fn answer(says: Arc<Says>, mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    says.asked.lock().unwrap().push(path.clone());
    let short = path
        .rsplit_once("proxy/")
        .map_or(path.clone(), |(_, rest)| rest.to_owned());
    {
        let mut open = says.open.lock().unwrap();
        let (now, most) = open.entry(short.clone()).or_default();
        *now += 1;
        *most = (*most).max(*now);
    }
    let _ = says.silent.subscribe().wait_for(|silent| !silent).await;
    respond(&says, &path, &short, &mut stream).await;
    says.open.lock().unwrap().get_mut(&short).unwrap().0 -= 1;
}

async fn respond(says: &Says, path: &str, short: &str, stream: &mut TcpStream) {
    let hangs = says
        .hangs
        .lock()
        .unwrap()
        .iter()
        .any(|end| short.ends_with(end));
    if hangs {
        // Until the other side goes away.
        let _ = stream.read_u8().await;
        return;
    }
    let resource = ["configmaps", "pods", "events"]
        .into_iter()
        .find(|resource| path.split('?').next().unwrap().ends_with(resource));
    if let (Some(resource), true) = (resource, path.contains("watch=true")) {
        let mut news = says.news.subscribe();
        let _ = stream
            .write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n",
            )
            .await;
        while let Ok((about, line)) = news.recv().await {
            if about == resource
                && stream
                    .write_all(format!("{line}\n").as_bytes())
                    .await
                    .is_err()
            {
                return;
            }
        }
        return;
    }
    let (body, stays) = match resource {
        Some(resource) => (says.lists.lock().unwrap()[resource].to_string(), false),
        None if path.contains("/log?") => (
            says.log.lock().unwrap().clone(),
            path.contains("follow=true"),
        ),
        None if path.ends_with("jobs/overview") => (JOBS.to_owned(), false),
        None if path.ends_with("checkpoints") => (CHECKPOINTS.to_owned(), false),
        None if path.ends_with("config") => (r#"{"interval":2000}"#.to_owned(), false),
        None => (r#"{"taskmanagers":[]}"#.to_owned(), false),
    };
    let _ = stream
        .write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n",
        )
        .await;
    let mut news = says.news.subscribe();
    let _ = stream.write_all(body.as_bytes()).await;
    if !stays {
        return;
    }
    loop {
        tokio::select! {
            gone = stream.read_u8() => if gone.is_err() { return },
            line = news.recv() => match line {
                Ok(("log", text)) if stream.write_all(text.as_bytes()).await.is_err() => return,
                Ok(_) => {}
                Err(_) => return,
            },
        }
    }
}
