//! Health, pace, agreement and the slices behind them, told by events as the program is.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::update;
use flinklab_event::{
    Checkpoint, CheckpointStatus, CheckpointsSample, ClusterMap, DiskCheckpoint, DiskSample,
    FlinkSample, Happening, JobMap, JobRow, LeaderKey, Lock, MapChange, Pod, PodChange, PodPhase,
    Pointer, Restored, Tasks, Via,
};
use std::collections::BTreeMap;

mod needs;

const JOB: &str = "c506b6c20e4b7b1f8a3d5c6e7f809112";
const OTHER: &str = "d506b6c20e4b7b1f8a3d5c6e7f809113";

fn at(seconds: f64) -> Timestamp {
    let first: Timestamp = "2026-05-04T16:05:00Z".parse().unwrap();
    first + SignedDuration::from_secs_f64(seconds)
}

fn tell(model: &mut Model, seconds: f64, event: Event) -> Vec<Effect> {
    update(
        model,
        &Happening {
            at: at(seconds),
            event,
        },
    )
}

fn facts(job: &str) -> Event {
    Event::Lab(Box::new(crate::tests::lab_facts(job)))
}

fn pod(uid: &str, role: Role, ip: &str) -> Pod {
    Pod {
        uid: uid.into(),
        name: format!("pod-{uid}"),
        role,
        phase: PodPhase::Running,
        ready: true,
        restarts: 0,
        container: Some(format!("c-{uid}")),
        ip: Some(ip.into()),
        node: None,
        created: None,
        deleting: None,
        waiting: None,
        last_exit: None,
        detail: Box::default(),
    }
}

fn pods() -> Vec<Pod> {
    vec![
        pod("a", Role::JobManager, "10.0.0.1"),
        pod("b", Role::JobManager, "10.0.0.2"),
        pod("t", Role::TaskManager, "10.0.0.3"),
    ]
}

/// Epoch and host of rest server, resource manager, dispatcher and job.
fn map(holder: &str, renewed: f64, keys: [(&str, &str); 4]) -> Event {
    let job = format!("job-{JOB}");
    let components = ["restserver", "resourcemanager", "dispatcher", &job];
    let leaders: BTreeMap<String, LeaderKey> = components
        .into_iter()
        .zip(keys)
        .map(|(component, (epoch, host))| {
            let key = LeaderKey {
                epoch: epoch.into(),
                address: String::new(),
                host: host.into(),
            };
            (component.to_owned(), key)
        })
        .collect();
    Event::Map(MapChange::Cluster(ClusterMap {
        name: "lab-cluster-config-map".into(),
        version: "1".into(),
        lock: Some(Lock {
            holder: holder.into(),
            seconds: 15.0,
            acquired: at(0.0),
            renewed: at(renewed),
            transitions: 0,
        }),
        leaders,
        jobs: vec![JOB.into()],
        ..ClusterMap::default()
    }))
}

/// The same as a sample of four tasks, with a TaskManager whose heartbeat is so old.
fn heard_of(asked: f64, heartbeat: f64) -> Event {
    let Event::Flink(mut told) = sample(asked, 4, Some(completed(&[4], asked - 1.0))) else {
        unreachable!()
    };
    told.workers = Some(vec![flinklab_event::Worker {
        host: "10.0.0.3".into(),
        slots: 2,
        free: 0,
        heartbeat: Some(at(heartbeat)),
    }]);
    Event::Flink(told)
}

/// All tasks run, and yet the job is about to restart.
#[test]
fn a_taskmanager_that_is_not_heard_of_makes_a_lab_degraded() {
    let mut model = Model::default();
    tell(&mut model, 0.0, facts(JOB));
    tell(&mut model, 0.0, Event::Pods(PodChange::Listed(pods())));
    tell(&mut model, 0.0, map("h", 0.0, [A, A, A, A]));
    for second in 1..9 {
        tell(
            &mut model,
            f64::from(second),
            heard_of(f64::from(second), -5.0),
        );
    }
    assert!(model.healthy(), "{:?}", model.health());
    tell(&mut model, 9.0, map("h", 9.0, [A, A, A, A]));
    tell(&mut model, 16.0, heard_of(16.0, -5.0));
    let health = model.health();
    assert_eq!(health.word, Word::Degraded);
    assert_eq!(health.reason, "no heartbeat of pod-t for 21 s");
    let failure = flinklab_lab::failure::find("jm-crash").unwrap();
    assert_eq!(
        model.aim(failure).against,
        ["the lab is degraded, no heartbeat of pod-t for 21 s"]
    );
}

