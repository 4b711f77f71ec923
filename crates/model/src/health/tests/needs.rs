//! What the next leader needs: told once it is missing for good, and never where all is well.

use super::*;
use flinklab_event::Plan;

const PLAN: &str = "submittedExecutionPlan3f9a";
const KEYS: [&str; 4] = ["restserver", "resourcemanager", "dispatcher", "job"];

/// The cluster's map with these leader keys: component and epoch.
fn keys(renewed: f64, keys: &[(&str, &str)]) -> ClusterMap {
    let Event::Map(MapChange::Cluster(mut map)) = map("h", renewed, [A, A, A, A]) else {
        unreachable!()
    };
    let key = |epoch: &str| LeaderKey {
        epoch: epoch.into(),
        address: String::new(),
        host: "10.0.0.1".into(),
    };
    map.leaders = keys
        .iter()
        .map(|(name, epoch)| {
            let name = match *name {
                "job" => format!("job-{JOB}"),
                name => name.to_owned(),
            };
            (name, key(epoch))
        })
        .collect();
    map.plans = vec![Plan {
        key: format!("executionPlan-{JOB}"),
        job: JOB.into(),
        path: Some(format!("file:/flink-shared/ha/flinklab/{PLAN}")),
        deleting: false,
    }];
    map
}

fn complete(epoch: &str) -> Vec<(&'static str, &str)> {
    KEYS.map(|name| (name, epoch)).into()
}

fn pointers(deleting: bool) -> Event {
    let pointer = |id: u64, deleting| Pointer {
        id,
        path: Some(format!(
            "file:/flink-shared/ha/flinklab/completedCheckpoint{id}"
        )),
        deleting,
    };
    Event::Map(MapChange::Job(JobMap {
        name: format!("lab-{JOB}-config-map"),
        job: JOB.into(),
        counter: Some(5),
        pointers: vec![pointer(3, deleting), pointer(4, false)],
    }))
}

fn look(missing: &[&str], metadata: bool) -> Event {
    Event::Disk(DiskSample {
        job: JOB.into(),
        checkpoints: vec![DiskCheckpoint {
            id: 4,
            complete: metadata,
            files: 1,
            bytes: 1,
            written: None,
        }],
        needed: 3,
        missing: missing.iter().map(|name| (*name).to_owned()).collect(),
        ..DiskSample::default()
    })
}

/// A lab that is well for 20 s, but for what the closures make of it each second.
struct Lab {
    model: Model,
    state: &'static str,
    path: Option<String>,
}

impl Lab {
    fn new() -> Self {
        let mut model = Model::default();
        let Event::Lab(mut lab) = facts(JOB) else {
            unreachable!()
        };
        lab.names.checkpoints = "/shared/checkpoints".into();
        tell(&mut model, 0.0, Event::Lab(lab));
        tell(&mut model, 0.0, Event::Pods(PodChange::Listed(pods())));
        tell(&mut model, 0.0, pointers(false));
        Self {
            model,
            state: "RUNNING",
            path: Some(format!("file:/flink-shared/checkpoints/{JOB}/chk-4")),
        }
    }

    /// One second with this map and this look, each told once.
    fn second(&mut self, now: f64, map: ClusterMap, look: Event) {
        tell(&mut self.model, now, Event::Map(MapChange::Cluster(map)));
        let mut seen = completed(&[3, 4], now - 1.0);
        for row in &mut seen.rows {
            row.path.clone_from(&self.path);
        }
        let mut told = sample(now, 4, Some(seen));
        if let Event::Flink(sample) = &mut told
            && let Ok(rows) = &mut sample.jobs
        {
            rows[0].state = self.state.into();
        }
        tell(&mut self.model, now, told);
        tell(&mut self.model, now + 0.1, look);
    }

    fn said(&self) -> Vec<(String, String)> {
        let lacks = self.model.lacks();
        let words = lacks
            .iter()
            .map(|lack| (lack.what.clone(), lack.key.clone()));
        words.collect()
    }
}

