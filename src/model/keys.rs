//! The one table of keys. Help, key line and documentation read it; a page never handles a key.

use super::{Key, KeyCode, Panel};

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Leave.
    Quit,
    /// One page back.
    Back,
    /// Show the failures.
    Failures,
    /// Aim the failure of that digit, or fire it if it is aimed. 0 turns the list's page.
    Digit(u8),
    /// Fire what is aimed; aim what is chosen.
    Fire,
    /// Show or hide help.
    Help,
    /// Give a panel the keys.
    Focus(Panel),
    /// Next panel.
    NextPanel,
    /// Previous panel.
    PreviousPanel,
    /// Build or finish the lab.
    Up,
    /// Scroll or choose, in rows.
    Move(i32),
    /// Scroll or choose, in pages.
    Page(i32),
    /// To the newest.
    End,
    /// To the oldest.
    Start,
    /// Open the newest run.
    Timeline,
    /// An older run (negative) or a newer one.
    Run(i32),
    /// All log lines, or only those about high availability.
    Highlights,
}

/// Where a key has its meaning. Every scope inherits from `Everywhere`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// On every page.
    Everywhere,
    /// On the welcome page.
    Welcome,
    /// While `up` or `down` goes on.
    Plan,
    /// On the dashboard.
    Dashboard,
    /// In the list of failures.
    Failures,
    /// On the page of one run.
    Run,
    /// On the help page.
    Help,
}

impl Scope {
    /// All scopes, in the order in which help shows them.
    pub const ALL: [Self; 7] = [
        Self::Dashboard,
        Self::Failures,
        Self::Run,
        Self::Everywhere,
        Self::Welcome,
        Self::Plan,
        Self::Help,
    ];

    /// The scope whose keys also count here.
    #[must_use]
    pub const fn parent(self) -> Option<Self> {
        match self {
            Self::Everywhere => None,
            Self::Welcome
            | Self::Plan
            | Self::Dashboard
            | Self::Failures
            | Self::Run
            | Self::Help => Some(Self::Everywhere),
        }
    }
}

/// One key and its meaning.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Where.
    pub scope: Scope,
    /// The key.
    pub key: Key,
    /// As it is shown. Neighbours in the table with the same words are shown as one.
    pub shown: &'static str,
    /// What it does.
    pub action: Action,
    /// In a few words.
    pub words: &'static str,
    /// Whether the key line has it.
    pub in_line: bool,
}

