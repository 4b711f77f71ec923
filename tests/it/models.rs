//! Models for pictures, made the way the program makes them: by events with fixed stamps.

use flinklab_base::fault::Fault;
use flinklab_event::{
    BreakBegun, Checkpoint, CheckpointStatus, CheckpointsSample, ClusterMap, DiskCheckpoint,
    DiskSample, Done, Effect, EffectKind, Event, FlinkSample, Happening, Highlight, JobMap, JobRow,
    Key, KeyCode, KubeEvent, LabFacts, LeaderKey, Link, Lock, LogLine, MapChange, Origin, Pod,
    PodChange, PodPhase, Pointer, Restored, RunEventKind, Source, StepChange, StepState, Tasks,
    Via,
};
use flinklab_lab::failure::{CATALOGUE, Role};
use flinklab_model::judge;
use flinklab_tui::Ui;
use jiff::{SignedDuration, Timestamp};

pub(crate) const JOB: &str = "c506b6c20e4b7b1f8a3d5c6e7f809112";
pub(crate) const LEADER: &str = "flinklab-jobmanager-7f9c6d5b8-abcde";
pub(crate) const STANDBY: &str = "flinklab-jobmanager-7f9c6d5b8-fghij";
const WORKERS: [&str; 2] = [
    "flinklab-taskmanager-5d8b9f7c4-klmno",
    "flinklab-taskmanager-5d8b9f7c4-pqrst",
];

/// A moment: seconds after the lab's first.
pub(crate) fn at(seconds: f64) -> Timestamp {
    let first: Timestamp = "2026-05-04T16:05:00Z".parse().unwrap();
    first + SignedDuration::from_secs_f64(seconds)
}

/// What a person sees of events that are fed to it.
pub(crate) struct Scene {
    pub(crate) ui: Ui,
}

impl Scene {
    /// Nothing known yet.
    pub(crate) fn new() -> Self {
        Self { ui: Ui::default() }
    }

    /// A lab with a leader since second 0, checkpoints every 2 s, all well at second 52.
    pub(crate) fn healthy() -> Self {
        let mut scene = Self::new();
        scene.at(0.0, Event::Lab(Box::new(facts(Origin::Real))));
        scene.at(0.0, Event::Failures(CATALOGUE.to_vec()));
        for source in [Source::Docker, Source::Api, Source::Flink, Source::Disk] {
            scene.at(
                0.0,
                Event::Link {
                    source,
                    link: Link::Live { since: at(0.0) },
                },
            );
        }
        scene.at(0.0, Event::Pods(PodChange::Listed(pods())));
        scene.at(
            0.5,
            Event::Map(MapChange::Cluster(map("1b4f2c9a", LEADER, 48.0))),
        );
        for (seconds, pod, text, highlight) in [
            (
                1.2,
                LEADER,
                "org.apache.flink.runtime.dispatcher.DefaultDispatcherRunner [] - DefaultDispatcherRunner was granted leadership with leader id 1b4f2c9a-77aa-4c1e-9d55-0b6f3e2a1c00. Creating new DispatcherLeaderProcess.",
                Some(Highlight::Leadership),
            ),
            (
                1.9,
                WORKERS[0],
                "org.apache.flink.runtime.taskexecutor.TaskExecutor [] - Successful registration at resource manager.",
                None,
            ),
            (
                3.1,
                LEADER,
                "org.apache.flink.runtime.executiongraph.ExecutionGraph [] - Job State machine job (c506b6c20e4b7b1f8a3d5c6e7f809112) switched from state CREATED to RUNNING.",
                Some(Highlight::Recovery),
            ),
            (
                50.0,
                LEADER,
                "org.apache.flink.runtime.checkpoint.CheckpointCoordinator [] - Triggering checkpoint 25 (type=CheckpointType{name='Checkpoint'}) @ 1777910750000 for job c506.",
                None,
            ),
            (
                50.1,
                LEADER,
                "org.apache.flink.runtime.checkpoint.CheckpointCoordinator [] - Completed checkpoint 25 for job c506b6c20e4b7b1f8a3d5c6e7f809112 (8338 bytes, checkpointDuration=72 ms, finalizationTime=6 ms).",
                Some(Highlight::Checkpoint),
            ),
        ] {
            scene.log(seconds, pod, text, highlight);
        }
        scene.at(
            3.0,
            Event::Kube(KubeEvent {
                at: at(1.0),
                warning: false,
                reason: "Started".to_owned(),
                object: LEADER.to_owned(),
                message: "Started container jobmanager".to_owned(),
                count: 1,
            }),
        );
        scene.checkpoints(1..=25, 2.0);
        scene.rest(51.6, 4);
        scene.at(52.0, Event::Tick);
        scene
    }