const A: (&str, &str) = ("e1", "10.0.0.1");
const B: (&str, &str) = ("e2", "10.0.0.2");

fn sample(asked: f64, running: u32, checkpoints: Option<CheckpointsSample>) -> Event {
    Event::Flink(FlinkSample {
        via: Via::PodProxy,
        pod: None,
        asked: at(asked),
        took_ms: 5,
        jobs: Ok(vec![JobRow {
            id: JOB.into(),
            name: "job".into(),
            state: "RUNNING".into(),
            tasks: Tasks { running, total: 4 },
            started: None,
        }]),
        checkpoints,
        workers: None,
        count: None,
    })
}

/// The job has ended so.
fn ended(asked: f64, state: &str) -> Event {
    let mut event = sample(asked, 0, None);
    if let Event::Flink(FlinkSample { jobs: Ok(rows), .. }) = &mut event {
        rows[0].state = state.into();
    }
    event
}

fn completed(ids: &[u64], first: f64) -> CheckpointsSample {
    let rows = ids.iter().zip(0..).map(|(id, n)| Checkpoint {
        id: *id,
        status: CheckpointStatus::Completed,
        triggered: Some(at(first + 2.0 * f64::from(n))),
        acknowledged: Some(at(first + 2.0 * f64::from(n) + 0.1)),
        duration_ms: Some(100),
        size: None,
        savepoint: false,
        path: None,
    });
    CheckpointsSample {
        job: JOB.into(),
        rows: rows.collect(),
        completed: ids.last().copied(),
        interval_ms: Some(2000),
        checkpointing: None,
        ..CheckpointsSample::default()
    }
}

fn disk(job: &str, ids: &[u64]) -> Event {
    Event::Disk(DiskSample {
        job: job.into(),
        checkpoints: ids
            .iter()
            .zip(0..)
            .map(|(id, n)| DiskCheckpoint {
                id: *id,
                complete: true,
                files: 1,
                bytes: 1,
                written: Some(at(f64::from(n))),
            })
            .collect(),
        ha_files: Vec::new(),
        ha_count: 0,
        more: false,
        shared: None,
        needed: 0,
        missing: Vec::new(),
    })
}

fn pointer(job: &str, ids: &[u64]) -> Event {
    Event::Map(MapChange::Job(JobMap {
        name: format!("lab-{job}-config-map"),
        job: job.into(),
        counter: None,
        pointers: ids
            .iter()
            .map(|id| Pointer {
                id: *id,
                path: None,
                deleting: false,
            })
            .collect(),
    }))
}

/// All is well, seen at second 0.
fn seen() -> Model {
    let mut model = Model::default();
    tell(&mut model, 0.0, facts(JOB));
    tell(&mut model, 0.0, Event::Pods(PodChange::Listed(pods())));
    tell(&mut model, 0.0, map("h1", 0.0, [A, A, A, A]));
    model
}

fn healthy() -> Model {
    let mut model = seen();
    for n in 0..6 {
        let seconds = f64::from(n) * 0.25;
        tell(&mut model, seconds, sample(seconds, 4, None));
    }
    assert!(model.healthy(), "{:?}", model.health());
    model
}

#[test]
fn health_is_five_good_samples_that_lie_apart() {
    let mut model = seen();
    for n in 0..20 {
        let seconds = f64::from(n) * 0.1;
        tell(&mut model, seconds, sample(seconds, 4, None));
        // 0.0 changes the signs and counts; then 0.3, 0.6, 0.9, 1.2.
        assert_eq!(model.healthy(), n >= 12, "sample {n}: {:?}", model.health());
    }
}

