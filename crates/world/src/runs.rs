//! The runs folder: one folder a run with its result, written in one stroke. Knows neither how a
//! run is judged nor how it is shown.

pub mod elsewhere;
pub(super) mod written;

use super::files::{self, Privacy};
use super::home::Home;
use super::{Events, World};
use flinklab_base::fault::Fault;
use flinklab_event::{Event, RunResult};
use std::fs;
use std::io::Read;
use std::path::Path;

/// Name of the file in a run's folder.
const RESULT: &str = "result.json";
/// A result above this is not ours.
const LIMIT: u64 = 4 * 1024 * 1024;

/// Writes a finished run to its folder and says so, or why it is not there.
pub async fn save(world: &World, result: &RunResult, events: &Events) {
    let home = Home::of(&world.addresses, &world.name);
    match write(&home, result) {
        Ok(()) => events.send(Event::Saved(Box::new(result.clone()))).await,
        Err(fault) => events.failed(not_kept(&home, result, &fault)).await,
    }
}

fn not_kept(home: &Home, result: &RunResult, fault: &Fault) -> Fault {
    let what = format!(
        "The run {} was judged {}, but could not be written to {}.",
        result.run,
        result.verdict,
        home.runs().display()
    );
    Fault::unable("run-not-kept", what)
        .why(format!("{} {}", fault.what, fault.why).trim_end())
        .hint("Make room or correct the permissions, then break again: no report can be made of this run.")
}

fn write(home: &Home, result: &RunResult) -> Result<(), Fault> {
    let folder = make_folder(home, &result.run)?;
    let mut text = serde_json::to_string_pretty(result)
        .map_err(|error| unwritable(&folder, &std::io::Error::other(error)))?;
    text.push('\n');
    home.replace(&folder.join(RESULT), text.as_bytes())
}

/// The folder of a run; it may be there already.
pub(super) fn make_folder(home: &Home, run: &str) -> Result<std::path::PathBuf, Fault> {
    let name = plain_name(run)?;
    let runs = home.runs();
    let folder = runs.join(name);
    for path in [&runs, &folder] {
        home.plain(path)?;
        files::add_folder(path).map_err(|error| unwritable(path, &error))?;
    }
    Ok(folder)
}

/// The finished runs, oldest first. Folders that hold no readable result are passed over: another
/// process may just be writing one.
pub fn list(home: &Home) -> Result<Vec<RunResult>, Fault> {
    let runs = home.runs();
    home.plain(&runs)?;
    let entries = match fs::read_dir(&runs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Fault::unable(
                "runs-unreadable",
                format!("Cannot read {}.", runs.display()),
            )
            .why(error));
        }
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    Ok(names
        .iter()
        .filter_map(|name| read(home, name).ok())
        .collect())
}

