//! The building of a lab as a person goes through it: begun by a key, left to go on behind other
//! pages, come back to, and not stopped by a slip of a finger.

use crate::Ui;
use crate::{Action, Page, Scope};
use flinklab_base::advice;
use flinklab_event::{DoctorOrder, Effect, Event, Stage, UpOrder};
use flinklab_model::{Ended, Plan};

/// Begins to build or to finish the lab. One that goes on is looked at again, never begun twice.
pub(super) fn begin(ui: &mut Ui) -> Vec<Effect> {
    ui.turn(Page::Plan);
    if ui.model.plan.goes_on() {
        ui.pages.plan.left = false;
        return Vec::new();
    }
    ui.model.plan = Plan {
        started: Some(ui.model.now),
        ..Plan::default()
    };
    ui.model.fault = None;
    vec![Effect::Up(UpOrder::default())]
}

/// How closely is looked for what stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thorough {
    /// At everything, registries included.
    Yes,
    /// At what this machine knows at once.
    No,
}

/// Looks for what stands in the way of a lab. Changes nothing.
pub(super) fn examine(thorough: Thorough) -> Vec<Effect> {
    let quick = thorough == Thorough::No;
    vec![Effect::Doctor(DoctorOrder { fix: false, quick })]
}

/// Whoever reads what a lab needs is told what is missing here, without asking. Once: what was
/// found stays until somebody asks again.
pub(super) fn examined_at_first(ui: &Ui, event: &Event) -> Vec<Effect> {
    let none = matches!(event, Event::NoLab { .. } | Event::Stage(Stage::Kept));
    let on_screen = ui.screen.columns > 0 && ui.screen.page == Page::Welcome;
    if none && on_screen && ui.model.findings.is_empty() {
        examine(Thorough::No)
    } else {
        Vec::new()
    }
}

/// Leaves the steps; what goes on goes on behind.
pub(super) fn behind(ui: &mut Ui) {
    ui.pages.plan.left = ui.model.plan.goes_on();
    let home = match (&ui.model.lab, &ui.model.stage) {
        (None, _) | (_, Stage::Kept) => Page::Welcome,
        (Some(_), _) => Page::Dashboard,
    };
    ui.turn(home);
    if ui.pages.plan.left {
        let key = ui.key_for(Scope::Of(Page::Welcome), Action::Up);
        let words = format!("The lab is being built behind this page; {key} shows the steps.");
        ui.screen.say(ui.model.now, words);
    }
}

/// Ends the program; where that stops something half done, only when it is asked for again.
pub(super) fn leave(ui: &mut Ui) {
    let left = ui
        .model
        .active_failures
        .first()
        .filter(|_| ui.playback.is_none());
    let words = left.map(|left| {
        let (failure, what) = (&left.failure, &left.what);
        format!("{failure} is still applied: {what}. U takes it back; again leaves all the same.")
    });
    if let Some(words) = words {
        ui.screen.leaving = true;
        ui.screen.say(ui.model.now, words);
        return;
    }
    if !ui.model.plan.goes_on() {
        ui.model.ended = Some(Ended::Quit);
        return;
    }
    ui.screen.leaving = true;
    let words =
        advice!("The lab is being built; again stops it here, `flinklab up` goes on later.");
    let words = ui.model.flinklab().advise(&words);
    ui.screen.say(ui.model.now, words);
}

/// Shows steps that begin, the lab that came of them, or that there is only data of one.
pub(super) fn follow(ui: &mut Ui, event: &Event) {
    let page = ui.screen.page;
    let to = match event {
        Event::Step(_) if matches!(page, Page::Welcome | Page::Dashboard) => Page::Plan,
        Event::Lab(_) if page == Page::Welcome && ui.model.stage != Stage::Kept => Page::Dashboard,
        Event::Stage(Stage::Built | Stage::Begun { .. })
            if page == Page::Welcome && ui.model.lab.is_some() =>
        {
            Page::Dashboard
        }
        // A lab of which only data is kept has nothing to show.
        Event::Stage(Stage::Kept) if page == Page::Dashboard && !ui.model.plan.goes_on() => {
            Page::Welcome
        }
        _ => return,
    };
    if !ui.pages.plan.left {
        ui.turn(to);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_event::{ActiveFailure, Happening, Key, KeyCode};
    use jiff::Timestamp;

    #[test]
    fn who_leaves_while_something_is_applied_is_asked() {
        let at = Timestamp::UNIX_EPOCH;
        let mut ui = Ui::default();
        let quit = Happening {
            at,
            event: Event::Key(Key {
                code: KeyCode::Char('q'),
                ctrl: false,
            }),
        };
        let left = ActiveFailure {
            run: "r".into(),
            failure: "jm-freeze".into(),
            what: "a process is stopped".into(),
            since: at,
            deadline: at,
            owner: None,
        };
        let event = Event::ActiveFailures(vec![left]);
        ui.update(&Happening { at, event });
        ui.update(&quit);
        assert_eq!(ui.model.ended, None);
        let words = ui.screen.notice(at).unwrap();
        assert!(words.contains("jm-freeze is still applied"), "{words}");
        ui.update(&quit);
        assert_eq!(ui.model.ended, Some(Ended::Quit));
    }
}
