//! Everything outside: Docker, the API server, Flink, files. Turns effects into events and foreign
//! types into our own; knows neither the model's state nor the screen.

use crate::model::{Effect, Event, Happening};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Where everything is. Filled by `main` from the environment, by `try` from its own servers,
/// by tests from theirs; nothing else in the program reads the environment.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// As in `DOCKER_HOST`: `unix://…` or `tcp://…`; none is Docker's own default.
    pub docker: Option<String>,
    /// The folder that holds one folder an instance.
    pub home: PathBuf,
    /// Where settings are read from.
    pub config: PathBuf,
}

/// What every effect is carried out with.
#[derive(Debug, Clone)]
pub struct World {
    /// Where everything is.
    pub addresses: Addresses,
    /// The instance's name.
    pub name: String,
    /// `--lab`, if it was given: the name of a built-in one or a folder.
    pub lab: Option<String>,
    /// Real, simulated or recorded.
    pub origin: crate::model::Origin,
    /// `--read-only`.
    pub read_only: bool,
}

/// Sends events to the loop, stamped.
#[derive(Debug, Clone)]
pub struct Events(mpsc::Sender<Happening>);

impl Events {
    /// A sender over a bounded channel: a flood slows its source, not the memory.
    #[must_use]
    pub fn new(to: mpsc::Sender<Happening>) -> Self {
        Self(to)
    }

    /// Sends an event stamped now. A loop that is gone is not an error: the program ends.
    pub async fn send(&self, event: Event) {
        let at = jiff::Timestamp::now();
        let _ = self.0.send(Happening { at, event }).await;
    }
}

/// Carries out one effect, answering with events. Ends when it is done or cancelled.
pub async fn perform(_world: Arc<World>, _effect: Effect, _events: Events, _stop: CancellationToken) {
}
