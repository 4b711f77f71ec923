//! The user interface: what is known, where a person looks at it, and how keys and events change
//! both. Pure, as the model is: time comes in with the event.

use crate::pages::log::LogShown;
use crate::pages::{Component, Page, States, control, lesson};
use crate::player::Playback;
use crate::{Screen, building, held, input, present};
use flinklab_event::{DetailLevel, Effect, Event, Happening, Signal};
use flinklab_model::Model;

/// What is known, and where a person looks at it. A value: a picture that is held still is another
/// one.
#[derive(Debug, Clone, Default)]
pub struct Ui {
    /// What is known.
    pub model: Model,
    /// What is on the screen.
    pub screen: Screen,
    /// What each page remembers.
    pub pages: States,
    /// What is on the screen while it is held still.
    pub held: Option<Held>,
    /// What is looked at more closely than usual.
    pub attention: DetailLevel,
    /// The recording that this comes from, if it does: where it stands.
    pub playback: Option<Playback>,
}

/// The picture held still: what was known then, and what keys did with it since.
#[derive(Debug, Clone)]
pub struct Held {
    /// As it was, with a screen of its own.
    pub picture: Box<Ui>,
    /// The page that was open then.
    pub(super) page: Page,
}

impl Ui {
    /// The page that is open.
    pub(super) fn page(&self) -> &'static dyn Component {
        self.screen.page.component()
    }

    /// What the picture shows: this, or as it was when the picture was held still.
    #[must_use]
    pub fn seen(&self) -> &Self {
        self.held.as_ref().map_or(self, |held| &held.picture)
    }

    /// Takes what happened in and says what to do about it: a key does what it means, the model
    /// learns what it can, pages follow what is known then, and the world is asked for what they
    /// want to show.
    pub fn update(&mut self, happening: &Happening) -> Vec<Effect> {
        let mut effects = Vec::new();
        match &happening.event {
            Event::Key(key) => {
                self.model.now = happening.at;
                effects = input::pressed(self, *key);
            }
            Event::Resize { columns, rows } => {
                (self.screen.columns, self.screen.rows) = (*columns, *rows);
            }
            Event::Signal(Signal::Suspend) => self.screen.suspend_requests += 1,
            _ => {}
        }
        let outcome = flinklab_model::outcome(&mut self.model, happening);
        effects.extend(outcome.effects);
        let event = &happening.event;
        input::follow(self, event);
        if let Some(words) = outcome.broken_off {
            self.screen.say(self.model.now, words);
        }
        effects.extend(building::examined_at_first(self, event));
        effects.extend(lesson::follow(self));
        self.settle();
        effects.extend(attend(self));
        effects.extend(control::look(self));
        effects.extend(present::note(self));
        held::count(self, event);
        effects
    }
}

/// Looks more closely only at what somebody looks at.
fn attend(ui: &mut Ui) -> Option<Effect> {
    let wanted = match (ui.page().attention(), ui.pages.log.shown) {
        (DetailLevel::Usual, LogShown::All) => DetailLevel::Output,
        (wanted, _) => wanted,
    };
    if ui.attention == wanted {
        return None;
    }
    ui.attention = wanted;
    Some(Effect::Attend(wanted))
}

#[cfg(test)]
mod tests;