    /// The leader was killed at second 53; it is second 66 and its lease still runs.
    pub(crate) fn leader_lost() -> Self {
        let mut scene = Self::healthy();
        scene.at(
            52.5,
            Event::Map(MapChange::Cluster(map("1b4f2c9a", LEADER, 52.4))),
        );
        scene.breaks("jm-crash", 53.0);
        scene.at(
            53.1,
            scene.of_run(RunEventKind::Gone {
                at: at(53.012),
                observer: "wait on the PID".to_owned(),
                resolution_ms: 1,
            }),
        );
        let mut dead = pods();
        dead[0].ready = false;
        dead[0].restarts = 1;
        dead[0].ip = None;
        dead[0].waiting = Some((
            "CrashLoopBackOff".to_owned(),
            "back-off 5s restarting failed container=jobmanager".to_owned(),
        ));
        dead[0].last_exit = Some((137, "Error".to_owned(), Some(at(53.0))));
        scene.at(53.4, Event::Pods(PodChange::Applied(dead[0].clone())));
        let hit = "container5 ended with 137 (SIGKILL)".to_owned();
        scene.at(53.5, scene.of_run(RunEventKind::Hit(Ok(hit))));
        scene.at(
            54.0,
            Event::Kube(KubeEvent {
                at: at(54.0),
                warning: true,
                reason: "BackOff".to_owned(),
                object: LEADER.to_owned(),
                message: "Back-off restarting failed container jobmanager".to_owned(),
                count: 2,
            }),
        );
        scene.rest_fails(65.5, "connection refused");
        scene.at(66.0, Event::Tick);
        scene
    }

    /// A new epoch began at second 69.1; at second 70.4 tasks come back.
    pub(crate) fn recovering() -> Self {
        let mut scene = Self::leader_lost();
        scene.at(
            69.1,
            Event::Map(MapChange::Cluster(map("9e7d0c44", STANDBY, 69.1))),
        );
        scene.log(
            69.2,
            STANDBY,
            "org.apache.flink.runtime.dispatcher.DefaultDispatcherRunner [] - \
             DefaultDispatcherRunner was granted leadership with leader id \
             9e7d0c44-77aa-4c1e-9d55-0b6f3e2a1c00. Creating new DispatcherLeaderProcess.",
            Some(Highlight::Leadership),
        );
        scene.log(
            69.8,
            STANDBY,
            "org.apache.flink.runtime.checkpoint.CheckpointCoordinator [] - Restoring job \
             c506b6c20e4b7b1f8a3d5c6e7f809112 from Checkpoint 25 @ 1777910750000 for c506.",
            Some(Highlight::Recovery),
        );
        scene.log(
            69.9,
            WORKERS[1],
            "org.apache.flink.runtime.taskexecutor.TaskExecutor [] - Could not reach the old \
             leader: retrying.",
            Some(Highlight::Error),
        );
        let link = Link::Live { since: at(69.9) };
        scene.at(
            69.9,
            Event::Link {
                source: Source::Flink,
                link,
            },
        );
        scene.looks(70.2, 2);
        scene.at(70.4, Event::Tick);
        scene
    }

