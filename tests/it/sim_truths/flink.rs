//! Flink.

use crate::simulated::{Machine, eventually};
use flinklab_sim::CleanStop;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{AttachParams, DeleteParams, ListParams};
use kube::{Api, ResourceExt};
use serde_json::Value;
use std::time::Instant;

const SPEED: f64 = 25.0;

struct Seen {
    epoch: String,
    host: String,
    lock: Value,
}

async fn map(client: &kube::Client) -> Seen {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "flink");
    let map = maps.get("flinklab-cluster-config-map").await.unwrap();
    let data = map.data.unwrap_or_default();
    let (epoch, address) = data["org.apache.flink.k8s.leader.dispatcher"]
        .split_once(',')
        .unwrap();
    let host = address
        .split('@')
        .nth(1)
        .unwrap()
        .split(':')
        .next()
        .unwrap();
    let lock = &map.metadata.annotations.unwrap()["control-plane.alpha.kubernetes.io/leader"];
    Seen {
        epoch: epoch.to_owned(),
        host: host.to_owned(),
        lock: serde_json::from_str(lock).unwrap(),
    }
}

async fn leader(client: &kube::Client) -> Pod {
    let host = map(client).await.host;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "flink");
    let all = pods
        .list(&ListParams::default().labels("component=jobmanager"))
        .await
        .unwrap();
    let leads = |pod: &Pod| pod.status.as_ref().unwrap().pod_ip.as_deref() == Some(&host);
    all.items.into_iter().find(leads).unwrap()
}

async fn stop(client: &kube::Client, pod: &str) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "flink");
    let mut process = pods
        .exec(pod, ["sh", "-c", "kill 1"], &AttachParams::default())
        .await
        .unwrap();
    process.take_status().unwrap().await;
}

/// SIGKILL from the node, as the program does it.
async fn crash(machine: &Machine, pod: &Pod) -> String {
    let id = pod
        .status
        .as_ref()
        .unwrap()
        .container_statuses
        .as_ref()
        .unwrap()[0]
        .container_id
        .clone();
    let id = id.unwrap().replace("containerd://", "");
    let said = machine
        .exec(&["sh", "-c", "…", "flinklab-process", &id])
        .await
        .out;
    let word = |name: &str| {
        let found = said
            .split_whitespace()
            .find_map(|word| word.strip_prefix(name))
            .unwrap();
        found.to_owned()
    };
    let (pid, start) = (word("pid="), word("start="));
    assert_eq!(word("pod="), pod.uid().unwrap());
    let ran = machine
        .exec(&["sh", "-c", "…", "flinklab-signal", &pid, &start, "KILL"])
        .await;
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(
        ran.out.starts_with("sent ") && ran.out.contains("\ngone "),
        "{}",
        ran.out
    );
    let again = machine
        .exec(&["sh", "-c", "…", "flinklab-signal", &pid, &start, "KILL"])
        .await;
    assert_eq!((again.code, again.out.trim()), (3, "mismatch"));
    id
}

async fn all_run(machine: &Machine) -> bool {
    let (code, said) = machine.rest("GET", "/jobs/overview", &[]).await;
    let tasks = &said["jobs"][0]["tasks"];
    code == 200
        && said["jobs"][0]["state"] == "RUNNING"
        && tasks["running"] == 4
        && tasks["total"] == 4
}

async fn checkpoints(machine: &Machine, job: &str) -> Value {
    machine
        .rest("GET", &format!("/jobs/{job}/checkpoints"), &[])
        .await
        .1
}

#[tokio::test]
async fn a_lease_is_renewed_and_short_leases_are_told_as_they_are() {
    let machine = Machine::start(SPEED).await;
    let (client, _) = machine.running().await;
    let before = map(&client).await;
    assert_eq!(before.lock["leaseDuration"], "PT0.6S");
    eventually("a renewal", || async {
        map(&client).await.lock["renewTime"] != before.lock["renewTime"]
    })
    .await;
    let after = map(&client).await;
    assert_eq!(after.lock["acquireTime"], before.lock["acquireTime"]);
    assert_eq!(after.epoch, before.epoch);
}

