//! How much a bundle holds, and where it lies.

use crate::images;
use flinklab_base::units;
use std::path::{Path, PathBuf};

/// The name that a bundle has until it is whole.
pub(super) fn partial(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    file.with_file_name(name)
}

/// What goes into a bundle, and how much that is.
pub(super) fn sizes(found: &[(String, images::Image)], size: u64) -> String {
    let each: Vec<String> = found
        .iter()
        .map(|(name, image)| format!("{name} ({})", units::bytes(image.size)))
        .collect();
    format!("about {}: {}", units::bytes(size), each.join(", "))
}
