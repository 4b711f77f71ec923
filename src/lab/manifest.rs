//! Manifest files to objects. A file may hold several documents; each remembers its line.

use serde::{Deserialize, Serialize};

/// One manifest file, parsed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// File name in the lab's folder.
    pub file: String,
    /// The objects in it.
    pub documents: Vec<Document>,
}

/// One object of a manifest file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Line in the file where it begins, from 1.
    pub line: usize,
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, if it says one.
    pub namespace: Option<String>,
    /// The object itself.
    pub object: serde_json::Value,
}

impl Document {
    /// Whether it makes pods, so that the images must be in the nodes first.
    #[must_use]
    pub fn is_workload(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Pod" | "Job" | "CronJob"
        )
    }
}
