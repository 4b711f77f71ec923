//! Makes the folder of the job's checkpoints read-only, and gives it its mode again.

use crate::{
    Act, Effect, Facts, Hits, Injection, NodeAccess, NodeUndo, Part, Scene, Script, SimNode,
    Simulated, Step, Stored, Task, UndoKind, UndoneBy, Until, Verb, script,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The folder of the job's checkpoints read-only.
pub const FORBID_WRITING: Step = Step::of(&ForbidWriting);

struct ForbidWriting;

/// Says the mode of a folder of the shared folder.
pub static MODE: Script = script(
    "flinklab-mode",
    include_str!("../../../../assets/node/mode.sh"),
    Part::Look,
    mode,
)
.in_shared();
static FORBID: Script = script(
    "flinklab-forbid",
    include_str!("../../../../assets/node/forbid.sh"),
    Part::Break,
    forbid,
)
.in_shared();
static ALLOW: Script = script(
    "flinklab-allow",
    include_str!("../../../../assets/node/allow.sh"),
    Part::Undo,
    allow,
)
.in_shared();

static FACTS: Facts = Facts {
    key: "forbid-writing",
    hits: &[Hits::CheckpointFolder],
    effect: Effect::Spares,
    until: Until::Undone,
    undone: UndoneBy {
        sentence: "the folder is writable again",
        words: "writable again",
        slow: false,
    },
    undos: &[UndoKind::in_node::<FolderMode>()],
    scripts: &[&MODE, &FORBID, &ALLOW],
};

/// How long the script may take.
const LIMIT: Duration = Duration::from_secs(20);

impl Verb for ForbidWriting {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn command(&self, scene: &Scene) -> String {
        format!("docker exec {} chmod a-w {}", scene.node(), scene.folder())
    }

    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()> {
        Box::pin(async move {
            let node = on.victims()[0].node.clone();
            let of = on.checkpoints(&node)?;
            let words = [of.mount.as_str(), of.folder.as_str()];
            let doing = "Asking for the folder's mode";
            let mode = on.output(&node, &MODE, &words, doing).await?;
            let undo = Act::in_node(FolderMode {
                node: node.clone(),
                folder: of.path.clone(),
                mode: mode.trim().to_owned(),
            });
            let what = format!("the checkpoints of job {} are read-only", of.job);
            on.journal(what, vec![undo])?;
            let told = on.script(&node, &FORBID, &words, LIMIT, "chmod").await?;
            let proof = told.map(|at| {
                let at = super::stamp(at);
                format!("a write as 9999 into {} is refused since {at} UTC", of.path)
            });
            on.hit(proof).await;
            Ok(())
        })
    }
}

/// A folder of the node as it was.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderMode {
    /// The node's name.
    pub node: String,
    /// The folder, as the node sees it.
    pub folder: String,
    /// Its mode, octal.
    pub mode: String,
}

impl Stored for FolderMode {
    const DO: &'static str = "mode";
    const WRITTEN: &'static str = r#"{"do":"mode","node":"n","folder":"/s/c","mode":"755"}"#;
}

impl NodeUndo for FolderMode {
    fn node(&self) -> &str {
        &self.node
    }

    fn command(&self) -> String {
        format!(
            "docker exec {} chmod {} {}",
            self.node, self.mode, self.folder
        )
    }

    fn undo<'a>(&'a self, node: &'a dyn NodeAccess) -> Task<'a, Timestamp> {
        Box::pin(async move {
            let (mount, folder) = node.in_shared(&self.folder)?;
            node.undo(&ALLOW, &[mount, folder, &self.mode]).await
        })
    }
}

fn mode<'a>(node: &'a dyn SimNode, words: &'a [&'a str]) -> Simulated<'a> {
    Box::pin(async move {
        let [mount, folder] = words else { return 2 };
        let mode = || super::must_be_there(node, mount, folder)?.mode(folder);
        super::ended(mode().map(|mode| node.out(&format!("{mode:o}"))))
    })
}

fn forbid<'a>(node: &'a dyn SimNode, words: &'a [&'a str]) -> Simulated<'a> {
    Box::pin(async move {
        let [mount, folder] = words else { return 2 };
        let forbid = || {
            let shared = super::must_be_there(node, mount, folder)?;
            node.stamp("sent");
            shared.set_mode(folder, shared.mode(folder)? & 0o7555)?;
            node.stamp("stopped");
            Ok(())
        };
        super::ended(forbid())
    })
}

fn allow<'a>(node: &'a dyn SimNode, words: &'a [&'a str]) -> Simulated<'a> {
    Box::pin(async move {
        let [mount, folder, mode] = words else {
            return 2;
        };
        let allow = || {
            let shared = node.shared(mount)?;
            if shared.is_there(folder)? {
                shared.set_mode(folder, u32::from_str_radix(mode, 8).map_err(|_| 4)?)?;
            }
            node.stamp("undone");
            Ok(())
        };
        super::ended(allow())
    })
}
