//! The job that counts numbered input, as the lab `exactly` has it: so many numbers a second while
//! its tasks run, said by each task in a metric as the real one does. What a checkpoint holds of them
//! is written in its metadata, so that what a leader does not find is lost here, too.

use super::WorkerState;
use super::checkpoints;
use super::job::{Job, JobMaster};
use crate::cluster::{Cluster, Process, State};
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use serde_json::{Value, json};
use std::path::Path;

/// Numbers a second.
const RATE: f64 = 100.0;
/// Keys under which they are counted.
const KEYS: u64 = 32;
/// What stands in the metadata before the number of numbers.
const HEAD: &str = "simulated checkpoint metadata of ";

/// What the tasks of such a job hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    /// The checkpoint with which they began, and what it held.
    restored: Option<u64>,
    began: u64,
    /// What they had counted when they last stood still.
    counted: u64,
    /// Since when they run.
    runs: Option<Instant>,
    /// When they last ran.
    stood: Option<Instant>,
    /// What was counted in the newest completed checkpoint.
    pub(super) checkpointed: u64,
}

impl Numbers {
    /// The tasks begin with what a checkpoint held.
    fn begin(&mut self, from: Option<(u64, u64)>) {
        let (restored, began) = from.unzip();
        *self = Self {
            restored,
            began: began.unwrap_or_default(),
            counted: began.unwrap_or_default(),
            checkpointed: began.unwrap_or_default(),
            ..Self::default()
        };
    }

    /// All tasks run now, or none.
    pub(super) fn run(&mut self, run: bool, each: f64) {
        match (run, self.runs) {
            (true, None) => self.runs = Some(Instant::now()),
            (false, Some(_)) => {
                let now = Instant::now();
                self.counted = self.at(now, each);
                (self.runs, self.stood) = (None, Some(now));
            }
            _ => {}
        }
    }

    /// What they have counted at a moment, one number taking so many seconds.
    fn at(&self, moment: Instant, each: f64) -> u64 {
        let ran = self
            .runs
            .map(|since| moment.saturating_duration_since(since));
        self.counted + ran.map_or(0, |ran| (ran.as_secs_f64() / each) as u64)
    }

    pub(super) fn now(&self, each: f64) -> u64 {
        self.at(Instant::now(), each)
    }
}

/// Seconds from one number to the next.
pub(super) fn each(process: &Process) -> f64 {
    process
        .cluster
        .context
        .pace
        .seconds(1.0 / RATE)
        .as_secs_f64()
}

/// The first line of a checkpoint's metadata.
pub(super) fn line(counted: u64) -> String {
    format!("{HEAD}{counted} numbers\n")
}

/// What the checkpoint in that folder holds.
fn held(folder: &Path) -> u64 {
    let text = std::fs::read_to_string(folder.join("_metadata")).unwrap_or_default();
    let number = text
        .strip_prefix(HEAD)
        .and_then(|rest| rest.split(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl JobMaster {
    /// What the tasks have counted; nothing where they do not.
    pub(super) fn counted(&self) -> u64 {
        let each = each(&self.process);
        let counted = self.with_quietly(|job| job.numbers.as_ref().map(|own| own.now(each)));
        counted.flatten().unwrap_or(0)
    }

    /// The tasks will begin with what the job was restored from.
    pub(super) fn recount(&self) {
        let restored = self.with_quietly(|job| {
            let restored = job.restored.as_ref()?;
            Some((restored.id, restored.path.clone()))
        });
        let from = restored.flatten().map(|(id, path)| {
            let mount = format!("file:{}/", self.process.cluster.lab.flink.mount);
            let below = path.strip_prefix(&mount).unwrap_or_default();
            let folder = checkpoints::on_disk(&self.process, below);
            (id, folder.map_or(0, |folder| held(&folder)))
        });
        self.with(|job| {
            if let Some(own) = &mut job.numbers {
                own.begin(from);
            }
        });
    }
}

/// The metric of the tasks that are asked for, as `N.count.exact`; others have none.
pub(super) fn metrics(cluster: &Cluster, state: &State, job: &Job, asked: &str) -> Value {
    let each = cluster.context.pace.seconds(1.0 / RATE).as_secs_f64();
    let said = asked.split(',').filter_map(|id| {
        let task: u64 = id.strip_suffix(".count.exact")?.parse().ok()?;
        let own = job.numbers.as_ref()?;
        let place = job.slots.get(usize::try_from(task).ok()?)?;
        let moment = match state.flink.workers.get(place)?.state {
            WorkerState::Alive => own.stood.filter(|_| own.runs.is_none()),
            // The last that was heard of it.
            WorkerState::Silent { since, .. } => Some(since),
        };
        let moment = moment.unwrap_or_else(Instant::now);
        let text = value(own, moment, each, (task, u64::from(job.parallelism)));
        Some(json!({"id": id, "value": text}))
    });
    Value::Array(said.collect())
}

/// What one task of so many says: the numbers of its keys.
fn value(own: &Numbers, moment: Instant, each: f64, (task, of): (u64, u64)) -> String {
    let keys: Vec<u64> = (0..KEYS).filter(|key| key % of == task).collect();
    let part = |total: u64| -> u64 {
        let of_key = |key: &u64| (total + KEYS - 1 - key) / KEYS;
        keys.iter().map(of_key).sum()
    };
    let counted = own.at(moment, each);
    // A key is looked at with the first of its numbers.
    let (seen, held) = if counted >= own.began + KEYS {
        (keys.len(), part(counted))
    } else {
        (0, 0)
    };
    let at = clock::now().as_millisecond() - moment.elapsed().as_millis() as i64;
    json!({"at": at, "restored": own.restored, "began": part(own.began),
        "counted": part(counted), "checkpointed": part(own.checkpointed), "keys": seen,
        "of": KEYS, "held": held, "due": held, "gaps": 0, "duplicates": 0})
    .to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tasks_say_together_what_the_job_counted_and_a_checkpoint_remembers() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("_metadata"), line(1234)).unwrap();
        let mut own = Numbers::default();
        own.begin(Some((7, held(folder.path()))));
        let said: Vec<Value> = (0..2)
            .map(|task| value(&own, Instant::now(), 0.01, (task, 2)))
            .map(|text| serde_json::from_str(&text).unwrap())
            .collect();
        let sum = |of: &str| {
            said.iter()
                .map(|one| one[of].as_u64().unwrap())
                .sum::<u64>()
        };
        assert_eq!((sum("counted"), sum("began"), sum("keys")), (1234, 1234, 0));
        assert_eq!(said[0]["restored"], 7);
        own.counted = 2000;
        let said: Value = serde_json::from_str(&value(&own, Instant::now(), 0.01, (0, 1))).unwrap();
        assert_eq!(
            (&said["counted"], &said["held"], &said["keys"]),
            (&json!(2000), &json!(2000), &json!(32))
        );
    }
}
