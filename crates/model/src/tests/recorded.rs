//! The judge on what a real cluster showed, and on what looks good and is not.

#![allow(clippy::unwrap_used)]

use crate::*;
use flinklab_event::{
    BreakOrder, ClusterMap, DiskCheckpoint, DiskSample, Event, FlinkSample, Happening, JobMap,
    LeaderKey, LeaseEnd, MapChange, PhaseName, PodChange, Pointer, RunEvent, RunEventKind,
    StatementName, Target,
};
use flinklab_lab::failure::{Role, Verdict, find};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const JM_CRASH: &str = include_str!("../../../../tests/fixtures/runs/jm-crash.jsonl");
const JM_STOP: &str = include_str!("../../../../tests/fixtures/runs/jm-stop.jsonl");
const JM_STOP_2: &str = include_str!("../../../../tests/fixtures/runs/jm-stop-2.jsonl");
const JM_DELETE: &str = include_str!("../../../../tests/fixtures/runs/jm-delete.jsonl");
const TM_STOP: &str = include_str!("../../../../tests/fixtures/runs/tm-stop.jsonl");
const TM_RESTARTS: &str = include_str!("../../../../tests/fixtures/runs/tm-crash-restarts.jsonl");

fn recording(text: &str) -> Vec<Happening> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn is_sent(happening: &Happening) -> bool {
    matches!(
        happening.event,
        Event::Run(RunEvent {
            kind: RunEventKind::Sent { .. },
            ..
        })
    )
}

/// Plays a recording: what comes up to 100 ms before the break is the baseline.
fn play(key: &str, happenings: &[Happening]) -> (Run, Option<RunResult>) {
    let sent = happenings.iter().find(|happening| is_sent(happening));
    let first = happenings.first().expect("it is not empty").at;
    let sent = sent.map_or(first, |happening| happening.at) - SignedDuration::from_millis(150);
    let mut model = Model {
        lab: Some(crate::tests::lab_facts("fef4a397879c16aa52a242d081f177d6")),
        ..Model::default()
    };
    let facts = model.lab.clone().unwrap();
    let mut run: Option<Run> = None;
    let mut at = first;
    update(
        &mut model,
        &Happening {
            at,
            event: Event::Lab(Box::new(facts)),
        },
    );
    for happening in happenings {
        at = happening.at;
        if at >= sent && run.is_none() {
            run = Some(Run::begin(order_of(key, happenings), &model));
        }
        // The recordings are older than the witness of the files: it agrees with the pointers.
        let files = files_of(happening);
        let Some(run) = run.as_mut() else {
            update(&mut model, happening);
            continue;
        };
        run.observe(happening);
        if let Some(files) = files {
            run.observe(&files);
        }
        if let Some(result) = judge(run, at, Origin::Recorded) {
            return (run.clone(), Some(result));
        }
    }
    let mut run = run.unwrap_or_else(|| Run::begin(order(key), &model));
    while at < run.deadline() + SignedDuration::from_secs(2) {
        at += SignedDuration::from_secs(1);
        run.observe(&Happening {
            at,
            event: Event::Tick,
        });
        if let Some(result) = judge(&run, at, Origin::Recorded) {
            return (run, Some(result));
        }
    }
    (run, None)
}

/// A look at the files that shows what the pointers name.
fn files_of(happening: &Happening) -> Option<Happening> {
    let Event::Map(MapChange::Job(map)) = &happening.event else {
        return None;
    };
    let own = map.pointers.iter().map(|pointer| DiskCheckpoint {
        id: pointer.id,
        complete: true,
        files: 1,
        bytes: 1,
        written: None,
    });
    let sample = DiskSample {
        job: map.job.clone(),
        checkpoints: own.collect(),
        ha_files: Vec::new(),
        ha_count: 0,
        more: false,
        shared: None,
        needed: 0,
        missing: Vec::new(),
    };
    Some(Happening {
        at: happening.at,
        event: Event::Disk(sample),
    })
}