#[test]
fn a_pointer_tells_of_a_checkpoint_before_rest_does() {
    let mut model = seen();
    tell(&mut model, 0.0, pointer(JOB, &[6, 7]));
    assert_eq!(
        model.newest_completed(),
        None,
        "no checkpoint REST knows of"
    );
    tell(
        &mut model,
        1.0,
        sample(1.0, 4, Some(completed(&[6, 7], -2.0))),
    );
    assert_eq!(model.newest_completed(), Some((7, Some(at(0.1)))));
    tell(&mut model, 2.2, pointer(JOB, &[6, 7, 8]));
    assert_eq!(model.newest_completed(), Some((8, Some(at(2.2)))));
    let newer = completed(&[6, 7, 8, 9], -2.0);
    tell(&mut model, 5.0, sample(5.0, 4, Some(newer)));
    assert_eq!(model.newest_completed(), Some((9, Some(at(4.1)))));
}

#[test]
fn trouble_is_asked_about_often_until_it_is_over() {
    let mut model = seen();
    assert_eq!(
        model.pace,
        PollMode::Trouble,
        "the first look is in a hurry"
    );
    let mut model2 = healthy();
    assert_eq!(model2.pace, PollMode::Calm);
    let mut changed = pods();
    changed[2].restarts = 1;
    let effects = tell(
        &mut model2,
        3.0,
        Event::Pods(PodChange::Applied(changed[2].clone())),
    );
    assert_eq!(effects, [Effect::PollMode(PollMode::Trouble)]);
    assert!(!model2.healthy());
    for n in 1..=5 {
        let seconds = 3.0 + f64::from(n) * 0.25;
        let effects = tell(&mut model2, seconds, sample(seconds, 4, None));
        match n {
            5 => assert_eq!(effects, [Effect::PollMode(PollMode::Calm)]),
            _ => assert_eq!(effects, []),
        }
    }
    // Trouble that does not change any more is not asked about for ever.
    tell(&mut model, 1.0, sample(1.0, 2, None));
    assert_eq!(model.pace, PollMode::Trouble);
    tell(&mut model, 400.0, Event::Tick);
    tell(&mut model, 800.0, Event::Tick);
    assert_eq!(model.pace, PollMode::Calm);
    assert!(!model.healthy());
}

#[test]
fn every_kind_of_trouble_has_its_word() {
    let mut model = healthy();
    tell(&mut model, 2.0, sample(2.0, 2, None));
    assert_eq!(model.health().word, Word::Recovering);
    assert_eq!(model.health().reason, "RUNNING, 2 of 4 tasks running");
    tell(&mut model, 2.5, ended(2.5, "FINISHED"));
    let health = model.health();
    assert_eq!(
        (health.word, health.reason.as_str()),
        (Word::NoJob, "the job is FINISHED")
    );
    tell(&mut model, 16.0, sample(16.0, 4, None));
    assert_eq!(model.health().reason, "the lease ran out 1.0 s ago");
    tell(&mut model, 16.1, map("", 16.0, [A, A, A, A]));
    assert_eq!(model.health().reason, "the lock was released");
    let lost = Link::Lost {
        since: at(17.0),
        why: "refused".into(),
    };
    tell(
        &mut model,
        19.0,
        Event::Link {
            source: Source::Api,
            link: lost,
        },
    );
    assert_eq!(model.health().reason, "API server lost for 2 s: refused");
    assert_eq!(Model::default().health().word, Word::NoLab);
}

