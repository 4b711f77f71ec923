//! Lessons: YAML files beside a lab, each a title, what there is to see, and steps that can be
//! checked by a machine. Read as strictly as a lab's other files; what a check means on a live lab
//! is decided in `model`.

use super::decode::{Rules, decode};
use super::mistake::{Mistake, did_you_mean, listed};
use super::{BUILT_IN, Lab, yaml};
use crate::failure::{Leadership, Restore, Seconds, StatementName, Verdict};
use flinklab_base::advice::Advice;
use flinklab_base::fault::Fault;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The folder beside `lab.yaml`.
pub const FOLDER: &str = "lessons";
/// No lesson is longer.
const LONGEST_FILE: u64 = 256 * 1024;
/// Keys that work on every page of the terminal UI, by the names that the settings give them: a step
/// may ask for one. The terminal UI holds its own table against this list in a test.
pub const KEYS_OF_EVERY_PAGE: &[&str] = &[
    "failures",
    "log",
    "checkpoints",
    "timeline",
    "history",
    "job",
    "present",
    "lessons",
    "control",
    "pod",
    "commands",
    "address",
    "copy",
    "pause",
    "heal",
];
/// A title wider than this does not fit the lists.
const TITLE: usize = 60;

/// A lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// What a person types: the name of its file without the ending.
    #[serde(default)]
    pub key: String,
    /// What it is about.
    pub title: String,
    /// What there is to see, in a sentence or two.
    pub see: String,
    /// How long it takes, about.
    pub minutes: u32,
    /// In order.
    pub steps: Vec<LessonStep>,
}

/// One step of a lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LessonStep {
    /// A few words.
    pub title: String,
    /// What a learner reads.
    pub text: Advice,
    /// The panel that shows it best.
    #[serde(default)]
    pub panel: Sight,
    /// A key to press, as the settings name its action: `history`, `checkpoints`, `job`.
    #[serde(default)]
    pub key: Option<String>,
    /// The failure to run.
    #[serde(default, rename = "break")]
    pub breaks: Option<String>,
    /// What to do with the job.
    #[serde(default)]
    pub job: Option<Deed>,
    /// Failures whose newest runs are shown side by side.
    #[serde(default)]
    pub compare: Vec<String>,
    /// What to look at meanwhile.
    #[serde(default)]
    pub watch: String,
    /// What must be seen. A step without is only read.
    #[serde(default)]
    pub check: Check,
    /// What helps where it is not seen.
    #[serde(default)]
    pub hint: Advice,
    /// What the one in front of the class says.
    #[serde(default)]
    pub say: String,
    /// How long it may take until it is seen.
    #[serde(default)]
    pub within: Option<Seconds>,
}

/// A panel of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sight {
    /// Pods.
    #[default]
    Pods,
    /// Leader and lease.
    Leader,
    /// Checkpoints.
    Checkpoints,
    /// The newest break.
    Break,
    /// The log.
    Log,
}

/// What is done with the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// A savepoint; the job goes on.
    Savepoint,
    /// A savepoint, then the end.
    Stop,
    /// The end at once.
    Cancel,
    /// A new job from the newest savepoint or retained checkpoint.
    Resume,
    /// A new job from nothing.
    Resubmit,
}

/// What must be seen for a step to hold. All that is said must hold; what is seen counts from the
/// beginning of the step.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Check {
    /// All is well: five good samples, tasks running, a fresh lease.
    pub healthy: Option<bool>,
    /// Whether another epoch began.
    pub leadership: Option<Leadership>,
    /// Whether the job was restored.
    pub restore: Option<Restore>,
    /// So many renewals of the lease.
    pub renewals: Option<u32>,
    /// So many completed checkpoints.
    pub checkpoints: Option<u32>,
    /// The verdict of the step's failure.
    pub verdict: Option<Verdict>,
    /// So soon after it, at the latest, somebody led again.
    pub led_within: Option<Seconds>,
    /// Statements of that run that must have held.
    pub passes: Vec<StatementName>,
    /// Statements of that run that must have failed: it is there to show that they can.
    pub fails: Vec<StatementName>,
    /// What the step did with the job is done.
    pub done: Option<bool>,
    /// Flink's HA data of the job after it.
    pub ha: Option<There>,
    /// Its checkpoints on the disk after it.
    pub retained: Option<There>,
    /// Its savepoints on the disk after it.
    pub savepoint: Option<There>,
    /// Every failure that is compared was run in this lab.
    pub compared: Option<bool>,
}