#[tokio::test]
async fn three_witnesses_tell_of_the_same_checkpoint() {
    let machine = Machine::start(10.0).await;
    let (client, job) = machine.running().await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "flink");
    eventually("three that agree", || async {
        let rest = checkpoints(&machine, &job).await["latest"]["completed"]["id"]
            .as_u64()
            .unwrap();
        let data = maps
            .get(&format!("flinklab-{job}-config-map"))
            .await
            .unwrap()
            .data
            .unwrap();
        let disk = machine
            .shared
            .path()
            .join(format!("checkpoints/{job}/chk-{rest}/_metadata"));
        data.contains_key(&format!("checkpointID-{rest:019}"))
            && data["counter"].parse::<u64>().unwrap() > rest
            && disk.exists()
    })
    .await;
    eventually("only three kept", || async {
        let newest = checkpoints(&machine, &job).await["latest"]["completed"]["id"]
            .as_u64()
            .unwrap();
        let kept =
            std::fs::read_dir(machine.shared.path().join(format!("checkpoints/{job}"))).unwrap();
        newest > 6 && kept.count() <= 4
    })
    .await;
}

#[tokio::test]
async fn a_standby_answers_with_the_leaders_data() {
    let machine = Machine::start(SPEED).await;
    let (client, job) = machine.running().await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "flink");
    let port = machine.port("6443/tcp").await;
    for pod in pods
        .list(&ListParams::default().labels("component=jobmanager"))
        .await
        .unwrap()
    {
        let path = format!(
            "/api/v1/namespaces/flink/pods/{}:8081/proxy/jobs/overview",
            pod.name_any()
        );
        let (code, text) = crate::simulated::http(&port, "GET", &path, &[]).await;
        assert!(code == 200 && text.contains(&job), "{code} {text}");
    }
}

