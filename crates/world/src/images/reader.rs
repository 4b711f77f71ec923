//! Reading one file out of an image: the job's jar goes to Flink without a second JVM.

use crate::docker::{Docker, LONG, call};
use crate::node;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::CreateContainerOptionsBuilder;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use std::collections::HashMap;
use std::time::Duration;

/// The label of the containers that only exist to read a file out of an image; its value is the
/// id of the lab that reads.
const READER_LABEL: &str = "flinklab.reader";
/// A reader older than this was left by a program that was killed.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// A file of an image, read through a container that is made for it and never started. The lab
/// must be locked: what it left of earlier readings is removed.
pub async fn read_file_of_image(
    docker: &Docker,
    lab_id: &str,
    image: &str,
    path: &str,
) -> Result<Vec<u8>, Fault> {
    forget_readers(docker, lab_id).await;
    let name = format!("flinklab-reader-{:016x}", random());
    let options = CreateContainerOptionsBuilder::new().name(&name).build();
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        // Never run; an image without a command is refused otherwise.
        cmd: Some(vec!["/flinklab-reader".to_owned()]),
        labels: Some(HashMap::from([(
            READER_LABEL.to_owned(),
            lab_id.to_owned(),
        )])),
        network_disabled: Some(true),
        ..ContainerCreateBody::default()
    };
    let doing = format!("Opening the image {image}");
    let made = call(
        LONG,
        &doing,
        docker.patient().create_container(Some(options), body),
    )
    .await?;
    let read = docker.find_file(&made.id, path).await;
    let removed = node::remove(docker, &made.id, &name).await;
    if let Err(fault) = removed {
        tracing::warn!("the container {name} is left: {fault}");
    }
    read?.ok_or_else(|| {
        Fault::wrong(
            "file-missing",
            format!("There is no file {path} in the image {image}."),
        )
        .hint("Check `job` in lab.yaml.")
    })
}

/// Removes readers that a killed program left: this lab's at once, because nobody else holds its
/// lock, and any that is old. Nothing depends on it.
pub async fn forget_readers(docker: &Docker, lab_id: &str) {
    let Ok(found) = docker.by_label(READER_LABEL).await else {
        return;
    };
    for left in found.iter().filter(|left| left.state == "created") {
        let ours = left.labels.get(READER_LABEL).is_some_and(|id| id == lab_id);
        if ours || is_old(docker, &left.id).await {
            let _ = node::remove(docker, &left.id, &left.name).await;
        }
    }
}

async fn is_old(docker: &Docker, id: &str) -> bool {
    let found = docker.inspect(id).await.ok().flatten();
    let made = found
        .and_then(|one| one.created)
        .and_then(|at| at.to_string().parse::<jiff::Timestamp>().ok());
    let age = made.and_then(|made| Duration::try_from(clock::now().duration_since(made)).ok());
    age.is_some_and(|age| age > FORGOTTEN)
}

fn random() -> u64 {
    // Without randomness the clock still makes a name that is free.
    getrandom::u64().unwrap_or_else(|_| {
        u64::try_from(clock::now().as_nanosecond() & i128::from(u64::MAX)).unwrap_or_default()
    })
}
