//! Keys of the person who watches: what they mean on a page, and what they cannot mean in a
//! recording.

use super::{Player, Watching};
use flinklab_event::{Effect, Event, Happening, Key};
use flinklab_model::Ended;

impl Player {
    /// A key for a page. It is tried on a copy: what would write changes nothing.
    pub(super) fn look(&mut self, key: Key) -> Watching {
        let before = self.own.as_ref().unwrap_or(&self.told);
        let mut tried = before.clone();
        let at = tried.model.now;
        let event = Event::Key(key);
        let effects = tried.update(&Happening { at, event });
        // what was half done when it was recorded is nothing that leaving could stop
        let leaves = tried.screen.leaving && !before.screen.leaving;
        if leaves || tried.model.ended == Some(Ended::Quit) {
            return Watching::Enough;
        }
        if tried.screen.suspend_requests > before.screen.suspend_requests {
            return Watching::Aside;
        }
        if tried.model.ended.is_some() {
            self.say("This is a recording: leave it first.");
        } else if effects.iter().any(Effect::acts) {
            self.say("This is a recording: nothing is done.");
        } else {
            if let Some(Effect::Previous(pod)) = effects.iter().find(|it| asks(it)) {
                let known = tried.model.previous.as_ref();
                if known.is_some_and(|log| log.uid == pod.uid) {
                    tried.screen.notice = None
                } else {
                    let words = "This is a recording: nobody asked for that log then.";
                    tried.screen.say(at, words);
                }
            }
            self.own = Some(tried);
        }
        Watching::GoOn
    }

    fn say(&mut self, words: &str) {
        let own = self.own.get_or_insert_with(|| self.told.clone());
        let at = own.model.now;
        own.screen.say(at, words);
    }
}

fn asks(effect: &Effect) -> bool {
    matches!(effect, Effect::Previous(_))
}
