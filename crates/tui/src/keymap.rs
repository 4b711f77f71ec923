//! Which key does what now: the table of `keys`, changed by what the settings say. Keys are written
//! as words (`x`, `ctrl-p`, `space`, `shift-tab`), read and shown alike.

use crate::Ui;
use crate::keys::bindings;
use crate::{Action, Binding, Page, Scope};
use flinklab_event::Key;
use std::fmt;

/// Keys in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Keymap {
    rows: Vec<(Binding, Vec<Key>)>,
}

impl Default for Keymap {
    fn default() -> Self {
        let rows = bindings().map(|binding| {
            let keys = binding.keys.split(' ').filter_map(|key| key.parse().ok());
            (binding, keys.collect())
        });
        Self {
            rows: rows.collect(),
        }
    }
}

impl Ui {
    /// The key of an action, for sentences: what a person rebound is said as it is now.
    #[must_use]
    pub fn key_for(&self, scope: Scope, action: Action) -> String {
        let shown = self.screen.keys.shown(scope, action);
        shown.unwrap_or_else(|| "the palette".to_owned())
    }

    /// The key of what only one page does, by its name in the settings.
    #[must_use]
    pub fn key_named(&self, page: Page, name: &str) -> String {
        let mut rows = self.screen.keys.of(page.scope());
        let row = rows.find(|(binding, _)| binding.name == name);
        let key = row.and_then(|(_, keys)| keys.first());
        key.map_or_else(|| "the palette".to_owned(), ToString::to_string)
    }

    /// The key that scrolls down on the page that is open.
    #[must_use]
    pub fn key_down(&self) -> String {
        self.key_for(self.screen.scope(), Action::Move(1))
    }
}

/// Two actions on one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The key.
    pub key: Key,
    /// What it would do.
    pub one: (Scope, &'static str),
    /// And also.
    pub other: (Scope, &'static str),
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, one, other } = self;
        write!(
            f,
            "the key {key} would mean both `{}.{}` and `{}.{}`",
            one.0.name(),
            one.1,
            other.0.name(),
            other.1
        )
    }
}

impl Keymap {
    /// What a key means in a scope: its own meaning first, then that of its parents.
    #[must_use]
    pub fn action(&self, scope: Scope, key: Key) -> Option<Action> {
        for here in scope.chain() {
            let found = self.of(here).find(|(_, keys)| keys.contains(&key));
            if let Some((binding, _)) = found {
                return Some(binding.action);
            }
        }
        None
    }

    /// The actions of one scope with their keys, parents left out, in the order of the table.
    pub fn of(&self, scope: Scope) -> impl Iterator<Item = (&Binding, &[Key])> {
        self.rows
            .iter()
            .filter(move |(binding, _)| binding.scope == scope)
            .map(|(binding, keys)| (binding, keys.as_slice()))
    }

    /// The first key of an action in a scope or its parents, as it is shown.
    #[must_use]
    pub fn shown(&self, scope: Scope, action: Action) -> Option<String> {
        for here in scope.chain() {
            let found = self.of(here).find(|(binding, _)| binding.action == action);
            if let Some((_, [key, ..])) = found {
                return Some(key.to_string());
            }
        }
        None
    }

    /// Gives an action other keys; no keys take it away. Clashes are looked for by `clash`, when all
    /// is told: two keys may change places.
    pub fn rebind(&mut self, scope: Scope, name: &str, keys: Vec<Key>) -> Result<(), String> {
        let row = self
            .rows
            .iter_mut()
            .find(|(binding, _)| binding.scope == scope && binding.name == name);
        match row {
            Some((_, known)) => {
                *known = keys;
                Ok(())
            }
            None => {
                let names: Vec<&str> = self.of(scope).map(|(binding, _)| binding.name).collect();
                let near = names
                    .iter()
                    .find(|known| strsim::damerau_levenshtein(known, name) <= 2)
                    .map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
                Err(format!(
                    "`{name}` is no action of `{}`.{near} Its actions are: {}",
                    scope.name(),
                    names.join(", ")
                ))
            }
        }
    }

