//! The single proofs that the gate's tokens are made of: what a container is, which server a
//! kubeconfig names, whose marker a cluster holds.

use crate::docker::Docker;
use crate::node::LAB_LABEL;
use bollard::models::{ContainerInspectResponse, PortMap};
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use kube::config::Kubeconfig;
use kube::{Api, Client};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// Name of the config map in the lab's namespace that holds the lab's id.
pub const MARKER: &str = "flinklab";
/// Our field manager.
const MANAGER: &str = "flinklab";
/// kind's label that names the cluster.
const CLUSTER_LABEL: &str = "io.x-k8s.kind.cluster";
/// kind's label that names the role.
const ROLE_LABEL: &str = "io.x-k8s.kind.role";
/// The API server's port in a control plane container.
const API_PORT: &str = "6443/tcp";
/// How long Docker may take to describe a container.
const LOOK: Duration = Duration::from_secs(5);

/// A node that was started less than this ago may still be booting.
const YOUNG: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// What Docker says about a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Docker's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// kind's word for its role.
    pub role: String,
    /// Whether it runs now.
    pub running: bool,
    /// When it was started last.
    pub started: Option<jiff::Timestamp>,
    /// It was made and never started: nothing was ever done in it.
    pub never_started: bool,
    /// The image it was made from, as it was written then.
    pub image: String,
    /// Published ports: the container's, then address and port on the host.
    pub published: BTreeMap<String, Vec<(String, u16)>>,
    /// The lab that made it. None: kind's own command did.
    pub lab: Option<String>,
    cluster: Option<String>,
    /// Host folders and where the container sees them.
    mounts: BTreeSet<(String, String)>,
}

/// Looks at a container. None: there is no such container.
pub(super) async fn look(docker: &Docker, id: &str) -> Result<Option<Seen>, Fault> {
    let call = docker.api().inspect_container(id, None);
    match tokio::time::timeout(LOOK, call).await {
        Ok(Ok(found)) => Ok(Some(Seen::of(&found))),
        Ok(Err(bollard::errors::Error::DockerResponseServerError {
            status_code: 404, ..
        })) => Ok(None),
        Ok(Err(error)) => Err(docker_fault(&error.to_string())),
        Err(_) => Err(docker_fault("no answer within 5 s")),
    }
}

fn docker_fault(why: &str) -> Fault {
    Fault::unable(
        "docker-failed",
        "Docker does not describe the node container.",
    )
    .why(why)
    .hint("Check that Docker runs, then run the command again.")
}

impl Seen {
    fn of(found: &ContainerInspectResponse) -> Self {
        let config = found.config.as_ref();
        let label = |key: &str| {
            let labels = config?.labels.as_ref()?;
            labels.get(key).cloned()
        };
        let running = found.state.as_ref().and_then(|state| state.running) == Some(true);
        let host = found.host_config.as_ref();
        let configured = host.and_then(|host| host.port_bindings.as_ref());
        let actual = found
            .network_settings
            .as_ref()
            .and_then(|net| net.ports.as_ref());
        // What was configured holds also while it is stopped; where Docker picks, only what is.
        let mut published = ports(configured);
        published.extend(ports(actual));
        let bound = host
            .and_then(|host| host.binds.as_ref())
            .into_iter()
            .flatten();
        let mounted = found.mounts.as_ref().into_iter().flatten();
        Self {
            id: found.id.clone().unwrap_or_default(),
            name: found
                .name
                .as_deref()
                .unwrap_or_default()
                .trim_start_matches('/')
                .to_owned(),
            role: label(ROLE_LABEL).unwrap_or_default(),
            running,
            started: found
                .state
                .as_ref()
                .and_then(|state| state.started_at.as_ref())
                .and_then(|at| at.to_string().parse().ok()),
            never_started: found
                .state
                .as_ref()
                .and_then(|state| state.status.as_ref())
                .is_some_and(|status| status.to_string() == "created"),
            image: config
                .and_then(|config| config.image.clone())
                .unwrap_or_default(),
            published,
            lab: label(LAB_LABEL),
            cluster: label(CLUSTER_LABEL),
            mounts: bound
                .filter_map(|bind| {
                    let mut parts = bind.split(':');
                    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
                })
                .chain(
                    mounted.filter_map(|mount| {
                        Some((mount.source.clone()?, mount.destination.clone()?))
                    }),
                )
                .collect(),
        }
    }

