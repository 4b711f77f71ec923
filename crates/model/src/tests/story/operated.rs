//! Runs on pods that an operator made: they sleep before SIGTERM, or are never started again.

use super::*;
use flinklab_event::{Event, PhaseName, PodChange, RunEventKind};

/// The leader's pod is deleted and sleeps for 30 s before SIGTERM: nothing has happened to Flink
/// until then, so its time counts from there.
#[test]
fn a_pod_that_sleeps_before_sigterm_has_a_phase_of_its_own() {
    let mut sleeping = pods();
    sleeping[0].detail.sleeps = Some(30);
    let mut story = Story::of_pods(find("jm-delete").unwrap().clone(), sleeping);
    assert!(story.run.reached(PhaseName::Signalled).is_none());
    story.leads("one", "10.0.0.1", 4.0, 29.0);
    story.tell(30.5, rest(30.5, 4, 24, None));
    let signalled = story.run.reached(PhaseName::Signalled).unwrap().clone();
    assert_eq!((signalled.ms, signalled.resolution_ms), (30_000, 1000));
    story.hand(
        31.2,
        RunEventKind::Gone {
            at: at(31.0),
            observer: "runtime".into(),
            resolution_ms: 1,
        },
    );
    story.tell(
        31.5,
        Event::Pods(PodChange::Deleted {
            uid: "uid-jm-a".into(),
        }),
    );
    story.tell(
        36.0,
        Event::Pods(PodChange::Applied(pod(
            "jm-c",
            Role::JobManager,
            "10.0.0.9",
        ))),
    );
    story.tell(62.0, map("two", "10.0.0.2", 62.0));
    story.tell(68.0, rest(68.0, 4, 24, Some((24, 66.0))));
    story.checkpoint(70.0, 25, Some((24, 66.0)));
    let result = story.tell(71.0, map("two", "10.0.0.2", 71.0)).result();
    let (verdict, words) = of(&result, StatementName::InTime);
    assert_eq!(
        (verdict, words.as_str()),
        (Verdict::Pass, "all tasks after 38.0 s, budget 60 s")
    );
    assert_eq!(
        result.recovery_ms,
        Some(68_000),
        "measured from the break all the same"
    );
}

#[test]
fn a_process_that_is_signalled_at_once_did_not_sleep() {
    let mut sleeping = pods();
    sleeping[0].detail.sleeps = Some(30);
    let mut crashed = Story::of_pods(failure("jm-crash"), sleeping.clone());
    assert_eq!(crashed.run.sleeps(), None, "no kubelet stands between");
    crashed.tell(40.0, rest(40.0, 4, 24, None));
    assert!(crashed.run.reached(PhaseName::Signalled).is_none());
    let mut story = Story::of_pods(find("jm-delete").unwrap().clone(), sleeping);
    let gone = RunEventKind::Gone {
        at: at(2.0),
        observer: "runtime".into(),
        resolution_ms: 1,
    };
    story.hand(2.1, gone).tell(40.0, rest(40.0, 4, 24, None));
    assert!(story.run.reached(PhaseName::Signalled).is_none());
}

/// A TaskManager that its JobManager started is not started again, but another one is.
#[test]
fn a_pod_that_is_never_restarted_is_replaced() {
    let mut on_demand = pods();
    on_demand[2].detail.ends_for_good = true;
    let mut story = Story::of_pods(find("tm-crash").unwrap().clone(), on_demand);
    story.tell(
        5.0,
        Event::Pods(PodChange::Deleted {
            uid: "uid-tm-a".into(),
        }),
    );
    story.tell(
        9.0,
        Event::Pods(PodChange::Applied(pod(
            "tm-c",
            Role::TaskManager,
            "10.0.0.9",
        ))),
    );
    story.leads("one", "10.0.0.1", 4.0, 22.0);
    story.tell(18.0, rest(18.0, 4, 10, Some((10, 17.0))));
    story.checkpoint(20.0, 11, Some((10, 17.0)));
    let result = story.tell(24.0, map("one", "10.0.0.1", 24.0)).result();
    let (verdict, words) = of(&result, StatementName::Restarts);
    assert_eq!(verdict, Verdict::Pass, "{words}");
    assert!(
        words.contains("tm-a, which is never restarted, was replaced"),
        "{words}"
    );
}
