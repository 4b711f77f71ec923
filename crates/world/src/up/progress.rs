//! The numbered steps of a plan as a person and a script see them. Several may run at once; each
//! says what it waits for. Knows nothing of what the steps do.

use crate::{Events, images};
use flinklab_base::advice::Advice;
use flinklab_base::clock::Instant;
use flinklab_base::units;
use flinklab_event::{Event, StepChange, StepState};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often figures of one sentence are told.
const FIGURES: Duration = Duration::from_secs(1);

/// A step's name and title.
pub(crate) type Title = (&'static str, &'static str);

/// The steps of one plan, and what is to be said at its end.
pub(crate) struct Progress {
    events: Events,
    titles: &'static [Title],
    began: Instant,
    steps: Mutex<Vec<Current>>,
    announced: AtomicBool,
    changed: AtomicBool,
    pulled: AtomicBool,
    notes: Mutex<Vec<Advice>>,
}

#[derive(Clone)]
struct Current {
    state: StepState,
    detail: String,
    began: Option<Instant>,
    told: Option<Instant>,
    /// Seconds from the start of the plan.
    ended: Option<f64>,
}

impl Progress {
    pub(crate) fn new(events: &Events, titles: &'static [Title]) -> Self {
        let waiting = Current {
            state: StepState::Waiting,
            detail: String::new(),
            began: None,
            told: None,
            ended: None,
        };
        Self {
            events: events.clone(),
            titles,
            began: Instant::now(),
            steps: Mutex::new(vec![waiting; titles.len()]),
            announced: AtomicBool::new(false),
            changed: AtomicBool::new(false),
            pulled: AtomicBool::new(false),
            notes: Mutex::new(Vec::new()),
        }
    }

    /// Seconds since the plan began.
    pub(crate) fn seconds(&self) -> f64 {
        rounded(self.began)
    }

    /// Something had to be done.
    pub(crate) fn changed(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Whether something had to be done.
    pub(crate) fn has_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// An image had to be pulled.
    pub(crate) fn pulled(&self) {
        self.pulled.store(true, Ordering::Relaxed);
    }

    /// Whether an image had to be pulled.
    pub(crate) fn has_pulled(&self) -> bool {
        self.pulled.load(Ordering::Relaxed)
    }

    /// Seconds from the start of the plan to the end of each step that is done.
    pub(crate) fn ends(&self) -> BTreeMap<String, f64> {
        let steps = self.steps_mut();
        let all = self.titles.iter().zip(steps.iter());
        all.filter_map(|((name, _), step)| Some(((*name).to_owned(), step.ended?)))
            .collect()
    }

    /// A sentence for the end.
    pub(crate) fn note(&self, sentence: impl Into<Advice>) {
        self.notes_mut().push(sentence.into());
    }

    /// The sentences so far.
    pub(crate) fn notes(&self) -> Vec<Advice> {
        self.notes_mut().clone()
    }

    /// Something was done, as the command that does the same.
    pub(crate) async fn did(&self, what: &str, command: String) {
        self.events.did(what, command).await;
    }

    /// A step begins. With the first one, all are told: a person sees what is still to come.
    pub(crate) async fn begin(&self, name: &str, detail: impl Into<String>) {
        if !self.announced.swap(true, Ordering::Relaxed) {
            let steps = self.steps_mut().clone();
            for (n, step) in steps.iter().enumerate() {
                self.events.send(Event::Step(self.change(n, step))).await;
            }
        }
        self.set(name, StepState::Running, detail.into()).await;
    }

    /// What a step waits for now. May be lost when nobody keeps up: the next one comes. Where only
    /// figures change, one a second is told.
    pub(crate) fn tell(&self, name: &str, detail: &str) {
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
    pub(crate) async fn done(&self, name: &str, detail: impl Into<String>) {
        self.set(name, StepState::Done, detail.into()).await;
    }

    /// A part of the plan cannot go on: of its steps, the one that was going on has failed.
    pub(crate) async fn failed(&self, part: &[&str], what: &str) {
        if let Some(name) = self.running().rfind(|name| part.contains(name)) {
            self.set(name, StepState::Failed, what.to_owned()).await;
        }
    }

    /// The plan is over. Steps that were going on beside the one that failed have only stopped.
    pub(crate) async fn fail(&self, what: &str) {
        if self.failing().is_none()
            && let Some(name) = self.running().next_back()
        {
            self.set(name, StepState::Failed, what.to_owned()).await;
        }
        let because = match self.failing().and_then(|name| self.number(name)) {
            Some(n) => format!("stopped, because step {} failed", n + 1),
            None => "stopped".to_owned(),
        };
        for name in self.running() {
            self.set(name, StepState::Waiting, because.clone()).await;
        }
    }

    /// The step that failed.
    pub(crate) fn failing(&self) -> Option<&'static str> {
        self.in_state(StepState::Failed).into_iter().next()
    }

    /// The steps that are going on, with what they wait for.
    pub(crate) fn waiting_for(&self) -> Vec<(&'static str, String)> {
        let steps = self.steps_mut();
        let all = self.titles.iter().zip(steps.iter());
        all.filter(|(_, step)| step.state == StepState::Running)
            .map(|((_, title), step)| (*title, step.detail.clone()))
            .collect()
    }

    fn running(&self) -> std::vec::IntoIter<&'static str> {
        self.in_state(StepState::Running).into_iter()
    }

