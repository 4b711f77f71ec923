//! Whole runs, from events to the verdict.

mod budget;
mod doubt;
mod exact;
mod long_run;
mod recorded;
mod run;
mod story;

use flinklab_event::{LabFacts, Origin};

/// The default lab, on a real cluster, with that job.
pub(crate) fn lab_facts(job: &str) -> LabFacts {
    LabFacts {
        name: "flinklab".into(),
        definition: "default".into(),
        id: "x".into(),
        origin: Origin::Real,
        ui: None,
        kubeconfig: "/".into(),
        job: Some(job.into()),
        mount: "/flink-shared".into(),
        namespace: "flink".into(),
        calm_ms: 1000,
        operator: None,
        names: Box::default(),
        exact: false,
        application: None,
        lacks: Vec::new(),
    }
}
