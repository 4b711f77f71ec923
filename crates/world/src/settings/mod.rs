//! What a person prefers, read from `config.toml`: theme, keys, how often Flink is asked, how much
//! log is kept. Every wrong word is an error with file, line and column. Knows the names of
//! neither themes nor actions: whoever owns them judges them, and says so at the place given here.

mod read;

use flinklab_base::fault::{Fault, Place};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// A file above this holds no settings.
const LIMIT: u64 = 256 * 1024;

/// Settings; what is not said is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// Which colours.
    pub theme: Option<Word>,
    /// Only ASCII on the screen.
    pub ascii: Option<bool>,
    /// How often Flink's REST is asked.
    pub refresh: Refresh,
    /// How much log is kept in memory.
    pub log: LogLimits,
    /// Keys of actions, in the order of the file.
    pub keys: Vec<Rebound>,
}

/// A word whose meaning somebody else knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// How often Flink's REST is asked, instead of what the lab says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refresh {
    /// All is well.
    pub calm: Option<Duration>,
    /// From any sign of trouble until it is over.
    pub trouble: Option<Duration>,
}

/// How much log is kept in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogLimits {
    /// Lines that Flink says.
    pub lines: Option<usize>,
    /// Lines that programs print.
    pub output: Option<usize>,
    /// Bytes of all of them.
    pub bytes: Option<usize>,
}

/// Other keys for an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebound {
    /// Where the action belongs, such as `dashboard`.
    pub scope: Word,
    /// The action.
    pub action: Word,
    /// Its keys; none take it away.
    pub keys: Vec<Word>,
}

/// Whether a file that is not there is a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The person named it.
    Named,
    /// It is where settings would be.
    Usual,
}

/// Reads a file of settings.
pub fn open(file: &Path, wanted: Wanted) -> Result<Settings, Fault> {
    let shown = file.display().to_string();
    let mut text = String::new();
    let read = std::fs::File::open(file).and_then(|file| {
        let limited = file.take(LIMIT + 1).read_to_string(&mut text)?;
        Ok(limited)
    });
    match read {
        Ok(bytes) if bytes as u64 > LIMIT => Err(Fault::wrong(
            "settings-too-long",
            format!("The settings {shown} are longer than {LIMIT} bytes."),
        )),
        Ok(_) => read::settings(&text, &shown),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && wanted == Wanted::Usual => {
            Ok(Settings::default())
        }
        Err(error) => Err(Fault::wrong(
            "no-settings",
            format!("Cannot read the settings {shown}."),
        )
        .why(error)
        .hint("Name another file with --config or FLINKLAB_CONFIG, or none.")),
    }
}

/// A wrong word.
#[must_use]
pub fn wrong(place: &Place, what: impl Into<String>) -> Fault {
    Fault::wrong("wrong-settings", what).at(place.file.clone(), place.line, place.column)
}