    /// All is well again and the run is judged.
    pub(crate) fn recovered() -> Self {
        let mut scene = Self::recovering();
        let mut back = pods();
        back[0].restarts = 1;
        scene.at(71.0, Event::Pods(PodChange::Listed(back)));
        scene.looks(71.3, 4);
        scene.checkpoints(26..=28, 22.0);
        scene.at(
            78.0,
            Event::Map(MapChange::Cluster(map("9e7d0c44", STANDBY, 78.0))),
        );
        scene.rest(79.5, 4);
        if let Some(run) = scene.ui.model.run() {
            let result = judge(run, at(79.6), Origin::Real).unwrap();
            scene.at(80.0, Event::Saved(Box::new(result)));
        }
        scene.at(80.2, Event::Tick);
        scene
    }

    /// All is well again, and a run of the same failure was known before.
    pub(crate) fn again() -> Self {
        let mut scene = Self::recovered();
        let mut before = scene.ui.model.finished[0].clone();
        before.run = "20260503-090000-jm-crash".to_owned();
        scene.at(80.3, Event::Past(vec![before]));
        scene
    }

    /// The standby leads from that second on.
    pub(crate) fn leader_changes(&mut self, seconds: f64) {
        self.at(
            seconds,
            Event::Map(MapChange::Cluster(map("9e7d0c44", STANDBY, seconds))),
        );
    }

    /// One look of the new leader, that knows of the restore.
    fn looks(&mut self, seconds: f64, running: u32) {
        let mut sample = rest(running);
        sample.asked = at(seconds - 0.02);
        sample.checkpoints = Some(CheckpointsSample {
            job: JOB.to_owned(),
            restored: Some(Restored {
                id: 25,
                at: at(69.9),
                savepoint: false,
                path: None,
            }),
            ..CheckpointsSample::default()
        });
        self.at(seconds, Event::Flink(sample));
        self.disk(seconds, 25);
    }

    /// The API server is away for 14 s.
    pub(crate) fn api_lost() -> Self {
        let mut scene = Self::healthy();
        scene.at(
            53.0,
            Event::Link {
                source: Source::Api,
                link: Link::Lost {
                    since: at(53.0),
                    why: "connection refused".to_owned(),
                },
            },
        );
        scene.rest(66.6, 4);
        scene.at(67.0, Event::Tick);
        scene
    }

    /// `up` goes on.
    pub(crate) fn plan() -> Self {
        let mut scene = Self::new();
        scene.at(
            0.0,
            Event::NoLab {
                name: "flinklab".to_owned(),
            },
        );
        scene.key(KeyCode::Char('u'));
        for (n, name, title, state, detail, seconds) in [
            (
                1,
                "look",
                "Look at what there is",
                StepState::Done,
                "Docker 20.10.24, no cluster named flinklab",
                Some(0.2),
            ),
            (
                2,
                "network",
                "Network",
                StepState::Done,
                "kind, there already",
                Some(0.0),
            ),
            (
                3,
                "node",
                "Node container",
                StepState::Done,
                "flinklab-control-plane, API on 127.0.0.1:40213",
                Some(2.1),
            ),
            (
                4,
                "images",
                "Images into the node",
                StepState::Running,
                "flink:2.3.0-scala_2.12-java17: 412 MB of 736 MB",
                None,
            ),
            (
                5,
                "kubeadm",
                "Kubernetes",
                StepState::Running,
                "kubeadm init: waiting for the API server",
                None,
            ),
            (6, "manifests", "Manifests", StepState::Waiting, "", None),
            (
                7,
                "workloads",
                "JobManagers and TaskManagers",
                StepState::Waiting,
                "",
                None,
            ),
            (8, "job", "Job", StepState::Waiting, "", None),
            (
                9,
                "checkpoint",
                "First checkpoint",
                StepState::Waiting,
                "",
                None,
            ),
        ] {
            let (name, title, detail) = (name.to_owned(), title.to_owned(), detail.to_owned());
            scene.at(
                f64::from(n),
                Event::Step(StepChange {
                    name,
                    title,
                    n: usize::try_from(n).unwrap(),
                    of: 9,
                    state,
                    detail,
                    seconds,
                }),
            );
        }
        scene.at(21.4, Event::Tick);
        scene
    }

