//! What orders cost, in which states they can be given, and what a person means by a start.
#![allow(clippy::unwrap_used)]

use super::*;

const JOB: &str = "c506b6c20e4b7b1f8a3d5c6e7f809112";

fn seen(state: Option<&str>) -> JobsSeen {
    let start = |name: &str, kind, at| Start {
        kind,
        path: format!("file:/flink-shared/{name}"),
        job: JOB.to_owned(),
        at: Timestamp::from_second(at).unwrap(),
    };
    JobsSeen {
        jobs: vec![KnownJob {
            id: JOB.to_owned(),
            when: Timestamp::UNIX_EPOCH,
            from: None,
            state: state.map(str::to_owned),
        }],
        current: Some(JOB.to_owned()),
        ha: HaData {
            job: JOB.to_owned(),
            plan: state == Some("RUNNING"),
            map: true,
            pointers: vec![5, 6, 7],
            counter: Some(8),
            files: 4,
            checkpoints: vec![5, 6, 7],
            savepoints: Vec::new(),
        },
        starts: vec![
            start(
                "savepoints/savepoint-c506b6-0123456789ab",
                StartKind::Savepoint,
                100,
            ),
            start(
                "checkpoints/c506b6c20e4b7b1f8a3d5c6e7f809112/chk-7",
                StartKind::Checkpoint,
                90,
            ),
            start("checkpoints/aaaa/chk-7", StartKind::Checkpoint, 80),
        ],
        retention: Retention::Kept,
        silent: None,
        application: None,
    }
}

fn costs(seen: &JobsSeen, act: JobAct) -> String {
    let order = JobOrder { act, from: None };
    seen.costs(&order, Timestamp::from_second(160).unwrap())
        .join("\n")
}

#[test]
fn a_stop_says_that_checkpoints_go_and_a_cancel_that_they_stay() {
    let running = seen(Some("RUNNING"));
    let stop = costs(&running, JobAct::Stop);
    assert!(stop.contains("Lost: its checkpoints #5 #6 #7"), "{stop}");
    assert!(stop.contains("Kept: all of its state"), "{stop}");
    let cancel = costs(&running, JobAct::Cancel);
    assert!(cancel.contains("Kept: checkpoints #5 #6 #7"), "{cancel}");
    assert!(cancel.contains("3 checkpoint pointers"), "{cancel}");
    let removed = JobsSeen {
        retention: Retention::Removed,
        ..running
    };
    let cancel = costs(&removed, JobAct::Cancel);
    assert!(cancel.contains("Lost: all of its state"), "{cancel}");
}

#[test]
fn a_savepoint_costs_nothing_and_a_resume_says_from_where() {
    let over = seen(Some("CANCELED"));
    assert!(costs(&over, JobAct::Savepoint).contains("Lost: nothing"));
    let resume = costs(&over, JobAct::Resume);
    assert!(
        resume.contains("savepoint-c506b6-0123456789ab of job c506b6, 60 s old"),
        "{resume}"
    );
    assert!(costs(&over, JobAct::Resubmit).contains("from nothing"));
}

#[test]
fn what_needs_a_job_is_refused_without_one_and_the_rest_with_one() {
    let (running, over) = (seen(Some("RUNNING")), seen(Some("FINISHED")));
    for act in JobAct::ALL {
        let (with, without) = (running.against(act), over.against(act));
        assert_eq!(with.is_none(), act.needs_a_job(), "{act}: {with:?}");
        assert_eq!(without.is_none(), !act.needs_a_job(), "{act}: {without:?}");
    }
    assert_eq!(
        over.against(JobAct::Stop).unwrap(),
        "the job c506b6 is FINISHED"
    );
    let empty = JobsSeen {
        starts: Vec::new(),
        ..over
    };
    assert!(empty.against(JobAct::Resume).is_some());
    assert!(empty.start(None).is_err());
}

#[test]
fn flink_that_says_nothing_is_not_taken_for_no_job() {
    let silent = JobsSeen {
        silent: Some("no answer".to_owned()),
        ..seen(None)
    };
    assert!(JobAct::ALL.iter().all(|act| silent.against(*act).is_some()));
}

