//! The objects of one simulated cluster with their versions, and the history that watches read.
//! Pure: no clock of its own, no sockets.

use super::kinds::Kind;
use super::status::Status;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Changes kept for watches that resume. A watch that asks for older ones gets a 410, as it does
/// from a real server after a compaction.
const HISTORY: usize = 4000;

/// Whose object: kind, namespace ("" for none) and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: &'static Kind,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// One change as watches see it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) kind: &'static Kind,
    pub(crate) before: Option<Value>,
    /// None: deleted.
    pub(crate) after: Option<Value>,
}

/// All objects.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) revision: u64,
    objects: BTreeMap<Key, Value>,
    history: VecDeque<Change>,
    /// Leaf paths of each field manager, for server-side apply.
    pub(super) owners: BTreeMap<Key, BTreeMap<String, BTreeSet<String>>>,
}

impl Key {
    pub(crate) fn new(kind: &'static Kind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.namespaced { namespace } else { "" };
        Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl Store {
    pub(crate) fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    pub(crate) fn read(&self, kind: &'static Kind, namespace: &str, name: &str) -> Option<&Value> {
        self.get(&Key::new(kind, namespace, name))
    }

    /// All of a kind; "" is every namespace.
    pub(crate) fn list<'a>(
        &'a self,
        kind: &'static Kind,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Value> + 'a {
        self.keys(kind, namespace).map(|(_, value)| value)
    }

    pub(crate) fn keys<'a>(
        &'a self,
        kind: &'static Kind,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Value)> + 'a {
        self.objects
            .iter()
            .filter(move |(key, _)| std::ptr::eq(key.kind, kind))
            .filter(move |(key, _)| namespace.is_empty() || key.namespace == namespace)
    }

    /// Writes an object. Says nothing to watches when nothing changed, as a real server.
    pub(crate) fn put(&mut self, key: Key, mut object: Value) -> Value {
        let before = self.objects.get(&key).cloned();
        if let Some(before) = &before {
            object["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
            if *before == object {
                return object;
            }
            if has_generation(key.kind) {
                let old = before["metadata"]["generation"].as_u64().unwrap_or(1);
                let changed = before["spec"] != object["spec"];
                object["metadata"]["generation"] = json!(old + u64::from(changed));
            }
        } else if has_generation(key.kind) {
            object["metadata"]["generation"] = json!(1);
        }
        self.revision += 1;
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        self.objects.insert(key.clone(), object.clone());
        self.remember(key.kind, before, Some(object.clone()));
        object
    }

    /// Changes an object in place, if it is there.
    pub(crate) fn edit(&mut self, key: &Key, change: impl FnOnce(&mut Value)) -> Option<Value> {
        let mut object = self.objects.get(key)?.clone();
        change(&mut object);
        Some(self.put(key.clone(), object))
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<Value> {
        let mut gone = self.objects.remove(key)?;
        self.owners.remove(key);
        self.revision += 1;
        let before = gone.clone();
        gone["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        self.remember(key.kind, Some(before), None);
        Some(gone)
    }

    fn remember(&mut self, kind: &'static Kind, before: Option<Value>, after: Option<Value>) {
        self.history.push_back(Change {
            revision: self.revision,
            kind,
            before,
            after,
        });
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
    }

    /// Forgets the history: every watch must list anew.
    pub(crate) fn compact(&mut self) {
        self.revision += 1;
        self.history.clear();
    }

    /// What happened after that revision, or a 410 if it is not known any more.
    pub(crate) fn since(&self, revision: u64) -> Result<impl Iterator<Item = &Change>, Status> {
        let oldest = self
            .history
            .front()
            .map_or(self.revision + 1, |change| change.revision);
        if revision + 1 < oldest {
            return Err(Status::expired(revision, oldest));
        }
        Ok(self
            .history
            .iter()
            .skip_while(move |change| change.revision <= revision))
    }
}

fn has_generation(kind: &Kind) -> bool {
    matches!(kind.group, "apps") || kind.plural == "pods"
}

/// `labelSelector` and `fieldSelector` of a list or watch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    terms: Vec<Term>,
}

#[derive(Debug, Clone)]
struct Term {
    path: Vec<String>,
    want: Want,
}

#[derive(Debug, Clone)]
enum Want {
    Is(String),
    Not(String),
    Exists,
    Absent,
    In(Vec<String>),
}

impl Selector {
    pub(crate) fn parse(labels: &str, fields: &str) -> Self {
        let mut terms = Vec::new();
        for part in split_outside(labels) {
            let label = |key: &str| {
                vec![
                    "metadata".to_owned(),
                    "labels".to_owned(),
                    key.trim().to_owned(),
                ]
            };
            let term = if let Some((key, list)) = part.split_once(" in ") {
                let list = list.trim().trim_matches(['(', ')']);
                let any = list
                    .split(',')
                    .map(|value| value.trim().to_owned())
                    .collect();
                Term {
                    path: label(key),
                    want: Want::In(any),
                }
            } else if let Some((key, value)) = part.split_once("!=") {
                Term {
                    path: label(key),
                    want: Want::Not(value.trim().to_owned()),
                }
            } else if let Some((key, value)) = part.split_once('=') {
                let value = value.trim_start_matches('=').trim();
                Term {
                    path: label(key),
                    want: Want::Is(value.to_owned()),
                }
            } else if let Some(key) = part.strip_prefix('!') {
                Term {
                    path: label(key),
                    want: Want::Absent,
                }
            } else {
                Term {
                    path: label(&part),
                    want: Want::Exists,
                }
            };
            terms.push(term);
        }
        for part in fields.split(',').filter(|part| !part.is_empty()) {
            let path = |key: &str| key.trim().split('.').map(str::to_owned).collect();
            if let Some((key, value)) = part.split_once("!=") {
                terms.push(Term {
                    path: path(key),
                    want: Want::Not(value.to_owned()),
                });
            } else if let Some((key, value)) = part.split_once('=') {
                let value = value.trim_start_matches('=').to_owned();
                terms.push(Term {
                    path: path(key),
                    want: Want::Is(value),
                });
            }
        }
        Self { terms }
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.terms.iter().all(|term| {
            let mut at = Some(object);
            for step in &term.path {
                at = at.and_then(|value| value.get(step));
            }
            let value = at.and_then(Value::as_str);
            match &term.want {
                Want::Is(want) => value.unwrap_or_default() == want,
                Want::Not(want) => value != Some(want),
                Want::Exists => value.is_some(),
                Want::Absent => value.is_none(),
                Want::In(any) => value.is_some_and(|value| any.iter().any(|want| want == value)),
            }
        })
    }
}

/// Splits at commas that do not stand in brackets.
fn split_outside(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut part) = (Vec::new(), 0, String::new());
    for letter in text.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(letter);
        }
    }
    parts.push(part);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Fills in what every object has.
pub(crate) fn complete(key: &Key, object: &mut Value, uid: String, now: jiff::Timestamp) {
    object["apiVersion"] = json!(key.kind.api_version());
    object["kind"] = json!(key.kind.kind);
    if !object["metadata"].is_object() {
        object["metadata"] = Value::Object(Map::new());
    }
    let metadata = &mut object["metadata"];
    metadata["name"] = json!(key.name);
    if key.kind.namespaced {
        metadata["namespace"] = json!(key.namespace);
    }
    metadata["uid"] = json!(uid);
    metadata["creationTimestamp"] = json!(seconds(now));
}

/// Kubernetes' own stamps are whole seconds.
pub(crate) fn seconds(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
