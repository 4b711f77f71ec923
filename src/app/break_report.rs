//! Break report.
use crate::model::{RunEvent, RunResult};
use serde_json::{Value, json};
pub(super) fn live_line(_event: &RunEvent) -> Option<String> {
    None
}
pub(super) fn object(_result: &RunResult) -> Value {
    json!({})
}
pub(super) fn text(_result: &RunResult) -> String {
    String::new()
}
