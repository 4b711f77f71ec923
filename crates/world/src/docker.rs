//! The Docker engine: how it is found, whether it is able, and what may be read of it by anybody.
//! What changes a container needs a `Node`; nothing here knows kind's rules or Kubernetes.

mod archive;
mod context;
mod exec;
mod login;
mod proxies;
mod words;

pub(crate) use exec::Feed;
pub use exec::{Output, Stream};
pub(crate) use login::{Login, wants_login};
pub(crate) use proxies::proxies;
pub(crate) use words::{call, failed, late, status, words};

use super::Addresses;
use bollard::errors::Error;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{ListContainersOptionsBuilder, LogsOptionsBuilder};
use flinklab_base::fault::Fault;
use futures::StreamExt;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;
use words::{no_docker, unreachable};

/// How long Docker may take to say that it is there.
const HELLO: Duration = Duration::from_secs(5);
/// How long an ordinary call may take until its answer begins.
pub(crate) const CALL: Duration = Duration::from_secs(30);
/// How long an upload, an export or the copy of a volume may take: a slow disk and a big image.
pub(crate) const LONG: Duration = Duration::from_secs(3600);
/// The lowest engine API: 1.41 came with 20.10 and brought `CgroupnsMode`.
const LOWEST: (u32, u32) = (1, 41);
/// kind's label that names the cluster.
pub const CLUSTER_LABEL: &str = "io.x-k8s.kind.cluster";
/// kind's label that names the role.
pub const ROLE_LABEL: &str = "io.x-k8s.kind.role";

/// A Docker engine that answers and is new enough.
#[derive(Debug, Clone)]
pub struct Docker {
    usual: bollard::Docker,
    patient: bollard::Docker,
    /// Where it is, as a person would name it.
    host: String,
    /// The folder of the client's settings, where logins are.
    client: Option<PathBuf>,
}

/// A node container, as the list of containers shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Docker's id.
    pub id: String,
    /// Its name, which is also the Kubernetes node's.
    pub name: String,
    /// kind's word: `control-plane`, `worker` or `external-load-balancer`.
    pub role: String,
    /// Docker's word: `running`, `exited`, `created`…
    pub state: String,
    /// The image as it was named when the container was made.
    pub image: String,
    /// All labels.
    pub labels: BTreeMap<String, String>,
}

/// What of an engine decides how a node is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// Runs without root.
    pub rootless: bool,
    /// Remaps user ids: nodes must ask for the host's.
    pub remaps_users: bool,
    /// 1 or 2.
    pub cgroup: u8,
    /// Nodes must see the host's device mapper, because Docker's data is on such a filesystem.
    pub device_mapper: bool,
    /// As the engine calls it: `x86_64`, `aarch64`…
    pub architecture: String,
}

/// The engine that a world works with: connected to once. Whoever asks for it gets one that answered
/// just now, or the reason why there is none.
#[derive(Debug, Default)]
pub struct Engine(tokio::sync::Mutex<Option<Docker>>);

impl Engine {
    /// The client that there is, if the engine still answers it; else a new one.
    pub(crate) async fn docker(&self, addresses: &Addresses) -> Result<Docker, Fault> {
        let mut last = self.0.lock().await;
        if let Some(docker) = last.as_ref()
            && let Ok(Ok(_)) = timeout(HELLO, docker.usual.ping()).await
        {
            return Ok(docker.clone());
        }
        *last = None;
        let docker = Docker::connect(addresses).await?;
        Ok(last.insert(docker).clone())
    }
}

