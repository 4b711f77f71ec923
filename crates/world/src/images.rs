//! Images: whether Docker has them, pulling what it lacks, streaming one into the nodes' containerd
//! without a temporary file, and reading a single file out of one. Removes no image.

mod reader;
mod spread;

pub use reader::{forget_readers, read_file_of_image};
pub use spread::{Taken, command, stream_into_all};

use super::docker::{CALL, Docker, LONG, Login, failed, late, status, wants_login, words};
use super::node::Node;
use bollard::query_parameters::CreateImageOptionsBuilder;
use bytes::Bytes;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often a pull is tried, as kind does, with a second more between each.
const PULLS: u64 = 5;
/// How long a pull may stand still.
const STALLED: Duration = Duration::from_secs(300);
/// How long an import may take: a big image on a slow disk.
const IMPORT: Duration = Duration::from_secs(1800);
/// How long a question to the node's container runtime may take while it is busy.
const ASK: Duration = Duration::from_secs(60);
/// An image that Docker has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Docker's id of it.
    pub id: String,
    /// Bytes of its layers, unpacked.
    pub size: u64,
    /// `amd64`, `arm64`…
    pub architecture: String,
}

/// How far a pull or a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes so far.
    pub bytes: u64,
    /// Bytes in all, as far as it is known; it may grow.
    pub of: Option<u64>,
}

/// What is known of it in words: `312 of 736 MB`.
impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mega = |bytes: u64| bytes / 1_000_000;
        match self.of {
            Some(of) => write!(f, "{} of {} MB", mega(self.bytes), mega(of)),
            None => write!(f, "{} MB", mega(self.bytes)),
        }
    }
}

/// Whether an image had to be streamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streamed {
    /// The node had the same image.
    AlreadyThere,
    /// This many bytes went into the node.
    Bytes(u64),
}

/// The image as Docker has it. None: it is not there.
pub async fn find(docker: &Docker, image: &str) -> Result<Option<Image>, Fault> {
    let doing = format!("Looking for the image {image}");
    match tokio::time::timeout(CALL, docker.api().inspect_image(image)).await {
        Ok(Ok(found)) => Ok(Some(Image {
            id: found.id.unwrap_or_default(),
            size: found
                .size
                .and_then(|size| u64::try_from(size).ok())
                .unwrap_or_default(),
            architecture: found.architecture.unwrap_or_default(),
        })),
        Ok(Err(error)) if status(&error) == Some(404) => Ok(None),
        Ok(Err(error)) => Err(failed(&doing, &error)),
        Err(_) => Err(late(&doing, CALL)),
    }
}

/// Docker's id of an image. None: it is not there.
pub async fn id(docker: &Docker, image: &str) -> Result<Option<String>, Fault> {
    Ok(find(docker, image).await?.map(|image| image.id))
}

