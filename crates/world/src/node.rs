//! One node container: how it is made exactly as kind makes it, how its boot is awaited, and what
//! may be done in it. A `Node` is the right to act on one container and is handed out by the gate
//! alone. Knows nothing of Kubernetes inside the node.

mod boot;
mod containerd;
mod pausing;
mod plan;
pub mod shared;

pub use boot::{BOOT, wait_booted};
pub use plan::{API_PORT, Choice, Common, LAB_LABEL, NodePlan, Port, names, plans, role_word};

use super::docker::{CALL, Docker, Feed, LONG, Output, Stream, call, failed, late, status, words};
use super::gate::Claiming;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use bytes::Bytes;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use std::fmt::Display;
use std::time::Duration;

/// How long systemd may take to shut a node down before Docker kills it. It is done in a second
/// once no pod is left; with pods it waits for what they leave behind, and never comes to its end.
const SHUTDOWN_SECONDS: i32 = 20;
/// How long the containers of a node may take to end, all at once.
const QUIET: Duration = Duration::from_secs(60);
/// Ends all containers of a node.
const QUIET_SCRIPT: &str = include_str!("../../../assets/node/quiet.sh");
/// How long a removal that another command began may take.
const GONE: Duration = Duration::from_secs(120);
/// How long containerd may take after the boot line; on cgroup v1 that line comes early.
const CONTAINERD: Duration = Duration::from_secs(180);
/// Succeeds as soon as containerd answers.
const CONTAINERD_SCRIPT: &str = "n=0
until ctr version >/dev/null 2>&1; do
  n=$((n + 1))
  [ $n -lt 500 ] || exec ctr version
  sleep 0.1
done";

/// The right to act on one node container.
#[derive(Debug, Clone)]
pub struct Node {
    /// Docker's id.
    pub id: String,
    /// Container, host and Kubernetes node name.
    pub name: String,
    docker: Docker,
}

