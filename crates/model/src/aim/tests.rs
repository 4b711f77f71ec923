//! Whom a failure would hit, and what speaks against it, on a real lab just before a break.

#![allow(clippy::unwrap_used)]

use super::super::{BreakState, Model, Run, update};
use flinklab_event::{Event, Happening, PodChange, RunEvent, RunEventKind, Worker};
use flinklab_lab::failure::{CATALOGUE, find};

/// A real lab just before a break.
fn healthy() -> Model {
    let text = include_str!("../../../../tests/fixtures/runs/jm-crash.jsonl");
    let mut model = Model::default();
    let facts = crate::tests::lab_facts("fef4a397879c16aa52a242d081f177d6");
    let mut all = text
        .lines()
        .map(|line| serde_json::from_str::<Happening>(line).unwrap());
    let first = all.next().unwrap();
    let event = Event::Lab(Box::new(facts));
    update(
        &mut model,
        &Happening {
            at: first.at,
            event,
        },
    );
    update(&mut model, &first);
    for happening in all {
        if let Event::Run(RunEvent {
            kind: RunEventKind::Sent { .. },
            ..
        }) = happening.event
        {
            break;
        }
        update(&mut model, &happening);
    }
    // The recording begins shortly before the break, with the pods one by one.
    model.cluster.listed = true;
    model.job.good_in_a_row = super::super::GOOD;
    model
}

fn slots(model: &mut Model, used: [(&str, u32); 2]) {
    let workers = used.map(|(host, used)| Worker {
        host: host.to_owned(),
        slots: 2,
        free: 2 - used,
        heartbeat: None,
    });
    model.job.workers = Some((model.now, workers.to_vec()));
}

#[test]
fn the_leader_is_pinned_by_pod_container_and_epoch() {
    let aim = healthy().aim(find("jm-crash").unwrap());
    let target = aim.target.unwrap();
    assert_eq!(target.pod, "flink-jobmanager-5skkb");
    assert_eq!(target.container.as_deref(), Some("709e3beab6f4"));
    assert_eq!(target.epoch.as_deref(), Some("fcd9f956"));
    assert_eq!(target.node.as_deref(), Some("dev-control-plane"));
    assert_eq!(target.reason, "leads epoch 1");
    assert_eq!(aim.against, Vec::<String>::new());
}

#[test]
fn the_order_is_named_by_time_and_key() {
    let model = healthy();
    let failure = find("jm-crash").unwrap();
    let order = model.order(failure, model.aim(failure).target.unwrap());
    assert_eq!(order.run, "20261122-231105-jm-crash");
}

#[test]
fn nobody_leads_once_the_lease_has_run_out() {
    let mut model = healthy();
    model.now += jiff::SignedDuration::from_secs(16);
    let why = model.aim(find("jm-stop").unwrap()).target.unwrap_err();
    assert_eq!(why, "nobody leads: the lease ran out");
}

#[test]
fn a_task_manager_is_hit_only_where_tasks_run() {
    let mut model = healthy();
    let failure = find("tm-stop").unwrap();
    let why = model.aim(failure).target.unwrap_err();
    assert_eq!(why, "it is not known yet which TaskManager runs tasks");
    // After a loss all tasks are on the other one, and this one is first by name.
    slots(&mut model, [("10.244.0.5", 0), ("10.244.0.4", 2)]);
    let target = model.aim(failure).target.unwrap();
    assert_eq!(
        (target.pod.as_str(), target.reason.as_str()),
        ("flink-taskmanager-t4wpd", "runs tasks in 2 slots")
    );
    slots(&mut model, [("10.244.0.5", 1), ("10.244.0.4", 1)]);
    assert_eq!(
        model.aim(failure).target.unwrap().pod,
        "flink-taskmanager-8zwwx"
    );
    let fresh = model.now;
    model.now = fresh + jiff::SignedDuration::from_secs(6);
    let why = "it is not known any more which TaskManager runs tasks";
    assert_eq!(model.aim(failure).target.unwrap_err(), why);
    model.now = fresh;
    model.job.restores.push(flinklab_event::Restored {
        id: 1,
        at: fresh,
        savepoint: false,
        path: None,
    });
    assert_eq!(model.aim(failure).target.unwrap_err(), why);
    model.job.restores.clear();
    slots(&mut model, [("10.244.0.5", 0), ("10.244.0.4", 0)]);
    assert_eq!(
        model.aim(failure).target.unwrap_err(),
        "no TaskManager runs tasks"
    );
}

