//! Moves the manifest of the API server aside, so that its kubelet stops it, and back.

use crate::{
    Act, Aftershock, Effect, Facts, Hits, Injection, NodeAccess, NodeUndo, Part, Scene, Script,
    Seconds, SimNode, Simulated, Step, Stored, Task, UndoKind, UndoneBy, Until, Verb, script,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The manifest of the API server moved aside, so that its kubelet stops it.
pub const STOP_API_SERVER: Step = Step::of(&StopApiServer);

struct StopApiServer;

static ASIDE: Script = script(
    "flinklab-aside",
    include_str!("../../../../assets/node/aside.sh"),
    Part::Break,
    aside,
);
static BACK: Script = script(
    "flinklab-back",
    include_str!("../../../../assets/node/back.sh"),
    Part::Undo,
    back,
);

static FACTS: Facts = Facts {
    key: "stop-api-server",
    hits: &[Hits::ApiServer],
    effect: Effect::StopsServer,
    until: Until::Undone,
    undone: UndoneBy {
        sentence: "its manifest is moved back",
        words: "moved back",
        slow: false,
    },
    undos: &[UndoKind::in_node::<MoveBack>()],
    scripts: &[&ASIDE, &BACK],
};

/// Where the kubelet finds the API server's manifest, and where it does not.
const MANIFEST: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const MANIFEST_ASIDE: &str = "/etc/kubernetes/flinklab-kube-apiserver.yaml";

impl Verb for StopApiServer {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn command(&self, scene: &Scene) -> String {
        let node = scene.control_plane();
        format!("docker exec {node} mv {MANIFEST} {MANIFEST_ASIDE}")
    }

    fn aftershock(&self, _hits: Hits, _lasts: Seconds) -> Aftershock {
        // A job may complete a checkpoint before its leader finds that it led for too long without
        // a renewal: seen 1.4 s apart.
        Aftershock::UntilRenewed
    }

    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()> {
        Box::pin(async move {
            let first = on.nodes().into_iter().find(|node| node.is_control_plane());
            let node = first.map_or_else(|| on.victims()[0].node.clone(), |node| node.name);
            let undo = Act::in_node(MoveBack {
                node: node.clone(),
                from: MANIFEST_ASIDE.to_owned(),
                to: MANIFEST.to_owned(),
            });
            on.journal(format!("the API server of {node} is away"), vec![undo])?;
            // The clock of `for` runs from the move, and it ends in order, which takes a while.
            on.began();
            let words = [MANIFEST, MANIFEST_ASIDE];
            let told = on.script(&node, &ASIDE, &words, on.left(), "mv").await?;
            let proof = told.map(|at| {
                let at = super::stamp(at);
                format!("the API server of {node} stopped at {at} UTC")
            });
            on.hit(proof).await;
            Ok(())
        })
    }
}

/// A file of the node back to its place.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveBack {
    /// The node's name.
    pub node: String,
    /// Where it was put.
    pub from: String,
    /// Where it belongs.
    pub to: String,
}

impl Stored for MoveBack {
    const DO: &'static str = "move-back";
    const WRITTEN: &'static str = r#"{"do":"move-back","node":"n","from":"/a","to":"/b"}"#;
}

impl NodeUndo for MoveBack {
    fn node(&self) -> &str {
        &self.node
    }

    fn command(&self) -> String {
        format!("docker exec {} mv {} {}", self.node, self.from, self.to)
    }

    fn undo<'a>(&'a self, node: &'a dyn NodeAccess) -> Task<'a, Timestamp> {
        Box::pin(async move { node.undo(&BACK, &[&self.from, &self.to]).await })
    }
}

/// A simulated API server ends in order, with its open requests.
const ENDS: (f64, f64) = (1.0, 4.0);
/// From its manifest to its first answer.
const STARTS: (f64, f64) = (4.0, 6.0);

fn aside<'a>(node: &'a dyn SimNode, words: &'a [&'a str]) -> Simulated<'a> {
    Box::pin(async move {
        let [_, to] = words else { return 2 };
        node.stamp("sent");
        node.write(to);
        node.wait(ENDS.0, ENDS.1).await;
        // The kubelet stops it only as long as its manifest is away.
        if node.has(to) {
            node.stop_api_server();
        }
        node.stamp("stopped");
        0
    })
}

fn back<'a>(node: &'a dyn SimNode, words: &'a [&'a str]) -> Simulated<'a> {
    Box::pin(async move {
        let [from, _] = words else { return 2 };
        let was_away = node.remove(from);
        node.stamp("undone");
        if was_away {
            node.start_api_server(STARTS.0, STARTS.1);
        }
        0
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::verbs::tests::{Double, Held};
    use std::fs;

    #[tokio::test]
    async fn the_doubles_end_as_the_scripts() {
        // No container runs any more.
        let held = Held::new(&[("crictl", "true")], Double::default());
        let at = |name: &str| held.folder.path().join(name);
        fs::write(at("manifest"), "apiVersion: v1").unwrap();
        let (here, away) = (at("manifest"), at("aside"));
        let (here, away) = (here.to_str().unwrap(), away.to_str().unwrap());
        let said = ["sent", "stopped"];
        held.ends("flinklab-aside", "a", &[here, away], 0, &said)
            .await;
        assert!(at("aside").exists() && !at("manifest").exists());
        for _ in 0..2 {
            held.ends("flinklab-back", "a", &[away, here], 0, &["undone"])
                .await;
            assert!(at("manifest").exists());
        }
    }
}
