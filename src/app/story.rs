//! A recording in sentences: what somebody would say who watches it. Says what changed, not what
//! repeats; every sentence comes from the model that the screen shows.

use super::break_report;
use flinklab_base::advice::Invocation;
use flinklab_base::columns;
use flinklab_base::columns::wrap_words;
use flinklab_base::fault::Fault;
use flinklab_event::{
    Done, Event, Happening, Link, NodeSeen, NodeState, Origin, PhaseName, RunEvent, RunEventKind,
    RunResult, Source, StepState,
};
use flinklab_model::Model;
use std::collections::BTreeMap;

/// How much of a reason is told.
const REASON: usize = 100;

/// What was said last, so that only changes are told.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// Where it comes from, for whoever prints it.
    pub(super) origin: Origin,
    lab: Option<String>,
    epoch: Option<(u32, String)>,
    tasks: Option<(u32, u32)>,
    /// Whether all tasks ever ran.
    ran: bool,
    /// Sources that answered once, and whether they do now: what never answered is not missed.
    links: BTreeMap<Source, bool>,
    /// Nodes that do not run.
    down: BTreeMap<String, NodeState>,
    phases: usize,
    checkpoints: bool,
}

impl Story {
    /// The story of what was seen there.
    pub(super) fn of(origin: Origin) -> Self {
        Self {
            origin,
            ..Self::default()
        }
    }

    /// What is worth saying about one event, after the model took it in.
    pub(super) fn tell(&mut self, happening: &Happening, model: &Model) -> Vec<String> {
        let mut said = Vec::new();
        match &happening.event {
            Event::Lab(facts) if self.lab.as_ref() != Some(&facts.id) => {
                self.origin = facts.origin;
                self.lab = Some(facts.id.clone());
                let how = match facts.origin {
                    Origin::Simulated => "a SIMULATED lab",
                    Origin::Real | Origin::Recorded => "recorded on a real cluster",
                };
                said.push(format!("The lab `{}`: {how}.", facts.name));
            }
            Event::NoLab { .. } => said.push("There is no lab yet.".to_owned()),
            Event::Step(change) if change.state == StepState::Done => {
                let seconds = change.seconds.unwrap_or_default();
                let detail = &change.detail;
                said.push(format!(
                    "Built, step {} of {}: {} ({seconds:.1} s){}{detail}",
                    change.n,
                    change.of,
                    change.title,
                    if detail.is_empty() { "" } else { ": " },
                ));
            }
            Event::Done(Done::Up {
                seconds,
                checkpoint,
                ..
            }) => said.push(format!(
                "The lab is ready after {seconds:.1} s: checkpoint {checkpoint} is completed."
            )),
            Event::Done(Done::Down { seconds, .. }) => {
                said.push(format!("The lab was removed in {seconds:.1} s."));
            }
            Event::Done(Done::Stop { seconds, .. }) => {
                said.push(format!("The lab was stopped in {seconds:.1} s."));
            }
            Event::Link { source, link } => {
                self.link(*source, link, model.run().is_some(), &mut said);
            }
            Event::Node(node) => self.node(node, &mut said),
            Event::Run(event) => self.run(event, model, &mut said),
            Event::Failed { fault, .. } => said.extend(sentences(fault, &model.flinklab())),
            Event::Saved(result) => self.verdict(result, model, &mut said),
            Event::Healed(healed) => {
                said.extend(healed.undone.iter().map(|one| format!("Undone: {one}.")))
            }
            Event::Crashed(text) => said.push(format!("A part of flinklab crashed: {text}")),
            _ => {}
        }
        self.phases(model, &mut said);
        self.leader(model, &mut said);
        self.tasks(model, &mut said);
        if !self.checkpoints && model.job.newest().is_some() {
            self.checkpoints = true;
            said.push("Checkpoints complete.".to_owned());
        }
        said
    }

    fn run(&mut self, event: &RunEvent, model: &Model, said: &mut Vec<String>) {
        match &event.kind {
            RunEventKind::Begun(begun) | RunEventKind::Elsewhere(begun) => {
                self.phases = 0;
                said.push(String::new());
                said.push(format!("◆ {}: {}.", begun.failure.key, begun.failure.title));
                said.push(begun.failure.story.to_string());
                let target = &begun.target;
                said.push(format!("It hits {} ({}).", target.pod, target.reason));
            }
            RunEventKind::Hit(Ok(proof)) => said.push(format!("Hit: {proof}.")),
            RunEventKind::Hit(Err(why)) => said.push(format!("Not hit: {why}.")),
            RunEventKind::Refused(fault) => {
                said.extend(sentences(fault, &model.flinklab()));
            }
            RunEventKind::BrokenOff(why) => said.push(format!("The run was broken off: {why}.")),
            RunEventKind::Sent { .. }
            | RunEventKind::Gone { .. }
            | RunEventKind::Undone { .. }
            | RunEventKind::Stuck(_)
            | RunEventKind::Over => {}
        }
    }

