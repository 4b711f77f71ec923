//! Decides which job runs and brings it in: the one written down if Flink has or recovers it, else
//! the same id again if it never came to a checkpoint, else a new history under a new id.

use super::{Run, kept};
use crate::home::JobRecord;
use crate::kube as api;
use crate::kube::CALL;
use crate::submit;
use crate::submit::{JobState, Rest};
use bytes::Bytes;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::{Instant, sleep};
use flinklab_base::fault::Fault;
use flinklab_lab::failure::Role;
use flinklab_lab::{Lab, Starts};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use std::time::Duration;
use tokio::sync::OnceCell;

pub(super) const STEP: &str = "job";
/// How long JobManagers may take to answer once they are applied: pods, JVMs, an election.
pub(super) const ANSWERS: Duration = Duration::from_secs(180);
/// How long TaskManagers may take to register after that.
const SLOTS: Duration = Duration::from_secs(120);
/// How long Flink may take to say what it runs, or to recover what it ran.
const RECOVERS: Duration = Duration::from_secs(60);

/// The job runs.
pub(super) async fn submitted(run: &Run<'_>) -> Result<(), Fault> {
    if run.lab.application().is_some() {
        return super::application::found(run).await;
    }
    let ours = run.ours.wait().await;
    run.applied.wait().await;
    run.progress.begin(STEP, "waits for a JobManager").await;
    let client = ours.client();
    let jar = OnceCell::new();
    // Read while the JVMs start, if it will be needed at all.
    let read = async {
        match run.book.state().current_job() {
            Some(_) => Ok(()),
            None => jar_bytes(run, &jar).await.map(drop),
        }
    };
    let answering = submit::answering(&client, &run.lab, ANSWERS, |now| {
        run.progress.tell(STEP, now);
    });
    let (rest, ()) = tokio::try_join!(answering, read)?;
    let found = look(run, &client, &rest).await?;
    let (record, detail) = match found {
        Found::Runs(record) => (record, "runs already"),
        Found::Again(record) => {
            submit(run, &rest, &record, &jar).await?;
            (record, "submitted again")
        }
        Found::New => {
            let record = new_record(run, None)?;
            run.tell_lab().await;
            submit(run, &rest, &record, &jar).await?;
            (record, "submitted")
        }
    };
    let from = match &record.from {
        Some(from) => format!(", from {}", from.rsplit('/').next().unwrap_or(from)),
        None => String::new(),
    };
    run.progress
        .done(STEP, format!("{} {detail}{from}", record.id))
        .await;
    let _ = run.submitted.set(record);
    Ok(())
}

/// What is to be done about the job.
enum Found {
    Runs(JobRecord),
    /// Written down, but it never came to a checkpoint.
    Again(JobRecord),
    New,
}

async fn look(run: &Run<'_>, client: &Client, rest: &Rest) -> Result<Found, Fault> {
    let Some(record) = run.book.state().current_job().cloned() else {
        return Ok(Found::New);
    };
    let until = Instant::now() + RECOVERS;
    loop {
        match submit::state(rest, &record.id, RECOVERS).await? {
            JobState::Alive(_) => {
                if run.resume {
                    run.progress
                        .note("The job runs already: there was nothing to resume.");
                }
                return Ok(Found::Runs(record));
            }
            JobState::Over(state) => {
                run.progress.note(format!(
                    "The job {} is {state}; a new one was started.",
                    record.id
                ));
                return Ok(Found::New);
            }
            JobState::Unknown => {}
        }
        // A JobManager that leads since a moment lists the job only when it has recovered it.
        if !is_stored(client, &run.lab, &record.id).await? {
            break;
        }
        if Instant::now() > until {
            return Err(Fault::unable(
                "job-lost",
                format!("Flink does not recover the job {}.", record.id),
            )
            .why("its HA data is there, but no JobManager lists it"));
        }
        run.progress
            .tell(STEP, "waits until Flink has recovered the job");
        sleep(Duration::from_millis(500)).await;
    }
    match kept::has_any(&run.home, &run.lab, &record.id)? {
        // Nothing of it exists yet, and it would begin from nothing.
        false if run.resume && record.from.is_none() => Ok(Found::New),
        false => Ok(Found::Again(record)),
        true => {
            run.progress.note(format!(
                "The job {} is gone from Flink; a new one was started.",
                record.id
            ));
            Ok(Found::New)
        }
    }
}

