//! Reads a lab's files and checks what their types cannot say: words in `words`, `kind.yaml` in
//! `cluster`, what one file says of another in `links`, Flink's own configuration in `configured`,
//! `versions`, `flink` and `session`, what Kubernetes would let pods do and have in `rights`, `claims`, `images`.
//! The first mistake is told, with its file, line and column; nothing is started before.

mod claims;
mod cluster;
mod configured;
mod flink;
mod images;
mod job;
mod links;
mod mode;
mod operators;
mod patches;
mod pods;
mod remotes;
mod rights;
mod session;
mod versions;
mod words;

pub(super) use remotes::wanted;

use super::Lab;
use super::decode::{Rules, decode};
use super::definition::{Definition, Roles};
use super::jars;
use super::kind::Cluster;
use super::manifest::{self, Document, Manifest};
use super::mistake::{Mistake, did_you_mean, listed};
use super::overlay;
use super::yaml::{self, At, Node};
use flinklab_base::advice::Advice;
use flinklab_base::fault::Fault;
use sha2::{Digest, Sha256};
use std::path::Path;

/// No lab file is longer; an image saved under the wrong name is.
const LONGEST_FILE: u64 = 4 * 1024 * 1024;

/// One file of the lab: its text as a tree, and the name under which the user knows it.
pub(super) struct Source {
    pub(super) code: &'static str,
    pub(super) file: String,
    pub(super) root: Node,
}

impl Source {
    /// A mistake at a path of this file.
    pub(super) fn at(&self, path: &str, what: impl Into<String>) -> Wrong<'_> {
        self.here(self.root.place(path), what)
    }

    /// A mistake at a place of this file.
    pub(super) fn here(&self, at: At, what: impl Into<String>) -> Wrong<'_> {
        Wrong {
            source: self,
            mistake: Mistake::at(at, what),
        }
    }
}

/// A mistake and its file; `done` makes a fault of it.
pub(super) struct Wrong<'a> {
    source: &'a Source,
    mistake: Mistake,
}

impl Wrong<'_> {
    pub(super) fn why(mut self, why: impl std::fmt::Display) -> Self {
        self.mistake = self.mistake.why(why);
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<Advice>) -> Self {
        self.mistake = self.mistake.hint(hint);
        self
    }

    /// As a result, so that a check ends with it.
    pub(super) fn done<T>(self) -> Result<T, Fault> {
        Err(self.fault())
    }

    /// The same under a code of its own.
    pub(super) fn coded<T>(self, code: &'static str) -> Result<T, Fault> {
        Err(self.mistake.fault(code, &self.source.file))
    }

    pub(super) fn fault(self) -> Fault {
        self.mistake.fault(self.source.code, &self.source.file)
    }
}

/// One object of the manifests, with its tree and its file.
pub(super) struct Object<'a> {
    pub(super) document: &'a Document,
    pub(super) node: &'a Node,
    pub(super) source: &'a Source,
    /// Position of its file under `apply`.
    pub(super) turn: usize,
}

/// Everything that was read, for checks across files.
pub(super) struct Whole<'a> {
    pub(super) lab: &'a Source,
    pub(super) kind: &'a Source,
    pub(super) definition: &'a Definition,
    /// Those of lab.yaml, or of the operator that makes the pods.
    pub(super) roles: &'a Roles,
    pub(super) cluster: &'a Cluster,
    pub(super) objects: &'a [Object<'a>],
}

impl Whole<'_> {}

/// The files of a folder, and what stands before their names in messages.
pub(super) fn read_folder(folder: &Path) -> Result<(Vec<(String, String)>, String), Fault> {
    let shown = folder.display().to_string();
    let files = read_files(folder)?;
    Ok((files, format!("{}/", shown.trim_end_matches('/'))))
}

