//! Manifests that a lab takes from elsewhere: what lab.yaml may say of them, which are not here yet,
//! and their texts among those of the lab's own files. A text is taken only if its sum is right.

use super::super::definition::{Apply, Definition};
use super::super::overlay::{self, Origins};
use super::super::remote::{self, Remote};
use super::{Source, one};
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use std::path::Path;

/// The code of the fault that says that a manifest must be fetched first.
const ABSENT: &str = "manifest-absent";

/// A manifest from elsewhere is asked for at a proper address, and it is known what it must be.
pub(super) fn words(lab: &Source, index: usize, apply: &Apply) -> Result<(), Fault> {
    let path = |word: &str| format!("apply[{index}].{word}");
    let (url, sha256) = match (&apply.url, &apply.sha256) {
        (None, None) => return Ok(()),
        (Some(url), Some(sha256)) => (url, sha256),
        (Some(_), None) => {
            return lab
                .at(&path("url"), format!("`{}` is missing.", path("sha256")))
                .why("what is fetched must be what was meant")
                .hint("Look at the file, and write what `sha256sum` prints of it.")
                .done();
        }
        (None, Some(_)) => {
            return lab
                .at(&path("sha256"), format!("`{}` is missing.", path("url")))
                .why("a sum is for what is fetched")
                .done();
        }
    };
    if let Some(why) = remote::unfit(url) {
        return lab
            .at(
                &path("url"),
                format!("`{}` cannot be `{url}`.", path("url")),
            )
            .why(why)
            .done();
    }
    if !remote::is_sum(sha256) {
        return lab
            .at(
                &path("sha256"),
                format!("`{}` is no SHA-256.", path("sha256")),
            )
            .why("it has 64 digits of `0` to `9` and `a` to `f`, as `sha256sum` prints it")
            .done();
    }
    Ok(())
}

/// The manifests that a lab takes from elsewhere and that are not here yet.
pub(crate) fn wanted(
    files: Vec<(String, String)>,
    folder: &str,
    kept: &Path,
) -> Result<Vec<Remote>, Fault> {
    let (files, origins) = overlay::resolve(files, folder)?;
    let of_lab = || {
        let (lab, definition): (_, Definition) = one(&files, folder, "lab.yaml")?;
        super::words::check(&lab, &definition)?;
        Ok(remotes(&lab, &definition, &origins))
    };
    let mut all: Vec<Remote> = of_lab().map_err(|fault| origins.placed(fault))?;
    all.retain(|one| {
        files.iter().all(|(name, _)| *name != one.file) && remote::kept(kept, &one.sha256).is_none()
    });
    Ok(all)
}

fn remotes(lab: &Source, definition: &Definition, origins: &Origins) -> Vec<Remote> {
    let place = |path: &str| {
        let fault = lab.at(path, "").fault();
        origins.placed(fault).place
    };
    let all = definition.apply.iter().enumerate();
    all.filter_map(|(turn, apply)| {
        Some(Remote {
            file: apply.file.clone(),
            url: apply.url.clone()?,
            sha256: apply.sha256.clone()?,
            at_url: place(&format!("apply[{turn}].url")),
            at_sum: place(&format!("apply[{turn}].sha256")),
        })
    })
    .collect()
}

/// The lab's files with those from elsewhere. One that lies in the folder under its name is as good
/// as a fetched one, if it is the same.
pub(super) fn with(
    mut files: Vec<(String, String)>,
    lab: &Source,
    definition: &Definition,
    kept: Option<&Path>,
) -> Result<Vec<(String, String)>, Fault> {
    for (turn, apply) in definition.apply.iter().enumerate() {
        let (Some(url), Some(sha256)) = (&apply.url, &apply.sha256) else {
            continue;
        };
        let name = &apply.file;
        if let Some((_, text)) = files.iter().find(|(known, _)| known == name) {
            let is = remote::sum(text.as_bytes());
            if is != *sha256 {
                return lab
                    .at(
                        &format!("apply[{turn}].sha256"),
                        format!("The file `{name}` in the lab's folder is another one."),
                    )
                    .why(format!("its SHA-256 is {is}"))
                    .hint("Look at the file, then write its sum here, or remove the file.")
                    .done();
            }
            continue;
        }
        match kept.and_then(|kept| remote::kept(kept, sha256)) {
            Some(text) => files.push((name.clone(), text)),
            None => {
                return lab
                    .at(
                        &format!("apply[{turn}].url"),
                        format!("The manifest `{name}` is not on this machine yet."),
                    )
                    .why(format!("the lab takes it from {url}"))
                    .hint(advice!(
                        "Run `flinklab up` in a terminal, which asks and fetches it, or with --yes. \
                         Or put it into the lab's folder under that name."
                    ))
                    .coded(ABSENT);
            }
        }
    }
    Ok(files)
}
