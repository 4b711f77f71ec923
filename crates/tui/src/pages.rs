//! The pages. Each is one file below: its keys with their words, what it remembers, which
//! rows it lists, what keys do on it and how it is drawn. Here is the list of them, and what a page
//! may define. How to add one: CONTRIBUTING.md.

pub(crate) mod checkpoints;
pub(crate) mod commands;
pub(crate) mod control;
pub(crate) mod dashboard;
pub(crate) mod doctor;
pub(crate) mod failures;
pub(crate) mod help;
pub(crate) mod history;
pub(crate) mod job;
pub(crate) mod lesson;
pub(crate) mod log;
pub(crate) mod plan;
pub(crate) mod pod;
pub(crate) mod timeline;
pub(crate) mod welcome;

use crate::keys::{Action, Keys};
use crate::scroll::{Extent, scroll_rows, scroll_text};
use crate::theme::Theme;
use crate::typing::{Towards, find_row};
use crate::{RowId, Ui, navigate};
use flinklab_event::{DetailLevel, Effect, Pod};
use ratatui::Frame;
use ratatui::layout::Rect;

/// Makes the list of pages: a variant of `Page` for each, and a field of `States` for what it
/// remembers.
macro_rules! pages {
    ($($(#[$doc:meta])* $page:ident => $file:ident,)*) => {
        /// A page, by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Page {
            $($(#[$doc])* $page,)*
        }

        /// What the pages remember.
        #[derive(Debug, Clone, Default)]
        pub struct States {
            $($(#[$doc])* pub $file: $file::State,)*
        }

        impl Page {
            /// All pages, in the order in which help shows their keys.
            pub const ALL: &[Self] = &[$(Self::$page,)*];

            /// What it does.
            #[must_use]
            pub(crate) fn component(self) -> &'static dyn Component {
                match self {
                    $(Self::$page => &$file::ThePage,)*
                }
            }
        }
    };
}

pages! {
    /// Everything at a glance.
    Dashboard => dashboard,
    /// One pod: description, conditions, events, its log before the restart.
    Pod => pod,
    /// The job: vertices and exceptions.
    Job => job,
    /// Every checkpoint as its three witnesses see it.
    Checkpoints => checkpoints,
    /// Epochs, restarts and all else that happened.
    History => history,
    /// The merged log.
    Log => log,
    /// The commands that equal what we did.
    Commands => commands,
    /// What can be done with the job: savepoint, stop, cancel, resume.
    Control => control,
    /// The lessons, or a step of one beside the dashboard.
    Lesson => lesson,
    /// The failures that can be injected.
    Failures => failures,
    /// A run's phases and statements.
    Run => timeline,
    /// There is no lab.
    Welcome => welcome,
    /// `up` or `down` goes on.
    Plan => plan,
    /// Every key and every sign.
    Help => help,
    /// What stands in the way of a lab.
    Doctor => doctor,
}

/// The first of the list, where all begins.
impl Default for Page {
    fn default() -> Self {
        Self::ALL[0]
    }
}

/// What a page does. Only the first two have no default.
pub(crate) trait Component {
    /// Its keys: what the settings, help and the key line call them, and what they do.
    fn keys(&self) -> Keys;

    /// Draws it, and says how much that is of what scrolls.
    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent;

    /// Whether it shows a lab, and is left where there is none.
    fn needs_lab(&self) -> bool {
        true
    }

    /// Whether its keys act on the lab: a held picture goes on before they do.
    fn acts(&self) -> bool {
        false
    }

    /// Before it is opened by a key or from the palette; why it cannot be.
    fn opening(&self, _ui: &mut Ui) -> Result<(), String> {
        Ok(())
    }

    /// Whether a key that opens it is worth a place in the key line.
    fn is_worth_opening(&self, _ui: &Ui) -> bool {
        true
    }

    /// Forgets what does not outlive a look at it.
    fn closed(&self, _states: &mut States) {}

    /// Whether a key of its own is of use now: the key line leaves out what is not.
    fn offers(&self, _ui: &Ui, _action: Action) -> bool {
        true
    }

    /// The rows that keys choose among, by what they are about; none: it is text that scrolls.
    fn rows(&self, _ui: &Ui) -> Option<Vec<RowId>> {
        None
    }

    /// Whether rows come in at the head: the first one then is whichever is newest.
    fn newest_first(&self) -> bool {
        true
    }

    /// The text of each row, for who looks for words.
    fn texts(&self, _ui: &Ui) -> Vec<String> {
        Vec::new()
    }

    /// Moves by rows, or by as much as the text goes.
    fn scroll(&self, ui: &mut Ui, by: i32) {
        match self.rows(ui) {
            Some(rows) => scroll_rows(ui, &rows, by),
            None => scroll_text(ui, by),
        }
    }

    /// Which part of the page keys scroll, by any number: what was drawn of one says nothing about
    /// another.
    fn scrolled_part(&self, _ui: &Ui) -> usize {
        0
    }

    /// Goes to the next row with the words that are looked for.
    fn find(&self, ui: &mut Ui, towards: Towards) {
        find_row(ui, towards);
    }

    /// Opens or does what is chosen.
    fn enter(&self, _ui: &mut Ui) -> Vec<Effect> {
        Vec::new()
    }

    /// Goes to another one of the same kind.
    fn sibling(&self, _ui: &mut Ui, _by: i32) {}

    /// Goes to the next part of the page.
    fn step(&self, _ui: &mut Ui, _by: i32) {}

    /// Takes back the last thing that was done on it; whether there was one. If not, it is left.
    fn back(&self, _ui: &mut Ui) -> bool {
        false
    }

    /// Leaves it.
    fn leave(&self, ui: &mut Ui) {
        navigate::leave(ui);
    }

    /// What is copied from it.
    fn copied(&self, ui: &Ui) -> Option<String> {
        navigate::chosen_pod(ui).map(|pod| pod.name)
    }

    /// The pod that is chosen on it.
    fn pod<'a>(&self, _ui: &'a Ui) -> Option<&'a Pod> {
        None
    }

    /// What the world looks at more closely while it is open.
    fn attention(&self) -> DetailLevel {
        DetailLevel::Usual
    }

    /// Whether it shows what can be done with the job, which is asked for while it is open.
    fn looks_at_jobs(&self, _ui: &Ui) -> bool {
        false
    }

    /// After each event: what it remembers follows what is known, whether it is open or not.
    fn keep(&self, _ui: &mut Ui) {}

    /// A held picture goes on: of what it remembers, what went on meanwhile is taken from there.
    fn goes_on(&self, _picture: &mut States, _live: &mut States) {}
}
