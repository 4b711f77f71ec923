//! What the loop wants of the screen, and of the headless commands that take its place.

use flinklab_base::clock::Instant;
use flinklab_event::{Effect, Happening};
use flinklab_model::{Drawn, Model};

/// Shows the model after each batch of events, and says when enough was seen.
pub(super) trait Show {
    /// Called after a batch was taken in; the batch is what happened.
    fn show(&mut self, model: &Model, batch: &[Happening]) -> Next;
    /// When a `Tick` is wanted, whatever else happens until then; the last one was at that moment.
    fn next_tick(&self, model: &Model, last: Instant) -> Instant;
    /// Nothing more will be shown; tasks may still clean up.
    fn over(&mut self) {}
}

/// Whether to go on.
pub(super) enum Next {
    /// There is more to see.
    Go,
    /// This much of what scrolls was drawn; there is more to see.
    Drawn(Drawn),
    /// These effects, then more.
    Ask(Vec<Effect>),
    /// Enough was seen.
    Stop,
}
