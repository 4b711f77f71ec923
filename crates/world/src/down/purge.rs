//! What `down --purge` takes away: measured and listed before, removed by root inside the node.
//! Where the node is gone, a throw-away container of the node image with only the shared folder
//! mounted does it. Follows no link and leaves the shared folder nowhere.

use crate::World;
use crate::docker::Docker;
use crate::gate::OurNodes;
use crate::home::{Home, Maker};
use crate::node::{Node, shared as within};
use crate::open::{LabHandle, must_open};
use crate::shared::{Folder, Obstacle, Size};
use bollard::models::{ContainerCreateBody, HostConfig};
use flinklab_base::advice;
use flinklab_base::advice::Advice;
use flinklab_base::fault::Fault;
use flinklab_base::units;
use std::path::Path;
use std::time::Duration;

/// How long a removal may take: many small files on a slow disk.
const PURGE: Duration = Duration::from_secs(600);
/// How many files are counted before the count is called "more than".
const COUNTED: u64 = 1_000_000;
/// Where the throw-away container sees the shared folder.
const MOUNTED: &str = "/purge";

/// What to do when what was in the way is gone.
fn again() -> Advice {
    advice!("run `flinklab down --purge` again")
}

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
        let size = measured(world, &opened, &path).await;
        lines.push(format!(
            "{} ({what}: {} files, {})",
            path.display(),
            size.files,
            units::bytes(size.bytes)
        ));
        if let Some(links) = size.links() {
            lines.push(format!("links in it, but not what they point to: {links}"));
        }
    }
    lines.push(format!(
        "{} (state, kubeconfig, log)",
        home.folder.display()
    ));
    Ok(lines)
}

/// Counted here, or inside the node where its files may not be read from here.
async fn measured(world: &World, opened: &LabHandle, path: &Path) -> Size {
    let mut size = Size::default();
    let here = Folder::open(path).and_then(|folder| match folder {
        Some(folder) => folder.measure(COUNTED, &mut size),
        None => Ok(()),
    });
    if here.is_ok() {
        return size;
    }
    let inside = async {
        let docker = world.docker().await.ok()?;
        let nodes = crate::gate::our_nodes(world, opened, &docker).await.ok()?;
        let node = nodes.nodes().first()?;
        let argv = within::measure(nodes.shared_in(node)?);
        let output = node.exec(&argv.words(), PURGE).await.ok()?;
        Size::said(&output.stdout)
    };
    inside.await.unwrap_or(size)
}

/// Removes what Flink wrote and says how much that was.
pub(super) async fn flinks_files(
    docker: &Docker,
    nodes: &OurNodes,
    opened: &LabHandle,
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
                    // Paused, too broken to be entered, or with something else mounted there. It
                    // goes away next anyway, and what writes there must be gone before anything
                    // else removes it.
                    tracing::warn!("nothing was removed from inside {}: {fault}", node.name);
                    tell(&format!("{} cannot do it: removes it first", node.name));
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
    let size = Size::said(&said).unwrap_or_default();
    let links = size.links().map_or(String::new(), |links| {
        format!("; links were removed, not what they point to: {links}")
    });
    Ok(format!(
        "{} files ({}) below {}{links}",
        size.files,
        units::bytes(size.bytes),
        home.shared().display()
    ))
}

/// Removes the files by a command in a node that runs.
async fn from_inside(nodes: &OurNodes, node: &Node) -> Result<String, Fault> {
    let mount = nodes
        .shared_in(node)
        .ok_or_else(|| no_mount(nodes.home(), &node.name))?;
    // What writes there must be gone first, on every node; they go away next anyway.
    futures::future::try_join_all(nodes.nodes().iter().map(|node| quiet(node, nodes))).await?;
    inside(node, mount).await
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
    let output = node.exec(&within::purge(mount).words(), PURGE).await?;
    if let Some(obstacle) = Obstacle::said(output.code, &output.stderr) {
        return Err(obstacle.in_node(&node.name, mount, &again()));
    }
    output.expect("Removing Flink's files in the node")
}

/// A container of the node image that runs nothing but the removal and sees nothing but the
/// shared folder.
async fn throw_away(docker: &Docker, opened: &LabHandle) -> Result<String, Fault> {
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
        .hint(format!(
            "Check that Docker runs and has the image {image}, then run it again."
        ))
    };
    crate::images::ensure(docker, &image, |_| {}).await?;
    let remapped = docker.daemon().await?.remaps_users;
    let text = |part: &str| part.to_owned();
    let body = ContainerCreateBody {
        image: Some(image.clone()),
        entrypoint: Some(
            within::purge(MOUNTED)
                .words()
                .into_iter()
                .map(text)
                .collect(),
        ),
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
        let ran = run_to_its_end(docker, &made.id, &shared).await;
        crate::node::remove(docker, &made.id, &name).await?;
        ran
    };
    match tokio::time::timeout(PURGE, work).await {
        Ok(done) => done,
        Err(_) => Err(Fault::unable(
            "purge-failed",
            format!("Removing the files below {shared} takes too long."),
        )
        .hint(format!(
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
            crate::node::remove(docker, &id, name).await
        }
        _ => Ok(()),
    }
}

async fn run_to_its_end(docker: &Docker, id: &str, folder: &str) -> Result<String, Fault> {
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
        Some(Err(error)) => Err(match Obstacle::said(code_of(&error), &lines.join("\n")) {
            Some(obstacle) => obstacle.in_way(folder, &again()),
            None => failed(format!("{error}: {}", lines.join(" "))),
        }),
        None => Err(failed("Docker did not wait for it".to_owned())),
    }
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
    match Folder::open(folder) {
        Ok(Some(folder)) => folder.entries(1).is_ok_and(|entries| entries.is_empty()),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// How the container ended.
fn code_of(error: &bollard::errors::Error) -> i64 {
    match error {
        bollard::errors::Error::DockerContainerWaitError { code, .. } => *code,
        _ => -1,
    }
}
