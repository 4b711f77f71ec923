//! Application mode: JobManagers that run the `main()` of one program themselves and end with its
//! job. Recognised by how a manifest starts them. Says with which arguments they begin a history,
//! and where those go; applies nothing.

use super::Lab;
use super::definition::Mode;
use super::manifest::Document;
use crate::failure::Role;
use serde_json::Value;

/// What starts the JobManager of an application in a pod of the user's own: the word for the image's
/// entry point, and the script behind it.
const STANDALONE: [&str; 2] = ["standalone-job", "standalone-job.sh"];
/// The same where the JobManager asks Kubernetes for its TaskManagers.
const NATIVE: &str = "kubernetes-application";
/// What starts a JobManager that takes jobs.
const SESSION: [&str; 3] = ["jobmanager", "jobmanager.sh", "kubernetes-session"];
/// What `standalone-job.sh` does, its first argument.
const FOREGROUND: &str = "start-foreground";
const JOB_ID: [&str; 2] = ["--job-id", "-jid"];
const FROM: [&str; 2] = ["--fromSavepoint", "-s"];
const CLASS: [&str; 2] = ["--job-classname", "-j"];

/// How a JobManager is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It takes jobs over REST.
    Session,
    /// It runs one program, and TaskManagers come from elsewhere.
    Standalone,
    /// It runs one program, and asks Kubernetes for TaskManagers.
    Native,
}

/// What a word of a JobManager's command or arguments starts.
pub(crate) fn started_by(word: &str) -> Option<Entry> {
    let name = word.rsplit('/').next().unwrap_or(word);
    if STANDALONE.contains(&name) {
        Some(Entry::Standalone)
    } else if name == NATIVE {
        Some(Entry::Native)
    } else {
        SESSION.contains(&name).then_some(Entry::Session)
    }
}

/// JobManagers with a job of their own, as the lab's manifests make them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The workload that makes them, such as `Deployment`. None: no manifest shows it.
    pub kind: Option<String>,
    /// Its name.
    pub name: String,
    /// The class whose `main()` they run, where the manifest says it.
    pub class: Option<String>,
    /// The job's id, where the manifest says it.
    pub id: Option<String>,
    /// flinklab can say with which arguments they are started.
    startable: bool,
}

/// Where a history of a job begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning<'a> {
    /// The job's id.
    pub job: &'a str,
    /// The checkpoint or savepoint that it starts from; none: from nothing.
    pub from: Option<&'a str>,
}

impl Application {
    /// Of the lab's manifests; none where its JobManagers take jobs.
    pub(crate) fn of(lab: &Lab) -> Option<Self> {
        let found = lab.documents().find_map(|document| {
            let words = jobmanager(lab, document)?;
            let entry = words.iter().find_map(|word| started_by(word))?;
            (entry != Entry::Session).then(|| Self::started(document, &words))
        });
        let unseen = || Self {
            kind: None,
            name: String::new(),
            class: None,
            id: None,
            startable: false,
        };
        found.or_else(|| (lab.job.mode == Some(Mode::Application)).then(unseen))
    }

    fn started(document: &Document, words: &[&str]) -> Self {
        let (kind, name) = (document.kind.clone(), document.name.clone());
        Self {
            startable: scales(document) && places(document).is_some(),
            kind: Some(kind),
            name,
            class: value(words, CLASS).map(str::to_owned),
            id: value(words, JOB_ID).map(str::to_owned),
        }
    }

    /// Whether flinklab can start it under an id and from a place that it chooses: it then adds the
    /// arguments `--job-id` and `--fromSavepoint`.
    #[must_use]
    pub const fn is_startable(&self) -> bool {
        self.startable
    }

    /// Whether its JobManagers are started again when they have ended with their job, as those of a
    /// Deployment or StatefulSet are.
    #[must_use]
    pub fn comes_back(&self) -> bool {
        let kind = self.kind.as_deref();
        kind.is_some_and(|kind| kind == "Deployment" || kind == "StatefulSet")
    }

