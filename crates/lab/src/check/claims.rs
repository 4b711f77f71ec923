//! Claims on volumes: which volume a claim will get, as far as the manifests say it, and whether
//! that is the shared folder. What a storage class makes by itself is another folder, which the
//! program does not see.

use super::pods::Pods;
use super::{Object, Source, Whole};
use crate::mistake::did_you_mean;
use crate::yaml::{At, Node};
use flinklab_base::fault::Fault;

/// The storage class of a claim that names none, as kind sets it up.
const USUAL_CLASS: &str = "standard";

/// The claim that a StatefulSet makes for each of its pods under that name.
pub(super) fn template<'a>(pods: &Pods<'a>, name: &str) -> Option<&'a Node> {
    let templates = pods.object.node.find("spec.volumeClaimTemplates")?;
    let mut templates = templates.items().iter();
    templates.find(|one| one.find("metadata.name").and_then(Node::text) == Some(name))
}

/// A claim that is given a folder of its own where the shared folder is wanted.
pub(super) fn own_folder<T>(source: &Source, at: At, name: &str) -> Result<T, Fault> {
    source
        .here(at, format!("The claim `{name}` gets a folder of its own, not the shared folder."))
        .why("checkpoints and HA files are looked at from outside, in the shared folder")
        .hint("Bind it to a PersistentVolume of the shared folder: `volumeName`, and `storageClassName` as the volume has it.")
        .done()
}

/// The path of the volume behind a claim; none if the volume that it names has no path.
pub(super) fn behind<'a>(
    whole: &'a Whole<'a>,
    pods: &Pods<'_>,
    claim: &Node,
) -> Result<Option<(&'a Source, &'a Node)>, Fault> {
    let name = claim.text().unwrap_or_default();
    let Some(found) = of_kind(whole, "PersistentVolumeClaim").find(|o| o.document.name == name)
    else {
        let names = of_kind(whole, "PersistentVolumeClaim").map(|o| o.document.name.as_str());
        return pods
            .object
            .source
            .here(
                claim.at,
                format!("No manifest makes the PersistentVolumeClaim `{name}`."),
            )
            .hint(did_you_mean(name, names))
            .done();
    };
    let volume = match found.node.find("spec.volumeName") {
        Some(volume) => named(whole, found, volume)?,
        None => match of_kind(whole, "PersistentVolume").find(|volume| fits(found, volume)) {
            Some(volume) => volume,
            None => return own_folder(found.source, found.node.place("spec"), name),
        },
    };
    let path = volume.node.find("spec.hostPath.path");
    let path = path.or_else(|| volume.node.find("spec.local.path"));
    Ok(path.map(|path| (volume.source, path)))
}

fn of_kind<'a>(whole: &'a Whole<'a>, kind: &'static str) -> impl Iterator<Item = &'a Object<'a>> {
    let all = whole.objects.iter();
    all.filter(move |object| object.document.kind == kind)
}

/// The volume that a claim names.
fn named<'a>(
    whole: &'a Whole<'a>,
    claim: &Object<'_>,
    volume: &Node,
) -> Result<&'a Object<'a>, Fault> {
    let name = volume.text().unwrap_or_default();
    let mut all = of_kind(whole, "PersistentVolume");
    if let Some(found) = all.find(|object| object.document.name == name) {
        return Ok(found);
    }
    let names = of_kind(whole, "PersistentVolume").map(|o| o.document.name.as_str());
    claim
        .source
        .here(
            volume.at,
            format!("No manifest makes the PersistentVolume `{name}`."),
        )
        .hint(did_you_mean(name, names))
        .done()
}

/// Whether Kubernetes may bind a claim that names no volume to this one: the same class, all modes
/// that are asked for, and meant for nobody else.
fn fits(claim: &Object<'_>, volume: &Object<'_>) -> bool {
    let text = |object: &Object<'_>, path: &str| {
        let node = object.node.find(path);
        node.and_then(Node::text).map(str::to_owned)
    };
    let class = text(claim, "spec.storageClassName");
    let class = class.unwrap_or_else(|| USUAL_CLASS.to_owned());
    let modes = |object: &Object<'_>| -> Vec<String> {
        let modes = object.node.find("spec.accessModes");
        let modes = modes.map_or(&[][..], Node::items).iter();
        modes.filter_map(Node::text).map(str::to_owned).collect()
    };
    let offered = modes(volume);
    let owner = text(volume, "spec.claimRef.name");
    class == text(volume, "spec.storageClassName").unwrap_or_default()
        && modes(claim).iter().all(|mode| offered.contains(mode))
        && owner.is_none_or(|owner| owner == claim.document.name)
}
