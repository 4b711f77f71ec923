//! The API server.

use crate::simulated::{Machine, NODE, eventually, http};
use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use kube::api::{
    ApiResource, AttachParams, DeleteParams, DynamicObject, GroupVersionKind, ListParams,
    LogParams, Patch, PatchParams, PostParams, Preconditions, WatchEvent, WatchParams,
};
use kube::core::GroupVersion;
use kube::discovery::pinned_group;
use kube::{Api, Error, ResourceExt};
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncReadExt;

fn map(name: &str, value: &str) -> ConfigMap {
    serde_json::from_value(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"it": value}}, "data": {"a": value}}))
    .unwrap()
}

fn refusal<T>(result: Result<T, Error>) -> (u16, String, String) {
    match result {
        Err(Error::Api(status)) => (status.code, status.reason.clone(), status.message.clone()),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

#[tokio::test]
async fn a_published_port_cuts_connections_until_the_api_server_listens() {
    let machine = Machine::start(50.0).await;
    machine.node().await;
    let port = machine.port("6443/tcp").await;
    assert_eq!(http(&port, "GET", "/version", &[]).await.0, 0);
}

#[tokio::test]
async fn discovery_names_every_kind_of_the_lab() {
    let machine = Machine::start(50.0).await;
    let client = machine.cluster().await;
    let discovery = kube::Discovery::new(client).run().await.unwrap();
    for document in machine
        .lab
        .manifests
        .iter()
        .flat_map(|manifest| &manifest.documents)
    {
        let object: DynamicObject = serde_json::from_value(document.object.clone()).unwrap();
        assert!(
            discovery.resolve_object(&object).is_some(),
            "{}",
            document.kind
        );
    }
}

#[tokio::test]
async fn errors_are_statuses_with_kubernetes_words() {
    let machine = Machine::start(50.0).await;
    let maps: Api<ConfigMap> = Api::namespaced(machine.cluster().await, "default");
    let missing = refusal(maps.get("nope").await);
    assert_eq!(
        missing,
        (
            404,
            "NotFound".into(),
            "configmaps \"nope\" not found".into()
        )
    );
    let made = maps
        .create(&PostParams::default(), &map("it", "1"))
        .await
        .unwrap();
    let twice = refusal(maps.create(&PostParams::default(), &map("it", "1")).await);
    assert_eq!((twice.0, twice.1.as_str()), (409, "AlreadyExists"));
    let mut stale = made.clone();
    maps.replace("it", &PostParams::default(), &made)
        .await
        .unwrap();
    maps.patch(
        "it",
        &PatchParams::default(),
        &Patch::Merge(json!({"data": {"b": "2"}})),
    )
    .await
    .unwrap();
    stale.data = None;
    let conflict = refusal(maps.replace("it", &PostParams::default(), &stale).await);
    assert_eq!((conflict.0, conflict.1.as_str()), (409, "Conflict"));
}

#[tokio::test]
async fn a_delete_with_another_uid_is_a_conflict() {
    let machine = Machine::start(50.0).await;
    let maps: Api<ConfigMap> = Api::namespaced(machine.cluster().await, "default");
    maps.create(&PostParams::default(), &map("it", "1"))
        .await
        .unwrap();
    let other = Preconditions {
        uid: Some("another".to_owned()),
        resource_version: None,
    };
    let how = DeleteParams {
        preconditions: Some(other),
        ..DeleteParams::default()
    };
    let refused = refusal(maps.delete("it", &how).await);
    assert_eq!((refused.0, refused.1.as_str()), (409, "Conflict"));
    maps.delete("it", &DeleteParams::default()).await.unwrap();
}

#[tokio::test]
async fn an_apply_is_idempotent_and_conflicts_without_force() {
    let machine = Machine::start(50.0).await;
    let maps: Api<ConfigMap> = Api::namespaced(machine.cluster().await, "default");
    let apply =
        |manager: &str, value: &str| (PatchParams::apply(manager), Patch::Apply(map("it", value)));
    let (how, what) = apply("one", "1");
    let first = maps.patch("it", &how, &what).await.unwrap();
    let again = maps.patch("it", &how, &what).await.unwrap();
    assert_eq!(first.resource_version(), again.resource_version());
    let (how, what) = apply("two", "2");
    let refused = refusal(maps.patch("it", &how, &what).await);
    assert_eq!((refused.0, refused.1.as_str()), (409, "Conflict"));
    maps.patch("it", &how.force(), &what).await.unwrap();
    assert_eq!(maps.get("it").await.unwrap().data.unwrap()["a"], "2");
}

#[tokio::test]
async fn a_misspelt_field_is_refused_when_validation_is_strict() {
    let machine = Machine::start(50.0).await;
    let deployments: Api<Deployment> = Api::namespaced(machine.cluster().await, "default");
    let mut wrong = machine
        .lab
        .manifests
        .iter()
        .flat_map(|m| &m.documents)
        .find(|document| document.kind == "Deployment")
        .unwrap()
        .object
        .clone();
    wrong["metadata"]["namespace"] = json!("default");
    wrong["spec"]["template"]["spec"]["containers"][0]["imagee"] = json!("x");
    let how = PatchParams {
        field_validation: Some(kube::api::ValidationDirective::Strict),
        ..PatchParams::apply("flinklab")
    };
    let name = wrong["metadata"]["name"].as_str().unwrap().to_owned();
    let refused = refusal(deployments.patch(&name, &how, &Patch::Apply(&wrong)).await);
    assert_eq!(refused.0, 400);
    assert!(refused.2.contains("imagee"), "{}", refused.2);
}

#[tokio::test]
async fn a_watch_goes_on_from_a_version_and_an_old_one_is_an_error_event_not_an_http_error() {
    let machine = Machine::start(50.0).await;
    let maps: Api<ConfigMap> = Api::namespaced(machine.cluster().await, "default");
    let version = maps
        .list(&ListParams::default())
        .await
        .unwrap()
        .metadata
        .resource_version
        .unwrap();
    maps.create(&PostParams::default(), &map("it", "1"))
        .await
        .unwrap();
    maps.delete("it", &DeleteParams::default()).await.unwrap();
    let how = WatchParams::default().labels("it=1");
    let mut events = maps.watch(&how, &version).await.unwrap().boxed();
    let first = events.try_next().await.unwrap().unwrap();
    assert!(
        matches!(first, WatchEvent::Added(ref it) if it.name_any() == "it"),
        "{first:?}"
    );
    let second = events.try_next().await.unwrap().unwrap();
    assert!(matches!(second, WatchEvent::Deleted(_)), "{second:?}");
    machine.sim.expire_watches();
    let mut events = maps.watch(&how, &version).await.unwrap().boxed();
    let expired = events.try_next().await.unwrap().unwrap();
    assert!(
        matches!(expired, WatchEvent::Error(ref status) if status.code == 410),
        "{expired:?}"
    );
}

#[tokio::test]
async fn an_object_that_ceases_to_match_is_deleted_for_the_watch() {
    let machine = Machine::start(50.0).await;
    let maps: Api<ConfigMap> = Api::namespaced(machine.cluster().await, "default");
    let made = maps
        .create(&PostParams::default(), &map("it", "1"))
        .await
        .unwrap();
    let how = WatchParams::default().labels("it=1");
    let mut events = maps
        .watch(&how, &made.resource_version().unwrap())
        .await
        .unwrap()
        .boxed();
    let change = Patch::Merge(json!({"metadata": {"labels": {"it": "2"}}}));
    maps.patch("it", &PatchParams::default(), &change)
        .await
        .unwrap();
    let event = events.try_next().await.unwrap().unwrap();
    assert!(matches!(event, WatchEvent::Deleted(_)), "{event:?}");
}

#[tokio::test]
async fn a_node_is_ready_once_there_is_a_pod_network() {
    let machine = Machine::start(50.0).await;
    let client = machine.cluster().await;
    let nodes: Api<Node> = Api::all(client.clone());
    let ready = || async {
        let node = nodes.get("sim-control-plane").await.unwrap();
        let conditions = node
            .status
            .and_then(|status| status.conditions)
            .unwrap_or_default();
        conditions
            .iter()
            .any(|one| one.type_ == "Ready" && one.status == "True")
    };
    assert!(!ready().await);
    let set = json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "kindnet", "namespace": "kube-system"},
        "spec": {"selector": {"matchLabels": {"app": "kindnet"}}, "template": {
            "metadata": {"labels": {"app": "kindnet"}}, "spec": {"hostNetwork": true,
            "containers": [{"name": "cni", "image": "docker.io/kindest/kindnetd:v20250512-df8de77b"}]}}}});
    let sets: Api<k8s_openapi::api::apps::v1::DaemonSet> = Api::namespaced(client, "kube-system");
    sets.create(
        &PostParams::default(),
        &serde_json::from_value(set).unwrap(),
    )
    .await
    .unwrap();
    eventually("a Ready node", ready).await;
}