/// Ten seconds of it.
fn lasting(map: impl Fn(f64) -> ClusterMap, look: impl Fn() -> Event) -> Lab {
    let mut lab = Lab::new();
    for second in 1..=10 {
        lab.second(f64::from(second), map(f64::from(second)), look());
    }
    lab
}

#[test]
fn a_lab_that_has_all_is_healthy() {
    let lab = lasting(|at| keys(at, &complete("e1")), || look(&[], true));
    assert!(lab.said().is_empty(), "{:?}", lab.said());
    assert!(lab.model.healthy(), "{:?}", lab.model.health());
    assert_eq!(lab.model.ha_files(), HaFiles::Seen);
}

#[test]
fn a_leader_key_that_stays_away_is_named() {
    for (at, name) in KEYS.into_iter().enumerate() {
        let mut left = complete("e1");
        left.remove(at);
        let lab = lasting(|at| keys(at, &left), || look(&[], true));
        let component = match name {
            "job" => "job c506b6",
            name => name,
        };
        let key = match name {
            "job" => format!("org.apache.flink.k8s.leader.job-{JOB}"),
            name => format!("org.apache.flink.k8s.leader.{name}"),
        };
        let what = format!("the leader key of {component} is missing");
        assert_eq!(lab.said(), [(what.clone(), key)]);
        let health = lab.model.health();
        assert_eq!(health.word, Word::Degraded);
        assert!(
            health.reason.starts_with(&format!("{what}: ")),
            "{health:?}"
        );
        assert!(!lab.model.against().is_empty());
    }
}

/// Half of the keys, as a leader writes them one by one, is a wait that says its reason.
#[test]
fn a_key_that_comes_within_seconds_was_never_missing() {
    let mut lab = Lab::new();
    for second in 1..=20 {
        let now = f64::from(second);
        let mut has = complete("e1");
        if (10..13).contains(&second) {
            has.remove(1);
        }
        lab.second(now, keys(now, &has), look(&[], true));
        assert!(lab.said().is_empty(), "{second}");
        if (10..13).contains(&second) {
            let health = lab.model.health();
            assert_eq!(
                (health.word, health.reason.as_str()),
                (
                    Word::Settling,
                    "the leader key of resourcemanager is missing so far"
                )
            );
        }
    }
    assert!(lab.model.healthy(), "{:?}", lab.model.health());
}

#[test]
fn a_key_of_an_epoch_that_is_over_is_named() {
    for (at, name) in KEYS.into_iter().enumerate() {
        let mut lab = Lab::new();
        for second in 1..=12 {
            let now = f64::from(second);
            let mut has = complete(if second < 3 { "e1" } else { "e2" });
            has[at].1 = "e1";
            lab.second(now, keys(now, &has), look(&[], true));
        }
        let said = lab.said();
        assert_eq!(said.len(), 1, "{name}: {said:?}");
        assert!(said[0].0.ends_with("is of another epoch, e1"), "{said:?}");
        assert!(said[0].1.contains(name), "{said:?}");
    }
    // All there before us: the one of the others is the old one.
    let mut has = complete("e2");
    has[0].1 = "e1";
    let lab = lasting(|at| keys(at, &has), || look(&[], true));
    assert!(lab.said()[0].1.ends_with("restserver"), "{:?}", lab.said());
}

/// Flink 1.15 gives a job's JobMaster a session id of its own.
#[test]
fn a_session_id_of_the_jobs_own_is_none_of_another_epoch() {
    let mut has = complete("e1");
    has[3].1 = "own";
    let lab = lasting(|at| keys(at, &has), || look(&[], true));
    assert!(lab.said().is_empty(), "{:?}", lab.said());
    assert!(lab.model.healthy());
}

#[test]
fn nothing_is_said_of_keys_while_the_lead_changes_hands() {
    let changing = |at: f64| {
        let mut map = keys(at, &complete("e1"));
        if at > 3.0 {
            map.lock.as_mut().unwrap().holder = "another".into();
            map.leaders.remove("dispatcher");
        }
        map
    };
    let lab = lasting(changing, || look(&[], true));
    assert!(lab.said().is_empty(), "{:?}", lab.said());
}

