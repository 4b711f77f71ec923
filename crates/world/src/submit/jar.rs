//! Where the job's jar comes from: the lab's own files, or an image.

use crate::docker::Docker;
use crate::images;
use bytes::Bytes;
use flinklab_base::fault::Fault;
use flinklab_lab::Lab;

/// The jar of the lab's job. An image that holds it must be there.
pub async fn jar(docker: &Docker, lab_id: &str, lab: &Lab) -> Result<Bytes, Fault> {
    if let Some(own) = lab.own_jar() {
        return Ok(Bytes::from(own));
    }
    let job = &lab.job;
    let read = images::read_file_of_image(docker, lab_id, &job.image, &job.jar);
    read.await.map(Bytes::from)
}
