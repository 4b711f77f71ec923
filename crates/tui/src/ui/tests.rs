//! What is said in the key line of what happened.
#![allow(clippy::unwrap_used)]

use super::*;
use flinklab_base::fault::Fault;
use flinklab_event::{EffectKind, Healed, Key, KeyCode, StepChange, StepState};
use jiff::Timestamp;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + seconds).unwrap()
}

fn take(ui: &mut Ui, seconds: i64, event: Event) {
    ui.update(&Happening {
        at: at(seconds),
        event,
    });
}

#[test]
fn what_failed_beside_a_plan_is_said() {
    let mut ui = Ui::default();
    let step = StepChange {
        name: "nodes".into(),
        title: "nodes".into(),
        n: 1,
        of: 2,
        state: StepState::Running,
        detail: String::new(),
        seconds: None,
    };
    take(&mut ui, 0, Event::Step(step));
    for effect in [EffectKind::Mend, EffectKind::Doctor, EffectKind::Open] {
        let fault = Fault::unable("cluster-stopped", "It is stopped.");
        take(&mut ui, 1, Event::Failed { effect, fault });
        let words = ui.screen.notice(at(1));
        assert!(words.is_some_and(|words| words.contains("It is stopped.")));
    }
}

#[test]
fn whoever_presses_u_is_answered() {
    let mut ui = Ui::default();
    let key = |letter| {
        Event::Key(Key {
            code: KeyCode::Char(letter),
            ctrl: false,
        })
    };
    take(&mut ui, 0, key('U'));
    take(&mut ui, 1, key('?'));
    let nothing = |effect| {
        let undone = Vec::new();
        Event::Healed(Healed { effect, undone })
    };
    take(&mut ui, 20, nothing(EffectKind::Mend));
    assert_eq!(ui.screen.notice(at(20)), None, "nobody asked for that");
    take(&mut ui, 21, nothing(EffectKind::Heal));
    assert_eq!(ui.screen.notice(at(21)), Some("Nothing was broken."));
}
