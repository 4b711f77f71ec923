//! Carries an order out: proves the lab, keeps others off, asks Flink's leader over REST and waits
//! until what was asked for is so. A new job is written down before it exists. Looks at the HA data
//! before and after; removes nothing itself.

use super::{ha_data, look};
use crate::docker::Docker;
use crate::gate::{Ours, ours};
use crate::kube::CALL;
use crate::open::{LabHandle, must_open};
use crate::submit;
use crate::submit::{Answer, Rest};
use crate::{Events, World, application, clean, journal};
use bytes::Bytes;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_base::shell;
use flinklab_event::{Event, JobAct, JobDone, JobOrder, JobTold, JobsSeen, is_over};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Between two looks at what was asked for.
const LOOK: Duration = Duration::from_millis(200);
/// How long a JobManager may take to lead.
const ANSWERS: Duration = Duration::from_secs(60);
/// How long JobManagers that are started for a job may take to lead: pods, JVMs, an election.
const STARTS: Duration = Duration::from_secs(180);
/// How long a savepoint may take.
const WRITTEN: Duration = Duration::from_secs(120);
/// How long a job may take to end.
const ENDS: Duration = Duration::from_secs(60);
/// How long a new job may take until all its tasks run.
const RUNS: Duration = Duration::from_secs(120);

/// Does it, and says what came of it.
pub async fn run(world: &World, order: &JobOrder, events: &Events) {
    events.send(Event::Job(JobTold::Begun(order.clone()))).await;
    let told = match carry_out(world, order, events).await {
        Ok(done) => JobTold::Done(Box::new(done)),
        Err(fault) => JobTold::Refused(fault),
    };
    super::tell(world, events).await;
    events.send(Event::Job(told)).await;
}

async fn carry_out(world: &World, order: &JobOrder, events: &Events) -> Result<JobDone, Fault> {
    let began = Instant::now();
    let docker = world.docker().await?;
    let ours = ours(world, must_open(world)?.as_ref(), &docker).await?;
    let _lock = ours.home().lock_for(&format!("job {}", order.act))?;
    if let Some(left) = journal::list(ours.home())?.first() {
        return Err(Fault::unable(
            "still-broken",
            format!("{} is still applied: {}.", left.failure, left.what),
        )
        .why("what the job does now says little about what it does otherwise")
        .hint(advice!("Run `flinklab heal`.")));
    }
    // Others may have done something since the person looked.
    let seen = look(world).await?;
    if let Some(why) = seen.against(order.act) {
        return Err(not_now(order.act, &why));
    }
    let hand = OrderRun {
        world,
        // As it is now that nobody else changes it.
        opened: must_open(world)?,
        ours,
        docker,
        events,
        seen,
        order,
    };
    let (job, state, savepoint, restored) = match order.act {
        JobAct::Savepoint => hand.savepoint().await?,
        JobAct::Stop => hand.stop().await?,
        JobAct::Cancel => hand.cancel().await?,
        JobAct::Resume | JobAct::Resubmit => hand.start().await?,
    };
    let after = ha_data(&hand.ours.client(), &hand.opened, &job).await?;
    Ok(JobDone {
        order: order.clone(),
        job,
        state,
        savepoint,
        restored,
        seconds: began.elapsed().as_secs_f64(),
        before: hand.seen.ha,
        after,
    })
}

fn not_now(act: JobAct, why: &str) -> Fault {
    Fault::unable("not-now", format!("`job {act}` cannot be done now."))
        .why(why)
        .hint(advice!(
            "`flinklab job list` shows the jobs and what they can start from."
        ))
}

/// The job, Flink's word for it, the savepoint, where it started.
type Outcome = (String, String, Option<String>, Option<String>);

struct OrderRun<'a> {
    world: &'a World,
    opened: Arc<LabHandle>,
    ours: Ours,
    docker: Docker,
    events: &'a Events,
    seen: JobsSeen,
    order: &'a JobOrder,
}

