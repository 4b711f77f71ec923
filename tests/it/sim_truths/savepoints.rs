//! Savepoints, and what is left of a job that ended: as Flink 2.2.1 did it.

use crate::simulated::{Machine, eventually};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use serde_json::{Value, json};

/// Slow enough that a busy machine loses no TaskManager on the way.
const SPEED: f64 = 10.0;

/// Asks, and polls until it is over: the operation.
async fn asked(machine: &Machine, job: &str, how: &str, body: &Value) -> Value {
    let body = body.to_string();
    eventually("all tasks", || async {
        let (_, said) = machine.rest("GET", "/jobs/overview", &[]).await;
        let rows = said["jobs"].as_array().cloned().unwrap_or_default();
        rows.iter()
            .any(|row| row["jid"] == job && row["tasks"]["running"] == 4)
    })
    .await;
    let path = format!("/jobs/{job}/{how}");
    let (code, said) = machine.rest("POST", &path, body.as_bytes()).await;
    assert_eq!(code, 202, "{said}");
    let request = said["request-id"].as_str().unwrap().to_owned();
    let path = format!("/jobs/{job}/savepoints/{request}");
    eventually("the end of the operation", || async {
        machine.rest("GET", &path, &[]).await.1["status"]["id"] == "COMPLETED"
    })
    .await;
    machine.rest("GET", &path, &[]).await.1["operation"].take()
}

/// Where a path of pods is on this side of the mount.
fn here(machine: &Machine, path: &str) -> std::path::PathBuf {
    let below = path.strip_prefix("file:/flink-shared/").unwrap();
    machine.shared.path().join(below)
}

/// Names in a folder of the shared path, those of the HA store without leases.
fn names(machine: &Machine, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(machine.shared.path().join(folder));
    let entries = entries.into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

async fn maps(client: &kube::Client, job: &str) -> (bool, bool) {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "flink");
    let own = maps.get_opt(&format!("flinklab-{job}-config-map")).await;
    let cluster = maps.get("flinklab-cluster-config-map").await.unwrap();
    let plan = format!("executionPlan-{job}");
    let data = cluster.data.unwrap_or_default();
    (own.unwrap().is_some(), data.contains_key(&plan))
}

async fn state(machine: &Machine, job: &str) -> Value {
    let (_, said) = machine.rest("GET", "/jobs/overview", &[]).await;
    let rows = said["jobs"].as_array().cloned().unwrap_or_default();
    let row = rows.into_iter().find(|row| row["jid"] == job);
    row.map_or(Value::Null, |row| row["state"].clone())
}

async fn checkpoints(machine: &Machine, job: &str) -> Value {
    let path = format!("/jobs/{job}/checkpoints");
    machine.rest("GET", &path, &[]).await.1
}

/// Uploads a jar and runs it on the leader.
async fn begin(machine: &Machine, client: &kube::Client, wish: &Value) {
    let jar = machine.uploaded().await;
    let answers = machine.run_by_each(client, &jar, &wish.to_string()).await;
    assert!(answers.iter().any(|(code, _)| *code == 200), "{answers:?}");
}

#[tokio::test]
async fn a_savepoint_takes_an_id_of_the_counter_and_is_never_pointed_to() {
    let machine = Machine::start(SPEED).await;
    let (client, job) = machine.running().await;
    let done = asked(&machine, &job, "savepoints", &json!({"cancel-job": false})).await;
    let path = done["location"].as_str().unwrap();
    assert!(
        path.starts_with("file:/flink-shared/savepoints/savepoint-012345-"),
        "{path}"
    );
    assert!(here(&machine, path).join("_metadata").is_file());
    let told = checkpoints(&machine, &job).await["latest"]["savepoint"].clone();
    assert_eq!(told["is_savepoint"], true);
    assert_eq!(told["external_path"], path);
    let id = told["id"].as_u64().unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client, "flink");
    let own = maps
        .get(&format!("flinklab-{job}-config-map"))
        .await
        .unwrap();
    assert!(
        !own.data
            .unwrap()
            .contains_key(&format!("checkpointID-{id:019}"))
    );
    eventually("a checkpoint after it", || async {
        checkpoints(&machine, &job).await["latest"]["completed"]["id"].as_u64() > Some(id)
    })
    .await;
    assert_eq!(state(&machine, &job).await, "RUNNING");
}

