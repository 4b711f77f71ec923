//! Reads a lab's files and checks what the types cannot say: places, references between files,
//! loopback-only ports, the one shared mount of each node.

use super::{Document, Lab, Manifest, definition::Definition, kind::Cluster};
use crate::fault::Fault;
use sha2::{Digest, Sha256};
use std::path::Path;

pub(super) fn read_folder(folder: &Path) -> Result<Lab, Fault> {
    let shown = folder.display().to_string();
    let entries = std::fs::read_dir(folder).map_err(|error| {
        Fault::wrong(
            "lab-not-found",
            format!("There is no built-in lab and no folder `{shown}`."),
        )
        .why(error)
    })?;
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".yaml") || name.ends_with(".yml") {
            let text = std::fs::read_to_string(entry.path()).map_err(|error| {
                Fault::wrong("lab-unreadable", "Cannot read the file.")
                    .at(format!("{shown}/{name}"), 0, 0)
                    .why(error)
            })?;
            files.push((name, text));
        }
    }
    files.sort();
    from_files(files, &format!("{shown}/"))
}

pub(super) fn from_files(files: Vec<(String, String)>, folder: &str) -> Result<Lab, Fault> {
    let text = |name: &str| {
        files
            .iter()
            .find(|(file, _)| file == name)
            .map(|(_, text)| text.as_str())
            .ok_or_else(|| {
                Fault::wrong("lab-file-missing", format!("The lab has no file `{name}`.")).at(
                    format!("{folder}{name}"),
                    0,
                    0,
                )
            })
    };
    let definition: Definition = parse(text("lab.yaml")?, &format!("{folder}lab.yaml"))?;
    let cluster: Cluster = parse(text("kind.yaml")?, &format!("{folder}kind.yaml"))?;
    let mut manifests = Vec::new();
    for apply in &definition.apply {
        manifests.push(Manifest {
            file: apply.file.clone(),
            documents: documents(text(&apply.file)?, &format!("{folder}{}", apply.file))?,
        });
    }
    let mut hash = Sha256::new();
    for (name, text) in &files {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    let hash = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(Lab {
        name: definition.name,
        images: definition.images,
        apply: definition.apply,
        flink: definition.flink,
        roles: definition.roles,
        job: definition.job,
        polls: definition.polls,
        first: definition.first,
        failures: definition.failures,
        cluster,
        manifests,
        files,
        hash,
    })
}

fn parse<T: serde::de::DeserializeOwned>(text: &str, file: &str) -> Result<T, Fault> {
    serde_yaml::from_str(text).map_err(|error| yaml_fault(&error, file, 0))
}

fn yaml_fault(error: &serde_yaml::Error, file: &str, lines_before: usize) -> Fault {
    let (line, column) = error.location().map_or((0, 0), |place| {
        (place.line() + lines_before, place.column())
    });
    Fault::wrong("lab-invalid", error.to_string()).at(file, line, column)
}

fn documents(text: &str, file: &str) -> Result<Vec<Document>, Fault> {
    let mut found = Vec::new();
    let mut start = 0;
    let lines: Vec<&str> = text.lines().collect();
    let mut bounds: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with("---"))
        .map(|(number, _)| number)
        .collect();
    bounds.push(lines.len());
    for end in bounds {
        let part = lines[start..end].join("\n");
        let object: serde_json::Value =
            serde_yaml::from_str(&part).map_err(|error| yaml_fault(&error, file, start))?;
        if !object.is_null() {
            let word = |pointer: &str| {
                object
                    .pointer(pointer)
                    .and_then(serde_json::Value::as_str)
                    .map(str::to_owned)
            };
            let need = |pointer: &str| {
                word(pointer).ok_or_else(|| {
                    Fault::wrong(
                        "manifest-invalid",
                        format!("The object has no `{pointer}`."),
                    )
                    .at(file, start + 1, 0)
                })
            };
            found.push(Document {
                line: start + 1,
                api_version: need("/apiVersion")?,
                kind: need("/kind")?,
                name: need("/metadata/name")?,
                namespace: word("/metadata/namespace"),
                object,
            });
        }
        start = (end + 1).min(lines.len());
    }
    Ok(found)
}