    /// The first key with two actions within a scope or its parents, if there is one.
    #[must_use]
    pub fn clash(&self) -> Option<Clash> {
        for (n, (one, keys)) in self.rows.iter().enumerate() {
            for (other, theirs) in &self.rows[n + 1..] {
                let shared = keys.iter().find(|key| theirs.contains(key));
                if let (true, Some(key)) = (one.scope.meets(other.scope), shared) {
                    return Some(Clash {
                        key: *key,
                        one: (one.scope, one.name),
                        other: (other.scope, other.name),
                    });
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::pages::dashboard::Panel;

    fn key(text: &str) -> Key {
        text.parse().unwrap()
    }

    #[test]
    fn every_key_of_the_table_can_be_read_and_is_shown_as_it_is_written() {
        for binding in bindings() {
            for written in binding.keys.split(' ') {
                assert_eq!(key(written).to_string(), written, "{}", binding.name);
            }
        }
        assert!("ctrl-".parse::<Key>().is_err());
        assert!("hyper-x".parse::<Key>().is_err());
        assert!("\u{1b}".parse::<Key>().is_err());
    }

    #[test]
    fn lessons_may_name_the_keys_of_every_page() {
        let pages = bindings().filter(|one| one.scope == Scope::Pages);
        let names: Vec<&str> = pages.map(|one| one.name).collect();
        assert_eq!(names, flinklab_lab::KEYS_OF_EVERY_PAGE);
    }

    #[test]
    fn no_key_has_two_actions_within_a_scope_and_its_parents() {
        assert_eq!(Keymap::default().clash(), None);
    }

    #[test]
    fn an_action_has_one_name_in_its_scope() {
        let all: Vec<Binding> = bindings().collect();
        for (n, one) in all.iter().enumerate() {
            for other in &all[n + 1..] {
                let same = one.scope == other.scope && one.name == other.name;
                assert!(!same, "{} twice in {}", one.name, one.scope.name());
            }
        }
    }

    #[test]
    fn every_scope_can_be_left() {
        let keys = Keymap::default();
        for scope in Scope::all() {
            assert_eq!(keys.action(scope, key("ctrl-c")), Some(Action::Quit));
            assert_eq!(keys.action(scope, key("esc")), Some(Action::Back));
        }
    }

    #[test]
    fn digits_are_panels_on_the_dashboard_and_aims_in_the_palette() {
        let keys = Keymap::default();
        let five = key("5");
        assert_eq!(
            keys.action(Scope::Of(Page::Dashboard), five),
            Some(Action::Focus(Panel::Log))
        );
        let aims = keys.action(Scope::Of(Page::Failures), five);
        assert!(matches!(aims, Some(Action::Own(own)) if own.name == "aim-5"));
        assert_eq!(keys.action(Scope::Of(Page::Run), five), None);
    }

    #[test]
    fn a_key_that_was_rebound_counts_and_the_old_one_does_not() {
        let mut keys = Keymap::default();
        keys.rebind(Scope::Pages, "failures", vec![key("X")])
            .unwrap();
        assert_eq!(keys.action(Scope::Of(Page::Dashboard), key("x")), None);
        let failures = Action::Open(Page::Failures);
        assert_eq!(
            keys.action(Scope::Of(Page::Dashboard), key("X")),
            Some(failures)
        );
        assert_eq!(
            keys.shown(Scope::Of(Page::Run), failures).as_deref(),
            Some("X")
        );
        assert_eq!(keys.clash(), None);
    }

    #[test]
    fn two_actions_on_one_key_are_told_by_name() {
        let mut keys = Keymap::default();
        keys.rebind(Scope::Of(Page::Run), "older", vec![key("q")])
            .unwrap();
        let clash = keys.clash().unwrap().to_string();
        assert_eq!(
            clash,
            "the key q would mean both `timeline.older` and `everywhere.quit`"
        );
        let wrong = keys
            .rebind(Scope::Of(Page::Run), "olders", Vec::new())
            .unwrap_err();
        assert!(wrong.contains("Did you mean `older`?"), "{wrong}");
    }
}