    /// Whether it may still be booting: no command may enter it then. By two clocks that should agree.
    #[must_use]
    pub fn may_boot(&self) -> bool {
        let age = self.started.map(|at| at.duration_until(clock::now()));
        age.is_none_or(|age| age < YOUNG)
    }

    /// Where the container sees a host folder; none unless that is exactly one place. What is
    /// written there as root must never rest on what a file says: only the container knows.
    #[must_use]
    pub fn mounted_at(&self, source: &str) -> Option<&str> {
        let mut places = self.mounts.iter().filter(|(from, _)| from == source);
        match (places.next(), places.next()) {
            (Some((_, place)), None) => Some(place),
            _ => None,
        }
    }

    /// Whether the container sees a host folder at this place.
    #[must_use]
    pub fn has_mount(&self, source: &str, place: &str) -> bool {
        self.mounts.contains(&(source.to_owned(), place.to_owned()))
    }

    /// It carries this cluster's kind label and binds our shared folder.
    pub(super) fn prove(&self, cluster: &str, shared: &str) -> Result<(), Fault> {
        if self.cluster.as_deref() != Some(cluster) {
            return Err(refused(
                format!("The container `{}` is not a node of this lab.", self.name),
                format!(
                    "its kind label says `{}`, not `{cluster}`",
                    self.cluster.as_deref().unwrap_or("nothing")
                ),
            ));
        }
        if self.mounted_at(shared).is_none() {
            return Err(Fault::unable(
                "cluster-not-ours",
                format!("There is a kind cluster `{cluster}` that is not this lab's."),
            )
            .why(format!("`{}` does not mount {shared}", self.name))
            .hint(format!(
                "Use another --name, or remove that cluster (`kind delete cluster --name {cluster}`)."
            )));
        }
        Ok(())
    }

    /// No other lab made it. kind's own command leaves no mark, and what it made may be taken over.
    pub(super) fn prove_not_anothers(&self, lab_id: &str) -> Result<(), Fault> {
        match self.lab.as_deref() {
            Some(other) if other != lab_id => Err(Fault::unable(
                "cluster-not-ours",
                format!("The container `{}` belongs to another lab.", self.name),
            )
            .why(format!("its label says {other}, this lab is {lab_id}"))
            .hint(format!(
                "Use another --name. If its lab.json is lost, remove the cluster with \
                 `kind delete cluster --name {0}` or `docker rm -f -v {1}`.",
                self.cluster.as_deref().unwrap_or_default(),
                self.name
            ))),
            _ => Ok(()),
        }
    }

    /// Everything it publishes is on loopback.
    pub(super) fn prove_loopback(&self) -> Result<(), Fault> {
        for (port, bindings) in &self.published {
            for (address, _) in bindings {
                if !is_loopback(address) {
                    return Err(refused(
                        format!("The container `{}` is open to the network.", self.name),
                        format!("port {port} is published on `{address}`"),
                    )
                    .hint("Remove the cluster and give its ports `listenAddress: 127.0.0.1` in kind.yaml."));
                }
            }
        }
        Ok(())
    }

    /// The port on this machine that leads to a port of the container.
    #[must_use]
    pub fn host_port(&self, container_port: &str) -> Option<u16> {
        let bindings = self.published.get(container_port)?;
        bindings
            .iter()
            .map(|(_, port)| *port)
            .find(|port| *port != 0)
    }
}

