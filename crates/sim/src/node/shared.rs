//! The scripts that work in the shared folder, as `shared.sh` has them: a link in the way is named and
//! not followed.

use super::Shell;
use super::broken::{late, note_undone, told};
use crate::ground::Trouble;
use crate::shared;
use crate::shared::Obstacle;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How many links are named.
const LINKS: usize = 4;

/// Where a node's mount really is; says so where it is none.
fn mounted(shell: &Shell<'_>, mount: &str) -> Result<PathBuf, i64> {
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
fn descend(shell: &Shell<'_>, mount: &Path, below: &str) -> Result<Option<PathBuf>, i64> {
    shared::folder(mount, below).map_err(|obstacle| refused(shell, &obstacle))
}

/// The same, where there must be one.
fn must_descend(shell: &Shell<'_>, mount: &Path, below: &str) -> Result<PathBuf, i64> {
    descend(shell, mount, below)?.ok_or_else(|| {
        shell.terminal.err(format!("{below} is no folder\n"));
        3
    })
}

/// Runs a script; None: it is none of these.
pub(super) fn run(shell: &Shell<'_>, verb: &str, words: &[&str]) -> Option<i64> {
    let ended = match (verb, words) {
        ("flinklab-own", [mount, folders @ ..]) => own(shell, mount, folders),
        ("flinklab-mode", [mount, folder]) => mode(shell, mount, folder),
        ("flinklab-forbid", [run, mount, folder]) => forbid(shell, run, mount, folder),
        ("flinklab-allow", [run, mount, folder, mode]) => allow(shell, run, mount, (folder, mode)),
        ("flinklab-lose", [run, mount, folder, aside]) => lose(shell, run, mount, (folder, aside)),
        ("flinklab-return", [run, mount, folder, aside]) => {
            give_back(shell, run, mount, (folder, aside))
        }
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
    let digits = shell.machine.ground.dice.uuid().replace('-', "");
    let seen = format!(".flinklab-seen-{}", &digits[..10]);
    // Where the folder is not shared, the host does not see it.
    if shell.machine.ground.trouble() != Some(Trouble::FolderNotShared) {
        let path = format!("{mount}/{seen}");
        super::write(shell.machine, shell.id, &path, Vec::new());
    }
    shell.terminal.out(format!("seen {seen}\n"));
    Ok(())
}

fn mode(shell: &Shell<'_>, mount: &str, folder: &str) -> Result<(), i64> {
    let real = must_descend(shell, &mounted(shell, mount)?, folder)?;
    let mode = fs::metadata(real).map_err(|_| 1)?.permissions().mode();
    shell.terminal.out(format!("{:o}\n", mode & 0o7777));
    Ok(())
}

fn set_mode(shell: &Shell<'_>, folder: &Path, mode: u32) -> Result<(), i64> {
    fs::set_permissions(folder, Permissions::from_mode(mode)).map_err(|why| {
        shell.terminal.err(format!("chmod: {why}\n"));
        4
    })
}

fn forbid(shell: &Shell<'_>, run: &str, mount: &str, folder: &str) -> Result<(), i64> {
    if late(shell, run) {
        return Err(7);
    }
    let real = must_descend(shell, &mounted(shell, mount)?, folder)?;
    told(shell, "sent");
    let mode = fs::metadata(&real).map_err(|_| 4)?.permissions().mode();
    set_mode(shell, &real, mode & 0o7555)?;
    told(shell, "stopped");
    Ok(())
}

fn allow(
    shell: &Shell<'_>,
    run: &str,
    mount: &str,
    (folder, mode): (&str, &str),
) -> Result<(), i64> {
    note_undone(shell, run);
    if let Some(real) = descend(shell, &mounted(shell, mount)?, folder)? {
        set_mode(shell, &real, u32::from_str_radix(mode, 8).map_err(|_| 4)?)?;
    }
    told(shell, "undone");
    Ok(())
}

/// The folder aside is one of the job's folder.
fn name_of(aside: &str) -> &str {
    aside.rsplit('/').next().unwrap_or(aside)
}

fn lose(
    shell: &Shell<'_>,
    run: &str,
    mount: &str,
    (folder, aside): (&str, &str),
) -> Result<(), i64> {
    if late(shell, run) {
        return Err(7);
    }
    let real = mounted(shell, mount)?;
    let job = must_descend(shell, &real, folder)?;
    let aside = format!("{folder}/{}", name_of(aside));
    let mut lost = 0;
    for below in folders_of_state(&job) {
        let into = format!("{aside}/{below}");
        descend(shell, &real, &into)?;
        let Some(from) = descend(shell, &real, &format!("{folder}/{below}"))? else {
            continue;
        };
        for name in files(&from).filter(|name| name != "_metadata") {
            let to = real.join(&into);
            let moved =
                fs::create_dir_all(&to).and_then(|()| fs::rename(from.join(&name), to.join(&name)));
            moved.map_err(|_| 4)?;
            lost += 1;
        }
    }
    if lost == 0 {
        let said = format!("there is no file of state below {folder}\n");
        shell.terminal.err(said);
        return Err(5);
    }
    shell.terminal.out(format!("lost {lost}\n"));
    Ok(())
}

fn give_back(
    shell: &Shell<'_>,
    run: &str,
    mount: &str,
    (folder, aside): (&str, &str),
) -> Result<(), i64> {
    note_undone(shell, run);
    let real = mounted(shell, mount)?;
    let aside = format!("{folder}/{}", name_of(aside));
    if descend(shell, &real, folder)?.is_some()
        && let Some(away) = descend(shell, &real, &aside)?
    {
        for below in folders_of_state(&away) {
            let from = descend(shell, &real, &format!("{aside}/{below}"))?;
            let to = descend(shell, &real, &format!("{folder}/{below}"))?;
            let (Some(from), Some(to)) = (from, to) else {
                continue;
            };
            for name in files(&from) {
                if fs::symlink_metadata(to.join(&name)).is_err() {
                    fs::rename(from.join(&name), to.join(&name)).map_err(|_| 5)?;
                }
            }
        }
        fs::remove_dir_all(&away).map_err(|_| 6)?;
    }
    told(shell, "undone");
    Ok(())
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

/// What a job's folder has of folders with state, whatever is in their place.
fn folders_of_state(job: &Path) -> Vec<String> {
    let is_checkpoint = |name: &str| {
        let digits = name.strip_prefix("chk-").unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut all: Vec<String> = names(job)
        .filter(|name| name == "shared" || is_checkpoint(name))
        .collect();
    all.sort();
    all
}

fn files(folder: &Path) -> impl Iterator<Item = String> {
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
        let removed = match is_folder {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        };
        removed.map_err(|_| 1)?;
    }
    Ok(())
}
