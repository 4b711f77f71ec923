//! kind's patches for kubeadm's documents: JSON merge patches (RFC 7386) with kind's exceptions for
//! two kinds of lists, and JSON patches (RFC 6902) with indices from the end. Pure.

use crate::json::json;
use crate::kind::PatchJson6902;
use crate::libyaml;
use crate::mistake::Mistake;
use crate::wrong::one_of;
use crate::yaml::{At, Dialect, Node, Value as Tree};
use json_patch::jsonptr::{PointerBuf, Token};
use json_patch::{PatchErrorKind, PatchOperation};
use serde::Deserialize;
use serde_json::{Map, Value, json as value};
use std::fmt;

/// Which documents a patch is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: String,
    /// Empty: any.
    pub(crate) api: String,
}

impl Target {
    pub(crate) fn of_merge(patch: &Value) -> Self {
        let text = |key: &str| {
            patch
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Self {
            kind: text("kind"),
            api: text("apiVersion"),
        }
    }

    pub(crate) fn of_change(change: &PatchJson6902) -> Self {
        let api = match (change.group.as_str(), change.version.as_str()) {
            ("", version) => version.to_owned(),
            (group, version) => format!("{group}/{version}"),
        };
        Self {
            kind: change.kind.clone(),
            api,
        }
    }

    pub(crate) fn is(&self, document: &Value) -> bool {
        let found = Self::of_merge(document);
        self.kind == found.kind && (self.api.is_empty() || self.api == found.api)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.api.as_str() {
            "" => write!(f, "{}", self.kind),
            api => write!(f, "{} {api}", self.kind),
        }
    }
}

/// A patch's text taken apart where kind does it, at each line that begins with `---`, whatever
/// follows on it. Each part with the line of the text in which it begins, from 0.
fn parts(text: &str) -> Result<Vec<(usize, &str)>, Mistake> {
    const BETWEEN: &str = "\n---";
    let mut parts = Vec::new();
    let (mut line, mut rest) = (0, text);
    while let Some(end) = rest.find(BETWEEN) {
        let (part, behind) = rest.split_at(end);
        let behind = &behind[BETWEEN.len()..];
        parts.push((line, part));
        line += part.matches('\n').count() + 1;
        match behind.split_once('\n') {
            Some((_, next)) => rest = next,
            None if behind.is_empty() => return Ok(parts),
            None => {
                let at = At {
                    line: line + 1,
                    column: 1,
                };
                return Err(Mistake::at(at, "The patch ends in this line.")
                    .why("kind would leave out what stands above it")
                    .hint("Remove the line, or write what follows it."));
            }
        }
        line += 1;
    }
    if !rest.is_empty() {
        parts.push((line, rest));
    }
    Ok(parts)
}

/// The documents of one merge patch as trees, places being those in the text.
pub(crate) fn trees(text: &str) -> Result<Vec<Node>, Mistake> {
    let mut all = Vec::new();
    for (line, part) in parts(text)? {
        let moved = |mut mistake: Mistake| {
            mistake.at.line += line;
            mistake
        };
        let mut root = libyaml::first(part, Dialect::Kubectl).map_err(moved)?.root;
        if root.is_null() {
            continue;
        }
        root.move_down(line);
        match root.value {
            Tree::Map(_) => all.push(root),
            Tree::List(_) | Tree::Scalar { .. } => {
                return Err(Mistake::at(root.at, "The patch is no map.")
                    .hint("It begins with `kind:`, which says what it is for."));
            }
        }
    }
    Ok(all)
}

/// The documents of one merge patch.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, Mistake> {
    trees(text)?.iter().map(json).collect()
}

/// Merges a patch into a document: maps merge, null deletes, everything else replaces. As in kind,
/// `certSANs` are united, and arguments in v1beta4's list form are merged by name.
pub(super) fn merge(document: &mut Value, patch: Value) {
    let mut patch = patch;
    if let (Some(map), Some(target)) = (patch.as_object_mut(), document.as_object_mut()) {
        let is_typed = map.contains_key("apiVersion");
        let has_lists = target["apiVersion"] == "kubeadm.k8s.io/v1beta4";
        special(target, map, has_lists, is_typed);
    }
    json_patch::merge(document, &patch);
}

