//! The page of what can be done with the job: asked for by a key, told what it costs, done by the
//! same key again or by enter. Looks anew while the page is open, so that what it costs is true.

use super::{Model, Page};
use flinklab_base::units;
use flinklab_event::{Effect, JobAct, JobOrder, JobTold};
use jiff::SignedDuration;

/// How old a look may be while the page is open.
const FRESH: SignedDuration = SignedDuration::from_secs(3);
/// A look that was asked for so long ago was lost: Flink's own deadlines are shorter.
const LOST: SignedDuration = SignedDuration::from_secs(20);

/// Asks for a look where the page is open and the last one is old.
pub(super) fn look(model: &mut Model) -> Option<Effect> {
    let looked_at = match model.screen.page {
        Page::Control => true,
        Page::Lesson => model.lessons.about_job(),
        _ => false,
    };
    if !looked_at || model.playback.is_some() {
        return None;
    }
    let older = |at: jiff::Timestamp, than: SignedDuration| model.now.duration_since(at) >= than;
    let waits = model.jobs.asked.is_some_and(|at| !older(at, LOST));
    let fresh = model
        .jobs
        .seen
        .as_ref()
        .is_some_and(|(at, _)| !older(*at, FRESH));
    if waits || fresh || model.jobs.going.is_some() {
        return None;
    }
    model.jobs.asked = Some(model.now);
    Some(Effect::Jobs)
}

/// A key that asks for something to be done; the same again does it.
pub(super) fn wish(model: &mut Model, act: JobAct) -> Vec<Effect> {
    let row = JobAct::ALL.iter().position(|one| *one == act).unwrap_or(0);
    let again = model
        .screen
        .wanted
        .as_ref()
        .is_some_and(|order| order.act == act);
    model.screen.row = row;
    if again { fire(model) } else { ask(model, act) }
}

/// Enter asks for the chosen one, then does it.
pub(super) fn enter(model: &mut Model) -> Vec<Effect> {
    if model.screen.wanted.is_some() {
        return fire(model);
    }
    match JobAct::ALL.get(model.screen.row) {
        Some(act) => ask(model, *act),
        None => Vec::new(),
    }
}

/// Another savepoint or checkpoint to start from.
pub(super) fn other(model: &mut Model, by: i32) {
    let starts = model
        .jobs
        .seen
        .as_ref()
        .map_or(0, |(_, seen)| seen.starts.len());
    let start = super::input::moved(model.screen.start, by, starts);
    model.screen.start = start;
    let path = model.jobs.seen.as_ref();
    let path = path.and_then(|(_, seen)| Some(seen.starts.get(start)?.path.clone()));
    model.screen.start_at = path.filter(|_| start > 0);
    if let Some(order) = &mut model.screen.wanted {
        order.from = from(&model.jobs, order.act, model.screen.start);
    }
}

/// Where a resumed job starts: by its path, so that a newer one that comes meanwhile is not taken.
fn from(jobs: &super::Jobs, act: JobAct, start: usize) -> Option<String> {
    let (_, seen) = jobs.seen.as_ref()?;
    let start = seen.starts.get(start).filter(|_| act == JobAct::Resume)?;
    Some(start.path.clone())
}

fn ask(model: &mut Model, act: JobAct) -> Vec<Effect> {
    if let Some(why) = against(model, act) {
        model.screen.wanted = None;
        model.screen.say(model.now, format!("Not now: {why}."));
        return Vec::new();
    }
    let from = from(&model.jobs, act, model.screen.start);
    model.screen.wanted = Some(JobOrder { act, from });
    Vec::new()
}

fn fire(model: &mut Model) -> Vec<Effect> {
    let Some(order) = model.screen.wanted.take() else {
        return Vec::new();
    };
    // The lab went on since it was asked for.
    if let Some(why) = against(model, order.act) {
        model.screen.say(model.now, format!("Not done: {why}."));
        return Vec::new();
    }
    vec![Effect::Job(order)]
}