const fn plain(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

const fn char(code: char) -> Key {
    plain(KeyCode::Char(code))
}

const fn ctrl(code: char) -> Key {
    Key {
        code: KeyCode::Char(code),
        ctrl: true,
    }
}

/// A key that help names.
const fn key(
    scope: Scope,
    key: Key,
    shown: &'static str,
    action: Action,
    words: &'static str,
) -> Binding {
    Binding {
        scope,
        key,
        shown,
        action,
        words,
        in_line: false,
    }
}

/// A key that the key line names too.
const fn line(
    scope: Scope,
    pressed: Key,
    shown: &'static str,
    action: Action,
    words: &'static str,
) -> Binding {
    Binding {
        in_line: true,
        ..key(scope, pressed, shown, action, words)
    }
}

use Action::{
    Back, Digit, End, Failures, Fire, Focus, Help, Highlights, Move, NextPanel, Page,
    PreviousPanel, Quit, Start, Timeline, Up,
};
use Scope::{Dashboard, Everywhere, Plan, Welcome};

/// All keys. Within a scope the order is that of help and key line.
pub const BINDINGS: &[Binding] = &[
    line(Dashboard, char('x'), "x", Failures, "failures"),
    line(Dashboard, char('t'), "t", Timeline, "timeline"),
    key(
        Dashboard,
        plain(KeyCode::Enter),
        "enter",
        Timeline,
        "timeline",
    ),
    line(Dashboard, plain(KeyCode::Tab), "tab", NextPanel, "panel"),
    key(
        Dashboard,
        plain(KeyCode::BackTab),
        "shift-tab",
        PreviousPanel,
        "panel before",
    ),
    key(Dashboard, char('u'), "u", Up, "finish the lab"),
    key(Dashboard, char('1'), "1", Focus(Panel::Pods), "that panel"),
    key(
        Dashboard,
        char('2'),
        "2",
        Focus(Panel::Leader),
        "that panel",
    ),
    key(
        Dashboard,
        char('3'),
        "3",
        Focus(Panel::Checkpoints),
        "that panel",
    ),
    key(Dashboard, char('4'), "4", Focus(Panel::Run), "that panel"),
    key(Dashboard, char('5'), "5", Focus(Panel::Log), "that panel"),
    line(Dashboard, char('h'), "h", Highlights, "log lines"),
    key(
        Scope::Failures,
        char('1'),
        "1",
        Digit(1),
        "aim; again: fire",
    ),
    key(
        Scope::Failures,
        char('2'),
        "2",
        Digit(2),
        "aim; again: fire",
    ),
    key(
        Scope::Failures,
        char('3'),
        "3",
        Digit(3),
        "aim; again: fire",
    ),
    key(
        Scope::Failures,
        char('4'),
        "4",
        Digit(4),
        "aim; again: fire",
    ),
    key(
        Scope::Failures,
        char('5'),
        "5",
        Digit(5),
        "aim; again: fire",
    ),
    key(
        Scope::Failures,
        char('6'),
        "6",
        Digit(6),
        "aim; again: fire",
    ),
    key(
        Scope::Failures,
        char('7'),
        "7",
        Digit(7),
        "aim; again: fire",
    ),
    key(
        Scope::Failures,
        char('8'),
        "8",
        Digit(8),
        "aim; again: fire",
    ),
    key(
        Scope::Failures,
        char('9'),
        "9",
        Digit(9),
        "aim; again: fire",
    ),
    key(Scope::Failures, char('0'), "0", Digit(0), "more failures"),
    line(
        Scope::Failures,
        plain(KeyCode::Enter),
        "enter",
        Fire,
        "aim the chosen; then fire",
    ),
    key(
        Scope::Failures,
        plain(KeyCode::Tab),
        "tab",
        NextPanel,
        "next failure",
    ),
    key(
        Scope::Failures,
        plain(KeyCode::BackTab),
        "shift-tab",
        PreviousPanel,
        "failure before",
    ),
    key(Scope::Failures, char('x'), "x", Back, "close"),
    line(
        Scope::Run,
        plain(KeyCode::Left),
        "←",
        Action::Run(-1),
        "older run",
    ),
    line(
        Scope::Run,
        plain(KeyCode::Right),
        "→",
        Action::Run(1),
        "newer run",
    ),
    line(Scope::Run, char('x'), "x", Failures, "failures"),
    key(Scope::Run, char('t'), "t", Back, "close"),
    line(Welcome, char('u'), "u", Up, "build the lab"),
    key(Welcome, plain(KeyCode::Enter), "enter", Up, "build the lab"),
    line(Plan, char('u'), "u", Up, "try again"),
    key(Plan, plain(KeyCode::Enter), "enter", Back, "back"),
    line(Everywhere, plain(KeyCode::Esc), "esc", Back, "back"),
    key(Everywhere, char('j'), "j", Move(1), "down"),
    key(Everywhere, plain(KeyCode::Down), "down", Move(1), "down"),
    key(Everywhere, char('k'), "k", Move(-1), "up"),
    key(Everywhere, plain(KeyCode::Up), "up", Move(-1), "up"),
    key(
        Everywhere,
        plain(KeyCode::PageDown),
        "PgDn",
        Page(1),
        "page down",
    ),
    key(Everywhere, ctrl('d'), "ctrl-d", Page(1), "page down"),
    key(
        Everywhere,
        plain(KeyCode::PageUp),
        "PgUp",
        Page(-1),
        "page up",
    ),
    key(Everywhere, ctrl('u'), "ctrl-u", Page(-1), "page up"),
    key(Everywhere, char('g'), "g", Start, "first, oldest"),
    key(
        Everywhere,
        plain(KeyCode::Home),
        "Home",
        Start,
        "first, oldest",
    ),
    key(Everywhere, char('G'), "G", End, "last, newest"),
    key(Everywhere, plain(KeyCode::End), "End", End, "last, newest"),
    line(Everywhere, char('?'), "?", Help, "help"),
    line(Everywhere, char('q'), "q", Quit, "quit"),
    key(Everywhere, ctrl('c'), "ctrl-c", Quit, "quit"),
];

/// What a key means in a scope: its own meaning first, then that of its parents.
#[must_use]
pub fn bound(scope: Scope, key: Key) -> Option<Action> {
    let mut place = Some(scope);
    while let Some(here) = place {
        let found = BINDINGS
            .iter()
            .find(|binding| binding.scope == here && binding.key == key);
        if let Some(binding) = found {
            return Some(binding.action);
        }
        place = here.parent();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_actions_within_a_scope_and_its_parents() {
        for (n, one) in BINDINGS.iter().enumerate() {
            for other in &BINDINGS[n + 1..] {
                let related = one.scope == other.scope
                    || one.scope.parent() == Some(other.scope)
                    || other.scope.parent() == Some(one.scope);
                assert!(
                    !(related && one.key == other.key),
                    "{} is bound twice: {} ({:?}) and {} ({:?})",
                    one.shown,
                    one.words,
                    one.scope,
                    other.words,
                    other.scope,
                );
            }
        }
    }

    #[test]
    fn every_scope_can_be_left() {
        for scope in Scope::ALL {
            assert_eq!(bound(scope, char('q')), Some(Quit));
            assert_eq!(bound(scope, ctrl('c')), Some(Quit));
            assert_eq!(bound(scope, plain(KeyCode::Esc)), Some(Back));
        }
    }

    #[test]
    fn digits_are_panels_on_the_dashboard_and_aims_in_the_palette() {
        assert_eq!(bound(Scope::Dashboard, char('5')), Some(Focus(Panel::Log)));
        assert_eq!(bound(Scope::Failures, char('5')), Some(Digit(5)));
        assert_eq!(bound(Scope::Run, char('5')), None);
    }
}
