//! The job that lab.yaml describes: where its jar is, in an image or in the lab's folder, and
//! whether a jar of the folder can be what is asked for.

use super::super::definition::Definition;
use super::super::jars::{self, Wrong};
use super::Source;
use super::words::{image, is_absolute};
use crate::mistake::did_you_mean;
use flinklab_base::fault::Fault;

/// What every job says, whoever brings it into Flink.
pub(super) fn check(lab: &Source, definition: &Definition) -> Result<(), Fault> {
    let job = &definition.job;
    image(lab, "job.image", &job.image)?;
    if job.parallelism == 0 {
        return lab
            .at("job.parallelism", "`job.parallelism` must be 1 or more.")
            .done();
    }
    Ok(())
}

/// A job that is submitted: its jar and its class.
pub(super) fn submitted(
    lab: &Source,
    definition: &Definition,
    files: &[(String, String)],
) -> Result<(), Fault> {
    let job = &definition.job;
    for word in ["jar", "class"] {
        let path = format!("job.{word}");
        if lab.root.find(&path).is_none() {
            return lab.at("job", format!("`{path}` is missing.")).done();
        }
    }
    if job.class.is_empty() || job.class.contains(char::is_whitespace) {
        return lab
            .at(
                "job.class",
                format!("`job.class` cannot be `{}`.", job.class),
            )
            .done();
    }
    match job.own_jar() {
        Some(file) => own_jar(lab, file, &job.class, files),
        None if !is_absolute(&job.jar) || !jars::is_jar(&job.jar) => lab
            .at("job.jar", format!("`job.jar` cannot be `{}`.", job.jar))
            .why("the path of a `.jar` in the image, from `/` on")
            .done(),
        None => Ok(()),
    }
}

/// A jar of the lab's own: a file beside lab.yaml that is one, and has the class.
fn own_jar(lab: &Source, file: &str, class: &str, files: &[(String, String)]) -> Result<(), Fault> {
    if !jars::is_jar(file) || file.contains(['/', '\\']) || file.starts_with('.') {
        return lab
            .at("job.jar", format!("`job.jar` cannot be `{file}`."))
            .why("the name of a `.jar` in the lab's folder, or a path in the image, from `/` on")
            .done();
    }
    let Some((_, text)) = files.iter().find(|(name, _)| name == file) else {
        let known = files.iter().map(|(name, _)| name.as_str());
        return lab
            .at(
                "job.jar",
                format!("There is no file `{file}` in the lab's folder."),
            )
            .why("a jar in the image is named by its path, from `/` on")
            .hint(did_you_mean(file, known.filter(|name| jars::is_jar(name))))
            .done();
    };
    let bytes = jars::file_bytes(file, text).unwrap_or_default();
    match jars::wrong(&bytes, class) {
        None => Ok(()),
        Some(Wrong::NoJar) => lab
            .at("job.jar", format!("The file `{file}` is no jar."))
            .why("a jar is a zip, and does not begin so")
            .done(),
        Some(Wrong::NoClass(entry)) => lab
            .at(
                "job.class",
                format!("The jar `{file}` has no class `{class}`."),
            )
            .why(format!("there is no `{entry}` in it"))
            .done(),
    }
}