    /// Why flinklab cannot start it from a place that it chooses; none if it can.
    #[must_use]
    pub fn cannot_start(&self) -> Option<String> {
        if self.startable {
            return None;
        }
        Some(match &self.kind {
            Some(kind) => format!(
                "no argument of the {kind} `{}` is `standalone-job`, so there is no place for `--fromSavepoint`",
                self.name
            ),
            None => "no manifest of the lab says how its JobManagers are started".to_owned(),
        })
    }

    /// The workload of its JobManagers as it is applied to begin a history; none for any other object.
    #[must_use]
    pub fn begun(&self, document: &Document, at: Beginning<'_>) -> Option<Document> {
        let is_own = self.kind.as_ref() == Some(&document.kind) && document.name == self.name;
        let (pointer, index) = places(document).filter(|_| is_own && self.startable)?;
        let mut begun = document.clone();
        let list = begun.object.pointer_mut(&pointer)?.as_array_mut()?;
        let mut own = Vec::new();
        if self.id.is_none() {
            own.extend([JOB_ID[0].to_owned(), at.job.to_owned()]);
        }
        if let Some(from) = at.from {
            own.extend([FROM[0].to_owned(), from.to_owned()]);
        }
        list.splice(index..index, own.into_iter().map(Value::String));
        Some(begun)
    }
}

/// The words that a workload starts its JobManagers with; none where it makes none.
fn jobmanager<'a>(lab: &Lab, document: &'a Document) -> Option<Vec<&'a str>> {
    let labels = lab.role(Role::JobManager);
    let namespace = document.namespace.as_deref().unwrap_or("default");
    if !document.makes_pods() || !document.runs(labels) || namespace != lab.flink.namespace {
        return None;
    }
    let containers = document.object.pointer("/spec/template/spec/containers")?;
    let mut containers = containers.as_array()?.iter();
    let container = containers.find(|one| one["name"] == labels.container.as_str())?;
    let lists = ["command", "args"].into_iter();
    let items = lists.filter_map(|key| container[key].as_array()).flatten();
    let lines = items.filter_map(Value::as_str).flat_map(str::lines);
    let words = lines.flat_map(|line| {
        let words = line.split_whitespace();
        words.take_while(|word| !word.starts_with('#'))
    });
    Some(words.map(|word| word.trim_matches(['\'', '"'])).collect())
}

/// Whether a workload has a number of replicas that can be changed.
fn scales(document: &Document) -> bool {
    matches!(document.kind.as_str(), "Deployment" | "StatefulSet")
}

/// Where arguments of the entry point go: the list, as a JSON pointer, and the index in it. Those
/// before any other: Flink reads none after the first that it does not know.
fn places(document: &Document) -> Option<(String, usize)> {
    const CONTAINERS: &str = "/spec/template/spec/containers";
    let containers = document.object.pointer(CONTAINERS)?.as_array()?;
    containers.iter().enumerate().find_map(|(n, container)| {
        let list = |key: &str| container[key].as_array();
        let at = |key: &str| format!("{CONTAINERS}/{n}/{key}");
        let is = |word: &Value, wanted: &str| word.as_str() == Some(wanted);
        for key in ["command", "args"] {
            let Some(words) = list(key) else { continue };
            let entry = words.iter().position(|word| {
                let entry = word.as_str().and_then(started_by);
                entry == Some(Entry::Standalone)
            });
            let Some(entry) = entry else { continue };
            let after = entry + 1;
            return match words.get(after) {
                Some(word) if is(word, FOREGROUND) => Some((at(key), after + 1)),
                Some(_) => Some((at(key), after)),
                None if key == "args" => Some((at(key), after)),
                // The command is the entry point, and its arguments follow.
                None => {
                    let follow = list("args")?;
                    let skipped = follow.first().is_some_and(|word| is(word, FOREGROUND));
                    Some((at("args"), usize::from(skipped)))
                }
            };
        }
        None
    })
}

/// The value of an option among words: `--name value` or `--name=value`.
fn value<'a>(words: &[&'a str], names: [&str; 2]) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(n, word)| {
        if names.contains(word) {
            return words.get(n + 1).copied();
        }
        let (name, value) = word.split_once('=')?;
        names.contains(&name).then_some(value)
    })
}

#[cfg(test)]
#[path = "application/tests.rs"]
mod tests;