impl OrderRun<'_> {
    fn now(&self, words: &str) {
        self.events
            .offer(Event::Job(JobTold::Now(words.to_owned())));
    }

    /// The leader's REST: only it knows what became of a request.
    async fn rest(&self) -> Result<Rest, Fault> {
        let lab = &self.opened.lab;
        submit::answering(&self.ours.client(), lab, ANSWERS, |now| self.now(now)).await
    }

    fn job(&self) -> String {
        self.seen.current.clone().unwrap_or_default()
    }

    /// Sends an order to Flink, and tells the command that does the same.
    async fn send(
        &self,
        rest: &Rest,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<Value, Fault> {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        if let Some(ui) = self.opened.state.ui() {
            let data = if text.is_empty() {
                String::new()
            } else {
                format!(
                    " -H 'Content-Type: application/json' -d {}",
                    shell::quoted(&text)
                )
            };
            let what = format!("job {}", self.order.act);
            let command = format!(
                "curl -X {method} {}{data}",
                shell::quoted(&format!("{ui}{path}"))
            );
            self.events.did(&what, command).await;
        }
        let answer = rest
            .send(method, path, "application/json", Bytes::from(text), CALL)
            .await;
        match answer {
            Answer::Good(told) => Ok(told),
            other => Err(refused(self.order.act, &other.to_string())),
        }
    }

    /// Asks for a savepoint and waits for it: its path.
    async fn written(&self, rest: &Rest, path: &str, body: Value) -> Result<String, Fault> {
        let asked = self.send(rest, Method::POST, path, body).await?;
        let request = clean::message(asked["request-id"].as_str().unwrap_or_default());
        self.now("waits until the savepoint is written");
        let told = format!("/jobs/{}/savepoints/{request}", self.job());
        let until = Instant::now() + WRITTEN;
        let mut last = "no answer".to_owned();
        while Instant::now() < until {
            match rest.get(&told, CALL).await {
                Answer::Good(told) if told["status"]["id"] == "COMPLETED" => {
                    let done = &told["operation"];
                    if let Some(path) = done["location"].as_str() {
                        return Ok(clean::message(path));
                    }
                    return Err(refused(self.order.act, &cause(&done["failure-cause"])));
                }
                Answer::Good(_) => last = "it is still being written".to_owned(),
                Answer::Bad(404, _) => {
                    return Err(Fault::unable(
                        "request-forgotten",
                        "Flink does not know the request for the savepoint any more.",
                    )
                    .why("a leader that came later knows nothing of what was asked of the one before")
                    .hint(advice!("`flinklab job list` shows whether it was written; else ask again.")));
                }
                other => last = other.to_string(),
            }
            clock::sleep(LOOK).await;
        }
        Err(late("The savepoint", WRITTEN, &last))
    }

    /// Where savepoints go, as pods write it.
    fn folder(&self) -> String {
        let flink = &self.opened.lab.flink;
        let mount = flink.mount.trim_end_matches('/');
        format!("file:{mount}/{}", flink.folders.savepoints)
    }

    async fn savepoint(&self) -> Result<Outcome, Fault> {
        let (rest, job) = (self.rest().await?, self.job());
        let body = json!({"target-directory": self.folder(), "cancel-job": false});
        let path = self
            .written(&rest, &format!("/jobs/{job}/savepoints"), body)
            .await?;
        Ok((job, "RUNNING".to_owned(), Some(path), None))
    }

    async fn stop(&self) -> Result<Outcome, Fault> {
        let (rest, job) = (self.rest().await?, self.job());
        let body = json!({"targetDirectory": self.folder(), "drain": false});
        let path = self
            .written(&rest, &format!("/jobs/{job}/stop"), body)
            .await?;
        let state = self.ended(&rest, &job).await?;
        Ok((job, state, Some(path), None))
    }

    async fn cancel(&self) -> Result<Outcome, Fault> {
        let (rest, job) = (self.rest().await?, self.job());
        let path = format!("/jobs/{job}?mode=cancel");
        self.send(&rest, Method::PATCH, &path, Value::Null).await?;
        let state = self.ended(&rest, &job).await?;
        Ok((job, state, None, None))
    }

    /// Waits until a job has ended, and its cluster where it ends with it.
    async fn ended(&self, rest: &Rest, job: &str) -> Result<String, Fault> {
        let lab = &self.opened.lab;
        if lab.application().is_none() {
            return self.over(rest, job).await;
        }
        let state = self.over_with_its_cluster(rest, job).await?;
        if let Some(workload) = &self.seen.application {
            let scale = format!(
                "scale -n {} {} --replicas=0",
                lab.flink.namespace, workload.facts.workload
            );
            let what = format!("job {}", self.order.act);
            self.events.did(&what, self.world.kubectl(&scale)).await;
        }
        application::rest(&self.ours, lab, job, |now| self.now(now)).await?;
        Ok(state)
    }

    /// The same as `over` where REST ends with the job: what it leaves says that it has ended.
    async fn over_with_its_cluster(&self, rest: &Rest, job: &str) -> Result<String, Fault> {
        self.now("waits until the job has ended");
        let until = Instant::now() + ENDS;
        let mut last = "no answer".to_owned();
        let mut state = match self.order.act {
            JobAct::Stop => "FINISHED",
            _ => "CANCELED",
        }
        .to_owned();
        while Instant::now() < until {
            match rest.get("/jobs/overview", CALL).await {
                Answer::Good(told) => match super::state_of(&told, job) {
                    Some(told) if is_over(&told) => {
                        state = told;
                        return Ok(state);
                    }
                    Some(told) => last = format!("it is {told}"),
                    None => "Flink does not know it any more".clone_into(&mut last),
                },
                other => last = other.to_string(),
            }
            let left = ha_data(&self.ours.client(), &self.opened, job).await?;
            if !left.map && !left.plan {
                return Ok(state);
            }
            clock::sleep(LOOK).await;
        }
        Err(late("The end of the job", ENDS, &last))
    }

    /// Waits until a job has ended and its HA data is gone: Flink's word comes a little earlier.
    async fn over(&self, rest: &Rest, job: &str) -> Result<String, Fault> {
        self.now("waits until the job has ended");
        let until = Instant::now() + ENDS;
        let mut last = "no answer".to_owned();
        while Instant::now() < until {
            match submit::state(rest, job, CALL).await? {
                submit::JobState::Over(state) => {
                    let left = ha_data(&self.ours.client(), &self.opened, job).await?;
                    if !left.map && !left.plan {
                        return Ok(state);
                    }
                    last = format!("it is {state}, and its HA data is still there");
                }
                submit::JobState::Alive(state) => last = format!("it is {state}"),
                // A leader that once had to suspend the job forgets it when it ends: what it leaves
                // says that it has.
                submit::JobState::Unknown => {
                    let left = ha_data(&self.ours.client(), &self.opened, job).await?;
                    if !left.map && !left.plan {
                        return Ok("gone from Flink's list".to_owned());
                    }
                    last = "Flink does not know it any more".to_owned();
                }
            }
            clock::sleep(LOOK).await;
        }
        Err(late("The end of the job", ENDS, &last))
    }

    /// A new history, written down before anything of it exists.
    async fn start(&self) -> Result<Outcome, Fault> {
        let from = match self.order.act {
            JobAct::Resume => Some(self.seen.start(self.order.from.as_deref())?.path.clone()),
            _ => None,
        };
        let opened = &self.opened;
        if opened.lab.application().is_some() {
            return self.begin(from).await;
        }
        let rest = self.rest().await?;
        let plan = &opened.lab.job;
        self.now("reads the jar");
        let jar = submit::jar(&self.docker, &opened.state.id, &opened.lab).await?;
        let mut state = opened.state.clone();
        let record = state.new_job(from.clone(), clock::now())?;
        self.ours.home().write_state(&state)?;
        let job = record.id.clone();
        if let Some(ui) = self.opened.state.ui() {
            let what = format!("job {}", self.order.act);
            let jar = plan.jar.rsplit('/').next().unwrap_or("job.jar");
            let jars = format!(
                "curl -X POST -F {} {}",
                shell::quoted(&format!("jarfile=@{jar}")),
                shell::quoted(&format!("{ui}/jars/upload"))
            );
            self.events.did(&what, jars).await;
        }
        self.now("submits");
        submit::submit(&rest, plan, &record, &jar).await?;
        self.runs(&rest, job, from).await
    }

    /// The same where the JobManagers bring the job along: they are started for it.
    async fn begin(&self, from: Option<String>) -> Result<Outcome, Fault> {
        let opened = &self.opened;
        let mut state = opened.state.clone();
        let now = clock::now();
        let record = match opened.lab.application().and_then(|one| one.id) {
            Some(id) => state.begin_job(id, from.clone(), now),
            None => state.new_job(from.clone(), now)?,
        };
        self.ours.home().write_state(&state)?;
        self.now("starts the JobManagers");
        application::begin(&self.ours, &opened.lab, &record).await?;
        let rest = submit::answering(&self.ours.client(), &opened.lab, STARTS, |now| {
            self.now(now);
        })
        .await?;
        self.runs(&rest, record.id, from).await
    }

    async fn runs(&self, rest: &Rest, job: String, from: Option<String>) -> Result<Outcome, Fault> {
        self.now("waits until all tasks run");
        let until = Instant::now() + RUNS;
        let mut last = "no answer".to_owned();
        while Instant::now() < until {
            match running(rest, &job).await {
                Ok(restored) if from.is_none() || restored.is_some() => {
                    return Ok((job, "RUNNING".to_owned(), None, restored));
                }
                Ok(_) => last = "its tasks run, and no restore is told yet".to_owned(),
                Err(why) => last = why,
            }
            clock::sleep(LOOK).await;
        }
        Err(late("The new job", RUNS, &last).hint(advice!(
            "It is written down: `flinklab up` goes on with it."
        )))
    }
}

