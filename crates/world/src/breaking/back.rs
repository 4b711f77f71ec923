//! Takes back what this session applied, and does not give up: what fails is told and tried again until
//! it is done, somebody else did it, or the program ends.

use super::{BreakSession, End, HEALED, INTERRUPTED};
use crate::access::LiveCluster;
use crate::journal;
use crate::journal::Entry;
use crate::{gate, undo};
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use flinklab_event::RunEventKind;
use flinklab_lab::failure::LONGEST;
use flinklab_verb::Act;
use jiff::Timestamp;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Time between two tries.
const AGAIN: Duration = Duration::from_secs(5);
/// The same while the program ends and waits only for a moment.
const LEAVING: Duration = Duration::from_secs(1);
/// How finely it is seen that somebody else did it.
const SEEN_MS: u32 = 250;

/// How an entry came to be undone.
enum Back {
    /// By this session, in the last act's moment.
    Ours(Option<Timestamp>),
    /// By another process, meanwhile.
    Elsewhere,
}

impl BreakSession<'_> {
    /// Takes back what is written down, and takes the entry out.
    pub(super) async fn take_back(&mut self, end: &End, stop: &CancellationToken) {
        let Some(entry) = self.entry.take() else {
            return;
        };
        let mut undos = self.order.failure.undone_by();
        if undos.any(|undo| undo.slow) && matches!(end, End::Early(INTERRUPTED)) {
            // It takes longer than somebody waits who wants to leave: the next command does it.
            return;
        }
        loop {
            match self.undo(&entry).await {
                Ok(back) => return self.undone(&entry, back, end).await,
                Err(fault) => self.events.run(RunEventKind::Stuck(fault)).await,
            }
            if stop.is_cancelled() {
                clock::sleep(LEAVING).await
            } else {
                tokio::select! {
                    () = clock::sleep(AGAIN) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }

    async fn undone(&self, entry: &Entry, back: Back, end: &End) {
        let early = match (end, &back) {
            (_, Back::Elsewhere) => Some(HEALED.to_owned()),
            (End::Early(why), _) => Some((*why).to_owned()),
            (End::Time, _) if self.order.short => Some(format!(
                "taken back after {}, before the failure could show itself",
                self.order.failure.lasts.unwrap_or(LONGEST)
            )),
            (End::Time | End::Judged | End::Refused, _) => None,
        };
        // Docker resumes a node, and has no clock of its own to tell.
        let is_script = |act: &Act| act.node().is_some() && !act.is_by_docker();
        let LiveCluster { world, ours, .. } = self.cluster;
        let in_node = entry.undo.iter().any(is_script);
        let (at, observer, resolution_ms) = match back {
            Back::Ours(at) => {
                undo::tell(world, ours.namespace(), entry, self.events).await;
                let observer = if in_node {
                    "node clock, before the undo"
                } else {
                    "our clock, before the undo"
                };
                (at, observer, 20)
            }
            Back::Elsewhere => (None, "our clock, found undone", SEEN_MS),
        };
        let undone = RunEventKind::Undone {
            at: at.unwrap_or_else(clock::now),
            observer: observer.to_owned(),
            resolution_ms,
            early,
        };
        self.events.run(undone).await;
    }

    async fn undo(&self, entry: &Entry) -> Result<Back, Fault> {
        let LiveCluster {
            world,
            opened,
            ours,
        } = self.cluster;
        let home = ours.home();
        let Some(_claim) = journal::claimed(home, &entry.run).await? else {
            return Ok(Back::Elsewhere);
        };
        let docker = world.docker().await?;
        let nodes = gate::our_nodes(world, opened, &docker).await?;
        let in_nodes = undo::in_nodes(&nodes, entry).await?;
        let in_cluster = if entry.undo.iter().all(|act| act.node().is_some()) {
            None
        } else {
            undo::in_cluster(self.cluster, entry).await?
        };
        journal::remove(home, &entry.run)?;
        Ok(Back::Ours(in_cluster.or(in_nodes)))
    }
}
