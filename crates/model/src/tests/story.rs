//! Runs told second by second: what must be seen for each of the statements that every lab has, and
//! what looks good and is not. The recordings of a real cluster are in `recorded`, the statement
//! that only some labs have in `exact`.

#![allow(clippy::unwrap_used)]

mod application;
mod operated;

use crate::*;
use flinklab_event::{
    Checkpoint, CheckpointStatus, CheckpointsSample, ClusterMap, DiskCheckpoint, DiskSample, Event,
    FlinkSample, Happening, JobMap, JobRow, LeaderKey, LeaseEnd, Lock, MapChange, Pod, PodChange,
    PodPhase, Pointer, Restored, RunEventKind, Tasks, Via, Worker,
};
use flinklab_lab::failure::{
    Counted, Failure, Hits, Leadership, Restarts, Restore, Role, Seconds, StatementName, Verdict,
    find,
};
use flinklab_verb::verbs::{CUT_OFF, DELETE_POINTERS, FORBID_PATCH, FREEZE, KILL, STOP_API_SERVER};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

pub(super) const JOB: &str = "fef4a397879c16aa52a242d081f177d6";

/// A moment: seconds after the break.
pub(super) fn at(second: f64) -> Timestamp {
    let sent: Timestamp = "2026-11-24T22:00:00Z".parse().unwrap();
    sent + SignedDuration::from_secs_f64(second)
}

fn pod(name: &str, role: Role, ip: &str) -> Pod {
    Pod {
        uid: format!("uid-{name}"),
        name: name.into(),
        role,
        phase: PodPhase::Running,
        ready: true,
        restarts: 0,
        container: Some(format!("container-{name}")),
        ip: Some(ip.into()),
        node: Some("flinklab-control-plane".into()),
        created: None,
        deleting: None,
        waiting: None,
        last_exit: None,
        detail: Box::default(),
    }
}

pub(super) fn pods() -> Vec<Pod> {
    vec![
        pod("jm-a", Role::JobManager, "10.0.0.1"),
        pod("jm-b", Role::JobManager, "10.0.0.2"),
        pod("tm-a", Role::TaskManager, "10.0.0.3"),
        pod("tm-b", Role::TaskManager, "10.0.0.4"),
    ]
}

/// The leader keys of an epoch and its lock.
pub(super) fn map(epoch: &str, host: &str, renewed: f64) -> Event {
    let key = LeaderKey {
        epoch: epoch.into(),
        address: String::new(),
        host: host.into(),
    };
    let job = format!("job-{JOB}");
    let components = ["dispatcher", "resourcemanager", "restserver", &job];
    Event::Map(MapChange::Cluster(ClusterMap {
        name: "flinklab-cluster-config-map".into(),
        lock: Some(Lock {
            holder: format!("holder-{host}"),
            seconds: 15.0,
            acquired: at(-100.0),
            renewed: at(renewed),
            transitions: 0,
        }),
        leaders: components
            .iter()
            .map(|name| ((*name).into(), key.clone()))
            .collect(),
        jobs: vec![JOB.into()],
        ..ClusterMap::default()
    }))
}

pub(super) fn pointer(id: u64) -> Event {
    pointers(&[id])
}

fn pointers(ids: &[u64]) -> Event {
    let pointers = ids.iter().map(|id| Pointer {
        id: *id,
        path: Some(format!("file:/flink-shared/ha/flinklab/completed{id}")),
        deleting: false,
    });
    Event::Map(MapChange::Job(JobMap {
        name: format!("flinklab-{JOB}-config-map"),
        job: JOB.into(),
        counter: ids.iter().max().map(|id| id + 1),
        pointers: pointers.collect(),
    }))
}

pub(super) fn files(id: u64) -> Event {
    Event::Disk(DiskSample {
        job: JOB.into(),
        checkpoints: vec![DiskCheckpoint {
            id,
            complete: true,
            files: 1,
            bytes: 1,
            written: None,
        }],
        ha_files: vec![format!("completed{id}")],
        ha_count: 0,
        more: false,
        shared: None,
        needed: 0,
        missing: Vec::new(),
    })
}