    /// The steps that are in a state, in their order.
    pub(crate) fn in_state(&self, state: StepState) -> Vec<&'static str> {
        let steps = self.steps_mut();
        let all = self.titles.iter().zip(steps.iter());
        all.filter(|(_, step)| step.state == state)
            .map(|((name, _), _)| *name)
            .collect()
    }

    async fn set(&self, name: &str, state: StepState, detail: String) {
        let Some(n) = self.number(name) else { return };
        let change = {
            let mut steps = self.steps_mut();
            let step = &mut steps[n];
            step.began.get_or_insert_with(Instant::now);
            step.state = state;
            step.ended = (state == StepState::Done).then(|| rounded(self.began));
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

    fn notes_mut(&self) -> std::sync::MutexGuard<'_, Vec<Advice>> {
        self.notes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How fast bytes come, from when they began to.
pub(crate) struct Meter {
    began: Option<(Instant, u64)>,
}

impl Meter {
    pub(crate) const fn new() -> Self {
        Self { began: None }
    }

    /// `312 of 736 MB, 45 MB/s`. The rate once it means something.
    pub(crate) fn told(&mut self, so_far: images::Progress) -> String {
        let (began, first) = *self
            .began
            .get_or_insert_with(|| (Instant::now(), so_far.bytes));
        match rate(so_far.bytes.saturating_sub(first), began.elapsed()) {
            Some(rate) => format!("{so_far}, {rate}"),
            None => so_far.to_string(),
        }
    }
}

/// Bytes in a time as a rate. None: too early to tell.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it saturates
fn rate(bytes: u64, took: Duration) -> Option<String> {
    let seconds = took.as_secs_f64();
    if seconds < 1.0 || bytes == 0 {
        return None;
    }
    Some(format!(
        "{}/s",
        units::bytes((bytes as f64 / seconds) as u64)
    ))
}

/// A detail without its figures.
fn words(detail: &str) -> impl Iterator<Item = char> + '_ {
    detail.chars().filter(|letter| !letter.is_ascii_digit())
}

/// Seconds with one digit, as they are shown.
fn rounded(since: Instant) -> f64 {
    units::to_the_tenth(since.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_once_it_means_something() {
        let seconds = Duration::from_secs;
        assert_eq!(rate(90_000_000, seconds(2)).as_deref(), Some("45 MB/s"));
        assert_eq!(rate(5_000_000, seconds(2)).as_deref(), Some("2.5 MB/s"));
        assert_eq!(rate(5_000_000, Duration::from_millis(10)), None);
        assert_eq!(rate(0, seconds(2)), None);
    }
}
