//! Flink's own answers of four versions, read.

#![allow(clippy::unwrap_used)]

use super::*;

macro_rules! fixture {
    ($version:literal, $name:literal) => {
        include_bytes!(concat!(
            "../../../../../tests/fixtures/flink-",
            $version,
            "/",
            $name,
            ".json"
        ))
    };
}
macro_rules! every_version {
    ($name:literal) => {
        [
            ("1.15.2", &fixture!("1.15.2", $name)[..]),
            ("1.20.5", &fixture!("1.20.5", $name)[..]),
            ("2.2.1", &fixture!("2.2.1", $name)[..]),
            ("2.3.0", &fixture!("2.3.0", $name)[..]),
        ]
    };
}

#[test]
fn every_version_lists_its_jobs() {
    for (version, body) in every_version!("jobs_overview") {
        let jobs = jobs(body).unwrap();
        assert!(jobs.iter().any(JobRow::all_run), "{version}: {jobs:?}");
        assert!(
            jobs.iter()
                .all(|job| job.id.len() == 32 && job.started.is_some())
        );
    }
    for (version, body) in every_version!("jobs_overview_canceled") {
        let jobs = jobs(body).unwrap();
        assert!(
            jobs.iter().any(|job| job.state == "CANCELED"),
            "{version}: {jobs:?}"
        );
        assert!(!jobs.iter().any(JobRow::all_run), "{version}");
    }
    let many = jobs(fixture!("2.2.1", "jobs_overview_multi")).unwrap();
    let states: Vec<&str> = many.iter().map(|job| job.state.as_str()).collect();
    assert_eq!(states, ["RUNNING", "FINISHED", "CANCELED"]);
}

#[test]
fn every_version_tells_its_checkpoints() {
    for (version, body) in every_version!("checkpoints") {
        let seen = checkpoints("job", body).unwrap();
        let newest = seen
            .rows
            .iter()
            .find(|row| Some(row.id) == seen.completed)
            .unwrap();
        assert_eq!(newest.status, CheckpointStatus::Completed, "{version}");
        assert!(newest.acknowledged > newest.triggered, "{version}");
        assert!(seen.rows.is_sorted_by(|a, b| a.id < b.id), "{version}");
        assert_eq!(seen.restored, None, "{version}");
    }
    for (version, body) in every_version!("checkpoints_restored_after_jm_failover") {
        let seen = checkpoints("job", body).unwrap();
        let restored = seen.restored.unwrap();
        assert!(Some(restored.id) < seen.completed, "{version}");
        assert!(
            restored
                .path
                .unwrap()
                .ends_with(&format!("chk-{}", restored.id))
        );
    }
    for (version, body) in every_version!("checkpoints_after_savepoint") {
        let seen = checkpoints("job", body).unwrap();
        let savepoint = seen.rows.iter().find(|row| row.savepoint).unwrap();
        assert_ne!(Some(savepoint.id), seen.completed, "{version}");
    }
    for (version, body) in every_version!("checkpoints_config") {
        let told = checkpointing(body).unwrap();
        assert_eq!(told.interval_ms, Some(2000), "{version}");
        assert_eq!(told.timeout_ms, 600_000, "{version}");
    }
    let never = br#"{"interval": 9223372036854775807, "timeout": 600000, "min_pause": 0}"#;
    assert_eq!(checkpointing(never).unwrap().interval_ms, None);
    assert_eq!(checkpointing(br#"{"errors": ["no such job"]}"#), None);
}

#[test]
fn every_version_lists_its_task_managers() {
    for (version, body) in every_version!("taskmanagers") {
        let workers = workers(body).unwrap();
        assert!(!workers.is_empty(), "{version}");
        for worker in workers {
            assert!(
                worker.host.starts_with("10.244.0."),
                "{version}: {worker:?}"
            );
            assert!(
                worker.slots >= worker.free && worker.slots > 0,
                "{version}: {worker:?}"
            );
            // The name says that it is a duration; every version sends the moment.
            let heartbeat = worker.heartbeat.unwrap();
            assert_eq!(heartbeat.strftime("%Y").to_string(), "2026", "{version}");
        }
    }
}

#[test]
fn failed_checkpoints_have_no_acknowledgement() {
    let seen = checkpoints("job", fixture!("2.2.1", "checkpoints_failing")).unwrap();
    assert_eq!((seen.completed, seen.failed), (Some(7), 4));
    let failed = seen.rows.last().unwrap();
    assert_eq!((failed.id, failed.status), (10, CheckpointStatus::Failed));
    assert_eq!(failed.acknowledged, None);
}

#[test]
fn an_answer_with_half_of_its_fields_is_still_an_answer() {
    let jobs = jobs(br#"{"jobs":[{"jid":"a"},{"jid":"b","tasks":{"total":2}}],"x":1}"#).unwrap();
    assert_eq!(jobs.len(), 2);
    let seen = checkpoints("a", b"{}").unwrap();
    assert_eq!((seen.completed, seen.rows.len()), (None, 0));
    let seen = checkpoints("a", br#"{"latest":{"restored":null},"history":[{"id":3}]}"#).unwrap();
    assert_eq!(seen.rows.len(), 1);
}

#[test]
fn errors_are_told_in_the_words_of_who_said_them() {
    for (version, body) in every_version!("job_404") {
        let Said::Flink(text) = said(404, body) else {
            panic!("{version}")
        };
        assert!(
            text.starts_with("Job ffff") && text.ends_with("not found"),
            "{version}: {text}"
        );
    }
    let election = br#"{"errors":["Service temporarily unavailable due to an ongoing leader election. Please refresh."]}"#;
    let wrapped = br#"{"errors":["Internal server error.","<Exception on server side:\njava.util.concurrent.CompletionException: org.apache.flink.util.FlinkException: it was taken away\n\tat a.b.C"]}"#;
    assert_eq!(said(500, wrapped), Said::Flink("it was taken away".into()));
    assert_eq!(
        said(503, election),
        Said::Flink("nobody leads at the moment".into())
    );
    let fenced = br#"{"errors":["Internal server error.","<Exception on server side:\norg.apache.flink.runtime.rpc.exceptions.RecipientUnreachableException: Could not send message [RemoteFencedMessage(89d1, RemoteRpcInvocation(RestfulGateway.requestMultipleJobDetails(Duration)))] from sender [Actor[pekko://flink/temp/x]] to recipient [Actor[pekko.tcp://flink@10.0.0.6:6123/user/rpc/dispatcher_4]], because the recipient is unreachable."]}"#;
    assert_eq!(
        said(500, fenced),
        Said::Flink("the leader that it asks is gone".into())
    );
    let proxy = br#"{"kind":"Status","apiVersion":"v1","message":"error trying to reach service: dial tcp 10.244.0.7:8081: connect: connection refused","code":503}"#;
    assert!(
        matches!(said(503, proxy), Said::Between(text) if text.ends_with("connection refused"))
    );
    assert_eq!(said(502, b""), Said::Between("HTTP 502".into()));
    assert!(matches!(said(200, b"<html>"), Said::Between(text) if text == "HTTP 200: <html>"));
    assert!(
        jobs(b"<html>\x1b[2J")
            .unwrap_err()
            .ends_with("begins with `<html>`")
    );
}
