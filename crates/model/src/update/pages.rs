//! The fourth stage: the screen and the lesson follow what is known now.

use super::runs::Judged;
use crate::{Model, building, input, lesson};
use flinklab_event::{Effect, Event};

/// Pages stand as they should after the event.
pub(super) struct Turned(());

/// Turns pages and says what is new.
pub(super) fn turn(
    model: &mut Model,
    event: &Event,
    judged: &Judged,
    effects: &mut Vec<Effect>,
) -> Turned {
    input::follow(model, event);
    if let Some(words) = &judged.broken_off {
        model.screen.say(model.now, words.clone());
    }
    let turned = Turned(());
    effects.extend(examined(model, event, &turned));
    effects.extend(lesson::follow(model));
    model.settle_screen();
    turned
}

/// What stands in the way of a lab is looked for once its page is open.
fn examined(model: &Model, event: &Event, _: &Turned) -> Vec<Effect> {
    building::examined_at_first(model, event)
}
