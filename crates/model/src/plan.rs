//! The steps of `up` and `down` as they go.

use flinklab_base::fault::Fault;
use flinklab_event::{Done, StepChange, StepState, Usual};
use jiff::Timestamp;

/// The steps so far, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// When the first step began.
    pub started: Option<Timestamp>,
    /// Every step, also those that wait.
    pub steps: Vec<Step>,
    /// How it ended.
    pub done: Option<Done>,
    /// When it ended without being done.
    pub broke_off: Option<Timestamp>,
    /// Why.
    pub fault: Option<Fault>,
    /// How long it usually takes here; none: nothing like it was done before.
    pub usual: Option<Usual>,
}

/// How much longer a plan takes, as far as earlier runs tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Left {
    /// About so many seconds.
    About(f64),
    /// It takes longer than it usually does.
    Longer,
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::About(seconds) if *seconds >= 90.0 => {
                write!(f, "about {:.0} min left", seconds / 60.0)
            }
            // No more exact than it is: in steps of five.
            Self::About(seconds) if *seconds > 20.0 => {
                write!(f, "about {:.0} s left", (seconds / 5.0).ceil() * 5.0)
            }
            Self::About(seconds) => write!(f, "about {:.0} s left", seconds.ceil()),
            Self::Longer => f.write_str("longer than usual"),
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Kebab-case, as scripts see it.
    pub name: String,
    /// As a person reads it.
    pub title: String,
    /// Number from 1.
    pub n: usize,
    /// How far it is.
    pub state: StepState,
    /// What it waits for, or what it found. One line.
    pub detail: String,
    /// When it began and, once over, how many seconds it took.
    pub began: Option<Timestamp>,
    /// Seconds it took, once over.
    pub seconds: Option<f64>,
}

/// Steps of a plan: a recording may claim any number.
const STEPS: usize = 100;

impl Plan {
    /// Takes a change in.
    pub(super) fn change(&mut self, at: Timestamp, change: &StepChange) {
        self.started.get_or_insert(at);
        while self.steps.len() < change.of.min(STEPS) {
            self.steps.push(Step {
                name: String::new(),
                title: String::new(),
                n: self.steps.len() + 1,
                state: StepState::Waiting,
                detail: String::new(),
                began: None,
                seconds: None,
            });
        }
        let Some(step) = self.steps.get_mut(change.n.wrapping_sub(1)) else {
            return;
        };
        step.name.clone_from(&change.name);
        step.title.clone_from(&change.title);
        step.state = change.state;
        step.detail.clone_from(&change.detail);
        step.seconds = change.seconds;
        match change.state {
            StepState::Running => {
                step.began.get_or_insert(at);
            }
            StepState::Failed => {
                self.broke_off.get_or_insert(at);
            }
            _ => {}
        }
    }

    /// How much longer it takes: what earlier runs took from the same point on, less the time that
    /// has passed since. None: nothing is known, or it is over.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> Option<Left> {
        let (usual, started) = (self.usual.as_ref()?, self.started?);
        if self.over() {
            return None;
        }
        let since = |at: Timestamp| at.duration_since(started).as_secs_f64();
        let mut reached = (0.0, 0.0);
        for step in self
            .steps
            .iter()
            .filter(|step| step.state == StepState::Done)
        {
            let ended = step.began.zip(step.seconds);
            if let (Some(usually), Some((began, took))) = (usual.ends.get(&step.name), ended)
                && *usually > reached.0
            {
                reached = (*usually, since(began) + took);
            }
        }
        let left = (usual.seconds - reached.0) - (since(now) - reached.1);
        Some(match left {
            left if left >= 0.5 => Left::About(left),
            _ => Left::Longer,
        })
    }

    /// Whether it came to an end, good or bad.
    #[must_use]
    pub fn over(&self) -> bool {
        self.done.is_some() || self.broke_off.is_some()
    }

    /// Whether it was begun and did not come to an end.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.started.is_some() && !self.over()
    }

    /// The step that failed, if one did.
    #[must_use]
    pub fn failed(&self) -> Option<&Step> {
        self.steps
            .iter()
            .find(|step| step.state == StepState::Failed)
    }
}