    /// A step of `up` failed.
    pub(crate) fn plan_failed() -> Self {
        let mut scene = Self::plan();
        let what = "The image flink:2.3.0-scala_2.12-java17 cannot be pulled.";
        let step = scene.ui.model.plan.steps[3].clone();
        scene.at(
            30.0,
            Event::Step(StepChange {
                name: step.name,
                title: step.title,
                n: 4,
                of: 9,
                state: StepState::Failed,
                detail: what.to_owned(),
                seconds: Some(26.0),
            }),
        );
        scene.at(
            30.0,
            Event::Failed {
                effect: EffectKind::Up,
                fault: Fault::unable("image-unavailable", what)
                    .why("toomanyrequests: You have reached your unauthenticated pull rate limit.")
                    .hint("Wait, run `docker login`, or load the image: docker load -i FILE."),
            },
        );
        scene
    }

    /// `up` ended well.
    pub(crate) fn plan_done() -> Self {
        let mut scene = Self::plan();
        scene.at(
            41.2,
            Event::Done(Done::Up {
                seconds: 41.2,
                checkpoint: 3,
                changed: true,
                kubeconfig: "kubeconfig".to_owned(),
                ui: "http://127.0.0.1:30081".to_owned(),
                notes: Vec::new(),
            }),
        );
        scene
    }

    pub(crate) fn at(&mut self, seconds: f64, event: Event) -> &mut Self {
        // the clock never stands still while a run is observed
        while self.ui.model.run().is_some()
            && at(seconds).duration_since(self.ui.model.now).as_secs() > 1
        {
            let tick = self.ui.model.now.duration_since(at(0.0)).as_secs_f64() + 1.0;
            self.one(at(tick), Event::Tick);
        }
        self.one(at(seconds), event)
    }

    fn one(&mut self, at: Timestamp, event: Event) -> &mut Self {
        let happening = Happening { at, event };
        let effects = self.ui.update(&happening);
        for effect in effects {
            if let Effect::Save(result) = effect {
                self.one(at, Event::Saved(result));
            }
        }
        if let Some(run) = self.ui.model.breaking.observed_mut()
            && run.seen.until != Some(happening.at)
        {
            run.observe(&happening);
        }
        self
    }

