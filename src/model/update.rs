//! One match over everything that can happen. Arms call methods of the slices; decisions that
//! concern more than one slice stand here.

use super::{
    BreakOrder, Done, Effect, Ended, Event, Happening, Model, Run, RunEvent, input, judge,
};

/// Finished runs kept in memory; the lab's folder keeps all.
const FINISHED: usize = 100;

/// Takes what happened into the model and says what to do about it.
pub fn update(model: &mut Model, happening: &Happening) -> Vec<Effect> {
    let at = happening.at;
    model.now = at;
    let mut effects = Vec::new();
    match &happening.event {
        Event::Tick => {}
        Event::Key(key) => effects.extend(input::pressed(model, *key)),
        Event::Resize { columns, rows } => {
            model.screen.columns = *columns;
            model.screen.rows = *rows;
        }
        Event::Signal(_) => model.ended = Some(Ended::Interrupted),
        Event::Lab(facts) => model.lab = Some((**facts).clone()),
        Event::NoLab { name } => {
            model.name.clone_from(name);
            model.lab = None;
        }
        Event::Failures(failures) => model.failures.clone_from(failures),
        Event::Step(change) => model.plan.change(at, change),
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
        Event::Pods(change) => model.cluster.pods(change),
        Event::Map(change) => model.cluster.map(at, change),
        Event::Kube(event) => model.cluster.event(event),
        Event::Flink(sample) => model.job.sampled(at, sample),
        Event::Disk(sample) => model.job.on_disk(at, sample),
        Event::Log(lines) => model.logs.add(lines),
        Event::Run(RunEvent::Begun(begun)) => {
            let order = BreakOrder {
                run: begun.run.clone(),
                failure: begun.failure.clone(),
                target: begun.target.clone(),
            };
            model.run = Some(Run::begin(order, model));
        }
        // What the hand that breaks saw is shown to the run below, with everything else.
        Event::Run(_) => {}
        Event::Saved(result) => {
            model.finished.push((**result).clone());
            if model.finished.len() > FINISHED {
                model.finished.remove(0);
            }
        }
        Event::Failed(fault) => {
            model.plan.fail(fault);
            model.fault = Some((at, fault.clone()));
        }
        Event::Crashed(_) => {}
    }
    effects.extend(model.settle(&happening.event));
    effects.extend(observe(model, happening));
    input::follow(model, &happening.event);
    effects
}

/// Shows the event to the run that is being observed, and ends the run once it can be judged.
fn observe(model: &mut Model, happening: &Happening) -> Option<Effect> {
    let run = model.run.as_mut()?;
    run.observe(happening);
    // Nothing was hit, so there is nothing to judge; the fault is told by an event of its own.
    if run.refused() {
        model.run = None;
        return None;
    }
    let origin = model.lab.as_ref().map(|lab| lab.origin).unwrap_or_default();
    let result = judge(run, model.now, origin)?;
    model.run = None;
    Some(Effect::Save(Box::new(result)))
}