impl Node {
    /// Only the gate may call this, after it has proven whose the container is.
    pub(crate) fn proven(docker: &Docker, id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            docker: docker.clone(),
        }
    }

    /// The engine that runs it.
    #[must_use]
    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Runs a command as root, privileged and without a terminal, and keeps what it writes.
    pub async fn exec(&self, argv: &[&str], within: Duration) -> Result<Output, Fault> {
        self.docker.exec(&self.id, argv, within).await
    }

    /// Runs a command and tells every line as soon as it is whole. The result is its exit code.
    pub async fn exec_lines(
        &self,
        argv: &[&str],
        within: Duration,
        on_line: impl FnMut(Stream, &str) + Send,
    ) -> Result<i64, Fault> {
        self.docker
            .exec_lines(&self.id, argv, within, on_line)
            .await
    }

    /// Runs a command with this as its standard input, to the end.
    pub async fn exec_feed<E: Display>(
        &self,
        argv: &[&str],
        input: impl futures::Stream<Item = Result<Bytes, E>> + Send,
        within: Duration,
    ) -> Result<Output, Fault> {
        self.docker
            .exec_feed(&self.id, argv, Feed::All(input), within)
            .await
    }

    /// Writes a file, owned by root, in one stroke; its folder is made if it is missing.
    pub async fn write_file(&self, path: &str, mode: u32, bytes: &[u8]) -> Result<(), Fault> {
        let doing = format!("Writing {path} in {}", self.name);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = if folder.is_empty() { "/" } else { folder };
        if ["/tmp", "/run"]
            .iter()
            .any(|mount| folder == *mount || folder.starts_with(&format!("{mount}/")))
        {
            return self.write_by_command(path, folder, mode, bytes).await;
        }
        let archive = one_file(name, mode, bytes).map_err(|error| {
            Fault::unable("docker-failed", format!("{doing} failed.")).why(error)
        })?;
        let options = UploadToContainerOptionsBuilder::new().path(folder).build();
        let upload = |archive| {
            let body = bollard::body_full(archive);
            self.docker
                .patient()
                .upload_to_container(&self.id, Some(options.clone()), body)
        };
        match tokio::time::timeout(LONG, upload(archive.clone())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) if status(&error) == Some(404) => {
                let made = self.exec(&["mkdir", "-p", folder], CALL).await?;
                made.expect(&format!("Making {folder} in {}", self.name))?;
                call(LONG, &doing, upload(archive)).await
            }
            Ok(Err(error)) => Err(failed(&doing, &error)),
            Err(_) => Err(late(&doing, LONG)),
        }
    }

    /// Docker's archive calls do not reach the tmpfs mounts of a node and say nothing of it.
    async fn write_by_command(
        &self,
        path: &str,
        folder: &str,
        mode: u32,
        bytes: &[u8],
    ) -> Result<(), Fault> {
        let input = Bytes::copy_from_slice(bytes);
        let input = futures::stream::iter([Ok::<_, std::convert::Infallible>(input)]);
        self.exec(&["mkdir", "-p", folder], CALL)
            .await?
            .expect(&format!("Making {folder} in {}", self.name))?;
        self.exec_feed(&["cp", "/dev/stdin", path], input, CALL)
            .await?
            .expect(&format!("Writing {path} in {}", self.name))?;
        self.exec(&["chmod", &format!("{mode:o}"), path], CALL)
            .await?
            .expect(&format!("Writing {path} in {}", self.name))?;
        Ok(())
    }

    /// Reads a file of the container, running or not. Not from `/tmp` and `/run`.
    pub async fn read_file(&self, path: &str) -> Result<Vec<u8>, Fault> {
        self.docker.read_file(&self.id, path).await
    }

    /// Starts the container. One that runs is left as it is.
    pub async fn start(&self) -> Result<(), Fault> {
        let started = start(&self.docker, &self.id, &self.name).await;
        // The ports of a container that exists are fixed, whoever chose them.
        started.map_err(|fault| {
            if fault.code == PORT_TAKEN {
                fault.hint(advice!(
            "Stop what uses the port. Or run `flinklab down`, then `flinklab up --resume`: a new \
             node gets ports that are free, and the job goes on from its newest checkpoint. A \
             hostPort that kind.yaml names must be changed there first."
        ))
            } else {
                fault
            }
        })
    }

    /// Ends everything that runs in pods and lets nothing start again until the node is started
    /// anew. What does not end within `grace` is killed.
    pub async fn quiet(&self, grace: Duration) -> Result<(), Fault> {
        let seconds = grace.as_secs().to_string();
        let argv = ["sh", "-c", QUIET_SCRIPT, "flinklab-quiet", &seconds];
        self.exec(&argv, QUIET).await.map(drop)
    }

    /// Shuts the node down in order.
    pub async fn stop(&self) -> Result<(), Fault> {
        let options = StopContainerOptionsBuilder::new()
            .t(SHUTDOWN_SECONDS)
            .build();
        let stop = self
            .docker
            .patient()
            .stop_container(&self.id, Some(options));
        let within = CALL + Duration::from_secs(60);
        call(within, &format!("Stopping {}", self.name), stop).await
    }

    /// Removes the container with its own volume. One that is gone is fine.
    pub async fn remove(&self) -> Result<(), Fault> {
        remove(&self.docker, &self.id, &self.name).await
    }

    /// Waits until containerd in the node answers.
    pub async fn wait_containerd(&self) -> Result<(), Fault> {
        let argv = ["sh", "-c", CONTAINERD_SCRIPT, "flinklab-containerd"];
        let output = self.exec(&argv, CONTAINERD).await?;
        output
            .expect(&format!("Waiting for containerd in {}", self.name))
            .map(drop)
    }

    /// The node's IPv4 address on its network. It is there only while the container runs.
    pub async fn address(&self) -> Result<String, Fault> {
        let found = self.docker.inspect(&self.id).await?;
        found
            .and_then(|found| found.network_settings?.networks)
            .into_iter()
            .flat_map(std::collections::HashMap::into_values)
            .find_map(|endpoint| endpoint.ip_address.filter(|address| !address.is_empty()))
            .ok_or_else(|| {
                Fault::unable(
                    "node-network",
                    format!("{} has no IPv4 address.", self.name),
                )
                .why("the container does not run, or it left its network")
                .hint(advice!("Run `flinklab up` again."))
            })
    }
}