/// Carries out kind's exceptions anywhere in the tree and takes them out of the patch.
fn special(
    target: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    has_lists: bool,
    is_typed: bool,
) {
    if let Some(names) = patch.shift_remove("certSANs") {
        let known = list(target, "certSANs");
        for name in names.as_array().into_iter().flatten() {
            if !known.contains(name) {
                known.push(name.clone());
            }
        }
    }
    for key in ["extraArgs", "kubeletExtraArgs"] {
        if !has_lists {
            continue;
        }
        let changes = match patch.shift_remove(key) {
            None => continue,
            Some(Value::Array(changes)) => changes,
            Some(Value::Object(map)) if !is_typed => arguments(map),
            // A map that says it is v1beta4 is wrong; kind drops it.
            Some(_) => Vec::new(),
        };
        if let Some(Value::Object(map)) = target.get_mut(key) {
            let map = std::mem::take(map);
            target.insert(key.to_owned(), arguments(map).into());
        }
        merge_arguments(list(target, key), changes);
    }
    for (key, inner) in patch {
        let is_plain = ["extraArgs", "kubeletExtraArgs"].contains(&key.as_str());
        let Some(inner) = inner.as_object_mut().filter(|_| !is_plain) else {
            continue;
        };
        let below = target.entry(key.clone()).or_insert_with(|| value!({}));
        if let Some(below) = below.as_object_mut() {
            special(below, inner, has_lists, is_typed);
        }
    }
}

/// The list at a key, made where there is none.
fn list<'a>(target: &'a mut Map<String, Value>, key: &str) -> &'a mut Vec<Value> {
    let found = target.entry(key).or_insert_with(|| value!([]));
    if !found.is_array() {
        *found = value!([]);
    }
    found.as_array_mut().expect("made a list just above")
}

/// v1beta3's map of arguments as v1beta4's list.
fn arguments(map: Map<String, Value>) -> Vec<Value> {
    map.into_iter()
        .map(|(name, to)| value!({"name": name, "value": to}))
        .collect()
}

fn merge_arguments(known: &mut Vec<Value>, changes: Vec<Value>) {
    for change in changes {
        let Some(name) = change["name"].as_str() else {
            continue;
        };
        let found = known.iter().position(|one| one["name"] == name);
        match (found, &change["value"]) {
            (Some(index), Value::Null) => drop(known.remove(index)),
            (None, Value::Null) => {}
            (Some(index), to) => known[index]["value"] = to.clone(),
            (None, to) => known.push(value!({"name": name, "value": to})),
        }
    }
}

/// An operation of a JSON patch, and where it stands in the patch's text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operation {
    at: At,
    does: PatchOperation,
}

/// Stands in documents for what only a made node has: its name, its address.
pub(crate) const UNKNOWN: &str = "${UNKNOWN}";
/// What an operation can be.
const OPERATIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];

/// The operations of a patch in YAML, of which JSON is a part.
pub(crate) fn operations(text: &str) -> Result<Vec<Operation>, Mistake> {
    let root = libyaml::first(text, Dialect::Kubectl)?.root;
    let items = match &root.value {
        Tree::List(items) => items.as_slice(),
        _ if root.is_null() => &[],
        _ => {
            return Err(Mistake::at(
                root.at,
                "A JSON-6902 patch is a list of operations.",
            ));
        }
    };
    items.iter().map(operation).collect()
}

/// The same of JSON alone, as kind reads containerd's.
pub(crate) fn json_operations(text: &str) -> Result<Vec<Operation>, Mistake> {
    let start = At { line: 1, column: 1 };
    let items: Option<Vec<Value>> = serde_json::from_str(text).map_err(|error| {
        let at = At {
            line: error.line().max(1),
            column: error.column().max(1),
        };
        Mistake::at(at, "The patch is no list of operations in JSON.").why(error)
    })?;
    let items = items.into_iter().flatten();
    items.map(|item| complete(&item, start, start)).collect()
}

fn operation(node: &Node) -> Result<Operation, Mistake> {
    complete(&json(node)?, node.at, node.place("op"))
}