#[test]
fn an_aim_is_dropped_when_its_pins_change() {
    let mut model = healthy();
    let aim = model.aim(find("jm-crash").unwrap());
    assert_eq!(model.moved_on(&aim), None);
    let mut pod = model.cluster.leader().unwrap().clone();
    pod.container = Some("another".into());
    let at = model.now;
    let event = Event::Pods(PodChange::Applied(pod.clone()));
    update(&mut model, &Happening { at, event });
    assert!(model.moved_on(&aim).unwrap().contains("restarted"));
    let event = Event::Pods(PodChange::Deleted { uid: pod.uid });
    update(&mut model, &Happening { at, event });
    assert!(model.moved_on(&aim).unwrap().contains("is gone"));
}

#[test]
fn the_gate_names_what_speaks_against_a_break() {
    let mut model = healthy();
    let failure = find("jm-crash").unwrap();
    let target = model.aim(failure).target.unwrap();
    let run = Run::begin(model.order(failure, target), &model);
    model.breaking.begin(run);
    assert!(model.aim(failure).against[0].contains("is still observed"));
    model.breaking = BreakState::Idle;
    model.now += jiff::SignedDuration::from_secs(8);
    let against = model.aim(failure).against;
    assert!(
        against.iter().any(|why| why.contains("has not answered")),
        "{against:?}"
    );
    assert!(
        against
            .iter()
            .any(|why| why.contains("more than two intervals")),
        "{against:?}"
    );
    let against = Model::default().aim(failure).against;
    assert_eq!(
        against,
        [
            "the job was not seen running",
            "no checkpoint has completed yet"
        ]
    );
}

/// "ready" must not be said of what is refused a moment later.
#[test]
fn what_would_be_refused_is_not_ready() {
    let mut model = healthy();
    let failure = find("jm-crash").unwrap();
    assert_eq!(model.aim(failure).against, Vec::<String>::new());
    model.active_failures = vec![flinklab_event::ActiveFailure {
        run: "r".into(),
        failure: "jm-freeze".into(),
        what: "a process is stopped".into(),
        since: model.now,
        deadline: model.now,
        owner: None,
    }];
    let why = "jm-freeze is still applied: a process is stopped";
    assert_eq!(model.aim(failure).against, [why]);
    model.active_failures.clear();
    model.breaking = BreakState::TakingBack { run: "r".into() };
    let why = "the run r is judged and not taken back yet";
    assert_eq!(model.aim(failure).against, [why]);
    let at = model.now;
    let event = RunEventKind::Over.of("r");
    update(&mut model, &Happening { at, event });
    assert_eq!(model.aim(failure).against, Vec::<String>::new());
}

#[test]
fn what_was_fired_just_now_speaks_against_another_break() {
    use super::super::Effect;
    let mut model = healthy();
    let failure = find("jm-crash").unwrap();
    let aim = model.aim(failure);
    assert_eq!(aim.against, Vec::<String>::new());
    let order = model.order(failure, aim.target.unwrap());
    let why = format!("the run {} was fired just now", order.run);
    model.ordered(&[Effect::Break(Box::new(order))]);
    assert_eq!(model.aim(failure).against, [why]);
}

#[test]
fn every_jobmanager_is_hit_with_the_leader_first() {
    let model = healthy();
    let failure = find("all-jm-crash").unwrap();
    let target = model.aim(failure).target.unwrap();
    assert_eq!(target.pod, "flink-jobmanager-5skkb");
    assert_eq!(target.also.len(), 1);
    assert_eq!(target.also[0].reason, "stands by");
    let commands = model.commands(failure, &target).join("; ");
    assert_eq!(commands.matches("kill -KILL").count(), 2, "{commands}");
}

/// A person must be able to paste it: no prose, no place to fill in, the lab's own namespace.
#[test]
fn every_command_can_be_pasted() {
    let mut model = healthy();
    slots(&mut model, [("10.244.0.5", 1), ("10.244.0.4", 1)]);
    let lab = model.lab.as_mut().unwrap();
    *lab.names = flinklab_event::LabNames {
        jobmanager: "main".into(),
        taskmanager: "worker".into(),
        workload: "deployment/flink-jobmanager".into(),
        role: "flink".into(),
        cluster: "flinklab".into(),
        checkpoints: "/shared/checkpoints".into(),
    };
    on_worker(&mut model, "flink-taskmanager-t4wpd");
    for failure in CATALOGUE {
        let target = model.aim(failure).target.unwrap();
        for command in model.commands(failure, &target) {
            assert!(command.matches('\'').count() % 2 == 0, "{command}");
            assert!(
                command.starts_with("docker exec dev-control-plane ")
                    || command.starts_with("kubectl --kubeconfig '/' -n flink ")
                    || command == "docker pause dev-worker",
                "{command}"
            );
            for gap in ["  ", "PID,", "NODE", "ADDRESS", " the ", "-s  ", "//"] {
                assert!(!command.contains(gap), "{gap:?} in {command}");
            }
        }
    }
    let stop = find("jm-stop").unwrap();
    let target = model.aim(stop).target.unwrap();
    assert_eq!(
        model.commands(stop, &target),
        ["kubectl --kubeconfig '/' -n flink exec flink-jobmanager-5skkb -c main -- sh -c 'kill 1'"]
    );
}