/// Whether something is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum There {
    /// It is.
    There,
    /// It is not.
    Gone,
}

impl Check {
    /// Whether there is anything to check.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The lessons of a lab that was built in under that name, else read in that folder. One that is
/// built in has the default's and then its own; a folder has its own, or the default's.
pub fn lessons(lab: &Lab, name_or_folder: &str) -> Result<Vec<Lesson>, Fault> {
    let (files, shown) = files(name_or_folder)?;
    let failures: Vec<String> = lab
        .all_failures()
        .iter()
        .map(|one| one.key.to_string())
        .collect();
    let names = Names {
        failures: &failures,
    };
    files
        .iter()
        .map(|(file, text)| {
            let path = format!("{shown}{FOLDER}/{file}");
            read(file, text, &names).map_err(|wrong| wrong.fault("lesson-wrong", &path))
        })
        .collect()
}

/// The files of a lab's lessons, by their path in the lab's folder, and their texts.
pub fn lesson_files(name_or_folder: &str) -> Result<Vec<(String, String)>, Fault> {
    let files = files(name_or_folder)?.0.into_iter();
    Ok(files
        .map(|(name, text)| (format!("{FOLDER}/{name}"), text))
        .collect())
}

type Files = Vec<(String, String)>;

fn files(name_or_folder: &str) -> Result<(Files, String), Fault> {
    let built_in = BUILT_IN.iter().any(|(name, _)| *name == name_or_folder);
    if !built_in {
        let own = of_folder(&Path::new(name_or_folder).join(FOLDER))?;
        if !own.is_empty() {
            return Ok((own, format!("{}/", name_or_folder.trim_end_matches('/'))));
        }
    }
    let own = OWN.iter().filter(|(lab, _)| *lab == name_or_folder);
    let all = DEFAULT.iter().chain(own.map(|(_, lesson)| lesson));
    let all = all.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Ok((all.collect(), String::new()))
}

/// The YAML files of a folder, in the order of their names. None where there is no such folder.
fn of_folder(folder: &Path) -> Result<Files, Fault> {
    match std::fs::symlink_metadata(folder) {
        Ok(found) if found.is_dir() => {}
        _ => return Ok(Vec::new()),
    }
    let files = super::check::read_files(folder)?;
    if let Some((name, _)) = files
        .iter()
        .find(|(_, text)| text.len() as u64 > LONGEST_FILE)
    {
        let path = format!("{}/{name}", folder.display());
        return Err(Fault::wrong("lesson-wrong", "No lesson is that long.").at(path, 0, 0));
    }
    Ok(files)
}

struct Names<'a> {
    failures: &'a [String],
}

fn read(file: &str, text: &str, names: &Names<'_>) -> Result<Lesson, Mistake> {
    let documents = yaml::read(text)?;
    let start = yaml::At { line: 1, column: 1 };
    let [root] = documents.as_slice() else {
        let what = format!(
            "A lesson is one YAML document, here are {}.",
            documents.len()
        );
        return Err(Mistake::at(start, what));
    };
    let mut lesson: Lesson = decode(root, Rules::Strict)?;
    if !lesson.key.is_empty() {
        let at = root.place("key");
        return Err(Mistake::at(at, "`key` is the name of the file.").hint("Leave it away."));
    }
    let stem = file.trim_end_matches(".yaml").trim_end_matches(".yml");
    // `3-lose-a-worker` is known as `lose-a-worker`, too: the digits are for the order
    lesson.key = stem.to_owned();
    let count = lesson.title.chars().count();
    if count == 0 || count > TITLE {
        let what = format!("A title has between 1 and {TITLE} characters, to fit the lists.");
        return Err(Mistake::at(root.place("title"), what));
    }
    if lesson.steps.is_empty() {
        return Err(Mistake::at(
            root.place("steps"),
            "A lesson has at least one step.",
        ));
    }
    for (n, step) in lesson.steps.iter().enumerate() {
        if let Some((field, mistake)) = unfit(step, names) {
            let at = root.place(&format!("steps[{n}].{field}"));
            return Err(Mistake { at, ..mistake });
        }
    }
    Ok(lesson)
}

