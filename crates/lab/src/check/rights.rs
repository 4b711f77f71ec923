//! What the pods' account may do with config maps, as far as the lab's own Roles and bindings say:
//! Flink's high availability reads and writes them. A ClusterRole that no manifest makes and
//! Kubernetes does not bring is left alone.

use super::pods::{Pods, has_operator};
use super::{Object, Whole};
use crate::manifest::Document;
use crate::mistake::listed;
use crate::yaml::Node;
use flinklab_base::fault::Fault;

/// What every JobManager does with the config maps of its namespace from its start on.
pub(super) const JOBMANAGER: [&str; 5] = ["get", "list", "watch", "create", "update"];
/// What a TaskManager does to find its leader.
pub(super) const TASKMANAGER: [&str; 3] = ["get", "list", "watch"];
/// ClusterRoles that every cluster has, which let config maps of a namespace be written.
const WRITERS: [&str; 3] = ["cluster-admin", "admin", "edit"];
/// The one that lets them be read.
const READER: &str = "view";
const READS: [&str; 3] = ["get", "list", "watch"];

/// The account of these pods may do all that they need. Where an operator is at work, it may give
/// rights that no manifest shows.
pub(super) fn check(whole: &Whole<'_>, pods: &Pods<'_>, needed: &[&str]) -> Result<(), Fault> {
    if has_operator(whole) {
        return Ok(());
    }
    let document = pods.object.document;
    let namespace = document.namespace.as_deref().unwrap_or("default");
    let account = pods.spec.get("serviceAccountName");
    let name = account.and_then(Node::text).unwrap_or("default");
    let bound: Vec<Bound<'_>> = whole
        .objects
        .iter()
        .filter(|object| binds(object, namespace, name))
        .map(|binding| bound(whole, binding))
        .collect();
    let is_given = |verb: &str| bound.iter().any(|bound| bound.gives(verb));
    let missing: Vec<&str> = needed
        .iter()
        .copied()
        .filter(|verb| !is_given(verb))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let what = format!(
        "The account `{name}` of the {} `{}` may not {} config maps.",
        document.kind,
        document.name,
        listed(missing.iter().copied())
    );
    let why = "Flink's high availability keeps lock, leader and pointers in them";
    let rule = bound.iter().find_map(|bound| match bound {
        Bound::Rules(object, rules) => Some((*object, *rules)),
        Bound::Known(_) | Bound::Unknown => None,
    });
    match rule {
        Some((role, at)) => role.source.here(at.at, what).why(why).hint(format!(
            "The {} `{}` needs the verbs {} for `configmaps`.",
            role.document.kind,
            role.document.name,
            listed(needed.iter().copied())
        )),
        None => {
            let at = account.map_or(pods.spec.at, |account| account.at);
            pods.object.source.here(at, what).why(why).hint(format!(
                "Bind it to a Role of this namespace with the verbs {} for `configmaps`.",
                listed(needed.iter().copied())
            ))
        }
    }
    .done()
}

/// What a binding gives.
enum Bound<'a> {
    /// The rules of a role of the lab's own.
    Rules(&'a Object<'a>, &'a Node),
    /// Verbs of a ClusterRole that every cluster has.
    Known(&'static [&'static str]),
    /// Anything, for all that the files say.
    Unknown,
}

impl Bound<'_> {
    fn gives(&self, verb: &str) -> bool {
        match self {
            Self::Rules(_, rules) => rules.items().iter().any(|rule| lets(rule, verb)),
            Self::Known(verbs) => verbs.contains(&verb),
            Self::Unknown => true,
        }
    }
}

/// Whether it is a binding of this account, for this namespace.
fn binds(object: &Object<'_>, namespace: &str, account: &str) -> bool {
    let document = object.document;
    let here = match document.kind.as_str() {
        "RoleBinding" => document.namespace.as_deref().unwrap_or("default") == namespace,
        kind => kind == "ClusterRoleBinding",
    };
    let subjects = object.node.get("subjects").map_or(&[][..], Node::items);
    here && subjects.iter().any(|subject| {
        let text = |key: &str| subject.get(key).and_then(Node::text);
        let name = text("name").unwrap_or_default();
        match text("kind") {
            Some("ServiceAccount") => {
                name == account && text("namespace").is_none_or(|of| of == namespace)
            }
            Some("Group") => {
                ["system:serviceaccounts", "system:authenticated"].contains(&name)
                    || name == format!("system:serviceaccounts:{namespace}")
            }
            _ => name == format!("system:serviceaccount:{namespace}:{account}"),
        }
    })
}

/// What the role of a binding gives.
fn bound<'a>(whole: &'a Whole<'a>, binding: &'a Object<'a>) -> Bound<'a> {
    let text = |key: &str| binding.node.find(key).and_then(Node::text);
    let kind = text("roleRef.kind").unwrap_or_default();
    let name = text("roleRef.name").unwrap_or_default();
    let of = |document: &'a Document| document.namespace.as_deref().unwrap_or("default");
    let role = whole.objects.iter().find(|object| {
        let document = object.document;
        document.kind == kind
            && document.name == name
            && (kind == "ClusterRole" || of(document) == of(binding.document))
    });
    match role {
        // Its rules are put together from others.
        Some(role) if role.node.get("aggregationRule").is_some() => Bound::Unknown,
        Some(role) => match role.node.get("rules") {
            Some(rules) => Bound::Rules(role, rules),
            None => Bound::Known(&[]),
        },
        None if kind == "Role" => Bound::Known(&[]),
        None if WRITERS.contains(&name) => Bound::Known(&JOBMANAGER),
        None if name == READER => Bound::Known(&READS),
        None => Bound::Unknown,
    }
}

/// Whether a rule lets config maps be treated so. One that names some of them is believed.
fn lets(rule: &Node, verb: &str) -> bool {
    let has = |list: &str, word: &str| {
        let words = rule.get(list).map_or(&[][..], Node::items);
        words
            .iter()
            .filter_map(Node::text)
            .any(|found| found == word || found == "*")
    };
    has("apiGroups", "") && has("resources", "configmaps") && has("verbs", verb)
}
