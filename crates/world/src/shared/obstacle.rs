//! What is in the way below the shared folder, in the words of a person: what it is, and how it is
//! removed. Read off what a script in a node says, or made by who reads the folder here.

use crate::clean;
use flinklab_base::advice::Advice;
use flinklab_base::fault::Fault;
use flinklab_base::shell::word as quoted;
use std::path::Path;

/// How a script in a node ends that refuses to go on.
const REFUSED: i64 = 8;

/// What is in the place of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Below the shared folder.
    path: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// A link, and where it leads.
    Link(String),
    File,
    /// It was another one when it was entered.
    Moved,
    /// Something else is mounted there.
    Mount,
}

impl Obstacle {
    /// A link.
    #[must_use]
    pub fn link(path: &str, target: &str) -> Self {
        Self::new(path, Kind::Link(clean::message(target)))
    }

    /// Something that is no folder.
    #[must_use]
    pub fn file(path: &str) -> Self {
        Self::new(path, Kind::File)
    }

    fn new(path: &str, kind: Kind) -> Self {
        let path = clean::message(path);
        Self { path, kind }
    }

    /// What a script says that ended with this code. None: it was not refused.
    #[must_use]
    pub fn said(code: i64, words: &str) -> Option<Self> {
        let mut lines = words.lines();
        let said = lines.find_map(|line| line.strip_prefix("refused "));
        let (kind, rest) = said.filter(|_| code == REFUSED)?.split_once(' ')?;
        Some(match (kind, rest.split_once(" -> ")) {
            ("link", Some((path, target))) => Self::link(path, target),
            ("file", _) => Self::file(rest),
            ("mount", _) => Self::new(rest, Kind::Mount),
            _ => Self::new(rest, Kind::Moved),
        })
    }

    /// Whether something else is mounted there.
    #[must_use]
    pub fn is_mount(&self) -> bool {
        self.kind == Kind::Mount
    }

    /// As a fault of what was done in a node, which has the folder at `mount`; `again` is what to do
    /// when it is removed.
    #[must_use]
    pub fn in_node(&self, node: &str, mount: &str, again: &Advice) -> Fault {
        let path = quoted(&format!("{}/{}", mount.trim_end_matches('/'), self.path));
        self.fault(&format!("docker exec {node} rm {path}"), again)
    }

    /// As a fault of what was read here; `ours` where we may remove it.
    #[must_use]
    pub fn here(&self, shared: &Path, ours: bool) -> Fault {
        let path = quoted(&shared.join(&self.path).to_string_lossy());
        let sudo = if ours { "" } else { "sudo " };
        self.fault(&format!("{sudo}rm {path}"), &"run the command again".into())
    }

    /// As a fault of what a container of its own met in the folder.
    #[must_use]
    pub fn in_way(&self, shared: &str, again: &Advice) -> Fault {
        let path = quoted(&format!("{shared}/{}", self.path));
        self.fault(&format!("sudo rm {path}"), again)
    }

    fn fault(&self, remove: &str, again: &Advice) -> Fault {
        const WHERE: &str = "below the lab's shared folder";
        const WHY: &str = "a job may have put it there";
        let path = &self.path;
        let then = |first: String| Advice::from(first).then("", again).then("", &".".into());
        let removed = then(format!("Remove it (`{remove}`), then "));
        match &self.kind {
            Kind::Link(target) => {
                let what = format!("`{path}` {WHERE} is a link to {target}.");
                let why =
                    format!("{WHY}, and what is done there would be done to what it points to");
                Fault::unable("shared-link", what).why(why).hint(removed)
            }
            Kind::File => {
                let what = format!("`{path}` {WHERE} is a file, not a folder.");
                Fault::unable("shared-not-folder", what)
                    .why(WHY)
                    .hint(removed)
            }
            Kind::Moved => {
                let what = format!("`{path}` {WHERE} was replaced while it was entered.");
                Fault::unable("shared-link", what)
                    .why("a job may have put a link there")
                    .hint(then("Stop the job that does it, then ".to_owned()))
            }
            Kind::Mount => {
                let what = format!("Something else is mounted at `{path}` {WHERE}.");
                Fault::unable("shared-mount", what)
                    .why("what it holds is not the lab's")
                    .hint(then("Unmount it, then ".to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_base::advice::Invocation;

    #[test]
    fn a_refusal_names_the_link_and_how_it_is_removed() {
        let said = "noise\nrefused link a b/c -> /etc/\u{1b}[2Jx \n";
        let fault = Obstacle::said(8, said).unwrap();
        let fault = fault.in_node("n", "/flink-shared/", &"run `flinklab up` again".into());
        assert_eq!(
            fault.what,
            "`a b/c` below the lab's shared folder is a link to /etc/x."
        );
        assert_eq!(
            Invocation::named("x").advise(&fault.hint),
            "Remove it (`docker exec n rm '/flink-shared/a b/c'`), then run `flinklab up --name x` \
             again."
        );
        assert_eq!(Obstacle::said(1, said), None);
        assert_eq!(Obstacle::said(8, "sh: not found"), None);
        assert!(Obstacle::said(8, "refused mount x").unwrap().is_mount());
    }
}
