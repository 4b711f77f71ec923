//! What happened, in `flinklab.log` in the lab's folder. Libraries are quiet by default: a failure
//! lab makes them shout on purpose.

use crate::cli::LogLevel;
use crate::world::World;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};
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
    let path = world.addresses.home.join(&world.name).join("flinklab.log");
    if let Ok(mut named) = PATH.lock() {
        *named = path;
    }
    let file = LogFile(Mutex::new(None));
    // A second start in one process keeps the first subscriber, which writes to where the newest
    // start says: a comparison goes through several labs.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        .with_writer(file)
        .try_init();
}

/// Where the log of the lab is that is worked on now.
static PATH: LazyLock<Mutex<PathBuf>> = LazyLock::new(Mutex::default);

/// The path and the file that is open there, from the first line after the lab's folder exists.
struct LogFile(Mutex<Option<(PathBuf, File)>>);

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

struct Line<'a>(&'a LogFile);

impl Write for Line<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let path = PATH.lock().map_err(|_| io::ErrorKind::Other)?.clone();
        let mut open = self.0.0.lock().map_err(|_| io::ErrorKind::Other)?;
        let here = path
            .parent()
            .is_some_and(|folder| folder.join("lab.json").exists());
        if !here {
            *open = None;
            return Ok(text.len());
        }
        if open.as_ref().is_none_or(|(opened, _)| *opened != path) {
            if std::fs::metadata(&path).is_ok_and(|meta| meta.len() > ROTATE_AT) {
                let _ = std::fs::rename(&path, path.with_extension("log.1"));
            }
            let file = File::options().create(true).append(true).open(&path);
            *open = file.ok().map(|file| (path, file));
        }
        match open.as_mut() {
            Some((_, file)) => file.write(text),
            None => Ok(text.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
