//! The first stage: what happened becomes known. Arms call methods of the slices; nothing is
//! concluded here.

use crate::{Ended, Model};
use flinklab_event::{Done, Effect, Event, Happening, LogLine, Signal};

/// An event was taken in.
pub(super) struct Facts(());

/// Takes the event in.
pub(super) fn take(model: &mut Model, happening: &Happening, effects: &mut Vec<Effect>) -> Facts {
    let at = happening.at;
    model.now = at;
    match &happening.event {
        Event::Signal(Signal::Interrupt | Signal::Terminate | Signal::Hangup) => {
            model.ended = Some(Ended::Interrupted);
        }
        // The terminal's own.
        Event::Key(_) | Event::Resize { .. } | Event::Signal(Signal::Suspend | Signal::Resume) => {}
        Event::Lab(facts) => {
            model.lab = Some((**facts).clone());
            model.lab_is();
        }
        Event::NoLab { name } => {
            model.name.clone_from(name);
            model.lab = None;
            model.lab_is();
        }
        Event::Stage(stage) => model.stage = stage.clone(),
        Event::Failures(failures) => model.failures.clone_from(failures),
        Event::Step(change) => model.plan.change(at, change),
        Event::Usual(usual) => model.plan.usual = Some(usual.clone()),
        Event::Examined { findings, need, .. } => {
            model.findings.clone_from(findings);
            model.need.clone_from(need);
        }
        Event::Done(done) => {
            model.plan.done = Some(done.clone());
            // The lab that was built offers failures of its own.
            if matches!(done, Done::Up { .. }) {
                effects.push(Effect::Open);
            }
        }
        Event::Link { source, link } => {
            model.links.insert(*source, link.clone());
        }
        Event::JobDetail(detail) => model.details.take(at, detail),
        Event::Jobs(seen) => {
            model.jobs.asked = None;
            model.jobs.seen = Some((at, (**seen).clone()));
        }
        Event::Job(told) => model.jobs.told(at, told),
        Event::Lessons { all, wrong, kept } => {
            model.lessons.all.clone_from(all);
            model.lessons.wrong.clone_from(wrong);
            model.lessons.kept.clone_from(kept);
        }
        Event::Previous(log) => model.previous = Some(log.clone()),
        Event::Did(deed) => model.deeds.add(at, deed),
        Event::Node(node) => {
            model.nodes.insert(node.name.clone(), node.clone());
        }
        Event::Pods(change) => model.cluster.pods(change),
        Event::Map(change) => model.cluster.map(at, change),
        Event::Kube(event) => model.cluster.event(event),
        Event::Flink(sample) => model.job.sampled(at, sample),
        Event::Disk(sample) => model.job.on_disk(at, sample),
        Event::Log(lines) => {
            granted(model, lines);
            model.logs.add(lines);
        }
        Event::ActiveFailures(standing) => model.active_failures.clone_from(standing),
        Event::Healed(healed) => model.healed = Some(healed.undone.clone()),
        Event::Past(runs) => model.past.clone_from(runs),
        Event::Failed { effect, fault } => {
            if effect.has_a_plan() {
                model.plan.fail(at, fault);
            }
            model.fault = Some((at, fault.clone()));
        }
        // Only a run minds, and the stage of runs takes them in.
        Event::Tick
        | Event::Jumped { .. }
        | Event::Run(_)
        | Event::Saved(_)
        | Event::Unrecorded(_)
        | Event::Crashed(_) => {}
        // Read by the second terminal, which shows nothing else.
        Event::Note(_) | Event::Silence => {}
    }
    Facts(())
}

/// The newest grant of leadership that a log tells of: the third witness of who leads.
fn granted(model: &mut Model, lines: &[LogLine]) {
    for line in lines {
        let Some((_, rest)) = line.text.split_once("was granted leadership with ") else {
            continue;
        };
        let id = rest.split(['=', ' ', '.']).find(|word| word.len() == 36);
        let newer = model.grant.as_ref().is_none_or(|(at, ..)| line.at > *at);
        if let (Some(id), true) = (id, newer) {
            model.grant = Some((line.at, line.pod.clone(), id.to_owned()));
        }
    }
}
