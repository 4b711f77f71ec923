//! Whether a process that wrote something down still lives.

use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A process, told apart from a later one with the same number by its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its number.
    pub pid: u32,
    /// When it started, as this machine tells it.
    pub start: String,
}

impl Owner {
    /// This process.
    #[must_use]
    pub fn this() -> Self {
        let pid = std::process::id();
        Self {
            pid,
            start: started(pid).unwrap_or_default(),
        }
    }

    /// The process that has this number now, if one has.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        started(pid).map(|start| Self { pid, start })
    }

    /// It still runs.
    #[must_use]
    pub fn lives(&self) -> bool {
        started(self.pid).is_some_and(|start| start == self.start)
    }
}

/// When a process started, in whatever way this machine tells it; none if there is no such process.
fn started(pid: u32) -> Option<String> {
    // Where the kernel tells it, nobody else is asked: also of a process that is gone.
    if Path::new("/proc/self/stat").exists() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace();
        // A process that ended and was not waited for yet does nothing any more.
        return match fields.next()? {
            "Z" | "X" => None,
            _ => fields.nth(18).map(str::to_owned),
        };
    }
    started_by_ps(pid)
}

/// The question of a machine without /proc. It tells the same in every terminal: the time in words,
/// which would be another one in another language or time zone.
fn asking(pid: u32) -> Command {
    let mut ps = Command::new("ps");
    ps.args(["-o", "lstart=", "-p", &pid.to_string()]);
    ps.env("LC_ALL", "C").env("TZ", "UTC");
    ps
}

fn started_by_ps(pid: u32) -> Option<String> {
    let told = asking(pid).output().ok()?;
    let text = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_owner_lives_as_long_as_its_process_and_no_longer() {
        assert!(Owner::this().lives());
        let other = Owner {
            start: "1".to_owned(),
            ..Owner::this()
        };
        assert!(!other.lives(), "another process with the same number");
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let owner = Owner::of(child.id()).unwrap();
        assert!(owner.lives());
        child.kill().unwrap();
        // its parent may take its time to notice: it does nothing any more all the same
        rustix::process::waitid(
            rustix::process::WaitId::Pid(rustix::process::Pid::from_child(&child)),
            rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT,
        )
        .unwrap();
        assert!(!owner.lives() && Owner::of(child.id()).is_none());
        child.wait().unwrap();
        assert!(!owner.lives());
    }

    #[test]
    fn a_start_is_told_in_the_same_words_in_every_terminal() {
        let ps = asking(1);
        let set = |name: &str| {
            let mut all = ps.get_envs();
            all.find(|(key, _)| *key == name)
                .and_then(|(_, value)| value?.to_str())
        };
        assert_eq!((set("LC_ALL"), set("TZ")), (Some("C"), Some("UTC")));
    }
}
