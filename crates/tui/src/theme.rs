//! Roles, not colours: what a thing means decides how it looks. Meaning never hangs on colour
//! alone: a sign or a word stands beside it. The palette can be told apart by everybody
//! (blue is good, orange a warning, vermilion bad); the terminal's background is never set.

use crate::Ui;
use crate::{Colours, Looks, ThemeName};
use flinklab_base::text;
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
    pub(crate) const PAUSED: &str = "‖";
    pub(crate) const BREAK: &str = "◆";
}

/// Colours of one theme where the terminal has 256: ok, busy, warn, fail, muted, leader, mark. They
/// can be told apart with any eye: blue is good, orange a warning, vermilion bad.
struct Colouring {
    ok: u8,
    busy: u8,
    warn: u8,
    fail: u8,
    muted: Option<u8>,
    leader: u8,
    mark: u8,
}

const DARK: Colouring = Colouring {
    ok: 75,
    busy: 80,
    warn: 214,
    fail: 203,
    muted: Some(245),
    leader: 221,
    mark: 176,
};

const LIGHT: Colouring = Colouring {
    ok: 25,
    busy: 23,
    warn: 130,
    fail: 124,
    muted: Some(241),
    leader: 90,
    mark: 127,
};

const CONTRAST: Colouring = Colouring {
    ok: 117,
    busy: 123,
    warn: 220,
    fail: 217,
    muted: None,
    leader: 228,
    mark: 225,
};

/// How this terminal shows what.
#[derive(Debug, Clone)]
pub(super) struct Theme {
    name: ThemeName,
    colours: Colours,
    /// In which clock moments are told.
    pub(super) zone: TimeZone,
}

impl Theme {
    pub(super) fn of(ui: &Ui) -> Self {
        let Looks {
            theme,
            colours,
            zone,
            ..
        } = ui.screen.looks.clone();
        Self {
            name: theme,
            colours,
            zone,
        }
    }

    /// The same terminal in other colours.
    pub(super) fn named(&self, name: ThemeName) -> Self {
        Self {
            name,
            ..self.clone()
        }
    }

    /// Whether the terminal has enough colours to be told which it should be.
    pub(super) fn has_many(&self) -> bool {
        self.colours == Colours::Many && self.name != ThemeName::Mono
    }

    /// How a meaning looks.
    pub(super) fn style(&self, tone: Tone) -> Style {
        match (self.colours, self.name) {
            (Colours::None, _) | (_, ThemeName::Mono) => without_colour(tone),
            (Colours::Sixteen, name) => of_sixteen(tone, name),
            (Colours::Many, ThemeName::Dark) => of_many(tone, &DARK),
            (Colours::Many, ThemeName::Light) => of_many(tone, &LIGHT),
            (Colours::Many, ThemeName::Contrast) => of_many(tone, &CONTRAST),
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

fn of_many(tone: Tone, colouring: &Colouring) -> Style {
    let style = Style::new();
    let colour = |index| style.fg(Color::Indexed(index));
    match tone {
        Tone::Plain => style,
        Tone::Ok => colour(colouring.ok),
        Tone::Busy => colour(colouring.busy),
        Tone::Warn => colour(colouring.warn),
        Tone::Fail => colour(colouring.fail).add_modifier(Modifier::BOLD),
        Tone::Muted => colouring.muted.map_or(style, colour),
        Tone::Accent => style.add_modifier(Modifier::BOLD),
        Tone::Leader => colour(colouring.leader),
        Tone::Mark => colour(colouring.mark).add_modifier(Modifier::BOLD),
    }
}

/// The 16 of old are what the terminal says they are; yellow and cyan cannot be read on white.
fn of_sixteen(tone: Tone, name: ThemeName) -> Style {
    let style = Style::new();
    let bold = style.add_modifier(Modifier::BOLD);
    let light = name == ThemeName::Light;
    match tone {
        Tone::Plain => style,
        Tone::Ok => style.fg(if light { Color::Blue } else { Color::Cyan }),
        Tone::Busy => style.fg(if light { Color::Cyan } else { Color::LightBlue }),
        Tone::Warn if light => style.fg(Color::Magenta),
        Tone::Warn => style.fg(Color::Yellow),
        Tone::Fail => bold.fg(Color::Red),
        Tone::Muted if name == ThemeName::Contrast => style,
        Tone::Muted => style.add_modifier(Modifier::DIM),
        Tone::Accent => bold,
        Tone::Leader if light => bold.fg(Color::Blue),
        Tone::Leader => bold.fg(Color::Yellow),
        Tone::Mark => bold.fg(Color::Magenta),
    }
}

fn without_colour(tone: Tone) -> Style {
    let style = Style::new();
    match tone {
        Tone::Plain | Tone::Ok | Tone::Busy | Tone::Leader => style,
        Tone::Warn | Tone::Accent | Tone::Mark => style.add_modifier(Modifier::BOLD),
        Tone::Fail => style
            .add_modifier(Modifier::BOLD)
            .add_modifier(Modifier::UNDERLINED),
        Tone::Muted => style.add_modifier(Modifier::DIM),
    }
}

/// Takes out what could turn text around or steer the terminal, whoever let it in: the world cleans
/// what it reads, a recording may come from anywhere.
pub(super) fn inert(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() && cell.symbol().contains(text::harms) {
            let clean: String = cell
                .symbol()
                .chars()
                .filter(|letter| !text::harms(*letter))
                .collect();
            cell.set_symbol(&clean);
        }
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
            "✗" => "x",
            "▸" | "→" | "›" | "≥" => ">",
            "←" | "‹" | "≤" => "<",
            "↑" => "^",
            "↓" => "v",
            "★" => "*",
            "●" => "o",
            "○" | "–" | "—" | "─" | "━" => "-",
            "◐" | "…" | "±" => "~",
            "↺" => "@",
            "‖" => "=",
            "×" => "x",
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of a colour of the 256, as WCAG 2 defines it.
    fn luminance(index: u8) -> f64 {
        let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * u32::from(n) };
        let (red, green, blue) = match index {
            16..=231 => {
                let n = index - 16;
                (level(n / 36), level(n / 6 % 6), level(n % 6))
            }
            232..=255 => {
                let grey = 8 + 10 * u32::from(index - 232);
                (grey, grey, grey)
            }
            _ => panic!("the first 16 are not ours to know"),
        };
        let linear = |part: u32| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(one: f64, other: f64) -> f64 {
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_colour_can_be_read_on_its_background() {
        // black and white, as far as terminals have them; dark ones are often a dark grey
        for (colouring, background, least) in [
            (&DARK, luminance(234), 4.5),
            (&LIGHT, luminance(231), 4.5),
            (&CONTRAST, luminance(234), 7.0),
        ] {
            let Colouring {
                ok,
                busy,
                warn,
                fail,
                muted,
                leader,
                mark,
            } = colouring;
            for index in [ok, busy, warn, fail, leader, mark]
                .into_iter()
                .chain(muted)
            {
                let seen = contrast(luminance(*index), background);
                assert!(seen >= least, "colour {index}: {seen:.1} to 1");
            }
        }
    }
}
