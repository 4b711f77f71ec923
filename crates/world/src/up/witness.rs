//! The first checkpoint, by three witnesses that must agree on one number: Flink's REST, the
//! pointer in the HA config map (by watch), and the files of the mount.

use super::earlier::Work;
use super::{Run, job, kept};
use crate::home::CheckpointFact;
use crate::submit;
use crate::submit::{Answer, Outcome, Rest};
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::runtime::watcher;
use serde_json::Value;
use std::time::Duration;
use tokio::time::{interval, timeout};

const STEP: &str = "checkpoint";
/// How long the first checkpoint may take after the submission: deployment, restore, a slow disk.
const LIMIT: Duration = Duration::from_secs(120);
/// Between two looks at REST and disk.
const LOOK: Duration = Duration::from_millis(200);
/// How long Flink may take to answer.
const ASK: Duration = Duration::from_secs(3);
/// What pointer keys begin with.
const POINTER: &str = "checkpointID-";

/// A checkpoint that all three know.
pub(super) async fn checkpoint(run: &Run<'_>) -> Result<CheckpointFact, Fault> {
    let record = run.submitted.wait().await;
    let ours = run.ours.wait().await;
    run.progress
        .begin(STEP, "waits for the first completed checkpoint")
        .await;
    let client = ours.client();
    let mut seen = Seen::default();
    let mut outcome = Outcome::default();
    let taskmanagers = job::taskmanagers_fixed(&run.lab);
    let wait = async {
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
                    (seen.rest, seen.restored) = completed(&rest, &record.id).await;
                    seen.disk = match seen.pointer {
                        Some(id) if kept::is_there(&run.home, &run.lab, &record.id, id)? => Some(id),
                        _ => None,
                    };
                    if let Some(id) = seen.agreed() {
                        return Ok(id);
                    }
                    if let Some(fault) = outcome.look(&rest, &record.id, taskmanagers).await {
                        return Err(fault);
                    }
                    run.progress.tell(STEP, &seen.told());
                }
            }
        }
    };
    let id = match timeout(LIMIT, wait).await {
        Ok(found) => found?,
        Err(_) => {
            return Err(Fault::unable(
                "no-checkpoint",
                format!("No checkpoint was completed within {} s.", LIMIT.as_secs()),
            )
            .why(format!("{}; {}", outcome.told(), seen.told()))
            .mend("Look at the job in Flink's web UI: its exceptions say what it waits for."));
        }
    };
    if run.work.get() == Some(&Work::Start)
        && let Some(from) = seen.restored
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
        job: record.id.clone(),
        id,
        at: clock::now(),
    })
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
