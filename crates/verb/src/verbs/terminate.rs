//! SIGTERM to a pod's first process, by exec in the container as a person would.

use crate::ending::{self, FAREWELL};
use crate::{
    By, Effect, Ending, Exit, Facts, Injection, POD_HITS, Scene, Step, Task, UndoneBy, Until, Verb,
};

/// SIGTERM to PID 1 by exec in the container, as a person would.
pub const TERMINATE: Step = Step::of(&Terminate);

struct Terminate;

static FACTS: Facts = Facts {
    key: "terminate",
    hits: POD_HITS,
    effect: Effect::Ends(By::Signal),
    until: Until::Over,
    undone: UndoneBy {
        sentence: "the kubelet starts the container again",
        words: "kubelet",
        slow: false,
    },
    undos: &[],
    scripts: &[],
};

impl Verb for Terminate {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn command(&self, scene: &Scene) -> String {
        scene.each(|pod| {
            let (name, container) = (&pod.pod, &pod.container_name);
            scene.kubectl(&format!("exec {name} -c {container} -- sh -c 'kill 1'"))
        })
    }

    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()> {
        let on: &dyn Injection = on;
        Box::pin(ending::all(on, move |victim| {
            on.end(
                victim,
                Ending {
                    request: on.exec(victim, &["sh", "-c", "kill 1"]),
                    observer: "our clock, before the exec of `kill 1`",
                    limit: FAREWELL,
                    exit: Exit::Kept,
                },
            )
        }))
    }
}
