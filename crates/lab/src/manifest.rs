//! Manifest files to objects. A file may hold several documents; each remembers its line. What
//! needs no schema is checked here, field by field is the API server's to judge.

use super::definition::RoleLabels;
use super::json::json;
use super::kinds;
use super::mistake::{Mistake, did_you_mean, listed};
use super::operator::Operator;
use super::scalar::{self, Plain, Words};
use super::texts;
use super::yaml::{self, Dialect, Node, Style, Value};
use serde::{Deserialize, Serialize};

/// One manifest file, parsed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// File name in the lab's folder.
    pub file: String,
    /// The objects in it.
    pub documents: Vec<Document>,
}

/// One object of a manifest file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Line in the file where it begins, from 1.
    pub line: usize,
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, if it says one.
    pub namespace: Option<String>,
    /// The object itself.
    pub object: serde_json::Value,
}

impl Document {
    /// Whether pods come of it, so that the images must be in the nodes first.
    #[must_use]
    pub fn is_workload(&self) -> bool {
        self.makes_pods() || Operator::of(&self.api_version, &self.kind).is_some()
    }

    /// Whether Kubernetes itself makes pods of it.
    #[must_use]
    pub fn makes_pods(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Pod" | "Job" | "CronJob"
        )
    }

    /// Whether the pods that it makes have this role's labels.
    #[must_use]
    pub fn runs(&self, role: &RoleLabels) -> bool {
        let labels = self.object.pointer("/spec/template/metadata/labels");
        labels.is_some_and(|labels| role.matches(|key| labels[key].as_str()))
    }

    /// How many pods it makes; one where it does not say.
    #[must_use]
    pub fn replicas(&self) -> u64 {
        let replicas = self.object.pointer("/spec/replicas");
        replicas.and_then(serde_json::Value::as_u64).unwrap_or(1)
    }

    /// Whether it is a Role that lets config maps be patched, as Flink's HA must.
    #[must_use]
    pub fn lets_patch_config_maps(&self) -> bool {
        let has = |rule: &serde_json::Value, list: &str, word: &str| {
            let all = rule[list].as_array();
            all.is_some_and(|all| all.iter().any(|one| one == word || one == "*"))
        };
        let mut rules = self.object["rules"].as_array().into_iter().flatten();
        self.kind == "Role"
            && rules.any(|rule| has(rule, "resources", "configmaps") && has(rule, "verbs", "patch"))
    }
}

/// The objects of a file, each with its tree. A `List` is taken apart, as kubectl does.
pub(super) fn read(text: &str) -> Result<Vec<(Document, Node)>, Mistake> {
    let mut found = Vec::new();
    for node in yaml::read_as(text, Dialect::Kubectl)? {
        let is_list = node.get("kind").and_then(Node::text) == Some("List")
            && node.get("apiVersion").and_then(Node::text) == Some("v1");
        if is_list {
            for item in node.get("items").map_or(&[][..], Node::items) {
                found.push((document(item)?, item.clone()));
            }
        } else {
            found.push((document(&node)?, node));
        }
    }
    Ok(found)
}

fn document(node: &Node) -> Result<Document, Mistake> {
    if !matches!(node.value, Value::Map(_)) {
        return Err(
            Mistake::at(node.at, "A Kubernetes object is a map, this is not.")
                .hint("It begins with `apiVersion:`, `kind:` and `metadata:`."),
        );
    }
    let object = json(node)?;
    let api_version = word(node, "apiVersion")?;
    let kind = word(node, "kind")?;
    let name =
        if node.find("metadata.generateName").is_some() && node.find("metadata.name").is_none() {
            let at = node.place("metadata.generateName");
            return Err(
                Mistake::at(at, "An object with `generateName` cannot be applied again.")
                    .why("each time would make another one")
                    .hint("Give it a `name`."),
            );
        } else {
            word(node, "metadata.name")?
        };
    if kinds::has(api_version, kind) {
        texts::check(node)?;
    }
    Ok(Document {
        line: node.at.line,
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        namespace: match node.find("metadata.namespace") {
            Some(_) => Some(word(node, "metadata.namespace")?.to_owned()),
            None => None,
        },
        object,
    })
}