impl Docker {
    /// Connects and makes sure that the engine answers and is new enough.
    pub async fn connect(addresses: &Addresses) -> Result<Self, Fault> {
        let host = context::host(addresses)?;
        let client = match bollard::Docker::connect_with_host(&host) {
            Ok(client) => client
                .with_timeout(CALL)
                .with_request_modifier(login::in_url_alphabet),
            Err(Error::UnsupportedURISchemeError { .. }) => {
                return Err(Fault::unable(
                    "docker-unreachable",
                    format!("Docker at {host} cannot be reached from here."),
                )
                .why("only unix:// and tcp:// addresses are supported")
                .hint(
                    "Use a local Docker, or forward its socket and set DOCKER_HOST=unix://… to it.",
                ));
            }
            Err(error) => return Err(unreachable(&host, &error)),
        };
        let version = match timeout(HELLO, client.version()).await {
            Ok(Ok(version)) => version,
            Ok(Err(error)) => return Err(unreachable(&host, &error)),
            Err(_) => return Err(no_docker(&host, "no answer within 5 s")),
        };
        let api = version.api_version.unwrap_or_default();
        if numbers(&api).is_none_or(|found| found < LOWEST) {
            return Err(Fault::unable("docker-too-old", "This Docker is too old.")
                .why(format!(
                    "it speaks API {}, version {}; 1.41 is needed",
                    if api.is_empty() { "unknown" } else { &api },
                    version.version.as_deref().unwrap_or("unknown")
                ))
                .hint("Install Docker 20.10 or newer."));
        }
        let patient = client.clone().with_timeout(LONG);
        Ok(Self {
            usual: client,
            patient,
            host,
            client: addresses.docker_config.clone(),
        })
    }

    /// The client with the usual deadline.
    #[must_use]
    pub fn api(&self) -> &bollard::Docker {
        &self.usual
    }

    /// The client for uploads, exports and whatever copies a lot before it answers.
    #[must_use]
    pub fn patient(&self) -> &bollard::Docker {
        &self.patient
    }

    /// Where the engine is.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What the Docker client knows of the login for an image: the engine itself knows none.
    pub(crate) async fn login(&self, image: &str) -> Login {
        login::of(self.client.as_deref(), image).await
    }

    /// What of the engine decides how a node is made.
    pub async fn daemon(&self) -> Result<Daemon, Fault> {
        let info = call(CALL, "Asking Docker about itself", self.usual.info()).await?;
        if info.os_type.as_deref().is_some_and(|os| os != "linux") {
            return Err(Fault::unable(
                "docker-not-linux",
                "This Docker does not run Linux containers.",
            )
            .hint("Switch Docker Desktop to Linux containers."));
        }
        let security = info.security_options.unwrap_or_default();
        let says = |word: &str| {
            security
                .iter()
                .any(|option| option.split(',').any(|part| part == word))
        };
        let rootless = says("name=rootless");
        let status = info.driver_status.unwrap_or_default();
        let backing = status
            .iter()
            .filter(|pair| pair.first().is_some_and(|key| key == "Backing Filesystem"))
            .filter_map(|pair| pair.get(1))
            .map(|value| value.to_lowercase())
            .next();
        let driver = info.driver.unwrap_or_default().to_lowercase();
        let mapped = matches!(driver.as_str(), "btrfs" | "zfs" | "devicemapper")
            || matches!(backing.as_deref(), Some("btrfs" | "zfs" | "xfs"));
        let cgroup = match info.cgroup_version {
            Some(version) if version.to_string() == "1" => 1,
            _ => 2,
        };
        if rootless && cgroup == 1 {
            return Err(Fault::unable(
                "docker-rootless",
                "Rootless Docker cannot run a Kubernetes node here.",
            )
            .why("it needs cgroup v2")
            .hint("Boot with cgroup v2, or use a Docker that runs as root."));
        }
        Ok(Daemon {
            rootless,
            remaps_users: says("name=userns"),
            cgroup,
            device_mapper: mapped && !rootless,
            architecture: info.architecture.unwrap_or_default(),
        })
    }

    /// The containers of a kind cluster in any state, by kind's own label, ordered by name.
    pub async fn containers_of(&self, cluster: &str) -> Result<Vec<Found>, Fault> {
        self.by_label(&format!("{CLUSTER_LABEL}={cluster}")).await
    }

