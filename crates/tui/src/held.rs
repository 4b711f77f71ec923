//! The picture held still: the model as it was, with a screen of its own. Keys that look around move
//! in it and see nothing newer; nothing that happens changes it. What acts on the lab acts on what
//! it is now: the picture goes on first.

use crate::Ui;
use crate::palette::Act;
use crate::ui::Held;
use crate::{Action, Page, Scope, Typing, arming, input};
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
pub(super) fn hold(ui: &mut Ui) {
    let mut picture = Box::new(ui.clone());
    picture.screen.paused = Some(0);
    let page = ui.screen.page;
    ui.held = Some(Held { picture, page });
}

/// Lets it go on, where it was looked at last.
fn go_on(ui: &mut Ui) {
    let Some(held) = ui.held.take() else {
        return;
    };
    let Ui { screen, pages, .. } = *held.picture;
    let live = std::mem::replace(&mut ui.screen, screen);
    // what is not the picture's went on
    let screen = &mut ui.screen;
    screen.paused = None;
    screen.drawn = None;
    (screen.columns, screen.rows) = (live.columns, live.rows);
    screen.notice = live.notice;
    screen.armed = live.armed;
    screen.leaving = live.leaving;
    screen.suspend_requests = live.suspend_requests;
    screen.present = live.present;
    screen.noted = live.noted;
    let mut live = std::mem::replace(&mut ui.pages, pages);
    for page in Page::ALL {
        page.component().goes_on(&mut ui.pages, &mut live);
    }
    ui.settle();
}

/// A key while the picture is held still; none: it goes on now, and the key is for what is there.
pub(super) fn pressed(ui: &mut Ui, key: Key) -> Option<Vec<Effect>> {
    let seen = &ui.held.as_ref()?.picture;
    match meaning(seen, key) {
        Meaning::Looks => Some(look(ui, key)),
        Meaning::GoesOn => {
            go_on(ui);
            Some(Vec::new())
        }
        Meaning::Acts => {
            go_on(ui);
            None
        }
        Meaning::ActsOnShown => {
            go_on(ui);
            let words = format!("The picture goes on: {key} again, if what it shows now is meant.");
            ui.screen.say(ui.model.now, words);
            Some(Vec::new())
        }
    }
}

/// Moves in the picture.
fn look(ui: &mut Ui, key: Key) -> Vec<Effect> {
    let Some(held) = &mut ui.held else {
        return Vec::new();
    };
    let seen: &mut Ui = &mut held.picture;
    let pod = |ui: &Ui| {
        let uid = ui.pages.pod.uid.clone();
        uid.filter(|_| ui.screen.page == Page::Pod)
    };
    let (suspend_requests, before) = (seen.screen.suspend_requests, pod(seen));
    let effects = input::pressed(seen, key);
    seen.settle();
    // a pod that was opened here, and is no more
    if let Some(uid) = pod(seen).filter(|uid| before.as_ref() != Some(uid))
        && !ui.model.cluster.pods.contains_key(&uid)
        && let Some(pod) = seen.model.cluster.pods.get(&uid)
    {
        let words = format!("{} is gone by now: this is how it was.", pod.name);
        seen.screen.say(seen.model.now, words);
    }
    // the terminal's own things
    ui.screen.suspend_requests += seen.screen.suspend_requests - suspend_requests;
    ui.screen.copied.clone_from(&seen.screen.copied);
    effects
}

fn meaning(seen: &Ui, key: Key) -> Meaning {
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
    let acts = seen.page().acts();
    match action {
        Some(Action::Pause) => Meaning::GoesOn,
        Some(Action::Enter | Action::Own(_)) if acts => Meaning::ActsOnShown,
        Some(Action::Step(_) | Action::Again) => Meaning::ActsOnShown,
        Some(Action::Open(page)) if page.component().acts() => Meaning::Acts,
        Some(
            Action::Quit
            | Action::Heal
            | Action::Up
            | Action::Doctor
            | Action::Visit(_)
            | Action::Present
            | Action::Blank
            | Action::Light
            | Action::Previous
            | Action::Arm,
        ) => Meaning::Acts,
        _ => Meaning::Looks,
    }
}

/// What happened is counted; the picture itself knows only how large the terminal is.
pub(super) fn count(ui: &mut Ui, event: &Event) {
    let Some(mut held) = ui.held.take() else {
        return;
    };
    // what is fired, built or no more wants to be seen
    if ui.screen.page != held.page {
        return;
    }
    let begun = ui.model.run().is_some() && held.picture.model.run().is_none();
    let quiet = matches!(event, Event::Tick | Event::Key(_) | Event::Resize { .. });
    let screen = &mut held.picture.screen;
    (screen.columns, screen.rows) = (ui.screen.columns, ui.screen.rows);
    if let Some(news) = &mut screen.paused {
        *news = news.saturating_add(u64::from(!quiet));
    }
    ui.held = Some(held);
    if begun {
        go_on(ui);
    }
}
