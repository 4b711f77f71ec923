//! The picture held still: the model as it was, with a screen of its own. Keys that look around move
//! in it and see nothing newer; nothing that happens changes it. What acts on the lab acts on what
//! it is now: the picture goes on first.

use super::palette::Act;
use super::{Action, Model, Page, Paused, Scope, Typing, arming, input};
use flinklab_event::{Effect, Event, Key};

/// What a key means for a held picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// It moves in it.
    Looks,
    /// It lets it go on.
    GoesOn,
    /// It does something whatever is shown.
    Acts,
    /// It does something with what is shown, which may be another by now.
    ActsOnShown,
}

/// Holds the picture still.
pub(super) fn hold(model: &mut Model) {
    let mut seen = Box::new(model.clone());
    seen.screen.paused = Some(0);
    let page = model.screen.page;
    model.paused = Some(Paused { seen, page });
}

/// Lets it go on, where it was looked at last.
fn go_on(model: &mut Model) {
    let Some(paused) = model.paused.take() else {
        return;
    };
    let live = std::mem::replace(&mut model.screen, paused.seen.screen);
    // what is not the picture's went on
    let screen = &mut model.screen;
    screen.paused = None;
    screen.drawn = None;
    (screen.columns, screen.rows) = (live.columns, live.rows);
    screen.notice = live.notice;
    screen.aim = live.aim;
    screen.armed = live.armed;
    screen.leaving = live.leaving;
    screen.asides = live.asides;
    screen.present = live.present;
    screen.noted = live.noted;
    model.settle_screen();
}

/// A key while the picture is held still; none: it goes on now, and the key is for what is there.
pub(super) fn pressed(model: &mut Model, key: Key) -> Option<Vec<Effect>> {
    let seen = &model.paused.as_ref()?.seen;
    match meaning(seen, key) {
        Meaning::Looks => Some(look(model, key)),
        Meaning::GoesOn => {
            go_on(model);
            Some(Vec::new())
        }
        Meaning::Acts => {
            go_on(model);
            None
        }
        Meaning::ActsOnShown => {
            go_on(model);
            let words = format!("The picture goes on: {key} again, if what it shows now is meant.");
            model.screen.say(model.now, words);
            Some(Vec::new())
        }
    }
}

/// Moves in the picture.
fn look(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(paused) = &mut model.paused else {
        return Vec::new();
    };
    let seen: &mut Model = &mut paused.seen;
    let pod = |model: &Model| {
        let uid = model.screen.pod.clone();
        uid.filter(|_| model.screen.page == Page::Pod)
    };
    let (asides, before) = (seen.screen.asides, pod(seen));
    let effects = input::pressed(seen, key);
    seen.settle_screen();
    // a pod that was opened here, and is no more
    if let Some(uid) = pod(seen).filter(|uid| before.as_ref() != Some(uid))
        && !model.cluster.pods.contains_key(&uid)
        && let Some(pod) = seen.cluster.pods.get(&uid)
    {
        let words = format!("{} is gone by now: this is how it was.", pod.name);
        seen.screen.say(seen.now, words);
    }
    // the terminal's own things
    model.screen.asides += seen.screen.asides - asides;
    model.screen.copied.clone_from(&seen.screen.copied);
    effects
}

fn meaning(seen: &Model, key: Key) -> Meaning {
    let screen = &seen.screen;
    let action = match screen.typing {
        None if arming::armed_digit(seen, key).is_some() => return Meaning::ActsOnShown,
        None => screen.keys.action(screen.scope(), key),
        Some(what) => match screen.keys.action(Scope::Typing, key) {
            Some(Action::Accept) if what == Typing::Palette => {
                let entry = seen.palette().into_iter().nth(screen.palette_row);
                match entry.map(|entry| entry.act) {
                    Some(Act::Do(action)) => Some(action),
                    Some(Act::Failure(_)) => return Meaning::Acts,
                    Some(Act::Pod(_) | Act::Checkpoint(_) | Act::Theme(_)) | None => None,
                }
            }
            Some(Action::Quit) => Some(Action::Quit),
            _ => None,
        },
    };
    let acts = matches!(screen.page, Page::Lesson | Page::Control);
    match action {
        Some(Action::Pause) => Meaning::GoesOn,
        Some(Action::Enter) if acts => Meaning::ActsOnShown,
        Some(
            Action::Digit(_)
            | Action::Fire
            | Action::DryRun
            | Action::Job(_)
            | Action::Step(_)
            | Action::Again
            | Action::Leave,
        ) => Meaning::ActsOnShown,
        Some(
            Action::Quit
            | Action::Failures
            | Action::Lessons
            | Action::Heal
            | Action::Up
            | Action::Doctor
            | Action::Visit(_)
            | Action::Present
            | Action::Blank
            | Action::Light
            | Action::Previous
            | Action::Arm
            | Action::Open(Page::Control),
        ) => Meaning::Acts,
        _ => Meaning::Looks,
    }
}

/// What happened is counted; the picture itself knows only how large the terminal is.
pub(super) fn count(model: &mut Model, event: &Event) {
    let Some(mut paused) = model.paused.take() else {
        return;
    };
    // what is fired, built or no more wants to be seen
    if model.screen.page != paused.page {
        return;
    }
    let begun = model.run().is_some() && paused.seen.run().is_none();
    let quiet = matches!(event, Event::Tick | Event::Key(_) | Event::Resize { .. });
    let screen = &mut paused.seen.screen;
    (screen.columns, screen.rows) = (model.screen.columns, model.screen.rows);
    if let Some(news) = &mut screen.paused {
        *news = news.saturating_add(u64::from(!quiet));
    }
    model.paused = Some(paused);
    if begun {
        go_on(model);
    }
}
