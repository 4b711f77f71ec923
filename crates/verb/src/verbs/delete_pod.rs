//! Deletes a pod through the API server, with its own grace period.

use crate::ending::{self, FAREWELL};
use crate::{
    By, Effect, Ending, Exit, Facts, Injection, POD, POD_HITS, Scene, Step, Task, UndoneBy, Until,
    Verb,
};
use serde_json::json;

/// Delete the pod with its own grace period.
pub const DELETE_POD: Step = Step::of(&DeletePod);

struct DeletePod;

static FACTS: Facts = Facts {
    key: "delete-pod",
    hits: POD_HITS,
    effect: Effect::Ends(By::Kubelet),
    until: Until::Over,
    undone: UndoneBy {
        sentence: "its workload makes another pod",
        words: "controller",
        slow: false,
    },
    undos: &[],
    scripts: &[],
};

impl Verb for DeletePod {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn command(&self, scene: &Scene) -> String {
        scene.each(|pod| scene.kubectl(&format!("delete pod {}", pod.pod)))
    }

    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()> {
        let on: &dyn Injection = on;
        Box::pin(ending::all(on, move |victim| {
            let request = Box::pin(async move {
                let doing = format!("Deleting the pod {}", victim.pod);
                let seen = json!({"metadata": {"uid": victim.uid}});
                on.cluster().delete(&POD, &victim.pod, seen, &doing).await
            });
            on.end(
                victim,
                Ending {
                    request,
                    observer: "our clock, before the DELETE",
                    limit: victim.grace + FAREWELL,
                    exit: Exit::Forgotten,
                },
            )
        }))
    }
}
