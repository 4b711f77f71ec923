//! What is on the screen: page, focus, aim. Not what it looks like.

use super::Target;
use crate::failure::Failure;
use jiff::Timestamp;

/// What is on the screen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Screen {
    /// The terminal's size.
    pub columns: u16,
    /// The terminal's size.
    pub rows: u16,
    /// Which page.
    pub page: Page,
    /// Which panel has the keys.
    pub focus: Panel,
    /// The failure aimed at, if the palette is open and a digit was pressed.
    pub aim: Option<Aim>,
    /// Why the aim was dropped, or what else to say in the key line.
    pub notice: Option<(Timestamp, String)>,
    /// How many log lines the log panel is scrolled up; 0 follows.
    pub log_back: usize,
    /// The row chosen in the focused panel.
    pub row: usize,
}

/// Pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    /// There is no lab.
    Welcome,
    /// `up` or `down` goes on.
    Plan,
    /// Everything at a glance.
    #[default]
    Dashboard,
    /// The failures, over the dashboard.
    Failures,
    /// Keys, over the dashboard.
    Help,
    /// A run's phases and statements.
    Run,
}

/// Panels of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Panel {
    /// Pods.
    #[default]
    Pods,
    /// Leader and lease.
    Leader,
    /// Checkpoints.
    Checkpoints,
    /// The newest run.
    Run,
    /// Log.
    Log,
}

/// A failure aimed at a target, not fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Aim {
    /// Its digit.
    pub digit: u8,
    /// The failure.
    pub failure: Failure,
    /// Whom it would hit; why nobody, otherwise.
    pub target: Result<Target, String>,
    /// What speaks against firing now; empty when the lab is ready.
    pub against: Vec<String>,
}
