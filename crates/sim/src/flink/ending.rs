//! How a job ends for good: cancelled, or finished with its last savepoint. What Flink then keeps of
//! it, and what it removes.

use super::checkpoints::{self, Retained};
use super::job::JobMaster;

impl JobMaster {
    pub(super) async fn cancelled(&self) {
        self.switch("CANCELLING");
        self.process.about(0.1, 0.2).await;
        let options = self.process.cluster.lab.flink_options();
        let kept = options
            .get("execution.checkpointing.externalized-checkpoint-retention")
            .is_some_and(|how| how == "RETAIN_ON_CANCELLATION");
        let retained = if kept { Retained::Yes } else { Retained::No };
        self.end("CANCELED", retained);
    }

    /// A job that ends for good leaves nothing in the HA store.
    pub(super) fn end(&self, state: &'static str, retained: Retained) {
        self.with(|job| job.slots.clear());
        self.tasks(state);
        self.switch(state);
        checkpoints::forget(self, retained);
        self.process.act(|state| {
            let master = state.flink.masters.get_mut(&self.process.id)?;
            let leading = master.leading.as_mut()?;
            let job = leading.jobs.get_mut(&self.id)?;
            job.listed = !master.suspended.contains(&self.id);
            Some(())
        });
    }
}
