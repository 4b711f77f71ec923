//! Speaker notes from one terminal to another: a Unix socket in the lab's folder, no port. Whoever shows
//! the lab writes the newest note as a line whenever it changed; whoever listens reads lines. Nothing
//! that is sent here is acted upon.

use super::beat::beat;
use super::home::Home;
use super::{Events, World};
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_event::{Event, Note};
use futures::stream::{FuturesUnordered, StreamExt};
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Between two looks whether there is a lab whose folder the socket could be in.
const LOOK: Duration = Duration::from_secs(1);
/// Those who listen at a time: one is usual.
const LISTENERS: usize = 8;
/// How long the other side may take to accept a word.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a line is: notes are short.
const LONGEST: usize = 64 * 1024;

/// The socket of one who serves: the folder is locked for as long as it is there, so that of two who
/// begin together one serves, and nobody removes what is another one's.
struct Socket {
    path: PathBuf,
    /// Which file it is: the folder may have been removed beneath us, and be another one now.
    file: (u64, u64),
    _folder: Locked,
}

/// A file whose lock is given back when it is dropped. Closing it is not enough: a process that is
/// being started by another thread holds the same lock until it becomes another program.
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Socket {
    fn is_there(&self) -> bool {
        file_of(&self.path) == Some(self.file)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.is_there() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn file_of(path: &Path) -> Option<(u64, u64)> {
    let found = std::fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Lets second terminals come in, until told to stop. A lab that is built later gets its socket
/// then. Of two that show the same lab, the first one is listened to.
pub(super) async fn serve(world: &World, stop: &CancellationToken) {
    let home = Home::of(&world.addresses, &world.name);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = served(world, &home) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = beat(LOOK) => {}
        }
    }
}

async fn served(world: &World, home: &Home) {
    if !matches!(home.read_state(), Ok(Some(_))) {
        return;
    }
    let (listener, socket) = match open(home).await {
        Ok(Some(open)) => open,
        Ok(None) => return,
        Err(fault) => {
            tracing::warn!(%fault, "nobody can read the notes");
            return;
        }
    };
    let mut open = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(()) = open.next() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                if open.len() < LISTENERS {
                    open.push(tell(stream, world.note.subscribe()));
                }
            }
            // the folder may be removed beneath us: another one gets another socket
            () = beat(LOOK) => if !socket.is_there() { return },
        }
    }
}

/// The socket; none where another process serves it.
async fn open(home: &Home) -> Result<Option<(UnixListener, Socket)>, Fault> {
    let path = home.notes();
    home.plain(&path)?;
    let unable = |error: std::io::Error| {
        Fault::unable("no-notes", format!("Cannot open the socket {}.", path.display()))
            .why(error)
            .hint("A path of a socket has at most about 100 characters: set FLINKLAB_HOME to a shorter one.")
    };
    let folder = Locked(File::open(&home.folder).map_err(unable)?);
    match folder.0.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(unable(error)),
    }
    // one of an older version locks nothing
    if let Ok(Ok(_)) = timeout(PATIENCE, UnixStream::connect(&path)).await {
        return Ok(None);
    }
    // what a killed process left
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(unable(error)),
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(unable)?;
    let Some(file) = file_of(&path) else {
        return Ok(None); // removed since, with its folder
    };
    let socket = Socket {
        path: path.clone(),
        file,
        _folder: folder,
    };
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(unable)?;
    Ok(Some((listener, socket)))
}

