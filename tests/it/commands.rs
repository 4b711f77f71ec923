//! The commands that need no Docker, and what a user sees where there is none.

use crate::program::Program;

#[test]
fn failures_lists_the_catalogue_in_its_order() {
    let ended = Program::without_docker().run(&["failures", "--json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let keys: Vec<String> = ended
        .objects()
        .iter()
        .map(|one| one["key"].as_str().unwrap().to_owned())
        .collect();
    let table: Vec<&str> = flinklab_lab::failure::CATALOGUE
        .iter()
        .map(|one| one.key.as_ref())
        .collect();
    assert_eq!(keys, table);
    // The state of the default lab is inline, and it has no worker.
    let not = ["state-file-lost", "node-stop"];
    let has = |one: &serde_json::Value| {
        let key = one["key"].as_str().unwrap_or_default();
        one["applicable"] == !not.contains(&key)
    };
    let objects = ended.objects();
    assert!(
        objects
            .iter()
            .all(|one| has(one) && one["expected"].is_string())
    );
}

#[test]
fn an_unknown_failure_is_a_wrong_argument_and_names_the_known_ones() {
    let ended = Program::without_docker().run(&["break", "jm-cras"]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("jm-crash"), "{}", ended.err);
}

#[test]
fn a_name_that_could_leave_the_home_folder_is_refused() {
    for name in ["../x", "a/b", "A", "", "-a", "a."] {
        let ended = Program::without_docker().run(&["status", "--name", name]);
        assert_eq!(ended.code, 2, "{name}: {}", ended.err);
    }
}

#[test]
fn kind_config_is_the_lab_s_own_file_with_the_shared_folder_filled_in() {
    let program = Program::without_docker();
    let ended = program.run(&["kind-config", "--name", "two"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let shared = program.home().join("two/shared");
    assert!(
        ended
            .out
            .contains(&format!("hostPath: {}", shared.display())),
        "{}",
        ended.out
    );
    assert!(!ended.out.contains("LAB_SHARED}\n"), "{}", ended.out);
    // Docker would make the folder as root, and then nobody else could use it.
    assert!(shared.is_dir());
    assert!(
        !program.home().join("two/lab.json").exists(),
        "it is no lab yet"
    );
}

#[test]
fn looking_at_kind_config_makes_nothing() {
    let program = Program::without_docker();
    let ended = program.run(&["kind-config", "--read-only"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(!program.home().exists());
}

#[test]
fn a_definition_is_taken_out_checked_and_not_overwritten() {
    let program = Program::without_docker();
    let folder = program.home().join("copy");
    let folder = folder.to_str().unwrap();
    let ended = program.run(&["lab", "export", "three-nodes", folder, "--json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let checked = program
        .run(&["lab", "check", folder, "--json"])
        .objects()
        .pop()
        .unwrap();
    assert_eq!(checked["result"]["nodes"], 3);
    let again = program.run(&["lab", "export", "default", folder]);
    assert_eq!(again.code, 2, "{}", again.err);
    assert!(again.err.contains("is not empty"), "{}", again.err);
    let unknown = program.run(&["lab", "export", "three-node", folder]);
    assert_eq!(unknown.code, 2, "{}", unknown.err);
}

#[test]
fn without_a_lab_the_list_says_so() {
    let program = Program::without_docker();
    let ended = program.run(&["labs"]);
    assert_eq!(
        (ended.code, ended.out.contains("There is no lab")),
        (0, true),
        "{}",
        ended.err
    );
}

#[test]
fn without_docker_up_says_so_ends_with_3_and_leaves_nothing() {
    let program = Program::without_docker();
    let ended = program.run(&["up", "--json"]);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    let last = ended.objects().pop().unwrap();
    assert_eq!(last["error"]["code"], "docker-unreachable");
    assert!(!last["error"]["hint"].as_str().unwrap().is_empty());
    assert!(!program.home().join("flinklab/lab.json").exists());
}

#[test]
fn without_a_lab_status_break_down_and_kubeconfig_say_no_lab() {
    for arguments in [
        &["status", "--json"][..],
        &["break", "jm-crash", "--json"],
        &["kubeconfig", "--json"],
        &["down", "--json"],
    ] {
        let program = Program::without_docker();
        let ended = program.run(arguments);
        assert_eq!(ended.code, 3, "{arguments:?}: {}{}", ended.out, ended.err);
        let last = ended.objects().pop().unwrap();
        assert_eq!(last["error"]["code"], "no-lab", "{arguments:?}");
        assert!(
            !program.home().exists(),
            "{arguments:?} made the home folder"
        );
    }
}

#[test]
fn read_only_refuses_what_writes_before_anything_is_looked_at() {
    for arguments in [&["up"][..], &["down"], &["break", "jm-stop"]] {
        let mut all = arguments.to_vec();
        all.extend(["--read-only", "--json"]);
        let ended = Program::without_docker().run(&all);
        assert_eq!(ended.code, 2, "{all:?}");
        assert_eq!(ended.objects().pop().unwrap()["error"]["code"], "read-only");
    }
}

#[test]
fn what_follows_nothing_refuses_to_be_recorded() {
    let program = Program::without_docker();
    let file = program.user_home().join("a.flinklab");
    for command in ["labs", "runs", "report", "kubeconfig", "failures"] {
        let ended = program.run(&["--record", file.to_str().unwrap(), command, "--json"]);
        assert_eq!(ended.code, 2, "{command}: {}", ended.err);
        assert_eq!(ended.objects()[0]["error"]["code"], "nothing-to-record");
    }
    assert!(!file.exists());
}

#[test]
fn what_is_said_before_try_counts_in_it() {
    let program = Program::without_docker();
    let ended = program.run(&["--theme", "pink", "try", "status"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    let ended = program.run(&["--config", "/nonexistent/config.toml", "try", "status"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
}

/// Every command with its subcommands, as one writes them.
fn commands(parent: &clap::Command, path: &str, all: &mut Vec<String>) {
    for command in parent.get_subcommands() {
        let path = format!("{path} {}", command.get_name());
        all.push(path.clone());
        commands(command, &path, all);
    }
}

#[test]
fn manual_and_completions_can_be_read_and_name_every_command() {
    use clap::CommandFactory;
    use std::io::Write;
    let program = Program::without_docker();
    let mut all = Vec::new();
    commands(&flinklab::cli::Cli::command(), "flinklab", &mut all);
    assert!(all.contains(&"flinklab lab export".to_owned()));
    let manual = program.run(&["man"]);
    for command in &all {
        let title = format!(".SH \"{command}\"\n");
        assert!(manual.out.contains(&title), "{command}");
    }
    assert!(manual.out.contains("dry\\-run"), "what a command takes");
    for (shell, reader, option) in [
        ("bash", "bash", "-n"),
        ("zsh", "zsh", "-n"),
        ("fish", "fish", "--no-execute"),
        ("man", "groff", "-wall"),
    ] {
        let text = match shell {
            "man" => manual.out.clone(),
            shell => program.run(&["completions", shell]).out,
        };
        for command in &all {
            let name = command.rsplit(' ').next().unwrap();
            assert!(text.contains(name), "{command} in {shell}");
        }
        let mut command = std::process::Command::new(reader);
        command.arg(option).stdin(std::process::Stdio::piped());
        if shell == "man" {
            command.args(["-man", "-Tascii", "-z"]);
        }
        command.stderr(std::process::Stdio::piped());
        // a shell that is not here cannot be asked
        let Ok(mut child) = command.spawn() else {
            continue;
        };
        let mut input = child.stdin.take().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        drop(input);
        let read = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&read.stderr).into_owned();
        assert!(read.status.success() && said.is_empty(), "{shell}: {said}");
    }
}
