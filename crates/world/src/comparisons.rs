//! Comparisons as files of the home folder, beside the labs: they outlive the instances that were
//! made for them. Knows neither how one is carried out nor how it is told.

use super::Addresses;
use super::home::{Home, keep};
use flinklab_base::fault::Fault;
use flinklab_event::{COMPARISON_FORMAT, Comparison, RunResult};
use std::fs;
use std::io::Read;
use std::path::PathBuf;

/// The folder; no instance can be named so.
const FOLDER: &str = ".comparisons";
/// A file above this is not ours.
const LIMIT: u64 = 64 * 1024 * 1024;

/// Where a comparison is kept.
#[must_use]
pub fn file(addresses: &Addresses, id: &str) -> PathBuf {
    addresses.home.join(FOLDER).join(format!("{id}.json"))
}

/// The comparison of that id, if there is one. A file of another format is passed over: its runs
/// are made again.
pub fn read(addresses: &Addresses, id: &str) -> Result<Option<Comparison>, Fault> {
    let path = file(addresses, id);
    let cannot = |why: String| {
        Fault::unable(
            "comparison-unreadable",
            format!("Cannot read {}.", path.display()),
        )
        .why(why)
        .hint("Remove the file: the comparison then begins anew.")
    };
    let mut text = String::new();
    match fs::File::open(&path) {
        Ok(file) => file
            .take(LIMIT)
            .read_to_string(&mut text)
            .map_err(|error| cannot(error.to_string()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error.to_string())),
    };
    let found: Comparison =
        serde_json::from_str(&text).map_err(|error| cannot(error.to_string()))?;
    Ok((found.format == COMPARISON_FORMAT).then_some(found))
}

/// Writes it in one stroke.
pub fn write(addresses: &Addresses, comparison: &Comparison) -> Result<(), Fault> {
    let path = file(addresses, &comparison.id());
    let mut text = serde_json::to_string(comparison).map_err(|error| {
        Fault::unable("home-unwritable", "The comparison cannot be written down.").why(error)
    })?;
    text.push('\n');
    keep(&path, text.as_bytes())
}

/// Whether there is an instance of that name already.
#[must_use]
pub fn is_taken(addresses: &Addresses, instance: &str) -> bool {
    Home::of(addresses, instance).state_file().exists()
}

/// The runs that an instance kept; none where there is no such instance.
pub fn kept(addresses: &Addresses, instance: &str) -> Result<Vec<RunResult>, Fault> {
    if is_taken(addresses, instance) {
        super::runs::list(&Home::of(addresses, instance))
    } else {
        Ok(Vec::new())
    }
}
