//! What keys do to the model, and how pages follow what happens. The table of keys is in `keys`;
//! what a failure hits is decided in `aim`.

use super::arming::{arm, armed_digit, dry_run, fire_at_once, keep_armed};
use super::building::{self, Thorough};
use super::firing::{aim, digit_pressed, enter_pressed, keep_aim, turn_list};
use super::navigate::{self, Towards};
use super::scroll::scroll;
use super::{Action, Beside, Ended, LogShown, Model, Page, Panel, Scope, Scroll, Typing, Whole};
use super::{control, lesson, present, still};
use flinklab_event::{Done, Effect, EffectKind, Event, Key, RunEvent, RunEventKind};

/// Failures on one page of the list: one for each digit but 0.
pub const FAILURES_A_PAGE: usize = 9;
/// Said while what is broken is taken back.
const HEALING: &str = "Takes back what is broken …";
/// Marks in the log that are kept.
const MARKS: usize = 100;

/// Does what a key means on the present page.
pub(super) fn pressed(model: &mut Model, key: Key) -> Vec<Effect> {
    if let Some(effects) = still::pressed(model, key) {
        return effects;
    }
    model.screen.notice = None;
    if let Some(what) = model.screen.typing {
        return match navigate::typed(model, key) {
            Some(Action::Quit) => act(model, Action::Quit),
            Some(action) => navigate::typing(model, what, action),
            None => Vec::new(),
        };
    }
    if let Some(digit) = armed_digit(model, key) {
        return fire_at_once(model, digit);
    }
    present::pressed(model, key);
    let scope = model.screen.scope();
    match model.screen.keys.action(scope, key) {
        Some(action) => act(model, action),
        None => Vec::new(),
    }
}

/// Does what was asked for, by a key or in the palette.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let leaving = std::mem::take(&mut model.screen.leaving);
    match action {
        Action::Quit if !leaving => building::leave(model),
        Action::Quit => model.ended = Some(Ended::Quit),
        Action::Suspend => model.screen.asides += 1,
        Action::Visit(place) => model.ended = Some(Ended::Elsewhere(place)),
        Action::Back => back(model),
        Action::Help if model.screen.page == Page::Help => back(model),
        Action::Help => model.screen.open(Page::Help),
        Action::Failures => model.screen.open(Page::Failures),
        Action::Timeline if model.screen.page == Page::Run => back(model),
        Action::Timeline => timeline(model),
        Action::Focus(panel) => focus(model, panel),
        Action::NextPanel => step(model, 1),
        Action::PreviousPanel => step(model, -1),
        Action::LogLines => {
            model.screen.log_line = None;
            model.screen.log_shown = match model.screen.log_shown {
                LogShown::Flink => LogShown::Highlights,
                LogShown::Highlights => LogShown::All,
                LogShown::All => LogShown::Flink,
            };
        }
        Action::Move(rows) => scroll(model, rows),
        Action::Page(pages) => {
            let rows = model.screen.page_rows();
            scroll(model, pages.saturating_mul(rows));
        }
        Action::Start => scroll(model, i32::MIN),
        Action::End => scroll(model, i32::MAX),
        Action::Run(by) => other_run(model, by),
        Action::Open(page) => navigate::open(model, page),
        Action::Present => present::toggle(model),
        Action::Blank => present::blank(model),
        Action::Light => present::light(model),
        Action::Lessons => lesson::open(model),
        Action::Step(by) => return lesson::go(model, by),
        Action::Again => lesson::again(model),
        Action::Leave => model.lessons.course = None,
        Action::Enter if model.screen.page == Page::Lesson => return lesson::enter(model),
        Action::Enter if model.screen.page == Page::Control => return control::enter(model),
        Action::Job(act) => return control::wish(model, act),
        Action::Enter => return navigate::enter(model),
        Action::Sibling(by) if model.screen.page == Page::Control => control::other(model, by),
        Action::Sibling(by) => navigate::sibling(model, by),
        Action::Side(by) => {
            let side = model.screen.log_side;
            model.screen.log_side = moved(side, by, 2000);
        }
        Action::Filter => navigate::begin_typing(model, Typing::Filter),
        Action::Find => navigate::begin_typing(model, Typing::Find),
        Action::FindNext(by) if by > 0 => navigate::found(model, Towards::On),
        Action::FindNext(_) => navigate::found(model, Towards::Back),
        Action::Palette => navigate::begin_typing(model, Typing::Palette),
        Action::Mark => {
            model.screen.marks.push(model.now);
            if model.screen.marks.len() > MARKS {
                model.screen.marks.remove(0);
            }
        }
        Action::Previous => return navigate::previous(model),
        Action::PodLog => navigate::pod_log(model),
        Action::Copy => navigate::copy_chosen(model),
        Action::Address => navigate::address(model),
        Action::Pause => still::hold(model),
        Action::Accept | Action::Erase => {}
        Action::Theme => {
            let theme = model.screen.looks.theme.next();
            model.screen.looks.theme = theme;
            model
                .screen
                .say(model.now, format!("Theme: {}.", theme.text()));
        }
        Action::Overlay => {
            model.screen.beside = match model.screen.beside {
                Beside::Nothing => Beside::Earlier,
                Beside::Earlier => Beside::Nothing,
            };
        }
        Action::Arm => arm(model),
        Action::DryRun => dry_run(model),
        Action::Up => return building::begin(model),
        Action::Doctor => {
            model.screen.open(Page::Doctor);
            return building::examine(Thorough::Yes);
        }
        Action::Heal => {
            model.screen.say(model.now, HEALING);
            return vec![Effect::Heal];
        }
        Action::Digit(0) => turn_list(model),
        Action::Digit(digit) => return digit_pressed(model, digit),
        Action::Fire => return enter_pressed(model),
    }
    Vec::new()
}

