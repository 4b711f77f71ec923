//! Pictures of the model: pure functions from the model to a frame. No I/O, no clock.

use crate::model::Model;
use ratatui::Frame;

/// Draws the whole screen.
pub fn draw(_model: &Model, _frame: &mut Frame) {}
