//! Links in the shared folder, where a job may put them: every command names the link, says how it is
//! removed, and leaves what it points to as it is. The real scripts are tested beside their text, in
//! `world/node/shared/tests.rs`; here the simulated ones are held beside them.

use crate::building::{built, removed, state, world};
use crate::scenarios::{SPEED, Scene};
use crate::simulated::{Machine, NODE};
use flinklab_base::advice::Invocation;
use flinklab_base::fault::Fault;
use flinklab_event::Done;
use flinklab_lab::Lab as Definition;
use flinklab_sim::Images;
use flinklab_verb::verbs::FolderMode;
use flinklab_verb::{Act, Script};
use flinklab_world::heal;
use flinklab_world::heal::{Lab, Whose};
use flinklab_world::home::Home;
use flinklab_world::journal;
use flinklab_world::journal::{Entry, Owner};
use flinklab_world::node::shared;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

/// A folder and a file that no lab has anything to do with.
fn outside() -> tempfile::TempDir {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("file"), "precious").unwrap();
    fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o751)).unwrap();
    outside
}

/// Owner, mode, content of everything in it.
fn seen(path: &Path) -> Vec<String> {
    let found = fs::symlink_metadata(path).unwrap();
    let of = (found.mode(), found.uid(), found.gid());
    let mut all = vec![format!("{} {of:?}", path.display())];
    if found.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        all.extend(entries.flat_map(|entry| seen(&entry.unwrap().path())));
    } else {
        all.push(fs::read_to_string(path).unwrap());
    }
    all.sort();
    all
}

fn is_named(fault: &Fault, link: &str, target: &Path, command: &str) {
    let target = target.display();
    assert_eq!(
        fault.what,
        format!("`{link}` below the lab's shared folder is a link to {target}.")
    );
    let remove = format!("docker exec {NODE} rm /flink-shared/{link}");
    let hint = Invocation::default().advise(&fault.hint);
    assert!(hint.contains(&remove), "{hint}");
    assert!(hint.contains(command), "{hint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn up_heal_and_purge_name_links_and_do_not_follow_them() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    let home = Home::of(&world.addresses, "sim");
    let outside = outside();
    let before = seen(outside.path());
    home.create().unwrap();
    for (link, target) in [("savepoints", "."), ("checkpoints", "file")] {
        let target = outside.path().join(target);
        let link_at = home.shared().join(link);
        // The `up` before may have come as far as to make it.
        let _ = fs::remove_dir(&link_at);
        symlink(&target, &link_at).unwrap();
        let fault = built(&world, false).await.end.unwrap_err();
        is_named(&fault, link, &target, "`flinklab up");
        assert_eq!(seen(outside.path()), before, "{link}");
        fs::remove_file(link_at).unwrap();
    }
    built(&world, false).await.end.unwrap();

    // A killed `break` left something to take back in a folder that is a link now.
    let job = state(&world).jobs[0].id.clone();
    let checkpoints = home.shared().join("checkpoints");
    fs::rename(&checkpoints, home.shared().join("kept")).unwrap();
    fs::create_dir(&checkpoints).unwrap();
    symlink(outside.path(), checkpoints.join(&job)).unwrap();
    let path = format!("/flink-shared/checkpoints/{job}");
    let entry = Entry {
        format: 1,
        run: "left".to_owned(),
        failure: "checkpoint-unwritable".to_owned(),
        what: "the checkpoints are read-only".to_owned(),
        owner: Owner {
            pid: 4_000_000,
            start: "long ago".to_owned(),
        },
        since: jiff::Timestamp::now(),
        deadline: jiff::Timestamp::now(),
        undo: vec![Act::in_node(FolderMode {
            node: NODE.to_owned(),
            folder: path.clone(),
            mode: "777".to_owned(),
        })],
    };
    journal::write(&home, &entry).unwrap();
    let healed = heal::all(&world, Whose::Everybody, Lab::Free).await;
    let link = format!("checkpoints/{job}");
    is_named(
        &healed.unwrap_err(),
        &link,
        outside.path(),
        "`flinklab heal",
    );
    assert_eq!(seen(outside.path()), before);

    // The data stays, and with it what cannot be undone: nothing is removed.
    let refused = removed(&world, false).await.end.unwrap_err();
    is_named(&refused, &link, outside.path(), "`flinklab down");
    assert!(journal::is_there(&home, "left"));
    assert_eq!(state(&world).nodes.len(), 1, "the node is still there");
    assert_eq!(seen(outside.path()), before);

    let gone = match removed(&world, true).await.end {
        Ok(Done::Down { removed, .. }) => removed,
        other => panic!("{other:?}"),
    };
    let named = format!("not what they point to: `{link}`");
    assert!(gone.iter().any(|line| line.contains(&named)), "{gone:?}");
    assert!(!home.folder.exists());
    assert_eq!(seen(outside.path()), before);
}

#[test]
fn a_break_names_a_link_and_breaks_nothing() {
    // One whose checkpoints are more than their metadata.
    let scene = Scene::of(Definition::open("rocksdb").unwrap(), SPEED, Images::Present);
    scene.result(&["up", "--lab", "rocksdb"]);
    let home = scene.program().home().join("flinklab");
    let outside = outside();
    let before = seen(outside.path());
    let checkpoints = home.join("shared/checkpoints");
    let job = fs::read_dir(&checkpoints).unwrap().next().unwrap().unwrap();
    let (job, kept) = (job.path(), home.join("shared/kept"));
    for failure in ["checkpoint-unwritable", "state-file-lost"] {
        fs::rename(&job, &kept).unwrap();
        symlink(outside.path(), &job).unwrap();
        let ended = scene.run(&["break", failure, "--force"]);
        fs::remove_file(&job).unwrap();
        fs::rename(&kept, &job).unwrap();
        assert_eq!(ended.code, 3, "{failure}");
        let link = job.file_name().unwrap().to_string_lossy().into_owned();
        let named = format!("`checkpoints/{link}` below the lab's shared folder is a link to ");
        assert!(ended.out.contains(&named), "{}", ended.out);
        assert_eq!(seen(outside.path()), before, "{failure}");
        assert_eq!(fs::read_dir(home.join("journal")).unwrap().count(), 0);
    }
}

/// How a script ended, without what differs from one run to the next.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    code: i64,
    words: Vec<String>,
    err: String,
}