/// Writes the newest note whenever it changed, until the other side is gone.
async fn tell(stream: UnixStream, mut notes: watch::Receiver<Option<Note>>) {
    let (mut from, mut to) = stream.into_split();
    notes.mark_changed();
    let mut said = [0; 1];
    loop {
        // Whoever listens says nothing: a word of it is as good as its end.
        tokio::select! {
            changed = notes.changed() => if changed.is_err() { return },
            _ = from.read(&mut said) => return,
        }
        let note = notes.borrow_and_update().clone();
        let Some(mut line) = note.and_then(|note| serde_json::to_string(&note).ok()) else {
            continue;
        };
        line.push('\n');
        match timeout(PATIENCE, to.write_all(line.as_bytes())).await {
            Ok(Ok(())) => {}
            // One that does not read keeps its place from others.
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

/// Reads notes until the terminal that shows the lab is gone.
pub(super) async fn listen(world: &World, events: &Events) {
    let home = Home::of(&world.addresses, &world.name);
    let stream = match connect(&home.notes()).await {
        Ok(stream) => stream,
        Err(fault) => return events.failed(fault).await,
    };
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = (&mut lines).take(LONGEST as u64);
        match limited.read_until(b'\n', &mut line).await {
            Ok(1..) => {
                if let Ok(note) = serde_json::from_slice::<Note>(&line) {
                    events.send(Event::Note(Box::new(cleaned(note)))).await;
                }
            }
            Ok(0) | Err(_) => return events.send(Event::Silence).await,
        }
    }
}

async fn connect(path: &Path) -> Result<UnixStream, Fault> {
    UnixStream::connect(path).await.map_err(|error| {
        Fault::unable("no-presenter", "Nobody shows this lab now, so there are no notes.")
            .why(error)
            .hint(advice!(
                "Start `flinklab --present` in another terminal first. A simulated lab is in a folder of its \
                 own: its key P tells the command."
            ))
    })
}

/// A lab's lessons may come from anywhere: nothing in them steers a terminal.
fn cleaned(mut note: Note) -> Note {
    let texts = [
        &mut note.lab,
        &mut note.lesson,
        &mut note.title,
        &mut note.say,
        &mut note.watch,
        &mut note.state,
        &mut note.hint,
        &mut note.press,
        &mut note.next,
    ];
    for text in texts.into_iter().chain(&mut note.checks) {
        *text = super::clean::message(text);
    }
    note
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn home(folder: &Path) -> Home {
        Home {
            folder: folder.to_owned(),
            name: "t".to_owned(),
        }
    }

    #[tokio::test]
    async fn of_two_that_begin_together_one_serves_and_the_other_takes_nothing_away() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        // what a killed process left
        drop(UnixListener::bind(home.notes()).unwrap());
        // another one that has found nobody and has no socket yet
        let begins = File::open(&home.folder).unwrap();
        begins.lock().unwrap();
        assert!(open(&home).await.unwrap().is_none());
        assert!(home.notes().exists(), "its path is not ours");
        begins.unlock().unwrap();
        let (one, other) = tokio::join!(open(&home), open(&home));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert!(one.is_some() != other.is_some(), "one of them serves");
        let (listener, socket) = one.or(other).unwrap();
        assert!(open(&home).await.unwrap().is_none(), "a third one neither");
        let (listening, accepted) =
            tokio::join!(UnixStream::connect(home.notes()), listener.accept());
        assert!(listening.is_ok() && accepted.is_ok());
        drop((listener, socket));
        assert!(!home.notes().exists());
        assert!(open(&home).await.unwrap().is_some(), "it is free again");
    }

    #[tokio::test]
    async fn the_end_of_one_leaves_the_socket_of_the_next_alone() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder.path().join("lab"));
        std::fs::create_dir(&home.folder).unwrap();
        let old = open(&home).await.unwrap().unwrap();
        // `down --purge` and `up` from another terminal
        std::fs::remove_dir_all(&home.folder).unwrap();
        std::fs::create_dir(&home.folder).unwrap();
        let new = open(&home).await.unwrap().unwrap();
        assert!(!old.1.is_there() && new.1.is_there());
        drop(old);
        assert!(new.1.is_there());
    }

    #[tokio::test]
    async fn a_listener_that_is_gone_is_noticed_while_there_is_nothing_to_say() {
        let (here, there) = UnixStream::pair().unwrap();
        let (_notes, note) = watch::channel(None);
        let told = tell(here, note);
        drop(there);
        tokio::time::timeout(LONG, told)
            .await
            .expect("it is noticed");
    }
}