/// The pod that was hit is the one that is not ready, or being deleted, after the break.
fn order_of(key: &str, happenings: &[Happening]) -> BreakOrder {
    let mut order = order(key);
    let after = happenings
        .iter()
        .skip_while(|happening| !is_sent(happening));
    let hit = after
        .into_iter()
        .find_map(|happening| match &happening.event {
            Event::Pods(PodChange::Applied(pod)) if !pod.ready || pod.deleting.is_some() => {
                Some(pod)
            }
            _ => None,
        });
    if let Some(pod) = hit {
        order.target.pod.clone_from(&pod.name);
        order.target.uid.clone_from(&pod.uid);
    }
    order
}

fn order(key: &str) -> BreakOrder {
    BreakOrder {
        run: format!("20261122-231105-{key}"),
        failure: find(key).expect("it is in the catalogue").clone(),
        short: false,
        target: Target {
            pod: "a".into(),
            uid: "u".into(),
            role: Role::JobManager,
            container_name: "c".into(),
            container: None,
            node: None,
            epoch: None,
            reason: String::new(),
            object: None,
            also: Vec::new(),
        },
    }
}

fn verdict(result: &RunResult, name: StatementName) -> Verdict {
    let mut found = result
        .statements
        .iter()
        .filter(|statement| statement.name == name);
    found.next().expect("every statement is there").verdict
}

fn story(result: &RunResult) -> String {
    let mut text = format!("{} recovery {:?}\n", result.verdict, result.recovery_ms);
    for phase in &result.phases {
        text += &format!(
            "{:?} {} ±{} {}\n",
            phase.name, phase.ms, phase.resolution_ms, phase.observer
        );
    }
    for statement in &result.statements {
        text += &format!(
            "{:?} {}: {}\n",
            statement.name, statement.verdict, statement.evidence
        );
    }
    text
}

