//! What every simulated thing stands on: the lab's definition, time, chance, and the wishes of a
//! test.

use super::pace::{Dice, Pace};
use super::serve::Counters;
use flinklab_lab::Lab;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub(crate) struct SimContext {
    /// The definitions that clusters may be of; at least one.
    labs: Vec<Arc<Lab>>,
    pub(super) pace: Pace,
    pub(super) dice: Dice,
    pub(super) counters: Counters,
    /// Ends everything.
    pub(super) stop: CancellationToken,
    wishes: Mutex<Wishes>,
}

/// What would be left to chance, decided by a test.
#[derive(Debug, Clone, Default)]
pub(super) struct Wishes {
    pub(super) clean_stop: Option<CleanStop>,
    pub(super) trouble: Option<Trouble>,
    /// The registry knows no image.
    pub(super) no_registry: bool,
    /// The registry wants this name and password.
    pub(super) login: Option<(String, String)>,
    /// Docker keeps its images in containerd.
    pub(super) containerd_store: bool,
}

/// What keeps a cluster from coming up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The node's init says why and ends.
    NodeDoesNotBoot,
    /// Every command in a node is refused, as in one that somebody paused.
    NodeIsPaused,
    /// What a node writes is not seen by the host: Docker's machine does not share the folder.
    FolderNotShared,
    /// The API server ends again and again, until kubeadm gives up.
    ApiServerNeverAnswers,
    /// The controller that binds claims to volumes begins half a minute late, as on a busy machine.
    VolumesBoundLate,
}

/// How the lock is left behind by a JobManager that stops in order. In life it is a race.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanStop {
    /// Given back: another one leads within seconds.
    Released,
    /// Taken again by the dying one: its lease must run out.
    Retaken,
}

impl SimContext {
    pub(super) fn new(labs: Vec<Lab>, speed: f64, seed: u64) -> Self {
        Self {
            labs: labs.into_iter().map(Arc::new).collect(),
            pace: Pace::new(speed),
            dice: Dice::new(seed),
            counters: Counters::default(),
            stop: CancellationToken::new(),
            wishes: Mutex::default(),
        }
    }

    /// The definition of a cluster: the one whose name the cluster's own ends in, else the first.
    /// `flinklab compare` names its instances after their labs.
    pub(super) fn lab_of(&self, cluster: &str) -> Arc<Lab> {
        let named = |lab: &&Arc<Lab>| {
            let before = cluster.strip_suffix(&lab.name.replace('.', "-"));
            before.is_some_and(|before| before.is_empty() || before.ends_with('-'))
        };
        let found = self
            .labs
            .iter()
            .filter(named)
            .max_by_key(|lab| lab.name.len());
        found.unwrap_or(&self.labs[0]).clone()
    }

    pub(super) fn labs(&self) -> impl Iterator<Item = &Lab> {
        self.labs.iter().map(Arc::as_ref)
    }

    pub(super) fn wish(&self, change: impl FnOnce(&mut Wishes)) {
        change(&mut self.wishes.lock().expect("no panic while the lock is held"));
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        let wishes = self.wishes.lock().expect("no panic while the lock is held");
        wishes.trouble
    }

    pub(super) fn keeps_in_containerd(&self) -> bool {
        let wishes = self.wishes.lock().expect("no panic while the lock is held");
        wishes.containerd_store
    }

    pub(super) fn login(&self) -> Option<(String, String)> {
        let wishes = self.wishes.lock().expect("no panic while the lock is held");
        wishes.login.clone()
    }

    pub(super) fn has_registry(&self) -> bool {
        let wishes = self.wishes.lock().expect("no panic while the lock is held");
        !wishes.no_registry
    }

    /// In 30 of 58 clean stops that were measured, the dying one took the lock again.
    pub(super) fn clean_stop(&self) -> CleanStop {
        let wished = self
            .wishes
            .lock()
            .expect("no panic while the lock is held")
            .clean_stop;
        let drawn = if self.dice.share() < 0.5 {
            CleanStop::Retaken
        } else {
            CleanStop::Released
        };
        wished.unwrap_or(drawn)
    }
}
