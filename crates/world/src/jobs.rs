//! What can be done with the job: looks at what there is (Flink's word, HA data, what a job can
//! start from), and carries orders out. This file only reads; what writes is in `orders`.

mod orders;

pub use orders::run;

use super::disk::{self, Named};
use super::home::{JobRecord, State};
use super::kube::{CALL, within};
use super::open::{LabHandle, must_open};
use super::submit::{Answer, Rest};
use super::{Events, World, application, clean, ha, members};
use flinklab_base::fault::Fault;
use flinklab_event::{
    ApplicationSeen, Event, HaData, JobsSeen, KnownJob, MapChange, Retention, Start, StartKind,
};
use flinklab_lab::Lab;
use flinklab_lab::failure::Role;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::ListParams;
use kube::{Api, Client};
use serde_json::Value;
use std::time::Duration;

/// How long one JobManager may take to answer before another one is asked.
const QUICK: Duration = Duration::from_secs(3);
/// Jobs that are told of: a lab that is used for weeks has more.
const JOBS: usize = 20;
/// What a job can start from that is told of.
const STARTS: usize = 50;
/// Savepoints looked into.
const SAVEPOINTS: usize = 500;
/// The option that says what a cancellation does to checkpoints.
const RETENTION: &str = "execution.checkpointing.externalized-checkpoint-retention";

/// Looks, and says what there is. What cannot be seen is said in words on the page that asked.
pub async fn tell(world: &World, events: &Events) {
    match look(world).await {
        Ok(seen) => events.send(Event::Jobs(Box::new(seen))).await,
        Err(fault) => {
            let seen = JobsSeen {
                silent: Some(fault.what.trim_end_matches('.').to_owned()),
                ..JobsSeen::default()
            };
            events.send(Event::Jobs(Box::new(seen))).await;
        }
    }
}

/// One look at all that can be done with the job.
pub async fn look(world: &World) -> Result<JobsSeen, Fault> {
    let opened = must_open(world)?;
    let client = opened.reader().await?;
    let told = overview(&client, &opened.lab).await;
    let current = opened.state.current_job().map(|job| job.id.clone());
    let known = |job: &JobRecord| KnownJob {
        id: job.id.clone(),
        when: job.when,
        from: job.from.clone(),
        state: told.as_ref().ok().and_then(|told| state_of(told, &job.id)),
    };
    let jobs = opened.state.jobs.iter().rev().take(JOBS).map(known);
    let ha = match &current {
        Some(job) => ha_data(&client, &opened, job).await?,
        None => HaData::default(),
    };
    let application = match opened.lab.application() {
        Some(one) => Some(ApplicationSeen {
            facts: application::facts(&one),
            at_zero: application::at_zero(&client, &opened.lab).await?,
        }),
        None => None,
    };
    Ok(JobsSeen {
        jobs: jobs.collect(),
        current,
        silent: told.err(),
        ha,
        starts: starts(&opened),
        retention: retention(&opened.lab),
        application,
    })
}

/// What any JobManager says of all jobs.
async fn overview(client: &Client, lab: &Lab) -> Result<Value, String> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &lab.flink.namespace);
    let only = ListParams::default().labels(&lab.roles.jobmanager.selector);
    let doing = "Asking for the JobManagers";
    let pods = within(CALL, doing, pods.list(&only)).await;
    let pods = pods.map_err(|fault| fault.to_string())?;
    let mut last = "no JobManager runs".to_owned();
    let members = lab.members();
    for pod in pods.items {
        if members::role(&members, &pod) != Some(Role::JobManager) {
            continue;
        }
        let running = pod
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        if let (Some("Running"), Some(name)) = (running, &pod.metadata.name) {
            match Rest::new(client, lab, name)
                .get("/jobs/overview", QUICK)
                .await
            {
                Answer::Good(told) => return Ok(told),
                other => last = other.to_string(),
            }
        }
    }
    Err(last)
}

/// Flink's word for a job.
fn state_of(told: &Value, job: &str) -> Option<String> {
    let mut rows = told["jobs"].as_array().into_iter().flatten();
    let row = rows.rfind(|row| row["jid"] == job)?;
    row["state"].as_str().map(clean::message)
}

