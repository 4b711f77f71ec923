//! What a lab is: a folder with `lab.yaml`, `kind.yaml` and plain manifests, parsed and checked
//! before anything is started. Holds no addresses and talks to nobody.

mod access;
mod application;
mod check;
mod checkpointing;
pub mod containerd;
mod decode;
mod definition;
pub mod failure;
mod jars;
mod json;
mod kind;
mod kinds;
pub mod kubeadm;
mod lesson;
mod libyaml;
mod manifest;
mod members;
mod merge_keys;
mod mistake;
mod operator;
mod options;
mod overlay;
mod remote;
mod scalar;
pub mod support;
mod texts;
mod wrong;
mod yaml;

pub use application::{Application, Beginning};
pub use checkpointing::Checkpointing;
pub use definition::{
    Apply, Flink, Folders, Job, Mode, Polls, Proof, Rest, RoleLabels, Roles, Wait,
};
pub use jars::{file_bytes, file_text};
pub use kind::{Cluster, Mount, Networking, Node, NodeRole, PatchJson6902, PortMapping};
pub use lesson::{
    Check, Deed, FOLDER as LESSONS, KEYS_OF_EVERY_PAGE, Lesson, LessonStep, Sight, There,
    lesson_files, lessons,
};
pub use manifest::{Document, Manifest};
pub use members::{Members, PodIdentity};
pub use operator::{Operated, Operator, Starts};
pub use remote::{LONGEST as LONGEST_REMOTE, Remote, may_ask, sum};

use crate::failure::{Failure, Need, Role};
use flinklab_base::fault::Fault;
use flinklab_verb::Definition;
use options::version::{self, Version};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// A lab definition, complete and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Lab {
    /// From `lab.yaml`.
    pub name: String,
    /// What it is, in a few words for lists; may be empty.
    pub about: String,
    /// Images that must be in the nodes before workloads are applied.
    pub images: Vec<String>,
    /// Manifest files in the order in which they are applied.
    pub apply: Vec<Apply>,
    /// Where Flink is and what it calls things.
    pub flink: Flink,
    /// The only place that knows labels.
    pub roles: Roles,
    /// What Flink runs.
    pub job: Job,
    /// How often Flink's REST is asked.
    pub polls: Polls,
    /// Failures that take the first digits.
    pub first: Vec<String>,
    /// Failures of its own, after the catalogue's.
    pub failures: Vec<Failure>,
    /// From `kind.yaml`.
    pub cluster: Cluster,
    /// The files of `apply`, parsed, in the same order.
    pub manifests: Vec<Manifest>,
    /// The line of `kind.yaml` from which on it is not read: kind takes the first document only.
    pub unread: Option<usize>,
    /// YAML files of the folder that `apply` does not list; nothing is done with them.
    pub unlisted: Vec<String>,
    /// Every file's name and text, for `lab export` and the hash; a jar's is Base64, see `file_bytes`.
    pub files: Vec<(String, String)>,
    /// SHA-256 over `files`, hex.
    pub hash: String,
}

/// The files of a lab that is compiled in, by its folder below `lab/`.
macro_rules! built_in {
    ($folder:literal: $($file:literal),+ $(,)?) => {
        ($folder, &[$(($file, include_bytes!(concat!("../../../lab/", $folder, "/", $file)))),+])
    };
}

/// A lab's name, then file names with what is in them.
type BuiltIn = (&'static str, &'static [(&'static str, &'static [u8])]);

