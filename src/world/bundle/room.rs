//! How much a bundle holds, and where it lies.

use crate::world::images;
use std::path::{Path, PathBuf};

/// The name that a bundle has until it is whole.
pub(super) fn partial(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    file.with_file_name(name)
}

/// Bytes as a person counts them.
pub(super) fn mega(bytes: u64) -> String {
    match bytes {
        0..10_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        10_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// What goes into a bundle, and how much that is.
pub(super) fn sizes(found: &[(String, images::Image)], size: u64) -> String {
    let each: Vec<String> = found
        .iter()
        .map(|(name, image)| format!("{name} ({})", mega(image.size)))
        .collect();
    format!("about {}: {}", mega(size), each.join(", "))
}