fn ports(map: Option<&PortMap>) -> BTreeMap<String, Vec<(String, u16)>> {
    map.into_iter()
        .flatten()
        .filter_map(|(port, bindings)| {
            let bindings: Vec<(String, u16)> = bindings
                .as_ref()?
                .iter()
                .map(|binding| {
                    let number = binding.host_port.as_deref().unwrap_or_default();
                    (
                        binding.host_ip.clone().unwrap_or_default(),
                        number.parse().unwrap_or_default(),
                    )
                })
                .collect();
            (!bindings.is_empty()).then(|| (port.clone(), bindings))
        })
        .collect()
}

fn is_loopback(address: &str) -> bool {
    address
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

/// The kubeconfig's server is on loopback and is the port that one of these containers publishes.
pub(super) fn server_is(kubeconfig: &str, nodes: &[Seen]) -> Result<(), Fault> {
    let parsed = Kubeconfig::from_yaml(kubeconfig).map_err(|error| {
        refused(
            "The lab's kubeconfig cannot be read.".to_owned(),
            error.to_string(),
        )
    })?;
    let servers: Vec<&str> = parsed
        .clusters
        .iter()
        .filter_map(|named| named.cluster.as_ref()?.server.as_deref())
        .collect();
    let [server] = servers.as_slice() else {
        return Err(refused(
            "The lab's kubeconfig is not as we wrote it.".to_owned(),
            format!("it names {} servers", servers.len()),
        ));
    };
    let address = server.parse::<http::Uri>().ok().and_then(|uri| {
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        Some((host, uri.port_u16()?))
    });
    let published = |(host, port): &(String, u16)| {
        is_loopback(host)
            && nodes
                .iter()
                .filter(|node| node.role == "control-plane")
                .any(|node| node.host_port(API_PORT) == Some(*port))
    };
    if address.as_ref().is_some_and(published) {
        Ok(())
    } else {
        Err(refused(
            "The lab's kubeconfig does not lead to the lab's cluster.".to_owned(),
            format!("{server} is not a port that its node container publishes on loopback"),
        )
        .hint(advice!("Run `flinklab up`: it writes the file again.")))
    }
}

/// The marker holds this lab's id.
pub(super) fn marker_is(found: Option<&ConfigMap>, lab_id: &str) -> Result<(), Fault> {
    let id = found
        .and_then(|map| map.data.as_ref())
        .and_then(|data| data.get("id"))
        .map(String::as_str);
    match id {
        Some(id) if id == lab_id => Ok(()),
        Some(other) => Err(refused(
            "The cluster belongs to another lab.".to_owned(),
            format!("its marker says {other}, ours is {lab_id}"),
        )),
        None => Err(refused(
            "The cluster does not carry this lab's marker.".to_owned(),
            format!("there is no config map `{MARKER}` with its id"),
        )
        .hint(advice!(
            "Run `flinklab up`: it writes the marker once the cluster is proven."
        ))),
    }
}

/// Writes the marker. Fails with 409 where another lab's is.
pub(super) async fn write_marker(
    client: &Client,
    namespace: &str,
    lab_id: &str,
    name: &str,
) -> Result<(), kube::Error> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    if let Some(found) = maps.get_opt(MARKER).await? {
        let id = found.data.as_ref().and_then(|data| data.get("id"));
        if id.is_some() {
            // Ours needs no writing; another's is found by the check that follows.
            return Ok(());
        }
    }
    let marker = serde_json::json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": MARKER,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "flinklab"},
        },
        "data": {"id": lab_id, "name": name, "version": "1"},
    });
    maps.patch(
        MARKER,
        &PatchParams::apply(MANAGER).force(),
        &Patch::Apply(&marker),
    )
    .await
    .map(|_| ())
}

fn refused(what: String, why: String) -> Fault {
    Fault::unable("gate-refused", what).why(why)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
