//! A mistake in one of a lab's files before it is known in which, and the words in which such
//! mistakes are told: lists of what is allowed, and the nearest of them.

use super::yaml::At;
use flinklab_base::advice::Advice;
use flinklab_base::fault::Fault;
use granit_parser::{ErrorKind, ScanError};
use std::fmt;

/// Becomes a `Fault` once the file is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mistake {
    pub(super) at: At,
    pub(super) what: String,
    pub(super) why: String,
    pub(super) hint: Advice,
}

impl Mistake {
    pub(super) fn at(at: At, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
            why: String::new(),
            hint: Advice::default(),
        }
    }

    #[must_use]
    pub(super) fn why(mut self, why: impl fmt::Display) -> Self {
        self.why = why.to_string();
        self
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<Advice>) -> Self {
        self.hint = hint.into();
        self
    }

    /// In that file.
    pub(super) fn fault(self, code: &'static str, file: &str) -> Fault {
        Fault::wrong(code, self.what)
            .why(self.why)
            .hint(self.hint)
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

/// The parser's words for the mistakes that people make, said so that they can be mended.
pub(super) fn reworded(error: &ScanError) -> Mistake {
    let at = At {
        line: error.marker().line(),
        column: error.marker().col() + 1,
    };
    let said = |what: &'static str, hint: &'static str| Mistake::at(at, what).hint(hint);
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => {
            Mistake::at(at, "A tab stands where YAML wants spaces.").hint("Indent with spaces.")
        }
        ErrorKind::UnclosedQuotedScalar => said("A quoted text has no closing quote.", ""),
        ErrorKind::UnclosedFlowCollection { open } => {
            Mistake::at(at, format!("A `{open}` is not closed."))
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            Mistake::at(at, format!("A `{open}` is closed by `{close}`."))
        }
        ErrorKind::UnknownAnchor => said("The alias names an anchor that is not there.", ""),
        ErrorKind::ExpectedFlowMappingSeparator => said(
            "Between `{` and `}` a comma is missing.",
            "A text with `{` or `}` needs quotes.",
        ),
        ErrorKind::ExpectedFlowSequenceSeparator => {
            said("Between `[` and `]` a comma is missing.", "")
        }
        ErrorKind::MappingValueNotAllowed => said(
            "A `:` stands where no key can be.",
            "A text with `: ` in it needs quotes; keys of one map need the same indentation.",
        ),
        ErrorKind::InvalidSimpleKey
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation => said(
            "The line does not fit to those above it.",
            "Keys of one map and items of one list need the same indentation; a key ends with `: `.",
        ),
        ErrorKind::UnexpectedCharacter { character } => {
            Mistake::at(at, format!("A text cannot begin with `{character}`."))
                .hint("Put it in quotes.")
        }
        ErrorKind::InvalidColonPlacement => said(
            "A `:` stands where no key can be.",
            "Is a `[` or `{` before it not closed?",
        ),
        ErrorKind::InvalidTrailingSingleQuotedScalar => said(
            "Something follows the closing quote.",
            "Inside single quotes, a single quote is written twice.",
        ),
        ErrorKind::InvalidTrailingDoubleQuotedScalar => said(
            "Something follows the closing quote.",
            "Inside double quotes, a double quote is written `\\\"`.",
        ),
        ErrorKind::UnknownQuotedScalarEscape => said(
            "A backslash in double quotes stands before a letter that it cannot.",
            "Use single quotes, or write `\\\\`.",
        ),
        other => Mistake::at(at, "This is not valid YAML.").why(other),
    }
}
