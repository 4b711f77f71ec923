//! Runs that last longer than lists have room for, and stamps that no clock ever showed.

#![allow(clippy::unwrap_used)]

use super::story::{Story, at, map, of, rest};
use crate::*;
use flinklab_event::{Event, Happening, PodChange, StatementName};
use flinklab_lab::failure::{Seconds, Verdict};

#[test]
fn a_long_run_keeps_its_newest_look() {
    let mut story = Story::of("jm-crash");
    for n in 0..3000_u32 {
        let second = 1.0 + f64::from(n) / 4.0;
        story.tell(second, rest(second, 4, 10, None));
    }
    assert_eq!(story.run.seen.looks.last().unwrap().done, at(750.75));
}

#[test]
fn a_long_run_keeps_its_newest_renewal() {
    let mut story = Story::of("jm-crash");
    for n in 0..700_u32 {
        let second = 1.0 + f64::from(n);
        story.tell(second, map("one", "10.0.0.1", second));
    }
    let renewals = &story.run.seen.renewals;
    assert_eq!(renewals.last().unwrap().renewed, at(700.0));
}

/// A job that comes back late, after more answers than there is room for.
#[test]
fn a_recovery_after_thousands_of_answers_is_seen() {
    let mut story = Story::of("jm-crash");
    story.run.order.failure.expect.within = Seconds(300);
    story.restarts(3.0, "jm-a");
    for n in 0..2600_u32 {
        let second = 4.0 + f64::from(n) / 10.0;
        story.tell(second, rest(second, 0, 10, None));
    }
    story.tell(265.0, map("two", "10.0.0.2", 265.0));
    let restored = Some((10, 266.0));
    let result = story
        .tell(267.0, rest(267.0, 4, 10, restored))
        .checkpoint(270.0, 11, restored)
        .tell(271.0, map("two", "10.0.0.2", 271.0))
        .result();
    for name in [StatementName::SameJob, StatementName::InTime] {
        let (verdict, words) = of(&result, name);
        assert_eq!(verdict, Verdict::Pass, "{words}");
    }
}

#[test]
fn pods_that_come_after_none_was_left_are_told() {
    let mut model = Model::default();
    let pods = Story::of("jm-crash").run.before.pods;
    for (second, pods) in [(0.0, pods.clone()), (1.0, Vec::new()), (2.0, pods)] {
        let event = Event::Pods(PodChange::Listed(pods));
        let at = at(second);
        update(&mut model, &Happening { at, event });
    }
    let came = |moment: &&HistoryEntry| moment.kind == MomentKind::Came;
    assert_eq!(model.history.list.iter().filter(came).count(), 4);
}

#[test]
fn a_stamp_at_the_end_of_time_is_judged() {
    for key in ["jm-crash", "jm-freeze", "api-outage"] {
        let mut run = Story::of(key).run;
        for moment in [Timestamp::MAX, Timestamp::MIN] {
            run.seen.sent.as_mut().unwrap().at = moment;
            assert!(run.deadline() > Timestamp::MIN);
            let judged = judge(&run, moment, Origin::Recorded);
            assert!(judged.is_none_or(|it| it.run == run.order.run));
        }
    }
}
