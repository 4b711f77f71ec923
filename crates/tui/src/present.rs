//! In front of a class: one idea a screen, the keys that were pressed, a screen that can be blanked;
//! and what the one who speaks reads in a second terminal.

use crate::Ui;
use crate::keys::{Section, key, line};
use crate::{Action, Keymap, Page, Scope};
use flinklab_event::{Effect, Key, Note};
use flinklab_model::{Is, LessonRun};
use jiff::Timestamp;
use std::collections::VecDeque;

/// Keys that are shown.
const SHOWN: usize = 3;

use Action as A;

/// In front of a class.
#[rustfmt::skip] // a table
pub(super) static KEYS: Section = Section {
    name: "presenter",
    words: "in front of a class",
    parent: Some(Scope::Everywhere),
    opened_by: Some((70, key("present", A::Present, "P", "for a room: large and light"))),
    rows: &[
        line("do", A::Enter, "space enter", "do it, then on"),
        line("before", A::Step(-1), "b left", "step before"),
        line("next", A::Step(1), "n right", "next step"),
        line("again", A::Again, "a", "step again"),
        line("blank", A::Blank, ".", "blank"),
        line("lessons", A::Open(Page::Lesson), "L", "lessons"),
        line("failures", A::Open(Page::Failures), "x", "failures"),
        key("light", A::Light, "w", "white or dark"),
        key("heal", A::Heal, "U", "take back what is broken"),
        line("end", A::Present, "P", "pages again"),
    ],
};

/// What the room sees.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Present {
    /// Nothing at all: everybody looks at the one who speaks.
    pub blank: bool,
    /// On dark instead of on white.
    pub dark: bool,
    /// The keys that were pressed last, the newest last.
    pub keys: VecDeque<String>,
}

impl super::Screen {
    /// Whether the room sees one idea instead of the page.
    #[must_use]
    pub fn presents(&self) -> bool {
        self.present.is_some() && matches!(self.page, Page::Dashboard | Page::Lesson)
    }

    /// Whose keys count.
    #[must_use]
    pub fn scope(&self) -> Scope {
        if self.presents() {
            Scope::Present
        } else {
            self.page.scope()
        }
    }
}

/// Shows the room what is pressed.
pub(super) fn pressed(ui: &mut Ui, key: Key) {
    let known = Keymap::action(&ui.screen.keys, ui.screen.scope(), key);
    let Some(present) = &mut ui.screen.present else {
        return;
    };
    // what blanks the screen is no part of the show, and any key brings it back
    if known == Some(Action::Blank) {
        return;
    }
    present.blank = false;
    present.keys.push_back(key.to_string());
    while present.keys.len() > SHOWN {
        present.keys.pop_front();
    }
}

/// On or off.
pub(super) fn toggle(ui: &mut Ui) {
    ui.screen.present = match ui.screen.present.take() {
        Some(_) => None,
        None => Some(Present::default()),
    };
    if ui.screen.present.is_some() {
        if ui.screen.page != Page::Lesson {
            let page = match ui.pages.lesson.run {
                Some(_) => Page::Lesson,
                None => Page::Dashboard,
            };
            ui.open(page);
        }
        let words = format!(
            "Speaker notes, in a second terminal: {}",
            ui.model.flinklab().command("notes")
        );
        ui.screen.say(ui.model.now, words);
    }
}

/// Blank, or not.
pub(super) fn blank(ui: &mut Ui) {
    if let Some(present) = &mut ui.screen.present {
        present.blank = !present.blank;
    }
}

/// White or dark, for the light in the room.
pub(super) fn light(ui: &mut Ui) {
    if let Some(present) = &mut ui.screen.present {
        present.dark = !present.dark;
    }
}

/// Tells the second terminal what changed for the one who speaks.
pub(super) fn note(ui: &mut Ui) -> Option<Effect> {
    // without a screen or a lab nobody speaks
    if ui.screen.columns == 0 || ui.playback.is_some() || ui.model.lab.is_none() {
        return None;
    }
    let note = ui.note();
    if ui.screen.noted.as_deref() == Some(&note) {
        return None;
    }
    ui.screen.noted = Some(Box::new(note.clone()));
    Some(Effect::Note(Box::new(note)))
}

