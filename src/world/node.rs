//! Stand-in until part node's arrives.
use super::docker::Docker;
/// A node.
#[derive(Debug, Clone)]
pub struct Node {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
}
impl Node {
    pub(in crate::world) fn proven(_docker: &Docker, id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
        }
    }
}
