//! Roles, not colours: what a thing means decides how it looks. Meaning never hangs on colour
//! alone: a sign or a word stands beside it. The palette can be told apart by everybody
//! (blue is good, orange a warning, vermilion bad); the terminal's background is never set.

use crate::model::{Colours, Looks, Model};
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

/// What something means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Ordinary text.
    Plain,
    /// As it should be.
    Ok,
    /// Going on.
    Busy,
    /// Worth a look.
    Warn,
    /// Wrong.
    Fail,
    /// Beside the point, old, or unknown.
    Muted,
    /// What the eye should find first.
    Accent,
    /// The leader.
    Leader,
    /// The moment of a break.
    Mark,
}

/// Signs that stand beside words. `ascii` has one for each.
pub(super) mod sign {
    pub(crate) const OK: &str = "✓";
    pub(crate) const FAIL: &str = "✗";
    pub(crate) const WARN: &str = "!";
    pub(crate) const UNKNOWN: &str = "?";
    pub(crate) const NOW: &str = "▸";
    pub(crate) const WAITS: &str = "·";
    pub(crate) const LEADER: &str = "★";
    pub(crate) const LIVE: &str = "●";
    pub(crate) const STALE: &str = "◐";
    pub(crate) const LOST: &str = "○";
    pub(crate) const RESTORE: &str = "↺";
    pub(crate) const BREAK: &str = "◆";
}

/// How this terminal shows what.
#[derive(Debug, Clone)]
pub(super) struct Theme {
    colours: Colours,
    /// In which clock moments are told.
    pub(super) zone: TimeZone,
}

impl Theme {
    pub(super) fn of(model: &Model) -> Self {
        let Looks { colours, zone, .. } = model.screen.looks.clone();
        Self { colours, zone }
    }

    /// How a meaning looks.
    pub(super) fn style(&self, tone: Tone) -> Style {
        let style = Style::new();
        match self.colours {
            Colours::Many => match tone {
                Tone::Plain => style,
                Tone::Ok => style.fg(Color::Indexed(75)),
                Tone::Busy => style.fg(Color::Indexed(80)),
                Tone::Warn => style.fg(Color::Indexed(214)),
                Tone::Fail => style.fg(Color::Indexed(203)).add_modifier(Modifier::BOLD),
                Tone::Muted => style.fg(Color::Indexed(245)),
                Tone::Accent => style.add_modifier(Modifier::BOLD),
                Tone::Leader => style.fg(Color::Indexed(221)),
                Tone::Mark => style.fg(Color::Indexed(176)).add_modifier(Modifier::BOLD),
            },
            Colours::Sixteen => match tone {
                Tone::Plain => style,
                Tone::Ok => style.fg(Color::Cyan),
                Tone::Busy => style.fg(Color::Blue),
                Tone::Warn => style.fg(Color::Yellow),
                Tone::Fail => style.fg(Color::Red).add_modifier(Modifier::BOLD),
                Tone::Muted => style.add_modifier(Modifier::DIM),
                Tone::Accent => style.add_modifier(Modifier::BOLD),
                Tone::Leader => style.fg(Color::Yellow).add_modifier(Modifier::BOLD),
                Tone::Mark => style.fg(Color::Magenta).add_modifier(Modifier::BOLD),
            },
            Colours::None => match tone {
                Tone::Plain | Tone::Ok | Tone::Busy | Tone::Leader => style,
                Tone::Warn | Tone::Accent | Tone::Mark => style.add_modifier(Modifier::BOLD),
                Tone::Fail => style
                    .add_modifier(Modifier::BOLD)
                    .add_modifier(Modifier::UNDERLINED),
                Tone::Muted => style.add_modifier(Modifier::DIM),
            },
        }
    }

    /// The line that is chosen: reverse, not a hue.
    pub(super) fn chosen() -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Text with a meaning.
    pub(super) fn say(&self, tone: Tone, words: impl Into<String>) -> Span<'static> {
        Span::styled(words.into(), self.style(tone))
    }
}

/// Replaces everything that a typewriter does not have, after drawing: no page needs to know.
pub(super) fn ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        let plain = match cell.symbol() {
            "✓" => "+",
            "✗" | "×" => "x",
            "▸" | "→" | "›" | "≥" => ">",
            "←" | "‹" | "≤" => "<",
            "↑" => "^",
            "↓" => "v",
            "★" => "*",
            "●" => "o",
            "○" | "–" | "—" | "─" | "━" => "-",
            "◐" | "…" | "±" => "~",
            "↺" => "@",
            "◆" | "█" | "▇" | "▆" => "#",
            "▅" | "▄" | "▃" => ":",
            "▂" | "▁" => "_",
            "·" | "░" => ".",
            "│" | "╎" | "▏" | "┤" => "|",
            "┌" | "┐" | "└" | "┘" | "├" | "┬" | "┴" | "┼" | "╭" | "╮" | "╰" | "╯" => {
                "+"
            }
            _ => "?",
        };
        cell.set_symbol(plain);
    }
}
