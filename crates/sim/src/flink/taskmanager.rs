//! A TaskManager process: starts, finds the leader in the config map, offers its slots to it,
//! follows the next one.

use super::{GOODBYE, Worker, WorkerState, configured};
use crate::cluster::Process;
use flinklab_base::clock;

/// Until it is asked to stop; the exit code.
pub(crate) async fn run(process: Process) -> i32 {
    process.say(line(
        "INFO",
        "runtime.taskexecutor.TaskManagerRunner",
        &format!(
            " Starting TaskManagerRunner (Version: {}, Scala: 2.12, simulated)",
            process.cluster.version.name()
        ),
    ));
    tokio::select! {
        () = work(&process) => {}
        () = stopped(&process) => {}
    }
    process.thawed().await;
    process.about(0.02, 0.08).await;
    process.say(line(
        "INFO",
        "runtime.taskexecutor.TaskManagerRunner",
        "RECEIVED SIGNAL 15: SIGTERM. Shutting down as requested.",
    ));
    process.act(|state| {
        state.flink.worker_lost(&process.id, GOODBYE);
        state.flink.workers.remove(&process.id);
        state.beats += 1;
    });
    process.about(0.32, 0.54).await;
    143
}

async fn stopped(process: &Process) {
    process.asked_to_stop.cancelled().await;
    process.thawed().await;
}

async fn work(process: &Process) {
    process.about(3.6, 4.8).await;
    process.listen();
    let worker = Worker {
        id: process.pod.clone(),
        ip: process.ip.clone(),
        slots: slots(process),
        registered: None,
        state: WorkerState::Alive,
    };
    process.act(|state| {
        // Of what it was before, only a leader that still counts on it needs to know.
        let session = state
            .flink
            .leader()
            .map(|(_, leading)| leading.session.clone());
        let same = |old: &Worker| old.id == process.pod && old.registered != session;
        state.flink.workers.retain(|_, old| !same(old));
        state.flink.workers.insert(process.id.clone(), worker);
    });
    process.say(line(
        "INFO",
        "runtime.taskexecutor.TaskExecutor",
        "Start job leader service.",
    ));
    let mut pulse = process.cluster.pulse();
    loop {
        pulse.mark_unchanged();
        let fresh = process.act(|state| {
            let (id, leading) = state.flink.leader()?;
            let session = leading.session.clone();
            let ip = state.flink.masters.get(id)?.ip.clone();
            let own = state.flink.workers.get(&process.id)?;
            let late = state.flink.orderly && own.registered.is_some();
            (own.registered.as_ref() != Some(&session)).then_some((session, ip, late))
        });
        if let Some(Some((session, ip, late))) = fresh {
            let (low, high) = process.cluster.version.finds_leader(late);
            process.about(low, high).await;
            let done = process.act(|state| {
                if state
                    .flink
                    .leader()
                    .is_none_or(|(_, leading)| leading.session != session)
                {
                    return false;
                }
                if let Some(own) = state.flink.workers.get_mut(&process.id) {
                    own.registered = Some(session.clone());
                }
                state.beats += 1;
                true
            });
            if done == Some(true) {
                process.say(line("INFO", "runtime.taskexecutor.TaskExecutor", &format!("Successful registration at resource manager {}.tcp://flink@{ip}:6123/user/rpc/resourcemanager_0 under registration id {}.", process.cluster.version.scheme(), process.cluster.context.dice.hex(32))));
            }
            continue;
        }
        if pulse.changed().await.is_err() {
            return;
        }
        process.thawed().await;
    }
}

/// `taskmanager.numberOfTaskSlots`, as the lab's configuration says it.
fn slots(process: &Process) -> u32 {
    let slots = configured::of(process).remove("taskmanager.numberOfTaskSlots");
    slots.and_then(|slots| slots.parse().ok()).unwrap_or(1)
}

/// A line as Flink's log configuration prints it.
pub(super) fn line(level: &str, class: &str, text: &str) -> String {
    let now = clock::now().strftime("%Y-%m-%d %H:%M:%S,%3f");
    let class = format!("org.apache.flink.{class}");
    format!("{now} {level:<5} {class:<60} [] - {text}")
}
