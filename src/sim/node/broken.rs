//! The scripts of the node that break something and take it back: what they do to the simulated
//! cluster, with the output of the real ones.

use super::Shell;
use super::scripts::{now, on_disk, same};
use crate::sim::cluster::{Cluster, Signal};
use crate::sim::serve::Gate;
use std::path::Path;
use std::sync::Arc;

/// An API server ends in order, with its open requests.
const ENDS: (f64, f64) = (1.0, 4.0);
/// From its manifest to its first answer.
const STARTS: (f64, f64) = (4.0, 6.0);

fn cluster(shell: &Shell<'_>) -> Option<Arc<Cluster>> {
    let found = shell.cluster();
    if found.is_none() {
        shell.terminal.err("there is no cluster\n");
    }
    found
}

/// Where the node keeps that a run was taken back.
fn undone_file(run: &str) -> String {
    format!("/run/flinklab-{run}.undone")
}

/// Whether a run may still be applied: not after its undo.
fn late(shell: &Shell<'_>, run: &str) -> bool {
    let engine = shell.machine.engine();
    let own = engine.containers.get(shell.id);
    let late = own.is_some_and(|own| own.files.contains_key(&undone_file(run)));
    if late {
        shell.terminal.err("the run was taken back already\n");
    }
    late
}

fn note_undone(shell: &Shell<'_>, run: &str) {
    super::write(shell.machine, shell.id, &undone_file(run), Vec::new());
}

fn told(shell: &Shell<'_>, word: &str) {
    shell.terminal.out(format!("{word} {}\n", now()));
}

pub(super) fn freeze(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let (Some(cluster), [run, pid, start]) = (cluster(shell), words) else {
        return 2;
    };
    if late(shell, run) {
        return 7;
    }
    let Some((id, _)) = same(&cluster, pid, start) else {
        shell.terminal.out("mismatch\n");
        return 3;
    };
    told(shell, "sent");
    cluster.hold().signal(&id, Signal::Stop);
    told(shell, "stopped");
    0
}

pub(super) fn thaw(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let (Some(cluster), [run, pid, start]) = (cluster(shell), words) else {
        return 2;
    };
    note_undone(shell, run);
    match same(&cluster, pid, start) {
        Some((id, _)) => {
            cluster.hold().signal(&id, Signal::Continue);
            told(shell, "undone");
        }
        None => told(shell, "ended"),
    }
    0
}

pub(super) fn cut(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let (Some(cluster), [run, mark, address]) = (cluster(shell), words) else {
        return 2;
    };
    if late(shell, run) {
        return 7;
    }
    told(shell, "sent");
    let mut state = cluster.hold();
    state
        .cut
        .insert((*mark).to_owned(), ((*address).to_owned(), 0));
    state.beats += 1;
    drop(state);
    told(shell, "stopped");
    0
}

pub(super) fn counted(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let (Some(cluster), [mark]) = (cluster(shell), words) else {
        return 2;
    };
    let state = cluster.hold();
    let dropped = state.cut.get(*mark).map_or(0, |(_, dropped)| *dropped);
    shell.terminal.out(format!("{dropped}\n"));
    0
}

pub(super) fn reconnect(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let (Some(cluster), [run, mark]) = (cluster(shell), words) else {
        return 2;
    };
    note_undone(shell, run);
    let mut state = cluster.hold();
    state.cut.remove(*mark);
    state.beats += 1;
    drop(state);
    told(shell, "undone");
    0
}

pub(super) async fn aside(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let (Some(cluster), [run, _, to]) = (cluster(shell), words) else {
        return 2;
    };
    if late(shell, run) {
        return 7;
    }
    told(shell, "sent");
    super::write(shell.machine, shell.id, to, b"apiVersion: v1\n".to_vec());
    shell
        .sleep(shell.machine.ground.dice.between(ENDS.0, ENDS.1))
        .await;
    // The kubelet stops it only as long as its manifest is away.
    let away = {
        let engine = shell.machine.engine();
        let own = engine.containers.get(shell.id);
        own.is_some_and(|own| own.files.contains_key(*to))
    };
    if away {
        cluster.door.set(Gate::Shut);
    }
    told(shell, "stopped");
    0
}

