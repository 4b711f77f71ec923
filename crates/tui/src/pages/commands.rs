//! What we did, as commands that a person could have typed: to learn from, to paste, to trust.

use crate::Extent;
use crate::RowId;
use crate::Ui;
use crate::keys::{Action as A, Keys, Scope, Section, key};
use crate::pages::{Component, Page};
use crate::paint::{Focus, chosen, fit, panel, sentences};
use crate::theme::{Theme, Tone};
use crate::words;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// The page.
pub(super) struct ThePage;

/// It remembers nothing.
pub(crate) type State = ();

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "commands",
    words: "commands",
    parent: Some(Scope::Pages),
    opened_by: Some((110, key("commands", A::Open(Page::Commands), "@", "commands behind it all"))),
    rows: &[
        key("find", A::Find, "/", "find"),
        key("find-next", A::FindNext(1), "n", "next found"),
        key("find-before", A::FindNext(-1), "N", "found before"),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn rows(&self, ui: &Ui) -> Option<Vec<RowId>> {
        let newest_first = ui.model.deeds.0.iter().rev();
        let ids = newest_first.map(|done| RowId::of(&(&done.deed.what, &done.deed.command)));
        Some(ids.collect())
    }

    fn texts(&self, ui: &Ui) -> Vec<String> {
        let newest_first = ui.model.deeds.0.iter().rev();
        newest_first
            .map(|done| format!("{} {}", done.deed.what, done.deed.command))
            .collect()
    }

    fn copied(&self, ui: &Ui) -> Option<String> {
        let done = ui.model.deeds.0.iter().rev().nth(ui.screen.spot.row)?;
        Some(done.deed.command.clone())
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let width = usize::from(area.width.saturating_sub(2));
        let height = usize::from(area.height.saturating_sub(2));
        let title = vec![theme.say(Tone::Accent, "Commands that equal what flinklab did")];
        let aside = vec![theme.say(Tone::Muted, "y copies the chosen one")];
        let deeds = &ui.model.deeds.0;
        let mut lines = Vec::new();
        if deeds.is_empty() {
            let words =
                "Nothing was done yet: a lab is watched and broken with commands that stand here.";
            lines.extend(sentences(theme, Tone::Muted, words, width));
        }
        let whole = deeds.iter().rev().nth(ui.screen.spot.row);
        let whole = whole.map(|done| words::wrap(&done.deed.command, width.saturating_sub(2)));
        let below = whole.as_ref().map_or(0, Vec::len) + 1;
        let room = (height.saturating_sub(below) / 2).max(1);
        let skip = (ui.screen.spot.row + 1).saturating_sub(room);
        for (n, done) in deeds.iter().rev().enumerate().skip(skip).take(room) {
            let times = match done.times {
                1 => String::new(),
                n => format!(" ×{n}"),
            };
            lines.push(Line::from(fit(
                vec![
                    theme.say(
                        Tone::Muted,
                        format!(" {} ", words::clock(&theme.zone, done.at)),
                    ),
                    theme.say(Tone::Plain, done.deed.what.clone()),
                    theme.say(Tone::Muted, times),
                ],
                width,
            )));
            let command = Line::from(fit(
                vec![
                    theme.say(Tone::Muted, "          $ "),
                    theme.say(Tone::Accent, brief(&done.deed.command)),
                ],
                width,
            ));
            lines.push(if n == ui.screen.spot.row {
                chosen(&command, width)
            } else {
                command
            });
        }
        if let Some(whole) = whole {
            lines.resize(height.saturating_sub(below), Line::default());
            lines.push(Line::from(theme.say(Tone::Muted, "─".repeat(width))));
            let all = whole
                .into_iter()
                .map(|line| Line::from(theme.say(Tone::Plain, format!(" {line}"))));
            lines.extend(all);
        }
        panel(frame, theme, area, (title, aside), Focus::Here, lines);
        Extent::new(deeds.len(), room)
    }
}

/// Without the kubeconfig, which is long and always the same; below stands all of it.
fn brief(command: &str) -> String {
    let parts = command
        .split_once(" --kubeconfig '")
        .and_then(|(before, rest)| {
            let (_, after) = rest.split_once('\'')?;
            Some(format!("{before}{after}"))
        });
    parts.unwrap_or_else(|| command.to_owned())
}