/// Whether all tasks of a job run, and what it was restored from.
async fn running(rest: &Rest, job: &str) -> Result<Option<String>, String> {
    let rows = match rest.get("/jobs/overview", CALL).await {
        Answer::Good(told) => told,
        other => return Err(other.to_string()),
    };
    let rows = rows["jobs"].as_array().cloned().unwrap_or_default();
    let row = rows.iter().find(|row| row["jid"] == job);
    let row = row.ok_or("Flink does not list it yet")?;
    let (state, tasks) = (&row["state"], &row["tasks"]);
    let total = tasks["total"].as_u64().unwrap_or(0);
    if state != "RUNNING" || total == 0 || tasks["running"] != tasks["total"] {
        let state = clean::message(state.as_str().unwrap_or("?"));
        return Err(format!(
            "it is {state}, {} of {total} tasks run",
            tasks["running"]
        ));
    }
    match rest.get(&format!("/jobs/{job}/checkpoints"), CALL).await {
        Answer::Good(told) => {
            let path = told["latest"]["restored"]["external_path"].as_str();
            Ok(path.map(clean::message))
        }
        other => Err(other.to_string()),
    }
}

fn refused(act: JobAct, why: &str) -> Fault {
    Fault::unable("flink-refused", format!("Flink refuses `job {act}`."))
        .why(why)
        .hint(advice!(
            "Once all tasks run, try again; `flinklab status` shows whether they do."
        ))
}

fn late(what: &str, limit: Duration, last: &str) -> Fault {
    Fault::unable(
        "late",
        format!("{what} was not seen within {} s.", limit.as_secs()),
    )
    .why(last)
    .hint(advice!("`flinklab job list` shows how far it is."))
}

/// The innermost cause of a failed request, in one line.
fn cause(told: &Value) -> String {
    let text = told["stack-trace"]
        .as_str()
        .unwrap_or("it does not say why");
    let last = text.rsplit("Caused by: ").next().unwrap_or(text);
    clean::message(last.lines().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_savepoint_is_told_by_its_innermost_cause() {
        let told = json!({"class": "x", "stack-trace": "a.B: outer\n\tat c\nCaused by: d.E: no space\n\tat f"});
        assert_eq!(cause(&told), "d.E: no space");
        assert_eq!(cause(&Value::Null), "it does not say why");
    }
}
