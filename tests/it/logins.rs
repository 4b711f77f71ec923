//! A registry that wants a login: the Docker client's own is used, from its file or from a helper, a
//! missing one is told with what to do, and none is seen anywhere else.

use crate::doctor::run;
use crate::program::{Ended, Program};
use crate::simulated::Machine;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

const NODE: &str = "kindest/node:v1.37.0";
/// Its base64 has the characters that differ between the alphabets.
const PASSWORD: &str = "s3>cr?t~~~>>>???";

/// A machine without the node image, and a registry that gives it to one person only.
async fn machine() -> (Machine, Program) {
    let machine = Machine::start(20.0).await;
    machine.sim.forget_image(NODE);
    machine.sim.registry_wants("ann", PASSWORD);
    let program = Program::with_docker(&machine.sim.docker_host());
    (machine, program)
}

fn configure(program: &Program, config: &serde_json::Value) {
    let folder = program.user_home().join(".docker");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
}

/// Nothing that was printed or written has the password, in the clear or in base64.
fn nowhere(program: &Program, ended: &Ended) {
    let encoded = STANDARD.encode(format!("ann:{PASSWORD}"));
    let secrets = [PASSWORD, &encoded, &encoded[..20]];
    let mut texts = vec![ended.out.clone(), ended.err.clone()];
    let mut folders: Vec<PathBuf> = vec![program.user_home().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_clients = path.ends_with(".docker") || path.ends_with("bin");
            if path.is_dir() && !is_clients {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                texts.push(unpacked(&path, &bytes));
            }
        }
    }
    for (text, secret) in texts
        .iter()
        .flat_map(|text| secrets.map(|secret| (text, secret)))
    {
        assert!(!text.contains(secret), "{text}");
    }
}

/// A file's text; a recording is unpacked.
fn unpacked(path: &Path, bytes: &[u8]) -> String {
    use std::io::Read;
    if path.extension().is_some_and(|kind| kind == "gz") {
        let mut text = Vec::new();
        let mut reader = flate2::read::MultiGzDecoder::new(bytes);
        let _ = reader.read_to_end(&mut text);
        return String::from_utf8_lossy(&text).into_owned();
    }
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_login_pulls_and_is_seen_nowhere() {
    let (_machine, program) = machine().await;
    let entry = STANDARD.encode(format!("ann:{PASSWORD}"));
    configure(
        &program,
        &json!({"auths": {"https://index.docker.io/v1/": {"auth": entry}}}),
    );
    let seen = run(&program, &["doctor", "--json", "--log-level", "debug"]).await;
    assert!(
        seen.out.contains("its registry has it"),
        "{}{}",
        seen.out,
        seen.err
    );
    nowhere(&program, &seen);
    let arguments = [
        "doctor",
        "--fix",
        "--log-level",
        "trace",
        "--record",
        "x.flinklab.gz",
    ];
    let seen = run(&program, &arguments).await;
    assert!(
        seen.out.contains(&format!("pulled {NODE}")),
        "{}{}",
        seen.out,
        seen.err
    );
    nowhere(&program, &seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_login_or_with_a_wrong_one_it_says_what_to_do() {
    let (_machine, program) = machine().await;
    let seen = run(&program, &["doctor"]).await;
    assert_eq!(seen.code, 3);
    let words = |seen: &Ended| seen.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let hint = "If the image is private, log in with `docker login`; else look at its name.";
    assert!(words(&seen).contains(hint), "{}", seen.out);
    let entry = STANDARD.encode("ann:wrong");
    configure(
        &program,
        &json!({"auths": {"https://index.docker.io/v1/": {"auth": entry}}}),
    );
    let seen = run(&program, &["up", "--json"]).await;
    let all = seen.objects();
    let fault = &all.last().unwrap()["error"];
    assert_eq!(fault["code"], "image-pull", "{}{}", seen.out, seen.err);
    assert_eq!(
        fault["hint"],
        "The registry refuses the login that the Docker client has: `docker login` again."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_on_the_path_is_called_as_docker_calls_it() {
    let (_machine, program) = machine().await;
    let bin = program.user_home().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = get ] || exit 1\nread -r server\n\
         [ \"$server\" = https://index.docker.io/v1/ ] || exit 2\n\
         printf '%s' '{}'\n",
        json!({"ServerURL": "x", "Username": "ann", "Secret": PASSWORD})
    );
    // Written by another process: what this one has open cannot be started.
    let written = Command::new("sh")
        .args([
            "-c",
            "printf '%s' \"$2\" > \"$1\" && chmod 700 \"$1\"",
            "sh",
        ])
        .args([
            bin.join("docker-credential-safe").to_str().unwrap(),
            &script,
        ])
        .status();
    assert!(written.unwrap().success());
    configure(&program, &json!({"credsStore": "safe"}));
    let mut command = program.command(&["doctor", "--fix"]);
    command.env("PATH", &bin);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let ended = Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(
        ended.out.contains(&format!("pulled {NODE}")),
        "{}{}",
        ended.out,
        ended.err
    );
    nowhere(&program, &ended);
}
