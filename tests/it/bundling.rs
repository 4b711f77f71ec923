//! A bundle made on one simulated machine and loaded on another that has no network; and what is
//! refused.

use crate::doctor::run;
use crate::program::Program;
use crate::simulated::Machine;

const SPEED: f64 = 20.0;

async fn has(machine: &Machine, image: &str) -> bool {
    machine.docker.inspect_image(image).await.is_ok()
}

const NODE: &str = "kindest/node:v1.37.0";
const FLINK: &str = "flink:2.3.0-scala_2.12-java17";

#[tokio::test(flavor = "multi_thread")]
async fn a_lab_is_carried_to_a_machine_without_a_network() {
    let (there, here) = (Machine::start(SPEED).await, Machine::start(SPEED).await);
    let program = Program::with_docker(&there.sim.docker_host());
    let file = program.user_home().join("lab.bundle");
    let path = file.to_str().unwrap();
    let made = run(&program, &["bundle", "create", path, "--json"]).await;
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    let all = made.objects();
    let size = all
        .iter()
        .find(|one| one["step"]["name"] == "size" && one["step"]["state"] == "done");
    let told = size.unwrap()["step"]["detail"].as_str().unwrap();
    assert!(
        told.contains(NODE) && told.contains(FLINK) && told.contains("1.5 GB"),
        "{told}"
    );
    let written = all
        .iter()
        .position(|one| one["step"]["name"] == "write" && one["step"]["state"] == "running");
    let sized = all
        .iter()
        .position(|one| one["step"]["name"] == "size" && one["step"]["state"] == "done");
    assert!(
        sized < written,
        "the size is told before anything is written"
    );
    let result = &all.last().unwrap()["result"];
    assert_eq!(result["bytes"], std::fs::metadata(&file).unwrap().len());
    assert!(!program.home().exists(), "no lab is made for it");

    // written over is nothing
    let again = run(&program, &["bundle", "create", path, "--json"]).await;
    assert_eq!(again.code, 2);
    assert_eq!(
        again.objects().last().unwrap()["error"]["code"],
        "file-exists"
    );

    here.sim.registry_down();
    for image in [NODE, FLINK] {
        here.sim.forget_image(image);
    }
    let other = Program::with_docker(&here.sim.docker_host());
    let without = run(&other, &["up", "--name", "sim", "--json"]).await;
    assert_eq!(without.code, 3, "nobody has the images");
    let loaded = run(&other, &["bundle", "load", path, "--json"]).await;
    assert_eq!(loaded.code, 0, "{}{}", loaded.out, loaded.err);
    let result = loaded.objects().pop().unwrap()["result"].clone();
    assert_eq!(result["loaded"].as_array().unwrap().len(), 2);
    assert_eq!(result["folder"], serde_json::Value::Null, "it is built in");
    let up = run(&other, &["up", "--name", "sim", "--json"]).await;
    assert_eq!(up.code, 0, "{}{}", up.out, up.err);
    let again = run(&other, &["bundle", "load", path, "--json"]).await;
    assert_eq!(again.objects().last().unwrap()["result"]["changed"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_damaged_bundle_is_loaded() {
    let machine = Machine::start(SPEED).await;
    let program = Program::with_docker(&machine.sim.docker_host());
    let file = program.user_home().join("lab.bundle");
    let path = file.to_str().unwrap();
    assert_eq!(run(&program, &["bundle", "create", path]).await.code, 0);
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 0x10;
    std::fs::write(&file, bytes).unwrap();
    machine.sim.forget_image(NODE);
    machine.sim.forget_image(FLINK);
    let refused = run(&program, &["bundle", "load", path, "--json"]).await;
    assert_eq!(refused.code, 2);
    let error = refused.objects().pop().unwrap()["error"].clone();
    assert_eq!(error["code"], "bundle-damaged");
    let why = error["why"].as_str().unwrap();
    assert!(why.contains("part 1 of 1 of"), "{why}");
    assert!(!has(&machine, NODE).await && !has(&machine, FLINK).await);
    let none = run(&program, &["bundle", "load", "/nonexistent/file"]).await;
    assert_eq!(none.code, 2);
    assert!(none.err.contains("bundle create"), "{}", none.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_an_own_lab_come_out_as_a_folder() {
    let machine = Machine::start(SPEED).await;
    let program = Program::with_docker(&machine.sim.docker_host());
    let own = program.user_home().join("own");
    let own_path = own.to_str().unwrap();
    assert_eq!(
        run(&program, &["lab", "export", "default", own_path])
            .await
            .code,
        0
    );
    let text = std::fs::read_to_string(own.join("lab.yaml")).unwrap();
    std::fs::write(
        own.join("lab.yaml"),
        text.replacen("name: default", "name: own", 1),
    )
    .unwrap();
    let file = program.user_home().join("own.bundle");
    let path = file.to_str().unwrap();
    let made = run(&program, &["--lab", own_path, "bundle", "create", path]).await;
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    let to = program.user_home().join("unpacked");
    let to_path = to.to_str().unwrap();
    let loaded = run(&program, &["bundle", "load", path, "--to", to_path]).await;
    assert_eq!(loaded.code, 0, "{}{}", loaded.out, loaded.err);
    assert!(
        loaded.out.contains(&format!("up --lab {to_path}")),
        "{}",
        loaded.out
    );
    let files = |folder: &std::path::Path| {
        let mut found = Vec::new();
        for below in ["", "lessons"] {
            for entry in std::fs::read_dir(folder.join(below)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    let name = std::path::Path::new(below).join(entry.file_name());
                    found.push((name, std::fs::read(entry.path()).unwrap()));
                }
            }
        }
        found.sort();
        found
    };
    assert!(
        files(&own)
            .iter()
            .any(|(name, _)| name.starts_with("lessons"))
    );
    assert_eq!(files(&own), files(&to));
    let again = run(&program, &["bundle", "load", path, "--to", to_path]).await;
    assert_eq!(again.code, 2, "a folder of yours is not written over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_lab_that_kept_the_name_of_a_built_in_one_is_not_taken_for_it() {
    let machine = Machine::start(SPEED).await;
    let program = Program::with_docker(&machine.sim.docker_host());
    let exported = run(&program, &["lab", "export", "default", "changed"]).await;
    assert_eq!(exported.code, 0, "{}", exported.err);
    let lab = program.user_home().join("changed/lab.yaml");
    let text = std::fs::read_to_string(&lab).unwrap();
    std::fs::write(&lab, text.replacen("first: []", "first: [tm-stop]", 1)).unwrap();
    let made = run(&program, &["--lab", "changed", "bundle", "create", "file"]).await;
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    let loaded = run(&program, &["bundle", "load", "file"]).await;
    assert!(
        loaded.out.contains("`flinklab up --lab ./default`"),
        "{}{}",
        loaded.out,
        loaded.err
    );
    let kept = std::fs::read_to_string(program.user_home().join("default/lab.yaml")).unwrap();
    assert!(kept.contains("first: [tm-stop]"), "{kept}");
}
