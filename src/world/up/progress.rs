//! The numbered steps of a plan as a person and a script see them. Several may run at once; each
//! says what it waits for. Knows nothing of what the steps do.

use crate::model::{Event, StepChange, StepState};
use crate::world::Events;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often figures of one sentence are told.
const FIGURES: Duration = Duration::from_secs(1);

/// A step's name and title.
pub(in crate::world) type Title = (&'static str, &'static str);

/// The steps of one plan, and what is to be said at its end.
pub(in crate::world) struct Progress {
    events: Events,
    titles: &'static [Title],
    began: Instant,
    steps: Mutex<Vec<Current>>,
    changed: AtomicBool,
    notes: Mutex<Vec<String>>,
}

#[derive(Clone)]
struct Current {
    state: StepState,
    detail: String,
    began: Option<Instant>,
    told: Option<Instant>,
}

impl Progress {
    pub(in crate::world) fn new(events: &Events, titles: &'static [Title]) -> Self {
        let waiting = Current {
            state: StepState::Waiting,
            detail: String::new(),
            began: None,
            told: None,
        };
        Self {
            events: events.clone(),
            titles,
            began: Instant::now(),
            steps: Mutex::new(vec![waiting; titles.len()]),
            changed: AtomicBool::new(false),
            notes: Mutex::new(Vec::new()),
        }
    }

    /// Seconds since the plan began.
    pub(in crate::world) fn seconds(&self) -> f64 {
        rounded(self.began)
    }

    /// Something had to be done.
    pub(in crate::world) fn changed(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Whether something had to be done.
    pub(in crate::world) fn has_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// A sentence for the end.
    pub(in crate::world) fn note(&self, sentence: impl Into<String>) {
        self.notes_mut().push(sentence.into());
    }

    /// The sentences so far.
    pub(in crate::world) fn notes(&self) -> Vec<String> {
        self.notes_mut().clone()
    }

    /// A step begins.
    pub(in crate::world) async fn begin(&self, name: &str, detail: impl Into<String>) {
        self.set(name, StepState::Running, detail.into()).await;
    }

    /// What a step waits for now. May be lost when nobody keeps up: the next one comes. Where only
    /// figures change, one a second is told.
    pub(in crate::world) fn tell(&self, name: &str, detail: &str) {
        let Some(n) = self.number(name) else { return };
        let change = {
            let mut steps = self.steps_mut();
            let step = &mut steps[n];
            if step.state != StepState::Running || step.detail == detail {
                return;
            }
            let lately = step.told.is_some_and(|at| at.elapsed() < FIGURES);
            if lately && words(&step.detail).eq(words(detail)) {
                return;
            }
            step.told = Some(Instant::now());
            detail.clone_into(&mut step.detail);
            self.change(n, step)
        };
        self.events.offer(Event::Step(change));
    }

    /// A step is over.
    pub(in crate::world) async fn done(&self, name: &str, detail: impl Into<String>) {
        self.set(name, StepState::Done, detail.into()).await;
    }

    /// Whatever runs is over with the plan; a step's fault stands beside it.
    pub(in crate::world) async fn fail(&self, what: &str) {
        for (n, (name, _)) in self.titles.iter().enumerate() {
            let running = self.steps_mut()[n].state == StepState::Running;
            if running {
                self.set(name, StepState::Failed, what.to_owned()).await;
            }
        }
    }

    async fn set(&self, name: &str, state: StepState, detail: String) {
        let Some(n) = self.number(name) else { return };
        let change = {
            let mut steps = self.steps_mut();
            let step = &mut steps[n];
            step.began.get_or_insert_with(Instant::now);
            step.state = state;
            step.detail = detail;
            self.change(n, step)
        };
        self.events.send(Event::Step(change)).await;
    }

    fn change(&self, n: usize, step: &Current) -> StepChange {
        let (name, title) = self.titles[n];
        let over = matches!(step.state, StepState::Done | StepState::Failed);
        StepChange {
            name: name.to_owned(),
            title: title.to_owned(),
            n: n + 1,
            of: self.titles.len(),
            state: step.state,
            detail: step.detail.clone(),
            seconds: step.began.filter(|_| over).map(rounded),
        }
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.titles.iter().position(|(known, _)| *known == name)
    }

    fn steps_mut(&self) -> std::sync::MutexGuard<'_, Vec<Current>> {
        self.steps
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn notes_mut(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.notes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A detail without its figures.
fn words(detail: &str) -> impl Iterator<Item = char> + '_ {
    detail.chars().filter(|letter| !letter.is_ascii_digit())
}

/// Seconds with one digit, as they are shown.
fn rounded(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 10.0).round() / 10.0
}