/// An answer of REST: tasks that run, the newest checkpoint, and the restore it knows of.
pub(super) fn rest(second: f64, running: u32, done: u64, restored: Option<(u64, f64)>) -> Event {
    Event::Flink(FlinkSample {
        via: Via::PodProxy,
        pod: None,
        asked: at(second - 0.05),
        took_ms: 20,
        jobs: Ok(vec![JobRow {
            id: JOB.into(),
            name: "job".into(),
            state: "RUNNING".into(),
            tasks: Tasks { running, total: 4 },
            started: None,
        }]),
        checkpoints: Some(CheckpointsSample {
            job: JOB.into(),
            rows: vec![Checkpoint {
                id: done,
                status: CheckpointStatus::Completed,
                triggered: Some(at(second - 0.3)),
                acknowledged: Some(at(second - 0.2)),
                duration_ms: Some(70),
                size: None,
                savepoint: false,
                path: None,
            }],
            completed: Some(done),
            restored: restored.map(|(id, second)| Restored {
                id,
                at: at(second),
                savepoint: false,
                path: None,
            }),
            interval_ms: Some(2000),
            ..CheckpointsSample::default()
        }),
        workers: Some(vec![
            Worker {
                host: "10.0.0.3".into(),
                slots: 2,
                free: 0,
                heartbeat: None,
            },
            Worker {
                host: "10.0.0.4".into(),
                slots: 2,
                free: 0,
                heartbeat: None,
            },
        ]),
        count: None,
    })
}

/// Entries as the catalogue has them, in the words that the judge reads.
fn failure(key: &str) -> Failure {
    let mut it = find("jm-crash").unwrap().clone();
    it.key = key.to_owned().into();
    match key {
        "jm-crash" => {}
        "standby-stop" => it = find(key).unwrap().clone(),
        "pointer-lost" => {
            it.steps = vec![DELETE_POINTERS, KILL].into();
            it.expect.fails = vec![StatementName::Restored, StatementName::IdsGrow].into();
        }
        timed => {
            let (hits, step, lasts) = match timed {
                "jm-freeze" => (Hits::Leader, FREEZE, 35),
                "jm-partition" => (Hits::Leader, CUT_OFF, 35),
                "rbac-loss" => (Hits::Role, FORBID_PATCH, 45),
                "api-outage" => (Hits::ApiServer, STOP_API_SERVER, 40),
                other => panic!("{other} is not told here"),
            };
            it.hits = hits;
            it.steps = vec![step].into();
            it.lasts = Some(Seconds(lasts));
            it.expect.restarts = Restarts::None;
        }
    }
    match key {
        "rbac-loss" => it.expect.fails = vec![StatementName::OneLeader].into(),
        "api-outage" => {
            it.expect.leadership = Leadership::MayMove;
            it.expect.restore = Restore::IfMoved;
            it.expect.counted = Counted::Undone;
        }
        _ => {}
    }
    it
}

/// A run that is told.
pub(super) struct Story {
    pub(super) run: Run,
    pub(super) now: f64,
    /// When each checkpoint was triggered and acknowledged: that does not change with the asking.
    stamps: BTreeMap<u64, (Option<Timestamp>, Option<Timestamp>)>,
    /// When each holder took the lock.
    acquired: BTreeMap<String, Timestamp>,
}

impl Story {
    pub(super) fn of(key: &str) -> Self {
        Self::of_pods(failure(key), pods())
    }

    pub(super) fn of_pods(failure: Failure, pods: Vec<Pod>) -> Self {
        let mut model = Model::default();
        let facts = crate::tests::lab_facts(JOB);
        for event in [
            Event::Lab(Box::new(facts)),
            Event::Pods(PodChange::Listed(pods)),
            map("one", "10.0.0.1", -1.0),
            pointer(10),
            files(10),
            rest(-0.6, 4, 10, None),
        ] {
            update(
                &mut model,
                &Happening {
                    at: at(-0.5),
                    event,
                },
            );
        }
        Self::begun(failure, &model)
    }

