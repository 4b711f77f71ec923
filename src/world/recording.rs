//! Recordings as files: written line by line as things happen, compressed where the name says so,
//! and read again as far as they go. What a line says is `model::recording`'s business.

use super::home::Home;
use super::{World, runs};
use crate::fault::Fault;
use crate::model::Happening;
use crate::model::recording::{Header, Private, Recording, Writer};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The fault of a recording that could not go on.
pub const RECORDING_ENDED: &str = "recording-ended";
/// Name of the recording in a run's folder.
pub const OF_A_RUN: &str = "events.flinklab.gz";
/// How a name says that the file is compressed.
const PACKED: &str = "gz";
/// How old what is not in the file yet may be.
const FLUSHED: SignedDuration = SignedDuration::from_secs(1);
/// A recording stops at this many bytes before compression: an hour of trouble has some 50 MB.
const LARGEST: u64 = 2 * 1024 * 1024 * 1024;
/// And no more than this is read.
const READ: u64 = 512 * 1024 * 1024;

/// A recording being written.
#[derive(Debug)]
pub struct Tape {
    path: PathBuf,
    writer: Writer,
    out: Out,
    flushed: Timestamp,
    bytes: u64,
}

#[derive(Debug)]
enum Out {
    Plain(BufWriter<File>),
    Packed(GzEncoder<BufWriter<File>>),
}

impl Out {
    fn write(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(file) => file,
            Self::Packed(file) => file,
        }
    }
}

impl Tape {
    /// Begins a recording in a new file that only its owner may read. An existing one is kept.
    pub fn create(path: &Path, header: &Header, private: Private) -> Result<Self, Fault> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options.open(path).map_err(|error| {
            let what = format!("Cannot write a recording to {}.", path.display());
            let fault = Fault::wrong("recording-unwritable", what);
            match error.kind() {
                io::ErrorKind::AlreadyExists => fault
                    .why("there is a file of that name, and a recording never replaces one")
                    .mend("Name another file, or remove that one."),
                _ => fault.why(error),
            }
        })?;
        let mut tape = Self::on(path, file, header.began, private);
        tape.put(&header.line(), header.began)?;
        Ok(tape)
    }

    /// Goes on with a recording that this process began then and ended since.
    pub fn go_on(path: &Path, began: Timestamp, private: Private) -> Result<Self, Fault> {
        let file = fs::OpenOptions::new().append(true).open(path);
        let file = file.map_err(|error| {
            let what = format!("Cannot go on with the recording {}.", path.display());
            Fault::wrong("recording-unwritable", what).why(error)
        })?;
        let written = file.metadata().map_or(0, |found| found.len());
        let mut tape = Self::on(path, file, began, private);
        tape.bytes = written;
        Ok(tape)
    }

    fn on(path: &Path, file: File, began: Timestamp, private: Private) -> Self {
        let file = BufWriter::new(file);
        let packed = path.extension().is_some_and(|end| end == PACKED);
        Self {
            path: path.to_owned(),
            writer: Writer::new(began, private),
            // a second piece of compressed text after the first is read as one
            out: match packed {
                true => Out::Packed(GzEncoder::new(file, Compression::default())),
                false => Out::Plain(file),
            },
            flushed: began,
            bytes: 0,
        }
    }

    /// Begins the recording of a run in its folder.
    pub fn of_run(
        world: &World,
        run: &str,
        header: &Header,
        private: Private,
    ) -> Result<Self, Fault> {
        let home = Home::of(&world.addresses, &world.name);
        let folder = runs::make_folder(&home, run)?;
        Self::create(&folder.join(OF_A_RUN), header, private)
    }

    /// Writes one event.
    pub fn take(&mut self, happening: &Happening) -> Result<(), Fault> {
        match self.writer.line(happening) {
            Some(line) => self.put(&line, happening.at),
            None => Ok(()),
        }
    }

    fn put(&mut self, line: &str, at: Timestamp) -> Result<(), Fault> {
        self.bytes += line.len() as u64;
        if self.bytes > LARGEST {
            let why = format!("it has {LARGEST} bytes, which is the most");
            return Err(self.ends(why));
        }
        let mut written = self.out.write().write_all(line.as_bytes());
        if at.duration_since(self.flushed) >= FLUSHED {
            self.flushed = at;
            written = written.and_then(|()| self.out.write().flush());
        }
        written.map_err(|error| self.ends(error))
    }

    fn ends(&self, why: impl std::fmt::Display) -> Fault {
        let what = format!("The recording {} ends here.", self.path.display());
        Fault::unable(RECORDING_ENDED, what).why(why)
    }

    /// Ends the file.
    pub fn close(mut self) -> Result<(), Fault> {
        let ended = match &mut self.out {
            Out::Plain(file) => file.flush(),
            Out::Packed(file) => file.try_finish().and_then(|()| file.get_mut().flush()),
        };
        ended.map_err(|error| self.ends(error))
    }
}