fn complete(object: &Value, at: At, at_op: At) -> Result<Operation, Mistake> {
    let name = object["op"].as_str().unwrap_or_default();
    if !OPERATIONS.contains(&name) {
        return Err(Mistake::at(at_op, format!("`op` cannot be `{name}`."))
            .why(format!("it may be {}", one_of(&OPERATIONS))));
    }
    let does = PatchOperation::deserialize(object).map_err(|error| {
        Mistake::at(at, format!("The operation `{name}` is not complete.")).why(error)
    })?;
    if does.path().is_root() && !["replace", "test"].contains(&name) {
        return Err(
            Mistake::at(at, format!("The operation `{name}` has an empty `path`."))
                .why("it would be for the whole document"),
        );
    }
    Ok(Operation { at, does })
}

/// Applies the operations in order; the first that cannot be applied is a mistake.
pub(crate) fn apply(document: &mut Value, operations: &[Operation]) -> Result<(), Mistake> {
    for Operation { at, does } in operations {
        let does = from_the_end(document, does.clone());
        let path = does.path().to_string();
        let actual = document.pointer(&path).map(Value::to_string);
        if let Err(error) = json_patch::patch(document, &[does]) {
            let what = match error.kind {
                // What is not known yet may be what it is tested for.
                PatchErrorKind::TestFailed if actual.is_some_and(|text| text.contains(UNKNOWN)) => {
                    continue;
                }
                PatchErrorKind::TestFailed => format!("The test of `{path}` does not hold."),
                PatchErrorKind::CannotMoveInsideItself => {
                    format!("What is moved to `{path}` would be in itself.")
                }
                _ => format!("There is nothing at `{path}` that could be changed."),
            };
            return Err(Mistake::at(*at, what).hint("Take it out of the patch, or hint its path."));
        }
    }
    Ok(())
}

/// The operation with each index from the end of a list (`-1`) as the one that it means now.
fn from_the_end(document: &Value, operation: PatchOperation) -> PatchOperation {
    let mut operation = operation;
    let is_add = matches!(
        operation,
        PatchOperation::Add(_) | PatchOperation::Move(_) | PatchOperation::Copy(_)
    );
    match &mut operation {
        PatchOperation::Move(op) => op.from = settled(document, &op.from, 0),
        PatchOperation::Copy(op) => op.from = settled(document, &op.from, 0),
        _ => {}
    }
    let path = match &mut operation {
        PatchOperation::Add(op) => &mut op.path,
        PatchOperation::Remove(op) => &mut op.path,
        PatchOperation::Replace(op) => &mut op.path,
        PatchOperation::Move(op) => &mut op.path,
        PatchOperation::Copy(op) => &mut op.path,
        PatchOperation::Test(op) => &mut op.path,
    };
    *path = settled(document, path, usize::from(is_add));
    operation
}

