//! kind.yaml's patches for containerd, carried out as kind does, on the file's TOML as JSON. kind
//! rewrites the file of a running node and restarts containerd; here it is rewritten before the
//! node first starts, so that no restart breaks an image stream.

use super::NodePlan;
use crate::docker::{Docker, LONG, call};
use bollard::query_parameters::UploadToContainerOptionsBuilder;
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_lab::containerd;

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
    let text = patched(&text, plan)?;
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

/// The patched file. What was left out is for the log only: kind leaves it out as well.
fn patched(text: &str, plan: &NodePlan) -> Result<String, Fault> {
    let made = containerd::patched(text, &plan.containerd, &plan.containerd_json);
    let made = made.map_err(|unfit| match unfit.path {
        Some(path) => Fault::wrong("containerd-patch", format!("{path} cannot be used."))
            .why(unfit.why)
            .hint(advice!(
                "Mend it in kind.yaml, then run `flinklab up` again."
            )),
        None => Fault::unable(
            "node-image",
            "The node image's containerd configuration cannot be patched.",
        )
        .why(unfit.why)
        .hint("Use a kindest/node image in kind.yaml."),
    })?;
    for path in made.left_out {
        tracing::warn!("{path} is for another version of the file and was left out");
    }
    Ok(made.text)
}
