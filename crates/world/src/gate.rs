//! Proof before touch. Three tokens say how much is proven, and each opens only what that proof
//! allows: `Claiming` the making of a cluster, `OurNodes` what goes through Docker alone, `Ours`
//! everything, and only it holds the client that may write. A `Node` is constructed here and
//! nowhere else. Proves; changes nothing but the marker.

mod proof;

pub use proof::{MARKER, Seen};

use super::World;
use super::docker::Docker;
use super::home::{Home, NodeRecord, State};
use super::kube::{self as api, CALL};
use super::node::Node;
use super::open::LabHandle;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};

/// How long a cluster that has just begun to answer may refuse a look, and between two tries.
const SETTLE: std::time::Duration = std::time::Duration::from_secs(30);
const LOOK: std::time::Duration = std::time::Duration::from_millis(200);

/// The right to make this lab's cluster, or to take over what a killed `up` or kind's own CLI made:
/// every container of this cluster carries kind's label, publishes on loopback only and binds
/// our shared folder. There may be none yet.
#[derive(Debug)]
pub struct Claiming {
    docker: Docker,
    home: Home,
    lab_id: String,
    shared: String,
    nodes: Vec<Node>,
    seen: Vec<Seen>,
}

/// The right to start, stop, enter and remove this lab's node containers: recorded ids that still
/// carry kind's label and bind our shared folder beside our marker. The API server was not asked.
#[derive(Debug)]
pub struct OurNodes {
    home: Home,
    nodes: Vec<Node>,
    seen: Vec<Seen>,
    gone: Vec<NodeRecord>,
}

/// The right to everything this lab allows, through the only client that may write.
pub struct Ours {
    nodes: OurNodes,
    client: Client,
    namespace: String,
    lab_id: String,
}

/// Proves that the name is free, or that what has it is this lab's to finish.
pub async fn claim(docker: &Docker, home: &Home, state: &State) -> Result<Claiming, Fault> {
    let mut claiming = Claiming {
        docker: docker.clone(),
        home: home.clone(),
        lab_id: state.id.clone(),
        shared: home.bind_source()?,
        nodes: Vec::new(),
        seen: Vec::new(),
    };
    for found in docker.containers_of(&home.name).await? {
        claiming.admit(&found.id).await?;
    }
    Ok(claiming)
}

impl Claiming {
    /// The kind cluster's name.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.home.name
    }

    /// The bind source of the shared folder.
    #[must_use]
    pub fn shared(&self) -> &str {
        &self.shared
    }

    /// The containers that are proven so far.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What the proof saw of each of them, in the same order.
    #[must_use]
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// Proves one more container, also after it was started: its ports are fixed by then.
    pub async fn admit(&mut self, id: &str) -> Result<(), Fault> {
        let Some(seen) = proof::look(&self.docker, id).await? else {
            return Ok(());
        };
        seen.prove(&self.home.name, &self.shared)?;
        seen.prove_not_anothers(&self.lab_id)?;
        seen.prove_loopback()?;
        match self.seen.iter().position(|known| known.id == seen.id) {
            Some(index) => self.seen[index] = seen,
            None => {
                self.nodes
                    .push(Node::proven(&self.docker, &seen.id, &seen.name));
                self.seen.push(seen);
            }
        }
        Ok(())
    }

    /// A client for the bootstrap writes: the server must be the port that our control plane
    /// publishes.
    pub async fn client(&self) -> Result<Client, Fault> {
        let text = api::read_kubeconfig(&self.home)?;
        proof::server_is(&text, &self.seen)?;
        api::client(&text).await
    }

    /// Refuses a cluster that holds another lab's marker. None at all is fine: it may be new.
    pub async fn refuse_anothers(&self, client: &Client, namespace: &str) -> Result<(), Fault> {
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
        let until = Instant::now() + SETTLE;
        loop {
            let doing = "Asking the cluster whose it is";
            match api::within(CALL, doing, maps.get_opt(MARKER)).await {
                Ok(None) => return Ok(()),
                Ok(Some(found)) => return proof::marker_is(Some(&found), &self.lab_id),
                // While the server's own rules come into place, even a look may be refused.
                Err(fault) if Instant::now() > until => return Err(fault),
                Err(_) => clock::sleep(LOOK).await,
            }
        }
    }

    /// Writes the marker into the lab's namespace, which must exist. Another lab's marker there
    /// is not replaced.
    pub async fn mark(&self, client: &Client, namespace: &str) -> Result<(), ::kube::Error> {
        proof::write_marker(client, namespace, &self.lab_id, &self.home.name).await
    }

    /// Everything is proven: the marker is there, the ids are written down.
    pub async fn into_ours(self, client: Client, namespace: &str) -> Result<Ours, Fault> {
        let nodes = OurNodes {
            home: self.home,
            nodes: self.nodes,
            seen: self.seen,
            gone: Vec::new(),
        };
        let ours = Ours {
            nodes,
            client,
            namespace: namespace.to_owned(),
            lab_id: self.lab_id,
        };
        ours.recheck().await?;
        Ok(ours)
    }

    /// For a removal only: the ids need not be written down, the containers go away.
    #[must_use]
    pub fn into_nodes(self) -> OurNodes {
        OurNodes {
            home: self.home,
            nodes: self.nodes,
            seen: self.seen,
            gone: Vec::new(),
        }
    }
}

