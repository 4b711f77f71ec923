//! Drops what a pod says to other pods and to the API server, and what other pods say to it, by
//! iptables rules in its node.

use crate::facts::HEARTBEATS;
use crate::{
    Act, Aftershock, Effect, Facts, Hits, Injection, NodeAccess, NodeUndo, POD_HITS, Part, Scene,
    Script, Seconds, SimNode, Simulated, Step, Stored, Task, UndoKind, UndoneBy, Until, Verb,
    script,
};
use flinklab_base::clock::{self, Instant};
use flinklab_base::fault::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Drop the pod's packets in the node: to and from other pods and the API server.
pub const CUT_OFF: Step = Step::of(&CutOff);

struct CutOff;

static CUT: Script = script(
    "flinklab-cut",
    include_str!("../../../../assets/node/cut.sh"),
    Part::Break,
    cut,
);
static COUNTED: Script = script(
    "flinklab-counted",
    include_str!("../../../../assets/node/counted.sh"),
    Part::Look,
    counted,
);
static RECONNECT: Script = script(
    "flinklab-reconnect",
    include_str!("../../../../assets/node/reconnect.sh"),
    Part::Undo,
    reconnect,
);

static FACTS: Facts = Facts {
    key: "cut-off",
    hits: POD_HITS,
    effect: Effect::CutsOff,
    until: Until::Undone,
    undone: UndoneBy {
        sentence: "the rules are removed from the node",
        words: "rules removed",
        slow: false,
    },
    undos: &[UndoKind::in_node::<Reconnect>()],
    scripts: &[&CUT, &COUNTED, &RECONNECT],
};

/// How long a script may take.
const LIMIT: Duration = Duration::from_secs(20);
/// How long a cut-off pod may take to say something: a lease is renewed every 5 s.
const NOTICED: Duration = Duration::from_secs(12);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(250);

impl Verb for CutOff {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn command(&self, scene: &Scene) -> String {
        scene.each(|pod| {
            let (node, ip) = (&pod.node, &pod.ip);
            format!(
                "docker exec {node} sh -c 'iptables -I FORWARD -s {ip} -j DROP; \
                 iptables -I FORWARD -d {ip} -j DROP; \
                 iptables -I INPUT -s {ip} -p tcp --dport 6443 -j DROP'"
            )
        })
    }

    fn aftershock(&self, _hits: Hits, _lasts: Seconds) -> Aftershock {
        Aftershock::Within(HEARTBEATS)
    }

    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()> {
        Box::pin(async move {
            let victims = on.victims().to_vec();
            let names = super::names(&victims);
            let mark = format!("flinklab-{}", on.run());
            // Packets may be met on any node: the pod's own, and the one of the API server.
            let undo = on.nodes().into_iter().map(|node| {
                Act::in_node(Reconnect {
                    node: node.name,
                    mark: mark.clone(),
                })
            });
            let undo = undo.collect();
            on.journal(format!("{names} is cut off by iptables rules"), undo)?;
            for victim in &victims {
                if victim.address.is_empty() {
                    return Err(victim.changed("it has no address"));
                }
                let argv = [mark.as_str(), victim.address.as_str()];
                let told = on
                    .script(&victim.node, &CUT, &argv, LIMIT, "iptables")
                    .await?;
                told.map_err(|why| {
                    Fault::unable("cut-failed", "The pod could not be cut off.").why(why)
                })?;
            }
            let until = Instant::now() + NOTICED;
            loop {
                let mut dropped = 0;
                for victim in &victims {
                    let doing = "Counting the packets that met the rules";
                    let count = on.output(&victim.node, &COUNTED, &[&mark], doing).await?;
                    dropped += count.trim().parse::<u64>().unwrap_or_default();
                }
                if dropped > 0 {
                    let packets = if dropped == 1 { "packet" } else { "packets" };
                    let words = format!("{dropped} {packets} of {names} met the rules");
                    on.hit(Ok(words)).await;
                    return Ok(());
                }
                if Instant::now() >= until {
                    let words = format!("no packet of {names} met the rules");
                    on.hit(Err(words)).await;
                    return Ok(());
                }
                clock::sleep(LOOK).await;
            }
        })
    }
}

/// Rules with this comment out of the node.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconnect {
    /// The node's name.
    pub node: String,
    /// The rules' comment.
    pub mark: String,
}

impl Stored for Reconnect {
    const DO: &'static str = "reconnect";
    const WRITTEN: &'static str = r#"{"do":"reconnect","node":"n","mark":"flinklab-r"}"#;
}

impl NodeUndo for Reconnect {
    fn node(&self) -> &str {
        &self.node
    }

    fn command(&self) -> String {
        let Self { node, mark } = self;
        format!(
            "docker exec {node} sh -c 'iptables -S | grep {mark} | sed s/^-A/-D/ | xargs -L1 iptables'"
        )
    }

    fn undo<'a>(&'a self, node: &'a dyn NodeAccess) -> Task<'a, Timestamp> {
        Box::pin(async move { node.undo(&RECONNECT, &[&self.mark]).await })
    }
}

fn cut<'a>(node: &'a dyn SimNode, words: &'a [&'a str]) -> Simulated<'a> {
    Box::pin(async move {
        let [mark, address] = words else { return 2 };
        node.stamp("sent");
        node.drop_packets(mark, address);
        node.stamp("stopped");
        0
    })
}

fn counted<'a>(node: &'a dyn SimNode, words: &'a [&'a str]) -> Simulated<'a> {
    Box::pin(async move {
        let [mark] = words else { return 2 };
        node.out(&node.dropped(mark).to_string());
        0
    })
}

fn reconnect<'a>(node: &'a dyn SimNode, words: &'a [&'a str]) -> Simulated<'a> {
    Box::pin(async move {
        let [mark] = words else { return 2 };
        node.pass_packets(mark);
        node.stamp("undone");
        0
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::verbs::tests::{Double, Held};
    use std::fs;

    /// Keeps its rules in a file, and says that one packet met each.
    const IPTABLES: &str = r#"rules=${0%/*}/rules
[ "$1" != -w ] || shift 2
case $1 in
  -I) shift; echo "-A $*" >>"$rules" ;;
  -D) shift; grep -vxF -- "-A $*" "$rules" >"$rules.new"; mv "$rules.new" "$rules" ;;
  -S) cat "$rules" ;;
  -nvxL) sed 's|.*--comment \([^ ]*\) .*|1 60 DROP all -- /* \1 */|' "$rules" ;;
esac"#;

    #[tokio::test]
    async fn the_doubles_end_as_the_scripts() {
        let held = Held::new(&[("iptables", IPTABLES)], Double::default());
        let rules = held.folder.path().join("rules");
        fs::write(&rules, "-A FORWARD -s 10.0.0.9 -j DROP\n").unwrap();
        let (mark, cut) = ("flinklab-a", ["sent", "stopped"]);
        held.ends("flinklab-cut", "a", &[mark, "10.0.0.1"], 0, &cut)
            .await;
        let other = ["flinklab-ab", "10.0.0.2"];
        held.ends("flinklab-cut", "ab", &other, 0, &cut).await;
        held.ends("flinklab-counted", "a", &[mark], 0, &["N"]).await;
        assert_eq!(fs::read_to_string(&rules).unwrap().lines().count(), 7);
        held.ends("flinklab-reconnect", "a", &[mark], 0, &["undone"])
            .await;
        let left = fs::read_to_string(&rules).unwrap();
        assert_eq!(left.lines().count(), 4, "only its own rules: {left}");
        assert!(!left.contains("10.0.0.1 "), "{left}");
    }
}