#[test]
fn files_that_the_next_leader_would_miss_are_named() {
    for (missing, metadata, what) in [
        (
            &[PLAN][..],
            true,
            "submittedExecutionPlan3f9a, the plan of job c506b6, is missing",
        ),
        (
            &["completedCheckpoint3"][..],
            true,
            "completedCheckpoint3, the pointer to checkpoint 3, is missing",
        ),
        (
            &[][..],
            false,
            "chk-4/_metadata of the newest checkpoint is missing",
        ),
    ] {
        let lab = lasting(|at| keys(at, &complete("e1")), || look(missing, metadata));
        let said = lab.said();
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].0, what);
        assert_eq!(lab.model.health().word, Word::Degraded);
        assert!(lab.model.lacks()[0].file.is_some());
    }
}

/// A look may come between the removal of a file and the news that its pointer is gone.
#[test]
fn one_look_that_misses_a_file_says_nothing() {
    let mut lab = Lab::new();
    for second in 1..=20 {
        let now = f64::from(second);
        let gone: &[&str] = if second % 2 == 0 { &[PLAN] } else { &[] };
        lab.second(now, keys(now, &complete("e1")), look(gone, true));
        assert!(lab.said().is_empty());
        if second > 8 {
            assert!(lab.model.healthy(), "{:?}", lab.model.health());
        }
    }
}

#[test]
fn what_flink_removes_is_not_missing() {
    // Its pointer is marked.
    let mut lab = Lab::new();
    tell(&mut lab.model, 0.5, pointers(true));
    for second in 1..=10 {
        let now = f64::from(second);
        let look = look(&["completedCheckpoint3"], true);
        lab.second(now, keys(now, &complete("e1")), look);
    }
    assert!(lab.model.healthy(), "{:?}", lab.said());
    // Its job has ended, and Flink is about to remove the rest.
    let mut lab = Lab::new();
    lab.state = "CANCELED";
    for second in 1..=10 {
        let now = f64::from(second);
        let look = look(
            &[PLAN, "completedCheckpoint3", "completedCheckpoint4"],
            false,
        );
        lab.second(now, keys(now, &complete("e1")[..3]), look);
    }
    assert!(lab.said().is_empty(), "{:?}", lab.said());
}

/// No checkpoint yet, one that lies elsewhere, or a savepoint: nothing is known to be wrong.
#[test]
fn metadata_is_looked_for_only_where_it_lies_on_the_mount() {
    for path in [
        None,
        Some("s3://bucket/checkpoints/x/chk-4"),
        Some("file:/flink-shared/savepoints/savepoint-c506b6-1"),
    ] {
        let mut lab = Lab::new();
        lab.path = path.map(str::to_owned);
        for second in 1..=10 {
            let now = f64::from(second);
            lab.second(now, keys(now, &complete("e1")), look(&[], false));
        }
        assert!(lab.said().is_empty(), "{path:?}: {:?}", lab.said());
    }
}

/// A recording that is older than these fields, or a lab whose HA data is somewhere else.
#[test]
fn where_files_are_not_looked_for_nothing_is_said_of_them() {
    let bare = |at: f64| {
        let mut map = keys(at, &complete("e1"));
        map.plans.clear();
        map
    };
    let elsewhere = || {
        let Event::Disk(mut sample) = look(&[], true) else {
            unreachable!()
        };
        sample.needed = 0;
        Event::Disk(sample)
    };
    let lab = lasting(bare, elsewhere);
    assert!(lab.model.healthy(), "{:?}", lab.said());
    assert_eq!(lab.model.ha_files(), HaFiles::NotSeen);
}

#[test]
fn a_plan_that_is_not_in_the_map_is_named() {
    let without = |at: f64| {
        let mut map = keys(at, &complete("e1"));
        map.jobs.clear();
        map.plans.clear();
        map
    };
    let lab = lasting(without, || look(&[], true));
    assert_eq!(
        lab.said()[0].0,
        "the plan of job c506b6 is not in lab-cluster-config-map"
    );
}