/// No container is recorded, so none may be touched: enough to remove what is on the disk.
#[must_use]
pub fn no_nodes(home: &Home) -> OurNodes {
    OurNodes {
        home: home.clone(),
        nodes: Vec::new(),
        seen: Vec::new(),
        gone: Vec::new(),
    }
}

/// Proves the recorded node containers without asking the API server.
pub async fn our_nodes(
    world: &World,
    opened: &LabHandle,
    docker: &Docker,
) -> Result<OurNodes, Fault> {
    refuse_read_only(world)?;
    nodes_of(opened, docker).await
}

async fn nodes_of(opened: &LabHandle, docker: &Docker) -> Result<OurNodes, Fault> {
    let shared = opened.home.bind_source()?;
    let mut found = OurNodes {
        home: opened.home.clone(),
        nodes: Vec::new(),
        seen: Vec::new(),
        gone: Vec::new(),
    };
    for record in &opened.state.nodes {
        match proof::look(docker, &record.id).await? {
            None => found.gone.push(record.clone()),
            Some(seen) => {
                seen.prove(&opened.home.name, &shared)?;
                found.nodes.push(Node::proven(docker, &seen.id, &seen.name));
                found.seen.push(seen);
            }
        }
    }
    Ok(found)
}

impl OurNodes {
    /// The node containers that exist, running or not.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What the proof saw of each of them, in the same order.
    #[must_use]
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// Recorded containers that somebody removed.
    #[must_use]
    pub fn gone(&self) -> &[NodeRecord] {
        &self.gone
    }

    /// The lab's folder.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Where a node sees the shared folder, by what Docker says about its mounts.
    #[must_use]
    pub fn shared_in(&self, node: &Node) -> Option<&str> {
        let source = self.home.bind_source().ok()?;
        let seen = self.seen.iter().find(|seen| seen.id == node.id)?;
        seen.mounted_at(&source)
    }
}

/// Proves everything: containers, kubeconfig, server, marker.
pub async fn ours(world: &World, opened: &LabHandle, docker: &Docker) -> Result<Ours, Fault> {
    refuse_read_only(world)?;
    let nodes = nodes_of(opened, docker).await?;
    if let Some(gone) = nodes.gone.first() {
        return Err(Fault::unable(
            "cluster-gone",
            format!("The node container `{}` no longer exists.", gone.name),
        )
        .why("somebody removed it")
        .hint(advice!(
            "Run `flinklab up` to build the cluster again; the data is kept."
        )));
    }
    if let Some(stopped) = nodes.seen.iter().find(|seen| !seen.running) {
        return Err(Fault::unable(
            "cluster-stopped",
            format!("The node container `{}` is stopped.", stopped.name),
        )
        .hint(advice!("Run `flinklab up` to start it again.")));
    }
    if nodes.nodes.is_empty() {
        return Err(Fault::unable("cluster-gone", "The lab has no cluster now.")
            .hint(advice!("Run `flinklab up` to build it.")));
    }
    let text = api::read_kubeconfig(&opened.home)?;
    proof::server_is(&text, &nodes.seen)?;
    let ours = Ours {
        nodes,
        client: api::client(&text).await?,
        namespace: opened.lab.flink.namespace.clone(),
        lab_id: opened.state.id.clone(),
    };
    ours.recheck().await?;
    Ok(ours)
}

impl Ours {
    /// The only client that may write. After a reconnect, `recheck` before the next write.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The only namespace in which Flink's objects may be changed.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The lab's node containers.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes.nodes
    }

    /// The node container of a Kubernetes node's name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.nodes.iter().find(|node| node.name == name)
    }

    /// The lab's folder.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.nodes.home
    }

    /// Where a node sees the shared folder, by what Docker says about its mounts.
    #[must_use]
    pub fn shared_in(&self, node: &Node) -> Option<&str> {
        self.nodes.shared_in(node)
    }

    /// Asks the cluster again whether it holds our marker.
    pub async fn recheck(&self) -> Result<(), Fault> {
        let maps: Api<ConfigMap> = Api::namespaced(self.client(), &self.namespace);
        let doing = "Asking the cluster whose it is";
        let found = api::within(CALL, doing, maps.get_opt(MARKER)).await?;
        proof::marker_is(found.as_ref(), &self.lab_id)
    }
}

impl std::fmt::Debug for Ours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ours")
            .field("nodes", &self.nodes)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

fn refuse_read_only(world: &World) -> Result<(), Fault> {
    if world.read_only {
        Err(
            Fault::wrong("read-only", "Nothing is changed with --read-only.")
                .hint("Run the command without --read-only."),
        )
    } else {
        Ok(())
    }
}

/// A node that a test makes up.
#[cfg(test)]
pub(crate) fn node_of_a_test(docker: &Docker) -> Node {
    Node::proven(docker, "0123456789abcdef", "flinklab-control-plane")
}
