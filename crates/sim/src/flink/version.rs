//! What differs between versions of Flink, as it was measured on 1.15.2, 1.20.5, 2.2.1 and 2.3.0.
//! Everything else of the simulation is the same for all of them.

use flinklab_lab::{Checkpointing, Lab};

/// The newest that is simulated, and what an image without a version in its tag is taken for.
const USUAL: &str = "2.3.0";
/// Times of the election where a lab sets none, in seconds.
const LEASE: f64 = 15.0;
const DEADLINE: f64 = 15.0;
const RETRY: f64 = 5.0;
/// How long a leader of 1.18 or newer holds on longer than its deadline while the API server is
/// away: its client's retries come on top.
const RETRIES: f64 = 23.0;

/// As the example job takes its checkpoints: for labs whose files say nothing of it.
const EXAMPLE: Checkpointing = Checkpointing {
    interval_ms: Some(2_000),
    min_pause_ms: 500,
    timeout_ms: 600_000,
};

/// One version of Flink with the times that its lab sets.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    name: String,
    number: (u32, u32),
    /// How long the lock is held without a renewal.
    pub(super) lease: f64,
    /// How long its holder tries to renew it.
    pub(super) deadline: f64,
    /// How often it is renewed and tried for.
    pub(super) retry: f64,
    /// When checkpoints are taken: as the job's code says, else as the lab's options do.
    pub(super) checkpointing: Checkpointing,
    /// Whether state is written to files of its own, not into the checkpoint's metadata.
    pub(super) files: bool,
    /// Whether checkpoints share files.
    pub(super) incremental: bool,
    /// What REST calls the state backend.
    pub(super) backend: &'static str,
}

impl Version {
    /// The one that a lab's image says.
    pub(crate) fn of(lab: &Lab) -> Self {
        let name = lab.flink_version().unwrap_or(USUAL);
        let mut parts = name.split('.').map(|part| part.parse().unwrap_or(0));
        let number = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        let options = lab.flink_options();
        let set = |names: &[&str]| names.iter().find_map(|name| options.get(*name));
        let election = |of: &str, usual: f64| {
            lab.flink_seconds(&format!(
                "high-availability.kubernetes.leader-election.{of}"
            ))
            .unwrap_or(usual)
        };
        let rocks = set(&["state.backend.type", "state.backend"])
            .is_some_and(|backend| backend == "rocksdb");
        let incremental = [
            "execution.checkpointing.incremental",
            "state.backend.incremental",
        ];
        let incremental = set(&incremental).is_some_and(|value| value == "true");
        Self {
            name: name.to_owned(),
            number,
            lease: election("lease-duration", LEASE),
            deadline: election("renew-deadline", DEADLINE),
            retry: election("retry-period", RETRY),
            checkpointing: lab.checkpointing().unwrap_or(EXAMPLE),
            files: lab.has_state_files(),
            incremental: rocks && incremental,
            backend: if rocks {
                "EmbeddedRocksDBStateBackend"
            } else {
                "HashMapStateBackend"
            },
        }
    }

    /// Such as `2.2.1`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_1_15(&self) -> bool {
        self.number < (1, 16)
    }

    pub(super) fn is_2(&self) -> bool {
        self.number.0 >= 2
    }

    /// Whether the lease is renewed by a patch. The client of 1.15 to 1.17 updates the whole map.
    pub(super) fn patches(&self) -> bool {
        self.number >= (1, 18)
    }

    /// Whether a JobManager that stops in order gives its lock back. In 1.15 it only takes its
    /// addresses out of the map.
    pub(super) fn gives_back(&self) -> bool {
        self.patches()
    }

    /// Whether every renewal counts as a transition of the lock.
    pub(super) fn counts_renewals(&self) -> bool {
        self.is_1_15()
    }

    /// How long a leader holds on while the API server is away, and whether it then ends instead of
    /// stepping down.
    pub(super) fn patience(&self) -> (f64, f64, bool) {
        if self.patches() {
            (self.deadline + RETRIES, self.deadline + RETRIES, false)
        } else {
            (self.deadline + 4.0, self.deadline + 9.0, true)
        }
    }

    /// Tasks of the example's source in a job that takes so many slots: a single one in 1.15.2 and
    /// 1.20.5, one a slot in 2.2.1.
    pub(super) fn sources(&self, slots: u32) -> u32 {
        if self.is_2() { slots } else { 1 }
    }

    /// Seconds until a TaskManager that is gone without a word is given up.
    pub(super) fn gives_up(&self) -> (f64, f64) {
        if self.is_1_15() {
            (18.5, 19.5)
        } else {
            (10.4, 15.7)
        }
    }

    /// How much longer each pause before a restart is than the one before, by default.
    pub(super) fn backs_off(&self) -> f64 {
        if self.number >= (1, 19) { 1.5 } else { 2.0 }
    }

    /// Seconds that TaskManagers take to find another leader. After an orderly end of the one before,
    /// those of 1.15 look in vain for a while.
    pub(super) fn finds_leader(&self, orderly: bool) -> (f64, f64) {
        if orderly && self.is_1_15() {
            (8.5, 10.0)
        } else {
            (0.1, 0.4)
        }
    }

    /// The exception for a TaskManager that is gone without a word, below Flink's runtime.
    pub(super) fn unreachable(&self) -> &'static str {
        if self.is_1_15() {
            "jobmaster.JobMasterException"
        } else {
            "resourcemanager.exceptions.ResourceManagerException"
        }
    }

    /// `akka` or `pekko`.
    pub(super) fn scheme(&self) -> &'static str {
        if self.number >= (1, 18) {
            "pekko"
        } else {
            "akka"
        }
    }

    /// The prefix of the key that holds what is recovered.
    pub(super) fn plan_key(&self) -> &'static str {
        if self.is_2() {
            "executionPlan-"
        } else {
            "jobGraph-"
        }
    }

    /// How the file of that is called, and its size.
    pub(super) fn plan_file(&self) -> (&'static str, usize) {
        match self.number {
            (2.., _) => ("submittedExecutionPlan", 23_000),
            (_, 16..) => ("submittedJobGraph", 23_000),
            _ => ("submittedJobGraph", 42_000),
        }
    }

    /// What a recovered plan is called in the log.
    pub(super) fn plans(&self) -> &'static str {
        if self.is_2() {
            "execution plans"
        } else {
            "job graphs"
        }
    }

    /// The key of a job's own leader.
    pub(super) fn job_key(&self, job: &str) -> String {
        if self.is_1_15() {
            format!("org.apache.flink.k8s.leader.{job}")
        } else {
            format!("org.apache.flink.k8s.leader.job-{job}")
        }
    }

    /// How the elector's first line in the log names its lock.
    pub(super) fn elector(&self, map: &str, identity: &str) -> String {
        if self.number < (1, 17) {
            format!("Create KubernetesLeaderElector {map} with lock identity {identity}.")
        } else {
            format!("Create KubernetesLeaderElector on lock {map} ({identity}).")
        }
    }
}
