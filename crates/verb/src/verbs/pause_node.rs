//! Pauses a worker node's container through Docker, which needs nothing in it.

use crate::{
    Act, Effect, Facts, Hits, Injection, NodeAccess, NodeName, NodeUndo, Scene, Step, Stored, Task,
    UndoKind, UndoneBy, Until, Verb,
};
use flinklab_base::clock::{self, Instant};
use flinklab_base::fault::Fault;
use flinklab_base::units;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The container of the node paused through Docker.
pub const PAUSE_NODE: Step = Step::of(&PauseNode);

struct PauseNode;

static FACTS: Facts = Facts {
    key: "pause-node",
    hits: &[Hits::Worker],
    effect: Effect::StopsNode,
    until: Until::Undone,
    undone: UndoneBy {
        sentence: "the node's container goes on",
        words: "node resumed",
        slow: false,
    },
    undos: &[UndoKind::in_node::<Resume>()],
    scripts: &[],
};

impl Verb for PauseNode {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn command(&self, scene: &Scene) -> String {
        format!("docker pause {}", scene.node())
    }

    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()> {
        Box::pin(async move {
            let victims = on.victims().to_vec();
            let own = |node: &NodeName| node.name == victims[0].node;
            let node = on.nodes().into_iter().find(own);
            let node = node.ok_or_else(|| victims[0].changed("its node is none of this lab's"))?;
            let elsewhere = victims.iter().find(|one| one.node != node.name);
            if let Some(one) = elsewhere {
                return Err(one.changed("it runs on another node"));
            }
            let name = node.name.as_str();
            // Everything else that is watched goes through it.
            if node.is_control_plane() {
                let what = format!("{name} runs the API server; only a worker is paused.");
                return Err(Fault::wrong("no-worker", what));
            }
            let undo = Act::in_node(Resume {
                node: node.name.clone(),
            });
            on.journal(format!("the node {name} is paused"), vec![undo])?;
            on.began();
            let (at, began) = (clock::now(), Instant::now());
            on.pause(name).await?;
            // Whoever took it back while Docker was asked has found nothing to take back.
            if !on.is_journaled() {
                on.resume(name).await?;
                return Err(Fault::unable("taken-back", "The pause was taken back.")
                    .why("healed from outside"));
            }
            on.sent(at, began, "our clock, before Docker's pause").await;
            let container = units::short(&node.id, units::CONTAINER);
            let proof = if on.is_paused(name).await? {
                Ok(format!(
                    "Docker shows {name} (container {container}) paused since {} UTC, and in it {}",
                    super::stamp(at),
                    super::names(&victims)
                ))
            } else {
                Err(format!("Docker shows {name} running"))
            };
            on.hit(proof).await;
            Ok(())
        })
    }
}

/// A paused node goes on.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The node's name.
    pub node: String,
}

impl Stored for Resume {
    const DO: &'static str = "resume";
    const WRITTEN: &'static str = r#"{"do":"resume","node":"n"}"#;
}

impl NodeUndo for Resume {
    fn node(&self) -> &str {
        &self.node
    }

    fn command(&self) -> String {
        format!("docker unpause {}", self.node)
    }

    fn is_by_docker(&self) -> bool {
        true
    }

    fn undo<'a>(&'a self, node: &'a dyn NodeAccess) -> Task<'a, Timestamp> {
        Box::pin(async move {
            let at = clock::now();
            node.resume().await.map(|()| at)
        })
    }
}
