//! The shared folder: Flink's user may write all of it in the node, and this machine sees what is
//! written there.

use crate::gate::Claiming;
use crate::node;
use crate::node::{Node, shared};
use crate::shared::{Folder, Obstacle};
use crate::up::Run;
use flinklab_base::advice;
use flinklab_base::clock::{Instant, sleep};
use flinklab_base::fault::Fault;
use std::time::Duration;

/// How long a node may take to set an owner.
const OWN: Duration = Duration::from_secs(30);
/// How long a virtual machine may take to show it, and between two looks.
const SEEN: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(50);

/// Everything that Flink writes belongs to 9999:9999. Set from inside the node: no root here.
pub(super) async fn own_folders(run: &Run<'_>, claim: &Claiming) -> Result<(), Fault> {
    let Some(node) = claim.nodes().first() else {
        return Ok(());
    };
    // Root will make folders there: only where the container really sees our own.
    let seen = claim.seen().iter().find(|seen| seen.id == node.id);
    let mount = seen.and_then(|seen| seen.mounted_at(claim.shared()));
    let wanted = shared_path(run, &node.name);
    let (Some(mount), true) = (mount.map(str::to_owned), mount == wanted.as_deref()) else {
        return Err(Fault::unable(
            "cluster-changed",
            format!(
                "{} does not see the shared folder where kind.yaml says.",
                node.name
            ),
        )
        .why(format!(
            "it is at {}, not at {}",
            mount.unwrap_or("no single place"),
            wanted.as_deref().unwrap_or("any place")
        ))
        .hint(advice!(
            "Run `flinklab down`, then `flinklab up`: the data stays."
        )));
    };
    let wanted = &run.lab.flink.folders;
    let mut folders: Vec<String> = Vec::new();
    for folder in [&wanted.ha, &wanted.checkpoints, &wanted.savepoints] {
        let mut path = String::new();
        // Every folder on the way too: Flink makes neighbours of them.
        for part in folder.split('/').filter(|part| !part.is_empty()) {
            let slash = if path.is_empty() { "" } else { "/" };
            path = format!("{path}{slash}{part}");
            if !folders.contains(&path) {
                folders.push(path.clone());
            }
        }
    }
    let output = node
        .exec(&shared::own(&mount, &folders).words(), OWN)
        .await?;
    if let Some(obstacle) = Obstacle::said(output.code, &output.stderr) {
        return Err(obstacle.in_node(&node.name, &mount, &advice!("run `flinklab up` again")));
    }
    let owned = output.stdout.lines().filter(|line| *line == "ok").count();
    let probe = output
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("seen "));
    match probe.filter(|_| output.code == 0 && owned == folders.len() + 1) {
        Some(probe) => is_seen_here(run, node, (&mount, probe)).await,
        None => Err(Fault::unable(
            "shared-not-writable",
            format!(
                "Flink could not write below {}.",
                run.home.shared().display()
            ),
        )
        .why(format!(
            "user 9999 cannot write {mount} in the node: {}",
            output.stderr.trim()
        ))
        .hint("Set FLINKLAB_HOME to a folder on a local disk that Docker may mount.")),
    }
}

/// Where the node sees the shared folder.
fn shared_path(run: &Run<'_>, node: &str) -> Option<String> {
    let names = node::names(&run.lab.cluster, &run.home.name);
    let index = names.iter().position(|name| name == node)?;
    let node = run.lab.cluster.nodes.get(index)?;
    node.shared_path().map(str::to_owned)
}

/// A Docker in a virtual machine that does not share the folder mounts an empty one of its own, and
/// nothing fails until the first checkpoint is looked for.
async fn is_seen_here(
    run: &Run<'_>,
    node: &Node,
    (mount, probe): (&str, &str),
) -> Result<(), Fault> {
    let here = run.home.shared();
    let is_seen = || Ok(Folder::open(&here)?.is_some_and(|folder| folder.entry(probe).is_some()));
    let until = Instant::now() + SEEN;
    let mut seen = is_seen()?;
    while !seen && Instant::now() < until {
        sleep(LOOK).await;
        seen = is_seen()?;
    }
    // It belongs to Flink's user: only there it can be removed.
    let path = format!("{}/{probe}", mount.trim_end_matches('/'));
    let removed = node.exec(&["rm", "-f", &path], OWN).await?;
    if !seen {
        let shared = run.home.shared();
        return Err(Fault::unable(
            "shared-not-seen",
            format!(
                "This machine does not see what the node writes below {}.",
                shared.display()
            ),
        )
        .why("Docker mounted another folder of that name: its machine does not share this one")
        .hint(advice!(
            "Share the folder with Docker (its settings, File sharing), or set FLINKLAB_HOME to one \
             that is shared; then `flinklab down` and `flinklab up`."
        )));
    }
    removed
        .expect(&format!("Removing {path} in {}", node.name))
        .map(drop)
}