/// The labs compiled in.
const BUILT_IN: &[BuiltIn] = &[
    built_in!("default": "lab.yaml", "kind.yaml", "10-namespace.yaml", "20-access.yaml",
        "30-storage.yaml", "40-config.yaml", "50-jobmanagers.yaml", "60-taskmanagers.yaml"),
    built_in!("flink-2.2": "lab.yaml"),
    built_in!("flink-1.20": "lab.yaml"),
    built_in!("fast-failover": "lab.yaml"),
    built_in!("rocksdb": "lab.yaml"),
    built_in!("exactly": "lab.yaml", "exactly.jar"),
    built_in!("application": "lab.yaml", "50-jobmanagers.yaml"),
    built_in!("article": "lab.yaml", "kind.yaml", "10-access.yaml", "20-storage.yaml",
        "30-config.yaml", "40-jobmanager.yaml", "50-taskmanagers.yaml"),
    built_in!("article-standby": "lab.yaml"),
    built_in!("three-nodes": "lab.yaml", "kind.yaml", "10-namespace.yaml", "20-access.yaml",
        "30-storage.yaml", "40-config.yaml", "50-jobmanagers.yaml", "60-taskmanagers.yaml"),
];

/// The files of a lab that is compiled in, as texts.
fn built_in(name: &str) -> Option<Vec<(String, String)>> {
    let (_, files) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
    let texts = files.iter().filter_map(|(file, bytes)| {
        let text = jars::file_text(file, bytes)?;
        Some(((*file).to_owned(), text))
    });
    Some(texts.collect())
}

/// The names of the labs compiled in.
pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// A folder in words that mean it wherever a lab is asked for: the built-in lab of the same name would
/// come first.
#[must_use]
pub fn folder_in_words(folder: &Path) -> String {
    let plain = folder.display().to_string();
    if built_in_names().any(|name| name == plain) {
        format!("./{plain}")
    } else {
        plain
    }
}

impl Lab {
    /// The lab of that name if it is compiled in, else the one in the folder of that name. One that
    /// is compiled in never changes, and is read once.
    pub fn open(name_or_folder: &str) -> Result<Self, Fault> {
        static READ: [OnceLock<Lab>; BUILT_IN.len()] = [const { OnceLock::new() }; BUILT_IN.len()];
        let known = BUILT_IN
            .iter()
            .position(|(name, _)| *name == name_or_folder);
        let Some(read) = known.map(|at| &READ[at]) else {
            return Self::open_with(name_or_folder, None);
        };
        if let Some(lab) = read.get() {
            return Ok(lab.clone());
        }
        let lab = Self::open_with(name_or_folder, None)?;
        Ok(read.get_or_init(|| lab).clone())
    }

    /// The same, with manifests that were fetched before from the addresses that it names: the
    /// folder that they are kept in.
    pub fn open_with(name_or_folder: &str, kept: Option<&Path>) -> Result<Self, Fault> {
        let (files, folder) = sources(name_or_folder)?;
        check::from_files(files, &folder, kept)
    }

    /// The lab in a folder.
    pub fn read(folder: &Path) -> Result<Self, Fault> {
        Self::read_with(folder, None)
    }

    /// The same, with manifests that were fetched before.
    pub fn read_with(folder: &Path, kept: Option<&Path>) -> Result<Self, Fault> {
        let (files, folder) = check::read_folder(folder)?;
        check::from_files(files, &folder, kept)
    }

    /// A lab from its files' texts. `folder` stands before file names in messages.
    pub fn from_files(files: Vec<(String, String)>, folder: &str) -> Result<Self, Fault> {
        check::from_files(files, folder, None)
    }

    /// A lab that was built from these files. A newer flinklab may refuse what the one that built it
    /// took: such a lab can still be looked at, healed and removed.
    pub fn built(files: Vec<(String, String)>, folder: &str) -> Result<Self, Fault> {
        check::built(files, folder)
    }

    /// What is not read of `kind.yaml`, in a sentence.
    #[must_use]
    pub fn unread_words(&self) -> Option<String> {
        let line = self.unread?;
        Some(format!(
            "kind.yaml is read up to line {}: kind reads the first document only.",
            line - 1
        ))
    }

    /// The object of an operator that makes this lab's pods; none where workloads do.
    #[must_use]
    pub fn operated(&self) -> Option<Operated> {
        let all = self.documents().filter_map(Operated::of);
        let mut own = all.filter(|one| one.namespace == self.flink.namespace);
        own.next()
    }

