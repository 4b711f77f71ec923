//! The palette: everything that can be done or opened, found by a few letters. Pages and actions
//! come from the table of keys, objects from the lab.

use crate::Ui;
use crate::input;
use crate::paint::{self, Focus, framed, sentences, sides, titles};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use crate::{Action, Page, ThemeName};
use crate::{Extent, Typing};
use flinklab_event::Effect;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Clear;

/// What an entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// As if its key was pressed.
    Do(Action),
    /// Opens the page of the pod of that uid.
    Pod(String),
    /// Opens the page of checkpoints at that one.
    Checkpoint(u64),
    /// Opens the failures at that one; aims nothing.
    Failure(usize),
    /// Another theme.
    Theme(ThemeName),
}

/// One line of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What kind of thing.
    pub kind: &'static str,
    /// Its name.
    pub label: String,
    /// The key that does the same, if there is one.
    pub key: String,
    /// What it does.
    pub act: Act,
}

/// Checkpoints that the palette offers: older ones are found on their page.
const CHECKPOINTS: usize = 20;

impl Ui {
    /// Chooses an entry.
    pub(super) fn choose_entry(&mut self, row: usize) {
        self.screen.palette_row = row;
        let entry = self.palette().into_iter().nth(row);
        self.screen.palette_entry = entry.filter(|_| row > 0).map(|entry| entry.act);
    }

    /// Entries that fit what was typed, the best first.
    #[must_use]
    pub fn palette(&self) -> Vec<Entry> {
        let mut all: Vec<(u32, Entry)> = self
            .everything()
            .into_iter()
            .filter_map(|entry| {
                let text = format!("{} {}", entry.label, entry.kind);
                Some((score(&self.screen.typed, &text)?, entry))
            })
            .collect();
        // stable: those alike keep the order of the table
        all.sort_by_key(|(score, _)| *score);
        all.into_iter().map(|(_, entry)| entry).collect()
    }

    fn everything(&self) -> Vec<Entry> {
        let mut all = Vec::new();
        for scope in self.screen.scope().chain() {
            for (binding, keys) in self.screen.keys.of(scope) {
                let known = all
                    .iter()
                    .any(|entry: &Entry| entry.act == Act::Do(binding.action));
                if binding.by_key || known {
                    continue;
                }
                let kind = match binding.action {
                    Action::Open(_) | Action::Help => "page",
                    _ => "do",
                };
                let label = match binding.action {
                    Action::Focus(panel) => format!("panel {}", panel.digit()),
                    _ => binding.words.to_owned(),
                };
                all.push(Entry {
                    kind,
                    label,
                    key: keys.first().map(ToString::to_string).unwrap_or_default(),
                    act: Act::Do(binding.action),
                });
            }
        }
        let entry = |kind, label, act| Entry {
            kind,
            label,
            key: String::new(),
            act,
        };
        if !self.page().needs_lab() {
            return all;
        }
        for pod in self.model.cluster.listed_pods() {
            all.push(entry("pod", pod.name.clone(), Act::Pod(pod.uid.clone())));
        }
        for (at, failure) in self.model.failures.iter().enumerate() {
            let label = format!("{}: {}", failure.key, failure.title);
            all.push(entry("failure", label, Act::Failure(at)));
        }
        for id in self.model.checkpoint_ids().into_iter().take(CHECKPOINTS) {
            all.push(entry("checkpoint", format!("#{id}"), Act::Checkpoint(id)));
        }
        for theme in ThemeName::ALL {
            all.push(entry("theme", theme.text().to_owned(), Act::Theme(theme)));
        }
        all
    }
}