/// What speaks against it now.
pub(super) fn against(model: &Model, act: JobAct) -> Option<String> {
    if let Some((_, order, _)) = &model.jobs.going {
        return Some(format!("{} goes on", order.act));
    }
    if let Some(left) = model.standing.first() {
        return Some(format!("{} is still applied", left.failure));
    }
    if model.run().is_some() {
        return Some("a failure is being observed".to_owned());
    }
    match &model.jobs.seen {
        None => Some("Flink was not asked yet what it runs".to_owned()),
        Some((_, seen)) => seen.against(act),
    }
}

/// Says what came of it, whatever page is open.
pub(super) fn say(model: &mut Model, told: &JobTold) {
    let words = match told {
        JobTold::Done(done) => {
            let job = units::short(&done.job, units::JOB);
            match (done.order.act, &done.savepoint) {
                (JobAct::Savepoint, _) => format!("The savepoint of job {job} is written."),
                (JobAct::Resume | JobAct::Resubmit, _) => format!("Job {job} runs."),
                (JobAct::Stop | JobAct::Cancel, _) => format!("Job {job} is {}.", done.state),
            }
        }
        JobTold::Refused(fault) => format!("{} {}", fault.what, fault.why),
        JobTold::Begun(_) | JobTold::Now(_) => return,
    };
    model.screen.say(model.now, words);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::update;
    use flinklab_event::{Event, HaData, Happening, JobsSeen, Key, KeyCode, KnownJob};
    use jiff::Timestamp;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn key(model: &mut Model, seconds: i64, letter: char) -> Vec<Effect> {
        let event = Event::Key(Key {
            code: KeyCode::Char(letter),
            ctrl: false,
        });
        update(
            model,
            &Happening {
                at: at(seconds),
                event,
            },
        )
    }

    fn seen(model: &mut Model, seconds: i64, state: &str) -> Vec<Effect> {
        let job = KnownJob {
            id: "c506b6c2".to_owned(),
            when: at(0),
            from: None,
            state: Some(state.to_owned()),
        };
        let seen = JobsSeen {
            current: Some(job.id.clone()),
            jobs: vec![job],
            ha: HaData::default(),
            ..JobsSeen::default()
        };
        let event = Event::Jobs(Box::new(seen));
        update(
            model,
            &Happening {
                at: at(seconds),
                event,
            },
        )
    }

    #[test]
    fn the_page_looks_when_it_is_opened_and_again_when_the_look_is_old() {
        let mut model = Model::default();
        assert_eq!(key(&mut model, 1, 'J'), vec![Effect::Jobs]);
        assert_eq!(seen(&mut model, 2, "RUNNING"), vec![]);
        let tick = |model: &mut Model, seconds| {
            update(
                model,
                &Happening {
                    at: at(seconds),
                    event: Event::Tick,
                },
            )
        };
        assert_eq!(tick(&mut model, 3), vec![]);
        assert_eq!(tick(&mut model, 6), vec![Effect::Jobs]);
        assert_eq!(tick(&mut model, 12), vec![], "the answer is on its way");
        assert_eq!(tick(&mut model, 30), vec![Effect::Jobs], "it was lost");
    }

    #[test]
    fn nothing_is_done_at_the_first_press_and_not_when_the_lab_went_on() {
        let mut model = Model::default();
        key(&mut model, 1, 'J');
        seen(&mut model, 2, "RUNNING");
        assert_eq!(key(&mut model, 3, 'C'), vec![]);
        assert_eq!(model.screen.wanted.as_ref().unwrap().act, JobAct::Cancel);
        // somebody else stopped it
        seen(&mut model, 4, "FINISHED");
        assert_eq!(key(&mut model, 4, 'C'), vec![]);
        assert!(model.screen.notice(at(4)).unwrap().contains("is FINISHED"));
        seen(&mut model, 5, "RUNNING");
        key(&mut model, 5, 'S');
        // another key asks for another thing, it does not fire
        assert_eq!(key(&mut model, 5, 's'), vec![]);
        let order = JobOrder {
            act: JobAct::Savepoint,
            from: None,
        };
        assert_eq!(key(&mut model, 5, 's'), vec![Effect::Job(order)]);
    }
}
