//! Terminal.
use super::Surroundings;
use crate::cli::Global;
use crate::fault::Fault;
use crate::world::World;
use std::sync::Arc;
pub(super) async fn session(
    _world: Arc<World>,
    _global: &Global,
    _surroundings: &Surroundings,
) -> Result<u8, Fault> {
    Ok(0)
}
