//! Keeps the text of a panic of ours, so that it can be sent to us after the terminal was closed.
//! Beside the lab's other files where there is a lab, else in the home folder. Bounded: the file
//! before the newest is kept once.

use super::Addresses;
use super::files::{self, Privacy};
use super::home::Home;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

/// A file that would grow past this begins anew.
const ROTATE_AT: u64 = 1024 * 1024;
/// Bytes of one text that are kept: a backtrace has some hundred lines.
const TEXT: usize = 256 * 1024;

/// Where panics of this instance are kept.
#[must_use]
pub fn file(addresses: &Addresses, name: &str) -> PathBuf {
    let home = Home::of(addresses, name);
    let folder = if home.state_file().exists() {
        home.folder
    } else {
        addresses.home.clone()
    };
    folder.join("crash.log")
}

/// What a panic says.
#[must_use]
pub fn message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it said nothing".to_owned())
}

/// Adds a text; answers the file.
pub fn keep(addresses: &Addresses, name: &str, text: &str) -> io::Result<PathBuf> {
    let path = file(addresses, name);
    if let Some(folder) = path.parent() {
        files::make_folder(folder, Privacy::Private)?;
    }
    if fs::metadata(&path).is_ok_and(|found| found.len() > ROTATE_AT) {
        fs::rename(&path, path.with_extension("log.1"))?;
    }
    let stamp = jiff::Timestamp::now();
    let entry = format!(
        "{stamp} flinklab {} ({name})\n{text}",
        env!("CARGO_PKG_VERSION")
    );
    let end = entry.len().min(TEXT);
    let mut file = files::append(&path)?;
    file.write_all(&entry.as_bytes()[..end])?;
    file.write_all(b"\n\n")?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::comparisons;
    use flinklab_event::{COMPARISON_FORMAT, Comparison};
    use std::os::unix::fs::PermissionsExt;

    fn addresses(home: PathBuf) -> Addresses {
        Addresses::new(home.clone(), home)
    }

    /// Whoever writes first makes the home folder: nobody else may look into it.
    #[test]
    fn whatever_makes_the_home_folder_makes_it_private() {
        let below = tempfile::tempdir().unwrap();
        let first = addresses(below.path().join("crashed"));
        keep(&first, "t", "a panic").unwrap();
        let second = addresses(below.path().join("compared"));
        let comparison = Comparison {
            format: COMPARISON_FORMAT,
            began: jiff::Timestamp::UNIX_EPOCH,
            failures: Vec::new(),
            times: 1,
            labs: Vec::new(),
            standing: None,
        };
        comparisons::write(&second, &comparison).unwrap();
        for home in [first.home, second.home.join(".comparisons"), second.home] {
            let mode = fs::metadata(&home).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", home.display());
        }
    }
}