#[test]
fn nobody_leads_while_the_keys_are_half_written() {
    let mut model = seen();
    let leader = |model: &Model| model.cluster.leader().map(|pod| pod.uid.clone());
    assert_eq!(leader(&model).as_deref(), Some("a"));
    // The new holder has the lock, the addresses are still the old ones.
    tell(&mut model, 20.0, map("h2", 20.0, [A, A, A, A]));
    assert_eq!(leader(&model), None);
    assert_eq!(model.cluster.epochs.len(), 1);
    tell(&mut model, 20.1, map("h2", 20.0, [B, A, A, A]));
    assert_eq!(leader(&model), None);
    assert_eq!(model.cluster.epoch().unwrap().began, at(20.1));
    assert_eq!(model.cluster.epoch().unwrap().pod, None);
    tell(&mut model, 20.4, map("h2", 20.0, [B, B, B, A]));
    assert_eq!(leader(&model).as_deref(), Some("b"));
    let epoch = model.cluster.epoch().unwrap();
    assert_eq!((epoch.number, epoch.pod.as_deref()), (2, Some("pod-b")));
    assert_eq!((epoch.began, epoch.wrote), (at(20.1), at(20.4)));
    // The old one, thawed, writes once more: that is seen, and makes no new epoch.
    tell(&mut model, 21.0, map("h2", 20.0, [B, B, A, A]));
    assert_eq!(model.cluster.epochs[0].wrote, at(21.0));
    assert_eq!(model.cluster.epochs.len(), 2);
    assert_eq!(leader(&model), None);
}

#[test]
fn a_new_epoch_of_the_same_process_and_a_half_written_first_look() {
    let mut model = seen();
    tell(&mut model, 5.0, map("h1", 5.0, [("e3", "10.0.0.1"); 4]));
    assert_eq!(model.cluster.leader().unwrap().uid, "a");
    assert_eq!(model.cluster.epoch().unwrap().number, 2);
    let mut model = Model::default();
    tell(
        &mut model,
        0.0,
        map("h2", 0.0, [B, B, A, ("own", "10.0.0.1")]),
    );
    let ids: Vec<&str> = model
        .cluster
        .epochs
        .iter()
        .map(|epoch| epoch.id.as_str())
        .collect();
    assert_eq!(
        ids,
        ["e1", "e2"],
        "a job's own session is no epoch, the last written is the oldest"
    );
}

#[test]
fn history_survives_the_leader() {
    let mut model = seen();
    tell(
        &mut model,
        7.0,
        sample(7.0, 4, Some(completed(&[1, 2, 3], 1.0))),
    );
    assert_eq!(model.job.newest().unwrap().id, 3);
    // The new leader's memory is empty but for the restore.
    let restored = Restored {
        id: 3,
        at: at(20.0),
        savepoint: false,
        path: None,
    };
    let mut empty = completed(&[], 0.0);
    empty.restored = Some(restored.clone());
    tell(&mut model, 20.5, sample(20.5, 4, Some(empty.clone())));
    tell(&mut model, 21.0, sample(21.0, 4, Some(empty)));
    assert_eq!(model.job.checkpoints.len(), 3);
    assert_eq!(model.job.newest, Some(3));
    assert_eq!(model.job.restores, [restored]);
    let mut next = completed(&[4], 22.0);
    next.restored = model.job.restores.first().cloned();
    tell(&mut model, 23.0, sample(23.0, 4, Some(next)));
    assert_eq!(model.job.newest, Some(4));
    assert_eq!(model.job.restores.len(), 1);
}

#[test]
fn a_job_that_lost_its_pointers_begins_again_from_one() {
    let mut model = seen();
    tell(
        &mut model,
        60.0,
        sample(60.0, 4, Some(completed(&[56, 57], 56.0))),
    );
    tell(
        &mut model,
        80.0,
        sample(80.0, 4, Some(completed(&[1], 79.0))),
    );
    assert_eq!(model.job.newest, Some(1));
    let mut again = completed(&[57], 200.0);
    again.rows[0].status = CheckpointStatus::InProgress;
    again.completed = None;
    tell(&mut model, 201.0, sample(201.0, 4, Some(again)));
    assert_eq!(
        model.job.checkpoints[&57].status,
        CheckpointStatus::InProgress
    );
}