    fn link(&mut self, source: Source, link: &Link, observed: bool, said: &mut Vec<String>) {
        let name = match source {
            Source::Docker => "Docker",
            Source::Api => "The API server",
            Source::Flink => "Flink's REST",
            Source::Disk => "The shared folder",
        };
        match link {
            Link::Lost { why, .. } => {
                if let Some(live) = self.links.get_mut(&source).filter(|live| **live) {
                    *live = false;
                    said.push(format!("{name} does not answer: {}", in_short(why)));
                }
            }
            // While a run is observed, its phases say when Flink answers again.
            Link::Live { .. } => {
                let before = self.links.insert(source, true);
                if before == Some(false) && !(source == Source::Flink && observed) {
                    said.push(format!("{name} answers again."));
                }
            }
        }
    }

    fn node(&mut self, node: &NodeSeen, said: &mut Vec<String>) {
        let before = match node.state {
            NodeState::Runs => self.down.remove(&node.name),
            state => self.down.insert(node.name.clone(), state),
        };
        let name = &node.name;
        let what = match (before, node.state) {
            (before, state) if before == Some(state) => return,
            (None, NodeState::Runs) => return,
            (Some(_), NodeState::Runs) => format!("The node {name} runs again."),
            (_, NodeState::Paused) => format!("The node {name} is paused: nothing in it goes on."),
            (_, NodeState::Stopped) => format!("The node {name} is stopped."),
            (_, NodeState::Gone) => format!("The node {name} was removed."),
        };
        said.push(what);
    }

    fn phases(&mut self, model: &Model, said: &mut Vec<String>) {
        let Some(run) = model.run() else { return };
        for phase in run.seen.phases.iter().skip(self.phases) {
            let seconds = std::time::Duration::from_millis(phase.ms.unsigned_abs()).as_secs_f64();
            let what = match phase.name {
                PhaseName::Sent => continue,
                PhaseName::Signalled => "the pod's preStop sleep is over: SIGTERM",
                PhaseName::ProcessGone => "the process is gone",
                PhaseName::LeaseOver => "the lease is over: nobody leads",
                PhaseName::NewEpoch => "another epoch of leadership begins",
                PhaseName::RestAnswers => "Flink's REST answers again",
                PhaseName::JobRecovered => "the job is restored from a checkpoint",
                PhaseName::TasksRunning => "all tasks run: recovered",
                PhaseName::NextCheckpoint => "the first new checkpoint is completed",
                PhaseName::Undone => "the failure is undone",
            };
            said.push(format!("After {seconds:.1} s {what}."));
        }
        self.phases = run.seen.phases.len();
    }

    fn leader(&mut self, model: &Model, said: &mut Vec<String>) {
        let (Some(epoch), Some(leader)) = (model.cluster.epoch(), model.cluster.leader()) else {
            return;
        };
        let now = (epoch.number, leader.name.clone());
        if self.epoch.as_ref() != Some(&now) {
            said.push(format!("{} leads (epoch {}).", now.1, now.0));
            self.epoch = Some(now);
        }
    }

    fn tasks(&mut self, model: &Model, said: &mut Vec<String>) {
        let ours = model.lab.as_ref().and_then(|lab| lab.job.as_deref());
        let Some(row) = model.job.row(ours) else {
            return;
        };
        let now = (row.tasks.running, row.tasks.total);
        if now.1 == 0 || self.tasks == Some(now) {
            return;
        }
        // while a run is observed its phases say when all run again
        let all = now.0 == now.1;
        let before = self.tasks.is_some_and(|(running, total)| running == total);
        match (all, self.ran) {
            (true, false) => said.push(format!("All {} tasks of the job run.", now.1)),
            (true, true) if model.run().is_none() => {
                said.push(format!("All {} tasks run again.", now.1));
            }
            (false, true) if before => {
                said.push(format!("Only {} of {} tasks run.", now.0, now.1));
            }
            (true | false, _) => {}
        }
        self.ran |= all;
        self.tasks = Some(now);
    }

    fn verdict(&mut self, result: &RunResult, model: &Model, said: &mut Vec<String>) {
        self.phases = 0;
        said.push(format!("Verdict: {}.", break_report::conclusion(result)));
        for statement in &result.statements {
            said.push(format!(
                "  {}, {}: {}",
                statement.verdict,
                break_report::name(statement.name),
                statement.evidence
            ));
        }
        let failure = model.failures.iter().find(|it| it.key == result.failure);
        if let Some(failure) = failure {
            said.push(format!("What it shows: {}", failure.teaches));
        }
        said.push(String::new());
    }
}

/// A reason without what only a program reads: its first sentence, and not all of a long one.
fn in_short(why: &str) -> String {
    let line = why.lines().next().unwrap_or_default();
    let sentence = line.split(" because ").next().unwrap_or(line);
    columns::cut(sentence, REASON)
}

/// A fault as sentences.
fn sentences(fault: &Fault, called: &Invocation) -> Vec<String> {
    let mut said = vec![fault.what.clone()];
    let why = wrap_words(&fault.why, 100);
    said.extend(why.into_iter().filter(|line| !line.is_empty()));
    if !fault.hint.is_empty() {
        said.push(called.advise(&fault.hint));
    }
    said
}