#[tokio::test]
async fn a_standby_cannot_take_a_job_in_since_pods_do_not_know_each_others_names() {
    let machine = Machine::start(SPEED).await;
    let (client, _) = machine.running().await;
    let jar = machine.uploaded().await;
    let wish = serde_json::json!({"jobId": "ffffffffffffffffffffffffffffffff"}).to_string();
    let answers = machine.run_by_each(&client, &jar, &wish).await;
    let refused = answers
        .iter()
        .filter(|(_, text)| text.contains("UnknownHostException"));
    assert_eq!(refused.count(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_crashed_leaders_lease_must_run_out_and_the_job_comes_back_from_its_checkpoint() {
    let machine = Machine::start(SPEED).await;
    let (client, job) = machine.running().await;
    let (before, pod) = (map(&client).await, leader(&client).await);
    let known = checkpoints(&machine, &job).await["latest"]["completed"]["id"]
        .as_u64()
        .unwrap();
    let began = Instant::now();
    let id = crash(&machine, &pod).await;
    eventually("no answer of a leader", || async {
        let (code, _) = machine.rest("GET", "/jobs/overview", &[]).await;
        matches!(code, 0 | 500 | 503)
    })
    .await;
    eventually("a new epoch", || async {
        map(&client).await.epoch != before.epoch
    })
    .await;
    let took = began.elapsed().as_secs_f64() * SPEED;
    assert!(took > 8.0, "{took}");
    eventually("all tasks", || all_run(&machine)).await;
    let restored = checkpoints(&machine, &job).await["latest"]["restored"]["id"]
        .as_u64()
        .unwrap();
    assert!(restored >= known, "{restored} {known}");
    let said = machine.exec(&["crictl", "inspect", &id]).await.out;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["status"]["exitCode"], 137);
    eventually("the next checkpoint", || async {
        checkpoints(&machine, &job).await["latest"]["completed"]["id"].as_u64() > Some(restored)
    })
    .await;
}

#[tokio::test]
async fn a_clean_stop_gives_the_lock_back_or_takes_it_again() {
    let machine = Machine::start(SPEED).await;
    let (client, _) = machine.running().await;
    // A lock that is taken again has changed hands once more when the next leader has it.
    for (how, changes) in [(CleanStop::Released, 1), (CleanStop::Retaken, 2)] {
        machine.sim.clean_stops(Some(how));
        let (before, pod) = (map(&client).await, leader(&client).await);
        stop(&client, &pod.name_any()).await;
        eventually("a new epoch", || async {
            map(&client).await.epoch != before.epoch
        })
        .await;
        let transitions = |seen: &Seen| seen.lock["leaderTransitions"].as_u64().unwrap();
        assert_eq!(
            transitions(&map(&client).await) - transitions(&before),
            changes,
            "{how:?}"
        );
        eventually("all tasks", || all_run(&machine)).await;
    }
}

#[tokio::test]
async fn a_deleted_leader_is_replaced_by_another_pod() {
    let machine = Machine::start(SPEED).await;
    let (client, _) = machine.running().await;
    let (before, pod) = (map(&client).await, leader(&client).await);
    let pods: Api<Pod> = Api::namespaced(client.clone(), "flink");
    pods.delete(&pod.name_any(), &DeleteParams::default())
        .await
        .unwrap();
    eventually("a new epoch", || async {
        map(&client).await.epoch != before.epoch
    })
    .await;
    eventually("all tasks", || all_run(&machine)).await;
    eventually("two pods", || async {
        let all = pods
            .list(&ListParams::default().labels("component=jobmanager"))
            .await
            .unwrap();
        all.items.len() == 2 && all.iter().all(|one| one.uid() != pod.uid())
    })
    .await;
}

#[tokio::test]
async fn a_stopped_taskmanager_says_goodbye_and_a_killed_one_is_missed_late() {
    let machine = Machine::start(SPEED).await;
    let (client, job) = machine.running().await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "flink");
    let before = map(&client).await;
    let counts = || async { checkpoints(&machine, &job).await["counts"].clone() };
    // After a stop the other one has all tasks: nobody is left who could find it gone.
    for (killed, alone) in [(true, false), (false, false), (true, true)] {
        // Until Flink has forgotten its pauses: after a long one, the stopped one would be back in
        // time to get tasks again.
        let completed = || async { counts().await["completed"].as_u64().unwrap() };
        let calm = completed().await + 13;
        eventually("26 s of checkpoints", || async {
            completed().await >= calm
        })
        .await;
        // Its resource id is the pod's name.
        let (_, said) = machine.rest("GET", "/taskmanagers", &[]).await;
        let all = said["taskmanagers"].as_array().unwrap();
        let busy = all
            .iter()
            .find(|one| one["freeSlots"].as_u64() < Some(2))
            .unwrap();
        let busy = busy["id"].as_str().unwrap();
        let known = counts().await;
        let began = Instant::now();
        if killed {
            crash(&machine, &pods.get(busy).await.unwrap()).await;
        } else {
            stop(&client, busy).await;
        }
        let restored = || async { counts().await["restored"].as_u64().unwrap() };
        let restores = known["restored"].as_u64().unwrap();
        eventually("a restore", || async { restored().await > restores }).await;
        eventually("all tasks", || all_run(&machine)).await;
        let took = began.elapsed().as_secs_f64() * SPEED;
        let (_, said) = machine
            .rest("GET", &format!("/jobs/{job}/exceptions"), &[])
            .await;
        let history = said["exceptionHistory"]["entries"].as_array().unwrap();
        let why = |n: usize| history[n]["stacktrace"].as_str().unwrap();
        if alone {
            assert!(took > 8.0, "{took} s");
            assert!(why(0).contains("no longer reachable"), "{}", why(0));
        } else if killed {
            // The neighbour fails at once; each try on the slots of the dead one is in vain.
            let tries = usize::try_from(restored().await - restores).unwrap();
            assert!(took > 10.0 && tries > 1, "{tries} tries, {took} s");
            let first = tries - 1;
            assert!(
                why(first).contains("unexpectedly closed by remote"),
                "{}",
                why(first)
            );
            let vain = (0..first).all(|n| why(n).contains("RecipientUnreachableException"));
            assert!(vain, "{said}");
            // One may be under way until its end is noticed; in the seconds of trying after that,
            // nothing is asked of the dead.
            let noticed = history[first]["timestamp"].as_i64().unwrap();
            let tried = checkpoints(&machine, &job).await["history"].clone();
            let asked = tried.as_array().unwrap().iter().filter(|one| {
                one["status"] == "FAILED" && one["trigger_timestamp"].as_i64() > Some(noticed)
            });
            assert_eq!(asked.count(), 0, "{tried:#}");
        } else {
            assert!(why(0).contains("is shutting down"), "{}", why(0));
        }
        eventually("both TaskManagers", || async {
            machine.rest("GET", "/overview", &[]).await.1["slots-total"] == 4
        })
        .await;
    }
    assert_eq!(map(&client).await.epoch, before.epoch);
}

#[tokio::test]
async fn a_restarted_node_brings_the_job_back() {
    let machine = Machine::start(SPEED).await;
    let (_, job) = machine.running().await;
    let node = crate::simulated::NODE;
    machine.docker.stop_container(node, None).await.unwrap();
    machine.docker.start_container(node, None).await.unwrap();
    eventually("all tasks", || all_run(&machine)).await;
    assert!(checkpoints(&machine, &job).await["latest"]["restored"]["id"].is_u64());
}