pub(super) fn back(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let (Some(cluster), [run, from, _]) = (cluster(shell), words) else {
        return 2;
    };
    note_undone(shell, run);
    let was_away = shell
        .machine
        .engine()
        .containers
        .get_mut(shell.id)
        .is_some_and(|own| own.files.remove(*from).is_some());
    told(shell, "undone");
    if was_away {
        tokio::spawn(async move {
            cluster.sleep(cluster.between(STARTS.0, STARTS.1)).await;
            cluster.door.set(Gate::Open);
        });
    }
    0
}

pub(super) fn mode(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let [folder] = words else { return 2 };
    let real = on_disk(shell, folder).filter(|real| real.is_dir());
    match real {
        Some(_) => {
            shell.terminal.out("755\n");
            0
        }
        None => {
            shell.terminal.err(format!("{folder} is no folder\n"));
            3
        }
    }
}

pub(super) fn forbid(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let [run, folder] = words else { return 2 };
    if late(shell, run) {
        return 7;
    }
    told(shell, "sent");
    let code = writable(shell, Some(*folder), Writable::No);
    if code == 0 {
        told(shell, "stopped");
    }
    code
}

pub(super) fn allow(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let [run, folder, ..] = words else { return 2 };
    note_undone(shell, run);
    let code = writable(shell, Some(*folder), Writable::Yes);
    if code == 0 {
        told(shell, "undone");
    }
    code
}

pub(super) fn lose(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let [run, folder, aside] = words else {
        return 2;
    };
    if late(shell, run) {
        return 7;
    }
    let (Some(folder), Some(aside)) = (on_disk(shell, folder), on_disk(shell, aside)) else {
        return 3;
    };
    let lost = state_files(&folder);
    for (below, name) in &lost {
        let to = aside.join(below);
        let moved = std::fs::create_dir_all(&to)
            .and_then(|()| std::fs::rename(folder.join(below).join(name), to.join(name)));
        if moved.is_err() {
            return 4;
        }
    }
    if lost.is_empty() {
        shell.terminal.err("there is no file of state\n");
        return 5;
    }
    shell.terminal.out(format!("lost {}\n", lost.len()));
    0
}

pub(super) fn give_back(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let [run, folder, aside] = words else {
        return 2;
    };
    note_undone(shell, run);
    let (Some(folder), Some(aside)) = (on_disk(shell, folder), on_disk(shell, aside)) else {
        return 3;
    };
    for (below, name) in state_files(&aside) {
        let to = folder.join(&below).join(&name);
        if folder.join(&below).is_dir() && !to.exists() {
            let _ = std::fs::rename(aside.join(&below).join(&name), to);
        }
    }
    if aside.is_dir() && std::fs::remove_dir_all(&aside).is_err() {
        return 6;
    }
    told(shell, "undone");
    0
}

/// Files of state below a job's folder: the folder that they are in, and their names.
fn state_files(folder: &Path) -> Vec<(String, String)> {
    let names = |path: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.collect()
    };
    let is_of_state = |name: &String| name == "shared" || name.starts_with("chk-");
    let folders = names(folder).into_iter().filter(is_of_state);
    folders
        .flat_map(|below| {
            let files = names(&folder.join(&below)).into_iter();
            let files = files.filter(|name| name != "_metadata");
            files
                .map(move |name| (below.clone(), name))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Writable {
    Yes,
    No,
}

fn writable(shell: &Shell<'_>, folder: Option<&str>, wanted: Writable) -> i64 {
    use std::os::unix::fs::PermissionsExt;
    let Some(real) = folder.and_then(|folder| on_disk(shell, folder)) else {
        return 3;
    };
    let mode = match wanted {
        Writable::Yes => 0o755,
        Writable::No => 0o555,
    };
    match std::fs::set_permissions(&real, std::fs::Permissions::from_mode(mode)) {
        Ok(()) => 0,
        Err(why) => {
            shell.terminal.err(format!("chmod: {why}\n"));
            4
        }
    }
}
