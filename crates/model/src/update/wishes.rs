//! The fifth stage: what the world is asked for from now on, by what the model has become. None of
//! these looks at the event: the same model always wants the same.

use super::pages::Turned;
use crate::{LogShown, Model, Page, control, present};
use flinklab_event::{Attention, Effect};

/// The world was asked for all that is wanted.
pub(super) struct Asked(());

/// Asks for it, where it is not what was asked for before.
pub(super) fn ask(model: &mut Model, _: &Turned, effects: &mut Vec<Effect>) -> Asked {
    effects.extend(model.hurry());
    effects.extend(attend(model));
    effects.extend(control::look(model));
    effects.extend(present::note(model));
    Asked(())
}

/// Looks more closely only at what somebody looks at.
fn attend(model: &mut Model) -> Option<Effect> {
    let wanted = match (model.screen.page, model.screen.log_shown) {
        (Page::Job, _) => Attention::Job,
        (_, LogShown::All) => Attention::Output,
        (_, LogShown::Flink | LogShown::Highlights) => Attention::Usual,
    };
    if model.attention == wanted {
        return None;
    }
    model.attention = wanted;
    Some(Effect::Attend(wanted))
}