impl Ui {
    /// What the one who speaks reads now.
    #[must_use]
    pub fn note(&self) -> Note {
        let lab = self.model.lab.as_ref();
        let mut note = Note {
            lab: lab.map_or_else(String::new, |lab| lab.name.clone()),
            origin: lab.map_or(self.model.origin, |lab| lab.origin),
            ..Note::default()
        };
        let Some(lesson_run) = &self.pages.lesson.run else {
            let lessons = self.key_for(Scope::Pages, Action::Open(Page::Lesson));
            note.press = format!("{lessons}: choose a lesson");
            return note;
        };
        let Some(step) = lesson_run.now() else {
            return note;
        };
        note.lesson.clone_from(&lesson_run.lesson.title);
        (note.step, note.of) = (lesson_run.step + 1, lesson_run.lesson.steps.len());
        note.title.clone_from(&step.title);
        note.say.clone_from(&step.say);
        note.watch.clone_from(&step.watch);
        note.state = stands(lesson_run).to_owned();
        if !lesson_run.is_to_do() {
            let lines = lesson_run.told.iter().map(|told| {
                let mark = match told.seen {
                    Some(true) => "+",
                    Some(false) => "x",
                    None => "?",
                };
                // evidence counts up all the time: what is to be seen is what matters here
                format!("{mark} {}", told.what)
            });
            note.checks = lines.collect();
        }
        if lesson_run.is == Is::Misses {
            note.hint = self.model.flinklab().advise(&step.hint);
        }
        note.press = self.press();
        let next = lesson_run.lesson.steps.get(lesson_run.step + 1);
        note.next = next.map_or_else(|| "the end".to_owned(), |step| step.title.clone());
        note
    }

    /// The next key of the lesson, and what it does.
    #[must_use]
    pub fn press(&self) -> String {
        let scope = match self.screen.present {
            Some(_) => Scope::Present,
            None => Scope::Of(Page::Lesson),
        };
        let key = |action| self.key_for(scope, action);
        let enter = key(Action::Enter);
        let Some(lesson_run) = &self.pages.lesson.run else {
            return format!("{}: choose a lesson", key(Action::Open(Page::Lesson)));
        };
        let step = lesson_run.now();
        let what = step.and_then(|step| match (&step.breaks, step.job) {
            (Some(key), _) => Some(key.clone()),
            (None, Some(deed)) => Some(flinklab_model::act(deed).to_string()),
            (None, None) => None,
        });
        match (lesson_run.is_to_do(), &lesson_run.asked, lesson_run.is) {
            (true, None, _) => {
                let what = what.unwrap_or_default();
                format!("{enter}: {what}, asks first")
            }
            (true, Some(_), _) => format!("{enter}: do it · esc: no"),
            (false, _, Is::Misses) => format!("{}: the step again", key(Action::Again)),
            (false, _, Is::Waits) => "wait: not all is seen yet".to_owned(),
            (false, _, Is::Holds | Is::Reads) => {
                if lesson_run.is_last() {
                    format!("{enter}: end of the lesson")
                } else {
                    format!("{enter}: next step")
                }
            }
        }
    }
}

/// How a step stands.
fn stands(lesson_run: &LessonRun) -> &'static str {
    match (lesson_run.is_to_do(), lesson_run.is) {
        (true, _) => "to do",
        (false, Is::Reads) => "to read",
        (false, Is::Waits) => "watching",
        (false, Is::Holds) => "seen",
        (false, Is::Misses) => "not as expected",
    }
}

/// The moment that the room's figure counts from.
#[must_use]
pub fn since_sent(ui: &Ui) -> Option<Timestamp> {
    let run = ui.model.run()?;
    Some(run.seen.sent.as_ref().map_or(run.before.at, |sent| sent.at))
}
