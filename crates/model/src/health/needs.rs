//! What the next leader needs: leader keys of this epoch, the plans of the jobs, the files of their
//! pointers. Each that is missing is named before a failure finds it out.
//!
//! A leader writes its keys one after the other, and Flink marks a pointer before it removes the
//! file, which two observers see at two moments. So a lack counts once it has lasted.

use crate::Model;
use flinklab_base::units;
use flinklab_event::{ClusterMap, JobRow, Plan, Pointer, Source, is_over};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// What every leader writes into the cluster's map, and what is not found without it.
const COMPONENTS: [(&str, &str); 3] = [
    (
        "dispatcher",
        "new jobs find no dispatcher, and nothing says which pod leads",
    ),
    (
        "resourcemanager",
        "a TaskManager that starts or lost its connection finds no ResourceManager, so its slots do not come back",
    ),
    (
        "restserver",
        "clients that look for the leader's REST in the config map find none",
    ),
];
const LEADER: &str = "org.apache.flink.k8s.leader.";
/// Keys change within half a second of each other; the job's follows once it is recovered.
const KEYS: SignedDuration = SignedDuration::from_secs(5);
/// A pointer's mark and the removal of its file are seen this far apart at the most.
const FILES: SignedDuration = SignedDuration::from_secs(2);
/// Looks at the files that must have missed one.
const LOOKS: u32 = 3;

/// Something that the next leader needs and that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What it belongs to: `resourcemanager`, `job c506b6c2`.
    pub component: String,
    /// The key in the config map that is missing or wrong, or that leads to the file.
    pub key: String,
    /// The file, where it is one.
    pub file: Option<String>,
    /// What is missing, in words.
    pub what: String,
    /// What follows from it.
    pub means: String,
}

/// Whether the files of the HA data can be looked for at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HaFiles {
    /// They lie on the mount and are looked for.
    Seen,
    /// They lie elsewhere, or were not looked for yet.
    NotSeen,
}

/// Since when something is missing.
#[derive(Debug, Clone, PartialEq)]
struct Since {
    at: Timestamp,
    looks: u32,
    lack: Lack,
}

/// What is missing, and for how long.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Needs {
    lacks: BTreeMap<(String, Option<String>), Since>,
}

/// Where a lack was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// In another look at the files.
    Look,
    /// In what was known already.
    Known,
}

impl Model {
    /// What the next leader needs and would not find, the leader keys first.
    #[must_use]
    pub fn lacks(&self) -> Vec<&Lack> {
        let all = self.watchfulness.needs.lacks.values();
        let lasting = all.filter(|since| self.lasts(since));
        let mut lacks: Vec<&Lack> = lasting.map(|since| &since.lack).collect();
        lacks.sort_by_key(|lack| lack.file.is_some());
        lacks
    }

    /// Whether the files that the HA config maps point to are looked for.
    #[must_use]
    pub fn ha_files(&self) -> HaFiles {
        match &self.job.disk {
            Some((_, sample)) if sample.needed > 0 && !self.lost(Source::Disk) => HaFiles::Seen,
            _ => HaFiles::NotSeen,
        }
    }

    /// What is missing and may be only on its way.
    pub(super) fn awaited(&self) -> Option<String> {
        // One look that misses a file may have come between its removal and the news of it.
        let awaited = |since: &&Since| since.lack.file.is_none() || since.looks > 1;
        let mut all = self.watchfulness.needs.lacks.values();
        let since = all.find(|since| awaited(since) && !self.lasts(since))?;
        Some(format!("{} so far", since.lack.what))
    }

    fn lasts(&self, since: &Since) -> bool {
        let for_how_long = self.now.duration_since(since.at);
        match since.lack.file {
            Some(_) => for_how_long >= FILES && since.looks >= LOOKS,
            None => for_how_long >= KEYS,
        }
    }

