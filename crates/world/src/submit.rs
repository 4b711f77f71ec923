//! Brings the job into Flink over REST, through the API server's pod proxy: upload, then run under
//! an id that was written down before. Doing it again is harmless. Chooses no id and writes no state.

mod jar;
mod leader;
mod outcome;
mod rest;

pub use jar::jar;
pub use outcome::{Outcome, takes_jobs};
pub use rest::{Answer, Rest};

use super::home::JobRecord;
use super::members;
use bytes::Bytes;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_lab::failure::Role;
use flinklab_lab::{Job, Lab, Members};
use futures::StreamExt;
use http::Method;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher;
use kube::{Api, Client};
use leader::{Contradiction, Leader};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Between two looks at a Flink that is not there yet.
const LOOK: Duration = Duration::from_millis(200);
/// How long Flink may take to say something about itself.
const QUICK: Duration = Duration::from_secs(3);
/// How long an upload or the compilation of a plan may take.
const SLOW: Duration = Duration::from_secs(30);
/// How long the whole submission may be repeated while leadership settles.
const SUBMIT: Duration = Duration::from_secs(90);

/// What REST says about a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Flink does not know it.
    Unknown,
    /// It will not run again: `FINISHED`, `CANCELED`, `FAILED`.
    Over(String),
    /// Flink's word for what it does.
    Alive(String),
}

/// Waits until the REST of the JobManager that leads answers well. The pods are followed by watch.
/// Where it is certain that none will be found, it does not wait for the limit.
///
/// A standby answers for the leader too, but a job that comes in through one needs the name of the
/// leader's host for its jar, and pods do not know each other's names: it ends with an
/// `UnknownHostException`.
pub async fn answering(
    client: &Client,
    lab: &Lab,
    limit: Duration,
    mut tell: impl FnMut(&str),
) -> Result<Rest, Fault> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &lab.flink.namespace);
    let only = watcher::Config::default().labels(&lab.roles.jobmanager.selector);
    let members = lab.members();
    let mut last = "no JobManager pod runs".to_owned();
    let wait = async {
        let mut running = BTreeMap::new();
        let mut contradiction = Contradiction::default();
        let mut events = watcher(pods, only).boxed();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = events.next() => follow(event, &members, &mut running),
                _ = look.tick() => {
                    let mut elects = false;
                    for pod in running.keys() {
                        let rest = Rest::new(client, lab, pod);
                        let answer = rest.get("/overview", QUICK).await;
                        elects |= answer.is_election();
                        if !matches!(answer, Answer::Good(_)) {
                            last = format!("{pod}: {answer}");
                            continue;
                        }
                        let leader = leader::leader(client, lab, &running).await;
                        if let Some(fault) = contradiction.of(&leader, lab, &rest, client).await {
                            return Err(fault);
                        }
                        match leader {
                            Leader::Pod(leading) if leading == *pod => return Ok(rest),
                            Leader::Alone => return Ok(rest),
                            // Its own turn in this round comes, or came and goes again.
                            Leader::Pod(leading) => last = format!("{leading} leads"),
                            other => {
                                elects = true;
                                last = other.to_string();
                            }
                        }
                    }
                    if running.is_empty() {
                        "no JobManager pod runs".clone_into(&mut last);
                    }
                    tell(match (running.is_empty(), elects) {
                        (true, _) => "waits until a JobManager runs",
                        (false, false) => "waits until a JobManager answers",
                        (false, true) => "waits for the leader election",
                    });
                }
            }
        }
    };
    match tokio::time::timeout(limit, wait).await {
        Ok(found) => found,
        Err(_) => Err(Fault::unable(
            "flink-silent",
            format!("No JobManager answers after {} s.", limit.as_secs()),
        )
        .why(last)),
    }
}

