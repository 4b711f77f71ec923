//! Speaker notes from one terminal to another: a Unix socket in the lab's folder, no port. Whoever shows
//! the lab writes the newest note as a line whenever it changed; whoever listens reads lines. Nothing
//! that is sent here is acted upon.

use super::beat::beat;
use super::home::Home;
use super::{Events, World};
use crate::fault::Fault;
use crate::model::{Event, Note};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Between two looks whether there is a lab whose folder the socket could be in.
const LOOK: Duration = Duration::from_secs(1);
/// Those who listen at a time: one is usual.
const LISTENERS: usize = 8;
/// How long a line is: notes are short.
const LONGEST: usize = 64 * 1024;

/// Removes the socket when nobody serves it any more.
struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
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
    let (listener, _socket) = match open(home).await {
        Ok(Some(open)) => open,
        Ok(None) => return,
        Err(fault) => {
            tracing::warn!(%fault, "nobody can read the notes");
            return;
        }
    };
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = open.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                if open.len() < LISTENERS {
                    open.spawn(tell(stream, world.note.subscribe()));
                }
            }
            // the folder may be removed beneath us: another one gets another socket
            () = beat(LOOK) => if !home.notes().exists() { return },
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
            .mend("A path of a socket has at most about 100 characters: set FLINKLAB_HOME to a shorter one.")
    };
    if UnixStream::connect(&path).await.is_ok() {
        return Ok(None);
    }
    // what a killed process left
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(unable(error)),
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(unable)?;
    let socket = Socket(path.clone());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(unable)?;
    Ok(Some((listener, socket)))
}

/// Writes the newest note whenever it changed, until the other side is gone.
async fn tell(mut stream: UnixStream, mut notes: tokio::sync::watch::Receiver<Option<Note>>) {
    notes.mark_changed();
    while notes.changed().await.is_ok() {
        let note = notes.borrow_and_update().clone();
        let Some(mut line) = note.and_then(|note| serde_json::to_string(&note).ok()) else {
            continue;
        };
        line.push('\n');
        if stream.write_all(line.as_bytes()).await.is_err() {
            return;
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
        let mut limited = tokio::io::AsyncReadExt::take(&mut lines, LONGEST as u64);
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
            .mend(
                "Start `flinklab --present` in another terminal first. A simulated lab is in a folder of its \
                 own: its key P tells the command.",
            )
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
