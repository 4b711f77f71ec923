//! The labs of this machine: what is written down about each, and what Docker has of it now. Reads
//! only; a folder that cannot be read is listed with the reason.

use super::Addresses;
use super::docker::{Docker, Found};
use super::home::{Home, State, valid_name};
use flinklab_base::fault::Fault;
use jiff::Timestamp;
use std::fs;
use std::path::PathBuf;

/// No machine has more labs; a folder named by mistake has more entries.
const MOST: usize = 200;

/// One lab of this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The instance.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What is written down, or why it cannot be read.
    pub known: Result<Known, Fault>,
}

/// What is written down about a lab, and what Docker has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The definition's name.
    pub definition: String,
    /// When the folder was made.
    pub made: Timestamp,
    /// Flink's web UI, while there is a cluster.
    pub ui: Option<String>,
    /// The node containers, by name.
    pub nodes: Vec<String>,
    /// What has become of them.
    pub cluster: LabStatus,
}

/// What has become of a lab's cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabStatus {
    /// All nodes run.
    Running,
    /// Some run, some do not, or one was removed.
    Partly,
    /// All are stopped.
    Stopped,
    /// Somebody removed it behind our back.
    Removed,
    /// `down` removed it, or there was none yet; the data is there.
    None,
    /// Docker does not answer.
    Unknown,
}

impl LabStatus {
    /// As scripts and people know it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Partly => "partly",
            Self::Stopped => "stopped",
            Self::Removed => "removed",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// Every lab below the home folder, by name; the fault is why Docker could not be asked.
pub async fn list(addresses: &Addresses) -> Result<(Vec<Listed>, Option<Fault>), Fault> {
    let mut names = Vec::new();
    match fs::read_dir(&addresses.home) {
        Ok(entries) => names.extend(
            entries
                .flatten()
                .filter_map(|entry| entry.file_name().into_string().ok())
                .filter(|name| valid_name(name).is_ok())
                .filter(|name| Home::of(addresses, name).state_file().exists())
                .take(MOST),
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(Fault::unable(
                "home-unreadable",
                format!("Cannot read {}.", addresses.home.display()),
            )
            .why(error));
        }
    }
    names.sort();
    let asked = if names.is_empty() {
        Ok(Vec::new())
    } else {
        nodes(addresses).await
    };
    let found = asked.as_ref().ok();
    let listed = names
        .into_iter()
        .map(|name| {
            let home = Home::of(addresses, &name);
            let known = match home.read_state() {
                Ok(Some(state)) => Ok(known(&state, found.map(Vec::as_slice))),
                Ok(None) => Err(super::open::no_lab(&name)), // removed since
                Err(fault) => Err(fault),
            };
            Listed {
                name,
                folder: home.folder,
                known,
            }
        })
        .collect();
    Ok((listed, asked.err()))
}

async fn nodes(addresses: &Addresses) -> Result<Vec<Found>, Fault> {
    Docker::connect(addresses).await?.all_nodes().await
}

fn known(state: &State, found: Option<&[Found]>) -> Known {
    let cluster = standing(state, found);
    let there = !matches!(cluster, LabStatus::None | LabStatus::Removed);
    Known {
        definition: state.definition.name.clone(),
        made: state.made,
        ui: state.ui().filter(|_| there),
        nodes: state.nodes.iter().map(|node| node.name.clone()).collect(),
        cluster,
    }
}

fn standing(state: &State, found: Option<&[Found]>) -> LabStatus {
    if state.nodes.is_empty() {
        return LabStatus::None;
    }
    let Some(found) = found else {
        return LabStatus::Unknown;
    };
    let there: Vec<&Found> = found
        .iter()
        .filter(|one| state.nodes.iter().any(|node| node.id == one.id))
        .collect();
    let running = there.iter().filter(|one| one.state == "running").count();
    match (there.len(), running) {
        (0, _) => LabStatus::Removed,
        (all, 0) if all == state.nodes.len() => LabStatus::Stopped,
        (all, runs) if all == runs && all == state.nodes.len() => LabStatus::Running,
        _ => LabStatus::Partly,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::home::{Maker, NodeRecord, NodeStage, Source};
    use flinklab_lab::Lab;

    fn state(nodes: &[&str]) -> State {
        let lab = Lab::open("default").unwrap();
        let source = Source::BuiltIn("default".to_owned());
        let mut state = State::new("t", &lab, source, Timestamp::UNIX_EPOCH).unwrap();
        for id in nodes {
            state.nodes.push(NodeRecord {
                id: (*id).to_owned(),
                name: format!("t-{id}"),
                role: "worker".to_owned(),
                stage: NodeStage::Joined,
                maker: Maker::Flinklab,
            });
        }
        state
    }

    fn found(id: &str, state: &str) -> Found {
        Found {
            id: id.to_owned(),
            name: String::new(),
            role: String::new(),
            state: state.to_owned(),
            image: String::new(),
            labels: Default::default(),
        }
    }

    #[test]
    fn what_became_of_a_cluster_is_told_apart() {
        let two = state(&["a", "b"]);
        let is = |all: &[Found]| standing(&two, Some(all));
        assert_eq!(
            is(&[found("a", "running"), found("b", "running")]),
            LabStatus::Running
        );
        assert_eq!(
            is(&[found("a", "running"), found("b", "exited")]),
            LabStatus::Partly
        );
        assert_eq!(is(&[found("a", "running")]), LabStatus::Partly);
        assert_eq!(
            is(&[found("a", "exited"), found("b", "exited")]),
            LabStatus::Stopped
        );
        assert_eq!(is(&[found("c", "running")]), LabStatus::Removed);
        assert_eq!(standing(&two, None), LabStatus::Unknown);
        assert_eq!(standing(&state(&[]), None), LabStatus::None);
    }
}
