//! Recordings as files: written line by line as things happen, compressed where the name says so,
//! and read again as far as they go. What a line says is `model::recording`'s business.

use super::files::{self, Privacy};
use super::home::Home;
use super::{World, runs};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_event::Happening;
use flinklab_event::recording::{
    Header, LARGEST, LONGEST_LINE, Private, Reading, Recording, Size, Writer,
};
use jiff::{SignedDuration, Timestamp};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The fault of a recording that could not go on.
pub const RECORDING_ENDED: &str = "recording-ended";
/// Name of the recording in a run's folder.
pub const OF_A_RUN: &str = "events.flinklab.gz";
/// How a name says that the file is compressed.
const PACKED: &str = "gz";
/// How old what is not in the file yet may be.
const FLUSHED: SignedDuration = SignedDuration::from_secs(1);

/// A recording being written.
#[derive(Debug)]
pub struct Tape {
    path: PathBuf,
    writer: Writer,
    out: Out,
    flushed: Timestamp,
    size: Size,
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
        let file = files::new(path).map_err(|error| {
            let what = format!("Cannot write a recording to {}.", path.display());
            let fault = Fault::wrong("recording-unwritable", what);
            match error.kind() {
                io::ErrorKind::AlreadyExists => fault
                    .why("there is a file of that name, and a recording never replaces one")
                    .hint("Name another file, or remove that one."),
                _ => fault.why(error),
            }
        })?;
        let mut tape = Self::on(path, file, header.began, private);
        tape.put(&header.line(), header.began)?;
        Ok(tape)
    }

    /// Goes on with a recording that this process began then and ended since.
    pub fn go_on(path: &Path, began: Timestamp, private: Private) -> Result<Self, Fault> {
        let file = files::append(path).map_err(|error| {
            let what = format!("Cannot go on with the recording {}.", path.display());
            Fault::wrong("recording-unwritable", what).why(error)
        })?;
        let mut tape = Self::on(path, file, began, private);
        // what is compressed counts by what it becomes
        let counted = File::open(path).and_then(|file| {
            let (text, _) = unpacked(BufReader::new(file))?;
            lines(text, |line| io::Result::Ok(tape.size.add(line).is_ok()))
        });
        match counted {
            Ok(()) => Ok(tape),
            Err(error) => Err(tape.ends(error)),
        }
    }

    fn on(path: &Path, file: File, began: Timestamp, private: Private) -> Self {
        let file = BufWriter::new(file);
        let packed = path.extension().is_some_and(|end| end == PACKED);
        Self {
            path: path.to_owned(),
            writer: Writer::new(began, private),
            // a second piece of compressed text after the first is read as one
            out: if packed {
                Out::Packed(GzEncoder::new(file, Compression::default()))
            } else {
                Out::Plain(file)
            },
            flushed: began,
            size: Size::default(),
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
        if let Err(why) = self.size.add(line.as_bytes()) {
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

    /// Leaves no room for another event: what a test of a full recording does.
    #[doc(hidden)]
    pub fn fill(&mut self) {
        self.size.bytes = LARGEST;
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
        .hint(advice!(
            "Give a file that `flinklab --record FILE` made, the name of a run of this lab, \
                 or --demo."
        ))
    };
    let file = File::open(&path).map_err(cannot)?;
    if file.metadata().map_err(cannot)?.is_dir() {
        return Err(cannot(io::Error::other("it is a folder")));
    }
    whole(&shown, BufReader::new(file)).map_err(|failed| match failed {
        Failed::File(error) => cannot(error),
        Failed::Recording(fault) => fault,
    })
}

/// Reads a recording out of the bytes of its file, compressed or not.
pub fn of_bytes(name: &str, bytes: &[u8]) -> Result<Recording, Fault> {
    whole(name, bytes).map_err(|failed| match failed {
        Failed::File(error) => {
            let what = format!("Cannot read the recording {name}.");
            Fault::wrong("no-recording", what).why(error)
        }
        Failed::Recording(fault) => fault,
    })
}

/// Why a recording is not read.
enum Failed {
    File(io::Error),
    Recording(Fault),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Recording(fault)
    }
}

/// Reads a recording as far as it goes. Of its text no more than a line is held at once.
fn whole(name: &str, file: impl BufRead) -> Result<Recording, Failed> {
    let mut reading = Reading::new(name);
    let (text, packed) = unpacked(file)?;
    let damage = match lines(text, |line| Ok(reading.line(line)?)) {
        Ok(()) => None,
        Err(Failed::File(error)) if packed => {
            Some(format!("its compressed text ends early: {error}"))
        }
        Err(failed) => return Err(failed),
    };
    Ok(reading.end(damage)?)
}

/// The text of a file, compressed or not, no longer than that of a recording; and whether it was.
fn unpacked<'a>(mut file: impl BufRead + 'a) -> io::Result<(Box<dyn BufRead + 'a>, bool)> {
    const MOST: u64 = LARGEST + 1;
    let packed = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if packed {
        let text = BufReader::new(MultiGzDecoder::new(file));
        (Box::new(text.take(MOST)), true)
    } else {
        (Box::new(file.take(MOST)), false)
    })
}

/// Gives line after line, each with its line break, until no more is wanted. Of one that is too
/// long for a recording only the beginning is given.
fn lines<E: From<io::Error>>(
    mut text: impl BufRead,
    mut each: impl FnMut(&[u8]) -> Result<bool, E>,
) -> Result<(), E> {
    let most = LONGEST_LINE as u64 + 1;
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| {
        line.clear();
        text.by_ref().take(most).read_until(b'\n', line)
    };
    while next(&mut line)? > 0 {
        if !each(&line)? {
            break;
        }
        let mut long = line.len() > LONGEST_LINE;
        while long && line.last() != Some(&b'\n') {
            long = next(&mut line)? > 0;
        }
    }
    Ok(())
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
    files::replace(path, text.as_bytes(), Privacy::Readable).map_err(cannot)
}

#[cfg(test)]
mod tests;
