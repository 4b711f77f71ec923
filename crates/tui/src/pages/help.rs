//! Every key and every sign, printed from the table of keys.

use crate::Ui;
use crate::keys::{Action as A, Keys, Scope, Section, line};
use crate::pages::{Component, Page};
use crate::paint::{Focus, fit, panel, scrolled};
use crate::player::PLAYBACK_KEYS;
use crate::theme::{Theme, Tone, sign};
use crate::typing::Towards;
use crate::words;
use crate::{Extent, Scroll};
use flinklab_model::Words;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect, Spacing};
use ratatui::text::Line;

/// The page.
pub(super) struct ThePage;

/// It remembers nothing.
pub(crate) type State = ();

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "help",
    words: "help",
    parent: Some(Scope::Everywhere),
    opened_by: None,
    rows: &[
        line("find", A::Find, "/", "find"),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    // the keys with the words are shown alone
    fn find(&self, _: &mut Ui, _: Towards) {}

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let keys = keys(ui, theme);
        let signs = signs(theme);
        let titles = |words| (vec![theme.say(Tone::Accent, words)], Vec::new());
        let height = usize::from(area.height.saturating_sub(2));
        let scroll = ui.screen.spot.scroll;
        if area.width < 76 {
            let mut lines = keys;
            lines.push(Line::default());
            lines.extend(signs);
            let (lines, extent) = scrolled(lines, height, scroll);
            panel(
                frame,
                theme,
                area,
                titles("Keys and signs: / finds a key"),
                Focus::Here,
                lines,
            );
            return extent;
        }
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)])
            .spacing(Spacing::Overlap(1))
            .areas(area);
        // both move as one page
        let longest = keys.len().max(signs.len());
        let scroll = Scroll::Top(scroll.first(longest, height));
        let (signs, _) = scrolled(signs, height, scroll);
        panel(
            frame,
            theme,
            right,
            titles("Signs and words"),
            Focus::Elsewhere,
            signs,
        );
        let (keys, _) = scrolled(keys, height, scroll);
        panel(
            frame,
            theme,
            left,
            titles("Keys: / finds one"),
            Focus::Here,
            keys,
        );
        Extent::new(longest, height)
    }
}

/// What the signs mean.
const SIGNS: [(&str, Tone, &str); 9] = [
    (sign::LEADER, Tone::Leader, "leads; a line about leadership"),
    (sign::OK, Tone::Ok, "as it should be"),
    (sign::NOW, Tone::Busy, "goes on now"),
    (sign::WARN, Tone::Warn, "worth a look"),
    (sign::FAIL, Tone::Fail, "wrong or failed"),
    (sign::UNKNOWN, Tone::Warn, "not seen: never taken for good"),
    (sign::BREAK, Tone::Mark, "a failure was sent"),
    (sign::RESTORE, Tone::Busy, "the job was restored from #"),
    (sign::STALE, Tone::Warn, "old: the source is late"),
];

/// Words that a newcomer meets.
const WORDS: [(&str, &str); 5] = [
    ("lease", "the leader must renew its lock within it"),
    ("epoch", "one time of leading, with its own id"),
    ("pointer", "config map entry: the newest checkpoint"),
    ("standby", "a JobManager that waits for the lock"),
    ("back-off", "Kubernetes waits before a restart"),
];

fn keys(ui: &Ui, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    let wanted = Words::of(&ui.screen.find);
    if ui.playback.is_some() {
        lines.extend(replay_keys(theme, &wanted));
    }
    let here = ui.screen.trail.last();
    let here = here.map_or(Page::Dashboard, |(page, _)| *page);
    // what counts where help was asked for comes first
    let scopes: Vec<Scope> = here.scope().chain().collect();
    let others = Scope::all();
    let others = others.into_iter().filter(|scope| !scopes.contains(scope));
    let others: Vec<Scope> = others.collect();
    for scope in scopes.into_iter().chain(others) {
        let mut groups: Vec<(Vec<String>, &str)> = Vec::new();
        for (binding, keys) in ui.screen.keys.of(scope) {
            let shown = keys.iter().map(|key| words::key(*key));
            match groups.last_mut() {
                Some((known, words)) if *words == binding.words => known.extend(shown),
                _ => groups.push((shown.collect(), binding.words)),
            }
        }
        groups.retain(|(shown, words)| {
            !shown.is_empty() && wanted.fit(&format!("{} {words}", shown.join(" ")))
        });
        if groups.is_empty() {
            continue;
        }
        lines.push(Line::from(
            theme.say(Tone::Muted, format!(" {}", scope.section().words)),
        ));
        for (shown, words) in groups {
            let shown = match shown.as_slice() {
                [first, .., last] if shown.len() > 4 => format!("{first} to {last}"),
                all => all.join(" "),
            };
            lines.push(Line::from(vec![
                theme.say(Tone::Accent, format!("  {shown:<14} ")),
                theme.say(Tone::Plain, words.to_owned()),
            ]));
        }
    }
    if lines.is_empty() {
        let words = format!("No key for `{}`. esc shows all.", ui.screen.find);
        lines.push(Line::from(theme.say(Tone::Muted, format!(" {words}"))));
    }
    lines
}

/// The keys that move a recording come before all others, as they do when they are pressed.
fn replay_keys(theme: &Theme, wanted: &Words) -> Vec<Line<'static>> {
    let fitting: Vec<_> = PLAYBACK_KEYS
        .into_iter()
        .filter(|(keys, words)| wanted.fit(&format!("{keys} {words}")))
        .collect();
    let mut lines = Vec::new();
    if !fitting.is_empty() {
        lines.push(Line::from(
            theme.say(Tone::Muted, " while a recording plays"),
        ));
    }
    for (keys, meaning) in fitting {
        for (n, line) in words::wrap(meaning, 21).into_iter().enumerate() {
            let keys = if n == 0 { keys } else { "" };
            lines.push(Line::from(vec![
                theme.say(Tone::Accent, format!("  {keys:<14} ")),
                theme.say(Tone::Plain, line),
            ]));
        }
    }
    lines
}

fn signs(theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (sign, tone, words) in SIGNS {
        let spans = vec![
            theme.say(tone, format!("  {sign}  ")),
            theme.say(Tone::Plain, words),
        ];
        lines.push(Line::from(fit(spans, 60)));
    }
    lines.push(Line::default());
    for (word, meaning) in WORDS {
        for (n, line) in words::wrap(meaning, 25).into_iter().enumerate() {
            let word = if n == 0 { word } else { "" };
            lines.push(Line::from(vec![
                theme.say(Tone::Accent, format!("  {word:<10}")),
                theme.say(Tone::Plain, line),
            ]));
        }
    }
    lines.push(Line::default());
    lines.push(Line::from(
        theme.say(Tone::Muted, "  flinklab --help lists the commands"),
    ));
    lines
}
