//! The one table of keys. Help, key line and documentation read it; a page never handles a key.

use super::{Key, KeyCode};

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Leave.
    Quit,
    /// One page back.
    Back,
    /// Show the failures.
    Failures,
    /// Aim the failure of that digit, or fire it if it is aimed.
    Digit(u8),
    /// Fire what is aimed.
    Fire,
    /// Show or hide help.
    Help,
    /// Next panel.
    NextPanel,
    /// Previous panel.
    PreviousPanel,
    /// Build or finish the lab.
    Up,
    /// Scroll or choose.
    Move(i32),
    /// To the newest.
    End,
    /// To the oldest.
    Start,
    /// Open the newest run.
    Timeline,
}

/// Where a key has its meaning. A scope inherits from `Everywhere`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// On every page.
    Everywhere,
    /// On the welcome page.
    Welcome,
    /// On the dashboard.
    Dashboard,
    /// In the list of failures.
    Failures,
}

/// One key and its meaning.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Where.
    pub scope: Scope,
    /// The key.
    pub key: Key,
    /// As it is shown.
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

/// All keys.
pub const BINDINGS: &[Binding] = &[Binding {
    scope: Scope::Everywhere,
    key: plain(KeyCode::Char('q')),
    shown: "q",
    action: Action::Quit,
    words: "quit",
    in_line: true,
}];

/// What a key means in a scope.
#[must_use]
pub fn bound(scope: Scope, key: Key) -> Option<Action> {
    BINDINGS
        .iter()
        .filter(|binding| binding.scope == scope || binding.scope == Scope::Everywhere)
        .find(|binding| binding.key == key)
        .map(|binding| binding.action)
}
