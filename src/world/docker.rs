//! Stand-in until part node's arrives.
use super::Addresses;
use crate::fault::Fault;
/// Docker.
#[derive(Debug, Clone)]
pub struct Docker(bollard::Docker);
/// A container.
pub struct Found {
    /// Id.
    pub id: String,
}
impl Docker {
    /// Connects.
    pub async fn connect(_addresses: &Addresses) -> Result<Docker, Fault> {
        let docker = bollard::Docker::connect_with_defaults()
            .map_err(|error| Fault::unable("docker", error.to_string()))?;
        Ok(Self(docker))
    }
    /// The client.
    pub fn api(&self) -> &bollard::Docker {
        &self.0
    }
    /// By label.
    pub async fn containers_of(&self, _cluster: &str) -> Result<Vec<Found>, Fault> {
        Ok(Vec::new())
    }
}
