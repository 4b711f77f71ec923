//! What is typed: words to look for, a filter, letters for the palette.

use crate::keys::{Section, key, line};
use crate::palette::take_chosen;
use crate::scroll::moved;
use crate::{Action, Scope, Ui};
use flinklab_event::{Effect, Key, KeyCode};
use flinklab_model::Words;

/// Characters that can be typed: nobody looks for more.
const TYPED: usize = 200;

use Action as A;

/// While something is typed.
#[rustfmt::skip] // a table
pub(super) static KEYS: Section = Section {
    name: "typing",
    words: "while something is typed",
    parent: None,
    opened_by: None,
    rows: &[
        line("take", A::Accept, "enter", "take"),
        line("leave", A::Back, "esc", "leave"),
        key("erase", A::Erase, "backspace", "last letter back"),
        key("down", A::Move(1), "down tab ctrl-n", "down, up"),
        key("up", A::Move(-1), "up shift-tab", "down, up"),
        key("page-down", A::Page(1), "pgdn", "page down, up"),
        key("page-up", A::Page(-1), "pgup", "page down, up"),
        key("close", A::Palette, "ctrl-p", "close the palette"),
        key("quit", A::Quit, "ctrl-c", "quit"),
    ],
};

/// What is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// Words to look for.
    Find,
    /// Words that log lines must have.
    Filter,
    /// A few letters of what to do or open.
    Palette,
}

/// A key while something is typed.
pub(super) fn typed(ui: &mut Ui, key: Key) -> Option<Action> {
    let action = ui.screen.keys.action(Scope::Typing, key);
    match (action, key.code) {
        (Some(action), _) => Some(action),
        (None, KeyCode::Char(letter)) if !key.ctrl => {
            if ui.screen.typed.chars().count() < TYPED && !flinklab_base::text::harms(letter) {
                ui.screen.typed.push(letter);
                take_typed(ui);
            }
            None
        }
        _ => None,
    }
}

/// What a key does while something is typed.
pub(super) fn typing(ui: &mut Ui, what: Typing, action: Action) -> Vec<Effect> {
    match action {
        Action::Erase => {
            ui.screen.typed.pop();
            take_typed(ui);
        }
        Action::Back | Action::Palette => {
            match what {
                Typing::Find => ui.screen.find.clear(),
                Typing::Filter => ui.pages.log.filter.clear(),
                Typing::Palette => {}
            }
            ui.screen.typing = None;
        }
        Action::Move(by) | Action::Page(by) if what == Typing::Palette => {
            let by = match action {
                Action::Page(_) => by.saturating_mul(ui.page_rows()),
                _ => by,
            };
            let count = ui.palette().len();
            let row = moved(ui.screen.palette_row, by, count);
            ui.choose_entry(row);
        }
        Action::Accept => {
            ui.screen.typing = None;
            match what {
                Typing::Palette => return take_chosen(ui),
                Typing::Find => ui.page().find(ui, Towards::Here),
                Typing::Filter => {}
            }
        }
        _ => {}
    }
    Vec::new()
}

/// What is typed counts at once.
fn take_typed(ui: &mut Ui) {
    let typed = ui.screen.typed.clone();
    match ui.screen.typing {
        Some(Typing::Find) => ui.screen.find = typed,
        Some(Typing::Filter) => {
            ui.pages.log.filter = typed;
            ui.pages.log.line = None;
        }
        Some(Typing::Palette) => (ui.screen.palette_row, ui.screen.palette_entry) = (0, None),
        None => {}
    }
}

pub(super) fn begin_typing(ui: &mut Ui, what: Typing) {
    ui.screen.typed = match what {
        Typing::Filter => ui.pages.log.filter.clone(),
        Typing::Find | Typing::Palette => String::new(),
    };
    if what == Typing::Find {
        ui.screen.find.clear();
    }
    (ui.screen.palette_row, ui.screen.palette_entry) = (0, None);
    ui.screen.typing = Some(what);
}

/// Which way to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Towards {
    /// This place counts.
    Here,
    /// On.
    On,
    /// Back.
    Back,
}

/// Goes to the next row with the words.
pub(super) fn find_row(ui: &mut Ui, towards: Towards) {
    let words = Words::of(&ui.screen.find);
    let mut places = Vec::new();
    if !words.none() {
        let texts = ui.page().texts(ui).into_iter().enumerate();
        places.extend(texts.filter(|(_, text)| words.fit(text)).map(|(at, _)| at));
    }
    if let Some(row) = next(ui, &places, ui.screen.spot.row, towards) {
        ui.choose(row);
    }
}

/// The next of the places where the words are; says so where there is none.
pub(super) fn next(ui: &mut Ui, places: &[usize], here: usize, towards: Towards) -> Option<usize> {
    let next = match towards {
        Towards::Here => places.iter().find(|place| **place >= here),
        Towards::On => places.iter().find(|place| **place > here),
        Towards::Back => places.iter().rev().find(|place| **place < here),
    };
    // round and round, as less does not but everybody wants
    let round = match towards {
        Towards::Here | Towards::On => places.first(),
        Towards::Back => places.last(),
    };
    let found = next.or(round).copied();
    if found.is_none() {
        let words = match ui.screen.find.as_str() {
            "" => "/ looks for words first.".to_owned(),
            words => format!("`{words}` is not here."),
        };
        ui.screen.say(ui.model.now, words);
    }
    found
}