#[tokio::test]
async fn a_deployment_makes_pods_that_wait_for_their_image_and_become_ready() {
    let machine = Machine::start(50.0).await;
    let client = machine.cluster().await;
    machine.apply(&client).await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "flink");
    let waiting = || async {
        let pods = pods.list(&ListParams::default()).await.unwrap();
        pods.iter()
            .filter(|pod| {
                let statuses = pod
                    .status
                    .as_ref()
                    .and_then(|status| status.container_statuses.as_ref());
                let state = statuses.and_then(|all| all.first()?.state.clone());
                state.and_then(|state| state.waiting?.reason).as_deref() == Some("ErrImagePull")
            })
            .count()
            == 4
    };
    eventually("pods without their image", waiting).await;
    machine.load().await;
    let deployments: Api<Deployment> = Api::namespaced(client, "flink");
    eventually("a rollout", || async {
        let all = deployments.list(&ListParams::default()).await.unwrap();
        all.iter()
            .all(|one| one.status.as_ref().and_then(|s| s.ready_replicas) == Some(2))
    })
    .await;
    let all = pods.list(&ListParams::default()).await.unwrap();
    assert!(all.iter().all(|pod| pod.name_any().starts_with("flink-")));
    let ips: std::collections::BTreeSet<_> = all
        .iter()
        .map(|pod| pod.status.as_ref().unwrap().pod_ip.clone().unwrap())
        .collect();
    assert_eq!(ips.len(), 4);
}