    /// Takes in what an event has changed.
    pub(super) fn need(&mut self, seen: Seen) {
        let mut found = self.missing_keys();
        found.extend(self.missing_files());
        let before = std::mem::take(&mut self.watchfulness.needs.lacks);
        let now = self.now;
        let lacks = found.into_iter().map(|lack| {
            let id = (lack.key.clone(), lack.file.clone());
            let known = before.get(&id);
            let looks = known.map_or(0, |since| since.looks);
            let looked = lack.file.is_some() && seen == Seen::Look;
            let since = Since {
                at: known.map_or(now, |since| since.at),
                looks: looks.saturating_add(u32::from(looked)),
                lack,
            };
            (id, since)
        });
        self.watchfulness.needs.lacks = lacks.collect();
    }

    /// Leader keys that are not there or not of this epoch. While the lead changes hands there is
    /// nothing to say about them.
    fn missing_keys(&self) -> Vec<Lack> {
        let Some((_, map)) = &self.cluster.map else {
            return Vec::new();
        };
        let holds = self.cluster.lease_fresh(self.now) && !self.lost(Source::Api);
        let Some(epoch) = self.this_epoch(map).filter(|_| holds) else {
            return Vec::new();
        };
        let mut lacks = Vec::new();
        for (component, means) in COMPONENTS {
            let key = map.leaders.get(component);
            let name = format!("{LEADER}{component}");
            if key.is_none_or(|key| key.epoch != epoch) {
                lacks.push(of_key(component, name, key.map(|key| &*key.epoch), means));
            }
        }
        for row in self.running() {
            let component = format!("job-{}", row.id);
            let key = map.leaders.get(&component);
            // On Flink 1.15 a job's session id is its own: only one that is known as another epoch's
            // is an old one.
            let is_old =
                |id: &str| id != epoch && self.cluster.epochs.iter().any(|known| known.id == id);
            let job = format!("job {}", units::short(&row.id, units::JOB));
            if key.is_none_or(|key| is_old(&key.epoch)) {
                let means = "a TaskManager that loses its connection to the job's JobMaster does not find it again";
                let name = format!("{LEADER}{component}");
                lacks.push(of_key(&job, name, key.map(|key| &*key.epoch), means));
            }
            if !map.jobs.contains(&row.id) {
                lacks.push(Lack {
                    what: format!("the plan of {job} is not in {}", map.name),
                    key: format!("executionPlan-{}", row.id),
                    component: job,
                    file: None,
                    means: "the next leader would not know the job and not run it again".to_owned(),
                });
            }
        }
        lacks
    }

    /// The session id of who leads now. Of several that were all there before us it is the one of the
    /// most keys: which was written last, nobody saw.
    fn this_epoch(&self, map: &ClusterMap) -> Option<String> {
        let lock = map.lock.as_ref()?;
        let newest = self.cluster.epoch()?;
        if newest.holder != lock.holder {
            return None;
        }
        let together = self.cluster.epochs.iter();
        let together = together.filter(|epoch| epoch.began == newest.began);
        let keys = |id: &str| map.leaders.values().filter(|key| key.epoch == id).count();
        let most = together.max_by_key(|epoch| (keys(&epoch.id), epoch.number))?;
        Some(most.id.clone())
    }

    /// Jobs of which Flink says that all their tasks run, and of which it would be known if not.
    fn running(&self) -> impl Iterator<Item = &JobRow> {
        let sample = self.job.sample.as_ref();
        let jobs = sample.and_then(|(_, sample)| sample.jobs.as_ref().ok());
        let rows = jobs.into_iter().flatten();
        rows.filter(|row| row.all_run())
    }

