//! The patches of `kind.yaml` for kubeadm and containerd: texts in a text, whose mistakes kind
//! would tell late or, where a patch fits no document, never. All of them are carried out here on
//! what kind would write for the node image's version.

use super::super::containerd;
use super::super::kind::Cluster;
use super::super::kubeadm::{self, Facts, Patched, Unused, gates, patch};
use super::super::mistake::{Mistake, did_you_mean, listed};
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
/// What a patch is tried with where the image's tag names no version: one for each kubeadm API that
/// kind writes.
const TRIED: [(u32, u32); 2] = [(1, 35), (1, 37)];
/// What containerd's file holds in the node images that kind publishes, as far as patches care.
const CONTAINERD: &str = include_str!("../kubeadm/containerd.toml");

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
        let documents = patch::trees(text).map_err(|mistake| within(kind, &path, mistake))?;
        for document in &documents {
            let name = document.get("kind").and_then(yaml::Node::text);
            let at = inside(kind, &path, document.place("kind"));
            known_document(kind, at, name.unwrap_or_default())?;
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
        let path = format!("{path}.patch");
        let text = kind.root.find(&path).and_then(yaml::Node::text);
        patch::operations(text.unwrap_or_default())
            .map_err(|mistake| within(kind, &path, mistake))?;
    }
    Ok(())
}

/// All patches for kubeadm, carried out, and what comes of them.
pub(super) fn carried_out(kind: &Source, cluster: &Cluster) -> Result<(), Fault> {
    let mut made: Vec<Patched> = Vec::new();
    for (index, node) in cluster.nodes.iter().enumerate() {
        let version = kubeadm::tagged(&node.image);
        if let Some(old) = version.filter(|version| *version < kubeadm::OLDEST) {
            return kind
                .at(&format!("nodes[{index}].image"), kubeadm::too_old(old))
                .done();
        }
        let versions = version.map_or(TRIED.to_vec(), |version| vec![version]);
        let mut tried = versions
            .iter()
            .map(|version| kubeadm::patched(cluster, &facts(index), *version));
        let first = tried
            .find(Result::is_ok)
            .unwrap_or_else(|| kubeadm::patched(cluster, &facts(index), versions[0]));
        let patched = first.map_err(|unfit| within(kind, &unfit.path, unfit.mistake))?;
        if let Some(version) = version {
            let wrong = gates::wrong(&patched.documents, version);
            if let Some(gate) = wrong.into_iter().next() {
                return kind
                    .here(mentioned(kind, cluster, &gate.name), gate.what())
                    .why(gate.why())
                    .hint(did_you_mean(
                        &gate.name,
                        gates::names().filter(|name| *name != gate.name),
                    ))
                    .done();
            }
            made.push(patched);
        }
    }
    match made.iter().flat_map(|one| &one.unused).find(|unused| {
        let path = &unused.path;
        // One for each of kubeadm's APIs is how one file fits two versions.
        let is_used = |one: &Patched| one.unused.iter().all(|other| other.path != *path);
        !made.iter().any(is_used) && !has_sibling(cluster, unused, &made)
    }) {
        Some(unused) => useless(kind, cluster, unused),
        None => Ok(()),
    }
}

/// Placeholders: only the version decides what fits.
fn facts(index: usize) -> Facts {
    let unknown = || patch::UNKNOWN.to_owned();
    Facts {
        cluster: unknown(),
        node: unknown(),
        index,
        control_plane: unknown(),
        address: unknown(),
        version: unknown(),
        rootless: false,
        cgroup: 2,
    }
}

/// Whether another patch of the same kind names another API, and fits.
fn has_sibling(cluster: &Cluster, unused: &Unused, made: &[Patched]) -> bool {
    let nodes = cluster.nodes.iter();
    let merges = cluster
        .kubeadm_config_patches
        .iter()
        .chain(nodes.clone().flat_map(|node| &node.kubeadm_config_patches));
    let merges = merges
        .flat_map(|text| patch::trees(text).unwrap_or_default())
        .filter_map(|tree| super::super::json::json(&tree).ok())
        .map(|value| patch::Target::of_merge(&value));
    let changes = cluster
        .kubeadm_config_patches_json6902
        .iter()
        .chain(nodes.flat_map(|node| &node.kubeadm_config_patches_json6902));
    let mut targets = merges.chain(changes.map(patch::Target::of_change));
    targets.any(|target| {
        target.kind == unused.target.kind
            && !target.api.is_empty()
            && target.api != unused.target.api
            && made
                .iter()
                .flat_map(|one| &one.documents)
                .any(|document| target.is(document))
    })
}

