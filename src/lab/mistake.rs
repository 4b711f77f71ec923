//! A mistake in one of a lab's files before it is known in which, and the words in which such
//! mistakes are told: lists of what is allowed, and the nearest of them.

use super::yaml::At;
use crate::fault::Fault;
use std::fmt;

/// Becomes a `Fault` once the file is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mistake {
    pub(super) at: At,
    pub(super) what: String,
    pub(super) why: String,
    pub(super) mend: String,
}

impl Mistake {
    pub(super) fn at(at: At, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
            why: String::new(),
            mend: String::new(),
        }
    }

    #[must_use]
    pub(super) fn why(mut self, why: impl fmt::Display) -> Self {
        self.why = why.to_string();
        self
    }

    #[must_use]
    pub(super) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = mend.into();
        self
    }

    /// In that file.
    pub(super) fn fault(self, code: &'static str, file: &str) -> Fault {
        Fault::wrong(code, self.what)
            .why(self.why)
            .mend(self.mend)
            .at(file, self.at.line, self.at.column)
    }
}

/// How far a word may be from a known one to be taken for it.
const NEAR: f64 = 0.7;

/// "Did you mean …?", or nothing where no known word is near.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&lower, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness > NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, known)| format!("Did you mean `{known}`?"))
}

/// `a`, `b` and `c`.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    joined(words, "and")
}

/// Each word once, in backticks.
pub(super) fn joined<'a>(words: impl IntoIterator<Item = &'a str>, last_with: &str) -> String {
    let mut quoted: Vec<String> = Vec::new();
    for word in words {
        let word = format!("`{word}`");
        if !quoted.contains(&word) {
            quoted.push(word);
        }
    }
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {last_with} {last}", rest.join(", ")),
    }
}
