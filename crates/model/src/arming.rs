//! One-key mode: for ten minutes a digit fires at once, and every screen says so. And its opposite:
//! saying what would be fired, and doing nothing.

use super::firing::{aim, fire};
use super::{FAILURES_A_PAGE, Model, Page};
use flinklab_event::{Effect, Key, KeyCode};
use jiff::SignedDuration;

/// How long one-key mode stays on.
const ARMED: SignedDuration = SignedDuration::from_mins(10);

/// Turns one-key mode on or off.
pub(super) fn arm(model: &mut Model) {
    let now = model.now;
    if model.screen.armed_for(now).is_some() {
        model.screen.armed = None;
        model
            .screen
            .say(now, "Disarmed: a digit aims, the same digit fires.");
        return;
    }
    if model.failures.is_empty() {
        model.screen.say(
            now,
            "Not armed: the failures of this lab are not known yet.",
        );
        return;
    }
    model.screen.aim = None;
    model.screen.armed = now.checked_add(ARMED).ok();
    model.screen.say(
        now,
        "ARMED for 10 minutes: a digit fires at once. ! disarms.",
    );
}

/// The digit that fires, if this key is one and one-key mode is on.
pub(super) fn armed_digit(model: &Model, key: Key) -> Option<u8> {
    model.screen.armed_for(model.now)?;
    let here = matches!(model.screen.page, Page::Dashboard | Page::Failures);
    match key.code {
        KeyCode::Char(digit @ '1'..='9') if here && !key.ctrl => digit
            .to_digit(10)
            .and_then(|digit| u8::try_from(digit).ok()),
        _ => None,
    }
}

/// Aims and fires in one stroke; what speaks against it is said, as without one-key mode.
pub(super) fn fire_at_once(model: &mut Model, digit: u8) -> Vec<Effect> {
    let page = match model.screen.page {
        Page::Failures => model.screen.row / FAILURES_A_PAGE,
        _ => 0,
    };
    let chosen = page * FAILURES_A_PAGE + usize::from(digit) - 1;
    let row = model.screen.row;
    if chosen >= model.failures.len() {
        return Vec::new();
    }
    aim(model, chosen);
    let effects = fire(model);
    if effects.is_empty() && model.screen.page != Page::Failures {
        // Nothing was fired: the screen stays as it was.
        model.screen.row = row;
        model.screen.aim = None;
    }
    effects
}

/// It ends by time, and where the lab is left.
pub(super) fn keep_armed(model: &mut Model) {
    if model.screen.armed.is_none() {
        return;
    }
    if model.screen.armed_for(model.now).is_none() {
        model.screen.armed = None;
        model.screen.say(model.now, "Disarmed after ten minutes.");
    } else if matches!(model.screen.page, Page::Welcome | Page::Plan) {
        model.screen.armed = None;
    }
}

/// Says what firing would do.
pub(super) fn dry_run(model: &mut Model) {
    if model.screen.aim.is_none() {
        aim(model, model.screen.row);
    }
    let Some(aimed) = &model.screen.aim else {
        return;
    };
    let commands = match &aimed.target {
        Ok(target) => model.commands(&aimed.failure, target).join("; "),
        Err(_) => String::new(),
    };
    let words = match (&aimed.target, aimed.against.is_empty()) {
        (Err(why), _) => format!("Dry run: it would hit nobody: {why}. Nothing was sent."),
        (Ok(target), true) => format!(
            "Dry run: it would hit {} now, with {commands}. Nothing was sent.",
            target.pod
        ),
        (Ok(target), false) => format!(
            "Dry run: it would hit {}, but {}. Nothing was sent.",
            target.pod,
            aimed.against.join("; ")
        ),
    };
    model.screen.say(model.now, words);
}
