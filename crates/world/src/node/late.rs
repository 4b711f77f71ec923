//! What is sent to a node and not waited for goes on there. Scripts that break something and scripts
//! that take it back therefore leave word in the node itself: after an undo nothing of its run is
//! applied any more, however late it comes.

const UNLESS_UNDONE: &str = include_str!("../../../../assets/node/unless-undone.sh");
const UNDONE: &str = include_str!("../../../../assets/node/undone.sh");

/// A script that breaks something; its first argument is the run.
pub fn breaks(script: &str) -> String {
    format!("{UNLESS_UNDONE}{script}")
}

/// A script that takes something back; its first argument is the run.
pub fn undoes(script: &str) -> String {
    format!("{UNDONE}{script}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::path::Path;

    const ASIDE: &str = include_str!("../../../../assets/node/aside.sh");
    const BACK: &str = include_str!("../../../../assets/node/back.sh");

    /// Runs a script here, with a folder of its own in place of `/run`.
    fn run(folder: &Path, script: &str, words: &[&str]) -> Option<i32> {
        let script = script.replace("/run/", &format!("{}/", folder.display()));
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script, "flinklab-test", "one"]);
        command.args(words).output().unwrap().status.code()
    }

    #[test]
    fn what_lands_after_its_undo_is_refused_by_the_node() {
        let folder = tempfile::tempdir().unwrap();
        let (here, away) = (folder.path().join("here"), folder.path().join("away"));
        std::fs::write(&here, "manifest").unwrap();
        let (from, to) = (here.to_str().unwrap(), away.to_str().unwrap());
        assert_eq!(run(folder.path(), &breaks(ASIDE), &[from, to]), Some(0));
        assert!(away.exists() && !here.exists());
        assert_eq!(run(folder.path(), &undoes(BACK), &[to, from]), Some(0));
        assert!(here.exists());
        assert_eq!(run(folder.path(), &breaks(ASIDE), &[from, to]), Some(7));
        assert!(here.exists(), "it stays where it is");
    }
}
