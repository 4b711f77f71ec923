//! Which images the kubelet would ask a registry for although they are in the node: those whose
//! policy says so, and those called `latest` without one.

use super::pods;
use super::{Object, Whole};
use crate::yaml::Node;
use flinklab_base::fault::Fault;

const POLICY: &str = "imagePullPolicy";
const WHY: &str = "the kubelet asks a registry for it each time, and what `up` brings into the nodes is not enough";

/// All containers of all pods that run one of the lab's images.
pub(super) fn check(whole: &Whole<'_>) -> Result<(), Fault> {
    for object in whole.objects {
        let Some(spec) = pods::template(object).and_then(|template| template.get("spec")) else {
            continue;
        };
        for list in ["initContainers", "containers"] {
            for container in spec.get(list).map_or(&[][..], Node::items) {
                let Some(image) = container.get("image") else {
                    continue;
                };
                let name = image.text().unwrap_or_default();
                let usual = if is_latest(name) {
                    "Always"
                } else {
                    "IfNotPresent"
                };
                policy(whole, object, image, container.get(POLICY), usual)?;
            }
        }
    }
    Ok(())
}

/// The same for one image with its policy, and what counts where it has none.
pub(super) fn policy(
    whole: &Whole<'_>,
    object: &Object<'_>,
    image: &Node,
    policy: Option<&Node>,
    usual: &str,
) -> Result<(), Fault> {
    let name = image.text().unwrap_or_default();
    if !whole.definition.images.iter().any(|known| known == name) {
        return Ok(());
    }
    let says = policy.and_then(Node::text);
    if says.unwrap_or(usual) != "Always" {
        return Ok(());
    }
    let at = policy.map_or(image.at, |policy| policy.at);
    let what = match says {
        Some(_) => format!("`Always` has the image `{name}` pulled anew."),
        None => format!("The image `{name}` has no pull policy, which means `Always` here."),
    };
    object
        .source
        .here(at, what)
        .why(WHY)
        .hint("Write `IfNotPresent`.")
        .done()
}

/// Whether it is called `latest`, or nothing, which means the same.
fn is_latest(image: &str) -> bool {
    let last = image.rsplit('/').next().unwrap_or(image);
    !last.contains('@') && last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}
