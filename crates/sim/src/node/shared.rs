//! The scripts that work in the shared folder, as `shared.sh` has them: a link in the way is named and
//! not followed.

use super::Shell;
use crate::context::Trouble;
use crate::shared;
use crate::shared::Obstacle;
use std::fs;
use std::path::{Path, PathBuf};

/// How many links are named.
const LINKS: usize = 4;

/// Where a node's mount really is; says so where it is none.
pub(super) fn mounted(shell: &Shell<'_>, mount: &str) -> Result<PathBuf, i64> {
    let engine = shell.machine.engine();
    let own = engine.containers.get(shell.id);
    own.and_then(|own| own.on_disk(mount)).ok_or_else(|| {
        let said = format!("sh: 1: cd: can't cd to {mount}\n");
        shell.terminal.err(said);
        3
    })
}

/// Says what is in the way.
fn refused(shell: &Shell<'_>, obstacle: &Obstacle) -> i64 {
    shell.terminal.err(format!("{}\n", obstacle.words()));
    8
}

/// A folder below a node's mount. None: there is none.
pub(super) fn descend(
    shell: &Shell<'_>,
    mount: &Path,
    below: &str,
) -> Result<Option<PathBuf>, i64> {
    shared::folder(mount, below).map_err(|obstacle| refused(shell, &obstacle))
}

/// Runs a script; None: it is none of these.
pub(super) fn run(shell: &Shell<'_>, verb: &str, words: &[&str]) -> Option<i64> {
    let ended = match (verb, words) {
        ("flinklab-own", [mount, folders @ ..]) => own(shell, mount, folders),
        ("flinklab-measure", [mount]) => size(shell, mount).map(drop),
        ("flinklab-purge", [mount]) => purge(shell, mount),
        _ => return None,
    };
    Some(ended.err().unwrap_or(0))
}

/// Makes folders that Flink may write to.
fn own(shell: &Shell<'_>, mount: &str, folders: &[&str]) -> Result<(), i64> {
    let real = mounted(shell, mount)?;
    shell.terminal.out("ok\n");
    for folder in folders {
        if descend(shell, &real, folder)?.is_none()
            && let Err(why) = fs::create_dir(real.join(folder))
        {
            let said = format!("mkdir: cannot create directory './{folder}': {why}\n");
            shell.terminal.err(said);
            return Err(1);
        }
        shell.terminal.out("ok\n");
    }
    let digits = shell.machine.context.dice.uuid().replace('-', "");
    let seen = format!(".flinklab-seen-{}", &digits[..10]);
    // Where the folder is not shared, the host does not see it.
    if shell.machine.context.trouble() != Some(Trouble::FolderNotShared) {
        let path = format!("{mount}/{seen}");
        super::write(shell.machine, shell.id, &path, Vec::new());
    }
    shell.terminal.out(format!("seen {seen}\n"));
    Ok(())
}

pub(super) fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

pub(super) fn files(folder: &Path) -> impl Iterator<Item = String> {
    let is_file = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    names(folder).filter(move |name| is_file(&folder.join(name)))
}

/// Says how much is in the shared folder, and where that is.
fn size(shell: &Shell<'_>, mount: &str) -> Result<PathBuf, i64> {
    let real = mounted(shell, mount)?;
    let (mut files, mut bytes, mut links) = (0, 0, Vec::new());
    measure(&real, &mut files, &mut bytes, &mut links);
    for link in links.iter().take(LINKS) {
        let below = link.strip_prefix(&real).unwrap_or(link).display();
        shell.terminal.out(format!("link {below}\n"));
    }
    shell.terminal.out(format!("{files} {bytes}\n"));
    Ok(real)
}

fn measure(folder: &Path, files: &mut u64, bytes: &mut u64, links: &mut Vec<PathBuf>) {
    for name in names(folder) {
        let path = folder.join(name);
        let Ok(found) = fs::symlink_metadata(&path) else {
            continue;
        };
        *files += 1;
        *bytes += found.len();
        if found.is_dir() {
            measure(&path, files, bytes, links);
        } else if found.is_symlink() {
            links.push(path);
        }
    }
}

fn purge(shell: &Shell<'_>, mount: &str) -> Result<(), i64> {
    let real = size(shell, mount)?;
    for name in names(&real) {
        let path = real.join(name);
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
        let removed = if is_folder {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        };
        removed.map_err(|_| 1)?;
    }
    Ok(())
}