#[test]
fn ids_of_two_jobs_are_never_mixed() {
    let mut model = seen();
    tell(
        &mut model,
        7.0,
        sample(7.0, 4, Some(completed(&[1, 2, 3], 1.0))),
    );
    tell(&mut model, 7.0, pointer(OTHER, &[9]));
    assert_eq!(model.cluster.job_map, None);
    tell(&mut model, 7.0, pointer(JOB, &[3]));
    tell(&mut model, 7.0, disk(JOB, &[3]));
    assert_eq!(model.cluster.job_map.as_ref().unwrap().1.job, JOB);
    tell(&mut model, 8.0, facts(OTHER));
    assert_eq!(model.cluster.job_map.as_ref().unwrap().1.job, OTHER);
    assert!(model.job.checkpoints.is_empty() && model.job.disk.is_none());
    // Answers that were on their way.
    tell(&mut model, 8.1, sample(8.1, 4, Some(completed(&[4], 7.0))));
    tell(&mut model, 8.1, disk(JOB, &[4]));
    assert!(model.job.checkpoints.is_empty() && model.job.disk.is_none());
    assert_eq!(model.health().word, Word::NoJob);
}

#[test]
fn witnesses_disagree_only_after_a_whole_interval() {
    let mut model = seen();
    tell(
        &mut model,
        7.0,
        sample(7.0, 4, Some(completed(&[1, 2, 3], 1.0))),
    );
    tell(&mut model, 7.0, pointer(JOB, &[1, 2, 3]));
    tell(&mut model, 7.0, disk(JOB, &[1, 2, 3]));
    assert!(model.agree());
    assert_eq!(
        model.witnesses().disk,
        Witness {
            id: Some(3),
            current: true
        }
    );
    // Pointer and disk go on, REST stays behind.
    for (n, seconds) in [(4, 8.0), (5, 8.9), (6, 9.8)] {
        tell(&mut model, seconds, pointer(JOB, &[n]));
        tell(&mut model, seconds, disk(JOB, &[n]));
        assert!(model.agree(), "{seconds}");
    }
    tell(&mut model, 10.0, Event::Tick);
    assert!(!model.agree());
    // Of a job that has ended, what is kept and what would be restored may differ.
    let mut after = model.clone();
    tell(&mut after, 10.0, ended(10.0, "CANCELED"));
    tell(&mut after, 20.0, Event::Tick);
    assert!(after.agree());
    // Always one behind, but never for long: that is agreement.
    tell(
        &mut model,
        10.1,
        sample(10.1, 4, Some(completed(&[4, 5], 7.0))),
    );
    assert!(model.agree());
    tell(&mut model, 11.0, pointer(JOB, &[7]));
    tell(
        &mut model,
        11.1,
        sample(11.1, 4, Some(completed(&[6], 7.0))),
    );
    assert!(model.agree());
    // A source that is away does not contradict.
    let link = Link::Lost {
        since: at(12.0),
        why: String::new(),
    };
    tell(
        &mut model,
        30.0,
        Event::Link {
            source: Source::Api,
            link,
        },
    );
    tell(
        &mut model,
        30.0,
        Event::Link {
            source: Source::Flink,
            link: Link::Lost {
                since: at(12.0),
                why: String::new(),
            },
        },
    );
    assert!(model.agree());
}

#[test]
fn what_was_seen_goes_with_its_lab() {
    let mut model = healthy();
    tell(&mut model, 5.0, facts(JOB));
    assert!(model.cluster.listed, "the same lab, told again");
    let name = "flinklab".to_owned();
    tell(&mut model, 6.0, Event::NoLab { name });
    assert!(!model.cluster.listed && model.cluster.epochs.is_empty());
    assert_eq!(model.health().word, Word::NoLab);
    tell(&mut model, 7.0, facts(JOB));
    assert_eq!(model.health().word, Word::Unknown);
    assert_eq!(model.pace, PollMode::Trouble);
}

#[test]
fn a_lab_that_is_asked_seldom_does_not_flap_between_two_answers() {
    for (calm_ms, word) in [(1_000, Word::Unknown), (20_000, Word::Healthy)] {
        let mut model = healthy();
        model.calm = Some(std::time::Duration::from_millis(calm_ms));
        tell(&mut model, 10.0, map("h1", 10.0, [A, A, A, A]));
        tell(&mut model, 20.0, Event::Tick);
        assert_eq!(model.health().word, word, "{:?}", model.health());
    }
}