#[tokio::test]
async fn exec_answers_with_a_status_and_the_exit_code() {
    let machine = Machine::start(50.0).await;
    let (client, _) = machine.running().await;
    let pods: Api<Pod> = Api::namespaced(client, "flink");
    let name = pods.list(&ListParams::default()).await.unwrap().items[0].name_any();
    let how = AttachParams::default().stderr(true);
    let mut process = pods
        .exec(&name, ["sh", "-c", "exit 3"], &how)
        .await
        .unwrap();
    let status = process.take_status().unwrap().await.unwrap();
    assert_eq!(status.reason.as_deref(), Some("NonZeroExitCode"));
    assert_eq!(
        status.details.unwrap().causes.unwrap()[0]
            .message
            .as_deref(),
        Some("3")
    );
    let mut process = pods.exec(&name, ["echo", "hello"], &how).await.unwrap();
    let mut out = String::new();
    process
        .stdout()
        .unwrap()
        .read_to_string(&mut out)
        .await
        .unwrap();
    assert_eq!(out, "hello\n");
}

#[tokio::test]
async fn kill_from_inside_does_nothing_but_term() {
    let machine = Machine::start(50.0).await;
    let (client, _) = machine.running().await;
    let pods: Api<Pod> = Api::namespaced(client, "flink");
    let all = pods
        .list(&ListParams::default().labels("component=taskmanager"))
        .await
        .unwrap();
    let name = all.items[0].name_any();
    let run = |script: &'static str| {
        let (pods, name) = (pods.clone(), name.clone());
        async move {
            let mut process = pods
                .exec(&name, ["sh", "-c", script], &AttachParams::default())
                .await
                .unwrap();
            // A container that dies under it leaves no status.
            process.take_status().unwrap().await
        }
    };
    let restarts = || async {
        let pod = pods.get(&name).await.unwrap();
        pod.status.unwrap().container_statuses.unwrap()[0].restart_count
    };
    assert_eq!(
        run("kill -9 1").await.unwrap().status.as_deref(),
        Some("Success")
    );
    // Had it hit, the last exit below would be 137.
    assert_eq!(restarts().await, 0);
    run("kill 1").await;
    eventually("a restart", || async { restarts().await == 1 }).await;
    let pod = pods.get(&name).await.unwrap();
    let last = pod.status.unwrap().container_statuses.unwrap()[0]
        .last_state
        .clone();
    assert_eq!(last.unwrap().terminated.unwrap().exit_code, 143);
}

#[tokio::test]
async fn a_followed_log_ends_with_its_container_and_goes_on_as_previous() {
    let machine = Machine::start(50.0).await;
    let (client, _) = machine.running().await;
    let pods: Api<Pod> = Api::namespaced(client, "flink");
    let all = pods
        .list(&ListParams::default().labels("component=jobmanager"))
        .await
        .unwrap();
    let name = all.items[0].name_any();
    let previous = LogParams {
        previous: true,
        ..LogParams::default()
    };
    assert!(pods.logs(&name, &previous).await.is_err());
    let follow = LogParams {
        follow: true,
        timestamps: true,
        ..LogParams::default()
    };
    let lines = pods.log_stream(&name, &follow).await.unwrap().lines();
    let kill = async {
        let mut process = pods
            .exec(&name, ["sh", "-c", "kill 1"], &AttachParams::default())
            .await
            .unwrap();
        process.take_status().unwrap().await
    };
    let (lines, _) = futures::join!(lines.try_collect::<Vec<String>>(), kill);
    let lines = lines.unwrap();
    assert!(
        lines.iter().any(|line| line.contains("SIGTERM")),
        "{lines:?}"
    );
    assert!(
        lines[0]
            .split_once(' ')
            .unwrap()
            .0
            .parse::<jiff::Timestamp>()
            .is_ok(),
        "{}",
        lines[0]
    );
    eventually("the log of before", || async {
        pods.logs(&name, &previous)
            .await
            .is_ok_and(|text| text.contains("SIGTERM"))
    })
    .await;
}

