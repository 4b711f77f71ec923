//! A JobManager that is asked to stop: it gives the lock back, may take it again all the same, and
//! closes what it has open.

use super::super::application;
use super::super::lock::Lock;
use super::super::taskmanager::line;
use super::{Candidate, LEADER};
use crate::cluster::State;
use crate::context::CleanStop;
use flinklab_base::clock;
use std::time::Duration;

/// Seconds until the process ends after it let go of the lock, as seen on the real lab: a leader
/// has its jobs, stores and servers to close, a standby next to nothing.
const LEADER_CLOSES: (f64, f64) = (0.22, 0.75);
const STANDBY_CLOSES: (f64, f64) = (0.05, 0.12);

impl Candidate {
    /// An orderly end: the lock is given back, and in some cases taken again at once.
    pub(super) async fn stop(&self) -> i32 {
        let process = &self.process;
        let entrypoint = "runtime.entrypoint.ClusterEntrypoint";
        process.say(line(
            "INFO",
            entrypoint,
            "RECEIVED SIGNAL 15: SIGTERM. Shutting down as requested.",
        ));
        let shutting = format!(
            "Shutting {} down with application status UNKNOWN. Diagnostics Cluster entrypoint has been closed externally..",
            application::entrypoint(process)
        );
        process.say(line("INFO", entrypoint, &shutting));
        let led = process.act(|state| {
            if let Some(own) = state.containers.get_mut(&process.id) {
                own.listening = false;
            }
            state.beats += 1;
            let own = state.flink.masters.get_mut(&process.id)?;
            own.up = false;
            let leading = own.leading.take()?;
            leading.over.cancel();
            Some(())
        });
        process.about(0.25, 0.6).await;
        let context = &process.cluster.context;
        if process.reaches_api() {
            // Two writes a few milliseconds apart, and it is a race which one lands last.
            let how = context.clean_stop();
            process.act(|state| {
                if !process.cluster.version.gives_back() {
                    return self.withdraw(state);
                }
                let lock = Lock::read(&state.store, &self.map)?;
                if lock.holder != self.identity {
                    return None;
                }
                let transitions = lock.transitions;
                let released = Lock {
                    holder: String::new(),
                    lease: context.pace.seconds(1.0).max(Duration::from_millis(1)),
                    renewed: clock::now(),
                    ..lock
                };
                self.write(state, &released);
                if how == CleanStop::Retaken {
                    let lock = self.now_lock(clock::now(), transitions + 1);
                    self.write(state, &lock);
                }
                Some(())
            });
        }
        let (low, high) = match led.flatten() {
            Some(()) => LEADER_CLOSES,
            None => STANDBY_CLOSES,
        };
        process.about(low, high).await;
        143
    }

    /// What 1.15 does instead of giving the lock back: the leader's addresses go, the lock stays.
    fn withdraw(&self, state: &mut State) -> Option<()> {
        let lock = Lock::read(&state.store, &self.map)?;
        if lock.holder == self.identity {
            state.flink.orderly = true;
            state.store.edit(&self.map, |object| {
                if let Some(data) = object["data"].as_object_mut() {
                    data.retain(|key, _| !key.starts_with(LEADER));
                }
            });
        }
        Some(())
    }
}
