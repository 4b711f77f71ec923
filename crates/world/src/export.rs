//! `lab export`: a definition's files as a folder that a person may change. Writes into an empty
//! folder only, so that nobody's work is overwritten.

use super::home::Home;
use super::{Addresses, home::valid_name};
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_lab::{LESSONS, Lab, built_in_names, file_bytes, lesson_files};
use std::fs;
use std::io::Write;
use std::path::Path;

/// The definition of that name, a built-in one, else what an instance of this machine was made of;
/// and the name or the folder that has its lessons.
pub fn definition(addresses: &Addresses, name: &str) -> Result<(Lab, String), Fault> {
    if built_in_names().any(|known| known == name) {
        return Ok((Lab::open(name)?, name.to_owned()));
    }
    let recorded = match valid_name(name) {
        Ok(()) => Home::of(addresses, name).read_state()?,
        Err(_) => None,
    };
    match recorded {
        Some(state) => {
            let taught = super::lessons::kept_in(&state.definition.source);
            Ok((Lab::from_files(state.definition.files, "")?, taught))
        }
        None => {
            let known: Vec<&str> = built_in_names().collect();
            Err(Fault::wrong(
                "lab-not-found",
                format!("There is no built-in lab and no instance named `{name}`."),
            )
            .hint(advice!(
                "Built in: {}. `flinklab labs` lists the instances.",
                known.join(", ")
            )))
        }
    }
}

/// Writes the files of a definition and tells their names.
pub fn write(lab: &Lab, folder: &Path) -> Result<Vec<String>, Fault> {
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(Fault::wrong(
                    "folder-not-empty",
                    format!(
                        "The folder {} is not empty. Nothing was written.",
                        folder.display()
                    ),
                )
                .hint("Name a new folder."));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_dir_all(folder).map_err(|error| cannot(folder, error))?;
        }
        Err(error) => return Err(cannot(folder, error)),
    }
    for (name, text) in &lab.files {
        let path = folder.join(name);
        let bytes = file_bytes(name, text).ok_or_else(|| {
            let garbled = std::io::Error::other("what is kept of this jar is garbled");
            cannot(&path, garbled)
        })?;
        put(&path, &bytes)?;
    }
    Ok(lab.files.iter().map(|(name, _)| name.clone()).collect())
}

/// Writes the lessons that go with a lab into a folder beside it, and tells their names.
pub fn lessons(name_or_folder: &str, folder: &Path) -> Result<Vec<String>, Fault> {
    let files = lesson_files(name_or_folder)?;
    write_lessons(&files, folder)?;
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

/// Writes files of lessons, named by their path below the lab's folder.
pub(super) fn write_lessons(files: &[(String, String)], folder: &Path) -> Result<(), Fault> {
    if files.is_empty() {
        return Ok(());
    }
    let below = folder.join(LESSONS);
    fs::create_dir(&below).map_err(|error| cannot(&below, error))?;
    for (name, text) in files {
        put(&folder.join(name), text.as_bytes())?;
    }
    Ok(())
}

/// A new file; one that is there is never written over.
fn put(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    fs::File::create_new(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|error| cannot(path, error))
}

fn cannot(path: &Path, error: std::io::Error) -> Fault {
    Fault::unable("export-failed", format!("Cannot write {}.", path.display())).why(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_exported_is_the_same_lab_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        for name in built_in_names() {
            let lab = Lab::open(name).unwrap();
            let to = folder.path().join(name);
            assert_eq!(write(&lab, &to).unwrap().len(), lab.files.len());
            let (mut files, read) = (lab.files.clone(), Lab::read(&to).unwrap().files);
            files.sort();
            assert_eq!(read, files);
            assert_eq!(write(&lab, &to).unwrap_err().code, "folder-not-empty");
        }
    }
}
