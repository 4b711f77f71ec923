//! Tests of the instance's folder.
#![allow(clippy::unwrap_used)]

use super::*;
use flinklab_base::advice::Invocation;
use flinklab_lab::Lab;
use jiff::Timestamp;

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let addresses = Addresses::new(folder.path().join("data"), folder.path().join("config"));
    (folder, Home::of(&addresses, "t"))
}

fn state() -> State {
    let lab = Lab::open("default").unwrap();
    State::new(
        "t",
        &lab,
        Source::BuiltIn("default".into()),
        Timestamp::UNIX_EPOCH,
    )
    .unwrap()
}

#[test]
fn what_is_written_is_read_back_and_the_folder_is_private() {
    let (_keep, home) = home();
    assert_eq!(home.read_state().unwrap(), None);
    home.create().unwrap();
    let state = state();
    home.write_state(&state).unwrap();
    assert_eq!(home.read_state().unwrap(), Some(state));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&home.folder), 0o700);
        assert_eq!(mode(&home.state_file()), 0o600);
        assert_eq!(mode(&home.shared()), 0o755);
    }
}

#[test]
fn another_format_version_is_refused_with_the_way_out() {
    let (_keep, home) = home();
    home.create().unwrap();
    fs::write(home.state_file(), r#"{"version": 99, "what": "ever"}"#).unwrap();
    let fault = home.read_state().unwrap_err();
    assert_eq!(fault.code, "state-version");
    assert!(fault.what.contains("newer"), "{fault}");
    assert!(!fault.hint.is_empty());
}

#[test]
fn a_second_lock_names_the_holder() {
    let (_keep, home) = home();
    home.create().unwrap();
    let held = home.lock().unwrap();
    let fault = home.lock().unwrap_err();
    assert_eq!(fault.code, "lab-busy");
    assert!(
        fault.why.contains(&std::process::id().to_string()),
        "{fault}"
    );
    drop(held);
    home.lock().unwrap();
}

#[test]
fn a_folder_that_is_not_ours_is_neither_used_nor_removed() {
    let (_keep, home) = home();
    fs::create_dir_all(&home.folder).unwrap();
    fs::write(home.folder.join("thesis.tex"), "years of work").unwrap();
    assert_eq!(home.create().unwrap_err().code, "folder-not-ours");
    let lock = home.lock().unwrap();
    assert_eq!(home.remove(&lock).unwrap_err().code, "folder-not-ours");
    assert!(home.folder.join("thesis.tex").exists());
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_our_folder_is_refused() {
    let (keep, home) = home();
    let elsewhere = keep.path().join("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::create_dir_all(home.folder.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &home.folder).unwrap();
    assert_eq!(home.create().unwrap_err().code, "folder-is-link");
    assert_eq!(
        home.write_state(&state()).unwrap_err().code,
        "folder-is-link"
    );
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn names_that_leave_the_home_folder_are_refused() {
    for name in [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "-a",
        "A",
        "a_b",
        &"a".repeat(49),
    ] {
        assert_eq!(valid_name(name).unwrap_err().code, "name-invalid", "{name}");
    }
    valid_name("flinklab").unwrap();
    valid_name("a.b-2").unwrap();
}

#[test]
fn the_current_job_is_the_newest_of_the_cluster_that_exists() {
    let mut state = state();
    state.record_node(NodeRecord {
        id: "one".into(),
        name: "t-control-plane".into(),
        role: "control-plane".into(),
        stage: NodeStage::Joined,
        maker: Maker::Flinklab,
    });
    let first = state.new_job(None, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(state.current_job(), Some(&first));
    state.nodes.clear();
    assert_eq!(state.current_job(), None);
    assert_eq!(state.jobs.len(), 1, "the list outlives the cluster");
}

#[test]
fn what_a_removal_left_that_was_broken_off_is_still_ours() {
    let (_keep, home) = home();
    home.create().unwrap();
    for left in ["flinklab.log.1", "crash.log", "kubeconfig"] {
        fs::write(home.folder.join(left), "x").unwrap();
    }
    home.create().unwrap();
    home.write_state(&state()).unwrap();
    remove_but(&home.folder, &[STATE, LOCK]).unwrap();
    assert!(home.read_state().unwrap().is_some(), "the marker goes last");
    let lock = home.lock().unwrap();
    home.remove(&lock).unwrap();
    assert!(!home.folder.exists());
}

#[test]
fn a_file_in_the_place_of_the_folder_is_told_as_such() {
    let (_keep, home) = home();
    fs::create_dir_all(home.folder.parent().unwrap()).unwrap();
    fs::write(&home.folder, "not ours").unwrap();
    let fault = home.create().unwrap_err();
    let hint = Invocation::default().advise(&fault.hint);
    assert!(hint.contains("move it away"), "{hint}");
    assert_eq!(fs::read_to_string(&home.folder).unwrap(), "not ours");
}
