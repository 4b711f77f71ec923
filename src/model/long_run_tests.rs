//! Runs that last longer than lists have room for, and stamps that no clock ever showed.

#![allow(clippy::unwrap_used)]

use super::story_tests::{Story, at, map, rest};
use super::*;

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

#[test]
fn pods_that_come_after_none_was_left_are_told() {
    let mut model = Model::default();
    let pods = Story::of("jm-crash").run.before.pods;
    for (second, pods) in [(0.0, pods.clone()), (1.0, Vec::new()), (2.0, pods)] {
        let event = Event::Pods(PodChange::Listed(pods));
        let at = at(second);
        update(&mut model, &Happening { at, event });
    }
    let came = |moment: &&Moment| moment.kind == MomentKind::Came;
    assert_eq!(model.moments.list.iter().filter(came).count(), 4);
}

#[test]
fn a_stamp_at_the_end_of_time_is_judged() {
    for key in ["jm-crash", "jm-freeze", "api-outage"] {
        let mut run = Story::of(key).run;
        for moment in [Timestamp::MAX, Timestamp::MIN] {
            run.seen.sent.as_mut().unwrap().at = moment;
            assert!(run.deadline() > Timestamp::MIN);
            judge(&run, moment, Origin::Recorded);
        }
    }
}
