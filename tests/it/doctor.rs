//! `doctor` as its users run it, against the simulation: what it prints, its exit codes, and that
//! `up` heeds it before anything is made.

use crate::program::{Ended, Program};
use crate::simulated::Machine;
use serde_json::Value;
use std::path::Path;

/// Runs the program beside the simulation, which lives on this runtime.
pub(crate) async fn run(program: &Program, arguments: &[&str]) -> Ended {
    let mut command = program.command(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn finding<'a>(all: &'a [Value], topic: &str) -> &'a Value {
    let found = all.iter().find(|one| one["finding"]["topic"] == topic);
    &found.unwrap_or_else(|| panic!("no {topic} in {all:#?}"))["finding"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_is_able() {
    let machine = Machine::start(20.0).await;
    let program = Program::with_docker(&machine.sim.docker_host());
    let seen = run(&program, &["doctor", "--json"]).await;
    assert_eq!(seen.code, 0, "{}{}", seen.out, seen.err);
    let all = seen.objects();
    let result = &all.last().unwrap()["result"];
    assert_eq!(
        (&result["command"], &result["outcome"]),
        (&"doctor".into(), &"able".into())
    );
    assert_eq!(finding(&all, "memory")["grade"], "fine");
    assert!(!program.home().exists(), "looking makes nothing");
    let text = run(&program, &["doctor"]).await;
    assert!(
        text.out.contains("ok    Docker") && text.out.contains("0 in the way."),
        "{}",
        text.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_docker_it_says_so_and_looks_at_the_rest() {
    let program = Program::without_docker();
    let seen = run(&program, &["doctor", "--json"]).await;
    assert_eq!(seen.code, 3);
    let all = seen.objects();
    assert_eq!(finding(&all, "docker-unreachable")["grade"], "blocker");
    assert_eq!(finding(&all, "home")["grade"], "fine");
    assert_eq!(all.last().unwrap()["error"]["code"], "doctor-blocker");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_image_is_pulled_by_fix_and_one_that_nobody_has_is_in_the_way() {
    let machine = Machine::start(20.0).await;
    let program = Program::with_docker(&machine.sim.docker_host());
    machine.sim.forget_image("kindest/node:v1.37.0");
    let seen = run(&program, &["doctor", "--json"]).await;
    assert_eq!(seen.code, 0, "{}", seen.out);
    let absent = seen.objects();
    assert_eq!(finding(&absent, "image-absent")["who"], "doctor");
    machine.sim.registry_down();
    let seen = run(&program, &["doctor", "--json"]).await;
    assert_eq!(seen.code, 3);
    assert_eq!(
        finding(&seen.objects(), "image-missing")["grade"],
        "blocker"
    );
    machine.sim.registry_up();
    let refused = run(&program, &["doctor", "--fix", "--read-only", "--json"]).await;
    assert_eq!(refused.code, 2);
    let fixed = run(&program, &["doctor", "--fix", "--json"]).await;
    assert_eq!(fixed.code, 0);
    let fixed = fixed.objects();
    let done = fixed.last().unwrap()["result"]["fixed"]
        .as_array()
        .unwrap()
        .clone();
    assert!(
        done.iter().any(|one| one == "pulled kindest/node:v1.37.0"),
        "{done:?}"
    );
    assert!(
        machine
            .docker
            .inspect_image("kindest/node:v1.37.0")
            .await
            .is_ok()
    );
}

/// A copy of the default lab whose UI has a fixed port.
fn with_port(folder: &Path, port: u16) {
    let lab = flinklab_lab::Lab::open("default").unwrap();
    for (name, text) in lab.files {
        let text = text.replace("hostPort: 0", &format!("hostPort: {port}"));
        std::fs::write(folder.join(name), text).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_found_before_anything_is_made() {
    let machine = Machine::start(20.0).await;
    let program = Program::with_docker(&machine.sim.docker_host());
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    with_port(folder.path(), port);
    let lab = folder.path().display().to_string();
    let seen = run(&program, &["up", "--json", "--lab", &lab]).await;
    assert_eq!(seen.code, 3, "{}", seen.out);
    let error = seen.objects().pop().unwrap()["error"].take();
    assert_eq!(error["code"], "port-taken");
    assert!(
        error["what"].as_str().unwrap().contains(&port.to_string()),
        "{error}"
    );
    assert!(
        error["hint"].as_str().unwrap().contains("kind.yaml"),
        "{error}"
    );
    assert!(!program.home().exists(), "nothing is left behind");
    assert!(
        machine
            .docker
            .list_containers(None)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(machine.networks().await.iter().all(|name| name != "kind"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_cannot_be_written_is_found_before_anything_is_made() {
    let machine = Machine::start(20.0).await;
    let program = Program::with_docker(&machine.sim.docker_host());
    let home = program.user_home().join("file");
    std::fs::write(&home, "not a folder").unwrap();
    let below = home.join("labs").display().to_string();
    let seen = run(&program, &["up", "--json", "--home", &below]).await;
    assert_eq!(seen.code, 3, "{}", seen.out);
    assert_eq!(
        seen.objects().pop().unwrap()["error"]["code"],
        "home-unwritable"
    );
    let asked = machine.sim.requests();
    assert!(
        asked
            .keys()
            .all(|(face, verb, _)| face != "docker" || verb == "GET"),
        "{asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lab_that_lost_the_right_to_renew_its_lease_is_seen() {
    let machine = Machine::start(20.0).await;
    let program = Program::with_docker(&machine.sim.docker_host());
    let up = run(&program, &["up", "--name", "sim", "--json"]).await;
    assert_eq!(up.code, 0, "{}{}", up.out, up.err);
    let seen = run(&program, &["doctor", "--name", "sim", "--json"]).await;
    assert_eq!(finding(&seen.objects(), "flink-patch")["grade"], "fine");
    let roles: kube::Api<k8s_openapi::api::rbac::v1::Role> =
        kube::Api::namespaced(machine.client().await, "flink");
    let mut role = roles.get("flink").await.unwrap();
    for rule in role.rules.iter_mut().flatten() {
        rule.verbs.retain(|verb| verb != "patch");
    }
    role.metadata.managed_fields = None;
    let how = kube::api::PostParams::default();
    roles.replace("flink", &how, &role).await.unwrap();
    let seen = run(&program, &["doctor", "--name", "sim", "--json"]).await;
    assert_eq!(seen.code, 0, "a warning only");
    assert_eq!(finding(&seen.objects(), "flink-patch")["grade"], "warning");
    // `up` mends it; lines tell what each step waits for, and how long it took is remembered.
    let again = run(&program, &["up", "--name", "sim", "--plain"]).await;
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    assert!(again.out.contains("changed: Role flink"), "{}", again.out);
    assert!(again.out.contains("..    5/9 Kubernetes"), "{}", again.out);
    let seen = run(&program, &["doctor", "--name", "sim", "--json"]).await;
    assert_eq!(finding(&seen.objects(), "flink-patch")["grade"], "fine");
    let known = std::fs::read_to_string(program.home().join("earlier.json")).unwrap();
    assert!(known.contains("\"build\""), "{known}");
}