/// Reads a recording: a file, or the name of a run of this lab.
pub fn read(world: &World, name: &Path) -> Result<Recording, Fault> {
    let shown = name.display().to_string();
    let mut path = name.to_owned();
    if !path.exists()
        && let Ok(run) = runs::plain_name(&shown)
    {
        let home = Home::of(&world.addresses, &world.name);
        let of_run = home.runs().join(run).join(OF_A_RUN);
        if of_run.is_file() {
            path = of_run;
        }
    }
    let cannot = |error: io::Error| {
        Fault::wrong(
            "no-recording",
            format!("Cannot read the recording {shown}."),
        )
        .why(error)
        .mend(
            "Give a file that `flinklab --record FILE` made, the name of a run of this lab, \
                 or --demo.",
        )
    };
    let file = File::open(&path).map_err(cannot)?;
    if file.metadata().map_err(cannot)?.is_dir() {
        return Err(cannot(io::Error::other("it is a folder")));
    }
    let mut bytes = Vec::new();
    file.take(READ).read_to_end(&mut bytes).map_err(cannot)?;
    of_bytes(&shown, &bytes)
}

/// Reads a recording out of the bytes of its file, compressed or not.
pub fn of_bytes(name: &str, bytes: &[u8]) -> Result<Recording, Fault> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Recording::read(name, bytes);
    }
    let mut text = Vec::new();
    let mut packed = MultiGzDecoder::new(bytes).take(READ);
    // what was unpacked before the damage stays in `text`
    let damage = packed.read_to_end(&mut text).err();
    if damage.is_some() {
        // the last piece may be half a line
        let whole = text.iter().rposition(|byte| *byte == b'\n');
        text.truncate(whole.map_or(0, |at| at + 1));
    }
    let mut recording = Recording::read(name, &text)?;
    if let Some(error) = damage {
        recording.cut = Some(format!("its compressed text ends early: {error}"));
    } else if text.len() as u64 == READ {
        recording.cut = Some(format!("only its first {READ} bytes were read"));
    }
    Ok(recording)
}

/// Writes a picture. An existing file is replaced in one stroke.
pub fn write_picture(path: &Path, text: &str) -> Result<(), Fault> {
    let cannot = |error: io::Error| {
        Fault::wrong(
            "picture-unwritable",
            format!("Cannot write {}.", path.display()),
        )
        .why(error)
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, text).map_err(cannot)?;
    fs::rename(&beside, path).map_err(cannot)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::{Event, Origin};

    fn tape(path: &Path) -> Tape {
        let began = "2026-11-24T21:00:00Z".parse().unwrap();
        Tape::create(
            path,
            &Header::new(began, None, Origin::Real),
            Private::default(),
        )
        .unwrap()
    }

    fn recorded(path: &Path, ticks: i64) -> Tape {
        let mut tape = tape(path);
        let began: Timestamp = "2026-11-24T21:00:00Z".parse().unwrap();
        for n in 0..ticks {
            let at = began + SignedDuration::from_millis(n * 250);
            tape.take(&Happening {
                at,
                event: Event::Tick,
            })
            .unwrap();
        }
        tape
    }

    #[test]
    fn plain_and_compressed_files_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.flinklab", "a.flinklab.gz"] {
            let path = folder.path().join(name);
            recorded(&path, 100).close().unwrap();
            let bytes = fs::read(&path).unwrap();
            assert_eq!(bytes.starts_with(b"{"), name.ends_with("flinklab"));
            let read = of_bytes(name, &bytes).unwrap();
            assert_eq!((read.happenings.len(), read.cut), (100, None));
        }
    }

    #[test]
    fn a_recording_goes_on_after_something_else_was_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.flinklab", "a.flinklab.gz"] {
            let path = folder.path().join(name);
            recorded(&path, 10).close().unwrap();
            let began: Timestamp = "2026-11-24T21:00:00Z".parse().unwrap();
            let mut tape = Tape::go_on(&path, began, Private::default()).unwrap();
            let at = began + SignedDuration::from_secs(60);
            let event = Event::Tick;
            tape.take(&Happening { at, event }).unwrap();
            tape.close().unwrap();
            let read = of_bytes(name, &fs::read(&path).unwrap()).unwrap();
            assert_eq!((read.happenings.len(), read.length()), (11, 60_000_000));
            assert_eq!(read.remarks(), Vec::<String>::new());
        }
    }

    #[test]
    fn a_killed_program_leaves_what_is_older_than_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.flinklab.gz");
        // 25 s of ticks, never closed
        std::mem::forget(recorded(&path, 100));
        let read = of_bytes("a", &fs::read(&path).unwrap()).unwrap();
        assert!(read.happenings.len() >= 95, "{}", read.happenings.len());
        assert!(read.cut.is_some());
    }

    #[test]
    fn a_recording_never_replaces_a_file_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "mine").unwrap();
        let header = Header::new(Timestamp::UNIX_EPOCH, None, Origin::Real);
        let fault = Tape::create(&path, &header, Private::default()).unwrap_err();
        assert_eq!(fault.code, "recording-unwritable");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let path = folder.path().join("b");
            tape(&path).close().unwrap();
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
