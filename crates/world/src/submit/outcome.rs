//! What becomes of a job that was submitted, besides its checkpoints: that it has ended, why it
//! fails, and that it waits for slots which nobody offers. Only asks.

use super::rest::{Answer, Rest};
use super::{JobState, QUICK, found};
use crate::clean;
use flinklab_base::advice;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use serde_json::Value;
use std::time::Duration;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long a job may ask for more slots than there are before it is certain: TaskManagers that
/// have just started offer theirs.
const CERTAIN: Duration = Duration::from_secs(5);
/// Characters of an exception that a person is shown.
const SHOWN: usize = 300;

/// What is known of how a job fares.
#[derive(Default)]
pub struct Outcome {
    looked: Option<Instant>,
    short_since: Option<Instant>,
    state: String,
    exception: Option<String>,
}

impl Outcome {
    /// Looks, once a second at the most. A fault: the job cannot come to a checkpoint any more.
    /// `taskmanagers`: how many there will ever be, where that is known.
    pub async fn look(
        &mut self,
        rest: &Rest,
        job: &str,
        taskmanagers: Option<u64>,
    ) -> Option<Fault> {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return None;
        }
        self.looked = Some(Instant::now());
        let Answer::Good(jobs) = rest.get("/jobs/overview", QUICK).await else {
            return None;
        };
        match found(&jobs, job) {
            JobState::Over(state) => Some(over(&state, newest(rest, job).await)),
            JobState::Alive(state) => {
                if let Some(exception) = newest(rest, job).await {
                    self.exception = Some(exception);
                }
                self.state = state;
                match taskmanagers {
                    Some(all) => self.short(rest, job, all).await,
                    None => None,
                }
            }
            JobState::Unknown => None,
        }
    }

    /// What else a person should know of a job that has no checkpoint.
    #[must_use]
    pub fn told(&self) -> String {
        let exception = self.exception.as_ref();
        let exception = exception.map(|exception| format!("its newest exception: {exception}"));
        let state = (!self.state.is_empty()).then(|| format!("the job is {}", self.state));
        let parts: Vec<String> = state.into_iter().chain(exception).collect();
        parts.join("; ")
    }

    /// It waits for more slots than all TaskManagers together have.
    async fn short(&mut self, rest: &Rest, job: &str, all: u64) -> Option<Fault> {
        let path = format!("/jobs/{job}");
        let (detail, overview) =
            futures::join!(rest.get(&path, QUICK), rest.get("/overview", QUICK));
        let (Answer::Good(detail), Answer::Good(overview)) = (detail, overview) else {
            return None;
        };
        let Some((asked, there)) = lacking(&detail, &overview, all) else {
            self.short_since = None;
            return None;
        };
        let since = *self.short_since.get_or_insert_with(Instant::now);
        (since.elapsed() >= CERTAIN).then(|| {
            Fault::unable(
                "slots-short",
                format!("The job asks for {asked} slots, there are {there}."),
            )
            .why("its tasks wait until TaskManagers offer more, and all of the lab's have registered")
            .hint("Lower its parallelism, or raise the TaskManagers' `replicas` or `taskmanager.numberOfTaskSlots`.")
        })
    }
}

/// How many slots a job asks for and how many there are, where these are too few and it waits.
fn lacking(detail: &Value, overview: &Value, all: u64) -> Option<(u64, u64)> {
    // Those that have not registered yet bring more.
    if overview["taskmanagers"].as_u64()? < all {
        return None;
    }
    let vertices = detail["vertices"].as_array()?;
    let waits = |vertex: &Value| {
        let count = |state: &str| vertex["tasks"][state].as_u64().unwrap_or(0);
        count("SCHEDULED") > 0
    };
    // Tasks of different vertices share slots, so the widest vertex asks for as many at the least.
    let widest = vertices
        .iter()
        .filter_map(|one| one["parallelism"].as_u64());
    let (asked, there) = (widest.max()?, overview["slots-total"].as_u64()?);
    (vertices.iter().any(waits) && asked > there).then_some((asked, there))
}

/// A job that will not run again.
fn over(state: &str, exception: Option<String>) -> Fault {
    let fault = Fault::unable("job-over", format!("The job is {state}."));
    match (state, exception) {
        ("FINISHED", _) => fault
            .why("its program came to an end: all of its sources are bounded")
            .hint("Name a job in lab.yaml that runs on, or give it arguments that let it: flinklab breaks what runs."),
        ("CANCELED", _) => fault
            .why("somebody cancelled it while `up` waited for its first checkpoint")
            .hint(advice!("`flinklab up` starts a new one.")),
        (_, Some(exception)) => fault
            .why(exception)
            .hint(advice!("When that is mended, `flinklab up` starts a new one.")),
        (_, None) => fault
            .why("Flink tells no exception of it")
            .hint("Look at the log of the JobManager that leads."),
    }
}

