//! Reading one file out of an image: the job's jar goes to Flink without a second JVM.

use crate::fault::Fault;
use crate::world::docker::{Docker, LONG, call};
use crate::world::node;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::CreateContainerOptionsBuilder;
use std::collections::HashMap;
use std::time::Duration;

/// The label of the containers that only exist to read a file out of an image.
const READER_LABEL: &str = "flinklab.reader";
/// A reader older than this was left by a program that was killed.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// A file of an image, read through a container that is made for it and never started.
pub async fn read_file_of_image(
    docker: &Docker,
    image: &str,
    path: &str,
) -> Result<Vec<u8>, Fault> {
    sweep(docker).await;
    let name = format!("flinklab-reader-{:016x}", random());
    let options = CreateContainerOptionsBuilder::new().name(&name).build();
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        // Never run; an image without a command is refused otherwise.
        cmd: Some(vec!["/flinklab-reader".to_owned()]),
        labels: Some(HashMap::from([(READER_LABEL.to_owned(), "1".to_owned())])),
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
        .mend("Check `job` in lab.yaml.")
    })
}

/// Removes readers that a killed program left. Nothing depends on it.
async fn sweep(docker: &Docker) {
    let Ok(found) = docker.by_label(&format!("{READER_LABEL}=1")).await else {
        return;
    };
    for left in found.iter().filter(|left| left.state == "created") {
        let made = docker
            .inspect(&left.id)
            .await
            .ok()
            .flatten()
            .and_then(|one| one.created);
        let made = made.and_then(|at| at.to_string().parse::<jiff::Timestamp>().ok());
        let age = made
            .and_then(|made| Duration::try_from(jiff::Timestamp::now().duration_since(made)).ok());
        if age.is_some_and(|age| age > FORGOTTEN) {
            let _ = node::remove(docker, &left.id, &left.name).await;
        }
    }
}

fn random() -> u64 {
    // Without randomness the clock still makes a name that is free.
    getrandom::u64().unwrap_or_else(|_| {
        u64::try_from(jiff::Timestamp::now().as_nanosecond() & i128::from(u64::MAX))
            .unwrap_or_default()
    })
}
