//! The first checkpoint, by three witnesses that must agree on one number: Flink's REST, the
//! pointer in the HA config map (by watch), and the files of the mount.

use super::earlier::Work;
use super::{Run, application, job, kept};
use crate::flink;
use crate::home::{CheckpointFact, JobRecord};
use crate::submit;
use crate::submit::{Answer, Outcome, Rest};
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_lab::Checkpointing;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::runtime::watcher;
use serde_json::Value;
use std::time::Duration;
use tokio::time::interval;

const STEP: &str = "checkpoint";
/// How long the first checkpoint may take after the submission, beside the job's own interval:
/// deployment, restore, a slow disk.
const LIMIT: Duration = Duration::from_secs(120);
/// An interval from which on the wait for it is told.
const SELDOM: SignedDuration = SignedDuration::from_secs(10);
/// Between two looks at REST and disk.
const LOOK: Duration = Duration::from_millis(200);
/// How long Flink may take to answer.
const ASK: Duration = Duration::from_secs(3);
/// What pointer keys begin with.
const POINTER: &str = "checkpointID-";

/// A checkpoint that all three know.
pub(super) async fn checkpoint(run: &Run<'_>) -> Result<CheckpointFact, Fault> {
    let mut record = run.submitted.wait().await.clone();
    run.progress
        .begin(STEP, "waits for the first completed checkpoint")
        .await;
    let mut due = Due::begin();
    let (id, restored) = loop {
        match of_job(run, &record, &mut due).await? {
            Found::Checkpoint { id, restored } => break (id, restored),
            Found::Another(id) => record = application::follow(run, &record, &id).await?,
        }
    };
    if run.work.get() == Some(&Work::Start)
        && let Some(from) = restored
    {
        run.progress
            .note(format!("The job went on from its checkpoint {from}."));
    }
    run.progress
        .done(
            STEP,
            format!("checkpoint {id}: REST, pointer and disk agree"),
        )
        .await;
    Ok(CheckpointFact {
        job: record.id,
        id,
        at: clock::now(),
    })
}

/// What a wait for a job's checkpoint came to.
enum Found {
    Checkpoint {
        id: u64,
        restored: Option<u64>,
    },
    /// The cluster brought another job along.
    Another(String),
}

/// A checkpoint of one job that all three know.
async fn of_job(run: &Run<'_>, record: &JobRecord, due: &mut Due) -> Result<Found, Fault> {
    let ours = run.ours.wait().await;
    let client = ours.client();
    let brings_its_own = run.lab.application().is_some();
    let mut seen = Seen::default();
    let mut outcome = Outcome::default();
    let taskmanagers = job::taskmanagers_fixed(&run.lab);
    let rest = submit::answering(&client, &run.lab, LIMIT, |_| {}).await?;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &run.lab.flink.namespace);
    let name = run.lab.job_map(&record.id);
    let only = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut events = watcher(maps, only).boxed();
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = events.next() => if let Some(Ok(
                watcher::Event::Apply(map) | watcher::Event::InitApply(map))) = event
            {
                seen.pointer = pointer(&map);
            },
            _ = look.tick() => {
                if due.checkpointing.is_none() {
                    due.checkpointing = checkpointing(&rest, &record.id).await;
                    due.off()?;
                }
                (seen.rest, seen.restored) = completed(&rest, &record.id).await;
                seen.disk = match seen.pointer {
                    Some(id) if kept::is_there(&run.home, &run.lab, &record.id, id)? => Some(id),
                    _ => None,
                };
                if let Some(id) = seen.agreed() {
                    return Ok(Found::Checkpoint { id, restored: seen.restored });
                }
                if let Some(fault) = outcome.look(&rest, &record.id, taskmanagers).await {
                    return Err(fault);
                }
                if brings_its_own
                    && let Some(id) =
                        crate::application::job(&client, &run.lab, &rest, Some(&record.id)).await?
                    && id != record.id
                {
                    return Ok(Found::Another(id));
                }
                if due.is_over() {
                    return Err(missed(due, &outcome, &seen));
                }
                run.progress.tell(STEP, &format!("{}{}", seen.told(), due.told()));
            }
        }
    }
}

fn missed(due: &Due, outcome: &Outcome, seen: &Seen) -> Fault {
    Fault::unable(
        "no-checkpoint",
        format!(
            "No checkpoint was completed within {} s.",
            due.limit().as_secs()
        ),
    )
    .why(format!("{}; {}", outcome.told(), seen.told()))
    .hint("Look at the job in Flink's web UI: its exceptions say what it waits for.")
}

/// By when the first checkpoint must be there.
struct Due {
    began: Instant,
    at: Timestamp,
    /// When the job's checkpoints are taken, once Flink has told it.
    checkpointing: Option<Checkpointing>,
}

impl Due {
    fn begin() -> Self {
        Self {
            began: Instant::now(),
            at: clock::now(),
            checkpointing: None,
        }
    }

    /// The first one comes an interval after the start at the latest.
    fn limit(&self) -> Duration {
        let every = self.checkpointing.and_then(|it| it.every());
        LIMIT + every.map_or(Duration::ZERO, SignedDuration::unsigned_abs)
    }

    fn is_over(&self) -> bool {
        self.began.elapsed() > self.limit()
    }