    pub(crate) fn key(&mut self, code: KeyCode) -> Vec<Effect> {
        let now = self.ui.model.now;
        self.ui.update(&Happening {
            at: now,
            event: Event::Key(Key { code, ctrl: false }),
        })
    }

    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.chars() {
            self.key(KeyCode::Char(key));
        }
        self
    }

    pub(crate) fn log(
        &mut self,
        seconds: f64,
        pod: &str,
        text: &str,
        highlight: Option<Highlight>,
    ) {
        let stamp = at(seconds).strftime("%Y-%m-%d %H:%M:%S,%3f").to_string();
        let line = LogLine {
            at: at(seconds),
            pod: pod.to_owned(),
            text: format!("{stamp} INFO  {text}"),
            highlight,
        };
        self.at(seconds, Event::Log(vec![line]));
    }

    /// Checkpoints with these ids, one every 2 s, offset by so many seconds.
    pub(crate) fn checkpoints(&mut self, ids: std::ops::RangeInclusive<u64>, offset: f64) {
        let newest = *ids.end();
        let rows: Vec<Checkpoint> = ids.map(|id| checkpoint(id, offset)).collect();
        let seen = rows.last().unwrap().acknowledged.unwrap();
        let seconds = seen.duration_since(at(0.0)).as_secs_f64();
        let mut sample = rest(4);
        sample.asked = seen;
        let restored = self.ui.model.job.restores.last().cloned();
        sample.checkpoints = Some(CheckpointsSample {
            job: JOB.to_owned(),
            rows,
            completed: Some(newest),
            restored,
            interval_ms: Some(2000),
            checkpointing: None,
            ..CheckpointsSample::default()
        });
        self.at(seconds, Event::Flink(sample));
        self.at(
            seconds,
            Event::Map(MapChange::Job(JobMap {
                name: format!("flinklab-{JOB}-config-map"),
                job: JOB.to_owned(),
                counter: Some(newest + 1),
                pointers: vec![Pointer {
                    id: newest,
                    path: None,
                    deleting: false,
                }],
            })),
        );
        self.disk(seconds, newest);
    }

    fn disk(&mut self, seconds: f64, newest: u64) {
        let row = DiskCheckpoint {
            id: newest,
            complete: true,
            files: 2,
            bytes: 8338,
            written: None,
        };
        self.at(
            seconds,
            Event::Disk(DiskSample {
                job: JOB.to_owned(),
                checkpoints: vec![row],
                ha_files: Vec::new(),
                ha_count: 0,
                more: false,
                shared: None,
                needed: 0,
                missing: Vec::new(),
            }),
        );
    }

    /// Good looks at REST, the last one at that second: health takes five.
    pub(crate) fn rest(&mut self, seconds: f64, running: u32) {
        for before in (0..8).rev() {
            let seconds = seconds - 0.3 * f64::from(before);
            let mut sample = rest(running);
            sample.asked = at(seconds);
            if before == 0 {
                sample.checkpoints = self.known();
            }
            self.at(seconds, Event::Flink(sample));
        }
        let newest = self.ui.model.job.newest().map_or(0, |row| row.id);
        self.disk(seconds, newest);
    }

    /// What Flink still lists of the checkpoints.
    fn known(&self) -> Option<CheckpointsSample> {
        let job = &self.ui.model.job;
        Some(CheckpointsSample {
            job: JOB.to_owned(),
            rows: job.checkpoints.values().rev().take(10).cloned().collect(),
            completed: Some(job.newest()?.id),
            restored: job.restores.last().cloned(),
            interval_ms: Some(2000),
            checkpointing: None,
            ..CheckpointsSample::default()
        })
    }

    fn rest_fails(&mut self, seconds: f64, why: &str) {
        let mut sample = rest(0);
        sample.jobs = Err(why.to_owned());
        self.at(
            seconds,
            Event::Link {
                source: Source::Flink,
                link: Link::Lost {
                    since: at(53.1),
                    why: why.to_owned(),
                },
            },
        );
        self.at(seconds, Event::Flink(sample));
        self.disk(seconds, 25);
    }

    /// The break is fired, as the hand that breaks reports it.
    pub(crate) fn breaks(&mut self, key: &str, seconds: f64) {
        let failure = CATALOGUE.iter().find(|failure| failure.key == key).unwrap();
        self.at(seconds - 0.1, Event::Tick);
        let target = self.ui.model.aim(failure).target.unwrap();
        let order = self.ui.model.order(failure, target);
        let begun = RunEventKind::Begun(Box::new(BreakBegun {
            run: order.run.clone(),
            failure: order.failure.clone(),
            target: order.target.clone(),
        }));
        self.at(seconds - 0.1, begun.of(&order.run));
        let sent = RunEventKind::Sent {
            at: at(seconds),
            observer: "signal in the node".to_owned(),
            resolution_ms: 1,
        };
        self.at(seconds, sent.of(&order.run));
    }

    /// An event of the run that is observed.
    fn of_run(&self, kind: RunEventKind) -> Event {
        kind.of(&self.ui.model.run().expect("it is observed").order.run)
    }
}