/// How well a text fits: lower is better, none where a letter is missing. Letters count in order,
/// those that follow each other or begin a word are better.
fn score(typed: &str, text: &str) -> Option<u32> {
    let text = text.to_lowercase();
    let typed = typed.to_lowercase();
    let typed: Vec<char> = typed
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect();
    if let Some(at) = text.find(&typed.iter().collect::<String>()) {
        let begins = at == 0 || text[..at].ends_with([' ', '-', '/', '#']);
        return Some(if begins { 0 } else { 1 });
    }
    let mut cost: u32 = 10;
    let mut wanted = typed.iter().peekable();
    let mut last: Option<usize> = None;
    for (at, letter) in text.chars().enumerate() {
        if wanted.peek().is_some_and(|wanted| **wanted == letter) {
            wanted.next();
            let apart = last.map_or(0, |last| at - last - 1);
            cost = cost.saturating_add(u32::try_from(apart.min(50)).unwrap_or(50));
            last = Some(at);
        }
    }
    wanted.peek().is_none().then_some(cost)
}

/// Does what the chosen entry says.
pub(super) fn take_chosen(ui: &mut Ui) -> Vec<Effect> {
    let Some(entry) = ui.palette().into_iter().nth(ui.screen.palette_row) else {
        return Vec::new();
    };
    match entry.act {
        Act::Do(action) => return input::act(ui, action),
        Act::Pod(uid) => {
            ui.open(Page::Pod);
            ui.pages.pod.uid = Some(uid);
        }
        Act::Checkpoint(id) => {
            ui.open(Page::Checkpoints);
            let ids = ui.model.checkpoint_ids();
            let row = ids.iter().position(|known| *known == id).unwrap_or(0);
            ui.choose(row);
        }
        Act::Failure(at) => {
            ui.open(Page::Failures);
            ui.choose(at);
        }
        Act::Theme(theme) => ui.screen.looks.theme = theme,
    }
    Vec::new()
}

/// Draws it, if it is open.
pub(super) fn draw(ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Option<Extent> {
    if ui.screen.typing != Some(Typing::Palette) {
        return None;
    }
    let width = area.width.saturating_sub(8).clamp(1, 72);
    let height = area.height.saturating_sub(4).clamp(1, 18);
    let place = Rect {
        x: area.x + (area.width.saturating_sub(width)) / 2,
        y: area.y + (area.height.saturating_sub(height)) / 3,
        width,
        height,
    };
    let inside = usize::from(width.saturating_sub(2));
    let mut lines = vec![Line::from(vec![
        theme.say(Tone::Accent, " : "),
        theme.say(Tone::Plain, ui.screen.typed.clone()),
        theme.say(Tone::Accent, "▏"),
    ])];
    let entries = ui.palette();
    if entries.is_empty() {
        let words = "Nothing fits. Fewer letters find more.";
        lines.extend(sentences(theme, Tone::Muted, words, inside));
    }
    let room = usize::from(height).saturating_sub(3).max(1);
    let row = ui.screen.palette_row.min(entries.len().saturating_sub(1));
    let skip = (row + 1).saturating_sub(room);
    for (n, entry) in entries.iter().enumerate().skip(skip).take(room) {
        let pointer = if n == row { sign::NOW } else { " " };
        let line = sides(
            vec![
                theme.say(Tone::Accent, format!(" {pointer} ")),
                theme.say(Tone::Muted, format!("{:<11}", entry.kind)),
                theme.say(
                    Tone::Plain,
                    words::cut(&entry.label, inside.saturating_sub(24)),
                ),
            ],
            vec![theme.say(Tone::Accent, format!("{} ", entry.key))],
            inside,
        );
        lines.push(if n == row {
            paint::chosen(&line, inside)
        } else {
            line
        });
    }
    frame.render_widget(Clear, place);
    framed(frame, theme, place, Focus::Here, lines);
    let title = vec![theme.say(Tone::Accent, "Do or open")];
    let aside = vec![theme.say(Tone::Muted, "enter takes · esc leaves")];
    titles(frame, place, (title, aside));
    Some(Extent::new(entries.len(), room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_together_comes_first() {
        assert_eq!(score("", "log page"), Some(0));
        assert_eq!(score("check", "checkpoints page"), Some(0));
        assert_eq!(score("points", "checkpoints page"), Some(1));
        let loose = score("cpts", "checkpoints page").unwrap_or(0);
        assert!(loose > 1);
        assert_eq!(score("xyz", "checkpoints page"), None);
        assert_eq!(score("日本", "日本語"), Some(0));
    }
}
