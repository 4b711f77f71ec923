//! What a person is told when something fails, and the exit code that a script gets.
//! Plain data: every layer may build one, only `app` prints it.

use crate::advice::Advice;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Why a command could not reach its goal, in the words a person needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Decides the exit code.
    pub kind: Kind,
    /// Stable kebab-case word that a script may match, such as `docker-unreachable`.
    pub code: Cow<'static, str>,
    /// What failed, and on what. A sentence.
    pub what: String,
    /// Why we think so; often the other side's own words. May be empty.
    pub why: String,
    /// What the person can do. May be empty.
    #[serde(alias = "mend")] // as recordings of older versions say it
    pub hint: Advice,
    /// Where in a file of the user the mistake is.
    pub place: Option<Place>,
    /// The last words of the part that failed: logs, events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excerpts: Vec<Excerpt>,
}

/// What something said last, cut out of its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// Whose words they are: `boot log of flinklab-control-plane`.
    pub of: String,
    /// The words, a line each.
    pub lines: Vec<String>,
}

/// A position in a file of the user. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// As the user would name it.
    pub file: String,
    /// 0 where only the file is known.
    pub line: usize,
    /// 0 where only the line is known.
    pub column: usize,
}

/// How a command ended; the number is its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The lab worked, Flink did not do what was expected, or nothing could be proven.
    Missed,
    /// Wrong arguments or lab file, or a failure that this lab cannot have.
    Wrong,
    /// Docker, the cluster or Flink is not reachable or not able.
    Unable,
    /// A bug of ours.
    Bug,
    /// Stopped by a signal.
    Interrupted,
}

impl Kind {
    /// The process exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Missed => 1,
            Self::Wrong => 2,
            Self::Unable => 3,
            Self::Bug => 4,
            Self::Interrupted => 130,
        }
    }
}

impl Fault {
    /// A fault of any kind; add `why`, `hint` and `at` as far as they are known.
    pub fn new(kind: Kind, code: &'static str, what: impl Into<String>) -> Self {
        Self {
            kind,
            code: Cow::Borrowed(code),
            what: what.into(),
            why: String::new(),
            hint: Advice::default(),
            place: None,
            excerpts: Vec::new(),
        }
    }

    /// Wrong arguments or files: nothing was started.
    pub fn wrong(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Kind::Wrong, code, what)
    }

    /// Something outside is not reachable or not able.
    pub fn unable(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Kind::Unable, code, what)
    }

    /// The reason, usually the other side's own words.
    #[must_use]
    pub fn why(mut self, why: impl fmt::Display) -> Self {
        self.why = why.to_string();
        self
    }

    /// What the person can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Advice>) -> Self {
        self.hint = hint.into();
        self
    }

    /// What the part that failed said last. No words: no excerpt.
    #[must_use]
    pub fn showing(mut self, of: impl Into<String>, lines: Vec<String>) -> Self {
        if !lines.is_empty() {
            let of = of.into();
            self.excerpts.push(Excerpt { of, lines });
        }
        self
    }

    /// Where in the user's file.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: usize, column: usize) -> Self {
        self.place = Some(Place {
            file: file.into(),
            line,
            column,
        });
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.what)?,
            None => f.write_str(&self.what)?,
        }
        if !self.why.is_empty() {
            write!(f, " ({})", self.why)?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => f.write_str(&self.file),
            (line, 0) => write!(f, "{}:{line}", self.file),
            (line, column) => write!(f, "{}:{line}:{column}", self.file),
        }
    }
}

impl std::error::Error for Fault {}