fn retention(lab: &Lab) -> Retention {
    match lab.flink_options().get(RETENTION).map(String::as_str) {
        Some("RETAIN_ON_CANCELLATION") => Retention::Kept,
        Some(_) => Retention::Removed,
        // Flink's own default keeps nothing, but a job may say otherwise in its code.
        None => Retention::Unknown,
    }
}

/// What there is of a job for the next leader, and on the disk.
async fn ha_data(client: &Client, opened: &LabHandle, job: &str) -> Result<HaData, Fault> {
    let lab = &opened.lab;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &lab.flink.namespace);
    let doing = "Reading Flink's HA config maps";
    let cluster = within(CALL, doing, maps.get_opt(&lab.cluster_map())).await?;
    let own = within(CALL, doing, maps.get_opt(&lab.job_map(job))).await?;
    let decoded = |map: Option<ConfigMap>| ha::decode(&lab.flink.cluster_id, &map?);
    let plan = match decoded(cluster) {
        Some(MapChange::Cluster(map)) => map.jobs.iter().any(|known| known == job),
        _ => false,
    };
    let (map, pointers, counter) = match decoded(own) {
        Some(MapChange::Job(map)) => {
            let ids = map.pointers.iter().map(|pointer| pointer.id);
            (true, ids.collect(), map.counter)
        }
        _ => (false, Vec::new(), None),
    };
    let place = opened.place();
    let disk = disk::look(&place, job, &Named::default()).map_err(|error| {
        Fault::unable("shared-unreadable", "The shared folder cannot be read.").why(error)
    })?;
    let mut savepoints = disk::savepoints(&place, SAVEPOINTS).unwrap_or_default();
    savepoints.retain(|one| is_of(&one.name, job));
    Ok(HaData {
        job: job.to_owned(),
        plan,
        map,
        pointers,
        counter,
        files: u32::try_from(disk.ha_count).unwrap_or(u32::MAX),
        checkpoints: disk
            .checkpoints
            .iter()
            .filter(|row| row.complete)
            .map(|row| row.id)
            .collect(),
        savepoints: savepoints.into_iter().map(|one| one.name).collect(),
    })
}

/// Flink names a savepoint after the first digits of its job.
fn is_of(savepoint: &str, job: &str) -> bool {
    let digits = savepoint.strip_prefix("savepoint-");
    let digits = digits.and_then(|rest| rest.split('-').next());
    digits.is_some_and(|digits| !digits.is_empty() && job.starts_with(digits))
}

/// Savepoints and retained checkpoints of the recorded jobs, the newest first. Those of strangers
/// in the same folder are left alone: they may be of another program.
fn starts(opened: &LabHandle) -> Vec<Start> {
    let (lab, state): (&Lab, &State) = (&opened.lab, &opened.state);
    let place = opened.place();
    let mount = lab.flink.mount.trim_end_matches('/');
    let folders = &lab.flink.folders;
    let mut all = Vec::new();
    for savepoint in disk::savepoints(&place, SAVEPOINTS).unwrap_or_default() {
        let mut owners = state.jobs.iter().rev();
        if let Some(job) = owners.find(|job| is_of(&savepoint.name, &job.id)) {
            all.push(Start {
                kind: StartKind::Savepoint,
                path: format!("file:{mount}/{}/{}", folders.savepoints, savepoint.name),
                job: job.id.clone(),
                at: savepoint.written,
            });
        }
    }
    for job in state.jobs.iter().rev().take(JOBS) {
        let seen = disk::look(&place, &job.id, &Named::default()).unwrap_or_default();
        for row in seen.checkpoints.iter().filter(|row| row.complete) {
            if let Some(at) = row.written {
                all.push(Start {
                    kind: StartKind::Checkpoint,
                    path: format!(
                        "file:{mount}/{}/{}/chk-{}",
                        folders.checkpoints, job.id, row.id
                    ),
                    job: job.id.clone(),
                    at,
                });
            }
        }
    }
    all.sort_by_key(|start| std::cmp::Reverse(start.at));
    all.truncate(STARTS);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_savepoint_belongs_to_the_job_it_is_named_after() {
        let job = "07e0ded58f8336e6f67ab576b0c6ae27";
        assert!(is_of("savepoint-07e0de-b84ab41fcf0f", job));
        assert!(!is_of("savepoint-f9f970-b1d17215a1f7", job));
        assert!(!is_of("savepoint--b1d17215a1f7", job));
        assert!(!is_of("chk-7", job));
    }
}