fn follow(
    event: Option<Result<watcher::Event<Pod>, watcher::Error>>,
    members: &Members,
    running: &mut BTreeMap<String, String>,
) {
    match event {
        Some(Ok(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod))) => {
            let Some(name) = pod.metadata.name.clone() else {
                return;
            };
            let leaving = pod.metadata.deletion_timestamp.is_some();
            let is_own = members::role(members, &pod) == Some(Role::JobManager);
            let address = pod
                .status
                .filter(|_| is_own)
                .filter(|status| status.phase.as_deref() == Some("Running"))
                .and_then(|status| status.pod_ip);
            match address {
                Some(address) if !leaving => running.insert(name, address),
                _ => running.remove(&name),
            };
        }
        Some(Ok(watcher::Event::Delete(pod))) => {
            if let Some(name) = &pod.metadata.name {
                running.remove(name);
            }
        }
        Some(Ok(watcher::Event::Init)) => running.clear(),
        // The stream goes on by itself; the interval is the pause.
        Some(Ok(watcher::Event::InitDone) | Err(_)) | None => {}
    }
}

/// Waits until so many TaskManagers have offered their slots.
pub async fn slots(
    rest: &Rest,
    taskmanagers: u64,
    limit: Duration,
    mut tell: impl FnMut(u64),
) -> Result<(), Fault> {
    let mut last = String::new();
    let wait = async {
        loop {
            match rest.get("/overview", QUICK).await {
                Answer::Good(overview) => {
                    let here = overview["taskmanagers"].as_u64().unwrap_or(0);
                    tell(here);
                    if here >= taskmanagers {
                        return;
                    }
                    last = format!("{here} of {taskmanagers} TaskManagers have registered");
                }
                other => last = other.to_string(),
            }
            clock::sleep(LOOK).await;
        }
    };
    let done = tokio::time::timeout(limit, wait).await;
    done.map_err(|_| {
        Fault::unable(
            "slots-missing",
            format!(
                "The TaskManagers have not registered after {} s.",
                limit.as_secs()
            ),
        )
        .why(last)
    })
}

/// What Flink knows about a job, once it can tell.
pub async fn state(rest: &Rest, job: &str, limit: Duration) -> Result<JobState, Fault> {
    let mut last = String::new();
    let ask = async {
        loop {
            match rest.get("/jobs/overview", QUICK).await {
                Answer::Good(jobs) => return found(&jobs, job),
                other => last = other.to_string(),
            }
            clock::sleep(LOOK).await;
        }
    };
    let answer = tokio::time::timeout(limit, ask).await;
    answer.map_err(|_| {
        Fault::unable("flink-silent", "Flink does not say which jobs it runs.").why(last)
    })
}

fn found(jobs: &Value, job: &str) -> JobState {
    let ours = jobs["jobs"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|row| row["jid"] == job);
    match ours.and_then(|row| row["state"].as_str()) {
        None => JobState::Unknown,
        Some(state @ ("FINISHED" | "CANCELED" | "FAILED")) => JobState::Over(state.to_owned()),
        Some(state) => JobState::Alive(state.to_owned()),
    }
}

/// Uploads the jar and runs it under the recorded id. A job of that id that is there already is
/// success: an earlier try got through although its answer was lost.
pub async fn submit(rest: &Rest, job: &Job, record: &JobRecord, jar: &Bytes) -> Result<(), Fault> {
    let until = Instant::now() + SUBMIT;
    loop {
        let refused = match attempt(rest, job, record, jar).await {
            Ok(()) => return Ok(()),
            Err(answer) => answer,
        };
        if let JobState::Alive(_) = state(rest, &record.id, SLOW).await? {
            return Ok(());
        }
        if refused.is_final() || Instant::now() >= until {
            return Err(
                Fault::unable("submission-refused", "Flink refuses the job.")
                    .why(refused.to_string())
                    .hint(advice!("`flinklab up` tries again under the same job id.")),
            );
        }
        clock::sleep(LOOK).await;
    }
}

