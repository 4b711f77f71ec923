//! What `down --purge` takes away: measured and listed before, removed by root inside the node.
//! Where the node is gone, a throw-away container of the node image with only the shared folder
//! mounted does it. Never follows a link and never leaves the shared folder.

use crate::fault::Fault;
use crate::world::World;
use crate::world::docker::Docker;
use crate::world::gate::OurNodes;
use crate::world::home::{Home, Maker};
use crate::world::node::Node;
use crate::world::open::{Opened, must_open};
use bollard::models::{ContainerCreateBody, HostConfig};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long a removal may take: many small files on a slow disk.
const PURGE: Duration = Duration::from_secs(600);
/// How many files are counted before the count is called "more than".
const COUNTED: u64 = 1_000_000;
/// Removes everything below the folder, not the folder; `find -delete` does not follow links.
const PURGE_SCRIPT: &str = include_str!("../../../assets/node/purge.sh");
/// Files and bytes below the folder.
const MEASURE_SCRIPT: &str = include_str!("../../../assets/node/measure.sh");
/// Where the throw-away container sees the shared folder.
const MOUNTED: &str = "/purge";

/// What `down --purge` would remove, a line each.
pub async fn purge_listing(world: &World) -> Result<Vec<String>, Fault> {
    let opened = must_open(world)?;
    let home = &opened.home;
    let mut lines = Vec::new();
    for node in &opened.state.nodes {
        let made = match node.maker {
            Maker::Flinklab => "",
            Maker::Kind => ", which kind made",
        };
        lines.push(format!("container {} with its volume{made}", node.name));
    }
    for (what, path) in [
        ("checkpoints, savepoints and HA files", home.shared()),
        ("runs", home.runs()),
        ("journal", home.journal()),
    ] {
        let (files, bytes) = measured(world, &path).await;
        lines.push(format!(
            "{} ({what}: {files} files, {})",
            path.display(),
            human(bytes)
        ));
    }
    lines.push(format!(
        "{} (state, kubeconfig, log)",
        home.folder.display()
    ));
    Ok(lines)
}

/// Counted here, or inside the node where its files may not be read from here.
async fn measured(world: &World, path: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    if measure(path, &mut files, &mut bytes).is_ok() {
        return (files, bytes);
    }
    let inside = async {
        let docker = Docker::connect(&world.addresses).await.ok()?;
        let nodes = crate::world::gate::our_nodes(world, &docker).await.ok()?;
        let node = nodes.nodes().first()?;
        let mount = mounted_at(&nodes, node)?;
        let argv = ["sh", "-c", MEASURE_SCRIPT, "flinklab-measure", &mount];
        let output = node.exec(&argv, PURGE).await.ok()?;
        numbers(&output.stdout)
    };
    inside.await.unwrap_or((files, bytes))
}

fn measure(path: &Path, files: &mut u64, bytes: &mut u64) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let found = entry.metadata()?; // of a link itself
        *files += 1;
        *bytes += found.len();
        if found.is_dir() && *files < COUNTED {
            measure(&entry.path(), files, bytes)?;
        }
    }
    Ok(())
}

/// Removes what Flink wrote and says how much that was.
pub(super) async fn flinks_files(
    docker: &Docker,
    nodes: &OurNodes,
    opened: &Opened,
    tell: impl Fn(&str),
) -> Result<String, Fault> {
    let home = &opened.home;
    // A node that is stopped is not started for it: it may be unable to.
    let running = nodes.nodes().iter().zip(nodes.seen());
    let running = running
        .filter(|(_, seen)| seen.running)
        .map(|(node, _)| node);
    let said = match running.into_iter().next() {
        Some(node) => {
            tell("removes Flink's files from inside the node");
            match from_inside(nodes, node).await {
                Ok(said) => Some(said),
                Err(fault) => {
                    // Paused, or too broken to be entered. It goes away next anyway, and what
                    // writes there must be gone before anything else removes it.
                    tracing::warn!("nothing was removed from inside {}: {fault}", node.name);
                    tell(&format!(
                        "{} cannot be entered: removes it first",
                        node.name
                    ));
                    futures::future::try_join_all(nodes.nodes().iter().map(Node::remove)).await?;
                    None
                }
            }
        }
        None => None,
    };
    let said = match said {
        Some(said) => said,
        None if is_empty(&home.shared()) => "0 0".to_owned(),
        None => {
            tell("removes Flink's files with a throw-away container");
            throw_away(docker, opened).await?
        }
    };
    let (files, bytes) = numbers(&said).unwrap_or_default();
    Ok(format!(
        "{files} files ({}) below {}",
        human(bytes),
        home.shared().display()
    ))
}

/// Removes the files by a command in a node that runs.
async fn from_inside(nodes: &OurNodes, node: &Node) -> Result<String, Fault> {
    let mount = mounted_at(nodes, node).ok_or_else(|| no_mount(nodes.home(), &node.name))?;
    // What writes there must be gone first, on every node; they go away next anyway.
    futures::future::try_join_all(nodes.nodes().iter().map(|node| quiet(node, nodes))).await?;
    inside(node, &mount).await
}

/// Ends everything that may write from this node. What is stopped writes nothing.
async fn quiet(node: &Node, nodes: &OurNodes) -> Result<(), Fault> {
    let stopped = nodes
        .seen()
        .iter()
        .any(|seen| seen.id == node.id && !seen.running);
    if stopped {
        return Ok(());
    }
    // Flink would write on: no pod is started again without a kubelet, and none is left running.
    node.quiet(Duration::ZERO).await
}

