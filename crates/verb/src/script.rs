//! The scripts that verbs run in a node, and what goes before each of them.
//!
//! What is sent to a node and not waited for goes on there. Scripts that break something and scripts
//! that take it back therefore leave word in the node itself: after an undo nothing of its run is
//! applied any more, however late it comes.

use crate::{SimNode, Simulated, VERBS};

const UNLESS_UNDONE: &str = include_str!("../../../assets/node/unless-undone.sh");
const UNDONE: &str = include_str!("../../../assets/node/undone.sh");
/// Before a script that works in the shared folder: it follows no link and leaves the mount nowhere.
pub const SHARED: &str = include_str!("../../../assets/node/shared.sh");

/// A shell script of a verb.
pub struct Script {
    /// `flinklab-…`: its name in the node's list of processes, and in the simulation.
    pub name: &'static str,
    /// Its text, from `assets/node`.
    pub text: &'static str,
    /// What it is for.
    pub part: Part,
    /// It works in the shared folder; its first argument is where the node has that.
    pub shared: bool,
    /// Does the same in a simulated node: with the same output, and the same exit code.
    pub double: Double,
}

/// What a script does in a simulated node. The run that the real one begins with was looked at
/// already.
pub type Double = for<'a> fn(&'a dyn SimNode, &'a [&'a str]) -> Simulated<'a>;

/// What a script is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It changes nothing.
    Look,
    /// It breaks something, unless its run was taken back.
    Break,
    /// It takes something back.
    Undo,
}

/// A script outside the shared folder.
#[must_use]
pub const fn script(name: &'static str, text: &'static str, part: Part, double: Double) -> Script {
    Script {
        name,
        text,
        part,
        shared: false,
        double,
    }
}

impl Script {
    /// The script of a verb with that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        let mut all = VERBS.iter().flat_map(|step| step.facts().scripts);
        all.find(|script| script.name == name).copied()
    }

    /// The same, which works in the shared folder.
    #[must_use]
    pub const fn in_shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// The command that runs it in a node.
    #[must_use]
    pub fn argv(&self, run: &str, words: &[&str]) -> Vec<String> {
        let shared = if self.shared { SHARED } else { "" };
        let text = format!("{shared}{}", self.text);
        let (text, first) = match self.part {
            Part::Look => (text, None),
            Part::Break => (breaks(&text), Some(run)),
            Part::Undo => (undoes(&text), Some(run)),
        };
        let head = ["sh", "-c", &text, self.name];
        let all = head.into_iter().chain(first).chain(words.iter().copied());
        all.map(str::to_owned).collect()
    }
}

/// A script that breaks something; its first argument is the run.
#[must_use]
pub fn breaks(script: &str) -> String {
    format!("{UNLESS_UNDONE}{script}")
}

/// A script that takes something back; its first argument is the run.
#[must_use]
pub fn undoes(script: &str) -> String {
    format!("{UNDONE}{script}")
}