/// A patch that fits no document of any node.
fn useless(kind: &Source, cluster: &Cluster, unused: &Unused) -> Result<(), Fault> {
    let at = inside(kind, &unused.path, At { line: 1, column: 1 });
    let target = &unused.target;
    let wrong = kind.here(
        at,
        format!("The patch fits no document: there is no {target}."),
    );
    let version = cluster
        .nodes
        .iter()
        .find_map(|node| kubeadm::tagged(&node.image));
    match version {
        Some((major, minor)) if target.api.starts_with("kubeadm.k8s.io/") => {
            let writes = if (major, minor) >= kubeadm::LISTS {
                "v1beta4"
            } else {
                "v1beta3"
            };
            wrong
                .why(format!(
                    "for Kubernetes {major}.{minor}, kind writes kubeadm.k8s.io/{writes}"
                ))
                .hint("Leave the API version out: then the patch fits every one.")
                .done()
        }
        _ => wrong.why("kind would leave it out without a word").done(),
    }
}

/// Where a word stands in `kind.yaml`: as a key, or in the text of a patch.
fn mentioned(kind: &Source, cluster: &Cluster, word: &str) -> At {
    if let Some((key, _)) = kind
        .root
        .get("featureGates")
        .and_then(|gates| gates.entry(word))
    {
        return key.at;
    }
    let own = (0..cluster.nodes.len()).map(|index| format!("nodes[{index}]."));
    for below in std::iter::once(String::new()).chain(own) {
        for (list, text) in [
            ("kubeadmConfigPatches", ""),
            ("kubeadmConfigPatchesJSON6902", ".patch"),
        ] {
            let list = format!("{below}{list}");
            let count = kind.root.find(&list).map_or(0, |node| node.items().len());
            for index in 0..count {
                let path = format!("{list}[{index}]{text}");
                let text = kind.root.find(&path).and_then(yaml::Node::text);
                let found = text.unwrap_or_default().lines().enumerate();
                let mut found = found.filter_map(|(line, text)| Some((line, text.find(word)?)));
                if let Some((line, column)) = found.next() {
                    let at = At {
                        line: line + 1,
                        column: column + 1,
                    };
                    return inside(kind, &path, at);
                }
            }
        }
    }
    kind.root.at
}

/// containerd's patches: TOML, and JSON-6902 patches of it. What they do to the file of kind's own
/// node images is known; that of another image is patched before its node starts.
pub(super) fn containerd(kind: &Source, cluster: &Cluster) -> Result<(), Fault> {
    let merges = &cluster.containerd_config_patches;
    let changes = &cluster.containerd_config_patches_json6902;
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
        if let Err(why) = containerd::read(text) {
            return kind
                .at(&path, "kind cannot read the patch.")
                .why(why)
                .hint("kind reads TOML 1.0, not what later versions allow.")
                .done();
        }
    }
    for (index, text) in changes.iter().enumerate() {
        let path = format!("containerdConfigPatchesJSON6902[{index}]");
        patch::json_operations(text).map_err(|mistake| within(kind, &path, mistake))?;
    }
    let is_known = |image: &str| {
        let name = image.split([':', '@']).next().unwrap_or_default();
        ["kindest/node", "docker.io/kindest/node"].contains(&name)
    };
    if !cluster.nodes.iter().all(|node| is_known(&node.image)) {
        return Ok(());
    }
    match containerd::patched(CONTAINERD, merges, changes) {
        Ok(_) => Ok(()),
        Err(unfit) => kind
            .at(
                unfit.path.as_deref().unwrap_or_default(),
                "The patch does not fit containerd's configuration.",
            )
            .why(unfit.why)
            .done(),
    }
}

fn known_document(kind: &Source, at: At, name: &str) -> Result<(), Fault> {
    if PATCHED.contains(&name) {
        return Ok(());
    }
    if name.is_empty() {
        return kind
            .here(at, "The patch has no `kind`, so it fits no document.")
            .why(format!("kind writes {}", listed(PATCHED)))
            .done();
    }
    kind.here(
        at,
        format!("The patch fits no document: there is no `{name}`."),
    )
    .why(format!("kind writes {}", listed(PATCHED)))
    .hint(did_you_mean(name, PATCHED))
    .done()
}

/// A mistake in a text, at its place in the file.
fn within(kind: &Source, path: &str, mistake: Mistake) -> Fault {
    kind.here(inside(kind, path, mistake.at), mistake.what)
        .why(mistake.why)
        .hint(mistake.hint)
        .fault()
}

/// A place inside of a text, as a place of the file. Exact for a literal text (`|`).
fn inside(kind: &Source, path: &str, at: At) -> At {
    kind.root
        .find(path)
        .map_or(kind.root.at, |node| node.inside(at))
}
