//! From a digit to a shot: the first press aims at a pinned target, the second fires. What is aimed
//! at follows the lab or is dropped with a word; what a failure hits is decided in `aim`.

use super::input::FAILURES_A_PAGE;
use super::{Aim, Model, Page, Panel};
use flinklab_event::Effect;

pub(super) fn turn_list(model: &mut Model) {
    let pages = model.failures.len().div_ceil(FAILURES_A_PAGE).max(1);
    let page = (model.screen.row / FAILURES_A_PAGE + 1) % pages;
    model.screen.row = page * FAILURES_A_PAGE;
    model.screen.aim = None;
}

pub(super) fn digit_pressed(model: &mut Model, digit: u8) -> Vec<Effect> {
    let page = model.screen.row / FAILURES_A_PAGE;
    let chosen = page * FAILURES_A_PAGE + usize::from(digit) - 1;
    let same = model
        .screen
        .aim
        .as_ref()
        .is_some_and(|aim| aim.digit == digit);
    if same {
        return fire(model);
    }
    if chosen < model.failures.len() {
        aim(model, chosen);
    }
    Vec::new()
}

pub(super) fn enter_pressed(model: &mut Model) -> Vec<Effect> {
    if model.screen.aim.is_some() {
        return fire(model);
    }
    aim(model, model.screen.row);
    Vec::new()
}

pub(super) fn aim(model: &mut Model, chosen: usize) {
    let Some(failure) = model.failures.get(chosen).cloned() else {
        return;
    };
    model.screen.row = chosen;
    // digits begin anew on each page of the list
    let digit = u8::try_from(chosen % FAILURES_A_PAGE + 1).unwrap_or(0);
    let aim = model.aim(&failure);
    model.screen.aim = Some(Aim { digit, ..aim });
}

/// What is aimed at is pinned: if that pod or its role is gone, the aim is dropped and says so,
/// never silently turned to another pod.
pub(super) fn keep_aim(model: &mut Model) {
    let Some(aim) = &model.screen.aim else {
        return;
    };
    let fresh = model.aim(&aim.failure);
    let why = match (model.moved_on(aim), &aim.target, &fresh.target) {
        (Some(why), _, _) => Some(why),
        (None, Ok(pinned), Ok(now)) if pinned.uid != now.uid => {
            Some(format!("it would hit {} now", now.pod))
        }
        _ => None,
    };
    if let Some(why) = why {
        model.screen.aim = None;
        model.screen.say(model.now, format!("Aim dropped: {why}."));
        return;
    }
    if let Some(aim) = &mut model.screen.aim {
        aim.target = fresh.target;
        aim.against = fresh.against;
    }
}

pub(super) fn fire(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    let Some(aim) = model.screen.aim.clone() else {
        return Vec::new();
    };
    let target = match aim.target {
        Ok(target) if aim.against.is_empty() => target,
        Ok(_) => {
            let words = format!("Not fired: {}.", aim.against.join("; "));
            model.screen.say(now, words);
            return Vec::new();
        }
        Err(why) => {
            model.screen.say(now, format!("Not fired: {why}."));
            return Vec::new();
        }
    };
    model.screen.turn(Page::Dashboard);
    model.screen.focus = Panel::Run;
    let order = model.order(&aim.failure, target);
    model.breaking.fire(now, &order.run);
    vec![Effect::Break(Box::new(order))]
}