impl Ended {
    fn new(code: i64, out: &str, err: &str) -> Self {
        let words = out.lines().filter_map(|line| line.split(' ').next());
        Self {
            code,
            words: words.map(str::to_owned).collect(),
            err: err.to_owned(),
        }
    }
}

/// The script itself, in a folder of this machine. Runs are noted in a folder of the test.
fn really(argv: &[String], runs: &Path) -> Ended {
    let mut words = argv.to_vec();
    words[2] = words[2].replace("/run/flinklab-", &format!("{}/", runs.display()));
    let ended = std::process::Command::new(&words[0])
        .args(&words[1..])
        .output();
    let ended = ended.unwrap();
    Ended::new(
        i64::from(ended.status.code().unwrap()),
        &String::from_utf8_lossy(&ended.stdout),
        &String::from_utf8_lossy(&ended.stderr),
    )
}

/// The command of a verb's script.
fn of_verb(name: &str, run: &str, words: &[&str]) -> Vec<String> {
    Script::find(name).unwrap().argv(run, words)
}

/// Only what needs no other user: no test may have to be root's.
#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_scripts_end_as_the_real_ones() {
    let machine = Machine::start(SPEED).await;
    machine.node().await;
    let outside = outside();
    let runs = tempfile::tempdir().unwrap();
    let real = tempfile::tempdir().unwrap();
    let before = seen(outside.path());
    for shared in [real.path(), machine.shared.path()] {
        fs::create_dir_all(shared.join("job/chk-1")).unwrap();
        fs::create_dir_all(shared.join("job/.flinklab-x/chk-1")).unwrap();
        fs::write(shared.join("job/.flinklab-x/chk-1/state"), "state").unwrap();
        fs::write(shared.join("file"), "x").unwrap();
        symlink(outside.path(), shared.join("link")).unwrap();
        symlink(outside.path(), shared.join("job/shared")).unwrap();
        fs::set_permissions(shared.join("job"), fs::Permissions::from_mode(0o750)).unwrap();
    }
    let all = |mount: &str| {
        let mut all = Vec::new();
        for (n, folder) in ["link", "link/x", "file", "none", "job"].iter().enumerate() {
            let aside = format!("/{folder}/.flinklab-x");
            let mode = of_verb("flinklab-mode", "", &[mount, folder]);
            all.push(mode.clone());
            if *folder != "job" {
                all.push(of_verb("flinklab-forbid", "run", &[mount, folder]));
                all.push(of_verb("flinklab-lose", "run", &[mount, folder, &aside]));
            }
            let run = format!("run{n}");
            all.push(of_verb("flinklab-return", &run, &[mount, folder, &aside]));
            all.push(of_verb("flinklab-forbid", &run, &[mount, folder]));
            all.push(of_verb("flinklab-allow", &run, &[mount, folder, "751"]));
            all.push(mode);
        }
        for argv in [shared::measure(mount), shared::purge(mount)] {
            all.push(argv.words().iter().map(|&word| word.to_owned()).collect());
        }
        all
    };
    let mount = real.path().to_str().unwrap();
    for (argv, simulated) in all(mount).iter().zip(all("/flink-shared")) {
        let words: Vec<&str> = simulated.iter().map(String::as_str).collect();
        let ran = machine.exec(&words).await;
        let ran = Ended::new(ran.code, &ran.out, &ran.err);
        assert_eq!(really(argv, runs.path()), ran, "{:?}", &simulated[3..]);
    }
    let left = |shared: &Path| fs::read_dir(shared).unwrap().count();
    assert_eq!((left(real.path()), left(machine.shared.path())), (0, 0));
    assert_eq!(seen(outside.path()), before);
}