    /// Its JobManagers' own job; none where they take jobs.
    #[must_use]
    pub fn application(&self) -> Option<Application> {
        Application::of(self)
    }

    /// How many pods of a role the lab starts by itself.
    #[must_use]
    pub fn replicas(&self, role: Role) -> u64 {
        let labels = self.role(role);
        let pods = self
            .documents()
            .filter(|one| one.makes_pods() && one.runs(labels));
        let own: u64 = pods.map(Document::replicas).sum();
        own + self.operated().map_or(0, |operated| match role {
            Role::JobManager => operated.jobmanagers,
            Role::TaskManager => operated.taskmanagers,
        })
    }

    /// How its pods are told from others.
    #[must_use]
    pub fn members(&self) -> Members {
        Members::of(self)
    }

    /// The job's jar, where it is a file of the lab's own.
    #[must_use]
    pub fn own_jar(&self) -> Option<Vec<u8>> {
        let file = self.job.own_jar()?;
        let (_, text) = self.files.iter().find(|(name, _)| name == file)?;
        file_bytes(file, text).map(Cow::into_owned)
    }

    /// The labels and container of a role.
    #[must_use]
    pub fn role(&self, role: Role) -> &RoleLabels {
        match role {
            Role::JobManager => &self.roles.jobmanager,
            Role::TaskManager => &self.roles.taskmanager,
        }
    }

    /// The catalogue's entries and this lab's own, those under `first` first.
    #[must_use]
    pub fn all_failures(&self) -> Vec<Failure> {
        let mut all: Vec<Failure> = crate::failure::CATALOGUE
            .iter()
            .cloned()
            .chain(self.failures.iter().cloned())
            .collect();
        all.sort_by_key(|failure| {
            self.first
                .iter()
                .position(|key| *key == failure.key)
                .unwrap_or(usize::MAX)
        });
        all
    }

    /// What its config maps set Flink's options to, by the option's name, in the file that its version
    /// of Flink reads. Where two maps set the same, the later one of `apply` counts.
    #[must_use]
    pub fn flink_options(&self) -> BTreeMap<String, String> {
        let maps = self.documents().filter(|one| one.kind == "ConfigMap");
        let version = Version::of_image(&self.job.image);
        let maps = maps.flat_map(|map| {
            let text = |file: &str| map.object["data"][file].as_str();
            version::counting(version, |file| text(file).is_some())
                .and_then(|file| options::read(file, text(file)?).ok())
                .unwrap_or_default()
        });
        let operated = self.operated().map(|operated| operated.options);
        maps.map(|(key, (value, _))| (key, value))
            .chain(operated.unwrap_or_default())
            .collect()
    }

    /// A time that an option sets, in seconds.
    #[must_use]
    pub fn flink_seconds(&self, option: &str) -> Option<f64> {
        let value = self.flink_options().remove(option)?;
        Some(options::time(&value)? / 1e3)
    }

    /// The version of Flink that the JobManagers' image says in its tag, such as `1.15.2`.
    #[must_use]
    pub fn flink_version(&self) -> Option<&str> {
        version_of(&self.job.image)
    }

    /// The name of the config map that holds the lock, the leader addresses and the jobs.
    #[must_use]
    pub fn cluster_map(&self) -> String {
        format!("{}-cluster-config-map", self.flink.cluster_id)
    }

    /// The name of the config map that holds a job's checkpoint pointers.
    #[must_use]
    pub fn job_map(&self, job: &str) -> String {
        format!("{}-{job}-config-map", self.flink.cluster_id)
    }