#[tokio::test]
async fn a_stop_leaves_the_savepoint_and_nothing_else() {
    let machine = Machine::start(SPEED).await;
    let (client, job) = machine.running().await;
    assert_eq!(maps(&client, &job).await, (true, true));
    let target = json!({"targetDirectory": "file:/flink-shared/savepoints", "drain": false});
    let done = asked(&machine, &job, "stop", &target).await;
    let path = done["location"].as_str().unwrap();
    assert_eq!(state(&machine, &job).await, "FINISHED");
    assert!(here(&machine, path).join("_metadata").is_file());
    eventually("no HA data", || async {
        maps(&client, &job).await == (false, false)
    })
    .await;
    assert_eq!(names(&machine, "ha/flinklab"), Vec::<String>::new());
    let left = names(&machine, &format!("checkpoints/{job}"));
    assert!(
        !left.iter().any(|name| name.starts_with("chk-")),
        "{left:?}"
    );
}

#[tokio::test]
async fn a_cancelled_job_keeps_its_checkpoints_where_they_are_retained() {
    let machine = Machine::start(SPEED).await;
    let (client, job) = machine.running().await;
    let path = format!("/jobs/{job}?mode=cancel");
    assert_eq!(machine.rest("PATCH", &path, &[]).await.0, 202);
    eventually("the end", || async {
        state(&machine, &job).await == "CANCELED"
    })
    .await;
    eventually("no HA data", || async {
        maps(&client, &job).await == (false, false)
    })
    .await;
    let left = names(&machine, &format!("checkpoints/{job}"));
    assert!(left.iter().any(|name| name.starts_with("chk-")), "{left:?}");
}

#[tokio::test]
async fn a_job_that_is_told_where_to_start_knows_it_also_after_its_leader() {
    let machine = Machine::start(SPEED).await;
    let (client, job) = machine.running().await;
    let done = asked(&machine, &job, "stop", &json!({})).await;
    let path = done["location"].as_str().unwrap().to_owned();
    let next = "fedcba9876543210fedcba9876543210";
    let wish = json!({"jobId": next, "parallelism": 2, "savepointPath": path});
    begin(&machine, &client, &wish).await;
    eventually("a restore from it", || async {
        let restored = checkpoints(&machine, next).await["latest"]["restored"].clone();
        restored["external_path"] == path.as_str() && restored["is_savepoint"] == true
    })
    .await;
    let told = checkpoints(&machine, next).await["latest"]["restored"]["id"].as_u64();
    eventually("ids that go on", || async {
        checkpoints(&machine, next).await["latest"]["completed"]["id"].as_u64() > told
    })
    .await;
}

#[tokio::test]
async fn a_savepoint_of_a_job_whose_tasks_do_not_run_fails_with_a_reason() {
    let machine = Machine::start(SPEED).await;
    let (_, job) = machine.running().await;
    let wrong = json!({"target-directory": "file:/elsewhere"});
    let done = asked(&machine, &job, "savepoints", &wrong).await;
    let why = done["failure-cause"]["stack-trace"].as_str().unwrap();
    assert!(why.contains("/elsewhere"), "{why}");
    let unknown = "ffffffffffffffffffffffffffffffff";
    let path = format!("/jobs/{unknown}/savepoints");
    assert_eq!(machine.rest("POST", &path, b"{}").await.0, 404);
    let path = format!("/jobs/{job}/savepoints/{unknown}");
    assert_eq!(machine.rest("GET", &path, &[]).await.0, 404);
}