/// Turns pages and keeps places after an event was taken into the rest of the model.
pub(super) fn follow(model: &mut Model, event: &Event) {
    match event {
        Event::NoLab { .. } if !model.screen.page.needs_no_lab() => {
            model.screen.turn(Page::Welcome);
        }
        Event::Previous(log) => {
            let words = match &log.lines {
                Ok(lines) => format!(
                    "{} lines from before the restart, at the end of this page.",
                    lines.len()
                ),
                Err(why) => why.clone(),
            };
            model.screen.say(model.now, words);
        }
        Event::Lab(_) | Event::Stage(_) | Event::Step(_) => building::follow(model, event),
        Event::Done(Done::Up { seconds, .. }) => {
            if matches!(model.screen.page, Page::Plan | Page::Welcome) {
                model.screen.turn(Page::Dashboard);
            }
            let key = model.key_for(Scope::Pages, Action::Failures);
            let words =
                format!("The lab is ready after {seconds:.1} s. {key} shows what can be broken.");
            model.screen.say(model.now, words);
        }
        Event::Job(told) => control::say(model, told),
        Event::Run(RunEvent {
            kind: RunEventKind::Elsewhere(begun),
            ..
        }) => {
            let words = format!("{} was fired by another flinklab.", begun.failure.key);
            model.screen.say(model.now, words);
        }
        Event::Saved(result) => {
            let key = model.key_for(Scope::Pages, Action::Timeline);
            let words = format!(
                "{}: {}. {key} shows the timeline.",
                result.failure, result.verdict
            );
            model.screen.say(model.now, words);
        }
        // The page of the plan tells itself why it failed.
        Event::Failed { effect, fault }
            if model.screen.page != Page::Plan || !effect.has_a_plan() =>
        {
            let mut words = fault.what.clone();
            if !fault.mend.is_empty() {
                words.push(' ');
                words.push_str(&model.flinklab().advise(&fault.mend));
            }
            model.screen.say(model.now, words);
        }
        Event::Healed(healed) => {
            let what: Vec<&str> = healed.undone.iter().map(|one| one.what.as_str()).collect();
            let asked = healed.effect == EffectKind::Heal;
            match (what.is_empty(), asked) {
                (false, _) => {
                    let words = format!("Taken back: {}.", what.join(", "));
                    model.screen.say(model.now, words);
                }
                (true, true) => model.screen.say(model.now, "Nothing was broken."),
                (true, false) => {}
            }
        }
        Event::Unrecorded(fault) => {
            let words = format!("Recording ended: {}.", fault.why);
            model.screen.say(model.now, words);
        }
        Event::Crashed(text) => {
            let words = format!("A part of flinklab failed; this is a bug: {text}");
            model.screen.say(model.now, words);
        }
        _ => {}
    }
    keep_aim(model);
    keep_armed(model);
}

pub(super) fn back(model: &mut Model) {
    let screen = &mut model.screen;
    match screen.page {
        Page::Failures if screen.aim.is_some() => screen.aim = None,
        Page::Control if screen.wanted.is_some() => screen.wanted = None,
        Page::Lesson if model.lessons.asked() => model.lessons.take_back(),
        Page::Log | Page::Job if screen.whole == Whole::Yes => {
            (screen.whole, screen.scroll) = (Whole::No, Scroll::default());
        }
        Page::Log if !screen.log_filter.is_empty() => screen.log_filter.clear(),
        _ if !screen.find.is_empty() => screen.find.clear(),
        Page::Plan => building::behind(model),
        Page::Welcome => {}
        Page::Dashboard => screen.log_line = None,
        _ => {
            if screen.page == Page::Log {
                (screen.log_line, screen.log_side) = (None, 0);
                screen.log_pod = None;
            }
            if !screen.go_back() {
                let page = match model.lab.is_some() {
                    true => Page::Dashboard,
                    false => Page::Welcome,
                };
                screen.turn(page);
            }
        }
    }
}

fn focus(model: &mut Model, panel: Panel) {
    model.screen.focus = panel;
    model.choose(0);
}

fn step(model: &mut Model, by: i32) {
    match model.screen.page {
        Page::Failures => {
            let chosen = moved(model.screen.row, by, model.failures.len());
            model.screen.row = chosen;
            if model.screen.aim.is_some() {
                aim(model, chosen);
            }
        }
        _ => focus(model, model.screen.focus.step(by)),
    }
}

fn timeline(model: &mut Model) {
    if model.run().is_none() && model.history().next().is_none() {
        let key = model.key_for(Scope::Pages, Action::Failures);
        let words = format!("Nothing was broken yet. {key} shows what can be broken.");
        model.screen.say(model.now, words);
        return;
    }
    model.show_run(0);
    model.screen.open(Page::Run);
}

fn other_run(model: &mut Model, by: i32) {
    let count = model.history().count() + usize::from(model.run().is_some());
    let back = moved(model.screen.run_back, -by, count);
    model.show_run(back);
    model.screen.scroll = Scroll::default();
}

/// A place in a list of so many, moved and kept inside.
pub(super) fn moved(place: usize, by: i32, count: usize) -> usize {
    let last = i64::try_from(count.saturating_sub(1)).unwrap_or(i64::MAX);
    let place = i64::try_from(place).unwrap_or(last);
    usize::try_from((place + i64::from(by)).clamp(0, last)).unwrap_or(0)
}
