//! Where something happens in a recording, and where nothing does: the marks that arrows step
//! between, and the waits that may be shortened.

use super::Pastime;
use flinklab_event::recording::Recording;
use flinklab_event::{
    Event, FlinkSample, Happening, Highlight, JobTold, Link, MapChange, RunEvent, RunEventKind,
    StepState,
};
use std::collections::BTreeMap;

/// A wait is worth shortening from this length on.
const LONG: i64 = 6_000_000;
/// It begins so long after the last thing that happened,
const AFTER: i64 = 2_000_000;
/// and ends so long before the next.
const BEFORE: i64 = 1_200_000;
/// More marks than a line could show help nobody.
const MOST: usize = 500;

/// A moment that arrows lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When, in microseconds.
    pub us: i64,
    /// In a few words.
    pub words: String,
}

/// The marks of a recording, in order.
#[must_use]
pub fn marks(recording: &Recording) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    let mut building = false;
    for happening in &recording.happenings {
        let words = match &happening.event {
            Event::Step(_) if !building => {
                building = true;
                "the lab is built".to_owned()
            }
            Event::Done(_) => {
                building = false;
                "done".to_owned()
            }
            Event::Run(RunEvent {
                kind: RunEventKind::Begun(begun),
                ..
            }) => begun.failure.key.to_string(),
            Event::Saved(result) => format!("{}: {}", result.failure, result.verdict),
            Event::Job(JobTold::Begun(order)) => format!("job {}", order.act),
            Event::Failed { fault, .. } => fault.code.to_string(),
            Event::Unrecorded(_) => "recording ended".to_owned(),
            Event::Crashed(_) => "a part of flinklab crashed".to_owned(),
            Event::Link {
                link: Link::Lost { .. },
                source,
            } => format!("{source:?} lost").to_lowercase(),
            _ => continue,
        };
        let us = recording.since(happening.at);
        if marks.len() < MOST && marks.last().is_none_or(|last| last.us != us) {
            marks.push(Mark { us, words });
        }
    }
    marks
}

/// Stretches in which nothing happens.
#[derive(Debug, Clone, Default)]
pub(super) struct Waits(Vec<(i64, i64)>);

impl Waits {
    pub(super) fn of(recording: &Recording) -> Self {
        let mut waits = Vec::new();
        let mut last = 0;
        let mut before = Before::default();
        let length = recording.length();
        let telling = recording
            .happenings
            .iter()
            .filter(|happening| before.tells(happening))
            .map(|happening| recording.since(happening.at));
        for us in telling.chain([length]) {
            if us - last >= LONG {
                waits.push((last + AFTER, us - BEFORE));
            }
            last = us;
        }
        Self(waits)
    }

    /// The wait at that moment: where it begins and ends.
    pub(super) fn around(&self, us: i64) -> Option<(i64, i64)> {
        let n = self.0.partition_point(|(start, _)| *start <= us);
        let wait = *self.0.get(n.checked_sub(1)?)?;
        (us < wait.1).then_some(wait)
    }

    /// Where the next one begins.
    pub(super) fn next(&self, us: i64, pastime: Pastime) -> i64 {
        let n = self.0.partition_point(|(start, _)| *start <= us);
        match (pastime, self.0.get(n)) {
            (Pastime::Shortened, Some((start, _))) => *start,
            _ => i64::MAX,
        }
    }
}

/// What the next event is compared with.
#[derive(Debug, Default)]
struct Before {
    tasks: Option<(String, u32, u32)>,
    leader: Option<String>,
    steps: BTreeMap<String, StepState>,
}

impl Before {
    /// Whether somebody who watches would want to see that.
    fn tells(&mut self, happening: &Happening) -> bool {
        match &happening.event {
            Event::Key(_)
            | Event::Lab(_)
            | Event::NoLab { .. }
            | Event::Done(_)
            | Event::Link { .. }
            | Event::Pods(_)
            | Event::Run(_)
            | Event::Job(_)
            | Event::Healed(_)
            | Event::Saved(_)
            | Event::Failed { .. }
            | Event::Unrecorded(_)
            | Event::Crashed(_) => true,
            Event::Step(change) => {
                let state = Some(change.state);
                self.steps.insert(change.name.clone(), change.state) != state
            }
            Event::Map(MapChange::Cluster(map)) => {
                let leader = map.leaders.get("dispatcher").map(|key| key.epoch.clone());
                let other = leader != self.leader;
                self.leader = leader;
                other
            }
            Event::Flink(sample) => {
                let tasks = tasks(sample);
                let other = tasks != self.tasks;
                self.tasks = tasks;
                other
            }
            Event::Log(lines) => lines.iter().any(|line| {
                matches!(
                    line.highlight,
                    Some(Highlight::Leadership | Highlight::Recovery)
                )
            }),
            Event::Tick
            | Event::Jumped { .. }
            | Event::Resize { .. }
            | Event::Signal(_)
            | Event::Failures(_)
            | Event::Map(_)
            | Event::Kube(_)
            | Event::JobDetail(_)
            | Event::Previous(_)
            | Event::ActiveFailures(_)
            | Event::Node(_)
            | Event::Usual(_)
            | Event::Past(_)
            | Event::Examined { .. }
            | Event::Stage(_)
            | Event::Did(_)
            | Event::Jobs(_)
            | Event::Note(_)
            | Event::Silence
            | Event::Lessons { .. }
            | Event::Disk(_) => false,
        }
    }
}

/// State and tasks of the newest job, as far as Flink answered.
fn tasks(sample: &FlinkSample) -> Option<(String, u32, u32)> {
    let row = sample.jobs.as_ref().ok()?.first()?;
    Some((row.state.clone(), row.tasks.running, row.tasks.total))
}