fn word<'a>(node: &'a Node, path: &str) -> Result<&'a str, Mistake> {
    let Some(found) = node.find(path) else {
        let (above, last) = path.rsplit_once('.').unwrap_or(("", path));
        let mistyped = match node.find(above) {
            Some(Node {
                value: Value::Map(entries),
                ..
            }) => entries
                .iter()
                .find(|(key, _)| !did_you_mean(key.text().unwrap_or_default(), [last]).is_empty()),
            _ => None,
        };
        let missing = format!("The object has no `{path}`.");
        return Err(match mistyped {
            Some((key, _)) => Mistake::at(key.at, missing).hint(format!(
                "Write `{last}` instead of `{}`?",
                key.text().unwrap_or_default()
            )),
            None => Mistake::at(node.place(path), missing),
        });
    };
    let is_word = match &found.value {
        Value::Scalar {
            text,
            style: Style::Plain,
        } => scalar::go(text, Words::All) == Plain::Text,
        Value::Scalar { text, .. } => !text.is_empty(),
        Value::List(_) | Value::Map(_) => false,
    };
    match found.text() {
        Some(text) if is_word => Ok(text),
        _ => Err(Mistake::at(found.at, format!("`{path}` must be a text."))
            .hint("Put it in quotes if it looks like a number.")),
    }
}

/// API versions and kinds that custom resource definitions of the folder add.
pub(super) fn defined<'a>(documents: impl Iterator<Item = &'a Node>) -> Vec<(String, String)> {
    documents
        .filter(|node| node.get("kind").and_then(Node::text) == Some("CustomResourceDefinition"))
        .flat_map(|node| {
            let group = node
                .find("spec.group")
                .and_then(Node::text)
                .unwrap_or_default();
            let kind = node
                .find("spec.names.kind")
                .and_then(Node::text)
                .unwrap_or_default();
            let versions = node.find("spec.versions").map_or(&[][..], Node::items);
            versions
                .iter()
                .filter_map(|version| version.get("name").and_then(Node::text))
                .map(move |version| (format!("{group}/{version}"), kind.to_owned()))
        })
        .collect()
}

/// Whether this Kubernetes has that API version and kind. `is_table` says that the table is of
/// the very version; for another one only the group's kinds are checked.
pub(super) fn check_kind(
    document: &Document,
    node: &Node,
    defined: &[(String, String)],
    minor: Option<u32>,
) -> Result<(), Mistake> {
    let (version, kind) = (document.api_version.as_str(), document.kind.as_str());
    let is_defined = defined.iter().any(|(v, k)| v == version && k == kind);
    if is_defined || kinds::has(version, kind) {
        return Ok(());
    }
    let at_version = node.place("apiVersion");
    let at_kind = node.place("kind");
    if minor.is_some_and(|minor| !kinds::MINORS.contains(&minor))
        && kinds::is_own_group(version)
        && kinds::with(kind).any(|known| kinds::group(known) == kinds::group(version))
    {
        return Ok(()); // another Kubernetes: its API server knows which versions it has
    }
    let mut own: Vec<&str> = kinds::with(kind).collect();
    own.extend(
        defined
            .iter()
            .filter(|(_, k)| k == kind)
            .map(|(v, _)| v.as_str()),
    );
    if !own.is_empty() {
        return Err(Mistake::at(
            at_version,
            format!("Kubernetes has no `{kind}` in `{version}`."),
        )
        .hint(format!("It is in {}.", listed(own))));
    }
    let kinds_there: Vec<&str> = match kinds::of(version) {
        Some(kinds) => kinds.to_vec(),
        None => defined
            .iter()
            .filter(|(v, _)| v == version)
            .map(|(_, k)| k.as_str())
            .collect(),
    };
    if kinds_there.is_empty() {
        let mut known: Vec<&str> = kinds::api_versions().collect();
        known.extend(defined.iter().map(|(v, _)| v.as_str()));
        return Err(Mistake::at(at_version, format!("Unknown `apiVersion: {version}`."))
            .why("Kubernetes has none of that name, and no CustomResourceDefinition of this lab defines it")
            .hint(did_you_mean(version, known)));
    }
    let mut everywhere: Vec<&str> = kinds::all().collect();
    everywhere.extend(defined.iter().map(|(_, k)| k.as_str()));
    Err(Mistake::at(
        at_kind,
        format!("Kubernetes has no kind `{kind}` in `{version}`."),
    )
    .why(format!(
        "there it has {}",
        listed(kinds_there.iter().copied())
    ))
    .hint(did_you_mean(kind, everywhere)))
}
