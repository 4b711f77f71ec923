//! Heartbeats of TaskManagers as the leading JobManager tells of them: a sign of what is to come,
//! while all tasks still run.

use super::Model;
use flinklab_base::units::lasted;
use jiff::SignedDuration;

/// A TaskManager sends a heartbeat every 10 s, and is dropped after 50 s without one.
const HEARTBEAT: SignedDuration = SignedDuration::from_secs(20);

impl Model {
    /// A TaskManager that the leader has not heard of for a while: it will be dropped, and the job
    /// restarts then, although all tasks still run.
    pub(super) fn silent_worker(&self) -> Option<String> {
        let (at, workers) = self.job.workers.as_ref()?;
        workers.iter().find_map(|worker| {
            let silent = at.duration_since(worker.heartbeat?);
            let mut pods = self.cluster.pods.values();
            let pod = pods.find(|pod| pod.ip.as_ref() == Some(&worker.host));
            let name = pod.map_or(&worker.host, |pod| &pod.name);
            (silent > HEARTBEAT).then(|| {
                format!(
                    "no heartbeat of {name} for {}",
                    lasted(silent.as_secs_f64())
                )
            })
        })
    }
}
