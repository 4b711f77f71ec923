//! What happened, in `flinklab.log` in the lab's folder. Libraries are quiet by default: a failure
//! lab makes them shout on purpose.

use crate::cli::LogLevel;
use crate::world::World;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// A log that would grow past this begins anew; the old one is kept once.
const ROTATE_AT: u64 = 8 * 1024 * 1024;

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
    let file = LogFile {
        path: world.addresses.home.join(&world.name).join("flinklab.log"),
        open: Mutex::new(None),
    };
    // A second start in one process (tests) keeps the first subscriber.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        .with_writer(file)
        .try_init();
}

/// Opened at the first line after the lab's folder exists.
struct LogFile {
    path: PathBuf,
    open: Mutex<Option<File>>,
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

struct Line<'a>(&'a LogFile);

impl Write for Line<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut open = self.0.open.lock().map_err(|_| io::ErrorKind::Other)?;
        let here = self
            .0
            .path
            .parent()
            .is_some_and(|folder| folder.join("lab.json").exists());
        if !here {
            *open = None;
            return Ok(text.len());
        }
        if open.is_none() {
            if std::fs::metadata(&self.0.path).is_ok_and(|meta| meta.len() > ROTATE_AT) {
                let _ = std::fs::rename(&self.0.path, self.0.path.with_extension("log.1"));
            }
            *open = File::options()
                .create(true)
                .append(true)
                .open(&self.0.path)
                .ok();
        }
        match open.as_mut() {
            Some(file) => file.write(text),
            None => Ok(text.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
