//! What happened, in `flinklab.log` in the lab's folder. Libraries are quiet by default: a failure
//! lab makes them shout on purpose.

use crate::cli::LogLevel;
use flinklab_world::World;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;

/// A log that would grow past this begins anew; the old one is kept once.
const ROTATE_AT: u64 = 8 * 1024 * 1024;
/// Between two looks whether the file is still the one that is there.
const LOOK: Duration = Duration::from_secs(1);

/// Starts logging. A folder that does not exist yet gets no log: nothing is made by looking.
pub(super) fn start(world: &World, level: LogLevel) {
    let (ours, theirs) = match level {
        LogLevel::Error => ("error", "error"),
        LogLevel::Warn => ("warn", "error"),
        LogLevel::Info => ("info", "error"),
        LogLevel::Debug => ("debug", "warn"),
        LogLevel::Trace => ("trace", "debug"),
    };
    let filter = EnvFilter::new(format!("{theirs},flinklab={ours}"));
    let path = world.addresses.home.join(&world.name).join("flinklab.log");
    log().begin(path);
    // A second start in one process keeps the first subscriber, which writes to where the newest
    // start says: a comparison goes through several labs.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        .with_writer(|| Line)
        .try_init();
}

/// The log of the lab that is worked on now.
static LOG: LazyLock<Mutex<LogFile>> = LazyLock::new(Mutex::default);

fn log() -> MutexGuard<'static, LogFile> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file with a bound, open from the first line after the lab's folder exists.
#[derive(Default)]
struct LogFile {
    path: PathBuf,
    open: Option<Open>,
}

struct Open {
    file: File,
    /// Its size, as far as it is ours.
    bytes: u64,
    /// When its folder was looked at last.
    looked: Instant,
}

impl LogFile {
    fn begin(&mut self, path: PathBuf) {
        *self = Self { path, open: None };
    }

    fn write(&mut self, text: &[u8], bound: u64) -> io::Result<()> {
        let now = Instant::now();
        let fresh = |open: &Open| now.duration_since(open.looked) < LOOK;
        if !self.open.as_ref().is_some_and(fresh) {
            self.open = self.opened(now);
        }
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if open.bytes > 0 && open.bytes + text.len() as u64 > bound {
            // What cannot be put aside begins anew all the same.
            if fs::rename(&self.path, self.path.with_extension("log.1")).is_err() {
                open.file.set_len(0)?;
            }
            self.open = self.opened(now);
        }
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        open.bytes += text.len() as u64;
        open.file.write_all(text)
    }

    /// The file as it is now: another process may have put it aside, and `down --purge` may have
    /// removed it with all else.
    fn opened(&self, looked: Instant) -> Option<Open> {
        let folder = self.path.parent()?;
        if !folder.join("lab.json").exists() {
            return None;
        }
        let file = File::options().create(true).append(true).open(&self.path);
        let file = file.ok()?;
        let bytes = file.metadata().map_or(0, |found| found.len());
        Some(Open {
            file,
            bytes,
            looked,
        })
    }
}

/// One line on its way into the log.
struct Line;

impl Write for Line {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        log().write(text, ROTATE_AT)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const BOUND: u64 = 100;

    fn size(path: &std::path::Path) -> Option<u64> {
        Some(fs::metadata(path).ok()?.len())
    }

    fn put(path: &std::path::Path, bytes: &[u8]) {
        let file = File::options().create(true).append(true).open(path);
        file.unwrap().write_all(bytes).unwrap();
    }

    #[test]
    fn a_log_stays_within_its_bound_while_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flinklab.log");
        let before = folder.path().join("flinklab.log.1");
        let mut log = LogFile::default();
        log.begin(path.clone());
        log.write(b"nothing is made by looking", BOUND).unwrap();
        assert_eq!(size(&path), None);

        put(&folder.path().join("lab.json"), b"{}");
        for n in 0..50 {
            log.write(format!("line {n:02}\n").as_bytes(), BOUND)
                .unwrap();
            assert!(size(&path).unwrap() <= BOUND, "after {n}");
            assert!(size(&before).unwrap_or(0) <= BOUND, "after {n}");
        }
        let (old, new) = (
            fs::read_to_string(before).unwrap(),
            fs::read_to_string(&path).unwrap(),
        );
        let lines: Vec<&str> = old.lines().chain(new.lines()).collect();
        assert_eq!(lines.last(), Some(&"line 49"));
        assert!(lines.len() > 12, "the newest are kept: {lines:?}");
        // one line above the bound is written for once
        log.write(&[b'x'; 150], BOUND).unwrap();
        log.write(b"y", BOUND).unwrap();
        assert_eq!(size(&path), Some(1));
    }

    #[test]
    fn a_log_that_is_large_already_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join("lab.json"), b"{}");
        let path = folder.path().join("flinklab.log");
        put(&path, &[b'x'; 300]);
        let mut log = LogFile::default();
        log.begin(path.clone());
        log.write(b"new", BOUND).unwrap();
        assert_eq!(size(&path), Some(3));
        assert_eq!(size(&folder.path().join("flinklab.log.1")), Some(300));
    }
}
