//! Key presses, independent of the terminal library. They are written as words (`x`, `ctrl-p`,
//! `space`, `shift-tab`), read and shown alike.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Keys with names of their own.
const NAMED: [(&str, KeyCode); 16] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("space", KeyCode::Char(' ')),
    // a dash of its own, as ctrl-minus would read oddly
    ("minus", KeyCode::Char('-')),
    ("plus", KeyCode::Char('+')),
];

/// A key press, independent of the terminal library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Which key.
    pub code: KeyCode,
    /// With control held.
    pub ctrl: bool,
}

/// The keys that we tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyCode {
    /// A character as typed, upper case included.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tabulator.
    Tab,
    /// Shift and tabulator.
    BackTab,
    /// Delete to the left.
    Backspace,
    /// Arrow.
    Up,
    /// Arrow.
    Down,
    /// Arrow.
    Left,
    /// Arrow.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the start.
    Home,
    /// To the end.
    End,
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (ctrl, name) = match text.strip_prefix("ctrl-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut letters = name.chars();
        let code = match (letters.next(), letters.next()) {
            (Some(letter), None)
                if !letter.is_whitespace() && !flinklab_base::text::harms(letter) =>
            {
                Some(KeyCode::Char(letter))
            }
            _ => NAMED
                .iter()
                .find(|(known, _)| *known == name.to_ascii_lowercase())
                .map(|(_, code)| *code),
        };
        match code {
            Some(code) => Ok(Self { code, ctrl }),
            None => Err(format!(
                "`{text}` is no key; keys are written as one character, ctrl- and one character, or \
                 one of {}",
                NAMED.map(|(name, _)| name).join(", ")
            )),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        let named = NAMED.iter().find(|(_, code)| *code == self.code);
        match (named, self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(letter)) => write!(f, "{letter}"),
            (None, _) => f.write_str("?"),
        }
    }
}