/// The root of a job's newest exception, in one line.
async fn newest(rest: &Rest, job: &str) -> Option<String> {
    match rest.get(&format!("/jobs/{job}/exceptions"), QUICK).await {
        Answer::Good(told) => exception(&told),
        _ => None,
    }
}

/// The innermost cause of the newest exception. `root-exception` is gone since 2.0.
fn exception(told: &Value) -> Option<String> {
    let entries = told["exceptionHistory"]["entries"].as_array();
    let newest = entries
        .into_iter()
        .flatten()
        .max_by_key(|one| one["timestamp"].as_i64());
    let trace = newest
        .and_then(|one| one["stacktrace"].as_str())
        .or_else(|| told["root-exception"].as_str())?;
    let root = trace.rsplit("Caused by: ").next().unwrap_or(trace);
    let line = root.lines().next().unwrap_or_default().trim();
    let line: String = clean::message(line).chars().take(SHOWN).collect();
    (!line.is_empty()).then_some(line)
}

/// Whether this Flink takes jobs over REST. A cluster of one job does not, nor one that was told
/// not to.
pub async fn takes_jobs(rest: &Rest) -> Result<(), Fault> {
    let Answer::Good(config) = rest.get("/config", QUICK).await else {
        return Ok(());
    };
    if config["features"]["web-submit"].as_bool() != Some(false) {
        return Ok(());
    }
    let own = match rest.get("/jobs/overview", QUICK).await {
        Answer::Good(jobs) => jobs["jobs"].as_array().and_then(|jobs| {
            let name = jobs.first()?["name"].as_str()?;
            Some(clean::message(name))
        }),
        _ => None,
    };
    let fault = Fault::unable("submission-off", "Flink takes no jobs over REST.");
    Err(match own {
        Some(job) => fault.why(format!("it runs `{job}` already: JobManagers of one job, or `web.submit.enable: false`")),
        None => fault.why("`web.submit.enable` is `false`, or its JobManagers are started for one job of their own"),
    }
    .hint("flinklab submits the job of lab.yaml to a session cluster: start the JobManagers as `jobmanager`, without that option."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use serde_json::json;

    #[test]
    fn the_root_of_the_newest_exception_is_told() {
        let trace = "org.apache.flink.runtime.JobException: Recovery is suppressed\n\tat a.B\nCaused by: java.io.FileNotFoundException: File file:/nowhere does not exist\n\tat c.D\n";
        let history = json!({"exceptionHistory": {"entries": [
            {"timestamp": 2, "stacktrace": trace}, {"timestamp": 1, "stacktrace": "older"}]}});
        let root = "java.io.FileNotFoundException: File file:/nowhere does not exist";
        assert_eq!(exception(&history).as_deref(), Some(root));
        let old = json!({"root-exception": trace, "exceptionHistory": {"entries": []}});
        assert_eq!(exception(&old).as_deref(), Some(root));
        assert_eq!(
            exception(&json!({"exceptionHistory": {"entries": []}})),
            None
        );
        let said = over("FAILED", Some(root.to_owned())).to_string();
        assert!(
            said.contains("The job is FAILED.") && said.contains(root),
            "{said}"
        );
    }

    #[test]
    fn a_job_is_short_of_slots_where_it_waits_for_more_than_there_are() {
        let detail = |state: &str| {
            json!({"vertices": [
            {"parallelism": 1, "tasks": {state: 1}}, {"parallelism": 40, "tasks": {state: 40}}]})
        };
        let overview = |slots: u64| json!({"slots-total": slots, "taskmanagers": 2});
        let lacking = |detail, overview| super::lacking(&detail, &overview, 2);
        assert_eq!(lacking(detail("SCHEDULED"), overview(4)), Some((40, 4)));
        assert_eq!(lacking(detail("SCHEDULED"), overview(40)), None);
        // An adaptive scheduler runs with what there is.
        assert_eq!(lacking(detail("RUNNING"), overview(4)), None);
        // One of them comes yet.
        assert_eq!(super::lacking(&detail("SCHEDULED"), &overview(2), 3), None);
    }
}