/// The image as Docker has it; pulled if it is not there.
pub async fn ensure(
    docker: &Docker,
    image: &str,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Image, Fault> {
    if let Some(found) = find(docker, image).await? {
        return Ok(found);
    }
    let login = docker.login(image).await;
    let mut attempt = 1;
    loop {
        match pull(docker, image, &login, &mut progress).await {
            Ok(()) => break,
            Err(why) if attempt == PULLS || is_final(&why) => {
                return Err(no_pull(image, &why, &login));
            }
            Err(why) => {
                tracing::warn!("pulling {image} failed, trying again: {why}");
                clock::sleep(Duration::from_secs(attempt)).await;
                attempt += 1;
            }
        }
    }
    find(docker, image)
        .await?
        .ok_or_else(|| no_pull(image, "it was pulled, yet Docker does not have it", &login))
}

/// Trying again does not help.
fn is_final(why: &str) -> bool {
    [
        "not found",
        "manifest unknown",
        "denied",
        "unauthorized",
        "no basic auth credentials",
        "invalid reference",
        "no matching manifest",
    ]
    .iter()
    .any(|words| why.contains(words))
}

fn no_pull(image: &str, why: &str, login: &Login) -> Fault {
    let fault =
        Fault::unable("image-pull", format!("The image {image} cannot be pulled.")).why(why);
    if why.contains("toomanyrequests") || why.contains("rate limit") {
        fault.hint(advice!(
            "Log in with `docker login`, or wait and run `flinklab up` again."
        ))
    } else if wants_login(why) {
        fault.hint(login.hint())
    } else if why.contains("x509") {
        fault.hint(advice!(
            "Add your proxy's certificate to Docker, then run `flinklab up` again."
        ))
    } else {
        fault.hint(format!(
            "Try `docker pull {image}`, or bring it in with `docker load`."
        ))
    }
}

/// Pulls, telling bytes over all layers. The error is Docker's sentence.
async fn pull(
    docker: &Docker,
    image: &str,
    login: &Login,
    progress: &mut (impl FnMut(Progress) + Send),
) -> Result<(), String> {
    let (name, tag) = split(image);
    let options = CreateImageOptionsBuilder::new()
        .from_image(name)
        .tag(tag)
        .build();
    let credentials = login.credentials.clone();
    let pulled = docker
        .patient()
        .create_image(Some(options), None, credentials);
    let mut lines = Box::pin(pulled);
    let mut layers: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    loop {
        let line = match tokio::time::timeout(STALLED, lines.next()).await {
            Ok(Some(line)) => line.map_err(|error| words(&error))?,
            Ok(None) => return Ok(()),
            Err(_) => return Err(format!("nothing came for {} s", STALLED.as_secs())),
        };
        if let Some(error) = line.error_detail.and_then(|error| error.message) {
            return Err(error);
        }
        let detail = line.progress_detail.unwrap_or_default();
        let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        if let (Some(id), Some(total)) = (line.id, number(detail.total))
            && line.status.as_deref() == Some("Downloading")
        {
            layers.insert(id, (number(detail.current).unwrap_or_default(), total));
            progress(Progress {
                bytes: layers.values().map(|layer| layer.0).sum(),
                of: Some(layers.values().map(|layer| layer.1).sum()),
            });
        }
    }
}

/// Name and tag apart; a digest belongs to the name, and an untagged name means `latest`.
fn split(image: &str) -> (&str, &str) {
    if image.contains('@') {
        return (image, "");
    }
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

/// The name under which containerd keeps an image that Docker calls by a short one.
#[must_use]
pub fn normal(image: &str) -> String {
    let (first, rest) = image.split_once('/').unwrap_or(("", image));
    let host = first.contains(['.', ':']) || first == "localhost";
    let mut full = match (host, first) {
        (true, _) => image.to_owned(),
        (false, "") => format!("docker.io/library/{rest}"),
        (false, _) => format!("docker.io/{image}"),
    };
    let last = full.rsplit('/').next().unwrap_or_default();
    if !last.contains([':', '@']) {
        full.push_str(":latest");
    }
    full
}

/// What this node's `ctr` understands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Import {
    /// containerd 2 imports through its transfer service, which takes twice as long as this.
    local: bool,
    /// The snapshotter that the kubelet's images are unpacked with.
    snapshotter: Option<String>,
}

/// An image on its way out of Docker.
pub struct Export {
    image: String,
    id: String,
    size: u64,
    /// What Docker sends; an error is its sentence.
    pieces: BoxStream<'static, Result<Bytes, String>>,
}

impl Export {
    /// Bytes of its layers, unpacked: about what is sent.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// What Docker sends.
    pub(crate) fn into_pieces(self) -> BoxStream<'static, Result<Bytes, String>> {
        self.pieces
    }
}

/// Has Docker make an image ready and waits for its first bytes; the rest waits in Docker until it
/// is taken. With Docker's classic store that is half of the work and may be done before there is
/// a node: it writes the whole image into its own folder before it sends anything.
pub async fn export(docker: &Docker, image: &str) -> Result<Export, Fault> {
    let found = find(docker, image).await?.ok_or_else(|| {
        Fault::unable(
            "image-missing",
            format!("Docker does not have the image {image}."),
        )
        .hint(advice!(
            "Run `flinklab up` again: it pulls what is missing."
        ))
    })?;
    let doing = format!("Reading the image {image} out of Docker");
    // The stream must own what it reads with: it outlives this call.
    let client = docker.patient().clone();
    let mut rest = client.export_image(image).boxed();
    let first = match tokio::time::timeout(LONG, rest.next()).await {
        Ok(Some(Ok(first))) => first,
        Ok(Some(Err(error))) => return Err(failed(&doing, &error)),
        Ok(None) => Bytes::new(),
        Err(_) => return Err(late(&doing, LONG)),
    };
    Ok(Export {
        image: image.to_owned(),
        id: found.id,
        size: found.size,
        pieces: futures::stream::iter([Ok(first)])
            .chain(rest.map_err(|error| words(&error)))
            .boxed(),
    })
}