fn facts(origin: Origin) -> LabFacts {
    LabFacts {
        name: "flinklab".to_owned(),
        definition: "default".to_owned(),
        id: "5f3a".to_owned(),
        origin,
        ui: Some("http://127.0.0.1:30081".to_owned()),
        kubeconfig: "kubeconfig".into(),
        job: Some(JOB.to_owned()),
        mount: "/flink-shared".to_owned(),
        namespace: "flink".to_owned(),
        calm_ms: 1000,
        operator: None,
        names: Box::default(),
        exact: false,
        application: None,
        lacks: Vec::new(),
    }
}

pub(crate) fn pods() -> Vec<Pod> {
    let pod = |n: u8, name: &str, role: Role| Pod {
        uid: format!("{n}0c1d2e3-0000-4000-8000-00000000000{n}"),
        name: name.to_owned(),
        role,
        phase: PodPhase::Running,
        ready: true,
        restarts: 0,
        container: Some(format!("container{n}")),
        ip: Some(format!("10.244.0.{n}")),
        node: Some("flinklab-control-plane".to_owned()),
        created: Some(at(-1140.0)),
        deleting: None,
        waiting: None,
        last_exit: None,
        detail: Box::default(),
    };
    vec![
        pod(5, LEADER, Role::JobManager),
        pod(6, STANDBY, Role::JobManager),
        pod(7, WORKERS[0], Role::TaskManager),
        pod(8, WORKERS[1], Role::TaskManager),
    ]
}

pub(crate) fn map(epoch: &str, leader: &str, renewed: f64) -> ClusterMap {
    let host = if leader == LEADER {
        "10.244.0.5"
    } else {
        "10.244.0.6"
    };
    let key = LeaderKey {
        epoch: format!("{epoch}-77aa-4c1e-9d55-0b6f3e2a1c00"),
        address: format!("pekko.tcp://flink@{host}:6123/user/rpc/dispatcher_1"),
        host: host.to_owned(),
    };
    ClusterMap {
        name: "flinklab-cluster-config-map".to_owned(),
        version: "1".to_owned(),
        lock: Some(Lock {
            holder: if leader == LEADER {
                "05df88b5-aa"
            } else {
                "c0ffee11-bb"
            }
            .to_owned(),
            seconds: 15.0,
            // the standby takes the lock when the lease of the one before is over
            acquired: at(if leader == LEADER {
                0.5
            } else {
                renewed.min(69.0)
            }),
            renewed: at(renewed),
            transitions: if leader == LEADER { 0 } else { 1 },
        }),
        leaders: [
            "dispatcher",
            "resourcemanager",
            "restserver",
            &format!("job-{JOB}"),
        ]
        .map(|component| (component.to_owned(), key.clone()))
        .into(),
        jobs: vec![JOB.to_owned()],
        ..ClusterMap::default()
    }
}

fn checkpoint(id: u64, offset: f64) -> Checkpoint {
    let n = u32::try_from(id).unwrap();
    let took = [72, 60, 75, 110, 68, 66, 90][(id % 7) as usize];
    let triggered = at(f64::from(n) * 2.0 - 2.0 + offset);
    Checkpoint {
        id,
        status: CheckpointStatus::Completed,
        triggered: Some(triggered),
        acknowledged: Some(triggered + SignedDuration::from_millis(took)),
        duration_ms: Some(took.unsigned_abs()),
        size: Some(8338),
        savepoint: false,
        path: None,
    }
}

pub(crate) fn rest(running: u32) -> FlinkSample {
    serde_json::from_value(serde_json::json!({
        "via": Via::PodProxy, "pod": LEADER, "asked": at(0.0), "took_ms": 12,
        "jobs": {"Ok": [JobRow {
            id: JOB.to_owned(),
            name: "State machine job".to_owned(),
            state: "RUNNING".to_owned(),
            tasks: Tasks { running, total: 4 },
            started: Some(at(0.0)),
        }]},
        "checkpoints": null,
        "workers": [
            {"host": "10.244.0.7", "slots": 2, "free": 0},
            {"host": "10.244.0.8", "slots": 2, "free": 0},
        ],
    }))
    .unwrap()
}
