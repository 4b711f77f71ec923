//! The scripts of the node that break something and take it back: what they do to the simulated
//! cluster, with the output of the real ones.

use super::Shell;
use super::scripts::{now, same};
use crate::cluster::{Cluster, Signal};
use crate::serve::Gate;
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
pub(super) fn late(shell: &Shell<'_>, run: &str) -> bool {
    let engine = shell.machine.engine();
    let own = engine.containers.get(shell.id);
    let late = own.is_some_and(|own| own.files.contains_key(&undone_file(run)));
    if late {
        shell.terminal.err("the run was taken back already\n");
    }
    late
}

pub(super) fn note_undone(shell: &Shell<'_>, run: &str) {
    super::write(shell.machine, shell.id, &undone_file(run), Vec::new());
}

pub(super) fn told(shell: &Shell<'_>, word: &str) {
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