/// Makes a node container, not started. The claim proves that the name is ours to take.
pub async fn create(docker: &Docker, claim: &Claiming, plan: &NodePlan) -> Result<String, Fault> {
    debug_assert_eq!(claim.cluster(), plan.cluster, "one claim, one cluster");
    let options = CreateContainerOptionsBuilder::new()
        .name(&plan.name)
        .build();
    let doing = format!("Creating the node container {}", plan.name);
    // The engine copies the image's whole /var into the container's volume before it answers.
    let asked = docker
        .patient()
        .create_container(Some(options), plan.body());
    let made = match tokio::time::timeout(LONG, asked).await {
        Ok(Ok(made)) => made,
        Ok(Err(error)) if status(&error) == Some(409) => {
            return Err(Fault::unable(
                NAME_TAKEN,
                format!("There is already a container named {}.", plan.name),
            )
            .why(words(&error))
            .hint("Use another --name, or remove that container."));
        }
        Ok(Err(error)) => return Err(failed(&doing, &error)),
        Err(_) => return Err(late(&doing, LONG)),
    };
    let unable = made
        .warnings
        .iter()
        .find(|warning| warning.contains("does not support cgroup namespaces"));
    let fit = match unable {
        None => containerd::patch(docker, &made.id, plan).await,
        Some(warning) => {
            Err(Fault::unable("docker-cgroup", "A node cannot run on this kernel.").why(warning))
        }
    };
    match fit {
        Ok(()) => Ok(made.id),
        Err(fault) => {
            // Never started, made by this very call: nobody can miss it.
            remove(docker, &made.id, &plan.name).await?;
            Err(fault)
        }
    }
}

/// Starts a container that this program made or may act on.
pub(crate) async fn start(docker: &Docker, id: &str, name: &str) -> Result<(), Fault> {
    let asked = docker.patient().start_container(id, None);
    let within = Duration::from_secs(120);
    match tokio::time::timeout(within, asked).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if port_taken(&words(&error)) => Err(Fault::unable(
            PORT_TAKEN,
            format!("A port that {name} publishes is already used."),
        )
        .why(words(&error))
        .hint("Stop what uses the port, or change hostPort in kind.yaml.")),
        Ok(Err(error)) => Err(failed(&format!("Starting {name}"), &error)),
        Err(_) => Err(late(&format!("Starting {name}"), within)),
    }
}

/// The code of the fault that says that a container has the node's name.
pub const NAME_TAKEN: &str = "name-taken";
/// The code of the fault that says a published port is taken.
pub const PORT_TAKEN: &str = "port-taken";

fn port_taken(words: &str) -> bool {
    [
        "port is already allocated",
        "address already in use",
        "failed to bind host port",
    ]
    .iter()
    .any(|known| words.contains(known))
}

/// Removes a container that this program made or may act on.
pub(crate) async fn remove(docker: &Docker, id: &str, name: &str) -> Result<(), Fault> {
    let options = RemoveContainerOptionsBuilder::new()
        .force(true)
        .v(true)
        .build();
    let asked = docker.patient().remove_container(id, Some(options));
    match tokio::time::timeout(LONG, asked).await {
        Ok(Ok(())) => Ok(()),
        // Another command may have been faster, or is at it.
        Ok(Err(error)) if status(&error) == Some(404) => Ok(()),
        Ok(Err(error)) if words(&error).contains("is already in progress") => {
            wait_gone(docker, id, name).await
        }
        Ok(Err(error)) => Err(failed(&format!("Removing {name}"), &error)),
        Err(_) => Err(late(&format!("Removing {name}"), LONG)),
    }
}

async fn wait_gone(docker: &Docker, id: &str, name: &str) -> Result<(), Fault> {
    let gone = async {
        while docker.inspect(id).await?.is_some() {
            clock::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    };
    match tokio::time::timeout(GONE, gone).await {
        Ok(gone) => gone,
        Err(_) => Err(late(&format!("Removing {name}"), GONE)),
    }
}

fn one_file(name: &str, mode: u32, bytes: &[u8]) -> std::io::Result<Bytes> {
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header(mode, bytes.len()), name, bytes)?;
    archive.into_inner().map(Bytes::from)
}

/// A file of root's, written now.
fn header(mode: u32, length: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(length as u64);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(u64::try_from(clock::now().as_second()).unwrap_or_default());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_told_apart() {
        assert!(port_taken(
            "Bind for 127.0.0.1:80 failed: port is already allocated"
        ));
        assert!(!port_taken("no such image"));
    }
}
