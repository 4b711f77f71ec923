//! What keys do on the page of lessons: begin one, do what its step says (asked first, then done),
//! go on, back, or do it again.

use super::{Asked, Course, Is};
use crate::{Action, Model, Page, Panel, Scope, Scroll};
use flinklab_event::Effect;
use flinklab_event::Kept;
use flinklab_lab::Sight;

/// Opens the page; the lesson that was gone through goes on.
pub(crate) fn open(model: &mut Model) {
    let page = model.screen.page;
    if page == Page::Lesson {
        super::super::input::back(model);
        return;
    }
    model.screen.open(Page::Lesson);
}

/// Begins a lesson at that step, or where it was left.
fn begin(model: &mut Model, key: &str, from: Option<usize>) {
    let found = model
        .lessons
        .all
        .iter()
        .find(|one| one.is_meant(key))
        .cloned();
    let Some(lesson) = found else {
        return;
    };
    let kept = model
        .lessons
        .kept
        .get(&lesson.key)
        .copied()
        .unwrap_or_default();
    // one that was gone through begins anew
    let through = kept.done && kept.step.saturating_add(1) >= lesson.steps.len();
    let left = if through { 0 } else { kept.step };
    let step = from.unwrap_or(left);
    let course = Course::new(&lesson, step, model);
    model.lessons.course = Some(course);
    model.screen.open(Page::Lesson);
    look_there(model);
}

/// Enter: the chosen lesson, or what the step says.
pub(crate) fn enter(model: &mut Model) -> Vec<Effect> {
    let Some(mut course) = model.lessons.course.take() else {
        let chosen = model.lessons.all.get(model.screen.row);
        let Some(key) = chosen.map(|lesson| lesson.key.clone()) else {
            return Vec::new();
        };
        begin(model, &key, None);
        return Vec::new();
    };
    let effects = act(&mut course, model);
    let waits = course.is == Is::Waits;
    model.lessons.course = Some(course);
    match effects {
        Some(effects) => effects,
        // a step that is not seen yet is not passed over by mistake
        None if waits => {
            let next = model.key_for(model.screen.scope(), Action::Step(1));
            let words = format!("Not all is seen yet; {next} goes on all the same.");
            model.screen.say(model.now, words);
            Vec::new()
        }
        None => go(model, 1),
    }
}

/// Asks for what the step does, or does it. None: there is nothing to do.
fn act(course: &mut Course, model: &mut Model) -> Option<Vec<Effect>> {
    if !course.is_to_do() {
        return None;
    }
    let Some(asked) = course.asked.take() else {
        match course.would(model)? {
            Ok(asked) => course.asked = Some(asked),
            Err(why) => model.screen.say(model.now, format!("Not now: {why}.")),
        }
        return Some(Vec::new());
    };
    // the lab went on since it was asked for
    let against = match (&asked, course.would(model)?) {
        (_, Err(why)) => Some(why),
        (Asked::Break(aim), Ok(_)) => model.moved_on(aim),
        (Asked::Job(_), Ok(_)) => None,
    };
    if let Some(why) = against {
        model.screen.say(model.now, format!("Not done: {why}."));
        return Some(Vec::new());
    }
    course.acted = Some(model.now);
    course.touched = true;
    Some(match asked {
        Asked::Job(order) => vec![Effect::Job(order)],
        Asked::Break(aim) => match aim.target {
            Ok(target) => {
                let order = model.order(&aim.failure, target);
                model.breaking.fire(model.now, &order.run);
                vec![Effect::Break(Box::new(order))]
            }
            Err(_) => Vec::new(),
        },
    })
}

/// On or back. On from the last step: the list of lessons.
pub(crate) fn go(model: &mut Model, by: i32) -> Vec<Effect> {
    let Some(mut course) = model.lessons.course.take() else {
        return Vec::new();
    };
    if by > 0 && course.is_last() {
        let before = model.lessons.kept.get(&course.lesson.key).copied();
        let mut kept = course.kept(before);
        let key = course.lesson.key.clone();
        model.screen.row = model
            .lessons
            .all
            .iter()
            .position(|one| one.key == key)
            .unwrap_or(0);
        // the next time it begins anew
        kept.step = 0;
        let words = match kept.done {
            true => "The lesson is over.",
            false => "The lesson is over; its last step was not seen to hold.",
        };
        model.screen.say(model.now, words);
        model.lessons.kept.insert(key.clone(), kept);
        return vec![Effect::KeepLesson { key, kept }];
    }
    let to = match by > 0 {
        true => course.step + 1,
        false => course.step.saturating_sub(1),
    };
    course.turn(to, model);
    course.touched = true;
    model.lessons.course = Some(course);
    look_there(model);
    keep(model)
}

/// The step from its beginning.
pub(crate) fn again(model: &mut Model) {
    if let Some(mut course) = model.lessons.course.take() {
        course.turn(course.step, model);
        model.lessons.course = Some(course);
        model.screen.say(model.now, "The step begins again.");
    }
}

/// Writes down how far it is. Who only looks at a step takes nothing from what is kept.
fn keep(model: &mut Model) -> Vec<Effect> {
    let Some(course) = model.lessons.course.as_ref().filter(|it| it.touched) else {
        return Vec::new();
    };
    let key = course.lesson.key.clone();
    let kept: Kept = course.kept(model.lessons.kept.get(&key).copied());
    if model.lessons.kept.insert(key.clone(), kept) == Some(kept) {
        return Vec::new();
    }
    vec![Effect::KeepLesson { key, kept }]
}

/// The panel that shows the step best has the keys.
fn look_there(model: &mut Model) {
    let sight = model
        .lessons
        .course
        .as_ref()
        .and_then(|course| course.now());
    model.screen.focus = match sight.map(|step| step.panel) {
        Some(Sight::Leader) => Panel::Leader,
        Some(Sight::Checkpoints) => Panel::Checkpoints,
        Some(Sight::Break) => Panel::Run,
        Some(Sight::Log) => Panel::Log,
        Some(Sight::Pods) | None => Panel::Pods,
    };
    (model.screen.row, model.screen.scroll) = (0, Scroll::default());
}

/// Looks at the lab after an event was taken in; says so where another page is open.
pub(crate) fn follow(model: &mut Model) -> Vec<Effect> {
    // the lab must be seen before anything is compared with it
    if let (true, Some((key, from))) = (model.lab.is_some(), model.lessons.wanted.clone())
        && model.lessons.all.iter().any(|lesson| lesson.key == key)
    {
        model.lessons.wanted = None;
        begin(model, &key, usize::from(from).checked_sub(1));
        return Vec::new();
    }
    let Some(mut course) = model.lessons.course.take() else {
        return Vec::new();
    };
    let before = course.is;
    course.look(model);
    let is = course.is;
    // what was asked for holds only as long as the lab does
    if let (Some(Asked::Break(aim)), true) = (&course.asked, before == is)
        && let Some(why) = model.moved_on(aim)
    {
        course.asked = None;
        model.screen.say(model.now, format!("Aim dropped: {why}."));
    }
    model.lessons.course = Some(course);
    if before == is {
        return Vec::new();
    }
    if model.screen.page != Page::Lesson {
        let key = model.key_for(Scope::Pages, Action::Lessons);
        let words = match is {
            Is::Holds => format!("The lesson's step holds. {key} goes back to it."),
            Is::Misses => format!("The lesson's step has a hint. {key} shows it."),
            Is::Reads | Is::Waits => return keep(model),
        };
        model.screen.say(model.now, words);
    }
    keep(model)
}
