//! Who brings the job into Flink: lab.yaml and the manifests must mean the same, and lab.yaml says
//! of the job what is needed for it and no more.

use super::super::definition::Mode;
use super::pods::Pods;
use super::{Object, Whole, configured, job, pods};
use crate::application::{Entry, started_by};
use crate::yaml::At;
use flinklab_base::fault::Fault;

/// Words of `job` that only a job has that is submitted.
const SUBMITTED: [&str; 3] = ["jar", "class", "arguments"];

/// What starts a JobManager: the word, and where it stands.
struct Started<'a> {
    entry: Entry,
    word: &'a str,
    object: &'a Object<'a>,
    at: At,
}

pub(super) fn check(whole: &Whole<'_>, files: &[(String, String)]) -> Result<(), Fault> {
    let jobmanagers = pods::with_container(whole, &whole.roles.jobmanager);
    let started = jobmanagers.iter().find_map(started);
    let said = whole.definition.job.mode;
    let is_session = started.as_ref().map(|it| it.entry == Entry::Session);
    match (said, is_session) {
        (Some(Mode::Session), Some(false)) | (Some(Mode::Application), Some(true)) => {
            contradiction(whole, started.as_ref())
        }
        (Some(Mode::Application), _) | (None, Some(false)) => {
            with_its_cluster(whole, started.as_ref())
        }
        (Some(Mode::Session), _) | (None, _) => job::submitted(whole.lab, whole.definition, files),
    }
}

/// How these pods are started, where a word says it.
fn started<'a>(pods: &Pods<'a>) -> Option<Started<'a>> {
    let words = configured::arguments(pods.container);
    words.into_iter().find_map(|(word, at)| {
        let entry = started_by(word)?;
        let object = pods.object;
        Some(Started {
            entry,
            word,
            object,
            at,
        })
    })
}

fn contradiction(whole: &Whole<'_>, started: Option<&Started<'_>>) -> Result<(), Fault> {
    let Some(started) = started else {
        return Ok(());
    };
    let (said, does, other) = match started.entry {
        Entry::Session => ("application", "takes jobs over REST", "session"),
        Entry::Standalone | Entry::Native => ("session", "runs one job of its own", "application"),
    };
    let word = started.word;
    whole
        .lab
        .at(
            "job.mode",
            format!("`job.mode` is `{said}`, but `{word}` starts a JobManager that {does}."),
        )
        .why(place(started))
        .hint(format!(
            "Write `mode: {other}`, or start the JobManagers otherwise."
        ))
        .done()
}

/// The JobManagers bring the job along, so lab.yaml cannot say which it is.
fn with_its_cluster(whole: &Whole<'_>, started: Option<&Started<'_>>) -> Result<(), Fault> {
    for word in SUBMITTED {
        let path = format!("job.{word}");
        if whole.lab.root.find(&path).is_none() {
            continue;
        }
        let wrong = whole.lab.at(
            &path,
            format!("`{path}` has no effect: the JobManagers bring their job along."),
        );
        let wrong = match started {
            Some(started) => wrong.why(place(started)),
            None => wrong.why("`job.mode` is `application`"),
        };
        return wrong
            .hint(format!(
                "Remove `{word}`; the manifest says it. To have flinklab submit the job, start the JobManagers as `jobmanager`."
            ))
            .done();
    }
    Ok(())
}

fn place(started: &Started<'_>) -> String {
    format!(
        "`{}` stands in {} line {}",
        started.word, started.object.source.file, started.at.line
    )
}

/// What may not be left to a JobManager that runs one job: its parallelism is what its slots are
/// counted by.
pub(super) fn parallelism(
    whole: &Whole<'_>,
    configured: &configured::Configured<'_>,
) -> Result<(), Fault> {
    let Some(setting) = configured.settings.get("parallelism.default") else {
        return Ok(());
    };
    let said = whole.definition.job.parallelism;
    let value = setting.value.trim();
    if value.parse() == Ok(said) {
        return Ok(());
    }
    whole
        .lab
        .at(
            "job.parallelism",
            format!("`job.parallelism` is {said}, and the JobManagers start the job with {value}."),
        )
        .why(format!(
            "`parallelism.default` stands in {} line {}",
            setting.source.file, setting.at.line
        ))
        .hint("Write the same number in both places.")
        .done()
}
