//! Kubernetes' feature gates by version, from a table in the repository: a component that is given a
//! gate it does not know does not start, and says so in a log that nobody sees.

use serde_json::Value;
use std::collections::BTreeMap;

/// `Name`, then what it is from which minor version on: `1.32 alpha`, `1.35 beta on`, `1.37 gone`.
/// Made by `docs/feature-gates.sh`.
const TABLE: &str = include_str!("gates.tsv");
/// The minor versions that the table tells apart; older and newer ones are not judged.
pub(crate) const KNOWN: std::ops::RangeInclusive<u32> = 31..=37;
/// Gates that switch whole stages.
const STAGES: [&str; 2] = ["AllAlpha", "AllBeta"];

/// The longest wait of the kubelet between two starts of a container.
const LONGEST_WAIT: &str = "/crashLoopBackOff/maxContainerRestartPeriod";
/// The gate that this setting needs.
const WAIT_GATE: &str = "KubeletCrashLoopBackOffMax";

/// What a gate is in some version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    NotYet,
    Alpha,
    /// On without being asked for, or not.
    Beta(bool),
    Stable,
    /// Stable, and nothing switches it off.
    Locked,
    Deprecated,
    Gone,
}

/// A gate that cannot be set as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) name: String,
    what: String,
    why: String,
}

impl Wrong {
    pub(crate) fn what(&self) -> String {
        self.what.clone()
    }

    pub(crate) fn why(&self) -> String {
        self.why.clone()
    }
}

/// Gates that no component of this Kubernetes takes as they are set in its documents.
pub(crate) fn wrong(documents: &[Value], (_, minor): (u32, u32)) -> Vec<Wrong> {
    if !KNOWN.contains(&minor) {
        return Vec::new();
    }
    let mut found: Vec<Wrong> = set(documents)
        .into_iter()
        .filter(|(name, _)| !STAGES.contains(&name.as_str()))
        .filter_map(|(name, on)| refused(&name, on, minor))
        .collect();
    for document in documents.iter().filter(|one| waits(one)) {
        let what = match document["featureGates"][WAIT_GATE].as_bool() {
            _ if stage(WAIT_GATE, minor) == Stage::NotYet => {
                format!("Kubernetes 1.{minor} has no `crashLoopBackOff.maxContainerRestartPeriod`.")
            }
            Some(false) => format!(
                "`crashLoopBackOff.maxContainerRestartPeriod` needs the feature gate `{WAIT_GATE}`."
            ),
            _ => continue,
        };
        found.push(Wrong {
            name: "maxContainerRestartPeriod".to_owned(),
            what,
            why: history(WAIT_GATE),
        });
    }
    found
}

/// Whether a kubelet's document sets its longest wait.
fn waits(document: &Value) -> bool {
    document["kind"] == "KubeletConfiguration"
        && document
            .pointer(LONGEST_WAIT)
            .is_some_and(|wait| !wait.is_null())
}

/// Sets the gate of the kubelet's longest wait where this Kubernetes needs it and `kind.yaml` does
/// not say: without it, the kubelet would not start.
pub(super) fn fit(documents: &mut [Value], (_, minor): (u32, u32)) {
    if !matches!(stage(WAIT_GATE, minor), Stage::Alpha | Stage::Beta(false)) {
        return;
    }
    for document in documents.iter_mut().filter(|one| waits(one)) {
        let gates = &mut document["featureGates"];
        if gates.is_null() {
            *gates = Value::Object(serde_json::Map::new());
        }
        if let Some(gates) = gates.as_object_mut() {
            gates.entry(WAIT_GATE).or_insert(Value::Bool(true));
        }
    }
}

/// Every gate that the documents set.
fn set(documents: &[Value]) -> BTreeMap<String, bool> {
    const ARGUMENTS: [&str; 4] = [
        "/apiServer/extraArgs",
        "/controllerManager/extraArgs",
        "/scheduler/extraArgs",
        "/nodeRegistration/kubeletExtraArgs",
    ];
    let mut found = BTreeMap::new();
    for document in documents {
        for pointer in ARGUMENTS {
            let all = document.pointer(pointer);
            let listed = all.and_then(Value::as_array).into_iter().flatten();
            let listed = listed.filter(|one| one["name"] == "feature-gates");
            let texts = listed
                .map(|one| &one["value"])
                .chain(all.and_then(|all| all.get("feature-gates")));
            let words = texts
                .filter_map(Value::as_str)
                .flat_map(|text| text.split(','));
            found.extend(words.filter_map(|word| {
                let (name, on) = word.trim().split_once('=')?;
                Some((name.to_owned(), on.parse().ok()?))
            }));
        }
        // In ClusterConfiguration, they are kubeadm's own.
        if document["kind"] != "ClusterConfiguration" {
            let gates = document["featureGates"].as_object().into_iter().flatten();
            found.extend(gates.filter_map(|(name, on)| Some((name.clone(), on.as_bool()?))));
        }
    }
    found
}