/// That pod runs on a worker, all others on the control plane.
fn on_worker(model: &mut Model, name: &str) {
    let mut pods = model.cluster.pods.values_mut();
    let pod = pods.find(|pod| pod.name == name).unwrap();
    pod.node = Some("dev-worker".into());
}

#[test]
fn a_worker_is_hit_with_all_that_runs_there_but_never_the_leaders() {
    let mut model = healthy();
    let stop = find("node-stop").unwrap();
    slots(&mut model, [("10.244.0.5", 1), ("10.244.0.4", 1)]);
    let why = model.aim(stop).target.unwrap_err();
    assert!(
        why.starts_with("every TaskManager runs where the leader does"),
        "{why}"
    );
    on_worker(&mut model, "flink-taskmanager-t4wpd");
    let standby = model.cluster.listed_pods().into_iter().find(|pod| {
        pod.role == flinklab_lab::failure::Role::JobManager && pod.name != "flink-jobmanager-5skkb"
    });
    let standby = standby.unwrap().name.clone();
    on_worker(&mut model, &standby);
    let target = model.aim(stop).target.unwrap();
    assert_eq!(target.pod, "flink-taskmanager-t4wpd");
    assert_eq!(target.object.as_deref(), Some("the worker dev-worker"));
    let also: Vec<&str> = target.also.iter().map(|one| one.pod.as_str()).collect();
    assert_eq!(also, [standby.as_str()]);
    assert!(model.moved_on(&model.aim(stop)).is_none());
    on_worker(&mut model, "flink-jobmanager-5skkb");
    assert!(model.aim(stop).target.is_err(), "the leader runs there now");
    let other = model.aim_at(stop, Some("flink-taskmanager-t4wpd")).target;
    assert_eq!(
        other.unwrap_err(),
        "flink-taskmanager-t4wpd is no TaskManager on a worker of its own"
    );
}

#[test]
fn what_is_no_pod_is_pinned_by_the_leader() {
    let target = healthy().aim(find("api-outage").unwrap()).target.unwrap();
    assert_eq!(target.pod, "flink-jobmanager-5skkb");
    assert_eq!(
        target.object.as_deref(),
        Some("the API server of dev-control-plane")
    );
}

#[test]
fn what_the_lab_cannot_have_is_not_aimed() {
    let mut model = healthy();
    let lost = find("state-file-lost").unwrap();
    assert!(model.aim(lost).target.is_ok());
    let lab = model.lab.as_mut().unwrap();
    lab.lacks = vec![("state-file-lost".into(), "its state is inline".into())];
    let why = model.aim(lost).target.unwrap_err();
    assert_eq!(why, "this lab cannot have it: its state is inline");
    assert!(model.aim(find("jm-stop").unwrap()).target.is_ok());
}

#[test]
fn a_wanted_pod_is_hit_only_if_the_failure_may_hit_it() {
    let mut model = healthy();
    slots(&mut model, [("10.244.0.5", 1), ("10.244.0.4", 1)]);
    let at = |key: &str, pod: &str| model.aim_at(find(key).unwrap(), Some(pod)).target;
    let busy = at("tm-stop", "flink-taskmanager-t4wpd").unwrap();
    assert_eq!(busy.pod, "flink-taskmanager-t4wpd");
    assert_eq!(
        at("tm-stop", "flink-jobmanager-5skkb").unwrap_err(),
        "flink-jobmanager-5skkb is no TaskManager that runs tasks"
    );
    assert_eq!(
        at("jm-stop", "flink-taskmanager-t4wpd").unwrap_err(),
        "it hits flink-jobmanager-5skkb, which leads epoch 1, not flink-taskmanager-t4wpd"
    );
    assert!(at("standby-stop", "flink-jobmanager-5skkb").is_err());
}
