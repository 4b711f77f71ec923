//! SIGKILL to a pod's first process, from its node: from inside, PID 1 is immune to it.

use crate::ending::{self, FAREWELL};
use crate::{By, Effect, Facts, Injection, POD_HITS, Scene, Step, Task, UndoneBy, Until, Verb};

/// SIGKILL from the node: from inside, PID 1 is immune to it.
pub const KILL: Step = Step::of(&Kill);

struct Kill;

static FACTS: Facts = Facts {
    key: "kill",
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

impl Verb for Kill {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn command(&self, scene: &Scene) -> String {
        scene.signal("KILL")
    }

    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()> {
        let on: &dyn Injection = on;
        Box::pin(ending::all(on, move |victim| on.kill(victim, FAREWELL)))
    }
}
