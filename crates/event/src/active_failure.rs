//! Failures that are applied, and those that were taken back.

use crate::EffectKind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A failure that is applied and must be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveFailure {
    /// The run's name.
    pub run: String,
    /// The failure's key.
    pub failure: String,
    /// What is broken, for a person.
    pub what: String,
    /// Since when.
    pub since: Timestamp,
    /// When its owner will have taken it back.
    pub deadline: Timestamp,
    /// The process that will; none if it is gone.
    pub owner: Option<u32>,
}

/// The failure, and what it broke.
impl std::fmt::Display for ActiveFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.failure, self.what)
    }
}

/// What was taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "HealedAs")]
pub struct Healed {
    /// Who asked for it: a person, or a program that begins.
    pub effect: EffectKind,
    /// The newest first.
    pub undone: Vec<ActiveFailure>,
}

/// As it is read: with the effect, or as it was written before.
#[derive(Deserialize)]
#[serde(untagged)]
enum HealedAs {
    Of {
        effect: EffectKind,
        undone: Vec<ActiveFailure>,
    },
    Unknown(Vec<ActiveFailure>),
}

impl From<HealedAs> for Healed {
    fn from(written: HealedAs) -> Self {
        match written {
            HealedAs::Of { effect, undone } => Self { effect, undone },
            HealedAs::Unknown(undone) => Self {
                effect: EffectKind::Unknown,
                undone,
            },
        }
    }
}