/// The YAML files of a folder and the jar that its `lab.yaml` names, in the order of their names.
pub(super) fn read_files(folder: &Path) -> Result<Vec<(String, String)>, Fault> {
    let shown = folder.display().to_string();
    let entries = std::fs::read_dir(folder).map_err(|error| {
        let near = did_you_mean(&shown, super::built_in_names());
        Fault::wrong(
            "lab-not-found",
            format!("There is no built-in lab and no folder `{shown}`."),
        )
        .why(error)
        .hint(if near.is_empty() {
            format!("Built in: {}.", listed(super::built_in_names()))
        } else {
            near
        })
    })?;
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".yaml") || name.ends_with(".yml") {
            let text = read_file(folder, &name)?;
            files.push((name, text));
        }
    }
    if let Some(jar) = own_jar(&files).filter(|jar| folder.join(jar).is_file()) {
        let text = read_file(folder, &jar)?;
        files.push((jar, text));
    }
    files.sort();
    Ok(files)
}

/// The file that `job.jar` names, if it is one of the folder's. What is wrong with it is told later.
fn own_jar(files: &[(String, String)]) -> Option<String> {
    let (_, text) = files.iter().find(|(name, _)| name == "lab.yaml")?;
    let root = yaml::read(text).ok()?.into_iter().next()?;
    let jar = root.find("job.jar")?.text()?;
    let is_name = jars::is_jar(jar) && !jar.contains(['/', '\\']);
    is_name.then(|| jar.to_owned())
}

fn read_file(folder: &Path, name: &str) -> Result<String, Fault> {
    let path = folder.join(name);
    let unreadable = |why: String| {
        Fault::wrong("lab-unreadable", "Cannot read the file.")
            .at(path.display().to_string(), 0, 0)
            .why(why)
    };
    let length = std::fs::metadata(&path)
        .map_err(|error| unreadable(error.to_string()))?
        .len();
    if length > LONGEST_FILE {
        let fault = unreadable(format!("{length} bytes are too many for a lab file"));
        return Err(if jars::is_jar(name) {
            fault.hint("Put a jar of this size into an image and name that: `job.image`.")
        } else {
            fault
        });
    }
    let bytes = std::fs::read(&path).map_err(|error| unreadable(error.to_string()))?;
    jars::file_text(name, &bytes).ok_or_else(|| unreadable("it is no text in UTF-8".to_owned()))
}

/// A lab from its files, put over its base if it has one.
pub(super) fn from_files(
    files: Vec<(String, String)>,
    folder: &str,
    kept: Option<&Path>,
) -> Result<Lab, Fault> {
    let (files, origins) = overlay::resolve(files, folder)?;
    complete(files, folder, kept, Checks::All).map_err(|fault| origins.placed(fault))
}

/// A lab that was built from these files: they are read, and not judged anew.
pub(super) fn built(files: Vec<(String, String)>, folder: &str) -> Result<Lab, Fault> {
    complete(files, folder, None, Checks::Reading)
}

/// What a lab's files must pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checks {
    /// All that could keep it from coming up.
    All,
    /// They can be read.
    Reading,
}