    /// Every kind cluster's containers, ordered by name.
    pub async fn all_nodes(&self) -> Result<Vec<Found>, Fault> {
        self.by_label(CLUSTER_LABEL).await
    }

    /// Containers in any state that carry a label, `key` or `key=value`.
    pub async fn by_label(&self, label: &str) -> Result<Vec<Found>, Fault> {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&filters)
            .build();
        let listed = call(
            CALL,
            "Listing containers",
            self.usual.list_containers(Some(options)),
        )
        .await?;
        let mut found: Vec<Found> = listed
            .into_iter()
            .map(|one| {
                let labels: BTreeMap<_, _> = one.labels.unwrap_or_default().into_iter().collect();
                Found {
                    id: one.id.unwrap_or_default(),
                    name: one
                        .names
                        .and_then(|names| names.into_iter().next())
                        .unwrap_or_default()
                        .trim_start_matches('/')
                        .to_owned(),
                    role: labels.get(ROLE_LABEL).cloned().unwrap_or_default(),
                    state: one.state.map(|state| state.to_string()).unwrap_or_default(),
                    image: one.image.unwrap_or_default(),
                    labels,
                }
            })
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// A container as Docker describes it. None: there is none.
    pub async fn inspect(&self, id: &str) -> Result<Option<ContainerInspectResponse>, Fault> {
        let doing = "Looking at a container";
        match tokio::time::timeout(CALL, self.usual.inspect_container(id, None)).await {
            Ok(Ok(found)) => Ok(Some(found)),
            Ok(Err(error)) if status(&error) == Some(404) => Ok(None),
            Ok(Err(error)) => Err(failed(doing, &error)),
            Err(_) => Err(late(doing, CALL)),
        }
    }

    /// The last lines a container wrote.
    pub async fn last_lines(&self, id: &str, lines: usize) -> Result<Vec<String>, Fault> {
        let options = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .tail(&lines.to_string())
            .build();
        let mut log = self.usual.logs(id, Some(options));
        let mut all = Vec::new();
        let reading = async {
            while let Some(piece) = log.next().await {
                let piece = piece.map_err(|error| failed("Reading a container's log", &error))?;
                all.extend(
                    String::from_utf8_lossy(piece.as_ref())
                        .lines()
                        .map(|line| crate::clean::line(line.trim_end())),
                );
                let extra = all.len().saturating_sub(lines);
                all.drain(..extra);
            }
            Ok(())
        };
        tokio::time::timeout(CALL, reading)
            .await
            .map_err(|_| late("Reading a container's log", CALL))??;
        Ok(all)
    }
}

/// `1.41` as numbers.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::beside;
    use axum::Router;
    use axum::routing::get;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn api_versions_compare_by_number() {
        assert!(numbers("1.9") < Some(LOWEST));
        assert!(numbers("1.41") >= Some(LOWEST));
        assert_eq!(numbers("x"), None);
    }

    #[tokio::test]
    async fn an_engine_is_connected_to_once_and_asked_again_whether_it_is_there() {
        let [versions, pings] = [Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0))];
        let counts = |counter: &Arc<AtomicU32>, says: &'static str| {
            let counter = counter.clone();
            get(move || async move {
                counter.fetch_add(1, Ordering::Relaxed);
                says
            })
        };
        let router = Router::new()
            .route("/version", counts(&versions, r#"{"ApiVersion": "1.44"}"#))
            .fallback(counts(&pings, "OK"));
        let engine = Engine::default();
        let told = || {
            (
                versions.load(Ordering::Relaxed),
                pings.load(Ordering::Relaxed),
            )
        };
        let addresses = beside(router, async |address| {
            let addresses = Addresses {
                docker: Some(format!("tcp://{address}")),
                ..Addresses::new("", "")
            };
            for _ in 0..3 {
                engine.docker(&addresses).await.expect("it answers");
            }
            assert_eq!(told(), (1, 2));
            addresses
        })
        .await;
        let fault = engine.docker(&addresses).await.expect_err("it is gone");
        assert_eq!(fault.code, "docker-unreachable");
    }
}