#[tokio::test]
async fn the_pod_proxy_keeps_flinks_error_bodies_and_is_a_503_where_nobody_listens() {
    let machine = Machine::start(50.0).await;
    let (client, _) = machine.running().await;
    let pods: Api<Pod> = Api::namespaced(client, "flink");
    let of = |role: &str| ListParams::default().labels(&format!("component={role}"));
    let port = machine.port("6443/tcp").await;
    let master = pods.list(&of("jobmanager")).await.unwrap().items[0].name_any();
    let path = format!(
        "/api/v1/namespaces/flink/pods/{master}:8081/proxy/jobs/{}",
        "f".repeat(32)
    );
    let (code, text) = http(&port, "GET", &path, &[]).await;
    assert_eq!(code, 404);
    assert!(text.starts_with("{\"errors\":["), "{text}");
    let worker = pods.list(&of("taskmanager")).await.unwrap().items[0].name_any();
    let path = format!("/api/v1/namespaces/flink/pods/{worker}:8081/proxy/overview");
    let (code, text) = http(&port, "GET", &path, &[]).await;
    assert_eq!(code, 503);
    assert!(text.contains("connection refused"), "{text}");
}

#[tokio::test]
async fn an_api_server_that_is_away_cuts_watches_and_comes_back() {
    let machine = Machine::start(50.0).await;
    let maps: Api<ConfigMap> = Api::namespaced(machine.cluster().await, "default");
    let mut events = maps
        .watch(&WatchParams::default(), "0")
        .await
        .unwrap()
        .boxed();
    events.try_next().await.unwrap().unwrap();
    machine.sim.api_down();
    let end = async { while let Some(Ok(_)) = events.next().await {} };
    tokio::time::timeout(Duration::from_secs(5), end)
        .await
        .unwrap();
    assert!(maps.list(&ListParams::default()).await.is_err());
    machine.sim.api_up();
    maps.list(&ListParams::default()).await.unwrap();
}

/// A silent node is believed in until its lease is too old; then nothing is put there any more.
#[tokio::test]
async fn a_node_that_stands_still_is_given_up_and_taken_back() {
    let machine = Machine::start(50.0).await;
    let nodes: Api<Node> = Api::all(machine.cluster().await);
    let ready = || async {
        let node = nodes.get(NODE).await.unwrap();
        let conditions = node.status.unwrap().conditions.unwrap();
        let mut all = conditions.into_iter();
        let ready = all.find(|one| one.type_ == "Ready").unwrap().status;
        let taints = node.spec.unwrap().taints.unwrap_or_default();
        let mut taints = taints.iter().map(|taint| taint.key.as_str());
        (
            ready,
            taints.any(|key| key == "node.kubernetes.io/unreachable"),
        )
    };
    machine.docker.pause_container(NODE).await.unwrap();
    assert!(!ready().await.1, "not at once");
    eventually("the node is given up", || async {
        ready().await == ("Unknown".to_owned(), true)
    })
    .await;
    machine.docker.unpause_container(NODE).await.unwrap();
    eventually("the node is back", || async { !ready().await.1 }).await;
}

/// A custom kind is there once its definition is.
#[tokio::test]
async fn a_custom_kind_needs_its_definition() {
    let machine = Machine::start(50.0).await;
    let client = machine.cluster().await;
    let version = GroupVersion::gv("flinkoperator.k8s.io", "v1beta1");
    assert!(pinned_group(&client, &version).await.is_err());
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "flinkclusters.flinkoperator.k8s.io"},
        "spec": {"group": "flinkoperator.k8s.io"}});
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let all: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    let definition = serde_json::from_value(definition).unwrap();
    all.create(&PostParams::default(), &definition)
        .await
        .unwrap();
    let group = pinned_group(&client, &version).await.unwrap();
    assert!(group.recommended_kind("FlinkCluster").is_some());
}
