//! What serde finds wrong, collected on its way up and said in a person's words: path, place, and
//! the words that are allowed.

use super::mistake::{Mistake, did_you_mean, joined, listed};
use super::yaml::{At, Node};
use serde::de;
use std::fmt;

/// An error on its way up: the place is known at the bottom, the path only at the top.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) reason: Reason,
    at: Option<At>,
    /// From the bottom up.
    path: Vec<String>,
}

#[derive(Debug)]
pub(super) enum Reason {
    UnknownField(String, &'static [&'static str]),
    UnknownVariant(String, &'static [&'static str]),
    MissingField(&'static str),
    /// What is there and what must be.
    Type(String, String),
    Other(String),
}

impl Wrong {
    pub(super) fn new(reason: Reason, at: At) -> Self {
        Self {
            reason,
            at: Some(at),
            path: Vec::new(),
        }
    }

    pub(super) fn or_at(mut self, at: At) -> Self {
        self.at.get_or_insert(at);
        self
    }

    pub(super) fn below(mut self, step: String) -> Self {
        self.path.push(step);
        self
    }

    pub(super) fn mistake(self, root: &Node) -> Mistake {
        let mut path = String::new();
        for step in self.path.iter().rev() {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path.push_str(step);
        }
        let at = self.at.unwrap_or(root.at);
        let under = |path: &str| {
            if path.is_empty() {
                String::new()
            } else {
                format!(" in `{path}`")
            }
        };
        match self.reason {
            Reason::UnknownField(word, allowed) => {
                Mistake::at(at, format!("Unknown word `{word}`{}.", under(&path)))
                    .why(format!("known there: {}", listed(allowed.iter().copied())))
                    .hint(did_you_mean(&word, allowed.iter().copied()))
            }
            Reason::UnknownVariant(word, allowed) => {
                Mistake::at(at, format!("`{path}` cannot be `{word}`."))
                    .why(format!("it may be {}", one_of(allowed)))
                    .hint(did_you_mean(&word, allowed.iter().copied()))
            }
            Reason::MissingField(field) => {
                let whole = if path.is_empty() {
                    field.to_owned()
                } else {
                    format!("{path}.{field}")
                };
                Mistake::at(at, format!("`{whole}` is missing."))
            }
            Reason::Type(found, wanted) if path.is_empty() => {
                Mistake::at(at, format!("The file must be {wanted}, but it is {found}."))
            }
            Reason::Type(found, wanted) => {
                Mistake::at(at, format!("`{path}` must be {wanted}, but it is {found}."))
            }
            Reason::Other(text) => Mistake::at(at, format!("`{path}` is wrong: {text}.")),
        }
    }
}

/// `a`, `b` or `c`.
pub(super) fn one_of(words: &[&str]) -> String {
    joined(words.iter().copied(), "or")
}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self {
            reason: Reason::Other(text.to_string().trim_end_matches('.').to_owned()),
            at: None,
            path: Vec::new(),
        }
    }

    fn unknown_field(field: &str, allowed: &'static [&'static str]) -> Self {
        Self {
            reason: Reason::UnknownField(field.to_owned(), allowed),
            ..Self::custom("")
        }
    }

    fn unknown_variant(variant: &str, allowed: &'static [&'static str]) -> Self {
        Self {
            reason: Reason::UnknownVariant(variant.to_owned(), allowed),
            ..Self::custom("")
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            reason: Reason::MissingField(field),
            ..Self::custom("")
        }
    }

    fn invalid_type(found: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self {
            reason: Reason::Type(found.to_string(), wanted.to_string()),
            ..Self::custom("")
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.reason)
    }
}

impl std::error::Error for Wrong {}