fn refused(name: &str, on: bool, minor: u32) -> Option<Wrong> {
    let what = match stage(name, minor) {
        Stage::NotYet if stages(name).is_none() => {
            format!("Kubernetes 1.{minor} has no feature gate `{name}`.")
        }
        Stage::NotYet => {
            format!("Kubernetes 1.{minor} does not have the feature gate `{name}` yet.")
        }
        Stage::Gone => format!("Kubernetes 1.{minor} has no feature gate `{name}` any more."),
        Stage::Locked if !on => {
            format!("In Kubernetes 1.{minor}, nothing switches the feature gate `{name}` off.")
        }
        _ => return None,
    };
    Some(Wrong {
        name: name.to_owned(),
        what,
        why: history(name),
    })
}

/// The lines of the table for a gate: the minor version and what the gate is from there on.
fn stages(name: &str) -> Option<Vec<(u32, Stage, &'static str)>> {
    let line = TABLE
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'))?;
    let parsed = line.split(", ").filter_map(|part| {
        let (version, word) = part.split_once(' ')?;
        let minor = version.strip_prefix("1.")?.parse().ok()?;
        let stage = match word {
            "alpha" => Stage::Alpha,
            "beta" => Stage::Beta(false),
            "beta on" => Stage::Beta(true),
            "stable" => Stage::Stable,
            "stable for good" => Stage::Locked,
            "deprecated" => Stage::Deprecated,
            _ => Stage::Gone,
        };
        Some((minor, stage, word))
    });
    Some(parsed.collect())
}

fn stage(name: &str, minor: u32) -> Stage {
    let all = stages(name).unwrap_or_default();
    let mut before = all.iter().rev().filter(|(from, ..)| *from <= minor);
    before.next().map_or(Stage::NotYet, |(_, stage, _)| *stage)
}

/// What a gate was, in words.
fn history(name: &str) -> String {
    match stages(name) {
        None => format!("none from 1.{} to 1.{} has it", KNOWN.start(), KNOWN.end()),
        Some(all) => {
            let words: Vec<String> = all
                .iter()
                .map(|(minor, _, word)| match *word {
                    "gone" => format!("gone in 1.{minor}"),
                    word => format!("{word} from 1.{minor} on"),
                })
                .collect();
            format!("it is {}", words.join(", "))
        }
    }
}

/// Every gate of the table, for what is mistyped.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.split_once('\t')?.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(documents: &[Value], minor: u32) -> Vec<String> {
        wrong(documents, (1, minor))
            .into_iter()
            .map(|wrong| format!("{} ({})", wrong.what, wrong.why))
            .collect()
    }

    fn kubelet(gates: Value, waits: bool) -> Value {
        let mut document = json!({"kind": "KubeletConfiguration", "featureGates": gates});
        if waits {
            document["crashLoopBackOff"] = json!({"maxContainerRestartPeriod": "1s"});
        }
        document
    }

    #[test]
    fn the_table_is_sound() {
        assert!(names().count() > 200);
        for name in names() {
            let all = stages(name).expect("a line");
            assert!(!all.is_empty(), "{name}");
            assert!(all.is_sorted_by(|a, b| a.0 < b.0), "{name}");
        }
    }

    #[test]
    fn the_longest_wait_has_its_gate_where_it_needs_one() {
        let gate = json!({WAIT_GATE: true});
        for (minor, given, wanted) in [
            (34, json!(null), gate.clone()),
            (34, gate.clone(), gate.clone()),
            (34, json!({"A": true}), json!({"A": true, WAIT_GATE: true})),
            (35, gate.clone(), gate.clone()),
            (37, json!(null), json!(null)),
            (34, json!({WAIT_GATE: false}), json!({WAIT_GATE: false})),
        ] {
            let mut documents = [kubelet(given.clone(), true)];
            fit(&mut documents, (1, minor));
            assert_eq!(documents[0]["featureGates"], wanted, "1.{minor} {given}");
        }
        let mut other = [kubelet(json!(null), false)];
        fit(&mut other, (1, 34));
        assert_eq!(other[0]["featureGates"], json!(null), "nothing needs it");
        assert_eq!(
            told(&[kubelet(json!({WAIT_GATE: false}), true)], 34).len(),
            1
        );
        assert_eq!(told(&[kubelet(json!(null), true)], 31).len(), 1);
        assert_eq!(told(&[kubelet(json!(null), true)], 37), [""; 0]);
    }

    #[test]
    fn a_gate_that_this_kubernetes_does_not_take_is_told() {
        let cluster = json!({
            "kind": "ClusterConfiguration",
            "featureGates": {"NodeLocalCRISocket": true},
            "apiServer": {"extraArgs": [{"name": "feature-gates", "value": "NoSuchGate=true"}]},
            "scheduler": {"extraArgs": {"feature-gates": "AllAlpha=true,KubeletCrashLoopBackOffMax=true"}},
        });
        assert_eq!(
            told(&[cluster], 31),
            [
                "Kubernetes 1.31 does not have the feature gate `KubeletCrashLoopBackOffMax` yet. \
                 (it is alpha from 1.32 on, beta on from 1.35 on)",
                "Kubernetes 1.31 has no feature gate `NoSuchGate`. (none from 1.31 to 1.37 has it)",
            ]
        );
        assert_eq!(
            told(&[kubelet(json!({"NoSuchGate": true}), false)], 99),
            [""; 0]
        );
    }
}
