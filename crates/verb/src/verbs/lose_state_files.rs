//! Moves the files of the job's state aside, those that checkpoints share and those in them, and
//! back. The step that follows is what makes it felt.

use super::MODE;
use crate::{
    Act, Effect, Facts, Hits, Injection, NodeAccess, NodeUndo, Part, Scene, Script, SharedFolder,
    SimNode, Simulated, Step, Stored, Task, UndoKind, UndoneBy, Until, Verb, script,
};
use flinklab_base::clock::{self, Instant};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The files of the job's state moved aside: those that checkpoints share, and those in them.
pub const LOSE_STATE_FILES: Step = Step::of(&LoseStateFiles);

struct LoseStateFiles;

static LOSE: Script = script(
    "flinklab-lose",
    include_str!("../../../../assets/node/lose.sh"),
    Part::Break,
    lose,
)
.in_shared();
static RETURN: Script = script(
    "flinklab-return",
    include_str!("../../../../assets/node/return.sh"),
    Part::Undo,
    give_back,
)
.in_shared();

static FACTS: Facts = Facts {
    key: "lose-state-files",
    hits: &[Hits::Leader, Hits::AllJobmanagers],
    effect: Effect::Spares,
    until: Until::Judged,
    undone: UndoneBy {
        sentence: "the files are moved back",
        words: "files moved back",
        slow: false,
    },
    undos: &[UndoKind::in_node::<StateFiles>()],
    scripts: &[&LOSE, &RETURN],
};

impl Verb for LoseStateFiles {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn command(&self, scene: &Scene) -> String {
        format!(
            "docker exec {} sh -c 'cd {} && mkdir aside && mv shared/* aside'",
            scene.node(),
            scene.folder()
        )
    }

    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()> {
        Box::pin(async move {
            let node = on.victims()[0].node.clone();
            let of = on.checkpoints(&node)?;
            let words = [of.mount.as_str(), of.folder.as_str()];
            // What is in the way must be known before there is anything to take back.
            let doing = "Asking for the folder of the checkpoints";
            on.output(&node, &MODE, &words, doing).await?;
            let aside = format!("{}/.flinklab-{}", of.path, on.run());
            let undo = Act::in_node(StateFiles {
                node: node.clone(),
                folder: of.path.clone(),
                aside: aside.clone(),
            });
            let what = format!("state files of job {} are moved aside", of.job);
            on.journal(what, vec![undo])?;
            let (at, began) = (clock::now(), Instant::now());
            let words = [of.mount.as_str(), of.folder.as_str(), aside.as_str()];
            let doing = "Moving the files of the state aside";
            let told = on.output(&node, &LOSE, &words, doing).await?;
            if on.is_last() {
                on.sent(at, began, "our clock, before the files were moved")
                    .await;
                let count = told.split_whitespace().nth(1).unwrap_or("some");
                let words = format!("{count} files of the job's state are moved aside");
                on.hit(Ok(words)).await;
            }
            Ok(())
        })
    }
}

/// Files of a job's state back to where they were; the job comes back at its next try.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateFiles {
    /// The node's name.
    pub node: String,
    /// The folder of the job's checkpoints, as the node sees it.
    pub folder: String,
    /// Where they were put.
    pub aside: String,
}

impl Stored for StateFiles {
    const DO: &'static str = "files";
    const WRITTEN: &'static str = r#"{"do":"files","node":"n","folder":"/s/c","aside":"/s/c/.a"}"#;
}

impl NodeUndo for StateFiles {
    fn node(&self) -> &str {
        &self.node
    }

    fn command(&self) -> String {
        let Self {
            node,
            folder,
            aside,
        } = self;
        format!("docker exec {node} cp -a {aside}/. {folder}")
    }

    fn undo<'a>(&'a self, node: &'a dyn NodeAccess) -> Task<'a, Timestamp> {
        Box::pin(async move {
            let (mount, folder) = node.in_shared(&self.folder)?;
            node.undo(&RETURN, &[mount, folder, &self.aside]).await
        })
    }
}

fn lose<'a>(node: &'a dyn SimNode, words: &'a [&'a str]) -> Simulated<'a> {
    Box::pin(async move {
        let [mount, folder, aside] = words else {
            return 2;
        };
        let lose = || {
            let shared = super::must_be_there(node, mount, folder)?;
            let aside = below(folder, aside);
            let mut lost = 0;
            for state in folders_of_state(&*shared, folder)? {
                let (from, to) = (format!("{folder}/{state}"), format!("{aside}/{state}"));
                shared.is_there(&to)?;
                if !shared.is_there(&from)? {
                    continue;
                }
                for file in shared.files(&from)? {
                    if file != "_metadata" && shared.rename(&file, &from, &to)? {
                        lost += 1;
                    }
                }
            }
            if lost == 0 {
                node.err(&format!("there is no file of state below {folder}"));
                return Err(5);
            }
            node.out(&format!("lost {lost}"));
            Ok(())
        };
        super::ended(lose())
    })
}

fn give_back<'a>(node: &'a dyn SimNode, words: &'a [&'a str]) -> Simulated<'a> {
    Box::pin(async move {
        let [mount, folder, aside] = words else {
            return 2;
        };
        let give_back = || {
            let shared = node.shared(mount)?;
            let aside = below(folder, aside);
            if shared.is_there(folder)? && shared.is_there(&aside)? {
                for state in folders_of_state(&*shared, &aside)? {
                    let (from, to) = (format!("{aside}/{state}"), format!("{folder}/{state}"));
                    if shared.is_there(&from)? && shared.is_there(&to)? {
                        for file in shared.files(&from)? {
                            shared.rename(&file, &from, &to)?;
                        }
                    }
                }
                shared.remove(&aside)?;
            }
            node.stamp("undone");
            Ok(())
        };
        super::ended(give_back())
    })
}

/// The folder aside is one of the job's folder.
fn below(folder: &str, aside: &str) -> String {
    let name = aside.rsplit('/').next().unwrap_or(aside);
    format!("{folder}/{name}")
}

/// What a job's folder has of folders with state, whatever is in their place.
fn folders_of_state(shared: &dyn SharedFolder, job: &str) -> Result<Vec<String>, i64> {
    let is_checkpoint = |name: &str| {
        let digits = name.strip_prefix("chk-").unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut all = shared.names(job)?;
    all.retain(|name| name == "shared" || is_checkpoint(name));
    all.sort();
    Ok(all)
}