    fn begun(failure: Failure, model: &Model) -> Self {
        let target = model.aim(&failure).target.unwrap();
        let order = model.order(&failure, target);
        let mut story = Self {
            run: Run::begin(order, model),
            now: -0.5,
            acquired: BTreeMap::from([("holder-10.0.0.1".to_owned(), at(-100.0))]),
            stamps: BTreeMap::from([(10, (Some(at(-0.9)), Some(at(-0.8))))]),
        };
        story.hand(
            0.0,
            RunEventKind::Sent {
                at: at(0.0),
                observer: "clock".into(),
                resolution_ms: 1,
            },
        );
        story.hand(0.1, RunEventKind::Hit(Ok("seen".into())));
        story
    }

    /// Something happens; the clock ticks until then.
    pub(super) fn tell(&mut self, second: f64, mut event: Event) -> &mut Self {
        if let Event::Flink(sample) = &mut event {
            for row in sample
                .checkpoints
                .iter_mut()
                .flat_map(|seen| &mut seen.rows)
            {
                let own = (row.triggered, row.acknowledged);
                (row.triggered, row.acknowledged) = *self.stamps.entry(row.id).or_insert(own);
            }
        }
        if let Event::Map(MapChange::Cluster(map)) = &mut event
            && let Some(lock) = &mut map.lock
        {
            let first = self.acquired.entry(lock.holder.clone());
            lock.acquired = *first.or_insert(lock.renewed);
        }
        while second - self.now > 1.0 {
            self.now += 1.0;
            self.run.observe(&Happening {
                at: at(self.now),
                event: Event::Tick,
            });
        }
        self.now = second;
        self.run.observe(&Happening {
            at: at(second),
            event,
        });
        self
    }

    pub(super) fn hand(&mut self, second: f64, event: RunEventKind) -> &mut Self {
        self.tell(second, event.of(&self.run.order.run.clone()))
    }

    pub(super) fn undone(&mut self, second: f64) -> &mut Self {
        self.hand(
            second,
            RunEventKind::Undone {
                at: at(second),
                observer: "clock".into(),
                resolution_ms: 1,
                early: None,
            },
        )
    }

    /// Renewals every five seconds, as a living leader does.
    pub(super) fn leads(&mut self, epoch: &str, host: &str, from: f64, to: f64) -> &mut Self {
        let mut second = from;
        while second < to {
            self.tell(second, map(epoch, host, second));
            second += 5.0;
        }
        self
    }

    /// A checkpoint with pointer, files and an answer of REST.
    pub(super) fn checkpoint(
        &mut self,
        second: f64,
        id: u64,
        restored: Option<(u64, f64)>,
    ) -> &mut Self {
        self.tell(second, pointer(id));
        self.tell(second + 0.1, files(id));
        self.tell(second + 0.2, rest(second + 0.2, 4, id, restored))
    }

    pub(super) fn restarts(&mut self, second: f64, name: &str) -> &mut Self {
        let mut pod = pods().into_iter().find(|pod| pod.name == name).unwrap();
        pod.restarts = 1;
        pod.container = Some("another".into());
        self.tell(second, Event::Pods(PodChange::Applied(pod)))
    }

    pub(super) fn result(&mut self) -> RunResult {
        loop {
            if let Some(result) = judge(&self.run, at(self.now), Origin::Recorded) {
                return result;
            }
            assert!(self.now < 2000.0, "it never ends");
            let next = self.now + 1.0;
            self.tell(next, Event::Tick);
        }
    }
}

pub(super) fn of(result: &RunResult, name: StatementName) -> (Verdict, String) {
    let found = result.statements.iter().find(|it| it.name == name).unwrap();
    (found.verdict, found.evidence.clone())
}

/// A leader is killed at 0, another one leads at 16, and all is well at 20.
pub(super) fn crash() -> Story {
    let mut story = Story::of("jm-crash");
    let gone = RunEventKind::Gone {
        at: at(0.05),
        observer: "runtime".into(),
        resolution_ms: 1,
    };
    story.hand(0.2, gone);
    story.restarts(3.0, "jm-a");
    story.tell(16.0, map("two", "10.0.0.2", 16.0));
    story.tell(18.0, rest(18.0, 4, 10, Some((10, 17.0))));
    story
}

