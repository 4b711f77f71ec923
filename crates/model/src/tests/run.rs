//! Whose an event is: runs of several processes, and what a failed effect concerns.

#![allow(clippy::unwrap_used)]

use super::story::{Story, at, of};
use crate::*;
use flinklab_base::fault::Fault;
use flinklab_event::{
    BreakBegun, EffectKind, Event, Happening, RunEventKind, Statement, StatementName, StepChange,
    StepState,
};
use flinklab_lab::failure::Verdict;

fn comes_of(model: &mut Model, second: f64, event: Event) -> Outcome {
    outcome(
        model,
        &Happening {
            at: at(second),
            event,
        },
    )
}

fn take(model: &mut Model, second: f64, event: Event) -> Vec<Effect> {
    comes_of(model, second, event).effects
}

fn elsewhere(run: &Run, name: &str) -> Event {
    let begun = BreakBegun {
        run: name.to_owned(),
        failure: run.order.failure.clone(),
        target: run.order.target.clone(),
    };
    RunEventKind::Elsewhere(Box::new(begun)).of(name)
}

fn sent(run: &str, second: f64) -> Event {
    let sent = RunEventKind::Sent {
        at: at(second),
        observer: "clock".into(),
        resolution_ms: 1,
    };
    sent.of(run)
}

fn hit(run: &str) -> Event {
    RunEventKind::Hit(Ok(format!("{run} was hit"))).of(run)
}

#[test]
fn a_second_run_from_elsewhere_is_shown_at_once_and_keeps_its_evidence() {
    let run = Story::of("jm-crash").run;
    let mut model = Model::default();
    take(&mut model, 0.0, elsewhere(&run, "a"));
    take(&mut model, 0.1, sent("a", 0.1));
    take(&mut model, 0.2, hit("a"));
    let effects = take(&mut model, 9.0, elsewhere(&run, "b"));
    assert_eq!(
        effects,
        [],
        "what another process fired is not written by this one"
    );
    // what the first one's process writes late is not about the second one
    take(&mut model, 9.1, hit("a"));
    let shown = model.run().unwrap();
    assert_eq!(shown.order.run, "b");
    assert_eq!((&shown.seen.sent, &shown.seen.hit), (&None, &None));
    take(&mut model, 9.2, sent("b", 9.2));
    assert_eq!(model.run().unwrap().seen.sent.as_ref().unwrap().at, at(9.2));
    let first = &model.finished[0];
    assert_eq!(
        (first.run.as_str(), first.verdict),
        ("a", Verdict::Inconclusive)
    );
    let proof = (Verdict::Pass, "a was hit".to_owned());
    assert_eq!(of(first, StatementName::Hit), proof);
    let failed = |it: &&Statement| it.verdict == Verdict::Fail;
    assert_eq!(first.statements.iter().find(failed), None);
}

#[test]
fn a_run_of_another_process_that_is_broken_off_ends_with_a_sentence() {
    let run = Story::of("jm-crash").run;
    let broken_off = |run: &str| RunEventKind::BrokenOff("its flinklab ended".into()).of(run);
    let mut model = Model::default();
    take(&mut model, 0.0, elsewhere(&run, "a"));
    take(&mut model, 0.1, sent("a", 0.1));
    assert!(model.against()[0].contains("is still observed"));
    take(&mut model, 0.2, broken_off("b"));
    assert!(model.run().is_some(), "that was another one");
    let said = comes_of(&mut model, 0.3, broken_off("a")).broken_off;
    assert_eq!(model.breaking, BreakState::Idle);
    let words = "jm-crash was broken off: its flinklab ended. Nothing is concluded from it.";
    assert_eq!(said.as_deref(), Some(words));
    assert_eq!(model.finished[0].verdict, Verdict::Inconclusive);
    assert!(model.against().iter().all(|why| !why.contains("the run")));
    // before anything was sent there is nothing to conclude anything from
    take(&mut model, 1.0, elsewhere(&run, "b"));
    let said = comes_of(&mut model, 1.1, broken_off("b")).broken_off;
    assert_eq!(
        (model.breaking, model.finished.len()),
        (BreakState::Idle, 1)
    );
    let words = "jm-crash came to nothing: its flinklab ended.";
    assert_eq!(said.as_deref(), Some(words));
}

#[test]
fn a_break_is_let_go_only_where_it_failed_itself() {
    let run = Story::of("jm-crash").run;
    let fault = || Fault::unable("x", "It failed.");
    let failed = |effect| Event::Failed {
        effect,
        fault: fault(),
    };
    let own = |run: &str| EffectKind::Break {
        run: run.to_owned(),
        failure: "jm-crash".to_owned(),
    };
    let mut model = Model::default();
    let begun = BreakBegun {
        run: "a".to_owned(),
        failure: run.order.failure.clone(),
        target: run.order.target.clone(),
    };
    take(
        &mut model,
        0.0,
        RunEventKind::Begun(Box::new(begun)).of("a"),
    );
    take(&mut model, 0.1, sent("a", 0.1));
    let holds = |model: &Model| match &model.breaking {
        BreakState::Observing { hand, .. } => *hand == Exclusive::Holds,
        _ => panic!("it is observed"),
    };
    for other in [
        EffectKind::Heal,
        EffectKind::Mend,
        EffectKind::Open,
        own("b"),
    ] {
        take(&mut model, 0.2, failed(other));
        assert!(holds(&model));
    }
    take(&mut model, 0.3, failed(own("a")));
    assert!(!holds(&model));
    let refusal = model.refused.unwrap();
    assert_eq!(refusal.failure.as_deref(), Some("jm-crash"));
}

#[test]
fn a_plan_fails_only_where_its_own_effect_failed() {
    let mut model = Model::default();
    take(
        &mut model,
        0.0,
        Event::Step(StepChange {
            name: "nodes".into(),
            title: "nodes".into(),
            n: 1,
            of: 2,
            state: StepState::Running,
            detail: String::new(),
            seconds: None,
        }),
    );
    let fault = Fault::unable("cluster-stopped", "It is stopped.");
    for effect in [EffectKind::Mend, EffectKind::Doctor, EffectKind::Open] {
        let fault = fault.clone();
        take(&mut model, 1.0, Event::Failed { effect, fault });
        assert!(model.plan.goes_on() && model.plan.fault.is_none());
    }
    let effect = EffectKind::Up;
    take(&mut model, 2.0, Event::Failed { effect, fault });
    assert!(!model.plan.goes_on() && model.plan.fault.is_some());
}

#[test]
fn a_run_is_kept_once_and_no_more_than_a_hundred() {
    let mut story = Story::of("jm-crash");
    let result = story.result();
    let mut model = Model::default();
    for n in 0..150 {
        let result = RunResult {
            run: format!("run-{}", n / 2),
            ..result.clone()
        };
        take(&mut model, f64::from(n), Event::Saved(Box::new(result)));
    }
    assert_eq!(model.finished.len(), 75);
    for n in 0..150 {
        let run = format!("other-{n}");
        let result = RunResult {
            run,
            ..result.clone()
        };
        take(&mut model, f64::from(n), Event::Saved(Box::new(result)));
    }
    assert_eq!(model.finished.len(), 100);
    assert_eq!(model.finished.last().unwrap().run, "other-149");
}
