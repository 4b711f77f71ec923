//! A whole node stops: its container is paused through Docker, which needs nothing in it. Written
//! down before, and proven by what Docker then says.

use super::pins::changed;
use super::pods::stamp;
use super::{HEALED, Hand};
use crate::Events;
use crate::journal;
use crate::journal::Act;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_base::units;

impl Hand<'_> {
    pub(super) async fn pause_node(&mut self, events: &Events) -> Result<(), Fault> {
        let node = self.victims[0].node.clone();
        let elsewhere = self.victims.iter().find(|one| one.node.id != node.id);
        if let Some(one) = elsewhere {
            return Err(changed(&one.target, "it runs on another node"));
        }
        // Everything else that is watched goes through it.
        if node.name.ends_with("-control-plane") {
            return Err(Fault::wrong(
                "no-worker",
                format!(
                    "{} runs the API server; only a worker is paused.",
                    node.name
                ),
            ));
        }
        let act = Act::Resume {
            node: node.name.clone(),
        };
        self.will_undo(format!("the node {} is paused", node.name), vec![act])?;
        self.began();
        let (at, began) = (clock::now(), Instant::now());
        node.pause().await?;
        // Whoever took it back while Docker was asked has found nothing to take back.
        if !journal::is_there(self.ours.home(), &self.order.run) {
            node.resume().await?;
            return Err(Fault::unable("taken-back", "The pause was taken back.").why(HEALED));
        }
        self.sent(at, began, "our clock, before Docker's pause", events)
            .await;
        let names: Vec<&str> = self
            .victims
            .iter()
            .map(|victim| victim.target.pod.as_str())
            .collect();
        let container = units::short(&node.id, units::CONTAINER);
        let proof = match node.is_paused().await? {
            true => Ok(format!(
                "Docker shows {} (container {container}) paused since {} UTC, and in it {}",
                node.name,
                stamp(at),
                names.join(" and ")
            )),
            false => Err(format!("Docker shows {} running", node.name)),
        };
        self.hit(proof, events).await;
        Ok(())
    }
}
