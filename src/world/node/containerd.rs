//! kind.yaml's patches for containerd, given to a node before it first starts. kind rewrites
//! containerd's TOML and restarts it; containerd can as well import files and merge them itself,
//! which needs no restart that would break an image stream. Knows nothing of TOML.

use super::NodePlan;
use crate::fault::Fault;
use crate::world::docker::{Docker, LONG, call};
use bollard::query_parameters::UploadToContainerOptionsBuilder;
use bytes::Bytes;

/// containerd's folder in a node, its file there, and ours beside it.
const FOLDER: &str = "/etc/containerd";
const FILE: &str = "config.toml";
const OURS: &str = "flinklab";

/// Puts the patches into a container that was made and not yet started.
pub(super) async fn patch(docker: &Docker, id: &str, plan: &NodePlan) -> Result<(), Fault> {
    if plan.containerd.is_empty() {
        return Ok(());
    }
    let text = docker.read_file(id, &format!("{FOLDER}/{FILE}")).await?;
    let text = String::from_utf8_lossy(&text);
    let imports = |line: &str| line.trim_start().starts_with("imports");
    if text
        .lines()
        .take_while(|line| !line.trim_start().starts_with('['))
        .any(imports)
    {
        return Err(Fault::unable(
            "containerd-patch",
            "containerdConfigPatches cannot be used with this node image.",
        )
        .why("its containerd already imports other files"));
    }
    let doing = format!("Configuring containerd in {}", plan.name);
    let archive = archive(&text, &plan.containerd)
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

/// The changed file and one file a patch.
fn archive(config: &str, patches: &[String]) -> std::io::Result<Bytes> {
    let mut archive = tar::Builder::new(Vec::new());
    let config = format!("imports = [\"{FOLDER}/{OURS}/*.toml\"]\n{config}");
    append(&mut archive, FILE, &config)?;
    for (number, patch) in patches.iter().enumerate() {
        append(
            &mut archive,
            &format!("{OURS}/{number:02}.toml"),
            &versioned(patch),
        )?;
    }
    archive.into_inner().map(Bytes::from)
}

/// A patch as a file of its own, which must say its version: kind's patches have that of the file
/// they are for, 2 in all images so far.
fn versioned(patch: &str) -> String {
    let mut top = patch
        .lines()
        .take_while(|line| !line.trim_start().starts_with('['));
    match top.any(|line| line.trim_start().starts_with("version")) {
        true => patch.to_owned(),
        false => format!("version = 2\n{patch}"),
    }
}

fn append(archive: &mut tar::Builder<Vec<u8>>, name: &str, text: &str) -> std::io::Result<()> {
    let header = super::header(0o644, text.len());
    archive.append_data(&mut header.clone(), name, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_says_its_version_once() {
        assert_eq!(
            versioned("[a]\nversion = 1"),
            "version = 2\n[a]\nversion = 1"
        );
        assert_eq!(versioned("version = 3\n[a]"), "version = 3\n[a]");
    }
}
