//! kind.yaml's patches for containerd, carried out as kind does, on the file's TOML as JSON. kind
//! rewrites the file of a running node and restarts containerd; here it is rewritten before the
//! node first starts, so that no restart breaks an image stream.

use super::NodePlan;
use crate::docker::{Docker, LONG, call};
use crate::kubeadm::patch;
use bollard::query_parameters::UploadToContainerOptionsBuilder;
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use serde_json::Value;
use std::fmt::Display;

/// containerd's folder in a node and its file there.
const FOLDER: &str = "/etc/containerd";
const FILE: &str = "config.toml";

/// Puts the patches into a container that was made and not yet started.
pub(super) async fn patch(docker: &Docker, id: &str, plan: &NodePlan) -> Result<(), Fault> {
    if plan.containerd.is_empty() && plan.containerd_json.is_empty() {
        return Ok(());
    }
    let text = docker.read_file(id, &format!("{FOLDER}/{FILE}")).await?;
    let text = String::from_utf8_lossy(&text);
    let text = patched(&text, &plan.containerd, &plan.containerd_json)?;
    let doing = format!("Configuring containerd in {}", plan.name);
    let archive = super::one_file(FILE, 0o644, text.as_bytes())
        .map_err(|error| Fault::unable("docker-failed", format!("{doing} failed.")).why(error))?;
    let options = UploadToContainerOptionsBuilder::new().path(FOLDER).build();
    let body = bollard::body_full(archive);
    call(
        LONG,
        &doing,
        docker
            .patient()
            .upload_to_container(id, Some(options), body),
    )
    .await
}

fn broken(what: &str, why: impl Display) -> Fault {
    Fault::wrong("containerd-patch", format!("{what} cannot be used."))
        .why(why)
        .mend(advice!(
            "Mend it in kind.yaml, then run `flinklab up` again."
        ))
}

/// The file with merge patches and then JSON patches, each in their order. As in kind, a merge
/// patch that names another version than the file's is left out.
fn patched(text: &str, merges: &[String], changes: &[String]) -> Result<String, Fault> {
    let unreadable = |error: toml::de::Error| {
        Fault::unable(
            "node-image",
            "The node image's containerd configuration cannot be read.",
        )
        .why(error)
        .mend("Use a kindest/node image in kind.yaml.")
    };
    let mut config: Value = toml::from_str(text).map_err(unreadable)?;
    for (index, merge) in merges.iter().enumerate() {
        let what = format!("containerdConfigPatches[{index}]");
        let merge: Value = toml::from_str(merge).map_err(|error| broken(&what, error))?;
        let version = merge.get("version");
        if version.is_some() && version != config.get("version") {
            tracing::warn!("{what} is for another version of the file and was left out");
            continue;
        }
        patch::plain(&mut config, merge);
    }
    for (index, change) in changes.iter().enumerate() {
        let what = format!("containerdConfigPatchesJSON6902[{index}]");
        let operations = patch::operations(change).map_err(|fault| broken(&what, fault.why))?;
        patch::apply(&mut config, &operations).map_err(|fault| broken(&what, fault.why))?;
    }
    toml::to_string(&config).map_err(|error| broken("The patched configuration", error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const CONFIG: &str = "version = 2\n[plugins.\"cri\".containerd]\n  snapshotter = \"overlayfs\"\n  list = [\"a\"]\n";

    fn lines(merges: &[&str], changes: &[&str]) -> Result<Value, Fault> {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let text = patched(CONFIG, &owned(merges), &owned(changes))?;
        Ok(toml::from_str(&text).unwrap())
    }

    #[test]
    fn patches_merge_into_what_is_there() {
        let found = lines(
            &["[plugins.cri.containerd]\nlist = [\"b\"]\n[plugins.cri.registry]\npath = \"/x\""],
            &[r#"[{"op": "add", "path": "/debug", "value": {"level": "warn"}}]"#],
        );
        let expected = serde_json::json!({
            "version": 2,
            "plugins": {"cri": {
                "containerd": {"snapshotter": "overlayfs", "list": ["b"]},
                "registry": {"path": "/x"},
            }},
            "debug": {"level": "warn"},
        });
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn a_patch_for_another_version_is_left_out() {
        let found = lines(&["version = 3\n[a]\nb = 1"], &[]).unwrap();
        assert_eq!(found.get("a"), None);
    }

    #[test]
    fn a_broken_patch_is_named() {
        let fault = lines(&["[a"], &[]).unwrap_err();
        assert!(fault.what.contains("containerdConfigPatches[0]"), "{fault}");
        let fault = lines(&[], &[r#"[{"op": "remove", "path": "/none"}]"#]).unwrap_err();
        assert!(fault.what.contains("JSON6902[0]"), "{fault}");
    }
}
