//! The job where the JobManagers bring it along: decides which history they begin or go on with
//! before they are applied, and finds the job that they run. Submits nothing.

use super::job::{ANSWERS, STEP, is_stored, new_record};
use super::{Run, kept};
use crate::application;
use crate::application::Wanted;
use crate::home::JobRecord;
use crate::submit;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::{Instant, sleep};
use flinklab_base::fault::Fault;
use flinklab_lab::Application;
use kube::Client;
use std::time::Duration;

/// How long the program's `main()` may take until it has submitted its job.
const MAIN: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// The history that the JobManagers are started for, written down before anything of it exists. None
/// where the lab's job is submitted, or flinklab cannot say how its JobManagers are started.
pub(super) async fn history(run: &Run<'_>, client: &Client) -> Result<Option<JobRecord>, Fault> {
    let Some(application) = run.lab.application().filter(Application::is_startable) else {
        return Ok(None);
    };
    let known = run.book.state().current_job().cloned();
    if let Some(known) = known
        && goes_on(run, client, &known).await?
    {
        return match &application.id {
            Some(id) if *id != known.id => Err(another_id(id, &known)),
            Some(_) | None => Ok(Some(known)),
        };
    }
    if let Some(id) = &application.id
        && !run.resume
        && kept::has_any(&run.home, &run.lab, id)?
    {
        run.progress.note(format!(
            "The manifest fixes the job's id, {id}, and an earlier history left checkpoints under it: those of \
             the new one fail where they have the same numbers."
        ));
    }
    let record = new_record(run, application.id.clone())?;
    run.tell_lab().await;
    Ok(Some(record))
}

/// A leader that is started under another id gives up the job that it recovers.
fn another_id(id: &str, known: &JobRecord) -> Fault {
    Fault::unable(
        "other-job-id",
        format!("The manifest gives the job the id {id}, and {} runs.", known.id),
    )
    .why("its JobManagers would give up the job that they recover: it would be FAILED, its HA data removed, and another one begun from nothing")
    .hint(advice!(
        "Take the id out of the manifest again. Or run `flinklab job stop` first: `flinklab job resume` then starts under the new id."
    ))
}

/// Whether a history that was begun is the one to go on with.
async fn goes_on(run: &Run<'_>, client: &Client, known: &JobRecord) -> Result<bool, Fault> {
    if is_stored(client, &run.lab, &known.id).await? {
        return Ok(true);
    }
    let wanted = application::wanted(client, &run.lab).await?;
    match (wanted, kept::has_any(&run.home, &run.lab, &known.id)?) {
        // Nothing of it exists yet, and it would begin from nothing.
        (Wanted::Nothing | Wanted::Some | Wanted::Unknown, false) => {
            return Ok(!run.resume || known.from.is_some());
        }
        // JobManagers are at it just now.
        (Wanted::Some | Wanted::Unknown, true) => return Ok(true),
        // No leader would bring it back.
        (Wanted::Zero, _) | (Wanted::Nothing, true) => {}
    }
    run.progress.note(format!(
        "The job {} has ended with its cluster; a new one was started.",
        known.id
    ));
    Ok(false)
}

/// The job runs: the one that the JobManagers were started for, or the one that is found.
pub(super) async fn found(run: &Run<'_>) -> Result<(), Fault> {
    let ours = run.ours.wait().await;
    run.applied.wait().await;
    run.progress.begin(STEP, "waits for a JobManager").await;
    let client = ours.client();
    let rest = submit::answering(&client, &run.lab, ANSWERS, |now| {
        run.progress.tell(STEP, now);
    })
    .await?;
    let known = run.book.state().current_job().cloned();
    let began = known.as_ref().is_some_and(|known| known.when >= run.began);
    let until = Instant::now() + MAIN;
    let id = loop {
        let wanted = known.as_ref().map(|known| known.id.as_str());
        if let Some(id) = application::job(&client, &run.lab, &rest, wanted).await? {
            break id;
        }
        if Instant::now() > until {
            return Err(Fault::unable(
                "job-missing",
                format!(
                    "The JobManagers have started no job within {} s.",
                    MAIN.as_secs()
                ),
            )
            .why("one leads and answers, but neither its HA config map nor its REST knows a job")
            .hint(
                "Look at the log of the JobManager that leads: the program's `main()` runs there.",
            ));
        }
        run.progress
            .tell(STEP, "waits until the program's main() has started the job");
        sleep(LOOK).await;
    };
    let (record, detail) = match known {
        Some(known) if known.id == id => {
            let words = if began {
                "started by its JobManagers"
            } else {
                "runs already"
            };
            if !began && run.resume {
                run.progress
                    .note("The job runs already: there was nothing to resume.");
            }
            (known, words)
        }
        Some(known) => (
            follow(run, &known, &id).await?,
            "found: its JobManagers started it",
        ),
        None => {
            let now = clock::now();
            let record = run.book.change(|state| state.found_job(&id, now))?;
            run.tell_lab().await;
            (record, "found: its JobManagers started it")
        }
    };
    let from = match &record.from {
        Some(from) if began => format!(", from {}", from.rsplit('/').next().unwrap_or(from)),
        Some(_) | None => String::new(),
    };
    run.progress
        .done(STEP, format!("{id} {detail}{from}"))
        .await;
    let _ = run.submitted.set(record);
    Ok(())
}

/// Writes down that the cluster runs another job than the one that was.
pub(super) async fn follow(run: &Run<'_>, known: &JobRecord, id: &str) -> Result<JobRecord, Fault> {
    run.progress.note(format!(
        "The cluster runs the job {id}, not {}: it is followed from now on.",
        known.id
    ));
    let now = clock::now();
    let record = run.book.change(|state| state.found_job(id, now))?;
    run.tell_lab().await;
    Ok(record)
}

/// Why a lab whose start is not flinklab's to choose cannot be resumed.
pub(super) fn refuse_resume(run: &Run<'_>) -> Result<(), Fault> {
    let why = run.lab.application().and_then(|one| one.cannot_start());
    match why.filter(|_| run.resume) {
        None => Ok(()),
        Some(why) => Err(Fault::unable(
            "nothing-to-resume",
            "The job cannot be started from a checkpoint that flinklab chooses.",
        )
        .why(why)
        .hint(advice!(
            "Say in the manifest what it starts from, and run `flinklab up` without --resume."
        ))),
    }
}