    /// All objects of its manifests, in the order of `apply`.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.manifests.iter().flat_map(|file| &file.documents)
    }

    /// The Kubernetes client of Flink up to 1.17 writes the whole config map to renew its lease.
    #[must_use]
    pub fn renews_by_update(&self) -> bool {
        Version::of_image(&self.job.image).is_some_and(|version| version < Version::new(1, 18))
    }

    /// Whether all state is written to files of its own: Flink writes what is smaller than the
    /// threshold into the metadata.
    #[must_use]
    pub fn has_state_files(&self) -> bool {
        let options = self.flink_options();
        let names = [
            "execution.checkpointing.data-inline-threshold",
            "state.storage.fs.memory-threshold",
        ];
        let set = names.iter().find_map(|name| options.get(*name));
        let digits = |text: &str| text.trim().trim_end_matches(char::is_alphabetic).trim() == "0";
        set.is_some_and(|text| digits(text))
    }

    /// What this lab lacks for a failure, in words; none if it can have it.
    #[must_use]
    pub fn missing_for(&self, failure: &Failure) -> Option<String> {
        let replicas = self.replicas(Role::JobManager);
        let operated = self.operated();
        let workers = self
            .cluster
            .nodes
            .iter()
            .any(|node| node.role == NodeRole::Worker);
        let needed = failure.needs.iter().find_map(|need| match need {
            Need::Standby if replicas < 2 => Some(match &operated {
                Some(one) if one.operator.most_jobmanagers() == Some(1) => format!(
                    "its {} can have one JobManager only, so there is no standby",
                    one.operator.kind()
                ),
                _ => "it has one JobManager, so there is no standby".to_owned(),
            }),
            Need::Worker if !workers => Some("it has no worker node".to_owned()),
            Need::StateFiles if !self.has_state_files() => {
                Some("its state is inline in the checkpoint's metadata".to_owned())
            }
            Need::Standby | Need::Worker | Need::StateFiles => None,
        });
        needed.or_else(|| {
            let mut steps = failure.steps.iter();
            steps.find_map(|step| step.missing(self).map(str::to_owned))
        })
    }
}

impl Definition for Lab {
    fn jobmanagers(&self) -> u64 {
        self.replicas(Role::JobManager)
    }

    fn has_operator(&self) -> bool {
        self.operated().is_some()
    }

    fn renews_by_update(&self) -> bool {
        self.renews_by_update()
    }

    fn lets_patch_config_maps(&self) -> bool {
        self.documents().any(Document::lets_patch_config_maps)
    }

    fn flink_option(&self, name: &str) -> Option<String> {
        self.flink_options().remove(name)
    }
}

/// The version in the tag of an image that is Flink's own, such as `1.15.2` of `flink:1.15.2`.
fn version_of(image: &str) -> Option<&str> {
    let tag = version::flinks_tag(image)?;
    let end = tag.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let version = tag[..end.unwrap_or(tag.len())].trim_end_matches('.');
    (version.split('.').count() >= 2).then_some(version)
}

/// The manifests that a lab takes from elsewhere and that are neither in its folder nor kept there.
pub fn wanted(name_or_folder: &str, kept: &Path) -> Result<Vec<Remote>, Fault> {
    let (files, folder) = sources(name_or_folder)?;
    check::wanted(files, &folder, kept)
}

/// The files of a lab, and what stands before their names in messages.
fn sources(name_or_folder: &str) -> Result<(Vec<(String, String)>, String), Fault> {
    match built_in(name_or_folder) {
        Some(files) => Ok((files, String::new())),
        None => check::read_folder(Path::new(name_or_folder)),
    }
}

/// The text of `kind.yaml` with the shared folder filled in; comments and all else stay.
#[must_use]
pub fn kind_config(lab: &Lab, shared: &Path) -> String {
    lab.files
        .iter()
        .find(|(name, _)| name == "kind.yaml")
        .map(|(_, text)| kind::filled_in(text, &shared.display().to_string()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_the_name_of_a_built_in_lab_is_told_apart_from_it() {
        let told = |folder: &str| folder_in_words(Path::new(folder));
        assert_eq!(told("default"), "./default");
        for plain in ["mine", "./default", "labs/default", "/labs/default"] {
            assert_eq!(told(plain), plain);
        }
    }
}
