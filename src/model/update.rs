//! One match over everything that can happen. Arms call methods of the slices; decisions that
//! concern more than one slice stand here.

use super::{Effect, Ended, Event, Happening, Model};

/// Takes what happened into the model and says what to do about it.
pub fn update(model: &mut Model, happening: &Happening) -> Vec<Effect> {
    let at = happening.at;
    model.now = at;
    match &happening.event {
        Event::Tick => {}
        Event::Key(key) => return super::input::pressed(model, *key),
        Event::Resize { columns, rows } => {
            model.screen.columns = *columns;
            model.screen.rows = *rows;
        }
        Event::Signal(_) => model.ended = Some(Ended::Interrupted),
        Event::Lab(facts) => model.lab = Some((**facts).clone()),
        Event::NoLab { .. } => model.lab = None,
        Event::Failures(failures) => model.failures.clone_from(failures),
        Event::Step(change) => model.plan.change(at, change),
        Event::Done(done) => model.plan.done = Some(done.clone()),
        Event::Link { source, link } => {
            model.links.insert(*source, link.clone());
        }
        Event::Pods(change) => model.cluster.pods(change),
        Event::Map(change) => model.cluster.map(at, change),
        Event::Kube(event) => model.cluster.event(event),
        Event::Flink(sample) => model.job.sampled(at, sample),
        Event::Disk(sample) => model.job.on_disk(at, sample),
        Event::Log(lines) => model.logs.add(lines),
        Event::Run(_) => {}
        Event::Saved(result) => model.finished.push((**result).clone()),
        Event::Failed(fault) => {
            model.plan.fail(fault);
            model.fault = Some((at, fault.clone()));
        }
        Event::Crashed(_) => {}
    }
    let effects = model.settle(&happening.event);
    super::input::follow(model, &happening.event);
    effects
}
