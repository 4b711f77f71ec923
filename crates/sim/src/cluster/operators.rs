//! The two operators that are known, as far as a lab can tell them from nobody: the objects that
//! each makes of its own, that it puts back what somebody else changes, and what it does to Flink's
//! config map. That the operator itself runs is taken for granted.

use super::controllers::copies;
use super::{Cluster, State};
use crate::api::{Key, complete, kinds};
use crate::pace::Dice;
use flinklab_base::clock;
use serde_json::{Value, json};

/// How long a FlinkCluster's pods sleep before SIGTERM, and how long they may take in all.
const SLEEP: f64 = 30.0;
const GRACE: f64 = 60.0;

/// One look at everything that operators own.
pub(super) fn pass(cluster: &Cluster, state: &mut State) {
    for (key, object) in copies(state, "flinkclusters") {
        spotify(cluster, state, &key, &object);
    }
    for (key, object) in copies(state, "flinkdeployments") {
        apache(cluster, state, &key, &object);
    }
    orphans(state);
}

/// Makes an object that is missing; of one that is there, the replicas are put back.
fn ensure(state: &mut State, dice: &Dice, owner: &Value, key: Key, mut object: Value) {
    let wanted = object["spec"]["replicas"].clone();
    if state.store.get(&key).is_some() {
        if !wanted.is_null() {
            state
                .store
                .edit(&key, |found| found["spec"]["replicas"] = wanted);
        }
        return;
    }
    object["metadata"]["ownerReferences"] = json!([reference(owner)]);
    complete(&key, &mut object, dice.uuid(), clock::now());
    state.store.put(key, object);
}

