//! What the terminal can show: themes, colours, characters, and the clock that moments are told in.

use jiff::tz::TimeZone;
use std::str::FromStr;

/// What the terminal can show. Filled once by `app`.
#[derive(Debug, Clone, PartialEq)]
pub struct Looks {
    /// Which colours stand for what.
    pub theme: ThemeName,
    /// How many colours.
    pub colours: Colours,
    /// Which characters.
    pub glyphs: Glyphs,
    /// In which clock moments are told.
    pub zone: TimeZone,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            theme: ThemeName::Dark,
            colours: Colours::Many,
            glyphs: Glyphs::Unicode,
            zone: TimeZone::UTC,
        }
    }
}

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colours {
    /// 256 or more.
    #[default]
    Many,
    /// The 16 of old.
    Sixteen,
    /// None wanted: bold, dim and reverse only.
    None,
}

/// Which colours stand for what. None of them sets the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeName {
    /// For a dark terminal.
    #[default]
    Dark,
    /// For a light terminal: projectors, bright rooms.
    Light,
    /// For a dark terminal, everything at 7 to 1 or more, nothing dim.
    Contrast,
    /// No colours: bold, underlined and reverse only.
    Mono,
}

impl ThemeName {
    /// All themes, in the order in which they are gone through.
    pub const ALL: [Self; 4] = [Self::Dark, Self::Light, Self::Contrast, Self::Mono];

    /// As the settings name it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Contrast => "high-contrast",
            Self::Mono => "mono",
        }
    }

    /// The one after it, round and round.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|theme| *theme == self);
        Self::ALL[at.map_or(0, |at| (at + 1) % Self::ALL.len())]
    }
}

impl FromStr for ThemeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|theme| theme.text() == text);
        found.ok_or_else(|| {
            let all = Self::ALL.map(Self::text).join(", ");
            format!("`{text}` is no theme; there are {all}")
        })
    }
}

/// Which characters the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    /// Lines, blocks, stars.
    #[default]
    Unicode,
    /// What a typewriter has.
    Ascii,
}
