//! Advice: sentences that name commands of flinklab, and the lab that those commands must act on.
//! A sentence has no text before the lab is known, so none can be shown that leads to another lab.

use crate::shell;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A sentence that may name commands, as in "Run `flinklab up` again." Only an `Invocation` turns
/// it into text, and adds to each command what it needs to act on the same lab.
///
/// It is serialised as it was written: whoever reads it shows it for the lab that it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Advice(String);

impl From<&str> for Advice {
    fn from(sentence: &str) -> Self {
        Self(sentence.to_owned())
    }
}

impl From<String> for Advice {
    fn from(sentence: String) -> Self {
        Self(sentence)
    }
}

impl Advice {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// This, then that.
    #[must_use]
    pub fn then(&self, between: &str, next: &Self) -> Self {
        match (self.is_empty(), next.is_empty()) {
            (true, _) => next.clone(),
            (_, true) => self.clone(),
            (false, false) => Self(format!("{}{between}{}", self.0, next.0)),
        }
    }
}

/// A sentence with commands of flinklab in it, written as for `format!`. A test reads them off the
/// sources and parses each, and finds commands that stand in other literals.
#[macro_export]
macro_rules! advice {
    ($($sentence:tt)*) => { $crate::advice::Advice::from(format!($($sentence)*)) };
}

/// The usual lab, which needs no `--name`.
const USUAL: &str = "flinklab";

/// Commands that act on no lab, or on one that they name otherwise.
pub const ABOUT_NO_LAB: &[&str] = &[
    "bundle load",
    "compare",
    "completions",
    "keys",
    "lab",
    "labs",
    "man",
    "replay --demo",
    "try",
];

/// Commands that read a definition where no lab is built yet.
pub const READ_A_DEFINITION: &[&str] =
    &["bundle create", "doctor", "failures", "kind-config", "up"];

/// What another command line must repeat of the one that this process was started with, to act on
/// the same lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The instance's name.
    pub name: String,
    /// `--lab`, if it was given.
    pub lab: Option<String>,
    /// `--home`, if it is not what a command finds by itself.
    pub home: Option<PathBuf>,
}

impl Default for Invocation {
    fn default() -> Self {
        Self::named(USUAL)
    }
}

impl Invocation {
    /// For a lab of this name, at the usual place.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            lab: None,
            home: None,
        }
    }

    /// A command line about this lab, such as `flinklab job list --name mine` for `job list`.
    #[must_use]
    pub fn command(&self, command: &str) -> String {
        let is = |known: &&str| begins_with(command, known);
        let mut line = "flinklab".to_owned();
        let mut add = |words: &str| {
            line.push(' ');
            line.push_str(words);
        };
        let command = command.trim();
        if !command.is_empty() {
            add(command);
        }
        let given = |flag: &str| command.split_whitespace().any(|word| word == flag);
        let about_a_lab = !ABOUT_NO_LAB.iter().any(is);
        if about_a_lab && self.name != USUAL && !given("--name") {
            add(&format!("--name {}", self.name));
        }
        if let Some(lab) = &self.lab
            && READ_A_DEFINITION.iter().any(is)
            && !given("--lab")
        {
            add(&format!("--lab {}", shell::word(lab)));
        }
        if let Some(home) = &self.home
            && !given("--home")
        {
            add(&format!("--home {}", shell::word(&home.to_string_lossy())));
        }
        line
    }

    /// A sentence whose commands act on this lab.
    #[must_use]
    pub fn advise(&self, advice: &Advice) -> String {
        let mut text = String::with_capacity(advice.0.len());
        for (n, part) in advice.0.split('`').enumerate() {
            if n > 0 {
                text.push('`');
            }
            let command = part.strip_prefix("flinklab").filter(|_| n % 2 == 1);
            match command.filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
                Some(command) => text.push_str(&self.command(command)),
                None => text.push_str(part),
            }
        }
        text
    }

    /// The same sentence for whoever shows it as being about another lab.
    #[must_use]
    pub fn settled(&self, advice: &Advice) -> Advice {
        Advice(self.advise(advice))
    }
}

/// Whether a command begins with these words.
#[must_use]
pub fn begins_with(command: &str, words: &str) -> bool {
    let mut command = command.split_whitespace();
    words.split(' ').all(|word| command.next() == Some(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_a_lab_that_is_not_the_usual_one() {
        let usual = Invocation::default();
        let mine = Invocation::named("x");
        let words = "Run `flinklab down`, then `flinklab up`; or `flinklab down --purge`.";
        assert_eq!(usual.advise(&words.into()), words);
        let named = "Run `flinklab down --name x`, then `flinklab up --name x`; or `flinklab down --purge --name x`.";
        assert_eq!(mine.advise(&words.into()), named);
        assert_eq!(mine.advise(&named.into()), named, "once is enough");
        for (words, named) in [
            (
                "`flinklab break KEY` of the cluster `flinklab-control-plane`",
                "`flinklab break KEY --name x` of the cluster `flinklab-control-plane`",
            ),
            (
                "`flinklab` or `flinklab labs`",
                "`flinklab --name x` or `flinklab labs`",
            ),
            (
                "`flinklab job resume` starts",
                "`flinklab job resume --name x` starts",
            ),
            (
                "`flinklab bundle create F`, `flinklab bundle load F`",
                "`flinklab bundle create F --name x`, `flinklab bundle load F`",
            ),
            ("an odd ` of flinklab up", "an odd ` of flinklab up"),
        ] {
            assert_eq!(mine.advise(&words.into()), named);
        }
    }

    #[test]
    fn a_lab_that_is_not_built_is_named_by_its_definition_too() {
        let odd = Invocation {
            name: "x".to_owned(),
            lab: Some("./it's mine".to_owned()),
            home: Some("/a b".into()),
        };
        assert_eq!(
            odd.command("up"),
            r"flinklab up --name x --lab './it'\''s mine' --home '/a b'"
        );
        assert_eq!(odd.command("down"), "flinklab down --name x --home '/a b'");
        assert_eq!(odd.command(""), "flinklab --name x --home '/a b'");
    }
}
