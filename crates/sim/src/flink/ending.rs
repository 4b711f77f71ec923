//! How a job ends for good: cancelled, or finished with its last savepoint. What Flink then keeps of
//! it, and what it removes.

use super::checkpoints::{map_of, on_disk, pointers, remove_file};
use super::job::JobMaster;
use super::{lock, pointer, state};

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
        forget(self, retained);
        self.process.act(|state| {
            let master = state.flink.masters.get_mut(&self.process.id)?;
            let leading = master.leading.as_mut()?;
            let job = leading.jobs.get_mut(&self.id)?;
            job.listed = !master.suspended.contains(&self.id);
            Some(())
        });
    }
}

/// What becomes of the checkpoints of a job that ended for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retained {
    /// They stay where they are.
    Yes,
    /// They are removed; folders stay, empty.
    No,
}

/// Removes what a job that ended for good had in the HA store, and its checkpoints unless they are
/// retained. Savepoints are nobody's but the person's.
fn forget(master: &JobMaster, retained: Retained) {
    let process = &master.process;
    let map = map_of(master);
    for (_, path) in pointers(process, &map) {
        if let Some(path) = path {
            remove_file(process, &path);
        }
    }
    let lab = &process.cluster.lab;
    let cluster_map = lock::map_key(&lab.flink.namespace, &lab.cluster_map());
    if retained == Retained::No {
        discard(master);
    }
    let version = &process.cluster.version;
    let plan = format!("{}{}", version.plan_key(), master.id);
    let file = {
        let state = process.cluster.hold();
        let map = state.store.get(&cluster_map);
        map.and_then(|map| pointer::path(map["data"][&plan].as_str()?))
    };
    if let Some(file) = file {
        remove_file(process, &file);
    }
    process.act(|state| {
        state.store.remove(&map);
        for key in [plan, version.job_key(&master.id)] {
            lock::set(&mut state.store, &cluster_map, &key, None);
        }
    });
}

/// Removes every checkpoint of a job.
fn discard(master: &JobMaster) {
    let below = format!(
        "{}/{}",
        master.process.cluster.lab.flink.folders.checkpoints, master.id
    );
    let Ok(folder) = on_disk(&master.process, &below) else {
        return;
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("chk-") {
            let _ = std::fs::remove_dir_all(entry.path());
            state::forget_shared(&entry.path());
        }
    }
    master.with(|job| {
        let made = job.history.iter_mut();
        for old in made.filter(|old| old.savepoint.is_none()) {
            old.discarded = true;
        }
    });
}
