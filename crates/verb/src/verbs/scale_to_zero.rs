//! Scales the JobManagers' workload to no replicas, and back.

use crate::ending::FAREWELL;
use crate::{
    Act, By, Cluster, ClusterUndo, DEPLOYMENT, Definition, Effect, Ending, Exit, Facts, Hits,
    Injection, Kind, STATEFUL_SET, Scene, Step, Stored, Task, UndoKind, UndoneBy, Until, Verb,
};
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The workloads of the JobManagers to no replicas.
pub const SCALE_TO_ZERO: Step = Step::of(&ScaleToZero);

struct ScaleToZero;

static FACTS: Facts = Facts {
    key: "scale-to-zero",
    hits: &[Hits::AllJobmanagers],
    effect: Effect::Ends(By::Kubelet),
    until: Until::Undone,
    undone: UndoneBy {
        sentence: "as many are wanted as before",
        words: "scaled back",
        slow: false,
    },
    undos: &[UndoKind::in_cluster::<Scale>()],
    scripts: &[],
};

impl Verb for ScaleToZero {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn command(&self, scene: &Scene) -> String {
        scene.kubectl(&format!("scale {} --replicas=0", scene.workload))
    }

    fn missing(&self, lab: &dyn Definition) -> Option<&'static str> {
        if lab.has_operator() {
            Some("the operator of its JobManagers would scale them back")
        } else if lab.jobmanagers() == 0 {
            Some("its JobManagers have no workload that could be scaled")
        } else {
            None
        }
    }

    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()> {
        Box::pin(async move {
            let before = workload(on.cluster()).await?;
            let name = before.name.clone();
            let zero = Scale {
                kind: before.kind.clone(),
                name: name.clone(),
                replicas: 0,
            };
            on.journal(
                format!("{name} is scaled to zero"),
                vec![Act::in_cluster(before)],
            )?;
            let on: &dyn Injection = on;
            let victim = &on.victims()[0];
            let request = Box::pin(async {
                // The wait for its end is set up before: only now the clock starts.
                on.began();
                zero.apply(on.cluster()).await
            });
            let ending = Ending {
                request,
                observer: "our clock, before the PATCH",
                limit: victim.grace + FAREWELL,
                exit: Exit::Forgotten,
            };
            if let Some(proof) = on.end(victim, ending).await? {
                let proof = proof.map(|words| format!("{name} is scaled to 0: {words}"));
                on.hit(proof).await;
            }
            Ok(())
        })
    }
}

/// The workload that the JobManagers belong to, as it is now.
async fn workload(cluster: &dyn Cluster) -> Result<Scale, Fault> {
    for (kind, doing) in [
        (&DEPLOYMENT, "Asking for the Deployments"),
        (&STATEFUL_SET, "Asking for the StatefulSets"),
    ] {
        for one in cluster.list(kind, doing).await? {
            let spec = &one["spec"];
            if cluster.makes_jobmanagers(kind, &one) {
                let replicas = spec["replicas"].as_i64().unwrap_or(1);
                return Ok(Scale {
                    kind: kind.name.to_owned(),
                    name: one["metadata"]["name"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                    replicas: i32::try_from(replicas).unwrap_or(1),
                });
            }
        }
    }
    Err(Fault::unable(
        "no-workload",
        "The JobManagers have no Deployment or StatefulSet that could be scaled.",
    ))
}

/// A workload's replicas as they were.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// `Deployment` or `StatefulSet`.
    pub kind: String,
    /// Its name, in the lab's namespace.
    pub name: String,
    /// How many.
    pub replicas: i32,
}

impl Scale {
    fn kind(&self) -> &'static Kind {
        if self.kind == STATEFUL_SET.name {
            &STATEFUL_SET
        } else {
            &DEPLOYMENT
        }
    }

    async fn apply(&self, cluster: &dyn Cluster) -> Result<(), Fault> {
        let doing = format!("Scaling {} to {}", self.name, self.replicas);
        let patch = json!({"spec": {"replicas": self.replicas}});
        cluster.patch(self.kind(), &self.name, patch, &doing).await
    }
}

impl Stored for Scale {
    const DO: &'static str = "scale";
    const WRITTEN: &'static str = r#"{"do":"scale","kind":"StatefulSet","name":"w","replicas":2}"#;
}

impl ClusterUndo for Scale {
    fn command(&self, kubectl: &dyn Fn(&str) -> String, namespace: &str) -> String {
        kubectl(&format!(
            "scale -n {namespace} {} {} --replicas={}",
            self.kind.to_lowercase(),
            self.name,
            self.replicas
        ))
    }

    fn undo<'a>(&'a self, cluster: &'a dyn Cluster) -> Task<'a, Timestamp> {
        Box::pin(async move {
            let at = clock::now();
            self.apply(cluster).await.map(|()| at)
        })
    }
}