#[test]
fn a_start_is_meant_by_path_by_name_and_never_by_chance() {
    let seen = seen(Some("CANCELED"));
    assert_eq!(seen.start(None).unwrap().kind, StartKind::Savepoint);
    assert!(seen.start(Some("savepoint-c506b6-0123456789ab")).is_ok());
    let twice = seen.start(Some("chk-7")).unwrap_err();
    assert!(twice.what.contains("more than one"), "{twice}");
    assert_eq!(seen.start(Some("aaaa/chk-7")).unwrap().job, JOB);
    let none = seen.start(Some("chk-9")).unwrap_err();
    assert!(none.why.contains("aaaa/chk-7"), "{none}");
}

#[test]
fn before_and_after_stand_beside_each_other() {
    let before = seen(Some("RUNNING")).ha;
    let after = HaData {
        job: before.job.clone(),
        savepoints: vec!["savepoint-c506b6-0123456789ab".to_owned()],
        ..HaData::default()
    };
    let rows = before.beside(&after);
    assert_eq!(rows[0], ("plan", "there".to_owned(), "gone".to_owned()));
    assert_eq!(
        rows[1],
        (
            "config map",
            "there, next id 8".to_owned(),
            "gone".to_owned()
        )
    );
    assert_eq!(
        rows[4],
        ("checkpoints", "#5 #6 #7".to_owned(), "none".to_owned())
    );
}

/// Seen on a real cluster: the pointers were lost and put back, and what was written in between
/// stayed on the disk when the job was stopped in order.
#[test]
fn a_history_that_was_lost_is_not_left_by_the_job_that_ends() {
    let before = seen(Some("RUNNING")).ha;
    let before = HaData {
        checkpoints: vec![2, 3, 5, 6, 7],
        ..before
    };
    let ended = |left: &[u64]| JobDone {
        order: JobOrder {
            act: JobAct::Stop,
            from: None,
        },
        job: JOB.to_owned(),
        state: "FINISHED".to_owned(),
        savepoint: None,
        restored: None,
        seconds: 1.0,
        before: before.clone(),
        after: HaData {
            checkpoints: left.to_vec(),
            ..HaData::default()
        },
    };
    assert_eq!(ended(&[2, 3]).left(), Vec::<u64>::new());
    assert_eq!(ended(&[2, 3, 7, 8]).left(), [7, 8]);
}

fn of_a_cluster(state: Option<&str>, cannot_start: Option<&str>) -> JobsSeen {
    JobsSeen {
        application: Some(ApplicationSeen {
            facts: ApplicationFacts {
                workload: "deployment/flink-jobmanager".to_owned(),
                comes_back: true,
                cannot_start: cannot_start.map(str::to_owned),
            },
            at_zero: false,
        }),
        ..seen(state)
    }
}

#[test]
fn what_ends_with_its_job_says_so_and_starts_again_from_what_is_kept() {
    let running = of_a_cluster(Some("RUNNING"), None);
    for act in [JobAct::Stop, JobAct::Cancel] {
        let costs = costs(&running, act);
        assert!(costs.contains("The cluster ends with its job"), "{costs}");
        assert!(
            costs.contains("deployment/flink-jobmanager is scaled to zero"),
            "{costs}"
        );
    }
    assert!(!costs(&running, JobAct::Savepoint).contains("zero"));
    // Nobody answers, because nobody is wanted: that is no reason against a new beginning.
    let mut resting = of_a_cluster(None, None);
    resting.silent = Some("no JobManager runs".to_owned());
    resting.ha.plan = false;
    assert!(
        resting
            .against(JobAct::Resume)
            .unwrap()
            .contains("no JobManager runs")
    );
    resting.application.as_mut().unwrap().at_zero = true;
    assert_eq!(resting.against(JobAct::Resume), None);
    assert_eq!(resting.against(JobAct::Resubmit), None);
    assert!(costs(&resting, JobAct::Resume).contains("--fromSavepoint"));
    let why = resting.against(JobAct::Stop).unwrap();
    assert!(why.contains("Flink knows no job"), "{why}");
}

#[test]
fn what_flinklab_cannot_start_is_neither_ended_nor_resumed() {
    let running = of_a_cluster(Some("RUNNING"), Some("no manifest says how"));
    assert_eq!(running.against(JobAct::Savepoint), None);
    for act in [
        JobAct::Stop,
        JobAct::Cancel,
        JobAct::Resume,
        JobAct::Resubmit,
    ] {
        let why = running.against(act).unwrap();
        assert!(why.contains("no manifest says how"), "{act}: {why}");
    }
}
