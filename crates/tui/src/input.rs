//! What keys do that several pages know, and what is said of what happened. What one page does alone
//! is in its file.

use crate::arming::{arm, armed_digit, fire_at_once, keep_armed};
use crate::building::{self, Thorough};
use crate::navigate::{self, back};
use crate::pages::{control, dashboard, failures, lesson, log};
use crate::typing::{Towards, Typing, begin_typing};
use crate::{Action, Page, Scope, Ui, held, present, typing};
use flinklab_event::{Done, Effect, EffectKind, Event, Key, RunEvent, RunEventKind};
use flinklab_model::Ended;

/// Said while what is broken is taken back.
const HEALING: &str = "Takes back what is broken …";

/// Does what a key means on the present page.
pub(super) fn pressed(ui: &mut Ui, key: Key) -> Vec<Effect> {
    if let Some(effects) = held::pressed(ui, key) {
        return effects;
    }
    ui.screen.notice = None;
    if let Some(what) = ui.screen.typing {
        return match typing::typed(ui, key) {
            Some(Action::Quit) => act(ui, Action::Quit),
            Some(action) => typing::typing(ui, what, action),
            None => Vec::new(),
        };
    }
    if let Some(digit) = armed_digit(ui, key) {
        return fire_at_once(ui, digit);
    }
    present::pressed(ui, key);
    let scope = ui.screen.scope();
    match ui.screen.keys.action(scope, key) {
        Some(action) => act(ui, action),
        None => Vec::new(),
    }
}

/// Does what was asked for, by a key or in the palette.
pub(super) fn act(ui: &mut Ui, action: Action) -> Vec<Effect> {
    let leaving = std::mem::take(&mut ui.screen.leaving);
    let page = ui.page();
    match action {
        Action::Quit if !leaving => building::leave(ui),
        Action::Quit => ui.model.ended = Some(Ended::Quit),
        Action::Suspend => ui.screen.suspend_requests += 1,
        Action::Visit(place) => ui.model.ended = Some(Ended::Elsewhere(place)),
        Action::Back => back(ui),
        Action::Help => navigate::open(ui, Page::Help),
        Action::Open(page) => navigate::open(ui, page),
        Action::Focus(panel) => dashboard::focus(ui, panel),
        Action::Part(by) => page.step(ui, by),
        Action::Move(rows) => page.scroll(ui, rows),
        Action::Page(pages) => {
            let rows = ui.page_rows();
            page.scroll(ui, pages.saturating_mul(rows));
        }
        Action::Start => page.scroll(ui, i32::MIN),
        Action::End => page.scroll(ui, i32::MAX),
        Action::Enter => return page.enter(ui),
        Action::Sibling(by) => page.sibling(ui, by),
        Action::Own(own) => return (own.run)(ui),
        Action::LogLines => log::other_lines(ui),
        Action::Find => begin_typing(ui, Typing::Find),
        Action::FindNext(by) if by > 0 => page.find(ui, Towards::On),
        Action::FindNext(_) => page.find(ui, Towards::Back),
        Action::Palette => begin_typing(ui, Typing::Palette),
        Action::Present => present::toggle(ui),
        Action::Blank => present::blank(ui),
        Action::Light => present::light(ui),
        Action::Step(by) => return lesson::go(ui, by),
        Action::Again => lesson::again(ui),
        Action::Previous => return navigate::previous(ui),
        Action::Copy => navigate::copy_chosen(ui),
        Action::Address => navigate::address(ui),
        Action::Pause => held::hold(ui),
        Action::Accept | Action::Erase => {}
        Action::Theme => {
            let theme = ui.screen.looks.theme.next();
            ui.screen.looks.theme = theme;
            let words = format!("Theme: {}.", theme.text());
            ui.screen.say(ui.model.now, words);
        }
        Action::Arm => arm(ui),
        Action::Up => return building::begin(ui),
        Action::Doctor => {
            ui.open(Page::Doctor);
            return building::examine(Thorough::Yes);
        }
        Action::Heal => {
            ui.screen.say(ui.model.now, HEALING);
            return vec![Effect::Heal];
        }
    }
    Vec::new()
}

/// Turns pages and keeps places after an event was taken into the rest of it.
pub(super) fn follow(ui: &mut Ui, event: &Event) {
    match event {
        Event::NoLab { .. } if ui.page().needs_lab() => {
            ui.turn(Page::Welcome);
        }
        Event::Previous(log) => {
            let words = match &log.lines {
                Ok(lines) => format!(
                    "{} lines from before the restart, at the end of this page.",
                    lines.len()
                ),
                Err(why) => why.clone(),
            };
            ui.screen.say(ui.model.now, words);
        }
        Event::Lab(_) | Event::Stage(_) | Event::Step(_) => building::follow(ui, event),
        Event::Done(Done::Up { seconds, .. }) => {
            if matches!(ui.screen.page, Page::Plan | Page::Welcome) {
                ui.turn(Page::Dashboard);
            }
            let key = ui.key_for(Scope::Pages, Action::Open(Page::Failures));
            let words =
                format!("The lab is ready after {seconds:.1} s. {key} shows what can be broken.");
            ui.screen.say(ui.model.now, words);
        }
        Event::Job(told) => control::say(ui, told),
        Event::Run(RunEvent {
            kind: RunEventKind::Elsewhere(begun),
            ..
        }) => {
            let words = format!("{} was fired by another flinklab.", begun.failure.key);
            ui.screen.say(ui.model.now, words);
        }
        Event::Saved(result) => {
            let key = ui.key_for(Scope::Pages, Action::Open(Page::Run));
            let words = format!(
                "{}: {}. {key} shows the timeline.",
                result.failure, result.verdict
            );
            ui.screen.say(ui.model.now, words);
        }
        // The page of the plan tells itself why it failed.
        Event::Failed { effect, fault } if ui.screen.page != Page::Plan || !effect.has_a_plan() => {
            let mut words = fault.what.clone();
            if !fault.hint.is_empty() {
                words.push(' ');
                words.push_str(&ui.model.flinklab().advise(&fault.hint));
            }
            ui.screen.say(ui.model.now, words);
        }
        Event::Healed(healed) => {
            let what: Vec<String> = healed.undone.iter().map(ToString::to_string).collect();
            let asked = healed.effect == EffectKind::Heal;
            match (what.is_empty(), asked) {
                (false, _) => {
                    let words = format!("Undone: {}.", what.join(", "));
                    ui.screen.say(ui.model.now, words);
                }
                (true, true) => ui.screen.say(ui.model.now, "Nothing was broken."),
                (true, false) => {}
            }
        }
        Event::Unrecorded(fault) => {
            let words = format!("Recording ended: {}.", fault.why);
            ui.screen.say(ui.model.now, words);
        }
        Event::Crashed(text) => {
            let words = format!("A part of flinklab failed; this is a bug: {text}");
            ui.screen.say(ui.model.now, words);
        }
        _ => {}
    }
    failures::keep_aim(ui);
    keep_armed(ui);
}
