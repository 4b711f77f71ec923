//! How the model changes: one event is taken in, in five stages. Each stage gives what the next one
//! cannot do without and only that stage can make, so that their order is held by their types: a
//! fact is there before something is concluded from it, a run has seen an event before it is judged
//! on it, pages follow what was concluded, and the world is asked for what the pages want to show.
//! Within a stage nothing depends on what stands before it, unless a type says so there.

mod facts;
mod follows;
mod pages;
mod runs;
mod wishes;

use super::{Model, still};
use flinklab_event::{Effect, Event, Happening};
use wishes::Asked;

/// Takes what happened into the model and says what to do about it.
pub fn update(model: &mut Model, happening: &Happening) -> Vec<Effect> {
    let mut effects = Vec::new();
    // stamps of another clock are in our time from here on
    let ours = model.cluster.clock.in_our_time(happening);
    let happening = ours.as_ref().unwrap_or(happening);
    let facts = facts::take(model, happening, &mut effects);
    let followed = follows::follow(model, &happening.event, &facts);
    let judged = runs::judge(model, happening, &followed, &mut effects);
    let turned = pages::turn(model, &happening.event, &judged, &mut effects);
    let asked = wishes::ask(model, &turned, &mut effects);
    hold(model, &happening.event, &asked);
    effects
}

/// A held picture counts what was taken in.
fn hold(model: &mut Model, event: &Event, _: &Asked) {
    still::count(model, event);
}