/// A fault belongs to the plan when a step of it failed.
impl Plan {
    /// Marks the step that was going on as failed because of the fault, unless the plan said itself
    /// which one it was. What went on beside it has only stopped; which of several it was that
    /// failed is not known.
    pub(super) fn fail(&mut self, at: Timestamp, fault: &Fault) {
        self.fault = Some(fault.clone());
        if self.goes_on() {
            self.broke_off = Some(at);
        }
        let known = self.failed().is_some();
        let running = |step: &&mut Step| step.state == StepState::Running;
        let alone = self.steps.iter_mut().filter(running).count() == 1;
        for step in self.steps.iter_mut().filter(running) {
            if alone && !known {
                step.state = StepState::Failed;
                step.detail.clone_from(&fault.what);
            } else {
                step.state = StepState::Waiting;
                step.detail = "stopped".to_owned();
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000 + seconds).unwrap()
    }

    fn step(plan: &mut Plan, now: i64, n: usize, state: StepState, seconds: Option<f64>) {
        let change = StepChange {
            name: format!("step{n}"),
            title: String::new(),
            n,
            of: 2,
            state,
            detail: String::new(),
            seconds,
        };
        plan.change(at(now), &change);
    }

    #[test]
    fn what_is_left_is_what_earlier_runs_took_from_here_on() {
        let mut plan = Plan::default();
        step(&mut plan, 0, 1, StepState::Running, None);
        assert_eq!(plan.remaining(at(1)), None, "nothing is known yet");
        let ends = [("step1".to_owned(), 10.0), ("step2".to_owned(), 40.0)];
        plan.usual = Some(Usual {
            ends: ends.into(),
            seconds: 40.0,
        });
        assert_eq!(plan.remaining(at(5)), Some(Left::About(35.0)));
        // This machine is slow today: the first step took twice as long.
        step(&mut plan, 20, 1, StepState::Done, Some(20.0));
        step(&mut plan, 20, 2, StepState::Running, None);
        assert_eq!(plan.remaining(at(25)), Some(Left::About(25.0)));
        assert_eq!(plan.remaining(at(60)), Some(Left::Longer));
        step(&mut plan, 61, 2, StepState::Failed, Some(41.0));
        assert_eq!(plan.remaining(at(62)), None, "it is over");
    }

    #[test]
    fn only_the_step_that_failed_is_marked_and_its_neighbour_has_stopped() {
        let fault = Fault::unable("x", "It broke.");
        let states = |plan: &Plan| plan.steps.iter().map(|it| it.state).collect::<Vec<_>>();
        let mut both = Plan::default();
        step(&mut both, 0, 1, StepState::Running, None);
        step(&mut both, 0, 2, StepState::Running, None);
        let mut told = both.clone();
        step(&mut told, 1, 2, StepState::Failed, Some(1.0));
        told.fail(at(2), &fault);
        assert_eq!(told.broke_off, Some(at(1)));
        assert_eq!(states(&told), [StepState::Waiting, StepState::Failed]);
        assert_eq!(told.steps[0].detail, "stopped");
        both.fail(at(2), &fault);
        assert_eq!(both.broke_off, Some(at(2)));
        assert_eq!(states(&both), [StepState::Waiting, StepState::Waiting]);
        assert!(both.over());
        let mut one = Plan::default();
        step(&mut one, 0, 1, StepState::Running, None);
        one.fail(at(2), &fault);
        assert_eq!(states(&one), [StepState::Failed, StepState::Waiting]);
    }

    #[test]
    fn an_estimate_is_told_no_more_exactly_than_it_is() {
        let told = |left: Left| left.to_string();
        assert_eq!(told(Left::About(33.0)), "about 35 s left");
        assert_eq!(told(Left::About(7.2)), "about 8 s left");
        assert_eq!(told(Left::About(170.0)), "about 3 min left");
        assert_eq!(told(Left::Longer), "longer than usual");
    }
}
