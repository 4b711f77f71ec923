//! How the model changes: one event is taken in, in three stages. Each stage gives what the next one
//! cannot do without and only that stage can make, so that their order is held by their types: a
//! fact is there before something is concluded from it, and a run has seen an event before it is
//! judged on it. Within a stage nothing depends on what stands before it, unless a type says so
//! there.

mod facts;
mod follows;
mod runs;

use crate::Model;
use flinklab_event::{Effect, Happening};

/// What came of an event.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What is to be done about it.
    pub effects: Vec<Effect>,
    /// How a run ended that nobody judges, in a sentence.
    pub broken_off: Option<String>,
}

/// Takes what happened into the model and says what to do about it.
pub fn update(model: &mut Model, happening: &Happening) -> Vec<Effect> {
    outcome(model, happening).effects
}

/// Takes what happened into the model, and says what came of it.
pub fn outcome(model: &mut Model, happening: &Happening) -> Outcome {
    let mut effects = Vec::new();
    // stamps of another clock are in our time from here on
    let ours = model.cluster.clock.in_our_time(happening);
    let happening = ours.as_ref().unwrap_or(happening);
    let facts = facts::take(model, happening, &mut effects);
    let followed = follows::follow(model, &happening.event, &facts);
    let judged = runs::judge(model, happening, &followed, &mut effects);
    effects.extend(model.hurry());
    Outcome {
        effects,
        broken_off: judged.broken_off,
    }
}
