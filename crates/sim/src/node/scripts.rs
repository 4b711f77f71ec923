//! The program's own shell scripts, known by the word that names them: their meaning and their
//! output are simulated, not their text. Those of verbs come with a double of their own.

use super::{Shell, crictl, shared, verbs};
use crate::cluster::{Cluster, Container, Signal};
use crate::context::Trouble;
use flinklab_base::clock;
use flinklab_lab::failure::Role;
use flinklab_verb::Script;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How long a signal takes to arrive.
const ARRIVES: f64 = 0.004;
/// How long the kernel takes to give back what a killed process held, on the real lab.
const JOBMANAGER_ENDS: (f64, f64) = (0.025, 0.06);
const TASKMANAGER_ENDS: (f64, f64) = (0.05, 0.1);
const SEVERAL_END: (f64, f64) = (0.09, 0.17);

pub(super) async fn run(shell: &Shell<'_>, verb: &str, words: &[&str]) -> i64 {
    if let Some(script) = Script::find(verb) {
        return verbs::run(shell, script, words).await;
    }
    if let Some(code) = shared::run(shell, verb, words) {
        return code;
    }
    match verb {
        "flinklab-containerd" => {
            shell.sleep(0.2).await;
            0
        }
        "flinklab-quiet" => {
            // No kubelet, and no container that it had started.
            if let Some(cluster) = shell.cluster() {
                cluster.node_down(&shell.name());
            }
            0
        }
        "flinklab-kubelet" => {
            let name = shell.name();
            if let Some(cluster) = shell.cluster()
                && cluster.is_down(&name)
            {
                cluster.node_up(&name);
                shell.terminal.out("started\n");
            }
            0
        }
        "flinklab-api-log" => {
            if shell.machine.context.trouble() == Some(Trouble::ApiServerNeverAnswers) {
                shell
                    .terminal
                    .out("2026-11-24T21:00:09.1Z stderr F Error: unknown flag: --no-such-flag\n");
            }
            0
        }
        "flinklab-process" => process(shell, words),
        "flinklab-signal" => signal(shell, words).await,
        "flinklab-wait" => wait(shell, words).await,
        _ => {
            shell.terminal.err(format!("{verb}: not simulated\n"));
            127
        }
    }
}

fn process(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let Some(cluster) = shell.cluster() else {
        return 1;
    };
    let state = cluster.hold();
    let id = words.first().copied().unwrap_or_default();
    match crictl::by_id(&state, id).filter(|own| own.runs()) {
        Some(own) => {
            shell.terminal.out(format!(
                "pid={} start={} pod={}\n",
                own.pid, own.start_ticks, own.pod_uid
            ));
            0
        }
        None => {
            shell.terminal.err(format!("container {id} does not run\n"));
            1
        }
    }
}

/// The process of that PID if it still is the same one, with what tells of its end.
pub(super) fn same(
    cluster: &Arc<Cluster>,
    pid: &str,
    start: &str,
) -> Option<(String, CancellationToken)> {
    let state = cluster.hold();
    let own = state.by_pid(pid.parse().ok()?).filter(|own| own.runs())?;
    (own.start_ticks.to_string() == start).then(|| (own.id.clone(), own.gone.clone()))
}

pub(super) fn now() -> i128 {
    clock::now().as_nanosecond()
}

/// Seconds until a killed process is gone: longer where others are dying beside it.
fn ends_in(cluster: &Arc<Cluster>, id: &str) -> (f64, f64) {
    let state = cluster.hold();
    let dying = |own: &&Container| own.dying && own.runs();
    match state.containers.get(id).and_then(|own| own.role) {
        _ if state.containers.values().filter(dying).count() > 1 => SEVERAL_END,
        Some(Role::TaskManager) => TASKMANAGER_ENDS,
        _ => JOBMANAGER_ENDS,
    }
}

async fn signal(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let (Some(cluster), [pid, start, name, ..]) = (shell.cluster(), words) else {
        return 2;
    };
    let (Some((id, gone)), Some(signal)) = (same(&cluster, pid, start), Signal::parse(name)) else {
        shell.terminal.out("mismatch\n");
        return 3;
    };
    shell.terminal.out(format!("sent {}\n", now()));
    let kills = signal == Signal::Kill;
    if let Some(own) = cluster.hold().containers.get_mut(&id) {
        own.dying |= kills;
    }
    shell.sleep(ARRIVES).await;
    if kills {
        let (low, high) = ends_in(&cluster, &id);
        shell.sleep(cluster.between(low, high)).await;
    }
    cluster.hold().signal(&id, signal);
    if matches!(signal, Signal::Term | Signal::Kill) {
        gone.cancelled().await;
        shell.terminal.out(format!("gone {}\n", now()));
    }
    0
}

async fn wait(shell: &Shell<'_>, words: &[&str]) -> i64 {
    let (Some(cluster), [pid, start, ..]) = (shell.cluster(), words) else {
        return 2;
    };
    let Some((_, gone)) = same(&cluster, pid, start) else {
        shell.terminal.out("mismatch\n");
        return 3;
    };
    shell.terminal.out("watching\n");
    gone.cancelled().await;
    shell.terminal.out(format!("gone {}\n", now()));
    0
}