/// `more` is by how much a list may be longer than it is where the path ends.
fn settled(document: &Value, path: &PointerBuf, more: usize) -> PointerBuf {
    let mut settled = PointerBuf::new();
    let mut here = Some(document);
    let last = path.count().saturating_sub(1);
    for (index, token) in path.tokens().enumerate() {
        let word = token.decoded();
        let from_end = word.strip_prefix('-').and_then(|back| back.parse().ok());
        let token = match (here, from_end) {
            (Some(Value::Array(items)), Some(back)) => {
                let length = items.len() + if index == last { more } else { 0 };
                length.checked_sub(back).map_or_else(
                    || Token::new(word.clone().into_owned()),
                    |index| Token::new(index.to_string()),
                )
            }
            _ => Token::new(word.clone().into_owned()),
        };
        here = here.and_then(|value| match value {
            Value::Object(map) => map.get(token.decoded().as_ref()),
            Value::Array(items) => items.get(token.decoded().parse::<usize>().ok()?),
            _ => None,
        });
        settled.push_back(token);
    }
    settled
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn merged(document: Value, patch: Value) -> Value {
        let mut document = document;
        merge(&mut document, patch);
        document
    }

    #[test]
    fn maps_merge_lists_replace_and_null_deletes() {
        assert_eq!(
            merged(
                value!({"kind": "K", "apiVersion": "a", "a": {"b": 1, "c": [1, 2]}, "d": 4}),
                value!({"kind": "K", "a": {"c": [3]}, "d": null, "e": {"f": null, "g": 1}}),
            ),
            value!({"kind": "K", "apiVersion": "a", "a": {"b": 1, "c": [3]}, "e": {"g": 1}}),
        );
    }

    #[test]
    fn certificate_names_are_united() {
        assert_eq!(
            merged(
                value!({"apiVersion": "a", "apiServer": {"certSANs": ["localhost", "127.0.0.1"]}}),
                value!({"apiServer": {"certSANs": ["localhost", "lab"], "x": 1}}),
            ),
            value!({"apiVersion": "a", "apiServer": {"certSANs": ["localhost", "127.0.0.1", "lab"], "x": 1}}),
        );
    }

    #[test]
    fn arguments_of_v1beta4_merge_by_name() {
        let document = value!({
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "apiServer": {"extraArgs": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]},
        });
        let wanted = value!({
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "apiServer": {"extraArgs": [{"name": "a", "value": "9"}, {"name": "c", "value": "3"}]},
        });
        let untyped = value!({"apiServer": {"extraArgs": {"a": "9", "b": null, "c": "3"}}});
        assert_eq!(merged(document.clone(), untyped), wanted);
        let list = value!({"apiVersion": "kubeadm.k8s.io/v1beta4", "apiServer": {"extraArgs": [
            {"name": "a", "value": "9"}, {"name": "b", "value": null}, {"name": "c", "value": "3"},
        ]}});
        assert_eq!(merged(document.clone(), list), wanted);
        let typed_map = value!({"apiVersion": "kubeadm.k8s.io/v1beta4", "apiServer": {"extraArgs": {"a": "9"}}});
        assert_eq!(merged(document.clone(), typed_map), document);
        let absent = value!({"etcd": {"local": {"extraArgs": {"a": "9"}}}});
        assert_eq!(
            merged(document, absent)["etcd"],
            value!({"local": {"extraArgs": [{"name": "a", "value": "9"}]}}),
        );
    }

    #[test]
    fn json_patches_apply_in_order_or_not_at_all() {
        let mut document = value!({"list": [1, 2], "map": {"a/b": 1}});
        let all = operations(
            "- {op: add, path: /list/-, value: 3}\n- {op: remove, path: /list/0}\n\
             - {op: replace, path: /map/a~1b, value: 7}\n- {op: copy, from: /list/-1, path: /last}\n\
             - {op: move, from: /last, path: /list/0}\n- {op: test, path: /list/-3, value: 3}\n\
             - {op: add, path: /list/-1, value: 4}",
        )
        .unwrap();
        apply(&mut document, &all).unwrap();
        assert_eq!(document, value!({"list": [3, 2, 3, 4], "map": {"a/b": 7}}));
        for (patch, line, what) in [
            (
                "\n- {op: remove, path: /none}",
                2,
                "There is nothing at `/none` that could be changed.",
            ),
            (
                "- {op: test, path: /list/0, value: 1}",
                1,
                "The test of `/list/0` does not hold.",
            ),
        ] {
            let mistake = apply(&mut document, &operations(patch).unwrap()).unwrap_err();
            assert_eq!((mistake.at.line, mistake.what.as_str()), (line, what));
        }
        assert!(operations("- {op: remove}").is_err());
        assert!(operations("- {op: set, path: /a}").is_err());
        assert_eq!(operations("[]").unwrap(), []);
    }

    #[test]
    fn a_patch_is_taken_apart_as_kind_does_it() {
        let lines = |text: &str| -> Vec<usize> {
            trees(text)
                .unwrap()
                .iter()
                .map(|node| node.at.line)
                .collect()
        };
        assert_eq!(
            lines("kind: A\n--- x\nkind: B\n---\n# no\n---\nkind: C"),
            [1, 3, 7]
        );
        assert_eq!(lines("---\nkind: A\n---"), [2]);
        assert!(trees("kind: A\n--- x").is_err());
        assert_eq!(
            documents("kind: A\nc: 0200\nb: off").unwrap(),
            [value!({"kind": "A", "c": 128, "b": false})]
        );
    }
}