/// Streams an image that is on its way into a node, unless the node has the same one.
pub async fn import(
    node: &Node,
    export: Export,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Streamed, Fault> {
    let (known, import) = futures::join!(id_in(node, &export.image), probe(node));
    if known?.as_deref() == Some(export.id.as_str()) {
        return Ok(Streamed::AlreadyThere);
    }
    let import = import?;
    let mut argv = vec!["ctr", "--namespace=k8s.io", "images", "import"];
    if import.local {
        argv.push("--local");
    }
    argv.push("--digests");
    let snapshotter = import
        .snapshotter
        .map(|name| format!("--snapshotter={name}"));
    argv.extend(snapshotter.as_deref());
    argv.push("-");

    let sent = AtomicU64::new(0);
    let pieces = export.pieces.map(|piece| {
        if let Ok(piece) = &piece {
            let length = piece.len() as u64;
            let bytes = sent.fetch_add(length, Ordering::Relaxed) + length;
            progress(Progress {
                bytes,
                of: Some(export.size.max(bytes)),
            });
        }
        piece
    });
    let output = node.exec_feed(&argv, pieces, IMPORT).await?;
    output.expect(&format!("Importing {} into {}", export.image, node.name))?;
    Ok(Streamed::Bytes(sent.into_inner()))
}

/// The id of an image in a node. None: it is not there.
pub async fn id_in(node: &Node, image: &str) -> Result<Option<String>, Fault> {
    let output = node
        .exec(&["crictl", "inspecti", &normal(image)], ASK)
        .await?;
    if output.code != 0 {
        return Ok(None);
    }
    let said: serde_json::Value = match serde_json::from_str(&output.stdout) {
        Ok(said) => said,
        Err(_) => return Ok(None),
    };
    Ok(said
        .pointer("/status/id")
        .and_then(|id| id.as_str())
        .map(str::to_owned))
}

async fn probe(node: &Node) -> Result<Import, Fault> {
    let help = ["ctr", "--namespace=k8s.io", "images", "import", "--help"];
    let config = ["containerd", "config", "dump"];
    let (help, config) = futures::join!(node.exec(&help, ASK), node.exec(&config, ASK));
    Ok(Import {
        local: help?.stdout.contains("--local"),
        snapshotter: snapshotter(&config?.stdout),
    })
}

/// The CRI's snapshotter in a dumped configuration, version 2 to 4. Only this one value is wanted,
/// so lines are read and not all of TOML.
fn snapshotter(config: &str) -> Option<String> {
    let mut wanted = false;
    for line in config.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']').replace('"', "'");
            wanted = table == "plugins.'io.containerd.cri.v1.images'"
                || table == "plugins.'io.containerd.grpc.v1.cri'.containerd";
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        if wanted && key.trim() == "snapshotter" {
            let value = value.trim().trim_matches(['"', '\'']);
            return (!value.is_empty()).then(|| value.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_tags_come_apart() {
        assert_eq!(split("flink:2.2.1"), ("flink", "2.2.1"));
        assert_eq!(split("flink"), ("flink", "latest"));
        assert_eq!(split("host:5000/flink"), ("host:5000/flink", "latest"));
        assert_eq!(split("flink:1@sha256:ab"), ("flink:1@sha256:ab", ""));
    }

    #[test]
    fn short_names_become_those_of_containerd() {
        assert_eq!(normal("flink:2"), "docker.io/library/flink:2");
        assert_eq!(normal("apache/flink"), "docker.io/apache/flink:latest");
        assert_eq!(normal("localhost/a:1"), "localhost/a:1");
        assert_eq!(normal("host:5000/a"), "host:5000/a:latest");
        assert_eq!(normal("a@sha256:ab"), "docker.io/library/a@sha256:ab");
    }

    #[test]
    fn the_snapshotter_is_found_in_every_version() {
        let three = "version = 3\n[plugins]\n  [plugins.'io.containerd.cri.v1.images']\n    \
                     snapshotter = 'overlayfs'\n  [plugins.'x'.y]\n    snapshotter = 'no'\n";
        assert_eq!(snapshotter(three).as_deref(), Some("overlayfs"));
        let two = "[plugins.\"x\"]\nsnapshotter = \"no\"\n\
                   [plugins.\"io.containerd.grpc.v1.cri\".containerd]\nsnapshotter = \"native\"";
        assert_eq!(snapshotter(two).as_deref(), Some("native"));
        assert_eq!(snapshotter(""), None);
    }
}
