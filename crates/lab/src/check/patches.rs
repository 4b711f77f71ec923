//! The patches of `kind.yaml` for kubeadm and containerd: texts in a text, whose mistakes kind
//! would tell late or, where a patch fits no document, never.

use super::super::mistake::{did_you_mean, listed};
use super::super::wrong::one_of;
use super::super::yaml::{self, At};
use super::Source;
use flinklab_base::fault::Fault;

/// The documents that kind writes and patches apply to.
const PATCHED: [&str; 5] = [
    "ClusterConfiguration",
    "InitConfiguration",
    "JoinConfiguration",
    "KubeletConfiguration",
    "KubeProxyConfiguration",
];
const OPERATIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];

fn below(path: &str, rest: String) -> String {
    if path.is_empty() {
        rest
    } else {
        format!("{path}.{rest}")
    }
}

/// Merge patches. One that fits no document is ignored by kind without a word: here it is told.
pub(super) fn merge(kind: &Source, path: &str, texts: &[String]) -> Result<(), Fault> {
    for (index, text) in texts.iter().enumerate() {
        let path = below(path, format!("kubeadmConfigPatches[{index}]"));
        let documents = match yaml::read(text) {
            Ok(documents) => documents,
            Err(mistake) => {
                let at = inside(kind, &path, mistake.at);
                return kind
                    .here(at, mistake.what)
                    .why(mistake.why)
                    .mend(mistake.mend)
                    .done();
            }
        };
        for document in &documents {
            match document.get("kind").and_then(yaml::Node::text) {
                Some(name) => {
                    known_document(kind, inside(kind, &path, document.place("kind")), name)?
                }
                None => {
                    return kind
                        .here(
                            inside(kind, &path, document.at),
                            "The patch has no `kind`, so it fits no document.",
                        )
                        .why(format!("kind writes {}", listed(PATCHED)))
                        .done();
                }
            }
        }
    }
    Ok(())
}

/// JSON-6902 patches, as many as were read.
pub(super) fn json(kind: &Source, path: &str, count: usize) -> Result<(), Fault> {
    for index in 0..count {
        let path = below(path, format!("kubeadmConfigPatchesJSON6902[{index}]"));
        let Some(node) = kind.root.find(&path) else {
            continue;
        };
        let name = node
            .get("kind")
            .and_then(yaml::Node::text)
            .unwrap_or_default();
        known_document(kind, node.place("kind"), name)?;
        operations(kind, &format!("{path}.patch"))?;
    }
    Ok(())
}

/// The operations of the JSON-6902 patch that is the text at this path.
fn operations(kind: &Source, path: &str) -> Result<(), Fault> {
    let text = kind.root.find(path).and_then(yaml::Node::text);
    let documents = match yaml::read(text.unwrap_or_default()) {
        Ok(documents) => documents,
        Err(mistake) => {
            return kind
                .here(inside(kind, path, mistake.at), mistake.what)
                .done();
        }
    };
    let operations = documents.first().map_or(&[][..], yaml::Node::items);
    if operations.is_empty() {
        return kind
            .at(path, "A JSON-6902 patch is a list of operations.")
            .done();
    }
    for operation in operations {
        let name = operation
            .get("op")
            .and_then(yaml::Node::text)
            .unwrap_or_default();
        if !OPERATIONS.contains(&name) {
            return kind
                .here(
                    inside(kind, path, operation.place("op")),
                    format!("`op` cannot be `{name}`."),
                )
                .why(format!("it may be {}", one_of(&OPERATIONS)))
                .done();
        }
    }
    Ok(())
}

/// containerd's patches: TOML, and JSON-6902 patches of it.
pub(super) fn containerd(
    kind: &Source,
    merges: &[String],
    changes: &[String],
) -> Result<(), Fault> {
    for (index, text) in merges.iter().enumerate() {
        let path = format!("containerdConfigPatches[{index}]");
        if let Err(error) = toml::from_str::<toml::Table>(text) {
            let before = error.span().and_then(|span| text.get(..span.start));
            let at = At {
                line: before.map_or(1, |before| before.matches('\n').count() + 1),
                column: before.map_or(1, |before| {
                    before
                        .rsplit('\n')
                        .next()
                        .unwrap_or_default()
                        .chars()
                        .count()
                        + 1
                }),
            };
            return kind
                .here(inside(kind, &path, at), "The patch is not TOML.")
                .why(error.message())
                .done();
        }
    }
    for index in 0..changes.len() {
        operations(kind, &format!("containerdConfigPatchesJSON6902[{index}]"))?;
    }
    Ok(())
}

fn known_document(kind: &Source, at: At, name: &str) -> Result<(), Fault> {
    if PATCHED.contains(&name) {
        return Ok(());
    }
    kind.here(
        at,
        format!("The patch fits no document: there is no `{name}`."),
    )
    .why(format!("kind writes {}", listed(PATCHED)))
    .mend(did_you_mean(name, PATCHED))
    .done()
}

/// A place inside of a text, as a place of the file. Exact for a literal text (`|`).
fn inside(kind: &Source, path: &str, at: At) -> At {
    kind.root
        .find(path)
        .map_or(kind.root.at, |node| node.inside(at))
}
