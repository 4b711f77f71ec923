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
    let table: Vec<&str> = flinklab::failure::CATALOGUE
        .iter()
        .map(|one| one.key.as_ref())
        .collect();
    assert_eq!(keys, table);
    assert!(
        ended
            .objects()
            .iter()
            .all(|one| one["applicable"] == true && one["expected"].is_string())
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
    assert!(!program.home().exists(), "looking makes nothing");
}

#[test]
fn without_docker_up_says_so_ends_with_3_and_leaves_nothing() {
    let program = Program::without_docker();
    let ended = program.run(&["up", "--json"]);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    let last = ended.objects().pop().unwrap();
    assert_eq!(last["error"]["code"], "docker-unreachable");
    assert!(!last["error"]["mend"].as_str().unwrap().is_empty());
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
