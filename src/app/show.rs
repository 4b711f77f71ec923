//! What the loop wants of the screen, and of the headless commands that take its place.

use flinklab_base::clock::Instant;
use flinklab_event::{Effect, Happening};
use flinklab_model::Model;
use flinklab_tui::{Drawn, Ui};

/// What the loop takes events into: the model alone, or with the pages of a person who looks at it.
pub(super) trait State {
    /// Takes what happened in and says what to do about it.
    fn update(&mut self, happening: &Happening) -> Vec<Effect>;
    /// What is known.
    fn model(&mut self) -> &mut Model;
    /// How large the screen is, where there is one.
    fn size(&self) -> Option<(u16, u16)>;
    /// This much of what scrolls was drawn.
    fn drawn(&mut self, drawn: Drawn);
}

impl State for Model {
    fn update(&mut self, happening: &Happening) -> Vec<Effect> {
        flinklab_model::update(self, happening)
    }

    fn model(&mut self) -> &mut Model {
        self
    }

    fn size(&self) -> Option<(u16, u16)> {
        None
    }

    fn drawn(&mut self, _: Drawn) {}
}

impl State for Ui {
    fn update(&mut self, happening: &Happening) -> Vec<Effect> {
        Self::update(self, happening)
    }

    fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    fn size(&self) -> Option<(u16, u16)> {
        let screen = &self.screen;
        (screen.columns > 0).then_some((screen.columns, screen.rows))
    }

    fn drawn(&mut self, drawn: Drawn) {
        Self::drawn(self, drawn);
    }
}

/// Shows what is known after each batch of events, and says when enough was seen.
pub(super) trait Show {
    /// What it shows.
    type Of: State;
    /// Called after a batch was taken in; the batch is what happened.
    fn show(&mut self, of: &Self::Of, batch: &[Happening]) -> Next;
    /// When a `Tick` is wanted, whatever else happens until then; the last one was at that moment.
    fn next_tick(&self, of: &Self::Of, last: Instant) -> Instant;
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