#[test]
fn a_crash_of_the_leader_is_judged_as_it_was() {
    let (_, result) = play("jm-crash", &recording(JM_CRASH));
    insta::assert_snapshot!(story(&result.unwrap()), @r"
    PASS recovery Some(17747)
    Sent 0 ±5 node clock, before kill
    ProcessGone 46 ±20 wait on the process in the node
    LeaseOver 13172 ±1 renewTime and leaseDuration of the lock
    NewEpoch 15518 ±150 watch of the leader keys
    RestAnswers 16831 ±566 Flink REST: the job is listed
    JobRecovered 17072 ±1 Flink REST: restore_timestamp
    TasksRunning 17747 ±390 Flink REST: all tasks RUNNING
    NextCheckpoint 19131 ±50 watch of the job's pointers
    Hit PASS: the container exited with 137
    Leadership PASS: epoch fcd9f956 ended, 8062d425 began
    OneLeader PASS: two epochs, and none wrote after the other's start
    SameJob PASS: job fef4a397 runs again
    Restored PASS: checkpoint 354 was restored, the newest completed before it was 354
    IdsGrow PASS: checkpoint 355 completed after checkpoint 354
    Pointer PASS: the pointer names checkpoint 355 and holds its state; chk-355/_metadata is there
    Restarts PASS: flink-jobmanager-5skkb restarted once
    InTime PASS: all tasks after 17.7 s, budget 60 s
    ");
}

#[test]
fn an_orderly_stop_shows_the_lock_given_back() {
    let (_, result) = play("jm-stop", &recording(JM_STOP));
    insta::assert_snapshot!(story(&result.unwrap()), @r"
    INCONCLUSIVE recovery Some(9560)
    Sent 0 ±5 node clock, before kill
    LeaseOver 841 ±50 watch of the lock: given back
    ProcessGone 1126 ±20 wait on the process in the node
    NewEpoch 8719 ±150 watch of the leader keys
    RestAnswers 9068 ±267 Flink REST: the job is listed
    JobRecovered 9075 ±1 Flink REST: restore_timestamp
    TasksRunning 9560 ±259 Flink REST: all tasks RUNNING
    NextCheckpoint 9779 ±50 watch of the job's pointers
    Hit PASS: the container exited with 143
    Leadership PASS: epoch 8062d425 ended, 13d823fe began
    OneLeader PASS: two epochs, and none wrote after the other's start
    SameJob PASS: job fef4a397 runs again
    Restored PASS: checkpoint 403 was restored, the newest completed before it was 403
    IdsGrow PASS: checkpoint 404 completed after checkpoint 403
    Pointer PASS: the pointer names checkpoint 409 and holds its state; chk-409/_metadata is there
    Restarts UNKNOWN: flink-jobmanager-5skkb restarted and is not ready; 3 of 4 pods are ready
    InTime PASS: all tasks after 9.5 s, budget 60 s
    ");
}

#[test]
fn a_deleted_pod_is_judged_by_the_epoch_not_by_the_name() {
    let (_, result) = play("jm-delete", &recording(JM_DELETE));
    insta::assert_snapshot!(story(&result.unwrap()), @r"
    PASS recovery Some(5257)
    Sent 0 ±5 node clock, before kill
    LeaseOver 843 ±50 watch of the lock: given back
    ProcessGone 1450 ±20 wait on the process in the node
    NewEpoch 2942 ±150 watch of the leader keys
    RestAnswers 3630 ±385 Flink REST: the job is listed
    JobRecovered 3966 ±1 Flink REST: restore_timestamp
    TasksRunning 5257 ±262 Flink REST: all tasks RUNNING
    NextCheckpoint 6006 ±50 watch of the job's pointers
    Hit PASS: the container exited with 143
    Leadership PASS: epoch 13d823fe ended, 0a68ef70 began
    OneLeader PASS: two epochs, and none wrote after the other's start
    SameJob PASS: job fef4a397 runs again
    Restored PASS: checkpoint 446 was restored, the newest completed before it was 446
    IdsGrow PASS: checkpoint 447 completed after checkpoint 446
    Pointer PASS: the pointer names checkpoint 448 and holds its state; chk-448/_metadata is there
    Restarts PASS: flink-jobmanager-8n86m was replaced
    InTime PASS: all tasks after 5.2 s, budget 60 s
    ");
}

#[test]
fn a_stopped_task_manager_moves_no_leadership() {
    let (_, result) = play("tm-stop", &recording(TM_STOP));
    insta::assert_snapshot!(story(&result.unwrap()), @r"
    PASS recovery Some(1720)
    Sent 0 ±5 node clock, before kill
    ProcessGone 449 ±20 wait on the process in the node
    JobRecovered 1392 ±1 Flink REST: restore_timestamp
    TasksRunning 1720 ±272 Flink REST: all tasks RUNNING
    NextCheckpoint 2440 ±50 watch of the job's pointers
    Hit PASS: the container exited with 143
    Leadership PASS: epoch 13d823fe before and after, no other in between
    OneLeader PASS: one epoch all the time, its lease renewed in time
    SameJob PASS: job fef4a397 runs again
    Restored PASS: checkpoint 425 was restored, the newest completed before it was 425
    IdsGrow PASS: checkpoint 426 completed after checkpoint 425
    Pointer PASS: the pointer names checkpoint 427 and holds its state; chk-427/_metadata is there
    Restarts PASS: flink-taskmanager-8zwwx restarted once
    InTime PASS: all tasks after 1.7 s, budget 60 s
    ");
}

/// The real job restarted six times: it once showed 4/4 tasks for 0.2 s in between.
#[test]
fn tasks_that_run_for_a_moment_have_not_recovered() {
    let (run, result) = play("tm-stop", &recording(TM_RESTARTS));
    let result = result.unwrap();
    assert!(run.seen.looks.iter().any(|look| look.all_run()));
    insta::assert_snapshot!(story(&result), @r"
    PASS recovery Some(27981)
    Sent 0 ±5 node clock, before kill
    ProcessGone 180 ±20 wait on the process in the node
    JobRecovered 27747 ±1 Flink REST: restore_timestamp
    TasksRunning 27981 ±256 Flink REST: all tasks RUNNING
    NextCheckpoint 28436 ±50 watch of the job's pointers
    Hit PASS: the container exited with 137
    Leadership PASS: epoch 0a68ef70 before and after, no other in between
    OneLeader PASS: one epoch all the time, its lease renewed in time
    SameJob PASS: job fef4a397 runs again
    Restored PASS: checkpoint 475 was restored, the newest completed before it was 475; 6 restores in all
    IdsGrow PASS: checkpoint 476 completed after checkpoint 475
    Pointer PASS: the pointer names checkpoint 476 and holds its state; chk-476/_metadata is there
    Restarts PASS: flink-taskmanager-8zwwx restarted once
    InTime PASS: all tasks after 27.9 s, budget 60 s
    ");
}

#[test]
fn every_recording_passes_and_no_beginning_of_one_does() {
    for (key, text) in [
        ("jm-crash", JM_CRASH),
        ("jm-stop", JM_STOP),
        ("jm-stop", JM_STOP_2),
        ("jm-delete", JM_DELETE),
        ("tm-stop", TM_STOP),
    ] {
        let all = recording(text);
        let (run, result) = play(key, &all);
        let result = result.unwrap();
        // One of them ends before its pod is ready again: then nothing is said about restarts.
        let open: Vec<StatementName> = result
            .statements
            .iter()
            .filter(|it| it.verdict != Verdict::Pass)
            .map(|it| it.name)
            .collect();
        match result.verdict {
            Verdict::Pass => assert_eq!(open, []),
            Verdict::Inconclusive => {
                assert_eq!((text, open), (JM_STOP, vec![StatementName::Restarts]))
            }
            _ => panic!("{key}: {}", story(&result)),
        }
        let decided = run.seen.until.unwrap();
        let next = run.reached(PhaseName::NextCheckpoint).unwrap().at;
        for cut in (0..all.len())
            .step_by(7)
            .filter(|cut| all[*cut].at < next.min(decided))
        {
            let (_, result) = play(key, &all[..=cut]);
            assert_ne!(result.unwrap().verdict, Verdict::Pass, "{key} cut at {cut}");
        }
    }
}

fn samples(happenings: &mut [Happening]) -> impl Iterator<Item = &mut FlinkSample> {
    happenings
        .iter_mut()
        .filter_map(|happening| match &mut happening.event {
            Event::Flink(sample) => Some(sample),
            _ => None,
        })
}

#[test]
fn an_older_checkpoint_is_data_loss_although_all_is_green() {
    let mut all = recording(JM_CRASH);
    for sample in samples(&mut all) {
        if let Some(restored) = sample
            .checkpoints
            .as_mut()
            .and_then(|seen| seen.restored.as_mut())
        {
            restored.id -= 1;
        }
    }
    let (_, result) = play("jm-crash", &all);
    let result = result.unwrap();
    assert_eq!(result.verdict, Verdict::Fail);
    assert_eq!(verdict(&result, StatementName::Restored), Verdict::Fail);
    assert_eq!(verdict(&result, StatementName::InTime), Verdict::Pass);
}

#[test]
fn a_job_from_nothing_is_data_loss_although_all_is_green() {
    let mut all = recording(JM_CRASH);
    for sample in samples(&mut all) {
        if let Some(seen) = sample.checkpoints.as_mut() {
            seen.restored = None;
        }
    }
    let (_, result) = play("jm-crash", &all);
    let result = result.unwrap();
    assert_eq!(verdict(&result, StatementName::Restored), Verdict::Fail);
    assert_eq!(result.verdict, Verdict::Fail);
}

#[test]
fn ids_that_begin_again_are_seen_by_pointer_and_by_counter() {
    let mut all = recording(JM_CRASH);
    let sent = all.iter().find(|happening| is_sent(happening)).unwrap().at;
    for happening in all.iter_mut().filter(|happening| happening.at > sent) {
        if let Event::Map(MapChange::Job(map)) = &mut happening.event {
            map.counter = map.counter.map(|counter| counter - 350);
            map.pointers.retain(|pointer| pointer.id > 354);
            for pointer in &mut map.pointers {
                pointer.id -= 350;
            }
        }
    }
    let (_, result) = play("jm-crash", &all);
    assert_eq!(
        verdict(&result.unwrap(), StatementName::IdsGrow),
        Verdict::Fail
    );
}

#[test]
fn a_checkpoint_that_the_old_leader_still_completed_must_be_the_one_restored() {
    let mut all = recording(JM_CRASH);
    let place = all.iter().position(is_sent).unwrap() + 1;
    let at = all[place].at;
    let map = JobMap {
        name: "m".into(),
        job: "fef4a397879c16aa52a242d081f177d6".into(),
        counter: Some(356),
        pointers: vec![Pointer {
            id: 355,
            path: None,
            deleting: false,
        }],
    };
    let later = |id: &mut u64| *id += u64::from(*id > 354);
    for happening in &mut all[place..] {
        match &mut happening.event {
            Event::Map(MapChange::Job(job)) => {
                job.counter = job.counter.map(|counter| counter + 1);
                job.pointers
                    .iter_mut()
                    .for_each(|pointer| later(&mut pointer.id));
                job.pointers.extend(map.pointers.clone());
            }
            Event::Flink(FlinkSample {
                checkpoints: Some(seen),
                ..
            }) => {
                seen.rows.iter_mut().for_each(|row| later(&mut row.id));
            }
            _ => {}
        }
    }
    all.insert(
        place,
        Happening {
            at,
            event: Event::Map(MapChange::Job(map)),
        },
    );
    let (_, result) = play("jm-crash", &all);
    let result = result.unwrap();
    assert_eq!(
        verdict(&result, StatementName::Restored),
        Verdict::Fail,
        "{}",
        story(&result)
    );
    assert_eq!(
        verdict(&result, StatementName::IdsGrow),
        Verdict::Pass,
        "{}",
        story(&result)
    );
}

/// After a TaskManager crash REST goes on showing all tasks for ten seconds and more.
#[test]
fn running_tasks_without_a_restore_are_no_recovery() {
    let mut all = recording(TM_STOP);
    let sent = all.iter().find(|happening| is_sent(happening)).unwrap().at;
    let mut before = None;
    for sample in samples(&mut all) {
        if sample.asked < sent {
            before = Some((sample.jobs.clone(), sample.checkpoints.clone()));
        } else {
            (sample.jobs, sample.checkpoints) = before.clone().unwrap();
        }
    }
    let (run, result) = play("tm-stop", &all);
    assert!(run.seen.looks.iter().all(|look| look.all_run()));
    let result = result.unwrap();
    assert_ne!(result.verdict, Verdict::Pass);
    assert_eq!(result.recovery_ms, None);
}

#[test]
fn what_nobody_proved_is_not_hit() {
    let mut all = recording(JM_CRASH);
    all.retain(|happening| {
        !matches!(
            happening.event,
            Event::Run(RunEvent {
                kind: RunEventKind::Hit(_),
                ..
            })
        )
    });
    let (_, result) = play("jm-crash", &all);
    let result = result.unwrap();
    assert_eq!(verdict(&result, StatementName::Hit), Verdict::Unknown);
    assert_eq!(result.verdict, Verdict::Inconclusive);
}

#[test]
fn a_machine_that_slept_proves_nothing_about_time() {
    let mut all = recording(JM_CRASH);
    let sent = all.iter().find(|happening| is_sent(happening)).unwrap().at;
    for happening in all
        .iter_mut()
        .filter(|happening| happening.at > sent + SignedDuration::from_secs(3))
    {
        happening.at += SignedDuration::from_secs(20);
    }
    let (_, result) = play("jm-crash", &all);
    let result = result.unwrap();
    assert_eq!(verdict(&result, StatementName::InTime), Verdict::Unknown);
    assert_ne!(result.verdict, Verdict::Pass);
}

#[test]
fn an_epoch_that_began_before_proves_nothing() {
    let mut all = recording(JM_CRASH);
    let place = all.iter().position(is_sent).unwrap();
    let at = all[place].at - SignedDuration::from_millis(120);
    let mut map = ClusterMap::default();
    let key = LeaderKey {
        epoch: "other".into(),
        address: "a".into(),
        host: "h".into(),
    };
    map.leaders.insert("restserver".into(), key);
    all.insert(
        place - 1,
        Happening {
            at,
            event: Event::Map(MapChange::Cluster(map)),
        },
    );
    let (_, result) = play("jm-crash", &all);
    let result = result.unwrap();
    assert_eq!(
        verdict(&result, StatementName::Leadership),
        Verdict::Unknown,
        "{}",
        story(&result)
    );
}

#[test]
fn a_new_epoch_is_wrong_where_the_leader_should_have_stayed() {
    let (_, result) = play("tm-stop", &recording(JM_CRASH));
    assert_eq!(
        verdict(&result.unwrap(), StatementName::Leadership),
        Verdict::Fail
    );
}

#[test]
fn a_failure_that_was_refused_has_no_result() {
    let mut run = Run::begin(order("jm-crash"), &Model::default());
    let fault = flinklab_base::fault::Fault::unable("target-changed", "It moved.");
    let at = Timestamp::UNIX_EPOCH;
    let refused = Happening {
        at,
        event: RunEventKind::Refused(fault).of(&run.order.run),
    };
    run.observe(&refused);
    assert_eq!(judge(&run, Timestamp::MAX, Origin::Real), None);
    let mut model = Model::default();
    model.breaking.begin(run);
    update(&mut model, &refused);
    assert_eq!(
        model.run(),
        None,
        "it would stand in the way of every later one"
    );
}

/// The dying leader's own elector may take the lock again after it was given back.
#[test]
fn a_lock_that_is_taken_again_is_not_over() {
    let mut all = recording(JM_STOP);
    let released = |happening: &Happening| match &happening.event {
        Event::Map(MapChange::Cluster(map)) => {
            map.lock.as_ref().is_some_and(|lock| lock.holder.is_empty())
        }
        _ => false,
    };
    let place = all.iter().position(released).unwrap();
    let held = all[..place]
        .iter()
        .rev()
        .find_map(|happening| match &happening.event {
            Event::Map(MapChange::Cluster(map)) => Some(map.clone()),
            _ => None,
        });
    let mut again = held.unwrap();
    let at = all[place].at + SignedDuration::from_millis(30);
    again.leaders.clear();
    again.lock.as_mut().unwrap().renewed = at;
    all.insert(
        place + 1,
        Happening {
            at,
            event: Event::Map(MapChange::Cluster(again)),
        },
    );
    let (run, result) = play("jm-stop", &all);
    let over = run.reached(PhaseName::LeaseOver).unwrap();
    assert_eq!(over.observer, "acquireTime of the next holder");
    assert!(over.ms > 7000, "{over:?}");
    let result = result.unwrap();
    assert_eq!(result.record.lease, Some(LeaseEnd::TakenOver));
    for name in [StatementName::Leadership, StatementName::OneLeader] {
        assert_eq!(verdict(&result, name), Verdict::Pass, "{}", story(&result));
    }
}

/// A checkpoint that fails while its pointer is written leaves the pointer for a moment.
#[test]
fn a_pointer_that_is_withdrawn_never_was_a_checkpoint() {
    let mut all = recording(JM_CRASH);
    let place = all.iter().position(is_sent).unwrap() + 1;
    let at = all[place].at;
    let pointers = |ids: &[u64]| -> Vec<Pointer> {
        ids.iter()
            .map(|id| Pointer {
                id: *id,
                path: None,
                deleting: false,
            })
            .collect()
    };
    for (n, ids) in [[353, 354, 355].as_slice(), &[353, 354]]
        .into_iter()
        .enumerate()
    {
        let map = JobMap {
            name: "m".into(),
            job: "fef4a397879c16aa52a242d081f177d6".into(),
            counter: Some(356),
            pointers: pointers(ids),
        };
        all.insert(
            place + n,
            Happening {
                at,
                event: Event::Map(MapChange::Job(map)),
            },
        );
    }
    let (_, result) = play("jm-crash", &all);
    let result = result.unwrap();
    assert_eq!(result.verdict, Verdict::Pass, "{}", story(&result));
}

/// A later leader that does without a checkpoint has lost it.
#[test]
fn a_pointer_that_a_later_leader_does_without_was_a_checkpoint() {
    let mut all = recording(JM_CRASH);
    let (run, _) = play("jm-crash", &all);
    let epoch = run.reached(PhaseName::NewEpoch).unwrap().at;
    let map = |ids: &[u64]| {
        Event::Map(MapChange::Job(JobMap {
            name: "m".into(),
            job: "fef4a397879c16aa52a242d081f177d6".into(),
            counter: Some(356),
            pointers: ids
                .iter()
                .map(|id| Pointer {
                    id: *id,
                    path: None,
                    deleting: false,
                })
                .collect(),
        }))
    };
    let later = all.iter().position(|one| one.at > epoch).unwrap();
    let at = all[later].at;
    all.insert(
        later,
        Happening {
            at,
            event: map(&[353, 354]),
        },
    );
    let sent = all.iter().position(is_sent).unwrap() + 1;
    let at = all[sent].at;
    all.insert(
        sent,
        Happening {
            at,
            event: map(&[353, 354, 355]),
        },
    );
    let (_, result) = play("jm-crash", &all);
    let result = result.unwrap();
    assert_eq!(result.verdict, Verdict::Fail, "{}", story(&result));
}

/// With the API server away nobody sees whether another leader began.
#[test]
fn a_lost_watch_is_not_a_leader_that_stayed() {
    let mut all = recording(JM_CRASH);
    let sent = all.iter().find(|happening| is_sent(happening)).unwrap().at;
    all.retain(|happening| !(happening.at > sent && matches!(happening.event, Event::Map(_))));
    let (_, seen) = play("jm-crash", &all);
    assert_eq!(
        verdict(&seen.unwrap(), StatementName::Leadership),
        Verdict::Fail
    );
    let link = Link::Lost {
        since: sent,
        why: "connection refused".into(),
    };
    let place = all.iter().position(is_sent).unwrap() + 1;
    let at = all[place].at;
    all.insert(
        place,
        Happening {
            at,
            event: Event::Link {
                source: Source::Api,
                link,
            },
        },
    );
    let (_, lost) = play("jm-crash", &all);
    assert_eq!(
        verdict(&lost.unwrap(), StatementName::Leadership),
        Verdict::Unknown
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is lost of a good run, it never passes without all that a PASS needs.
    #[test]
    fn no_pass_without_evidence(seed in 0_u64..1_000_000, keep in 5_u64..95) {
        let mut all = recording(JM_CRASH);
        let mut n = seed | 1;
        all.retain(|_| {
            n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (n >> 33) % 100 < keep
        });
        prop_assume!(!all.is_empty());
        let (run, result) = play("jm-crash", &all);
        if let Some(result) = result && result.verdict == Verdict::Pass {
            prop_assert!(matches!(run.seen.hit, Some(Ok(_))));
            for name in [PhaseName::Sent, PhaseName::NewEpoch, PhaseName::JobRecovered, PhaseName::TasksRunning, PhaseName::NextCheckpoint] {
                prop_assert!(run.reached(name).is_some());
            }
            let ms = |name| run.reached(name).unwrap().ms;
            prop_assert!(ms(PhaseName::Sent) == 0);
            prop_assert!(ms(PhaseName::NewEpoch) <= ms(PhaseName::TasksRunning));
            prop_assert!(ms(PhaseName::JobRecovered) <= ms(PhaseName::TasksRunning));
        }
    }

    /// Events of several sources overtake each other; the verdict does not change.
    #[test]
    fn the_order_of_arrival_does_not_matter(seed in 0_u64..1_000_000) {
        let mut all = recording(JM_STOP_2);
        let mut n = seed | 1;
        let from = all.iter().position(is_sent).unwrap() + 1;
        for place in (from..all.len() - 1).step_by(2) {
            n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // One watch keeps its own order: only different sources are swapped.
            let same = std::mem::discriminant(&all[place].event) == std::mem::discriminant(&all[place + 1].event);
            if (n >> 33) % 2 == 0 && !same {
                all.swap(place, place + 1);
            }
        }
        let (_, result) = play("jm-stop", &all);
        prop_assert_eq!(result.unwrap().verdict, Verdict::Pass);
    }
}
