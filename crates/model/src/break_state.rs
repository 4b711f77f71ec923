//! The state of a break, from its order until others may break again: one value, so that no part of
//! it contradicts another. What stays applied in the lab, whoever did it, is another fact: that is
//! read from the journal.

use super::{Run, Whose};
use jiff::Timestamp;

/// The state of a break.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum BreakState {
    /// Nothing goes on.
    #[default]
    Idle,
    /// Ordered here. Whoever carries it out has not said yet that it begins, or why it cannot.
    Fired {
        /// When.
        at: Timestamp,
        /// The run's name.
        run: String,
    },
    /// Begun, here or by another process: evidence is collected until it can be judged.
    Observing {
        /// The run.
        run: Box<Run>,
        /// Whether it still keeps others off.
        hand: Exclusive,
    },
    /// Judged. What it broke is being taken back, and others are kept off until then.
    TakingBack {
        /// The run's name.
        run: String,
    },
}

/// Whether whoever carries a break out still has the lab to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exclusive {
    /// It has.
    Holds,
    /// It let go before the run was judged.
    LetGo,
}

impl BreakState {
    /// The run that is observed.
    #[must_use]
    pub fn observed(&self) -> Option<&Run> {
        match self {
            Self::Observing { run, .. } => Some(run),
            Self::Idle | Self::Fired { .. } | Self::TakingBack { .. } => None,
        }
    }

    /// The same, to add evidence.
    pub fn observed_mut(&mut self) -> Option<&mut Run> {
        match self {
            Self::Observing { run, .. } => Some(run),
            Self::Idle | Self::Fired { .. } | Self::TakingBack { .. } => None,
        }
    }

    /// The name of the run that it is about.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        match self {
            Self::Idle => None,
            Self::Fired { run, .. } | Self::TakingBack { run } => Some(run),
            Self::Observing { run, .. } => Some(&run.order.run),
        }
    }

    /// An order was given. Whoever is at it already goes on: the order will be refused.
    pub(super) fn fire(&mut self, at: Timestamp, run: &str) {
        if let Self::Idle | Self::Fired { .. } = self {
            let run = run.to_owned();
            *self = Self::Fired { at, run };
        }
    }

    /// A run began: whoever begins has the lab, so that nobody else is at anything any more.
    pub(super) fn begin(&mut self, run: Run) {
        *self = Self::Observing {
            run: Box::new(run),
            hand: Exclusive::Holds,
        };
    }

    /// Whoever carries out that run, or any where none is named, keeps nobody off any more.
    pub(super) fn let_go(&mut self, of: Option<&str>) {
        if of.is_some() && of != self.run() {
            return;
        }
        match self {
            Self::Observing { hand, .. } => *hand = Exclusive::LetGo,
            Self::Idle | Self::Fired { .. } | Self::TakingBack { .. } => *self = Self::Idle,
        }
    }

    /// Nothing more is to be seen of the run that is observed. Of another process's run it is not
    /// waited for what that takes back: the journal tells of it.
    pub(super) fn observed_enough(&mut self) {
        if let Self::Observing { run, hand } = self {
            *self = match (run.whose, hand) {
                (Whose::Ours, Exclusive::Holds) => Self::TakingBack {
                    run: run.order.run.clone(),
                },
                (Whose::Ours, Exclusive::LetGo) | (Whose::Elsewhere, _) => Self::Idle,
            };
        }
    }
}