/// What is wrong with a step, and in which of its fields.
fn unfit(step: &LessonStep, names: &Names<'_>) -> Option<(String, Mistake)> {
    let nowhere = yaml::At { line: 0, column: 0 };
    let wrong = |field: &str, what: String| Some((field.to_owned(), Mistake::at(nowhere, what)));
    let failures = || names.failures.iter().map(String::as_str);
    let compared = step.compare.iter().enumerate();
    let named = compared.map(|(n, key)| (format!("compare[{n}]"), key));
    let broken = step.breaks.iter().map(|key| ("break".to_owned(), key));
    for (field, key) in broken.chain(named) {
        if !names.failures.contains(key) {
            let mistake = Mistake::at(nowhere, format!("There is no failure `{key}`."))
                .why(format!("there are {}", listed(failures())))
                .hint(did_you_mean(key, failures()));
            return Some((field, mistake));
        }
    }
    if let Some(key) = step
        .key
        .as_deref()
        .filter(|key| !KEYS_OF_EVERY_PAGE.contains(key))
    {
        let keys = || KEYS_OF_EVERY_PAGE.iter().copied();
        let mistake = Mistake::at(nowhere, format!("No key is named `{key}`."))
            .why(format!("known on every page: {}", listed(keys())))
            .hint(did_you_mean(key, keys()));
        return Some(("key".to_owned(), mistake));
    }
    if step.breaks.is_some() && step.job.is_some() {
        return wrong("job", "A step does one thing: `break` or `job`.".to_owned());
    }
    let check = &step.check;
    let of_run = check.verdict.is_some()
        || check.led_within.is_some()
        || !check.passes.is_empty()
        || !check.fails.is_empty();
    if of_run && step.breaks.is_none() {
        return wrong(
            "check",
            "Only a step with `break` has a verdict to check.".to_owned(),
        );
    }
    let of_job = [check.ha, check.retained, check.savepoint];
    if (check.done.is_some() || of_job.iter().any(Option::is_some)) && step.job.is_none() {
        return wrong(
            "check",
            "Only a step with `job` is done and leaves something.".to_owned(),
        );
    }
    if check.compared.is_some() && step.compare.is_empty() {
        return wrong(
            "check",
            "`compared` needs failures under `compare`.".to_owned(),
        );
    }
    let acts = step.breaks.is_some() || step.job.is_some();
    if acts && check.is_empty() {
        return wrong(
            "title",
            "A step that does something says what must be seen.".to_owned(),
        );
    }
    if !check.is_empty() && step.hint.is_empty() {
        return wrong(
            "check",
            "A step with a check has a hint for when it fails.".to_owned(),
        );
    }
    None
}

/// The file of a lesson of a built-in lab.
macro_rules! lesson {
    ($lab:literal, $file:literal) => {
        (
            $file,
            include_str!(concat!("../../../lab/", $lab, "/lessons/", $file)),
        )
    };
}

/// A lesson's file, and what is in it.
type File = (&'static str, &'static str);

/// The default lab's, which every lab can be taught with.
const DEFAULT: &[File] = &[
    lesson!("default", "1-lease.yaml"),
    lesson!("default", "2-stop-and-crash.yaml"),
    lesson!("default", "3-checkpoint.yaml"),
    lesson!("default", "4-article.yaml"),
    lesson!("default", "5-zombie.yaml"),
    lesson!("default", "6-pointer.yaml"),
    lesson!("default", "7-savepoint.yaml"),
];

/// By lab, what only it can show.
const OWN: &[(&str, File)] = &[
    (
        "fast-failover",
        lesson!("fast-failover", "8-fast-failover.yaml"),
    ),
    ("application", lesson!("application", "8-application.yaml")),
    ("three-nodes", lesson!("three-nodes", "8-node.yaml")),
];

impl Lesson {
    /// Whether a person means it: by its key, its key without the number, or its number.
    #[must_use]
    pub fn is_meant(&self, words: &str) -> bool {
        let (number, name) = self.key.split_once('-').unwrap_or((&self.key, &self.key));
        self.key == words || name == words || number == words
    }

    /// The failures that it runs.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| step.breaks.as_deref())
    }
}

#[cfg(test)]
mod tests;