    /// How long it may take, where that is longer than a person would think.
    fn told(&self) -> String {
        let Some(checkpointing) = self.checkpointing else {
            return String::new();
        };
        if checkpointing.every() < Some(SELDOM) {
            return String::new();
        }
        let limit = SignedDuration::try_from(self.limit()).unwrap_or(SignedDuration::MAX);
        let by = self.at.saturating_add(limit).unwrap_or(Timestamp::MAX);
        format!(
            "; one is taken {}, so the first is there by {} UTC at the latest",
            checkpointing.words(),
            by.strftime("%H:%M:%S")
        )
    }

    /// What takes no checkpoints is not waited for.
    fn off(&self) -> Result<(), Fault> {
        match self.checkpointing {
            Some(it) if it.every().is_none() => Err(Fault::unable(
                "no-checkpoint",
                "The job takes no checkpoints: checkpointing is off.",
            )
            .why("Flink tells no interval for it, and neither its code nor the lab's options set one")
            .hint("Write `execution.checkpointing.interval: 5 s` into the lab's options, or switch checkpoints on in the job's code.")),
            Some(_) | None => Ok(()),
        }
    }
}

/// What each witness says now.
#[derive(Default)]
struct Seen {
    rest: Vec<u64>,
    pointer: Option<u64>,
    disk: Option<u64>,
    /// What the job was restored from last, as REST tells it.
    restored: Option<u64>,
}

impl Seen {
    /// The number that all know. The pointer is the newest known to recover from, so it leads.
    fn agreed(&self) -> Option<u64> {
        let id = self.pointer?;
        (self.disk == Some(id) && self.rest.contains(&id)).then_some(id)
    }

    fn told(&self) -> String {
        let number = |id: Option<u64>| id.map_or("none yet".to_owned(), |id| id.to_string());
        format!(
            "REST {}, pointer {}, disk {}",
            number(self.rest.iter().max().copied()),
            number(self.pointer),
            number(self.disk)
        )
    }
}

/// The newest pointer that a job's config map holds.
fn pointer(map: &ConfigMap) -> Option<u64> {
    let keys = map.data.as_ref()?.keys();
    keys.filter_map(|key| key.strip_prefix(POINTER)?.parse().ok())
        .max()
}

/// When the job's checkpoints are taken, as Flink tells it.
async fn checkpointing(rest: &Rest, job: &str) -> Option<Checkpointing> {
    let path = format!("/jobs/{job}/checkpoints/config");
    match rest.get(&path, ASK).await {
        Answer::Good(answer) => flink::checkpointing(answer.to_string().as_bytes()),
        _ => None,
    }
}

/// The completed checkpoints that REST lists, and the one that the job was restored from.
async fn completed(rest: &Rest, job: &str) -> (Vec<u64>, Option<u64>) {
    match rest.get(&format!("/jobs/{job}/checkpoints"), ASK).await {
        Answer::Good(answer) => (ids(&answer), answer["latest"]["restored"]["id"].as_u64()),
        _ => (Vec::new(), None),
    }
}

fn ids(answer: &Value) -> Vec<u64> {
    let history = answer["history"].as_array().into_iter().flatten();
    let newest = std::iter::once(&answer["latest"]["completed"]);
    history
        .chain(newest)
        .filter(|one| one["status"] == "COMPLETED")
        .filter_map(|one| one["id"].as_u64())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn all_three_must_name_the_same_checkpoint() {
        let seen = |rest: &[u64], pointer, disk| Seen {
            rest: rest.to_vec(),
            pointer,
            disk,
            restored: None,
        };
        assert_eq!(seen(&[1, 2], Some(2), Some(2)).agreed(), Some(2));
        assert_eq!(
            seen(&[1], Some(2), Some(2)).agreed(),
            None,
            "REST does not know it yet"
        );
        assert_eq!(seen(&[1, 2], Some(2), None).agreed(), None, "no files");
        assert_eq!(seen(&[1], None, None).agreed(), None, "no pointer");
        assert_eq!(
            seen(&[], Some(2), None).told(),
            "REST none yet, pointer 2, disk none yet"
        );
    }

    #[test]
    fn the_first_checkpoint_is_waited_for_as_long_as_the_interval_demands() {
        let due = |interval_ms, min_pause_ms| Due {
            checkpointing: Some(Checkpointing {
                interval_ms,
                min_pause_ms,
                timeout_ms: 600_000,
            }),
            ..Due::begin()
        };
        assert_eq!(Due::begin().limit(), LIMIT);
        let usual = due(Some(2_000), 500);
        assert_eq!(
            (usual.limit().as_secs(), usual.told()),
            (122, String::new())
        );
        let long = due(Some(600_000), 500);
        assert_eq!(long.limit().as_secs(), 720);
        assert!(
            long.told().contains("one is taken every 10 min"),
            "{}",
            long.told()
        );
        assert_eq!(due(Some(60_000), 180_000).limit().as_secs(), 300);
        assert!(long.off().is_ok());
        let fault = due(None, 0).off().unwrap_err();
        assert!(fault.what.contains("checkpointing is off"), "{fault}");
    }

    #[test]
    fn rest_and_pointer_are_read_as_flink_writes_them() {
        let answer = serde_json::json!({
            "latest": {"completed": {"id": 4, "status": "COMPLETED"}},
            "history": [{"id": 5, "status": "FAILED"}, {"id": 3, "status": "COMPLETED"}],
        });
        assert_eq!(ids(&answer), [3, 4]);
        let map = ConfigMap {
            data: Some(
                [("checkpointID-0000000000000000017", "x"), ("counter", "18")]
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
            ),
            ..ConfigMap::default()
        };
        assert_eq!(pointer(&map), Some(17));
    }
}
