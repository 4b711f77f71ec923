//! The commands that work in the shared folder from inside a node. Jobs write there, so each begins
//! with the text that follows no link and leaves the mount nowhere: `shared.sh`. Paths are those
//! below the mount.

use super::late;

const SHARED: &str = include_str!("../../../../assets/node/shared.sh");
const OWN: &str = include_str!("../../../../assets/node/own.sh");
const MODE: &str = include_str!("../../../../assets/node/mode.sh");
const FORBID: &str = include_str!("../../../../assets/node/forbid.sh");
const ALLOW: &str = include_str!("../../../../assets/node/allow.sh");
const LOSE: &str = include_str!("../../../../assets/node/lose.sh");
const RETURN: &str = include_str!("../../../../assets/node/return.sh");
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

/// A script that breaks something, unless its run was taken back.
fn breaks(script: &str, name: &str, words: &[&str]) -> Argv {
    Argv::new(late::breaks(&format!("{SHARED}{script}")), name, words)
}

/// A script that takes something back.
fn undoes(script: &str, name: &str, words: &[&str]) -> Argv {
    Argv::new(late::undoes(&format!("{SHARED}{script}")), name, words)
}

/// Makes folders, each named after the one that it is in, and gives them to Flink's user.
#[must_use]
pub fn own(mount: &str, folders: &[String]) -> Argv {
    let mut words = vec![mount];
    words.extend(folders.iter().map(String::as_str));
    plain(OWN, "flinklab-own", &words)
}

/// Says the mode of a folder.
#[must_use]
pub fn mode(mount: &str, folder: &str) -> Argv {
    plain(MODE, "flinklab-mode", &[mount, folder])
}

/// Takes the right to write from a folder.
#[must_use]
pub fn forbid(run: &str, mount: &str, folder: &str) -> Argv {
    breaks(FORBID, "flinklab-forbid", &[run, mount, folder])
}

/// Gives a folder its mode again.
#[must_use]
pub fn allow(run: &str, mount: &str, folder: &str, mode: &str) -> Argv {
    undoes(ALLOW, "flinklab-allow", &[run, mount, folder, mode])
}

/// Moves the files of a job's state into a folder of its folder.
#[must_use]
pub fn lose(run: &str, mount: &str, folder: &str, aside: &str) -> Argv {
    breaks(LOSE, "flinklab-lose", &[run, mount, folder, aside])
}

/// Moves them back.
#[must_use]
pub fn give_back(run: &str, mount: &str, folder: &str, aside: &str) -> Argv {
    undoes(RETURN, "flinklab-return", &[run, mount, folder, aside])
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
