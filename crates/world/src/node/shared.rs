//! The commands that work in the shared folder from inside a node. Jobs write there, so each begins
//! with the text that follows no link and leaves the mount nowhere: `shared.sh`. Paths are those
//! below the mount.

use flinklab_verb::SHARED;

const OWN: &str = include_str!("../../../../assets/node/own.sh");
const MEASURE: &str = include_str!("../../../../assets/node/measure.sh");
const PURGE: &str = include_str!("../../../../assets/node/purge.sh");

/// A command and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argv(Vec<String>);

impl Argv {
    fn new(script: String, name: &str, words: &[&str]) -> Self {
        let first = ["sh", "-c", &script, name];
        Self(
            first
                .iter()
                .chain(words)
                .map(|&word| word.to_owned())
                .collect(),
        )
    }

    /// Its words.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

/// A script that looks or makes.
fn plain(script: &str, name: &str, words: &[&str]) -> Argv {
    Argv::new(format!("{SHARED}{script}"), name, words)
}

/// Makes folders, each named after the one that it is in, and gives them to Flink's user.
#[must_use]
pub fn own(mount: &str, folders: &[String]) -> Argv {
    let mut words = vec![mount];
    words.extend(folders.iter().map(String::as_str));
    plain(OWN, "flinklab-own", &words)
}

/// Says how much there is.
#[must_use]
pub fn measure(mount: &str) -> Argv {
    plain(MEASURE, "flinklab-measure", &[mount])
}

/// Removes everything but the mount itself, and says how much that was.
#[must_use]
pub fn purge(mount: &str) -> Argv {
    plain(PURGE, "flinklab-purge", &[mount])
}

/// A path of the node as it is below the mount. None: it is elsewhere.
#[must_use]
pub fn below<'a>(mount: &str, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(mount.trim_end_matches('/'))?
        .strip_prefix('/')
}

#[cfg(all(test, target_os = "linux"))]
#[path = "shared/tests.rs"]
mod tests;