async fn inside(node: &Node, mount: &str) -> Result<String, Fault> {
    let argv = ["sh", "-c", PURGE_SCRIPT, "flinklab-purge", mount];
    node.exec(&argv, PURGE)
        .await?
        .expect("Removing Flink's files in the node")
}

/// A container of the node image that runs nothing but the removal and sees nothing but the
/// shared folder.
async fn throw_away(docker: &Docker, opened: &Opened) -> Result<String, Fault> {
    let home = &opened.home;
    let image = opened
        .lab
        .cluster
        .nodes
        .first()
        .map(|node| node.image.clone())
        .unwrap_or_default();
    let shared = home.bind_source()?;
    let name = format!("flinklab-purge-{}", &opened.state.id);
    let words = |error: bollard::errors::Error| {
        Fault::unable(
            "purge-failed",
            format!("Cannot remove the files below {shared}."),
        )
        .why(error)
        .mend(format!(
            "Check that Docker runs and has the image {image}, then run it again."
        ))
    };
    crate::world::images::ensure(docker, &image, |_| {}).await?;
    let remapped = docker.daemon().await?.remaps_users;
    let text = |part: &str| part.to_owned();
    let body = ContainerCreateBody {
        image: Some(image.clone()),
        entrypoint: Some(vec![
            text("sh"),
            text("-c"),
            text(PURGE_SCRIPT),
            text("flinklab-purge"),
            text(MOUNTED),
        ]),
        cmd: Some(Vec::new()),
        host_config: Some(HostConfig {
            binds: Some(vec![format!("{shared}:{MOUNTED}")]),
            network_mode: Some(text("none")),
            // As the node that wrote the files: in a user namespace of its own, root is nobody to
            // them, and SELinux keeps what is not privileged away from them.
            privileged: Some(true),
            userns_mode: remapped.then(|| text("host")),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    leftover(docker, &name, &shared).await?;
    let work = async {
        let options = bollard::query_parameters::CreateContainerOptionsBuilder::new()
            .name(&name)
            .build();
        let made = docker
            .patient()
            .create_container(Some(options), body)
            .await
            .map_err(words)?;
        let ran = run_to_its_end(docker, &made.id).await;
        crate::world::node::remove(docker, &made.id, &name).await?;
        ran
    };
    match tokio::time::timeout(PURGE, work).await {
        Ok(done) => done,
        Err(_) => Err(Fault::unable(
            "purge-failed",
            format!("Removing the files below {shared} takes too long."),
        )
        .mend(format!(
            "The container {name} still does it; run the command again later."
        ))),
    }
}

/// Removes what a purge left that was killed: a container of this lab's own name that sees nothing
/// but this very folder. Anything else under the name stays and is told by Docker.
async fn leftover(docker: &Docker, name: &str, shared: &str) -> Result<(), Fault> {
    let Some(found) = docker.inspect(name).await? else {
        return Ok(());
    };
    let binds = found.host_config.and_then(|host| host.binds);
    match (found.id, binds.unwrap_or_default().as_slice()) {
        (Some(id), [bind]) if *bind == format!("{shared}:{MOUNTED}") => {
            crate::world::node::remove(docker, &id, name).await
        }
        _ => Ok(()),
    }
}

async fn run_to_its_end(docker: &Docker, id: &str) -> Result<String, Fault> {
    use futures::StreamExt;
    let failed = |why: String| {
        Fault::unable(
            "purge-failed",
            "The throw-away container did not remove the files.",
        )
        .why(why)
    };
    let started = docker.patient().start_container(id, None).await;
    started.map_err(|error| failed(error.to_string()))?;
    let mut wait = docker.patient().wait_container(id, None);
    let ended = wait.next().await;
    let lines = docker.last_lines(id, 20).await?;
    match ended {
        Some(Ok(_)) => Ok(lines.join("\n")),
        Some(Err(error)) => Err(failed(format!("{error}: {}", lines.join(" ")))),
        None => Err(failed("Docker did not wait for it".to_owned())),
    }
}

/// Where a node really sees the shared folder: what Docker says, not what a file says.
fn mounted_at(nodes: &OurNodes, node: &Node) -> Option<String> {
    let source = nodes.home().bind_source().ok()?;
    let seen = nodes.seen().iter().find(|seen| seen.id == node.id)?;
    seen.mounted_at(&source).map(str::to_owned)
}

fn no_mount(home: &Home, node: &str) -> Fault {
    Fault::unable(
        "purge-failed",
        format!("{node} does not see {}.", home.shared().display()),
    )
    .why("kind.yaml gives it no ${LAB_SHARED}")
}

fn is_empty(folder: &Path) -> bool {
    // One that may not be read is not known to be empty.
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// `12 3456` of the last line.
fn numbers(said: &str) -> Option<(u64, u64)> {
    let (files, bytes) = said.lines().last()?.trim().split_once(' ')?;
    Some((files.parse().ok()?, bytes.trim().parse().ok()?))
}

fn human(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_the_script_says_is_read() {
        assert_eq!(numbers("12 3456\n"), Some((12, 3456)));
        assert_eq!(numbers("noise\n0 4096"), Some((0, 4096)));
        assert_eq!(numbers(""), None);
        assert_eq!(
            (human(999).as_str(), human(12_345).as_str()),
            ("999 bytes", "12 kB")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_counted_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
        fs::create_dir_all(&inside).unwrap();
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("big"), [0; 5000]).unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
        let (mut files, mut bytes) = (0, 0);
        measure(&inside, &mut files, &mut bytes).unwrap();
        assert_eq!(files, 1);
        assert!(bytes < 5000);
    }
}
