//! Keeps the text of a panic of ours, so that it can be sent to us after the terminal was closed.
//! Beside the lab's other files where there is a lab, else in the home folder. Bounded: the file
//! before the newest is kept once.

use super::Addresses;
use super::home::Home;
use std::fs::{self, OpenOptions};
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
    let folder = match home.state_file().exists() {
        true => home.folder,
        false => addresses.home.clone(),
    };
    folder.join("crash.log")
}

/// Adds a text; answers the file.
pub fn keep(addresses: &Addresses, name: &str, text: &str) -> io::Result<PathBuf> {
    let path = file(addresses, name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    if fs::metadata(&path).is_ok_and(|found| found.len() > ROTATE_AT) {
        fs::rename(&path, path.with_extension("log.1"))?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let stamp = jiff::Timestamp::now();
    let entry = format!(
        "{stamp} flinklab {} ({name})\n{text}",
        env!("CARGO_PKG_VERSION")
    );
    let end = entry.len().min(TEXT);
    let mut file = options.open(&path)?;
    file.write_all(&entry.as_bytes()[..end])?;
    file.write_all(b"\n\n")?;
    Ok(path)
}