fn complete(
    files: Vec<(String, String)>,
    folder: &str,
    kept: Option<&Path>,
    checks: Checks,
) -> Result<Lab, Fault> {
    let (lab, definition): (_, Definition) = one(&files, folder, "lab.yaml")?;
    if checks == Checks::All {
        words::check(&lab, &definition)?;
        job::check(&lab, &definition)?;
    }
    let files = remotes::with(files, &lab, &definition, kept)?;
    let (kind, mut cluster, unread) = cluster::read(&files, folder)?;
    let sound = cluster::check(&kind, &mut cluster);
    if checks == Checks::All {
        sound?;
    }

    let mut sources = Vec::new();
    let mut manifests = Vec::new();
    let mut trees = Vec::new();
    for (turn, apply) in definition.apply.iter().enumerate() {
        let file = format!("{folder}{}", apply.file);
        let Some((_, text)) = files.iter().find(|(name, _)| *name == apply.file) else {
            let known = files.iter().map(|(name, _)| name.as_str());
            return lab
                .at(
                    &format!("apply[{turn}].file"),
                    format!("There is no file `{}` in the lab's folder.", apply.file),
                )
                .hint(did_you_mean(&apply.file, known))
                .done();
        };
        let found =
            manifest::read(text).map_err(|mistake| mistake.fault("manifest-invalid", &file))?;
        if found.is_empty() {
            return Err(
                Fault::wrong("manifest-invalid", "The file holds no object.").at(file, 1, 1),
            );
        }
        let (documents, nodes): (Vec<Document>, Vec<Node>) = found.into_iter().unzip();
        let root = Node::empty();
        sources.push(Source {
            code: "manifest-invalid",
            file,
            root,
        });
        manifests.push(Manifest {
            file: apply.file.clone(),
            documents,
        });
        trees.push(nodes);
    }
    let mut objects = Vec::new();
    for (turn, ((manifest, nodes), source)) in
        manifests.iter().zip(&trees).zip(&sources).enumerate()
    {
        for (document, node) in manifest.documents.iter().zip(nodes) {
            objects.push(Object {
                document,
                node,
                source,
                turn,
            });
        }
    }
    let operated = operators::find(&objects, &definition);
    let roles = match (&definition.roles, &operated) {
        (Some(roles), _) => roles.clone(),
        (None, Some((_, operated))) => operated.roles(),
        (None, None) => return operators::missing(&lab, &objects, &definition),
    };
    let whole = Whole {
        lab: &lab,
        kind: &kind,
        definition: &definition,
        roles: &roles,
        cluster: &cluster,
        objects: &objects,
    };
    if checks == Checks::All {
        mode::check(&whole, &files)?;
        links::check(&whole)?;
        if let Some((object, operated)) = &operated {
            operators::check(&whole, object, operated)?;
        }
    }

    let unlisted = files
        .iter()
        .map(|(name, _)| name.clone())
        .filter(|name| name != "lab.yaml" && name != "kind.yaml")
        .filter(|name| definition.job.own_jar() != Some(name.as_str()))
        .filter(|name| definition.apply.iter().all(|apply| apply.file != *name))
        .collect();
    let mut lab = Lab {
        name: definition.name,
        about: definition.about,
        images: definition.images,
        apply: definition.apply,
        flink: definition.flink,
        roles,
        job: definition.job,
        polls: definition.polls,
        first: definition.first,
        failures: definition.failures,
        cluster,
        manifests,
        unread: unread.map(|at| at.line),
        unlisted,
        hash: hash(&files),
        files,
    };
    if let Some(class) = lab.application().and_then(|application| application.class)
        && lab.job.class.is_empty()
    {
        lab.job.class = class;
    }
    Ok(lab)
}

/// A file that holds one document, which is a `T`.
fn one<T: serde::de::DeserializeOwned>(
    files: &[(String, String)],
    folder: &str,
    name: &str,
) -> Result<(Source, T), Fault> {
    let source = open(files, folder, name)?;
    let value = decode(&source.root, Rules::Strict)
        .map_err(|mistake| mistake.fault(source.code, &source.file))?;
    Ok((source, value))
}

fn open(files: &[(String, String)], folder: &str, name: &str) -> Result<Source, Fault> {
    let code = "lab-invalid";
    let file = format!("{folder}{name}");
    let mut documents = yaml::read(text_of(files, &file, name)?)
        .map_err(|mistake| mistake.fault(code, &file))?
        .into_iter();
    let Some(root) = documents.next() else {
        return Err(empty(code, &file));
    };
    let source = Source { code, file, root };
    match documents.next() {
        Some(second) => source
            .here(second.at, "Another document begins here.")
            .hint(format!("`{name}` holds one document: remove the `---`."))
            .done(),
        None => Ok(source),
    }
}

/// The text of a file that every lab has. `file` is the name by which the user knows it.
fn text_of<'a>(files: &'a [(String, String)], file: &str, name: &str) -> Result<&'a str, Fault> {
    match files.iter().find(|(found, _)| found == name) {
        Some((_, text)) => Ok(text),
        None => Err(Fault::wrong("lab-file-missing", format!("The lab has no file `{name}`."))
            .hint("A lab is a folder with `lab.yaml`, `kind.yaml` and the manifests that `lab.yaml` lists.")
            .at(file, 0, 0)),
    }
}

fn empty(code: &'static str, file: &str) -> Fault {
    Fault::wrong(code, "The file is empty.").at(file, 1, 1)
}

fn hash(files: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    for (name, text) in files {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    let hash = hash.finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