async fn attempt(rest: &Rest, job: &Job, record: &JobRecord, jar: &Bytes) -> Result<(), Answer> {
    let (content_type, body) = multipart(&job.jar, &record.id, jar);
    let uploaded = rest
        .send(Method::POST, "/jars/upload", &content_type, body, SLOW)
        .await;
    let Answer::Good(uploaded) = uploaded else {
        return Err(uploaded);
    };
    let path = uploaded["filename"].as_str().unwrap_or_default();
    let id = path.rsplit('/').next().unwrap_or_default();
    let order = order(job, record);
    let run = format!("/jars/{id}/run");
    let body = Bytes::from(order.to_string());
    match rest
        .send(Method::POST, &run, "application/json", body, SLOW)
        .await
    {
        Answer::Good(_) => Ok(()),
        answer if answer.to_string().contains("already been submitted") => Ok(()),
        answer => Err(answer),
    }
}

/// The body of `POST /jars/<id>/run`.
fn order(job: &Job, record: &JobRecord) -> Value {
    let mut order = json!({
        "entryClass": job.class,
        "programArgsList": job.arguments,
        "parallelism": job.parallelism,
        "jobId": record.id,
    });
    if let Some(from) = &record.from {
        order["savepointPath"] = json!(from);
        order["allowNonRestoredState"] = json!(false);
    }
    order
}

/// The jar as a form of one field. The job's id is in the boundary: 32 random hex digits.
fn multipart(path: &str, job: &str, jar: &Bytes) -> (String, Bytes) {
    let name = path
        .rsplit('/')
        .next()
        .unwrap_or("job.jar")
        .replace(['"', '\r', '\n'], "_");
    let boundary = format!("flinklab-{job}");
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"jarfile\"; filename=\"{name}\"\r\n\
         Content-Type: application/x-java-archive\r\n\r\n"
    );
    let mut body = Vec::with_capacity(jar.len() + head.len() + 64);
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(jar);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (
        format!("multipart/form-data; boundary={boundary}"),
        Bytes::from(body),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn record(from: Option<&str>) -> JobRecord {
        JobRecord {
            id: "07e0ded58f8336e6f67ab576b0c6ae27".to_owned(),
            when: jiff::Timestamp::UNIX_EPOCH,
            from: from.map(str::to_owned),
            cluster: None,
        }
    }

    #[test]
    fn the_job_runs_under_the_recorded_id_and_from_the_recorded_checkpoint() {
        let lab = Lab::open("default").unwrap();
        let fresh = order(&lab.job, &record(None));
        assert_eq!(fresh["jobId"], record(None).id);
        assert_eq!(fresh.get("savepointPath"), None);
        let resumed = order(
            &lab.job,
            &record(Some("file:/flink-shared/checkpoints/a/chk-7")),
        );
        assert_eq!(
            resumed["savepointPath"],
            "file:/flink-shared/checkpoints/a/chk-7"
        );
    }

    #[test]
    fn a_job_is_unknown_over_or_alive() {
        let jobs =
            json!({"jobs": [{"jid": "a", "state": "RUNNING"}, {"jid": "b", "state": "FAILED"}]});
        assert_eq!(found(&jobs, "a"), JobState::Alive("RUNNING".to_owned()));
        assert_eq!(found(&jobs, "b"), JobState::Over("FAILED".to_owned()));
        assert_eq!(found(&jobs, "c"), JobState::Unknown);
    }

    #[test]
    fn the_form_holds_the_jar_byte_for_byte() {
        let (kind, body) = multipart("/opt/x/Job.jar", "ab", &Bytes::from_static(b"PK\x03\x04"));
        assert_eq!(kind, "multipart/form-data; boundary=flinklab-ab");
        let text = String::from_utf8_lossy(&body);
        assert!(text.starts_with("--flinklab-ab\r\n"), "{text}");
        assert!(text.contains("filename=\"Job.jar\""), "{text}");
        assert!(
            text.ends_with("\r\n\r\nPK\x03\x04\r\n--flinklab-ab--\r\n"),
            "{text}"
        );
    }
}
