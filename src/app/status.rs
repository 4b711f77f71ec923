//! Status.
use crate::fault::Fault;
use crate::model::Model;
use serde_json::{Value, json};
pub(super) fn complete(_model: &Model) -> bool {
    false
}
pub(super) fn saw_anything(_model: &Model) -> bool {
    false
}
pub(super) fn saw_nothing(_model: &Model) -> Fault {
    Fault::unable("cluster-unreachable", "Nothing of the lab could be seen.")
}
pub(super) fn object(_model: &Model) -> Value {
    json!({})
}
pub(super) fn text(_model: &Model) -> String {
    String::new()
}
