//! One-key mode: for ten minutes a digit fires at once, and every screen says so.

use crate::Page;
use crate::Ui;
use crate::pages::failures::{FAILURES_A_PAGE, aim, fire};
use flinklab_event::{Effect, Key, KeyCode};
use jiff::SignedDuration;

/// How long one-key mode stays on.
const ARMED: SignedDuration = SignedDuration::from_mins(10);

/// Turns one-key mode on or off.
pub(super) fn arm(ui: &mut Ui) {
    let now = ui.model.now;
    if ui.screen.armed_for(now).is_some() {
        ui.screen.armed = None;
        ui.screen
            .say(now, "Disarmed: a digit aims, the same digit fires.");
        return;
    }
    if ui.model.failures.is_empty() {
        ui.screen.say(
            now,
            "Not armed: the failures of this lab are not known yet.",
        );
        return;
    }
    ui.pages.failures.aim = None;
    ui.screen.armed = now.checked_add(ARMED).ok();
    ui.screen.say(
        now,
        "ARMED for 10 minutes: a digit fires at once. ! disarms.",
    );
}

/// The digit that fires, if this key is one and one-key mode is on.
pub(super) fn armed_digit(ui: &Ui, key: Key) -> Option<u8> {
    ui.screen.armed_for(ui.model.now)?;
    let here = matches!(ui.screen.page, Page::Dashboard | Page::Failures);
    match key.code {
        KeyCode::Char(digit @ '1'..='9') if here && !key.ctrl => digit
            .to_digit(10)
            .and_then(|digit| u8::try_from(digit).ok()),
        _ => None,
    }
}

/// Aims and fires in one stroke; what speaks against it is said, as without one-key mode.
pub(super) fn fire_at_once(ui: &mut Ui, digit: u8) -> Vec<Effect> {
    let list = match ui.screen.page {
        Page::Failures => ui.screen.spot.row / FAILURES_A_PAGE,
        _ => 0,
    };
    let chosen = list * FAILURES_A_PAGE + usize::from(digit) - 1;
    if chosen >= ui.model.failures.len() {
        return Vec::new();
    }
    aim(ui, chosen);
    let effects = fire(ui);
    if effects.is_empty() && ui.screen.page != Page::Failures {
        // Nothing was fired: the screen stays as it was.
        ui.pages.failures.aim = None;
    }
    effects
}

/// It ends by time, and where the lab is left.
pub(super) fn keep_armed(ui: &mut Ui) {
    if ui.screen.armed.is_none() {
        return;
    }
    if ui.screen.armed_for(ui.model.now).is_none() {
        ui.screen.armed = None;
        ui.screen.say(ui.model.now, "Disarmed after ten minutes.");
    } else if matches!(ui.screen.page, Page::Welcome | Page::Plan) {
        ui.screen.armed = None;
    }
}
