//! The palette: everything that can be done or opened, found by a few letters. Pages and actions
//! come from the table of keys, objects from the lab.

use super::{Action, Model, Page, Scope, ThemeName};

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

impl Model {
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
        let page = self.screen.scope();
        let mut scope = Some(page);
        while let Some(here) = scope {
            for (binding, keys) in self.screen.keys.of(here) {
                let aims = matches!(binding.action, Action::Digit(_) | Action::Fire);
                let moves = matches!(
                    binding.action,
                    Action::Move(_) | Action::Page(_) | Action::Side(_) | Action::Palette
                );
                let known = all
                    .iter()
                    .any(|entry: &Entry| entry.act == Act::Do(binding.action));
                if aims || moves || known {
                    continue;
                }
                let kind = match binding.action {
                    Action::Open(_)
                    | Action::Failures
                    | Action::Timeline
                    | Action::Lessons
                    | Action::Help => "page",
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
            scope = here.parent();
        }
        let entry = |kind, label, act| Entry {
            kind,
            label,
            key: String::new(),
            act,
        };
        if matches!(page, Scope::Welcome | Scope::Plan) {
            return all;
        }
        for pod in self.cluster.listed_pods() {
            all.push(entry("pod", pod.name.clone(), Act::Pod(pod.uid.clone())));
        }
        for (at, failure) in self.failures.iter().enumerate() {
            let label = format!("{}: {}", failure.key, failure.title);
            all.push(entry("failure", label, Act::Failure(at)));
        }
        for id in self.checkpoint_ids().into_iter().take(CHECKPOINTS) {
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

impl Page {
    /// As the palette and titles call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Welcome => "Welcome",
            Self::Plan => "Plan",
            Self::Dashboard => "Dashboard",
            Self::Failures => "Failures",
            Self::Help => "Help",
            Self::Run => "Timeline",
            Self::Pod => "Pod",
            Self::Job => "Flink job",
            Self::Checkpoints => "Checkpoints",
            Self::History => "History",
            Self::Log => "Log",
            Self::Commands => "Commands",
            Self::Doctor => "Doctor",
            Self::Control => "Job control",
            Self::Lesson => "Lessons",
        }
    }
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
