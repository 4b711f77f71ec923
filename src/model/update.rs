//! One match over everything that can happen. Arms call methods of the slices; decisions that
//! concern more than one slice stand here.

use super::{
    Attention, BreakOrder, Deed, Done, Effect, Ended, Event, Happening, LogLine, LogShown, Model,
    Run, RunEvent, Signal, Whose, building, control, input, judge, lesson, present,
};
use jiff::{SignedDuration, Timestamp};

/// Finished runs kept in memory; the lab's folder keeps all.
const FINISHED: usize = 100;

/// Takes what happened into the model and says what to do about it.
pub fn update(model: &mut Model, happening: &Happening) -> Vec<Effect> {
    let at = happening.at;
    model.now = at;
    let mut effects = Vec::new();
    match &happening.event {
        // Only a run minds.
        Event::Tick | Event::Jumped { .. } => {}
        Event::Key(key) => effects.extend(input::pressed(model, *key)),
        Event::Resize { columns, rows } => {
            model.screen.columns = *columns;
            model.screen.rows = *rows;
        }
        Event::Signal(Signal::Interrupt | Signal::Terminate | Signal::Hangup) => {
            model.ended = Some(Ended::Interrupted);
        }
        Event::Signal(Signal::Suspend) => model.screen.asides += 1,
        Event::Signal(Signal::Resume) => {}
        Event::Lab(facts) => model.lab = Some((**facts).clone()),
        Event::NoLab { name } => {
            model.name.clone_from(name);
            model.lab = None;
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
        // Taken in below, where the course is looked at.
        // Read by the second terminal, which shows nothing else.
        Event::Lessons { .. } | Event::Note(_) | Event::Silence => {}
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
            model.granted(lines);
            model.logs.add(lines);
        }
        Event::Run(RunEvent::Begun(begun)) => {
            let order = BreakOrder {
                run: begun.run.clone(),
                failure: begun.failure.clone(),
                target: begun.target.clone(),
                short: false,
            };
            for command in model.commands(&begun.failure, &begun.target) {
                let what = format!("{}: {}", begun.failure.key, begun.failure.title);
                model.deeds.add(at, &Deed { what, command });
            }
            model.run = Some(Run::begin(order, model));
            model.fired = None;
            model.hand = Some(begun.run.clone());
        }
        Event::Run(RunEvent::Over(run)) => {
            model.over = Some(run.clone());
            model.hand = None;
        }
        Event::Run(RunEvent::Stuck(fault)) => model.fault = Some((at, fault.clone())),
        Event::Standing(standing) => model.standing.clone_from(standing),
        Event::Healed(undone) => model.healed = Some(undone.clone()),
        Event::Run(RunEvent::Elsewhere(begun)) if model.run.is_none() => {
            let order = BreakOrder {
                run: begun.run.clone(),
                failure: begun.failure.clone(),
                target: begun.target.clone(),
                short: false,
            };
            let run = Run::begin(order, model);
            model.run = Some(Run {
                whose: Whose::Elsewhere,
                ..run
            });
        }
        Event::Past(runs) => model.past.clone_from(runs),
        // What the hand that breaks saw is shown to the run below, with everything else.
        Event::Run(_) => {}
        Event::Saved(result) => {
            // Its own process had the last word on it.
            let same = |run: &mut Run| run.order.run == result.run;
            model.run.take_if(same);
            model.finished.push((**result).clone());
            if model.finished.len() > FINISHED {
                model.finished.remove(0);
            }
        }
        Event::Failed(fault) => {
            (model.fired, model.hand) = (None, None);
            model.plan.fail(model.now, fault);
            model.fault = Some((at, fault.clone()));
        }
        Event::Crashed(_) => (model.fired, model.hand) = (None, None),
    }
    effects.extend(model.settle(&happening.event));
    model.trace(at, &happening.event);
    model.remember(&happening.event);
    effects.extend(observe(model, happening));
    input::follow(model, &happening.event);
    effects.extend(building::examined_at_first(model, &happening.event));
    effects.extend(lesson::follow(model, &happening.event));
    effects.extend(attend(model));
    effects.extend(control::look(model));
    effects.extend(present::note(model));
    hold(model, &happening.event);
    effects
}

/// Looks more closely only at what somebody looks at.
fn attend(model: &mut Model) -> Option<Effect> {
    let wanted = match (model.screen.page, model.screen.log_shown) {
        (super::Page::Job, _) => Attention::Job,
        (_, LogShown::All) => Attention::Output,
        (_, LogShown::Flink | LogShown::Highlights) => Attention::Usual,
    };
    if model.attention == wanted {
        return None;
    }
    model.attention = wanted;
    Some(Effect::Attend(wanted))
}
/// How long another process may take to say what became of its run.
const ELSEWHERE: SignedDuration = SignedDuration::from_secs(10);

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
    if run.whose == Whose::Elsewhere {
        // Its own process judges it. Where that is gone, ours is the word that there is.
        let waited = run
            .deadline()
            .saturating_add(ELSEWHERE)
            .unwrap_or(Timestamp::MAX);
        if model.now > waited {
            model.run = None;
            model.finished.push(result);
        }
        return None;
    }
    model.run = None;
    Some(Effect::Save(Box::new(result)))
}

/// While the picture is held still, keys move in what is seen, and the rest is counted.
fn hold(model: &mut Model, event: &Event) {
    let Some(mut paused) = model.paused.take() else {
        return;
    };
    // what is fired or built wants to be seen
    if model.screen.page == super::Page::Plan || model.run.is_some() && paused.seen.run.is_none() {
        model.screen.paused = None;
        return;
    }
    let quiet = matches!(event, Event::Tick | Event::Key(_) | Event::Resize { .. });
    if let Some(news) = &mut model.screen.paused {
        *news = news.saturating_add(u64::from(!quiet));
    }
    paused.seen.screen = model.screen.clone();
    model.paused = Some(paused);
}

impl Model {
    /// What witnesses said about checkpoints.
    fn trace(&mut self, at: jiff::Timestamp, event: &Event) {
        let ours = |job: &str| self.job.id.as_deref().is_none_or(|id| id == job);
        match event {
            Event::Map(_) => {
                if let Some((_, map)) = &self.cluster.job_map
                    && ours(&map.job)
                {
                    self.traces.pointers(at, map);
                }
            }
            Event::Disk(sample) if ours(&sample.job) => {
                self.traces.files(at, &sample.job, &sample.checkpoints);
            }
            Event::Flink(sample) => {
                if let Some(seen) = &sample.checkpoints
                    && ours(&seen.job)
                {
                    self.traces
                        .listed(&seen.job, seen.rows.iter().map(|row| row.id));
                }
            }
            _ => {}
        }
    }

    /// The newest grant of leadership that a log tells of: the third witness of who leads.
    fn granted(&mut self, lines: &[LogLine]) {
        for line in lines {
            let Some((_, rest)) = line.text.split_once("was granted leadership with ") else {
                continue;
            };
            let id = rest.split(['=', ' ', '.']).find(|word| word.len() == 36);
            let newer = self.grant.as_ref().is_none_or(|(at, ..)| line.at > *at);
            if let (Some(id), true) = (id, newer) {
                self.grant = Some((line.at, line.pod.clone(), id.to_owned()));
            }
        }
    }
}
