//! Stops a pod's first process with SIGSTOP from its node; SIGCONT takes it back.

use crate::facts::{ECHO, HEARTBEATS};
use crate::{
    Act, Aftershock, Effect, Facts, Hits, Injection, NodeAccess, NodeUndo, POD_HITS, Part, Scene,
    Script, Seconds, Signal, SimNode, Simulated, Step, Stored, Task, UndoKind, UndoneBy, Until,
    Verb, script,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// SIGSTOP from the node.
pub const FREEZE: Step = Step::of(&Freeze);

struct Freeze;

static STOP: Script = script(
    "flinklab-freeze",
    include_str!("../../../../assets/node/freeze.sh"),
    Part::Break,
    stop,
);
static CONTINUE: Script = script(
    "flinklab-thaw",
    include_str!("../../../../assets/node/thaw.sh"),
    Part::Undo,
    go_on,
);

static FACTS: Facts = Facts {
    key: "freeze",
    hits: POD_HITS,
    effect: Effect::Freezes,
    until: Until::Undone,
    undone: UndoneBy {
        sentence: "the process may go on (SIGCONT)",
        words: "SIGCONT",
        slow: false,
    },
    undos: &[UndoKind::in_node::<Thaw>()],
    scripts: &[&STOP, &CONTINUE],
};

/// How long the script may take.
const LIMIT: Duration = Duration::from_secs(20);
/// A leader that is away for so long may cost its workers their heartbeats.
const LONG: Seconds = Seconds(45);

impl Verb for Freeze {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn command(&self, scene: &Scene) -> String {
        scene.signal("STOP")
    }

    fn aftershock(&self, hits: Hits, lasts: Seconds) -> Aftershock {
        let leads = matches!(hits, Hits::Leader | Hits::Standby | Hits::AllJobmanagers);
        if leads && lasts >= LONG {
            Aftershock::Within(HEARTBEATS)
        } else {
            Aftershock::Within(ECHO)
        }
    }

    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()> {
        Box::pin(async move {
            let victims = on.victims().to_vec();
            let undo = victims.iter().map(|victim| {
                Act::in_node(Thaw {
                    node: victim.node.clone(),
                    pid: victim.pid,
                    start: victim.start,
                    pod: victim.pod.clone(),
                })
            });
            let undo = undo.collect();
            let what = format!("the process of {} is stopped", super::names(&victims));
            on.journal(what, undo)?;
            let mut words = Vec::new();
            for victim in &victims {
                let (pid, start) = (victim.pid.to_string(), victim.start.to_string());
                let argv = [pid.as_str(), start.as_str()];
                match on
                    .script(&victim.node, &STOP, &argv, LIMIT, "SIGSTOP")
                    .await?
                {
                    Ok(at) => words.push(format!(
                        "process {pid} of {} is in state T since {} UTC",
                        victim.who(),
                        super::stamp(at)
                    )),
                    Err(_) if words.is_empty() => {
                        return Err(victim.changed("its process is another one"));
                    }
                    Err(why) => {
                        on.hit(Err(why)).await;
                        return Ok(());
                    }
                }
            }
            on.hit(Ok(words.join("; "))).await;
            Ok(())
        })
    }
}

/// SIGCONT to a process of the node.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thaw {
    /// The node's name.
    pub node: String,
    /// As the node counts.
    pub pid: u32,
    /// Clock ticks since the node's boot.
    pub start: u64,
    /// Whose it is.
    pub pod: String,
}

impl Stored for Thaw {
    const DO: &'static str = "thaw";
    const WRITTEN: &'static str = r#"{"do":"thaw","node":"n","pid":7,"start":9,"pod":"p"}"#;
}

impl NodeUndo for Thaw {
    fn node(&self) -> &str {
        &self.node
    }

    fn command(&self) -> String {
        format!("docker exec {} kill -CONT {}", self.node, self.pid)
    }

    fn undo<'a>(&'a self, node: &'a dyn NodeAccess) -> Task<'a, Timestamp> {
        Box::pin(async move {
            let (pid, start) = (self.pid.to_string(), self.start.to_string());
            node.undo(&CONTINUE, &[&pid, &start]).await
        })
    }
}

fn stop<'a>(node: &'a dyn SimNode, words: &'a [&'a str]) -> Simulated<'a> {
    Box::pin(async move {
        let [pid, start] = words else { return 2 };
        if !node.runs(pid, start) {
            node.out("mismatch");
            return 3;
        }
        node.stamp("sent");
        node.signal(pid, start, Signal::Stop);
        node.stamp("stopped");
        0
    })
}

fn go_on<'a>(node: &'a dyn SimNode, words: &'a [&'a str]) -> Simulated<'a> {
    Box::pin(async move {
        let [pid, start] = words else { return 2 };
        let is_there = node.signal(pid, start, Signal::Continue);
        node.stamp(if is_there { "undone" } else { "ended" });
        0
    })
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::verbs::tests::{Double, Held};
    use std::fs;
    use std::process::Command;

    #[tokio::test]
    async fn the_double_ends_as_the_script() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id().to_string();
        let stat = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let field = |n: usize| {
            let stat = stat();
            let (_, rest) = stat.rsplit_once(") ").unwrap();
            rest.split(' ').nth(n - 3).unwrap().to_owned()
        };
        let start = field(22);
        let double = Double::with_process(&pid, &start);
        let held = Held::new(&[], double);
        let (right, wrong) = ([pid.as_str(), start.as_str()], [pid.as_str(), "1"]);
        held.ends("flinklab-freeze", "a", &wrong, 3, &["mismatch"])
            .await;
        held.ends("flinklab-freeze", "a", &right, 0, &["sent", "stopped"])
            .await;
        assert_eq!(field(3), "T");
        held.ends("flinklab-thaw", "a", &wrong, 0, &["ended"]).await;
        held.ends("flinklab-thaw", "a", &right, 0, &["undone"])
            .await;
        assert_ne!(field(3), "T");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