/// Whether the HA config map holds the job's plan, so that Flink will bring it back by itself.
pub(super) async fn is_stored(client: &Client, lab: &Lab, job: &str) -> Result<bool, Fault> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &lab.flink.namespace);
    let doing = "Reading Flink's HA config map";
    let map = api::within(CALL, doing, maps.get_opt(&lab.cluster_map())).await?;
    let keys = [format!("executionPlan-{job}"), format!("jobGraph-{job}")];
    let data = map.and_then(|map| map.data).unwrap_or_default();
    Ok(keys.iter().any(|key| data.contains_key(key)))
}

/// A new history, written down before anything of it exists; under that id, if it must be one.
pub(super) fn new_record(run: &Run<'_>, id: Option<String>) -> Result<JobRecord, Fault> {
    let now = clock::now();
    let found = kept::newest(&run.home, &run.lab, &run.book.state())?;
    let from = match (&found, run.resume) {
        (Some((kept, _)), true) => {
            run.progress.note(format!(
                "Resumed from checkpoint {} of {} ({}).",
                kept.id,
                kept.job,
                when(kept.at)
            ));
            Some(kept.path.clone())
        }
        (Some((kept, count)), false) => {
            run.progress.note(advice!(
                "Found {count} retained checkpoint{} of earlier jobs, the newest {} of {} ({}). They are \
                 kept; the job started from nothing. `flinklab up --resume` starts a new cluster's job from it.",
                if *count == 1 { "" } else { "s" },
                kept.id,
                kept.job,
                when(kept.at)
            ));
            None
        }
        (None, _) => None,
    };
    run.book.change(|state| match id {
        Some(id) => Ok(state.begin_job(id, from, now)),
        None => state.new_job(from, now),
    })?
}

fn when(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

async fn submit(
    run: &Run<'_>,
    rest: &Rest,
    record: &JobRecord,
    jar: &OnceCell<Bytes>,
) -> Result<(), Fault> {
    submit::takes_jobs(rest).await?;
    run.progress.changed();
    let wanted = taskmanagers(&run.lab);
    let slots = submit::slots(rest, wanted, SLOTS, |here| {
        run.progress.tell(
            STEP,
            &format!("{here} of {wanted} TaskManagers have registered"),
        );
    });
    let (jar, ()) = tokio::try_join!(jar_bytes(run, jar), slots)?;
    run.progress.tell(STEP, "submits");
    submit::submit(rest, &run.lab.job, record, jar).await
}

async fn jar_bytes<'a>(run: &Run<'_>, jar: &'a OnceCell<Bytes>) -> Result<&'a Bytes, Fault> {
    let read = || async {
        let id = run.book.state().id;
        if run.lab.job.own_jar().is_none() {
            // It may be none of those that pods run.
            super::pulled(&run.docker, run.progress, STEP, &run.lab.job.image).await?;
        }
        submit::jar(&run.docker, &id, &run.lab).await
    };
    jar.get_or_try_init(read).await
}

/// How many TaskManagers there will ever be; none where they come from elsewhere or on demand.
pub(super) fn taskmanagers_fixed(lab: &Lab) -> Option<u64> {
    let on_demand = lab
        .operated()
        .is_some_and(|one| one.starts == Starts::OnDemand);
    let replicas = lab.replicas(Role::TaskManager);
    (!on_demand && replicas > 0).then_some(replicas)
}

/// How many TaskManagers the lab starts: all must have registered before the job is spread.
fn taskmanagers(lab: &Lab) -> u64 {
    match lab.operated() {
        // They come because of the job.
        Some(operated) if operated.starts == Starts::OnDemand => 0,
        // A lab whose TaskManagers come from elsewhere: one is enough to begin.
        _ => lab.replicas(Role::TaskManager).max(1),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn all_taskmanagers_of_the_lab_are_waited_for() {
        let lab = Lab::open("default").unwrap();
        assert_eq!(taskmanagers(&lab), 2);
        assert_eq!(taskmanagers_fixed(&lab), Some(2));
    }
}
