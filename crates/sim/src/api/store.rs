//! The objects of one simulated cluster with their versions, and the history that watches read.
//! Pure: no clock of its own, no sockets.

use super::kinds::Kind;
use super::status::Status;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Changes kept for watches that resume. A watch that asks for older ones gets a 410, as it does
/// from a real server after a compaction.
const HISTORY: usize = 4000;

/// Whose object: kind, namespace ("" for none) and name.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    pub(crate) before: Option<Arc<Value>>,
    /// None: deleted.
    pub(crate) after: Option<Arc<Value>>,
}

/// All objects.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) revision: u64,
    /// Shared with the history: most of what the simulation computes would else be copies.
    objects: BTreeMap<Key, Arc<Value>>,
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

/// By kind, namespace and name. A kind is known by its group and plural: there is no other of them.
impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let kind = |key: &Self| (key.kind.group, key.kind.plural);
        let kinds = if std::ptr::eq(self.kind, other.kind) {
            Ordering::Equal
        } else {
            kind(self).cmp(&kind(other))
        };
        kinds
            .then_with(|| self.namespace.cmp(&other.namespace))
            .then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Store {
    pub(crate) fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key).map(Arc::as_ref)
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
            .range(Key::new(kind, namespace, "")..)
            .take_while(move |(key, _)| std::ptr::eq(key.kind, kind))
            .take_while(move |(key, _)| namespace.is_empty() || key.namespace == namespace)
            .map(|(key, value)| (key, value.as_ref()))
    }

    /// All of a kind, as they are now: what is changed meanwhile is not seen in them.
    pub(crate) fn all(&self, kind: &'static Kind) -> Vec<(Key, Arc<Value>)> {
        self.objects
            .range(Key::new(kind, "", "")..)
            .take_while(|(key, _)| std::ptr::eq(key.kind, kind))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Writes an object. Says nothing to watches when nothing changed, as a real server.
    pub(crate) fn put(&mut self, key: Key, mut object: Value) -> Arc<Value> {
        let before = self.objects.get(&key).cloned();
        if let Some(before) = &before {
            object["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
            if **before == object {
                return before.clone();
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
        let object = Arc::new(object);
        let kind = key.kind;
        self.objects.insert(key, object.clone());
        self.remember(kind, before, Some(object.clone()));
        object
    }

    /// Changes an object in place, if it is there.
    pub(crate) fn edit(
        &mut self,
        key: &Key,
        change: impl FnOnce(&mut Value),
    ) -> Option<Arc<Value>> {
        let mut object = self.get(key)?.clone();
        change(&mut object);
        Some(self.put(key.clone(), object))
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<Value> {
        let before = self.objects.remove(key)?;
        self.owners.remove(key);
        self.revision += 1;
        let mut gone = before.as_ref().clone();
        gone["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        self.remember(key.kind, Some(before), None);
        Some(gone)
    }

    fn remember(
        &mut self,
        kind: &'static Kind,
        before: Option<Arc<Value>>,
        after: Option<Arc<Value>>,
    ) {
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