    /// Files that a pointer leads to and that are not there.
    fn missing_files(&self) -> Vec<Lack> {
        let (Some((_, map)), Some((_, disk))) = (&self.cluster.map, &self.job.disk) else {
            return Vec::new();
        };
        if self.lost(Source::Api) || self.lost(Source::Disk) {
            return Vec::new();
        }
        let missing = |file: Option<&str>| {
            let found = disk.missing.iter().find(|name| Some(name.as_str()) == file);
            found.cloned()
        };
        let mut lacks = Vec::new();
        for plan in map.plans.iter().filter(|plan| !plan.deleting) {
            if self.is_over(&plan.job) {
                continue;
            }
            if let Some(file) = missing(plan.file()) {
                lacks.push(of_plan(plan, file));
            }
        }
        for (_, map) in self.cluster.maps.values() {
            if self.is_over(&map.job) {
                continue;
            }
            let job = format!("job {}", units::short(&map.job, units::JOB));
            for pointer in map.usable() {
                if let Some(file) = missing(pointer.file()) {
                    lacks.push(of_pointer(&job, pointer, file));
                }
            }
        }
        lacks.extend(self.missing_metadata());
        lacks
    }

    /// The metadata of the checkpoint that the newest pointer leads to.
    fn missing_metadata(&self) -> Option<Lack> {
        let (_, map) = self.cluster.job_map.as_ref()?;
        let (_, disk) = self.job.disk.as_ref()?;
        let id = map.newest()?;
        let path = self.job.checkpoints.get(&id)?;
        let path = path.path.as_deref().filter(|_| !path.savepoint)?;
        if disk.job != map.job || self.is_over(&map.job) || !self.is_below_mount(path, &map.job, id)
        {
            return None;
        }
        let is_complete = disk
            .checkpoints
            .iter()
            .any(|row| row.id == id && row.complete);
        (!is_complete).then(|| Lack {
            component: format!("job {}", units::short(&map.job, units::JOB)),
            key: format!("checkpointID-{id:019}"),
            file: Some(format!("chk-{id}/_metadata")),
            what: format!("chk-{id}/_metadata of the newest checkpoint is missing"),
            means: format!(
                "nothing can be started from chk-{id}, and the next leader would find only what state the pointer's file holds itself"
            ),
        })
    }

    /// Whether the path that Flink tells is where files are looked at.
    fn is_below_mount(&self, path: &str, job: &str, id: u64) -> bool {
        let lab = self.lab.as_ref();
        let folder = path.strip_prefix("file:").and_then(|path| {
            let path = path.trim_start_matches('/');
            let mount = lab?.mount.trim_matches('/');
            let below = path.strip_prefix(mount)?.strip_prefix('/')?;
            below.strip_suffix(&format!("/{job}/chk-{id}"))
        });
        folder.is_some_and(|folder| {
            lab.is_some_and(|lab| lab.names.checkpoints.ends_with(&format!("/{folder}")))
        })
    }

    /// Whether Flink says that a job will not run again: then it removes what it had.
    fn is_over(&self, job: &str) -> bool {
        let row = self.job.row(Some(job));
        row.is_some_and(|row| is_over(&row.state))
    }
}

fn of_key(component: &str, key: String, stale: Option<&str>, means: &str) -> Lack {
    let what = match stale {
        None => format!("the leader key of {component} is missing"),
        Some(epoch) => format!(
            "the leader key of {component} is of another epoch, {}",
            units::short(epoch, units::ID)
        ),
    };
    Lack {
        component: component.to_owned(),
        key,
        file: None,
        what,
        means: means.to_owned(),
    }
}

fn of_plan(plan: &Plan, file: String) -> Lack {
    let job = format!("job {}", units::short(&plan.job, units::JOB));
    Lack {
        what: format!("{file}, the plan of {job}, is missing"),
        key: plan.key.clone(),
        component: job,
        file: Some(file),
        means:
            "the next leader would end at its start, and every one after it, until the file is back"
                .to_owned(),
    }
}

fn of_pointer(job: &str, pointer: &Pointer, file: String) -> Lack {
    Lack {
        what: format!("{file}, the pointer to checkpoint {}, is missing", pointer.id),
        key: format!("checkpointID-{:019}", pointer.id),
        component: job.to_owned(),
        file: Some(file),
        means: "the next leader would fail to recover the job and end, and every one after it, until the file is back".to_owned(),
    }
}