fn reference(owner: &Value) -> Value {
    json!({"apiVersion": owner["apiVersion"], "kind": owner["kind"],
        "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true})
}

/// What belonged to an operator's object goes with it.
fn orphans(state: &mut State) {
    for plural in ["statefulsets", "deployments", "services", "configmaps"] {
        for (key, object) in copies(state, plural) {
            let owner = &object["metadata"]["ownerReferences"][0];
            let kind = match owner["kind"].as_str() {
                Some("FlinkCluster") => kinds::of("flinkclusters"),
                Some("FlinkDeployment") => kinds::of("flinkdeployments"),
                _ => continue,
            };
            let name = owner["name"].as_str().unwrap_or_default();
            let found = state.store.read(kind, &key.namespace, name);
            if found.is_none_or(|found| found["metadata"]["uid"] != owner["uid"]) {
                state.store.remove(&key);
            }
        }
    }
}

/// Options as a file's lines, those that the operator sets last.
fn conf(options: &Value, set: &[(&str, String)]) -> String {
    let own = options.as_object().into_iter().flatten();
    let own = own.filter(|(key, _)| set.iter().all(|(known, _)| known != key));
    let mut text = String::new();
    for (key, value) in own {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        text.push_str(&format!("{key}: {value}\n"));
    }
    for (key, value) in set {
        text.push_str(&format!("{key}: {value}\n"));
    }
    text
}

fn spotify(cluster: &Cluster, state: &mut State, key: &Key, object: &Value) {
    let (dice, name, spec) = (&cluster.context.dice, &key.name, &object["spec"]);
    let here = |plural, name: &str| Key::new(kinds::of(plural), &key.namespace, name);
    let service = format!("{name}-jobmanager");
    let set = [
        ("jobmanager.rpc.address", service.clone()),
        ("jobmanager.rpc.port", "6123".to_owned()),
        ("blob.server.port", "6124".to_owned()),
        ("query.server.port", "6125".to_owned()),
        ("rest.port", "8081".to_owned()),
    ];
    let map = format!("{name}-configmap");
    let own = json!({"cluster": name, "app": "flink"});
    let text = conf(&spec["flinkProperties"], &set);
    let config = json!({"metadata": {"labels": own}, "data": {"flink-conf.yaml": text}});
    ensure(state, dice, object, here("configmaps", &map), config);
    // Durations that the simulation makes are divided by its speed, and reported so.
    let seconds = |whole: f64| (whole / cluster.context.pace.speed()).ceil().max(1.0) as u64;
    let pod = |component: &str, role: &Value, ports: Value| {
        let mut volumes = role["volumes"].as_array().cloned().unwrap_or_default();
        volumes.push(json!({"name": "flink-config-volume", "configMap": {"name": map}}));
        let mut mounts = role["volumeMounts"].as_array().cloned().unwrap_or_default();
        mounts.push(json!({"name": "flink-config-volume", "mountPath": "/opt/flink/conf"}));
        let sleep = seconds(SLEEP).to_string();
        json!({
            "metadata": {"labels": {"cluster": name, "app": "flink", "component": component,
                "flinkoperator.k8s.io/revision-name": format!("{name}-1")}},
            "spec": {
                "serviceAccountName": spec["serviceAccountName"], "restartPolicy": "Always",
                "terminationGracePeriodSeconds": seconds(GRACE), "volumes": volumes,
                "containers": [{"name": component, "image": spec["image"]["name"],
                    "args": [component], "ports": ports, "volumeMounts": mounts,
                    "lifecycle": {"preStop": {"exec": {"command": ["sleep", sleep]}}},
                    "readinessProbe": {"tcpSocket": {"port": 6123}, "periodSeconds": 5}}],
            },
        })
    };
    let workload = |component: &str, role: &Value, ports: Value| {
        let labels = json!({"cluster": name, "app": "flink", "component": component});
        json!({"metadata": {"labels": labels}, "spec": {
            "replicas": role["replicas"].as_u64().unwrap_or(1),
            "serviceName": format!("{name}-{component}"), "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": labels}, "template": pod(component, role, ports)}})
    };
    let ports = json!([{"name": "rpc", "containerPort": 6123}, {"name": "blob", "containerPort": 6124},
        {"name": "query", "containerPort": 6125}, {"name": "ui", "containerPort": 8081}]);
    let managers = workload("jobmanager", &spec["jobManager"], ports);
    ensure(
        state,
        dice,
        object,
        here("statefulsets", &service),
        managers,
    );
    let ports: Vec<Value> = [("rpc", 6123), ("blob", 6124), ("query", 6125), ("ui", 8081)]
        .map(|(name, port)| json!({"name": name, "port": port}))
        .to_vec();
    let way = |component: &str, ports: Value| {
        json!({"metadata": {"labels": own}, "spec": {"type": "ClusterIP", "ports": ports,
            "selector": {"cluster": name, "app": "flink", "component": component}}})
    };
    let managers = way("jobmanager", json!(ports));
    ensure(state, dice, object, here("services", &service), managers);
    let workers = format!("{name}-taskmanager");
    let ports =
        json!([{"name": "data", "containerPort": 6121}, {"name": "rpc", "containerPort": 6122}]);
    let plural = match spec["taskManager"]["deploymentType"].as_str() {
        Some("Deployment") => "deployments",
        _ => "statefulsets",
    };
    let made = workload("taskmanager", &spec["taskManager"], ports);
    ensure(state, dice, object, here(plural, &workers), made);
    let made = way("taskmanager", json!([{"name": "rpc", "port": 6122}]));
    ensure(state, dice, object, here("services", &workers), made);
    // It knows of HA by the old name of the option only, and then takes the map for its own.
    let options = &spec["flinkProperties"];
    if let (Some(_), Some(_), Some(id)) = (
        options["high-availability"].as_str(),
        options["high-availability.storageDir"].as_str(),
        options["kubernetes.cluster-id"].as_str(),
    ) {
        let map = here("configmaps", &format!("{id}-cluster-config-map"));
        let owner = json!([reference(object)]);
        let known = state.store.get(&map);
        if known.is_some_and(|map| map["metadata"]["ownerReferences"] != owner) {
            state
                .store
                .edit(&map, |map| map["metadata"]["ownerReferences"] = owner);
        }
    }
}

fn apache(cluster: &Cluster, state: &mut State, key: &Key, object: &Value) {
    let (dice, name, spec) = (&cluster.context.dice, &key.name, &object["spec"]);
    let here = |plural, name: &str| Key::new(kinds::of(plural), &key.namespace, name);
    let standalone = spec["mode"] == "standalone";
    let kind = if standalone {
        "flink-standalone-kubernetes"
    } else {
        "flink-native-kubernetes"
    };
    let set = [
        ("high-availability.cluster-id", name.clone()),
        ("kubernetes.cluster-id", name.clone()),
        ("kubernetes.namespace", key.namespace.clone()),
    ];
    let map = format!("flink-config-{name}");
    let text = conf(&spec["flinkConfiguration"], &set);
    let config = json!({"metadata": {"labels": {"app": name, "type": kind}},
        "data": {"config.yaml": text}});
    ensure(state, dice, object, here("configmaps", &map), config);
    let pod = |component: &str, role: &Value| {
        let own = &role["podTemplate"]["spec"];
        let base = if own.is_null() {
            &spec["podTemplate"]["spec"]
        } else {
            own
        };
        let mut pod = if base.is_null() {
            json!({})
        } else {
            base.clone()
        };
        let mains = pod["containers"].as_array().into_iter().flatten();
        let main = mains
            .clone()
            .find(|one| one["name"] == "flink-main-container");
        let mut main = main.cloned().unwrap_or_else(|| json!({}));
        main["name"] = json!("flink-main-container");
        main["image"] = spec["image"].clone();
        main["args"] = match (standalone, component) {
            (true, "jobmanager") => {
                json!([component, "-D", "jobmanager.rpc.address=$(_POD_IP_ADDRESS)"])
            }
            (true, _) => json!([component]),
            (false, "jobmanager") => json!([
                "native-k8s",
                "-D",
                "jobmanager.rpc.address=$(_POD_IP_ADDRESS)"
            ]),
            (false, _) => json!(["native-k8s"]),
        };
        pod["containers"] = json!([main]);
        pod["serviceAccountName"] = spec["serviceAccount"].clone();
        json!({"metadata": {"labels": {"app": name, "component": component, "type": kind}},
            "spec": pod})
    };
    let workload = |component: &str, role: &Value| {
        let labels = json!({"app": name, "component": component, "type": kind});
        json!({"metadata": {"labels": labels}, "spec": {
            "replicas": role["replicas"].as_u64().unwrap_or(1),
            "selector": {"matchLabels": labels}, "template": pod(component, role)}})
    };
    let made = workload("jobmanager", &spec["jobManager"]);
    ensure(state, dice, object, here("deployments", name), made);
    let made = json!({"metadata": {"labels": {"app": name, "type": kind}}, "spec": {
        "type": "ClusterIP", "ports": [{"name": "rest", "port": 8081}],
        "selector": {"app": name, "component": "jobmanager", "type": kind}}});
    ensure(
        state,
        dice,
        object,
        here("services", &format!("{name}-rest")),
        made,
    );
    if standalone {
        let made = workload("taskmanager", &spec["taskManager"]);
        let key = here("deployments", &format!("{name}-taskmanager"));
        return ensure(state, dice, object, key, made);
    }
    let slots = cluster
        .lab
        .flink_options()
        .remove("taskmanager.numberOfTaskSlots");
    let slots = slots.and_then(|slots| slots.parse().ok()).unwrap_or(1_u32);
    let mut template = pod("taskmanager", &spec["taskManager"]);
    template["spec"]["restartPolicy"] = json!("Never");
    on_demand(
        state,
        dice,
        &here("deployments", name),
        template,
        slots.max(1),
    );
}

/// The JobManager of a native cluster starts TaskManagers for the slots that its jobs want, forgets
/// those that ended, and lets go of those that nobody needs.
fn on_demand(state: &mut State, dice: &Dice, manager: &Key, template: Value, slots: u32) {
    let Some(owner) = state.store.get(manager).cloned() else {
        return;
    };
    let labels = template["metadata"]["labels"].clone();
    let mut alive = Vec::new();
    let pods = copies(state, "pods").into_iter();
    for (key, pod) in pods.filter(|(key, _)| key.namespace == manager.namespace) {
        if pod["metadata"]["labels"] != labels {
            continue;
        }
        match pod["status"]["phase"].as_str() {
            Some("Failed" | "Succeeded") => drop(state.store.remove(&key)),
            _ if pod["metadata"]["deletionTimestamp"].is_null() => alive.push(key),
            _ => {}
        }
    }
    // While nobody leads, nobody asks for any and nobody lets go of any.
    let Some(wanted) = state.flink.slots_wanted() else {
        return;
    };
    let wanted = wanted.div_ceil(slots) as usize;
    for key in alive.iter().skip(wanted) {
        let now = crate::api::seconds(clock::now());
        state
            .store
            .edit(key, |pod| pod["metadata"]["deletionTimestamp"] = json!(now));
    }
    for _ in alive.len()..wanted {
        let count = state.on_demand.entry(manager.name.clone()).or_default();
        *count += 1;
        let name = format!("{}-taskmanager-1-{count}", manager.name);
        let key = Key::new(kinds::of("pods"), &manager.namespace, &name);
        let mut pod = template.clone();
        pod["status"] = json!({"phase": "Pending", "qosClass": "BestEffort"});
        ensure(state, dice, &owner, key, pod);
    }
}