/// One finished run by its name.
pub fn read(home: &Home, run: &str) -> Result<RunResult, Fault> {
    let folder = home.runs().join(plain_name(run)?);
    let path = folder.join(RESULT);
    let unknown = |why: String| {
        Fault::wrong("no-run", format!("There is no finished run `{run}`."))
            .why(why)
            .hint("Look into the folder `runs` of the lab for those that exist.")
    };
    home.plain(&folder)?;
    home.plain(&path)?;
    let mut text = String::new();
    fs::File::open(&path)
        .and_then(|file| file.take(LIMIT).read_to_string(&mut text))
        .map_err(|error| unknown(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| unknown(error.to_string()))
}

/// Writes a report where the person wants it. A file that is there is replaced in one stroke.
pub fn keep(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    files::replace(path, bytes, Privacy::Readable).map_err(|error| {
        Fault::unable(
            "out-unwritable",
            format!("Cannot write {}.", path.display()),
        )
        .why(error)
        .hint("Name a file in a folder that exists and that you may write to.")
    })
}

/// A run's name becomes a folder's: nothing in it may lead elsewhere.
pub(super) fn plain_name(run: &str) -> Result<&str, Fault> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !run.is_empty() && run.len() <= 100 && run.chars().all(plain) {
        Ok(run)
    } else {
        Err(Fault::wrong(
            "no-run",
            format!("`{run}` is not the name of a run."),
        ))
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::unable(
        "home-unwritable",
        format!("Cannot write {}.", path.display()),
    )
    .why(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_event::{Origin, Record, Target};
    use flinklab_lab::failure::{Role, Verdict};

    fn home(folder: &Path) -> Home {
        Home {
            folder: folder.to_owned(),
            name: "flinklab".to_owned(),
        }
    }

    fn result(run: &str) -> RunResult {
        RunResult {
            run: run.to_owned(),
            failure: "jm-crash".to_owned(),
            target: Target {
                pod: "p".to_owned(),
                uid: "u".to_owned(),
                role: Role::JobManager,
                container_name: "c".to_owned(),
                container: None,
                node: None,
                epoch: None,
                reason: String::new(),
                object: None,
                also: Vec::new(),
            },
            origin: Origin::Simulated,
            at: jiff::Timestamp::UNIX_EPOCH,
            verdict: Verdict::Pass,
            expected: Verdict::Pass,
            recovery_ms: Some(16_230),
            phases: Vec::new(),
            statements: Vec::new(),
            record: Record::default(),
        }
    }

    #[test]
    fn a_run_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        assert_eq!(list(&home).unwrap(), []);
        let (first, second) = (
            result("20261122-231501-jm-crash"),
            result("20261122-231702-tm-stop"),
        );
        write(&home, &second).unwrap();
        write(&home, &first).unwrap();
        assert_eq!(list(&home).unwrap(), [first.clone(), second]);
        assert_eq!(read(&home, &first.run).unwrap(), first);
    }

    #[test]
    fn folders_without_a_result_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        write(&home, &result("a")).unwrap();
        fs::create_dir(home.runs().join("b")).unwrap();
        fs::create_dir(home.runs().join("c")).unwrap();
        fs::write(home.runs().join("c").join(RESULT), "{").unwrap();
        assert_eq!(list(&home).unwrap().len(), 1);
        assert_eq!(read(&home, "c").unwrap_err().code, "no-run");
    }

    #[test]
    fn a_runs_name_never_leads_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        for name in ["", "..", "a/b", "/etc", "a.b", "a\u{0}b"] {
            assert!(write(&home, &result(name)).is_err(), "{name:?}");
            assert!(read(&home, name).is_err(), "{name:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_the_folder_is_not_followed() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let home = home(folder.path());
        std::os::unix::fs::symlink(other.path(), home.runs()).unwrap();
        assert!(write(&home, &result("a")).is_err());
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_run_that_cannot_be_written_is_a_fault() {
        use flinklab_event::{Effect, EffectKind};
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder.path().join("flinklab"));
        fs::create_dir(&home.folder).unwrap();
        fs::write(home.runs(), "no folder").unwrap();
        let addresses = crate::Addresses::new(folder.path(), folder.path().join("config.toml"));
        let world = std::sync::Arc::new(World::new(addresses, home.name, None, false));
        let (to, mut from) = tokio::sync::mpsc::channel(8);
        let save = Effect::Save(Box::new(result("a")));
        let stop = tokio_util::sync::CancellationToken::new();
        crate::perform(world.clone(), save, Events::new(to), stop).await;
        let Some(Event::Failed { effect, fault }) = from.recv().await.map(|told| told.event) else {
            panic!("it is announced as if it were written");
        };
        let run = "a".to_owned();
        assert_eq!(effect, EffectKind::Save { run });
        assert_eq!(fault.code, "run-not-kept");
        assert!(fault.what.contains("judged PASS"), "{}", fault.what);
        assert!(from.recv().await.is_none(), "nothing else is said");
        let judged = world.judged.borrow().clone();
        assert_eq!(judged.as_deref(), Some("a"), "its failure is taken back");
    }

    #[test]
    fn a_file_laid_beside_a_report_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (out, other) = (folder.path().join("a.html"), folder.path().join("other"));
        fs::write(&other, "theirs").unwrap();
        // the name that was used until now could be guessed by anybody who may write there
        let guessed = folder
            .path()
            .join(format!(".a.html.{}", std::process::id()));
        std::os::unix::fs::symlink(&other, &guessed).unwrap();
        keep(&out, b"new").unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
        assert_eq!(fs::read_to_string(&out).unwrap(), "new");
    }

    #[test]
    fn a_link_in_the_place_of_a_report_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (out, other) = (folder.path().join("a.html"), folder.path().join("other"));
        fs::write(&other, "theirs").unwrap();
        std::os::unix::fs::symlink(&other, &out).unwrap();
        let fault = keep(&out, b"new").unwrap_err();
        assert_eq!(fault.code, "out-unwritable");
        assert!(fault.why.contains("symbolic link"), "{fault}");
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
        assert_eq!(fs::read_link(&out).unwrap(), other);
    }
}