#[test]
fn a_crash_has_nine_good_statements() {
    let mut story = crash();
    let result = story
        .checkpoint(20.0, 11, Some((10, 17.0)))
        .tell(21.0, map("two", "10.0.0.2", 21.0))
        .result();
    let text: String = result
        .statements
        .iter()
        .map(|it| format!("{:?} {}: {}\n", it.name, it.verdict, it.evidence))
        .collect();
    insta::assert_snapshot!(text, @r"
    Hit PASS: seen
    Leadership PASS: epoch one ended, two began
    OneLeader PASS: two epochs, and none wrote after the other's start
    SameJob PASS: job fef4a397 runs again
    Restored PASS: checkpoint 10 was restored, the newest completed before it was 10
    IdsGrow PASS: checkpoint 11 completed after checkpoint 10
    Pointer PASS: the pointer names checkpoint 11; chk-11/_metadata and completed11 are there
    Restarts PASS: jm-a restarted once; 4 of 4 slots
    InTime PASS: all tasks after 18.0 s, budget 60 s
    ");
    assert_eq!(result.verdict, Verdict::Pass);
    assert_eq!(result.record.lease, Some(LeaseEnd::RanOut));
}

#[test]
fn an_old_leader_that_writes_after_the_new_one_began_makes_two() {
    let mut story = crash();
    story.tell(18.5, map("one", "10.0.0.1", 18.5));
    story.tell(18.6, map("two", "10.0.0.2", 18.6));
    let result = story
        .checkpoint(20.0, 11, Some((10, 17.0)))
        .tell(21.0, map("two", "10.0.0.2", 21.0))
        .result();
    let (verdict, words) = of(&result, StatementName::OneLeader);
    assert_eq!(verdict, Verdict::Fail, "{words}");
    assert_eq!(result.verdict, Verdict::Fail);
}

#[test]
fn a_pointer_to_a_file_that_is_not_there_is_no_pointer() {
    let mut story = crash();
    let (mut second, mut id) = (20.2, 11);
    // Every checkpoint moves the pointers on: the newest one is never old enough to be held against
    // anybody, and those that are kept beside it are.
    while second < 100.0 {
        let kept: Vec<u64> = (11.max(id - 2)..=id).collect();
        story.tell(second, pointers(&kept));
        story.tell(second, rest(second, 4, id, Some((10, 17.0))));
        story.tell(second + 0.1, files(9));
        id += 1;
        story.tell(second + 0.2, map("two", "10.0.0.2", second));
        second += 2.0;
    }
    let result = story.result();
    let (verdict, words) = of(&result, StatementName::Pointer);
    assert_eq!(verdict, Verdict::Fail, "{words}");
    assert_eq!(of(&result, StatementName::Restored).0, Verdict::Pass);
}

#[test]
fn a_restart_of_somebody_else_does_not_go_unnoticed() {
    let mut story = crash();
    story.restarts(10.0, "tm-b");
    let result = story
        .checkpoint(20.0, 11, Some((10, 17.0)))
        .tell(21.0, map("two", "10.0.0.2", 21.0))
        .result();
    let (verdict, words) = of(&result, StatementName::Restarts);
    assert_eq!(verdict, Verdict::Fail);
    assert!(words.contains("tm-b"), "{words}");
}

#[test]
fn a_clock_that_jumped_proves_nothing_not_even_a_failure() {
    let mut story = crash();
    story.now += 60.0;
    story.run.observe(&Happening {
        at: at(story.now),
        event: map("one", "10.0.0.1", 18.5),
    });
    let result = story.result();
    assert_eq!(result.verdict, Verdict::Inconclusive);
    let (verdict, words) = of(&result, StatementName::InTime);
    assert_eq!(verdict, Verdict::Unknown);
    assert!(words.contains("clock"), "{words}");
}

/// What a watch stamped waits in the queue while a frame is drawn; the tick behind it is newer.
#[test]
fn an_event_that_waited_in_the_queue_is_no_clock_that_was_set_back() {
    let mut story = crash();
    story.tell(19.0, Event::Tick);
    story.tell(17.2, map("two", "10.0.0.2", 17.2));
    let result = story
        .checkpoint(23.0, 11, Some((10, 17.0)))
        .tell(24.0, map("two", "10.0.0.2", 21.0))
        .result();
    let (_, words) = of(&result, StatementName::InTime);
    assert!(!words.contains("clock"), "{words}");
    let mut back = crash();
    back.tell(19.0, Event::Tick).tell(17.2, Event::Tick);
    let result = back
        .checkpoint(23.0, 11, Some((10, 17.0)))
        .tell(24.0, map("two", "10.0.0.2", 21.0))
        .result();
    let (verdict, words) = of(&result, StatementName::InTime);
    assert_eq!(verdict, Verdict::Unknown, "{words}");
    assert!(words.contains("clock"), "{words}");
}

/// Two witnesses of one checkpoint may be apart for longer than two checkpoints are: on a busy
/// machine a pointer is seen after the next checkpoint was acknowledged.
#[test]
fn a_pointer_that_is_seen_late_does_not_turn_ids_around() {
    let mut story = crash();
    story.tell(20.0, rest(20.0, 4, 11, Some((10, 17.0))));
    story.tell(20.3, rest(20.3, 4, 12, Some((10, 17.0))));
    story.tell(20.5, pointers(&[11]));
    story.tell(20.7, pointers(&[11, 12]));
    story.tell(20.8, files(12));
    let result = story.tell(21.0, map("two", "10.0.0.2", 21.0)).result();
    let (verdict, words) = of(&result, StatementName::IdsGrow);
    assert_eq!(verdict, Verdict::Pass, "{words}");
}

/// Three seconds are enough to make every figure wrong, and too few to be missed as silence.
#[test]
fn a_clock_that_was_set_by_a_little_proves_nothing_either() {
    let mut story = crash();
    let (from, to) = (at(18.5), at(21.5));
    story.tell(21.5, Event::Jumped { from, to });
    let result = story
        .checkpoint(23.0, 11, Some((10, 17.0)))
        .tell(24.0, map("two", "10.0.0.2", 21.0))
        .result();
    assert_eq!(result.verdict, Verdict::Inconclusive);
    let (_, words) = of(&result, StatementName::InTime);
    assert!(words.contains("jumped by 3 s"), "{words}");
}

/// The leader lives, the API server answers, and nobody renews.
#[test]
fn a_lease_that_its_living_leader_does_not_renew_is_no_leadership() {
    let mut story = Story::of("rbac-loss");
    story.tell(16.0, map("two", "10.0.0.1", -1.0));
    story.tell(18.0, rest(18.0, 4, 10, Some((10, 17.0))));
    story.checkpoint(20.0, 11, Some((10, 17.0)));
    story.undone(45.0);
    story.tell(50.0, map("two", "10.0.0.1", 50.0));
    let result = story
        .checkpoint(52.0, 12, Some((10, 17.0)))
        .tell(55.0, map("two", "10.0.0.1", 55.0))
        .result();
    let (verdict, words) = of(&result, StatementName::OneLeader);
    assert_eq!(verdict, Verdict::Fail, "{words}");
    for name in [
        StatementName::SameJob,
        StatementName::Restored,
        StatementName::Leadership,
    ] {
        assert_eq!(of(&result, name).0, Verdict::Pass, "{name:?}");
    }
    assert_eq!(result.expected, Verdict::Fail);
}

/// A leader that is stopped, or cut off, cannot renew: its lease runs out in order.
#[test]
fn a_lease_that_cannot_be_renewed_is_not_held_against_its_leader() {
    for key in ["jm-freeze", "jm-partition"] {
        let mut story = Story::of(key);
        story.tell(18.0, map("two", "10.0.0.2", 18.0));
        story.tell(20.0, rest(20.0, 4, 10, Some((10, 19.0))));
        story.checkpoint(22.0, 11, Some((10, 19.0)));
        story.leads("two", "10.0.0.2", 23.0, 34.0);
        story.undone(35.0);
        // The thawed one disturbs the job once more.
        story.tell(37.0, rest(37.0, 4, 11, Some((11, 36.5))));
        story.leads("two", "10.0.0.2", 38.0, 40.0);
        story.checkpoint(42.0, 13, Some((11, 36.5)));
        story.tell(43.0, map("two", "10.0.0.2", 43.0));
        // After a cut, heartbeats that were lost may be noticed for a minute: it is not over yet.
        if key == "jm-partition" {
            assert!(judge(&story.run, at(43.0), Origin::Real).is_none());
            story.leads("two", "10.0.0.2", 48.0, 95.0);
            story.checkpoint(96.0, 40, Some((11, 36.5)));
            story.tell(97.0, map("two", "10.0.0.2", 97.0));
        }
        let result = story.result();
        assert_eq!(
            result.verdict,
            Verdict::Pass,
            "{key}: {:#?}",
            result.statements
        );
        let (_, words) = of(&result, StatementName::Restarts);
        assert!(words.contains("echo"), "{words}");
    }
}

/// Seen on a real cluster: 45 s after the cut was healed, the new leader dropped both TaskManagers,
/// whose heartbeats it had missed. A run that had ended would have left that to the next one.
#[test]
fn the_aftershock_of_a_cut_belongs_to_its_run() {
    let mut story = Story::of("jm-partition");
    story.tell(18.0, map("two", "10.0.0.2", 18.0));
    story.tell(20.0, rest(20.0, 4, 10, Some((10, 19.0))));
    story.checkpoint(22.0, 11, Some((10, 19.0)));
    story.leads("two", "10.0.0.2", 23.0, 34.0);
    story.undone(35.0);
    story.checkpoint(40.0, 20, Some((10, 19.0)));
    story.leads("two", "10.0.0.2", 40.5, 79.0);
    assert!(judge(&story.run, at(79.0), Origin::Real).is_none());
    let waits = super::budget::waits(&story, 79.0);
    assert_eq!(waits, "watching for the aftershock: 16 s");
    story.tell(80.0, rest(80.0, 0, 20, Some((10, 19.0))));
    story.tell(84.0, rest(84.0, 4, 20, Some((20, 83.0))));
    story.checkpoint(86.0, 21, Some((20, 83.0)));
    story.leads("two", "10.0.0.2", 86.5, 95.0);
    story.checkpoint(96.0, 26, Some((20, 83.0)));
    let result = story.tell(97.0, map("two", "10.0.0.2", 97.0)).result();
    assert_eq!(result.verdict, Verdict::Pass, "{:#?}", result.statements);
    assert_eq!(
        result.recovery_ms,
        Some(20_000),
        "the first recovery counts"
    );
    let (_, words) = of(&result, StatementName::Restarts);
    assert!(words.contains("once more after the undo (echo)"), "{words}");
}

/// The stamp is that of the first act. Up to 10 s later the leader may be stopped, and only its
/// heir's renewal shows that somebody leads who may renew.
#[test]
fn a_right_put_back_is_over_when_the_leader_that_stays_has_renewed() {
    let mut story = Story::of("rbac-loss");
    story.tell(16.0, map("two", "10.0.0.1", -1.0));
    story.tell(18.0, rest(18.0, 4, 10, Some((10, 17.0))));
    story.checkpoint(20.0, 11, Some((10, 17.0)));
    story.hand(
        55.0,
        RunEventKind::Undone {
            at: at(45.0),
            observer: "clock".into(),
            resolution_ms: 1,
            early: None,
        },
    );
    story.checkpoint(56.0, 29, Some((10, 17.0)));
    assert!(judge(&story.run, at(57.0), Origin::Real).is_none());
    let waits = super::budget::waits(&story, 57.0);
    assert!(waits.contains("until the leader renews"), "{waits}");
    story.tell(72.0, map("three", "10.0.0.2", 72.0));
    assert!(judge(&story.run, at(72.0), Origin::Real).is_none());
    story.tell(74.0, rest(74.0, 4, 29, Some((29, 73.0))));
    story.checkpoint(76.0, 30, Some((29, 73.0)));
    story.tell(77.0, map("three", "10.0.0.2", 77.0));
    story.checkpoint(78.0, 31, Some((29, 73.0)));
    let result = story.tell(79.0, map("three", "10.0.0.2", 79.0)).result();
    assert!(story.now < 80.0, "no longer than it takes: {}", story.now);
    let (_, words) = of(&result, StatementName::Restored);
    assert!(words.contains("2 restores in all"), "{words}");
}

/// Nothing can be proven any more: the lab is free again at once.
#[test]
fn a_run_that_was_healed_is_judged_at_once() {
    let mut story = Story::of("jm-freeze");
    story.hand(
        10.0,
        RunEventKind::Undone {
            at: at(10.0),
            observer: "clock".into(),
            resolution_ms: 1,
            early: Some("healed from outside".into()),
        },
    );
    let result = judge(&story.run, at(10.0), Origin::Real).unwrap();
    assert_eq!(result.verdict, Verdict::Inconclusive);
}

#[test]
fn a_failure_that_stays_applied_is_not_judged_before_its_undo() {
    let mut story = Story::of("jm-freeze");
    story.tell(18.0, map("two", "10.0.0.2", 18.0));
    story.tell(20.0, rest(20.0, 4, 10, Some((10, 19.0))));
    story.checkpoint(22.0, 11, Some((10, 19.0)));
    story.tell(23.0, map("two", "10.0.0.2", 23.0));
    assert!(judge(&story.run, at(23.0), Origin::Real).is_none());
}

/// Nothing can be written for a while; then the same leader goes on.
#[test]
fn without_an_api_server_nobody_could_renew() {
    let mut story = Story::of("api-outage");
    let lost = Link::Lost {
        since: at(2.0),
        why: "connection refused".into(),
    };
    let source = Source::Api;
    story.tell(2.0, Event::Link { source, link: lost });
    for second in [5.0, 10.0, 20.0, 30.0, 39.0] {
        story.tell(second, rest(second, 4, 10, None));
    }
    story.undone(40.0);
    let link = Link::Live { since: at(46.0) };
    story.tell(46.0, Event::Link { source, link });
    // The list after a loss tells of every restart meanwhile.
    story.tell(46.1, Event::Pods(PodChange::Listed(pods())));
    story.tell(46.5, map("one", "10.0.0.1", 46.4));
    let result = story
        .checkpoint(48.0, 13, None)
        .tell(51.0, map("one", "10.0.0.1", 51.0))
        .result();
    assert_eq!(result.verdict, Verdict::Pass, "{:#?}", result.statements);
    assert_eq!(result.recovery_ms, None);
    let (_, words) = of(&result, StatementName::InTime);
    assert!(
        words.starts_with("the next checkpoint 8.0 s after the undo"),
        "{words}"
    );
}

/// Flink 1.15 as it was seen: its JobManager halts without the API server, is started again before
/// that is back, and cannot begin.
#[test]
fn a_jobmanager_that_ends_for_want_of_the_api_server_was_not_broken_by_anything_else() {
    let ended_at = |ended: f64, code: i32| {
        let mut story = Story::of("api-outage");
        story.undone(40.0);
        let mut pod = pods().remove(1);
        pod.restarts = 2;
        pod.container = Some("another".into());
        pod.last_exit = Some((code, "Error".into(), Some(at(ended))));
        story.tell(46.0, Event::Pods(PodChange::Applied(pod)));
        story.tell(46.5, map("one", "10.0.0.1", 46.4));
        story.checkpoint(48.0, 13, None);
        story.tell(51.0, map("one", "10.0.0.1", 51.0));
        of(&story.result(), StatementName::Restarts)
    };
    let (verdict, words) = ended_at(35.0, 1);
    assert_eq!(verdict, Verdict::Pass, "{words}");
    assert!(
        words.contains("jm-b ended itself 2 times (exit 1)"),
        "{words}"
    );
    let others = [(30.0, 239), (61.0, 1), (35.0, 137)].map(|(ended, code)| ended_at(ended, code).0);
    assert_eq!(others, [Verdict::Pass, Verdict::Fail, Verdict::Fail]);
}

/// The pointers are gone, and the job begins from nothing: all is green, and all is lost.
#[test]
fn a_job_that_lost_its_pointers_fails_by_state_and_by_ids_only() {
    let mut story = Story::of("pointer-lost");
    story.tell(
        0.1,
        Event::Map(MapChange::Deleted {
            name: format!("flinklab-{JOB}-config-map"),
        }),
    );
    story.hand(
        0.2,
        RunEventKind::Gone {
            at: at(0.1),
            observer: "runtime".into(),
            resolution_ms: 1,
        },
    );
    story.restarts(3.0, "jm-a");
    story.tell(16.0, map("two", "10.0.0.2", 16.0));
    story.tell(18.0, rest(18.0, 4, 1, None));
    for second in [20.0_f64, 22.0, 24.0, 26.0] {
        let id = if second < 21.0 {
            1
        } else {
            (second as u64 - 18) / 2
        };
        story.checkpoint(second, id, None);
    }
    let result = story.tell(26.5, map("two", "10.0.0.2", 26.5)).result();
    let failed: Vec<StatementName> = result
        .statements
        .iter()
        .filter(|it| it.verdict != Verdict::Pass)
        .map(|it| it.name)
        .collect();
    assert_eq!(
        failed,
        [StatementName::Restored, StatementName::IdsGrow],
        "{:#?}",
        result.statements
    );
    assert_eq!(
        (result.verdict, result.expected),
        (Verdict::Fail, Verdict::Fail)
    );
}

#[test]
fn a_run_that_was_healed_from_outside_is_inconclusive() {
    let mut story = Story::of("jm-freeze");
    story.tell(18.0, map("two", "10.0.0.2", 18.0));
    story.tell(20.0, rest(20.0, 4, 10, Some((10, 19.0))));
    story.checkpoint(22.0, 11, Some((10, 19.0)));
    story.hand(
        25.0,
        RunEventKind::Undone {
            at: at(25.0),
            observer: "clock".into(),
            resolution_ms: 1,
            early: Some("healed from outside".into()),
        },
    );
    story.leads("two", "10.0.0.2", 26.0, 30.0);
    let result = story
        .checkpoint(30.0, 15, Some((10, 19.0)))
        .tell(31.0, map("two", "10.0.0.2", 31.0))
        .result();
    assert_eq!(result.verdict, Verdict::Inconclusive);
    assert!(
        of(&result, StatementName::InTime).1.contains("healed"),
        "{:#?}",
        result.statements
    );
}

/// The control experiment: nothing moves, nothing restarts but the standby.
#[test]
fn a_standby_is_missed_by_nobody() {
    let mut story = Story::of("standby-stop");
    story.hand(
        0.5,
        RunEventKind::Gone {
            at: at(0.4),
            observer: "runtime".into(),
            resolution_ms: 1,
        },
    );
    story.restarts(3.0, "jm-b");
    let result = story
        .checkpoint(4.0, 12, None)
        .tell(4.5, map("one", "10.0.0.1", 4.4))
        .result();
    assert_eq!(result.verdict, Verdict::Pass, "{:#?}", result.statements);
    assert_eq!(result.recovery_ms, None, "the job never stopped");
}

/// A run during which REST answers nothing has nothing to say about the job.
#[test]
fn silence_is_not_failure() {
    let mut story = Story::of("jm-crash");
    story.restarts(3.0, "jm-a");
    story.tell(16.0, map("two", "10.0.0.2", 16.0));
    story.leads("two", "10.0.0.2", 21.0, 120.0);
    let result = story.result();
    assert_eq!(
        result.verdict,
        Verdict::Inconclusive,
        "{:#?}",
        result.statements
    );
}
