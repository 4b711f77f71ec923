//! Aim.
use super::{Aim, BreakOrder, Model, Target};
use crate::failure::{Failure, Step};
impl Model {
    /// Aim.
    #[must_use]
    pub fn aim(&self, failure: &Failure) -> Aim {
        Aim {
            digit: 0,
            failure: failure.clone(),
            target: Err("not known".to_owned()),
            against: Vec::new(),
        }
    }
    /// Order.
    #[must_use]
    pub fn order(&self, failure: &Failure, target: Target) -> BreakOrder {
        BreakOrder {
            run: String::new(),
            failure: failure.clone(),
            target,
        }
    }
}
impl Target {
    /// The command that equals a step.
    #[must_use]
    pub fn command(&self, _step: Step) -> String {
        String::new()
    }
}
