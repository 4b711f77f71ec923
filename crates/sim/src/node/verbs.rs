//! The scripts of verbs in a simulated node: what their doubles act on.

use super::Shell;
use super::scripts::{now, same};
use super::shared;
use crate::cluster::{self, Cluster};
use crate::serve::Gate;
use flinklab_verb::{Part, Script, SharedFolder, Signal, SimNode};
use futures::future::BoxFuture;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Runs the double of a script to its end; the exit code.
pub(super) async fn run(shell: &Shell<'_>, script: &Script, words: &[&str]) -> i64 {
    let Some(cluster) = shell.cluster() else {
        shell.terminal.err("there is no cluster\n");
        return 2;
    };
    let node = VerbNode { shell, cluster };
    let words = match (script.part, words) {
        (Part::Look, words) => words,
        (Part::Break, [run, words @ ..]) => {
            if node.has(&undone_file(run)) {
                node.err("the run was taken back already");
                return 7;
            }
            words
        }
        (Part::Undo, [run, words @ ..]) => {
            node.write(&undone_file(run));
            words
        }
        (Part::Break | Part::Undo, []) => return 2,
    };
    (script.double)(&node, words).await
}

/// Where the node keeps that a run was taken back.
fn undone_file(run: &str) -> String {
    format!("/run/flinklab-{run}.undone")
}

/// A node of a cluster, as doubles see it.
struct VerbNode<'a> {
    shell: &'a Shell<'a>,
    cluster: Arc<Cluster>,
}

impl SimNode for VerbNode<'_> {
    fn out(&self, line: &str) {
        self.shell.terminal.out(format!("{line}\n"));
    }

    fn err(&self, line: &str) {
        self.shell.terminal.err(format!("{line}\n"));
    }

    fn stamp(&self, word: &str) {
        self.out(&format!("{word} {}", now()));
    }

    fn wait(&self, least: f64, most: f64) -> BoxFuture<'_, ()> {
        Box::pin(self.shell.sleep(self.cluster.between(least, most)))
    }

    fn runs(&self, pid: &str, start: &str) -> bool {
        same(&self.cluster, pid, start).is_some()
    }

    fn signal(&self, pid: &str, start: &str, signal: Signal) -> bool {
        let Some((id, _)) = same(&self.cluster, pid, start) else {
            return false;
        };
        let signal = match signal {
            Signal::Stop => cluster::Signal::Stop,
            Signal::Continue => cluster::Signal::Continue,
        };
        self.cluster.hold().signal(&id, signal);
        true
    }

    fn drop_packets(&self, mark: &str, address: &str) {
        let mut state = self.cluster.hold();
        let pod = (address.to_owned(), 0);
        state.cut.insert(mark.to_owned(), pod);
        state.beats += 1;
    }

    fn dropped(&self, mark: &str) -> u64 {
        let state = self.cluster.hold();
        state.cut.get(mark).map_or(0, |(_, dropped)| *dropped)
    }

    fn pass_packets(&self, mark: &str) {
        let mut state = self.cluster.hold();
        state.cut.remove(mark);
        state.beats += 1;
    }

    fn write(&self, path: &str) {
        super::write(self.shell.machine, self.shell.id, path, Vec::new());
    }

    fn has(&self, path: &str) -> bool {
        let engine = self.shell.machine.engine();
        let own = engine.containers.get(self.shell.id);
        own.is_some_and(|own| own.files.contains_key(path))
    }

    fn remove(&self, path: &str) -> bool {
        let mut engine = self.shell.machine.engine();
        let own = engine.containers.get_mut(self.shell.id);
        own.is_some_and(|own| own.files.remove(path).is_some())
    }

    fn stop_api_server(&self) {
        self.cluster.door.set(Gate::Shut);
    }

    fn start_api_server(&self, least: f64, most: f64) {
        let cluster = self.cluster.clone();
        tokio::spawn(async move {
            cluster.sleep(cluster.between(least, most)).await;
            cluster.door.set(Gate::Open);
        });
    }

    fn shared(&self, mount: &str) -> Result<Box<dyn SharedFolder + '_>, i64> {
        let real = shared::mounted(self.shell, mount)?;
        let shell = self.shell;
        Ok(Box::new(Mounted { shell, real }))
    }
}

/// The shared folder on this machine.
struct Mounted<'a> {
    shell: &'a Shell<'a>,
    real: PathBuf,
}

impl Mounted<'_> {
    /// Where a folder is that must be there.
    fn at(&self, folder: &str) -> Result<PathBuf, i64> {
        shared::descend(self.shell, &self.real, folder)?.ok_or(4)
    }
}

impl SharedFolder for Mounted<'_> {
    fn is_there(&self, folder: &str) -> Result<bool, i64> {
        let found = shared::descend(self.shell, &self.real, folder)?;
        Ok(found.is_some())
    }

    fn mode(&self, folder: &str) -> Result<u32, i64> {
        let found = fs::metadata(self.at(folder)?).map_err(|_| 4)?;
        Ok(found.permissions().mode() & 0o7777)
    }

    fn set_mode(&self, folder: &str, mode: u32) -> Result<(), i64> {
        let set = fs::set_permissions(self.at(folder)?, Permissions::from_mode(mode));
        set.map_err(|why| {
            self.shell.terminal.err(format!("chmod: {why}\n"));
            4
        })
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, i64> {
        Ok(shared::names(&self.at(folder)?).collect())
    }

    fn files(&self, folder: &str) -> Result<Vec<String>, i64> {
        Ok(shared::files(&self.at(folder)?).collect())
    }

    fn rename(&self, name: &str, from: &str, to: &str) -> Result<bool, i64> {
        let from = self.at(from)?.join(name);
        shared::descend(self.shell, &self.real, to)?;
        let to = self.real.join(to);
        if fs::symlink_metadata(to.join(name)).is_ok() {
            return Ok(false);
        }
        let moved = fs::create_dir_all(&to).and_then(|()| fs::rename(from, to.join(name)));
        moved.map(|()| true).map_err(|_| 5)
    }

    fn remove(&self, folder: &str) -> Result<(), i64> {
        fs::remove_dir_all(self.at(folder)?).map_err(|_| 6)
    }
}
